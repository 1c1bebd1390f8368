"""
Reads what somebody typed into the search box: references, names, dates of birth, numbers, postcodes, addresses and
telephone numbers, in any order.

A text may be read in several ways ("hill" is a name and a street): each way is a person to look for. All of it is
arithmetic, without a database.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product

from dateutil.relativedelta import relativedelta
from django.utils.timezone import localdate

from casework.families.likeness.births import read_birth
from casework.families.likeness.describing import Described, Written, describe
from casework.families.likeness.homes import HOUSES, KINDS, SHORT
from casework.families.likeness.identifiers import has_check_digit, read_nhs_number, read_upn
from casework.families.likeness.keys import asked, what_counts
from casework.families.likeness.names import fold, sound
from casework.families.person_keys import counting
from casework.references import as_reference
from localities import postcodes

MOST_TYPED = 200
MOST_WORDS = 8
INITIALS = "abcdefghijklmnopqrstuvwxyz"
# A street alone is no key: it is asked for with every year of birth, and with these house numbers.
HOUSE_NUMBERS = range(1, 200)
YEARS = 90

REFERENCE = re.compile(
    r"(?<![^\W_])(c[o0]n|ca[s5]|per)[\s\W_]*((?:[0-9a-z][\s\W_]*){7}[0-9a-z])(?![^\W_])", re.IGNORECASE
)
UPN = re.compile(r"(?<![^\W_])[a-z] ?(?:[0-9] ?){11}[0-9a-z](?![^\W_])", re.IGNORECASE)
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
BIRTHS = (
    re.compile(r"(?<![^\W_])\d{4}([-/.])\d{1,2}\1\d{1,2}(?![^\W_])"),
    re.compile(r"(?<![^\W_])\d{1,2}([-/.])\d{1,2}\1(?:\d{4}|\d{2})(?![^\W_])"),
    re.compile(
        rf"(?<![^\W_])\d{{1,2}}(?:st|nd|rd|th)?(?: of)?[-/., ]*{MONTH}[-/., ]*(?:\d{{4}}|\d{{2}})(?![^\W_])",
        re.IGNORECASE,
    ),
    re.compile(rf"(?<![^\W_]){MONTH}[-/., ]*\d{{1,2}}(?:st|nd|rd|th)?[-/., ]+\d{{4}}(?![^\W_])", re.IGNORECASE),
    re.compile(r"(?<!\S)\d{8}(?!\S)"),
    re.compile(r"(?<!\S)\d{1,2} \d{1,2} (?:19|20)\d{2}(?!\S)"),
)
YEAR = re.compile(
    rf"(?<!\S)(?:(?:born|in) {MONTH} )?(?:about |born |in |c\.? ?)*((?:18|19|20)\d{{2}})(?!\S)", re.IGNORECASE
)
# 5yrs 3 months, 5 y/o, 3 weeks old, aged 5.
SO_MANY = r"\d{1,2}(?:½| 1/2)?[ -]?(?:y(?:ea)?rs?|y/?o|y|m(?:on)?ths?|w(?:ee)?ks?|days?)"
AGE = re.compile(
    rf"(?<![^\W_])(?:aged?[: ]*)?{SO_MANY}(?![^\W_])\.?"
    r"(?:(?:,| and| &)? ?\d{1,2}[ -]?m(?:(?:on)?ths?)?(?![^\W_])\.?)?(?:[ -]old(?![^\W_]))?"
    r"|(?<![^\W_])aged?[: ]*\d{1,2}(?![^\W_])",
    re.IGNORECASE,
)
# What stands before a date, a number or an age only to say what it is.
LABEL = re.compile(
    r"(?<![^\W_])(?:d\.?o\.?b\.?|date of birth|born(?: on)?|about|age|nhs(?: (?:no|number))?\.?|upn|"
    r"tel(?:ephone)?\.?|phone|mob(?:ile)?\.?|postcode)[\s:=#-]*(?= , )",
    re.IGNORECASE,
)
# With what it is in front, a date may be typed with blanks and a short year.
LABELLED = re.compile(r"(?i)\b(d\.?o\.?b\.?|born)[\s:]+(\d{1,2})[ .](\d{1,2})[ .](\d{4}|\d{2})(?![^\W_])")
FORCES = re.compile(r"(?<![^\W_])BFPO[ -]?(\d{1,4})(?![^\W_])", re.IGNORECASE)
TELEPHONE = re.compile(r"(?<!\w)(?:(?:\+|00)44[ ()-]*(?:0[ ()-]*)?[1-9]|0[1-9])(?:[ ()-]*\d){8,9}(?!\d)")
TEN_DIGITS = re.compile(r"(?<![^\W_])\d{3}[ -]?\d{3}[ -]?\d{4}(?![^\W_])")
POSTCODE = re.compile(r"(?<![^\W_])[a-z]{1,2}[0-9oilsb][0-9a-z]?[ -]?[0-9oilsb][a-z0-9]{2}(?![^\W_])", re.IGNORECASE)
AREA = re.compile(r"(?<!\S)[a-z]{1,2}[0-9][0-9a-z]?(?!\S)", re.IGNORECASE)


@dataclass(frozen=True)
class Query:
    """
    What is looked for.

    `ways`: the ways to read it as a person; each of these people is looked for. `two_names`: the ways in which two
    words are one last name: whoever is found must have it. `area`: an outward code (HP20).
    `kinds`: what was typed, in words for people ("a name"). `texts`: numbers and words as they may stand in what staff
    recorded, in capitals, without blanks.
    """

    references: tuple[str, ...] = ()
    ways: tuple[Described, ...] = ()
    two_names: tuple[Described, ...] = ()
    area: str = ""
    kinds: tuple[str, ...] = ()
    texts: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_too_little(self) -> bool:
        """Whether it would find a crowd: a year or a postal area alone."""
        return not self.references and not any(True for way in self.ways for _ in keys(way, self.area))


def read_typed(text: str) -> Query:
    """Reads what was typed into one box. Every text can be read; one that says nothing is an empty query."""
    rest = " ".join(re.sub(r"[\u200b-\u200f\u2060\ufeff\u00ad]", "", text[:MOST_TYPED]).split())
    rest = LABELLED.sub(r"\1 \2/\3/\4", re.sub(r"(?<!\w)['’](?=\d\d(?!\d))", "", rest))
    kinds: dict[str, None] = {}
    texts = {_plain(rest), *(_plain(word) for word in rest.split() if any(map(str.isdigit, word)))}
    references, rest, is_sure = _take_references(rest)
    found: dict[str, list[str]] = {}
    kinds_of_text: tuple[tuple[str, re.Pattern[str], Callable[[str], object]], ...] = (
        ("upn", UPN, read_upn),
        *(("date_of_birth", pattern, read_birth) for pattern in BIRTHS),
        ("phone", TELEPHONE, bool),
        ("nhs_number", TEN_DIGITS, read_nhs_number),
        ("postcode", POSTCODE, is_postcode),
        ("age", AGE, bool),
        ("forces", FORCES, bool),
        ("year", YEAR, bool),
        ("area", AREA, bool),
    )
    for name, pattern, reads in kinds_of_text:
        for match in list(pattern.finditer(rest)):
            if name not in found and reads(match[0]):
                found[name] = [match[0]]
                rest = rest.replace(match[0], " , ", 1)
    rest = LABEL.sub(" ", f"{rest} ")
    if "date_of_birth" not in found:
        year = YEAR.fullmatch(found["year"][0]) if "year" in found else None
        born = int(year[1]) if year else _born_about(found["age"][0]) if "age" in found else None
        found["date_of_birth"] = [f"about {born}"] if born else []
    forces = "".join(f"BFPO {re.sub(r'[^0-9]', '', value)}" for value in found.get("forces", []))
    texts |= {_plain(value) for values in found.values() for value in values}
    number = next(iter(found.get("nhs_number", [])), "")
    if number and not has_check_digit(re.sub(r"\D", "", number)) and "phone" not in found:
        # Ten digits may be a telephone number without its 0.
        found["phone"] = [f"0{number}"] if number[0] in "1237" else []
    written = Written(
        **{
            name: values[0]
            for name, values in found.items()
            if name in {"upn", "date_of_birth", "phone", "nhs_number", "postcode"} and values
        }
    )
    named, addressed = False, False
    ways, two_names = [], []
    for names, street in _split(rest):
        address = f"{street} {forces}".strip()
        named, addressed = named or bool(names), addressed or bool(address)
        ways += [describe(written._replace(**way, address=address)) for way in _name_ways(names)]
        if len(names) == 2:
            two_names.append(describe(written._replace(last_name=" ".join(names), address=address)))
    for kind, is_typed in (
        ("a reference", is_sure), ("a name", named), ("a date of birth", found.get("date_of_birth")),
        ("an NHS number", number), ("a unique pupil number", "upn" in found), ("a postcode", "postcode" in found),
        ("a postal area", "area" in found), ("an address", addressed), ("a telephone number", found.get("phone")),
    ):  # fmt: skip
        if is_typed:
            kinds[kind] = None
    says_more = len(kinds) > is_sure
    return Query(
        references=references,
        ways=tuple(dict.fromkeys(ways)) if says_more else (),
        two_names=tuple(two_names) if says_more else (),
        area=found["area"][0].upper() if "area" in found else "",
        kinds=tuple(kinds),
        texts=frozenset(text for text in texts if len(text) > 3),
    )


def of_person(written: Written) -> Query:
    """What is looked for where the fields are known: a person on a new contact."""
    person = describe(written)
    typed = (
        ("a name", person.first or person.last), ("a date of birth", person.birth),
        ("an NHS number", person.nhs_numbers), ("a unique pupil number", person.upns),
        ("an address or postcode", person.home), ("a telephone number", person.telephones),
    )  # fmt: skip
    kinds = tuple(kind for kind, is_typed in typed if is_typed)
    return Query(ways=(person,) if kinds else (), kinds=kinds)


def keys(person: Described, area: str = "") -> Iterator[str]:
    """The keys by which somebody like this is looked for: those of a likeness, and more where little was typed."""
    yield from asked(person)
    names = [name for name in (person.first, person.last) if name]
    sounds = list(dict.fromkeys(heard for name in names for part in name.parts if (heard := sound(part))))
    birth, home = person.birth, person.home
    for what, name in what_counts(person):
        alone = len(names) == 1 and what in {"first_names", "last_names"} and (birth is None or birth.is_a_year)
        if what == "whole_names" or alone or (what == "postcodes" and not names):
            yield counting(what, name)
    if birth and not names and not birth.is_a_year:
        day = min(birth.digits, birth.swapped.digits)
        yield from (f"born {day} {initial}" for initial in INITIALS)
    if birth and len(sounds) == 1:
        yield from (f"year {birth.year} {sounds[0]} {initial}" for initial in INITIALS)
    if area and len(sounds) > 1:
        pairs = {"+".join(sorted(pair)) for pair in product(sounds, sounds) if pair[0] != pair[1]}
        yield from (f"area {area} {pair}" for pair in pairs)
    if home and not home.postcode and not home.numbers and not names:
        streets = [sound(word) for word in home.words if word not in KINDS and len(word) > 2][:2]
        newest = localdate().year
        yield from (f"street {street} {year}" for street in streets for year in range(newest - YEARS, newest + 1))
        yield from (f"street {street} {number}" for street in streets for number in HOUSE_NUMBERS)


# ---- the parts of the text


def _born_about(age: str) -> int:
    """The year in which somebody of this age was most likely born: of somebody of five years, half a year before."""
    said = re.findall(r"(\d+)(?:½| 1/2)?[ -]?([a-z])", age.lower())
    numbers = {unit: int(number) for number, unit in said}
    years = numbers.get("y", 0) if numbers else int(re.sub(r"\D", "", age))
    months = numbers.get("m", 0 if set(numbers) & {"w", "d"} else 6)
    past = relativedelta(years=years, months=months, weeks=numbers.get("w", 0), days=numbers.get("d", 0))
    return (localdate() - past).year


def _take_references(text: str) -> tuple[tuple[str, ...], str, bool]:
    """The references, the rest of the text, and whether one is surely a reference: "Conrad Smith" may be one."""
    found, is_sure = [], False
    for match in list(REFERENCE.finditer(text)):
        kind = match[1].upper().translate(str.maketrans("05", "OS"))
        found.append(as_reference(f"{kind}{match[2]}"))
        if any(map(str.isdigit, match[0])) or "-" in match[0]:
            is_sure = True
            text = text.replace(match[0], " , ", 1)
    return tuple(found), text, is_sure


def is_postcode(text: str) -> bool:
    """Whether the text can be read as a postcode, with a slip or without."""
    try:
        postcodes.read(text)
    except ValueError:
        return False
    return any(map(str.isdigit, text))


def _split(rest: str) -> Iterator[tuple[list[str], str]]:
    """The ways to divide words into names and an address."""
    words = [word for part in rest.split(",") for word in part.split() if fold(word)][:MOST_WORDS]
    plain = [fold(word) for word in words]
    number = next((n for n, word in enumerate(plain) if word[:1].isdigit() or word in {"flat", "apartment"}), None)
    streets = [n for n, word in enumerate(plain) if n > 0 and SHORT.get(word, word) in KINDS | HOUSES]
    if number is not None:
        last = max((n for n in streets if n > number), default=len(words) - 1)
        yield words[:number], " ".join(words[number:])
        if words[last + 1 :]:
            yield words[:number] + words[last + 1 :], " ".join(words[number : last + 1])
        return
    yield words, ""
    if streets:
        at = streets[-1]
        yield words[: at - 1], " ".join(words[at - 1 :])
        if at > 1:
            yield words[: at - 2], " ".join(words[at - 2 :])


def _name_ways(names: list[str]) -> Iterator[dict[str, str]]:
    if len(names) == 1:
        yield {"last_name": names[0]}
        yield {"first_name": names[0]}
    elif names:
        yield {"first_name": " ".join(names[:-1]), "last_name": names[-1]}
        if len(names) > 2:
            yield {"first_name": names[0], "last_name": " ".join(names[1:])}
    else:
        yield {}


def _plain(text: str) -> str:
    return re.sub(r"[\W_]", "", text).upper()
