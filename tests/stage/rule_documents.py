"""The shipped rule set as JSON, whole and changed: what the tests of documents begin with."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from triage import drafting, ruleset
from triage.reading import read_document
from triage.rule_set_document import RuleSetDocument, as_json
from triage.ruleset import shipped

VERSION_1 = FilePath(ruleset.__file__).parent / "data" / "early-help-first-1.yaml"
Json = dict[str, Any]
Path = tuple[str | int, ...]


@cache
def _text() -> str:
    return json.dumps(as_json(shipped().document))


@cache
def _unchanged() -> Json:
    return whole()


def whole() -> Json:
    """The shipped document, to be changed."""
    document: Json = json.loads(_text())
    return document


def having(document: Json, part: str, name: str, **fields: Any) -> Json:
    """A document with some fields of one entry changed; None takes one away. Of an aggravator: "rule.aggravator"."""
    return drafting.with_entry(document, drafting.path_of(document, part, name), fields)


def at(path: Path, value: object) -> Json:
    """The shipped document with another value at a path."""
    document = whole()
    drafting.entry_at(document, path[:-1])[path[-1]] = value
    return document


def without(path: Path) -> Json:
    """The shipped document without what stands at a path."""
    document = whole()
    del drafting.entry_at(document, path[:-1])[path[-1]]
    return document


def read(document: Json) -> RuleSetDocument:
    return read_document(document)


def leaves(part: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that has no parts, and where it stands."""
    if isinstance(part, (dict, list)):
        for step, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield from leaves(value, (*path, step))
    else:
        yield path, part


def called(path: Path) -> str:
    """A path with names in the place of numbers, for the name of a test: `rules.hard_stop.then.rag`."""
    steps: list[str] = []
    at_step: Any = _unchanged()
    for step in path:
        at_step = at_step[step]
        name = at_step.get("id", at_step.get("code", step)) if isinstance(at_step, dict) else step
        steps.append(str(name if isinstance(step, int) else step))
    return ".".join(steps)
