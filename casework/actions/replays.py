"""
Replays: somebody asks for one, and the worker runs it in batches (`jobs/replaying.py`). Everybody who may ask for a
replay may cancel it.
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
    Asks for a replay of a rule set over the contacts of these days (local, both included).

    :raises InvalidInput: the days are wrong.
    :raises NotPermitted: `by` does not draft rules.
    :raises NotAllowedInStatus: a replay of this rule set waits or runs already.
    """
    version = RuleSetVersion.objects.select_for_update().get(pk=version_id)
    permissions.check_can_draft_rules(by, local_day(now))
    conditions.check_is_a_draft(version)
    if version.replays.unfinished().exists():
        raise NotAllowedInStatus(f"A replay of {version.called} goes on already. Wait for it, or cancel it.")
    faults = []
    if first_day is None:
        faults.append(Fault(("first_day",), "Enter from which day on"))
    if last_day is None:
        faults.append(Fault(("last_day",), "Enter up to which day"))
    if first_day and last_day and last_day < first_day:
        faults.append(Fault(("last_day",), "The last day is before the first."))
    if last_day and last_day > local_day(now):
        faults.append(Fault(("last_day",), "This day lies in the future."))
    if first_day and last_day and last_day - first_day > LONGEST_PERIOD:
        faults.append(Fault(("first_day",), "Enter a period of at most twenty years"))
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
    Cancels a replay that waits or runs. Its rows so far are deleted; the worker stops at its next batch.

    :raises NotPermitted: `by` does not draft rules.
    :raises NotAllowedInStatus: the replay has ended already.
    """
    replay = Replay.objects.select_for_update(of=("self",)).select_related("rule_set").get(pk=replay_id)
    permissions.check_can_draft_rules(by, local_day(now))
    conditions.check_is_running(replay)
    # The worker adds no more rows: it checks this row first, which is locked until the transaction ends.
    replay.changed.all().delete()
    replay.cancelled_at, replay.cancelled_by = now, by
    replay.save(update_fields=["cancelled_at", "cancelled_by"])
    audit.record(Event.REPLAY_CANCELLED, by=by, at=now, rule_set=str(replay.rule_set), replay=replay.pk)
    return replay


@transaction.atomic
def export(*, replay_id: int, by: User, now: datetime) -> Replay:
    """
    Records that somebody exports a replay's result. The result has references, never names.

    :raises NotPermitted: `by` may not read the contacts of a replay.
    :raises NotAllowedInStatus: the replay is not finished.
    """
    replay = Replay.objects.select_related("rule_set").get(pk=replay_id)
    permissions.check_can_read_replayed_contacts(by, local_day(now))
    if replay.finished_at is None:
        raise NotAllowedInStatus("Only a finished replay can be exported.")
    audit.record(Event.REPLAY_EXPORTED, by=by, at=now, rule_set=str(replay.rule_set), replay=replay.pk)
    return replay
