"""Reads when a child is expected, as people type it: a day, a month, or how many weeks somebody is pregnant."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from casework.families.likeness.births import MONTHS, SPELT_MONTH, Birth, read_month

# Two agencies may have heard of two days.
AROUND = timedelta(days=14)
PREGNANCY = timedelta(weeks=40)
# A day without a year is the next one, unless it was so lately that the child may not be born.
LATE = timedelta(weeks=6)

# However it is spelt, beside a day and a year. Without these, it may be a name or a street: Mary, Marlow Road.
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
DUE = (
    r"(?:baby )?(?:due|e\.?d\.?d\.?|(?:expected|estimated)(?: due)?(?: date)?(?: of)?(?: delivery)?)"
    r"(?: (?:date|on|in|about|around))*"
)
IS_DUE = re.compile(rf"(?<![^\W_]){DUE}[\s:=#-]*$", re.IGNORECASE)
A_MONTH = re.compile(
    rf"(?<![^\W_]){DUE}[\s:=#-]*(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)?[ /-]?)?(?P<month>{SPELT_MONTH})"
    r"(?: (?P<after>\d{1,2})(?:st|nd|rd|th)?(?!\d))?(?:,? (?P<year>20\d\d))?(?![^\W_])",
    re.IGNORECASE,
)
PREGNANT = re.compile(
    r"(?<![^\W_])(?P<weeks>\d{1,2})(?:\+\d)?"
    r"(?: ?/ ?40|[ -]?w(?:ee)?ks?[ -](?:pregnant|gestation)|[ -]?w(?:ee)?ks? of (?:pregnancy|gestation))(?![^\W_])",
    re.IGNORECASE,
)


BEFORE = re.compile(rf"^\W*{DUE}\b[\s:=#-]*", re.IGNORECASE)


@dataclass(frozen=True)
class Days:
    """The days, from the first to the last, on one of which a child is expected."""

    first: date
    last: date

    @property
    def middle(self) -> date:
        return self.first + (self.last - self.first) / 2

    @property
    def around(self) -> tuple[date, date]:
        """Between which days others may have said that the child is expected."""
        return self.first - AROUND, self.last + AROUND

    def apart(self, day: date) -> int | None:
        """How many days another day is from these; None if it is too far for one child."""
        begins, ends = self.around
        return max(0, (self.first - day).days, (day - self.last).days) if begins <= day <= ends else None


def expected_on(birth: Birth, typed: str, today: date, *, is_said: bool) -> Days | None:
    """
    The day, or the month, of a date that was typed, as one on which a child may have been, or is, expected.

    :param is_said: whether it says that it is the expected day.
    """
    if birth.is_a_month:
        first = date(birth.year, birth.month, 1)
        return _month(first) if first <= today + PREGNANCY + AROUND else None
    years = [birth.year]
    if not re.search(r"\d{4}", typed):
        # "3.2.27" was read as a date of long ago.
        years.insert(0, birth.year + 100)
    days = (day for year in years if (day := Birth(year, birth.month, birth.day).date))
    near = (day for day in days if day <= today + PREGNANCY + AROUND)
    day = next(near, None)
    return Days(day, day) if day and (is_said or day.year == birth.year or day > today) else None


def without_a_day(text: str, today: date) -> Iterator[tuple[str, Days]]:
    """What of a text says when a child is expected, but for a whole date: "due February", "20 weeks pregnant"."""
    for match in PREGNANT.finditer(text):
        if (weeks := int(match["weeks"])) <= 42:
            day = today + PREGNANCY - timedelta(weeks=weeks)
            yield match[0], Days(day, day)
    for match in A_MONTH.finditer(text):
        month, day_of_month = MONTHS[match["month"][:3].lower()], match["day"] or match["after"]
        year = int(match["year"]) if match["year"] else _next(month, int(day_of_month or 28), today)
        try:
            first = date(year, month, int(day_of_month or 1))
        except ValueError:
            continue
        yield match[0], Days(first, first) if day_of_month else _month(first)


def read_expected(text: str, today: date) -> Days | None:
    """When a child is expected, as the whole of a text says it without a whole date: March 2027, due May, 20 weeks."""
    said = BEFORE.sub("", text).strip(" .")
    birth = read_month(said)
    if birth is not None:
        return expected_on(birth, said, today, is_said=True)
    for whole in (f"due {said}", said, f"{said} pregnant"):
        for found, days in without_a_day(whole, today):
            if found == whole:
                return days
    return None


def _month(first: date) -> Days:
    """The days of the month that begins with this one."""
    return Days(first, first + relativedelta(months=1, days=-1))


def _next(month: int, day: int, today: date) -> int:
    """The year in which this day comes next, or was lately."""
    lately = today - LATE
    return lately.year + ((month, day) < (lately.month, lately.day))
