"""
Hidden addresses of families that nobody has touched since the rule grew.

The worker, or `manage.py recheck_hidden_addresses`, finds out anew whose address is hidden around everybody noted here.
"""

import django.db.models.deletion
from django.db import migrations, models

NOTE_ALL = """
INSERT INTO casework_hidingtocheck (person_id)
SELECT COALESCE(record.same_as_id, record.id)
FROM casework_addressprotection protection JOIN casework_person record ON record.id = protection.person_id
UNION SELECT person_id FROM casework_contactchild WHERE address_is_confidential
"""


class Migration(migrations.Migration):

    dependencies = [
        ('casework', '0021_search_of_details'),
    ]

    operations = [
        migrations.CreateModel(
            name='HidingToCheck',
            fields=[
                ('person', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='casework.person')),
            ],
            options={
                'verbose_name_plural': 'hiding to check',
                'ordering': ['person'],
            },
        ),
        migrations.RunSQL(NOTE_ALL, migrations.RunSQL.noop),
    ]
