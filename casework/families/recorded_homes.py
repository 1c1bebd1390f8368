"""Where people live as staff recorded it, as far as it is not hidden: by that they are found, too."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from casework.models import ContactAdult, ContactChild, DetailKind, Person, PersonDetail


class RecordedHome(NamedTuple):
    """An address that staff recorded, and its postcode."""

    address: str
    postcode: str


def recorded_homes(records: Iterable[Person]) -> Mapping[int, list[RecordedHome]]:
    """The addresses that were recorded with these records and have not ended, by the id of the record."""
    person_of = {record.pk: record.same_as_id or record.pk for record in records}
    details = PersonDetail.objects.filter(person__in=person_of, kind=DetailKind.ADDRESS, ended_at__isnull=True)
    found = list(details.order_by("pk").values_list("person", "value", "postcode"))
    hidden = living_hidden({person_of[record] for record, _, _ in found}) if found else frozenset()
    homes: dict[int, list[RecordedHome]] = defaultdict(list)
    for record, address, postcode in found:
        if person_of[record] not in hidden:
            homes[record].append(RecordedHome(address, postcode))
    return homes


def living_hidden(people: Collection[int]) -> frozenset[int]:
    """
    Those of these people who live at a hidden address: themselves hidden, or an adult who may live with such a child.

    :param people: the ids of records that stand for persons.
    """
    protected = Person.objects.filter(pk__in=people, address_is_protected=True).order_by().values_list("pk")
    children = ContactChild.objects.filter(person__in=people, address_is_confidential=True)
    adults = ContactAdult.objects.filter(person__in=people, contact__children__address_is_confidential=True)
    found = protected.union(
        children.order_by().values_list("person"), adults.exclude(same_address=False).order_by().values_list("person")
    )
    return frozenset(person for (person,) in found)
