"""
The report on overrides: how often decisions override the rules and how, by rule, agency, locality and month.

It counts the contacts whose decision is in effect, so none that still waits for a sign-off.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import reduce
from operator import or_

from django.db.models import F, Q
from django.db.models.functions import TruncMonth

from casework.models import Contact
from casework.models.contacts import ContactQuerySet
from casework.reports import comparison
from casework.reports.comparison import DECISION, RECOMMENDATION, Comparison, OverrideKind
from casework.reports.period import Period, month_of, months
from localities.models import User
from localities.working_time import LONDON, local_day
from triage.published_rules import of_version

TYPED_IN = "Typed in at the front door"
NO_LOCALITY = "No locality"
# In a URL: no agency, or no locality. No code looks like this.
NONE = "~"


@dataclass
class Tally:
    """The number of decided contacts, and of the overrides among them."""

    decided: int = 0
    overrides: Counter[OverrideKind] = field(default_factory=Counter)

    def add(self, compared: Comparison, count: int) -> None:
        self.decided += count
        if (kind := compared.kind) is not None:
            self.overrides[kind] += count

    @property
    def overruled(self) -> int:
        return self.overrides.total()

    @property
    def rate(self) -> float | None:
        """The percentage of decisions that override the rules; None if nothing was decided."""
        return 100 * self.overruled / self.decided if self.decided else None

    @property
    def figures(self) -> list[tuple[OverrideKind, int]]:
        """The number of overrides of each kind."""
        return [(kind, self.overrides[kind]) for kind in OverrideKind]


@dataclass(frozen=True)
class Row:
    """A row of a table. `key` is its value in a URL."""

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
    """Makes the report with four queries. Each returns a row for each group and comparison."""
    total, by_month = _months(period)
    return Overrides(
        total=total,
        rules=_rules(period),
        agencies=_by_relation(period, "agency", TYPED_IN),
        localities=_by_relation(period, "case__locality", NO_LOCALITY),
        months=by_month,
    )


@dataclass(frozen=True)
class Figure:
    """The figure whose contacts somebody wants to see. A field that is None or empty does not limit it."""

    rule: str = ""
    agency: str = ""
    locality: str = ""
    month: date | None = None
    kind: OverrideKind | None = None


def contacts_behind(period: Period, figure: Figure, *, by: User, now: datetime) -> ContactQuerySet:
    """
    The contacts behind a figure that this user may see, the newest first.

    :param now: when the user asks.
    """
    contacts = decided(period).visible_to(by, now).filter(decision_in_effect__overrides=True)
    if figure.rule:
        contacts = contacts.filter(**{f"{RECOMMENDATION}rules__contains": [figure.rule]})
    for code, path in ((figure.agency, "agency"), (figure.locality, "case__locality")):
        if code == NONE:
            contacts = contacts.filter(**{f"{path}__isnull": True})
        elif code:
            contacts = contacts.filter(**{f"{path}__code": code})
    if figure.month is not None:
        month = month_of(figure.month)
        contacts = contacts.filter(received_at__gte=month.starts_at, received_at__lt=month.ends_at)
    if figure.kind is not None:
        # Only Python can tell a comparison's kind. SQL then selects the contacts of the comparisons of this kind.
        of_kind = [compared for _, compared, _ in comparison.count(contacts) if compared.kind == figure.kind]
        conditions = (Q(**comparison.lookups(compared)) for compared in of_kind)
        contacts = contacts.filter(reduce(or_, conditions, Q(pk__in=[])))
    return contacts.select_related("agency", "decision_in_effect__recommendation").only(
        "reference", "received_at", "agency__name",
        *(f"{DECISION}{name}" for name in ("pathway", "rag", "level", "overrides", "recommendation")),
        *(f"{RECOMMENDATION}{name}" for name in ("pathway", "rag", "level", "rule_set")),
    )  # fmt: skip


def titles(version_ids: Iterable[int]) -> dict[str, str]:
    """The titles of rules and aggravators, from the newest of these versions that has them."""
    titles: dict[str, str] = {}
    for version_id in sorted(version_ids):
        for rule in of_version(version_id).rule_set.document.rules:
            titles[rule.id] = rule.title
            titles |= {aggravator.id: aggravator.title for aggravator in rule.aggravators}
    return titles


# ---- the tables of the report


def _rules(period: Period) -> list[Row]:
    tallies: dict[str, Tally] = {}
    versions = set()
    # Contacts on which the same rules fired are one group: there are few groups.
    for (fired,), compared, count in comparison.count(decided(period), fired=F(f"{RECOMMENDATION}rules")):
        versions.add(compared.rule_set_id)
        for rule in set(fired):
            tallies.setdefault(rule, Tally()).add(compared, count)
    names = titles(versions)
    return _most_overruled_first(Row(rule, names.get(rule, rule), tally) for rule, tally in tallies.items())


def _by_relation(period: Period, path: str, without: str) -> list[Row]:
    """
    A row for each agency or locality.

    :param path: the path from a contact to it.
    :param without: the name of the row for contacts that have none.
    """
    tallies: dict[tuple[str, str], Tally] = {}
    code_of, name_of = F(f"{path}__code"), F(f"{path}__name")
    for (code, name), compared, count in comparison.count(decided(period), code=code_of, name=name_of):
        tallies.setdefault((code or NONE, name or without), Tally()).add(compared, count)
    return _most_overruled_first(Row(*key, tally) for key, tally in tallies.items())


def _months(period: Period) -> tuple[Tally, list[Row]]:
    """The total, and a row for every month from the first with a contact to the last: empty months are shown."""
    total, tallies = Tally(), dict[date, Tally]()
    for (month,), compared, count in comparison.count(decided(period), month=TruncMonth("received_at", tzinfo=LONDON)):
        for tally in (total, tallies.setdefault(local_day(month), Tally())):
            tally.add(compared, count)
    if not tallies:
        return total, []
    in_order = months(min(tallies), max(tallies))
    return total, [Row(f"{month:%Y-%m}", f"{month:%B %Y}", tallies.get(month, Tally())) for month in in_order]


def _most_overruled_first(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-row.tally.overruled, -(row.tally.rate or 0), row.name))
