"""
What we know of a household: earlier contacts, open and closed work. One chronology, gathered when a contact arrives.

A household is found, not stored: the people on the contact, those whom they may be (unless somebody said no), and
the children who stand on other contacts together with any of them. Rather one contact too many in view than one
too few: a social worker looks, and says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from casework.families.matching import possible_matches
from casework.models import Case, CaseQuerySet, Contact, ContactAdult, ContactChild, MatchStatus, PersonMatch
from casework.statuses import CaseStatus
from triage.rule_set_document import Work

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

    def cases(self) -> CaseQuerySet:
        """Every case with a child who is, or may be, of this household."""
        return Case.objects.filter(casechild__person__in=self.people).distinct()

    def its_own_cases(self) -> CaseQuerySet:
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
    cases = Case.objects.filter(
        casechild__person__in=contact.children.values("person"), opened_at__gt=moment, status=CaseStatus.OPEN
    )
    return next(ours(cases.distinct().order_by("-opened_at")), None)


def ours(cases: CaseQuerySet) -> Iterator[Case]:
    """Without what another authority answers for: that is no work of ours. One query; the rules say which it is."""
    return (case for case in cases.with_rule_set() if case.work is not Work.OTHER_AUTHORITY)


def _with_brothers_and_sisters(people: set[int]) -> frozenset[int]:
    """These people, and the children who stand on any contact together with one of them."""
    beside_them = Q(pk__in=ContactChild.objects.filter(person__in=people).values("contact")) | Q(
        pk__in=ContactAdult.objects.filter(person__in=people).values("contact")
    )
    together = ContactChild.objects.filter(contact__in=Contact.objects.filter(beside_them))
    return frozenset(people | set(together.values_list("person", flat=True)))


def last_case(people: Household, contact: Contact) -> Case | None:
    """The case that new information belongs to: the open one, else the one that closed last within 28 days."""
    recently = contact.received_at - timedelta(days=29)
    found = Q(status=CaseStatus.OPEN) | Q(status=CaseStatus.CLOSED, closed_at__gte=recently)
    # No closing moment is the last of all, so that the open ones come first.
    newest_first = (F("closed_at").desc(nulls_first=True), "-opened_at")
    return next(ours(people.its_own_cases().filter(found).order_by(*newest_first)), None)
