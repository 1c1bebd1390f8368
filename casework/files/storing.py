"""
Where the content of files is: Django's storage `files`, which is a folder, or a bucket of an S3-compatible service.

A name in it is made from the file's key, and from nothing that anybody typed. The content is stored before its row is
written: a row without its content would be a file that is lost; content without a row is removed after a day.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from django.conf import settings
from django.core.files import File as Content
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from casework.files.content import recognise
from casework.models.files import File, FileKind, new_key
from errors import InvalidInput, ServiceError

CHUNK = 64 * 1024
PREVIEW = "-preview"
FOLDERS = tuple(f"{number:02x}" for number in range(256))


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
    """
    kind = recognise(cast("BinaryIO", upload))
    digest, size = sha256(), 0
    for chunk in upload.chunks(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    key = new_key()
    upload.seek(0)
    _settle(storage().save(path_of(key), upload))
    return Stored(key=key, kind=kind, size=size, sha256=digest.hexdigest())


def take_in_and(add: Callable[[Stored], File], upload: Content[bytes]) -> File:
    """
    Stores an upload, and adds it with this action. What is refused, or was there before, is deleted at once: whoever
    sends the same again and again must not fill the disk.
    """
    stored = take_in(upload)
    try:
        file = add(stored)
    except (InvalidInput, ServiceError):
        # Refused before anything was written. After another error nobody knows; then the job looks in a day.
        delete(stored.key)
        raise
    if file.key != stored.key:
        delete(stored.key)
    return file


def open_content(key: str) -> Content[Any]:
    """:raises FileNotFoundError: the storage has no such content."""
    return storage().open(path_of(key), "rb")


def store_preview(key: str, picture: bytes) -> None:
    path = path_of(key, PREVIEW)
    # An earlier try may have been killed between this and the row.
    storage().delete(path)
    _settle(storage().save(path, ContentFile(picture)))


def open_preview(key: str) -> Content[Any]:
    return storage().open(path_of(key, PREVIEW), "rb")


def pieces(content: IO[bytes]) -> Iterator[bytes]:
    while piece := content.read(CHUNK):
        yield piece


def delete(key: str) -> None:
    """Deletes content that no row has."""
    for suffix in ("", PREVIEW):
        storage().delete(path_of(key, suffix))


def keys_in(folder: str) -> dict[str, set[str]]:
    """The keys of all content in one of `FOLDERS`, each with the names that are stored under it."""
    found: dict[str, set[str]] = {}
    # A folder is made with its first file.
    with suppress(FileNotFoundError):
        for name in storage().listdir(folder)[1]:
            found.setdefault(name.removesuffix(PREVIEW), set()).add(name)
    return found


def stored_at(folder: str, name: str) -> datetime:
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
