"""
A rule set: the questions that its document can answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath
from typing import NamedTuple

from triage.facts import Facts, read_facts
from triage.language import NO_CHILD, Catalogue, Condition, Evidence, Fact, Setting, Test, View
from triage.reading import load_document, read_document
from triage.rule_set_document import Aggravator, Hold, Rag, Rule, RuleSetDocument, TeamKind, Then, conditions

__all__ = ["SHIPPED", "Firing", "Hold", "Rag", "Result", "RuleSet", "TeamKind", "load_file", "parse", "shipped"]

SHIPPED = FilePath(__file__).parent / "data" / "early-help-first-1.yaml"


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


def parse(data: object) -> RuleSet:
    """
    A rule set from what YAML or JSON gives.

    :raises InvalidDocument: with every fault; each names the rule and the field.
    """
    return RuleSet(read_document(data))


def load_file(path: FilePath) -> RuleSet:
    """
    A rule set from a YAML or JSON file.

    :raises InvalidDocument: with every fault.
    :raises OSError: when the file cannot be read.
    """
    return RuleSet(load_document(path))


@cache
def shipped() -> RuleSet:
    """The rule set that comes with the product."""
    return load_file(SHIPPED)


def _cuts(document: RuleSetDocument, parts: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    found: dict[str, set[int]] = {}
    for path, condition, _ in conditions(document):
        if isinstance(condition, Fact) and path[0] in parts:
            found.setdefault(condition.fact, set()).update(condition.cuts)
    return {fact: tuple(sorted(cuts)) for fact, cuts in found.items()}
