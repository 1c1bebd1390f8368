"""What the worker does with the outbox, at a moment of a test's own."""

from collections.abc import Callable
from datetime import datetime

from django.core.mail.backends.base import BaseEmailBackend

from casework.jobs import delivery


def drain(at: datetime, connect: Callable[[], BaseEmailBackend]) -> delivery.Delivered:
    """Sends every message that is due at this moment."""
    return delivery.drain(clock=lambda: at, connect=connect)
