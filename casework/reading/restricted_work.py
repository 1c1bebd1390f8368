"""Work on restricted records that somebody must see to and may not open: nothing waits unseen, and nobody is named."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, DateTimeField, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Least

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
from casework.models.restrictions import RestrictionQuerySet, is_among
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

    The front door sees that a contact waits, a team that it holds a case or is offered one, and an owner both.
    """
    restrictions = Restriction.objects.in_force().manageable_by(user)
    owned, closed = Q(owner=user), Q(pk__in=Restriction.objects.closed_to(user, now))
    watched = restrictions.filter(owned | closed if who.front_door_roles else owned)
    return _lines(user, _waiting(watched), _of_teams(user, teams, now), now=now)


def of_teams(user: User, teams: Any, now: datetime) -> list[Line]:
    """The restricted cases that these teams hold or are offered, and that are closed to the user."""
    return _lines(user, _of_teams(user, teams, now), now=now)


def _waiting(restrictions: RestrictionQuerySet) -> QuerySet[Contact]:
    among = is_among(restrictions.people())
    on_it = (
        Exists(ContactChild.objects.filter(among, contact=OuterRef("pk"))),
        Exists(ContactAdult.objects.filter(among, contact=OuterRef("pk"))),
    )
    return Contact.objects.exclude(status=ContactStatus.DECIDED).filter(on_it[0] | on_it[1])


def _of_teams(user: User, teams: Any, now: datetime) -> QuerySet[Case]:
    among = is_among(Restriction.objects.closed_to(user, now).manageable_by(user).people())
    held = Responsibility.objects.filter(case=OuterRef("pk"), period__endswith__isnull=True, team__in=teams)
    offered = Handoff.objects.filter(case=OuterRef("pk"), status=HandoffStatus.OFFERED, to_team__in=teams)
    on_it = (
        Exists(CaseChild.objects.filter(among, case=OuterRef("pk"))),
        Exists(ContactAdult.objects.filter(among, contact__case=OuterRef("pk"))),
    )
    return Case.objects.filter(Exists(held) | Exists(offered), on_it[0] | on_it[1], status=CaseStatus.OPEN)


def _lines(user: User, *records: QuerySet[Any], now: datetime) -> list[Line]:
    """The lines of these contacts and cases, in one statement."""
    found = [_described(user, each, now) for each in records]
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
    restrictions = Restriction.objects.in_force().annotate(stands=Coalesce("person__same_as", "person"))
    on_it = [
        Exists(model._default_manager.filter(**{path: OuterRef(OuterRef("pk")), "person": OuterRef("stands")}))
        for model, path in people
    ]
    owner = restrictions.filter(on_it[0] | on_it[1]).order_by("pk").values("owner__name")[:1]
    opens = (Contact if is_contact else Case).objects.open_to(user, now).filter(pk=OuterRef("pk"))
    kind = Value(CONTACT if is_contact else CASE, output_field=CharField())
    described: QuerySet[Any, Any] = records.order_by().annotate(
        kind=kind, soonest=due, owner=Subquery(owner), is_open=Exists(opens)
    ).values_list("kind", "reference", "soonest", "owner", "is_open")  # fmt: skip
    return described
