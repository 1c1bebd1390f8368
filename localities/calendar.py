"""The council's calendar as the database has it now."""

from datetime import date

from localities.models import CalendarDay, DayKind, HubHours
from localities.working_time import Hours, WorkingTime


def current() -> WorkingTime:
    """Hub hours and special days: two small queries."""
    days: dict[str, set[date]] = {kind: set() for kind in DayKind}
    for day, kind in CalendarDay.objects.values_list("date", "kind"):
        days[kind].add(day)
    return WorkingTime(
        hours={row.weekday: Hours(row.opens, row.closes) for row in HubHours.objects.all()},
        bank_holidays=frozenset(days[DayKind.BANK_HOLIDAY]),
        working_days=frozenset(days[DayKind.WORKING_DAY]),
        closures=frozenset(days[DayKind.CLOSURE]),
    )
