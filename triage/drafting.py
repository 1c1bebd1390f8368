"""
Changes to a draft: each function takes a document as JSON and returns a changed copy. Nothing here checks it:
`triage.reading` reads the result.

A form changes one entry (a rule, an aggravator, an indicator, a scenario …) or one number.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from errors import Fault, InvalidInput
from triage.language import Different, Fact, Path
from triage.reading import load_yaml, read_document
from triage.rule_set_document import RuleSetDocument, as_json, conditions
from triage.words import number_is, sentence

Json = dict[str, Any]
# The lists of the document whose entries have names, and under which field the name stands.
NAMED_BY = {
    "pathways": "id",
    "clocks": "id",
    "rules": "id",
    "also_refer_to": "id",
    "warnings": "id",
    "two_person_decisions": "id",
    "scenarios": "id",
    "indicators": "code",
}


@dataclass(frozen=True)
class Number:
    """A number in a condition: its path, and what it limits, in words."""

    path: Path
    says: str
    value: int

    @property
    def key(self) -> str:
        """The path as one word, for the name of a form's field."""
        return "/".join(str(step) for step in self.path)


def copied(document: RuleSetDocument, *, version: int, safety: RuleSetDocument) -> Json:
    """
    A document to start a draft with.

    :param safety: the source of the safety scenarios if the document has none, as the first versions. They replace
        scenarios of the same name. Scenarios with codes that the document does not know are left out.
    """
    data = as_json(document) | {"version": version}
    if not any(scenario.protected for scenario in document.scenarios):
        given = as_json(safety).get("scenarios", [])
        own = [entry for entry in data.get("scenarios", []) if entry["id"] not in {each["id"] for each in given}]
        data["scenarios"] = [*own, *_that_fit(given, data)]
    return data


def _that_fit(scenarios: list[Json], data: Json) -> list[Json]:
    """The scenarios that can be read as scenarios of this document."""
    try:
        read_document(data | {"scenarios": scenarios})
    except InvalidInput as invalid:
        wrong = {fault.path[1] for fault in invalid.faults}
        return _that_fit([entry for entry in scenarios if entry["id"] not in wrong], data)
    return scenarios


def numbers(document: RuleSetDocument, under: Path) -> list[Number]:
    """Every number in the conditions below this path, in the order of the document."""
    return [
        number
        for path, condition, _ in conditions(document)
        if path[: len(under)] == under
        for number in _numbers(path, condition)
    ]


def _numbers(path: Path, condition: object) -> Iterator[Number]:
    match condition:
        case Fact(fact=name):
            for field, says in (("at_least", "{} or more"), ("at_most", "{} or less"), ("is_", "{}")):
                value = getattr(condition, field)
                if isinstance(value, int) and not isinstance(value, bool):
                    words = sentence(number_is(name, says.format("…"), "the child")).rstrip(".")
                    yield Number((*path, field.rstrip("_")), words, value)
        case Different(different=wanted):
            says = f"Different level {wanted.level} indicators: … or more"
            yield Number((*path, "different", "at_least"), says, wanted.at_least)
            says = f"Level {wanted.level} indicators in … or more domains"
            yield Number((*path, "different", "domains"), says, wanted.domains)


def path_of(document: Json, part: str, name: str) -> Path:
    """
    The path of an entry: a rule, an indicator …; an aggravator as "rule.aggravator" of the rules. The entry "document"
    is the document itself.

    :raises KeyError: the document has no such entry.
    """
    if part == "document":
        if name != "rating_and_level":
            raise KeyError(name)
        return ()
    if part == "defined":
        if name not in document.get("defined", {}):
            raise KeyError(name)
        return ("defined", name)
    outer, _, inner = name.partition(".") if part == "rules" else (name, "", "")
    path: Path = (part, _place(document.get(part, []), NAMED_BY[part], outer))
    if inner:
        path = (*path, "aggravators", _place(entry_at(document, path).get("aggravators", []), "id", inner))
    return path


def entry_at(document: Json, path: Path) -> Any:
    """The part of the document at a path."""
    at: Any = document
    for step in path:
        at = at[step]
    return at


def with_entry(document: Json, path: Path, fields: Mapping[str, Any]) -> Json:
    """The document with some fields of one entry changed. None removes a field."""
    changed: Json = _copied(document)
    entry = entry_at(changed, path)
    for name, value in fields.items():
        if value is None:
            entry.pop(name, None)
        else:
            entry[name] = value
    return changed


def with_number(document: Json, path: Path, value: int) -> Json:
    """The document with another number at a path."""
    changed: Json = _copied(document)
    entry_at(changed, path[:-1])[path[-1]] = value
    return changed


def with_scenario(document: Json, scenario: Mapping[str, Any], *, instead_of: str | None) -> Json:
    """The document with a scenario that replaces another, or is added at the end."""
    changed: Json = _copied(document)
    scenarios = changed.setdefault("scenarios", [])
    if instead_of is None:
        scenarios.append(dict(scenario))
    else:
        scenarios[_place(scenarios, "id", instead_of)] = dict(scenario)
    return changed


def without_scenario(document: Json, name: str) -> Json:
    """The document without a scenario."""
    changed: Json = _copied(document)
    del changed["scenarios"][_place(changed.get("scenarios", []), "id", name)]
    return changed


def _copied(part: Any) -> Any:
    """A copy that shares nothing. A document is JSON, so this takes a third of `copy.deepcopy`'s time."""
    if isinstance(part, dict):
        return {name: _copied(value) for name, value in part.items()}
    return [_copied(value) for value in part] if isinstance(part, list) else part


def as_yaml(document: RuleSetDocument) -> str:
    """The document as YAML, as people write it."""
    text: str = yaml.dump(as_json(document), Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=110)
    return text


def from_yaml(text: str) -> Json:
    """
    A whole document, typed as YAML, as it is stored.

    :raises InvalidInput: with every fault.
    """
    return as_json(read_document(load_yaml(text)))


def part_from_yaml(text: str, field: str) -> Any:
    """
    A part of a document, such as a scenario's facts, typed as YAML.

    :raises InvalidInput: it is not YAML; the fault is that of `field`.
    """
    try:
        return load_yaml(text)
    except InvalidInput as invalid:
        raise InvalidInput(Fault((field, *fault.path), fault.message) for fault in invalid.faults) from None


def _place(entries: list[Json], key: str, name: str) -> int:
    for place, entry in enumerate(entries):
        if entry.get(key) == name:
            return place
    raise KeyError(name)
