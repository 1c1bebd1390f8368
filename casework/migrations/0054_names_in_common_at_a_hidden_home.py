"""
The rule grew: a name in common at a hidden home hides the address there, also where the mother’s name has a slip.

The worker, or `manage.py recheck_hidden_addresses`, finds out anew whose address is hidden around everybody noted here.
"""

from django.db import migrations

NOTE_ALL = """
INSERT INTO casework_hidingtocheck (person_id)
SELECT COALESCE(record.same_as_id, record.id)
FROM casework_addressprotection protection JOIN casework_person record ON record.id = protection.person_id
UNION SELECT person_id FROM casework_contactchild WHERE address_is_confidential
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):

    dependencies = [
        ('casework', '0053_tasks_of_a_draft'),
    ]

    operations = [
        migrations.RunSQL(NOTE_ALL, migrations.RunSQL.noop),
    ]
