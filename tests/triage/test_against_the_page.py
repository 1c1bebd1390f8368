"""The engine beside the oracle: random contacts, and walks along the catalogue and the limits that luck might miss."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from tests.stage.oracle import AGGRAVATORS, AGREEMENTS, CATALOGUE, VERSION_1, VERSION_2, Page, expected
from tests.stage.random_facts import CONTACTS, LEVEL_2, LEVEL_3, Facts
from tests.stage.rule_documents import VERSION_1 as FILE_OF_VERSION_1
from triage.recommendation import recommend
from triage.ruleset import RuleSet, load_file, shipped

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
