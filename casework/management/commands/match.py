"""manage.py match --people FILE --probes FILE: who is like whom, by the service's own matching. Nothing is kept."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import OperationalError

from casework.families.likeness.describing import COLUMNS
from casework.families.likeness.finding import Proposal, register
from casework.families.likeness.record_files import read_files
from casework.families.likeness.weights import in_use, load_file
from errors import InvalidInput


class Command(BaseCommand):
    """Prints a line of JSON for each probe: who of the people it may be, how likely, and why."""

    help = (
        "Print a line of JSON for each person in the file --probes: those in the file --people who may be that person, "
        f"the best first, with score and reasons. Both are CSV with the column id and any of {', '.join(COLUMNS)}. "
        "Nothing stays in the database. Bad input: a line for each fault on standard error, exit code 2."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--people", metavar="FILE", type=Path, required=True, help="the people to search")
        parser.add_argument("--probes", metavar="FILE", type=Path, required=True, help="the people to look for")
        parser.add_argument("--weights", metavar="FILE", type=Path, help="weights other than those in use")

    def handle(self, *args: Any, people: Path, probes: Path, weights: Path | None, **options: Any) -> None:
        try:
            known, asked = read_files(people, probes)
            for path, file in ((people, known), (probes, asked)):
                if file.ignored:
                    self._say(f"{path}: these columns are not used: {', '.join(file.ignored)}.")
            with register(load_file(weights) if weights else in_use()) as found:
                for count in found.add(known.records):
                    self._say(f"{count:,} of {len(known.records):,} people read")
                found.ready()
                for number, (record, proposals) in enumerate(found.look_up(asked.records), start=1):
                    self.stdout.write(_line(record.id, proposals))
                    if number % 1_000 == 0 or number == len(asked.records):
                        self._say(f"{number:,} of {len(asked.records):,} probes answered")
        except InvalidInput as invalid:
            self._stop(2, *(str(fault) for fault in invalid.faults))
        except OSError as error:
            self._stop(2, f"{error.filename}: {error.strerror}.")
        except OperationalError as error:
            self._stop(1, f"The database does not answer: {' '.join(str(error).split())}")
        except KeyboardInterrupt:
            self._stop(130, "Stopped. What is answered so far is printed, and nothing stays in the database.")

    def _say(self, line: str) -> None:
        self.stderr.write(line)

    def _stop(self, code: int, *lines: str) -> None:
        for line in lines:
            self._say(line)
        sys.exit(code)


def _line(probe: str, proposals: list[Proposal]) -> str:
    candidates = [
        {
            "id": each.id,
            "score": each.likeness.score,
            "certain": each.likeness.certain,
            "reasons": list(each.likeness.reasons),
        }
        for each in proposals
    ]
    return json.dumps({"probe": probe, "candidates": candidates}, ensure_ascii=False)
