"""
Replays: somebody asks for one, the worker runs it, piece by piece, with its progress on the row; anybody who may ask
may cancel. A worker that dies in between lets its lease run out, and another begins anew.
"""

from datetime import date, datetime, timedelta

from django.db import transaction

from casework.access import conditions, permissions
from casework.models import Event, Replay
from casework.record import audit
from errors import Fault, InvalidInput, NotAllowedInStatus
from localities.models import User
from localities.working_time import local_day
from triage.models import RuleSetVersion

LONGEST_PERIOD = timedelta(days=366 * 20)


@transaction.atomic
def ask_for(*, version_id: int, first_day: date | None, last_day: date | None, by: User, now: datetime) -> Replay:
    """
    Ask what a rule set would have said about the contacts of these days (local, both included).

    :raises InvalidInput: with what is wrong with the days.
    :raises NotPermitted: `by` does not draft rules.
    :raises NotAllowedInStatus: a replay of this rule set goes on already.
    """
    version = RuleSetVersion.objects.select_for_update().get(pk=version_id)
    permissions.check_can_draft_rules(by, local_day(now))
    conditions.check_is_a_draft(version)
    if version.replays.unfinished().exists():
        raise NotAllowedInStatus(f"A replay of {version} goes on already. Wait for it, or cancel it.")
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
        raise InvalidInput(faults)
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
    replay = Replay.objects.select_for_update(of=("self",)).select_related("rule_set").get(pk=replay_id)
    permissions.check_can_draft_rules(by, local_day(now))
    conditions.check_goes_on(replay)
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
    replay = Replay.objects.select_related("rule_set").get(pk=replay_id)
    permissions.check_can_read_replayed_contacts(by, local_day(now))
    if replay.finished_at is None:
        raise NotAllowedInStatus("Only a finished replay can be exported.")
    audit.record(Event.REPLAY_EXPORTED, by=by, at=now, rule_set=str(replay.rule_set), replay=replay.pk)
    return replay
