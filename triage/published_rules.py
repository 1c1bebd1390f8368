"""Which rule set answers, as the database has it."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from errors import ServiceError
from triage.models import RuleSetVersion
from triage.ruleset import RuleSet, parse

# An advisory lock: which version is live. casework/deadlines/clocks.py has another.
WHICH_IS_LIVE = 7_001

LOCK_AND_READ = """
SELECT pg_advisory_xact_lock_shared(%s);
SELECT id FROM triage_rulesetversion WHERE live @> %s::timestamptz
"""


@dataclass(frozen=True)
class Rules:
    """A published version and the rule set that it holds."""

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
    The version that is live at this moment, which stays so until the transaction ends: a publish waits for it.

    Whoever comes while somebody publishes waits in turn, and is then told by their own moment which of the two
    versions is theirs: the two statements travel together, and the second sees what was committed before the lock was
    held.

    :raises ServiceError: none is.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_AND_READ, [WHICH_IS_LIVE, at])
        cursor.nextset()
        return _of_row(cursor.fetchone())


def lock_live_version() -> None:
    """Until the transaction ends, nobody else publishes, and no contact is being received."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WHICH_IS_LIVE])


def of_version(version_id: int) -> Rules:
    """A published version. It never changes, so that a process reads and compiles it once."""
    return _compiled(version_id)


@lru_cache(maxsize=16)
def _compiled(version_id: int) -> Rules:
    document: Any = RuleSetVersion.objects.values_list("document", flat=True).get(pk=version_id)
    return Rules(version_id, parse(document))
