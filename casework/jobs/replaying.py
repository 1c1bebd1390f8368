"""
Runs replays in batches, with the progress in the row. When a worker dies, its lease expires and another starts again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F

from casework.facts import past_contacts
from casework.models import Event, Replay, ReplayedContact
from casework.record import audit
from triage import replay as calculator
from triage.published_rules import of_version, rule_set_of

log = structlog.get_logger()

LEASE = timedelta(minutes=2)
MOST_ATTEMPTS = 3


def run_next(*, clock: Callable[[], datetime]) -> Replay | None:
    """
    Runs the replay that has waited longest, if there is one. Safe to call at the same time as itself.

    :param clock: returns the current time: a replay takes a while.
    """
    replay = _claim(clock())
    if replay is None:
        return None
    try:
        _run(replay, clock)
    except Exception as error:
        _fail(replay, f"It stopped with an error ({type(error).__name__}). The administrators' log has more.", clock())
        raise
    return replay


@transaction.atomic
def _claim(now: datetime) -> Replay | None:
    # One at a time, because the worker has reminders to send. A claim locks all replays that wait or run.
    waiting = Replay.objects.unfinished().select_for_update(of=("self",))
    unfinished = list(waiting.select_related("rule_set").order_by("pk"))
    if not unfinished or any(each.leased_until and each.leased_until > now for each in unfinished):
        return None
    replay = unfinished[0]
    # Rows that a dead worker left are deleted: this run finds them again.
    replay.changed.all().delete()
    if replay.rule_set.edition != replay.edition:
        says = "The rule set changed before the replay began. Ask for another."
        Replay.objects.filter(pk=replay.pk).update(failed_at=now, failure=says)
        return None
    if replay.attempts >= MOST_ATTEMPTS:
        says = f"The worker died {MOST_ATTEMPTS} times over it. Ask for a shorter period, or tell your administrator."
        Replay.objects.filter(pk=replay.pk).update(failed_at=now, failure=says)
        return None
    replay.attempts += 1
    replay.started_at, replay.leased_until, replay.done = now, now + LEASE, 0
    replay.contacts = past_contacts.count(replay.first_day, replay.last_day)
    replay.save(update_fields=["attempts", "started_at", "leased_until", "done", "contacts"])
    return replay


def _run(replay: Replay, clock: Callable[[], datetime]) -> None:
    based_on = replay.rule_set.based_on_id
    calculation = calculator.Replay(
        rule_set_of(replay.rule_set), before=of_version(based_on).rule_set if based_on else None
    )
    for piece in past_contacts.pieces(replay.first_day, replay.last_day):
        found = [
            _row(replay, contact_id, seen, changed)
            for contact_id, seen in piece
            if (changed := calculation.add(seen)) is not None
        ]
        with transaction.atomic():
            if not _still_ours(replay, clock(), len(piece)):
                return
            ReplayedContact.objects.bulk_create(found)
    _finish(replay, calculation.result(), clock())


def _still_ours(replay: Replay, now: datetime, more: int) -> bool:
    """Renews the lease and adds to the count. False if somebody cancelled, or another worker has started again."""
    mine = Replay.objects.unfinished().filter(pk=replay.pk, started_at=replay.started_at)
    return mine.update(leased_until=now + LEASE, done=F("done") + more) == 1


@transaction.atomic
def _finish(replay: Replay, result: dict[str, Any], now: datetime) -> None:
    mine = Replay.objects.unfinished().filter(pk=replay.pk, started_at=replay.started_at)
    if mine.update(finished_at=now, result=result, leased_until=None) == 1:
        audit.record(
            Event.REPLAY_FINISHED, by=audit.SYSTEM, at=now, rule_set=str(replay.rule_set), replay=replay.pk,
            contacts=result["counts"].get("contacts", 0), changed=result["counts"].get("changed", 0),
        )  # fmt: skip


@transaction.atomic
def _fail(replay: Replay, says: str, now: datetime) -> None:
    log.error("replay_failed", replay=replay.pk)
    mine = Replay.objects.unfinished().filter(pk=replay.pk, started_at=replay.started_at)
    if mine.update(failed_at=now, failure=says, leased_until=None) == 1:
        replay.changed.all().delete()


def _row(
    replay: Replay, contact_id: int, seen: calculator.PastRecommendation, changed: calculator.Changed
) -> ReplayedContact:
    before, after, direction, agrees = changed
    return ReplayedContact(
        replay=replay,
        contact_id=contact_id,
        before_pathway=before.pathway,
        before_rag=before.rag,
        before_level=before.level,
        before_hold=before.hold,
        before_team=before.team,
        after_pathway=after.pathway,
        after_rag=after.rag,
        after_level=after.level,
        after_hold=after.hold,
        after_team=after.team,
        decided_pathway=seen.decided.pathway if seen.decided else "",
        decided_rag=seen.decided.rag if seen.decided else "",
        direction=direction or "",
        agrees_with_people=agrees,
    )
