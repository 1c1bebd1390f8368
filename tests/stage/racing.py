"""
Races on real connections: how they start, how one action waits for the other at a certain statement, and families
that have nothing to do with each other.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

from django.db import connection, connections, transaction

from casework.models import Contact, Handoff
from errors import ServiceError
from tests.stage.documents import child, nhs_number
from tests.stage.sql import run
from tests.stage.story import Story

# Enough for each order to come up.
TIMES = 3
# How many seconds one action waits for the other. A busy machine is slow, and a test that passes does not wait so long.
PATIENCE = 60.0


def race(*runners: Callable[[], Any]) -> list[Any]:
    """Runs these at the same moment, each on a connection of its own. Returns each one's result or error."""
    line = threading.Barrier(len(runners))

    def start(runner: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            line.wait(timeout=PATIENCE)
            return runner()
        except Exception as error:  # noqa: BLE001  # whatever it is, the test looks at it
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(runners)) as pool:
        outcomes = list(pool.map(start, runners))
    for outcome in outcomes:
        # What a runner asserts is no outcome of its action: that two of them never met, for one.
        if isinstance(outcome, AssertionError):
            raise outcome
    return outcomes


def only_one_succeeds(outcomes: list[Any], *late: type[Exception]) -> None:
    """One succeeded. Each of the others got an error with a sentence, or an error of one of these kinds."""
    errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert len(errors) == len(outcomes) - 1, outcomes
    for error in errors:
        assert isinstance(error, (ServiceError, *late)), repr(error)
        assert str(error).endswith(".")


def interleaved(first: Callable[[], Any], then: Callable[[], Any], *, before: str) -> list[Any]:
    """
    Runs `first` until just before its first statement that starts or ends with `before`; then runs `then` until it
    ends or is blocked by a lock; then lets `first` go on.
    """
    reached, ended = threading.Event(), threading.Event()

    def waits(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if (sql.startswith(before) or sql.endswith(before)) and not reached.is_set():
            reached.set()
            until(lambda: ended.is_set() or is_somebody_blocked(), "the other ends, or is blocked")
        return execute(sql, params, many, context)

    def one() -> Any:
        with connection.execute_wrapper(waits):
            return first()

    def other() -> Any:
        try:
            assert reached.wait(timeout=PATIENCE), "it never came to that statement"
            return then()
        finally:
            ended.set()

    return race(one, other)


def held_open(first: Callable[[], Any], then: Callable[[], Any]) -> list[Any]:
    """
    Runs `first` in a transaction, then starts `then`, and commits the first when the second is blocked by a lock.
    """
    done = threading.Event()

    def one() -> Any:
        try:
            with transaction.atomic():
                result = first()
                done.set()
                until(is_somebody_blocked, "the second waits for the first")
            return result
        finally:
            done.set()

    def other() -> Any:
        assert done.wait(timeout=PATIENCE), "the first never came to its end"
        return then()

    return race(one, other)


def until(holds: Callable[[], bool], what: str) -> None:
    """
    Waits until it is true.

    :raises AssertionError: it never was, so that the test would prove nothing.
    """
    ends = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < ends, f"waited {PATIENCE} s for this: {what}"
        time.sleep(0.01)


def is_somebody_blocked() -> bool:
    """Whether a connection to this database waits for a lock."""
    return bool(run("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"))


# ---- who takes part


# Nobody would take one for another.
FIRST_NAMES = ("Ada", "Bo", "Cyrus", "Dafydd", "Esme", "Farouk", "Gwen", "Hilda", "Idris", "Jemima")
LAST_NAMES = (
    "Quill", "Birtwhistle", "Nakamura", "Oyelaran", "Zielinski", "Haddad", "Vasquez", "Thorne", "Mbeki", "Ferreira",
)  # fmt: skip


def birth(number: int, year: int = 2008) -> str:
    """A date of birth of each family's own."""
    return date(year + number, 1 + number * 5 % 12, 3 + number * 7 % 25).isoformat()


def family(number: int, **changes: Any) -> dict[str, Any]:
    """The changes that make a contact one about a family of its own."""
    first, last = FIRST_NAMES[number % 10], LAST_NAMES[(number + number // 10) % 10]
    own: dict[str, Any] = {"first_name": first, "last_name": last, "also_known_as": [], "date_of_birth": birth(number)}
    own["nhs_number"] = None
    return {"children": [child(**(own | changes))], "adults": []}


def received(story: Story, number: int) -> Contact:
    return story.contact(**family(number))


def on_offer(story: Story, number: int) -> Handoff:
    return story.offered(received(story, number))


def by_number(number: int) -> dict[str, Any]:
    """A family whose child has an NHS number, by which later contacts match."""
    document = family(number)
    return document | {"children": [entry | {"nhs_number": nhs_number(number)} for entry in document["children"]]}
