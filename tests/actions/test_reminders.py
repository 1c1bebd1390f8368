"""
Reminders as those who get them know them: seen, put off for a reason, gone when the promise is kept; who has breaches
that they have not looked at; and many at once in one letter.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from casework.actions import cases, handoffs, partner_checks, referrers, reminders, viewing
from casework.deadlines.recipients import Unread, unread_breaches
from casework.jobs import delivery, sweep
from casework.models import (
    AuditEvent,
    Clock,
    Contact,
    Event,
    Message,
    OutboxMessage,
    Reminder,
    ReminderLook,
)
from casework.reading import worklists
from errors import InvalidInput, NotAllowedInStatus
from localities.models import CalendarDay, Membership, Role, Team, User
from tests.stage.clock_changes import HARM, NOT_ASKED, extend, faults, pause, steps
from tests.stage.documents import child
from tests.stage.mail import Killed, Sink, dies_after_sending
from tests.stage.moments import day, local
from tests.stage.outbox import drain
from tests.stage.story import Story, person

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
TO_STAFF = "@front-door.example"


def warned(story: Story, **changes: Any) -> Clock:
    """A promise of which the front door was warned: at four on Friday morning, that it is due at ten."""
    clock = story.contact(**changes).clocks.get(kind="next_step_decision")
    story.now = clock.warn_at
    sweep.sweep(now=story.now)
    return clock


def late(story: Story) -> Clock:
    """A clock that is late. The managers have a reminder."""
    clock = story.contact().clocks.get(kind="next_step_decision")
    story.now = clock.due_at
    sweep.sweep(now=story.now)
    return clock


def of(clock: Clock, step: str = "warning") -> Reminder:
    return clock.reminders.get(step=step)


def mine(name: str, at: datetime) -> list[tuple[str, str]]:
    """The reminders on a person's worklist: kind of clock and step."""
    found = worklists.my_reminders(person(name), at)
    return [(reminder.clock.kind, reminder.step) for reminder in found]


def is_seen(name: str, reminder: Reminder, at: datetime) -> bool:
    seen: bool = worklists.my_reminders(person(name), at).get(pk=reminder.pk).is_seen  # type: ignore[attr-defined]  # annotated
    return seen


def see(reminder: Reminder, by: str, at: datetime) -> Reminder:
    return reminders.see(reminder_id=reminder.pk, by=person(by), now=at)


def snooze(
    reminder: Reminder, at: datetime, until: str = "hour", by: str = "amina", reason: str = "The school rings at six."
) -> ReminderLook:
    return reminders.snooze(reminder_id=reminder.pk, until=until, reason=reason, by=person(by), now=at)


def looks(reminder: Reminder) -> list[tuple[str, datetime]]:
    return [(look.user.username, look.at) for look in reminder.looks.select_related("user")]


class TestSeen:
    def test_whoever_opens_the_page_has_seen_it(self, story: Story, amina: User) -> None:
        clock = warned(story)
        reminder = of(clock)
        assert not is_seen("amina", reminder, story.now)
        at = story.later(minutes=1)
        viewing.view_contact(reference=str(clock.contact), by=amina, now=at)
        assert looks(reminder) == [("amina", at)]
        assert is_seen("amina", reminder, at)
        # The others of the team have not.
        assert not is_seen("oliver", reminder, at)

    def test_everything_that_they_were_reminded_of_about_it(self, story: Story, maya: User) -> None:
        """The page marks all reminders about the contact and its partner checks as seen, and no others."""
        contact, other = story.contact(), story.contact(by="example-police")
        story.asked(contact, at=story.now)
        story.now = contact.clocks.get(kind="next_step_decision").due_at
        sweep.sweep(now=story.now)
        viewing.view_contact(reference=str(contact), by=maya, now=story.now)
        seen = set(Reminder.objects.filter(looks__user=maya).values_list("clock__kind", "step"))
        promises = ("next_step_decision", "acknowledge_referrer", "partner_check")
        assert seen == {(kind, step) for kind in promises for step in ("warning", "breach")}
        assert not ReminderLook.objects.filter(reminder__clock__contact=other).exists()

    def test_on_a_cases_page_its_promises_and_the_answer_that_is_owed(self, story: Story, ben: User) -> None:
        handoff = story.offered()
        answer = handoff.clocks.get()
        sweep.sweep(now=answer.due_at)
        viewing.view_case(reference=str(handoff.case), by=ben, now=answer.due_at)
        assert [step for step in ("warning", "breach") if looks(of(answer, step))] == ["warning", "breach"]

        handoffs.accept(handoff_id=handoff.pk, by=ben, now=answer.due_at)
        promise = handoff.case.clocks.get(kind="first_family_contact")
        sweep.sweep(now=promise.warn_at)
        viewing.view_case(reference=str(handoff.case), by=ben, now=promise.warn_at)
        assert looks(of(promise)) == [("ben", promise.warn_at)]

    def test_the_first_time_counts(self, story: Story, amina: User) -> None:
        clock = warned(story)
        first = story.later(minutes=1)
        viewing.view_contact(reference=str(clock.contact), by=amina, now=first)
        viewing.view_contact(reference=str(clock.contact), by=amina, now=story.later())
        see(of(clock), "amina", story.later())
        assert looks(of(clock)) == [("amina", first)]

    def test_by_hand(self, story: Story) -> None:
        clock = warned(story)
        at = story.later(minutes=1)
        assert see(of(clock), "oliver", at) == of(clock)
        assert looks(of(clock)) == [("oliver", at)]

    @pytest.mark.parametrize("somebody", ["ben", "carol", "sam", "ava", "erin", "adele"])
    def test_somebody_elses_is_not_found(self, story: Story, somebody: str) -> None:
        clock = warned(story)
        with pytest.raises(Reminder.DoesNotExist):
            see(of(clock), somebody, story.later())
        with pytest.raises(Reminder.DoesNotExist):
            snooze(of(clock), story.later(), by=somebody)
        assert not ReminderLook.objects.exists()

    def test_a_managers_breach_is_not_the_workers(self, story: Story, amina: User) -> None:
        """Amina opens the page. Her own reminders are marked as seen, and the managers' are not."""
        clock = late(story)
        viewing.view_contact(reference=str(clock.contact), by=amina, now=story.now)
        assert looks(of(clock, "breach")) == []
        with pytest.raises(Reminder.DoesNotExist):
            see(of(clock, "breach"), "amina", story.now)
        see(of(clock, "breach"), "maya", story.now)
        assert looks(of(clock, "breach")) == [("maya", story.now)]

    def test_whoever_only_oversees_leaves_no_look(self, story: Story, ava: User) -> None:
        clock = warned(story)
        viewing.view_contact(reference=str(clock.contact), by=ava, now=story.now)
        assert not ReminderLook.objects.exists()

    def test_a_lead_practitioners_own(self, story: Story, ben: User, bea: User) -> None:
        case = story.accepted()
        cases.name_lead(case_id=case.pk, lead_id=bea.pk, by=ben, now=story.later())
        clock = case.clocks.get(kind="first_family_contact")
        sweep.sweep(now=clock.warn_at)
        with pytest.raises(Reminder.DoesNotExist):
            see(of(clock), "ben", clock.warn_at)
        assert see(of(clock), "bea", clock.warn_at).user == bea

    def test_whoever_works_here_no_more_finds_none_of_it(self, story: Story, oliver: User) -> None:
        clock = warned(story)
        Membership.objects.filter(user=oliver).update(team=story.team("aylesbury"), role=Role.TEAM_MEMBER)
        with pytest.raises(Reminder.DoesNotExist):
            see(of(clock), "oliver", story.later())
        assert mine("oliver", story.now) == []


class TestTheWorklist:
    def test_of_each_promise_the_last_step(self, story: Story) -> None:
        clock = late(story)
        assert ("next_step_decision", "breach") in mine("maya", story.now)
        assert ("next_step_decision", "warning") not in mine("maya", story.now)
        # Who is told of the warning only has the warning.
        assert ("next_step_decision", "warning") in mine("amina", story.now)
        assert steps(clock) == ["warning", "breach"]

    def test_the_soonest_due_first(self, story: Story) -> None:
        first, second = story.contact(), story.contact(at=story.later(minutes=5), by="example-police")
        sweep.sweep(now=second.clocks.get(kind="next_step_decision").warn_at)
        found = list(worklists.my_reminders(person("amina"), story.now))
        assert [reminder.clock.contact for reminder in found] == [first, first, second, second]
        assert [reminder.clock.due_at for reminder in found] == sorted(reminder.clock.due_at for reminder in found)

    def test_done_is_what_was_kept_and_nobody_ticks_it(self, story: Story, oliver: User) -> None:
        clock = warned(story)
        assert len(mine("amina", story.now)) == 2
        assert clock.contact is not None
        referrers.acknowledge(contact_id=clock.contact.pk, by=oliver, now=story.later(minutes=1))
        assert mine("amina", story.now) == [("next_step_decision", "warning")]
        story.decided(clock.contact, by="maya")
        for name in ("amina", "oliver", "maya", "david"):
            assert mine(name, story.now) == []
        assert not ReminderLook.objects.exists()

    def test_whoever_has_two_memberships_has_each_once(self, story: Story, maya: User) -> None:
        Membership.objects.create(user=maya, role=Role.SOCIAL_WORKER, team=story.team("front-door"))
        Membership.objects.create(user=maya, role=Role.SERVICE_MANAGER)
        clock = story.contact(referrer={"name": "Duty desk"}).clocks.get(kind="next_step_decision")
        sweep.sweep(now=clock.warn_at)
        assert mine("maya", clock.warn_at) == [("next_step_decision", "warning")]
        sweep.sweep(now=clock.escalate_at)
        # As the service manager she has the last word on it.
        assert ("next_step_decision", "escalation") in mine("maya", clock.escalate_at)
        assert len(mine("maya", clock.escalate_at)) == 2


class TestSnoozing:
    @pytest.mark.parametrize(
        ("at", "until", "comes_back"),
        [
            ("Fri 20 Nov 2026 04:00", "hour", "Fri 20 Nov 2026 05:00"),
            ("Fri 20 Nov 2026 04:00", "half_day", "Fri 20 Nov 2026 08:00"),
            ("Fri 20 Nov 2026 04:00", "next_working_day", "Mon 23 Nov 2026 09:00"),
            ("Sat 21 Nov 2026 04:00", "next_working_day", "Mon 23 Nov 2026 09:00"),
            ("Sun 22 Nov 2026 23:59:59", "next_working_day", "Mon 23 Nov 2026 09:00"),
            ("Mon 23 Nov 2026 00:00", "next_working_day", "Tue 24 Nov 2026 09:00"),
            ("Thu 24 Dec 2026 10:00", "next_working_day", "Tue 29 Dec 2026 09:00"),
        ],
    )
    def test_off_ones_own_list_until_then(self, story: Story, at: str, until: str, comes_back: str) -> None:
        reminder, now, back = of(warned(story)), local(at), local(comes_back)
        look = snooze(reminder, now, until)
        assert (look.at, look.snoozed_until, look.reason) == (now, back, "The school rings at six.")
        assert mine("amina", back - SECOND) == [("acknowledge_referrer", "warning")]
        assert set(mine("amina", back)) == {("acknowledge_referrer", "warning"), ("next_step_decision", "warning")}

    def test_over_a_closure_and_a_night_in_which_the_hour_changes(self, story: Story) -> None:
        CalendarDay.objects.create(date=day("Mon 23 Nov 2026"), kind="closure", name="Closed")
        reminder = of(warned(story))
        assert snooze(reminder, local("Fri 20 Nov 2026 16:00"), "next_working_day").snoozed_until == local(
            "Tue 24 Nov 2026 09:00"
        )
        assert snooze(reminder, local("Sat 27 Mar 2027 22:00 GMT"), "half_day").snoozed_until == local(
            "Sun 28 Mar 2027 03:00 BST"
        )
        assert snooze(reminder, local("Sat 27 Mar 2027 22:00 GMT"), "next_working_day").snoozed_until == local(
            "Tue 30 Mar 2027 09:00 BST"
        )

    def test_others_still_see_it(self, story: Story) -> None:
        reminder = of(warned(story))
        snooze(reminder, story.now)
        assert len(mine("amina", story.now)) == 1
        assert len(mine("oliver", story.now)) == 2

    def test_who_puts_it_off_has_seen_it(self, story: Story) -> None:
        reminder = of(warned(story))
        at = story.later(minutes=1)
        snooze(reminder, at)
        assert looks(reminder) == [("amina", at), ("amina", at)]
        assert is_seen("amina", reminder, at + timedelta(hours=1))
        assert [look.snoozed_until for look in reminder.looks.all()] == [None, at + timedelta(hours=1)]

    def test_its_next_step_comes_in_time(self, story: Story) -> None:
        story.now = local("Thu 19 Nov 2026 15:30")  # warned of on Friday, put off until Monday
        clock = warned(story)
        snooze(of(clock), story.now, "next_working_day", by="maya")
        assert ("next_step_decision", "warning") not in mine("maya", clock.due_at - SECOND)
        sweep.sweep(now=clock.due_at)
        assert ("next_step_decision", "breach") in mine("maya", clock.due_at)
        assert OutboxMessage.objects.filter(reminder=of(clock, "breach"), to=f"maya{TO_STAFF}").exists()

    def test_its_clock_runs_on(self, story: Story) -> None:
        clock = warned(story)
        before = Clock.objects.filter(pk=clock.pk).values().get()
        snooze(of(clock), story.now)
        assert Clock.objects.filter(pk=clock.pk).values().get() == before

    def test_it_is_written_down(self, story: Story, amina: User) -> None:
        clock = warned(story)
        snooze(of(clock), story.now, reason=" Zebediah's school rings at six. ")
        event = AuditEvent.objects.get(event=Event.REMINDER_SNOOZED)
        assert (event.by_user, event.at, event.contact, event.case) == (amina, story.now, clock.contact, None)
        until = (story.now + timedelta(hours=1)).isoformat()
        assert event.detail == {"clock": clock.pk, "step": "warning", "until": until}
        assert ReminderLook.objects.get(snoozed_until__isnull=False).reason == "Zebediah's school rings at six."

    @pytest.mark.parametrize("about", ["handoff", "partner check"])
    def test_in_the_story_of_what_it_is_about(self, story: Story, about: str) -> None:
        """The answer that a team owes stands in the case's, and a partner's in the contact's."""
        if about == "handoff":
            clock, by = story.offered().clocks.get(), "ben"
        else:
            clock, by = story.asked(story.contact()).clocks.get(), "amina"
        sweep.sweep(now=clock.warn_at)
        snooze(of(clock), clock.warn_at, by=by)
        event = AuditEvent.objects.get(event=Event.REMINDER_SNOOZED)
        assert event.handoff == clock.handoff
        assert event.case == (clock.handoff and clock.handoff.case)
        assert event.contact == (clock.partner_check and clock.partner_check.contact)

    def test_what_is_put_off_is_in_view_with_its_end(self, story: Story) -> None:
        clock = warned(story)
        reminder, at = of(clock), story.now
        other = of(clock.contact.clocks.get(kind="acknowledge_referrer"))  # type: ignore[union-attr]  # it is a contact's
        snooze(other, at, "half_day")
        snooze(reminder, at, "hour")
        amina = person("amina")
        assert [(look.reminder, look.snoozed_until) for look in worklists.my_snoozed(amina, at)] == [
            (reminder, at + timedelta(hours=1)), (other, at + timedelta(hours=4)),
        ]  # fmt: skip
        assert [look.reminder for look in worklists.my_snoozed(amina, at + timedelta(hours=1))] == [other]
        assert not worklists.my_snoozed(person("oliver"), at).exists()
        assert clock.contact is not None
        referrers.acknowledge(contact_id=clock.contact.pk, by=amina, now=at)
        assert [look.reminder for look in worklists.my_snoozed(amina, at)] == [reminder], "what is kept is gone"

    def test_whoever_left_the_team_sees_no_more_what_they_put_off_there(self, story: Story, bea: User) -> None:
        there = Membership.objects.create(user=bea, role=Role.SOCIAL_WORKER, team=story.team("front-door"))
        snooze(of(warned(story)), story.now, "next_working_day", by="bea")
        assert worklists.my_snoozed(person("bea"), story.now).count() == 1
        there.delete()
        assert not worklists.my_snoozed(person("bea"), story.now).exists()


class TestWhatIsTypedToSnooze:
    def test_all_at_once(self, story: Story) -> None:
        reminder = of(warned(story))
        with pytest.raises(InvalidInput) as excinfo:
            snooze(reminder, story.now, "for ever", reason=" \n")
        assert faults(excinfo) == {
            "until": "Select until when",
            "reason": "Enter why it can wait until then",
        }
        assert not ReminderLook.objects.exists()
        assert not AuditEvent.objects.filter(event=Event.REMINDER_SNOOZED).exists()

    @pytest.mark.parametrize("until", ["", "week", "2026-12-24", "HOUR"])
    def test_until_is_one_of_three(self, story: Story, until: str) -> None:
        with pytest.raises(InvalidInput) as excinfo:
            snooze(of(warned(story)), story.now, until)
        assert set(faults(excinfo)) == {"until"}

    def test_a_promise_that_is_kept_is_not_put_off(self, story: Story) -> None:
        clock = warned(story)
        story.decided(clock.contact)  # type: ignore[arg-type]  # it is a contact's
        with pytest.raises(NotAllowedInStatus, match="met already: there is nothing to put off"):
            snooze(of(clock), story.now, until="", reason="")


class TestUnreadBreaches:
    """Who has breaches that they have not looked at: for those who lead, and for whoever answers for the service."""

    def of_team(self, code: str, at: datetime) -> list[tuple[str, int]]:
        return [(unread.person, unread.count) for unread in unread_breaches([Team.objects.get(code=code)], at)]

    def test_each_with_their_team_how_many_and_since_when(self, story: Story) -> None:
        clock = late(story)
        assert unread_breaches(None, story.now) == [
            Unread("David Osei", "Front door", 2, clock.due_at),
            Unread("Maya Brooks", "Front door", 2, clock.due_at),
        ]

    def test_a_warning_is_no_breach(self, story: Story) -> None:
        warned(story)
        assert unread_breaches(None, story.now) == []

    def test_whoever_has_looked_is_off_the_list(self, story: Story, maya: User) -> None:
        clock = late(story)
        see(of(clock, "breach"), "maya", story.later(minutes=1))
        assert self.of_team("front-door", story.now) == [("David Osei", 2), ("Maya Brooks", 1)]
        viewing.view_contact(reference=str(clock.contact), by=maya, now=story.now)
        assert self.of_team("front-door", story.now) == [("David Osei", 2)]

    def test_whoever_put_it_off_has_looked(self, story: Story) -> None:
        snooze(of(late(story), "breach"), story.now, by="maya")
        assert self.of_team("front-door", story.now) == [("David Osei", 2), ("Maya Brooks", 1)]

    def test_what_is_kept_is_off_it_for_everybody(self, story: Story) -> None:
        clock = late(story)
        story.decided(clock.contact)  # type: ignore[arg-type]  # it is a contact's
        assert self.of_team("front-door", story.now) == [("David Osei", 1), ("Maya Brooks", 1)]

    def test_what_is_late_no_more(self, story: Story) -> None:
        clock = late(story)
        extend(clock, clock.due_at + timedelta(days=3), story.now)
        assert self.of_team("front-door", story.now) == [("David Osei", 1), ("Maya Brooks", 1)]

    def test_what_stands_still(self, story: Story) -> None:
        """Late and said to be; given more time; then the family is asked, and that moment passes."""
        contact = story.contact(**NOT_ASKED, referrer={"name": "Duty desk"})
        clock = contact.clocks.get(kind="final_decision_green")
        sweep.sweep(now=clock.due_at)
        extend(clock, clock.due_at + timedelta(days=1), clock.due_at)
        pause(clock, clock.due_at + MINUTE)
        later = clock.due_at + timedelta(days=9)
        breaches = {reminder.clock.kind for reminder in Reminder.objects.filter(step="breach")}
        assert breaches == {"final_decision_green", "next_step_decision", "agreement_sought"}
        assert self.of_team("front-door", later) == [("David Osei", 2), ("Maya Brooks", 2)]

    def test_an_escalation_is_the_service_managers(self, story: Story) -> None:
        clock = late(story)
        sweep.sweep(now=clock.escalate_at)
        everybody = unread_breaches(None, clock.escalate_at)
        assert ("Sam Adeyemi", None, 2) in [(unread.person, unread.team, unread.count) for unread in everybody]
        assert "Sam Adeyemi" not in dict(self.of_team("front-door", clock.escalate_at))

    def test_a_lead_sees_their_own_team(self, story: Story) -> None:
        late(story)
        handoff = story.offered(story.contact(by="example-police", children=[child(nhs_number=None)]))
        clock = handoff.clocks.get()
        sweep.sweep(now=clock.due_at)
        assert self.of_team("aylesbury", clock.due_at) == [("Ben Carter", 1)]
        assert self.of_team("wycombe-and-marlow", clock.due_at) == []
        assert "Ben Carter" not in dict(self.of_team("front-door", clock.due_at))
        both = [story.team("aylesbury"), story.team("front-door")]
        assert {unread.person for unread in unread_breaches(both, clock.due_at)} == {
            "Ben Carter", "David Osei", "Maya Brooks",
        }  # fmt: skip
        assert unread_breaches([], clock.due_at) == []

    def test_the_longest_first(self, story: Story) -> None:
        late(story)
        handoff = story.offered(story.contact(by="example-police", children=[child(nhs_number=None)]))
        clock = handoff.clocks.get()
        sweep.sweep(now=clock.due_at)
        since = [unread.since for unread in unread_breaches(None, clock.due_at)]
        assert since == sorted(since)
        assert since[0] < since[-1]

    @pytest.mark.parametrize("how", ["cannot sign in", "left the team", "left yesterday", "starts tomorrow"])
    def test_whoever_is_not_here_is_not_on_it(self, story: Story, maya: User, how: str) -> None:
        late(story)
        today = story.now.date()
        match how:
            case "cannot sign in":
                User.objects.filter(pk=maya.pk).update(is_active=False)
            case "left the team":
                Membership.objects.filter(user=maya).delete()
            case "left yesterday":
                Membership.objects.filter(user=maya).update(ends_on=today - timedelta(days=1))
            case _:
                Membership.objects.filter(user=maya).update(starts_on=today + timedelta(days=1))
        assert self.of_team("front-door", story.now) == [("David Osei", 2)]

    def test_who_has_two_memberships_is_counted_in_the_team_in_which_they_were_told(
        self, story: Story, maya: User
    ) -> None:
        Membership.objects.create(user=maya, role=Role.FRONT_DOOR_MANAGER, team=story.team("emergency-duty"))
        Membership.objects.create(user=maya, role=Role.SOCIAL_WORKER, team=story.team("front-door"))
        late(story)
        assert self.of_team("front-door", story.now) == [("David Osei", 2), ("Maya Brooks", 2)]
        assert self.of_team("emergency-duty", story.now) == []
        night = story.contact(at=local("Sat 21 Nov 2026 23:30"), by="example-police", **HARM)
        clock = night.clocks.get(kind="final_decision_red")
        sweep.sweep(now=clock.due_at)
        assert dict(self.of_team("emergency-duty", clock.due_at))["Maya Brooks"] == 1


class TestPartnerChecks:
    """The front door is reminded of questions that partners have not answered."""

    def people_reminded(self, clock: Clock, step: str) -> set[str]:
        messages = OutboxMessage.objects.filter(reminder__clock=clock, reminder__step=step)
        return {message.to.removesuffix(TO_STAFF) for message in messages}

    def test_the_front_door_then_its_managers_then_the_service_manager(self, story: Story) -> None:
        contact = story.contact()
        clock = story.asked(contact).clocks.get()
        sweep.sweep(now=clock.escalate_at)
        assert self.people_reminded(clock, "warning") == {"amina", "oliver", "maya", "david"}
        assert self.people_reminded(clock, "breach") == {"maya", "david"}
        assert self.people_reminded(clock, "escalation") == {"sam"}
        messages = OutboxMessage.objects.filter(reminder__clock=clock)
        assert {(message.contact, message.case) for message in messages} == {(contact, None)}
        written = AuditEvent.objects.filter(event=Event.REMINDER_SENT, detail__clock=clock.pk)
        assert {event.contact for event in written} == {contact}

    def test_each_partner_has_its_own(self, story: Story) -> None:
        contact = story.contact()
        police, health = story.asked(contact), story.asked(contact, "example-charity", at=story.now)
        partner_checks.record_answer(check_id=police.pk, answer="Nothing.", by=person("amina"), now=story.later())
        sweep.sweep(now=health.clocks.get().due_at)
        assert steps(police.clocks.get()) == []
        assert steps(health.clocks.get()) == ["warning", "breach"]

    def test_of_a_red_contact_of_the_night_emergency_duty(self, story: Story) -> None:
        night = local("Sat 21 Nov 2026 23:30")
        clock = story.asked(story.contact(at=night, **HARM), at=night).clocks.get()
        assert (clock.kind, clock.due_at) == ("partner_check_red", night + timedelta(hours=2))
        sweep.sweep(now=clock.due_at)
        assert self.people_reminded(clock, "warning") == {"erin", "ezra"}
        assert self.people_reminded(clock, "breach") == {"ezra"}

    def test_once_it_was_decided_without_the_answer_nobody_is_reminded(self, story: Story) -> None:
        contact = story.contact()
        clock = story.asked(contact).clocks.get()
        story.decided(contact)
        sweep.sweep(now=clock.escalate_at)
        assert steps(clock) == []
        clock.refresh_from_db()
        assert clock.ended == "overtaken"

    def test_it_stands_on_the_worklist_and_among_what_is_late(self, story: Story) -> None:
        clock = story.asked(story.contact()).clocks.get()
        sweep.sweep(now=clock.due_at)
        assert ("partner_check", "breach") in mine("maya", clock.due_at)
        assert clock in worklists.late_clocks(person("sam"), [story.team("front-door")], clock.due_at)
        assert clock not in worklists.late_clocks(person("sam"), [story.team("front-door")], clock.due_at - SECOND)
        assert clock not in worklists.late_clocks(person("sam"), [story.team("aylesbury")], clock.due_at)


# ---- many at once


def quiet(story: Story, number: int, at: datetime, **changes: Any) -> Contact:
    """A contact of a family of its own; nobody is written to about it but for reminders."""
    born = f"{2008 + number // 12}-{1 + number % 12:02}-11"
    entry = child(
        nhs_number=None, date_of_birth=born, first_name=f"Zebediah {number}", last_name="O" * (number + 1),
        also_known_as=[],
    )  # fmt: skip
    desk = {"referrer": {"name": "Duty desk"}}
    return story.contact(at=at, **({"children": [entry], "adults": []} | desk | changes))


def warnings(story: Story, count: int, *, every: timedelta = MINUTE) -> list[Clock]:
    """
    So many promises of Thursday afternoon, a minute apart: warned of on Friday from ten in the morning on, due from
    four. What else is promised of these contacts is warned of at other times.
    """
    story.now = local("Thu 19 Nov 2026 16:00")
    made = [quiet(story, number, story.now + number * every) for number in range(count)]
    return [contact.clocks.get(kind="next_step_decision") for contact in made]


def to(address: str, clock: Clock, step: str = "warning") -> OutboxMessage:
    return OutboxMessage.objects.get(reminder=of(clock, step), to=f"{address}{TO_STAFF}")


class TestManyInAnHour:
    """After five e-mails in an hour, further reminders wait until the next half hour."""

    def test_the_first_five_go_out_at_once_and_what_follows_waits(self, story: Story) -> None:
        clocks = warnings(story, 8)
        for clock in clocks:
            sweep.sweep(now=clock.warn_at)
        waits_until = [to("amina", clock).not_before for clock in clocks]
        assert waits_until[:5] == [clock.warn_at for clock in clocks[:5]]
        assert waits_until[5:] == [local("Fri 20 Nov 2026 10:30")] * 3

    def test_what_is_due_at_one_moment_goes_out_at_that_moment(self, story: Story) -> None:
        """Twenty reminders at one moment go in one e-mail, without a delay."""
        clocks = warnings(story, 20, every=timedelta(0))
        sweep.sweep(now=clocks[0].warn_at)
        assert {to("amina", clock).not_before for clock in clocks} == {clocks[0].warn_at}

    @pytest.mark.parametrize(
        ("at", "half_hour"),
        [
            ("Fri 20 Nov 2026 10:04:59", "Fri 20 Nov 2026 10:30"),
            ("Fri 20 Nov 2026 10:29:59", "Fri 20 Nov 2026 10:30"),
            ("Fri 20 Nov 2026 10:30:00", "Fri 20 Nov 2026 11:00"),
            ("Fri 20 Nov 2026 10:30:01", "Fri 20 Nov 2026 11:00"),
        ],
    )
    def test_the_half_hour_is_the_next_one(self, story: Story, at: str, half_hour: str) -> None:
        clocks = warnings(story, 6)
        for clock in clocks[:5]:
            sweep.sweep(now=clock.warn_at)
        Clock.objects.filter(pk=clocks[5].pk).update(next_at=local(at))
        sweep.sweep(now=local(at))
        assert to("amina", clocks[5]).not_before == local(half_hour)

    @pytest.mark.parametrize(("at", "waits"), [("Fri 20 Nov 2026 10:59:59", True), ("Fri 20 Nov 2026 11:00", False)])
    def test_a_letter_of_an_hour_ago_counts_no_more(self, story: Story, at: str, waits: bool) -> None:
        clocks = warnings(story, 6, every=SECOND)
        for clock in clocks[:5]:
            sweep.sweep(now=clock.warn_at)
        assert to("amina", clocks[0]).created_at == local("Fri 20 Nov 2026 10:00")
        sweep.sweep(now=local(at))
        assert (to("amina", clocks[5]).not_before > local(at)) is waits

    def test_each_address_counts_its_own(self, story: Story) -> None:
        """The managers had five e-mails, the others in the team none."""
        clocks = warnings(story, 6)
        for clock in clocks[:5]:
            sweep.sweep(now=clock.warn_at)
        Membership.objects.filter(user__username="bea").update(team=story.team("front-door"), role=Role.CONTACT_OFFICER)
        sweep.sweep(now=clocks[5].warn_at)
        assert to("amina", clocks[5]).not_before == local("Fri 20 Nov 2026 10:30")
        assert to("bea", clocks[5]).not_before == clocks[5].warn_at

    def test_what_counts_in_hours_never_waits(self, story: Story, sink: Sink) -> None:
        """
        A red contact that nobody decided on for a day: of the day the front door is warned with the next half hour, of
        the police's answer, which is promised in hours, at once; and what waits does not hold that back.
        """
        clocks = warnings(story, 5)
        red = quiet(story, 20, story.now + 5 * MINUTE, **HARM)
        day_ = red.clocks.get(kind="next_step_decision")
        sweep.sweep(now=clocks[0].warn_at - timedelta(hours=2))
        answer = story.asked(red, at=day_.warn_at - timedelta(minutes=59)).clocks.get()
        for clock in clocks:
            sweep.sweep(now=clock.warn_at)
        drain(clocks[4].warn_at, sink.connect)
        assert not OutboxMessage.objects.filter(sent_at=None).exists()
        sink.letters.clear()

        sweep.sweep(now=day_.warn_at)
        sweep.sweep(now=answer.warn_at)
        assert to("amina", day_).not_before == local("Fri 20 Nov 2026 10:30")
        assert to("amina", answer).not_before == answer.warn_at == local("Fri 20 Nov 2026 10:06")
        drain(answer.warn_at, sink.connect)
        subjects = [letter["Subject"] for letter in sink.to(f"amina{TO_STAFF}")]
        assert subjects == [f"Soon due: partner's answer about a red contact, {red}"]
        drain(local("Fri 20 Nov 2026 10:30"), sink.connect)
        assert [letter["Subject"] for letter in sink.to(f"amina{TO_STAFF}")][1:] == [
            f"Soon due: next step decision, {red}"
        ]

    def test_nor_does_what_waits_hold_back_what_is_no_reminder(self, story: Story, sink: Sink) -> None:
        """Ben had many letters in the hour; the family's case that is offered to him does not wait."""
        clocks = warnings(story, 6)
        Membership.objects.create(user=person("ben"), role=Role.SOCIAL_WORKER, team=story.team("front-door"))
        for clock in clocks:
            sweep.sweep(now=clock.warn_at)
        waits = to("ben", clocks[5])
        assert waits.not_before > clocks[5].warn_at
        drain(clocks[5].warn_at, sink.connect)
        sink.letters.clear()
        story.now = clocks[5].warn_at
        handoff = story.offered(Contact.objects.get(clocks=clocks[5]), by="maya")
        # It hangs together with the case alone: another reminder of the case waits.
        OutboxMessage.objects.filter(pk=waits.pk).update(case=handoff.case, not_before=story.now + timedelta(hours=1))
        drain(story.now, sink.connect)
        assert [letter["Subject"] for letter in sink.to(f"ben{TO_STAFF}")] == [
            f"A case is offered to your team: {handoff.case}"
        ]


def swept(story: Story, count: int, step: str = "warning") -> list[Clock]:
    """So many promises are warned of, or late, at one moment."""
    clocks = warnings(story, count, every=timedelta(0))
    story.now = clocks[0].warn_at if step == "warning" else clocks[0].due_at
    sweep.sweep(now=story.now)
    return clocks


class TestOneLetter:
    """Four or more reminders for one address go in one e-mail."""

    def test_three_are_three_letters(self, story: Story, sink: Sink) -> None:
        clocks = swept(story, 3)
        drain(story.now, sink.connect)
        assert [letter["Subject"] for letter in sink.to(f"amina{TO_STAFF}")] == [
            f"Soon due: next step decision, {clock.contact}" for clock in clocks
        ]

    def test_four_are_one_with_all_of_them(self, story: Story, sink: Sink) -> None:
        clocks = swept(story, 4)
        drain(story.now, sink.connect)
        (letter,) = sink.to(f"amina{TO_STAFF}")
        assert letter["Subject"] == "4 reminders"
        text = letter.get_content()
        for clock in clocks:
            assert f"Soon due: next step decision, {clock.contact}" in text.splitlines()
            assert f"http://localhost:8000/contacts/{clock.contact}/" in text
        assert "Zebediah" not in text
        # Everybody gets one, and nobody another's.
        assert sorted(sink.addresses()) == sorted(f"{name}{TO_STAFF}" for name in ("amina", "david", "maya", "oliver"))

    def test_the_gravest_first(self, story: Story, sink: Sink) -> None:
        """After a weekend without a worker: what is still late, then what is late, then what is soon due."""
        Membership.objects.create(user=person("maya"), role=Role.SERVICE_MANAGER)
        clocks = warnings(story, 2, every=timedelta(0))
        at = clocks[0].escalate_at
        sweep.sweep(now=at)
        drain(at + timedelta(minutes=30), sink.connect)
        (letter,) = sink.to(f"maya{TO_STAFF}")
        assert letter["Subject"] == "8 reminders, 4 of them late"
        said = [line.partition(":")[0] for line in letter.get_content().splitlines() if ": " in line]
        assert said == ["Still late a working day on"] * 2 + ["Late"] * 2 + ["Soon due"] * 4

    def test_each_is_marked_sent_and_written_down(self, story: Story, sink: Sink) -> None:
        clocks = swept(story, 5)
        at = story.now + SECOND
        assert drain(at, sink.connect) == (4, 0)
        for clock in clocks:
            assert to("amina", clock).sent_at == at
        assert not OutboxMessage.objects.filter(sent_at=None).exists()
        sent = AuditEvent.objects.filter(event=Event.MESSAGE_SENT)
        assert {event.contact for event in sent} == {clock.contact for clock in clocks}
        assert sent.count() == OutboxMessage.objects.count() == 4 * 5
        assert drain(at + timedelta(days=1), sink.connect) == (0, 0)

    def test_no_more_than_a_reader_can_read(self, story: Story, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(delivery, "MOST_TOGETHER", 5)
        swept(story, 11)
        drain(story.now, sink.connect)
        assert [letter["Subject"] for letter in sink.to(f"amina{TO_STAFF}")] == [
            "5 reminders", "5 reminders",
            f"Soon due: next step decision, {Contact.objects.latest('pk')}",
        ]  # fmt: skip

    def test_other_messages_go_by_themselves(self, story: Story, sink: Sink) -> None:
        """Maya has eight reminders, and a decision waits for her."""
        swept(story, 4, "breach")
        story.decided(Contact.objects.earliest("pk"), by="david", pathway="advice")
        drain(story.now, sink.connect)
        subjects = [letter["Subject"] for letter in sink.to(f"maya{TO_STAFF}")]
        waits = Contact.objects.earliest("pk")
        assert subjects == ["8 reminders, 4 of them late", f"A decision is awaiting sign-off: {waits}"]

    def test_what_waits_longer_is_not_drawn_forward(self, story: Story, sink: Sink) -> None:
        """Three reminders are due now and three at the half hour. They go as three e-mails each time."""
        clocks = swept(story, 6)
        half_hour = story.now + timedelta(minutes=30)
        OutboxMessage.objects.filter(reminder__clock__in=clocks[3:]).update(not_before=half_hour)
        drain(story.now, sink.connect)
        assert len(sink.to(f"amina{TO_STAFF}")) == 3
        drain(half_hour, sink.connect)
        assert len(sink.to(f"amina{TO_STAFF}")) == 6


class TestALetterThatIsSentTwice:
    """After a crash or a refusal, the same e-mail has the same key, so that the receiver can recognise it."""

    @pytest.mark.parametrize("error", [Killed, ConnectionResetError])
    def test_the_same_words_whatever_came_in_between(
        self, story: Story, sink: Sink, error: type[BaseException]
    ) -> None:
        clocks = swept(story, 4)
        with suppress(Killed):
            drain(story.now, dies_after_sending(sink, error))
        first = sink.letters[0]
        # More to say, and what was promised is extended, or kept.
        more = [quiet(story, 20 + number, story.now).clocks.get(kind="next_step_decision") for number in range(4)]
        Clock.objects.filter(pk__in=[clock.pk for clock in more]).update(next_at=story.now)
        sweep.sweep(now=story.now)
        extend(clocks[0], clocks[0].due_at + timedelta(days=5), story.now)
        story.decided(Contact.objects.get(clocks=clocks[1]), by="maya")
        drain(story.now + timedelta(hours=1), sink.connect)
        twice = [letter for letter in sink.letters if letter["Idempotency-Key"] == first["Idempotency-Key"]]
        assert len(twice) == 2
        assert twice[0].get_content() == twice[1].get_content()
        assert twice[0]["Subject"] == twice[1]["Subject"] == "4 reminders"
        assert twice[0]["Message-ID"] == twice[1]["Message-ID"]
        # What came in between goes in another.
        others = [each for each in sink.to(str(first["To"])) if each["Idempotency-Key"] != first["Idempotency-Key"]]
        assert "4 reminders" in [letter["Subject"] for letter in others]
        assert not OutboxMessage.objects.filter(sent_at=None, kind=Message.REMINDER).exists()

    def test_what_was_tried_by_itself_goes_by_itself(self, story: Story, sink: Sink) -> None:
        """Three were tried and put back; a fourth and a fifth come: none of the three is carried by another."""
        clocks = swept(story, 3)
        sink.refuses[f"amina{TO_STAFF}"] = "451 not now"
        drain(story.now, sink.connect)
        sink.refuses.clear()
        more = [quiet(story, 20 + number, story.now).clocks.get(kind="next_step_decision") for number in range(5)]
        at = story.now + timedelta(minutes=5)
        Clock.objects.filter(pk__in=[clock.pk for clock in more]).update(next_at=at)
        sweep.sweep(now=at)
        OutboxMessage.objects.filter(sent_at=None).update(not_before=at)
        drain(at, sink.connect)
        subjects = [letter["Subject"] for letter in sink.to(f"amina{TO_STAFF}")]
        assert sorted(subjects) == sorted(
            ["5 reminders", *(f"Soon due: next step decision, {clock.contact}" for clock in clocks)]
        )


def test_a_reminder_of_a_handoff_links_to_the_case(story: Story, sink: Sink) -> None:
    handoff = story.offered(story.contact(referrer={"name": "Duty desk"}))
    clock = handoff.clocks.get()
    drain(story.now, sink.connect)
    sink.letters.clear()
    sweep.sweep(now=clock.warn_at)
    drain(clock.warn_at, sink.connect)
    (letter,) = sink.to(f"ben{TO_STAFF}")
    assert letter["Subject"] == f"Soon due: handoff acceptance, {handoff.case}"
    assert f"http://localhost:8000/cases/{handoff.case}/" in letter.get_content()
