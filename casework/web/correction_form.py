"""The forms by which staff add and correct facts of a contact: one for each group of them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from casework.facts.learned import Values, nested
from casework.families.recorded import lives_hidden
from casework.models import ContactAdult, ContactChild, Source
from casework.web.contact_form import (
    AdultPart,
    ChildPart,
    ContactPart,
    Indicators,
    Part,
    Path,
    indicator_choices,
    yes_or_no,
)
from casework.web.forms import ActionForm, reason_field
from casework.web.hiding import HiddenWords
from casework.web.rendering import Checkboxes, Radios, TextInput
from casework.web.typed import STOOD, filled_in
from errors import Fault, InvalidInput
from triage.ruleset import RuleSet

# How a field shows what is not known, where it does not leave it empty. Who is not said to be a stranger is family.
NOT_KNOWN = {
    "in_family": "yes", "parents_told": "not_known", "immediate_danger": "not_known",
}  # fmt: skip
HIDDEN_WITH_AN_ADDRESS = ("address", "where_now", "school")


def hidden_facts(row: ContactChild | ContactAdult) -> Collection[str]:
    """
    What of a child or an adult is not shown, because it is, or leads to, a hidden address: the parts of their entry.

    :param row: an adult of `ADULTS`.
    """
    if isinstance(row, ContactChild):
        return HIDDEN_WITH_AN_ADDRESS if row.address_is_confidential else ()
    found = {"address": row.address_is_confidential, "phone": lives_hidden(row)}
    return [name for name, hides in found.items() if hides]


def _in_family(who: str) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=f"Does this {who} belong to the family?", widget=Radios, required=False,
        choices=[("yes", "Yes"), ("no", "No: they are not of this family")],
        help_text=f"If not, the {who} stays on this contact, but is not part of the recommendation, and not "
                  "part of the household.",
    )  # fmt: skip


class ContactFacts(ContactPart):
    """The facts of a contact itself, with what our records say."""

    sibling_on_cp_plan = yes_or_no("Does a brother or sister have a child protection plan?")

    PATHS = ContactPart.PATHS | {"sibling_on_cp_plan": "sibling_on_cp_plan"}
    TRUTHS = (*ContactPart.TRUTHS, "sibling_on_cp_plan")


class ChildFacts(ChildPart):
    """The facts of a child, with what our records say, and whether the child belongs to the family."""

    previous_cp_plan = yes_or_no("Had a child protection plan before")
    previously_looked_after = yes_or_no("Was looked after before")
    in_family = _in_family("child")

    PATHS = ChildPart.PATHS | {
        name: name for name in ("previous_cp_plan", "previously_looked_after", "in_family")
    }  # fmt: skip
    TRUTHS = (*ChildPart.TRUTHS, "previous_cp_plan", "previously_looked_after", "in_family")


class AdultFacts(AdultPart):
    """The facts of an adult, and whether they belong to the family."""

    in_family = _in_family("adult")

    PATHS = AdultPart.PATHS | {"in_family": "in_family"}
    TRUTHS = (*AdultPart.TRUTHS, "in_family")


# The facts of the contact itself, in groups as its page shows them.
GROUPS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "contact": ("Danger and level of need", ("immediate_danger", "referrer_level")),
    "family": ("The family as a whole", (
        "family_indicators", "dash", "marac", "sibling_on_cp_plan", "agreement", "agreement_given_by", "agreement_on",
        "parents_told", "parents_told_reason",
    )),
    "referrer": ("Referrer", (
        "referrer_name", "referrer_role", "referrer_organisation", "referrer_relationship", "referrer_phone",
        "referrer_email", "keep_anonymous", "sharing_basis",
    )),
}  # fmt: skip


class Correcting(ActionForm, Part):
    """
    The facts as they are known today, to be changed, and where the change comes from. Only what is changed is sent.

    A hidden address is not filled in; left empty, it stays.

    :param values: today's facts, by their places.
    :param seen: the id of the latest `Information` on the contact, 0 if there is none.
    :param to_confirm: what was read with a correction or raises a question: see `Changes.to_confirm`.
    :param hidden: what finds a hidden address in a text.
    """

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)
    stood = forms.CharField(widget=forms.HiddenInput, required=False)
    source = forms.ChoiceField(
        label="Where does this come from?", widget=Radios, required=False, choices=Source.choices
    )
    said_by = forms.CharField(
        label="Who said it?", required=False, max_length=100, widget=TextInput(20),
        help_text="For example, mother. Leave it empty if you saw it yourself.",
    )  # fmt: skip
    confirmed = forms.MultipleChoiceField(
        label="Is this right as it was read?", widget=Checkboxes, required=False,
        help_text="What you select stays as it is, and nobody is asked about it any more.",
    )  # fmt: skip
    why = reason_field("What changed, and how do you know?", "The child may read it one day.")

    def __init__(
        self,
        values: Values,
        seen: int,
        rules: RuleSet,
        data: QueryDict | None = None,
        *,
        only: Iterable[str] = (),
        to_confirm: Mapping[str, str] | None = None,
        hidden: HiddenWords | None = None,
    ) -> None:
        shown = list(only or self.PATHS)
        initial = {name: self._shown(name, values.get(self.PATHS[name])) for name in shown}
        if hidden is not None:
            initial = {
                name: "" if value is not True and hidden.are_in(str(value)) else value
                for name, value in initial.items()
            }  # fmt: skip
        super().__init__(data, prefix="fact", initial=initial | {"seen": seen})
        # What the form for a new contact alone asks is no fact, and has no path.
        for name in self.fields.keys() - Correcting.base_fields.keys() - set(shown):
            del self.fields[name]
        for name in shown:
            field = self.fields[name]
            if isinstance(field, Indicators):
                field.choices = indicator_choices(rules)
        self._confirms(shown, initial, to_confirm or {})
        # A user who loses sight of the contact gets back what they typed, and nothing that was filled in.
        self.initial[STOOD] = filled_in(self.fields, initial)
        self.order_fields([*shown, "confirmed", "source", "said_by", "why"])

    def _confirms(self, shown: Iterable[str], initial: Mapping[str, Any], asked: Mapping[str, str]) -> None:
        """Lets staff confirm a detail that was to be checked. Hidden values are not shown."""
        choices = [
            (place, f"{self.fields[name].label}: {initial[name] or 'as it is'} (it {asked[place]})")
            for name in shown
            if (place := self.PATHS[name]) in asked
        ]
        if not choices:
            del self.fields["confirmed"]
            return
        field = self.fields["confirmed"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = choices

    def said(self) -> dict[str, Any]:
        """What was changed, as the part of an information document. Null says that a fact is not known any more."""
        changed = {name: self.value(name) for name in self.PATHS if name in self.changed_data}
        said = nested({self.PATHS[name]: None if value == "" else value for name, value in changed.items()})
        confirmed = self.cleaned_data.get("confirmed")
        return said | {"confirmed": confirmed} if confirmed else said

    def of_itself(self) -> dict[str, Any]:
        """Where it comes from, as the information document says it. What was left empty is not said."""
        said = {name: self.cleaned_data[name] for name in ("source", "said_by", "why")}
        return {name: value for name, value in said.items() if value}

    def add_faults(self, invalid: InvalidInput) -> None:
        """Adds the faults of the document to their fields."""
        for fault in invalid.faults:
            path: Path = fault.path[2:] if fault.path[:1] in (("children",), ("adults",)) else fault.path
            if not path or not self.add_fault(path, Fault(path, fault.message)):
                name = str(path[0]) if path else ""
                self.add_error(name if name in self.fields else None, fault.message)

    def _shown(self, name: str, value: Any) -> Any:
        """A fact as its field shows it."""
        if value is None:
            return NOT_KNOWN.get(name, "")
        if name in self.TRUTHS:
            return "yes" if value else "no"
        if name in self.LISTS:
            return {"also_known_as": ", ", "address_lines": "\n"}[name].join(value)
        return value


class ContactCorrection(Correcting, ContactFacts):
    """Facts of the contact itself: one of the `GROUPS`."""


class ChildCorrection(Correcting, ChildFacts):
    """Facts of a child."""


class AdultCorrection(Correcting, AdultFacts):
    """Facts of an adult."""
