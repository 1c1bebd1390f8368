"""The queries of the worklist and of the teams' pages: scoped to the user, at a cost that follows the open work."""

from datetime import datetime
from typing import Any

from django.db.models import Case as SqlCase
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Least

from casework.deadlines.recipients import reminders_of
from casework.models import (
    Case,
    Clock,
    ClosingRequest,
    Handoff,
    Reminder,
    ReminderLook,
    Responsibility,
    away_on,
)
from casework.statuses import CaseStatus, HandoffStatus
from localities.models import FRONT_DOOR_KINDS, Membership, Role, Team, User
from localities.roles import StaffRoles
from localities.working_time import local_day
from triage.ruleset import Rag

GRAVITY = SqlCase(*(When(rag=rag, then=Value(place)) for place, rag in enumerate(Rag)), default=Value(len(Rag)))


def offered(user: User, teams: Any, now: datetime) -> QuerySet[Handoff]:
    """The handoffs that these teams must answer and whose cases are open to the user, the first due first."""
    opens = Case.objects.open_to(user, now).filter(pk=OuterRef("case"))
    return (
        with_deadlines(Handoff.objects.filter(Exists(opens), status=HandoffStatus.OFFERED, to_team__in=teams))
        .select_related("case")
        .order_by(F("due_at").asc(nulls_last=True), "offered_at")
    )


def with_deadlines(handoffs: QuerySet[Handoff]) -> QuerySet[Handoff]:
    """These handoffs with `due_at`, when the answer is due, with both teams, and with who offered each."""
    due = Min("clocks__due_at", filter=Q(clocks__stopped_at__isnull=True))
    return handoffs.annotate(due_at=due).select_related("from_team", "to_team", "offered_by")


def open_cases(user: User, teams: Any, now: datetime) -> QuerySet[Case]:
    """
    The open cases that these teams are responsible for and that are open to the user: first those that need a team,
    then by the next deadline.

    `with_team_since` is the moment since which the team has been responsible.
    """
    current = Responsibility.objects.filter(case=OuterRef("pk"), period__endswith__isnull=True, team__in=teams)
    on_offer = Handoff.objects.filter(case=OuterRef("pk"), status=HandoffStatus.OFFERED)
    return (
        Case.objects.open_to(user, now)
        .with_rule_set()
        .filter(Exists(current), status=CaseStatus.OPEN)
        .annotate(
            with_team_since=Subquery(current.values("period__startswith")[:1]),
            due_at=next_deadline_of_case(),
            lead_away=away_on(local_day(now), "lead_practitioner"),
            is_on_offer=Exists(on_offer),
            is_to_be_closed=Exists(ClosingRequest.objects.filter(case=OuterRef("pk"), answered_at=None)),
            has_bounced=Exists(
                Handoff.objects.filter(case=OuterRef("pk"), status=HandoffStatus.ACCEPTED, is_bounce=True)
            ),
            needs_team=Exists(current.filter(team__kind__in=FRONT_DOOR_KINDS)) & ~Exists(on_offer),
        )
        .select_related("lead_practitioner", "locality")
        .order_by("-needs_team", F("due_at").asc(nulls_last=True), "opened_at")
    )


def next_deadline_of_case() -> Least:
    """
    The next deadline of a case, or of the answer to its handoff, for the query of cases that this stands in.

    The answer's is found by the case's open offer: for the first of all clocks of its handoffs, PostgreSQL would read
    every clock that runs.
    """
    own = Clock.objects.running().filter(case=OuterRef("pk"), paused_at__isnull=True).order_by("due_at")
    is_running = Q(clocks__stopped_at__isnull=True, clocks__paused_at__isnull=True)
    open_offer = Handoff.objects.filter(case=OuterRef("pk"), status=HandoffStatus.OFFERED).order_by().values("case")
    answer_due = open_offer.annotate(due=Min("clocks__due_at", filter=is_running)).values("due")
    return Least(Subquery(own.values("due_at")[:1]), Subquery(answer_due))


def late_clocks(user: User, teams: Any, now: datetime) -> QuerySet[Clock]:
    """The late clocks of these teams whose records are open to the user, in the order of their due moments."""
    return (
        Clock.objects.open_to(user, now)
        .running()
        .of_teams(teams)
        .filter(due_at__lte=now, paused_at__isnull=True)
        .select_related("contact", "case", "handoff__case", "partner_check__contact")
        .order_by("due_at")
    )


def my_reminders(user: User, now: datetime) -> QuerySet[Reminder]:
    """
    The user's reminders of running clocks: the last step of each clock, the first due first.

    `is_seen` says whether the user has seen it. A snoozed reminder is left out until then; its next step is not.
    """
    mine = reminders_of(user, now).filter(clock__stopped_at__isnull=True, clock__paused_at__isnull=True)
    last_steps = mine.order_by("clock_id", "-pk").distinct("clock_id").values("pk")
    looks = ReminderLook.objects.filter(reminder=OuterRef("pk"), user=user)
    return (
        Reminder.objects.filter(pk__in=last_steps)
        .exclude(Exists(looks.filter(snoozed_until__gt=now)))
        .annotate(is_seen=Exists(looks))
        .select_related("clock__contact", "clock__case", "clock__handoff__case", "clock__partner_check__contact")
        .order_by("clock__due_at", "pk")
    )


def used(start: datetime, due: datetime | None, now: datetime) -> int | None:
    """How much of the time until a deadline has gone, in per cent; None without a deadline."""
    if due is None:
        return None
    return 100 if now >= due else max(0, round(100 * ((now - start) / (due - start))))


def my_snoozed(user: User, now: datetime) -> QuerySet[ReminderLook]:
    """The user's snoozed reminders, and until when."""
    mine = reminders_of(user, now).filter(clock__stopped_at__isnull=True)
    looks = ReminderLook.objects.filter(user=user, snoozed_until__gt=now, reminder__in=mine)
    subjects = [f"reminder__clock__{name}" for name in ("contact", "case", "handoff__case", "partner_check__contact")]
    return looks.select_related(*subjects).order_by("snoozed_until")


def works_at_front_door(who: StaffRoles) -> bool:
    return bool(who.front_door_roles)


def teams_of(who: StaffRoles) -> QuerySet[Team]:
    """The teams in which a user works."""
    return Team.objects.filter(pk__in=who.team_ids).select_related("locality")


def overseen(who: StaffRoles) -> QuerySet[Team]:
    """All active teams, for those who oversee the whole service; none for everybody else."""
    if not who.has(Role.SERVICE_MANAGER, Role.AUDITOR):
        return Team.objects.none()
    return Team.objects.filter(is_active=True).order_by("kind", "name")


def members_of(team: Team, now: datetime) -> QuerySet[Membership]:
    """The memberships in this team today, by name."""
    return Membership.objects.current(local_day(now)).filter(team=team).select_related("user").order_by("user__name")


def may_see_team(who: StaffRoles, team: Team) -> bool:
    return team.pk in who.team_ids or who.has(Role.SERVICE_MANAGER, Role.AUDITOR)
