"""Learns what was not known, or was wrong, when a contact came. What was sent stays as it was sent."""

from collections.abc import Collection
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction

from casework.access import conditions, permissions
from casework.access.loading import locked_contact
from casework.actions.recommendations import people_of, recommend_again, recommend_in_work
from casework.facts import fact_history
from casework.facts.contact_document import NUMBERS, ToCheck, as_meant, digest_of, is_the_same
from casework.facts.information import Plan, path_of, read_and_plan
from casework.facts.learned import IDENTITY, IS_RIGHT, OF_RECORDS, WEIGHS_NOTHING, apply, read_information
from casework.families import merging
from casework.families.confidentiality import bring_up_to_date
from casework.families.describing import describe_again
from casework.families.household import note_touched
from casework.families.kept_homes import Lines, address_of, keep_homes, lines_of
from casework.families.matching import match_again
from casework.families.mothers import keep_mothers
from casework.messages import outbox
from casework.models import (
    AddressProtection,
    Case,
    CheckKind,
    Contact,
    ContactAdult,
    ContactChild,
    Event,
    FactChange,
    Information,
    Message,
    OutboxMessage,
    Person,
)
from casework.record import audit, responsibilities
from casework.statuses import CaseStatus, ContactStatus, HandoffStatus
from errors import KeyUsedForAnother
from localities.models import Agency, Team, User
from localities.working_time import local_day
from triage.published_rules import of_version

# Who is whose parent may change with these: a child is closed with a restricted parent.
TIES = frozenset({"relationship", "in_family"})
# Who lives where may change with these.
MOVES = frozenset({"address.lines", "address.postcode", "address.confidential", "same_address", "in_family"})


class Learned(NamedTuple):
    """
    What was learned, and whether this call stored it, not an earlier one with the same idempotency key.

    `to_check` is what could not be read of the document, by the document alone. `changes_recommendation`: the rules
    were asked again, and recommend something else.
    """

    information: Information
    is_new: bool
    to_check: tuple[ToCheck, ...]
    changes_recommendation: bool = False


def learn(
    *,
    contact_id: int,
    document: Any,
    by: User | Agency,
    now: datetime,
    seen: int | None = None,
    idempotency_key: str | None = None,
) -> Learned:
    """
    Adds and corrects facts of a contact that waits, or whose case is open: several in one go, or none.

    The rules are asked again at once, and clocks, team and alerts follow. A decision that was in view is overtaken,
    also one that waits for a second person. On a contact in work, the responsible team hears of it.

    :param document: what is new or different, as described in `docs/contact.md`. In it, null says "not known".
    :param seen: the id of the latest `Information` on the user's page, 0 if there was none: an old page must not undo
        newer corrections. None: nothing was in view.
    :raises Contact.DoesNotExist: there is no such contact, it is out of scope, or another agency sent it.
    :raises InvalidInput: with every fault.
    :raises KeyUsedForAnother: the key was used before for another document, or for another contact.
    :raises NotPermitted: `by` may see the contact, and not correct it.
    :raises NotAllowedInStatus: the contact is decided, and no case of it is open.
    :raises TakenBySomeoneElse: somebody corrected the contact since the page was loaded.
    """
    try:
        return _learn(contact_id, document, by, now, seen, idempotency_key)
    except IntegrityError as error:
        diagnostics = getattr(error.__cause__, "diag", None)
        if getattr(diagnostics, "constraint_name", None) != "information_uses_an_idempotency_key_once":
            raise
    # Another transaction used the same key for another contact first.
    return _learn(contact_id, document, by, now, seen, idempotency_key)


@transaction.atomic
def _learn(
    contact_id: int, document: Any, by: User | Agency, now: datetime, seen: int | None, key: str | None
) -> Learned:
    contact = _locked(contact_id, by, now)
    today, catalogue = local_day(now), _catalogue(contact)
    if isinstance(by, Agency) and key is not None and (earlier := _earlier(contact, by, key, document)) is not None:
        # As it was read then: the answer to what comes again is the same.
        known, then = _catalogue(contact, earlier.at), local_day(earlier.at)
        reading = read_information(document, by_staff=False, indicators=known, today=then)
        return Learned(earlier, is_new=False, to_check=reading.to_check)
    case = contact.case
    responsible = (
        responsibilities.responsible_team(case) if case is not None and case.status == CaseStatus.OPEN else None
    )
    if isinstance(by, User):
        permissions.check_can_correct(contact, responsible.pk if responsible else None, by, today)
    conditions.check_takes_information(contact, case)
    history = list(FactChange.objects.filter(information__contact=contact).select_related("information").order_by("pk"))
    latest = contact.information.order_by("-pk").values_list("pk", flat=True).first() or 0
    if seen is not None:
        conditions.check_nothing_learned_since(latest, seen)
    reading, plan = read_and_plan(
        contact, document, history, by_staff=isinstance(by, User), indicators=catalogue, on=today
    )

    entry = reading.entry
    recommended = _recommended(contact)
    information = Information(
        contact=contact, at=now, by_user=by if isinstance(by, User) else None,
        by_agency=by if isinstance(by, Agency) else None, source=entry.source, said_by=entry.said_by.value or "",
        why=entry.why.value or "", document=reading.sent, idempotency_key=key, digest=digest_of(as_meant(document)),
    )  # fmt: skip
    touched = _store(plan, information, contact, history, by)
    _protect(plan, information, touched, by, now)
    about_words = isinstance(by, Agency) and bool(information.why)
    weighs = about_words or any(
        change.field not in WEIGHS_NOTHING and change.check != IS_RIGHT for change in plan.changes
    )
    messages: list[OutboxMessage] = []
    if contact.status == ContactStatus.DECIDED:
        assert case is not None
        messages = _in_work(contact, case, plan, information, weighs, by, now)
    elif weighs:
        recommend_again(contact, by, now)
        messages = _while_it_waits(contact, information, now)
    audit.record(
        Event.INFORMATION_ADDED, by=by, at=now, contact=contact, case=case, source=information.source,
        facts=sorted({change.field for change in plan.changes}), added=len(plan.new_people),
    )  # fmt: skip
    if any(part.changed & TIES for part in plan.parts):
        touched |= {child.person_id for child in plan.children}
    if touched:
        messages += outbox.messages_of_restricted(touched, at=now)
    outbox.write(messages)
    changes_recommendation = _recommended(contact) != recommended
    return Learned(information, True, reading.to_check, changes_recommendation)


# ---- the parts of learning


def _locked(contact_id: int, by: User | Agency, now: datetime) -> Contact:
    if isinstance(by, User):
        return locked_contact(by, now, pk=contact_id)
    return Contact.objects.filter(agency=by).locked().get(pk=contact_id)


def _recommended(contact: Contact) -> tuple[Any, ...]:
    """What the rules recommend now."""
    assert contact.recommendation is not None, "every received contact has a recommendation"
    return tuple(getattr(contact.recommendation, name) for name in ("pathway", "level", "rag", "hold", "result"))


def _catalogue(contact: Contact, at: datetime | None = None) -> Collection[str]:
    """The indicators that the rules of the contact know, or knew at a moment."""
    recommendation = contact.recommendation
    if at is not None:
        recommendation = contact.recommendations.filter(made_at__lt=at).order_by("made_at").last() or recommendation
    assert recommendation is not None, "every received contact has a recommendation"
    return of_version(recommendation.rule_set_id).rule_set.catalogue.entries


def _earlier(contact: Contact, by: Agency, key: str, document: Any) -> Information | None:
    found = Information.objects.filter(by_agency=by, idempotency_key=key).select_related("contact").first()
    if found is not None and (found.contact != contact or not is_the_same(document, found.digest)):
        raise KeyUsedForAnother(
            "This idempotency key came before with other information. Use a new key for what is new.",
            earlier=found.contact.reference,
        )
    return found


def _store(
    plan: Plan, information: Information, contact: Contact, history: list[FactChange], by: User | Agency
) -> frozenset[int]:
    """
    Stores what changes in the contact, its children and adults and their records, and what was said. Returns whose
    matches may have changed.
    """
    columns = {id(part.row): apply(part.row, part.changes) for part in plan.parts}
    if any(change.field.endswith("indicators") for change in plan.changes):
        contact.has_unknown_indicators = _has_unknown_indicators(plan, contact, history)
        columns[id(contact)].append("has_unknown_indicators")
    if names := columns[id(contact)]:
        contact.save(update_fields=names)
    described = _store_records(plan, contact, history)
    for row in (*plan.children, *plan.adults):
        if row.pk is None:
            row.save()
        elif names := columns.get(id(row), []):
            row.save(update_fields=names)
    touched = frozenset(chain.from_iterable(match_again(row, by=by, now=information.at) for row in described))
    fact_history.record(information, ((part.row, change) for part in plan.parts for change in part.changes))
    return touched


def _store_records(plan: Plan, contact: Contact, history: list[FactChange]) -> list[ContactChild | ContactAdult]:
    """Stores the records of those who are described in another way, or who live elsewhere. Returns these."""
    home_moves = any(part.changed & MOVES for part in plan.parts)
    children = [child for child in plan.children if plan.changed(child) & IDENTITY]
    adults = [adult for adult in plan.adults if home_moves or plan.changed(adult) & IDENTITY]
    for part in plan.parts:
        for change in part.changes:
            if isinstance(part.row, ContactAdult) and change.field == "phone":
                part.row.recorded_as.telephone = (change.after or "")[:100]
            if isinstance(part.row, ContactChild) and change.field == "upn":
                part.row.recorded_as.upn = change.after or ""
        if isinstance(part.row, (ContactChild, ContactAdult)) and part.row.pk is not None:
            _keep_former_names(part.row, {change.field: change.before for change in part.changes})
    children += [child for child in _keep_shared_numbers(plan) if child not in children]
    keep_homes(plan.children, plan.adults, _lines(plan, contact, history))
    children += [child for child in keep_mothers(plan.children, plan.adults) if child not in children]
    will_hide = any("address.confidential" in part.changed for part in plan.parts)
    describe_again(children, adults, people=people_of(contact), will_hide=will_hide)
    for child in plan.children:
        if names := plan.changed(child) & OF_RECORDS:
            child.recorded_as.save(update_fields=sorted(names))
    return [*children, *adults]


def _keep_shared_numbers(plan: Plan) -> list[ContactChild]:
    """
    Keeps a number that two children were given with each of them, until somebody says whose it is. Returns those of
    whom something changes.
    """
    records = {child.position: child.recorded_as for child in plan.children}
    before = {position: record.shared_numbers for position, record in records.items()}
    for part in plan.parts:
        if not isinstance(part.row, ContactChild):
            continue
        own = part.row.recorded_as
        for change in part.changes:
            if change.doubted and [change.field, change.doubted] not in own.shared_numbers:
                own.shared_numbers = [*own.shared_numbers, [change.field, change.doubted]]
            if change.field not in NUMBERS or not change.changes:
                continue
            own.shared_numbers = [each for each in own.shared_numbers if each[0] != change.field]
            for record in records.values():
                known = [change.field, change.after]
                record.shared_numbers = [each for each in record.shared_numbers if each != known]
    return [child for child in plan.children if child.recorded_as.shared_numbers != before[child.position]]


def _keep_former_names(row: ContactChild | ContactAdult, before: dict[str, Any]) -> None:
    """Keeps the names that were corrected, so that the person is still found by them."""
    names = list(before.get("also_known_as") or ())
    record = row.recorded_as
    described = row if isinstance(row, ContactChild) else record
    if not before.keys().isdisjoint({"first_name", "last_name"}):
        first, last = (before.get(name, getattr(described, name)) or "" for name in ("first_name", "last_name"))
        names.append(f"{first} {last}".strip())
    record.other_names = [name for name in dict.fromkeys((*record.other_names, *names)) if name]


def _lines(plan: Plan, contact: Contact, history: list[FactChange]) -> Lines:
    """The lines of each address, as they are after this."""
    corrected = {
        (change.child_id, change.adult_id): change.after or [] for change in history if change.field == "address.lines"
    }

    def known(group: str, row: ContactChild | ContactAdult) -> list[str]:
        sent, key = contact.document.get(group) or (), (row.pk, None) if group == "children" else (None, row.pk)
        said = (change.after or [] for change in plan.changes_of(row) if change.field == "address.lines")
        return next(said, lines_of(address_of(sent, row.position, corrected.get(key))))

    return Lines(
        {child.position: known("children", child) for child in plan.children},
        {adult.position: known("adults", adult) for adult in plan.adults},
    )


def _protect(plan: Plan, information: Information, touched: frozenset[int], by: User | Agency, now: datetime) -> None:
    """
    On every contact, hides the addresses that were said to be confidential, those of everybody around, and those of
    people who, by their new details, may be somebody in hiding.
    """
    contact = information.contact
    rows: list[ContactChild | ContactAdult] = [*plan.children, *plan.adults]
    hides = [row for row in rows if "address.confidential" in plan.changed(row)]
    said: dict[str, Any] = {"said_by": by, "reason": information.why} if isinstance(by, User) else {"contact": contact}
    AddressProtection.objects.bulk_create(AddressProtection(person=row.recorded_as, since=now, **said) for row in hides)
    if touched or any(part.changed & MOVES for part in plan.parts):
        people = touched | {child.person_id for child in plan.children}
        bring_up_to_date(people, now=now, but_not=contact.pk)
    audit.record_all(
        audit.entry(Event.ADDRESS_PROTECTED, by=by, at=now, contact=contact, person=row.person_id) for row in hides
    )


def _has_unknown_indicators(plan: Plan, contact: Contact, history: list[FactChange]) -> bool:
    """Whether there are still indicators that could not be read, when the contact came or since."""
    wait = {tuple(detail.path[:-1]) for detail in contact.details_to_check.filter(field__endswith="indicators")}
    said = [(path_of(change, plan.children, plan.adults), change.kind) for change in history]
    for part in plan.parts:
        above = ("children", part.row.position) if isinstance(part.row, ContactChild) else ()
        said += [((*above, change.field), change.check.kind if change.check else "") for change in part.changes]
    for path, kind in said:
        if str(path[-1]).endswith("indicators"):
            wait = wait | {path} if kind == CheckKind.NOT_READ else wait - {path}
    return bool(wait)


def _while_it_waits(contact: Contact, information: Information, now: datetime) -> list[OutboxMessage]:
    """Who must look again: the contact's team, where a partner told us, or a decision waits for a second person."""
    if information.by_agency_id is None and contact.status != ContactStatus.SIGN_OFF:
        return []
    return _of_information(contact.team, contact, information, now)


def _in_work(
    contact: Contact, case: Case, plan: Plan, information: Information, weighs: bool, by: User | Agency, now: datetime
) -> list[OutboxMessage]:
    """Asks the rules again about a contact in work, and tells the responsible team and the team that is offered it."""
    case = Case.objects.locked().get(pk=case.pk)
    conditions.check_is_open(case)
    if plan.new_children or any("in_family" in plan.changed(child) for child in plan.children):
        _follow_family(contact, case, by, now)
    if not weighs:
        return []
    graver = recommend_in_work(contact, by, now)
    offered = case.handoffs.filter(status=HandoffStatus.OFFERED).select_related("to_team")
    teams = [responsibilities.responsible_team(case), *(handoff.to_team for handoff in offered)]
    if graver:
        return [
            message
            for team in teams
            for message in outbox.messages_for_team(
                Message.GRAVER_THAN_DECIDED, team, key=f"graver:{information.pk}:{team.pk}", at=now, contact=contact,
                case=case,
            )
        ]  # fmt: skip
    return [message for team in teams for message in _of_information(team, contact, information, now, case)]


def _follow_family(contact: Contact, case: Case, by: User | Agency, now: datetime) -> None:
    """
    The children of the case follow from the family on its contacts. A child who is not of the family leaves the case;
    otherwise the next contact about that child would be taken for news of this family's work. Case and audit say who
    left.
    """
    came, left = merging.children_follow([case.pk])
    note_touched(came | left, but_not=contact.pk, now=now)
    audit.record_all(
        audit.entry(Event.CASE_CHILD_LEFT, by=by, at=now, contact=contact, case=case, person=person.reference)
        for person in Person.objects.filter(pk__in=left).order_by("pk")
    )


def _of_information(
    team: Team, contact: Contact, information: Information, now: datetime, case: Case | None = None
) -> list[OutboxMessage]:
    return outbox.messages_for_team(
        Message.INFORMATION_ADDED, team, key=f"information:{information.pk}:{team.pk}", at=now, contact=contact,
        case=case,
    )  # fmt: skip
