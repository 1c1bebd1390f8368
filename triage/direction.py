"""The direction of a change between two recommendations, or between a recommendation and a decision."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from triage.rule_set_document import Pathway, PathwayTeam, Rag

RATINGS = {rating.value: rank for rank, rating in enumerate((Rag.BLUE, Rag.GREEN, Rag.AMBER, Rag.RED))}


class Direction(StrEnum):
    """
    The direction of a change.

    DOWN if the pathway or the rating falls, even if the other rises: people must read every step down. ACROSS if the
    change is to or from a pathway that only passes a contact on (open work, another authority).
    """

    UP = "up"
    DOWN = "down"
    ACROSS = "across"


class PathwayRag(NamedTuple):
    """The pathway and the rating of a recommendation or of a decision."""

    pathway: str
    rag: str


def weights(pathways: Mapping[str, Pathway]) -> dict[str, int]:
    """
    The weight of each pathway: the gravest has the highest. The document lists the gravest first.

    Pathways that only pass a contact on have no weight and are left out.
    """
    passing_on = {PathwayTeam.SAME_TEAM, PathwayTeam.OUT_OF_AREA}
    with_weight = [pathway.id for pathway in pathways.values() if pathway.team not in passing_on]
    return {name: len(with_weight) - place for place, name in enumerate(with_weight)}


def direction(weight: Mapping[str, int], before: PathwayRag, after: PathwayRag) -> Direction | None:
    """The direction from one to the other; None if pathway and rating are the same."""
    rises = RATINGS[after.rag] - RATINGS[before.rag]
    change = 0
    if before.pathway in weight and after.pathway in weight:
        change = weight[after.pathway] - weight[before.pathway]
    if rises < 0 or change < 0:
        return Direction.DOWN
    if rises > 0 or change > 0:
        return Direction.UP
    return Direction.ACROSS if before.pathway != after.pathway else None
