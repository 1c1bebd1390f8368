"""Cases: naming the lead practitioner and the other authority, and recording milestones."""

from datetime import datetime

from django.db import transaction

from casework.access import conditions, permissions
from casework.access.loading import locked_case
from casework.deadlines import clocks
from casework.models import (
    Case,
    Event,
    Milestone,
    MilestoneKind,
)
from casework.record import audit, responsibilities
from errors import Fault, InvalidInput
from localities.models import OtherAuthority, Team, User
from localities.working_time import local_day


def _load(case_id: int, by: User, now: datetime) -> tuple[Case, Team]:
    """Loads and locks the open case, with its responsible team. `by` must work in that team."""
    case = locked_case(by, now, pk=case_id)
    responsible = responsibilities.responsible_team(case)
    permissions.check_can_work_in(case, responsible.pk, by, local_day(now))
    conditions.check_is_open(case)
    return case, responsible


@transaction.atomic
def name_lead(*, case_id: int, lead_id: int | None, by: User, now: datetime) -> Case:
    """
    Names the lead practitioner: one member of the responsible team, whom the family knows. A case that was returned
    stays with that team then.

    :raises InvalidInput: no user is chosen, or a user outside the team.
    :raises NotPermitted: `by` does not work in the responsible team.
    """
    case, responsible = _load(case_id, by, now)
    lead = User.objects.filter(pk=lead_id or 0).first()
    if lead is None or not permissions.works_in(lead, responsible.pk, local_day(now)):
        raise InvalidInput([Fault(("lead",), "Select somebody who works in the team responsible for the case")])
    case.lead_practitioner, case.lead_left_on = lead, None
    case.save(update_fields=["lead_practitioner", "lead_left_on"])
    clocks.stop(case, clocks.LEAD_NAMED, *clocks.RETURNED_CASE, at=now)
    audit.record(Event.LEAD_NAMED, by=by, at=now, case=case, lead=lead.pk)
    return case


@transaction.atomic
def record_milestone(*, case_id: int, kind: str, at: datetime | None, by: User, now: datetime) -> Case:
    """
    Records that a milestone was reached. It stops its clocks and may start the next ones.

    :param at: when the work was done.
    :raises InvalidInput: with every fault, by field.
    """
    case, _ = _load(case_id, by, now)
    faults = []
    if kind not in set(MilestoneKind):
        faults.append(Fault(("kind",), "Select what was done"))
    if at is None:
        faults.append(Fault(("at",), "Enter when it was done"))
    elif not case.received_at <= at <= now:
        faults.append(Fault(("at",), "It must lie between the family's contact and now."))
    if faults or at is None:
        raise InvalidInput(faults)
    Milestone.objects.create(case=case, kind=kind, at=at, recorded_by=by, recorded_at=now)
    clocks.stop(case, *clocks.STOPPED_BY[MilestoneKind(kind)], at=at)
    clocks.start(kind, case, at=at)
    audit.record(Event.MILESTONE_RECORDED, by=by, at=now, case=case, milestone=kind, done_at=at.isoformat())
    return case


@transaction.atomic
def name_other_authority(*, case_id: int, authority_id: int | None, by: User, now: datetime) -> Case:
    """
    Names the other council that is responsible for the family. A person chooses it, never the service.

    :raises InvalidInput: no council is chosen.
    """
    case, _ = _load(case_id, by, now)
    authority = OtherAuthority.objects.filter(pk=authority_id or 0).first()
    if authority is None:
        raise InvalidInput([Fault(("authority",), "Select the council that answers for this family")])
    case.other_authority = authority
    case.save(update_fields=["other_authority"])
    audit.record(Event.OTHER_AUTHORITY_NAMED, by=by, at=now, case=case, authority=authority.pk)
    return case
