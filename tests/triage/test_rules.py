"""
The page early-help-first, table by table, as a practice lead would check it: facts on the left, what the shipped rules
recommend on the right. Why they recommend it is in test_explanations.py.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stage.asking import Facts, answer, child, contact, fired, pathway
from triage.ruleset import shipped

# Level 2 indicators by domain, and level 3 ones, none of them a risk from the parents to a very young child.
DEVELOPMENT_2 = ("L2-01", "L2-06", "L2-08", "L2-26")
PARENTING_2 = ("L2-11", "L2-15", "L2-16")
FAMILY_2 = ("L2-18", "L2-22")
ACCUMULATED = ("L2-01", "L2-06", "L2-08", "L2-11")
DEVELOPMENT_3 = ("L3-01", "L3-09", "L3-12", "L3-17")
PARENTING_3 = ("L3-19", "L3-26")
FAMILY_3 = ("L3-31", "L3-36")


def expect(facts: Facts, **wanted: Any) -> None:
    found = answer(facts)
    assert {name: found[name] for name in wanted} == wanted


# ---- the order of rules

REVIEW, ASSESSMENT = "social_worker_review", "social_work_assessment"

THE_RULES = [
    # rule, facts, pathway, RAG, level, hold
    ("hard_stop", contact("L4-01"), "strategy_discussion", "red", 4, None),
    ("hard_stop", contact(on_the_family=("L4-44",)), "strategy_discussion", "red", 4, None),
    ("hard_stop", contact(immediate_danger=True), "strategy_discussion", "red", 4, None),
    ("referrer_says_level_4", contact(referrer_level=4), REVIEW, "red", 4, None),
    ("referrer_says_level_4_strong", contact("L4-10b", referrer_level=4), ASSESSMENT, "red", 4, None),
    ("outside_our_area", contact(in_area=False), "other_authority", "green", 1, None),
    ("already_working_with_the_family", contact(open_work="early_help"), "link_to_open_work", "green", 1, None),
    ("already_working_with_the_family", contact(open_work="social_care"), "link_to_open_work", "green", 1, None),
    ("already_working_with_the_family", contact(closed_days_ago=14), "link_to_open_work", "green", 1, None),
    ("strong_level_4", contact("L4-10b"), ASSESSMENT, "amber", 4, None),
    ("strong_level_4", contact(on_the_family=("L4-45",)), ASSESSMENT, "amber", 4, None),
    ("sibling_protected", contact("L3-12", sibling_on_cp_plan=True), REVIEW, "amber", 3, None),
    ("sibling_protected", contact(*ACCUMULATED, sibling_on_cp_plan=True), REVIEW, "amber", 3, None),
    ("sibling_protected", contact("L2-01", sibling_on_cp_plan=True), REVIEW, "amber", 2, None),
    ("high_risk_domestic_abuse", contact(marac=True), REVIEW, "amber", 3, None),
    ("three_in_three_months", contact(contacts_3_months=3), REVIEW, "amber", 2, None),
    ("level_3_agreed", contact("L3-12"), "family_help", "green", 3, None),
    ("level_3_agreed", contact(on_the_family=("L3-36",)), "family_help", "green", 3, None),
    ("level_3_agreed", contact(*ACCUMULATED), "family_help", "green", 3, None),
    ("level_3_agreement_not_sought", contact("L3-12", agreement="not_sought"), "family_help", "green", 3, "agreement"),
    (
        "level_3_agreement_not_sought",
        contact(*ACCUMULATED, agreement="not_sought"),
        "family_help",
        "green",
        3,
        "agreement",
    ),
    ("level_2_agreed", contact("L2-01"), "early_help", "green", 2, None),
    ("level_2_agreed", contact(on_the_family=("L2-22",)), "early_help", "green", 2, None),
    ("level_2_agreement_not_sought", contact("L2-01", agreement="not_sought"), "early_help", "green", 2, "agreement"),
    ("level_2_refused", contact("L2-01", agreement="refused"), "advice", "green", 2, "manager"),
    ("level_2_refused", contact("L2-01", agreement="withdrawn"), "advice", "green", 2, "manager"),
    ("needs_met", contact(), "advice", "blue", 1, None),
    ("needs_met", contact(agreement="not_sought"), "advice", "blue", 1, None),
    ("needs_met", contact(agreement="refused"), "advice", "blue", 1, None),
    ("needs_met", contact(agreement="withdrawn"), "advice", "blue", 1, None),
    ("needs_met", contact(screened=None, referrer_level=1), "advice", "blue", 1, None),
    ("not_screened_yet", {}, "advice", "green", 1, "screening"),
    ("not_screened_yet", contact(screened=None), "advice", "green", 1, "screening"),
    ("not_screened_yet", contact(screened=False), "advice", "green", 1, "screening"),
    ("not_screened_yet", contact(screened=None, referrer_level=2), "advice", "green", 1, "screening"),
]


@pytest.mark.parametrize(("rule", "facts", "goes_to", "rag", "level", "hold"), THE_RULES)
def test_each_rule_recommends_its_row(
    rule: str, facts: Facts, goes_to: str, rag: str, level: int, hold: str | None
) -> None:
    expect(facts, pathway=goes_to, rag=rag, level=level, hold=hold)
    assert fired(facts)[0] == rule


BY_THE_HIGHEST_INDICATOR = [
    # indicators, RAG, level
    ((), "green", 1),
    (("L2-01",), "green", 2),
    # Four of level 2 are level 3 by accumulation, but no indicator among them is of level 3.
    (ACCUMULATED, "green", 3),
    (("L3-12",), "amber", 3),
    (("L2-01", "L3-12"), "amber", 3),
    (("L4-10b",), "amber", 4),
    (("L2-01", "L3-12", "L4-10b"), "amber", 4),
]


@pytest.mark.parametrize(("indicators", "rag", "level"), BY_THE_HIGHEST_INDICATOR)
@pytest.mark.parametrize(
    ("goes_to", "why"),
    [
        ("other_authority", {"in_area": False}),
        ("link_to_open_work", {"open_work": "early_help"}),
        ("link_to_open_work", {"open_work": "social_care"}),
        ("link_to_open_work", {"closed_days_ago": 28}),
    ],
)
def test_outside_our_area_and_open_work_are_rated_by_the_highest_indicator(
    goes_to: str, why: Facts, indicators: tuple[str, ...], rag: str, level: int
) -> None:
    expect(contact(*indicators, **why), pathway=goes_to, rag=rag, level=level, hold=None)
    expect(contact(on_the_family=indicators, **why), pathway=goes_to, rag=rag, level=level, hold=None)


A_REASON_TO_LOOK_AGAIN_BY_LEVEL = [
    # indicators beside a third contact, level
    ((), 2),
    (("L2-01",), 2),
    ((*DEVELOPMENT_2[:3],), 2),
    (DEVELOPMENT_2, 2),
    (ACCUMULATED, 3),
    (("L3-12",), 3),
    (("L2-01", "L3-12"), 3),
]


@pytest.mark.parametrize(("indicators", "level"), A_REASON_TO_LOOK_AGAIN_BY_LEVEL)
def test_a_reason_to_look_again_has_the_level_of_the_need(indicators: tuple[str, ...], level: int) -> None:
    expect(contact(*indicators, contacts_3_months=3), pathway=REVIEW, rag="amber", level=level, hold=None)
    expect(contact(*indicators, marac=True), pathway=REVIEW, rag="amber", level=3, hold=None)


WHAT_THE_AGREEMENT_CHANGES = [
    # need, agreement, pathway, RAG, hold
    ("L3-12", "given", "family_help", "green", None),
    ("L3-12", "not_sought", "family_help", "green", "agreement"),
    ("L3-12", "refused", REVIEW, "amber", None),
    ("L3-12", "withdrawn", REVIEW, "amber", None),
    ("L2-01", "given", "early_help", "green", None),
    ("L2-01", "not_sought", "early_help", "green", "agreement"),
    ("L2-01", "refused", "advice", "green", "manager"),
    ("L2-01", "withdrawn", "advice", "green", "manager"),
    # Where safety comes first, agreement changes nothing.
    ("L4-10b", "given", ASSESSMENT, "amber", None),
    ("L4-10b", "not_sought", ASSESSMENT, "amber", None),
    ("L4-10b", "refused", ASSESSMENT, "amber", None),
    ("L4-10b", "withdrawn", ASSESSMENT, "amber", None),
    ("L4-01", "given", "strategy_discussion", "red", None),
    ("L4-01", "not_sought", "strategy_discussion", "red", None),
    ("L4-01", "refused", "strategy_discussion", "red", None),
    ("L4-01", "withdrawn", "strategy_discussion", "red", None),
]


@pytest.mark.parametrize(("need", "agreement", "goes_to", "rag", "hold"), WHAT_THE_AGREEMENT_CHANGES)
def test_what_agreement_to_a_voluntary_service_changes(
    need: str, agreement: str, goes_to: str, rag: str, hold: str | None
) -> None:
    expect(contact(need, agreement=agreement), pathway=goes_to, rag=rag, hold=hold)


def test_agreement_that_nobody_has_mentioned_was_not_sought() -> None:
    facts = contact("L3-12")
    del facts["agreement"]
    expect(facts, pathway="family_help", hold="agreement")


# ---- level 3 by accumulation

ACCUMULATIONS = [
    ("four in two domains", contact(*DEVELOPMENT_2[:3], PARENTING_2[0]), True),
    ("four in all three domains", contact("L2-01", "L2-06", "L2-11", "L2-18"), True),
    ("five in two domains", contact(*DEVELOPMENT_2, PARENTING_2[0]), True),
    ("three in three domains", contact("L2-01", "L2-11", "L2-18"), False),
    ("four in one domain", contact(*DEVELOPMENT_2), False),
    ("three on the child, one on the family", contact(*DEVELOPMENT_2[:3], on_the_family=("L2-18",)), True),
    ("all four on the family", contact(on_the_family=(*PARENTING_2[:2], *FAMILY_2)), True),
    (
        "two on each of two children",
        contact(children=[child("c1", "L2-01", "L2-06"), child("c2", "L2-11", "L2-15")]),
        True,
    ),
    (
        "three different, one of them on two children",
        contact(children=[child("c1", "L2-01", "L2-06", "L2-11"), child("c2", "L2-01")]),
        False,
    ),
    (
        "three different, one of them on a child and on the family",
        contact("L2-01", "L2-06", "L2-11", on_the_family=("L2-11",)),
        False,
    ),
    ("one code four times", contact("L2-01", "L2-01", "L2-01", "L2-11"), False),
]


@pytest.mark.parametrize(
    ("facts", "accumulates"),
    [row[1:] for row in ACCUMULATIONS],
    ids=[row[0] for row in ACCUMULATIONS],
)
def test_four_different_needs_of_level_2_in_two_domains_are_level_3(facts: Facts, accumulates: bool) -> None:
    if accumulates:
        expect(facts, pathway="family_help", level=3)
        expect({**facts, "agreement": "refused"}, pathway=REVIEW, level=3)
    else:
        expect(facts, pathway="early_help", level=2)
        expect({**facts, "agreement": "refused"}, pathway="advice", level=2, hold="manager")


# ---- reasons to look again

STARRED = [
    # reason, facts, the level that it has at least
    ("three_in_three_months", {"contacts_3_months": 3}, 2),
    ("five_in_a_year", {"contacts_12_months": 5}, 2),
    ("high_risk_domestic_abuse", {"dash": "high"}, 3),
    ("high_risk_domestic_abuse", {"marac": True}, 3),
]
BESIDE_A_NEED = [
    ("earlier_protection", {"previous_cp_plan": True}, 2),
    ("earlier_protection", {"previously_looked_after": True}, 2),
    ("sibling_protected", {"sibling_on_cp_plan": True}, 2),
    ("early_help_did_not_work", {"early_help_closed_without_progress_12_months": True}, 2),
]


@pytest.mark.parametrize(("aggravator", "why", "level"), STARRED)
def test_a_starred_reason_to_look_again_needs_no_indicator(aggravator: str, why: Facts, level: int) -> None:
    expect(contact(**why), pathway=REVIEW, rag="amber", level=level, hold=None)
    assert fired(contact(**why)) == [aggravator]


@pytest.mark.parametrize(("aggravator", "why", "level"), BESIDE_A_NEED)
def test_any_other_needs_an_indicator_of_level_2_or_3_beside_it(aggravator: str, why: Facts, level: int) -> None:
    assert fired(contact(**why)) == ["needs_met"]
    assert fired(contact("L4-10b", **why)) == ["strong_level_4"]
    assert aggravator in fired(contact("L4-10b", "L2-01", **why))


@pytest.mark.parametrize("need", ["L2-01", "L3-12"])
@pytest.mark.parametrize(("aggravator", "why", "level"), [*STARRED, *BESIDE_A_NEED])
def test_each_turns_early_help_and_family_help_into_a_review(
    aggravator: str, why: Facts, level: int, need: str
) -> None:
    for agreement in ("given", "not_sought"):
        facts = contact(need, agreement=agreement, **why)
        expect(facts, pathway=REVIEW, rag="amber", level=max(level, int(need[1])), lead="social_worker", hold=None)
        assert fired(facts)[0] == aggravator
    assert aggravator in fired(contact(on_the_family=(need,), **why))


@pytest.mark.parametrize(("aggravator", "why", "level"), [*STARRED, *BESIDE_A_NEED])
def test_what_nobody_knows_is_no_reason_to_look_again(aggravator: str, why: Facts, level: int) -> None:
    unknown: Facts = {name: None for name in why if not name.startswith("contacts")}
    assert fired(contact("L3-12", **unknown)) == ["level_3_agreed"]


@pytest.mark.parametrize("dash", ["standard", "medium", None])
def test_a_lower_dash_is_no_reason_to_look_again(dash: str | None) -> None:
    assert fired(contact("L3-12", dash=dash, marac=False)) == ["level_3_agreed"]


def test_earlier_protection_of_any_child_on_the_contact_counts() -> None:
    facts = contact(children=[child("c1", "L2-01"), child("c2", previously_looked_after=True)])
    assert fired(facts) == ["earlier_protection", "level_2_agreed"]


@pytest.mark.parametrize("risk", ["L3-20", "L3-21", "L3-30", "L3-32"])
@pytest.mark.parametrize(
    ("the_child", "is_very_young"),
    [
        ({"age_years": 0}, True),
        ({"age_years": 1}, False),
        ({"age_years": 1, "unborn": False}, False),
        ({"age_years": None}, True),
        ({"age_years": None, "unborn": False}, True),
        ({"age_years": None, "unborn": True}, True),
        ({"age_years": 0, "unborn": False}, True),
    ],
)
def test_a_very_young_child_with_a_risk_from_the_parents(risk: str, the_child: Facts, is_very_young: bool) -> None:
    expected = REVIEW if is_very_young else "family_help"
    assert pathway(contact(risk, **the_child)) == expected
    assert pathway(contact(on_the_family=(risk,), **the_child)) == expected
    assert pathway(contact(children=[child("c1", risk), child("c2", **the_child)])) == expected


def test_an_age_that_is_left_out_counts_as_under_1() -> None:
    facts = contact(children=[{"ref": "c1", "indicators": ["L3-30"]}])
    assert fired(facts) == ["young_child_parental_risk", "level_3_agreed"]


@pytest.mark.parametrize("no_risk_from_the_parents", ["L3-19", "L3-22", "L3-31", "L3-33", "L2-18", "L2-19"])
def test_a_very_young_child_alone_is_no_reason_to_look_again(no_risk_from_the_parents: str) -> None:
    assert "young_child_parental_risk" not in fired(contact(no_risk_from_the_parents, age_years=0))


def test_a_contact_about_no_child_has_no_very_young_one() -> None:
    assert fired(contact(children=[], on_the_family=("L3-30",))) == ["level_3_agreed"]


DISABLED_CHILDREN = [
    ("level 3 on the disabled child", contact("L3-12", disabled=True), True),
    ("level 3 on the non-verbal child", contact("L3-12", non_verbal=True), True),
    ("level 3 on the family", contact(disabled=True, on_the_family=("L3-36",)), True),
    ("level 3 on another child", contact(children=[child("c1", disabled=True), child("c2", "L3-12")]), False),
    ("level 2 on the disabled child", contact("L2-10", disabled=True), False),
    ("level 3 by accumulation only", contact(*ACCUMULATED, disabled=True), False),
    ("a child who is neither", contact("L3-12", disabled=False, non_verbal=False), False),
]


@pytest.mark.parametrize(
    ("facts", "counts"), [row[1:] for row in DISABLED_CHILDREN], ids=[row[0] for row in DISABLED_CHILDREN]
)
def test_a_disabled_child_with_a_level_3_need_of_its_own_or_of_the_family(facts: Facts, counts: bool) -> None:
    assert ("disabled_child" in fired(facts)) is counts
    assert (pathway(facts) == REVIEW) is counts


@pytest.mark.parametrize(
    ("indicators", "agreement", "counts"),
    [
        (("L3-12",), "refused", True),
        (("L3-12",), "withdrawn", True),
        (ACCUMULATED, "refused", True),
        (ACCUMULATED, "withdrawn", True),
        (("L3-12",), "given", False),
        (("L3-12",), "not_sought", False),
        (("L2-01",), "refused", False),
        (DEVELOPMENT_2, "refused", False),
    ],
)
def test_level_3_refused(indicators: tuple[str, ...], agreement: str, counts: bool) -> None:
    assert ("level_3_refused" in fired(contact(*indicators, agreement=agreement))) is counts


MANY_NEEDS = [
    ("four of level 3 in one domain", contact(*DEVELOPMENT_3), True),
    ("three of level 3 in one domain", contact(*DEVELOPMENT_3[:3]), False),
    ("three in two domains", contact(*DEVELOPMENT_3[:2], PARENTING_3[0]), False),
    ("one in each of the three domains", contact(DEVELOPMENT_3[0], PARENTING_3[0], FAMILY_3[0]), True),
    ("two domains of level 3, the third of level 2", contact(DEVELOPMENT_3[0], PARENTING_3[0], "L2-18"), False),
    ("two domains of level 3, the third of level 4", contact(DEVELOPMENT_3[0], PARENTING_3[0], "L4-45"), False),
    ("four of level 2 in all three domains", contact("L2-01", "L2-06", "L2-11", "L2-18"), False),
    ("three different, one of them on two children",
     contact(children=[child("c1", *DEVELOPMENT_3[:3]), child("c2", DEVELOPMENT_3[0])]), False),
    ("two on each of two children",
     contact(children=[child("c1", *DEVELOPMENT_3[:2]), child("c2", *DEVELOPMENT_3[2:])]), True),
    ("two on a child, two on the family", contact(*DEVELOPMENT_3[:2], on_the_family=PARENTING_3), True),
    ("one domain on each of two children and on the family",
     contact(children=[child("c1", DEVELOPMENT_3[0]), child("c2", PARENTING_3[0])], on_the_family=FAMILY_3[:1]), True),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "counts"), [row[1:] for row in MANY_NEEDS], ids=[row[0] for row in MANY_NEEDS])
def test_many_needs(facts: Facts, counts: bool) -> None:
    assert ("many_needs" in fired(facts)) is counts


# ---- every limit, from both sides

LIMITS = [
    # fact, value, need, pathway
    ("contacts_3_months", 2, None, "advice"),
    ("contacts_3_months", 3, None, REVIEW),
    ("contacts_3_months", 2, "L3-12", "family_help"),
    ("contacts_3_months", 3, "L3-12", REVIEW),
    ("contacts_12_months", 4, None, "advice"),
    ("contacts_12_months", 5, None, REVIEW),
    ("contacts_12_months", 4, "L2-01", "early_help"),
    ("contacts_12_months", 5, "L2-01", REVIEW),
    ("closed_days_ago", None, "L2-01", "early_help"),
    ("closed_days_ago", 0, "L2-01", "link_to_open_work"),
    ("closed_days_ago", 1, "L2-01", "link_to_open_work"),
    ("closed_days_ago", 28, "L2-01", "link_to_open_work"),
    ("closed_days_ago", 29, "L2-01", "early_help"),
    ("referrer_level", None, "L2-01", "early_help"),
    ("referrer_level", 1, "L2-01", "early_help"),
    ("referrer_level", 3, "L2-01", "early_help"),
    ("referrer_level", 4, "L2-01", REVIEW),
    ("age_years", 0, "L3-30", REVIEW),
    ("age_years", 1, "L3-30", "family_help"),
    ("age_years", None, "L3-30", REVIEW),
    ("open_work", None, "L2-01", "early_help"),
    ("in_area", True, "L2-01", "early_help"),
    ("in_area", None, "L2-01", "early_help"),
    ("in_area", False, "L2-01", "other_authority"),
    ("immediate_danger", None, "L2-01", "early_help"),
    ("immediate_danger", False, "L2-01", "early_help"),
]


@pytest.mark.parametrize(("fact", "value", "need", "goes_to"), LIMITS)
def test_each_limit_from_both_sides(fact: str, value: object, need: str | None, goes_to: str) -> None:
    indicators = (need,) if need else ()
    one_fact: Facts = {fact: value}
    assert pathway(contact(*indicators, **one_fact)) == goes_to


# ---- which rule wins, and that the others are still given

WHO_WINS = [
    # facts, rules in the order in which they are given; the first sets the pathway
    (contact("L4-01", in_area=False), ["hard_stop", "outside_our_area"]),
    # Rule 2 asks that rule 1 did not fire.
    (contact("L4-01", referrer_level=4), ["hard_stop"]),
    (contact("L4-01", "L4-10b", "L3-12"), ["hard_stop", "strong_level_4", "level_3_agreed"]),
    (contact(referrer_level=4, in_area=False), ["referrer_says_level_4", "outside_our_area"]),
    (contact("L3-12", referrer_level=4), ["referrer_says_level_4", "level_3_agreed"]),
    (contact(in_area=False, open_work="early_help"), ["outside_our_area", "already_working_with_the_family"]),
    (contact("L4-10b", closed_days_ago=0), ["already_working_with_the_family", "strong_level_4"]),
    (contact("L3-12", "L4-10b", marac=True), ["strong_level_4", "high_risk_domestic_abuse", "level_3_agreed"]),
    (contact("L3-12", contacts_12_months=5), ["five_in_a_year", "level_3_agreed"]),
    (
        contact("L3-12", contacts_12_months=5, agreement="not_sought"),
        ["five_in_a_year", "level_3_agreement_not_sought"],
    ),
    (contact("L2-01", contacts_12_months=5, agreement="refused"), ["five_in_a_year", "level_2_refused"]),
    (contact("L3-12", "L2-01", agreement="refused"), ["level_3_refused", "level_2_refused"]),
    (contact("L3-12", "L2-01"), ["level_3_agreed", "level_2_agreed"]),
    (contact(*ACCUMULATED), ["level_3_agreed", "level_2_agreed"]),
    (
        contact("L3-12", "L2-01", agreement="not_sought"),
        ["level_3_agreement_not_sought", "level_2_agreement_not_sought"],
    ),
    # Needs met is for when nothing above it fires.
    (contact(referrer_level=4), ["referrer_says_level_4"]),
    (
        contact(
            "L4-10b", "L3-01", "L3-19", "L3-30", "L3-31", "L2-01",
            agreement="withdrawn", referrer_level=4, in_area=False, open_work="early_help",
            age_years=0, disabled=True, previous_cp_plan=True, sibling_on_cp_plan=True,
            contacts_3_months=3, contacts_12_months=5, early_help_closed_without_progress_12_months=True, dash="high",
        ),
        [
            "referrer_says_level_4_strong", "referrer_says_level_4", "outside_our_area",
            "already_working_with_the_family", "strong_level_4",
            "young_child_parental_risk", "disabled_child", "earlier_protection", "sibling_protected",
            "three_in_three_months", "five_in_a_year", "early_help_did_not_work", "high_risk_domestic_abuse",
            "level_3_refused", "many_needs", "level_2_refused",
        ],
    ),
]  # fmt: skip

PATHWAY_OF = {
    "hard_stop": "strategy_discussion",
    "referrer_says_level_4": REVIEW,
    "referrer_says_level_4_strong": ASSESSMENT,
    "outside_our_area": "other_authority",
    "already_working_with_the_family": "link_to_open_work",
    "strong_level_4": ASSESSMENT,
    "level_3_agreed": "family_help",
    "level_3_agreement_not_sought": "family_help",
}


@pytest.mark.parametrize(("facts", "rules"), WHO_WINS)
def test_the_first_rule_sets_the_pathway_and_every_rule_that_fired_is_given(facts: Facts, rules: list[str]) -> None:
    assert fired(facts) == rules
    assert pathway(facts) == PATHWAY_OF.get(rules[0], REVIEW)


def test_a_red_case_outside_our_area_is_red_first() -> None:
    """The strategy discussion is not held up by the question whose area it is."""
    expect(contact("L4-01", in_area=False, open_work="social_care"), pathway="strategy_discussion", rag="red", level=4)
    expect(contact(referrer_level=4, in_area=False), pathway=REVIEW, rag="red", level=4)


# ---- what is added

ALSO_REFERRED = [
    # facts, services beside the pathway
    (contact("L4-05"), ["lado"]),
    (contact("L4-06"), ["missing_exploitation"]),
    (contact("L4-20"), ["missing_exploitation"]),
    (contact("L3-38"), ["missing_exploitation"]),
    (contact("L4-23"), ["unaccompanied_child"]),
    (contact("L4-24"), ["private_fostering"]),
    (contact("L2-21"), ["private_fostering"]),
    (contact("L3-12"), []),
    (contact("L3-16", "L3-39", on_the_family=("L4-54",)), ["missing_exploitation"]),
    (contact(on_the_family=("L4-05",)), ["lado"]),
    (
        contact(children=[child("c1", "L4-24"), child("c2", "L4-05")], on_the_family=("L3-38",)),
        ["lado", "missing_exploitation", "private_fostering"],
    ),
    (contact("L4-50", age_years=15), []),
    (contact("L4-50", age_years=16), ["homeless_16_17"]),
    (contact("L4-50", age_years=17), ["homeless_16_17"]),
    (contact("L4-50", age_years=18), []),
    (contact("L4-50", age_years=None), []),
    (contact("L4-50", age_years=None, unborn=True), []),
    (contact(on_the_family=("L4-50",), age_years=16), ["homeless_16_17"]),
    # Some child is 16 or 17, whoever the indicator is on.
    (contact(children=[child("c1", "L4-50"), child("c2", age_years=17)]), ["homeless_16_17"]),
    (contact("L4-50", "L4-24", age_years=15), ["private_fostering"]),
    (contact("L3-35", age_years=16), []),
]


@pytest.mark.parametrize(("facts", "services"), ALSO_REFERRED)
def test_other_services_are_added_to_the_pathway(facts: Facts, services: list[str]) -> None:
    assert answer(facts)["also_refer_to"] == services


def test_they_never_replace_the_pathway() -> None:
    expect(contact("L4-50", age_years=16), pathway=ASSESSMENT, also_refer_to=["homeless_16_17"])
    expect(contact("L2-21"), pathway="early_help", also_refer_to=["private_fostering"])
    expect(contact("L2-21", agreement="refused"), pathway="advice", also_refer_to=["private_fostering"])


LEADS = [
    (contact("L4-01"), "strategy_discussion", "social_worker"),
    (contact("L4-10b"), ASSESSMENT, "social_worker"),
    (contact("L2-01", marac=True), REVIEW, "social_worker"),
    (contact(referrer_level=4), REVIEW, "social_worker"),
    (contact("L3-12"), "family_help", "family_help_practitioner"),
    (contact("L3-12", agreement="not_sought"), "family_help", "family_help_practitioner"),
    (contact("L2-01"), "early_help", "lead_professional"),
    (contact("L2-01", agreement="not_sought"), "early_help", "lead_professional"),
    (contact("L3-12", open_work="social_care"), "link_to_open_work", None),
    (contact("L3-12", in_area=False), "other_authority", None),
    (contact("L2-01", agreement="refused"), "advice", None),
    (contact(), "advice", None),
]


@pytest.mark.parametrize(("facts", "goes_to", "lead"), LEADS)
def test_who_leads(facts: Facts, goes_to: str, lead: str | None) -> None:
    expect(facts, pathway=goes_to, lead=lead)


@pytest.mark.parametrize(
    ("facts", "warnings"),
    [
        (contact("L4-28"), ["do_not_inform_parents"]),
        (contact(on_the_family=("L4-28",)), ["do_not_inform_parents"]),
        (contact(children=[child("c1"), child("c2", "L4-28")], in_area=False), ["do_not_inform_parents"]),
        (contact("L4-27"), []),
        (contact("L4-29"), []),
        (contact(), []),
    ],
)
def test_suspected_fabricated_illness_warns_not_to_inform_the_parents(facts: Facts, warnings: list[str]) -> None:
    assert answer(facts)["warnings"] == warnings


def test_the_answer_names_the_rule_set_and_its_version() -> None:
    assert answer(contact())["ruleset"] == "early-help-first/2"


# ---- rating and level are the gravest of all rules that fired


GRAVEST_OF_ALL = [
    # facts, pathway, RAG, level
    (contact(in_area=False, contacts_3_months=3), "other_authority", "amber", 2),
    (contact(in_area=False, dash="high"), "other_authority", "amber", 3),
    (contact("L2-01", in_area=False, sibling_on_cp_plan=True), "other_authority", "amber", 2),
    (contact("L4-10b", open_work="social_care"), "link_to_open_work", "amber", 4),
    (contact(open_work="early_help", marac=True), "link_to_open_work", "amber", 3),
    (contact(*ACCUMULATED, open_work="early_help", agreement="refused"), "link_to_open_work", "amber", 3),
    (contact("L4-10b", in_area=False, referrer_level=4), ASSESSMENT, "red", 4),
    (contact("L2-01", agreement="refused", marac=True), REVIEW, "amber", 3),
]


@pytest.mark.parametrize(("facts", "goes_to", "rag", "level"), GRAVEST_OF_ALL)
def test_the_first_rule_says_who_and_the_gravest_how_fast(facts: Facts, goes_to: str, rag: str, level: int) -> None:
    expect(facts, pathway=goes_to, rag=rag, level=level)


# ---- a fact that came later


@pytest.mark.parametrize(
    ("screened", "hold"), [({"screened": True}, None), ({"screened": False}, "screening"), ({}, "screening")]
)
def test_a_contact_without_indicators_waits_until_it_is_screened(screened: Facts, hold: str | None) -> None:
    found = answer({"agreement": "given", "children": [child("c1")], **screened})
    assert (found["pathway"], found["hold"]) == ("advice", hold)
    asked = [each["fact"] for each in found["missing"] if each["fact"] == "screened"]
    assert asked == ([] if screened else ["screened"])


def test_stored_facts_of_before_screening_read_as_not_known() -> None:
    rules = shipped()
    stored = rules.facts(contact(screened=None)).model_dump(mode="json")
    assert stored.pop("screened") is None
    assert rules.evaluate_stored(stored).hold == rules.evaluate(rules.facts(stored)).hold == "screening"


# ---- nothing hangs on the order in which people type

SOME_CODES = ["L2-01", "L2-06", "L2-11", "L2-18", "L3-12", "L3-20", "L3-36", "L4-10b", "L4-50", "L4-01", "L4-05"]


@st.composite
def the_same_contact_twice(draw: st.DrawFn) -> tuple[Facts, Facts]:
    codes = st.lists(st.sampled_from(SOME_CODES), max_size=4)
    facts = contact(
        children=[
            child(f"c{number}", *draw(codes), age_years=draw(st.sampled_from([0, 7, 16, None])), disabled=number == 1)
            for number in range(draw(st.integers(0, 3)))
        ],
        on_the_family=tuple(draw(codes)),
        agreement=draw(st.sampled_from(["given", "not_sought", "refused"])),
    )
    shuffled = [
        {**each, "indicators": draw(st.permutations(each["indicators"]))}
        for each in draw(st.permutations(facts["children"]))
    ]
    family = {**facts["family"], "indicators": draw(st.permutations(facts["family"]["indicators"]))}
    return facts, {**facts, "children": shuffled, "family": family}


@settings(max_examples=60, derandomize=True, database=None)
@given(the_same_contact_twice())
def test_the_order_of_children_and_of_indicators_changes_no_recommendation(both: tuple[Facts, Facts]) -> None:
    typed, shuffled = (answer(facts) for facts in both)
    for name in ("level", "pathway", "rag", "lead", "hold", "also_refer_to", "warnings"):
        assert typed[name] == shuffled[name]
    assert fired(both[0]) == fired(both[1])
