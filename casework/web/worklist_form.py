"""The filter of the front door's worklist. It is sent by GET, so that a filtered list has an address."""

from collections.abc import Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any

from django import forms
from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import Cast
from django.http import QueryDict

from casework.actions.contact_owners import front_door_staff
from casework.models import ContactType
from casework.models.choices import RAGS
from casework.web.rendering import Form, Select
from localities.models import Agency, Locality
from localities.working_time import local_day

ANY = ("", "Any")
NOBODY = ("nobody", "Nobody")


class WorklistFilter(Form):
    """Each field narrows the list. What is not among a field's choices does not."""

    locality = forms.ChoiceField(label="Locality", required=False, widget=Select)
    agency = forms.ChoiceField(label="Agency", required=False, widget=Select)
    level = forms.ChoiceField(label="Level", required=False, widget=Select)
    rating = forms.ChoiceField(label="Rating", required=False, widget=Select, choices=[ANY, *RAGS])
    owner = forms.ChoiceField(label="Owner", required=False, widget=Select)
    kind = forms.ChoiceField(label="Kind", required=False, widget=Select, choices=[ANY, *ContactType.choices])

    def __init__(self, data: QueryDict, now: datetime) -> None:
        super().__init__(data)
        options: dict[str, list[tuple[str, str]]] = {"locality": [], "agency": [], "owner": []}
        for name, code, label in _options(now):
            options[name].append((code, label))
        options["owner"] = [NOBODY, *options["owner"]]
        options["level"] = [(str(level), str(level)) for level in range(1, 5)]
        for name, choices in options.items():
            self.fields[name].choices = [ANY, *choices]  # type: ignore[attr-defined]  # they are choice fields

    def chosen(self) -> Mapping[str, str]:
        """What the list is narrowed by."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


def _options(now: datetime) -> list[tuple[str, str, str]]:
    """The localities, the agencies and the front door's staff: field, code and name, by name. In one statement."""
    of_text = CharField()

    def options(field: str, code: str, rows: QuerySet[Any]) -> QuerySet[Any, Any]:
        named: QuerySet[Any, Any] = rows.order_by().annotate(
            field=Value(field, output_field=of_text), option=Cast(code, of_text)
        )
        return named.values_list("field", "option", "name")

    found = options("locality", "code", Locality.objects.all()).union(
        options("agency", "code", Agency.objects.all()), options("owner", "pk", front_door_staff(local_day(now)))
    )
    return sorted(found, key=itemgetter(2))
