"""Pausing, resuming and extending clocks: by a person, for a reason, and recorded in the clock's changes."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from casework.access import conditions, permissions
from casework.deadlines import clocks
from casework.models import Case, Clock, Contact, Event
from casework.record import audit, responsibilities
from errors import Fault, InvalidInput
from localities.models import Team, User
from localities.working_time import local_day

# A moment further away is a typing error.
LONGEST_EXTENSION = timedelta(days=92)


@transaction.atomic
def pause(*, clock_id: int, reason: str, by: User, now: datetime) -> Clock:
    """
    Pauses a clock while a family's agreement is sought. It resumes by itself with the family's answer.

    :raises InvalidInput: the reason is missing.
    :raises NotPermitted: `by` does not work at the front door.
    :raises NotAllowedInStatus: the policy does not allow it, the contact is red, or no agreement is sought.
    """
    clock, subject, _ = _load(clock_id, by, now)
    _check_may_change(subject, by, now)
    conditions.check_may_pause(clock)
    assert isinstance(subject, Contact), "only policies about contacts may pause"
    is_sought = subject.clocks.running().filter(kind=clocks.AGREEMENT_SOUGHT).exists()
    conditions.check_can_pause(clock, subject, is_sought=is_sought, now=now)
    _need(reason, "Enter why the deadline is paused")
    clocks.pause(clock, reason=reason.strip(), by=by, at=now)
    audit.record(Event.CLOCK_PAUSED, by=by, at=now, contact=subject, kind=clock.kind)
    return clock


@transaction.atomic
def resume(*, clock_id: int, reason: str, by: User, now: datetime) -> Clock:
    """
    Resumes a paused clock before the family has answered.

    :raises InvalidInput: the reason is missing.
    :raises NotPermitted: `by` does not work at the front door.
    :raises NotAllowedInStatus: the clock is not paused.
    """
    clock, subject, _ = _load(clock_id, by, now)
    _check_may_change(subject, by, now)
    conditions.check_is_paused(clock)
    assert isinstance(subject, Contact), "only policies about contacts may pause"
    _need(reason, "Enter why the deadline is resumed")
    clocks.resume(clock, reason=reason.strip(), by=by, at=now)
    audit.record(Event.CLOCK_RESUMED, by=by, at=now, contact=subject, kind=clock.kind, due=clock.due_at.isoformat())
    return clock


@transaction.atomic
def extend(*, clock_id: int, to: datetime | None, reason: str, by: User, now: datetime) -> Clock:
    """
    Extends a running clock to a later moment. The clock's changes keep the earlier one.

    :raises InvalidInput: with every fault, by field.
    :raises NotPermitted: `by` has not the role to which the clock escalates in the responsible team, and is no service
        manager.
    :raises NotAllowedInStatus: the clock has stopped, is paused, counts in hours, or is about an answer.
    """
    clock, subject, responsible = _load(clock_id, by, now)
    permissions.check_can_extend(clock, responsible.pk, by, local_day(now))
    if isinstance(subject, Case):
        conditions.check_is_open(subject)
    conditions.check_can_extend(clock)
    faults = []
    if to is None:
        faults.append(Fault(("to",), "Enter until when"))
    elif not max(clock.due_at, now) < to <= clock.due_at + LONGEST_EXTENSION:
        faults.append(Fault(("to",), "Enter a moment after it is due and after now, at most three months later"))
    if not reason.strip():
        faults.append(Fault(("reason",), "Enter why more time is needed, and how the children are safe until then"))
    if faults or to is None:
        raise InvalidInput(faults)
    clocks.extend(clock, to=to, reason=reason.strip(), by=by, at=now)
    contact, case = (subject, None) if isinstance(subject, Contact) else (None, subject)
    audit.record(
        Event.CLOCK_EXTENDED, by=by, at=now, contact=contact, case=case, kind=clock.kind, due=clock.due_at.isoformat()
    )
    return clock


def _load(clock_id: int, by: User, now: datetime) -> tuple[Clock, Contact | Case, Team]:
    """The clock, its locked subject, and the responsible team."""
    clock = Clock.objects.select_related("partner_check", "handoff__to_team").get(pk=clock_id)
    if (contact_id := clock.partner_check.contact_id if clock.partner_check else clock.contact_id) is not None:
        contact = Contact.objects.visible_to(by, now).locked().get(pk=contact_id)
        return _again(clock), contact, contact.team
    of_case = Q(handoffs=clock.handoff_id) if clock.handoff_id is not None else Q(clocks=clock.pk)
    case = Case.objects.visible_to(by, now).locked().get(of_case)
    return _again(clock), case, clock.handoff.to_team if clock.handoff else responsibilities.responsible_team(case)


def _check_may_change(subject: Contact | Case, by: User, now: datetime) -> None:
    """
    Front-door staff may pause and resume the clocks of contacts. By their policies, the clocks of cases are never
    paused.
    """
    if isinstance(subject, Contact):
        permissions.check_can_work_on(subject, by, local_day(now))


def _again(clock: Clock) -> Clock:
    """The clock, read again after its subject was locked."""
    return Clock.objects.select_related("policy").select_for_update(of=("self",), no_key=True).get(pk=clock.pk)


def _need(reason: str, says: str) -> None:
    if not reason.strip():
        raise InvalidInput([Fault(("reason",), says)])
