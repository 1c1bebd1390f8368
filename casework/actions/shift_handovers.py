"""A shift hands over to the next: it gives a sheet, which says what is open and what was done; the next has read it."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from casework.access import conditions, permissions
from casework.actions.contact_handovers import other_team
from casework.deadlines.titles import title_of
from casework.families.naming import families_of
from casework.models import (
    Case,
    Clock,
    Contact,
    ContactHandover,
    Decision,
    Duty,
    Event,
    Handoff,
    Note,
    NoteReaders,
    PartnerCheck,
    Responsibility,
    ShiftHandover,
    ShiftHandoverAddition,
)
from casework.record import audit
from casework.statuses import CaseStatus, ContactStatus, HandoffStatus, PartnerCheckStatus
from errors import Fault, InvalidInput
from localities import calendar
from localities.models import FRONT_DOOR_KINDS, Team, TeamKind, User
from localities.working_time import local_day
from triage.published_rules import title_of_pathway
from triage.ruleset import Rag

# The council's longest closing is shorter.
AROUND = timedelta(days=14)
GRAVE = (Rag.RED, Rag.AMBER)


class Shift(NamedTuple):
    starts: datetime
    ends: datetime


@transaction.atomic
def give(*, from_team_id: int, note: str, by: User, now: datetime) -> ShiftHandover:
    """
    Gives the sheet of a shift to the next. What it says is stored as it is now.

    :param note: what the next shift must know beyond what the sheet says by itself.
    :raises InvalidInput: the note is missing, or there is no team to hand over to.
    :raises NotPermitted: `by` does not work in this team.
    """
    team = Team.objects.get(pk=from_team_id, kind__in=FRONT_DOOR_KINDS)
    permissions.check_can_hand_over_shift(team, by, local_day(now))
    to_team = other_team(team)
    faults = []
    if to_team is None:
        faults.append(Fault((), "There is no team to hand over to: no such team takes work."))
    if not note.strip():
        faults.append(Fault(("note",), "Enter what the next shift must know, or that there is nothing more to say"))
    if faults or to_team is None:
        raise InvalidInput(faults)
    left, coming = shifts(team, now)
    handover = ShiftHandover.objects.create(
        from_team=team, to_team=to_team, since=left.starts, until=coming.ends, note=note.strip(),
        says=sheet(team, by, now), given_at=now, given_by=by,
    )  # fmt: skip
    audit.record(
        Event.SHIFT_HANDED_OVER, by=by, at=now, handover=handover.pk, from_team=team.code, to_team=to_team.code
    )
    return handover


@transaction.atomic
def confirm_read(*, handover_id: int, by: User, now: datetime) -> ShiftHandover:
    """
    Confirms for the coming shift that it has read a sheet.

    :raises NotPermitted: `by` does not work in the team that it was given to, or gave it.
    :raises NotAllowedInStatus: somebody has confirmed it already.
    """
    handover = ShiftHandover.objects.select_related("to_team").select_for_update(of=("self",)).get(pk=handover_id)
    permissions.check_can_confirm_shift(handover, by, local_day(now))
    conditions.check_is_not_read(handover)
    handover.read_at, handover.read_by = now, by
    handover.save(update_fields=["read_at", "read_by"])
    audit.record(Event.SHIFT_HANDOVER_READ, by=by, at=now, handover=handover.pk)
    return handover


@transaction.atomic
def add(*, handover_id: int, text: str, by: User, now: datetime) -> ShiftHandoverAddition:
    """
    Adds to a sheet that was given: what was given stays as it is.

    :raises InvalidInput: the text is missing.
    :raises NotPermitted: `by` does not work in the team that gave it.
    """
    handover = ShiftHandover.objects.select_related("from_team", "read_by").get(pk=handover_id)
    permissions.check_can_hand_over_shift(handover.from_team, by, local_day(now))
    if not text.strip():
        raise InvalidInput([Fault(("text",), "Enter what you add or correct")])
    addition = ShiftHandoverAddition.objects.create(handover=handover, text=text.strip(), at=now, by=by)
    audit.record(Event.SHIFT_HANDOVER_ADDED_TO, by=by, at=now, handover=handover.pk)
    return addition


def shifts(team: Team, now: datetime) -> tuple[Shift, Shift]:
    """The shift of this team that began last, and the coming one of the other team, which may just have begun."""
    day, night = [], []
    edge = now - AROUND
    for opens, closes in calendar.current().openings(edge, until=now + AROUND, local=True):
        if opens > edge:
            night.append(Shift(edge, opens))
        day.append(Shift(opens, closes))
        edge = closes
    night.append(Shift(edge, now + AROUND))
    own, others = (day, night) if team.kind == TeamKind.FRONT_DOOR else (night, day)
    began = [each for each in own if each.starts <= now] or [Shift(now - timedelta(hours=24), now)]
    coming = [each for each in others if each.ends > now] or [Shift(now, now + timedelta(hours=24))]
    return began[-1], coming[0]


def sheet(team: Team, by: User, now: datetime) -> dict[str, list[dict[str, Any]]]:
    """
    What the sheet says now, as this user sees it: open red and amber contacts, and cases that no team has taken on;
    deadlines of the coming shift, what was said since this one began, unanswered partner checks, and who is on duty
    next. Each line is `about` a contact or a case, by its reference; a contact's number is its `contact`.
    """
    left, coming = shifts(team, now)
    contacts = Contact.objects.visible_to(by, now)
    waiting = contacts.undecided().filter(team__kind__in=FRONT_DOOR_KINDS)
    grave = list(waiting.filter(rag__in=GRAVE).select_related("owner").order_by("-rag", "received_at"))
    cases, due = list(_grave_cases(by, now)), list(_due(by, now, coming))
    asked = PartnerCheck.objects.filter(contact__in=waiting.order_by().values("pk"), status=PartnerCheckStatus.ASKED)
    duties = Duty.objects.between(max(coming.starts, now), coming.ends)
    parts: dict[str, list[dict[str, Any]]] = {
        "grave": [
            _about(each, rag=each.rag, status=_status(each), owner=str(each.owner or "Nobody"))
            for each in grave
        ],
        "cases": list(_cases(cases)),
        "due": [
            _about(clock.about, what=title_of(clock.kind).capitalize(), at=clock.due_at.isoformat())
            for clock in due
        ],
        "said": sorted(_said(contacts, left, now), key=lambda line: str(line["at"])),
        "asked": [
            _about(each.contact, agency=each.agency.name, text=each.question, at=each.asked_at.isoformat())
            for each in asked.select_related("contact", "agency").order_by("asked_at")
        ],
        "next": [
            {"who": each.person.name, "role": each.get_role_display(), "telephone": each.person.telephone,
             "since": each.starts_at.isoformat(), "until": each.ends_at.isoformat()}
            for each in duties
        ],
    }  # fmt: skip
    about = (*cases, *(clock.about for clock in due))
    _name_families(parts, [each for each in about if isinstance(each, Case)], by, now)
    return parts


def _name_families(parts: dict[str, list[dict[str, Any]]], cases: Iterable[Case], by: User, now: datetime) -> None:
    """
    Each line about a record says what its family is called, as this user reads it.

    :param cases: those that a line is about.
    """
    lines = [line for part in parts.values() for line in part if "about" in line]
    records: dict[str, Contact | Case] = {str(case): case for case in cases}
    records |= {line["about"]: Contact(pk=line["contact"]) for line in lines if line["contact"]}
    families = families_of(records.values(), by, now)
    for line in lines:
        line["family"] = ", ".join(child.called for child in families[records[line["about"]]])


def _about(record: Any, **says: str) -> dict[str, Any]:
    return {"about": str(record), "contact": record.pk if isinstance(record, Contact) else None, **says}


def _status(contact: Contact) -> str:
    return "Awaiting sign-off" if contact.status == ContactStatus.SIGN_OFF else "Awaiting a decision"


def _grave_cases(by: User, now: datetime) -> QuerySet[Case]:
    """The red and amber cases for which the front door or emergency duty is still responsible."""
    here = Responsibility.objects.filter(period__endswith=None, team__kind__in=FRONT_DOOR_KINDS)
    grave = Case.objects.open_to(by, now).filter(status=CaseStatus.OPEN, rag__in=GRAVE, pk__in=here.values("case"))
    return grave.order_by("-rag", "received_at")


def _cases(cases: Collection[Case]) -> Iterator[dict[str, Any]]:
    offers = Handoff.objects.filter(case__in=[each.pk for each in cases], status=HandoffStatus.OFFERED)
    offered = {each.case_id: each for each in offers.select_related("to_team")}
    for case in cases:
        offer = offered.get(case.pk)
        status = f"Offered to {offer.to_team}, not answered yet" if offer else "Needs a team"
        yield _about(case, rag=case.rag, status=status)


def _due(by: User, now: datetime, coming: Shift) -> Any:
    teams = Team.objects.filter(kind__in=FRONT_DOOR_KINDS).values("pk")
    return (
        Clock.objects.open_to(by, now).running().of_teams(teams)
        .filter(due_at__lte=coming.ends, paused_at__isnull=True)
        .select_related("contact", "case", "handoff__case", "partner_check__contact").order_by("due_at")
    )  # fmt: skip


def _said(contacts: Any, left: Shift, now: datetime) -> Iterator[dict[str, Any]]:
    """Decisions, notes, handovers of contacts and partners' answers since the shift began."""
    seen, period = contacts.order_by().values("pk"), (left.starts, now)
    decisions = Decision.objects.filter(contact__in=seen, decided_at__range=period)
    for each in decisions.select_related("contact", "decided_by", "recommendation"):
        what = f"Decision: {title_of_pathway(each.recommendation.rule_set_id, each.pathway)}"
        yield _line(each.contact, what, each.rationale, each.decided_by, each.decided_at)
    notes = Note.objects.filter(contact__in=seen, readers=NoteReaders.RECORD, written_at__range=period)
    here = notes.filter(contact__team__kind__in=FRONT_DOOR_KINDS)
    for note in here.select_related("contact", "written_by"):
        what = "Correction of a note" if note.corrects_id else f"Note: {note.get_kind_display().lower()}"
        yield _line(note.contact, what, note.text, note.written_by, note.written_at)
    passed = ContactHandover.objects.filter(contact__in=seen, passed_at__range=period)
    for given in passed.select_related("contact", "passed_by", "to_team"):
        yield _line(given.contact, f"Passed to {given.to_team}", given.note, given.passed_by, given.passed_at)
    answers = PartnerCheck.objects.filter(contact__in=seen, status=PartnerCheckStatus.ANSWERED, ended_at__range=period)
    for answer in answers.select_related("contact", "agency", "ended_by"):
        yield _line(answer.contact, f"Answer of {answer.agency}", answer.answer, answer.ended_by, answer.ended_at)


def _line(about: Any, what: str, text: str, who: User | None, at: datetime | None) -> dict[str, Any]:
    assert at is not None, "what was said has its time"
    return _about(about, what=what, text=text, who=str(who or "The service"), at=at.isoformat())
