"""
A day of the calendar changed (`actions/calendar.py`): the clocks that run over it are computed again, and only those.
Every clock that moves says so.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta

from django.db import transaction
from django.db.models import F

from casework.deadlines import clocks
from casework.models import CalendarEdit, Clock, ClockChange, ClockChangeKind, Event
from casework.record import audit
from localities import calendar
from localities.working_time import WorkingTime, at, end_of_day

AT_ONCE = 500
# What one call does, at most: the rest is the next call's.
LONGEST = timedelta(seconds=30)


def recompute(*, clock: Callable[[], datetime]) -> int:
    """
    Go on with the edits of the calendar that are not worked through yet, the oldest first, for half a minute at most.

    A clock moves in a transaction of its own, so that nobody who works with a family waits, and only as it was read:
    two workers at once, or one that died, move nothing twice.

    :param clock: tells the time.
    :returns: how many clocks were looked at.
    """
    looked_at = 0
    ends_at = clock() + LONGEST
    for edit in CalendarEdit.objects.filter(finished_at__isnull=True).select_related("by").order_by("id"):
        working_time = calendar.current()
        without = calendar.current(but={edit.date: edit.before})
        over = _over(edit)
        for some in (over[first : first + AT_ONCE] for first in range(0, len(over), AT_ONCE)):
            if clock() >= ends_at:
                return looked_at
            _look_at(edit, some, working_time, without, clock())
            if not CalendarEdit.objects.filter(pk=edit.pk, up_to=edit.up_to).update(
                up_to=some[-1], looked_at=F("looked_at") + len(some)
            ):
                return looked_at  # Another worker is at it.
            edit.up_to = some[-1]
            looked_at += len(some)
        _finish(edit, clock())
    return looked_at


def _over(edit: CalendarEdit) -> Sequence[int]:
    """The clocks that run over the day and were not looked at yet."""
    running = Clock.objects.running().filter(
        pk__gt=edit.up_to, started_at__lte=end_of_day(edit.date), escalate_at__gte=at(edit.date, time.min)
    )
    return list(running.order_by("pk").values_list("pk", flat=True))


def _look_at(
    edit: CalendarEdit, some: Sequence[int], working_time: WorkingTime, without: WorkingTime, now: datetime
) -> None:
    running = Clock.objects.running().filter(pk__in=some).select_related("policy").prefetch_related("changes")
    for each in running.order_by("pk"):
        changes = list(each.changes.all())
        # Hub hours may have changed since the clock started, and that is no reason to move it: this day must be. Or
        # it went on since the day was entered, from a moment that was computed without it.
        as_it_was = clocks.recomputed(each, changes, without)
        since = any(change.at >= edit.at for change in changes)
        if since or clocks.recomputed(each, changes, working_time) != as_it_was:
            _move(each.pk, edit, working_time, now)


@transaction.atomic
def _move(clock_id: int, edit: CalendarEdit, working_time: WorkingTime, now: datetime) -> None:
    """Move a clock, as it is now that nobody else can change it."""
    held = Clock.objects.running().filter(pk=clock_id)
    each = held.select_related("policy").select_for_update(of=("self",), no_key=True).first()
    if each is None:
        return
    before, when = each.due_at, clocks.recomputed(each, each.changes.all(), working_time)
    if (when.warn_at, when.due_at, when.escalate_at) == (each.warn_at, before, each.escalate_at):
        return
    clocks.move(each, when)
    ClockChange.objects.create(
        clock=each, kind=ClockChangeKind.RECOMPUTED, at=now, by=edit.by, edit=edit,
        reason=f"The calendar changed: {edit}.", due_before=before, due_after=each.due_at,
    )  # fmt: skip


@transaction.atomic
def _finish(edit: CalendarEdit, now: datetime) -> None:
    if CalendarEdit.objects.filter(pk=edit.pk, finished_at__isnull=True).update(finished_at=now):
        audit.record(
            Event.CLOCKS_RECOMPUTED, by=edit.by, at=now,
            day=edit.date.isoformat(), before=edit.before, after=edit.after, moved=edit.changes.count(),
        )  # fmt: skip
