"""What the people and systems outside know: what they sent and which answers they got. It never reads the database."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class SentContact:
    """
    A contact that a partner's system sent, with its retries.

    `mark` is the agency's own reference in the document: it finds the contact under whatever key it was stored.
    """

    agency: str
    key: str
    mark: str
    first_sent_at: datetime
    tries: int = 0
    references: set[str] = field(default_factory=set)
    asked_at: datetime | None = None  # the try that was answered first
    answered_at: datetime | None = None

    def was_answered(self, reference: str, *, asked_at: datetime, at: datetime) -> None:
        if self.answered_at is None:
            self.asked_at, self.answered_at = asked_at, at
        self.references.add(reference)


@dataclass
class SentFile:
    """A file that a partner's system put on a contact, with its retries. `ids` are those of the answers."""

    agency: str
    contact: str
    key: str
    sha256: str
    is_virus: bool
    is_picture: bool
    tries: int = 0
    ids: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Done:
    """Something that a person did and saw done: in the answer, or on the page after an error."""

    at: datetime
    contact: str
    case: str | None = None
    team: str | None = None


@dataclass
class Ledger:
    """Everything that was sent and answered. `unexpected_answers` are those that no failure explains."""

    contacts: list[SentContact] = field(default_factory=list)
    files: list[SentFile] = field(default_factory=list)
    decisions: list[Done] = field(default_factory=list)
    acceptances: list[Done] = field(default_factory=list)
    unexpected_answers: list[str] = field(default_factory=list)
    found_done: int = 0  # what a person found done after an error

    def answered(self) -> Iterator[SentContact]:
        return (contact for contact in list(self.contacts) if contact.answered_at is not None)
