"""
make chaos: the whole service, on servers of its own, with work that never stops, while everything in it is killed.

Partners' systems send contacts and people decide on them; one after the other, worker, web server, beat, Valkey with
its data, and PostgreSQL are killed (kill -9) and started again, the mail server falls silent, and of two hosts with a
worker one dies. Afterwards everything that anybody was told is looked for. Prints a table; exit code 1 when anything is
lost, doubled or broken. `--only NAME` does one thing to it; `--smoke` a small version, of a minute.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType

from config.embedded import CannotStart
from tests.chaos.faults import FAULTS, ONE, SMOKE, TWO, Chaos, let_leases_end
from tests.chaos.ledger import Ledger
from tests.chaos.reckoning import Count, Fault, Reckoning, reckon, under_way
from tests.chaos.stage import NeverHappened, Stage
from tests.chaos.stream import Stream


@dataclass(frozen=True)
class Size:
    """How much there is to do: a partner's pace, the time between faults, how soon promises fall due, in seconds."""

    pace: float
    gap: float
    step: float


FULL, SMOKE_SIZE = Size(pace=1.2, gap=6, step=8), Size(pace=1, gap=0.5, step=1)
# The longest that a message may rightly wait: a lease of two minutes, then a minute, then two, and some time to send.
QUIET_WITHIN = 420.0
ANSWERS_WITHIN = 60.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MOST_SAID = 30


class Stopped(BaseException):
    """Somebody asked us to stop."""


def main() -> int:
    """0 when nothing was lost, doubled or broken; 1 when something was; 130 when somebody stopped it."""
    arguments = argparse.ArgumentParser(prog="make chaos")
    arguments.add_argument("--only", metavar="NAME", choices=sorted(FAULTS))
    arguments.add_argument("--smoke", action="store_true")
    asked = arguments.parse_args()
    names = [asked.only] if asked.only else list(SMOKE if asked.smoke else FAULTS)
    for number in STOP_SIGNALS:
        signal.signal(number, _stop)
    folder = Path(tempfile.mkdtemp(prefix="front-door-chaos-"))
    # The database's own user, where root runs this, passes through and sees nothing.
    folder.chmod(0o711)
    keeps = False
    try:
        keeps = not _run(folder, names, smoke=asked.smoke)
    except Stopped:
        _say("Stopped.")
        return 130
    except (CannotStart, NeverHappened) as error:
        keeps = True
        _say(str(error))
    finally:
        if keeps or os.environ.get("KEEP"):
            _say(f"The logs and the database are left in {folder / 'data'}.")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if keeps else 0


def _stop(number: int, frame: FrameType | None) -> None:
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped


def _run(folder: Path, names: list[str], *, smoke: bool) -> bool:
    """True when everything is well."""
    started = time.monotonic()
    size = SMOKE_SIZE if smoke else FULL

    def say(text: str) -> None:
        _say(f"{time.monotonic() - started:4.0f} s  {text}")

    stage = Stage(folder)
    stream: Stream | None = None
    try:
        say("starting PostgreSQL, durable, and Valkey; loading the reference data")
        stage.prepare()
        say("starting web server, worker and beat")
        stage.open(*((ONE, TWO) if names == ["two-hosts"] else (ONE,)))
        chaos = Chaos(stage, Ledger())
        stream = Stream(
            stage.base_url, stage.clients, stage.database, chaos.ledger,
            pace=size.pace, step=timedelta(seconds=size.step),
        )  # fmt: skip
        stream.start()
        stage.wait_until(lambda: any(chaos.ledger.answered()), "the first contact is answered", seconds=60)
        say("contacts come in, people decide, promises fall due")
        for name in names:
            stage.sleep(size.gap)
            try:
                FAULTS[name](chaos)
            except NeverHappened as never:
                chaos.findings.append(f"{name}: {never}")
                say(chaos.findings[-1])
                stage.mail.speak()
            else:
                say(_how_it_went(chaos.faults[-1]))
        stage.sleep(size.gap)
        say("no more contacts; what is under way is finished")
        for waiting in stream.stop(ANSWERS_WITHIN):
            chaos.findings.append(f"{waiting} still waits for an answer")
        if smoke:
            stage.sleep(5)
            let_leases_end(chaos)
        _wait_until_quiet(chaos, say)
        say("counting")
        found = reckon(stage.database, chaos.ledger, stage.mail.letters, chaos.faults)
        found.findings = chaos.findings + found.findings
        if (broken := stage.check_integrity()) is not None:
            found.findings.append(f"check_integrity:\n{broken}")
        # `make run` stops everything when one of its processes ends; whoever starts it again in production is lucky.
        found.findings += stage.ended
        _report(chaos, found)
        return not found.findings and not found.total.is_broken
    finally:
        if stream is not None:
            stream.abandon()
        stage.close()


def _wait_until_quiet(chaos: Chaos, say: Callable[[str], None]) -> None:
    """Until no message waits and no promise is due: what a crash left claimed is let go after two minutes."""
    ends_at = time.monotonic() + QUIET_WITHIN
    said_at = time.monotonic()
    while True:
        messages, clocks = under_way(chaos.stage.database)
        if not messages and not clocks:
            return
        if time.monotonic() > ends_at:
            chaos.findings.append(f"after {QUIET_WITHIN:.0f} s {messages} messages wait and {clocks} clocks are due")
            return
        if time.monotonic() - said_at > 15:
            said_at = time.monotonic()
            say(f"{messages} messages wait, {clocks} clocks are soon due")
        chaos.stage.sleep(1)


# ---- saying how it went


COLUMNS = "{:34}{:>7}{:>10}{:>8}  {:>6}{:>10}{:>6}{:>9}  {:>8}{:>6}{:>9}  {:>6}{:>6}{:>10}{:>9}"


def _how_it_went(fault: Fault) -> str:
    return f"{fault.name}: answered after {_seconds(fault.answered_after)}, wrote after {_seconds(fault.wrote_after)}"


def _report(chaos: Chaos, found: Reckoning) -> None:
    head = COLUMNS.format(
        "", "at", "answered", "wrote", "sent", "answered", "lost", "doubled", "done", "lost", "doubled",
        "sent", "lost", "same key", "doubled",
    )  # fmt: skip
    _say("")
    _say(COLUMNS.format("", "", "after", "after", "contacts", "", "", "", "decisions", "", "", "letters", "", "", ""))
    _say(head)
    began = chaos.faults[0].at if chaos.faults else None
    _say(_row("before", None, None, found.counts[0]))
    for fault, count in zip(chaos.faults, found.counts[1:], strict=True):
        assert began is not None
        _say(_row(fault.name, fault, fault.at - began, count))
    total = found.total
    _say(_row("total", None, None, total))
    _say("")
    _say(
        f"Sent twice by a crash, same key: {total.letters_same_key} letters. Twice otherwise: {total.letters_doubled}."
    )
    _say(
        f"Reminders made: {total.reminders}, lost: {total.reminders_lost}; "
        f"the latest {found.latest_reminder.total_seconds():.0f} s after its moment."
    )
    _say(f"Found done by looking again after an error: {chaos.ledger.seen_again}.")
    for note in chaos.notes:
        _say(note)
    if found.findings:
        _say(f"\n{len(found.findings)} things are wrong:")
    for finding in found.findings[:MOST_SAID]:
        _say(f"  {finding}")
    if not found.findings:
        _say("Nothing is lost, doubled or broken.")


def _row(name: str, fault: Fault | None, at: timedelta | None, count: Count) -> str:
    return COLUMNS.format(
        name,
        f"{at.total_seconds():.0f} s" if at is not None else "",
        _seconds(fault.answered_after) if fault else "",
        _seconds(fault.wrote_after) if fault else "",
        count.sent, count.answered, count.lost, count.doubled,
        count.decisions, count.decisions_lost, count.decisions_doubled,
        count.letters, count.letters_lost, count.letters_same_key, count.letters_doubled,
    )  # fmt: skip


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
