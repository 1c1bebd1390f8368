"""Files made by code: one of each kind that is allowed, and some that are not."""

import struct
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from casework.actions import files
from casework.files import storing
from casework.files.storing import Stored
from casework.models import Contact, File
from localities.models import Agency, User
from tests.stage.story import Story, person

GPS, MAKE = 0x8825, 0x010F
PDF = b"""%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 200 200]>> endobj
trailer <</Root 1 0 R>>
%%EOF
"""
HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
EMAIL = (
    b"From: school@example.org\r\nTo: hub@example.org\r\nDate: Thu, 19 Nov 2026 10:00:00 +0000\r\n\r\nPlease read.\r\n"
)
PROGRAM = b"MZ\x90\x00" + bytes(200)
OOXML_TYPE = "application/vnd.openxmlformats-officedocument.{}.main+xml"
TYPES = '<Types><Override PartName="/word/document.xml" ContentType="{}"/></Types>'


def picture(kind: str = "PNG", size: tuple[int, int] = (60, 40), *, exif: bool = False) -> bytes:
    """A picture of one colour; with `exif`, its camera wrote where it was taken."""
    drawn, written = Image.new("RGB", size, (0, 94, 165)), BytesIO()
    options: dict[str, Any] = {}
    if exif:
        said = Image.Exif()
        said[MAKE] = "A camera that tells"
        said.get_ifd(GPS)[1] = "N"
        options["exif"] = said
    drawn.save(written, kind, **options)
    return written.getvalue()


def zipped(parts: Mapping[str, str | bytes], *, stored: bool = False) -> bytes:
    written = BytesIO()
    with ZipFile(written, "w", ZIP_STORED if stored else ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return written.getvalue()


def docx(more: Mapping[str, bytes] | None = None, *, kind: str = "wordprocessingml.document") -> bytes:
    """:param more: other parts by their names."""
    types = TYPES.format(OOXML_TYPE.format(kind))
    return zipped({"[Content_Types].xml": types, "word/document.xml": "<w:document/>", **(more or {})})


def docm() -> bytes:
    types = TYPES.format("application/vnd.ms-word.document.macroEnabled.main+xml")
    return zipped({"[Content_Types].xml": types, "word/document.xml": "<w:document/>"})


def odt(more: Mapping[str, bytes] | None = None) -> bytes:
    """:param more: other parts by their names."""
    parts = {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<office/>"}
    return zipped({**parts, **(more or {})}, stored=True)


def locked_zip() -> bytes:
    """A zip whose directory says that its first part is encrypted."""
    content = bytearray(docx())
    place = content.index(b"PK\x01\x02")
    content[place + 8] |= 1
    return bytes(content)


def ole(*streams: str, encrypted: bool = False) -> bytes:
    """
    A compound file, as Word and Outlook wrote before 2007, with these streams: sectors of 512 bytes, a table of which
    follows which, and a directory.
    """
    sector, free, end, table = 512, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    length = 8 * sector  # shorter ones would be in a container of their own
    names = ["Root Entry", *streams]
    directory_sectors = -(-len(names) // 4)
    follows = [table]
    follows += [each + 2 for each in range(directory_sectors - 1)] + [end]
    starts = []
    for _ in streams:
        first = len(follows)
        starts.append(first)
        follows += [each + 1 for each in range(first, first + 7)] + [end]
    follows += [free] * (128 - len(follows))
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
        + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
        + struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, end, 0, end, 0, 0)
        + struct.pack("<I", free) * 108
    )  # fmt: skip
    entries = b""
    for place, name in enumerate(names):
        written = name.encode("utf-16-le") + b"\0\0"
        root = place == 0
        after = place + 1 if 0 < place < len(names) - 1 else free
        entries += (
            written.ljust(64, b"\0") + struct.pack("<H", len(written)) + bytes([5 if root else 2, 1])
            + struct.pack("<III", free, after, 1 if root and streams else free) + bytes(36)
            + struct.pack("<IQ", end if root else starts[place - 1], 0 if root else length)
        )  # fmt: skip
    entries = entries.ljust(directory_sectors * sector, b"\0")
    body = bytes(11) + bytes([1 if encrypted else 0]) + bytes(length - 12)
    return header + struct.pack("<128I", *follows) + entries + body * len(streams)


def doc(*more: str, encrypted: bool = False) -> bytes:
    return ole("WordDocument", *more, encrypted=encrypted)


def upload(content: bytes, name: str = "report.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def stored(content: bytes = PDF) -> Stored:
    return storing.take_in(upload(content))


def put(
    contact: Contact,
    story: Story,
    content: bytes = PDF,
    name: str = "report.pdf",
    by: str | Agency = "amina",
    **said: Any,
) -> File:
    """Puts a file on a contact."""
    who: User | Agency = by if isinstance(by, Agency) else person(by)
    return files.add_to_contact(
        contact_id=contact.pk, stored=stored(content), name=name, by=who, now=story.later(), **said
    )
