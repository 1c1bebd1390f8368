"""Files by the partner API: on the agency's own contacts, checked by their content, and never given back."""

import json
import logging
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pytest_django import Settings

from casework.files import content, storing, uploads
from casework.jobs import files as jobs
from casework.models import Contact, File, OutboxMessage
from casework.models.files import LARGEST
from localities.models import Agency
from tests.stage.clamd import EICAR, clamd
from tests.stage.files import HTML, PDF, picture, put
from tests.stage.logs import lines
from tests.stage.story import Story
from tests.stage.web_client import CONTACTS, Partner, a_working_morning, pointers, problem


@pytest.fixture
def contact(partner: Partner) -> Contact:
    return partner.sent()


def send(
    partner: Partner, contact: object, sent: bytes = PDF, name: str = "report.pdf", key: str = "", **more: Any
) -> Any:
    headers = partner.headers | ({"Idempotency-Key": key} if key else {})
    body = {"file": SimpleUploadedFile(name, sent), **more}
    return partner.http.post(f"{CONTACTS}/{contact}/files", body, headers=headers)


def listed(partner: Partner, contact: Contact) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = partner.read(contact).json()["files"]
    return files


def test_a_file_is_taken_in_and_stands_in_the_contacts_answer(partner: Partner, contact: Contact) -> None:
    answer = send(partner, contact, picture("JPEG"), "../injury.pdf", about="His left arm\x00, on Monday")
    assert answer.status_code == 201
    file = contact.files.get()
    assert answer.json() == {
        "id": file.key, "name": "injury.pdf", "kind": "jpeg", "size": file.size, "sha256": file.sha256,
        "received_at": file.at.isoformat(), "state": "ready",
    }  # fmt: skip
    assert answer.headers["Location"].endswith(f"{CONTACTS}/{contact}")
    assert listed(partner, contact) == [answer.json()]
    assert (file.by_agency, file.about) == (partner.agency, "His left arm, on Monday")
    assert OutboxMessage.objects.filter(kind="file_added", contact=contact).exists()


def test_a_new_contact_has_none(partner: Partner) -> None:
    assert listed(partner, partner.sent()) == []


def test_two_files_at_once_are_refused_and_none_is_lost_unsaid(partner: Partner, contact: Contact) -> None:
    two = {"file": [SimpleUploadedFile(name, PDF) for name in ("a.pdf", "b.pdf")]}
    answer = partner.http.post(f"{CONTACTS}/{contact}/files", two, headers=partner.headers)
    assert [*pointers(problem(answer, 400, "invalid"))] == ["#/file"]
    assert listed(partner, contact) == []


class CutOff(BytesIO):
    """A body whose sender goes away in the middle of a file."""

    def __init__(self) -> None:
        super().__init__()
        self.comes = [
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n' + PDF.ljust(200_000, b"%")
        ]

    def read(self, size: int | None = -1) -> bytes:
        if self.comes:
            return self.comes.pop()
        raise ConnectionResetError(104, "Connection reset by peer")


def test_a_sender_who_goes_away_leaves_nothing_behind(
    partner: Partner, contact: Contact, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.FILES_INCOMING = str(tmp_path)
    body: dict[str, Any] = {"wsgi.input": CutOff()}
    with caplog.at_level(logging.INFO):
        answer = partner.http.generic(
            "POST", f"{CONTACTS}/{contact}/files", b"-" * 900_000, "multipart/form-data; boundary=x",
            headers=partner.headers, **body,
        )  # fmt: skip
        assert problem(answer, 400, "parse-error")["detail"] == "The body was cut off."
        assert [*tmp_path.iterdir()] == [], "while the answer is still there, too"
    said = lines(caplog)
    assert said
    assert [line for line in said if line["level"] == "error"] == []
    assert listed(partner, contact) == []


def test_a_disk_that_cannot_be_written_is_said_as_what_may_be_tried_again(
    partner: Partner, contact: Contact, settings: Settings
) -> None:
    settings.FILES_INCOMING = "/dev/null/incoming"
    answer = send(partner, contact)
    assert answer.status_code == 503
    assert answer.json()["detail"] == storing.AWAY


def test_the_state_says_what_became_of_it(partner: Partner, contact: Contact, settings: Settings) -> None:
    with clamd() as scanner:
        settings.CLAMAV_URL = scanner.url
        for sent in (PDF, PDF + EICAR):
            assert send(partner, contact, sent).json()["state"] == "being_checked"
        jobs.check(clock=timezone.now)
    assert [file["state"] for file in listed(partner, contact)] == ["ready", "refused"]


def test_with_the_same_key_or_the_same_content_it_is_one_file(partner: Partner, contact: Contact) -> None:
    first = send(partner, contact, key="one")
    assert first.status_code == 201
    assert "Idempotency-Replayed" not in first.headers
    for again in (send(partner, contact, key="one"), send(partner, contact)):
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["Idempotency-Replayed"] == "true"
    assert File.objects.count() == 1
    problem(send(partner, contact, picture(), key="one"), 422, "idempotency-key-reused")
    problem(send(partner, partner.sent(agency_reference="another"), key="one"), 422, "idempotency-key-reused")


def test_what_comes_again_is_answered_as_the_first_time(partner: Partner, settings: Settings) -> None:
    """Whatever the virus scanner has said since, and though nobody works with the family any more."""
    story = Story(a_working_morning())
    contact = story.contact()
    with clamd() as scanner:
        settings.CLAMAV_URL = scanner.url
        answers = {sent: send(partner, contact, sent, key=str(len(sent))) for sent in (PDF, PDF + EICAR)}
        jobs.check(clock=timezone.now)
    story.closed(story.accepted(contact))
    assert send(partner, contact, picture()).status_code == 409
    for sent, first in answers.items():
        again = send(partner, contact, sent, key=str(len(sent)))
        assert (again.status_code, again.json()) == (201, first.json())
    assert [file["state"] for file in listed(partner, contact)] == ["ready", "refused"]


def test_an_agency_sees_and_touches_only_its_own(partner: Partner, contact: Contact) -> None:
    put(contact, Story(a_working_morning()))
    assert listed(partner, contact) == []
    police = Partner(Agency.objects.get(code="example-police"))
    problem(send(police, contact), 404, "not-found")
    assert contact.files.count() == 1


def test_nothing_is_given_back(partner: Partner, contact: Contact) -> None:
    answer = partner.http.get(f"{CONTACTS}/{contact}/files", headers=partner.headers)
    problem(answer, 405, "method-not-allowed")


@pytest.mark.parametrize(
    ("sent", "says"), [(HTML, content.NOT_ALLOWED), (b"", content.EMPTY), (PDF[:5], content.NOT_ALLOWED)]
)
def test_what_is_refused_is_said(partner: Partner, contact: Contact, sent: bytes, says: str) -> None:
    document = problem(send(partner, contact, sent), 400, "invalid")
    assert document["detail"] == "The file was not taken in. Correct the errors and send it again."
    assert pointers(document) == {"#/file": f"file: {says}"}
    assert not File.objects.exists()


def test_without_a_file_one_is_asked_for(partner: Partner, contact: Contact) -> None:
    for body in ({"about": "x"}, {"file": "text"}):
        answer = partner.http.post(f"{CONTACTS}/{contact}/files", body, headers=partner.headers)
        assert "as the part `file`" in pointers(problem(answer, 400, "invalid"))["#/file"]


def test_a_large_file_and_a_large_body_are_told_the_limit(
    partner: Partner, contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "20 MB" in problem(send(partner, contact, PDF.ljust(LARGEST + 1)), 413, "too-large")["detail"]
    monkeypatch.setattr(uploads, "LARGEST_BODY", 1000)
    assert "20 MB" in problem(send(partner, contact, PDF.ljust(2000)), 413, "too-large")["detail"]
    assert not File.objects.exists()


def test_another_media_type_is_refused(partner: Partner, contact: Contact) -> None:
    path, body = f"{CONTACTS}/{contact}/files", json.dumps({"file": "x"})
    answer = partner.http.post(path, body, content_type="application/json", headers=partner.headers)
    refused = problem(answer, 415, "unsupported-media-type")
    assert refused["detail"] == "Send the body as multipart/form-data, and say so in Content-Type."


def test_nobody_writes_to_the_disk_without_a_token_or_its_scope(
    partner: Partner, contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "Upload", lambda _: pytest.fail("it was written to the disk"))
    partner.token = "nothing"
    problem(send(partner, contact), 401, "not-authenticated")
    problem(send(Partner(partner.agency, scope="contacts:read"), contact), 403, "permission-denied")


def test_where_nobody_works_with_the_family_any_more_it_is_said(partner: Partner) -> None:
    contact = Story(a_working_morning()).closed().contacts.get()
    assert "in a new contact" in problem(send(partner, contact), 409, "not-now")["detail"]
