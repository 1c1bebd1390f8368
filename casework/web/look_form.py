"""Look first: search for a person before adding them to a contact, to avoid duplicates."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cached_property

from django.utils.timezone import localdate

from casework.families.expected_days import Days, expected_on
from casework.families.likeness.births import read_birth
from casework.families.likeness.describing import Written
from casework.families.likeness.identifiers import read_nhs_number
from casework.families.typed_search import Query, of_person, read_postcode, read_telephone
from casework.web.contact_form import TypedDateField, TypedField
from casework.web.draft_form import is_key, new_key
from casework.web.forms import ActionForm
from casework.web.rendering import PhoneInput, TextInput

# A last name alone, or a year, is common to too many.
FEWEST = 2
ENOUGH = ("phone", "nhs_number")
BIRTH = ("date_of_birth_day", "date_of_birth_month", "date_of_birth_year")
INPUTS = ("first_name", "last_name", *BIRTH, "address_lines", "postcode", "phone", "nhs_number")


class LookForm(ActionForm):
    """A child or an adult, by what a caller can say of them. Whatever is typed is read as far as it can be."""

    first_name = TypedField(label="First name", required=False, widget=TextInput(20))
    last_name = TypedField(label="Last name", required=False, widget=TextInput(20))
    date_of_birth = TypedDateField(
        label="Date of birth",
        help_text="For example, 4 3 2019. A month or a year may stand alone. For an unborn child, the expected date.",
    )
    address_lines = TypedField(label="Address, without the postcode", required=False, widget=TextInput())
    postcode = TypedField(label="Postcode", required=False, widget=TextInput(10))
    phone = TypedField(label="Telephone number", required=False, widget=PhoneInput(20))
    nhs_number = TypedField(label="NHS number", required=False, widget=TextInput(10))

    def query(self) -> Query:
        """The query; empty where too little is known. Input that cannot be read is left out."""
        said = {name: "" if name in self._unread() else value for name, value in self._said().items()}
        query = of_person(
            Written(
                first_name=said["first_name"], last_name=said["last_name"], date_of_birth=_birth(said["date_of_birth"]),
                nhs_number=said["nhs_number"], address=said["address_lines"], postcode=said["postcode"],
                phone=said["phone"],
            ),
            _expected(said["date_of_birth"]),
        )  # fmt: skip
        known = [name for name, value in said.items() if value.strip()]
        is_enough = len(known) >= FEWEST or any(name in ENOUGH for name in known)
        return query if is_enough else Query()

    def unread(self) -> list[str]:
        """The inputs that cannot be read, in words. They are not used in the search."""
        return list(self._unread().values())

    def _unread(self) -> dict[str, str]:
        said = self._said()
        reads: tuple[tuple[str, str, Callable[[str], object]], ...] = (
            ("date_of_birth", "date of birth", lambda typed: _birth(typed) or _expected(typed)),
            ("postcode", "postcode", read_postcode),
            ("phone", "telephone number", read_telephone),
            ("nhs_number", "NHS number", read_nhs_number),
        )
        return {name: words for name, words, read in reads if said[name].strip() and not read(said[name])}

    def _said(self) -> Mapping[str, str]:
        return {name: str(value or "") for name, value in self.cleaned_data.items()}

    @cached_property
    def key(self) -> str:
        """The key of the draft that goes on from here."""
        key = str(self._given("key"))
        return key if is_key(key) else new_key()

    def carried(self) -> Iterator[tuple[str, str]]:
        """What was typed, by the names of the inputs, and what was answered before."""
        yield from ((name, str(self.data.get(name, ""))) for name in INPUTS)
        yield from self.gate()

    def gate(self) -> Iterator[tuple[str, str]]:
        """What was answered before."""
        yield from {"key": self.key, "danger": self._given("danger")}.items()

    def inputs(self) -> dict[str, list[str]]:
        """The inputs of a draft that it fills: a telephone number is its first adult's, all else its first child's."""
        typed = {f"{'adult' if name == 'phone' else 'child'}-0-{name}": self.data.get(name, "") for name in INPUTS}
        if self.is_valid() and not _birth(day := self._said()["date_of_birth"]) and _expected(day):
            for name in BIRTH:
                ending = name.removeprefix("date_of_birth")
                typed[f"child-0-expected_date_of_delivery{ending}"] = typed.pop(f"child-0-{name}")
        if self._given("danger") in ("yes", "no", "not_known"):
            typed["contact-immediate_danger"] = self._given("danger")
        return {name: [value] for name, value in typed.items() if value.strip()}

    def _given(self, name: str) -> str:
        return str(self.data.get(name) or self.initial.get(name) or "")


def _expected(typed: str) -> Days | None:
    """The date as the day on which a child was, or is, expected: at most nine months or so from now."""
    birth = read_birth(typed)
    return expected_on(birth, typed, localdate(), is_said=False) if birth and not birth.is_a_year else None


def _birth(typed: str) -> str:
    """A date of birth as it is looked for: a real one that is not in the future, the month or the year; else empty."""
    if re.fullmatch("[0-9]{4}", typed.strip()):
        return f"about {typed.strip()}"
    birth = read_birth(typed)
    if birth and birth.is_a_month:
        return typed if date(birth.year, birth.month, 1) <= localdate() else ""
    try:
        return typed if date.fromisoformat(typed) <= localdate() else ""
    except ValueError:
        return typed if birth and not re.fullmatch("[0-9 -]+", typed) else ""
