"""
A replay: what a rule set would have recommended for contacts that other versions triaged.

A calculator that takes one contact after the other. It keeps counts, never the contacts.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from triage.direction import Direction, PathwayRag, direction, weights
from triage.ruleset import PathwayTeam, RuleSet

NOBODY_YET = "?"
"""The team of a contact whose locality is not known: a person picks it."""


class Advice(NamedTuple):
    """What was, or would have been, recommended. `team` is "" if the pathway ends at the front door."""

    pathway: str
    rag: str
    level: int
    hold: str
    team: str
    also_refer_to: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PastRecommendation:
    """
    The stored recommendation of a past contact, and the decision on it.

    `locality` is the code of the family's locality, "" if it is not known. `kind` is the kind of team of the
    recommended pathway, and `decided_kind` that of the decided pathway.
    """

    facts: Mapping[str, Any]
    locality: str
    week: date
    pathway: str
    rag: str
    level: int
    hold: str
    kind: PathwayTeam | None
    decided: PathwayRag | None
    decided_kind: PathwayTeam | None
    also_refer_to: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Changed(NamedTuple):
    """A contact for which the replayed rule set recommends something else."""

    before: Advice
    after: Advice
    direction: Direction | None
    agrees_with_people: bool


class Replay:
    """The counts of a replay so far."""

    def __init__(self, rules: RuleSet, *, before: RuleSet | None = None) -> None:
        """:param before: the version that these rules would replace."""
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

    def add(self, stored: PastRecommendation) -> Changed | None:
        """Counts a contact. Returns the change, or None if the recommendation is the same."""
        result = self._rules.evaluate_stored(stored.facts)
        before = Advice(
            stored.pathway, stored.rag, stored.level, stored.hold, team_of(stored.kind, stored.locality),
            stored.also_refer_to, stored.warnings,
        )  # fmt: skip
        team = team_of(self._kinds[result.pathway], stored.locality)
        after = Advice(
            result.pathway, result.rag, result.level, result.hold or "", team, result.also_refer_to, result.warnings
        )
        self._pathways[stored.pathway, result.pathway] += 1
        self._rags[stored.rag, result.rag] += 1
        self._count_demand(stored, self._kinds[result.pathway])
        self._count_unknown(stored.facts)
        counts = self._counts
        counts["contacts"] += 1
        was, now = PathwayRag(stored.pathway, stored.rag), PathwayRag(result.pathway, result.rag)
        if stored.decided is not None:
            counts["decided"] += 1
            counts["decided_as_before"] += stored.decided == was
            counts["decided_as_after"] += stored.decided == now
        if before == after:
            return None
        counts["changed"] += 1
        for name in Advice._fields:
            counts[name] += getattr(before, name) != getattr(after, name)
        change = self._direction(before, after)
        agrees = False
        if change is not None:
            counts[change.value] += 1
            agrees = stored.decided is not None and self._agrees(was, now, stored.decided)
            counts["agrees_with_people"] += agrees
        return Changed(before, after, change, agrees)

    def result(self) -> dict[str, Any]:
        """The counts as JSON: totals, changes from and to, demand by locality and week, and missing indicators."""
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

    def _direction(self, before: Advice, after: Advice) -> Direction | None:
        """
        The direction of a change. DOWN if any protection is lost: a pathway or rating falls by the old or by the new
        order of pathways, a warning is lost, or (if nothing rises) a hold or a level.
        """
        was, now = PathwayRag(before.pathway, before.rag), PathwayRag(after.pathway, after.rag)
        change = direction(self._weights, was, now)
        by_both_orders = {change, direction(self._weights_before, was, now)}
        rises = Direction.UP in by_both_orders
        loses_hold_or_level = (before.hold and not after.hold) or after.level < before.level
        loses_warning = not set(before.warnings) <= set(after.warnings)
        if Direction.DOWN in by_both_orders or loses_warning or (loses_hold_or_level and not rises):
            return Direction.DOWN
        return change

    def _agrees(self, was: PathwayRag, now: PathwayRag, decided: PathwayRag) -> bool:
        """Whether people overrode the old recommendation as the new rules do, or at least in the same direction."""
        if decided == was:
            return False
        change = direction(self._weights, was, decided)
        return decided == now or (change is not None and change == direction(self._weights, was, now))

    def _count_demand(self, stored: PastRecommendation, after: PathwayTeam | None) -> None:
        for which, kind in (("before", stored.kind), ("after", after), ("decided", stored.decided_kind)):
            if kind is PathwayTeam.LOCALITY:
                self._demand[stored.locality or NOBODY_YET, stored.week, which] += 1

    def _count_unknown(self, facts: Mapping[str, Any]) -> None:
        known = self._codes
        for holder in (facts["family"], *facts["children"]):
            for code in holder["indicators"]:
                if code not in known:
                    self._unknown[code] += 1


def team_of(kind: PathwayTeam | None, locality: str) -> str:
    """The team of a pathway with this kind of team: a locality's code, or the kind of another team."""
    if kind is None:
        return ""
    if kind is PathwayTeam.LOCALITY:
        return locality or NOBODY_YET
    return kind.value


def _table(counter: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"from": before, "to": after, "contacts": count} for (before, after), count in sorted(counter.items())]
