"""
Partner checks: requests to other agencies for what they know about the children of a contact, before the decision.

Front-door staff ask by telephone or e-mail, and record the request and its answer here. The service sends nothing.
"""

from datetime import datetime

from django.db import transaction

from casework.access import conditions, permissions
from casework.deadlines import clocks
from casework.messages import outbox
from casework.models import ClockEnd, Contact, Event, Message, OutboxMessage, PartnerCheck
from casework.record import audit, responsibilities
from casework.record.transitions import move
from casework.statuses import CaseStatus, HandoffStatus, PartnerCheckStatus
from errors import Fault, InvalidInput
from localities.models import FRONT_DOOR_KINDS, Agency, User
from localities.working_time import local_day


@transaction.atomic
def ask(*, contact_id: int, agency_id: int | None, question: str, by: User, now: datetime) -> PartnerCheck:
    """
    Records a request to a partner, and starts the clock for its answer.

    :raises InvalidInput: with every fault, by field.
    :raises NotPermitted: `by` does not work at the front door.
    :raises NotAllowedInStatus: the contact is decided.
    """
    contact = Contact.objects.visible_to(by, now).locked().get(pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    conditions.check_waits_for_decision(contact)
    agency = Agency.objects.filter(pk=agency_id or 0, is_active=True).first()
    faults = []
    if agency is None:
        faults.append(Fault(("agency",), "Select the partner that is asked"))
    elif contact.partner_checks.filter(agency=agency, status=PartnerCheckStatus.ASKED).exists():
        faults.append(Fault(("agency",), f"{agency} is asked already, and has not answered yet."))
    if not question.strip():
        faults.append(Fault(("question",), "Enter what the partner is asked, and why"))
    if faults or agency is None:
        raise InvalidInput(faults)
    check = PartnerCheck.objects.create(
        contact=contact, agency=agency, question=question.strip(), asked_at=now, asked_by=by
    )
    clocks.start(clocks.PARTNER_ASKED, check, at=now)
    audit.record(Event.PARTNER_ASKED, by=by, at=now, contact=contact, agency=agency.code, check=check.pk)
    return check


@transaction.atomic
def record_answer(*, check_id: int, answer: str, by: User, now: datetime) -> PartnerCheck:
    """
    Records a partner's answer. "Nothing known" is an answer, too.

    If the contact was decided without waiting for it, the team that has the case gets a message.

    :raises InvalidInput: the answer is missing.
    :raises NotPermitted: `by` does not work at the front door.
    :raises NotAllowedInStatus: the request was answered or withdrawn already.
    """
    check = _load(check_id, by, now)
    if not answer.strip():
        raise InvalidInput([Fault(("answer",), "Enter what the partner said, even if it knows nothing")])
    move(check, to=PartnerCheckStatus.ANSWERED, by=by, at=now, ended_at=now, ended_by=by, answer=answer.strip())
    clocks.stop(check, at=now)
    audit.record(Event.PARTNER_ANSWERED, by=by, at=now, contact=check.contact, check=check.pk)
    outbox.write(_to_the_team(check, now))
    return check


@transaction.atomic
def withdraw(*, check_id: int, reason: str, by: User, now: datetime) -> PartnerCheck:
    """
    Withdraws a request, with a reason.

    :raises InvalidInput: the reason is missing.
    :raises NotPermitted: `by` does not work at the front door.
    :raises NotAllowedInStatus: the request was answered or withdrawn already.
    """
    check = _load(check_id, by, now)
    if not reason.strip():
        raise InvalidInput([Fault(("reason",), "Enter why the request is withdrawn")])
    _withdraw(check, reason.strip(), by, now)
    return check


def unanswered(contact: Contact) -> list[PartnerCheck]:
    """The requests without an answer, in the order in which they were asked."""
    asked = contact.partner_checks.filter(status=PartnerCheckStatus.ASKED)
    return list(asked.select_related("agency").order_by("pk"))


def withdraw_unanswered(checks: list[PartnerCheck], *, by: User, now: datetime) -> None:
    """Withdraws requests that a decision does not wait for. The action has locked the contact."""
    for check in checks:
        _withdraw(check, "It was decided without the answer.", by, now)


def _to_the_team(check: PartnerCheck, now: datetime) -> list[OutboxMessage]:
    """The message about an answer to whoever works on the case, or is to: none before the decision."""
    case = check.contact.case
    if case is None or case.status != CaseStatus.OPEN:
        return []
    offered = case.handoffs.filter(status=HandoffStatus.OFFERED).select_related("to_team").first()
    team = offered.to_team if offered else responsibilities.current(case).team
    if team.kind in FRONT_DOOR_KINDS:
        # They record it themselves.
        return []
    return outbox.messages_for_team(
        Message.PARTNER_ANSWERED, team, key=f"partner_answered:{check.pk}", at=now, contact=check.contact, case=case
    )


def _load(check_id: int, by: User, now: datetime) -> PartnerCheck:
    """The request, with its contact locked. Before there is a case, every action locks the contact's row."""
    contact = Contact.objects.visible_to(by, now).locked().get(partner_checks=check_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    check = PartnerCheck.objects.select_related("contact__case", "agency").get(pk=check_id)
    conditions.check_is_asked(check)
    return check


def _withdraw(check: PartnerCheck, reason: str, by: User, now: datetime) -> None:
    # The decision may have started a moment before the request.
    ended_at = max(now, check.asked_at)
    move(check, to=PartnerCheckStatus.WITHDRAWN, by=by, at=now, why=reason, ended_at=ended_at, ended_by=by)
    clocks.stop(check, at=now, ended=ClockEnd.OVERTAKEN)
    audit.record(Event.PARTNER_CHECK_WITHDRAWN, by=by, at=now, contact=check.contact, check=check.pk)
