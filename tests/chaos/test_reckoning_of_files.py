"""The reckoning of files can find fault: what is missing, there twice, unchecked or left over."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from casework.files import storing
from casework.jobs import files as jobs
from casework.models import File
from localities.models import Agency
from tests.chaos.files import FileCount, reckon_files, without_row
from tests.chaos.ledger import SentFile
from tests.stage.clamd import clamd
from tests.stage.files import picture, put, stored
from tests.stage.service import database_url
from tests.stage.sql import run
from tests.stage.story import Story

SCHOOL = "example-primary-school"

Sent = tuple[SentFile, Path, str]


@pytest.fixture
def sent(committed: str, settings: Settings, tmp_path: Path) -> Sent:
    """A picture that the school sent, checked and drawn; where content is; and the database."""
    options = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = settings.STORAGES | {"files": options}
    story = Story(timezone.now())
    school = Agency.objects.get(code=SCHOOL)
    contact = story.contact()
    with clamd() as scanner:
        settings.CLAMAV_URL = scanner.url
        file = put(contact, story, picture(), "photo.png", by=school, idempotency_key="key-1")
        assert jobs.check(clock=story.later) == 1
    assert jobs.draw_previews(clock=story.later) == 1
    noted = SentFile(SCHOOL, contact.reference, "key-1", file.sha256, is_virus=False, is_picture=True, tries=1)
    noted.ids.add(file.key)
    return noted, tmp_path, database_url(committed)


def reckon(sent: Sent, *more: SentFile) -> tuple[FileCount, list[str]]:
    noted, content, database = sent
    return reckon_files(database, content, [noted, *more])


def test_what_is_whole_is_found_whole(sent: Sent) -> None:
    assert reckon(sent) == (FileCount(sent=1, answered=1), [])
    assert without_row(sent[2], sent[1]) == 0


def lose_content(sent: Sent) -> None:
    (sent[1] / storing.path_of(File.objects.get().key)).unlink()


def change_content(sent: Sent) -> None:
    (sent[1] / storing.path_of(File.objects.get().key)).write_bytes(random.randbytes(9))


def lose_preview(sent: Sent) -> None:
    (sent[1] / storing.path_of(File.objects.get().key, storing.PREVIEW)).unlink()


def answer_with_another(sent: Sent) -> None:
    sent[0].ids = {"0" * 32}


def answer_twice(sent: Sent) -> None:
    sent[0].ids.add("0" * 32)


def never_check(sent: Sent) -> None:
    run("ALTER TABLE casework_file DISABLE TRIGGER USER")
    run("UPDATE casework_file SET has_preview = false, checked_at = NULL, check_after = now()")


def take_it_for_a_virus(sent: Sent) -> None:
    sent[0].is_virus = True


def leave_content(sent: Sent) -> None:
    stored()


@pytest.mark.parametrize(
    ("breaks", "counted"),
    [
        (lose_content, {"lost": 1}),
        (change_content, {"lost": 1}),
        (answer_with_another, {"lost": 1}),
        (answer_twice, {"doubled": 1}),
        (lose_preview, {"unchecked": 1}),
        (never_check, {"unchecked": 1}),
        (take_it_for_a_virus, {"unchecked": 1}),
        (leave_content, {"left": 1}),
    ],
)
def test_what_is_wrong_is_counted_and_said(sent: Sent, breaks: Callable[[Sent], None], counted: dict[str, int]) -> None:
    breaks(sent)
    count, findings = reckon(sent)
    assert count == FileCount(sent=1, answered=1, **counted)
    assert count.is_broken
    assert len(findings) == 1


def test_a_file_that_was_never_answered_and_one_that_nobody_sent_are_said(sent: Sent) -> None:
    noted, _, _ = sent
    noted.key = "key-2"
    noted.ids.clear()
    count, findings = reckon(sent)
    assert (count.doubled, len(findings)) == (1, 2)
