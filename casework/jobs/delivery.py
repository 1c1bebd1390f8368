"""
Sends the messages in the outbox. A message is claimed with a lease, sent, then marked as sent. A crash loses no
message; a crash between sending and marking sends one again, with the same idempotency key.

Messages to one address about one contact or case are sent in the order in which they were written. Several reminders
that wait for one address are sent in one e-mail: one message carries the others.
"""

import hashlib
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction

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
# Some mail servers end a connection after so many messages.
MOST_IN_ONE_CONNECTION = 20
# This many reminders that wait for one address are sent in one e-mail, up to MOST_TOGETHER.
FEWEST_TOGETHER = 4
MOST_TOGETHER = 200

# What a referrer was told: the contact's field with the moment, and the clock that stops.
TOLD = {
    Message.ACKNOWLEDGEMENT: ("acknowledged_at", "acknowledge_referrer"),
    Message.FEEDBACK: ("feedback_given_at", "feedback_to_referrer"),
}

# The conditions on a message that is due and that no drain is sending.
DUE = """
    message.sent_at IS NULL AND message.parked_at IS NULL AND message.carried_by_id IS NULL
    AND message.not_before <= %(now)s AND (message.leased_until IS NULL OR message.leased_until <= %(now)s)
"""

# The messages that must be sent before a message: earlier ones to the same address about the same contact or case. A
# reminder that waits for the next half hour does not delay others.
BEFORE_IT = """
    SELECT FROM casework_outboxmessage earlier
    WHERE earlier."to" = message."to" AND earlier.id < message.id
      AND earlier.sent_at IS NULL AND earlier.parked_at IS NULL
      AND (earlier.contact_id = message.contact_id OR earlier.case_id = message.case_id)
      AND NOT (earlier.kind = %(reminder)s AND earlier.attempts = 0 AND earlier.not_before > %(now)s)
"""

# Leases the next message and reads it. The column of the attempts is small: an outage of years must not overflow it.
CLAIM = f"""
WITH next AS (
    SELECT message.id
    FROM casework_outboxmessage message
    WHERE {DUE} AND NOT EXISTS ({BEFORE_IT})
    ORDER BY message.not_before, message.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE casework_outboxmessage message
SET leased_until = %(until)s, attempts = LEAST(message.attempts + 1, %(most_attempts)s)
FROM next
WHERE message.id = next.id
RETURNING message.*
"""  # noqa: S608  # of our own constants

# Lets a reminder's e-mail carry the other reminders that wait for its address and were never tried. Messages that
# another drain is sending, and retries, still go before later ones about the same contact or case.
GATHER = f"""
WITH other AS (
    SELECT message.*
    FROM casework_outboxmessage message
    WHERE {DUE} AND message.kind = %(reminder)s AND message."to" = %(to)s
      AND message.attempts = 0 AND message.last_error = ''
    ORDER BY message.id
    LIMIT %(most_together)s - 1
    FOR UPDATE SKIP LOCKED
), carried AS (
    SELECT message.id
    FROM other message
    WHERE NOT EXISTS ({BEFORE_IT} AND earlier.id <> %(carrier)s AND earlier.id NOT IN (SELECT id FROM other))
)
UPDATE casework_outboxmessage message
SET carried_by_id = %(carrier)s
FROM carried
WHERE message.id = carried.id AND (SELECT count(*) FROM carried) >= %(fewest_together)s - 1
"""  # noqa: S608  # of our own constants


class Delivered(NamedTuple):
    """The numbers of a drain: messages sent, and attempts that failed."""

    sent: int
    failed: int


def drain(*, clock: Callable[[], datetime], connect: Callable[[], BaseEmailBackend] = get_connection) -> Delivered:
    """
    Sends the messages that are due, for 45 seconds at most. The next drain sends the rest.

    Each message has a lease of its own, and several share a connection to the mail server. A message that fails ends
    the connection, which may be broken; the next message opens another.

    :param clock: returns the current time: sending takes a while, and each message is marked with its own moment.
    :param connect: makes the connection to the mail server; Django's e-mail backend by default.
    """
    sent = failed = 0
    ends_at = clock() + LONGEST
    with closing(connect()) as server:
        while clock() < ends_at and (message := _claim(clock())):
            try:
                server.open()  # does nothing if it is open
                server.send_messages([_email(message)])
            except Exception as error:  # noqa: BLE001  # whatever the mail server does, the others must be sent
                failed += 1
                _put_back(message, error, now=clock())
                server.close()
            else:
                sent += 1
                _mark_sent(message, now=clock())
                if sent % MOST_IN_ONE_CONNECTION == 0:
                    server.close()
    return Delivered(sent, failed)


def _claim(now: datetime) -> OutboxMessage | None:
    """The next message that no other drain is sending, with a lease that ends if this process dies."""
    names = {"now": now, "until": now + LEASE, "most_attempts": MOST_ATTEMPTS, "reminder": Message.REMINDER.value}
    message = next(iter(OutboxMessage.objects.raw(CLAIM, names)), None)
    # After the first attempt an e-mail stays as it is: a retry after a crash, or by a person, must send the same text.
    if message and message.kind == Message.REMINDER and message.attempts == 1 and not message.last_error:
        _gather(message, now)
    return message


def _gather(carrier: OutboxMessage, now: datetime) -> None:
    """Lets the message's e-mail carry others, if there are enough of them."""
    names: dict[str, datetime | int | str] = {
        "now": now,
        "reminder": Message.REMINDER.value,
        "to": carrier.to,
        "carrier": carrier.pk,
        "fewest_together": FEWEST_TOGETHER,
        "most_together": MOST_TOGETHER,
    }
    with connection.cursor() as cursor:
        cursor.execute(GATHER, names)


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
    marked = (
        outbox.messages_in_email(message)
        .filter(sent_at__isnull=True)
        .update(sent_at=now, leased_until=None, last_error="")
    )
    if not marked:
        return
    outbox.audit_email(Event.MESSAGE_SENT, message, audit.SYSTEM, now)
    if message.contact is not None and message.kind in TOLD:
        field, clock = TOLD[Message(message.kind)]
        # If a person has recorded in between that they told the referrer, their moment stays.
        if Contact.objects.filter(pk=message.contact.pk, **{field: None}).update(**{field: now}):
            clocks.stop(message.contact, clock, at=now)


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
        outbox.audit_email(Event.MESSAGE_PARKED, message, audit.SYSTEM, now)
