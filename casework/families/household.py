"""
What we know of a household: earlier contacts, open and closed work. One chronology, gathered when a contact arrives.

A household is found, not stored: the people on the contact, those whom they may be (unless somebody said no), and
the children who stand on other contacts together with any of them. Rather one contact too many in view than one
too few: a social worker looks, and says so.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from functools import cached_property
from operator import itemgetter
from typing import Any, cast

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from casework.families.matching import candidates, compare
from casework.models import (
    Case,
    CaseChild,
    CaseQuerySet,
    Contact,
    ContactAdult,
    ContactChild,
    MatchStatus,
    Person,
    PersonMatch,
)
from casework.statuses import CaseStatus
from triage.rule_set_document import Work

# How like an adult must be for another household's contacts to count as this one's.
ADULT_MATCH_SCORE = 88


class Household:
    """
    The people of a household as we know them, found when they are asked for.

    `known` are the children of whom nobody doubts, as a query for their ids; `people` are the ids of everybody who is
    or may be of it. A likeness counts as history, so that nothing is missed; it never puts one family's story into
    another's record.
    """

    def __init__(self, known: QuerySet[Any, Any], find_people: Callable[[], frozenset[int]]) -> None:
        self._known, self._find_people = known, find_people

    @cached_property
    def people(self) -> frozenset[int]:
        return self._find_people()

    def contacts(self) -> QuerySet[Contact]:
        """Every contact about a child who is, or may be, of this household."""
        about = ContactChild.objects.filter(person__in=self.people).values("contact")
        return Contact.objects.filter(pk__in=about)

    def cases(self) -> CaseQuerySet:
        """Every case with a child who is, or may be, of this household."""
        return Case.objects.filter(casechild__person__in=self.people).distinct().with_rule_set()

    @cached_property
    def own_cases(self) -> list[Case]:
        """Every case with a child of this household, beyond doubt, the newest first; each with its children's ids."""
        children = CaseChild.objects.filter(case=OuterRef("pk")).order_by().values("person")
        cases = Case.objects.filter(casechild__person__in=self._known).distinct().with_rule_set()
        return list(cases.annotate(children_ids=ArraySubquery(children)).order_by("-opened_at", "-pk"))


def household(contact: Contact) -> Household:
    """The household of a contact whose children, adults and matches are stored."""

    def find_people() -> frozenset[int]:
        adults = [adult.person for adult in contact.adults.select_related("person")]
        matches = PersonMatch.objects.filter(child__contact=contact).exclude(status=MatchStatus.REJECTED)
        on_contact = {*(child.person_id for child in contact.children.all()), *(adult.pk for adult in adults)}
        may_be = {*matches.values_list("person", flat=True), *whom_adults_may_be(adults, candidates(adults))}
        return _with_children_beside(on_contact | may_be)

    children = ContactChild.objects.filter(contact=contact).order_by().values("person")
    adults = ContactAdult.objects.filter(contact=contact).order_by().values("person")
    return Household(_children_beside(children.union(adults)), find_people)


def household_of_people(*, known: Collection[int], may_be: Collection[int]) -> Household:
    """
    The household of people who are stored: ids of `Person`.

    :param known: the people on a contact.
    :param may_be: those whom they may be.
    """
    return Household(_children_beside(known), lambda: _with_children_beside({*known, *may_be}))


def household_of(case: Case) -> Household:
    """The household of a case: its children, and those who stand on contacts together with them."""
    return household_of_people(known=[child.pk for child in case.children.all()], may_be=[])


def whom_adults_may_be(adults: Iterable[Person], others: Iterable[Person]) -> list[int]:
    """Those of the others whom adults are like enough for their households to count as one: ids of `Person`."""
    return [match.person.pk for match in compare(adults, others) if match.score >= ADULT_MATCH_SCORE]


def opened_since(children: Iterable[ContactChild], people: Household, moment: datetime) -> Case | None:
    """A case of one of these very children that opened after this moment, and is open."""
    ids = {child.person_id for child in children}
    opened = (case for case in people.own_cases if case.status == CaseStatus.OPEN and case.opened_at > moment)
    return next((case for case in opened if is_ours(case) and not ids.isdisjoint(cast("Any", case).children_ids)), None)


def is_ours(case: Case) -> bool:
    """What another authority answers for is no work of ours: the rules that it was decided under say so."""
    return case.work is not Work.OTHER_AUTHORITY


def _with_children_beside(people: Collection[int]) -> frozenset[int]:
    """These people, and the children who stand on any contact together with one of them."""
    if not people:
        return frozenset()
    return frozenset({*people, *_children_beside(people).values_list("person", flat=True)})


def _children_beside(people: Collection[int] | QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """The children who stand on any contact on which one of these people stands, as a child or an adult: their ids."""
    # One list of contacts: of two lists joined by "or", PostgreSQL would read every contact there is.
    as_children = ContactChild.objects.filter(person__in=people).order_by().values("contact")
    as_adults = ContactAdult.objects.filter(person__in=people).order_by().values("contact")
    return ContactChild.objects.filter(contact__in=as_children.union(as_adults)).order_by().values("person")


def last_case(people: Household, contact: Contact) -> Case | None:
    """The case that new information belongs to: the open one, else the one that closed last within 28 days."""
    cases = [case for case in people.own_cases if is_ours(case)]
    opened = next((case for case in cases if case.status == CaseStatus.OPEN), None)
    if opened is not None:
        return opened
    recently = contact.received_at - timedelta(days=29)
    closed = [(case.closed_at, case) for case in cases if case.closed_at is not None and case.closed_at >= recently]
    return max(closed, key=itemgetter(0))[1] if closed else None
