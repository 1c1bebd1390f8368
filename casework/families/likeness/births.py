"""Reads dates of birth as people write them, and says how near two of them are."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache

from django.utils.timezone import localdate
from rapidfuzz.distance import OSA

from localities.working_time import LONDON

OLDEST = 1890
MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1
    )
}
DAY_MONTH_YEAR = re.compile(
    r"(?P<day>[0-9]{1,2})(st|nd|rd|th)?( of)?[-/., ]*(?P<month>[A-Za-z]{3,9})[-/., ]*(?P<year>[0-9]{4}|[0-9]{2})"
)
MONTH_DAY_YEAR = re.compile(
    r"(?P<month>[A-Za-z]{3,9})[-/., ]*(?P<day>[0-9]{1,2})(st|nd|rd|th)?[-/., ]+(?P<year>[0-9]{4})"
)
SPELT_MONTH = (
    r"(?:jan(?:uary)?|feb(?:r?uary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
A_MONTH = (
    re.compile(
        rf"(?:(?:early|mid|late|end of|in)[- ]+)?(?:(?P<named>{SPELT_MONTH})[-/., ]*(?:of )?|(?:00?[-/.])?"
        r"(?P<month>[0-9]{1,2})[-/.])(?P<year>[0-9]{4})",
        re.IGNORECASE,
    ),
    re.compile(rf"(?P<year>[0-9]{{4}})[-/.](?:(?P<named>{SPELT_MONTH})|(?P<month>[0-9]{{1,2}}))", re.IGNORECASE),
)
WEEKDAY = r"(?:mon|tues?|wed(?:s|nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?"
# What stands around a date, and says only what it is, or which day of the week it is.
AROUND = re.compile(
    r"^\W*(?:(?:d\.?o\.?b|date of birth|born)\b(?:\W*(?:on|is|in)\b)*\W*)?"
    rf"(?:(?P<before>{WEEKDAY})\b[.,]*\s*)?(?:on )?(?:the )?(?P<date>.*?)"
    rf"[\s,(]*(?P<after>(?<=[\s(]){WEEKDAY})?[\s.)]*$",
    re.IGNORECASE,
)
# A day in words: the twenty-first of May.
ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth", *(f"twenty {ordinal}" for ordinal in (
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
    )), "thirtieth", "thirty first",
)  # fmt: skip
ORDINAL = re.compile(
    rf"\b(?:{'|'.join(sorted((each.replace(' ', '[ -]') for each in ORDINALS), key=len, reverse=True))})\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Birth:
    """
    A date of birth. It may be no day of the calendar: a mistyped one (2014-02-31) still says much. Where only the month
    is known, the day is 0; where only the year is, month and day are.
    """

    year: int
    month: int
    day: int

    @cached_property
    def date(self) -> date | None:
        try:
            return date(self.year, self.month, self.day)
        except ValueError:
            return None

    @cached_property
    def digits(self) -> str:
        return f"{self.year:04}{self.month:02}{self.day:02}"

    @property
    def is_a_year(self) -> bool:
        """Whether only the year is known."""
        return self.month == 0

    @property
    def is_a_month(self) -> bool:
        """Whether only the month is known."""
        return self.day == 0 < self.month

    @property
    def is_a_day(self) -> bool:
        """Whether the day is known."""
        return self.day > 0

    @property
    def is_new_years_day(self) -> bool:
        """1 January is also what is written where only the year is known."""
        return self.month == self.day == 1

    @property
    def swapped(self) -> "Birth":
        return Birth(self.year, self.day, self.month)

    @cached_property
    def digits_either_way(self) -> str:
        """The digits, the same for a date whose day and month are swapped."""
        return min(self.digits, self.swapped.digits)


def date_alone(text: str) -> tuple[str, str]:
    """
    A date without what stands around it, and the weekday that was said, or "": "DOB: Friday the 3rd of May 2019" is
    "3rd of May 2019". A day in words is one in digits.
    """
    if text[:1].isdigit() and text[-1:].isdigit():
        # As nearly every date is.
        return text, ""
    match = AROUND.match(text)
    if match is None:
        return text, ""
    return ordinals_in_digits(match["date"]), match["before"] or match["after"] or ""


def ordinals_in_digits(text: str) -> str:
    """The text with each day in words, as "third", in digits."""
    return ORDINAL.sub(_in_digits, text)


def _in_digits(ordinal: re.Match[str]) -> str:
    return str(1 + ORDINALS.index(re.sub("[ -]", " ", ordinal[0].lower())))


@lru_cache(maxsize=100_000)
def read_birth(text: str) -> Birth | None:
    """
    A date of birth: 2014-05-07, 07/05/2014, 7.5.14, 7 May 2014, 20140507, 07052014, with or without a time.

    Where only the month is known: March 2014, 3/2014. Where only the year is: about 2014.

    Returns None where it cannot be read, or says that nobody knows it (1 January 1900).
    """
    text = " ".join(text[:60].replace("\N{NO-BREAK SPACE}", " ").split())
    newest = localdate(timezone=LONDON).year + 1
    if match := re.fullmatch(r"(?:about|born|ca?[.]?) ([0-9]{4})", text, re.IGNORECASE):
        return Birth(int(match[1]), 0, 0) if OLDEST < int(match[1]) <= newest else None
    text, _ = date_alone(re.sub(r"[T ]\d{1,2}:\d{2}.*$", "", text))
    if match := re.fullmatch(r"([0-9]{4})([-/. ]?)([0-9]{1,2})\2([0-9]{1,2})", text):
        found = (int(match[1]), int(match[3]), int(match[4]))
        if not OLDEST <= found[0] <= newest and (match := re.fullmatch(r"([0-9]{2})([0-9]{2})([0-9]{4})", text)):
            found = (int(match[3]), int(match[2]), int(match[1]))
    elif match := re.fullmatch(r"([0-9]{1,2})([-/. ])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})", text):
        found = (_year(match[4]), int(match[3]), int(match[1]))
    elif (match := DAY_MONTH_YEAR.fullmatch(text)) or (match := MONTH_DAY_YEAR.fullmatch(text)):
        found = (_year(match["year"]), MONTHS.get(match["month"][:3].lower(), 0), int(match["day"]))
    elif month_of_birth := read_month(text):
        found = (month_of_birth.year, month_of_birth.month, 0)
    else:
        return None
    year, month, day = found
    if not OLDEST <= year <= newest or (year, month, day) in _NOBODY_KNOWS:
        return None
    return Birth(year, month, day) if month else None


def read_month(text: str) -> Birth | None:
    """A month of a year: March 2014, Mar 2014, 3/2014, 2014-03."""
    match = next((match for form in A_MONTH if (match := form.fullmatch(text.strip()))), None)
    if match is None:
        return None
    month = MONTHS[match["named"][:3].lower()] if match["named"] else int(match["month"])
    return Birth(int(match["year"]), month, 0) if 1 <= month <= 12 else None


_NOBODY_KNOWS = {(1900, 1, 1), (1900, 1, 0), (1899, 12, 30), (1899, 12, 31), (1901, 1, 1)}


def _year(text: str) -> int:
    if len(text) == 4:
        return int(text)
    this = localdate(timezone=LONDON).year
    year = this - this % 100 + int(text)
    return year if year <= this else year - 100


def nearest_birth(birth: Birth, other: Birth) -> str:
    """The level at which two dates of birth agree."""
    years = abs(birth.year - other.year)
    if birth.is_a_year or other.is_a_year:
        return "estimated" if years <= 1 else "differs"
    if birth.is_a_month or other.is_a_month:
        months = abs(12 * (birth.year - other.year) + birth.month - other.month)
        return "estimated" if months <= 1 else "digits" if years == 0 else "differs"
    if birth == other:
        return "same"
    if birth == other.swapped:
        return "swapped"
    if birth.date and other.date and abs(birth.date - other.date) == timedelta(days=1):
        return "day"
    if years == 1 and (birth.month, birth.day) == (other.month, other.day):
        return "year"
    if (birth.is_new_years_day or other.is_new_years_day) and years <= 1:
        return "estimated"
    edits = OSA.distance(birth.digits, other.digits, score_cutoff=2)
    if edits == 1:
        return "digit"
    if edits == 2 and (years == 0 or (birth.month, birth.day) == (other.month, other.day)):
        return "digits"
    if years == 0 and birth.month == other.month:
        return "month"
    return "differs"


def parts_that_differ(birth: Birth, other: Birth) -> str:
    """In which parts two dates of birth differ: "Day differs (28 and 4); same month and year"."""
    parts = {
        "day": (birth.day, other.day), "month": (birth.month, other.month), "year": (birth.year, other.year),
    }  # fmt: skip
    differ = [name for name, (one, two) in parts.items() if one != two]
    same = [name for name in parts if name not in differ]
    if len(differ) == 1:
        one, two = parts[differ[0]]
        says = f"{differ[0]} differs ({one} and {two})"
    else:
        says = " and ".join(f"{name} ({one} and {two})" for name, (one, two) in parts.items() if name in differ)
        says += " differ"
    return f"{says[:1].upper()}{says[1:]}" + (f"; same {' and '.join(same)}" if same else "")
