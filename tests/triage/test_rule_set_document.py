"""The shipped document against the catalogue, and broken documents: every fault named with its rule and field."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from errors import InvalidInput
from tests.stage.broken_documents import A_REASON, DEEP_INSIDE, FAULTS_OF_SHAPE, GONE, MARAC, NOT_KNOWN, broken
from tests.stage.rule_documents import having, whole
from triage.ruleset import SHIPPED, RuleSet, load_file, parse, shipped

Document = dict[str, Any]

with (Path(__file__).parents[1] / "stage" / "indicators.csv").open(encoding="utf-8", newline="") as _file:
    CATALOGUE = list(csv.DictReader(_file))


class TestTheShippedDocument:
    def test_it_has_the_catalogue_line_by_line(self) -> None:
        shipped_lines = [
            {
                "code": entry.code,
                "level": str(entry.level),
                "domain": entry.domain,
                "area": entry.area,
                "gate": entry.gate.value,
                "also_refer_to": entry.also_refer_to or "",
                "indicator": entry.says,
            }
            for entry in shipped().document.indicators
        ]
        assert len(CATALOGUE) == 122
        for shipped_line, line in zip(shipped_lines, CATALOGUE, strict=True):
            assert shipped_line == line

    def test_its_rules_stand_in_the_pages_order(self) -> None:
        assert [rule.id for rule in shipped().document.rules] == [
            "hard_stop",
            "referrer_says_level_4_strong",
            "referrer_says_level_4",
            "outside_our_area",
            "already_working_with_the_family",
            "strong_level_4",
            "reason_to_look_again",
            "level_3_agreed",
            "level_3_agreement_not_sought",
            "level_2_agreed",
            "level_2_agreement_not_sought",
            "level_2_refused",
            "needs_met",
            "not_screened_yet",
        ]

    def test_only_the_starred_reasons_to_look_again_stand_alone(self) -> None:
        (rule,) = (rule for rule in shipped().document.rules if rule.aggravators)
        assert {each.id: each.alone for each in rule.aggravators} == {
            "young_child_parental_risk": False,
            "disabled_child": False,
            "earlier_protection": False,
            "sibling_protected": False,
            "three_in_three_months": True,
            "five_in_a_year": True,
            "early_help_did_not_work": False,
            "high_risk_domestic_abuse": True,
            "level_3_refused": False,
            "many_needs": False,
        }

    def test_it_is_the_same_document_as_json(self) -> None:
        """The database stores the document as JSON."""
        as_json = json.loads(json.dumps(yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))))
        assert parse(as_json).document == shipped().document

    def test_only_a_manager_decides_after_a_hard_stop(self) -> None:
        assert shipped().manager_decides == {"hard_stop"}


# ---- broken documents


def faults(document: object) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parse(document)
    return [str(fault) for fault in caught.value.faults]


def places(document: object) -> list[str]:
    return [fault.partition(": ")[0] for fault in faults(document)]


@pytest.mark.parametrize(("path", "value", "says"), FAULTS_OF_SHAPE)
def test_a_fault_of_shape_names_rule_and_field(path: str, value: object, says: str) -> None:
    assert faults(broken({path: value})) == [f"{path}: {says}"]


@pytest.mark.parametrize(("path", "value", "inside"), DEEP_INSIDE)
def test_a_fault_deep_inside_is_one_fault_at_the_writers_own_path(path: str, value: object, inside: str) -> None:
    assert places(broken({path: value})) == [path + inside]


def test_the_faults_of_shape_come_at_once() -> None:
    changes: dict[str, object] = {
        "title": GONE,
        "version": 0,
        "indicators.L4-01.gate": "soft",
        "rules.hard_stop.says": GONE,
        "rules.strong_level_4.when": {"colour": "red"},
        "rules.level_3_agreed.then.hold": "police",
        f"{A_REASON}.many_needs.alone": "yes",
        "warnings.do_not_inform_parents.title": GONE,
    }
    assert sorted(places(broken(changes))) == sorted(changes)


FACTS = (
    "closed_days_ago, contacts_12_months, contacts_3_months, dash, early_help_closed_without_progress_12_months, "
    "immediate_danger, in_area, marac, open_work, referrer_level, screened, sibling_on_cp_plan"
)
FACTS_OF_A_CHILD = (
    "age_years, date_of_birth_estimated, disabled, non_verbal, previous_cp_plan, previously_looked_after, unborn"
)
IN_SOME_CHILD = "is a fact of a child; ask for it inside some_child."
ONE_OF_THREE = "needs exactly one of is, in, and at_least or at_most."
ONE_WAY = "needs exactly one of when, aggravators and otherwise; otherwise may have a when."
NO_PATHWAY = "moon is not a pathway of this rule set."
NO_DEFINITION = "level_5 is not a condition under defined."
LAST = "is the last rule, and must fire when nothing above it does: give it otherwise: true, and no when."

FAULTS_OF_MEANING: list[tuple[str, object, str, str]] = [
    # where, what stands there, where in it the fault lies, what is said of it
    #
    # names that lead nowhere
    ("indicators.L4-01.also_refer_to", "police", "", "police is not a service of also_refer_to."),
    ("rules.level_3_agreed.then.pathway", "moon", "", NO_PATHWAY),
    (
        "rules.level_3_agreed.then.pathway",
        "no_further_action",
        "",
        "no_further_action is for people to decide, never for a rule.",
    ),
    ("two_person_decisions.advice_on_high_level.decided", {"pathway": ["moon"]}, "", NO_PATHWAY),
    ("two_person_decisions.hard_stop_overruled.decided", {"not_pathway": ["moon"]}, "", NO_PATHWAY),
    ("clocks.family_help_plan.only_on", ["family_help", "moon"], "", NO_PATHWAY),
    ("clocks.first_family_contact.not_on", ["moon"], "", NO_PATHWAY),
    (
        "two_person_decisions.hard_stop_overruled.recommended",
        {"rule": "moon"},
        ".rule",
        "moon is not a rule of this rule set.",
    ),
    (
        "rules.hard_stop.when",
        {"indicator": {"codes": ["L3-12", "L9-01"]}},
        ".indicator.codes[1]",
        "L9-01 is not an indicator of this rule set.",
    ),
    ("rules.hard_stop.when", {"defined": "level_5"}, ".defined", NO_DEFINITION),
    ("rules.hard_stop.when", {"fired": "needs_met"}, ".fired", "needs_met is not a rule above this one."),
    ("rules.hard_stop.when", {"fired": "hard_stop"}, ".fired", "hard_stop is not a rule above this one."),
    (
        "rules.level_3_agreed.when",
        {"not": {"fired": "many_needs"}},
        ".not.fired",
        "many_needs is not a rule above this one.",
    ),
    ("defined.early", {"fired": "hard_stop"}, ".fired", "hard_stop is not a rule above this one."),
    #
    # facts that are not facts, or not there
    (
        "rules.hard_stop.when",
        {"fact": "shoe_size", "is": 38},
        ".fact",
        f"shoe_size is not a fact; the facts here are {FACTS}.",
    ),
    (
        "rules.hard_stop.when",
        {"some_child": {"fact": "shoe_size", "is": 38}},
        ".some_child.fact",
        f"shoe_size is not a fact; the facts here are {FACTS_OF_A_CHILD}.",
    ),
    ("rules.hard_stop.when", {"fact": "disabled", "is": True}, ".fact", f"disabled {IN_SOME_CHILD}"),
    ("also_refer_to.homeless_16_17.only_if", {"fact": "age_years", "is": 16}, ".fact", f"age_years {IN_SOME_CHILD}"),
    (
        "warnings.do_not_inform_parents.when",
        {"any": [{"fact": "unborn", "is": True}]},
        ".any[0].fact",
        f"unborn {IN_SOME_CHILD}",
    ),
    (f"{A_REASON}.many_needs.when", {"fact": "unborn", "is": True}, ".fact", f"unborn {IN_SOME_CHILD}"),
    (
        "rules.hard_stop.when",
        {"indicator": {"level": 3, "where": "child"}},
        ".indicator.where",
        "child has a meaning inside some_child only.",
    ),
    (
        "rules.hard_stop.when",
        {"indicator": {"level": 3, "where": "child_or_family"}},
        ".indicator.where",
        "child_or_family has a meaning inside some_child only.",
    ),
    #
    # questions without an answer, or with two
    ("rules.hard_stop.when", {"fact": "marac"}, "", ONE_OF_THREE),
    ("rules.hard_stop.when", {"fact": "marac", "is": None}, "", ONE_OF_THREE),
    ("rules.hard_stop.when", {"fact": "dash", "is": "high", "in": ["medium"]}, "", ONE_OF_THREE),
    ("rules.hard_stop.when", {"fact": "closed_days_ago", "is": 3, "at_most": 28}, "", ONE_OF_THREE),
    #
    # rules that fire in no way or in two
    ("rules.level_3_agreed.when", None, "", ONE_WAY),
    ("rules.reason_to_look_again.when", MARAC, "", ONE_WAY),
    ("rules.level_3_agreed.beside", MARAC, "", "belongs to aggravators, and this rule has none."),
    #
    # cases that leave a gap
    (
        "rules.outside_our_area.then.rag",
        [{"is": "amber"}, {"is": "green"}],
        "[0]",
        "needs a when: only the last case has none.",
    ),
    (
        "rules.outside_our_area.then.rag",
        [{"when": MARAC, "is": "amber"}],
        "[0]",
        "is the last case, and may have no when.",
    ),
    (
        "rules.reason_to_look_again.then.level",
        [{"when": MARAC, "is": 3}],
        "[0]",
        "is the last case, and may have no when.",
    ),
    (
        "rules.outside_our_area.then.rag",
        [{"when": {"defined": "level_5"}, "is": "amber"}, {"is": "green"}],
        "[0].when.defined",
        NO_DEFINITION,
    ),
    #
    # circles
    ("defined.itself", {"not": {"defined": "itself"}}, "", "is defined by itself, in a circle."),
]


@pytest.mark.parametrize(("path", "value", "inside", "says"), FAULTS_OF_MEANING)
def test_a_fault_of_meaning_names_rule_and_field(path: str, value: object, inside: str, says: str) -> None:
    # A whole rule is at fault for having no way to fire, not the field that is not there.
    at_the_rule = path.rpartition(".")[0] if says == ONE_WAY else path + inside
    assert faults(broken({path: value})) == [f"{at_the_rule}: {says}"]


@pytest.mark.parametrize("change", [{"only_on": None}, {"not_on": ["advice"]}])
def test_a_clock_says_on_which_pathways_it_is_or_on_which_it_is_not(change: Document) -> None:
    document = having(whole(), "clocks", "family_help_plan", **change)
    assert faults(document) == ["clocks.family_help_plan: needs exactly one of only_on and not_on."]


def test_a_pathway_that_leads_to_a_team_says_what_work_it_is() -> None:
    document = having(whole(), "pathways", "early_help", work=None)
    says = "leads to a team; say in work whose work it is, and what kind of work."
    assert faults(document) == [f"pathways.early_help: {says}"]


def test_the_faults_of_meaning_come_at_once() -> None:
    changes: dict[str, object] = {
        "indicators.L4-01.also_refer_to": "police",
        "rules.hard_stop.when": {
            "all": [{"fact": "shoe_size", "is": 38}, {"indicator": {"codes": ["L9-01", "L9-02"]}}]
        },
        "rules.strong_level_4.when": {"defined": "level_5"},
        "rules.outside_our_area.then.rag": [{"is": "amber"}, {"is": "green"}],
        "rules.level_3_agreed.then.pathway": "moon",
        "rules.level_2_agreed.beside": MARAC,
        "rules.level_2_refused.when": None,
        "defined.itself": {"defined": "itself"},
        "two_person_decisions.hard_stop_overruled.recommended": {"rule": "moon"},
    }
    document = broken(changes)
    document["warnings"] *= 2
    assert sorted(places(document)) == sorted(
        [
            "indicators.L4-01.also_refer_to",
            "rules.hard_stop.when.all[0].fact",
            "rules.hard_stop.when.all[1].indicator.codes[0]",
            "rules.hard_stop.when.all[1].indicator.codes[1]",
            "rules.strong_level_4.when.defined",
            "rules.outside_our_area.then.rag[0]",
            "rules.level_3_agreed.then.pathway",
            "rules.level_2_agreed.beside",
            "rules.level_2_refused",
            "warnings",
            "defined.itself",
            "two_person_decisions.hard_stop_overruled.recommended.rule",
        ]
    )


def test_a_circle_through_several_definitions_is_named_at_each() -> None:
    document = broken({"defined.level_3_by_accumulation": {"defined": "level_3"}})
    assert places(document) == ["defined.level_3_by_accumulation", "defined.level_3"]


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("pathways", "strategy_discussion"),
        ("rules", "hard_stop"),
        ("also_refer_to", "homeless_16_17"),
        ("warnings", "do_not_inform_parents"),
        ("two_person_decisions", "advice_on_high_level"),
        ("indicators", "L4-01"),
    ],
)
def test_a_name_that_stands_twice_is_a_fault(group: str, name: str) -> None:
    document = whole()
    document[group].insert(0, document[group][0])
    assert faults(document) == [f"{group}: {name} stands here more than once; a name must be its own."]


def test_a_rule_and_a_reason_to_look_again_may_not_share_a_name() -> None:
    """A recommendation's reasons name either by its id."""
    (fault,) = faults(broken({f"{A_REASON}.many_needs.id": "hard_stop"}))
    assert fault == "rules: hard_stop stands here more than once; a name must be its own."


def test_the_last_rule_fires_when_nothing_above_it_does() -> None:
    document = whole() | {"scenarios": []}
    document["rules"].pop()
    assert faults(document) == [f"rules.needs_met: {LAST}"]
    document["rules"].pop()
    assert faults(document) == [f"rules.level_2_refused: {LAST}"]


def test_no_rule_may_stand_below_the_one_that_always_fires() -> None:
    document = whole()
    document["rules"].insert(0, document["rules"].pop())
    says = "may stand without a when in the last rule only: nothing after it would ever be asked."
    assert faults(document) == [f"rules.not_screened_yet.otherwise: {says}", f"rules.needs_met: {LAST}"]


def test_a_rule_that_fires_when_nothing_above_it_does_has_no_reasons_to_look_again() -> None:
    document = having(whole(), "rules", "reason_to_look_again", otherwise=True)
    assert faults(document)[0] == f"rules.reason_to_look_again: {ONE_WAY}"


def test_a_rule_whose_reasons_to_look_again_were_all_removed_is_a_fault() -> None:
    document = broken({A_REASON: []})
    assert places(document) == ["rules.reason_to_look_again", "rules.reason_to_look_again.beside"]


# A rule that can never fire because its value is not one that the fact can have is as lost as a misspelt one, and
# nobody would notice: the family with a high DASH would be offered early help.
QUESTIONS_THAT_NO_FACT_CAN_ANSWER = [
    {"fact": "dash", "is": "hihg"},
    {"fact": "dash", "in": ["high", "vrey_high"]},
    {"fact": "open_work", "is": True},
    {"fact": "marac", "is": "yes"},
    {"fact": "marac", "in": ["true"]},
    {"fact": "referrer_level", "is": "4"},
    {"fact": "referrer_level", "in": ["4"]},
    {"fact": "referrer_level", "is": 5},
    {"fact": "dash", "at_least": 1},
    {"fact": "marac", "at_least": 1},
    {"fact": "closed_days_ago", "at_least": 29, "at_most": 28},
    {"some_child": {"fact": "age_years", "is": True}},
]


@pytest.mark.parametrize("question", QUESTIONS_THAT_NO_FACT_CAN_ANSWER, ids=str)
def test_a_question_that_its_fact_can_never_answer_is_a_fault(question: Document) -> None:
    (place,) = places(broken({"rules.hard_stop.when": question}))
    assert place.startswith("rules.hard_stop.when")


def test_a_rule_for_no_agreement_at_all_is_a_fault() -> None:
    """Such a rule would never fire."""
    assert places(broken({"rules.level_3_agreed.agreement": []})) == ["rules.level_3_agreed.agreement"]


@pytest.mark.parametrize("document", [None, 3, "early-help-first", [], [1]])
def test_a_document_is_an_object(document: object) -> None:
    (fault,) = faults(document)
    assert fault.startswith("must be an object, not ")


# ---- files


def load(tmp_path: Path, text: str | bytes) -> RuleSet:
    file = tmp_path / "rules.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_file(file)


UNREADABLE: list[tuple[str, str | bytes]] = [
    ("not closed", "rules: [hard_stop\n"),
    ("not UTF-8", b"title: \xff\xfe"),
    ("code in it", "!!python/object/apply:os.system [ls]\n"),
    ("two documents", "title: a\n---\ntitle: b\n"),
    ("a control character", "title: \x00\n"),
    ("a day that does not exist", "title: 2026-02-30\n"),
    ("nested too deeply", "title: " + "[" * 3000 + "]" * 3000),
    ("holds itself", "defined: &again\n  level_3: *again\n"),
]


@pytest.mark.parametrize("text", [row[1] for row in UNREADABLE], ids=[row[0] for row in UNREADABLE])
def test_text_that_cannot_be_read_ends_in_a_sentence(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, text)
    assert all(fault.message.endswith(".") for fault in caught.value.faults)


def test_an_empty_file_is_no_rule_set(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="must be an object, not null"):
        load(tmp_path, "# nothing yet\n")


def test_a_key_that_stands_twice_is_a_fault(tmp_path: Path) -> None:
    """YAML would keep only the second value, so a hard stop could end in advice."""
    wanted = "    then: {pathway: strategy_discussion, rag: red, level: 4}\n"
    text = SHIPPED.read_text(encoding="utf-8")
    assert text.count(wanted) == 1
    with pytest.raises(InvalidInput, match="twice"):
        load(tmp_path, text.replace(wanted, wanted + "    then: {pathway: advice, rag: blue, level: 1}\n"))


@pytest.mark.parametrize("indent", [None, 2, "\t"], ids=["one line", "spaces", "tabs"])
def test_a_file_may_be_json(tmp_path: Path, indent: int | str | None) -> None:
    assert load(tmp_path, json.dumps(whole(), indent=indent)).document == shipped().document


# ---- scenarios


ONE_CHILD = {"ref": "c1", "indicators": ["L3-12"]}
FAULTS_OF_SCENARIOS: list[tuple[str, object, str, str]] = [
    # the field, what stands there, where in it the fault lies, what is said of it
    (
        "facts",
        {"children": [{"indicators": ["L3-12", "shouting"]}]},
        ".children[0].indicators[1]",
        '"shouting" is not an indicator of this rule set.',
    ),
    (
        "facts",
        {"family": {"indicators": ["L4-10"]}},
        ".family.indicators[0]",
        '"L4-10" is not an indicator of this rule set. Did you mean L4-10b?',
    ),
    ("facts", {"shoe_size": 38}, ".shoe_size", NOT_KNOWN),
    (
        "facts",
        {"children": [ONE_CHILD, ONE_CHILD]},
        ".children",
        "Two children share a ref; give each child a ref of its own.",
    ),
    (
        "facts",
        {"children": [ONE_CHILD, {"ref": " c1 "}]},
        ".children",
        "Two children share a ref; give each child a ref of its own.",
    ),
    ("expect", {}, "", "expects nothing; name at least the pathway."),
    ("expect", {"pathway": "moon"}, ".pathway", "moon is not a pathway for rules of this rule set."),
    (
        "expect",
        {"pathway": "no_further_action"},
        ".pathway",
        "no_further_action is not a pathway for rules of this rule set.",
    ),
    ("expect", {"lead": "astronaut"}, ".lead", "astronaut is not a lead of a pathway of this rule set."),
    (
        "expect",
        {"also_refer_to": ["lado", "police"]},
        ".also_refer_to",
        "police is not a service of also_refer_to of this rule set.",
    ),
    ("expect", {"warnings": ["run"]}, ".warnings", "run is not a warning of this rule set."),
    ("expect", {"reasons": ["moon"]}, ".reasons", "moon is not a rule or an aggravator of this rule set."),
    (
        "expect",
        {"reasons": ["reason_to_look_again"]},
        ".reasons",
        "reason_to_look_again is not a rule or an aggravator of this rule set.",
    ),
    ("expect", {"reasons": []}, ".reasons", "needs at least one of them."),
    ("expect", {"level": 5}, ".level", "5 is not one of 1, 2, 3 or 4."),
    ("expect", {"level": True}, ".level", "must be a whole number, not true."),
    ("expect", {"shoe_size": 38}, ".shoe_size", NOT_KNOWN),
    ("title", GONE, "", "is missing."),
    ("facts", GONE, "", "is missing."),
    ("expect", GONE, "", "is missing."),
    ("protected", "yes", "", 'must be true or false, not "yes".'),
]


@pytest.mark.parametrize(("field", "value", "inside", "says"), FAULTS_OF_SCENARIOS)
def test_a_fault_of_a_scenario_names_it_and_its_field(field: str, value: object, inside: str, says: str) -> None:
    path = f"scenarios.injury.{field}"
    assert faults(broken({path: value})) == [f"{path}{inside}: {says}"]


def test_the_faults_of_several_scenarios_come_at_once() -> None:
    changes: dict[str, object] = {
        "scenarios.injury.expect": {},
        "scenarios.marac.expect": {"pathway": "moon", "warnings": ["run"]},
        "scenarios.needs_met.facts": {"children": [ONE_CHILD, ONE_CHILD]},
    }
    assert sorted(places(broken(changes))) == [
        "scenarios.injury.expect", "scenarios.marac.expect.pathway", "scenarios.marac.expect.warnings",
        "scenarios.needs_met.facts.children",
    ]  # fmt: skip


def test_a_scenarios_name_that_stands_twice_is_a_fault() -> None:
    document = whole()
    document["scenarios"].append(document["scenarios"][0])
    assert faults(document) == ["scenarios: injury stands here more than once; a name must be its own."]


def test_two_children_may_have_no_ref() -> None:
    assert parse(broken({"scenarios.injury.facts": {"children": [{}, {}]}}))


@pytest.mark.parametrize("name", ["hard_stop", "many_needs", "needs_met"])
def test_a_reason_is_a_rule_or_an_aggravator(name: str) -> None:
    assert parse(broken({"scenarios.injury.expect": {"reasons": [name]}}))


def test_a_scenario_knows_the_indicators_of_its_own_document() -> None:
    """One that was renamed is unknown to the scenarios that speak of it."""
    (fault, *others) = faults(broken({"indicators.L4-38.code": "L4-99", "scenarios.injury.protected": False}))
    assert fault.startswith('scenarios.nobody_to_care.facts.children[0].indicators[0]: "L4-38" is not an indicator')
    assert others == []


@pytest.mark.parametrize(
    ("text", "line"),
    [("title: &name x\nother: *name\n", 2), ("- &all [1]\n- *all\n", 2), ("a: &x {b: 1}\n\nc:\n  <<: *x\n", 4)],
)
def test_an_alias_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    """A few aliases of aliases are a document too large for any machine."""
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, text)
    assert str(caught.value) == f"Line {line} uses an alias (*): write out what it stands for."


def test_a_document_of_aliases_of_aliases_ends_at_once(tmp_path: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    with pytest.raises(InvalidInput, match="Line 2 uses an alias"):
        load(tmp_path, "\n".join(rows))


def test_an_anchor_that_nobody_uses_does_no_harm(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8").replace("title: Early help first", "title: &name Early help first", 1)
    assert load(tmp_path, text).document == shipped().document
