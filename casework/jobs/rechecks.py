"""
Re-checks stored recommendations: each must come out the same when it is recomputed from its facts and its version.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Max, Min

from casework.facts.contact_facts import hold_of
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
    Recomputes stored recommendations and records those that come out differently. If there are any, the administrators
    and the service managers get a message.

    :param sample: the size of the random sample; None for all recommendations.
    :param progress: called after each batch with the number that are done.
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
    """A stored recommendation. The fields after `result` repeat parts of it as columns, for lists and replays."""

    pk: int
    rule_set_id: int
    facts: Any
    result: Any
    pathway: str
    rag: str
    level: int
    hold: str
    contact__has_unknown_indicators: bool


def _all() -> Iterator[list[Stored]]:
    last = 0
    while piece := _read(Recommendation.objects.filter(pk__gt=last).order_by("pk")[:A_PIECE]):
        last = piece[-1][0]
        yield piece


def _some(wanted: int) -> Iterator[list[Stored]]:
    """A random sample by ids, which have few gaps, so that the whole table is not read."""
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
        # Facts or a result that cannot be read do not come out the same.
        return False
    hold = hold_of(now["hold"], stored.facts, has_unknown_indicators=stored.contact__has_unknown_indicators)
    columns = (now["pathway"], now["rag"], now["level"], hold)
    return essence == _essence(now) and columns == (stored.pathway, stored.rag, stored.level, stored.hold)


def _essence(result: Mapping[str, Any]) -> dict[str, Any]:
    """
    A result without its sentences, whose wording may change in a later release: the recommendation, the rules that
    fired with their facts and child, the missing facts, and the results of single changes.
    """
    return {**result} | {
        "reasons": [(reason["rule"], reason["because"], reason["child"]) for reason in result["reasons"]],
        "missing": [missing["fact"] for missing in result["missing"]],
        "would_change": [(change["pathway"], change["rag"], change["hold"]) for change in result["would_change"]],
    }
