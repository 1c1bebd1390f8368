"""Which records are restricted, who opened them with a reason, and who has a conflict of interest."""

from datetime import date
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from casework.models import (
    AuditEvent,
    Case,
    CaseChild,
    ConflictOfInterest,
    ConflictPerson,
    Contact,
    Event,
    RestrictedAccess,
    Restriction,
)
from localities.models import Membership, User

MOST_SHOWN = 100


def in_force(user: User, on: date) -> QuerySet[Restriction]:
    """
    The restrictions in force, without those of people in whom the user has a conflict of interest.

    `named` is how many are named, and `owner_works_here` whether the owner does.
    """
    works_here = Membership.objects.current(on).filter(user=OuterRef("owner"))
    named = Count("access", filter=Q(access__given_by__isnull=False, access__until__isnull=True))
    restrictions = Restriction.objects.in_force().manageable_by(user)
    return (
        restrictions.annotate(named=named, owner_works_here=Exists(works_here)).order_by("-pk").select_related("owner")
    )


def glass_to_review(user: User) -> QuerySet[RestrictedAccess]:
    """The broken glass that nobody has reviewed, the oldest first."""
    waiting = RestrictedAccess.objects.broken_glass().filter(reviewed_at__isnull=True)
    seen = waiting.filter(restriction__in=Restriction.objects.manageable_by(user))
    return seen.select_related("restriction", "user", "contact", "case").order_by("since")[:MOST_SHOWN]


def conflicts(user: User) -> QuerySet[ConflictOfInterest]:
    """The conflicts of interest in force, the newest first, without those in people in whom the user has one, too."""
    people = ConflictPerson.objects.in_force(user).people()
    mine = ConflictPerson.objects.closing(people).values("conflict")
    others = ConflictOfInterest.objects.filter(ended_at__isnull=True).exclude(Q(pk__in=mine) & ~Q(user=user))
    return others.select_related("user", "declared_by", "contact", "case")[:MOST_SHOWN]


def person_of(restriction: Restriction) -> QuerySet[Any, Any]:
    """The id of the record that stands for the restricted person, as a query."""
    return Restriction.objects.filter(pk=restriction.pk).people()


def viewings(restriction: Restriction) -> list[AuditEvent]:
    """Who looked at the restricted person's contacts and cases since the restriction began, the latest first."""
    person = person_of(restriction)
    cases = Case.objects.filter(pk__in=CaseChild.objects.filter(person__in=person).order_by().values("case"))
    looks = AuditEvent.objects.filter(at__gte=restriction.restricted_at)
    contacts = list(Contact.objects.with_people(person).order_by().values_list("pk", flat=True))
    seen = looks.filter(
        Q(contact__in=contacts, event=Event.CONTACT_VIEWED)
        | Q(case__in=list(cases.values_list("pk", flat=True)), event=Event.CASE_VIEWED)
    )
    return list(seen.select_related("by_user", "contact", "case").order_by("-pk")[:MOST_SHOWN])
