"""
The lifecycles: each a table of statuses, of the moves between them, and of who is responsible in each.

docs/draw.py draws docs/lifecycles.md from these tables, and `make check` compares.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import TextChoices

Status = TypeVar("Status", bound=TextChoices)


class ContactStatus(TextChoices):
    """The status of a contact at the front door."""

    RECEIVED = "received", "Waiting for a decision"
    SIGN_OFF = "sign_off", "Waiting for a second person"
    DECIDED = "decided", "Decided"


class SenderStatus(TextChoices):
    """What the agency that sent a contact is told of its status."""

    RECEIVED = "received", "Received"
    BEING_LOOKED_AT = "being_looked_at", "Being looked at"
    WAITING_FOR_YOU = "waiting_for_your_information", "Waiting for your information"
    DECIDED = "decided", "Decided"


class HandoffStatus(TextChoices):
    """The status of a handoff."""

    OFFERED = "offered", "Offered"
    ACCEPTED = "accepted", "Accepted"
    RETURNED = "returned", "Returned"
    WITHDRAWN = "withdrawn", "Withdrawn"


class PartnerCheckStatus(TextChoices):
    """The status of a partner check."""

    ASKED = "asked", "Asked"
    ANSWERED = "answered", "Answered"
    WITHDRAWN = "withdrawn", "Withdrawn"


class CaseStatus(TextChoices):
    """The status of a case."""

    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"


class AskedStatus(TextChoices):
    """What the agency that is asked is told of the status of a question."""

    OPEN = "open", "Open"
    ANSWERED = "answered", "Answered"
    CLOSED = "closed", "No answer is needed any more"


class MatchStatus(TextChoices):
    """Whether two records are of one person."""

    PROPOSED = "proposed", "To be looked at"
    CERTAIN = "certain", "The same person, by what was sent"
    CONFIRMED = "confirmed", "The same person"
    REJECTED = "rejected", "Somebody else"


@dataclass(frozen=True)
class Lifecycle(Generic[Status]):
    """`moves` has a name for each move; `owners` says who is responsible for the next step in each status."""

    name: str
    start: Status
    moves: dict[tuple[Status, Status], str]
    owners: dict[Status, str]

    def allows(self, before: str, after: str) -> bool:
        return any((start.value, end.value) == (before, after) for start, end in self.moves)


CONTACT = Lifecycle(
    name="contact",
    start=ContactStatus.RECEIVED,
    moves={
        (ContactStatus.RECEIVED, ContactStatus.DECIDED): "decide",
        (ContactStatus.RECEIVED, ContactStatus.SIGN_OFF): "decide, where a second person must agree",
        (ContactStatus.SIGN_OFF, ContactStatus.DECIDED): "agree",
        (ContactStatus.SIGN_OFF, ContactStatus.RECEIVED): "decline",
    },
    owners={
        ContactStatus.RECEIVED: "the contact's team",
        ContactStatus.SIGN_OFF: "a manager other than the decider",
        ContactStatus.DECIDED: "the case's responsible team, or nobody where it ended here",
    },
)
HANDOFF = Lifecycle(
    name="handoff",
    start=HandoffStatus.OFFERED,
    moves={
        (HandoffStatus.OFFERED, HandoffStatus.ACCEPTED): "accept",
        (HandoffStatus.OFFERED, HandoffStatus.RETURNED): "return, with a reason",
        (HandoffStatus.OFFERED, HandoffStatus.WITHDRAWN): "withdraw, with a reason",
    },
    owners={
        HandoffStatus.OFFERED: "the sender for the family, the receiver for the answer",
        HandoffStatus.ACCEPTED: "the receiver",
        HandoffStatus.RETURNED: "the sender",
        HandoffStatus.WITHDRAWN: "the sender",
    },
)
CASE = Lifecycle(
    name="case",
    start=CaseStatus.OPEN,
    moves={(CaseStatus.OPEN, CaseStatus.CLOSED): "close, with an outcome"},
    owners={CaseStatus.OPEN: "the responsible team", CaseStatus.CLOSED: "nobody"},
)
PARTNER_CHECK = Lifecycle(
    name="partner check",
    start=PartnerCheckStatus.ASKED,
    moves={
        (PartnerCheckStatus.ASKED, PartnerCheckStatus.ANSWERED): "record the answer, or answer in its own system",
        (PartnerCheckStatus.ASKED, PartnerCheckStatus.WITHDRAWN): "withdraw, or decide without it",
    },
    owners={
        PartnerCheckStatus.ASKED: "the partner for the answer, the contact's team for chasing it",
        PartnerCheckStatus.ANSWERED: "the contact's team",
        PartnerCheckStatus.WITHDRAWN: "nobody",
    },
)
MATCH = Lifecycle(
    name="match",
    start=MatchStatus.PROPOSED,
    moves={
        (MatchStatus.PROPOSED, MatchStatus.CERTAIN): "nothing contradicts, and the numbers agree: on receipt",
        (MatchStatus.PROPOSED, MatchStatus.CONFIRMED): "say that they are the same",
        (MatchStatus.PROPOSED, MatchStatus.REJECTED): "say that they are not",
        (MatchStatus.CERTAIN, MatchStatus.PROPOSED): "undo, with a reason",
        (MatchStatus.CONFIRMED, MatchStatus.PROPOSED): "undo, with a reason",
        (MatchStatus.REJECTED, MatchStatus.PROPOSED): "undo, with a reason",
    },
    owners={
        MatchStatus.PROPOSED: "the front door",
        MatchStatus.CERTAIN: "nobody; the front door may undo it",
        MatchStatus.CONFIRMED: "nobody; the front door may undo it",
        MatchStatus.REJECTED: "nobody; the front door may undo it",
    },
)
LIFECYCLES = (CONTACT, PARTNER_CHECK, HANDOFF, CASE, MATCH)
