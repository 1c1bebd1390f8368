"""Absences: somebody is away for some days, and another covers for them."""

from collections.abc import Collection
from datetime import date, datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from casework.access import conditions, permissions
from casework.messages import outbox
from casework.models import Absence, Event, Message
from casework.record import audit
from errors import Fault, InvalidInput
from localities.models import Membership, User
from localities.working_time import local_day


@transaction.atomic
def record(
    *,
    person_id: int | None,
    first_day: date | None,
    last_day: date | None,
    covered_by_id: int | None,
    by: User,
    now: datetime,
) -> Absence:
    """
    Records that somebody is away from a day to a day (both included), and who covers. It does not ask why.

    :param covered_by_id: None if nobody covers yet: then whoever leads the team sees to the work.
    :raises InvalidInput: with every fault, by field.
    :raises NotPermitted: `by` is neither this person nor leads a team of theirs, nor is a service manager.
    """
    # Locked, because absences of one person do not overlap.
    person = User.objects.select_for_update(no_key=True).filter(pk=person_id or 0, is_active=True).first()
    if person is None:
        raise InvalidInput([Fault(("person",), "Select who is away")])
    permissions.check_can_record_absence(person, by, local_day(now))
    absence = Absence(person=person, recorded_by=by, recorded_at=now)
    _say(absence, first_day, last_day, covered_by_id, now)
    absence.save()
    _tell(absence, Event.ABSENCE_RECORDED, by, now)
    return absence


@transaction.atomic
def change(*, absence_id: int, last_day: date | None, covered_by_id: int | None, by: User, now: datetime) -> Absence:
    """
    Changes the last day of an absence, or who covers.

    :raises InvalidInput: with every fault, by field.
    :raises NotPermitted: `by` is neither this person nor leads a team of theirs, nor is a service manager.
    :raises NotAllowedInStatus: it was withdrawn.
    """
    absence = _load(absence_id, by, now)
    covered_by = absence.covered_by_id
    _say(absence, absence.first_day, last_day, covered_by_id, now)
    absence.save(update_fields=["last_day", "covered_by"])
    _tell(absence, Event.ABSENCE_CHANGED, by, now, tell_cover=absence.covered_by_id != covered_by)
    return absence


@transaction.atomic
def withdraw(*, absence_id: int, by: User, now: datetime) -> Absence:
    """
    Withdraws an absence: the person is not away after all.

    :raises NotPermitted: `by` is neither this person nor leads a team of theirs, nor is a service manager.
    :raises NotAllowedInStatus: it was withdrawn already.
    """
    absence = _load(absence_id, by, now)
    absence.withdrawn_at, absence.withdrawn_by = now, by
    absence.save(update_fields=["withdrawn_at", "withdrawn_by"])
    _tell(absence, Event.ABSENCE_WITHDRAWN, by, now, tell_cover=False)
    return absence


def who_can_cover(people: Collection[User], on: date) -> QuerySet[User]:
    """
    The colleagues who can cover for one of these people: those of a team of theirs, or with a role of theirs in the
    service.
    """
    others = Membership.objects.current(on).filter(user__in=people).exclude(user=OuterRef("user"))
    in_a_team = Exists(others.filter(team=OuterRef("team")))
    in_the_service = Q(team__isnull=True) & Exists(others.filter(team__isnull=True, role=OuterRef("role")))
    with_them = Membership.objects.current(on).filter(in_a_team | in_the_service, user=OuterRef("pk"))
    return User.objects.filter(Exists(with_them)).order_by("name")


def _load(absence_id: int, by: User, now: datetime) -> Absence:
    person = User.objects.select_for_update(no_key=True).filter(absences=absence_id).first()
    if person is None:
        raise Absence.DoesNotExist("There is no such absence.")
    permissions.check_can_record_absence(person, by, local_day(now))
    absence = Absence.objects.select_related("covered_by").get(pk=absence_id)
    absence.person = person
    conditions.check_is_not_withdrawn(absence)
    return absence


def _say(
    absence: Absence, first_day: date | None, last_day: date | None, covered_by_id: int | None, now: datetime
) -> None:
    """
    Says when somebody is away, and who covers.

    :raises InvalidInput: with every fault, by field.
    """
    if first_day is None or last_day is None:
        missing = (("first_day", first_day, "first"), ("last_day", last_day, "last"))
        raise InvalidInput(Fault((name,), f"Enter the {which} day away") for name, day, which in missing if day is None)
    faults = []
    others = Absence.objects.standing().exclude(pk=absence.pk)
    during = others.filter(first_day__lte=last_day, last_day__gte=first_day)
    if last_day < first_day:
        faults.append(Fault(("last_day",), "The last day away must be the first day or later"))
    elif last_day < local_day(now):
        faults.append(Fault(("last_day",), "The last day away must be today or later"))
    elif (other := during.filter(person=absence.person).first()) is not None:
        says = f"{absence.person} is away from {other.first_day:%-d %B} to {other.last_day:%-d %B} already"
        faults.append(Fault(("first_day",), f"{says}: change that absence"))
    cover = who_can_cover([absence.person], local_day(now)).filter(pk=covered_by_id or 0).first()
    if covered_by_id is not None and cover is None:
        faults.append(Fault(("covered_by",), "Select a colleague of the same team"))
    elif cover is not None and during.filter(person=cover).exists():
        faults.append(Fault(("covered_by",), f"{cover} is away then, too: select somebody else"))
    if faults:
        raise InvalidInput(faults)
    absence.first_day, absence.last_day, absence.covered_by = first_day, last_day, cover


def _tell(absence: Absence, event: Event, by: User, now: datetime, *, tell_cover: bool = True) -> None:
    """Writes the audit event, and tells who covers."""
    audit.record(
        event, by=by, at=now, absence=absence.pk, person=absence.person_id, first_day=absence.first_day.isoformat(),
        last_day=absence.last_day.isoformat(), covered_by=absence.covered_by_id,
    )  # fmt: skip
    if tell_cover and absence.covered_by is not None and absence.covered_by != by:
        key = f"cover_named:{absence.pk}:{absence.covered_by_id}:{now.isoformat()}"
        outbox.add(Message.COVER_NAMED, to=absence.covered_by.email, key=key, at=now)
