"""
A new contact in tasks: which fields stand on which page, and the whole form that a draft makes.

A draft holds the inputs of all pages. Each page shows and saves its own; the form of the whole draft makes the document
that is submitted, and says what is still missing.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.http import QueryDict

from casework.access import conditions
from casework.facts.contact_document import read_contact
from casework.models import Contact
from casework.web.contact_form import (
    AdultPart,
    ChildPart,
    ContactPart,
    Indicators,
    Part,
    Path,
    in_words,
    indicator_choices,
)
from casework.web.rendering import DateParts
from errors import InvalidInput
from localities.working_time import local_day
from triage.ruleset import RuleSet

MOST = 20
KEY = "[0-9a-f]{32}"
PREFIXES = {"children": "child", "adults": "adult"}
NUMBERED = re.compile(r"(child|adult)-(\d{1,3})-", re.ASCII)
NO_CHILD = "Enter the name of a child or, for one who is not born yet, the expected date of delivery"

Typed = Mapping[str, Sequence[str]]


class Section(NamedTuple):
    """
    A page of the form: its fields of the contact, of each child and of each adult. Its template has its slug as name.

    :param group: the people whom it adds and removes: children or adults.
    """

    slug: str
    title: str
    contact: Sequence[str] = ()
    children: Sequence[str] = ()
    adults: Sequence[str] = ()
    group: str = ""


DANGER = Section("danger", "Immediate danger", contact=("immediate_danger",))
TASKS = (
    Section("referrer", "Referrer and how it arrived", contact=(
        "type", "source_code", "referrer_name", "referrer_role", "referrer_organisation", "referrer_phone",
        "referrer_email", "referrer_relationship", "keep_anonymous", "referrer_level", "agency_reference", "arrived_by",
        "received_by_phone", "arrived_on", "arrived_time",
    )),
    Section("children", "Children", group="children", children=(
        "first_name", "last_name", "also_known_as", "date_of_birth", "date_of_birth_estimated", "age_years",
        "expected_date_of_delivery", "same_address", "address_lines", "postcode", "confidential", "where_now", "school",
        "nhs_number", "sex", "ethnicity", "first_language", "interpreter_needed", "disabled", "non_verbal", "upn",
    )),
    Section("household", "Adults and household", group="adults", adults=(
        "first_name", "last_name", "relationship", "parental_responsibility", "same_address", "address_lines",
        "postcode", "confidential", "date_of_birth", "phone", "risk_to_staff",
    )),
    Section("concern", "Presenting concern", contact=(
        "worries", "childs_words", "working_well", "wanted", "support_already_tried",
    )),
    Section("indicators", "Indicators", children=("indicators",), contact=("family_indicators", "dash", "marac")),
    Section("agreement", "Agreement and sharing", contact=(
        "agreement", "agreement_given_by", "agreement_on", "parents_told", "parents_told_reason", "sharing_basis",
    )),
)  # fmt: skip
SECTIONS = {section.slug: section for section in (DANGER, *TASKS)}


class Problem(NamedTuple):
    """Why a contact cannot be submitted yet: on which page, at which field (its id), and whether that is empty."""

    section: Section
    field: str
    says: str
    is_missing: bool


class Answer(NamedTuple):
    """What was answered, with the id of its field."""

    label: str
    says: str
    field: str


class Answers(NamedTuple):
    """What a page holds of the contact, a child or an adult: the answers, and the labels of what was left empty."""

    heading: str
    given: list[Answer]
    empty: list[str]


class Posted(NamedTuple):
    """
    What was sent of a page: the values of its inputs, and all its inputs.

    Where a person was added or removed, `changed_at` is the id of what has the focus then; `says` why they were not.
    """

    typed: dict[str, list[str]]
    shown: set[str]
    changed_at: str = ""
    says: str = ""


def new_key() -> str:
    """A key of a draft that nobody has begun yet."""
    return uuid.uuid4().hex


def is_key(text: str) -> bool:
    return re.fullmatch(KEY, text) is not None


def posted(section: Section, data: QueryDict, before: Typed) -> Posted:
    """
    What was sent of this page. It works without JavaScript: a button adds or removes people, and what was typed stays.

    :param before: what the draft held.
    """
    group = section.group
    numbers = {each: _numbers(data.getlist(each) if each == group else before.get(each, ())) for each in PREFIXES}
    shown = {name for part in _parts(section, numbers) for name in part}
    typed = {name: data.getlist(name) for name in shown if name in data}
    if not group:
        return Posted(typed, shown)
    changed, changed_at, says = _changed(group, numbers[group], data, {*before, *shown})
    return Posted(typed | {group: list(map(str, changed))}, {*shown, group}, changed_at, says)


def _parts(section: Section, numbers: Mapping[str, Iterable[int]]) -> Iterator[Iterator[str]]:
    """The inputs of each part of this page."""
    yield _inputs(ContactPart, "contact", section.contact)
    for shape, group, names in ((ChildPart, "children", section.children), (AdultPart, "adults", section.adults)):
        for number in numbers[group] if names else ():
            yield _inputs(shape, f"{PREFIXES[group]}-{number}", names)


def _inputs(shape: type[Part], prefix: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        endings = ("_day", "_month", "_year") if isinstance(shape.base_fields[name].widget, DateParts) else ("",)
        yield from (f"{prefix}-{name}{ending}" for ending in endings)


def _changed(group: str, numbers: list[int], data: QueryDict, names: Iterable[str]) -> tuple[list[int], str, str]:
    """The numbers of a group when a button was pressed, what has the focus then, and why nobody was added."""
    back = [number for number in _numbers([data.get("undo", "")], none=()) if number not in numbers]
    if (data.get("add") == group or back) and len(numbers) >= MOST:
        return numbers, "", f"A contact has room for {MOST} {group}. Tell us of the others in another contact."
    if data.get("add") == group:
        # A number that was given up is not given to another: what was typed for the one who was removed can come back.
        used = [int(match[2]) for name in names if (match := NUMBERED.match(name)) and match[1] == PREFIXES[group]]
        added = max([*used, *numbers]) + 1
        return [*numbers, added], f"part-{PREFIXES[group]}-{added}", ""
    if (gone := data.get("remove", "")) in map(str, numbers) and len(numbers) > 1:
        return [number for number in numbers if str(number) != gone], f"add-{group}", ""
    if back:
        return sorted([*numbers, *back]), f"part-{PREFIXES[group]}-{back[0]}", ""
    return numbers, "", ""


class ContactForm:
    """
    The whole form of a draft: the contact, its children and its adults.

    :param typed: what the draft holds.
    """

    def __init__(self, rules: RuleSet, typed: Typed) -> None:
        self.rules, self.typed = rules, typed
        data = QueryDict(mutable=True)
        for name, values in typed.items():
            data.setlist(name, list(values))
        self.contact = ContactPart(data, prefix="contact")
        self.children = [ChildPart(data, prefix=f"child-{number}") for number in self._numbers("children")]
        self.adults = [AdultPart(data, prefix=f"adult-{number}") for number in self._numbers("adults")]
        self.arrived_at: datetime | None = None
        self._has_no_child = False
        self._other_faults: list[str] = []
        choices = indicator_choices(rules)
        for part, name in [(self.contact, "family_indicators"), *((child, "indicators") for child in self.children)]:
            field = part.fields[name]
            assert isinstance(field, Indicators)
            field.choices = choices

    def parts(self) -> Iterator[Part]:
        yield self.contact
        yield from self.children
        yield from self.adults

    def of(self, section: Section) -> Iterator[tuple[str, Part, Sequence[str]]]:
        """Each part of which this page has fields, in its order: what it is called, and the fields."""
        people = (("Child", self.children, section.children), ("Adult", self.adults, section.adults))
        for called, parts, names in people:
            for number, part in enumerate(parts if names else (), start=1):
                yield f"{called} {number}", part, names
        if section.contact:
            yield "", self.contact, section.contact

    def document(self) -> dict[str, Any]:
        """The contact as a partner would send it, without the people whose fields are all empty."""
        document = self.contact.entry()
        first = self.children[0].entry()
        document["children"] = [
            child.entry() if child is self.children[0] else child.entry_beside(first)
            for child in self._filled_in(self.children)
        ]
        document["adults"] = [adult.entry() for adult in self._filled_in(self.adults)]
        document.setdefault("concern", {})
        return document

    def problems(self, now: datetime) -> list[Problem]:
        """Why the contact cannot be submitted yet, in the order of the pages. Each is shown at its field, too."""
        for part in self.parts():
            part.is_valid()
        self.arrived_at = self.contact.arrived_at(local_day(now))
        checks: tuple[Callable[[], object], ...] = (
            lambda: conditions.check_arrival(self.arrived_at, now),
            lambda: read_contact(self.document(), indicators=self.rules.catalogue.entries, today=local_day(now)),
        )
        for check in checks:
            try:
                check()
            except InvalidInput as invalid:
                self._add_faults(invalid)
        return list(self._problems())

    def without_faults(self) -> "ContactForm":
        """The same form, whose faults nobody has asked about yet."""
        for part in self.parts():
            part.full_clean()
            part.errors.clear()
        self._has_no_child = False
        return self

    def is_begun(self, section: Section) -> bool:
        """Whether anything is typed on this page."""
        numbers = {group: self._numbers(group) for group in PREFIXES}
        return any(any(self.typed.get(name, ())) for part in _parts(section, numbers) for name in part)

    @property
    def is_unsafe_to_ask(self) -> bool:
        """As of a contact. The form has been checked."""
        said = self.contact.cleaned_data
        return Contact(agreement=said.get("agreement", ""), parents_told=said.get("parents_told", "")).is_unsafe_to_ask

    @property
    def named_children(self) -> list[tuple[str, ChildPart]]:
        """Each child with its name, or its place."""
        return [
            (self._name(str(child.prefix)) or f"Child {place}", child)
            for place, child in enumerate(self.children, start=1)
        ]

    @property
    def removed_children(self) -> list[tuple[int, str]]:
        return self._removed("children")

    @property
    def removed_adults(self) -> list[tuple[int, str]]:
        return self._removed("adults")

    def _removed(self, group: str) -> list[tuple[int, str]]:
        """The people who were removed from this group and of whom something was typed, with what they are called."""
        listed, prefix = self._numbers(group), PREFIXES[group]
        typed = {
            int(match[2])
            for name, values in self.typed.items()
            if (match := NUMBERED.match(name)) and match[1] == prefix and any(values)
        }
        return [(number, self._name(f"{prefix}-{number}") or f"the {prefix}") for number in sorted(typed - {*listed})]

    def answers(self, section: Section) -> Iterator[Answers]:
        """What was answered on this page. The form has been checked."""
        for called, part, names in self.of(section):
            given, empty = [], []
            for name in names:
                field, value = part.fields[name], part.cleaned_data.get(name)
                if value is False:
                    continue  # A box that nobody ticked.
                if value in (None, "", []):
                    empty.append(str(field.label))
                else:
                    given.append(Answer(str(field.label), in_words(field, value), id_of(part, name)))
            name = self._name(str(part.prefix))
            yield Answers(f"{called}: {name}" if name else called, given, empty)

    def field_at(self, path: Path) -> tuple[Section, str, str] | None:
        """The page, the id and the label of the field whose place in the document is `path`; None if there is none."""
        part, steps = self._part_at(path)
        name = part.field_at(steps)
        for section in SECTIONS.values() if name else ():
            if any(each is part and name in names for _, each, names in self.of(section)):
                return section, id_of(part, name), str(part.fields[name].label)
        return None

    def _problems(self) -> Iterator[Problem]:
        for section in SECTIONS.values():
            if section.group == "children" and self._has_no_child:
                yield Problem(section, id_of(self.children[0], "first_name"), NO_CHILD, is_missing=True)
            for called, part, names in self.of(section):
                for name in names:
                    where = f" ({called.lower()})" if called else ""
                    for says in part.errors.get(name, ()):
                        is_missing = says in part.MISSING.values()
                        yield Problem(section, id_of(part, name), f"{says}{where}", is_missing)
        for says in self._other_faults:
            yield Problem(TASKS[0], "", says, is_missing=False)

    def _add_faults(self, invalid: InvalidInput) -> None:
        """Adds the faults of the document to their fields."""
        for fault in invalid.faults:
            if fault.path == ("arrived_at",):
                self.contact.add_error("arrived_on", fault.message)
                continue
            part, path = self._part_at(fault.path)
            if fault.path == ("children",):
                self._has_no_child = True
            elif not part.add_fault(path, fault):
                self._other_faults.append(str(fault))

    def _name(self, prefix: str) -> str:
        """What somebody is called, as it was typed."""
        names = ((self.typed.get(f"{prefix}-{name}") or [""])[-1] for name in ("first_name", "last_name"))
        return " ".join(" ".join(names).split())

    def _numbers(self, group: str) -> list[int]:
        return _numbers(self.typed.get(group, ()))

    def _filled_in(self, parts: list[Any]) -> list[Any]:
        return [part for part in parts if not part.is_empty()]

    def _part_at(self, path: Path) -> tuple[Part, Path]:
        match path:
            case ("children", int(position), *rest):
                return self._filled_in(self.children)[position], tuple(rest)
            case ("adults", int(position), *rest):
                return self._filled_in(self.adults)[position], tuple(rest)
            case _:
                return self.contact, path


def id_of(part: Part, name: str) -> str:
    """The id of a field on its page."""
    return part[name].id_for_label or part[name].auto_id


def _numbers(given: Iterable[str], none: Sequence[int] = (0,)) -> list[int]:
    numbers = [int(number) for number in given if number.isascii() and number.isdigit() and len(number) < 4]
    return list(dict.fromkeys(numbers))[:MOST] or list(none)
