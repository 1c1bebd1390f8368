"""Parked messages: a person retries one, or drops it and says why."""

from datetime import datetime

from django.db import transaction

from casework.access import conditions, permissions
from casework.messages import outbox
from casework.models import Event, OutboxMessage
from errors import Fault, InvalidInput
from localities.models import User
from localities.working_time import local_day


@transaction.atomic
def retry(*, message_id: int, by: User, now: datetime) -> OutboxMessage:
    """
    Retries a parked message, with a new count of attempts.

    :raises NotPermitted: `by` is neither an administrator nor a service manager.
    :raises NotAllowedInStatus: the message is not parked, or was dropped.
    """
    message = _load_parked(message_id, by, now)
    outbox.messages_in_email(message).update(parked_at=None)
    OutboxMessage.objects.filter(pk=message.pk).update(attempts=0, not_before=now, leased_until=None)
    outbox.audit_email(Event.MESSAGE_RETRIED, message, by, now)
    return message


@transaction.atomic
def drop(*, message_id: int, reason: str, by: User, now: datetime) -> OutboxMessage:
    """
    Drops a parked message for a reason: somebody was told in another way, or the address is wrong.

    :raises InvalidInput: the reason is missing.
    :raises NotPermitted: `by` is neither an administrator nor a service manager.
    :raises NotAllowedInStatus: the message is not parked, or was dropped already.
    """
    message = _load_parked(message_id, by, now)
    if not reason.strip():
        raise InvalidInput([Fault(("reason",), "Enter why it need not go out, or who was told in which other way")])
    outbox.messages_in_email(message).update(dropped_at=now, dropped_by=by, drop_reason=reason.strip())
    outbox.audit_email(Event.MESSAGE_DROPPED, message, by, now)
    return message


def _load_parked(message_id: int, by: User, now: datetime) -> OutboxMessage:
    messages = OutboxMessage.objects.filter(carried_by__isnull=True).select_related("contact", "case")
    message = messages.select_for_update(of=("self",)).get(pk=message_id)
    permissions.check_can_manage_messages(by, local_day(now))
    conditions.check_is_parked(message)
    return message
