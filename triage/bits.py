"""
Conditions compiled to tests of bits, which are fast: an explanation runs them many times.

Each indicator and each question about a fact has a bit of its own, so most tests are "one of these bits is set". Each
test has a guard: without one of its bits the test is false and is not run. `ChangeBits` are the bits that may change a
condition, so most changes of a fact are not tried.
"""

from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_
from typing import Any, NamedTuple


class View:
    """
    The facts as bits, for the conditions.

    :ivar bits: all indicators, all questions whose answer is yes, and all rules that have fired.
    :ivar children: the bits of each child: its indicators and its questions.
    :ivar family: the family's indicators.
    """

    __slots__ = ("bits", "children", "family")

    def __init__(self, bits: int, children: tuple[int, ...], family: int) -> None:
        self.bits = bits
        self.children = children
        self.family = family


class Question(NamedTuple):
    """A question about one fact, and the bit that is set if the answer is yes."""

    bit: int
    answer: Callable[[Any], bool]


class Questions:
    """All questions that the rules ask about facts. Equal questions share a bit."""

    def __init__(self, first_bit: int) -> None:
        self._next = first_bit
        self._asked: dict[str, dict[object, Question]] = {}

    def bit(self, name: str, key: object, answer: Callable[[Any], bool]) -> int:
        """
        The bit of a question about the fact `name`.

        :param key: the same for equal questions.
        :param answer: the answer for a value; None means "not known".
        """
        asked = self._asked.setdefault(name, {})
        if key not in asked:
            asked[key] = Question(self.new_bit(), answer)
        return asked[key].bit

    def new_bit(self) -> int:
        """A bit that is not used yet."""
        bit = self._next
        self._next <<= 1
        return bit

    def mask(self, names: Iterable[str]) -> int:
        """The bits of all questions about these facts."""
        return sum(question.bit for name in names for question in self._asked.get(name, {}).values())

    def answers(self, name: str, value: object) -> int:
        """The bits of all questions about a fact whose answer is yes for this value."""
        return sum(question.bit for question in self._asked.get(name, {}).values() if question.answer(value))


class AnyBit(NamedTuple):
    """A compiled condition that is true if one of these bits is set: on the child (`own`), or in the view."""

    mask: int
    own: bool = False


Test = Callable[[View, int], object]
"""Whether a condition is true. The number is the bits of the child in question; 0 outside `some_child`."""


class Guarded(NamedTuple):
    """A compiled condition with its guard: if no bit of `needs` is set, it is false and need not be tested."""

    needs: int
    test: Test


Compiled = AnyBit | Guarded
NO_GUARD = -1  # every bit; the view of a rule set always has at least one


def test_of(compiled: Compiled) -> Test:
    """A compiled condition as a function."""
    if isinstance(compiled, Guarded):
        return compiled.test
    mask = compiled.mask
    if compiled.own:
        return lambda view, own: own & mask
    return lambda view, own: view.bits & mask


def guarded(compiled: Compiled) -> Guarded:
    """A compiled condition with its guard. The bits of each child are set in the view as well."""
    return compiled if isinstance(compiled, Guarded) else Guarded(compiled.mask, test_of(compiled))


def all_of(parts: Iterable[Compiled]) -> Compiled:
    """True if every part is true. There is at least one part. The guard is the smallest of the parts' guards."""
    compiled = list(parts)
    if len(compiled) == 1:
        return compiled[0]
    tests = sorted((guarded(part) for part in compiled), key=lambda part: _width(part.needs))
    if len(tests) == 2 and all(isinstance(part, AnyBit) and not part.own for part in compiled):
        first_mask, then_mask = tests[0].needs, tests[1].needs
        return Guarded(first_mask, lambda view, own: view.bits & first_mask and view.bits & then_mask)

    def test(view: View, own: int) -> bool:
        bits = view.bits
        for needs, part in tests:  # noqa: SIM110 - all() and any() take three times as long
            if not (bits & needs and part(view, own)):
                return False
        return True

    return Guarded(tests[0].needs, test)


def any_of(parts: Iterable[Compiled]) -> Compiled:
    """True if any part is true. All parts that only test bits are tested first, in one step."""
    masks = {True: 0, False: 0}
    rest: list[Compiled] = []
    for part in parts:
        if isinstance(part, AnyBit):
            masks[part.own] |= part.mask
        else:
            rest.append(part)
    joined = [AnyBit(mask, own) for own, mask in masks.items() if mask]
    compiled = [*joined, *rest] or [AnyBit(0)]
    if len(compiled) == 1:
        return compiled[0]
    tests = [guarded(part) for part in compiled]

    def test(view: View, own: int) -> bool:
        bits = view.bits
        for needs, part in tests:  # noqa: SIM110 - as above
            if bits & needs and part(view, own):
                return True
        return False

    return Guarded(reduce(or_, (part.needs for part in tests)), test)


def _width(needs: int) -> float:
    return float("inf") if needs == NO_GUARD else needs.bit_count()


class ChangeBits(NamedTuple):
    """
    The bits that may change a condition.

    Setting a bit of `coming` or clearing a bit of `going` may make it true. The opposite may make it false. No
    other bit changes it.
    """

    coming: int = 0
    going: int = 0

    @property
    def reversed(self) -> "ChangeBits":
        return ChangeBits(self.going, self.coming)

    def may_change(self, before: int, after: int) -> bool:
        """Whether the condition may become true when the bits change from `before` to `after`."""
        return bool(after & ~before & self.coming or before & ~after & self.going)

    @property
    def either_way(self) -> "ChangeBits":
        return ChangeBits(self.coming | self.going, self.coming | self.going)


def changed_by_any(parts: Iterable[ChangeBits]) -> ChangeBits:
    """The bits that may change at least one of these conditions."""
    coming, going = zip(*parts, strict=True)
    return ChangeBits(reduce(or_, coming), reduce(or_, going))
