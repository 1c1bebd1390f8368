"""What those outside know: what they sent, and what they were answered. Nothing in it comes from the database."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class SentContact:
    """
    A contact that a partner's system sent, as often as it took. `mark` is in the document, as the agency's own
    reference, so that it can be found under whatever key it was kept.
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


@dataclass(frozen=True)
class Done:
    """Something that a person did, and saw done: by the answer, or, after an error, by looking again."""

    at: datetime
    contact: str
    case: str | None = None
    team: str | None = None


@dataclass
class Ledger:
    """Everything that was sent and answered. `surprises`: answers that nobody should get, whatever has just failed."""

    contacts: list[SentContact] = field(default_factory=list)
    decisions: list[Done] = field(default_factory=list)
    acceptances: list[Done] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    seen_again: int = 0  # what a person found done after an error

    def answered(self) -> Iterator[SentContact]:
        return (contact for contact in list(self.contacts) if contact.answered_at is not None)
