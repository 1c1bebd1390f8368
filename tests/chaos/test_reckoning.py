"""
The reckoning can find fault: what is missing, or is there twice, in an evidence that was whole before.

Evidence is made through the real actions and a real mail server; then each test takes something away, or adds some.
"""

import socket
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core.mail import get_connection
from django.db.models import F
from django.utils import timezone

from casework.actions import receiving
from casework.jobs import delivery, sweep
from casework.models import Clock, OutboxMessage
from localities.models import Agency
from tests.chaos.ledger import Done, Ledger, SentContact
from tests.chaos.letters import Letter, MailServer
from tests.chaos.reckoning import Count, Fault, Reckoning, key_on_letter, reckon, unfinished
from tests.stage.documents import contact_document
from tests.stage.mail import SMTP
from tests.stage.service import database_url
from tests.stage.sql import run
from tests.stage.story import Story

SCHOOL = "example-primary-school"


@dataclass
class Evidence:
    """What those outside know, and what the mail server took."""

    database: str
    ledger: Ledger
    letters: list[Letter]

    def reckon(self, *faults: Fault) -> Reckoning:
        return reckon(self.database, self.ledger, self.letters, list(faults))

    def fault(self, **what: object) -> Fault:
        """A fault as the first letter was taken."""
        at = self.letters[0].at
        return replace(Fault("worker killed", at, at, at, senders=1), **what)  # type: ignore[arg-type]  # fields of a fault


@pytest.fixture
def evidence(committed: str) -> Evidence:
    """A contact that the school sent, was decided on and taken on; its promises fell due; every letter came out."""
    story = Story(timezone.now() - timedelta(hours=6))
    today = datetime.now(UTC).date().isoformat()
    document = contact_document(
        agency_reference="mark-1", agreement={"service": "given", "given_by": "mother", "on": today}
    )
    school = Agency.objects.get(code=SCHOOL)
    contact = receiving.receive(document=document, by=school, now=story.now, idempotency_key="key-1").contact
    sent = SentContact(SCHOOL, "key-1", "mark-1", story.now, tries=1)
    sent.was_answered(contact.reference, asked_at=story.now, at=story.now)
    case = story.accepted(contact)
    # Shortly before the hub closes, others would be warned of too.
    Clock.objects.running().exclude(kind="feedback_to_referrer").update(
        **{moment: F(moment) + timedelta(days=30) for moment in ("warn_at", "due_at", "escalate_at", "next_at")}
    )
    warned_at, due_at, escalated_at = (timezone.now() - timedelta(minutes=minutes) for minutes in (5, 4, 3))
    Clock.objects.running().filter(kind="feedback_to_referrer").update(
        warn_at=warned_at, due_at=due_at, escalate_at=escalated_at, next_at=warned_at
    )
    ledger = Ledger(
        contacts=[sent],
        decisions=[Done(story.now, contact.reference, case.reference)],
        acceptances=[Done(story.now, "", case.reference, "aylesbury")],
    )
    sweep.sweep(now=timezone.now())
    mail = MailServer()
    mail_socket = socket.create_server(("127.0.0.1", 0))
    mail.listen_for("here", mail_socket)
    try:
        delivery.drain(
            clock=timezone.now,
            connect=lambda: get_connection(SMTP, host="127.0.0.1", port=mail_socket.getsockname()[1], timeout=5),
        )
    finally:
        mail.close()
    assert unfinished(database_url(committed)) == (0, 0, 0)
    return Evidence(database_url(committed), ledger, mail.letters)


def test_evidence_that_is_whole_is_found_whole(evidence: Evidence) -> None:
    found = evidence.reckon()
    assert found.findings == []
    total = found.total
    assert (total.sent, total.answered, total.decisions, total.reminders) == (1, 1, 2, 3)
    assert total.letters == len(evidence.letters) == OutboxMessage.objects.count()
    assert not total.is_broken


def test_a_contact_that_was_answered_and_is_not_there_is_lost(evidence: Evidence) -> None:
    missing = SentContact(SCHOOL, "key-2", "mark-2", timezone.now(), tries=3)
    missing.was_answered("CON-0000-0000", asked_at=timezone.now(), at=timezone.now())
    evidence.ledger.contacts.append(missing)
    assert said(evidence.reckon(), lost=1) == ["CON-0000-0000 was answered and is not there"]


def test_a_contact_under_another_key_or_reference_is_lost(evidence: Evidence) -> None:
    (sent,) = evidence.ledger.contacts
    sent.key = "key-3"
    (says,) = said(evidence.reckon(), lost=1)
    assert "and in its place there is" in says


def test_a_contact_that_is_there_twice_is_doubled(evidence: Evidence) -> None:
    (sent,) = evidence.ledger.contacts
    document = contact_document(agency_reference="mark-1")
    receiving.receive(document=document, by=Agency.objects.get(code=SCHOOL), now=timezone.now(), idempotency_key=None)
    found = evidence.reckon()
    assert found.total.doubled == 1
    assert f"a contact of {SCHOOL} is there 2 times, and was answered {sorted(sent.references)}" in found.findings


def test_a_contact_with_two_references_is_doubled(evidence: Evidence) -> None:
    evidence.ledger.contacts[0].references.add("CON-ZZZZ-ZZZZ")
    assert len(said(evidence.reckon(), doubled=1)) == 1


def test_a_contact_that_nobody_sent_is_doubled(evidence: Evidence) -> None:
    (sent,) = evidence.ledger.contacts
    evidence.ledger.contacts.clear()
    assert said(evidence.reckon(), doubled=1) == [f"nobody sent {min(sent.references)}"]


def test_a_contact_that_was_never_answered_is_said(evidence: Evidence) -> None:
    evidence.ledger.contacts.append(SentContact(SCHOOL, "key-2", "mark-2", timezone.now(), tries=9))
    assert said(evidence.reckon()) == [f"a contact of {SCHOOL} was never answered, 9 times asked"]


def test_what_a_person_saw_done_and_is_not_is_lost(evidence: Evidence) -> None:
    (decided,), (accepted,) = evidence.ledger.decisions, evidence.ledger.acceptances
    evidence.ledger.decisions[0] = replace(decided, case="CAS-0000-0000")
    evidence.ledger.acceptances[0] = replace(accepted, team="child-protection")
    assert len(said(evidence.reckon(), decisions_lost=2)) == 2


def test_a_reminder_that_was_not_made_is_lost(evidence: Evidence) -> None:
    clock = Clock.objects.running().get(kind="first_family_contact")
    Clock.objects.filter(pk=clock.pk).update(warn_at=timezone.now())
    assert said(evidence.reckon(), reminders_lost=1) == [
        f"nobody was told of the warning of first_family_contact, clock {clock.pk}"
    ]


def test_a_message_that_is_marked_as_sent_and_never_came_out_is_lost(evidence: Evidence) -> None:
    del evidence.letters[0]
    (says,) = said(evidence.reckon(), letters_lost=1)
    assert says.endswith("is marked as sent and never came out")


def test_a_message_that_another_ones_letter_carries_needs_none_of_its_own(evidence: Evidence) -> None:
    carried, carrier = OutboxMessage.objects.filter(kind="reminder")[:2]
    # As plain facts: what was sent cannot be changed, so the column is made with what it holds.
    run("ALTER TABLE casework_outboxmessage DROP COLUMN IF EXISTS carried_by_id CASCADE")
    run(
        "ALTER TABLE casework_outboxmessage ADD COLUMN carried_by_id bigint "
        f"GENERATED ALWAYS AS (CASE WHEN id = {carried.pk} THEN {carrier.pk} END) STORED"
    )
    (says,) = said(evidence.reckon(), letters_doubled=1)
    assert says.startswith("a letter came out that is no message of its own")
    evidence.letters = [letter for letter in evidence.letters if letter.key != key_on_letter(carried.idempotency_key)]
    assert said(evidence.reckon()) == []
    evidence.letters = [letter for letter in evidence.letters if letter.key != key_on_letter(carrier.idempotency_key)]
    assert len(said(evidence.reckon(), letters_lost=2)) == 2


def test_a_letter_that_is_no_message_is_doubled(evidence: Evidence) -> None:
    evidence.letters.append(replace(evidence.letters[0], key="another"))
    assert len(said(evidence.reckon(), letters_doubled=1)) == 1


def test_a_letter_comes_twice_only_by_a_crash_as_the_same_letter_and_once_for_each_sender(evidence: Evidence) -> None:
    first = evidence.letters[0]
    again = replace(first, at=first.at + timedelta(minutes=2))
    evidence.letters.append(again)
    assert len(said(evidence.reckon(), letters_doubled=1)) == 1
    assert said(evidence.reckon(evidence.fault()), letters_same_key=1) == []
    assert len(said(evidence.reckon(evidence.fault(senders=0)), letters_doubled=1)) == 1
    long_ago = first.at - timedelta(minutes=1)
    assert (
        len(said(evidence.reckon(evidence.fault(at=long_ago, down_at=long_ago, over_at=long_ago)), letters_doubled=1))
        == 1
    )
    evidence.letters[-1] = replace(again, message_id="<another@letter>")
    assert len(said(evidence.reckon(evidence.fault()), letters_doubled=1)) == 1
    evidence.letters[-1] = again
    evidence.letters.append(replace(first, at=first.at + timedelta(seconds=1)))
    assert len(said(evidence.reckon(evidence.fault()), letters_same_key=1, letters_doubled=1)) == 1


def said(found: Reckoning, **counted: int) -> list[str]:
    """What was found, where these counts of what should not be are all there are."""
    wrong = {name: number for name, number in vars(found.total).items() if name in WRONG and number}
    assert wrong == counted, found.findings
    return found.findings


WRONG = {name for name in vars(Count()) if name.endswith(("lost", "doubled", "same_key"))}
