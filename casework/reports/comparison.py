"""From what was recommended to what was decided: counted in the database, and which way each of them goes."""

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import Count, F, QuerySet

from casework.facts.published_rules import of_version
from casework.models import Contact
from triage.direction import Direction, Turn, direction, weights


class Way(StrEnum):
    """How people overruled the rules: in a direction, or in nothing but the level."""

    UP = Direction.UP
    DOWN = Direction.DOWN
    ACROSS = Direction.ACROSS
    LEVEL_ONLY = "level_only"


class Pair(NamedTuple):
    """A recommendation and the decision on it, as far as the direction depends on them."""

    rule_set_id: int
    before: Turn
    after: Turn
    overrides: bool

    @property
    def way(self) -> Way | None:
        """Which way people overruled the rules; None where they followed them."""
        if not self.overrides:
            return None
        found = direction(_weights(self.rule_set_id), self.before, self.after)
        return Way(found) if found else Way.LEVEL_ONLY


# Where the parts of a pair stand, seen from a contact.
DECISION = "decision_in_effect__"
RECOMMENDATION = f"{DECISION}recommendation__"
PLACES = {
    "of_rule_set": f"{RECOMMENDATION}rule_set_id",
    "before_pathway": f"{RECOMMENDATION}pathway",
    "before_rag": f"{RECOMMENDATION}rag",
    "after_pathway": f"{DECISION}pathway",
    "after_rag": f"{DECISION}rag",
    "overruled": f"{DECISION}overrides",
}


def counted(rows: QuerySet[Any], *, contact: str = "", **by: Any) -> Iterator[tuple[tuple[Any, ...], Pair, int]]:
    """
    How many rows there are of each pair, in each group: one query, as large as there are groups.

    :param contact: the path from a row to its contact, with the underscores.
    :param by: what makes the groups; each comes back in the first tuple, in this order.
    """
    parts = {name: F(f"{contact}{place}") for name, place in PLACES.items()}
    # An order of the model's own would become part of the groups.
    for row in rows.order_by().values(**by, **parts).annotate(rows=Count("pk")):
        before, after = Turn(row["before_pathway"], row["before_rag"]), Turn(row["after_pathway"], row["after_rag"])
        yield (
            tuple(row[name] for name in by),
            Pair(row["of_rule_set"], before, after, row["overruled"]),
            row["rows"],
        )


def pair_of(contact: Contact) -> Pair:
    """The pair of a contact whose decision is in effect."""
    decision = contact.decision_in_effect
    assert decision is not None, "reports look at nothing else"
    before = decision.recommendation
    return Pair(
        before.rule_set_id, Turn(before.pathway, before.rag), Turn(decision.pathway, decision.rag), decision.overrides
    )


def places_of(pair: Pair) -> dict[str, object]:
    """The conditions on a contact that make it one of this pair."""
    values = (pair.rule_set_id, *pair.before, *pair.after, pair.overrides)
    return dict(zip(PLACES.values(), values, strict=True))


@lru_cache(maxsize=16)
def _weights(version_id: int) -> dict[str, int]:
    return weights(of_version(version_id).rule_set.pathways)
