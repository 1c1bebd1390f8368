"""The rota: who is on duty when. Managers type a week at once."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import QuerySet

from casework.access import permissions
from casework.models import Duty, DutyRole, Event
from casework.record import audit
from errors import Fault, InvalidInput, TakenBySomeoneElse
from localities.models import FRONT_DOOR_KINDS, Membership, User
from localities.working_time import LONDON, at, begin_of_day, local_day

# The key of the advisory lock on the rota. deadlines/clocks.py and triage/published_rules.py have others.
ROTA = 7_003
A_WEEK = timedelta(days=7)


class Entry(NamedTuple):
    """
    A line of a week's rota as it was typed. `place` leads to it in the form.

    :param until: a time of day; one that is not later than `since` is on the next day.
    """

    place: str
    day: date
    person_id: int | None
    role: str
    since: time | None
    until: time | None


@transaction.atomic
def set_week(*, monday: date, entries: Collection[Entry], seen: str, by: User, now: datetime) -> list[Duty]:
    """
    Sets the rota of a week: the duties that begin in it become these. Gaps are warned of on the page, and not refused.

    :param monday: the first day of the week.
    :param seen: the `version_of` the week that `by` changed.
    :raises InvalidInput: with every fault, by field.
    :raises NotPermitted: `by` is neither a front-door manager nor a service manager.
    :raises TakenBySomeoneElse: somebody else has changed the week since.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ROTA])
    permissions.check_can_type_rota(by, local_day(now))
    before = {_key(each): each for each in of_week(monday)}
    wanted = {_key(each): each for each in _read(monday, entries)}
    if before.keys() == wanted.keys():
        # Sent twice.
        return [*before.values()]
    if version_of(before.values()) != seen:
        raise TakenBySomeoneElse("Somebody else has changed the rota of this week. Look at it, and enter yours again.")
    removed, added = before.keys() - wanted.keys(), wanted.keys() - before.keys()
    Duty.objects.filter(pk__in=[before[key].pk for key in removed]).delete()
    _check_apart(monday, wanted.values())
    Duty.objects.bulk_create(wanted[key] for key in sorted(added))
    audit.record(
        Event.ROTA_CHANGED, by=by, at=now, week=monday.isoformat(), added=[_said(key) for key in sorted(added)],
        removed=[_said(key) for key in sorted(removed)],
    )  # fmt: skip
    return [*of_week(monday)]


def of_week(monday: date) -> QuerySet[Duty]:
    """The duties that begin in this week."""
    begin = Duty.objects.filter(starts_at__gte=begin_of_day(monday), starts_at__lt=begin_of_day(monday + A_WEEK))
    return begin.select_related("person").order_by("starts_at", "role", "pk")


def later_by_days(moment: datetime, days: int) -> datetime:
    """The same local time so many days later."""
    here = moment.astimezone(LONDON)
    return at(here.date() + timedelta(days=days), here.time())


def version_of(duties: Collection[Duty]) -> str:
    """Tells one state of a week from another."""
    return sha256(repr(sorted(_key(each) for each in duties)).encode()).hexdigest()[:16]


def can_be_on_duty(on: date) -> QuerySet[User]:
    """Who works at the front door or on emergency duty, by name."""
    working = Membership.objects.current(on).filter(team__kind__in=FRONT_DOOR_KINDS).order_by().values("user")
    return User.objects.filter(pk__in=working).order_by("name")


def missing(entry: Entry, people: Collection[int]) -> list[Fault]:
    """
    What a line of the rota lacks.

    :param people: the ids of those who can be on duty.
    """
    return [
        Fault((f"{entry.place}-{name}",), f"{says}, {entry.day:%A %-d %B}")
        for name, is_right, says in (
            ("person", entry.person_id in people, "Select who is on duty"),
            ("role", entry.role in DutyRole.values, "Select what they do"),
            ("since", entry.since is not None, "Enter when the duty begins"),
            ("until", entry.until is not None, "Enter when the duty ends"),
        )
        if not is_right
    ]


def _key(duty: Duty) -> tuple[datetime, datetime, str, int]:
    return duty.starts_at, duty.ends_at, duty.role, duty.person_id


def _said(key: tuple[datetime, datetime, str, int]) -> list[str | int]:
    starts_at, ends_at, role, person = key
    return [person, role, starts_at.isoformat(), ends_at.isoformat()]


def _read(monday: date, entries: Collection[Entry]) -> list[Duty]:
    """
    :raises InvalidInput: with every fault, by field.
    """
    faults: list[Fault] = []
    people = {
        user.pk: user for user in User.objects.filter(pk__in=[each.person_id for each in entries if each.person_id])
    }
    found: list[Duty] = []
    for entry in entries:
        where = f"{entry.day:%A %-d %B}"
        wrong = missing(entry, people)
        if not wrong and not monday <= entry.day < monday + A_WEEK:
            wrong = [Fault((f"{entry.place}-since",), f"{where} is not in this week")]
        faults += wrong
        if wrong or entry.since is None or entry.until is None or entry.person_id is None:
            continue
        until_day = entry.day if entry.until > entry.since else entry.day + timedelta(days=1)
        duty = Duty(
            person=people[entry.person_id], role=entry.role,
            starts_at=at(entry.day, entry.since), ends_at=at(until_day, entry.until),
        )  # fmt: skip
        if any(_are_at_once(other, duty) for other in found):
            faults.append(Fault((f"{entry.place}-person",), f"{duty.person} is on duty then already, {where}"))
        found.append(duty)
    if faults:
        raise InvalidInput(faults)
    return found


def _are_at_once(one: Duty, other: Duty) -> bool:
    """Whether somebody would be on duty twice in a role at some time."""
    is_same = (one.person_id, one.role) == (other.person_id, other.role)
    return is_same and one.starts_at < other.ends_at and other.starts_at < one.ends_at


def _check_apart(monday: date, duties: Collection[Duty]) -> None:
    """
    Checks them against the duties that begin in other weeks.

    :raises InvalidInput: somebody is on duty twice in a role.
    """
    if not duties:
        return
    begins, ends = min(each.starts_at for each in duties), max(each.ends_at for each in duties)
    others = Duty.objects.between(begins, ends).exclude(pk__in=of_week(monday).order_by().values("pk"))
    for other in others:
        for duty in duties:
            if _are_at_once(other, duty):
                on = f"{local_day(other.starts_at):%-d %B}"
                says = f"{duty.person} is on duty then already, by the rota of another week: {on}"
                raise InvalidInput([Fault((), says)])
