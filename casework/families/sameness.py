"""
Which records are of one person, and who may be: the one place that the rest of the service asks.

A record is a `Person` row. Everybody on a contact has one (`recorded_as`), and the oldest of those joined by matches
stands for the person (`person`, `same_as`).
"""

from collections.abc import Collection

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from casework.models import MatchStatus, Person, PersonMatch


def records_of(people: Collection[int]) -> QuerySet[Person]:
    """All records of these persons, who are given by any of their records."""
    standing = Person.objects.filter(pk__in=people).order_by().values_list(Coalesce("same_as", "pk"))
    return Person.objects.filter(Q(pk__in=standing) | Q(same_as__in=standing))


def likely_pairs(people: Collection[int]) -> frozenset[tuple[int, int]]:
    """
    Who may be whom, as nobody has said yet, in a likeness that makes the rules careful: pairs of the ids of the records
    that stand for two persons, of whom one is among these at least.
    """
    found = PersonMatch.objects.filter(status=MatchStatus.PROPOSED).order_by()
    # A union, because PostgreSQL would read every match for two conditions joined by OR.
    theirs, ours = (
        found.filter(condition).values_list("child__person", Coalesce("person__same_as", "person"))
        for condition in (Q(child__person__in=people), Q(person__in=records_of(people)))
    )
    return frozenset(theirs.union(ours))


def likely_the_same(people: Collection[int]) -> frozenset[int]:
    """The persons whom one of these may be (see `likely_pairs`)."""
    return frozenset({each for pair in likely_pairs(people) for each in pair} - set(people))
