"""Reads numbers that belong to somebody: NHS number, unique pupil number, telephone. They are evidence, never proof."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

import nhs_number as nhs
from rapidfuzz.distance import OSA

# Letters that people type for digits, in the same order.
LOOKALIKES = str.maketrans("OoIiLlSsBb", "0011115588")
# So many digits are two numbers; a number of this country has no more than these.
TWO_NUMBERS, MOST_DIGITS = 16, 11
DIGIT = "[0-9OoIiLlSsBb]"
# A word of digits with such letters.
MISTYPED = re.compile(rf"(?<![^\W_])(?={DIGIT}*[0-9]){DIGIT}+(?![^\W_])")
# The best first.
NUMBER_LEVELS = ("same", "doubted", "unchecked", "digit", "differs")


@dataclass(frozen=True)
class Number:
    """
    An identifier as it is compared. `is_valid`: its check digit or letter is right. `is_doubted`: it may be somebody
    else's.
    """

    text: str
    is_valid: bool
    is_doubted: bool = False


@lru_cache(maxsize=100_000)
def read_nhs_number(text: str) -> Number | None:
    """Ten digits. Repeated digits (0000000000, 1111111111) and the like say that nobody knows the number."""
    digits = _digits(text)
    if len(digits) != 10 or re.search(r"[A-Za-z]", text) or len(set(digits)) == 1 or digits in _PLACEHOLDERS:
        return None
    return Number(digits, has_check_digit(digits))


def has_check_digit(digits: str) -> bool:
    """Whether the last of an NHS number's ten digits is its check digit."""
    return bool(nhs.is_valid(digits))  # type: ignore[attr-defined]  # public, but not re-exported by name


_PLACEHOLDERS = {"1234567890", "0123456789", "9876543210", "1234567899", "0000000001"}

# The letters of a unique pupil number. Source: Department for Education, Unique pupil numbers (UPNs), 2019, annex:
# the check letter is the sum of the 12 digits, each times its place plus one, modulo 23.
_UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


@lru_cache(maxsize=100_000)
def read_upn(text: str) -> Number | None:
    """
    A letter and twelve digits: H801200001001. The last may be a letter: that is a temporary number.
    """
    found = re.sub(r"[\W_]", "", text.upper())
    match = re.fullmatch(r"([A-Z])([0-9]{11})([0-9A-Z])", found)
    if match is None or len(set(found[1:])) == 1:
        return None
    last = match[3]
    # A temporary number's last letter counts as its place among the letters (X0 is 0 in the department's own table).
    value = int(last) if last.isdigit() else _UPN_LETTERS.find(last)
    if value < 0:
        return Number(found, is_valid=False)
    digits = [*(int(digit) for digit in match[2]), value]
    check = sum(place * digit for place, digit in enumerate(digits, start=2)) % 23
    return Number(found, _UPN_LETTERS[check] == match[1])


# The zero that is left out from abroad, an extension, and when to call: 4pm, 9.30am, 24hrs.
NOT_OF_THE_NUMBER = re.compile(
    r"\(0\)|(?:\bext(?:ension|n)?|\bx)\.?\s*\d{1,6}\b|\b\d{1,2}(?:[:.]\d\d)?\s?(?:[ap]\.?m\b|h(?:ou)?rs?\b)",
    re.IGNORECASE,
)


@lru_cache(maxsize=100_000)
def read_telephones(text: str) -> frozenset[str]:
    """
    The telephone numbers in a text, in national form: +44 7700 900123 is 07700900123, and 07700 9OO123 with the letter
    O is 07700900123. One abroad begins with its country, as +49 and 0049 do. Placeholders are left out.
    """
    found = set()
    for each in _apart(NOT_OF_THE_NUMBER.sub("", mend_digits(text[:200]))):
        digits = _digits(each)
        digits = re.sub(r"^00(?=[1-9])", "", digits)
        digits = re.sub(r"^44(?=[1-9]\d{8,9}$)", "0", digits)
        if len(digits) == 10 and digits[0] in "1237":
            # A spreadsheet has eaten the zero.
            digits = "0" + digits
        if 9 <= len(digits) <= 15 and len(set(digits[1:])) > 2 and digits not in {"01234567890", "0123456789"}:
            found.add(digits)
    return frozenset(found)


def _apart(text: str) -> Iterator[str]:
    """The numbers of a text, which are parted by words or signs, or by no more than a blank."""
    for each in re.split(r"[;,/|]|[^\W\d_]+", text):
        if len(_digits(each)) < TWO_NUMBERS:
            yield each
            continue
        number = ""
        for group in re.findall(r"[(+]*\d+", each):
            digits = _digits(number)
            is_whole = len(digits) >= (12 if digits.startswith("00") else 10)
            if is_whole and (group[0] in "(+0" or len(digits + group) > MOST_DIGITS):
                yield number
                number = ""
            number += group
        yield number


def lacks_digits(telephone: str) -> bool:
    """Whether a number in national form is too short, or too long, to be dialled: a mobile number has 11 digits."""
    if not telephone.startswith("0"):
        return False
    return len(telephone) != 11 and (telephone.startswith("07") or len(telephone) != 10)


def as_digits(text: str) -> str:
    """A number with digits where letters were typed that look like them."""
    return text.translate(LOOKALIKES)


def mend_digits(text: str) -> str:
    """A text in which the words of digits have no letter: "077OO 9OO123 or home" is "07700 900123 or home"."""
    return MISTYPED.sub(lambda match: as_digits(match[0]), text)


def _digits(text: str) -> str:
    return "".join(str(int(character)) for character in text[:100] if character.isdecimal())


def nearest_number(numbers: Collection[Number], others: Collection[Number]) -> str:
    """
    The level at which two people's identifiers of one kind agree best, of whom each may have several; "" if nothing can
    be said: a doubted number says nothing against.
    """
    levels = {_level(number, other) for number in numbers for other in others}
    return next((level for level in NUMBER_LEVELS if level in levels), "")


def _level(number: Number, other: Number) -> str:
    is_doubted = number.is_doubted or other.is_doubted
    if number.text == other.text:
        return "doubted" if is_doubted else "same" if number.is_valid else "unchecked"
    if is_doubted:
        return ""
    if not (number.is_valid and other.is_valid) and OSA.distance(number.text, other.text, score_cutoff=1) == 1:
        return "digit"
    return "differs"
