"""
manage.py check_integrity: every invariant, counted over the whole database and the storage of files. Exit code 1 if any
is broken.
"""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from casework.jobs.integrity_checks import everything


class Command(BaseCommand):
    """Prints a line for each invariant: the number of violations, and the invariant's sentence."""

    help = "Count every invariant over the whole database. Exit code 1 if any is broken."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for finding in everything():
            broken += finding.broken
            self.stdout.write(f"{finding.broken:>7}  {finding.sentence}")
        self.stdout.write("Nothing is broken." if not broken else f"{broken} broken.")
        if broken:
            sys.exit(1)
