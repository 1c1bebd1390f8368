"""
What is learned about a contact after it came: the document that says it, today's facts, and what it changes in them.

A fact has a place in the document of its part (the contact, a child or an adult), as `address.postcode`, and a value
as JSON writes it; None is "not known". The same readers read it as read the contact: see `contact_document.py`.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, Field, StrictBool, StrictInt, StrictStr

from casework.facts.contact_document import (
    NOT_SENT,
    OR_EMPTY,
    WHOLE,
    AdultEntry,
    AgreementEntry,
    ChildEntry,
    DomesticAbuse,
    Flag,
    Indicators,
    Name,
    ParentsToldEntry,
    Part,
    Path,
    Referrer,
    ToCheck,
    Words,
    own_refs,
    part_in,
    storable,
    to_check,
    too_many,
    without_shared_numbers,
)
from casework.facts.typed import Check, Read, is_not_known, one_of, postcode_in
from casework.models import (
    CheckKind,
    Contact,
    ContactAdult,
    ContactChild,
    FactChange,
    FamilyAgreement,
    ParentsTold,
    SharingBasis,
    Source,
)
from errors import Fault
from triage.documents import read

MOST_PEOPLE = 20
IS_RIGHT = Check(CheckKind.CONFIRMED, "is right as it was read.")
GROUPS = ("children", "adults")
# The facts of a part by their places in its document.
Values = dict[str, Any]
Row = Contact | ContactChild | ContactAdult


class SaysNothing(Check):
    """Nothing is wrong with a detail. It was read, and means that nothing is known of it."""

    @property
    def sentence(self) -> str:
        return self.says


SAYS_NOTHING = SaysNothing(
    CheckKind.NOT_READ, "says nothing new. What was known stays; to take it back, write it in `why`."
)
OLD_POSTCODE = Check(CheckKind.ASKED, "is new, and the postcode is the old one: is it still right?")
WITHOUT_WORDS = SaysNothing(CheckKind.NOT_READ, "says nothing.")
# The places of facts that are right as they were read, and stay.
Confirmed = tuple[StrictStr, ...]


class ChildInformation(ChildEntry):
    """A child of the contact, by its `ref` or its `number`; without either, a child who was not on the contact."""

    number: Annotated[StrictInt, Field(ge=1, description="1 for the first child that you sent."), WHOLE] | None = None


class AdultInformation(AdultEntry):
    """An adult of the contact, by its `number`; without it, another adult."""

    number: Annotated[StrictInt, Field(ge=1, description="1 for the first adult that you sent."), WHOLE] | None = None


class AgreementInformation(AgreementEntry):
    """What is new about the family's agreement to a voluntary service."""

    service: Annotated[FamilyAgreement | None, OR_EMPTY] = None


class InformationDocument(Part):
    """
    What was learned about a contact after it came. It says only what is new or different; nothing else changes.

    `source` is where it comes from, `said_by` who said it, and `why` says in words what changed, or what else is known.
    """

    source: Annotated[Source, OR_EMPTY] = Source.REFERRER
    said_by: Name = NOT_SENT
    why: Words = NOT_SENT
    immediate_danger: Flag = None
    referrer: Referrer = Referrer()
    referrer_level: Annotated[StrictInt, Field(ge=1, le=4), WHOLE] | None = None
    children: Annotated[tuple[ChildInformation, ...], Field(max_length=MOST_PEOPLE)] = ()
    adults: Annotated[tuple[AdultInformation, ...], Field(max_length=MOST_PEOPLE)] = ()
    family_indicators: Indicators = ()
    domestic_abuse: DomesticAbuse = DomesticAbuse()
    agreement: AgreementInformation = AgreementInformation()
    parents_told: ParentsToldEntry = ParentsToldEntry()
    sharing_basis: Annotated[Read[str], one_of(SharingBasis.values)] = NOT_SENT


class StaffChild(ChildInformation):
    """The same, with what only staff say: whether the child belongs to the family, and what our records hold."""

    in_family: StrictBool = True
    previous_cp_plan: Flag = None
    previously_looked_after: Flag = None
    confirmed: Confirmed = ()


class StaffAdult(AdultInformation):
    """The same, with what only staff say."""

    in_family: StrictBool = True
    confirmed: Confirmed = ()


class StaffInformation(InformationDocument):
    """What front-door staff, or the team of the case, have learned."""

    children: Annotated[tuple[StaffChild, ...], Field(max_length=MOST_PEOPLE)] = ()
    adults: Annotated[tuple[StaffAdult, ...], Field(max_length=MOST_PEOPLE)] = ()
    sibling_on_cp_plan: Flag = None
    confirmed: Confirmed = ()


# ---- the columns that hold today's facts. Other facts stand in the document, and in their changes.


@dataclass(frozen=True)
class Column:
    """
    The column of a fact.

    :ivar empty: its value for "not known", and for what a missing field means.
    :ivar of: the record that has it: that of the row's `person`, or the one that the row is `recorded_as`. Else the
        row has it.
    :ivar read_from: the attribute with today's value, where that is not the column itself.
    """

    name: str
    empty: Any = None
    of: str = ""
    read_from: str = ""


def _columns(empty: Any, *names: str, of: str = "") -> dict[str, Column]:
    return {name: Column(name, empty, of) for name in names}


OF_CONTACT = {
    **_columns(None, "immediate_danger", "referrer_level", "sibling_on_cp_plan"),
    **_columns("", "sharing_basis"),
    "referrer.email": Column("referrer_email", ""),
    "family_indicators": Column("corrected_family_indicators", [], read_from="reported_family_indicators"),
    "domestic_abuse.dash": Column("dash", ""),
    "domestic_abuse.marac": Column("marac"),
    "agreement.service": Column("agreement", ""),
    "agreement.given_by": Column("agreement_given_by", ""),
    "agreement.on": Column("agreement_on"),
    "parents_told.answer": Column("parents_told", ParentsTold.NOT_KNOWN),
    "parents_told.reason": Column("parents_told_reason", ""),
}
# Answers with which an agency's system fills a field of which it knows nothing.
SILENT = {"agreement.service": frozenset({FamilyAgreement.NOT_SOUGHT, FamilyAgreement.NOT_KNOWN})}
# What identifies a person stands on their record as well, where matching looks.
IDENTITY = frozenset({
    "first_name", "last_name", "also_known_as", "date_of_birth", "expected_date_of_delivery", "sex", "ethnicity",
    "nhs_number", "upn", "phone", "address.lines", "address.postcode", "address.confidential", "in_family",
    "date_of_birth_estimated",
})  # fmt: skip
# What our own records hold of a person.
OF_RECORDS = frozenset({"previous_cp_plan", "previously_looked_after"})
# What the family agreed to.
AGREEMENT = ("agreement.service", "agreement.given_by", "agreement.on")
OF_ADDRESS = {
    "address.postcode": Column("postcode", ""),
    "address.confidential": Column("address_is_confidential", False),
}
OF_CHILD = {
    **_columns("", "first_name", "last_name", "ethnicity", "nhs_number"),
    **_columns(None, "date_of_birth", "age_years", "expected_date_of_delivery", "disabled", "non_verbal"),
    **_columns([], "also_known_as"),
    **_columns("U", "sex"),
    **_columns(False, "date_of_birth_estimated"),
    **_columns(True, "in_family"),
    **_columns(None, *OF_RECORDS, of="recorded_as"),
    **OF_ADDRESS,
    "indicators": Column("corrected_indicators", [], read_from="reported_indicators"),
}
OF_ADULT = {
    **_columns("", "first_name", "last_name", of="recorded_as"),
    **_columns(None, "date_of_birth", of="recorded_as"),
    **_columns("", "relationship"),
    **_columns(None, "same_address"),
    **OF_ADDRESS,
    **_columns(True, "in_family"),
}
COLUMNS: dict[type[Row], dict[str, Column]] = {Contact: OF_CONTACT, ContactChild: OF_CHILD, ContactAdult: OF_ADULT}
SHAPES: dict[type[Row], type[Part]] = {
    Contact: StaffInformation, ContactChild: StaffChild, ContactAdult: StaffAdult,
}  # fmt: skip
# The rules, the routing and the matching do not use these, so a change of them needs no new decision.
WEIGHS_NOTHING = frozenset({
    "referrer.name", "referrer.role", "referrer.organisation", "referrer.email", "referrer.phone",
    "referrer.relationship", "sharing_basis", "first_language", "interpreter_needed", "school", "relationship",
    "parental_responsibility",
})  # fmt: skip
# What is written where a code is not known can be a name: Na, Nil. The reader of names knows which.
NAMES = frozenset({"first_name", "last_name"})
# What protects somebody. A document of an agency only gives it: to take it away, a person must decide.
PROTECTS = frozenset({"referrer.keep_anonymous", "address.confidential"})
# What says whom an entry is about.
_WHOSE = frozenset({"ref", "number"})
# What an information document says of itself.
_OF_ITSELF = frozenset({"source", "said_by", "why", "children", "adults", "ref", "number", "confirmed"})


class Change(NamedTuple):
    """
    A change of a fact, or something that was said and could not be read, which changes nothing. `doubted`: a number of
    which nobody knows whose it is.
    """

    field: str
    before: Any
    after: Any
    said: Any
    check: Check | None
    doubted: str | None = None

    @property
    def changes(self) -> bool:
        return bool(self.before != self.after)


def flat(part: Mapping[str, Any]) -> Values:
    """A part of a document by places: {"address": {"postcode": "X"}} is {"address.postcode": "X"}."""
    found: Values = {}
    for name, value in part.items():
        if name in _OF_ITSELF:
            continue
        if isinstance(value, dict):
            found |= {f"{name}.{below}": value[below] for below in value}
        else:
            found[name] = value
    return found


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a document with these facts: the reverse of `flat`."""
    part: dict[str, Any] = {}
    for place, value in values.items():
        *above, last = place.split(".")
        at = part
        for step in above:
            at = at.setdefault(step, {})
        at[last] = value
    return part


# ---- today's facts


def today_of(row: Row, document: Mapping[str, Any], changes: Iterable[FactChange]) -> Values:
    """
    The facts of a part as they are known today, without those that are not known.

    :param document: the part as it was sent.
    :param changes: the changes of this part's facts, in order.
    """
    shape, columns = SHAPES[type(row)], COLUMNS[type(row)]
    known = places_of(shape)
    values = {place: value for place, value in flat(document).items() if place in known}
    # Indicators selected in a screening are not part of a document, so they are not among these facts.
    values |= {change.field: change.after for change in changes if change.field in known}
    values |= {place: _value_today(row, column) for place, column in columns.items()}
    return {place: value for place, value in values.items() if _normal(value, place, columns) is not None}


def in_columns(row: Row, places: Iterable[str]) -> Values:
    """These facts of a part as its columns have them today; None for what is not known."""
    columns = COLUMNS[type(row)]
    return {place: _normal(_value_today(row, columns[place]), place, columns) for place in places}


def places_of(shape: type[BaseModel]) -> list[str]:
    """The places of all facts of a part."""
    places: list[str] = []
    for name, field in shape.model_fields.items():
        if name in _OF_ITSELF:
            continue
        part = part_in(field.annotation)
        places += [f"{name}.{below}" for below in part.model_fields] if part else [name]
    return places


def _value_today(row: Row, column: Column) -> Any:
    value = getattr(_record_with(row, column), column.read_from or column.name)
    return None if value == column.empty else _plain(value)


def _record_with(row: Row, column: Column) -> Any:
    return getattr(row, column.of) if column.of else row


def _plain(value: Any) -> Any:
    """A value as JSON writes it."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, str) else list(value) if isinstance(value, (list, tuple)) else value


def _normal(value: Any, place: str, columns: Mapping[str, Column]) -> Any:
    """The value, or None for what means "not known"."""
    column = columns.get(place)
    if value in ("", [], None) or (column is not None and value == column.empty):
        return None
    return None if value is False and place == "referrer.keep_anonymous" else value


# ---- reading what was said


class InformationReading(NamedTuple):
    """
    An information document as it was read.

    `sent` is what was sent, but for characters that cannot be stored. `document` is the part of it that says something.
    `to_check` is what could not be read of it, or was read with a correction, by the document alone: its sender must
    not learn from it what others said.
    """

    sent: dict[str, Any]
    document: dict[str, Any]
    entry: InformationDocument
    to_check: tuple[ToCheck, ...]


def says_nothing(reading: InformationReading) -> Iterator[Fault]:
    """
    The faults of an agency's document that says nothing at all, or nothing of somebody new.

    Null, and an object without a field, are what was left out, wherever they stand.
    """
    said = without_nulls(reading.sent)
    content = {name: value for name, value in said.items() if name not in ("source", "said_by")}
    if not content:
        yield Fault((), "This says nothing. Say what is new or different, or tell us in words, in `why`.")
    # An entry that only names somebody beside other entries is not a fault.
    says_something = any(
        name not in GROUPS or not value or any(entry.keys() - _WHOSE for entry in value)
        for name, value in content.items()
    )
    for group in GROUPS:
        for position, entry in enumerate(said.get(group) or ()):
            if not entry or not says_something:
                yield Fault((group, position), "says nothing about this person.")


def without_nulls(part: Any) -> Any:
    """A part of a document without fields that are null, or that hold nothing else."""
    if isinstance(part, list):
        return [without_nulls(item) for item in part]
    if not isinstance(part, dict):
        return part
    fields = {name: without_nulls(value) for name, value in part.items()}
    return {name: value for name, value in fields.items() if value is not None and value != {}}


def read_information(data: object, *, by_staff: bool, indicators: Collection[str], today: date) -> InformationReading:
    """
    Reads an information document from parsed JSON.

    In an agency's document, null is the same as a missing field, and a value for "not known" (an empty text or list,
    "n/a") changes nothing: a system that fills every field must not delete what is known. A field that staff clear is
    deleted.

    :raises InvalidInput: with every fault.
    """
    removed: list[ToCheck] = []
    sent = storable(data, (), removed)
    shape = StaffInformation if by_staff else InformationDocument
    document = sent
    entry = read(shape, sent, known={"indicators": indicators, "today": today})
    checks = [*removed, *to_check(without_shared_numbers(entry), ()), *too_many(sent)]
    if not by_staff:
        silent: list[ToCheck] = []
        document = _of_itself(sent, silent) | _telling(sent, entry, OF_CONTACT, (), silent)
        for group, columns in zip(GROUPS, (OF_CHILD, OF_ADULT), strict=True):
            people = zip(sent.get(group) or (), getattr(entry, group), strict=True)
            document[group] = [
                _of_somebody(each, of, columns, (group, position), silent) for position, (each, of) in enumerate(people)
            ]
        checks += silent
    return InformationReading(sent, document, entry, tuple(checks))


def _of_itself(document: Mapping[str, Any], silent: list[ToCheck]) -> Values:
    """What an information document says of itself."""
    said = {name: document[name] for name in ("source", "said_by", "why") if document.get(name) is not None}
    silent.extend(ToCheck((name,), WITHOUT_WORDS) for name, value in said.items() if is_not_known(value))
    silent.extend(ToCheck((group,), SAYS_NOTHING) for group in GROUPS if document.get(group) == [])
    return said


def _of_somebody(
    sent: Mapping[str, Any], entry: BaseModel, columns: Mapping[str, Column], path: Path, silent: list[ToCheck]
) -> Values:
    """
    What the document says of a child or an adult, and who that is. Empty for a new person of whom it says nothing.
    """
    whose, content = _whose(sent), _telling(sent, entry, columns, path, silent)
    said = flat(content)
    if whose or any(_normal(value, place, columns) is not None for place, value in said.items()):
        return whose | content
    silent.extend(ToCheck((*path, *place.split(".")), SAYS_NOTHING) for place in said)
    return {}


def _whose(entry: Mapping[str, Any]) -> Values:
    """Whom a part of the document is about, if it says so."""
    said = {"ref": own_refs([entry])[0], "number": entry.get("number")}
    return {name: key for name, key in said.items() if key is not None}


def _telling(
    part: Mapping[str, Any], entry: BaseModel, columns: Mapping[str, Column], path: Path, silent: list[ToCheck]
) -> Values:
    """The facts of a part of the document that say something, and could not be read or have a value."""
    said: Values = {}
    for place, typed in flat(part).items():
        if typed is None:
            continue
        value, check = _value_and_check(entry, place)
        if isinstance(typed, str) and place not in NAMES and is_not_known(typed):
            value, check = None, None
        if value in SILENT.get(place, ()):
            value = None
        # A no is an answer, also where it is what a missing field means.
        if (
            (value is False and place not in PROTECTS)
            or check is not None
            or _normal(value, place, columns) is not None
        ):
            said[place] = typed
        else:
            silent.append(ToCheck((*path, *place.split(".")), SAYS_NOTHING))
    return nested(said)


def confirmed_of(row: Row, places: Iterable[str], today: Values, but_not: Collection[str]) -> list[Change]:
    """
    The facts that somebody confirmed as they were read. They stay, and are no longer marked to check.

    :param but_not: the places of facts that they changed.
    """
    columns = COLUMNS[type(row)]
    values = {place: _normal(today.get(place), place, columns) for place in places if place not in but_not}
    return [Change(place, value, value, None, IS_RIGHT) for place, value in values.items()]


def changes_of(
    row: Row, said: Values, today: Values, *, only_adds: bool, indicators: Collection[str], on: date
) -> list[Change]:
    """
    What this changes in today's facts of a part, and what could not be read.

    Facts that belong together are read together: an age beside a date of birth, for example. A list of which a part
    cannot be read takes nothing away.

    :param said: the facts that were said, by their places. None says that a fact is not known.
    :param only_adds: whether a list of indicators only adds to those of today.
    """
    shape, columns = SHAPES[type(row)], COLUMNS[type(row)]
    said = said | _postcode_in_lines(said, today)
    together = nested({**today, **said})
    entry = read(shape, together, known={"indicators": indicators, "today": on})
    found = []
    for place, typed in said.items():
        value, check = _value_and_check(entry, place)
        before, after = _normal(today.get(place), place, columns), _normal(value, place, columns)
        if place in PROTECTS and typed is None:
            after = before
        unread = check is not None and check.kind == CheckKind.NOT_READ
        if place.endswith("indicators") and (only_adds or unread):
            after = list(dict.fromkeys([*(before or ()), *(after or ())])) or None
        elif unread:
            after = before
        if isinstance(after, list) and isinstance(before, list) and set(after) == set(before):
            after = before
        if place == "address.lines" and check is None and _keeps_postcode(before, after, said, today):
            check = OLD_POSTCODE
        change = Change(place, before, after, typed, check)
        if change.changes or check is not None:
            found.append(change)
    return found


def _postcode_in_lines(said: Values, today: Values) -> Values:
    """New lines of an address may hold its postcode; then that of the old one is not known any more."""
    lines = said.get("address.lines")
    if not isinstance(lines, list) or "address.postcode" in said:
        return {}
    found = postcode_in(line for line in lines if isinstance(line, str))
    return {} if found.value in (None, today.get("address.postcode")) else {"address.postcode": None}


def _keeps_postcode(before: Any, after: Any, said: Values, today: Values) -> bool:
    """Whether an address has other lines than before, and its postcode is that of the old ones."""
    if "address.postcode" in said or not (before and after and today.get("address.postcode")):
        return False
    if postcode_in(after).value is not None:
        return False
    old, new = (re.sub(r"[\W_]", "", "".join(lines)).casefold() for lines in (before, after))
    return old != new


def apply(row: Row, changes: Iterable[Change]) -> list[str]:
    """Writes changes into the columns of a row and of its person's record. Returns the names of the row's columns."""
    columns, changed = COLUMNS[type(row)], []
    for change in changes:
        column = columns.get(change.field)
        if column is None or not change.changes:
            continue
        record = _record_with(row, column)
        value = column.empty if change.after is None else change.after
        setattr(record, column.name, record._meta.get_field(column.name).to_python(value))
        if record is row:
            changed.append(column.name)
    return changed


def _value_and_check(entry: BaseModel, place: str) -> tuple[Any, Check | None]:
    found: Any = entry
    for step in place.split("."):
        found = getattr(found, step) if found is not None else None
    if isinstance(found, Read):
        return _plain(found.value), found.check
    if isinstance(found, tuple):
        check = next((item.check for item in found if item.check is not None), None)
        return list(dict.fromkeys(item.value for item in found if item.value)), check
    return _plain(found), None
