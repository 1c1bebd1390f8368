"""
Several drains at once, on real connections: what goes to one address about one contact goes in its order, and many
reminders go in letters that no two drains share.
"""

from collections.abc import Callable

from casework.jobs import delivery, sweep
from casework.models import AuditEvent, Contact, Event, OutboxMessage
from tests.stage.mail import Sink, mail_server
from tests.stage.racing import family, race, received
from tests.stage.story import Story


def drain(told: Story, sink: Sink) -> Callable[[], int]:
    """A worker that comes round again and again: what waited for another's message goes then."""

    def comes_round() -> int:
        return sum(delivery.drain(clock=lambda: told.now, connect=sink.connect).sent for _ in range(10))

    return comes_round


def test_the_acknowledgement_comes_before_the_feedback(told: Story) -> None:
    """To one school, about many contacts, decided before anything went out."""
    contacts = [received(told, number) for number in range(6)]
    for contact in contacts:
        told.decided(contact)
    with mail_server() as sink:
        sent = race(*[drain(told, sink)] * 4)
        assert all(isinstance(each, int) for each in sent), sent
        assert not OutboxMessage.objects.filter(sent_at=None).exists()
        to_the_school = [str(letter["Subject"]) for letter in sink.to("dsl@school.example")]
        for contact in contacts:
            assert [subject for subject in to_the_school if str(contact) in subject] == [
                f"We have your contact {contact}", f"What we decided about your contact {contact}",
            ]  # fmt: skip
        assert len(sink.letters) == len({letter["Idempotency-Key"] for letter in sink.letters}) == sum(sent)


def test_every_reminder_is_in_one_letter_and_no_step_overtakes_another(told: Story) -> None:
    """Warned of, late, and still late: all of it waits at once, for six people."""
    for number in range(6):
        told.contact(**family(number), referrer={"name": "Duty desk"})
    sweep.sweep(now=told.later(days=10))
    told.later()
    with mail_server() as sink:
        outcomes = race(*[drain(told, sink)] * 4)
        assert all(isinstance(each, int) for each in outcomes), outcomes
        assert sum(outcomes) == len(sink.letters) < OutboxMessage.objects.count()
        assert not OutboxMessage.objects.filter(sent_at=None).exists()
        for message in OutboxMessage.objects.select_related("reminder__clock", "contact"):
            assert message.reminder is not None
            kind = message.reminder.clock.kind.replace("_", " ")
            line = f"{message.reminder.get_step_display()}: {kind}, {message.contact}"
            assert len(places(sink, message.to, line)) == 1, line
        for contact in Contact.objects.all():
            about = f"next step decision, {contact}"
            soon = places(sink, "maya@front-door.example", f"Soon due: {about}")
            late = places(sink, "maya@front-door.example", f"Late: {about}")
            assert soon <= late
    assert AuditEvent.objects.filter(event=Event.MESSAGE_SENT).count() == OutboxMessage.objects.count()


def places(sink: Sink, address: str, line: str) -> list[int]:
    """Which of an address's letters hold a line: the first, the second …"""
    letters = sink.to(address)
    return [place for place, letter in enumerate(letters) if line in letter.get_content().splitlines()]
