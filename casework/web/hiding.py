"""
Takes hidden addresses out of a page: what people wrote about a family may have them in it.

The columns of a hidden address are never given to a page (`web/story.py`). This is for words: a worry, a rationale, an
answer, the reason of a route. Postcodes are found in any spelling; of lines, what reads as a part of an address, in any
case, punctuation and spacing. Only what people read is changed, never the markup: what to look for was typed, too.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile

from django.http import HttpResponse
from django.utils.html import escape
from django.utils.safestring import SafeString

from casework.families.confidentiality import HiddenHome, hidden_homes, hidden_homes_of_each
from casework.families.finding import Found, Hit
from casework.families.kept_homes import with_a_home
from casework.families.likeness.homes import HOUSES
from casework.families.recorded import living_hidden
from casework.models import Contact, Person
from casework.models.prepared import Rows

MASK = "[confidential address]"
# Between the words of a line and between the parts of a postcode: blanks, punctuation, characters written as entities
# or for a link.
BETWEEN = r"(?:%20|[^\w<>]|_|&#?\w+;|<br ?/?>)*"
# What looks alike, as `localities/postcodes.py` reads it.
LOOKALIKES = {
    "0": "0Oo", "O": "0Oo", "1": "1IiLl", "I": "1IiLl", "L": "1IiLl", "5": "5Ss", "S": "5Ss", "8": "8Bb", "B": "8Bb",
}  # fmt: skip
# What streets and houses are called, with what is written in place of it, by Royal Mail or by people.
KINDS = (
    ("street", "st", "str"), ("road", "rd"), ("avenue", "ave", "av", "aven"), ("lane", "ln", "la"),
    ("close", "cl", "clo"), ("court", "ct", "crt"), ("drive", "dr", "drv"), ("place", "pl", "plc"),
    ("gardens", "garden", "gdns", "gdn", "grdns", "gds"), ("crescent", "cres", "cresc", "cr"), ("square", "sq"),
    ("terrace", "terr", "ter", "tce"), ("house", "hse", "ho"), ("flat", "apt", "apartment", "flt"),
    ("boulevard", "bvd", "blvd"), ("grove", "gr", "gro", "grv"), ("green", "grn", "gr"), ("hill", "hl"),
    ("hills", "hls"), ("park", "pk"), ("parade", "pde"), ("point", "pt", "pnt"), ("mount", "mt"), ("ridge", "rdg"),
    ("rise", "ri"), ("view", "vw"), ("walk", "wlk", "wk"), ("way", "wy"), ("meadow", "meadows", "mdw", "mdws"),
    ("building", "buildings", "bldg", "bldgs"), ("cottage", "cott"), ("cottages", "cotts"), ("estate", "est"),
    ("farm", "fm"), ("field", "fld"), ("fields", "flds"), ("heights", "hts"), ("lodge", "ldg"), ("mews", "mws"),
    ("yard", "yd"), ("quay", "qy"), ("corner", "cnr"), ("promenade", "prom"), ("villas", "vlls"), ("bank", "bk"),
    ("bridge", "bdge", "brg"), ("broadway", "bdwy"), ("orchard", "orch"),
)  # fmt: skip
OF_A_STREET = sorted({word for words in KINDS for word in words})
# In place of whole words, because they are written short as often as long.
SHORT = (
    *KINDS, ("saint", "st"), ("upper", "upr"), ("lower", "lwr"), ("great", "gt"), ("little", "lt", "ltl"),
)  # fmt: skip
# The last words of the names of streets, houses and schools.
ENDS = {*OF_A_STREET} | {
    "academy", "alley", "barn", "barns", "bungalow", "chase", "circus", "cloisters", "copse", "croft", "dale", "dell",
    "dene", "downs", "drove", "end", "esplanade", "garth", "gate", "glade", "glebe", "glen", "grange", "hall", "heath",
    "hollow", "hostel", "hotel", "infants", "juniors", "maltings", "manor", "mead", "mill", "nursery", "paddock",
    "passage", "path", "precinct", "primary", "rectory", "refuge", "ride", "row", "school", "spinney", "strand",
    "tower", "towers", "vale", "vicarage", "villa", "warren", "wharf", "wood", "woods", "wynd",
}  # fmt: skip
# No name begins with one of these.
LITTLE = {
    "a", "an", "and", "as", "at", "by", "for", "from", "has", "have", "her", "his", "i", "in", "is", "it", "my", "no",
    "not", "of", "on", "or", "our", "she", "that", "their", "they", "this", "to", "was", "we", "were", "with", "you",
    "your",
}  # fmt: skip
# After a number, none of these says alone that it is that of a house: "3 May", "14 years", "5 High".
NO_NAMES = LITTLE | ENDS | {word for words in SHORT for word in words} | {
    "the", "old", "new", "high", "long", "main", "church", "station", "no", "number", "unit", "room", "floor",
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "monday",
    "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "year", "years", "yrs", "month", "months",
    "week", "weeks", "day", "days", "night", "nights", "hour", "hours", "minute", "minutes", "time", "times", "child",
    "children", "kids", "boys", "girls", "brothers", "sisters", "siblings", "adults", "people", "others", "social",
    "first", "second", "third",
}  # fmt: skip
MOST_WORDS = 12
MOST_WORDS_OF_A_NAME = 5
MOST_WORDS_BEFORE = 4

# A tag, but not the end of a line.
TAG = re.compile(r"""(<(?!br\b)(?:[^<>"']|"[^"]*"|'[^']*')*>)""")
NOT_READ = re.compile(r"<(script|style)\b")
INPUT_FOR_TEXT = re.compile(r"""<input\b(?![^>]*\btype="(?:hidden|submit|checkbox|radio)")""")
READ_ATTRIBUTE = re.compile(r"""(?<=\s)((?:value|title|alt|aria-label)=")([^"]*)\"""")


@dataclass(frozen=True)
class HiddenWords:
    """What finds hidden addresses in a text. One may begin in another: all of both is taken out."""

    patterns: tuple["re.Pattern[str]", ...]

    def are_in(self, text: str) -> bool:
        return any(pattern.search(text) for pattern in self.patterns)

    def masked(self, text: str) -> str:
        """The text without them."""
        pieces: list[str] = []
        end = 0
        for begins, ends in sorted(found.span() for pattern in self.patterns for found in pattern.finditer(text)):
            if not pieces or begins > end:
                pieces += [text[end:begins], MASK]
            end = max(end, ends)
        return "".join([*pieces, text[end:]])


def without_hidden_addresses(
    response: HttpResponse, contacts: Iterable[Contact], rows: Rows | None = None
) -> HttpResponse:
    """
    The page without the hidden addresses of the families of these contacts.

    :param rows: what `ask_hidden` found of them, where it was asked already.
    """
    hidden = _of_homes(hidden_homes((contact.pk for contact in contacts), rows))
    if hidden is not None:
        response.content = "".join(_masked(hidden, response.content.decode())).encode()
    return response


def without_hidden_words(found: Found | None) -> Found | None:
    """
    What a search found, each hit without the hidden addresses of their own family: what is masked beside somebody who
    has nothing to do with a family in hiding would tell that one is among those found.
    """
    if found is None or not found.hits:
        return found
    hidden = _of_homes(hidden_homes(hit.last.pk for hit in found.hits))
    if hidden is None:
        # Mostly nobody hides.
        return found
    of_each = hidden_homes_of_each([hit.last.pk for hit in found.hits])
    return replace(
        found,
        hits=tuple(_masked_hit(_of_homes(of_each[hit.last.pk]), hit) for hit in found.hits),
        people=tuple(each._replace(name=masked_text(hidden, each.name)) for each in found.people),
    )


def hidden_where_said(said: Mapping[int, str]) -> Mapping[int, HiddenWords]:
    """
    What finds the hidden addresses of a contact's family, for those contacts where one is in a text; by their ids. In a
    list, each row is masked by its own: see `without_hidden_words`.

    :param said: a text for each contact, by its id.
    """
    hidden = _of_homes(hidden_homes(said)) if said else None
    if hidden is None:
        return {}
    suspected = [contact for contact, text in said.items() if hidden.are_in(escape(text))]
    of_each = ((contact, _of_homes(homes)) for contact, homes in hidden_homes_of_each(suspected).items())
    return {contact: words for contact, words in of_each if words is not None}


def _masked_hit(hidden: HiddenWords | None, hit: Hit) -> Hit:
    if hidden is None:
        return hit

    def masked(*texts: str) -> tuple[str, ...]:
        return tuple(masked_text(hidden, text) for text in texts)

    return replace(
        hit, name=masked_text(hidden, hit.name), homes=masked(*hit.homes), why=masked(*hit.why),
        beside=masked(*hit.beside),
    )  # fmt: skip


def masked_text(hidden: HiddenWords, text: str) -> str:
    """A text for a template without them. Escaped, because that is how they are found in spite of any character."""
    return SafeString(hidden.masked(escape(text)))


def hidden_addresses(contacts: Iterable[Contact]) -> HiddenWords | None:
    """What finds the hidden addresses of the families of these contacts in a text; None if there are none."""
    return _of_homes(hidden_homes(contact.pk for contact in contacts))


def hidden_words_of(rows: Rows) -> HiddenWords | None:
    """The same, of what `ask_hidden` found of them."""
    return _of_homes(hidden_homes((), rows))


def _of_homes(homes: Collection[HiddenHome]) -> HiddenWords | None:
    # The longest first: of "Flat 2, 12 Example Road" nothing stays.
    doors, others = (
        "|".join(sorted({each for home in homes for each in found(home)}, key=len, reverse=True))
        for found in (_doors, _patterns)
    )
    # Of whatever kind a street is called after its number and its name, nothing of it stays either.
    wanted = (_alone(rf"(?:{doors})(?:\s+(?:{'|'.join(OF_A_STREET)}))?") if doors else "", others)
    patterns = tuple(re.compile(each, re.IGNORECASE) for each in wanted if each)
    return HiddenWords(patterns) if patterns else None


def _masked(hidden: HiddenWords, html: str) -> Iterator[str]:
    """The pieces of a page: of a text all that was found is masked, of a tag what is read aloud or can be edited."""
    opened = ""
    for number, piece in enumerate(TAG.split(html)):
        if number % 2 == 0:
            yield piece if NOT_READ.match(opened) else hidden.masked(piece)
            continue
        opened = piece
        yield _masked_tag(hidden, piece)


def _masked_tag(hidden: HiddenWords, tag: str) -> str:
    is_edited = INPUT_FOR_TEXT.match(tag) is not None

    def masked(attribute: "re.Match[str]") -> str:
        beginning, value = attribute.groups()
        return attribute[0] if beginning == 'value="' and not is_edited else f'{beginning}{hidden.masked(value)}"'

    return READ_ATTRIBUTE.sub(masked, tag)


def _patterns(home: HiddenHome) -> Iterator[str]:
    for postcode in {home.postcode, home.postcode_read}:
        characters = [character for character in postcode.upper() if character.isalnum()]
        if len(characters) >= 5:
            yield _alone(BETWEEN.join(_spellings_of_character(each) for each in characters))
            # Why a team was recommended names the catchment, which is the first part of the postcode.
            yield rf"\(catchment {_beginning(characters)}\)"
    for text in _texts(home):
        for words in _leading_there(text):
            yield _alone(BETWEEN.join(_spellings(word) for word in words))
        for words in _names_of_houses(text):
            yield _alone(BETWEEN.join(map(_with_capital, words)))


def _texts(home: HiddenHome) -> tuple[str, ...]:
    return ("\n".join(home.lines), *home.beside)


def _parts(address: str) -> Iterator[list[str]]:
    """The words of each part of an address."""
    for part in re.split(r"[,;\n]+", address):
        if words := re.findall(r"\d+|[^\W\d_]+", part):
            yield words


def _doors(home: HiddenHome) -> Iterator[str]:
    """What finds each number of an address with the name after it: "77 Quincunx Parade" and "77 Quincunx"."""
    for text in _texts(home):
        before: list[str] = []
        for words in _parts(text):
            numbered = [*before, *words]
            for place, word in enumerate(numbered):
                if word.isdecimal():
                    yield from _door(word, numbered[place + 1 :])
            # A number that is a part of its own, or ends one: "14, Larkspur Lane", "Flat 14a, Rosewood House".
            last = words[:-1] if len(words) > 1 and len(words[-1]) == 1 and not words[-1].isdecimal() else words
            before = last[-1:] if last[-1].isdecimal() else []


def _door(number: str, after: list[str]) -> Iterator[str]:
    """
    The number, a letter or none, as many words as tell a door from anything else, and of the others as many as follow.
    """
    # Of "77a-79 Quincunx Parade", each number leads there.
    words = list(dropwhile(lambda word: word.isdecimal() or len(word) == 1, after))
    for place, word in enumerate(words[:MOST_WORDS_OF_A_NAME]):
        if word.isdecimal() or words[0].casefold() in LITTLE:
            return
        is_name = len(word) > 2 and word.casefold() not in NO_NAMES
        if is_name or (place and word.casefold() in ENDS):
            name, others = words[: place + 1], words[place + 1 : MOST_WORDS]
            yield BETWEEN.join([rf"{number}(?:{BETWEEN}[^\W\d_])?", *map(_spellings, name)]) + _as_many(others)
            return


def _as_many(words: list[str]) -> str:
    """What finds the first of these words, however many there are, with what is between."""
    return f"(?:{BETWEEN}{_spellings(words[0])}{_as_many(words[1:])})?" if words else ""


def _leading_there(address: str) -> Iterator[list[str]]:
    """The words of each part of an address that lead to a door, and with those of a short part before: Flat 2."""
    before: list[str] = []
    for words in _parts(address):
        found = list(_of_part(words))
        yield from found
        if found and 0 < len(before) <= MOST_WORDS_BEFORE:
            yield [*before, *words]
        before = words


def _of_part(words: list[str]) -> Iterator[list[str]]:
    """
    The texts in one part of an address that lead to a door: the whole part, if it has a number or the name of a street
    or a house; and each such name. A town alone gives none, nor does a text that is no address.
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


def _names_of_houses(address: str) -> Iterator[list[str]]:
    """
    The words, in small letters, of each part of an address that is the name of a house and nothing else: The Nook,
    Holly Cottage. In small letters most are ordinary words, so that what people wrote must have its capitals.
    """
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
    # St Marys, St Mary's.
    either = (f"{each[:-1]}{BETWEEN}s" if each[-1] in "sS" and len(each) > 3 else each for each in sorted(spellings))
    return f"(?:{'|'.join(either)})"


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
