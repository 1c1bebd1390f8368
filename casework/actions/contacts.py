"""Contacts: receiving them, and learning more about them before somebody decides."""

import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime
from itertools import count
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction

from casework import audit, clocks, outbox, permissions, policies
from casework.audit import Actor
from casework.contact_document import AdultEntry, ChildEntry, ContactDocument, read_contact
from casework.errors import CaseworkError, KeyUsedForAnother
from casework.fact_finding import find
from casework.history import household, opened_since
from casework.matching import alike
from casework.models import (
    Channel,
    Contact,
    ContactAdult,
    ContactChild,
    Event,
    Message,
    Person,
    PersonMatch,
    Recommendation,
)
from casework.rules import Rules, live_and_held, of_version
from casework.statuses import ContactStatus
from localities import calendar
from localities.models import Agency, Team, TeamKind, User
from localities.working_time import local_day
from triage.documents import Fault, InvalidDocument
from triage.facts import Agreement
from triage.recommendation import recommend
from triage.ruleset import Hold, Rag

# Somebody else was faster: with the same key, with the same child, or (once in a lifetime) the same reference.
WORTH_ANOTHER_TRY = frozenset({
    "an_agency_uses_an_idempotency_key_once",
    "a_form_is_sent_in_once",
    "an_nhs_number_belongs_to_one_person",
    "casework_contact_reference_key",
})  # fmt: skip


class Received(NamedTuple):
    """A contact, and whether this call brought it in (not an earlier one with the same idempotency key)."""

    contact: Contact
    is_new: bool


def receive(
    *, document: dict[str, Any], by: User | Agency, now: datetime, idempotency_key: str | None = None
) -> Received:
    """
    Take in a contact: store it as given, ask the rules, start its clocks, place it, acknowledge it. All or nothing.

    A contact that was answered is never lost, and with the same idempotency key never doubled.

    :param document: a contact as `docs/contact.md` describes it.
    :raises InvalidDocument: with every fault of the document.
    :raises KeyUsedForAnother: the key came before with another document.
    :raises NotPermitted: `by` is a user who does not work at the front door.
    """
    if isinstance(by, User):
        permissions.check_can_enter_contacts(by, local_day(now))
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    for _ in range(3):
        if idempotency_key is not None and (earlier := _earlier(by, idempotency_key, digest)) is not None:
            return Received(earlier, is_new=False)
        try:
            return Received(_receive(document, digest, by, now, idempotency_key), is_new=True)
        except IntegrityError as error:
            if _constraint(error) not in WORTH_ANOTHER_TRY:
                raise
    raise CaseworkError("The contact could not be stored beside others that came at the same moment. Send it again.")


@transaction.atomic
def _receive(document: dict[str, Any], digest: str, by: User | Agency, now: datetime, key: str | None) -> Contact:
    rules = live_and_held(now)
    today = local_day(now)
    entry = read_contact(document, indicators=rules.rule_set.catalogue.entries, today=today)
    contact = Contact.objects.create(
        channel=Channel.API if isinstance(by, Agency) else Channel.WEB,
        received_at=now,
        agency=by if isinstance(by, Agency) else None,
        entered_by=by if isinstance(by, User) else None,
        idempotency_key=key,
        digest=digest,
        document=document,
        team=_team_of_kind(TeamKind.FRONT_DOOR),
        **_columns(entry),
    )
    # In the order of their NHS numbers: two contacts that bring the same new children at the same moment wait for each
    # other, and never in a circle.
    children = sorted(enumerate(_with_refs(entry.children)), key=lambda placed: placed[1][1].nhs_number or "")
    for position, (ref, child) in children:
        _add_child(contact, position, ref, child)
    addresses = [child.address for child in entry.children if child.address]
    # "At the same address" says nothing where one of the addresses must not be known.
    hidden = any(address.confidential for address in addresses)
    home = "" if hidden else next((address.postcode for address in addresses if address.postcode), "")
    for position, adult in enumerate(entry.adults):
        _add_adult(contact, position, adult, home)
    # Contacts about one child that come at the same moment count each other.
    hold_children(contact)
    ask_rules(contact, by=by, now=now, rules=rules)
    _place(contact, now)
    _tell_if_red(contact, now)
    _start_clocks(contact, now)
    audit.record(
        Event.CONTACT_RECEIVED, by=by, at=now, contact=contact,
        channel=contact.channel, source_code=contact.source_code, team=contact.team.code,
    )  # fmt: skip
    if contact.referrer_email:
        outbox.add(
            Message.ACKNOWLEDGEMENT,
            to=contact.referrer_email,
            key=f"acknowledgement:{contact}",
            at=now,
            contact=contact,
        )
    return contact


def ask_rules(contact: Contact, *, by: Actor, now: datetime, rules: Rules | None = None) -> None:
    """
    Ask the rules about a contact as it is known now, and keep facts, version and answer.

    A contact keeps the version that it was first triaged by: a publish in between changes nothing for it.
    """
    if rules is None:
        assert contact.recommendation is not None
        rules = of_version(contact.recommendation.rule_set_id)
    facts = find(contact, household(contact))
    answer = recommend(rules.rule_set, rules.rule_set.facts(facts))
    contact.recommendation = Recommendation.objects.create(
        contact=contact,
        rule_set_id=rules.version_id,
        made_at=now,
        facts=facts,
        result=answer.as_json(),
        pathway=answer.pathway,
        rag=answer.rag,
        level=answer.level,
        hold=answer.hold or "",
    )
    contact.rag = answer.rag
    contact.save(update_fields=["recommendation", "rag"])
    audit.record(
        Event.RECOMMENDATION_MADE, by=by, at=now, contact=contact,
        ruleset=answer.ruleset, pathway=answer.pathway, rag=answer.rag, level=answer.level, hold=answer.hold,
    )  # fmt: skip


def hold_children(contact: Contact) -> None:
    """
    Lock the children's own records, and those of whom they may be, until the transaction ends, in the one order that
    nobody waits in a circle: after the contact, and by number. Who decides on two contacts about one child at the same
    moment sees what the other did.
    """
    children = contact.children.values("person").union(
        PersonMatch.objects.filter(child__contact=contact).values("person")
    )
    list(Person.objects.filter(pk__in=children).order_by("pk").select_for_update(no_key=True))


def ask_again_if_overtaken(contact: Contact, *, now: datetime) -> None:
    """Ask the rules again about a contact that waits, where a case of one of its children opened since they were."""
    recommendation = contact.recommendation
    if contact.status != ContactStatus.RECEIVED or recommendation is None:
        return
    if opened_since(contact, recommendation.made_at) is None:
        return
    with transaction.atomic():
        held = Contact.objects.locked().get(pk=contact.pk)
        if held.status == ContactStatus.RECEIVED and held.recommendation_id == recommendation.pk:
            _ask_again(held, audit.SYSTEM, now)
    contact.refresh_from_db(fields=["recommendation", "rag"])


def _ask_again(contact: Contact, by: Actor, now: datetime) -> None:
    held_before = contact.recommendation is not None and contact.recommendation.hold == Hold.AGREEMENT
    clocks.hold(contact)
    ask_rules(contact, by=by, now=now)
    clocks.rerate(contact, at=now)
    _tell_if_red(contact, now)
    holds_now = contact.recommendation is not None and contact.recommendation.hold == Hold.AGREEMENT
    if held_before and not holds_now:
        clocks.stop(contact, "agreement_sought", at=now)
        clocks.resume_all(
            contact, reason="The family's agreement is sought no more.", by=by if isinstance(by, User) else None, at=now
        )
    elif holds_now and not held_before and not contact.clocks.running().filter(kind="agreement_sought").exists():
        clocks.start(clocks.HOLD_AGREEMENT_PLACED, contact, at=now)


@transaction.atomic
def record_agreement(
    *, contact_id: int, service: str, given_by: str, on: date | None, by: User, now: datetime
) -> Contact:
    """
    Write down what the family says to a voluntary service, and ask the rules again.

    :param service: given, not_sought, refused or withdrawn.
    :param given_by: who said so; needed unless nobody was asked.
    :raises InvalidDocument: with every fault.
    """
    contact = Contact.objects.visible_to(by, local_day(now)).locked().get(pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    policies.check_waits_for_decision(contact)
    faults = []
    if service not in set(Agreement):
        faults.append(Fault(("service",), "Say whether agreement is given, not sought, refused or withdrawn."))
    asked = service != Agreement.NOT_SOUGHT
    if asked and not given_by.strip():
        faults.append(Fault(("given_by",), "Say who in the family gave the answer."))
    if asked and on is None:
        faults.append(Fault(("on",), "Say on which day they answered."))
    if on is not None and on > local_day(now):
        faults.append(Fault(("on",), "This day lies in the future."))
    if faults:
        raise InvalidDocument(faults)
    before = contact.agreement
    contact.agreement = service
    contact.agreement_given_by = given_by.strip() if asked else ""
    contact.agreement_on = on if asked else None
    contact.save(update_fields=["agreement", "agreement_given_by", "agreement_on"])
    audit.record(
        Event.AGREEMENT_RECORDED, by=by, at=now, contact=contact,
        before=before, after=service, on=contact.agreement_on and contact.agreement_on.isoformat(),
    )  # fmt: skip
    _ask_again(contact, by, now)
    return contact


@transaction.atomic
def record_checks(
    *,
    contact_id: int,
    recommendation_id: int,
    sibling_on_cp_plan: bool | None,
    children: dict[int, tuple[bool | None, bool | None]],
    by: User,
    now: datetime,
) -> Contact:
    """
    Write down what our records say, and ask the rules again.

    :param recommendation_id: the recommendation that was in view: an older page must not undo what came since.
    :param children: by the id of the `ContactChild`: had a child protection plan before, was looked after before.
    :raises TakenBySomeoneElse: the recommendation changed since it was read.
    """
    contact = Contact.objects.visible_to(by, local_day(now)).locked().get(pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    policies.check_waits_for_decision(contact)
    policies.check_was_in_view(contact, recommendation_id)
    hold_children(contact)
    contact.sibling_on_cp_plan = sibling_on_cp_plan
    contact.save(update_fields=["sibling_on_cp_plan"])
    for child in contact.children.filter(pk__in=children).select_related("person"):
        child.person.previous_cp_plan, child.person.previously_looked_after = children[child.pk]
        child.person.save(update_fields=["previous_cp_plan", "previously_looked_after"])
    audit.record(Event.CHECKS_RECORDED, by=by, at=now, contact=contact)
    _ask_again(contact, by, now)
    return contact


@transaction.atomic
def settle_match(*, contact_id: int, match_id: int, same: bool, by: User, now: datetime) -> Contact:
    """Say whether a child on a contact is the person whom it looks like, and ask the rules again."""
    contact = Contact.objects.visible_to(by, local_day(now)).locked().get(pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    policies.check_waits_for_decision(contact)
    hold_children(contact)
    match = PersonMatch.objects.select_related("child", "person").get(pk=match_id, child__contact=contact)
    policies.check_match_is_open(match)
    match.status = "confirmed" if same else "rejected"
    match.settled_by, match.settled_at = by, now
    match.save(update_fields=["status", "settled_by", "settled_at"])
    if same:
        _take_to_be(match.child, match.person)
    audit.record(
        Event.MATCH_CONFIRMED if same else Event.MATCH_REJECTED, by=by, at=now, contact=contact,
        child=match.child.ref, score=match.score,
    )  # fmt: skip
    _ask_again(contact, by, now)
    return contact


@transaction.atomic
def acknowledge(*, contact_id: int, by: User, now: datetime) -> Contact:
    """Write down that the referrer was told, by telephone or letter, that we have the contact."""
    contact = Contact.objects.visible_to(by, local_day(now)).locked().get(pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    policies.check_not_acknowledged(contact)
    contact.acknowledged_at = now
    contact.save(update_fields=["acknowledged_at"])
    clocks.stop(contact, "acknowledge_referrer", at=now)
    audit.record(Event.REFERRER_ACKNOWLEDGED, by=by, at=now, contact=contact)
    return contact


@transaction.atomic
def give_feedback(*, contact_id: int, by: User, now: datetime) -> Contact:
    """Write down that the referrer was told, by telephone or letter, what was decided."""
    contact = Contact.objects.visible_to(by, local_day(now)).locked().get(pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    policies.check_awaits_feedback(contact)
    contact.feedback_given_at = now
    contact.save(update_fields=["feedback_given_at"])
    clocks.stop(contact, "feedback_to_referrer", at=now)
    audit.record(Event.FEEDBACK_GIVEN, by=by, at=now, contact=contact)
    return contact


@transaction.atomic
def confirm_in_writing(*, contact_id: int, by: User, now: datetime) -> Contact:
    """Write down that the referrer confirmed a telephone contact in writing."""
    contact = Contact.objects.visible_to(by, local_day(now)).locked().get(pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    policies.check_awaits_writing(contact)
    contact.confirmed_in_writing_at = now
    contact.save(update_fields=["confirmed_in_writing_at"])
    clocks.stop(contact, "written_confirmation", at=now)
    audit.record(Event.CONFIRMED_IN_WRITING, by=by, at=now, contact=contact)
    return contact


def _take_to_be(child: ContactChild, person: Person) -> None:
    """A child on a contact is a person whom we knew. The record that was made for the child goes if nobody needs it."""
    made_for_child = child.person
    child.person = person
    child.save(update_fields=["person"])
    for record in ("previous_cp_plan", "previously_looked_after"):
        # What our records say of either is known of the one person: a yes, else a no.
        said = {getattr(made_for_child, record), getattr(person, record)} - {None}
        setattr(person, record, any(said) if said else None)
    person.save(update_fields=["previous_cp_plan", "previously_looked_after"])
    needed = (
        made_for_child.contact_children.exists()
        or made_for_child.cases.exists()
        or PersonMatch.objects.filter(person=made_for_child).exists()
    )
    if not needed:
        made_for_child.delete()
        if person.nhs_number is None and made_for_child.nhs_number:
            person.nhs_number = made_for_child.nhs_number
            person.save(update_fields=["nhs_number"])


# ---- what receiving is made of


def _columns(entry: ContactDocument) -> dict[str, Any]:
    return {
        "type": entry.type,
        "source_code": entry.source_code,
        "received_by_phone": entry.received_by_phone,
        "immediate_danger": entry.immediate_danger,
        "referrer_level": entry.referrer_level,
        "referrer_email": entry.referrer.email or "",
        "family_indicators": list(dict.fromkeys(entry.family_indicators)),
        "dash": entry.domestic_abuse.dash or "",
        "marac": entry.domestic_abuse.marac,
        "agreement": entry.agreement.service,
        "agreement_given_by": entry.agreement.given_by or "",
        "agreement_on": entry.agreement.on,
        "parents_told": entry.parents_told.answer,
        "parents_told_reason": entry.parents_told.reason or "",
        "sharing_basis": entry.sharing_basis or "",
    }


def _with_refs(children: tuple[ChildEntry, ...]) -> Iterator[tuple[str, ChildEntry]]:
    """Each child with its ref: the partner's own, or the next of c1, c2, … that no child has."""
    given = {child.ref for child in children}
    ours = (ref for number in count(1) if (ref := f"c{number}") not in given)
    for child in children:
        yield child.ref or next(ours), child


def _add_child(contact: Contact, position: int, ref: str, entry: ChildEntry) -> None:
    postcode = (entry.address.postcode if entry.address else None) or ""
    confidential = bool(entry.address and entry.address.confidential)
    described = {
        "first_name": entry.first_name or "",
        "last_name": entry.last_name or "",
        "also_known_as": list(entry.also_known_as),
        "date_of_birth": entry.date_of_birth,
        "expected_date_of_delivery": entry.expected_date_of_delivery,
        "sex": entry.sex,
        "ethnicity": entry.ethnicity or "",
    }
    # A confidential postcode is not kept with the person, where it would be compared and shown.
    person = Person(**described, nhs_number=entry.nhs_number, postcode="" if confidential else postcode)
    # Brothers and sisters are not each other, whatever they share; one number twice is a slip, or one child.
    siblings = contact.children.exclude(nhs_number=entry.nhs_number) if entry.nhs_number else contact.children
    likenesses = alike(person, but_not=siblings.values_list("person", flat=True))
    known = next((like.person for like in likenesses if like.certain), None)
    if known is None:
        # Another date of birth with the same number: somebody must look; until then the number stays where it is.
        if any(like.person.nhs_number == person.nhs_number for like in likenesses if person.nhs_number):
            person.nhs_number = None
        person.save()
    elif confidential and known.postcode == postcode:
        known.postcode = ""
        known.save(update_fields=["postcode"])
    child = ContactChild.objects.create(
        contact=contact,
        position=position,
        person=known or person,
        ref=ref,
        **described,
        disabled=entry.disabled,
        non_verbal=entry.non_verbal,
        nhs_number=entry.nhs_number or "",
        postcode=postcode,
        address_is_confidential=confidential,
        indicators=list(dict.fromkeys(entry.indicators)),
    )
    PersonMatch.objects.bulk_create(
        PersonMatch(child=child, person=like.person, score=like.score, why=like.why)
        for like in likenesses
        if like.person != child.person
    )


def _add_adult(contact: Contact, position: int, entry: AdultEntry, home: str) -> None:
    person = Person.objects.create(
        first_name=entry.first_name or "",
        last_name=entry.last_name or "",
        date_of_birth=entry.date_of_birth,
        postcode=home if entry.same_address else "",
    )
    ContactAdult.objects.create(
        contact=contact,
        position=position,
        person=person,
        relationship=entry.relationship or "",
        same_address=entry.same_address,
    )


def _place(contact: Contact, now: datetime) -> None:
    """A red contact does not wait for Monday: while the hub is closed, emergency duty has it."""
    if contact.rag == Rag.RED and not calendar.current().is_open(now):
        on_duty = Team.objects.filter(kind=TeamKind.EMERGENCY_DUTY, is_active=True).order_by("code").first()
        if on_duty is not None:
            contact.team = on_duty
            contact.save(update_fields=["team"])


def _tell_if_red(contact: Contact, now: datetime) -> None:
    """The team that has it hears at once, and once: the night's first warning would be too late."""
    if contact.rag == Rag.RED:
        outbox.add_for_team(Message.RED_CONTACT, contact.team, key=f"red_contact:{contact}", at=now, contact=contact)


def _team_of_kind(kind: TeamKind) -> Team:
    team = Team.objects.filter(kind=kind, is_active=True).order_by("code").first()
    if team is None:
        raise CaseworkError(f"No {kind.label.lower()} team takes work. An administrator must add one.")
    return team


def _start_clocks(contact: Contact, now: datetime) -> None:
    clocks.start(clocks.RECEIVED, contact, at=now)
    if not contact.referrer_email and contact.channel == Channel.API:
        # The partner's system has our answer with the reference, and there is nobody else to write to.
        contact.acknowledged_at = now
        contact.save(update_fields=["acknowledged_at"])
        clocks.stop(contact, "acknowledge_referrer", at=now)
    if contact.received_by_phone:
        clocks.start(clocks.RECEIVED_BY_PHONE, contact, at=now)
    if contact.recommendation is not None and contact.recommendation.hold == Hold.AGREEMENT:
        clocks.start(clocks.HOLD_AGREEMENT_PLACED, contact, at=now)


def _earlier(by: User | Agency, key: str, digest: str) -> Contact | None:
    whose = {"agency": by} if isinstance(by, Agency) else {"entered_by": by}
    earlier = Contact.objects.filter(idempotency_key=key, **whose).first()
    if earlier is not None and earlier.digest != digest:
        raise KeyUsedForAnother(
            "This idempotency key came before with another document. Use a new key for a new contact.",
            earlier=earlier.reference,
        )
    return earlier


def _constraint(error: IntegrityError) -> str | None:
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None)
