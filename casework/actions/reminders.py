"""
Seeing and snoozing reminders. Nobody marks a reminder as done: its clock stops when the work is done.
"""

from datetime import datetime, timedelta

from django.db import transaction

from casework.deadlines import recipients
from casework.models import Case, Contact, Event, Reminder, ReminderLook
from casework.models.prepared import Call, Prepared
from casework.record import audit
from errors import Fault, InvalidInput, NotAllowedInStatus
from localities import calendar
from localities.models import User
from localities.working_time import begin_of_day, local_day

# How long a reminder can be snoozed. For more time, the clock must be extended.
HOURS = {"hour": timedelta(hours=1), "half_day": timedelta(hours=4)}
NEXT_WORKING_DAY = "next_working_day"
SEE_ABOUT = Prepared(
    "see_reminders_about",
    f"""
INSERT INTO casework_reminderlook (reminder_id, user_id, at, reason)
SELECT unseen.id, %(user)s, %(now)s::timestamptz, '' FROM ({recipients.UNSEEN_ABOUT}) unseen
ON CONFLICT DO NOTHING
""",  # noqa: S608  # our own constants
)


def see(*, reminder_id: int, by: User, now: datetime) -> Reminder:
    """
    Records that somebody has seen a reminder for them. Only the first time is stored.

    :raises Reminder.DoesNotExist: the reminder is for somebody else.
    """
    reminder = recipients.reminders_of(by, now).get(pk=reminder_id)
    _see([reminder.pk], by, now)
    return reminder


def seeing_about(subject: Contact | Case, *, by: User, now: datetime) -> Call:
    """
    The statement that records that somebody has seen all reminders about a contact or case, because they have opened
    its page.

    :param subject: a record that the user may open.
    """
    contact, case = (subject.pk, None) if isinstance(subject, Contact) else (None, subject.pk)
    return SEE_ABOUT(user=by.pk, today=local_day(now), now=now, contact=contact, case=case)


def _see(reminder_ids: list[int], by: User, now: datetime) -> None:
    ReminderLook.objects.bulk_create(
        (ReminderLook(reminder_id=reminder_id, user=by, at=now) for reminder_id in reminder_ids),
        ignore_conflicts=True,
    )


@transaction.atomic
def snooze(*, reminder_id: int, until: str, reason: str, by: User, now: datetime) -> ReminderLook:
    """
    Removes a reminder from one's own list for a while. Others still see it, its clock runs on, and its next step comes
    in time.

    :param until: `hour`, `half_day` or `next_working_day` (when the hub opens).
    :raises InvalidInput: with every fault, by field.
    :raises Reminder.DoesNotExist: the reminder is for somebody else.
    :raises NotAllowedInStatus: its clock has stopped.
    """
    about = [f"clock__{name}" for name in ("contact", "case", "handoff__case", "partner_check__contact")]
    reminder = recipients.reminders_of(by, now).select_related(*about).get(pk=reminder_id)
    clock = reminder.clock
    if clock.stopped_at is not None:
        raise NotAllowedInStatus("This deadline is met already: there is nothing to put off.")
    faults = []
    if until not in {*HOURS, NEXT_WORKING_DAY}:
        faults.append(Fault(("until",), "Select until when"))
    if not reason.strip():
        faults.append(Fault(("reason",), "Enter why it can wait until then"))
    if faults:
        raise InvalidInput(faults)
    _see([reminder.pk], by, now)
    look = ReminderLook.objects.create(
        reminder=reminder, user=by, at=now, snoozed_until=_moment(until, now), reason=reason.strip()
    )
    audit.record(
        Event.REMINDER_SNOOZED, by=by, at=now, handoff=clock.handoff,
        contact=clock.partner_check.contact if clock.partner_check else clock.contact,
        case=clock.handoff.case if clock.handoff else clock.case,
        clock=clock.pk, step=reminder.step, until=look.snoozed_until and look.snoozed_until.isoformat(),
    )  # fmt: skip
    return look


def _moment(until: str, now: datetime) -> datetime:
    if until in HOURS:
        return now + HOURS[until]
    return calendar.current().counted_start(begin_of_day(local_day(now) + timedelta(days=1)), local=True)
