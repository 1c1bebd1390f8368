"""
The errors of the whole service: few, each with a sentence for people. The web and the API turn them into pages and
problem documents.

Every other package may import this one. It imports none of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Fault:
    """One fault in an input: `path` leads to it from the top of the document, `message` is a sentence for people."""

    path: tuple[str | int, ...]
    message: str

    @property
    def place(self) -> str:
        """The path as people write it: `children[0].indicators[1]`."""
        return place(self.path)

    @property
    def pointer(self) -> str:
        """The path as a JSON Pointer in a URI fragment (RFC 6901): `#/children/0/indicators/1`."""
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in self.path)
        return "#" + "".join(f"/{quote(step, safe='~', errors='replace')}" for step in steps)

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.path else self.message


class InvalidInput(ValueError):
    """The input has at least one fault. `faults` holds all of them, so that the sender sees them all at once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class ServiceError(Exception):
    """The base of the service's errors. The message is a sentence for people."""


class NotPermitted(ServiceError):
    """This user may not do this."""


class NotAllowedInStatus(ServiceError):
    """Nobody may do this now: the status of the contact, handoff or case does not allow it."""


class InvalidTransition(NotAllowedInStatus):
    """The lifecycle has no such move."""


class TakenBySomeoneElse(NotAllowedInStatus):
    """Somebody else acted first."""


class KeyUsedForAnother(ServiceError):
    """An idempotency key was used again for another document. `earlier` is the reference of the first contact."""

    def __init__(self, says: str, *, earlier: str) -> None:
        super().__init__(says)
        self.earlier = earlier


def place(path: Iterable[str | int]) -> str:
    """Writes a path as people do: `children[0].indicators[1]`."""
    written = ""
    for step in path:
        if isinstance(step, int):
            written += f"[{step}]"
        else:
            written += f".{step}" if written else step
    # Half of a character (a lone surrogate) cannot be encoded.
    return written.encode(errors="replace").decode()
