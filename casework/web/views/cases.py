"""A case's overview: its contacts and decision, the open offer, and the forms to work on it."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.access import permissions
from casework.actions import cases, handoffs
from casework.models import (
    LEAD_OFFERS_FROM,
    Case,
    Closing,
    ClosingRequest,
    DetailToCheck,
    HandoffKind,
    Responsibility,
)
from casework.models.together import read_together, share_out
from casework.reading import endings
from casework.reading.cautions import cautions_in, recorded_of
from casework.reading.news import since_decided
from casework.record import responsibilities
from casework.statuses import HandoffStatus
from casework.web.case_page import CasePage
from casework.web.forms import ActionForm, AuthorityForm, LeadForm, id_of
from casework.web.signed_in import by_post, user_of
from casework.web.story import story_of
from casework.web.submitting import submit
from localities.models import User
from localities.working_time import local_day
from triage.rule_set_document import Work


@require_safe
def show(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows the case in short, what was told, and what may be done."""
    return _page(request, reference, timezone.now())


@by_post(or_show="case")
def lead(request: HttpRequest, reference: str) -> HttpResponse:
    """Names the lead practitioner."""
    user, now, case = fetch_case(request, reference)
    form = LeadForm(responsibilities.responsible_team(case), local_day(now), request.POST)
    return submit(
        request, form,
        lambda said: cases.name_lead(case_id=case.pk, lead_id=id_of(said["lead"]), by=user, now=now),
        says="The lead practitioner is named.", then=reverse("case", args=[reference]),
        again=lambda: _page(request, reference, now, lead=form),
    )  # fmt: skip


@by_post(or_show="case")
def authority(request: HttpRequest, reference: str) -> HttpResponse:
    """Names the other authority."""
    user, now, case = fetch_case(request, reference)
    form = AuthorityForm(request.POST)
    return submit(
        request, form,
        lambda said: cases.name_other_authority(
            case_id=case.pk, authority_id=id_of(said["authority"]), by=user, now=now
        ),
        says="The other authority is named.", then=reverse("case", args=[reference]),
        again=lambda: _page(request, reference, now, authority=form),
    )  # fmt: skip


# ---- what the page is made of


def fetch_case(request: HttpRequest, reference: str) -> tuple[User, datetime, Case]:
    """The user, the time and the case, for an action: the case is not shown, so this is not audited."""
    user, now = user_of(request), timezone.now()
    return user, now, get_object_or_404(Case.objects.visible_to(user, now), reference=reference)


def _offering(case: Case, periods: list[Responsibility], user: User, now: datetime) -> dict[str, Any]:
    """Whether the user may offer the case, or only whoever leads the team."""
    number, responsible, today = handoffs.ordinal(case), periods[-1].team.pk, local_day(now)
    if not permissions.allows(permissions.check_can_offer, case, responsible, user, today):
        return {}
    if number >= LEAD_OFFERS_FROM and not permissions.allows(
        permissions.check_can_offer_again, case, responsible, user, today
    ):
        step = HandoffKind.step_of(periods[-1].team)
        return {"who_offers": True, "step": step if step is HandoffKind.STEP_UP else None}
    return {"offers": True, "step": HandoffKind.step_of(periods[-1].team)}


def _page(request: HttpRequest, reference: str, now: datetime, **shown: ActionForm) -> HttpResponse:
    """The case's overview, with the form in `shown` that had faults."""
    page = CasePage(request, reference, now)
    case, user, is_open = page.case, page.user, page.is_open
    details = DetailToCheck.objects.filter(contact__case=case)
    closings = Closing.objects.filter(case=case)
    requests = ClosingRequest.objects.filter(case=case).select_related("asked_by", "answered_by")
    leads = endings.who_may_close(case, now)
    page.read(
        details,
        closings,
        requests,
        of_contacts=("recommendation", "decision_in_effect"),
        handoffs=case.handoffs.select_related("from_team", "to_team", "offered_by", "answered_by"),
    )
    share_out(page.contacts, details_to_check=details)
    on_offer = next((handoff for handoff in case.handoffs.all() if handoff.status == HandoffStatus.OFFERED), None)
    last = max(case.handoffs.all(), key=lambda handoff: handoff.offered_at, default=None)
    came_back = last if is_open and last is not None and last.status == HandoffStatus.RETURNED else None
    asked = next((each for each in requests if each.answered_at is None), None)
    in_case = {child.pk for child in case.children.all()}
    on_contacts = {child.person_id: child for contact in page.contacts for child in contact.children.all()}
    recorded = recorded_of(page.contacts, and_of=in_case)
    read_together(recorded, *([] if asked is None else [leads]))
    cautions = cautions_in(recorded)
    context: dict[str, Any] = {
        "decision": case.opened_by_decision,
        "stories": [story_of(contact, cautions) for contact in page.contacts],
        "cautions": cautions,
        "news": since_decided([case], user, now).get(case.pk, []),
        "left": [child for person, child in on_contacts.items() if person not in in_case],
        "on_offer": on_offer,
        "came_back": came_back,
        "answers": on_offer is not None and on_offer.to_team_id in page.who.team_ids,
        "withdraws": on_offer is not None
        and permissions.allows(permissions.check_can_withdraw, on_offer, user, local_day(now)),
        "closing": next(iter(closings), None),
        "closing_requests": list(requests),
        "closes": on_offer is None and page.may_close(asked),
        "answers_closing": page.answers_closing,
        "agrees_to_close": page.agrees_to_close(asked),
        "who_agrees": page.who_agrees_to_close(leads, asked) if asked is not None else "",
        "may_correct": page.may_correct,
    }
    if page.is_responsible:
        context["lead"] = shown.get("lead") or LeadForm(page.periods[-1].team, local_day(now))
        if case.work is Work.OTHER_AUTHORITY:
            context["authority"] = shown.get("authority") or AuthorityForm()
    if is_open and on_offer is None:
        context |= _offering(case, page.periods, user, now)
    # Whether the page has a part with what the reader may do.
    context["acts"] = page.is_responsible or context["closes"] or "offers" in context or "who_offers" in context
    return page.show("front_door/cases/show.html", context, shown.values())
