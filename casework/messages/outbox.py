"""
Writes messages to the outbox. The worker sends them (`jobs/delivery.py`).

A message has a reference and a link, never a child's or family's name.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from casework.access import restricted
from casework.models import Case, Contact, Event, Message, OutboxMessage, Restriction
from casework.models.inserting import insert_all
from casework.record import audit
from casework.record.audit import Actor
from localities.models import Membership, Role, Team
from localities.working_time import local_day


def message(kind: Message, *, to: str, key: str, at: datetime, **about: Any) -> OutboxMessage:
    """
    Makes a message for one address, which is not stored yet.

    :param key: the idempotency key: a message with a stored key is not stored again.
    :param about: its contact, case, rule set or restriction.
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

    A message about a restricted record goes only to those of them who may open it, and never to a shared mailbox. If
    nobody may, it goes to the owner of the restriction.
    """
    records = _records(about)
    if not roles and team.email and not restricted.in_force_on(*records).exists():
        return [message(kind, to=team.email, key=key, at=at, **about)]
    staff = _who_may_open(records, at).exclude(user__in=list(but_not))
    here, with_role = Q(team=team), Q(role__in=roles) if roles else Q()
    for who in (here & with_role, with_role if anywhere else here, Q(role=Role.SERVICE_MANAGER)):
        if found := _to_each(staff.filter(who), kind, key, at, about):
            return found
    return messages_for_owners(kind, restricted.in_force_on(*records), key=key, at=at, **about)


def messages_for_roles(
    kind: Message,
    *roles: Role,
    key: str,
    at: datetime,
    but_not: int = 0,
    **about: Any,
) -> list[OutboxMessage]:
    """
    Makes messages for everybody who has one of these roles in any team. They are not stored yet.

    A message about a restricted record goes only to those of them who may open it.
    """
    staff = _who_may_open(_records(about), at).filter(role__in=roles).exclude(user=but_not)
    return _to_each(staff, kind, key, at, about)


def messages_for_owners(
    kind: Message,
    restrictions: QuerySet[Restriction],
    *roles: Role,
    key: str,
    at: datetime,
    but_not: int = 0,
    **about: Any,
) -> list[OutboxMessage]:
    """
    Makes messages for the owners of these restrictions and for everybody who has one of these roles, whether or not
    they may open the record: the message says that it exists, and no more. They are not stored yet.

    In place of an owner who works here no longer, the service managers get it. They can name another.
    """
    staff = Membership.objects.current(local_day(at)).exclude(user=but_not)
    owners = [*restrictions.order_by().values_list("owner", flat=True).distinct()]
    if staff.filter(user__in=owners).values("user").distinct().count() < len(set(owners) - {but_not}):
        roles = (*roles, Role.SERVICE_MANAGER)
    return _to_each(staff.filter(Q(user__in=owners) | Q(role__in=roles)), kind, key, at, about)


def _records(about: Mapping[str, Any]) -> list[Contact | Case]:
    return [record for record in (about.get("contact"), about.get("case")) if record is not None]


def _who_may_open(records: list[Contact | Case], at: datetime) -> QuerySet[Membership]:
    """The memberships of today of those who may open these records, if there are any."""
    staff = Membership.objects.current(local_day(at))
    return staff.filter(restricted.may_open(restricted.people_on(*records), at)) if records else staff


def _to_each(
    staff: QuerySet[Membership], kind: Message, key: str, at: datetime, about: Mapping[str, Any]
) -> list[OutboxMessage]:
    people = staff.values_list("user_id", "user__email").distinct()
    return [message(kind, to=email, key=f"{key}:{user_id}", at=at, **about) for user_id, email in people]


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
