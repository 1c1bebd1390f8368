"""
What somebody sent when their session had ended, or where they must show once more that it is them (`recently.py`): it
is kept until they have signed in again, and then shown to them, to open the form with it, to send it again or to let it
go. No JavaScript is needed.

It is kept for the same person alone: a cookie says whose browser it was, and nobody else is shown it. A stranger's
browser has no such cookie, and nothing of theirs is kept. It stands in the session, because whoever has no session can
store nothing in the database, and goes with it. Each address has its own: whoever had two pages open loses neither.
"""

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render

from casework.web import unfinished
from casework.web.errors import record_of
from casework.web.signed_in import user_of
from casework.web.typed import chosen, own_words
from casework.web.typist import TYPIST, say_whose, typist_of
from localities.models import User

# An earlier version kept one form alone, as "unsent".
KEPT = "unsent_forms"
# The names of what is sent to this address by the page that shows what was kept, and by every form.
LET_GO = "let_go"
NOT_SENT_AGAIN = {"csrfmiddlewaretoken", unfinished.KEEP}
# The script of a page whose session has ended sends what stands in its forms, for no other purpose than this.
KEEP_ONLY = "X-Keep-Only"
# From so many addresses what was sent is kept; of more, the last.
MOST_KEPT = 10


class UnsentMiddleware(LoginRequiredMiddleware):
    """Lets nobody in who has not signed in, and keeps what they sent."""

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        refused = super().process_view(request, view_func, view_args, view_kwargs)
        if refused is None and KEEP_ONLY in request.headers:
            # It was to be kept because the session had ended. Somebody signed in meanwhile: nothing is done with it.
            return HttpResponse(status=409)
        if refused is not None or not request.user.is_authenticated:
            return refused
        if is_a_page(view_func):
            setattr(request, TYPIST, user_of(request).pk)
        return _shown(request, user_of(request))

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponseRedirect:
        if request.method == "POST" and is_a_page(view_func) and request.accepts("text/html"):
            keep(request)
        return super().handle_no_permission(request, view_func)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Says whose browser it is, for when the session ends."""
        typist = getattr(request, TYPIST, None)
        if typist is not None and typist_of(request) != typist:
            say_whose(response, typist)
        return response


def is_a_page(view: Any) -> bool:
    """Whether it is one of our own pages: a password that is typed elsewhere is never kept."""
    return str(view.__module__).startswith("casework.web.")


def keep(request: HttpRequest) -> None:
    """Keeps what is sent for whoever is signed in, or whose browser it is. A password is never kept."""
    signed_in = request.user.is_authenticated
    typist = user_of(request).pk if signed_in else typist_of(request)
    sent = [
        (name, str(value))
        for name, values in request.POST.lists()
        for value in values
        if name not in NOT_SENT_AGAIN and "password" not in name
    ]
    if typist is None or not any(value.strip() for _, value in sent):
        return
    kept = request.session.get(KEPT, {})
    # A pair for each address, the last one sent at the end: JSON keeps the order of a list.
    forms = kept["forms"] if kept.get("by") == typist else []
    path = request.get_full_path()
    forms = [each for each in forms if each[0] != path] + [[path, urlencode(sent)]]
    request.session[KEPT] = {"by": typist, "forms": forms[-MOST_KEPT:], "asked": signed_in}


def _shown(request: HttpRequest, user: User) -> HttpResponse | None:
    """What was kept for this address, if somebody comes back to it; None for everything else."""
    kept = request.session.get(KEPT)
    if kept is None:
        return None
    if kept["by"] != user.pk:
        del request.session[KEPT]
        return None
    path, forms = request.get_full_path(), dict(kept["forms"])
    if path not in forms:
        return None
    if request.method == "POST":
        _let_go(request, path)
        return redirect(path) if LET_GO in request.POST else None
    sent = QueryDict(forms[path])
    context = {
        "path": path,
        "asked": kept.get("asked", False),
        "record": record_of(request),
        "typed": [*chosen(sent), *own_words(sent)],
        "opens_again": unfinished.KEY in sent,
        "sent": [(name, value) for name, values in sent.lists() for value in values],
    }
    return render(request, "front_door/unsent.html", context)


def _let_go(request: HttpRequest, path: str) -> None:
    kept = request.session[KEPT]
    others = [each for each in kept["forms"] if each[0] != path]
    if others:
        request.session[KEPT] = kept | {"forms": others}
    else:
        del request.session[KEPT]
