"""The forms of the rule sets' screens. They collect what was typed; `triage.reading` checks the document."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import yaml
from django import forms

from casework.web.forms import ActionForm
from casework.web.rendering import (
    Checkbox,
    Checkboxes,
    DatePartsField,
    Radios,
    RadiosInARow,
    Select,
    Textarea,
    TextInput,
)
from errors import Fault, InvalidInput
from localities.working_time import LONDON
from triage.catalogue import Gate
from triage.drafting import (
    Json,
    Number,
    entry_at,
    numbers,
    part_from_yaml,
    path_of,
    with_entry,
    with_number,
    with_scenario,
)
from triage.rule_set_document import RatingAndLevel, RuleSetDocument, Work, as_json
from triage.ruleset import Hold, Rag, RuleSet
from triage.scenarios import expectation

GATES = {
    Gate.HARD_STOP: "Hard stop: early help may not be recommended, and a manager decides",
    Gate.STRONG: "Strong: a social worker decides",
    Gate.EARLY_HELP: "Early help comes first",
}
WORK = [
    ("", "None: it ends at the front door"),
    (Work.EARLY_HELP.value, "Early help"),
    (Work.SOCIAL_CARE.value, "Social care"),
    (Work.NEITHER.value, "Work of ours that is neither early help nor social care"),
    (Work.OTHER_AUTHORITY.value, "Another authority's work"),
]
RATING_AND_LEVEL = {
    RatingAndLevel.GRAVEST: "The gravest and the highest of all rules that fire",
    RatingAndLevel.FIRST_RULE: "Those of the first rule that fires",
}
NO_HOLD, NOT_ASKED = "none", ""


class DocumentForm(ActionForm):
    """A form for a part of a draft. Faults of the document stand above it, each with its path."""

    edition = forms.IntegerField(widget=forms.HiddenInput)

    def add_faults(self, invalid: InvalidInput) -> None:
        for fault in invalid.faults:
            self.add_error(None, str(fault))


class WholeDocumentForm(DocumentForm):
    """The whole document as YAML."""

    text = forms.CharField(
        label="The document", widget=Textarea({"rows": 30, "spellcheck": "false"}), strip=False,
        help_text="YAML. Every fault is named, with its rule and its field, before anything is kept.",
    )  # fmt: skip


def _text(label: str, initial: object, rows: int = 0) -> forms.CharField:
    widget = Textarea({"rows": rows}) if rows else TextInput()
    return forms.CharField(label=label, initial=initial, widget=widget)


class EntryForm(DocumentForm):
    """
    One entry of a draft: its texts, its gate, and every number in its conditions.

    :raises KeyError: the document has no such entry.
    """

    def __init__(self, document: RuleSetDocument, part: str, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._document = as_json(document)
        self._path = path_of(self._document, part, name)
        self._numbers = numbers(document, self._path) if self._path else []
        entry = entry_at(self._document, self._path)
        for field, made in _fields(part, entry, document, is_aggravator="aggravators" in self._path):
            self.fields[field] = made
        for number in self._numbers:
            self.fields[_field(number)] = forms.IntegerField(
                label=number.says, initial=number.value, widget=TextInput(width=3, inputmode="numeric")
            )
        for name_of, made in self.fields.items():
            if isinstance(made.widget, Checkbox):
                made.widget.label = str(made.label)
            if name_of in entry:
                made.initial = entry[name_of]
        if part == "document":
            self.fields["rating_and_level"].initial = document.rating_and_level.value
        if "try_first" in self.fields:
            self.fields["try_first"].initial = "\n".join(entry.get("try_first", []))

    def changed_document(self) -> Json:
        """The draft's document with what was typed."""
        typed = dict(self.cleaned_data)
        typed.pop("edition")
        document = self._document
        for number in self._numbers:
            value = typed.pop(_field(number))
            if value != number.value:
                document = with_number(document, number.path, value)
        if "try_first" in typed:
            typed["try_first"] = [line.strip() for line in typed["try_first"].splitlines() if line.strip()] or None
        return with_entry(document, self._path, {name: value or None for name, value in typed.items()})


def _field(number: Number) -> str:
    return f"number/{number.key}"


def _yes(label: str) -> forms.BooleanField:
    return forms.BooleanField(label=label, widget=Checkbox(), required=False)


def _fields(
    part: str, entry: Mapping[str, Any], document: RuleSetDocument, *, is_aggravator: bool
) -> Iterator[tuple[str, forms.Field]]:
    if "title" in entry:
        yield "title", _text("Title", entry["title"])
    if "says" in entry:
        yield "says", _text("What it says", entry["says"], rows=3)
    if part == "document":
        choices = [(each.value, says) for each, says in RATING_AND_LEVEL.items()]
        yield "rating_and_level", forms.ChoiceField(label="Rating and level", widget=Radios, choices=choices)
    if part == "pathways":
        yield "work", forms.ChoiceField(label="What kind of work it is", widget=Radios, choices=WORK, required=False)
        yield "voluntary", _yes("The family is free to refuse it, and is asked before anybody decides on it")
        yield "gravest", _yes("It is decided at level 4 and red only")
        yield "try_first", forms.CharField(
            label="What a partner should do first", widget=Textarea({"rows": 5}), required=False,
            help_text="A sentence on each line. Partners read them when they check the threshold.",
        )  # fmt: skip
    if part == "clocks":
        pathways = [(pathway.id, pathway.title) for pathway in document.pathways]
        label = "Only these pathways have it" if "only_on" in entry else "Every pathway has it but these"
        yield (
            "only_on" if "only_on" in entry else "not_on",
            forms.MultipleChoiceField(label=label, widget=Checkboxes, choices=pathways),
        )
    if part == "indicators":
        levels = [(level, f"Level {level}") for level in (2, 3, 4)]
        yield "level", forms.TypedChoiceField(label="Level", widget=RadiosInARow, choices=levels, coerce=int)
        yield (
            "gate",
            forms.ChoiceField(
                label="Gate", widget=Radios, choices=[(gate.value, says) for gate, says in GATES.items()]
            ),
        )
        services = [("", "Nobody"), *((service.id, service.title) for service in document.also_refer_to)]
        yield "also_refer_to", forms.ChoiceField(label="Also refer to", widget=Select, choices=services, required=False)
    if is_aggravator:
        yield "alone", _yes("It counts alone, with no indicator beside it")


FACTS_HINT = (
    "As YAML, in the words of the rules: agreement, screened, immediate_danger, referrer_level, children (ref, "
    "age_years, unborn, disabled, indicators …) and family. Names of people do not belong here: call a child c1."
)


EXAMPLE: Json = {
    "agreement": "given",
    "children": [{"ref": "c1", "age_years": 7, "indicators": []}],
    "family": {"indicators": []},
}


def _yaml(facts: Json) -> str:
    text: str = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
    return text


def _begun(rules: RuleSet, facts: Json) -> Json:
    """Initial values of a new scenario: these facts, and what the rules recommend on them today."""
    begun: Json = {"facts": _yaml(facts)}
    try:
        expect = expectation(rules, rules.facts(facts))
    except InvalidInput:
        # A past contact may carry an indicator that this draft has no more: it is named when the form is sent.
        return begun
    return begun | {
        "pathway": expect.pathway, "rag": expect.rag, "level": expect.level, "hold": expect.hold or NO_HOLD
    }  # fmt: skip


class ScenarioForm(DocumentForm):
    """A scenario: facts, and the expected recommendation."""

    title = forms.CharField(label="Title", widget=TextInput())
    facts = forms.CharField(
        label="Facts", widget=Textarea({"rows": 12, "spellcheck": "false"}), strip=False, help_text=FACTS_HINT
    )
    pathway = forms.ChoiceField(label="Expected pathway", widget=Select)
    rag = forms.ChoiceField(
        label="Expected rating", widget=Select, required=False,
        choices=[(NOT_ASKED, "Not asked"), *((rag.value, rag.value.capitalize()) for rag in Rag)],
    )  # fmt: skip
    level = forms.TypedChoiceField(
        label="Expected level", widget=Select, required=False, coerce=int, empty_value=None,
        choices=[(NOT_ASKED, "Not asked"), *((level, f"Level {level}") for level in (1, 2, 3, 4))],
    )  # fmt: skip
    hold = forms.ChoiceField(
        label="Expected hold", widget=Select, required=False,
        choices=[(NOT_ASKED, "Not asked"), (NO_HOLD, "No hold"),
                 *((hold.value, hold.value.capitalize()) for hold in Hold)],
    )  # fmt: skip
    protected = forms.BooleanField(
        label="A safety scenario: only a service manager may add, change or take away one", widget=Checkbox(),
        required=False,
    )  # fmt: skip

    def __init__(self, rules: RuleSet, name: str | None, facts: Json | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._document = as_json(rules.document)
        self._name = name
        # What this form does not ask about stays as it is.
        self._was: Json = {}
        pathways = [(entry.id, entry.title) for entry in rules.pathways.values() if not entry.decision_only]
        self.fields["pathway"].choices = pathways  # type: ignore[attr-defined]  # a ChoiceField
        if name is None:
            self.initial = {**(self.initial or {}), **_begun(rules, facts or EXAMPLE)}
        else:
            self._was = entry_at(self._document, path_of(self._document, "scenarios", name))
            expect = self._was["expect"]
            self.initial = {
                **(self.initial or {}),
                "title": self._was["title"],
                "facts": _yaml(self._was["facts"]),
                "protected": self._was.get("protected", False),
                **expect,
                "hold": (expect["hold"] or NO_HOLD) if "hold" in expect else NOT_ASKED,
            }

    def changed_document(self) -> Json:
        """
        The draft's document with this scenario in it.

        :raises InvalidInput: the facts are not YAML.
        """
        typed = self.cleaned_data
        expect = dict(self._was.get("expect", {}))
        for field in ("pathway", "rag", "level"):
            if typed[field]:
                expect[field] = typed[field]
            else:
                expect.pop(field, None)
        expect.pop("hold", None)
        if typed["hold"]:
            expect["hold"] = None if typed["hold"] == NO_HOLD else typed["hold"]
        scenario = {
            "id": self._name or self._new_name(typed["title"]),
            "title": typed["title"],
            **({"protected": True} if typed["protected"] else {}),
            "facts": part_from_yaml(typed["facts"], "facts") or {},
            "expect": expect,
        }
        return with_scenario(self._document, scenario, instead_of=self._name)

    def _new_name(self, title: str) -> str:
        """A unique name, made from the title's words."""
        words = "".join(letter.lower() if letter.isalnum() else " " for letter in title).split()
        base = "_".join(words).encode("ascii", "ignore").decode()[:40].lstrip("_0123456789") or "scenario"
        taken = {scenario["id"] for scenario in self._document.get("scenarios", [])} | {"new"}
        return next(name for name in _numbered(base) if name not in taken)


def _numbered(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        yield f"{base}_{number}"
        number += 1


def _real_day(typed: str | None, field: str) -> date | None:
    """:raises InvalidInput: the day is not a real date."""
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        raise InvalidInput([Fault((field,), "This is not a real day.")]) from None


class ReplayForm(ActionForm):
    """The days of a replay."""

    first_day = DatePartsField(label="From the day of receipt")
    last_day = DatePartsField(label="Up to and including")

    def day(self, field: str) -> date | None:
        """:raises InvalidInput: what was typed is no real day."""
        return _real_day(self.cleaned_data[field], field)


class ProposeForm(ActionForm):
    """The reason for a change."""

    edition = forms.IntegerField(widget=forms.HiddenInput)
    proposal = forms.CharField(
        label="What is the change for?", widget=Textarea({"rows": 4}), required=False,
        help_text="What you saw, what you changed, and what the replay shows. Name no family.",
    )  # fmt: skip


class ReasonForm(ActionForm):
    """The reason for sending back or calling off."""

    reason = forms.CharField(label="Why?", widget=Textarea({"rows": 3}), required=False)


class ApproveForm(ActionForm):
    """The moment from which the version is live."""

    edition = forms.IntegerField(widget=forms.HiddenInput)
    begins = forms.ChoiceField(
        label="When does it begin?", widget=Radios, choices=[("now", "At once"), ("later", "At a moment ahead")],
        error_messages={"required": "Select when it begins"},
    )  # fmt: skip
    day = DatePartsField(label="Day, if ahead")
    time = forms.TimeField(
        label="Time, if ahead", required=False, widget=TextInput(width=5), help_text="As 08:00, local time."
    )

    def starts_at(self) -> datetime | None:
        """
        The moment ahead; None for at once.

        :raises InvalidInput: it was to be ahead, and is no moment.
        """
        if self.cleaned_data["begins"] == "now":
            return None
        day, clock = _real_day(self.cleaned_data["day"], "day"), self.cleaned_data["time"]
        if day and clock:
            return datetime.combine(day, clock, tzinfo=LONDON)
        raise InvalidInput([Fault(("time" if day else "day",), "Enter on which day and at what time it begins")])
