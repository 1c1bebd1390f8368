"""
The outbox with one worker and with two: messages per second.

The workers are processes of their own (`python -m tests.bench.sending`), and so is the mail server, on a real socket. A
council's mail server needs tens of milliseconds for a message, and so does this one: the worker waits meanwhile.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from statistics import median
from typing import Any, NamedTuple

from aiosmtpd.smtp import SMTP

from tests.bench.databases import APART, copy_rows, create, reference, use
from tests.bench.pairs import median_ratio
from tests.stage.mail import Sink

ROUNDS = 7
# What a council's mail server takes over a message, in seconds; and one that answers at once.
TAKES = 0.02
AT_ONCE = 0.0


class Rates(NamedTuple):
    """The messages per second with one worker and with two, and the median of the pairs' ratios."""

    one: float
    two: float
    times: float


def measure(messages: int, rounds: int) -> dict[float, Rates]:
    """
    Lets one worker and two workers, in turn, send these messages through a slow mail server and through one that
    answers at once. Returns the rates by the server's seconds per message.
    """
    use(_template())
    rates: dict[tuple[float, int], list[float]] = {(takes, n): [] for takes in (TAKES, AT_ONCE) for n in (1, 2)}
    with _started("serve") as server:
        port = server.answer()
        with _started("work", _template(), port) as first, _started("work", _template(), port) as second:
            workers = [first, second]
            assert [worker.answer() for worker in workers] == ["ready", "ready"]
            for _ in range(min(rounds, ROUNDS)):
                for (takes, n), found in rates.items():
                    _fill(messages)
                    found.append(messages / _seconds(messages, workers[:n], server, takes))
    return {
        takes: Rates(median(rates[takes, 1]), median(rates[takes, 2]), median_ratio(rates[takes, 2], rates[takes, 1]))
        for takes in (TAKES, AT_ONCE)
    }


def _seconds(messages: int, workers: "list[_Process]", server: "_Process", takes: float) -> float:
    """The seconds from the start to the last worker's answer. Checks that each message came exactly once."""
    from casework.models import OutboxMessage

    server.say(str(takes))
    assert json.loads(server.answer()) == []
    started = time.perf_counter()
    for worker in workers:
        worker.say("go")
    delivered = [json.loads(worker.answer()) for worker in workers]
    seconds = time.perf_counter() - started
    server.say(str(takes))
    keys = json.loads(server.answer())
    assert [sum(each) for each in zip(*delivered, strict=True)] == [messages, 0], f"sent and failed: {delivered}"
    assert len(keys) == len(set(keys)) == messages, f"{len(keys)} messages came, {len(set(keys))} different ones"
    assert not OutboxMessage.objects.filter(sent_at=None, pk__gt=APART).exists()
    return seconds


@cache
def _template() -> str:
    """The name of a database with one contact. Its acknowledgement never goes out; only those of its copies do."""
    from django.utils import timezone

    from casework.models import OutboxMessage
    from tests.stage.story import Story

    name = create("sending", copy_of=reference())
    started_at = timezone.now() - timedelta(days=1)
    Story(started_at).contact(referrer={"name": "A teacher", "email": "teacher@school.example"})
    OutboxMessage.objects.update(not_before=started_at + timedelta(days=1000))
    return name


def _fill(messages: int) -> None:
    """Adds waiting acknowledgements, each of a contact of its own with running clocks."""
    from django.db.models import Max

    from casework.models import Clock, Contact, OutboxMessage

    last = Contact.objects.aggregate(last=Max("pk"))["last"] // APART
    copy_rows(
        range(last + 1, last + 1 + messages),
        {Contact: "true", Clock: "stopped_at IS NULL", OutboxMessage: "true"},
        contact_reference="'CON-' || to_char(n, 'FM00000000')",
        contact_recommendation_id="NULL",
        outboxmessage_idempotency_key="idempotency_key || ':' || n",
        outboxmessage_not_before="created_at",
    )


# ---- the processes; each reads and writes lines


@dataclass
class _Process:
    process: subprocess.Popen[str]

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        line: str = self.process.stdout.readline()
        assert line, "it ended without an answer"
        return line.strip()


@contextmanager
def _started(*arguments: str) -> Iterator[_Process]:
    """Ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.bench.sending", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield _Process(process)
        finally:
            process.kill()


def work(database: str, port: int) -> None:
    """A worker: for each line, it drains the outbox until it is empty and prints the numbers of sent and failed."""
    import django

    django.setup()
    from django.utils import timezone

    from casework.jobs import delivery

    use(database)
    server = Sink(port)
    # The first way out asks for the machine's name, and no other.
    with server.connect():
        _print("ready")
    for _ in sys.stdin:
        sent = failed = 0
        while any(delivered := delivery.drain(clock=timezone.now, connect=server.connect)):
            sent, failed = sent + delivered.sent, failed + delivered.failed
        _print(json.dumps([sent, failed]))


@dataclass
class _Server(Sink):
    """A mail server with a delay for each message."""

    takes_for_each: float = AT_ONCE

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # as aiosmtpd calls it
        await asyncio.sleep(self.takes_for_each)
        return await super().handle_DATA(server, session, envelope)


async def serve() -> None:
    """
    The mail server's process. It prints its port first. Each line sets the delay per message, and is answered with the
    keys of the messages since the last line.
    """
    loop = asyncio.get_running_loop()
    sink = _Server(port=0)
    listening = await loop.create_server(lambda: SMTP(sink, hostname="localhost", loop=loop), "127.0.0.1", 0)
    _print(str(listening.sockets[0].getsockname()[1]))
    while takes := await loop.run_in_executor(None, sys.stdin.readline):
        sink.takes_for_each = float(takes)
        _print(json.dumps([letter["Idempotency-Key"] for letter in sink.letters]))
        sink.letters.clear()


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["work", database, port]:
            work(database, int(port))
        case _:
            asyncio.run(serve())
