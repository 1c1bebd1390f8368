"""Notes on the pages of a contact and a case: writing, reading, correcting, and what is kept of them."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.actions import protecting, unfinished_forms
from casework.models import AuditEvent, Case, Contact, Event, Note, OutboxMessage, UnfinishedForm
from casework.reading.notes import A_PAGE, NotesOf
from localities.models import Agency
from tests.stage.documents import address, child
from tests.stage.restricted import restrict
from tests.stage.sql import asked, run
from tests.stage.staff import SignedIn, path_of
from tests.stage.story import Story, person
from tests.stage.web_client import Page, Partner

CALL = "Mum rang. She is at work until five."


def write_at(record: Contact | Case) -> str:
    return f"{path_of(record)}notes/new/"


def correct_at(note: Note) -> str:
    return f"{path_of(note.contact or note.case)}notes/{note.pk}/correct/"


def writes(name: str, record: Contact | Case, **fields: Any) -> Any:
    """Fills in the form of a note, and saves it."""
    client = SignedIn(name).client
    page = Page(client.get(write_at(record)))
    said = {"note-kind": "call", "note-text": CALL} | {f"note-{name}": value for name, value in fields.items()}
    return client.post(write_at(record), page.form(write_at(record)) | said)


class TestWriting:
    @pytest.mark.parametrize(("of", "name"), [("contact", "amina"), ("contact", "bea"), ("case", "bea")])
    def test_a_note_stands_on_its_record_newest_first(self, story: Story, of: str, name: str) -> None:
        case = story.accepted()
        record: Contact | Case = case if of == "case" else case.contacts.get()
        for text in ("First.", "Second."):
            answer = writes(name, record, text=text)
            assert answer.status_code == 302, answer.content.decode()
        stands_on = path_of(record) + ("notes/" if of == "case" else "")
        assert answer["Location"] == f"{stands_on}#note-{Note.objects.latest('pk').pk}"
        html = SignedIn(name).client.get(stands_on).content.decode()
        assert "Notes (2)" in html
        assert html.index("Second.") < html.index("First.")

    def test_takes_when_it_happened_as_people_type_it_and_about_whom(self, story: Story) -> None:
        contact = story.contact(adults=[{"first_name": "Kit", "last_name": "Ashworth", "relationship": "uncle"}])
        robin, kit = contact.children.get(), contact.adults.get()
        yesterday = timezone.localtime() - timedelta(days=1)
        fields = {"on_day": f"{yesterday:%d}", "on_month": f"{yesterday:%B}", "on_year": f"{yesterday:%y}",
                  "time": "4.50pm"}  # fmt: skip
        answer = writes("amina", contact, child_ids=[robin.pk], adult_ids=[kit.pk], **fields)
        assert answer.status_code == 302, answer.content.decode()
        note = Note.objects.get()
        assert note.happened_at is not None
        assert f"{timezone.localtime(note.happened_at):%Y-%m-%d %H:%M}" == f"{yesterday:%Y-%m-%d} 16:50"
        html = SignedIn("oliver").open(contact).html
        assert f"Telephone call, {yesterday.day} {yesterday:%B %Y}, 16:50" in html
        assert f"About {robin.called}, {kit.called}" in html

    def test_says_every_fault_at_its_field_and_keeps_what_was_typed(self, story: Story) -> None:
        contact = story.contact()
        for says, fields in (
            (["Select what kind of note this is", "Enter the note"], {"kind": "", "text": " "}),
            (
                ["Enter a time of day", "Select what kind of note this is", "Enter the note"],
                {"kind": "", "text": " ", "time": "half past"},
            ),
            (["Enter a real day"], {"on_day": "31", "on_month": "2", "on_year": "2026"}),
            (["Enter the day as well"], {"time": "14:30"}),
        ):
            # What was typed before is filled in again.
            empty = dict.fromkeys(("time", "on_day", "on_month", "on_year"), "")
            answer = writes("amina", contact, **empty | fields)
            assert answer.status_code == 422
            assert [each for each in says if each not in answer.content.decode()] == []
        assert writes("amina", contact, text="x" * 20_001).status_code == 422
        assert UnfinishedForm.objects.get(record=contact.reference).typed["note-text"] == ["x" * 20_001]
        late = timezone.localtime() + timedelta(days=2)
        ahead = {"on_day": str(late.day), "on_month": str(late.month), "on_year": str(late.year)}
        assert "cannot be in the future" in writes("amina", contact, **ahead).content.decode()
        assert not Note.objects.exists()

    def test_a_correction_says_every_fault_at_once_too(self, story: Story) -> None:
        note = story.note(story.contact())
        fields = {"note-was_wrong": " ", "note-text": "", "note-time": "half past"}
        client = SignedIn("amina").client
        sent = Page(client.get(correct_at(note))).form(correct_at(note)) | fields
        html = client.post(correct_at(note), sent).content.decode()
        for says in ("Enter a time of day", "Enter the note", "Enter what was wrong, and how you know"):
            assert html.count(says) == 2, says

    def test_nobody_else_finds_a_form(self, story: Story) -> None:
        case = story.accepted()
        contact = case.contacts.get()
        for name, record, status in (
            ("ava", contact, 403), ("iris", case, 403), ("carol", contact, 404), ("carol", case, 404),
            ("amina", case, 404), ("adele", contact, 404),
        ):  # fmt: skip
            assert SignedIn(name).client.get(write_at(record)).status_code == status, (name, record)
        assert "Add a note" not in SignedIn("ava").open(contact).html
        assert "Add a note" in SignedIn("bea").open(contact).html

    def test_only_managers_and_leads_find_management_oversight(self, story: Story) -> None:
        contact = story.contact()
        assert "Management oversight" not in SignedIn("amina").open(contact, "notes/new/").html
        assert "Management oversight" in SignedIn("maya").open(contact, "notes/new/").html


class TestReading:
    def test_who_may_not_read_a_note_sees_that_there_is_one_and_whom_to_ask(self, story: Story) -> None:
        contact = story.contact()
        assert writes("amina", contact, readers="on").status_code == 302
        story.accepted(contact)
        html = SignedIn("bea").open(contact).html
        assert CALL not in html
        assert "A note that you cannot read" in html
        assert "Only the front door and emergency duty, and those who oversee practice" in html
        for name in ("erin", "oliver", "sam", "ava"):
            assert CALL in SignedIn(name).open(contact).html, name

    def test_a_case_shows_the_notes_of_its_contacts_marked_where_from(self, story: Story) -> None:
        case = story.accepted()
        contact = case.contacts.get()
        of_contact = story.note(contact, child_ids=[contact.children.get().pk])
        story.note(case, by="bea", text="Of the case.")
        html = SignedIn("ben").open(case, "notes/").html
        assert "Of the case." in html
        assert CALL in html
        assert f'on contact <a class="govuk-link" href="{path_of(contact)}">' in html
        assert f"{path_of(contact)}notes/{of_contact.pk}/correct/" in html

    def test_a_long_list_comes_in_pages_and_costs_the_same(self, story: Story) -> None:
        contact = story.contact()
        story.note(contact, text="Note 0.")
        signed_in = SignedIn("amina")
        signed_in.open(contact)

        def cost() -> int:
            with asked() as found:
                signed_in.open(contact)
            return found.statements

        one = cost()
        for number in range(1, A_PAGE + 2):
            story.note(contact, text=f"Note {number}.")
        assert cost() == one
        first, second, none = (
            signed_in.client.get(f"{path_of(contact)}?notes={number}").content.decode() for number in ("1", "2", "99")
        )
        assert ("Note 21." in first, "Note 2." in first, "Note 1." in first) == (True, True, False)
        assert ("Note 1." in second, "Note 0." in second, "Note 2." in second) == (True, True, False)
        assert "There are no notes on this page." in none

    def test_a_hidden_address_is_masked_in_a_note_and_where_it_is_corrected(self, story: Story) -> None:
        at_home = child(address=address("HP20 1UA") | {"lines": ["77 Quincunx Parade"]})
        case = story.accepted(story.contact(children=[at_home], adults=[]))
        contact = case.contacts.get()
        protecting.protect(
            person_id=contact.children.get().person_id, reason="She fled.", by=person("amina"), now=story.later()
        )
        says = "Seen at 77 Quincunx Parade, HP20 1UA."
        notes = [story.note(contact, text=says), story.note(case, by="ben", text=says)]
        story.corrected(notes[0], was_wrong=f"Not {says}", text=says)
        pages = [SignedIn("amina").open(contact), SignedIn("ben").open(case, "notes/")]
        for name, note in zip(("amina", "ben"), notes, strict=True):
            pages.append(Page(SignedIn(name).client.get(correct_at(note))))
        for page in pages:
            assert "Seen at" in page.html
            assert "Quincunx" not in page.html
            assert "1UA" not in page.html

    def test_no_partner_message_or_list_has_a_word_of_it(self, story: Story, caplog: pytest.LogCaptureFixture) -> None:
        contact = story.contact()
        with caplog.at_level("DEBUG"):
            assert writes("amina", contact, text="Quagga.").status_code == 302
        story.accepted(contact)
        agency = Agency.objects.get(contacts=contact)
        partner = Partner(agency)
        told = [partner.read(contact.reference).content.decode(), caplog.text]
        told += [str(values) for values in OutboxMessage.objects.values()]
        told += [str(values) for values in AuditEvent.objects.values("detail")]
        told += [SignedIn("amina").client.get("/").content.decode(), SignedIn("ben").client.get("/").content.decode()]
        assert [each for each in told if "Quagga" in each] == []

    def test_a_restricted_record_shows_no_note(self, story: Story) -> None:
        contact = story.contact()
        note = story.note(contact)
        restrict(story, contact, "amina")
        for name in ("oliver", "maya", "iris"):
            for path in (path_of(contact), write_at(contact), correct_at(note)):
                answer = SignedIn(name).client.get(path)
                assert answer.status_code == 404, (name, path)
                assert CALL not in answer.content.decode()
        assert CALL in SignedIn("amina").open(contact).html


class TestCorrecting:
    def test_both_stay_and_the_page_says_who_when_and_what_was_wrong(self, story: Story) -> None:
        contact = story.contact()
        note = story.note(contact)
        client = SignedIn("amina").client
        page = Page(client.get(correct_at(note)))
        assert CALL in page.form(correct_at(note))["note-text"]
        said = {"note-was_wrong": "I misheard the hour.", "note-text": "She is at work until nine."}
        answer = client.post(correct_at(note), page.form(correct_at(note)) | said)
        assert answer["Location"] == f"{path_of(contact)}#note-{note.pk}"
        html = SignedIn("erin").open(contact).html
        assert "by Amina Hussain.</strong> What was wrong:" in html
        assert html.index("She is at work until nine.") < html.index("What was written before") < html.index(CALL)
        assert AuditEvent.objects.filter(event=Event.NOTE_CORRECTED).count() == 1
        # The next correction begins with what stands.
        page = Page(SignedIn("maya").client.get(correct_at(note)))
        assert page.form(correct_at(note))["note-text"] == "She is at work until nine."

    def test_only_whoever_wrote_it_and_leads_find_the_link(self, story: Story) -> None:
        note = story.note(story.contact())
        for name, finds in (("amina", True), ("maya", True), ("sam", True), ("oliver", False), ("ava", False)):
            assert ("Correct this note" in SignedIn(name).open(note.contact).html) is finds, name
            assert (SignedIn(name).client.get(correct_at(note)).status_code == 200) is finds, name

    def test_the_second_of_two_hears_who_was_faster_and_keeps_the_text(self, story: Story) -> None:
        note = story.note(story.contact())
        client = SignedIn("amina").client
        page = Page(client.get(correct_at(note)))
        story.corrected(note, by="maya")
        said = {"note-was_wrong": "The hour.", "note-text": "Until ten."}
        answer = client.post(correct_at(note), page.form(correct_at(note)) | said)
        assert answer.status_code == 409
        assert "Maya Brooks corrected this note on" in answer.content.decode()
        again = Page(client.get(correct_at(note)))
        assert again.form(correct_at(note))["note-text"] == "Until ten."
        assert client.post(correct_at(note), again.form(correct_at(note))).status_code == 302
        assert [each.edition for each in Note.objects.order_by("pk")] == [1, 2, 3]

    def test_a_note_of_another_record_is_not_found(self, story: Story) -> None:
        note = story.note(story.contact())
        other = story.contact(children=[child(address=address("HP5 1AA"), nhs_number=None)], adults=[])
        assert SignedIn("amina").client.get(f"{path_of(other)}notes/{note.pk}/correct/").status_code == 404


class TestKeeping:
    def test_what_is_typed_is_filled_in_again_until_it_is_saved(self, story: Story) -> None:
        contact = story.contact()
        client = SignedIn("amina").client
        form = Page(client.get(write_at(contact))).form(write_at(contact))
        saved = client.post(write_at(contact), form | {"note-text": "Half a", "keep": "script"})
        assert saved.json()["version"] == 1
        # Another browser, after a crash.
        other = SignedIn("amina").client
        page = Page(other.get(write_at(contact)))
        assert page.form(write_at(contact))["note-text"] == "Half a"
        assert "Half a" in SignedIn("amina").open(contact).html
        assert "Half a" not in SignedIn("oliver").open(contact).html
        said = {"note-kind": "call", "note-text": "Half a note, and the rest."}
        assert other.post(write_at(contact), page.form(write_at(contact)) | said).status_code == 302
        assert not UnfinishedForm.objects.exists()

    def test_whoever_was_second_adds_their_text_as_a_note(self, story: Story) -> None:
        contact = story.contact()
        signed_in = SignedIn("amina")
        path = f"{path_of(contact)}decide/"
        form = Page(signed_in.client.get(path)).form(path)
        story.decided(contact, by="maya")
        answer = signed_in.client.post(path, form | {"decide-rationale": "He was seen at school, and is safe."})
        assert answer.status_code == 409
        begin = f"{path_of(contact)}notes/begin/"
        answer = signed_in.client.post(begin, Page(answer).form(begin))
        assert answer.status_code == 302
        page = Page(signed_in.client.get(answer["Location"]))
        assert page.form(write_at(contact))["note-text"] == "He was seen at school, and is safe."
        said = page.form(write_at(contact)) | {"note-kind": "other"}
        assert signed_in.client.post(write_at(contact), said).status_code == 302
        assert Note.objects.get().text == "He was seen at school, and is safe."
        assert not UnfinishedForm.objects.exists()

    def test_nobody_begins_a_note_with_what_somebody_else_typed(self, story: Story, amina: Any) -> None:
        contact = story.contact()
        unfinished_forms.save(
            key="k" * 32, record=contact.reference, address=f"{path_of(contact)}decide/",
            typed={"decide-rationale": ["Mine."]}, page="", seen_version=0, by=amina, now=story.now,
        )  # fmt: skip
        answer = SignedIn("oliver").client.post(f"{path_of(contact)}notes/begin/", {"typed": "k" * 32})
        assert answer["Location"] == write_at(contact)
        assert "Mine." not in SignedIn("oliver").client.get(write_at(contact)).content.decode()
        assert UnfinishedForm.objects.get().address == f"{path_of(contact)}decide/"


class TestAmongManyNotes:
    @pytest.mark.parametrize("of", ["contact", "case"])
    def test_those_of_a_record_are_looked_up(self, story: Story, of: str) -> None:
        case = story.accepted()
        contact = case.contacts.get()
        record: Contact | Case = contact if of == "contact" else case
        # The table is short here. Where the indexes cannot be used, PostgreSQL reads it all the same.
        run("SET LOCAL enable_seqscan = off")
        for query in NotesOf(record, person("ben"), story.now).queries:
            sql, parameters = query.query.sql_with_params()
            plan = "\n".join(line for (line,) in run(f"EXPLAIN {sql}", *parameters))
            assert "Seq Scan on casework_note" not in plan, plan
