"""
Sweeps: beside few and many running clocks, and compared with a loop over the ORM.

The running clocks are copies of those of four families: one waits at the front door, one is on offer to its team, one
was accepted, and one has a lead practitioner. The due clocks are spread over all of them.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from random import Random
from statistics import median
from typing import NamedTuple

from django.core.mail import get_connection
from django.db import connection, transaction
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from casework.actions import cases
from casework.jobs import delivery, sweep
from casework.models import (
    AuditEvent,
    Case,
    Clock,
    Contact,
    Decision,
    Handoff,
    OutboxMessage,
    Reminder,
    Responsibility,
    Step,
)
from localities.models import Role, User
from tests.bench.databases import copy_rows, create, reference, use
from tests.bench.pairs import median_ratio
from tests.stage.documents import child
from tests.stage.story import Story

Sweep = Callable[[datetime], object]

# No clock reminds of a step twice, so that each round needs fresh ones: ten thousand are enough for these and a first.
ROUNDS_BESIDE = 8
ROUNDS_AGAINST = 5

# A third warn, a third are late and a third are still late, whatever they had to say before: one step each.
MAKE_DUE = """
UPDATE casework_clock
SET warn_at = warn_at - early, due_at = due_at - early, escalate_at = escalate_at - early, next_at = %(now)s
FROM (
    SELECT id, CASE place %% 3 WHEN 0 THEN warn_at WHEN 1 THEN due_at ELSE escalate_at END - %(now)s AS early
    FROM casework_clock JOIN unnest(%(clocks)s) WITH ORDINALITY AS chosen (id, place) USING (id)
) AS chosen
WHERE casework_clock.id = chosen.id
"""
# Spread over the next three months, so that no clock falls due by itself.
LATER = "+ INTERVAL '7 days' + n % 12960 * INTERVAL '10 minutes'"


class Swept(NamedTuple):
    """The seconds of a sweep, and the numbers of rows that it wrote."""

    seconds: float
    reminders: int
    messages: int
    events: int


def beside(sizes: tuple[int, int], due: int, rounds: int) -> tuple[dict[int, float], float]:
    """
    The seconds of a sweep with these due clocks, in turn beside few and many running ones, by the latter number; and
    the median of the pairs' ratios, many over few.
    """
    places = [_Clocks(name, size) for name, size in zip(("few", "many"), sizes, strict=True)]
    seconds: dict[int, list[float]] = {clocks.count: [] for clocks in places}
    for number in range(min(rounds, ROUNDS_BESIDE) + 1):
        for clocks in places:
            swept = clocks.sweep(ours, due)
            if number:  # the first warms up
                seconds[clocks.count].append(swept.seconds)
    few, many = seconds.values()
    return {running: median(found) for running, found in seconds.items()}, median_ratio(many, few)


def against(due: int, rounds: int) -> tuple[Swept, Swept, float]:
    """
    The service's sweep and the loop over the ORM, in turn, over clocks of one database, and the median of the pairs'
    ratios. The seconds are medians.
    """
    rounds = min(rounds, ROUNDS_AGAINST)
    clocks = _Clocks("due", 2 * due * (rounds + 1))
    found: dict[Sweep, list[Swept]] = {ours: [], the_usual_way: []}
    for number in range(rounds + 1):
        for way, swept in found.items():
            swept.append(clocks.sweep(way, due if number else due // 10))
    our_seconds, usual_seconds = ([each.seconds for each in swept[1:]] for swept in found.values())
    our, usual = (each[-1]._replace(seconds=median(one.seconds for one in each[1:])) for each in found.values())
    return our, usual, median_ratio(usual_seconds, our_seconds)


# ---- the sweeps


def ours(now: datetime) -> None:
    sweep.sweep(now=now)


@transaction.atomic
def the_usual_way(now: datetime) -> None:
    """
    A loop over the due clocks: one query loads them with everything that a step depends on, then each is saved and gets
    its reminder, all in one transaction. It writes no audit event and no message.
    """
    current = Responsibility.objects.filter(case=OuterRef("case"), period__endswith__isnull=True)
    due = (
        Clock.objects.running()
        .filter(next_at__lte=now)
        .order_by("next_at")
        .select_related("policy", "contact", "handoff")
        .annotate(responsible=Subquery(current.values("team")))
        .select_for_update(of=("self",), skip_locked=True)
    )
    for clock in due:
        team_id: int | None = vars(clock)["responsible"]
        if clock.contact is not None:
            team_id = clock.contact.team_id
        elif clock.handoff is not None:
            team_id = clock.handoff.to_team_id
        assert clock.next_at is not None
        if clock.next_at >= clock.escalate_at:
            step, role, team_id, next_at = Step.ESCALATION, Role.SERVICE_MANAGER.value, None, None
        elif clock.next_at >= clock.due_at:
            step, role, next_at = Step.BREACH, clock.policy.escalates_to, clock.escalate_at
        else:
            step, role, next_at = Step.WARNING, "", clock.due_at
        clock.next_at = next_at
        clock.save()
        Reminder.objects.create(clock=clock, step=step, created_at=now, role=role, team_id=team_id)


# ---- the clocks


class _Clocks:
    """A database with this number of running clocks."""

    def __init__(self, name: str, count: int) -> None:
        template = _template()
        self._database = create(f"{template}_{name}", copy_of=template)
        copy_rows(
            range(1, count // Clock.objects.running().count()),
            {
                Contact: "true",
                Decision: "true",
                Case: "true",
                Handoff: "true",
                Responsibility: "true",
                Clock: "stopped_at IS NULL",
            },
            contact_reference="'CON-' || to_char(n * 10 + id, 'FM00000000')",
            contact_document="'{}'",
            contact_recommendation_id="NULL",
            case_reference="'CAS-' || to_char(n * 10 + id, 'FM00000000')",
            **{f"clock_{moment}": f"{moment} {LATER}" for moment in ("warn_at", "due_at", "escalate_at", "next_at")},
        )
        self._fresh = list(Clock.objects.running().order_by("pk").values_list("pk", flat=True))
        self.count = len(self._fresh)
        Random(self.count).shuffle(self._fresh)

    def sweep(self, sweep: Sweep, due: int) -> Swept:
        """Makes this number of untouched clocks due, and sweeps them."""
        use(self._database)
        chosen, self._fresh = self._fresh[:due], self._fresh[due:]
        now = timezone.now()
        with connection.cursor() as cursor:
            cursor.execute(MAKE_DUE, {"now": now, "clocks": chosen})
        before = _written()
        started = time.perf_counter()
        sweep(now)
        seconds = time.perf_counter() - started
        wrote = [after - earlier for after, earlier in zip(_written(), before, strict=True)]
        assert wrote[0] == due, f"{due} clocks were due, and {wrote[0]} reminders were made"
        return Swept(seconds, *wrote)


def _written() -> tuple[int, int, int]:
    return Reminder.objects.count(), OutboxMessage.objects.count(), AuditEvent.objects.count()


@cache
def _template() -> str:
    """The name of a database with the four families."""
    name = create("clocks", copy_of=reference())
    story = Story(timezone.now() - timedelta(days=1))
    _, offered, accepted, led = (
        story.contact(children=[child(last_name=last_name, date_of_birth=f"{year}-01-01", nhs_number=None)])
        for last_name, year in (("Waiting", 2011), ("Offered", 2012), ("Accepted", 2013), ("Led", 2014))
    )
    story.offered(offered)
    story.accepted(accepted)
    case = story.accepted(led)
    ben, bea = User.objects.get(username="ben"), User.objects.get(username="bea")
    cases.name_lead(case_id=case.pk, lead_id=bea.pk, by=ben, now=story.later())
    # The referrers hear of it, so that what was promised to them is done.
    sent_at = story.later()
    to_nowhere = get_connection("django.core.mail.backends.dummy.EmailBackend")
    delivery.drain(clock=lambda: sent_at, connect=lambda: to_nowhere)
    # Shortly before the hub closes, one of them would be due by itself.
    moments = ("warn_at", "due_at", "escalate_at", "next_at")
    Clock.objects.running().update(**{moment: F(moment) + timedelta(days=7) for moment in moments})
    return name
