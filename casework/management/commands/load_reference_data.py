"""manage.py load_reference_data: loads places, teams, users, clock policies and the rule set. Safe to run again."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from casework.jobs.reference_data import load
from errors import InvalidInput
from localities.loading import BUCKINGHAMSHIRE

# What PLACES may say beside a folder. With "none" an administrator types the council's places.
SHIPPED = {"buckinghamshire": [BUCKINGHAMSHIRE], "none": []}


class Command(BaseCommand):
    """Adds the rows that are missing. Rows that exist stay as they are."""

    help = (
        "Load reference data that is missing: rules and deadlines, with the places of PLACES or a council's own files."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = "a folder of CSV files, buckinghamshire or none; without it, what PLACES says"
        parser.add_argument("--from", dest="folder", default=settings.PLACES, help=names)

    def handle(self, *args: Any, folder: str, verbosity: int, **options: Any) -> None:
        try:
            counts = load(*SHIPPED.get(folder, [Path(folder)]))
        except InvalidInput as invalid:
            lines = "\n".join(f"  {fault}" for fault in invalid.faults)
            raise CommandError(f"Nothing was loaded:\n{lines}", returncode=2) from None
        if verbosity > 0:
            for name, count in counts.items():
                self.stdout.write(f"{count:>7} new from {name}")
