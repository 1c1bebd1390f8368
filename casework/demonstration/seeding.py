"""
Fills the demonstration: contacts come in over some weeks, people decide, teams accept, cases close.

Everything goes through the real actions, at moments in the past, in the order of those moments.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from django.core.mail.backends.dummy import EmailBackend as NoEmail

from casework.demonstration import cover, door
from casework.demonstration.front_door import FrontDoor
from casework.demonstration.open_work import OpenWork
from casework.demonstration.teams import Teams
from casework.demonstration.timeline import Timeline
from casework.jobs import delivery, opening, sweep

WEEKS = 6


def seed(*, contacts: int, seed: int, until: datetime, progress: Callable[[str], None]) -> int:
    """
    Makes contacts that come in over the weeks before `until`, and the work with them up to that moment. At the end come
    three more, so that the rarer pages can be seen (`OpenWork`).

    :param seed: the same seed makes the same families.
    :returns: the number of contacts that came in before.
    :raises NothingToSeed: the reference data are not loaded.
    """
    timeline = Timeline(Random(seed), until)  # noqa: S311  # a demonstration, not a secret
    front_door = FrontDoor(timeline, Teams(timeline))
    for _ in range(contacts):
        # A third comes in since yesterday, so that every worklist has something on it.
        span = timedelta(hours=26) if timeline.chance(0.33) else timedelta(weeks=WEEKS)
        timeline.plan(until - span * timeline.random.random(), front_door.receive)
    reported = 0
    while event := timeline.next():
        event.happen(event.at)
        _run_jobs(event.at)
        if front_door.received >= reported + max(1, contacts // 10):
            reported = front_door.received
            progress(f"  {reported} of {contacts} contacts")
    OpenWork(timeline, front_door).create(until)
    _run_jobs(until)
    front_door.begin_drafts(until)
    cover.create(until)
    door.create(until)
    return front_door.received


def _run_jobs(now: datetime) -> None:
    """Runs the worker's jobs as of this moment. No e-mail is sent."""
    opening.pass_to_day_team(now=now)
    sweep.sweep(now=now)
    delivery.drain(clock=lambda: now, connect=NoEmail)
