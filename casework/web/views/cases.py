"""A case's page: its contacts, responsible teams, handoffs and clocks, and the forms to work on it."""

from collections.abc import Callable
from datetime import datetime
from itertools import chain
from typing import Any, cast

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.access import permissions, restricted
from casework.actions import cases, clock_changes, handoffs, viewing
from casework.families.naming import name_rows
from casework.families.recorded import ADULTS
from casework.models import (
    LEAD_OFFERS_FROM,
    Case,
    Clock,
    ClockChange,
    Contact,
    ContactChild,
    DetailToCheck,
    FactChange,
    Information,
    Milestone,
    Responsibility,
)
from casework.models.indexes import is_among
from casework.models.together import read_parts, read_together, share_out
from casework.reading import endings
from casework.reading.cautions import cautions_in, recorded_of
from casework.reading.news import since_decided
from casework.reading.responsibility import responsibility_history
from casework.record import responsibilities
from casework.statuses import CaseStatus, HandoffStatus
from casework.web.clock_forms import ExtendForm, clock_forms
from casework.web.forms import (
    ActionForm,
    AuthorityForm,
    CloseForm,
    LeadForm,
    MilestoneForm,
    id_of,
)
from casework.web.hiding import without_hidden_addresses
from casework.web.signed_in import by_post, user_of
from casework.web.story import story_of
from casework.web.submitting import Done, errors_of, status_of, submit
from localities.models import User
from localities.roles import roles_of
from localities.working_time import local_day
from triage.rule_set_document import Work


@require_safe
def show(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows the case with its whole story."""
    return _page(request, reference, timezone.now())


@by_post(or_show="case")
def lead(request: HttpRequest, reference: str) -> HttpResponse:
    """Names the lead practitioner."""
    user, now, case = _fetch(request, reference)
    form = LeadForm(responsibilities.responsible_team(case), local_day(now), request.POST)
    return _submit_on_page(
        request, case, now, "lead", form,
        lambda said: cases.name_lead(case_id=case.pk, lead_id=id_of(said["lead"]), by=user, now=now),
        says="The lead practitioner is named.",
    )  # fmt: skip


@by_post(or_show="case")
def milestone(request: HttpRequest, reference: str) -> HttpResponse:
    """Records a milestone."""
    user, now, case = _fetch(request, reference)
    form = MilestoneForm(request.POST, prefix="milestone")
    return _submit_on_page(
        request, case, now, "milestone", form,
        lambda said: cases.record_milestone(case_id=case.pk, kind=said["kind"], at=form.moment(), by=user, now=now),
        says="Saved.",
    )  # fmt: skip


@by_post(or_show="case")
def authority(request: HttpRequest, reference: str) -> HttpResponse:
    """Names the other authority."""
    user, now, case = _fetch(request, reference)
    form = AuthorityForm(request.POST)
    return _submit_on_page(
        request, case, now, "authority", form,
        lambda said: cases.name_other_authority(
            case_id=case.pk, authority_id=id_of(said["authority"]), by=user, now=now
        ),
        says="The other authority is named.",
    )  # fmt: skip


@by_post(or_show="case")
def extend(request: HttpRequest, reference: str) -> HttpResponse:
    """Gives a clock more time."""
    user, now, case = _fetch(request, reference)
    # A closed case has no running clocks. The form takes any of its clocks, and the action says that it is closed.
    clocks = case.clocks.running() if case.status == CaseStatus.OPEN else case.clocks.all()
    form = ExtendForm(clocks, request.POST, prefix="extend")
    return _submit_on_page(
        request, case, now, "extend", form,
        lambda said: clock_changes.extend(
            clock_id=said["clock"], to=form.moment(), reason=said["reason"], by=user, now=now
        ),
        says="Deadline extended. The page still shows when it was due first.",
    )  # fmt: skip


@by_post(or_show="case")
def close(request: HttpRequest, reference: str) -> HttpResponse:
    """Closes the case."""
    user, now, case = _fetch(request, reference)
    form = CloseForm(request.POST, prefix="close")
    return _submit_on_page(
        request, case, now, "close", form,
        lambda said: cases.close(
            case_id=case.pk, outcome=said["outcome"], summary=said["summary"], by=user, now=now
        ),
        says="The case is closed.",
    )  # fmt: skip


# ---- what the page is made of


def _fetch(request: HttpRequest, reference: str) -> tuple[User, datetime, Case]:
    """The user, the time and the case, for an action: the case is not shown, so this is not audited."""
    user, now = user_of(request), timezone.now()
    return user, now, get_object_or_404(Case.objects.visible_to(user, now), reference=reference)


def _submit_on_page(
    request: HttpRequest,
    case: Case,
    now: datetime,
    name: str,
    form: ActionForm,
    action: Callable[[dict[str, Any]], Done],
    *,
    says: str,
    then: str = "",
) -> HttpResponse:
    """
    Submits a form of the case's page.

    :param name: the form's name on the page.
    :param then: the path of the next page; empty for this one.
    """
    return submit(
        request, form, action, says=says, then=then or reverse("case", args=[case.reference]),
        again=lambda: _page(request, case.reference, now, **{name: form}),
    )  # fmt: skip


def _offering(case: Case, periods: list[Responsibility], user: User, now: datetime) -> dict[str, bool]:
    """Whether the user may offer the case, or only whoever leads the team."""
    number, responsible, today = handoffs.ordinal(case), periods[-1].team.pk, local_day(now)
    if not permissions.allows(permissions.check_can_offer, case, responsible, user, today):
        return {}
    if number >= LEAD_OFFERS_FROM and not permissions.allows(
        permissions.check_can_offer_again, case, responsible, user, today
    ):
        return {"who_offers": True}
    return {"offers": True}


def _page(request: HttpRequest, reference: str, now: datetime, **shown: ActionForm) -> HttpResponse:
    """The case's page, with the form in `shown` that had faults. Viewing it is audited."""
    user = user_of(request)
    case = viewing.view_case(reference=reference, by=user, now=now)
    who = roles_of(user, local_day(now))
    is_open = case.status == CaseStatus.OPEN
    contacts, clocks, changes, milestones = _read(case, user, now)
    offers = list(case.handoffs.all())
    on_offer = next((handoff for handoff in offers if handoff.status == HandoffStatus.OFFERED), None)
    periods = list(case.responsibilities.all())
    responsible = periods[-1].team if periods else None
    is_responsible = is_open and responsible is not None and responsible.pk in who.team_ids
    name_rows(chain.from_iterable((*each.children.all(), *each.adults.all()) for each in contacts), user, now)
    children = sorted(case.children.all(), key=lambda child: child.pk)
    stays = {child.pk for child in children}
    on_contacts = {child.person_id: child for contact in contacts for child in contact.children.all()}
    recorded, put_off = recorded_of(contacts, and_of=stays), endings.put_off_until_closed(clocks, by=user, now=now)
    read_together(recorded, *([put_off] if is_responsible else []))
    cautions = cautions_in(recorded)
    context: dict[str, Any] = {
        "now": now,
        "case": case,
        "restrictions": restricted.shown_with(restricted.people_on(case), user, now)
        if cast("Any", case).is_restricted
        else [],
        "decision": case.opened_by_decision,
        "stories": [story_of(contact, cautions) for contact in contacts],
        "cautions": cautions,
        "news": since_decided([case], user, now).get(case.pk, []),
        "children": [(child, on_contacts.get(child.pk)) for child in children],
        "left": [child for person, child in on_contacts.items() if person not in stays],
        "handoffs": offers,
        "on_offer": on_offer,
        "history": responsibility_history(case, offers, periods, now),
        "responsible": responsible,
        "clock_changes": changes,
        "milestones": milestones,
        "answers": on_offer is not None and on_offer.to_team_id in who.team_ids,
        "withdraws": on_offer is not None
        and permissions.allows(permissions.check_can_withdraw, on_offer, user, local_day(now)),
        "is_responsible": is_responsible,
        "may_correct": is_open and (is_responsible or bool(who.front_door_roles)),
    }
    team_id = responsible.pk if is_open and responsible is not None else None
    context |= {"clocks": clocks} | clock_forms(clocks, None, team_id, user, now, dict(shown))
    if is_responsible:
        context["lead"] = shown.get("lead") or LeadForm(periods[-1].team, local_day(now))
        context["milestone"] = shown.get("milestone") or MilestoneForm(prefix="milestone")
        if on_offer is None:
            context["close"] = shown.get("close") or CloseForm(prefix="close")
            context["closing_ends"] = endings.of_closing(clocks, put_off)
        if case.work is Work.OTHER_AUTHORITY:
            context["authority"] = shown.get("authority") or AuthorityForm()
    if is_open and on_offer is None:
        context |= _offering(case, periods, user, now)
    context["errors"] = errors_of(*shown.values())
    page = render(request, "front_door/cases/show.html", context, status=status_of(context["errors"]))
    return without_hidden_addresses(page, contacts)


def _read(
    case: Case, user: User, now: datetime
) -> tuple[list[Contact], list[Clock], list[ClockChange], list[Milestone]]:
    """
    What belongs to a case: its contacts that the user may open, the newest first, with all that was said on them; its
    clocks, with those of the open offer; their changes; and its milestones. One round trip.
    """
    contacts = Contact.objects.filter(case=case).open_to(user, now).order_by("-received_at")
    contacts = contacts.select_related("agency", "recommendation", "decision_in_effect")
    # Of all its contacts, in the same round trip: each that the user may open gets its own, and the others' are left.
    children = ContactChild.objects.filter(contact__case=case).select_related("person").order_by("position")
    adults = ADULTS.filter(contact__case=case)
    details = DetailToCheck.objects.filter(contact__case=case)
    information = Information.objects.filter(contact__case=case).select_related("by_user", "by_agency")
    learned = FactChange.objects.filter(information__contact__case=case)
    # By the offer's id, found first: for a condition on its table, PostgreSQL would read every clock.
    on_offer = case.handoffs.filter(status=HandoffStatus.OFFERED).order_by().values("pk")
    clocks = (
        Clock.objects.filter(Q(case=case) | Q(is_among(on_offer, "handoff")))
        .select_related("policy")
        .order_by("stopped_at", "due_at")
    )
    changes = ClockChange.objects.filter(clock__case=case).select_related("clock", "by").order_by("pk")
    milestones = case.milestones.select_related("recorded_by")
    read_parts(
        case, contacts, children, adults, details, information, learned, clocks, changes, milestones,
        children=case.children.all(),
        handoffs=case.handoffs.select_related("from_team", "to_team", "offered_by", "answered_by"),
        responsibilities=case.responsibilities.select_related("team"),
    )  # fmt: skip
    share_out(information, changes=learned)
    share_out(contacts, children=children, adults=adults, details_to_check=details, information=information)
    return list(contacts), list(clocks), list(changes), list(milestones)
