"""Brings the records of people up to date after somebody corrected how they were described on a contact."""

from collections.abc import Collection, Iterable

from casework.families import matching, merging, sameness
from casework.families.confidentiality import lock_around
from casework.models import ContactAdult, ContactChild, DetailKind, Person, PersonDetail

DESCRIBED = ("first_name", "last_name", "also_known_as", "date_of_birth", "date_of_birth_estimated",
             "expected_date_of_delivery", "sex", "ethnicity")  # fmt: skip
NAMES = (DetailKind.CURRENT_NAME, DetailKind.FORMER_NAME, DetailKind.ALSO_KNOWN_AS)
KEPT = (*DESCRIBED, "other_names", "nhs_number", "upn", "shared_numbers", "telephone", "mother_first_name",
        "mother_born", "address", "postcode")  # fmt: skip


def describe_again(
    children: Iterable[ContactChild], adults: Iterable[ContactAdult], *, people: Collection[int], will_hide: bool
) -> None:
    """
    Stores the records of these children and adults as the contact describes them today. Where they live is in the
    records already (see `kept_homes`).

    The caller has locked the contact and no record. The locks on keys come first, then everybody on the contact and
    whoever they may be, in the order of their ids, so that two actions never deadlock.

    :param people: the ids of everybody on the contact, and of their possible matches.
    :param will_hide: whether an address on the contact is about to be hidden.
    """
    rows: list[ContactChild | ContactAdult] = [*children, *adults]
    for row in rows:
        if isinstance(row, ContactChild):
            for name in DESCRIBED:
                setattr(row.recorded_as, name, getattr(row, name))
            row.recorded_as.nhs_number = row.nhs_number or None
    records = [row.recorded_as for row in rows]
    likely = [match.person.pk for match in matching.look(records)]
    known = [record.pk for record in records if record.pk is not None]
    lock_around([*people, *known, *likely], will_hide=will_hide)
    for record in records:
        record.save(update_fields=None if record.pk is None else KEPT)
    _keep_keys(records)


def find_by_recorded(record: Person, *, in_error: str = "") -> None:
    """
    Stores by which names, homes and numbers a person is found, shown and compared, after staff recorded one, or said
    that it ended or was recorded in error. What has ended finds the person as before. The caller has locked the person.

    :param in_error: the name that was recorded in error.
    """
    recorded = PersonDetail.objects.filter(person=record, kind__in=NAMES, in_error_at__isnull=True).order_by("pk")
    names = [name for name in record.other_names if name != in_error]
    record.other_names = list(dict.fromkeys((*names, *recorded.values_list("value", flat=True))))
    record.save(update_fields=["other_names"])
    _keep_keys([record])


def _keep_keys(records: Collection[Person]) -> None:
    merging.keep_keys_again(sameness.representatives([record.pk for record in records]))
