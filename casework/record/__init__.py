"""What is kept of every step: audit, status changes, responsibility; and the check that nothing of it is broken."""
