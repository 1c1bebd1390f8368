"""What `notes/section.html` shows: the notes of a contact or a case, on a page of theirs."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.urls import reverse

from casework.access import permissions
from casework.models import Case, Contact
from casework.reading.notes import NotesOf
from localities.models import Team, User
from localities.working_time import local_day


def notes_context(
    found: NotesOf,
    record: Contact | Case,
    contacts: Iterable[Contact],
    responsible: Team | None,
    user: User,
    now: datetime,
) -> dict[str, Any]:
    """
    :param found: whose queries were read.
    :param contacts: with their children and adults, whom a note may be about.
    :param responsible: the team that works on the case of the record, or did last.
    """
    on_them = list(contacts)
    children = {child.pk: child for contact in on_them for child in contact.children.all()}
    adults = {adult.pk: adult for contact in on_them for adult in contact.adults.all()}
    of = "contact" if isinstance(record, Contact) else "case"
    writes = permissions.allows(permissions.check_can_write_notes, record, user, local_day(now))
    return {
        "notes": found.shown(children, adults, responsible.pk if responsible else None),
        "notes_page": found.page,
        "notes_number": found.number,
        "notes_total": found.total,
        "writes_at": reverse(f"{of}-note-write", args=[record.reference]) if writes else "",
    }
