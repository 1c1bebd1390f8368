"""Pictures to look at: drawn anew, smaller, with nothing in them but what can be seen."""

from io import BytesIO
from struct import pack

import pytest
from PIL import Image

from casework.files import previews
from casework.models.files import PICTURES, FileKind
from tests.stage.files import HTML, PDF, picture


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


def test_a_picture_that_would_unpack_to_very_much_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "MOST_PIXELS", 60 * 40 - 1)
    assert previews.draw(BytesIO(picture()), FileKind.PNG) is None


@pytest.mark.parametrize("content", [HTML, PDF, picture("PNG")[:60], picture("GIF")])
def test_what_is_no_picture_of_its_kind_is_not_drawn(content: bytes) -> None:
    assert previews.draw(BytesIO(content), FileKind.PNG) is None


def test_a_tiff_whose_place_of_a_picture_is_a_fraction_is_not_drawn() -> None:
    strip_offsets, long, rational = 273, 4, 5
    content = picture("TIFF").replace(pack("<HH", strip_offsets, long), pack("<HH", strip_offsets, rational))
    assert content != picture("TIFF")
    assert previews.draw(BytesIO(content), FileKind.TIFF) is None
