"""The form for the family's agreement to a voluntary service. It is filled in with the answer that we have."""

from datetime import date

from django import forms
from django.http import QueryDict

from casework.models import Contact, FamilyAgreement
from casework.web.forms import ActionForm
from casework.web.rendering import DatePartsField, Radios, TextInput
from casework.web.typed import STOOD, filled_in


class AgreementForm(ActionForm):
    """What the family says to a voluntary service."""

    stood = forms.CharField(widget=forms.HiddenInput, required=False)
    service = forms.ChoiceField(
        label="What does the family say?", widget=Radios, choices=FamilyAgreement.choices, required=False
    )
    given_by = forms.CharField(label="Who answered?", required=False, widget=TextInput(20))
    on = DatePartsField(label="When?")

    def __init__(self, contact: Contact, data: QueryDict | None = None) -> None:
        initial = {"service": contact.agreement, "given_by": contact.agreement_given_by}
        super().__init__(data, prefix="agreement", initial=initial)
        self.initial[STOOD] = filled_in(self.fields, initial)

    def day(self) -> date | None:
        """The day that was typed; None if it was not, or is no real date."""
        try:
            return date.fromisoformat(self.cleaned_data.get("on") or "")
        except ValueError:
            return None
