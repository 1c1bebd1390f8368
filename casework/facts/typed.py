"""
What people type into a contact: names, dates, numbers, postcodes and codes, read as they are written.

A detail never turns a contact away. What can be read is read; what cannot is not known, and somebody is told to check
it. The document keeps what was sent in any case. `docs/contact.md` has the table of what is read, field by field.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from casework.families.expected_days import BEFORE, read_expected
from casework.families.likeness.births import date_alone, read_month
from casework.families.likeness.identifiers import (
    MISTYPED,
    NOT_OF_THE_NUMBER,
    as_digits,
    has_check_digit,
    lacks_digits,
    mend_digits,
    read_telephones,
    read_upn,
)
from casework.models import CheckKind, sentence_of
from localities import postcodes
from localities.codes import ETHNICITIES
from triage.documents import fault, quoted, whole

OLDEST_CHILD = 25
# No date, number, address or code is half as long. A longer text is kept in the document alone.
LONGEST_READ = 1000
LETTER_FOR_DIGIT = "has a letter where a digit must stand."

Value = TypeVar("Value")


@dataclass(frozen=True)
class Check:
    """Why somebody should check a detail. `says` goes on from the name of the field, and never repeats the value."""

    kind: CheckKind
    says: str

    @property
    def sentence(self) -> str:
        """For whoever sent it."""
        return sentence_of(self.kind, self.says)


@dataclass(frozen=True)
class Read(Generic[Value]):
    """
    A detail as it was read. `value` is None if it is not known, or could not be read. `doubted` is what was read where
    nobody knows whose it is.
    """

    value: Value | None = None
    check: Check | None = None
    doubted: Value | None = None


NOT_SAID: Read[Any] = Read()
Reader = Callable[[Any, Mapping[str, Any]], Read[Any]]


def not_read(says: str) -> Read[Any]:
    return Read(None, Check(CheckKind.NOT_READ, says))


class Typed:
    """
    Marks a field that people type. Its value is a `Read`; only another JSON type is a fault.

    :param reader: gets the value that was sent and the context of the validation, and never raises an error.
    :param kinds: the types that may be sent, besides null.
    :param examples: for the description of the API.
    """

    def __init__(self, reader: Reader, *, kinds: tuple[type, ...] = (str,), examples: Collection[str] = ()) -> None:
        self._reader, self._kinds, self._examples = reader, kinds, list(examples)
        self._is_text = reader in (words, name, own_reference, reference)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        # For JSON Schema, a whole number is a number.
        names = {str: "string", float: "number"}
        examples = {"examples": self._examples} if self._examples else {}
        sent = [{"type": names[kind]} for kind in self._kinds if kind in names]
        return {"anyOf": [*sent, {"type": "null"}], **examples}

    def _read(self, value: Any, info: ValidationInfo) -> Read[Any]:
        if value is None:
            return NOT_SAID
        value = whole(value) if float in self._kinds else value
        # For Python, True is a number.
        if not isinstance(value, self._kinds) or isinstance(value, bool):
            wanted = "text" if self._kinds == (str,) else "a number or text"
            raise fault(f"must be {wanted}, not {quoted(value)}.")
        if isinstance(value, str) and len(value) > LONGEST_READ and not self._is_text:
            value = in_one_line(value)
            if len(value) > LONGEST_READ:
                begins = self._reader(value[:LONGEST_READ], info.context or {})
                is_none = begins.check is not None and begins.value is None
                return Read(None, begins.check) if is_none else not_read("is too long to be read.")
        return self._reader(value, info.context or {})


# ---- text


# NUL cannot be stored by PostgreSQL, and half of a character (a lone surrogate) by nobody.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
# What Word writes for a line break and for a page break.
_BREAKS = re.compile("\r\n|[\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_UNSEEN = re.compile(
    "[\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
# The fillers of Korean and the empty pattern of braille have the width of a letter.
_WIDE = re.compile("[\u2800\u3164\uffa0]")
# Joiners belong to names in some scripts (Persian, Hindi, Sinhala), and so does what chooses the form of the character
# before it (Mongolian, Japanese); next to a Latin letter, and alone, they are debris.
_JOINERS = re.compile(
    "(?<![^\x00-\u024f])[\u034f\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]+"
    "|[\u200c\u200d]+(?![^\x00-\u024f])"
)
_DASHES = re.compile("[\u2010-\u2015\u2212]")
# The characters of which a text in one line has nothing left, as a regular expression writes them between brackets.
BLANKS = (
    r"\u0000-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f"
    r"\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    # Those beyond four digits stand as they are: not every engine reads the same escape for them.
    "\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)


def storable(text: str) -> str:
    """The text without the characters that cannot be stored."""
    # Ordinary text is printable: none of the characters that are looked for here is.
    return text if text.isprintable() else _NOT_STORABLE.sub("", text)


def readable(text: str) -> str:
    """The text for people: other kinds of line break are line breaks, and control characters are gone."""
    return text if text.isprintable() else _CONTROLS.sub("", _BREAKS.sub("\n", storable(text)))


def in_one_line(text: str) -> str:
    """The text with single blanks, and without characters that nobody sees."""
    if text.isascii():
        return " ".join((text if text.isprintable() else readable(text)).split())
    seen = _JOINERS.sub("", _UNSEEN.sub("", _WIDE.sub(" ", readable(text))))
    return " ".join(seen.split())


def _plain(text: str) -> str:
    """The text in one line, with wide and small forms of letters and digits as plain ones, and dashes as hyphens."""
    if text.isascii():
        return in_one_line(text)
    return in_one_line(_DASHES.sub("-", unicodedata.normalize("NFKC", text)))


def _words(text: str) -> str:
    """The words of a text in lower case, without punctuation: "N/A" is "n a"."""
    return re.sub(r"[\W_]+", " ", _plain(text).casefold()).strip()


# What people write where a form must not be left blank.
_NOT_KNOWN_NAMES = frozenset({
    "", "unknown", "not known", "not yet known", "n a", "n k", "unk", "tbc", "to be confirmed", "not given",
    "not provided", "not recorded", "not stated", "not available", "not applicable", "no information",
    "no information available", "no name", "don t know", "do not know", "dont know",
})  # fmt: skip
_NOT_KNOWN = _NOT_KNOWN_NAMES | {
    "na", "nk", "none", "nil", "null", "tba", "nfa", "no fixed abode", "no fixed address",
    "not obtained", "not assessed", "not said", "ex directory",
}  # fmt: skip


def _not_known_pattern() -> str:
    """The same as a regular expression, for the description of the API: "not known" is "Not-Known" too."""
    between = BLANKS + r"!-/:-@\[-`{-~"
    letters = (
        "".join(f"[{letter}{letter.upper()}]" if letter != " " else f"[{between}]+" for letter in words)
        for words in sorted(_NOT_KNOWN)
        if words
    )
    return f"^[{between}]*(?:{'|'.join(letters)})?[{between}]*$"


NOT_KNOWN_PATTERN = _not_known_pattern()


# More than one of these, or one of somebody: "Unknown Unknown", "Unknown male".
_NO_NAME = "|".join(sorted(map(re.escape, filter(None, _NOT_KNOWN_NAMES)), key=len, reverse=True))
_SOMEBODY = "male|female|man|woman|adult|person|child|baby|father|mother|dad|mum|partner"
_NOBODY_KNOWS = re.compile(f"(?:{_NO_NAME})(?: (?:{_NO_NAME}|{_SOMEBODY}))+")
# A name of which only the first letters are known: N K, and not n/k.
_INITIALS = re.compile(r"[A-Z]\.? [A-Z]\.?")


def is_not_known(text: str) -> bool:
    """Whether this is how people write that something is not known: "", "n/a", "not known", "NFA", "?"."""
    return _words(text) in _NOT_KNOWN


def words(text: str, context: Mapping[str, Any]) -> Read[str]:
    """Text of any length."""
    return NOT_SAID if is_not_known(text) else Read(readable(text).strip())


def name(text: str, context: Mapping[str, Any], *, longest: int = 100) -> Read[str]:
    """A name, or another short text in one line. What is longer than its place is kept in the document alone."""
    typed = in_one_line(text)
    if _words(text) in _NOT_KNOWN_NAMES and not _INITIALS.fullmatch(typed):
        return NOT_SAID
    if _NOBODY_KNOWS.fullmatch(_words(text)):
        return not_read("says that nobody knows it. Leave it out, or find out the name.")
    if len(typed) > longest:
        says = f"is longer than {longest} characters; only the first {longest} are used."
        return Read(typed[:longest].rstrip(), Check(CheckKind.CORRECTED, says))
    return Read(typed)


def own_reference(text: str, context: Mapping[str, Any]) -> Read[str]:
    """The sender's own reference for a contact, by which it is recognised if it is sent again."""
    return NOT_SAID if is_not_known(text) else Read(in_one_line(text)[:100])


# ---- dates and ages


_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip
# What a system adds that keeps its dates as moments, or with the zone of their time, as XML does.
_MIDNIGHT = r"([T ]00:00(:00([.,]0+)?)?(Z|[+]00:?00)?|Z|[+]0[01]:00)?"
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})[-/. ](?P<month>\d{1,2})[-/. ](?P<day>\d{1,2})" + _MIDNIGHT)
_DAY_FIRST = re.compile(r"(?P<day>\d{1,2})[-/. ](?P<month>\d{1,2})[-/. ](?P<year>\d{4})" + _MIDNIGHT)
_NAMED = re.compile(r"(?P<day>\d{1,2})(st|nd|rd|th)?(\s+of)?[\s.,/-]*(?P<month>[a-z]{3,9})[\s.,/-]*(?P<year>\d{4})")
_NAMED_FIRST = re.compile(r"(?P<month>[a-z]{3,9})[\s.]*(?P<day>\d{1,2})(st|nd|rd|th)?[\s,]+(?P<year>\d{4})")
_DIGITS_ALONE = (re.compile(r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"),
                 re.compile(r"(?P<day>\d\d)(?P<month>\d\d)(?P<year>\d{4})"))  # fmt: skip
_SHORT_YEAR = re.compile(r"\d{1,2}[-/. ](\d{1,2}|[a-z]{3,9})[-/. ]\d{2}")
_EARLIEST, _LATEST = 1850, 2150


def a_date(text: str) -> Read[date]:
    """
    A date in a British or an international writing: 3/4/2015 is 3 April.

    With a year of two digits it is not read: 3/4/15 could be a day of 2015 or of 2003.
    """
    if is_not_known(text):
        return NOT_SAID
    typed, weekday = date_alone(_plain(text))
    small = typed.casefold()
    forms = [(form, typed) for form in (_YEAR_FIRST, _DAY_FIRST)]
    forms += [(form, small) for form in (_NAMED, _NAMED_FIRST)]
    forms += [(form, typed) for form in _DIGITS_ALONE]
    matches = [match for form, given in forms if given.isascii() and (match := form.fullmatch(given))]
    written = [match for match in matches if match["month"].isdigit() or month_of(match["month"])]
    meant = {day for match in written if (day := _day(match)) is not None}
    if len(meant) == 1:
        day = meant.pop()
        is_another = weekday and not f"{day:%A}".casefold().startswith(weekday[:3].casefold())
        return Read(day, Check(CheckKind.ASKED, f"was a {day:%A}; another weekday is given.") if is_another else None)
    if written:
        return not_read("is not a day that exists.")
    meant_digits = mend_digits(typed)
    if meant_digits != typed and (mended := a_date(meant_digits)).value is not None:
        return Read(mended.value, Check(CheckKind.CORRECTED, LETTER_FOR_DIGIT))
    if read_month(typed) is not None:
        return not_read("has no day; write the whole date, as 21/11/2026.")
    if _SHORT_YEAR.fullmatch(small):
        return not_read("could be more than one day; write the year with four digits, as 21/11/2026.")
    return not_read("is not a date that can be read; write it as 21/11/2026, 21 November 2026 or 2026-11-21.")


def _day(match: "re.Match[str]") -> date | None:
    year, written = int(match["year"]), match["month"]
    month = int(written) if written.isdigit() else month_of(written)
    if not _EARLIEST <= year <= _LATEST:
        return None
    try:
        return date(year, month, int(match["day"]))
    except ValueError:
        return None


def month_of(written: str) -> int:
    """The number of a month in words, as March, mar or Sept.; 0 for anything else."""
    word = written.strip(" .").casefold()
    found = (number for number, month in enumerate(_MONTHS, 1) if len(word) >= 3 and month.startswith(word))
    return next(found, 0)


def past_date(text: str, context: Mapping[str, Any]) -> Read[date]:
    """A date that is not in the future. `context["today"]` is the local day."""
    read = a_date(text)
    if read.value is not None and read.value > context["today"]:
        return not_read("lies in the future.")
    return read


def expected_date(text: str, context: Mapping[str, Any]) -> Read[date]:
    """
    The day on which a child is expected. Of a month, or of a length of the pregnancy, it is only about right, and
    somebody is asked for it. `context["today"]` is the local day.
    """
    read = a_date(BEFORE.sub("", _plain(text)))
    if read.check is None or read.value is not None:
        return read
    days = read_expected(_plain(text), context["today"])
    if days is None:
        return read
    is_a_day = days.first == days.last
    says = (
        "names no whole date; the day that it most likely means" if is_a_day else "has no day; the middle of the month"
    )
    return Read(days.middle, Check(CheckKind.ASKED, f"{says} is used."))


_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
            "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen")  # fmt: skip
_A_NUMBER = rf"\d{{1,3}}|{'|'.join(_NUMBERS)}"
_UNIT = r"years?|yrs?|yo|y|months?|mths?|mos?|m|weeks?|wks?|w|days?"
_AGE = re.compile(
    r"(?:(?:about|around|approx|approximately|aged?|ca?(?=[\s\d])|circa|roughly|just|just over|just turned|"
    r"between)\s?)*"
    rf"(?P<almost>(?:almost|nearly|not quite|just under|rising|going on)\s)?(?P<number>{_A_NUMBER})"
    rf"(?:(?:\s?(?P<first>{_UNIT})?\s?(?:-|/|\b(?:to|or)\b)|\s?\band\b)\s?(?P<until>{_A_NUMBER}))?"
    rf"\s?(?P<unit>{_UNIT})?"
    r"(?:(?<=[a-z])\s?(?:and\s)?[0-9]{1,2}\s?(?:months?|mths?|mos?|m|weeks?|wks?|days?))?"
    r"(?:\s?(?:old|ish|or so|approx|approximately|of age))*"
)
# Of an age, only what is completed counts.
_FRACTION = re.compile(r"(?<![\w.,/-])([0-9]{1,3})(?:[.,][0-9]{1,9}|\u00bd| 1/2| and a half)(?![0-9.,/-])")
# 10/12: in health records it is ten months, elsewhere it may be two ages.
_TWELFTHS = re.compile(r"(?:\d{1,2}\W+)?\d{1,2}/12(?!\d)(?: old)?")
# Two ages that are further apart say too little.
_MOST_APART = 2
_IN_A_YEAR = {"y": 1, "m": 12, "w": 52, "d": 365}
_BORN_JUST_NOW = frozenset({"newborn", "new born", "baby", "a baby", "under 1", "under one", "less than 1", "infant"})


def age(value: str | float, context: Mapping[str, Any]) -> Read[int]:
    """An age in whole years: 15, "15", 7.5, "about 15", "18 months". "Almost 15" is read as 14."""
    text = _FRACTION.sub(r"\1", str(value))
    if is_not_known(text):
        return NOT_SAID
    # "15+" and "<15" say no age.
    typed = re.sub(r"[^\w/+<>-]+", " ", _plain(text).casefold().replace("y/o", "yo")).strip()
    if _TWELFTHS.fullmatch(typed):
        return not_read("may be months, or two ages; write it as 10 months, or as 10 to 12.")
    match = _AGE.fullmatch(typed)
    years = (0, 0) if typed in _BORN_JUST_NOW else _years(match) if match is not None else None
    if years is None:
        return not_read("is not an age that can be read; write it in years, as 15, or in months, as 6 months.")
    lowest, highest = years
    if highest > OLDEST_CHILD:
        return not_read(f"makes this child older than {OLDEST_CHILD}; an adult belongs under adults.")
    return Read(lowest, Check(CheckKind.ASKED, "gives two ages; the lower one is used.") if highest > lowest else None)


def _years(match: "re.Match[str]") -> tuple[int, int] | None:
    """The age in whole years, from the lowest to the highest that is meant; None if that says too little."""
    unit = match["unit"] or match["first"] or "years"
    lowest = _a_number(match["number"]) - bool(match["almost"])
    highest = _a_number(match["until"]) if match["until"] else lowest
    if lowest < 0 or highest < lowest or (match["first"] or unit)[0] != unit[0]:
        return None
    in_a_year = _IN_A_YEAR[unit[0]]
    lowest, highest = lowest // in_a_year, highest // in_a_year
    return (lowest, highest) if highest - lowest <= _MOST_APART else None


def _a_number(written: str) -> int:
    return _NUMBERS.index(written) if written in _NUMBERS else int(written)


# ---- numbers and addresses


def nhs_number(text: str, context: Mapping[str, Any]) -> Read[str]:
    """An NHS number. One digit ten times over is a placeholder, as is "not known": nobody has it."""
    if is_not_known(text):
        return NOT_SAID
    typed = re.sub(r"^\W*nhs\b(?:\W*(?:no|number)\b)?\W*", "", _plain(text), flags=re.IGNORECASE)
    digits = re.sub(r"[\s.,/_-]+", "", typed)
    if has_check_digit(meant := as_digits(digits)) and meant != digits and len(meant) == 10:
        return Read(meant, Check(CheckKind.CORRECTED, LETTER_FOR_DIGIT))
    if not (digits.isascii() and digits.isdigit() and len(digits) == 10):
        return NOT_SAID if _is_placeholder(digits) else not_read("is not an NHS number, which has ten digits.")
    if _is_placeholder(digits):
        return NOT_SAID
    if not has_check_digit(digits):
        return not_read("is not an NHS number: its check digit is wrong. Look for a mistyped digit.")
    return Read(digits)


def _is_placeholder(digits: str) -> bool:
    return len(set(digits)) == 1 and (digits[0] == "0" or (digits[0].isdigit() and len(digits) >= 9))


_UPN = re.compile(r"[A-Z][0-9]{11}[0-9A-Z]")


def upn(text: str, context: Mapping[str, Any]) -> Read[str]:
    """A unique pupil number. A letter and one digit twelve times over is a placeholder."""
    if is_not_known(text):
        return NOT_SAID
    bare = re.sub(r"^\W*upn\b(?:\W*(?:no|number)\b)?\W*", "", _plain(text), flags=re.IGNORECASE)
    typed = re.sub(r"[\s.,/_-]+", "", bare).upper()
    if _is_placeholder(typed):
        return NOT_SAID
    meant = typed[:1] + as_digits(typed[1:12]) + typed[12:]
    if meant != typed and (mended := read_upn(meant)) is not None and mended.is_valid:
        return Read(mended.text, Check(CheckKind.CORRECTED, LETTER_FOR_DIGIT))
    if not _UPN.fullmatch(typed):
        return not_read("is not a unique pupil number, which has a letter and twelve digits.")
    number = read_upn(typed)
    if number is not None and not number.is_valid:
        return not_read("is not a unique pupil number: its check letter is wrong. Look for a mistyped character.")
    return Read(number.text) if number else NOT_SAID


_SLIP = "a letter where a digit must stand, or a digit where a letter must"


def postcode(text: str, context: Mapping[str, Any]) -> Read[str]:
    """A postcode. What was mistyped is put right where the format says how, and somebody is told to check it."""
    if is_not_known(text):
        return NOT_SAID
    try:
        meant, corrected = postcodes.read(text)
    except ValueError as error:
        return _among_others(text) or not_read(str(error))
    return Read(meant, Check(CheckKind.CORRECTED, f"has {_SLIP}.") if corrected else None)


def postcode_in(lines: Iterable[str]) -> Read[str]:
    """The postcode of an address that has none but among its lines."""
    plain = [_plain(line) for line in lines]
    found = {meant for line in plain for meant in postcodes.found_in(line)}
    mistyped = set() if found else set(filter(None, map(postcodes.mistyped_at_end, plain)))
    if not (found or mistyped):
        return NOT_SAID
    if len(found or mistyped) > 1:
        return not_read("is empty, and the lines of the address have more than one.")
    says = "was empty; the one in the lines of the address is used."
    if mistyped:
        says += f" It has {_SLIP}."
    return Read((found or mistyped).pop(), Check(CheckKind.CORRECTED, says))


def _among_others(text: str) -> Read[str] | None:
    """The only postcode between the commas of a text; None if there is none, or more than one."""
    found = set()
    for part in text.split(","):
        try:
            meant, corrected = postcodes.read(part)
        except ValueError:
            continue
        if not corrected:
            found.add(meant)
    says = "has more than a postcode; only that is used."
    return Read(found.pop(), Check(CheckKind.CORRECTED, says)) if len(found) == 1 else None


_DIGIT_IN_A_WORD = re.compile(r"[0-9][^\W0-9_]|[^\W0-9_][0-9]")
LONGEST_TELEPHONE = 100


def telephone(text: str, context: Mapping[str, Any]) -> Read[str]:
    """One or more telephone numbers, with words between them. A letter that was typed for a digit is put right."""
    if is_not_known(text) or _is_placeholder(re.sub(r"[\s()+.,/_-]+", "", _plain(text))):
        return NOT_SAID
    plain = _plain(text)
    numbers, meant = sorted(read_telephones(plain)), mend_digits(plain)
    if not numbers:
        return not_read("has no telephone number that can be read; write it as 01296 555123.")
    mended = (as_digits(word) for word in MISTYPED.findall(NOT_OF_THE_NUMBER.sub("", plain)) if not word.isdigit())
    is_mended = all(any(digits in number for number in numbers) for digits in mended)
    if not is_mended or any(map(lacks_digits, numbers)) or _DIGIT_IN_A_WORD.search(NOT_OF_THE_NUMBER.sub("", meant)):
        read = Read(readable(text).strip(), Check(CheckKind.ASKED, "may have a digit too many or too few."))
    elif meant != plain:
        read = Read(meant, Check(CheckKind.CORRECTED, LETTER_FOR_DIGIT))
    else:
        read = Read(readable(text).strip())
    if read.value is not None and len(read.value) > LONGEST_TELEPHONE:
        says = f"is longer than {LONGEST_TELEPHONE} characters; only the numbers in it are used."
        return Read(", ".join(numbers)[:LONGEST_TELEPHONE], Check(CheckKind.CORRECTED, says))
    return read


def email(text: str, context: Mapping[str, Any]) -> Read[str]:
    """An e-mail address. What can only be a slip is put right."""
    if is_not_known(text):
        return NOT_SAID
    typed = in_one_line(text)
    if _is_email(typed) and not any(map(str.isdigit, _top_level(typed))):
        return Read(typed)
    if "\n" not in readable(text).strip() and _is_email(meant := _email_meant(typed)):
        return Read(meant, Check(CheckKind.CORRECTED, "has a slip in it, which was put right."))
    if addresses := emails_in(text):
        return Read(addresses[0], Check(CheckKind.CORRECTED, "has more than one email address; we write to the first."))
    return not_read("is not an email address; write it as name@school.example.")


def emails_in(text: str) -> list[str]:
    """The e-mail addresses of a text that is nothing else, in order; none where other words may belong to one."""
    words = [
        word.strip("<>").removeprefix("mailto:")
        for word in re.split(r"[\s;,/|&]+|(?<!\S)(?:and|or)(?!\S)", _plain(text))
    ]
    found = list(dict.fromkeys(filter(None, words)))
    return found if all(map(_is_email, found)) else []


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254


def _top_level(address: str) -> str:
    """The last part of the domain, which has no digit, but in other scripts (xn--p1ai)."""
    last = address.rpartition(".")[2].casefold()
    return "" if last.startswith("xn--") else last


def _email_meant(typed: str) -> str:
    """The address without what surrounds it, and with the slips put right that leave one meaning."""
    alone = re.sub(r"^\W*e-?mail\b:\s*|\s+\([^()@]*\)$", "", typed, flags=re.IGNORECASE)
    inner = re.fullmatch(r"[^<>@]*<([^<>]+)>", alone)
    meant = (inner[1] if inner else alone).strip(" <>\"'.,;:").removeprefix("mailto:")
    meant = re.sub(r"\s*[(\[]\s*at\s*[)\]]\s*", "@", meant, flags=re.IGNORECASE)
    meant = re.sub(r"\s*[(\[]\s*dot\s*[)\]]\s*", ".", meant, flags=re.IGNORECASE)
    name, at, domain = re.sub(r"\s*@+\s*", "@", meant).partition("@")
    domain = re.sub(r"\s*[.,]+\s*", ".", domain)
    above, dot, last = domain.rpartition(".")
    return f"{name}{at}{above}{dot}{last.translate(str.maketrans('015', 'ols'))}"


# ---- codes and the words for them


_SEXES = {
    "m": "M", "male": "M", "boy": "M", "man": "M", "1": "M",
    "f": "F", "female": "F", "girl": "F", "woman": "F", "2": "F",
    # 0 and 9 are the codes of the NHS for "not known" and "not specified".
    "u": "U", "unknown": "U", "not known": "U", "not specified": "U", "0": "U", "9": "U",
}  # fmt: skip


def sex(text: str, context: Mapping[str, Any]) -> Read[str]:
    """A DfE code for sex, or a word for it."""
    if (code := _SEXES.get(_words(text))) is not None:
        return Read(code)
    return (
        NOT_SAID if is_not_known(text) else not_read("is not a DfE code for sex, nor a word for it; it is M, F or U.")
    )


_BRITISH = {"white", "british", "english", "scottish", "welsh", "cornish", "northern", "irish"}
# The words that must stand in the name of an ethnicity, and those that may: "Asian or Asian British - Pakistani".
_ETHNICITY_WORDS: tuple[tuple[str, set[str], set[str]], ...] = (
    *(("WBRI", {nation}, _BRITISH) for nation in ("british", "english", "scottish", "welsh", "cornish")),
    ("WBRI", {"northern", "irish"}, _BRITISH),
    ("WIRI", {"irish"}, {"white"}),
    ("WIRT", {"irish", "traveller"}, {"white", "heritage"}),
    ("WROM", {"gypsy"}, {"white", "roma"}),
    ("WROM", {"roma"}, {"white", "gypsy"}),
    ("WOTH", {"white", "other"}, set()),
    ("MWBC", {"white", "black", "caribbean"}, {"mixed", "multiple"}),
    ("MWBA", {"white", "black", "african"}, {"mixed", "multiple"}),
    ("MWAS", {"white", "asian"}, {"mixed", "multiple"}),
    ("MOTH", {"mixed", "other"}, {"multiple"}),
    ("AIND", {"indian"}, {"asian", "british"}),
    ("APKN", {"pakistani"}, {"asian", "british"}),
    ("ABAN", {"bangladeshi"}, {"asian", "british"}),
    ("AOTH", {"asian", "other"}, {"british"}),
    ("BCRB", {"caribbean"}, {"black", "british"}),
    ("BAFR", {"african"}, {"black", "british"}),
    ("BOTH", {"black", "other"}, {"british"}),
    ("CHNE", {"chinese"}, {"asian", "british"}),
    ("OOTH", {"other"}, set()),
    ("REFU", {"refused"}, set()),
    ("REFU", {"prefer", "not", "say"}, set()),
    ("REFU", {"declined"}, set()),
    ("NOBT", {"not", "obtained"}, {"yet", "information"}),
)
_FILLERS = {"or", "and", "any", "background", "backgrounds", "ethnic", "ethnicity", "group", "groups", "of", "the", "a",
            "to"}  # fmt: skip


def ethnicity(text: str, context: Mapping[str, Any]) -> Read[str]:
    """A DfE code for ethnicity, or the words for it in the census and in the DfE's list."""
    said = _words(text)
    if said.upper() in ETHNICITIES:
        return Read(said.upper())
    telling = set(said.replace("travellers", "traveller").split()) - _FILLERS
    meant = {code for code, must, may in _ETHNICITY_WORDS if must <= telling <= must | may}
    if len(meant) == 1:
        return Read(meant.pop())
    says = "is not a DfE ethnicity code, nor the words for one; write its code, as WBRI."
    return NOT_SAID if is_not_known(text) else not_read(says)


def one_of(choices: Collection[str]) -> Typed:
    """A field that is one of these codes, however it is written: "Public task" is public_task."""
    codes = {code.replace("_", " "): str(code) for code in choices}
    listed = ", ".join(choices)

    def read(text: str, context: Mapping[str, Any]) -> Read[str]:
        said = {"y": "yes", "n": "no"}.get(_words(text), _words(text))
        for meant in (said, said.removesuffix(" risk")):
            if meant in codes:
                return Read(codes[meant])
        return NOT_SAID if is_not_known(text) else not_read(f"is not one of {listed}.")

    return Typed(read, examples=choices)


def indicator(text: str, context: Mapping[str, Any]) -> Read[str]:
    """The code of an indicator. `context["indicators"]` holds those that the live catalogue knows."""
    code = _plain(text)
    for written in (code, code.upper(), re.sub("[ -]+", "-", code.upper())):
        if written in context["indicators"]:
            return Read(written)
    says = "is not an indicator of the Continuum of Need that is in force; write the code of one, and nothing else."
    return NOT_SAID if is_not_known(text) else not_read(says)


LONGEST_REF = 50


def reference(text: str, context: Mapping[str, Any]) -> Read[str]:
    """The sender's own short name for a child. One that is too long for its place is replaced by ours."""
    ref = own_ref(text)
    if ref is not None and len(ref) > LONGEST_REF:
        says = f"is longer than {LONGEST_REF} characters; we use one of our own."
        return Read(None, Check(CheckKind.CORRECTED, says))
    return Read(ref)


def own_ref(text: str) -> str | None:
    """The sender's own name for a child, at any length; None for a placeholder."""
    return None if is_not_known(text) else in_one_line(text)
