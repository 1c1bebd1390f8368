"""Notes on a contact or a case: writing one, and correcting it by an addition. What is written never changes."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction

from casework.access import conditions, permissions
from casework.access.loading import locked_case, locked_contact
from casework.facts.typed import readable
from casework.models import (
    LONGEST_NOTE,
    Case,
    Contact,
    ContactAdult,
    ContactChild,
    Event,
    Note,
    NoteKind,
    NoteReaders,
)
from casework.models.inserting import insert_all
from casework.record import audit, responsibilities
from errors import Fault, InvalidInput
from localities.models import User
from localities.roles import roles_of
from localities.working_time import local_day


@transaction.atomic
def write(
    *,
    kind: str,
    text: str,
    happened_at: datetime | None,
    child_ids: Collection[int],
    adult_ids: Collection[int],
    readers: str,
    contact_id: int | None = None,
    case_id: int | None = None,
    by: User,
    now: datetime,
) -> Note:
    """
    Writes a note on a contact or a case, also on one that is decided or closed: somebody may call later.

    :param happened_at: when it happened, where that is said.
    :param child_ids: the `ContactChild`s whom it is about, of the contact or of the case's contacts.
    :param adult_ids: the `ContactAdult`s whom it is about.
    :param readers: everybody who may open the record, or the writer's own team.
    :raises InvalidInput: with every fault, by field.
    :raises NotPermitted: `by` reads the record, and does not work on it.
    """
    record = _load(contact_id, case_id, by, now)
    day = local_day(now)
    permissions.check_can_write_notes(record, by, day)
    faults = _faults(record, kind, text, happened_at, child_ids, adult_ids, now)
    if kind == NoteKind.OVERSIGHT and not permissions.allows(permissions.check_can_write_oversight, by, day):
        faults.append(Fault(("kind",), "Select another kind: management oversight is written by a manager or a lead"))
    if readers not in NoteReaders.values:
        faults.append(Fault(("readers",), "Select who may read this note"))
    team_id = own_team(record, by, now) if readers == NoteReaders.TEAM else None
    if readers == NoteReaders.TEAM and team_id is None:
        faults.append(Fault(("readers",), "You are in no team, so everybody who may open the record can read this."))
    if faults:
        raise InvalidInput(faults)
    note = Note(
        **_of(record), kind=kind, written_by=by, written_at=now, happened_at=happened_at, text=_clean(text),
        child_ids=sorted(child_ids), adult_ids=sorted(adult_ids), readers=readers, team_id=team_id,
    )  # fmt: skip
    insert_all([note])
    audit.record(Event.NOTE_WRITTEN, by=by, at=now, **_of(record), note=note.pk, kind=kind, readers=readers)
    return note


@transaction.atomic
def correct(
    *,
    note_id: int,
    seen_edition: int,
    kind: str,
    text: str,
    was_wrong: str,
    happened_at: datetime | None,
    child_ids: Collection[int],
    adult_ids: Collection[int],
    contact_id: int | None = None,
    case_id: int | None = None,
    by: User,
    now: datetime,
) -> Note:
    """
    Corrects a note: what is written now stands in its place, and the note as it was stays beside it.

    :param note_id: the first note, of this contact or this case.
    :param seen_edition: what was read when this was written: 1 for the note itself, and more for its corrections.
    :param was_wrong: what was wrong, and how that is known.
    :raises InvalidInput: with every fault, by field.
    :raises Note.DoesNotExist: the record has no such note, or `by` may not read it.
    :raises NotPermitted: `by` did not write it, and leads nobody here.
    :raises TakenBySomeoneElse: somebody corrected it since.
    """
    record = _load(contact_id, case_id, by, now)
    day = local_day(now)
    first = record.notes.readable_by(by, now).firsts().get(pk=note_id)
    permissions.check_can_correct_note(first, responsibilities.team_id_of(record), by, day)
    last = first.corrections.order_by("edition").last() or first
    conditions.check_note_unchanged(last, seen_edition)
    faults = _faults(record, kind, text, happened_at, child_ids, adult_ids, now, was_wrong)
    if NoteKind.OVERSIGHT in {kind, first.kind} and kind != first.kind:
        faults.append(Fault(("kind",), "Management oversight stays what it is, and nothing else becomes that."))
    if faults:
        raise InvalidInput(faults)
    correction = Note(
        **_of(record), corrects=first, edition=last.edition + 1, kind=kind, written_by=by, written_at=now,
        happened_at=happened_at, text=_clean(text), was_wrong=_clean(was_wrong), child_ids=sorted(child_ids),
        adult_ids=sorted(adult_ids), readers=first.readers, team_id=first.team_id,
    )  # fmt: skip
    insert_all([correction])
    audit.record(
        Event.NOTE_CORRECTED, by=by, at=now, **_of(record), note=first.pk, kind=kind, edition=correction.edition
    )
    return correction


def own_team(record: Contact | Case, by: User, now: datetime) -> int | None:
    """The team of a writer that a note is kept to: the one that works on the record, if they are in it."""
    theirs = roles_of(by, local_day(now)).team_ids
    works_on_it = record.team_id if isinstance(record, Contact) else responsibilities.team_id_of(record)
    return works_on_it if works_on_it in theirs else min(theirs, default=None)


def people_of_record(record: Contact | Case) -> tuple[Any, Any]:
    """The children and the adults whom a note of this record may be about, as queries."""
    contacts = {"contact": record} if isinstance(record, Contact) else {"contact__case": record}
    return ContactChild.objects.filter(**contacts), ContactAdult.objects.filter(**contacts)


def _load(contact_id: int | None, case_id: int | None, by: User, now: datetime) -> Contact | Case:
    if contact_id is not None:
        return locked_contact(by, now, pk=contact_id)
    return locked_case(by, now, pk=case_id)


def _of(record: Contact | Case) -> dict[str, Any]:
    return {"contact": record} if isinstance(record, Contact) else {"case": record}


def faults_of_words(*, kind: str, text: str, was_wrong: str | None = None) -> list[Fault]:
    """
    What is missing in the words of a note, or too long.

    :param was_wrong: what a correction says was wrong; None for a note that corrects nothing.
    """
    faults = []
    if kind not in NoteKind.values:
        faults.append(Fault(("kind",), "Select what kind of note this is"))
    written = _clean(text)
    if not written:
        faults.append(Fault(("text",), "Enter the note"))
    elif len(written) > LONGEST_NOTE:
        longer = len(written) - LONGEST_NOTE
        faults.append(
            Fault(("text",), f"The note must be {LONGEST_NOTE:,} characters or fewer: it is {longer:,} too long")
        )
    if was_wrong is not None and not was_wrong.strip():
        faults.append(Fault(("was_wrong",), "Enter what was wrong, and how you know"))
    return faults


def _faults(
    record: Contact | Case,
    kind: str,
    text: str,
    happened_at: datetime | None,
    child_ids: Collection[int],
    adult_ids: Collection[int],
    now: datetime,
    was_wrong: str | None = None,
) -> list[Fault]:
    faults = faults_of_words(kind=kind, text=text, was_wrong=was_wrong)
    if happened_at is not None and happened_at > now:
        faults.append(Fault(("happened_at",), "When it happened cannot be in the future. Write plans in the note."))
    asked = (("child_ids", child_ids), ("adult_ids", adult_ids))
    for (name, ids), people in zip(asked, people_of_record(record), strict=True):
        if ids and people.filter(pk__in=ids).count() != len(set(ids)):
            faults.append(Fault((name,), "Select people of this record"))
    return faults


def _clean(text: str) -> str:
    """As a page can show it, with a line end of one character, as its length is counted."""
    return readable(text).replace("\r\n", "\n").strip()
