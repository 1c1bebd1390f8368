"""
What we know of a household: earlier contacts, open and closed work. One chronology, gathered when a contact arrives.

A household is found, not stored: the people on the contact, those whom they may be (unless somebody said no), and
the children who stand on other contacts together with any of them. Rather one contact too many in view than one
too few: a social worker looks, and says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from dateutil.relativedelta import relativedelta
from django.db.models import Q, QuerySet

from casework.matching import alike
from casework.models import Case, Contact, ContactAdult, ContactChild, MatchStatus, Outcome, PersonMatch
from casework.statuses import CaseStatus
from localities.working_time import at, local_day
from triage.facts import OpenWork

SOCIAL_CARE_PATHWAYS = ("strategy_discussion", "social_work_assessment", "social_worker_review")
EARLY_HELP_PATHWAYS = ("family_help", "early_help")
# How like an adult must be for another household's contacts to count as this one's.
ADULT_IS_LIKE = 88


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


@dataclass(frozen=True)
class History:
    """What the rules ask about a household. Counts include this contact."""

    contacts_3_months: int
    contacts_12_months: int
    early_help_closed_without_progress_12_months: bool
    open_work: OpenWork | None
    closed_days_ago: int | None


def household(contact: Contact) -> Household:
    """The household of a contact whose children, adults and matches are stored."""
    adults = [adult.person for adult in contact.adults.select_related("person")]
    known = {*(child.person_id for child in contact.children.all()), *(person.pk for person in adults)}
    may_be = PersonMatch.objects.filter(child__contact=contact).exclude(status=MatchStatus.REJECTED)
    people = known | set(may_be.values_list("person", flat=True))
    people |= {like.person.pk for like in alike(*adults) if like.score >= ADULT_IS_LIKE}
    return Household(people=_with_brothers_and_sisters(people), known=_with_brothers_and_sisters(known))


def household_of(case: Case) -> Household:
    """The household of a case: its children, and those who stand on contacts together with them."""
    known = _with_brothers_and_sisters({child.pk for child in case.children.all()})
    return Household(people=known, known=known)


def opened_since(contact: Contact, moment: datetime) -> Case | None:
    """A case of one of these very children that opened after this moment, and is open."""
    cases = Case.objects.filter(casechild__person__in=contact.children.values("person"), opened_at__gt=moment)
    return _ours(cases).filter(status=CaseStatus.OPEN).order_by("-opened_at").first()


def _ours(cases: QuerySet[Case]) -> QuerySet[Case]:
    """What another authority answers for is no work of ours."""
    return cases.exclude(pathway="other_authority")


def _with_brothers_and_sisters(people: set[int]) -> frozenset[int]:
    """These people, and the children who stand on any contact together with one of them."""
    beside_them = Q(pk__in=ContactChild.objects.filter(person__in=people).values("contact")) | Q(
        pk__in=ContactAdult.objects.filter(person__in=people).values("contact")
    )
    together = ContactChild.objects.filter(contact__in=Contact.objects.filter(beside_them))
    return frozenset(people | set(together.values_list("person", flat=True)))


def gather(contact: Contact, people: Household) -> History:
    """The household's history: contacts until this one was received, and work as it stands now."""
    day = local_day(contact.received_at)
    earlier = people.contacts().filter(received_at__lte=contact.received_at).exclude(pk=contact.pk)
    year_back, quarter_back = day - relativedelta(months=12), day - relativedelta(months=3)
    in_the_year = earlier.filter(received_at__gte=at(year_back, time.min))
    days = [local_day(received) for received in in_the_year.values_list("received_at", flat=True)]
    cases = list(_ours(people.cases()))
    opened = [case for case in cases if case.status == CaseStatus.OPEN]
    closed = [local_day(case.closed_at) for case in cases if case.closed_at is not None]
    return History(
        contacts_3_months=1 + sum(1 for earlier_day in days if earlier_day >= quarter_back),
        contacts_12_months=1 + len(days),
        early_help_closed_without_progress_12_months=any(
            case.closed_at is not None
            and case.pathway in EARLY_HELP_PATHWAYS
            and case.outcome in (Outcome.NO_PROGRESS, Outcome.DECLINED)
            and local_day(case.closed_at) >= year_back
            for case in cases
        ),
        open_work=_open_work(opened),
        closed_days_ago=max(0, (day - max(closed)).days) if closed else None,
    )


def last_case(people: Household, contact: Contact) -> Case | None:
    """The case that new information belongs to: the open one, else the one that closed last within 28 days."""
    cases = _ours(people.its_own_cases())
    opened = cases.filter(status=CaseStatus.OPEN).order_by("-opened_at").first()
    if opened is not None:
        return opened
    recently = contact.received_at - timedelta(days=29)
    return cases.filter(status=CaseStatus.CLOSED, closed_at__gte=recently).order_by("-closed_at").first()


def _open_work(opened: Iterable[Case]) -> OpenWork | None:
    pathways = {case.pathway for case in opened}
    if pathways & set(SOCIAL_CARE_PATHWAYS):
        return OpenWork.SOCIAL_CARE
    return OpenWork.EARLY_HELP if pathways else None
