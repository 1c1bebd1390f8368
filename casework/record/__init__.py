"""The record of every step: audit events, status changes, responsibilities; and the check of its integrity."""
