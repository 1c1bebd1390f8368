"""
The errors of the whole service: few, each with a sentence for people. The doors turn them into pages and problem
documents.

It stands below everything else and imports none of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: `path` leads to it from the top of the document, `says` is a sentence."""

    path: tuple[str | int, ...]
    says: str

    @property
    def place(self) -> str:
        """The path as people write it: `children[0].indicators[1]`."""
        return place(self.path)

    @property
    def pointer(self) -> str:
        """The path as a JSON Pointer in a URI fragment (RFC 6901): `#/children/0/indicators/1`."""
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in self.path)
        return "#" + "".join(f"/{quote(step, safe='~')}" for step in steps)

    def __str__(self) -> str:
        return f"{self.place}: {self.says}" if self.path else self.says


class InvalidInput(ValueError):
    """What somebody typed or sent has at least one fault. `faults` holds all of them, so that all are said at once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class ServiceError(Exception):
    """The sentence is the message."""


class NotPermitted(ServiceError):
    """This person may not do this."""


class NotAllowedInStatus(ServiceError):
    """Nobody may do this now: the contact, handoff or case stands elsewhere."""


class InvalidTransition(NotAllowedInStatus):
    """The lifecycle has no such move."""


class TakenBySomeoneElse(NotAllowedInStatus):
    """Somebody else was faster."""


class KeyUsedForAnother(ServiceError):
    """An idempotency key came again with another document. `earlier` is the reference of the first."""

    def __init__(self, says: str, *, earlier: str) -> None:
        super().__init__(says)
        self.earlier = earlier


def place(path: Iterable[str | int]) -> str:
    written = ""
    for step in path:
        if isinstance(step, int):
            written += f"[{step}]"
        else:
            written += f".{step}" if written else step
    return written
