"""manage.py load_reference_data: loads places, teams, users, clock policies and the rule set. Safe to run again."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casework.jobs.reference_data import load
from errors import InvalidInput
from localities.loading import BUCKINGHAMSHIRE


class Command(BaseCommand):
    """Adds the rows that are missing. Rows that exist stay as they are."""

    help = "Load reference data that is missing: Buckinghamshire's places, or a council's own folder of CSV files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="folder", type=Path, default=BUCKINGHAMSHIRE, help="a folder of CSV files")

    def handle(self, *args: Any, folder: Path, verbosity: int, **options: Any) -> None:
        try:
            counts = load(folder)
        except InvalidInput as invalid:
            lines = "\n".join(f"  {fault}" for fault in invalid.faults)
            raise CommandError(f"Nothing was loaded:\n{lines}", returncode=2) from None
        if verbosity > 0:
            for name, count in counts.items():
                self.stdout.write(f"{count:>7} new from {name}")
