"""Which decisions need a second person, where a rule set says it by what a pathway is and not by its name."""

from typing import Any

import pytest

from tests.stage.asking import Facts, contact
from tests.stage.rule_documents import Json, having, whole
from triage.ruleset import parse
from triage.two_persons import Proposal, two_person_reasons

SAYS = "Two people."
OWN = [
    {"id": "parenting_group", "title": "Parenting group", "team": "locality", "work": "early_help", "voluntary": True},
    {"id": "library", "title": "Library"},
]


def needs_two(decision: Json, facts: Facts, pathway: str, document: Json | None = None) -> bool:
    document = document or whole()
    pathways = [*document["pathways"], *OWN]
    two_person_decisions = [{"id": "own", "says": SAYS, **decision}]
    rules = parse(document | {"pathways": pathways, "two_person_decisions": two_person_decisions})
    stored = rules.facts(facts).model_dump(mode="json")
    said: dict[str, Any] = {"rag": "green", "level": 2, "reasons": [{"rule": "level_2_agreed"}]}
    return two_person_reasons(rules, stored, said, Proposal(pathway, 2, "green")) == [SAYS]


@pytest.mark.parametrize(
    ("pathway", "voluntary"),
    [("family_help", True), ("parenting_group", True), ("social_worker_review", False), ("library", False)],
)
def test_by_whether_the_family_is_free_to_refuse(pathway: str, voluntary: bool) -> None:
    for wanted in (True, False):
        assert needs_two({"decided": {"voluntary": wanted}}, contact("L2-11"), pathway) is (wanted is voluntary)


def test_a_pathway_that_becomes_voluntary_needs_two_from_then_on() -> None:
    decision = {"decided": {"voluntary": True}}
    assert not needs_two(decision, contact("L2-11"), "social_worker_review")
    voluntary = having(whole(), "pathways", "social_worker_review", voluntary=True)
    assert needs_two(decision, contact("L2-11"), "social_worker_review", voluntary)


@pytest.mark.parametrize(
    ("pathway", "ends_here"), [("advice", True), ("library", True), ("early_help", False), ("other_authority", False)]
)
def test_by_whether_it_ends_at_the_front_door(pathway: str, ends_here: bool) -> None:
    for wanted in (True, False):
        assert needs_two({"decided": {"ends_here": wanted}}, contact("L2-11"), pathway) is (wanted is ends_here)


@pytest.mark.parametrize(
    ("facts", "nobody_chose"),
    [
        (contact(), True),
        ({}, True),
        (contact("L2-11"), False),
        (contact(on_the_family=("L3-36",)), False),
        (contact(dash="high", immediate_danger=True), True),
    ],
)
def test_by_whether_somebody_chose_an_indicator(facts: Facts, nobody_chose: bool) -> None:
    assert needs_two({"no_indicator": True}, facts, "advice") is nobody_chose
    assert needs_two({"no_indicator": False}, facts, "advice")
