"""What is known of a person: from the contacts that the reader may see, and from what staff recorded."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from casework.access.loading import people_visible_to
from casework.facts.learned import today_of
from casework.families.confidentiality import ONE_HOME
from casework.families.likeness.homes import nearest_home, read_home
from casework.families.likeness.identifiers import read_upn
from casework.families.sameness import records_of
from casework.models import Contact, ContactAdult, ContactChild, FactChange, Person, PersonDetail
from localities.models import User


@dataclass
class Said:
    """Something that contacts say of a person, since when and until when, and by whom."""

    text: str
    first_at: datetime
    last_at: datetime
    said_by: list[str] = field(default_factory=list)
    note: str = ""

    def again(self, contact: Contact) -> None:
        self.first_at, self.last_at = min(self.first_at, contact.received_at), max(self.last_at, contact.received_at)
        if (who := _who(contact)) not in self.said_by:
            self.said_by.append(who)


@dataclass(frozen=True)
class Beside:
    """Somebody who is on a contact together with the person: as what, and on which contact last."""

    person: Person
    as_what: str
    last: Contact


@dataclass(frozen=True)
class Known:
    """What is known of a person, the newest first. `hides` says whether any of it is not shown."""

    names: list[Said]
    births: list[Said]
    homes: list[Said]
    numbers: list[Said]
    telephones: list[Said]
    sexes: list[Said]
    beside: list[Beside]
    details: list[PersonDetail]
    hides: bool
    contacts: list[Contact]


def known_of(person: Person, user: User, now: datetime) -> Known:
    """Reads what is known. An address that is hidden is not among it, and nothing that leads to it."""
    visible = Contact.objects.visible_to(user, now).order_by().values("pk")
    as_child = list(
        ContactChild.objects.filter(person=person, contact__in=visible)
        .select_related("contact__agency")
        .order_by("-contact__received_at", "-contact")
    )
    as_adult = list(
        ContactAdult.objects.filter(person=person, contact__in=visible)
        .select_related("contact__agency", "recorded_as")
        .order_by("-contact__received_at", "-contact")
    )
    rows: list[ContactChild | ContactAdult] = [*as_child, *as_adult]
    contacts = {row.contact_id: row.contact for row in rows}
    told = _Told(contacts)
    children = list(
        ContactChild.objects.filter(contact__in=contacts, in_family=True).select_related("person", "recorded_as")
    )
    adults = list(
        ContactAdult.objects.filter(contact__in=contacts, in_family=True).select_related("person", "recorded_as")
    )
    hiding = {child.contact_id for child in children if child.address_is_confidential}
    recorded = PersonDetail.objects.filter(person__in=records_of([person.pk]))
    # Of a relationship to somebody whom the reader may not see, nothing is said.
    others = people_visible_to(user, now).filter(pk__in=recorded.order_by().values("other")).values("pk")
    details = list(
        recorded.filter(Q(other__isnull=True) | Q(other__in=others)).select_related("recorded_by", "ended_by", "other")
    )
    hides = person.address_is_protected or any(child.address_is_confidential for child in as_child)
    return Known(
        names=_said(
            (row.contact, name)
            for row in rows
            for name in _names(row if isinstance(row, ContactChild) else row.recorded_as)
        ),
        births=_said((row.contact, _born(row)) for row in rows),
        homes=[] if hides else _homes((child, told.of(child)) for child in as_child),
        numbers=_said(pair for child in as_child for pair in _numbers(child, told.of(child))),
        telephones=_said(
            (adult.contact, str(told.of(adult).get("phone") or "").strip())
            for adult in as_adult
            if not person.address_is_protected and (adult.contact_id not in hiding or adult.same_address is False)
        ),
        sexes=_said((child.contact, child.get_sex_display()) for child in as_child if child.sex != "U"),
        beside=_beside(person, children, adults, contacts),
        details=[detail for detail in details if not (hides and detail.kind == "address")],
        hides=hides or bool({adult.contact_id for adult in as_adult if adult.same_address is not False} & hiding),
        contacts=list(contacts.values()),
    )


def _said(pairs: Iterable[tuple[Contact, str]]) -> list[Said]:
    """Each text once, in any letters."""
    found: dict[str, Said] = {}
    for contact, text in pairs:
        if not text:
            continue
        key = text.casefold()
        if key not in found:
            found[key] = Said(text, contact.received_at, contact.received_at)
        found[key].again(contact)
    return list(found.values())


def _homes(children: Iterable[tuple[ContactChild, Mapping[str, Any]]]) -> list[Said]:
    """Each home once, however it was written."""
    found: list[tuple[Any, Said]] = []
    for child, told in children:
        lines = [str(line) for line in told.get("address.lines") or [] if line]
        home = read_home(" ".join(lines), child.postcode)
        if home is None:
            continue
        said = next((said for other, said in found if nearest_home(home, other) in ONE_HOME), None)
        if said is None:
            text = ", ".join((*lines, child.postcode)) if child.postcode else ", ".join(lines)
            said = Said(text, child.contact.received_at, child.contact.received_at)
            found.append((home, said))
        said.again(child.contact)
    return [said for _, said in found]


def _names(described: ContactChild | Person) -> Iterator[str]:
    yield f"{described.first_name} {described.last_name}".strip()
    yield from described.also_known_as


def _born(row: ContactChild | ContactAdult) -> str:
    born = row.date_of_birth if isinstance(row, ContactChild) else row.recorded_as.date_of_birth
    if born is not None:
        estimated = isinstance(row, ContactChild) and row.date_of_birth_estimated
        return f"Born {born:%-d %B %Y}{', estimated' if estimated else ''}"
    if isinstance(row, ContactChild) and row.expected_date_of_delivery is not None:
        return f"Expected {row.expected_date_of_delivery:%-d %B %Y}"
    if isinstance(row, ContactChild) and row.age_years is not None:
        return f"Aged {row.age_years} on {row.contact.received_at:%-d %B %Y}"
    return ""


def _numbers(child: ContactChild, told: Mapping[str, Any]) -> Iterator[tuple[Contact, str]]:
    if number := child.nhs_number:
        yield child.contact, f"NHS number {number[:3]} {number[3:6]} {number[6:]}: number present but not verified"
    if upn := read_upn(str(told.get("upn") or "")):
        checked = "the check letter is right" if upn.is_valid else "the check letter is wrong"
        yield child.contact, f"Unique pupil number {upn.text}: {checked}"


class _Told:
    """What the contacts say of a child or an adult today: as it was sent, with what was corrected since."""

    def __init__(self, contacts: Collection[int]) -> None:
        self._changes: dict[tuple[str, int], list[FactChange]] = defaultdict(list)
        for change in FactChange.objects.filter(information__contact__in=contacts).order_by("pk"):
            if change.child_id is not None:
                self._changes["children", change.child_id].append(change)
            elif change.adult_id is not None:
                self._changes["adults", change.adult_id].append(change)

    def of(self, row: ContactChild | ContactAdult) -> Mapping[str, Any]:
        """The facts by their places, such as `address.lines`."""
        part = "children" if isinstance(row, ContactChild) else "adults"
        sent = dict(enumerate(row.contact.document.get(part) or ())).get(row.position, {})
        facts: Mapping[str, Any] = today_of(row, sent, self._changes[part, row.pk])
        return facts


def _beside(
    person: Person, children: Iterable[ContactChild], adults: Iterable[ContactAdult], contacts: Mapping[int, Contact]
) -> list[Beside]:
    """Everybody else on these contacts, once, as on the newest of them."""
    everybody: list[tuple[ContactChild | ContactAdult, str]] = [
        *((child, "Unborn child" if child.expected_date_of_delivery and not child.date_of_birth else "Child")
          for child in children),
        *((adult, adult.relationship or "Adult") for adult in adults),
    ]  # fmt: skip
    found: dict[int, Beside] = {}
    for row, as_what in everybody:
        last = contacts[row.contact_id]
        known = found.get(row.person_id)
        if row.person_id != person.pk and (known is None or known.last.received_at < last.received_at):
            found[row.person_id] = Beside(row.person, as_what, last)
    return sorted(found.values(), key=lambda each: each.last.received_at, reverse=True)


def _who(contact: Contact) -> str:
    return str(contact.agency or contact.get_source_code_display())
