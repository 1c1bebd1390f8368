"""Plain SQL for the tests that go round the models and the actions."""

from typing import Any

from django.db import connection


def run(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement; the rows that it gives, if it gives any."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return list(cursor.fetchall()) if cursor.description else []


def change(table: str, pk: int, **to: str) -> None:
    """Update one row: `to` says in SQL what its columns become."""
    sets = ", ".join(f'"{column}" = {value}' for column, value in to.items())
    changed = run(f"UPDATE {table} SET {sets} WHERE id = {pk} RETURNING id")
    assert changed == [(pk,)], f"{table} has no row {pk}"


def delete(table: str, pk: int) -> None:
    """Delete one row."""
    assert run(f"DELETE FROM {table} WHERE id = {pk} RETURNING id") == [(pk,)], f"{table} has no row {pk}"


def copy(table: str, pk: int, **but: str) -> int:
    """Insert a row like the one that is there; `but` says in SQL what is different. The id of the new row."""
    columns = [name for name in columns_of(table) if name != "id"]
    assert set(but) <= set(columns), f"{table} has no column {set(but) - set(columns)}"
    into = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(but.get(column, f'"{column}"') for column in columns)
    ((new,),) = run(f"INSERT INTO {table} ({into}) SELECT {values} FROM {table} WHERE id = {pk} RETURNING id")
    return int(new)


def columns_of(table: str) -> list[str]:
    """The columns that can be written: not those that PostgreSQL makes of others."""
    found = run(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'",
        table,
    )
    return [name for (name,) in found]


def settle() -> None:
    """Have everything checked that PostgreSQL would check at the end of the transaction."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("SET CONSTRAINTS ALL DEFERRED")
