"""Clocks that people change, the calendar, and the worker's jobs as time passes."""

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from casework.actions import calendar, clock_changes, parked_messages, reminders
from casework.deadlines import clocks
from casework.jobs import calendar_changes, delivery, sweep
from casework.models import CalendarEdit, Clock, Message, OutboxMessage, Reminder
from localities.calendar import current as calendar_now
from localities.models import CalendarDay, DayKind
from localities.working_time import at, local_day
from tests.random_actions.ledger import CAST, has, is_front_door, works_in
from tests.random_actions.stage import (
    DAYS,
    FAMILIES,
    SECOND,
    WHICH,
    WHO,
    WORDS,
    choose_person,
    not_blank,
    pick,
    steps_left,
)
from tests.random_actions.teams import Teams
from tests.stage.story import person

MINUTE = timedelta(minutes=1)
ADDRESSES = [f"{who}@front-door.example" for who in ("amina", "maya", "ben", "sam")] + ["dsl@school.example"]


class TimePasses(Teams):
    """People change clocks; the worker sweeps, sends, recomputes clocks and passes contacts to the day team."""

    @rule(
        how=st.one_of(
            st.sampled_from([1, 7, 30, 60, 61, 240, 720, 1440, 4320, 10080, 20160, 43200]),
            st.tuples(st.sampled_from(["due", "due", "opening"]), st.integers(0, 3), st.integers(-1, 1)),
        )
    )
    def time_passes(self, how: int | tuple[str, int, int]) -> None:
        """Time passes by minutes, until the hub opens, or to within a second of the next step of a clock."""
        if isinstance(how, int):
            self.now += how * MINUTE
            return
        what, which, seconds = how
        if what == "opening":
            tomorrow = at(local_day(self.now) + DAYS, datetime.min.time())
            self.now = calendar_now().counted_start(tomorrow, local=True) + seconds * SECOND
            return
        ahead = Clock.objects.running().filter(next_at__gt=self.now + SECOND).order_by("next_at")[:4]
        if moments := [clock.next_at for clock in ahead if clock.next_at]:
            self.now = moments[which % len(moments)] + seconds * SECOND

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, reason=WORDS, how=st.sampled_from(["pause", "pause", "resume"]))
    def stop_or_start_a_clock(self, which: int, who: int | str, reason: str, how: str) -> None:
        every = list(Clock.objects.select_related("policy", "contact").order_by("pk"))
        sought = {clock.contact_id for clock in every if clock.kind == "agreement_sought" and not clock.stopped_at}
        paused = [clock for clock in every if clock.paused_at]
        could = [clock for clock in every if clock.policy.may_pause and clock.contact_id in sought]
        if not could and not paused:
            # No family is being asked for its agreement: a new one is.
            self.received(self.about(which % len(FAMILIES), "three", asked="not_sought"))
            return
        clock = pick(which, paused if how == "resume" else could, every)
        by = choose_person(who, filter(is_front_door, CAST))
        may = is_front_door(by) and not_blank(reason)
        if how == "resume":
            may &= clock.paused_at is not None
        else:
            may &= clock in could and not clock.paused_at and not clock.stopped_at and clock.due_at > self.now
            may &= clock.contact is not None and clock.contact.rag != "red"
        action = clock_changes.resume if how == "resume" else clock_changes.pause
        due_at = clock.due_at
        changed = self.attempt(may, action, clock_id=clock.pk, reason=reason, by=person(by), now=self.now)
        if changed:
            assert changed.due_at >= due_at
            assert (changed.paused_at is None) == (how == "resume")

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, reason=WORDS, days=st.sampled_from([1, 1, 3, 10, 91, 93, -1, None]))
    def extend_a_clock(self, which: int, who: int | str, reason: str, days: int | None) -> None:
        every = list(Clock.objects.select_related("policy").order_by("pk"))
        running = [each for each in every if not each.stopped_at and each.policy.unit != "hour"]
        clock = pick(which, [each for each in running if each.contact_id or each.case_id], every)
        team = None
        if clock.contact_id:
            team = self.ledger.contacts[clock.contact_id].team
        elif clock.case_id and self.ledger.cases[clock.case_id].is_open:
            team = self.ledger.cases[clock.case_id].team
        right = [
            each
            for each in CAST
            if has(each, "service_manager") or (team and has(each, clock.policy.escalates_to, team=team))
        ]
        by = choose_person(who, right)
        due_at = max(clock.due_at, self.now) if days and days > 0 else clock.due_at
        to = None if days is None else due_at + days * DAYS
        may = (
            by in right and team is not None and clock in running and not clock.paused_at and not_blank(reason)
            and to is not None and max(clock.due_at, self.now) < to <= clock.due_at + 92 * DAYS
        )  # fmt: skip
        changed = self.attempt(
            may, clock_changes.extend, clock_id=clock.pk, to=to, reason=reason, by=person(by), now=self.now
        )
        assert changed is None or changed.due_at == to

    @rule(days=st.integers(-2, 12), kind=st.sampled_from([*DayKind.values, ""]))
    def change_the_calendar(self, days: int, kind: str) -> None:
        on: date = local_day(self.now) + days * DAYS
        stands = CalendarDay.objects.filter(date=on).first()
        said = {"by": person("adele"), "now": self.now}
        if kind:
            day = CalendarDay(pk=stands.pk if stands else None, date=on, kind=kind, name="So it is")
            self.attempt(True, calendar.change_day, day=day, before=stands, **said)
        elif stands:
            self.attempt(True, calendar.remove_day, day=stands, **said)

    def compute_clocks_again(self) -> None:
        """After pauses, extensions and edits, each clock is due as if the calendar had been known from its start."""
        self.attempt(True, calendar_changes.recompute, clock=lambda: self.now)
        assert not CalendarEdit.objects.filter(finished_at=None).exists()
        working_time = calendar_now()
        for clock in Clock.objects.running().select_related("policy"):
            when = clocks.recomputed(clock, clock.changes.all(), working_time)
            assert (clock.warn_at, clock.due_at, clock.escalate_at) == (when.warn_at, when.due_at, when.escalate_at), (
                clock, when,
            )  # fmt: skip

    @rule(what=st.sampled_from(["sweep", "sweep", "drain", "drain", "recompute", "pass"]))
    def the_worker_runs(self, what: str) -> None:
        match what:
            case "sweep":
                self.sweep()
            case "drain":
                self.drain()
            case "recompute":
                self.compute_clocks_again()
            case _:
                self.pass_to_the_day_team()

    def sweep(self) -> None:
        """Somebody is reminded of every step that is due."""
        now = self.now
        self.attempt(True, sweep.sweep, now=now)
        for clock in Clock.objects.running().filter(paused_at=None).prefetch_related("reminders"):
            left = steps_left(clock, [reminder.step for reminder in clock.reminders.all()])
            assert all(moment > now for moment in left), f"{clock}: something was not said"
        assert not Reminder.objects.filter(messages=None).exists(), "nobody was told"

    def drain(self) -> None:
        self.attempt(True, delivery.drain, clock=lambda: self.now, connect=self.sink.connect)
        for pk, kind in (
            OutboxMessage.objects.exclude(sent_at=None).exclude(contact=None).values_list("contact", "kind")
        ):
            self.ledger.contacts[pk].acknowledged |= kind == Message.ACKNOWLEDGEMENT
            self.ledger.contacts[pk].fed_back |= kind == Message.FEEDBACK
        self.ledger.parked.update(OutboxMessage.objects.exclude(parked_at=None).values_list("pk", flat=True))

    @rule(
        address=st.sampled_from(ADDRESSES), answer=st.sampled_from(["421 not now", "550 nobody here", ""]),
        for_days=st.booleans(),
    )  # fmt: skip
    def the_mail_server_changes_its_mind(self, address: str, answer: str, for_days: bool) -> None:
        self.sink.refuses.pop(address, None)
        if answer:
            self.sink.refuses[address] = answer
        if for_days:
            # The refused messages have one attempt left.
            tried = OutboxMessage.objects.filter(sent_at=None, parked_at=None, carried_by=None, attempts__gt=0)
            tried.filter(to__in=self.sink.refuses).update(attempts=delivery.MOST_ATTEMPTS - 1, not_before=self.now)
            self.drain()

    @precondition(lambda self: self.ledger.parked)
    @rule(which=WHICH, who=WHO, reason=WORDS, drops=st.booleans())
    def see_to_a_message(self, which: int, who: int | str, reason: str, drops: bool) -> None:
        every = list(OutboxMessage.objects.order_by("pk"))
        parked = [each for each in every if each.parked_at and not each.dropped_at and not each.carried_by_id]
        message = pick(which, parked, every)
        by = choose_person(who, ["adele", "sam"])
        may = by in ("adele", "sam") and message in parked and (not drops or not_blank(reason))
        said: dict[str, Any] = {"message_id": message.pk, "by": person(by), "now": self.now}
        if drops:
            self.attempt(may, parked_messages.drop, reason=reason, **said)
        else:
            self.attempt(may, parked_messages.retry, **said)

    @precondition(lambda self: self.reminders_seen)
    @rule(
        which=WHICH, who=WHO, reason=WORDS,
        until=st.sampled_from(["", "", "hour", "half_day", "next_working_day", "for ever"]),
    )  # fmt: skip
    def see_or_snooze_a_reminder(self, which: int, who: int | str, reason: str, until: str) -> None:
        every = list(Reminder.objects.select_related("clock", "user", "team").order_by("pk"))
        reminder = pick(which, [each for each in every if not each.clock.stopped_at], every)
        if reminder.user:
            right = [reminder.user.username]
        elif reminder.team is None:
            right = [each for each in CAST if has(each, reminder.role)]
        elif reminder.role:
            right = [each for each in CAST if has(each, reminder.role, team=reminder.team.code)]
        else:
            right = [each for each in CAST if works_in(each, reminder.team.code)]
        by = choose_person(who, right)
        said = {"reminder_id": reminder.pk, "by": person(by), "now": self.now}
        if not until:
            self.attempt(by in right, reminders.see, **said)
            return
        may = by in right and not reminder.clock.stopped_at and until != "for ever" and not_blank(reason)
        look = self.attempt(may, reminders.snooze, until=until, reason=reason, **said)
        assert look is None or (look.snoozed_until and look.snoozed_until > look.at)
