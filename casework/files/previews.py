"""Smaller pictures to look at, drawn anew for the worker: nothing of the file but what can be seen is in them."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import structlog

from casework.files import drawing
from casework.files.storing import pieces
from casework.models.files import FileKind

log = structlog.get_logger()

FORMATS = {
    FileKind.JPEG: "JPEG", FileKind.PNG: "PNG", FileKind.WEBP: "WEBP", FileKind.GIF: "GIF", FileKind.TIFF: "TIFF",
}  # fmt: skip
# More than the seconds of the processor that it may take.
PATIENCE = 60


class NotDrawnError(Exception):
    """The program that draws did not work, and said why."""


def draw(content: IO[bytes], kind: FileKind) -> bytes | None:
    """
    A JPEG of at most 1,600 by 1,600 pixels, without what the camera wrote (where, when, by whom); None if the picture
    is damaged, or takes too much memory or time to unpack. It is drawn by a process of its own (`drawing.py`).

    :param kind: what the file is: it is read as that, and as nothing else.
    """
    with TemporaryFile() as picture:
        for piece in pieces(content):
            picture.write(piece)
        picture.seek(0)
        try:
            done = subprocess.run(  # noqa: S603  # our own program
                [sys.executable, "-I", str(Path(drawing.__file__)), FORMATS[kind]],
                stdin=picture, capture_output=True, env={}, timeout=PATIENCE, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            log.warning("a picture takes too long to draw")
            return None
    if done.returncode == 0:
        return done.stdout
    if done.returncode < 0:
        log.warning("a picture ended the process that drew it", signal=-done.returncode)
    elif done.returncode != drawing.CANNOT_BE_DRAWN:
        raise NotDrawnError(done.stderr.decode(errors="replace")[-2000:])
    return None
