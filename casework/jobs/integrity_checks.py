"""
Checks every night that no invariant of the database is broken, and tells the administrators if one is.
"""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from casework.jobs import files
from casework.messages import outbox
from casework.models import Event, Message
from casework.record import audit, integrity
from casework.record.integrity import Finding
from localities.models import Membership, Role
from localities.working_time import local_day


def check(*, now: datetime) -> dict[str, int]:
    """
    Checks every invariant over the whole database, and records the result in the audit.

    If one is broken, the administrators get a message, or the service managers if there is no administrator: once a
    day, however often this runs.

    :returns: the number of violations of each broken invariant.
    """
    findings = list(everything())
    broken = {finding.sentence: finding.broken for finding in findings if finding.broken}
    _record(len(findings), broken, now)
    return broken


def everything() -> Iterator[Finding]:
    """Checks every invariant of the database, and that the storage has the content of every file."""
    yield from integrity.check()
    yield Finding("Every file has its content", files.without_content())


@transaction.atomic
def _record(checked: int, broken: dict[str, int], now: datetime) -> None:
    audit.record(Event.INTEGRITY_CHECKED, by=audit.SYSTEM, at=now, checked=checked, broken=broken)
    if broken:
        today = local_day(now)
        administrators = Membership.objects.current(today).filter(role=Role.ADMINISTRATOR, user__is_active=True)
        role = Role.ADMINISTRATOR if administrators.exists() else Role.SERVICE_MANAGER
        outbox.add_for_roles(Message.INTEGRITY_BROKEN, role, key=f"integrity_broken:{today}", at=now)
