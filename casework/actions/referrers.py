"""Records of what was said to a referrer by telephone or letter, and of what a referrer confirmed in writing."""

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


@transaction.atomic
def acknowledge(*, contact_id: int, by: User, now: datetime) -> Contact:
    """Records that the referrer was told, by telephone or letter, that the contact was received."""
    contact = Contact.objects.visible_to(by, local_day(now)).locked().get(pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    conditions.check_not_acknowledged(contact)
    contact.acknowledged_at = now
    contact.save(update_fields=["acknowledged_at"])
    clocks.stop(contact, "acknowledge_referrer", at=now)
    audit.record(Event.REFERRER_ACKNOWLEDGED, by=by, at=now, contact=contact)
    return contact


@transaction.atomic
def give_feedback(*, contact_id: int, by: User, now: datetime) -> Contact:
    """Records that the referrer was told the decision by telephone or letter."""
    contact = Contact.objects.visible_to(by, local_day(now)).locked().get(pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    conditions.check_awaits_feedback(contact)
    contact.feedback_given_at = now
    contact.save(update_fields=["feedback_given_at"])
    clocks.stop(contact, "feedback_to_referrer", at=now)
    audit.record(Event.FEEDBACK_GIVEN, by=by, at=now, contact=contact)
    return contact


@transaction.atomic
def confirm_in_writing(*, contact_id: int, by: User, now: datetime) -> Contact:
    """Records that the referrer has confirmed a telephone contact in writing."""
    contact = Contact.objects.visible_to(by, local_day(now)).locked().get(pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    conditions.check_awaits_written_confirmation(contact)
    contact.confirmed_in_writing_at = now
    contact.save(update_fields=["confirmed_in_writing_at"])
    clocks.stop(contact, "written_confirmation", at=now)
    audit.record(Event.CONFIRMED_IN_WRITING, by=by, at=now, contact=contact)
    return contact
