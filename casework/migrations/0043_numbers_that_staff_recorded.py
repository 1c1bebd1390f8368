"""
Whoever is on record is found by the numbers that staff recorded, by a unique pupil number or a telephone that was
learned, by the names of 0032, and by a name in Arabic, Hebrew, Indian or Korean letters as those are read now; and has
the name and the homes of today that staff recorded.

In batches, each a transaction of its own. A run that was broken off can be run again.
"""

from typing import Any

import django.contrib.postgres.fields
from django.db import connection, migrations, models, transaction

from casework.families import person_keys
from casework.families.recorded import keep_recorded

BATCH = 5_000
# What was learned before it was kept with the record.
LEARNED = """
UPDATE casework_person record SET {column} = learned.number
FROM (
    SELECT DISTINCT ON (one.recorded_as_id) one.recorded_as_id, left(COALESCE(fact.after #>> '{{}}', ''), %s) AS number
    FROM casework_factchange fact JOIN casework_contact{whose} one ON one.id = fact.{whose}_id
    WHERE fact.field = %s AND fact.before IS DISTINCT FROM fact.after
    ORDER BY one.recorded_as_id, fact.id DESC
) learned
WHERE record.id = learned.recorded_as_id AND record.{column} <> learned.number
"""
# Of whom nothing of this is known, the keys are as they were. With all records of the same persons.
CONCERNED = """
WITH concerned AS (
SELECT id FROM casework_person
WHERE id BETWEEN %(first)s AND %(last)s AND (
    also_known_as <> '{}' OR other_names <> '{}' OR first_name || last_name ~ '[\u0590-\u08ff\u0900-\u0dff\uac00-\ud7a3]')
UNION SELECT person_id FROM casework_persondetail WHERE person_id BETWEEN %(first)s AND %(last)s
UNION SELECT child.recorded_as_id FROM casework_factchange fact JOIN casework_contactchild child ON child.id = fact.child_id
WHERE child.recorded_as_id BETWEEN %(first)s AND %(last)s
UNION SELECT adult.recorded_as_id FROM casework_factchange fact JOIN casework_contactadult adult ON adult.id = fact.adult_id
WHERE adult.recorded_as_id BETWEEN %(first)s AND %(last)s
), standing AS (SELECT COALESCE(same_as_id, id) AS id FROM casework_person WHERE id IN (SELECT id FROM concerned))
SELECT id FROM standing UNION SELECT id FROM casework_person WHERE same_as_id IN (SELECT id FROM standing)
"""


def fill(apps: Any, schema_editor: Any) -> None:
    people = apps.get_model("casework", "Person").objects
    with connection.cursor() as cursor:
        cursor.execute(LEARNED.format(whose="child", column="upn"), [13, "upn"])
        cursor.execute(LEARNED.format(whose="adult", column="telephone"), [100, "phone"])
        cursor.execute("SELECT min(id), max(id) FROM casework_person")
        first, last = cursor.fetchone()
        for start in range(first or 0, (last or -1) + 1, BATCH):
            with transaction.atomic():
                cursor.execute(CONCERNED, {"first": start, "last": start + BATCH - 1})
                records = list(people.filter(pk__in=[record for (record,) in cursor.fetchall()]))
                for record in records:
                    # A later migration adds the column.
                    record.shared_numbers = []
                keep_recorded(records)
                person_keys.keep(records)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("casework", "0042_what_a_document_says")]

    operations = [
        migrations.AddField(
            model_name="person",
            name="other_numbers",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=django.contrib.postgres.fields.ArrayField(
                    base_field=models.CharField(max_length=300), size=4
                ),
                blank=True,
                db_default=[],
                default=list,
                help_text="What staff recorded: nhs_number, upn or telephone; the number; its status, or ended; the day.",
                size=None,
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
