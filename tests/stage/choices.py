"""Documents with a hundred fields for property tests: the choices of all fields in one draw."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from hypothesis import strategies as st

Value = TypeVar("Value")


class Choices:
    """
    Chooses by one byte after another.

    One draw instead of a draw for each field: a contact is made ten times as fast, and no two examples of a property
    are the same. Hypothesis still shrinks a failing example, byte by byte towards 0, which is the first value.
    """

    def __init__(self, octets: bytes) -> None:
        self._octets: Iterator[int] = iter(octets)

    def one_of(self, *values: Value) -> Value:
        return self.of(values)

    def of(self, values: Sequence[Value]) -> Value:
        """One of at most 65,536 values; of more than 256 it is two choices. The property fails where none is left."""
        number = next(self._octets)
        if len(values) > 256:
            number = number << 8 | next(self._octets)
        return values[number % len(values)]

    def order_of(self, values: Sequence[Value]) -> list[Value]:
        """The values in any order."""
        left = list(values)
        return [left.pop(self.of(range(len(left)))) for _ in values]


def built(build: Callable[[Choices], Value], *, most: int) -> st.SearchStrategy[Value]:
    """A strategy for what `build` makes of at most so many choices."""
    return st.binary(min_size=most, max_size=most).map(lambda octets: build(Choices(octets)))
