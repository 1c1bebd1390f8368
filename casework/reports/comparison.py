"""Compares decisions with the recommendations that they answer: counts the overrides, and tells their direction."""

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import Count, F, QuerySet

from casework.models import Contact
from triage.direction import Direction, PathwayRag, direction, weights
from triage.published_rules import of_version


class OverrideKind(StrEnum):
    """How a decision differs from the recommendation: in a direction, or in the level only."""

    UP = Direction.UP
    DOWN = Direction.DOWN
    ACROSS = Direction.ACROSS
    LEVEL_ONLY = "level_only"


class Comparison(NamedTuple):
    """A recommendation beside the decision on it: the parts that the direction depends on."""

    rule_set_id: int
    before: PathwayRag
    after: PathwayRag
    overrides: bool

    @property
    def kind(self) -> OverrideKind | None:
        """How the decision overrides the recommendation; None if it follows it."""
        if not self.overrides:
            return None
        change = direction(_weights(self.rule_set_id), self.before, self.after)
        return OverrideKind(change) if change else OverrideKind.LEVEL_ONLY


# The paths from a contact to the parts of its comparison, in the order of `lookups`.
DECISION = "decision_in_effect__"
RECOMMENDATION = f"{DECISION}recommendation__"
PATHS = {
    "of_rule_set": f"{RECOMMENDATION}rule_set_id",
    "before_pathway": f"{RECOMMENDATION}pathway",
    "before_rag": f"{RECOMMENDATION}rag",
    "after_pathway": f"{DECISION}pathway",
    "after_rag": f"{DECISION}rag",
    "overruled": f"{DECISION}overrides",
}


def count(rows: QuerySet[Any], *, contact: str = "", **by: Any) -> Iterator[tuple[tuple[Any, ...], Comparison, int]]:
    """
    Counts the rows of each group and comparison, in one query that returns a row for each.

    :param contact: the path from a row to its contact, with its trailing underscores.
    :param by: the expressions that make the groups. The first tuple of each result has their values, in this order.
    """
    parts = {name: F(f"{contact}{path}") for name, path in PATHS.items()}
    # order_by() clears the model's ordering, which would become part of the groups.
    for row in rows.order_by().values(**by, **parts).annotate(rows=Count("pk")):
        before, after = (
            PathwayRag(row["before_pathway"], row["before_rag"]),
            PathwayRag(row["after_pathway"], row["after_rag"]),
        )
        yield (
            tuple(row[name] for name in by),
            Comparison(row["of_rule_set"], before, after, row["overruled"]),
            row["rows"],
        )


def comparison_of(contact: Contact) -> Comparison:
    """The comparison of a contact whose decision is in effect."""
    decision = contact.decision_in_effect
    assert decision is not None, "reports count decided contacts only"
    before = decision.recommendation
    return Comparison(
        before.rule_set_id,
        PathwayRag(before.pathway, before.rag),
        PathwayRag(decision.pathway, decision.rag),
        decision.overrides,
    )


def lookups(comparison: Comparison) -> dict[str, object]:
    """The lookups that select the contacts of this comparison."""
    values = (comparison.rule_set_id, *comparison.before, *comparison.after, comparison.overrides)
    return dict(zip(PATHS.values(), values, strict=True))


@lru_cache(maxsize=16)
def _weights(version_id: int) -> dict[str, int]:
    return weights(of_version(version_id).rule_set.pathways)
