"""The council's calendar as the database has it now."""

from collections.abc import Mapping
from datetime import date

from localities.models import CalendarDay, DayKind, HubHours
from localities.working_time import Hours, WorkingTime


def current(*, but: Mapping[date, str] | None = None) -> WorkingTime:
    """
    Hub hours and special days: two small queries.

    :param but: days as if they were of another kind; empty: as England's calendar has them.
    """
    days: dict[str, set[date]] = {kind: set() for kind in ("", *DayKind)}
    for day, kind in {**dict(CalendarDay.objects.values_list("date", "kind")), **(but or {})}.items():
        days[kind].add(day)
    return WorkingTime(
        hours={row.weekday: Hours(row.opens, row.closes) for row in HubHours.objects.all()},
        bank_holidays=frozenset(days[DayKind.BANK_HOLIDAY]),
        working_days=frozenset(days[DayKind.WORKING_DAY]),
        closures=frozenset(days[DayKind.CLOSURE]),
    )
