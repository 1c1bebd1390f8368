"""The worker, and its one schedule. Everything that happens by itself is listed here."""

import os
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.schedules import crontab, schedule
from celery.signals import heartbeat_sent, setup_logging
from kombu.transport.redis import Channel

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("front_door")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# When the broker is gone, kombu would give back to it what is not finished, fail, and end the worker. There is nothing
# to give back: what is left undone is found again in the database.
Channel.do_restore = False


def _every(task: str, seconds: int) -> dict[str, Any]:
    # What has waited longer than its own interval is stale: the next one does the same work.
    return {"task": task, "schedule": schedule(timedelta(seconds=seconds)), "options": {"expires": seconds}}


app.conf.beat_schedule = {
    "drain the outbox": _every("casework.tasks.drain_outbox", 5),
    "sweep the clocks": _every("casework.tasks.sweep_clocks", 20),
    "recompute clocks": _every("casework.tasks.recompute_clocks", 10),
    "pass to the day team": _every("casework.tasks.pass_to_day_team", 60),
    "run replays": _every("casework.tasks.run_replays", 5),
    "recheck recommendations": {
        "task": "casework.tasks.recheck_recommendations",
        "schedule": crontab(hour="2", minute="20"),
    },
    "forget what ran out": {"task": "casework.tasks.forget_what_ran_out", "schedule": crontab(hour="3", minute="40")},
}

HEARTBEAT_KEY = "worker-heartbeat"
HEARTBEAT_LASTS = 30


@heartbeat_sent.connect
def _beat(**_: Any) -> None:
    """Leave a sign of life that /readyz looks for. It goes out by itself when the worker stops."""
    from django.core.cache import caches

    caches["signs_of_life"].set(HEARTBEAT_KEY, "alive", timeout=HEARTBEAT_LASTS)


@setup_logging.connect
def _logs_as_the_web_server_does(**_: Any) -> None:
    """Django has configured the logs already; Celery must not."""
