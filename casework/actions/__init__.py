"""
What can be done. Each action is one transaction, keyword-only, carries `by` and `now`, and has one shape:
load and lock, check, move, clocks, audit, outbox, return. None of them sends or enqueues anything.

The checks come in one order: permission, state, input. Whoever may not do it learns nothing of how it stands, and
nobody corrects a form for something that is no longer to be done.
"""
