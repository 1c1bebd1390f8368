"""What pages list and count: worklists, and who was responsible for a case and how long."""
