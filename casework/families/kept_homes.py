"""
What the records of people hold of where they live. The one place that says it: a hidden address is not kept with a
record, neither of the child nor of an adult beside it, where it would be compared and found by its keys.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F, JSONField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from casework.families import merging
from casework.models import ContactAdult, ContactChild, FactChange, Person

Row = ContactChild | ContactAdult


def _corrected_lines(**whose: OuterRef) -> QuerySet[FactChange, Any]:
    """The lines of an address as they were corrected: None if nobody did; empty if they are not known."""
    corrected = FactChange.objects.filter(field="address.lines", **whose).order_by("-pk")
    return corrected.values(lines=Coalesce("after", Value([], JSONField())))[:1]


CORRECTED_LINES, CORRECTED_LINES_OF_ADULT = (
    _corrected_lines(child=OuterRef("pk")),
    _corrected_lines(adult=OuterRef("pk")),
)
# The people with a known address, shown or hidden: their own, that of a child with whom an adult may live, or one that
# staff recorded. In SQL, because the lines stand in the document at the place of the child or the adult.
IS_KNOWN = """({row}.postcode <> '' OR jsonb_path_exists(
    COALESCE(
        (SELECT COALESCE(fact.after, '[]') FROM casework_factchange fact
         WHERE fact.{row}_id = {row}.id AND fact.field = 'address.lines' ORDER BY fact.id DESC LIMIT 1),
        contact.document #> ARRAY['{group}', {row}.position::text, 'address', 'lines']),
    '$[*] ? (@.type() == "string" && @ != "")'))"""
CHILDS_IS_KNOWN, ADULTS_IS_KNOWN = (
    IS_KNOWN.format(row=row, group=group) for row, group in (("child", "children"), ("adult", "adults"))
)
WITH_A_HOME = f"""
SELECT child.person_id
FROM casework_contactchild child JOIN casework_contact contact ON contact.id = child.contact_id
WHERE child.person_id = ANY(%(people)s) AND {CHILDS_IS_KNOWN}
UNION
SELECT adult.person_id
FROM casework_contactadult adult JOIN casework_contact contact ON contact.id = adult.contact_id
WHERE adult.person_id = ANY(%(people)s) AND {ADULTS_IS_KNOWN}
UNION
SELECT adult.person_id
FROM casework_contactadult adult JOIN casework_contactchild child ON child.contact_id = adult.contact_id
JOIN casework_contact contact ON contact.id = child.contact_id
WHERE adult.person_id = ANY(%(people)s) AND adult.same_address IS DISTINCT FROM FALSE AND {CHILDS_IS_KNOWN}
UNION
SELECT COALESCE(record.same_as_id, record.id)
FROM casework_person record JOIN casework_persondetail detail ON detail.person_id = record.id
WHERE (record.id = ANY(%(people)s) OR record.same_as_id = ANY(%(people)s))
AND detail.kind = 'address' AND detail.in_error_at IS NULL
"""  # noqa: S608  # our own text
MOST_OF_AN_ADDRESS = 300
NOWHERE = ("", "")


class Lines(NamedTuple):
    """The lines of the addresses on one contact: of each child and of each adult, by their positions."""

    children: dict[int, list[str]]
    adults: dict[int, list[str]]

    def of(self, row: Row) -> Sequence[str]:
        return (self.children if isinstance(row, ContactChild) else self.adults).get(row.position, ())


def keep_homes(children: Iterable[ContactChild], adults: Iterable[ContactAdult], lines: Lines) -> None:
    """
    Writes into the records made for the people on one contact where they live, as it may be kept. Nothing is stored.

    An adult lives at an address of their own, if one is known. An adult of the family at the same address lives with
    the first child of the family whose home is known. If any child's address is hidden, "at the same address" must not
    reveal it, nor may the own address of whoever may live there.

    :param children: all children on the contact.
    """
    home, hides = NOWHERE, False
    for child in children:
        own = NOWHERE
        if child.address_is_confidential:
            hides = True
        else:
            own = _as_kept(child, lines)
        child.recorded_as.address, child.recorded_as.postcode = own
        if child.in_family and home == NOWHERE:
            home = own
    for adult in adults:
        own, with_children = _as_kept(adult, lines), adult.in_family and adult.same_address
        if adult.address_is_confidential or (hides and adult.same_address is not False):
            own = NOWHERE
        elif own == NOWHERE and with_children:
            own = home
        adult.recorded_as.address, adult.recorded_as.postcode = own


def _as_kept(row: Row, lines: Lines) -> tuple[str, str]:
    return ", ".join(lines.of(row))[:MOST_OF_AN_ADDRESS], row.postcode


def keep_again(contacts: Collection[int]) -> None:
    """Stores in the records of everybody on these contacts where they live, and their keys, as it may be kept today."""
    if not contacts:
        return
    children: dict[int, list[ContactChild]] = defaultdict(list)
    adults: dict[int, list[ContactAdult]] = defaultdict(list)
    lines: dict[int, Lines] = defaultdict(lambda: Lines({}, {}))
    of_children = ContactChild.objects.filter(contact__in=contacts)
    for child, own in _with_lines(of_children, "children", CORRECTED_LINES):
        children[child.contact_id].append(child)
        lines[child.contact_id].children[child.position] = own
    of_adults = ContactAdult.objects.filter(contact__in=contacts)
    for adult, own in _with_lines(of_adults, "adults", CORRECTED_LINES_OF_ADULT):
        adults[adult.contact_id].append(adult)
        lines[adult.contact_id].adults[adult.position] = own
    changed: list[Person] = []
    for contact in children:
        rows: list[ContactChild | ContactAdult] = [*children[contact], *adults[contact]]
        records = [row.recorded_as for row in rows]
        before = [(record.address, record.postcode) for record in records]
        keep_homes(children[contact], adults[contact], lines[contact])
        changed += [
            record for record, home in zip(records, before, strict=True) if (record.address, record.postcode) != home
        ]
    Person.objects.bulk_update(sorted(changed, key=lambda record: record.pk), ["address", "postcode"])
    merging.keep_keys_again({record.same_as_id or record.pk for record in changed})


def _with_lines(
    rows: QuerySet[Any, Any], group: str, corrected: QuerySet[FactChange, Any]
) -> Iterator[tuple[Any, list[str]]]:
    """
    Children, or adults, with the lines of their addresses.

    :param group: where they stand in the document.
    """
    rows = rows.annotate(sent=F(f"contact__document__{group}"), corrected=Subquery(corrected))
    for row in rows.select_related("recorded_as").order_by("contact", "position"):
        yield row, lines_of(address_of(row.sent or (), row.position, row.corrected))


def with_a_home(people: Collection[int]) -> frozenset[int]:
    """
    The people among these with a known address, shown or hidden.

    :param people: the ids of records that stand for persons.
    """
    with connection.cursor() as cursor:
        cursor.execute(WITH_A_HOME, {"people": list(people)})
        return frozenset(person for (person,) in cursor.fetchall())


def address_of(sent: Sequence[Mapping[str, Any]], position: int, corrected: Any) -> Mapping[str, Any]:
    """
    The address of a child or an adult as it was sent, with the lines that were corrected since.

    :param sent: the children, or the adults, in the contact's document. Whoever was added later is not among them.
    """
    address = (sent[position].get("address") if position < len(sent) else None) or {}
    return address if corrected is None else address | {"lines": corrected}


def lines_of(address: Mapping[str, Any]) -> list[str]:
    return [str(line) for line in address.get("lines") or () if line]
