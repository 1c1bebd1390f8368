"""
Other people's rule engines, given our rule set and our contacts.

One walk reads the conditions of a rule set's document; an engine is a small vocabulary for it, and a way to ask. Each
engine is used as its own documentation uses it when speed matters: compiled once, asked many times, one contact at a
time. All of them, and our own, start from the same facts, parsed and valid; what they make of them first counts.
"""

import json
import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import getitem
from random import Random
from typing import Any, Generic, Literal, TypeVar

import datalogic_py
import rule_engine
import zen

from triage.facts import Agreement, Facts
from triage.language import (
    CHILD_FACTS,
    FAMILY_FACTS,
    AllOf,
    AnyOf,
    Condition,
    Defined,
    Different,
    Fact,
    Fired,
    Not,
    Present,
    SomeChild,
)
from triage.recommendation import recommend
from triage.rule_set_document import LevelCase, RagCase, Rule
from triage.ruleset import RuleSet, shipped

Answer = tuple[int, str, str, str | None]
"""Level, pathway, rating, hold."""
Data = Mapping[str, Any]
Decide = Callable[[Data], Answer]
Owner = Literal["contact", "family", "child"]
Term = TypeVar("Term")
Given = TypeVar("Given")
Value = int | str


# ---- one walk over the conditions


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
    """The rules, in their order, in the words of an engine."""
    translator = _Translator(rules, words)
    return [translator.row(rule) for rule in rules.document.rules]


class _Translator(Generic[Term]):
    def __init__(self, rules: RuleSet, words: Words[Term]) -> None:
        self._defined = rules.document.defined
        self._catalogue = rules.catalogue
        self._words = words

    def row(self, rule: Rule) -> Row[Term]:
        then = rule.then
        rag = self._choice(then.rag) if isinstance(then.rag, tuple) else Choice[Term]((), then.rag.value)
        if then.level == "highest_indicator":
            of_levels = ((self._words.anywhere(self._codes(level=level), False), level) for level in (4, 3, 2))
            level = Choice(tuple(of_levels), 1)
        else:
            level = self._choice(then.level) if isinstance(then.level, tuple) else Choice[Term]((), then.level)
        return Row(
            None if rule.otherwise else self._when(rule), level, then.pathway, rag, then.hold and then.hold.value
        )

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


# ---- what several engines share


class TextWords(Words[str]):
    """What the languages that are written as text have in common. A text is JSON's, and so are true and null."""

    never = "false"

    def every(self, parts: Sequence[str]) -> str:
        return f"({' and '.join(parts)})"

    def either(self, parts: Sequence[str]) -> str:
        return f"({' or '.join(parts)})"

    def is_unknown(self, fact: str) -> str:
        return f"{fact} == null"

    def is_(self, fact: str, value: Value) -> str:
        return f"{fact} == {json.dumps(value)}"

    def is_among(self, fact: str, values: Sequence[str]) -> str:
        return f"{fact} in {json.dumps(values)}"

    def is_at_least(self, fact: str, limit: int) -> str:
        return f"{fact} >= {limit}"

    def is_at_most(self, fact: str, limit: int) -> str:
        return f"{fact} <= {limit}"


def chosen(choice: Choice[str]) -> str:
    """A choice as both ZEN and rule-engine write it."""
    text = json.dumps(choice.otherwise)
    for when, value in reversed(choice.cases):
        text = f"({when} ? {json.dumps(value)} : {text})"
    return text


def all_codes(facts: Data) -> list[str]:
    """The indicators of the family and of every child: what the engines would have to join in every rule."""
    return [*facts["family"]["indicators"], *(code for child in facts["children"] for code in child["indicators"])]


# ---- ZEN, by GoRules


class ZenWords(TextWords):
    """The ZEN expression language."""

    def no(self, part: str) -> str:
        return f"not({part})"

    def some_child(self, part: str) -> str:
        return f"some(children, {part})"

    def fact(self, owner: Owner, name: str, in_child: bool) -> str:
        return {"child": f"#.{name}", "family": f"family.{name}", "contact": name}[owner]

    def holds_any(self, indicators: str, codes: Sequence[str]) -> str:
        return f"some({indicators}, # in {json.dumps(codes)})"

    def anywhere(self, codes: Sequence[str], in_child: bool) -> str:
        return self.holds_any("codes", codes)

    def so_many(self, codes: Sequence[str], at_least: int, in_child: bool) -> str:
        return f"count({json.dumps(codes)}, # in codes) >= {at_least}"


def zen_decision(rules: RuleSet) -> Decide:
    """
    A decision of ZEN's: one decision table, whose first row that holds is the answer.

    Loaded by the engine itself, which compiles it once. A decision of `create_decision` gives the same answers and
    takes ten times as long, for it starts anew each time; a node that joins the codes takes a tenth more.
    """
    fields = ("level", "pathway", "rag", "hold")
    table = {
        "hitPolicy": "first",
        "inputs": [{"id": "when", "name": "when"}],
        "outputs": [{"id": field, "name": field, "field": field} for field in fields],
        "rules": [
            {
                "_id": str(number),
                "when": row.when or "true",
                "level": chosen(row.level),
                "pathway": json.dumps(row.pathway),
                "rag": chosen(row.rag),
                "hold": json.dumps(row.hold),
            }
            for number, row in enumerate(translated(rules, ZenWords()))
        ],
        "passThrough": False,
        "inputField": None,
        "outputPath": None,
        "executionMode": "single",
    }
    graph = {
        "nodes": [
            {"id": "facts", "name": "facts", "type": "inputNode", "content": {"schema": ""}},
            {"id": "rules", "name": "rules", "type": "decisionTableNode", "content": table},
            {"id": "answer", "name": "answer", "type": "outputNode", "content": {"schema": ""}},
        ],
        "edges": [
            {"id": "before", "sourceId": "facts", "targetId": "rules"},
            {"id": "after", "sourceId": "rules", "targetId": "answer"},
        ],
    }
    engine = zen.ZenEngine({"loader": {"type": "static", "content": {rules.name: graph}}})

    def decide(facts: Data) -> Answer:
        found = engine.evaluate(rules.name, {**facts, "codes": all_codes(facts)})["result"]
        return found["level"], found["pathway"], found["rag"], found.get("hold")

    return decide


def zen_expression(rules: RuleSet) -> Decide:
    """One compiled ZEN expression: no table and no graph, so no decision as ZEN means it, and its fastest form."""
    *rows, last = translated(rules, ZenWords())
    text = _zen_answer(last)
    for row in reversed(rows):
        text = f"({row.when} ? {_zen_answer(row)} : {text})"
    expression = zen.compile_expression(text)

    def decide(facts: Data) -> Answer:
        level, pathway, rag, hold = expression.evaluate({**facts, "codes": all_codes(facts)})
        return level, pathway, rag, hold

    return decide


def _zen_answer(row: Row[str]) -> str:
    return f"[{chosen(row.level)}, {json.dumps(row.pathway)}, {chosen(row.rag)}, {json.dumps(row.hold)}]"


# ---- rule-engine


class RuleEngineWords(TextWords):
    """
    The language of rule-engine. The codes of the contact are one text, `,L2-01,L3-20,`, each once, and are looked for
    by regular expressions: those it compiles once, where it would build a list or a set anew each time.
    """

    def no(self, part: str) -> str:
        return f"(not ({part}))"

    def some_child(self, part: str) -> str:
        return f"([child for child in children if {part}].length > 0)"

    def fact(self, owner: Owner, name: str, in_child: bool) -> str:
        return {"child": f'child["{name}"]', "family": f'family["{name}"]', "contact": name}[owner]

    def holds_any(self, indicators: str, codes: Sequence[str]) -> str:
        return f"([code for code in {indicators} if code in {json.dumps(codes)}].length > 0)"

    def anywhere(self, codes: Sequence[str], in_child: bool) -> str:
        return f'codes =~~ ",(?:{"|".join(codes)}),"'

    def so_many(self, codes: Sequence[str], at_least: int, in_child: bool) -> str:
        return f'codes =~~ "(?:,(?:{"|".join(codes)})(?=,).*?){{{at_least}}}"'


def rule_engine_chain(rules: RuleSet) -> Decide:
    """A chain of rule-engine's: the rules in their order, and the answer of the first that matches."""
    context = rule_engine.Context(resolver=getitem, mapping_attribute_lookup=False)

    def reader(choice: Choice[str]) -> Callable[[Data], Any]:
        if not choice.cases:
            return lambda data: choice.otherwise
        evaluate: Callable[[Data], Any] = rule_engine.Rule(chosen(choice), context=context).evaluate
        return evaluate

    chain = rule_engine.Chain(
        [
            (row.when or "true", (reader(row.level), row.pathway, reader(row.rag), row.hold))
            for row in translated(rules, RuleEngineWords())
        ],
        context=context,
    )

    def decide(facts: Data) -> Answer:
        data = {**facts, "codes": f",{','.join(dict.fromkeys(all_codes(facts)))},"}
        level, pathway, rag, hold = chain.evaluate(data)
        return int(level(data)), pathway, rag(data), hold

    return decide


# ---- JSON Logic


class JsonLogicWords(Words[Any]):
    """JSON Logic, with datalogic's `val` where a condition about a child looks at what is not the child's."""

    never = False

    def every(self, parts: Sequence[Any]) -> Any:
        return {"and": list(parts)}

    def either(self, parts: Sequence[Any]) -> Any:
        return {"or": list(parts)}

    def no(self, part: Any) -> Any:
        return {"!": [part]}

    def some_child(self, part: Any) -> Any:
        return {"some": [{"var": "children"}, part]}

    def fact(self, owner: Owner, name: str, in_child: bool) -> Any:
        path = ["family", name] if owner == "family" else [name]
        # Two steps up from a child: the list, then what holds the list.
        return {"val": [[2], *path]} if in_child and owner != "child" else {"val": path}

    def is_unknown(self, fact: Any) -> Any:
        return {"===": [fact, None]}

    def is_(self, fact: Any, value: Value) -> Any:
        return {"===": [fact, value]}

    def is_among(self, fact: Any, values: Sequence[str]) -> Any:
        return {"in": [fact, list(values)]}

    def is_at_least(self, fact: Any, limit: int) -> Any:
        return {">=": [fact, limit]}

    def is_at_most(self, fact: Any, limit: int) -> Any:
        return {"<=": [fact, limit]}

    def holds_any(self, indicators: Any, codes: Sequence[str]) -> Any:
        return {"some": [indicators, {"in": [{"var": ""}, list(codes)]}]}

    def anywhere(self, codes: Sequence[str], in_child: bool) -> Any:
        return self.holds_any(self.fact("contact", "codes", in_child), codes)

    def so_many(self, codes: Sequence[str], at_least: int, in_child: bool) -> Any:
        seen = self.fact("contact", "codes", in_child)
        found = {"filter": [{"distinct": [seen]}, {"in": [{"var": ""}, list(codes)]}]}
        return {">=": [{"length": [found]}, at_least]}


def json_logic(rules: RuleSet) -> Decide:
    """One tree of JSON Logic, compiled by datalogic: if this rule its answer, else if the next."""
    tree: list[Any] = []
    for row in translated(rules, JsonLogicWords()):
        answer = [_json_choice(row.level), row.pathway, _json_choice(row.rag), row.hold]
        tree += [answer] if row.when is None else [row.when, answer]
    engine = datalogic_py.Engine()
    rule, session = engine.compile_checked({"if": tree}), engine.session()

    def decide(facts: Data) -> Answer:
        level, pathway, rag, hold = session.evaluate(rule, {**facts, "codes": all_codes(facts)})
        return level, pathway, rag, hold

    return decide


def _json_choice(choice: Choice[Any]) -> Any:
    if not choice.cases:
        return choice.otherwise
    return {"if": [*(part for case in choice.cases for part in case), choice.otherwise]}


# ---- our own


def bare(rules: RuleSet) -> Decide:
    """Our own answer, without why."""

    def decide(facts: Data) -> Answer:
        found = rules.judge_stored(facts)
        return found.level, found.pathway, found.rag, found.hold

    return decide


def explained(rules: RuleSet) -> Callable[[Facts], Answer]:
    """Our own answer with all that explains it, as it is stored."""

    def decide(facts: Facts) -> Answer:
        found = recommend(rules, facts).as_json()
        return found["level"], found["pathway"], found["rag"], found["hold"]

    return decide


ENGINES: dict[str, Callable[[RuleSet], Decide]] = {
    "zen-engine": zen_decision,
    "rule-engine": rule_engine_chain,
    "datalogic-py": json_logic,
}


# ---- contacts


def random_contacts(rules: RuleSet, count: int) -> list[dict[str, Any]]:
    """Facts as front doors see them, the same every time: most unknown or harmless, a few of everything."""
    random = Random(20_261_121)  # nothing is secret
    entries = list(rules.catalogue.entries.values())
    codes = [entry.code for entry in entries]
    weights = [{4: 1, 3: 4, 2: 8}[entry.level] * (0.3 if entry.gate == "hard_stop" else 1) for entry in entries]

    def flag(share: float = 0.05) -> bool | None:
        drawn = random.random()
        return None if drawn < 0.3 else drawn < 0.3 + share

    def indicators(*numbers: int) -> list[str]:
        return list(dict.fromkeys(random.choices(codes, weights, k=random.choice(numbers))))

    def child(number: int) -> dict[str, Any]:
        return {
            "ref": f"child {number}",
            "age_years": random.choice([None, *range(18)]),
            "unborn": flag(0.02),
            "disabled": flag(),
            "non_verbal": flag(0.02),
            "previous_cp_plan": flag(),
            "previously_looked_after": flag(0.03),
            "indicators": indicators(0, 0, 1, 1, 2, 3),
        }

    def contact() -> dict[str, Any]:
        return {
            "received_on": "2026-11-21",
            "immediate_danger": flag(0.02),
            "referrer_level": random.choice([None, None, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4]),
            "agreement": random.choice(["given", "given", "not_sought", "not_sought", "refused", "withdrawn"]),
            "children": [child(number) for number in range(1, random.choice([2, 2, 2, 3, 3, 4, 5]))],
            "family": {
                "indicators": indicators(0, 0, 1, 1, 2),
                "contacts_3_months": random.choice([1, 1, 1, 1, 2, 3]),
                "contacts_12_months": random.choice([1, 1, 2, 3, 5]),
                "sibling_on_cp_plan": flag(0.03),
                "early_help_closed_without_progress_12_months": flag(0.03),
                "dash": random.choice([None] * 6 + ["standard", "medium", "high"]),
                "marac": flag(0.03),
                "open_work": random.choice([None] * 12 + ["early_help", "social_care"]),
                "closed_days_ago": random.choice([None] * 8 + [5, 28, 29, 100]),
                "in_area": random.choice([True] * 15 + [None, False]),
            },
        }

    return [contact() for _ in range(count)]


# ---- the race


class Disagreement(Exception):
    """Two engines answer differently: there is nothing to compare."""


def race(count: int, rounds: int) -> dict[str, float]:
    """
    Recommendations per second of each engine, of ZEN's bare expression and of our own, bare and explained.

    Each round every one of them gets the same share of the contacts in turn; the median round counts. After the last
    round each has answered every contact, and each answer was compared.

    :raises Disagreement: for the first facts that two of them answer differently.
    """
    rules = shipped()
    contacts = random_contacts(rules, count)
    read = [rules.facts(contact) for contact in contacts]
    runners: dict[str, Callable[[slice], list[Answer]]] = {
        name: _runner(build(rules), contacts)
        for name, build in {"triage": bare, **ENGINES, "zen-engine, expression": zen_expression}.items()
    }
    runners["triage, explained"] = _runner(explained(rules), read)
    taken: dict[str, list[float]] = {name: [] for name in runners}
    for run in runners.values():
        run(slice(0, None, rounds))  # warms up
    for number in range(rounds):
        share = slice(number, None, rounds)
        answers = {}
        for name, run in runners.items():
            started = time.perf_counter()
            answers[name] = run(share)
            taken[name].append((time.perf_counter() - started) / len(answers[name]))
        for name, found in answers.items():
            _check_equal(name, found, answers["triage"], contacts[share])
    return {name: 1 / statistics.median(times) for name, times in taken.items()}


def _runner(decide: Callable[[Given], Answer], given: list[Given]) -> Callable[[slice], list[Answer]]:
    return lambda share: [decide(each) for each in given[share]]


def _check_equal(name: str, found: list[Answer], ours: list[Answer], contacts: list[dict[str, Any]]) -> None:
    for theirs, our, contact in zip(found, ours, contacts, strict=True):
        if theirs != our:
            raise Disagreement(
                f"{name} recommends {theirs} where triage recommends {our}, for the facts {json.dumps(contact)}."
            )
