"""Makes somebody's address confidential, and lifts that. A contact that says so makes it confidential as well."""

from datetime import datetime

from django.db import transaction

from casework.access import conditions, permissions
from casework.access.loading import locked_person
from casework.families.confidentiality import bring_up_to_date, lock_around
from casework.families.sameness import records_of
from casework.models import AddressProtection, Event, Person
from casework.record import audit
from errors import Fault, InvalidInput
from localities.models import User
from localities.working_time import local_day


@transaction.atomic
def protect(*, person_id: int, reason: str, by: User, now: datetime) -> Person:
    """
    Makes a person's address confidential: on every contact, also those before and those that follow.

    :param reason: who says so, and why.
    :raises Person.DoesNotExist: there is no such person, or none that `by` may see.
    :raises InvalidInput: nobody says why.
    """
    lock_around([person_id], will_hide=True)
    person = locked_person(by, now, pk=person_id)
    permissions.check_can_protect(by, local_day(now))
    conditions.check_is_not_protected(person)
    if not reason.strip():
        raise InvalidInput([Fault(("reason",), "Enter who wants the address to be confidential, and why")])
    # Of each record: whoever is told apart later stays in hiding.
    AddressProtection.objects.bulk_create(
        AddressProtection(person=record, since=now, said_by=by, reason=reason.strip())
        for record in records_of([person.pk]).order_by("pk")
    )
    bring_up_to_date({person.pk}, now=now)
    audit.record(Event.ADDRESS_PROTECTED, by=by, at=now, person=person.reference)
    return person


@transaction.atomic
def lift(*, person_id: int, reason: str, by: User, now: datetime) -> Person:
    """
    Says that a person's address is safe to show: ends the protections that are in force.

    A person without one may have a hidden address because of a sibling, or because they may be somebody in hiding: then
    the addresses known today are safe to show.

    :raises Person.DoesNotExist: there is no such person, or none that `by` may see.
    :raises InvalidInput: nobody says why.
    """
    lock_around([person_id])
    person = locked_person(by, now, pk=person_id)
    permissions.check_can_lift_protection(by, local_day(now))
    conditions.check_is_hidden(person)
    if not reason.strip():
        raise InvalidInput([Fault(("reason",), "Enter why the address is safe to show, and who says so")])
    said = {"lifted_at": now, "lifted_by": by, "lifted_because": reason.strip()}
    in_force = AddressProtection.objects.filter(person__in=records_of([person.pk]), lifted_at__isnull=True)
    if not in_force.update(**said):
        AddressProtection.objects.create(person=person, since=now, said_by=by, reason=reason.strip(), **said)
    bring_up_to_date({person.pk}, now=now)
    audit.record(Event.ADDRESS_PROTECTION_LIFTED, by=by, at=now, person=person.reference)
    return person
