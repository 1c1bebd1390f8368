"""
A bar chart as an SVG that is made here: bars lie, one under the other, so that it can be read at 320 pixels too.

Lengths are in percent of the picture's width, so that it needs no scaling and its words keep their size.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.template.defaultfilters import floatformat

A_BAR, GAP = 16, 8
# The words to the left, the bars, and the values to their right, in percent of the width.
LEFT, LONGEST = 30, 52
SCALES = (10, 25, 50, 100)


@dataclass(frozen=True)
class Bar:
    """`y` is where the bar begins, `line` where its words stand, in pixels; the others are in percent."""

    name: str
    said: str
    y: int
    line: int
    length: float
    end: float


@dataclass(frozen=True)
class Chart:
    """A picture; `says` is what somebody hears who does not see it."""

    title: str
    says: str
    bars: tuple[Bar, ...]
    height: int
    thickness: int = A_BAR
    left: int = LEFT


def rates(title: str, values: Iterable[tuple[str, float | None]]) -> Chart | None:
    """A chart of percentages; None stands for no value. No chart of nothing."""
    values = list(values)
    known = [(value, name) for name, value in values if value is not None]
    if not known:
        return None
    # max and min keep the first of equals.
    (most, at_most), (least, at_least) = max(known, key=_value), min(known, key=_value)
    says = (
        f"Highest: {floatformat(most, 1)}% in {at_most}. Lowest: {floatformat(least, 1)}% in {at_least}. "
        "The table below says it all."
    )
    scale = next(scale for scale in SCALES if most <= scale)
    bars = (_bar(place, name, value, scale) for place, (name, value) in enumerate(values))
    return Chart(title, says, tuple(bars), len(values) * (A_BAR + GAP))


def _bar(place: int, name: str, value: float | None, scale: int) -> Bar:
    length = round(LONGEST * (value or 0) / scale, 2)
    said = "nothing decided" if value is None else f"{floatformat(value, 1)}%"
    y = place * (A_BAR + GAP)
    return Bar(name, said, y, y + A_BAR - 3, length, round(LEFT + length + 1, 2))


def _value(known: tuple[float, str]) -> float:
    return known[0]
