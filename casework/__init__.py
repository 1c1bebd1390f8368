"""The story: contacts, decisions, cases, handoffs, deadlines and messages, and the doors to them."""
