"""Reads names as people write them in this country, and says how near two names are."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import product
from pathlib import Path

from anyascii import anyascii
from nicknames import NickNamer
from rapidfuzz.distance import OSA, JaroWinkler

from casework.families.likeness.scripts import in_latin
from triage.documents import Document, Text, read
from triage.reading import load_yaml

SPELLINGS = Path(__file__).parent / "data" / "spellings-1.yaml"

# Beyond this, a name is no name, and comparing it takes time.
MOST_LETTERS = 200
MOST_PARTS = 8
MOST_FORMS = 24
# A shorter one is no surname without the word before it: "Alford" is no "Ord", and "Macey" no "Ey".
LEAST_OF_A_SURNAME = 4


class Spellings(Document):
    """
    What is written instead of a name, titles, names that are one name in several spellings or in two languages, and
    names that one may be called or heard in place of another.
    """

    not_names: tuple[Text, ...]
    titles: tuple[Text, ...]
    particles: tuple[Text, ...]
    before_surnames: tuple[Text, ...]
    short_forms: tuple[Text, ...]
    as_heard: tuple[Text, ...]
    in_two_languages: tuple[Text, ...]
    surnames_all_the_same: tuple[Text, ...]
    no_first_names: tuple[Text, ...]
    one_name: tuple[Text, ...]


@cache
def spellings() -> Spellings:
    return read(Spellings, load_yaml(SPELLINGS.read_text(encoding="utf-8")))


@cache
def _one_name() -> dict[str, str]:
    """The first spelling of a name, by each of its spellings."""
    lines = (line.split() for line in spellings().one_name)
    return {spelling: line[0] for line in lines for spelling in line}


@cache
def _left_out() -> frozenset[str]:
    return frozenset(spellings().titles)


@cache
def _not_names() -> frozenset[str]:
    return frozenset(spellings().not_names)


@cache
def _particles() -> frozenset[str]:
    return frozenset(spellings().particles)


@cache
def _before_surnames() -> frozenset[str]:
    return frozenset(spellings().before_surnames)


@cache
def before_surnames() -> frozenset[str]:
    """What is written before a surname as a word of its own, also before that of a woman: Ó, Ní, ap."""
    return _before_surnames() | _particles()


@dataclass(frozen=True)
class Name:
    """
    A first or last name as it is compared: parts in small Latin letters. "Smith-Jones" and "Mary Ann" have two parts.
    """

    parts: tuple[str, ...]

    @cached_property
    def whole(self) -> str:
        """Without hyphens and blanks: "D'Souza", "D Souza" and "DSouza" are one."""
        return "".join(self.parts)

    @cached_property
    def spelled(self) -> tuple[str, ...]:
        """The parts, each in its one spelling. Names are read once and compared often (`read_name` keeps them)."""
        return tuple(spelling(part) for part in self.parts)

    @cached_property
    def singly(self) -> "tuple[Name, ...]":
        """Each part as a name."""
        return tuple(Name((part,)) for part in self.parts)

    @cached_property
    def in_any_order(self) -> list[str]:
        return sorted(self.spelled)


@lru_cache(maxsize=200_000)
def read_name(text: str) -> Name | None:
    """A name, or None where the text says that nobody knows it: "Unknown", "N/K", "Baby", a title alone."""
    folded = fold(text)
    if folded in _not_names():
        return None
    parts = [part for part in folded.split() if part not in _left_out()]
    parts = [part for part in parts if part not in _not_names()]
    return Name(tuple(parts[:MOST_PARTS])) if parts else None


def read_surname(text: str, first: Name | None) -> Name | None:
    """
    The name of somebody who is called like a title, or like a word for nobody: John Lord, Sue Child. Without a first
    name, only a title is taken for a name.
    """
    known, folded = spellings(), fold(text)
    if folded not in known.surnames_all_the_same:
        return None
    is_one = folded not in _not_names() if first is None else first.parts[0] not in known.no_first_names
    return Name((folded,)) if is_one else None


@lru_cache(maxsize=200_000)
def fold(text: str) -> str:
    """
    Small Latin letters and digits with single blanks: without accents, apostrophes and hyphens, from any alphabet.

    Never raises an error, whatever the text.
    """
    text = unicodedata.normalize("NFKC", text[:MOST_LETTERS])
    # Zero-width characters and soft hyphens stand inside a word; anyascii cannot read half of a character.
    text = "".join(letter for letter in text if unicodedata.category(letter) not in {"Cf", "Cs"})
    if not text.isascii():
        text = anyascii(in_latin(text))
    letters = re.sub(r"['`\"]", "", text.casefold())
    return " ".join(re.sub(r"[^a-z0-9]+", " ", letters).split())


SLAVIC = re.compile(r"...(?:enko|chuk|iuk|yuk|sky|skyi|skyy|skyj|skiy|skii|skij|ych|vich|enka)$")


@lru_cache(maxsize=200_000)
def spelling(part: str) -> str:
    """The one spelling of a name that has many: "muhammad" and "mohamed" are "mohammed", "macrae" is "mcrae"."""
    part = _one_name().get(part, part)
    part = re.sub(r"^mac(?=[a-z]{3})", "mc", part)
    if SLAVIC.search(part):
        # Ukrainian and Russian write one letter as h and as g: Hryhorenko, Grigorenko.
        part = re.sub(r"(?<![ckpstz])h", "g", part)
    # Slavic surnames of women: Kowalska, Ivanova, Petrovskaya.
    part = re.sub(r"(?<=[a-z]{2})(sk|ck|zk)(a|aya|aia|y|yy|ij|iy)$", r"\1i", part)
    return re.sub(r"(?<=[a-z]{2})(ov|ev|in)a$", r"\1", part) if len(part) >= 7 else part


SOUNDS = (
    (r"^(kn|gn|pn)", "n"), (r"^wr", "r"), (r"ck|cq", "k"), (r"x", "ks"), (r"ph", "f"),
    (r"sz|sh|sch|zh|rz|cz|tch|ch(?=[eiy])", "s"), (r"ough|augh", "a"), (r"c(?=[eiy])", "s"), (r"[cq]", "k"),
    (r"z", "s"), (r"[vw]", "f"), (r"dj|dzh", "j"), (r"(?<=.)h", ""),
)  # fmt: skip


@lru_cache(maxsize=200_000)
def sound(part: str) -> str:
    """
    The consonants of a name as they sound in most of Europe and South Asia: few letters, the same for many spellings.

    "catherine" and "kathryn" are "ktrn". A vowel counts only in front, and all vowels count as one. English phonetics
    (Soundex, Metaphone) keep what such names differ in and drop what they share.
    """
    heard = spelling(part)
    for pattern, instead in SOUNDS:
        heard = re.sub(pattern, instead, heard)
    first = re.sub(r"^[aeiouy]", "a", heard[:1])
    heard = first + re.sub(r"[aeiouyj]", "", heard[1:])
    return re.sub(r"(.)\1+", r"\1", heard)


@cache
def _nicknames() -> NickNamer:
    return NickNamer()


@cache
def _own_short_forms() -> Mapping[str, frozenset[str]]:
    """By each name those that it may be short for, and those that may be short for it."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in spellings().short_forms:
        name, *shorts = line.split()
        for one, short in product({name, spelling(name)}, shorts):
            found[one].add(short)
            found[short].add(one)
    return {one: frozenset(others) for one, others in found.items()}


@cache
def _as_heard() -> Mapping[str, frozenset[str]]:
    """By each name those that it is written as by ear, or was."""
    return _beside(spellings().as_heard)


@cache
def _in_two_languages() -> Mapping[str, frozenset[str]]:
    """By each name what it is in Irish, Gaelic, Welsh or English."""
    return _beside(spellings().in_two_languages)


def _beside(lines: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """By each name the others on its lines, in each of their spellings."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        names = {form for part in line.split() for form in (part, spelling(part))}
        for one in names:
            found[one] |= names - {one}
    return {one: frozenset(others) for one, others in found.items()}


@lru_cache(maxsize=100_000)
def short_forms(part: str) -> frozenset[str]:
    """The names that this one may be short for, and those that may be short for it."""
    known = _nicknames()
    own = _own_short_forms().get(part, frozenset())
    return own.union(known.nicknames_of(part), known.canonicals_of(part))


@lru_cache(maxsize=10_000)
def other_forms(part: str) -> tuple[str, ...]:
    """What else somebody of this name may be called, or be written as by ear: at most so many, in order."""
    tables = (_as_heard(), _in_two_languages())
    forms = {form for each in {part, spelling(part)} for form in short_forms(each)}
    forms |= {form for each in {part, spelling(part)} for table in tables for form in table.get(each, ())}
    return tuple(sorted(forms - {part}))[:MOST_FORMS]


@lru_cache(maxsize=10_000)
def with_and_without(surname: str) -> tuple[str, ...]:
    """A surname with each of the words that may be written before it as a part of it, and without its own."""
    if len(surname) < LEAST_OF_A_SURNAME:
        return ()
    before = spellings().before_surnames
    bare = (surname.removeprefix(word) for word in before if surname.startswith(word))
    return (*(word + surname for word in before), *(each for each in bare if len(each) >= LEAST_OF_A_SURNAME))


def _is_one_without(surname: str, other: str) -> bool:
    """Whether one of two surnames is the other with a word before it: "obrien" and "brien"."""
    shorter, longer = sorted((surname, other), key=len)
    if len(shorter) < LEAST_OF_A_SURNAME or not longer.endswith(shorter):
        return False
    return longer.removesuffix(shorter) in _before_surnames()


# ---- how near two names are. The names of the levels are those of the weights.


def nearest_first(first: Name, other: Name) -> str:
    """The level at which two first names agree."""
    if first.whole == other.whole:
        return "same"
    mine, theirs = first.spelled, other.spelled
    if first.in_any_order == other.in_any_order:
        return "variant"
    level = _nearest_first(mine, theirs)
    if level in NO_AGREEMENT and (mine, theirs) != (first.parts, other.parts):
        # A slip in one of many spellings: "Leilae" is nearer to Leila than to Layla.
        level = min(level, _nearest_first(first.parts, other.parts), key=FIRST_NAME_LEVELS.index)
    return level


def _nearest_first(mine: tuple[str, ...], theirs: tuple[str, ...]) -> str:
    short, long = sorted((mine, theirs), key=len)
    if len(short) < len(long) and set(short) <= set(long):
        return "longer"
    if len(short) == len(long) == 1 or mine[0] == theirs[0]:
        return _nearest_of_parts(mine, theirs)
    return min((_nearest(*sorted(pair)) for pair in product(mine, theirs)), key=FIRST_NAME_LEVELS.index)


def _nearest_of_parts(mine: tuple[str, ...], theirs: tuple[str, ...]) -> str:
    if mine[0] != theirs[0]:
        return _nearest(*sorted((mine[0], theirs[0])))
    # "Mohammed Ali" and "Mohammed Amir" share what half of a street is called.
    rest, others = "".join(mine[1:]), "".join(theirs[1:])
    level = _nearest(*sorted((rest, others)))
    return level if level in {"initial", "letter"} else "partly"


FIRST_NAME_LEVELS = (
    "same", "variant", "longer", "short", "sounds", "letter", "initial", "alike", "partly", "differs",
)  # fmt: skip
NO_AGREEMENT = frozenset({"alike", "partly", "differs"})
LAST_NAME_LEVELS = ("same", "variant", "longer", "sounds", "letter", "initial", "alike", "differs")


# Somebody is compared with many of their name, by first names and last, and by each other's: most pairs come again.
@lru_cache(maxsize=100_000)
def nearest_last(last: Name, other: Name) -> str:
    """The level at which two last names agree."""
    if last.whole == other.whole:
        return "same"
    if last.in_any_order == other.in_any_order:
        return "variant"
    particles, mine, theirs = _particles(), last.spelled, other.spelled
    if not particles.issuperset(set(mine).intersection(theirs)) or _is_one_without(last.whole, other.whole):
        return "longer"
    level = _nearest_last((last.whole, other.whole), *product(mine, theirs))
    if level in NO_AGREEMENT and (mine, theirs) != (last.parts, other.parts):
        level = min(level, _nearest_last(*product(last.parts, other.parts)), key=LAST_NAME_LEVELS.index)
    return level


def _nearest_last(*pairs: tuple[str, str]) -> str:
    pairs = tuple(pair for pair in pairs if _particles().isdisjoint(pair))
    levels = [_of_surnames(_nearest(*sorted(pair)), *pair) for pair in pairs] or ["differs"]
    return min(levels, key=LAST_NAME_LEVELS.index)


def _of_surnames(level: str, surname: str, other: str) -> str:
    """A surname has no short form; but one with a last s is nearly the one without: Hargreaves and Hargreave."""
    if level != "short":
        return level
    shorter, longer = sorted((surname, other), key=len)
    return "letter" if len(shorter) > 3 and longer == f"{shorter}s" else "alike"


def are_in_two_languages(name: Name | None, other: Name | None) -> bool:
    """Whether a part of one name is a part of the other in another language: Kelly and Ó Ceallaigh."""
    if name is None or other is None:
        return False
    table = _in_two_languages()
    pairs = product({*name.parts, *name.spelled}, {*other.parts, *other.spelled})
    return any(theirs in table.get(mine, ()) for mine, theirs in pairs)


@lru_cache(maxsize=500_000)
def _nearest(name: str, other: str) -> str:
    """The level of two single parts, which stand in the order of the alphabet: so the answer is the same both ways."""
    if name == other:
        return "same"
    if not name or not other:
        return "differs"
    if len(name) == 1 or len(other) == 1:
        return "initial" if name[0] == other[0] else "differs"
    if other in short_forms(name) or name in short_forms(other):
        return "short"
    if other in _as_heard().get(name, ()) or other in _in_two_languages().get(name, ()):
        return "sounds"
    likeness = JaroWinkler.similarity(name, other)
    heard = sound(name)
    if len(heard) >= 3 and heard == sound(other) and likeness >= 0.78:
        return "sounds"
    shorter = min(len(name), len(other))
    if (other.startswith(name) or name.startswith(other)) and shorter >= 3:
        return "short"
    if _is_diminutive(name, other) or _is_diminutive(other, name):
        return "short"
    edits = OSA.distance(name, other)
    if (edits == 1 and shorter >= 3) or (edits == 2 and shorter >= 7):
        return "letter"
    return "alike" if likeness >= 0.87 else "differs"


def _is_diminutive(name: str, other: str) -> bool:
    """Whether a name is made of the beginning of the other: Dougie of Douglas, Robbie of Roberto."""
    if not name.endswith(("ie", "y", "i")):
        return False
    stem = re.sub(r"(?<=.)(ie|y|i)$", "", name)
    if stem == name:
        return False
    doubled = re.sub(r"([b-df-hj-np-tv-z])\1$", r"\1", stem)
    return other.startswith(doubled) and len(doubled) >= (3 if doubled != stem else 4) and len(other) > len(stem) + 1


def have_one_name(names: Iterable[Name], others: Iterable[Name]) -> bool:
    """Whether a name of the one and a name of the other are one name."""
    return any(mine.whole == theirs.whole or mine.spelled == theirs.spelled for mine, theirs in product(names, others))
