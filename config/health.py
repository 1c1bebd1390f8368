"""Health checks: /healthz says that the process is up, /readyz that everything it needs is up, too."""

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from casework.reading.open_list import OPEN_LIST_IS_STALE, newest_copy
from config.celery import app
from config.heartbeats import heartbeats


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answers 200: the process is up."""
    return JsonResponse({"status": "up"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answers 200 when every check passes; else 503, with a sentence for each check that failed."""
    failures = {name: failure for name, check in CHECKS.items() if (failure := check()) is not None}
    checks = {name: failures.get(name, "ok") for name in CHECKS}
    return JsonResponse(
        {"status": "not ready" if failures else "ready", "checks": checks}, status=503 if failures else 200
    )


def _database() -> str | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "PostgreSQL does not answer."
    return None


def _migrations() -> str | None:
    try:
        return None if _all_applied() else "Migrations are missing: run manage.py migrate."
    except DatabaseError:
        return "PostgreSQL does not answer."


_migrations_applied = False


def _all_applied() -> bool:
    """Whether every migration is applied. Reading them is slow: a process that has seen them applied asks no more."""
    global _migrations_applied
    if not _migrations_applied:
        executor = MigrationExecutor(connection)
        _migrations_applied = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrations_applied


def _broker() -> str | None:
    try:
        with app.connection_for_read() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
            broker.default_channel.client.ping()
    except (OSError, RedisError, OperationalError):
        return "Redis or Valkey does not answer."
    return None


def _worker() -> str | None:
    try:
        if heartbeats().workers() == 0:
            return "No worker had a heartbeat in the last 30 seconds."
    except (OSError, RedisError):
        return "Redis or Valkey does not answer, so that no worker can be seen."
    return None


def _schedule() -> str | None:
    try:
        if not heartbeats().has_swept():
            return "No sweep of the clocks has come to its end in the last minute: see that beat and a worker run."
    except (OSError, RedisError):
        return "Redis or Valkey does not answer, so that no sweep can be seen."
    return None


def _open_list() -> str | None:
    try:
        newest = newest_copy()
    except DatabaseError:
        return "PostgreSQL does not answer."
    if newest is None:
        return "No copy of the open list has been made yet: see that a worker can write to CONTINUITY_FOLDER."
    age = timezone.now() - newest.made_at
    if age > OPEN_LIST_IS_STALE:
        minutes = int(age.total_seconds()) // 60
        return f"The newest copy of the open list is {minutes} minutes old: see that a worker can write to its folder."
    return None


CHECKS: dict[str, Callable[[], str | None]] = {
    "database": _database,
    "migrations": _migrations,
    "broker": _broker,
    "worker": _worker,
    "schedule": _schedule,
    "open list": _open_list,
}
