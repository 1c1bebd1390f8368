"""The copies of the open list in a folder: when they are made, what is in them, who can read them, and how long."""

import csv
import os
import shutil
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from casework.jobs import open_lists
from casework.models import OpenListCopy
from casework.reading import open_list_files
from tests.stage.restricted import restrict
from tests.stage.staff import ANOTHER_FAMILY
from tests.stage.story import Story

QUARTER = timedelta(minutes=15)


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.CONTINUITY_FOLDER = str(tmp_path / "continuity")
    return tmp_path / "continuity"


def make(now: datetime) -> bool:
    return open_lists.make(files=open_list_files.files, now=now)


def copies(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


class TestMaking:
    def test_a_page_and_a_table_of_each_team(self, story: Story, folder: Path) -> None:
        contact = story.contact()
        case = story.accepted(story.contact(**ANOTHER_FAMILY))
        assert make(story.now)
        (copy,) = folder.iterdir()
        names = {each.name for each in copy.iterdir()}
        assert {"front-door.html", "front-door.csv", "aylesbury.html", "aylesbury.csv", "chiltern.html"} <= names
        with (copy / "aylesbury.csv").open(encoding="utf-8-sig", newline="") as file:
            assert [row["Reference"] for row in csv.DictReader(file)] == [str(case)]
        assert str(contact) in (copy / "front-door.html").read_text()
        assert str(contact) not in (copy / "aylesbury.html").read_text()
        assert OpenListCopy.objects.get().records == 2

    def test_a_page_and_a_table_of_the_whole_service(self, story: Story, folder: Path) -> None:
        contact = story.contact()
        case = story.accepted(story.contact(**ANOTHER_FAMILY))
        make(story.now)
        (copy,) = folder.iterdir()
        with (copy / "whole-service.csv").open(encoding="utf-8-sig", newline="") as file:
            assert [row["Reference"] for row in csv.DictReader(file)] == [str(contact), str(case)]
        html = (copy / "whole-service.html").read_text()
        assert html.index(str(contact)) < html.index(str(case))
        assert 'href="#list-aylesbury"' in html

    def test_the_page_opens_without_the_service_and_asks_for_nothing(self, story: Story, folder: Path) -> None:
        story.contact()
        make(story.now)
        (copy,) = folder.iterdir()
        html = (copy / "front-door.html").read_text()
        for asks in ("http://", "https://", "<script", "<link", "<img", "src=", "url(", "@import", "href="):
            assert asks not in html, asks
        assert f"Valid at {story.now:%H:%M}" in html
        assert "Robin Ashworth" in html

    def test_only_the_services_own_user_can_read_it(self, story: Story, folder: Path) -> None:
        make(story.now)
        (copy,) = folder.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(copy.stat().st_mode) == 0o700
        assert {stat.S_IMODE(each.stat().st_mode) for each in copy.iterdir()} == {0o600}

    def test_a_restricted_record_has_its_reference_only(self, story: Story, folder: Path) -> None:
        contact = story.contact()
        restrict(story, contact, "maya")
        make(story.now)
        (copy,) = folder.iterdir()
        for name in ("front-door.html", "front-door.csv"):
            text = (copy / name).read_text()
            assert (str(contact) in text, "Ashworth" in text) == (True, False)

    def test_once_in_a_quarter_of_an_hour(self, story: Story, folder: Path) -> None:
        begins = datetime.fromtimestamp(story.now.timestamp() // 900 * 900, story.now.tzinfo)
        made = [make(begins + timedelta(minutes=minutes)) for minutes in (0, 1, 14, 15, 16, 44)]
        assert made == [True, False, False, True, False, True]
        assert len(copies(folder)) == OpenListCopy.objects.count() == 3

    def test_one_that_fails_leaves_nothing_and_the_next_run_makes_it(self, story: Story, folder: Path) -> None:
        def fails(now: datetime) -> Iterator[tuple[str, Iterator[str], int]]:
            yield "front-door.html", iter(["half a pa"]), 1
            raise OSError("No space left")

        with pytest.raises(OSError, match="No space left"):
            open_lists.make(files=fails, now=story.now)
        assert copies(folder) == []
        assert make(story.now + timedelta(minutes=1))

    def test_one_whose_worker_died_before_it_was_recorded_is_made_anew(self, story: Story, folder: Path) -> None:
        make(story.now)
        OpenListCopy.objects.all().delete()
        (copy,) = folder.iterdir()
        (copy / "aylesbury.csv").write_text("old")
        assert make(story.now)
        assert "old" not in (copy / "aylesbury.csv").read_text()


class TestKeeping:
    def test_old_ones_go_and_the_newest_stays(self, story: Story, folder: Path, settings: Settings) -> None:
        settings.CONTINUITY_KEPT_HOURS = 1
        start = story.now
        for number in range(8):
            make(start + number * QUARTER)
        assert len(copies(folder)) == OpenListCopy.objects.count() == 5
        make(start + timedelta(days=9))
        assert len(copies(folder)) == OpenListCopy.objects.count() == 1

    def test_one_that_cannot_be_removed_is_logged_and_stops_no_other(
        self, story: Story, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        for number in range(2):
            make(story.now + number * QUARTER)
        first, second = copies(folder)
        remove = shutil.rmtree

        def fails_once(path: Path) -> None:
            if path.name == first:
                raise PermissionError("Somebody else's")
            remove(path)

        monkeypatch.setattr(shutil, "rmtree", fails_once)
        assert make(story.now + timedelta(days=9))
        kept = copies(folder)
        assert (kept[0], len(kept), second in kept) == (first, 2, False)
        assert "copy of the open list not removed" in caplog.text

    def test_nothing_else_in_the_folder_is_touched(self, story: Story, folder: Path, settings: Settings) -> None:
        folder.mkdir()
        (folder / "notes.txt").write_text("Ours")
        (folder / "unfinished-x").mkdir()
        make(story.now)
        os.utime(folder / "unfinished-x", (0, 0))
        open_lists.remove_old(now=story.now)
        assert copies(folder)[-1] == "notes.txt"
        assert "unfinished-x" not in copies(folder)


def test_two_workers_make_one(committed: str, folder: Path, now: datetime) -> None:
    def run(_: int) -> bool:
        try:
            return make(now)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(run, range(2))) == [False, True]
    assert len(copies(folder)) == OpenListCopy.objects.count() == 1


class TestAStaleOneIsSeen:
    @pytest.mark.parametrize(("minutes", "says"), [
        (44, None), (46, "The newest copy of the open list is 46 minutes old"), (None, "No copy of the open list"),
    ])  # fmt: skip
    def test_by_readyz(self, db: None, client: Client, now: datetime, minutes: int | None, says: str | None) -> None:
        if minutes is not None:
            at = timezone.now() - timedelta(minutes=minutes)
            OpenListCopy.objects.create(quarter=at, made_at=at, records=0)
        found = client.get("/readyz").json()["checks"]["open list"]
        assert found == "ok" if says is None else found.startswith(says)

    def test_by_its_age_in_the_figures(self, db: None, client: Client) -> None:
        at = timezone.now() - timedelta(minutes=50)
        OpenListCopy.objects.create(quarter=at, made_at=at, records=0)
        (line,) = [
            line for line in client.get("/metrics").content.decode().splitlines()
            if line.startswith("front_door_open_list_age_seconds")
        ]  # fmt: skip
        assert 3000 <= float(line.split()[1]) < 3060
