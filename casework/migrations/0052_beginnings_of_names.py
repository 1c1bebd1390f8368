"""
Whoever is on record is found by how a name begins, and by an estimated date of birth as it was written down.

In batches, each a transaction of its own. A run that was broken off can be run again.
"""

from typing import Any

from django.db import migrations, transaction
from django.db.models import Max, Min

from casework.families.person_keys import beginnings_of_record
from casework.migrations._keys import keep_keys, people_on_record

BATCH = 5_000


def fill(apps: Any, schema_editor: Any) -> None:
    people = apps.get_model("casework", "Person").objects
    ends = people.aggregate(first=Min("pk"), last=Max("pk"))
    for start in range(ends["first"] or 0, (ends["last"] or -1) + 1, BATCH):
        with transaction.atomic():
            keep_keys(people_on_record(people, range(start, start + BATCH)), beginnings_of_record)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("casework", "0051_shared_numbers")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
