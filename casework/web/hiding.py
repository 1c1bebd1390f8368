"""
Takes hidden addresses out of a page: what people wrote about a family may have them in it.

The columns of a hidden address are never given to a page (`web/story.py`). This is for words: a worry, a rationale, an
answer, the reason of a route. Postcodes are found in any spelling; of lines, what reads as a part of an address, in any
case, punctuation and spacing. Only what people read is changed, never the markup: what to look for was typed, too.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from django.http import HttpResponse

from casework.families.confidentiality import HiddenHome, hidden_homes
from casework.families.finding import Found
from casework.families.kept_homes import with_a_home
from casework.families.recorded import living_hidden
from casework.models import Contact, Person

MASK = "[confidential address]"
# Between the words of a line and between the parts of a postcode: blanks, punctuation, characters written as entities
# or for a link.
BETWEEN = r"(?:%20|[^\w<>]|_|&#?\w+;|<br ?/?>)*"
# What looks alike, as `localities/postcodes.py` reads it.
LOOKALIKES = {
    "0": "0Oo", "O": "0Oo", "1": "1IiLl", "I": "1IiLl", "L": "1IiLl", "5": "5Ss", "S": "5Ss", "8": "8Bb", "B": "8Bb",
}  # fmt: skip
# In place of whole words, because they are written short as often as long.
SHORT = (
    ("street", "st", "str"), ("road", "rd"), ("avenue", "ave", "av"), ("lane", "ln"), ("close", "cl"),
    ("court", "ct", "crt"), ("drive", "dr"), ("place", "pl"), ("gardens", "gdns"), ("crescent", "cres"),
    ("square", "sq"), ("terrace", "terr"), ("house", "hse"), ("flat", "apt", "apartment"), ("saint", "st"),
)  # fmt: skip
# The last words of the names of streets, houses and schools.
ENDS = {word for words in SHORT[:-1] for word in words} | {
    "academy", "barn", "barns", "buildings", "bungalow", "chase", "cottage", "cottages", "croft", "end", "farm",
    "field", "fields", "garth", "gate", "green", "grove", "hall", "heights", "hill", "hostel", "hotel", "infants",
    "juniors", "lodge", "manor", "meadow", "meadows", "mews", "mill", "nursery", "parade", "park", "path", "primary",
    "quay", "rectory", "refuge", "ride", "rise", "row", "school", "tower", "towers", "vale", "vicarage", "view",
    "villa", "villas", "walk", "way", "wharf", "yard",
}  # fmt: skip
# With one of these the name of a house ends, also after "the" alone: The Nook, Holly Cottage. In small letters most are
# ordinary words, so that what people wrote must have its capitals.
HOUSES = {
    "barn", "barns", "beeches", "birches", "bungalow", "byre", "cabin", "cedars", "chalet", "chestnuts",
    "coppice", "copse", "cottage", "cottages", "croft", "dairy", "dell", "dovecote", "elms", "farm", "farmhouse",
    "firs", "forge", "gables", "garth", "gatehouse", "glebe", "granary", "grange", "hall", "haven", "hawthorns",
    "hayloft", "hideaway", "hollies", "hollow", "homestead", "larches", "laurels", "limes", "lindens", "lodge",
    "lookout", "maltings", "manor", "maples", "mill", "nest", "nook", "oaks", "oast", "orchard", "paddock", "paddocks",
    "parsonage", "pines", "poplars", "priory", "rectory", "retreat", "rookery", "rowans", "smithy", "spinney",
    "stables", "sycamores", "thatch", "thicket", "towers", "vicarage", "villa", "willows", "windmill", "yews",
}  # fmt: skip
# No name begins with one of these.
LITTLE = {
    "a", "an", "and", "as", "at", "by", "for", "from", "has", "have", "her", "his", "i", "in", "is", "it", "my", "no",
    "not", "of", "on", "or", "our", "she", "that", "their", "they", "this", "to", "was", "we", "were", "with", "you",
    "your",
}  # fmt: skip
MOST_WORDS = 12
MOST_WORDS_OF_A_NAME = 5
MOST_WORDS_BEFORE = 4

# A tag, but not the end of a line.
TAG = re.compile(r"""(<(?!br\b)(?:[^<>"']|"[^"]*"|'[^']*')*>)""")
NOT_READ = re.compile(r"<(script|style)\b")
INPUT_FOR_TEXT = re.compile(r"""<input\b(?![^>]*\btype="(?:hidden|submit|checkbox|radio)")""")
READ_ATTRIBUTE = re.compile(r"""(?<=\s)((?:value|title|alt|aria-label)=")([^"]*)\"""")


def without_hidden_addresses(response: HttpResponse, contacts: Iterable[Contact]) -> HttpResponse:
    """The page without the hidden addresses of everybody around these contacts."""
    found = hidden_addresses(contacts)
    if found is not None:
        response.content = "".join(_masked(found, response.content.decode())).encode()
    return response


def found_without_hidden_addresses(response: HttpResponse, found: Found | None) -> HttpResponse:
    """The page with what a search found, without the hidden addresses of everybody around it."""
    return without_hidden_addresses(response, (hit.last for hit in found.hits)) if found and found.hits else response


def hidden_addresses(contacts: Iterable[Contact]) -> "re.Pattern[str] | None":
    """What finds the hidden addresses of everybody around these contacts in a text; None if there are none."""
    homes = hidden_homes(contact.pk for contact in contacts)
    patterns = list(dict.fromkeys(each for home in homes for each in _patterns(home)))
    # The longest first: of "Flat 2, 12 Example Road" nothing stays.
    return re.compile("|".join(sorted(patterns, key=len, reverse=True)), re.IGNORECASE) if patterns else None


def _masked(found: "re.Pattern[str]", html: str) -> Iterator[str]:
    """The pieces of a page: of a text all that was found is masked, of a tag what is read aloud or can be edited."""
    opened = ""
    for number, piece in enumerate(TAG.split(html)):
        if number % 2 == 0:
            yield piece if NOT_READ.match(opened) else found.sub(MASK, piece)
            continue
        opened = piece
        yield _masked_tag(found, piece)


def _masked_tag(found: "re.Pattern[str]", tag: str) -> str:
    is_edited = INPUT_FOR_TEXT.match(tag) is not None

    def masked(attribute: "re.Match[str]") -> str:
        beginning, value = attribute.groups()
        return attribute[0] if beginning == 'value="' and not is_edited else f'{beginning}{found.sub(MASK, value)}"'

    return READ_ATTRIBUTE.sub(masked, tag)


def _patterns(home: HiddenHome) -> Iterator[str]:
    for postcode in {home.postcode, home.postcode_read}:
        characters = [character for character in postcode.upper() if character.isalnum()]
        if len(characters) >= 5:
            yield _alone(BETWEEN.join(_spellings_of_character(each) for each in characters))
            # Why a team was recommended names the catchment, which is the first part of the postcode.
            yield rf"\(catchment {_beginning(characters)}\)"
    for text in ("\n".join(home.lines), *home.beside):
        for words in _leading_there(text):
            yield _alone(BETWEEN.join(_spellings(word) for word in words))
        for words in _names_of_houses(text):
            yield _alone(BETWEEN.join(map(_with_capital, words)))


def _leading_there(address: str) -> Iterator[list[str]]:
    """The words of each part of an address that lead to a door, and with those of a short part before: Flat 2."""
    before: list[str] = []
    for part in re.split(r"[,;\n]+", address):
        words = re.findall(r"\d+|[^\W\d_]+", part)
        found = list(_of_part(words))
        yield from found
        if found and 0 < len(before) <= MOST_WORDS_BEFORE:
            yield [*before, *words]
        before = words


def _of_part(words: list[str]) -> Iterator[list[str]]:
    """
    The texts in one part of an address that lead to a door: the whole part, if it has a number or the name of a street
    or a house; each such name, with and without the number before it. A town alone gives none, nor does a text that is
    no address.
    """
    ends = [place for place, word in enumerate(words) if place and word.casefold() in ENDS]
    numbers = [place for place, word in enumerate(words) if word.isdecimal()]
    if not 2 <= len(words) <= MOST_WORDS or not (ends or numbers):
        return
    if len("".join(words)) > 5 and (numbers or _is_name(words)):
        yield words
    for end in ends:
        number = max((place for place in numbers if place < end), default=None)
        begins = max((place + 1 for place in (*numbers, *ends) if place < end), default=0)
        # The letter of a number: 31a.
        if number is not None and begins < end and len(words[begins]) == 1:
            begins += 1
        name = words[begins : end + 1]
        if _is_name(name):
            yield name
            if number is not None:
                yield words[number : end + 1]


def _names_of_houses(address: str) -> Iterator[list[str]]:
    """The words, in small letters, of each part of an address that is the name of a house and nothing else."""
    for part in re.split(r"[,;\n]+", address):
        words = re.findall(r"[^\W_]+", part.casefold())
        if 2 <= len(words) <= MOST_WORDS_OF_A_NAME and words[-1] in HOUSES and words[0] not in LITTLE:
            yield words


def _is_name(words: list[str]) -> bool:
    first = words[0].casefold() if words else ""
    least = 3 if first == "the" else 2
    return least <= len(words) <= MOST_WORDS_OF_A_NAME and first not in LITTLE


def _beginning(characters: Sequence[str]) -> str:
    """What finds the first characters of these, however many there are."""
    first, *others = characters
    return f"{first}(?: ?{_beginning(others)})?" if others else first


def _spellings_of_character(character: str) -> str:
    similar = LOOKALIKES.get(character, character + character.lower())
    # As they are typed on a Chinese or Japanese keyboard.
    wide = "".join(chr(ord(each) + 0xFEE0) for each in similar if each.isascii())
    return f"[{similar}{wide}]"


def _spellings(word: str) -> str:
    spellings = {each for words in SHORT if word.casefold() in words for each in words} | {word}
    return f"(?:{'|'.join(map(re.escape, sorted(spellings)))})"


def _with_capital(word: str) -> str:
    """The word with a capital, or all in capitals. A little one, and the "s" of a name, have none."""
    if len(word) == 1 or word in LITTLE | {"the"}:
        return word
    return f"(?-i:{word[0].upper()}(?:{word[1:]}|{word[1:].upper()}))"


def _alone(pattern: str) -> str:
    return rf"(?<![^\W_]){pattern}(?![^\W_])"


def says_after_lifting(person: Person) -> str:
    """The message after an address was said to be safe to show."""
    if not with_a_home([person.pk]):
        return "Saved. No address is known: one that is learned will be shown."
    if living_hidden([person.pk]):
        return (
            "Saved. An address stays hidden all the same: somebody who lives there, or is in the family, has a "
            "confidential address of their own."
        )
    return "The address is shown again."
