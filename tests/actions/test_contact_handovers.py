"""
Between emergency duty and the day team: what waits passes when the hub opens, or by hand with a note; a named person
takes it on. At every moment one team has the contact, and its clocks and reminders are that team's.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from casework.actions import calendar, contact_handovers
from casework.jobs import opening, sweep
from casework.models import AuditEvent, Clock, Contact, ContactHandover, Event, OutboxMessage, Reminder
from casework.reading import front_door
from errors import InvalidInput, NotAllowedInStatus, NotPermitted
from localities.models import CalendarDay, HubHours, Team, User
from tests.stage.documents import child
from tests.stage.moments import day, local
from tests.stage.story import Story

SECOND = timedelta(seconds=1)
HARM: dict[str, Any] = {"children": [child(indicators=["L4-01"])], "agreement": {"service": "not_sought"}}
NOTE = "His aunt has him until Monday. Ring her first."
FRONT_DOOR = {"amina", "oliver", "maya", "david"}
DUTY = {"erin", "ezra"}


def in_the_night(story: Story, at: str = "Sat 21 Nov 2026 23:30") -> Contact:
    """A red contact that came while the hub was closed. Emergency duty is responsible for it."""
    story.now = local(at)
    contact = story.contact(**HARM)
    assert contact.team.code == "emergency-duty"
    return contact


def by_day(story: Story, at: str = "Thu 19 Nov 2026 17:00") -> Contact:
    """A contact that came while the hub was open. The day team is responsible for it."""
    story.now = local(at)
    contact = story.contact(**HARM)
    assert contact.team.code == "front-door"
    return contact


def at_opening(at: str) -> int:
    return opening.pass_to_day_team(now=local(at))


def hand_over(contact: Contact, by: str, at: str | datetime, note: str = NOTE) -> ContactHandover:
    now = local(at) if isinstance(at, str) else at
    return contact_handovers.hand_over(contact_id=contact.pk, note=note, by=User.objects.get(username=by), now=now)


def take_on(contact: Contact, by: str, at: str | datetime) -> Contact:
    now = local(at) if isinstance(at, str) else at
    return contact_handovers.take_on(contact_id=contact.pk, by=User.objects.get(username=by), now=now)


def team_of(contact: Contact) -> str:
    return Contact.objects.get(pk=contact.pk).team.code


def clock_of(contact: Contact) -> Clock:
    return contact.clocks.running().get(kind="contact_taken_on")


def recipients(contact: Contact, kind: str = "contact_handed_over") -> set[str]:
    messages = OutboxMessage.objects.filter(contact=contact, kind=kind)
    return {to.split("@")[0] for to in messages.values_list("to", flat=True)}


class TestAtOpening:
    @pytest.mark.parametrize(
        ("came", "opens"),
        [
            ("Sat 21 Nov 2026 23:30", "Mon 23 Nov 2026 09:00"),  # a weekend
            ("Fri 20 Nov 2026 17:01", "Mon 23 Nov 2026 09:00"),  # a Friday ends at five
            ("Wed 18 Nov 2026 17:31", "Thu 19 Nov 2026 09:00"),
            ("Thu 19 Nov 2026 05:00", "Thu 19 Nov 2026 09:00"),
            ("Thu 24 Dec 2026 20:00", "Tue 29 Dec 2026 09:00"),  # Christmas, and Boxing Day's substitute on a Monday
            ("Thu 1 Apr 2027 18:00", "Tue 6 Apr 2027 09:00"),  # Easter
            ("Sat 24 Oct 2026 23:30", "Mon 26 Oct 2026 09:00"),  # the clocks go back
            ("Sat 28 Mar 2026 23:30", "Mon 30 Mar 2026 09:00"),  # the clocks go forward
        ],
    )
    def test_not_a_second_before_then_once(self, story: Story, came: str, opens: str) -> None:
        contact = in_the_night(story, came)
        assert opening.pass_to_day_team(now=story.now + SECOND) == 0
        assert opening.pass_to_day_team(now=local(opens) - SECOND) == 0
        assert team_of(contact) == "emergency-duty"
        assert at_opening(opens) == 1
        assert team_of(contact) == "front-door"
        assert at_opening(opens) == opening.pass_to_day_team(now=local(opens) + SECOND) == 0
        handover = contact.handovers.get()
        assert (handover.from_team.code, handover.to_team.code) == ("emergency-duty", "front-door")
        assert (handover.passed_at, handover.passed_by, handover.note) == (local(opens), None, "")

    def test_what_the_first_minute_misses_the_next_one_passes(self, story: Story) -> None:
        contact = in_the_night(story)
        assert at_opening("Mon 23 Nov 2026 11:47") == 1
        assert team_of(contact) == "front-door"

    @pytest.mark.parametrize("closes", ["Thu 19 Nov 2026 17:30", "Fri 20 Nov 2026 17:00"])
    def test_not_a_second_after_closing(self, story: Story, closes: str) -> None:
        in_the_night(story, "Thu 19 Nov 2026 05:00")
        assert opening.pass_to_day_team(now=local(closes) + SECOND) == 0
        assert at_opening(closes) == 1

    def test_on_a_day_on_which_the_council_is_closed_nobody_is_there(self, story: Story, adele: User) -> None:
        in_the_night(story)
        monday = CalendarDay(date=day("Mon 23 Nov 2026"), kind="closure", name="The roof")
        calendar.change_day(day=monday, before=None, by=adele, now=story.now)
        assert at_opening("Mon 23 Nov 2026 09:00") == 0
        assert at_opening("Tue 24 Nov 2026 09:00") == 1

    def test_on_a_bank_holiday_that_was_moved_away_somebody_is(self, story: Story, adele: User) -> None:
        in_the_night(story, "Thu 24 Dec 2026 20:00")
        monday = CalendarDay(date=day("Mon 28 Dec 2026"), kind="working_day", name="Moved")
        calendar.change_day(day=monday, before=None, by=adele, now=story.now)
        assert at_opening("Mon 28 Dec 2026 09:00") == 1

    def test_the_whole_night_the_oldest_first(self, story: Story) -> None:
        night = [in_the_night(story, f"Sat 21 Nov 2026 2{hour}:30") for hour in (3, 1, 2)]
        assert at_opening("Mon 23 Nov 2026 09:00") == 3
        passed = ContactHandover.objects.order_by("pk").values_list("contact", flat=True)
        assert list(passed) == [night[1].pk, night[2].pk, night[0].pk]

    def test_what_was_decided_in_the_night_stays_with_who_decided(self, story: Story) -> None:
        contact = in_the_night(story)
        story.decided(contact, by="ezra")
        assert at_opening("Mon 23 Nov 2026 09:00") == 0
        assert not contact.handovers.exists()

    def test_what_waits_for_a_second_person_passes_too(self, story: Story) -> None:
        """The second person may well be a manager of the day."""
        contact = in_the_night(story)
        story.decided(contact, by="ezra", pathway="social_work_assessment", rag="amber")
        assert at_opening("Mon 23 Nov 2026 09:00") == 1
        story.now = local("Mon 23 Nov 2026 09:30")
        story.signed_off(contact)
        handover = contact.handovers.get()
        assert (handover.taken_on_by.username, handover.taken_on_at) == ("maya", story.now)  # type: ignore[union-attr]  # somebody took it on
        assert contact.case is not None
        assert contact.case.responsibilities.get().team.code == "front-door"

    def test_without_a_day_team_it_stays(self, story: Story) -> None:
        contact = in_the_night(story)
        Team.objects.filter(code="front-door").update(is_active=False)
        assert at_opening("Mon 23 Nov 2026 09:00") == 0
        assert team_of(contact) == "emergency-duty"

    def test_a_council_with_no_hours_is_never_open(self, story: Story) -> None:
        in_the_night(story)
        HubHours.objects.all().delete()
        assert at_opening("Mon 23 Nov 2026 09:00") == 0

    def test_the_day_team_hears_and_it_is_in_the_audit(self, story: Story) -> None:
        contact = in_the_night(story)
        at_opening("Mon 23 Nov 2026 09:00")
        assert recipients(contact) == FRONT_DOOR
        event = AuditEvent.objects.get(event=Event.CONTACT_HANDED_OVER)
        assert (event.contact, event.actor, event.at) == (contact, "system", local("Mon 23 Nov 2026 09:00"))
        assert event.detail == {"from_team": "emergency-duty", "to_team": "front-door"}


class TestByHand:
    def test_the_night_leaves_a_note_for_the_day(self, story: Story, erin: User) -> None:
        contact = in_the_night(story)
        handover = hand_over(contact, "erin", "Mon 23 Nov 2026 06:00", f" {NOTE}\n")
        assert (handover.from_team.code, handover.to_team.code) == ("emergency-duty", "front-door")
        assert (handover.note, handover.passed_by, handover.passed_at) == (NOTE, erin, local("Mon 23 Nov 2026 06:00"))
        assert team_of(contact) == "front-door"
        assert recipients(contact) == FRONT_DOOR

    def test_the_day_leaves_one_for_the_night(self, story: Story, amina: User) -> None:
        contact = by_day(story)
        handover = hand_over(contact, "amina", "Thu 19 Nov 2026 17:20")
        assert (handover.from_team.code, handover.to_team.code) == ("front-door", "emergency-duty")
        assert team_of(contact) == "emergency-duty"
        assert recipients(contact) == DUTY

    def test_what_the_day_left_for_the_night_stays_there_until_the_next_opening(self, story: Story) -> None:
        """The hub is open for ten minutes more, and nothing may send it back within one."""
        contact = by_day(story)
        hand_over(contact, "amina", "Thu 19 Nov 2026 17:20")
        assert at_opening("Thu 19 Nov 2026 17:21") == 0
        take_on(contact, "erin", "Thu 19 Nov 2026 17:25")
        assert at_opening("Thu 19 Nov 2026 17:30") == 0
        assert team_of(contact) == "emergency-duty"
        assert at_opening("Fri 20 Nov 2026 09:00") == 1

    def test_what_came_in_the_night_passes_although_the_day_left_something_else(self, story: Story) -> None:
        night = in_the_night(story, "Thu 19 Nov 2026 05:00")
        left = by_day(story, "Thu 19 Nov 2026 10:00")
        hand_over(left, "amina", "Thu 19 Nov 2026 10:30")
        assert at_opening("Thu 19 Nov 2026 10:31") == 1
        assert (team_of(night), team_of(left)) == ("front-door", "emergency-duty")

    @pytest.mark.parametrize("note", ["", " \n"])
    def test_not_without_a_note(self, story: Story, note: str) -> None:
        contact = in_the_night(story)
        with pytest.raises(InvalidInput, match="Enter what the next team must know") as caught:
            hand_over(contact, "erin", "Sun 22 Nov 2026 06:00", note)
        assert [fault.place for fault in caught.value.faults] == ["note"]
        assert team_of(contact) == "emergency-duty"

    def test_not_where_nobody_is(self, story: Story) -> None:
        contact = by_day(story)
        Team.objects.filter(code="emergency-duty").update(is_active=False)
        with pytest.raises(InvalidInput, match="no such team takes work"):
            hand_over(contact, "amina", "Thu 19 Nov 2026 17:20")

    @pytest.mark.parametrize("other", ["amina", "sam"])
    def test_only_who_has_it(self, story: Story, other: str) -> None:
        with pytest.raises(NotPermitted, match="Only Emergency duty team can hand"):
            hand_over(in_the_night(story), other, "Sun 22 Nov 2026 06:00")

    def test_others_do_not_find_it(self, story: Story) -> None:
        with pytest.raises(Contact.DoesNotExist):
            hand_over(in_the_night(story), "ben", "Sun 22 Nov 2026 06:00")

    def test_not_twice_before_somebody_took_it_on(self, story: Story) -> None:
        contact = in_the_night(story)
        hand_over(contact, "erin", "Sun 22 Nov 2026 06:00")
        with pytest.raises(NotAllowedInStatus, match="was passed to Front door, and nobody has taken it on yet"):
            hand_over(contact, "amina", "Sun 22 Nov 2026 06:01")
        take_on(contact, "amina", "Sun 22 Nov 2026 06:02")
        assert hand_over(contact, "amina", "Sun 22 Nov 2026 06:03").to_team.code == "emergency-duty"

    def test_not_what_is_decided_or_waits_for_a_second_person(self, story: Story) -> None:
        contact = in_the_night(story)
        story.decided(contact, by="ezra", pathway="social_work_assessment", rag="amber")
        with pytest.raises(NotAllowedInStatus, match="waits for a second person"):
            hand_over(contact, "erin", story.later())
        story.signed_off(contact)
        with pytest.raises(NotAllowedInStatus, match="is decided already"):
            hand_over(contact, "erin", story.later())


class TestTakingOn:
    def test_under_ones_own_name(self, story: Story, oliver: User) -> None:
        contact = in_the_night(story)
        at_opening("Mon 23 Nov 2026 09:00")
        take_on(contact, "oliver", "Mon 23 Nov 2026 09:12")
        handover = contact.handovers.get()
        assert (handover.taken_on_by, handover.taken_on_at) == (oliver, local("Mon 23 Nov 2026 09:12"))
        event = AuditEvent.objects.get(event=Event.CONTACT_TAKEN_ON)
        assert (event.by_user, event.contact, event.detail) == (oliver, contact, {"team": "front-door"})

    def test_once(self, story: Story) -> None:
        contact = in_the_night(story)
        at_opening("Mon 23 Nov 2026 09:00")
        take_on(contact, "oliver", "Mon 23 Nov 2026 09:12")
        with pytest.raises(NotAllowedInStatus, match="was taken on already"):
            take_on(contact, "amina", "Mon 23 Nov 2026 09:13")

    def test_by_the_team_that_has_it_now(self, story: Story) -> None:
        contact = in_the_night(story)
        at_opening("Mon 23 Nov 2026 09:00")
        with pytest.raises(NotPermitted, match="Only Front door can take"):
            take_on(contact, "erin", "Mon 23 Nov 2026 09:12")

    def test_whoever_decides_has_taken_it_on(self, story: Story, maya: User) -> None:
        contact = in_the_night(story)
        at_opening("Mon 23 Nov 2026 09:00")
        story.now = local("Mon 23 Nov 2026 09:30")
        story.decided(contact, by="maya")
        handover = contact.handovers.get()
        assert (handover.taken_on_by, handover.taken_on_at) == (maya, story.now)
        assert contact.clocks.get(kind="contact_taken_on").ended == "done"
        with pytest.raises(NotAllowedInStatus, match="was taken on already"):
            take_on(contact, "amina", story.later())

    def test_whoever_began_to_decide_a_moment_before_it_passed(self, story: Story) -> None:
        """The service passes the contact on just before the decision locks it."""
        contact = in_the_night(story)
        opening.pass_to_day_team(now=local("Mon 23 Nov 2026 09:00") + timedelta(milliseconds=3))
        story.now = local("Mon 23 Nov 2026 08:00")
        story.decided(contact, by="ezra")
        handover = contact.handovers.get()
        assert handover.taken_on_at == handover.passed_at

    def test_on_the_worklist_it_shows_until_then(self, story: Story, amina: User) -> None:
        contact = in_the_night(story)
        at_opening("Mon 23 Nov 2026 09:00")
        listed: Any = front_door.awaiting(amina, local("Mon 23 Nov 2026 09:05")).get()
        assert (listed.to_take_on, listed.here_since) == (True, local("Mon 23 Nov 2026 09:00"))
        take_on(contact, "amina", "Mon 23 Nov 2026 09:12")
        listed = front_door.awaiting(amina, local("Mon 23 Nov 2026 09:13")).get()
        assert (listed.to_take_on, listed.here_since) == (False, local("Mon 23 Nov 2026 09:00"))


class TestThatNobodyTookOn:
    """Nobody on emergency duty took the contact on, and its clock is late. In the morning it passes to the day team."""

    def test_lapses_at_the_next_opening(self, story: Story) -> None:
        contact = by_day(story)
        first = hand_over(contact, "amina", "Thu 19 Nov 2026 17:20")
        clock = clock_of(contact)
        assert at_opening("Fri 20 Nov 2026 09:00") == 1
        first.refresh_from_db()
        assert (first.lapsed_at, first.taken_on_at) == (local("Fri 20 Nov 2026 09:00"), None)
        clock.refresh_from_db()
        assert (clock.stopped_at, clock.ended) == (local("Fri 20 Nov 2026 09:00"), "overtaken")
        second = contact.handovers.latest("pk")
        assert (second.from_team.code, second.to_team.code, second.lapsed_at) == ("emergency-duty", "front-door", None)
        assert clock_of(contact).due_at == local("Fri 20 Nov 2026 10:00")

    def test_the_day_has_it_until_somebody_takes_it_on(self, story: Story) -> None:
        contact = in_the_night(story)
        at_opening("Mon 23 Nov 2026 09:00")
        assert at_opening("Tue 24 Nov 2026 09:00") == 0
        assert contact.handovers.get().lapsed_at is None
        assert clock_of(contact).due_at == local("Mon 23 Nov 2026 10:00")


class TestItsClocks:
    def test_an_hour_to_take_it_on(self, story: Story) -> None:
        contact = in_the_night(story)
        at_opening("Mon 23 Nov 2026 09:00")
        clock = clock_of(contact)
        assert (clock.started_at, clock.warn_at, clock.due_at) == (
            local("Mon 23 Nov 2026 09:00"), local("Mon 23 Nov 2026 09:30"), local("Mon 23 Nov 2026 10:00"),
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("left", "due"),
        [
            ("Sun 22 Nov 2026 06:00", "Mon 23 Nov 2026 10:00"),
            ("Mon 23 Nov 2026 08:59:59", "Mon 23 Nov 2026 10:00"),
            ("Mon 23 Nov 2026 09:00", "Mon 23 Nov 2026 10:00"),
            ("Mon 23 Nov 2026 09:00:01", "Mon 23 Nov 2026 10:00:01"),
        ],
    )
    def test_what_the_night_leaves_early_counts_from_the_opening(self, story: Story, left: str, due: str) -> None:
        contact = in_the_night(story)
        hand_over(contact, "erin", left)
        assert clock_of(contact).due_at == local(due)

    def test_taken_on_before_the_hub_opens_it_stops_where_it_would_have_started(self, story: Story) -> None:
        contact = in_the_night(story)
        hand_over(contact, "erin", "Mon 23 Nov 2026 06:00")
        take_on(contact, "amina", "Mon 23 Nov 2026 07:00")
        clock = contact.clocks.get(kind="contact_taken_on")
        assert clock.stopped_at == clock.started_at == local("Mon 23 Nov 2026 09:00")
        sweep.sweep(now=local("Mon 23 Nov 2026 12:00"))
        assert not Reminder.objects.filter(clock=clock).exists()

    def test_the_night_has_an_hour_at_once(self, story: Story) -> None:
        contact = by_day(story)
        hand_over(contact, "amina", "Thu 19 Nov 2026 17:29")
        assert clock_of(contact).due_at == local("Thu 19 Nov 2026 18:29")

    def test_an_hour_is_an_hour_when_the_clocks_go_back(self, story: Story) -> None:
        story.now = local("Fri 23 Oct 2026 16:00")
        contact = story.contact(**HARM)
        hand_over(contact, "amina", "Sun 25 Oct 2026 01:30 BST")
        assert clock_of(contact).due_at == local("Sun 25 Oct 2026 01:30 GMT")

    def test_what_was_promised_about_the_contact_runs_on(self, story: Story) -> None:
        """The time since receipt never starts again, whoever has it."""
        contact = in_the_night(story)
        before = {(clock.kind, clock.started_at, clock.due_at) for clock in contact.clocks.running()}
        at_opening("Mon 23 Nov 2026 09:00")
        after = {(clock.kind, clock.started_at, clock.due_at) for clock in contact.clocks.running()}
        assert before < after
        assert {kind for kind, *_ in after - before} == {"contact_taken_on"}


class TestItsReminders:
    def steps(self, contact: Contact, kind: str) -> dict[str, set[str]]:
        messages = OutboxMessage.objects.filter(reminder__clock__contact=contact, reminder__clock__kind=kind)
        found: dict[str, set[str]] = {}
        for step, to in messages.values_list("reminder__step", "to"):
            found.setdefault(step, set()).add(to.split("@")[0])
        return found

    def test_that_nobody_takes_it_on_the_day_team_hears(self, story: Story) -> None:
        contact = in_the_night(story)
        at_opening("Mon 23 Nov 2026 09:00")
        sweep.sweep(now=local("Mon 23 Nov 2026 10:00"))
        assert self.steps(contact, "contact_taken_on") == {"warning": FRONT_DOOR, "breach": {"maya", "david"}}

    def test_that_the_night_does_not_the_night_hears(self, story: Story) -> None:
        contact = by_day(story)
        hand_over(contact, "amina", "Thu 19 Nov 2026 17:20")
        sweep.sweep(now=local("Thu 19 Nov 2026 18:20"))
        assert self.steps(contact, "contact_taken_on") == {"warning": DUTY, "breach": {"ezra"}}

    def test_about_the_contact_go_to_whoever_has_it(self, story: Story) -> None:
        contact = in_the_night(story)
        clock = contact.clocks.get(kind="next_step_decision")
        at_opening("Mon 23 Nov 2026 09:00")
        sweep.sweep(now=clock.due_at)
        assert self.steps(contact, "next_step_decision") == {"warning": FRONT_DOOR, "breach": {"maya", "david"}}

    def test_what_was_said_to_the_night_is_not_said_again(self, story: Story) -> None:
        contact = in_the_night(story)
        sweep.sweep(now=local("Sun 22 Nov 2026 01:30"))
        at_opening("Mon 23 Nov 2026 09:00")
        sweep.sweep(now=local("Mon 23 Nov 2026 09:00"))
        assert self.steps(contact, "final_decision_red")["warning"] == DUTY
