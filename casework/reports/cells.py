"""A count in a table, what a reader is shown of it, and what a reader can then know of it."""

from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

LEAST_SHOWN = 5
# The cost of "not shown" for a small count, in place of "fewer than 5". It exceeds any sum of counts: a last resort.
LAST_RESORT = 10**12

Node = tuple[str, int]


class Mark(StrEnum):
    """What is shown in place of a number."""

    FEW = f"fewer than {LEAST_SHOWN}"
    NOT_SHOWN = "not shown"


Shown = int | Mark


@dataclass(eq=False)
class Cell:
    """
    A count, as the flow on an edge from one node to another.

    `lowest` and `highest` are the bounds that a reader knows. They are equal while the count is shown.
    """

    value: int
    start: Node
    end: Node
    lowest: float = field(init=False)
    highest: float = field(init=False)

    def __post_init__(self) -> None:
        self.lowest, self.highest = (1, LEAST_SHOWN - 1) if self.is_small else (self.value, self.value)

    @property
    def is_small(self) -> bool:
        return 0 < self.value < LEAST_SHOWN

    def cost(self, change: int) -> float:
        """The cost of hiding the count so far that a reader believes it could be one more (1) or one less (-1)."""
        if self.value == 0:
            return inf
        if self.lowest <= self.value + change <= self.highest:
            return 0
        if change > 0:
            return LAST_RESORT if self.is_small else self.value
        return self.value if self.value > LEAST_SHOWN else inf

    def hide(self) -> None:
        """Marks the count as not shown. A reader may assume that a hidden count is 5 or more, unless it is small."""
        self.lowest, self.highest = 1 if self.is_small else LEAST_SHOWN, inf

    @property
    def shown(self) -> Shown:
        if self.lowest == self.highest:
            return self.value
        return Mark.NOT_SHOWN if self.highest == inf else Mark.FEW
