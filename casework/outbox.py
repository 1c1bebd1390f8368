"""
Writing messages that have to go out. Whoever writes one never sends it: the worker does (`actions/outbox.py`).

No child's or family's name is in a message: a reference and a link.
"""

from collections.abc import Iterable
from datetime import datetime

from casework.models import Case, Contact, Message, OutboxMessage
from localities.models import Membership, Role, Team
from localities.working_time import local_day


def add(
    kind: Message,
    *,
    to: str,
    key: str,
    at: datetime,
    contact: Contact | None = None,
    case: Case | None = None,
) -> None:
    """
    Write a message for one address.

    :param key: what makes this message this one; written twice with one key, it is one message.
    """
    OutboxMessage.objects.bulk_create(
        [
            OutboxMessage(
                kind=kind, idempotency_key=key, to=to, contact=contact, case=case, created_at=at, not_before=at
            )
        ],
        ignore_conflicts=True,
    )


def add_for_team(
    kind: Message,
    team: Team,
    *roles: Role,
    key: str,
    at: datetime,
    contact: Contact | None = None,
    case: Case | None = None,
    but_not: Iterable[int] = (),
) -> None:
    """Write a message for those who have one of these roles in the team; without a role, for the whole team."""
    if not roles and team.email:
        add(kind, to=team.email, key=key, at=at, contact=contact, case=case)
        return
    people = Membership.objects.current(local_day(at)).filter(team=team).exclude(user__in=list(but_not))
    if roles:
        people = people.filter(role__in=roles)
    for user_id, email in people.values_list("user_id", "user__email").distinct():
        add(kind, to=email, key=f"{key}:{user_id}", at=at, contact=contact, case=case)
