"""manage.py end_demonstration: takes a demonstration's people, passwords and agencies out of use."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from casework.demonstration.in_production import end, found


class Command(BaseCommand):
    """Safe to run again. Contacts and cases stay: nobody can delete them."""

    help = "Close the accounts of a demonstration's staff and agencies, end its passwords, and remove its systems."

    def handle(self, *args: Any, **options: Any) -> None:
        for what, count in end(now=timezone.now()).items():
            self.stdout.write(f"{count:>7} {what} ended")
        for sentence in found():
            self.stdout.write(sentence)
