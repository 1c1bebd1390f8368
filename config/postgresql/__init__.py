"""
Django's backend for PostgreSQL, which composes the columns of a query once for a process (`compiler.py`).

docs/adr/0033 says why.
"""
