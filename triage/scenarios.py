"""
Scenarios: examples in a rule set, each with facts and the expected recommendation.

Protected scenarios are those for safety. A version goes live only if every one of its scenarios passes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from triage.facts import Facts
from triage.rule_set_document import Expected, RuleSetDocument, Scenario, as_json
from triage.ruleset import Result, RuleSet


@dataclass(frozen=True)
class Outcome:
    """The result of a scenario. `differs` has a sentence for each difference from the expected recommendation."""

    scenario: Scenario
    result: Result
    differs: tuple[str, ...]

    @property
    def passes(self) -> bool:
        return not self.differs


def run(rules: RuleSet) -> list[Outcome]:
    """Runs every scenario of the rule set, in order."""
    return [_outcome(rules, scenario) for scenario in rules.document.scenarios]


def protected(document: RuleSetDocument) -> dict[str, Any]:
    """The protected scenarios by their ids, as they are stored."""
    return {scenario.id: as_json(scenario) for scenario in document.scenarios if scenario.protected}


def expectation(rules: RuleSet, facts: Facts) -> Expected:
    """The expectation of a new scenario with these facts, if the present recommendation is right."""
    result = rules.evaluate(facts)
    return Expected.model_validate(
        {"level": result.level, "pathway": result.pathway, "rag": result.rag, "hold": result.hold}
    )


def scenario_facts(stored: Mapping[str, Any]) -> dict[str, Any]:
    """
    The stored facts of a contact as facts of a scenario: without unknown values, and with the children's refs replaced
    by c1, c2 and so on.
    """
    children = [
        {"ref": f"c{number}"} | _known(child, but_not="ref") for number, child in enumerate(stored["children"], start=1)
    ]
    return _known(stored, but_not="received_on") | {"children": children, "family": _known(stored["family"])}


def _known(facts: Mapping[str, Any], but_not: str = "") -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None and name != but_not}


def _outcome(rules: RuleSet, scenario: Scenario) -> Outcome:
    view = rules.view(scenario.facts)
    result = rules.result(view)
    fired = [firing.id for firing in rules.firings(view)]
    return Outcome(scenario, result, tuple(_differences(scenario.expect, result, fired)))


def _differences(expect: Expected, result: Result, fired: list[str]) -> Iterator[str]:
    # Only the fields that the scenario names are compared, so that null can mean "none".
    for name in ("level", "pathway", "rag", "hold", "lead"):
        wanted, found = getattr(expect, name), getattr(result, name)
        if name in expect.model_fields_set and wanted != found:
            yield f"The {name} is {found or 'none'}, not {wanted or 'none'}."
    for name in ("also_refer_to", "warnings"):
        wanted, found = getattr(expect, name), getattr(result, name)
        if name in expect.model_fields_set and set(wanted or ()) != set(found):
            yield f"{name} is {', '.join(found) or 'empty'}, not {', '.join(wanted or ()) or 'empty'}."
    for rule in expect.reasons or ():
        if rule not in fired:
            yield f"{rule} does not fire; what fires is {', '.join(fired)}."
