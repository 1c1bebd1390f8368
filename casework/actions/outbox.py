"""
The outbox: messages are claimed with a lease, sent, then marked sent. A crash never loses one; between sending and
marking it sends once more, with the same idempotency key.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Q

from casework import audit, clocks
from casework.messages import write
from casework.models import Contact, Event, Message, OutboxMessage

log = structlog.get_logger()

# Longer than the slowest mail server can take over one message: EMAIL_TIMEOUT for each of its nine answers.
LEASE = timedelta(minutes=2)
LONGEST = timedelta(seconds=45)
# A minute, two, four … then every four hours: a mail server may be away over a long weekend.
MOST_ATTEMPTS = 30
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=4)


class Delivered(NamedTuple):
    """What a drain did."""

    sent: int
    failed: int


def drain(*, clock: Callable[[], datetime], connect: Callable[[], BaseEmailBackend] = get_connection) -> Delivered:
    """
    Send what is due, for 45 seconds at most: what is left then is the next drain's.

    :param clock: tells the time: sending takes a while, and each message is marked with its own moment.
    :param connect: opens the way out; Django's e-mail back end unless told otherwise.
    """
    sent = failed = 0
    ends_at = clock() + LONGEST
    # One at a time, on a connection of its own: a slow or broken one costs no other its lease or its way out.
    while clock() < ends_at and (message := _claim(clock())):
        try:
            connect().send_messages([_email(message)])
        except Exception as error:  # noqa: BLE001  # whatever a mail server does, the others must still go out
            failed += 1
            _put_back(message, error, now=clock())
        else:
            sent += 1
            _mark_sent(message, now=clock())
    return Delivered(sent, failed)


@transaction.atomic
def _claim(now: datetime) -> OutboxMessage | None:
    """The next message that nobody else is sending, with a lease on it that ends if we do."""
    message = (
        OutboxMessage.objects.filter(
            Q(leased_until__isnull=True) | Q(leased_until__lte=now),
            sent_at__isnull=True,
            parked_at__isnull=True,
            not_before__lte=now,
        )
        .order_by("not_before", "id")
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("contact__decision_in_effect__recommendation", "case", "reminder__clock", "rule_set")
        .first()
    )
    if message is not None:
        message.leased_until = now + LEASE
        # An outage of years is no reason to run out of numbers.
        message.attempts = min(message.attempts + 1, MOST_ATTEMPTS)
        message.save(update_fields=["leased_until", "attempts"])
    return message


def _email(message: OutboxMessage) -> EmailMessage:
    letter = write(message)
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    unique = hashlib.sha256(message.idempotency_key.encode()).hexdigest()[:32]
    return EmailMessage(
        subject=letter.subject,
        body=letter.text,
        to=[message.to],
        headers={"Message-ID": f"<{unique}@{host}>", "Idempotency-Key": unique, "Auto-Submitted": "auto-generated"},
    )


@transaction.atomic
def _mark_sent(message: OutboxMessage, *, now: datetime) -> None:
    marked = OutboxMessage.objects.filter(pk=message.pk, sent_at__isnull=True).update(
        sent_at=now, leased_until=None, last_error=""
    )
    if not marked:
        return
    audit.record(
        Event.MESSAGE_SENT, by=audit.SYSTEM, at=now, contact=message.contact, case=message.case, kind=message.kind
    )
    if message.contact is None:
        return
    # What a person wrote down in between stays: the referrer was told then.
    contact = Contact.objects.filter(pk=message.contact.pk)
    if message.kind == Message.ACKNOWLEDGEMENT and contact.filter(acknowledged_at=None).update(acknowledged_at=now):
        clocks.stop(message.contact, "acknowledge_referrer", at=now)
    elif message.kind == Message.FEEDBACK and contact.filter(feedback_given_at=None).update(feedback_given_at=now):
        clocks.stop(message.contact, "feedback_to_referrer", at=now)


@transaction.atomic
def _put_back(message: OutboxMessage, error: Exception, *, now: datetime) -> None:
    """Try again later, each time twice as late; after the last try a person looks at it."""
    gives_up = message.attempts >= MOST_ATTEMPTS
    ours = OutboxMessage.objects.filter(pk=message.pk, sent_at__isnull=True, leased_until=message.leased_until)
    ours.update(
        leased_until=None,
        # The class only: a mail server's words may quote the address.
        last_error=type(error).__name__,
        not_before=now + min(FIRST_DELAY * 2 ** (message.attempts - 1), LONGEST_DELAY),
        parked_at=now if gives_up else None,
    )
    log.warning("message not sent", message=message.pk, kind=message.kind, error=type(error).__name__, parked=gives_up)
    if gives_up:
        audit.record(
            Event.MESSAGE_PARKED, by=audit.SYSTEM, at=now, contact=message.contact, case=message.case, kind=message.kind
        )
