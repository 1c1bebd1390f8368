"""Clocks, their policies, and the recipients of reminders."""
