"""Partner checks: requests to other agencies and their answers. A decision need not wait for them."""

from datetime import timedelta
from typing import Any

import pytest

from casework.actions import decisions, partner_checks
from casework.jobs import sweep
from casework.models import AuditEvent, Contact, Event, OutboxMessage, PartnerCheck, Reminder, StatusChange
from errors import InvalidInput, NotAllowedInStatus, NotPermitted
from localities.models import Agency, User
from tests.stage.documents import child
from tests.stage.moments import local
from tests.stage.story import Story

HARM: dict[str, Any] = {"children": [child(indicators=["L4-01"])]}
ASKS = "Do you know of visits to the home since June?"


def ask(
    story: Story, contact: Contact, agency: str = "example-police", by: str = "oliver", **said: Any
) -> PartnerCheck:
    asks: dict[str, Any] = {"agency_id": Agency.objects.get(code=agency).pk, "question": ASKS}
    return partner_checks.ask(
        contact_id=contact.pk, by=User.objects.get(username=by), now=story.later(), **(asks | said)
    )


def answered(story: Story, check: PartnerCheck, answer: str = "Two, for noise.", by: str = "amina") -> PartnerCheck:
    return partner_checks.record_answer(
        check_id=check.pk, answer=answer, by=User.objects.get(username=by), now=story.later()
    )


def withdrawn(story: Story, check: PartnerCheck, reason: str = "The wrong agency.", by: str = "amina") -> PartnerCheck:
    return partner_checks.withdraw(
        check_id=check.pk, reason=reason, by=User.objects.get(username=by), now=story.later()
    )


def places(excinfo: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    return [fault.place for fault in excinfo.value.faults]


class TestAsking:
    def test_a_request_is_recorded_with_its_clock(self, story: Story, oliver: User, police: Agency) -> None:
        check = ask(story, story.contact(), question=f" {ASKS} \n")
        assert (check.status, check.agency, check.question) == ("asked", police, ASKS)
        assert (check.asked_by, check.asked_at) == (oliver, story.now)
        assert check.clocks.running().get().kind == "partner_check"
        event = AuditEvent.objects.get(event=Event.PARTNER_ASKED, contact=check.contact)
        assert event.detail == {"agency": "example-police", "check": check.pk, "in_system": False}

    def test_each_partner_has_one_open_request_at_most(self, story: Story) -> None:
        contact = story.contact()
        ask(story, contact)
        ask(story, contact, "example-surgery")
        with pytest.raises(InvalidInput, match="Example Police is asked already") as caught:
            ask(story, contact)
        assert places(caught) == ["agency"]
        assert contact.partner_checks.count() == 2

    @pytest.mark.parametrize("ended", [answered, withdrawn])
    def test_a_second_request_is_allowed_after_the_first_ended(self, story: Story, ended: Any) -> None:
        contact = story.contact()
        ended(story, ask(story, contact))
        assert ask(story, contact).status == "asked"

    @pytest.mark.parametrize("agency_id", [None, 0, "inactive"])
    def test_a_partner_and_a_question_are_required(self, story: Story, police: Agency, agency_id: Any) -> None:
        if agency_id == "inactive":
            Agency.objects.filter(pk=police.pk).update(is_active=False)
            agency_id = police.pk
        with pytest.raises(InvalidInput) as caught:
            ask(story, story.contact(), agency_id=agency_id, question=" \n")
        assert places(caught) == ["agency", "question"]
        assert not PartnerCheck.objects.exists()

    @pytest.mark.parametrize("overseer", ["sam", "ava"])
    def test_only_the_front_door_may_ask(self, story: Story, overseer: str) -> None:
        with pytest.raises(NotPermitted, match="Only front-door staff"):
            ask(story, story.contact(), by=overseer)

    @pytest.mark.parametrize("stranger", ["ben", "carol", "adele"])
    def test_others_do_not_find_the_contact(self, story: Story, stranger: str) -> None:
        with pytest.raises(Contact.DoesNotExist):
            ask(story, story.contact(), by=stranger)

    def test_not_after_the_decision(self, story: Story) -> None:
        contact = story.contact()
        story.decided(contact)
        with pytest.raises(NotAllowedInStatus, match="is decided already"):
            ask(story, contact)

    def test_not_while_sign_off_is_pending(self, story: Story) -> None:
        contact = story.contact()
        story.decided(contact, pathway="advice", level=3)
        with pytest.raises(NotAllowedInStatus, match="waits for a second person"):
            ask(story, contact)


class TestItsClock:
    @pytest.mark.parametrize(
        ("asked", "due"),
        [
            ("Thu 19 Nov 2026 10:12", "Fri 20 Nov 2026 10:12"),
            ("Fri 20 Nov 2026 17:40", "Tue 24 Nov 2026 09:00"),
            ("Thu 24 Dec 2026 11:00", "Tue 29 Dec 2026 11:00"),
        ],
    )
    def test_the_answer_is_due_in_one_working_day(self, story: Story, asked: str, due: str) -> None:
        contact = story.contact()
        story.now = local(asked) - timedelta(hours=1)
        assert ask(story, contact).clocks.get().due_at == local(due)

    def test_a_red_contacts_answer_is_due_in_two_hours_day_and_night(self, story: Story) -> None:
        story.now = local("Sat 24 Oct 2026 23:30")
        contact = story.contact(agreement={"service": "not_sought"}, **HARM)
        clock = ask(story, contact, by="erin").clocks.get()
        assert clock.kind == "partner_check_red"
        # The hour between one and two comes twice in that night.
        assert clock.due_at == local("Sun 25 Oct 2026 01:30 GMT")

    def test_reminders_go_to_the_front_door(self, story: Story) -> None:
        clock = ask(story, story.contact()).clocks.get()
        sweep.sweep(now=clock.due_at)
        recipients = {
            step: set(
                OutboxMessage.objects.filter(reminder__clock=clock, reminder__step=step).values_list("to", flat=True)
            )
            for step in ("warning", "breach")
        }
        assert {to.split("@")[0] for to in recipients["warning"]} == {"amina", "oliver", "maya", "david"}
        assert {to.split("@")[0] for to in recipients["breach"]} == {"maya", "david"}

    @pytest.mark.parametrize("ended", [answered, withdrawn])
    def test_no_reminders_after_it_ended(self, story: Story, ended: Any) -> None:
        check = ask(story, story.contact())
        ended(story, check)
        sweep.sweep(now=story.later(days=10))
        assert not Reminder.objects.filter(clock__partner_check=check).exists()


class TestTheAnswer:
    def test_an_answer_ends_the_request(self, story: Story, amina: User) -> None:
        check = answered(story, ask(story, story.contact()), " Two, for noise.\n")
        check.refresh_from_db()
        assert (check.status, check.answer) == ("answered", "Two, for noise.")
        assert (check.ended_by, check.ended_at) == (amina, story.now)
        clock = check.clocks.get()
        assert (clock.stopped_at, clock.ended) == (story.now, "done")

    def test_the_audit_event_does_not_hold_the_answer(self, story: Story, amina: User) -> None:
        check = answered(story, ask(story, story.contact()))
        change = StatusChange.objects.get(partner_check=check)
        assert (change.from_status, change.to_status, change.by, change.at) == ("asked", "answered", amina, story.now)
        event = AuditEvent.objects.get(event=Event.PARTNER_ANSWERED)
        assert (event.contact, event.detail) == (check.contact, {"check": check.pk})

    @pytest.mark.parametrize("answer", ["", " \n"])
    def test_a_blank_answer_is_refused(self, story: Story, answer: str) -> None:
        check = ask(story, story.contact())
        with pytest.raises(InvalidInput, match="even if it knows nothing"):
            answered(story, check, answer)
        assert answered(story, check, "Nothing known.").status == "answered"

    def test_emergency_duty_may_record_an_answer(self, story: Story) -> None:
        assert answered(story, ask(story, story.contact()), by="erin").status == "answered"

    def test_others_may_not_record_an_answer(self, story: Story) -> None:
        check = ask(story, story.contact())
        with pytest.raises(NotPermitted, match="Only front-door staff"):
            answered(story, check, by="sam")
        with pytest.raises(Contact.DoesNotExist):
            answered(story, check, by="ben")


class TestWithdrawing:
    def test_withdrawing_ends_the_request(self, story: Story) -> None:
        check = withdrawn(story, ask(story, story.contact()), " The wrong agency. ")
        check.refresh_from_db()
        assert (check.status, check.answer, check.ended_at) == ("withdrawn", "", story.now)
        assert StatusChange.objects.get(partner_check=check).why == "The wrong agency."
        clock = check.clocks.get()
        assert (clock.stopped_at, clock.ended) == (story.now, "overtaken")

    @pytest.mark.parametrize("reason", ["", " \n"])
    def test_a_blank_reason_is_refused(self, story: Story, reason: str) -> None:
        check = ask(story, story.contact())
        with pytest.raises(InvalidInput, match="Enter why the request is withdrawn"):
            withdrawn(story, check, reason)
        check.refresh_from_db()
        assert check.status == "asked"
        assert check.clocks.running().exists()


@pytest.mark.parametrize("first", [answered, withdrawn])
@pytest.mark.parametrize("then", [answered, withdrawn])
def test_a_request_ends_once(story: Story, first: Any, then: Any) -> None:
    check = ask(story, story.contact())
    how = first(story, check).status
    with pytest.raises(NotAllowedInStatus, match=f"This request is {how} already"):
        then(story, check)


class TestDecidingWithoutTheAnswer:
    """A decision does not wait for answers. Nobody is reminded of a request that it no longer needs."""

    def test_a_decision_withdraws_open_requests(self, story: Story, amina: User) -> None:
        contact = story.contact()
        open_one, answered_one = ask(story, contact), answered(story, ask(story, contact, "example-surgery"))
        story.decided(contact)
        open_one.refresh_from_db()
        assert (open_one.status, open_one.ended_by, open_one.ended_at) == ("withdrawn", amina, story.now)
        assert StatusChange.objects.get(partner_check=open_one).why == "It was decided without the answer."
        assert open_one.clocks.get().ended == "overtaken"
        answered_one.refresh_from_db()
        assert answered_one.status == "answered"

    def test_the_sign_off_withdraws_open_requests(self, story: Story) -> None:
        """Until the sign-off, an answer can still be recorded."""
        contact = story.contact()
        late, never = ask(story, contact), ask(story, contact, "example-surgery")
        story.decided(contact, pathway="advice", level=3)
        assert never.clocks.running().exists()
        assert answered(story, late).status == "answered"
        story.signed_off(contact)
        never.refresh_from_db()
        assert (never.status, never.ended_by.username) == ("withdrawn", "maya")  # type: ignore[union-attr]  # somebody ended it

    def test_open_checks_stay_open_after_a_declined_sign_off(self, story: Story) -> None:
        contact = story.contact()
        check = ask(story, contact)
        story.decided(contact, pathway="advice", level=3)
        story.signed_off(contact, agreed=False)
        check.refresh_from_db()
        assert check.status == "asked"
        assert check.clocks.running().exists()

    def test_an_answer_after_the_decision_is_refused(self, story: Story) -> None:
        contact = story.contact()
        check = ask(story, contact)
        story.decided(contact)
        with pytest.raises(NotAllowedInStatus, match="This request is withdrawn already"):
            answered(story, check)

    def test_a_request_made_while_the_decision_began_ends_when_it_was_asked(self, story: Story) -> None:
        """Somebody asks a partner just before the decision locks the contact."""
        contact = story.contact()
        check = ask(story, contact)
        story.now -= timedelta(hours=1, milliseconds=3)
        story.decided(contact)
        check.refresh_from_db()
        assert (check.status, check.ended_at) == ("withdrawn", check.asked_at)

    def test_the_decision_must_name_the_answers_it_goes_without(self, story: Story) -> None:
        contact = story.contact()
        checks = [ask(story, contact), ask(story, contact, "example-surgery")]
        with pytest.raises(InvalidInput) as excinfo:
            story.decided(contact, without_answers=[], rationale=" ")
        assert places(excinfo) == ["rationale", *(f"without_answers[{check.pk}]" for check in checks)]
        says = "Example Police has not answered yet. Say what becomes of the request, or wait for the answer."
        assert excinfo.value.faults[1].message == says
        for check in checks:
            answered(story, check)
        assert story.decided(contact, without_answers=[]).pk

    def test_a_request_that_a_colleague_just_made_is_not_withdrawn_unseen(self, story: Story) -> None:
        contact = story.contact()
        seen, unseen = ask(story, contact), ask(story, contact, "example-surgery")
        with pytest.raises(InvalidInput, match="Example Surgery has not answered yet"):
            story.decided(contact, without_answers=[seen.pk])
        assert contact.partner_checks.filter(status="asked").count() == 2
        assert story.decided(contact, without_answers=[seen.pk, unseen.pk]).pk

    def test_a_refused_decision_withdraws_nothing(self, story: Story, amina: User) -> None:
        contact = story.contact()
        check = ask(story, contact)
        assert contact.recommendation is not None
        with pytest.raises(InvalidInput):
            decisions.decide(
                contact_id=contact.pk, recommendation_id=contact.recommendation.pk, pathway="family_help", level=3,
                rag="green", rationale=" ", by=amina, now=story.later(),
            )  # fmt: skip
        check.refresh_from_db()
        assert check.status == "asked"
