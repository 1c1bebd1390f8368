"""Files on records: who may put one there, open it and remove it, and what stays."""

from typing import Any

import pytest

from casework.actions import contact_drafts, files, protecting
from casework.actions.contact_drafts import Task
from casework.files import storing
from casework.models import AuditEvent, Case, Contact, ContactDraft, Event, File, FileKind, OutboxMessage
from casework.models.files import MOST_ON_A_RECORD
from errors import InvalidInput, KeyUsedForAnother, NotAllowedInStatus, NotPermitted
from localities.models import Agency
from tests.stage.documents import contact_document
from tests.stage.files import PDF, picture, put, stored
from tests.stage.restricted import restrict
from tests.stage.story import Story, person


def school() -> Agency:
    return Agency.objects.get(code="example-primary-school")


def download(file: File, by: str, story: Story, **how: Any) -> File:
    record = file.contact or file.case
    assert record is not None
    return files.download(reference=record.reference, key=file.key, by=person(by), now=story.later(), **how)[0]


def remove(file: File, by: str, story: Story, reason: str = "It is about another family.") -> File:
    assert file.contact is not None
    reference = file.contact.reference
    return files.remove(reference=reference, key=file.key, reason=reason, by=person(by), now=story.later())


def put_on_case(case: Case, by: str, story: Story) -> File:
    return files.add_to_case(case_id=case.pk, stored=stored(), name="plan.pdf", by=person(by), now=story.later())


def hide_address(contact: Contact, story: Story) -> None:
    protecting.protect(
        person_id=contact.children.get().person_id, reason="The police say so.", by=person("amina"), now=story.later()
    )


class TestAdding:
    def test_a_file_says_what_it_is_who_put_it_there_and_when(self, story: Story) -> None:
        contact = story.contact()
        file = put(contact, story, name="../letter from school.doc", about="  What the school wrote ")
        file.refresh_from_db()
        assert (file.contact, file.by_user, file.by_agency, file.at) == (contact, person("amina"), None, story.now)
        assert (file.name, file.about, file.kind, file.size) == (
            "letter from school.doc", "What the school wrote", FileKind.PDF, len(PDF),
        )  # fmt: skip
        with storing.open_content(file.key) as content:
            assert content.read() == PDF
        event = AuditEvent.objects.get(event=Event.FILE_ADDED)
        assert (event.contact, event.by_user) == (contact, person("amina"))
        assert event.detail == {"file": file.key, "kind": "pdf", "size": len(PDF)}

    def test_front_door_and_the_responsible_team_put_files_on_a_contact(self, story: Story) -> None:
        case = story.accepted()
        contact = case.contacts.get()
        for name in ("oliver", "ben", "bea"):
            put(contact, story, by=name)
        with pytest.raises(NotPermitted, match="Only front-door staff, or the team"):
            put(contact, story, by="ava")
        with pytest.raises(Contact.DoesNotExist):
            put(contact, story, by="carol")

    def test_the_responsible_team_puts_files_on_a_case_also_when_it_is_closed(self, story: Story) -> None:
        case = story.accepted()
        put_on_case(case, "ben", story)
        story.closed(case)
        put_on_case(case, "bea", story)
        with pytest.raises(NotPermitted):
            put_on_case(case, "ava", story)
        with pytest.raises(Case.DoesNotExist):
            put_on_case(case, "carol", story)

    def test_an_agency_puts_files_on_its_own_contacts_and_the_team_is_told(self, story: Story) -> None:
        contact = story.contact()
        file = put(contact, story, by=school())
        assert (file.by_user, file.by_agency) == (None, school())
        assert OutboxMessage.objects.filter(kind="file_added", contact=contact).exists()
        with pytest.raises(Contact.DoesNotExist):
            put(contact, story, by=Agency.objects.get(code="example-police"))

    def test_an_agency_is_told_when_nobody_works_with_the_family_any_more(self, story: Story) -> None:
        contact = story.closed().contacts.get()
        with pytest.raises(NotAllowedInStatus, match="in a new contact"):
            put(contact, story, by=school())

    def test_the_same_content_from_the_same_person_is_one_file(self, story: Story) -> None:
        contact = story.contact()
        first = put(contact, story)
        assert put(contact, story, name="again.pdf") == first
        assert put(contact, story, by="oliver") != first
        assert put(contact, story, by=school()) != first
        assert AuditEvent.objects.filter(event=Event.FILE_ADDED).count() == 3

    def test_a_key_is_one_file(self, story: Story) -> None:
        contact, other = story.contact(), story.contact()
        first = put(contact, story, by=school(), idempotency_key="one")
        assert put(contact, story, by=school(), idempotency_key="one") == first
        for changed in ((other, PDF), (contact, picture())):
            with pytest.raises(KeyUsedForAnother):
                put(changed[0], story, changed[1], by=school(), idempotency_key="one")
        told = OutboxMessage.objects.filter(kind="file_added").values_list("to", flat=True)
        assert len(told) == len({*told})

    def test_a_record_holds_so_many_files_and_removed_ones_do_not_count(self, story: Story) -> None:
        contact = story.contact()
        for number in range(MOST_ON_A_RECORD):
            last = put(contact, story, PDF + str(number).encode())
        with pytest.raises(InvalidInput, match="no record holds more"):
            put(contact, story)
        remove(last, "maya", story)
        put(contact, story)

    def test_long_words_are_refused_and_nothing_is_written(self, story: Story) -> None:
        with pytest.raises(InvalidInput, match="200 characters or fewer"):
            put(story.contact(), story, about="a" * 201)
        assert not File.objects.exists()


class TestDrafts:
    @pytest.fixture
    def draft(self, story: Story) -> ContactDraft:
        task = Task("concern", {"a": ["b"]}, {"a"})
        return contact_drafts.save(key="k", task=task, seen_version=0, by=person("amina"), now=story.now).draft

    def put(self, draft: ContactDraft, story: Story, by: str = "amina") -> File:
        return files.add_to_draft(key=draft.key, stored=stored(), name="a.pdf", by=person(by), now=story.later())

    def test_a_file_goes_with_its_draft_to_the_contact(self, draft: ContactDraft, story: Story) -> None:
        file = self.put(draft, story)
        received = contact_drafts.submit(
            key=draft.key, seen_version=draft.version, document=contact_document(), by=person("amina"),
            now=story.later(),
        )  # fmt: skip
        assert [*received.contact.files.all()] == [file]
        assert not File.objects.exclude(draft="").exists()

    def test_a_file_goes_when_its_draft_is_deleted_or_it_is_taken_off(self, draft: ContactDraft, story: Story) -> None:
        file = self.put(draft, story)
        files.remove_from_draft(key=draft.key, file_key=file.key, by=person("amina"), now=story.later())
        assert not File.objects.exists()
        self.put(draft, story)
        contact_drafts.delete(key=draft.key, by=person("amina"), now=story.later())
        assert not File.objects.exists()

    def test_nobody_else_touches_it(self, draft: ContactDraft, story: Story) -> None:
        file = self.put(draft, story)
        with pytest.raises(ContactDraft.DoesNotExist):
            self.put(draft, story, by="oliver")
        with pytest.raises(ContactDraft.DoesNotExist):
            files.remove_from_draft(key=draft.key, file_key=file.key, by=person("oliver"), now=story.later())

    def test_a_draft_that_is_deleted_takes_no_file(self, draft: ContactDraft, story: Story) -> None:
        contact_drafts.delete(key=draft.key, by=person("amina"), now=story.later())
        with pytest.raises(NotAllowedInStatus):
            self.put(draft, story)


class TestOpening:
    def test_whoever_sees_the_record_may_have_it_and_the_audit_says_so(self, story: Story) -> None:
        contact = story.accepted().contacts.get()
        file = put(contact, story)
        for name in ("amina", "ben", "ava"):
            assert download(file, name, story) == file
            event = AuditEvent.objects.filter(event=Event.FILE_DOWNLOADED).latest("pk")
            assert (event.by_user, event.contact, event.detail) == (
                person(name), contact, {"file": file.key, "as_picture": False, "hidden_address": False},
            )  # fmt: skip
        with pytest.raises(Contact.DoesNotExist):
            download(file, "carol", story)

    def test_a_file_of_a_case_is_for_those_who_see_the_case(self, story: Story) -> None:
        file = put_on_case(story.accepted(), "ben", story)
        download(file, "bea", story)
        for name in ("carol", "amina"):
            with pytest.raises(Case.DoesNotExist):
                download(file, name, story)

    def test_a_restricted_record_closes_its_files(self, story: Story) -> None:
        contact = story.contact()
        file = put(contact, story)
        restrict(story, contact, "maya")
        download(file, "maya", story)
        for look in (download, remove):
            with pytest.raises(Contact.DoesNotExist):
                look(file, "amina", story)

    def test_a_file_is_on_its_own_record_alone(self, story: Story) -> None:
        file, other = put(story.contact(), story), story.contact()
        with pytest.raises(File.DoesNotExist):
            files.view(reference=other.reference, key=file.key, by=person("amina"), now=story.later())

    def test_where_an_address_is_hidden_a_manager_alone_opens_files(self, story: Story) -> None:
        case = story.accepted()
        contact = case.contacts.get()
        on_both = [put(contact, story), put_on_case(case, "ben", story)]
        hide_address(contact, story)
        for file in on_both:
            for name in {"ben", "ava"} | ({"amina"} if file.contact else set()):
                with pytest.raises(NotPermitted, match="confidential address"):
                    download(file, name, story)
            download(file, "sam", story)
            assert AuditEvent.objects.filter(event=Event.FILE_DOWNLOADED).latest("pk").detail["hidden_address"]
        download(on_both[0], "maya", story)
        # What it is called, and by whom it came, is still there for all who see the record.
        files.view(reference=contact.reference, key=on_both[0].key, by=person("amina"), now=story.later())

    def test_nothing_is_opened_that_is_not_ready(self, story: Story) -> None:
        contact = story.contact()
        waits, infected, removed = (put(contact, story, PDF + each) for each in (b"1", b"2", b"3"))
        File.objects.filter(pk=waits.pk).update(check_after=story.now)
        File.objects.filter(pk=infected.pk).update(checked_at=story.now, found="Eicar")
        remove(removed, "iris", story)
        for file, says in ((waits, "being checked"), (infected, "may contain a virus"), (removed, "was removed")):
            with pytest.raises(NotAllowedInStatus, match=says):
                download(file, "maya", story)
        assert not AuditEvent.objects.filter(event=Event.FILE_DOWNLOADED).exists()

    def test_there_is_a_picture_to_look_at_where_one_was_drawn(self, story: Story) -> None:
        file = put(story.contact(), story, picture())
        with pytest.raises(File.DoesNotExist):
            download(file, "amina", story, as_picture=True)
        File.objects.filter(pk=file.pk).update(preview_after=None, has_preview=True)
        assert download(file, "amina", story, as_picture=True) == file


class TestRemoving:
    def test_a_removed_file_says_who_and_why_and_its_content_stays(self, story: Story) -> None:
        file = put(story.contact(), story)
        for name in ("maya", "sam"):
            assert remove(put(story.contact(), story), name, story).removed_by == person(name)
        remove(file, "iris", story, reason=" Wrong family. ")
        file.refresh_from_db()
        assert (file.removed_by, file.removed_at, file.removed_because) == (person("iris"), story.now, "Wrong family.")
        with storing.open_content(file.key) as content:
            assert content.read() == PDF
        assert AuditEvent.objects.filter(event=Event.FILE_REMOVED).latest("pk").detail == {"file": file.key}

    def test_a_reason_is_asked_for(self, story: Story) -> None:
        with pytest.raises(InvalidInput, match="why the file is removed"):
            remove(put(story.contact(), story), "iris", story, reason=" ")

    def test_whoever_put_it_there_asks_somebody(self, story: Story) -> None:
        with pytest.raises(NotPermitted, match="Ask one"):
            remove(put(story.contact(), story), "amina", story)
