"""What the sender of a contact asks afterwards: to withdraw it, what became of it, or to decide otherwise."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.actions import sender_requests
from casework.deadlines import clocks
from casework.messages.wording import write
from casework.models import AuditEvent, Contact, Event, Message, OutboxMessage, RequestKind, SenderRequest
from casework.record import integrity
from errors import InvalidInput, NotAllowedInStatus, NotPermitted
from localities.models import Agency
from tests.stage.story import Story, person
from tests.stage.web_client import CONTACTS, Partner, pointers, problem

WHY = {"withdraw": "reason", "chase": "message", "escalate": "why"}
REASON = "It is about a child of the same name at another school."


def post(partner: Partner, contact: object, kind: str, text: object = REASON, *, key: str = "", **also: Any) -> Any:
    body = ({WHY[kind]: text} if text is not None else {}) | also
    headers = partner.headers | ({"Idempotency-Key": key} if key else {})
    return partner.http.post(f"{CONTACTS}/{contact}/{kind}", body, "application/json", headers=headers)


def asked(partner: Partner, contact: object, kind: str, **said: Any) -> SenderRequest:
    answer = post(partner, contact, kind, **said)
    assert answer.status_code == 201, answer.content
    return SenderRequest.objects.latest("pk")


def answered(request: SenderRequest, by: str = "amina", text: str = "We go on with it.") -> SenderRequest:
    return sender_requests.answer(request_id=request.pk, text=text, by=person(by), now=timezone.now())


def ask_at(now: datetime, partner: Partner, contact: Contact, kind: RequestKind) -> sender_requests.Asked:
    return sender_requests.ask(reference=contact.reference, kind=kind, text=REASON, by=partner.agency, now=now)


def requests_of(partner: Partner, contact: object) -> list[dict[str, Any]]:
    return list(partner.read(contact).json()["requests"])


def nothing_is_broken() -> bool:
    return {each.sentence: each.broken for each in integrity.check() if each.broken} == {}


@pytest.fixture
def contact(story: Story) -> Contact:
    """The school's, received two working days ago."""
    return story.contact()


@pytest.fixture
def decided(story: Story, contact: Contact) -> Contact:
    story.decided(contact)
    contact.refresh_from_db()
    return contact


@pytest.mark.parametrize("kind", ["withdraw", "chase"])
class TestBeforeTheDecision:
    def test_it_is_kept_its_clock_runs_and_the_front_door_is_told(
        self, partner: Partner, contact: Contact, kind: str
    ) -> None:
        answer = post(partner, contact, kind)
        (said,) = requests_of(partner, contact)
        clock = contact.clocks.running().get(kind="sender_asked")
        assert (said["kind"], said["text"], said["state"], said["answer"]) == (kind, REASON, "open", "")
        assert answer.json()["due_at"] == said["due_at"] == clock.due_at.isoformat()
        told = OutboxMessage.objects.filter(kind=Message.SENDER_ASKED)
        assert {message.contact for message in told} == {contact}
        assert not any(REASON in write(message).text for message in told)
        assert AuditEvent.objects.get(event=Event.SENDER_ASKED).by_agency == partner.agency
        contact.refresh_from_db()
        assert contact.status == "received", "nothing happens by itself"
        assert nothing_is_broken()

    def test_a_person_answers_and_the_sender_reads_it(self, partner: Partner, contact: Contact, kind: str) -> None:
        answered(asked(partner, contact, kind))
        (said,) = requests_of(partner, contact)
        assert (said["state"], said["answer"]) == ("answered", "We go on with it.")
        assert not contact.clocks.running().filter(kind="sender_asked").exists()
        message = OutboxMessage.objects.get(kind=Message.SENDER_ANSWERED)
        assert message.to == contact.referrer_email
        assert "We go on" not in write(message).text
        assert nothing_is_broken()

    def test_the_decision_ends_it(self, story: Story, partner: Partner, contact: Contact, kind: str) -> None:
        request = asked(partner, contact, kind)
        story.decided(contact)
        (said,) = requests_of(partner, contact)
        assert (said["state"], said["answer"]) == ("overtaken", "")
        assert contact.clocks.get(kind="sender_asked").ended == "overtaken"
        with pytest.raises(NotAllowedInStatus, match="overtaken"):
            answered(request)
        assert nothing_is_broken()

    def test_not_twice_before_it_is_answered(self, partner: Partner, contact: Contact, kind: str) -> None:
        asked(partner, contact, kind)
        said = problem(post(partner, contact, kind), 409, "not-now")
        assert "hear from us by" in said["detail"]
        assert SenderRequest.objects.count() == 1

    def test_the_same_key_is_answered_as_before(self, partner: Partner, contact: Contact, kind: str) -> None:
        first, again = (post(partner, contact, kind, key="a") for _ in range(2))
        assert (again.status_code, again.json(), again.headers["Idempotency-Replayed"]) == (201, first.json(), "true")
        problem(post(partner, contact, kind, text="Another.", key="a"), 422, "idempotency-key-reused")
        assert SenderRequest.objects.count() == 1

    def test_only_the_front_door_answers(self, partner: Partner, contact: Contact, kind: str) -> None:
        request = asked(partner, contact, kind)
        with pytest.raises((NotPermitted, Contact.DoesNotExist)):
            answered(request, by="sam")
        with pytest.raises(InvalidInput, match="what the referrer should know"):
            answered(request, text=" ")


def test_without_a_deadline_nothing_is_kept_and_whoever_asks_is_told_to_ring(
    partner: Partner, contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in an upgrade without its reference data."""
    monkeypatch.setattr(clocks, "SENDER_ASKED", "nothing_is_started_by_this")
    assert "ring us" in problem(post(partner, contact, "chase"), 503, "unavailable")["detail"]
    assert not SenderRequest.objects.exists()


class TestOneClockForBoth:
    def test_it_stops_with_the_last(self, partner: Partner, contact: Contact) -> None:
        first, second = (asked(partner, contact, kind) for kind in ("withdraw", "chase"))
        answered(first)
        assert contact.clocks.running().filter(kind="sender_asked").count() == 1
        answered(second)
        assert not contact.clocks.running().filter(kind="sender_asked").exists()


class TestWithdrawing:
    def test_after_the_decision_it_is_too_late(self, partner: Partner, decided: Contact) -> None:
        said = problem(post(partner, decided, "withdraw"), 409, "not-now")
        assert "decided already" in said["detail"]

    def test_it_can_be_asked_again_once_it_is_answered(self, partner: Partner, contact: Contact) -> None:
        answered(asked(partner, contact, "withdraw"))
        assert post(partner, contact, "withdraw", text="It is the wrong family.").status_code == 201


class TestChasing:
    def test_it_needs_no_words(self, partner: Partner, contact: Contact) -> None:
        assert post(partner, contact, "chase", None).status_code == 201
        assert SenderRequest.objects.get().text == ""

    def test_once_a_day(self, partner: Partner, contact: Contact) -> None:
        answered(asked(partner, contact, "chase"))
        assert "today already" in problem(post(partner, contact, "chase"), 409, "not-now")["detail"]
        assert ask_at(timezone.now() + timedelta(days=1), partner, contact, RequestKind.CHASE).is_new

    def test_after_the_decision_until_the_referrer_is_told(
        self, story: Story, partner: Partner, decided: Contact
    ) -> None:
        assert decided.feedback_given_at is None
        asked(partner, decided, "chase")
        Contact.objects.filter(pk=decided.pk).update(feedback_given_at=timezone.now())
        assert "You were told on" in problem(post(partner, decided, "chase"), 409, "not-now")["detail"]


class TestDisagreeing:
    STEPS = (
        ("disagreement_worker", "amina"), ("disagreement_manager", "maya"), ("disagreement_service", "sam"),
        ("disagreement_partnership", "sam"),
    )  # fmt: skip

    def test_before_the_decision_there_is_nothing_to_disagree_with(self, partner: Partner, contact: Contact) -> None:
        assert "Nothing is decided yet" in problem(post(partner, contact, "escalate"), 409, "not-now")["detail"]

    def test_it_goes_step_by_step_to_those_who_answer_for_each_other(self, partner: Partner, decided: Contact) -> None:
        for number, (clock, by) in enumerate(self.STEPS, start=1):
            request = asked(partner, decided, "escalate", text=f"Reason {number}")
            assert request.step == number
            assert decided.clocks.running().get(kind=clock).due_at == request.due_at
            answered(request, by=by)
            assert not decided.clocks.running().filter(kind=clock).exists()
        assert "no further step" in problem(post(partner, decided, "escalate"), 409, "not-now")["detail"]
        assert [said["step"] for said in requests_of(partner, decided)] == [1, 2, 3, 4]
        assert nothing_is_broken()

    def test_who_answers_a_step_is_above_the_one_before(self, partner: Partner, decided: Contact) -> None:
        answered(asked(partner, decided, "escalate"))
        second = asked(partner, decided, "escalate")
        with pytest.raises(NotPermitted, match="front-door manager"):
            answered(second, by="amina")
        answered(second, by="maya")
        with pytest.raises(NotPermitted, match="service manager"):
            answered(asked(partner, decided, "escalate"), by="maya")

    def test_the_next_step_waits_until_the_last_is_answered_or_late(self, partner: Partner, decided: Contact) -> None:
        first = asked(partner, decided, "escalate")
        assert "hear from us by" in problem(post(partner, decided, "escalate"), 409, "not-now")["detail"]
        assert ask_at(first.due_at, partner, decided, RequestKind.ESCALATE).request.step == 2
        first.refresh_from_db()
        assert first.state == "overtaken"
        assert decided.clocks.get(kind="disagreement_worker").ended == "overtaken"


class TestWhatIsRefused:
    @pytest.mark.parametrize("kind", list(WHY))
    @pytest.mark.parametrize("text", ["", " ", "\u200b", 7, "x" * 20_001])
    def test_what_says_nothing_or_cannot_be_read(
        self, partner: Partner, contact: Contact, kind: str, text: object
    ) -> None:
        answer = post(partner, contact, kind, text)
        if kind == "chase" and isinstance(text, str) and not text.strip(" \u200b"):
            assert answer.status_code == 201
            return
        assert list(pointers(problem(answer, 400, "invalid"))) == [f"#/{WHY[kind]}"]
        assert not SenderRequest.objects.exists()

    @pytest.mark.parametrize("kind", list(WHY))
    def test_a_field_that_is_not_known(self, partner: Partner, contact: Contact, kind: str) -> None:
        assert "#/colour" in pointers(problem(post(partner, contact, kind, colour="blue"), 400, "invalid"))

    @pytest.mark.parametrize("kind", list(WHY))
    def test_another_agencys_contact_is_none(self, story: Story, partner: Partner, kind: str) -> None:
        problem(post(partner, story.contact(by="example-police"), kind), 404, "not-found")
        problem(post(partner, "CON-AAAA-AAAA", kind), 404, "not-found")

    @pytest.mark.parametrize("kind", list(WHY))
    def test_a_system_that_may_only_read(self, school: Agency, contact: Contact, kind: str) -> None:
        problem(post(Partner(school, scope="contacts:read"), contact, kind), 403, "permission-denied")

    def test_there_is_no_fourth_kind(self) -> None:
        assert list(WHY) == list(RequestKind)
