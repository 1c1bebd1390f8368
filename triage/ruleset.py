"""A compiled rule set: it answers facts with a recommendation, and the questions that explain it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial, reduce
from itertools import product, takewhile
from operator import itemgetter, or_
from pathlib import Path as FilePath
from typing import Any, NamedTuple, TypeVar

from triage.bits import (
    NO_GUARD,
    AnyBit,
    ChangeBits,
    Compiled,
    Guarded,
    Questions,
    Test,
    View,
    all_of,
    any_of,
    changed_by_any,
    guarded,
    test_of,
)
from triage.catalogue import Catalogue
from triage.direction import RATINGS
from triage.evidence import FindEvidence, no_evidence
from triage.fact_fields import CHILD_FACTS, FAMILY_FACTS, NO_CHILD, NUMBERS, WORDS
from triage.facts import Agreement, Child, Facts, Family, read_facts
from triage.language import CompileContext, Condition, Fact, Fired, change_bits
from triage.reading import load_document, read_document
from triage.rule_set_document import Hold, PathwayTeam, Rag, RatingAndLevel, Rule, RuleSetDocument, Then, conditions

__all__ = ["SHIPPED", "Firing", "Hold", "PathwayTeam", "Rag", "Result", "RuleSet", "load_file", "parse", "shipped"]

Value = TypeVar("Value")
_ABSENT = {
    shape: {name: field.default for name, field in shape.model_fields.items()} for shape in (Facts, Family, Child)
}
"""What a field counts as where it is absent."""

HIGHEST_LEVEL = 4
SHIPPED = FilePath(__file__).parent / "data" / "early-help-first-2.yaml"


class Result(NamedTuple):
    """A recommendation without its explanation. Two results are equal if nobody would act differently on them."""

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
    evidence: FindEvidence


class _Reader(NamedTuple):
    """The bits of a fact's values: `table` for the values up to the last that matters, `beyond` for larger ones."""

    name: str
    table: dict[object, int]
    beyond: int


class _Encoding(dict[tuple[object, ...], int]):
    """
    The bits of all facts of one holder (the contact, the family or a child), by the values of the facts.

    It is a cache: most combinations of values come again and again.
    """

    MOST = 10_000  # A full cache is emptied, because numbers have no limit.

    def __init__(self, readers: Sequence[_Reader]) -> None:
        super().__init__()
        self._readers = readers
        self.pick: Callable[[Mapping[str, Any]], tuple[object, ...]] = itemgetter(*(reader.name for reader in readers))

    def __missing__(self, values: tuple[object, ...]) -> int:
        bits = 0
        for (_, table, beyond), value in zip(self._readers, values, strict=True):
            bits |= table.get(value, beyond)
        if len(self) >= self.MOST:
            self.clear()
        self[values] = bits
        return bits


class _Rule(NamedTuple):
    """
    A rule, compiled.

    :ivar needs: without one of these bits it cannot fire.
    :ivar firings: the reasons that it can give (the rule or its aggravators), each with its guard and its test.
    :ivar fired: its bit if a later rule asks whether it fired, else 0.
    :ivar answer: what it recommends, with nothing added to the pathway.
    :ivar answers: the same at every level and rating.
    :ivar least: the lowest level and the mildest rating that it can give; `most` the highest and the gravest.
    :ivar change_bits: the bits that may change whether it fires; `of_rag` and `of_level` those of its rating and level.
    """

    id: str
    needs: int
    test: Test
    firings: tuple[tuple[int, Test, Firing], ...]
    fired: int
    answer: Callable[[View], Result]
    answers: Mapping[tuple[int, int], Result]
    least: tuple[int, int]
    most: tuple[int, int]
    change_bits: ChangeBits
    of_rag: ChangeBits
    of_level: ChangeBits


class RuleSet:
    """
    A compiled rule set. Build one with `parse`, `load_file` or `shipped`.

    It is immutable and fast: conditions are compiled once. Facts become a `View`, whose bits the rules test. A single
    fact of a view can be changed without reading the others again, which an explanation does.
    """

    def __init__(self, document: RuleSetDocument) -> None:
        self.document = document
        self.name = f"{document.ruleset}/{document.version}"
        self.catalogue = Catalogue(document.indicators)
        self.pathways = {pathway.id: pathway for pathway in document.pathways}
        self._clocks = {clock.id: clock for clock in document.clocks}
        self.manager_decides = frozenset(rule.id for rule in document.rules if rule.decided_by == "manager")
        """The rules after which only a manager may decide."""
        questions = Questions(first_bit=self.catalogue.everything + 1)
        self._setting = CompileContext(self.catalogue, questions, document.defined)
        self._otherwise = AnyBit(questions.new_bit())
        self._always = questions.new_bit()  # there in every view, for what has no guard
        self._rules = tuple(self._rule(rule) for rule in document.rules)
        self._asks_about: list[set[str]] = [set() for _ in document.rules]
        for path, part, _ in conditions(document):
            if path[0] == "rules" and isinstance(path[1], int) and isinstance(part, Fired):
                self._asks_about[path[1]].add(part.fired)
        below = list(enumerate(self._rules))
        self._order = tuple(
            (rule.needs, rule.test, rule, self._that_may_add(place, rule.least)) for place, rule in below
        )
        # The same for the rating alone: no level can be higher than the highest.
        self._rated_by = {rule.id: self._that_may_add(place, (HIGHEST_LEVEL, rule.least[1])) for place, rule in below}
        self._refer = [
            (entry.id, self.catalogue.mask(also_refer_to=entry.id), self._test(entry.only_if))
            for entry in sorted(document.also_refer_to, key=lambda entry: entry.id)
        ]
        self._warnings = [(entry.id, self._test(entry.when)) for entry in document.warnings]
        warned = any_of(entry.when.compiled(self._setting) for entry in document.warnings)
        of_warnings = self._moved_by_any(entry.when for entry in document.warnings)
        of_limits = self._moved_by_any(entry.only_if for entry in document.also_refer_to if entry.only_if)
        referred = sum(mask for _, mask, _ in self._refer)
        self._adds = referred | guarded(warned).needs
        self._of_additions = changed_by_any([ChangeBits(referred), of_limits, of_warnings]).either_way
        self._cuts = _cuts(document, ("defined", "rules"))
        self._all_cuts = _cuts(document, ("defined", "rules", "also_refer_to", "warnings"))
        # Every question is known now.
        of_contact = [self._reader(name) for name in ("agreement", "immediate_danger", "referrer_level", "screened")]
        of_family = [self._reader(name) for name in sorted(FAMILY_FACTS)]
        of_child = [self._reader(name) for name in sorted(CHILD_FACTS)]
        self._of_contact, self._of_family, self._of_child = map(_Encoding, (of_contact, of_family, of_child))
        self._readers = {
            reader.name: (reader, ~questions.mask([reader.name])) for reader in (*of_contact, *of_family, *of_child)
        }
        self._not_of_people = ~(questions.mask(CHILD_FACTS) | self.catalogue.everything)

    # ---- asking

    def facts(self, data: object) -> Facts:
        """
        Reads facts from parsed JSON.

        :raises InvalidInput: with every fault; an unknown indicator, field or value is named.
        """
        return read_facts(data, ruleset=self.name, indicators=self.catalogue.entries)

    def evaluate(self, facts: Facts) -> Result:
        """The recommendation on these facts. Every valid set of facts gets one, and always the same."""
        return self.result(self.view(facts))

    def evaluate_stored(self, facts: Mapping[str, Any]) -> Result:
        """
        The recommendation on facts that were read before and stored as JSON, without reading them again.

        If another version read them, an indicator that this version does not have counts as absent.
        """
        try:
            view = self._view(facts, facts["family"], facts["children"])
        except KeyError:  # where another version read them, a field may be absent
            children = [{**_ABSENT[Child], **child} for child in facts["children"]]
            view = self._view({**_ABSENT[Facts], **facts}, {**_ABSENT[Family], **facts["family"]}, children)
        return self.result(view)

    def firings(self, view: View) -> list[Firing]:
        """Every rule and aggravator that fires, in the order of the rules."""
        seen = View(view.bits, view.children, view.family)
        found: list[Firing] = []
        for rule in self._rules:
            if seen.bits & rule.needs and rule.test(seen, 0):
                bits = seen.bits = seen.bits | rule.fired
                found += [firing for needs, test, firing in rule.firings if bits & needs and test(seen, 0)]
        return found

    def cuts(self, fact: str) -> tuple[int, ...]:
        """The numbers at which some rule's answer about this fact changes: it differs from `cut - 1` to `cut`."""
        return self._cuts.get(fact, ())

    def all_cuts(self, fact: str) -> tuple[int, ...]:
        """The same, with the limits of what is only added to the pathway."""
        return self._all_cuts.get(fact, ())

    def that_may_add_to(self, first: str) -> tuple[str, ...]:
        """The rules below one whose rating or level may be graver than its own, and those that they ask about."""
        return next(tuple(below.id for below in others) for _, _, rule, others in self._order if rule.id == first)

    def starts_clock(self, kind: str, pathway: str) -> bool:
        """
        Whether a case on this pathway gets this clock. A clock that the document does not name starts on every
        pathway.
        """
        clock = self._clocks.get(kind)
        if clock is None:
            return True
        return pathway in clock.only_on if clock.only_on is not None else pathway not in (clock.not_on or ())

    # ---- views: facts as the rules see them

    def view(self, facts: Facts) -> View:
        """Facts as the rules see them."""
        return self._view(vars(facts), vars(facts.family), [vars(child) for child in facts.children])

    def with_fact(self, view: View, name: str, number: int, value: object) -> View:
        """The view with one fact changed; the same view if no rule reads it. `number` is the child's, or NO_CHILD."""
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
        """The recommendation on a view."""
        answer = self._answered(view)
        bits = view.bits
        if not bits & self._adds:
            return answer
        also = [name for name, mask, limit in self._refer if bits & mask and limit(view, 0)]
        warnings = [name for name, test in self._warnings if test(view, 0)]
        return Result(*answer[:5], tuple(also), tuple(warnings))

    def brief_result(self, view: View) -> tuple[str, str, str | None]:
        """The pathway, the rating and the hold alone."""
        rule, below = self._first(view)
        answer = rule.answer(view) if not below else self._gravest(view, rule, self._rated_by[rule.id])
        return answer.pathway, answer.rag, answer.hold

    # ---- what may change an answer

    def first(self, view: View) -> str:
        """The first rule that fires, which gives the answer."""
        return self._first(view)[0].id

    def change_bits(self, first: str) -> tuple[ChangeBits, ChangeBits]:
        """
        What may change the brief result, and what may change the whole result, of facts that the rule `first` answers.

        Whatever else changes, the rules above it stay silent, it goes on firing, and says the same; and so do the rules
        below it that may add to its rating or its level.
        """
        above = list(takewhile(lambda rule: rule.id != first, self._rules))
        _, _, rule, below = self._order[len(above)]
        of_ratings = [
            moved for other in self._rated_by[first] for moved in (other.change_bits.either_way, other.of_rag)
        ]
        of_levels = [moved for other in below for moved in (other.change_bits.either_way, other.of_level)]
        of_brief = changed_by_any(
            [*(other.change_bits for other in above), rule.change_bits.reversed, rule.of_rag, *of_ratings]
        )
        return of_brief, changed_by_any([of_brief, rule.of_level, *of_levels, self._of_additions])

    def values(self, name: str) -> dict[object, int]:
        """The bits of each value of a fact. A number beyond the last one has the bits of the last."""
        return self._readers[name][0].table

    # ---- how it answers

    def _answered(self, view: View) -> Result:
        rule, below = self._first(view)
        return rule.answer(view) if not below else self._gravest(view, rule, below)

    @staticmethod
    def _gravest(view: View, rule: _Rule, below: tuple[_Rule, ...]) -> Result:
        """The answer of the first rule, at the highest level and the gravest rating of it and of those below it."""
        answer = rule.answer(view)
        if not below:
            return answer
        level, rating = answer.level, RATINGS[answer.rag]
        seen = View(view.bits | rule.fired, view.children, view.family)
        for other in below:
            if seen.bits & other.needs and other.test(seen, 0):
                seen.bits |= other.fired
                added = other.answer(seen)
                level, rating = max(level, added.level), max(rating, RATINGS[added.rag])
        return rule.answers[level, rating]

    def _first(self, view: View) -> tuple[_Rule, tuple[_Rule, ...]]:
        """The first rule that fires, and those below it that may add to its rating and level."""
        bits = view.bits
        for needs, test, rule, below in self._order:
            if bits & needs and test(view, 0):
                return rule, below
        raise AssertionError("the last rule of a rule set always fires when nothing above it did")

    def _view(
        self, contact: Mapping[str, Any], family: Mapping[str, Any], children: Sequence[Mapping[str, Any]]
    ) -> View:
        code_bits = self.catalogue.bits
        of_contact, of_family, of_child = self._of_contact, self._of_family, self._of_child
        held = 0
        for code in family["indicators"]:
            held |= code_bits.get(code, 0)
        bits = self._always | of_contact[of_contact.pick(contact)] | of_family[of_family.pick(family)] | held
        seen = []
        for child in children:
            own = of_child[of_child.pick(child)]
            for code in child["indicators"]:
                own |= code_bits.get(code, 0)
            bits |= own
            seen.append(own)
        return View(bits, tuple(seen), held)

    def _with_child(self, view: View, number: int, own: int) -> View:
        if own == view.children[number]:
            return view
        children = (*view.children[:number], own, *view.children[number + 1 :])
        bits = view.bits & self._not_of_people | reduce(or_, children, view.family)
        return View(bits, children, view.family)

    # ---- how it is built

    def _that_may_add(self, position: int, least: tuple[int, int]) -> tuple[_Rule, ...]:
        """The rules below one that may give a higher level or a graver rating, and those that they ask about."""
        if self.document.rating_and_level is RatingAndLevel.FIRST_RULE:
            return ()
        least_level, least_rating = least
        found: list[_Rule] = []
        asked: set[str] = set()
        for number in range(len(self._rules) - 1, position, -1):
            rule = self._rules[number]
            level, rating = rule.most
            adds = not self.document.rules[number].otherwise and (level > least_level or rating > least_rating)
            if adds or rule.id in asked:
                found.insert(0, rule)
                asked |= self._asks_about[number]
        return tuple(found)

    def _rule(self, rule: Rule) -> _Rule:
        setting, agreement = self._setting, self._agreement(rule.agreement)
        firings: list[tuple[int, Test, Firing]] = []
        compiled: list[Compiled] = [*agreement]
        moved: list[ChangeBits] = []
        if rule.otherwise:
            # The answer needs no such test: no rule above has fired when this one is asked. `firings` asks every rule.
            compiled.append(_not(self._otherwise))
            moved.append(ChangeBits(going=self._otherwise.mask))
        if rule.when is not None:
            compiled.append(rule.when.compiled(setting))
            moved.append(change_bits(rule.when, setting))
            firings.append((*_ALWAYS, Firing(rule.id, rule.says, rule.when.evidence(setting))))
        elif rule.otherwise:
            firings.append((*_ALWAYS, Firing(rule.id, rule.says, no_evidence)))
        else:
            beside = [rule.beside.compiled(setting)] if rule.beside else []
            moved += [change_bits(rule.beside, setting)] if rule.beside else []
            tests: list[tuple[bool, Compiled]] = []
            for each in rule.aggravators:
                wanted = self._agreement(each.agreement)
                asked = all_of([*wanted, each.when.compiled(setting)])
                moved += [change_bits(each.when, setting), *(ChangeBits(bit.mask) for bit in wanted)]
                tests.append((each.alone, asked))
                whole = guarded(asked if each.alone else all_of([*beside, asked]))
                firings.append((*whole, Firing(each.id, each.says, each.when.evidence(setting))))
            alone, others = ([asked for counts, asked in tests if counts is side] for side in (True, False))
            together = [all_of([*beside, any_of(others)])] if others else []
            compiled.append(any_of([*alone, *together]))
        needs, test = guarded(all_of(compiled))
        levels, ratings = self._can_be(rule.then)
        return _Rule(
            id=rule.id,
            needs=needs,
            test=test,
            firings=tuple(firings),
            fired=setting.bit_of_rule(rule.id) | self._otherwise.mask,
            answer=self._answer(rule.then),
            answers=self._answers(rule.then),
            least=(min(levels), min(ratings)),
            most=(max(levels), max(ratings)),
            change_bits=changed_by_any([*moved, *(ChangeBits(bit.mask) for bit in agreement)]),
            of_rag=self._moves_choice(rule.then.rag),
            of_level=self._moves_choice(rule.then.level),
        )

    def _agreement(self, wanted: tuple[Agreement, ...]) -> list[AnyBit]:
        """The tests for the agreement; none for a rule that applies to every agreement."""
        among = frozenset(wanted)
        if among == frozenset(Agreement):
            return []
        return [AnyBit(self._setting.questions.bit("agreement", among, among.__contains__))]

    def _reader(self, name: str) -> _Reader:
        """The bits of every value of a fact; for a number, up to the first value beyond the last limit."""
        answers = partial(self._setting.questions.answers, name)
        if name not in NUMBERS:
            values = WORDS.get(name) or (frozenset(Agreement) if name == "agreement" else (True, False))
            return _Reader(name, {value: answers(value) for value in (None, *values)}, 0)
        low, high = NUMBERS[name]
        beyond = max(self.all_cuts(name), default=low) + 1
        last = int(min(high, beyond))
        return _Reader(name, {value: answers(value) for value in (None, *range(low, last + 1))}, answers(last))

    def _answer(self, then: Then) -> Callable[[View], Result]:
        levels, rags = self._levels(then), self._rags(then)
        answers = self._answers(then)
        ratings = [(test, RATINGS[rag]) for test, rag in rags]
        if len(levels) == len(ratings) == 1:
            only = answers[levels[0][1], ratings[0][1]]
            return lambda view: only
        level_of, rating_of = _first_of(levels), _first_of(ratings)
        return lambda view: answers[level_of(view), rating_of(view)]

    def _answers(self, then: Then) -> dict[tuple[int, int], Result]:
        """Every answer that a rule can give, by its level and the rank of its rating. Each is made once."""
        lead, hold = self.pathways[then.pathway].lead, then.hold.value if then.hold else None
        return {
            (level, rank): Result(level, then.pathway, rag, lead, hold, (), ())
            for level, (rag, rank) in product((1, 2, 3, 4), RATINGS.items())
        }

    def _can_be(self, then: Then) -> tuple[set[int], set[int]]:
        """The levels and the ranks of the ratings that a rule can give."""
        return {level for _, level in self._levels(then)}, {RATINGS[rag] for _, rag in self._rags(then)}

    def _moves_choice(self, cases: object) -> ChangeBits:
        if cases == "highest_indicator":
            return ChangeBits(self.catalogue.everything).either_way
        limits = [case.when for case in cases if case.when is not None] if isinstance(cases, tuple) else []
        return self._moved_by_any(limits).either_way

    def _moved_by_any(self, conditions: Iterable[Condition]) -> ChangeBits:
        return changed_by_any([ChangeBits(), *(change_bits(condition, self._setting) for condition in conditions)])

    def _levels(self, then: Then) -> list[tuple[Test, int]]:
        if then.level == "highest_indicator":
            present = [(test_of(AnyBit(self.catalogue.mask(level=level))), level) for level in (4, 3, 2)]
            return [*present, (_always, 1)]
        if isinstance(then.level, int):
            return [(_always, then.level)]
        return [(self._test(case.when), case.is_) for case in then.level]

    def _rags(self, then: Then) -> list[tuple[Test, str]]:
        if isinstance(then.rag, Rag):
            return [(_always, then.rag.value)]
        return [(self._test(case.when), case.is_.value) for case in then.rag]

    def _test(self, condition: Condition | None) -> Test:
        return test_of(condition.compiled(self._setting)) if condition is not None else _always


def _first_of(cases: Sequence[tuple[Test, Value]]) -> Callable[[View], Value]:
    """The value of the first case that applies. The last one always does."""

    def choose(view: View) -> Value:
        for test, value in cases:
            if test(view, 0):
                return value
        raise AssertionError("the last case always holds")

    return choose


def _always(view: View, own: int) -> bool:
    return True


_ALWAYS = Guarded(NO_GUARD, _always)


def _not(bit: AnyBit) -> Guarded:
    return Guarded(NO_GUARD, lambda view, own: not view.bits & bit.mask)


def parse(data: object) -> RuleSet:
    """
    A rule set from parsed YAML or JSON.

    :raises InvalidInput: with every fault; each names the rule and the field.
    """
    return RuleSet(read_document(data))


def load_file(path: FilePath) -> RuleSet:
    """
    A rule set from a YAML or JSON file.

    :raises InvalidInput: with every fault.
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
