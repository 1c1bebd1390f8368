"""
What would have happened: a rule set asked about the facts of contacts that were triaged by others before.

A calculator, fed with one contact after the other: it keeps counts, never the contacts.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from triage.direction import Direction, Turn, direction, weights
from triage.ruleset import RuleSet, TeamKind

NOBODY_YET = "?"
"""The team of a contact whose locality cannot be told: a person picks it."""


class Advice(NamedTuple):
    """What was, or would have been, recommended. `team` is "" where the pathway ends at the front door."""

    pathway: str
    rag: str
    level: int
    hold: str
    team: str
    also_refer_to: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """
    A contact of the past, as the replay sees it.

    `locality` is the code of the one that the family lives in, "" where it cannot be told. `kind` is the team kind of
    the pathway that was recommended, and `decided_kind` of the one that people decided.
    """

    facts: Mapping[str, Any]
    locality: str
    week: date
    pathway: str
    rag: str
    level: int
    hold: str
    kind: TeamKind | None
    decided: Turn | None
    decided_kind: TeamKind | None
    also_refer_to: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Changed(NamedTuple):
    """A contact that would have been led elsewhere."""

    before: Advice
    after: Advice
    direction: Direction | None
    agrees_with_people: bool


class Replay:
    """The counts of a replay so far."""

    def __init__(self, rules: RuleSet, *, before: RuleSet | None = None) -> None:
        """:param before: the version in whose place these rules would go."""
        self._rules = rules
        self._weights = weights(rules.pathways)
        self._weights_before = weights((before or rules).pathways)
        self._kinds = {pathway.id: pathway.team for pathway in rules.pathways.values()}
        self._codes = rules.catalogue.bits.keys()
        self._counts: Counter[str] = Counter()
        self._pathways: Counter[tuple[str, str]] = Counter()
        self._rags: Counter[tuple[str, str]] = Counter()
        self._demand: Counter[tuple[str, date, str]] = Counter()
        self._unknown: Counter[str] = Counter()

    def add(self, past: Past) -> Changed | None:
        """Count one contact; returned where anything that people act on would have been different."""
        result = self._rules.judge_stored(past.facts)
        before = Advice(
            past.pathway, past.rag, past.level, past.hold, team_of(past.kind, past.locality), past.also_refer_to,
            past.warnings,
        )  # fmt: skip
        team = team_of(self._kinds[result.pathway], past.locality)
        after = Advice(
            result.pathway, result.rag, result.level, result.hold or "", team, result.also_refer_to, result.warnings
        )
        self._pathways[past.pathway, result.pathway] += 1
        self._rags[past.rag, result.rag] += 1
        self._count_demand(past, self._kinds[result.pathway])
        self._count_unknown(past.facts)
        counts = self._counts
        counts["contacts"] += 1
        was, now = Turn(past.pathway, past.rag), Turn(result.pathway, result.rag)
        if past.decided is not None:
            counts["decided"] += 1
            counts["decided_as_before"] += past.decided == was
            counts["decided_as_after"] += past.decided == now
        if before == after:
            return None
        counts["changed"] += 1
        for name in Advice._fields:
            counts[name] += getattr(before, name) != getattr(after, name)
        way = self._way(before, after)
        agrees = False
        if way is not None:
            counts[way.value] += 1
            agrees = past.decided is not None and self._agrees(was, now, past.decided)
            counts["agrees_with_people"] += agrees
        return Changed(before, after, way, agrees)

    def result(self) -> dict[str, Any]:
        """The counts as JSON: totals, from → to, demand by locality and week, indicators that this version lacks."""
        weeks: dict[tuple[str, date], dict[str, int]] = {}
        for (locality, week, which), count in self._demand.items():
            weeks.setdefault((locality, week), {"before": 0, "after": 0, "decided": 0})[which] = count
        return {
            "counts": dict(self._counts),
            "pathways": _table(self._pathways),
            "rags": _table(self._rags),
            "demand": [
                {"locality": locality, "week": week.isoformat(), **found}
                for (locality, week), found in sorted(weeks.items())
            ],
            "unknown_indicators": dict(sorted(self._unknown.items())),
        }

    def _way(self, before: Advice, after: Advice) -> Direction | None:
        """
        DOWN wherever anything that protects is lost: by the old order of pathways or by the new, a hold, a level, a
        warning. What would be stepped down is not for the draft alone to say.
        """
        was, now = Turn(before.pathway, before.rag), Turn(after.pathway, after.rag)
        way = direction(self._weights, was, now)
        ways = {way, direction(self._weights_before, was, now)}
        rises = Direction.UP in ways
        loses_with_it = (before.hold and not after.hold) or after.level < before.level
        loses_anyway = not set(before.warnings) <= set(after.warnings)
        if Direction.DOWN in ways or loses_anyway or (loses_with_it and not rises):
            return Direction.DOWN
        return way

    def _agrees(self, was: Turn, now: Turn, decided: Turn) -> bool:
        """People had overruled the old rules, to what the new ones say or at least in the same direction."""
        if decided == was:
            return False
        way = direction(self._weights, was, decided)
        return decided == now or (way is not None and way == direction(self._weights, was, now))

    def _count_demand(self, past: Past, after: TeamKind | None) -> None:
        for which, kind in (("before", past.kind), ("after", after), ("decided", past.decided_kind)):
            if kind is TeamKind.LOCALITY:
                self._demand[past.locality or NOBODY_YET, past.week, which] += 1

    def _count_unknown(self, facts: Mapping[str, Any]) -> None:
        known = self._codes
        for holder in (facts["family"], *facts["children"]):
            for code in holder["indicators"]:
                if code not in known:
                    self._unknown[code] += 1


def team_of(kind: TeamKind | None, locality: str) -> str:
    """The team that a pathway of this kind leads to: a locality's code, or the kind of another team."""
    if kind is None:
        return ""
    if kind is TeamKind.LOCALITY:
        return locality or NOBODY_YET
    return kind.value


def _table(counter: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"from": before, "to": after, "contacts": count} for (before, after), count in sorted(counter.items())]
