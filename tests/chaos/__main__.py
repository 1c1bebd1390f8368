"""
make chaos: runs the whole service on servers of its own, under constant work, and kills each part of it.

Partners' systems send contacts with files, and people decide on them. One after the other, worker, web server, beat,
Valkey with its data, and PostgreSQL are killed (kill -9) and started again; the mail server stops answering; the folder
of files goes away; one of two hosts with a worker dies. Afterwards the clean-up of files runs, and every answer that
anybody got is compared with the database and the files. It prints a table; the exit code is 1 if anything is lost,
doubled or broken. `--only NAME` runs one fault; `--smoke` runs a small version of a minute.
"""

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from config.local import stopping
from config.local.processes import CannotStart
from tests.chaos.faults import FAULTS, ONE, SMOKE, TWO, Chaos, end_leases, release_waiting_reminders
from tests.chaos.files import reckon_files, without_row
from tests.chaos.ledger import Ledger
from tests.chaos.reckoning import Reckoning, reckon, unfinished
from tests.chaos.report import recovery_line, report
from tests.chaos.stage import Stage
from tests.chaos.stream import Stream
from tests.stage.service import NeverHappened


@dataclass(frozen=True)
class Size:
    """
    The seconds between a partner's contacts, between two faults, and from a clock's warning to its breach.

    `skips_leases`: SQL ends the two minutes for which a message stays claimed.
    """

    pace: float
    gap: float
    step: float
    skips_leases: bool = False


FULL, SMALL = Size(pace=1.2, gap=6, step=8), Size(pace=2, gap=0.5, step=1, skips_leases=True)
# The longest that a message may wait: two minutes claimed, a retry after one minute and after two, and time to send.
QUIET_TIMEOUT = 420.0
ANSWER_TIMEOUT = 60.0
SETTLE_SECONDS = 5.0


def main() -> int:
    """Returns 0 if nothing was lost, doubled or broken; 1 if something was; 130 if somebody stopped it."""
    arguments = argparse.ArgumentParser(prog="make chaos")
    arguments.add_argument("--only", metavar="NAME", choices=sorted(FAULTS))
    arguments.add_argument("--smoke", action="store_true")
    asked = arguments.parse_args()
    names = [asked.only] if asked.only else list(SMOKE if asked.smoke else FAULTS)
    stopping.listen()
    folder = Path(tempfile.mkdtemp(prefix="front-door-chaos-"))
    # The database's own user, where root runs this, passes through and sees nothing.
    folder.chmod(0o711)
    is_well = False
    try:
        is_well = _run(folder, names, SMALL if asked.smoke else FULL)
    except stopping.Stopped:
        shutil.rmtree(folder, ignore_errors=True)
        _say("Stopped.")
        return 130
    except (CannotStart, NeverHappened) as error:
        _say(str(error))
    if not is_well:
        _say(f"The logs and the database are left in {folder / 'data'}.")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _run(folder: Path, names: list[str], size: Size) -> bool:
    """Returns whether everything is well."""
    stage = Stage(folder)
    ledger = Ledger()
    stream: Stream | None = None
    clock = _Clock()
    try:
        clock.say("starting PostgreSQL, durable, and Valkey; loading the reference data")
        stage.prepare(clock.say)
        clock.say("starting web server, worker and beat")
        stage.open(*((ONE, TWO) if names == ["two-hosts"] else (ONE,)))
        stream = Stream(
            stage.base_url, stage.clients, stage.database, ledger, pace=size.pace, step=timedelta(seconds=size.step),
        )  # fmt: skip
        chaos = Chaos(stage, ledger, stream)
        stream.start()
        stage.wait_until(lambda: any(ledger.answered()), "the first contact is answered", seconds=60)
        clock.say("contacts come in, people decide, promises fall due")
        for name in names:
            stage.sleep(size.gap)
            _do(name, chaos, clock)
        stage.sleep(size.gap)
        clock.say("no more contacts; what is under way is finished")
        for waiting in stream.stop(ANSWER_TIMEOUT):
            chaos.findings.append(f"{waiting} still waits for an answer")
        if size.skips_leases:
            stage.sleep(SETTLE_SECONDS)
            end_leases(chaos)
        _wait_until_quiet(chaos, clock)
        clock.say("counting")
        found = _count(chaos)
        _say(report(found, chaos.faults, chaos.notes))
        return not found.findings and not found.is_broken
    finally:
        if stream is not None:
            stream.abandon()
        stage.close()


def _do(name: str, chaos: Chaos, clock: "_Clock") -> None:
    try:
        FAULTS[name](chaos)
    except NeverHappened as never:
        chaos.findings.append(f"{name}: {never}")
        clock.say(chaos.findings[-1])
        chaos.stage.mail.answer_again()
        chaos.stage.scanner.answers.set()
        chaos.stage.bring_files_back()
    else:
        clock.say(recovery_line(chaos.faults[-1]))


def _wait_until_quiet(chaos: Chaos, clock: "_Clock") -> None:
    """Waits until no message, file or clock waits: the lease of a killed process ends after two minutes."""
    ends_at = time.monotonic() + QUIET_TIMEOUT
    said_at = time.monotonic()
    while any(waiting := unfinished(chaos.stage.database)):
        says = "{} messages wait, {} clocks are soon due, {} files are to be checked or drawn".format(*waiting)
        if time.monotonic() > ends_at:
            chaos.findings.append(f"after {QUIET_TIMEOUT:.0f} s {says}")
            return
        if time.monotonic() - said_at > 15:
            said_at = time.monotonic()
            clock.say(says)
        release_waiting_reminders(chaos)
        chaos.stage.sleep(1)


def _count(chaos: Chaos) -> Reckoning:
    """Counts everything, and adds the findings of the run."""
    stage = chaos.stage
    before = without_row(stage.database, stage.content)
    stage.tidy_files()
    found = reckon(stage.database, chaos.ledger, stage.mail.letters, chaos.faults)
    found.files, wrong = reckon_files(stage.database, stage.content, chaos.ledger.files)
    found.files.without_row = before
    found.findings += wrong
    if (broken := stage.check_integrity()) is not None:
        found.findings.append(f"check_integrity:\n{broken}")
    # No process may end because another one died: `make run` would stop the whole service then.
    found.findings += [*chaos.findings, *stage.ended]
    chaos.notes.append(f"Found done by looking again after an error: {chaos.ledger.found_done}.")
    return found


class _Clock:
    """Prints what happens, with the seconds since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        _say(f"{time.monotonic() - self._started:4.0f} s  {text}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
