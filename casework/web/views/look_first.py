"""Look first: likely families, before a contact is written down, and while it is."""

from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from casework.actions import searching
from casework.families.finding import Found
from casework.reading.contact_drafts import numbers
from casework.web.hiding import without_hidden_words
from casework.web.look_form import LookForm
from casework.web.search_form import LOOKS, Typed, keep, kept
from casework.web.signed_in import user_of, who_enters_contacts
from casework.web.submitting import errors_of, status_of
from localities.models import User


@require_http_methods(["GET", "HEAD", "POST"])
def look(request: HttpRequest) -> HttpResponse:
    """The step before the form for a contact. "None of these" takes what was typed along."""
    user, now = who_enters_contacts(request)
    if request.method == "POST":
        form = LookForm(request.POST)
        if form.is_valid() and not form.query().is_too_little:
            # As after a search, Back leads here without sending anything again.
            typed = Typed(urlencode(dict(form.carried())), "")
            return redirect(f"{reverse('contact-look')}?found={keep(request, typed, now, LOOKS)}")
        if form.is_valid() and (unread := form.unread()):
            form.add_error("first_name", f"The {_and(unread)} could not be read. Correct it, or enter something else.")
        elif form.is_valid():
            form.add_error("first_name", "Enter at least two of these, or a telephone or NHS number")
        return _page(request, form)
    token = request.GET.get("found", "")
    typed_before = kept(request, token, now, LOOKS) if token else None
    if typed_before is None:
        begun = {"key": request.GET.get("form", ""), "danger": request.GET.get("danger", "")}
        return _page(request, LookForm(initial=begun), is_gone=bool(token))
    form = LookForm(QueryDict(typed_before.text))
    return _page(request, form, found=_likely(form, user, now) if form.is_valid() else None)


def _page(request: HttpRequest, form: LookForm, found: Found | None = None, *, is_gone: bool = False) -> HttpResponse:
    errors = errors_of(form)
    unread = _and(form.unread()) if found is not None else ""
    context = {
        "form": form,
        "found": without_hidden_words(found),
        "unread": unread,
        "is_gone": is_gone,
        "errors": errors,
        "drafts": numbers(user_of(request), timezone.now()),
    }
    return render(request, "front_door/search/look.html", context, status=status_of(errors))


@require_POST
def likely(request: HttpRequest) -> HttpResponse:
    """The likely families as a part of a page, for the form for a contact while names are typed."""
    user, now = who_enters_contacts(request)
    form = LookForm(request.POST)
    found = without_hidden_words(_likely(form, user, now)) if form.is_valid() else None
    return render(request, "front_door/search/likely.html", {"found": found})


def _and(words: list[str]) -> str:
    return " and the ".join(words)


def _likely(form: LookForm, user: User, now: datetime) -> Found | None:
    """The likely people on record; None where too little is known to search."""
    query = form.query()
    return None if query.is_too_little else searching.search(query=query, by=user, now=now)
