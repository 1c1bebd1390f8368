"""manage.py recheck_recommendations: recomputes stored recommendations. Exit code 1 if any comes out differently."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from casework.jobs.rechecks import recheck


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of recommendations; give 1 or more.")
    return int(text)


class Command(BaseCommand):
    """Shows its progress. Ctrl-C stops it without recording a re-check."""

    help = "Compute stored recommendations again, each by its own version. Exit code 1 if any comes out otherwise."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sample", type=_count, metavar="N", help="N by lot; without it, all of them")

    def handle(self, *args: Any, sample: int | None, **options: Any) -> None:
        result = recheck(now=timezone.now(), sample=sample, progress=self._progress)
        self.stdout.write(f"{result.checked} computed again, {len(result.differing)} differ from what was stored.")
        if result.differing:
            self.stdout.write(f"Recommendations: {', '.join(map(str, result.differing))}")
            sys.exit(1)

    def _progress(self, done: int) -> None:
        self.stderr.write(f"{done} …")
