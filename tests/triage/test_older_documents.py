"""What the first documents meant by their pathways is added while they are read; the documents stay as they are."""

from typing import Any

import pytest
import yaml

from errors import InvalidInput
from tests.stage.rule_documents import VERSION_1
from triage.older_documents import with_its_meaning
from triage.rule_set_document import as_json
from triage.ruleset import parse


def stored() -> dict[str, Any]:
    """Version 1 as it is stored. It does not say what its pathways are."""
    document: dict[str, Any] = yaml.safe_load(VERSION_1.read_text(encoding="utf-8"))
    assert "clocks" not in document
    assert not any("work" in pathway for pathway in document["pathways"])
    return document


MEANT = {
    # pathway: work, voluntary, gravest
    "strategy_discussion": ("social_care", False, True),
    "social_work_assessment": ("social_care", False, False),
    "social_worker_review": ("social_care", False, False),
    "family_help": ("early_help", True, False),
    "early_help": ("early_help", True, False),
    "link_to_open_work": ("neither", False, False),
    "other_authority": ("other_authority", False, False),
    "advice": (None, False, False),
    "no_further_action": (None, False, False),
}
# Which pathways had a clock that not every pathway has; any other clock, all of them had.
EVERY = set(MEANT)
HAD = {
    "family_help_assessment": {"family_help"},
    "family_help_plan": {"family_help"},
    "social_work_assessment": {"social_work_assessment", "strategy_discussion"},
    "strategy_discussion": {"strategy_discussion"},
    "lead_practitioner_named": EVERY - {"other_authority"},
    "first_family_contact": EVERY - {"other_authority"},
    "plan_review": EVERY,
    "a_clock_of_the_councils_own": EVERY,
}


def test_the_pathways_of_version_1_are_what_they_were() -> None:
    rules = parse(stored())
    found = {name: (each.work, each.voluntary, each.gravest) for name, each in rules.pathways.items()}
    assert found == MEANT
    for clock, pathways in HAD.items():
        assert {name for name in rules.pathways if rules.starts_clock(clock, name)} == pathways, clock


def test_a_pathway_of_a_councils_own_meant_work_that_is_neither() -> None:
    document = stored()
    document["pathways"] += [
        {"id": "youth_work", "title": "Youth work", "team": "locality"}, {"id": "library", "title": "Library"}
    ]  # fmt: skip
    rules = parse(document)
    youth_work, library = rules.pathways["youth_work"], rules.pathways["library"]
    assert (youth_work.work, youth_work.voluntary, youth_work.gravest) == ("neither", False, False)
    assert library.work is None
    has = {clock for clock in HAD if rules.starts_clock(clock, "youth_work")}
    assert has == {"lead_practitioner_named", "first_family_contact", "plan_review", "a_clock_of_the_councils_own"}


def test_a_document_without_some_of_the_pathways_is_read_too() -> None:
    document = stored()
    kept = ("link_to_open_work", "advice")
    document["pathways"] = [each for each in document["pathways"] if each["id"] in kept]
    document |= {"two_person_decisions": [], "scenarios": [], "defined": {}}
    document["rules"] = document["rules"][-1:]
    rules = parse(document)
    assert {name: each.work for name, each in rules.pathways.items()} == {
        "link_to_open_work": "neither",
        "advice": None,
    }
    assert not rules.starts_clock("strategy_discussion", "link_to_open_work")
    assert rules.starts_clock("lead_practitioner_named", "link_to_open_work")


def test_a_copy_says_all_of_it_and_means_the_same() -> None:
    """A new draft contains the completed fields."""
    rules = parse(stored())
    copy = as_json(rules.document)
    assert copy["pathways"][0]["work"] == "social_care"
    assert {clock["id"] for clock in copy["clocks"]} == HAD.keys() - {"plan_review", "a_clock_of_the_councils_own"}
    assert with_its_meaning(copy) == copy
    assert parse(copy).document == rules.document


def test_a_document_that_speaks_of_one_pathway_speaks_of_all() -> None:
    document = stored()
    document["pathways"][1]["work"] = "social_care"
    with pytest.raises(InvalidInput) as caught:
        parse(document)
    silent = [name for name, (work, *_) in MEANT.items() if work and name != "social_work_assessment"]
    assert [str(fault) for fault in caught.value.faults] == [
        f"pathways.{name}: leads to a team; say in work whose work it is, and what kind of work." for name in silent
    ]


def test_what_such_a_document_says_itself_stays() -> None:
    document = stored()
    document["pathways"][0]["gravest"] = False
    assert not parse(document).pathways["strategy_discussion"].gravest


@pytest.mark.parametrize(
    "data",
    [None, [], "pathways", {}, {"pathways": None}, {"pathways": {}}, {"pathways": [], "clocks": []}],
)
def test_what_is_no_such_document_stays_as_it_is(data: object) -> None:
    assert with_its_meaning(data) == data


@pytest.mark.parametrize("entry", [None, "family_help", {"id": ["family_help"]}, {"id": None, "team": []}])
def test_a_document_with_faults_is_named_by_its_reader(entry: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(stored() | {"pathways": [entry]})
    assert any(str(fault).startswith("pathways[0]") for fault in caught.value.faults)
