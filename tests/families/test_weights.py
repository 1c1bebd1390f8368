"""The weights of a likeness are data, read strictly; and they are estimated from records."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import override_settings
from pytest_django import Settings

from casework.families.likeness.comparing import levels
from casework.families.likeness.describing import describe
from casework.families.likeness.estimating import Seen, counted, estimate
from casework.families.likeness.weights import SHIPPED, Weights, in_use, load_own, read_weights, shipped
from casework.models import PersonMatch
from casework.models.visibility import CLOSES_AT_LEAST, closes_from
from errors import InvalidInput
from tests.bench.population import Population
from tests.stage.documents import child
from tests.stage.story import Story
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
    (lambda each: each.update(careful=CLOSES_AT_LEAST - 0.01), "careful: must be at least 0.5"),
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
    assert str(found) == f"own/{shipped().version + 1}"
    assert 0.06 < found.levels["date_of_birth"]["year"].m < 0.13
    assert 0.15 < found.levels["sex"]["differs"].m < 0.23
    assert 0.4 < found.levels["sex"]["same"].f < 0.6
    assert found.levels["home"]["same"].u < 0.01


class TestACouncilsOwn:
    @pytest.fixture
    def file(self, tmp_path: Path, settings: Settings) -> Iterator[Path]:
        """A file that the service uses: with it, a name and a home alone say less."""
        own = document() | {"weights": "example council", "version": 7}
        own["ceiling"]["score"] = 0.4
        file = tmp_path / "weights.yaml"
        file.write_text(yaml.safe_dump(own), encoding="utf-8")
        settings.MATCHING_WEIGHTS = str(file)
        in_use.cache_clear()
        yield file
        in_use.cache_clear()

    def test_are_what_the_service_compares_with(self, file: Path, story: Story) -> None:
        known = child(nhs_number=None, upn=None)
        story.contact(children=[known])
        again = story.contact(children=[known | {"date_of_birth": "2014-05-08"}])
        match = PersonMatch.objects.get(child__contact=again)
        assert (match.weights, match.score) == ("example council/7", 0.4)

    def test_keep_the_shipped_words_by_which_pages_know_what_betrays_an_address(self, file: Path) -> None:
        own = yaml.safe_load(file.read_text(encoding="utf-8"))
        own["levels"]["home"]["same"]["says"] = "They live together"
        file.write_text(yaml.safe_dump(own | {"weights": shipped().weights}), encoding="utf-8")
        with pytest.raises(InvalidInput) as refused:
            load_own(file)
        said = shipped().levels["home"]["same"].says
        assert [str(fault) for fault in refused.value.faults] == [
            f"levels.home.same.says: must be as shipped: {said!r}.",
            "weights: must be a name of your own: 'likeness' is the shipped one.",
        ]

    def test_say_from_where_a_likeness_closes_a_record(self, file: Path) -> None:
        assert closes_from() == in_use().careful == shipped().careful
        own = yaml.safe_load(file.read_text(encoding="utf-8")) | {"careful": 0.9}
        (file.parent / "more.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
        with override_settings(MATCHING_WEIGHTS=str(file.parent / "more.yaml")):
            assert closes_from() == 0.9
