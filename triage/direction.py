"""Which way a change of recommendation goes: up to more, down to less, or across to where work is done already."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from triage.rule_set_document import Pathway, Rag, TeamKind

RATINGS = {rating.value: rank for rank, rating in enumerate((Rag.BLUE, Rag.GREEN, Rag.AMBER, Rag.RED))}


class Direction(StrEnum):
    """
    DOWN wherever something falls, be it the pathway or the rating: a step down is what must be read one by one.

    ACROSS is between a pathway that weighs something and one that only passes on (open work, another authority).
    """

    UP = "up"
    DOWN = "down"
    ACROSS = "across"


class Turn(NamedTuple):
    """A pathway and a rating: what a recommendation or a decision comes to."""

    pathway: str
    rag: str


def weights(pathways: Mapping[str, Pathway]) -> dict[str, int]:
    """
    How grave each pathway is, the gravest highest, by its place in the document. Those that only pass the contact on
    to others' work weigh nothing and are left out.
    """
    passing_on = {TeamKind.SAME_TEAM, TeamKind.OUT_OF_AREA}
    weighed = [pathway.id for pathway in pathways.values() if pathway.team not in passing_on]
    return {name: len(weighed) - place for place, name in enumerate(weighed)}


def direction(weight: Mapping[str, int], before: Turn, after: Turn) -> Direction | None:
    """Which way it goes; None where pathway and rating are the same."""
    rises = RATINGS[after.rag] - RATINGS[before.rag]
    change = 0
    if before.pathway in weight and after.pathway in weight:
        change = weight[after.pathway] - weight[before.pathway]
    if rises < 0 or change < 0:
        return Direction.DOWN
    if rises > 0 or change > 0:
        return Direction.UP
    return Direction.ACROSS if before.pathway != after.pathway else None
