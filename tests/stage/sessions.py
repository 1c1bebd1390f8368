"""
Everybody of the cast is signed in once for a whole run: signing in takes sixteen statements, and a look takes one.

The sessions are stored with the reference data, so that every test's database has them.
"""

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from casework.web.presence import BEGAN, SEEN
from localities.models import User


def keep_sessions() -> None:
    """A session for each user whom the database has."""
    for user in User.objects.all():
        _keep(key_of(user.username), user)


def session_of_its_own(user: User) -> str:
    """The key of a session that nobody else uses: a test may let it end."""
    key = uuid.uuid4().hex
    _keep(key, user)
    return key


def _keep(key: str, user: User) -> None:
    says = {
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        HASH_SESSION_KEY: user.get_session_auth_hash(),
        **just_now(user),
    }
    Session.objects.save(key, says, timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))


def sign_in(client: Client, user: User) -> None:
    """Signs the user in: by the kept session, or as Django does where there is none, or where the password changed."""
    kept = Session.objects.filter(pk=key_of(user.username)).first()
    if kept is not None and kept.get_decoded()[HASH_SESSION_KEY] == user.get_session_auth_hash():
        client.cookies[settings.SESSION_COOKIE_NAME] = kept.pk
    else:
        client.force_login(user)
        session = client.session
        session.update(just_now(user))
        session.save()


def just_now(user: User) -> dict[str, Any]:
    """What a session holds of somebody who signed in just now, for as long as a run of the tests takes."""
    ends = timezone.now() + timedelta(days=1)
    return {
        "account_authentication_methods": [{"method": "password", "at": ends.timestamp()}],
        "account_authentication_methods_user": str(user.pk),
        BEGAN: timezone.now().timestamp(),
        SEEN: ends.timestamp(),
    }


def key_of(username: str) -> str:
    """The key of the session that is kept for this user."""
    return f"kept-for-{username}"
