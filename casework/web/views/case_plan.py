"""A case's plan and deadlines: what is due, what was done, and what the family wants."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.actions import cases, clock_changes
from casework.models import ClockChange
from casework.statuses import CaseStatus
from casework.web.case_page import CasePage, clocks_of
from casework.web.clock_forms import ExtendForm, clock_forms
from casework.web.forms import ActionForm, MilestoneForm
from casework.web.signed_in import by_post
from casework.web.story import told_of
from casework.web.submitting import submit
from casework.web.views.cases import fetch_case


@require_safe
def show(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows what is due, what was done, and what the family wants."""
    return _page(request, reference, timezone.now())


@by_post(or_show="case-plan")
def milestone(request: HttpRequest, reference: str) -> HttpResponse:
    """Records a milestone."""
    user, now, case = fetch_case(request, reference)
    form = MilestoneForm(request.POST, prefix="milestone")
    return submit(
        request, form,
        lambda said: cases.record_milestone(case_id=case.pk, kind=said["kind"], at=form.moment(), by=user, now=now),
        says="Saved.", then=reverse("case-plan", args=[reference]),
        again=lambda: _page(request, reference, now, milestone=form),
    )  # fmt: skip


@by_post(or_show="case-plan")
def extend(request: HttpRequest, reference: str) -> HttpResponse:
    """Gives a clock more time."""
    user, now, case = fetch_case(request, reference)
    # A closed case has no running clocks. The form takes any of its clocks, and the action says that it is closed.
    clocks = case.clocks.running() if case.status == CaseStatus.OPEN else case.clocks.all()
    form = ExtendForm(clocks, request.POST, prefix="extend")
    return submit(
        request, form,
        lambda said: clock_changes.extend(
            clock_id=said["clock"], to=form.moment(), reason=said["reason"], by=user, now=now
        ),
        says="Deadline extended. The page still shows when it was due first.",
        then=reverse("case-plan", args=[reference]), again=lambda: _page(request, reference, now, extend=form),
    )  # fmt: skip


def _page(request: HttpRequest, reference: str, now: datetime, **shown: ActionForm) -> HttpResponse:
    """The plan and deadlines, with the form in `shown` that had faults."""
    page = CasePage(request, reference, now)
    clocks = clocks_of(page.case)
    changes = ClockChange.objects.filter(clock__case=page.case).select_related("clock", "by").order_by("pk")
    page.read(clocks, changes, milestones=page.case.milestones.select_related("recorded_by"))
    team_id = page.responsible.pk if page.is_open and page.responsible is not None else None
    context: dict[str, Any] = {
        "clocks": list(clocks),
        "clock_changes": list(changes),
        "milestones": list(page.case.milestones.all()),
        "told": [told_of(contact, contact.information.all()) for contact in page.contacts],
    }
    context |= clock_forms(context["clocks"], None, team_id, page.user, now, dict(shown))
    if page.is_responsible:
        context["milestone"] = shown.get("milestone") or MilestoneForm(prefix="milestone")
    return page.show("front_door/cases/plan.html", context, shown.values())
