"""
What the records of people keep beside their own contact's description: today's name, and the homes that staff recorded
and that are not hidden. People are shown, found and compared by these.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple, cast

from django.db.models import Exists, OuterRef, Prefetch, Q

from casework.families.sameness import by_person
from casework.models import ContactAdult, ContactChild, DetailKind, Person, PersonDetail

# Whether an adult on a contact lives at a hidden address, by any contact about the adult: see `living_hidden`.
LIVES_HIDDEN = (
    Q(person__address_is_protected=True)
    | Q(Exists(ContactChild.objects.filter(person=OuterRef("person"), address_is_confidential=True)))
    | Q(
        Exists(
            ContactAdult.objects.filter(
                person=OuterRef("person"), contact__children__address_is_confidential=True
            ).exclude(same_address=False)
        )
    )
)
ADULTS = Prefetch(
    "adults", ContactAdult.objects.select_related("person", "recorded_as").annotate(lives_hidden=LIVES_HIDDEN)
)


class RecordedHome(NamedTuple):
    """An address that staff recorded, its postcode, and whether somebody lived there earlier."""

    address: str
    postcode: str
    is_former: bool


def keep_recorded(records: Iterable[Person]) -> None:
    """
    Stores in these records what staff recorded of the persons. Former addresses are kept; addresses recorded in error
    are not.

    :param records: all records of some persons.
    """
    people = by_person(records)
    person_of = {record.pk: person for person, theirs in people.items() for record in theirs}
    kinds = (DetailKind.ADDRESS, DetailKind.CURRENT_NAME)
    details = PersonDetail.objects.filter(person__in=person_of, kind__in=kinds, in_error_at__isnull=True)
    homes: dict[int, list[list[str]]] = defaultdict(list)
    names: dict[int, str] = {}
    columns = ("person", "kind", "value", "postcode", "ended_at", "to_date")
    for record, kind, value, postcode, ended_at, to_date in details.order_by("pk").values_list(*columns):
        if kind == DetailKind.ADDRESS:
            homes[record].append([value, postcode])
        elif ended_at is None and to_date is None:
            names[person_of[record]] = value
    hidden = living_hidden({person_of[record] for record in homes}) if homes else frozenset()
    changed = []
    for person, theirs in people.items():
        for each in theirs:
            before = each.other_homes, each.current_name
            each.other_homes = [] if person in hidden else homes[each.pk]
            each.current_name = names.get(person, "") if each.pk == person else ""
            if (each.other_homes, each.current_name) != before:
                changed.append(each)
    Person.objects.bulk_update(sorted(changed, key=lambda record: record.pk), ["other_homes", "current_name"])


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


def lives_hidden(adult: ContactAdult) -> bool:
    """
    Whether an adult lives at a hidden address. Their telephone, which leads there, is then confidential everywhere.

    :param adult: of `ADULTS`, or annotated with `LIVES_HIDDEN`.
    """
    return bool(cast("Any", adult).lives_hidden)
