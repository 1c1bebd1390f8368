"""
Several drains at once, on real connections: what goes to one address about one contact goes in its order, each message
once, and many reminders in letters that no two drains share.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from casework import integrity
from casework.actions import outbox, reminders
from casework.models import AuditEvent, Contact, Event, OutboxMessage
from tests.conftest import THURSDAY
from tests.mail import mail_server
from tests.races.test_races import TIMES, family, race, received
from tests.story import Story


@pytest.fixture
def told(committed: str) -> Iterator[Story]:
    """A story in a database of its own. When it ends, nothing is broken there."""
    yield Story(THURSDAY)
    assert {finding.says: finding.broken for finding in integrity.check() if finding.broken} == {}


def test_the_acknowledgement_comes_before_the_feedback(told: Story) -> None:
    """To one school, about many contacts, decided before anything went out."""
    contacts = [received(told, number) for number in range(6)]
    for contact in contacts:
        told.decided(contact)
    with mail_server() as sink:

        def drain() -> int:
            """A worker, which comes round until nothing is left: what waited for another's message goes then."""
            return sum(outbox.drain(clock=lambda: told.now, connect=sink.connect).sent for _ in range(20))

        sent = race(*[drain] * 4)
        assert all(isinstance(each, int) for each in sent), sent
        assert not OutboxMessage.objects.filter(sent_at=None).exists()
        to_the_school = [str(letter["Subject"]) for letter in sink.to("dsl@school.example")]
        for contact in contacts:
            assert [subject for subject in to_the_school if str(contact) in subject] == [
                f"We have your contact {contact}", f"What we decided about your contact {contact}",
            ]  # fmt: skip
        assert len(sink.letters) == len({letter["Idempotency-Key"] for letter in sink.letters}) == sum(sent)


def test_no_reminder_is_in_two_letters_or_in_none(told: Story) -> None:
    """Ninety reminders for six people; whoever comes first gathers them, and nobody sends the same."""
    for turn in range(TIMES):
        for number in range(5):
            told.contact(**family(5 * turn + number), referrer={"name": "Duty desk"})
        reminders.sweep(now=told.later(days=10))
        told.later()
        with mail_server() as sink:

            def drain(connect: object = sink.connect) -> int:
                return sum(outbox.drain(clock=lambda: told.now, connect=connect).sent for _ in range(20))  # type: ignore[arg-type]

            outcomes = race(*[drain] * 4)
            assert all(isinstance(each, int) for each in outcomes), outcomes
            letters = [letter.get_content() for letter in sink.letters]
            for message in OutboxMessage.objects.select_related("reminder__clock", "contact").filter(
                created_at__gte=told.now - timedelta(hours=2)
            ):
                assert message.reminder is not None
                kind = message.reminder.clock.kind.replace("_", " ")
                line = f"{message.reminder.get_step_display()}: {kind}, {message.contact}"
                found = [letter for letter in sink.to(message.to) if line in letter.get_content().splitlines()]
                assert len(found) == 1, line
            assert sum(outcomes) == len(letters) < OutboxMessage.objects.count()
    assert not OutboxMessage.objects.filter(sent_at=None).exists()
    assert AuditEvent.objects.filter(event=Event.MESSAGE_SENT).count() == OutboxMessage.objects.count()
    assert Contact.objects.count() == 5 * TIMES


def test_of_one_promise_each_step_comes_before_the_next(told: Story) -> None:
    """Warned, late, still late, all waiting for one person: in as many letters as drains make of them, in order."""
    for number in range(2):
        told.contact(**family(number), referrer={"name": "Duty desk"})
    reminders.sweep(now=told.later(days=10))
    told.later()
    in_order = ["Soon due", "Late", "Still late a working day on"]
    with mail_server() as sink:

        def drain() -> int:
            return sum(outbox.drain(clock=lambda: told.now, connect=sink.connect).sent for _ in range(20))

        outcomes = race(*[drain] * 3)
        assert all(isinstance(each, int) for each in outcomes), outcomes
        for address in {str(letter["To"]) for letter in sink.letters}:
            for contact in Contact.objects.all():
                said = [
                    in_order.index(line.partition(":")[0])
                    for letter in sink.to(address)
                    for line in sorted(letter.get_content().splitlines(), key=_place)
                    if line.endswith(f"next step decision, {contact}")
                ]
                assert said == sorted(said), address
    assert not OutboxMessage.objects.filter(sent_at=None).exists()


def _place(line: str) -> int:
    """Within one letter the gravest stands first: that is no order in time."""
    return ["Soon due", "Late", "Still late a working day on"].index(head) if (head := line.partition(":")[0]) in (
        "Soon due", "Late", "Still late a working day on",
    ) else 0  # fmt: skip
