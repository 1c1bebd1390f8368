"""Pages of what is learned about a contact: a form for each group of facts, and the history of every fact."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from casework.access import conditions, permissions
from casework.actions import corrections, viewing
from casework.actions.corrections import Learned
from casework.facts.information import facts_today, is_of
from casework.families.recorded import LIVES_HIDDEN
from casework.models import Case, Contact, ContactAdult, ContactChild
from casework.record import responsibilities
from casework.statuses import CaseStatus
from casework.web.changes import Changes
from casework.web.correction_form import (
    GROUPS,
    AdultCorrection,
    ChildCorrection,
    ContactCorrection,
    Correcting,
    hidden_facts,
)
from casework.web.forms import is_id
from casework.web.hiding import hidden_addresses, without_hidden_addresses
from casework.web.signed_in import user_of
from casework.web.submitting import CONFLICT, errors_of, status_of, submit
from casework.web.typed import STOOD
from casework.web.unfinished import data_of, opened
from casework.web.views.contacts import fetch, rules_of
from errors import TakenBySomeoneElse
from localities.models import User
from localities.working_time import local_day

OF_ROWS = ("child__person", "adult__person", "adult__recorded_as")
NEW_PEOPLE = {"new-child": "Add a child", "new-adult": "Add an adult"}


@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: HttpRequest, reference: str, group: str, pk: int | None = None) -> HttpResponse:
    """Adds or corrects the facts of one group: of the contact itself, of a child or an adult, or of somebody new."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    _check_may_correct(contact, user, now)
    row = _row(contact, group, pk)
    form = _form(contact, group, row, request.POST if request.method == "POST" else None)

    def page() -> HttpResponse:
        seen = viewing.view_contact(reference=reference, by=user, now=now)
        errors, shown = errors_of(form), form
        if not form.is_bound and (kept := opened(request, seen, request.path).kept) is not None:
            shown = _as_it_was_left(seen, group, row, data_of(kept))
        context = {"contact": seen, "form": shown, "title": _title(group, row), "errors": errors}
        answer = render(request, "front_door/contacts/correct.html", context, status=status_of(errors))
        # The user's own input is shown as it was typed: it holds nothing that was hidden.
        return answer if form.is_bound else without_hidden_addresses(answer, [seen])

    def overtaken() -> HttpResponse:
        seen = viewing.view_contact(reference=reference, by=user, now=now)
        changes = Changes(seen, seen.information.all(), list(seen.children.all()), list(seen.adults.all()))
        context = {
            "contact": seen,
            "form": _with_what_was_typed(seen, group, row, request.POST, _seen(form)),
            "title": _title(group, row),
            "overtaken": True,
            "meanwhile": changes.shown(each for each in changes.of_facts if each[2].pk > _seen(form)),
        }
        answer = render(request, "front_door/contacts/correct.html", context, status=CONFLICT)
        return without_hidden_addresses(answer, [seen])

    if request.method != "POST":
        return page()

    def says(done: Learned) -> str:
        unread = " Some details could not be read as they were typed: look under “To check”." if done.to_check else ""
        return f"Saved.{_of_the_rules(done, contact)}{_of_the_family(done, contact)}{unread}"

    try:
        return submit(
            request, form,
            lambda said: corrections.learn(
                contact_id=contact.pk, document=_document(form, group, row), by=user, now=now, seen=said["seen"] or 0
            ),
            says=says, then=reverse("contact", args=[reference]), again=page,
        )  # fmt: skip
    except TakenBySomeoneElse:
        return overtaken()


@require_safe
def history(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows every fact that was added or corrected: who said what and when, the newest first."""
    user, now = user_of(request), timezone.now()
    contact = viewing.view_contact(reference=reference, by=user, now=now)
    children, adults = list(contact.children.all()), list(contact.adults.all())
    changes = Changes(contact, contact.information.all(), children, adults)
    whose = request.GET.get("child", "")
    chosen = next((child for child in children if str(child.pk) == whose), None)
    context = {"contact": contact, "children": children, "chosen": chosen, "changes": changes.history(chosen)}
    return without_hidden_addresses(render(request, "front_door/contacts/history.html", context), [contact])


def _of_the_rules(done: Learned, before: Contact) -> str:
    """
    Sentences on what the rules make of it: another rating, another team, and whether a child is in danger now.

    :param before: the contact as it was read before the correction.
    """
    contact = done.information.contact
    says = []
    if contact.rag != before.rag:
        says.append(f"The rating is now {contact.get_rag_display()} (it was {before.get_rag_display()}).")
    elif done.changes_recommendation:
        says.append("The recommendation has been updated.")
    else:
        says.append("The recommendation stays as it is.")
    if contact.team_id != before.team_id:
        says.append(f"The contact is now with {contact.team}.")
    if contact.immediate_danger and not before.immediate_danger:
        says.append("If nobody has called the police yet, call 999 now.")
    return "".join(f" {each}" for each in says)


def _of_the_family(done: Learned, contact: Contact) -> str:
    """Sentences on what follows when somebody joined or left the family."""
    says = []
    case = _open_case(contact)
    for change in done.information.changes.filter(field="in_family").select_related(*OF_ROWS):
        row = change.child or change.adult
        assert row is not None
        name, joins = row.called, change.after is not False
        if not joins:
            says.append(f"{name} stays on this contact, and does not count as family any more.")
        if case is None or change.child is None:
            continue
        if case.children.filter(pk=row.person_id).exists():
            why = "" if joins else ", because another contact of it says that the child is of the family"
            says.append(f"{name} is in case {case}{why}.")
        elif not joins:
            says.append(f"{name} has left case {case}, and the responsible team is told.")
    return "".join(f" {each}" for each in says)


def _open_case(contact: Contact) -> Case | None:
    return contact.case if contact.case is not None and contact.case.status == CaseStatus.OPEN else None


def _check_may_correct(contact: Contact, user: User, now: datetime) -> None:
    case = _open_case(contact)
    responsible = responsibilities.responsible_team(case) if case is not None else None
    permissions.check_can_correct(contact, responsible.pk if responsible else None, user, local_day(now))
    conditions.check_takes_information(contact, contact.case)


def _row(contact: Contact, group: str, pk: int | None) -> Contact | ContactChild | ContactAdult | None:
    """Whose facts the form is about; None for somebody new."""
    row: Contact | ContactChild | ContactAdult | None = None
    if group == "child" and pk is not None:
        row = contact.children.filter(pk=pk).select_related("person").first()
    elif group == "adult" and pk is not None:
        row = (
            contact.adults.filter(pk=pk)
            .select_related("person", "recorded_as")
            .annotate(lives_hidden=LIVES_HIDDEN)
            .first()
        )
    elif group in GROUPS and pk is None:
        row = contact
    if row is None and (group not in NEW_PEOPLE or pk is not None):
        raise Http404
    return row


def _form(
    contact: Contact,
    group: str,
    row: Contact | ContactChild | ContactAdult | None,
    data: QueryDict | None,
    *,
    as_of: int | None = None,
) -> Correcting:
    """
    The form with today's facts, or with those that stood there when the `Information` with the id `as_of` was the
    latest.
    """
    rules = rules_of(contact)
    information = list(contact.information.prefetch_related("changes"))
    changes = [change for each in information for change in each.changes.all()]
    seen = information[-1].pk if information else 0
    values = facts_today(contact, row, changes) if row is not None else {}
    if as_of is not None and row is not None:
        later = [change for change in changes if change.information_id > as_of and is_of(change, row)]
        values |= {change.field: change.before for change in reversed(later)}
    hidden = hidden_addresses([contact])
    asked: dict[str, str] = {}
    if row is not None:
        children = list(contact.children.select_related("person"))
        shown = Changes(contact, information, children, list(contact.adults.all()))
        asked = shown.to_confirm(contact, row)
    if isinstance(row, Contact):
        return ContactCorrection(values, seen, rules, data, only=GROUPS[group][1], to_confirm=asked, hidden=hidden)
    names: Any = ChildCorrection.PATHS if group.endswith("child") else AdultCorrection.PATHS
    only = [name for name in names if row is not None or name != "in_family"]
    stays_hidden: set[str] = set()
    if isinstance(row, (ContactChild, ContactAdult)):
        hides = hidden_facts(row)
        stays_hidden = {place for place, said in values.items() if said and place.split(".")[0] in hides}
        values = {place: said for place, said in values.items() if place.split(".")[0] not in hides}
        only = [name for name in only if not (name == "confidential" and row.address_is_confidential)]
    form = ChildCorrection if group.endswith("child") else AdultCorrection
    filled = form(values, seen, rules, data, only=only, to_confirm=asked, hidden=hidden)
    for name in filled.fields.keys() & names.keys():
        if names[name] in stays_hidden:
            filled.fields[name].help_text = "Hidden: it is confidential. If you leave this empty, it stays as it is."
    if isinstance(row, ContactChild) and (case := _open_case(contact)):
        filled.fields["in_family"].help_text += (
            f" The child leaves case {case}, and the responsible team is told, unless another contact of the case says "
            "that the child is of the family."
        )
    return filled


def _with_what_was_typed(
    contact: Contact, group: str, row: Contact | ContactChild | ContactAdult | None, data: QueryDict, seen: int
) -> Correcting:
    """
    The form with today's facts, where somebody changed some while this one was filled in. What was typed over the facts
    of then stays typed; what was left as it stood is as it is now.
    """
    form = _form(contact, group, row, None)
    then = _form(contact, group, row, data, as_of=seen)
    for name in then.changed_data:
        if name not in {"seen", STOOD} and name in form.fields:
            form.initial[name] = then[name].data
    return form


def _as_it_was_left(
    contact: Contact, group: str, row: Contact | ContactChild | ContactAdult | None, typed: QueryDict
) -> Correcting:
    """The form with what somebody typed into it before, and today's facts for the rest."""
    seen = typed.get("fact-seen", "")
    return _with_what_was_typed(contact, group, row, typed, int(seen) if is_id(seen) else 0)


def _seen(form: Correcting) -> int:
    """The id of the latest `Information` on the page that somebody sent; 0 for none."""
    return form.cleaned_data["seen"] or 0


def _document(form: Correcting, group: str, row: Contact | ContactChild | ContactAdult | None) -> dict[str, Any]:
    """The information document of a form."""
    said = form.said()
    if isinstance(row, Contact):
        return form.of_itself() | said
    key: dict[str, Any] = {}
    if isinstance(row, ContactChild):
        key = {"ref": row.ref}
    elif isinstance(row, ContactAdult):
        key = {"number": row.position + 1}
    return form.of_itself() | {"children" if group.endswith("child") else "adults": [key | said]}


def _title(group: str, row: Contact | ContactChild | ContactAdult | None) -> str:
    if isinstance(row, ContactChild):
        return row.full_name or f"Child {row.position + 1}"
    if isinstance(row, ContactAdult):
        return row.called
    return NEW_PEOPLE.get(group) or GROUPS[group][0]
