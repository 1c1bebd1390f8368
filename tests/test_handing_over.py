"""Handing over and working: offered, accepted, returned, withdrawn; who leads, what was done, how it ended."""

from datetime import timedelta

import pytest

from casework.actions import cases, handoffs
from casework.errors import NotAllowedInStatus, NotPermitted
from casework.models import AuditEvent, Case, Handoff, OutboxMessage, StatusChange
from casework.responsibilities import current
from localities.models import User
from tests.documents import child
from tests.story import Story
from triage.documents import InvalidDocument


class TestAccepting:
    def test_responsibility_passes_in_that_instant(self, story: Story) -> None:
        case = story.accepted()
        front_door, aylesbury = case.responsibilities.order_by("period")
        assert front_door.period.upper == aylesbury.period.lower == Handoff.objects.get(case=case).answered_at
        assert current(case).team.code == "aylesbury"

    def test_the_teams_promises_start(self, story: Story) -> None:
        case = story.accepted()
        assert set(case.clocks.running().values_list("kind", flat=True)) == {
            "lead_practitioner_named",
            "first_family_contact",
            "family_help_assessment",
            "family_help_plan",
        }

    def test_the_acceptance_clock_stops(self, story: Story) -> None:
        handoff = story.offered()
        clock = handoff.clocks.get()
        assert (clock.kind, clock.stopped_at) == ("handoff_acceptance", None)
        handoffs.accept(handoff_id=handoff.pk, by=User.objects.get(username="bea"), now=story.later())
        clock.refresh_from_db()
        assert (clock.stopped_at, clock.ended) == (story.now, "done")

    def test_a_red_case_waits_two_hours_at_most(self, story: Story) -> None:
        handoff = story.offered(story.contact(children=[child(indicators=["L4-01"])]), by="maya")
        clock = handoff.clocks.get()
        assert clock.kind == "handoff_acceptance_red"
        assert clock.due_at - clock.started_at == timedelta(hours=2)

    @pytest.mark.parametrize("stranger", ["carol", "pat"])
    def test_another_team_does_not_even_find_it(self, story: Story, stranger: str) -> None:
        handoff = story.offered()
        with pytest.raises(Case.DoesNotExist):
            handoffs.accept(handoff_id=handoff.pk, by=User.objects.get(username=stranger), now=story.later())

    def test_the_sender_cannot_accept_for_the_receiver(self, story: Story, amina: User) -> None:
        handoff = story.offered()
        with pytest.raises(NotPermitted, match="Only Aylesbury team can answer"):
            handoffs.accept(handoff_id=handoff.pk, by=amina, now=story.later())

    def test_it_is_answered_once(self, story: Story, ben: User) -> None:
        case = story.accepted()
        with pytest.raises(NotAllowedInStatus, match="accepted already"):
            handoffs.accept(handoff_id=case.handoffs.get().pk, by=ben, now=story.later())

    def test_it_is_written_down(self, story: Story, ben: User) -> None:
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
        told = OutboxMessage.objects.filter(kind="handoff_returned").values_list("to", flat=True)
        assert set(told) == {"maya@front-door.example", "david@front-door.example"}

    def test_the_family_that_came_back_has_a_clock(self, story: Story, ben: User) -> None:
        handoff = story.offered()
        handoffs.return_to_sender(handoff_id=handoff.pk, reason="Moved.", by=ben, now=story.later())
        assert [clock.kind for clock in handoff.case.clocks.running()] == ["next_team_offered"]

    def test_a_red_one_a_clock_of_hours(self, story: Story, pat: User) -> None:
        """A child at risk whom a team sent back does not wait for Tuesday."""
        handoff = story.offered(story.contact(children=[child(indicators=["L4-01"])]), by="maya")
        at = story.later()
        handoffs.return_to_sender(handoff_id=handoff.pk, reason="Not ours.", by=pat, now=at)
        clock = handoff.case.clocks.running().get(kind__startswith="next_team")
        assert (clock.kind, clock.due_at) == ("next_team_offered_red", at + timedelta(hours=2))

    def test_which_stops_when_the_next_team_is_offered_it(self, story: Story, ben: User, amina: User) -> None:
        handoff = story.offered()
        handoffs.return_to_sender(handoff_id=handoff.pk, reason="Moved.", by=ben, now=story.later())
        team = story.team("wycombe-and-marlow")
        case = handoff.case
        handoffs.offer(case_id=case.pk, to_team_id=team.pk, reason="They live here now.", by=amina, now=story.later())
        assert not case.clocks.running().exists()
        handoffs.accept(
            handoff_id=case.handoffs.latest("pk").pk, by=User.objects.get(username="carol"), now=story.later()
        )
        assert current(case).team == team
        assert case.handoffs.count() == 2

    @pytest.mark.parametrize("reason", ["", "  \n"])
    def test_needs_a_reason(self, story: Story, ben: User, reason: str) -> None:
        handoff = story.offered()
        with pytest.raises(InvalidDocument, match="Say why the case goes back"):
            handoffs.return_to_sender(handoff_id=handoff.pk, reason=reason, by=ben, now=story.later())
        handoff.refresh_from_db()
        assert handoff.status == "offered"


class TestWithdrawing:
    def test_takes_the_offer_back(self, story: Story, amina: User) -> None:
        handoff = story.offered()
        handoffs.withdraw(handoff_id=handoff.pk, reason="The mother called.", by=amina, now=story.later())
        handoff.refresh_from_db()
        assert handoff.status == "withdrawn"
        assert [clock.kind for clock in handoff.case.clocks.running()] == ["next_team_offered"]

    def test_is_the_senders_to_do(self, story: Story, ben: User) -> None:
        handoff = story.offered()
        with pytest.raises(NotPermitted, match="Only Front door can withdraw"):
            handoffs.withdraw(handoff_id=handoff.pk, reason="No.", by=ben, now=story.later())


class TestOfferingOn:
    def test_one_offer_at_a_time(self, story: Story, amina: User) -> None:
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
        assert running["family_help_plan"].started_at < story.now, "what was promised first is not promised anew"

    def test_whoever_gave_it_away_no_longer_sees_it(self, story: Story, ben: User, carol: User) -> None:
        case = story.accepted()
        team = story.team("wycombe-and-marlow")
        handoff = handoffs.offer(case_id=case.pk, to_team_id=team.pk, reason="Moved.", by=ben, now=story.later())
        handoffs.accept(handoff_id=handoff.pk, by=carol, now=story.later())
        assert not Case.objects.visible_to(ben, story.now.date()).exists()
        assert Case.objects.visible_to(carol, story.now.date()).get() == case

    @pytest.mark.parametrize("missing", ["team", "reason", "itself"])
    def test_needs_another_team_and_a_reason(self, story: Story, ben: User, missing: str) -> None:
        case = story.accepted()
        team = {"team": None, "itself": story.team("aylesbury").pk}.get(missing, story.team("chiltern").pk)
        reason = "" if missing == "reason" else "They moved."
        with pytest.raises(InvalidDocument):
            handoffs.offer(case_id=case.pk, to_team_id=team, reason=reason, by=ben, now=story.later())
        assert case.handoffs.count() == 1


class TestWorking:
    def test_the_lead_works_in_the_team(self, story: Story, ben: User, bea: User, carol: User) -> None:
        case = story.accepted()
        with pytest.raises(InvalidDocument, match="works in the team that holds the case"):
            cases.name_lead(case_id=case.pk, lead_id=carol.pk, by=ben, now=story.later())
        named = cases.name_lead(case_id=case.pk, lead_id=bea.pk, by=ben, now=story.later())
        assert named.lead_practitioner == bea
        assert case.clocks.get(kind="lead_practitioner_named").ended == "done"

    def test_what_was_done_answers_its_clock_at_the_moment_it_was_done(self, story: Story, ben: User) -> None:
        case = story.accepted()
        met = story.later()
        cases.record_milestone(case_id=case.pk, kind="first_family_contact", at=met, by=ben, now=story.later(days=1))
        clock = case.clocks.get(kind="first_family_contact")
        assert (clock.stopped_at, clock.ended) == (met, "done")

    def test_what_was_done_starts_what_comes_next(self, story: Story, ben: User) -> None:
        case = story.accepted()
        agreed = story.later()
        cases.record_milestone(case_id=case.pk, kind="plan_agreed", at=agreed, by=ben, now=agreed)
        assert case.clocks.get(kind="family_help_plan").ended == "done"
        assert case.clocks.running().get(kind="plan_review").started_at == agreed

    def test_child_protection_goes_by_its_own_clocks(self, story: Story, pat: User) -> None:
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
    def test_what_was_done_lies_between_the_contact_and_now(self, story: Story, ben: User, when: str) -> None:
        case = story.accepted()
        at = story.now + timedelta(days=-30 if when == "before the contact" else 1)
        with pytest.raises(InvalidDocument, match="between the family's contact and now"):
            cases.record_milestone(case_id=case.pk, kind="plan_agreed", at=at, by=ben, now=story.now)

    @pytest.mark.parametrize("stranger", ["amina", "carol"])
    def test_others_do_not_find_the_case(self, story: Story, stranger: str) -> None:
        case = story.accepted()
        somebody = User.objects.get(username=stranger)
        with pytest.raises(Case.DoesNotExist):
            cases.name_lead(case_id=case.pk, lead_id=somebody.pk, by=somebody, now=story.later())


class TestClosing:
    def test_ends_everything_and_the_school_hears(self, story: Story, ben: User) -> None:
        case = story.closed()
        assert (case.status, case.outcome, case.closed_by) == ("closed", "needs_met", ben)
        assert not case.clocks.running().exists()
        assert case.responsibilities.latest("period").period.upper == case.closed_at
        assert OutboxMessage.objects.filter(kind="case_closed", to="dsl@school.example").count() == 1

    def test_a_neighbour_does_not_hear(self, story: Story) -> None:
        case = story.accepted(story.contact(source_code="1B"))
        story.closed(case)
        assert not OutboxMessage.objects.filter(kind="case_closed").exists()

    def test_needs_an_outcome_and_what_was_achieved(self, story: Story, ben: User) -> None:
        case = story.accepted()
        with pytest.raises(InvalidDocument) as excinfo:
            cases.close(case_id=case.pk, outcome="", summary=" ", by=ben, now=story.later())
        assert {fault.place for fault in excinfo.value.faults} == {"outcome", "summary"}

    def test_not_while_it_is_on_offer(self, story: Story, amina: User) -> None:
        handoff = story.offered()
        with pytest.raises(NotAllowedInStatus, match="is on offer"):
            cases.close(case_id=handoff.case_id, outcome="needs_met", summary="Done.", by=amina, now=story.later())

    def test_whoever_held_it_last_still_sees_how_it_ended(self, story: Story, ben: User, carol: User) -> None:
        case = story.closed()
        assert Case.objects.visible_to(ben, story.now.date()).get() == case
        assert not Case.objects.visible_to(carol, story.now.date()).exists()

    def test_a_closed_case_is_not_worked_on(self, story: Story, ben: User) -> None:
        case = story.closed()
        with pytest.raises(NotAllowedInStatus, match="is closed"):
            cases.name_lead(case_id=case.pk, lead_id=ben.pk, by=ben, now=story.later())


class TestTheFrontDoorClosesNoCase:
    """It would be a way round every decision that needs two people."""

    def test_whoever_withdrew_the_offer(self, story: Story, maya: User, oliver: User) -> None:
        handoff = story.offered(story.contact(children=[child(indicators=["L4-01"])]), by="maya")
        handoffs.withdraw(handoff_id=handoff.pk, reason="Wrong.", by=oliver, now=story.later())
        for who in ("oliver", "maya"):
            with pytest.raises(NotAllowedInStatus, match="Offer it to one: the front door closes no case"):
                story.closed(handoff.case, by=who)
        assert Case.objects.get().status == "open"


def test_a_strategy_case_is_not_closed_before_the_discussion(story: Story, pat: User) -> None:
    handoff = story.offered(story.contact(children=[child(indicators=["L4-01"])]), by="maya")
    handoffs.accept(handoff_id=handoff.pk, by=pat, now=story.later())
    with pytest.raises(InvalidDocument, match="No strategy discussion is recorded"):
        story.closed(handoff.case, by="pat")
    cases.record_milestone(
        case_id=handoff.case_id, kind="strategy_discussion_held", at=story.later(), by=pat, now=story.later()
    )
    assert story.closed(handoff.case, by="pat").status == "closed"


def test_a_team_without_a_lead_hears_of_an_offer(story: Story, ben: User) -> None:
    ben.is_active = False
    ben.save(update_fields=["is_active"])
    handoff = story.offered()
    told = OutboxMessage.objects.filter(kind="handoff_offered", case=handoff.case).values_list("to", flat=True)
    assert set(told) == {"bea@front-door.example"}
