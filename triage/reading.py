"""
Reads a rule set document and reports every fault at once, each with its rule and its field.

`triage.documents` reads the shape. This module checks what the shape alone cannot show.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path as FilePath
from typing import Any

import yaml

from errors import Fault, InvalidInput
from triage.documents import load_json, quoted, read
from triage.fact_fields import CHILD_FACTS, CONTACT_FACTS, NUMBERS, WORDS
from triage.language import Condition, Defined, Fact, Fired, Path, Present, walk
from triage.older_documents import with_its_meaning
from triage.rule_set_document import (
    Pathway,
    Rule,
    RuleSetDocument,
    Scenario,
    conditional_values,
    conditions,
    firings,
)

# A limit beyond these is a slip of the finger: thirty years in days, conditions as long as a book.
HIGHEST_LIMIT = 10_950
MOST_PARTS = 2_000
# Levels of YAML: more than any condition needs.
DEEPEST = 200
# The names that a field of an expectation may have, and what they are.
Expectable = dict[str, tuple[set[str], str]]


def read_document(data: object) -> RuleSetDocument:
    """
    Reads a rule set from parsed YAML or JSON.

    :raises InvalidInput: with every fault; each names the rule and the field.
    """
    data = with_its_meaning(data)
    try:
        document = read(RuleSetDocument, data, known={"ruleset": "this rule set", "indicators": _codes(data)})
    except InvalidInput as invalid:
        raise InvalidInput(Fault(_by_name(fault.path, data), fault.message) for fault in invalid.faults) from None
    faults = list(_faults_of_meaning(document))
    if faults:
        raise InvalidInput(Fault(_by_name(fault.path, data), fault.message) for fault in faults)
    return document


def load_document(path: FilePath) -> RuleSetDocument:
    """
    Reads a rule set document from a YAML or JSON file.

    :raises InvalidInput: with every fault.
    :raises OSError: when the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput([Fault((), f"This is not YAML: {error}.")]) from None
    return read_document(load_json(text) if text.lstrip().startswith("{") else load_yaml(text))


def load_yaml(text: str) -> Any:
    """
    Parses YAML strictly: plain data only, no key twice in one mapping, and no aliases.

    :raises InvalidInput: with the fault and its place.
    """
    try:
        _check_nesting(text)
        return yaml.load(text, Loader=_CarefulLoader)  # noqa: S506  # it is a SafeLoader
    except InvalidInput:
        raise
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError) as error:
        # The last four come from tags, such as !!int of nothing.
        says = f"This is not YAML: {' '.join(str(error).split())}."
    raise InvalidInput([Fault((), says)])


def _check_nesting(text: str) -> None:
    """Refuses aliases, and what is nested too deeply: libyaml would build both without asking."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise InvalidInput([Fault((), "This is not a document that can be read: it is nested too deeply.")])
        # A few aliases of aliases are a document too large for any machine.
        if isinstance(event, yaml.AliasEvent) and event.start_mark is not None:
            line = event.start_mark.line + 1
            raise InvalidInput([Fault((), f"Line {line} uses an alias (*): write out what it stands for.")])


class _CarefulLoader(yaml.CSafeLoader):
    """A strict YAML loader: no key twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := sorted(key for key, times in Counter(keys).items() if times > 1):
            line = node.start_mark.line + 1
            says = f"stands twice in what begins at line {line}; keep one of the two."
            raise InvalidInput([Fault((key,), says) for key in twice])
        return super().construct_mapping(node, deep=deep)


def _codes(data: object) -> frozenset[str]:
    """The indicators' codes, as far as they can be read: the scenarios' facts are read with them."""
    entries = data.get("indicators") if isinstance(data, dict) else None
    codes = [entry.get("code") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return frozenset(code.strip() for code in codes if isinstance(code, str))


def _by_name(path: Path, data: object) -> Path:
    """A path in which the indexes of rules, aggravators and the like are replaced by their ids."""
    named: list[str | int] = []
    at: object = data
    for step in path:
        try:
            at = at[step]  # type: ignore[index]  # whatever the writer sent; a wrong shape ends in the except
        except (KeyError, IndexError, TypeError):
            at = None
        name = at.get("id") or at.get("code") if isinstance(at, dict) and isinstance(step, int) else None
        named.append(name if isinstance(name, str) else step)
    return tuple(named)


def _faults_of_meaning(document: RuleSetDocument) -> Iterator[Fault]:
    """Faults that the shape alone cannot show: unknown names, invalid facts, circular definitions."""
    yield from _names_twice(document)
    codes = {entry.code for entry in document.indicators}
    pathways = {pathway.id: pathway for pathway in document.pathways}
    services = {service.id for service in document.also_refer_to}
    for number, entry in enumerate(document.indicators):
        if entry.also_refer_to is not None and entry.also_refer_to not in services:
            yield Fault(
                ("indicators", number, "also_refer_to"), f"{entry.also_refer_to} is not a service of also_refer_to."
            )
    yield from _faults_of_pathways(document)
    above: set[str] = set()
    for number, rule in enumerate(document.rules):
        yield from _faults_of_rule(("rules", number), rule, pathways, last=number == len(document.rules) - 1)
    rule_ids = [rule.id for rule in document.rules]
    asked = list(conditions(document))
    for path, condition, in_child in asked:
        above = set(rule_ids[: path[1]]) if path[0] == "rules" and isinstance(path[1], int) else set()
        yield from _faults_of_condition(path, condition, in_child, codes, set(document.defined), above)
    circles = list(_circles(document))
    yield from circles
    if not circles and all(part.defined in document.defined for _, part, _ in asked if isinstance(part, Defined)):
        yield from _too_long(document)
    for number, decision in enumerate(document.two_person_decisions):
        at: Path = ("two_person_decisions", number)
        for name in (*decision.decided.pathway, *decision.decided.not_pathway):
            if name not in pathways:
                yield Fault((*at, "decided"), f"{name} is not a pathway of this rule set.")
        if decision.recommended.rule is not None and decision.recommended.rule not in rule_ids:
            yield Fault((*at, "recommended", "rule"), f"{decision.recommended.rule} is not a rule of this rule set.")
    expected = _what_scenarios_may_expect(document)
    for number, scenario in enumerate(document.scenarios):
        yield from _faults_of_scenario(("scenarios", number), scenario, expected)


def _what_scenarios_may_expect(document: RuleSetDocument) -> Expectable:
    return {
        "pathway": ({pathway.id for pathway in document.pathways if not pathway.decision_only}, "a pathway for rules"),
        "lead": ({pathway.lead for pathway in document.pathways if pathway.lead}, "a lead of a pathway"),
        "also_refer_to": ({service.id for service in document.also_refer_to}, "a service of also_refer_to"),
        "warnings": ({warning.id for warning in document.warnings}, "a warning"),
        "reasons": ({firing for rule in document.rules for firing in firings(rule)}, "a rule or an aggravator"),
    }


def _faults_of_scenario(at: Path, scenario: Scenario, expected: Expectable) -> Iterator[Fault]:
    expect = scenario.expect
    if not expect.model_fields_set:
        yield Fault((*at, "expect"), "expects nothing; name at least the pathway.")
    for field, (names, kind) in expected.items():
        value = getattr(expect, field)
        for name in (value,) if isinstance(value, str) else value or ():
            if name not in names:
                yield Fault((*at, "expect", field), f"{name} is not {kind} of this rule set.")
    refs = [child.ref for child in scenario.facts.children if child.ref]
    if len(refs) > len(set(refs)):
        yield Fault((*at, "facts", "children"), "Two children share a ref; give each child a ref of its own.")


def _faults_of_pathways(document: RuleSetDocument) -> Iterator[Fault]:
    names = {pathway.id for pathway in document.pathways}
    for number, pathway in enumerate(document.pathways):
        if pathway.team is not None and pathway.work is None:
            yield Fault(("pathways", number), "leads to a team; say in work whose work it is, and what kind of work.")
    for number, clock in enumerate(document.clocks):
        if (clock.only_on is None) == (clock.not_on is None):
            yield Fault(("clocks", number), "needs exactly one of only_on and not_on.")
        for field in ("only_on", "not_on"):
            for name in getattr(clock, field) or ():
                if name not in names:
                    yield Fault(("clocks", number, field), f"{name} is not a pathway of this rule set.")


def _names_twice(document: RuleSetDocument) -> Iterator[Fault]:
    groups: dict[str, list[str]] = {
        "pathways": [entry.id for entry in document.pathways],
        "clocks": [entry.id for entry in document.clocks],
        "rules": [rule.id for rule in document.rules]
        + [aggravator.id for rule in document.rules for aggravator in rule.aggravators],
        "also_refer_to": [entry.id for entry in document.also_refer_to],
        "warnings": [entry.id for entry in document.warnings],
        "two_person_decisions": [entry.id for entry in document.two_person_decisions],
        "indicators": [entry.code for entry in document.indicators],
        "scenarios": [entry.id for entry in document.scenarios],
    }
    for group, names in groups.items():
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Fault((group,), f"{name} stands here more than once; a name must be its own.")


def _faults_of_rule(at: Path, rule: Rule, pathways: dict[str, Pathway], *, last: bool) -> Iterator[Fault]:
    always = rule.otherwise and rule.when is None
    ways = [name for name in ("when", "aggravators") if getattr(rule, name)]
    if len(ways) > 1 or not (ways or always) or (rule.otherwise and rule.aggravators):
        yield Fault(at, "needs exactly one of when, aggravators and otherwise; otherwise may have a when.")
    if always and not last:
        says = "may stand without a when in the last rule only: nothing after it would ever be asked."
        yield Fault((*at, "otherwise"), says)
    if last and not always:
        yield Fault(
            at, "is the last rule, and must fire when nothing above it does: give it otherwise: true, and no when."
        )
    if rule.beside is not None and not rule.aggravators:
        yield Fault((*at, "beside"), "belongs to aggravators, and this rule has none.")
    pathway = pathways.get(rule.then.pathway)
    if pathway is None:
        yield Fault((*at, "then", "pathway"), f"{rule.then.pathway} is not a pathway of this rule set.")
    elif pathway.decision_only:
        yield Fault((*at, "then", "pathway"), f"{rule.then.pathway} is for people to decide, never for a rule.")
    for path, value, is_last in conditional_values(rule):
        if is_last and value.when is not None:
            yield Fault((*at, *path), "is the last case, and may have no when.")
        if not is_last and value.when is None:
            yield Fault((*at, *path), "needs a when: only the last case has none.")


def _faults_of_condition(
    path: Path, condition: Condition, in_child: bool, codes: set[str], defined: set[str], above: set[str]
) -> Iterator[Fault]:
    match condition:
        case Present(indicator=wanted):
            for position, code in enumerate(wanted.codes or ()):
                if code not in codes:
                    where = (*path, "indicator", "codes", position)
                    yield Fault(where, f"{code} is not an indicator of this rule set.")
            if wanted.where != "contact" and not in_child:
                yield Fault((*path, "indicator", "where"), f"{wanted.where} has a meaning inside some_child only.")
        case Fact():
            yield from _faults_of_fact(path, condition, in_child)
        case Fired(fired=rule) if rule not in above:
            yield Fault((*path, "fired"), f"{rule} is not a rule above this one.")
        case Defined(defined=name) if name not in defined:
            yield Fault((*path, "defined"), f"{name} is not a condition under defined.")


def _faults_of_fact(path: Path, condition: Fact, in_child: bool) -> Iterator[Fault]:
    known = CHILD_FACTS if in_child else CONTACT_FACTS
    if condition.fact in CHILD_FACTS and not in_child:
        yield Fault((*path, "fact"), f"{condition.fact} is a fact of a child; ask for it inside some_child.")
    elif condition.fact not in known | CONTACT_FACTS:
        yield Fault((*path, "fact"), f"{condition.fact} is not a fact; the facts here are {', '.join(sorted(known))}.")
    limits = condition.at_least is not None or condition.at_most is not None
    if [condition.is_ is not None, condition.in_ is not None, limits].count(True) != 1:
        yield Fault(path, "needs exactly one of is, in, and at_least or at_most.")
    elif condition.fact in known | CONTACT_FACTS:
        yield from _faults_of_answer(path, condition)


def _faults_of_answer(path: Path, condition: Fact) -> Iterator[Fault]:
    """Faults of values that a fact can never have: the rule would never fire."""
    name, limits = condition.fact, [each for each in (condition.at_least, condition.at_most) if each is not None]
    asked = [condition.is_] if condition.is_ is not None else list(condition.in_ or ())
    if limits and name not in NUMBERS:
        yield Fault(path, f"{name} is no number, and has no limits; ask with is or in.")
    elif len(limits) == 2 and limits[0] > limits[1]:
        yield Fault(path, "asks for at least more than for at most: no number is both.")
    for limit in limits:
        low, high = NUMBERS.get(name, (0, HIGHEST_LIMIT))
        if not low <= limit <= min(high, HIGHEST_LIMIT):
            yield Fault(path, f"asks for {limit}: {name} is asked from {low} to {min(high, HIGHEST_LIMIT)}.")
    can_be, kind = _can_be(name)
    for value in asked:
        if not can_be(value):
            yield Fault(path, f"{quoted(value)} is nothing that {name} can be; it is {kind}.")


def _can_be(name: str) -> tuple[Callable[[object], bool], str]:
    if name in WORDS:
        return (lambda value: value in WORDS[name]), " or ".join(sorted(WORDS[name]))
    if name in NUMBERS:
        low, high = NUMBERS[name]
        kind = f"a whole number from {low}" + (f" to {high}" if high != float("inf") else " up")
        return (lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high), kind
    return (lambda value: isinstance(value, bool)), "true or false"


def _circles(document: RuleSetDocument) -> Iterator[Fault]:
    uses = {
        name: {part.defined for _, part, _ in walk(condition) if isinstance(part, Defined)}
        for name, condition in document.defined.items()
    }
    for name in uses:
        reached, todo = set[str](), set(uses[name])
        while todo:
            step = todo.pop()
            if step not in reached:
                reached.add(step)
                todo |= uses.get(step, set())
        if name in reached:
            yield Fault(("defined", name), "is defined by itself, in a circle.")


def _too_long(document: RuleSetDocument) -> Iterator[Fault]:
    """
    Faults of definitions that are too long. Definitions that use definitions twice double each time: a few lines can
    become more than any machine can evaluate.
    """
    sizes: dict[str, int] = {}

    def size(name: str) -> int:
        if name not in sizes:
            sizes[name] = 1
            parts = [part for _, part, _ in walk(document.defined[name])]
            sizes[name] = sum(size(part.defined) if isinstance(part, Defined) else 1 for part in parts)
        return sizes[name]

    for name in document.defined:
        if size(name) > MOST_PARTS:
            yield Fault(("defined", name), f"asks more than {MOST_PARTS:,} questions when it is written out.")
