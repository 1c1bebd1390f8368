"""
The page early-help-first, transcribed as literally as Python allows, to check the engine against. Slow on purpose.

It follows the page's order and the page's words, and shares nothing with the engine: no import, no data file. Where
the page says "would change", this asks every rule again for every change. The catalogue is a copy of the page's own
`indicators.csv`, kept beside this file.
"""

import copy
import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

Facts = dict[str, Any]
Where = tuple[str | int, ...]
Triple = tuple[str, str, str | None]


# What the rules look at: the facts of a contact

with (Path(__file__).parent / "indicators.csv").open(encoding="utf-8", newline="") as file:
    CATALOGUE = {row["code"]: row for row in csv.DictReader(file)}

DOMAINS = {"development", "parenting", "family_environment"}
AGREEMENTS = ("given", "not_sought", "refused", "withdrawn")
TRUE_OR_FALSE_OF_A_CHILD = ("unborn", "disabled", "non_verbal", "previous_cp_plan", "previously_looked_after")
TRUE_OR_FALSE_OF_THE_FAMILY = (
    "sibling_on_cp_plan",
    "early_help_closed_without_progress_12_months",
    "marac",
    "in_area",
)


def as_the_page_reads(facts: Facts) -> Facts:
    """Every field of the page's example filled in: an absent field means null, with the page's exceptions."""
    family = facts.get("family", {})
    return {
        "received_on": facts.get("received_on"),
        "immediate_danger": facts.get("immediate_danger"),
        "referrer_level": facts.get("referrer_level"),
        "agreement": facts.get("agreement", "not_sought"),
        "children": [
            {
                "ref": child.get("ref"),
                "age_years": child.get("age_years"),
                **{name: child.get(name) for name in TRUE_OR_FALSE_OF_A_CHILD},
                "indicators": list(child.get("indicators", [])),
            }
            for child in facts.get("children", [])
        ],
        "family": {
            "indicators": list(family.get("indicators", [])),
            "contacts_3_months": family.get("contacts_3_months", 1),
            "contacts_12_months": family.get("contacts_12_months", 1),
            "sibling_on_cp_plan": family.get("sibling_on_cp_plan"),
            "early_help_closed_without_progress_12_months": family.get("early_help_closed_without_progress_12_months"),
            "dash": family.get("dash"),
            "marac": family.get("marac"),
            "open_work": family.get("open_work"),
            "closed_days_ago": family.get("closed_days_ago"),
            "in_area": family.get("in_area", True),
        },
    }


def codes(facts: Facts) -> set[str]:
    """Indicators on children and on the family count alike; the same code on two children counts once."""
    return set(facts["family"]["indicators"]).union(*(child["indicators"] for child in facts["children"]))


def of_level(level: int, some_codes: set[str] | list[str]) -> set[str]:
    return {code for code in some_codes if CATALOGUE[code]["level"] == str(level)}


def of_gate(gate: str, some_codes: set[str]) -> set[str]:
    return {code for code in some_codes if CATALOGUE[code]["gate"] == gate}


def domains_of(some_codes: set[str]) -> set[str]:
    return {CATALOGUE[code]["domain"] for code in some_codes}


# Level 3 by accumulation


def level_3_by_accumulation(facts: Facts) -> bool:
    level_2 = of_level(2, codes(facts))
    return len(level_2) >= 4 and len(domains_of(level_2)) >= 2


def level_3_or_by_accumulation(facts: Facts) -> bool:
    return bool(of_level(3, codes(facts))) or level_3_by_accumulation(facts)


# Reasons to look again (aggravators)


def young_child_parental_risk(facts: Facts) -> bool:
    return any(unborn_or_under_1(child) for child in facts["children"]) and bool(
        codes(facts) & {"L3-20", "L3-21", "L3-30", "L3-32"}
    )


def unborn_or_under_1(child: Facts) -> bool:
    """An unknown age counts as under 1."""
    return child["unborn"] is True or child["age_years"] is None or child["age_years"] < 1


def disabled_child(facts: Facts) -> bool:
    return any(
        (child["disabled"] is True or child["non_verbal"] is True)
        and bool(of_level(3, child["indicators"]) or of_level(3, facts["family"]["indicators"]))
        for child in facts["children"]
    )


def earlier_protection(facts: Facts) -> bool:
    return any(
        child["previous_cp_plan"] is True or child["previously_looked_after"] is True for child in facts["children"]
    )


def sibling_protected(facts: Facts) -> bool:
    return facts["family"]["sibling_on_cp_plan"] is True


def three_in_three_months(facts: Facts) -> bool:
    return bool(facts["family"]["contacts_3_months"] >= 3)


def five_in_a_year(facts: Facts) -> bool:
    return bool(facts["family"]["contacts_12_months"] >= 5)


def early_help_did_not_work(facts: Facts) -> bool:
    return facts["family"]["early_help_closed_without_progress_12_months"] is True


def high_risk_domestic_abuse(facts: Facts) -> bool:
    return facts["family"]["dash"] == "high" or facts["family"]["marac"] is True


def level_3_refused(facts: Facts) -> bool:
    return level_3_or_by_accumulation(facts) and facts["agreement"] in ("refused", "withdrawn")


def many_needs(facts: Facts) -> bool:
    level_3 = of_level(3, codes(facts))
    return len(level_3) >= 4 or domains_of(level_3) == DOMAINS


class Aggravator(NamedTuple):
    name: str
    starred: bool
    holds: Callable[[Facts], bool]


AGGRAVATORS = (
    Aggravator("young_child_parental_risk", False, young_child_parental_risk),
    Aggravator("disabled_child", False, disabled_child),
    Aggravator("earlier_protection", False, earlier_protection),
    Aggravator("sibling_protected", False, sibling_protected),
    Aggravator("three_in_three_months", True, three_in_three_months),
    Aggravator("five_in_a_year", True, five_in_a_year),
    Aggravator("early_help_did_not_work", False, early_help_did_not_work),
    Aggravator("high_risk_domestic_abuse", True, high_risk_domestic_abuse),
    Aggravator("level_3_refused", False, level_3_refused),
    Aggravator("many_needs", False, many_needs),
)


def aggravators_that_count(facts: Facts) -> set[str]:
    """Any aggravator, and at least one indicator of level 2 or 3; those marked * need no indicator."""
    level_2_or_3 = of_level(2, codes(facts)) | of_level(3, codes(facts))
    return {
        aggravator.name
        for aggravator in AGGRAVATORS
        if aggravator.holds(facts) and (aggravator.starred or level_2_or_3)
    }


# The order of rules: what each fires on


def rule_1(facts: Facts) -> bool:
    return bool(of_gate("hard_stop", codes(facts))) or facts["immediate_danger"] is True


def rule_2(facts: Facts) -> bool:
    return facts["referrer_level"] == 4 and not rule_1(facts)


def rule_3(facts: Facts) -> bool:
    return facts["family"]["in_area"] is False


def rule_4(facts: Facts) -> bool:
    closed_days_ago = facts["family"]["closed_days_ago"]
    return facts["family"]["open_work"] is not None or (closed_days_ago is not None and 0 <= closed_days_ago <= 28)


def rule_5(facts: Facts) -> bool:
    return bool(of_gate("strong", codes(facts)))


def rule_6(facts: Facts) -> bool:
    return bool(aggravators_that_count(facts))


def rule_7(facts: Facts) -> bool:
    return level_3_or_by_accumulation(facts) and facts["agreement"] == "given"


def rule_8(facts: Facts) -> bool:
    return level_3_or_by_accumulation(facts) and facts["agreement"] == "not_sought"


def rule_9(facts: Facts) -> bool:
    return bool(of_level(2, codes(facts))) and facts["agreement"] == "given"


def rule_10(facts: Facts) -> bool:
    return bool(of_level(2, codes(facts))) and facts["agreement"] == "not_sought"


def rule_11(facts: Facts) -> bool:
    return bool(of_level(2, codes(facts))) and facts["agreement"] in ("refused", "withdrawn")


def rule_12(facts: Facts) -> bool:
    return not any(rule.fires(facts) for rule in RULES if rule.order < 12)


# The order of rules: the columns "RAG" and "level" where they hold a sentence


def amber_if_any_indicator_of_level_3_or_4(facts: Facts) -> str:
    return "amber" if of_level(3, codes(facts)) or of_level(4, codes(facts)) else "green"


def highest_indicator(facts: Facts) -> int:
    return max((int(CATALOGUE[code]["level"]) for code in codes(facts)), default=1)


def level_of_rule_6(facts: Facts) -> int:
    if level_3_or_by_accumulation(facts):
        return 3
    return 2 if of_level(2, codes(facts)) else 1


class Rule(NamedTuple):
    order: int
    fires: Callable[[Facts], bool]
    pathway: str
    hold: str | None
    rag: str | Callable[[Facts], str]
    level: int | Callable[[Facts], int]


RULES = (
    Rule(1, rule_1, "strategy_discussion", None, "red", 4),
    Rule(2, rule_2, "social_worker_review", None, "red", 4),
    Rule(3, rule_3, "other_authority", None, amber_if_any_indicator_of_level_3_or_4, highest_indicator),
    Rule(4, rule_4, "link_to_open_work", None, amber_if_any_indicator_of_level_3_or_4, highest_indicator),
    Rule(5, rule_5, "social_work_assessment", None, "amber", 4),
    Rule(6, rule_6, "social_worker_review", None, "amber", level_of_rule_6),
    Rule(7, rule_7, "family_help", None, "green", 3),
    Rule(8, rule_8, "family_help", "agreement", "green", 3),
    Rule(9, rule_9, "early_help", None, "green", 2),
    Rule(10, rule_10, "early_help", "agreement", "green", 2),
    Rule(11, rule_11, "advice", "manager", "green", 2),
    Rule(12, rule_12, "advice", None, "blue", 1),
)


# Also refer to


def also_refer_to(facts: Facts) -> list[str]:
    union = {CATALOGUE[code]["also_refer_to"] for code in codes(facts)} - {""}
    if not any(child["age_years"] in (16, 17) for child in facts["children"]):
        union -= {"homeless_16_17"}
    return sorted(union)


# Lead, and the one warning

LEAD = {
    "strategy_discussion": "social_worker",
    "social_work_assessment": "social_worker",
    "social_worker_review": "social_worker",
    "family_help": "family_help_practitioner",
    "early_help": "lead_professional",
}


def warnings(facts: Facts) -> list[str]:
    return ["do_not_inform_parents"] if "L4-28" in codes(facts) else []


# What comes out: a recommendation


def result(facts: Facts) -> Facts:
    """The first group that fires sets the pathway."""
    first = next(rule for rule in RULES if rule.fires(facts))
    return {
        "level": first.level(facts) if callable(first.level) else first.level,
        "pathway": first.pathway,
        "rag": first.rag(facts) if callable(first.rag) else first.rag,
        "lead": LEAD.get(first.pathway),
        "hold": first.hold,
        "also_refer_to": also_refer_to(facts),
        "warnings": warnings(facts),
    }


def triple(facts: Facts) -> Triple:
    found = result(facts)
    return found["pathway"], found["rag"], found["hold"]


def value_at(facts: Facts, where: Where) -> Any:
    value: Any = facts
    for step in where:
        value = value[step]
    return value


def with_one_change(facts: Facts, where: Where, value: object) -> Facts:
    changed = copy.deepcopy(facts)
    value_at(changed, where[:-1])[where[-1]] = value
    return changed


def each_true_or_false(facts: Facts) -> Iterator[Where]:
    yield ("immediate_danger",)
    for number in range(len(facts["children"])):
        for name in TRUE_OR_FALSE_OF_A_CHILD:
            yield "children", number, name
    for name in TRUE_OR_FALSE_OF_THE_FAMILY:
        yield "family", name


# Missing: facts that are unknown and, if known, could change the result


def unknown_facts(facts: Facts) -> Iterator[tuple[Where, list[Any]]]:
    """Each true/false fact that is null and each unknown age, with every value it might turn out to have."""
    for where in each_true_or_false(facts):
        if value_at(facts, where) is None:
            yield where, [True, False]
    for number, child in enumerate(facts["children"]):
        if child["age_years"] is None and child["unborn"] is not True:
            yield ("children", number, "age_years"), list(range(21))


def path(where: Where) -> str:
    """`children[0].age_years`, as the page writes it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where).removeprefix(".")


def missing(facts: Facts) -> set[str]:
    now = result(facts)
    return {
        path(where)
        for where, values in unknown_facts(facts)
        if any(result(with_one_change(facts, where, value)) != now for value in values)
    }


# Would change: single changes of one fact that would change pathway, RAG or hold


def agreement_to_each_other_value(facts: Facts) -> Iterator[Facts]:
    for agreement in AGREEMENTS:
        if agreement != facts["agreement"]:
            yield with_one_change(facts, ("agreement",), agreement)


def each_true_or_false_fact_turned_over(facts: Facts) -> Iterator[Facts]:
    """A null fact has nothing to turn over: it stands in `missing`."""
    for where in each_true_or_false(facts):
        if value_at(facts, where) is not None:
            yield with_one_change(facts, where, not value_at(facts, where))


def each_indicator_taken_away(facts: Facts) -> Iterator[Facts]:
    """From one holder (one child, or the family) at a time: the same code on another holder stays."""
    holders: list[Where] = [("children", number, "indicators") for number in range(len(facts["children"]))]
    for holder in [*holders, ("family", "indicators")]:
        held = value_at(facts, holder)
        for code in sorted(set(held)):
            yield with_one_change(facts, holder, [other for other in held if other != code])


class Number(NamedTuple):
    """A number, the values it can have, and what a rule asks about it."""

    possible: range
    asked: Callable[[int], bool]


NUMBERS = {
    "referrer_level": Number(range(1, 5), lambda number: number == 4),
    "age_years": Number(range(100), lambda number: number < 1),
    "contacts_3_months": Number(range(1, 10_000), lambda number: number >= 3),
    "contacts_12_months": Number(range(1, 10_000), lambda number: number >= 5),
    "closed_days_ago": Number(range(100_000), lambda number: 0 <= number <= 28),
}


def each_number_to_the_other_side(facts: Facts) -> Iterator[Facts]:
    """
    The nearest number to which a rule's question has the other answer.

    A null has no other side. The 16 and 17 of `homeless_16_17` are no limit here: that is a referral added to the
    pathway, not a rule.
    """
    wheres: list[Where] = [
        ("referrer_level",),
        *[("children", number, "age_years") for number in range(len(facts["children"]))],
        ("family", "contacts_3_months"),
        ("family", "contacts_12_months"),
        ("family", "closed_days_ago"),
    ]
    for where in wheres:
        if value_at(facts, where) is not None:
            yield with_one_change(facts, where, the_other_side(NUMBERS[str(where[-1])], value_at(facts, where)))


def the_other_side(number: Number, now: int) -> int:
    return min(
        (value for value in number.possible if number.asked(value) != number.asked(now)),
        key=lambda value: abs(value - now),
    )


KINDS_OF_CHANGE = {
    "agreement": agreement_to_each_other_value,
    "true_or_false": each_true_or_false_fact_turned_over,
    "indicator": each_indicator_taken_away,
    "number": each_number_to_the_other_side,
}


def would_change(facts: Facts) -> dict[str, list[Triple]]:
    """Kind of change, in the page's order: what comes out after each single change that makes a difference."""
    now = triple(facts)
    return {
        kind: [then for changed in changes(facts) if (then := triple(changed)) != now]
        for kind, changes in KINDS_OF_CHANGE.items()
    }


def expected(facts: Facts) -> Facts:
    """
    What the page says comes out for these facts.

    `fired` holds the numbers of the rules whose own condition holds and the names of the aggravators that count.
    `would_change` is one list in the page's order; `would_change_by_kind` is the same, kind by kind.
    """
    read = as_the_page_reads(facts)
    changes = would_change(read)
    return {
        **result(read),
        "fired": {rule.order for rule in RULES if rule.fires(read)} | aggravators_that_count(read),
        "missing": missing(read),
        "would_change": [change for kind in changes.values() for change in kind],
        "would_change_by_kind": changes,
    }
