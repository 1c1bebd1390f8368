"""
What is true of the shipped rules for every contact.

No concern ever lowers the rating or the level, without exception. A test named "the_table_…" shows where the table of
the council's policy is not what a reader might expect. Whoever changes the policy should know of it.
"""

import copy
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from tests.stage.asking import Facts, answer, child, contact, fired, pathway
from tests.stage.choices import Choices, built
from tests.stage.oracle import (
    AGREEMENTS,
    CATALOGUE,
    DOMAINS,
    Where,
    as_the_page_reads,
    codes,
    domains_of,
    level_3_or_by_accumulation,
    of_gate,
    of_level,
    path,
    value_at,
)
from tests.stage.random_facts import (
    ALSO_REFERRED,
    CONTACTS,
    HARD_STOPS,
    LEVEL_2,
    LEVEL_3,
    PARENTAL_RISK,
    STRONG,
    a_contact,
)
from triage.bits import View
from triage.fact_fields import NO_CHILD
from triage.recommendation import Recommendation, recommend
from triage.ruleset import SHIPPED, Result, load_file, shipped

THE_RULES = shipped()

RAGS = ["blue", "green", "amber", "red"]
# How much help it is. The two other pathways hand the family to somebody else, and stand on no ladder.
LADDER = [
    "advice",
    "early_help",
    "family_help",
    "social_worker_review",
    "social_work_assessment",
    "strategy_discussion",
]
SOCIAL_WORK = LADDER[3:]
ELSEWHERE = ["other_authority", "link_to_open_work"]
LEADS = {
    **dict.fromkeys(SOCIAL_WORK, "social_worker"),
    "family_help": "family_help_practitioner",
    "early_help": "lead_professional",
}
FLAGS_OF_A_CHILD = ["unborn", "disabled", "non_verbal", "previous_cp_plan", "previously_looked_after"]
FLAGS_OF_THE_FAMILY = ["sibling_on_cp_plan", "early_help_closed_without_progress_12_months", "marac", "in_area"]


# Any contact


def examples(number: int) -> settings:
    return settings(
        max_examples=number,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.nested_given],
    )


# Of the family's facts and of up to four children's ages: what chance alone seldom brings together.
LIVES: dict[str, Callable[[Choices], tuple[Facts, list[int | None]]]] = {
    "outside our area": lambda choices: ({"in_area": False}, []),
    "open work": lambda choices: ({"open_work": choices.one_of("early_help", "social_care")}, []),
    "far numbers": lambda choices: (
        {
            "contacts_3_months": 0,
            "contacts_12_months": choices.one_of(0, 7, 10_000),
            "closed_days_ago": choices.of(range(30, 10_001)),
        },
        [],
    ),
    "older children, and a risk from the parents": lambda choices: (
        {"indicators": [choices.of(PARENTAL_RISK)]},
        [choices.one_of(1, 7, 16) for _ in range(4)],
    ),
    "homeless, and more": lambda choices: (
        {"indicators": ["L4-50", *(choices.of([*ALSO_REFERRED, "L4-28"]) for _ in range(choices.of(range(4))))]},
        [choices.one_of(None, None, 15, 16, 18) for _ in range(4)],
    ),
}
FORGOTTEN = ["no history", "older children, and a risk from the parents"]


def forget_history(facts: Facts) -> None:
    """Removes everything but the indicators, the agreement and the ages."""
    facts |= {"immediate_danger": False, "referrer_level": 3}
    facts["family"] |= {"contacts_3_months": 1, "contacts_12_months": 1, "open_work": None, "closed_days_ago": None}
    facts["family"] |= {"dash": None, **dict.fromkeys(FLAGS_OF_THE_FAMILY, False), "in_area": True}
    for each in facts["children"]:
        each |= dict.fromkeys(FLAGS_OF_A_CHILD, False)


def a_family(choices: Choices) -> Facts:
    """Any contact with every field said; and what `a_contact` leaves out: codes twice, the unborn, far numbers."""
    facts = as_the_page_reads(a_contact(choices))
    family = facts["family"]
    for each in facts["children"]:
        match choices.of([None] * 12 + ["not born yet", "no age yet", "grown up"]):
            case "not born yet":
                each["unborn"] = True
            case "no age yet":
                each |= {"unborn": True, "age_years": None}
            case "grown up":
                each["age_years"] = choices.of(range(18, 26))
    a_life = choices.of([None] * 5 + ["no history"] * 5 + list(LIVES) + ["homeless, and more"])
    if a_life in FORGOTTEN:
        forget_history(facts)
    if a_life in LIVES:
        of_the_family, ages = LIVES[a_life](choices)
        family |= of_the_family | {"indicators": family["indicators"] + of_the_family.get("indicators", [])}
        for each, age in zip(facts["children"], ages, strict=False):
            each["age_years"] = age
    for holder in [family, *facts["children"]]:
        if holder["indicators"] and choices.one_of(False, False, True):
            holder["indicators"].append(choices.of(holder["indicators"]))
    return facts


# The choices that a family takes at most.
MOST = 160
FAMILIES = built(a_family, most=MOST)


# Every referral and every warning at once, which chance does not bring together.
REFERRED_EVERYWHERE = as_the_page_reads(contact(*ALSO_REFERRED, "L4-28", age_years=16))


def but(facts: Any, where: Where, value: object) -> Any:
    """A copy of the facts with another value at a path."""
    if not where:
        return value
    first, *rest = where
    changed = copy.copy(facts)
    changed[first] = but(facts[first], tuple(rest), value)
    return changed


def evaluate(facts: Facts) -> Result:
    return THE_RULES.evaluate(THE_RULES.facts(facts))


def recommended(facts: Facts) -> Recommendation:
    return recommend(THE_RULES, THE_RULES.facts(facts))


def rules_that_fire(facts: Facts) -> set[str]:
    return {firing.id for firing in THE_RULES.firings(THE_RULES.view(THE_RULES.facts(facts)))}


def holders(facts: Facts) -> list[Where]:
    """Where indicators are held: by each child, and by the family."""
    return [*[("children", number, "indicators") for number in range(len(facts["children"]))], ("family", "indicators")]


def true_or_false(facts: Facts) -> list[Where]:
    of_children = [("children", number, name) for number in range(len(facts["children"])) for name in FLAGS_OF_A_CHILD]
    return [("immediate_danger",), ("screened",), *of_children, *[("family", name) for name in FLAGS_OF_THE_FAMILY]]


# Every contact gets an answer


def test_every_contact_gets_an_answer_of_the_known_kinds_and_every_kind_is_met_on_the_way() -> None:
    met: set[object] = set()

    @examples(300)
    @given(FAMILIES, CONTACTS)
    def any_contact(facts: Facts, as_sent: Facts) -> None:
        for each in (facts, as_sent):
            result = evaluate(each)
            assert result.level in {1, 2, 3, 4}
            assert result.pathway in {*LADDER, *ELSEWHERE}
            assert result.rag in RAGS
            assert result.lead == LEADS.get(result.pathway)
            assert result.hold in {None, "agreement", "manager", "screening"}
            assert set(result.also_refer_to) <= {CATALOGUE[code]["also_refer_to"] for code in ALSO_REFERRED}
            assert set(result.warnings) <= {"do_not_inform_parents"}
            whole = recommended(each)
            assert Result(*(getattr(whole, name) for name in Result._fields)) == result
            # A recommendation without a reason could not be explained to the person who decides.
            assert whole.reasons
            met.update([result.pathway, result.rag, result.hold, result.level])

    any_contact()
    assert met == {*LADDER, *ELSEWHERE, *RAGS, None, "agreement", "manager", "screening", 1, 2, 3, 4}


@examples(200)
@given(CONTACTS)
def test_a_field_that_is_absent_counts_as_the_page_says(as_sent: Facts) -> None:
    assert recommended(as_sent) == recommended(as_the_page_reads(as_sent))


@examples(200)
@given(FAMILIES)
def test_stored_facts_are_judged_like_facts_that_are_read(facts: Facts) -> None:
    read = THE_RULES.facts(facts)
    assert (
        THE_RULES.evaluate_stored(facts) == THE_RULES.evaluate_stored(read.model_dump(mode="json")) == evaluate(facts)
    )


# The same facts and version give the same recommendation


def test_the_same_facts_give_the_same_answer_again_and_from_rules_read_afresh() -> None:
    afresh = load_file(SHIPPED)

    @examples(200)
    @given(FAMILIES)
    def any_family(facts: Facts) -> None:
        as_sent = copy.deepcopy(facts)
        first = recommended(facts)
        assert recommended(facts) == first
        assert recommend(afresh, afresh.facts(facts)) == first
        assert facts == as_sent

    any_family()


IN_ANOTHER_PROCESS = """
import json, sys
from triage.recommendation import recommend
from triage.ruleset import shipped
rules = shipped()
print(json.dumps([recommend(rules, rules.facts(facts)).as_json() for facts in json.load(sys.stdin)]))
"""


def test_another_process_gives_the_same_answer_to_the_letter() -> None:
    asked = [REFERRED_EVERYWHERE]

    @examples(100)
    @given(FAMILIES)
    def any_family(facts: Facts) -> None:
        asked.append(facts)

    any_family()
    # A set of words comes in another order in each process, unless told: that must not show.
    there = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        input=json.dumps(asked),
        env={**os.environ, "PYTHONHASHSEED": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        text=True,
    )
    assert json.loads(there.stdout) == json.loads(json.dumps([recommended(facts).as_json() for facts in asked]))


# Order and repetition do not matter


class Shuffled(NamedTuple):
    facts: Facts
    order: list[int]
    """For each child, where it stood before."""


def shuffled_family(choices: Choices) -> tuple[Facts, Shuffled]:
    facts = a_family(choices)
    order = choices.order_of(range(len(facts["children"])))
    shuffled = {**facts, "children": [facts["children"][number] for number in order]}
    for holder in holders(shuffled):
        shuffled = but(shuffled, holder, choices.order_of(value_at(shuffled, holder)))
    return facts, Shuffled(shuffled, order)


@examples(200)
@given(built(shuffled_family, most=MOST + 40))
def test_the_order_of_children_and_of_indicators_does_not_matter(both: tuple[Facts, Shuffled]) -> None:
    facts, (shuffled, order) = both
    before, after = recommended(facts), recommended(shuffled)

    def as_before(fact: str) -> str:
        return re.sub(r"(?<=children\[)\d+", lambda number: str(order[int(number[0])]), fact)

    assert evaluate(shuffled) == evaluate(facts)
    assert list(dict.fromkeys(reason.rule for reason in after.reasons)) == list(
        dict.fromkeys(reason.rule for reason in before.reasons)
    )
    assert Counter(
        (reason.rule, frozenset(as_before(fact) for fact in reason.because), reason.child) for reason in after.reasons
    ) == Counter((reason.rule, frozenset(reason.because), reason.child) for reason in before.reasons)
    assert sorted(as_before(missing.fact) for missing in after.missing) == sorted(
        missing.fact for missing in before.missing
    )
    assert changes_to(after) == changes_to(before)


def family_with_codes_said_again(choices: Choices) -> tuple[Facts, Facts]:
    """Each code once, and some codes several times."""
    once = again = a_family(choices)
    for holder in holders(once):
        said = list(dict.fromkeys(value_at(once, holder)))
        once = but(once, holder, said)
        more = [choices.of(said) for _ in range(choices.of(range(4)))] if said else []
        again = but(again, holder, [*said, *more])
    return once, again


@examples(200)
@given(built(family_with_codes_said_again, most=MOST + 20))
def test_a_code_that_is_said_twice_counts_once(both: tuple[Facts, Facts]) -> None:
    once, again = both
    assert recommended(again) == recommended(once)


# No concern ever lowers the rating or the level

Worse = Callable[[Facts, int], Iterator[Facts]]
"""The facts with something graver said about the same family, in each place where it can be said; the number picks."""


def added(kind: list[str]) -> Worse:
    def worse(facts: Facts, pick: int) -> Iterator[Facts]:
        for place, holder in enumerate(holders(facts)):
            yield but(facts, holder, [*value_at(facts, holder), kind[(pick + place) % len(kind)]])

    return worse


def of_the_contact(name: str, *values: object) -> Worse:
    return lambda facts, pick: (but(facts, (name,), value) for value in values)


def of_the_family(name: str, *values: object) -> Worse:
    return lambda facts, pick: (but(facts, ("family", name), value) for value in values)


def of_each_child(name: str, *values: object) -> Worse:
    return lambda facts, pick: (
        but(facts, ("children", number, name), value) for number in range(len(facts["children"])) for value in values
    )


def more(name: str) -> Worse:
    return lambda facts, pick: (
        but(facts, ("family", name), facts["family"][name] + further) for further in range(1, 7)
    )


def another_child(facts: Facts, pick: int) -> Iterator[Facts]:
    every_code = list(CATALOGUE)
    no_is_said = dict.fromkeys(FLAGS_OF_A_CHILD, False)
    for age, chosen in [(7, []), (None, []), (16, [every_code[pick % len(every_code)]])]:
        newcomer = {"ref": "another", "age_years": age, **no_is_said, "indicators": chosen}
        yield but(facts, ("children",), [*facts["children"], newcomer])


def refusal(facts: Facts, pick: int) -> Iterator[Facts]:
    if facts["agreement"] in ("given", "not_sought"):
        yield from of_the_contact("agreement", "refused", "withdrawn")(facts, pick)


def referrer_says_more(facts: Facts, pick: int) -> Iterator[Facts]:
    """Level 1 is left out: it lowers the concern if the referrer had given no level."""
    for level in range(1 + (facts["referrer_level"] or 1), 5):
        yield {**facts, "referrer_level": level}


def work_closed_lately(facts: Facts, pick: int) -> Iterator[Facts]:
    for days in (0, 1, 14, 28):
        yield but(facts, ("family", "closed_days_ago"), days)


# Somebody else works with the family, or should: that is no lesser concern.
HANDED_ON: dict[str, Worse] = {
    "outside our area": of_the_family("in_area", False),
    "work that is open": of_the_family("open_work", "early_help", "social_care"),
    "work that closed lately": work_closed_lately,
}
CONCERNS: dict[str, Worse] = {
    "immediate danger": of_the_contact("immediate_danger", True),
    "a hard stop": added(HARD_STOPS),
    "the referrer says level 4": of_the_contact("referrer_level", 4),
    "a strong indicator": added(STRONG),
    "an indicator of level 3": added(LEVEL_3),
    "a risk from the parents": added(PARENTAL_RISK),
    "an indicator of level 2": added(LEVEL_2),
    "a child with a plan before": of_each_child("previous_cp_plan", True),
    "a child looked after before": of_each_child("previously_looked_after", True),
    "a sibling with a plan": of_the_family("sibling_on_cp_plan", True),
    "more contacts in three months": more("contacts_3_months"),
    "more contacts in a year": more("contacts_12_months"),
    "early help without progress": of_the_family("early_help_closed_without_progress_12_months", True),
    "high risk in a DASH": of_the_family("dash", "high"),
    "a MARAC": of_the_family("marac", True),
    "a disabled child": of_each_child("disabled", True),
    "a non-verbal child": of_each_child("non_verbal", True),
    "a child not born yet": of_each_child("unborn", True),
    "a child under one, or of unknown age": of_each_child("age_years", 0, None),
    "one more child": another_child,
    "a refusal": refusal,
}
EVERY_CONCERN = {**CONCERNS, **HANDED_ON, "the referrer says a higher level": referrer_says_more}


def test_no_concern_ever_lowers_the_rating_or_the_level() -> None:
    raised: set[str] = set()

    @examples(250)
    @given(FAMILIES, st.integers(0, 1000))
    @example(REFERRED_EVERYWHERE, 0)
    def any_family(facts: Facts, pick: int) -> None:
        before = evaluate(facts)
        for name, worse in EVERY_CONCERN.items():
            note(name)
            for changed in worse(facts, pick):
                after = evaluate(changed)
                assert RAGS.index(after.rag) >= RAGS.index(before.rag)
                assert after.level >= before.level
                assert set(before.warnings) <= set(after.warnings)
                # Who was 16 or 17, and homeless, may turn out to be of another age.
                assert set(before.also_refer_to) - {"homeless_16_17"} <= set(after.also_refer_to)
                if after != before:
                    raised.add(name)

    any_family()
    # A concern that changed nothing anywhere would say nothing about the rules.
    assert raised == set(EVERY_CONCERN)


@examples(120)
@given(FAMILIES, st.integers(0, 1000))
def test_a_social_worker_who_looks_still_looks_and_a_person_who_is_waited_for_is_replaced_by_no_less(
    facts: Facts, pick: int
) -> None:
    before = evaluate(facts)
    for name, worse in CONCERNS.items():
        note(name)
        for changed in worse(facts, pick):
            after = evaluate(changed)
            if before.pathway in SOCIAL_WORK:
                assert LADDER.index(after.pathway) >= LADDER.index(before.pathway)
            # Whoever screens it is done where an indicator is chosen, and the rules go on.
            assert before.hold in (None, "screening") or after.hold is not None or after.pathway in SOCIAL_WORK


@examples(120)
@given(FAMILIES, st.integers(0, 1000))
def test_a_graver_fact_silences_no_rule_but_those_that_it_contradicts(facts: Facts, pick: int) -> None:
    before = rules_that_fire(facts)
    for name, worse in EVERY_CONCERN.items():
        note(name)
        for changed in worse(facts, pick):
            after = rules_that_fire(changed)
            silenced = before - after - {"needs_met", "not_screened_yet"}
            if name == "a refusal":
                silenced -= {
                    "level_3_agreed", "level_3_agreement_not_sought", "level_2_agreed", "level_2_agreement_not_sought"
                }  # fmt: skip
            if "hard_stop" in after:
                silenced -= {"referrer_says_level_4", "referrer_says_level_4_strong"}
            assert silenced == set()


# Where a graver fact leads, exactly


def is_handed_on(facts: Facts) -> bool:
    """Outside the area, or somebody works with the family or did until 28 days ago: rules 3 and 4."""
    family = facts["family"]
    closed = family["closed_days_ago"]
    return family["in_area"] is False or family["open_work"] is not None or (closed is not None and closed <= 28)


@examples(150)
@given(FAMILIES, st.integers(0, 1000))
def test_a_hard_stop_or_immediate_danger_leads_to_a_strategy_discussion_whatever_else_is_said(
    facts: Facts, pick: int
) -> None:
    for concern in ("immediate danger", "a hard stop"):
        for changed in CONCERNS[concern](facts, pick):
            assert evaluate(changed)[:5] == (4, "strategy_discussion", "red", "social_worker", None)


@examples(150)
@given(FAMILIES)
def test_a_referrer_who_says_level_4_leads_to_a_social_worker_whatever_else_is_said(facts: Facts) -> None:
    before, after = evaluate(facts), evaluate({**facts, "referrer_level": 4})
    first = "social_work_assessment" if of_gate("strong", codes(facts)) else "social_worker_review"
    if before.pathway == "strategy_discussion":
        first = before.pathway
    assert after[:5] == (4, first, "red", "social_worker", None)


@examples(150)
@given(FAMILIES, st.integers(0, 1000))
def test_a_strong_indicator_leads_to_a_social_worker_unless_the_family_is_handed_on(facts: Facts, pick: int) -> None:
    before = evaluate(facts)
    for changed in added(STRONG)(facts, pick):
        after = evaluate(changed)
        if before.pathway == "strategy_discussion":
            assert after[:5] == before[:5]
        elif before.rag == "red":
            assert after[:5] == (4, "social_work_assessment", "red", "social_worker", None)
        elif is_handed_on(facts):
            assert after[:5] == (4, before.pathway, "amber", None, None)
        else:
            assert after[:5] == (4, "social_work_assessment", "amber", "social_worker", None)


Story = Callable[[Facts], Iterator[tuple[Facts, bool]]]


def known_fact(name: str, *, alone: bool = False) -> Story:
    """An aggravator's fact made true, which counts `alone`, or beside an indicator of level 2 or 3."""

    def story(facts: Facts) -> Iterator[tuple[Facts, bool]]:
        for changed in CONCERNS[name](facts, 0):
            yield changed, alone or bool(of_level(2, codes(facts)) | of_level(3, codes(facts)))

    return story


def young(name: str) -> Story:
    return lambda facts: (
        (changed, not codes(facts).isdisjoint({"L3-20", "L3-21", "L3-30", "L3-32"}))
        for changed in CONCERNS[name](facts, 0)
    )


def disabled(name: str) -> Story:
    def story(facts: Facts) -> Iterator[tuple[Facts, bool]]:
        of_the_family_itself = set(facts["family"]["indicators"])
        for each, changed in zip(facts["children"], CONCERNS[name](facts, 0), strict=True):
            yield changed, bool(of_level(3, of_the_family_itself | set(each["indicators"])))

    return story


def contacts_reach(name: str, limit: int) -> Story:
    return lambda facts: ((but(facts, ("family", name), count), True) for count in (limit, limit + 1, limit + 90))


def level_3_refused(facts: Facts) -> Iterator[tuple[Facts, bool]]:
    if level_3_or_by_accumulation(facts):
        for refused in ("refused", "withdrawn"):
            yield but(facts, ("agreement",), refused), True


def many_needs(facts: Facts) -> Iterator[tuple[Facts, bool]]:
    """A fourth level 3 need, or one of the third domain, beside what there is already."""
    level_3 = of_level(3, codes(facts))
    wanting = DOMAINS - domains_of(level_3)
    for holder in holders(facts):
        held = value_at(facts, holder)
        four = [code for code in LEVEL_3 if code not in level_3][: 4 - len(level_3)] if len(level_3) < 4 else []
        three_domains = [next(code for code in LEVEL_3 if CATALOGUE[code]["domain"] == each) for each in wanting]
        yield but(facts, holder, [*held, *four]), True
        yield but(facts, holder, [*held, *three_domains]), True


AGGRAVATORS: dict[str, Story] = {
    "a child not born yet": young("a child not born yet"),
    "a child under one, or of unknown age": young("a child under one, or of unknown age"),
    "a disabled child": disabled("a disabled child"),
    "a non-verbal child": disabled("a non-verbal child"),
    "a child with a plan before": known_fact("a child with a plan before"),
    "a child looked after before": known_fact("a child looked after before"),
    "a sibling with a plan": known_fact("a sibling with a plan"),
    "three contacts in three months": contacts_reach("contacts_3_months", 3),
    "five contacts in a year": contacts_reach("contacts_12_months", 5),
    "early help without progress": known_fact("early help without progress"),
    "high risk in a DASH": known_fact("high risk in a DASH", alone=True),
    "a MARAC": known_fact("a MARAC", alone=True),
    "level 3 refused": level_3_refused,
    "many needs": many_needs,
}
COUNTS_ALWAYS = {
    "three contacts in three months",
    "five contacts in a year",
    "high risk in a DASH",
    "a MARAC",
    "level 3 refused",
    "many needs",
}


def test_a_reason_to_look_again_leads_to_a_social_worker_unless_it_does_not_count_or_the_family_is_handed_on() -> None:
    seen: dict[str, set[str]] = {name: set() for name in AGGRAVATORS}

    @examples(250)
    @given(FAMILIES)
    def any_family(facts: Facts) -> None:
        before = evaluate(facts)
        strong = bool(of_gate("strong", codes(facts)))
        first = "social_work_assessment" if strong else "social_worker_review"
        for name, story in AGGRAVATORS.items():
            note(name)
            for changed, counts in story(facts):
                after = evaluate(changed)
                if before.rag == "red":
                    seen[name].add("red")
                    assert after[:5] == before[:5]
                elif is_handed_on(facts):
                    seen[name].add("handed on")
                    assert (after.pathway, after.hold) == (before.pathway, None)
                    if counts:
                        assert after.rag == "amber"
                    elif codes(changed) == codes(facts):
                        assert (after.rag, after.level) == (before.rag, before.level)
                elif counts:
                    seen[name].add("counts")
                    assert after[1:5] == (first, "amber", "social_worker", None)
                else:
                    seen[name].add("does not count")
                    assert after[:5] == before[:5]

    any_family()
    each = {"red", "handed on", "counts"}
    assert seen == {name: each if name in COUNTS_ALWAYS else each | {"does not count"} for name in AGGRAVATORS}


@examples(150)
@given(FAMILIES)
def test_refused_and_withdrawn_are_the_same_to_the_rules(facts: Facts) -> None:
    assert evaluate({**facts, "agreement": "refused"}) == evaluate({**facts, "agreement": "withdrawn"})


@examples(150)
@given(FAMILIES)
def test_what_nobody_knows_counts_as_no_but_the_area_as_ours_and_an_age_as_under_one(facts: Facts) -> None:
    for where in true_or_false(facts):
        quiet = where[-1] == "in_area"
        assert evaluate(but(facts, where, None)) == evaluate(but(facts, where, quiet))
    for number in range(len(facts["children"])):
        where = ("children", number, "age_years")
        assert evaluate(but(facts, where, None)) == evaluate(but(facts, where, 0))


# Who hands a family on says who works with it, and nothing of how fast


@examples(200)
@given(FAMILIES)
def test_handing_a_family_on_leaves_red_alone_and_lowers_nothing_else(facts: Facts) -> None:
    before = evaluate(facts)
    highest = max((int(CATALOGUE[code]["level"]) for code in codes(facts)), default=1)
    own_rating = "amber" if highest >= 3 else "green"
    for name, worse in HANDED_ON.items():
        for changed in worse(facts, 0):
            after = evaluate(changed)
            if before.rag == "red":
                assert after == before
            else:
                elsewhere = "link_to_open_work" if changed["family"]["in_area"] is not False else "other_authority"
                rating = max(before.rag, own_rating, key=RAGS.index)
                assert after[:5] == (before.level, elsewhere, rating, None, None), name
            assert (after.also_refer_to, after.warnings) == (before.also_refer_to, before.warnings)


each_way_to_be_handed_on = pytest.mark.parametrize(
    ("elsewhere", "said"),
    [
        pytest.param("other_authority", {"in_area": False}, id="outside our area"),
        pytest.param("link_to_open_work", {"open_work": "early_help"}, id="open early help"),
        pytest.param("link_to_open_work", {"closed_days_ago": 28}, id="closed 28 days ago"),
    ],
)


def outcome(facts: Facts) -> tuple[int, str, str, str | None]:
    found = answer(facts)
    return found["level"], found["pathway"], found["rag"], found["hold"]


@each_way_to_be_handed_on
def test_the_table_hands_on_a_strong_indicator_without_an_assessment_of_our_own(elsewhere: str, said: Facts) -> None:
    assert outcome(contact("L4-33")) == (4, "social_work_assessment", "amber", None)
    assert outcome(contact("L4-33", **said)) == (4, elsewhere, "amber", None)


@each_way_to_be_handed_on
def test_a_reason_to_look_again_beside_level_2_stays_amber_when_handed_on(elsewhere: str, said: Facts) -> None:
    assert outcome(contact("L2-11", previous_cp_plan=True)) == (2, "social_worker_review", "amber", None)
    assert outcome(contact("L2-11", previous_cp_plan=True, **said)) == (2, elsewhere, "amber", None)


@each_way_to_be_handed_on
@pytest.mark.parametrize(
    ("alone", "level"),
    [({"dash": "high"}, 3), ({"marac": True}, 3), ({"contacts_3_months": 3}, 2), ({"contacts_12_months": 5}, 2)],
)
def test_what_counts_alone_stays_amber_when_handed_on(elsewhere: str, said: Facts, alone: Facts, level: int) -> None:
    assert outcome(contact(**alone)) == (level, "social_worker_review", "amber", None)
    assert outcome(contact(**alone, **said)) == (level, elsewhere, "amber", None)


@each_way_to_be_handed_on
def test_level_3_by_accumulation_stays_level_3_when_handed_on(elsewhere: str, said: Facts) -> None:
    four_of_level_2 = ("L2-01", "L2-06", "L2-11", "L2-18")
    assert outcome(contact(*four_of_level_2)) == (3, "family_help", "green", None)
    assert outcome(contact(*four_of_level_2, **said)) == (3, elsewhere, "green", None)
    assert outcome(contact(*four_of_level_2, agreement="refused")) == (3, "social_worker_review", "amber", None)
    assert outcome(contact(*four_of_level_2, agreement="refused", **said)) == (3, elsewhere, "amber", None)


@each_way_to_be_handed_on
def test_the_table_lifts_a_hold_when_handed_on(elsewhere: str, said: Facts) -> None:
    assert outcome(contact("L2-11", agreement="refused")) == (2, "advice", "green", "manager")
    assert outcome(contact("L2-11", agreement="refused", **said)) == (2, elsewhere, "green", None)


def test_the_table_links_early_help_that_just_ended_without_progress_and_has_a_social_worker_look_only_later() -> None:
    ended: Facts = {"early_help_closed_without_progress_12_months": True}
    assert outcome(contact("L2-11", closed_days_ago=28, **ended)) == (2, "link_to_open_work", "amber", None)
    assert outcome(contact("L2-11", closed_days_ago=29, **ended)) == (2, "social_worker_review", "amber", None)


@pytest.mark.parametrize("said", [{"in_area": False}, {"open_work": "social_care"}, {"closed_days_ago": 0}])
def test_the_table_hands_nobody_on_whose_answer_is_red(said: Facts) -> None:
    assert pathway(contact("L4-01", **said)) == "strategy_discussion"
    assert pathway(contact("L4-33", referrer_level=4, **said)) == "social_work_assessment"
    assert pathway(contact(referrer_level=4, **said)) == "social_worker_review"


# The table: the other places


def test_an_assessment_stays_one_and_turns_red_when_the_referrer_says_level_4() -> None:
    assert outcome(contact("L4-33", referrer_level=3)) == (4, "social_work_assessment", "amber", None)
    assert outcome(contact("L4-33", referrer_level=4)) == (4, "social_work_assessment", "red", None)


def test_the_table_turns_early_help_into_advice_when_it_is_refused_at_level_2_and_a_manager_looks() -> None:
    assert outcome(contact("L2-11")) == (2, "early_help", "green", None)
    assert outcome(contact("L2-11", agreement="refused")) == (2, "advice", "green", "manager")


@pytest.mark.parametrize("agreement", ["not_sought", "refused"])
def test_the_table_lifts_a_hold_when_a_social_worker_looks(agreement: str) -> None:
    assert answer(contact("L2-11", agreement=agreement))["hold"] is not None
    assert outcome(contact("L2-11", agreement=agreement, marac=True)) == (3, "social_worker_review", "amber", None)


def test_the_table_refers_a_homeless_child_of_unknown_age_nowhere_although_the_age_counts_as_young() -> None:
    assert answer(contact("L4-50", age_years=16))["also_refer_to"] == ["homeless_16_17"]
    assert answer(contact("L4-50", age_years=None))["also_refer_to"] == []


def test_the_table_gives_advice_to_a_family_without_an_indicator_whatever_its_history() -> None:
    history: Facts = {
        "previous_cp_plan": True,
        "previously_looked_after": True,
        "disabled": True,
        "sibling_on_cp_plan": True,
        "early_help_closed_without_progress_12_months": True,
    }
    assert outcome(contact(**history)) == (1, "advice", "blue", None)
    assert outcome(contact("L2-11", **history)) == (2, "social_worker_review", "amber", None)


def test_the_table_finds_no_young_child_on_a_contact_that_names_no_child() -> None:
    assert outcome(contact(on_the_family=("L3-30",), children=[])) == (3, "family_help", "green", None)
    nobody_knows = [child("c1", age_years=None)]
    assert pathway(contact(on_the_family=("L3-30",), children=nobody_knows)) == "social_worker_review"


def test_the_table_does_not_ask_about_a_disabled_child_whose_level_3_is_by_accumulation_or_a_siblings() -> None:
    assert pathway(contact("L2-01", "L2-06", "L2-11", "L2-18", disabled=True)) == "family_help"
    assert pathway(contact(children=[child("c1", disabled=True), child("c2", "L3-12")])) == "family_help"
    assert pathway(contact("L3-12", disabled=True)) == "social_worker_review"


def test_the_table_no_longer_says_that_the_referrer_sees_level_4_beside_a_hard_stop() -> None:
    assert fired(contact(referrer_level=4)) == ["referrer_says_level_4"]
    assert fired(contact("L4-01", referrer_level=4)) == ["hard_stop"]


# What would change it, and what is missing: against brute force


class Limit(NamedTuple):
    """What the page's words ask about a number, and the numbers there are."""

    lowest: int
    highest: int
    asks: Callable[[int], object]


LIMITS = {
    "referrer_level": Limit(1, 4, lambda level: (level == 4, level == 1)),
    "age_years": Limit(0, 25, lambda age: age < 1),
    "contacts_3_months": Limit(0, 20_000, lambda count: count >= 3),
    "contacts_12_months": Limit(0, 20_000, lambda count: count >= 5),
    "closed_days_ago": Limit(0, 20_000, lambda days: days <= 28),
}


@cache
def other_sides(name: str, now: int) -> list[int]:
    """Walking down from the present number, then up: the first at which the answer turns, if it ever does."""
    limit = LIMITS[name]
    walks = (range(now - 1, limit.lowest - 1, -1), range(now + 1, limit.highest + 1))
    firsts = (next((number for number in walk if limit.asks(number) != limit.asks(now)), None) for walk in walks)
    return [first for first in firsts if first is not None]


def every_single_change(facts: Facts) -> Iterator[Facts]:
    """Of what is known, by the facts document itself; each is read and judged from scratch."""
    for agreement in AGREEMENTS:
        if agreement != facts["agreement"]:
            yield but(facts, ("agreement",), agreement)
    for where in true_or_false(facts):
        if (now := value_at(facts, where)) is not None:
            yield but(facts, where, not now)
    for holder in holders(facts):
        held = value_at(facts, holder)
        for code in set(held):
            yield but(facts, holder, [other for other in held if other != code])
    ages: list[Where] = [("children", number, "age_years") for number in range(len(facts["children"]))]
    of_family: list[Where] = [("family", name) for name in LIMITS if name in facts["family"]]
    numbers: list[Where] = [("referrer_level",), *ages, *of_family]
    for where in numbers:
        if (now := value_at(facts, where)) is not None:
            for other in other_sides(str(where[-1]), now):
                yield but(facts, where, other)


def changes_to(found: Recommendation) -> Counter[tuple[str, str, str | None]]:
    return Counter((change.pathway, change.rag, change.hold) for change in found.would_change)


@examples(250)
@given(FAMILIES)
def test_what_would_change_it_is_exactly_what_changes_it_when_each_fact_is_changed_and_all_are_read_again(
    facts: Facts,
) -> None:
    now = evaluate(facts)
    found = recommended(facts)
    changed = [evaluate(each) for each in every_single_change(facts)]
    expected = Counter((then.pathway, then.rag, then.hold) for then in changed)
    expected.pop((now.pathway, now.rag, now.hold), None)
    assert changes_to(found) == expected
    # Each is another sentence: nobody could act on a sentence that stands for two changes.
    assert len({change.if_ for change in found.would_change}) == expected.total()


@examples(250)
@given(FAMILIES, st.booleans())
def test_what_is_missing_is_exactly_what_could_change_the_result(facts: Facts, little_is_known: bool) -> None:
    if little_is_known:
        facts = forgotten(facts)
    now = evaluate(facts)
    unknown: list[tuple[Where, Iterable[object]]] = [(where, (True, False)) for where in true_or_false(facts)]
    unknown += [
        (("children", number, "age_years"), range(26))
        for number, each in enumerate(facts["children"])
        if each["unborn"] is not True
    ]
    expected = {
        path(where)
        for where, values in unknown
        if value_at(facts, where) is None and any(evaluate(but(facts, where, value)) != now for value in values)
    }
    missing = [missing.fact for missing in recommended(facts).missing]
    assert set(missing) == expected
    assert len(missing) == len(expected)


def forgotten(facts: Facts) -> Facts:
    """The same family, of whom nobody knows any true/false fact that is not a yes, nor the children's ages."""
    for where in true_or_false(facts):
        if value_at(facts, where) is False:
            facts = but(facts, where, None)
    return {**facts, "children": [{**each, "age_years": None} for each in facts["children"]]}


# One fact changed in a view is that fact read again


class Change(NamedTuple):
    where: Where
    value: Any

    def in_the_facts(self, facts: Facts) -> Any:
        if self.where[-1] == "indicators":
            held = value_at(facts, self.where)
            return but(facts, self.where, [code for code in held if code != self.value])
        return but(facts, self.where, self.value)

    def in_the_view(self, view: View) -> View:
        number = self.where[1] if self.where[0] == "children" else NO_CHILD
        assert isinstance(number, int)
        if self.where[-1] == "indicators":
            return THE_RULES.without_indicator(view, number, self.value)
        return THE_RULES.with_fact(view, str(self.where[-1]), number, self.value)


VALUES: dict[str, list[Any]] = {
    "referrer_level": [None, 1, 2, 3, 4],
    "age_years": [None, 0, 1, 15, 16, 17, 18, 25],
    "contacts_3_months": [0, 1, 2, 3, 4, 500],
    "contacts_12_months": [0, 1, 4, 5, 6, 500],
    "closed_days_ago": [None, 0, 1, 28, 29, 30, 5000],
    "dash": [None, "standard", "medium", "high"],
    "open_work": [None, "early_help", "social_care"],
}


def changes_of(facts: Facts) -> list[Change]:
    """Every fact to every value that makes sense of it; every indicator taken away, and one that was never there."""
    changes = [Change(("agreement",), value) for value in AGREEMENTS]
    changes += [Change(where, value) for where in true_or_false(facts) for value in (True, False, None)]
    for name, values in VALUES.items():
        wheres: list[Where] = [("family", name)] if name in facts["family"] else [(name,)]
        if name == "age_years":
            wheres = [("children", number, name) for number in range(len(facts["children"]))]
        changes += [Change(where, value) for where in wheres for value in values]
    for holder in holders(facts):
        changes += [Change(holder, code) for code in [*dict.fromkeys(value_at(facts, holder)), "L2-27"]]
    return changes


def assert_same(view: View, facts: Facts) -> None:
    read_again = THE_RULES.view(THE_RULES.facts(facts))
    assert THE_RULES.result(view) == THE_RULES.result(read_again)
    assert THE_RULES.brief_result(view) == THE_RULES.brief_result(read_again)
    assert [firing.id for firing in THE_RULES.firings(view)] == [firing.id for firing in THE_RULES.firings(read_again)]


@examples(120)
@given(FAMILIES)
def test_a_fact_changed_in_a_view_is_that_fact_read_again(facts: Facts) -> None:
    view = THE_RULES.view(THE_RULES.facts(facts))
    for change in changes_of(facts):
        assert_same(change.in_the_view(view), change.in_the_facts(facts))
    # And the view itself is as it was.
    assert_same(view, facts)


def family_with_changes(choices: Choices) -> tuple[Facts, list[Change]]:
    facts = a_family(choices)
    changes = changes_of(facts)
    return facts, [choices.of(changes) for _ in range(choices.of(range(2, 9)))]


@examples(150)
@given(built(family_with_changes, most=MOST + 9))
def test_several_changes_of_a_view_one_after_another_are_those_facts_read_again(
    changed: tuple[Facts, list[Change]],
) -> None:
    facts, changes = changed
    view = THE_RULES.view(THE_RULES.facts(facts))
    for change in changes:
        view, facts = change.in_the_view(view), change.in_the_facts(facts)
    assert_same(view, facts)
