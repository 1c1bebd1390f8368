"""
Several deliveries at once, on real connections. Messages to one address about one contact go out in order, and no two
deliveries send the same e-mail of several reminders.
"""

from collections.abc import Callable

from casework.deadlines.titles import title_of
from casework.jobs import delivery, sweep
from casework.models import AuditEvent, Contact, Event, OutboxMessage
from tests.stage.mail import Sink, mail_server
from tests.stage.racing import family, race, received
from tests.stage.story import Story


def drain(story: Story, sink: Sink) -> Callable[[], int]:
    """A worker that delivers ten times: a message that waited for another's goes in a later round."""

    def drain_often() -> int:
        return sum(delivery.drain(clock=lambda: story.now, connect=sink.connect).sent for _ in range(10))

    return drain_often


def test_the_acknowledgement_comes_before_the_feedback(story: Story) -> None:
    """To one school, about many contacts, decided before anything went out."""
    contacts = [received(story, number) for number in range(6)]
    for contact in contacts:
        story.decided(contact)
    with mail_server() as sink:
        sent = race(*[drain(story, sink)] * 4)
        assert all(isinstance(each, int) for each in sent), sent
        assert not OutboxMessage.objects.filter(sent_at=None).exists()
        to_the_school = [str(letter["Subject"]) for letter in sink.to("dsl@school.example")]
        for contact in contacts:
            assert [subject for subject in to_the_school if str(contact) in subject] == [
                f"We have your contact {contact}", f"What we decided about your contact {contact}",
            ]  # fmt: skip
        assert len(sink.letters) == len({letter["Idempotency-Key"] for letter in sink.letters}) == sum(sent)


def test_every_reminder_is_in_one_letter_and_no_step_overtakes_another(story: Story) -> None:
    """Warnings, breaches and escalations all wait at once, for six people."""
    for number in range(6):
        story.contact(**family(number), referrer={"name": "Duty desk"})
    sweep.sweep(now=story.later(days=10))
    story.later()
    with mail_server() as sink:
        outcomes = race(*[drain(story, sink)] * 4)
        assert all(isinstance(each, int) for each in outcomes), outcomes
        assert sum(outcomes) == len(sink.letters) < OutboxMessage.objects.count()
        assert not OutboxMessage.objects.filter(sent_at=None).exists()
        for message in OutboxMessage.objects.select_related("reminder__clock", "contact"):
            assert message.reminder is not None
            kind = title_of(message.reminder.clock.kind)
            line = f"{message.reminder.get_step_display()}: {kind}, {message.contact}"
            assert len(places(sink, message.to, line)) == 1, line
        for contact in Contact.objects.all():
            about = f"next step decision, {contact}"
            soon = places(sink, "maya@front-door.example", f"Soon due: {about}")
            late = places(sink, "maya@front-door.example", f"Late: {about}")
            assert soon <= late
    assert AuditEvent.objects.filter(event=Event.MESSAGE_SENT).count() == OutboxMessage.objects.count()


def places(sink: Sink, address: str, line: str) -> list[int]:
    """The positions of the e-mails to an address that contain a line."""
    letters = sink.to(address)
    return [place for place, letter in enumerate(letters) if line in letter.get_content().splitlines()]
