"""The calendar: administrators enter bank holidays that come or go, and days on which the council closes."""

from datetime import datetime

from django.db import transaction

from casework.deadlines import clocks
from casework.models import CalendarEdit
from localities.models import CalendarDay, User


@transaction.atomic
def change_day(*, day: CalendarDay, before: CalendarDay | None, by: User, now: datetime) -> None:
    """
    Keep a day of the calendar, new or changed, and have the clocks that run over it computed again.

    :param before: the day as it stood; None for a new one. A day that moved to another date is two edits.
    """
    clocks.lock_calendar()
    day.save()
    if before is not None and before.date != day.date:
        _note(before, before.kind, "", by, now)
        before = None
    _note(day, before.kind if before else "", day.kind, by, now)


@transaction.atomic
def remove_day(*, day: CalendarDay, by: User, now: datetime) -> None:
    """Take a day of the calendar away, and have the clocks that run over it computed again."""
    clocks.lock_calendar()
    _note(day, day.kind, "", by, now)
    day.delete()


def _note(day: CalendarDay, before: str, after: str, by: User, now: datetime) -> None:
    if before != after:
        CalendarEdit.objects.create(date=day.date, before=before, after=after, by=by, at=now)
