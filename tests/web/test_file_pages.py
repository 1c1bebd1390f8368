"""The pages of files: adding, looking, having and removing, for whoever may; and what goes out over the wire."""

import re
import time
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from casework.actions import contact_drafts, files, protecting
from casework.actions.contact_drafts import Task
from casework.files import content, storing, uploads
from casework.jobs import files as jobs
from casework.models import AuditEvent, Contact, ContactDraft, Event, File
from casework.models.files import LARGEST
from localities.models import User
from tests.stage.clamd import EICAR, clamd
from tests.stage.files import HTML, PDF, SVG, docm, picture, put, stored
from tests.stage.restricted import restrict
from tests.stage.staff import SignedIn, is_refused, is_wrong, path_of
from tests.stage.story import Story, person
from tests.stage.web_client import Answer, Page, browser

DRAFT = f"/contacts/new/{'a' * 32}/files/"


def given(content: bytes = PDF, name: str = "report.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def add(name: str, of: object, content: bytes = PDF, called: str = "report.pdf", **typed: str) -> Answer:
    path = of if isinstance(of, str) else f"{path_of(of)}files/"
    return SignedIn(name).client.post(path, {"file": given(content, called), **typed})


def all_stored() -> set[str]:
    return {key for folder in storing.FOLDERS for key in storing.keys_in(folder)}


def page_of(file: File, more: str = "") -> str:
    return f"{path_of(file.contact or file.case)}files/{file.key}/{more}"


def got(name: str, file: File, more: str = "download/") -> Any:
    return SignedIn(name).client.get(page_of(file, more))


class TestAdding:
    def test_a_file_is_added_and_stands_on_the_contact(self, contact: Contact) -> None:
        answer = add("amina", contact, about="What the school wrote")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"{path_of(contact)}files/")
        file = contact.files.get()
        assert (file.name, file.about, file.kind) == ("report.pdf", "What the school wrote", "pdf")
        page = SignedIn("amina").open(f"{path_of(contact)}files/")
        assert "The file is added." in page.text
        assert "What the school wrote" in page.text
        (link,) = SignedIn("amina").open(contact).root.all("a", href=page_of(file))
        assert link.text == "report.pdf"

    def test_the_team_adds_one_to_its_case_and_sees_those_of_its_contacts(self, story: Story) -> None:
        case = story.accepted()
        put(case.contacts.get(), story, name="from the school.pdf")
        assert add("ben", case).status_code == 302
        page = SignedIn("bea").open(f"{path_of(case)}files/")
        assert {link.text for link in page.root.all("a", class_="app-given")} == {"from the school.pdf", "report.pdf"}
        assert case.files.get().by_user == person("ben")

    @pytest.mark.parametrize(
        ("sample", "called", "says"),
        [
            (HTML, "page.pdf", content.NOT_ALLOWED),
            (SVG, "picture.png", content.NOT_ALLOWED),
            (docm(), "letter.docx", content.HAS_MACROS),
            (b"", "nothing.pdf", content.EMPTY),
            (PDF.ljust(LARGEST + 1), "large.pdf", content.TOO_LARGE),
        ],
    )
    def test_what_is_refused_is_said_at_the_field_and_the_text_stays(
        self, contact: Contact, sample: bytes, called: str, says: str
    ) -> None:
        page = is_wrong(add("amina", contact, sample, called, about="What the school wrote"), {"id_file": says})
        assert page.form(f"{path_of(contact)}files/")["about"] == "What the school wrote"
        assert not File.objects.exists()

    @pytest.mark.parametrize(("about", "status"), [("What the school wrote", 302), ("w" * 201, 422)])
    def test_what_is_refused_or_comes_twice_does_not_fill_the_disk(
        self, contact: Contact, about: str, status: int
    ) -> None:
        add("amina", contact)
        (file,), before = contact.files.all(), all_stored()
        for _ in range(2):
            more = PDF if status == 302 else PDF + b"another"
            assert add("amina", contact, more, about=about).status_code == status
        assert (list(contact.files.all()), all_stored()) == ([file], before)
        assert file.key in before

    def test_without_a_file_one_is_asked_for(self, contact: Contact) -> None:
        answer = SignedIn("amina").client.post(f"{path_of(contact)}files/", {"about": "x"})
        is_wrong(answer, {"id_file": content.SELECT})

    def test_a_picture_with_a_wrong_ending_is_kept_with_what_it_is(self, contact: Contact) -> None:
        assert add("amina", contact, picture("JPEG"), "photo.pdf").status_code == 302
        file = contact.files.get()
        assert file.kind == "jpeg"
        page = SignedIn("amina").open(page_of(file))
        assert "Picture (JPEG). Its name says something else: the content decides" in page.text
        assert got("amina", file).headers["Content-Disposition"] == 'attachment; filename="photo.pdf.jpg"'

    @pytest.mark.parametrize("called", ["../../etc/passwd", "..\\..\\boot.pdf", "a\x00b.pdf", "x" * 300 + ".pdf"])
    def test_a_name_leads_nowhere(self, contact: Contact, called: str) -> None:
        upload = given()
        upload._name = called  # type: ignore[attr-defined]  # Django's own would clean it before it is sent
        assert SignedIn("amina").client.post(f"{path_of(contact)}files/", {"file": upload}).status_code == 302
        file = contact.files.get()
        assert not re.search(r"[/\\\x00]", file.name)
        assert storing.path_of(file.key) == f"{file.key[:2]}/{file.key}"
        assert len(file.name) <= 150

    def test_a_body_that_is_too_large_is_not_read_and_the_page_says_the_limit(
        self, contact: Contact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(uploads, "LARGEST_BODY", 10_000)
        answer = add("amina", contact, PDF.ljust(20_000))
        assert answer.status_code == 413
        assert "smaller than 20MB" in Page(answer).text

    def test_elsewhere_no_file_is_taken(self, contact: Contact, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(uploads, "Upload", lambda _: pytest.fail("it was written to the disk"))
        answer = SignedIn("amina").client.post(f"{path_of(contact)}agreement/", {"service": "given", "a": given()})
        assert answer.status_code in (302, 422)
        large = given(PDF.ljust(2 * 1024 * 1024))
        assert SignedIn("amina").client.post(f"{path_of(contact)}agreement/", {"a": large}).status_code == 413

    def test_nothing_is_written_of_whoever_has_not_signed_in(
        self, contact: Contact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(uploads, "Upload", lambda _: pytest.fail("it was written to the disk"))
        answer = browser().post(f"{path_of(contact)}files/", {"file": given()})
        assert answer.headers["Location"].startswith("/accounts/login/")

    def test_whoever_only_looks_has_no_form(self, contact: Contact) -> None:
        for name in ("ava", "iris"):
            assert SignedIn(name).open(f"{path_of(contact)}files/").actions == set()
            is_refused(add(name, contact), 403, "Only front-door staff, or the team responsible")
        assert not File.objects.exists()

    def test_that_nothing_is_checked_is_said(self, contact: Contact, settings: Settings) -> None:
        says = "Files are not checked for viruses here"
        for name in ("amina", "ava"):
            assert says in SignedIn(name).open(f"{path_of(contact)}files/").text
        assert says in SignedIn("amina").open(DRAFT).text
        settings.CLAMAV_URL = "tcp://127.0.0.1:1"
        assert says not in SignedIn("amina").open(f"{path_of(contact)}files/").text


class TestPages:
    def test_say_of_which_family_they_are(self, story: Story) -> None:
        case = story.accepted()
        file = put(case.contacts.get(), story)
        for path in (f"{path_of(case)}files/", f"{path_of(file.contact)}files/", page_of(file)):
            assert "Robin Ashworth" in Page(SignedIn("ben").client.get(path)).heading, path
        assert "Robin Ashworth" in Page(SignedIn("maya").client.get(page_of(file, "remove/"))).heading


class TestHaving:
    def test_it_goes_out_as_a_download_that_runs_nothing(self, contact: Contact, story: Story) -> None:
        file = put(contact, story, name="Schulbericht – Größe.pdf")
        answer = got("amina", file)
        assert b"".join(answer.streaming_content) == PDF
        headers = answer.headers
        assert headers["Content-Type"] == "application/pdf"
        assert headers["Content-Length"] == str(len(PDF))
        assert headers["Content-Disposition"].startswith("attachment; filename*=utf-8''")
        assert unquote(headers["Content-Disposition"]).endswith("Schulbericht – Größe.pdf")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Content-Encoding" not in headers

    def test_a_packing_browser_gets_it_as_it_is(self, contact: Contact, story: Story) -> None:
        file = put(contact, story, PDF.ljust(5000))
        answer = SignedIn("amina").client.get(page_of(file, "download/"), headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in answer.headers
        assert len(b"".join(answer.streaming_content)) == 5000  # type: ignore[attr-defined]  # it is streamed

    def test_a_picture_is_looked_at_smaller_and_without_what_the_camera_wrote(
        self, contact: Contact, story: Story
    ) -> None:
        file = put(contact, story, picture("JPEG", (3000, 2000), exif=True), "injury.jpg")
        assert "app-picture" not in SignedIn("amina").open(page_of(file)).html
        assert got("amina", file, "picture/").status_code == 404
        jobs.draw_previews(clock=lambda: story.now)
        (shown,) = SignedIn("amina").open(page_of(file)).root.all("img")
        assert shown["src"] == page_of(file, "picture/")
        answer = SignedIn("amina").client.get(shown["src"])
        drawn = b"".join(answer.streaming_content)  # type: ignore[attr-defined]  # it is streamed
        assert (answer.headers["Content-Type"], b"camera" in drawn) == ("image/jpeg", False)
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"

    def test_each_time_is_in_the_audit(self, contact: Contact, story: Story) -> None:
        file = put(contact, story)
        got("amina", file)
        SignedIn("ava").open(page_of(file))
        events = AuditEvent.objects.filter(event__in=(Event.FILE_VIEWED, Event.FILE_DOWNLOADED)).order_by("pk")
        assert [(event.event, event.by_user) for event in events] == [
            (Event.FILE_DOWNLOADED, person("amina")), (Event.FILE_VIEWED, person("ava")),
        ]  # fmt: skip

    def test_whoever_does_not_see_the_record_finds_nothing(self, story: Story) -> None:
        case = story.accepted()
        on_contact, ben = put(case.contacts.get(), story), person("ben")
        on_case = files.add_to_case(case_id=case.pk, stored=stored(), name="a.pdf", by=ben, now=story.later())
        for file in (on_contact, on_case):
            for more in ("", "download/", "picture/", "remove/"):
                assert got("carol", file, more).status_code in (403, 404), more
            assert got("ben", file).status_code == 200
        assert got("amina", on_case).status_code == 404

    def test_an_address_of_another_record_or_of_nothing_is_not_found(self, contact: Contact, story: Story) -> None:
        file, other = put(contact, story), story.contact()
        for path in (f"{path_of(other)}files/{file.key}/", f"{path_of(contact)}files/{'0' * 32}/download/"):
            assert SignedIn("amina").client.get(path).status_code == 404

    def test_a_restricted_record_closes_its_files(self, contact: Contact, story: Story) -> None:
        file = put(contact, story)
        restrict(story, contact)
        for more in ("", "download/", "picture/"):
            assert got("amina", file, more).status_code == 404
        assert SignedIn("amina").client.get(f"{path_of(contact)}files/").status_code == 404

    def test_where_an_address_is_hidden_managers_alone_have_it(self, contact: Contact, story: Story) -> None:
        file = put(contact, story, name="visit to 12 Example Road HP20 1UA.pdf", about="12 Example Road")
        protecting.protect(
            person_id=contact.children.get().person_id, reason="So.", by=person("amina"), now=timezone.now()
        )
        for path in (path_of(contact), f"{path_of(contact)}files/", page_of(file)):
            page = SignedIn("amina").open(path)
            assert "[confidential address]" in page.text
            assert not re.search("Example Road|HP20", page.html)
        assert "Only a front-door manager or a service manager can open them" in page.text
        assert not page.root.all("a", href=page_of(file, "download/"))
        is_refused(got("amina", file), 403, "confidential address")
        for name in ("maya", "sam"):
            assert SignedIn(name).open(page_of(file)).root.all("a", href=page_of(file, "download/"))
            answer = got(name, file)
            assert answer.headers["Content-Disposition"] == f'attachment; filename="{contact} file {file.pk}.pdf"'

    @pytest.mark.parametrize("why", ["hidden", "restricted", "nothing"])
    def test_where_few_may_see_it_whoever_did_not_sign_in_just_now_is_asked_again(
        self, contact: Contact, story: Story, maya: User, why: str
    ) -> None:
        maya.set_password("correct horse battery staple")
        maya.save()
        file = put(contact, story, picture(), name="bruise.jpg")
        jobs.draw_previews(clock=lambda: story.now)
        if why == "hidden":
            person_id = contact.children.get().person_id
            protecting.protect(person_id=person_id, reason="So.", by=person("amina"), now=timezone.now())
        if why == "restricted":
            restrict(story, contact, "maya")
        window = SignedIn("maya")
        assert window.open(page_of(file)).root.all("img", src=page_of(file, "picture/"))
        session = window.client.session
        session["account_authentication_methods"] = [{"method": "password", "at": time.time() - 16 * 60}]
        session.save()
        is_guarded = why != "nothing"
        assert bool(window.open(page_of(file)).root.all("img", src=page_of(file, "picture/"))) != is_guarded
        assert window.open(page_of(file)).root.all("a", href=page_of(file, "download/"))
        for more in ("download/", "picture/"):
            answer = window.client.get(page_of(file, more))
            if is_guarded:
                assert answer.headers["Location"].startswith("/accounts/again/?next=")
            else:
                assert answer.status_code == 200
        downloads = AuditEvent.objects.filter(event=Event.FILE_DOWNLOADED, detail__as_picture=False).count()
        assert downloads == (0 if is_guarded else 1)

    def test_content_that_is_missing_is_said(self, contact: Contact, story: Story) -> None:
        file = put(contact, story)
        storing.delete(file.key)
        is_refused(got("amina", file), 503, "The content of this file is missing")

    def test_a_virus_is_never_had(self, contact: Contact, settings: Settings) -> None:
        with clamd() as scanner:
            settings.CLAMAV_URL = scanner.url
            add("amina", contact, PDF + EICAR)
            file = contact.files.get()
            assert "being checked for viruses" in SignedIn("amina").open(page_of(file)).text
            is_refused(got("maya", file), 409, "being checked for viruses")
            jobs.check(clock=timezone.now)
        page = SignedIn("amina").open(page_of(file))
        assert "This file may contain a virus. Nobody can open it." in page.text
        assert not page.root.all("a", href=page_of(file, "download/"))
        for name in ("amina", "maya", "iris"):
            is_refused(got(name, file), 409, "may contain a virus")
        assert "Refused" in SignedIn("amina").open(contact).text


class TestRemoving:
    def test_a_file_on_the_wrong_record_is_removed_with_a_reason(self, contact: Contact, story: Story) -> None:
        file, iris = put(contact, story), SignedIn("iris")
        path = page_of(file, "remove/")
        assert iris.open(page_of(file)).root.all("a", href=path)
        is_wrong(iris.client.post(path, {"reason": " "}), {"id_reason": "Enter why the file is removed"})
        assert iris.client.post(path, {"reason": "It is about another family."}).status_code == 302
        assert "It is about another family." in iris.open(page_of(file)).text
        is_refused(got("amina", file), 409, "was removed")
        assert not SignedIn("amina").open(contact).root.all("a", href=page_of(file))
        assert "Removed" in SignedIn("amina").open(f"{path_of(contact)}files/").text
        is_refused(iris.client.post(path, {"reason": "Again."}), 409, "removed already")

    def test_others_ask_somebody(self, contact: Contact, story: Story) -> None:
        file = put(contact, story)
        assert not SignedIn("amina").open(page_of(file)).root.all("a", href=page_of(file, "remove/"))
        is_refused(got("amina", file, "remove/"), 403, "can remove a file")


class TestOnADraft:
    def test_files_are_kept_with_the_draft_and_listed_with_its_answers(self, story: Story) -> None:
        assert add("amina", DRAFT, PDF, "a.pdf", about="From the nursery").status_code == 302
        draft, amina = ContactDraft.objects.get(), SignedIn("amina")
        assert (draft.key, File.objects.get().draft) == ("a" * 32, draft.key)
        assert "1 added" in amina.open(f"/contacts/new/{draft.key}/").text
        assert "a.pdf" in amina.open(f"/contacts/new/{draft.key}/check/").text
        assert "From the nursery" in amina.open(DRAFT).text

    def test_one_is_deleted_from_it(self, story: Story) -> None:
        add("amina", DRAFT)
        key = File.objects.get().key
        assert SignedIn("amina").client.post(DRAFT, {"remove": key}).status_code == 302
        assert not File.objects.exists()
        assert SignedIn("amina").client.post(DRAFT, {"remove": key}).status_code == 404

    def test_what_is_refused_is_said_and_the_text_stays(self, story: Story) -> None:
        page = is_wrong(add("amina", DRAFT, HTML, about="A page"), {"id_file": content.NOT_ALLOWED})
        assert page.form(DRAFT)["about"] == "A page"
        assert not ContactDraft.objects.exists()

    def test_nobody_else_sees_it(self, story: Story) -> None:
        add("amina", DRAFT)
        for name in ("oliver", "maya", "ben"):
            assert SignedIn(name).client.get(DRAFT).status_code in (403, 404)
            assert add(name, DRAFT).status_code in (403, 404)
        assert File.objects.count() == 1

    def test_a_draft_that_was_submitted_leads_to_the_files_of_its_contact(self, story: Story) -> None:
        task = Task("concern", {"a": ["b"]}, {"a"})
        contact_drafts.save(key="a" * 32, task=task, seen_version=0, by=person("amina"), now=story.now)
        contact = story.contact()
        ContactDraft.objects.update(contact=contact, typed={})
        assert SignedIn("amina").client.get(DRAFT).headers["Location"] == f"{path_of(contact)}files/"


def test_every_page_of_files_has_contacts_and_cases() -> None:
    for page in ("files", "file", "file-download", "file-picture", "file-remove"):
        more = ["b" * 32] if page != "files" else []
        contact, case = (reverse(f"{kind}-{page}", args=["CON-0000-0000", *more]) for kind in ("contact", "case"))
        assert contact.replace("contacts", "cases") == case


def test_files_from_before_there_was_a_scanner_say_that_their_turn_has_not_come(
    contact: Contact, story: Story, settings: Settings
) -> None:
    settings.CLAMAV_URL = ""
    old = put(contact, story)
    says = "Not checked for viruses yet"
    places = (path_of(contact), f"{path_of(contact)}files/")
    assert not any(says in SignedIn("amina").open(each).text for each in places)
    assert "no virus scanner. Not checked: 1." in SignedIn("sam").open("/admin/").text
    settings.CLAMAV_URL = "tcp://localhost:1"
    assert all(says in SignedIn("amina").open(each).text for each in places)
    assert "It came before files were checked here" in SignedIn("amina").open(page_of(old)).text
    first = SignedIn("sam").open("/admin/").text
    assert "before there was a virus scanner, which it has not come to yet: 1." in first
    File.objects.update(check_after=timezone.now())
    assert not any(says in SignedIn("amina").open(each).text for each in places)
    assert "until the virus scanner has answered: 1." in SignedIn("sam").open("/admin/").text


def test_a_disk_that_cannot_be_written_is_said_and_the_text_stays(contact: Contact, settings: Settings) -> None:
    settings.FILES_INCOMING = "/dev/null/incoming"
    page = is_wrong(add("amina", contact, about="His left arm"), {"id_file": storing.AWAY})
    assert "His left arm" in page.html
    assert not contact.files.exists()
