"""
The report on what agencies send: by agency and month, how many contacts had something that could not be read, in which
fields, how many repeat another, and how many have an indicator that the rules do not know.

What an agency adds to a contact later counts with the contact. It counts documents, and says nothing of a child:
numbers of 1 to 4 are shown (docs/adr/0015-small-numbers.md).

Source: domain/front-door.md, "Poor partner referrals: quality feedback per agency".
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, field
from datetime import date
from itertools import chain

from django.db.models import Case, Count, Exists, OuterRef, Q, Value, When
from django.db.models.functions import Concat, TruncMonth

from casework.models import CheckKind, Contact, DetailToCheck, FactChange
from casework.reports.period import Period, months
from localities.working_time import LONDON, local_day

TYPED_IN = "Typed in at the front door"
# In a URL: no agency. No code looks like this.
NONE = "~"
# What may be wrong with a detail that was sent. Staff confirm one afterwards.
WRONG = (CheckKind.NOT_READ, CheckKind.CORRECTED, CheckKind.ASKED)
# What agencies added to their contacts later, and somebody must check; and its place, as `DetailToCheck.field` has it.
ADDED_LATER = FactChange.objects.filter(information__by_agency__isnull=False, kind__in=WRONG)
PLACE = Case(
    When(child__isnull=False, then=Concat(Value("children."), "field")),
    When(adult__isnull=False, then=Concat(Value("adults."), "field")),
    default="field",
)


@dataclass(frozen=True)
class Tally:
    """
    How many contacts there are, and how many of them have something that could not be read, something else to check (it
    was put right, or is to be asked), an indicator that the rules do not know, or repeat an earlier contact.
    """

    contacts: int = 0
    unreadable: int = 0
    to_check: int = 0
    unknown_indicators: int = 0
    resends: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    @property
    def rate(self) -> float | None:
        """The percentage of contacts with something that could not be read; None if there are none."""
        return 100 * self.unreadable / self.contacts if self.contacts else None


@dataclass(frozen=True)
class FieldCount:
    """On how many contacts something is wrong in a field, by what it is."""

    field: str
    kinds: Counter[CheckKind]

    @property
    def figures(self) -> list[int]:
        return [self.kinds[kind] for kind in WRONG]


@dataclass
class OfAgency:
    """What one agency sent: in all, by month (from the first of the period to the last), and by field."""

    code: str
    name: str
    months: dict[date, Tally] = field(default_factory=dict)
    fields: list[FieldCount] = field(default_factory=list)

    @property
    def total(self) -> Tally:
        return sum(self.months.values(), Tally())


@dataclass(frozen=True)
class Quality:
    """The whole report: all agencies together, and each of them, those with the most to read again first."""

    everything: OfAgency
    agencies: list[OfAgency]

    def of(self, code: str) -> OfAgency | None:
        """What this agency sent, if it sent anything."""
        return next((agency for agency in self.agencies if agency.code == code), None)


def report(period: Period) -> Quality:
    """Makes the report with three queries. Each returns a row for each agency and month, or field."""
    agencies: dict[str, OfAgency] = {}
    everything = OfAgency("", "All agencies")
    for code, name, month, tally in _tallies(period):
        agency = agencies.setdefault(code, OfAgency(code, name))
        agency.months[month] = tally
        everything.months[month] = everything.months.get(month, Tally()) + tally
    in_order = list(months(min(everything.months), max(everything.months))) if everything.months else []
    for each in (everything, *agencies.values()):
        each.months = {month: each.months.get(month, Tally()) for month in in_order}
    _add_fields(period, everything, agencies)
    return Quality(everything, sorted(agencies.values(), key=_worst_first))


def _worst_first(agency: OfAgency) -> tuple[int, float, str]:
    total = agency.total
    return -total.unreadable, -(total.rate or 0), agency.name


def _tallies(period: Period) -> Iterator[tuple[str, str, date, Tally]]:
    of_contact = DetailToCheck.objects.filter(contact=OuterRef("pk"))
    added = ADDED_LATER.filter(information__contact=OuterRef("pk"))
    rows = (
        Contact.objects.filter(received_at__gte=period.starts_at, received_at__lt=period.ends_at)
        .annotate(
            has_unreadable=Exists(of_contact.filter(kind=CheckKind.NOT_READ))
            | Exists(added.filter(kind=CheckKind.NOT_READ)),
            has_to_check=Exists(of_contact.exclude(kind=CheckKind.NOT_READ))
            | Exists(added.exclude(kind=CheckKind.NOT_READ)),
            month=TruncMonth("received_at", tzinfo=LONDON),
        )
        .order_by()
        .values_list("agency__code", "agency__name", "month")
        .annotate(
            contacts=Count("pk"),
            unreadable=Count("pk", filter=Q(has_unreadable=True)),
            to_check=Count("pk", filter=Q(has_to_check=True)),
            unknown_indicators=Count("pk", filter=Q(has_unknown_indicators=True)),
            repeats=Count("resend_of"),
        )
    )
    for code, name, month, *counts in rows:
        yield code or NONE, name or TYPED_IN, local_day(month), Tally(*counts)


def _add_fields(period: Period, everything: OfAgency, agencies: dict[str, OfAgency]) -> None:
    rows = (
        DetailToCheck.objects.filter(
            contact__received_at__gte=period.starts_at, contact__received_at__lt=period.ends_at
        )
        .order_by()
        .values_list("contact__agency__code", "field", "kind")
        .annotate(contacts=Count("contact", distinct=True))
    )
    sent_so = DetailToCheck.objects.filter(
        contact=OuterRef("information__contact"), field=OuterRef("place"), kind=OuterRef("kind")
    )
    later = (
        ADDED_LATER.filter(
            information__contact__received_at__gte=period.starts_at,
            information__contact__received_at__lt=period.ends_at,
        )
        .alias(place=PLACE)
        .filter(~Exists(sent_so))
        .order_by()
        .values_list("information__contact__agency__code", PLACE, "kind")
        .annotate(contacts=Count("information__contact", distinct=True))
    )
    found: dict[str, dict[str, Counter[CheckKind]]] = defaultdict(lambda: defaultdict(Counter))
    for code, name, kind, contacts in chain(rows, later):
        for of in ("", code or NONE):
            found[of][name][CheckKind(kind)] += contacts
    everything.fields = _most_first(found[""].items())
    for code, agency in agencies.items():
        agency.fields = _most_first(found[code].items())


def _most_first(fields: Iterable[tuple[str, Counter[CheckKind]]]) -> list[FieldCount]:
    counted = [FieldCount(name, kinds) for name, kinds in fields]
    return sorted(counted, key=lambda each: (-each.kinds[CheckKind.NOT_READ], -each.kinds.total(), each.field))
