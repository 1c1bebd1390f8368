"""
What a browser with an empty cache loads for a page: how many requests, and how many bytes travel.

The page is as the service sends it to a browser; its style sheet, scripts and pictures as production keeps them, packed
with gzip. Headers are not counted.
"""

import gzip
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from localities.models import User

# What a page loads by itself, what a style sheet does, and what a script does. A picture that a rule names is counted,
# whether or not the rule applies on the page; not the crest of the Design System's footer, which we have not.
OF_A_PAGE = re.compile(r"""<(?:link [^>]*href|script [^>]*src|img [^>]*src)="([^"]+)\"""")
OF_A_STYLE = re.compile(r"""url\(["']?([^"')]+)["']?\)""")
OF_A_SCRIPT = re.compile(r"""(?:from|import) ?["']([^"']+)["']""")


@dataclass(frozen=True)
class Weight:
    """`parts`: the bytes that travel, by address; the page's own first."""

    parts: dict[str, int]

    @property
    def kilobytes(self) -> float:
        return sum(self.parts.values()) / 1000

    @property
    def requests(self) -> int:
        return len(self.parts)


def weigh(path: str, by: str = "amina") -> Weight:
    """What the page at this path costs whoever opens it first."""
    client = Client(headers={"Host": "localhost", "Accept-Encoding": "gzip"})
    client.force_login(User.objects.get(username=by))
    answer = client.get(path)
    assert answer.status_code == 200, path
    assert answer.headers["Content-Encoding"] == "gzip", "the service packs its pages"
    parts = {path: len(answer.content)}
    page = gzip.decompress(answer.content).decode()
    for address in _loaded(OF_A_PAGE, page, "/"):
        _add(address, parts)
    return Weight(parts)


def _add(address: str, parts: dict[str, int]) -> None:
    """Adds a file, and what it loads in its turn."""
    ours = f"/{settings.STATIC_URL.strip('/')}/"
    if address in parts or not address.startswith(ours):
        return
    found = finders.find(address.removeprefix(ours))
    assert isinstance(found, str), f"there is no {address}"
    text = Path(found).read_bytes()
    parts[address] = min(len(gzip.compress(text)), len(text))
    inside = {".css": OF_A_STYLE, ".js": OF_A_SCRIPT}.get(posixpath.splitext(address)[1])
    if inside is not None:
        for other in _loaded(inside, text.decode(), address):
            _add(other, parts)


def _loaded(pattern: "re.Pattern[str]", text: str, beside: str) -> Iterator[str]:
    for address in pattern.findall(text):
        if not address.startswith(("data:", "#")) and (pattern is not OF_A_SCRIPT or address.startswith(".")):
            yield urljoin(beside, address)
