"""The demonstration's teams: they answer handoffs, name lead practitioners, work with families and close cases."""

from datetime import datetime, timedelta
from functools import partial

from casework.actions import cases, clock_changes, closing, handoffs, notes, viewing
from casework.demonstration.timeline import Timeline
from casework.families.routing import teams_to_pick_from
from casework.models import LEAD_OFFERS_FROM, Case, Clock, Handoff, NoteReaders, Outcome
from casework.record.responsibilities import current
from localities.models import OtherAuthority, Role, Team, TeamKind
from triage.rule_set_document import Work


class Teams:
    """Plans what happens to cases, from the first handoff on."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline

    def plan_answers(self, contact_id: int, now: datetime) -> None:
        """Plans the answers to the handoffs that this contact's decision has offered."""
        for handoff in Handoff.objects.filter(case__contacts=contact_id, status="offered", offered_at__lte=now):
            self.timeline.plan_after(now, (1, 40), partial(self._answer, handoff.pk))

    def _answer(self, handoff_id: int, now: datetime) -> None:
        handoff = Handoff.objects.select_related("to_team").get(pk=handoff_id)
        if handoff.status != "offered":
            return
        by = self.timeline.staff(handoff.to_team, now, Role.TEAM_LEAD)
        if self.timeline.chance(0.05):
            reason = "The family moved last week; the new address is in another locality."
            handoffs.return_to_sender(handoff_id=handoff_id, reason=reason, by=by, now=now)
            self.timeline.plan_after(now, (2, 30), lambda later: self._offer_elsewhere(handoff.case_id, later))
            return
        handoffs.accept(handoff_id=handoff_id, by=by, now=now)
        self.timeline.plan_after(now, (2, 60), lambda later: self._name_lead(handoff.case_id, later))

    def _offer_elsewhere(self, case_id: int, now: datetime) -> None:
        case = Case.objects.get(pk=case_id)
        # From the third handoff on, a manager offers.
        role = Role.FRONT_DOOR_MANAGER if handoffs.ordinal(case) >= LEAD_OFFERS_FROM else Role.SOCIAL_WORKER
        by = self.timeline.staff(current(case).team, now, role)
        team = self.timeline.random.choice([team for team in teams_to_pick_from() if team.kind == TeamKind.LOCALITY])
        handoff = handoffs.offer(
            case_id=case_id,
            to_team_id=team.pk,
            reason="The new address lies here.",
            lead_reason="They have moved, and want to stay there.",
            despite="The new address is too far away for a weekly visit.",
            by=by,
            now=now,
        )
        self.timeline.plan_after(now, (1, 30), lambda later: self._answer(handoff.pk, later))

    def _name_lead(self, case_id: int, now: datetime) -> None:
        case = Case.objects.get(pk=case_id)
        team = current(case).team
        by = self.timeline.staff(team, now, Role.TEAM_LEAD)
        viewing.view_case(reference=case.reference, by=by, now=now)
        if case.work is Work.OTHER_AUTHORITY:
            authority = self.timeline.random.choice(list(OtherAuthority.objects.all()))
            cases.name_other_authority(case_id=case_id, authority_id=authority.pk, by=by, now=now)
            self.timeline.plan_after(now, (1, 20), lambda later: self._close(case_id, Outcome.OTHER_AUTHORITY, later))
            return
        lead = self.timeline.staff(team, now, Role.TEAM_MEMBER, Role.TEAM_LEAD)
        cases.name_lead(case_id=case_id, lead_id=lead.pk, by=by, now=now)
        if case.clocks.running().filter(kind="strategy_discussion").exists():
            self.timeline.plan_after(now, (1, 20), lambda later: self._hold_strategy_discussion(case_id, later))
        self.timeline.plan_after(now, (24, 120), lambda later: self._meet_family(case_id, later))

    def _hold_strategy_discussion(self, case_id: int, now: datetime) -> None:
        by = self.timeline.staff(current(Case.objects.get(pk=case_id)).team, now, Role.TEAM_LEAD)
        cases.record_milestone(case_id=case_id, kind="strategy_discussion_held", at=now, by=by, now=now)

    def _meet_family(self, case_id: int, now: datetime) -> None:
        case = Case.objects.get(pk=case_id)
        team = current(case).team
        by = self.timeline.staff(team, now, Role.TEAM_LEAD)
        viewing.view_case(reference=case.reference, by=by, now=now)
        cases.record_milestone(case_id=case_id, kind="first_family_contact", at=now, by=by, now=now)
        notes.write(
            case_id=case_id, kind="visit", happened_at=now, child_ids=[], adult_ids=[], readers=NoteReaders.RECORD,
            text="Seen at home, all of them. The children showed me their rooms. The parents say what would help: "
                 "somebody in the mornings, before school. I told them that I come again next week.",
            by=by, now=now,
        )  # fmt: skip
        plan = case.clocks.running().filter(kind="family_help_plan").first()
        if plan is not None and self.timeline.chance(0.3):
            extend_clock(
                self.timeline,
                plan,
                team,
                "The father comes home on Saturday, and wants to have a say in the plan.",
                now,
            )
        outcome = self.timeline.random.choice(
            [Outcome.NEEDS_MET, Outcome.NEEDS_MET, Outcome.UNIVERSAL_SERVICES, Outcome.NO_PROGRESS]
        )
        self.timeline.plan_after(now, (200, 1200), lambda later: self._close(case_id, outcome, later))

    def _close(self, case_id: int, outcome: Outcome, now: datetime) -> None:
        case = Case.objects.get(pk=case_id)
        by = self.timeline.staff(current(case).team, now, Role.TEAM_LEAD)
        elsewhere = outcome == Outcome.OTHER_AUTHORITY
        ended = closing.HowItEnded(
            outcome=outcome,
            summary="What the family wanted to change has changed; they know where to turn.",
            children_seen=not elsewhere,
            children_note="The other council sees them." if elsewhere else "All of them, at home, by their worker.",
            adults_seen=not elsewhere,
            adults_note="The other council sees them." if elsewhere else "Their mother, at home, by their worker.",
            family_asked=True,
            family_says="“The mornings are calm now.”",
            support="The school goes on, and they know whom to ring.",
        )
        closing.close(case_id=case_id, ended=ended, by=by, now=now)


def extend_clock(timeline: Timeline, clock: Clock, team: Team, why: str, now: datetime) -> None:
    """The role to which a breach escalates extends the clock by two days."""
    by = timeline.staff(team, now, Role(clock.policy.escalates_to))
    to = max(clock.due_at, now) + timedelta(days=2)
    reason = f"{why} The children were seen, and are safe."
    clock_changes.extend(clock_id=clock.pk, to=to, reason=reason, by=by, now=now)
