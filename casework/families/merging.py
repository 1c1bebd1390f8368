"""
Joining the records of one person, and separating them again.

Matches that are certain or confirmed join records. All records that are joined, directly or through others, are one
person, and the oldest of them stands for the person. Nothing else is kept: whatever is joined, undone and received, in
whatever order, who is one person follows from the matches in force.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet

from casework.families import person_keys, sameness
from casework.families.recorded import keep_recorded
from casework.models import CaseChild, Contact, ContactChild, Person, PersonKey, PersonMatch
from casework.statuses import MatchStatus

IN_FORCE = (MatchStatus.CERTAIN, MatchStatus.CONFIRMED)

# Rows of contacts refer to the record that stands for the person.
ROWS = """
UPDATE casework_{table} AS on_contact SET person_id = COALESCE(record.same_as_id, record.id)
FROM casework_person AS record
WHERE record.id = on_contact.recorded_as_id AND on_contact.recorded_as_id = ANY(%s)
RETURNING on_contact.contact_id
"""
CHILDREN_OF_CASES = """
INSERT INTO casework_casechild (case_id, person_id)
SELECT DISTINCT contact.case_id, child.person_id
FROM casework_contact contact JOIN casework_contactchild child ON child.contact_id = contact.id
WHERE contact.case_id = ANY(%s) AND child.in_family
ON CONFLICT DO NOTHING
RETURNING person_id
"""


def lock_records(people: Collection[int] | QuerySet[Any, Any]) -> list[Person]:
    """
    Locks all records of these persons until the transaction ends, in the order of their ids, and returns them.

    The persons are given by any of their records.
    """
    locked: set[int] = set()
    while True:
        records = list(sameness.records_of(people).select_for_update(no_key=True))
        # Somebody may have joined others to them while we waited.
        if {record.pk for record in records} <= locked:
            return records
        locked |= {record.pk for record in records}


def regroup(records: Collection[Person]) -> frozenset[int]:
    """
    Works out again which of these records are of one person, and updates the rows of contacts and cases.

    :param records: all records of some persons, locked.
    :returns: who stands or stood for a person that has changed, as ids of records.
    """
    before = {record.pk: record.same_as_id or record.pk for record in records}
    after = _representatives(before, _in_force(before))
    changed = [record for record in records if before[record.pk] != after[record.pk]]
    if not changed:
        return frozenset()
    for record in changed:
        stands = after[record.pk]
        record.same_as_id = stands if stands != record.pk else None
    Person.objects.bulk_update(changed, ["same_as"])
    touched = frozenset(stands[record.pk] for record in changed for stands in (before, after))
    Person.objects.filter(pk__in=touched).update(regrouped=F("regrouped") + 1)
    contacts: set[int] = set()
    with connection.cursor() as cursor:
        for table in ("contactchild", "contactadult"):
            cursor.execute(ROWS.format(table=table), [[record.pk for record in changed]])
            contacts.update(contact for (contact,) in cursor.fetchall())
    keep_keys_again(touched)
    if cases := set(Contact.objects.filter(pk__in=contacts, case__isnull=False).values_list("case", flat=True)):
        children_follow(cases)
    return touched


def sides_of(match: PersonMatch) -> tuple[list[Person], list[Person]]:
    """
    The records of the two persons of a match, the oldest first: the two persons that there would be without the match.
    If they are one through other matches as well, the match's own record stands alone.
    """
    records = list(sameness.records_of([match.record_id, match.person_id]))
    pair = {match.record_id, match.person_id}
    ids = [record.pk for record in records]
    representative = _representatives(ids, (joined for joined in _in_force(ids) if set(joined) != pair))
    ones = [record for record in records if representative[record.pk] == representative[match.record_id]]
    if representative[match.record_id] == representative[match.person_id]:
        ones = [record for record in records if record.pk == match.record_id]
    return ones, [record for record in records if record not in ones]


def keep_keys_again(people: Collection[int]) -> None:
    """
    Keeps what staff recorded of these persons in their records anew, and their keys from what all their records say.
    """
    if not people:
        return
    PersonKey.objects.filter(person__in=people).delete()
    records = list(sameness.records_of(people))
    keep_recorded(records)
    person_keys.keep(records)


def _in_force(records: Iterable[int]) -> list[tuple[int, int]]:
    records = list(records)
    matches = PersonMatch.objects.filter(status__in=IN_FORCE, record__in=records, person__in=records)
    return list(matches.order_by().values_list("record", "person"))


def _representatives(records: Iterable[int], joined: Iterable[tuple[int, int]]) -> Mapping[int, int]:
    """For each record the oldest of those that it is joined to, directly or through others."""
    oldest = {record: record for record in records}

    def oldest_of(record: int) -> int:
        while oldest[record] != record:
            record = oldest[record]
        return record

    for pair in joined:
        first, last = sorted(map(oldest_of, pair))
        oldest[last] = first
    return {record: oldest_of(record) for record in oldest}


def children_follow(cases: Collection[int]) -> tuple[frozenset[int], frozenset[int]]:
    """
    Sets the children of these cases: those of the family on their contacts, and nobody else.

    :returns: who is in one of them now and was not, and who was and is no more.
    """
    with connection.cursor() as cursor:
        cursor.execute(CHILDREN_OF_CASES, [sorted(cases)])
        came = frozenset(person for (person,) in cursor.fetchall())
    of_family = ContactChild.objects.filter(contact__case=OuterRef("case"), person=OuterRef("person"), in_family=True)
    leaving = CaseChild.objects.filter(~Exists(of_family), case__in=cases)
    left = frozenset(leaving.values_list("person", flat=True))
    if left:
        leaving.delete()
    return came, left
