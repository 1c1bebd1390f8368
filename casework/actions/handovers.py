"""
Between emergency duty and the day team: a contact that waits passes from the one to the other, and a named person takes
it on. When the hub opens the service passes by itself what is left of the night: nobody has to remember it.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Greatest

from casework import audit, clocks, outbox, permissions, policies
from casework.audit import Actor
from casework.models import ClockEnd, Contact, ContactHandover, Event, Message
from casework.statuses import ContactStatus
from localities import calendar
from localities.models import Team, TeamKind, User
from localities.working_time import at, local_day
from triage.documents import Fault, InvalidDocument

CLOCK = "contact_taken_on"
OTHER = {TeamKind.EMERGENCY_DUTY: TeamKind.FRONT_DOOR, TeamKind.FRONT_DOOR: TeamKind.EMERGENCY_DUTY}


@transaction.atomic
def hand_over(*, contact_id: int, note: str, by: User, now: datetime) -> ContactHandover:
    """
    Pass a contact that waits from emergency duty to the day team, or the other way before the hub closes.

    :param note: what the next team must know beyond the record.
    :raises InvalidDocument: the note is missing, or there is no such team.
    :raises NotPermitted: `by` does not work in the team that has the contact.
    :raises NotAllowedInStatus: it is decided, waits for a second person, or was passed already.
    """
    contact = Contact.objects.visible_to(by, local_day(now)).locked().get(pk=contact_id)
    policies.check_waits_for_decision(contact)
    policies.check_nothing_handed_over(contact)
    permissions.check_can_hand_over(contact, by, local_day(now))
    to_team = _the_other(contact.team)
    faults = []
    if to_team is None:
        faults.append(Fault((), "There is no team to pass it to: no such team takes work."))
    if not note.strip():
        faults.append(Fault(("note",), "Write what the next team must know: what was done, what comes next, by when."))
    if faults or to_team is None:
        raise InvalidDocument(faults)
    return _pass(contact, to_team, note.strip(), by, now)


def pass_at_opening(*, now: datetime) -> int:
    """
    While the hub is open, pass to the day team whatever waits with emergency duty since before it opened. Safe to run
    twice, and at the same time as itself.

    :returns: how many contacts were passed.
    """
    working_time = calendar.current()
    if not working_time.is_open(now):
        return 0
    today = local_day(now)
    opened_at = at(today, working_time.hours[today.weekday()].opens)
    passed = 0
    for contact_id in _left_by_the_night(opened_at).order_by("received_at").values_list("pk", flat=True):
        passed += _pass_one(contact_id, opened_at, now)
    return passed


def _left_by_the_night(opened_at: datetime) -> QuerySet[Contact]:
    """What waits with emergency duty. What the day team passed there since the hub opened is for the night to come."""
    for_tonight = ContactHandover.objects.filter(
        contact=OuterRef("pk"), to_team__kind=TeamKind.EMERGENCY_DUTY, passed_at__gte=opened_at
    )
    return (
        Contact.objects.filter(team__kind=TeamKind.EMERGENCY_DUTY)
        .exclude(status=ContactStatus.DECIDED)
        .exclude(Exists(for_tonight))
    )


@transaction.atomic
def _pass_one(contact_id: int, opened_at: datetime, now: datetime) -> bool:
    """Pass a contact, unless somebody works on it at this very moment: then the next time."""
    waits = _left_by_the_night(opened_at).select_for_update(of=("self",), no_key=True, skip_locked=True)
    contact = waits.select_related("team").filter(pk=contact_id).first()
    to_team = None if contact is None else _the_other(contact.team)
    if contact is None or to_team is None:
        return False
    # The night should have taken it on and did not: its clock said so.
    if contact.handovers.open().update(lapsed_at=now):
        clocks.stop(contact, CLOCK, at=now, ended=ClockEnd.OVERTAKEN)
    _pass(contact, to_team, "", audit.SYSTEM, now)
    return True


@transaction.atomic
def take_on(*, contact_id: int, by: User, now: datetime) -> Contact:
    """
    Take on, under one's own name, a contact that was passed to the team.

    :raises NotPermitted: `by` does not work in that team.
    :raises NotAllowedInStatus: somebody has taken it on already.
    """
    contact = Contact.objects.visible_to(by, local_day(now)).locked().get(pk=contact_id)
    policies.check_waits_to_be_taken_on(contact)
    permissions.check_can_take_on(contact, by, local_day(now))
    end(contact, by=by, now=now)
    return contact


def end(contact: Contact, *, by: User, now: datetime) -> None:
    """Whoever takes a contact on, or decides on it, has it: for an action that holds the contact's lock."""
    # Whoever decides may have begun a moment before the service passed it on.
    taken_on_at = Greatest(F("passed_at"), Value(now))
    if contact.handovers.open().update(taken_on_at=taken_on_at, taken_on_by=by):
        clocks.stop(contact, CLOCK, at=now)
        audit.record(Event.CONTACT_TAKEN_ON, by=by, at=now, contact=contact, team=contact.team.code)


def _pass(contact: Contact, to_team: Team, note: str, by: Actor, now: datetime) -> ContactHandover:
    from_team, contact.team = contact.team, to_team
    contact.save(update_fields=["team"])
    handover = ContactHandover.objects.create(
        contact=contact,
        from_team=from_team,
        to_team=to_team,
        note=note,
        passed_at=now,
        passed_by=by if isinstance(by, User) else None,
    )
    # What the night leaves early waits for the hub to open.
    starts_at = calendar.current().counted_start(now, local=True) if to_team.kind == TeamKind.FRONT_DOOR else now
    clocks.start(clocks.HANDED_OVER, contact, at=starts_at)
    audit.record(
        Event.CONTACT_HANDED_OVER, by=by, at=now, contact=contact, from_team=from_team.code, to_team=to_team.code
    )
    outbox.add_for_team(
        Message.CONTACT_HANDED_OVER, to_team, key=f"contact_handed_over:{handover.pk}", at=now, contact=contact
    )
    return handover


def _the_other(team: Team) -> Team | None:
    kind = OTHER.get(TeamKind(team.kind))
    return Team.objects.filter(kind=kind, is_active=True).order_by("code").first() if kind else None
