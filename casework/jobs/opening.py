"""When the hub opens, the service passes to the day team what is left of the night: nobody has to remember it."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from casework.actions.contact_handovers import CLOCK, other_team, pass_on
from casework.deadlines import clocks
from casework.models import ClockEnd, Contact, ContactHandover
from casework.record import audit
from casework.statuses import ContactStatus
from localities import calendar
from localities.models import TeamKind
from localities.working_time import at, local_day


def pass_to_day_team(*, now: datetime) -> int:
    """
    While the hub is open, pass to the day team whatever waits with emergency duty since before it opened. Safe to run
    twice, and at the same time as itself.

    :returns: how many contacts were passed.
    """
    working_time = calendar.current()
    if not working_time.is_open(now):
        return 0
    today = local_day(now)
    opened_at = at(today, working_time.hours[today.weekday()].opens)
    passed = 0
    for contact_id in _left_by_the_night(opened_at).order_by("received_at").values_list("pk", flat=True):
        passed += _pass_one(contact_id, opened_at, now)
    return passed


def _left_by_the_night(opened_at: datetime) -> QuerySet[Contact]:
    """What waits with emergency duty. What the day team passed there since the hub opened is for the night to come."""
    for_tonight = ContactHandover.objects.filter(
        contact=OuterRef("pk"), to_team__kind=TeamKind.EMERGENCY_DUTY, passed_at__gte=opened_at
    )
    return (
        Contact.objects.filter(team__kind=TeamKind.EMERGENCY_DUTY)
        .exclude(status=ContactStatus.DECIDED)
        .exclude(Exists(for_tonight))
    )


@transaction.atomic
def _pass_one(contact_id: int, opened_at: datetime, now: datetime) -> bool:
    """Pass a contact, unless somebody works on it at this very moment: then the next time."""
    waits = _left_by_the_night(opened_at).select_for_update(of=("self",), no_key=True, skip_locked=True)
    contact = waits.select_related("team").filter(pk=contact_id).first()
    to_team = None if contact is None else other_team(contact.team)
    if contact is None or to_team is None:
        return False
    # The night should have taken it on and did not: its clock said so.
    if contact.handovers.open().update(lapsed_at=now):
        clocks.stop(contact, CLOCK, at=now, ended=ClockEnd.OVERTAKEN)
    pass_on(contact, to_team, "", audit.SYSTEM, now)
    return True
