"""
Whoever is on record by a name in Arabic, Hebrew, Indian or Korean letters is found as those letters are read now.

In batches, each a transaction of its own: a run that was broken off goes on where it stopped.
"""

from typing import Any

from django.db import connection, migrations, transaction

from casework.families import person_keys

BATCH = 50_000
CONCERNED = """
SELECT id FROM casework_person
WHERE id BETWEEN %s AND %s
  AND concat_ws(' ', first_name, last_name, array_to_string(also_known_as, ' '), array_to_string(other_names, ' '))
      ~ '[\u0590-\u08ff\u0900-\u0dff\uac00-\ud7a3]'
"""


def keep(apps: Any, schema_editor: Any) -> None:
    people = apps.get_model("casework", "Person").objects
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM casework_person")
        first, last = cursor.fetchone()
        for start in range(first or 0, (last or -1) + 1, BATCH):
            with transaction.atomic():
                cursor.execute(CONCERNED, [start, start + BATCH - 1])
                person_keys.keep(people.filter(pk__in=[record for (record,) in cursor.fetchall()]))


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("casework", "0040_one_index_for_a_beginning")]

    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
