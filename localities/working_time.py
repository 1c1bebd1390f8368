"""
Working time: which days are working days, when the hub is open, and from which moment a start counts.

Source: the council's policy on deadlines, which says how clocks count. A working day is Monday to Friday and not a bank
holiday of England (the wording of the Children Act 2004 (Joint Area Reviews) Regulations 2005; England's list and that
of England and Wales are the same). All arithmetic is in Europe/London; what is stored is UTC.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays

LONDON = ZoneInfo("Europe/London")
SHIPPED_HOURS = Path(__file__).parent / "data" / "buckinghamshire" / "hub-hours.csv"
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Hours:
    """When the hub opens and closes on a day, in local time. At the moment of closing it is still open."""

    opens: time
    closes: time


@dataclass(frozen=True)
class WorkingTime:
    """
    The council's calendar. `hours` is by weekday (Monday is 0); the hub is closed on a weekday without hours.

    `bank_holidays` are additions to England's calendar; `working_days` are bank holidays that were moved away.
    `closures` are the council's own days, which pause local clocks and never statutory ones.
    """

    hours: Mapping[int, Hours]
    bank_holidays: frozenset[date] = frozenset()
    working_days: frozenset[date] = frozenset()
    closures: frozenset[date] = field(default=frozenset())

    def is_working_day(self, day: date, *, local: bool) -> bool:
        """:param local: whether the council's own closures are days off, too."""
        if day.weekday() >= 5 or day in self.bank_holidays or (local and day in self.closures):
            return False
        return day in self.working_days or day not in _england(day.year)

    def add_working_days(self, day: date, count: int, *, local: bool) -> date:
        """The working day that is `count` working days after `day`. `day` itself is day 0."""
        while count > 0:
            day += ONE_DAY
            if self.is_working_day(day, local=local):
                count -= 1
        return day

    def counted_start(self, moment: datetime, *, local: bool) -> datetime:
        """
        The moment from which a start counts: the start itself while the hub is open, else the next opening. Local time.
        """
        here = moment.astimezone(LONDON)
        hours = self.hours.get(here.weekday()) if self.is_working_day(here.date(), local=local) else None
        if hours is not None and here.time() <= hours.closes:
            return here if here.time() >= hours.opens else at(here.date(), hours.opens)
        day = here.date()
        while True:
            day = self.add_working_days(day, 1, local=local)
            if (hours := self._hours_on(day)) is not None:
                return at(day, hours.opens)

    def closed_since(self, moment: datetime, *, local: bool) -> datetime | None:
        """When the hub last closed, as seen from this moment, in UTC; None while it is open."""
        day = local_day(moment)
        while True:
            if self.is_working_day(day, local=local) and (hours := self._hours_on(day)) is not None:
                opens, closes = (at(day, each).astimezone(UTC) for each in (hours.opens, hours.closes))
                if closes < moment:
                    return closes
                if opens <= moment:
                    return None
            day -= ONE_DAY

    def open_time(self, start: datetime, end: datetime, *, local: bool) -> timedelta:
        """How long the hub is open from one moment to another."""
        return sum((closes - opens for opens, closes in self.openings(start, local=local, until=end)), timedelta())

    def after_open_time(self, start: datetime, open_time: timedelta, *, local: bool) -> datetime:
        """The moment by which the hub has been open for so long since `start`; for no time at all, `start`."""
        if open_time <= timedelta():
            return start
        left = open_time
        for opens, closes in self.openings(start, local=local):
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        raise AssertionError("the hub opens again and again")

    def openings(
        self, start: datetime, *, local: bool, until: datetime | None = None
    ) -> Iterator[tuple[datetime, datetime]]:
        """The periods in which the hub is open from `start` on, in UTC; without `until` they have no end."""
        day = local_day(start)
        while until is None or day <= local_day(until):
            hours = self._hours_on(day) if self.is_working_day(day, local=local) else None
            if hours is not None:
                opens = max(at(day, hours.opens).astimezone(UTC), start)
                closes = at(day, hours.closes).astimezone(UTC)
                if until is not None:
                    closes = min(closes, until)
                if opens < closes:
                    yield opens, closes
            day += ONE_DAY

    def _hours_on(self, day: date) -> Hours | None:
        """The hub's hours on a day; nine to five if the council has no hours at all, so that a search for them ends."""
        return self.hours.get(day.weekday()) if self.hours else Hours(time(9), time(17))

    def is_open(self, moment: datetime) -> bool:
        """Whether the hub is open at this moment."""
        here = moment.astimezone(LONDON)
        hours = self.hours.get(here.weekday())
        if hours is None or not self.is_working_day(here.date(), local=True):
            return False
        return hours.opens <= here.time() <= hours.closes


def at(day: date, local_time: time) -> datetime:
    """This local time on this day."""
    return datetime.combine(day, local_time, tzinfo=LONDON)


def begin_of_day(day: date) -> datetime:
    """Midnight, local time, as this day begins."""
    return at(day, time.min)


def end_of_day(day: date) -> datetime:
    """The last second of this day, local time: 23:59:59."""
    return at(day, time(23, 59, 59))


def as_utc(moment: datetime) -> datetime:
    """The same moment in UTC. A naive moment is local time; in an hour that comes twice it is the first."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=LONDON)
    return moment.astimezone(UTC)


def in_words(moment: datetime) -> str:
    """A moment in London for people, as 30 November 2026 at 16:52."""
    return f"{moment.astimezone(LONDON):%-d %B %Y at %H:%M}"


def local_day(moment: datetime) -> date:
    """The date in Europe/London at this moment."""
    return moment.astimezone(LONDON).date()


@cache
def shipped_hours() -> Mapping[int, Hours]:
    """Buckinghamshire's hub hours, which come with the product."""
    with SHIPPED_HOURS.open(encoding="utf-8", newline="") as file:
        return {
            int(row["weekday"]): Hours(time.fromisoformat(row["opens"]), time.fromisoformat(row["closes"]))
            for row in csv.DictReader(file)
        }


@cache
def _england(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))
