"""
What the records of people keep beside their own contact's description: today's name, and the homes and numbers that
staff recorded, without a home that is hidden. People are shown, found and compared by these.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, cast

from django.db.models import Exists, OuterRef, Q

from casework.families.person_keys import ENDED
from casework.families.sameness import by_person
from casework.models import ContactAdult, ContactChild, DetailKind, Person, PersonDetail
from localities.working_time import local_day

NUMBERS = (DetailKind.NHS_NUMBER, DetailKind.UPN, DetailKind.TELEPHONE)

# Whether an adult on a contact lives at a hidden address, by any contact about the adult: see `living_hidden`.
LIVES_HIDDEN = (
    Q(person__address_is_protected=True)
    | Q(Exists(ContactChild.objects.filter(person=OuterRef("person"), address_is_confidential=True)))
    | Q(Exists(ContactAdult.objects.filter(person=OuterRef("person"), address_is_confidential=True)))
    | Q(
        Exists(
            ContactAdult.objects.filter(
                person=OuterRef("person"), contact__children__address_is_confidential=True
            ).exclude(same_address=False)
        )
    )
)
ADULTS = ContactAdult.objects.select_related("person", "recorded_as").annotate(lives_hidden=LIVES_HIDDEN)


class RecordedHome(NamedTuple):
    """An address that staff recorded, its postcode, and whether somebody lived there earlier."""

    address: str
    postcode: str
    is_former: bool


def keep_recorded(records: Iterable[Person]) -> None:
    """
    Stores in these records what staff recorded of the persons. What has ended is kept; what was recorded in error is
    not. A number has the last status that was recorded of the person with it.

    :param records: all records of some persons.
    """
    people = by_person(records)
    person_of = {record.pk: person for person, theirs in people.items() for record in theirs}
    kinds = (DetailKind.ADDRESS, DetailKind.CURRENT_NAME, *NUMBERS)
    details = PersonDetail.objects.filter(person__in=person_of, kind__in=kinds, in_error_at__isnull=True)
    homes: dict[int, list[list[str]]] = defaultdict(list)
    names: dict[int, str] = {}
    numbers: dict[int, list[PersonDetail]] = defaultdict(list)
    for detail in details.order_by("pk"):
        if detail.kind == DetailKind.ADDRESS:
            homes[detail.person_id].append([detail.value, detail.postcode])
        elif detail.kind in NUMBERS:
            numbers[person_of[detail.person_id]].append(detail)
        elif not _has_ended(detail):
            names[person_of[detail.person_id]] = detail.value
    hidden = living_hidden({person_of[record] for record in homes}) if homes else frozenset()
    changed = []
    for person, theirs in people.items():
        for each in theirs:
            before = each.other_homes, each.other_numbers, each.current_name
            each.other_homes = [] if person in hidden else homes[each.pk]
            each.other_numbers = _numbers(each.pk, numbers[person])
            each.current_name = names.get(person, "") if each.pk == person else ""
            if (each.other_homes, each.other_numbers, each.current_name) != before:
                changed.append(each)
    changed.sort(key=lambda record: record.pk)
    Person.objects.bulk_update(changed, ["other_homes", "other_numbers", "current_name"])


def _numbers(record: int, of_person: Sequence[PersonDetail]) -> list[list[str]]:
    """The numbers that staff recorded with a record: each with the last status that the person has it with."""
    last: dict[tuple[str, str], PersonDetail] = {}
    for detail in sorted(of_person, key=lambda detail: (not _has_ended(detail), detail.pk)):
        last[detail.kind, detail.value] = detail
    own = dict.fromkeys((detail.kind, detail.value) for detail in of_person if detail.person_id == record)
    return [[*each, _status(last[each]), local_day(last[each].recorded_at).isoformat()] for each in own]


def _status(detail: PersonDetail) -> str:
    """Empty for what has none, and for a telephone: whether it is safe to use says nothing of whose it is."""
    if detail.kind == DetailKind.TELEPHONE:
        return ""
    return ENDED if _has_ended(detail) else detail.qualifier


def _has_ended(detail: PersonDetail) -> bool:
    return detail.ended_at is not None or detail.to_date is not None


def living_hidden(people: Collection[int]) -> frozenset[int]:
    """
    Those of these people who live at a hidden address: themselves hidden, or an adult who may live with such a child,
    or whose own address is hidden.

    :param people: the ids of records that stand for persons.
    """
    protected = Person.objects.filter(pk__in=people, address_is_protected=True).order_by().values_list("pk")
    children = ContactChild.objects.filter(person__in=people, address_is_confidential=True)
    adults = ContactAdult.objects.filter(person__in=people)
    with_children = adults.filter(contact__children__address_is_confidential=True).exclude(same_address=False)
    found = protected.union(
        children.order_by().values_list("person"),
        adults.filter(address_is_confidential=True).order_by().values_list("person"),
        with_children.order_by().values_list("person"),
    )
    return frozenset(person for (person,) in found)


def lives_hidden(adult: ContactAdult) -> bool:
    """
    Whether an adult lives at a hidden address. Their telephone, which leads there, is then confidential everywhere.

    :param adult: of `ADULTS`, or annotated with `LIVES_HIDDEN`.
    """
    return bool(cast("Any", adult).lives_hidden)
