"""
Whom we may know already: likenesses between people, for a person to confirm or reject. Nobody is merged by a machine.

Candidates come from indexes (NHS number, date of birth, postcode), so that the cost does not grow with the years;
names are compared in memory, because partners spell them differently.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Case, Q, When
from rapidfuzz.fuzz import token_sort_ratio
from rapidfuzz.utils import default_process

from casework.models import Person

MOST_CANDIDATES = 200


@dataclass(frozen=True)
class PossibleMatch:
    """How like somebody is, in percent, and why. `certain`: the NHS number and the date of birth agree."""

    person: Person
    score: int
    why: str
    certain: bool = False


def possible_matches(*people: Person, but_not: Iterable[int] = ()) -> list[PossibleMatch]:
    """Those whom any of these people may be, the most like first."""
    numbers = {person.nhs_number for person in people if person.nhs_number}
    days = {person.date_of_birth for person in people if person.date_of_birth}
    born = days | {_swapped(day) for day in days}
    homes = {person.postcode for person in people if person.postcode}
    candidates = (
        Person.objects.filter(Q(nhs_number__in=numbers) | Q(date_of_birth__in=born) | Q(postcode__in=homes))
        .exclude(pk__in=[*(person.pk for person in people), *but_not])
        # Where there are too many, those with the same number come first, then those of whom we heard last.
        .order_by(Case(When(nhs_number__in=numbers, then=0), default=1), "-pk")[: MOST_CANDIDATES * len(people)]
    )
    found = (_compare(person, candidate) for candidate in candidates for person in people)
    return sorted(filter(None, found), key=lambda likeness: (-likeness.score, likeness.person.pk))


def _compare(person: Person, other: Person) -> PossibleMatch | None:
    born, theirs = person.date_of_birth, other.date_of_birth
    if person.nhs_number and other.nhs_number:
        if person.nhs_number != other.nhs_number:
            return None
        if born is None or theirs is None or born == theirs:
            return PossibleMatch(
                other, 100, "The same NHS number and date of birth", certain=born == theirs is not None
            )
        return PossibleMatch(other, 90, "The same NHS number, but another date of birth")
    name = _names_alike(person, other)
    same_home = bool(person.postcode) and person.postcode == other.postcode
    if born and born == theirs:
        if name >= 80:
            return PossibleMatch(other, min(99, name), "The same date of birth and a like name")
        if same_home and name >= 55:
            return PossibleMatch(other, 60, "The same date of birth and postcode")
    elif born and theirs and born == _swapped(theirs):
        if name >= 90:
            return PossibleMatch(other, name - 10, "A like name; day and month of birth are swapped")
    elif (born is None or theirs is None) and same_home and name >= 85:
        return PossibleMatch(other, name - 10, "A like name at the same postcode")
    return None


def _names_alike(person: Person, other: Person) -> int:
    mine, theirs = _names(person), _names(other)
    return max(
        (round(token_sort_ratio(a, b, processor=default_process)) for a in mine for b in theirs),
        default=0,
    )


def _names(person: Person) -> list[str]:
    full = f"{person.first_name} {person.last_name}".strip()
    others = [alias if " " in alias else f"{alias} {person.last_name}" for alias in person.also_known_as]
    return [name for name in (full, *others) if name]


def _swapped(born: date) -> date:
    """The date with day and month swapped, where that is a date; a common slip of the pen."""
    try:
        return born.replace(month=born.day, day=born.month)
    except ValueError:
        return born
