"""Compares two people field by field, and says how likely they are one, and why."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import log2
from operator import itemgetter
from typing import NamedTuple

from rapidfuzz.distance import OSA

from casework.families.likeness.births import nearest_birth, parts_that_differ
from casework.families.likeness.describing import Described
from casework.families.likeness.homes import nearest_of
from casework.families.likeness.identifiers import nearest_number
from casework.families.likeness.names import (
    LAST_NAME_LEVELS,
    Name,
    are_in_two_languages,
    have_one_name,
    nearest_first,
    nearest_last,
    sound,
)
from casework.families.likeness.weights import Bits, Level, Means, Weights

# Until this many records are counted, what is usual counts for more than they do.
USUAL = 1_000
HIGHEST = 0.999999
# The levels of two identifiers that are one number.
ONE_NUMBER = frozenset({"same", "doubted"})
COMMON = " (a common one)"
IN_TWO_LANGUAGES = "{} name is the same in another language"
# The levels of two homes that may be one place.
ONE_PLACE = frozenset({"same", "elsewhere", "street", "postcode", "neighbours", "near", "part"})


@dataclass(frozen=True)
class Commonness:
    """How many of `people` have a first name, a last name, both together, or a postcode."""

    people: int = 0
    first_names: Mapping[str, int] = field(default_factory=dict)
    last_names: Mapping[str, int] = field(default_factory=dict)
    whole_names: Mapping[str, int] = field(default_factory=dict)
    postcodes: Mapping[str, int] = field(default_factory=dict)

    def share(self, counts: Mapping[str, int], which: str, usual: float) -> float:
        """The share of people who have it, drawn towards `usual` where few people are counted."""
        return (counts.get(which, 0) + USUAL * usual) / (self.people + USUAL)


@dataclass(frozen=True)
class Likeness:
    """How likely two records are of one person: `score` from 0 to 1, and the reasons, one for each field compared."""

    score: float
    certain: bool
    reasons: tuple[str, ...]
    # In bits, before any ceiling or floor: for the order of those whose scores are the same.
    weight: float
    exact: frozenset[str]
    agreeing: frozenset[str]
    has_one_number: bool
    # Whether the service joins such records by itself.
    joins: bool


class Agreement(NamedTuple):
    """How a field agrees, and that in words."""

    level: Level
    says: str


Levels = dict[str, str]


def levels(person: Described, other: Described) -> Iterator[Levels]:
    """
    The levels at which the fields agree, where both are known: in two ways, if first and last name may be reversed.
    """
    shared = {**dict(_beside_names(person, other)), **dict(_home(person, other))}
    for names in _ways_of_names(person, other):
        yield {**names, **shared}


def _ways_of_names(person: Described, other: Described) -> Iterator[Levels]:
    yield dict(_names(person, other))
    if reversed_names := _reversed(person, other):
        yield reversed_names


def _reversed(person: Described, other: Described) -> Levels:
    """The levels at which the names agree, the first name of each with the last name of the other; none if not."""
    if not (person.first and person.last and other.first and other.last):
        return {}
    crossed = nearest_last(person.last, other.first), nearest_last(person.first, other.last)
    # The better one counts as the last name's, whoever is asked for: so the answer is the same both ways.
    last, first = sorted(crossed, key=LAST_NAME_LEVELS.index)
    return {} if last == "differs" else {"first_name": first, "last_name": last, "order": "reversed"}


def compare(person: Described, other: Described, weights: Weights, commonness: Commonness) -> Likeness:
    """How likely two records are of one person. The same both ways."""
    return _likeness(_best_way(person, other, weights, commonness), person, other, weights)


def compare_worth_proposing(
    person: Described, other: Described, weights: Weights, commonness: Commonness
) -> Likeness | None:
    """
    The likeness of two records (see `compare`) if it is worth proposing.

    Hardly one in a hundred candidates is worth proposing. Births and numbers rule out many, names most others. Homes
    take as long to compare as everything else, so they come last, and reasons are put together only for those worth
    proposing.
    """
    if not _may_be_worth_proposing(person, other, weights, commonness):
        return None
    way = _best_way(person, other, weights, commonness)
    return _likeness(way, person, other, weights) if way.score >= weights.worth_proposing else None


def _may_be_worth_proposing(person: Described, other: Described, weights: Weights, commonness: Commonness) -> bool:
    """
    Whether the score may be high enough, were the homes the same, and names and homes as rare as any. Whether the names
    are reversed is asked where that could be enough. Whoever has the same number is always worth proposing.
    """
    strangers = family = 0.0
    for name, level in _beside_names(person, other):
        if level in ONE_NUMBER and name in weights.joined_by:
            return True
        bits = weights.levels[name][level].bits
        strangers += bits.strangers
        family += bits.family
    rarest = log2((commonness.people + USUAL) / USUAL)
    if person.homes and other.homes:
        strangers += weights.most["home"].strangers + rarest
        family += weights.most["home"].family
    missing = Bits(weights.least.strangers - strangers, weights.least.family - family)
    if not _may_be_enough(weights.most_of_names, missing, 2 * rarest):
        return False
    names = [weights.levels[name][level].bits for name, level in _names(person, other)]
    if _may_be_enough(names, missing, rarest * len(names)):
        return True
    if not _may_be_enough(weights.most_of_reversed_names, missing, 0):
        return False
    crossed = _reversed(person, other)
    return bool(crossed) and _may_be_enough(
        [weights.levels[name][level].bits for name, level in crossed.items()], missing, 0
    )


def _may_be_enough(names: Iterable[Bits], missing: Bits, rarest: float) -> bool:
    """Whether what the names say is as much as is missing, if they are the rarest, which says so many bits more."""
    strangers, family = rarest, 0.0
    for bits in names:
        strangers += bits.strangers
        family += bits.family
    return strangers >= missing.strangers and family >= missing.family


class _Weighed(NamedTuple):
    """One way in which two records may be of one person: the levels of the fields, what they weigh, and the score."""

    weight: float
    score: float
    has_one_number: bool
    levels: Mapping[str, Level]
    shares: Mapping[str, float]


def _best_way(person: Described, other: Described, weights: Weights, commonness: Commonness) -> _Weighed:
    ways = [_weigh(way, person, other, weights, commonness) for way in levels(person, other)]
    return ways[0] if len(ways) == 1 else max(ways, key=itemgetter(0, 1))


def in_fields(person: Described, other: Described, weights: Weights) -> Mapping[str, Agreement]:
    """How each field agrees, where both are known."""
    ways = (_weigh(way, person, other, weights, Commonness()) for way in levels(person, other))
    likeliest = max(ways, key=lambda way: way.weight)
    return {
        name: Agreement(level, _of_births(name, level, person, other) or _in_words(name, level, person, other, weights))
        for name, level in likeliest.levels.items()
    }


def _of_births(name: str, level: Level, person: Described, other: Described) -> str:
    """What differs, where two dates of birth are neither near each other nor far apart; "" elsewhere."""
    if name != "date_of_birth" or level.means is not Means.OPEN or not (person.birth and other.birth):
        return ""
    return parts_that_differ(person.birth, other.birth)


def _in_words(name: str, level: Level, person: Described, other: Described, weights: Weights) -> str:
    """How a field agrees. A letter more at the end is weighed as a short form is, and is none: Leila and Leilae."""
    if name == "first_name" and person.first and other.first:
        levels_of_first = weights.levels[name]
        if level == levels_of_first["short"] and OSA.distance(person.first.whole, other.first.whole) == 1:
            return levels_of_first["letter"].says
    if name in {"first_name", "last_name"} and level == weights.levels[name].get("sounds"):
        names = [each.first if name == "first_name" else each.last for each in (person, other)]
        if are_in_two_languages(*names):
            return IN_TWO_LANGUAGES.format("First" if name == "first_name" else "Last")
    return level.says + _as_recorded(name, level, person, other)


def _weigh(way: Levels, person: Described, other: Described, weights: Weights, commonness: Commonness) -> _Weighed:
    found = {name: weights.levels[name][level] for name, level in way.items()}
    shares = dict(_shares(way, person, other, weights, commonness))
    strangers = family = 0.0
    for name, level in found.items():
        family += level.bits.family
        strangers += level.bits.strangers - (log2(shares[name] / level.u) if name in shares else 0)
    odds = _odds(strangers, family, weights)
    score = 1 / (1 + odds)
    if score > weights.ceiling.score and _agreeing(found).isdisjoint(weights.ceiling.unless):
        score = weights.ceiling.score
    score = min(int(score * 1_000_000) / 1_000_000, HIGHEST)
    has_one_number = _have_one_number(way, weights)
    if has_one_number:
        score = max(score, weights.worth_proposing)
    # In bits, before any ceiling or floor.
    return _Weighed(-log2(odds), score, has_one_number, found, shares)


def _odds(against_strangers: float, against_family: float, weights: Weights) -> float:
    """How many times as likely as one person are all others, strangers and families, after what was seen."""
    strangers, family = (2.0 ** min(1000.0, -bits) for bits in (against_strangers, against_family))
    odds: float = strangers / weights.same_person + family * weights.same_family / weights.same_person
    return odds


def _likeness(way: _Weighed, person: Described, other: Described, weights: Weights) -> Likeness:
    exact = frozenset(name for name, level in way.levels.items() if level.means is Means.EXACTLY)
    contradicts = any(level.means is Means.CONTRADICTS for level in way.levels.values())
    certain = way.score >= weights.certain.score and not contradicts and has_one_of(exact, weights.certain.needs_one_of)
    return Likeness(
        score=way.score,
        certain=certain,
        reasons=tuple(_reasons(way, person, other, weights)),
        weight=way.weight,
        exact=exact,
        agreeing=_agreeing(way.levels),
        has_one_number=way.has_one_number,
        joins=certain and not exact.isdisjoint(weights.joined_by),
    )


def _have_one_number(way: Levels, weights: Weights) -> bool:
    """
    Whether two records have one identifier. A number that belongs to one person is never passed over: whatever
    contradicts it, and even if it is doubted, somebody is asked.
    """
    return any(way.get(name) in ONE_NUMBER for name in weights.joined_by)


def _agreeing(found: Mapping[str, Level]) -> frozenset[str]:
    return frozenset(name for name, level in found.items() if level.means in {Means.EXACTLY, Means.AGREES})


def has_one_of(names: frozenset[str], groups: Iterable[Iterable[str]]) -> bool:
    """Whether all of one of these groups are among the names."""
    return any(names.issuperset(group) for group in groups)


def _reasons(way: _Weighed, person: Described, other: Described, weights: Weights) -> Iterator[str]:
    for name, level in way.levels.items():
        common = name in {"first_name", "last_name"} and way.shares.get(name, 0) >= weights.common_name
        yield level.says + COMMON if common else _in_words(name, level, person, other, weights)


def _as_recorded(name: str, level: Level, person: Described, other: Described) -> str:
    """When staff recorded the number that both have, and how sure it is; a doubt before all else. "" if nobody did."""
    recorded = [each for each in (*person.recorded, *other.recorded) if each.field == name]
    if not recorded or level.means not in {Means.EXACTLY, Means.AGREES}:
        return ""
    both = person.numbers(name) & other.numbers(name)
    says = [(not each.is_doubted, f", {each.says}") for each in recorded if not both.isdisjoint(each.numbers)]
    return min(says)[1] if says else ""


def _shares(
    way: Levels, person: Described, other: Described, weights: Weights, commonness: Commonness
) -> Iterator[tuple[str, float]]:
    """How likely strangers agree where both have the same: by how common it is, and at least what is usual for rare."""
    both = {name: weights.levels[name][level] for name, level in way.items() if level in {"same", "variant"}}
    first = last = 1.0
    if (level := both.get("first_name")) and person.given and other.given and "order" not in way:
        keys = name_key(person.given), name_key(other.given)
        first = _share(commonness, commonness.first_names, level, *keys)
        yield "first_name", first
    if (level := both.get("last_name")) and person.last and other.last and "order" not in way:
        keys = name_key(person.last), name_key(other.last)
        last = _share(commonness, commonness.last_names, level, *keys)
        if first < 1:
            # First and last names go together: more people are called Abena Owusu than the two shares say.
            last = max(last, _share_of_whole_name(commonness, first * last, person, other) / first)
        yield "last_name", min(level.m, last)
    if (level := both.get("home")) and (homes := nearest_of(person.homes, other.homes)):
        codes = (home.postcode for home in homes[1:])
        yield "home", max(level.u, _share(commonness, commonness.postcodes, level, *codes))


def _share(commonness: Commonness, counts: Mapping[str, int], level: Level, *both: str) -> float:
    return min(level.m, max(commonness.share(counts, each, level.u) for each in both))


def _share_of_whole_name(commonness: Commonness, usual: float, *people: Described) -> float:
    keys = {whole_name_key(person) for person in people}
    # One of those who are counted is the one that is compared, and one may be another record of the same person.
    counted = max(commonness.whole_names.get(key, 0) for key in keys) - 2
    return (max(0, counted) + USUAL * usual) / (commonness.people + USUAL)


def whole_name_key(person: Described) -> str:
    """The key for counting first and last names together; "" without both."""
    return f"{name_key(person.given)}, {name_key(person.last)}" if person.given and person.last else ""


def name_key(name: Name) -> str:
    """The key for counting names: one for all spellings."""
    return " ".join(sound(part) for part in name.parts)


# ---- field by field


def _names(person: Described, other: Described) -> Iterator[tuple[str, str]]:
    first, last = person.first, person.last
    # Most people have no other names.
    have_others = bool(person.others or other.others)
    if first and other.first:
        level = nearest_first(first, other.first)
        if (
            have_others
            and level in {"alike", "partly", "differs"}
            and (have_one_name(first.singly, other.others) or have_one_name(other.first.singly, person.others))
        ):
            level = "other"
        yield "first_name", level
    if last and other.last:
        level = nearest_last(last, other.last)
        if (
            have_others
            and level in {"alike", "differs"}
            and (have_one_name([last], other.others) or have_one_name([other.last], person.others))
        ):
            level = "other"
        yield "last_name", level


def _beside_names(person: Described, other: Described) -> Iterator[tuple[str, str]]:
    """The levels of all fields except first names, last names and homes."""
    if person.middle and other.middle:
        yield "other_names", _middle(person, other)
    if person.birth and other.birth:
        yield "date_of_birth", nearest_birth(person.birth, other.birth)
    if person.sex and other.sex:
        yield "sex", "same" if person.sex == other.sex else "differs"
    if person.nhs_numbers and other.nhs_numbers and (level := nearest_number(person.nhs_numbers, other.nhs_numbers)):
        yield "nhs_number", level
    if person.upns and other.upns and (level := nearest_number(person.upns, other.upns)):
        yield "upn", level
    if person.telephones and other.telephones:
        yield "telephone", "same" if person.telephones & other.telephones else "differs"
    if person.mothers_name and other.mothers_name and _are_two_mothers(person, other):
        yield "mother", "differs"


def _are_two_mothers(person: Described, other: Described) -> bool:
    """Their first names differ, in any spelling, and their dates of birth do not agree."""
    assert person.mothers_name is not None
    assert other.mothers_name is not None
    one, others = person.mothers_birth, other.mothers_birth
    if one and others and nearest_birth(one, others) not in {"differs", "digits", "month"}:
        return False
    return nearest_first(person.mothers_name, other.mothers_name) == "differs"


def _home(person: Described, other: Described) -> Iterator[tuple[str, str]]:
    if homes := nearest_of(person.homes, other.homes):
        level, home, others = homes
        is_shared = level in ONE_PLACE and (home.is_shared_place or others.is_shared_place)
        yield "home", "shared" if is_shared else level


def _middle(person: Described, other: Described) -> str:
    if have_one_name(person.middle, other.middle):
        return "same"
    initials = (
        mine.whole[:1] == theirs.whole[:1] and 1 in {len(mine.whole), len(theirs.whole)}
        for mine, theirs in product(person.middle, other.middle)
    )
    return "initial" if any(initials) else "differ"
