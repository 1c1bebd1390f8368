"""What the service does with files by itself: the virus scanner, pictures to look at, and content without a row."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from pytest_django import Settings

from casework.actions import contact_drafts
from casework.actions import files as actions
from casework.actions.contact_drafts import Task
from casework.files import previews, storing
from casework.jobs import files, integrity_checks
from casework.models import AuditEvent, ContactDraft, Event, File, FileState, OutboxMessage
from errors import NotAllowedInStatus
from tests.stage.clamd import EICAR, Scanner, clamd
from tests.stage.files import PDF, picture, put, stored
from tests.stage.sql import asked
from tests.stage.story import Story, person

SECOND = timedelta(seconds=1)


@pytest.fixture
def scanner(settings: Settings) -> Iterator[Scanner]:
    with clamd() as scanner:
        settings.CLAMAV_URL = scanner.url
        yield scanner


def state(file: File) -> str:
    file.refresh_from_db()
    return file.state


def check(story: Story, *, at: datetime | None = None) -> int:
    return files.check(clock=lambda: at or story.now)


class TestChecking:
    def test_without_a_scanner_a_file_is_ready_at_once_and_nothing_says_that_it_was_checked(
        self, story: Story, settings: Settings
    ) -> None:
        settings.CLAMAV_URL = ""
        file = put(story.contact(), story, PDF + EICAR)
        assert check(story) == 0
        assert (state(file), file.checked_at) == (FileState.READY, None)

    def test_a_file_waits_for_the_scanner_and_then_is_ready(self, story: Story, scanner: Scanner) -> None:
        file = put(story.contact(), story)
        assert state(file) == FileState.BEING_CHECKED
        assert check(story) == 1
        assert (state(file), file.checked_at, file.check_after) == (FileState.READY, story.now, None)
        assert AuditEvent.objects.get(event=Event.FILE_CHECKED).detail == {"file": file.key}
        assert (check(story), scanner.asked) == (0, 1)

    def test_a_virus_is_never_opened_and_uploader_and_information_governance_are_told(
        self, story: Story, scanner: Scanner
    ) -> None:
        contact = story.contact()
        file = put(contact, story, PDF + EICAR)
        check(story)
        assert (state(file), file.found) == (FileState.REFUSED, "Eicar-Test-Signature")
        with pytest.raises(NotAllowedInStatus, match="may contain a virus"):
            actions.download(reference=contact.reference, key=file.key, by=person("sam"), now=story.later())
        told = OutboxMessage.objects.filter(kind="file_refused", contact=contact).values_list("to", flat=True)
        assert {to.split("@")[0] for to in told} == {"amina", "iris"}
        assert AuditEvent.objects.get(event=Event.FILE_REFUSED).contact == contact
        with storing.open_content(file.key) as content:
            assert content.read() == PDF + EICAR

    def test_files_from_before_there_was_a_scanner_are_checked_a_few_at_a_time(
        self, story: Story, settings: Settings
    ) -> None:
        settings.CLAMAV_URL = ""
        contact = story.contact()
        bad = put(contact, story, PDF + EICAR)
        others = [put(contact, story, PDF + str(number).encode()) for number in range(files.A_RUN)]
        with clamd() as scanner:
            settings.CLAMAV_URL = scanner.url
            assert (check(story), state(bad)) == (files.A_RUN, FileState.REFUSED)
            assert (state(others[-1]), others[-1].checked_at) == (FileState.READY, None)
            assert OutboxMessage.objects.filter(kind="file_refused", contact=contact).count() == 2
        assert check(story) == 0
        assert state(others[-1]) == FileState.BEING_CHECKED

    def test_a_file_goes_to_the_scanner_in_small_pieces(self, story: Story, scanner: Scanner) -> None:
        put(story.contact(), story, PDF.ljust(1024 * 1024))
        check(story)
        assert (len(scanner.pieces), max(scanner.pieces)) == (16, storing.CHUNK)

    def test_while_the_scanner_is_away_files_wait_and_it_is_asked_more_and_more_rarely(
        self, story: Story, settings: Settings
    ) -> None:
        with clamd() as scanner:
            settings.CLAMAV_URL = scanner.url
        file, at, waits = put(story.contact(), story), story.now, []
        for _ in range(5):
            assert check(story, at=at) == 0
            assert state(file) == FileState.BEING_CHECKED
            assert file.check_after is not None
            waits.append(file.check_after - at)
            assert check(story, at=file.check_after - SECOND) == 0
            file.refresh_from_db()
            at = file.check_after or at
        assert [wait.total_seconds() / 60 for wait in waits] == [2, 4, 8, 15, 15]
        with clamd() as scanner:
            settings.CLAMAV_URL = scanner.url
            assert check(story, at=at) == 1
        assert state(file) == FileState.READY

    def test_an_answer_that_says_nothing_leaves_the_file_waiting(self, story: Story, scanner: Scanner) -> None:
        file = put(story.contact(), story)
        scanner.says = b"INSTREAM size limit exceeded. ERROR\0"
        assert check(story) == 0
        assert state(file) == FileState.BEING_CHECKED

    def test_a_worker_that_dies_over_a_file_leaves_it_for_the_next(
        self, story: Story, scanner: Scanner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = put(story.contact(), story)
        with monkeypatch.context() as dies:
            dies.setattr(files, "_record", lambda *_: exit("killed"))
            with pytest.raises(SystemExit):
                check(story)
        assert check(story) == 0
        assert check(story, at=story.now + files.WAIT) == 1
        assert state(file) == FileState.READY

    def test_a_file_whose_content_is_missing_stops_no_other(self, story: Story, scanner: Scanner) -> None:
        lost, other = (put(story.contact(), story, PDF + each) for each in (b"1", b"2"))
        storing.delete(lost.key)
        assert check(story) == 1
        assert (state(lost), state(other)) == (FileState.BEING_CHECKED, FileState.READY)

    def test_a_file_on_a_draft_is_checked_and_its_owner_told(self, story: Story, scanner: Scanner) -> None:
        draft = _draft(story)
        actions.add_to_draft(
            key=draft.key, stored=stored(PDF + EICAR), name="a.pdf", by=person("amina"), now=story.later()
        )
        check(story)
        message = OutboxMessage.objects.get(kind="file_refused", to=person("amina").email)
        assert (message.contact, message.case) == (None, None)


class TestPictures:
    def test_a_picture_is_drawn_once_and_without_what_the_camera_wrote(self, story: Story) -> None:
        file = put(story.contact(), story, picture("JPEG", (3000, 2000), exif=True), name="a.jpg")
        assert files.draw_previews(clock=lambda: story.now) == 1
        file.refresh_from_db()
        assert (file.has_preview, file.preview_after) == (True, None)
        with storing.open_preview(file.key) as drawn, Image.open(BytesIO(drawn.read())) as opened:
            assert (opened.format, opened.width, bool(opened.getexif())) == ("JPEG", 1600, False)
        assert files.draw_previews(clock=lambda: story.now) == 0

    def test_nothing_is_drawn_before_the_scanner_has_answered_nor_of_a_virus(
        self, story: Story, scanner: Scanner
    ) -> None:
        safe, infected = (put(story.contact(), story, picture() + each, name="a.png") for each in (b"", EICAR))
        assert files.draw_previews(clock=lambda: story.now) == 0
        check(story)
        assert files.draw_previews(clock=lambda: story.now) == 1
        for file in (safe, infected):
            file.refresh_from_db()
        assert (safe.has_preview, infected.has_preview) == (True, False)

    def test_a_damaged_picture_has_none(self, story: Story) -> None:
        file = put(story.contact(), story, picture()[:50])
        assert files.draw_previews(clock=lambda: story.now) == 0
        file.refresh_from_db()
        assert (file.has_preview, file.preview_after) == (False, None)

    def test_a_picture_over_which_a_worker_dies_three_times_is_let_be(
        self, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(story.contact(), story, picture())
        monkeypatch.setattr(previews, "draw", lambda *_: exit("killed"))
        for day in range(1, files.MOST_PREVIEWS + 1):
            with pytest.raises(SystemExit):
                files.draw_previews(clock=partial(story.later, days=day))
        assert files.draw_previews(clock=lambda: story.now + timedelta(days=9)) == 0


class TestRowsAndContent:
    def test_content_without_a_row_goes_after_a_day_and_no_other(self, story: Story) -> None:
        file, young, old = put(story.contact(), story, picture()), stored(), stored()
        files.draw_previews(clock=lambda: story.now)
        for key in (file.key, old.key):
            _age(key)
        assert files.tidy(now=datetime.now().astimezone()) == 1
        assert [_is_there(each.key) for each in (file, young, old)] == [True, True, False]
        assert _is_there(file.key, storing.PREVIEW)

    def test_files_of_drafts_that_are_gone_go_with_their_content(self, story: Story) -> None:
        draft, kept = _draft(story), _draft(story, "kept")
        gone, stays = (
            actions.add_to_draft(key=each.key, stored=stored(), name="a.pdf", by=person("amina"), now=story.later())
            for each in (draft, kept)
        )
        # As the retention rules do.
        ContactDraft.objects.filter(pk=draft.pk).delete()
        for each in (gone, stays):
            _age(each.key)
        files.tidy(now=datetime.now().astimezone())
        assert [*File.objects.all()] == [stays]
        assert [_is_there(each.key) for each in (gone, stays)] == [False, True]

    def test_a_file_without_its_content_is_found_at_night(self, story: Story) -> None:
        put(story.contact(), story)
        lost = put(story.contact(), story)
        assert "Every file has its content" not in integrity_checks.check(now=story.now)
        storing.delete(lost.key)
        assert integrity_checks.check(now=story.later())["Every file has its content"] == 1

    def test_only_folders_that_have_files_are_asked_for_them(self, story: Story) -> None:
        with asked() as nothing:
            assert files.without_content() == 0
        put(story.contact(), story)
        with asked() as one:
            assert files.without_content() == 0
        assert (nothing.statements, one.statements) == (1, 2)


def _draft(story: Story, key: str = "k") -> ContactDraft:
    task = Task("concern", {"a": ["b"]}, {"a"})
    return contact_drafts.save(key=key, task=task, seen_version=0, by=person("amina"), now=story.now).draft


def _path(key: str, suffix: str = "") -> Path:
    return Path(storing.storage().path(storing.path_of(key, suffix)))


def _is_there(key: str, suffix: str = "") -> bool:
    return _path(key, suffix).exists()


def _age(key: str) -> None:
    """Stored two days ago."""
    before = (datetime.now().astimezone() - timedelta(days=2)).timestamp()
    os.utime(_path(key), (before, before))
