"""Handing a contact over between emergency duty and the day team, and taking it on."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from casework.actions import contact_handovers
from casework.web.forms import ContactHandoverForm
from casework.web.signed_in import by_post, user_of
from casework.web.views.contacts import fetch, submit_on_page


@by_post(or_show="contact")
def hand_over(request: HttpRequest, reference: str) -> HttpResponse:
    """Hands the contact over to the other team."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    return submit_on_page(
        request, contact, now, "handover", ContactHandoverForm(request.POST, prefix="handover"),
        lambda said: contact_handovers.hand_over(contact_id=contact.pk, note=said["note"], by=user, now=now),
        says="The contact is passed on, with your note.",
    )  # fmt: skip


@by_post(or_show="contact")
def take_on(request: HttpRequest, reference: str) -> HttpResponse:
    """Takes on a contact that the other team handed over."""
    user, now = user_of(request), timezone.now()
    contact_handovers.take_on(contact_id=fetch(user, reference, now).pk, by=user, now=now)
    messages.success(request, "You have taken this contact on.")
    return redirect("contact", reference)
