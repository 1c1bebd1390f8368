"""
Recomputes the clocks that run over a changed day of the calendar, and no others.

`actions/calendar.py` stores the edit. Each clock that moves gets a `ClockChange`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from casework.deadlines import clocks
from casework.models import CalendarEdit, Clock, ClockChange, ClockChangeKind, Event
from casework.record import audit
from localities import calendar
from localities.working_time import WorkingTime, begin_of_day, end_of_day

BATCH_SIZE = 500
# A call stops after this time; the next call continues.
TIME_LIMIT = timedelta(seconds=30)


def recompute(*, clock: Callable[[], datetime]) -> int:
    """
    Continues with the unfinished edits of the calendar, the oldest first, for half a minute at most.

    Each clock moves in a transaction of its own, so that nobody who works with a family waits for the others. Two
    workers at once, or a worker that died, move nothing twice.

    :param clock: returns the current time.
    :returns: the number of clocks that were checked.
    """
    checked = 0
    ends_at = clock() + TIME_LIMIT
    for edit in CalendarEdit.objects.filter(finished_at__isnull=True).select_related("by").order_by("id"):
        working_time = calendar.current()
        before_edit = calendar.current(but={edit.date: edit.before})
        clock_ids = _clocks_over(edit)
        for batch in (clock_ids[first : first + BATCH_SIZE] for first in range(0, len(clock_ids), BATCH_SIZE)):
            if clock() >= ends_at:
                return checked
            _check(edit, batch, working_time, before_edit, clock())
            if not CalendarEdit.objects.filter(pk=edit.pk, up_to=edit.up_to).update(
                up_to=batch[-1], looked_at=F("looked_at") + len(batch)
            ):
                return checked  # Another worker is doing the same edit.
            edit.up_to = batch[-1]
            checked += len(batch)
        _finish(edit, clock())
    return checked


def _clocks_over(edit: CalendarEdit) -> Sequence[int]:
    """The ids of the clocks that run over the day and are not checked yet."""
    running = Clock.objects.running().filter(
        pk__gt=edit.up_to, started_at__lte=end_of_day(edit.date), escalate_at__gte=begin_of_day(edit.date)
    )
    return list(running.order_by("pk").values_list("pk", flat=True))


def _check(
    edit: CalendarEdit, batch: Sequence[int], working_time: WorkingTime, before_edit: WorkingTime, now: datetime
) -> None:
    running = Clock.objects.running().filter(pk__in=batch).select_related("policy").prefetch_related("changes")
    for each in running.order_by("pk"):
        changes = list(each.changes.all())
        # A clock moves because of this day only: hub hours may have changed since it started, and must not move it. A
        # clock that was changed since the edit may have moments that were computed without the edit.
        changed_since = any(change.at >= edit.at for change in changes)
        old_moments = clocks.recomputed(each, changes, before_edit)
        if changed_since or clocks.recomputed(each, changes, working_time) != old_moments:
            _move(each.pk, edit, working_time, now)


@transaction.atomic
def _move(clock_id: int, edit: CalendarEdit, working_time: WorkingTime, now: datetime) -> None:
    """Locks a clock, reads it again, and moves it if its moments differ."""
    running = Clock.objects.running().filter(pk=clock_id)
    each = running.select_related("policy").select_for_update(of=("self",), no_key=True).first()
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
