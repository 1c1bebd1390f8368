"""Files in a bucket of an S3-compatible service, over a real socket, with the service's own settings."""

import os
import random
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.files import File as Content
from django.core.files.storage import storages
from django.utils import timezone
from pytest_django import Settings

from casework.files import storing
from casework.files.storing import StorageAwayError
from casework.jobs import files as jobs
from casework.models import Contact, File, FileState
from casework.models.files import LARGEST
from config import buckets
from tests.stage.bucket import BUCKET, ROOT, BucketServer, bucket_server
from tests.stage.clamd import EICAR, clamd
from tests.stage.files import PDF, picture, put, stored, upload
from tests.stage.logs import lines
from tests.stage.service import free_port, running, wait_until
from tests.stage.staff import SignedIn
from tests.stage.story import Story


@pytest.fixture(scope="module")
def server() -> Iterator[BucketServer]:
    with bucket_server() as server:
        yield server


@pytest.fixture(scope="module")
def options(server: BucketServer) -> dict[str, Any]:
    return server.storage()


@pytest.fixture
def bucket(server: BucketServer, options: dict[str, Any], settings: Settings) -> Iterator[BucketServer]:
    settings.STORAGES = settings.STORAGES | {"files": options}
    yield server
    server.empty()


def with_options(settings: Settings, options: dict[str, Any], **more: object) -> None:
    settings.STORAGES = settings.STORAGES | {"files": options | {"OPTIONS": options["OPTIONS"] | more}}


def test_what_is_put_there_comes_back_and_is_under_its_key_alone(bucket: BucketServer) -> None:
    new = storing.take_in(upload(PDF, "robin ashworth.pdf"))
    assert bucket.stored() == [storing.path_of(new.key)]
    with storing.open_content(new.key) as opened:
        assert b"".join(storing.pieces(opened)) == PDF
    kept = bucket.client().get_object(Bucket=BUCKET, Key=storing.path_of(new.key))
    assert kept["Body"].read() == PDF
    assert (kept["ContentType"], kept["Metadata"]) == ("application/octet-stream", {})


def test_a_file_that_is_not_there_is_missing_and_not_away(bucket: BucketServer) -> None:
    with pytest.raises(FileNotFoundError):
        storing.open_content("0" * 32)


def test_a_large_file_goes_and_comes_in_pieces(bucket: BucketServer, tmp_path: Path) -> None:
    content = PDF + random.randbytes(LARGEST - len(PDF))
    on_disk = tmp_path / "sent"
    on_disk.write_bytes(content)
    length = len(content)
    # What boto3 loads once.
    stored()
    tracemalloc.start()
    with on_disk.open("rb") as sent:
        key = storing.take_in(Content(sent)).key
    with storing.open_content(key) as opened:
        assert sum(len(piece) for piece in storing.pieces(opened)) == length
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * 1024 * 1024
    with storing.open_content(key) as opened:
        assert opened.read() == content


def test_nobody_reads_it_without_a_key(bucket: BucketServer) -> None:
    path = storing.path_of(stored().key)
    assert requests.get(f"{bucket.url}/{BUCKET}/{path}", timeout=10).status_code == 403
    grants = bucket.client().get_object_acl(Bucket=BUCKET, Key=path)["Grants"]
    assert [grant["Grantee"]["Type"] for grant in grants] == ["CanonicalUser"], "the account's own"
    with pytest.raises(NotImplementedError):
        storing.storage().url(path)


def test_it_is_encrypted_where_the_settings_say_so(
    bucket: BucketServer, settings: Settings, options: dict[str, Any]
) -> None:
    def how_it_is_kept() -> str | None:
        kept = bucket.client().head_object(Bucket=BUCKET, Key=storing.path_of(stored().key))
        how: str | None = kept.get("ServerSideEncryption")
        return how

    assert how_it_is_kept() is None
    settings.STORAGES = settings.STORAGES | {"files": bucket.storage(FILES_S3_ENCRYPTION="aws:kms")}
    assert how_it_is_kept() == "aws:kms"


def test_nothing_is_replaced(bucket: BucketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    first = stored()
    monkeypatch.setattr(storing, "new_key", lambda: first.key)
    with pytest.raises(StorageAwayError):
        stored(PDF + b"another")
    assert bucket.stored() == [storing.path_of(first.key)]
    with storing.open_content(first.key) as opened:
        assert opened.read() == PDF


def test_the_worker_checks_it_and_draws_a_picture(bucket: BucketServer, story: Story, settings: Settings) -> None:
    with clamd() as scanner:
        settings.CLAMAV_URL = scanner.url
        contact = story.contact()
        photo, virus = put(contact, story, picture("JPEG", (2000, 40)), "arm.jpg"), put(contact, story, PDF + EICAR)
        assert {photo.state, virus.state} == {FileState.BEING_CHECKED}
        assert jobs.check(clock=lambda: story.now) == 2
    assert jobs.draw_previews(clock=lambda: story.now) == 1
    photo.refresh_from_db()
    virus.refresh_from_db()
    assert (photo.state, photo.has_preview, virus.state) == (FileState.READY, True, FileState.REFUSED)
    with storing.open_preview(photo.key) as drawn:
        assert drawn.read().startswith(b"\xff\xd8\xff")
    assert len(bucket.stored()) == 3


def test_content_without_a_row_is_removed(bucket: BucketServer, story: Story) -> None:
    file = put(story.contact(), story)
    storing.store_preview(stored().key, picture("JPEG"))
    assert len(bucket.stored()) == 3
    assert jobs.tidy(now=timezone.now()) == 0
    assert jobs.tidy(now=timezone.now() + timedelta(days=2)) == 1
    assert bucket.stored() == [storing.path_of(file.key)]
    assert jobs.without_content() == 0
    storing.delete(file.key)
    assert jobs.without_content() == 1


class TestTrouble:
    """What people see, what the log says, and what `check --deploy` says."""

    @pytest.fixture(autouse=True)
    def _soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(buckets, "SERVER_ANSWERS", 0.5)

    def is_said(self, says: str, contact: Contact, caplog: pytest.LogCaptureFixture) -> None:
        sent = {"file": upload(PDF, "robin ashworth.pdf"), "about": "His left arm"}
        page = SignedIn("amina").client.post(f"/contacts/{contact}/files/", sent)
        log = lines(caplog)
        assert page.status_code == 422
        text = page.content.decode()
        assert "Files cannot be stored or opened at the moment. Nothing was changed." in text
        assert "His left arm" in text, "what was typed is not lost"
        assert BUCKET not in text
        (line,) = [line for line in log if line["event"] == "files cannot be reached"]
        assert line["says"] == says
        assert "robin" not in str(log).casefold()
        assert not File.objects.filter(contact=contact).exists()

    @pytest.mark.parametrize(
        ("options_of", "says"),
        [
            ({"secret_key": "wrong"}, buckets.SAYS["403"]),
            ({"access_key": "AKIAUNKNOWN"}, buckets.SAYS["403"]),
            ({"bucket_name": "no-such-bucket"}, buckets.SAYS["NoSuchBucket"]),
            ({"endpoint_url": "http://127.0.0.1:1"}, "The bucket's service does not answer: EndpointConnectionError."),
        ],
    )
    def test_a_wrong_key_or_bucket_and_a_server_that_is_away(
        self, bucket: BucketServer, settings: Settings, options: dict[str, Any], story: Story,
        options_of: dict[str, str], says: str, caplog: pytest.LogCaptureFixture,
    ) -> None:  # fmt: skip
        contact = story.contact()
        with_options(settings, options, **options_of)
        with bucket.asking_for_keys():
            self.is_said(says, contact, caplog)

    def test_a_server_that_is_silent(
        self, bucket: BucketServer, settings: Settings, options: dict[str, Any], story: Story
    ) -> None:
        contact = story.contact()
        file = put(contact, story)
        client = SignedIn("amina").client
        with_options(settings, options)
        with bucket.silent():
            page = client.get(f"/contacts/{contact}/files/{file.key}/download/")
            assert page.status_code == 503
            assert "Files cannot be stored or opened at the moment" in page.content.decode()
        assert client.get(f"/contacts/{contact}/files/{file.key}/download/").status_code == 200

    def test_jobs_wait_and_no_picture_is_given_up(
        self, bucket: BucketServer, settings: Settings, options: dict[str, Any], story: Story
    ) -> None:
        with clamd() as scanner:
            settings.CLAMAV_URL = scanner.url
            file = put(story.contact(), story, picture())
            with_options(settings, options, endpoint_url="http://127.0.0.1:1")
            for _ in range(5):
                assert jobs.check(clock=story.later) == 0
                story.later(hours=1)
            assert scanner.asked == 0
            with_options(settings, options)
            assert jobs.check(clock=story.later) == 1
            with_options(settings, options, endpoint_url="http://127.0.0.1:1")
            for _ in range(5):
                assert jobs.draw_previews(clock=story.later) == 0
                story.later(hours=1)
        with_options(settings, options)
        assert jobs.draw_previews(clock=story.later) == 1
        file.refresh_from_db()
        assert file.has_preview

    def test_a_bucket_that_is_missing_loses_no_file(
        self, bucket: BucketServer, settings: Settings, options: dict[str, Any]
    ) -> None:
        """The service says 404 then, as of a file that is not there."""
        key = stored().key
        with_options(settings, options, bucket_name="no-such-bucket")
        with pytest.raises(StorageAwayError):
            storing.open_content(key)

    def test_the_check_for_deployment_tries_the_bucket(
        self, bucket: BucketServer, settings: Settings, options: dict[str, Any]
    ) -> None:
        def faults(**more: object) -> list[str]:
            with_options(settings, options, **more)
            tried: Any = storages["files"]
            found: list[str] = tried.faults()
            return found

        assert faults() == []
        assert bucket.stored() == []
        assert faults(default_acl="public-read") == [buckets.IS_PUBLIC]
        assert faults(bucket_name="no-such") == ["Files cannot be kept in the bucket. " + buckets.SAYS["NoSuchBucket"]]
        with bucket.asking_for_keys():
            assert faults(secret_key="wrong") == ["Files cannot be kept in the bucket. " + buckets.SAYS["403"]]


def test_check_deploy_says_it(server: BucketServer) -> None:
    wrong = server.environment | {"FILES_S3_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    said = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "manage.py", "check", "--deploy"], cwd=ROOT, capture_output=True,
            text=True, env=os.environ | each, check=False,
        )
        for each in (server.environment, wrong)
    ]  # fmt: skip
    assert "front_door.E005" not in said[0].stderr
    assert said[1].returncode == 1
    assert (
        "(front_door.E005) Files cannot be kept in the bucket. The bucket's service does not answer" in said[1].stderr
    )
    assert server.key not in said[1].stderr


def test_the_whole_service_keeps_files_in_a_bucket(committed: str, server: BucketServer) -> None:
    """Web server and worker in processes of their own: by the API and by a page, checked, drawn and downloaded."""
    story = Story(timezone.now())
    contact = story.contact()
    pages = f"/contacts/{contact}/files/"
    photo, virus, report = picture("JPEG", (300, 200)), PDF + EICAR, PDF + b"by a page"
    with clamd() as scanner, running(committed, **server.environment, CLAMAV_URL=scanner.url) as service:
        for name, content in (("arm.jpg", photo), ("virus.pdf", virus)):
            sent = requests.post(
                f"{service.base_url}/api/v1/contacts/{contact}/files", files={"file": (name, content)},
                headers={"Authorization": f"Bearer {service.token()}"}, timeout=30,
            )  # fmt: skip
            assert (sent.status_code, sent.json()["state"]) == (201, "being_checked")
        amina = service.person("amina")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', amina.open(pages))
        assert token
        added = amina.session.post(
            service.base_url + pages, {"csrfmiddlewaretoken": token[1]}, files={"file": ("report.pdf", report)},
            headers={"Referer": service.base_url + pages}, timeout=30,
        )  # fmt: skip
        assert "The file is added." in added.text
        wait_until(
            lambda: contact.files.filter(check_after__isnull=True, preview_after__isnull=True).count() == 3,
            "the worker has checked all files, and drawn the picture", seconds=60,
        )  # fmt: skip
        found = {file.name: file for file in contact.files.all()}
        assert {name: file.state for name, file in found.items()} == {
            "arm.jpg": FileState.READY, "virus.pdf": FileState.REFUSED, "report.pdf": FileState.READY,
        }  # fmt: skip
        answers = [added]
        for name, content in (("arm.jpg", photo), ("report.pdf", report)):
            answers.append(amina.session.get(f"{service.base_url}{pages}{found[name].key}/download/", timeout=30))
            assert answers[-1].content == content
        answers.append(amina.session.get(f"{service.base_url}{pages}{found['arm.jpg'].key}/picture/", timeout=30))
        assert answers[-1].content.startswith(b"\xff\xd8\xff")
        answers.append(amina.session.get(f"{service.base_url}{pages}{found['virus.pdf'].key}/download/", timeout=30))
        assert answers[-1].status_code == 409
        for answer in answers:
            shown = f"{answer.headers} {answer.content!r} {[each.headers for each in answer.history]}"
            assert BUCKET not in shown
            assert server.url not in shown
            assert "Signature" not in shown
    assert len(server.stored()) == 4
    server.empty()
