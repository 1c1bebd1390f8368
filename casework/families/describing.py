"""Brings the records of people up to date after somebody corrected how they were described on a contact."""

from collections.abc import Collection, Iterable, Mapping

from casework.families import matching, merging, sameness
from casework.models import ContactAdult, ContactChild, Person

DESCRIBED = ("first_name", "last_name", "also_known_as", "date_of_birth", "date_of_birth_estimated",
             "expected_date_of_delivery", "sex", "ethnicity")  # fmt: skip
KEPT = (*DESCRIBED, "nhs_number", "address", "postcode")


def describe_again(
    children: Iterable[ContactChild],
    adults: Iterable[ContactAdult],
    home: str,
    *,
    people: Collection[int],
    addresses: Mapping[int, str],
) -> None:
    """
    Stores the records of these children and adults as the contact describes them today.

    The caller has locked the contact and no record. The locks on keys come first, then everybody on the contact and
    whoever they may be, in the order of their ids, so that two actions never deadlock.

    :param people: the ids of everybody on the contact, and of their possible matches.
    :param home: the postcode of adults who live with the children (see `home_of`).
    :param addresses: the lines of the addresses that were corrected, by the position of the child.
    """
    rows: list[ContactChild | ContactAdult] = [*children, *adults]
    for row in rows:
        record = row.recorded_as
        if isinstance(row, ContactAdult):
            record.address = record.address if home and record.postcode == home and row.same_address else ""
            record.postcode = home if row.same_address else ""
            continue
        for name in DESCRIBED:
            setattr(record, name, getattr(row, name))
        record.nhs_number = row.nhs_number or None
        hidden = row.address_is_confidential
        record.address = "" if hidden else addresses.get(row.position, record.address)
        record.postcode = "" if hidden else row.postcode
    records = [row.recorded_as for row in rows]
    likely = [match.person.pk for match in matching.look(records)]
    known = [record.pk for record in records if record.pk is not None]
    merging.lock_records([*people, *known, *likely])
    for record in records:
        record.save(update_fields=None if record.pk is None else KEPT)
    _keep_keys(records)


def home_of(children: Iterable[ContactChild]) -> str:
    """The postcode of those who live with these children. If one of the addresses is confidential, none."""
    family = [child for child in children if child.in_family]
    hidden = any(child.address_is_confidential for child in family)
    return "" if hidden else next((child.postcode for child in family if child.postcode), "")


def _keep_keys(records: Collection[Person]) -> None:
    merging.keep_keys_again(sameness.standing_for([record.pk for record in records]))
