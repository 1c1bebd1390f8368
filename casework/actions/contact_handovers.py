"""
Contact handovers between emergency duty and the day team: a waiting contact passes from one team to the other, and a
named person takes it on. When the hub opens, `jobs/opening.py` passes the contacts that are left.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from casework.access import conditions, permissions
from casework.actions import contact_owners
from casework.deadlines import clocks
from casework.messages import outbox
from casework.models import ClockEnd, Contact, ContactHandover, Event, Message
from casework.record import audit
from casework.record.audit import Actor
from errors import Fault, InvalidInput
from localities import calendar
from localities.models import Team, TeamKind, User
from localities.working_time import local_day

CLOCK = "contact_taken_on"
OTHER = {TeamKind.EMERGENCY_DUTY: TeamKind.FRONT_DOOR, TeamKind.FRONT_DOOR: TeamKind.EMERGENCY_DUTY}


@transaction.atomic
def hand_over(*, contact_id: int, note: str, by: User, now: datetime) -> ContactHandover:
    """
    Passes a waiting contact from emergency duty to the day team, or to emergency duty before the hub closes.

    :param note: what the next team must know beyond the record.
    :raises InvalidInput: the note is missing, or there is no such team.
    :raises NotPermitted: `by` does not work in the contact's team.
    :raises NotAllowedInStatus: the contact is decided, waits for a sign-off, or was passed already.
    """
    contact = Contact.objects.visible_to(by, now).locked().get(pk=contact_id)
    open_handover = contact.handovers.open().first()
    permissions.check_can_hand_over(contact, open_handover, by, local_day(now))
    conditions.check_waits_for_decision(contact)
    conditions.check_nothing_handed_over(contact, open_handover)
    to_team = other_team(contact.team)
    faults = []
    if to_team is None:
        faults.append(Fault((), "There is no team to pass it to: no such team takes work."))
    if not note.strip():
        faults.append(Fault(("note",), "Enter what the next team must know: what was done, what comes next, by when"))
    if faults or to_team is None:
        raise InvalidInput(faults)
    return pass_on(contact, to_team, note.strip(), by, now)


@transaction.atomic
def take_on(*, contact_id: int, by: User, now: datetime) -> Contact:
    """
    Takes on a contact that was passed to the team, under one's own name, and owns it.

    :raises NotPermitted: `by` does not work in that team.
    :raises NotAllowedInStatus: somebody has taken it on already.
    """
    contact = Contact.objects.visible_to(by, now).locked().get(pk=contact_id)
    permissions.check_can_take_on(contact, by, local_day(now))
    conditions.check_waits_to_be_taken_on(contact)
    end(contact, by=by, now=now)
    contact_owners.give(contact, by, by=by, now=now)
    return contact


def end(contact: Contact, *, by: User, now: datetime) -> None:
    """
    Ends an open handover, for an action that has locked the contact: to take a contact on, or to decide on it, ends it.
    """
    # The decision may have started a moment before the service passed the contact.
    taken_on_at = Greatest(F("passed_at"), Value(now))
    if contact.handovers.open().update(taken_on_at=taken_on_at, taken_on_by=by):
        clocks.stop(contact, CLOCK, at=now)
        audit.record(Event.CONTACT_TAKEN_ON, by=by, at=now, contact=contact, team=contact.team.code)


def pass_on(contact: Contact, to_team: Team, note: str, by: Actor, now: datetime) -> ContactHandover:
    from_team = contact.team
    # Nobody in the next team has it yet.
    contact.team, contact.owner = to_team, None
    contact.save(update_fields=["team", "owner"])
    handover = ContactHandover.objects.create(
        contact=contact,
        from_team=from_team,
        to_team=to_team,
        note=note,
        passed_at=now,
        passed_by=by if isinstance(by, User) else None,
    )
    # A contact that is passed before the hub opens waits for the opening.
    starts_at = calendar.current().counted_start(now, local=True) if to_team.kind == TeamKind.FRONT_DOOR else now
    clocks.start(clocks.HANDED_OVER, contact, at=starts_at)
    audit.record(
        Event.CONTACT_HANDED_OVER, by=by, at=now, contact=contact, from_team=from_team.code, to_team=to_team.code
    )
    outbox.add_for_team(
        Message.CONTACT_HANDED_OVER, to_team, key=f"contact_handed_over:{handover.pk}", at=now, contact=contact
    )
    return handover


def pass_to_emergency_duty(contact: Contact, now: datetime) -> None:
    """Passes a locked contact of the day team to emergency duty, if the hub is closed and emergency duty takes work."""
    if contact.team.kind != TeamKind.FRONT_DOOR or calendar.current().is_open(now):
        return
    to_team = other_team(contact.team)
    if to_team is not None:
        lapse(contact, now)
        pass_on(contact, to_team, "", audit.SYSTEM, now)


def lapse(contact: Contact, now: datetime) -> None:
    """Ends an open handover that nobody took on in time, as its clock has reminded."""
    if contact.handovers.open().update(lapsed_at=now):
        clocks.stop(contact, CLOCK, at=now, ended=ClockEnd.OVERTAKEN)


def other_team(team: Team) -> Team | None:
    kind = OTHER.get(TeamKind(team.kind))
    return Team.objects.filter(kind=kind, is_active=True).order_by("code").first() if kind else None
