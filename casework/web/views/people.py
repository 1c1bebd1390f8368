"""A person's page: who they are, where and with whom they live, and one chronology of the household."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from casework.access import permissions, restricted
from casework.access.loading import people_visible_to
from casework.actions import people, protecting, viewing
from casework.families import sameness
from casework.families.confidentiality import ask_hidden
from casework.families.household import household_around
from casework.families.naming import Called, seen_by
from casework.models import AddressProtection, Contact, DetailKind, Person, PersonDetail, PersonMatch, StatusChange
from casework.models.prepared import Rows, send
from casework.reading.chronology import Chronology
from casework.reading.likenesses import by_match, said_of
from casework.reading.people import Known, known_of
from casework.web.forms import ActionForm
from casework.web.hiding import says_after_lifting, without_hidden_addresses
from casework.web.person_forms import ONE_DAY, DetailForm, EndForm, InErrorForm, LiftPersonForm, ProtectPersonForm
from casework.web.signed_in import by_post, user_of
from casework.web.submitting import Done, errors_of, status_of, submit
from casework.web.timeline import timeline
from localities.models import OVERSEEING_ROLES, User
from localities.roles import roles_of
from localities.working_time import local_day


@require_safe
def show(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows the person. Another record of the same person leads to the one that stands for them."""
    return _page(request, reference, timezone.now())


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, reference: str, kind: str) -> HttpResponse:
    """Asks what somebody said about the person, and records it."""
    user, now = user_of(request), timezone.now()
    person = _fetch(user, reference, now)
    permissions.check_can_record_people(user, local_day(now))
    try:
        what = DetailKind(kind.replace("-", "_"))
    except ValueError:
        raise Http404 from None
    form = DetailForm(what, request.POST if request.method == "POST" else None)

    def page() -> HttpResponse:
        errors = errors_of(form)
        called = seen_by(user, now, [person.pk])[person.pk]
        context = {"person": called, "form": form, "kind": what, "errors": errors}
        answer = render(request, "front_door/people/add.html", context, status=status_of(errors))
        return (
            answer
            if form.is_bound
            else without_hidden_addresses(answer, Contact.objects.with_people([person.pk]).only("pk"))
        )

    if request.method != "POST":
        return page()
    return submit(
        request, form, lambda _: people.add_detail(person_id=person.pk, said=form.said(), by=user, now=now),
        says="Saved.", then=reverse("person", args=[person.reference]), again=page,
    )  # fmt: skip


@by_post(or_show="person")
def end(request: HttpRequest, reference: str, detail_id: int) -> HttpResponse:
    """Records that something is no longer so."""
    user, now = user_of(request), timezone.now()
    person = _fetch(user, reference, now)
    form = EndForm(request.POST, prefix=f"end{detail_id}")
    try:
        return _submit(
            request, person, now, f"end{detail_id}", form,
            lambda said: people.end_detail(
                person_id=person.pk, detail_id=detail_id, reason=said["reason"], until=form.until(), by=user, now=now
            ),
            says="Saved. It stays on record as former, and the person is still found by it.",
        )  # fmt: skip
    except PersonDetail.DoesNotExist:
        raise Http404 from None


@by_post(or_show="person")
def in_error(request: HttpRequest, reference: str, detail_id: int) -> HttpResponse:
    """Records that something was recorded in error."""
    user, now = user_of(request), timezone.now()
    person = _fetch(user, reference, now)
    name = f"error{detail_id}"
    try:
        return _submit(
            request, person, now, name, InErrorForm(request.POST, prefix=name),
            lambda said: people.say_in_error(
                person_id=person.pk, detail_id=detail_id, reason=said["reason"], by=user, now=now
            ),
            says="Saved. It stays in the history, and nobody is found or matched by it.",
        )  # fmt: skip
    except PersonDetail.DoesNotExist:
        raise Http404 from None


@by_post(or_show="person")
def protect(request: HttpRequest, reference: str) -> HttpResponse:
    """Makes the person's address confidential."""
    user, now = user_of(request), timezone.now()
    person = _fetch(user, reference, now)
    return _submit(
        request, person, now, "protect", ProtectPersonForm(request.POST, prefix="protect"),
        lambda said: protecting.protect(person_id=person.pk, reason=said["reason"], by=user, now=now),
        says="The address is confidential now, on every contact.",
    )  # fmt: skip


@by_post(or_show="person")
def lift(request: HttpRequest, reference: str) -> HttpResponse:
    """Says that the person's hidden address is safe to show."""
    user, now = user_of(request), timezone.now()
    person = _fetch(user, reference, now)
    return _submit(
        request, person, now, "lift", LiftPersonForm(request.POST, prefix="lift"),
        lambda said: protecting.lift(person_id=person.pk, reason=said["reason"], by=user, now=now),
        says=says_after_lifting,
    )  # fmt: skip


# ---- what the page is made of


def _fetch(user: User, reference: str, now: datetime) -> Person:
    """The person, for an action: they are not shown, so this is not audited."""
    person = people_visible_to(user, now).filter(reference=reference).first()
    if person is None:
        raise Http404
    return person


def _submit(
    request: HttpRequest,
    person: Person,
    now: datetime,
    name: str,
    form: ActionForm,
    action: Callable[[dict[str, Any]], Done],
    *,
    says: str | Callable[[Done], str],
) -> HttpResponse:
    return submit(
        request, form, action, says=says, then=reverse("person", args=[person.reference]),
        again=lambda: _page(request, person.reference, now, **{name: form}),
    )  # fmt: skip


def _page(request: HttpRequest, reference: str, now: datetime, **shown: ActionForm) -> HttpResponse:
    """The person's page, with the form in `shown` that had faults. Viewing it is audited."""
    user, day = user_of(request), local_day(now)
    try:
        person = viewing.view_person(reference=reference, by=user, now=now)
    except Person.DoesNotExist:
        raise Http404 from None
    if person.reference != reference:
        return redirect("person", person.reference)
    family = household_around(person)
    of_records, shut, *of_family = send(
        sameness.ask_records(person.pk), restricted.ask_closed(user, now), *family.calls
    )
    family.hand_over(*of_family)
    records = frozenset(pk for (pk,) in of_records)
    protections = AddressProtection.objects.filter(person__in=records).select_related("said_by", "lifted_by")
    protections = protections.order_by("since", "pk")
    known = known_of(person, user, now, records, protections)
    not_of_family = [contact.pk for contact in known.not_of_family]
    chronology = Chronology(family, user, now, not_of_family=not_of_family)
    may_record = permissions.allows(permissions.check_can_record_people, user, day)
    may_protect = not person.address_is_protected and permissions.allows(permissions.check_can_protect, user, day)
    may_lift = known.hides and permissions.allows(permissions.check_can_lift_protection, user, day)
    said = said_of(records)
    matches = _matches(records, user, now, shut, said)
    said_of_match = by_match(said) if matches else {}
    context: dict[str, Any] = {
        "person": person,
        "known": known,
        "not_of_family": not_of_family,
        "details": _details(known, shown if may_record else {}, may_record=may_record),
        "matches": [(*each, said_of_match[each[0].pk]) for each in matches],
        "may_be": [*seen_by(user, now, family.may_be).values()] if family.may_be else [],
        "protections": _protections(protections),
        "to_add": list(DetailKind) if may_record else [],
        "protect": shown.get("protect") or (may_protect and ProtectPersonForm(prefix="protect")),
        "lift": shown.get("lift") or (may_lift and LiftPersonForm(prefix="lift")),
        "errors": errors_of(*shown.values()),
    }
    told_of = [*known.contacts, *chronology.contacts]
    lines, hidden = timeline(request, chronology, ask_hidden(contact.pk for contact in told_of))
    context |= lines
    answer = render(request, "front_door/people/show.html", context, status=status_of(context["errors"]))
    return without_hidden_addresses(answer, told_of, hidden)


def _protections(protections: Iterable[AddressProtection]) -> list[list[AddressProtection]]:
    """
    Who made the address confidential, the first before the others. What several contacts said, each of another record
    of the person perhaps, stands in one line, as long as it was lifted with one word.
    """
    found: dict[object, list[AddressProtection]] = defaultdict(list)
    for each in protections:
        by_a_contact = each.contact_id is not None
        found[(each.lifted_at, each.lifted_because) if by_a_contact else each.pk].append(each)
    return list(found.values())


def _matches(
    records: Collection[int], user: User, now: datetime, shut: Rows, said: QuerySet[StatusChange]
) -> list[tuple[PersonMatch, str, str, Person]]:
    """
    Who else the person may be, for those who may compare the records: each match, with the names of this person and of
    the other, and the other's record.

    :param shut: what `restricted.ask_closed` found.
    :param said: what was said about these matches, which is read with them.
    """
    who = roles_of(user, local_day(now))
    if not (who.front_door_roles or who.has(*OVERSEEING_ROLES)):
        return []
    found = sameness.matches_of(records, said)
    closed = restricted.closed_people_and_matches((), found, user, now, shut)[1]
    return [
        (match, match.name, match.known_name, match.person)
        if match.record_id in records
        else (match, match.known_name, match.name, match.record)
        for match in found
        if match.pk not in closed
    ]


def _details(
    known: Known, shown: dict[str, ActionForm], *, may_record: bool
) -> list[tuple[str, list[tuple[PersonDetail, Called | None, ActionForm | None, ActionForm | None]]]]:
    """
    What staff recorded, by kind, each with the other person of a relationship, and with the forms to say that it is no
    longer so, or was recorded in error, if the reader may.
    """
    order = list(DetailKind)
    details = sorted(known.details, key=lambda detail: order.index(_heading(detail)))

    def forms(detail: PersonDetail) -> tuple[ActionForm | None, ActionForm | None]:
        if not may_record or detail.in_error_at is not None:
            return None, None
        end, error = f"end{detail.pk}", f"error{detail.pk}"
        ends = detail.ended_at is None and detail.to_date is None and detail.kind not in ONE_DAY
        return (
            (shown.get(end) or EndForm(prefix=end)) if ends else None,
            shown.get(error) or InErrorForm(prefix=error),
        )

    def other(detail: PersonDetail) -> Called | None:
        return known.others[detail.other.same_as_id or detail.other.pk] if detail.other else None

    return [
        (heading.label, [(detail, other(detail), *forms(detail)) for detail in group])
        for heading, group in groupby(details, key=_heading)
    ]


def _heading(detail: PersonDetail) -> DetailKind:
    """The heading for a detail. A current name that has ended is a former name."""
    kind = DetailKind(detail.kind)
    is_over = detail.ended_at is not None or detail.to_date is not None
    return DetailKind.FORMER_NAME if kind == DetailKind.CURRENT_NAME and is_over else kind
