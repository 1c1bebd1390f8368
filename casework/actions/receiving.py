"""Receiving a contact."""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction

from casework.access import permissions
from casework.actions.recommendations import ask_rules, lock_children, tell_if_red
from casework.deadlines import clocks
from casework.facts.contact_document import AdultEntry, ChildEntry, ContactDocument, read_contact
from casework.families.matching import possible_matches
from casework.messages import outbox
from casework.models import (
    Channel,
    Contact,
    ContactAdult,
    ContactChild,
    Event,
    Message,
    Person,
    PersonMatch,
)
from casework.record import audit
from errors import KeyUsedForAnother, ServiceError
from localities import calendar
from localities.models import Agency, Team, TeamKind, User
from localities.working_time import local_day
from triage.published_rules import live_and_locked
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
    :raises InvalidInput: with every fault of the document.
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
    raise ServiceError("The contact could not be stored beside others that came at the same moment. Send it again.")


@transaction.atomic
def _receive(document: dict[str, Any], digest: str, by: User | Agency, now: datetime, key: str | None) -> Contact:
    rules = live_and_locked(now)
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
    lock_children(contact)
    ask_rules(contact, by=by, now=now, rules=rules)
    _place(contact, now)
    tell_if_red(contact, now)
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
    likenesses = possible_matches(person, but_not=siblings.values_list("person", flat=True))
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


def _team_of_kind(kind: TeamKind) -> Team:
    team = Team.objects.filter(kind=kind, is_active=True).order_by("code").first()
    if team is None:
        raise ServiceError(f"No {kind.label.lower()} team takes work. An administrator must add one.")
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
