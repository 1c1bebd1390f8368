"""
Reads what somebody typed into the search box: references, names, dates of birth, numbers, postcodes, addresses and
telephone numbers, in any order.

A text may be read in several ways ("hill" is a name and a street): each way is a person to look for. All of it is
arithmetic, without a database.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import NamedTuple

from dateutil.relativedelta import relativedelta
from django.utils.timezone import localdate

from casework.families import towns
from casework.families.expected_days import DUE, IS_DUE, MONTH, Days, expected_on, without_a_day
from casework.families.likeness.births import (
    ORDINAL,
    SPELT_MONTH,
    WEEKDAY,
    ordinals_in_digits,
    read_birth,
    read_month,
)
from casework.families.likeness.describing import Described, Written, describe
from casework.families.likeness.homes import HOUSES, KINDS, SHORT
from casework.families.likeness.identifiers import (
    DIGIT,
    as_digits,
    has_check_digit,
    lacks_digits,
    read_nhs_number,
    read_telephones,
    read_upn,
)
from casework.families.likeness.names import before_surnames, fold
from casework.families.search_keys import keys, near, placed
from casework.families.towns import Town
from casework.references import as_reference
from localities import postcodes

MOST_TYPED = 200
MOST_WORDS = 12
# A number that is none of those that can be read has so many digits. The number of a house has fewer.
FEWEST_DIGITS = 6

REFERENCE = re.compile(
    r"(?<![^\W_])(c[o0]n|ca[s5]|per)[\s\W_]*((?:[0-9a-z][\s\W_]*){7}[0-9a-z])(?![^\W_])", re.IGNORECASE
)
BETWEEN = r"[ ().\-/\u2010-\u2015]*"
UPN = re.compile(rf"(?<![^\W_])[a-z] ?(?:{DIGIT} ?){{11}}[0-9a-z](?![^\W_])", re.IGNORECASE)
BIRTHS = (
    re.compile(rf"(?<![^\W_]){DIGIT}{{4}}([-/.]){DIGIT}{{1,2}}\1{DIGIT}{{1,2}}(?![^\W_])"),
    re.compile(rf"(?<![^\W_]){DIGIT}{{1,2}}([-/.]){DIGIT}{{1,2}}\1(?:{DIGIT}{{4}}|{DIGIT}{{2}})(?![^\W_])"),
    re.compile(
        rf"(?<![^\W_])\d{{1,2}}(?:st|nd|rd|th)?(?: of)?[-/., ]*{MONTH}[-/., ]*(?:\d{{4}}|\d{{2}})(?![^\W_])",
        re.IGNORECASE,
    ),
    re.compile(rf"(?<![^\W_]){MONTH}[-/., ]*\d{{1,2}}(?:st|nd|rd|th)?[-/., ]+\d{{4}}(?![^\W_])", re.IGNORECASE),
    re.compile(r"(?<!\S)\d{8}(?!\S)"),
    re.compile(r"(?<!\S)\d{1,2} \d{1,2} (?:19|20)\d{2}(?!\S)"),
)
# Fridays are no people: Friday 3rd April 2015, the third of April 2015.
WEEKDAY_BEFORE = re.compile(
    rf"(?<![^\W_]){WEEKDAY}[.,]? (?:the )?(?=\d{{1,2}}(?:st|nd|rd|th)?(?: of)?[-/., ]*{SPELT_MONTH}|\d{{1,2}}[-/.]\d)",
    re.IGNORECASE,
)
ORDINAL_BEFORE = re.compile(rf"{ORDINAL.pattern}(?=(?: of)? {SPELT_MONTH}(?![^\W_]))", re.IGNORECASE)
A_YEAR = r"(?:18|19|20)\d{2}"
# No month that is a name as well: Jan, April, May, June, August.
MONTH_ALONE = r"(?:january|feb(?:ruary)?|march|july?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
MONTHS_OF_BIRTH = (
    re.compile(rf"(?<!\S)(?:(?:born|in) )+{SPELT_MONTH}[-/., ]+{A_YEAR}(?![^\s,])", re.IGNORECASE),
    re.compile(rf"(?<!\S){MONTH_ALONE}[-/., ]+{A_YEAR}(?![^\s,])", re.IGNORECASE),
    re.compile(rf"(?<!\S)(?:\d{{1,2}}[-/.]{A_YEAR}|{A_YEAR}-\d{{1,2}})(?![^\s,])"),
)
# A name, or the month in which somebody was born.
NAME_OR_MONTH = re.compile(rf"(?<!\S)({SPELT_MONTH}),? ({A_YEAR})(?![^\s,])", re.IGNORECASE)
YEAR = re.compile(rf"(?<!\S)(?:about |born |in |c\.? ?)*({A_YEAR})(?![^\s,])", re.IGNORECASE)
# 5yrs 3 months, 5 y/o, 3 weeks old, aged 5, c15, 15ish, 15-16 yrs.
SO_MANY = r"\d{1,2}(?:½| 1/2)?[ -]?(?:y(?:ea)?rs?|y/?o|y|m(?:on)?ths?|w(?:ee)?ks?|days?)"
AGE = re.compile(
    rf"(?<![^\W_])(?:aged?[: ]*)?(?:\d{{1,2}}(?:-| or ))?{SO_MANY}(?![^\W_])\.?"
    r"(?:(?:,| and| &)? ?\d{1,2}[ -]?m(?:(?:on)?ths?)?(?![^\W_])\.?)?(?:[ -]old(?![^\W_]))?"
    r"|(?<![^\W_])aged?[: ]*\d{1,2}(?:(?:-| or )\d{1,2})?(?![^\W_])"
    r"|(?<!\S)(?:c\.? ?(?=\d)|~ ?)\d{1,2}(?:ish)?(?!\d)(?=\s*(?:,|$|\d))|(?<!\S)(?:c\.?|~)\d{1,2}(?:ish)?(?![^\s,])"
    r"|(?<!\S)(?:approx(?:imately)?|around|about)\.? \d{1,2}(?!\d)(?=\s*(?:,|$|\d))|(?<!\S)\d{1,2}[ -]?ish(?![^\s,])",
    re.IGNORECASE,
)
# What stands before a date, a number or an age only to say what it is.
LABEL = re.compile(
    rf"(?<![^\W_])(?:{DUE}|d\.?o\.?b\.?|date of birth|born(?: on)?|about|age|nhs(?: (?:no|number))?\.?|upn|"
    r"tel(?:ephone)?\.?|phone|mob(?:ile)?\.?|postcode)[\s:=#-]*(?= , )",
    re.IGNORECASE,
)
# With what it is in front, a date may be typed with blanks and a short year.
LABELLED = re.compile(r"(?i)\b(d\.?o\.?b\.?|born)[\s:]+(\d{1,2})[ .](\d{1,2})[ .](\d{4}|\d{2})(?![^\W_])")
FORCES = re.compile(r"(?<![^\W_])BFPO[ -]?(\d{1,4})(?![^\W_])", re.IGNORECASE)
TELEPHONE = re.compile(
    rf"(?<!\w)(?:(?:\+|[0Oo]{{2}})44{BETWEEN}(?:[0Oo]{BETWEEN})?{DIGIT}|\(?[0Oo]{DIGIT})(?:{BETWEEN}{DIGIT}){{8,9}}"
    r"(?![^\W_])"
)
ABROAD = re.compile(rf"(?<!\w)(?:\+|00)[1-9](?:{BETWEEN}{DIGIT}){{8,13}}(?![^\W_])")
TEN_DIGITS = re.compile(rf"(?<![^\W_]){DIGIT}{{3}}[ -]?{DIGIT}{{3}}[ -]?{DIGIT}{{4}}(?![^\W_])")
NUMBER = re.compile(rf"(?<!\w)[+(]*{DIGIT}(?:{BETWEEN}{DIGIT})+(?![^\W_])")
POSTCODE = re.compile(r"(?<![^\W_])[a-z]{1,2}[0-9oilsb][0-9a-z]?[ -]?[0-9oilsb][a-z0-9]{2}(?![^\W_])", re.IGNORECASE)
# Without its 0, as a spreadsheet shows it.
WITHOUT_ZERO = re.compile(rf"(?<![^\W_])[1237](?:{BETWEEN}{DIGIT}){{9}}(?![^\W_])")
# A day without its year says too little.
DAY_AND_MONTH = re.compile(
    rf"(?<![^\W_])(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {SPELT_MONTH}|{SPELT_MONTH} \d{{1,2}}(?:st|nd|rd|th)?)"
    r"(?![^\W_])",
    re.IGNORECASE,
)
# Words around a name that are no part of one.
NO_NAMES = frozenset({
    "and", "the", "of", "or", "family", "families", "household", "twins", "triplets", "siblings", "brothers", "sisters",
    "children", "child", "kids", "kid", "baby", "mum", "mother", "dad", "father", "parents", "nan", "gran",
    "grandmother", "uncle", "aunt", "pupil", "student",
})  # fmt: skip
# Those of them that are names all the same.
ALSO_NAMES = frozenset({"child", "nan"})
# A whole name in Chinese or Korean letters has no blank: the first is the family's.
FAMILY_FIRST = re.compile(r"(?<!\w)([\u4e00-\u9fff\uac00-\ud7a3])([\u4e00-\u9fff\uac00-\ud7a3]{1,2})(?!\w)")
# With the first digit of the other half, or without it: HP20 1.
AREA = re.compile(r"(?<!\S)[a-z]{1,2}[0-9][0-9a-z]?(?: [0-9](?= *(?:,|$)))?(?![^\s,])", re.IGNORECASE)
DIGITS_ONLY = re.compile(rf"(?:{DIGIT}|[-/.])+")
EMAIL = re.compile(r"[^\s,;<>()@]+@[^\s,;<>()@]+\.[^\s,;<>()@]*[^\W_](?!\S*@)")
A_NUMBER, AN_EMAIL = "another number", "an email address"


class Reading(NamedTuple):
    """A way to read what was typed. `exactly`: the field that must agree exactly, or "". `town`: where they live."""

    person: Described
    exactly: str = ""
    town: Town | None = None


@dataclass(frozen=True)
class Query:
    """
    What is looked for.

    `ways`: the ways to read it as a person; each of these people is looked for. `others`: the other ways to read it:
    the last name first, or all words as one name. `placed`: people in a town or a village. `area`: an
    outward code (HP20). `expected`: when a child is expected, or was. `kinds`: what was typed, in words for people ("a
    name"). `texts`: numbers and words as they may stand in what staff recorded, in capitals, without blanks. `notes`:
    in sentences for people, what was read otherwise than it was typed, and what could not be read.
    """

    references: tuple[str, ...] = ()
    ways: tuple[Described, ...] = ()
    others: tuple[Reading, ...] = ()
    placed: tuple[Reading, ...] = ()
    area: str = ""
    expected: Days | None = None
    kinds: tuple[str, ...] = ()
    texts: frozenset[str] = field(default_factory=frozenset)
    notes: tuple[str, ...] = ()

    @property
    def is_too_little(self) -> bool:
        """Whether it would find a crowd: a year or a postal area alone."""
        if self.references or self.expected or not {A_NUMBER, AN_EMAIL}.isdisjoint(self.kinds):
            return False
        return not any(True for way in self.ways for _ in keys(way, self.area))

    @property
    def readings(self) -> list[Reading]:
        """All ways to read it."""
        return [*map(Reading, self.ways), *self.others, *self.placed]

    def without_places(self) -> "Query":
        """The same query, without where somebody lives."""

        def anywhere(readings: Iterable[Reading]) -> dict[Reading, None]:
            persons = ((each, each.person.written._replace(address="", postcode="")) for each in readings)
            # The day on which a child is expected says enough by itself.
            said = ((each, written) for each, written in persons if any(written) or self.expected)
            return {Reading(describe(written), each.exactly): None for each, written in said}

        ways = tuple(each.person for each in anywhere((*map(Reading, self.ways), *self.placed)))
        return replace(self, ways=ways, others=tuple(anywhere(self.others)), placed=(), area="")

    def probes(self) -> list[set[str]]:
        """
        The keys of whom to look for: by each way of reading what was typed, and those of whoever is near. Each brings
        so many people at most, so that those who are near take nobody's place.
        """
        of_ways = [set(keys(way, self.area)) for way in self.ways]
        of_places = {key for way in self.placed if way.town for key in placed(way.person, way.town)}
        of_near = {key for way in (*self.ways, *(other.person for other in self.others)) for key in near(way)}
        return [*of_ways, of_places, of_near.difference(*of_ways)]


@dataclass
class _Found:
    """What was found in the text, by its kind, and the rest of it."""

    rest: str
    values: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def take(self, typed: str, instead: str = " , ") -> None:
        self.rest = self.rest.replace(typed, instead, 1)

    def read(self, name: str, pattern: re.Pattern[str], reads: Callable[[str], str]) -> None:
        """
        Takes what is of a kind out of the text.

        :param reads: the value as it is looked for, or "" if it is not of that kind.
        """
        for match in list(pattern.finditer(self.rest)):
            if not (meant := reads(match[0])):
                continue
            value = meant
            self.take(match[0])
            if name == "phone" and name in self.values:
                value = f"{self.values[name]}, {value}"
            elif name in self.values:
                self.notes.append(f"“{match[0]}” was left out: search for it on its own.")
                continue
            self.values[name] = value
            if _plain(meant) != _plain(match[0]):
                self.notes.append(f"“{match[0]}” was read as {meant}.")

    def unread(self) -> Iterator[str]:
        """Takes the numbers out that could not be read."""
        for match in list(NUMBER.finditer(self.rest)):
            digits = re.sub(r"\D", "", as_digits(match[0]))
            if sum(map(str.isdigit, match[0])) < FEWEST_DIGITS:
                continue
            self.take(match[0])
            self.notes.append(_says_unread(match[0].strip(), digits))
            yield digits


def read_typed(text: str) -> Query:
    """Reads what was typed into one box. Every text can be read; one that says nothing is an empty query."""
    rest = " ".join(re.sub(r"[\u200b-\u200f\u2060\ufeff\u00ad]", "", text[:MOST_TYPED]).split())
    emails = EMAIL.findall(rest)
    rest = EMAIL.sub(" , ", rest)
    rest = FAMILY_FIRST.sub(r"\2 \1", re.sub(r"(?<=[^\W\d_])\.(?=[^\W\d_]{2})", " ", rest))
    rest = LABELLED.sub(r"\1 \2/\3/\4", re.sub(r"(?<!\w)['’](?=\d\d(?!\d))", "", rest))
    rest = WEEKDAY_BEFORE.sub("", ORDINAL_BEFORE.sub(lambda match: ordinals_in_digits(match[0]), rest))
    texts = {
        _plain(rest),
        *map(_plain, emails),
        *(_plain(word) for word in rest.split() if any(map(str.isdigit, word))),
    }
    may_be_a_month = NAME_OR_MONTH.search(rest)
    references, rest, is_sure = _take_references(rest)
    found = _Found(rest)
    found.notes += [f"“{typed}” was read as {meant}." for typed, meant in references if is_sure and typed != meant]
    expected = _take_expected(found)
    kinds_of_text: tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...] = (
        ("upn", UPN, partial(_number, reads=read_upn)),
        *(("date_of_birth", pattern, _birth) for pattern in BIRTHS),
        ("phone", TELEPHONE, _telephone),
        ("phone", ABROAD, _telephone),
        ("nhs_number", TEN_DIGITS, partial(_number, reads=read_nhs_number)),
        ("phone", WITHOUT_ZERO, _telephone),
        ("postcode", POSTCODE, read_postcode),
        ("age", AGE, str),
        ("forces", FORCES, str),
        *(("month", pattern, _month) for pattern in MONTHS_OF_BIRTH),
        ("year", YEAR, str),
        ("area", AREA, str),
    )
    for name, pattern, reads in kinds_of_text:
        found.read(name, pattern, reads)
    values = found.values
    expected, is_expected = _tell_births(found, expected)
    found.rest = LABEL.sub(" ", f"{found.rest} ")
    forces = f"BFPO {re.sub(r'[^0-9]', '', values['forces'])}" if "forces" in values else ""
    number = values.get("nhs_number", "")
    if number and not has_check_digit(re.sub(r"\D", "", number)) and "phone" not in values and number[0] in "1237":
        # Ten digits may be a telephone number without its 0.
        values["phone"] = f"0{number}"
    for match in list(DAY_AND_MONTH.finditer(found.rest)):
        # March Street, or June who lives at 7 Mill Lane.
        after = _words(found.rest[match.end() :].partition(",")[0])[: 1 if match[0][0].isdigit() else 3]
        if not any(map(_ends_a_street, after)):
            found.take(match[0])
            found.notes.append(f"“{match[0]}” was left out: type the year as well.")
    unread = list(found.unread())
    texts |= {_plain(each) for value in (*values.values(), *unread) for each in value.split(", ")}
    written = Written(
        **{name: values[name] for name in ("upn", "date_of_birth", "phone", "nhs_number", "postcode") if name in values}
    )
    # Khan June 2015: June Khan of that year, or a Khan of that month.
    in_month = may_be_a_month if may_be_a_month and values.get("year") == may_be_a_month[2] else None
    named, addressed = False, False
    ways, others, in_towns = list[Described](), list[Reading](), list[Reading]()
    if left_out := _words(found.rest)[MOST_WORDS:]:
        found.notes.append(f"“{' '.join(left_out)}” was left out: type fewer words.")
    alone = ""
    for names, street in _split(found.rest):
        address = f"{street} {forces}".strip()
        if address and "postcode" not in values and not any(map(str.isalpha, address)):
            address, alone = "", address
        whole, names = names, _only_names(names)
        named, addressed = named or bool(names), addressed or bool(address)
        ways += [describe(written._replace(**way, address=address)) for way in _name_ways(names)]
        others += [
            Reading(describe(written._replace(**way, address=address)), exactly)
            for way, exactly in _other_name_ways(names)
        ]
        also = [word for word in whole if word in names or fold(word) in ALSO_NAMES]
        if also != names:
            # Sue Child, Nan Smith.
            ways += [describe(written._replace(**way, address=address)) for way in _name_ways(also)]
        in_towns += _in_towns(written, names, address, may_be_a_village="area" not in values and not forces)
        if "area" in values and names and not address:
            # Station HP20; Haddad Station HP20.
            ways += [
                describe(written._replace(**way, address=" ".join(names[cut:])))
                for cut in sorted({0, len(names) - 1})
                for way in _name_ways(names[:cut])
            ]
        if in_month and (others_of_name := [name for name in names if name != in_month[1]]):
            month = written._replace(address=address, date_of_birth=in_month[0])
            ways += [describe(month._replace(**way)) for way in _name_ways(others_of_name)]
    if alone and not addressed:
        found.notes.append(f"“{alone}” was left out: say of what it is the number.")
    kinds = [
        kind for kind, is_typed in (
            ("a reference", is_sure), ("a name", named), ("a date of birth", values["date_of_birth"]),
            ("an expected date", is_expected), ("an NHS number", number), ("a unique pupil number", "upn" in values),
            ("a postcode", "postcode" in values), ("a postal area", "area" in values), ("an address", addressed),
            ("a town", any(way.town and way.town.areas for way in in_towns)),
            ("a telephone number", values.get("phone")), (A_NUMBER, unread), (AN_EMAIL, emails),
        ) if is_typed
    ]  # fmt: skip
    says_more = len(kinds) > is_sure
    return Query(
        references=tuple(meant for _, meant in references),
        ways=tuple(dict.fromkeys(ways)) if says_more else (),
        others=tuple(dict.fromkeys(others)) if says_more else (),
        placed=tuple(dict.fromkeys(in_towns)) if says_more else (),
        area=values.get("area", "").upper().split(" ")[0],
        expected=expected if says_more else None,
        kinds=tuple(kinds),
        texts=frozenset(text for text in texts if len(text) > 3),
        notes=tuple(dict.fromkeys(found.notes)),
    )


def of_person(written: Written, expected: Days | None = None) -> Query:
    """What is looked for where the fields are known: a person on a new contact."""
    person = describe(written)
    typed = (
        ("a name", person.first or person.last), ("a date of birth", person.birth),
        ("an expected date", expected and not person.birth),
        ("an NHS number", person.nhs_numbers), ("a unique pupil number", person.upns),
        ("an address or postcode", person.home), ("a telephone number", person.telephones),
    )  # fmt: skip
    kinds = tuple(kind for kind, is_typed in typed if is_typed)
    read = (
        (written.postcode, read_postcode(written.postcode)), (written.phone, read_telephone(written.phone)),
    )  # fmt: skip
    notes = (f"“{said}” was read as {value}." for said, value in read if value and _plain(said) != _plain(value))
    words = written.address.split()
    town = towns.find(words)
    lives = (Reading(describe(written._replace(address="")), town=town[0]),) if town and town[2] == len(words) else ()
    return Query(ways=(person,) if kinds else (), placed=lives, expected=expected, kinds=kinds, notes=tuple(notes))


# ---- the parts of the text


def _tell_births(found: _Found, expected: Days | None) -> tuple[Days | None, bool]:
    """
    Writes the date of birth, or what is known of it, where it is looked for.

    :returns: when a child is, or was, expected, and whether the text says no more than that.
    """
    values = found.values
    if "date_of_birth" not in values and "month" in values:
        values["date_of_birth"] = values.pop("month")
    typed = values.get("date_of_birth", "")
    birth = read_birth(typed)
    if expected is None and birth:
        expected = expected_on(birth, typed, localdate(), is_said=False)
    is_expected = expected is not None and (birth is None or expected.first > localdate())
    if not birth:
        year = YEAR.fullmatch(values["year"]) if "year" in values else None
        born = int(year[1]) if year else _born_about(values["age"]) if "age" in values else None
        values["date_of_birth"] = f"about {born}" if born else ""
    elif is_expected:
        values["date_of_birth"] = ""
    else:
        found.notes += [
            f"“{values[each]}” was left out: there is a date of birth."
            for each in ("age", "month", "year")
            if each in values
        ]
    return expected, is_expected


def _born_about(age: str) -> int:
    """The year in which somebody of this age was most likely born: of somebody of five years, half a year before."""
    plain = re.sub(r"(?<=\d)(?:-| or )(?=\d)[\d]+|[ -]?ish", "", age.lower())
    said = re.findall(r"(\d+)(?:½| 1/2)?[ -]?([a-z])", plain)
    numbers = {unit: int(number) for number, unit in said}
    years = numbers.get("y", 0) if numbers else int(re.sub(r"\D", "", plain))
    months = numbers.get("m", 0 if set(numbers) & {"w", "d"} else 6)
    past = relativedelta(years=years, months=months, weeks=numbers.get("w", 0), days=numbers.get("d", 0))
    return (localdate() - past).year


def _take_references(text: str) -> tuple[list[tuple[str, str]], str, bool]:
    """
    The references, each as it was typed and as it was meant, the rest of the text, and whether one is surely a
    reference: "Conrad Smith" may be one.
    """
    found, is_sure = [], False
    for match in list(REFERENCE.finditer(text)):
        kind = match[1].upper().translate(str.maketrans("05", "OS"))
        meant = as_reference(f"{kind}{match[2]}")
        said = meant if _plain(match[0]) == _plain(meant) else match[0]
        found.append((said, meant))
        if any(map(str.isdigit, match[0])) or "-" in match[0]:
            is_sure = True
            text = text.replace(match[0], " , ", 1)
    return found, text, is_sure


def _take_expected(found: _Found) -> Days | None:
    """When a child is expected, if the text says so."""
    today = localdate()
    for pattern in BIRTHS:
        for match in pattern.finditer(found.rest):
            before = IS_DUE.search(found.rest[: match.start()])
            typed = _birth(match[0])
            birth = read_birth(typed)
            if before and birth and (days := expected_on(birth, typed, today, is_said=True)):
                found.take(before[0] + match[0])
                return days
    for typed, days in without_a_day(found.rest, today):
        found.take(typed)
        return days
    return None


def read_postcode(text: str) -> str:
    """A postcode as it is written; "" where the text cannot be read as one."""
    try:
        return postcodes.read(text)[0] if any(map(str.isdigit, text)) else ""
    except ValueError:
        return ""


def read_telephone(text: str) -> str:
    """
    The telephone numbers in national form; "" where the text cannot be read as one: a digit is missing, for example.
    """
    return ", ".join(number for number in sorted(read_telephones(text)) if not lacks_digits(number))


def _telephone(text: str) -> str:
    return read_telephone(re.sub(r"[./]", "", as_digits(text))) if _is_half_digits(text) else ""


def _birth(text: str) -> str:
    digits = as_digits(text) if DIGITS_ONLY.fullmatch(text) and _is_half_digits(text) else text
    return digits if read_birth(digits) else ""


def _month(text: str) -> str:
    birth = read_month(re.sub(r"^(?:(?:born|in) )+", "", text, flags=re.IGNORECASE))
    return f"{date(birth.year, birth.month, 1):%B %Y}" if birth and read_birth(f"{birth.year}-{birth.month:02}") else ""


def _number(text: str, reads: Callable[[str], object]) -> str:
    """An NHS number, or a unique pupil number, which begins with a letter."""
    value = as_digits(text) if text[0].isdigit() else text[0] + as_digits(text[1:])
    return value if _is_half_digits(text) and reads(value) else ""


def _is_half_digits(text: str) -> bool:
    return 2 * sum(map(str.isdigit, text)) >= sum(map(str.isalnum, text))


def _says_unread(typed: str, digits: str) -> str:
    says = f"“{typed}” could not be read as a telephone number, an NHS number or a date"
    if digits.startswith("07"):
        says = f"“{typed}” has {len(digits)} digits, and a mobile number has 11"
    return f"{says}. Nobody is found by it, unless staff recorded it like this."


def _split(rest: str) -> Iterator[tuple[list[str], str]]:
    """The ways to divide words into names and an address."""
    words = _words(rest)[:MOST_WORDS]
    plain = [fold(word) for word in words]
    number = next((n for n, word in enumerate(plain) if word[:1].isdigit() or word in {"flat", "apartment"}), None)
    streets = [n for n, word in enumerate(words) if n > 0 and _ends_a_street(word)]
    if number is not None:
        last = max((n for n in streets if n > number), default=len(words) - 1)
        yield words[:number], " ".join(words[number:])
        if words[last + 1 :]:
            yield words[:number] + words[last + 1 :], " ".join(words[number : last + 1])
        if last == len(words) - 1 and number not in {last, last - 1} and last not in streets:
            # 12 Station Haddad: of a street without its last word, nobody knows where it ends.
            yield words[:number] + words[number + 2 :], " ".join(words[number : number + 2])
        if number - 1 in streets:
            # Mill Lane 12.
            at = max(0, number - 2)
            yield words[:at] + words[number + 1 :], " ".join(words[at : number + 1])
        return
    yield words, ""
    if streets:
        at = streets[-1]
        yield words[: at - 1], " ".join(words[at - 1 :])
        if at > 1:
            yield words[: at - 2], " ".join(words[at - 2 :])
        if words[at + 1 :]:
            yield words[: at - 1] + words[at + 1 :], " ".join(words[at - 1 : at + 1])


def _in_towns(written: Written, names: list[str], address: str, *, may_be_a_village: bool) -> Iterator[Reading]:
    """
    The ways to read words as those of people in a town: Haddad, Aylesbury; Castle, Aylesbury. A village that is on no
    list is known by standing in the address.
    """
    streets = address.split()
    if (found := towns.find(streets)) and found[1]:
        street = " ".join(streets[: found[1]] + streets[found[2] :])
        yield from (
            Reading(describe(written._replace(**way, address=street)), town=found[0]) for way in _name_ways(names)
        )
    if found := towns.find(names):
        town, begin, end = found
        others = names[:begin] + names[end:]
        if others or address:
            yield from (
                Reading(describe(written._replace(**way, address=address)), town=town) for way in _name_ways(others)
            )
        if others and not address:
            yield Reading(describe(written._replace(address=" ".join(others))), town=town)
        return
    # "Road" is no village; "Wooburn Green" is one.
    for length in range(2 if names and _ends_a_street(names[-1]) else 1, min(3, len(names))):
        if may_be_a_village and not address and all(len(fold(name)) > 2 for name in names[-length:]):
            village = towns.called(" ".join(names[-length:]))
            yield from (Reading(describe(written._replace(**way)), town=village) for way in _name_ways(names[:-length]))


def _ends_a_street(word: str) -> bool:
    """Whether the name of a street ends with this word, or that of a house."""
    plain = fold(word)
    return SHORT.get(plain, plain) in KINDS | HOUSES


def _words(rest: str) -> list[str]:
    return [word for part in rest.split(",") for word in part.split() if fold(word)]


def _only_names(words: list[str]) -> list[str]:
    """The words without those that are no part of a name, unless there is nothing else: Child is a surname, too."""
    return [word for word in words if fold(word) not in NO_NAMES] or words


def _name_ways(names: list[str]) -> Iterator[dict[str, str]]:
    if len(names) == 1:
        yield {"last_name": names[0]}
        yield {"first_name": names[0]}
    elif names:
        yield {"first_name": " ".join(names[:-1]), "last_name": names[-1]}
        if len(names) == 2 and fold(names[0]) in before_surnames():
            # Ó Ceallaigh, Mac Gabhann.
            yield {"last_name": " ".join(names)}
        if len(names) > 2:
            yield {"first_name": names[0], "last_name": " ".join(names[1:])}
    else:
        yield {}


def _other_name_ways(names: list[str]) -> Iterator[tuple[dict[str, str], str]]:
    """The last name first; and all words as one name: "st john smith", "jean luc", "sri sombat"."""
    if len(names) > 1:
        whole = " ".join(names)
        yield {"last_name": whole}, "last_name"
        yield {"first_name": whole}, "first_name"
        yield {"first_name": " ".join(names[1:]), "last_name": names[0]}, ""


def _plain(text: str) -> str:
    return re.sub(r"[\W_]", "", text).upper()
