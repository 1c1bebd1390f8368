"""
The document of a contact: the API's JSON, and what the web form makes of its fields.

It is read as a whole, and every fault is named at once. Few fields are required: a referral is never refused because a
detail is not known.
"""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Annotated

import nhs_number as nhs
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, Field, StrictBool, StrictInt, ValidationInfo, field_validator, model_validator

from casework.models import ContactType, ParentsTold, SharingBasis
from localities.codes import ETHNICITIES, SEXES, SOURCE_CODES
from localities.postcodes import normalise
from triage.documents import NOT_EMPTY, Document, IsoDate, Text, fault, one_of, read
from triage.facts import Agreement, Dash

OLDEST_CHILD = 25
LONGEST_AHEAD = timedelta(days=310)
LONGEST_OVERDUE = timedelta(days=60)


def _email(value: str) -> str:
    try:
        validate_email(value)
    except ValidationError:
        raise fault("is not an e-mail address; write it as name@school.example.") from None
    return value


def _postcode(value: str) -> str:
    try:
        return normalise(value)
    except ValueError as error:
        raise fault(str(error)) from None


def _nhs_number(value: str) -> str:
    digits = value.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) == 10):
        raise fault("is not an NHS number; it has ten digits.")
    if not nhs.is_valid(digits):  # type: ignore[attr-defined]  # public, but not re-exported by name
        raise fault("is not an NHS number: its check digit is wrong. Look for a mistyped digit.")
    return digits


def _today(info: ValidationInfo) -> date:
    """The day against which dates are checked. The caller of `read_contact` gives it."""
    today: date = (info.context or {})["today"]
    return today


def _not_in_the_future(value: date, info: ValidationInfo) -> date:
    if value > _today(info):
        raise fault("lies in the future.")
    return value


Name = Annotated[Text, Field(max_length=100)]
Line = Annotated[Text, Field(max_length=200)]
Long = Annotated[Text, Field(max_length=20_000)]
Flag = StrictBool | None
PastDate = Annotated[IsoDate, AfterValidator(_not_in_the_future)]
Email = Annotated[Text, Field(max_length=254), AfterValidator(_email)]
PostcodeText = Annotated[Text, AfterValidator(_postcode)]
NhsNumber = Annotated[Text, AfterValidator(_nhs_number)]
Upn = Annotated[Text, Field(pattern=r"^[A-Z][0-9]{11}[0-9A-Z]$")]
Indicator = Annotated[Text, AfterValidator(one_of("indicators", "an indicator of the Continuum of Need"))]
Indicators = Annotated[tuple[Indicator, ...], Field(max_length=200)]
SourceCode = Annotated[Text, AfterValidator(one_of("source_codes", "a DfE source of referral"))]
Ethnicity = Annotated[Text, AfterValidator(one_of("ethnicities", "a DfE ethnicity code"))]
Sex = Annotated[Text, AfterValidator(one_of("sexes", "a DfE code for sex; it is M, F or U"))]


class Part(Document):
    """A part of a contact. Null means the same as a missing field: not known."""

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


class Referrer(Part):
    """Who tells us. All may be empty: an anonymous caller is heard too."""

    name: Line | None = None
    role: Line | None = None
    email: Email | None = None
    phone: Annotated[Text, Field(max_length=50)] | None = None
    relationship: Line | None = None
    keep_anonymous: StrictBool = False


class Address(Part):
    """Where somebody lives. A confidential address, as a refuge, never drives or shows the routing."""

    lines: Annotated[tuple[Line, ...], Field(max_length=8)] = ()
    postcode: PostcodeText | None = None
    confidential: StrictBool = False


class ChildEntry(Part):
    """A child, born or not."""

    ref: Annotated[Text, Field(min_length=1, max_length=50)] | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    also_known_as: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    date_of_birth: PastDate | None = None
    expected_date_of_delivery: IsoDate | None = None
    sex: Sex = "U"
    ethnicity: Ethnicity | None = None
    first_language: Name | None = None
    interpreter_needed: Flag = None
    disabled: Flag = None
    non_verbal: Flag = None
    nhs_number: NhsNumber | None = None
    upn: Upn | None = None
    address: Address | None = None
    where_now: Line | None = None
    school: Line | None = None
    indicators: Indicators = ()

    @field_validator("date_of_birth")
    @classmethod
    def _a_child(cls, born: date | None, info: ValidationInfo) -> date | None:
        if born is not None and age_on(_today(info), born) > OLDEST_CHILD:
            raise fault(f"makes this child older than {OLDEST_CHILD}; an adult belongs under adults.")
        return born

    @field_validator("expected_date_of_delivery")
    @classmethod
    def _not_born_yet(cls, expected: date | None, info: ValidationInfo) -> date | None:
        if expected is None:
            return None
        if info.data.get("date_of_birth") is not None:
            raise fault("is given beside a date of birth; a child who is born has no expected date.")
        today = _today(info)
        if not today - LONGEST_OVERDUE <= expected <= today + LONGEST_AHEAD:
            raise fault("is too far from today to be an expected date of delivery.")
        return expected

    @property
    def unborn(self) -> bool:
        return self.expected_date_of_delivery is not None


class AdultEntry(Part):
    """An adult of the household, or one who matters to the child."""

    first_name: Name | None = None
    last_name: Name | None = None
    date_of_birth: PastDate | None = None
    relationship: Name | None = None
    parental_responsibility: Annotated[Text, AfterValidator(one_of("yes_no_unknown", "yes, no or unknown"))] = "unknown"
    same_address: Flag = None
    phone: Annotated[Text, Field(max_length=50)] | None = None
    risk_to_staff: Flag = None


class DomesticAbuse(Part):
    """What has been assessed about domestic abuse."""

    dash: Dash | None = None
    marac: Flag = None


class Concern(Part):
    """The referrer's words."""

    worries: Annotated[Long, Field(min_length=1)]
    working_well: Long | None = None
    wanted: Long | None = None
    childs_words: Long | None = None


class AgreementEntry(Part):
    """Whether the family agrees to a voluntary service: not the basis for sharing, nor whether parents were told."""

    service: Agreement = Agreement.NOT_SOUGHT
    given_by: Name | None = None
    on: PastDate | None = None


class ParentsToldEntry(Part):
    """Whether the parents know of this contact."""

    answer: ParentsTold = ParentsTold.NOT_KNOWN
    reason: Annotated[Text, Field(max_length=2000)] | None = None

    @field_validator("reason")
    @classmethod
    def _why_not(cls, reason: str | None, info: ValidationInfo) -> str | None:
        if not reason and info.data.get("answer") in (ParentsTold.NO, ParentsTold.UNSAFE):
            raise fault("is missing: say why the parents were not told.")
        return reason

    model_config = Part.model_config | {"validate_default": True}


class ContactDocument(Part):
    """A contact. See `docs/contact.md` for what each field means."""

    agency_reference: Annotated[Text, Field(max_length=100)] | None = None
    type: ContactType
    source_code: SourceCode
    received_by_phone: StrictBool = False
    immediate_danger: Flag = None
    referrer: Referrer = Referrer()
    referrer_level: Annotated[StrictInt, Field(ge=1, le=4)] | None = None
    children: Annotated[tuple[ChildEntry, ...], Field(max_length=20, json_schema_extra={"minItems": 1}), NOT_EMPTY]
    adults: Annotated[tuple[AdultEntry, ...], Field(max_length=20)] = ()
    family_indicators: Indicators = ()
    domestic_abuse: DomesticAbuse = DomesticAbuse()
    concern: Concern
    support_already_tried: Long | None = None
    agreement: AgreementEntry = AgreementEntry()
    parents_told: ParentsToldEntry = ParentsToldEntry()
    sharing_basis: SharingBasis | None = None

    @field_validator("children")
    @classmethod
    def _refs_differ(cls, children: tuple[ChildEntry, ...]) -> tuple[ChildEntry, ...]:
        refs = [child.ref for child in children if child.ref is not None]
        if len(set(refs)) < len(refs):
            raise fault("Two children share a ref; give each child a ref of its own.")
        return children


def read_contact(data: object, *, indicators: Collection[str], today: date) -> ContactDocument:
    """
    Reads a contact from parsed JSON.

    :param indicators: the indicator codes that the live rule set knows.
    :param today: the local day, against which dates are checked.
    :raises InvalidInput: with every fault.
    """
    known = {
        "indicators": indicators,
        "today": today,
        "source_codes": SOURCE_CODES,
        "ethnicities": ETHNICITIES,
        "sexes": SEXES,
        "yes_no_unknown": ("yes", "no", "unknown"),
    }
    return read(ContactDocument, data, known=known)


def age_on(day: date, born: date) -> int:
    """Completed years on this day. For somebody born on 29 February, the birthday in other years is 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
