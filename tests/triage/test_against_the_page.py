"""The engine beside the oracle: random contacts, and walks along the catalogue and the limits that luck might miss."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.stage.choices import Choices, built
from tests.stage.oracle import AGGRAVATORS, AGREEMENTS, CATALOGUE, VERSION_1, VERSION_2, Page, expected
from tests.stage.rule_documents import VERSION_1 as FILE_OF_VERSION_1
from triage.recommendation import recommend
from triage.ruleset import RuleSet, load_file, shipped

Facts = dict[str, Any]

VERSIONS: dict[str, tuple[RuleSet, Page]] = {
    "version 1": (load_file(FILE_OF_VERSION_1), VERSION_1),
    "version 2": (shipped(), VERSION_2),
}
NAMES_OF_AGGRAVATORS = [aggravator.name for aggravator in AGGRAVATORS]


# What is compared


RESULT = ("level", "pathway", "rag", "lead", "hold", "also_refer_to", "warnings")


def what_the_page_says(facts: Facts, page: Page) -> Facts:
    said = expected(facts, page)
    return {
        **{name: said[name] for name in RESULT},
        "reasons": said["reasons"],
        "missing": sorted(said["missing"]),
        "would_change": [Counter(triples) for triples in said["would_change_by_kind"].values()],
    }


def what_the_engine_says(facts: Facts, rules: RuleSet, sizes: list[int]) -> Facts:
    """
    The engine's answer in the shape of `what_the_page_says`.

    `sizes` says how many changes the page finds of each kind. The engine's list is cut into pieces of those sizes,
    so changes may stand in any order within a kind, but the kinds must follow each other as on the page.
    """
    engine = recommend(rules, rules.facts(facts)).as_json()
    triples = [(change["pathway"], change["rag"], change["hold"]) for change in engine["would_change"]]
    pieces = []
    for size in [*sizes[:-1], len(triples)]:
        pieces.append(Counter(triples[:size]))
        triples = triples[size:]
    return {
        **{name: engine[name] for name in RESULT},
        # A rule has a reason for each child it fired on; here it counts once, where it first stands.
        "reasons": list(dict.fromkeys(reason["rule"] for reason in engine["reasons"])),
        "missing": sorted(missing["fact"] for missing in engine["missing"]),
        "would_change": pieces,
    }


def check(facts: Facts, version: str = "version 2") -> Facts:
    rules, page = VERSIONS[version]
    said = what_the_page_says(facts, page)
    assert what_the_engine_says(facts, rules, [kind.total() for kind in said["would_change"]]) == said
    return said


# Random contacts


def these(**wanted: str) -> list[str]:
    """The catalogue's codes whose columns hold the wanted values."""
    return [code for code, row in CATALOGUE.items() if wanted.items() <= row.items()]


HARD_STOPS = these(gate="hard_stop")
STRONG = these(gate="strong")
LEVEL_3 = these(level="3")
LEVEL_2 = these(level="2")
PARENTAL_RISK = ["L3-20", "L3-21", "L3-30", "L3-32"]
NAMED_ON_THE_PAGE = ["L4-28", "L4-50", *PARENTAL_RISK]
ALSO_REFERRED = [code for code, row in CATALOGUE.items() if row["also_refer_to"]]

# Each contact has one mood: what its indicators are drawn from. Without moods nearly every contact of any size would
# hold a hard stop, and the rules further down would never set the pathway.
MOODS = [
    [LEVEL_2],
    [LEVEL_2],
    [these(level="2", domain="parenting"), these(level="2", domain="parenting"), LEVEL_2],
    [LEVEL_3],
    [LEVEL_3, LEVEL_2],
    [LEVEL_3, LEVEL_2, PARENTAL_RISK],
    [LEVEL_3, LEVEL_2, PARENTAL_RISK],
    [LEVEL_3, LEVEL_2, STRONG],
    [LEVEL_3, LEVEL_2, STRONG, ALSO_REFERRED, NAMED_ON_THE_PAGE],
    [LEVEL_3, LEVEL_2, STRONG, HARD_STOPS],
]
# How often a true/false fact is something else than a plain no. A contact with many yeses is settled by the first
# rules, so most contacts are quiet.
ABSENT = "absent"
TRUE_OR_FALSE: list[list[Any]] = [
    [False],
    [False] * 37 + [True, None, ABSENT],
    [False] * 17 + [True, None, ABSENT],
    [False] * 7 + [True, None, ABSENT],
    [False] * 17 + [True] + [ABSENT] * 18,
    [True, False, None, ABSENT],
]


def said(facts: Facts) -> Facts:
    return {name: value for name, value in facts.items() if value != ABSENT}


def a_contact(choices: Choices) -> Facts:
    """Every field sometimes absent, null where the page allows null, numbers on and beside their limits."""
    mood = choices.of(MOODS)
    true_or_false = choices.of(TRUE_OR_FALSE)

    one_of: Callable[..., Any] = choices.one_of

    def yes_or_no() -> Any:
        return choices.of(true_or_false)

    def indicators() -> Any:
        size = one_of(ABSENT, 0, 1, 1, 2, 2, 3, 5)
        return size if size == ABSENT else list(dict.fromkeys(choices.of(choices.of(mood)) for _ in range(size)))

    def child(ref: str) -> Facts:
        return said(
            {
                "ref": one_of(ref, ref, ref, None, ABSENT),
                "age_years": one_of(0, 1, 1, 2, 7, 8, 9, 10, 15, 16, 17, 18, None, ABSENT),
                "unborn": yes_or_no(),
                "disabled": yes_or_no(),
                "non_verbal": yes_or_no(),
                "previous_cp_plan": yes_or_no(),
                "previously_looked_after": yes_or_no(),
                "indicators": indicators(),
            }
        )

    def family() -> Facts:
        return said(
            {
                "indicators": indicators(),
                "contacts_3_months": one_of(1, 1, 1, 1, 2, 2, 2, 3, 4, ABSENT),
                "contacts_12_months": one_of(1, 1, 2, 3, 4, 4, 4, 5, 6, ABSENT),
                "sibling_on_cp_plan": yes_or_no(),
                "early_help_closed_without_progress_12_months": yes_or_no(),
                "dash": one_of("standard", "medium", None, None, ABSENT, ABSENT, "high"),
                "marac": yes_or_no(),
                "open_work": one_of(*[None, None, ABSENT] * 5, "early_help", "social_care"),
                "closed_days_ago": one_of(*[29, 29, None, None, ABSENT] * 4, 30, 300, 0, 14, 28),
                "in_area": one_of(*[True, ABSENT] * 5, None, False),
            }
        )

    return said(
        {
            "received_on": one_of("2026-11-21", None, ABSENT),
            "immediate_danger": yes_or_no(),
            "referrer_level": one_of(1, 2, 3, 3, 3, 3, 3, None, None, ABSENT, ABSENT, 4),
            "agreement": one_of("given", "given", *AGREEMENTS, ABSENT),
            "screened": one_of(True, False, None, ABSENT),
            "children": [child(f"c{number}") for number in range(1, 1 + one_of(0, 1, 1, 1, 1, 2, 2, 3, 4))],
            "family": family(),
        }
        | one_of({}, {}, {}, {}, {}, {"children": ABSENT}, {"family": ABSENT})
    )


CONTACTS = built(a_contact, most=128)


@pytest.mark.parametrize(("version", "examples"), [("version 2", 600), ("version 1", 400)])
def test_the_engine_recommends_what_the_page_says_and_every_rule_is_met_on_the_way(version: str, examples: int) -> None:
    met: set[str] = set()

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(CONTACTS)
    def one_contact(facts: Facts) -> None:
        said = check(facts, version)
        met.update([*said["reasons"], said["pathway"]])

    one_contact()
    # Agreement between two programs about contacts that never fire a rule would say nothing about that rule.
    _, page = VERSIONS[version]
    assert {*(rule.name for rule in page.rules), *NAMES_OF_AGGRAVATORS} - {"reason_to_look_again"} <= met
    assert {rule.pathway for rule in page.rules} <= met


# Walks


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_every_indicator_alone_on_a_child_or_on_the_family_counts_as_the_page_says(agreement: str) -> None:
    for code in CATALOGUE:
        check({"agreement": agreement, "children": [{"ref": "c1", "age_years": 16, "indicators": [code]}]})
        check({"agreement": agreement, "children": [{"age_years": 9}], "family": {"indicators": [code]}})


# Three level 2 indicators of one domain lack only a fourth of another domain; level 3 indicators of two domains lack
# only the third domain. So whoever joins them shows its own domain.
COMPANIES = {
    "three of level 2, development": ["L2-01", "L2-06", "L2-26"],
    "three of level 2, parenting": ["L2-11", "L2-15", "L2-16"],
    "three of level 2, family": ["L2-18", "L2-22", "L2-24"],
    "level 3, development and parenting": ["L3-12", "L3-26"],
    "level 3, development and family": ["L3-12", "L3-36"],
    "level 3, parenting and family": ["L3-26", "L3-36"],
}


@pytest.mark.parametrize("company", COMPANIES.values(), ids=COMPANIES)
def test_every_indicator_adds_its_own_domain_to_the_company_it_joins(company: list[str]) -> None:
    for code in [*LEVEL_2, *LEVEL_3]:
        check({"agreement": "given", "children": [{"indicators": company}], "family": {"indicators": [code]}})


NUMBERS: dict[str, list[int | None]] = {
    "referrer_level": [None, 1, 2, 3, 4],
    "contacts_3_months": [1, 2, 3, 4],
    "contacts_12_months": [1, 3, 4, 5, 6],
    "closed_days_ago": [None, 0, 1, 14, 15, 27, 28, 29, 30, 400],
    "age_years": [None, *range(20)],
}


@pytest.mark.parametrize(("name", "number"), [(name, number) for name in NUMBERS for number in NUMBERS[name]])
@pytest.mark.parametrize("indicators_of_the_child", [[], ["L2-01"], ["L3-20"], ["L4-50"], ["L4-50", "L3-20"]])
def test_every_number_is_read_as_the_page_says_on_both_sides_of_its_limit(
    name: str, number: int | None, indicators_of_the_child: list[str]
) -> None:
    child: Facts = {"age_years": 9, "indicators": indicators_of_the_child}
    family: Facts = {}
    facts: Facts = {"agreement": "given", "children": [child], "family": family}
    holders = {"age_years": child, "referrer_level": facts}
    holders.get(name, family)[name] = number
    check(facts)
