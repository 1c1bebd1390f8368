"""Pictures to look at: drawn anew, smaller, with nothing in them but what can be seen."""

from io import BytesIO
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from PIL import Image

from casework.files import drawing, previews
from casework.models.files import PICTURES, FileKind
from tests.stage.files import HTML, PDF, picture
from tests.stage.logs import lines


@pytest.mark.parametrize("kind", PICTURES)
def test_every_kind_of_picture_becomes_a_jpeg(kind: FileKind) -> None:
    drawn = previews.draw(BytesIO(picture(previews.FORMATS[kind])), kind)
    assert drawn is not None
    with Image.open(BytesIO(drawn)) as opened:
        assert (opened.format, opened.size) == ("JPEG", (60, 40))


def test_what_the_camera_wrote_is_gone() -> None:
    original = picture("JPEG", exif=True)
    assert b"A camera that tells" in original
    drawn = previews.draw(BytesIO(original), FileKind.JPEG)
    assert drawn is not None
    assert b"camera" not in drawn
    with Image.open(BytesIO(drawn)) as opened:
        assert not opened.getexif()


def test_a_large_picture_becomes_smaller() -> None:
    drawn = previews.draw(BytesIO(picture("JPEG", (4000, 1000))), FileKind.JPEG)
    assert drawn is not None
    with Image.open(BytesIO(drawn)) as opened:
        assert opened.size == (1600, 400)


def of_one_colour(kind: str, mode: str, size: tuple[int, int], **how: Any) -> bytes:
    written = BytesIO()
    Image.new(mode, size).save(written, kind, **how)
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (of_one_colour("PNG", "RGB", (8000, 5001)), FileKind.PNG),
        (of_one_colour("PNG", "1", (13_000, 13_000)), FileKind.PNG),
        # A JPEG in layers keeps all of it in memory until the last one.
        (of_one_colour("JPEG", "L", (7000, 6000), progressive=True), FileKind.JPEG),
    ],
)
def test_a_picture_that_would_unpack_to_very_much_is_not_drawn(content: bytes, kind: FileKind) -> None:
    assert previews.draw(BytesIO(content), kind) is None


def test_a_large_photo_and_a_scan_are_drawn() -> None:
    """What a telephone takes, and A4 at 600 dots to an inch."""
    for kind, size in ((FileKind.JPEG, (9000, 6000)), (FileKind.PNG, (4960, 7016))):
        assert previews.draw(BytesIO(of_one_colour(previews.FORMATS[kind], "RGB", size)), kind), kind


def test_a_picture_that_takes_more_memory_than_it_says_is_not_drawn() -> None:
    """Less than fifty bytes, of which a reader makes half a gigabyte."""
    content = of_one_colour("WEBP", "RGBA", (8000, 5000), lossless=True, method=0)
    assert len(content) < 50
    assert previews.draw(BytesIO(content), FileKind.WEBP) is None


def test_who_breaks_the_program_that_draws_ends_no_worker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = tmp_path / "drawing.py"
    monkeypatch.setattr(drawing, "__file__", str(program))
    program.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert previews.draw(BytesIO(picture()), FileKind.PNG) is None
    assert [(line["event"], line["signal"]) for line in lines(caplog)] == [
        ("a picture ended the process that drew it", 11)
    ]
    program.write_text("import os; assert not os.environ.get('SECRET_KEY'); raise LookupError('why')")
    with pytest.raises(previews.NotDrawnError, match="LookupError: why"):
        previews.draw(BytesIO(picture()), FileKind.PNG)
    monkeypatch.setattr(previews, "PATIENCE", 0.2)
    program.write_text("import time; time.sleep(30)")
    assert previews.draw(BytesIO(picture()), FileKind.PNG) is None


@pytest.mark.parametrize("content", [HTML, PDF, picture("PNG")[:60], picture("GIF")])
def test_what_is_no_picture_of_its_kind_is_not_drawn(content: bytes) -> None:
    assert previews.draw(BytesIO(content), FileKind.PNG) is None


def test_a_tiff_whose_place_of_a_picture_is_a_fraction_is_not_drawn() -> None:
    strip_offsets, long, rational = 273, 4, 5
    content = picture("TIFF").replace(pack("<HH", strip_offsets, long), pack("<HH", strip_offsets, rational))
    assert content != picture("TIFF")
    assert previews.draw(BytesIO(content), FileKind.TIFF) is None
