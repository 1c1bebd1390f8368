"""Databases of their own, for tests in which transactions really commit: races, and services in other processes."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, connections
from django.db.backends.utils import CursorWrapper

from casework import rules


@contextmanager
def own_database() -> Iterator[str]:
    """A copy of the test database, used by this process until the end. Needs no transaction to be open."""
    original = connection.settings_dict["NAME"]
    name = f"{original}_{uuid.uuid4().hex[:8]}"
    connection.close()
    with _maintenance() as maintenance:
        maintenance.execute(f'CREATE DATABASE "{name}" TEMPLATE "{original}"')
    connection.settings_dict["NAME"] = name
    # Versions of rule sets are remembered by their ids, and another database gives the same ids to others.
    rules._compiled.cache_clear()
    try:
        yield name
    finally:
        connections.close_all()
        connection.settings_dict["NAME"] = original
        rules._compiled.cache_clear()
        with _maintenance() as maintenance:
            maintenance.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def _maintenance() -> Iterator[CursorWrapper]:
    """A cursor outside every transaction, on the database that is always there."""
    with connection._nodb_cursor() as cursor:
        yield cursor
