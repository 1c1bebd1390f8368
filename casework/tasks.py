"""What the worker does. Each task is safe to run twice, and at the same time as itself."""

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from oauth2_provider.models import clear_expired

from casework.jobs import calendar_changes, delivery, integrity_checks, opening, rechecks, replaying, sweep

# Half a million contacts take a minute or two; the broker gives no task out again within ten.
STOPS_LATE = {"soft_time_limit": 480, "time_limit": 510}


@shared_task
def sweep_clocks() -> None:
    """Tell people about the clocks that are due."""
    sweep.sweep(now=timezone.now())


@shared_task
def forget_what_ran_out() -> None:
    """Remove sessions and access tokens that have run out: nobody can use them any more."""
    SessionStore.clear_expired()
    clear_expired()


@shared_task
def drain_outbox() -> None:
    """Send the messages that wait."""
    delivery.drain(clock=timezone.now)


@shared_task(**STOPS_LATE)
def run_replays() -> None:
    """Run the replay that waits, if one does."""
    replaying.run_next(clock=timezone.now)


@shared_task
def recompute_clocks() -> None:
    """Move the clocks that run over a day of the calendar that changed."""
    calendar_changes.recompute(clock=timezone.now)


@shared_task
def pass_to_day_team() -> None:
    """Pass to the day team what waits with emergency duty, once the hub is open."""
    opening.pass_to_day_team(now=timezone.now())


@shared_task
def recheck_recommendations() -> None:
    """Compute a sample of the stored recommendations again."""
    rechecks.recheck(now=timezone.now())


@shared_task(**STOPS_LATE)
def check_integrity() -> None:
    """Count everything that must never be false."""
    integrity_checks.check(now=timezone.now())
