"""What people called a file: shown and sent back, and never used as a path."""

import re
import unicodedata
from pathlib import PurePosixPath

from casework.models.files import FileKind

LONGEST_NAME = 150
NAMELESS = "file"
# Control characters, marks (of direction, among others), line breaks, and what is no character.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"})
# How a name of each kind ends; the first is given to a file whose name ends in another way.
ENDINGS: dict[FileKind, tuple[str, ...]] = {
    FileKind.PDF: (".pdf",),
    FileKind.JPEG: (".jpg", ".jpeg", ".jfif"),
    FileKind.PNG: (".png",),
    FileKind.HEIC: (".heic", ".heif"),
    FileKind.WEBP: (".webp",),
    FileKind.GIF: (".gif",),
    FileKind.TIFF: (".tif", ".tiff"),
    FileKind.DOCX: (".docx",),
    FileKind.DOC: (".doc",),
    FileKind.ODT: (".odt",),
    FileKind.EML: (".eml",),
    FileKind.MSG: (".msg",),
}


def clean(name: str) -> str:
    """
    A name as it is kept: the last part of a path, without characters that cannot be seen or that turn the direction of
    what follows, and not longer than a name may be.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    seen = "".join(each for each in last if unicodedata.category(each) not in UNSEEN)
    words = " ".join(seen.split()).strip(". ")
    if len(words) > LONGEST_NAME:
        ending = PurePosixPath(words).suffix[:10]
        words = words[: LONGEST_NAME - len(ending)].rstrip() + ending
    return words or NAMELESS


def downloaded_as(name: str, kind: FileKind) -> str:
    """The name under which a computer stores a file: it ends as its kind does, whatever the sender called it."""
    endings = ENDINGS[kind]
    return name if name.casefold().endswith(endings) else name + endings[0]


def says_another_kind(name: str, kind: FileKind) -> bool:
    """Whether a name ends as if the file was of another kind."""
    suffix = PurePosixPath(name).suffix.casefold()
    return bool(suffix) and suffix not in ENDINGS[kind]
