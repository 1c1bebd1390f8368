"""Restricting a record, naming who may open it, and lifting the restriction."""

from collections.abc import Collection, Iterator
from datetime import datetime

from django.db import transaction

from casework.access import conditions, permissions, restricted
from casework.access.loading import locked_contact
from casework.messages import outbox
from casework.models import (
    Contact,
    ContactAdult,
    ContactChild,
    Event,
    Message,
    Person,
    RestrictedAccess,
    Restriction,
    RestrictionKind,
)
from casework.record import audit
from errors import Fault, InvalidInput, NotPermitted
from localities.models import Membership, User
from localities.working_time import local_day


@transaction.atomic
def restrict(
    *,
    contact_id: int,
    person_id: int | None,
    kind: str,
    reason: str,
    owner_id: int | None,
    reader_ids: Collection[int],
    without_readers: bool,
    by: User,
    now: datetime,
) -> Restriction:
    """
    Restricts the record of a person on a contact to an owner and to readers. Everybody else loses sight of it at once.

    :param person_id: a child or an adult on the contact.
    :param owner_id: answers for the restriction: a service manager or an information-governance officer.
    :param reader_ids: others who may open the record, as far as their roles show it to them.
    :param without_readers: whether it is meant that nobody but the owner can open it. Asked where else all is right.
    :raises InvalidInput: with every fault.
    """
    contact = locked_contact(by, now, pk=contact_id)
    permissions.check_can_restrict(by, local_day(now))
    people = Person.objects.filter(pk__in=restricted.people_on(contact))
    person = people.select_for_update(no_key=True).filter(pk=person_id or 0).first()
    # The record of this contact: it stays restricted when it is taken apart from others.
    rows: list[ContactChild | ContactAdult] = [
        *contact.children.filter(person=person), *contact.adults.filter(person=person)
    ]  # fmt: skip
    faults = [
        *([Fault(("person",), "Select the person whose record is restricted")] if person is None else []),
        *_kind_faults(kind),
        *_missing(reason, "Enter why few may open it"),
        *_owner_faults(owner_id, now),
        *_reader_faults(reader_ids, now),
    ]
    if by.pk in {*reader_ids} - {owner_id}:
        faults.append(Fault(("readers",), "You cannot name yourself. Ask the owner to name you."))
    if person is not None and Restriction.objects.in_force().of([person.pk]).exists():
        faults.append(Fault(("person",), "This person's record is restricted already."))
    readers = sorted({*reader_ids} - {owner_id})
    if not faults and not without_readers and not _can_any_open(readers, contact, now):
        faults.append(Fault(("without_readers",), "Name who else may open it, or say that nobody else does."))
    if faults or person is None or owner_id is None:
        raise InvalidInput(faults)
    restriction = Restriction.objects.create(
        person=rows[0].recorded_as, kind=kind, reason=reason.strip(), owner_id=owner_id,
        restricted_at=now, restricted_by=by,
    )  # fmt: skip
    for reader_id in readers:
        _name(restriction, reader_id, "Named when the record was restricted.", by, now)
    audit.record(
        Event.RECORD_RESTRICTED, by=by, at=now,
        restriction=restriction.reference, kind=kind, record=contact.reference, owner=owner_id, readers=readers,
    )  # fmt: skip
    _tell_owner(restriction, "restricted", by, now)
    # Whoever works on what may be about the same person loses sight of it, too.
    outbox.write(outbox.messages_of_restricted([person.pk], at=now, exclude_people=[person.pk]))
    return restriction


@transaction.atomic
def lift(*, restriction_id: int, reason: str, by: User, now: datetime) -> Restriction:
    """
    Lifts a restriction. The user must be able to open the record, because they have to know what everybody will see.

    :raises InvalidInput: the reason is missing.
    """
    restriction = _load(restriction_id, by, now)
    if Restriction.objects.closed_to(by, now).filter(pk=restriction.pk).exists():
        raise NotPermitted("Only who may open the record can lift its restriction. Ask the owner.")
    conditions.check_is_in_force(restriction)
    _need(reason, "Enter why everybody may open it again")
    restriction.lifted_at, restriction.lifted_by, restriction.lift_reason = now, by, reason.strip()
    restriction.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
    audit.record(Event.RESTRICTION_LIFTED, by=by, at=now, restriction=restriction.reference)
    _tell_owner(restriction, "lifted", by, now)
    return restriction


@transaction.atomic
def name_reader(*, restriction_id: int, user_id: int | None, reason: str, by: User, now: datetime) -> RestrictedAccess:
    """
    Names somebody who may open the record, as far as their roles show it to them.

    :raises InvalidInput: with every fault.
    :raises NotPermitted: they name themselves.
    """
    restriction = _load(restriction_id, by, now)
    permissions.check_not_oneself(user_id, by)
    conditions.check_is_in_force(restriction)
    faults = [*_reader_faults([user_id], now, "user"), *_missing(reason, "Enter why they may open it")]
    named = restriction.access.filter(given_by__isnull=False, until__isnull=True)
    if user_id == restriction.owner_id or named.filter(user=user_id).exists():
        faults.append(Fault(("user",), "They may open it already."))
    if faults or user_id is None:
        raise InvalidInput(faults)
    access = _name(restriction, user_id, reason.strip(), by, now)
    audit.record(Event.READER_NAMED, by=by, at=now, restriction=restriction.reference, user=user_id, access=access.pk)
    _tell_owner(restriction, f"named:{access.pk}", by, now)
    return access


@transaction.atomic
def remove_reader(*, access_id: int, by: User, now: datetime) -> RestrictedAccess:
    """Takes somebody off who was named. They lose sight of the record at once."""
    found = RestrictedAccess.objects.filter(pk=access_id, given_by__isnull=False)
    restriction = _load(found.values_list("restriction", flat=True).get(), by, now)
    conditions.check_is_in_force(restriction)
    access = found.select_for_update(of=("self",), no_key=True).select_related("restriction").get()
    conditions.check_can_still_read(access)
    access.until, access.ended_by = now, by
    access.save(update_fields=["until", "ended_by"])
    audit.record(
        Event.READER_REMOVED, by=by, at=now, restriction=restriction.reference, user=access.user_id, access=access.pk
    )
    _tell_owner(restriction, f"removed:{access.pk}", by, now)
    return access


@transaction.atomic
def change_owner(*, restriction_id: int, owner_id: int | None, by: User, now: datetime) -> Restriction:
    """
    Passes a restriction to another owner, who is told; so is the one before.

    :raises InvalidInput: the owner is no service manager or information-governance officer.
    :raises NotPermitted: they make themselves the owner.
    """
    restriction = _load(restriction_id, by, now)
    permissions.check_not_oneself(owner_id, by)
    conditions.check_is_in_force(restriction)
    if faults := list(_owner_faults(owner_id, now)):
        raise InvalidInput(faults)
    before = restriction.owner_id
    _tell_owner(restriction, f"from:{before}:{now.isoformat()}", by, now)
    restriction.owner_id = owner_id or before
    restriction.save(update_fields=["owner"])
    audit.record(
        Event.RESTRICTION_PASSED_ON, by=by, at=now,
        restriction=restriction.reference, before=before, owner=restriction.owner_id,
    )  # fmt: skip
    _tell_owner(restriction, f"to:{owner_id}:{now.isoformat()}", by, now)
    return restriction


# ---- the parts


def _load(restriction_id: int, by: User, now: datetime) -> Restriction:
    """
    The locked restriction, for somebody who may decide who opens records and has no conflict of interest in this one.

    :raises Restriction.DoesNotExist: there is no such restriction, or it is out of sight.
    """
    restriction = (
        Restriction.objects.manageable_by(by).select_for_update(of=("self",), no_key=True).get(pk=restriction_id)
    )
    permissions.check_can_restrict(by, local_day(now))
    return restriction


def _can_any_open(reader_ids: Collection[int], contact: Contact, now: datetime) -> bool:
    """Whether one of these users can open the contact today, before it is restricted."""
    readers = User.objects.filter(pk__in=reader_ids)
    return any(Contact.objects.visible_to(reader, now).filter(pk=contact.pk).exists() for reader in readers)


def _name(restriction: Restriction, user_id: int, reason: str, by: User, now: datetime) -> RestrictedAccess:
    return RestrictedAccess.objects.create(
        restriction=restriction, user_id=user_id, given_by=by, reason=reason, since=now
    )


def _tell_owner(restriction: Restriction, what: str, by: User, now: datetime) -> None:
    """Tells the owner, unless they did it themselves."""
    outbox.write(
        outbox.messages_for_owners(
            Message.RESTRICTION_CHANGED, Restriction.objects.filter(pk=restriction.pk),
            key=f"restriction:{restriction}:{what}", at=now, exclude_users=by.pk, restriction=restriction,
        )
    )  # fmt: skip


def _kind_faults(kind: str) -> Iterator[Fault]:
    if kind not in RestrictionKind.values:
        yield Fault(("kind",), "Select why few may open it")


def _owner_faults(owner_id: int | None, now: datetime) -> Iterator[Fault]:
    staff = Membership.objects.current(local_day(now)).filter(role__in=permissions.RESTRICTION_OWNERS)
    if not staff.filter(user=owner_id).exists():
        yield Fault(("owner",), "Select a service manager or an information-governance officer")


def _reader_faults(reader_ids: Collection[int | None], now: datetime, field: str = "readers") -> Iterator[Fault]:
    here = Membership.objects.current(local_day(now)).filter(user__in=reader_ids).values_list("user", flat=True)
    if not {*reader_ids} <= {*here}:
        yield Fault((field,), "Select somebody who works here")


def _missing(reason: str, says: str) -> Iterator[Fault]:
    if not reason.strip():
        yield Fault(("reason",), says)


def _need(reason: str, says: str) -> None:
    if faults := list(_missing(reason, says)):
        raise InvalidInput(faults)
