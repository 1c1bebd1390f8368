"""Records of what was said to a referrer by telephone or letter, and of what a referrer confirmed in writing."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from casework.access import conditions, permissions
from casework.deadlines import clocks
from casework.models import (
    Contact,
    Event,
)
from casework.record import audit
from localities.models import User
from localities.working_time import local_day


def acknowledge(*, contact_id: int, by: User, now: datetime) -> Contact:
    """Records that the referrer was told, by telephone or letter, that the contact was received."""
    return _record(
        contact_id, conditions.check_not_acknowledged, "acknowledged_at", "acknowledge_referrer",
        Event.REFERRER_ACKNOWLEDGED, by, now,
    )  # fmt: skip


def give_feedback(*, contact_id: int, by: User, now: datetime) -> Contact:
    """Records that the referrer was told the decision by telephone or letter."""
    return _record(
        contact_id, conditions.check_awaits_feedback, "feedback_given_at", "feedback_to_referrer",
        Event.FEEDBACK_GIVEN, by, now,
    )  # fmt: skip


def confirm_in_writing(*, contact_id: int, by: User, now: datetime) -> Contact:
    """Records that the referrer has confirmed a telephone contact in writing."""
    return _record(
        contact_id, conditions.check_awaits_written_confirmation, "confirmed_in_writing_at", "written_confirmation",
        Event.CONFIRMED_IN_WRITING, by, now,
    )  # fmt: skip


@transaction.atomic
def _record(
    contact_id: int,
    check_status: Callable[[Contact], None],
    field: str,
    kind: str,
    event: Event,
    by: User,
    now: datetime,
) -> Contact:
    """Writes the moment into a field of the contact, and stops the clock of this kind."""
    contact = Contact.objects.visible_to(by, now).locked().get(pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    check_status(contact)
    setattr(contact, field, now)
    contact.save(update_fields=[field])
    clocks.stop(contact, kind, at=now)
    audit.record(event, by=by, at=now, contact=contact)
    return contact
