"""
The JSON Schema of a rule set: a real one, that the shipped document meets, and that refuses the same shapes as the
reader does. What a shape cannot say is the reader's alone.
"""

import json
from functools import cache
from pathlib import Path

import pytest
import yaml
from jsonschema_rs import Draft202012Validator, ValidationError, meta

from errors import InvalidInput
from tests.stage.broken_documents import DEEP_INSIDE, FAULTS_OF_SHAPE, broken
from tests.stage.rule_documents import Json, having, read, whole
from triage.drafting import path_of, with_entry
from triage.reading import read_document
from triage.rule_set_document import json_schema
from triage.ruleset import SHIPPED

KEPT = Path(__file__).parents[2] / "docs" / "rule-set.schema.json"


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(json_schema())


def refuses(document: object) -> bool:
    try:
        validator().validate(document)
    except ValidationError:
        return True
    return False


def test_it_is_a_schema() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    meta.validate(schema)


def test_the_docs_hold_it() -> None:
    assert json.loads(KEPT.read_text(encoding="utf-8")) == json_schema()


def test_the_shipped_document_meets_it() -> None:
    """The document is valid as people wrote it, and as it is stored."""
    validator().validate(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))
    validator().validate(whole())


# To JSON Schema 2.0 is a whole number, as it is to many a program that writes JSON; the reader wants it written as one.
BY_BOTH = [row for row in FAULTS_OF_SHAPE if row[1] != 2.0]


@pytest.mark.parametrize(("path", "value", "says"), BY_BOTH, ids=[path for path, _, _ in BY_BOTH])
def test_a_fault_of_shape_is_refused_by_both(path: str, value: object, says: str) -> None:
    document = broken({path: value})
    assert refuses(document), says
    with pytest.raises(InvalidInput):
        read_document(document)


@pytest.mark.parametrize(
    ("path", "value", "inside"), DEEP_INSIDE, ids=[f"{path} {value}" for path, value, _ in DEEP_INSIDE]
)
def test_so_is_one_deep_inside(path: str, value: object, inside: str) -> None:
    assert refuses(broken({path: value})), inside


def scenario(**changes: object) -> Json:
    document = whole()
    return with_entry(document, path_of(document, "scenarios", "injury"), changes)


OF_SCENARIOS: list[Json] = [
    {"protected": "yes"},
    {"title": None},
    {"facts": None},
    {"expect": None},
    {"unknown": 1},
    {"facts": []},
    {"facts": {"agreement": "maybe"}},
    {"facts": {"children": [{"age_years": "seven"}]}},
    {"facts": {"children": [{"age_years": 26}]}},
    {"facts": {"children": [{"name": "Robin"}]}},
    {"facts": {"family": {"dash": "extreme"}}},
    {"facts": {"family": {"contacts_3_months": -1}}},
    {"facts": {"immediate_danger": "yes"}},
    {"expect": {"level": 5}},
    {"expect": {"rag": "purple"}},
    {"expect": {"hold": "police"}},
    {"expect": {"reasons": "hard_stop"}},
    {"expect": {"shoe_size": 38}},
]


@pytest.mark.parametrize("changes", OF_SCENARIOS, ids=str)
def test_so_is_a_scenario_of_another_shape(changes: Json) -> None:
    document = scenario(**changes)
    assert refuses(document)
    with pytest.raises(InvalidInput):
        read_document(document)


@pytest.mark.parametrize(
    "document",
    [
        having(whole(), "rules", "level_3_agreed", then={"pathway": "moon", "rag": "green", "level": 3}),
        having(whole(), "rules", "hard_stop", when={"defined": "level_5"}),
        having(whole(), "rules", "hard_stop", when={"fact": "shoe_size", "is": 38}),
        having(whole(), "indicators", "L4-01", also_refer_to="police"),
        having(whole(), "scenarios", "injury", facts={"children": [{"indicators": ["L9-99"]}]}),
        having(whole(), "scenarios", "injury", expect={}),
    ],
    ids=["a pathway", "a definition", "a fact", "a service", "a code", "nothing expected"],
)
def test_what_leads_nowhere_is_the_readers_alone_to_see(document: Json) -> None:
    assert not refuses(document)
    with pytest.raises(InvalidInput):
        read(document)


def test_everything_in_it_says_which_fields_there_are() -> None:
    """An editor marks a misspelt field."""
    for name, part in json_schema()["$defs"].items():
        if part.get("type") == "object":
            assert part["additionalProperties"] is False, name
