"""
An unborn child and the baby that is born may be one: proposed, for somebody to confirm or reject.

The names and the date of birth by which others are found are missing before the birth. What both have is a day, when
the child is expected or was born, and the adults around it: an adult must be in common.

Source: domain/front-door.md, "Unborn: expected date of delivery instead of date of birth"; "Matching must handle
aliases, unborn, twins".
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db import connection

from casework.families.likeness.names import fold, nearest_first, nearest_last, read_name
from casework.models import ContactAdult, ContactChild, Person, PersonMatch

# A child is born from the 22nd week on, and at the latest three weeks after the day. Two agencies may have heard of two
# days.
EARLY, LATE = timedelta(weeks=18), timedelta(weeks=3)
# A child who is older was proposed when it was young.
YOUNG = timedelta(days=2 * 365)
# The score with an adult of the same name, and with one who has the same date of birth as well. A name alone makes no
# rule more careful.
SAME_NAME, SAME_ADULT = 0.5, 0.9
# How near first and last names are that are one name, and those of one adult who was born on the same day.
ONE_NAME = frozenset({"same", "variant"})
NEAR = ONE_NAME | {"longer", "short", "sounds", "letter"}
# In place of a version of the weights: this likeness is not weighed.
BY_THE_DAY = "unborn/1"

# The children who were expected, or born, in these days, each with their adults. The index has only children with an
# expected date of delivery, who are few.
CANDIDATES = """
SELECT child.recorded_as_id, child.person_id, child.sex, NULL::date, child.expected_date_of_delivery,
    adult.first_name, adult.last_name, adult.date_of_birth
FROM casework_contactchild child
JOIN casework_contactadult beside ON beside.contact_id = child.contact_id AND beside.in_family
JOIN casework_person adult ON adult.id = beside.recorded_as_id
WHERE child.in_family AND child.contact_id <> %(contact)s
AND child.expected_date_of_delivery BETWEEN %(expected_from)s AND %(expected_to)s AND child.date_of_birth IS NULL
"""
BORN = """
UNION ALL
SELECT child.recorded_as_id, child.person_id, child.sex, record.date_of_birth, NULL,
    adult.first_name, adult.last_name, adult.date_of_birth
FROM casework_person record
JOIN casework_contactchild child ON child.recorded_as_id = record.id AND child.in_family
JOIN casework_contactadult beside ON beside.contact_id = child.contact_id AND beside.in_family
JOIN casework_person adult ON adult.id = beside.recorded_as_id
WHERE child.contact_id <> %(contact)s AND record.date_of_birth BETWEEN %(born_from)s AND %(born_to)s
"""


class Adult(NamedTuple):
    """An adult beside a child."""

    first_name: str
    last_name: str
    born: date | None

    @classmethod
    def of(cls, record: Person) -> "Adult | None":
        has_name = record.first_name and record.last_name
        return cls(record.first_name, record.last_name, record.date_of_birth) if has_name else None


def is_born_lately_or_expected(child: ContactChild, today: date) -> bool:
    """Whether this child may be one who was expected, or may be born already."""
    if child.date_of_birth is None:
        return child.expected_date_of_delivery is not None
    return child.date_of_birth > today - YOUNG


def may_be_one(child: ContactChild, adults: Iterable[ContactAdult], but_not: Collection[int]) -> list[PersonMatch]:
    """
    The matches of a child who is born lately or expected with those who were expected, or born, about that day, beside
    an adult in common. They are not stored. The child and the adults are.

    :param but_not: whom nobody needs to ask about, as ids of the records that stand for them: the children of the
        contact, and whoever is proposed already.
    """
    own = {Adult.of(adult.recorded_as) for adult in adults} - {None}
    found: dict[int, PersonMatch] = {}
    for record, person, sex, born, expected, *described in _candidates(child) if own else ():
        other = Adult(*described)
        score = max((_score(other, adult) for adult in own if adult), default=0.0)
        known = found.get(record)
        if person in but_not or {sex, child.sex} == {"M", "F"} or not score or (known and known.score >= score):
            continue
        found[record] = PersonMatch(
            child=child, record_id=child.recorded_as_id, person_id=record, score=score, weights=BY_THE_DAY,
            reasons=[
                _days(child.date_of_birth or born, expected or child.expected_date_of_delivery, is_born=bool(born)),
                "Same adult beside" if score == SAME_ADULT else "Adult of the same name beside",
            ],
        )  # fmt: skip
    return list(found.values())


def born_early(one: Person, other: Person) -> str:
    """How long before the expected day a child was born, in words, if it was not about that day; or else nothing."""
    born = one.date_of_birth or other.date_of_birth
    expected = other.expected_date_of_delivery if one.date_of_birth else one.expected_date_of_delivery
    return _early(born, expected)


def _early(born: date | None, expected: date | None) -> str:
    if born is None or expected is None or expected - born <= LATE:
        return ""
    return f"Born {(expected - born).days // 7} weeks before the expected day"


def _days(born: date | None, expected: date | None, *, is_born: bool) -> str:
    """How close the two dates are, in words. `is_born`: the person on record has been born."""
    return _early(born, expected) or ("Born about the expected day" if is_born else "Expected about that day")


def _candidates(child: ContactChild) -> Sequence[tuple[Any, ...]]:
    born, expected = child.date_of_birth, child.expected_date_of_delivery
    if born is not None:
        days = {"expected_from": born - LATE, "expected_to": born + EARLY}
    elif expected is not None:
        days = {
            "expected_from": expected - LATE, "expected_to": expected + LATE, "born_from": expected - EARLY,
            "born_to": expected + LATE,
        }  # fmt: skip
    else:
        return []
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES + (BORN if born is None else ""), {"contact": child.contact_id, **days})
        rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _score(adult: Adult, own: Adult) -> float:
    if adult.born and own.born and adult.born != own.born:
        return 0.0
    # The name of an adult with the same date of birth may be misspelt.
    is_same = bool(adult.born and own.born)
    return (SAME_ADULT if is_same else SAME_NAME) if _have_one_name(adult, own, NEAR if is_same else ONE_NAME) else 0.0


def _have_one_name(adult: Adult, own: Adult, levels: Collection[str]) -> bool:
    if fold(f"{adult.first_name} {adult.last_name}") == fold(f"{own.first_name} {own.last_name}"):
        return True
    first, last, own_first, own_last = map(
        read_name, (adult.first_name, adult.last_name, own.first_name, own.last_name)
    )
    if not (first and last and own_first and own_last):
        return False
    return nearest_first(first, own_first) in levels and nearest_last(last, own_last) in levels
