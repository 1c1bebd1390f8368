"""What a file is, by its content, whatever it is called."""

from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from io import BytesIO
from zipfile import ZIP_BZIP2, ZIP_LZMA, ZipFile

import pytest

from casework.files import content
from casework.files.content import recognise
from casework.models.files import LARGEST, FileKind
from errors import InvalidInput
from tests.stage.files import (
    EMAIL,
    HTML,
    PDF,
    PROGRAM,
    SVG,
    doc,
    docm,
    docx,
    locked_zip,
    odt,
    ole,
    picture,
    zipped,
)


def msg(attached: bytes) -> bytes:
    """An e-mail as Outlook keeps it, with an attachment."""
    made = ole("__properties_version1.0", "__substg1.0_37010102")
    # The last of the streams, which are all as long.
    return made[:-4096] + attached.ljust(4096, b"\0")[:4096]


def email(attached: bytes) -> bytes:
    made = MIMEMultipart()
    made["From"], made["Date"] = "school@example.org", "Thu, 19 Nov 2026 10:00:00 +0000"
    made.attach(MIMEText("Please read."))
    made.attach(MIMEApplication(attached, Name="report.pdf"))
    return made.as_bytes()


HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(100)


# One of each kind at least.
SAMPLES = [
    ("pdf", PDF),
    ("jpeg", picture("JPEG")),
    ("png", picture("PNG")),
    ("gif", picture("GIF")),
    ("webp", picture("WEBP")),
    ("tiff", picture("TIFF")),
    ("heic", HEIC),
    ("docx", docx()),
    ("odt", odt()),
    ("doc", doc()),
    ("msg", ole("__properties_version1.0")),
    ("eml", EMAIL),
    ("eml", email(PDF)),
    ("eml", b"Received: from a\nFrom: a@example.org\n\tand folded\n\nText\n"),
]


@pytest.mark.parametrize(("kind", "sample"), SAMPLES)
def test_each_kind_that_is_allowed_is_recognised(kind: str, sample: bytes) -> None:
    opened = BytesIO(sample)
    assert recognise(opened) == kind
    assert opened.tell() == 0


def test_every_kind_has_a_sample() -> None:
    assert {kind for kind, _ in SAMPLES} == set(FileKind.values)


@pytest.mark.parametrize(
    "sample",
    [
        HTML,
        SVG,
        PROGRAM,
        b"\x7fELF" + bytes(100),
        b"Dear colleague,\nplease read.\n",
        b"Note: a text with a colon, and no e-mail\n\nText\n",
        b"From: a@example.org\nDate: today\n\x00\n",
        b"BM" + bytes(100),
        b" %PDF-1.4",
        b"\x00\x00\x00\x1cftypisom" + bytes(50),
        zipped({"a.txt": "A"}),
        zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}),
        docx(kind="spreadsheetml.sheet"),
        ole("Workbook"),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 2000,
        b"PK\x03\x04" + bytes(500),
        docx()[:-10],
        b"\x00",
    ],
)
def test_what_is_not_allowed_is_refused_with_a_sentence_that_names_what_is(sample: bytes) -> None:
    assert refusal_of(sample) == content.NOT_ALLOWED


def test_every_kind_is_named_in_the_sentence() -> None:
    for kind in FileKind:
        assert kind.value in content.NOT_ALLOWED.casefold()


@pytest.mark.parametrize(
    ("sample", "says"),
    [
        (b"", content.EMPTY),
        (locked_zip(), content.IS_LOCKED),
        (doc(encrypted=True), content.IS_LOCKED),
        (ole("EncryptedPackage"), content.IS_LOCKED),
        (docm(), content.HAS_MACROS),
        (docx({"word/vbaProject.bin": b"program"}), content.HAS_MACROS),
        (doc("Macros"), content.HAS_MACROS),
        (docx({"word/embeddings/Sheet1.xlsm": b"PK"}), content.HAS_MACROS),
        (docx({"word/embeddings/oleObject1.bin": ole("\x01Ole10Native")}), content.HAS_A_FILE),
        (odt({"Object 1": ole("\x01Ole10Native")}), content.HAS_A_FILE),
        (doc("\x01Ole10Native"), content.HAS_A_FILE),
        (msg(PROGRAM), content.HAS_A_PROGRAM),
        (email(PROGRAM * 300), content.HAS_A_PROGRAM),
    ],
)
def test_passwords_macros_and_nothing_are_refused_in_their_own_words(sample: bytes, says: str) -> None:
    assert refusal_of(sample) == says


@pytest.mark.parametrize(
    ("kind", "sample"),
    [
        (
            "docx",
            docx({"word/embeddings/Sheet1.xlsx": b"PK", "word/embeddings/oleObject1.bin": ole("Equation Native")}),
        ),
        ("msg", msg(PDF)),
        ("eml", email(PDF)),
    ],
)
def test_what_is_embedded_or_attached_and_is_no_program_is_taken(kind: str, sample: bytes) -> None:
    assert recognise(BytesIO(sample)) == kind


def test_objects_that_unpack_to_very_much_are_not_looked_through() -> None:
    many = docx({f"word/embeddings/oleObject{number}.bin": bytes(5 * 1024 * 1024) for number in range(9)})
    assert refusal_of(many) == content.NOT_ALLOWED


def test_a_file_of_20_megabytes_is_taken_and_a_byte_more_is_not() -> None:
    assert recognise(BytesIO(PDF.ljust(LARGEST, b" "))) == FileKind.PDF
    assert refusal_of(PDF.ljust(LARGEST + 1, b" ")) == content.TOO_LARGE


def test_a_zip_that_unpacks_to_very_much_is_refused() -> None:
    bomb = docx({f"word/media/{number}": bytes(60 * 1024 * 1024) for number in range(9)})
    assert len(bomb) < LARGEST
    assert refusal_of(bomb) == content.NOT_ALLOWED


def test_a_zip_with_very_many_parts_is_refused_before_its_directory_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    many = docx({f"word/{number}": b"" for number in range(content.MOST_PARTS)})
    monkeypatch.setattr(ZipFile, "infolist", lambda _: pytest.fail("its directory was read"))
    assert refusal_of(many) == content.NOT_ALLOWED


@pytest.mark.parametrize("packed", [ZIP_BZIP2, ZIP_LZMA])
def test_a_zip_that_is_packed_as_word_never_does_is_refused(packed: int) -> None:
    written = BytesIO()
    with ZipFile(written, "w", packed) as made, ZipFile(BytesIO(docx())) as real:
        for part in real.namelist():
            made.writestr(part, real.read(part))
    assert refusal_of(written.getvalue()) == content.NOT_ALLOWED


def test_a_zip_whose_parts_are_damaged_is_refused() -> None:
    sample = bytearray(docx())
    begins = 30 + len("[Content_Types].xml")
    sample[begins : begins + 8] = b"\xff" * 8
    assert refusal_of(bytes(sample)) == content.NOT_ALLOWED


def refusal_of(sample: bytes) -> str:
    with pytest.raises(InvalidInput) as refused:
        recognise(BytesIO(sample))
    (fault,) = refused.value.faults
    assert fault.path == ("file",)
    return fault.message
