"""manage.py due KIND --from MOMENT: when a clock is due and when it warns. It needs no database."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from casework.deadlines.policies import Moments, Policy, load_file, moments, shipped, shipped_working_time
from errors import Fault, InvalidInput
from localities.working_time import LONDON, as_utc
from triage.documents import quoted


class Command(BaseCommand):
    """Prints the moments of a clock in local time, with the offset."""

    help = (
        "Print when a clock of KIND that starts --from a moment is due and when it warns, in local time. "
        "- for KIND reads lines of KIND FROM from standard input and prints a line for each. "
        "Bad input: a line for each fault on standard error, exit code 2."
    )
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", metavar="KIND", help="the kind of clock, or - to read lines of KIND FROM")
        parser.add_argument("--from", dest="start", metavar="MOMENT", help="local, as 2026-12-23T11:00")
        parser.add_argument("--policies", metavar="FILE", type=Path, help="policies other than the shipped ones")

    def handle(self, *args: Any, kind: str, start: str | None, policies: Path | None, **options: Any) -> None:
        try:
            known = load_file(policies) if policies else shipped()
            if kind == "-":
                for answer in _read_all(known, _lines()):
                    self.stdout.write(f"due {_local(answer.due_at)} warn {_local(answer.warn_at)}")
            else:
                answer = _read(known, kind, start)
                self.stdout.write(f"due {_local(answer.due_at)}\nwarn {_local(answer.warn_at)}")
        except OSError as error:
            self._stop([f"{error.filename}: {error.strerror}."])
        except InvalidInput as invalid:
            self._stop(str(fault) for fault in invalid.faults)

    def _stop(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stderr.write(line)
        sys.exit(2)


def _lines() -> list[str]:
    try:
        return sys.stdin.read().splitlines()
    except UnicodeDecodeError:
        raise InvalidInput([Fault((), "Standard input is not text in UTF-8.")]) from None


def _read_all(known: Mapping[str, Policy], lines: Iterable[str]) -> list[Moments]:
    answers: list[Moments] = []
    faults: list[Fault] = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        try:
            if len(words) != 2:
                raise InvalidInput([Fault((), "needs two words, a kind and a moment.")])
            answers.append(_read(known, *words))
        except InvalidInput as invalid:
            faults += [Fault((f"line {number}", *fault.path), fault.message) for fault in invalid.faults]
    if faults:
        raise InvalidInput(faults)
    return answers


def _read(known: Mapping[str, Policy], kind: str, start: str | None) -> Moments:
    faults: list[Fault] = []
    if kind not in known:
        faults.append(Fault(("KIND",), f"{quoted(kind)} is not a clock; the clocks are {', '.join(known)}."))
    moment = None
    if start is None:
        faults.append(Fault(("--from",), "is missing; write a moment as 2026-12-23T11:00."))
    else:
        try:
            moment = as_utc(datetime.fromisoformat(start))
        except (ValueError, OverflowError):
            faults.append(Fault(("--from",), f"{quoted(start)} is not a moment; write it as 2026-12-23T11:00."))
    if faults or moment is None:
        raise InvalidInput(faults)
    try:
        return moments(known[kind], moment, shipped_working_time())
    except OverflowError:
        message = f"{quoted(start)} is too near the end of the calendar to count from."
        raise InvalidInput([Fault(("--from",), message)]) from None


def _local(moment: datetime) -> str:
    return moment.astimezone(LONDON).isoformat(timespec="seconds")
