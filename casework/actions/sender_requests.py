"""
What the agency that sent a contact asks afterwards, and the answers: to withdraw it, what became of it, or, step by
step, to decide otherwise.

Source: domain/front-door.md: who refers should follow up, and escalate, if the child's situation does not improve
(KCSIE); professional disagreements go from the worker to the line manager, the service and the partnership.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Greatest

from casework.access import conditions, permissions
from casework.deadlines import clocks
from casework.facts.contact_document import as_meant, digest_of
from casework.messages import outbox
from casework.models import ClockEnd, Contact, Event, Message, OutboxMessage, RequestKind, SenderRequest
from casework.models.sender_requests import DisagreementStep
from casework.record import audit
from errors import Fault, InvalidInput, KeyUsedForAnother, ServiceError
from localities.models import Agency, User
from localities.working_time import local_day


class Asked(NamedTuple):
    """What was asked, and whether this call stored it, not an earlier one with the same idempotency key."""

    request: SenderRequest
    is_new: bool


def ask(
    *, reference: str, kind: RequestKind, text: str, idempotency_key: str | None = None, by: Agency, now: datetime
) -> Asked:
    """
    Keeps what the sender of a contact asks, starts the clock for the answer, and tells the front door.

    :raises Contact.DoesNotExist: there is no such contact, or another agency sent it.
    :raises InvalidInput: there is no text, where one is needed.
    :raises KeyUsedForAnother: the key was used before for something else.
    :raises ServiceError: there is no deadline for the answer: an upgrade without its reference data.
    :raises NotAllowedInStatus: it cannot be asked now: the contact is decided, or is not; the referrer was told what
        was decided; the same was asked already, and the answer is not due yet; or every step was taken.
    """
    said: dict[str, Any] = {"reference": reference, "kind": kind, "text": text}
    try:
        return _ask(said, idempotency_key, by, now)
    except IntegrityError:
        # The same came at the same moment, and is stored by now.
        return _ask(said, idempotency_key, by, now)


@transaction.atomic
def _ask(said: Mapping[str, Any], idempotency_key: str | None, by: Agency, now: datetime) -> Asked:
    digest = digest_of(as_meant(dict(said)))
    if idempotency_key is not None:
        earlier = SenderRequest.objects.filter(by_agency=by, idempotency_key=idempotency_key)
        if (found := earlier.select_related("contact").first()) is not None:
            if found.digest != digest:
                says = "This idempotency key came before with something else. Use a new key for it."
                raise KeyUsedForAnother(says, earlier=found.contact.reference)
            return Asked(found, is_new=False)
    kind, text = RequestKind(said["kind"]), str(said["text"]).strip()
    sent = Contact.objects.filter(agency=by).select_related("team", "owner")
    contact = sent.locked().get(reference=said["reference"])
    if not text and kind != RequestKind.CHASE:
        raise InvalidInput([Fault(("reason" if kind == RequestKind.WITHDRAW else "why",), "must say something.")])
    requests = list(contact.sender_requests.filter(kind=kind))
    step = None
    if kind == RequestKind.ESCALATE:
        step = conditions.next_step_of_disagreement(contact, requests, now)
        # A step that nobody answered in time ends without an answer.
        for late in requests:
            if late.ended_at is None:
                _end(contact.sender_requests.filter(pk=late.pk), now)
                clocks.stop(contact, _event(late.step), at=now, ended=ClockEnd.OVERTAKEN)
    else:
        conditions.check_sender_can_ask(contact, kind, requests, now)
    event = _event(step)
    clocks.start(event, contact, at=now)
    due_at = contact.clocks.running().filter(kind=event).values_list("due_at", flat=True).first()
    if due_at is None:
        raise ServiceError("No deadline is known for the answer. Please ring us: an administrator must load it.")
    request = SenderRequest.objects.create(
        contact=contact, kind=kind, step=step, text=text, at=now, by_agency=by, due_at=due_at,
        idempotency_key=idempotency_key, digest=digest,
    )  # fmt: skip
    audit.record(Event.SENDER_ASKED, by=by, at=now, contact=contact, kind=kind, step=step)
    outbox.write(_to_the_front_door(request, now))
    return Asked(request, is_new=True)


@transaction.atomic
def answer(*, request_id: int, text: str, by: User, now: datetime) -> SenderRequest:
    """
    Answers what a sender asked. The sender reads the answer.

    :raises InvalidInput: the answer is missing.
    :raises NotPermitted: `by` does not work at the front door, or is not who answers this step of a disagreement.
    :raises NotAllowedInStatus: it has been answered, or was overtaken by the decision.
    """
    contact = Contact.objects.visible_to(by, now).locked().get(sender_requests=request_id)
    request = SenderRequest.objects.get(pk=request_id)
    permissions.check_can_answer_sender(contact, request.step, by, local_day(now))
    conditions.check_awaits_answer(request)
    if not text.strip():
        raise InvalidInput([Fault(("text",), "Enter what the referrer should know")])
    # Whoever asked may have done so at a host whose clock is ahead.
    request.ended_at, request.answered_by, request.answer = max(now, request.at), by, text.strip()
    request.save(update_fields=["ended_at", "answered_by", "answer"])
    _stop_clock(contact, _event(request.step), now)
    audit.record(Event.SENDER_ANSWERED, by=by, at=now, contact=contact, kind=request.kind, step=request.step)
    if contact.referrer_email:
        key = f"{Message.SENDER_ANSWERED}:{request.pk}"
        to = contact.referrer_email
        outbox.write([outbox.message(Message.SENDER_ANSWERED, to=to, key=key, at=now, contact=contact)])
    return request


def overtake(contact: Contact, *, now: datetime) -> None:
    """The decision ends what its sender asked before it. The clock stops with those of the decision."""
    _end(contact.sender_requests.all(), now)


def _end(requests: QuerySet[SenderRequest], now: datetime) -> None:
    """Ends those that wait, without an answer. They may have come through a host whose clock is ahead."""
    requests.filter(ended_at__isnull=True).update(ended_at=Greatest(F("at"), Value(now)))


def _event(step: int | None) -> str:
    """The event that starts the clock of the answer, which is also its kind."""
    return clocks.DISAGREED[DisagreementStep(step)] if step is not None else clocks.SENDER_ASKED


def _stop_clock(contact: Contact, kind: str, now: datetime) -> None:
    """Two requests may wait under one clock: it stops with the last."""
    others = contact.sender_requests.filter(ended_at__isnull=True)
    waits = others.filter(step__isnull=True).exists() if kind == clocks.SENDER_ASKED else False
    if not waits:
        clocks.stop(contact, kind, at=now)


def _to_the_front_door(request: SenderRequest, now: datetime) -> list[OutboxMessage]:
    """The message to the owner of the contact, or else to its team."""
    contact, kind = request.contact, Message.SENDER_ASKED
    said: dict[str, Any] = {"key": f"{kind}:{request.pk}", "at": now, "contact": contact}
    owner = contact.owner_id
    to_owner = outbox.messages_for_member(kind, owner, contact.team, **said) if owner is not None else []
    return to_owner or outbox.messages_for_team(kind, contact.team, **said)
