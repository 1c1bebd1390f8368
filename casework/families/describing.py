"""Brings the records of people up to date after somebody corrected how they were described on a contact."""

from collections.abc import Collection, Iterable

from casework.families.matching import candidates, compare, lock_possible_matches
from casework.models import ContactAdult, ContactChild, Person

DESCRIBED = ("first_name", "last_name", "also_known_as", "date_of_birth", "expected_date_of_delivery", "sex",
             "ethnicity")  # fmt: skip


def describe_again(
    children: Iterable[ContactChild], adults: Iterable[ContactAdult], home: str, *, people: Collection[int]
) -> None:
    """
    Stores the records of these children and adults as the contact describes them today.

    The caller has locked the contact and no record. The locks on possible matches come first, then everybody on the
    contact and whoever they may be, in the order of their ids, so that two actions never deadlock. A record that
    another contact uses as its own as well stays as it is.

    :param people: the ids of everybody on the contact, and of their possible matches.
    :param home: the postcode of adults who live with the children (see `home_of`).
    """
    own = [child for child in children if _is_its_own(child)]
    for child in own:
        record = child.recorded_as
        for name in DESCRIBED:
            setattr(record, name, getattr(child, name))
        record.nhs_number = child.nhs_number or None
        record.postcode = "" if child.address_is_confidential else child.postcode
    of_adults = list(adults)
    for adult in of_adults:
        adult.recorded_as.postcode = home if adult.same_address else ""
    records = [*(child.recorded_as for child in own), *(adult.recorded_as for adult in of_adults)]
    lock_possible_matches(records)
    likely = [match.person.pk for match in compare(records, candidates(records))]
    known = [record.pk for record in records if record.pk is not None]
    list(Person.objects.filter(pk__in=[*people, *known, *likely]).order_by("pk").select_for_update(no_key=True))
    for record in records:
        record.save(update_fields=None if record.pk is None else [*DESCRIBED, "nhs_number", "postcode"])


def home_of(children: Iterable[ContactChild]) -> str:
    """The postcode of those who live with these children. If one of the addresses is confidential, none."""
    family = [child for child in children if child.in_family]
    hidden = any(child.address_is_confidential for child in family)
    return "" if hidden else next((child.postcode for child in family if child.postcode), "")


def _is_its_own(child: ContactChild) -> bool:
    """Whether no other contact uses the child's record as its own. In older contacts, several do."""
    record = child.recorded_as
    return record.pk is None or not ContactChild.objects.filter(recorded_as=record).exclude(pk=child.pk).exists()
