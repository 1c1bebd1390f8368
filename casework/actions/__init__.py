"""
What people do. Each action is one transaction, keyword-only, takes `by` and `now`, and has one shape: load and lock,
check, move, clocks, audit, outbox, return. No action sends or enqueues anything.

The checks come in one order: permission, state, input. So a user without permission learns nothing about the status,
and nobody corrects a form for something that cannot be done any more.
"""
