"""
Why the rules recommend what they do: the right child, the right facts, what is missing and what would change it.

Read together with test_rules.py, which says what they recommend.
"""

import json
from typing import Any

import pytest

from tests.stage.asking import NO_TO_EVERY_QUESTION, Facts, answer, child, contact
from triage.recommendation import recommend
from triage.ruleset import SHIPPED, load_file, shipped

# The example of the page, whole.
THE_PAGES_EXAMPLE: Facts = {
    "received_on": "2026-11-21",
    "immediate_danger": False,
    "referrer_level": 3,
    "agreement": "given",
    "children": [
        {
            "ref": "c1",
            "age_years": 7,
            "unborn": False,
            "disabled": False,
            "non_verbal": False,
            "previous_cp_plan": False,
            "previously_looked_after": False,
            "indicators": ["L3-12"],
        }
    ],
    "family": {
        "indicators": ["L3-36"],
        "contacts_3_months": 1,
        "contacts_12_months": 1,
        "sibling_on_cp_plan": False,
        "early_help_closed_without_progress_12_months": False,
        "dash": None,
        "marac": False,
        "open_work": None,
        "closed_days_ago": None,
        "in_area": True,
    },
}


def known(*indicators: str, **facts: Any) -> Facts:
    """Facts in which every true/false fact is known, and is false."""
    return contact(*indicators, **{**NO_TO_EVERY_QUESTION, "in_area": True, **facts})


def why(facts: Facts) -> list[tuple[str, str | None, list[str]]]:
    """The reasons: rule, child, facts."""
    return [(reason["rule"], reason["child"], reason["because"]) for reason in answer(facts)["reasons"]]


def sentences(facts: Facts, rule: str) -> list[str]:
    return [reason["says"] for reason in answer(facts)["reasons"] if reason["rule"] == rule]


def missing(facts: Facts) -> list[str]:
    return [entry["fact"] for entry in answer(facts)["missing"]]


def changes(facts: Facts) -> list[tuple[str, str, str, str | None]]:
    """The single changes that would change the answer: if, pathway, RAG, hold."""
    return [(each["if"], each["pathway"], each["rag"], each["hold"]) for each in answer(facts)["would_change"]]


def test_the_pages_example_comes_out_in_the_pages_shape() -> None:
    found = answer(THE_PAGES_EXAMPLE)
    shape = ["ruleset", "level", "pathway", "rag", "lead", "hold", "also_refer_to", "warnings", "reasons", "missing"]
    assert list(found) == [*shape, "would_change"]
    assert {name: found[name] for name in shape[:8]} == {
        "ruleset": "early-help-first/2",
        "level": 3,
        "pathway": "family_help",
        "rag": "green",
        "lead": "family_help_practitioner",
        "hold": None,
        "also_refer_to": [],
        "warnings": [],
    }
    assert why(THE_PAGES_EXAMPLE) == [("level_3_agreed", "c1", ["L3-12"]), ("level_3_agreed", None, ["L3-36"])]
    assert ("agreement is withdrawn", "social_worker_review", "amber", None) in changes(THE_PAGES_EXAMPLE)
    assert set(found["reasons"][0]) == {"rule", "says", "because", "child"}
    assert set(found["would_change"][0]) == {"if", "pathway", "rag", "hold"}


REASONS = [
    # facts, reasons: rule, child, because
    (contact("L4-01"), [("hard_stop", "c1", ["L4-01"])]),
    (contact(immediate_danger=True), [("hard_stop", None, ["immediate_danger"])]),
    (contact(referrer_level=4), [("referrer_says_level_4", None, ["referrer_level"])]),
    (contact(in_area=False), [("outside_our_area", None, ["family.in_area"])]),
    (contact(open_work="early_help"), [("already_working_with_the_family", None, ["family.open_work"])]),
    (contact(closed_days_ago=3), [("already_working_with_the_family", None, ["family.closed_days_ago"])]),
    (contact(on_the_family=("L4-45",)), [("strong_level_4", None, ["L4-45"])]),
    (contact(contacts_3_months=3), [("three_in_three_months", None, ["family.contacts_3_months"])]),
    (contact(contacts_12_months=5), [("five_in_a_year", None, ["family.contacts_12_months"])]),
    (contact(dash="high"), [("high_risk_domestic_abuse", None, ["family.dash"])]),
    (contact(dash="high", marac=True), [("high_risk_domestic_abuse", None, ["family.dash", "family.marac"])]),
    (contact(dash="medium", marac=True), [("high_risk_domestic_abuse", None, ["family.marac"])]),
    (
        contact("L2-01", "L2-06", "L2-11", on_the_family=("L2-18",)),
        [
            ("level_3_agreed", "c1", ["L2-01", "L2-06", "L2-11"]),
            ("level_3_agreed", None, ["L2-18"]),
            ("level_2_agreed", "c1", ["L2-01", "L2-06", "L2-11"]),
            ("level_2_agreed", None, ["L2-18"]),
        ],
    ),
    (contact("L3-12", "L2-01"), [("level_3_agreed", "c1", ["L3-12"]), ("level_2_agreed", "c1", ["L2-01"])]),
    (contact("L2-01", agreement="refused"), [("level_2_refused", "c1", ["L2-01"])]),
    (contact(), [("needs_met", None, ["screened"])]),
    (contact(screened=None, referrer_level=1), [("needs_met", None, ["referrer_level"])]),
    (contact(screened=None), [("not_screened_yet", None, [])]),
    (
        contact("L3-12", disabled=True, non_verbal=True),
        [
            ("disabled_child", "c1", ["children[0].disabled", "children[0].non_verbal", "L3-12"]),
            ("level_3_agreed", "c1", ["L3-12"]),
        ],
    ),
    (
        contact("L2-01", previous_cp_plan=True, previously_looked_after=False),
        [("earlier_protection", "c1", ["children[0].previous_cp_plan"]), ("level_2_agreed", "c1", ["L2-01"])],
    ),
    # A child's trouble stands with that child, twice where two children have it.
    (
        contact(children=[child("c1", "L3-12"), child("c2", "L3-01", "L3-12"), child("c3")]),
        [("level_3_agreed", "c1", ["L3-12"]), ("level_3_agreed", "c2", ["L3-01", "L3-12"])],
    ),
    # The baby and the risk may lie with different people; the reason is the baby's, and names both.
    (
        contact(children=[child("c1", "L3-30"), child("c2", age_years=0)]),
        [("young_child_parental_risk", "c2", ["children[1].age_years", "L3-30"]),
         ("level_3_agreed", "c1", ["L3-30"])],
    ),
    # Another child's need is never this child's: c1 is disabled, and only the family's need counts for it.
    (
        contact(children=[child("c1", disabled=True), child("c2", "L3-12")], on_the_family=("L3-36",)),
        [("disabled_child", "c1", ["children[0].disabled", "L3-36"]),
         ("level_3_agreed", "c2", ["L3-12"]), ("level_3_agreed", None, ["L3-36"])],
    ),
    (
        contact(children=[child("c1", "L2-01"), child("c2", previously_looked_after=True)]),
        [("earlier_protection", "c2", ["children[1].previously_looked_after"]),
         ("level_2_agreed", "c1", ["L2-01"])],
    ),
]  # fmt: skip


class TestReasons:
    @pytest.mark.parametrize(("facts", "reasons"), REASONS)
    def test_each_names_the_child_and_the_facts(
        self, facts: Facts, reasons: list[tuple[str, str | None, list[str]]]
    ) -> None:
        assert why(facts) == reasons

    def test_the_sentence_says_what_and_whose(self) -> None:
        facts = contact(children=[child("c1", "L3-30"), child("c2", age_years=0)], on_the_family=("L3-20",))
        (says,) = sentences(facts, "young_child_parental_risk")
        assert "Child c2:" in says
        assert "(L3-30, child c1)" in says
        assert "(L3-20, the family)" in says

    def test_a_need_that_a_child_shares_with_others_is_its_own(self) -> None:
        facts = contact(children=[child("c1", "L3-12", disabled=True), child("c2", "L3-12")])
        (says,) = sentences(facts, "disabled_child")
        assert says.endswith("Child c1: Disruptive/challenging at school, home or neighbourhood (L3-12).")

    def test_a_child_without_a_ref_is_called_by_its_place(self) -> None:
        facts = contact(children=[child("c1"), child(None, "L3-12")])
        assert why(facts) == [("level_3_agreed", None, ["L3-12"])]
        assert "Child 2: " in sentences(facts, "level_3_agreed")[0]

    def test_no_child_is_ever_given_an_indicator_of_another_without_saying_whose(self) -> None:
        """A family in which nearly every rule fires; each child has needs that no other has."""
        children = [
            child("c1", "L3-30", "L2-01", disabled=True),
            child("c2", "L3-12", "L4-10b", age_years=0, previous_cp_plan=True),
            child("c3", "L3-19", "L2-11", "L4-01", non_verbal=True, previously_looked_after=True),
        ]
        facts = contact(children=children, on_the_family=("L3-36", "L2-18"), agreement="refused", marac=True)
        own = {each["ref"]: set(each["indicators"]) for each in children}
        of_children = {code: ref for ref, codes in own.items() for code in codes}
        reasons = answer(facts)["reasons"]
        assert len(reasons) > 12
        for reason in reasons:
            for code in reason["because"]:
                if code in of_children and reason["child"] != of_children[code]:
                    assert f"({code}, child {of_children[code]})" in reason["says"]
                    assert reason["rule"] == "young_child_parental_risk"


class TestMissing:
    def test_a_contact_with_every_question_answered_misses_nothing(self) -> None:
        for need in ("L4-01", "L4-10b", "L3-30", "L3-12", "L2-01"):
            assert missing(known(need)) == []

    def test_every_unknown_that_could_turn_family_help_is_named(self) -> None:
        assert missing(contact("L3-12")) == [
            "immediate_danger",
            "family.sibling_on_cp_plan",
            "family.early_help_closed_without_progress_12_months",
            "family.marac",
            "children[0].disabled",
            "children[0].non_verbal",
            "children[0].previous_cp_plan",
            "children[0].previously_looked_after",
        ]

    def test_with_no_need_only_what_counts_alone_is_missing(self) -> None:
        assert missing(contact()) == ["immediate_danger", "family.marac"]

    def test_null_and_absent_are_the_same(self) -> None:
        nothing_known: Facts = dict.fromkeys(NO_TO_EVERY_QUESTION)
        assert missing(contact("L3-12", **nothing_known)) == missing(contact("L3-12"))

    def test_after_a_hard_stop_nothing_more_is_needed(self) -> None:
        assert missing(contact("L4-01", age_years=None)) == []

    @pytest.mark.parametrize(
        ("facts", "fact"),
        [
            # A child over 1 who might be unborn, where the parents are a risk.
            (known("L3-30", unborn=None), "children[0].unborn"),
            # An unknown age counts as under 1: to know it might make it family help.
            (known("L3-30", age_years=None), "children[0].age_years"),
            # It might bring in the service for the homeless of 16 and 17.
            (known("L4-50", age_years=None), "children[0].age_years"),
            (known("L2-01", in_area=None), "family.in_area"),
            (known("L2-01", immediate_danger=None), "immediate_danger"),
            (known(marac=None), "family.marac"),
        ],
    )
    def test_a_fact_that_could_change_the_result_is_missing(self, facts: Facts, fact: str) -> None:
        assert missing(facts) == [fact]

    @pytest.mark.parametrize(
        "facts",
        [
            known("L3-12", unborn=None),
            known("L3-12", age_years=None),
            known("L3-30", age_years=None, unborn=True),
            # A child who is not born yet has no age: it cannot turn out to be 16.
            known("L4-50", age_years=None, unborn=True),
            known(disabled=None, previous_cp_plan=None, sibling_on_cp_plan=None),
            known("L2-01", disabled=None),
            # They are nulls that mean "none", not "unknown".
            known("L3-12", dash=None, open_work=None, closed_days_ago=None, referrer_level=None),
            # Already under review; the level stays too.
            known("L3-12", marac=True, previous_cp_plan=None, sibling_on_cp_plan=None),
        ],
    )
    def test_a_fact_that_could_not_is_not(self, facts: Facts) -> None:
        assert missing(facts) == []

    def test_the_right_child_is_named(self) -> None:
        facts = known("L3-30")
        facts["children"].append({**facts["children"][0], "ref": "c2", "age_years": None, "indicators": []})
        assert answer(facts)["missing"] == [
            {
                "fact": "children[1].age_years",
                "says": "Nobody has said how old child c2 is. Until then child c2 counts as under 1.",
            }
        ]


ONE_NUMBER = [
    ({"contacts_3_months": 2}, "the contacts in three months are 3", "social_worker_review"),
    ({"contacts_3_months": 3}, "the contacts in three months are 2", "early_help"),
    ({"contacts_3_months": 9}, "the contacts in three months are 2", "early_help"),
    ({"contacts_12_months": 4}, "the contacts in twelve months are 5", "social_worker_review"),
    ({"contacts_12_months": 5}, "the contacts in twelve months are 4", "early_help"),
    ({"closed_days_ago": 0}, "the last piece of work closed 29 days ago", "early_help"),
    ({"closed_days_ago": 28}, "the last piece of work closed 29 days ago", "early_help"),
    ({"closed_days_ago": 29}, "the last piece of work closed 28 days ago", "link_to_open_work"),
    ({"closed_days_ago": 400}, "the last piece of work closed 28 days ago", "link_to_open_work"),
    ({"referrer_level": 2}, "the referrer's level is 4", "social_worker_review"),
    ({"referrer_level": 4}, "the referrer's level is 3", "early_help"),
]


class TestWouldChange:
    def test_level_2_with_agreement(self) -> None:
        assert changes(known("L2-01")) == [
            ("agreement is not sought", "early_help", "green", "agreement"),
            ("agreement is refused", "advice", "green", "manager"),
            ("agreement is withdrawn", "advice", "green", "manager"),
            ("a child is in immediate danger", "strategy_discussion", "red", None),
            ("a brother or sister has a child protection plan", "social_worker_review", "amber", None),
            ("early help closed without progress in the last 12 months", "social_worker_review", "amber", None),
            ("the domestic abuse has been referred to a MARAC", "social_worker_review", "amber", None),
            ("the family lives outside our area", "other_authority", "green", None),
            ("child c1 had a child protection plan before", "social_worker_review", "amber", None),
            ("child c1 was looked after before", "social_worker_review", "amber", None),
            (
                "L2-01 (Poor diet; missed immunisations/checks; dental care lacking) is taken away from child c1",
                "advice",
                "blue",
                None,
            ),
            ("the contacts in three months are 3", "social_worker_review", "amber", None),
            ("the contacts in twelve months are 5", "social_worker_review", "amber", None),
        ]

    def test_a_hard_stop_yields_to_nothing_but_its_own_absence(self) -> None:
        assert changes(known("L4-01")) == [
            ("L4-01 (Non-accidental injury) is taken away from child c1", "advice", "blue", None)
        ]
        assert changes(known("L4-01", "L4-02")) == []
        assert changes(known("L4-01", immediate_danger=True)) == []

    @pytest.mark.parametrize(("facts", "if_", "then"), ONE_NUMBER)
    def test_a_number_goes_to_the_other_side_of_its_nearest_limit(self, facts: Facts, if_: str, then: str) -> None:
        name = if_.partition(" are ")[0].partition(" is ")[0].partition(" closed ")[0]
        found = [(words, to) for words, to, _, _ in changes(known("L2-01", **facts)) if words.startswith(name)]
        assert found == [(if_, then)]

    def test_an_age_goes_over_its_limit_both_ways(self) -> None:
        of_the_baby = [each for each in changes(known("L3-30", age_years=0)) if "age is" in each[0]]
        of_the_child = [each for each in changes(known("L3-30", age_years=1)) if "age is" in each[0]]
        assert [each[1:] for each in of_the_baby] == [("family_help", "green", None)]
        assert of_the_baby[0][0].startswith("child c1's age is 1")
        assert of_the_child == [("child c1's age is 0", "social_worker_review", "amber", None)]
        assert not any("age is" in each[0] for each in changes(known("L3-12")))

    def test_what_nobody_knows_is_missing_and_has_no_other_side(self) -> None:
        words = [each[0] for each in changes(contact("L2-01"))]
        assert not any("danger" in each or "MARAC" in each or "closed" in each for each in words)

    def test_a_code_is_taken_from_one_holder_at_a_time(self) -> None:
        """Two children have it: to take it from one of them changes nothing."""
        assert not any("taken away" in each[0] for each in changes(known("L2-01", on_the_family=("L2-01",))))
        facts = known("L4-01", on_the_family=("L2-22",))
        assert [each for each in changes(facts) if "taken away" in each[0]] == [
            ("L4-01 (Non-accidental injury) is taken away from child c1", "early_help", "green", None)
        ]

    def test_only_what_changes_pathway_rag_or_hold_is_listed(self) -> None:
        """Level 3 becomes level 2 without its level 3 need, but it stays a review for the same reason."""
        facts = known("L3-12", "L2-01", marac=True)
        assert not any("L3-12" in each[0] for each in changes(facts))
        now = tuple(answer(facts)[name] for name in ("pathway", "rag", "hold"))
        assert now not in [each[1:] for each in changes(facts)]


def test_the_same_facts_give_the_same_answer_to_the_letter() -> None:
    facts = contact(
        children=[child("c1", "L3-30", "L2-01"), child("c2", "L3-12", "L4-50", age_years=16, disabled=True)],
        on_the_family=("L3-36", "L4-45"),
        agreement="refused",
        contacts_3_months=3,
    )
    first = json.dumps(answer(facts))
    afresh = load_file(SHIPPED)
    assert afresh is not shipped()
    assert json.dumps(recommend(afresh, afresh.facts(facts)).as_json()) == first
    assert json.dumps(answer(json.loads(json.dumps(facts)))) == first
