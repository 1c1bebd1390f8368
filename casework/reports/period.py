"""The days that a report looks at."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from dateutil.relativedelta import relativedelta

from localities.working_time import at

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """Contacts received from the first day to the last, both included; days are those of Europe/London."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first:%-d %B %Y} to {self.last:%-d %B %Y}"

    @property
    def starts_at(self) -> datetime:
        return at(self.first, time.min)

    @property
    def ends_at(self) -> datetime:
        """The first moment that no longer belongs to it."""
        return at(self.last + ONE_DAY, time.min)


def last_twelve_months(today: date) -> Period:
    """The twelve months that end today."""
    return Period(today - relativedelta(months=12) + ONE_DAY, today)


def month_of(day: date) -> Period:
    """The whole month in which a day lies."""
    first = day.replace(day=1)
    return Period(first, first + relativedelta(months=1) - ONE_DAY)


def months(first: date, last: date) -> Iterator[date]:
    """The first day of each month from one month to another."""
    month = first.replace(day=1)
    while month <= last:
        yield month
        month += relativedelta(months=1)
