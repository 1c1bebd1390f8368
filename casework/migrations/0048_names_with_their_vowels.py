"""
Whoever is on record is found by a name in the letters of India and Sri Lanka as those are read now: with the vowels that
are spoken and not written.

In batches, each a transaction of its own. A run that was broken off can be run again.
"""

from typing import Any

from django.db import connection, migrations, transaction

from casework.migrations._keys import keep_keys, people_on_record

BATCH = 5_000
# With all records of the same persons.
CONCERNED = """
WITH concerned AS (
SELECT id FROM casework_person
WHERE id BETWEEN %(first)s AND %(last)s
AND concat_ws(' ', first_name, last_name, also_known_as::text, other_names::text) ~ '[\u0900-\u0dff]'
UNION SELECT person_id FROM casework_persondetail
WHERE person_id BETWEEN %(first)s AND %(last)s AND value ~ '[\u0900-\u0dff]'
), standing AS (SELECT COALESCE(same_as_id, id) AS id FROM casework_person WHERE id IN (SELECT id FROM concerned))
SELECT id FROM standing UNION SELECT id FROM casework_person WHERE same_as_id IN (SELECT id FROM standing)
"""


def fill(apps: Any, schema_editor: Any) -> None:
    people = apps.get_model("casework", "Person").objects
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM casework_person")
        first, last = cursor.fetchone()
        for start in range(first or 0, (last or -1) + 1, BATCH):
            with transaction.atomic():
                cursor.execute(CONCERNED, {"first": start, "last": start + BATCH - 1})
                keep_keys(people_on_record(people, [record for (record,) in cursor.fetchall()]))


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("casework", "0047_contact_drafts")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
