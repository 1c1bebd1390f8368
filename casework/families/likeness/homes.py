"""Reads addresses and postcodes, and says how near two homes are."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import product
from pathlib import Path

from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import token_set_ratio, token_sort_ratio

from casework.families.likeness.names import fold, sound
from localities import postcodes
from triage.documents import Document, Text, read
from triage.reading import load_yaml

SHARED_PLACES = Path(__file__).parent / "data" / "shared-places-1.yaml"
SHORT = {
    # Whatever it stands for, "st" is one word: St Mary's Close, Saint Mary's Close.
    "st": "street", "saint": "street",
    "str": "street", "rd": "road", "ave": "avenue", "av": "avenue", "ln": "lane", "cl": "close",
    "crt": "court", "ct": "court", "dr": "drive", "pl": "place", "gdns": "gardens", "gdn": "gardens",
    "cres": "crescent", "cr": "crescent", "sq": "square", "terr": "terrace", "tce": "terrace", "pk": "park",
    "pde": "parade", "gr": "grove", "grv": "grove", "wlk": "walk", "mws": "mews", "wy": "way",
    "hse": "house", "apt": "flat", "apartment": "flat", "flt": "flat", "unit": "flat", "no": "", "number": "",
}  # fmt: skip
# After one of these words, that of a shared place is part of a street's name.
STREETS = {(word,) for word in ("street", "road", "avenue", "lane", "close", "court", "drive", "place", "gardens",
                                "crescent", "square", "terrace", "way", "hill", "row", "mews", "grove", "walk", "rise",
                                "view")}  # fmt: skip
KINDS = frozenset(SHORT.values()) | {"way", "hill", "row", "mews", "grove", "walk", "rise", "view", "the"}
# With one of these the name of a house ends, also after "the" alone: The Nook, Holly Cottage.
HOUSES = {
    "barn", "barns", "beeches", "birches", "bungalow", "byre", "cabin", "cedars", "chalet", "chestnuts",
    "coppice", "copse", "cottage", "cottages", "croft", "dairy", "dell", "dovecote", "elms", "farm", "farmhouse",
    "firs", "forge", "gables", "garth", "gatehouse", "glebe", "granary", "grange", "hall", "haven", "hawthorns",
    "hayloft", "hideaway", "hollies", "hollow", "homestead", "larches", "laurels", "limes", "lindens", "lodge",
    "lookout", "maltings", "manor", "maples", "mill", "nest", "nook", "oaks", "oast", "orchard", "paddock", "paddocks",
    "parsonage", "pines", "poplars", "priory", "rectory", "retreat", "rookery", "rowans", "smithy", "spinney",
    "stables", "sycamores", "thatch", "thicket", "towers", "vicarage", "villa", "willows", "windmill", "yews",
}  # fmt: skip
NO_HOME = re.compile(
    r"^(nfa|n f a|no fixed .*|of no fixed .*|unknown.*|not known.*|nk|n k|none|n a|homeless|confidential.*|withheld.*|"
    r"refuge|not given|not stated|not disclosed|tbc|x+)$"
)
# The levels at which two homes agree, the best first.
HOME_LEVELS = ("same", "elsewhere", "street", "postcode", "neighbours", "near", "part", "alike", "area", "differs")
# No outward code ends in I, L, O, Q or Z.
OUTWARD = re.compile(r"^([A-Z]{1,2}[0-9][0-9A-HJKMNPR-Y]?)[0-9][A-Z]{2}$")


class SharedPlaces(Document):
    """Places where many stay who have nothing to do with each other, by words of the address and by postcode."""

    words: tuple[Text, ...]
    postcodes: dict[Text, Text]

    @cached_property
    def phrases(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(words.split()) for words in self.words)

    @cached_property
    def codes(self) -> frozenset[str]:
        return frozenset(code.replace(" ", "") for code in self.postcodes)


@cache
def shared_places() -> SharedPlaces:
    """The shared places that come with the product."""
    return read(SharedPlaces, load_yaml(SHARED_PLACES.read_text(encoding="utf-8")))


def telling(words: Iterable[str]) -> tuple[str, ...]:
    """Those of these words that tell a street, or a town, from others."""
    return tuple([word for word in words if word not in KINDS and len(word) > 2])


@dataclass(frozen=True)
class Home:
    """Where somebody lives: the words of the address, the numbers in it, and the postcode without its blank."""

    words: tuple[str, ...]
    numbers: tuple[str, ...]
    postcode: str

    @property
    def address(self) -> str:
        return " ".join((*self.numbers, *self.words))

    @property
    def street(self) -> str:
        """The first word that tells a street from others, or nothing."""
        return next(iter(self.telling_words), "")

    @cached_property
    def telling_words(self) -> tuple[str, ...]:
        """The words that tell a street from others."""
        return telling(self.words)

    @cached_property
    def area(self) -> str:
        """The outward code of a British postcode; of any other, its first three characters."""
        match = OUTWARD.match(self.postcode)
        return match[1] if match else self.postcode[:3]

    @cached_property
    def is_shared_place(self) -> bool:
        """Whether many stay there who have nothing to do with each other: a hospital, a hotel, a refuge."""
        places = shared_places()
        if self.postcode in places.codes:
            return True
        return any(
            words == self.words[place : place + len(words)] and self.words[place + len(words) :][:1] not in STREETS
            for words in places.phrases
            for place in range(len(self.words) - len(words) + 1)
        )

    @cached_property
    def street_sounds(self) -> tuple[str, ...]:
        """How the words sound that tell a street from others, at most three."""
        return tuple(map(sound, self.telling_words[:3]))


@lru_cache(maxsize=100_000)
def read_home(address: str, postcode: str) -> Home | None:
    """A home, or None where neither text says where somebody lives (NFA, ZZ99 3VZ, confidential)."""
    if address and (among := postcodes.found_in(address)):
        address, postcode = postcodes.without(address), postcode.strip() or among[0]
    folded = fold(address)
    if NO_HOME.match(folded):
        folded = ""
    parts = [SHORT.get(part, part) for part in folded.split()]
    numbers = tuple(part for part in parts if part[:1].isdigit())
    words = tuple(part for part in parts if part and not part[:1].isdigit())
    code = read_postcode(postcode)
    return Home(words, numbers, code) if words or code else None


def read_postcode(text: str) -> str:
    """The letters and digits of a postcode; "" where it says that nobody knows it."""
    if NO_HOME.match(fold(text)):
        return ""
    code = re.sub(r"[^A-Z0-9]", "", fold(text).upper())[:10]
    if code.startswith("ZZ99") or len(code) < 3 or len(set(code)) == 1:
        return ""
    try:
        # As people type it: HP2O 1UA with the letter O is HP20 1UA.
        return postcodes.read(code)[0].replace(" ", "")
    except ValueError:
        return code


@lru_cache(maxsize=200_000)
def nearest_home(home: Home, other: Home) -> str:
    """The level at which two homes agree."""
    postcode, address = _postcodes(home.postcode, other.postcode), _addresses(home, other)
    if address == "house":
        return "elsewhere" if postcode in {"differs", "area"} else "same"
    if postcode == "same":
        return {"street": "street", "alike": "street", "unknown": "postcode", "differs": "neighbours"}[address]
    if postcode == "near":
        return {"street": "street", "alike": "near", "unknown": "near", "differs": "area"}[address]
    if address in {"street", "alike"}:
        return "part" if address == "street" or postcode == "area" else "alike"
    return "area" if postcode == "area" else "differs"


def nearest_of(homes: Sequence[Home], others: Sequence[Home]) -> tuple[str, Home, Home] | None:
    """The level at which the two agree best, of the homes of two people, and these two. None if one has none."""
    if len(homes) == len(others) == 1:  # of nearly everybody
        return nearest_home(homes[0], others[0]), homes[0], others[0]
    pairs = ((nearest_home(home, other), home, other) for home, other in product(homes, others))
    return min(pairs, key=lambda pair: HOME_LEVELS.index(pair[0]), default=None)


def are_one_home(home: Home, other: Home) -> bool:
    """Whether two descriptions are of one home, as far as both say. A neighbour's is another."""
    level = nearest_home(home, other)
    return level in {"same", "postcode"} or (level == "street" and not (home.numbers and other.numbers))


def _postcodes(code: str, other: str) -> str:
    if not code or not other:
        return "unknown"
    if code == other:
        return "same"
    if OSA.distance(code, other, score_cutoff=1) == 1:
        # In Britain the last two letters tell one street from the next.
        return "near"
    return "area" if OUTWARD.match(code) and code[:-3] == other[:-3] else "differs"


def _addresses(home: Home, other: Home) -> str:
    if not home.words or not other.words:
        return "unknown"
    words, others = " ".join(home.words), " ".join(other.words)
    ratio = max(
        token_sort_ratio(words, others),
        token_set_ratio(words, others) if min(len(home.words), len(other.words)) > 1 else 0,
    )
    numbers = bool(set(home.numbers) & set(other.numbers))
    if home.numbers and other.numbers:
        small, large = sorted((set(home.numbers), set(other.numbers)), key=len)
        if ratio >= 80 and small <= large:
            return "house"
    if ratio >= 88:
        return "street"
    return "alike" if ratio >= 68 or (numbers and ratio >= 55) else "differs"
