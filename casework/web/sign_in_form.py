"""The filter of what happened at the door. It is sent by GET, so that a filtered list has an address."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from casework.models import SignInKind
from casework.reading.sign_ins import NOBODY
from casework.web.rendering import Form, Select
from casework.web.report_form import DayField
from localities.models import User

ANY = ("", "Any")


class OpenDayField(DayField):
    """A real date, or none."""

    def compress(self, data_list: list[str]) -> Any:
        return super().compress(data_list) if any(part.strip() for part in data_list) else None


class SignInFilter(Form):
    """Each field narrows the list."""

    person = forms.ChoiceField(label="Person", required=False, widget=Select)
    kind = forms.ChoiceField(label="What happened", required=False, widget=Select, choices=[ANY, *SignInKind.choices])
    first = OpenDayField(label="First day")
    last = OpenDayField(label="Last day")

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        people = [(str(pk), f"{name} ({username})") for pk, name, username in _people()]
        self.fields["person"].choices = [ANY, (NOBODY, "A user name that nobody has"), *people]  # type: ignore[attr-defined]  # it is a field of choices

    def clean(self) -> None:
        first, last = self.cleaned_data.get("first"), self.cleaned_data.get("last")
        if isinstance(first, date) and isinstance(last, date) and last < first:
            raise ValidationError({"last": "Last day must not be before the first day."})


def _people() -> list[tuple[int, str, str]]:
    return list(User.objects.order_by("name", "username").values_list("pk", "name", "username"))
