"""Forms in the look of the GOV.UK Design System: a renderer, and the widgets that it draws."""

import json
import re
from datetime import datetime
from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting
from django.utils import timezone
from django.utils.formats import date_format, time_format

from casework.facts.typed import in_one_line, month_of
from localities.working_time import LONDON
from triage.everyday_words import everyday_words


class GovukRenderer(TemplatesSetting):
    """Draws a field with its label, hint and errors in the design system's markup."""

    field_template_name = "govuk/field.html"


class TextInput(forms.TextInput):
    """`width` is in characters (2, 3, 4, 5, 10, 20), for what has a known length."""

    template_name = "govuk/widgets/input.html"

    def __init__(self, width: int | None = None, **attrs: Any) -> None:
        super().__init__(attrs)
        self.width = width

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["width"] = self.width
        return context


class EmailInput(TextInput):
    input_type = "email"


class PhoneInput(TextInput):
    input_type = "tel"


class PasswordInput(forms.PasswordInput):
    template_name = "govuk/widgets/input.html"


class Textarea(forms.Textarea):
    template_name = "govuk/widgets/textarea.html"


class LongText(Textarea):
    """A text area that says how much may be typed, and, with the page's script, how much is left."""

    template_name = "govuk/widgets/long_text.html"

    def __init__(self, most: int, **attrs: Any) -> None:
        super().__init__(attrs)
        self.most = most

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        widget = context["widget"]
        described_by = f"{widget['attrs'].get('aria-describedby', '')} {widget['attrs']['id']}-info"
        widget["attrs"]["aria-describedby"] = described_by.strip()
        widget["most"] = f"{self.most:,}"
        return context


class FileInput(forms.FileInput):
    template_name = "govuk/widgets/file.html"


class Select(forms.Select):
    template_name = "govuk/widgets/select.html"


class Radios(forms.RadioSelect):
    """Radios in a fieldset whose legend is the label."""

    template_name = "govuk/widgets/radios.html"
    use_fieldset = True
    in_a_row = False

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["in_a_row"] = self.in_a_row
        return context


class RadiosInARow(Radios):
    """Radios in a row, for a few short answers."""

    in_a_row = True


class Checkbox(forms.CheckboxInput):
    """One checkbox with its label."""

    template_name = "govuk/widgets/checkbox.html"
    label = ""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["label"] = self.label
        return context


class Checkboxes(forms.CheckboxSelectMultiple):
    """Several boxes inside a fieldset whose legend is the label."""

    template_name = "govuk/widgets/checkboxes.html"
    use_fieldset = True


class IndicatorBoxes(forms.CheckboxSelectMultiple):
    """
    Indicators as checkboxes in collapsed groups by level and domain. A group with a checked box is open.

    The page's script searches them by their own words, and by the everyday words that stand beside each.
    """

    template_name = "govuk/widgets/indicators.html"
    use_fieldset = True

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["parts"] = [
            (title, options, any(option["selected"] for option in options))
            for title, options, _ in context["widget"]["optgroups"]
        ]
        return context

    def create_option(self, name: str, value: Any, label: int | str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, label, *args, **kwargs)
        return option | {"everyday": json.dumps(everyday_words(str(label)))}


class DateParts(forms.MultiWidget):
    """A date input: day, month and year."""

    template_name = "govuk/widgets/date.html"
    use_fieldset = True

    def __init__(self) -> None:
        super().__init__({"day": forms.TextInput(), "month": forms.TextInput(), "year": forms.TextInput()})

    def decompress(self, value: Any) -> list[Any]:
        if isinstance(value, str) and value.count("-") == 2:
            year, month, day = value.split("-")
            return [day, month, year]
        return [None, None, None]


class DatePartsField(forms.MultiValueField):
    """A date in three inputs. Its value is an ISO date, not checked to be a real one."""

    widget = DateParts
    part: type[forms.CharField] = forms.CharField

    def __init__(self, **kwargs: Any) -> None:
        parts = [self.part(required=False) for _ in range(3)]
        super().__init__(fields=parts, require_all_fields=False, required=False, **kwargs)

    def compress(self, data_list: list[str]) -> str | None:
        parts = [part.strip() for part in data_list]
        if not any(parts):
            return None
        parts[1:2] = [str(month_of(month) or month) for month in parts[1:2]]
        if len(parts) < 3 or not all(part.isascii() and part.isdigit() for part in parts) or len(parts[2]) != 4:
            raise forms.ValidationError("Enter a day, a month and a year of four digits, as 21 11 2026")
        day, month, year = parts
        return f"{year}-{month:0>2}-{day:0>2}"


class RecentDateField(DatePartsField):
    """A date of these years: 26 is 2026."""

    def compress(self, data_list: list[str]) -> str | None:
        years = [re.sub(r"^\s*([0-9]{2})\s*$", r"20\1", year) for year in data_list[2:]]
        return super().compress([*data_list[:2], *years])


HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
MINUTES_FROM_THE_HOUR = {"half": 30, "half past": 30, "quarter past": 15, "quarter to": -15}
NAMED_TIMES = {"noon": "12:00", "midday": "12:00", "midnight": "00:00"}
_TIME = re.compile(
    rf"(?:(?P<from_hour>{'|'.join(sorted(MINUTES_FROM_THE_HOUR, reverse=True))}) )?"
    rf"(?P<hour>[0-9]{{1,2}}|{'|'.join(HOURS)})(?:[:.]?(?P<minute>[0-9]{{2}}))?(?: ?o['\u2019]?clock)?"
    r" ?(?:(?P<half>[ap])\.?m\.?|in the (?P<part>morning|afternoon|evening))?"
)


def read_time(typed: str) -> str:
    """
    A time of day as 16:50, from 1650, 16.50, 4:50pm or half past four in the afternoon; empty if nothing is typed.

    :raises ValidationError: it is no time of day, or may be of the morning or of the afternoon, as 9 or half five.
    """
    time = " ".join(typed.lower().split())
    if not time or time in NAMED_TIMES:
        return NAMED_TIMES.get(time, "")
    match = _TIME.fullmatch(time)
    if match is None or (match["from_hour"] and match["minute"]):
        raise _no_time()
    in_words = match["hour"] in HOURS
    hour = HOURS.index(match["hour"]) + 1 if in_words else int(match["hour"])
    minutes = 60 * hour + int(match["minute"] or MINUTES_FROM_THE_HOUR.get(match["from_hour"] or "", 0))
    half = match["half"] or (match["part"] and ("a" if match["part"] == "morning" else "p"))
    on_the_clock = 1 <= hour <= 12
    if int(match["minute"] or 0) > 59 or hour > 23 or ((half or match["from_hour"]) and not on_the_clock):
        raise _no_time()
    # With its minutes, or two digits of the hour, it is read as the clock of the day shows it.
    is_of_the_day = match["minute"] or match["hour"].startswith("0")
    if half:
        minutes = minutes % 720 + 720 * (half == "p")
    elif on_the_clock and not is_of_the_day:
        shown = f"{(minutes // 60 - 1) % 12 + 1}" + (f":{minutes % 60}" if minutes % 60 else "")
        raise forms.ValidationError(f"Say whether it is {shown}am or {shown}pm")
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _no_time() -> forms.ValidationError:
    return forms.ValidationError("Enter a time of day in hours and minutes, as 14:30")


def time_in_words(at: datetime) -> str:
    """The time of day in London, as 16:50; with the day if that is not today."""
    at = timezone.localtime(at)
    on = "" if at.date() == timezone.localdate() else f" on {date_format(at, 'j F')}"
    return f"{time_format(at, 'H:i')}{on}"


def moment_of(day: str | None, time: str) -> datetime | None:
    """
    A day and a time of day as a moment in London; None if it is not a real one.

    :param day: in ISO 8601, as `DatePartsField` gives it.
    :param time: with seconds, as 14:30:00.
    """
    try:
        return datetime.strptime(f"{day} {time}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=LONDON)
    except ValueError:
        return None


class _Empty(list[Any]):
    """What counts as an empty text: also characters that nobody sees, as the documents of partners are read."""

    def __contains__(self, value: object) -> bool:
        return super().__contains__(value) or (isinstance(value, str) and not in_one_line(value))


class Form(forms.Form):
    """A form in the look of the design system."""

    default_renderer = GovukRenderer
    # The browser's own bubbles cannot be styled, translated or read by everybody: our summary says it all at once.
    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.CharField):
                field.empty_values = _Empty(field.empty_values)
            if isinstance(field.widget, Checkbox):
                field.widget.label = str(field.label)
