"""The bench's databases: one with the reference data, copies of it, and copies of rows that real actions made."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from django.db import connection

from config.local.embedded import DATABASE

if TYPE_CHECKING:
    from django.db.models import Model

# The nth copy of a row has the row's number and n times as much as this.
APART = 1_000


@cache
def reference() -> str:
    """The name of a database with the reference data and nothing else, which is a template for others."""
    from casework.jobs.reference_data import load
    from localities.loading import BUCKINGHAMSHIRE, DEMONSTRATION

    name = create("reference", copy_of=DATABASE)
    load(BUCKINGHAMSHIRE, DEMONSTRATION)
    return name


def create(name: str, *, copy_of: str) -> str:
    """Creates a database, uses it, and returns its name."""
    connection.close()  # PostgreSQL copies no database that has a connection
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {copy_of}")
    use(name)
    return name


def use(name: str) -> None:
    """Uses this database from now on."""
    if connection.settings_dict["NAME"] != name:
        connection.close()
        connection.settings_dict["NAME"] = name
    # Connects now, so that no measured statement has to.
    connection.ensure_connection()


def copy_rows(numbers: range, rows: "Mapping[type[Model], str]", **but: str) -> None:
    """
    Copies rows once for each number. The copies refer to each other as the originals do: a contact's copy has its own
    copies of the case and the clocks.

    :param rows: a condition in SQL for each model to copy. References to other rows stay the same.
    :param but: SQL expressions for the columns that differ, as `contact_document="'{}'"`. `n` is the copy's number.
    """
    with connection.cursor() as cursor:
        # The originals have passed all checks, so the copies skip them.
        cursor.execute("SET session_replication_role = replica")
        for model, which in rows.items():
            values = {}
            for field in model._meta.concrete_fields:
                if not field.generated:
                    moves = field.primary_key or field.related_model in rows
                    same = f'"{field.column}" + n * {APART}' if moves else f'"{field.column}"'
                    values[f'"{field.column}"'] = but.get(f"{model._meta.model_name}_{field.column}", same)
            table = model._meta.db_table
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())} "
                f"FROM generate_series({numbers.start}, {numbers.stop - 1}) n, {table} WHERE id < {APART} AND {which}"
            )
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")
        # Otherwise the server would write the new pages to disk during a measurement.
        cursor.execute("CHECKPOINT")
