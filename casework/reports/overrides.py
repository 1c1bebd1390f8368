"""
Where people overrule the rules, and which way: by rule, by agency, by locality and by month.

What counts is a contact whose decision is in effect. One that waits for a second person is not decided yet.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from operator import or_

from django.db.models import F, Q
from django.db.models.functions import TruncMonth

from casework.facts.published_rules import of_version
from casework.models import Contact
from casework.models.contacts import ContactQuerySet
from casework.reports.comparison import DECISION, RECOMMENDATION, Pair, Way, counted, places_of
from casework.reports.period import Period, month_of, months
from localities.models import User
from localities.working_time import LONDON, local_day

TYPED_IN = "Typed in at the front door"
NO_LOCALITY = "No locality"
# Stands in an address for no agency and for no locality; no code is written like this.
NONE = "~"


@dataclass
class Tally:
    """How many contacts were decided, and how many of them otherwise than recommended."""

    decided: int = 0
    ways: Counter[Way] = field(default_factory=Counter)

    def add(self, pair: Pair, count: int) -> None:
        self.decided += count
        if (way := pair.way) is not None:
            self.ways[way] += count

    @property
    def overruled(self) -> int:
        return self.ways.total()

    @property
    def rate(self) -> float | None:
        """Of a hundred that were decided, how many were overruled."""
        return 100 * self.overruled / self.decided if self.decided else None

    @property
    def figures(self) -> list[tuple[Way, int]]:
        """How many went each way."""
        return [(way, self.ways[way]) for way in Way]


@dataclass(frozen=True)
class Row:
    """A line of a table: `key` is what an address calls it."""

    key: str
    name: str
    tally: Tally


@dataclass(frozen=True)
class Overrides:
    """The whole report."""

    total: Tally
    rules: list[Row]
    agencies: list[Row]
    localities: list[Row]
    months: list[Row]


def decided(period: Period) -> ContactQuerySet:
    """The contacts of a period whose decision is in effect."""
    return Contact.objects.filter(
        decision_in_effect__isnull=False, received_at__gte=period.starts_at, received_at__lt=period.ends_at
    )


def report(period: Period) -> Overrides:
    """Four queries, each as large as there are groups and pairs of recommendation and decision in it."""
    total, by_month = _months(period)
    return Overrides(
        total=total,
        rules=_rules(period),
        agencies=_named(period, "agency", TYPED_IN),
        localities=_named(period, "case__locality", NO_LOCALITY),
        months=by_month,
    )


@dataclass(frozen=True)
class Behind:
    """Which figure somebody wants to see the contacts of; what is None or empty was not asked about."""

    rule: str = ""
    agency: str = ""
    locality: str = ""
    month: date | None = None
    way: Way | None = None


def overruled(period: Period, behind: Behind, *, by: User, on: date) -> ContactQuerySet:
    """
    The contacts behind a figure, of those that this person may see: the newest first.

    :param on: the day on which the person looks.
    """
    found = decided(period).visible_to(by, on).filter(decision_in_effect__overrides=True)
    if behind.rule:
        found = found.filter(**{f"{RECOMMENDATION}rules__contains": [behind.rule]})
    for code, place in ((behind.agency, "agency"), (behind.locality, "case__locality")):
        if code == NONE:
            found = found.filter(**{f"{place}__isnull": True})
        elif code:
            found = found.filter(**{f"{place}__code": code})
    if behind.month is not None:
        month = month_of(behind.month)
        found = found.filter(received_at__gte=month.starts_at, received_at__lt=month.ends_at)
    if behind.way is not None:
        # Directions are for Python to tell; the pairs that there are can be asked for.
        pairs = [pair for _, pair, _ in counted(found) if pair.way == behind.way]
        found = found.filter(reduce(or_, (Q(**places_of(pair)) for pair in pairs), Q(pk__in=[])))
    return found.select_related("agency", "decision_in_effect__recommendation").only(
        "reference", "received_at", "agency__name",
        *(f"{DECISION}{name}" for name in ("pathway", "rag", "level", "overrides", "recommendation")),
        *(f"{RECOMMENDATION}{name}" for name in ("pathway", "rag", "level", "rule_set")),
    )  # fmt: skip


def titles(version_ids: Iterable[int]) -> dict[str, str]:
    """What the rules and the reasons to look again are called, in the newest of these versions that has them."""
    found: dict[str, str] = {}
    for version_id in sorted(version_ids):
        for rule in of_version(version_id).rule_set.document.rules:
            found[rule.id] = rule.title
            found |= {aggravator.id: aggravator.title for aggravator in rule.aggravators}
    return found


# ---- what the report is made of


def _rules(period: Period) -> list[Row]:
    tallies: dict[str, Tally] = {}
    versions = set()
    # Contacts on which the same rules fired are one group: there are few of them, and nothing is taken apart twice.
    for (fired,), pair, count in counted(decided(period), fired=F(f"{RECOMMENDATION}rules")):
        versions.add(pair.rule_set_id)
        for rule in set(fired):
            tallies.setdefault(rule, Tally()).add(pair, count)
    named = titles(versions)
    return _most_overruled_first(Row(rule, named.get(rule, rule), tally) for rule, tally in tallies.items())


def _named(period: Period, place: str, nobody: str) -> list[Row]:
    tallies: dict[tuple[str, str], Tally] = {}
    for (code, name), pair, count in counted(decided(period), code=F(f"{place}__code"), name=F(f"{place}__name")):
        tallies.setdefault((code or NONE, name or nobody), Tally()).add(pair, count)
    return _most_overruled_first(Row(*key, tally) for key, tally in tallies.items())


def _months(period: Period) -> tuple[Tally, list[Row]]:
    """From the first month with a contact to the last, in order: a gap is seen as one."""
    total, tallies = Tally(), dict[date, Tally]()
    for (month,), pair, count in counted(decided(period), month=TruncMonth("received_at", tzinfo=LONDON)):
        for tally in (total, tallies.setdefault(local_day(month), Tally())):
            tally.add(pair, count)
    if not tallies:
        return total, []
    run = months(min(tallies), max(tallies))
    return total, [Row(f"{month:%Y-%m}", f"{month:%B %Y}", tallies.get(month, Tally())) for month in run]


def _most_overruled_first(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-row.tally.overruled, -(row.tally.rate or 0), row.name))
