"""Handoffs, and the work on a case: offered, accepted, returned, withdrawn; who leads, what was done, how it ended."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from casework.actions import cases, closing, handoffs
from casework.messages import wording
from casework.models import AuditEvent, Case, Event, Handoff, HandoffKind, OutboxMessage, StatusChange
from casework.record.responsibilities import current
from errors import InvalidInput, NotAllowedInStatus, NotPermitted
from localities.models import Membership, OtherAuthority, Role, Team, TeamKind, User
from localities.working_time import LONDON, local_day
from tests.conftest import THURSDAY
from tests.stage.documents import address, child
from tests.stage.families import returned_to_aylesbury
from tests.stage.sql import copy
from tests.stage.story import SharedStory, Story, how_it_ended, person

HARM: dict[str, Any] = {"children": [child(indicators=["L4-01"])]}
SATURDAY_NIGHT = datetime(2026, 11, 21, 23, 30, tzinfo=LONDON)


# Of a step up or down: what the family was told, that it agrees, and how urgent it is.
TOLD: dict[str, Any] = {
    "family_told": "They know who comes, and why.", "family_agrees": True, "in_danger": False, "rag": "red",
}  # fmt: skip


def offer(story: Story, case: Case, to: str, by: str, **said: Any) -> Handoff:
    return handoffs.offer(
        case_id=case.pk, to_team_id=story.team(to).pk, by=person(by), now=story.later(),
        **({"reason": "They live there now."} | TOLD | said),
    )  # fmt: skip


def accept(story: Story, handoff: Handoff, by: str) -> Handoff:
    return handoffs.accept(handoff_id=handoff.pk, by=person(by), now=story.later())


def passed_on(story: Story, case: Case, to: str, by: str, accepted_by: str, **said: Any) -> Handoff:
    """Offers a case, and accepts it."""
    return accept(story, offer(story, case, to, by, **said), accepted_by)


def running(case: Case) -> set[str]:
    return set(case.clocks.running().values_list("kind", flat=True))


def recipients_of(kind: str) -> list[str]:
    """The usernames of the recipients of these messages: one entry for each message."""
    messages = OutboxMessage.objects.filter(kind=kind).order_by("to")
    return [to.removesuffix("@front-door.example") for to in messages.values_list("to", flat=True)]


@pytest.fixture(scope="class")
def shared(told_for_a_class: None, request: pytest.FixtureRequest) -> SharedStory:
    story = Story(THURSDAY)
    return SharedStory(story, (request.cls.tell(story).pk,))


class FromACase:
    """Each test starts from the case that `tell` opens. It is opened once for the class."""

    @pytest.fixture
    def story(self, db: None, shared: SharedStory) -> Story:
        return shared.story.goes_on()

    @pytest.fixture
    def case(self, db: None, shared: SharedStory) -> Case:
        return Case.objects.get(pk=shared.about[0])


class TestAccepting:
    def test_acceptance_passes_responsibility_in_that_instant(self, story: Story) -> None:
        case = story.accepted()
        front_door, aylesbury = case.responsibilities.order_by("period")
        assert front_door.period.upper == aylesbury.period.lower == Handoff.objects.get(case=case).answered_at
        assert current(case).team.code == "aylesbury"

    def test_acceptance_starts_the_teams_clocks(self, story: Story) -> None:
        case = story.accepted()
        assert set(case.clocks.running().values_list("kind", flat=True)) == {
            "lead_practitioner_named",
            "first_family_contact",
            "family_help_assessment",
            "family_help_plan",
        }

    def test_acceptance_stops_the_acceptance_clock(self, story: Story) -> None:
        handoff = story.offered()
        clock = handoff.clocks.get()
        assert (clock.kind, clock.stopped_at) == ("handoff_acceptance", None)
        handoffs.accept(handoff_id=handoff.pk, by=User.objects.get(username="bea"), now=story.later())
        clock.refresh_from_db()
        assert (clock.stopped_at, clock.ended) == (story.now, "done")

    def test_a_red_case_must_be_accepted_within_two_hours(self, story: Story) -> None:
        handoff = story.offered(story.contact(children=[child(indicators=["L4-01"])]), by="maya")
        clock = handoff.clocks.get()
        assert clock.kind == "handoff_acceptance_red"
        assert clock.due_at - clock.started_at == timedelta(hours=2)

    @pytest.mark.parametrize("stranger", ["carol", "pat"])
    def test_other_teams_do_not_find_the_case(self, story: Story, stranger: str) -> None:
        handoff = story.offered()
        with pytest.raises(Case.DoesNotExist):
            handoffs.accept(handoff_id=handoff.pk, by=User.objects.get(username=stranger), now=story.later())

    def test_the_sender_cannot_accept_for_the_receiver(self, story: Story, amina: User) -> None:
        handoff = story.offered()
        with pytest.raises(NotPermitted, match="Only Aylesbury team can answer"):
            handoffs.accept(handoff_id=handoff.pk, by=amina, now=story.later())

    def test_a_second_answer_is_refused(self, story: Story, ben: User) -> None:
        case = story.accepted()
        with pytest.raises(NotAllowedInStatus, match="accepted already"):
            handoffs.accept(handoff_id=case.handoffs.get().pk, by=ben, now=story.later())

    def test_acceptance_is_recorded_with_its_author(self, story: Story, ben: User) -> None:
        case = story.accepted()
        change = StatusChange.objects.get(handoff__case=case)
        assert (change.from_status, change.to_status, change.by) == ("offered", "accepted", ben)
        assert AuditEvent.objects.filter(case=case, event="handoff_accepted", by_user=ben).count() == 1


class TestReturning:
    def test_the_sender_stays_responsible_and_is_told(self, story: Story, ben: User) -> None:
        handoff = story.offered()
        reason = "They moved to Wycombe last week."
        handoffs.return_to_sender(handoff_id=handoff.pk, reason=reason, by=ben, now=story.later())
        handoff.refresh_from_db()
        assert (handoff.status, handoff.answer_reason) == ("returned", reason)
        assert current(handoff.case).team.code == "front-door"
        recipients = OutboxMessage.objects.filter(kind="handoff_returned").values_list("to", flat=True)
        assert set(recipients) == {f"{name}@front-door.example" for name in ("amina", "maya", "david")}

    def test_a_returned_case_has_a_clock(self, story: Story, ben: User) -> None:
        assert [clock.kind for clock in story.returned().clocks.running()] == ["next_team_offered"]

    def test_a_returned_red_case_has_a_clock_in_hours(self, story: Story, pat: User) -> None:
        """A returned red case needs a team within hours."""
        case = story.returned(story.contact(children=[child(indicators=["L4-01"])]), by="pat", decided_by="maya")
        clock = case.clocks.running().get(kind__startswith="next_team")
        assert (clock.kind, clock.due_at) == ("next_team_offered_red", story.now + timedelta(hours=2))

    def test_the_clock_stops_when_another_team_is_offered_the_case(self, story: Story, ben: User, amina: User) -> None:
        case = story.returned()
        team = story.team("wycombe-and-marlow")
        handoffs.offer(case_id=case.pk, to_team_id=team.pk, reason="They live here now.", by=amina, now=story.later())
        assert not case.clocks.running().exists()
        handoffs.accept(
            handoff_id=case.handoffs.latest("pk").pk, by=User.objects.get(username="carol"), now=story.later()
        )
        assert current(case).team == team
        assert case.handoffs.count() == 2

    @pytest.mark.parametrize("reason", ["", "  \n"])
    def test_returning_without_a_reason_is_refused(self, story: Story, ben: User, reason: str) -> None:
        handoff = story.offered()
        with pytest.raises(InvalidInput, match="Enter why the case goes back"):
            handoffs.return_to_sender(handoff_id=handoff.pk, reason=reason, by=ben, now=story.later())
        handoff.refresh_from_db()
        assert handoff.status == "offered"


class TestComingBackToATeam:
    """Bea of Aylesbury offered the case to Chiltern, which returned it."""

    def test_the_team_has_a_working_day_for_the_next_step(self, story: Story) -> None:
        case = returned_to_aylesbury(story)
        clock = case.clocks.running().get(kind="returned_case_settled")
        assert (clock.started_at, clock.policy.escalates_to) == (story.now, "team_lead")
        assert not case.clocks.running().filter(kind__startswith="next_team").exists()

    def test_who_offered_it_is_told_and_so_is_who_leads_the_team(self, story: Story) -> None:
        returned_to_aylesbury(story)
        recipients = OutboxMessage.objects.filter(kind="handoff_returned").values_list("to", flat=True)
        assert sorted(recipients) == ["bea@front-door.example", "ben@front-door.example"]

    def test_nobody_is_told_twice(self, story: Story) -> None:
        case = story.accepted()
        onward = offer(story, case, "chiltern", "ben")
        handoffs.return_to_sender(handoff_id=onward.pk, reason="No.", by=person("chris"), now=story.later())
        assert OutboxMessage.objects.get(kind="handoff_returned").to == "ben@front-door.example"

    def test_who_has_left_the_team_is_not_told(self, story: Story, bea: User) -> None:
        case = story.accepted()
        onward = offer(story, case, "chiltern", "bea")
        Membership.objects.filter(user=bea).update(ends_on=local_day(story.now) - timedelta(days=1))
        handoffs.return_to_sender(handoff_id=onward.pk, reason="No.", by=person("chris"), now=story.later())
        assert OutboxMessage.objects.get(kind="handoff_returned").to == "ben@front-door.example"

    def test_it_is_settled_by_naming_who_goes_on(self, story: Story, bea: User) -> None:
        case = returned_to_aylesbury(story)
        cases.name_lead(case_id=case.pk, lead_id=bea.pk, by=bea, now=story.later())
        assert ended(case) == "done"

    def test_or_by_offering_it_again(self, story: Story) -> None:
        case = returned_to_aylesbury(story)
        offer(story, case, "south-bucks", "ben", lead_reason="It is right.")
        assert ended(case) == "done"

    def test_or_by_closing_it(self, story: Story) -> None:
        case = returned_to_aylesbury(story)
        story.closed(case)
        assert ended(case) == "overtaken"

    def test_what_the_team_withdrew_itself_is_no_work(self, story: Story, ben: User) -> None:
        case = story.accepted()
        onward = offer(story, case, "chiltern", "ben")
        handoffs.withdraw(handoff_id=onward.pk, reason="They stay.", by=ben, now=story.later())
        assert not case.clocks.filter(kind__startswith="returned_case").exists()


def ended(case: Case) -> str:
    """How the clock of the case that was returned has ended."""
    return case.clocks.get(kind="returned_case_settled").ended


class TestWithdrawing:
    def test_withdrawing_ends_the_offer(self, story: Story, amina: User) -> None:
        handoff = story.offered()
        handoffs.withdraw(handoff_id=handoff.pk, reason="The mother called.", by=amina, now=story.later())
        handoff.refresh_from_db()
        assert handoff.status == "withdrawn"
        assert [clock.kind for clock in handoff.case.clocks.running()] == ["next_team_offered"]

    def test_the_receiver_may_not_withdraw(self, story: Story, ben: User) -> None:
        handoff = story.offered()
        with pytest.raises(NotPermitted, match="Only Front door can withdraw"):
            handoffs.withdraw(handoff_id=handoff.pk, reason="No.", by=ben, now=story.later())

    def test_a_service_manager_may_withdraw(self, story: Story, sam: User) -> None:
        handoff = handoffs.withdraw(handoff_id=story.offered().pk, reason="Wrong team.", by=sam, now=story.later())
        assert (handoff.status, handoff.answered_by) == ("withdrawn", sam)


class TestOfferingOn:
    def test_a_second_offer_while_one_is_open_is_refused(self, story: Story, amina: User) -> None:
        handoff = story.offered()
        team = story.team("chiltern")
        with pytest.raises(NotAllowedInStatus, match="is on offer to Aylesbury team"):
            handoffs.offer(case_id=handoff.case_id, to_team_id=team.pk, reason="Both?", by=amina, now=story.later())

    def test_a_transfer_keeps_what_was_done_and_asks_for_a_new_lead(self, story: Story, ben: User, carol: User) -> None:
        case = story.accepted()
        cases.name_lead(case_id=case.pk, lead_id=ben.pk, by=ben, now=story.later())
        met = story.later()
        cases.record_milestone(case_id=case.pk, kind="first_family_contact", at=met, by=ben, now=met)
        team = story.team("wycombe-and-marlow")
        handoff = handoffs.offer(case_id=case.pk, to_team_id=team.pk, reason="They moved.", by=ben, now=story.later())
        handoffs.accept(handoff_id=handoff.pk, by=carol, now=story.later())
        case.refresh_from_db()
        assert case.lead_practitioner is None
        running = {clock.kind: clock for clock in case.clocks.running()}
        assert set(running) == {"lead_practitioner_named", "family_help_assessment", "family_help_plan"}
        assert running["lead_practitioner_named"].started_at == story.now
        assert running["family_help_plan"].started_at < story.now, "a clock that runs goes on"

    def test_the_sender_no_longer_sees_the_case_after_acceptance(self, story: Story, ben: User, carol: User) -> None:
        case = story.accepted()
        team = story.team("wycombe-and-marlow")
        handoff = handoffs.offer(case_id=case.pk, to_team_id=team.pk, reason="Moved.", by=ben, now=story.later())
        handoffs.accept(handoff_id=handoff.pk, by=carol, now=story.later())
        assert not Case.objects.visible_to(ben, story.now).exists()
        assert Case.objects.visible_to(carol, story.now).get() == case

    @pytest.mark.parametrize("missing", ["team", "reason", "itself"])
    def test_an_offer_needs_another_team_and_a_reason(self, story: Story, ben: User, missing: str) -> None:
        case = story.accepted()
        team = {"team": None, "itself": story.team("aylesbury").pk}.get(missing, story.team("chiltern").pk)
        reason = "" if missing == "reason" else "They moved."
        with pytest.raises(InvalidInput):
            handoffs.offer(case_id=case.pk, to_team_id=team, reason=reason, by=ben, now=story.later())
        assert case.handoffs.count() == 1


class TestWorking:
    def test_the_lead_must_work_in_the_team(self, story: Story, ben: User, bea: User, carol: User) -> None:
        case = story.accepted()
        with pytest.raises(InvalidInput, match="works in the team responsible for the case"):
            cases.name_lead(case_id=case.pk, lead_id=carol.pk, by=ben, now=story.later())
        named = cases.name_lead(case_id=case.pk, lead_id=bea.pk, by=ben, now=story.later())
        assert named.lead_practitioner == bea
        assert case.clocks.get(kind="lead_practitioner_named").ended == "done"

    def test_a_milestone_stops_its_clock_at_the_moment_it_happened(self, story: Story, ben: User) -> None:
        case = story.accepted()
        met = story.later()
        cases.record_milestone(case_id=case.pk, kind="first_family_contact", at=met, by=ben, now=story.later(days=1))
        clock = case.clocks.get(kind="first_family_contact")
        assert (clock.stopped_at, clock.ended) == (met, "done")

    def test_a_milestone_starts_the_next_clock(self, story: Story, ben: User) -> None:
        case = story.accepted()
        agreed = story.later()
        cases.record_milestone(case_id=case.pk, kind="plan_agreed", at=agreed, by=ben, now=agreed)
        assert case.clocks.get(kind="family_help_plan").ended == "done"
        assert case.clocks.running().get(kind="plan_review").started_at == agreed

    def test_child_protection_has_its_own_clocks(self, story: Story, pat: User) -> None:
        contact = story.contact(children=[child(indicators=["L4-01"])])
        story.decided(contact, by="maya")
        case = Case.objects.get(contacts=contact)
        handoffs.accept(handoff_id=case.handoffs.get().pk, by=pat, now=story.later())
        assert case.clocks.running().get(kind="social_work_assessment").started_at == contact.received_at
        for done, starts in [
            ("strategy_discussion_held", {"initial_conference"}),
            ("initial_conference_held", {"core_group", "first_review_conference"}),
            ("review_conference_held", {"later_review_conference"}),
            ("review_conference_held", {"later_review_conference"}),
        ]:
            at = story.later(days=1)
            cases.record_milestone(case_id=case.pk, kind=done, at=at, by=pat, now=at)
            running = {clock.kind: clock.started_at for clock in case.clocks.running()}
            assert {running[kind] for kind in starts} == {at}
        assert "strategy_discussion" not in running
        assert "first_review_conference" not in running

    @pytest.mark.parametrize("when", ["before the contact", "tomorrow"])
    def test_a_milestone_outside_the_time_of_the_work_is_refused(self, story: Story, ben: User, when: str) -> None:
        case = story.accepted()
        at = story.now + timedelta(days=-30 if when == "before the contact" else 1)
        with pytest.raises(InvalidInput, match="between the family's contact and now"):
            cases.record_milestone(case_id=case.pk, kind="plan_agreed", at=at, by=ben, now=story.now)

    @pytest.mark.parametrize("stranger", ["amina", "carol"])
    def test_other_people_do_not_find_the_case(self, story: Story, stranger: str) -> None:
        case = story.accepted()
        somebody = User.objects.get(username=stranger)
        with pytest.raises(Case.DoesNotExist):
            cases.name_lead(case_id=case.pk, lead_id=somebody.pk, by=somebody, now=story.later())


class TestClosing:
    def test_closing_ends_clocks_and_responsibility_and_tells_the_school(self, story: Story, ben: User) -> None:
        case = story.closed()
        assert (case.status, case.outcome, case.closed_by) == ("closed", "needs_met", ben)
        assert not case.clocks.running().exists()
        assert case.responsibilities.latest("period").period.upper == case.closed_at
        assert OutboxMessage.objects.filter(kind="case_closed", to="dsl@school.example").count() == 1

    def test_a_member_of_the_public_is_not_told(self, story: Story) -> None:
        case = story.accepted(story.contact(source_code="1B"))
        story.closed(case)
        assert not OutboxMessage.objects.filter(kind="case_closed").exists()

    def test_closing_needs_an_outcome_and_a_summary(self, story: Story, ben: User) -> None:
        case = story.accepted()
        with pytest.raises(InvalidInput) as excinfo:
            closing.close(case_id=case.pk, ended=how_it_ended(outcome="", summary=" "), by=ben, now=story.later())
        assert [fault.place for fault in excinfo.value.faults] == ["outcome", "summary"]

    def test_closing_during_an_offer_is_refused(self, story: Story, amina: User) -> None:
        handoff = story.offered()
        with pytest.raises(NotAllowedInStatus, match="is on offer"):
            closing.close(case_id=handoff.case_id, ended=how_it_ended(), by=amina, now=story.later())

    def test_the_last_responsible_team_still_sees_a_closed_case(self, story: Story, ben: User, carol: User) -> None:
        case = story.closed()
        assert Case.objects.visible_to(ben, story.now).get() == case
        assert not Case.objects.visible_to(carol, story.now).exists()

    def test_work_on_a_closed_case_is_refused(self, story: Story, ben: User) -> None:
        case = story.closed()
        with pytest.raises(NotAllowedInStatus, match="is closed"):
            cases.name_lead(case_id=case.pk, lead_id=ben.pk, by=ben, now=story.later())


class TestTheFrontDoorClosesNoCase:
    """Closing at the front door would get round the decisions that need two people."""

    def test_the_front_door_cannot_close_after_a_withdrawn_offer(self, story: Story, maya: User, oliver: User) -> None:
        handoff = story.offered(story.contact(children=[child(indicators=["L4-01"])]), by="maya")
        handoffs.withdraw(handoff_id=handoff.pk, reason="Wrong.", by=oliver, now=story.later())
        for who in ("oliver", "maya"):
            with pytest.raises(NotAllowedInStatus, match="Offer it to one: the front door closes no case"):
                story.closed(handoff.case, by=who)
        assert Case.objects.get().status == "open"


def test_closing_before_the_strategy_discussion_is_refused(story: Story, pat: User) -> None:
    handoff = story.offered(story.contact(children=[child(indicators=["L4-01"])]), by="maya")
    handoffs.accept(handoff_id=handoff.pk, by=pat, now=story.later())
    with pytest.raises(InvalidInput, match="No strategy discussion is recorded"):
        story.closed(handoff.case, by="pat")
    cases.record_milestone(
        case_id=handoff.case_id, kind="strategy_discussion_held", at=story.later(), by=pat, now=story.later()
    )
    assert story.closed(handoff.case, by="pat").status == "closed"


def test_all_members_are_told_of_an_offer_if_the_team_has_no_lead(story: Story, ben: User) -> None:
    ben.is_active = False
    ben.save(update_fields=["is_active"])
    handoff = story.offered()
    recipients = OutboxMessage.objects.filter(kind="handoff_offered", case=handoff.case).values_list("to", flat=True)
    assert set(recipients) == {"bea@front-door.example"}


FRONT, DUTY, LOCALITY, PROTECTION, OUTSIDE = TeamKind.values
KINDS = {
    FRONT: {FRONT: "allocation", DUTY: "allocation", LOCALITY: "allocation", PROTECTION: "allocation"},
    DUTY: {FRONT: "out_of_hours", DUTY: "allocation", LOCALITY: "allocation", PROTECTION: "allocation"},
    LOCALITY: {FRONT: "transfer", DUTY: "transfer", LOCALITY: "transfer", PROTECTION: "step_up"},
    PROTECTION: {FRONT: "transfer", DUTY: "transfer", LOCALITY: "step_down", PROTECTION: "transfer"},
    OUTSIDE: {FRONT: "transfer", DUTY: "transfer", LOCALITY: "transfer", PROTECTION: "step_up"},
}


class TestKinds:
    @pytest.mark.parametrize("sender", TeamKind.values)
    @pytest.mark.parametrize("receiver", TeamKind.values)
    def test_the_kind_follows_from_the_two_teams(self, sender: str, receiver: str) -> None:
        is_ = HandoffKind.between(Team(kind=sender), Team(kind=receiver))
        assert is_ == KINDS[sender].get(receiver, "other_authority")

    def test_the_first_handoff_is_the_front_doors_allocation(self, story: Story) -> None:
        handoff = story.offered()
        assert (handoff.kind, handoff.ordinal, handoff.is_bounce) == ("allocation", 1, False)

    def test_more_help_is_a_step_up(self, story: Story) -> None:
        case = story.accepted()
        handoff = passed_on(story, case, "child-protection", "ben", "pat", reason="He was hurt.")
        assert (handoff.kind, handoff.ordinal) == ("step_up", 2)
        assert current(case).team.code == "child-protection"

    def test_a_step_up_says_what_the_family_was_told_and_waits_for_no_agreement(self, story: Story) -> None:
        case = story.accepted()
        with pytest.raises(InvalidInput, match="Enter what the family was told of the step up"):
            offer(story, case, "child-protection", "ben", family_told=" ")
        handoff = offer(story, case, "child-protection", "ben", family_agrees=False)
        assert (handoff.family_told, handoff.family_agrees) == ("They know who comes, and why.", None)

    def test_another_locality_is_a_transfer(self, story: Story) -> None:
        assert passed_on(story, story.accepted(), "chiltern", "ben", "chris").kind == "transfer"

    def test_the_audit_event_holds_the_kind_and_number(self, story: Story) -> None:
        offer(story, story.accepted(), "child-protection", "ben")
        detail = AuditEvent.objects.filter(event=Event.HANDOFF_OFFERED).latest("pk").detail
        assert detail == {
            "kind": "step_up", "from_team": "aylesbury", "to_team": "child-protection", "ordinal": 2,
            "is_bounce": False, "in_danger": False, "rag": "red", "rag_before": "green",
        }  # fmt: skip


class TestTheRatingOfAStepUp(FromACase):
    """A green case of Aylesbury: an injury is seen."""

    @staticmethod
    def tell(story: Story) -> Case:
        return story.accepted()

    def test_a_step_up_rates_the_case_at_once(self, story: Story, case: Case) -> None:
        handoff = offer(story, case, "child-protection", "ben", rag="amber")
        case.refresh_from_db()
        assert (case.rag, handoff.rag, handoff.rag_before) == ("amber", "amber", "green")

    def test_red_is_answered_within_hours_and_amber_within_one_working_day(self, story: Story, case: Case) -> None:
        """As any referral to social care: Working Together; domain/early-help-first.md."""
        amber = offer(story, case, "child-protection", "ben", rag="amber").clocks.get()
        assert (amber.kind, amber.policy.unit, amber.policy.limit) == (
            "handoff_acceptance_step_up", "working_day", 1,
        )  # fmt: skip
        handoffs.withdraw(handoff_id=amber.handoff_id or 0, reason="It is worse.", by=person("ben"), now=story.later())
        red = offer(story, case, "child-protection", "ben", rag="red").clocks.get()
        assert (red.kind, red.due_at - red.started_at) == ("handoff_acceptance_red", timedelta(hours=2))

    @pytest.mark.parametrize("rag", ["green", "blue", "purple"])
    def test_social_care_is_red_or_amber(self, story: Story, case: Case, rag: str) -> None:
        with pytest.raises(InvalidInput, match="Select red or amber for this step up"):
            offer(story, case, "child-protection", "ben", rag=rag)

    def test_a_step_up_asks_about_danger_and_for_the_rating(self, story: Story, case: Case) -> None:
        with pytest.raises(InvalidInput) as wrong:
            offer(story, case, "child-protection", "ben", rag="", in_danger=None)
        assert {fault.path: fault.message for fault in wrong.value.faults} == {
            ("in_danger",): "Select whether a child is in immediate danger", ("rag",): "Select the rating",
        }  # fmt: skip

    def test_a_child_in_danger_is_red(self, story: Story, case: Case) -> None:
        with pytest.raises(InvalidInput, match="Select red: a child is in immediate danger"):
            offer(story, case, "child-protection", "ben", rag="amber", in_danger=True)
        assert offer(story, case, "child-protection", "ben", rag="red", in_danger=True).in_danger

    def test_a_red_case_stays_red(self, story: Story, case: Case) -> None:
        first = offer(story, case, "child-protection", "ben", rag="red")
        handoffs.return_to_sender(handoff_id=first.pk, reason="Ring first.", by=person("pat"), now=story.later())
        case.refresh_from_db()
        assert case.rag == "red", "whoever returns it changes nothing"
        assert "returned_case_settled_red" in running(case)
        with pytest.raises(InvalidInput, match="Select red for this step up"):
            offer(story, case, "child-protection", "ben", rag="amber", lead_reason="It is right.")

    def test_the_email_about_a_red_offer_says_so(self, story: Story, case: Case) -> None:
        offer(story, case, "child-protection", "ben", rag="red")
        letter = wording.write(OutboxMessage.objects.filter(kind="handoff_offered").latest("pk"))
        assert letter.subject == f"Red: a case is offered to your team: {case}"
        assert "within hours, day or night" in letter.text

    def test_the_third_handoff_is_a_step_up_without_waiting_for_the_lead(self, story: Story, case: Case) -> None:
        first = offer(story, case, "chiltern", "bea")
        handoffs.return_to_sender(handoff_id=first.pk, reason="No.", by=person("chris"), now=story.later())
        with pytest.raises(NotPermitted, match="changed hands twice"):
            offer(story, case, "chiltern", "bea", lead_reason="It is right.")
        with pytest.raises(InvalidInput, match="changed hands twice"):
            offer(story, case, "child-protection", "bea", lead_reason=" ")
        third = offer(story, case, "child-protection", "bea", lead_reason="He was hurt.")
        assert (third.ordinal, third.lead_reason) == (3, "He was hurt.")

    def test_another_offer_asks_for_no_rating_and_changes_none(self, story: Story, case: Case) -> None:
        handoff = offer(story, case, "chiltern", "ben", rag="red", in_danger=True)
        case.refresh_from_db()
        assert (handoff.rag, handoff.in_danger, case.rag) == ("", None, "green")


class TestTheRatingOfAStepDown(FromACase):
    """A red case of the child protection team, which Pat leads."""

    @staticmethod
    def tell(story: Story) -> Case:
        return TestSteppingDown.tell(story)

    def test_a_lower_rating_holds_from_acceptance_on(self, story: Story, case: Case) -> None:
        handoff = offer(story, case, "aylesbury", "pat", rag="green")
        case.refresh_from_db()
        assert case.rag == "red"
        assert [clock.kind for clock in handoff.clocks.all()] == ["handoff_acceptance"]
        accept(story, handoff, "ben")
        case.refresh_from_db()
        assert case.rag == "green"
        detail = AuditEvent.objects.filter(event=Event.HANDOFF_ACCEPTED).latest("pk").detail
        assert (detail["rag"], detail["rag_before"]) == ("green", "red")

    def test_a_step_down_that_is_returned_lowers_nothing(self, story: Story, case: Case) -> None:
        handoff = offer(story, case, "aylesbury", "pat", rag="green")
        handoffs.return_to_sender(handoff_id=handoff.pk, reason="Not yet.", by=person("ben"), now=story.later())
        case.refresh_from_db()
        assert case.rag == "red"

    def test_only_a_lead_offers_to_lower_a_red_rating(self, story: Story, case: Case) -> None:
        Membership.objects.filter(user__username="pat").update(role=Role.TEAM_MEMBER)
        with pytest.raises(NotPermitted, match="Only whoever leads your team, or a service manager, can lower"):
            offer(story, case, "aylesbury", "pat", rag="amber")
        assert offer(story, case, "aylesbury", "pat", rag="red").rag == "red"

    def test_who_offers_to_lower_a_red_rating_does_not_accept_it(self, story: Story, case: Case) -> None:
        handoff = offer(story, case, "aylesbury", "pat", rag="amber")
        aylesbury = story.team("aylesbury")
        Membership.objects.create(user=person("pat"), team=aylesbury, role=Role.TEAM_MEMBER, starts_on=story.now.date())
        with pytest.raises(NotPermitted, match="You offered to lower the red rating"):
            accept(story, handoff, "pat")
        accept(story, handoff, "ben")

    @pytest.mark.parametrize("rag", ["blue", ""])
    def test_a_service_is_never_blue(self, story: Story, case: Case, rag: str) -> None:
        with pytest.raises(InvalidInput, match=r"Select (red or amber or green|the rating)"):
            offer(story, case, "aylesbury", "pat", rag=rag)


class TestSteppingDown(FromACase):
    """The sender stays responsible until the receiver accepts."""

    @staticmethod
    def tell(story: Story) -> Case:
        """A case of the child protection team, whose strategy discussion was held."""
        handoff = story.offered(story.contact(**HARM), by="maya")
        accept(story, handoff, "pat")
        now = story.later()
        cases.record_milestone(
            case_id=handoff.case_id, kind="strategy_discussion_held", at=now, by=person("pat"), now=now
        )
        return Case.objects.get(pk=handoff.case_id)

    def test_less_help_is_a_step_down(self, story: Story, case: Case) -> None:
        handoff = passed_on(story, case, "aylesbury", "pat", "ben", reason="The plan worked.")
        assert handoff.kind == "step_down"
        assert current(case).team.code == "aylesbury"

    @pytest.mark.parametrize("agrees", [None, False])
    def test_a_voluntary_service_needs_agreement_that_is_asked_anew(
        self, story: Story, case: Case, agrees: bool | None
    ) -> None:
        with pytest.raises(InvalidInput, match="The family must agree to a voluntary service"):
            offer(story, case, "aylesbury", "pat", family_agrees=agrees)
        handoff = offer(story, case, "aylesbury", "pat")
        assert (handoff.family_told, handoff.family_agrees) == ("They know who comes, and why.", True)

    def test_the_sender_cannot_close_until_the_receiver_accepts(self, story: Story, case: Case) -> None:
        handoff = offer(story, case, "aylesbury", "pat", reason="The plan worked.")
        with pytest.raises(NotAllowedInStatus, match="is on offer to Aylesbury team"):
            story.closed(case, by="pat")
        assert current(case).team.code == "child-protection"
        accept(story, handoff, "ben")
        assert story.closed(case, by="ben").status == "closed"

    def test_the_sender_cannot_close_after_acceptance(self, story: Story, case: Case) -> None:
        passed_on(story, case, "aylesbury", "pat", "ben")
        with pytest.raises(Case.DoesNotExist):
            story.closed(case, by="pat")

    def test_the_sender_works_on_until_acceptance(self, story: Story, case: Case, pat: User) -> None:
        offer(story, case, "aylesbury", "pat")
        assert cases.name_lead(case_id=case.pk, lead_id=pat.pk, by=pat, now=story.later()).lead_practitioner == pat

    def test_stepping_down_adds_only_the_clock_for_a_new_lead(self, story: Story, case: Case) -> None:
        before = {clock.kind: clock.started_at for clock in case.clocks.running()}
        passed_on(story, case, "aylesbury", "pat", "ben")
        after = {clock.kind: clock.started_at for clock in case.clocks.running()}
        assert after == before | {"lead_practitioner_named": story.now}


class TestFromEmergencyDutyToTheDayTeam(FromACase):
    """A case is handed off. Contacts that are not decided yet are in test_contact_handovers.py."""

    @staticmethod
    def tell(story: Story) -> Case:
        """Decided in the night, offered to child protection, and sent back to emergency duty."""
        story.now = SATURDAY_NIGHT
        handoff = story.offered(story.contact(**HARM), by="ezra")
        assert handoff.from_team.code == "emergency-duty"
        handoffs.return_to_sender(handoff_id=handoff.pk, reason="He is safe.", by=person("pat"), now=story.later())
        return handoff.case

    def test_a_handoff_to_the_day_team_is_out_of_hours(self, story: Story, case: Case) -> None:
        handoff = passed_on(story, case, "front-door", "erin", "amina", reason="It is Monday.")
        assert (handoff.kind, handoff.ordinal) == ("out_of_hours", 2)
        assert current(case).team.code == "front-door"

    def test_an_offer_stops_the_clock_for_the_next_team(self, story: Story, case: Case) -> None:
        assert "next_team_offered_red" in running(case)
        offer(story, case, "front-door", "erin")
        assert "next_team_offered_red" not in running(case)

    def test_acceptance_by_the_front_door_starts_only_the_clock_for_the_next_team(
        self, story: Story, case: Case
    ) -> None:
        before = running(case)
        passed_on(story, case, "front-door", "erin", "amina")
        # Both run from the referral or the decision, for any responsible team.
        assert before == {"next_team_offered_red", "social_work_assessment", "strategy_discussion"}
        assert running(case) == before
        clock = case.clocks.running().get(kind="next_team_offered_red")
        assert (clock.started_at, clock.due_at) == (story.now, story.now + timedelta(hours=2))

    def test_acceptance_by_the_next_team_starts_its_clocks(self, story: Story, case: Case) -> None:
        passed_on(story, case, "front-door", "erin", "amina")
        passed_on(story, case, "child-protection", "maya", "pat", lead_reason="He was never theirs.")
        assert running(case) == {
            "social_work_assessment", "strategy_discussion", "lead_practitioner_named", "first_family_contact",
        }  # fmt: skip


def test_a_case_back_at_the_front_door_has_a_clock_for_the_next_team(story: Story) -> None:
    case = story.accepted()
    promised = running(case)
    passed_on(story, case, "front-door", "ben", "amina", reason="We do not know where they live.")
    clock = case.clocks.running().get(kind="next_team_offered")
    assert clock.started_at == story.now
    # The team's clocks go on.
    assert running(case) == promised | {"next_team_offered"}


class TestToAnotherAuthority:
    @pytest.fixture
    def outside(self, story: Story) -> Case:
        """A family that lives elsewhere, with the out-of-area desk."""
        entry = child(address=address("OX1 1AA"))
        handoff = story.offered(story.contact(children=[entry]))
        assert handoff.case.pathway == "other_authority"
        accept(story, handoff, "dan")
        return handoff.case

    def test_the_front_door_hands_the_case_to_the_out_of_area_desk(self, story: Story, outside: Case) -> None:
        handoff = outside.handoffs.get()
        assert (handoff.kind, handoff.to_team.code) == ("other_authority", "out-of-area")

    def test_a_team_hands_off_a_family_that_moves_away(self, story: Story) -> None:
        case = story.accepted()
        assert passed_on(story, case, "out-of-area", "ben", "dan", reason="Moved to Leeds.").kind == "other_authority"

    def test_there_are_no_clocks_for_a_practitioner(self, story: Story, outside: Case) -> None:
        assert not running(outside) & {"lead_practitioner_named", "first_family_contact"}

    def test_closing_needs_the_other_authority(self, story: Story, outside: Case, dan: User) -> None:
        with pytest.raises(InvalidInput, match="Name the other authority first"):
            story.closed(outside, by="dan", outcome="other_authority")
        authority = OtherAuthority.objects.earliest("pk")
        cases.name_other_authority(case_id=outside.pk, authority_id=authority.pk, by=dan, now=story.later())
        assert story.closed(outside, by="dan", outcome="other_authority").status == "closed"


WHY = "Her grandmother lives there, and will have them for good."


class TestTheThirdHandoff(FromACase):
    """From the third handoff on, only a lead may make it, with a reason."""

    @staticmethod
    def tell(story: Story) -> Case:
        """A family that changed hands twice: the team of Wycombe and Marlow has it."""
        case = story.accepted()
        passed_on(story, case, "wycombe-and-marlow", "ben", "carol")
        return case

    def test_a_member_may_not_make_the_third_handoff(self, story: Story, case: Case) -> None:
        with pytest.raises(NotPermitted, match=r"changed hands twice already\. Whoever leads your team"):
            offer(story, case, "chiltern", "callum", lead_reason=WHY)
        assert case.handoffs.count() == 2

    @pytest.mark.parametrize("lead_reason", ["", " \n"])
    def test_the_third_handoff_needs_the_leads_reason(self, story: Story, case: Case, lead_reason: str) -> None:
        with pytest.raises(InvalidInput, match="Say why once more is right for the children") as caught:
            offer(story, case, "chiltern", "carol", lead_reason=lead_reason)
        assert [fault.path for fault in caught.value.faults] == [("lead_reason",)]
        assert case.handoffs.count() == 2

    @pytest.mark.parametrize("by", ["carol", "sam"])
    def test_a_lead_or_a_service_manager_may_make_the_third_handoff(self, story: Story, case: Case, by: str) -> None:
        handoff = offer(story, case, "chiltern", by, lead_reason=f" {WHY} ")
        assert (handoff.ordinal, handoff.lead_reason, handoff.offered_by.username) == (3, WHY, by)

    def test_the_lead_of_another_team_may_not_make_the_third_handoff(self, story: Story, case: Case) -> None:
        Membership.objects.create(user=person("ben"), team=story.team("wycombe-and-marlow"), role=Role.TEAM_MEMBER)
        with pytest.raises(NotPermitted, match="Whoever leads your team"):
            offer(story, case, "chiltern", "ben", lead_reason=WHY)

    def test_a_member_may_not_make_the_fourth_handoff(self, story: Story, case: Case) -> None:
        passed_on(story, case, "aylesbury", "carol", "ben", lead_reason=WHY)
        with pytest.raises(NotPermitted, match="Whoever leads your team"):
            offer(story, case, "chiltern", "bea", lead_reason=WHY)
        assert offer(story, case, "chiltern", "ben", lead_reason=WHY).ordinal == 4

    def test_the_database_refuses_a_third_handoff_without_a_reason(self, story: Story, case: Case) -> None:
        third = offer(story, case, "chiltern", "carol", lead_reason=WHY)
        handoffs.return_to_sender(handoff_id=third.pk, reason="Not here.", by=person("chris"), now=story.later())
        for lead_reason in ("''", "E' \\n'"):
            with (
                pytest.raises(IntegrityError, match="a_third_handoff_has_a_leads_reason"),
                transaction.atomic(),
            ):
                copy("casework_handoff", third.pk, lead_reason=lead_reason)
        copy("casework_handoff", third.pk, lead_reason="''", ordinal="2")


class TestTheNumberOfAHandoff:
    def test_the_second_handoff_needs_no_leads_reason(self, story: Story) -> None:
        handoff = offer(story, story.accepted(), "chiltern", "bea", lead_reason="To be safe.")
        assert (handoff.ordinal, handoff.lead_reason) == (2, ""), "a reason that was not asked for is not stored"

    def test_a_returned_handoff_counts(self, story: Story) -> None:
        """A returned handoff counts, because the family was told of it."""
        case = story.returned()
        second = offer(story, case, "chiltern", "amina")
        handoffs.return_to_sender(handoff_id=second.pk, reason="Not here.", by=person("chris"), now=story.later())
        with pytest.raises(NotPermitted, match="Whoever leads your team"):
            offer(story, case, "north-vale", "amina", lead_reason=WHY)
        assert offer(story, case, "north-vale", "maya", lead_reason=WHY).ordinal == 3

    def test_a_withdrawn_handoff_does_not_count(self, story: Story, amina: User) -> None:
        """A withdrawn handoff does not count, because the family was not told of it."""
        case = story.offered().case
        for number in range(3):
            last = case.handoffs.latest("pk")
            assert last.ordinal == 1
            handoffs.withdraw(handoff_id=last.pk, reason="A slip.", by=amina, now=story.later())
            assert offer(story, case, "chiltern" if number % 2 else "aylesbury", "amina").ordinal == 1


class TestBouncing(FromACase):
    """A case goes back to a team that passed it on in the last 30 days."""

    @staticmethod
    def tell(story: Story) -> Case:
        """A case that Aylesbury has passed on just now."""
        case = story.accepted()
        passed_on(story, case, "wycombe-and-marlow", "ben", "carol")
        return case

    @staticmethod
    def back(story: Story, case: Case, **after: float) -> Handoff:
        """Offers the case back to Aylesbury after this time."""
        story.now = case.responsibilities.get(team__code="aylesbury").period.upper + timedelta(**after)
        return handoffs.offer(
            case_id=case.pk, to_team_id=story.team("aylesbury").pk, reason="They came back.", lead_reason="They did.",
            by=person("carol"), now=story.now,
        )  # fmt: skip

    @pytest.mark.parametrize(("after", "bounces"), [(-1, True), (0, True), (1, False)])
    def test_a_case_back_within_thirty_days_bounces(self, story: Story, case: Case, after: int, bounces: bool) -> None:
        handoff = self.back(story, case, days=30, seconds=after)
        assert handoff.is_bounce is bounces

    @pytest.mark.parametrize(("after", "known"), [(0, 1), (1, 0)])
    def test_people_are_told_of_a_bounce_on_acceptance(self, story: Story, case: Case, after: int, known: int) -> None:
        handoff = self.back(story, case, days=30, seconds=after)
        assert recipients_of("case_bounced") == []
        story.later(days=3)
        accept(story, handoff, "bea")
        assert recipients_of("case_bounced") == ["ben", "carol", "sam"] * known
        assert AuditEvent.objects.filter(event=Event.CASE_BOUNCED, case=handoff.case).count() == known

    def test_a_lead_of_both_teams_is_told_once(self, story: Story, case: Case) -> None:
        for who in ("ben", "sam"):
            Membership.objects.create(user=person(who), team=story.team("wycombe-and-marlow"), role=Role.TEAM_LEAD)
        accept(story, self.back(story, case, days=1), "bea")
        assert recipients_of("case_bounced") == ["ben", "carol", "sam"]

    def test_leads_are_told_even_if_the_team_has_a_mailbox(self, story: Story, case: Case) -> None:
        Team.objects.filter(code="aylesbury").update(email="team@aylesbury.example")
        accept(story, self.back(story, case, days=1), "bea")
        assert recipients_of("case_bounced") == ["ben", "carol", "sam"]

    def test_a_returned_offer_is_not_a_bounce(self, story: Story, case: Case) -> None:
        handoff = self.back(story, case, days=1)
        handoffs.return_to_sender(handoff_id=handoff.pk, reason="No.", by=person("bea"), now=story.later())
        assert recipients_of("case_bounced") == []

    def test_a_handoff_to_a_new_team_is_not_a_bounce(self, story: Story, case: Case) -> None:
        handoff = passed_on(story, case, "chiltern", "carol", "chris", lead_reason="They moved once more.")
        assert not handoff.is_bounce
        assert recipients_of("case_bounced") == []

    def test_the_later_of_two_stays_counts(self, story: Story, case: Case) -> None:
        """The case left the team twice, a month apart."""
        story.now += timedelta(days=20)
        passed_on(story, case, "aylesbury", "carol", "ben", lead_reason="They came back.")
        passed_on(story, case, "wycombe-and-marlow", "ben", "carol", lead_reason="They moved again.")
        story.now += timedelta(days=20)
        assert offer(story, case, "aylesbury", "carol", lead_reason="And again.").is_bounce


class TestBouncingToTheFrontDoor:
    def test_a_case_back_at_the_front_door_bounces(self, story: Story) -> None:
        case = story.accepted()
        handoff = passed_on(story, case, "front-door", "ben", "amina")
        assert handoff.is_bounce
        assert recipients_of("case_bounced") == ["ben", "david", "maya", "sam"]
