"""
A life for the demonstration: contacts come in over some weeks, people decide, teams accept, work ends.

Everything happens through the real actions, at moments that lie in the past, and in the order of those moments.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from django.core.mail.backends.dummy import EmailBackend as NoEmail

from casework.access import permissions
from casework.actions import (
    cases,
    clock_changes,
    contact_handovers,
    decisions,
    handoffs,
    learning,
    partner_checks,
    receiving,
    referrers,
    reminders,
    viewing,
)
from casework.deadlines import recipients
from casework.demonstration.families import Families
from casework.families.household import household
from casework.families.routing import teams_to_pick_from
from casework.jobs import delivery, opening, sweep
from casework.models import (
    LEAD_OFFERS_FROM,
    Case,
    Clock,
    Contact,
    Decision,
    Handoff,
    MatchStatus,
    Outcome,
    PartnerCheck,
    PersonMatch,
)
from casework.record.responsibilities import current
from errors import ServiceError, TakenBySomeoneElse
from localities import calendar
from localities.models import Agency, Membership, OtherAuthority, Postcode, Role, Team, TeamKind, User
from localities.working_time import local_day
from triage.ruleset import Hold

WEEKS = 6
RATIONALE = "The history and what the referrer saw point the same way; the family's own view was heard."


class NothingToSeed(ServiceError):
    """The reference data are missing."""


@dataclass(order=True)
class Happening:
    """Something that will happen at a moment."""

    at: datetime
    order: int
    happen: Callable[[datetime], None] = field(compare=False)


def seed(*, contacts: int, seed: int, until: datetime, progress: Callable[[str], None]) -> int:
    """
    Let so many contacts come in over the weeks before `until`, and life go on with them until then.

    :param seed: the same seed makes the same families.
    :returns: how many contacts came in.
    :raises NothingToSeed: the reference data are not loaded.
    """
    return _Life(Random(seed), until, progress).live(contacts)  # noqa: S311  # a demonstration, not a secret


class _Life:
    def __init__(self, random: Random, until: datetime, progress: Callable[[str], None]) -> None:
        self.random = random
        self.until = until
        self.progress = progress
        self.order = itertools.count()
        self.coming: list[Happening] = []
        self.came_in = 0
        postcodes = list(Postcode.objects.order_by("pk").values_list("pk", flat=True)[::97])
        self.agencies = list(Agency.objects.filter(is_active=True).order_by("pk"))
        if not postcodes or not self.agencies:
            raise NothingToSeed("There is nothing to seed with: run manage.py load_reference_data first.")
        # What becomes of a family depends on what is there already; who comes must not.
        self.families = Families(Random(random.random()), postcodes)  # noqa: S311  # no secret

    def live(self, count: int) -> int:
        for _ in range(count):
            # A third came in since yesterday, so that every worklist has something on it.
            span = timedelta(hours=26) if self.random.random() < 0.33 else timedelta(weeks=WEEKS)
            self._later(self.until - span * self.random.random(), self._receive)
        told, total = 0, count
        while self.coming:
            happening = heapq.heappop(self.coming)
            happening.happen(happening.at)
            self._let_the_worker_work(happening.at)
            if self.came_in >= told + max(1, total // 10):
                told = self.came_in
                self.progress(f"  {told} of {total} contacts")
        self._let_the_worker_work(self.until)
        return self.came_in

    def _later(self, at: datetime, happen: Callable[[datetime], None]) -> None:
        if at <= self.until:
            heapq.heappush(self.coming, Happening(at, next(self.order), happen))

    def _after(self, now: datetime, hours: tuple[float, float], happen: Callable[[datetime], None]) -> None:
        self._later(now + timedelta(hours=self.random.uniform(*hours)), happen)

    def _let_the_worker_work(self, now: datetime) -> None:
        opening.pass_to_day_team(now=now)
        sweep.sweep(now=now)
        delivery.drain(clock=lambda: now, connect=NoEmail)

    # ---- what happens

    def _receive(self, now: datetime) -> None:
        agency = self.families.random.choice(self.agencies)
        document = self.families.contact(now, agency.source_code)
        typed_in = self.random.random() < 0.2
        by = self._somebody(_front_door(), now, Role.CONTACT_OFFICER) if typed_in else agency
        contact = receiving.receive(document=document, by=by, now=now).contact
        self.came_in += 1
        if contact.received_by_phone and self.random.random() < 0.9:
            self._after(now, (2, 40), lambda later: self._in_writing(contact.pk, later))
        urgent = contact.rag == "red"
        self._after(now, (0.3, 3) if urgent else (1, 30), lambda later: self._look(contact.pk, later))

    def _in_writing(self, contact_id: int, now: datetime) -> None:
        team = Contact.objects.select_related("team").get(pk=contact_id).team
        by = self._somebody(team, now, Role.CONTACT_OFFICER, Role.SOCIAL_WORKER)
        referrers.confirm_in_writing(contact_id=contact_id, by=by, now=now)

    def _look(self, contact_id: int, now: datetime, *, in_haste: bool = False) -> None:
        """Somebody opens the contact, and decides; or waits for an answer first, unless they are `in_haste`."""
        contact = Contact.objects.select_related("team").get(pk=contact_id)
        by = self._somebody(contact.team, now, Role.SOCIAL_WORKER)
        viewing.view_contact(reference=contact.reference, by=by, now=now)
        if contact.handovers.open().exists():
            contact_handovers.take_on(contact_id=contact_id, by=by, now=now)
        elif self._passed_on(contact, by, now):
            return
        for match in PersonMatch.objects.filter(child__contact=contact, status=MatchStatus.PROPOSED):
            learning.settle_match(contact_id=contact_id, match_id=match.pk, same=True, by=by, now=now)
        contact = Contact.objects.select_related("recommendation", "team").get(pk=contact_id)
        assert contact.recommendation is not None
        asks_family = contact.recommendation.hold == Hold.AGREEMENT
        if not in_haste and self.random.random() < (0.5 if asks_family else 0.2):
            self._wait(contact, by, now, for_family=asks_family)
            return
        if asks_family:
            contact = learning.record_agreement(
                contact_id=contact.pk,
                service=self.random.choice(["given", "given", "given", "refused"]),
                given_by="mother",
                on=local_day(now),
                by=by,
                now=now,
            )
        try:
            self._decide(contact, now)
        except TakenBySomeoneElse:
            # An earlier life, whose cases opened later than this moment, is there already.
            self._after(now, (1, 8), lambda later: self._look(contact_id, later))

    def _passed_on(self, contact: Contact, by: User, now: datetime) -> bool:
        """Whether a contact passes to the next team: in the evening what cannot wait, towards the morning what can."""
        opens_at = calendar.current().counted_start(now, local=True)
        night_is_long = opens_at - now > timedelta(hours=10)
        by_night = contact.team.kind == TeamKind.EMERGENCY_DUTY
        if by_night == night_is_long or contact.rag not in ("red", "amber") or self.random.random() < 0.3:
            return False
        if by_night:
            note = "Safe at her grandmother's until noon; the police have spoken with the father. Please decide today."
            self._after(opens_at, (0.1, 1.5), lambda later: self._look(contact.pk, later))
        else:
            note = "The mother is not on the telephone before eight. Please ring her tonight, then look again."
            self._after(now, (0.5, 16), lambda later: self._look(contact.pk, later))
        contact_handovers.hand_over(contact_id=contact.pk, note=note, by=by, now=now)
        return True

    def _wait(self, contact: Contact, by: User, now: datetime, *, for_family: bool) -> None:
        """Somebody waits: for the family, while its clock stands still, or for a partner, with more time for that."""
        clock = contact.clocks.running().get(kind__startswith="final_decision_")
        if for_family and clock.policy.may_pause and now < clock.due_at:
            reason = "The mother asked for time to talk to the father, who works away until tomorrow."
            clock_changes.pause(clock_id=clock.pk, reason=reason, by=by, now=now)
            self._after(now, (5, 30), lambda later: self._look(contact.pk, later, in_haste=True))
        else:
            asked = self.random.choice([agency for agency in self.agencies if agency.pk != contact.agency_id])
            question = "What do you know of these children and of the adults at home, and since when?"
            check = partner_checks.ask(contact_id=contact.pk, agency_id=asked.pk, question=question, by=by, now=now)
            is_red = contact.rag == "red"
            self._after(now, (0.2, 1.5) if is_red else (1, 20), lambda later: self._hear(check.pk, later))
            self._after(
                now, (0.5, 2) if is_red else (2, 28), lambda later: self._look(contact.pk, later, in_haste=True)
            )
            if not is_red and self.random.random() < 0.5:
                self._extend(clock, contact.team, "The answer of a partner can change the decision.", now)
        for reminder in recipients.reminders_of(by, now).filter(clock=clock):
            reason = "The answer comes today."
            reminders.snooze(reminder_id=reminder.pk, until="half_day", reason=reason, by=by, now=now)

    def _hear(self, check_id: int, now: datetime) -> None:
        check = PartnerCheck.objects.select_related("contact__team").get(pk=check_id)
        if check.status != "asked":
            return
        by = self._somebody(check.contact.team, now, Role.SOCIAL_WORKER)
        if self.random.random() < 0.2:
            reason = "What we wanted to know stands in our own records."
            partner_checks.withdraw(check_id=check_id, reason=reason, by=by, now=now)
            return
        answer = "Known since last year: seen often, last week too, and well with their grandparents."
        partner_checks.record_answer(check_id=check_id, answer=answer, by=by, now=now)

    def _extend(self, clock: Clock, team: Team, why: str, now: datetime) -> None:
        """Who hears of its breach gives a clock two days more."""
        by = self._somebody(team, now, Role(clock.policy.escalates_to))
        to = max(clock.due_at, now) + timedelta(days=2)
        clock_changes.extend(clock_id=clock.pk, to=to, reason=f"{why} The children were seen, and are safe.", by=by,
                             now=now)  # fmt: skip

    def _decide(self, contact: Contact, now: datetime) -> None:
        recommendation = contact.recommendation
        assert recommendation is not None
        pathway = recommendation.pathway
        if pathway == "social_worker_review" and self.random.random() < 0.4 and contact.agreement == "given":
            pathway = "family_help"
        by = self._somebody(contact.team, now, Role.SOCIAL_WORKER)
        if not permissions.allows(decisions.check_can_decide, contact, by=by, now=now):
            by = self._somebody(contact.team, now, Role.FRONT_DOOR_MANAGER)
        where = decisions.preview(contact, pathway, household(contact), now=now)
        if where.pick and pathway == "link_to_open_work":
            # Only a parent looks like somebody whom we know: somebody looks with the family.
            pathway = "social_worker_review"
            where = decisions.preview(contact, pathway, household(contact), now=now)
        decision = decisions.decide(
            contact_id=contact.pk,
            recommendation_id=recommendation.pk,
            pathway=pathway,
            level=recommendation.level,
            rag=recommendation.rag,
            rationale=RATIONALE,
            chosen_team_id=self.random.choice(teams_to_pick_from()).pk if where.pick else None,
            chosen_team_reason="The family knows this team." if where.pick else "",
            by=by,
            now=now,
        )
        if decision.needs_sign_off:
            self._after(now, (0.2, 8), lambda later: self._sign_off(decision, later))
        else:
            self._offered(decision.contact_id, now)

    def _sign_off(self, decision: Decision, now: datetime) -> None:
        team = Contact.objects.select_related("team").get(pk=decision.contact_id).team
        by = self._somebody(team, now, Role.FRONT_DOOR_MANAGER, but_not=decision.decided_by)
        said: dict[str, Any] = {"contact_id": decision.contact_id, "by": by, "now": now}
        try:
            decisions.sign_off(agreed=True, rationale="I have read the history and agree.", **said)
        except TakenBySomeoneElse:
            decisions.sign_off(agreed=False, rationale="A case was opened for them in the meantime.", **said)
            self._after(now, (0.5, 4), lambda later: self._look(decision.contact_id, later))
            return
        self._offered(decision.contact_id, now)

    def _offered(self, contact_id: int, now: datetime) -> None:
        for handoff in Handoff.objects.filter(case__contacts=contact_id, status="offered"):
            self._after(now, (1, 40), lambda later, handoff_id=handoff.pk: self._answer(handoff_id, later))  # type: ignore[misc]

    def _answer(self, handoff_id: int, now: datetime) -> None:
        handoff = Handoff.objects.select_related("to_team").get(pk=handoff_id)
        if handoff.status != "offered":
            return
        by = self._somebody(handoff.to_team, now, Role.TEAM_LEAD)
        if self.random.random() < 0.05:
            reason = "The family moved last week; the new address is in another locality."
            handoffs.return_to_sender(handoff_id=handoff_id, reason=reason, by=by, now=now)
            self._after(now, (2, 30), lambda later: self._offer_elsewhere(handoff.case_id, later))
            return
        handoffs.accept(handoff_id=handoff_id, by=by, now=now)
        self._after(now, (2, 60), lambda later: self._lead(handoff.case_id, later))

    def _offer_elsewhere(self, case_id: int, now: datetime) -> None:
        case = Case.objects.get(pk=case_id)
        # Once more is a manager's to say.
        role = Role.FRONT_DOOR_MANAGER if handoffs.ordinal(case) >= LEAD_OFFERS_FROM else Role.SOCIAL_WORKER
        by = self._somebody(current(case).team, now, role)
        team = self.random.choice([team for team in teams_to_pick_from() if team.kind == TeamKind.LOCALITY])
        handoff = handoffs.offer(
            case_id=case_id,
            to_team_id=team.pk,
            reason="The new address lies here.",
            lead_reason="They have moved, and want to stay there.",
            despite="The new address is too far away for a weekly visit.",
            by=by,
            now=now,
        )
        self._after(now, (1, 30), lambda later: self._answer(handoff.pk, later))

    def _lead(self, case_id: int, now: datetime) -> None:
        case = Case.objects.get(pk=case_id)
        team = current(case).team
        by = self._somebody(team, now, Role.TEAM_LEAD)
        viewing.view_case(reference=case.reference, by=by, now=now)
        if case.pathway == "other_authority":
            authority = self.random.choice(list(OtherAuthority.objects.all()))
            cases.name_other_authority(case_id=case_id, authority_id=authority.pk, by=by, now=now)
            self._after(now, (1, 20), lambda later: self._close(case_id, Outcome.OTHER_AUTHORITY, later))
            return
        lead = self._somebody(team, now, Role.TEAM_MEMBER, Role.TEAM_LEAD)
        cases.name_lead(case_id=case_id, lead_id=lead.pk, by=by, now=now)
        if case.pathway == "strategy_discussion":
            self._after(now, (1, 20), lambda later: self._strategy_discussion(case_id, later))
        self._after(now, (24, 120), lambda later: self._first_contact(case_id, later))

    def _strategy_discussion(self, case_id: int, now: datetime) -> None:
        by = self._somebody(current(Case.objects.get(pk=case_id)).team, now, Role.TEAM_LEAD)
        cases.record_milestone(case_id=case_id, kind="strategy_discussion_held", at=now, by=by, now=now)

    def _first_contact(self, case_id: int, now: datetime) -> None:
        case = Case.objects.get(pk=case_id)
        team = current(case).team
        by = self._somebody(team, now, Role.TEAM_LEAD)
        viewing.view_case(reference=case.reference, by=by, now=now)
        cases.record_milestone(case_id=case_id, kind="first_family_contact", at=now, by=by, now=now)
        plan = case.clocks.running().filter(kind="family_help_plan").first()
        if plan is not None and self.random.random() < 0.3:
            self._extend(plan, team, "The father comes home on Saturday, and wants to have a say in the plan.", now)
        outcome = self.random.choice(
            [Outcome.NEEDS_MET, Outcome.NEEDS_MET, Outcome.UNIVERSAL_SERVICES, Outcome.NO_PROGRESS]
        )
        self._after(now, (200, 1200), lambda later: self._close(case_id, outcome, later))

    def _close(self, case_id: int, outcome: Outcome, now: datetime) -> None:
        case = Case.objects.get(pk=case_id)
        by = self._somebody(current(case).team, now, Role.TEAM_LEAD)
        summary = "What the family wanted to change has changed; they know where to turn."
        cases.close(case_id=case_id, outcome=outcome, summary=summary, by=by, now=now)

    def _somebody(self, team: Team, now: datetime, *roles: Role, but_not: User | None = None) -> User:
        """Somebody of the team in one of these roles."""
        return _staff(team, local_day(now), roles, but_not, self.random)


def _front_door() -> Team:
    return Team.objects.filter(kind="front_door", is_active=True).order_by("code")[0]


def _staff(team: Team, on: date, roles: tuple[Role, ...], but_not: User | None, random: Random) -> User:
    of_team = Membership.objects.current(on).filter(role__in=roles)
    people = [m.user for m in of_team.filter(team=team).select_related("user").order_by("pk") if m.user != but_not]
    if not people:
        # A small team asks a manager of the service, as it would on a real evening.
        service = Membership.objects.current(on).filter(role=Role.SERVICE_MANAGER).select_related("user")
        people = [membership.user for membership in service]
    if not people:
        raise NothingToSeed(f"{team} has nobody in the roles that the demonstration needs.")
    return random.choice(people)
