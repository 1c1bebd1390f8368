"""Which rule set answers, as the database has it."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from errors import ServiceError
from triage.models import RuleSetVersion
from triage.ruleset import RuleSet, parse

# Of all that PostgreSQL's advisory locks are for, ours is this one thing: which version is live.
WHICH_IS_LIVE = 7_001


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
    version_id = RuleSetVersion.objects.filter(live__contains=at).values_list("pk", flat=True).first()
    if version_id is None:
        raise ServiceError("No rule set is live: load the reference data, or publish a rule set.")
    return of_version(version_id)


def live_and_locked(at: datetime) -> Rules:
    """
    The version that is live at this moment, which stays so until the transaction ends: a publish waits for it.

    Whoever comes while somebody publishes waits in turn, and is then told by their own moment which of the two
    versions is theirs.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [WHICH_IS_LIVE])
    return live(at)


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
