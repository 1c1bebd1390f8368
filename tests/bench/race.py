"""
The race: every engine answers the same random contacts, and all must answer alike.
"""

import json
import statistics
import time
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from tests.bench.engines import ENGINES, OTHER_FORMS, Answer, bare, explained
from triage.ruleset import RuleSet, shipped

Given = TypeVar("Given")


class Disagreement(Exception):
    """Two engines answer differently: there is nothing to compare."""


def race(count: int, rounds: int) -> dict[str, float]:
    """
    Recommendations per second of each engine, of other forms of ZEN, and of our own, bare and explained.

    Each round every one of them gets the same share of the contacts; the median round counts. Each begins a round in
    turn, for the first to touch a contact waits for the memory. After the last round each has answered every contact,
    and each answer was compared.

    :raises Disagreement: for the first facts that two of them answer differently.
    """
    rules = shipped()
    contacts = random_contacts(rules, count)
    read = [rules.facts(contact) for contact in contacts]
    runners: dict[str, Callable[[slice], list[Answer]]] = {
        name: _runner(build(rules), contacts) for name, build in {"triage": bare, **ENGINES, **OTHER_FORMS}.items()
    }
    runners["triage, explained"] = _runner(explained(rules), read)
    taken: dict[str, list[float]] = {name: [] for name in runners}
    for run in runners.values():
        run(slice(0, None, rounds))  # warms up
    for number in range(rounds):
        share = slice(number, None, rounds)
        answers = {}
        names = deque(runners)
        names.rotate(-number)
        for name in names:
            started = time.perf_counter()
            answers[name] = runners[name](share)
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
            "screened": random.choice([None, True]),
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
