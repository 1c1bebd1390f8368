"""
The outbox: claimed with a lease, sent over a real socket, then marked sent. Nothing is lost, nothing is sent again
once it is marked, and no child's or family's name leaves the house by e-mail.
"""

import json
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from email.message import EmailMessage as ReceivedLetter
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.utils import timezone
from pytest_django import Settings

from casework.access import webhook_secrets
from casework.actions import (
    absences,
    broken_glass,
    cases,
    clock_changes,
    closing,
    contact_handovers,
    contact_owners,
    corrections,
    handoffs,
    learning,
    parked_messages,
    partner_checks,
    passwords,
    referrers,
    reminders,
    rule_sets,
    sender_requests,
    signing_in,
)
from casework.jobs import (
    agency_events,
    delivery,
    files,
    integrity_checks,
    late_answers,
    lost_leads,
    rechecks,
    sweep,
    webhooks,
)
from casework.messages import outbox
from casework.models import (
    AgencyEvent,
    AuditEvent,
    Case,
    Contact,
    Event,
    Message,
    OutboxMessage,
    Reminder,
    ReplyKind,
    RequestKind,
    WebhookEndpoint,
)
from errors import InvalidInput, NotAllowedInStatus, NotPermitted
from localities.models import Agency, AgencyClient, Membership, User
from localities.working_time import local_day
from tests.stage.clamd import EICAR, clamd
from tests.stage.documents import child
from tests.stage.drafts import Drafts
from tests.stage.files import PDF, put
from tests.stage.mail import Killed, Sink, dies_after_sending, nobody_listens
from tests.stage.outbox import drain
from tests.stage.receivers import receiver, says
from tests.stage.restricted import restrict
from tests.stage.sql import copy, run, settle
from tests.stage.story import Story, how_it_ended, person

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


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
        assert sink.addresses() == addresses

    def test_all_that_is_due_goes_out_the_oldest_first(self, story: Story, sink: Sink) -> None:
        addresses = three_contacts(story)
        assert drain(story.now, sink.connect) == (3, 0)
        assert sink.addresses() == addresses

    def test_what_does_not_fit_into_its_time_is_the_next_drains(self, story: Story, sink: Sink) -> None:
        for _ in range(10):
            story.contact()

        def clock() -> datetime:
            return story.later(seconds=5)

        first = delivery.drain(clock=clock, connect=sink.connect)
        assert 0 < first.sent < 10
        for _ in range(10):
            delivery.drain(clock=clock, connect=sink.connect)
        assert len(sink.letters) == 10

    def test_messages_share_a_connection(self, story: Story, sink: Sink) -> None:
        three_contacts(story)
        assert drain(story.now, sink.connect) == (3, 0)
        assert len(set(sink.senders)) == 1
        story.contact()
        assert drain(story.now, sink.connect) == (1, 0)
        assert len(set(sink.senders)) == 2, "each drain has its own"

    def test_a_connection_ends_after_twenty_messages(self, story: Story, sink: Sink) -> None:
        contact = story.contact()
        for number in range(delivery.MOST_IN_ONE_CONNECTION):
            to, key = f"{number}@school.example", f"test:{number}"
            outbox.add(Message.ACKNOWLEDGEMENT, to=to, key=key, at=story.now, contact=contact)
        assert drain(story.now, sink.connect) == (21, 0)
        assert sorted(Counter(sink.senders).values()) == [1, 20]

    def test_nothing_to_send_needs_no_mail_server(self, db: None, now: datetime) -> None:
        assert drain(now, nobody_listens) == (0, 0)


class TestTheLease:
    def test_a_claimed_message_is_left_alone_until_the_lease_ends(self, story: Story, sink: Sink) -> None:
        story.contact()
        claimed_at = story.now
        with pytest.raises(Killed):
            drain(claimed_at, dies_before_sending)
        assert drain(claimed_at + SECOND, sink.connect) == (0, 0)
        assert drain(claimed_at + delivery.LEASE - SECOND, sink.connect) == (0, 0)
        assert drain(claimed_at + delivery.LEASE, sink.connect) == (1, 0)
        assert len(sink.letters) == 1

    def test_only_what_was_claimed_is_left_alone(self, story: Story, sink: Sink) -> None:
        story.contact(referrer={"name": "A teacher", "email": "claimed@school.example"})
        with pytest.raises(Killed):
            drain(story.now, dies_before_sending)
        story.contact(referrer={"name": "A teacher", "email": "new@school.example"})
        drain(story.now + SECOND, sink.connect)
        assert sink.addresses() == ["new@school.example"]

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

        delivery.drain(clock=lambda: story.now, connect=lambda: Slow(host="127.0.0.1", port=sink.port))
        sent = [letter["Idempotency-Key"] for letter in sink.letters]
        assert sorted(sent) == sorted(set(sent))


class TestTryingAgain:
    def test_each_time_twice_as_late_then_every_four_hours(self, story: Story, sink: Sink) -> None:
        contact = story.contact()
        sink.refuses["dsl@school.example"] = "451 not now"
        delays = []
        for _ in range(delivery.MOST_ATTEMPTS - 1):
            assert drain(story.now, sink.connect) == (0, 1)
            message = acknowledgement(contact)
            assert message.leased_until is None
            assert message.parked_at is None
            delays.append(message.not_before - story.now)
            assert drain(message.not_before - SECOND, sink.connect) == (0, 0)
            story.now = message.not_before
        growing = [MINUTE * factor for factor in (1, 2, 4, 8, 16, 32, 64, 128)]
        assert delays == growing + [timedelta(hours=4)] * (delivery.MOST_ATTEMPTS - 1 - len(growing))
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
        for _ in range(delivery.MOST_ATTEMPTS):
            assert drain(story.now, sink.connect) == (0, 1)
            last = story.now
            story.now = acknowledgement(contact).not_before
        message = acknowledgement(contact)
        assert (message.parked_at, message.attempts) == (last, delivery.MOST_ATTEMPTS)
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
    @pytest.mark.parametrize("answer", ["550 nobody here", "451 not now", "421 not now, closing"])
    def test_it_does_not_stop_the_others(self, story: Story, sink: Sink, answer: str) -> None:
        first, second, third = three_contacts(story)
        sink.refuses[second] = answer
        assert drain(story.now, sink.connect) == (2, 1)
        assert sink.addresses() == [first, third]

    def test_a_connection_that_breaks_in_the_middle_costs_one_message_a_minute(self, story: Story, sink: Sink) -> None:
        first, second, third = three_contacts(story)
        sink.hangs_up_over.add(second)
        assert drain(story.now, sink.connect) == (2, 1)
        assert sink.addresses() == [first, third]
        message = OutboxMessage.objects.get(to=second)
        assert (message.last_error, message.sent_at) == ("SMTPServerDisconnected", None)
        sink.hangs_up_over.clear()
        assert drain(story.later(minutes=1), sink.connect) == (1, 0)
        assert sink.addresses() == [first, third, second]

    def test_it_does_not_stop_the_others_when_the_server_hangs_up_over_it(self, story: Story, sink: Sink) -> None:
        """421 ends the connection: what comes after it needs another one. An hour is plenty of time to find it."""
        first, second, third = three_contacts(story)
        sink.refuses[first] = "421 too much for this address, closing"
        for _ in range(60):
            drain(story.now, sink.connect)
            story.later(minutes=1)
        assert sink.addresses() == [second, third]

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
        assert sorted(sink.addresses()) == sorted([second, third])
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
        referrers.acknowledge(contact_id=contact.pk, by=oliver, now=told_at)
        drain(story.later(minutes=3), sink.connect)
        contact.refresh_from_db()
        assert contact.acknowledged_at == contact.clocks.get(kind="acknowledge_referrer").stopped_at == told_at
        assert len(sink.letters) == 1


def school_is_told(sink: Sink, subject: str) -> list[str]:
    """What the school got, by the beginning of the subject."""
    return [letter["Subject"] for letter in sink.to("dsl@school.example") if letter["Subject"].startswith(subject)]


WE_HAVE, WE_DECIDED = "We have your contact", "What we decided about your contact"


class TestTheOrder:
    """What goes to one address about one contact or case goes in the order in which it was written."""

    def put_back(self, story: Story, sink: Sink) -> Contact:
        """A contact whose acknowledgement did not go out: it is tried again in a minute."""
        contact = story.contact()
        sink.refuses["dsl@school.example"] = "451 not now"
        assert drain(story.now, sink.connect) == (0, 1)
        sink.refuses.clear()
        return contact

    def test_no_feedback_goes_before_the_acknowledgement(self, story: Story, sink: Sink) -> None:
        contact = self.put_back(story, sink)
        story.decided(contact)
        OutboxMessage.objects.filter(pk=acknowledgement(contact).pk).update(not_before=story.now + MINUTE)
        drain(story.now, sink.connect)
        assert sink.to("dsl@school.example") == []
        drain(story.now + MINUTE, sink.connect)
        assert [letter["Subject"] for letter in sink.to("dsl@school.example")] == [
            f"{WE_HAVE} {contact}", f"{WE_DECIDED} {contact}",
        ]  # fmt: skip

    def test_nobody_else_waits_for_it(self, story: Story, sink: Sink) -> None:
        """Not the team that is offered the case, not those who are reminded of it, and not another contact's sender."""
        contact = self.put_back(story, sink)
        OutboxMessage.objects.filter(pk=acknowledgement(contact).pk).update(not_before=story.now + timedelta(days=9))
        story.decided(contact)
        another = story.contact(by="example-police")
        sweep.sweep(now=story.later(days=2))
        drain(story.now + timedelta(hours=1), sink.connect)
        assert school_is_told(sink, "") == [f"{WE_HAVE} {another}"]
        assert sink.to("ben@front-door.example") != []
        assert sink.to("amina@front-door.example") != []
        waiting = OutboxMessage.objects.filter(sent_at=None).values_list("kind", "contact")
        assert set(waiting) == {("acknowledgement", contact.pk), ("feedback", contact.pk)}

    def test_about_a_case_it_is_the_same(self, story: Story, sink: Sink, ben: User) -> None:
        """Ben is told of the offer first, then that nobody has answered it."""
        handoff = story.offered()
        sink.refuses["ben@front-door.example"] = "451 not now"
        drain(story.now, sink.connect)
        sink.refuses.clear()
        clock = handoff.clocks.get()
        OutboxMessage.objects.filter(to=ben.email).update(not_before=clock.warn_at + MINUTE)
        sweep.sweep(now=clock.warn_at)
        drain(clock.warn_at, sink.connect)
        assert sink.to(ben.email) == []
        drain(clock.warn_at + MINUTE, sink.connect)
        assert [letter["Subject"].partition(":")[0] for letter in sink.to(ben.email)] == [
            "A case is offered to your team", "Soon due",
        ]  # fmt: skip

    @pytest.mark.parametrize("then", ["parked", "dropped"])
    def test_what_was_given_up_holds_nothing_back(self, story: Story, sink: Sink, adele: User, then: str) -> None:
        contact = story.contact()
        message = parked(sink, acknowledgement(contact), story.now)
        if then == "dropped":
            parked_messages.drop(message_id=message.pk, reason="Told by telephone.", by=adele, now=story.now)
        story.decided(contact)
        drain(story.now, sink.connect)
        assert school_is_told(sink, "") == [f"{WE_DECIDED} {contact}"]

    def test_what_another_drain_is_sending_holds_the_next_back(self, story: Story, sink: Sink) -> None:
        """Killed on the way: until the lease ends nobody knows whether the acknowledgement went out."""
        contact = story.contact()
        with pytest.raises(Killed):
            drain(story.now, dies_before_sending)
        claimed_at = story.now
        story.decided(contact)
        OutboxMessage.objects.filter(pk=acknowledgement(contact).pk).update(leased_until=story.now + delivery.LEASE)
        drain(story.now, sink.connect)
        assert sink.to("dsl@school.example") == []
        drain(story.now + delivery.LEASE, sink.connect)
        assert len(sink.to("dsl@school.example")) == 2
        assert claimed_at < story.now

    def test_a_step_that_is_being_sent_is_not_overtaken_by_the_next_in_a_letter(
        self, story: Story, sink: Sink, maya: User
    ) -> None:
        """
        A slow server takes Maya's warning about a contact. In the meantime that contact is late, and so are four
        others: another drain gathers those, and leaves the first to its turn.
        """
        first = story.contact(referrer={"name": "Duty desk"})
        clock = first.clocks.get(kind="next_step_decision")
        sweep.sweep(now=clock.warn_at)
        others = [_quiet(story, number) for number in range(4)]
        OutboxMessage.objects.exclude(to=maya.email).update(not_before=clock.due_at + timedelta(days=1))
        meanwhile: list[str] = []

        class Slow(EmailBackend):
            def send_messages(self, email_messages: Any) -> int:
                if not meanwhile:
                    sweep.sweep(now=clock.due_at)
                    waiting = OutboxMessage.objects.filter(sent_at=None, leased_until=None)
                    waiting.update(not_before=clock.due_at + timedelta(days=1))
                    waiting.filter(to=maya.email, reminder__step="breach").update(not_before=clock.due_at)
                    meanwhile.append("another drain")
                    drain(clock.due_at + MINUTE, sink.connect)
                    meanwhile.extend(letter["Subject"] for letter in sink.to(maya.email))
                return super().send_messages(email_messages)

        delivery.drain(clock=lambda: clock.due_at, connect=lambda: Slow(host="127.0.0.1", port=sink.port))
        assert meanwhile == ["another drain", "4 reminders, 4 of them late"]
        text = sink.to(maya.email)[0].get_content()
        assert str(first) not in text
        assert all(str(other) in text for other in others)
        drain(clock.due_at + timedelta(hours=1), sink.connect)
        assert [letter["Subject"] for letter in sink.to(maya.email)][1:] == [
            f"Soon due: next step decision, {first}", f"Late: next step decision, {first}",
        ]  # fmt: skip

    def test_a_step_that_is_tried_again_is_not_overtaken_by_the_next_in_a_letter(
        self, story: Story, sink: Sink, maya: User
    ) -> None:
        first = story.contact(referrer={"name": "Duty desk"})
        clock = first.clocks.get(kind="next_step_decision")
        sweep.sweep(now=clock.warn_at)
        sink.refuses[maya.email] = "451 not now"
        drain(clock.warn_at, sink.connect)
        sink.refuses.clear()
        OutboxMessage.objects.filter(sent_at=None).update(not_before=clock.due_at + timedelta(hours=2))
        for number in range(2):
            _quiet(story, number)
        sweep.sweep(now=clock.due_at)
        drain(clock.due_at + timedelta(hours=1), sink.connect)
        (letter,) = sink.to(maya.email)
        assert letter["Subject"] == "4 reminders, 2 of them late"
        assert str(first) not in letter.get_content()
        drain(clock.due_at + timedelta(hours=2), sink.connect)
        assert [letter["Subject"] for letter in sink.to(maya.email)][1:] == [
            f"Soon due: next step decision, {first}", f"Late: next step decision, {first}",
        ]  # fmt: skip


def _quiet(story: Story, number: int) -> Contact:
    """A contact of a family of its own, of whose promises only the reminders tell."""
    born = f"{2008 + number}-05-20"
    entry = child(nhs_number=None, date_of_birth=born, first_name=born, last_name=born, also_known_as=[])
    return story.contact(children=[entry], adults=[], referrer={"name": "Duty desk"})


def parked(sink: Sink, message: OutboxMessage, at: datetime) -> OutboxMessage:
    """A message that its server refused once too often, with whatever its letter carries. All others wait."""
    OutboxMessage.objects.exclude(pk=message.pk).exclude(carried_by=message).filter(
        sent_at=None, parked_at=None
    ).update(not_before=at + timedelta(days=400))
    OutboxMessage.objects.filter(pk=message.pk).update(attempts=delivery.MOST_ATTEMPTS - 1, not_before=at)
    sink.refuses[message.to] = "550 nobody here"
    assert drain(at, sink.connect) == (0, 1)
    sink.refuses.clear()
    message.refresh_from_db()
    assert message.parked_at == at
    OutboxMessage.objects.filter(sent_at=None, parked_at=None).update(not_before=at)
    return message


def a_letter_of_four(story: Story, sink: Sink) -> OutboxMessage:
    """A letter with four reminders for Amina, of four contacts, that was refused once. Its message."""
    for number in range(4):
        _quiet(story, number)
    story.now = Contact.objects.earliest("pk").clocks.get(kind="next_step_decision").warn_at
    sweep.sweep(now=story.now)
    OutboxMessage.objects.exclude(to="amina@front-door.example").update(not_before=story.now + timedelta(days=400))
    sink.refuses["amina@front-door.example"] = "451 not now"
    assert drain(story.now, sink.connect) == (0, 1)
    sink.refuses.clear()
    return OutboxMessage.objects.get(to="amina@front-door.example", carried_by=None)


class TestByHand:
    """What is parked a person sees to: it goes on its way again, or it is dropped, and they say why."""

    def retry(self, message: OutboxMessage, at: datetime, by: str = "adele") -> OutboxMessage:
        return parked_messages.retry(message_id=message.pk, by=person(by), now=at)

    def drop(
        self, message: OutboxMessage, at: datetime, by: str = "adele", reason: str = "I rang the school."
    ) -> OutboxMessage:
        return parked_messages.drop(message_id=message.pk, reason=reason, by=person(by), now=at)

    def told_how_often(self, sink: Sink, address: str, line: str) -> int:
        """In how many letters to an address something stands."""
        return sum(line in letter.get_content().splitlines() for letter in sink.to(address))

    def test_it_goes_on_its_way_again_from_the_first_try_on(self, story: Story, sink: Sink, adele: User) -> None:
        contact = story.contact()
        message = parked(sink, acknowledgement(contact), story.now)
        at = story.later(days=1)
        assert self.retry(message, at) == message
        message.refresh_from_db()
        assert (message.parked_at, message.attempts, message.not_before) == (None, 0, at)
        (event,) = AuditEvent.objects.filter(event=Event.MESSAGE_RETRIED)
        assert (event.by_user, event.at, event.contact) == (adele, at, contact)
        assert event.detail == {"kind": "acknowledgement"}
        sink.refuses[message.to] = "451 not now"
        drain(at, sink.connect)
        message.refresh_from_db()
        assert message.not_before == at + MINUTE
        sink.refuses.clear()
        assert drain(at + MINUTE, sink.connect) == (1, 0)
        contact.refresh_from_db()
        assert contact.acknowledged_at == at + MINUTE

    def test_it_is_given_up_with_a_reason_and_never_sent(self, story: Story, sink: Sink, sam: User) -> None:
        contact = story.contact()
        message = parked(sink, acknowledgement(contact), story.now)
        at = story.later()
        assert self.drop(message, at, "sam", reason=" I rang the school. ") == message
        message.refresh_from_db()
        assert (message.dropped_at, message.dropped_by, message.drop_reason) == (at, sam, "I rang the school.")
        assert message.parked_at is not None
        (event,) = AuditEvent.objects.filter(event=Event.MESSAGE_DROPPED)
        assert (event.by_user, event.at, event.contact) == (sam, at, contact)
        assert event.detail == {"kind": "acknowledgement"}, "what was typed stays with the message"
        assert drain(story.later(days=400), sink.connect) == (0, 0)
        # That nobody was told is not that it was done.
        assert contact.clocks.running().filter(kind="acknowledge_referrer").exists()

    @pytest.mark.parametrize("by", ["adele", "sam"])
    def test_whoever_runs_the_service_or_answers_for_it_may(self, story: Story, sink: Sink, by: str) -> None:
        message = parked(sink, acknowledgement(story.contact()), story.now)
        assert self.retry(message, story.now, by) == message
        message = parked(sink, message, story.later())
        assert self.drop(message, story.now, by) == message

    @pytest.mark.parametrize("by", ["amina", "maya", "ben", "carol", "paula", "ava", "iris"])
    def test_nobody_else_may(self, story: Story, sink: Sink, by: str) -> None:
        message = parked(sink, acknowledgement(story.contact()), story.now)
        for act in (self.retry, self.drop):
            with pytest.raises(NotPermitted, match="Only an administrator or a service manager"):
                act(message, story.later(), by)
        message.refresh_from_db()
        assert (message.dropped_at, message.attempts) == (None, delivery.MOST_ATTEMPTS)
        assert not AuditEvent.objects.filter(event__in=[Event.MESSAGE_RETRIED, Event.MESSAGE_DROPPED]).exists()

    @pytest.mark.parametrize("state", ["waits", "was sent"])
    def test_only_what_is_parked(self, story: Story, sink: Sink, state: str) -> None:
        message = acknowledgement(story.contact())
        if state == "was sent":
            drain(story.now, sink.connect)
        for act in (self.retry, self.drop):
            with pytest.raises(NotAllowedInStatus, match="is not parked: it was sent, or is on its way"):
                act(message, story.later())

    def test_what_was_dropped_stays_dropped(self, story: Story, sink: Sink) -> None:
        message = parked(sink, acknowledgement(story.contact()), story.now)
        self.drop(message, story.now)
        for act in (self.retry, self.drop):
            with pytest.raises(NotAllowedInStatus, match="was dropped"):
                act(message, story.later())

    @pytest.mark.parametrize("reason", ["", " \n"])
    def test_dropping_needs_a_reason(self, story: Story, sink: Sink, reason: str) -> None:
        message = parked(sink, acknowledgement(story.contact()), story.now)
        with pytest.raises(InvalidInput) as excinfo:
            self.drop(message, story.now, reason=reason)
        assert {fault.place: fault.message for fault in excinfo.value.faults} == {
            "reason": "Enter why it need not go out, or who was told in which other way"
        }
        message.refresh_from_db()
        assert message.dropped_at is None

    def test_a_letter_is_parked_with_what_it_carries(self, story: Story, sink: Sink) -> None:
        message = parked(sink, a_letter_of_four(story, sink), story.now)
        for_amina = OutboxMessage.objects.filter(to=message.to)
        assert list(for_amina.values_list("parked_at", flat=True)) == [story.now] * 4
        written = AuditEvent.objects.filter(event=Event.MESSAGE_PARKED)
        assert {event.contact for event in written} == set(Contact.objects.all())

    def test_a_letter_goes_on_its_way_with_what_it_carries_and_with_nothing_else(
        self, story: Story, sink: Sink
    ) -> None:
        """It may have arrived on its last try: under the same key it has the same words, whatever waits beside it."""
        letter = a_letter_of_four(story, sink)
        words = _words_of(letter)
        message = parked(sink, letter, story.now)
        for number in range(10, 14):
            _quiet(story, number)
        at = story.later(days=1)
        sweep.sweep(now=at)
        self.retry(message, at)
        drain(at + timedelta(minutes=30), sink.connect)
        assert not OutboxMessage.objects.filter(sent_at=None).exists(), "none of them is left behind"
        (again,) = [each for each in sink.to(message.to) if _words(each) == words]
        assert again["Subject"] == "4 reminders"
        written = AuditEvent.objects.filter(event=Event.MESSAGE_RETRIED)
        assert [event.contact for event in written] == list(Contact.objects.order_by("pk")[:4])
        # Each of its reminders went in that letter alone.
        for event in written:
            assert self.told_how_often(sink, message.to, f"Soon due: next step decision, {event.contact}") == 1

    @pytest.mark.parametrize("later", [timedelta(), MINUTE])
    def test_a_reminder_goes_on_its_way_alone_as_it_was_tried(self, story: Story, sink: Sink, later: timedelta) -> None:
        """Whether it is the first that is due or comes after others that wait."""
        contact = _quiet(story, 0)
        clock = contact.clocks.get(kind="next_step_decision")
        sweep.sweep(now=clock.warn_at)
        message = parked(sink, OutboxMessage.objects.get(to="amina@front-door.example"), clock.warn_at)
        story.now = clock.warn_at
        for number in range(10, 14):
            _quiet(story, number)
        sweep.sweep(now=story.later(days=3))
        self.retry(message, story.now + later)
        drain(story.now + timedelta(minutes=30), sink.connect)
        says = f"Soon due: next step decision, {contact}"
        subjects = [letter["Subject"] for letter in sink.to(message.to)]
        assert says in subjects
        assert any(subject.endswith(" reminders") for subject in subjects)
        assert self.told_how_often(sink, message.to, says) == 1

    def test_a_letter_is_given_up_with_what_it_carries(self, story: Story, sink: Sink, adele: User) -> None:
        message = parked(sink, a_letter_of_four(story, sink), story.now)
        self.drop(message, story.now)
        for_amina = OutboxMessage.objects.filter(to=message.to)
        assert set(for_amina.values_list("dropped_at", "dropped_by", "drop_reason")) == {
            (story.now, adele.pk, "I rang the school.")
        }
        written = AuditEvent.objects.filter(event=Event.MESSAGE_DROPPED)
        assert {event.contact for event in written} == set(Contact.objects.all())
        drain(story.later(days=400), sink.connect)
        assert sink.to(message.to) == []

    def test_what_a_letter_carries_is_seen_to_with_it(self, story: Story, sink: Sink) -> None:
        message = parked(sink, a_letter_of_four(story, sink), story.now)
        for carried in message.carries.all():
            for act in (self.retry, self.drop):
                with pytest.raises(OutboxMessage.DoesNotExist):
                    act(carried, story.now)

    def test_a_last_try_that_fails_too_late_parks_nothing(self, story: Story, sink: Sink) -> None:
        """A slow server says no after its lease: another drain has sent the letter in the meantime."""
        letter = a_letter_of_four(story, sink)
        OutboxMessage.objects.filter(pk=letter.pk).update(attempts=delivery.MOST_ATTEMPTS - 1, not_before=story.now)

        class SlowAndSorry(EmailBackend):
            def send_messages(self, email_messages: Any) -> int:
                drain(story.later(minutes=3), sink.connect)
                raise ConnectionResetError

        delivery.drain(clock=lambda: story.now, connect=lambda: SlowAndSorry(host="127.0.0.1", port=sink.port))
        for_amina = OutboxMessage.objects.filter(to=letter.to)
        assert set(for_amina.values_list("sent_at", "parked_at")) == {(story.now, None)}
        assert not AuditEvent.objects.filter(event=Event.MESSAGE_PARKED).exists()


def _words(letter: ReceivedLetter) -> tuple[str, str, str]:
    return letter["Idempotency-Key"], letter["Subject"], letter.get_content()


def _words_of(message: OutboxMessage) -> tuple[str, str, str]:
    """What a message would say if it were sent now."""
    email = delivery._email(message)
    return email.extra_headers["Idempotency-Key"], str(email.subject), email.body.replace("\n", "\r\n")


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


def _typed_while_it_waits(story: Story, contact: Contact, typed: str) -> None:
    """A partner is asked and answers, a promise stands still and is given more time, the family agrees."""
    story.answered(story.asked(contact, question=typed), typed)
    clock = contact.clocks.get(kind="final_decision_green")
    to = clock.due_at + timedelta(days=1)
    clock_changes.extend(clock_id=clock.pk, to=to, reason=typed, by=person("maya"), now=story.later())
    clock_changes.pause(clock_id=clock.pk, reason=typed, by=person("amina"), now=story.later())
    learning.record_agreement(
        contact_id=contact.pk, service="given", given_by="Hortensia Vanterpool", on=story.now.date(),
        by=person("amina"), now=story.later(),
    )  # fmt: skip


def _to_and_fro(story: Story, case: Case, typed: str) -> None:
    """To the neighbouring team, and back again within the month."""
    for team, sender, answers in (("chiltern", "ben", "chris"), ("aylesbury", "chris", "ben")):
        handoff = handoffs.offer(
            case_id=case.pk, to_team_id=story.team(team).pk, reason=typed, lead_reason=typed, despite=typed,
            by=person(sender), now=story.later(),
        )  # fmt: skip
        handoffs.accept(handoff_id=handoff.pk, by=person(answers), now=story.later())


def _more_is_known(story: Story, contact: Contact, typed: str) -> None:
    """The agency adds what is not graver, and the family what is; both in words that nobody outside may read."""
    assert contact.agency is not None
    corrections.learn(
        contact_id=contact.pk, document={"why": typed, "adults": [{"first_name": "Marzipan"}]}, by=contact.agency,
        now=story.later(),
    )  # fmt: skip
    said = {"source": "family", "said_by": "Hortensia Vanterpool", "why": typed, "immediate_danger": True}
    corrections.learn(contact_id=contact.pk, document=said, by=person("ben"), now=story.later())


def _stopped_hearing(story: Story) -> None:
    """An agency's address for events says that it is gone."""
    secret = webhook_secrets.sealed(webhook_secrets.new_secret())
    with receiver(says(b"HTTP/1.1 410 Gone\r\n\r\n")) as (url, _):
        agency = Agency.objects.get(code="example-primary-school")
        WebhookEndpoint.objects.create(agency=agency, url=url, secret=secret)
        contact = story.contact(**_family())
        AgencyEvent.objects.create(agency=agency, contact=contact, kind="contact.decided", at=story.now)
        agency_events.number()
        # The events are numbered by the clock on the wall.
        webhooks.deliver(clock=timezone.now)
    told = OutboxMessage.objects.filter(kind=Message.WEBHOOK_ENDED)
    assert told.update(created_at=story.now, not_before=story.now) == 1


def _chased(story: Story, typed: str) -> None:
    """A referrer asks what became of a contact, and is answered."""
    contact = story.contact(**_family())
    school = Agency.objects.get(code="example-primary-school")
    chased = sender_requests.ask(
        reference=contact.reference, kind=RequestKind.CHASE, text=typed, by=school, now=story.later()
    )
    sender_requests.answer(request_id=chased.request.pk, text=typed, by=person("amina"), now=story.later())


def _asked_in_its_system(story: Story, typed: str) -> None:
    """An agency is asked in its own system, is late, and answers."""
    surgery = Agency.objects.get(code="example-surgery")
    AgencyClient.objects.create(agency=surgery, name="A system")
    Agency.objects.filter(pk=surgery.pk).update(checks_email="questions@surgery.example")
    check = story.asked(story.contact(**_family()), surgery.code, question=typed, in_system=True)
    late_answers.tell(now=check.clocks.get().due_at)
    partner_checks.reply(key=check.key or "", kind=ReplyKind.ANSWER, text=typed, by=surgery, now=story.later())


def _sent_files(story: Story, contact: Contact, settings: Settings, typed: str) -> None:
    """The agency and the front door put files on it, two with a virus; their names and words name the family."""
    assert contact.agency is not None
    with clamd() as scanner:
        settings.CLAMAV_URL = scanner.url
        for content in (PDF, PDF + EICAR):
            put(contact, story, content, name=f"{typed}.pdf", by=contact.agency, about=typed)
        put(contact, story, PDF + EICAR, name=f"{typed}.pdf", about=typed)
        files.check(clock=lambda: story.now)


def _restricted(story: Story, contact: Contact, typed: str) -> None:
    """A child's record is restricted, another contact comes, and somebody breaks the glass."""
    restrict(story, contact, reason=typed)
    another = story.contact(**_family())
    broken_glass.break_glass(reference=another.reference, reason=typed, by=person("amina"), now=story.later())


class TestNoName:
    def test_no_e_mail_of_a_full_story_names_a_child_or_a_family(
        self, story: Story, drafts: Drafts, sink: Sink, settings: Settings, amina: User, ben: User, bea: User, sam: User
    ) -> None:
        """Every kind of message there is, many reminders in one letter too, and every word of theirs."""
        typed = "Marzipan says Zebediah Oxenfforde of 77 Secretary Road."
        contact = story.contact(**_family(), agreement={"service": "not_sought"})
        _typed_while_it_waits(story, contact, typed)
        returned = story.returned(contact, reason=typed, rationale=typed)
        again = handoffs.offer(
            case_id=returned.pk, to_team_id=story.team("aylesbury").pk, reason=typed, by=amina, now=story.later()
        )
        handoffs.accept(handoff_id=again.pk, by=ben, now=story.later())
        _to_and_fro(story, again.case, typed)
        _more_is_known(story, contact, typed)
        _sent_files(story, contact, settings, typed)
        cases.name_lead(case_id=again.case_id, lead_id=bea.pk, by=ben, now=story.later())
        Membership.objects.filter(user=bea).update(ends_on=local_day(story.now) - timedelta(days=1))
        lost_leads.release(now=story.later())
        Membership.objects.filter(user=bea).update(ends_on=None)
        linked = story.contact(**_family())
        asked = story.asked(linked, question=typed)
        story.decided(linked, rationale=typed, history=typed, without_answers=[], answers_follow=[asked.pk])
        partner_checks.record_answer(check_id=asked.pk, answer=typed, by=amina, now=story.later())
        _stopped_hearing(story)
        _asked_in_its_system(story, typed)
        _chased(story, typed)
        neighbour = story.contact(**_family(), by="example-charity", source_code="1B")
        for agreed in (False, True):
            story.decided(neighbour, pathway="advice", level=3, rationale=typed)
            story.signed_off(neighbour, agreed=agreed)
        night = story.contact(at=story.now.replace(hour=23), **_family(), immediate_danger=True)
        story.now = night.received_at
        contact_handovers.hand_over(contact_id=night.pk, note=typed, by=person("erin"), now=story.later())
        waits = story.contact(**_family(), immediate_danger=True)
        contact_owners.assign(
            contact_id=waits.pk, to_id=person("oliver").pk, seen_owner_id=None, by=amina, now=story.now
        )
        sweep.sweep(now=story.later(days=40))
        reminders.snooze(
            reminder_id=Reminder.objects.filter(clock__contact=night, step="warning")[0].pk, until="hour",
            reason=typed, by=amina, now=story.now,
        )  # fmt: skip
        ended = how_it_ended(summary=typed, children_note=typed, family_says=typed, support=typed)
        closing.ask_lead(case_id=again.case_id, ended=ended, by=bea, now=story.later())
        closing.decline(case_id=again.case_id, reason=typed, by=ben, now=story.later())
        closing.close(case_id=again.case_id, ended=ended, by=ben, now=story.later())
        draft = drafts.proved()
        rule_sets.propose(version_id=draft.pk, edition=1, proposal=typed, by=person("paula"), now=story.later())
        rule_sets.send_back(version_id=draft.pk, reason=typed, by=sam, now=story.later())
        _restricted(story, neighbour, typed)
        today = local_day(story.now)
        absences.record(
            person_id=amina.pk, first_day=today, last_day=today, covered_by_id=person("oliver").pk, by=amina,
            now=story.now,
        )  # fmt: skip
        passwords.send_link(user_id=bea.pk, by=person("adele"), now=story.later())
        Authenticator.objects.create(user=bea, type="totp", data={})
        signing_in.record_factor_added(kind="totp", by=bea, now=story.now)
        signing_in.record_codes_made(by=bea, now=story.now)
        signing_in.record_factor_removed(kind="totp", by=bea, now=story.now)
        reset = signing_in.ask_to_let_in(person_id=bea.pk, reason=typed, by=sam, now=story.now)
        signing_in.agree_to_let_in(reset_id=reset.pk, by=ben, now=story.now)
        signing_in.tell_of_changed_address(person_id=bea.pk, old=bea.email, by=person("adele"), now=story.now)
        copy("casework_recommendation", waits.recommendation_id or 0, level="1")
        rechecks.recheck(now=story.later(), sample=None)
        settle()
        run("ALTER TABLE casework_decision DROP CONSTRAINT a_decision_has_a_rationale")
        integrity_checks.check(now=story.later())
        drain(story.later(), sink.connect)

        assert waits.status == "received"
        assert set(OutboxMessage.objects.values_list("kind", flat=True)) == set(Message)
        assert not OutboxMessage.objects.filter(sent_at=None).exists()
        assert len(sink.letters) == OutboxMessage.objects.filter(carried_by=None).count()
        assert any("reminders, " in letter["Subject"] for letter in sink.letters), "none carried others"
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
            assert "Early help first, version 3" in letter["Subject"]
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
    assert delivery.drain(clock=lambda: story.now) == (1, 0)
    assert len(mailoutbox) == 1
