"""Who is on duty, where the rota has gaps, who is away, and whose work nobody covers."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from casework.models import Absence, Case, Contact, Duty, DutyRole
from casework.statuses import CaseStatus
from localities import calendar
from localities.models import Membership
from localities.working_time import begin_of_day, local_day


@dataclass(frozen=True)
class Gap:
    """A time in which nobody of these roles is on duty."""

    role: str
    starts: datetime
    ends: datetime


def on_duty_today(now: datetime) -> QuerySet[Duty]:
    """Who is on duty at some time from now to the end of the day, the first first."""
    midnight = begin_of_day(local_day(now) + timedelta(days=1))
    return Duty.objects.between(now, midnight)


def gaps(monday: date, duties: Collection[Duty]) -> list[Gap]:
    """
    The gaps of a week: hub hours without a duty social worker or a duty manager, and hours out of them without
    emergency duty. A night belongs to the day on which it begins.

    :param duties: all of which some time is in the week.
    """
    begins, ends = begin_of_day(monday), begin_of_day(monday + timedelta(days=7))
    found = []
    edge = begins
    for opens, closes in calendar.current().openings(begins, until=ends, local=True):
        found += _uncovered(DutyRole.EMERGENCY, edge, opens, duties)
        for role in (DutyRole.SOCIAL_WORKER, DutyRole.MANAGER):
            found += _uncovered(role, opens, closes, duties)
        edge = closes
    found += _uncovered(DutyRole.EMERGENCY, edge, ends, duties)
    return sorted(found, key=lambda gap: (gap.starts, gap.role))


def _uncovered(role: DutyRole, starts: datetime, ends: datetime, duties: Iterable[Duty]) -> list[Gap]:
    """What of a time nobody with this role covers."""
    found, edge = [], starts
    for duty in sorted((each for each in duties if each.role == role), key=lambda each: each.starts_at):
        if duty.ends_at <= edge or duty.starts_at >= ends:
            continue
        if duty.starts_at > edge:
            found.append(Gap(role.label, edge, duty.starts_at))
        edge = max(edge, duty.ends_at)
    return [*found, Gap(role.label, edge, ends)] if edge < ends else found


def absences(now: datetime) -> Any:
    """The absences of today and to come, the first first. `open_work`: how many open contacts and cases they have."""
    return (
        Absence.objects.standing()
        .filter(last_day__gte=local_day(now))
        .select_related("person", "covered_by")
        .annotate(open_work=_number_of(Contact.objects.undecided(), "owner") + _number_of(
            Case.objects.filter(status=CaseStatus.OPEN), "lead_practitioner"
        ))
        .order_by("first_day", "person__name", "pk")
    )  # fmt: skip


def without_cover(teams: Collection[int], now: datetime) -> QuerySet[Absence]:
    """The absences of today of people in these teams whose open work nobody covers: for whoever leads the teams."""
    if not teams:
        return Absence.objects.none()
    today = local_day(now)
    works_here = Membership.objects.current(today).filter(team__in=teams, user=OuterRef("person"))
    cover_is_away = Exists(Absence.objects.on(today).filter(person=OuterRef("covered_by")))
    uncovered = Q(covered_by__isnull=True) | Q(covered_by__is_active=False) | Q(cover_is_away)
    uncovered_today: QuerySet[Absence] = absences(now).filter(
        Exists(works_here), uncovered, first_day__lte=today, open_work__gt=0
    )
    return uncovered_today


def _number_of(records: QuerySet[Contact] | QuerySet[Case], of: str) -> Coalesce:
    mine = records.filter(**{of: OuterRef("person")}).order_by().values(of).annotate(number=Count("pk"))
    return Coalesce(Subquery(mine.values("number")[:1]), 0)
