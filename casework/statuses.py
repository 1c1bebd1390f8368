"""
The lifecycles: each a table of statuses, of the moves between them, and of who owns the work in each.

The picture in docs/lifecycles.md is drawn from these tables, and CI compares.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import TextChoices

Status = TypeVar("Status", bound=TextChoices)


class ContactStatus(TextChoices):
    """Where a contact stands at the front door."""

    RECEIVED = "received", "Waiting for a decision"
    SIGN_OFF = "sign_off", "Waiting for a second person"
    DECIDED = "decided", "Decided"


class HandoffStatus(TextChoices):
    """Where an offer of a case from one team to another stands."""

    OFFERED = "offered", "Offered"
    ACCEPTED = "accepted", "Accepted"
    RETURNED = "returned", "Returned"
    WITHDRAWN = "withdrawn", "Withdrawn"


class CheckStatus(TextChoices):
    """Where a question to a partner stands."""

    ASKED = "asked", "Asked"
    ANSWERED = "answered", "Answered"
    WITHDRAWN = "withdrawn", "Withdrawn"


class CaseStatus(TextChoices):
    """Whether work with a family goes on."""

    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"


@dataclass(frozen=True)
class Lifecycle(Generic[Status]):
    """`moves` says what each move is called; `owners` who answers for the next step in each status."""

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
        ContactStatus.RECEIVED: "the team that holds the contact",
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
    start=CheckStatus.ASKED,
    moves={
        (CheckStatus.ASKED, CheckStatus.ANSWERED): "record the answer",
        (CheckStatus.ASKED, CheckStatus.WITHDRAWN): "withdraw, or decide without it",
    },
    owners={
        CheckStatus.ASKED: "the partner for the answer, the team that holds the contact for chasing it",
        CheckStatus.ANSWERED: "the team that holds the contact",
        CheckStatus.WITHDRAWN: "nobody",
    },
)
LIFECYCLES = (CONTACT, PARTNER_CHECK, HANDOFF, CASE)
