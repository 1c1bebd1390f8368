"""
Writes messages to the outbox. The worker sends them (`jobs/delivery.py`).

A message has a reference and a link, never a child's or family's name.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from casework.models import Event, Message, OutboxMessage
from casework.models.inserting import insert_all
from casework.record import audit
from casework.record.audit import Actor
from localities.models import Membership, Role, Team
from localities.working_time import local_day


def message(kind: Message, *, to: str, key: str, at: datetime, **about: Any) -> OutboxMessage:
    """
    Makes a message for one address, which is not stored yet.

    :param key: the idempotency key: a message with a stored key is not stored again.
    :param about: its contact, case or rule set, or their ids.
    """
    return OutboxMessage(kind=kind, idempotency_key=key, to=to, created_at=at, not_before=at, **about)


def messages_for_team(
    kind: Message,
    team: Team,
    *roles: Role,
    key: str,
    at: datetime,
    but_not: Iterable[int] = (),
    anywhere: bool = False,
    **about: Any,
) -> list[OutboxMessage]:
    """
    Makes messages for everybody with one of these roles in the team; without a role, for the whole team. They are not
    stored yet.

    If nobody in the team has the role, the message goes to the whole team (with `anywhere`: to everybody who has the
    role in any team). If there is nobody either, it goes to the service managers.
    """
    if not roles and team.email:
        return [message(kind, to=team.email, key=key, at=at, **about)]
    staff = Membership.objects.current(local_day(at)).filter(user__is_active=True).exclude(user__in=list(but_not))
    here, with_role = Q(team=team), Q(role__in=roles) if roles else Q()
    for who in (here & with_role, with_role if anywhere else here, Q(role=Role.SERVICE_MANAGER)):
        people = list(staff.filter(who).values_list("user_id", "user__email").distinct())
        if people:
            return [message(kind, to=email, key=f"{key}:{user_id}", at=at, **about) for user_id, email in people]
    return []


def messages_for_roles(
    kind: Message,
    *roles: Role,
    key: str,
    at: datetime,
    but_not: int = 0,
    **about: Any,
) -> list[OutboxMessage]:
    """Makes messages for everybody who has one of these roles in any team. They are not stored yet."""
    people = Membership.objects.current(local_day(at)).filter(role__in=roles).exclude(user=but_not)
    return [
        message(kind, to=email, key=f"{key}:{user_id}", at=at, **about)
        for user_id, email in people.values_list("user_id", "user__email").distinct()
    ]


def write(messages: Iterable[OutboxMessage]) -> None:
    """Stores messages in one statement. A message whose key is stored already is left out."""
    insert_all(messages, skip_existing=True)


def add(kind: Message, *, to: str, key: str, at: datetime, **about: Any) -> None:
    """Makes a message (see `message`) and stores it."""
    write([message(kind, to=to, key=key, at=at, **about)])


def add_for_team(kind: Message, team: Team, *roles: Role, key: str, at: datetime, **about: Any) -> None:
    """Makes the messages of `messages_for_team` and stores them."""
    write(messages_for_team(kind, team, *roles, key=key, at=at, **about))


def add_for_roles(kind: Message, *roles: Role, key: str, at: datetime, **about: Any) -> None:
    """Makes the messages of `messages_for_roles` and stores them."""
    write(messages_for_roles(kind, *roles, key=key, at=at, **about))


def letter(carrier: OutboxMessage) -> QuerySet[OutboxMessage]:
    """The message, and those that its e-mail carries."""
    return OutboxMessage.objects.filter(Q(pk=carrier.pk) | Q(carried_by=carrier.pk))


def audit_letter(event: Event, carrier: OutboxMessage, by: Actor, now: datetime) -> None:
    """Writes an audit event for each message in the e-mail."""
    # Only reminders carry other messages.
    carried = carrier.carries.select_related("contact", "case") if carrier.kind == Message.REMINDER else ()
    audit.record_all(
        audit.entry(event, by=by, at=now, contact=each.contact, case=each.case, kind=each.kind)
        for each in (carrier, *carried)
    )
