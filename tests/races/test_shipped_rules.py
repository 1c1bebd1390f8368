"""Hosts of a new release start at the same moment: the rule set that it brings comes once."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from casework.actions import rule_sets
from casework.jobs.reference_data import load
from casework.record import audit, integrity
from tests.stage.racing import TIMES, race
from tests.stage.shipped import live_instead, nothing_live
from tests.stage.story import person
from triage.models import RuleSetVersion
from triage.ruleset import shipped


@pytest.fixture(autouse=True)
def _nothing_is_broken(committed: str) -> Any:
    yield
    assert {finding.sentence: finding.broken for finding in integrity.check() if finding.broken} == {}


def bring() -> RuleSetVersion | None:
    return rule_sets.bring_shipped(by=audit.SYSTEM, now=datetime.now(UTC))


@pytest.mark.parametrize("before", [nothing_live, partial(live_instead, "our-own", 4)])
def test_it_comes_once(before: Callable[[], Any]) -> None:
    for _ in range(TIMES):
        RuleSetVersion.objects.exclude(shipped_as="").delete()
        before()
        outcomes = race(*[bring] * 4)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType"] * 3 + ["RuleSetVersion"]


def test_the_whole_of_the_reference_data_may_be_loaded_twice_at_once() -> None:
    live_instead("our-own", 4)
    assert sorted(counts["rule set"] for counts in race(load, load)) == [0, 1]


def test_who_copies_at_the_same_moment_has_another_number() -> None:
    live = live_instead(shipped().document.ruleset, shipped().document.version + 3)
    copy = partial(rule_sets.copy, version_id=live.pk, by=person("paula"), now=datetime.now(UTC))
    outcomes = race(bring, copy, copy)
    assert sorted(outcome.version - live.version for outcome in outcomes) == [1, 2, 3]
