"""Entering a contact. Whatever is typed is a draft from the first save on; only its last button submits it."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import time_format
from django.views.decorators.http import require_http_methods, require_POST

from casework.access import permissions, restricted
from casework.actions import contact_drafts
from casework.actions.contact_drafts import Saved
from casework.models import Contact, ContactDraft
from casework.reading.contact_drafts import numbers
from casework.web.contact_form import ContactForm, new_key
from casework.web.look_form import LookForm
from casework.web.signed_in import user_of
from casework.web.submitting import CONFLICT, UNPROCESSABLE
from errors import KeyUsedForAnother, NotPermitted
from localities.models import User
from localities.working_time import local_day
from triage.published_rules import live
from triage.ruleset import RuleSet

LATER = "later"


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The form for a contact. The step before (`look_first`) sends what was typed there along."""
    user, now = user_of(request), timezone.now()
    permissions.check_can_enter_contacts(user, local_day(now))
    rules = live(now).rule_set
    if request.method != "POST":
        return _opened(request, rules, user)
    if "carried" in request.POST:
        form = ContactForm(rules, key=request.POST.get("key", ""))
        LookForm(request.POST).carry_to(form)
        return _page(request, form, is_carried=True)
    form = ContactForm(rules, request.POST)
    changed = form.with_people_changed()
    draft, is_apart = _save(request, changed or form, user, now)
    if is_apart:
        return redirect(address_of(draft))
    if "submit" in request.POST:
        return _submitted(request, form, draft, user, now)
    if draft.contact is not None:
        return _is_in_already(request, form, draft, str(draft.contact))
    if changed is not None:
        if changed.other_errors:
            return _page(request, changed, draft)
        return redirect(f"{address_of(draft)}#{changed.changed_at}")
    if request.POST.get("save") == LATER:
        messages.success(request, "Your draft is saved. Continue it from here.")
        return redirect("contact-drafts")
    return redirect(address_of(draft))


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Saves what is in the form, while somebody types. The answer is JSON: `draft.js` reads it."""
    user, now = user_of(request), timezone.now()
    try:
        draft, is_apart = _save(request, ContactForm(live(now).rule_set, request.POST), user, now)
    except NotPermitted as refused:
        return JsonResponse({"says": str(refused)}, status=403)
    if draft.contact is not None:
        return JsonResponse({"says": _in_already(draft.contact), "submitted": True}, status=CONFLICT)
    answer = {"key": draft.key, "version": draft.version, "saved": _at(draft), "address": address_of(draft)}
    return JsonResponse(answer | ({"says": IS_APART} if is_apart else {}))


def address_of(draft: ContactDraft) -> str:
    """Where a draft is continued. It holds the key, and nothing that was typed."""
    return f"{reverse('contact-new')}?{urlencode({'form': draft.key})}"


# ---- the steps


IS_APART = (
    "The draft that you opened was changed in another tab, taken over or deleted. "
    "What you typed here is a draft of its own."
)


def _save(request: HttpRequest, form: ContactForm, user: User, now: datetime) -> Saved:
    """:raises NotPermitted: somebody else has signed in in this browser since the form was opened."""
    if request.POST.get("typist", str(user.pk)) != str(user.pk):
        raise NotPermitted("Somebody else opened this form. They must sign in again to save what they typed.")
    version = request.POST.get("version", "")
    return contact_drafts.save(
        key=form.key,
        typed=form.typed(),
        seen_version=int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0,
        page="".join(filter(str.isalnum, request.POST.get("page", "")))[:32],
        by=user,
        now=now,
    )


def _opened(request: HttpRequest, rules: RuleSet, user: User) -> HttpResponse:
    """A new form, or a draft where somebody left it. A form that was submitted says so."""
    form = ContactForm(rules, key=request.GET.get("form", ""))
    is_new = form.key != request.GET.get("form")
    draft = None if is_new else ContactDraft.objects.select_related("contact").filter(key=form.key).first()
    if draft is None:
        return _page(request, form)
    if draft.owner_id != user.pk or draft.deleted_at is not None:
        raise ContactDraft.DoesNotExist
    if draft.contact is not None:
        return _page(request, form, draft)
    return _page(request, ContactForm.of_draft(rules, draft.key, draft.typed), draft)


def _submitted(request: HttpRequest, form: ContactForm, draft: ContactDraft, user: User, now: datetime) -> HttpResponse:
    if not form.is_valid(now):
        return _page(request, form, draft, status=UNPROCESSABLE)
    try:
        received = contact_drafts.submit(
            key=draft.key,
            seen_version=draft.version,
            document=form.document(),
            by=user,
            now=now,
            arrived_at=form.arrived_at,
        )
    except KeyUsedForAnother as error:
        return _is_in_already(request, form, draft, error.earlier)
    says = f"The contact is taken in. Its reference is {received.contact}."
    if not Contact.objects.visible_to(user, now).filter(pk=received.contact.pk).exists():
        owners = ", ".join(sorted({str(each.owner) for each in restricted.in_force_on(received.contact)}))
        messages.success(
            request,
            f"{says} It is about somebody whose record is restricted: {owners or 'a manager'} "
            "was told, and sees to it.",
        )
        return redirect("worklist")
    if received.contact.details_to_check.exists():
        says += " Some details could not be read as they were typed: look under “To check”."
    messages.success(request, says)
    return redirect("contact", received.contact.reference)


def _is_in_already(request: HttpRequest, form: ContactForm, draft: ContactDraft, reference: str) -> HttpResponse:
    form.without_faults().other_errors.append(("", _in_already(reference)))
    return _page(request, form, draft, status=CONFLICT)


def _in_already(reference: object) -> str:
    return f"This form is in already, as {reference}. Open a new form for what you have to add."


def _at(draft: ContactDraft) -> str:
    return time_format(timezone.localtime(draft.saved_at), "H:i")


def _page(
    request: HttpRequest,
    form: ContactForm,
    draft: ContactDraft | None = None,
    *,
    is_carried: bool = False,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "errors": form.errors(),
        "draft": draft,
        "saved_at": _at(draft) if draft else "",
        "is_apart": draft is not None and draft.split_from_id is not None,
        "is_carried": is_carried,
        "page": new_key(),
        "drafts": numbers(user_of(request), timezone.now()),
    }
    return render(request, "front_door/contacts/new.html", context, status=status)
