"""
The name of today is what staff recorded. Names that came from another record, which may be of a closed contact, are
read since (`families/naming.py`).
"""

from django.db import migrations, models

# Not recorded of the person, by any of their records, as the name of today.
EMPTY = """
UPDATE casework_person AS person SET current_name = '' WHERE current_name <> '' AND NOT EXISTS (
    SELECT FROM casework_persondetail detail JOIN casework_person record ON record.id = detail.person_id
    WHERE COALESCE(record.same_as_id, record.id) = person.id AND detail.kind = 'current_name'
    AND detail.value = person.current_name AND detail.ended_at IS NULL AND detail.to_date IS NULL
    AND detail.in_error_at IS NULL
)
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0037_hidden_as_long_as_the_mothers_may_be_one")]

    operations = [
        migrations.AlterField(
            model_name="person",
            name="current_name",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="With the record that stands for the person: the name that staff recorded as today's.",
                max_length=300,
            ),
        ),
        migrations.RunSQL(EMPTY, migrations.RunSQL.noop),
    ]
