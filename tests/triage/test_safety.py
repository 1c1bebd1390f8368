"""What safety rests on, and documents that would bring the service down if they got in."""

import pytest
import yaml

from errors import InvalidInput
from tests.stage.rule_documents import Json, having, whole
from triage.differences import differences
from triage.reading import load_yaml, read_document
from triage.ruleset import parse, shipped
from triage.safety import changed


def what_changed(document: Json) -> set[str]:
    before = shipped().document
    return changed(before, read_document(document), before)


class TestWhatSafetyRestsOn:
    def test_nothing_changed(self) -> None:
        assert what_changed(whole()) == set()

    @pytest.mark.parametrize(
        "code", [entry.code for entry in shipped().document.indicators if entry.gate in ("hard_stop", "strong")]
    )
    def test_every_hard_stop_and_strong_indicator(self, code: str) -> None:
        assert what_changed(having(whole(), "indicators", code, gate="early_help")) == {f"indicator {code}"}
        assert what_changed(having(whole(), "indicators", code, says="Something else")) == {f"indicator {code}"}

    def test_more_care_is_no_change_of_it_and_a_slip_is_taken_back(self) -> None:
        before, stricter = shipped().document, having(whole(), "indicators", "L3-12", gate="strong")
        assert what_changed(stricter) == set()
        assert changed(read_document(stricter), before, before) == set()
        assert changed(read_document(stricter), read_document(having(stricter, "indicators", "L3-12", level=2)), before)

    @pytest.mark.parametrize(
        "change",
        [{"work": "social_care"}, {"voluntary": None}, {"gravest": True}, {"team": "child_protection"},
         {"decision_only": True}],
    )  # fmt: skip
    def test_what_a_pathway_is(self, change: Json) -> None:
        base = whole() | {"rules": [rule for rule in whole()["rules"] if rule["then"]["pathway"] != "early_help"]}
        base["scenarios"] = [each for each in base["scenarios"] if each["expect"].get("pathway") != "early_help"]
        before = read_document(base)
        after = read_document(having(base, "pathways", "early_help", **change))
        assert changed(before, after, before) == {"pathway early_help"}
        assert [found.chapter for found in differences(before, after)] == ["Pathways, the gravest first"]

    def test_a_pathway_that_came_or_went_is_none(self) -> None:
        new = {"id": "youth_work", "title": "Youth work", "team": "locality", "work": "neither"}
        assert what_changed(whole() | {"pathways": [*whole()["pathways"], new]}) == set()
        fewer = whole() | {"pathways": [each for each in whole()["pathways"] if each["id"] != "no_further_action"]}
        fewer |= {"two_person_decisions": []}
        two_people = {f"two people for {each['id']}" for each in whole()["two_person_decisions"]}
        assert what_changed(fewer) == two_people

    def test_what_a_pathway_is_called_is_not(self) -> None:
        assert what_changed(having(whole(), "pathways", "early_help", title="Help early", try_first=None)) == set()

    @pytest.mark.parametrize(
        ("clock", "change"),
        [
            ("family_help_plan", {"only_on": ["early_help"]}),
            ("family_help_plan", {"only_on": []}),
            ("family_help_plan", {"only_on": None, "not_on": ["family_help"]}),
            ("first_family_contact", {"not_on": ["advice"]}),
        ],
    )
    def test_which_pathways_have_a_clock(self, clock: str, change: Json) -> None:
        document = having(whole(), "clocks", clock, **change)
        assert what_changed(document) == {f"clock {clock}"}
        (found,) = differences(shipped().document, read_document(document))
        assert (found.chapter, found.kind) == ("Deadlines that not every pathway has", "changed")
        fewer = whole() | {"clocks": [each for each in whole()["clocks"] if each["id"] != clock]}
        assert what_changed(fewer) == {f"clock {clock}"}

    def test_who_decides_and_with_whom(self) -> None:
        document = whole()
        del document["rules"][0]["decided_by"]
        assert what_changed(document) == {"who decides after hard_stop"}
        fewer = whole() | {"two_person_decisions": whole()["two_person_decisions"][1:]}
        assert what_changed(fewer) == {"two people for advice_on_high_level"}
        looser = having(whole(), "two_person_decisions", "advice_on_high_level", level_at_least=4)
        assert what_changed(looser) == {"two people for advice_on_high_level"}
        elsewhere = having(
            whole(), "warnings", "do_not_inform_parents", when={"indicator": {"codes": ["L4-28", "L4-27"]}}
        )
        assert what_changed(elsewhere) == {"warning do_not_inform_parents"}


def faults(document: object) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parse(document)
    return [str(fault) for fault in caught.value.faults]


class TestWhatTheReaderRefuses:
    @pytest.mark.parametrize("part", ["decided", "recommended"])
    def test_a_rating_named_four_times_or_not_at_all(self, part: str) -> None:
        """A decision that speaks of "red, red, red and red" reads like one that speaks of every rating."""
        for rags, says in (
            (["red"] * 4, "names something twice; name each once."),
            ([], "needs at least one of them."),
        ):
            document = having(whole(), "two_person_decisions", "repeat_contact_closed", **{part: {"rag": rags}})
            assert faults(document) == [f"two_person_decisions.repeat_contact_closed.{part}.rag: {says}"]

    @pytest.mark.parametrize("name", ["family/help", "=cmd|1/x", "Family help", "f" * 51, "", "1st"])
    def test_a_name_that_no_address_and_no_column_can_hold(self, name: str) -> None:
        document = whole()
        document["warnings"][0]["id"] = name
        assert any("is no name: small letters, digits and _" in fault for fault in faults(document))

    def test_a_code_that_no_column_can_hold(self) -> None:
        document = whole()
        document["indicators"][-1]["code"] = "L2-27-and-more"
        assert any("is no code" in fault for fault in faults(document))

    def test_definitions_that_double_each_time(self) -> None:
        document = whole()
        defined = {"x0": {"fact": "marac", "is": True}}
        defined |= {f"x{n}": {"any": [{"defined": f"x{n - 1}"}, {"defined": f"x{n - 1}"}]} for n in range(1, 40)}
        document["defined"] |= defined
        assert faults(document)[0] == "defined.x10: asks more than 2,000 questions when it is written out."

    @pytest.mark.parametrize(
        ("fact", "limit", "says"),
        [
            ("contacts_3_months", 300_000_000, "asks for 300000000: contacts_3_months is asked from 0 to 10950."),
            ("referrer_level", 9, "asks for 9: referrer_level is asked from 1 to 4."),
            ("contacts_12_months", -1, "asks for -1: contacts_12_months is asked from 0 to 10950."),
        ],
    )
    def test_a_limit_that_is_a_slip_of_the_finger(self, fact: str, limit: int, says: str) -> None:
        document = whole()
        document = having(document, "rules", "referrer_says_level_4", when={"fact": fact, "at_least": limit})
        assert faults(document) == [f"rules.referrer_says_level_4.when: {says}"]

    def test_a_question_among_nothing(self) -> None:
        document = whole()
        document["rules"][1]["when"] = {"fact": "open_work", "in": []}
        assert any("needs at least one of them." in fault for fault in faults(document))

    @pytest.mark.parametrize(
        "text", ["a: !!int ''", "a: !!float ''", "a: !!bool foo", "a: !!timestamp foo", "!!set [a]"]
    )
    def test_yaml_whose_tags_do_not_fit(self, text: str) -> None:
        with pytest.raises(InvalidInput, match="This is not YAML"):
            load_yaml(text)

    def test_many_keys_are_read_in_a_moment(self) -> None:
        data = {f"key{n}": n for n in range(20_000)}
        assert load_yaml(yaml.safe_dump(data)) == data


def test_no_change_that_people_act_on_is_hidden_from_the_approver() -> None:
    """Each number, name and answer of the two-person decisions, changed alone, makes a difference on the page."""
    for position, decision in enumerate(whole()["two_person_decisions"]):
        for field, value in {
            "says": "Otherwise.", "agreement": ["given"], "level_at_least": 1, "contacts_3_months_at_least": 1,
            "decided": {"rag": ["red"]}, "recommended": {"rag": ["blue"]},
            "no_indicator": not decision.get("no_indicator", False),
        }.items():  # fmt: skip
            document = whole()
            document["two_person_decisions"][position] = decision | {field: value}
            found = differences(shipped().document, read_document(document))
            assert [difference.chapter for difference in found] == ["Decisions that need two people"], (decision, field)
        for name in ("voluntary", "ends_here"):
            for value in {True, False} - {decision.get("decided", {}).get(name)}:
                document = whole()
                document["two_person_decisions"][position] = decision | {"decided": {name: value}}
                found = differences(shipped().document, read_document(document))
                assert [difference.chapter for difference in found] == ["Decisions that need two people"], name
