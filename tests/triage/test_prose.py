"""Rules in plain English: every kind of condition in words, and nothing changes in a document that the page hides."""

import importlib.util
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest

from tests.stage.asking import child, contact
from tests.stage.rule_documents import VERSION_1, Json, having, leaves, read, whole
from triage import documents
from triage.prose import chapters, facts_say
from triage.rule_set_document import RuleSetDocument, Scenario
from triage.ruleset import load_file, shipped

DRAW = Path(__file__).parents[2] / "docs" / "draw.py"
Shape = TypeVar("Shape")
MARAC = {"fact": "marac", "is": True}


def lines(document: RuleSetDocument, chapter: str, item: str) -> list[str]:
    """The lines of an item, each indented by its depth."""
    (found,) = [each for each in chapters(document) if each.id == chapter]
    (wanted,) = [each for each in found.items if each.id == item]
    return [f"{'  ' * line.depth}{line.text}" for line in wanted.lines]


def in_words(condition: Json) -> list[str]:
    """A condition as a definition has it, after "This holds when"."""
    document = whole()
    document["defined"]["asked"] = condition
    first, *others = lines(read(document), "defined", "asked")
    return [first.removeprefix("This holds when "), *others]


ONE_OF_THESE = "one of these indicators is present on any child or the family"
SIMPLE: list[tuple[Json, str]] = [
    # indicators
    ({"indicator": {"gate": "hard_stop"}}, "a hard-stop indicator is present on any child or the family."),
    ({"indicator": {"gate": "strong"}}, "a strong indicator is present on any child or the family."),
    ({"indicator": {"gate": "early_help"}}, "an early-help indicator is present on any child or the family."),
    ({"indicator": {"level": 3}}, "a level 3 indicator is present on any child or the family."),
    ({"indicator": {"level": [2, 3]}}, "a level 2 or 3 indicator is present on any child or the family."),
    ({"indicator": {"level": [2, 3, 4]}}, "a level 2, 3 or 4 indicator is present on any child or the family."),
    (
        {"indicator": {"gate": "strong", "level": 4}},
        "a strong level 4 indicator is present on any child or the family.",
    ),
    ({"indicator": {}}, "a listed indicator is present on any child or the family."),
    (
        {"indicator": {"codes": ["L4-01", "L4-02"]}},
        f"{ONE_OF_THESE}: Non-accidental injury (L4-01); Sexual abuse (L4-02).",
    ),
    (
        {"indicator": {"codes": ["L4-01"], "level": 4}},
        "one of these level 4 indicators is present on any child or the family: Non-accidental injury (L4-01).",
    ),
    (
        {"different": {"level": 2, "at_least": 4}},
        "four or more different level 2 indicators are present over the whole contact.",
    ),
    (
        {"different": {"level": 2, "at_least": 4, "domains": 2}},
        "four or more different level 2 indicators are present over the whole contact, in at least two domains.",
    ),
    ({"different": {"level": 3, "domains": 3}}, "level 3 indicators are present in all three domains."),
    ({"different": {"level": 3, "domains": 2}}, "level 3 indicators are present in at least two domains."),
    (
        {"different": {"level": 3, "at_least": 12}},
        "12 or more different level 3 indicators are present over the whole contact.",
    ),
    # facts
    ({"fact": "immediate_danger", "is": True}, "a child is in immediate danger."),
    ({"fact": "immediate_danger", "is": False}, "no child is in immediate danger."),
    ({"fact": "in_area", "is": True}, "the family lives in our area."),
    ({"fact": "in_area", "is": False}, "the family lives outside our area."),
    (
        {"fact": "in_area", "is": False, "unknown": "fires"},
        "the family lives outside our area, or this is not known.",
    ),
    (
        {"fact": "marac", "is": True, "unknown": "fires"},
        "the domestic abuse has been referred to a MARAC, or this is not known.",
    ),
    ({"fact": "dash", "is": "high"}, "the DASH risk is high."),
    ({"fact": "dash", "in": ["medium", "high"]}, "the DASH risk is medium or the DASH risk is high."),
    (
        {"fact": "open_work", "in": ["early_help", "social_care"]},
        "early help is open with the family or social care is open with the family.",
    ),
    ({"fact": "referrer_level", "is": 4}, "the referrer's level is 4."),
    ({"fact": "contacts_3_months", "at_least": 3}, "the contacts in three months are 3 or more."),
    ({"fact": "contacts_12_months", "at_most": 3}, "the contacts in twelve months are 3 or less."),
    ({"fact": "contacts_12_months", "at_most": 0}, "the contacts in twelve months are 0."),
    ({"fact": "closed_days_ago", "at_least": 1, "at_most": 28}, "the last piece of work closed 1 to 28 days ago."),
    # children
    ({"some_child": {"fact": "unborn", "is": True}}, "for at least one child the child is not born yet."),
    (
        {"some_child": {"fact": "age_years", "at_most": 0, "unknown": "fires"}},
        "for at least one child the child's age is 0, or this is not known.",
    ),
    (
        {"some_child": {"indicator": {"level": 3, "where": "child"}}},
        "for at least one child a level 3 indicator is present on the child.",
    ),
    (
        {"some_child": {"indicator": {"level": 3, "where": "child_or_family"}}},
        "for at least one child a level 3 indicator is present on that child or the family.",
    ),
    # what stands elsewhere
    ({"defined": "level_3"}, "there is level 3, as defined below."),
]

IN_PARTS: list[tuple[Json, list[str]]] = [
    (
        {"all": [MARAC, {"fact": "dash", "is": "high"}]},
        ["all of these hold:", "  the domestic abuse has been referred to a MARAC", "  the DASH risk is high"],
    ),
    (
        {"any": [MARAC, {"all": [MARAC, {"fact": "dash", "is": "high"}]}]},
        [
            "any of these holds:", "  the domestic abuse has been referred to a MARAC", "  all of these hold:",
            "    the domestic abuse has been referred to a MARAC", "    the DASH risk is high",
        ],
    ),
    ({"not": MARAC}, ["this does not hold:", "  the domestic abuse has been referred to a MARAC"]),
    (
        {"not": {"any": [MARAC, {"fact": "dash", "is": "high"}]}},
        [
            "this does not hold:", "  any of these holds:", "    the domestic abuse has been referred to a MARAC",
            "    the DASH risk is high",
        ],
    ),
    (
        {"some_child": {"all": [{"fact": "disabled", "is": True}, {"fact": "age_years", "at_most": 4}]}},
        ["for one and the same child all of these hold:", "  the child is disabled", "  the child's age is 4 or less"],
    ),
    (
        {"some_child": {"any": [{"fact": "disabled", "is": True}, {"fact": "non_verbal", "is": True}]}},
        ["for at least one child any of these holds:", "  the child is disabled", "  the child is non-verbal"],
    ),
    (
        {"some_child": {"not": {"fact": "disabled", "is": True}}},
        ["for at least one child:", "  this does not hold:", "    the child is disabled"],
    ),
]  # fmt: skip


class TestConditions:
    @pytest.mark.parametrize(("condition", "says"), SIMPLE, ids=[str(condition) for condition, _ in SIMPLE])
    def test_a_simple_one_is_a_sentence(self, condition: Json, says: str) -> None:
        assert in_words(condition) == [says]

    @pytest.mark.parametrize(("condition", "says"), IN_PARTS, ids=[str(condition) for condition, _ in IN_PARTS])
    def test_one_with_parts_is_a_list(self, condition: Json, says: list[str]) -> None:
        assert in_words(condition) == says

    def test_one_that_asks_about_another_rule(self) -> None:
        fired, did_not = {"fired": "hard_stop"}, {"not": {"fired": "hard_stop"}}
        for condition, says in ((fired, "fired"), (did_not, "did not fire")):
            document = having(whole(), "rules", "strong_level_4", when=condition)
            assert lines(read(document), "rules", "strong_level_4")[1] == f"Fires when the rule “Hard stop” {says}."


class TestRules:
    def test_one_with_a_condition(self) -> None:
        assert lines(shipped().document, "rules", "hard_stop") == [
            shipped().document.rules[0].says,
            "Fires when any of these holds:",
            "  a hard-stop indicator is present on any child or the family",
            "  a child is in immediate danger",
            "Then: Strategy discussion.",
            "The rating is red.",
            "The level is 4.",
            "A manager decides.",
        ]

    def test_one_for_some_agreements_that_holds(self) -> None:
        text = lines(shipped().document, "rules", "level_2_refused")
        present = "a level 2 indicator is present on any child or the family"
        assert text[1] == f"Fires when agreement is refused or withdrawn and {present}."
        assert "It waits for a manager." in text
        text = lines(shipped().document, "rules", "level_3_agreement_not_sought")
        assert text[1].startswith("Fires when agreement is not sought and")
        assert "It waits until somebody has asked the family whether it agrees." in text

    def test_one_that_fires_by_its_reasons(self) -> None:
        text = lines(shipped().document, "rules", "reason_to_look_again")
        assert text[1] == "Fires when one of its reasons holds."
        assert text[2] == (
            "A reason counts only when, beside it, a level 2 or 3 indicator is present on any child or the family."
        )
        assert text[3] == (
            "These count alone: Three contacts in three months; Five contacts in a year; High-risk domestic abuse."
        )
        assert text[-4:] == [
            "The level is 3 when any of these holds:",
            "  there is level 3, as defined below",
            "  there is high risk domestic abuse, as defined below",
            "Else it is 2.",
        ]

    def test_a_reason_says_whether_it_counts_alone(self) -> None:
        document = shipped().document
        assert lines(document, "rules", "reason_to_look_again.sibling_protected")[-1] == "It does not count alone."
        assert lines(document, "rules", "reason_to_look_again.five_in_a_year")[-1] == "It counts alone."
        refused = lines(document, "rules", "reason_to_look_again.level_3_refused")
        assert refused[1] == "Holds when agreement is refused or withdrawn and there is level 3, as defined below."

    def test_the_last(self) -> None:
        assert lines(shipped().document, "rules", "not_screened_yet")[1:3] == [
            "Fires when nothing above it does.", "Then: Advice and information.",
        ]  # fmt: skip

    def test_one_that_fires_when_nothing_above_it_does_and_its_condition_holds(self) -> None:
        assert lines(shipped().document, "rules", "needs_met")[1:4] == [
            "Fires when nothing above it does, and any of these holds:",
            "  somebody at the front door has chosen the indicators, or said that none applies",
            "  the referrer's level is 1",
        ]
        some = having(whole(), "rules", "needs_met", when={"fact": "screened", "is": True}, agreement=["given"])
        assert lines(read(some), "rules", "needs_met")[1] == (
            "Fires when nothing above it does, agreement is given and somebody at the front door has chosen the "
            "indicators, or said that none applies."
        )

    @pytest.mark.parametrize(
        ("field", "says"),
        [
            ("gravest", "The rating is the gravest, and the level the highest, of all rules that fire."),
            ("first_rule", "It sets the rating and the level, too."),
        ],
    )
    def test_where_rating_and_level_come_from(self, field: str, says: str) -> None:
        document = read(whole() | {"rating_and_level": field, "scenarios": []})
        assert lines(document, "document", "rating_and_level")[1] == says

    def test_one_whose_level_is_that_of_the_indicators(self) -> None:
        text = lines(load_file(VERSION_1).document, "rules", "outside_our_area")
        assert text[-1] == "The level is that of the highest indicator; 1 where there is none."
        assert text[-3] == "The rating is amber when a level 3 or 4 indicator is present on any child or the family."


class TestTheOtherChapters:
    def test_a_pathway(self) -> None:
        assert lines(shipped().document, "pathways", "family_help")[0] == (
            "It goes to the multi-disciplinary team of the family's locality, led by a family help practitioner."
        )
        assert lines(shipped().document, "pathways", "no_further_action") == [
            "It ends at the front door.", "Only a person can choose it; no rule recommends it.",
        ]  # fmt: skip

    def test_a_decision_that_needs_two_people(self) -> None:
        assert lines(shipped().document, "two_person_decisions", "hard_stop_overruled") == [
            "It overrules a hard stop.",
            "Two people are needed where all of these hold:",
            "  the rule “Hard stop” fired",
            "  the decision is not Strategy discussion",
        ]
        assert lines(shipped().document, "two_person_decisions", "red_lowered")[2:] == [
            "  the recommended rating is red", "  the decided rating is amber, green or blue",
        ]  # fmt: skip
        assert lines(load_file(VERSION_1).document, "two_person_decisions", "repeat_contact_closed")[2:] == [
            "  the decision is Advice and information or No further action",
            "  there are 3 or more contacts in three months",
        ]
        assert lines(shipped().document, "two_person_decisions", "repeat_contact_closed")[2:] == [
            "  the decision ends at the front door", "  there are 3 or more contacts in three months",
        ]  # fmt: skip
        assert lines(shipped().document, "two_person_decisions", "no_indicator_chosen")[2:] == [
            "  the decision ends at the front door", "  nobody chose an indicator",
        ]  # fmt: skip
        assert lines(shipped().document, "two_person_decisions", "advice_on_high_level")[3] == (
            "  the recommended or the decided level is 3 or more"
        )
        assert lines(shipped().document, "two_person_decisions", "refused_agreement_overridden")[2:] == [
            "  the decision is one that the family is free to refuse", "  agreement is refused or withdrawn",
        ]  # fmt: skip

    def test_another_service(self) -> None:
        assert lines(shipped().document, "also_refer_to", "homeless_16_17") == [
            "Added beside the pathway where one of these is present: L4-50.",
            "Only where for at least one child the child's age is 16 to 17.",
        ]

    def test_an_indicator(self) -> None:
        assert lines(shipped().document, "indicators", "L4-05") == [
            "Level 4, gate hard stop; development, health; also refer to lado."
        ]

    def test_a_scenario(self) -> None:
        assert lines(shipped().document, "scenarios", "injury") == [
            "A safety scenario: only a service manager may change it.",
            "Given:",
            "  Agreement is given.",
            "  Child c1: age is 7; Non-accidental injury (L4-01).",
            "Expected: Strategy discussion; red; level 4; no hold; led by a social worker; because of hard stop.",
        ]

    @pytest.mark.parametrize(
        ("expect", "says"),
        [
            ({"hold": "agreement"}, "held for agreement"),
            ({"hold": "manager"}, "held for a manager"),
            ({"hold": "screening"}, "held for screening"),
            ({"hold": None}, "no hold"),
            ({"lead": None}, "no lead"),
            ({"also_refer_to": []}, "also refer to nobody"),
            ({"also_refer_to": ["lado"]}, "also refer to lado"),
            ({"warnings": []}, "warnings: none"),
            ({"warnings": ["do_not_inform_parents"]}, "warnings: do not inform parents"),
            ({"rag": "blue", "level": 1}, "blue; level 1"),
        ],
    )
    def test_what_is_expected(self, expect: Json, says: str) -> None:
        text = lines(read(having(whole(), "scenarios", "needs_met", expect=expect)), "scenarios", "needs_met")
        assert text[-1] == f"Expected: {says}."


class TestFacts:
    def test_everything_that_is_known(self) -> None:
        earlier = {"previous_cp_plan": True, "previously_looked_after": False}
        facts = contact(
            children=[
                child("c1", "L4-01", disabled=True, non_verbal=False, **earlier),
                child(None, age_years=None, unborn=True),
                child("c3", age_years=None),
            ],
            on_the_family=("L3-36",), agreement="refused", screened=True, immediate_danger=True, referrer_level=4,
            contacts_3_months=2, contacts_12_months=5, sibling_on_cp_plan=True, dash="high", marac=False,
            open_work="early_help", closed_days_ago=0, in_area=None, early_help_closed_without_progress_12_months=True,
        )  # fmt: skip
        rules = shipped()
        says = list(facts_say(rules.facts(facts), dict(rules.catalogue.entries)))
        assert says[:4] == [
            "Agreement is refused.", "Somebody at the front door has chosen the indicators, or said that none applies.",
            "A child is in immediate danger.", "The referrer's level is 4.",
        ]  # fmt: skip
        assert says[4] == (
            "Child c1: age is 7; is disabled; is not non-verbal; had a child protection plan before; "
            "was never looked after; Non-accidental injury (L4-01)."
        )
        assert says[5:7] == ["Child 2: is not born yet.", "Child c3: age not known."]
        for sentence in (
            "The contacts in three months are 2.", "The contacts in twelve months are 5.", "The DASH risk is high.",
            "A brother or sister has a child protection plan.", "The domestic abuse has not been referred to a MARAC.",
            "Early help is open with the family.", "The last piece of work closed 0 days ago.",
            "Early help closed without progress in the last 12 months.",
        ):  # fmt: skip
            assert sentence in says
        assert says[-1].startswith("On the family: ")

    @pytest.mark.parametrize(
        ("family", "says"),
        [
            ({}, []),
            ({"in_area": True}, []),
            ({"in_area": False}, ["The family lives outside our area."]),
            ({"in_area": None}, ["Nobody has said whether the family lives in our area."]),
        ],
        ids=["not mentioned", "yes", "no", "not known"],
    )
    def test_whether_the_family_lives_in_our_area(self, family: Json, says: list[str]) -> None:
        """It does unless something else is said; "not known" is something else."""
        facts = {"agreement": "given", "family": family}
        assert list(facts_say(shipped().facts(facts), {})) == ["Agreement is given.", *says]
        text = lines(read(having(whole(), "scenarios", "needs_met", facts=facts)), "scenarios", "needs_met")
        assert text[:-1] == ["Given:", "  Agreement is given.", *(f"  {line}" for line in says)]


# ---- the page, and that it hides nothing


@cache
def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("drawing", DRAW)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_the_docs_is_drawn_from_the_shipped_rules() -> None:
    page = (DRAW.parent / "rules.md").read_text(encoding="utf-8")
    assert drawing().rules() == page
    for chapter in chapters(shipped().document):
        assert (f"## {chapter.title}\n" in page) == (chapter.id != "indicators")


def test_what_the_page_says_of_a_rule_has_no_names_of_fields() -> None:
    for chapter in chapters(shipped().document):
        for item in chapter.items:
            for line in item.lines:
                assert "_" not in line.text, line.text


# Fields that appear in no line: names that only the machine reads, and the document's own title and number. Lines refer
# to an entry by its title, not by its name.
KNOWN = {"ruleset": "this rule set", "indicators": {entry.code for entry in shipped().document.indicators}}
NOT_IN_LINES = {"id", "code", "title", "ruleset", "version", "ref", "received_on"}


OTHER_WORDS = (
    ("hard_stop", "strong", "early_help"), ("red", "amber", "green", "blue"), ("agreement", "manager"),
    ("given", "not_sought", "refused", "withdrawn"), ("child", "child_or_family"), ("standard", "medium", "high"),
    ("strategy_discussion", "family_help"), ("locality", "child_protection", "out_of_area", "same_team"),
    ("lado", "private_fostering"), ("early_help", "social_care"), ("L4-01", "L3-12", "L2-01"),
    ("level_3", "level_3_by_accumulation"), ("marac", "immediate_danger"), ("social_worker", "lead_professional"),
    ("contacts_3_months", "contacts_12_months"), ("disabled", "non_verbal"),
)  # fmt: skip


def _others(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    return [word for group in OTHER_WORDS if value in group for word in group if word != value] or [f"{value} indeed"]


def _without_scenarios() -> Json:
    """The shipped document without scenarios, and of the indicators those that it names."""
    document = whole() | {"scenarios": []}
    named = json.dumps([document | {"indicators": []}, OTHER_WORDS])
    document["indicators"] = [entry for entry in document["indicators"] if f'"{entry["code"]}"' in named]
    return document


def _alone(**part: Any) -> RuleSetDocument:
    """The shipped document with this part of it, and the pathways and indicators that are named in every part."""
    nothing = dict.fromkeys(("rules", "clocks", "two_person_decisions", "also_refer_to", "warnings", "scenarios"), ())
    return shipped().document.model_copy(update={**nothing, "defined": {}, **part})


def _read_scenario(data: Json) -> Scenario:
    return documents.read(Scenario, data, known=KNOWN)


def _mutations(document: Json, read: Callable[[Json], Shape]) -> Iterator[tuple[str, Shape]]:
    """Every value of a document, outside the indicators, changed to another that can be read: what changed, and it."""
    for path, value in list(leaves({name: each for name, each in document.items() if name != "indicators"})):
        if path[-1] in NOT_IN_LINES:
            continue
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        for other in _others(value):
            place[path[-1]] = other
            with suppress(ValueError):
                yield f"{'.'.join(map(str, path))}: {value} to {other}", read(document)
        place[path[-1]] = value


class TestItHidesNothing:
    def test_no_value_changes_without_a_line_that_changes(self) -> None:
        """
        Each number, rating, gate, word and sentence of the document, one at a time.

        What stands before the scenarios is changed in a document without any, and each scenario is read and told alone:
        what does not change need not be read and told a thousand times.
        """
        tried, hidden = 0, []
        document = _without_scenarios()
        unchanged = read(document)
        before = chapters(unchanged)
        for name, changed in _mutations(document, read):
            if changed != unchanged:
                tried += 1
                if chapters(changed) == before:
                    hidden.append(name)
        for data in whole()["scenarios"]:
            scenario = _read_scenario(data)
            before = chapters(_alone(scenarios=(scenario,)))
            for name, other in _mutations(data, _read_scenario):
                if other != scenario:
                    tried += 1
                    if chapters(_alone(scenarios=(other,))) == before:
                        hidden.append(f"{scenario.id}: {name}")
        assert hidden == []
        assert tried > 900

    @pytest.mark.parametrize("field", ["level", "domain", "area", "gate", "also_refer_to", "says"])
    def test_nor_does_anything_of_an_indicator(self, field: str) -> None:
        """Its own line says it, whatever else names it."""
        document = _alone()
        before = chapters(document)
        for place, entry in enumerate(document.indicators):
            other = {"level": 2 if entry.level == 3 else 3, "gate": type(entry.gate)("strong")}.get(field, "another")
            if getattr(entry, field) == other:
                other = type(entry.gate)("hard_stop")
            indicators = list(document.indicators)
            indicators[place] = entry.model_copy(update={field: other})
            assert chapters(document.model_copy(update={"indicators": tuple(indicators)})) != before, (
                entry.code,
                field,
            )

    @pytest.mark.parametrize(
        ("part", "name", "field"),
        [
            ("rules", "hard_stop", "decided_by"),
            ("rules", "reason_to_look_again", "beside"),
            ("rules", "reason_to_look_again.five_in_a_year", "alone"),
            ("rules", "reason_to_look_again.level_3_refused", "agreement"),
            ("rules", "level_3_agreed", "agreement"),
            ("pathways", "family_help", "lead"),
            ("pathways", "family_help", "team"),
            ("pathways", "family_help", "try_first"),
            ("pathways", "no_further_action", "decision_only"),
            ("also_refer_to", "homeless_16_17", "only_if"),
            ("two_person_decisions", "hard_stop_overruled", "recommended"),
            ("two_person_decisions", "advice_on_high_level", "decided"),
            ("two_person_decisions", "advice_on_high_level", "level_at_least"),
            ("two_person_decisions", "repeat_contact_closed", "contacts_3_months_at_least"),
            ("two_person_decisions", "refused_agreement_overridden", "agreement"),
            ("scenarios", "injury", "protected"),
            ("indicators", "L4-05", "also_refer_to"),
        ],
    )
    def test_nor_is_anything_taken_away(self, part: str, name: str, field: str) -> None:
        document = having(whole(), part, name, **{field: None})
        document["scenarios"] = [each for each in document["scenarios"] if "lead" not in each["expect"]]
        kept = whole()
        kept["scenarios"] = [each for each in kept["scenarios"] if "lead" not in each["expect"]]
        if part == "scenarios":
            document, kept = having(whole(), part, name, **{field: None}), whole()
        assert chapters(read(document)) != chapters(read(kept))
