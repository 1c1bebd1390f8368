"""Where content is: under names that nobody typed, which only the service reads."""

import os
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from pytest_django import Settings

from casework.files import storing
from casework.files.uploads import Upload
from casework.models import FileKind
from errors import InvalidInput
from tests.stage.files import HTML, PDF, stored, upload


def path_of(key: str) -> Path:
    return Path(storing.storage().path(storing.path_of(key)))


def test_content_is_stored_under_a_random_name_for_the_owner_alone() -> None:
    new = storing.take_in(upload(PDF, "../../robin ashworth.pdf"))
    assert (new.kind, new.size, new.sha256) == (FileKind.PDF, len(PDF), sha256(PDF).hexdigest())
    path = path_of(new.key)
    assert path.read_bytes() == PDF
    assert path.name == new.key
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with storing.open_content(new.key) as opened:
        assert b"".join(storing.pieces(opened)) == PDF


def test_what_is_not_allowed_is_not_stored() -> None:
    before = {folder: storing.keys_in(folder) for folder in storing.FOLDERS}
    with pytest.raises(InvalidInput):
        stored(HTML)
    assert {folder: storing.keys_in(folder) for folder in storing.FOLDERS} == before


def test_an_upload_on_the_disk_is_moved_and_not_copied(settings: Settings, tmp_path: Path) -> None:
    settings.FILES_INCOMING = str(tmp_path)
    on_disk = Upload("../a.pdf")
    on_disk.write(PDF)
    on_disk.seek(0)
    inode = Path(on_disk.temporary_file_path()).stat().st_ino
    new = storing.take_in(on_disk)
    assert path_of(new.key).stat().st_ino == inode


def test_what_a_killed_process_left_of_an_upload_is_deleted_after_a_day(settings: Settings, tmp_path: Path) -> None:
    settings.FILES_INCOMING = str(tmp_path)
    old, young, other = tmp_path / "tmp1.upload", tmp_path / "tmp2.upload", tmp_path / "other"
    now = datetime.now().astimezone()
    for each in (old, young, other):
        each.touch()
        os.utime(each, ((now - timedelta(days=2)).timestamp(),) * 2)
    young.touch()
    assert storing.tidy_incoming(now - timedelta(days=1)) == 1
    assert sorted(tmp_path.iterdir()) == sorted([young, other])
