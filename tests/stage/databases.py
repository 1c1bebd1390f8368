"""
The tests' databases: one for each worker, all copies of one that the first of them made; and databases of their own,
for tests in which transactions really commit: races, and services in other processes.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, connections
from django.db.backends.utils import CursorWrapper

from casework.jobs.reference_data import load
from config.local.embedded import DATABASE
from localities.loading import BUCKINGHAMSHIRE, DEMONSTRATION
from tests.stage.sessions import keep_sessions
from triage import published_rules

MADE = "with_reference_data"


@contextmanager
def workers_database() -> Iterator[None]:
    """This worker's database, with Buckinghamshire's reference data and nothing else."""
    with _maintenance() as maintenance:
        # The first worker makes the database that all copy; the others wait here.
        maintenance.execute("SELECT pg_advisory_lock(1)")
        maintenance.execute("SELECT FROM pg_database WHERE datname = %s", [MADE])
        if maintenance.fetchone() is None:
            _make(maintenance)
    # As Django would call it; each worker of a run has its own.
    name: str = connection.creation._get_test_db_name()  # type: ignore[attr-defined]  # private, as _nodb_cursor is
    with _copy(name), using(name):
        yield


def new_name() -> str:
    """A name that no database of the server has."""
    return f"{connection.settings_dict['NAME']}_{uuid.uuid4().hex[:8]}"


@contextmanager
def another_database(like: str = MADE, name: str = "") -> Iterator[str]:
    """
    A database with Buckinghamshire's reference data and nothing else, until the end of the block.

    :param like: another one to copy, which nobody is connected to.
    :param name: that of `new_name`, where something must know it before.
    """
    name = name or new_name()
    with _copy(name, like):
        yield name


@contextmanager
def own_database(like: str = MADE) -> Iterator[str]:
    """Another database, which this process uses until the end of the block. No transaction may be open."""
    with another_database(like) as name, using(name):
        yield name


@contextmanager
def using(name: str) -> Iterator[None]:
    """This process uses the database until the end of the block."""
    original = connection.settings_dict["NAME"]
    _use(name)
    try:
        yield
    finally:
        _use(original)


def _use(name: str) -> None:
    connections.close_all()
    connection.settings_dict["NAME"] = name
    # Rule sets are cached by their ids, and another database has other rule sets with the same ids.
    published_rules._compiled.cache_clear()


@contextmanager
def _copy(name: str, like: str = MADE) -> Iterator[None]:
    """A copy of a database, which is dropped at the end of the block."""
    with _maintenance() as maintenance:
        maintenance.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}" STRATEGY file_copy')
    try:
        yield
    finally:
        with _maintenance() as maintenance:
            maintenance.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _make(maintenance: CursorWrapper) -> None:
    """Loads the reference data into the database that has only tables, and signs everybody in."""
    with using(DATABASE):
        load(BUCKINGHAMSHIRE, DEMONSTRATION)
        keep_sessions()
        connection.cursor().execute("ANALYZE")
    maintenance.execute(f'ALTER DATABASE "{DATABASE}" RENAME TO "{MADE}"')


@contextmanager
def _maintenance() -> Iterator[CursorWrapper]:
    """A cursor on the maintenance database, outside every transaction."""
    with connection._nodb_cursor() as cursor:
        yield cursor
