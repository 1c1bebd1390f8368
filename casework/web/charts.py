"""
Bar charts, drawn as SVG by a template. The bars are horizontal, so that a chart can be read at 320 pixels.

Lengths are in percent of the chart's width: the chart needs no scaling, and its text keeps its size.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.template.defaultfilters import floatformat

BAR_HEIGHT, GAP = 16, 8  # in pixels
# Where the bars begin, and how long the longest is, in percent of the width. Labels stand left, values right.
LEFT, LONGEST = 30, 52
SCALES = (10, 25, 50, 100)


@dataclass(frozen=True)
class Bar:
    """`y` is the top of the bar and `line` the baseline of its text, in pixels; `length` and `end` are in percent."""

    name: str
    said: str
    y: int
    line: int
    length: float
    end: float


@dataclass(frozen=True)
class Chart:
    """A chart; `says` is its text alternative."""

    title: str
    says: str
    bars: tuple[Bar, ...]
    height: int
    thickness: int = BAR_HEIGHT
    left: int = LEFT


def rates(title: str, values: Iterable[tuple[str, float | None]]) -> Chart | None:
    """A chart of percentages, where None is no value; None if there is no value at all."""
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
    return Chart(title, says, tuple(bars), len(values) * (BAR_HEIGHT + GAP))


def _bar(place: int, name: str, value: float | None, scale: int) -> Bar:
    length = round(LONGEST * (value or 0) / scale, 2)
    said = "nothing decided" if value is None else f"{floatformat(value, 1)}%"
    y = place * (BAR_HEIGHT + GAP)
    return Bar(name, said, y, y + BAR_HEIGHT - 3, length, round(LEFT + length + 1, 2))


def _value(known: tuple[float, str]) -> float:
    return known[0]
