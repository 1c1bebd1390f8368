"""Uploads: to the disk, at the addresses that take files. Everywhere else the service accepts none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler

from casework.files.storing import StorageAwayError
from casework.models.files import LARGEST

# Above this a body is not read at all. Below, a file that is too large is read and let go, so that the form comes back
# with what was typed.
LARGEST_BODY = 5 * LARGEST
TAKES_FILES = "takes_files"
UPLOAD_IS_TOO_LARGE = "upload_is_too_large"
STORAGE_AWAY = "storage_away"


def takes_files(view: Any) -> Any:
    """Marks a view: what is sent to it may have a file in it."""
    setattr(view, TAKES_FILES, True)
    return view


def check_was_kept(request: Any) -> None:
    """:raises StorageAwayError: the file that this request has in it could not be written to the disk."""
    if (error := getattr(request, STORAGE_AWAY, None)) is not None:
        raise StorageAwayError(error)


def let_go(request: Any) -> None:
    """Deletes the half of a file whose sender went away. Nobody tells a handler so."""
    for handler in request.upload_handlers:
        handler.upload_interrupted()


def is_of_api(view: Any) -> bool:
    return str(view.__module__).startswith("casework.api.")


class Upload(TemporaryUploadedFile):
    """A file that comes in, on the disk: where files are stored, so that it is moved there and not copied."""

    def __init__(self, name: str | None) -> None:
        folder = settings.FILES_INCOMING
        if folder is not None:
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        # Not the parent's own, which has the ending that the sender gave it in the path.
        written = NamedTemporaryFile(suffix=".upload", dir=folder)  # noqa: SIM115  # it stays open while the request lasts
        UploadedFile.__init__(self, written, name, size=0)


class ToDisk(TemporaryFileUploadHandler):
    """
    Writes a file to the disk as it comes in, if the address takes files. Refuses a larger body than that unread.

    A file that is larger than any may be is not kept: the request says so (`UPLOAD_IS_TOO_LARGE`).
    """

    def handle_raw_input(
        self, input_data: Any, meta: Any, content_length: int, boundary: str, encoding: str | None = None
    ) -> None:
        request: Any = self.request
        view = request.resolver_match.func if request.resolver_match is not None else None
        takes_files = getattr(view, TAKES_FILES, False)
        if content_length > (LARGEST_BODY if takes_files else settings.DATA_UPLOAD_MAX_MEMORY_SIZE):
            raise RequestDataTooBig("The body is larger than any form.")
        # Nothing is written of whoever has not signed in: they are sent to do so. The API has checked the token by now.
        self.keeps_files = takes_files and (is_of_api(view) or request.user.is_authenticated)

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        if not self.keeps_files:
            raise SkipFile
        with self._or_away():
            self.file = Upload(file_name)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > LARGEST:
            setattr(self.request, UPLOAD_IS_TOO_LARGE, True)
            raise SkipFile
        with self._or_away():
            self.file.write(raw_data)

    @contextmanager
    def _or_away(self) -> Iterator[None]:
        """The rest of the form is read. What it is sent for then says that files cannot be stored."""
        try:
            yield
        except OSError as error:
            setattr(self.request, STORAGE_AWAY, error)
            raise SkipFile from error
