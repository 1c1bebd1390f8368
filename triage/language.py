"""
The language of conditions: small, typed and closed. Users write no expressions, and no text is evaluated.

Each kind of condition does two things. `compiled` makes a test that is true or false for a `View` (`bits.py`).
`evidence` makes a function that returns the facts for which a true condition is true (`evidence.py`). `change_bits`
returns the bits that may change a condition.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StrictBool, StrictInt, Tag

from triage.bits import (
    NO_GUARD,
    AnyBit,
    ChangeBits,
    Compiled,
    Guarded,
    Questions,
    View,
    all_of,
    any_of,
    changed_by_any,
    guarded,
    test_of,
)
from triage.catalogue import Catalogue, Gate
from triage.documents import NO_BOOL, NOT_EMPTY, Document, Text, one_or_many
from triage.evidence import Evidence, FindEvidence, indicators_by_person, no_evidence
from triage.fact_fields import CHILD_FACTS, NO_CHILD, fact_path

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class CompileContext:
    """What a condition can refer to when it is compiled."""

    catalogue: Catalogue
    questions: Questions
    defined: "Mapping[str, Condition]"
    fired: dict[str, int] = field(default_factory=dict)

    def bit_of_rule(self, rule: str) -> int:
        """The bit that is set if this rule has fired."""
        if rule not in self.fired:
            self.fired[rule] = self.questions.new_bit()
        return self.fired[rule]


class AllOf(Document):
    """All of these conditions are true."""

    all: Annotated[tuple["Condition", ...], NOT_EMPTY]

    def compiled(self, setting: CompileContext) -> Compiled:
        return all_of(part.compiled(setting) for part in self.all)

    def evidence(self, setting: CompileContext) -> FindEvidence:
        finders = [part.evidence(setting) for part in self.all]

        def together(view: View, child: int) -> Evidence:
            found = Evidence()
            for evidence in finders:
                found.add(evidence(view, child))
            return found

        return together

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ((("all", number), part) for number, part in enumerate(self.all))


class AnyOf(Document):
    """At least one of these conditions is true. The evidence is that of all true ones."""

    any: Annotated[tuple["Condition", ...], NOT_EMPTY]

    def compiled(self, setting: CompileContext) -> Compiled:
        return any_of(part.compiled(setting) for part in self.any)

    def evidence(self, setting: CompileContext) -> FindEvidence:
        parts = [(test_of(part.compiled(setting)), part.evidence(setting)) for part in self.any]

        def of_true_parts(view: View, child: int) -> Evidence:
            own = view.children[child] if child != NO_CHILD else 0
            found = Evidence()
            for test, evidence in parts:
                if test(view, own):
                    found.add(evidence(view, child))
            return found

        return of_true_parts

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ((("any", number), part) for number, part in enumerate(self.any))


class Not(Document):
    """This condition is false. It has no evidence."""

    not_: Annotated["Condition", Field(alias="not")]

    def compiled(self, setting: CompileContext) -> Compiled:
        test = test_of(self.not_.compiled(setting))
        return Guarded(NO_GUARD, lambda view, own: not test(view, own))

    def evidence(self, setting: CompileContext) -> FindEvidence:
        return no_evidence

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield ("not",), self.not_


class Wanted(Document):
    """The indicators that count: those that fit all of the given levels, gate and codes."""

    level: (
        Annotated[
            Annotated[Literal[2, 3, 4], NO_BOOL, Tag("(one)")]
            | Annotated[tuple[Annotated[Literal[2, 3, 4], NO_BOOL], ...], NOT_EMPTY, Tag("(many)")],
            Discriminator(one_or_many),
        ]
        | None
    ) = None
    gate: Gate | None = None
    codes: Annotated[tuple[Text, ...], NOT_EMPTY] | None = None
    where: Literal["contact", "child", "child_or_family"] = "contact"

    def mask(self, catalogue: Catalogue) -> int:
        mask = catalogue.mask()
        if self.level is not None:
            levels = self.level if isinstance(self.level, tuple) else (self.level,)
            mask &= sum(catalogue.mask(level=level) for level in levels)
        if self.gate is not None:
            mask &= catalogue.mask(gate=self.gate)
        if self.codes is not None:
            mask &= catalogue.present(self.codes)
        return mask


class Present(Document):
    """One of these indicators is present."""

    indicator: Wanted

    def compiled(self, setting: CompileContext) -> Compiled:
        mask = self.indicator.mask(setting.catalogue)
        match self.indicator.where:
            case "contact":
                return AnyBit(mask)
            case "child":
                return AnyBit(mask, own=True)
            case _:
                return Guarded(mask, lambda view, own: (own | view.family) & mask)

    def evidence(self, setting: CompileContext) -> FindEvidence:
        catalogue, mask = setting.catalogue, self.indicator.mask(setting.catalogue)
        match self.indicator.where:
            case "contact":
                return lambda view, child: indicators_by_person(catalogue, view, mask)
            case "child":
                return lambda view, child: Evidence(of_all=catalogue.codes(view.children[child] & mask))
            case _:
                return lambda view, child: Evidence(of_all=catalogue.codes((view.children[child] | view.family) & mask))

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ()


class IndicatorCount(Document):
    """The least number of different indicators of a level, and of their domains."""

    level: Literal[2, 3, 4]
    at_least: Annotated[StrictInt, Field(ge=1)] = 1
    domains: Annotated[StrictInt, Field(ge=1)] = 1


class Different(Document):
    """The contact has so many different indicators of a level. A code on two children counts once."""

    different: IndicatorCount

    def compiled(self, setting: CompileContext) -> Compiled:
        of_level = setting.catalogue.mask(level=self.different.level)
        at_least, domains = self.different.at_least, self.different.domains
        of_domains = [of_level & mask for mask in setting.catalogue.domains.values()]

        def test(view: View, own: int) -> bool:
            found = view.bits & of_level
            if found.bit_count() < at_least:
                return False
            return domains == 1 or len([mask for mask in of_domains if found & mask]) >= domains

        return Guarded(of_level, test)

    def evidence(self, setting: CompileContext) -> FindEvidence:
        catalogue, of_level = setting.catalogue, setting.catalogue.mask(level=self.different.level)
        return lambda view, child: indicators_by_person(catalogue, view, of_level)

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ()


class Fact(Document):
    """A fact has a value, or is within limits. An unknown fact does not count, unless `unknown: fires`."""

    fact: Text
    is_: Annotated[StrictBool | StrictInt | Text | None, Field(alias="is")] = None
    in_: Annotated[Annotated[tuple[Text, ...], NOT_EMPTY] | None, Field(alias="in")] = None
    at_least: StrictInt | None = None
    at_most: StrictInt | None = None
    unknown: Literal["fires"] | None = None

    @property
    def cuts(self) -> frozenset[int]:
        """The numbers at which the answer changes: it differs between `cut - 1` and `cut`."""
        cuts: set[int] = set()
        if isinstance(self.is_, int) and not isinstance(self.is_, bool):
            cuts |= {self.is_, self.is_ + 1}
        if self.at_least is not None:
            cuts.add(self.at_least)
        if self.at_most is not None:
            cuts.add(self.at_most + 1)
        return frozenset(cuts)

    def bit(self, setting: CompileContext) -> int:
        """The bit that is set if the answer is yes."""
        key = (self.is_, self.in_, self.at_least, self.at_most, self.unknown)
        return setting.questions.bit(self.fact, key, self._matches())

    def compiled(self, setting: CompileContext) -> Compiled:
        return AnyBit(self.bit(setting), own=self.fact in CHILD_FACTS)

    def _matches(self) -> Callable[[Any], bool]:
        when_unknown = self.unknown == "fires"
        if self.is_ is not None:
            wanted = self.is_
            return lambda value: when_unknown if value is None else bool(value == wanted)
        if self.in_ is not None:
            among = frozenset(self.in_)
            return lambda value: when_unknown if value is None else value in among
        low = self.at_least if self.at_least is not None else float("-inf")
        high = self.at_most if self.at_most is not None else float("inf")
        return lambda value: when_unknown if value is None else low <= value <= high

    def evidence(self, setting: CompileContext) -> FindEvidence:
        name = self.fact
        return lambda view, child: Evidence(of_all=[fact_path(name, child)])

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ()


class SomeChild(Document):
    """The whole condition is true for at least one child."""

    some_child: "Condition"

    def compiled(self, setting: CompileContext) -> Compiled:
        inner = self.some_child.compiled(setting)
        if isinstance(inner, AnyBit) and not inner.own:
            mask = inner.mask
            return Guarded(mask, lambda view, own: view.children and view.bits & mask)
        if isinstance(inner, AnyBit) and not inner.mask & setting.catalogue.everything:
            # Only children have questions about a child, so if one child's answer is yes, the view has the bit.
            return AnyBit(inner.mask)
        needs, test = guarded(inner)

        def some(view: View, own: int) -> bool:
            for child in view.children:  # noqa: SIM110 - any() takes three times as long
                if test(view, child):
                    return True
            return False

        return Guarded(needs, some)

    def evidence(self, setting: CompileContext) -> FindEvidence:
        test, inner = test_of(self.some_child.compiled(setting)), self.some_child.evidence(setting)

        def of_each_child(view: View, child: int) -> Evidence:
            found = Evidence()
            for number, own in enumerate(view.children):
                if test(view, own):
                    inside = inner(view, number)
                    lying = [fact for facts in inside.by_person.values() for fact in facts]
                    found.on_child[number] = inside.of_all + lying
            return found

        return of_each_child

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield ("some_child",), self.some_child


class Fired(Document):
    """An earlier rule has fired."""

    fired: Text

    def compiled(self, setting: CompileContext) -> Compiled:
        return AnyBit(setting.bit_of_rule(self.fired))

    def evidence(self, setting: CompileContext) -> FindEvidence:
        return no_evidence

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ()


class Defined(Document):
    """A named condition."""

    defined: Text

    def compiled(self, setting: CompileContext) -> Compiled:
        return setting.defined[self.defined].compiled(setting)

    def evidence(self, setting: CompileContext) -> FindEvidence:
        return setting.defined[self.defined].evidence(setting)

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ()


_KINDS = ("all", "any", "not", "indicator", "different", "fact", "some_child", "fired", "defined")


def _kind(value: object) -> str | None:
    if isinstance(value, Document):
        # A parsed condition that is written back to JSON: its kind is the name of its first field.
        return f"({next(iter(type(value).model_fields)).rstrip('_')})"
    if isinstance(value, Mapping):
        return next((f"({kind})" for kind in _KINDS if kind in value), None)
    return None


# The tags are in brackets, so that a fault's path can leave them out: the sender has not written them.
Condition = Annotated[
    Annotated[AllOf, Tag("(all)")]
    | Annotated[AnyOf, Tag("(any)")]
    | Annotated[Not, Tag("(not)")]
    | Annotated[Present, Tag("(indicator)")]
    | Annotated[Different, Tag("(different)")]
    | Annotated[Fact, Tag("(fact)")]
    | Annotated[SomeChild, Tag("(some_child)")]
    | Annotated[Fired, Tag("(fired)")]
    | Annotated[Defined, Tag("(defined)")],
    Discriminator(
        _kind,
        custom_error_type="fault",
        custom_error_message=f"is not a condition; a condition is one of {', '.join(_KINDS)}.",
    ),
]

for _model in (AllOf, AnyOf, Not, SomeChild):
    _model.model_rebuild()


def walk(condition: Condition, path: Path = ()) -> Iterator[tuple[Path, Condition, bool]]:
    """This condition and all conditions in it: (path, condition, whether it is inside `some_child`)."""

    def inner(at: Path, part: Condition, in_child: bool) -> Iterator[tuple[Path, Condition, bool]]:
        yield at, part, in_child
        for step, below in part.parts():
            yield from inner(at + step, below, in_child or isinstance(part, SomeChild))

    yield from inner(path, condition, False)


def change_bits(condition: Condition, setting: CompileContext) -> ChangeBits:
    """The bits that may change a condition. Only `not` can become true when a bit is cleared."""
    match condition:
        case Present():
            return ChangeBits(condition.indicator.mask(setting.catalogue))
        case Different():
            return ChangeBits(setting.catalogue.mask(level=condition.different.level))
        case Fact():
            return ChangeBits(condition.bit(setting))
        case Fired():
            return ChangeBits(setting.bit_of_rule(condition.fired))
        case Not():
            return change_bits(condition.not_, setting).reversed
        case Defined():
            return change_bits(setting.defined[condition.defined], setting)
        case AllOf() | AnyOf() | SomeChild():
            return changed_by_any(change_bits(part, setting) for _, part in condition.parts())
