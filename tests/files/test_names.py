"""What people call files: kept for people to read, and never a path."""

import re

import pytest

from casework.files.names import LONGEST_NAME, clean, downloaded_as, says_another_kind
from casework.models.files import FileKind


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("Schoolś report (final).pdf", "Schoolś report (final).pdf"),
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\Robin\secret.doc", "secret.doc"),
        ("..", "file"),
        ("/", "file"),
        (".htaccess", "htaccess"),
        ("a\x00b\nc\x7f.pdf", "abc.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\u200b\u2066 \u2069", "file"),
        ("two   spaces\u2028.pdf", "two spaces.pdf"),
        ("half \ud83d.pdf", "half .pdf"),
        ("", "file"),
    ],
)
def test_a_name_is_kept_without_what_leads_elsewhere_or_is_not_seen(given: str, kept: str) -> None:
    assert clean(given) == kept


def test_a_long_name_keeps_its_ending() -> None:
    kept = clean("a" * 400 + ".docx")
    assert len(kept) == LONGEST_NAME
    assert kept.endswith("a.docx")


@pytest.mark.parametrize("given", ["../x", "a/b", "a\\b", "\x1b[31m", "..\\..", "con\u202e"])
def test_the_database_takes_every_cleaned_name(given: str) -> None:
    assert re.fullmatch(r"[^/\\\x00-\x1f\x7f]+", clean(given))


@pytest.mark.parametrize(
    ("name", "kind", "gets"),
    [
        ("report.pdf", FileKind.PDF, "report.pdf"),
        ("REPORT.PDF", FileKind.PDF, "REPORT.PDF"),
        ("photo.pdf", FileKind.JPEG, "photo.pdf.jpg"),
        ("photo.jpeg", FileKind.JPEG, "photo.jpeg"),
        ("run.exe", FileKind.PNG, "run.exe.png"),
        ("letter", FileKind.DOCX, "letter.docx"),
    ],
)
def test_a_download_ends_as_its_kind_does(name: str, kind: FileKind, gets: str) -> None:
    assert downloaded_as(name, kind) == gets


def test_a_name_that_says_another_kind_is_found_out() -> None:
    assert says_another_kind("photo.pdf", FileKind.JPEG)
    assert not says_another_kind("photo.JPG", FileKind.JPEG)
    assert not says_another_kind("photo", FileKind.JPEG)
