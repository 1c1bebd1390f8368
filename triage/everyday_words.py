"""By which everyday words an indicator is found: "nits" for hygiene, "sofa surfing" for homeless."""

from functools import cache
from pathlib import Path

from triage.documents import Document, Text, read
from triage.reading import load_yaml

SHIPPED = Path(__file__).parent / "data" / "everyday-words-1.yaml"


class Entry(Document):
    """Words that people say, and parts of the threshold document's wording, the best fit first."""

    say: tuple[Text, ...]
    means: tuple[Text, ...]


class EverydayWords(Document):
    words: tuple[Entry, ...]


@cache
def shipped() -> EverydayWords:
    return read(EverydayWords, load_yaml(SHIPPED.read_text(encoding="utf-8")))


@cache
def everyday_words(wording: str) -> dict[str, int]:
    """The everyday words by which an indicator of this wording is found, each with its rank: 0 is the best fit."""
    found: dict[str, int] = {}
    for entry in shipped().words:
        ranks = [rank for rank, part in enumerate(entry.means) if part.casefold() in wording.casefold()]
        for word in entry.say if ranks else ():
            found[word] = min(ranks[0], found.get(word, ranks[0]))
    return found
