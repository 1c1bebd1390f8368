"""Comparing two ways that are measured in turn."""

from collections.abc import Sequence
from statistics import median


def median_ratio(these: Sequence[float], those: Sequence[float]) -> float:
    """
    How many times as long, or as much, as the others': the median over the pairs. What else the machine does meanwhile
    meets both of a pair.
    """
    return median(this / that for this, that in zip(these, those, strict=True))
