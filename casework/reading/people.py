"""What is known of a person: from the contacts that the reader may see, and from what staff recorded."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from casework.facts.learned import today_of
from casework.families.describing import NAMES
from casework.families.kept_homes import lines_of
from casework.families.likeness.homes import Home, are_one_home
from casework.families.likeness.identifiers import read_telephones, read_upn
from casework.families.naming import Called, name_of, name_rows, seen_by
from casework.families.recorded import LIVES_HIDDEN, lives_hidden
from casework.models import (
    Contact,
    ContactAdult,
    ContactChild,
    DetailKind,
    FactChange,
    NumberStatus,
    Person,
    PersonDetail,
    SafeToUse,
)
from casework.models import Source as LearnedFrom
from casework.models.together import read_together
from casework.reading.households import Beside, HomesOfContact, LivesAt, add_recorded, beside
from localities.models import User

# What staff recorded of somebody in hiding that is not shown.
LEADS_THERE = frozenset({DetailKind.ADDRESS, DetailKind.TELEPHONE})
# The places of these facts in a contact.
BIRTH = ("date_of_birth", "date_of_birth_estimated", "expected_date_of_delivery", "age_years")
ADDRESS = ("address.lines", "address.postcode")


class Source(NamedTuple):
    """When something was said, and by whom."""

    at: datetime
    who: str


@dataclass
class Said:
    """Something that is said of a person, since when and until when, and by whom. `note`: how it is known."""

    text: str
    first_at: datetime
    last_at: datetime
    said_by: list[str] = field(default_factory=list)
    note: str = ""

    def again(self, source: Source) -> None:
        self.first_at, self.last_at = min(self.first_at, source.at), max(self.last_at, source.at)
        if source.who not in self.said_by:
            self.said_by.append(source.who)


@dataclass(frozen=True)
class Known:
    """
    What is known of a person, the newest first: as contacts say, then as staff recorded it. `expected` is the day of
    birth that was expected, where no birth is known. `not_of_family` are the
    contacts on which somebody said that the person is not of the family there. `hides` says whether the person lives at
    a confidential address; `hides_home` and `hides_telephone` whether one is known that is not shown. `records` are the
    ids of the records that were asked about, and `seen` of those among them whose contacts the reader may see. `others`
    are those to whom staff recorded a relationship, by the ids of the records that stand for them.
    """

    name: str
    names: list[Said]
    corrected_names: list[str]
    births: list[Said]
    expected: date | None
    deaths: list[Said]
    homes: list[Said]
    numbers: list[Said]
    telephones: list[Said]
    sexes: list[Said]
    beside: list[Beside]
    details: list[PersonDetail]
    hides: bool
    hides_home: bool
    hides_telephone: bool
    contacts: list[Contact]
    not_of_family: list[Contact]
    records: frozenset[int]
    seen: frozenset[int]
    others: Mapping[int, Called]


def known_of(person: Person, user: User, now: datetime, records: Collection[int], *along: QuerySet[Any, Any]) -> Known:
    """
    Reads what is known. An address that is hidden is not among it, and nothing that leads to it.

    :param records: only what these records of the person say, as ids.
    :param along: what is read with it.
    """
    visible = Contact.objects.visible_to(user, now).order_by().values("pk")
    own = frozenset(records)
    as_child = (
        ContactChild.objects.filter(recorded_as__in=own, contact__in=visible)
        .select_related("contact__agency", "recorded_as")
        .order_by("-contact__received_at", "-contact")
    )
    as_adult = (
        ContactAdult.objects.filter(recorded_as__in=own, contact__in=visible)
        .annotate(lives_hidden=LIVES_HIDDEN)
        .select_related("contact__agency", "recorded_as")
        .order_by("-contact__received_at", "-contact")
    )
    recorded_of_us = PersonDetail.objects.filter(Q(person__in=own) | Q(other__in=own)).select_related(
        "recorded_by", "ended_by", "in_error_by", "other", "person"
    )
    read_together(as_child, as_adult, recorded_of_us, *along)
    rows: list[ContactChild | ContactAdult] = [*as_child, *as_adult]
    contacts = {row.contact_id: row.contact for row in rows}
    of_family = {"contact__in": contacts, "in_family": True}
    children = ContactChild.objects.filter(**of_family).select_related("person", "recorded_as")
    adults = ContactAdult.objects.filter(**of_family).select_related("person", "recorded_as")
    changes = FactChange.objects.filter(information__contact__in=contacts).order_by("pk")
    changes = changes.select_related("information__by_agency")
    read_together(children, adults, changes)
    facts = _ContactFacts(contacts, changes)
    strangers = [adult for adult in as_adult if not adult.in_family]
    everybody: list[ContactChild | ContactAdult] = [*children, *adults, *strangers]
    homes = {pk: HomesOfContact((row, facts.of(row)) for row in everybody if row.contact_id == pk) for pk in contacts}
    # Whoever may live with a hidden child lives where the child does, also where another contact says so.
    hides = (
        person.address_is_protected
        or any(child.address_is_confidential for child in as_child)
        or any(map(lives_hidden, as_adult))
    )
    details, said_of_us, others = _recorded(recorded_of_us, own, user, now)
    recorded_homes = [detail for detail in details if detail.kind == DetailKind.ADDRESS]
    at_home = {adult.contact_id for adult in as_adult if adult.same_address is not False}
    lived = [*rows, *(child for child in children if child.contact_id in at_home)]
    details = [detail for detail in details if not (hides and detail.kind in LEADS_THERE)]
    name_rows([*children, *adults], user, now)
    found = beside(own, rows, [*children, *adults], homes, contacts)
    add_recorded(found, own, details, said_of_us, others)
    phones = ((adult, adult.recorded_as.telephone or str(facts.of(adult).get("phone") or "")) for adult in as_adult)
    telephones = _said(((facts.source(adult, "phone"), phone.strip()) for adult, phone in phones), _as_numbers)
    recorded = {kind: [each for each in details if each.kind == kind and not each.in_error_at] for kind in DetailKind}
    records_seen = sorted({row.recorded_as for row in rows}, key=lambda record: record.pk)
    return Known(
        name=name_of(records_seen, person.current_name) if records_seen else person.reference,
        names=_said(pair for row in rows for pair in _names(row, facts)) + _as_recorded(*map(recorded.get, NAMES)),
        corrected_names=_corrected_names(rows, details),
        births=_said((facts.source(row, *BIRTH), _born(row)) for row in sorted(rows, key=_is_undated))
        + _as_recorded(recorded[DetailKind.ESTIMATED_BIRTH]),
        expected=None if as_adult or recorded[DetailKind.ESTIMATED_BIRTH] else _expected(list(as_child)),
        deaths=_as_recorded(recorded[DetailKind.DEATH]),
        homes=([] if hides else _homes(_lived(as_child, as_adult, homes, facts)))
        + _as_recorded(recorded[DetailKind.ADDRESS]),
        numbers=_said(pair for child in as_child for pair in _numbers(child, facts))
        + _as_recorded(recorded[DetailKind.NHS_NUMBER], recorded[DetailKind.UPN]),
        telephones=([] if hides else telephones) + _as_recorded(recorded[DetailKind.TELEPHONE]),
        sexes=_said((facts.source(child, "sex"), child.get_sex_display()) for child in as_child if child.sex != "U"),
        beside=sorted(found.values(), key=_newest, reverse=True),
        details=details,
        hides=hides,
        hides_home=hides and (bool(recorded_homes) or any(_has_home(row, facts) for row in lived)),
        hides_telephone=hides and bool(telephones),
        contacts=list(contacts.values()),
        not_of_family=[row.contact for row in rows if not row.in_family],
        records=own,
        seen=frozenset(record.pk for record in records_seen),
        others=others,
    )


def _recorded(
    found: Iterable[PersonDetail], own: Collection[int], user: User, now: datetime
) -> tuple[list[PersonDetail], list[PersonDetail], Mapping[int, Called]]:
    """
    What staff recorded of a person, the relationships to them that were recorded of others, and what these others are
    called. Of a relationship to somebody whom the reader may not see, nothing is said.
    """
    ours = [detail for detail in found if detail.person_id in own]
    others = [detail for detail in found if detail.person_id not in own]
    named = {each.other.same_as_id or each.other.pk for each in ours if each.other}
    named |= {each.person.same_as_id or each.person.pk for each in others}
    seen = seen_by(user, now, named) if named else {}

    def is_seen(record: Person | None) -> bool:
        return record is None or (record.same_as_id or record.pk) in seen

    return [each for each in ours if is_seen(each.other)], [each for each in others if is_seen(each.person)], seen


def _corrected_names(rows: Iterable[ContactChild | ContactAdult], details: Iterable[PersonDetail]) -> list[str]:
    """The names that contacts gave and somebody corrected: a search finds the person by them."""
    recorded = {detail.value for detail in details}
    names = dict.fromkeys(name for row in rows for name in row.recorded_as.other_names)
    return [name for name in names if name not in recorded]


def _newest(each: Beside) -> tuple[bool, datetime | None]:
    return each.last is not None, each.last.received_at if each.last is not None else None


def _said(pairs: Iterable[tuple[Source, str]], as_one: Callable[[str], str] = str.casefold) -> list[Said]:
    """Each text once: in any letters, or as one by another rule."""
    found: dict[str, Said] = {}
    for source, text in pairs:
        if not text:
            continue
        key = as_one(text)
        if key not in found:
            found[key] = Said(text, source.at, source.at)
        found[key].again(source)
    return list(found.values())


def _as_numbers(telephone: str) -> str:
    """The telephone numbers in a text, however they are written; the text if there are none."""
    return " ".join(sorted(read_telephones(telephone))) or telephone.casefold()


def _as_recorded(*kinds: Iterable[PersonDetail] | None) -> list[Said]:
    """What staff recorded."""
    return [
        Said(_text(detail), detail.recorded_at, detail.recorded_at, [detail.said_by], _note(detail))
        for details in kinds
        for detail in details or ()
    ]


def _text(detail: PersonDetail) -> str:
    day = f"{detail.from_date:%-d %B %Y}" if detail.from_date else ""
    match detail.kind:
        case DetailKind.ESTIMATED_BIRTH:
            return f"Born {day}, estimated"
        case DetailKind.DEATH:
            return f"Died {day}"
        case DetailKind.NHS_NUMBER if detail.qualifier:
            return f"NHS number {detail.value}: {NumberStatus(detail.qualifier).label.lower()}"
        case DetailKind.TELEPHONE if detail.qualifier:
            return f"{detail.value} ({SafeToUse(detail.qualifier).label.lower()})"
        case DetailKind.NHS_NUMBER | DetailKind.UPN:
            return f"{DetailKind(detail.kind).label} {detail.value}"
        case _:
            return ", ".join(filter(None, (detail.value, detail.postcode)))


def _note(detail: PersonDetail) -> str:
    named = f"{DetailKind(detail.kind).label.lower()}, " if detail.kind in NAMES else ""
    return f"{named}as staff recorded it{', no longer so' if detail.ended_at or detail.to_date else ''}"


def _lived(
    as_child: Iterable[ContactChild],
    as_adult: Iterable[ContactAdult],
    homes: Mapping[int, HomesOfContact],
    facts: "_ContactFacts",
) -> Iterator[tuple[Source, str, Home]]:
    """Where a person lives, contact by contact: who says so, the text, and how it is read."""
    for child in as_child:
        if found := LivesAt.of(child, facts.of(child)):
            yield facts.source(child, *ADDRESS), found.text, found.home
    for adult in as_adult:
        if found := homes[adult.contact_id].of_adult(adult):
            sources = [facts.source(found.row, *ADDRESS)]
            if found.row != adult:
                sources.append(facts.source(adult, "same_address"))
            yield max(sources), found.text, found.home


def _has_home(row: ContactChild | ContactAdult, facts: "_ContactFacts") -> bool:
    return bool(row.postcode or lines_of({"lines": facts.of(row).get("address.lines")}))


def _homes(lived: Iterable[tuple[Source, str, Home]]) -> list[Said]:
    """Each home once, however it was written."""
    found: list[tuple[Home, Said]] = []
    for source, text, home in lived:
        said = next((said for other, said in found if are_one_home(home, other)), None)
        if said is None:
            said = Said(text, source.at, source.at)
            found.append((home, said))
        said.again(source)
    return [said for _, said in found]


def _names(row: ContactChild | ContactAdult, facts: "_ContactFacts") -> Iterator[tuple[Source, str]]:
    described = row if isinstance(row, ContactChild) else row.recorded_as
    yield facts.source(row, "first_name", "last_name"), described.described_name
    for name in described.also_known_as:
        yield facts.source(row, "also_known_as"), name


def _is_undated(row: ContactChild | ContactAdult) -> bool:
    """Whether a row says an age at most. A date says more, and stands first, whenever it was said."""
    described = row if isinstance(row, ContactChild) else row.recorded_as
    return described.date_of_birth is None and described.expected_date_of_delivery is None


def _expected(rows: Sequence[ContactChild]) -> date | None:
    """The day of birth that the newest of these rows expects, if none says a birth or an age."""
    if any(row.date_of_birth or row.age_years is not None for row in rows):
        return None
    return next((row.expected_date_of_delivery for row in rows if row.expected_date_of_delivery), None)


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


def _numbers(child: ContactChild, facts: "_ContactFacts") -> Iterator[tuple[Source, str]]:
    if number := child.nhs_number:
        source = facts.source(child, "nhs_number")
        yield source, f"NHS number {number[:3]} {number[3:6]} {number[6:]}: number present but not verified"
    if upn := read_upn(str(facts.of(child).get("upn") or "")):
        checked = "the check letter is right" if upn.is_valid else "the check letter is wrong"
        yield facts.source(child, "upn"), f"Unique pupil number {upn.text}: {checked}"


class _ContactFacts:
    """What the contacts say of a child or an adult today: as it was sent, with what was corrected since."""

    def __init__(self, contacts: Mapping[int, Contact], changes: Iterable[FactChange]) -> None:
        self._contacts = contacts
        self._changes: dict[tuple[str, int], list[FactChange]] = defaultdict(list)
        for change in changes:
            if change.child_id is not None:
                self._changes["children", change.child_id].append(change)
            elif change.adult_id is not None:
                self._changes["adults", change.adult_id].append(change)

    def of(self, row: ContactChild | ContactAdult) -> Mapping[str, Any]:
        """The facts by their places, such as `address.lines`."""
        part = "children" if isinstance(row, ContactChild) else "adults"
        document = self._contacts[row.contact_id].document
        sent = dict(enumerate(document.get(part) or ())).get(row.position, {})
        today: Mapping[str, Any] = today_of(row, sent, self._changes[part, row.pk])
        return today

    def source(self, row: ContactChild | ContactAdult, *places: str) -> Source:
        """Who said last what is known of these facts: whoever corrected one of them, or else who sent the contact."""
        part = "children" if isinstance(row, ContactChild) else "adults"
        changes = (each for each in reversed(self._changes[part, row.pk]) if each.field in places and each.changed)
        sent = Source(row.contact.received_at, _who(row.contact))
        if (change := next(changes, None)) is None:
            return sent
        by = change.information
        if by.by_agency is None and by.source == LearnedFrom.REFERRER:
            return Source(by.at, sent.who)
        who = str(by.by_agency or by.get_source_display())
        return Source(by.at, f"{who} ({by.said_by})" if by.said_by else who)


def _who(contact: Contact) -> str:
    return str(contact.agency or contact.get_source_code_display())
