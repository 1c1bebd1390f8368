"""The rule sets in the database: the published versions, and the drafts."""

import json
from collections.abc import Sequence
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

# For a contact that is received: publishing waits until its transaction ends. While somebody publishes, the lock waits.
# READ_LIVE must come after it, as a statement of its own: it sees what was committed before the lock was granted, and
# the moment decides which of the two versions it gets. `of_rows` takes its rows.
LOCK_LIVE = f"SELECT pg_advisory_xact_lock_shared({WHICH_IS_LIVE})"
READ_LIVE = "SELECT id FROM triage_rulesetversion WHERE live @> %(at)s::timestamptz"


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
    return of_rows(list(RuleSetVersion.objects.filter(live__contains=at).order_by().values_list("pk")[:1]))


def of_rows(rows: Sequence[tuple[int]]) -> Rules:
    """
    The version of the one row that says which is live.

    :raises ServiceError: there is none.
    """
    if not rows:
        raise ServiceError("No rule set is live: load the reference data, or publish a rule set.")
    return of_version(rows[0][0])


def lock_live_version() -> None:
    """Locks which version is live: until the transaction ends, nobody else publishes and no contact is received."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WHICH_IS_LIVE])


def of_version(version_id: int) -> Rules:
    """A published version. It never changes, so each process reads and compiles it once."""
    return _compiled(version_id)


def title_of_pathway(version_id: int | None, pathway: str) -> str:
    """A pathway's title in a version of the rules; its code where that has none."""
    known = of_version(version_id).rule_set.pathways.get(pathway) if version_id is not None else None
    return known.called if known else pathway


@lru_cache(maxsize=16)
def _compiled(version_id: int) -> Rules:
    document: Any = RuleSetVersion.objects.values_list("document", flat=True).get(pk=version_id)
    return Rules(version_id, _read(json.dumps(document)))


def rule_set_of(version: RuleSetVersion) -> RuleSet:
    """The rule set of a version, which may be a draft. A process reads the same document once."""
    return _read(json.dumps(version.document))


@lru_cache(maxsize=16)
def _read(document: str) -> RuleSet:
    return parse(json.loads(document))
