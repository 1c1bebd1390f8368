"""
How good the contacts of a partner agency are, month by month, beside those of the other agencies of its kind.

A contact that repeats another does not count. One that was received before its gaps were looked at counts everywhere
but in what is said of gaps.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import TruncMonth

from casework.models import Contact, DetailToCheck
from casework.models.choices import Gap
from casework.models.details import CheckKind
from localities.codes import INDIVIDUAL_SOURCES
from localities.models import Agency
from localities.working_time import LONDON, local_day

# With the one that is not over.
MONTHS = 13
# The average of fewer would say what single agencies, or single families, are like.
FEWEST_OTHERS, FEWEST_CONTACTS = 3, 10
# Whoever is told the outcome knows the level. Of a member of the public whose words an agency passed on nobody is told.
IS_TOLD = Q(decision_in_effect__isnull=False) & ~Q(source_code__in=INDIVIDUAL_SOURCES)
DECIDED = IS_TOLD & Q(referrer_level__isnull=False)
LEVEL = F("decision_in_effect__level")


@dataclass(frozen=True)
class Shares:
    """
    Of the contacts of a month, in per cent; None where there are none to speak of.

    The last three are shares of those that said a level and are decided.
    """

    complete: int | None
    read: int | None
    agreement: int | None
    level: int | None
    decided_as_said: int | None
    decided_higher: int | None
    decided_lower: int | None


@dataclass(frozen=True)
class Month:
    """A month of an agency's contacts. `others` is None where they are too few."""

    first_day: date
    contacts: int
    decided: int
    yours: Shares
    others: Shares | None


def months_of(agency: Agency, *, now: datetime) -> list[Month]:
    """The last twelve months and this one, the newest first, each as it is known today."""
    first_days = list(_first_days(local_day(now)))
    counted = {(row["month"].date(), row["is_own"]): row for row in _counted(agency, first_days[-1])}
    return [_month(day, counted.get((day, True), {}), counted.get((day, False), {})) for day in first_days]


def gaps_of(agency: Agency, *, now: datetime) -> dict[Gap, int]:
    """How many contacts of these months have each gap, the most frequent first."""
    since = list(_first_days(local_day(now)))[-1]
    contacts = _received(Contact.objects.filter(agency=agency), since)
    count = contacts.aggregate(**{gap: Count("pk", filter=Q(gaps__contains=[gap])) for gap in Gap})
    return {gap: count[gap] for gap in sorted(Gap, key=lambda gap: -count[gap]) if count[gap]}


def _first_days(today: date) -> Iterator[date]:
    day = today.replace(day=1)
    for _ in range(MONTHS):
        yield day
        day = day.replace(year=day.year - (day.month == 1), month=(day.month - 2) % 12 + 1)


def _received(contacts: QuerySet[Contact], since: date) -> QuerySet[Contact]:
    start = datetime(since.year, since.month, since.day, tzinfo=LONDON)
    return contacts.filter(received_at__gte=start, resend_of=None)


def _counted(agency: Agency, since: date) -> Iterable[Mapping[str, Any]]:
    """For each month the counts of the agency's own contacts, and those of all others of its kind together."""
    of_its_kind = Agency.objects.filter(source_code=agency.source_code).values("pk")
    not_read = DetailToCheck.objects.filter(contact=OuterRef("pk"), kind=CheckKind.NOT_READ)
    counted: Any = (
        _received(Contact.objects.filter(agency__in=of_its_kind), since)
        .order_by()
        .annotate(
            month=TruncMonth("received_at", tzinfo=LONDON),
            is_own=Case(When(agency=agency, then=Value(True)), default=Value(False)),
        )
        .values("month", "is_own")
        .annotate(
            agencies=Count("agency", distinct=True),
            contacts=Count("pk"),
            looked_at=Count("pk", filter=Q(gaps__isnull=False)),
            complete=Count("pk", filter=Q(gaps=[])),
            read=Count("pk", filter=~Exists(not_read)),
            agreement=Count("pk", filter=~Q(agreement="")),
            level=Count("pk", filter=Q(referrer_level__isnull=False)),
            decided=Count("pk", filter=DECIDED),
            decided_as_said=Count("pk", filter=DECIDED & Q(referrer_level=LEVEL)),
            decided_higher=Count("pk", filter=DECIDED & Q(referrer_level__lt=LEVEL)),
            decided_lower=Count("pk", filter=DECIDED & Q(referrer_level__gt=LEVEL)),
        )
    )
    return counted  # type: ignore[no-any-return]


def _month(day: date, own: Mapping[str, Any], others: Mapping[str, Any]) -> Month:
    are_enough = others.get("agencies", 0) >= FEWEST_OTHERS and others["contacts"] >= FEWEST_CONTACTS
    return Month(
        first_day=day,
        contacts=own.get("contacts", 0),
        decided=own.get("decided", 0),
        yours=_shares(own, fewest=1),
        others=_shares(others, fewest=FEWEST_CONTACTS) if are_enough else None,
    )


def _shares(row: Mapping[str, Any], *, fewest: int) -> Shares:
    def share(name: str, of: str) -> int | None:
        whole = row.get(of, 0)
        return round(100 * row[name] / whole) if whole >= fewest else None

    return Shares(
        complete=share("complete", of="looked_at"),
        **{name: share(name, of="contacts") for name in ("read", "agreement", "level")},
        **{name: share(name, of="decided") for name in ("decided_as_said", "decided_higher", "decided_lower")},
    )
