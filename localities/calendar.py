"""The council's working time, as the database has it now."""

from collections.abc import Iterable, Mapping
from datetime import date

from localities.models import CalendarDay, DayKind, HubHours
from localities.working_time import Hours, WorkingTime


def current(*, but: Mapping[date, str] | None = None) -> WorkingTime:
    """
    Reads the hub's hours and the special days, in two small queries.

    :param but: days to read as another `DayKind`; "" reads a day as England's calendar has it.
    """
    return working_time(
        HubHours.objects.all(), {**dict(CalendarDay.objects.values_list("date", "kind")), **(but or {})}
    )


def working_time(hours: Iterable[HubHours], kinds: Mapping[date, str]) -> WorkingTime:
    """
    The calendar of these rows.

    :param kinds: the kind of each special day; empty: as England's calendar has it.
    """
    days: dict[str, set[date]] = {kind: set() for kind in ("", *DayKind)}
    for day, kind in kinds.items():
        days[kind].add(day)
    return WorkingTime(
        hours={row.weekday: Hours(row.opens, row.closes) for row in hours},
        bank_holidays=frozenset(days[DayKind.BANK_HOLIDAY]),
        working_days=frozenset(days[DayKind.WORKING_DAY]),
        closures=frozenset(days[DayKind.CLOSURE]),
    )
