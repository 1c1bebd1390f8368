"""
Partner checks: requests to other agencies for what they know about the children of a contact, before the decision.

An agency that has a system of its own can be asked there, about named children, and answers there. Any other is asked
by telephone or e-mail, and front-door staff record the request and its answer here; the service sends it nothing.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction

from casework.access import conditions, permissions, restricted
from casework.deadlines import clocks
from casework.facts.contact_document import as_meant, digest_of
from casework.messages import outbox
from casework.models import (
    ClockEnd,
    Contact,
    Event,
    Message,
    OutboxMessage,
    PartnerCheck,
    PartnerReply,
    ReplyKind,
)
from casework.models.contacts import new_check_key
from casework.record import audit, responsibilities
from casework.record.transitions import move
from casework.statuses import CaseStatus, HandoffStatus, PartnerCheckStatus
from errors import Fault, InvalidInput, KeyUsedForAnother
from localities.models import FRONT_DOOR_KINDS, Agency, User
from localities.working_time import local_day

NOTHING_KNOWN = "Nothing is known."


@transaction.atomic
def ask(
    *,
    contact_id: int,
    agency_id: int | None,
    question: str,
    in_system: bool = False,
    child_ids: Collection[int] = (),
    by: User,
    now: datetime,
) -> PartnerCheck:
    """
    Asks a partner, or records that somebody asks it by telephone or e-mail, and starts the clock for its answer.

    :param in_system: whether the partner reads the question in its own system.
    :param child_ids: the children of the contact whose names it reads there. Of one child, that one.
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
    elif in_system and not agency.clients.exists():
        faults.append(Fault(("in_system",), f"{agency} has no system here. Ask by telephone or e-mail."))
    if not question.strip():
        faults.append(Fault(("question",), "Enter what the partner is asked, and why"))
    children = list(contact.children.all())
    named = [child for child in children if child.pk in child_ids] or (children if len(children) == 1 else [])
    if in_system and not named:
        faults.append(Fault(("child_ids",), "Select the children about whom the partner is asked"))
    if in_system and restricted.in_force_on(contact).exists():
        faults.append(Fault(("in_system",), "A record on this contact is restricted. Ask by telephone."))
    if faults or agency is None:
        raise InvalidInput(faults)
    check = PartnerCheck.objects.create(
        contact=contact, agency=agency, question=question.strip(), asked_at=now, asked_by=by,
        key=new_check_key() if in_system else None, child_ids=[child.pk for child in named] if in_system else [],
    )  # fmt: skip
    clocks.start(clocks.PARTNER_ASKED, check, at=now)
    if in_system:
        outbox.write(told(Message.CHECK_ASKED, check, now))
    audit.record(
        Event.PARTNER_ASKED, by=by, at=now, contact=contact, agency=agency.code, check=check.pk, in_system=in_system
    )
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
    outbox.write(_to_the_team(check, now, Message.PARTNER_ANSWERED, f"partner_answered:{check.pk}"))
    return check


@transaction.atomic
def tell(*, check_id: int, text: str, by: User, now: datetime) -> PartnerReply:
    """
    Answers what a partner asked back in its system.

    :raises InvalidInput: there is no text.
    :raises NotPermitted: `by` does not work at the front door.
    :raises NotAllowedInStatus: the request has ended, or is none that the partner reads in its system.
    """
    check = _load(check_id, by, now)
    conditions.check_is_read_in_system(check)
    if not text.strip():
        raise InvalidInput([Fault(("text",), "Enter what the partner should know")])
    reply = PartnerReply.objects.create(partner_check=check, at=now, by_user=by, kind=ReplyKind.TOLD, text=text.strip())
    audit.record(Event.PARTNER_TOLD, by=by, at=now, contact=check.contact, check=check.pk)
    return reply


class Replied(NamedTuple):
    """A reply, and whether this call stored it, not an earlier one with the same idempotency key."""

    reply: PartnerReply
    is_new: bool


def reply(
    *, key: str, kind: ReplyKind, text: str, idempotency_key: str | None = None, by: Agency, now: datetime
) -> Replied:
    """
    Keeps what an agency says in its system about a question to it. The first answer ends the question. What comes after
    its end is kept, too, and whoever works with the family by then is told.

    :param kind: ANSWER, NOTHING_KNOWN or ASKS_BACK.
    :raises InvalidInput: there is no text, where one is needed.
    :raises KeyUsedForAnother: the key was used before for another reply.
    :raises PartnerCheck.DoesNotExist: there is no such question, or it is to another agency.
    """
    said: dict[str, Any] = {"key": key, "kind": kind, "text": text}
    try:
        return _reply(said, idempotency_key, by, now)
    except IntegrityError:
        # The same one came at the same moment, and is stored by now.
        return _reply(said, idempotency_key, by, now)


@transaction.atomic
def _reply(said: Mapping[str, Any], idempotency_key: str | None, by: Agency, now: datetime) -> Replied:
    digest = digest_of(as_meant(dict(said)))
    if idempotency_key is not None:
        earlier = PartnerReply.objects.filter(by_agency=by, idempotency_key=idempotency_key)
        if (found := earlier.select_related("partner_check").first()) is not None:
            if found.digest != digest:
                says = "This idempotency key came before with another reply. Use a new key for a new one."
                raise KeyUsedForAnother(says, earlier=str(found.partner_check.key))
            return Replied(found, is_new=False)
    kind, text = ReplyKind(said["kind"]), str(said["text"]).strip()
    check = PartnerCheck.objects.own(by).select_related("contact").get(key=said["key"])
    if not text and kind != ReplyKind.NOTHING_KNOWN:
        raise InvalidInput([Fault(("text",), "must say something.")])
    # Before there is a case, every action locks the contact's row.
    contact = Contact.objects.locked().select_related("case", "team").get(pk=check.contact_id)
    check.refresh_from_db()
    check.contact = contact
    made = PartnerReply.objects.create(
        partner_check=check, at=now, by_agency=by, kind=kind, text=text, idempotency_key=idempotency_key, digest=digest
    )
    is_answer = kind != ReplyKind.ASKS_BACK
    if is_answer and check.status == PartnerCheckStatus.ASKED:
        answer = text if kind == ReplyKind.ANSWER else f"{NOTHING_KNOWN} {text}".strip()
        # Whoever asked may have done so at a host whose clock is ahead.
        ended_at = max(now, check.asked_at)
        move(check, to=PartnerCheckStatus.ANSWERED, by=None, at=now, ended_at=ended_at, answer=answer)
        clocks.stop(check, at=now)
    event = Event.PARTNER_ANSWERED if is_answer else Event.PARTNER_ASKED_BACK
    audit.record(event, by=by, at=now, contact=contact, check=check.pk)
    of_case = Message.PARTNER_ANSWERED if is_answer else Message.PARTNER_REPLIED
    outbox.write(_to_the_team(check, now, of_case, f"{of_case}:{check.pk}:{made.pk}") or _to_the_asker(made))
    return Replied(made, is_new=True)


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


def told(kind: Message, check: PartnerCheck, now: datetime) -> list[OutboxMessage]:
    """The message to the agency about a question that it reads in its system, where it has an address for that."""
    to = check.agency.checks_email
    return [outbox.message(kind, to=to, key=f"{kind}:{check.pk}", at=now)] if to else []


def _to_the_team(check: PartnerCheck, now: datetime, kind: Message, key: str) -> list[OutboxMessage]:
    """The message about an answer to whoever works on the case, or is to: none before the decision."""
    case = check.contact.case
    if case is None or case.status != CaseStatus.OPEN:
        return []
    offered = case.handoffs.filter(status=HandoffStatus.OFFERED).select_related("to_team").first()
    team = offered.to_team if offered else responsibilities.current(case).team
    if team.kind in FRONT_DOOR_KINDS:
        # They record it themselves.
        return []
    return outbox.messages_for_team(kind, team, key=key, at=now, contact=check.contact, case=case)


def _to_the_asker(reply: PartnerReply) -> list[OutboxMessage]:
    """The message about a reply to whoever asked; where they are gone, to the contact's team."""
    check, kind = reply.partner_check, Message.PARTNER_REPLIED
    contact = check.contact
    said: dict[str, Any] = {"key": f"{kind}:{check.pk}:{reply.pk}", "at": reply.at, "contact": contact}
    return outbox.messages_for_member(kind, check.asked_by_id, contact.team, **said) or outbox.messages_for_team(
        kind, contact.team, **said
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
