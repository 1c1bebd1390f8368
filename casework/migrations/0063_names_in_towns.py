"""
Whoever is on record is found by a name or a street, and a town; by a name that is written with h or g, as a Ukrainian or
a Russian writes it; by a surname that is a word as well (Child); and by a postcode in the lines of an address.

In batches, each a transaction of its own. A run that was broken off can be run again.
"""

from typing import Any

from django.db import migrations, transaction
from django.db.models import Max, Min

from casework.migrations._keys import keep_keys, people_on_record

BATCH = 5_000


def fill(apps: Any, schema_editor: Any) -> None:
    people = apps.get_model("casework", "Person").objects
    ends = people.aggregate(first=Min("pk"), last=Max("pk"))
    for start in range(ends["first"] or 0, (ends["last"] or -1) + 1, BATCH):
        with transaction.atomic():
            keep_keys(people_on_record(people, range(start, start + BATCH)))


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("casework", "0062_unfinished_forms")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
