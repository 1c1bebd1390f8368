"""manage.py recheck_hidden_addresses: finds out anew whose address is hidden, at once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from casework.jobs import hidden_addresses


class Command(BaseCommand):
    """Shows its progress. Ctrl-C stops it; it, or the worker, goes on where it stopped."""

    help = "Hide and show addresses as the rule of today says, around everybody whom an upgrade has noted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--all", action="store_true", dest="everybody", help="around everybody with a protected or hidden address"
        )

    def handle(self, *args: Any, everybody: bool, **options: Any) -> None:
        if everybody:
            hidden_addresses.note_all()
        done = hidden_addresses.recheck(now=timezone.now(), lots=None, progress=self._progress)
        if done or everybody:
            self.stdout.write(f"Hidden addresses were checked around {done} people.")

    def _progress(self, done: int) -> None:
        self.stderr.write(f"Hidden addresses: {done} people …")
