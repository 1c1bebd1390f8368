"""What an answer lists of many faults or warnings."""

from collections.abc import Sequence

from errors import Fault

# More of them help nobody, and an answer would be ten times as long as the body.
MOST_LISTED = 100
LEFT_OUT = "How many more there are that are not listed."


def first_of(faults: Sequence[Fault]) -> tuple[list[dict[str, str]], int]:
    """The first faults or warnings as an answer lists them, and how many more there are."""
    listed = [{"pointer": fault.pointer, "detail": str(fault)} for fault in faults[:MOST_LISTED]]
    return listed, len(faults) - len(listed)
