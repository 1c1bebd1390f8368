"""
Writes a rule set in plain English, from the document itself, so that page and rules never differ.

`chapters` returns the whole document as chapters of items. Each item has lines at depths: a page shows them as lists,
and the difference between two versions is the difference between their lines.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from triage.catalogue import IndicatorEntry
from triage.facts import Agreement, Child, Facts
from triage.language import AllOf, AnyOf, Condition, Defined, Different, Fact, Fired, Not, Present, SomeChild, Wanted
from triage.rule_set_document import (
    Aggravator,
    Expected,
    Hold,
    LevelCase,
    Pathway,
    PathwayClock,
    RagCase,
    RatingAndLevel,
    Rule,
    RuleSetDocument,
    Scenario,
    TwoPersonDecision,
    Work,
)
from triage.words import child_name, fact_sentence, missing_sentence, number_is, sentence, value_is

NUMBER_WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"}
TEAMS = {
    "locality": "the multi-disciplinary team of the family's locality",
    "child_protection": "the child protection team",
    "out_of_area": "the out-of-area desk",
    "same_team": "the team that works, or last worked, with the family",
}
RATING_AND_LEVEL = {
    RatingAndLevel.FIRST_RULE: "It sets the rating and the level, too.",
    RatingAndLevel.GRAVEST: "The rating is the gravest, and the level the highest, of all rules that fire.",
}
WORK = {
    Work.EARLY_HELP: "While it is open, the family has early help.",
    Work.SOCIAL_CARE: "While it is open, the family has social care.",
    Work.NEITHER: "It is neither early help nor social care. While it is open, the family counts as one we work with.",
    Work.OTHER_AUTHORITY: "It is another authority's work, and does not count as work of ours with the family.",
}
HOLDS = {Hold.AGREEMENT: "agreement", Hold.MANAGER: "a manager", Hold.SCREENING: "screening"}
WAITS = {
    Hold.AGREEMENT: "until somebody has asked the family whether it agrees",
    Hold.MANAGER: "for a manager",
    Hold.SCREENING: "until somebody at the front door has chosen indicators, or said that none applies",
}


class Line(NamedTuple):
    """A line of prose. A deeper line belongs to the last line that is less deep."""

    depth: int
    text: str


class Item(NamedTuple):
    """One rule, pathway, indicator and so on. Its `id` is unique in its chapter."""

    id: str
    title: str
    lines: tuple[Line, ...]


class Chapter(NamedTuple):
    """The items of one kind. `ordered`: whether their order has a meaning."""

    id: str
    title: str
    items: tuple[Item, ...]
    ordered: bool = False


class Prose:
    """A document's words."""

    def __init__(self, document: RuleSetDocument) -> None:
        self._document = document
        self._indicators = {entry.code: entry for entry in document.indicators}
        self._titles = {pathway.id: pathway.title for pathway in document.pathways}
        self._rules = {rule.id: rule.title for rule in document.rules}

    def chapters(self) -> tuple[Chapter, ...]:
        """The whole document, in the order in which a reader wants it."""
        document = self._document
        pathways, two_persons = map(self._pathway, document.pathways), map(self._two, document.two_person_decisions)
        return (
            Chapter("document", "How the rules are read", (self._how_they_are_read(),)),
            Chapter("rules", "The rules, in the order in which they are asked", tuple(self._rule_items()), True),
            Chapter("defined", "What the rules mean by", tuple(self._defined_items())),
            Chapter("pathways", "Pathways, the gravest first", tuple(pathways), True),
            Chapter("clocks", "Deadlines that not every pathway has", tuple(map(self._clock, document.clocks))),
            Chapter("two_person_decisions", "Decisions that need two people", tuple(two_persons)),
            Chapter("also_refer_to", "Also refer to", tuple(self._service_items())),
            Chapter("warnings", "Warnings", tuple(self._warning_items())),
            Chapter("scenarios", "Scenarios", tuple(map(self._scenario, document.scenarios))),
            Chapter("indicators", "Indicators", tuple(map(_indicator, document.indicators))),
        )

    def _how_they_are_read(self) -> Item:
        lines = (
            Line(0, "The first rule that fires sets the pathway, its lead and its hold."),
            Line(0, RATING_AND_LEVEL[self._document.rating_and_level]),
            Line(0, "Every rule that fires is among the reasons."),
        )
        return Item("rating_and_level", "Rating and level", lines)

    # ---- rules

    def _rule_items(self) -> Iterator[Item]:
        for rule in self._document.rules:
            yield Item(rule.id, rule.title, tuple(self._rule(rule)))
            for aggravator in rule.aggravators:
                lines = tuple(self._aggravator(rule, aggravator))
                yield Item(f"{rule.id}.{aggravator.id}", f"{rule.title}: {aggravator.title}", lines)

    def _rule(self, rule: Rule) -> Iterator[Line]:
        yield Line(0, rule.says)
        limit = _agreement(rule.agreement)
        if rule.otherwise and rule.when is not None:
            yield from self._when(f"Fires when nothing above it does,{limit and f' {limit}'} and", rule.when)
        elif rule.otherwise:
            yield Line(0, "Fires when nothing above it does.")
        elif rule.when is not None:
            yield from self._when(f"Fires when{limit and f' {limit} and'}", rule.when)
        else:
            yield Line(0, f"Fires when{limit and f' {limit} and'} one of its reasons holds.")
            if rule.beside is not None:
                yield from self._when("A reason counts only when, beside it,", rule.beside)
                alone = [each.title for each in rule.aggravators if each.alone]
                if alone:
                    yield Line(0, f"These count alone: {'; '.join(alone)}.")
        yield from self._then(rule)

    def _aggravator(self, rule: Rule, aggravator: Aggravator) -> Iterator[Line]:
        yield Line(0, aggravator.says)
        limit = _agreement(aggravator.agreement)
        yield from self._when(f"Holds when{limit and f' {limit} and'}", aggravator.when)
        if rule.beside is not None:
            yield Line(0, "It counts alone." if aggravator.alone else "It does not count alone.")

    def _then(self, rule: Rule) -> Iterator[Line]:
        then = rule.then
        yield Line(0, f"Then: {self._titles.get(then.pathway, then.pathway)}.")
        if isinstance(then.rag, tuple):
            yield from self._cases("The rating", then.rag)
        else:
            yield Line(0, f"The rating is {then.rag.value}.")
        if isinstance(then.level, tuple):
            yield from self._cases("The level", then.level)
        elif then.level == "highest_indicator":
            yield Line(0, "The level is that of the highest indicator; 1 where there is none.")
        else:
            yield Line(0, f"The level is {then.level}.")
        if then.hold is not None:
            yield Line(0, f"It waits {WAITS[then.hold]}.")
        if rule.decided_by == "manager":
            yield Line(0, "A manager decides.")

    def _cases(self, what: str, cases: tuple[RagCase | LevelCase, ...]) -> Iterator[Line]:
        for position, case in enumerate(cases):
            value = case.is_.value if isinstance(case, RagCase) else case.is_
            opening = f"{what} is {value}" if position == 0 else f"Else it is {value}"
            if case.when is None:
                yield Line(0, f"{opening}.")
            else:
                yield from self._when(f"{opening} when", case.when)

    # ---- the other chapters

    def _defined_items(self) -> Iterator[Item]:
        for name, condition in self._document.defined.items():
            yield Item(name, _plain(name).capitalize(), tuple(self._when("This holds when", condition)))

    @staticmethod
    def _pathway(pathway: Pathway) -> Item:
        where = f"It goes to {TEAMS[pathway.team.value]}" if pathway.team else "It ends at the front door"
        lead = f", led by a {_plain(pathway.lead)}" if pathway.lead else ""
        lines = [Line(0, f"{where}{lead}.")]
        if pathway.work is not None:
            lines.append(Line(0, WORK[pathway.work]))
        if pathway.voluntary:
            lines.append(Line(0, "The family is free to refuse it, and is asked before anybody decides on it."))
        if pathway.gravest:
            lines.append(Line(0, "It is decided at level 4 and red only."))
        if pathway.decision_only:
            lines.append(Line(0, "Only a person can choose it; no rule recommends it."))
        if pathway.try_first:
            lines += [Line(0, "What a partner should do first:"), *(Line(1, text) for text in pathway.try_first)]
        return Item(pathway.id, pathway.title, tuple(lines))

    def _clock(self, clock: PathwayClock) -> Item:
        only, but = ([self._titles.get(name, name) for name in names or ()] for names in (clock.only_on, clock.not_on))
        if clock.only_on is None:
            says = f"Every pathway has it but {_and(but)}."
        else:
            says = f"Only {_and(only)} {'has' if len(only) == 1 else 'have'} it." if only else "No pathway has it."
        return Item(clock.id, _plain(clock.id).capitalize(), (Line(0, says),))

    def _two(self, decision: TwoPersonDecision) -> Item:
        return Item(decision.id, _plain(decision.id).capitalize(), tuple(self._two_lines(decision)))

    def _two_lines(self, decision: TwoPersonDecision) -> Iterator[Line]:
        yield Line(0, decision.says)
        yield Line(0, "Two people are needed where all of these hold:")
        recommended, decided = decision.recommended, decision.decided
        if len(recommended.rag) < 4:
            yield Line(1, f"the recommended rating is {_or(rag.value for rag in recommended.rag)}")
        if recommended.rule is not None:
            yield Line(1, f"the rule “{self._rules.get(recommended.rule, recommended.rule)}” fired")
        if decided.voluntary is not None:
            yield Line(1, f"the decision is one that the family is {'' if decided.voluntary else 'not '}free to refuse")
        if decided.ends_here is not None:
            yield Line(1, f"the decision {'ends' if decided.ends_here else 'does not end'} at the front door")
        if decided.pathway:
            yield Line(1, f"the decision is {_or(self._titles.get(name, name) for name in decided.pathway)}")
        if decided.not_pathway:
            yield Line(1, f"the decision is not {_or(self._titles.get(name, name) for name in decided.not_pathway)}")
        if len(decided.rag) < 4:
            yield Line(1, f"the decided rating is {_or(rag.value for rag in decided.rag)}")
        if limit := _agreement(decision.agreement):
            yield Line(1, limit)
        if decision.level_at_least is not None:
            yield Line(1, f"the recommended or the decided level is {decision.level_at_least} or more")
        if decision.contacts_3_months_at_least is not None:
            yield Line(1, f"there are {decision.contacts_3_months_at_least} or more contacts in three months")
        if decision.no_indicator:
            yield Line(1, "nobody chose an indicator")

    def _service_items(self) -> Iterator[Item]:
        for service in self._document.also_refer_to:
            codes = [entry.code for entry in self._document.indicators if entry.also_refer_to == service.id]
            lines = [Line(0, f"Added beside the pathway where one of these is present: {', '.join(codes) or 'none'}.")]
            if service.only_if is not None:
                lines += self._when("Only where", service.only_if)
            yield Item(service.id, service.title, tuple(lines))

    def _warning_items(self) -> Iterator[Item]:
        for warning in self._document.warnings:
            yield Item(warning.id, warning.title, tuple(self._when("Given when", warning.when)))

    def _scenario(self, scenario: Scenario) -> Item:
        lines = [
            *([Line(0, "A safety scenario: only a service manager may change it.")] if scenario.protected else []),
            Line(0, "Given:"),
            *(Line(1, text) for text in facts_say(scenario.facts, self._indicators)),
            Line(0, f"Expected: {self._expected(scenario.expect)}."),
        ]
        return Item(scenario.id, scenario.title, tuple(lines))

    def _expected(self, expect: Expected) -> str:
        parts = []
        asked = expect.model_fields_set
        if expect.pathway is not None:
            parts.append(self._titles.get(expect.pathway, expect.pathway))
        if expect.rag is not None:
            parts.append(expect.rag.value)
        if expect.level is not None:
            parts.append(f"level {expect.level}")
        if "hold" in asked:
            parts.append(f"held for {HOLDS[expect.hold]}" if expect.hold else "no hold")
        if "lead" in asked:
            parts.append(f"led by a {_plain(expect.lead)}" if expect.lead else "no lead")
        if "also_refer_to" in asked:
            parts.append(f"also refer to {', '.join(map(_plain, expect.also_refer_to or ())) or 'nobody'}")
        if "warnings" in asked:
            parts.append(f"warnings: {', '.join(map(_plain, expect.warnings or ())) or 'none'}")
        if expect.reasons is not None:
            parts.append(f"because of {', '.join(map(_plain, expect.reasons))}")
        return "; ".join(parts)

    # ---- conditions

    def _when(self, opening: str, condition: Condition) -> Iterator[Line]:
        """A condition after its opening words: on one line if it is simple, else as a list below."""
        leaf = self._leaf(condition)
        if leaf is not None:
            yield Line(0, f"{opening} {leaf}.")
            return
        lead, parts = self._group(condition)
        yield Line(0, f"{opening} {lead}:")
        for part in parts:
            yield from self._below(part, 1)

    def _below(self, condition: Condition, depth: int) -> Iterator[Line]:
        leaf = self._leaf(condition)
        if leaf is not None:
            yield Line(depth, leaf)
            return
        lead, parts = self._group(condition)
        yield Line(depth, f"{lead}:")
        for part in parts:
            yield from self._below(part, depth + 1)

    @staticmethod
    def _group(condition: Condition) -> tuple[str, tuple[Condition, ...]]:
        match condition:
            case AllOf(all=parts):
                return "all of these hold", parts
            case AnyOf(any=parts):
                return "any of these holds", parts
            case SomeChild(some_child=AllOf(all=parts)):
                return "for one and the same child all of these hold", parts
            case SomeChild(some_child=AnyOf(any=parts)):
                return "for at least one child any of these holds", parts
            case SomeChild(some_child=part):
                return "for at least one child", (part,)
            case Not(not_=part):
                return "this does not hold", (part,)
        raise AssertionError(f"{condition} has no parts")

    def _leaf(self, condition: Condition) -> str | None:
        """A condition without parts, in words; None if it has parts."""
        match condition:
            case Present(indicator=wanted):
                return self._present(wanted)
            case Different():
                return self._different(condition)
            case Fact():
                return _fact(condition)
            case Fired(fired=rule):
                return f"the rule “{self._rules.get(rule, rule)}” fired"
            case Not(not_=Fired(fired=rule)):
                return f"the rule “{self._rules.get(rule, rule)}” did not fire"
            case Defined(defined=name):
                return f"there is {_plain(name)}, as defined below"
            case SomeChild(some_child=inner) if (leaf := self._leaf(inner)) is not None:
                return f"for at least one child {leaf}"
        return None

    def _different(self, condition: Different) -> str:
        wanted = condition.different
        number = NUMBER_WORDS.get(wanted.at_least, str(wanted.at_least))
        known = len({entry.domain for entry in self._indicators.values()})
        every = "all" if wanted.domains == known else "at least"
        domains = f"{every} {NUMBER_WORDS.get(wanted.domains, wanted.domains)} domains"
        if wanted.at_least == 1:
            return f"level {wanted.level} indicators are present in {domains}"
        what = f"{number} or more different level {wanted.level} indicators are present over the whole contact"
        return what if wanted.domains == 1 else f"{what}, in {domains}"

    def _present(self, wanted: Wanted) -> str:
        where = {
            "contact": "any child or the family",
            "child": "the child",
            "child_or_family": "that child or the family",
        }[wanted.where]
        kinds = []
        if wanted.gate is not None:
            kinds.append({"hard_stop": "hard-stop", "strong": "strong", "early_help": "early-help"}[wanted.gate.value])
        if wanted.level is not None:
            levels = wanted.level if isinstance(wanted.level, tuple) else (wanted.level,)
            kinds.append(f"level {_or(map(str, levels))}")
        if wanted.codes is None:
            kind = " ".join(kinds) or "listed"
            return f"{'an' if kind.startswith('early') else 'a'} {kind} indicator is present on {where}"
        named = "; ".join(
            f"{self._indicators[code].says} ({code})" for code in wanted.codes if code in self._indicators
        )
        limited = f" {' '.join(kinds)}" if kinds else ""
        return f"one of these{limited} indicators is present on {where}: {named}"


def chapters(document: RuleSetDocument) -> tuple[Chapter, ...]:
    """The whole document in plain English."""
    return Prose(document).chapters()


def facts_say(facts: Facts, indicators: dict[str, IndicatorEntry]) -> Iterator[str]:
    """The known facts of a contact, one line for each that is not its default. No names: children by their ref."""
    family = facts.family
    yield sentence(fact_sentence("agreement", facts.agreement.value, None))
    for name in ("screened", "immediate_danger", "referrer_level"):
        if (value := getattr(facts, name)) is not None:
            yield sentence(value_is(name, value, None))
    for number, child in enumerate(facts.children):
        who = child_name(number, child)
        said = [*_child_says(child, who), *_named(child.indicators, indicators)]
        yield sentence(f"{who}: {'; '.join(said)}" if said else f"{who}: nothing is known")
    for name in type(family).model_fields:
        value = getattr(family, name)
        if name != "indicators" and value != type(family).model_fields[name].default:
            yield sentence(value_is(name, value, None)) if value is not None else missing_sentence(name, None)
    if family.indicators:
        yield sentence(f"on the family: {'; '.join(_named(family.indicators, indicators))}")


def _child_says(child: Child, who: str) -> Iterator[str]:
    for name in (
        "unborn", "age_years", "date_of_birth_estimated", "disabled", "non_verbal", "previous_cp_plan",
        "previously_looked_after",
    ):  # fmt: skip
        goes_without_saying = name in ("unborn", "date_of_birth_estimated") and getattr(child, name) is False
        if (value := getattr(child, name)) is not None and not goes_without_saying:
            yield value_is(name, value, who).removeprefix(f"{who} ").removeprefix(f"{who}'s ")
    if child.age_years is None and not child.unborn:
        yield "age not known"


def _named(codes: tuple[str, ...], indicators: dict[str, IndicatorEntry]) -> list[str]:
    return [f"{indicators[code].says} ({code})" for code in codes]


def _indicator(entry: IndicatorEntry) -> Item:
    also = f"; also refer to {_plain(entry.also_refer_to)}" if entry.also_refer_to else ""
    text = f"Level {entry.level}, gate {_plain(entry.gate.value)}; {_plain(entry.domain)}, {_plain(entry.area)}{also}."
    return Item(entry.code, f"{entry.code} {entry.says}", (Line(0, text),))


def _fact(condition: Fact) -> str:
    name, who = condition.fact, "the child"
    if condition.is_ is not None:
        says = value_is(name, condition.is_, who)
    elif condition.in_ is not None:
        says = _or(value_is(name, value, who) for value in condition.in_)
    elif condition.at_most is None:
        says = number_is(name, f"{condition.at_least} or more", who)
    elif condition.at_least is None:
        says = number_is(name, f"{condition.at_most} or less" if condition.at_most else "0", who)
    else:
        says = number_is(name, f"{condition.at_least} to {condition.at_most}", who)
    return f"{says}, or this is not known" if condition.unknown == "fires" else says


def _agreement(wanted: tuple[Agreement, ...]) -> str:
    if frozenset(wanted) == frozenset(Agreement):
        return ""
    return f"agreement is {_or(_plain(value.value) for value in wanted)}"


def _or(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _and(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _plain(name: str | None) -> str:
    return (name or "").replace("_", " ")
