"""The owner of a contact: who at the front door sees to it. Everybody sees whose it is, and that it is nobody's."""

from datetime import date, datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from casework.access import conditions, permissions
from casework.access.loading import locked_contact
from casework.messages import outbox
from casework.models import Absence, Contact, Event, Message
from casework.record import audit
from errors import Fault, InvalidInput
from localities.models import FRONT_DOOR_KINDS, FRONT_DOOR_ROLES, Membership, User
from localities.working_time import local_day


@transaction.atomic
def assign(*, contact_id: int, to_id: int | None, seen_owner_id: int | None, by: User, now: datetime) -> Contact:
    """
    Assigns a contact that waits to somebody at the front door: to oneself, to a colleague, or to nobody.

    :param to_id: the new owner; None for nobody.
    :param seen_owner_id: who owned it when `by` looked. To take it from them is then meant.
    :raises InvalidInput: `to_id` is nobody who works at the front door and may open the contact.
    :raises NotPermitted: `by` does not work at the front door.
    :raises NotAllowedInStatus: the contact is decided.
    :raises TakenBySomeoneElse: it has another owner now.
    """
    contact = locked_contact(by, now, pk=contact_id)
    permissions.check_can_assign(contact, by, local_day(now))
    conditions.check_is_not_decided(contact)
    if contact.owner_id == to_id:
        # Pressed twice, or by two people for one person.
        return contact
    conditions.check_owner_unchanged(contact, seen_owner_id)
    to = None if to_id is None else who_can_see_to(contact, to_id, now)
    if to_id is not None and to is None:
        raise InvalidInput([Fault(("to",), "Select somebody at the front door who can open this contact")])
    give(contact, to, by=by, now=now)
    if to is not None and to != by:
        key = f"contact_assigned:{contact.pk}:{to.pk}:{now.isoformat()}"
        outbox.write(outbox.messages_for_person(Message.CONTACT_ASSIGNED, to, key=key, at=now, contact=contact))
    return contact


def give(contact: Contact, to: User | None, *, by: audit.Actor, now: datetime) -> None:
    """Gives a locked contact another owner, for an action that has checked that it may."""
    if contact.owner_id == (to.pk if to else None):
        return
    contact.owner = to
    contact.save(update_fields=["owner"])
    audit.record(Event.CONTACT_ASSIGNED, by=by, at=now, contact=contact, owner=to.pk if to else None)


def who_can_see_to(contact: Contact, user_id: int, now: datetime) -> User | None:
    """This person, if they work at the front door today and may open the contact."""
    user = front_door_staff(local_day(now)).filter(pk=user_id).first()
    is_open = user is not None and Contact.objects.open_to(user, now).filter(pk=contact.pk).exists()
    return user if is_open else None


def front_door_staff(on: date) -> QuerySet[User]:
    """Who works at the front door or on emergency duty on this day, by name."""
    memberships = Membership.objects.current(on).filter(
        user=OuterRef("pk"), role__in=FRONT_DOOR_ROLES, team__kind__in=FRONT_DOOR_KINDS
    )
    return User.objects.filter(Exists(memberships)).order_by("name")


def to_suggest(people: QuerySet[User], on: date, *, also: int | None) -> QuerySet[User]:
    """
    Those of these people who are here on this day: nobody gives work to somebody who is away without meaning to.

    :param also: who has it already, and is named whether or not they are away.
    """
    away = Absence.objects.on(on).filter(person=OuterRef("pk"))
    return people.filter(~Exists(away) | Q(pk=also))
