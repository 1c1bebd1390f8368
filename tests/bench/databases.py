"""The bench's databases: one with the reference data, copies of it, and in them copies of what was told for real."""

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
    """The name of a database with the reference data and nothing else. It is there to be copied."""
    from casework.jobs.reference_data import load

    name = create("reference", copy_of=DATABASE)
    load()
    return name


def create(name: str, *, copy_of: str) -> str:
    """A new database, and the one in use. Its name."""
    connection.close()  # a database in which somebody is cannot be copied
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {copy_of}")
    use(name)
    return name


def use(name: str) -> None:
    """Make this the database in use."""
    if connection.settings_dict["NAME"] != name:
        connection.close()
        connection.settings_dict["NAME"] = name
    # The first statement on a connection pays for it; what is measured does not.
    connection.ensure_connection()


def copy_rows(numbers: range, rows: "Mapping[type[Model], str]", **but: str) -> None:
    """
    Copy what was told once for each number. Copies belong together as the originals do: a contact's copy has its own
    copies of the case and the clocks.

    :param rows: of which models, and which of the rows, in SQL; what these refer to beyond them stays the same.
    :param but: what is different in a copy, in SQL, as `contact_document="'{}'"`. `n` is its number.
    """
    with connection.cursor() as cursor:
        # What is copied was checked when it was real.
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
        # Else the server writes all this down while something is measured.
        cursor.execute("CHECKPOINT")
