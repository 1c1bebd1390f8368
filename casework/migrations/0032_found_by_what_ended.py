"""
Whoever is on record has the names that were corrected, and those that staff recorded, also if they have ended: 0043
keeps the keys of these, and what else staff recorded.

In batches, each a transaction of its own: a run that was broken off goes on where it stopped.
"""

from typing import Any

from django.db import connection, migrations, transaction

BATCH = 5_000
# With all records of the same persons.
CONCERNED = """
WITH concerned AS (
SELECT id FROM casework_person WHERE id BETWEEN %(first)s AND %(last)s AND also_known_as <> '{}'
UNION SELECT person_id FROM casework_persondetail WHERE person_id BETWEEN %(first)s AND %(last)s
UNION SELECT child.recorded_as_id FROM casework_factchange fact JOIN casework_contactchild child ON child.id = fact.child_id
WHERE child.recorded_as_id BETWEEN %(first)s AND %(last)s
UNION SELECT adult.recorded_as_id FROM casework_factchange fact JOIN casework_contactadult adult ON adult.id = fact.adult_id
WHERE adult.recorded_as_id BETWEEN %(first)s AND %(last)s
), standing AS (SELECT COALESCE(same_as_id, id) AS id FROM casework_person WHERE id IN (SELECT id FROM concerned))
SELECT id FROM standing UNION SELECT id FROM casework_person WHERE same_as_id IN (SELECT id FROM standing)
"""
# A name that was corrected is as it was, beside what was not corrected.
OTHER_NAMES = """
UPDATE casework_person record SET other_names = ARRAY(
    SELECT DISTINCT btrim(name) FROM (
        SELECT detail.value FROM casework_persondetail detail
        WHERE detail.person_id = record.id AND detail.in_error_at IS NULL
        AND detail.kind IN ('current_name', 'former_name', 'also_known_as')
        UNION ALL SELECT unnest(record.other_names)
        UNION ALL
        SELECT CASE fact.field WHEN 'first_name' THEN (fact.before #>> '{}') || ' ' || record.last_name
               WHEN 'last_name' THEN record.first_name || ' ' || (fact.before #>> '{}') END
        FROM (SELECT contact_id, id AS child_id, NULL::bigint AS adult_id FROM casework_contactchild
              WHERE recorded_as_id = record.id
              UNION ALL SELECT contact_id, NULL, id FROM casework_contactadult WHERE recorded_as_id = record.id) whose
        JOIN casework_information information ON information.contact_id = whose.contact_id
        JOIN casework_factchange fact ON fact.information_id = information.id
            AND (fact.child_id = whose.child_id OR fact.adult_id = whose.adult_id)
        WHERE fact.field IN ('first_name', 'last_name') AND fact.before IS NOT NULL
    ) known(name) WHERE btrim(name) <> ''
) WHERE record.id = ANY(%(records)s)
"""


def fill(apps: Any, schema_editor: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM casework_person")
        first, last = cursor.fetchone()
        for start in range(first or 0, (last or -1) + 1, BATCH):
            with transaction.atomic():
                cursor.execute(CONCERNED, {"first": start, "last": start + BATCH - 1})
                concerned = [record for (record,) in cursor.fetchall()]
                cursor.execute(OTHER_NAMES, {"records": concerned})


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("casework", "0031_details_in_error")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
