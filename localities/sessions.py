"""
Sessions that end while their browser is elsewhere. It is told why when it comes back, if the cache knows by then; what
the session held is gone.
"""

from hashlib import sha256

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.cache import cache
from django.db import models


class EndedBy(models.TextChoices):
    """Who ended a session from outside."""

    OWNER = "owner", "Its person, from another session"
    LET_IN = "let_in", "Two others who let its person in without the second step"


def end(session: UserSession, by: EndedBy) -> None:
    """Ends a session."""
    cache.set(_key(session.session_key), by.value, settings.SESSION_COOKIE_AGE)
    session.end()


def ended_by(session_key: str) -> str | None:
    """Who ended the session with this key from outside; None: nobody did, or the cache does not know."""
    by: str | None = cache.get(_key(session_key))
    return by


def _key(session_key: str) -> str:
    # The key of a session opens it: it stands nowhere but where sessions are.
    return f"ended-session:{sha256(session_key.encode()).hexdigest()}"
