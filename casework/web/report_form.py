"""The form for the period of a report. It is sent by GET, so that the address of a report can be shared."""

from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.http import QueryDict

from casework.reports.period import Period, last_twelve_months
from casework.web.rendering import DateParts, DatePartsField, Form

EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)


class DayOrParts(DateParts):
    """Three inputs. An address may also give the day in one parameter, as first=2026-11-21."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return self.decompress(data[name]) if name in data else super().value_from_datadict(data, files, name)


class DayField(DatePartsField):
    """A real date."""

    widget = DayOrParts

    def compress(self, data_list: list[str]) -> Any:
        try:
            written = super().compress(data_list)
        except ValidationError:
            written = None
        if written is None:
            raise ValidationError(f"{self.label} must have a day, a month and a year of four digits, as 21 11 2026.")
        try:
            day = date.fromisoformat(written)
        except ValueError:
            raise ValidationError(f"{self.label} must be a real date.") from None
        if not EARLIEST <= day <= LATEST:
            raise ValidationError(f"{self.label} must lie in the years {EARLIEST.year} to {LATEST.year}.")
        return day


class PeriodForm(Form):
    """The first and last day of receipt; by default the last twelve months."""

    first = DayField(label="First day")
    last = DayField(label="Last day")

    def __init__(self, asked: QueryDict, today: date) -> None:
        usual = last_twelve_months(today)
        is_asked = any(name.partition("_")[0] in self.base_fields for name in asked)
        super().__init__(asked if is_asked else {"first": usual.first.isoformat(), "last": usual.last.isoformat()})

    def clean(self) -> None:
        first, last = self.cleaned_data.get("first"), self.cleaned_data.get("last")
        if first and last and last < first:
            self.add_error("last", "Last day must not be before the first day.")

    def period(self) -> Period | None:
        """The period; None if a day is wrong."""
        return Period(self.cleaned_data["first"], self.cleaned_data["last"]) if self.is_valid() else None
