"""
Entering a contact: whether a child is in danger, whether the family is known, then a task for each part of it.

Whatever is typed is a draft from the first save on. Only the page on which the answers are checked submits it.

What is sent leads on, or to its page again, where `?check` shows the faults: so Back finds every page and sends nothing
again. Only what is typed after the draft was submitted is answered at once: it stands nowhere else.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import OuterRef
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from casework.access import restricted
from casework.actions import contact_drafts
from casework.actions.contact_drafts import Saved, Task
from casework.models import Contact, ContactDraft, files_on, listed_files
from casework.reading import cover
from casework.reading.contact_drafts import numbers
from casework.web.contact_form import ContactPart
from casework.web.draft_form import (
    DANGER,
    SECTIONS,
    TASKS,
    Posted,
    Problem,
    Section,
    is_key,
    new_key,
    posted,
)
from casework.web.look_form import LookForm
from casework.web.open_draft import OpenDraft, address_of_problem, address_of_task
from casework.web.signed_in import OTHER_TYPIST, who_enters_contacts
from casework.web.submitting import CONFLICT
from errors import KeyUsedForAnother, NotPermitted, TakenBySomeoneElse
from localities.models import User

LATER = "later"
NO_ANSWER = "Select whether a child is in immediate danger"
IS_APART = (
    "The draft that you opened was changed in another tab, taken over or deleted. "
    "What you typed here is a draft of its own."
)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The start: is a child in immediate danger? The step after it (`look_first`) sends here what was typed there."""
    user, now = who_enters_contacts(request)
    if "carried" in request.POST:
        return _begun(request, user, now)
    answer = request.POST.get("contact-immediate_danger", "")
    key = request.POST.get("key") or request.GET.get("form", "")
    key = key if is_key(key) else new_key()
    if answer not in ("yes", "no", "not_known"):
        if request.method == "POST":
            return redirect(f"{reverse('contact-new')}?{urlencode({'form': key})}&check")
        if "check" not in request.GET and _draft(user, key) is not None:
            return redirect("contact-tasks", key)
        return _gate(request, user, now, key)
    if answer != "yes":
        return redirect(f"{reverse('contact-look')}?{urlencode({'form': key, 'danger': answer})}")
    saved = _save(request, key, DANGER, posted(DANGER, request.POST, {}), user, now)
    return redirect("contact-call-999", saved.draft.key)


@require_safe
def call_999(request: HttpRequest, key: str) -> HttpResponse:
    """What to do now, where a child is in immediate danger. That is on the draft already."""
    who_enters_contacts(request)
    look = f"{reverse('contact-look')}?{urlencode({'form': key})}"
    now = timezone.now()
    context = {"key": key, "look": look, "now": now, "on_duty": cover.on_duty_today(now)}
    return render(request, "front_door/contacts/new/call_999.html", context)


@require_safe
def tasks(request: HttpRequest, key: str) -> HttpResponse:
    """The task list of a draft."""
    user, now = who_enters_contacts(request)
    return _page(request, "tasks", OpenDraft(key, _draft(user, key), now))


@require_http_methods(["GET", "HEAD", "POST"])
def task(request: HttpRequest, key: str, name: str) -> HttpResponse:
    """A task of a draft: a page of the form."""
    user, now = who_enters_contacts(request)
    section = _section(name)
    if request.method != "POST":
        opened = OpenDraft(key, _draft(user, key), now)
        return _page(request, section.slug, opened, section, shows_faults="check" in request.GET)
    sent = posted(section, request.POST, _typed(user, key))
    goes_on = not sent.changed_at and not {"add", "remove", "undo", "save"} & {*request.POST}
    saved = _save(request, key, section, sent, user, now, is_done=goes_on)
    draft = saved.draft
    if draft.contact is not None:
        return _is_in_already(request, draft, sent, section, user, now)
    if saved.is_apart:
        return redirect(address_of_task(draft.key, section))
    if sent.says:
        messages.error(request, sent.says)
    if sent.changed_at:
        return redirect(f"{address_of_task(draft.key, section)}#{sent.changed_at}")
    if request.POST.get("save") == LATER:
        messages.success(request, "Your draft is saved. Continue it from here.")
        return redirect("contact-drafts")
    if not goes_on:
        return redirect(address_of_task(draft.key, section))
    opened = OpenDraft(draft.key, draft, now)
    if any(problem.section == section and not problem.is_missing for problem in opened.problems):
        return redirect(f"{address_of_task(draft.key, section)}?check")
    return redirect(_after(section, sent, draft.key))


@require_POST
def save(request: HttpRequest, key: str, name: str) -> HttpResponse:
    """Saves what is on a page, while somebody types. The answer is JSON: `draft.js` reads it."""
    section = _section(name)
    try:
        user, now = who_enters_contacts(request)
        draft, is_apart = _save(request, key, section, posted(section, request.POST, _typed(user, key)), user, now)
    except NotPermitted as refused:
        return JsonResponse({"says": str(refused)}, status=403)
    if draft.contact is not None:
        return JsonResponse({"says": _in_already(draft.contact), "submitted": True}, status=CONFLICT)
    opened = OpenDraft(draft.key, draft, now)
    answer = {
        "version": opened.version_of(section),
        "saved": opened.saved_at(section),
        "address": address_of_task(draft.key, section),
        "so_far": render_to_string("front_door/contacts/new/so_far.html", {"so_far": opened.so_far}, request),
    }
    return JsonResponse(answer | ({"says": IS_APART} if is_apart else {}))


@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest, key: str) -> HttpResponse:
    """Every answer, to be checked before the contact is submitted. What is still needed is said all at once."""
    user, now = who_enters_contacts(request)
    draft = _draft(user, key)
    opened = OpenDraft(key, draft, now)
    if request.method != "POST":
        return _page(request, "check", opened, shows_faults="check" in request.GET)
    with_faults = redirect(f"{reverse('contact-check', args=[key])}?check")
    if draft is None:
        return with_faults
    if draft.contact is not None:
        return _to(request, draft.contact, user, now, f"This form is in already, as {draft.contact}.")
    if request.POST.get("typist") != str(user.pk):
        raise NotPermitted(OTHER_TYPIST)
    if opened.problems:
        return with_faults
    try:
        received = contact_drafts.submit(
            key=key,
            seen_version=_number(request.POST.get("version", "")),
            document=opened.form.document(),
            by=user,
            now=now,
            arrived_at=opened.form.arrived_at,
        )
    except (TakenBySomeoneElse, KeyUsedForAnother) as changed:
        messages.error(request, str(changed))
        return redirect("contact-check", key)
    contact, more = received.contact, ""
    if contact.details_to_check.exists():
        more = " Some details could not be read as they were typed: look under “To check”."
    return _to(request, contact, user, now, f"Contact submitted. Its reference is {contact}.", more)


def address_of(draft: ContactDraft) -> str:
    """Where a draft is continued. It holds the key, and nothing that was typed."""
    return reverse("contact-tasks", args=[draft.key])


# ---- the steps


def _section(name: str) -> Section:
    if name not in SECTIONS:
        raise Http404
    return SECTIONS[name]


def _after(section: Section, sent: Posted, key: str) -> str:
    """
    The next task of a draft; after the last, its answers are checked. From the danger back to these, or to what to do
    about it.
    """
    if section == DANGER and sent.typed.get("contact-immediate_danger") == ["yes"]:
        return reverse("contact-call-999", args=[key])
    if section in TASKS[:-1]:
        return address_of_task(key, TASKS[TASKS.index(section) + 1])
    return reverse("contact-check", args=[key])


def _draft(user: User, key: str) -> ContactDraft | None:
    """
    The draft with this key; None if nothing was saved yet.

    :raises ContactDraft.DoesNotExist: it is somebody else's, or deleted.
    """
    drafts = ContactDraft.objects.select_related("contact").annotate(listed_files=files_on(draft=OuterRef("key")))
    draft = drafts.filter(key=key).first()
    if draft is not None and (draft.owner_id != user.pk or draft.deleted_at is not None):
        raise ContactDraft.DoesNotExist
    return draft


def _typed(user: User, key: str) -> dict[str, list[str]]:
    """What the user's draft holds; nothing where it is not theirs."""
    typed = ContactDraft.objects.of(user).filter(key=key).values_list("typed", flat=True)
    return next(iter(typed), {})


def _begun(request: HttpRequest, user: User, now: datetime) -> HttpResponse:
    form = LookForm(request.POST)
    key, typed = form.key, form.inputs()
    if typed:
        key = contact_drafts.begin(key=key, typed=typed, by=user, now=now).key
    return redirect("contact-tasks", key)


def _save(
    request: HttpRequest, key: str, section: Section, sent: Posted, user: User, now: datetime, *, is_done: bool = False
) -> Saved:
    """:raises NotPermitted: somebody else has signed in in this browser since the form was opened."""
    if request.POST.get("typist", str(user.pk)) != str(user.pk):
        raise NotPermitted(OTHER_TYPIST)
    page = "".join(filter(str.isalnum, request.POST.get("page", "")))[:32]
    return contact_drafts.save(
        key=key,
        task=Task(section.slug, sent.typed, sent.shown, page, is_done),
        seen_version=_number(request.POST.get("version", "")),
        by=user,
        now=now,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _to(request: HttpRequest, contact: Contact, user: User, now: datetime, says: str, more: str = "") -> HttpResponse:
    """On to a contact that was submitted. One about somebody restricted is not shown, nor `more` said of it."""
    if not Contact.objects.visible_to(user, now).filter(pk=contact.pk).exists():
        owners = ", ".join(sorted({str(each.owner) for each in restricted.in_force_on(contact)}))
        messages.success(
            request,
            f"{says} It is about somebody whose record is restricted: {owners or 'a manager'} "
            "was told, and sees to it.",
        )
        return redirect("worklist")
    messages.success(request, f"{says}{more}")
    return redirect("contact", contact.reference)


def _in_already(reference: object) -> str:
    return f"This form is in already, as {reference}. Open a new form for what you have to add."


def _is_in_already(
    request: HttpRequest, draft: ContactDraft, sent: Posted, section: Section, user: User, now: datetime
) -> HttpResponse:
    """The page with what was typed after the draft was submitted: it is on the page, and nowhere else."""
    opened = OpenDraft(draft.key, draft, now, typed=sent.typed)
    return _page(request, section.slug, opened, section, refused=_in_already(draft.contact), status=CONFLICT)


# ---- the pages


def _gate(request: HttpRequest, user: User, now: datetime, key: str) -> HttpResponse:
    is_wrong = "check" in request.GET
    context = {
        "key": key,
        "page": new_key(),
        "field": ContactPart(prefix="contact")["immediate_danger"],
        "errors": [("id_contact-immediate_danger", NO_ANSWER)] if is_wrong else [],
        "drafts": numbers(user, now),
    }
    return render(request, "front_door/contacts/new/gate.html", context)


def _page(
    request: HttpRequest,
    name: str,
    opened: OpenDraft,
    section: Section | None = None,
    *,
    shows_faults: bool = False,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    problems = [problem for problem in opened.problems if section in (None, problem.section)] if shows_faults else []
    errors = [("", refused)] if refused else _links(problems, opened.key, section)
    if section is not None and not shows_faults:
        opened.form.without_faults()
    draft = opened.draft
    context: dict[str, Any] = {
        "key": opened.key,
        "so_far": opened.so_far,
        "form": opened.form,
        "section": section,
        "version": opened.version_of(section),
        "errors": errors,
        "draft": draft,
        "saved_at": opened.saved_at(section) if section else "",
        # What a save answers with was not read with its files; no page of a task shows them.
        "files": listed_files(getattr(draft, "listed_files", ())),
        "is_apart": draft is not None and draft.split_from_id is not None,
        "page": new_key(),
    }
    if name == "tasks":
        context["lines"] = opened.lines()
    elif name == "check":
        context["answers"] = [
            (each, address_of_task(opened.key, each), list(opened.form.answers(each))) for each in SECTIONS.values()
        ]
    return render(
        request,
        f"front_door/contacts/new/{name}.html",
        context,
        status=status,
    )


def _links(problems: Sequence[Problem], key: str, section: Section | None) -> list[tuple[str, str]]:
    """The errors of a page, each with where it leads: the field, or the page on which that is."""
    if section is not None:
        return [(problem.field, problem.says) for problem in problems]
    return [(address_of_problem(key, problem), problem.says) for problem in problems]
