"""
Draws a smaller picture: a program of its own, which `previews.py` starts for each picture.

It reads the picture from its input, writes a JPEG to its output, and knows nothing else: a picture that is made to
break its reader breaks a process without secrets, without much memory and with little time. It imports nothing of ours.
"""

import resource
import sys
from io import BytesIO
from typing import BinaryIO

from PIL import Image, ImageOps

# What a process may take, whatever a picture says of itself: of addresses in bytes, of the processor in seconds.
MOST_MEMORY, MOST_SECONDS = 448 * 1024 * 1024, 20
# Of a picture that is unpacked: one byte for each pixel in shades of grey, and four in colour.
MOST_UNPACKED = 160_000_000
GREY = {"1", "L", "P"}
# A JPEG is unpacked at an eighth of its size, or at more; unless it comes in layers, which are all kept till the last.
MOST_OF_A_JPEG, MOST_IN_LAYERS = 200_000_000, 40_000_000
WIDEST = (1600, 1600)
WHITE = (255, 255, 255)
CANNOT_BE_DRAWN = 3
# What Pillow raises of a picture that is damaged, or made to break its reader: OSError where it is cut off, or is of
# another kind; ValueError and SyntaxError of a wrong part; TypeError of a number of the wrong kind in a TIFF; EOFError
# of a frame that is not there; DecompressionBombError of one that says that it is huge; and MemoryError of one that is.
DAMAGED = (OSError, ValueError, SyntaxError, TypeError, EOFError, Image.DecompressionBombError, MemoryError)


def main() -> int:
    """Returns 0 when the picture is drawn, and `CANNOT_BE_DRAWN` when it is damaged or too large."""
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    # The limits below are ours.
    Image.MAX_IMAGE_PIXELS = MOST_OF_A_JPEG
    try:
        drawn = draw(sys.stdin.buffer, sys.argv[1])
    except DAMAGED:
        drawn = None
    if drawn is None:
        return CANNOT_BE_DRAWN
    sys.stdout.buffer.write(drawn)
    return 0


def draw(content: BinaryIO, kind: str) -> bytes | None:
    """:returns: None if the picture is too large to unpack."""
    with Image.open(content, formats=[kind]) as picture:
        pixels = picture.width * picture.height
        if pixels > (MOST_IN_LAYERS if picture.info.get("progressive") else MOST_OF_A_JPEG):
            return None
        picture.draft("RGB", WIDEST)
        if picture.width * picture.height * (1 if picture.mode in GREY else 4) > MOST_UNPACKED:
            return None
        picture.thumbnail(WIDEST)
        return _as_jpeg(ImageOps.exif_transpose(picture))


def _as_jpeg(picture: Image.Image) -> bytes:
    clear = picture.convert("RGBA")
    drawn = Image.new("RGB", clear.size, WHITE)
    drawn.paste(clear, mask=clear.getchannel("A"))
    written = BytesIO()
    drawn.save(written, "JPEG", quality=80, optimize=True)
    return written.getvalue()


if __name__ == "__main__":
    sys.exit(main())
