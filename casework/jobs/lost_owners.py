"""
Takes contacts that wait from an owner who cannot see to them any more.

Who declares a conflict of interest, whose restricted record closes, or who leaves the front door, no longer sees the
contact. To everybody else it seemed to be somebody's, and nobody saw to it.
"""

from datetime import datetime

from django.db import transaction

from casework.actions import contact_owners
from casework.models import Contact
from casework.models.contacts import ContactQuerySet
from casework.record import audit
from localities.models import User
from localities.working_time import local_day


def release(*, now: datetime) -> int:
    """
    Leaves every such contact to nobody. Safe to run twice, and at the same time as itself.

    :returns: the number of contacts.
    """
    owners = User.objects.filter(pk__in=_waiting().order_by().values("owner"))
    works_here = {*contact_owners.front_door_staff(local_day(now)).values_list("pk", flat=True)}
    return sum(
        _release_one(contact_id, owner, now)
        for owner in owners
        for contact_id in _lost(owner, owner.pk in works_here, now).order_by("pk").values_list("pk", flat=True)
    )


def _waiting() -> ContactQuerySet:
    return Contact.objects.undecided().filter(owner__isnull=False)


def _lost(owner: User, works_here: bool, now: datetime) -> ContactQuerySet:
    owned = _waiting().filter(owner=owner)
    seen = Contact.objects.visible_to(owner, now).filter(owner=owner)
    return owned.exclude(pk__in=seen.order_by().values("pk")) if works_here else owned


@transaction.atomic
def _release_one(contact_id: int, owner: User, now: datetime) -> bool:
    """Unless another transaction has locked the contact: then the next run does it."""
    contact = _waiting().locked(skip_locked=True).filter(pk=contact_id, owner=owner).first()
    if contact is None:
        return False
    contact_owners.give(contact, None, by=audit.SYSTEM, now=now)
    return True
