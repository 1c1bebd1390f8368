"""
A rule set as a document: what a practice lead reads and changes. It is data, never code.

The shipped one is YAML on disk; the others are JSON in the database. `triage.reading` reads a document and names every
fault.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, StrictBool, StrictInt, Tag, model_serializer

from triage.catalogue import IndicatorEntry
from triage.documents import NO_BOOL, NOT_EMPTY, Document, Text, fault, one_or_many, quoted
from triage.facts import Agreement, Facts
from triage.language import Condition, Path, walk
from triage.said_as import title_said


class Rag(StrEnum):
    """The rating. Red is the most urgent, blue the least."""

    RED = "red"
    AMBER = "amber"
    GREEN = "green"
    BLUE = "blue"


class Hold(StrEnum):
    """What a contact waits for before the pathway is taken. `screening`: somebody at the front door reads it first."""

    AGREEMENT = "agreement"
    MANAGER = "manager"
    SCREENING = "screening"


class PathwayTeam(StrEnum):
    """The kind of team that a pathway leads to. `same_team` is the one that works, or last worked, with the family."""

    LOCALITY = "locality"
    CHILD_PROTECTION = "child_protection"
    OUT_OF_AREA = "out_of_area"
    SAME_TEAM = "same_team"


NAME = r"^[a-z][a-z0-9-]*$"
Level = Annotated[Literal[1, 2, 3, 4], NO_BOOL]


def _different(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise fault("names something twice; name each once.")
    return values


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", text):
        raise fault(f"{quoted(text)} is no name: small letters, digits and _, a letter first, at most 50 of them.")
    return text


DIFFERENT = AfterValidator(_different)
Name = Annotated[Text, AfterValidator(_name)]


class Work(StrEnum):
    """
    Whose work, and what kind of work, a case on a pathway is. `neither` is work of ours, but not early help or social
    care: while it is open, the rules take the family for one that early help works with, so that a new contact is
    linked to it; once it is closed, it was no early help. What another authority does is not counted in the family's
    history with us.
    """

    EARLY_HELP = "early_help"
    SOCIAL_CARE = "social_care"
    NEITHER = "neither"
    OTHER_AUTHORITY = "other_authority"


class Pathway(Document):
    """
    Where a contact can go. One without a team ends at the front door; one that leads to a team says what `work` it is.

    :ivar voluntary: the family is free to refuse it, and is asked before anybody decides on it.
    :ivar gravest: it is decided at level 4 and red only.
    :ivar decision_only: no rule recommends it; only a person can choose it.
    :ivar try_first: what a partner should do, or try, before or beside sending a contact that would come here.
    """

    id: Name
    title: Text
    lead: Text | None = None
    team: PathwayTeam | None = None
    work: Work | None = None
    voluntary: StrictBool = False
    gravest: StrictBool = False
    decision_only: StrictBool = False
    try_first: tuple[Text, ...] = ()

    @property
    def called(self) -> str:
        """Its title as people read it."""
        return title_said(self.title)


class PathwayClock(Document):
    """
    A clock of a case that starts on these pathways only, or on all but these. `id` is the kind of the clock's policy.

    A clock that is not named starts on every pathway.
    """

    id: Name
    only_on: Annotated[tuple[Text, ...], DIFFERENT] | None = None
    not_on: Annotated[tuple[Text, ...], NOT_EMPTY, DIFFERENT] | None = None


class ConditionalValue(Document):
    """A rating or a level that applies if `when` is true. Without `when` it always applies."""

    when: Condition | None = None


class LevelCase(ConditionalValue):
    """The level in one case."""

    is_: Annotated[Level, Field(alias="is")]


class RagCase(ConditionalValue):
    """The rating in one case."""

    is_: Annotated[Rag, Field(alias="is")]


class Then(Document):
    """What a rule recommends."""

    pathway: Text
    rag: Annotated[
        Annotated[Rag, Tag("(one)")] | Annotated[tuple[RagCase, ...], NOT_EMPTY, Tag("(many)")],
        Discriminator(one_or_many),
    ]
    level: Annotated[
        Annotated[Literal[1, 2, 3, 4, "highest_indicator"], NO_BOOL, Tag("(one)")]
        | Annotated[tuple[LevelCase, ...], NOT_EMPTY, Tag("(many)")],
        Discriminator(one_or_many),
    ]
    hold: Hold | None = None


class Aggravator(Document):
    """A reason to look again. `alone`: it counts without an indicator beside it."""

    id: Name
    title: Text
    says: Text
    agreement: Annotated[tuple[Agreement, ...], NOT_EMPTY, DIFFERENT] = tuple(Agreement)
    alone: StrictBool = False
    when: Condition


class Rule(Document):
    """
    One rule: it fires by its condition or by its aggravators.

    `otherwise`: it fires only when nothing above it did, and by its condition if it has one.
    """

    id: Name
    title: Text
    says: Text
    agreement: Annotated[tuple[Agreement, ...], NOT_EMPTY, DIFFERENT] = tuple(Agreement)
    when: Condition | None = None
    aggravators: tuple[Aggravator, ...] = ()
    beside: Condition | None = None
    otherwise: StrictBool = False
    decided_by: Literal["manager"] | None = None
    then: Then


class AlsoReferTo(Document):
    """Another service that should hear of the contact, too. `only_if` limits it."""

    id: Name
    title: Text
    only_if: Condition | None = None


class WarningEntry(Document):
    """A warning that travels with the recommendation."""

    id: Name
    title: Text
    when: Condition


class Recommended(Document):
    """A recommendation that a two-person decision speaks of."""

    rag: Annotated[tuple[Rag, ...], NOT_EMPTY, DIFFERENT] = tuple(Rag)
    rule: Text | None = None


class Decided(Document):
    """
    A decision that a two-person decision speaks of.

    :ivar voluntary: its pathway is one that the family is free to refuse, or is not.
    :ivar ends_here: its pathway ends at the front door, or does not.
    """

    voluntary: StrictBool | None = None
    ends_here: StrictBool | None = None
    pathway: Annotated[tuple[Text, ...], DIFFERENT] = ()
    not_pathway: Annotated[tuple[Text, ...], DIFFERENT] = ()
    rag: Annotated[tuple[Rag, ...], NOT_EMPTY, DIFFERENT] = tuple(Rag)


class TwoPersonDecision(Document):
    """
    A decision that takes effect only when a second person agrees. Every part that is given must hold.

    `no_indicator`: nobody chose an indicator, for any child or for the family.
    """

    id: Name
    says: Text
    recommended: Recommended = Recommended()
    decided: Decided = Decided()
    agreement: Annotated[tuple[Agreement, ...], NOT_EMPTY, DIFFERENT] = tuple(Agreement)
    level_at_least: Level | None = None
    contacts_3_months_at_least: StrictInt | None = None
    no_indicator: StrictBool = False


class Expected(Document):
    """What a scenario expects. Fields that are not named are not checked; `hold: null` expects no hold."""

    level: Level | None = None
    pathway: Text | None = None
    rag: Rag | None = None
    hold: Hold | None = None
    lead: Text | None = None
    also_refer_to: tuple[Text, ...] | None = None
    warnings: tuple[Text, ...] | None = None
    reasons: Annotated[tuple[Text, ...], NOT_EMPTY] | None = None

    @model_serializer
    def _what_is_named(self) -> dict[str, Any]:
        # A null that somebody wrote means "none", and must not be dropped as a default is.
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


class Scenario(Document):
    """
    An example that must come out as expected before the rule set may go live.

    `protected`: a safety scenario, which only a service manager may change.
    """

    id: Name
    title: Text
    protected: StrictBool = False
    facts: Facts
    expect: Expected


class RatingAndLevel(StrEnum):
    """The source of rating and level: the first rule that fires, or the gravest of all that fire."""

    FIRST_RULE = "first_rule"
    GRAVEST = "gravest"


class RuleSetDocument(Document):
    """
    The whole document, as it is stored.

    The first rule that fires sets the pathway, its lead and its hold. `rating_and_level` says whether it sets these,
    too, or whether they are the gravest and the highest of all rules that fire.
    """

    ruleset: Annotated[Text, Field(pattern=NAME, json_schema_extra={"pattern": NAME})]
    version: Annotated[StrictInt, Field(ge=1)]
    title: Text
    rating_and_level: RatingAndLevel = RatingAndLevel.FIRST_RULE
    pathways: Annotated[tuple[Pathway, ...], NOT_EMPTY]
    clocks: tuple[PathwayClock, ...] = ()
    defined: dict[Name, Condition] = Field(default_factory=dict)
    rules: Annotated[tuple[Rule, ...], NOT_EMPTY]
    also_refer_to: tuple[AlsoReferTo, ...] = ()
    warnings: tuple[WarningEntry, ...] = ()
    two_person_decisions: tuple[TwoPersonDecision, ...] = ()
    indicators: Annotated[tuple[IndicatorEntry, ...], NOT_EMPTY]
    scenarios: tuple[Scenario, ...] = ()


def conditions(document: RuleSetDocument) -> Iterator[tuple[Path, Condition, bool]]:
    """Every condition of the document and all within it: (path, condition, whether inside `some_child`)."""
    for name, condition in document.defined.items():
        yield from walk(condition, ("defined", name))
    for number, rule in enumerate(document.rules):
        at: Path = ("rules", number)
        if rule.when is not None:
            yield from walk(rule.when, (*at, "when"))
        if rule.beside is not None:
            yield from walk(rule.beside, (*at, "beside"))
        for aggravating, aggravator in enumerate(rule.aggravators):
            yield from walk(aggravator.when, (*at, "aggravators", aggravating, "when"))
        for path, value, _ in conditional_values(rule):
            if value.when is not None:
                yield from walk(value.when, (*at, *path, "when"))
    for number, service in enumerate(document.also_refer_to):
        if service.only_if is not None:
            yield from walk(service.only_if, ("also_refer_to", number, "only_if"))
    for number, warning in enumerate(document.warnings):
        yield from walk(warning.when, ("warnings", number, "when"))


def conditional_values(rule: Rule) -> Iterator[tuple[Path, ConditionalValue, bool]]:
    """The conditional ratings and levels of a rule: (path, value, whether it is the last)."""
    groups: dict[str, tuple[ConditionalValue, ...]] = {}
    if isinstance(rule.then.rag, tuple):
        groups["rag"] = rule.then.rag
    if isinstance(rule.then.level, tuple):
        groups["level"] = rule.then.level
    for name, values in groups.items():
        for position, value in enumerate(values):
            yield ("then", name, position), value, position == len(values) - 1


def firings(rule: Rule) -> tuple[str, ...]:
    """The names by which the reasons refer to a rule: its own, or those of its aggravators."""
    return tuple(aggravator.id for aggravator in rule.aggravators) or (rule.id,)


def as_json(document: Document) -> dict[str, Any]:
    """A document, or a part of one, as it is stored and shown: in the order of its fields, without defaults."""
    return document.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def json_schema() -> dict[str, Any]:
    """
    The JSON Schema (2020-12) of a document: its shape, for editors and for other people's programs.

    `triage.reading` checks what a schema cannot say, such as that the document has the pathway that a rule names.
    """
    schema = RuleSetDocument.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
