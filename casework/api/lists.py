"""What an answer lists of many faults or warnings, and the document of a refusal."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from errors import Fault

# More of them help nobody, and an answer would be ten times as long as the body.
MOST_LISTED = 100
# No name of a field that is known here is half as long.
LONGEST_NAME = 100
LEFT_OUT = "How many more there are that are not listed."


def first_of(faults: Sequence[Fault]) -> tuple[list[dict[str, str]], int]:
    """The first faults or warnings as an answer lists them, and how many more there are."""
    first = [Fault(tuple(map(_short, fault.path)), fault.message) for fault in faults[:MOST_LISTED]]
    return [{"pointer": fault.pointer, "detail": str(fault)} for fault in first], len(faults) - len(first)


def _short(step: str | int) -> str | int:
    """A name that a sender gave a field, as long as an answer has room for."""
    return f"{step[:LONGEST_NAME]}…" if isinstance(step, str) and len(step) > LONGEST_NAME else step


def problem_document(
    status: int, name: str, detail: str, faults: Sequence[Fault] = (), *, more: int = 0
) -> dict[str, Any]:
    """
    A problem document (RFC 9457). It lists the first of many faults, and says how many more there are.

    :param more: how many there are beside these.
    """
    listed, left_out = first_of(faults)
    if left_out := left_out + more:
        detail += f" {left_out:,} more {'faults are' if left_out > 1 else 'fault is'} not listed."
    document: dict[str, Any] = {
        "type": f"urn:front-door:problem:{name}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if faults:
        document |= {"errors": listed, "errors_left_out": left_out}
    return document
