"""Who may do what (`permissions`), and when it may be done (`conditions`)."""
