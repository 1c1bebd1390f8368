"""manage.py seed_demo: makes demonstration contacts and the work with them, through the real actions."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from casework.demonstration.in_production import check_may_be_made
from casework.demonstration.seeding import seed
from errors import ServiceError


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of contacts; give 1 or more.")
    return int(text)


class Command(BaseCommand):
    """Shows its progress. Ctrl-C stops it between two transactions: what it has made stays, and is consistent."""

    help = "Make demonstration contacts over the last six weeks, and let people decide, accept and close them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--contacts", type=_count, default=40, metavar="N")
        parser.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed makes the same families")

    def handle(self, *args: Any, contacts: int, **options: Any) -> None:
        try:
            check_may_be_made()
            made = seed(contacts=contacts, seed=options["seed"], until=timezone.now(), progress=self.stdout.write)
        except ServiceError as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. What was made stays, and is whole.") from None
        self.stdout.write(f"{made} contacts came in.")
