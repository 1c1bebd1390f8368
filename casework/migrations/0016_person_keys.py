"""
Records learn what matching needs from the documents of their contacts, and everybody on record gets their keys.

Records learn in batches, each a transaction of its own. The keys are kept all together or not at all: a million people
have thirty million of them, whose indexes are built once, at the end. A run that was broken off can be run again.
"""

import os
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from typing import Any

import django
from django.db import connection, migrations, transaction
from django.db.backends.utils import CursorWrapper

from casework.families.likeness.describing import Written, describe
from casework.families.person_keys import keys_of

BATCH = 5_000
CHILDREN = """
UPDATE casework_person record SET
    address = COALESCE(left(address.lines, 300), ''),
    upn = CASE WHEN upn.text ~ '^[A-Z][0-9]{11}[0-9A-Z]$' THEN upn.text ELSE '' END,
    date_of_birth_estimated = child.date_of_birth_estimated,
    born_about = CASE WHEN child.date_of_birth IS NULL AND child.age_years IS NOT NULL THEN
        extract(year FROM contact.received_at - make_interval(years => child.age_years, months => 6)) END
FROM casework_contactchild child
JOIN casework_contact contact ON contact.id = child.contact_id
CROSS JOIN LATERAL (SELECT contact.document -> 'children' -> child.position::int AS entry) sent
CROSS JOIN LATERAL (
    SELECT string_agg(line, ', ') AS lines
    FROM jsonb_array_elements_text(CASE jsonb_typeof(sent.entry -> 'address' -> 'lines') WHEN 'array'
                                   THEN sent.entry -> 'address' -> 'lines' ELSE '[]' END) AS line
    WHERE NOT child.address_is_confidential
) address
CROSS JOIN LATERAL (SELECT upper(regexp_replace(sent.entry ->> 'upn', '[^A-Za-z0-9]', '', 'g')) AS text) upn
WHERE child.recorded_as_id = record.id AND record.id BETWEEN %(first)s AND %(last)s
"""
ADULTS = """
UPDATE casework_person record SET
    address = CASE WHEN adult.same_address AND record.postcode <> '' THEN COALESCE((
        SELECT home.address FROM casework_contactchild child JOIN casework_person home ON home.id = child.recorded_as_id
        WHERE child.contact_id = adult.contact_id AND child.postcode = record.postcode
        ORDER BY child.position LIMIT 1), '') ELSE '' END,
    telephone = COALESCE(left(contact.document -> 'adults' -> adult.position::int ->> 'phone', 100), '')
FROM casework_contactadult adult JOIN casework_contact contact ON contact.id = adult.contact_id
WHERE adult.recorded_as_id = record.id AND record.id BETWEEN %(first)s AND %(last)s
"""
# With the records that are the same as one of these people.
RECORDS = """
SELECT COALESCE(same_as_id, id), first_name, last_name, array_to_string(also_known_as, ' '),
       CASE WHEN date_of_birth IS NOT NULL AND NOT date_of_birth_estimated THEN date_of_birth::text
            ELSE 'about ' || COALESCE(extract(year FROM date_of_birth), born_about,
                                      extract(year FROM expected_date_of_delivery))::int END,
       sex, nhs_number, upn, address, postcode, telephone
FROM (
    SELECT * FROM casework_person WHERE id BETWEEN %(first)s AND %(last)s AND same_as_id IS NULL
    UNION ALL
    SELECT * FROM casework_person WHERE same_as_id BETWEEN %(first)s AND %(last)s
) record
"""
# The keys of a person are one text, a key in each line: so many short texts would take longer on their way.
KEEP = """
INSERT INTO casework_personkey (key, person_id)
SELECT DISTINCT hashtextextended(key, 0), person
FROM unnest(%s::bigint[], %s::text[]) AS kept(person, keys) CROSS JOIN LATERAL string_to_table(keys, E'\n') AS key
"""
CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = 'casework_personkey'::regclass AND contype IN ('p', 'f')
ORDER BY contype DESC
"""
INDEXES = """
SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = 'casework_personkey'::regclass AND NOT indisprimary
"""

Row = tuple[Any, ...]


def fill(apps: Any, schema_editor: Any) -> None:
    # Children before adults, who live with them.
    for statement in (CHILDREN, ADULTS):
        for batch in _batches():
            with connection.cursor() as cursor:
                cursor.execute(statement, batch)
    fill_keys()


def fill_keys() -> None:
    """
    Keeps the keys of everybody on record, in place of those that are there: all, or none where it was broken off.

    Nobody can write a person while the last step looks whether those of the keys exist: some seconds for a million.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
        cursor.execute("TRUNCATE casework_personkey")
        put_back = _take_off(cursor)
        for keys in _keys(_records(cursor)):
            cursor.execute(KEEP, [list(keys), list(keys.values())])
        for statement in put_back:
            cursor.execute(statement)


def keys_of_records(rows: Sequence[Row]) -> dict[int, str]:
    """The keys of these records, a key in each line, by the record that stands for the person."""
    found: dict[int, set[str]] = defaultdict(set)
    # Many records of a person say the same.
    for person, *texts in dict.fromkeys(rows):
        found[person].update(keys_of(describe(Written(*(text or "" for text in texts)))))
    return {person: "\n".join(keys) for person, keys in found.items()}


def _batches() -> Iterator[dict[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM casework_person")
        first, last = cursor.fetchone()
    for start in range(first or 0, (last or -1) + 1, BATCH):
        yield {"first": start, "last": start + BATCH - 1}


def _records(cursor: CursorWrapper) -> Iterator[Sequence[Row]]:
    for batch in _batches():
        cursor.execute(RECORDS, batch)
        if rows := cursor.fetchall():
            yield rows


def _keys(lots: Iterator[Sequence[Row]]) -> Iterator[dict[int, str]]:
    """
    The keys of these records, lot by lot. Other processes work out those of the next lots while the database keeps
    these; of one lot, this process does.
    """
    first = list(islice(lots, 2))
    if len(first) < 2:
        yield from map(keys_of_records, first)
        return
    waiting: deque[Future[dict[int, str]]] = deque()
    processes = os.cpu_count() or 1
    with ProcessPoolExecutor(processes, initializer=django.setup) as pool:
        for lot in chain(first, lots):
            waiting.append(pool.submit(keys_of_records, lot))
            if len(waiting) > 2 * processes:
                yield waiting.popleft().result()
        for each in waiting:
            yield each.result()


def _take_off(cursor: CursorWrapper) -> list[str]:
    """Takes all constraints and indexes off the table of keys. Returns the statements that put them back."""
    cursor.execute(CONSTRAINTS)
    constraints = cursor.fetchall()
    cursor.execute(INDEXES)
    indexes = cursor.fetchall()
    for name, _ in constraints:
        cursor.execute(f'ALTER TABLE casework_personkey DROP CONSTRAINT "{name}"')
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    return [
        *(definition for _, definition in indexes),
        *(f'ALTER TABLE casework_personkey ADD CONSTRAINT "{name}" {definition}' for name, definition in constraints),
    ]


def empty(apps: Any, schema_editor: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE casework_personkey")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("casework", "0015_likeness")]

    operations = [migrations.RunPython(fill, empty)]
