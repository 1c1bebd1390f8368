"""
The rule grew: a child stays hidden while an adult beside it may be one who lives with a child in hiding.

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
        ('casework', '0036_names_in_hiding'),
    ]

    operations = [
        migrations.RunSQL(NOTE_ALL, migrations.RunSQL.noop),
    ]
