"""
The keys that find a person: short, each of several facts, so that a common name or a busy day does not bring a crowd.

One key in common makes two people candidates. Each mistake (a letter, a day, an old home, names reversed) leaves some
key whole. Asking uses more keys than storing does: neighbouring years. `beginnings` are kept for whoever searches and
types only how a name begins, and `whereabouts` for who says where: `families/search_keys.py` asks for them.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations, product

from casework.families.likeness.births import Birth
from casework.families.likeness.comparing import name_key, whole_name_key
from casework.families.likeness.describing import Described
from casework.families.likeness.names import Name, sound, spelling

MOST_SOUNDS = 6
# So many letters of a name alone, and of a name beside another one.
ALONE, BESIDE = 4, 3


# Receiving asks by the keys of its people first, and keeps them then.
@lru_cache(maxsize=1_000)
def stored(person: Described) -> frozenset[str]:
    """The keys under which a person is kept."""
    return frozenset(_keys(person))


def asked(person: Described) -> set[str]:
    """The keys by which somebody like this person is looked for: also who was born in the year before or after."""
    years = (person.birth.year - 1, person.birth.year + 1) if person.birth else ()
    return {*stored(person), *(f"year {year} {pair}" for year in years for pair in pairs_of(_sounds(person)))}


def what_counts(person: Described) -> Iterator[tuple[str, str]]:
    """What is counted to know how common it is: the field of `Commonness`, and the name or postcode."""
    if person.given:
        yield "first_names", name_key(person.given)
    if person.last:
        yield "last_names", name_key(person.last)
    if whole := whole_name_key(person):
        yield "whole_names", whole
    if person.home and person.home.postcode:
        yield "postcodes", person.home.postcode


def beginnings(person: Described) -> Iterator[str]:
    """The keys of how the names begin, each alone and beside the other."""
    first, last = parts_of_names(person)
    yield from (begins(part[:ALONE]) for part in (*first, *last) if len(part) > 1)
    for part, other in product(first[:2], last[:2]):
        yield from (begins(part[:one], other[:two]) for one, two in ((1, BESIDE), (BESIDE, 1), (BESIDE, BESIDE)))


def whereabouts(person: Described) -> Iterator[str]:
    """
    The keys of a name, or a street, and where that is: the postal area, or another word of the address (a village).
    """
    home = person.home
    if home is None:
        return
    sounds = sounds_of(person.given, person.last)
    if home.area:
        yield from (in_area(home.area, heard) for heard in (*sounds[:3], *home.street_sounds[:2]))
    others = home.telling_words[2:MOST_SOUNDS]
    yield from (f"street {sound(word)} {heard}" for word, heard in product(others, sounds[:3]))


def in_area(area: str, heard: str) -> str:
    """The key of a name, or a street, that sounds so, in a postal area."""
    return f"in {area} {heard}"


def begins(*letters: str) -> str:
    """The key of a name that begins with these letters, or of two of which one does and the other, in any order."""
    return f"begins {' '.join(sorted(letters))}"


def parts_of_names(person: Described) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The parts of the first names, and of the last."""
    return (person.first.parts if person.first else (), person.last.parts if person.last else ())


def sounds_of(*names: Name | None) -> list[str]:
    """How the parts of these names sound, in order, each sound once."""
    parts = (part for name in names if name for part in name.parts)
    return list(dict.fromkeys(heard for part in parts if (heard := sound(part))))


def pairs_of(sounds: list[str]) -> list[str]:
    """Each two of these sounds as they stand in a key, in any order."""
    return ["+".join(sorted(pair)) for pair in combinations(sounds, 2)]


def _keys(person: Described) -> Iterator[str]:
    sounds = _sounds(person)
    pairs = pairs_of(sounds)
    initials = sorted({heard[:1] for heard in sounds})
    yield from (f"nhs {number.text}" for number in person.nhs_numbers)
    yield from (f"upn {number.text}" for number in person.upns)
    for number in person.telephones:
        yield f"telephone {number[-9:]}"
    yield from (f"names {pair}" for pair in pairs)
    if person.last:
        yield from (f"last {sound(part)}" for part in person.last.parts if len(part) > 1)
    if birth := person.birth:
        yield from _of_birth(birth, sounds, pairs, initials)
    if home := person.home:
        area = home.area
        if area:
            yield from (f"area {area} {pair}" for pair in pairs)
        streets = home.street_sounds
        if home.postcode:
            yield from (f"postcode {home.postcode} {street}" for street in streets[:2])
            yield from (f"postcode {home.postcode} {heard}" for heard in sounds)
            if person.birth and person.birth.is_a_day:
                yield f"postcode {home.postcode} {person.birth.digits_either_way}"
            yield from (f"house {home.postcode} {number}" for number in home.numbers)
        yield from (f"street {street} {number}" for street, number in product(streets, home.numbers[:2]))
        yield from (f"street {street} {heard}" for street, heard in product(streets[:2], sounds))
        yield from (f"streets {' '.join(sorted(pair))}" for pair in combinations(streets, 2))
        if person.birth:
            yield from (f"street {street} {person.birth.year}" for street in streets[:2])


def _of_birth(birth: Birth, sounds: list[str], pairs: list[str], initials: list[str]) -> Iterator[str]:
    if birth.is_a_day:
        day = birth.digits_either_way
        yield from (f"born {day} {initial}" for initial in initials)
        yield from (f"day {day[-4:]} {heard}" for heard in sounds)
    if not birth.is_a_year:
        yield from (f"month {birth.year}-{birth.month} {heard}" for heard in sounds)
    yield from (f"year {birth.year} {pair}" for pair in pairs)
    yield from (
        f"year {birth.year} {heard} {initial}" for heard in sounds for initial in initials if initial != heard[:1]
    )


def _sounds(person: Described) -> list[str]:
    """How the names sound, in whatever order they were written."""
    names = [name for name in (person.first, person.last) if name]
    heard = [sound(part) for name in names for part in name.parts if len(part) > 1]
    heard += [sound(name.whole) for name in names if len(name.parts) > 1]
    heard += [sound(spelling(name.whole)) for name in person.others]
    return list(dict.fromkeys(each for each in heard if each))[:MOST_SOUNDS]
