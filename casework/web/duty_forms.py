"""The forms of the rota, a week at once, and of absences."""

from collections.abc import Collection, Iterator
from copy import deepcopy
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.http import QueryDict

from casework.actions.absences import who_can_cover
from casework.actions.duties import Entry, can_be_on_duty, missing
from casework.models import Absence, Duty, DutyRole
from casework.web.forms import ActionForm, choice_of
from casework.web.rendering import RecentDateField, Select, TextInput, read_time
from errors import InvalidInput
from localities.models import User
from localities.working_time import LONDON, local_day

# Empty lines for each day below those that are filled in; and as many lines as a day can have at all.
EMPTY_LINES, MOST_LINES = 2, 30
NAMES = ("person", "role", "since", "until")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Time(forms.CharField):
    """A time of day, as 17:30; None if nothing is typed."""

    def clean(self, value: Any) -> time | None:
        typed = read_time(super().clean(value))
        return time.fromisoformat(typed) if typed else None


class RotaLine(ActionForm):
    """The fields of a line of the rota. By these names what was typed is known as such: see `typed.py`."""

    person = forms.TypedChoiceField(label="Who", coerce=int, empty_value=None, required=False, widget=Select)
    role = forms.ChoiceField(label="Role", choices=[("", "Choose"), *DutyRole.choices], required=False, widget=Select)
    since = Time(label="From", required=False, widget=TextInput(5))
    until = Time(label="Until", required=False, widget=TextInput(5))


class RotaForm(ActionForm):
    """The rota of a week: for each day lines of who, what, from and until. A line of which nothing is typed is none."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(
        self, monday: date, duties: Collection[Duty], seen: str, today: date, data: QueryDict | None = None
    ) -> None:
        super().__init__(data, initial={"seen": seen})
        self.monday = monday
        self.people = [("", "Nobody"), *((user.pk, user.name) for user in can_be_on_duty(today))]
        known = {pk for pk, _ in self.people}
        # Who has left since stays on the lines that are there.
        self.people += [(each.person_id, each.person.name) for each in duties if each.person_id not in known]
        self.lines: list[list[str]] = [[] for _ in DAYS]
        for day, places in enumerate(self.lines):
            here = [each for each in duties if local_day(each.starts_at) == monday + timedelta(days=day)]
            self._add_lines(day, len(here) + EMPTY_LINES if data is None else _lines_in(data, day) or EMPTY_LINES)
            for place, duty in zip(places, here, strict=False):
                self._say(place, duty)

    def fill_in(self, typed: QueryDict) -> None:
        """As they were typed, with as many lines, and the state of the week that they were typed for."""
        for day in range(len(DAYS)):
            self._add_lines(day, _lines_in(typed, day))
        super().fill_in(typed)
        self.initial["seen"] = typed.get("seen", "")

    def _add_lines(self, day: int, number: int) -> None:
        """Until the day has so many."""
        for place in [f"{DAYS[day]}{each}" for each in range(len(self.lines[day]), number)]:
            self.lines[day].append(place)
            self.fields |= {f"{place}-{name}": deepcopy(field) for name, field in RotaLine.base_fields.items()}
            person = self.fields[f"{place}-person"]
            assert isinstance(person, forms.ChoiceField)
            person.choices = self.people

    def _say(self, place: str, duty: Duty) -> None:
        """The line says what is on the rota."""
        said = {
            "person": duty.person_id, "role": duty.role, "since": f"{duty.starts_at.astimezone(LONDON):%H:%M}",
            "until": f"{duty.ends_at.astimezone(LONDON):%H:%M}",
        }  # fmt: skip
        self.initial.update({f"{place}-{name}": value for name, value in said.items()})

    def days(self) -> Iterator[tuple[date, list[list[Any]]]]:
        """Each day with its lines, each of which has four fields."""
        for day, places in enumerate(self.lines):
            yield self.monday + timedelta(days=day), [[self[f"{place}-{name}"] for name in NAMES] for place in places]

    def clean(self) -> None:
        """
        A time that cannot be read is said with its day: the summary above has many lines. The action is not asked then,
        so what the lines lack is said with it.
        """
        for day, lines in self.days():
            for field in (field for line in lines for field in line if field.name in self.errors):
                faults = self.errors[field.name]
                faults.data = [forms.ValidationError(f"{says}, {day:%A %-d %B}") for says in faults]
        if self.errors:
            entries = self.entries()
            chosen = {entry.person_id for entry in entries if entry.person_id is not None}
            lacks = [fault for entry in entries for fault in missing(entry, chosen)]
            self.add_faults(InvalidInput([fault for fault in lacks if not self.has_error(str(fault.path[0]))]))

    def entries(self) -> list[Entry]:
        """The lines of which something is typed."""
        found = []
        for day, places in enumerate(self.lines):
            for place in places:
                person, role, since, until = (self.cleaned_data.get(f"{place}-{name}") for name in NAMES)
                if person is not None or since is not None or until is not None:
                    found.append(Entry(place, self.monday + timedelta(days=day), person, role or "", since, until))
        return found


def _lines_in(typed: QueryDict, day: int) -> int:
    return next((n for n in range(MOST_LINES, 0, -1) if f"{DAYS[day]}{n - 1}-person" in typed), 0)


class AbsenceForm(ActionForm):
    """Who is away from when to when, and who covers."""

    person = choice_of("Who is away?", User.objects.none(), else_says="Select who is away")
    first_day = RecentDateField(label="First day away")
    last_day = RecentDateField(label="Last day away")
    covered_by = choice_of(
        "Who covers?", User.objects.none(), "A colleague of the same team. They are told what comes in meanwhile.",
        else_says="Select a colleague of the same team",
    )  # fmt: skip

    def __init__(
        self, by: User, people: Collection[User], now: datetime, absence: Absence | None = None,
        data: QueryDict | None = None,
    ) -> None:  # fmt: skip
        initial: dict[str, Any] = {"person": by.pk}
        if absence is not None:
            initial = {"last_day": absence.last_day.isoformat(), "covered_by": absence.covered_by_id}
        super().__init__(data, initial=initial)
        cover = self.fields["covered_by"]
        assert isinstance(cover, forms.ModelChoiceField)
        cover.empty_label = "Nobody yet"
        cover.queryset = who_can_cover(people if absence is None else [absence.person], local_day(now))
        if absence is not None:
            del self.fields["person"], self.fields["first_day"]
            return
        person = self.fields["person"]
        assert isinstance(person, forms.ModelChoiceField)
        person.queryset = User.objects.filter(pk__in=[each.pk for each in people]).order_by("name")

    def day(self, name: str) -> date | None:
        """A day that was typed; None if it is missing, or is no real one."""
        try:
            return date.fromisoformat(self.cleaned_data.get(name) or "")
        except ValueError:
            return None
