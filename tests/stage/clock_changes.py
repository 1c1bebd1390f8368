"""Clocks that are paused, go on and are given more time, as people do it; and what is seen of it."""

from datetime import datetime
from typing import Any

import pytest

from casework.actions import clock_changes, learning
from casework.models import Clock, Contact
from errors import InvalidInput
from localities.working_time import local_day
from tests.stage.documents import child
from tests.stage.story import person

NOT_ASKED: dict[str, Any] = {"agreement": {"service": "not_sought"}}
HARM: dict[str, Any] = {"children": [child(indicators=["L4-01"])]}
WHY = "The mother is at her sister's until Monday; the school sees the child every day."


def contact_of(clock: Clock) -> Contact:
    assert clock.contact is not None
    return Contact.objects.get(pk=clock.contact.pk)


def pause(clock: Clock, at: datetime, by: str = "oliver", reason: str = "Amina rings the mother.") -> Clock:
    return clock_changes.pause(clock_id=clock.pk, reason=reason, by=person(by), now=at)


def goes_on(clock: Clock, at: datetime, by: str = "oliver", reason: str = "The mother does not answer.") -> Clock:
    return clock_changes.resume(clock_id=clock.pk, reason=reason, by=person(by), now=at)


def extend(clock: Clock, to: datetime | None, at: datetime, by: str = "maya", reason: str = WHY) -> Clock:
    return clock_changes.extend(clock_id=clock.pk, to=to, reason=reason, by=person(by), now=at)


def answers(clock: Clock, at: datetime, service: str = "given") -> None:
    """The family says what it wants, and Amina writes it down."""
    learning.record_agreement(
        contact_id=contact_of(clock).pk, service=service, given_by="mother", on=local_day(at), by=person("amina"),
        now=at,
    )  # fmt: skip


def again(clock: Clock) -> Clock:
    """As it stands now."""
    return Clock.objects.select_related("policy").get(pk=clock.pk)


def steps(clock: Clock) -> list[str]:
    """What was said about a clock, in this order."""
    return list(clock.reminders.order_by("pk").values_list("step", flat=True))


def faults(excinfo: pytest.ExceptionInfo[InvalidInput]) -> dict[str, str]:
    return {fault.place: fault.message for fault in excinfo.value.faults}
