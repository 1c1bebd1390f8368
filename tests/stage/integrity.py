"""The database, broken past its own refusals: with triggers silenced, with a constraint dropped."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.stage.sql import run, settle

REFUSALS = "Every refusal of the database stands and is switched on"
STATUS = "A status is where its last change left it"


@contextmanager
def underneath(*dropped: tuple[str, str]) -> Iterator[None]:
    """With no trigger firing, and without these constraints: (table, name)."""
    settle()
    for table, name in dropped:
        drop(table, name)
    run("SET LOCAL session_replication_role = replica")
    yield
    run("SET LOCAL session_replication_role = origin")


def drop(table: str, name: str) -> None:
    """Drop a constraint, or the index that is one."""
    if run("SELECT 1 FROM pg_constraint WHERE conname = %s", name):
        run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    else:
        run(f'DROP INDEX "{name}"')
