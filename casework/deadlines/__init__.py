"""Clocks and their policies, and whom a reminder is for."""
