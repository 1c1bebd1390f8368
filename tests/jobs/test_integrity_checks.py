"""Every night what must never be false is counted; where something is broken, the administrators hear, once a day."""

from datetime import datetime, timedelta

import pytest

from casework import tasks
from casework.jobs import integrity_checks
from casework.messages.wording import write
from casework.models import AuditEvent, Contact, Event, Message, OutboxMessage
from casework.record.integrity import INVARIANTS
from localities.models import Membership, Role, User
from tests.stage.integrity import REFUSALS, STATUS, drop, underneath
from tests.stage.sql import change
from tests.stage.story import Story

DAY = timedelta(days=1)
RATIONALE = "A decision has a rationale"


@pytest.fixture
def broken(story: Story) -> Contact:
    """A contact whose status says what nothing made it, behind the service's back."""
    contact = story.contact()
    with underneath():
        change("casework_contact", contact.pk, status="'sign_off'")
    return contact


@pytest.fixture
def second_administrator(db: None, carol: User) -> User:
    """Somebody who leads a team and administers as well."""
    Membership.objects.create(user=carol, role=Role.ADMINISTRATOR)
    return carol


def messages() -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(kind=Message.INTEGRITY_BROKEN))


def events() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(event=Event.INTEGRITY_CHECKED))


class TestANightWithoutAFault:
    def test_it_is_written_down_and_nobody_is_told(self, story: Story, now: datetime) -> None:
        story.accepted()
        assert integrity_checks.check(now=now) == {}
        (event,) = events()
        assert (event.at, event.actor) == (now, "system")
        assert event.detail == {"checked": len(INVARIANTS) + 2, "broken": {}}
        assert messages() == []

    def test_the_task_does_it(self, db: None) -> None:
        tasks.check_integrity()
        assert len(events()) == 1


class TestSomethingIsBroken:
    def test_it_is_written_down_and_every_administrator_is_told(
        self, broken: Contact, adele: User, second_administrator: User, now: datetime
    ) -> None:
        assert integrity_checks.check(now=now) == {STATUS: 1}
        assert events()[0].detail == {"checked": len(INVARIANTS) + 2, "broken": {STATUS: 1}}
        assert {message.to for message in messages()} == {adele.email, second_administrator.email}
        assert {message.created_at for message in messages()} == {now}

    def test_the_letter_says_what_and_how_often_and_names_nobody(self, broken: Contact, now: datetime) -> None:
        drop("casework_decision", "a_decision_has_a_rationale")
        integrity_checks.check(now=now)
        (message,) = messages()
        letter = write(message)
        assert letter.subject == "Something that must never be false is"
        assert f"{STATUS}: broken 1 time.\n{REFUSALS}: broken 1 time.\n\n" in letter.text
        assert "http://localhost:8000/admin/\n" in letter.text
        assert str(broken) not in letter.text
        assert RATIONALE not in letter.text, "the other invariants hold"

    def test_more_than_once(self, story: Story, now: datetime) -> None:
        for contact in (story.contact(), story.contact()):
            with underneath():
                change("casework_contact", contact.pk, status="'sign_off'")
        integrity_checks.check(now=now)
        assert f"{STATUS}: broken 2 times.\n" in write(messages()[0]).text

    def test_a_second_run_on_the_same_day_tells_nobody_twice(self, broken: Contact, now: datetime) -> None:
        integrity_checks.check(now=now)
        drop("casework_decision", "a_decision_has_a_rationale")
        integrity_checks.check(now=now + timedelta(hours=1))
        assert len(events()) == 2
        (message,) = messages()
        assert REFUSALS not in write(message).text, "the letter is about the run that wrote it"

    def test_the_next_night_tells_again_as_long_as_it_is_broken(self, broken: Contact, now: datetime) -> None:
        integrity_checks.check(now=now)
        integrity_checks.check(now=now + DAY)
        assert len(messages()) == 2
        with underneath():
            change("casework_contact", broken.pk, status="'received'")
        integrity_checks.check(now=now + 2 * DAY)
        assert len(messages()) == 2

    def test_a_day_is_a_day_in_london(self, broken: Contact, now: datetime) -> None:
        """The nightly run is at 02:50 UTC, in summer at 03:50 local time. Both are on one day."""
        summer = datetime.fromisoformat("2026-06-30T22:59:59+00:00")
        integrity_checks.check(now=summer)
        integrity_checks.check(now=summer + timedelta(seconds=1))
        assert len(messages()) == 2


def test_where_nobody_administers_the_service_managers_hear(broken: Contact, sam: User, now: datetime) -> None:
    """Every message has a recipient: without administrators, the service managers."""
    Membership.objects.filter(role=Role.ADMINISTRATOR).update(ends_on=now.date() - DAY)
    integrity_checks.check(now=now)
    assert {message.to for message in messages()} == {sam.email}
