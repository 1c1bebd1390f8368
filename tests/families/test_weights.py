"""The weights of a likeness are data, read strictly; and they are estimated from records."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from casework.families.likeness.comparing import levels
from casework.families.likeness.describing import describe
from casework.families.likeness.estimating import Seen, counted, estimate
from casework.families.likeness.weights import SHIPPED, Weights, read_weights, shipped
from errors import InvalidInput
from tests.bench.population import Population
from triage.reading import load_yaml

Document = dict[str, Any]


def document() -> Document:
    loaded: Document = load_yaml(SHIPPED.read_text(encoding="utf-8"))
    return deepcopy(loaded)


FAULTS: list[tuple[Callable[[Document], Any], str]] = [
    (lambda each: each.pop("certain"), "certain: is missing."),
    (lambda each: each.update(extra=1), "extra: is not a field that is known here"),
    (lambda each: each.update(careful=1.5), "careful: must be less than"),
    (lambda each: each.update(careful=0.5), "careful: must lie between"),
    (lambda each: each["levels"].pop("sex"), "levels.sex: has other levels than the comparison"),
    (lambda each: each["levels"].update(colour=each["levels"]["sex"]), "levels.colour: has other levels"),
    (lambda each: each["levels"]["sex"]["same"].update(m=0.1), "levels.sex.same: agrees, and so m"),
    (lambda each: each["levels"]["sex"]["differs"].update(m=0.6), "levels.sex.differs: contradicts, and so m"),
    (lambda each: each["levels"]["home"]["differs"].update(u=0.99), "levels.home: has a sum of u"),
    (lambda each: each["levels"]["sex"]["same"].update(m="much"), "levels.sex.same.m: must be a number"),
    (lambda each: each["certain"]["needs_one_of"].append(["colour"]), "certain: names colour"),
    (lambda each: each["ceiling"].update(unless=["colour"]), "ceiling: names colour"),
    (lambda each: each["nearest"]["exactly"].append(["colour"]), "nearest: names colour"),
]


@pytest.mark.parametrize(("change", "says"), FAULTS, ids=[says for _, says in FAULTS])
def test_a_fault_in_the_weights_is_named(change: Callable[[Document], Any], says: str) -> None:
    broken = document()
    change(broken)
    with pytest.raises(InvalidInput) as refused:
        read_weights(broken)
    assert any(str(fault).startswith(says) for fault in refused.value.faults), str(refused.value)


def test_a_certain_likeness_needs_independent_fields() -> None:
    for group in shipped().certain.needs_one_of:
        assert {"first_name", "last_name", "date_of_birth"} < set(group)


def _estimated() -> Weights:
    """From 1,500 people written down twice: one date of birth in ten is a year off, and one sex in five is wrong."""
    people = [record.written for record in Population(3).people(1_500)]
    sharing = []
    for number, person in enumerate(people):
        again: dict[str, str] = {}
        if number % 10 == 0 and person.date_of_birth:
            again["date_of_birth"] = f"{int(person.date_of_birth[:4]) + 1}{person.date_of_birth[4:]}"
        if number % 5 == 0 and person.sex:
            again["sex"] = {"M": "F", "F": "M"}[person.sex]
        sharing.append((person, person._replace(**again)))
        sharing.append((person, people[number - 1]))
    at_random = [(person, people[-number * 7 % len(people)]) for number, person in enumerate(people)]
    compared = (
        [next(levels(describe(one), describe(other))) for one, other in pairs] for pairs in (sharing, at_random)
    )
    return estimate(shipped(), Seen(*(counted(pairs) for pairs in compared)))


def test_weights_are_estimated_without_being_told_who_is_who() -> None:
    found = _estimated()
    assert found.version == shipped().version + 1
    assert 0.06 < found.levels["date_of_birth"]["year"].m < 0.13
    assert 0.15 < found.levels["sex"]["differs"].m < 0.23
    assert 0.4 < found.levels["sex"]["same"].f < 0.6
    assert found.levels["home"]["same"].u < 0.01
