"""Plain SQL, for tests that bypass the models and the actions."""

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
