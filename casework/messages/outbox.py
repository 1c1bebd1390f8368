"""
Writes messages to the outbox. The worker sends them (`jobs/delivery.py`).

A message has a reference and a link, never a child's or family's name.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from casework.access import restricted
from casework.deadlines.recipients import STAFF, cover_of
from casework.models import Case, Contact, Event, Message, OutboxMessage, Restriction
from casework.models.inserting import insertion
from casework.models.prepared import Call, Prepared, send
from casework.models.visibility import CLOSED_BY, KEEPS_OUT, closes_from
from casework.record import audit
from casework.record.audit import Actor
from localities.models import Membership, Role, Team, User
from localities.working_time import local_day

ON_RECORD = """ARRAY(
    SELECT person_id FROM casework_contactchild WHERE contact_id IN (SELECT id FROM about)
    UNION SELECT person_id FROM casework_contactadult WHERE contact_id IN (SELECT id FROM about)
    UNION SELECT person_id FROM casework_casechild WHERE case_id = %(case)s)"""
# The memberships in force today, in a team or with one of these roles, of those who may open a contact and a case, or
# either. A case that is just opening has the people of its first contact. The ORM takes eight times as long to compose
# this as the database to answer it.
WHO_MAY_OPEN = Prepared(
    "find_who_may_open",
    f"""
WITH staff AS ({STAFF}), about AS (
    SELECT id FROM casework_contact WHERE id = %(contact)s OR case_id = %(case)s
    UNION SELECT contact_id FROM casework_decision WHERE id = %(opened_by)s
), on_record AS (
    SELECT DISTINCT closing_id AS id FROM {CLOSED_BY.format(ON_RECORD)}
)
SELECT user_id, email, role, team_id FROM staff
WHERE (team_id = %(team)s OR role = ANY(%(roles)s))
  AND NOT EXISTS (
    SELECT FROM casework_restriction restriction JOIN casework_person person ON person.id = restriction.person_id
    WHERE COALESCE(person.same_as_id, person.id) IN (SELECT id FROM on_record)
      AND {KEEPS_OUT.format("restriction.id", "restriction.owner_id", "restriction.lifted_at", "staff.user_id")}
  )
  AND NOT EXISTS (
    SELECT FROM casework_conflictofinterest conflict
    JOIN casework_conflictperson among ON among.conflict_id = conflict.id
    JOIN casework_person person ON person.id = among.person_id
    WHERE COALESCE(person.same_as_id, person.id) IN (SELECT id FROM on_record)
      AND conflict.user_id = staff.user_id AND conflict.ended_at IS NULL
  )
ORDER BY user_id
""",  # noqa: S608  # our own constants
)


class Member(NamedTuple):
    """A membership in force today."""

    user_id: int
    email: str
    role: str
    team_id: int | None


def message(kind: Message, *, to: str, key: str, at: datetime, **about: Any) -> OutboxMessage:
    """
    Makes a message for one address, which is not stored yet.

    :param key: the idempotency key: a message with a stored key is not stored again.
    :param about: its contact, case, rule set or restriction.
    """
    return OutboxMessage(kind=kind, idempotency_key=key, to=to, created_at=at, not_before=at, **about)


def messages_for_person(
    kind: Message, person: User, *, key: str, at: datetime, contact: Contact
) -> list[OutboxMessage]:
    """Makes the message for one person; if they are away, also for who covers. They are not stored yet."""
    cover = cover_of(person, contact, at)
    made = [message(kind, to=person.email, key=key, at=at, contact=contact)]
    if cover is not None:
        made.append(message(kind, to=cover.email, key=f"{key}:{cover.pk}", at=at, contact=contact))
    return made


def messages_for_team(
    kind: Message,
    team: Team,
    *roles: Role,
    key: str,
    at: datetime,
    exclude_users: Iterable[int] = (),
    search_all_teams: bool = False,
    **about: Any,
) -> list[OutboxMessage]:
    """
    Makes messages for everybody with one of these roles in the team; without a role, for the whole team. They are not
    stored yet.

    If nobody in the team has the role, the message goes to the whole team (with `search_all_teams`: to everybody
    who has the role in any team). If there is nobody either, it goes to the service managers.

    A message about a restricted record goes only to those of them who may open it, and never to a shared mailbox. If
    nobody may, it goes to the owner of the restriction.
    """
    records = _records(about)
    if not roles and team.email and not restricted.in_force_on(*records).exists():
        return [message(kind, to=team.email, key=key, at=at, **about)]
    without = set(exclude_users)
    elsewhere = (*(roles if search_all_teams else ()), Role.SERVICE_MANAGER)
    staff = [each for each in _who_may_open(about, at, elsewhere, team) if each.user_id not in without]
    here = [each for each in staff if each.team_id == team.pk]
    for found in (
        [each for each in here if not roles or each.role in roles],
        [each for each in staff if each.role in roles] if search_all_teams else here,
        [each for each in staff if each.role == Role.SERVICE_MANAGER],
    ):
        if found:
            return _to_each(((each.user_id, each.email) for each in found), kind, key, at, about)
    return messages_for_owners(kind, restricted.in_force_on(*records), key=key, at=at, **about)


def messages_for_member(
    kind: Message, user_id: int, team: Team, *, key: str, at: datetime, **about: Any
) -> list[OutboxMessage]:
    """
    Makes a message for one person, if they work in this team today or manage the service, and may open the record. It
    is not stored yet. With the key of a message to the team, nobody is told twice.
    """
    staff = _who_may_open(about, at, (Role.SERVICE_MANAGER,), team)
    return _to_each(((each.user_id, each.email) for each in staff if each.user_id == user_id), kind, key, at, about)


def messages_for_roles(
    kind: Message,
    *roles: Role,
    key: str,
    at: datetime,
    exclude_users: int = 0,
    **about: Any,
) -> list[OutboxMessage]:
    """
    Makes messages for everybody who has one of these roles in any team. They are not stored yet.

    A message about a restricted record goes only to those of them who may open it.
    """
    staff = (each for each in _who_may_open(about, at, roles) if each.user_id != exclude_users)
    return _to_each(((each.user_id, each.email) for each in staff), kind, key, at, about)


def messages_for_owners(
    kind: Message,
    restrictions: QuerySet[Restriction],
    *roles: Role,
    key: str,
    at: datetime,
    exclude_users: int = 0,
    **about: Any,
) -> list[OutboxMessage]:
    """
    Makes messages for the owners of these restrictions and for everybody who has one of these roles, whether or not
    they may open the record: the message says that it exists, and no more. They are not stored yet.

    In place of an owner who works here no longer, the service managers get it. They can name another.
    """
    staff = Membership.objects.current(local_day(at)).exclude(user=exclude_users)
    owners = [*restrictions.order_by().values_list("owner", flat=True).distinct()]
    if staff.filter(user__in=owners).values("user").distinct().count() < len(set(owners) - {exclude_users}):
        roles = (*roles, Role.SERVICE_MANAGER)
    people = staff.filter(Q(user__in=owners) | Q(role__in=roles)).values_list("user_id", "user__email")
    return _to_each(people, kind, key, at, about)


def messages_of_restricted(
    people: Collection[int], *, at: datetime, exclude_people: Collection[int] = ()
) -> list[OutboxMessage]:
    """
    Makes the messages to the owners and the front door's managers about all that waits for a decision, that a
    restriction closes, and that is about one of these people, a child of theirs or somebody who one of them may be:
    those who work on what waits may not see it. They are not stored yet. Nobody is told twice of one contact.

    :param people: the ids of records that stand for people, as `exclude_people`, about whom nobody needs to be told.
    """
    if not Restriction.objects.in_force().closing(people).exists():
        return []
    either = {other for _, other in restricted.closed_by_these(people)} - {*exclude_people}
    found = []
    for contact in Contact.objects.with_people(either).undecided().order_by("pk"):
        closing = restricted.in_force_on(contact)
        if closing.exists():
            found += messages_for_owners(
                Message.RESTRICTED_CONTACT, closing, Role.FRONT_DOOR_MANAGER,
                key=f"restricted_contact:{contact}", at=at, contact=contact,
            )  # fmt: skip
    return found


def _records(about: Mapping[str, Any]) -> list[Contact | Case]:
    return [record for record in (about.get("contact"), about.get("case")) if record is not None]


def _who_may_open(
    about: Mapping[str, Any], at: datetime, roles: Iterable[Role], team: Team | None = None
) -> list[Member]:
    """The memberships in force today, in this team or with one of these roles, of those who may open the records."""
    contact, case = about.get("contact"), about.get("case")
    (found,) = send(
        WHO_MAY_OPEN(
            contact=contact and contact.pk,
            case=case and case.pk,
            opened_by=case and case.opened_by_decision_id,
            team=team and team.pk,
            roles=[*roles],
            now=at,
            careful=closes_from(),
            today=local_day(at),
        )
    )
    return [Member(*row) for row in found]


def _to_each(
    people: Iterable[tuple[int, str]], kind: Message, key: str, at: datetime, about: Mapping[str, Any]
) -> list[OutboxMessage]:
    """:param people: the id and the address of each, who may come several times."""
    return [message(kind, to=email, key=f"{key}:{user_id}", at=at, **about) for user_id, email in dict(people).items()]


def write(messages: Iterable[OutboxMessage]) -> None:
    """Stores messages in one statement. A message whose key is stored already is left out."""
    if calls := writing(messages):
        send(*calls)


def writing(messages: Iterable[OutboxMessage]) -> list[Call]:
    """The statement that `write` sends, if there are messages."""
    rows = list(messages)
    return [insertion(rows, skip_existing=True)] if rows else []


def add(kind: Message, *, to: str, key: str, at: datetime, **about: Any) -> None:
    """Makes a message (see `message`) and stores it."""
    write([message(kind, to=to, key=key, at=at, **about)])


def add_for_team(kind: Message, team: Team, *roles: Role, key: str, at: datetime, **about: Any) -> None:
    """Makes the messages of `messages_for_team` and stores them."""
    write(messages_for_team(kind, team, *roles, key=key, at=at, **about))


def add_for_roles(kind: Message, *roles: Role, key: str, at: datetime, **about: Any) -> None:
    """Makes the messages of `messages_for_roles` and stores them."""
    write(messages_for_roles(kind, *roles, key=key, at=at, **about))


def messages_in_email(first: OutboxMessage) -> QuerySet[OutboxMessage]:
    """All messages that are sent in the same e-mail as this one."""
    return OutboxMessage.objects.filter(Q(pk=first.pk) | Q(carried_by=first.pk))


def audit_email(event: Event, first: OutboxMessage, by: Actor, now: datetime) -> None:
    """Writes an audit event for each message in the e-mail."""
    # Only reminders carry other messages.
    carried = first.carries.select_related("contact", "case") if first.kind == Message.REMINDER else ()
    audit.record_all(
        audit.entry(event, by=by, at=now, contact=each.contact, case=each.case, kind=each.kind)
        for each in (first, *carried)
    )
