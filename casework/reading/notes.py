"""The notes of a contact or a case as pages show them: the newest first, each as it stands, with what stood before."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet, Window

from casework.access import permissions
from casework.models import Case, Contact, ContactAdult, ContactChild, Note, NoteReaders
from casework.models.indexes import is_among
from casework.models.visibility import reads_note
from localities.models import FRONT_DOOR_KINDS, Team, User
from localities.working_time import local_day

A_PAGE = 20


@dataclass(frozen=True)
class ShownNote:
    """
    A note as a page shows it.

    :ivar first: as it was first written.
    :ivar stands: as it stands now: `first`, or its last correction. None where the reader may not read it.
    :ivar before: what stood before, the newest first.
    :ivar about: the names of those whom it is about.
    :ivar readers: who may read it, where not everybody may.
    """

    first: Note
    stands: Note | None
    before: list[Note]
    about: list[str]
    readers: str
    may_correct: bool


class NotesOf:
    """
    A page of the notes of a contact, or of a case and of those of its contacts that the reader may open.

    `queries` are read in one round trip with what else the page shows; then `shown` and `page` can be asked.
    """

    def __init__(self, record: Contact | Case, user: User, now: datetime, number: str = "") -> None:
        """:param number: of the page, as it stands in its address. The first, if it is no number."""
        self._user, self._day = user, local_day(now)
        self.number = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1
        firsts = Note.objects.firsts().filter(_of(record, user, now))
        start = max(0, self.number - 1) * A_PAGE
        shown = slice(start, start + A_PAGE)
        self._firsts: QuerySet[Any] = firsts.select_related("written_by", "team", "contact").annotate(
            total=Window(Count("pk")), may_read=reads_note(user, now)
        )[shown]
        self._corrections = (
            Note.objects.readable_by(user, now)
            .filter(is_among(firsts.values("pk")[shown], "corrects"))
            .select_related("written_by")
            .order_by("-edition")
        )

    @property
    def queries(self) -> tuple[QuerySet[Any], QuerySet[Any]]:
        return self._firsts, self._corrections

    @property
    def total(self) -> int:
        """How many notes there are, on all pages."""
        return next((first.total for first in self._firsts), 0)

    @property
    def page(self) -> Page[int]:
        return Paginator(range(self.total), A_PAGE).get_page(self.number)

    def shown(
        self, children: Mapping[int, ContactChild], adults: Mapping[int, ContactAdult], team_id: int | None
    ) -> list[ShownNote]:
        """
        The notes of this page.

        :param children: the children whom a note may be about, by their ids.
        :param team_id: the team that works on the case of the record, or did last.
        """
        corrections = defaultdict[int | None, list[Note]](list)
        for note in self._corrections:
            corrections[note.corrects_id].append(note)
        return [self._shown(first, corrections[first.pk], children, adults, team_id) for first in self._firsts]

    def _shown(
        self,
        first: Any,
        corrections: list[Note],
        children: Mapping[int, ContactChild],
        adults: Mapping[int, ContactAdult],
        team_id: int | None,
    ) -> ShownNote:
        readers = kept_to(first.team) if first.readers == NoteReaders.TEAM else ""
        if not first.may_read:
            return ShownNote(first, None, [], [], readers, may_correct=False)
        stands, *before = [*corrections, first]
        people: list[ContactChild | ContactAdult] = [children[pk] for pk in stands.child_ids if pk in children]
        people += [adults[pk] for pk in stands.adult_ids if pk in adults]
        may_correct = permissions.allows(permissions.check_can_correct_note, first, team_id, self._user, self._day)
        return ShownNote(first, stands, before, [each.called for each in people], readers, may_correct)


def kept_to(team: Team) -> str:
    """Who may read a note that is kept to this team, beside those who oversee practice."""
    return "the front door and emergency duty" if team.kind in FRONT_DOOR_KINDS else str(team)


def _of(record: Contact | Case, user: User, now: datetime) -> Q:
    if isinstance(record, Contact):
        return Q(contact=record)
    contacts = Contact.objects.filter(case=record).open_to(user, now).order_by().values("pk")
    # Found first: for a condition on their table, PostgreSQL would read every note.
    return Q(case=record) | Q(is_among(contacts, "contact"))
