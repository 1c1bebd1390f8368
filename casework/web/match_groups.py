"""The possible matches of a contact as its page asks about them: those with one other family together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from casework.access.restricted import Closed
from casework.models import PersonMatch
from casework.web.forms import TellApartForm


class Entry(NamedTuple):
    """
    A possible match that waits for somebody.

    `closed`: whom to ask, where one of the records is closed to the reader. `counts`: whether its history counts
    meanwhile. `why`: the reasons that may be said. `apart`: the form that asks why they are two, where that is needed.
    """

    match: PersonMatch
    closed: Closed | None
    counts: bool
    why: Sequence[str]
    apart: TellApartForm | None


@dataclass(frozen=True)
class Group:
    """The possible matches with one other family."""

    entries: Sequence[Entry]

    @property
    def to_answer(self) -> list[Entry]:
        """Those that may be settled together."""
        return [entry for entry in self.entries if entry.closed is None and entry.apart is None]

    @property
    def together(self) -> bool:
        return len(self.to_answer) > 1

    @property
    def may_be_one(self) -> bool:
        """
        Whether "the same" may be said of all of them: never of the two identities of an adopted child, nor where one
        person resembles two, as a twin does.
        """
        matches = [entry.match for entry in self.to_answer]
        ours = {(match.child_id, match.adult_id) for match in matches}
        theirs = {match.known.pk for match in matches}
        is_one_to_one = len(ours) == len(theirs) == len(matches)
        return is_one_to_one and not any(match.is_of_two_identities for match in matches)

    @property
    def names(self) -> str:
        return ", ".join(entry.match.known_name for entry in self.to_answer)
