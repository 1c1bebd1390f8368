"""
What a person is called, for somebody who reads: by a record that they may see, never by one of a closed contact.

The record that stands for a person is the oldest, and may be of a contact that is closed to the reader, because
somebody else on it is restricted. So whoever is on a contact is called by the record of that row, and a person by the
records of contacts that the reader may see. The name that staff recorded is shown to whoever may see the person.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from casework.families.likeness.names import read_name
from casework.families.sameness import by_person
from casework.models import Case, Contact, ContactAdult, ContactChild, Person
from localities.models import User


class Called(NamedTuple):
    """A person by the reference of the record that stands for them, with the name and birth that a reader may see."""

    reference: str
    name: str
    born: date | None


def name_of(records: Sequence[Person], current: str = "") -> str:
    """
    The name of today that staff recorded; else that of the first of these records, or of the newest that has a first
    name, if the first has none.

    :param records: those that the reader may see.
    :param current: `current_name` of the record that stands for the person.
    """
    return current or (records[0] if read_name(records[0].first_name) else _newest_named(records)).own_name


def seen_by(by: User, now: datetime, people: Collection[int] | QuerySet[Any, Any]) -> Mapping[int, Called]:
    """
    Those of these people whom `by` may see, and what they are called.

    :param people: the ids of records that stand for people, or a query for them.
    """
    found = {}
    for person, records in _records_seen(by, now, people).items():
        stands = records[0].same_as or records[0]
        born = next((record.date_of_birth for record in records if record.date_of_birth), None)
        found[person] = Called(stands.reference, name_of(records, stands.current_name), born)
    return found


def name_rows(rows: Iterable[ContactChild | ContactAdult], by: User, now: datetime) -> None:
    """
    Names those of these rows whose contact gives no first name as other contacts do that `by` may see: an unborn child
    as the baby that it turned out to be. Mostly there is none, and nothing is asked.

    :param rows: with `person`, and adults with `recorded_as`.
    """
    nameless = [row for row in rows if row.person.regrouped and not row.person.current_name and not _has_name(row)]
    seen = _records_seen(by, now, {row.person_id for row in nameless}) if nameless else {}
    for row in nameless:
        if row.person_id in seen and read_name((newest := _newest_named(seen[row.person_id])).first_name):
            row.named_elsewhere = newest.own_name


def families_of(
    about: Collection[Contact | Case], user: User, now: datetime
) -> dict[Contact | Case, list[ContactChild]]:
    """The children of each of these contacts and cases that the user may see."""
    if not about:
        return {}
    contacts = {each.pk for each in about if isinstance(each, Contact)}
    cases = {each.pk for each in about if isinstance(each, Case)}
    visible = Contact.objects.visible_to(user, now).filter(Q(pk__in=contacts) | Q(case__in=cases))
    children = ContactChild.objects.filter(contact__in=visible.order_by().values("pk"), in_family=True)
    # The document is long, and nobody is named by it.
    children = children.select_related("person", "contact").defer("contact__document")
    rows = list(children.order_by("contact", "position"))
    name_rows(rows, user, now)
    of_contacts: dict[int, dict[int, ContactChild]] = defaultdict(dict)
    of_cases: dict[int | None, dict[int, ContactChild]] = defaultdict(dict)
    for row in rows:
        of_contacts[row.contact_id][row.person_id] = of_cases[row.contact.case_id][row.person_id] = row
    return {each: list((of_contacts if isinstance(each, Contact) else of_cases)[each.pk].values()) for each in about}


def _records_seen(by: User, now: datetime, people: Collection[int] | QuerySet[Any, Any]) -> Mapping[int, list[Person]]:
    """The records of these people that are of contacts that `by` may see, the oldest first."""
    visible = Contact.objects.visible_to(by, now).order_by().values("pk")
    of_children = ContactChild.objects.filter(person__in=people, contact__in=visible).order_by().values("recorded_as")
    of_adults = ContactAdult.objects.filter(person__in=people, contact__in=visible).order_by().values("recorded_as")
    records = Person.objects.filter(pk__in=of_children.union(of_adults))
    return by_person(records.select_related("same_as").order_by("pk"))


def _newest_named(records: Sequence[Person]) -> Person:
    """The newest of these records that has a first name; the first, if none has."""
    named = [record for record in records if read_name(record.first_name)]
    return max(named, key=lambda record: record.pk, default=records[0])


def _has_name(row: ContactChild | ContactAdult) -> bool:
    described = row if isinstance(row, ContactChild) else row.recorded_as
    return bool(read_name(described.first_name))
