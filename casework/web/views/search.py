"""Search: one box, by POST, so that what was typed stands in no address and in no log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from casework.access.reasons import own_reason
from casework.actions import searching
from casework.families.finding import Found
from casework.families.typed_search import read_typed
from casework.web import search_form
from casework.web.hiding import without_hidden_words
from casework.web.search_form import SearchForm, Typed
from casework.web.signed_in import user_of
from casework.web.submitting import errors_of, status_of, submit
from errors import InvalidInput
from localities.models import User
from localities.working_time import local_day


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    """Asks what to search for; a POST keeps it in the session and leads to what is found."""
    user, now = user_of(request), timezone.now()
    says_why = own_reason(user, local_day(now)) is None
    if request.method == "POST":
        form = SearchForm(request.POST, says_why=says_why)
        return submit(
            request, form, lambda data: _checked(data, user, now), says="",
            then=lambda typed: f"{reverse('search')}?found={search_form.keep(request, typed, now)}",
            again=lambda: _page(request, form),
        )  # fmt: skip
    token = request.GET.get("found", "")
    kept = search_form.kept(request, token, now) if token else None
    form = SearchForm(initial=kept._asdict() if kept else None, says_why=says_why)
    if kept is None:
        return _page(request, form, is_gone=bool(token))
    return _found(request, form, kept, user, now)


def _checked(data: Mapping[str, Any], by: User, now: datetime) -> Typed:
    """What was typed, if there is something to search for."""
    typed = Typed(data["text"], data.get("reason", ""))
    searching.check(query=read_typed(typed.text), reason=typed.reason, by=by, now=now)
    return typed


def _found(request: HttpRequest, form: SearchForm, typed: Typed, user: User, now: datetime) -> HttpResponse:
    try:
        found = searching.search(query=read_typed(typed.text), reason=typed.reason, by=user, now=now)
    except InvalidInput:
        # Their role has changed since: now they must say why.
        return _page(request, form)
    if found.number == 1 and not found.closed and (only := _only_reference(found)):
        return redirect(only)
    return _page(request, form, found=found)


def _only_reference(found: Found) -> str:
    """The address of what was found by its reference; empty where somebody was found."""
    for contact in found.contacts:
        return reverse("contact", args=[contact.reference])
    for case in found.cases:
        return reverse("case", args=[case.reference])
    for person in found.people:
        return reverse("person", args=[person.reference])
    return ""


def _page(request: HttpRequest, form: SearchForm, found: Found | None = None, *, is_gone: bool = False) -> HttpResponse:
    errors = errors_of(form)
    context = {"form": form, "found": without_hidden_words(found), "is_gone": is_gone, "errors": errors}
    return render(request, "front_door/search/show.html", context, status=status_of(errors))
