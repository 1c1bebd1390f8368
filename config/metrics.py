"""
/metrics: the service's figures, in the Prometheus format.

Each request reads PostgreSQL and Redis or Valkey, so every process gives the same answer. When one of them does not
answer, its figures are left out and `front_door_up` says so. The cost grows with the clocks that run and the messages
that wait now, never with the history. No figure names a person, a reference or a team.
"""

import secrets
from collections.abc import Callable, Iterator
from datetime import datetime

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.db.models import Count, Min, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from kombu.transport.redis import Channel
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from casework.models import BatchEntry, Clock, Contact, OutboxMessage
from casework.reading.open_list import newest_copy
from config.celery import app
from config.heartbeats import heartbeats

LOOPBACK = {"127.0.0.1", "::1"}
# The headers that a proxy adds to a request.
FROM_A_PROXY = {"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"}


@csrf_exempt  # an outsider's POST gets 404 like everything else: a CSRF error would show that the page exists
@login_not_required
def metrics(request: HttpRequest) -> HttpResponseBase:
    """Answers requests from this machine and requests with the token. Everybody else gets 404."""
    if not (_is_from_this_machine(request) or _has_the_token(request)):
        raise Http404
    return _render(request)


@require_safe
def _render(request: HttpRequest) -> HttpResponse:
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(REGISTRY), content_type=content_type)


def _is_from_this_machine(request: HttpRequest) -> bool:
    if settings.BEHIND_TLS_PROXY or FROM_A_PROXY & set(request.headers):
        return False
    return request.META.get("REMOTE_ADDR") in LOOPBACK


def _has_the_token(request: HttpRequest) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    token: str = settings.METRICS_TOKEN
    return bool(token) and scheme.lower() == "bearer" and secrets.compare_digest(given.encode(), token.encode())


class FrontDoorCollector(Collector):
    """Reads the database and the broker at each request."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("front_door_up", "Whether this part answered just now: 1 or 0.", labels=["part"])
        for part, read in PARTS.items():
            try:
                families = list(read())
            except (Error, RedisError, OSError):
                up.add_metric([part], 0)
            else:
                up.add_metric([part], 1)
                yield from families
        yield up


def _database() -> Iterator[Metric]:
    """Each query reads a partial index of the rows that run or wait."""
    now = timezone.now()
    waiting = OutboxMessage.objects.filter(sent_at__isnull=True, parked_at__isnull=True).aggregate(
        all=Count("*"), refused=Count("not_before", filter=~Q(last_error="")), due=Min("not_before")
    )
    yield _gauge("outbox_waiting", "Messages that are to go out.", waiting["all"])
    yield _gauge("outbox_refused", "Of these, those that were tried and not taken.", waiting["refused"])
    yield _gauge(
        "outbox_lag_seconds",
        "How long the message that has been due longest has waited to be sent; 0 when none is due.",
        _since(waiting["due"], now),
    )
    parked = OutboxMessage.objects.filter(parked_at__isnull=False, dropped_at__isnull=True).count()
    yield _gauge("outbox_parked", "Messages that were given up and wait for a person.", parked)

    clocks = Clock.objects.running().aggregate(all=Count("*"), late=Count("due_at", filter=Q(due_at__lte=now)))
    yield _gauge("clocks_running", "Promises that run.", clocks["all"])
    yield _gauge("clocks_late", "Of these, those that are late.", clocks["late"])
    due = Clock.objects.running().filter(next_at__isnull=False).aggregate(first=Min("next_at"))
    yield _gauge(
        "sweep_lag_seconds",
        "How long the promise that has been due for a look longest has waited for the sweep; 0 when none is due.",
        _since(due["first"], now),
    )
    if (copy := newest_copy()) is not None:
        yield _gauge("open_list_age_seconds", "How old the newest copy of the open list is.", _since(copy.made_at, now))
    batches = BatchEntry.objects.filter(take_after__isnull=False).aggregate(
        all=Count("*"), first=Min("batch__received_at")
    )
    yield _gauge("batched_contacts_waiting", "Contacts of batches that are to be taken in.", batches["all"])
    yield _gauge(
        "batched_contacts_lag_seconds",
        "How long the contact of a batch that came first has waited to be taken in; 0 when none waits.",
        _since(batches["first"], now),
    )
    contacts = Contact.objects.undecided().count()
    yield _gauge("contacts_waiting", "Contacts that wait for a decision or a second person.", contacts)


def _broker() -> Iterator[Metric]:
    queue = app.conf.task_default_queue
    workers = heartbeats().workers()
    with heartbeats().server().pipeline(transaction=False) as pipe:
        for step in Channel.priority_steps:
            pipe.llen(f"{queue}{Channel.sep}{step}" if step else queue)
        pipe.hlen(Channel.unacked_key)
        *lengths, unacknowledged = pipe.execute()
    length = GaugeMetricFamily("front_door_queue_length", "Tasks that wait for a worker.", labels=["queue"])
    length.add_metric([queue], sum(lengths))
    yield length
    yield _gauge("queue_unacknowledged", "Tasks that a worker has and has not finished.", unacknowledged)
    yield _gauge("workers", "Workers with a heartbeat in the last 30 seconds.", workers)


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"front_door_{name}", documentation, value=value)


def _since(moment: datetime | None, now: datetime) -> float:
    return max((now - moment).total_seconds(), 0) if moment else 0


PARTS: dict[str, Callable[[], Iterator[Metric]]] = {"database": _database, "broker": _broker}
REGISTRY = CollectorRegistry(auto_describe=False)
REGISTRY.register(FrontDoorCollector())
