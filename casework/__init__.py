"""Contacts, decisions, cases, handoffs, deadlines and messages; and the web, API, admin and tasks that use them."""
