"""The format of postcodes, how people mistype them, and the prefixes that a catchment can have."""

import itertools
import re
import unicodedata
from collections.abc import Iterator

# The format in Royal Mail's guide: an outward code, a space, and a digit with two letters.
_FORMAT = re.compile(r"^([A-Z]{1,2}[0-9][0-9A-Z]?)([0-9][A-Z]{2})$")
_AMONG_WORDS = re.compile(r"(?<![^\W_])[A-Z]{1,2}[0-9][0-9A-Z]?[ -]?[0-9][A-Z]{2}(?![^\W_])", re.IGNORECASE)
# At the end of an address, where it may be mistyped.
_LAST = re.compile(r"(?<![^\W_])[A-Z0-9]{2,4}[ -]?[A-Z0-9]{3}(?=\W*$)", re.IGNORECASE)
# The forms of an outward code, A for a letter and 9 for a digit; an inward code is 9AA. Source: Royal Mail, as above.
_OUTWARD = ("A9", "A99", "AA9", "AA99", "A9A", "AA9A")
# Only these districts, all in London, end in a letter. Elsewhere a letter there is more likely to be a mistyped digit.
_LETTERED = frozenset({"E1", "N1", "W1", "EC1", "EC2", "EC3", "EC4", "NW1", "SE1", "SW1", "WC1", "WC2"})
_AREAS = frozenset({
    "AB", "AL", "B", "BA", "BB", "BD", "BF", "BH", "BL", "BN", "BR", "BS", "BT", "CA", "CB", "CF", "CH", "CM",
    "CO", "CR", "CT", "CV", "CW", "DA", "DD", "DE", "DG", "DH", "DL", "DN", "DT", "DY", "E", "EC", "EH", "EN",
    "EX", "FK", "FY", "G", "GL", "GU", "GY", "HA", "HD", "HG", "HP", "HR", "HS", "HU", "HX", "IG", "IM", "IP",
    "IV", "JE", "KA", "KT", "KW", "KY", "L", "LA", "LD", "LE", "LL", "LN", "LS", "LU", "M", "ME", "MK", "ML", "N",
    "NE", "NG", "NN", "NP", "NR", "NW", "OL", "OX", "PA", "PE", "PH", "PL", "PO", "PR", "RG", "RH", "RM", "S",
    "SA", "SE", "SG", "SK", "SL", "SM", "SN", "SO", "SP", "SR", "SS", "ST", "SW", "SY", "TA", "TD", "TF", "TN",
    "TQ", "TR", "TS", "TW", "UB", "W", "WA", "WC", "WD", "WF", "WN", "WR", "WS", "WV", "YO", "ZE", "ZZ",
})  # fmt: skip
# What looks alike. A slip is put right only where the format needs a digit, or a letter.
_DIGITS = {"O": "0", "I": "1", "L": "1", "S": "5", "B": "8"}
_LETTERS = {"0": "O", "1": "I", "5": "S", "8": "B"}
# No inward code has these letters.
_NOT_INWARD = frozenset("CIKMOV")
_MOST_SLIPS = 2


def normalise(text: str) -> str:
    """
    Writes "hp201ua" as "HP20 1UA".

    :raises ValueError: it does not have the format of a postcode; the message is a sentence for people.
    """
    match = _FORMAT.match(re.sub(r"\s+", "", text).upper())
    if match is None:
        raise ValueError("is not a postcode; write it as HP20 1UA.")
    return f"{match[1]} {match[2]}"


def read(text: str) -> tuple[str, bool]:
    """
    Reads a postcode as people type it: "HP2O-1ua" is "HP20 1UA", because a digit must stand where the O does.

    Blanks, hyphens and characters that nobody sees do not matter. Of several postcodes that could be meant, none is
    taken.

    :returns: the postcode, and whether a letter was taken for a digit or a digit for a letter.
    :raises ValueError: as `normalise`.
    """
    typed = _bare(text)
    by_slips: dict[int, set[str]] = {}
    for slips, postcode in _meant(typed):
        by_slips.setdefault(slips, set()).add(postcode)
    if by_slips:
        fewest = min(by_slips)
        if len(by_slips[fewest]) == 1 and fewest <= _MOST_SLIPS:
            return by_slips[fewest].pop(), fewest > 0
    return normalise(typed), False


def found_in(text: str) -> list[str]:
    """The postcodes that stand among other words, as they are written; not what is mistyped."""
    found = dict.fromkeys(normalise(_bare(match[0])) for match in _AMONG_WORDS.finditer(text))
    return [each for each in found if _area(each) in _AREAS and (0, each) in _meant(_bare(each))]


def mistyped_at_end(text: str) -> str:
    """The postcode that is meant at the end of an address, where it is mistyped; "" where there is none."""
    last = _LAST.search(text)
    try:
        meant, corrected = read(last[0]) if last else ("", False)
    except ValueError:
        return ""
    return meant if corrected else ""


def without(text: str) -> str:
    """The text without the postcodes that stand in it."""
    return _AMONG_WORDS.sub(lambda match: "" if found_in(match[0]) else match[0], text).strip(" ,")


def is_geographic(postcode: str) -> bool:
    """
    Whether a normalised postcode is a place in the country. ZZ99 codes stand for no fixed abode, abroad or not known
    (NHS Data Dictionary), and BF codes for the British Forces.
    """
    return _area(postcode) in _AREAS - {"BF", "ZZ"}


def _area(postcode: str) -> str:
    return "".join(itertools.takewhile(str.isalpha, postcode))


def _bare(text: str) -> str:
    """A postcode in capitals, without what does not matter."""
    characters = "".join(
        character for character in unicodedata.normalize("NFKC", text) if unicodedata.category(character) != "Cf"
    )
    return re.sub(r"[\s.,/_\u2010-\u2015\u2212-]+", "", characters).upper()


def _meant(typed: str) -> Iterator[tuple[int, str]]:
    """The postcodes that could be meant, each with its number of slips."""
    for form in _OUTWARD:
        meant = _in_form(typed, form + "9AA") if len(typed) == len(form) + 3 else None
        if meant is None or (form.endswith("9A") and meant[: len(form) - 1] not in _LETTERED):
            continue
        slips = sum(a != b for a, b in zip(meant, typed, strict=True))
        area = _area(meant)
        put_right = [letter for letter, was in zip(meant[-2:], typed[-2:], strict=True) if letter != was]
        if slips and (area not in _AREAS or not _NOT_INWARD.isdisjoint(put_right)):
            continue
        yield slips, f"{meant[:-3]} {meant[-3:]}"


def _in_form(typed: str, form: str) -> str | None:
    """The text with a digit or a letter wherever the form needs one; None if something else stands there."""
    meant = ""
    for character, kind in zip(typed, form, strict=True):
        fits = "0" <= character <= "9" if kind == "9" else "A" <= character <= "Z"
        right = character if fits else (_DIGITS if kind == "9" else _LETTERS).get(character)
        if right is None:
            return None
        meant += right
    return meant


def prefixes(postcode: str) -> list[str]:
    """
    The prefixes of a postcode that a catchment can have, the longest first.

    A prefix ends where a part of the postcode ends: MK1 is a prefix of MK1 1AA and not of MK17 9AA, which is elsewhere.
    """
    outward, inward = postcode.split(" ")
    result = [f"{outward} {inward}", f"{outward} {inward[0]}", outward]
    if outward[-1].isalpha():
        result.append(outward[:-1])
    result.append(re.sub(r"[0-9].*$", "", outward))
    return result
