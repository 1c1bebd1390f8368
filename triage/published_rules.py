"""The published rule sets, from the database."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from errors import ServiceError
from triage.models import RuleSetVersion
from triage.ruleset import RuleSet, parse

# The key of the advisory lock on which version is live. casework/deadlines/clocks.py has another key.
WHICH_IS_LIVE = 7_001

LOCK_AND_READ = """
SELECT pg_advisory_xact_lock_shared(%s);
SELECT id FROM triage_rulesetversion WHERE live @> %s::timestamptz
"""


@dataclass(frozen=True)
class Rules:
    """A published version and its rule set."""

    version_id: int
    rule_set: RuleSet


def live(at: datetime) -> Rules:
    """
    The version that is live at this moment.

    :raises ServiceError: none is.
    """
    return _of_row(RuleSetVersion.objects.filter(live__contains=at).order_by().values_list("pk").first())


def _of_row(row: tuple[int] | None) -> Rules:
    if row is None:
        raise ServiceError("No rule set is live: load the reference data, or publish a rule set.")
    return of_version(row[0])


def live_and_locked(at: datetime) -> Rules:
    """
    The version that is live at this moment, locked until the transaction ends: publishing waits for it.

    While somebody publishes, this waits. Afterwards the moment decides which of the two versions it gets: both
    statements go in one round trip, and the second sees what was committed before the lock was granted.

    :raises ServiceError: no version is live.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_AND_READ, [WHICH_IS_LIVE, at])
        cursor.nextset()
        return _of_row(cursor.fetchone())


def lock_live_version() -> None:
    """Locks which version is live: until the transaction ends, nobody else publishes and no contact is received."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WHICH_IS_LIVE])


def of_version(version_id: int) -> Rules:
    """A published version. It never changes, so each process reads and compiles it once."""
    return _compiled(version_id)


@lru_cache(maxsize=16)
def _compiled(version_id: int) -> Rules:
    document: Any = RuleSetVersion.objects.values_list("document", flat=True).get(pk=version_id)
    return Rules(version_id, parse(document))
