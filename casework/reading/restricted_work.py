"""Work on restricted records that somebody must see to and may not open: nothing waits unseen, and nobody is named."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db.models import CharField, DateTimeField, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Least

from casework.access.restricted import who_may_be
from casework.models import (
    Case,
    CaseChild,
    Clock,
    Contact,
    ContactAdult,
    ContactChild,
    Handoff,
    Responsibility,
    Restriction,
)
from casework.models.restrictions import REPRESENTATIVE
from casework.models.visibility import is_or_may_be, keeps_out
from casework.statuses import CaseStatus, ContactStatus, HandoffStatus
from localities.models import User
from localities.roles import StaffRoles

CONTACT, CASE = "contact", "case"


@dataclass(frozen=True)
class Line:
    """A restricted contact or case, whose it is to see to, and when it is due. It says nothing about a family."""

    kind: str
    reference: str
    due_at: datetime | None
    owner: str
    is_open: bool


def of(user: User, who: StaffRoles, teams: Any, now: datetime) -> list[Line]:
    """
    What a user's worklist says of restricted records, the first due first.

    The front door sees that a contact waits; a team, that it has a case or is offered one; and an owner both.
    """
    people = _people(user, now)
    closed = {each.stands for each in people if each.is_closed}
    owned = {each.stands for each in people if each.owner == user.pk}
    watched = owned | closed if who.front_door_roles else owned
    return _lines(user, _waiting(watched), _of_teams(closed, teams), now=now)


def of_teams(user: User, teams: Any, now: datetime) -> list[Line]:
    """The restricted cases that these teams are responsible for or are offered, and that are closed to the user."""
    closed = {each.stands for each in _people(user, now) if each.is_closed}
    return _lines(user, _of_teams(closed, teams), now=now)


class _Restricted(NamedTuple):
    """
    A person whom a restriction in force closes: the record that stands for them, its owner, and whether it is closed.
    """

    stands: int
    owner: int
    is_closed: bool


def _people(user: User, now: datetime) -> list[_Restricted]:
    """
    The people whose restrictions the user owns or is kept out by, and whoever may be one of them. They are few, and
    most often there are none: then nothing else is asked.
    """
    restrictions = Restriction.objects.in_force().manageable_by(user)
    closed = restrictions.annotate(is_closed=keeps_out(Value(user.pk), now))
    found = closed.filter(Q(owner=user) | Q(is_closed=True))
    restricted = [_Restricted(*row) for row in found.values_list(REPRESENTATIVE, "owner", "is_closed")]
    if not restricted:
        return []
    pairs = who_may_be({each.stands for each in restricted})
    return [each._replace(stands=other) for each in restricted for person, other in pairs if person == each.stands]


def _waiting(people: Collection[int]) -> QuerySet[Contact]:
    on_it = (
        Exists(ContactChild.objects.filter(person__in=people, contact=OuterRef("pk"))),
        Exists(ContactAdult.objects.filter(person__in=people, contact=OuterRef("pk"))),
    )
    waiting = Contact.objects.exclude(status=ContactStatus.DECIDED)
    return waiting.filter(on_it[0] | on_it[1]) if people else waiting.none()


def _of_teams(people: Collection[int], teams: Any) -> QuerySet[Case]:
    current = Responsibility.objects.filter(case=OuterRef("pk"), period__endswith__isnull=True, team__in=teams)
    offered = Handoff.objects.filter(case=OuterRef("pk"), status=HandoffStatus.OFFERED, to_team__in=teams)
    on_it = (
        Exists(CaseChild.objects.filter(person__in=people, case=OuterRef("pk"))),
        Exists(ContactAdult.objects.filter(person__in=people, contact__case=OuterRef("pk"))),
    )
    is_open = Case.objects.filter(status=CaseStatus.OPEN)
    return (
        is_open.filter(Exists(current) | Exists(offered), on_it[0] | on_it[1]) if people and teams else is_open.none()
    )


def _lines(user: User, *records: QuerySet[Any], now: datetime) -> list[Line]:
    """The lines of these contacts and cases, in one statement."""
    found = [_described(user, each, now) for each in records if not each.query.is_empty()]
    if not found:
        return []
    rows = found[0].union(*found[1:], all=True) if len(found) > 1 else found[0]
    lines = (Line(*row) for row in rows)
    return sorted(lines, key=lambda line: (line.due_at is None, line.due_at, line.reference))


def _described(user: User, records: QuerySet[Any], now: datetime) -> QuerySet[Any, Any]:
    is_contact = records.model is Contact
    running = Clock.objects.running().filter(paused_at__isnull=True)
    # The next deadline of a contact, or of a case and of the answer to its handoff.
    due = Least(*(
        Subquery(running.filter(**{of: OuterRef("pk")}).order_by("due_at").values("due_at")[:1])
        for of in (("contact",) if is_contact else ("case", "handoff__case"))
    ), Value(None, output_field=DateTimeField()))  # fmt: skip
    people = (
        (ContactChild, "contact"), (ContactAdult, "contact")) if is_contact else (
        (CaseChild, "case"), (ContactAdult, "contact__case")
    )  # fmt: skip
    closing = Restriction.objects.in_force().filter(reduce(or_, (
        is_or_may_be(
            REPRESENTATIVE,
            model._default_manager.filter(**{path: OuterRef(OuterRef("pk"))}).order_by().values("person"),
        )
        for model, path in people
    )))  # fmt: skip
    owner = closing.order_by("pk").values("owner__name")[:1]
    opens = (Contact if is_contact else Case).objects.open_to(user, now).filter(pk=OuterRef("pk"))
    kind = Value(CONTACT if is_contact else CASE, output_field=CharField())
    described: QuerySet[Any, Any] = records.order_by().annotate(
        kind=kind, soonest=due, owner=Subquery(owner), is_open=Exists(opens)
    ).values_list("kind", "reference", "soonest", "owner", "is_open")  # fmt: skip
    return described
