"""Working on a draft: one number, one entry, one scenario changed, and nothing beside it; and YAML there and back."""

from typing import Any

import pytest

from errors import InvalidInput
from tests.stage.rule_documents import Json, at, leaves, read, whole
from triage import drafting
from triage.language import Path
from triage.rule_set_document import as_json, conditions
from triage.ruleset import shipped

DOCUMENT = shipped().document
NUMBERS = drafting.numbers(DOCUMENT, ())


def changes(before: Json, after: Json) -> set[Path]:
    """Where two documents differ."""
    old, new = dict(leaves(before)), dict(leaves(after))
    return {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}


class TestNumbers:
    def test_every_number_that_a_condition_asks_about_is_found(self) -> None:
        """By their places: what is asked in the document's conditions, and is a whole number."""
        asked: set[Path] = set()
        for path, condition, _ in conditions(DOCUMENT):
            for name, value in condition.model_dump(by_alias=True).items():
                if name in ("is", "at_least", "at_most") and isinstance(value, int) and not isinstance(value, bool):
                    asked.add((*path, name))
                if name == "different":
                    asked |= {(*path, name, "at_least"), (*path, name, "domains")}
        assert {number.path for number in NUMBERS} == asked
        assert len(NUMBERS) == len(asked) > 12

    def test_each_says_what_it_limits(self) -> None:
        said = {number.path[-4:]: (number.says, number.value) for number in NUMBERS}
        assert ("The contacts in three months are … or more", 3) in said.values()
        assert ("The contacts in twelve months are … or more", 5) in said.values()
        assert ("The last piece of work closed … or less days ago", 28) in said.values()
        assert ("The referrer's level is …", 4) in said.values()
        assert ("The child's age is … or less", 0) in said.values()
        assert ("Different level 2 indicators: … or more", 4) in said.values()
        assert ("Level 2 indicators in … or more domains", 2) in said.values()

    def test_only_those_below_a_path(self) -> None:
        path = drafting.path_of(whole(), "rules", "reason_to_look_again.many_needs")
        below = drafting.numbers(DOCUMENT, path)
        assert [number.value for number in below] == [4, 1, 1, 3]
        assert all(number.path[: len(path)] == path for number in below)
        assert drafting.numbers(DOCUMENT, drafting.path_of(whole(), "rules", "hard_stop")) == []

    def test_each_has_a_key_of_its_own(self) -> None:
        keys = [number.key for number in NUMBERS]
        assert len(set(keys)) == len(keys)
        path = drafting.path_of(whole(), "rules", "reason_to_look_again.five_in_a_year")
        assert drafting.numbers(DOCUMENT, path)[0].key == f"rules/{path[1]}/aggravators/{path[3]}/when/at_least"

    @pytest.mark.parametrize("number", NUMBERS, ids=[number.key for number in NUMBERS])
    def test_one_changes_and_nothing_beside_it(self, number: drafting.Number) -> None:
        before = whole()
        other = number.value - 1 if number.value > 1 else number.value + 1
        changed = drafting.with_number(before, number.path, other)
        assert before == whole()
        assert changes(before, changed) == {number.path}
        (found,) = [each for each in drafting.numbers(read(changed), ()) if each.path == number.path]
        assert found.value == other
        back = drafting.with_number(changed, number.path, number.value)
        assert read(back) == DOCUMENT


class TestEntries:
    @pytest.mark.parametrize(
        ("part", "name", "says"),
        [
            ("rules", "hard_stop", "Hard stop"),
            ("rules", "reason_to_look_again.many_needs", "Many needs"),
            ("pathways", "advice", "Advice and information"),
            ("also_refer_to", "lado", "Designated officer for allegations (LADO)"),
            ("scenarios", "needs_met", "Somebody has looked and there is no need above universal services"),
        ],
    )
    def test_one_is_found_by_its_name(self, part: str, name: str, says: str) -> None:
        document = whole()
        assert drafting.entry_at(document, drafting.path_of(document, part, name))["title"] == says

    def test_an_indicator_by_its_code_and_a_definition_by_its_name(self) -> None:
        document = whole()
        assert drafting.entry_at(document, drafting.path_of(document, "indicators", "L4-01"))["gate"] == "hard_stop"
        assert drafting.path_of(document, "defined", "level_3") == ("defined", "level_3")

    @pytest.mark.parametrize(
        ("part", "name"),
        [
            ("rules", "no_such_rule"), ("rules", "hard_stop.many_needs"), ("rules", "reason_to_look_again.nothing"),
            ("indicators", "L9-01"), ("defined", "level_5"), ("scenarios", ""), ("pathways", "rules"),
        ],
    )  # fmt: skip
    def test_one_that_is_not_there(self, part: str, name: str) -> None:
        with pytest.raises(KeyError):
            drafting.path_of(whole(), part, name)
        with pytest.raises(KeyError):
            drafting.path_of({}, part, name)

    @pytest.mark.parametrize(
        ("part", "name"),
        [("rules", "hard_stop"), ("rules", "reason_to_look_again.many_needs"), ("indicators", "L4-01")],
    )
    def test_some_fields_change_and_nothing_beside_them(self, part: str, name: str) -> None:
        before = whole()
        path = drafting.path_of(before, part, name)
        changed = drafting.with_entry(before, path, {"says": "Something else."})
        assert before == whole()
        assert changes(before, changed) == {(*path, "says")}
        back = drafting.with_entry(changed, path, {"says": drafting.entry_at(before, path)["says"]})
        assert back == before

    def test_none_takes_a_field_away(self) -> None:
        path = drafting.path_of(whole(), "rules", "hard_stop")
        changed = drafting.with_entry(whole(), path, {"decided_by": None, "otherwise": None})
        assert changes(whole(), changed) == {(*path, "decided_by")}

    def test_what_is_put_in_is_not_shared_with_what_came_out(self) -> None:
        before = whole()
        changed = drafting.with_entry(before, drafting.path_of(before, "rules", "hard_stop"), {"title": "Stop"})
        changed["rules"][0]["then"]["rag"] = "blue"
        assert before == whole()


NEW: Json = {"id": "new", "title": "New", "facts": {}, "expect": {"pathway": "advice"}}


class TestScenarios:
    def test_a_new_one_stands_last(self) -> None:
        changed = drafting.with_scenario(whole(), NEW, instead_of=None)
        assert changed["scenarios"] == [*whole()["scenarios"], NEW]

    def test_the_first_of_a_document(self) -> None:
        document = whole()
        del document["scenarios"]
        assert drafting.with_scenario(document, NEW, instead_of=None)["scenarios"] == [NEW]

    def test_another_takes_its_place(self) -> None:
        changed = drafting.with_scenario(whole(), NEW, instead_of="marac")
        names = [each["id"] for each in changed["scenarios"]]
        old = [each["id"] for each in whole()["scenarios"]]
        assert names == ["new" if name == "marac" else name for name in old]

    def test_one_goes(self) -> None:
        before = whole()
        changed = drafting.without_scenario(before, "marac")
        assert changed["scenarios"] == [each for each in before["scenarios"] if each["id"] != "marac"]
        assert before == whole()

    def test_one_that_is_not_there(self) -> None:
        with pytest.raises(KeyError):
            drafting.with_scenario(whole(), NEW, instead_of="nothing")
        with pytest.raises(KeyError):
            drafting.without_scenario(whole(), "nothing")


class TestCopies:
    def test_the_number_changes_and_nothing_else(self) -> None:
        assert changes(whole(), drafting.copied(DOCUMENT, version=7, safety=DOCUMENT)) == {("version",)}

    def test_safety_scenarios_that_are_there_stay_as_they_are(self) -> None:
        """A council's own safety scenarios stay, however few. A copy adds none that it has removed."""
        document = whole()
        document["scenarios"] = document["scenarios"][:1]
        assert drafting.copied(read(document), version=2, safety=DOCUMENT)["scenarios"] == document["scenarios"]

    def test_one_without_any_gets_those_that_fit(self) -> None:
        document = whole() | {"scenarios": []}
        document["pathways"] = [each for each in document["pathways"] if each["id"] != "link_to_open_work"]
        document["rules"] = [each for each in document["rules"] if each["id"] != "already_working_with_the_family"]
        document["indicators"] = [each for each in document["indicators"] if each["code"] != "L4-01"]
        names = [each["id"] for each in drafting.copied(read(document), version=2, safety=DOCUMENT)["scenarios"]]
        left_out = [each.id for each in DOCUMENT.scenarios if each.id not in names]
        assert left_out == [
            "injury", "open_work", "closed_28_days_ago", "open_work_high_dash", "open_work_earlier_plan"
        ]  # fmt: skip


class TestYaml:
    def test_there_and_back_it_is_the_same(self) -> None:
        assert drafting.from_yaml(drafting.as_yaml(DOCUMENT)) == whole() == as_json(DOCUMENT)

    @pytest.mark.parametrize(
        "text",
        [
            "yes",
            "null",
            "1",
            "2026-01-01",
            "01",
            "~",
            "a: b",
            "# no comment",
            "'quoted'",
            "ends with\nanother line",
            "É … “”",
            "- ",
        ],
    )
    def test_a_text_that_looks_like_something_else_stays_text(self, text: str) -> None:
        document = at(("title",), text.strip())
        assert drafting.from_yaml(drafting.as_yaml(read(document)))["title"] == text.strip()

    def test_an_expected_nothing_stays(self) -> None:
        """`hold: null` is an expectation and stays. Defaults are left out."""
        text = drafting.as_yaml(DOCUMENT)
        assert "hold: null" in text
        assert "protected: false" not in text

    def test_it_is_read_as_a_whole(self) -> None:
        with pytest.raises(InvalidInput) as invalid:
            drafting.from_yaml("ruleset: ours\nversion: 0\nrules: []\n")
        places = {fault.place for fault in invalid.value.faults}
        assert {"version", "rules", "title", "pathways", "indicators"} <= places

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("a: &x [1]\nb: *x\n", "Line 2 uses an alias"),
            ("a: &x {b: 1}\nc:\n  <<: *x\n", "Line 3 uses an alias"),
            ("a: 1\na: 2\n", "stands twice"),
            ("a: [1\n", "This is not YAML"),
            ("!!python/object/apply:os.system [ls]\n", "This is not YAML"),
        ],
    )
    def test_what_no_careful_reader_reads(self, text: str, says: str) -> None:
        for read_it in (drafting.from_yaml, lambda text: drafting.part_from_yaml(text, "facts")):
            with pytest.raises(InvalidInput, match=says):
                read_it(text)

    def test_a_part_is_named_by_its_field(self) -> None:
        for text in ("a: [1\n", "a: 1\na: 2\n", "a: &x 1\nb: *x\n"):
            with pytest.raises(InvalidInput) as invalid:
                drafting.part_from_yaml(text, "facts")
            assert all(fault.path[0] == "facts" for fault in invalid.value.faults)

    @pytest.mark.parametrize(
        ("text", "value"), [("agreement: given", {"agreement": "given"}), ("[1, 2]", [1, 2]), ("", None), ("3", 3)]
    )
    def test_a_part_is_whatever_was_typed(self, text: str, value: Any) -> None:
        assert drafting.part_from_yaml(text, "facts") == value
