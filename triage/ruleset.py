"""
A rule set: the questions that its document can answer.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial, reduce
from operator import or_
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from triage.documents import Document
from triage.facts import Agreement, Child, Facts, Family, read_facts
from triage.language import (
    CHILD_FACTS,
    FAMILY_FACTS,
    NO_CHILD,
    NUMBERS,
    WORDS,
    AnyBit,
    Catalogue,
    Compiled,
    Condition,
    Fact,
    Questions,
    Setting,
    Test,
    View,
    Witness,
    all_of,
    any_of,
    nothing_to_show,
    test_of,
)
from triage.reading import load_document, read_document
from triage.rule_set_document import Hold, Rag, Rule, RuleSetDocument, TeamKind, Then, conditions

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
    witness: Witness


class _Reader(NamedTuple):
    """How a fact becomes bits: `table` for the values up to the last that matters, `beyond` for those after it."""

    name: str
    table: dict[object, int]
    beyond: int
    default: object


class _Rule(NamedTuple):
    """A rule, compiled. `fired` is its bit where a later rule asks whether it fired, else 0."""

    test: Test
    firings: tuple[tuple[Test, Firing], ...]
    fired: int
    pathway: str
    hold: str | None
    lead: str | None
    rag: Callable[[View], str]
    level: Callable[[View], int]


class RuleSet:
    """
    A rule set that answers. Build one with `parse`, `load_file` or `shipped`.

    Immutable, and cheap to ask: conditions are compiled once. Facts become a `View`, whose bits the rules look at; a
    single fact of a view can be changed without reading the others again, which is what an explanation does.
    """

    def __init__(self, document: RuleSetDocument) -> None:
        self.document = document
        self.name = f"{document.ruleset}/{document.version}"
        self.catalogue = Catalogue(document.indicators)
        self.pathways = {pathway.id: pathway for pathway in document.pathways}
        self.manager_decides = frozenset(rule.id for rule in document.rules if rule.decided_by == "manager")
        """The rules after which only a manager may decide."""
        questions = Questions(first_bit=self.catalogue.everything + 1)
        self._setting = Setting(self.catalogue, questions, document.defined)
        self._otherwise = AnyBit(questions.new_bit())
        self._rules = tuple(self._rule(rule) for rule in document.rules)
        self._refer = [
            (entry.id, self.catalogue.mask(also_refer_to=entry.id), self._test(entry.only_if))
            for entry in sorted(document.also_refer_to, key=lambda entry: entry.id)
        ]
        self._refer_at_all = sum(mask for _, mask, _ in self._refer)
        self._warnings = [(entry.id, test_of(entry.when.compiled(self._setting))) for entry in document.warnings]
        self._level_masks = [(level, self.catalogue.mask(level=level)) for level in (4, 3, 2)]
        self._cuts = _cuts(document, ("defined", "rules"))
        self._all_cuts = _cuts(document, ("defined", "rules", "also_refer_to", "warnings"))
        # Every question is known now.
        of_contact = [self._reader(name, Facts) for name in ("agreement", "immediate_danger", "referrer_level")]
        of_family = [self._reader(name, Family) for name in sorted(FAMILY_FACTS)]
        of_child = [self._reader(name, Child) for name in sorted(CHILD_FACTS)]
        self._of_contact, self._of_family, self._of_child = (
            tuple(reader for reader in readers if reader.beyond or any(reader.table.values()))
            for readers in (of_contact, of_family, of_child)
        )
        self._readers = {
            reader.name: (reader, ~questions.mask([reader.name])) for reader in (*of_contact, *of_family, *of_child)
        }
        self._of_any_child = questions.mask(CHILD_FACTS)

    # ---- asking

    def facts(self, data: object) -> Facts:
        """
        Read facts from what `json.loads` gives.

        :raises InvalidDocument: with every fault; an unknown indicator, field or value is named.
        """
        return read_facts(data, ruleset=self.name, indicators=self.catalogue.entries)

    def judge(self, facts: Facts) -> Result:
        """What is recommended for these facts. Every valid set of facts gets an answer, the same for ever."""
        return self.result(self.view(facts))

    def judge_stored(self, facts: Mapping[str, Any]) -> Result:
        """
        What is recommended for facts that were read before and stored as JSON, without reading them again.

        Where another version read them, an indicator that this one does not have counts as absent.
        """
        return self.result(self._view(facts, facts["family"], facts["children"]))

    def firings(self, view: View) -> list[Firing]:
        """Every rule and aggravator that fires, in the order of the rules."""
        seen = View(view.bits, view.children, view.family)
        found: list[Firing] = []
        for rule in self._rules:
            if rule.test(seen, 0):
                seen.bits |= rule.fired
                found += [firing for test, firing in rule.firings if test(seen, 0)]
        return found

    def cuts(self, fact: str) -> tuple[int, ...]:
        """The numbers at which some rule's answer about this fact turns: it differs from `cut - 1` to `cut`."""
        return self._cuts.get(fact, ())

    def all_cuts(self, fact: str) -> tuple[int, ...]:
        """The same, with the limits of what is only added to the pathway."""
        return self._all_cuts.get(fact, ())

    # ---- views: facts as the rules see them

    def view(self, facts: Facts) -> View:
        """Facts as the rules see them."""
        return self._view(vars(facts), vars(facts.family), [vars(child) for child in facts.children])

    def with_fact(self, view: View, name: str, number: int, value: object) -> View:
        """The view with one fact changed; itself where no rule asks. `number` is the child's, or NO_CHILD."""
        reader, others = self._readers[name]
        new = reader.table.get(value, reader.beyond)
        if number == NO_CHILD:
            bits = view.bits & others | new
            return view if bits == view.bits else View(bits, view.children, view.family)
        own = view.children[number]
        return self._with_child(view, number, own & others | new)

    def without_indicator(self, view: View, number: int, code: str) -> View:
        """The view without an indicator on one child, or with NO_CHILD on the family."""
        bit = self.catalogue.bits[code]
        if number != NO_CHILD:
            return self._with_child(view, number, view.children[number] & ~bit)
        family = view.family & ~bit
        everywhere = reduce(or_, view.children, family) & bit
        return View(view.bits & ~bit | everywhere, view.children, family)

    def result(self, view: View) -> Result:
        """What is recommended for what is seen."""
        rule = self._first(view)
        bits = view.bits
        return Result(
            rule.level(view),
            rule.pathway,
            rule.rag(view),
            rule.lead,
            rule.hold,
            tuple(name for name, mask, limit in self._refer if bits & mask and limit(view, 0))
            if bits & self._refer_at_all
            else (),
            tuple([name for name, test in self._warnings if test(view, 0)]),
        )

    def turn(self, view: View) -> tuple[str, str, str | None]:
        """The pathway, the rating and the hold alone."""
        rule = self._first(view)
        return rule.pathway, rule.rag(view), rule.hold

    # ---- how it answers

    def _first(self, view: View) -> _Rule:
        for rule in self._rules:
            if rule.test(view, 0):
                return rule
        raise AssertionError("the last rule of a rule set always fires when nothing above it did")

    def _view(
        self, contact: Mapping[str, Any], family: Mapping[str, Any], children: Sequence[Mapping[str, Any]]
    ) -> View:
        code_bits = self.catalogue.bits
        bits = of_family = 0
        for name, table, beyond, default in self._of_contact:
            bits |= table.get(contact.get(name, default), beyond)
        for name, table, beyond, default in self._of_family:
            bits |= table.get(family.get(name, default), beyond)
        for code in family.get("indicators", ()):
            of_family |= code_bits.get(code, 0)
        bits |= of_family
        seen = []
        for child in children:
            own = 0
            for name, table, beyond, default in self._of_child:
                own |= table.get(child.get(name, default), beyond)
            for code in child.get("indicators", ()):
                own |= code_bits.get(code, 0)
            bits |= own
            seen.append(own)
        return View(bits, tuple(seen), of_family)

    def _with_child(self, view: View, number: int, own: int) -> View:
        if own == view.children[number]:
            return view
        children = (*view.children[:number], own, *view.children[number + 1 :])
        of_anybody = self._of_any_child | self.catalogue.everything
        return View(view.bits & ~of_anybody | reduce(or_, children, view.family), children, view.family)

    # ---- how it is built

    def _rule(self, rule: Rule) -> _Rule:
        setting, agreement = self._setting, self._agreement(rule.agreement)
        firings: list[tuple[Test, Firing]] = []
        if rule.otherwise:
            # Nothing above it fired, or it would not be asked; among the firings, the bit says so.
            compiled: list[Compiled] = [_not(self._otherwise)]
            firings.append((_always, Firing(rule.id, rule.says, nothing_to_show)))
        elif rule.when is not None:
            compiled = [*agreement, rule.when.compiled(setting)]
            firings.append((_always, Firing(rule.id, rule.says, rule.when.witness(setting))))
        else:
            beside = [rule.beside.compiled(setting)] if rule.beside else []
            tests: list[tuple[bool, Compiled]] = []
            for each in rule.aggravators:
                test = all_of([*self._agreement(each.agreement), each.when.compiled(setting)])
                tests.append((each.alone, test))
                whole = test_of(test if each.alone else all_of([*beside, test]))
                firings.append((whole, Firing(each.id, each.says, each.when.witness(setting))))
            alone, others = ([test for counts, test in tests if counts is wanted] for wanted in (True, False))
            together = [all_of([*beside, any_of(others)])] if others else []
            compiled = [*agreement, any_of([*alone, *together])]
        return _Rule(
            test=test_of(all_of(compiled)),
            firings=tuple(firings),
            fired=setting.bit_of_rule(rule.id) | self._otherwise.mask,
            pathway=rule.then.pathway,
            hold=rule.then.hold.value if rule.then.hold else None,
            lead=self.pathways[rule.then.pathway].lead,
            rag=self._rag(rule.then),
            level=self._level(rule.then),
        )

    def _agreement(self, wanted: tuple[Agreement, ...]) -> list[Compiled]:
        """A rule for every agreement does not ask for it."""
        among = frozenset(wanted)
        if among == frozenset(Agreement):
            return []
        return [AnyBit(self._setting.questions.bit("agreement", among, among.__contains__))]

    def _reader(self, name: str, shape: type[Document]) -> _Reader:
        """Of a number, every value up to the first beyond the last limit; of anything else, every value."""
        answers = partial(self._setting.questions.answers, name)
        default = shape.model_fields[name].default
        if name not in NUMBERS:
            values = WORDS.get(name) or (frozenset(Agreement) if name == "agreement" else (True, False))
            return _Reader(name, {value: answers(value) for value in (None, *values)}, 0, default)
        low, high = NUMBERS[name]
        beyond = max(self.all_cuts(name), default=low) + 1
        last = int(min(high, beyond))
        table: dict[object, int] = {value: answers(value) for value in range(low, last + 1)}
        return _Reader(name, table | {None: answers(None)}, answers(last), default)

    def _rag(self, then: Then) -> Callable[[View], str]:
        if isinstance(then.rag, Rag):
            always = then.rag.value
            return lambda view: always
        cases = [(self._test(case.when), case.is_.value) for case in then.rag]
        return lambda view: next(value for test, value in cases if test(view, 0))

    def _level(self, then: Then) -> Callable[[View], int]:
        if then.level == "highest_indicator":
            return self._highest_indicator
        if isinstance(then.level, int):
            always = then.level
            return lambda view: always
        cases = [(self._test(case.when), case.is_) for case in then.level]
        return lambda view: next(value for test, value in cases if test(view, 0))

    def _test(self, condition: Condition | None) -> Test:
        return test_of(condition.compiled(self._setting)) if condition is not None else _always

    def _highest_indicator(self, view: View) -> int:
        return next((level for level, mask in self._level_masks if view.bits & mask), 1)


def _always(view: View, own: int) -> bool:
    return True


def _not(bit: AnyBit) -> Test:
    return lambda view, own: not view.bits & bit.mask


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
