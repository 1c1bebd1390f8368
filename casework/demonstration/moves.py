"""
What families and practitioners of the teams go through at the end of the demonstration: a step up, a step down, a case
that somebody asks to close, and one whose lead practitioner left. Everything has a fixed value: nothing is drawn.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from casework.actions import cases, closing, handoffs
from casework.deadlines import clocks
from casework.jobs import lost_leads
from casework.models import (
    LEAD_OFFERS_FROM,
    Case,
    Clock,
    ClosingRequest,
    Handoff,
    HandoffKind,
    Milestone,
    Outcome,
    Responsibility,
)
from casework.statuses import HandoffStatus
from localities.models import Membership, Role, Team, TeamKind, User
from localities.working_time import local_day
from triage.ruleset import Rag

WHY_NOT = "They know this family, and this is help of another kind."


def create(now: datetime) -> None:
    """Each on a case of its own, where there is one that fits."""
    _to_close(now)
    _a_step_up(now)
    _a_step_down(now)
    _somebody_left(now)


def _somebody_left(now: datetime) -> None:
    """Whoever left has a closed account: nobody signs in as them."""
    held = _held(TeamKind.LOCALITY).filter(case__lead_practitioner__isnull=False).first()
    lead = None if held is None else _first(held.team, now, Role.TEAM_LEAD)
    if held is None or lead is None:
        return
    left, _ = User.objects.update_or_create(
        username="jo", defaults={"name": "Jo Barker", "email": "jo@front-door.example", "is_active": True}
    )
    here, _ = Membership.objects.update_or_create(
        user=left, team=held.team, role=Role.TEAM_MEMBER, defaults={"ends_on": None}
    )
    cases.name_lead(case_id=held.case_id, lead_id=left.pk, by=lead, now=now)
    here.ends_on, left.is_active = local_day(now) - timedelta(days=1), False
    here.save(update_fields=["ends_on"])
    left.set_unusable_password()
    left.save(update_fields=["is_active", "password"])
    lost_leads.release(now=now)


def _a_step_up(now: datetime) -> None:
    held = _held(TeamKind.LOCALITY).exclude(case__rag=Rag.RED).filter(case__lead_left_on=None)
    offers = held.filter(case__lead_practitioner__isnull=False).select_related("case__lead_practitioner").last()
    by = None if offers is None else offers.case.lead_practitioner
    to_team = Team.objects.filter(kind=TeamKind.CHILD_PROTECTION, is_active=True).order_by("pk").first()
    if offers is not None and by is not None and to_team is not None:
        handoffs.offer(
            case_id=offers.case_id, to_team_id=to_team.pk, despite=WHY_NOT, in_danger=False, rag=Rag.RED,
            reason="The school saw a bruise on an arm this morning. What the children say of it differs, and "
            "nobody else was there.",
            family_told="Their mother knows that social workers ring today. She asks that her sister is there.",
            step=HandoffKind.STEP_UP, by=by, now=now,
        )  # fmt: skip


def _a_step_down(now: datetime) -> None:
    team = Team.objects.filter(kind=TeamKind.CHILD_PROTECTION, is_active=True).order_by("pk").first()
    lead = None if team is None else _first(team, now, Role.TEAM_LEAD)
    to_team = Team.objects.filter(kind=TeamKind.LOCALITY, is_active=True).order_by("code").first()
    if lead is None or to_team is None:
        return
    held = _held(TeamKind.CHILD_PROTECTION).first() or _taken_on(TeamKind.CHILD_PROTECTION, now)
    if held is None:
        return
    case = held.case
    if case.clocks.running().filter(kind="strategy_discussion").exists():
        cases.record_milestone(case_id=case.pk, kind="strategy_discussion_held", at=now, by=lead, now=now)
    handoffs.offer(
        case_id=case.pk, to_team_id=to_team.pk, despite=WHY_NOT, rag=Rag.AMBER, family_agrees=True,
        reason="The strategy discussion found no significant harm. The mornings before school are hard, and they want "
        "help with them.",
        family_told="They would like somebody in the mornings. The children ask that it is a woman.",
        step=HandoffKind.STEP_DOWN, by=lead, now=now,
    )  # fmt: skip


def _to_close(now: datetime) -> None:
    """Nobody was in contact with the family, so somebody in the team asks for a second person."""
    met = Milestone.objects.filter(case=OuterRef("case"), kind__in=closing.OF_CONTACT)
    held = _held(TeamKind.LOCALITY).filter(~Exists(met), case__lead_left_on=None).first()
    held = held or _taken_on(TeamKind.LOCALITY, now)
    by = None if held is None else _first(held.team, now, Role.TEAM_MEMBER) or _first(held.team, now, Role.TEAM_LEAD)
    if held is None or by is None:
        return
    ended = closing.HowItEnded(
        outcome=Outcome.MOVED_AWAY,
        summary="We wrote twice and went there three times. A neighbour says that they moved to their aunt.",
        children_seen=False, children_note="Nobody opened, on three days at different hours.",
        adults_seen=False, adults_note="The telephone is off, and nobody answered our letters.",
        family_asked=False, family_says="Nobody could be asked.",
        support="Their new school has them on its roll since Monday, and knows whom to ring.",
    )  # fmt: skip
    closing.ask_lead(case_id=held.case_id, ended=ended, by=by, now=now)


def _held(kind: TeamKind) -> QuerySet[Responsibility]:
    """The open cases of teams of this kind that their members may still offer and that wait for nothing else."""
    offered = Handoff.objects.filter(case=OuterRef("case"), status=HandoffStatus.OFFERED)
    third = Handoff.objects.filter(case=OuterRef("case"), ordinal__gte=LEAD_OFFERS_FROM - 1)
    came_back = Clock.objects.running().filter(case=OuterRef("case"), kind__in=clocks.RETURNED_CASE)
    asked = ClosingRequest.objects.filter(case=OuterRef("case"), answered_at=None)
    may_be_offered = Responsibility.objects.filter(
        ~Exists(offered), ~Exists(third), ~Exists(came_back), ~Exists(asked), period__endswith=None, team__kind=kind
    )
    return may_be_offered.exclude(case__in=_restricted()).select_related("team", "case").order_by("pk")


def _taken_on(kind: TeamKind, now: datetime) -> Responsibility | None:
    """The oldest case that a team of this kind is offered, which its lead accepts."""
    waits = Handoff.objects.filter(status=HandoffStatus.OFFERED, to_team__kind=kind, kind=HandoffKind.ALLOCATION)
    offered = waits.exclude(case__in=_restricted()).select_related("to_team").order_by("pk").first()
    lead = None if offered is None else _first(offered.to_team, now, Role.TEAM_LEAD)
    if offered is None or lead is None:
        return None
    handoffs.accept(handoff_id=offered.pk, by=lead, now=now)
    return Responsibility.objects.select_related("team", "case").get(handoff=offered)


def _restricted() -> QuerySet[Case]:
    """Nobody here may open these."""
    restricted = Case.objects.with_restricted()
    return restricted.filter(is_restricted=True)  # type: ignore[misc]  # an annotation


def _first(team: Team, now: datetime, role: Role) -> User | None:
    found = Membership.objects.current(local_day(now)).filter(team=team, role=role).select_related("user")
    first = found.order_by("pk").first()
    return first.user if first is not None else None
