"""What a team's page lists and counts: its offers, who leads each case, what is overdue, and who has how much."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import (
    CharField,
    Count,
    DateField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce

from casework.deadlines import clocks
from casework.models import Absence, Case, Clock, Handoff, Responsibility
from casework.reading import worklists
from casework.statuses import CaseStatus, HandoffStatus
from localities.models import FRONT_DOOR_KINDS, Membership, Team, User
from localities.working_time import local_day


class Tab(NamedTuple):
    """A part of a team's page. `code` stands in its address; `empty` is said where nothing is in it."""

    code: str
    title: str
    empty: str


OFFERS = Tab("offers", "Offers", "Nothing is on offer to this team.")
TO_ALLOCATE = Tab("to-allocate", "To allocate", "Every case with this team has a lead practitioner.")
CASES = Tab("cases", "Cases", "No cases with this team.")
OVERDUE = Tab("overdue", "Overdue", "Nothing is overdue.")
WORKLOAD = Tab("workload", "Workload", "Nobody is in this team.")
# Counted with the offers.
RETURNED = "returned"
RATINGS = ("red", "amber", "green", "blue")


def tabs_of(team: Team) -> tuple[Tab, ...]:
    """The tabs of a team's page. The front door offers its cases to teams: it names no lead practitioner."""
    if team.kind in FRONT_DOOR_KINDS:
        return OFFERS, CASES, OVERDUE
    return OFFERS, TO_ALLOCATE, CASES, OVERDUE, WORKLOAD


def returned(user: User, teams: Any, now: datetime) -> QuerySet[Case]:
    """
    The cases of these teams that another returned to them, and that they have not yet offered again, kept or closed; of
    the front door, all that no team has. `step_due_at` is when the next step is due, and the first due comes first.
    """
    steps = _running(clocks.NEXT_STEP)
    cases = worklists.open_cases(user, teams, now).filter(Exists(steps))
    return cases.annotate(step_due_at=Subquery(steps.values("due_at")[:1])).order_by("step_due_at", "pk")


def to_allocate(user: User, team: Team, now: datetime) -> QuerySet[Case]:
    """
    The cases of the team whose lead practitioner is to be named, because there is none or they work here no longer:
    the first due first. `lead_due_at` is the deadline for that.
    """
    due = Subquery(_running([clocks.LEAD_NAMED]).values("due_at")[:1])
    cases = worklists.open_cases(user, [team], now).filter(~Exists(_leads_here(team, now)))
    return cases.annotate(lead_due_at=due).order_by(F("lead_due_at").asc(nulls_last=True), "opened_at", "pk")


def overdue(user: User, team: Team, now: datetime) -> QuerySet[Clock]:
    """The late clocks of the team, the latest first, each with who has what it is about: `held_by`, or None."""
    lead = Coalesce("case__lead_practitioner__name", "contact__owner__name", "partner_check__contact__owner__name")
    return worklists.late_clocks(user, [team], now).annotate(held_by=lead).order_by("due_at", "pk")


class Counts(NamedTuple):
    """How much there is in each tab; of the offers, how many are offers and how many are cases that came back."""

    tabs: Mapping[Tab, int]
    offered: int
    returned: int


def counts(user: User, team: Team, now: datetime) -> Counts:
    """How much there is of everything on the team's page, in one statement."""
    of_team = Responsibility.objects.filter(case=OuterRef("pk"), period__endswith__isnull=True, team=team)
    cases = Case.objects.open_to(user, now).filter(Exists(of_team), status=CaseStatus.OPEN)
    opens = Case.objects.open_to(user, now).filter(pk=OuterRef("case"))
    offers = Handoff.objects.filter(Exists(opens), status=HandoffStatus.OFFERED, to_team=team)
    late = Clock.objects.open_to(user, now).running().of_teams([team]).filter(due_at__lte=now, paused_at__isnull=True)
    parts = [
        _counted(OFFERS.code, offers),
        _counted(RETURNED, cases.filter(Exists(_running(clocks.NEXT_STEP)))),
        _counted(TO_ALLOCATE.code, cases.filter(~Exists(_leads_here(team, now)))),
        _counted(CASES.code, cases),
        _counted(OVERDUE.code, late),
        _counted(WORKLOAD.code, worklists.members_of(team, now), "user"),
    ]
    found = dict(parts[0].union(*parts[1:], all=True))
    offered, came_back = found.get(OFFERS.code, 0), found.get(RETURNED, 0)
    numbers = {tab: found.get(tab.code, 0) for tab in tabs_of(team)}
    return Counts(numbers | {OFFERS: offered + came_back}, offered, came_back)


@dataclass
class Load:
    """
    How much somebody in a team has: the open cases that they lead for it, by rating, and how many of those are overdue.

    :param most: how many they can lead at most; None where no number is agreed.
    """

    user_id: int
    name: str
    role: str
    most: int | None
    is_away: bool = False
    by_rating: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RATINGS, 0))
    overdue: int = 0

    @property
    def cases(self) -> int:
        return sum(self.by_rating.values())

    @property
    def is_over(self) -> bool:
        return self.most is not None and self.cases > self.most

    @property
    def in_words(self) -> str:
        """ "3 cases", or "3 of 8 cases"."""
        counted = self.cases if self.most is None else self.most
        of = "" if self.most is None else f" of {self.most}"
        return f"{self.cases}{of} case{'' if counted == 1 else 's'}"


def loads(team: Team, now: datetime) -> list[Load]:
    """
    What everybody in the team leads for it, who has least first. Only numbers: a case that is closed to the reader
    counts as well.
    """
    found: dict[int, Load] = {}
    away = Absence.objects.on(local_day(now)).filter(person=OuterRef("user"))
    for member in worklists.members_of(team, now).annotate(is_away=Exists(away)):
        load = found.setdefault(
            member.user_id,
            Load(
                member.user_id, member.user.name, member.get_role_display(), member.most_cases, is_away=member.is_away
            ),
        )
        load.most = load.most if member.most_cases is None else max(member.most_cases, load.most or 0)
    late = Clock.objects.running().filter(case=OuterRef("case"), paused_at__isnull=True, due_at__lte=now)
    led = Responsibility.objects.filter(
        team=team, period__endswith__isnull=True, case__lead_practitioner__in=found, case__status=CaseStatus.OPEN
    )
    rows = led.order_by().annotate(is_late=Exists(late)).values_list("case__lead_practitioner", "case__rag", "is_late")
    for user_id, rag, is_late in rows:
        found[user_id].by_rating[rag] += 1
        found[user_id].overdue += is_late
    return sorted(found.values(), key=lambda load: (load.cases, load.name))


def last_offers(cases: Iterable[Case]) -> QuerySet[Handoff]:
    """The last offer of each of these cases."""
    last = Handoff.objects.filter(case__in=[case.pk for case in cases]).order_by("case_id", "-pk").distinct("case_id")
    return last.select_related("to_team", "answered_by", "offered_by")


def _running(kinds: Iterable[str]) -> QuerySet[Clock]:
    """The running clocks of these kinds of a case, for the query of cases that this stands in."""
    return Clock.objects.running().filter(case=OuterRef("pk"), kind__in=[*kinds]).order_by("due_at")


def _leads_here(team: Team, now: datetime) -> QuerySet[Membership]:
    """
    Whether the lead practitioner of a case works in the team, for the query of cases that this stands in. Who left and
    is back leads it when they are named again: until then the deadline for that runs.
    """
    working = Membership.objects.current(local_day(now)).filter(team=team, user=OuterRef("lead_practitioner"))
    left_on = ExpressionWrapper(OuterRef("lead_left_on"), output_field=DateField())
    return working.alias(left_on=left_on).filter(left_on=None)


def _counted(code: str, rows: QuerySet[Any], distinct: str = "pk") -> QuerySet[Any, Any]:
    of = Value(code, output_field=CharField())
    grouped: QuerySet[Any, Any] = rows.order_by().annotate(of=of).values("of")
    counted: QuerySet[Any, Any] = grouped.annotate(number=Count(distinct, distinct=True)).values_list("of", "number")
    return counted
