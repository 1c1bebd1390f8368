"""Screening: somebody at the front door reads a contact, and says which indicators apply, or that none does."""

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from casework.access import conditions, permissions
from casework.actions import learning, viewing
from casework.web.screening_form import ScreeningForm
from casework.web.signed_in import user_of
from casework.web.views.contacts import UNPROCESSABLE, errors_of, fetch, told
from errors import InvalidInput
from localities.working_time import local_day
from triage.published_rules import of_version


@require_http_methods(["GET", "HEAD", "POST"])
def screen(request: HttpRequest, reference: str) -> HttpResponse:
    """What we were told, to be read, and below it the indicators."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    permissions.check_can_work_on(contact, user, local_day(now))
    conditions.check_waits_for_decision(contact)
    assert contact.recommendation is not None
    rules = of_version(contact.recommendation.rule_set_id).rule_set
    prefetch_related_objects([contact], "children__person")
    form = ScreeningForm(contact, rules, request.POST or None)
    if form.is_valid():
        said = form.cleaned_data
        try:
            learning.screen(
                contact_id=contact.pk,
                recommendation_id=said["recommendation"] or 0,
                children=form.of_children(),
                family=said["family"],
                none_applies=said["none_applies"],
                by=user,
                now=now,
            )
        except InvalidInput as invalid:
            form.take(invalid)
        else:
            messages.success(request, "Saved. The recommendation has been updated.")
            return redirect("contact", reference)
    seen = viewing.view_contact(reference=reference, by=user, now=now)
    context = told(seen) | {"screening": form, "errors": errors_of(form)}
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "front_door/contacts/screen.html", context, status=status)
