"""The story: contacts, decisions, cases, handoffs, clocks, reminders, outbox and audit, and the doors to them."""
