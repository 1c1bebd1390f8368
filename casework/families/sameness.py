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


def likely_the_same(people: Collection[int]) -> frozenset[int]:
    """
    The persons whom one of these may be, as nobody has said yet, in a likeness that makes the rules careful: the ids of
    the records that stand for them.
    """
    found = PersonMatch.objects.filter(status=MatchStatus.PROPOSED)
    theirs = found.filter(child__person__in=people).values_list(Coalesce("person__same_as", "person"), flat=True)
    ours = found.filter(person__in=records_of(people)).values_list("child__person", flat=True)
    return frozenset({*theirs, *ours} - set(people))
