"""The audit: every action and every view of a record leaves an event that nobody can change."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from casework.models import ActorKind, AuditEvent, Case, Contact, Event, Handoff
from casework.models.inserting import insert_all
from localities.models import Agency, User


class System:
    """The service itself as the actor: for the sweep and the outbox, for example."""

    def __repr__(self) -> str:
        return "the service"


SYSTEM = System()
Actor = User | Agency | System


_correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")


@contextmanager
def correlated(correlation_id: str) -> Iterator[None]:
    """What an agency does in this block is written with the id by which its own system knows the call, if any."""
    token = _correlation_id.set(correlation_id)
    try:
        yield
    finally:
        _correlation_id.reset(token)


def record(event: Event, *, by: Actor, at: datetime, **about: Any) -> None:
    """Writes an audit event: what `entry` makes."""
    entry(event, by=by, at=at, **about).save()


def record_all(entries: Iterable[AuditEvent]) -> None:
    """Writes all audit events of an action in one statement."""
    insert_all(entries)


def entry(
    event: Event,
    *,
    by: Actor,
    at: datetime,
    contact: Contact | None = None,
    case: Case | None = None,
    handoff: Handoff | None = None,
    **detail: Any,
) -> AuditEvent:
    """
    Makes an audit event, which is not stored yet.

    :param detail: codes, statuses and references; never a name or free text.
    :raises TypeError: `by` is not a user, an agency or SYSTEM.
    """
    user = by if isinstance(by, User) else None
    agency = by if isinstance(by, Agency) else None
    if user is not None:
        actor = ActorKind.USER
    elif agency is not None:
        actor = ActorKind.AGENCY
        if correlation_id := _correlation_id.get():
            detail["correlation_id"] = correlation_id
    elif isinstance(by, System):
        actor = ActorKind.SYSTEM
    else:
        raise TypeError(f"{event} needs an actor: a user, an agency or SYSTEM, not {by!r}")
    return AuditEvent(
        event=event, at=at, actor=actor, by_user=user, by_agency=agency,
        contact=contact, case=case, handoff=handoff, detail=detail,
    )  # fmt: skip
