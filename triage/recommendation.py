"""
Makes a recommendation, with its reasons, what is missing, and what would change it.

Every explanation comes from running the rules again with one fact changed; none is written by hand. Only the changes
that may change the answer are tried, and these follow from the rules alone.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from triage.bits import View
from triage.fact_fields import CHILD_FACTS, CONTACT_FACTS, NO_CHILD, NUMBERS, fact_path
from triage.facts import Agreement, Child, Facts, Family
from triage.ruleset import Result, RuleSet
from triage.words import (
    child_name,
    fact_sentence,
    indicator_taken_away,
    missing_sentence,
    number_is,
    reason_sentence,
)

# The facts that a single change may change, of the contact, of the family and of each child: kinds, then numbers.
KINDS = (
    ("agreement", "screened", "immediate_danger"),
    ("sibling_on_cp_plan", "early_help_closed_without_progress_12_months", "marac", "in_area"),
    (
        "unborn",
        "disabled",
        "non_verbal",
        "previous_cp_plan",
        "previously_looked_after",
        "date_of_birth_estimated",
    ),
)
COUNTED = (
    ("referrer_level",),
    ("contacts_3_months", "contacts_12_months", "closed_days_ago"),
    ("age_years",),
)


_Change = tuple[View, int, Callable[..., str], *tuple[Any, ...]]
"""The changed view, the child's number or NO_CHILD, the function that words the change, and its arguments."""


_Question = tuple[str, int, Any, tuple[Any, ...]]
"""A fact, its child's number or NO_CHILD, its value, and the other values to try."""


class Reason(NamedTuple):
    """A rule that fired, the facts (`because`: indicator codes and paths), and the child (its ref)."""

    rule: str
    says: str
    because: tuple[str, ...]
    child: str | None


class Missing(NamedTuple):
    """An unknown fact that could change the result."""

    fact: str
    says: str


class WouldChange(NamedTuple):
    """A single change of one fact, in words, and the recommendation that would follow."""

    if_: str
    pathway: str
    rag: str
    hold: str | None


class Recommendation(NamedTuple):
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
        """The recommendation as it is stored, printed and sent."""
        return {
            "ruleset": self.ruleset,
            "level": self.level,
            "pathway": self.pathway,
            "rag": self.rag,
            "lead": self.lead,
            "hold": self.hold,
            "also_refer_to": list(self.also_refer_to),
            "warnings": list(self.warnings),
            "reasons": [
                {"rule": rule, "says": says, "because": list(because), "child": child}
                for rule, says, because, child in self.reasons
            ],
            "missing": [{"fact": fact, "says": says} for fact, says in self.missing],
            "would_change": [
                {"if": if_, "pathway": pathway, "rag": rag, "hold": hold}
                for if_, pathway, rag, hold in self.would_change
            ],
        }


def recommend(rules: RuleSet, facts: Facts) -> Recommendation:
    """The recommendation for these facts, with its reasons. The same facts and version always give the same one."""
    view = rules.view(facts)
    result = rules.result(view)
    relevant = _relevant_changes(rules, rules.first(view))
    kinds, numbers = _questions(facts, relevant.kinds), _questions(facts, relevant.numbers)
    changes = _single_changes(rules, facts, view, kinds, numbers, relevant.indicators)
    return Recommendation(
        rules.name,
        *result,
        reasons=tuple(_reasons(rules, facts, view)),
        missing=tuple(_missing(rules, facts, view, result, [*kinds, *numbers])),
        would_change=tuple(_would_change(rules, facts, rules.brief_result(view), changes)),
    )


def _reasons(rules: RuleSet, facts: Facts, view: View) -> Iterator[Reason]:
    for firing in rules.firings(view):
        for number, because in firing.evidence(view, NO_CHILD).reasons():
            says = reason_sentence(firing.says, because, rules.catalogue, facts, number)
            ref = facts.children[number].ref if number != NO_CHILD else None
            yield Reason(firing.id, says, tuple(because), ref)


def _missing(
    rules: RuleSet, facts: Facts, view: View, result: Result, questions: Iterable[_Question]
) -> Iterator[Missing]:
    for name, number, value, others in questions:
        # An unborn child has no age, so it is not missing.
        if value is not None or (name == "age_years" and facts.children[number].unborn):
            continue
        if any(rules.result(rules.with_fact(view, name, number, other)) != result for other in others):
            yield Missing(fact_path(name, number), missing_sentence(name, _who(facts, number)))


def _would_change(
    rules: RuleSet, facts: Facts, now: tuple[str, str, str | None], changes: Iterable[_Change]
) -> Iterator[WouldChange]:
    for changed, number, words, *about in changes:
        then = rules.brief_result(changed)
        if then != now:
            yield WouldChange(words(*about, _who(facts, number)), *then)


def _who(facts: Facts, number: int) -> str | None:
    """The child's name in a sentence; None for NO_CHILD."""
    return child_name(number, facts.children[number]) if number != NO_CHILD else None


# ---- single changes of one fact


class _Others(NamedTuple):
    """The values of a fact to try, by its present value; `beyond` for a present value that is not listed."""

    name: str
    by_value: dict[object, tuple[Any, ...]]
    beyond: tuple[Any, ...]


class _RelevantChanges(NamedTuple):
    """
    The single changes that may change the answer of one rule. Most cannot: no rule up to this one depends on them.

    `kinds` and `numbers` are like KINDS and COUNTED; `indicators` are the bits whose removal may change the answer.
    """

    kinds: tuple[tuple[_Others, ...], ...]
    numbers: tuple[tuple[_Others, ...], ...]
    indicators: int


def _single_changes(
    rules: RuleSet,
    facts: Facts,
    view: View,
    kinds: Iterable[_Question],
    numbers: Iterable[_Question],
    indicators: int,
) -> Iterator[_Change]:
    """
    Every single change of a known fact: agreement to each other value, each true/false fact to its opposite, each
    indicator taken away, each number to the other side of the nearest limit in a rule. Unknown facts are in `missing`.
    """
    for name, number, value, others in kinds:
        if value is not None:
            for other in others:
                yield rules.with_fact(view, name, number, other), number, fact_sentence, name, other
    bits, entries = rules.catalogue.bits, rules.catalogue.entries
    holders: list[tuple[int, Child | Family]] = [*enumerate(facts.children), (NO_CHILD, facts.family)]
    for number, holder in holders:
        for code in dict.fromkeys(holder.indicators):
            if bits[code] & indicators:
                yield rules.without_indicator(view, number, code), number, indicator_taken_away, entries[code]
    for name, number, value, others in numbers:
        if value is not None:
            for other in others:
                yield rules.with_fact(view, name, number, other), number, number_is, name, other


def _questions(facts: Facts, worth: tuple[tuple[_Others, ...], ...]) -> list[_Question]:
    """The facts of this contact for which another value may change the answer."""
    of_contact, of_family, of_child = worth
    found: list[_Question] = []
    holders = [(facts, NO_CHILD, of_contact), (facts.family, NO_CHILD, of_family)]
    if of_child:
        holders += [(child, number, of_child) for number, child in enumerate(facts.children)]
    for holder, number, asked in holders:
        held = vars(holder)
        for name, by_value, beyond in asked:
            value = held[name]
            if others := by_value.get(value, beyond):
                found.append((name, number, value, others))
    return found


@lru_cache(maxsize=128)
def _relevant_changes(rules: RuleSet, first: str) -> _RelevantChanges:
    """What may change the answers of the rule `first`. It depends on no contact, so it is computed once."""
    of_brief, of_result = rules.change_bits(first)

    def others(name: str) -> _Others:
        bits = rules.values(name)
        by_value = {
            value: tuple(
                other
                for other in _other_values(rules, name, value)
                if (of_result if value is None else of_brief).may_change(bits[value], bits[other])
            )
            for value in bits
        }
        return _Others(name, by_value, by_value[next(reversed(bits))] if name in NUMBERS else ())

    def worth(facts: tuple[tuple[str, ...], ...]) -> tuple[tuple[_Others, ...], ...]:
        return tuple(tuple(found for found in map(others, names) if any(found.by_value.values())) for names in facts)

    return _RelevantChanges(worth(KINDS), worth(COUNTED), of_brief.going)


def _other_values(rules: RuleSet, name: str, value: Any) -> Iterable[Any]:
    """The values to try in place of this one. For an unknown fact, those that decide whether it is missing."""
    if name == "agreement":
        return [agreement for agreement in Agreement if agreement != value]
    if name not in NUMBERS:
        return (True, False) if value is None else (not value,)
    lowest, highest = NUMBERS[name]
    around: list[int] = []
    if value is not None:
        limits = rules.cuts(name)
        around += [limit - 1 for limit in limits if limit <= value][-1:]
        around += [limit for limit in limits if limit > value][:1]
    elif name in CHILD_FACTS:
        around += sorted({other for cut in rules.all_cuts(name) for other in (cut - 1, cut)})
    return [other for other in around if lowest <= other <= highest]


assert {name for names in KINDS + COUNTED for name in names} | {"dash", "open_work"} == (
    CHILD_FACTS | CONTACT_FACTS | {"agreement"}
)
