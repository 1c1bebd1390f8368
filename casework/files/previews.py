"""Smaller pictures to look at, drawn anew by the worker: nothing of the file but what can be seen is in them."""

from io import BytesIO
from typing import IO

from PIL import Image, ImageOps

from casework.models.files import FileKind

FORMATS = {
    FileKind.JPEG: "JPEG", FileKind.PNG: "PNG", FileKind.WEBP: "WEBP", FileKind.GIF: "GIF", FileKind.TIFF: "TIFF",
}  # fmt: skip
MOST_PIXELS = 60_000_000
WIDEST = (1600, 1600)
WHITE = (255, 255, 255)
# What Pillow raises of a picture that is damaged, or made to break its reader: OSError where it is cut off, or is of
# another kind; ValueError and SyntaxError of a wrong part; TypeError of a number of the wrong kind in a TIFF; EOFError
# of a frame that is not there; and DecompressionBombError of one that says that it is huge.
DAMAGED = (OSError, ValueError, SyntaxError, TypeError, EOFError, Image.DecompressionBombError)


def draw(content: IO[bytes], kind: FileKind) -> bytes | None:
    """
    A JPEG of at most 1,600 by 1,600 pixels, without what the camera wrote (where, when, by whom); None if the picture
    is damaged, or too large to unpack.

    :param kind: what the file is: it is read as that, and as nothing else.
    """
    try:
        with Image.open(content, formats=[FORMATS[kind]]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            # JPEG is unpacked at a smaller size at once.
            picture.draft("RGB", WIDEST)
            upright = ImageOps.exif_transpose(picture)
            upright.thumbnail(WIDEST)
            return _as_jpeg(upright)
    except DAMAGED:
        return None


def _as_jpeg(picture: Image.Image) -> bytes:
    clear = picture.convert("RGBA")
    drawn = Image.new("RGB", clear.size, WHITE)
    drawn.paste(clear, mask=clear.getchannel("A"))
    written = BytesIO()
    drawn.save(written, "JPEG", quality=80, optimize=True)
    return written.getvalue()
