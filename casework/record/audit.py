"""The audit: every step and every look leaves an event that nobody can change. It refuses to run without an actor."""

from datetime import datetime
from typing import Any

from casework.models import ActorKind, AuditEvent, Case, Contact, Event, Handoff
from localities.models import Agency, User


class System:
    """The service itself, when no person and no partner acts: the sweep, the outbox."""

    def __repr__(self) -> str:
        return "the service"


SYSTEM = System()
Actor = User | Agency | System


def record(
    event: Event,
    *,
    by: Actor,
    at: datetime,
    contact: Contact | None = None,
    case: Case | None = None,
    handoff: Handoff | None = None,
    **detail: Any,
) -> None:
    """
    Write down what happened.

    :param detail: codes, statuses and references; never a name or what somebody wrote.
    :raises TypeError: without a known actor.
    """
    user = by if isinstance(by, User) else None
    agency = by if isinstance(by, Agency) else None
    if user is not None:
        actor = ActorKind.USER
    elif agency is not None:
        actor = ActorKind.AGENCY
    elif isinstance(by, System):
        actor = ActorKind.SYSTEM
    else:
        raise TypeError(f"{event} needs an actor: a user, an agency or SYSTEM, not {by!r}")
    AuditEvent.objects.create(
        event=event, at=at, actor=actor, by_user=user, by_agency=agency,
        contact=contact, case=case, handoff=handoff, detail=detail,
    )  # fmt: skip
