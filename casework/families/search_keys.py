"""
The keys by which somebody is looked for whom a person types: those of a likeness, and more where little was typed.

`keys` are of whoever is as it was typed, `near` of those whose names are only like it.
"""

from collections.abc import Iterator
from itertools import product

from django.utils.timezone import localdate

from casework.families.likeness.describing import Described
from casework.families.likeness.homes import telling
from casework.families.likeness.keys import (
    ALONE,
    BESIDE,
    asked,
    begins,
    in_area,
    pairs_of,
    parts_of_names,
    sounds_of,
    what_counts,
)
from casework.families.likeness.names import other_forms, sound, with_and_without
from casework.families.person_keys import counting
from casework.families.towns import Town

INITIALS = "abcdefghijklmnopqrstuvwxyz"
# A street alone is no key: it is asked for with every year of birth, and with these house numbers.
HOUSE_NUMBERS = range(1, 200)
YEARS = 90


def keys(person: Described, area: str = "") -> Iterator[str]:
    """The keys by which somebody like this is looked for: those of a likeness, and more where little was typed."""
    yield from asked(person)
    names = [name for name in (person.first, person.last) if name]
    sounds = sounds_of(*names)
    birth, home = person.birth, person.home
    for what, name in what_counts(person):
        alone = len(names) == 1 and what in {"first_names", "last_names"} and (birth is None or birth.is_a_year)
        if what == "whole_names" or alone or (what == "postcodes" and not names):
            yield counting(what, name)
    if birth and not names and birth.is_a_day:
        yield from (f"born {birth.digits_either_way} {initial}" for initial in INITIALS)
    if birth and len(sounds) == 1:
        yield from (f"year {birth.year} {sounds[0]} {initial}" for initial in INITIALS)
    if area:
        yield from _in_area(person, sounds, area)
    if home and not home.postcode:
        # Of 44 Queens Road: 44A and 44B as well.
        numbers = [f"{number}{letter}" for number in home.numbers[:1] if number.isdigit() for letter in "abcdef"]
        yield from (f"street {street} {number}" for street, number in product(home.street_sounds, numbers))
    if home and not home.postcode and not home.numbers and not names and not area:
        streets = home.street_sounds[:2]
        newest = localdate().year
        yield from (f"street {street} {year}" for street in streets for year in range(newest - YEARS, newest + 1))
        yield from (f"street {street} {number}" for street in streets for number in HOUSE_NUMBERS)


def placed(person: Described, town: Town) -> Iterator[str]:
    """
    The keys by which somebody like this is looked for in a town: by the name and the street, and the areas of the town,
    or a word of its name. With a birth or a number, also without them.
    """
    sounds = sounds_of(person.first, person.last)
    for area in town.areas:
        yield from _in_area(person, sounds, area)
    words = [sound(word) for word in telling(town.words)]
    yield from (f"street {word} {heard}" for word, heard in product(words, sounds))
    if person.home:
        yield from (f"streets {' '.join(sorted(pair))}" for pair in product(words, person.home.street_sounds))
    if person.birth:
        yield from (key for key in asked(person) if key.startswith(("year ", "month ", "born ", "day ")))


def _in_area(person: Described, sounds: list[str], area: str) -> Iterator[str]:
    """The keys of these names, or of the street, in a postal area."""
    streets = person.home.street_sounds[:2] if person.home and not person.home.postcode else ()
    yield from (f"area {area} {pair}" for pair in pairs_of(sounds))
    if len(sounds) < 2:
        yield from (in_area(area, heard) for heard in (*sounds, *streets))


def near(person: Described) -> Iterator[str]:
    """
    The keys of people whose names are near: they begin with what was typed, or with its initial, are another form of
    it, or have a word before the surname (O'Brien) that was left out, or have none.
    """
    first, last = parts_of_names(person)
    surnames = with_and_without(last[0]) if len(last) == 1 else ("".join(last),)
    if first and last:
        for one, other in product(first[:2], last[:2]):
            # Of two letters, by the first.
            letters = BESIDE if len(one) >= BESIDE else 1
            yield begins(one[:letters], other[:BESIDE])
            yield from _names(_forms(one), _forms(other))
        for one, other in product(first[:2], surnames):
            yield begins(one[:BESIDE], other[:BESIDE])
            yield from _names({sound(one)}, {sound(other)})
        return
    for part in (*first, *last):
        if len(part) >= ALONE:
            yield begins(part[:ALONE])
        yield from (counting("first_names", form) for form in _forms(part))
        yield from (f"last {form}" for form in _forms(part))
    yield from (f"last {sound(each)}" for each in surnames if each)
    if len(first) > 1:
        yield counting("first_names", sound("".join(first)))


def _forms(part: str) -> set[str]:
    # Hargreave and Hargreaves.
    with_s = part.removesuffix("s") if part.endswith("s") else f"{part}s"
    return {sound(form) for form in (part, *other_forms(part), with_s) if len(form) > 1}


def _names(first: set[str], last: set[str]) -> Iterator[str]:
    yield from (f"names {'+'.join(sorted(pair))}" for pair in product(first, last))
