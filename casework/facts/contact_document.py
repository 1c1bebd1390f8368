"""
The document of a contact: the API's JSON, and what the web form makes of its fields.

It is refused only where a developer must mend it, or where it leaves nothing to act on: it names no child, or says
nothing of the worry. Then every fault is named at once. What people type never refuses it: see `typed.py`.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import count
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from casework.facts import typed
from casework.facts.typed import Check, Read, Typed, not_read, one_of
from casework.models import CheckKind, ContactType, FamilyAgreement, ParentsTold, SharingBasis
from casework.models.choices import HOW_IT_ARRIVED
from localities.codes import ETHNICITIES, SEXES, SOURCE_CODES
from triage import documents
from triage.documents import NOT_EMPTY, Document, fault, quoted, read, whole
from triage.facts import Dash

LONGEST_AHEAD = timedelta(days=310)
LONGEST_OVERDUE = timedelta(days=60)
# Beyond these an adult's date of birth is a slip: a parent may be very young.
YOUNGEST_ADULT, OLDEST_ADULT = 10, 110
# At most so many other names are used for matching, and so many lines of an address are read.
MOST_NAMES, MOST_LINES = 20, 100
MOST_CHILDREN, MOST_ADULTS = 20, 20
PARENTAL_RESPONSIBILITY = {"yes": "Yes", "no": "No", "unknown": "Not known"}
# The deepest place of a contact is children, 0, address, lines, 0.
DEEPEST = 5
NOT_STORED = Check(CheckKind.CORRECTED, "held characters that cannot be stored; they were taken out.")
SHARED_REF = Check(
    CheckKind.CORRECTED, "is the ref of another child too, and means that one. This child goes by its `number`."
)
# The numbers of a child that nobody else has.
NUMBERS = ("nhs_number", "upn")
SHARED_NUMBER = Check(CheckKind.NOT_READ, "is the number of another child too; one of the two is wrong.")
TWO_HOMES = Check(CheckKind.ASKED, "says that they live with a child, but their own address has another postcode.")
TOO_MANY = {
    most: Check(CheckKind.CORRECTED, f"has more than {most} of them; only the first are used.")
    for most in (MOST_NAMES, MOST_LINES)
}

Path = tuple[str | int, ...]


def _today(info: ValidationInfo) -> date:
    """The day against which dates are checked. The caller of `read_contact` gives it."""
    today: date = (info.context or {})["today"]
    return today


def _says_something(text: str) -> str:
    if not typed.in_one_line(text):
        raise fault("may not be empty.")
    return text


def _first(most: int) -> BeforeValidator:
    """The first items of a list of texts that people fill. A list has no limit, and nobody needs more of it."""

    def first(items: Any) -> Any:
        if not isinstance(items, list):
            return items
        for item in items[most:]:
            if item is not None and not isinstance(item, str):
                raise fault(f"must hold nothing but text, not {quoted(item)}.")
        return items[:most]

    return BeforeValidator(first)


Flag = StrictBool | None
# In JSON, 3.0 is the whole number 3.
WHOLE = BeforeValidator(whole)
Words = Annotated[Read[str], Typed(typed.words)]
Name = Annotated[Read[str], Typed(typed.name)]
Telephone = Annotated[Read[str], Typed(typed.telephone, examples=["01296 555123"])]
PastDate = Annotated[Read[date], Typed(typed.past_date)]
Indicators = Annotated[tuple[Annotated[Read[str], Typed(typed.indicator)], ...], Field(max_length=200)]
SourceCode = Annotated[
    StrictStr,
    StringConstraints(strip_whitespace=False),
    AfterValidator(documents.one_of("source_codes", f"a DfE source of referral: {', '.join(SOURCE_CODES)}")),
    Field(
        description="; ".join(f"{code}: {source}" for code, source in SOURCE_CODES.items()) + ".",
        json_schema_extra={"enum": list(SOURCE_CODES)},
    ),
]
# What is not sent is read as well, so that every detail is a `Read`.
NOT_SENT: Any = None


class _OrEmpty:
    """
    Marks a choice for which an empty text, or "not known", is the same as a missing field: the first of the choice, or
    nothing where it may be null. A code of the choice is itself.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choice, *nothing = get_args(source) or (source,)
        default, not_known = None if nothing else next(iter(choice)), re.compile(typed.NOT_KNOWN_PATTERN)

        def read_empty(sent: object) -> object:
            is_empty = isinstance(sent, str) and sent not in set(choice) and not_known.search(sent)
            return default if is_empty else sent

        return core_schema.no_info_before_validator_function(read_empty, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(core), {"type": "string", "pattern": typed.NOT_KNOWN_PATTERN}]}


OR_EMPTY = _OrEmpty()


def _value(info: ValidationInfo, field: str) -> Any:
    """What an earlier field was read as. A field with a fault is not in the data."""
    found: Read[Any] | None = info.data.get(field)
    return found.value if found is not None else None


class Part(Document):
    """A part of a contact. Null means the same as a missing field: not known."""

    model_config = Document.model_config | {"validate_default": True}

    @model_validator(mode="before")
    @classmethod
    def _null_is_not_known(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        fields = cls.model_fields
        return {
            name: value
            for name, value in given.items()
            if value is not None or name not in fields or fields[name].is_required()
        }


def part_in(annotation: Any) -> type[Part] | None:
    """The part of a document that a field holds, as an address; None for other values, and for lists of parts."""
    kinds = [] if get_origin(annotation) is tuple else [annotation, *get_args(annotation)]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Part)), None)


class Referrer(Part):
    """Who tells us. All may be empty: an anonymous caller is heard too."""

    name: Words = NOT_SENT
    role: Words = NOT_SENT
    organisation: Words = NOT_SENT
    email: Annotated[Read[str], Typed(typed.email)] = NOT_SENT
    phone: Telephone = NOT_SENT
    relationship: Words = NOT_SENT
    keep_anonymous: StrictBool = False


class Address(Part):
    """Where somebody lives. A confidential address, as a refuge, never drives or shows the routing."""

    lines: Annotated[tuple[Words, ...], _first(MOST_LINES)] = ()
    postcode: Annotated[Read[str], Typed(typed.postcode, examples=["HP20 1UA"])] = NOT_SENT
    confidential: StrictBool = False

    @field_validator("postcode")
    @classmethod
    def _or_in_the_lines(cls, postcode: Read[str], info: ValidationInfo) -> Read[str]:
        if postcode.value is not None or postcode.check is not None:
            return postcode
        return typed.postcode_in(line.value for line in info.data.get("lines", ()) if line.value)


class ChildEntry(Part):
    """A child, born or not."""

    ref: Annotated[Read[str], Typed(typed.reference)] = NOT_SENT
    first_name: Name = NOT_SENT
    last_name: Name = NOT_SENT
    also_known_as: Annotated[tuple[Name, ...], _first(MOST_NAMES)] = ()
    date_of_birth: Annotated[Read[date], Typed(typed.past_date, examples=["2019-03-04"])] = NOT_SENT
    date_of_birth_estimated: StrictBool = False
    age_years: Annotated[Read[int], Typed(typed.age, kinds=(int, float, str), examples=["7"])] = NOT_SENT
    expected_date_of_delivery: Annotated[Read[date], Typed(typed.expected_date)] = NOT_SENT
    sex: Annotated[Read[str], Typed(typed.sex, examples=list(SEXES))] = NOT_SENT
    ethnicity: Annotated[Read[str], Typed(typed.ethnicity, examples=list(ETHNICITIES))] = NOT_SENT
    first_language: Words = NOT_SENT
    interpreter_needed: Flag = None
    disabled: Flag = None
    non_verbal: Flag = None
    nhs_number: Annotated[Read[str], Typed(typed.nhs_number, examples=["9990000018"])] = NOT_SENT
    upn: Annotated[Read[str], Typed(typed.upn)] = NOT_SENT
    address: Address | None = None
    where_now: Words = NOT_SENT
    school: Words = NOT_SENT
    indicators: Indicators = ()

    @field_validator("date_of_birth")
    @classmethod
    def _a_child(cls, born: Read[date], info: ValidationInfo) -> Read[date]:
        if born.value is not None and age_on(_today(info), born.value) > typed.OLDEST_CHILD:
            return not_read(f"makes this child older than {typed.OLDEST_CHILD}; an adult belongs under adults.")
        return born

    @field_validator("age_years")
    @classmethod
    def _fits_the_birth(cls, years: Read[int], info: ValidationInfo) -> Read[int]:
        """The date of birth counts. If the age differs by more than one year, the detail is marked to check."""
        born = _value(info, "date_of_birth")
        if born is not None and years.value is not None and abs(age_on(_today(info), born) - years.value) > 1:
            return Read(years.value, Check(CheckKind.ASKED, "does not fit the date of birth, which counts."))
        return years

    @field_validator("expected_date_of_delivery")
    @classmethod
    def _not_born_yet(cls, expected: Read[date], info: ValidationInfo) -> Read[date]:
        if expected.value is None:
            return expected
        if _value(info, "date_of_birth") is not None or _value(info, "age_years"):
            return not_read("is given beside a birth or an age; a child who is born has no expected date.")
        today = _today(info)
        if not today - LONGEST_OVERDUE <= expected.value <= today + LONGEST_AHEAD:
            return not_read("is too far from today to be an expected date of delivery.")
        return expected

    @property
    def unborn(self) -> bool:
        return self.expected_date_of_delivery.value is not None


class AdultEntry(Part):
    """An adult of the household, or one who matters to the child."""

    first_name: Name = NOT_SENT
    last_name: Name = NOT_SENT
    date_of_birth: PastDate = NOT_SENT
    relationship: Name = NOT_SENT
    parental_responsibility: Annotated[Read[str], one_of(PARENTAL_RESPONSIBILITY)] = NOT_SENT
    same_address: Flag = None
    address: Address | None = None
    phone: Telephone = NOT_SENT
    risk_to_staff: Flag = None

    @field_validator("date_of_birth")
    @classmethod
    def _an_adult(cls, born: Read[date], info: ValidationInfo) -> Read[date]:
        if born.value is None:
            return born
        age = age_on(_today(info), born.value)
        if age > OLDEST_ADULT:
            return not_read(f"makes this adult older than {OLDEST_ADULT}.")
        if age < YOUNGEST_ADULT:
            return not_read(f"makes this adult younger than {YOUNGEST_ADULT}; a child belongs under children.")
        return born


class DomesticAbuse(Part):
    """What has been assessed about domestic abuse."""

    dash: Annotated[Read[str], one_of(list(Dash))] = NOT_SENT
    marac: Flag = None


class Concern(Part):
    """The referrer's words. Without the worries there is nothing to act on."""

    worries: Annotated[
        StrictStr,
        Field(min_length=1, json_schema_extra={"pattern": f"[^{typed.BLANKS}]"}),
        AfterValidator(_says_something),
    ]
    working_well: Words = NOT_SENT
    wanted: Words = NOT_SENT
    childs_words: Words = NOT_SENT


class AgreementEntry(Part):
    """Whether the family agrees to a voluntary service: not the basis for sharing, nor whether parents were told."""

    service: FamilyAgreement | None = None
    given_by: Name = NOT_SENT
    on: PastDate = NOT_SENT


class ParentsToldEntry(Part):
    """Whether the parents know of this contact."""

    answer: Annotated[Read[str], one_of(ParentsTold.values)] = NOT_SENT
    reason: Words = NOT_SENT

    @field_validator("reason")
    @classmethod
    def _why_not(cls, reason: Read[str], info: ValidationInfo) -> Read[str]:
        if not reason.value and _value(info, "answer") in (ParentsTold.NO, ParentsTold.UNSAFE):
            return Read(None, Check(CheckKind.ASKED, "is missing: say why the parents were not told."))
        return reason


class ContactDocument(Part):
    """A contact. See `docs/contact.md` for what each field means."""

    agency_reference: Annotated[Read[str], Typed(typed.own_reference)] = NOT_SENT
    type: ContactType
    source_code: SourceCode
    arrived_by: Annotated[Read[str], one_of([way for way, _ in HOW_IT_ARRIVED])] = NOT_SENT
    received_by_phone: StrictBool = False
    immediate_danger: Flag = None
    referrer: Referrer = Referrer()
    referrer_level: Annotated[StrictInt, Field(ge=1, le=4), WHOLE] | None = None
    children: Annotated[
        tuple[ChildEntry, ...], Field(max_length=MOST_CHILDREN, json_schema_extra={"minItems": 1}), NOT_EMPTY
    ]
    adults: Annotated[tuple[AdultEntry, ...], Field(max_length=MOST_ADULTS)] = ()
    family_indicators: Indicators = ()
    domestic_abuse: DomesticAbuse = DomesticAbuse()
    concern: Concern
    support_already_tried: Words = NOT_SENT
    agreement: AgreementEntry = AgreementEntry()
    parents_told: ParentsToldEntry = ParentsToldEntry()
    sharing_basis: Annotated[Read[str], one_of(SharingBasis.values)] = NOT_SENT


class ToCheck(NamedTuple):
    """A detail that somebody should check, and where it stands in the document."""

    path: Path
    check: Check

    @property
    def field(self) -> str:
        return ".".join(step for step in self.path if isinstance(step, str))


# A document with children: a contact, or what was learned since.
AboutChildren = TypeVar("AboutChildren", bound=BaseModel)


class ContactReading(NamedTuple):
    """
    A contact as it was read.

    `document` is what was sent, but for characters that cannot be stored. `to_check` are the details that somebody
    should check, in the order of the document.
    """

    document: dict[str, Any]
    entry: ContactDocument
    to_check: tuple[ToCheck, ...]

    def counted_as(self, source_code: str) -> "ContactReading":
        """The same from this source of referral, because the sender cannot be the one that the document names."""
        says = f"is not a source of referral of your agency; the contact is counted as {source_code}."
        detail = ToCheck(("source_code",), Check(CheckKind.CORRECTED, says))
        entry = self.entry.model_copy(update={"source_code": source_code})
        return self._replace(entry=entry, to_check=(detail, *self.to_check))

    @property
    def has_unknown_indicators(self) -> bool:
        return any(detail.field.endswith("indicators") for detail in self.to_check)


def says_danger(document: object) -> bool:
    """Whether a contact, which nobody has read yet, says that a child is in danger now."""
    return isinstance(document, dict) and document.get("immediate_danger") is True


def digest_of(document: Any) -> str:
    """The SHA-256 of a document, to recognise it when it is sent again."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def as_meant(document: Any) -> Any:
    """A document without what is the same as nothing, as a field that is null, and with 3.0 as 3."""
    match document:
        case dict():
            return {name: as_meant(value) for name, value in document.items() if value is not None}
        case list():
            return [as_meant(item) for item in document]
    return whole(document)


def is_the_same(document: Any, digest: str) -> bool:
    """Whether a stored digest is that of this document, or was, before both were read as they are meant."""
    return digest in (digest_of(as_meant(document)), digest_of(document))


def read_contact(data: object, *, indicators: Collection[str], today: date) -> ContactReading:
    """
    Reads a contact from parsed JSON.

    :param indicators: the indicator codes that the live rule set knows.
    :param today: the local day, against which dates are checked.
    :raises InvalidInput: with every fault.
    """
    removed: list[ToCheck] = []
    document = storable(data, (), removed)
    known = {"indicators": indicators, "today": today, "source_codes": SOURCE_CODES}
    entry = without_shared_numbers(read(ContactDocument, document, known=known))
    checks = [
        *removed, *to_check(entry, ()), *_clashing_refs(document["children"]), *_two_homes(entry), *too_many(document),
    ]  # fmt: skip
    return ContactReading(document, entry, tuple(checks))


def without_shared_numbers(entry: AboutChildren) -> AboutChildren:
    """
    Nobody shares an NHS number or a unique pupil number. Where two children do, nobody knows whose it is: it identifies
    neither, and whoever has it is asked about.
    """
    children: tuple[ChildEntry, ...] = entry.children  # type: ignore[attr-defined]  # of either kind of document
    for name in NUMBERS:
        times = Counter(getattr(child, name).value for child in children)
        children = tuple(
            child.model_copy(update={name: Read(None, SHARED_NUMBER, doubted=number)})
            if (number := getattr(child, name).value) and times[number] > 1
            else child
            for child in children
        )
    return entry.model_copy(update={"children": children})


def storable(part: Any, path: Path, removed: list[ToCheck]) -> Any:
    """The document without the characters that cannot be stored; their places are added to `removed`."""
    if isinstance(part, str):
        stored = typed.storable(part)
        if stored != part:
            removed.append(ToCheck(path, NOT_STORED))
        return stored
    if len(path) == DEEPEST:
        return part
    if isinstance(part, dict):
        return {name: storable(value, (*path, name), removed) for name, value in part.items()}
    if isinstance(part, list):
        return [storable(value, (*path, position), removed) for position, value in enumerate(part)]
    return part


def to_check(part: object, path: Path) -> Iterator[ToCheck]:
    """The details of a part that somebody should check, in its order. `path` is its place in the document."""
    if isinstance(part, Read):
        if part.check is not None:
            yield ToCheck(path, part.check)
    elif isinstance(part, BaseModel):
        for name, value in part:
            yield from to_check(value, (*path, name))
    elif isinstance(part, tuple):
        for position, value in enumerate(part):
            yield from to_check(value, (*path, position))


def own_refs(children: Iterable[Mapping[str, Any]]) -> list[str | None]:
    """
    The sender's own name for each child, at any length; None where there is none.

    :param children: the children as they were sent, in a document that was read.
    """
    sent = (child.get("ref") for child in children)
    return [None if ref is None else typed.own_ref(ref) for ref in sent]


def place_ref(position: int) -> str:
    """The name of a child by its place: c1 for the first that was sent."""
    return f"c{position + 1}"


def _clashing_refs(children: Iterable[Mapping[str, Any]]) -> Iterator[ToCheck]:
    """The refs that are ambiguous: another child has the same ref, or has none and stands in the place of that name."""
    refs = own_refs(children)
    unnamed = (place for place, ref in enumerate(refs) if ref is None or ref in refs[:place])
    by_place = {place_ref(position): position + 1 for position in unnamed}
    for position, ref in enumerate(refs):
        if ref is None or len(ref) > typed.LONGEST_REF:
            continue
        if ref in refs[:position]:
            yield ToCheck(("children", position, "ref"), SHARED_REF)
        elif ref in by_place:
            says = f"is the place of child {by_place[ref]} too, who has no ref. Name the two by their `number`."
            yield ToCheck(("children", position, "ref"), Check(CheckKind.ASKED, says))


def _two_homes(entry: ContactDocument) -> Iterator[ToCheck]:
    """The adults who live with a child, as is said, and have the postcode of an address that is no child's."""
    postcodes = {child.address.postcode.value for child in entry.children if child.address} - {None}
    for position, adult in enumerate(entry.adults):
        own = adult.address.postcode.value if adult.address else None
        if adult.same_address and own and postcodes and own not in postcodes:
            yield ToCheck(("adults", position, "same_address"), TWO_HOMES)


def too_many(document: Any) -> Iterator[ToCheck]:
    """The people with more other names, or more lines of an address, than are used."""
    people = ((group, *each) for group in ("children", "adults") for each in enumerate(document.get(group) or ()))
    for group, position, somebody in people:
        lines = (somebody.get("address") or {}).get("lines")
        for path, sent, most in (
            (("also_known_as",), somebody.get("also_known_as"), MOST_NAMES),
            (("address", "lines"), lines, MOST_LINES),
        ):
            if any((sent or ())[most:]):
                yield ToCheck((group, position, *path), TOO_MANY[most])


def free_ref(position: int, taken: Collection[str]) -> str:
    """The ref of a child whose sender gave none: c1 for the first child, or the next that is free."""
    return next(ref for number in count(position + 1) if (ref := f"c{number}") not in taken)


def age_on(day: date, born: date) -> int:
    """Completed years on this day. For somebody born on 29 February, the birthday in other years is 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
