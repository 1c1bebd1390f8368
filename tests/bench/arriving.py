"""
Contacts as partners' systems send them, to a web server of `make run`: beside a small and a large history, beside what
else the service does, and a hundred together.
"""

import http.client
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from itertools import cycle, islice
from multiprocessing import get_context
from statistics import median, quantiles
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from tests.bench.databases import create, reference
from tests.bench.history import named_like_others, on_record, path_of_contact, signed_in, sweep_fifty
from tests.bench.intake import client_of_bench, documents, post, server, token_of

# How many pages of staff are opened in each round of the other work.
PAGES = 20
BATCH = 100
# The first ones warm up the server's processes and the database's connections.
WARM_UP = 20


class Beside(NamedTuple):
    """Seconds that contacts take: of each history, and of the large one while other work goes on."""

    small: Sequence[float]
    large: Sequence[float]
    at_work: Sequence[float]


def measure(uses: Sequence[Callable[[], None]], times: int) -> Beside:
    """
    Sends contacts in turn to two servers, one beside a small history and one beside a large: about families on record,
    and about new ones.

    :param uses: call the first for the small history, the second for the large.
    :param times: how many to each.
    """
    with _Way(uses[0], WARM_UP + times) as small, _Way(uses[1], WARM_UP + 2 * times) as large:
        for way in (small, large):
            for _ in range(WARM_UP):
                way.send()
        pairs = [(small.send(), large.send()) for _ in range(times)]
        with _other_work(large):
            at_work = [large.send() for _ in range(times)]
    return Beside([one for one, _ in pairs], [other for _, other in pairs], at_work)


def say(found: Beside) -> None:
    """The medians and the slowest of a hundred of each, in milliseconds."""
    names = ("beside the small history", "beside the large one", "beside it, a sweep, a replay and pages")
    sys.stdout.write("\n")
    for name, seconds in zip(names, found, strict=True):
        slow = quantiles(seconds, n=100)[98] if len(seconds) > 1 else seconds[0]
        sys.stdout.write(f"  {name:40}{1000 * median(seconds):>8.1f} ms, 99th percentile {1000 * slow:.1f} ms\n")


def batch(rounds: int) -> float:
    """The seconds that a worker takes over a batch of a hundred, each about a family of its own: the median."""
    from casework.actions import contact_batches as batches
    from casework.actions.contact_batches import ToTakeIn
    from casework.jobs import contact_batches
    from localities.models import Agency

    create("batches", copy_of=reference())
    school, every, seconds = Agency.objects.get(code="example-primary-school"), documents(), []
    for number in range(rounds + 1):
        sent = [ToTakeIn(f"{number}/{place}", document) for place, document in enumerate(islice(every, BATCH))]
        batches.keep(contacts=sent, by=school, now=timezone.now())
        started = time.perf_counter()
        taken_in = contact_batches.take_in(clock=timezone.now)
        seconds.append(time.perf_counter() - started)
        assert taken_in == BATCH
    # The first one warms up.
    return median(seconds[1:])


class _Way:
    """A web server on one of the databases, and what is sent to it."""

    def __init__(self, use: Callable[[], None], times: int) -> None:
        use()
        self.use = use
        client = client_of_bench()
        # Both kinds in turn, so that each half of a round has the same.
        self._documents = [(on_record, named_like_others)[number % 2](number // 2) for number in range(times)]
        self._bodies = iter([json.dumps(document).encode() for document in self._documents])
        self._server = server(str(connection.settings_dict["NAME"]), log_level="ERROR")
        self.port, _ = self._server.__enter__()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self._token = token_of(self.connection, client)

    def __enter__(self) -> "_Way":
        return self

    def __exit__(self, *_: object) -> None:
        # The server stops at once when no connection is open.
        self.connection.close()
        self._server.__exit__(None, None, None)

    def send(self) -> float:
        return post(self.connection, "/api/v1/contacts", next(self._bodies), self._token).taken


@contextmanager
def _other_work(way: _Way) -> Iterator[None]:
    """A sweep, a replay and pages of staff, again and again, each in a process of its own."""
    way.use()
    cookie, page = signed_in("amina").cookies.output(header="", sep=";"), path_of_contact()
    connection.close()
    fork = get_context("fork")
    children = [
        fork.Process(target=_again_and_again, args=(way.use, work))
        for work in (sweep_fifty, _replay, lambda: _open_pages(way.port, cookie, ("/", page)))
    ]
    for child in children:
        child.start()
    try:
        yield
    finally:
        assert all(child.is_alive() for child in children), "one of them stopped"
        for child in children:
            child.terminate()
            child.join()
        way.use()


def _again_and_again(use: Callable[[], None], work: Callable[[], None]) -> None:
    with suppress(KeyboardInterrupt):
        use()
        while True:
            work()


def _replay() -> None:
    from casework.facts import past_contacts
    from triage import replay
    from triage.published_rules import live

    calculation = replay.Replay(live(timezone.now()).rule_set, before=None)
    today = timezone.localdate()
    for piece in past_contacts.pieces(today - timedelta(days=365), today):
        for _, seen in piece:
            calculation.add(seen)


def _open_pages(port: int, cookie: str, pages: Sequence[str]) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as browser:
        for page in islice(cycle(pages), PAGES):
            browser.request("GET", page, headers={"Cookie": cookie})
            answer: Any = browser.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
