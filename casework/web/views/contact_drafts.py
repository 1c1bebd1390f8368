"""The drafts of contacts: one's own, to continue or delete; and what others left, for a manager to take over."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from casework.access import permissions
from casework.actions import contact_drafts
from casework.models import ContactDraft
from casework.reading.contact_drafts import left_by_others, own
from casework.web.signed_in import by_post, user_of, who_enters_contacts
from casework.web.views.new_contact import address_of
from localities.working_time import local_day


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    user, now = who_enters_contacts(request)
    context = {
        "own": [(draft, called, address_of(draft)) for draft, called in own(user)],
        "takes_over": permissions.allows(permissions.check_can_take_over_drafts, user, local_day(now)),
        "left": left_by_others(user, now),
    }
    return render(request, "front_door/contacts/drafts.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, key: str) -> HttpResponse:
    """Asks whether to delete a draft, and deletes it."""
    user, now = user_of(request), timezone.now()
    if request.method == "POST":
        contact_drafts.delete(key=key, by=user, now=now)
        messages.success(request, "The draft is deleted.")
        return redirect("contact-drafts")
    draft = get_object_or_404(ContactDraft.objects.of(user).open(), key=key)
    permissions.check_can_enter_contacts(user, local_day(now))
    return render(request, "front_door/contacts/delete_draft.html", {"draft": draft, "address": address_of(draft)})


@by_post(or_show="contact-drafts")
def take_over(request: HttpRequest, key: str) -> HttpResponse:
    """Takes over a draft that somebody else did not finish."""
    draft = contact_drafts.take_over(key=key, by=user_of(request), now=timezone.now())
    messages.success(request, "The draft is yours now.")
    return redirect(address_of(draft))
