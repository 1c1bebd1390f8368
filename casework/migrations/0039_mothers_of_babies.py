"""The mother of each baby on record is kept with it."""

from django.db import migrations, models

# See `families/mothers.py`.
FILL = """
WITH mother AS (
    SELECT adult.contact_id, min(record.first_name) AS first_name, min(record.date_of_birth) AS born
    FROM casework_contactadult adult JOIN casework_person record ON record.id = adult.recorded_as_id
    WHERE adult.in_family AND lower(trim(adult.relationship)) IN (
        'mother', 'mum', 'mummy', 'mom', 'mam', 'birth mother', 'biological mother', 'natural mother')
    GROUP BY adult.contact_id HAVING count(*) = 1)
UPDATE casework_person baby SET mother_first_name = mother.first_name, mother_born = mother.born
FROM casework_contactchild child
JOIN casework_contact contact ON contact.id = child.contact_id
JOIN mother ON mother.contact_id = child.contact_id
WHERE child.recorded_as_id = baby.id AND child.in_family
AND child.date_of_birth > (contact.received_at AT TIME ZONE 'Europe/London')::date - 730
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0038_names_of_today")]

    operations = [
        migrations.AddField(
            model_name="person",
            name="mother_born",
            field=models.DateField(blank=True, null=True, verbose_name="mother's date of birth"),
        ),
        migrations.AddField(
            model_name="person",
            name="mother_first_name",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of a baby: the mother whom the contact names. Two babies of one day are told apart by her.",
                max_length=100,
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
