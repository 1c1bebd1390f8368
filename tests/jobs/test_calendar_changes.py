"""
The calendar changes while clocks run: exactly those that run over the day are computed again, once, and say so. What
happens at the same moment: `races/test_calendar.py`.

Bank holidays are everybody's; the council's own closures move its own promises and never what the law asks. What is
promised in hours runs day and night: only the moment at which it goes up to the service manager counts working days.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from casework.actions import calendar as calendar_actions
from casework.actions import cases, clock_changes
from casework.deadlines.policies import moments
from casework.jobs import calendar_changes, sweep
from casework.models import AuditEvent, CalendarEdit, Clock, ClockChange, Contact, Event
from localities import calendar
from localities.models import CalendarDay, HubHours, User
from localities.working_time import end_of_day
from tests.conftest import THURSDAY
from tests.stage.clock_changes import HARM, NOT_ASKED, again, answers, extend, goes_on, pause, steps
from tests.stage.documents import child
from tests.stage.moments import day, local
from tests.stage.sql import run
from tests.stage.story import Story, person

# The story's Thursday is 19 November 2026; a contact of its morning is due on Friday (one working day) or on Tuesday.
FRIDAY = "Fri 20 Nov 2026"
SECOND = timedelta(seconds=1)


class Stopped(BaseException):
    """The worker is gone in the middle of its work, as by SIGKILL: nothing in it tidies up."""


def named(on: str | date, kind: str = "bank_holiday") -> CalendarDay:
    return CalendarDay(date=day(on) if isinstance(on, str) else on, kind=kind, name="A day of rest")


def add(on: str, kind: str = "bank_holiday", *, at: datetime, by: str = "adele") -> CalendarDay:
    """An administrator enters a day."""
    entered = named(on, kind)
    calendar_actions.change_day(day=entered, before=None, by=person(by), now=at)
    return entered


def change(entered: CalendarDay, *, at: datetime, **to: Any) -> None:
    """An administrator changes a day that is there: what it is, what it is called, or when it is."""
    before, entered = CalendarDay.objects.get(pk=entered.pk), CalendarDay.objects.get(pk=entered.pk)
    for name, value in to.items():
        setattr(entered, name, value)
    calendar_actions.change_day(day=entered, before=before, by=person("adele"), now=at)


def remove(entered: CalendarDay, *, at: datetime) -> None:
    """An administrator takes a day away."""
    calendar_actions.remove_day(day=entered, by=person("adele"), now=at)


def recompute(at: datetime) -> int:
    """Runs the worker's recomputation."""
    return calendar_changes.recompute(clock=lambda: at)


def rows(*clocks: Clock) -> list[tuple[Any, ...]]:
    """Clocks as they stand in the database, to the byte, and where: a row that is written again lies elsewhere."""
    return run("SELECT id, c::text, ctid::text FROM casework_clock c WHERE id = ANY(%s) ORDER BY id", [
        clock.pk for clock in clocks
    ])  # fmt: skip


def clock_of(contact: Contact, kind: str) -> Clock:
    return contact.clocks.select_related("policy").get(kind=kind)


def another_family(born: str = "2011-05-20") -> dict[str, Any]:
    """A child of whom nothing is known, by whatever name."""
    return child(nhs_number=None, date_of_birth=born, first_name=born, last_name=born, also_known_as=[])


def of_every_sort(story: Story) -> dict[str, Clock]:
    """Clocks that run over the Friday after the story's Thursday: the law's, the council's, one in hours, of a case."""
    contact, red = story.contact(), story.contact(by="example-police", **HARM)
    case = story.accepted(story.contact(by="example-charity", children=[another_family()], adults=[]))
    return {
        "statutory": clock_of(contact, "next_step_decision"),
        "local": clock_of(contact, "final_decision_green"),
        "hours": clock_of(red, "final_decision_red"),
        "end of day": case.clocks.select_related("policy").get(kind="family_help_assessment"),
        "calendar": _reviewed(story, case),
    }


def _reviewed(story: Story, case: Any) -> Clock:
    """Six weeks, to the end of the day: weeks count the calendar."""
    at = story.now
    cases.record_milestone(case_id=case.pk, kind="plan_agreed", at=at, by=person("ben"), now=at)
    clock: Clock = case.clocks.select_related("policy").get(kind="plan_review")
    return clock


class TestABankHoliday:
    def test_moves_what_counts_working_days(self, story: Story, adele: User) -> None:
        clock = of_every_sort(story)
        edited_at = story.later()
        add(FRIDAY, at=edited_at)
        looked_at = recompute(story.later())
        assert looked_at == Clock.objects.running().count()
        assert again(clock["statutory"]).due_at == local("Mon 23 Nov 2026 10:00")
        assert again(clock["local"]).due_at == local("Wed 25 Nov 2026 10:00")
        # Ten working days from Thursday: one more than it was.
        assert clock["end of day"].due_at == local("end of Thu 3 Dec 2026")
        assert again(clock["end of day"]).due_at == local("end of Fri 4 Dec 2026")
        for each in (clock["statutory"], clock["local"], clock["end of day"]):
            now = again(each)
            assert now.started_at == each.started_at
            expected = moments(now.policy, now.started_at, calendar.current())
            assert (now.warn_at, now.due_at, now.escalate_at) == (
                expected.warn_at, expected.due_at, expected.escalate_at,
            )  # fmt: skip
            assert now.next_at == now.warn_at

    def test_two_days_that_change_places_move_the_warning_alone(self, story: Story) -> None:
        """A clock of one working day starts on a Saturday. It is due on Wednesday, whichever day before is worked."""
        story.now = local("Sat 26 Dec 2026 12:00")
        clock = clock_of(story.contact(), "acknowledge_referrer")
        assert clock.due_at == local("Wed 30 Dec 2026 09:00")
        add("Mon 28 Dec 2026", "working_day", at=story.later())
        add("Tue 29 Dec 2026", at=story.later())
        recompute(story.later())
        now, expected = again(clock), moments(clock.policy, clock.started_at, calendar.current())
        assert (now.warn_at, now.due_at, now.next_at) == (expected.warn_at, clock.due_at, expected.warn_at)
        assert now.warn_at < clock.warn_at

    def test_moves_no_hours_but_when_they_go_up(self, story: Story) -> None:
        clock = of_every_sort(story)["hours"]
        assert (clock.due_at, clock.escalate_at) == (local("Thu 19 Nov 2026 14:00"), local("Fri 20 Nov 2026 14:00"))
        add(FRIDAY, at=story.later())
        recompute(story.later())
        now = again(clock)
        assert (now.warn_at, now.due_at) == (clock.warn_at, clock.due_at)
        assert now.escalate_at == local("Mon 23 Nov 2026 14:00")
        change = clock.changes.get()
        assert change.due_before == change.due_after == clock.due_at

    def test_leaves_the_calendars_weeks_where_they_are(self, story: Story) -> None:
        clock = of_every_sort(story)["calendar"]
        before = rows(clock)
        add(FRIDAY, at=story.later())
        recompute(story.later())
        assert rows(clock) == before
        # But for when it goes up, where the day is the one after it was due.
        assert clock.due_at == local("end of Thu 31 Dec 2026")
        assert clock.escalate_at == local("Tue 5 Jan 2027 09:00")
        add("Mon 4 Jan 2027", at=story.now)
        recompute(story.later())
        assert (again(clock).due_at, again(clock).escalate_at) == (clock.due_at, local("Wed 6 Jan 2027 09:00"))

    def test_each_that_moved_says_so(self, story: Story, adele: User) -> None:
        clock = of_every_sort(story)["statutory"]
        edited_at = story.later()
        add(FRIDAY, at=edited_at)
        computed_at = story.later()
        recompute(computed_at)
        change = clock.changes.get()
        edit = CalendarEdit.objects.get()
        assert (change.kind, change.at, change.by, change.edit) == ("recomputed", computed_at, adele, edit)
        assert change.reason == "The calendar changed: 20 November 2026: as usual to bank_holiday."
        assert (change.due_before, change.due_after) == (clock.due_at, again(clock).due_at)
        event = AuditEvent.objects.get(event=Event.CLOCKS_RECOMPUTED)
        assert (event.by_user, event.at) == (adele, computed_at)
        assert event.detail == {
            "day": "2026-11-20", "before": "", "after": "bank_holiday", "moved": ClockChange.objects.count(),
        }  # fmt: skip

    def test_on_a_day_that_no_clock_counts_moves_nothing(self, story: Story) -> None:
        clock = of_every_sort(story)
        before = rows(*clock.values())
        for on in ("Sat 21 Nov 2026", "Sun 22 Nov 2026", "Wed 18 Nov 2026", "Thu 1 Jul 2027", "Fri 25 Dec 2026"):
            add(on, at=story.later())
        recompute(story.later())
        assert rows(*clock.values()) == before
        assert not ClockChange.objects.exists()
        assert AuditEvent.objects.filter(event=Event.CLOCKS_RECOMPUTED).count() == 5


class TestAClosure:
    def test_moves_what_the_council_promised_and_nothing_that_the_law_asks(self, story: Story) -> None:
        clock = of_every_sort(story)
        untouched = [clock["statutory"], clock["hours"], clock["calendar"]]
        before = rows(*untouched)
        add(FRIDAY, "closure", at=story.later())
        recompute(story.later())
        assert rows(*untouched) == before
        assert not ClockChange.objects.filter(clock__in=untouched).exists()
        assert again(clock["local"]).due_at == local("Wed 25 Nov 2026 10:00")
        assert again(clock["end of day"]).due_at == local("end of Fri 4 Dec 2026")

    def test_on_the_day_of_the_start_lets_it_count_from_the_next(self, story: Story) -> None:
        clock = of_every_sort(story)
        add("Thu 19 Nov 2026", "closure", at=story.later())
        recompute(story.later())
        assert again(clock["statutory"]).due_at == clock["statutory"].due_at
        assert again(clock["local"]).due_at == local("Wed 25 Nov 2026 09:00")

    def test_on_the_day_on_which_it_is_due_moves_it_on(self, story: Story) -> None:
        clock = of_every_sort(story)["local"]
        add("Tue 24 Nov 2026", "closure", at=story.later())
        recompute(story.later())
        assert again(clock).due_at == local("Wed 25 Nov 2026 10:00")


class TestOtherEdits:
    def test_a_working_day_after_all_brings_them_forward(self, story: Story) -> None:
        """The bank holiday for Boxing Day moves from Monday, so clocks that were due on Tuesday are due on Monday."""
        contact = story.contact(at=local("Thu 24 Dec 2026 10:00"))
        clock = clock_of(contact, "next_step_decision")
        assert clock.due_at == local("Tue 29 Dec 2026 10:00")
        add("Mon 28 Dec 2026", "working_day", at=local("Thu 24 Dec 2026 11:00"))
        recompute(local("Thu 24 Dec 2026 11:01"))
        assert again(clock).due_at == local("Mon 28 Dec 2026 10:00")

    def test_a_bank_holiday_that_becomes_a_closure_gives_back_what_the_law_asks(self, story: Story) -> None:
        clock = of_every_sort(story)
        entered = add(FRIDAY, at=story.later())
        recompute(story.later())
        local_now = rows(clock["local"])
        change(entered, at=story.later(), kind="closure")
        recompute(story.later())
        assert again(clock["statutory"]).due_at == clock["statutory"].due_at
        assert again(clock["hours"]).escalate_at == clock["hours"].escalate_at
        assert rows(clock["local"]) == local_now, "a closure is no working day either"
        assert [(edit.before, edit.after) for edit in CalendarEdit.objects.order_by("id")] == [
            ("", "bank_holiday"), ("bank_holiday", "closure"),
        ]  # fmt: skip

    def test_a_day_taken_away_gives_back_what_it_took(self, story: Story) -> None:
        clock = of_every_sort(story)
        entered = add(FRIDAY, at=story.later())
        recompute(story.later())
        remove(entered, at=story.later())
        recompute(story.later())
        for each in clock.values():
            assert (again(each).warn_at, again(each).due_at, again(each).escalate_at, again(each).next_at) == (
                each.warn_at, each.due_at, each.escalate_at, each.next_at,
            )  # fmt: skip
        assert [change.kind for change in clock["local"].changes.all()] == ["recomputed"] * 2

    def test_a_day_that_moves_is_two_edits(self, story: Story) -> None:
        clock = of_every_sort(story)
        entered = add(FRIDAY, at=story.later())
        recompute(story.later())
        change(entered, at=story.later(), date=day("Mon 23 Nov 2026"))
        assert [(str(edit.date), edit.before, edit.after) for edit in CalendarEdit.objects.order_by("id")][1:] == [
            ("2026-11-20", "bank_holiday", ""),
            ("2026-11-23", "", "bank_holiday"),
        ]
        recompute(story.later())
        assert again(clock["statutory"]).due_at == local("Fri 20 Nov 2026 10:00")
        assert again(clock["local"]).due_at == local("Wed 25 Nov 2026 10:00")

    def test_a_day_that_only_changes_its_name_is_none(self, story: Story) -> None:
        entered = add(FRIDAY, at=story.later())
        recompute(story.later())
        change(entered, at=story.later(), name="The King's birthday")
        assert CalendarEdit.objects.count() == 1
        assert CalendarDay.objects.get().name == "The King's birthday"

    def test_what_was_entered_and_taken_away_before_anybody_looked_moves_nothing(self, story: Story) -> None:
        clock = of_every_sort(story)
        before = rows(*clock.values())
        remove(add(FRIDAY, at=story.later()), at=story.later())
        recompute(story.later())
        assert rows(*clock.values()) == before
        assert not CalendarEdit.objects.filter(finished_at=None).exists()

    def test_several_days_at_once_come_out_as_one_after_the_other(self, story: Story) -> None:
        """An administrator enters the three days of a Christmas shutdown at once."""
        contact = story.contact(at=local("Wed 23 Dec 2026 11:00"))
        green = clock_of(contact, "final_decision_green")
        for on in ("Tue 29 Dec 2026", "Wed 30 Dec 2026", "Thu 31 Dec 2026"):
            add(on, "closure", at=local("Wed 23 Dec 2026 12:00"))
        recompute(local("Wed 23 Dec 2026 12:01"))
        assert again(green).due_at == local("Tue 5 Jan 2027 11:00")
        assert clock_of(contact, "next_step_decision").due_at == local("Thu 24 Dec 2026 11:00")


class TestWhatIsLeftAlone:
    def test_what_has_stopped(self, story: Story) -> None:
        contact = story.contact()
        story.decided(contact)
        stopped = list(contact.clocks.exclude(stopped_at=None))
        assert len(stopped) >= 2
        before = rows(*stopped)
        add(FRIDAY, at=story.later())
        recompute(story.later())
        assert rows(*stopped) == before

    def test_what_came_later_or_was_over(self, story: Story) -> None:
        """A day before the start of a clock, or after its last step, does not move it."""
        agreed = {"service": "given", "given_by": "mother", "on": "2026-11-09"}
        old = list(story.contact(at=local("Mon 9 Nov 2026 10:00"), agreement=agreed).clocks.all())
        new = list(story.contact(at=local("Mon 23 Nov 2026 10:00"), by="example-police").clocks.all())
        over = [clock for clock in old if clock.escalate_at < local("Fri 20 Nov 2026 00:00")]
        assert len(over) == 3
        before = rows(*over, *new)
        add(FRIDAY, at=story.later())
        assert recompute(story.later()) == 0
        assert rows(*over, *new) == before

    def test_the_first_and_the_last_day_are_theirs(self, story: Story) -> None:
        clock = clock_of(story.contact(), "next_step_decision")
        assert clock.escalate_at == local("Mon 23 Nov 2026 10:00")
        add("Mon 23 Nov 2026", at=story.later())
        recompute(story.later())
        assert (again(clock).due_at, again(clock).escalate_at) == (clock.due_at, local("Tue 24 Nov 2026 10:00"))

    def test_hub_hours_that_change_move_nothing(self, story: Story) -> None:
        clock = of_every_sort(story)
        before = rows(*clock.values())
        HubHours.objects.update(opens=time(11), closes=time(15))
        assert recompute(story.later()) == 0
        # Nor when another day is computed that is none of theirs.
        add("Sat 21 Nov 2026", at=story.later())
        recompute(story.later())
        assert rows(*clock.values()) == before

    def test_nor_do_they_move_what_moved_once_before(self, story: Story) -> None:
        """The council closes on Monday after other changes. A statutory clock that moved before ignores the closure."""
        contact = story.contact(at=local("Thu 19 Nov 2026 08:00"))
        statutory, own = clock_of(contact, "next_step_decision"), clock_of(contact, "final_decision_green")
        add(FRIDAY, at=story.later())
        recompute(story.later())
        assert again(statutory).due_at == local("Mon 23 Nov 2026 09:00")
        before = rows(statutory)
        HubHours.objects.update(opens=time(11), closes=time(15))
        add("Mon 23 Nov 2026", "closure", at=story.later())
        recompute(story.later())
        assert rows(statutory) == before
        assert again(own).due_at.date() == date(2026, 11, 26)


class TestWhatPeopleChanged:
    def test_what_stands_still_moves_and_stands_still(self, story: Story) -> None:
        clock = clock_of(story.contact(**NOT_ASKED), "final_decision_green")
        pause(clock, local("Thu 19 Nov 2026 12:00"))
        add(FRIDAY, "closure", at=local("Thu 19 Nov 2026 13:00"))
        recompute(local("Thu 19 Nov 2026 13:01"))
        now = again(clock)
        assert (now.due_at, now.next_at) == (local("Wed 25 Nov 2026 10:00"), None)
        assert now.paused_at == local("Thu 19 Nov 2026 12:00")
        # Closed on Friday, the hub is open for five hours and a half on Thursday and three on Monday.
        answers(clock, local("Mon 23 Nov 2026 12:00"))
        assert again(clock).due_at == local("Thu 26 Nov 2026 10:00")

    def test_what_stood_still_keeps_its_pauses(self, story: Story) -> None:
        """
        Still from Thursday noon to Monday noon, which was sixteen hours and a half. Then Friday turns out to have been
        closed: a day more, and a pause of eight hours and a half.
        """
        clock = clock_of(story.contact(**NOT_ASKED), "final_decision_green")
        pause(clock, local("Thu 19 Nov 2026 12:00"))
        answers(clock, local("Mon 23 Nov 2026 12:00"))
        assert again(clock).due_at == local("Thu 26 Nov 2026 09:30")
        entered = add(FRIDAY, "closure", at=local("Mon 23 Nov 2026 13:00"))
        recompute(local("Mon 23 Nov 2026 13:01"))
        assert again(clock).due_at == local("Thu 26 Nov 2026 10:00")
        remove(entered, at=local("Mon 23 Nov 2026 14:00"))
        recompute(local("Mon 23 Nov 2026 14:01"))
        assert again(clock).due_at == local("Thu 26 Nov 2026 09:30")

    def test_what_goes_on_between_the_edit_and_the_worker_comes_out_right(self, story: Story) -> None:
        """
        It stands still from Friday's closing until Tuesday, when Monday is declared a holiday; before the worker comes
        round, the family answers. A day more, and nothing lost on Monday: as if it had been known from the start.
        """
        clock = clock_of(story.contact(**NOT_ASKED), "final_decision_green")
        pause(clock, local("Fri 20 Nov 2026 17:00"))
        add("Mon 23 Nov 2026", at=local("Tue 24 Nov 2026 09:00"))
        answers(clock, local("Tue 24 Nov 2026 09:00:30"))
        recompute(local("Tue 24 Nov 2026 09:01"))
        assert again(clock).due_at == local("Wed 25 Nov 2026 10:00:30")

    def test_what_a_person_named_stays(self, story: Story) -> None:
        clock = clock_of(story.contact(), "final_decision_green")
        named = local("Thu 26 Nov 2026 12:00")
        extend(clock, named, local("Thu 19 Nov 2026 11:00"))
        extended = again(clock)
        add(FRIDAY, "closure", at=local("Thu 19 Nov 2026 13:00"))
        add("Fri 27 Nov 2026", at=local("Thu 19 Nov 2026 13:00"))
        recompute(local("Thu 19 Nov 2026 13:01"))
        now = again(clock)
        assert (now.due_at, now.warn_at, now.next_at) == (named, extended.warn_at, extended.next_at)
        # The Friday after it is a holiday: that moves when it goes up.
        assert now.escalate_at == local("Mon 30 Nov 2026 12:00")

    def test_even_where_its_start_counts_from_later_than_that(self, story: Story) -> None:
        """Three closures after Friday evening: the start would count from Thursday, and a person named Tuesday."""
        clock = clock_of(story.contact(at=local("Fri 20 Nov 2026 18:00")), "final_decision_green")
        extend(clock, local("Fri 27 Nov 2026 09:00"), local("Fri 20 Nov 2026 19:00"))
        for on in ("Mon 23 Nov 2026", "Tue 24 Nov 2026", "Wed 25 Nov 2026", "Thu 26 Nov 2026", "Fri 27 Nov 2026"):
            add(on, "closure", at=local("Fri 20 Nov 2026 20:00"))
        add("Mon 30 Nov 2026", at=local("Fri 20 Nov 2026 20:00"))
        recompute(local("Fri 20 Nov 2026 20:01"))
        now = again(clock)
        assert now.due_at == local("Fri 27 Nov 2026 09:00")
        assert now.warn_at <= now.due_at
        assert now.escalate_at == local("Tue 1 Dec 2026 09:00")
        assert not CalendarEdit.objects.filter(finished_at=None).exists()

    def test_a_pause_after_an_extension_counts_from_what_was_named(self, story: Story) -> None:
        clock = clock_of(story.contact(**NOT_ASKED), "final_decision_green")
        extend(clock, local("Thu 26 Nov 2026 10:00"), local("Thu 19 Nov 2026 11:00"))
        pause(clock, local("Thu 19 Nov 2026 12:00"))
        goes_on(clock, local("Mon 23 Nov 2026 12:00"))
        assert again(clock).due_at == local("Mon 30 Nov 2026 10:00")
        add(FRIDAY, "closure", at=local("Mon 23 Nov 2026 13:00"))
        recompute(local("Mon 23 Nov 2026 13:01"))
        # Eight hours less are lost; the moment that was named stays.
        assert again(clock).due_at == local("Fri 27 Nov 2026 10:00")

    def test_a_new_look_at_the_promise_is_by_its_own_policy(self, story: Story) -> None:
        """A recomputed clock may be extended again."""
        clock = clock_of(story.contact(), "final_decision_green")
        add(FRIDAY, at=story.later())
        recompute(story.later())
        to = again(clock).due_at + timedelta(days=1)
        assert clock_changes.extend(clock_id=clock.pk, to=to, reason="Ill.", by=person("maya"), now=story.later())
        assert [change.kind for change in clock.changes.all()] == ["recomputed", "extended"]


class TestTheReminders:
    def test_what_was_said_stays_said_and_is_not_said_again(self, story: Story) -> None:
        """The clock is late on Friday at ten. At eleven, that Friday becomes a bank holiday."""
        clock = clock_of(story.contact(), "next_step_decision")
        sweep.sweep(now=local("Fri 20 Nov 2026 10:00"))
        assert steps(clock) == ["warning", "breach"]
        add(FRIDAY, at=local("Fri 20 Nov 2026 11:00"))
        recompute(local("Fri 20 Nov 2026 11:01"))
        now = again(clock)
        assert now.due_at == local("Mon 23 Nov 2026 10:00")
        assert now.next_at == now.escalate_at == local("Tue 24 Nov 2026 10:00")
        sweep.sweep(now=local("Mon 23 Nov 2026 10:00"))
        assert steps(clock) == ["warning", "breach"]
        sweep.sweep(now=local("Tue 24 Nov 2026 10:00"))
        assert steps(clock) == ["warning", "breach", "escalation"]

    def test_what_was_warned_of_goes_on_with_the_breach(self, story: Story) -> None:
        clock = clock_of(story.contact(), "next_step_decision")
        sweep.sweep(now=clock.warn_at)
        add(FRIDAY, at=local("Fri 20 Nov 2026 09:00"))
        recompute(local("Fri 20 Nov 2026 09:01"))
        sweep.sweep(now=local("Mon 23 Nov 2026 10:00") - SECOND)
        assert steps(clock) == ["warning"]
        sweep.sweep(now=local("Mon 23 Nov 2026 10:00"))
        assert steps(clock) == ["warning", "breach"]

    def test_what_went_up_already_is_left_alone_for_good(self, story: Story) -> None:
        clock = clock_of(story.contact(), "next_step_decision")
        sweep.sweep(now=clock.escalate_at)
        add("Mon 23 Nov 2026", at=local("Mon 23 Nov 2026 11:00"))
        recompute(local("Mon 23 Nov 2026 11:01"))
        assert again(clock).escalate_at == local("Tue 24 Nov 2026 10:00")
        assert again(clock).next_at is None
        sweep.sweep(now=local("Mon 30 Nov 2026 10:00"))
        assert steps(clock) == ["warning", "breach", "escalation"]

    def test_what_a_holiday_that_is_no_more_makes_late_is_told_at_once(self, story: Story) -> None:
        entered = add(FRIDAY, at=story.now)
        clock = clock_of(story.contact(), "next_step_decision")
        assert clock.due_at == local("Mon 23 Nov 2026 10:00")
        remove(entered, at=local("Fri 20 Nov 2026 11:00"))
        recompute(local("Fri 20 Nov 2026 11:01"))
        sweep.sweep(now=local("Fri 20 Nov 2026 11:02"))
        assert steps(clock) == ["warning", "breach"]


@pytest.fixture(scope="class")
def told(told_for_a_class: None) -> tuple[Story, list[int]]:
    """Eight clocks that the Friday moves."""
    story = Story(THURSDAY)
    born = [date(2010 + number, 1, 1).isoformat() for number in range(4)]
    contacts = [
        story.contact(children=[another_family(each)], adults=[], referrer={"name": "Duty desk"}) for each in born
    ]
    clocks = Clock.objects.running().filter(contact__in=contacts).values_list("pk", flat=True)
    assert len(clocks) == 8
    return story, list(clocks)


class TestTheWorker:
    @pytest.fixture(autouse=True)
    def _pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(calendar_changes, "BATCH_SIZE", 2)

    @pytest.fixture
    def story(self, db: None, told: tuple[Story, list[int]]) -> Story:
        return told[0].goes_on()

    @pytest.fixture
    def clocks(self, db: None, told: tuple[Story, list[int]]) -> list[Clock]:
        return list(Clock.objects.filter(pk__in=told[1]).order_by("pk"))

    def test_its_progress_is_on_the_edit(self, story: Story, clocks: list[Clock]) -> None:
        add(FRIDAY, at=story.later())
        edit = CalendarEdit.objects.get()
        assert (edit.looked_at, edit.up_to, edit.finished_at) == (0, 0, None)
        seen = []

        def clock() -> datetime:
            edit.refresh_from_db()
            seen.append((edit.looked_at, edit.up_to))
            return story.now

        assert calendar_changes.recompute(clock=clock) == 8
        edit.refresh_from_db()
        assert (edit.looked_at, edit.up_to, edit.finished_at) == (8, clocks[-1].pk, story.now)
        assert sorted({looked for looked, _ in seen}) == [0, 2, 4, 6, 8]
        assert {up_to for _, up_to in seen} == {0, *(each.pk for each in clocks[1::2])}

    def test_after_half_a_minute_the_rest_is_the_next_calls(self, story: Story, clocks: list[Clock]) -> None:
        add(FRIDAY, at=story.later())

        def clock() -> datetime:
            return story.later(seconds=8)

        first = calendar_changes.recompute(clock=clock)
        assert 0 < first < 8
        edit = CalendarEdit.objects.get()
        assert (edit.looked_at, edit.finished_at) == (first, None)
        assert calendar_changes.recompute(clock=clock) + first == 8
        edit.refresh_from_db()
        assert (edit.looked_at, edit.finished_at is None) == (8, False)
        assert [each.changes.count() for each in clocks] == [1] * 8

    @pytest.mark.parametrize("dies_at", range(1, 11))
    def test_killed_wherever_it_goes_on_where_it_stopped(self, story: Story, clocks: list[Clock], dies_at: int) -> None:
        add(FRIDAY, at=story.later())
        calls = 0

        def clock() -> datetime:
            nonlocal calls
            calls += 1
            if calls == dies_at:
                raise Stopped
            return story.now

        with pytest.raises(Stopped):
            calendar_changes.recompute(clock=clock)
        moved = ClockChange.objects.count()
        edit = CalendarEdit.objects.get()
        assert (edit.looked_at, edit.finished_at) == (moved, None)
        assert moved == 2 * max(0, (dies_at - 2) // 2)
        assert recompute(story.later()) == 8 - moved
        assert [each.changes.count() for each in clocks] == [1] * 8
        assert [again(each).due_at for each in clocks] == [
            moments(again(each).policy, each.started_at, calendar.current()).due_at for each in clocks
        ]
        assert AuditEvent.objects.get(event=Event.CLOCKS_RECOMPUTED).detail["moved"] == 8

    def test_killed_between_moving_and_writing_down_how_far_it_came(self, story: Story, clocks: list[Clock]) -> None:
        """The clocks of a piece have moved; that it was looked at was never written: they are looked at again."""
        add(FRIDAY, at=story.later())
        edit = CalendarEdit.objects.get()
        working_time = calendar.current()
        without = calendar.current(but={edit.date: edit.before})
        calendar_changes._check(edit, [each.pk for each in clocks[:3]], working_time, without, story.now)
        assert recompute(story.later()) == 8
        assert [each.changes.count() for each in clocks] == [1] * 8

    def test_a_finished_edit_is_finished_once(self, story: Story) -> None:
        add(FRIDAY, at=story.later())
        recompute(story.later())
        finished_at = CalendarEdit.objects.get().finished_at
        assert recompute(story.later()) == 0
        assert CalendarEdit.objects.get().finished_at == finished_at
        assert AuditEvent.objects.filter(event=Event.CLOCKS_RECOMPUTED).count() == 1

    def test_without_an_edit_it_has_nothing_to_do(self, story: Story) -> None:
        assert recompute(story.later()) == 0
        assert not AuditEvent.objects.filter(event=Event.CLOCKS_RECOMPUTED).exists()


class TestTheCalendarAsIfOtherwise:
    def test_a_day_as_if_it_were_of_another_kind(self, story: Story) -> None:
        add(FRIDAY, at=story.now)
        add("Mon 23 Nov 2026", "closure", at=story.now)
        friday, monday = day(FRIDAY), day("Mon 23 Nov 2026")
        now = calendar.current()
        assert [set(now.bank_holidays), set(now.closures), set(now.working_days)] == [{friday}, {monday}, set()]
        as_usual = calendar.current(but={friday: ""})
        assert [set(as_usual.bank_holidays), set(as_usual.closures)] == [set(), {monday}]
        closed = calendar.current(but={friday: "closure"})
        assert [set(closed.bank_holidays), set(closed.closures)] == [set(), {friday, monday}]
        another = calendar.current(but={day("Fri 25 Dec 2026"): "working_day"})
        assert another.working_days == {day("Fri 25 Dec 2026")}
        assert calendar.current() == now, "nothing was kept"
        assert now.hours == as_usual.hours

    def test_in_two_queries(self, story: Story, django_assert_num_queries: Callable[[int], Any]) -> None:
        with django_assert_num_queries(2):
            calendar.current(but={day(FRIDAY): "closure"})


def test_a_day_ends_where_the_clocks_look(story: Story) -> None:
    """A contact in the last second of a day belongs to that day."""
    at = end_of_day(day("Thu 19 Nov 2026"))
    clock = clock_of(story.contact(at=at), "final_decision_green")
    add("Thu 19 Nov 2026", at=story.later())
    assert recompute(story.later()) > 0
    assert again(clock).due_at == clock.due_at, "it counts from Friday's opening, holiday or not"
