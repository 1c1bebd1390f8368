"""
The council's early-help-first policy, transcribed as literally as Python allows, to check the engine against. Slow on
purpose. "The page" is that policy.

It follows the page's order and the page's words, and shares nothing with the engine: no import, no data file. Where
the page says "would change", this asks every rule again for every change. The catalogue is a copy of the page's own
`indicators.csv`, kept beside this file. Both versions of the page stand here: what they share once, and then the table
of each.
"""

import csv
from collections.abc import Callable, Iterator
from functools import cache
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
        "screened": facts.get("screened"),
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
    return set(facts["family"]["indicators"]).union(*[child["indicators"] for child in facts["children"]])


AT_LEVEL = {level: {code for code, row in CATALOGUE.items() if row["level"] == str(level)} for level in (2, 3, 4)}
AT_GATE = {gate: {code for code, row in CATALOGUE.items() if row["gate"] == gate} for gate in ("hard_stop", "strong")}


def of_level(level: int, some_codes: set[str] | list[str]) -> set[str]:
    return AT_LEVEL[level].intersection(some_codes)


def of_gate(gate: str, some_codes: set[str]) -> set[str]:
    return AT_GATE[gate] & some_codes


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


def hard_stop(facts: Facts) -> bool:
    return bool(of_gate("hard_stop", codes(facts))) or facts["immediate_danger"] is True


def referrer_says_level_4(facts: Facts) -> bool:
    return facts["referrer_level"] == 4 and not hard_stop(facts)


def referrer_says_level_4_and_strong(facts: Facts) -> bool:
    return referrer_says_level_4(facts) and strong(facts)


def outside_our_area(facts: Facts) -> bool:
    return facts["family"]["in_area"] is False


def already_working_with_the_family(facts: Facts) -> bool:
    closed_days_ago = facts["family"]["closed_days_ago"]
    return facts["family"]["open_work"] is not None or (closed_days_ago is not None and 0 <= closed_days_ago <= 28)


def strong(facts: Facts) -> bool:
    return bool(of_gate("strong", codes(facts)))


def a_reason_to_look_again(facts: Facts) -> bool:
    return bool(aggravators_that_count(facts))


def level_3_given(facts: Facts) -> bool:
    return level_3_or_by_accumulation(facts) and facts["agreement"] == "given"


def level_3_not_sought(facts: Facts) -> bool:
    return level_3_or_by_accumulation(facts) and facts["agreement"] == "not_sought"


def level_2_given(facts: Facts) -> bool:
    return bool(of_level(2, codes(facts))) and facts["agreement"] == "given"


def level_2_not_sought(facts: Facts) -> bool:
    return bool(of_level(2, codes(facts))) and facts["agreement"] == "not_sought"


def level_2_refused(facts: Facts) -> bool:
    return bool(of_level(2, codes(facts))) and facts["agreement"] in ("refused", "withdrawn")


def screened_or_level_1(facts: Facts) -> bool:
    return facts["screened"] is True or facts["referrer_level"] == 1


def always(facts: Facts) -> bool:
    return True


# The order of rules: the columns "RAG" and "level" where they hold a sentence


def amber_if_any_indicator_of_level_3_or_4(facts: Facts) -> str:
    return "amber" if of_level(3, codes(facts)) or of_level(4, codes(facts)) else "green"


def highest_indicator(facts: Facts) -> int:
    return max((int(CATALOGUE[code]["level"]) for code in codes(facts)), default=1)


def highest_indicator_3_by_accumulation(facts: Facts) -> int:
    return max(highest_indicator(facts), 3 if level_3_by_accumulation(facts) else 1)


def level_when_looked_at_again_in_version_1(facts: Facts) -> int:
    if level_3_or_by_accumulation(facts):
        return 3
    return 2 if of_level(2, codes(facts)) else 1


def level_when_looked_at_again(facts: Facts) -> int:
    return 3 if level_3_or_by_accumulation(facts) or high_risk_domestic_abuse(facts) else 2


class Rule(NamedTuple):
    """A line of the table. `nothing_above`: it fires only where no line above it does."""

    name: str
    holds: Callable[[Facts], bool]
    pathway: str
    hold: str | None
    rag: str | Callable[[Facts], str]
    level: int | Callable[[Facts], int]
    nothing_above: bool = False


class Page(NamedTuple):
    """A version of the page. `gravest`: rating and level are those of all rules that fired, not of the first alone."""

    gravest: bool
    rules: tuple[Rule, ...]

    def fired(self, facts: Facts) -> list[Rule]:
        """Every rule that fires, in the page's order."""
        found: list[Rule] = []
        for rule in self.rules:
            if rule.holds(facts) and not (rule.nothing_above and found):
                found.append(rule)
        return found


VERSION_1 = Page(
    gravest=False,
    rules=(
        Rule("hard_stop", hard_stop, "strategy_discussion", None, "red", 4),
        Rule("referrer_says_level_4", referrer_says_level_4, "social_worker_review", None, "red", 4),
        Rule("outside_our_area", outside_our_area, "other_authority", None,
             amber_if_any_indicator_of_level_3_or_4, highest_indicator),
        Rule("already_working_with_the_family", already_working_with_the_family, "link_to_open_work", None,
             amber_if_any_indicator_of_level_3_or_4, highest_indicator),
        Rule("strong_level_4", strong, "social_work_assessment", None, "amber", 4),
        Rule("reason_to_look_again", a_reason_to_look_again, "social_worker_review", None, "amber",
             level_when_looked_at_again_in_version_1),
        Rule("level_3_agreed", level_3_given, "family_help", None, "green", 3),
        Rule("level_3_agreement_not_sought", level_3_not_sought, "family_help", "agreement", "green", 3),
        Rule("level_2_agreed", level_2_given, "early_help", None, "green", 2),
        Rule("level_2_agreement_not_sought", level_2_not_sought, "early_help", "agreement", "green", 2),
        Rule("level_2_refused", level_2_refused, "advice", "manager", "green", 2),
        Rule("needs_met", always, "advice", None, "blue", 1, nothing_above=True),
    ),
)  # fmt: skip

VERSION_2 = Page(
    gravest=True,
    rules=(
        Rule("hard_stop", hard_stop, "strategy_discussion", None, "red", 4),
        Rule("referrer_says_level_4_strong", referrer_says_level_4_and_strong, "social_work_assessment", None,
             "red", 4),
        Rule("referrer_says_level_4", referrer_says_level_4, "social_worker_review", None, "red", 4),
        Rule("outside_our_area", outside_our_area, "other_authority", None,
             amber_if_any_indicator_of_level_3_or_4, highest_indicator_3_by_accumulation),
        Rule("already_working_with_the_family", already_working_with_the_family, "link_to_open_work", None,
             amber_if_any_indicator_of_level_3_or_4, highest_indicator_3_by_accumulation),
        Rule("strong_level_4", strong, "social_work_assessment", None, "amber", 4),
        Rule("reason_to_look_again", a_reason_to_look_again, "social_worker_review", None, "amber",
             level_when_looked_at_again),
        Rule("level_3_agreed", level_3_given, "family_help", None, "green", 3),
        Rule("level_3_agreement_not_sought", level_3_not_sought, "family_help", "agreement", "green", 3),
        Rule("level_2_agreed", level_2_given, "early_help", None, "green", 2),
        Rule("level_2_agreement_not_sought", level_2_not_sought, "early_help", "agreement", "green", 2),
        Rule("level_2_refused", level_2_refused, "advice", "manager", "green", 2),
        Rule("needs_met", screened_or_level_1, "advice", None, "blue", 1, nothing_above=True),
        Rule("not_screened_yet", always, "advice", "screening", "green", 1, nothing_above=True),
    ),
)  # fmt: skip


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


BLUE_TO_RED = ("blue", "green", "amber", "red")


def result(facts: Facts, page: Page) -> Facts:
    """The first rule that fires sets the pathway, its lead and its hold."""
    fired = page.fired(facts)
    first = fired[0]
    count = fired if page.gravest else fired[:1]
    return {
        "level": max(rule.level(facts) if callable(rule.level) else rule.level for rule in count),
        "pathway": first.pathway,
        "rag": max((rule.rag(facts) if callable(rule.rag) else rule.rag for rule in count), key=BLUE_TO_RED.index),
        "lead": LEAD.get(first.pathway),
        "hold": first.hold,
        "also_refer_to": also_refer_to(facts),
        "warnings": warnings(facts),
    }


def triple(facts: Facts, page: Page) -> Triple:
    found = result(facts, page)
    return found["pathway"], found["rag"], found["hold"]


def value_at(facts: Facts, where: Where) -> Any:
    value: Any = facts
    for step in where:
        value = value[step]
    return value


def with_one_change(facts: Facts, where: Where, value: object) -> Facts:
    """The facts with another value at one place; the rest is shared, not copied."""
    step, *below = where
    holder: Any = facts
    changed = list(holder) if isinstance(holder, list) else dict(holder)
    changed[step] = with_one_change(holder[step], tuple(below), value) if below else value  # type: ignore[index]  # a list or an object, by the step
    return changed  # type: ignore[return-value]  # of the type it was


def each_true_or_false(facts: Facts) -> Iterator[Where]:
    yield ("immediate_danger",)
    yield ("screened",)
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


def missing(facts: Facts, page: Page) -> set[str]:
    now = result(facts, page)
    return {
        path(where)
        for where, values in unknown_facts(facts)
        if any(result(with_one_change(facts, where, value), page) != now for value in values)
    }


# Would change: single changes of one fact that would change pathway, RAG or hold


def agreement_to_each_other_value(facts: Facts, page: Page) -> Iterator[Facts]:
    for agreement in AGREEMENTS:
        if agreement != facts["agreement"]:
            yield with_one_change(facts, ("agreement",), agreement)


def each_true_or_false_fact_turned_over(facts: Facts, page: Page) -> Iterator[Facts]:
    """A null fact has nothing to turn over: it stands in `missing`."""
    for where in each_true_or_false(facts):
        if value_at(facts, where) is not None:
            yield with_one_change(facts, where, not value_at(facts, where))


def each_indicator_taken_away(facts: Facts, page: Page) -> Iterator[Facts]:
    """From one holder (one child, or the family) at a time: the same code on another holder stays."""
    holders: list[Where] = [("children", number, "indicators") for number in range(len(facts["children"]))]
    for holder in [*holders, ("family", "indicators")]:
        held = value_at(facts, holder)
        for code in sorted(set(held)):
            yield with_one_change(facts, holder, [other for other in held if other != code])


class Number(NamedTuple):
    """A number, the values it can have, and what the rules ask about it."""

    possible: range
    asked: Callable[[int], object]


NUMBERS = {
    "referrer_level": Number(range(1, 5), lambda number: (number == 4, number == 1)),
    "age_years": Number(range(100), lambda number: number < 1),
    "contacts_3_months": Number(range(1, 100), lambda number: number >= 3),
    "contacts_12_months": Number(range(1, 100), lambda number: number >= 5),
    "closed_days_ago": Number(range(1_000), lambda number: 0 <= number <= 28),
}


# Version 1 asks whether the referrer says 4, and nothing else of its level.
NUMBERS_OF_VERSION_1 = NUMBERS | {"referrer_level": Number(range(1, 5), lambda number: number == 4)}


def each_number_to_the_other_side(facts: Facts, page: Page) -> Iterator[Facts]:
    """
    The nearest number to which the rules' questions have another answer, downwards and upwards.

    A null has no other side. The 16 and 17 of `homeless_16_17` are no limit here: that is a referral added to the
    pathway, not a rule.
    """
    numbers = NUMBERS if page is VERSION_2 else NUMBERS_OF_VERSION_1
    wheres: list[Where] = [
        ("referrer_level",),
        *[("children", number, "age_years") for number in range(len(facts["children"]))],
        ("family", "contacts_3_months"),
        ("family", "contacts_12_months"),
        ("family", "closed_days_ago"),
    ]
    for where in wheres:
        if value_at(facts, where) is not None:
            for other in the_other_sides(numbers[str(where[-1])], value_at(facts, where)):
                yield with_one_change(facts, where, other)


@cache
def the_other_sides(number: Number, now: int) -> list[int]:
    differs = [value for value in number.possible if number.asked(value) != number.asked(now)]
    return [*[value for value in differs if value < now][-1:], *[value for value in differs if value > now][:1]]


KINDS_OF_CHANGE = {
    "agreement": agreement_to_each_other_value,
    "true_or_false": each_true_or_false_fact_turned_over,
    "indicator": each_indicator_taken_away,
    "number": each_number_to_the_other_side,
}


def would_change(facts: Facts, page: Page) -> dict[str, list[Triple]]:
    """Kind of change, in the page's order: what comes out after each single change that makes a difference."""
    now = triple(facts, page)
    return {
        kind: [then for changed in changes(facts, page) if (then := triple(changed, page)) != now]
        for kind, changes in KINDS_OF_CHANGE.items()
    }


def reasons(facts: Facts, page: Page) -> list[str]:
    """Every rule that fired, in the page's order; a reason to look again by the names of those that count."""
    counting = aggravators_that_count(facts)
    return [
        name
        for rule in page.fired(facts)
        for name in (
            [each.name for each in AGGRAVATORS if each.name in counting]
            if rule.name == "reason_to_look_again"
            else [rule.name]
        )
    ]


def expected(facts: Facts, page: Page = VERSION_2) -> Facts:
    """
    What the page says comes out for these facts.

    `would_change` is one list in the page's order; `would_change_by_kind` is the same, kind by kind.
    """
    read = as_the_page_reads(facts)
    changes = would_change(read, page)
    return {
        **result(read, page),
        "reasons": reasons(read, page),
        "missing": missing(read, page),
        "would_change": [change for kind in changes.values() for change in kind],
        "would_change_by_kind": changes,
    }
