"""Edits of the calendar: bank holidays that are added or moved, and days on which the council closes."""

from datetime import datetime

from django.db import transaction

from casework.deadlines import clocks
from casework.models import CalendarEdit
from localities.models import CalendarDay, User


@transaction.atomic
def change_day(*, day: CalendarDay, before: CalendarDay | None, by: User, now: datetime) -> None:
    """
    Saves a day of the calendar, and stores the edit, so that the worker recomputes the clocks that run over the day.

    :param before: the day before the change; None for a new one. A day that moves to another date makes two edits.
    """
    clocks.lock_calendar()
    day.save()
    if before is not None and before.date != day.date:
        _note(before, before.kind, "", by, now)
        before = None
    _note(day, before.kind if before else "", day.kind, by, now)


@transaction.atomic
def remove_day(*, day: CalendarDay, by: User, now: datetime) -> None:
    """Removes a day of the calendar, and stores the edit, so that the worker recomputes the clocks."""
    clocks.lock_calendar()
    _note(day, day.kind, "", by, now)
    day.delete()


def _note(day: CalendarDay, before: str, after: str, by: User, now: datetime) -> None:
    if before != after:
        CalendarEdit.objects.create(date=day.date, before=before, after=after, by=by, at=now)
