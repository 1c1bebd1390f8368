"""
Sends the messages in the outbox. A message is claimed with a lease, sent, then marked as sent. A crash loses no
message; a crash between sending and marking sends one again, with the same idempotency key.

Messages to one address about one contact or case are sent in the order in which they were written. Several reminders
that wait for one address are sent in one e-mail: one message carries the others.
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
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, prefetch_related_objects

from casework.deadlines import clocks
from casework.messages import outbox
from casework.messages.wording import write
from casework.models import Contact, Event, Message, OutboxMessage
from casework.record import audit

log = structlog.get_logger()

# Longer than the slowest mail server needs for one message: EMAIL_TIMEOUT for each of its nine replies.
LEASE = timedelta(minutes=2)
LONGEST = timedelta(seconds=45)
# After one minute, two, four … then every four hours: a mail server may be down over a long weekend.
MOST_ATTEMPTS = 30
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=4)
# This many reminders that wait for one address are sent in one e-mail, up to MOST_TOGETHER.
FEWEST_TOGETHER = 4
MOST_TOGETHER = 200


# Claims one message and reads it, in one statement that is composed once: it is the same for every message. The part
# after NOT EXISTS says the same as `_before_it`, and the conditions before it the same as `_due`. The column of the
# attempts is small: an outage of years must not overflow it.
CLAIM = """
WITH next AS (
    SELECT message.id
    FROM casework_outboxmessage message
    WHERE message.sent_at IS NULL AND message.parked_at IS NULL AND message.carried_by_id IS NULL
      AND message.not_before <= %(now)s
      AND (message.leased_until IS NULL OR message.leased_until <= %(now)s)
      AND NOT EXISTS (
          SELECT FROM casework_outboxmessage earlier
          WHERE earlier."to" = message."to" AND earlier.id < message.id
            AND earlier.sent_at IS NULL AND earlier.parked_at IS NULL
            AND (earlier.contact_id = message.contact_id OR earlier.case_id = message.case_id)
            AND NOT (earlier.kind = %(reminder)s AND earlier.attempts = 0 AND earlier.not_before > %(now)s))
    ORDER BY message.not_before, message.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE casework_outboxmessage message
SET leased_until = %(until)s, attempts = LEAST(message.attempts + 1, %(most)s)
FROM next
WHERE message.id = next.id
RETURNING message.*
"""


class Delivered(NamedTuple):
    """The numbers of a drain: messages sent, and attempts that failed."""

    sent: int
    failed: int


def drain(*, clock: Callable[[], datetime], connect: Callable[[], BaseEmailBackend] = get_connection) -> Delivered:
    """
    Sends the messages that are due, for 45 seconds at most. The next drain sends the rest.

    :param clock: returns the current time: sending takes a while, and each message is marked with its own moment.
    :param connect: opens the connection to the mail server; Django's e-mail backend by default.
    """
    sent = failed = 0
    ends_at = clock() + LONGEST
    # Each message has its own connection: a slow or broken one costs no other message its lease.
    while clock() < ends_at and (message := _claim(clock())):
        try:
            connect().send_messages([_email(message)])
        except Exception as error:  # noqa: BLE001  # whatever the mail server does, the other messages must be sent
            failed += 1
            _put_back(message, error, now=clock())
        else:
            sent += 1
            _mark_sent(message, now=clock())
    return Delivered(sent, failed)


@transaction.atomic
def _claim(now: datetime) -> OutboxMessage | None:
    """The next message that no other drain is sending, with a lease that ends if this process dies."""
    names = {"now": now, "until": now + LEASE, "most": MOST_ATTEMPTS, "reminder": Message.REMINDER.value}
    message = next(iter(OutboxMessage.objects.raw(CLAIM, names)), None)
    if message is None:
        return None
    contacts = Prefetch("contact", Contact.objects.defer("document"))
    prefetch_related_objects([message], contacts, "case", "reminder__clock")
    if message.kind == Message.REMINDER and message.attempts == 1 and not message.last_error:
        _gather(message, now)
    return message


def _due(now: datetime) -> QuerySet[OutboxMessage]:
    """The messages that wait and that no drain has claimed."""
    return OutboxMessage.objects.filter(
        Q(leased_until__isnull=True) | Q(leased_until__lte=now),
        sent_at__isnull=True,
        parked_at__isnull=True,
        carried_by__isnull=True,
        not_before__lte=now,
    )


def _before_it(now: datetime) -> QuerySet[OutboxMessage]:
    """
    The messages that must be sent before a message: earlier ones to the same address about the same contact or case. A
    reminder that waits for the next half hour does not delay others.
    """
    earlier = OutboxMessage.objects.filter(
        Q(contact=OuterRef("contact")) | Q(case=OuterRef("case")),
        to=OuterRef("to"),
        pk__lt=OuterRef("pk"),
        sent_at__isnull=True,
        parked_at__isnull=True,
    )
    return earlier.exclude(kind=Message.REMINDER, attempts=0, not_before__gt=now)


def _gather(leader: OutboxMessage, now: datetime) -> None:
    """
    Lets this message's e-mail carry the other reminders that wait for its address, if there are many. After the first
    attempt an e-mail stays as it is: a retry after a crash, or by a person, must send the same text.
    """
    others = (
        _due(now)
        .filter(kind=Message.REMINDER, to=leader.to, attempts=0, last_error="")
        .exclude(pk=leader.pk)
        .order_by("pk")
        .select_for_update(of=("self",), skip_locked=True)
    )
    locked = list(others.values_list("pk", flat=True)[: MOST_TOGETHER - 1])
    # Messages that another drain is sending, and retries, still come before later ones about the same contact or case.
    waits_for_another = Exists(_before_it(now).exclude(pk__in=[leader.pk, *locked]))
    found = list(OutboxMessage.objects.filter(~waits_for_another, pk__in=locked).values_list("pk", flat=True))
    if len(found) + 1 >= FEWEST_TOGETHER:
        OutboxMessage.objects.filter(pk__in=found).update(carried_by=leader)


def _email(message: OutboxMessage) -> EmailMessage:
    written = write(message)
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    unique = hashlib.sha256(message.idempotency_key.encode()).hexdigest()[:32]
    return EmailMessage(
        subject=written.subject,
        body=written.text,
        to=[message.to],
        headers={"Message-ID": f"<{unique}@{host}>", "Idempotency-Key": unique, "Auto-Submitted": "auto-generated"},
    )


@transaction.atomic
def _mark_sent(message: OutboxMessage, *, now: datetime) -> None:
    marked = outbox.letter(message).filter(sent_at__isnull=True).update(sent_at=now, leased_until=None, last_error="")
    if not marked:
        return
    outbox.audit_letter(Event.MESSAGE_SENT, message, audit.SYSTEM, now)
    if message.contact is None:
        return
    # If a person has recorded in between that they told the referrer, their moment stays.
    contact = Contact.objects.filter(pk=message.contact.pk)
    if message.kind == Message.ACKNOWLEDGEMENT and contact.filter(acknowledged_at=None).update(acknowledged_at=now):
        clocks.stop(message.contact, "acknowledge_referrer", at=now)
    elif message.kind == Message.FEEDBACK and contact.filter(feedback_given_at=None).update(feedback_given_at=now):
        clocks.stop(message.contact, "feedback_to_referrer", at=now)


@transaction.atomic
def _put_back(message: OutboxMessage, error: Exception, *, now: datetime) -> None:
    """
    Schedules the next attempt, each time after twice the delay. After the last attempt the message is parked for a
    person.
    """
    gives_up = message.attempts >= MOST_ATTEMPTS
    ours = OutboxMessage.objects.filter(pk=message.pk, sent_at__isnull=True, leased_until=message.leased_until)
    is_ours = ours.update(
        leased_until=None,
        # Only the class: a mail server's text may contain the address.
        last_error=type(error).__name__,
        not_before=now + min(FIRST_DELAY * 2 ** (message.attempts - 1), LONGEST_DELAY),
        parked_at=now if gives_up else None,
    )
    log.warning("message not sent", message=message.pk, kind=message.kind, error=type(error).__name__, parked=gives_up)
    # If the lease has ended meanwhile, another drain has the message, and may have sent it.
    if gives_up and is_ours:
        message.carries.update(parked_at=now)
        outbox.audit_letter(Event.MESSAGE_PARKED, message, audit.SYSTEM, now)
