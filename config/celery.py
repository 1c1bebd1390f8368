"""The Celery app and its one schedule. Every periodic task is listed here."""

import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from celery import Celery, Task
from celery.schedules import crontab, schedule
from celery.signals import (
    after_task_publish,
    beat_init,
    heartbeat_sent,
    setup_logging,
    task_postrun,
    task_success,
    worker_init,
)
from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES

from config.garbage import leave_alone_what_is_loaded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# At each start Celery would run Django's checks, load every page for them, and ignore what they find. `make check` runs
# them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

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
        # The first run is due when beat starts. Otherwise every restart of beat would put it off again.
        "last_run_at": LONG_AGO,
        # A task that has waited longer than its own interval is stale: the next one does the same work.
        "options": {"expires": seconds},
    }


def _nightly(task: str, at: str) -> dict[str, Any]:
    """:param at: hours and minutes, in UTC."""
    hour, minute = at.split(":")
    expires = int(timedelta(hours=6).total_seconds())
    return {"task": task, "schedule": crontab(hour=hour, minute=minute), "options": {"expires": expires}}


app.conf.beat_schedule = {
    "take in batches": _every("casework.tasks.take_in_batches", 2),
    "number events": _every("casework.tasks.number_events", 2),
    "send webhooks": _every("casework.tasks.send_webhooks", 3),
    "drain the outbox": _every("casework.tasks.drain_outbox", 5),
    "sweep the clocks": _every(SWEEP, 20),
    "recompute clocks": _every("casework.tasks.recompute_clocks", 10),
    "renew recommendations": _every("casework.tasks.renew_recommendations", 3),
    "recheck hidden addresses": _every("casework.tasks.recheck_hidden_addresses", 10),
    "pass to the day team": _every("casework.tasks.pass_to_day_team", 60),
    # Each minute, so that a copy that failed is made a minute later. Most runs find that of the quarter of an hour.
    "copy the open list": _every("casework.tasks.copy_open_list", 60),
    "release contacts": _every("casework.tasks.release_contacts", 60),
    "check files": _every("casework.tasks.check_files", 5),
    "draw previews": _every("casework.tasks.draw_previews", 5),
    "run replays": _every("casework.tasks.run_replays", 5),
    "recheck recommendations": _nightly("casework.tasks.recheck_recommendations", "02:20"),
    "check integrity": _nightly("casework.tasks.check_integrity", "02:50"),
    "tidy files": _nightly("casework.tasks.tidy_files", "03:10"),
    "forget what ran out": _nightly("casework.tasks.forget_what_ran_out", "03:40"),
}


@worker_init.connect
@beat_init.connect
def _refuse_demonstration(**_: Any) -> None:
    """Here, before the worker takes its first task, and beat sends one."""
    from config.safe_start import refuse_demonstration

    refuse_demonstration()


@worker_init.connect
def _collect_garbage_less(**_: Any) -> None:
    """Sets the collector before the worker's processes are forked: they have its settings."""
    leave_alone_what_is_loaded()


@heartbeat_sent.connect
def _record_worker(**_: Any) -> None:
    """Records this worker's heartbeat, every two seconds. It expires by itself when the worker stops."""
    from config.heartbeats import heartbeats

    heartbeats().record_worker(f"{socket.gethostname()}:{os.getpid()}")


@task_success.connect
def _record_sweep(sender: Task, **_: Any) -> None:
    """Records each finished sweep: it shows that beat, the broker, a worker and the database all work."""
    from config.heartbeats import heartbeats

    if sender.name == SWEEP:
        heartbeats().record_sweep()


@task_postrun.connect
def _show_that_it_works(**_: Any) -> None:
    """Touches this container's own file: a task has ended here, or beat has sent one to the broker."""
    if settings.HEARTBEAT_FILE:
        Path(settings.HEARTBEAT_FILE).touch()


@beat_init.connect
def _show_what_is_sent(**_: Any) -> None:
    """In beat alone: others send tasks, too."""
    after_task_publish.connect(_show_that_it_works)


@setup_logging.connect
def _keep_djangos_logging(**_: Any) -> None:
    """Connecting to this signal stops Celery from setting up logging: Django has done so already."""
