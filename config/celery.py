"""The worker, and its one schedule. Everything that happens by itself is listed here."""

import os
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import Celery, Task
from celery.schedules import crontab, schedule
from celery.signals import heartbeat_sent, setup_logging, task_success
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = "config.broker:Transport"
app = Celery("front_door")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

SWEEP = "casework.tasks.sweep_clocks"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def _every(task: str, seconds: int) -> dict[str, Any]:
    return {
        "task": task,
        "schedule": schedule(timedelta(seconds=seconds)),
        # The first round is due when beat starts: one that is started often must not put it off each time.
        "last_run_at": LONG_AGO,
        # What has waited longer than its own interval is stale: the next one does the same work.
        "options": {"expires": seconds},
    }


def _nightly(task: str, at: str) -> dict[str, Any]:
    """:param at: hours and minutes, in UTC."""
    hour, minute = at.split(":")
    expires = int(timedelta(hours=6).total_seconds())
    return {"task": task, "schedule": crontab(hour=hour, minute=minute), "options": {"expires": expires}}


app.conf.beat_schedule = {
    "drain the outbox": _every("casework.tasks.drain_outbox", 5),
    "sweep the clocks": _every(SWEEP, 20),
    "recompute clocks": _every("casework.tasks.recompute_clocks", 10),
    "pass to the day team": _every("casework.tasks.pass_to_day_team", 60),
    "run replays": _every("casework.tasks.run_replays", 5),
    "recheck recommendations": _nightly("casework.tasks.recheck_recommendations", "02:20"),
    "check integrity": _nightly("casework.tasks.check_integrity", "02:50"),
    "forget what ran out": _nightly("casework.tasks.forget_what_ran_out", "03:40"),
}


@heartbeat_sent.connect
def _lives(**_: Any) -> None:
    """Leave a sign of life every two seconds. It goes out by itself when the worker stops."""
    from config.heartbeats import heartbeats

    heartbeats().record_worker(f"{socket.gethostname()}:{os.getpid()}")


@task_success.connect
def _swept(sender: Task, **_: Any) -> None:
    """A sweep that ends shows that all of it works: beat, the broker, a worker and the database."""
    from config.heartbeats import heartbeats

    if sender.name == SWEEP:
        heartbeats().swept()


@setup_logging.connect
def _logs_as_the_web_server_does(**_: Any) -> None:
    """Django has configured the logs already; Celery must not."""
