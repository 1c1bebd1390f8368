"""
One walk over the conditions of a rule set's document, and what an engine has to say for it: the vocabulary, `Words`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Generic, Literal, TypeVar

from triage.fact_fields import CHILD_FACTS, FAMILY_FACTS
from triage.facts import Agreement
from triage.language import AllOf, AnyOf, Condition, Defined, Different, Fact, Fired, Not, Present, SomeChild
from triage.rule_set_document import LevelCase, RagCase, Rule
from triage.ruleset import RuleSet

# The cases of a rule's rating or level stand in this order, too.
GRAVEST_FIRST = ("red", "amber", "green", "blue")
Owner = Literal["contact", "family", "child"]
Term = TypeVar("Term")
Value = int | str


class Words(ABC, Generic[Term]):
    """How an engine says what our conditions say. `in_child`: the saying stands inside `some_child`."""

    never: Term

    @abstractmethod
    def every(self, parts: Sequence[Term]) -> Term: ...

    @abstractmethod
    def either(self, parts: Sequence[Term]) -> Term: ...

    @abstractmethod
    def no(self, part: Term) -> Term: ...

    @abstractmethod
    def some_child(self, part: Term) -> Term: ...

    @abstractmethod
    def fact(self, owner: Owner, name: str, in_child: bool) -> Term: ...

    @abstractmethod
    def is_unknown(self, fact: Term) -> Term: ...

    @abstractmethod
    def is_(self, fact: Term, value: Value) -> Term: ...

    @abstractmethod
    def is_among(self, fact: Term, values: Sequence[str]) -> Term: ...

    @abstractmethod
    def is_at_least(self, fact: Term, limit: int) -> Term: ...

    @abstractmethod
    def is_at_most(self, fact: Term, limit: int) -> Term: ...

    @abstractmethod
    def holds_any(self, indicators: Term, codes: Sequence[str]) -> Term:
        """A list of indicators, of a child or the family, holds one of these codes."""

    @abstractmethod
    def anywhere(self, codes: Sequence[str], in_child: bool) -> Term:
        """One of these codes is among all of the contact."""

    @abstractmethod
    def so_many(self, codes: Sequence[str], at_least: int, in_child: bool) -> Term:
        """So many different ones of these codes are among all of the contact."""


@dataclass(frozen=True)
class Choice(Generic[Term]):
    """The value of the first case that holds, else the last value."""

    cases: tuple[tuple[Term, Value], ...]
    otherwise: Value


@dataclass(frozen=True)
class Row(Generic[Term]):
    """A rule: where it is the first to hold (None: it always does), this is the answer."""

    when: Term | None
    level: Choice[Term]
    pathway: str
    rag: Choice[Term]
    hold: str | None


def translated(rules: RuleSet, words: Words[Term]) -> list[Row[Term]]:
    """
    The rules, in their order, in the words of an engine.

    Where rating and level are the gravest of all rules that fire, a row asks those below it that may add to its own,
    and no others: an engine is told no more than it needs.
    """
    translator = _Translator(rules, words)
    by_name = {rule.id: rule for rule in rules.document.rules}
    return [
        translator.row(rule, [by_name[name] for name in rules.that_may_add_to(rule.id)])
        for rule in rules.document.rules
    ]


class _Translator(Generic[Term]):
    def __init__(self, rules: RuleSet, words: Words[Term]) -> None:
        self._defined = rules.document.defined
        self._catalogue = rules.catalogue
        self._words = words

    def row(self, rule: Rule, below: Sequence[Rule]) -> Row[Term]:
        then = rule.then
        level, rag = self._level(rule), self._rag(rule)
        if below:
            holds = [self._when(each) for each in below]
            level = self._gravest(level, list(zip(holds, map(self._level, below), strict=True)), (4, 3, 2, 1))
            rag = self._gravest(rag, list(zip(holds, map(self._rag, below), strict=True)), GRAVEST_FIRST)
        always = rule.otherwise and rule.when is None
        return Row(None if always else self._when(rule), level, then.pathway, rag, then.hold and then.hold.value)

    def _rag(self, rule: Rule) -> Choice[Term]:
        rag = rule.then.rag
        return self._choice(rag) if isinstance(rag, tuple) else Choice[Term]((), rag.value)

    def _level(self, rule: Rule) -> Choice[Term]:
        level = rule.then.level
        if level == "highest_indicator":
            of_levels = ((self._words.anywhere(self._codes(level=level), False), level) for level in (4, 3, 2))
            return Choice(tuple(of_levels), 1)
        return self._choice(level) if isinstance(level, tuple) else Choice[Term]((), level)

    def _gravest(
        self, own: Choice[Term], others: list[tuple[Term, Choice[Term]]], gravest_first: tuple[Value, ...]
    ) -> Choice[Term]:
        """A row's own value, or a graver one of a rule below it that holds."""
        cases: list[tuple[Term, Value]] = []
        for place, value in enumerate(gravest_first):
            graver = gravest_first[: place + 1]
            if own.otherwise in graver:
                return Choice(tuple(cases), value)
            whens = [when for when, found in own.cases if found in graver]
            for holds, choice in others:
                if choice.otherwise in graver:
                    whens.append(holds)
                elif so_grave := [when for when, found in choice.cases if found in graver]:
                    whens.append(self._every([holds, self._either(so_grave)]))
            if whens:
                cases.append((self._either(whens), value))
        raise AssertionError("a value that is none of them")

    def _when(self, rule: Rule) -> Term:
        parts = self._agreement(rule.agreement)
        if rule.when is not None:
            return self._every([*parts, self._say(rule.when)])
        alone: list[Term] = []
        others: list[Term] = []
        for each in rule.aggravators:
            said = self._every([*self._agreement(each.agreement), self._say(each.when)])
            (alone if each.alone or rule.beside is None else others).append(said)
        if rule.beside is not None and others:
            alone.append(self._every([self._say(rule.beside), self._either(others)]))
        return self._every([*parts, self._either(alone)])

    def _agreement(self, wanted: tuple[Agreement, ...]) -> list[Term]:
        if set(wanted) == set(Agreement):
            return []
        fact = self._words.fact("contact", "agreement", False)
        return [self._words.is_among(fact, [each.value for each in wanted])]

    def _choice(self, cases: Iterable[RagCase | LevelCase]) -> Choice[Term]:
        *limited, (_, otherwise) = [(case.when, case.is_) for case in cases]
        return Choice(tuple((self._say(when), value) for when, value in limited if when is not None), otherwise)

    def _say(self, condition: Condition, in_child: bool = False) -> Term:
        words = self._words
        match condition:
            case AllOf():
                return self._every([self._say(part, in_child) for part in condition.all])
            case AnyOf():
                return self._either([self._say(part, in_child) for part in condition.any])
            case Not():
                return words.no(self._say(condition.not_, in_child))
            case SomeChild():
                return words.some_child(self._say(condition.some_child, in_child=True))
            case Present():
                return self._say_present(condition, in_child)
            case Different():
                return self._say_different(condition, in_child)
            case Fact():
                return self._say_fact(condition, in_child)
            case Fired():
                return words.never  # where the first to fire is the answer, nothing above fired
            case Defined():
                return self._say(self._defined[condition.defined], in_child)

    def _say_present(self, condition: Present, in_child: bool) -> Term:
        wanted = condition.indicator
        codes = self._catalogue.codes(wanted.mask(self._catalogue))
        if wanted.where == "contact":
            return self._words.anywhere(codes, in_child)
        owners: tuple[Owner, ...] = ("child",) if wanted.where == "child" else ("child", "family")
        lists = [self._words.fact(owner, "indicators", in_child) for owner in owners]
        return self._either([self._words.holds_any(each, codes) for each in lists])

    def _say_different(self, condition: Different, in_child: bool) -> Term:
        wanted, words = condition.different, self._words
        of_level = self._catalogue.mask(level=wanted.level)
        of_domains = [self._catalogue.codes(of_level & mask) for mask in self._catalogue.domains.values()]
        seen = [words.anywhere(codes, in_child) for codes in of_domains if codes]
        spread = self._either([self._every(domains) for domains in combinations(seen, wanted.domains)])
        if wanted.at_least == 1:
            return spread
        return self._every([words.so_many(self._catalogue.codes(of_level), wanted.at_least, in_child), spread])

    def _say_fact(self, condition: Fact, in_child: bool) -> Term:
        words, name = self._words, condition.fact
        owner: Owner = "child" if name in CHILD_FACTS else "family" if name in FAMILY_FACTS else "contact"
        fact = words.fact(owner, name, in_child)
        if condition.is_ is not None:
            said = words.is_(fact, condition.is_)
        elif condition.in_ is not None:
            said = words.is_among(fact, condition.in_)
        else:
            parts = [words.no(words.is_unknown(fact))]
            parts += [words.is_at_least(fact, condition.at_least)] if condition.at_least is not None else []
            parts += [words.is_at_most(fact, condition.at_most)] if condition.at_most is not None else []
            said = self._every(parts)
        return self._either([words.is_unknown(fact), said]) if condition.unknown == "fires" else said

    def _every(self, parts: Sequence[Term]) -> Term:
        return parts[0] if len(parts) == 1 else self._words.every(parts)

    def _either(self, parts: Sequence[Term]) -> Term:
        return parts[0] if len(parts) == 1 else self._words.either(parts)

    def _codes(self, **wanted: object) -> list[str]:
        return self._catalogue.codes(self._catalogue.mask(**wanted))
