"""
What can be done. Each action is one transaction, keyword-only, carries `by` and `now`, and has one shape:
load and lock, check, move, clocks, audit, outbox, return. None of them sends or enqueues anything.
"""
