"""The form of a screening: the indicators that apply to each child and to the family, or none."""

from collections import Counter
from typing import Any

from django import forms

from casework.models import Contact
from casework.web.contact_form import Indicators, indicator_choices
from casework.web.forms import ActionForm
from casework.web.rendering import Checkbox
from errors import Fault, InvalidInput
from triage.ruleset import RuleSet


class ScreeningForm(ActionForm):
    """A group of indicators for each child by name, one for the family, and one box for "none of these"."""

    recommendation = forms.IntegerField(widget=forms.HiddenInput, required=False)
    none_applies = forms.BooleanField(label="None of these applies to anybody", required=False, widget=Checkbox)

    def __init__(self, contact: Contact, rules: RuleSet, *args: Any, **kwargs: Any) -> None:
        self.children = list(contact.children.all())
        self._says = {code: f"{entry.says} ({code})" for code, entry in rules.catalogue.entries.items()}
        super().__init__(*args, initial={"recommendation": contact.recommendation_id}, prefix="screening", **kwargs)
        choices = indicator_choices(rules)
        names = Counter(child.called for child in self.children)
        for child in self.children:
            name = child.called
            label = name if names[name] == 1 else f"{name} (child {child.position + 1})"
            self._add(f"child_{child.pk}", label, choices, child.screened_indicators, child.indicators)
        self._add(
            "family", "The family as a whole", choices, contact.screened_family_indicators, contact.family_indicators
        )
        # After the indicators.
        self.fields["none_applies"] = self.fields.pop("none_applies")

    def _add(self, name: str, label: str, choices: Any, chosen: list[str], referred: list[str]) -> None:
        says = "; ".join(self._says.get(code, code) for code in referred)
        self.fields[name] = Indicators(
            label=label, required=False, choices=choices, initial=chosen,
            help_text=f"The referrer selected, and it counts: {says}." if says else "The referrer selected none.",
        )  # fmt: skip

    def of_children(self) -> dict[int, list[str]]:
        """What was selected, by the id of the child on the contact."""
        return {child.pk: self.cleaned_data[f"child_{child.pk}"] for child in self.children}

    def add_faults(self, invalid: InvalidInput) -> None:
        """Adds the action's faults to their fields: a fault at ("children", id) to the field child_id."""
        super().add_faults(InvalidInput(Fault((_field(fault.path),), fault.message) for fault in invalid.faults))


def _field(path: tuple[str | int, ...]) -> str:
    name, *rest = path
    return f"child_{rest[0]}" if name == "children" else str(name)
