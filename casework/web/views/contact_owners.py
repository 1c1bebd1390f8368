"""Assigning a contact, from the worklist and from its own page."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from casework.actions import contact_owners
from casework.models import Contact
from casework.web.forms import AssignForm, id_of
from casework.web.signed_in import by_post, user_of
from casework.web.views.contacts import fetch, submit_on_page


@by_post(or_show="contact")
def assign(request: HttpRequest, reference: str) -> HttpResponse:
    """Assigns the contact to the user, to a colleague or to nobody."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)

    def says(assigned: Contact) -> str:
        if assigned.owner is None:
            return "The contact is assigned to nobody."
        return f"The contact is assigned to {'you' if assigned.owner == user else assigned.owner}."

    return submit_on_page(
        request, contact, now, "assign", AssignForm(contact, now, request.POST),
        lambda said: contact_owners.assign(
            contact_id=contact.pk, to_id=id_of(said["to"]), seen_owner_id=said["seen"], by=user, now=now
        ),
        says=says,
    )  # fmt: skip
