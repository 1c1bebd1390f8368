"""
What must never be false is refused by the database as it is written. This looks every night whether it is so, and
tells the administrators when it is not.
"""

from datetime import datetime

from django.db import transaction

from casework.messages import outbox
from casework.models import Event, Message
from casework.record import audit, integrity
from localities.models import Membership, Role
from localities.working_time import local_day


def check(*, now: datetime) -> dict[str, int]:
    """
    Count every invariant over the whole database, and write down what is broken. If anything is, the administrators
    are told, and where there are none the service managers: once a day, however often this runs.

    :returns: what is broken, and how often.
    """
    found = list(integrity.check())
    broken = {finding.sentence: finding.broken for finding in found if finding.broken}
    _write_down(len(found), broken, now)
    return broken


@transaction.atomic
def _write_down(checked: int, broken: dict[str, int], now: datetime) -> None:
    audit.record(Event.INTEGRITY_CHECKED, by=audit.SYSTEM, at=now, checked=checked, broken=broken)
    if broken:
        today = local_day(now)
        administrators = Membership.objects.current(today).filter(role=Role.ADMINISTRATOR, user__is_active=True)
        role = Role.ADMINISTRATOR if administrators.exists() else Role.SERVICE_MANAGER
        outbox.add_for_roles(Message.INTEGRITY_BROKEN, role, key=f"integrity_broken:{today}", at=now)
