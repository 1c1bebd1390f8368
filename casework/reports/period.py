"""The period that a report is about."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dateutil.relativedelta import relativedelta

from localities.working_time import begin_of_day

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """From the first day to the last, both included. Days are those of Europe/London; what counts is the receipt."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first:%-d %B %Y} to {self.last:%-d %B %Y}"

    @property
    def starts_at(self) -> datetime:
        return begin_of_day(self.first)

    @property
    def ends_at(self) -> datetime:
        """The first moment after the period."""
        return begin_of_day(self.last + ONE_DAY)


def last_twelve_months(today: date) -> Period:
    """The twelve months that end today."""
    return Period(today - relativedelta(months=12) + ONE_DAY, today)


def month_of(day: date) -> Period:
    """The whole month of a day."""
    first = day.replace(day=1)
    return Period(first, first + relativedelta(months=1) - ONE_DAY)


def months(first: date, last: date) -> Iterator[date]:
    """The first day of each month from one month to another."""
    month = first.replace(day=1)
    while month <= last:
        yield month
        month += relativedelta(months=1)
