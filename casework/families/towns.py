"""Towns and villages, by which somebody is looked for beside a name or a street: Haddad, Aylesbury."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from casework.families.likeness.homes import SHORT, Home
from casework.families.likeness.names import fold
from triage.documents import Document, Text, read
from triage.reading import load_yaml

TOWNS = Path(__file__).parent / "likeness" / "data" / "towns-1.yaml"
# So many words has the longest name of a town.
MOST_WORDS = 4
# Words in the name of a town that have no capital.
SMALL = frozenset({"on", "upon", "under", "le", "the", "by", "in"})


class Towns(Document):
    """Towns with their postcode districts, and what people say for them."""

    towns: dict[Text, Text]
    called: dict[Text, Text]


@dataclass(frozen=True)
class Town:
    """A town or a village. `name`: as a page says it. `words`: of an address in it. `areas`: those that it is."""

    name: str
    words: tuple[str, ...]
    areas: frozenset[str] = frozenset()

    def why(self, home: Home) -> str:
        """Why a home is in this town, in words; "" if it is not known to be."""
        length = len(self.words)
        if any(home.words[place : place + length] == self.words for place in range(len(home.words) - length + 1)):
            return f"Address in {self.name}"
        return f"Lives in {home.area} ({self.name})" if home.area in self.areas else ""


def called(name: str) -> Town:
    """The place that somebody calls so, whether it is on the list or not."""
    known, said = _known(), fold(name)
    said = known.called.get(said, said)
    shown = " ".join(word if word in SMALL else word.capitalize() for word in said.split())
    areas = frozenset(known.towns.get(said, "").split())
    return Town(shown, tuple(SHORT.get(word, word) for word in said.split()), areas)


def find(words: Sequence[str]) -> tuple[Town, int, int] | None:
    """The first town on the list among these words, where it begins and where it ends; of two there, the longer."""
    for begin in range(len(words)):
        for end in range(min(len(words), begin + MOST_WORDS), begin, -1):
            town = called(" ".join(words[begin:end]))
            if town.areas:
                return town, begin, end
    return None


@cache
def _known() -> Towns:
    return read(Towns, load_yaml(TOWNS.read_text(encoding="utf-8")))
