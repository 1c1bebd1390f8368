"""The keys by which people on record are found, and what is known of a record, as likeness compares it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from django.db import connection

from casework.families.likeness.describing import Described, Recorded, Written, describe
from casework.families.likeness.keys import beginnings, stored, what_counts, whereabouts
from casework.families.likeness.names import read_name, sound
from casework.models import NumberStatus, Person
from casework.models.prepared import Call, Prepared, as_json, send

# Of somebody with more, only so many find them.
MOST_OTHER_NAMES = 8
# Beside `NumberStatus`: the number was the person's, and is so no longer.
ENDED = "ended"
# Of a number that two children of one contact were given.
SHARED = "which two children on one contact were given"
# Whoever has a number of such a status, nobody is sure whose it is.
IN_DOUBT = frozenset({NumberStatus.CONFLICT, NumberStatus.NOT_FOUND})

INSERT = """
INSERT INTO casework_personkey (key, person_id)
SELECT DISTINCT hashtextextended(key, 0), person::bigint
FROM json_each(%(keys)s) AS of_each (person, keys) CROSS JOIN json_array_elements_text(keys) AS key
"""
KEEP = Prepared("insert_into_casework_personkey", INSERT)
# Looks each key up before it is inserted, which takes PostgreSQL a third longer.
KEEP_MISSING = Prepared("insert_missing_into_casework_personkey", f"{INSERT} ON CONFLICT DO NOTHING")


class Stored(NamedTuple):
    """
    A row of `casework_person` with what is compared, named as in the model, and in its order.

    Everybody on a contact is compared with twenty people, of whom few are proposed: only those become a `Person`, which
    costs as much as comparing one.
    """

    id: int
    first_name: str
    last_name: str
    also_known_as: list[str]
    date_of_birth: date | None
    date_of_birth_estimated: bool
    born_about: int | None
    expected_date_of_delivery: date | None
    sex: str
    nhs_number: str | None
    upn: str
    address: str
    postcode: str
    telephone: str
    mother_first_name: str
    mother_born: date | None
    other_names: list[str]
    other_homes: list[list[str]]
    other_numbers: list[list[str]]
    shared_numbers: list[list[str]]
    same_as_id: int | None
    regrouped: int

    def as_person(self) -> Person:
        """The record. Its other fields are read when they are asked for."""
        return Person.from_db(connection.alias, self._fields, self)


def written(record: Person | Stored) -> Written:
    """A record as likeness compares it."""
    born = record.date_of_birth
    if born is not None and not record.date_of_birth_estimated:
        birth = born.isoformat()
    else:
        expected = record.expected_date_of_delivery
        year = born.year if born else record.born_about or (expected.year if expected else None)
        birth = f"about {year}" if year else ""
    return Written(
        first_name=record.first_name,
        last_name=record.last_name,
        other_names=" ".join((*record.also_known_as, *record.other_names)),
        date_of_birth=birth,
        sex=record.sex,
        nhs_number=record.nhs_number or "",
        upn=record.upn,
        address=record.address,
        postcode=record.postcode,
        phone=record.telephone,
    )


def describe_record(record: Person | Stored) -> Described:
    """A record as it is compared, with the homes and numbers that staff recorded, and the mother of a baby."""
    homes = tuple((address, postcode) for address, postcode in record.other_homes)
    mother = record.mother_first_name, record.mother_born.isoformat() if record.mother_born else ""
    return describe(written(record), homes, mother, recorded_numbers(record))


def recorded_numbers(record: Person | Stored) -> tuple[Recorded, ...]:
    """
    The numbers that staff recorded with a record; and those that another child on its contact was given too, unless
    staff recorded since whose they are.
    """
    recorded = tuple(_recorded(*each) for each in record.other_numbers)
    if not record.shared_numbers:
        return recorded
    known = {(each.field, each.text) for each in recorded}
    shared = ((kind, number) for kind, number in record.shared_numbers if (kind, number) not in known)
    return recorded + tuple(Recorded(*each, SHARED, is_doubted=True) for each in shared)


def doubts(records: Iterable[Person | Stored]) -> tuple[Recorded, ...]:
    """The numbers among those recorded of these people of which nobody is sure whose they are."""
    return tuple(_recorded(*each) for record in records for each in record.other_numbers if each[2] in IN_DOUBT)


@lru_cache(maxsize=1_000)
def _recorded(kind: str, value: str, status: str, day: str) -> Recorded:
    says = f"which staff recorded on {date.fromisoformat(day):%-d %B %Y}"
    if status == ENDED:
        says += "; it has ended"
    elif status:
        says += f"; its status is {status.replace('_', ' ')}"
    return Recorded(kind, value, says, is_doubted=status == ENDED or status in IN_DOUBT)


def keys_of(described: Described) -> Iterator[str]:
    """The keys under which a record is kept: those by which it is found, and those by which it is counted."""
    yield from stored(described)
    yield from beginnings(described)
    yield from whereabouts(described)
    yield from (counting(what, name) for what, name in what_counts(described))


def named(known: Written, name: str) -> Iterator[Written]:
    """The ways in which somebody may have one of their other names: a whole one, or a first or a last name alone."""
    first, *others = name.split() or [""]
    if others:
        *middle, last = others
        yield known._replace(first_name=" ".join((first, *middle)), last_name=last)
        if middle:
            yield known._replace(first_name=first, last_name=" ".join(others))
    elif first:
        yield known._replace(last_name=first)
        yield known._replace(first_name=first)


def keys_of_record(record: Person) -> Iterator[str]:
    """
    The keys of a record: as the contact describes it, by each of its other names and numbers, and by each home that
    staff recorded.

    A single name that somebody is known by is found as a last name.
    """
    known = _as_described(record)
    yield from keys_of(describe(known))
    for name in filter(None, map(read_name, record.also_known_as)):
        yield from (f"last {sound(part)}" for part in name.parts if len(part) > 1)
    yield from _only_searched(record, known)
    for way in other_ways(record):
        yield from keys_of(way)


def beginnings_of_record(record: Person) -> Iterator[str]:
    """The keys of a record that only whoever searches asks for."""
    known = _as_described(record)
    for way in (describe(known), *other_ways(record)):
        yield from beginnings(way)
    yield from _only_searched(record, known)


def _only_searched(record: Person, known: Written) -> Iterator[str]:
    """How the names begin that somebody is known by, and an estimated date of birth as it was written down."""
    for name in record.also_known_as[:MOST_OTHER_NAMES]:
        for way in named(known, name):
            yield from beginnings(describe(way))
    if record.date_of_birth_estimated and record.date_of_birth:
        estimated = describe(known._replace(date_of_birth=record.date_of_birth.isoformat()))
        yield from (key for key in stored(estimated) if key.startswith("born "))


def _as_described(record: Person) -> Written:
    """A record as the contact describes it."""
    return written(record)._replace(other_names=" ".join(record.also_known_as))


def other_ways(record: Person) -> Iterator[Described]:
    """A record by each of its other names, at each home that staff recorded, and with its other numbers."""
    known = _as_described(record)
    for name in record.other_names[:MOST_OTHER_NAMES]:
        yield from map(describe, named(known, name))
    for address, postcode in record.other_homes:
        yield describe(known._replace(address=address, postcode=postcode))
    if record.other_numbers or record.shared_numbers:
        yield describe(known, recorded=recorded_numbers(record))


def keep(records: Iterable[Person]) -> None:
    """Keeps the keys of these records: see `keeping`."""
    if records := list(records):
        send(keeping(records))


def keeping(records: Iterable[Person]) -> Call:
    """
    The statement that keeps the keys of these records, under the records that stand for them. They have their ids, and
    are stored before it is sent.

    A record that stands for itself has no keys yet. One that is joined brings some that the person has already.
    """
    records = list(records)
    keys: dict[int, set[str]] = defaultdict(set)
    for record in records:
        keys[record.same_as_id or record.pk].update(keys_of_record(record))
    statement = KEEP_MISSING if any(record.same_as_id for record in records) else KEEP
    return statement(keys=as_json(keys))


def counting(what: str, name: str) -> str:
    """The key for counting how many people have this name."""
    return f"count {what} {name}"
