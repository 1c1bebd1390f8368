"""
The fields of a contact, of a child and of an adult. They make the document that partners send, and show the faults of
the document.

The only check of the document is `casework.facts.contact_document`. What is typed into a field never refuses a contact:
the document takes it as it is.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from django import forms
from django.utils.dateformat import format as format_date

from casework.facts import typed
from casework.models import ContactType, FamilyAgreement, ParentsTold, SharingBasis
from casework.models.choices import HOW_IT_ARRIVED
from casework.web.rendering import (
    Checkbox,
    DatePartsField,
    EmailInput,
    Form,
    IndicatorBoxes,
    PhoneInput,
    Radios,
    RadiosInARow,
    RecentDateField,
    Select,
    Textarea,
    TextInput,
    moment_of,
    read_time,
)
from errors import Fault
from localities.codes import ETHNICITIES, INDIVIDUAL_SOURCES, SEXES, SOURCE_CODES
from triage.ruleset import RuleSet

UNKNOWN_YES_NO = [("", "Not known"), ("yes", "Yes"), ("no", "No")]
DOMAINS = {"development": "the child's development", "parenting": "parents and carers",
           "family_environment": "family and environment"}  # fmt: skip

OF_ADDRESS = {
    "address_lines": "address.lines", "postcode": "address.postcode", "confidential": "address.confidential",
}  # fmt: skip
IS_MISSING = "is missing."
SOURCES = (
    ("", "Choose"),
    ("Members of the public", [each for each in SOURCE_CODES.items() if each[0] in INDIVIDUAL_SOURCES]),
    ("Agencies", [each for each in SOURCE_CODES.items() if each[0] not in INDIVIDUAL_SOURCES]),
)

Path = tuple[str | int, ...]


class TypedField(forms.CharField):
    """Text with whatever characters. Django's own field refuses NUL."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = []


class TypedDateField(DatePartsField):
    """
    A date in three inputs, as it was typed: an ISO date if they hold numbers, 3/2019 for a month without a day, else
    their texts in a row.
    """

    part = TypedField

    def compress(self, data_list: list[str]) -> str | None:
        day, month, year = (part.strip() for part in [*data_list, "", "", ""][:3])
        if not day and month.isdigit() and year:
            return f"{month}/{year}"
        in_a_row = " ".join(filter(None, (part.strip() for part in data_list)))
        try:
            # A month in words stays in words.
            return in_a_row if any(map(str.isalpha, in_a_row)) else super().compress(data_list)
        except forms.ValidationError:
            return in_a_row


class CodeField(forms.ChoiceField):
    """A code from a list. The document reads whatever is sent, as it does a partner's words for a code."""

    def valid_value(self, value: str) -> bool:
        return True


def _text(label: str, width: int | None = None, hint: str = "") -> forms.CharField:
    return TypedField(label=label, required=False, widget=TextInput(width), help_text=hint)


def _long(label: str, hint: str = "", rows: int = 4) -> forms.CharField:
    return TypedField(label=label, required=False, widget=Textarea({"rows": rows}), help_text=hint)


def _phone() -> forms.CharField:
    return TypedField(label="Telephone number", required=False, widget=PhoneInput(20))


def _date(label: str, hint: str = "") -> DatePartsField:
    return TypedDateField(label=label, help_text=hint)


def _code(label: str, choices: Mapping[str, str]) -> forms.ChoiceField:
    return CodeField(label=label, choices=[("", "Not said"), *choices.items()], required=False, widget=Select)


def _choice(label: str, choices: Any, widget: Any = Radios, hint: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, required=False, widget=widget, help_text=hint)


def yes_or_no(label: str) -> forms.ChoiceField:
    return _choice(label, UNKNOWN_YES_NO, RadiosInARow)


def _box(label: str) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, widget=Checkbox)


class Indicators(forms.MultipleChoiceField):
    """Indicators of the live rule set. The check of the document reports unknown codes."""

    widget = IndicatorBoxes

    def valid_value(self, value: str) -> bool:
        return True


class Part(Form):
    """
    A part of the form. `PATHS` maps each field to its place in this part of the document, as `concern.worries`.
    """

    PATHS: ClassVar[Mapping[str, str]] = {}
    TRUTHS: tuple[str, ...] = ()
    LISTS: ClassVar[Mapping[str, str]] = {}
    # What is said where a needed field is empty. The document says which are needed.
    MISSING: ClassVar[Mapping[str, str]] = {}

    @property
    def number(self) -> str:
        """Which child or adult this is, as the page's buttons call it."""
        return str(self.prefix).rsplit("-", 1)[1]

    def entry(self) -> dict[str, Any]:
        """This part of the document, without the fields that are empty."""
        entry: dict[str, Any] = {}
        for name, path in self.PATHS.items():
            value = self.value(name)
            if value is None or value == "":
                continue
            at = entry
            *above, last = path.split(".")
            for step in above:
                at = at.setdefault(step, {})
            at[last] = value
        return entry

    def value(self, name: str) -> Any:
        """What a field says, as the document has it."""
        value = self.cleaned_data.get(name)
        if name in self.TRUTHS:
            return {"yes": True, "no": False}.get(str(value))
        if name in self.LISTS and isinstance(value, str):
            return [item.strip() for item in re.split(self.LISTS[name], value) if item.strip()]
        return value

    def is_empty(self) -> bool:
        return not self.errors and not any(self.cleaned_data.values())

    def field_at(self, path: Path) -> str:
        """The field whose place in this part of the document is `path`; empty if there is none."""
        written = [step for step in path if not isinstance(step, int)]
        for name, place in self.PATHS.items():
            steps = place.split(".")
            if written[: len(steps)] == steps or (written and written == steps[: len(written)]):
                return name
        return ""

    def add_fault(self, path: Path, fault: Fault) -> bool:
        """Adds a fault to the field whose place in the document is `path`. False if there is none."""
        name = self.field_at(path)
        if not name:
            return False
        is_missing = name in self.MISSING and fault.message == IS_MISSING
        label = str(self.fields[name].label)
        self.add_error(name, self.MISSING[name] if is_missing else _sentence(label, fault.message))
        return True


class ContactPart(Part):
    """The fields that a contact has once."""

    type = _choice("What is it?", ContactType.choices)
    source_code = _choice("Who is it from?", SOURCES, Select)
    agency_reference = _text("Their reference", 20, "If they gave one, for example the number of a police notice.")
    arrived_by = _choice("How did it arrive?", HOW_IT_ARRIVED)
    arrived_on = RecentDateField(
        label="When did it arrive, if not now?",
        help_text="Deadlines start when it arrived: an email of Friday counts from Friday. For example, 27 3 2026",
    )
    arrived_time = _text("At what time?", 5, "For example, 16:40")
    received_by_phone = _box("They must confirm a telephone call in writing within 48 hours")
    immediate_danger = _choice(
        "Is a child in immediate danger?", [("yes", "Yes"), ("no", "No"), ("not_known", "Not known")]
    )

    referrer_name = _text("Name")
    referrer_role = _text("Job title or role")
    referrer_organisation = _text("Organisation", hint="For example, the school, the practice or the ward.")
    referrer_email = TypedField(
        label="Email address",
        required=False,
        widget=EmailInput(),
        help_text="We will email to confirm that we have received the contact.",
    )
    referrer_phone = _phone()
    referrer_relationship = _text("How they know the family")
    keep_anonymous = _box("The family must not learn who told us")
    referrer_level = _choice(
        "Which level of need do they see?", [("", "They did not say"), *((str(n), f"Level {n}") for n in (1, 2, 3, 4))]
    )

    family_indicators = Indicators(label="What was said about the family as a whole?", required=False)
    dash = _choice(
        "DASH risk",
        [("", "Not assessed"), ("standard", "Standard"), ("medium", "Medium"), ("high", "High")],
        RadiosInARow,
    )
    marac = yes_or_no("Referred to MARAC")

    worries = _long(
        "What are they worried about?", "What happened, when, and the effect on the child; in their words.", 8
    )
    working_well = _long("What is working well?")
    wanted = _long("What does the family want?")
    childs_words = _long("What did the child say?", "In the child's own words.")
    support_already_tried = _long("What was tried already?")

    agreement = _choice("Does the family agree to a voluntary service?", FamilyAgreement.choices)
    agreement_given_by = _text("Who gave or refused agreement?", 20)
    agreement_on = _date("When did they answer?")
    parents_told = _choice("Do the parents know of this contact?", ParentsTold.choices)
    parents_told_reason = _long("If not, why not?", rows=2)
    sharing_basis = _choice("On what basis is it shared?", [("", "Not said"), *SharingBasis.choices], Select)

    PATHS: ClassVar = {
        "type": "type", "source_code": "source_code", "agency_reference": "agency_reference",
        "arrived_by": "arrived_by", "received_by_phone": "received_by_phone", "immediate_danger": "immediate_danger",
        "referrer_name": "referrer.name", "referrer_role": "referrer.role",
        "referrer_organisation": "referrer.organisation", "referrer_email": "referrer.email",
        "referrer_phone": "referrer.phone", "referrer_relationship": "referrer.relationship",
        "keep_anonymous": "referrer.keep_anonymous", "referrer_level": "referrer_level",
        "family_indicators": "family_indicators", "dash": "domestic_abuse.dash", "marac": "domestic_abuse.marac",
        "worries": "concern.worries", "working_well": "concern.working_well", "wanted": "concern.wanted",
        "childs_words": "concern.childs_words", "support_already_tried": "support_already_tried",
        "agreement": "agreement.service", "agreement_given_by": "agreement.given_by", "agreement_on": "agreement.on",
        "parents_told": "parents_told.answer", "parents_told_reason": "parents_told.reason",
        "sharing_basis": "sharing_basis",
    }  # fmt: skip
    TRUTHS: tuple[str, ...] = ("immediate_danger", "marac")
    MISSING: ClassVar = {
        "type": "Select what the contact is",
        "source_code": "Select who the contact is from",
        "worries": "Enter what they are worried about",
    }

    def value(self, name: str) -> Any:
        value = super().value(name)
        return int(value) if name == "referrer_level" and value else value

    def clean_arrived_time(self) -> str:
        return read_time(self.cleaned_data["arrived_time"])

    def arrived_at(self, today: date) -> datetime | None:
        """When the contact arrived: None for now, and for what cannot be read. A time alone is of today."""
        day, time = (self.cleaned_data.get(name) for name in ("arrived_on", "arrived_time"))
        if not (day or time) or "arrived_on" in self.errors or "arrived_time" in self.errors:
            return None
        if not time:
            self.add_error("arrived_time", "Enter the time when it arrived, as 16:40")
        elif (moment := moment_of(day or today.isoformat(), f"{time}:00")) is not None:
            return moment
        else:
            self.add_error("arrived_on", "Enter a day that exists")
        return None


class ChildPart(Part):
    """A child, born or not."""

    first_name = _text("First name", 20)
    last_name = _text("Last name", 20)
    also_known_as = _text("Other names", hint="Separate them by commas.")
    date_of_birth = _date("Date of birth", "For example, 4 3 2019 or 4 March 2019")
    date_of_birth_estimated = _box("The date of birth is estimated")
    age_years = _text(
        "Age, if the date of birth is not known",
        10,
        "For example, 15, about 15 or 6 months. Leave it empty if nobody knows.",
    )
    expected_date_of_delivery = _date("Not born yet: expected date of delivery")
    same_address = _box("Lives at the address of child 1")
    sex = _code("Sex", SEXES)
    ethnicity = _code("Ethnicity", ETHNICITIES)
    first_language = _text("First language", 20)
    interpreter_needed = yes_or_no("Is an interpreter needed?")
    disabled = yes_or_no("Is the child disabled?")
    non_verbal = yes_or_no("Is the child non-verbal?")
    nhs_number = _text("NHS number", 10)
    upn = _text("Unique pupil number", 20)
    address_lines = _long("Address, without the postcode", rows=2)
    postcode = _text("Postcode", 10)
    confidential = _box("The address is confidential, for example a refuge")
    where_now = _text("Where is the child now?")
    school = _text("School, nursery, or where the child spends the day")
    indicators = Indicators(label="What was said about this child?", required=False)

    PATHS: ClassVar = {
        "first_name": "first_name", "last_name": "last_name", "also_known_as": "also_known_as",
        "date_of_birth": "date_of_birth", "date_of_birth_estimated": "date_of_birth_estimated",
        "age_years": "age_years", "expected_date_of_delivery": "expected_date_of_delivery", "sex": "sex",
        "ethnicity": "ethnicity", "first_language": "first_language", "interpreter_needed": "interpreter_needed",
        "disabled": "disabled", "non_verbal": "non_verbal", "nhs_number": "nhs_number", "upn": "upn",
        **OF_ADDRESS,
        "where_now": "where_now", "school": "school", "indicators": "indicators",
    }  # fmt: skip
    TRUTHS: tuple[str, ...] = ("interpreter_needed", "disabled", "non_verbal")
    LISTS: ClassVar = {"also_known_as": ",", "address_lines": r"\r?\n"}

    def is_empty(self) -> bool:
        said = (value for name, value in self.cleaned_data.items() if name != "same_address")
        return not self.errors and not any(said)

    def entry_beside(self, first: Mapping[str, Any]) -> dict[str, Any]:
        """This child, at the address of the first child where that was said and no other was typed."""
        entry = self.entry()
        own, its = entry.get("address", {}), first.get("address", {})
        if self.cleaned_data.get("same_address") and not own.get("lines") and not own.get("postcode"):
            # Whichever of the two is said to be confidential, it is one address.
            entry["address"] = its | {"confidential": bool(its.get("confidential") or own.get("confidential"))}
        return entry


class AdultPart(Part):
    """An adult of the household, or one who matters to the child."""

    first_name = _text("First name", 20)
    last_name = _text("Last name", 20)
    date_of_birth = _date("Date of birth")
    relationship = _text("Relationship to the child", 20, "For example, mother")
    parental_responsibility = yes_or_no("Parental responsibility")
    same_address = _choice(
        "Where do they live?",
        [("yes", "With a child of this contact"), ("no", "At an address of their own"), ("", "Not known")],
    )
    address_lines = _long("Their own address, without the postcode", "If they live elsewhere and you know it.", rows=2)
    postcode = _text("Their own postcode", 10)
    confidential = _box("Their own address is confidential, for example a refuge")
    phone = _phone()
    risk_to_staff = yes_or_no("Known risk to staff")

    PATHS: ClassVar = {name: name for name in (
        "first_name", "last_name", "date_of_birth", "relationship", "parental_responsibility", "same_address", "phone",
        "risk_to_staff",
    )} | OF_ADDRESS  # fmt: skip
    TRUTHS: tuple[str, ...] = ("same_address", "risk_to_staff")
    LISTS: ClassVar = {"address_lines": r"\r?\n"}


def indicator_choices(rules: RuleSet) -> list[tuple[str, list[tuple[str, str]]]]:
    """The indicators by level, the gravest first, and by domain."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for entry in rules.catalogue.entries.values():
        title = f"Level {entry.level}: {DOMAINS.get(entry.domain, entry.domain)}"
        groups.setdefault(title, []).append((entry.code, f"{entry.says} ({entry.code})"))
    return list(groups.items())


def _sentence(label: str, says: str) -> str:
    """A fault as a sentence: one that begins in lower case follows the field's label."""
    if says == IS_MISSING:
        return f"Answer this: {label}"
    return f"{label.rstrip('?')}: {says}" if label and says[:1].islower() else says


def in_words(field: forms.Field | None, value: Any) -> str:
    """A value of the document, as a page says it; what cannot be read as it was typed. Indicators need `choices`."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(field, forms.ChoiceField):
        says = dict(_flat(field.widget.choices))
        values = value if isinstance(value, list) else [value]
        return "; ".join(str(says.get(str(each), each)) for each in values)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(field, DatePartsField) and (day := typed.a_date(str(value)).value) is not None:
        return format_date(day, "j F Y")
    return str(value)


def _flat(choices: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    """Choices without their groups."""
    for value, label in choices:
        yield from label if isinstance(label, (list, tuple)) else [(str(value), label)]
