"""
A rule set: the document that a practice lead reads, and the questions that it can answer.

The document is data (YAML on disk for the first, JSON in the database). Parsing names every fault at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import Discriminator, Field, StrictBool, StrictInt, Tag

from triage.documents import (
    NO_BOOL,
    NOT_EMPTY,
    Document,
    Fault,
    InvalidDocument,
    Text,
    load_json,
    one_or_many,
    quoted,
    read,
)
from triage.facts import Agreement, Facts, read_facts
from triage.language import (
    CHILD_FACTS,
    CONTACT_FACTS,
    NO_CHILD,
    NUMBERS,
    WORDS,
    Catalogue,
    Condition,
    Defined,
    Evidence,
    Fact,
    Fired,
    IndicatorEntry,
    Path,
    Present,
    Setting,
    Test,
    View,
    walk,
)

SHIPPED = FilePath(__file__).parent / "data" / "early-help-first-1.yaml"


class Rag(StrEnum):
    """The rating. Red is the most urgent, blue the least."""

    RED = "red"
    AMBER = "amber"
    GREEN = "green"
    BLUE = "blue"


class Hold(StrEnum):
    """What a contact waits for before the pathway is taken."""

    AGREEMENT = "agreement"
    MANAGER = "manager"


class TeamKind(StrEnum):
    """Which sort of team a pathway leads to. `same_team` is the one that works, or last worked, with the family."""

    LOCALITY = "locality"
    CHILD_PROTECTION = "child_protection"
    OUT_OF_AREA = "out_of_area"
    SAME_TEAM = "same_team"


Level = Annotated[Literal[1, 2, 3, 4], NO_BOOL]


class Pathway(Document):
    """Where a contact can go. One without a team ends at the front door; `decision_only` is never recommended."""

    id: Text
    title: Text
    lead: Text | None = None
    team: TeamKind | None = None
    decision_only: StrictBool = False


class Case(Document):
    """What holds where `when` holds; a case without `when` always does."""

    when: Condition | None = None


class LevelCase(Case):
    """The level in one case."""

    is_: Annotated[Level, Field(alias="is")]


class RagCase(Case):
    """The rating in one case."""

    is_: Annotated[Rag, Field(alias="is")]


class Then(Document):
    """What a rule recommends."""

    pathway: Text
    rag: Annotated[
        Annotated[Rag, Tag("(one)")] | Annotated[tuple[RagCase, ...], NOT_EMPTY, Tag("(many)")],
        Discriminator(one_or_many),
    ]
    level: Annotated[
        Annotated[Literal[1, 2, 3, 4, "highest_indicator"], NO_BOOL, Tag("(one)")]
        | Annotated[tuple[LevelCase, ...], NOT_EMPTY, Tag("(many)")],
        Discriminator(one_or_many),
    ]
    hold: Hold | None = None


class Aggravator(Document):
    """A reason to look again. `alone`: it counts without an indicator beside it."""

    id: Text
    title: Text
    says: Text
    agreement: Annotated[tuple[Agreement, ...], NOT_EMPTY] = tuple(Agreement)
    alone: StrictBool = False
    when: Condition


class Rule(Document):
    """One rule: it fires by its condition, by its aggravators, or because nothing above it did."""

    id: Text
    title: Text
    says: Text
    agreement: Annotated[tuple[Agreement, ...], NOT_EMPTY] = tuple(Agreement)
    when: Condition | None = None
    aggravators: tuple[Aggravator, ...] = ()
    beside: Condition | None = None
    otherwise: StrictBool = False
    decided_by: Literal["manager"] | None = None
    then: Then


class AlsoReferTo(Document):
    """Another service that should hear of it too. `only_if` limits it."""

    id: Text
    title: Text
    only_if: Condition | None = None


class WarningEntry(Document):
    """A warning that travels with the recommendation."""

    id: Text
    title: Text
    when: Condition


class Recommended(Document):
    """A recommendation that a two-person decision speaks of."""

    rag: tuple[Rag, ...] = tuple(Rag)
    rule: Text | None = None


class Decided(Document):
    """A decision that a two-person decision speaks of."""

    pathway: tuple[Text, ...] = ()
    not_pathway: tuple[Text, ...] = ()
    rag: tuple[Rag, ...] = tuple(Rag)


class TwoPersonDecision(Document):
    """A decision that takes effect only when a second person agrees. Every part that is given must hold."""

    id: Text
    says: Text
    recommended: Recommended = Recommended()
    decided: Decided = Decided()
    agreement: Annotated[tuple[Agreement, ...], NOT_EMPTY] = tuple(Agreement)
    level_at_least: Level | None = None
    contacts_3_months_at_least: StrictInt | None = None


class RuleSetDocument(Document):
    """The whole document, as it is stored."""

    ruleset: Annotated[Text, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    version: Annotated[StrictInt, Field(ge=1)]
    title: Text
    pathways: Annotated[tuple[Pathway, ...], NOT_EMPTY]
    defined: dict[Text, Condition] = Field(default_factory=dict)
    rules: Annotated[tuple[Rule, ...], NOT_EMPTY]
    also_refer_to: tuple[AlsoReferTo, ...] = ()
    warnings: tuple[WarningEntry, ...] = ()
    two_person_decisions: tuple[TwoPersonDecision, ...] = ()
    indicators: Annotated[tuple[IndicatorEntry, ...], NOT_EMPTY]


class Result(NamedTuple):
    """What is recommended, without why. Two results are equal when nothing that a person would act on differs."""

    level: int
    pathway: str
    rag: str
    lead: str | None
    hold: str | None
    also_refer_to: tuple[str, ...]
    warnings: tuple[str, ...]


class Firing(NamedTuple):
    """A rule or an aggravator that fired, ready to be explained."""

    id: str
    says: str
    when: Condition | None


@dataclass(frozen=True)
class _Aggravator:
    source: Aggravator
    test: Test
    agreement: frozenset[str]


@dataclass(frozen=True)
class _Rule:
    source: Rule
    test: Test
    agreement: frozenset[str]
    aggravators: tuple[_Aggravator, ...]
    beside: Test | None
    pathway: str
    hold: str | None
    lead: str | None
    rag: Callable[[View], str]
    level: Callable[[View], int]


class RuleSet:
    """
    A rule set that answers. Build one with `parse`, `load_file` or `shipped`.

    Immutable, and cheap to ask: conditions are compiled once.
    """

    def __init__(self, document: RuleSetDocument) -> None:
        self.document = document
        self.name = f"{document.ruleset}/{document.version}"
        self.catalogue = Catalogue(document.indicators)
        self.pathways = {pathway.id: pathway for pathway in document.pathways}
        self.setting = Setting(self.catalogue, document.defined)
        self._rules = tuple(self._rule(rule) for rule in document.rules)
        self._refer = [
            (entry.id, self.catalogue.mask(also_refer_to=entry.id), self._test(entry.only_if))
            for entry in sorted(document.also_refer_to, key=lambda entry: entry.id)
        ]
        self._warnings = [(entry.id, entry.when.compiled(self.setting)) for entry in document.warnings]
        self._cuts = _cuts(document, ("defined", "rules"))
        self._all_cuts = _cuts(document, ("defined", "rules", "also_refer_to", "warnings"))
        self._level_masks = [(level, self.catalogue.mask(level=level)) for level in (4, 3, 2)]

    # ---- asking

    def facts(self, data: object) -> Facts:
        """
        Read facts from what `json.loads` gives.

        :raises InvalidDocument: with every fault; an unknown indicator, field or value is named.
        """
        return read_facts(data, ruleset=self.name, indicators=self.catalogue.entries)

    def judge(self, facts: Facts) -> Result:
        """What is recommended for these facts. Every valid set of facts gets an answer, the same for ever."""
        return self._judge(View(facts, self.catalogue))

    def firings(self, facts: Facts) -> tuple[View, list[Firing]]:
        """Every rule and aggravator that fires, in the order of the rules."""
        view = View(facts, self.catalogue)
        found: list[Firing] = []
        for rule in self._rules:
            if not self._fires(rule, view):
                continue
            view.fired.add(rule.source.id)
            if rule.aggravators:
                found += [
                    Firing(aggravator.source.id, aggravator.source.says, aggravator.source.when)
                    for aggravator in rule.aggravators
                    if self._aggravates(rule, aggravator, view)
                ]
            else:
                found.append(Firing(rule.source.id, rule.source.says, rule.source.when))
        return view, found

    def evidence(self, condition: Condition, view: View) -> Evidence:
        """The facts that make a condition hold that holds."""
        return condition.evidence(self.setting, view, NO_CHILD)

    def cuts(self, fact: str) -> tuple[int, ...]:
        """The numbers at which some rule's answer about this fact turns: it differs from `cut - 1` to `cut`."""
        return self._cuts.get(fact, ())

    def all_cuts(self, fact: str) -> tuple[int, ...]:
        """The same, with the limits of what is only added to the pathway."""
        return self._all_cuts.get(fact, ())

    @property
    def manager_decides(self) -> frozenset[str]:
        """The rules after which only a manager may decide."""
        return frozenset(rule.id for rule in self.document.rules if rule.decided_by == "manager")

    # ---- how it answers

    def _judge(self, view: View) -> Result:
        first: _Rule | None = None
        for rule in self._rules:
            if self._fires(rule, view):
                first = rule
                break
        assert first is not None, "the last rule of a rule set always fires when nothing above it did"
        return Result(
            level=first.level(view),
            pathway=first.pathway,
            rag=first.rag(view),
            lead=first.lead,
            hold=first.hold,
            also_refer_to=tuple(
                name for name, mask, limit in self._refer if view.everywhere & mask and limit(view, NO_CHILD)
            ),
            warnings=tuple(name for name, test in self._warnings if test(view, NO_CHILD)),
        )

    def _fires(self, rule: _Rule, view: View) -> bool:
        if rule.source.otherwise:
            return not view.fired
        if view.facts.agreement not in rule.agreement:
            return False
        if rule.aggravators:
            return any(self._aggravates(rule, aggravator, view) for aggravator in rule.aggravators)
        return rule.test(view, NO_CHILD)

    @staticmethod
    def _aggravates(rule: _Rule, aggravator: _Aggravator, view: View) -> bool:
        return (
            view.facts.agreement in aggravator.agreement
            and (aggravator.source.alone or rule.beside is None or rule.beside(view, NO_CHILD))
            and aggravator.test(view, NO_CHILD)
        )

    # ---- how it is built

    def _rule(self, rule: Rule) -> _Rule:
        return _Rule(
            source=rule,
            test=rule.when.compiled(self.setting) if rule.when else _never,
            agreement=frozenset(rule.agreement),
            aggravators=tuple(
                _Aggravator(entry, entry.when.compiled(self.setting), frozenset(entry.agreement))
                for entry in rule.aggravators
            ),
            beside=rule.beside.compiled(self.setting) if rule.beside else None,
            pathway=rule.then.pathway,
            hold=rule.then.hold.value if rule.then.hold else None,
            lead=self.pathways[rule.then.pathway].lead,
            rag=self._rag(rule.then),
            level=self._level(rule.then),
        )

    def _rag(self, then: Then) -> Callable[[View], str]:
        if isinstance(then.rag, Rag):
            always = then.rag.value
            return lambda view: always
        cases = [(self._test(case.when), case.is_.value) for case in then.rag]
        return lambda view: next(value for test, value in cases if test(view, NO_CHILD))

    def _level(self, then: Then) -> Callable[[View], int]:
        if then.level == "highest_indicator":
            return self._highest_indicator
        if isinstance(then.level, int):
            always = then.level
            return lambda view: always
        cases = [(self._test(case.when), case.is_) for case in then.level]
        return lambda view: next(value for test, value in cases if test(view, NO_CHILD))

    def _test(self, condition: Condition | None) -> Test:
        return condition.compiled(self.setting) if condition is not None else _always

    def _highest_indicator(self, view: View) -> int:
        return next((level for level, mask in self._level_masks if view.everywhere & mask), 1)


def _always(view: View, child: int) -> bool:
    return True


def _never(view: View, child: int) -> bool:
    return False


# ---- reading


def parse(data: object) -> RuleSet:
    """
    Read a rule set from what YAML or JSON gives.

    :raises InvalidDocument: with every fault; each names the rule and the field.
    """
    try:
        document = read(RuleSetDocument, data)
    except InvalidDocument as invalid:
        raise InvalidDocument(Fault(_by_name(fault.path, data), fault.says) for fault in invalid.faults) from None
    faults = list(_faults_of_meaning(document))
    if faults:
        raise InvalidDocument(Fault(_by_name(fault.path, data), fault.says) for fault in faults)
    return RuleSet(document)


def load_file(path: FilePath) -> RuleSet:
    """
    Read a rule set from a YAML or JSON file.

    :raises InvalidDocument: with every fault.
    :raises OSError: when the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = load_json(text) if text.lstrip().startswith("{") else yaml.load(text, Loader=_CarefulLoader)  # noqa: S506
    except RecursionError:
        raise InvalidDocument(
            [Fault((), "This is not a document that can be read: it is nested too deeply.")]
        ) from None
    except InvalidDocument:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidDocument([Fault((), f"This is not YAML: {' '.join(str(error).split())}.")]) from None
    return parse(data)


class _CarefulLoader(yaml.SafeLoader):
    """YAML as a careful reader reads it: no key twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            line = node.start_mark.line + 1
            says = f"stands twice in what begins at line {line}; keep one of the two."
            raise InvalidDocument([Fault((key,), says) for key in twice])
        return super().construct_mapping(node, deep=deep)


@cache
def shipped() -> RuleSet:
    """The rule set that comes with the product."""
    return load_file(SHIPPED)


def _by_name(path: Path, data: object) -> Path:
    """A path in which the numbers of rules, aggravators and the like are replaced by their ids."""
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


def _conditions(document: RuleSetDocument) -> Iterator[tuple[Path, Condition, bool]]:
    for name, condition in document.defined.items():
        yield from walk(condition, ("defined", name))
    for number, rule in enumerate(document.rules):
        at: Path = ("rules", number)
        if rule.when is not None:
            yield from walk(rule.when, (*at, "when"))
        if rule.beside is not None:
            yield from walk(rule.beside, (*at, "beside"))
        for aggravating, aggravator in enumerate(rule.aggravators):
            yield from walk(aggravator.when, (*at, "aggravators", aggravating, "when"))
        for path, case, _ in _cases(rule):
            if case.when is not None:
                yield from walk(case.when, (*at, *path, "when"))
    for number, service in enumerate(document.also_refer_to):
        if service.only_if is not None:
            yield from walk(service.only_if, ("also_refer_to", number, "only_if"))
    for number, warning in enumerate(document.warnings):
        yield from walk(warning.when, ("warnings", number, "when"))


def _cuts(document: RuleSetDocument, parts: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    found: dict[str, set[int]] = {}
    for path, condition, _ in _conditions(document):
        if isinstance(condition, Fact) and path[0] in parts:
            found.setdefault(condition.fact, set()).update(condition.cuts)
    return {fact: tuple(sorted(cuts)) for fact, cuts in found.items()}


def _faults_of_meaning(document: RuleSetDocument) -> Iterator[Fault]:
    """What the shape alone cannot show: names that lead nowhere, facts that are not facts, rules that never end."""
    yield from _names_twice(document)
    codes = {entry.code for entry in document.indicators}
    pathways = {pathway.id: pathway for pathway in document.pathways}
    services = {service.id for service in document.also_refer_to}
    for number, entry in enumerate(document.indicators):
        if entry.also_refer_to is not None and entry.also_refer_to not in services:
            yield Fault(
                ("indicators", number, "also_refer_to"), f"{entry.also_refer_to} is not a service of also_refer_to."
            )
    above: set[str] = set()
    for number, rule in enumerate(document.rules):
        yield from _faults_of_rule(("rules", number), rule, pathways, last=number == len(document.rules) - 1)
    rule_ids = [rule.id for rule in document.rules]
    for path, condition, in_child in _conditions(document):
        above = set(rule_ids[: path[1]]) if path[0] == "rules" and isinstance(path[1], int) else set()
        yield from _faults_of_condition(path, condition, in_child, codes, set(document.defined), above)
    yield from _circles(document)
    for number, decision in enumerate(document.two_person_decisions):
        at: Path = ("two_person_decisions", number)
        for name in (*decision.decided.pathway, *decision.decided.not_pathway):
            if name not in pathways:
                yield Fault((*at, "decided"), f"{name} is not a pathway of this rule set.")
        if decision.recommended.rule is not None and decision.recommended.rule not in rule_ids:
            yield Fault((*at, "recommended", "rule"), f"{decision.recommended.rule} is not a rule of this rule set.")


def _names_twice(document: RuleSetDocument) -> Iterator[Fault]:
    groups: dict[str, list[str]] = {
        "pathways": [entry.id for entry in document.pathways],
        "rules": [rule.id for rule in document.rules]
        + [aggravator.id for rule in document.rules for aggravator in rule.aggravators],
        "also_refer_to": [entry.id for entry in document.also_refer_to],
        "warnings": [entry.id for entry in document.warnings],
        "two_person_decisions": [entry.id for entry in document.two_person_decisions],
        "indicators": [entry.code for entry in document.indicators],
    }
    for group, names in groups.items():
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Fault((group,), f"{name} stands here more than once; a name must be its own.")


def _faults_of_rule(at: Path, rule: Rule, pathways: dict[str, Pathway], *, last: bool) -> Iterator[Fault]:
    ways = [name for name in ("when", "aggravators", "otherwise") if getattr(rule, name)]
    if len(ways) != 1:
        yield Fault(at, "needs exactly one of when, aggravators and otherwise.")
    if rule.otherwise and not last:
        yield Fault((*at, "otherwise"), "may stand in the last rule only: nothing after it would ever be asked.")
    if last and not rule.otherwise:
        yield Fault(at, "is the last rule, and must fire when nothing above it does: give it otherwise: true.")
    if rule.beside is not None and not rule.aggravators:
        yield Fault((*at, "beside"), "belongs to aggravators, and this rule has none.")
    pathway = pathways.get(rule.then.pathway)
    if pathway is None:
        yield Fault((*at, "then", "pathway"), f"{rule.then.pathway} is not a pathway of this rule set.")
    elif pathway.decision_only:
        yield Fault((*at, "then", "pathway"), f"{rule.then.pathway} is for people to decide, never for a rule.")
    for path, case, is_last in _cases(rule):
        if is_last and case.when is not None:
            yield Fault((*at, *path), "is the last case, and may have no when.")
        if not is_last and case.when is None:
            yield Fault((*at, *path), "needs a when: only the last case has none.")


def _cases(rule: Rule) -> Iterator[tuple[Path, Case, bool]]:
    """The cases by which a rule's rating and level differ: (path, case, whether it is the last)."""
    groups: dict[str, tuple[Case, ...]] = {}
    if isinstance(rule.then.rag, tuple):
        groups["rag"] = rule.then.rag
    if isinstance(rule.then.level, tuple):
        groups["level"] = rule.then.level
    for name, cases in groups.items():
        for position, case in enumerate(cases):
            yield ("then", name, position), case, position == len(cases) - 1


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
    """What a fact can never be is never found; the rule would be silent for ever."""
    name, limits = condition.fact, [each for each in (condition.at_least, condition.at_most) if each is not None]
    asked = [condition.is_] if condition.is_ is not None else list(condition.in_ or ())
    if limits and name not in NUMBERS:
        yield Fault(path, f"{name} is no number, and has no limits; ask with is or in.")
    elif len(limits) == 2 and limits[0] > limits[1]:
        yield Fault(path, "asks for at least more than for at most: no number is both.")
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
