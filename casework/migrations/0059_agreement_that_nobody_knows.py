"""
Whether the family agrees is not known, or nobody has said it: until now both stood as not sought.

The history of facts left "not sought" out, as it was what a contact without an answer had; now no answer is empty. Each
such place says "not sought" from now on, as its readers have read it. A contact of before keeps "not sought": somebody
has decided on it by that word.
"""

from django.db import migrations, models

NAMED = """
ALTER TABLE casework_factchange DISABLE TRIGGER USER;
UPDATE casework_factchange
SET before = COALESCE(before, '"not_sought"'), after = COALESCE(after, '"not_sought"')
WHERE field = 'agreement.service' AND (before IS NULL OR after IS NULL);
ALTER TABLE casework_factchange ENABLE TRIGGER USER;
"""
LEFT_OUT = """
ALTER TABLE casework_factchange DISABLE TRIGGER USER;
UPDATE casework_factchange
SET before = NULLIF(before, '"not_sought"'), after = NULLIF(after, '"not_sought"')
WHERE field = 'agreement.service' AND '"not_sought"' IN (before, after);
ALTER TABLE casework_factchange ENABLE TRIGGER USER;
UPDATE casework_contact SET agreement = 'not_sought' WHERE agreement IN ('', 'not_known');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("casework", "0058_numbers_that_were_dropped"),
    ]

    operations = [
        migrations.AlterField(
            model_name="contact",
            name="agreement",
            field=models.CharField(
                blank=True,
                choices=[
                    ("given", "Given"),
                    ("refused", "Refused"),
                    ("withdrawn", "Withdrawn"),
                    ("not_sought", "Not sought"),
                    ("not_known", "Not known"),
                ],
                max_length=10,
                verbose_name="agreement to a voluntary service",
            ),
        ),
        migrations.RunSQL(NAMED, LEFT_OUT),
    ]
