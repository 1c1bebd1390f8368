"""
What a file is, by its content: never by its name, nor by what a browser says of it.

Only the beginning of a picture is read: nothing in a web process unpacks one. What is a container is looked into, as
far as it takes to tell a Word document from a workbook, and one with macros or a password from one without.
"""

import re
import struct
import zlib
from email.errors import MultipartInvariantViolationDefect
from email.parser import BytesHeaderParser
from email.policy import compat32
from io import SEEK_END
from typing import IO, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

import olefile

from casework.models.files import LARGEST, FileKind
from errors import Fault, InvalidInput

ALLOWED = (
    "a PDF, a picture (JPEG, PNG, HEIC, WebP, GIF or TIFF), a Word document (DOCX, DOC or ODT) or an email (EML or MSG)"
)
NOT_ALLOWED = f"The selected file must be {ALLOWED}"
IS_LOCKED = "The selected file is password protected. Remove the password, and select it again"
HAS_MACROS = "The selected file contains macros. Save it without them, or as a PDF, and select it again"
HAS_A_FILE = (
    "The selected file has another file inside it. Take that out, or save the file as a PDF, and select it again"
)
HAS_A_PROGRAM = "The selected file has a program attached. Take it away, and select the file again"
EMPTY = "The selected file is empty"
TOO_LARGE = "The selected file must be smaller than 20MB"
SELECT = "Select a file"

BEGINNINGS = (
    (FileKind.PDF, re.compile(rb"%PDF-\d")),
    (FileKind.JPEG, re.compile(rb"\xff\xd8\xff")),
    (FileKind.PNG, re.compile(rb"\x89PNG\r\n\x1a\n")),
    (FileKind.GIF, re.compile(rb"GIF8[79]a")),
    (FileKind.TIFF, re.compile(rb"II\*\x00|MM\x00\*")),
    (FileKind.WEBP, re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
    (FileKind.HEIC, re.compile(rb"\x00\x00.{2}ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL)),
)
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# A Word document has some dozens of parts. More, or much more when it is unpacked, is made to exhaust its reader.
MOST_PARTS, LONGEST_DIRECTORY, MOST_UNPACKED = 2_000, 512 * 1024, 500 * 1024 * 1024
LONGEST_PART_READ = 1024 * 1024
END_OF_ZIP = struct.Struct("<4s4H2LH")
DOCX_MAIN = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
ODT_MIMETYPE = b"application/vnd.oasis.opendocument.text"
# A part or a folder of one that holds programs.
PROGRAMS = re.compile(r"vbaproject|vbadata|activex|^basic/|^scripts/|\.(?:doc|dot|xls|xlt|ppt|pot)m$|\.xlsb$")
# What Office packs a file of any kind in that somebody drags into a document: a compound file with this stream in it.
PACKED_FILE = "\x01Ole10Native"
PACKS_A_FILE = re.compile(r"(?:^|/)(?:embeddings/.*\.bin|object [0-9]+)$")
MOST_OF_OBJECTS_READ = 40 * 1024 * 1024
# How a program for Windows begins, and how that looks in the text of an e-mail: at the beginning of a part.
A_PROGRAM = b"MZ"
A_PROGRAM_IN_BASE64 = re.compile(rb"\n\r?\nTV[opqr][A-Za-z0-9+/]{60}")
ATTACHED = "__substg1.0_37010102"
ENCRYPTED = 0x1
HEADERS_READ = 64 * 1024
A_HEADER = re.compile(rb"[!-9;-~]+:[ \t]?[^\r\n]*(?:\r?\n)")


# What zipfile raises of a zip that is damaged, or made to break its reader: BadZipFile of most; NotImplementedError of
# a later version of the format; ValueError of a name that is no UTF-8 and of a place before the beginning, which is an
# OSError on a disk; struct.error of a field that is cut off; and while a part is unpacked, EOFError and zlib.error.
DAMAGED_ZIP = (BadZipFile, NotImplementedError, ValueError, OSError, struct.error, EOFError, zlib.error)
# What olefile raises: its own errors, which are OSErrors; ValueError of a place before the beginning; IndexError and
# struct.error of a table or an entry that ends too early.
DAMAGED_OLE = (OSError, ValueError, IndexError, struct.error)


class _NotAllowedError(Exception):
    """Why a file cannot be taken, as a sentence for people."""


def recognise(content: BinaryIO) -> FileKind:
    """
    What a file is.

    :param content: open at any place; it is left at its beginning.
    :raises InvalidInput: it is empty, too large, or of no kind that is allowed. The sentence names what is.
    """
    try:
        size = content.seek(0, SEEK_END)
        if size == 0:
            raise _NotAllowedError(EMPTY)
        if size > LARGEST:
            raise _NotAllowedError(TOO_LARGE)
        content.seek(0)
        return _kind(content, content.read(32))
    except _NotAllowedError as refused:
        raise InvalidInput([Fault(("file",), str(refused))]) from None
    finally:
        content.seek(0)


def _kind(content: BinaryIO, beginning: bytes) -> FileKind:
    for kind, begins in BEGINNINGS:
        if begins.match(beginning):
            return kind
    if beginning.startswith(ZIP):
        return _kind_of_zip(content)
    if beginning.startswith(OLE):
        return _kind_of_ole(content)
    content.seek(0)
    if _is_email(content.read(HEADERS_READ)):
        content.seek(0)
        if _has(content, A_PROGRAM_IN_BASE64):
            raise _NotAllowedError(HAS_A_PROGRAM)
        return FileKind.EML
    raise _NotAllowedError(NOT_ALLOWED)


def _kind_of_zip(content: BinaryIO) -> FileKind:
    _check_directory(content)
    try:
        with ZipFile(content) as packed:
            parts = packed.infolist()
            if any(part.flag_bits & ENCRYPTED for part in parts):
                raise _NotAllowedError(IS_LOCKED)
            if sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise _NotAllowedError(NOT_ALLOWED)
            if any(PROGRAMS.search(part.filename.casefold()) for part in parts):
                raise _NotAllowedError(HAS_MACROS)
            # Word packs in one way. Others may take a gigabyte of memory to unpack a line.
            if any(part.compress_type not in {ZIP_STORED, ZIP_DEFLATED} for part in parts):
                raise _NotAllowedError(NOT_ALLOWED)
            _check_objects(packed)
            kind, types = None, b""
            for part in parts:
                if part.filename == "[Content_Types].xml":
                    kind, types = FileKind.DOCX, _beginning_of(packed, part.filename)
                elif part.filename == "mimetype":
                    kind, types = FileKind.ODT, _beginning_of(packed, part.filename)
                if kind is not None:
                    break
    except DAMAGED_ZIP:
        raise _NotAllowedError(NOT_ALLOWED) from None
    if kind == FileKind.DOCX and b"macroEnabled" in types:
        raise _NotAllowedError(HAS_MACROS)
    if (kind == FileKind.DOCX and DOCX_MAIN in types) or (kind == FileKind.ODT and types.strip() == ODT_MIMETYPE):
        return kind
    raise _NotAllowedError(NOT_ALLOWED)


def _check_directory(content: BinaryIO) -> None:
    """Reads the end of a zip before anything else does: its directory may have a million parts."""
    end = content.seek(0, SEEK_END)
    content.seek(max(0, end - END_OF_ZIP.size - 0xFFFF))
    tail = content.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < END_OF_ZIP.size:
        raise _NotAllowedError(NOT_ALLOWED)
    _, _, _, _, parts, length, _, _ = END_OF_ZIP.unpack_from(tail, place)
    # In the format for large archives both say so by the highest number that they can.
    if parts > MOST_PARTS or length > LONGEST_DIRECTORY:
        raise _NotAllowedError(NOT_ALLOWED)
    content.seek(0)


def _beginning_of(packed: ZipFile, part: str) -> bytes:
    with packed.open(part) as opened:
        return opened.read(LONGEST_PART_READ)


def _check_objects(packed: ZipFile) -> None:
    """Looks for a file of any kind among what is embedded: a diagram or a workbook may be, a program may not."""
    left = MOST_OF_OBJECTS_READ
    for part in packed.infolist():
        if not PACKS_A_FILE.search(part.filename.casefold()):
            continue
        left -= part.file_size
        if left < 0:
            raise _NotAllowedError(NOT_ALLOWED)
        with packed.open(part) as opened:
            if _has(opened, re.compile(re.escape(PACKED_FILE.encode("utf-16-le")))):
                raise _NotAllowedError(HAS_A_FILE)


def _has(content: IO[bytes], sought: re.Pattern[bytes]) -> bool:
    """Whether something of at most a few hundred bytes is in it; it is read in pieces."""
    piece = b""
    while more := content.read(HEADERS_READ):
        piece = piece[-512:] + more
        if sought.search(piece):
            return True
    return False


def _kind_of_ole(content: BinaryIO) -> FileKind:
    content.seek(0)
    try:
        with olefile.OleFileIO(content) as document:
            if document.exists("EncryptedPackage"):
                raise _NotAllowedError(IS_LOCKED)
            if document.exists("__properties_version1.0"):
                _check_attachments(document)
                return FileKind.MSG
            if document.exists("WordDocument"):
                if document.exists("Macros") or document.exists("_VBA_PROJECT_CUR"):
                    raise _NotAllowedError(HAS_MACROS)
                if any(path[-1] == PACKED_FILE for path in document.listdir()):
                    raise _NotAllowedError(HAS_A_FILE)
                # The eleventh byte of a Word document says whether it is encrypted.
                beginning = document.openstream("WordDocument").read(12)
                if len(beginning) == 12 and beginning[11] & ENCRYPTED:
                    raise _NotAllowedError(IS_LOCKED)
                return FileKind.DOC
    except DAMAGED_OLE:
        pass
    raise _NotAllowedError(NOT_ALLOWED)


def _check_attachments(email: olefile.OleFileIO) -> None:
    for path in email.listdir():
        if path[-1] == ATTACHED and email.openstream(path).read(len(A_PROGRAM)) == A_PROGRAM:
            raise _NotAllowedError(HAS_A_PROGRAM)


def _is_email(beginning: bytes) -> bool:
    """Whether it begins with the lines that every e-mail begins with, and with nothing else."""
    if b"\x00" in beginning or not A_HEADER.match(beginning):
        return False
    headers = BytesHeaderParser(policy=compat32).parsebytes(beginning.split(b"\r\n\r\n")[0].split(b"\n\n")[0] + b"\n\n")
    # Of each e-mail in parts it says that they are missing: they come after the headers.
    defects = [each for each in headers.defects if not isinstance(each, MultipartInvariantViolationDefect)]
    return not defects and "From" in headers and bool({"Date", "Received", "Message-ID"} & {*headers.keys()})
