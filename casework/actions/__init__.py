"""
What people do. Each action is one transaction, keyword-only, takes `by` and `now`, and has one shape: load and lock,
check, change the status, start or stop clocks, write the audit event, queue messages, return. No action sends or
enqueues anything.

The checks come in one order: permission, status, input. So a user without permission learns nothing about the status,
and nobody corrects a form for an action that is no longer possible.
"""
