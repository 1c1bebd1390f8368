"""Whoever is on record is found by other names: 0032 does what this did, for what has ended as well."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("casework", "0025_other_names")]

    operations = []
