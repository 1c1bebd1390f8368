"""The council's working time, as the database has it now."""

from collections.abc import Mapping
from datetime import date

from localities.models import CalendarDay, DayKind, HubHours
from localities.working_time import Hours, WorkingTime


def current(*, but: Mapping[date, str] | None = None) -> WorkingTime:
    """
    Reads the hub's hours and the special days, in two small queries.

    :param but: days to read as another `DayKind`; "" reads a day as England's calendar has it.
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
