"""Records what front-door staff learn about a contact before the decision. Each time the rules recommend again."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction

from casework.access import conditions, permissions
from casework.access.loading import locked_contact
from casework.actions.recommendations import lock_people, recommend_again
from casework.facts import fact_history
from casework.facts.contact_document import digest_of
from casework.facts.learned import AGREEMENT, OF_RECORDS, Change, Row, in_columns
from casework.models import Contact, ContactChild, Event, FamilyAgreement, Information, InformationKind, Source
from casework.models.contacts import ANSWERED
from casework.record import audit
from errors import Fault, InvalidInput
from localities.models import User
from localities.working_time import local_day
from triage.published_rules import of_version

SCREENED_FAMILY, SCREENED_CHILD = "screened_family_indicators", "screened_indicators"
SIBLING = "sibling_on_cp_plan"
SOURCES = {
    InformationKind.AGREEMENT: Source.FAMILY,
    # The user who screens reads what the referrer has written.
    InformationKind.SCREENING: Source.REFERRER,
    InformationKind.OWN_RECORDS: Source.RECORDS,
}


@transaction.atomic
def record_agreement(
    *, contact_id: int, service: str, given_by: str, on: date | None, by: User, now: datetime
) -> Contact:
    """
    Records the family's agreement to a voluntary service, and makes a new recommendation.

    :param service: given, refused, withdrawn, not_sought or not_known.
    :param given_by: who gave the answer; required where the family answered.
    :raises InvalidInput: with every fault.
    """
    contact = locked_contact(by, now, pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    conditions.check_waits_for_decision(contact)
    faults = []
    if service not in FamilyAgreement.values:
        faults.append(Fault(("service",), "Select what the family says"))
    is_answer = service in ANSWERED
    if is_answer and not given_by.strip():
        faults.append(Fault(("given_by",), "Enter who in the family gave the answer"))
    if is_answer and on is None:
        faults.append(Fault(("on",), "Enter on which day they answered"))
    if on is not None and on > local_day(now):
        faults.append(Fault(("on",), "This day lies in the future."))
    if faults:
        raise InvalidInput(faults)
    before = in_columns(contact, AGREEMENT)
    audited = contact.agreement
    contact.agreement = service
    contact.agreement_given_by = given_by.strip() if is_answer else ""
    contact.agreement_on = on if is_answer else None
    contact.save(update_fields=["agreement", "agreement_given_by", "agreement_on"])
    changes = fact_history.differences(contact, before, in_columns(contact, AGREEMENT))
    document = {"service": service, "given_by": given_by, "on": on and on.isoformat()}
    _write_history(InformationKind.AGREEMENT, contact, changes, document, by, now, said_by=contact.agreement_given_by)
    audit.record(
        Event.AGREEMENT_RECORDED, by=by, at=now, contact=contact,
        before=audited, after=service, on=contact.agreement_on and contact.agreement_on.isoformat(),
    )  # fmt: skip
    recommend_again(contact, by, now)
    return contact


@transaction.atomic
def screen(
    *,
    contact_id: int,
    recommendation_id: int,
    children: Mapping[int, Collection[str]],
    family: Collection[str],
    none_applies: bool,
    by: User,
    now: datetime,
) -> Contact:
    """
    Records which indicators apply to each child and to the family, and makes a new recommendation.

    The referrer's own indicators stay and count as well. Screening again replaces the earlier screening.

    :param recommendation_id: the recommendation on the user's page: an old page must not undo newer changes.
    :param children: the indicators' codes by the id of the `ContactChild`.
    :param family: the codes of the indicators that apply to the family as a whole.
    :param none_applies: no indicator applies to anybody. It must be said: an empty form does not mean it.
    :raises InvalidInput: with every fault.
    :raises NotAllowedInStatus: the contact is decided already, or waits for a sign-off.
    :raises TakenBySomeoneElse: the recommendation has changed since the page was loaded.
    """
    contact = locked_contact(by, now, pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    conditions.check_waits_for_decision(contact)
    conditions.check_recommendation_unchanged(contact, recommendation_id)
    on_contact = list(contact.children.all())
    faults = list(_screening_faults(contact, {child.pk for child in on_contact}, children, family, none_applies))
    if faults:
        raise InvalidInput(faults)
    again = contact.screened_at is not None
    changes = _screen(contact, SCREENED_FAMILY, family)
    contact.screened_at, contact.screened_by = now, by
    contact.save(update_fields=["screened_at", "screened_by", "screened_family_indicators"])
    for child in on_contact:
        changes += _screen(child, SCREENED_CHILD, children.get(child.pk, ()))
    ContactChild.objects.bulk_update(on_contact, ["screened_indicators"])
    document = {"children": {str(pk): list(codes) for pk, codes in children.items()}, "family": list(family)}
    _write_history(InformationKind.SCREENING, contact, changes, document, by, now)
    chosen = sum(len(child.screened_indicators) for child in on_contact) + len(contact.screened_family_indicators)
    audit.record(Event.CONTACT_SCREENED, by=by, at=now, contact=contact, chosen=chosen, again=again)
    recommend_again(contact, by, now)
    return contact


def _screen(row: Contact | ContactChild, column: str, codes: Collection[str]) -> list[tuple[Row, Change]]:
    """Selects these indicators, and returns what has changed."""
    before, after = getattr(row, column), list(dict.fromkeys(codes))
    setattr(row, column, after)
    if set(before) == set(after):
        return []
    return fact_history.differences(row, {column: before or None}, {column: after or None})


def _screening_faults(
    contact: Contact,
    on_contact: Collection[int],
    children: Mapping[int, Collection[str]],
    family: Collection[str],
    none_applies: bool,
) -> Iterator[Fault]:
    assert contact.recommendation is not None
    known = of_version(contact.recommendation.rule_set_id).rule_set.catalogue.entries
    for place, codes in [*((("children", pk), codes) for pk, codes in children.items()), (("family",), family)]:
        if unknown := [code for code in dict.fromkeys(codes) if code not in known]:
            yield Fault(place, f"There is no indicator {' or '.join(unknown)}.")
        if len(place) == 2 and place[1] not in on_contact:
            yield Fault(place, "This child is not on the contact.")
    chosen = any(family) or any(children.values())
    if chosen and none_applies:
        yield Fault(("none_applies",), "You selected indicators. Take them away, or do not say that none applies.")
    if not chosen and not none_applies:
        yield Fault(("none_applies",), "Select the indicators that apply, or say that none of them does")


@transaction.atomic
def record_own_records(
    *,
    contact_id: int,
    recommendation_id: int,
    sibling_on_cp_plan: bool | None,
    children: dict[int, tuple[bool | None, bool | None]],
    by: User,
    now: datetime,
) -> Contact:
    """
    Records what our records say about the children, and makes a new recommendation.

    :param recommendation_id: the recommendation on the user's page: an old page must not undo newer changes.
    :param children: by the id of the `ContactChild`: had a child protection plan before, was looked after before. It is
        kept with the record that was made for that child, and counts for the person.
    :raises TakenBySomeoneElse: the recommendation has changed since the page was loaded.
    """
    contact = locked_contact(by, now, pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    conditions.check_waits_for_decision(contact)
    conditions.check_recommendation_unchanged(contact, recommendation_id)
    lock_people(contact)
    before = in_columns(contact, [SIBLING])
    contact.sibling_on_cp_plan = sibling_on_cp_plan
    contact.save(update_fields=[SIBLING])
    changes = fact_history.differences(contact, before, in_columns(contact, [SIBLING]))
    for child in contact.children.filter(pk__in=children).select_related("recorded_as"):
        before = in_columns(child, OF_RECORDS)
        child.recorded_as.previous_cp_plan, child.recorded_as.previously_looked_after = children[child.pk]
        child.recorded_as.save(update_fields=sorted(OF_RECORDS))
        changes += fact_history.differences(child, before, in_columns(child, OF_RECORDS))
    document = {SIBLING: sibling_on_cp_plan, "children": {str(pk): list(said) for pk, said in children.items()}}
    _write_history(InformationKind.OWN_RECORDS, contact, changes, document, by, now)
    audit.record(Event.CHECKS_RECORDED, by=by, at=now, contact=contact)
    recommend_again(contact, by, now)
    return contact


def _write_history(
    kind: InformationKind,
    contact: Contact,
    changes: Iterable[tuple[Row, Change]],
    document: Mapping[str, Any],
    by: User,
    now: datetime,
    said_by: str = "",
) -> None:
    information = Information(
        kind=kind, contact=contact, at=now, by_user=by, source=SOURCES[kind], said_by=said_by, document=document,
        digest=digest_of(document),
    )  # fmt: skip
    fact_history.record(information, changes)
