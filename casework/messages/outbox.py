"""
Writing messages that have to go out. Whoever writes one never sends it: the worker does (`jobs/delivery.py`).

No child's or family's name is in a message: a reference and a link.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from casework.models import Case, Contact, Event, Message, OutboxMessage
from casework.record import audit
from casework.record.audit import Actor
from localities.models import Membership, Role, Team
from localities.working_time import local_day
from triage.models import RuleSetVersion


def add(
    kind: Message,
    *,
    to: str,
    key: str,
    at: datetime,
    contact: Contact | None = None,
    case: Case | None = None,
    rule_set: RuleSetVersion | None = None,
) -> None:
    """
    Write a message for one address.

    :param key: what makes this message this one; written twice with one key, it is one message.
    """
    OutboxMessage.objects.bulk_create(
        [
            OutboxMessage(
                kind=kind,
                idempotency_key=key,
                to=to,
                contact=contact,
                case=case,
                rule_set=rule_set,
                created_at=at,
                not_before=at,
            )
        ],
        ignore_conflicts=True,
    )


def add_for_roles(
    kind: Message,
    *roles: Role,
    key: str,
    at: datetime,
    case: Case | None = None,
    rule_set: RuleSetVersion | None = None,
    but_not: int = 0,
) -> None:
    """Write a message for everybody who has one of these roles, wherever they work."""
    people = Membership.objects.current(local_day(at)).filter(role__in=roles).exclude(user=but_not)
    for user_id, email in people.values_list("user_id", "user__email").distinct():
        add(kind, to=email, key=f"{key}:{user_id}", at=at, case=case, rule_set=rule_set)


def add_for_team(
    kind: Message,
    team: Team,
    *roles: Role,
    key: str,
    at: datetime,
    contact: Contact | None = None,
    case: Case | None = None,
    but_not: Iterable[int] = (),
    anywhere: bool = False,
) -> None:
    """
    Write a message for those who have one of these roles in the team; without a role, for the whole team.

    No message is for nobody: where the team has no such person it goes to the whole team (`anywhere`: to whoever has
    the role in any team), and where there is nobody either, to the service managers.
    """
    if not roles and team.email:
        add(kind, to=team.email, key=key, at=at, contact=contact, case=case)
        return
    staff = Membership.objects.current(local_day(at)).filter(user__is_active=True).exclude(user__in=list(but_not))
    here, with_role = Q(team=team), Q(role__in=roles) if roles else Q()
    for who in (here & with_role, with_role if anywhere else here, Q(role=Role.SERVICE_MANAGER)):
        people = list(staff.filter(who).values_list("user_id", "user__email").distinct())
        for user_id, email in people:
            add(kind, to=email, key=f"{key}:{user_id}", at=at, contact=contact, case=case)
        if people:
            return


def letter(message: OutboxMessage) -> QuerySet[OutboxMessage]:
    """The message and those that its letter carries."""
    return OutboxMessage.objects.filter(Q(pk=message.pk) | Q(carried_by=message.pk))


def audit_letter(event: Event, message: OutboxMessage, by: Actor, now: datetime) -> None:
    """In the story of each contact and case that the letter is about."""
    # Only reminders go together.
    carried = message.carries.select_related("contact", "case") if message.kind == Message.REMINDER else ()
    for each in (message, *carried):
        audit.record(event, by=by, at=now, contact=each.contact, case=each.case, kind=each.kind)
