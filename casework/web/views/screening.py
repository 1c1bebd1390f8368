"""Screening: somebody at the front door reads a contact, and selects the indicators that apply, or none."""

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from casework.access import conditions, permissions
from casework.actions import learning, viewing
from casework.web.hiding import without_hidden_addresses
from casework.web.screening_form import ScreeningForm
from casework.web.signed_in import user_of
from casework.web.story import told_of
from casework.web.submitting import errors_of, status_of, submit
from casework.web.views.contacts import fetch, rules_of
from localities.working_time import local_day


@require_http_methods(["GET", "HEAD", "POST"])
def screen(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows the contact's text, and below it the indicators to select."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    permissions.check_can_work_on(contact, user, local_day(now))
    conditions.check_waits_for_decision(contact)
    rules = rules_of(contact)
    prefetch_related_objects([contact], "children__person")
    form = ScreeningForm(contact, rules, request.POST or None)

    def page() -> HttpResponse:
        seen = viewing.view_contact(reference=reference, by=user, now=now)
        errors = errors_of(form)
        context = told_of(seen, seen.information.all()) | {"screening": form, "errors": errors}
        answer = render(request, "front_door/contacts/screen.html", context, status=status_of(errors))
        return without_hidden_addresses(answer, [seen])

    if request.method != "POST":
        return page()
    return submit(
        request, form,
        lambda said: learning.screen(
            contact_id=contact.pk,
            recommendation_id=said["recommendation"] or 0,
            children=form.of_children(),
            family=said["family"],
            none_applies=said["none_applies"],
            by=user,
            now=now,
        ),
        says="Saved. The recommendation has been updated.", then=reverse("contact", args=[reference]), again=page,
    )  # fmt: skip
