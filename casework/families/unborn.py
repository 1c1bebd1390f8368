"""
An unborn child and the baby that is born may be one: proposed, for somebody to confirm or reject.

The names and the date of birth by which others are found are missing before the birth. What both have is a day, when
the child is expected or was born, and the adults around it: an adult must be in common.

Source: domain/front-door.md, "Unborn: expected date of delivery instead of date of birth"; "Matching must handle
aliases, unborn, twins".
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from django.db import connection

from casework.families.likeness.names import fold
from casework.models import ContactAdult, ContactChild, Person, PersonMatch

# A child is born from the 22nd week on, and at the latest three weeks after the day. Two agencies may have heard of two
# days.
EARLY, LATE = timedelta(weeks=18), timedelta(weeks=3)
# A child who is older was proposed when it was young.
YOUNG = timedelta(days=2 * 365)
# How likely an adult of the same name makes it, and one of the same date of birth as well. A name alone makes no rule
# more careful.
SAME_NAME, SAME_ADULT = 0.5, 0.9
# In place of a version of the weights: this likeness is not weighed.
BY_THE_DAY = "unborn/1"

# Who was expected, or born, in these days, with each adult of theirs. A child who was to be born is known by few: the
# index has no others.
CANDIDATES = """
SELECT child.recorded_as_id, child.person_id, child.sex, FALSE, adult.first_name, adult.last_name, adult.date_of_birth
FROM casework_contactchild child
JOIN casework_contactadult beside ON beside.contact_id = child.contact_id AND beside.in_family
JOIN casework_person adult ON adult.id = beside.recorded_as_id
WHERE child.in_family AND child.contact_id <> %(contact)s
AND child.expected_date_of_delivery BETWEEN %(expected_from)s AND %(expected_to)s AND child.date_of_birth IS NULL
"""
BORN = """
UNION ALL
SELECT child.recorded_as_id, child.person_id, child.sex, TRUE, adult.first_name, adult.last_name, adult.date_of_birth
FROM casework_person record
JOIN casework_contactchild child ON child.recorded_as_id = record.id AND child.in_family
JOIN casework_contactadult beside ON beside.contact_id = child.contact_id AND beside.in_family
JOIN casework_person adult ON adult.id = beside.recorded_as_id
WHERE child.contact_id <> %(contact)s AND record.date_of_birth BETWEEN %(born_from)s AND %(born_to)s
"""


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
    own = {(_name(adult.recorded_as), adult.recorded_as.date_of_birth) for adult in adults} - {("", None)}
    found: dict[int, PersonMatch] = {}
    for record, person, sex, born_already, first_name, last_name, born in _candidates(child) if own else ():
        name = fold(f"{first_name} {last_name}")
        score = max((_score(name, born, own_name, own_born) for own_name, own_born in own), default=0.0)
        known = found.get(record)
        if person in but_not or {sex, child.sex} == {"M", "F"} or not score or (known and known.score >= score):
            continue
        found[record] = PersonMatch(
            child=child, record_id=child.recorded_as_id, person_id=record, score=score, weights=BY_THE_DAY,
            reasons=[
                "Expected about that day" if child.date_of_birth or not born_already else "Born about the expected day",
                "Same adult beside" if score == SAME_ADULT else "Adult of the same name beside",
            ],
        )  # fmt: skip
    return list(found.values())


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


def _score(name: str, born: date | None, own_name: str, own_born: date | None) -> float:
    if not name or name != own_name or (born and own_born and born != own_born):
        return 0.0
    return SAME_ADULT if born and own_born else SAME_NAME


def _name(adult: Person) -> str:
    return fold(f"{adult.first_name} {adult.last_name}") if adult.first_name and adult.last_name else ""
