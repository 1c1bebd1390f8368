"""
Every stored recommendation can be computed again, from its facts and its version, to the same result, for ever. This
looks whether that is so.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Max, Min

from casework.messages import outbox
from casework.models import Event, Message, Recheck, Recommendation
from casework.record import audit
from errors import InvalidInput
from localities.models import Role
from triage.published_rules import of_version
from triage.recommendation import recommend

A_PIECE = 500
A_NIGHT = 1000


def recheck(
    *, now: datetime, sample: int | None = A_NIGHT, progress: Callable[[int], None] = lambda done: None
) -> Recheck:
    """
    Compute stored recommendations again, and write down which do not come out as they were stored. If any does not,
    the administrators and the service managers are told.

    :param sample: so many, chosen by lot; None for all of them.
    :param progress: told how many are done, now and then.
    """
    checked, differing = 0, []
    for piece in _all() if sample is None else _some(sample):
        checked += len(piece)
        differing += [stored.pk for stored in piece if not _comes_out(stored)]
        progress(checked)
    return _write_down(checked, differing, now)


@transaction.atomic
def _write_down(checked: int, differing: list[int], now: datetime) -> Recheck:
    found = Recheck.objects.create(at=now, checked=checked, differing=differing)
    audit.record(Event.RECOMMENDATIONS_RECHECKED, by=audit.SYSTEM, at=now, checked=checked, differing=len(differing))
    if differing:
        outbox.add_for_roles(
            Message.RECHECK_DIFFERS, Role.ADMINISTRATOR, Role.SERVICE_MANAGER, key=f"recheck_differs:{found.pk}", at=now
        )
    return found


class Stored(NamedTuple):
    """A recommendation as it is stored. The last four are columns beside the whole result, for lists and replays."""

    pk: int
    rule_set_id: int
    facts: Any
    result: Any
    pathway: str
    rag: str
    level: int
    hold: str


def _all() -> Iterator[list[Stored]]:
    last = 0
    while piece := _read(Recommendation.objects.filter(pk__gt=last).order_by("pk")[:A_PIECE]):
        last = piece[-1][0]
        yield piece


def _some(wanted: int) -> Iterator[list[Stored]]:
    """By lot among the numbers that were given, which are nearly without gaps: no pass over the whole table."""
    ends = Recommendation.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return
    numbers = range(ends["first"], ends["last"] + 1)
    drawn = random.SystemRandom().sample(numbers, min(wanted, len(numbers)))
    for start in range(0, len(drawn), A_PIECE):
        yield _read(Recommendation.objects.filter(pk__in=drawn[start : start + A_PIECE]))


def _read(rows: Any) -> list[Stored]:
    return [Stored(*row) for row in rows.values_list(*Stored._fields)]


def _comes_out(stored: Stored) -> bool:
    try:
        rules = of_version(stored.rule_set_id).rule_set
        now = recommend(rules, rules.facts(stored.facts)).as_json()
        essence = _essence(stored.result)
    except (InvalidInput, LookupError, TypeError):
        # What does not even have the shape of facts or of a result does not come out.
        return False
    columns = (now["pathway"], now["rag"], now["level"], now["hold"] or "")
    return essence == _essence(now) and columns == (stored.pathway, stored.rag, stored.level, stored.hold)


def _essence(result: Mapping[str, Any]) -> dict[str, Any]:
    """
    All but the sentences, which may be worded better in a later release: what is recommended, which rules fired on
    which facts for which child, what is missing, and where each single change would lead.
    """
    return {**result} | {
        "reasons": [(reason["rule"], reason["because"], reason["child"]) for reason in result["reasons"]],
        "missing": [missing["fact"] for missing in result["missing"]],
        "would_change": [(change["pathway"], change["rag"], change["hold"]) for change in result["would_change"]],
    }
