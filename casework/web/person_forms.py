"""The forms on a person's page."""

from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict

from casework.actions.people import WITHOUT_VALUE, Said
from casework.models import DetailKind, NumberStatus, SafeToUse
from casework.web.forms import ActionForm, reason_field, why_it_is_safe
from casework.web.rendering import DatePartsField, Radios, TextInput

LABELS = {
    DetailKind.ADDRESS: "Address, without the postcode",
    DetailKind.NHS_NUMBER: "NHS number",
    DetailKind.UPN: "Unique pupil number",
    DetailKind.TELEPHONE: "Telephone number",
    DetailKind.EMAIL: "Email address",
}
ONE_DAY = (DetailKind.DEATH, DetailKind.ESTIMATED_BIRTH)


class DetailForm(ActionForm):
    """Something that somebody said about a person. It has the fields that its kind needs."""

    value = forms.CharField(required=False, widget=TextInput(), max_length=300)
    postcode = forms.CharField(label="Postcode", required=False, widget=TextInput(10), max_length=20)
    qualifier = forms.ChoiceField(widget=Radios, required=False)
    other = forms.CharField(
        label="Reference of the other person", required=False, widget=TextInput(20), help_text="Like PER-7K4M-9QXT."
    )
    from_date = DatePartsField(label="Since when?", help_text="Leave it empty if it is not known.")
    to_date = DatePartsField(label="Until when?", help_text="Leave it empty if it is still so.")
    said_by = forms.CharField(label="Who said so?", required=False, widget=TextInput(), max_length=200)

    def __init__(self, kind: DetailKind, data: QueryDict | None = None) -> None:
        super().__init__(data, prefix="detail")
        self.kind = kind
        self.fields["value"].label = LABELS.get(kind, kind.label)
        dropped = set()
        if kind in WITHOUT_VALUE:
            dropped |= {"value"}
        if kind != DetailKind.ADDRESS:
            dropped |= {"postcode"}
        if kind != DetailKind.RELATIONSHIP:
            dropped |= {"other"}
        if kind in ONE_DAY:
            dropped |= {"to_date"}
            self.fields["from_date"].label = "Which day?"
            self.fields["from_date"].help_text = ""
        for name in dropped | self._qualify(kind):
            del self.fields[name]

    def _qualify(self, kind: DetailKind) -> set[str]:
        field = self.fields["qualifier"]
        assert isinstance(field, forms.ChoiceField)
        match kind:
            case DetailKind.NHS_NUMBER:
                field.label, field.choices = "How sure is it?", NumberStatus.choices
                field.help_text = "With a conflict, or not found, it joins no records: somebody is asked."
            case DetailKind.TELEPHONE | DetailKind.EMAIL:
                field.label, field.choices = "Is it safe to use?", SafeToUse.choices
            case DetailKind.RELATIONSHIP:
                self.fields["qualifier"] = forms.CharField(
                    label="What is the other person to this one?", required=False, widget=TextInput(20),
                    max_length=100, help_text="For example mother, stepfather, sister.",
                )  # fmt: skip
            case _:
                return {"qualifier"}
        return set()

    def said(self) -> Said:
        """What was typed, for the action."""
        typed: dict[str, Any] = {name: value or "" for name, value in self.cleaned_data.items() if "date" not in name}
        since, until = (_day(self.cleaned_data.get(name)) for name in ("from_date", "to_date"))
        return Said(kind=self.kind, from_date=since, to_date=until, **typed)

    def clean(self) -> dict[str, Any]:
        return _with_real_days(self, super().clean() or {})


class EndForm(ActionForm):
    """Say that something is no longer so."""

    to_date = DatePartsField(label="Until when was it so?", help_text="Leave it empty if it is not known.")
    reason = reason_field("Why is it no longer so?", "It stays as former, and the person is still found by it.")

    def clean(self) -> dict[str, Any]:
        return _with_real_days(self, super().clean() or {})

    def until(self) -> date | None:
        """The day that was typed."""
        return _day(self.cleaned_data.get("to_date"))


class InErrorForm(ActionForm):
    """Say that something was recorded in error."""

    reason = reason_field("What was wrong?", "It stays in the history, and nobody is found or matched by it any more.")


class ProtectPersonForm(ActionForm):
    """Make the person's address confidential."""

    reason = reason_field(
        "Who wants it to be confidential, and why?",
        "It is then hidden on every contact, also on those of other agencies, and a person picks the team.",
    )


class LiftPersonForm(ActionForm):
    """Say that the person's hidden address is safe to show."""

    reason = why_it_is_safe()


def _with_real_days(form: ActionForm, cleaned: dict[str, Any]) -> dict[str, Any]:
    for name in ("from_date", "to_date"):
        if cleaned.get(name) and _day(cleaned[name]) is None:
            form.add_error(name, "Enter a real day")
    return cleaned


def _day(typed: str | None) -> date | None:
    try:
        return date.fromisoformat(typed or "")
    except ValueError:
        return None
