"""
Whoever is on record is found by a name in Arabic, Hebrew, Indian or Korean letters: 0043 does what this did, for those
who are found by a number that staff recorded as well.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("casework", "0040_one_index_for_a_beginning")]

    operations = []
