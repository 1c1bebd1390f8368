"""
Records learn what matching needs from the documents of their contacts, and everybody on record gets their keys.

In batches, each a transaction of its own: a run that was broken off goes on where it stopped.
"""

from typing import Any

from django.db import connection, migrations, transaction

from casework.families.likeness.describing import Written, describe
from casework.families.person_keys import KEEP, keys_of

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
RECORDS = """
SELECT COALESCE(same_as_id, id), first_name, last_name, array_to_string(also_known_as, ' '),
       CASE WHEN date_of_birth IS NOT NULL AND NOT date_of_birth_estimated THEN date_of_birth::text
            ELSE 'about ' || COALESCE(extract(year FROM date_of_birth), born_about,
                                      extract(year FROM expected_date_of_delivery))::int END,
       sex, nhs_number, upn, address, postcode, telephone
FROM casework_person WHERE id BETWEEN %(first)s AND %(last)s
"""


def fill(apps: Any, schema_editor: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM casework_person")
        first, last = cursor.fetchone()
        # Children before adults, who live with them.
        for statement in (CHILDREN, ADULTS, None):
            for start in range(first or 0, (last or -1) + 1, BATCH):
                batch = {"first": start, "last": start + BATCH - 1}
                with transaction.atomic():
                    if statement is not None:
                        cursor.execute(statement, batch)
                        continue
                    cursor.execute(RECORDS, batch)
                    pairs = [
                        (key, person)
                        for person, *texts in cursor.fetchall()
                        for key in keys_of(describe(Written(*(text or "" for text in texts))))
                    ]
                    cursor.execute(KEEP, [[key for key, _ in pairs], [person for _, person in pairs]])


def empty(apps: Any, schema_editor: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE casework_personkey")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("casework", "0015_likeness")]

    operations = [migrations.RunPython(fill, empty)]
