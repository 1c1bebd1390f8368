"""
Finds the open cases whose lead practitioner has left the responsible team, and has another named.

Whoever leaves stays on the case's page as its lead, and the deadline for naming one was met long ago: the family knows
nobody, and nobody was told.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery

from casework.deadlines import clocks
from casework.messages import outbox
from casework.models import Case, CaseQuerySet, Event, Message, Responsibility
from casework.record import audit, responsibilities
from casework.statuses import CaseStatus
from localities.models import LEADING_ROLES, Membership
from localities.working_time import local_day


def release(*, now: datetime) -> int:
    """
    Notes of every such case that its lead has left, starts the clock for naming another anew, and tells whoever leads
    the team. Safe to run twice, and at the same time as itself.

    :returns: the number of cases.
    """
    return sum(_release_one(case_id, now) for case_id in _lost(now).order_by("pk").values_list("pk", flat=True))


def _lost(now: datetime) -> CaseQuerySet:
    led = Case.objects.filter(status=CaseStatus.OPEN, lead_practitioner__isnull=False, lead_left_on=None)
    team = Responsibility.objects.filter(case=OuterRef("pk"), period__endswith__isnull=True).values("team")[:1]
    works_here = Membership.objects.current(local_day(now)).filter(
        user=OuterRef("lead_practitioner"), team=OuterRef("with_team")
    )
    return led.annotate(with_team=Subquery(team)).filter(~Exists(works_here))


@transaction.atomic
def _release_one(case_id: int, now: datetime) -> bool:
    """Unless another transaction has locked the case: then the next run does it."""
    case = _lost(now).locked(skip_locked=True).filter(pk=case_id).first()
    if case is None:
        return False
    team, lead = responsibilities.responsible_team(case), case.lead_practitioner_id
    last = Membership.objects.filter(user=lead, team=team, ends_on__lt=local_day(now)).order_by("-ends_on").first()
    case.lead_left_on = last.ends_on if last is not None else local_day(now)
    case.save(update_fields=["lead_left_on"])
    clocks.start_lead_anew(case, at=now)
    audit.record(Event.LEAD_LEFT, by=audit.SYSTEM, at=now, case=case, lead=lead)
    outbox.add_for_team(
        Message.LEAD_LEFT, team, *LEADING_ROLES, key=f"lead_left:{case}:{lead}:{case.lead_left_on}", at=now, case=case
    )
    return True
