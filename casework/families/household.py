"""
What we know of a household: earlier contacts, open and closed work. One chronology, gathered when a contact arrives.

A household is found, not stored: the people on the contact, those whom they may be (unless somebody said no), and
the children who stand on other contacts together with any of them. Rather one contact too many in view than one
too few: a social worker looks, and says so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from casework.families.matching import possible_matches
from casework.models import Case, Contact, ContactAdult, ContactChild, MatchStatus, PersonMatch
from casework.statuses import CaseStatus

# How like an adult must be for another household's contacts to count as this one's.
ADULT_MATCH_SCORE = 88


@dataclass(frozen=True)
class Household:
    """
    The people of a household as we know them: ids of `Person`.

    `known` are those of whom nobody doubts; `people` are those too whom they may be. A likeness counts as history, so
    that nothing is missed; it never puts one family's story into another's record.
    """

    people: frozenset[int]
    known: frozenset[int]

    def contacts(self) -> QuerySet[Contact]:
        """Every contact about a child who is, or may be, of this household."""
        about = ContactChild.objects.filter(person__in=self.people).values("contact")
        return Contact.objects.filter(pk__in=about)

    def cases(self) -> QuerySet[Case]:
        """Every case with a child who is, or may be, of this household."""
        return Case.objects.filter(casechild__person__in=self.people).distinct()

    def its_own_cases(self) -> QuerySet[Case]:
        """Every case with a child of this household, beyond doubt."""
        return Case.objects.filter(casechild__person__in=self.known).distinct()


def household(contact: Contact) -> Household:
    """The household of a contact whose children, adults and matches are stored."""
    adults = [adult.person for adult in contact.adults.select_related("person")]
    known = {*(child.person_id for child in contact.children.all()), *(person.pk for person in adults)}
    may_be = PersonMatch.objects.filter(child__contact=contact).exclude(status=MatchStatus.REJECTED)
    people = known | set(may_be.values_list("person", flat=True))
    people |= {like.person.pk for like in possible_matches(*adults) if like.score >= ADULT_MATCH_SCORE}
    return Household(people=_with_brothers_and_sisters(people), known=_with_brothers_and_sisters(known))


def household_of(case: Case) -> Household:
    """The household of a case: its children, and those who stand on contacts together with them."""
    known = _with_brothers_and_sisters({child.pk for child in case.children.all()})
    return Household(people=known, known=known)


def opened_since(contact: Contact, moment: datetime) -> Case | None:
    """A case of one of these very children that opened after this moment, and is open."""
    cases = Case.objects.filter(casechild__person__in=contact.children.values("person"), opened_at__gt=moment)
    return ours(cases).filter(status=CaseStatus.OPEN).order_by("-opened_at").first()


def ours(cases: QuerySet[Case]) -> QuerySet[Case]:
    """What another authority answers for is no work of ours."""
    return cases.exclude(pathway="other_authority")


def _with_brothers_and_sisters(people: set[int]) -> frozenset[int]:
    """These people, and the children who stand on any contact together with one of them."""
    beside_them = Q(pk__in=ContactChild.objects.filter(person__in=people).values("contact")) | Q(
        pk__in=ContactAdult.objects.filter(person__in=people).values("contact")
    )
    together = ContactChild.objects.filter(contact__in=Contact.objects.filter(beside_them))
    return frozenset(people | set(together.values_list("person", flat=True)))


def last_case(people: Household, contact: Contact) -> Case | None:
    """The case that new information belongs to: the open one, else the one that closed last within 28 days."""
    cases = ours(people.its_own_cases())
    opened = cases.filter(status=CaseStatus.OPEN).order_by("-opened_at").first()
    if opened is not None:
        return opened
    recently = contact.received_at - timedelta(days=29)
    return cases.filter(status=CaseStatus.CLOSED, closed_at__gte=recently).order_by("-closed_at").first()
