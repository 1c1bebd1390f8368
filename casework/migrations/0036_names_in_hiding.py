"""
Notes whoever may have come to the home of a child in hiding, where the rule of before did not see that they have a name
in common (docs/adr/0026-confidential-once.md, rule 6). A job brings them up to date: `jobs/hidden_addresses.py`.
"""

from django.db import migrations

NOTE_NEIGHBOURS = """
INSERT INTO casework_hidingtocheck (person_id)
SELECT DISTINCT child.person_id
FROM casework_contactchild child JOIN casework_contactchild hidden
  ON hidden.address_is_confidential AND hidden.postcode = child.postcode AND hidden.postcode <> ''
WHERE NOT child.address_is_confidential
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):

    dependencies = [
        ('casework', '0035_babies_who_were_expected'),
    ]

    operations = [
        migrations.RunSQL(NOTE_NEIGHBOURS, migrations.RunSQL.noop),
    ]
