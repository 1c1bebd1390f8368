"""
The household of a contact or a case, with its other contacts and cases.

A household is computed, not stored: the people on the contact, whom they may be (by likenesses that make the rules
careful, unless somebody has rejected them), and the children who are on other contacts together with any of these.
Better one contact too many in view than one too few: a social worker reviews it.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple, cast

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, F, Func

from casework.families import sameness
from casework.models import (
    Case,
    CaseQuerySet,
    Contact,
    ContactAdult,
    ContactChild,
    Person,
)
from casework.models.contacts import ContactQuerySet
from casework.models.prepared import Prepared, Rows, send
from casework.models.visibility import Condition
from casework.statuses import CaseStatus
from triage.rule_set_document import Work

NOTE_TOUCHED = Prepared(
    "note_touched",
    f"""
WITH contact_with AS (
    SELECT contact_id FROM casework_contactchild WHERE person_id = ANY(%(people)s)
    UNION SELECT contact_id FROM casework_contactadult WHERE person_id = ANY(%(people)s)
), beside AS (
    SELECT unnest(%(people)s::bigint[]) AS id
    UNION SELECT person_id FROM casework_contactchild WHERE contact_id IN (SELECT contact_id FROM contact_with)
), record AS (
    {sameness.ALL_RECORDS.format("beside")}
), touched AS (
    SELECT contact_id FROM contact_with
    UNION SELECT contact_id FROM casework_contactchild WHERE person_id IN (SELECT id FROM beside)
    UNION SELECT COALESCE(child.contact_id, adult.contact_id) FROM casework_personmatch match
    LEFT JOIN casework_contactchild child ON child.id = match.child_id
    LEFT JOIN casework_contactadult adult ON adult.id = match.adult_id
    WHERE match.status = 'proposed' AND match.person_id IN (SELECT id FROM record)
)
INSERT INTO casework_stalerecommendation (contact_id, since)
SELECT id, %(now)s::timestamptz FROM casework_contact
WHERE id IN (SELECT contact_id FROM touched) AND status <> 'decided' AND id IS DISTINCT FROM %(but_not)s
ORDER BY id
ON CONFLICT DO NOTHING
""",  # noqa: S608  # our own constants
)

# The children on all contacts that one of these people is on, as a child or an adult. {known}: a query for their ids.
# A union, because PostgreSQL would read every contact for two conditions joined by OR.
CHILDREN_BESIDE = """
WITH known AS ({known})
SELECT person_id AS id FROM casework_contactchild WHERE in_family AND contact_id IN (
    SELECT contact_id FROM casework_contactchild WHERE in_family AND person_id IN (SELECT id FROM known)
    UNION SELECT contact_id FROM casework_contactadult WHERE in_family AND person_id IN (SELECT id FROM known))
"""
PEOPLE = "SELECT unnest(%(people)s::bigint[]) AS id"
PEOPLE_ON_CONTACT = """
SELECT person_id AS id FROM casework_contactchild WHERE contact_id = %(contact)s AND in_family
UNION SELECT person_id FROM casework_contactadult WHERE contact_id = %(contact)s AND in_family
"""
FIND_PEOPLE_ON_CONTACT = Prepared("find_people_on_contact", PEOPLE_ON_CONTACT)
# The earlier contacts about a child who is certainly in the household of this one, however long ago. A report that was
# sent again is the same contact.
EARLIER_CONTACTS = f"""
SELECT DISTINCT earlier.id
FROM casework_contactchild child JOIN casework_contact earlier ON earlier.id = child.contact_id
WHERE child.in_family AND earlier.id < %(contact)s AND earlier.resend_of_id IS NULL
  AND earlier.id IS DISTINCT FROM (SELECT resend_of_id FROM casework_contact WHERE id = %(contact)s)
  AND child.person_id IN ({CHILDREN_BESIDE.format(known=PEOPLE_ON_CONTACT)})
"""  # noqa: S608  # our own constants
FIND_EARLIER_CONTACTS = Prepared("find_earlier_contacts", EARLIER_CONTACTS)
CHILDREN_BESIDE_PEOPLE = CHILDREN_BESIDE.format(known=PEOPLE)
FIND_CHILDREN_BESIDE = Prepared("find_children_beside", CHILDREN_BESIDE_PEOPLE)
# {0}: a record of one of these people, or of a child beside them.
IS_RECORD_BESIDE = f"""{{0}} IN (
    WITH representative AS (SELECT unnest(%(people)s::bigint[]) AS id UNION ({CHILDREN_BESIDE_PEOPLE}))
    {sameness.ALL_RECORDS.format("representative")})
"""
# {0}: the case. {children}: a query for the ids of children.
IS_OWN_CASE = "{{0}} IN (SELECT case_id FROM casework_casechild WHERE person_id IN ({children}))"


class ChildrenOfCase(Func):
    """The ids of the children in a case."""

    template = "ARRAY(SELECT person_id FROM casework_casechild WHERE case_id = %(expressions)s)"
    output_field = ArrayField(BigIntegerField())


class Known(NamedTuple):
    """The people of a household who are known: a query for their ids, and its parameters."""

    sql: str
    values: tuple[tuple[str, Any], ...]


class Household:
    """
    The people of a household. They are read when they are first needed.

    `people` are the ids of all who are, or may be, in the household. A possible match counts as history, so that
    nothing is missed. It never puts one family's information into another's record: `own_cases` uses known people only.
    """

    def __init__(self, known: Known, find_people: Callable[[], frozenset[int]]) -> None:
        self._known, self._find_people = known, find_people

    @cached_property
    def people(self) -> frozenset[int]:
        return self._find_people()

    def contacts(self) -> ContactQuerySet:
        """All contacts about a child who is, or may be, in this household."""
        about = ContactChild.objects.filter(person__in=self.people, in_family=True).values("contact")
        return Contact.objects.filter(pk__in=about)

    def cases(self) -> CaseQuerySet:
        """All cases with a child who is, or may be, in this household."""
        return Case.objects.filter(casechild__person__in=self.people).distinct().with_rule_set()

    @cached_property
    def own_cases(self) -> list[Case]:
        """All cases with a child who is certainly in this household, the newest first; each with its children's ids."""
        return list(self.reading_own_cases)

    @cached_property
    def reading_own_cases(self) -> CaseQuerySet:
        """The query for `own_cases`, for a caller who reads it with others."""
        is_own = IS_OWN_CASE.format(children=CHILDREN_BESIDE.format(known=self._known.sql))
        cases = Case.objects.filter(Condition(is_own, F("pk"), values=self._known.values)).with_rule_set()
        return cases.annotate(children_ids=ChildrenOfCase(F("pk"))).order_by("-opened_at", "-pk")


def is_earlier_than(contact: Contact) -> Condition:
    """The condition that a contact is one of `EARLIER_CONTACTS` of this one."""
    return Condition(f"{{0}} IN ({EARLIER_CONTACTS})", F("pk"), values=(("contact", contact.pk),))


def household(contact: Contact) -> Household:
    """The household of a contact whose children, adults and matches are stored."""
    known = _known_on(contact)

    def find_people() -> frozenset[int]:
        (found,) = send(FIND_PEOPLE_ON_CONTACT(contact=contact.pk))
        return HouseholdToRead(known, {person for (person,) in found}).people

    return Household(known, find_people)


class HouseholdToRead(Household):
    """
    A household of which a reader needs the people in any case.

    :ivar calls: the statements that find them, for a caller who sends them with others and hands over the rows.
    """

    def __init__(self, known: Known, people: Collection[int]) -> None:
        """:param people: the ids of those who are known."""
        self._among = people
        # Mostly nobody is alike: the children beside those who are known are asked for at once.
        self.calls = sameness.ask_proposed(people), FIND_CHILDREN_BESIDE(people=[*people])
        super().__init__(known, self._find)

    def hand_over(self, *found: Rows) -> None:
        """:param found: the rows of `calls`."""
        self._found = [*found]

    @cached_property
    def _found(self) -> list[Rows]:
        return send(*self.calls)

    @cached_property
    def may_be(self) -> frozenset[int]:
        """Whom one of those who are known may be."""
        proposed, _ = self._found
        return sameness.likely_the_same(self._among, proposed)

    def _find(self) -> frozenset[int]:
        if self.may_be:
            return _with_children_beside({*self._among, *self.may_be})
        _, beside = self._found
        return frozenset({*self._among, *(person for (person,) in beside)})


def household_to_read(contact: Contact) -> HouseholdToRead:
    """The household of a contact whose children and adults are read already."""
    rows: list[ContactChild | ContactAdult] = [*contact.children.all(), *contact.adults.all()]
    return HouseholdToRead(_known_on(contact), {row.person_id for row in rows if row.in_family})


def household_around(person: Person) -> HouseholdToRead:
    """
    The household of one person.

    :param person: the record that stands for them.
    """
    return HouseholdToRead(Known(PEOPLE, (("people", [person.pk]),)), {person.pk})


def _known_on(contact: Contact) -> Known:
    return Known(PEOPLE_ON_CONTACT, (("contact", contact.pk),))


def household_of_people(*, known: Collection[int], may_be: Collection[int]) -> Household:
    """
    The household of people in the database, given as ids of `Person`.

    :param known: the people on a contact.
    :param may_be: their possible matches.
    """
    return Household(Known(PEOPLE, (("people", [*known]),)), lambda: _with_children_beside({*known, *may_be}))


def lock_household(people: Collection[int]) -> list[Person]:
    """
    Locks these people, and the children who are on any contact together with one of them, until the transaction ends:
    all their records.

    One statement finds and locks them, in the order of their ids, so that two actions never deadlock.
    """
    everybody = Person.objects.filter(Condition(IS_RECORD_BESIDE, F("pk"), values=(("people", [*people]),)))
    return list(everybody.order_by("pk").select_for_update(no_key=True))


def household_of(case: Case) -> Household:
    """The household of a case: its children, and those who are on contacts together with them."""
    return household_of_people(known=[child.pk for child in case.children.all()], may_be=[])


def opened_since(children: Iterable[ContactChild], people: Household, moment: datetime) -> Case | None:
    """A case of one of these children that opened after this moment and is still open."""
    ids = {child.person_id for child in children}
    opened = (case for case in people.own_cases if case.status == CaseStatus.OPEN and case.opened_at > moment)
    return next((case for case in opened if is_ours(case) and not ids.isdisjoint(cast("Any", case).children_ids)), None)


def is_ours(case: Case) -> bool:
    """Whether the case is our work. By its rule set, another authority may be responsible for it."""
    return case.work is not Work.OTHER_AUTHORITY


def note_touched(people: Collection[int], *, but_not: int | None = None, now: datetime) -> None:
    """
    Notes that the recommendations on contacts about the households of these people are stale, where the contacts wait:
    the worker renews them (`jobs/stale_recommendations.py`).

    :param people: the ids of records that stand for persons.
    :param but_not: the id of a contact about which the rules are asked at once.
    """
    if people:
        send(NOTE_TOUCHED(people=sorted(people), but_not=but_not, now=now))


def _with_children_beside(people: Collection[int]) -> frozenset[int]:
    """These people, and the children who share a contact with one of them."""
    if not people:
        return frozenset()
    (beside,) = send(FIND_CHILDREN_BESIDE(people=[*people]))
    return frozenset({*people, *(person for (person,) in beside)})


def open_cases(people: Household) -> list[Case]:
    """The open cases of the family that are our work: new information belongs to one of them."""
    return [case for case in people.own_cases if is_ours(case) and case.status == CaseStatus.OPEN]


def last_case(people: Household, contact: Contact) -> Case | None:
    """The case that new information belongs to: the open one, else the latest that closed in the last 28 days."""
    opened = open_cases(people)
    if opened:
        return opened[0]
    cases = [case for case in people.own_cases if is_ours(case)]
    recently = contact.received_at - timedelta(days=29)
    closed = [(case.closed_at, case) for case in cases if case.closed_at is not None and case.closed_at >= recently]
    return max(closed, key=itemgetter(0))[1] if closed else None
