"""
A recommendation with its reasons, what is missing, and what would change it.

Source: the first rule set's own page, "What comes out". Everything that explains is found by asking the rules
again with one fact changed; nothing is written by hand.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from triage.facts import Agreement, Child, Facts, Family
from triage.language import CHILD_FACTS, CONTACT_FACTS, FAMILY_FACTS, NO_CHILD, NUMBERS, View, fact_path
from triage.ruleset import Result, RuleSet
from triage.words import (
    child_name,
    fact_is,
    indicator_taken_away,
    missing_says,
    number_is,
    reason_says,
)

CHILD_FLAGS = ("unborn", "disabled", "non_verbal", "previous_cp_plan", "previously_looked_after")
CONTACT_FLAGS = (
    "immediate_danger",
    "sibling_on_cp_plan",
    "early_help_closed_without_progress_12_months",
    "marac",
    "in_area",
)
CHILD_NUMBERS = ("age_years",)
CONTACT_NUMBERS = ("referrer_level", "contacts_3_months", "contacts_12_months", "closed_days_ago")


@dataclass(frozen=True)
class Reason:
    """A rule that fired, on which facts (`because`: indicator codes and paths), for which child (its ref)."""

    rule: str
    says: str
    because: tuple[str, ...]
    child: str | None


@dataclass(frozen=True)
class Missing:
    """A fact that nobody knows and that could change the result."""

    fact: str
    says: str


@dataclass(frozen=True)
class WouldChange:
    """One single change of one fact, in words, and what would be recommended then."""

    if_: str
    pathway: str
    rag: str
    hold: str | None


@dataclass(frozen=True)
class Recommendation:
    """What the rules recommend, and why. A named person decides."""

    ruleset: str
    level: int
    pathway: str
    rag: str
    lead: str | None
    hold: str | None
    also_refer_to: tuple[str, ...]
    warnings: tuple[str, ...]
    reasons: tuple[Reason, ...]
    missing: tuple[Missing, ...]
    would_change: tuple[WouldChange, ...]

    def as_json(self) -> dict[str, Any]:
        """The recommendation in the shape that is stored, printed and sent."""
        data = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}
        return data | {
            "reasons": [{**vars(reason), "because": list(reason.because)} for reason in self.reasons],
            "missing": [vars(missing) for missing in self.missing],
            "would_change": [
                {"if": change.if_, "pathway": change.pathway, "rag": change.rag, "hold": change.hold}
                for change in self.would_change
            ],
        }


def recommend(rules: RuleSet, facts: Facts) -> Recommendation:
    """What `rules` recommend for `facts`, with every reason. The same facts and version give the same, for ever."""
    view = rules.view(facts)
    result = rules.result(view)
    return Recommendation(
        ruleset=rules.name,
        **result._asdict(),
        reasons=tuple(_reasons(rules, facts, view)),
        missing=tuple(_missing(rules, facts, view, result)),
        would_change=tuple(_would_change(rules, facts, view, result)),
    )


def _reasons(rules: RuleSet, facts: Facts, view: View) -> Iterator[Reason]:
    for firing in rules.firings(view):
        for number, because in firing.witness(view, NO_CHILD).strands():
            child = facts.children[number] if number != NO_CHILD else None
            yield Reason(
                rule=firing.id,
                says=reason_says(firing.says, because, rules.catalogue, facts, number),
                because=tuple(because),
                child=child.ref if child else None,
            )


def _missing(rules: RuleSet, facts: Facts, view: View, result: Result) -> Iterator[Missing]:
    def matters(name: str, number: int, values: Iterable[object]) -> bool:
        changed = (rules.with_fact(view, name, number, value) for value in values)
        return any(other is not view and rules.result(other) != result for other in changed)

    for name, number in _places(facts, CONTACT_FLAGS, CHILD_FLAGS):
        if _value(facts, name, number) is None and matters(name, number, (True, False)):
            yield _unknown(facts, name, number)
    for name, number in _places(facts, (), CHILD_NUMBERS):
        # The age of a child who is not born yet is not unknown: there is none.
        if _value(facts, name, number) is None and not facts.children[number].unborn:
            around = sorted({value for cut in rules.all_cuts(name) for value in (cut - 1, cut)})
            if matters(name, number, (value for value in around if _is_valid(name, value))):
                yield _unknown(facts, name, number)


def _unknown(facts: Facts, name: str, number: int) -> Missing:
    return Missing(fact=fact_path(name, number), says=missing_says(name, _who(facts)[number]))


def _who(facts: Facts) -> dict[int, str | None]:
    """How each child is called; nobody by NO_CHILD."""
    return {NO_CHILD: None} | {number: child_name(number, child) for number, child in enumerate(facts.children)}


def _would_change(rules: RuleSet, facts: Facts, view: View, result: Result) -> Iterator[WouldChange]:
    now = (result.pathway, result.rag, result.hold)
    for words, changed in _single_changes(rules, facts, view):
        if changed is view:
            continue
        then = rules.turn(changed)
        if then != now:
            pathway, rag, hold = then
            yield WouldChange(if_=words(), pathway=pathway, rag=rag, hold=hold)


def _single_changes(rules: RuleSet, facts: Facts, view: View) -> Iterator[tuple[Callable[[], str], View]]:
    """
    Every single change of one known fact, in words and done: agreement to each other value, each true or false
    fact turned over, each indicator taken away, each number to the other side of the nearest limit that a rule
    asks about. What is not known stands in `missing` instead.
    """
    who = _who(facts)
    for agreement in Agreement:
        if agreement != facts.agreement:
            words = partial(fact_is, "agreement", agreement.value)
            yield words, rules.with_fact(view, "agreement", NO_CHILD, agreement)
    for name, number in _places(facts, CONTACT_FLAGS, CHILD_FLAGS):
        value = _value(facts, name, number)
        if value is not None:
            yield partial(fact_is, name, not value, who[number]), rules.with_fact(view, name, number, not value)
    holders: list[tuple[int, Child | Family]] = [*enumerate(facts.children), (NO_CHILD, facts.family)]
    for number, holder in holders:
        for code in dict.fromkeys(holder.indicators):
            words = partial(indicator_taken_away, rules.catalogue.entries[code], who[number])
            yield words, rules.without_indicator(view, number, code)
    for name, number in _places(facts, CONTACT_NUMBERS, CHILD_NUMBERS):
        value = _value(facts, name, number)
        if value is not None:
            for other in _other_sides(rules.cuts(name), value):
                if _is_valid(name, other):
                    yield partial(number_is, name, other, who[number]), rules.with_fact(view, name, number, other)


# ---- one fact: where it is, what it is, and the facts with it changed


def _places(facts: Facts, contact_names: tuple[str, ...], child_names: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    for name in contact_names:
        yield name, NO_CHILD
    for number in range(len(facts.children)):
        for name in child_names:
            yield name, number


def _value(facts: Facts, name: str, number: int) -> Any:
    holder: Facts | Child | Family = facts
    if number != NO_CHILD:
        holder = facts.children[number]
    elif name in FAMILY_FACTS:
        holder = facts.family
    return getattr(holder, name)


def _other_sides(limits: tuple[int, ...], value: int) -> list[int]:
    above = [limit for limit in limits if limit > value]
    below = [limit - 1 for limit in limits if limit <= value]
    return [*below[-1:], *above[:1]]


def _is_valid(name: str, value: int) -> bool:
    lowest, highest = NUMBERS[name]
    return lowest <= value <= highest


assert set(CHILD_FLAGS) | set(CHILD_NUMBERS) == CHILD_FACTS
assert set(CONTACT_FLAGS) | set(CONTACT_NUMBERS) | {"dash", "open_work"} == CONTACT_FACTS
