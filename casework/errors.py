"""
The errors of the story: few, each with a sentence for people. Doors turn them into pages and problem documents.

Faults in what somebody typed or sent are `triage.documents.InvalidDocument`, which holds all of them at once.
"""


class CaseworkError(Exception):
    """The sentence is the message."""


class NotPermitted(CaseworkError):
    """This person may not do this."""


class NotAllowedInStatus(CaseworkError):
    """Nobody may do this now: the contact, handoff or case stands elsewhere."""


class InvalidTransition(NotAllowedInStatus):
    """The lifecycle has no such move."""


class TakenBySomeoneElse(NotAllowedInStatus):
    """Somebody else was faster."""


class KeyUsedForAnother(CaseworkError):
    """An idempotency key came again with another document. `earlier` is the reference of the first."""

    def __init__(self, says: str, *, earlier: str) -> None:
        super().__init__(says)
        self.earlier = earlier
