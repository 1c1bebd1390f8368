"""The pages of a decision: making it, checking it, what followed from it, and the second person's answer."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from casework.access import conditions, permissions, restricted
from casework.actions import decisions, partner_checks, viewing
from casework.facts.history import has_history
from casework.families import sameness
from casework.families.household import HouseholdToRead, household, household_to_read, is_earlier_than
from casework.families.naming import name_rows
from casework.jobs import stale_recommendations
from casework.models import Case, Contact, Decision, PartnerCheck, Recommendation
from casework.models.together import read_together
from casework.reading import endings, front_door
from casework.reading.decided import cases_to_choose, followed
from casework.statuses import ContactStatus, PartnerCheckStatus
from casework.web.decision_form import FOLLOWS, WITHDRAWN, DecideForm, SignOffForm
from casework.web.forms import id_of, is_id
from casework.web.hiding import hidden_where_said, masked_text, without_hidden_addresses
from casework.web.signed_in import user_of
from casework.web.story import told_of
from casework.web.submitting import CONFLICT, errors_of, status_of
from casework.web.tags import with_age
from casework.web.unfinished import data_of, kept_at, opened
from casework.web.views.contacts import declined_decision, fetch, rules_of
from errors import InvalidInput, NotAllowedInStatus, TakenBySomeoneElse
from localities.models import User
from localities.reference import from_rows, reading_versions
from localities.working_time import local_day

MOST_SHOWN = 5


@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: HttpRequest, reference: str) -> HttpResponse:
    """
    Shows the form for a decision; by POST, what was filled in, to check it; and when that is confirmed, decides.

    No record says anything of it before, and nothing that was typed is lost: it is an unfinished form until then.
    """
    user, now = user_of(request), timezone.now()
    if request.method != "POST":
        try:
            return _form(request, reference, now)
        except NotAllowedInStatus:
            if kept_at(request):
                raise
            return redirect("contact", reference)
    contact = fetch(user, reference, now)
    form = _bound(contact, request.POST, user, now)
    try:
        if form.is_valid():
            if "confirmed" in request.POST:
                _decide(contact, form, user, now)
                return redirect("contact-decided", reference)
            return _check_answers(request, contact, form, user, now)
    except InvalidInput as invalid:
        form.add_faults(invalid)
    except TakenBySomeoneElse as taken:
        if isinstance(taken, decisions.Overtaken):
            # The worker asks the rules again within seconds. Where it is away, nobody has to wait for it.
            stale_recommendations.renew_one(contact_id=contact.pk, now=now, only_if_noted=False)
        return _again(request, reference, now, request.POST.copy(), taken)
    return _form(request, reference, now, form=form)


@require_safe
def decided(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows what followed from the last decision: where the contact went, who was told, and what comes next."""
    user, now = user_of(request), timezone.now()
    contact = viewing.view_for_decision(reference=reference, by=user, now=now)
    decision = next(reversed(contact.decisions.all()), None)
    if decision is None or contact.status == ContactStatus.RECEIVED:
        return redirect("contact", reference)
    context = _about(contact) | {
        "decision": decision,
        "followed": followed(decision, contact, now=now),
        "next": _next_contact(contact, user, now),
        "opens_case": contact.case is not None
        and Case.objects.visible_to(user, now).filter(pk=contact.case.pk).exists(),
    }
    return without_hidden_addresses(render(request, "front_door/contacts/decided.html", context), [contact])


@require_http_methods(["GET", "HEAD", "POST"])
def sign_off(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows a decision beside the recommendation to the second person; by POST, they agree to it or decline it."""
    user, now = user_of(request), timezone.now()
    if request.method != "POST":
        try:
            return _sign_off_form(request, reference, now, SignOffForm(prefix="sign_off"))
        except NotAllowedInStatus:
            if kept_at(request):
                raise
            return redirect("contact", reference)
    contact = fetch(user, reference, now)
    form = SignOffForm(request.POST, prefix="sign_off")
    if form.is_valid():
        said = form.cleaned_data
        agreed = said["answer"] == "agree"
        try:
            decision = decisions.sign_off(
                contact_id=contact.pk, agreed=agreed, rationale=said["rationale"], by=user, now=now
            )
        except InvalidInput as invalid:
            form.add_faults(invalid)
        else:
            if agreed:
                return redirect("contact-decided", reference)
            owner = decision.contact.owner
            goes = f"It is with {owner} again" if owner else "It is back in the worklist, with nobody yet"
            messages.success(request, f"You declined. {goes}, with your reason.")
            return redirect("contact", reference)
    return _sign_off_form(request, reference, now, form)


# ---- making it


def _bound(contact: Contact, data: QueryDict | None, user: User, now: datetime) -> DecideForm:
    cases = cases_to_choose(household(contact), user, now)
    return DecideForm(contact, rules_of(contact), partner_checks.unanswered(contact), cases, data)


def _decide(contact: Contact, form: DecideForm, user: User, now: datetime) -> Decision:
    said = form.cleaned_data
    return decisions.decide(
        contact_id=contact.pk,
        recommendation_id=said["recommendation"],
        pathway=said["pathway"],
        level=said["level"] or 0,
        rag=said["rag"],
        rationale=said["rationale"],
        history=said["history"],
        chosen_team_id=id_of(said["team"]),
        chosen_team_reason=said["team_reason"],
        chosen_case_id=said.get("case"),
        without_answers=form.checks_that(WITHDRAWN),
        answers_follow=form.checks_that(FOLLOWS),
        by=user,
        now=now,
    )


def _check_answers(request: HttpRequest, contact: Contact, form: DecideForm, user: User, now: datetime) -> HttpResponse:
    """The decision as it was filled in, and what would follow from it: it is made, looked at and taken back."""
    with transaction.atomic():
        decision = _decide(contact, form, user, now)
        would_follow = followed(decision, decision.contact, now=now)
        transaction.set_rollback(True)
    seen = viewing.view_for_decision(reference=contact.reference, by=user, now=now)
    context = _about(seen) | {"form": form, "decision": decision, "followed": would_follow}
    if would_follow.waits:
        context["route"] = decisions.preview(seen, decision.pathway, household_to_read(seen), now=now)
    return without_hidden_addresses(render(request, "front_door/contacts/check_decision.html", context), [seen])


def _again(
    request: HttpRequest, reference: str, now: datetime, data: QueryDict, taken: TakenBySomeoneElse
) -> HttpResponse:
    """The form with everything that was typed, why it could not be decided, and what has changed in the meantime."""
    user = user_of(request)
    contact = fetch(user, reference, now)
    was = _seen_before(contact, data)
    data["decide-recommendation"] = str(contact.recommendation_id)
    form = _bound(contact, data, user, now)
    return _form(request, reference, now, form=form, says=str(taken), was=was, status=CONFLICT)


def _seen_before(contact: Contact, typed: QueryDict) -> Recommendation | None:
    """The recommendation that was on the page into which this was typed, if that was another one."""
    before = typed.get("decide-recommendation", "")
    if not is_id(before) or int(before) == contact.recommendation_id:
        return None
    return contact.recommendations.filter(pk=int(before)).first()


def _form(
    request: HttpRequest,
    reference: str,
    now: datetime,
    *,
    form: DecideForm | None = None,
    says: str = "",
    was: Recommendation | None = None,
    status: int | None = None,
) -> HttpResponse:
    """
    The page with the form.

    :param form: what was sent; by default, what is kept of an unfinished form is filled in.
    :param says: why what was filled in before is shown again, in place of its faults.
    :param was: the recommendation that the decider saw then.
    :param status: the HTTP status; by default that of the form's faults.
    """
    user = user_of(request)

    def may_decide(contact: Contact) -> None:
        conditions.check_waits_for_decision(contact)
        decisions.check_can_decide(contact, by=user, now=now)

    contact = viewing.view_for_decision(reference=reference, check=may_decide, by=user, now=now)
    people, versions = household_to_read(contact), reading_versions()
    put_off = endings.put_off_until_decided(contact.clocks.all(), by=user, now=now)
    history = _history(contact, people, user, now, people.reading_own_cases, versions, put_off)
    context = _about(contact) | history
    context["unscreened"] = conditions.waits_for_screening(contact)
    context["declined"] = declined = declined_decision(contact)
    unanswered = _unanswered(contact)
    if not context["unscreened"]:
        assert contact.recommendation is not None
        if form is None:
            form = DecideForm(contact, rules_of(contact), unanswered, cases_to_choose(people, user, now))
            if declined is not None and declined.decided_by == user:
                form.initial.update(history=declined.history, rationale=declined.rationale)
            if (kept := opened(request, contact, request.path, form).kept) is not None:
                says = "What you typed is filled in. Nothing is recorded yet."
                was = _seen_before(contact, data_of(kept))
        if not context["has_history"]:
            # Of the field as it is shown: a form with faults has made it already.
            form["history"].label = "History considered, and what it means (optional)"
        context |= {
            "form": form,
            "route": decisions.preview(contact, contact.recommendation.pathway, people, from_rows(versions), now=now),
            "ends": endings.of_deciding(contact.clocks.all(), contact.handovers.all(), put_off),
        }
    context |= {
        "unanswered": unanswered,
        "says": says,
        "changed": _changed(was, contact.recommendation),
    }
    context["errors"] = errors_of(form) if form is not None and not says else []
    answer = render(
        request, "front_door/contacts/decide.html", context, status=status or status_of(context["errors"])
    )  # fmt: skip
    return without_hidden_addresses(answer, [contact])


def _unanswered(contact: Contact) -> list[PartnerCheck]:
    return [check for check in contact.partner_checks.all() if check.status == PartnerCheckStatus.ASKED]


def _history(
    contact: Contact, people: HouseholdToRead, user: User, now: datetime, *along: QuerySet[Any, Any]
) -> dict[str, Any]:
    """
    What the user may see of the household's history, the newest first, with the possible matches that wait for
    somebody; and whose restricted records there are.

    :param along: what is read with it.
    """
    of_matches, shut, *of_household = read_together(
        sameness.ask_matches(contact), restricted.ask_closed(user, now), *people.calls, *along
    )
    people.hand_over(*of_household)
    others = people.contacts().exclude(pk=contact.pk).select_related("agency", "decision_in_effect")
    before: Any = others.open_to(user, now).annotate(counts=is_earlier_than(contact)).defer("document")
    earlier, cases = (
        before.order_by("-received_at"),
        people.cases().open_to(user, now).order_by("-opened_at")[:MOST_SHOWN],
    )
    read_together(earlier, cases)
    matches = sameness.open_matches(contact, of_matches)
    closed_people, closed = restricted.closed_people_and_matches(people.people, matches, user, now, shut)
    assert contact.recommendation is not None
    return {
        "earlier": earlier[:MOST_SHOWN],
        "more": max(0, len(earlier) - MOST_SHOWN),
        "cases": cases,
        "matches": [match for match in matches if match.pk not in closed],
        "closed": list(dict.fromkeys([*closed_people.values(), *closed.values()])),
        # As the action asks it.
        "has_history": has_history(contact.recommendation.facts) or any(each.counts for each in earlier),
    }


def _changed(was: Recommendation | None, now: Recommendation | None) -> dict[str, Any]:
    """What the rules recommended when the decider read the page, and the reasons that are new and that are gone."""
    if was is None or now is None or was.pk == now.pk:
        return {}
    before, after = ([reason["says"] for reason in each.result["reasons"]] for each in (was, now))
    return {
        "was": was,
        "new": [says for says in after if says not in before],
        "gone": [says for says in before if says not in after],
    }


# ---- the second person


def _sign_off_form(request: HttpRequest, reference: str, now: datetime, form: SignOffForm) -> HttpResponse:
    user = user_of(request)
    shown: list[Decision] = []

    def may_sign_off(contact: Contact) -> None:
        conditions.check_waits_for_sign_off(contact)
        shown.extend([*contact.decisions.all()][-1:])
        permissions.check_can_sign_off(contact, shown[0], user, local_day(now))

    contact = viewing.view_for_decision(reference=reference, check=may_sign_off, by=user, now=now)
    (decision,) = shown
    assert contact.recommendation is not None
    people, recommended = household_to_read(contact), contact.recommendation
    pathways = rules_of(contact).pathways
    rows = [
        ("What happens next", pathways[decision.pathway].called, pathways[recommended.pathway].called),
        ("Level of need", f"Level {decision.level}", f"Level {recommended.level}"),
        ("Rating", decision.get_rag_display(), recommended.get_rag_display()),
    ]
    learned = contact.information.prefetch_related("changes").select_related("by_user", "by_agency")
    context = (
        _about(contact)
        | told_of(contact, learned)
        | _history(contact, people, user, now)
        | {
            "decision": decision,
            "rows": [(label, said, rules, said == rules) for label, said, rules in rows],
            "overtaken": decision.recommendation_id != contact.recommendation_id,
            "ends": endings.of_agreeing(contact.partner_checks.all(), decision.answers_follow),
            "form": form,
            "errors": errors_of(form),
        }
    )
    answer = render(request, "front_door/contacts/sign_off.html", context, status=status_of(context["errors"]))
    return without_hidden_addresses(answer, [contact])


# ---- what all these pages say


def _about(contact: Contact) -> dict[str, Any]:
    """The contact, its family and what the rules recommend."""
    return {
        "contact": contact,
        "family": contact.family,
        "children": [(child, None) for child in contact.children.all()],
        "recommendation": contact.recommendation,
        "result": contact.recommendation.result if contact.recommendation else {},
    }


def _next_contact(contact: Contact, user: User, now: datetime) -> tuple[Contact, str] | None:
    """The most urgent contact of the front door that awaits a decision, and the names of its children."""
    others = front_door.of_tab(front_door.TO_TRIAGE, user, now).exclude(pk=contact.pk)
    one = others.select_related("recommendation").defer("document").first()
    if one is None:
        return None
    children = list(one.children.select_related("person").filter(in_family=True))
    name_rows(children, user, now)
    names = ", ".join(map(with_age, children))
    hidden = hidden_where_said({one.pk: names}).get(one.pk)
    return one, masked_text(hidden, names) if hidden else names
