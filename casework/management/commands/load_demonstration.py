"""manage.py load_demonstration: loads the reference data, and the invented teams, agencies and users."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casework.demonstration.in_production import check_may_be_made
from casework.jobs.reference_data import load
from errors import NotPermitted
from localities.loading import BUCKINGHAMSHIRE, DEMONSTRATION


class Command(BaseCommand):
    """Adds the rows that are missing, as `load_reference_data`. In production it must be asked for by name."""

    help = "Load Buckinghamshire's reference data, and the demonstration's teams, agencies and users."

    def handle(self, *args: Any, verbosity: int, **options: Any) -> None:
        try:
            check_may_be_made()
        except NotPermitted as refusal:
            raise CommandError(str(refusal)) from None
        for name, count in load(BUCKINGHAMSHIRE, DEMONSTRATION).items():
            if verbosity > 0:
                self.stdout.write(f"{count:>7} new from {name}")
