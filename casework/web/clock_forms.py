"""The forms for pausing, resuming and extending clocks, on the pages of contacts and cases."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django import forms
from django.utils.text import capfirst

from casework.access import conditions, permissions
from casework.deadlines.clocks import AGREEMENT_SOUGHT
from casework.deadlines.titles import title_of
from casework.models import Clock, Contact
from casework.web.forms import ActionForm, MomentForm, reason_field
from casework.web.rendering import DatePartsField, Select, TextInput
from errors import ServiceError
from localities.models import User
from localities.working_time import local_day


class ClockForm(ActionForm):
    """
    A clock and a reason. The form itself checks for a missing reason: without a clock, no action runs that could check
    it, and every fault is shown at once.
    """

    clock = forms.TypedChoiceField(
        label="Which deadline?", widget=Select, coerce=int,
        error_messages={"required": "Select a deadline", "invalid_choice": "Select a deadline of this page"},
    )  # fmt: skip

    def __init__(self, clocks: Iterable[Clock], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer(clocks)

    def offer(self, clocks: Iterable[Clock]) -> None:
        """Sets the clocks to choose from."""
        field = self.fields["clock"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Choose"), *((str(clock.pk), capfirst(title_of(clock.kind))) for clock in clocks)]


class PauseForm(ClockForm):
    """Pause a clock: nobody is reminded of it until the family has answered."""

    reason = reason_field("Why is the deadline paused?", missing="Enter why the deadline is paused")


class ResumeForm(ClockForm):
    """Resume a paused clock before the family has answered."""

    reason = reason_field("Why is the deadline resumed?", missing="Enter why the deadline is resumed")


class ExtendForm(ClockForm, MomentForm):
    """Give a clock a later due time."""

    on = DatePartsField(label="Until which day?")
    time = forms.CharField(
        label="Until what time?", required=False, widget=TextInput(5),
        help_text="For example, 14:30. Left empty, it is the end of the day.",
    )  # fmt: skip
    reason = reason_field(
        "Why is more time needed?", "And how the children are safe until then.",
        missing="Enter why more time is needed, and how the children are safe until then",
    )  # fmt: skip
    moment_is = "to"
    without_time = "23:59:59"

    field_order = ("clock", "on", "time", "reason")

    def clean(self) -> None:
        super().clean()
        if "on" in self.cleaned_data and self.moment() is None:
            self.add_error("on", "Enter until when")


def clock_forms(
    clocks: list[Clock], contact: Contact | None, team_id: int | None, user: User, now: datetime, shown: dict[str, Any]
) -> dict[str, Any]:
    """
    The forms for the changes that this user may make to these clocks. May be empty.

    :param clocks: with their policies.
    :param contact: the page's contact, if it is about one.
    :param team_id: the responsible team; None if no team is responsible any more.
    :param shown: forms that had faults, by their names.
    """
    running = [clock for clock in clocks if clock.stopped_at is None]
    found: dict[str, Any] = {}
    if contact is not None and permissions.allows(permissions.check_can_work_on, contact, user, local_day(now)):
        paused = [clock for clock in running if clock.paused_at is not None]
        is_sought = any(clock.kind == AGREEMENT_SOUGHT and clock.contact_id == contact.pk for clock in running)
        check = partial(conditions.check_can_pause, contact=contact, is_sought=is_sought, now=now)
        may_pause = [clock for clock in running if _passes(check, clock)]
        found["pause"] = _form("pause", PauseForm, may_pause, shown)
        found["resume"] = _form("resume", ResumeForm, paused, shown)
    if team_id is not None:
        may_extend = [
            clock
            for clock in running
            if _passes(conditions.check_can_extend, clock)
            and permissions.allows(permissions.check_can_extend, clock, team_id, user, local_day(now))
        ]
        found["extend"] = _form("extend", ExtendForm, may_extend, shown)
    return found


def _form(name: str, kind: type[ClockForm], clocks: list[Clock], shown: dict[str, Any]) -> ClockForm | None:
    """The form that was sent, or a new one; None if there is no clock to choose."""
    form: ClockForm | None = shown.get(name)
    if form is None:
        return kind(clocks, prefix=name) if clocks else None
    form.offer(clocks)
    return form


def _passes(check: Callable[..., None], *args: Any) -> bool:
    try:
        check(*args)
    except ServiceError:
        return False
    return True
