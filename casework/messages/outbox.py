"""
Writing messages that have to go out. Whoever writes one never sends it: the worker does (`jobs/delivery.py`).

No child's or family's name is in a message: a reference and a link.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from casework.models import Event, Message, OutboxMessage
from casework.record import audit
from casework.record.audit import Actor
from localities.models import Membership, Role, Team
from localities.working_time import local_day


def message(kind: Message, *, to: str, key: str, at: datetime, **about: Any) -> OutboxMessage:
    """
    A message for one address, not written yet.

    :param key: what makes this message this one; written twice with one key, it is one message.
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
    Messages for those who have one of these roles in the team; without a role, for the whole team. Not written yet.

    No message is for nobody: where the team has no such person it goes to the whole team (`anywhere`: to whoever has
    the role in any team), and where there is nobody either, to the service managers.
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
    """Messages for everybody who has one of these roles, wherever they work. Not written yet."""
    people = Membership.objects.current(local_day(at)).filter(role__in=roles).exclude(user=but_not)
    return [
        message(kind, to=email, key=f"{key}:{user_id}", at=at, **about)
        for user_id, email in people.values_list("user_id", "user__email").distinct()
    ]


def write(messages: Iterable[OutboxMessage]) -> None:
    """Write messages, all in one statement. One whose key was written before is the same message."""
    OutboxMessage.objects.bulk_create(messages, ignore_conflicts=True)


def add(kind: Message, *, to: str, key: str, at: datetime, **about: Any) -> None:
    """Write one message: what `message` makes of it."""
    write([message(kind, to=to, key=key, at=at, **about)])


def add_for_team(kind: Message, team: Team, *roles: Role, key: str, at: datetime, **about: Any) -> None:
    """Write the messages that `messages_for_team` makes."""
    write(messages_for_team(kind, team, *roles, key=key, at=at, **about))


def add_for_roles(kind: Message, *roles: Role, key: str, at: datetime, **about: Any) -> None:
    """Write the messages that `messages_for_roles` makes."""
    write(messages_for_roles(kind, *roles, key=key, at=at, **about))


def letter(carrier: OutboxMessage) -> QuerySet[OutboxMessage]:
    """The message and those that its letter carries."""
    return OutboxMessage.objects.filter(Q(pk=carrier.pk) | Q(carried_by=carrier.pk))


def audit_letter(event: Event, carrier: OutboxMessage, by: Actor, now: datetime) -> None:
    """In the story of each contact and case that the letter is about."""
    # Only reminders go together.
    carried = carrier.carries.select_related("contact", "case") if carrier.kind == Message.REMINDER else ()
    audit.record_all(
        audit.entry(event, by=by, at=now, contact=each.contact, case=each.case, kind=each.kind)
        for each in (carrier, *carried)
    )
