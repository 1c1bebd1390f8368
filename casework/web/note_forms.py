"""The forms of notes: writing one, and correcting it."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from casework.actions import notes
from casework.models import LONGEST_NOTE, ContactAdult, ContactChild, Note, NoteKind
from casework.web.forms import MomentForm, reason_field
from casework.web.rendering import Checkbox, Checkboxes, LongText, Radios, RecentDateField
from casework.web.typed import STOOD, filled_in
from errors import InvalidInput
from localities.working_time import LONDON

AT_NO_TIME = "00:00"


class _NoteForm(MomentForm):
    """
    A note, as it is written and corrected.

    :param children: the children whom it may be about.
    """

    moment_is = "happened_at"
    kind = forms.ChoiceField(label="What kind of note is this?", widget=Radios, required=False)
    text = forms.CharField(
        label="Note", required=False, widget=LongText(LONGEST_NOTE, rows=12),
        help_text="What was said and seen, what you think of it, and what comes next. The family may read it one day.",
    )  # fmt: skip
    on = RecentDateField(
        label="When did it happen? (optional)", help_text="For example, 27 11 2026. Leave it empty if it was just now."
    )
    child_ids = forms.MultipleChoiceField(label="Which children is it about? (optional)", widget=Checkboxes,
                                          required=False)  # fmt: skip
    adult_ids = forms.MultipleChoiceField(label="Which adults is it about? (optional)", widget=Checkboxes,
                                          required=False)  # fmt: skip
    field_order = ("was_wrong", "kind", "text", "on", "time", "child_ids", "adult_ids", "readers")

    def __init__(
        self,
        children: Iterable[ContactChild],
        adults: Iterable[ContactAdult],
        kinds: Iterable[NoteKind],
        data: QueryDict | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data, prefix="note", **kwargs)
        self._choices("kind", [(kind.value, kind.label) for kind in kinds])
        self.fields["time"].label = "At what time? (optional)"
        for name, people in (("child_ids", list(children)), ("adult_ids", list(adults))):
            if people:
                self._choices(name, [(each.pk, each.called) for each in people])
            else:
                del self.fields[name]

    def _choices(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        field.error_messages["invalid_choice"] = "Select one of these"

    def clean(self) -> None:
        said = self.cleaned_data
        if said.get("time") and not said.get("on") and not self.has_error("on"):
            self.add_error("on", "Enter the day as well")
        elif said.get("on") and self.moment() is None and not self.has_error("time"):
            self.add_error("on", "Enter a real day")
        if self.errors:
            # The action is not asked, which would say what else is missing.
            self._add_faults_of_words()

    def _add_faults_of_words(self) -> None:
        words = {name: self.cleaned_data.get(name, "") for name in ("kind", "text", "was_wrong") if name in self.fields}
        faults = notes.faults_of_words(**words)
        self.add_faults(InvalidInput([fault for fault in faults if not self.has_error(str(fault.path[0]))]))

    def add_faults(self, invalid: InvalidInput) -> None:
        for fault in invalid.faults:
            name = "on" if fault.path == (self.moment_is,) else str(fault.path[0])
            self.add_error(name if name in self.fields else None, fault.message)

    def of_action(self) -> dict[str, Any]:
        """What both actions want of it."""
        said = self.cleaned_data
        return {
            "kind": said["kind"],
            "text": said["text"],
            "happened_at": self.moment(),
            "child_ids": [int(pk) for pk in said.get("child_ids", ())],
            "adult_ids": [int(pk) for pk in said.get("adult_ids", ())],
        }


class WriteNoteForm(_NoteForm):
    """Write a note."""

    readers = forms.BooleanField(
        label="", required=False, widget=Checkbox,
        help_text="For what somebody said in confidence, or what is about a member of staff. Others who may open the "
                  "record see that there is a note, and not what it says.",
    )  # fmt: skip

    def __init__(self, *args: Any, team: str, **kwargs: Any) -> None:
        """:param team: to whom the note may be kept; empty if the writer is in no team."""
        super().__init__(*args, **kwargs)
        if team:
            field = self.fields["readers"]
            assert isinstance(field.widget, Checkbox)
            field.widget.label = f"Only {team}, and those who oversee practice, may read this"
        else:
            del self.fields["readers"]


class CorrectNoteForm(_NoteForm):
    """Correct a note. It is filled in with the note as it stands."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)
    stood = forms.CharField(widget=forms.HiddenInput, required=False)
    was_wrong = reason_field("What was wrong, and how do you know?", "It stands beside the note, with your name.")

    def __init__(self, note: Note, *args: Any, **kwargs: Any) -> None:
        happened = note.happened_at and timezone.localtime(note.happened_at, LONDON)
        time = f"{happened:%H:%M}" if happened else ""
        initial = {
            "seen": note.edition,
            "kind": note.kind,
            "text": note.text,
            "on": f"{happened:%Y-%m-%d}" if happened else None,
            "time": "" if time == AT_NO_TIME else time,
            "child_ids": note.child_ids,
            "adult_ids": note.adult_ids,
        }
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["on"].help_text = "For example, 27 11 2026. Empty means when the note was written."
        typed = {name: value for name, value in initial.items() if name in self.fields}
        self.initial[STOOD] = filled_in(self.fields, typed)
