"""
Sends events to the agencies that take them.

It has queues of its own, beside the outbox: a receiver that hangs holds up no e-mail. Each address is sent one event at
a time, and several addresses side by side: it holds up no other agency either. Of one contact the events come in
order; one that fails holds back only its own contact's, while the address answers at all.
"""

import json
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse

from casework.access import webhook_secrets
from casework.jobs.webhook_sending import NotDeliveredError, post
from casework.messages import outbox
from casework.models import Message, WebhookDelivery, WebhookEndpoint
from localities.models import Role

AT_ONCE = 8
LOOK_AGAIN = 0.5
A_RUN = timedelta(seconds=40)
# Longer than a request can take.
LEASE = timedelta(seconds=60)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(hours=6)
# After a failure the address itself is left alone for so long at least.
REST = timedelta(seconds=5)
GIVEN_UP_AFTER = timedelta(days=5)
GONE = 410
LOCK = "casework_webhookdelivery"


class _Claimed(NamedTuple):
    delivery: WebhookDelivery
    url: str
    body: bytes
    headers: dict[str, str]


class _Answer(NamedTuple):
    status: int | None
    fault: str


def deliver(*, clock: Callable[[], datetime]) -> int:
    """
    Sends what is due, for 40 seconds at most.

    One run at a time: receivers that hang keep one process of a worker busy, and leave the others to all else.

    :returns: how many events were delivered.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        try:
            return _deliver(clock)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [LOCK])


def _deliver(clock: Callable[[], datetime]) -> int:
    delivered, ends_at = 0, clock() + A_RUN
    under_way: dict[Future[_Answer], WebhookDelivery] = {}
    with ThreadPoolExecutor(AT_ONCE) as threads:
        while True:
            while clock() < ends_at and len(under_way) < AT_ONCE and (claimed := _claim(clock())) is not None:
                under_way[threads.submit(_send, claimed)] = claimed.delivery
            if not under_way:
                return delivered
            # What comes meanwhile does not wait until a receiver that hangs is given up.
            for done in wait(under_way, LOOK_AGAIN, FIRST_COMPLETED).done:
                delivered += _settle(under_way.pop(done), done.result(), clock())


@transaction.atomic
def _claim(now: datetime) -> _Claimed | None:
    """The next event for an address to which nobody is sending."""
    waiting = WebhookDelivery.objects.filter(not_before__isnull=False)
    earlier = waiting.filter(
        endpoint=OuterRef("endpoint"), contact_id=OuterRef("contact_id"), event__lt=OuterRef("event")
    )
    due = waiting.filter(not_before__lte=now).exclude(Exists(earlier))
    endpoints = WebhookEndpoint.objects.filter(Exists(due.filter(endpoint=OuterRef("pk"))), is_active=True)
    free = endpoints.exclude(not_before__gt=now).select_for_update(of=("self",), skip_locked=True, no_key=True)
    endpoint = free.order_by("not_before", "pk").first()
    if endpoint is None:
        return None
    delivery = due.filter(endpoint=endpoint).select_related("event__contact").order_by("not_before", "event").first()
    if delivery is None:
        return None
    endpoint.not_before = delivery.not_before = now + LEASE
    endpoint.save(update_fields=["not_before"])
    delivery.endpoint, delivery.tries, delivery.tried_at = endpoint, min(delivery.tries + 1, 1_000), now
    delivery.save(update_fields=["not_before", "tries", "tried_at"])
    event = delivery.event
    reference = event.contact.reference
    url = f"{settings.BASE_URL}{reverse('api-contact', args=[reference])}"
    said = {"type": event.kind, "timestamp": event.at.isoformat(), "data": {"reference": reference, "url": url}}
    body = json.dumps(said).encode()
    return _Claimed(delivery, endpoint.url, body, signed(endpoint, f"evt_{event.number}", body, now))


def signed(endpoint: WebhookEndpoint, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks, signed with each secret that the address has at this moment."""
    timestamp = int(now.timestamp())
    secrets = [webhook_secrets.opened(secret) for secret in endpoint.secrets_at(now)]
    made = webhook_secrets.signature(secrets, message_id=message_id, timestamp=timestamp, body=body)
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": made}


def _send(claimed: _Claimed) -> _Answer:
    """In a thread of its own, which touches no database."""
    try:
        return _Answer(post(claimed.url, claimed.body, claimed.headers, loopback=not settings.PRODUCTION), "")
    except NotDeliveredError as fault:
        return _Answer(None, str(fault))


@transaction.atomic
def _settle(delivery: WebhookDelivery, answer: _Answer, now: datetime) -> bool:
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=delivery.endpoint_id)
    was_off = not endpoint.is_active
    delivery.status, delivery.fault = answer.status, answer.fault
    is_delivered = answer.status is not None and 200 <= answer.status < 300
    if is_delivered:
        delivery.not_before, delivery.delivered_at = None, now
        endpoint.not_before = endpoint.failing_since = None
    else:
        pause = min(FIRST_WAIT * (1 << min(delivery.tries - 1, 20)), LONGEST_WAIT)
        delivery.not_before = now + pause if now - delivery.queued_at < GIVEN_UP_AFTER else None
        endpoint.not_before = now + REST
        endpoint.failing_since = endpoint.failing_since or now
        if answer.status == GONE:
            endpoint.is_active, endpoint.disabled_because = False, "Its server says that it is gone (410)."
        elif now - endpoint.failing_since >= GIVEN_UP_AFTER:
            endpoint.is_active, endpoint.disabled_because = False, "Nothing was delivered for five days."
    if not endpoint.is_active and not was_off:
        key = f"{Message.WEBHOOK_ENDED}:{endpoint.pk}:{delivery.pk}:{delivery.tries}"
        outbox.write(outbox.messages_for_roles(Message.WEBHOOK_ENDED, Role.ADMINISTRATOR, key=key, at=now))
    delivery.save(update_fields=["status", "fault", "not_before", "delivered_at"])
    endpoint.save(update_fields=["not_before", "failing_since", "is_active", "disabled_because"])
    return is_delivered
