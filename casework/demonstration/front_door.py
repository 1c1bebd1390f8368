"""The demonstration's front door: contacts come in, people review them, wait for answers and decide."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from casework.access import conditions, permissions
from casework.actions import (
    clock_changes,
    contact_drafts,
    contact_handovers,
    decisions,
    learning,
    matches,
    partner_checks,
    receiving,
    referrers,
    reminders,
    viewing,
)
from casework.actions.contact_drafts import Task
from casework.deadlines import recipients
from casework.demonstration.families import LEVEL_2
from casework.demonstration.teams import Teams, extend_clock
from casework.demonstration.timeline import Timeline
from casework.facts.history import has_history
from casework.families import sameness
from casework.families.household import household
from casework.families.routing import teams_to_pick_from
from casework.models import Contact, Decision, PartnerCheck
from errors import NotAllowedInStatus, TakenBySomeoneElse
from localities import calendar
from localities.models import Role, Team, TeamKind, User
from localities.working_time import local_day
from triage.ruleset import Hold

RATIONALE = "The history and what the referrer saw point the same way; the family's own view was heard."
HISTORY = "All earlier contacts and work were read: the same worry comes back, and each time the family took up help."

# Each draft: who types it in, for how many minutes, whom it is about, and how far they came.
DRAFTS = (
    (Role.CONTACT_OFFICER, 95, "Wren", "Her teacher says that she fell asleep in class again, and that she"),
    (Role.SOCIAL_WORKER, 4, "Kai", "The health visitor called: nobody has opened the door since"),
)
# The score from which the demonstration's staff confirm a match.
CONFIRMED_FROM = 0.9
# Why they reject a match with a lower score.
TWO = "The school knows both families: it is another one."


class FrontDoor:
    """Plans what happens to contacts, up to the decision."""

    def __init__(self, timeline: Timeline, teams: Teams) -> None:
        self.timeline = timeline
        self.teams = teams
        self.received = 0

    def receive(self, now: datetime) -> None:
        """A contact comes in: from a partner's system, or typed in at the front door."""
        agency = self.timeline.families.random.choice(self.timeline.agencies)
        document = self.timeline.families.contact(now, agency.source_code)
        typed_in = self.timeline.chance(0.2)
        by = self.timeline.staff(self._team(), now, Role.CONTACT_OFFICER) if typed_in else agency
        contact = receiving.receive(document=document, by=by, now=now).contact
        self.received += 1
        if contact.received_by_phone and self.timeline.chance(0.9):
            self.timeline.plan_after(now, (2, 40), lambda later: self._confirm_in_writing(contact.pk, later))
        urgent = contact.rag == "red"
        self.timeline.plan_after(now, (0.3, 3) if urgent else (1, 30), lambda later: self._review(contact.pk, later))

    def begin_drafts(self, now: datetime) -> None:
        """Two people have begun to type a contact in: one went home, and one is still typing."""
        for role, minutes, name, worries in DRAFTS:
            by, at = self.timeline.staff(self._team(), now, role), now - timedelta(minutes=minutes)
            key = uuid.uuid4().hex
            tasks: tuple[tuple[str, dict[str, list[str]]], ...] = (
                ("referrer", {"contact-type": ["safeguarding_concern"], "contact-source_code": ["2A"]}),
                ("children", {"children": ["0"], "child-0-first_name": [name]}),
                ("concern", {"contact-worries": [worries]}),
                ("indicators", {"child-0-indicators": ["L3-12"]}),
            )
            for task, typed in tasks:
                page = Task(task, typed, shown=typed, is_done=task != "concern")
                contact_drafts.save(key=key, task=page, seen_version=0, by=by, now=at)

    def _confirm_in_writing(self, contact_id: int, now: datetime) -> None:
        team = Contact.objects.select_related("team").get(pk=contact_id).team
        by = self.timeline.staff(team, now, Role.CONTACT_OFFICER, Role.SOCIAL_WORKER)
        referrers.confirm_in_writing(contact_id=contact_id, by=by, now=now)

    def _review(self, contact_id: int, now: datetime, *, decide_now: bool = False) -> None:
        """Somebody opens the contact, then hands it over, waits for an answer (unless `decide_now`) or decides."""
        contact = Contact.objects.select_related("team").get(pk=contact_id)
        by = self.timeline.staff(contact.team, now, Role.SOCIAL_WORKER)
        viewing.view_contact(reference=contact.reference, by=by, now=now)
        if contact.handovers.open().exists():
            contact_handovers.take_on(contact_id=contact_id, by=by, now=now)
        elif self._hands_over(contact, by, now):
            return
        self.prepare(contact, by, now)
        contact = Contact.objects.select_related("recommendation", "team").get(pk=contact_id)
        assert contact.recommendation is not None
        asks_family = contact.recommendation.hold == Hold.AGREEMENT
        if not decide_now and self.timeline.chance(0.5 if asks_family else 0.2):
            self._wait_for_answer(contact, by, now, for_family=asks_family)
            return
        if asks_family:
            contact = learning.record_agreement(
                contact_id=contact.pk,
                service=self.timeline.random.choice(["given", "given", "given", "refused"]),
                given_by="mother",
                on=local_day(now),
                by=by,
                now=now,
            )
        try:
            self._decide(contact, now)
        except TakenBySomeoneElse:
            # An earlier demonstration in this database has opened a case for this family, later than this moment.
            self.timeline.plan_after(now, (1, 8), lambda later: self._review(contact_id, later))

    def prepare(self, contact: Contact, by: User, now: datetime) -> None:
        """Prepares a decision: settles the matches, and screens."""
        self._settle_matches(contact, by, now)
        contact = Contact.objects.select_related("recommendation").get(pk=contact.pk)
        if conditions.waits_for_screening(contact):
            self._screen(contact, by, now)

    def _settle_matches(self, contact: Contact, by: User, now: datetime) -> None:
        """Settles the matches, the likeliest first and one at a time, because each answer may settle others."""
        while found := sameness.open_matches(contact):
            said: dict[str, Any] = {"contact_id": contact.pk, "match_id": found[0].pk, "by": by, "now": now}
            try:
                matches.settle(same=found[0].score >= CONFIRMED_FROM, reason=TWO, **said)
            except NotAllowedInStatus:
                # They are two children on one contact, or the match was rejected before.
                matches.settle(same=False, reason=TWO, **said)

    def _screen(self, contact: Contact, by: User, now: datetime) -> None:
        """Screens a contact without indicators: finds one that was left out, or that none applies."""
        assert contact.recommendation_id is not None
        child = contact.children.order_by("position")[0]
        found = [self.timeline.random.choice(LEVEL_2)] if self.timeline.chance(0.3) else []
        learning.screen(
            contact_id=contact.pk,
            recommendation_id=contact.recommendation_id,
            children={child.pk: found},
            family=[],
            none_applies=not found,
            by=by,
            now=now,
        )
        contact.refresh_from_db()

    def _hands_over(self, contact: Contact, by: User, now: datetime) -> bool:
        """May hand an urgent contact over: in the evening to emergency duty, towards morning to the day team."""
        opens_at = calendar.current().counted_start(now, local=True)
        night_is_long = opens_at - now > timedelta(hours=10)
        by_night = contact.team.kind == TeamKind.EMERGENCY_DUTY
        if by_night == night_is_long or contact.rag not in ("red", "amber") or self.timeline.chance(0.3):
            return False
        if by_night:
            note = "Safe at her grandmother's until noon; the police have spoken with the father. Please decide today."
            self.timeline.plan_after(opens_at, (0.1, 1.5), lambda later: self._review(contact.pk, later))
        else:
            note = "The mother is not on the telephone before eight. Please ring her tonight, then look again."
            self.timeline.plan_after(now, (0.5, 16), lambda later: self._review(contact.pk, later))
        contact_handovers.hand_over(contact_id=contact.pk, note=note, by=by, now=now)
        return True

    def _wait_for_answer(self, contact: Contact, by: User, now: datetime, *, for_family: bool) -> None:
        """Waits for the family while the clock is paused, or for a partner, at times with an extended clock."""
        clock = contact.clocks.running().get(kind__startswith="final_decision_")
        if for_family and clock.policy.may_pause and now < clock.due_at:
            reason = "The mother asked for time to talk to the father, who works away until tomorrow."
            clock_changes.pause(clock_id=clock.pk, reason=reason, by=by, now=now)
            self.timeline.plan_after(now, (5, 30), lambda later: self._review(contact.pk, later, decide_now=True))
        else:
            asked = self.timeline.random.choice(
                [agency for agency in self.timeline.agencies if agency.pk != contact.agency_id]
            )
            question = "What do you know of these children and of the adults at home, and since when?"
            check = partner_checks.ask(contact_id=contact.pk, agency_id=asked.pk, question=question, by=by, now=now)
            is_red = contact.rag == "red"
            self.timeline.plan_after(
                now, (0.2, 1.5) if is_red else (1, 20), lambda later: self._end_check(check.pk, later)
            )
            self.timeline.plan_after(
                now, (0.5, 2) if is_red else (2, 28), lambda later: self._review(contact.pk, later, decide_now=True)
            )
            if not is_red and self.timeline.chance(0.5):
                extend_clock(
                    self.timeline, clock, contact.team, "The answer of a partner can change the decision.", now
                )
        for reminder in recipients.reminders_of(by, now).filter(clock=clock):
            reason = "The answer comes today."
            reminders.snooze(reminder_id=reminder.pk, until="half_day", reason=reason, by=by, now=now)

    def _end_check(self, check_id: int, now: datetime) -> None:
        check = PartnerCheck.objects.select_related("contact__team").get(pk=check_id)
        if check.status != "asked":
            return
        by = self.timeline.staff(check.contact.team, now, Role.SOCIAL_WORKER)
        if self.timeline.chance(0.2):
            reason = "What we wanted to know stands in our own records."
            partner_checks.withdraw(check_id=check_id, reason=reason, by=by, now=now)
            return
        answer = "Known since last year: seen often, last week too, and well with their grandparents."
        partner_checks.record_answer(check_id=check_id, answer=answer, by=by, now=now)

    def _decide(self, contact: Contact, now: datetime) -> None:
        recommendation = contact.recommendation
        assert recommendation is not None
        pathway = recommendation.pathway
        if pathway == "social_worker_review" and self.timeline.chance(0.4) and contact.agreement == "given":
            pathway = "family_help"
        by = self.timeline.staff(contact.team, now, Role.SOCIAL_WORKER)
        if not permissions.allows(decisions.check_can_decide, contact, by=by, now=now):
            by = self.timeline.staff(contact.team, now, Role.FRONT_DOOR_MANAGER)
        destination = decisions.preview(contact, pathway, household(contact), now=now)
        if destination.pick and pathway == "link_to_open_work":
            # Only a parent matches a person on record, so a social worker talks with the family.
            pathway = "social_worker_review"
            destination = decisions.preview(contact, pathway, household(contact), now=now)
        decision = decisions.decide(
            contact_id=contact.pk,
            recommendation_id=recommendation.pk,
            pathway=pathway,
            level=recommendation.level,
            rag=recommendation.rag,
            rationale=RATIONALE,
            history=HISTORY if has_history(recommendation.facts) else "",
            chosen_team_id=self.timeline.random.choice(teams_to_pick_from()).pk if destination.pick else None,
            chosen_team_reason="The family knows this team." if destination.pick else "",
            chosen_case_id=destination.choose_from[0].pk if destination.choose_from else None,
            without_answers=[check.pk for check in partner_checks.unanswered(contact)],
            by=by,
            now=now,
        )
        if decision.needs_sign_off:
            self.timeline.plan_after(now, (0.2, 8), lambda later: self._sign_off(decision, later))
        else:
            self.teams.plan_answers(decision.contact_id, now)

    def _sign_off(self, decision: Decision, now: datetime) -> None:
        team = Contact.objects.select_related("team").get(pk=decision.contact_id).team
        by = self.timeline.staff(team, now, Role.FRONT_DOOR_MANAGER, but_not=decision.decided_by)
        arguments: dict[str, Any] = {"contact_id": decision.contact_id, "by": by, "now": now}
        try:
            decisions.sign_off(agreed=True, rationale="I have read the history and agree.", **arguments)
        except TakenBySomeoneElse:
            decisions.sign_off(agreed=False, rationale="A case was opened for them in the meantime.", **arguments)
            self.timeline.plan_after(now, (0.5, 4), lambda later: self._review(decision.contact_id, later))
            return
        self.teams.plan_answers(decision.contact_id, now)

    def _team(self) -> Team:
        return Team.objects.filter(kind=TeamKind.FRONT_DOOR, is_active=True).order_by("code")[0]
