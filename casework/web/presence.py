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
from casework.web.typist import typist_of
from localities.models import User
from localities.sessions import EndedBy, ended_by

# In the session: when somebody signed in, and when they last did something, in seconds of the Unix epoch.
BEGAN, SEEN = "began_at", "seen_at"
# In a session that begins when another has ended: why it did.
SIGNED_OUT = "signed_out_because"
PASSWORD, CLOSED, UNKNOWN = "password", "closed", "unknown"
# What the sign-in page says. It names nobody, and is for the browser alone that had the session.
BECAUSE = {
    SignInKind.TIMED_OUT: "You were signed out because nothing was done for {minutes} minutes.",
    SignInKind.DAY_ENDED: "You were signed out at the end of your working day here. Sign in again to go on.",
    EndedBy.OWNER: (
        "You were signed out from another device, under “Your account” there. If that was not you, sign in, change "
        "your password and tell your administrator."
    ),
    EndedBy.LET_IN: (
        "You were signed out because two colleagues let you in without your second step. Sign in with your password, "
        "and set up a second step anew. If you did not ask for this, tell your administrator now."
    ),
    PASSWORD: (
        "You were signed out because your password was changed, or an administrator ended it. If you did not expect "
        "this, tell your administrator."
    ),
    CLOSED: "You were signed out because an administrator closed your account. If you still work here, ask them.",
    UNKNOWN: "You were signed out: the time for which you could stay signed in is over. Sign in again to go on.",
}
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
        if not getattr(view, "login_required", True):
            return
        if SESSION_KEY not in session:
            _say_why(request)
            return
        if not request.user.is_authenticated:
            # Django has ended the session of whoever has another password. That of a closed account stays.
            because = CLOSED if SESSION_KEY in session else PASSWORD
            logout(request)
            session[SIGNED_OUT] = because
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
    request.session[SIGNED_OUT] = kind


def _say_why(request: HttpRequest) -> None:
    """Notes for the sign-in page why the session of this browser is gone. A browser that had none is told nothing."""
    gone = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not gone or not request.session.is_empty() or SIGNED_OUT in request.session:
        return
    because = ended_by(gone) or (UNKNOWN if typist_of(request) is not None else None)
    if because:
        request.session[SIGNED_OUT] = because


def why_signed_out(request: HttpRequest) -> str:
    """Why whoever sits at this browser was signed out, in a sentence; empty: they were not."""
    # A request that was refused early has no session.
    because = BECAUSE.get(getattr(request, "session", {}).get(SIGNED_OUT, ""), "")
    return because.format(minutes=max(1, settings.SESSION_IDLE_SECONDS // 60))


def noted_every() -> float:
    seconds: float = settings.SESSION_IDLE_SECONDS / 15
    return min(NOTED_EVERY, seconds)
