"""manage.py estimate_weights --people FILE: weights for matching, estimated from a council's own records."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand

from casework.families.likeness.finding import register
from casework.families.likeness.record_files import read_files
from casework.families.likeness.weights import in_use, load_file
from errors import InvalidInput


class Command(BaseCommand):
    """Prints weights as YAML, which `manage.py match --weights FILE` takes."""

    help = (
        "Print weights for matching as YAML, estimated from the people in a CSV file (as for match) who are compared "
        "with those in --probes, or with each other. Nothing stays in the database."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--people", metavar="FILE", type=Path, required=True)
        parser.add_argument("--probes", metavar="FILE", type=Path, help="other records of the same people")
        parser.add_argument("--weights", metavar="FILE", type=Path, help="weights to begin with, if not those in use")

    def handle(self, *args: Any, people: Path, probes: Path | None, weights: Path | None, **options: Any) -> None:
        try:
            files = read_files(people, *([probes] if probes else []))
            with register(load_file(weights) if weights else in_use()) as found:
                for count in found.add(files[0].records):
                    self.stderr.write(f"{count:,} people read")
                found.ready()
                estimated = found.estimated(files[-1].records)
        except InvalidInput as invalid:
            for fault in invalid.faults:
                self.stderr.write(str(fault))
            sys.exit(2)
        except OSError as error:
            self.stderr.write(f"{error.filename}: {error.strerror}.")
            sys.exit(2)
        document = estimated.model_dump(mode="json")
        self.stdout.write(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110))
