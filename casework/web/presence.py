"""
Whether a signed-in person is still there. A session ends a while after they last did something, and after a working day
at the latest. The server alone decides; the page's script (`time-out.js`) only warns.

What pages ask for by themselves, as the worklist does each half minute, does not count: they send `BY_ITSELF`. A form
that saves itself counts, because it does so when somebody has typed.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from casework.models import SignInKind
from casework.record import sign_ins
from localities.models import User

# In the session: when somebody signed in, and when they last did something, in seconds of the Unix epoch.
BEGAN, SEEN = "began_at", "seen_at"
# In a session that begins when another has ended: the sign-in page says why.
TIMED_OUT = "timed_out"
BY_ITSELF = "X-By-Itself"
# What somebody does is noted once in so many seconds, so that few requests write.
NOTED_EVERY = 60


class PresenceMiddleware:
    """Ends the session of whoever is not there any more, before the page knows who they are."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        session = request.session
        if not getattr(view, "login_required", True) or SESSION_KEY not in session:
            return
        now = timezone.now()
        seen = session.get(SEEN)
        if seen is not None and now >= ends_at(request):
            _end(request, now)
        elif seen is None or not (BY_ITSELF in request.headers or now.timestamp() - seen < noted_every()):
            note(request, now)


def note(request: HttpRequest, now: datetime) -> None:
    """Notes that the person is there."""
    request.session.setdefault(BEGAN, now.timestamp())
    request.session[SEEN] = now.timestamp()


def ends_at(request: HttpRequest) -> datetime:
    """When the session ends if nothing is done until then."""
    idle = datetime.fromtimestamp(request.session[SEEN] + settings.SESSION_IDLE_SECONDS, UTC)
    return min(idle, ends_at_the_latest(request))


def ends_at_the_latest(request: HttpRequest) -> datetime:
    """When the session ends, whatever is done."""
    return datetime.fromtimestamp(request.session[BEGAN] + settings.SESSION_COOKIE_AGE, UTC)


def _end(request: HttpRequest, now: datetime) -> None:
    kind = SignInKind.DAY_ENDED if now >= ends_at_the_latest(request) else SignInKind.TIMED_OUT
    if isinstance(request.user, User):
        sign_ins.record(kind, of=request.user, request=request, at=now)
    logout(request)
    request.session[TIMED_OUT] = kind


def noted_every() -> float:
    seconds: float = settings.SESSION_IDLE_SECONDS / 15
    return min(NOTED_EVERY, seconds)
