"""
A system check: no task runs longer than the broker waits for it. One that did would be handed out a second time while
the first still runs.
"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import autodiscover_modules


@register()
def check_time_limits(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:
    """Each task that is registered, with its own limit or the general one."""
    # Not above: every command imports this module, and most know nothing of Celery.
    from config.celery import app

    autodiscover_modules("tasks")
    waits = app.conf.broker_transport_options["visibility_timeout"]
    faults = []
    for name, task in app.tasks.items():
        if name.startswith("celery."):
            continue
        stops = task.time_limit or app.conf.task_time_limit
        asks = task.soft_time_limit or app.conf.task_soft_time_limit
        if not stops or stops >= waits:
            longest = f"{stops} seconds" if stops else "ever"
            faults.append(
                Error(
                    f"{name} may run for {longest}, and the broker hands it out again after {waits} seconds.",
                    hint="Give it a shorter time_limit, or raise visibility_timeout in config/settings.py.",
                    obj=name,
                    id="front_door.E001",
                )
            )
        elif not asks or asks >= stops:
            faults.append(
                Error(
                    f"{name} is killed after {stops} seconds and is not asked to stop before.",
                    hint="Give it a soft_time_limit that is shorter than its time_limit.",
                    obj=name,
                    id="front_door.E002",
                )
            )
    return faults
