"""
Other people's rule engines, given our rule set.

An engine is a small vocabulary for the walk over our conditions, and a way to ask. Each is compiled once, asked many
times, one contact at a time. All of them, and our own, start from the same facts, parsed and valid; what they make of
them first counts.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from operator import getitem
from typing import Any

import datalogic_py
import rule_engine
import zen

from tests.bench.walk import Choice, Owner, Row, Value, Words, translated
from triage.facts import Facts
from triage.recommendation import recommend
from triage.ruleset import RuleSet

Answer = tuple[int, str, str, str | None]
"""Level, pathway, rating, hold."""
Data = Mapping[str, Any]
Decide = Callable[[Data], Answer]


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
    A decision of ZEN's in the fastest form that was found, with which we compare: the engine loads it itself (a static
    loader) and compiles it once. A node that joins the codes would take a tenth more.
    """
    engine = zen.ZenEngine({"loader": {"type": "static", "content": {rules.name: _zen_graph(rules)}}})
    return _zen_decide(lambda facts: engine.evaluate(rules.name, facts))


def zen_created_decision(rules: RuleSet) -> Decide:
    """
    The same decision as ZEN's own documentation shows it: `create_decision`, then `evaluate`.

    The same answers in several times the time, for it starts anew each time. Both are shown: this is what somebody
    gets who follows the documentation, but to win against it would say nothing, so no figure compares with it.
    """
    decision = zen.ZenEngine().create_decision(json.dumps(_zen_graph(rules)))
    return _zen_decide(decision.evaluate)


def _zen_decide(evaluate: Callable[[dict[str, Any]], Any]) -> Decide:
    def decide(facts: Data) -> Answer:
        found = evaluate({**facts, "codes": all_codes(facts)})["result"]
        return found["level"], found["pathway"], found["rag"], found.get("hold")

    return decide


def _zen_graph(rules: RuleSet) -> dict[str, Any]:
    """One decision table, whose first row that holds is the answer."""
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
    return {
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
        found = rules.evaluate_stored(facts)
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
"""Each in the fastest form that was found."""

OTHER_FORMS: dict[str, Callable[[RuleSet], Decide]] = {
    "zen-engine, create_decision": zen_created_decision,
    "zen-engine, expression": zen_expression,
}
"""Shown beside them."""
