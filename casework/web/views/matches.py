"""Who is who: what somebody says about the possible matches of a contact."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from casework.actions import matches
from casework.actions.matches import ShowsAnAddress
from casework.web.forms import TellApartForm, UndoMatchForm, is_id
from casework.web.signed_in import by_post, user_of
from casework.web.submitting import submit
from casework.web.views import compare, contacts

YES, NO, UNSURE = "yes", "no", "unsure"


@by_post(or_show="contact")
def settle(request: HttpRequest, reference: str, match_id: int) -> HttpResponse:
    """Records whether a child is the person whom the search found."""
    user, now = user_of(request), timezone.now()
    contact = contacts.fetch(user, reference, now)
    same = request.POST.get("same")
    if same == UNSURE:
        return _stays_open(request, reference)
    if same not in (YES, NO):
        raise BadRequest("Nobody said whether they are the same.")
    form = TellApartForm(request.POST, prefix=f"apart{match_id}")
    return submit(
        request, form,
        lambda said: matches.settle(
            contact_id=contact.pk, match_id=match_id, same=same == YES, reason=said["reason"], by=user, now=now
        ),
        says="Saved. The recommendation has been updated.", then=reverse("contact", args=[reference]),
        again=lambda: _where_it_was_asked(request, reference, match_id, now, apart=form),
    )  # fmt: skip


@by_post(or_show="contact")
def settle_together(request: HttpRequest, reference: str) -> HttpResponse:
    """Records the same answer for several people who resemble those of one other family."""
    user, now = user_of(request), timezone.now()
    contact = contacts.fetch(user, reference, now)
    same, ids = request.POST.get("same"), request.POST.getlist("match")
    if same not in (YES, NO) or not ids or not all(map(is_id, ids)):
        raise BadRequest("Nobody said whether they are the same.")
    try:
        matches.settle_together(
            contact_id=contact.pk, match_ids=[int(each) for each in ids], same=same == YES, by=user, now=now
        )
    except ShowsAnAddress as shows:
        name = f"apart{shows.match_id}"
        form = TellApartForm(request.POST, prefix=name)
        form.is_valid()
        form.add_faults(shows)
        return contacts.page(request, reference, now, **{name: form})
    messages.success(request, "Saved. The recommendation has been updated.")
    return redirect("contact", reference)


def _stays_open(request: HttpRequest, reference: str) -> HttpResponse:
    messages.info(request, "Nothing is recorded. A possible match stays open until somebody is sure.")
    return redirect("contact", reference)


@by_post(or_show="contact")
def undo(request: HttpRequest, reference: str, match_id: int) -> HttpResponse:
    """Undoes what was said about a possible match, or what the service was certain of."""
    user, now = user_of(request), timezone.now()
    contact = contacts.fetch(user, reference, now)
    form = UndoMatchForm(request.POST, prefix=f"undo{match_id}")
    return submit(
        request, form,
        lambda said: matches.undo(contact_id=contact.pk, match_id=match_id, reason=said["reason"], by=user, now=now),
        says="Undone. The recommendation has been updated.", then=reverse("contact", args=[reference]),
        again=lambda: _where_it_was_asked(request, reference, match_id, now, undo=form),
    )  # fmt: skip


def _where_it_was_asked(
    request: HttpRequest, reference: str, match_id: int, now: datetime, **form: Any
) -> HttpResponse:
    """The page from which a possible match was answered, with the form as it was sent: both records, or the contact."""
    if request.POST.get("on") == "compare":
        return compare.page(request, reference, match_id, now, **form)
    return contacts.page(request, reference, now, **{f"{name}{match_id}": sent for name, sent in form.items()})
