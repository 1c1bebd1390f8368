"""The pages on which a note is written on a contact or a case, and corrected."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from casework.access import permissions
from casework.actions import notes, unfinished_forms, viewing
from casework.families.naming import name_rows
from casework.models import Case, Contact, Note, NoteKind, NoteReaders, UnfinishedForm
from casework.reading.notes import kept_to
from casework.record import responsibilities
from casework.web.hiding import without_hidden_addresses
from casework.web.note_forms import CorrectNoteForm, WriteNoteForm
from casework.web.signed_in import user_of
from casework.web.submitting import errors_of, status_of, submit
from casework.web.unfinished import as_text
from localities.models import Team
from localities.working_time import local_day

# The page on which the notes of a record stand, by the kind of record.
STANDS_ON = {"contact": "contact", "case": "case-notes"}


class _Page:
    """The record on which a note is written, its people, and who writes. To make it is to view the record."""

    def __init__(self, request: HttpRequest, of: str, reference: str, now: datetime) -> None:
        self.request, self.of, self.user, self.now = request, of, user_of(request), now
        self.record: Contact | Case
        if of == "contact":
            self.record = viewing.view_for_decision(reference=reference, by=self.user, now=now)
            self.contacts = [self.record]
            self.children, self.adults = list(self.record.children.all()), list(self.record.adults.all())
        else:
            self.record = viewing.view_case(reference=reference, by=self.user, now=now)
            self.contacts = list(Contact.objects.filter(case=self.record).open_to(self.user, now))
            children, adults = notes.people_of_record(self.record)
            opened = {"contact__in": self.contacts}
            self.children = list(children.filter(**opened).select_related("person").order_by("pk"))
            self.adults = list(adults.filter(**opened).select_related("person", "recorded_as").order_by("pk"))
        name_rows([*self.children, *self.adults], self.user, now)

    @property
    def stands_on(self) -> str:
        return reverse(STANDS_ON[self.of], args=[self.record.reference])

    def show(self, template: str, form: WriteNoteForm | CorrectNoteForm, context: dict[str, Any]) -> HttpResponse:
        errors = errors_of(form)
        context = context | {
            "record": self.record,
            "family": [child for child in _each_once(self.children) if child.in_family],
            "form": form,
            "errors": errors,
            "stands_on": self.stands_on,
            "address": self.request.path,
            "of_case": self.of == "case",
        }
        answer = render(self.request, template, context, status=status_of(errors))
        return without_hidden_addresses(answer, self.contacts)

    def kinds(self) -> list[NoteKind]:
        may = permissions.allows(permissions.check_can_write_oversight, self.user, local_day(self.now))
        return [kind for kind in NoteKind if may or kind != NoteKind.OVERSIGHT]


@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest, reference: str, of: str) -> HttpResponse:
    """
    Shows the form for a note; by POST, writes it.

    :param of: what the note is on: "contact" or "case".
    """
    page = _Page(request, of, reference, timezone.now())
    permissions.check_can_write_notes(page.record, page.user, local_day(page.now))
    team_id = notes.own_team(page.record, page.user, page.now)
    team = kept_to(Team.objects.get(pk=team_id)) if team_id else ""
    form = WriteNoteForm(
        _each_once(page.children), _each_once(page.adults), page.kinds(), request.POST or None, team=team
    )

    def again() -> HttpResponse:
        return page.show("front_door/notes/write.html", form, {})

    if request.method != "POST":
        return again()
    return submit(
        request, form,
        lambda said: notes.write(
            **form.of_action(), **_id_of(page.record),
            readers=NoteReaders.TEAM if said.get("readers") else NoteReaders.RECORD, by=page.user, now=page.now,
        ),
        says="Note saved.", then=lambda note: f"{page.stands_on}#note-{note.pk}", again=again,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: HttpRequest, reference: str, note_id: int, of: str) -> HttpResponse:
    """Shows a note with the form that corrects it; by POST, adds the correction."""
    page = _Page(request, of, reference, timezone.now())
    first = page.record.notes.readable_by(page.user, page.now).firsts().get(pk=note_id)
    permissions.check_can_correct_note(first, responsibilities.team_id_of(page.record), page.user, local_day(page.now))
    stands: Note = first.corrections.select_related("written_by").order_by("edition").last() or first
    kinds = [kind for kind in NoteKind if (kind == NoteKind.OVERSIGHT) == (first.kind == NoteKind.OVERSIGHT)]
    children, adults = _each_once(page.children, stands.child_ids), _each_once(page.adults, stands.adult_ids)
    form = CorrectNoteForm(stands, children, adults, kinds, request.POST or None)

    def again() -> HttpResponse:
        return page.show("front_door/notes/correct.html", form, {"note": stands})

    if request.method != "POST":
        return again()
    return submit(
        request, form,
        lambda said: notes.correct(
            **form.of_action(), **_id_of(page.record), note_id=first.pk, seen_edition=said["seen"] or 0,
            was_wrong=said["was_wrong"], by=page.user, now=page.now,
        ),
        says="Correction saved.", then=f"{page.stands_on}#note-{first.pk}", again=again,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest, reference: str, of: str) -> HttpResponse:
    """
    By POST, begins a note with what somebody typed into another form of the record, which is too late to be recorded.
    A GET, such as the one after somebody signs in again, shows the form of a note.
    """
    user, now = user_of(request), timezone.now()
    address = reverse(f"{of}-note-write", args=[reference])
    typed = UnfinishedForm.objects.of(user).filter(key=request.POST.get("typed", ""), record=reference).first()
    if typed is None or typed.address == address:
        return redirect(address)
    unfinished_forms.turn_into(
        key=typed.key, address=address, typed={"note-text": [as_text(typed)]}, by=user, now=now
    )  # fmt: skip
    return redirect(f"{address}?form={typed.key}")


def _id_of(record: Contact | Case) -> dict[str, Any]:
    return {"contact_id" if isinstance(record, Contact) else "case_id": record.pk}


def _each_once(rows: Iterable[Any], chosen: Collection[int] = ()) -> list[Any]:
    """
    Each person once: somebody stands on several contacts of a case. The newest names them.

    :param chosen: the ids of rows that are chosen already, and stay.
    """
    return list({row.person_id: row for row in sorted(rows, key=lambda row: (row.pk in chosen, row.pk))}.values())
