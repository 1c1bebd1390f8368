"""The pages of a handoff: offering a case to another team, and accepting, returning or withdrawing what is offered."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from casework.access import conditions, permissions
from casework.actions import handoffs, viewing
from casework.deadlines import clocks
from casework.families.continuity import ties
from casework.families.household import household_of
from casework.families.naming import families_of
from casework.models import LEAD_OFFERS_FROM, Case, Clock, Handoff, HandoffKind
from casework.models.together import read_parts, read_together
from casework.reading import worklists
from casework.statuses import CaseStatus, HandoffStatus
from casework.web.forms import ActionForm, HandoffReturnForm, HandoffWithdrawForm, OfferForm, id_of, is_id, truth_of
from casework.web.hiding import without_hidden_addresses
from casework.web.offer_cards import cards_of
from casework.web.signed_in import user_of
from casework.web.submitting import errors_of, status_of, submit
from casework.web.unfinished import kept_at
from casework.web.views.cases import fetch_case
from errors import NotAllowedInStatus
from localities.models import FRONT_DOOR_KINDS, User
from localities.reference import Reference, from_rows, reading_versions
from localities.working_time import in_words, local_day
from triage.ruleset import Rag

ADDRESS_OF = {None: "case-offer", HandoffKind.STEP_UP: "case-step-up", HandoffKind.STEP_DOWN: "case-step-down"}
Check = Callable[[Handoff, User, date], None]


@require_http_methods(["GET", "HEAD", "POST"])
def offer(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows the form that offers a case to another team, and what to think of first; by POST, offers it."""
    return _offered(request, reference, None)


@require_http_methods(["GET", "HEAD", "POST"])
def step_up(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows the form for offering a case to a team that gives more help; by POST, offers it."""
    return _offered(request, reference, HandoffKind.STEP_UP)


@require_http_methods(["GET", "HEAD", "POST"])
def step_down(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows the form for offering a case to a voluntary service; by POST, offers it."""
    return _offered(request, reference, HandoffKind.STEP_DOWN)


def _offered(request: HttpRequest, reference: str, step: HandoffKind | None) -> HttpResponse:
    """:param step: a step up or down; None for another offer."""
    user, now, case = fetch_case(request, reference)
    versions = reading_versions()
    read_parts(
        case,
        *([] if step is None else [versions]),
        children=case.children.all(),
        handoffs=case.handoffs.select_related("to_team"),
        responsibilities=case.responsibilities.select_related("team"),
    )
    *before, last = case.responsibilities.all()
    responsible, number = last.team, handoffs.ordinal(case)
    known_by = ties(case, household_of(case), responsible, now=now)
    keeps_red = case.rag == Rag.RED and not permissions.allows(
        permissions.check_can_lower_red, case, responsible.pk, user, local_day(now)
    )
    form = OfferForm(
        request.POST if request.method == "POST" else None,
        sender=responsible, step=step, questioned=number >= LEAD_OFFERS_FROM, is_known=bool(known_by),
        rag=case.rag, keeps_red=keeps_red,
        due={} if step is None else _due_by_rating(case, step, now, from_rows(versions), keeps_red=keeps_red),
    )  # fmt: skip

    def page() -> HttpResponse:
        lately = {each.team for each in before if each.period.upper >= now - handoffs.BOUNCES_WITHIN}
        return _page(request, case, "offer", form, now, {
            "responsible": responsible,
            "ties": known_by,
            "had_it_lately": sorted((each for each in lately - {responsible} if form.offers_to(each)), key=str),
            "is_third": number >= LEAD_OFFERS_FROM,
            "step": step,
            "address": reverse(ADDRESS_OF[step], args=[reference]),
        })  # fmt: skip

    if request.method == "POST":
        return submit(
            request, form,
            lambda said: handoffs.offer(
                case_id=case.pk, to_team_id=id_of(said["to_team"]), reason=said["reason"],
                despite=said.get("despite", ""), lead_reason=said.get("lead_reason", ""),
                family_told=said.get("family_told", ""),
                family_agrees=truth_of(said.get("family_agrees", "")),
                in_danger=truth_of(said.get("in_danger", "")), rag=said.get("rag", ""), step=step, by=user, now=now,
            ),
            says="Case offered.", then=reverse("case", args=[reference]), again=page,
        )  # fmt: skip
    permissions.check_can_offer(case, responsible.pk, user, local_day(now))
    on_offer = next((each for each in case.handoffs.all() if each.status == HandoffStatus.OFFERED), None)
    if case.status != CaseStatus.OPEN or on_offer is not None:
        return _back_to(request, case)
    if step not in (None, HandoffKind.step_of(responsible)):
        way = "up" if step is HandoffKind.STEP_UP else "down"
        raise NotAllowedInStatus(f"{responsible} cannot step a case {way}. Offer it to another team.")
    if number >= LEAD_OFFERS_FROM and step is not HandoffKind.STEP_UP:
        permissions.check_can_offer_again(case, responsible.pk, user, local_day(now))
    return page()


@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows the offer, and what a team takes on by accepting it; by POST, accepts it."""
    return _answered(
        request, reference, "accept", ActionForm(request.POST or None), permissions.check_can_answer,
        lambda handoff, said, now: handoffs.accept(handoff_id=handoff.pk, by=user_of(request), now=now),
        says="Your team has the case now. Name its lead practitioner.",
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def return_to_sender(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows what follows if the offer is returned, and the form for the reason; by POST, returns it."""
    return _answered(
        request, reference, "return", HandoffReturnForm(request.POST or None), permissions.check_can_answer,
        lambda handoff, said, now: handoffs.return_to_sender(
            handoff_id=handoff.pk, reason=said["reason"], by=user_of(request), now=now
        ),
        says="Case returned. The team that offered it is told.", then=reverse("worklist"),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows the offer, and the form for the reason; by POST, withdraws it."""
    return _answered(
        request, reference, "withdraw", HandoffWithdrawForm(request.POST or None), permissions.check_can_withdraw,
        lambda handoff, said, now: handoffs.withdraw(
            handoff_id=handoff.pk, reason=said["reason"], by=user_of(request), now=now
        ),
        says="The offer is withdrawn.",
    )  # fmt: skip


# ---- what the pages are made of


def _due_by_rating(
    case: Case, step: HandoffKind, now: datetime, reference: Reference, *, keeps_red: bool
) -> dict[Rag, str]:
    """The ratings that a step can give the case, and when each asks the other team for its answer, in words."""
    ratings = [Rag.RED] if keeps_red else step.ratings_from(case.rag)
    due = dict.fromkeys(ratings, "no deadline runs")
    for rag in ratings:
        offered = Handoff(case=case, kind=step, rag=rag)
        for clock in clocks.started_by(clocks.OFFERED, offered, at=now, reference=reference):
            due[rag] = f"answer due by {in_words(clock.due_at)}"
    return due


def _answered(
    request: HttpRequest,
    reference: str,
    name: str,
    form: ActionForm,
    check: Check,
    action: Callable[[Handoff, dict[str, Any], datetime], Handoff],
    *,
    says: str,
    then: str = "",
) -> HttpResponse:
    """
    Shows the page on which an offer is answered or withdrawn; by POST, does it.

    :param check: whether the user may; the action asks again.
    :param then: the path of the next page; empty for the case's.
    """
    user, now = user_of(request), timezone.now()
    # It is not shown yet, so this is not audited.
    visible = Case.objects.visible_to(user, now).filter(reference=reference)
    offers = worklists.with_deadlines(Handoff.objects.filter(case__reference=reference))
    read_together(visible, offers)
    case = next(iter(visible), None)
    if case is None:
        raise Case.DoesNotExist(f"There is no case {reference}.")

    def page(handoff: Handoff) -> HttpResponse:
        return _page(request, case, name, form, now, {"handoff": handoff})

    if request.method == "POST":
        # The one that the page showed: a later one is another offer.
        number = request.POST.get("handoff", "")
        sent = int(number) if is_id(number) else None
        handoff = next((each for each in offers if each.pk == sent), None)
        if handoff is None:
            raise Http404
        return submit(
            request, form, lambda said: action(handoff, said, now), says=says,
            then=then or reverse("case", args=[reference]), again=lambda: page(handoff),
        )  # fmt: skip
    on_offer = next((each for each in offers if each.status == HandoffStatus.OFFERED), None)
    if on_offer is None:
        return _back_to(request, case)
    check(on_offer, user, local_day(now))
    return page(on_offer)


def _back_to(request: HttpRequest, case: Case) -> HttpResponse:
    """The case's page, if the form has no purpose now; but what somebody typed into it is shown to them."""
    if kept_at(request):
        conditions.check_is_open(case)
        conditions.check_nothing_on_offer(case)
        raise NotAllowedInStatus(f"{case} is not on offer.")
    return redirect("case", case.reference)


def _page(
    request: HttpRequest, case: Case, name: str, form: ActionForm, now: datetime, context: dict[str, Any]
) -> HttpResponse:
    """A page about the case with a form. The view of the case is audited."""
    user = user_of(request)
    seen = viewing.view_case(reference=case.reference, by=user, now=now)
    if name == "accept":
        handoff = context["handoff"]
        handoff.case = seen
        (card,) = cards_of([handoff], user, now)
        family, contacts = card.children, card.contacts
        context |= {"card": card, "starts": _would_start(handoff, now)}
    else:
        family = families_of([seen], user, now)[seen]
        contacts = {child.contact for child in family}
    errors = errors_of(form)
    context |= {"case": seen, "family": family, "form": form, "errors": errors, "now": now}
    page = render(request, f"front_door/handoffs/{name}.html", context, status=status_of(errors))
    return without_hidden_addresses(page, contacts)


def _would_start(handoff: Handoff, now: datetime) -> list[Clock]:
    """The deadlines that start when the offer is accepted, the first due first."""
    case, versions = handoff.case, reading_versions()
    had = case.clocks.values("kind", "ended")
    read_together(had, versions)
    if handoff.to_team.kind in FRONT_DOOR_KINDS:
        found = clocks.started_by(clocks.HANDOFF_ENDED, case, at=now, reference=from_rows(versions))
    else:
        found = clocks.would_start_on_acceptance(case, cast("Any", had), at=now, reference=from_rows(versions))
    return sorted(found, key=lambda clock: clock.due_at)
