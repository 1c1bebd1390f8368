"""
The calendar changes at the moment at which clocks start, resume or are recomputed, on real connections. No clock is
missed, and none moves twice.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from casework.actions import calendar, learning
from casework.jobs import calendar_changes, sweep
from casework.models import AuditEvent, CalendarEdit, Clock, ClockChange, Contact, Event, Reminder
from localities.models import CalendarDay
from localities.working_time import local_day
from tests.stage.clock_changes import NOT_ASKED, pause
from tests.stage.moments import day, local
from tests.stage.racing import TIMES, family, held_open, race, received
from tests.stage.story import Story, person

# The clocks of a contact of Thursday 19 November 2026 run over these days.
FRIDAY, TUESDAY = "Fri 20 Nov 2026", "Tue 24 Nov 2026"


def enter(on: str, at: datetime, kind: str = "bank_holiday") -> None:
    """An administrator enters a day."""
    entered = CalendarDay(date=day(on), kind=kind, name="A day of rest")
    calendar.change_day(day=entered, before=None, by=person("adele"), now=at)


def recompute(at: datetime) -> Callable[[], int]:
    """A worker that recomputes until nothing is left."""

    def recompute_often() -> int:
        return sum(calendar_changes.recompute(clock=lambda: at) for _ in range(4))

    return recompute_often


def moved() -> dict[int, int]:
    """How often each clock was recomputed."""
    changed: dict[int, int] = {}
    for clock_id in ClockChange.objects.filter(kind="recomputed").values_list("clock", flat=True):
        changed[clock_id] = changed.get(clock_id, 0) + 1
    return changed


class TestComputing:
    @pytest.fixture(autouse=True)
    def _pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(calendar_changes, "BATCH_SIZE", 3)

    @pytest.mark.parametrize("workers", [2, 4])
    def test_any_number_of_workers_move_everything_once(self, story: Story, workers: int) -> None:
        for number in range(8):
            received(story, number)
        running = {clock.pk for clock in Clock.objects.running()}
        enter(FRIDAY, story.later())
        outcomes = race(*[recompute(story.later())] * workers)
        assert all(isinstance(looked_at, int) for looked_at in outcomes), outcomes
        assert moved() == dict.fromkeys(running, 1)
        edit = CalendarEdit.objects.get()
        assert (edit.looked_at, edit.finished_at) == (len(running), story.now)
        event = AuditEvent.objects.get(event=Event.CLOCKS_RECOMPUTED)
        assert event.detail["moved"] == len(running)

    def test_two_days_at_once(self, story: Story) -> None:
        for number in range(4):
            received(story, number)
        for on in (FRIDAY, TUESDAY):
            enter(on, story.later())
        outcomes = race(*[recompute(story.later())] * 3)
        assert all(isinstance(looked_at, int) for looked_at in outcomes), outcomes
        assert not CalendarEdit.objects.filter(finished_at=None).exists()
        assert AuditEvent.objects.filter(event=Event.CLOCKS_RECOMPUTED).count() == 2
        dues = set(Clock.objects.filter(kind="final_decision_green").values_list("due_at", flat=True))
        assert dues == {local("Thu 26 Nov 2026 10:00")}
        # The first recomputation knew both days, so the second moved nothing.
        assert set(moved().values()) == {1}

    def test_a_sweep_in_the_middle_reminds_of_nothing_twice(self, story: Story) -> None:
        for number in range(6):
            received(story, number)
        late = local("Fri 20 Nov 2026 10:00")
        enter(FRIDAY, late)

        def sweep_often() -> int:
            return sum(sweep.sweep(now=late) for _ in range(4))

        outcomes = race(recompute(late), sweep_often, sweep_often, recompute(late))
        assert all(isinstance(outcome, int) for outcome in outcomes), outcomes
        for at in (local("Mon 23 Nov 2026 10:00"), local("Wed 25 Nov 2026 10:00"), local("Fri 27 Nov 2026 10:00")):
            sweep.sweep(now=at)
        clocks = Clock.objects.count()
        assert Reminder.objects.values("clock", "step").distinct().count() == Reminder.objects.count() == 3 * clocks


class TestStartingAtThatMoment:
    """An edit of a day and the start of clocks wait for each other: the later one knows of the earlier."""

    def test_a_contact_that_comes_in_while_a_day_is_entered_knows_it(self, story: Story) -> None:
        for number in range(TIMES):
            on = ("Fri 20 Nov 2026", "Mon 23 Nov 2026", "Tue 24 Nov 2026")[number]

            def enter_first(on: str = on) -> None:
                enter(on, story.now)

            def receive(number: int = number) -> Contact:
                return received(story, number)

            _, contact = held_open(enter_first, receive)
            assert isinstance(contact, Contact), repr(contact)
            self.comes_out_right(story, contact, times=0)

    def test_a_day_that_is_entered_while_a_contact_comes_in_finds_it(self, story: Story) -> None:
        for number in range(TIMES):
            on = ("Fri 20 Nov 2026", "Mon 23 Nov 2026", "Tue 24 Nov 2026")[number]

            def receive(number: int = number) -> Contact:
                return received(story, number)

            def enter_then(on: str = on) -> None:
                enter(on, story.now)

            contact, _ = held_open(receive, enter_then)
            assert isinstance(contact, Contact), repr(contact)
            self.comes_out_right(story, contact, times=1)

    def comes_out_right(self, story: Story, contact: Contact, *, times: int) -> None:
        """The clock is due by the present calendar, and has moved so many times."""
        recompute(story.now)()
        clock = contact.clocks.get(kind="final_decision_green")
        days = [each for each in ("Fri 20 Nov 2026", "Mon 23 Nov 2026", "Tue 24 Nov 2026") if _is_off(each)]
        expected = ["Tue 24 Nov 2026", "Wed 25 Nov 2026", "Thu 26 Nov 2026", "Fri 27 Nov 2026"][len(days)]
        assert clock.due_at == local(f"{expected} 10:00")
        assert clock.changes.count() == times


def _is_off(written: str) -> bool:
    return CalendarDay.objects.filter(date=day(written)).exists()


def test_a_clock_that_goes_on_while_it_is_moved_keeps_both(story: Story) -> None:
    """The worker has locked a paused clock and moved it by a day; at that moment the family answers."""
    for number in range(TIMES):
        contact = story.contact(**family(number), **NOT_ASKED)
        clock = contact.clocks.get(kind="final_decision_green")
        pause(clock, local("Thu 19 Nov 2026 12:00"))
    waiting = list(Contact.objects.order_by("pk"))
    enter(TUESDAY, local("Thu 19 Nov 2026 13:00"))
    at = local("Thu 19 Nov 2026 14:00")

    def answer() -> list[Any]:
        return [
            learning.record_agreement(
                contact_id=contact.pk, service="given", given_by="mother", on=local_day(at), by=person("amina"), now=at
            )
            for contact in waiting
        ]  # fmt: skip

    outcomes = held_open(recompute(at), answer)
    assert not any(isinstance(outcome, Exception) for outcome in outcomes), outcomes
    for contact in waiting:
        clock = contact.clocks.get(kind="final_decision_green")
        # A day for the holiday, two hours for the pause.
        assert clock.due_at == local("Wed 25 Nov 2026 12:00")
        assert [change.kind for change in clock.changes.all()] == ["paused", "recomputed", "resumed"]
