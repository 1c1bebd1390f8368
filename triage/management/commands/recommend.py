"""manage.py recommend FILE: what the rules recommend for facts in a file. Needs no database."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from errors import Fault, InvalidInput
from triage.documents import load_json
from triage.facts import Facts
from triage.recommendation import recommend
from triage.ruleset import RuleSet, load_file, shipped


class Command(BaseCommand):
    """Reads facts as JSON (one object or a list), prints recommendations in the same shape."""

    help = (
        "Print what the rules recommend for the facts in FILE (JSON: one object or a list; - for standard input). "
        "Bad input: a line for each fault on standard error, exit code 2."
    )
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the facts, or - for standard input")
        parser.add_argument("--ruleset", metavar="FILE", type=Path, help="a rule set other than the shipped one")

    def handle(self, *args: Any, file: str, ruleset: Path | None, **options: Any) -> None:
        try:
            rules = _rules(ruleset)
            data = load_json(_bytes(file))
            many = isinstance(data, list)
            facts = _read_all(rules, data if many else [data], many=many)
        except OSError as error:
            self._stop([f"{error.filename}: {error.strerror}."])
        except InvalidInput as invalid:
            self._stop(str(fault) for fault in invalid.faults)
        answers = [recommend(rules, each).as_json() for each in facts]
        self.stdout.write(json.dumps(answers if many else answers[0], indent=2, ensure_ascii=False))

    def _stop(self, lines: Any) -> None:
        for line in lines:
            self.stderr.write(line)
        sys.exit(2)


def _bytes(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()


def _rules(path: Path | None) -> RuleSet:
    if path is None:
        return shipped()
    try:
        return load_file(path)
    except InvalidInput as invalid:
        raise InvalidInput(Fault((str(path), *fault.path), fault.message) for fault in invalid.faults) from None


def _read_all(rules: RuleSet, data: list[object], *, many: bool) -> list[Facts]:
    facts: list[Facts] = []
    faults: list[Fault] = []
    for number, item in enumerate(data):
        try:
            facts.append(rules.facts(item))
        except InvalidInput as invalid:
            before = (number,) if many else ()
            faults += [Fault((*before, *fault.path), fault.message) for fault in invalid.faults]
    if faults:
        raise InvalidInput(faults)
    return facts
