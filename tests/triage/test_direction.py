"""Which way a change of recommendation goes. A step down is what must be read one by one: none may pass for another."""

from itertools import product

import pytest

from triage.direction import RATINGS, Direction, PathwayRag, direction, weights
from triage.ruleset import shipped

WEIGHTS = weights(shipped().pathways)
UP, DOWN, ACROSS = Direction.UP, Direction.DOWN, Direction.ACROSS

TABLE: list[tuple[tuple[str, str], tuple[str, str], Direction | None]] = [
    # from, to, which way
    (("family_help", "green"), ("family_help", "green"), None),
    # the pathway alone
    (("family_help", "green"), ("social_worker_review", "green"), UP),
    (("early_help", "green"), ("family_help", "green"), UP),
    (("advice", "blue"), ("early_help", "blue"), UP),
    (("social_worker_review", "amber"), ("social_work_assessment", "amber"), UP),
    (("strategy_discussion", "red"), ("social_work_assessment", "red"), DOWN),
    (("early_help", "green"), ("advice", "green"), DOWN),
    (("advice", "green"), ("no_further_action", "green"), DOWN),
    # the rating alone
    (("family_help", "green"), ("family_help", "amber"), UP),
    (("family_help", "blue"), ("family_help", "red"), UP),
    (("social_worker_review", "red"), ("social_worker_review", "amber"), DOWN),
    (("advice", "green"), ("advice", "blue"), DOWN),
    # both, the same way
    (("advice", "blue"), ("strategy_discussion", "red"), UP),
    (("strategy_discussion", "red"), ("advice", "blue"), DOWN),
    # one rises and the other falls: something falls
    (("social_worker_review", "red"), ("social_work_assessment", "amber"), DOWN),
    (("social_work_assessment", "amber"), ("social_worker_review", "red"), DOWN),
    # between what weighs something and what passes on
    (("family_help", "green"), ("link_to_open_work", "green"), ACROSS),
    (("link_to_open_work", "green"), ("family_help", "green"), ACROSS),
    (("link_to_open_work", "amber"), ("other_authority", "amber"), ACROSS),
    (("strategy_discussion", "red"), ("link_to_open_work", "amber"), DOWN),
    (("strategy_discussion", "red"), ("link_to_open_work", "red"), ACROSS),
    (("link_to_open_work", "green"), ("social_worker_review", "amber"), UP),
    (("other_authority", "amber"), ("other_authority", "green"), DOWN),
]


@pytest.mark.parametrize(("before", "after", "way"), TABLE)
def test_which_way_it_goes(before: tuple[str, str], after: tuple[str, str], way: Direction | None) -> None:
    assert direction(WEIGHTS, PathwayRag(*before), PathwayRag(*after)) == way


def test_the_gravest_pathway_weighs_most_and_what_passes_on_weighs_nothing() -> None:
    assert sorted(WEIGHTS, key=lambda name: -WEIGHTS[name]) == [
        "strategy_discussion", "social_work_assessment", "social_worker_review", "family_help", "early_help", "advice",
        "no_further_action",
    ]  # fmt: skip
    assert len(set(WEIGHTS.values())) == len(WEIGHTS)


def test_of_all_there_are() -> None:
    """Only no change has no direction. Of a change and its reverse one is down, unless both are across."""
    outcomes = [PathwayRag(pathway, rag) for pathway, rag in product(shipped().pathways, RATINGS)]
    for before, after in product(outcomes, outcomes):
        there, back = direction(WEIGHTS, before, after), direction(WEIGHTS, after, before)
        assert (there is None) == (before == after)
        if there is ACROSS or before == after:
            assert back == there
        else:
            assert DOWN in (there, back)
            assert (there, back) != (UP, UP)
        falls = RATINGS[after.rag] < RATINGS[before.rag]
        if falls or WEIGHTS.get(after.pathway, 99) < WEIGHTS.get(before.pathway, 0):
            assert there is DOWN or (after.pathway not in WEIGHTS and not falls)


def test_a_pathway_that_the_new_rules_do_not_know_weighs_nothing() -> None:
    """Then only the rating counts."""
    assert direction(WEIGHTS, PathwayRag("old_pathway", "red"), PathwayRag("advice", "red")) is ACROSS
    assert direction(WEIGHTS, PathwayRag("old_pathway", "red"), PathwayRag("advice", "blue")) is DOWN
