"""Whether a report came before: the same document, or the same story under the same reference."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from rapidfuzz.distance import OSA

from casework.facts.contact_document import DEEPEST, digest_of
from casework.facts.typed import in_one_line

SAME_DOCUMENT, SAME_REFERENCE = timedelta(days=1), timedelta(days=14)
NOTHING: tuple[Any, ...] = (None, "", [], {})
BETWEEN_WORDS = re.compile(r"[\s!-/:-@\[-`{-~‘’“”–—…]+")

# Who sends it and how, and what the family was told. Whoever sends a report again may have found out more of these.
NOT_THE_STORY = frozenset({
    "agency_reference", "source_code", "arrived_by", "received_by_phone", "referrer", "agreement", "parents_told",
    "sharing_basis",
})  # fmt: skip
# Who a child is. The rest of what is said of a child is story: the indicators, and where the child is now.
WHO_A_CHILD_IS = frozenset({
    "ref", "first_name", "last_name", "also_known_as", "date_of_birth", "date_of_birth_estimated", "age_years",
    "expected_date_of_delivery", "sex", "ethnicity", "first_language", "interpreter_needed", "nhs_number", "upn",
    "address", "school",
})  # fmt: skip


class Earlier(NamedTuple):
    """
    A contact that came from the same sender: the same document within a day and not under another reference, or any
    under the same reference.

    `stands_for` is the contact that it repeats, or itself. `has_the_children`: each of the children is on both.
    """

    stands_for: int
    said_digest: str
    has_the_children: bool
    document: Mapping[str, Any]


def digest_of_what_is_said(document: Mapping[str, Any]) -> str:
    """
    The digest of what a document says, the same however it is typed, and whatever its sender calls it: whoever sends a
    report again may leave out the reference, or give one only then.
    """
    return digest_of(_said({name: part for name, part in document.items() if name != "agency_reference"}))


def repeated(document: Mapping[str, Any], said_digest: str, earlier: Sequence[Earlier]) -> int | None:
    """
    The id of the contact that this document repeats, if any.

    Some senders use the number of a child as their reference: each report about the child has it. So under the same
    reference, only the same story is a resend. What differs in a word may be something that happened since.
    """
    return min((each.stands_for for each in earlier if _repeats(document, said_digest, each)), default=None)


def _repeats(document: Mapping[str, Any], said_digest: str, earlier: Earlier) -> bool:
    if earlier.said_digest == said_digest:
        return True
    return earlier.has_the_children and _tell_the_same(document, earlier.document)


def _tell_the_same(document: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two documents tell one story in the same words, but for single letters."""
    mine, theirs = _words(document), _words(other)
    return len(mine) == len(theirs) and all(_is_one_word(*pair) for pair in zip(mine, theirs, strict=True))


def _is_one_word(word: str, other: str) -> bool:
    """Whether two words are one, or a slip apart: "happend" and "happened", and not "hit" and "hid"."""
    if word == other:
        return True
    is_long = min(len(word), len(other)) >= 5 and word.isalpha() and other.isalpha()
    return is_long and word[0] == other[0] and OSA.distance(word, other, score_cutoff=1) == 1


def _words(document: Mapping[str, Any]) -> list[str]:
    """The words of the story, in an order that does not depend on that of the document's parts."""
    story = {name: part for name, part in document.items() if name not in NOT_THE_STORY}
    story["children"] = [
        {name: part for name, part in child.items() if name not in WHO_A_CHILD_IS} for child in document["children"]
    ]
    return BETWEEN_WORDS.split(json.dumps(_said(story), sort_keys=True, ensure_ascii=False))


def _said(part: Any, depth: int = 0) -> Any:
    """What is said, however it is typed: without capitals, needless blanks, empty details, or an order of lists."""
    if isinstance(part, str):
        return unicodedata.normalize("NFKC", in_one_line(part)).casefold()
    if depth == DEEPEST:
        return part
    if isinstance(part, dict):
        parts = {name: _said(value, depth + 1) for name, value in part.items()}
        return {name: value for name, value in parts.items() if value not in NOTHING}
    if isinstance(part, list):
        return sorted((said for value in part if (said := _said(value, depth + 1)) not in NOTHING), key=_as_json)
    return part


def _as_json(part: Any) -> str:
    return json.dumps(part, sort_keys=True)
