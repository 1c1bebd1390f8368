"""An unborn child is called by the name of the baby that it turned out to be."""

from typing import Any

from django.db import migrations, models

from casework.families.recorded import keep_recorded

# With all records of the same persons.
CONCERNED = """
WITH standing AS (
    SELECT same_as_id AS id FROM casework_person WHERE same_as_id IS NOT NULL
    INTERSECT SELECT id FROM casework_person WHERE first_name = '' OR expected_date_of_delivery IS NOT NULL
)
SELECT id FROM standing UNION SELECT id FROM casework_person WHERE same_as_id IN (SELECT id FROM standing)
"""


def fill(apps: Any, schema_editor: Any) -> None:
    people = apps.get_model("casework", "Person").objects
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(CONCERNED)
        concerned = [record for (record,) in cursor.fetchall()]
    keep_recorded(people.filter(pk__in=concerned))


class Migration(migrations.Migration):
    dependencies = [("casework", "0034_keys_of_people_on_record")]

    operations = [
        migrations.AlterField(
            model_name="person",
            name="current_name",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="With the record that stands for the person: the name that staff recorded as today's, or "
                "that another record has, where this one has no first name.",
                max_length=300,
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
