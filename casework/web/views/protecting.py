"""Making the address of somebody on a contact confidential, and showing it again."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from casework.actions import protecting
from casework.web.forms import LiftForm, ProtectForm, people_to_lift, people_to_protect
from casework.web.hiding import says_after_lifting
from casework.web.signed_in import by_post, user_of
from casework.web.views.contacts import fetch, submit_on_page


@by_post(or_show="contact")
def protect(request: HttpRequest, reference: str) -> HttpResponse:
    """Makes an address confidential."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    return submit_on_page(
        request, contact, now, "protect", ProtectForm(people_to_protect(contact), request.POST),
        lambda said: protecting.protect(person_id=said["person"], reason=said["reason"], by=user, now=now),
        says="The address is confidential now, on every contact.",
    )  # fmt: skip


@by_post(or_show="contact")
def lift(request: HttpRequest, reference: str) -> HttpResponse:
    """Says that a hidden address is safe to show."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    return submit_on_page(
        request, contact, now, "lift", LiftForm(people_to_lift(contact), request.POST),
        lambda said: protecting.lift(person_id=said["person"], reason=said["reason"], by=user, now=now),
        says=says_after_lifting,
    )  # fmt: skip
