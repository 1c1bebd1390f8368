"""
A system check: every task's time limit is shorter than the broker's visibility timeout.

The broker would deliver a longer task a second time while the first still runs.
"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import autodiscover_modules


@register()
def check_time_limits(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:
    """Checks the limits of each registered task: its own, or the general ones."""
    # Imported here because every command imports this module, and most do not need Celery.
    from config.celery import app

    autodiscover_modules("tasks")
    visibility_timeout = app.conf.broker_transport_options["visibility_timeout"]
    faults = []
    for name, task in app.tasks.items():
        if name.startswith("celery."):
            continue
        limit = task.time_limit or app.conf.task_time_limit
        soft_limit = task.soft_time_limit or app.conf.task_soft_time_limit
        if not limit or limit >= visibility_timeout:
            longest = f"{limit} seconds" if limit else "ever"
            faults.append(
                Error(
                    f"{name} may run for {longest}, and the broker hands it out again after "
                    f"{visibility_timeout} seconds.",
                    hint="Give it a shorter time_limit, or raise visibility_timeout in config/settings.py.",
                    obj=name,
                    id="front_door.E001",
                )
            )
        elif not soft_limit or soft_limit >= limit:
            faults.append(
                Error(
                    f"{name} is killed after {limit} seconds and is not asked to stop before.",
                    hint="Give it a soft_time_limit that is shorter than its time_limit.",
                    obj=name,
                    id="front_door.E002",
                )
            )
    return faults
