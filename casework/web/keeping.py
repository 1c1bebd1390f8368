"""What is sent of an unfinished form (`unfinished.py`) is kept before anything else is done with it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone

from casework.actions import unfinished_forms
from casework.models import UnfinishedForm
from casework.web.errors import record_of, somebody_elses
from casework.web.signed_in import OTHER_TYPIST, user_of
from casework.web.unfinished import KEEP, KEPT, KEY, address_of, is_somebody_elses, keep, record_in, saved, sent
from casework.web.unsent import is_a_page

# What the buttons do with a form, and its script: `draft.js`.
CLEAR, LATER, BY_SCRIPT = "clear", "later", "script"
IS_APART = "This form was changed in another tab. What you typed here is kept beside it."


class KeepingMiddleware:
    """
    Keeps what is sent of a form, before the view sees it: whatever the view says, nothing of it is lost.

    Where the view leads on to another page, the form is recorded, and what was kept is deleted.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (form := sent(request)) is not None and isinstance(response, HttpResponseRedirect):
            unfinished_forms.delete(key=form.key, by=user_of(request), now=timezone.now())
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]) -> HttpResponse | None:
        # What comes at another door, such as a partner's, is not read here: its own reader says what is wrong with it.
        if not is_a_page(view) or request.method != "POST" or KEY not in request.POST or not record_in(kwargs):
            return None
        by_script = request.POST.get(KEEP) == BY_SCRIPT
        if is_somebody_elses(request):
            return JsonResponse({"says": OTHER_TYPIST}, status=403) if by_script else somebody_elses(request)
        if request.POST.get(KEEP) == CLEAR:
            return _cleared(request)
        form = keep(request)
        if by_script:
            return _answer(request, form)
        if KEEP in request.POST:
            return _kept(request, form)
        setattr(request, KEPT, form)
        return None


def _cleared(request: HttpRequest) -> HttpResponse:
    unfinished_forms.delete(key=request.POST[KEY], by=user_of(request), now=timezone.now())
    messages.success(request, "What you typed is cleared. Nothing of it was recorded.")
    return redirect(address_of(request))


def _kept(request: HttpRequest, form: UnfinishedForm | None) -> HttpResponse:
    record = record_of(request)
    if request.POST[KEEP] != LATER or record is None or form is None:
        return redirect(address_of(request))
    messages.success(request, "What you typed is saved, and not recorded yet. You can find it on this page.")
    return redirect(record["address"])


def _answer(request: HttpRequest, form: UnfinishedForm | None) -> HttpResponse:
    if form is None:
        return JsonResponse({"version": 0, "line": "Nothing is typed yet."})
    answer = {"version": form.version, "kept": form.key, "line": saved(form)}
    return JsonResponse(answer | ({"says": IS_APART} if form.key != request.POST[KEY] else {}))
