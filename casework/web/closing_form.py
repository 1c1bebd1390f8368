"""The forms for closing a case, and for keeping open one that somebody asked to close."""

from typing import Any

from django import forms

from casework.actions.closing import HowItEnded
from casework.models import ClosingRequest, Outcome
from casework.web.forms import ActionForm, reason_field, truth_of, yes_or_no
from casework.web.rendering import Radios


class CloseForm(ActionForm):
    """What was done, who was seen, what the family says and who supports it now."""

    outcome = forms.ChoiceField(label="How did the work end?", widget=Radios, required=False, choices=Outcome.choices)
    summary = reason_field("What was done, and what was achieved?")
    children_seen = yes_or_no("Were the children seen before the case closes?")
    children_note = reason_field("When were the children seen, where and by whom? If not, why not?")
    adults_seen = yes_or_no("Were the adults seen, or spoken to?")
    adults_note = reason_field("When were the adults seen, where and by whom? If not, why not?")
    family_asked = yes_or_no("Was the family asked what it thinks?")
    family_says = reason_field(
        "What does the family say?", "In its own words, the children's first. If nobody asked: why not."
    )
    support = reason_field(
        "What happens next, and who supports the family now?", "Whom the family turns to, and what they were told."
    )
    lead_reason = reason_field(
        "Why does the case close although nobody was in contact with the family?",
        "What was tried, and how you know that the children are safe.",
    )

    TRUTHS = ("children_seen", "adults_seen", "family_asked")

    def __init__(self, *args: Any, leads: bool, **kwargs: Any) -> None:
        """:param leads: whether the user closes a case without contact, and says why."""
        super().__init__(*args, prefix="close", **kwargs)
        if not leads:
            del self.fields["lead_reason"]

    def how_it_ended(self) -> HowItEnded:
        said = dict(self.cleaned_data)
        for name in self.TRUTHS:
            said[name] = truth_of(said[name])
        return HowItEnded(**said)


def as_asked(request: ClosingRequest) -> dict[str, Any]:
    """What a practitioner wrote who asks the lead to close the case, as the form has it."""
    names = [name for name in CloseForm.base_fields if name != "lead_reason"]
    said = {name: getattr(request, name) for name in names}
    return said | {name: "yes" if said[name] else "no" for name in CloseForm.TRUTHS}


class KeepOpenForm(ActionForm):
    """Keep a case open that somebody asked to close."""

    reason = reason_field("Why does the case stay open, and what should be done?")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="keep_open", **kwargs)
