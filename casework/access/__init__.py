"""Who may do what (`permissions`), when it may be done (`conditions`), and when answers leave (`in_step`)."""
