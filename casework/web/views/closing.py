"""The pages of closing a case: the form, the check of its answers, and keeping a case open that was to be closed."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from casework.access import conditions, permissions
from casework.actions import closing
from casework.models import Case, ClosingRequest, Milestone, Responsibility
from casework.models.together import read_together
from casework.reading import endings
from casework.record import responsibilities
from casework.web.case_page import CasePage
from casework.web.closing_form import CloseForm, KeepOpenForm, as_asked
from casework.web.forms import ActionForm
from casework.web.submitting import submit
from casework.web.unfinished import kept_at
from casework.web.views.cases import fetch_case
from errors import InvalidInput, NotAllowedInStatus, NotPermitted
from localities.models import Team, User
from localities.working_time import local_day


@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest, reference: str) -> HttpResponse:
    """
    Shows the form that closes a case; by POST, what was filled in, to check it; and when that is confirmed, closes it.

    Two people close a case whose family nobody met. Whoever cannot agree to it asks for it, with the same form.
    """
    user, now, case = fetch_case(request, reference)
    holders = Responsibility.objects.filter(case=case).select_related("team").order_by("-period")[:1]
    requests = ClosingRequest.objects.filter(case=case, answered_at=None).select_related("asked_by")
    read_together(holders, requests)
    responsible, asked, day = holders[0].team, next(iter(requests), None), local_day(now)
    leads = (
        asked is not None
        and permissions.allows(permissions.check_can_close, case, responsible.pk, user, day, without_contact=True)
        and permissions.allows(permissions.check_can_agree_to_close, case, asked.asked_by_id, user)
    )
    if request.method != "POST":
        try:
            _check_may_close(case, responsible, user, now, leads=leads)
        except (NotAllowedInStatus, NotPermitted):
            if kept_at(request):
                raise
            return redirect("case", reference)
        return _form(request, reference, now, asked)
    form = CloseForm(request.POST, leads=leads)
    if form.is_valid():
        try:
            return _closed(request, case, form, user, now, leads=leads)
        except InvalidInput as invalid:
            form.add_faults(invalid)
    return _form(request, reference, now, asked, form)


@require_http_methods(["GET", "HEAD", "POST"])
def keep_open(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows who asks to close the case and why; by POST, keeps it open with a reason."""
    user, now, case = fetch_case(request, reference)
    form = KeepOpenForm(request.POST if request.method == "POST" else None)
    asked = ClosingRequest.objects.filter(case=case, answered_at=None).select_related("asked_by").first()

    def page() -> HttpResponse:
        page = CasePage(request, reference, now)
        page.read()
        return page.show("front_door/cases/keep_open.html", {"form": form, "asked": asked}, [form])

    if request.method == "POST":
        return submit(
            request, form,
            lambda said: closing.decline(case_id=case.pk, reason=said["reason"], by=user, now=now),
            says="The case stays open. Whoever asked to close it is told.", then=reverse("case", args=[reference]),
            again=page,
        )  # fmt: skip
    responsible = responsibilities.responsible_team(case)
    permissions.check_can_close(case, responsible.pk, user, local_day(now), without_contact=True)
    return page() if asked is not None else redirect("case", reference)


# ---- what the pages are made of


def _check_may_close(case: Case, responsible: Team, user: User, now: datetime, *, leads: bool) -> None:
    """Before anybody types: whether the case can be closed now, by this user or by their lead."""
    conditions.check_is_open(case)
    if not leads:
        permissions.check_can_work_in(case, responsible.pk, user, local_day(now))
    conditions.check_nothing_on_offer(case)
    conditions.check_team_has_accepted(case, responsible)


def _closed(
    request: HttpRequest, case: Case, form: CloseForm, user: User, now: datetime, *, leads: bool
) -> HttpResponse:
    """Closes the case or asks the lead to, once that is confirmed; before, shows what was filled in."""
    ended = form.how_it_ended()
    contacted = Milestone.objects.filter(case=case, kind__in=closing.OF_CONTACT).exists()
    lacks_contact = closing.lacks_contact(case, ended, contacted=contacted)
    asks = lacks_contact and not leads
    if "confirmed" not in request.POST:
        closing.check_answers(case, ended, asks=asks, by=user, now=now)
        return _check_answers(request, case, form, now, asks=asks, lacks_contact=lacks_contact)
    if asks:
        closing.ask_lead(case_id=case.pk, ended=ended, by=user, now=now)
        messages.success(request, "Your request is sent. The case stays open until another person agrees.")
    else:
        closing.close(case_id=case.pk, ended=ended, by=user, now=now)
        messages.success(request, "The case is closed.")
    return HttpResponseRedirect(reverse("case", args=[case.reference]))


def _form(
    request: HttpRequest, reference: str, now: datetime, asked: ClosingRequest | None, form: CloseForm | None = None
) -> HttpResponse:
    page = CasePage(request, reference, now)
    milestones = Milestone.objects.filter(case=page.case, kind__in=closing.OF_CONTACT)
    leads = endings.who_may_close(page.case, now)
    page.read(milestones, leads)
    put_off = endings.put_off_until_closed(page.running, by=page.user, now=now)
    read_together(put_off)
    agrees = page.agrees_to_close(asked)
    if form is None:
        form = CloseForm(leads=agrees, initial=as_asked(asked) if asked is not None else None)
    if milestones and "lead_reason" in form.fields:
        del form.fields["lead_reason"]
    context: dict[str, Any] = {
        "form": form,
        "asked": asked,
        "never_contacted": closing.lacks_contact(page.case, closing.HowItEnded(), contacted=bool(milestones)),
        "leads": agrees,
        "who_agrees": page.who_agrees_to_close(leads, asked),
        "ends": endings.of_closing(page.running, put_off),
    }
    return page.show("front_door/cases/close.html", context, [form])


def _check_answers(
    request: HttpRequest, case: Case, form: CloseForm, now: datetime, *, asks: bool, lacks_contact: bool
) -> HttpResponse:
    page = CasePage(request, case.reference, now)
    leads = endings.who_may_close(case, now)
    page.read(leads)
    put_off = endings.put_off_until_closed(page.running, by=page.user, now=now)
    read_together(put_off)
    rows = [(name, field.label, _in_words(form, name)) for name, field in form.fields.items()]
    context = {
        "form": form,
        "rows": [row for row in rows if row[0] != "lead_reason" or lacks_contact],
        "asks": asks,
        "who_agrees": page.who_agrees_to_close(leads, None),
        "ends": [] if asks else endings.of_closing(page.running, put_off),
    }
    return page.show("front_door/cases/check_closing.html", context)


def _in_words(form: ActionForm, name: str) -> str:
    said = form.cleaned_data[name]
    choices = getattr(form.fields[name], "choices", None)
    return str(dict(choices).get(said, said)) if choices else said
