"""Conflicts of interest: a member of staff declares one, or a manager for them. They lose sight of the record."""

from datetime import datetime

from django.db import transaction

from casework.access import conditions, permissions, restricted
from casework.access.loading import locked_case, locked_contact
from casework.models import Case, ConflictOfInterest, ConflictPerson, Contact, Event
from casework.record import audit
from errors import Fault, InvalidInput, NotPermitted
from localities.models import Membership, User
from localities.working_time import local_day


@transaction.atomic
def declare_in_contact(
    *, contact_id: int, reason: str, by: User, now: datetime, user_id: int | None = None
) -> ConflictOfInterest:
    """
    Declares a conflict of interest in the people on a contact. The user with the conflict no longer sees their records.

    :param user_id: the colleague whose conflict it is; None for one's own.
    :raises InvalidInput: the reason is missing, nobody who works here has this id, or the colleague has one already.
    :raises NotPermitted: it is a colleague's, and `by` may not decide who opens a record.
    """
    return _declare(locked_contact(by, now, pk=contact_id), reason, user_id, by, now)


@transaction.atomic
def declare_in_case(
    *, case_id: int, reason: str, by: User, now: datetime, user_id: int | None = None
) -> ConflictOfInterest:
    """
    Declares a conflict of interest in the people of a case. The user with the conflict no longer sees their records.

    :param user_id: the colleague whose conflict it is; None for one's own.
    :raises InvalidInput: the reason is missing, nobody who works here has this id, or the colleague has one already.
    :raises NotPermitted: it is a colleague's, and `by` may not decide who opens a record.
    """
    return _declare(locked_case(by, now, pk=case_id), reason, user_id, by, now)


@transaction.atomic
def end_conflict(*, conflict_id: int, reason: str, by: User, now: datetime) -> ConflictOfInterest:
    """
    Ends a colleague's conflict of interest: the colleague sees the records again.

    :raises InvalidInput: the reason is missing.
    :raises NotPermitted: it is their own.
    """
    conflict = ConflictOfInterest.objects.select_for_update(of=("self",), no_key=True).get(pk=conflict_id)
    permissions.check_can_restrict(by, local_day(now))
    if by.pk == conflict.user_id:
        raise NotPermitted("This is your own conflict of interest. Another person must end it.")
    if restricted.has_conflict(by, conflict.people.people()):
        raise ConflictOfInterest.DoesNotExist
    conditions.check_has_not_ended(conflict)
    if not reason.strip():
        raise InvalidInput([Fault(("reason",), "Enter why there is no conflict of interest any more")])
    conflict.ended_at, conflict.ended_by, conflict.end_reason = now, by, reason.strip()
    conflict.save(update_fields=["ended_at", "ended_by", "end_reason"])
    audit.record(
        Event.CONFLICT_ENDED, by=by, at=now, contact=conflict.contact, case=conflict.case,
        conflict=conflict.pk, user=conflict.user_id,
    )  # fmt: skip
    return conflict


def _declare(record: Contact | Case, reason: str, user_id: int | None, by: User, now: datetime) -> ConflictOfInterest:
    user = by
    faults = []
    if user_id is not None and user_id != by.pk:
        permissions.check_can_restrict(by, local_day(now))
        here = Membership.objects.current(local_day(now)).filter(user=user_id).select_related("user").first()
        if here is None:
            faults.append(Fault(("user",), "Select somebody who works here"))
        user = here.user if here is not None else by
    contact, case = (record, None) if isinstance(record, Contact) else (None, record)
    # A user with a conflict cannot see the record, so cannot declare it twice.
    if ConflictOfInterest.objects.filter(user=user, contact=contact, case=case, ended_at__isnull=True).exists():
        faults.append(Fault(("user",), f"{user}'s conflict of interest is declared already."))
    if not reason.strip():
        faults.append(Fault(("reason",), "Enter what the conflict of interest is"))
    if faults:
        raise InvalidInput(faults)
    conflict = ConflictOfInterest.objects.create(
        user=user, contact=contact, case=case, reason=reason.strip(), declared_at=now, declared_by=by
    )
    people = sorted(person_id for (person_id,) in restricted.records_on(record).values_list("of"))
    ConflictPerson.objects.bulk_create(ConflictPerson(conflict=conflict, person_id=person_id) for person_id in people)
    audit.record(Event.CONFLICT_DECLARED, by=by, at=now, contact=contact, case=case, conflict=conflict.pk, user=user.pk)
    return conflict
