"""Notes on contacts and cases: who writes, reads and corrects them, and that what was written stays."""

from datetime import timedelta
from typing import Any

import pytest

from casework.models import LONGEST_NOTE, AuditEvent, Case, Contact, Event, Note
from errors import InvalidInput, NotPermitted, TakenBySomeoneElse
from localities.models import Membership
from tests.stage.documents import address, child
from tests.stage.restricted import restrict
from tests.stage.story import Story, person

EVERYBODY = ("amina", "oliver", "maya", "erin", "ben", "bea", "carol", "pat", "sam", "paula", "ava", "iris")


def readers_of(note: Note, story: Story) -> set[str]:
    """Who may read a note, of those who may open its record."""
    readable = set()
    for name in EVERYBODY:
        user = person(name)
        records = (
            Contact.objects.visible_to(user, story.now).filter(notes=note)
            if note.contact_id
            else Case.objects.visible_to(user, story.now).filter(notes=note)
        )  # fmt: skip
        if records.exists() and Note.objects.readable_by(user, story.now).filter(pk=note.pk).exists():
            readable.add(name)
    return readable


class TestWriting:
    def test_says_who_when_about_whom_and_is_audited_without_its_words(self, story: Story) -> None:
        contact = story.contact(adults=[{"first_name": "Kit", "relationship": "uncle"}])
        happened = story.now - timedelta(days=2)
        about: dict[str, Any] = {"child_ids": [contact.children.get().pk], "adult_ids": [contact.adults.get().pk]}
        note = story.note(contact, kind="visit", text="  Seen at home.\r\nWell.  ", happened_at=happened, **about)
        note.refresh_from_db()
        assert (note.contact, note.written_by, note.written_at) == (contact, person("amina"), story.now)
        assert (note.kind, note.text, note.happened_at) == ("visit", "Seen at home.\nWell.", happened)
        assert about == {"child_ids": note.child_ids, "adult_ids": note.adult_ids}
        event = AuditEvent.objects.get(event=Event.NOTE_WRITTEN)
        assert (event.by_user, event.contact, event.at) == (person("amina"), contact, story.now)
        assert event.detail == {"note": note.pk, "kind": "visit", "readers": "record"}

    def test_names_every_fault(self, story: Story) -> None:
        contact, other = story.contact(), story.contact(children=[child(address=address("HP5 1AA"))], adults=[])
        with pytest.raises(InvalidInput) as caught:
            story.note(
                contact, kind="rumour", text=" \n", happened_at=story.now + timedelta(days=1), readers="nobody",
                child_ids=[other.children.get().pk],
            )  # fmt: skip
        assert {fault.path[0] for fault in caught.value.faults} == {
            "kind",
            "text",
            "happened_at",
            "readers",
            "child_ids",
        }

    def test_takes_as_many_characters_as_it_says_and_not_one_more(self, story: Story) -> None:
        contact = story.contact()
        assert len(story.note(contact, text="x" * LONGEST_NOTE).text) == LONGEST_NOTE
        with pytest.raises(InvalidInput, match="it is 1 too long"):
            story.note(contact, text="x" * (LONGEST_NOTE + 1))

    def test_is_for_those_who_work_with_families_or_lead_practice(self, story: Story) -> None:
        case = story.accepted()
        contact = case.contacts.get()
        for name in ("amina", "oliver", "erin", "ben", "bea", "sam", "paula"):
            story.note(contact, by=name)
        for name in ("ava", "iris"):
            with pytest.raises(NotPermitted, match="Only those who work with families"):
                story.note(contact, by=name)
        for record, name in ((contact, "carol"), (case, "carol"), (case, "amina"), (contact, "adele")):
            with pytest.raises((Contact.DoesNotExist, Case.DoesNotExist)):
                story.note(record, by=name)

    def test_management_oversight_is_for_managers_and_leads(self, story: Story) -> None:
        case = story.accepted()
        for name, record in (("maya", case.contacts.get()), ("ben", case), ("sam", case), ("paula", case)):
            story.note(record, by=name, kind="oversight")
        for name, record in (("amina", case.contacts.get()), ("bea", case)):
            with pytest.raises(InvalidInput, match="written by a manager or a lead"):
                story.note(record, by=name, kind="oversight")

    def test_goes_on_after_a_decision_and_after_closing(self, story: Story) -> None:
        case = story.closed()
        story.note(case, by="bea", text="She rang to say that all is well.")
        story.note(case.contacts.get(), by="amina")
        assert Note.objects.count() == 2


class TestReading:
    def test_everybody_who_may_open_the_record_reads_it(self, story: Story) -> None:
        contact = story.contact()
        note = story.note(contact)
        assert readers_of(note, story) == {"amina", "oliver", "maya", "erin", "sam", "paula", "ava", "iris"}
        case = story.accepted(contact)
        assert readers_of(note, story) >= {"ben", "bea"}
        of_case = story.note(case, by="ben")
        assert readers_of(of_case, story) == {"ben", "bea", "sam", "paula", "ava", "iris"}

    def test_a_note_for_the_team_is_read_by_it_and_by_those_who_oversee(self, story: Story) -> None:
        contact = story.contact()
        of_front_door = story.note(contact, readers="team")
        case = story.accepted(contact)
        of_case, of_team = (story.note(record, by="bea", readers="team") for record in (case, contact))
        oversee = {"sam", "paula", "ava", "iris"}
        # The front door and emergency duty are one here.
        assert readers_of(of_front_door, story) == {"amina", "oliver", "maya", "erin"} | oversee
        assert readers_of(of_case, story) == readers_of(of_team, story) == {"ben", "bea"} | oversee

    def test_whoever_moved_to_another_team_reads_no_more_than_that_team_and_their_own(self, story: Story) -> None:
        case = story.accepted()
        note, own = (story.note(case, by=name, readers="team") for name in ("ben", "bea"))
        Membership.objects.filter(user__username="bea").delete()
        Membership.objects.create(user=person("bea"), role="social_worker", team=story.team("front-door"))
        readable = Note.objects.readable_by(person("bea"), story.now)
        assert list(readable) == [own]
        assert note in Note.objects.readable_by(person("ben"), story.now)

    def test_somebody_in_no_team_keeps_it_to_nobody(self, story: Story) -> None:
        with pytest.raises(InvalidInput, match="You are in no team"):
            story.note(story.contact(), by="paula", readers="team")

    def test_a_restricted_record_takes_its_notes_with_it(self, story: Story) -> None:
        contact = story.contact()
        note, kept = story.note(contact), story.note(contact, readers="team")
        restrict(story, contact, "amina")
        assert readers_of(note, story) == readers_of(kept, story) == {"amina", "sam"}
        with pytest.raises(Contact.DoesNotExist):
            story.note(contact, by="oliver")
        with pytest.raises(Contact.DoesNotExist):
            story.corrected(note, by="oliver")


class TestCorrecting:
    def test_adds_what_is_right_and_leaves_what_was_written(self, story: Story) -> None:
        contact = story.contact()
        first = story.note(contact, readers="team")
        second = story.corrected(first, kind="visit")
        third = story.corrected(second, was_wrong="It was no visit.", kind="call", text="She rang.")
        assert [(note.edition, note.corrects_id, note.kind) for note in (first, second, third)] == [
            (1, None, "call"), (2, first.pk, "visit"), (3, first.pk, "call"),
        ]  # fmt: skip
        assert Note.objects.get(pk=first.pk).text == "Mum rang. She is at work until five."
        assert {note.readers for note in (second, third)} == {"team"}
        event = AuditEvent.objects.filter(event=Event.NOTE_CORRECTED).latest("pk")
        assert (event.contact, event.detail) == (contact, {"note": first.pk, "kind": "call", "edition": 3})

    def test_is_for_whoever_wrote_it_and_for_leads(self, story: Story) -> None:
        case = story.accepted()
        contact = case.contacts.get()
        for note, may, may_not in (
            (story.note(contact), ("amina", "maya", "ben", "sam"), ("oliver", "erin", "bea", "paula")),
            (story.note(case, by="bea"), ("bea", "ben", "sam"), ("paula",)),
        ):
            for name in may_not:
                with pytest.raises(NotPermitted, match="Only who wrote a note"):
                    story.corrected(note, by=name)
            last = note
            for name in may:
                last = story.corrected(last, by=name)

    def test_whoever_may_not_read_it_finds_nothing_to_correct(self, story: Story) -> None:
        case = story.accepted()
        note = story.note(case.contacts.get(), readers="team")
        with pytest.raises(Note.DoesNotExist):
            story.corrected(note, by="ben")
        # A note of another record, under this record's address.
        other = story.contact(children=[child(address=address("HP5 1AA"))], adults=[])
        note.contact_id = other.pk
        with pytest.raises(Note.DoesNotExist):
            story.corrected(note, by="amina")

    def test_of_what_somebody_corrected_meanwhile_is_refused(self, story: Story) -> None:
        note = story.note(story.contact())
        story.corrected(note, by="maya")
        with pytest.raises(TakenBySomeoneElse, match="Maya Brooks corrected this note on"):
            story.corrected(note)
        assert Note.objects.count() == 2

    def test_says_what_was_wrong_and_leaves_oversight_what_it_is(self, story: Story) -> None:
        note = story.note(story.contact(), by="maya", kind="oversight")
        with pytest.raises(InvalidInput) as caught:
            story.corrected(note, by="maya", was_wrong=" ", kind="call")
        assert {fault.path[0] for fault in caught.value.faults} == {"was_wrong", "kind"}
