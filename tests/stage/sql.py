"""Plain SQL, for tests that bypass the models and the actions."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection


def run(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Runs a statement and returns its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return list(cursor.fetchall()) if cursor.description else []


def change(table: str, pk: int, **to: str) -> None:
    """Updates one row. `to` has SQL expressions for its columns."""
    sets = ", ".join(f'"{column}" = {value}' for column, value in to.items())
    changed = run(f"UPDATE {table} SET {sets} WHERE id = {pk} RETURNING id")
    assert changed == [(pk,)], f"{table} has no row {pk}"


def delete(table: str, pk: int) -> None:
    """Deletes one row."""
    assert run(f"DELETE FROM {table} WHERE id = {pk} RETURNING id") == [(pk,)], f"{table} has no row {pk}"


def copy(table: str, pk: int, **but: str) -> int:
    """Copies a row and returns the copy's id. `but` has SQL expressions for the columns that differ."""
    columns = [name for name in columns_of(table) if name != "id"]
    assert set(but) <= set(columns), f"{table} has no column {set(but) - set(columns)}"
    into = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(but.get(column, f'"{column}"') for column in columns)
    ((new,),) = run(f"INSERT INTO {table} ({into}) SELECT {values} FROM {table} WHERE id = {pk} RETURNING id")
    return int(new)


def columns_of(table: str) -> list[str]:
    """The columns that can be written, without generated ones."""
    found = run(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'",
        table,
    )
    return [name for (name,) in found]


def settle() -> None:
    """Runs all deferred checks, which PostgreSQL would run at the end of the transaction."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("SET CONSTRAINTS ALL DEFERRED")


@dataclass
class Asked:
    """
    What some code asked of the database.

    Several statements travel in one text (`models/prepared.py`): the process waits for the database once, and the
    database executes each. PREPARE, which happens once for a connection, is in neither number.
    """

    round_trips: int = 0
    statements: int = 0


@contextmanager
def asked() -> Iterator[Asked]:
    """Counts every text that goes to the database, and every statement in it, with those of savepoints."""
    cost = Asked()

    def count(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        cost.round_trips += 1
        # In the text without its parameters, so that nothing that somebody wrote is taken for a statement.
        cost.statements += len(params) if many else statements_in(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        yield cost


# What stands between two statements of a text, and what may have such a sign in it and separates nothing.
BETWEEN = re.compile(r"""'[^']*'|"[^"]*"|--[^\n]*|/\*.*?\*/|(?P<between>;)\s*(?=\S)""", re.DOTALL)


def statements_in(sql: str) -> int:
    """The number of statements in a text. A parser finds the same, and took most of the time of some tests."""
    return 1 + sum(found["between"] is not None for found in BETWEEN.finditer(sql))


def within(cost: int, budget: int) -> bool:
    """Whether something costs what its budget says, or one less. Who makes it cheaper lowers the budget."""
    return budget - 1 <= cost <= budget


WRITES = re.compile(r'\b(?:INSERT INTO|(?<!FOR )(?<!KEY )(?<!DO )UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE)
LOCKS = re.compile(r"\bFOR (?:NO KEY )?UPDATE\b", re.IGNORECASE)


@dataclass
class Written:
    """The tables that some code wrote, or tried to; and the statements by which it locked rows."""

    tables: set[str] = field(default_factory=set)
    locks: list[str] = field(default_factory=list)


@contextmanager
def written() -> Iterator[Written]:
    """
    What some code writes and locks. PostgreSQL counts the rows that this transaction writes, whatever the form of the
    statement, and those of triggers. A statement that writes no row this time is seen by its text.
    """
    found, sent = Written(), []

    def note(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        sent.append(sql)
        return execute(sql, params, many, context)

    before = _rows_written()
    with connection.execute_wrapper(note):
        yield found
    after = _rows_written()
    prepared = sorted({name for sql in sent for name in re.findall(r"\bEXECUTE (\w+)", sql)})
    if prepared:
        sent += [sql for (sql,) in run("SELECT statement FROM pg_prepared_statements WHERE name = ANY(%s)", prepared)]
    found.tables |= {table for table, rows in after.items() if rows != before.get(table, 0)}
    found.tables |= {table for sql in sent for table in WRITES.findall(sql)}
    found.locks += [sql for sql in sent if LOCKS.search(sql)]


def _rows_written() -> dict[str, int]:
    """How many rows this transaction has inserted, updated and deleted so far, by table."""
    # What the view pg_stat_xact_user_tables shows, without its joins, which take a millisecond.
    return dict(
        run(
            "SELECT relname, pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid) "
            "+ pg_stat_get_xact_tuples_deleted(oid) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
    )
