"""
Replays: somebody asks for one, the worker runs it, piece by piece, with its progress on the row; anybody who may ask
may cancel. A worker that dies in between lets its lease run out, and another begins anew.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q

from casework import audit, past, permissions, policies
from casework.errors import NotAllowedInStatus
from casework.models import Event, Replay, ReplayedContact
from casework.rules import of_version
from localities.models import User
from localities.working_time import local_day
from triage import replay as calculator
from triage.documents import Fault, InvalidDocument
from triage.models import RuleSetVersion
from triage.ruleset import parse

log = structlog.get_logger()

LEASE = timedelta(minutes=2)
MOST_ATTEMPTS = 3
LONGEST_PERIOD = timedelta(days=366 * 20)


@transaction.atomic
def ask_for(*, version_id: int, first_day: date | None, last_day: date | None, by: User, now: datetime) -> Replay:
    """
    Ask what a rule set would have said about the contacts of these days (local, both included).

    :raises InvalidDocument: with what is wrong with the days.
    :raises NotPermitted: `by` does not draft rules.
    :raises NotAllowedInStatus: a replay of this rule set goes on already.
    """
    permissions.check_can_draft_rules(by, local_day(now))
    version = RuleSetVersion.objects.select_for_update().get(pk=version_id)
    policies.check_is_a_draft(version)
    faults = []
    if first_day is None:
        faults.append(Fault(("first_day",), "Say from which day on."))
    if last_day is None:
        faults.append(Fault(("last_day",), "Say up to which day."))
    if first_day and last_day and last_day < first_day:
        faults.append(Fault(("last_day",), "The last day is before the first."))
    if last_day and last_day > local_day(now):
        faults.append(Fault(("last_day",), "This day lies in the future."))
    if first_day and last_day and last_day - first_day > LONGEST_PERIOD:
        faults.append(Fault(("first_day",), "Choose at most twenty years."))
    if faults or first_day is None or last_day is None:
        raise InvalidDocument(faults)
    if version.replays.filter(_goes_on()).exists():
        raise NotAllowedInStatus(f"A replay of {version} goes on already. Wait for it, or cancel it.")
    replay = Replay.objects.create(
        rule_set=version, edition=version.edition, first_day=first_day, last_day=last_day, asked_by=by, asked_at=now
    )
    audit.record(
        Event.REPLAY_ASKED_FOR, by=by, at=now, rule_set=str(version), replay=replay.pk,
        first_day=first_day.isoformat(), last_day=last_day.isoformat(),
    )  # fmt: skip
    return replay


@transaction.atomic
def cancel(*, replay_id: int, by: User, now: datetime) -> Replay:
    """
    Cancel a replay that waits or runs. What it has found so far is dropped; the worker stops at its next piece.

    :raises NotPermitted: `by` does not draft rules.
    :raises NotAllowedInStatus: it has ended already.
    """
    permissions.check_can_draft_rules(by, local_day(now))
    replay = Replay.objects.select_for_update(of=("self",)).select_related("rule_set").get(pk=replay_id)
    policies.check_goes_on(replay)
    # The worker adds no more: it looks at this row first, which is ours until the transaction ends.
    replay.changed.all().delete()
    replay.cancelled_at, replay.cancelled_by = now, by
    replay.save(update_fields=["cancelled_at", "cancelled_by"])
    audit.record(Event.REPLAY_CANCELLED, by=by, at=now, rule_set=str(replay.rule_set), replay=replay.pk)
    return replay


@transaction.atomic
def export(*, replay_id: int, by: User, now: datetime) -> Replay:
    """
    Write down that somebody takes a replay's result out of the service. It names references, never people.

    :raises NotPermitted: `by` may not read contact by contact.
    :raises NotAllowedInStatus: it is not finished.
    """
    permissions.check_can_read_replayed_contacts(by, local_day(now))
    replay = Replay.objects.select_related("rule_set").get(pk=replay_id)
    if replay.finished_at is None:
        raise NotAllowedInStatus("Only a finished replay can be exported.")
    audit.record(Event.REPLAY_EXPORTED, by=by, at=now, rule_set=str(replay.rule_set), replay=replay.pk)
    return replay


def run_next(*, clock: Callable[[], datetime]) -> Replay | None:
    """
    Run the replay that has waited longest, if any, to its end. Safe to call at the same time as itself.

    :param clock: tells the time: a replay takes a while.
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


def _goes_on() -> Q:
    return Q(finished_at__isnull=True, cancelled_at__isnull=True, failed_at__isnull=True)


@transaction.atomic
def _claim(now: datetime) -> Replay | None:
    # One at a time, for the worker has reminders to send meanwhile: who claims holds all that wait or run.
    waiting = Replay.objects.filter(_goes_on()).select_for_update(of=("self",))
    going_on = list(waiting.select_related("rule_set").order_by("pk"))
    if not going_on or any(each.leased_until and each.leased_until > now for each in going_on):
        return None
    replay = going_on[0]
    # What a worker that died left behind is found again, or goes.
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
    replay.contacts = past.count(replay.first_day, replay.last_day)
    replay.save(update_fields=["attempts", "started_at", "leased_until", "done", "contacts"])
    return replay


def _run(replay: Replay, clock: Callable[[], datetime]) -> None:
    based_on = replay.rule_set.based_on_id
    calculation = calculator.Replay(
        parse(replay.rule_set.document), before=of_version(based_on).rule_set if based_on else None
    )
    for piece in past.pieces(replay.first_day, replay.last_day):
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
    """Renew the lease and count what is done; no where somebody cancelled, or another worker began anew."""
    mine = Replay.objects.filter(_goes_on(), pk=replay.pk, started_at=replay.started_at)
    return mine.update(leased_until=now + LEASE, done=F("done") + more) == 1


@transaction.atomic
def _finish(replay: Replay, result: dict[str, Any], now: datetime) -> None:
    mine = Replay.objects.filter(_goes_on(), pk=replay.pk, started_at=replay.started_at)
    if mine.update(finished_at=now, result=result, leased_until=None) == 1:
        audit.record(
            Event.REPLAY_FINISHED, by=audit.SYSTEM, at=now, rule_set=str(replay.rule_set), replay=replay.pk,
            contacts=result["counts"].get("contacts", 0), changed=result["counts"].get("changed", 0),
        )  # fmt: skip


@transaction.atomic
def _fail(replay: Replay, says: str, now: datetime) -> None:
    log.error("replay_failed", replay=replay.pk)
    mine = Replay.objects.filter(_goes_on(), pk=replay.pk, started_at=replay.started_at)
    if mine.update(failed_at=now, failure=says, leased_until=None) == 1:
        replay.changed.all().delete()


def _row(replay: Replay, contact_id: int, seen: calculator.Past, changed: calculator.Changed) -> ReplayedContact:
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
