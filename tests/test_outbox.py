"""
The outbox: claimed with a lease, sent over a real socket, then marked sent. Nothing is lost, nothing is sent again
once it is marked, and no child's or family's name leaves the house by e-mail.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from email.message import EmailMessage as ReceivedLetter
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from casework.actions import cases, contacts, handoffs, integrity_checks, outbox, rechecks, reminders, rule_sets
from casework.models import AuditEvent, Contact, Event, Message, OutboxMessage
from localities.models import User
from tests.documents import child
from tests.drafts import Drafts, person
from tests.mail import Sink, mail_server, nobody_listens
from tests.sql import copy, run, settle
from tests.story import Story

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


class Killed(BaseException):
    """The worker is gone in the middle of its work, as by SIGKILL: nothing in it tidies up."""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with mail_server() as server:
        yield server


def drain(at: datetime, connect: Callable[[], BaseEmailBackend]) -> outbox.Delivered:
    return outbox.drain(clock=lambda: at, connect=connect)


def acknowledgement(contact: Contact) -> OutboxMessage:
    return OutboxMessage.objects.get(contact=contact, kind=Message.ACKNOWLEDGEMENT)


def dies_before_sending() -> BaseEmailBackend:
    class Dies(EmailBackend):
        def open(self) -> bool:
            return True

        def send_messages(self, email_messages: Any) -> int:
            raise Killed

        def close(self) -> None:
            pass

    return Dies()


def dies_after_sending(sink: Sink, error: type[BaseException] = Killed) -> Callable[[], BaseEmailBackend]:
    """The server has the message; whoever sent it never hears so."""

    class DiesAfter(EmailBackend):
        def send_messages(self, email_messages: Any) -> int:
            super().send_messages(email_messages)
            raise error

    return lambda: DiesAfter(host="127.0.0.1", port=sink.port)


def three_contacts(story: Story) -> list[str]:
    """Three acknowledgements that wait, in this order. Their addresses."""
    addresses = ["first@school.example", "second@school.example", "third@school.example"]
    for to in addresses:
        story.contact(referrer={"name": "A teacher", "email": to})
    return addresses


class TestSending:
    def test_a_message_is_sent_and_marked(self, story: Story, sink: Sink) -> None:
        contact = story.contact()
        assert drain(story.later(minutes=1), sink.connect) == (1, 0)
        message = acknowledgement(contact)
        assert (message.sent_at, message.leased_until, message.attempts) == (story.now, None, 1)
        (letter,) = sink.letters
        assert letter["To"] == "dsl@school.example"
        assert str(contact) in letter["Subject"]
        assert letter["Auto-Submitted"] == "auto-generated"

    def test_it_leaves_an_audit_event(self, story: Story, sink: Sink) -> None:
        contact = story.contact()
        drain(story.now, sink.connect)
        event = AuditEvent.objects.get(event=Event.MESSAGE_SENT)
        assert (event.contact, event.actor, event.detail) == (contact, "system", {"kind": "acknowledgement"})

    def test_what_is_marked_sent_is_never_sent_again(self, story: Story, sink: Sink) -> None:
        story.contact()
        for _ in range(3):
            drain(story.later(days=1), sink.connect)
        assert len(sink.letters) == 1

    def test_every_message_goes_to_one_address(self, story: Story, sink: Sink) -> None:
        addresses = three_contacts(story)
        assert drain(story.now, sink.connect) == (3, 0)
        assert sink.addresses == addresses

    def test_all_that_is_due_goes_out_the_oldest_first(self, story: Story, sink: Sink) -> None:
        addresses = three_contacts(story)
        assert drain(story.now, sink.connect) == (3, 0)
        assert sink.addresses == addresses

    def test_what_does_not_fit_into_its_time_is_the_next_drains(self, story: Story, sink: Sink) -> None:
        for _ in range(10):
            story.contact()

        def clock() -> datetime:
            return story.later(seconds=5)

        first = outbox.drain(clock=clock, connect=sink.connect)
        assert 0 < first.sent < 10
        for _ in range(10):
            outbox.drain(clock=clock, connect=sink.connect)
        assert len(sink.letters) == 10

    def test_nothing_to_send_needs_no_mail_server(self, db: None, now: datetime) -> None:
        assert drain(now, nobody_listens) == (0, 0)


class TestTheLease:
    def test_a_claimed_message_is_left_alone_until_the_lease_ends(self, story: Story, sink: Sink) -> None:
        story.contact()
        claimed_at = story.now
        with pytest.raises(Killed):
            drain(claimed_at, dies_before_sending)
        assert drain(claimed_at + SECOND, sink.connect) == (0, 0)
        assert drain(claimed_at + outbox.LEASE - SECOND, sink.connect) == (0, 0)
        assert drain(claimed_at + outbox.LEASE, sink.connect) == (1, 0)
        assert len(sink.letters) == 1

    def test_only_what_was_claimed_is_left_alone(self, story: Story, sink: Sink) -> None:
        story.contact(referrer={"name": "A teacher", "email": "claimed@school.example"})
        with pytest.raises(Killed):
            drain(story.now, dies_before_sending)
        story.contact(referrer={"name": "A teacher", "email": "new@school.example"})
        drain(story.now + SECOND, sink.connect)
        assert sink.addresses == ["new@school.example"]

    def test_a_slow_server_never_has_a_message_that_another_drain_sent(self, story: Story, sink: Sink) -> None:
        """
        Each answer takes the server 10 seconds, four to a message. Another drain sends the rest in the meantime and
        marks them sent.
        """
        for _ in range(5):
            story.contact()

        class Slow(EmailBackend):
            def send_messages(self, email_messages: Any) -> int:
                drain(story.now, sink.connect)
                story.later(seconds=40)
                return super().send_messages(email_messages)

        outbox.drain(clock=lambda: story.now, connect=lambda: Slow(host="127.0.0.1", port=sink.port))
        sent = [letter["Idempotency-Key"] for letter in sink.letters]
        assert sorted(sent) == sorted(set(sent))


class TestTryingAgain:
    def test_each_time_twice_as_late_then_every_four_hours(self, story: Story, sink: Sink) -> None:
        contact = story.contact()
        sink.refuses["dsl@school.example"] = "451 not now"
        delays = []
        for _ in range(outbox.MOST_ATTEMPTS - 1):
            assert drain(story.now, sink.connect) == (0, 1)
            message = acknowledgement(contact)
            assert message.leased_until is None
            assert message.parked_at is None
            delays.append(message.not_before - story.now)
            assert drain(message.not_before - SECOND, sink.connect) == (0, 0)
            story.now = message.not_before
        growing = [MINUTE * factor for factor in (1, 2, 4, 8, 16, 32, 64, 128)]
        assert delays == growing + [timedelta(hours=4)] * (outbox.MOST_ATTEMPTS - 1 - len(growing))
        assert sum(delays, timedelta()) > timedelta(days=3), "a long weekend"

    def test_it_goes_out_once_the_server_takes_it(self, story: Story, sink: Sink) -> None:
        contact = story.contact()
        sink.refuses["dsl@school.example"] = "451 not now"
        drain(story.now, sink.connect)
        assert acknowledgement(contact).last_error == "SMTPRecipientsRefused"
        sink.refuses.clear()
        assert drain(story.later(minutes=1), sink.connect) == (1, 0)
        message = acknowledgement(contact)
        assert (message.last_error, message.attempts, message.sent_at) == ("", 2, story.now)

    def test_after_the_limit_it_is_parked_with_the_error(self, story: Story, sink: Sink) -> None:
        contact = story.contact()
        sink.refuses["dsl@school.example"] = "550 nobody here called dsl@school.example"
        for _ in range(outbox.MOST_ATTEMPTS):
            assert drain(story.now, sink.connect) == (0, 1)
            last = story.now
            story.now = acknowledgement(contact).not_before
        message = acknowledgement(contact)
        assert (message.parked_at, message.attempts) == (last, outbox.MOST_ATTEMPTS)
        # The class, not the server's words, which may quote the address.
        assert message.last_error == "SMTPRecipientsRefused"
        event = AuditEvent.objects.get(event=Event.MESSAGE_PARKED)
        assert (event.contact, event.actor, event.at) == (contact, "system", last)

    def test_what_is_parked_waits_for_a_person(self, story: Story, sink: Sink) -> None:
        self.test_after_the_limit_it_is_parked_with_the_error(story, sink)
        sink.refuses.clear()
        assert drain(story.later(days=30), sink.connect) == (0, 0)

    def test_a_failure_stops_no_clock(self, story: Story, sink: Sink) -> None:
        contact = story.contact()
        sink.refuses["dsl@school.example"] = "451 not now"
        drain(story.now, sink.connect)
        contact.refresh_from_db()
        assert contact.acknowledged_at is None
        assert contact.clocks.running().filter(kind="acknowledge_referrer").exists()


class TestOneThatFails:
    @pytest.mark.parametrize("answer", ["550 nobody here", "451 not now"])
    def test_it_does_not_stop_the_others(self, story: Story, sink: Sink, answer: str) -> None:
        first, second, third = three_contacts(story)
        sink.refuses[second] = answer
        assert drain(story.now, sink.connect) == (2, 1)
        assert sink.addresses == [first, third]

    def test_it_does_not_stop_the_others_when_the_server_hangs_up_over_it(self, story: Story, sink: Sink) -> None:
        """421 ends the connection: what comes after it needs another one. An hour is plenty of time to find it."""
        first, second, third = three_contacts(story)
        sink.refuses[first] = "421 too much for this address, closing"
        for _ in range(60):
            drain(story.now, sink.connect)
            story.later(minutes=1)
        assert sink.addresses == [second, third]

    def test_a_server_that_is_down_loses_nothing_and_is_seen(self, story: Story, sink: Sink) -> None:
        contact = story.contact()
        assert drain(story.now, nobody_listens) == (0, 1)
        message = acknowledgement(contact)
        assert (message.last_error, message.sent_at) == ("ConnectionRefusedError", None)
        assert message.not_before >= story.now + MINUTE
        assert drain(story.later(minutes=2), sink.connect) == (1, 0)

    def test_one_that_fails_after_a_long_outage_stops_nothing(self, story: Story, sink: Sink) -> None:
        """The server is down for an hour and a half; then it takes everything but one address."""
        first, second, third = three_contacts(story)
        for _ in range(45):
            with suppress(ConnectionRefusedError):
                drain(story.now, nobody_listens)
            story.later(minutes=2)
        sink.refuses[first] = "550 nobody here"
        for _ in range(60):
            drain(story.now, sink.connect)
            story.later(hours=3)
        assert sorted(sink.addresses) == sorted([second, third])
        assert OutboxMessage.objects.get(to=first).parked_at is not None


class TestSentTwice:
    """A crash between sending and marking: the receiver can tell that the second is the first."""

    @pytest.mark.parametrize("error", [Killed, ConnectionResetError])
    def test_it_has_the_same_identity(self, story: Story, sink: Sink, error: type[BaseException]) -> None:
        contact = story.contact()
        with suppress(Killed):
            drain(story.now, dies_after_sending(sink, error))
        assert acknowledgement(contact).sent_at is None
        assert drain(story.later(minutes=2), sink.connect) == (1, 0)
        one, again = sink.letters
        for header in ("Message-ID", "Idempotency-Key"):
            assert one[header]
            assert one[header] == again[header]
        assert one.get_content() == again.get_content()
        assert drain(story.later(days=1), sink.connect) == (0, 0)

    def test_two_messages_have_two_identities(self, story: Story, sink: Sink) -> None:
        three_contacts(story)
        drain(story.now, sink.connect)
        for header in ("Message-ID", "Idempotency-Key"):
            assert len({letter[header] for letter in sink.letters}) == 3

    def test_the_key_itself_stays_in_the_house(self, story: Story, sink: Sink) -> None:
        """It may hold an address or a number of ours."""
        contact = story.contact()
        drain(story.now, sink.connect)
        assert acknowledgement(contact).idempotency_key not in str(sink.letters[0])


class TestTheClocksItStops:
    def test_an_acknowledgement_stops_its_clock_when_it_is_sent(self, story: Story, sink: Sink) -> None:
        contact = story.contact()
        assert contact.clocks.running().filter(kind="acknowledge_referrer").exists()
        drain(story.later(minutes=3), sink.connect)
        contact.refresh_from_db()
        clock = contact.clocks.get(kind="acknowledge_referrer")
        assert contact.acknowledged_at == clock.stopped_at == story.now
        assert clock.ended == "done"
        assert contact.clocks.running().filter(kind="next_step_decision").exists()

    def test_feedback_stops_its_clock_when_it_is_sent(self, story: Story, sink: Sink) -> None:
        contact = story.contact()
        drain(story.now, sink.connect)
        story.decided(contact)
        assert contact.clocks.running().filter(kind="feedback_to_referrer").exists()
        assert contact.feedback_given_at is None
        drain(story.later(minutes=3), sink.connect)
        contact.refresh_from_db()
        clock = contact.clocks.get(kind="feedback_to_referrer")
        assert contact.feedback_given_at == clock.stopped_at == story.now

    def test_other_messages_stop_none(self, story: Story, sink: Sink) -> None:
        handoff = story.offered()
        drain(story.later(minutes=3), sink.connect)
        assert handoff.clocks.running().exists()

    def test_what_a_person_said_before_stays(self, story: Story, sink: Sink, oliver: User) -> None:
        """Oliver told the referrer on the telephone; the e-mail that still goes out changes nothing about when."""
        contact = story.contact()
        told_at = story.later(minutes=1)
        contacts.acknowledge(contact_id=contact.pk, by=oliver, now=told_at)
        drain(story.later(minutes=3), sink.connect)
        contact.refresh_from_db()
        assert contact.acknowledged_at == contact.clocks.get(kind="acknowledge_referrer").stopped_at == told_at
        assert len(sink.letters) == 1


# What nobody outside may read: each word stands somewhere in what was sent or typed, and nowhere else.
SECRETS = (
    "Zebediah", "Oxenfforde", "Zebbie", "Quintilla", "Wrothesley", "Tilly-Mae", "Hortensia", "Vanterpool",
    "77 Secretary Road", "HP20 1UA", "9990000018", "2019-03-04", "Marzipan",
)  # fmt: skip


def _family() -> dict[str, Any]:
    home = {"lines": ["77 Secretary Road"], "postcode": "HP20 1UA", "confidential": False}
    second = child(
        ref="c2", first_name="Quintilla", last_name="Wrothesley", also_known_as=["Tilly-Mae"], address=home,
        nhs_number=None, date_of_birth="2016-07-08", indicators=[],
    )  # fmt: skip
    mother = {"first_name": "Hortensia", "last_name": "Vanterpool", "relationship": "mother", "same_address": True}
    return {
        "children": [
            child(first_name="Zebediah", last_name="Oxenfforde", also_known_as=["Zebbie"], address=home),
            second,
        ],
        "adults": [mother],
        "concern": {"worries": "Marzipan, every day.", "working_well": "", "wanted": None, "childs_words": None},
    }


class TestNoName:
    def test_no_e_mail_of_a_full_story_names_a_child_or_a_family(
        self, story: Story, drafts: Drafts, sink: Sink, amina: User, ben: User, bea: User, sam: User
    ) -> None:
        """Every kind of message there is, and every word of theirs."""
        typed = "Marzipan says Zebediah Oxenfforde of 77 Secretary Road."
        contact = story.contact(**_family())
        handoff = story.offered(contact, rationale=typed)
        handoffs.return_to_sender(handoff_id=handoff.pk, reason=typed, by=ben, now=story.later())
        again = handoffs.offer(
            case_id=handoff.case_id, to_team_id=story.team("aylesbury").pk, reason=typed, by=amina, now=story.later()
        )
        handoffs.accept(handoff_id=again.pk, by=ben, now=story.later())
        cases.name_lead(case_id=again.case_id, lead_id=bea.pk, by=ben, now=story.later())
        linked = story.contact(**_family())
        story.decided(linked, rationale=typed)
        neighbour = story.contact(**_family(), by="example-charity", source_code="1B")
        story.decided(neighbour, pathway="advice", level=3, rationale=typed)
        story.signed_off(neighbour)
        waits = story.contact(**_family(), immediate_danger=True)
        reminders.sweep(now=story.later(days=40))
        cases.close(case_id=again.case_id, outcome="needs_met", summary=typed, by=ben, now=story.later())
        draft = drafts.proved()
        rule_sets.propose(version_id=draft.pk, edition=1, proposal=typed, by=person("paula"), now=story.later())
        rule_sets.send_back(version_id=draft.pk, reason=typed, by=sam, now=story.later())
        copy("casework_recommendation", waits.recommendation_id or 0, level="1")
        rechecks.recheck(now=story.later(), sample=None)
        settle()
        run("ALTER TABLE casework_decision DROP CONSTRAINT a_decision_has_a_rationale")
        integrity_checks.check(now=story.later())
        drain(story.now, sink.connect)

        assert waits.status == "received"
        assert set(OutboxMessage.objects.values_list("kind", flat=True)) == set(Message)
        assert len(sink.letters) == OutboxMessage.objects.count() == OutboxMessage.objects.exclude(sent_at=None).count()
        document = json.dumps(contact.document)
        for word in SECRETS:
            assert word in document
            for letter in sink.letters:
                assert word.lower() not in _everything(letter).lower(), f"{word} in {letter['Subject']}"

    def test_a_message_to_staff_has_a_reference_and_a_link(self, story: Story, sink: Sink) -> None:
        handoff = story.offered(story.contact(**_family()))
        drain(story.now, sink.connect)
        (letter,) = sink.to("ben@front-door.example")
        assert str(handoff.case) in letter["Subject"]
        assert f"http://localhost:8000/cases/{handoff.case}/" in letter.get_content()

    def test_a_message_about_rules_has_their_name_and_a_link(self, drafts: Drafts, sink: Sink) -> None:
        """What the proposer and the second person typed stays in the house."""
        draft = drafts.proposed()
        rule_sets.send_back(version_id=draft.pk, reason="Marzipan.", by=person("sam"), now=drafts.story.later())
        drain(drafts.story.now, sink.connect)
        (to_sam,), (to_paula,) = sink.to("sam@front-door.example"), sink.to("paula@front-door.example")
        for letter in (to_sam, to_paula):
            assert "early-help-first/2" in letter["Subject"]
            assert f"http://localhost:8000/admin/triage/rulesetversion/{draft.pk}/" in letter.get_content()
            assert "Marzipan" not in _everything(letter)
            assert draft.proposal not in _everything(letter)

    def test_a_neighbour_hears_that_we_looked_and_no_more(self, story: Story, sink: Sink) -> None:
        contact = story.contact(by="example-charity", source_code="1B", **_family())
        story.decided(contact)
        drain(story.now, sink.connect)
        feedback = sink.to("dsl@school.example")[-1]
        assert "We must keep the rest private." in feedback.get_content()
        assert "family help" not in _everything(feedback).lower()


def _everything(letter: ReceivedLetter) -> str:
    """Each header, decoded, and the text."""
    return "\n".join([*(f"{name}: {value}" for name, value in letter.items()), letter.get_content()])


def test_the_default_way_out_is_that_of_the_settings(story: Story, mailoutbox: list[EmailMessage]) -> None:
    """Without `connect`, what the settings name is used: the tests' own mailbox here."""
    story.contact()
    assert outbox.drain(clock=lambda: story.now) == (1, 0)
    assert len(mailoutbox) == 1
