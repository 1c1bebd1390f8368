"""
The invariants, counted after every step of a test; and the database, broken past its own refusals: with triggers
silenced, with a constraint dropped.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from casework.models.prepared import Prepared, send
from casework.record.integrity import INVARIANTS
from tests.stage.sql import run, settle

REFUSALS = "Every refusal of the database stands and is switched on"
STATUS = "A status is where its last change left it"

# PostgreSQL plans it once: planning takes longer than counting a few rows.
BROKEN = Prepared("test_broken", "SELECT " + ", ".join(f"({each.counts})" for each in INVARIANTS))


def named(counts: Sequence[int]) -> dict[str, int]:
    """The invariants that are broken, of the one row of `BROKEN`."""
    return {each.sentence: count for each, count in zip(INVARIANTS, counts, strict=True) if count}


def broken() -> dict[str, int]:
    """The invariants that are broken."""
    ((counts,),) = send(BROKEN())
    return named(counts)


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
