"""
Where the content of files is: Django's storage `files`, which is a folder, or a bucket of an S3-compatible service.

A name in it is made from the file's key, and from nothing that anybody typed. The content is stored before its row is
written: a row without its content would be a file that is lost; content without a row is removed after a day.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from errno import EEXIST
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import structlog
from django.conf import settings
from django.core.files import File as Content
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from casework.files.content import recognise
from casework.models.files import File, FileKind, new_key
from errors import InvalidInput, ServiceError

log = structlog.get_logger()

CHUNK = 64 * 1024
PREVIEW = "-preview"
FOLDERS = tuple(f"{number:02x}" for number in range(256))
AWAY = (
    "Files cannot be stored or opened at the moment. Nothing was changed. Try again in a few minutes. If it goes on, "
    "tell your administrator."
)


class StorageAwayError(ServiceError):
    """Where files are does not answer, refuses, or is full."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(AWAY)
        # Of a file system's error only its own words: not the path.
        log.error("files cannot be reached", error=type(cause).__name__, says=cause.strerror or str(cause))


@contextmanager
def reached() -> Iterator[None]:
    """:raises StorageAwayError: what is done within cannot be done, as long as that is so."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageAwayError(error) from error


@dataclass(frozen=True)
class Stored:
    """Content that is stored and has no row yet."""

    key: str
    kind: FileKind
    size: int
    sha256: str


def storage() -> Storage:
    return storages["files"]


def path_of(key: str, suffix: str = "") -> str:
    """Where the content of a file is: folders with a hundredth of all files each, or the listings would be long."""
    return f"{key[:2]}/{key}{suffix}"


def take_in(upload: Content[bytes]) -> Stored:
    """
    Finds out what an upload is, and stores it. It is read in pieces, and never as a whole.

    :raises InvalidInput: the content is not allowed. Nothing is stored.
    :raises StorageAwayError: it cannot be stored now.
    """
    kind = recognise(cast("BinaryIO", upload))
    digest, size = sha256(), 0
    for chunk in upload.chunks(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    key = new_key()
    upload.seek(0)
    _save(path_of(key), upload)
    return Stored(key=key, kind=kind, size=size, sha256=digest.hexdigest())


def take_in_and(add: Callable[[Stored], File], upload: Content[bytes]) -> tuple[File, bool]:
    """
    Stores an upload, and adds it with this action. What is refused, or was there before, is deleted at once: whoever
    sends the same again and again must not fill the disk. Returns the file, and whether it is new.
    """
    stored = take_in(upload)
    try:
        file = add(stored)
    except (InvalidInput, ServiceError):
        # Refused before anything was written. After another error nobody knows; then the job looks in a day.
        _let_go(stored.key)
        raise
    is_new = file.key == stored.key
    if not is_new:
        _let_go(stored.key)
    return file, is_new


def open_content(key: str) -> Content[Any]:
    """
    :raises FileNotFoundError: the storage has no such content.
    :raises StorageAwayError: nobody knows now.
    """
    with reached():
        return storage().open(path_of(key), "rb")


def store_preview(key: str, picture: bytes) -> None:
    path = path_of(key, PREVIEW)
    with reached():
        # An earlier try may have been killed between this and the row.
        storage().delete(path)
    _save(path, ContentFile(picture))


def open_preview(key: str) -> Content[Any]:
    """:raises FileNotFoundError, StorageAwayError: see `open_content`."""
    with reached():
        return storage().open(path_of(key, PREVIEW), "rb")


def pieces(content: IO[bytes]) -> Iterator[bytes]:
    while piece := content.read(CHUNK):
        yield piece


def delete(key: str) -> None:
    """Deletes content that no row has."""
    with reached():
        for suffix in ("", PREVIEW):
            storage().delete(path_of(key, suffix))


def keys_in(folder: str) -> dict[str, set[str]]:
    """The keys of all content in one of `FOLDERS`, each with the names that are stored under it."""
    found: dict[str, set[str]] = {}
    # A folder is made with its first file.
    with suppress(FileNotFoundError), reached():
        for name in storage().listdir(folder)[1]:
            found.setdefault(name.removesuffix(PREVIEW), set()).add(name)
    return found


def stored_at(folder: str, name: str) -> datetime:
    with reached():
        return storage().get_modified_time(f"{folder}/{name}")


def tidy_incoming(before: datetime) -> int:
    """Deletes the halves of uploads that a killed process left, and returns how many."""
    deleted = 0
    if settings.FILES_INCOMING:
        for left in Path(settings.FILES_INCOMING).glob("*.upload"):
            with suppress(FileNotFoundError):
                if left.stat().st_mtime <= before.timestamp():
                    left.unlink()
                    deleted += 1
    return deleted


def _save(path: str, content: Content[Any]) -> None:
    with reached():
        stored = storage().save(path, content)
        if stored != path:
            # Django takes another name where one is taken.
            storage().delete(stored)
            raise FileExistsError(EEXIST, "there is content under this name already")
        _settle(stored)


def _let_go(key: str) -> None:
    """Deletes what was stored just now and is not wanted. If that fails, the job does it in a day."""
    with suppress(StorageAwayError):
        delete(key)


def _settle(name: str) -> None:
    """Makes sure that what was stored outlives a power cut, before its row does. A bucket does so itself."""
    try:
        path = storage().path(name)
    except NotImplementedError:
        # So says a storage of Django's that has no files on this machine.
        return
    for each in (path, Path(path).parent):
        opened = os.open(each, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
