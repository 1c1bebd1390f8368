"""Work on restricted records that somebody must see to and may not open: nothing waits unseen, and nobody is named."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db.models import (
    BooleanField,
    CharField,
    Count,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce

from casework.access import permissions
from casework.access.restricted import closed_by_these
from casework.models import (
    Case,
    CaseChild,
    Clock,
    Contact,
    ContactAdult,
    ContactChild,
    Handoff,
    Responsibility,
    RestrictedAccess,
    Restriction,
)
from casework.models.restrictions import REPRESENTATIVE
from casework.models.visibility import closes_one_of, keeps_out
from casework.reading import worklists
from casework.statuses import CaseStatus, HandoffStatus
from localities.models import Role, User
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


class Glass(NamedTuple):
    """How often others opened restricted records with a reason: to review, and open at this moment."""

    to_review: int
    open_now: int


class OfWorklist(NamedTuple):
    """What a worklist says of restricted records: the lines, the first due first, and of the broken glass, if any."""

    lines: list[Line]
    glass: Glass | None


def of(user: User, who: StaffRoles, teams: Any, now: datetime) -> OfWorklist:
    """
    What a user's worklist says of restricted records.

    The front door sees that a contact waits; a team, that it has a case or is offered one; and an owner both. An owner
    sees how often the glass of their restrictions was broken, and information governance that of all.
    """
    found = _restricted(user, now, with_glass=who.has(*permissions.RESTRICTION_OWNERS))
    people = _people(found, user)
    closed = {each.stands for each in people if each.is_closed}
    owned = {each.stands for each in people if each.owner == user.pk}
    watched = owned | closed if who.front_door_roles else owned
    lines = _lines(user, _waiting(watched), _of_teams(closed, teams), now=now)
    theirs = [each for each in found if each.owner == user.pk or who.has(Role.INFORMATION_GOVERNANCE)]
    glass = Glass(sum(each.to_review for each in theirs), sum(each.open_now for each in theirs))
    return OfWorklist(lines, glass if any(glass) else None)


def of_teams(user: User, teams: Any, now: datetime) -> list[Line]:
    """The restricted cases that these teams are responsible for or are offered, and that are closed to the user."""
    closed = {each.stands for each in _people(_restricted(user, now), user) if each.is_closed}
    return _lines(user, _of_teams(closed, teams), now=now)


class _Restricted(NamedTuple):
    """
    A restriction: the record that stands for the person, its owner, whether it is in force and closes the record to the
    user, and its broken glass (see `Glass`).
    """

    stands: int
    owner: int
    in_force: bool
    is_closed: bool
    to_review: int
    open_now: int


def _restricted(user: User, now: datetime, *, with_glass: bool = False) -> list[_Restricted]:
    """
    The restrictions in force that the user owns or is kept out by, and those with broken glass. They are few, and most
    often there are none: then nothing else is asked.
    """
    broken = RestrictedAccess.objects.broken_glass().filter(restriction=OuterRef("pk")).exclude(user=user)
    said = Restriction.objects.manageable_by(user).annotate(
        in_force=ExpressionWrapper(Q(lifted_at__isnull=True), BooleanField()),
        is_closed=keeps_out(Value(user.pk), now),
        to_review=_number_of(broken.filter(reviewed_at__isnull=True)) if with_glass else Value(0),
        open_now=_number_of(broken.in_force(now)) if with_glass else Value(0),
    )
    found = said.filter(Q(in_force=True, owner=user) | Q(is_closed=True) | Q(to_review__gt=0) | Q(open_now__gt=0))
    return [_Restricted(*row) for row in found.values_list(REPRESENTATIVE, "owner", *_Restricted._fields[2:])]


def _number_of(rows: QuerySet[RestrictedAccess]) -> Coalesce:
    counted = rows.order_by().values("restriction").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)


def _people(found: Collection[_Restricted], user: User) -> list[_Restricted]:
    """Those whom a restriction in force closes, which the user owns or is kept out by, and whom those close."""
    people = [each for each in found if each.is_closed or (each.in_force and each.owner == user.pk)]
    if not people:
        return []
    pairs = closed_by_these({each.stands for each in people})
    return [each._replace(stands=other) for each in people for person, other in pairs if person == each.stands]


def _waiting(people: Collection[int]) -> QuerySet[Contact]:
    on_it = (
        Exists(ContactChild.objects.filter(person__in=people, contact=OuterRef("pk"))),
        Exists(ContactAdult.objects.filter(person__in=people, contact=OuterRef("pk"))),
    )
    waiting = Contact.objects.undecided()
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
    running = Clock.objects.running().filter(contact=OuterRef("pk"), paused_at__isnull=True).order_by("due_at")
    due = Subquery(running.values("due_at")[:1]) if is_contact else worklists.next_deadline_of_case()
    people = (
        (ContactChild, "contact"), (ContactAdult, "contact")) if is_contact else (
        (CaseChild, "case"), (ContactAdult, "contact__case")
    )  # fmt: skip
    closing = Restriction.objects.in_force().filter(reduce(or_, (
        closes_one_of(
            REPRESENTATIVE,
            model._default_manager.filter(**{path: OuterRef(OuterRef("pk"))}).order_by().values("person"),
        )
        for model, path in people
    )))  # fmt: skip
    owner = closing.order_by("pk").values("owner__name")[:1]
    opens = (Contact if is_contact else Case).objects.open_to(user, now).filter(pk=OuterRef("pk"))
    kind = Value(CONTACT if is_contact else CASE, output_field=CharField())
    described: QuerySet[Any, Any] = records.order_by().annotate(
        kind=kind, soonest=due, whose=Subquery(owner), is_open=Exists(opens)
    ).values_list("kind", "reference", "soonest", "whose", "is_open")  # fmt: skip
    return described
