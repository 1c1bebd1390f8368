"""The keys by which people on record are found, and what is known of a record, as likeness compares it."""

from collections.abc import Iterable, Iterator

from django.db import connection

from casework.families.likeness.describing import Described, Written, describe
from casework.families.likeness.keys import stored, what_counts
from casework.models import Person

KEEP = """
INSERT INTO casework_personkey (key, person_id)
SELECT DISTINCT hashtextextended(key, 0), person FROM unnest(%s::text[], %s::bigint[]) AS kept(key, person)
ON CONFLICT DO NOTHING
"""


def written(record: Person) -> Written:
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
        other_names=" ".join(record.also_known_as),
        date_of_birth=birth,
        sex=record.sex,
        nhs_number=record.nhs_number or "",
        upn=record.upn,
        address=record.address,
        postcode=record.postcode,
        phone=record.telephone,
    )


def keys_of(described: Described) -> Iterator[str]:
    """The keys under which a record is kept: those by which it is found, and those by which it is counted."""
    yield from stored(described)
    yield from (counting(what, name) for what, name in what_counts(described))


def keep(records: Iterable[Person]) -> None:
    """Keeps the keys of these records, under the records that stand for them."""
    pairs = [(key, record.same_as_id or record.pk) for record in records for key in keys_of(describe(written(record)))]
    if pairs:
        with connection.cursor() as cursor:
            cursor.execute(KEEP, [[key for key, _ in pairs], [person for _, person in pairs]])


def counting(what: str, name: str) -> str:
    """The key by which it is counted how many have this name."""
    return f"count {what} {name}"
