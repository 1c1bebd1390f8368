"""Look first: likely families, before a contact is written down, and while it is."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from casework.access import permissions
from casework.actions import searching
from casework.families.finding import Found
from casework.web.look_form import LookForm
from casework.web.signed_in import user_of
from casework.web.submitting import errors_of, status_of
from localities.models import User
from localities.working_time import local_day


@require_http_methods(["GET", "HEAD", "POST"])
def look(request: HttpRequest) -> HttpResponse:
    """The step before the form for a contact. "None of these" takes what was typed along."""
    user, now = _who(request)
    form = LookForm(request.POST if request.method == "POST" else None)
    found, unread = None, []
    if request.method == "POST" and form.is_valid():
        found, unread = _likely(form, user, now), form.unread()
        if found is None and unread:
            form.add_error("first_name", f"The {_and(unread)} could not be read. Correct it, or enter something else.")
        elif found is None:
            form.add_error("first_name", "Enter at least two of these, or a telephone or NHS number.")
    errors = errors_of(form)
    context = {"form": form, "found": found, "unread": _and(unread), "errors": errors}
    return render(request, "front_door/search/look.html", context, status=status_of(errors))


@require_POST
def likely(request: HttpRequest) -> HttpResponse:
    """The likely families as a part of a page, for the form for a contact while names are typed."""
    user, now = _who(request)
    form = LookForm(request.POST)
    found = _likely(form, user, now) if form.is_valid() else None
    return render(request, "front_door/search/likely.html", {"found": found})


def _and(words: list[str]) -> str:
    return " and the ".join(words)


def _who(request: HttpRequest) -> tuple[User, datetime]:
    user, now = user_of(request), timezone.now()
    permissions.check_can_enter_contacts(user, local_day(now))
    return user, now


def _likely(form: LookForm, user: User, now: datetime) -> Found | None:
    """Who is likely on record; None where too little is known to look."""
    query = form.query()
    return None if query.is_too_little else searching.search(query=query, by=user, now=now)
