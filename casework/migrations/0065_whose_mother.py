"""
"Child's mother" and "Robin's mum" are a mother as well, and so are "mama" and "parents". Until now whatever had an 's in
it was somebody else, as is "mother's lodger".

The rule is told in `models/visibility.py`.
"""

from importlib import import_module

from django.db import migrations

OF_0060 = import_module("casework.migrations.0060_children_of_closed_parents").PARENTS
CALLED = "mother|mum|mummy|mom|mam|father|dad|daddy|parent|guardian"
CALLED_TODAY = "mother|mum|mummy|mom|mam|mama|mamma|father|dad|daddy|papa|parents?|guardians?"
ANYBODYS = "[''’]s[^[:alpha:]]"
# Whose lodger or mother is no parent of the child.
OF_A_RELATIVE = (
    f"({CALLED_TODAY}|carer|brother|sister|sibling|uncle|aunt|auntie|cousin|wife|husband|neighbour)[''’]s?[^[:alpha:]]"
)
PARENTS = OF_0060.replace("CREATE VIEW", "CREATE OR REPLACE VIEW")


class Migration(migrations.Migration):
    dependencies = [("casework", "0064_partner_request_withdrawn")]

    operations = [
        migrations.RunSQL(PARENTS.replace(CALLED, CALLED_TODAY).replace(ANYBODYS, OF_A_RELATIVE), PARENTS),
    ]
