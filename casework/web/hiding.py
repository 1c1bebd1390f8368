"""
Takes hidden addresses out of a page: what people wrote about a family may have them in it.

The columns of a hidden address are never given to a page (`web/story.py`). This is for words: a worry, a rationale, an
answer, the reason of a route. Postcodes are found in any spelling, lines in any case, punctuation and spacing.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from django.http import HttpResponse

from casework.families.confidentiality import HiddenHome, hidden_homes
from casework.models import Contact, ContactChild, Person

MASK = "[confidential address]"
# Between the words of a line and between the parts of a postcode: blanks, punctuation, characters written as entities.
BETWEEN = r"(?:[^\w<>]|_|&#?\w+;|<br ?/?>)*"
# What looks alike, as `localities/postcodes.py` reads it.
ALIKE = {
    "0": "0Oo", "O": "0Oo", "1": "1IiLl", "I": "1IiLl", "L": "1IiLl", "5": "5Ss", "S": "5Ss", "8": "8Bb", "B": "8Bb",
}  # fmt: skip
# In place of whole words, because they are written short as often as long.
SHORT = (
    ("street", "st", "str"), ("road", "rd"), ("avenue", "ave", "av"), ("lane", "ln"), ("close", "cl"),
    ("court", "ct", "crt"), ("drive", "dr"), ("place", "pl"), ("gardens", "gdns"), ("crescent", "cres"),
    ("square", "sq"), ("terrace", "terr"), ("house", "hse"), ("flat", "apt", "apartment"), ("saint", "st"),
)  # fmt: skip


def without_hidden_addresses(response: HttpResponse, contacts: Iterable[Contact]) -> HttpResponse:
    """The page without the hidden addresses of everybody around these contacts."""
    found = hidden_addresses(contacts)
    if found is not None:
        response.content = found.sub(MASK, response.content.decode()).encode()
    return response


def hidden_addresses(contacts: Iterable[Contact]) -> "re.Pattern[str] | None":
    """What finds the hidden addresses of everybody around these contacts in a text; None if there are none."""
    homes = hidden_homes(contact.pk for contact in contacts)
    patterns = list(dict.fromkeys(each for home in homes for each in _patterns(home)))
    # The longest first: of "Flat 2, 12 Example Road" nothing stays.
    return re.compile("|".join(sorted(patterns, key=len, reverse=True)), re.IGNORECASE) if patterns else None


def _patterns(home: HiddenHome) -> Iterator[str]:
    for postcode in {home.postcode, home.postcode_read}:
        characters = [character for character in postcode.upper() if character.isalnum()]
        if len(characters) >= 5:
            yield _alone(BETWEEN.join(f"[{ALIKE.get(each, each + each.lower())}]" for each in characters))
            # Why a team was recommended names the catchment, which is the first part of the postcode.
            yield rf"\(catchment {_beginning(characters)}\)"
    whole = [word for line in home.lines for word in _words(line)]
    for words in (whole, *(_words(line) for line in home.lines)):
        # A town, or a number alone, leads nobody to a door.
        if len(words) > 1 and len("".join(words)) > 5:
            yield _alone(BETWEEN.join(_spellings(word) for word in words))


def _beginning(characters: Sequence[str]) -> str:
    """What finds the first characters of these, however many there are."""
    first, *others = characters
    return f"{first}(?: ?{_beginning(others)})?" if others else first


def _words(line: str) -> list[str]:
    return re.findall(r"[^\W_]+", line)


def _spellings(word: str) -> str:
    spellings = {each for words in SHORT if word.casefold() in words for each in words} | {word}
    return f"(?:{'|'.join(map(re.escape, sorted(spellings)))})"


def _alone(pattern: str) -> str:
    return rf"(?<![^\W_]){pattern}(?![^\W_])"


def says_after_lifting(person: Person) -> str:
    """What somebody is told who said that an address is safe to show."""
    if ContactChild.objects.filter(person=person, address_is_confidential=True).exists():
        return (
            "Saved. An address stays hidden all the same: somebody who lives there, or is in the family, has a "
            "confidential address of their own."
        )
    return "The address is shown again."
