"""The replay's calculator: one contact after the other in, counts out. Nothing of the contacts is kept."""

from datetime import date
from itertools import product
from typing import Any

import pytest

from tests.stage.asking import child, contact
from tests.stage.rule_documents import Json, having, whole
from triage.direction import Direction, PathwayRag
from triage.recommendation import recommend
from triage.replay import NOBODY_YET, Advice, PastRecommendation, Replay, team_of
from triage.rule_set_document import as_json
from triage.ruleset import PathwayTeam, RuleSet, parse, shipped

MONDAY = date(2026, 11, 16)
GREEN_ADVICE = PathwayRag("advice", "green")


def stepped_down() -> RuleSet:
    """A level 3 need goes to early help."""
    return parse(having(whole(), "rules", "level_3_agreed", then={"pathway": "early_help", "rag": "green", "level": 3}))


def triaged(
    facts: Json, *, locality: str = "aylesbury", decided: PathwayRag | None = None, **but: Any
) -> PastRecommendation:
    """A contact that the shipped rules triaged."""
    rules = shipped()
    said = rules.evaluate(rules.facts(facts))
    kept: dict[str, Any] = {
        "facts": rules.facts(facts).model_dump(mode="json"), "locality": locality, "week": MONDAY,
        "pathway": said.pathway, "rag": said.rag, "level": said.level, "hold": said.hold or "",
        "also_refer_to": said.also_refer_to, "warnings": said.warnings,
        "kind": rules.pathways[said.pathway].team, "decided": decided,
        "decided_kind": rules.pathways[decided.pathway].team if decided else None,
    }  # fmt: skip
    return PastRecommendation(**(kept | but))


LEVEL_3 = contact("L3-12")


class TestOneContact:
    def test_the_same_rules_change_nothing(self) -> None:
        replay = Replay(shipped())
        assert replay.add(triaged(LEVEL_3)) is None
        assert replay.result()["counts"] == {"contacts": 1}

    def test_what_would_have_been_is_what_the_rules_recommend(self) -> None:
        """The stored facts are read in a short way, which must come out as the long one does."""
        rules = stepped_down()
        for codes, agreement, flag in product(
            (["L3-12"], ["L2-01"], ["L4-10b"], ["L4-01"], []), ("given", "refused", "not_sought"), (True, None)
        ):
            facts = contact(*codes, agreement=agreement, disabled=flag, marac=flag)
            replay, said = Replay(rules), recommend(rules, rules.facts(facts))
            changed, seen = replay.add(triaged(facts)), triaged(facts)
            kind = rules.pathways[said.pathway].team
            after = Advice(
                said.pathway, said.rag, said.level, said.hold or "", team_of(kind, "aylesbury"),
                said.also_refer_to, said.warnings,
            )  # fmt: skip
            before = Advice(
                seen.pathway, seen.rag, seen.level, seen.hold, team_of(seen.kind, "aylesbury"),
                seen.also_refer_to, seen.warnings,
            )  # fmt: skip
            assert changed is None if before == after else (changed and changed.after) == after

    @pytest.mark.parametrize(
        ("but", "counted"),
        [
            ({"pathway": "early_help"}, {"pathway", "up"}),
            ({"rag": "amber"}, {"rag", "down"}),
            ({"rag": "blue"}, {"rag", "up"}),
            ({"level": 2}, {"level"}),
            ({"hold": "agreement"}, {"hold", "down"}),
            ({"also_refer_to": ("lado",)}, {"also_refer_to"}),
            ({"warnings": ("do_not_inform_parents",)}, {"warnings", "down"}),
            ({"kind": PathwayTeam.CHILD_PROTECTION}, {"team"}),
            ({"pathway": "advice", "kind": None, "level": 1}, {"pathway", "up", "level", "team"}),
        ],
    )
    def test_what_differs_is_counted_by_name(self, but: Json, counted: set[str]) -> None:
        replay = Replay(shipped())
        changed = replay.add(triaged(LEVEL_3, **but))
        assert changed is not None
        counts = {name for name, count in replay.result()["counts"].items() if count}
        assert counts == counted | {"contacts", "changed"}

    def test_whatever_protects_and_is_lost_is_a_step_down(self) -> None:
        """A hold, a level, a warning: although pathway and rating stay. More of them is none."""
        for but, way in (
            ({"hold": "agreement"}, Direction.DOWN), ({"level": 4}, Direction.DOWN), ({"level": 2}, None),
            ({"warnings": ("do_not_inform_parents",)}, Direction.DOWN), ({"also_refer_to": ("lado",)}, None),
        ):  # fmt: skip
            changed = Replay(shipped()).add(triaged(LEVEL_3, **but))
            assert changed is not None
            assert changed.direction == way, but

    def test_the_draft_alone_does_not_say_what_a_step_down_is(self) -> None:
        """Early help put above family help, and recommended in its place."""
        document = as_json(shipped().document)
        pathways = document["pathways"]
        pathways.insert(0, pathways.pop([entry["id"] for entry in pathways].index("early_help")))
        for rule in document["rules"]:
            if rule["id"] == "level_3_agreed":
                rule["then"]["pathway"] = "early_help"
        changed = Replay(parse(document), before=shipped()).add(triaged(LEVEL_3))
        assert changed is not None
        assert changed.direction == Direction.DOWN

    def test_a_locality_that_cannot_be_told_is_nobodys_yet(self) -> None:
        replay = Replay(stepped_down())
        changed = replay.add(triaged(LEVEL_3, locality=""))
        assert changed is not None
        assert (changed.before.team, changed.after.team) == (NOBODY_YET, NOBODY_YET)
        assert [row["locality"] for row in replay.result()["demand"]] == [NOBODY_YET]

    @pytest.mark.parametrize(
        ("kind", "team"),
        [
            (None, ""), (PathwayTeam.LOCALITY, "aylesbury"), (PathwayTeam.CHILD_PROTECTION, "child_protection"),
            (PathwayTeam.OUT_OF_AREA, "out_of_area"), (PathwayTeam.SAME_TEAM, "same_team"),
        ],
    )  # fmt: skip
    def test_the_team_of_a_pathway(self, kind: PathwayTeam | None, team: str) -> None:
        assert team_of(kind, "aylesbury") == team


class TestAgreeingWithPeople:
    """People had overruled the old rules: to what the new ones say, or at least the same way."""

    @pytest.mark.parametrize(
        ("decided", "agrees"),
        [
            (None, False),
            (PathwayRag("family_help", "green"), False),  # they took what was recommended
            (PathwayRag("early_help", "green"), True),  # what the new rules say
            (GREEN_ADVICE, True),  # further down
            (PathwayRag("early_help", "blue"), True),
            (PathwayRag("family_help", "amber"), False),  # up, while the rules go down
            (PathwayRag("social_worker_review", "amber"), False),
            (PathwayRag("link_to_open_work", "green"), False),  # across
        ],
    )
    def test_whether_it_does(self, decided: PathwayRag | None, agrees: bool) -> None:
        replay = Replay(stepped_down())
        changed = replay.add(triaged(LEVEL_3, decided=decided))
        assert changed is not None
        assert (changed.direction, changed.agrees_with_people) == (Direction.DOWN, agrees)
        assert replay.result()["counts"].get("agrees_with_people", 0) == agrees

    def test_what_goes_no_way_agrees_with_nobody(self) -> None:
        changed = Replay(shipped()).add(triaged(LEVEL_3, level=2, decided=GREEN_ADVICE))
        assert changed is not None
        assert not changed.agrees_with_people

    def test_how_often_people_decided_as_either(self) -> None:
        replay = Replay(stepped_down())
        for decided in (
            None,
            PathwayRag("family_help", "green"),
            PathwayRag("early_help", "green"),
            GREEN_ADVICE,
        ):
            replay.add(triaged(LEVEL_3, decided=decided))
        counts = replay.result()["counts"]
        assert (counts["decided"], counts["decided_as_before"], counts["decided_as_after"]) == (3, 1, 1)


class TestTheResult:
    def test_nothing_came(self) -> None:
        assert Replay(shipped()).result() == {
            "counts": {}, "pathways": [], "rags": [], "demand": [], "unknown_indicators": {},
        }  # fmt: skip

    def test_the_tables_hold_those_that_stay_too(self) -> None:
        replay = Replay(stepped_down())
        for facts in (LEVEL_3, LEVEL_3, contact("L2-01"), contact("L4-01")):
            replay.add(triaged(facts))
        result = replay.result()
        assert result["pathways"] == [
            {"from": "early_help", "to": "early_help", "contacts": 1},
            {"from": "family_help", "to": "early_help", "contacts": 2},
            {"from": "strategy_discussion", "to": "strategy_discussion", "contacts": 1},
        ]
        assert sum(row["contacts"] for row in result["rags"]) == result["counts"]["contacts"] == 4

    def test_demand_is_by_locality_and_week(self) -> None:
        replay = Replay(parse(having(whole(), "rules", "strong_level_4", then={
            "pathway": "strategy_discussion", "rag": "red", "level": 4,
        })))  # fmt: skip
        replay.add(triaged(contact("L4-10b")))
        replay.add(triaged(contact("L4-10b"), locality="chiltern", decided=PathwayRag("family_help", "green")))
        replay.add(triaged(LEVEL_3, week=date(2026, 11, 9)))
        replay.add(triaged(contact()))
        assert replay.result()["demand"] == [
            {"locality": "aylesbury", "week": "2026-11-09", "before": 1, "after": 1, "decided": 0},
            {"locality": "aylesbury", "week": "2026-11-16", "before": 1, "after": 0, "decided": 0},
            {"locality": "chiltern", "week": "2026-11-16", "before": 1, "after": 0, "decided": 1},
        ]

    def test_an_indicator_that_it_lacks_is_counted_wherever_it_was_seen(self) -> None:
        replay = Replay(shipped())
        facts = contact(children=[child("c1", "L3-12"), child("c2")])
        stored = triaged(facts)
        stored.facts["children"][0]["indicators"].append("L9-01")
        stored.facts["children"][1]["indicators"].append("L9-01")
        stored.facts["family"]["indicators"].append("L9-02")
        assert replay.add(stored) is None
        assert replay.result()["unknown_indicators"] == {"L9-01": 2, "L9-02": 1}
