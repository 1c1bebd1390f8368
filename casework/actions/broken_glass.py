"""Emergency access to a restricted record (break glass): with a reason, for some hours; and the review of it."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from casework.access import conditions, permissions, restricted
from casework.messages import outbox
from casework.models import (
    GLASS_IS_BROKEN_FOR,
    Case,
    Contact,
    Event,
    Message,
    RestrictedAccess,
    Restriction,
)
from casework.record import audit
from casework.references import CASE, RESTRICTION, as_reference, is_of
from errors import Fault, InvalidInput
from localities.models import OVERSEEING_ROLES, Role, User
from localities.roles import roles_of
from localities.working_time import local_day

NOTHING_TO_OPEN = "You have no restricted record with this reference. Check it, or ask a front-door manager."


@transaction.atomic
def break_glass(*, reference: str, reason: str, by: User, now: datetime) -> Contact | Case | Restriction:
    """
    Opens a restricted record for four hours. The owner and information governance are told at once.

    It opens what the user's roles would show them, were it not restricted; never a record in which they have a conflict
    of interest.

    :param reference: of a contact, a case or a restriction, as it was typed.
    :returns: what was opened.
    :raises InvalidInput: with every fault.
    """
    record = _find(as_reference(reference), by, now)
    faults = [] if reason.strip() else [Fault(("reason",), "Enter why you must open it now")]
    closed = [] if record is None else _lock_closed(record, by, now)
    if not closed:
        faults.append(Fault(("reference",), NOTHING_TO_OPEN))
    if faults or record is None:
        raise InvalidInput(faults)
    until = now + GLASS_IS_BROKEN_FOR
    contact = record if isinstance(record, Contact) else None
    case = record if isinstance(record, Case) else None
    entries, messages = [], []
    for restriction in closed:
        access = RestrictedAccess.objects.create(
            restriction=restriction, user=by, reason=reason.strip(), since=now, until=until,
            contact=contact, case=case,
        )  # fmt: skip
        entries.append(audit.entry(
            Event.GLASS_BROKEN, by=by, at=now,
            restriction=restriction.reference, record=record.reference, access=access.pk, until=until.isoformat(),
        ))  # fmt: skip
        messages += outbox.messages_for_owners(
            Message.GLASS_BROKEN, Restriction.objects.filter(pk=restriction.pk), Role.INFORMATION_GOVERNANCE,
            key=f"glass_broken:{access.pk}", at=now, restriction=restriction,
        )  # fmt: skip
    audit.record_all(entries)
    outbox.write(messages)
    return record


@transaction.atomic
def review(*, access_id: int, says: str, by: User, now: datetime) -> RestrictedAccess:
    """
    Records what somebody else thinks of a broken glass.

    :raises InvalidInput: nothing is said.
    """
    broken = RestrictedAccess.objects.broken_glass().filter(restriction__in=Restriction.objects.manageable_by(by))
    access = broken.select_related("restriction").select_for_update(of=("self",), no_key=True).get(pk=access_id)
    permissions.check_can_review(access, by, local_day(now))
    conditions.check_waits_for_review(access)
    if not says.strip():
        raise InvalidInput([Fault(("says",), "Enter whether it was right, and what follows")])
    access.reviewed_at, access.reviewed_by, access.review = now, by, says.strip()
    access.save(update_fields=["reviewed_at", "reviewed_by", "review"])
    audit.record(Event.GLASS_REVIEWED, by=by, at=now, restriction=access.restriction.reference, access=access.pk)
    return access


def _find(reference: str, by: User, now: datetime) -> Contact | Case | Restriction | None:
    """What the user's roles would show them, were it not restricted, and unless they have a conflict of interest."""
    who = roles_of(by, local_day(now))
    if is_of(RESTRICTION, reference):
        # A restriction stands beside a possible match, which only they see.
        sees = who.front_door_roles or who.has(*OVERSEEING_ROLES)
        return Restriction.objects.manageable_by(by).filter(reference=reference).first() if sees else None
    found: QuerySet[Contact] | QuerySet[Case] = (
        Case.objects.in_scope_of(by, now) if is_of(CASE, reference) else Contact.objects.in_scope_of(by, now)
    )
    record = found.filter(reference=reference).first()
    return None if record is None or restricted.has_conflict(by, restricted.people_on(record)) else record


def _lock_closed(record: Contact | Case | Restriction, by: User, now: datetime) -> list[Restriction]:
    """The locked restrictions that keep the user out, so that two attempts at once break the glass once."""
    on_it = (
        Restriction.objects.in_force().filter(pk=record.pk)
        if isinstance(record, Restriction)
        else restricted.in_force_on(record)
    )
    locked = [each.pk for each in on_it.order_by("pk").select_for_update(of=("self",), no_key=True)]
    return list(Restriction.objects.closed_to(by, now).filter(pk__in=locked).order_by("pk"))
