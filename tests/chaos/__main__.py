"""
make chaos: the whole service, on servers of its own, with work that never stops, while everything in it is killed.

Partners' systems send contacts and people decide on them; one after the other, worker, web server, beat, Valkey with
its data, and PostgreSQL are killed (kill -9) and started again, the mail server falls silent, and of two hosts with a
worker one dies. Afterwards everything that anybody was told is looked for. Prints a table; exit code 1 when anything is
lost, doubled or broken. `--only NAME` does one thing to it; `--smoke` a small version, of a minute.
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
from tests.chaos.faults import FAULTS, ONE, SMOKE, TWO, Chaos, let_leases_end, let_the_half_hour_pass
from tests.chaos.reckoning import Reckoning, reckon, under_way
from tests.chaos.report import how_it_went, report
from tests.chaos.stage import NeverHappened, Stage
from tests.chaos.stream import Stream


@dataclass(frozen=True)
class Size:
    """
    How much there is to do, in seconds: between a partner's contacts, between two faults, and from a promise's warning
    to its breach. `hurries`: the two minutes for which a message stays claimed pass by SQL.
    """

    pace: float
    gap: float
    step: float
    hurries: bool = False


FULL, SMALL = Size(pace=1.2, gap=6, step=8), Size(pace=1, gap=0.5, step=1, hurries=True)
# The longest that a message may rightly wait: claimed for two minutes, then a minute, then two, and some time to send.
QUIET_WITHIN = 420.0
ANSWERS_WITHIN = 60.0
SETTLES_WITHIN = 5.0


def main() -> int:
    """0 when nothing was lost, doubled or broken; 1 when something was; 130 when somebody stopped it."""
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
    """True when everything is well."""
    stage = Stage(folder)
    chaos = Chaos(stage)
    stream: Stream | None = None
    clock = _Clock()
    try:
        clock.say("starting PostgreSQL, durable, and Valkey; loading the reference data")
        stage.prepare(clock.say)
        clock.say("starting web server, worker and beat")
        stage.open(*((ONE, TWO) if names == ["two-hosts"] else (ONE,)))
        stream = Stream(
            stage.base_url, stage.clients, stage.database, chaos.ledger,
            pace=size.pace, step=timedelta(seconds=size.step),
        )  # fmt: skip
        stream.start()
        stage.wait_until(lambda: any(chaos.ledger.answered()), "the first contact is answered", seconds=60)
        clock.say("contacts come in, people decide, promises fall due")
        for name in names:
            stage.sleep(size.gap)
            _do(name, chaos, clock)
        stage.sleep(size.gap)
        clock.say("no more contacts; what is under way is finished")
        for waiting in stream.stop(ANSWERS_WITHIN):
            chaos.findings.append(f"{waiting} still waits for an answer")
        if size.hurries:
            stage.sleep(SETTLES_WITHIN)
            let_leases_end(chaos)
        _wait_until_quiet(chaos, clock)
        clock.say("counting")
        found = _count(chaos)
        _say(report(found, chaos.faults, chaos.notes))
        return not found.findings and not found.total.is_broken
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
        chaos.stage.mail.speak()
    else:
        clock.say(how_it_went(chaos.faults[-1]))


def _wait_until_quiet(chaos: Chaos, clock: "_Clock") -> None:
    """Until no message waits and no promise is due: what a crash left claimed is let go after two minutes."""
    ends_at = time.monotonic() + QUIET_WITHIN
    said_at = time.monotonic()
    while any(waiting := under_way(chaos.stage.database)):
        says = "{} messages wait, {} clocks are soon due".format(*waiting)
        if time.monotonic() > ends_at:
            chaos.findings.append(f"after {QUIET_WITHIN:.0f} s {says}")
            return
        if time.monotonic() - said_at > 15:
            said_at = time.monotonic()
            clock.say(says)
        let_the_half_hour_pass(chaos)
        chaos.stage.sleep(1)


def _count(chaos: Chaos) -> Reckoning:
    """Everything that was found wrong, on the way and now."""
    stage = chaos.stage
    found = reckon(stage.database, chaos.ledger, stage.mail.letters, chaos.faults)
    if (broken := stage.check_integrity()) is not None:
        found.findings.append(f"check_integrity:\n{broken}")
    # A process that ends when another one dies takes the service with it where nobody starts it again: `make run`
    # stops everything then.
    found.findings += [*chaos.findings, *stage.ended]
    chaos.notes.append(f"Found done by looking again after an error: {chaos.ledger.seen_again}.")
    return found


class _Clock:
    """Says what goes on, and how long after the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        _say(f"{time.monotonic() - self._started:4.0f} s  {text}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
