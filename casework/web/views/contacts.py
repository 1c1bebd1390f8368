"""The pages of a contact: viewing and deciding, what staff find out, and what they tell the referrer."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, cast

from django.db.models import Q, QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.access import conditions, permissions, restricted
from casework.access.restricted import Closed
from casework.actions import (
    decisions,
    learning,
    referrers,
    viewing,
)
from casework.deadlines.clocks import DECISION_CLOCKS
from casework.facts.resends import SAME_REFERENCE
from casework.families import sameness
from casework.families.confidentiality import ask_hidden
from casework.families.household import Household, household_to_read
from casework.families.recorded import lives_hidden, living_hidden
from casework.models import (
    Case,
    Clock,
    ClockChange,
    Contact,
    ContactHandover,
    Decision,
    PartnerCheck,
    PartnerReply,
    PersonMatch,
    RequestState,
    Responsibility,
    SenderRequest,
    StatusChange,
    listed_files,
)
from casework.models.indexes import is_among
from casework.models.prepared import Call, Rows
from casework.models.together import read_parts, share_out
from casework.reading.cautions import cautions_in, recorded_of
from casework.reading.chronology import Chronology
from casework.reading.likenesses import by_family, joined_elsewhere, two_of_each, why_alike
from casework.reading.notes import NotesOf
from casework.statuses import CaseStatus, ContactStatus, MatchStatus, PartnerCheckStatus
from casework.web.agreement_form import AgreementForm
from casework.web.clock_forms import clock_forms
from casework.web.forms import (
    ActionForm,
    AnswerSenderForm,
    AskPartnerForm,
    AssignForm,
    ContactHandoverForm,
    LiftForm,
    OwnRecordsForm,
    PartnerAnswerForm,
    PartnerWithdrawForm,
    ProtectForm,
    TellPartnerForm,
    UndoMatchForm,
    people_to_lift,
    people_to_protect,
)
from casework.web.hiding import without_hidden_addresses
from casework.web.match_groups import Entry, Group
from casework.web.notes_section import notes_context
from casework.web.screening_form import ScreeningForm
from casework.web.signed_in import by_post, user_of
from casework.web.story import story_of
from casework.web.submitting import Done, errors_of, status_of, submit
from casework.web.timeline import timeline
from errors import NotPermitted
from localities.models import OVERSEEING_ROLES, User
from localities.reference import Reference, from_rows, reading_versions
from localities.roles import StaffRoles, roles_of
from localities.working_time import local_day
from triage.published_rules import of_version
from triage.ruleset import RuleSet


@require_safe
def show(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows the contact with its recommendation, its reasons, its history and the actions."""
    return page(request, reference, timezone.now())


@by_post(or_show="contact")
def agreement(request: HttpRequest, reference: str) -> HttpResponse:
    """Records what the family says to a voluntary service."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    form = AgreementForm(contact, request.POST)
    return submit_on_page(
        request, contact, now, "agreement", form,
        lambda said: learning.record_agreement(
            contact_id=contact.pk, service=said["service"], given_by=said["given_by"], on=form.day(), by=user, now=now
        ),
        says="The family's answer is saved. The recommendation has been updated.",
    )  # fmt: skip


@by_post(or_show="contact")
def checks(request: HttpRequest, reference: str) -> HttpResponse:
    """Records what the council's own records say."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    prefetch_related_objects([contact], "children__person")
    form = OwnRecordsForm(contact, request.POST)
    return submit_on_page(
        request, contact, now, "checks", form,
        lambda said: learning.record_own_records(
            contact_id=contact.pk,
            recommendation_id=said["recommendation"] or 0,
            sibling_on_cp_plan=form.sibling(),
            children=form.of_children(),
            by=user,
            now=now,
        ),
        says="What our records show is saved. The recommendation has been updated.",
    )  # fmt: skip


@by_post(or_show="contact")
def acknowledge(request: HttpRequest, reference: str) -> HttpResponse:
    """Records that the referrer was told that we have the contact."""
    user, now = user_of(request), timezone.now()
    referrers.acknowledge(contact_id=fetch(user, reference, now).pk, by=user, now=now)
    return redirect("contact", reference)


@by_post(or_show="contact")
def confirm_in_writing(request: HttpRequest, reference: str) -> HttpResponse:
    """Records that the referrer confirmed a telephone contact in writing."""
    user, now = user_of(request), timezone.now()
    referrers.confirm_in_writing(contact_id=fetch(user, reference, now).pk, by=user, now=now)
    return redirect("contact", reference)


@by_post(or_show="contact")
def give_feedback(request: HttpRequest, reference: str) -> HttpResponse:
    """Records that the referrer was told what was decided."""
    user, now = user_of(request), timezone.now()
    referrers.give_feedback(contact_id=fetch(user, reference, now).pk, by=user, now=now)
    return redirect("contact", reference)


# ---- what the page is made of


def fetch(user: User, reference: str, now: datetime) -> Contact:
    """The contact, for an action: it is not shown, so this is not audited."""
    visible = Contact.objects.visible_to(user, now).select_related("recommendation")
    return get_object_or_404(visible, reference=reference)


def declined_decision(contact: Contact) -> Decision | None:
    """The last decision, where the second person declined it and nobody has decided again."""
    last = next(reversed(contact.decisions.all()), None)
    return last if last is not None and contact.status == ContactStatus.RECEIVED else None


def submit_on_page(
    request: HttpRequest,
    contact: Contact,
    now: datetime,
    name: str,
    form: ActionForm,
    action: Callable[[dict[str, Any]], Done],
    *,
    says: str | Callable[[Done], str],
) -> HttpResponse:
    """Submits a form of the contact's page, which is shown again in any case. `name` is the form's name on the page."""
    return submit(
        request, form, action, says=says, then=reverse("contact", args=[contact.reference]),
        again=lambda: page(request, contact.reference, now, **{name: form}),
    )  # fmt: skip


def rules_of(contact: Contact) -> RuleSet:
    """The rules that made the contact's recommendation."""
    assert contact.recommendation is not None
    return of_version(contact.recommendation.rule_set_id).rule_set


def page(request: HttpRequest, reference: str, now: datetime, **shown: Any) -> HttpResponse:
    """The contact's page, with the forms in `shown` that had faults. Viewing it is audited."""
    user, day = user_of(request), local_day(now)
    contact = viewing.view_contact(reference=reference, by=user, now=now)
    who = roles_of(user, day)
    works_on_it = bool(who.front_door_roles)
    in_work = contact.case is not None and contact.case.status == CaseStatus.OPEN
    on_it = {child.person_id for child in contact.children.all()}
    on_it |= {adult.person_id for adult in contact.adults.all()}
    sees_household = works_on_it or who.has(*OVERSEEING_ROLES)
    recorded, restrictions = recorded_of([contact]), restricted.shown_with(on_it, user, now)
    clocks, changes = _clocks_of(contact)
    finds_out = works_on_it and contact.status == ContactStatus.RECEIVED
    people, versions = household_to_read(contact), reading_versions()
    sent: QuerySet[Contact] = Contact.objects.none()
    notes = NotesOf(contact, user, now, request.GET.get("notes", ""))
    asked: list[Call | QuerySet[Any, Any]] = []
    if sees_household:
        sent = _sent_with(contact, user, now)
        asked = [sameness.ask_matches(contact), restricted.ask_closed(user, now), *people.calls]
    if finds_out:
        asked += [people.reading_own_cases, versions]
    responsible = Responsibility.objects.filter(case=contact.case).select_related("team").order_by("period")
    openable = Case.objects.visible_to(user, now).filter(contacts=contact)
    if contact.case is not None:
        asked += [responsible, openable]
    answers = StatusChange.objects.filter(partner_check__contact=contact)
    replies = PartnerReply.objects.filter(partner_check__contact=contact).select_related("by_user")
    found = read_parts(
        contact, recorded, restrictions, clocks, changes, sent, answers, replies, *notes.queries, *asked,
        handovers=contact.handovers.select_related("from_team", "to_team", "passed_by", "taken_on_by"),
        sender_requests=contact.sender_requests.select_related("answered_by"),
        partner_checks=contact.partner_checks.select_related("agency", "asked_by", "ended_by"),
        decisions=contact.decisions.select_related("decided_by", "sign_off__by", "chosen_team", "chosen_case"),
    )  # fmt: skip
    share_out(contact.partner_checks.all(), status_changes=answers, replies=replies)
    context: dict[str, Any] = story_of(contact, cautions_in(recorded)) | {
        "now": now,
        "result": contact.recommendation.result if contact.recommendation else {},
        "handovers": list(contact.handovers.all()),
        "partner_checks": _partner_checks(contact, shown),
        "asked_of_us": _asked_of_us(contact, user, now, shown),
        # A partner may answer while a second person is awaited, and after a decision that did not wait for it.
        "can_record_partner_answers": works_on_it,
        "decisions": list(contact.decisions.all()),
        "declined": declined_decision(contact),
        "works_on_it": works_on_it,
        "may_correct": works_on_it and (in_work or contact.status != ContactStatus.DECIDED),
        "restrictions": list(restrictions),
        "clocks": list(clocks),
        "clock_changes": list(changes),
        "files": listed_files(cast("Any", contact).listed_files),
        "restricts": permissions.allows(permissions.check_can_restrict, user, day),
    }
    waits = contact if contact.status != ContactStatus.DECIDED else None
    context |= clock_forms(context["clocks"], waits, contact.team_id, user, now, shown)
    told_of: list[Contact] = [contact]
    hidden_homes: Rows | None = None
    running = [clock for clock in context["clocks"] if clock.stopped_at is None and clock.paused_at is None]
    context["next_decision"] = min(
        (clock for clock in running if clock.kind in DECISION_CLOCKS), key=lambda clock: clock.due_at, default=None
    )
    context["hides_a_home"] = context["hides"] or any(lives_hidden(adult) for adult, _ in context["adults"])
    context["risk_to_staff"] = any(facts.get("risk_to_staff") for _, facts in context["adults"])
    context |= _handing_over(contact, who, shown, context["handovers"])
    if contact.case is not None:
        responsibility = next(reversed(list(responsible)), None)
        context["case_team"] = responsibility.team if responsibility else None
        context["may_correct"] |= in_work and responsibility is not None and responsibility.team_id in who.team_ids
        context["opens_case"] = bool(openable)
    context |= notes_context(notes, contact, [contact], context.get("case_team"), user, now)
    if sees_household:
        of_matches, shut, *of_household = found
        people.hand_over(*of_household)
        matches = sameness.matches_on(contact, of_matches)
        hidden = living_hidden(two_of_each(matches)) if matches else frozenset[int]()
        why = why_alike(matches, hidden)
        closed_people, closed = restricted.closed_people_and_matches(people.people, matches, user, now, shut)
        chronology = Chronology(
            people, user, now, but_not=contact.pk, children=[child.person_id for child in contact.family]
        )  # fmt: skip
        told_of += chronology.contacts
        lines, hidden_homes = timeline(request, chronology, ask_hidden(told.pk for told in told_of))
        context |= lines | {
            "open_with": chronology.open_with,
            "repeats": next((each for each in sent if each.pk == contact.resend_of_id), None),
            "resends": [each for each in sent if each.resend_of_id == contact.pk],
            "same_reference": [each for each in sent if each.resend_of_id is None and each.pk != contact.resend_of_id],
        }
        # Whoever may not open the one record of an adopted child is not told that the other may be about the same.
        likely = [
            match for match in sameness.waiting(matches) if match.pk not in closed or not match.is_of_two_identities
        ]
        context["closed"] = list(
            dict.fromkeys([*closed_people.values(), *(closed[match.pk] for match in likely if match.pk in closed)])
        )
        context["matches"] = likely
        context["match_groups"] = _match_groups(likely, why, closed, shown, user, now)
        if works_on_it:
            context["settled_matches"] = _settled(matches, why, closed, shown)
            context["joined_elsewhere"] = _joined_elsewhere(contact, user, now)
        if finds_out:
            context |= _find_out(contact, people, from_rows(versions), now, shown) | _deciding(contact, user, now)
    if works_on_it and contact.status != ContactStatus.DECIDED:
        context["assign"] = shown.get("assign") or AssignForm(contact, now)
    if contact.status == ContactStatus.SIGN_OFF:
        waiting = context["decisions"][-1]
        context["overtaken"] = waiting.recommendation_id != contact.recommendation_id
        if permissions.allows(permissions.check_can_sign_off, contact, waiting, user, day):
            context["signs_off"] = True
    context |= _protecting(contact, user, day, shown)
    context["errors"] = errors_of(*shown.values())
    answer = render(request, "front_door/contacts/show.html", context, status=status_of(context["errors"]))
    return without_hidden_addresses(answer, told_of, hidden_homes)


def _clocks_of(contact: Contact) -> tuple[QuerySet[Clock], QuerySet[ClockChange]]:
    """The clocks of the contact and of its requests to partners, and their changes."""
    # By the checks' ids, found first: for a condition on their table, PostgreSQL would read every clock.
    of_checks = is_among(contact.partner_checks.order_by().values("pk"), "partner_check")
    clocks = (
        Clock.objects.filter(Q(contact=contact) | Q(of_checks))
        .select_related("policy", "partner_check__agency")
        .order_by("stopped_at", "due_at")
    )
    changes = ClockChange.objects.filter(clock__contact=contact).select_related("clock", "by").order_by("pk")
    return clocks, changes


def _protecting(contact: Contact, user: User, day: date, shown: dict[str, Any]) -> dict[str, Any]:
    """The forms to make an address confidential, and to lift that, for those who may."""
    may_protect = permissions.allows(permissions.check_can_protect, user, day)
    may_lift = permissions.allows(permissions.check_can_lift_protection, user, day)
    to_protect, to_lift = people_to_protect(contact), people_to_lift(contact)
    return {
        "protect": shown.get("protect") or (may_protect and to_protect and ProtectForm(to_protect)),
        "lift": shown.get("lift") or (may_lift and to_lift and LiftForm(to_lift)),
    }


def _asked_of_us(contact: Contact, user: User, now: datetime, shown: dict[str, Any]) -> list[tuple[SenderRequest, Any]]:
    """What the sender asks, each with the form for the answer, if the user may give it."""
    may, day = permissions.check_can_answer_sender, local_day(now)
    return [
        (
            asked,
            shown.get(f"sender{asked.pk}")
            or (
                AnswerSenderForm(prefix=f"sender{asked.pk}")
                if asked.state == RequestState.OPEN and permissions.allows(may, contact, asked.step, user, day)
                else None
            ),
        )
        for asked in contact.sender_requests.all()
    ]


def _partner_checks(contact: Contact, shown: dict[str, Any]) -> list[tuple[PartnerCheck, Any, Any, Any]]:
    """The requests to partners, each with the forms for its answer, its withdrawal and what it is told."""
    for check in contact.partner_checks.all():
        shown_check: Any = check
        shown_check.named = [child.called for child in contact.children.all() if child.pk in check.child_ids]
    return [
        (
            check,
            shown.get(f"answer{check.pk}") or PartnerAnswerForm(prefix=f"answer{check.pk}"),
            shown.get(f"withdraw{check.pk}") or PartnerWithdrawForm(prefix=f"withdraw{check.pk}"),
            shown.get(f"tell{check.pk}") or TellPartnerForm(prefix=f"tell{check.pk}"),
        )
        for check in contact.partner_checks.all()
    ]


def _handing_over(
    contact: Contact, who: StaffRoles, shown: dict[str, Any], handovers: list[ContactHandover]
) -> dict[str, Any]:
    """Whether the person can take the contact on, or pass it to the other team."""
    to_take_on = any(handover.is_open for handover in handovers)
    ours = contact.team_id in who.team_ids and contact.status == ContactStatus.RECEIVED
    handover = None if to_take_on or not ours else shown.get("handover") or ContactHandoverForm(prefix="handover")
    return {"takes_on": ours and to_take_on, "to_take_on": to_take_on, "handover": handover}


def _settled(
    matches: list[PersonMatch], why: Mapping[int, list[str]], closed: Mapping[int, Closed], shown: dict[str, Any]
) -> list[tuple[PersonMatch, list[str], UndoMatchForm]]:
    """What was said about possible matches, or was certain, each with why they are alike and the form to undo it."""
    return [
        (match, why[match.pk], shown.get(f"undo{match.pk}") or UndoMatchForm(prefix=f"undo{match.pk}"))
        for match in matches
        if match.status != MatchStatus.PROPOSED and match.pk not in closed
    ]


def _joined_elsewhere(contact: Contact, user: User, now: datetime) -> list[PersonMatch]:
    """The other contacts that show who the people on this one are, as far as the reader may open them."""
    matches = joined_elsewhere([*contact.children.all(), *contact.adults.all()])
    closed = restricted.closed_matches(matches, user, now)
    seen = set()
    if matches:
        contacts = Contact.objects.visible_to(user, now).filter(pk__in=[match.row.contact_id for match in matches])
        seen = set(contacts.values_list("pk", flat=True))
    return [match for match in matches if match.pk not in closed and match.row.contact_id in seen]


def _match_groups(
    likely: list[PersonMatch],
    why: Mapping[int, list[str]],
    closed: Mapping[int, Closed],
    shown: dict[str, Any],
    user: User,
    now: datetime,
) -> list[Group]:
    """The possible matches that wait for somebody, those with one other family together."""
    counts = sameness.careful(likely)
    families = by_family([match for match in likely if match.pk not in closed], user, now)
    families += [[match] for match in likely if match.pk in closed]
    return [
        Group(
            [
                Entry(match, closed.get(match.pk), match in counts, why[match.pk], shown.get(f"apart{match.pk}"))
                for match in family
            ]
        )
        for family in families
    ]


def _sent_with(contact: Contact, user: User, now: datetime) -> QuerySet[Contact]:
    """
    The contact that this one repeats, those that repeat it, and those about the same children that the sender sent
    under the same reference and that say otherwise.
    """
    found = Contact.objects.filter(resend_of=contact).order_by().values("pk")
    if contact.resend_of_id is not None:
        found = found.union(Contact.objects.filter(pk=contact.resend_of_id).order_by().values("pk"))
    if contact.agency_reference and contact.agency_id is not None:
        period = (contact.received_at - SAME_REFERENCE, contact.received_at + SAME_REFERENCE)
        others = Contact.objects.filter(
            agency=contact.agency_id, agency_reference=contact.agency_reference, received_at__range=period,
            resend_of__isnull=True, children__person__in=[child.person_id for child in contact.children.all()],
        )  # fmt: skip
        found = found.union(others.exclude(pk__in=[contact.pk, contact.resend_of_id or contact.pk]).values("pk"))
    return Contact.objects.open_to(user, now).filter(is_among(found, "pk")).order_by("pk")


def _find_out(
    contact: Contact, people: Household, known: Reference, now: datetime, shown: dict[str, Any]
) -> dict[str, Any]:
    """
    Before the decision: the team that the route finds, and the forms to find out more. Nobody knows the pathway, and so
    the team, before the contact is screened.
    """
    assert contact.recommendation is not None
    screened = not conditions.waits_for_screening(contact)
    asked = [check.agency_id for check in contact.partner_checks.all() if check.status == PartnerCheckStatus.ASKED]
    return {
        "route": decisions.preview(contact, contact.recommendation.pathway, people, known, now=now)
        if screened
        else None,
        "agreement": shown.get("agreement") or AgreementForm(contact),
        "checks": shown.get("checks") or OwnRecordsForm(contact),
        "ask": shown.get("ask") or AskPartnerForm(children=contact.children.all(), but_not=asked),
    }


def _deciding(contact: Contact, user: User, now: datetime) -> dict[str, Any]:
    """Whether this user may decide; for others, who decides. Before it, screening."""
    if conditions.waits_for_screening(contact):
        return {"screening": ScreeningForm(contact, rules_of(contact))}
    try:
        decisions.check_can_decide(contact, by=user, now=now)
    except NotPermitted as refused:
        return {"who_decides": str(refused)}
    return {"decides": True}
