"""Error pages. Each has a sentence that says what happened and what to do, and nothing about a family."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import RequestDataTooBig
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from casework.access.restricted import Closed
from casework.families.finding import closed_under
from casework.models import (
    Case,
    ConflictOfInterest,
    Contact,
    ContactDraft,
    File,
    Note,
    Person,
    PersonMatch,
    Reminder,
    RestrictedAccess,
    Restriction,
    SignInKind,
    UnfinishedForm,
)
from casework.record import sign_ins
from casework.web.hiding import without_hidden_addresses
from casework.web.signed_in import OTHER_TYPIST
from casework.web.typed import own_words
from casework.web.unfinished import data_of, is_somebody_elses, keep, kept_at, sent
from errors import NotAllowedInStatus, NotPermitted, ServiceError, TakenBySomeoneElse
from localities.models import User

# The addresses of programs: what they are answered is no page.
PROGRAMS = ("/api/", "/o/")
# The names of the records' pages; what is done there is named after them.
RECORDS = frozenset({"contact", "case", "person"})
NOT_FOUND = "This page does not exist, or you do not have access to it. Check the reference."
NOT_OPEN = "This record is restricted, and you do not have access to it."
NO_LONGER_YOURS = (
    "Nothing was saved: you no longer have access to this. It may have passed to another team while you were reading."
)
NOT_ALLOWED = "You do not have access to do this. If you need it, ask your team lead."
TOO_LARGE = (
    "Nothing was saved: what was sent is too large to be read. A file must be smaller than 20MB. Go back and select a "
    "smaller one; what you typed may still be on that page."
)
NOT_UNDERSTOOD = "This request could not be understood. Go back and try again."
MAY_BE_SAVED = (
    "The service lost its database for a moment. What you did may have been saved: look before you do it again."
)
TOO_SLOW = (
    "Nothing was saved: it took too long until everything had come. Go back and try again; what you typed may still be "
    "on that page."
)
TOO_BUSY = (
    "Nothing was saved: many large files are being sent at the moment. Go back and try again in a minute; what you "
    "typed may still be on that page."
)
# What is said of a request of which not everything was read.
NOT_READ = {
    408: ("This took too long", TOO_SLOW),
    413: ("This is too large", TOO_LARGE),
    503: ("This cannot be done now", TOO_BUSY),
}
PROBLEMS = {
    400: "invalid",
    403: "not-permitted",
    404: "not-found",
    408: "too-slow",
    413: "too-large",
    415: "unsupported-media-type",
    503: "unavailable",
}
BROKEN = "Nothing was saved. Try again. If it happens again, tell your administrator."


class ErrorPageMiddleware:
    """Turns an action's refusal into a page with its sentence."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        match error:
            case NotPermitted():
                _record_refusal(request)
                return _page(
                    request, 403, "You cannot do this", str(error), record=record_of(request), kept=sent(request)
                )
            case NotAllowedInStatus():
                return _page(
                    request, 409, "This cannot be done now", str(error), record=record_of(request),
                    kept=kept_at(request), opens_again=isinstance(error, TakenBySomeoneElse),
                )  # fmt: skip
            case ServiceError():
                return _page(request, 503, "This cannot be done now", str(error))
            case (
                Contact.DoesNotExist() | Person.DoesNotExist() | Case.DoesNotExist() | PersonMatch.DoesNotExist()
                | Reminder.DoesNotExist() | Restriction.DoesNotExist() | RestrictedAccess.DoesNotExist()
                | ConflictOfInterest.DoesNotExist() | ContactDraft.DoesNotExist() | File.DoesNotExist()
                | Note.DoesNotExist()
            ):  # fmt: skip
                # The record is out of scope, or has gone out of scope since the page was loaded.
                return _not_found(request, NO_LONGER_YOURS if request.method == "POST" else NOT_FOUND)
            case DataError() if "NUL" in str(error):  # no form of ours sends one; PostgreSQL cannot hold it
                return bad_request(request, error)
            case _:
                return None


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return _page(request, 413, *NOT_READ[413], gives_back=False)
    if isinstance(exception, SessionInterrupted) and _lost_the_database(exception):
        return _page(request, 503, "Sorry, there is a problem with the service", MAY_BE_SAVED, gives_back=False)
    return _page(request, 400, "There is a problem with the request", NOT_UNDERSTOOD, gives_back=False)


def _lost_the_database(error: BaseException | None) -> bool:
    """
    Whether this was raised because the database was away. The session is written last; Django says of every error there
    that somebody has signed out meanwhile.
    """
    while error is not None:
        if isinstance(error, OperationalError):
            return True
        error = error.__context__
    return False


def not_read(request: HttpRequest, status: int, says: str) -> HttpResponse:
    """
    :param says: a sentence for the developer of a program.
    """
    title, for_people = NOT_READ.get(status, ("There is a problem with the request", NOT_UNDERSTOOD))
    is_page = not request.path.startswith(PROGRAMS)
    return _page(request, status, title, for_people if is_page else says, gives_back=False)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    _record_refusal(request)
    return _page(request, 403, "You do not have access", NOT_ALLOWED)


def not_found(request: HttpRequest, exception: Http404) -> HttpResponse:
    return _not_found(request, NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    return _page(request, 500, "Sorry, there is a problem with the service", BROKEN, gives_back=False)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    sign_in = reverse("account_login")
    if request.path == sign_in and settings.CSRF_COOKIE_NAME in request.COOKIES:
        # They signed in meanwhile in another tab, and go on; or they did not, and the form is there again.
        return redirect(f"{sign_in}?{urlencode({'next': request.POST.get('next', '/')})}")
    says = "The form was open too long, or cookies are off. Go back, load the page again, and send the form once more."
    # Whoever signed in again in another tab has another token. A browser says by itself that a page of ours sent this.
    ours = request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"
    if not ours or not isinstance(request.user, User) or is_somebody_elses(request):
        return _page(request, 403, "The form was not sent", says, gives_back=False)
    return _page(request, 403, "The form was not sent", says, kept=keep(request), opens_again=True)


def somebody_elses(request: HttpRequest) -> HttpResponse:
    """Somebody else has signed in in this browser since the form was opened."""
    return _page(request, 403, "The form was not sent", OTHER_TYPIST, gives_back=False)


def _not_found(request: HttpRequest, says: str) -> HttpResponse:
    """
    A record that is restricted says that it is, and whom to ask, as a search does: to those whose roles would show it.
    """
    match = request.resolver_match
    reference = match.kwargs.get("reference") if match is not None else None
    user = request.user
    closed = closed_under(reference, user, timezone.now()) if reference and isinstance(user, User) else ()
    if closed:
        says = says if request.method == "POST" else NOT_OPEN
        return _page(request, 404, "A restricted record", says, closed=closed)
    return _page(request, 404, "Page not found", says)


def _record_refusal(request: HttpRequest) -> None:
    if isinstance(request.user, User):
        sign_ins.record(SignInKind.REFUSED, of=request.user, request=request, at=timezone.now())


def record_of(request: HttpRequest) -> dict[str, str] | None:
    """The contact, case or person on whose page somebody acted: the reference, and the address of that page."""
    match = request.resolver_match
    page = match.view_name.split("-")[0] if match is not None else ""
    if match is None or page not in RECORDS or "reference" not in match.kwargs:
        return None
    reference = str(match.kwargs["reference"])
    return {"reference": reference, "address": reverse(page, args=[reference])}


def _page(
    request: HttpRequest,
    status: int,
    title: str,
    says: str,
    *,
    record: dict[str, str] | None = None,
    closed: tuple[Closed, ...] = (),
    gives_back: bool = True,
    kept: UnfinishedForm | None = None,
    opens_again: bool = False,
) -> HttpResponse:
    """
    :param gives_back: whether what was typed stands on the page: not where another site may have sent the form.
    :param kept: what was typed, where it is kept and its typist may see it again.
    :param opens_again: whether it can be sent once more from its page.
    """
    if request.path.startswith(PROGRAMS):
        name = PROBLEMS.get(status, "error")
        document = {"type": f"urn:front-door:problem:{name}", "title": title, "status": status, "detail": says}
        return JsonResponse(document, status=status, content_type="application/problem+json")
    context: dict[str, object] = {"title": title, "says": says, "record": record, "found": {"closed": closed}}
    context |= {"kept": kept, "opens_again": opens_again}
    if gives_back and (kept or request.method == "POST") and isinstance(request.user, User):
        context["typed"] = own_words(data_of(kept) if kept else request.POST)
    page = render(request, "front_door/error.html", context, status=status)
    if kept is None or request.method == "POST":
        return page
    # An address that was typed earlier may be hidden since.
    return without_hidden_addresses(page, Contact.objects.filter(reference=kept.record).only("pk"))
