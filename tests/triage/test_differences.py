"""What differs between two versions: each item once, in the words of the page, and nothing else."""

from typing import Any

import pytest

from tests.stage.rule_documents import Json, having, read, whole
from triage.differences import Difference, Kind, differences
from triage.drafting import with_scenario, without_scenario
from triage.ruleset import shipped

OLD = shipped().document
RULES = "The rules, in the order in which they are asked"


def found(document: Json) -> list[Difference]:
    return differences(OLD, read(document))


def changed_lines(difference: Difference) -> list[tuple[str, str]]:
    """The removed and the added lines, with their marks."""
    return [(mark, line.text) for mark, line in difference.lines if mark]


def summary(document: Json) -> list[tuple[str, str, str]]:
    return [(each.chapter, each.kind.value, each.title) for each in found(document)]


def test_a_document_does_not_differ_from_itself() -> None:
    assert found(whole()) == []


@pytest.mark.parametrize("change", [{"version": 2}, {"title": "Another"}])
def test_its_number_and_its_title_are_no_difference(change: Json) -> None:
    """The number and the title are shown at the top of the page."""
    assert found(whole() | change) == []


class TestAdded:
    def test_a_rule(self) -> None:
        document = whole()
        rule = {
            "id": "marac_case", "title": "A MARAC case", "says": "The domestic abuse is before a MARAC.",
            "when": {"fact": "marac", "is": True},
            "then": {"pathway": "social_work_assessment", "rag": "amber", "level": 4},
        }  # fmt: skip
        document["rules"].insert(4, rule)
        (difference,) = found(document)
        assert (difference.chapter, difference.kind, difference.title) == (RULES, Kind.ADDED, "A MARAC case")
        assert difference.before == ()
        assert ("added", "Fires when the domestic abuse has been referred to a MARAC.") in changed_lines(difference)
        assert all(mark == "added" for mark, _ in difference.lines)

    def test_a_reason_to_look_again(self) -> None:
        document = whole()
        (rule,) = [each for each in document["rules"] if "aggravators" in each]
        new = {"id": "unsafe_home", "title": "A home", "says": "A home.", "when": {"indicator": {"codes": ["L3-38"]}}}
        rule["aggravators"].append(new)
        assert summary(document) == [(RULES, "added", "A reason to look again: A home")]

    def test_a_scenario(self) -> None:
        new = {"id": "asked", "title": "Asked", "facts": {}, "expect": {"pathway": "advice"}}
        (difference,) = found(with_scenario(whole(), new, instead_of=None))
        assert (difference.chapter, difference.kind, difference.title) == ("Scenarios", Kind.ADDED, "Asked")
        assert changed_lines(difference)[-1] == ("added", "Expected: Advice and information.")

    def test_an_indicator(self) -> None:
        document = whole()
        document["indicators"].append({
            "code": "L2-99", "level": 2, "domain": "parenting", "area": "safety", "gate": "early_help", "says": "New",
        })  # fmt: skip
        assert summary(document) == [("Indicators", "added", "L2-99 New")]


class TestRemoved:
    def test_a_rule(self) -> None:
        document = whole()
        del document["rules"][5]
        (difference,) = found(document)
        assert (difference.kind, difference.title, difference.after) == (Kind.REMOVED, "Strong level 4 indicator", ())
        assert all(mark == "removed" for mark, _ in difference.lines)

    def test_a_safety_scenario(self) -> None:
        (difference,) = found(without_scenario(whole(), "injury"))
        assert (difference.chapter, difference.kind) == ("Scenarios", Kind.REMOVED)
        assert ("removed", "A safety scenario: only a service manager may change it.") in changed_lines(difference)

    def test_a_decision_for_two(self) -> None:
        document = whole()
        del document["two_person_decisions"][0]
        assert summary(document) == [("Decisions that need two people", "removed", "Advice on high level")]


class TestChanged:
    def test_one_line_of_it_goes_and_one_comes(self) -> None:
        document = having(
            whole(), "rules", "strong_level_4", then={"pathway": "social_work_assessment", "rag": "red", "level": 4}
        )
        (difference,) = found(document)
        assert (difference.kind, difference.title) == (Kind.CHANGED, "Strong level 4 indicator")
        assert changed_lines(difference) == [("removed", "The rating is amber."), ("added", "The rating is red.")]
        stays = [line.text for mark, line in difference.lines if not mark]
        assert "The level is 4." in stays

    def test_a_number(self) -> None:
        when = {"fact": "contacts_3_months", "at_least": 4}
        (difference,) = found(having(whole(), "rules", "reason_to_look_again.three_in_three_months", when=when))
        assert difference.title == "A reason to look again: Three contacts in three months"
        assert changed_lines(difference) == [
            ("removed", "Holds when the contacts in three months are 3 or more."),
            ("added", "Holds when the contacts in three months are 4 or more."),
        ]

    def test_a_gate(self) -> None:
        (difference,) = found(having(whole(), "indicators", "L4-01", gate="strong"))
        assert changed_lines(difference) == [
            ("removed", "Level 4, gate hard stop; development, health."),
            ("added", "Level 4, gate strong; development, health."),
        ]

    def test_a_scenario_that_expects_less(self) -> None:
        (difference,) = found(having(whole(), "scenarios", "injury", expect={"pathway": "strategy_discussion"}))
        assert changed_lines(difference)[-1] == ("added", "Expected: Strategy discussion.")

    def test_a_scenario_that_is_no_longer_protected(self) -> None:
        (difference,) = found(having(whole(), "scenarios", "injury", protected=None))
        assert changed_lines(difference) == [("removed", "A safety scenario: only a service manager may change it.")]

    def test_a_definition(self) -> None:
        document = whole()
        document["defined"]["level_3_by_accumulation"]["different"]["at_least"] = 5
        (difference,) = found(document)
        assert difference.title == "Level 3 by accumulation"
        assert [mark for mark, _ in changed_lines(difference)] == ["removed", "added"]

    def test_several_come_in_the_order_of_the_page(self) -> None:
        document = having(whole(), "indicators", "L4-01", gate="strong")
        document["rules"][0]["says"] = "Another."
        document["warnings"] = []
        document["scenarios"] = [each for each in document["scenarios"] if each["id"] != "induced_illness"]
        assert [each.chapter for each in found(document)] == [RULES, "Warnings", "Scenarios", "Indicators"]


class TestRenamed:
    def test_by_its_title(self) -> None:
        """Other items that use the title show the new one."""
        (difference,) = found(having(whole(), "rules", "strong_level_4", title="A strong one"))
        assert (difference.kind, difference.title) == (Kind.CHANGED, "A strong one")
        assert changed_lines(difference) == [
            ("removed", "Title: Strong level 4 indicator"),
            ("added", "Title: A strong one"),
        ]

    def test_a_pathway_is_called_otherwise_wherever_it_stands(self) -> None:
        differing = found(having(whole(), "pathways", "early_help", title="Help early"))
        assert {each.kind for each in differing} == {Kind.CHANGED}
        titles = {each.title for each in differing}
        assert {"Help early", "Level 2, agreement given", "A level 2 need and the family agrees"} <= titles

    def test_by_its_name(self) -> None:
        """A new id is a new item, so one item is removed and one is added."""
        document = having(whole(), "rules", "strong_level_4", id="strong_4")
        assert summary(document) == [
            (RULES, "added", "Strong level 4 indicator"), (RULES, "removed", "Strong level 4 indicator"),
        ]  # fmt: skip


class TestMoved:
    @staticmethod
    def moved(document: Json) -> list[tuple[str, str, str]]:
        return [
            (each.title, each.before[0].text, each.after[0].text) for each in found(document) if each.kind == Kind.MOVED
        ]

    def test_two_rules_change_their_places(self) -> None:
        document = whole()
        rules: list[Any] = document["rules"]
        rules[3], rules[4] = rules[4], rules[3]
        first, second = "Outside our area", "Already working with the family"
        assert (first, "It stands after “Referrer says level 4”.", f"It stands after “{second}”.") in self.moved(
            document
        )
        assert {each.kind for each in found(document)} == {Kind.MOVED}

    def test_one_goes_to_the_top(self) -> None:
        document = whole()
        document["rules"].insert(0, document["rules"].pop(3))
        assert ("Outside our area", "It stands after “Referrer says level 4”.", "It stands first.") in self.moved(
            document
        )

    def test_what_is_pushed_down_by_a_new_one_has_not_moved(self) -> None:
        document = whole()
        rule = {**document["rules"][4], "id": "another", "title": "Another"}
        document["rules"].insert(0, rule)
        assert self.moved(document) == []

    def test_nor_has_what_follows_one_that_went(self) -> None:
        document = whole()
        del document["rules"][5]
        assert self.moved(document) == []

    def test_the_order_of_pathways_means_something(self) -> None:
        document = whole()
        pathways: list[Any] = document["pathways"]
        pathways[3], pathways[4] = pathways[4], pathways[3]
        assert {title for title, _, _ in self.moved(document)} >= {"Family help", "Early help"}

    @pytest.mark.parametrize("part", ["scenarios", "warnings", "two_person_decisions"])
    def test_the_order_of_the_others_does_not(self, part: str) -> None:
        document = whole()
        document[part] = document[part][::-1]
        assert found(document) == []


def test_the_way_back_tells_the_opposite() -> None:
    """What is added in one direction is removed in the other, and changes are the same in both."""
    document = having(whole(), "indicators", "L4-01", gate="strong")
    del document["rules"][5]
    new = read(without_scenario(document, "injury"))
    opposite = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED, Kind.CHANGED: Kind.CHANGED, Kind.MOVED: Kind.MOVED}
    there, back = differences(OLD, new), differences(new, OLD)
    assert {(each.chapter, opposite[each.kind], each.title) for each in there} == {
        (each.chapter, each.kind, each.title) for each in back
    }
    assert len(there) == len(back) > 2
