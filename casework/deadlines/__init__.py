"""Clocks, their policies, what each asks for in words, and the recipients of reminders."""
