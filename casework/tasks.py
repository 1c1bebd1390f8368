"""What the worker does. Each task is safe to run twice, and at the same time as itself."""

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from oauth2_provider.models import clear_expired

from casework.actions import outbox, reminders


@shared_task
def sweep_clocks() -> None:
    """Tell people about the clocks that are due."""
    reminders.sweep(now=timezone.now())


@shared_task
def forget_what_ran_out() -> None:
    """Remove sessions and access tokens that have run out: nobody can use them any more."""
    SessionStore.clear_expired()
    clear_expired()


@shared_task
def drain_outbox() -> None:
    """Send the messages that wait."""
    outbox.drain(clock=timezone.now)
