"""Passes the contacts that wait with emergency duty to the day team when the hub opens."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from casework.actions.contact_handovers import lapse, other_team, pass_on
from casework.models import Contact, ContactHandover
from casework.models.contacts import ContactQuerySet
from casework.record import audit
from localities import calendar
from localities.models import TeamKind
from localities.working_time import at, local_day


def pass_to_day_team(*, now: datetime) -> int:
    """
    While the hub is open, passes every contact to the day team that has waited with emergency duty since before it
    opened. Safe to run twice, and at the same time as itself.

    :returns: the number of passed contacts.
    """
    working_time = calendar.current()
    if not working_time.is_open(now):
        return 0
    today = local_day(now)
    opened_at = at(today, working_time.hours[today.weekday()].opens)
    passed = 0
    for contact_id in _waiting_since_before(opened_at).order_by("received_at").values_list("pk", flat=True):
        passed += _pass_one(contact_id, opened_at, now)
    return passed


def _waiting_since_before(opened_at: datetime) -> ContactQuerySet:
    """The contacts with emergency duty, without those that the day team has passed there since this moment."""
    for_tonight = ContactHandover.objects.filter(
        contact=OuterRef("pk"), to_team__kind=TeamKind.EMERGENCY_DUTY, passed_at__gte=opened_at
    )
    return Contact.objects.undecided().filter(team__kind=TeamKind.EMERGENCY_DUTY).exclude(Exists(for_tonight))


@transaction.atomic
def _pass_one(contact_id: int, opened_at: datetime, now: datetime) -> bool:
    """Passes a contact, unless another transaction has locked it: then the next run passes it."""
    waiting = _waiting_since_before(opened_at).locked(skip_locked=True)
    contact = waiting.select_related("team").filter(pk=contact_id).first()
    to_team = None if contact is None else other_team(contact.team)
    if contact is None or to_team is None:
        return False
    lapse(contact, now)
    pass_on(contact, to_team, "", audit.SYSTEM, now)
    return True
