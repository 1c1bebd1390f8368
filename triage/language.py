"""
The language of conditions: small, typed and closed. No expressions from users, nothing is evaluated.

Each kind of condition can do two things. `compiled` gives a function that answers yes or no for one `View`, and
is as fast as Python goes, because an explanation asks it many times. `evidence` is asked only of a condition
that holds, and names the facts that made it hold.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StrictBool, StrictInt, Tag

from triage.documents import NO_BOOL, NOT_EMPTY, Document, Text, one_or_many
from triage.facts import Child, Dash, Facts, Family, OpenWork

Path = tuple[str | int, ...]
Test = Callable[["View", int], bool]
"""Does it hold for this view? The number is the child that is asked about; `NO_CHILD` outside `some_child`."""
NO_CHILD = -1

CHILD_FACTS = frozenset(Child.model_fields) - {"ref", "indicators"}
FAMILY_FACTS = frozenset(Family.model_fields) - {"indicators"}
CONTACT_FACTS = frozenset({"immediate_danger", "referrer_level"}) | FAMILY_FACTS
# What a fact can be, besides unknown: one of these words, a number from … to …, or else true or false.
WORDS: dict[str, frozenset[str]] = {"dash": frozenset(Dash), "open_work": frozenset(OpenWork)}
NUMBERS: dict[str, tuple[int, float]] = {
    "referrer_level": (1, 4),
    "age_years": (0, 25),
    "contacts_3_months": (0, float("inf")),
    "contacts_12_months": (0, float("inf")),
    "closed_days_ago": (0, float("inf")),
}


class Gate(StrEnum):
    """What an indicator does to early help: rules it out, asks for a social worker, or lets it come first."""

    HARD_STOP = "hard_stop"
    STRONG = "strong"
    EARLY_HELP = "early_help"


class IndicatorEntry(Document):
    """One line of the Continuum of Need."""

    code: Text
    level: Literal[2, 3, 4]
    domain: Text
    area: Text
    gate: Gate
    also_refer_to: Text | None = None
    says: Text


class Catalogue:
    """The indicators, each with a bit of its own, so that "any of these" and "how many" are one operation."""

    def __init__(self, entries: tuple[IndicatorEntry, ...]) -> None:
        self.entries = {entry.code: entry for entry in entries}
        self.bits = {entry.code: 1 << position for position, entry in enumerate(entries)}
        self._in_order = tuple(self.entries)
        self.domains = {domain: self.mask(domain=domain) for domain in {entry.domain for entry in entries}}

    def mask(self, **wanted: object) -> int:
        """The bits of every indicator whose fields are as wanted: `mask(level=3)`."""
        return sum(
            self.bits[entry.code]
            for entry in self.entries.values()
            if all(getattr(entry, name) == value for name, value in wanted.items())
        )

    def present(self, codes: tuple[str, ...]) -> int:
        """The bits of these codes."""
        mask = 0
        for code in codes:
            mask |= self.bits[code]
        return mask

    def codes(self, mask: int) -> list[str]:
        """The codes of these bits, in the order of the catalogue."""
        return [code for position, code in enumerate(self._in_order) if mask >> position & 1]


class View:
    """Facts as the conditions see them: indicators as bits, on each child, on the family and everywhere."""

    __slots__ = ("children", "everywhere", "facts", "family", "fired")

    def __init__(self, facts: Facts, catalogue: Catalogue) -> None:
        self.facts = facts
        self.family = catalogue.present(facts.family.indicators)
        self.children = [catalogue.present(child.indicators) for child in facts.children]
        self.everywhere = self.family
        for child in self.children:
            self.everywhere |= child
        self.fired: set[str] = set()


@dataclass
class Evidence:
    """
    The facts that made a condition hold, by whom they are about.

    `on_child` was found by looking at one child as a whole (`some_child`), `lies_with` is indicators where they
    lie (a child's number, or NO_CHILD for the family), `of_all` is about the whole contact.
    """

    on_child: dict[int, list[str]] = field(default_factory=dict)
    lies_with: dict[int, list[str]] = field(default_factory=dict)
    of_all: list[str] = field(default_factory=list)

    def add(self, other: "Evidence") -> None:
        for mine, theirs in ((self.on_child, other.on_child), (self.lies_with, other.lies_with)):
            for child, facts in theirs.items():
                mine.setdefault(child, []).extend(facts)
        self.of_all += other.of_all

    def strands(self) -> list[tuple[int, list[str]]]:
        """The evidence as reasons: (child or NO_CHILD, facts), each fact once, children in their order."""
        if self.on_child:
            lying = [fact for _, facts in sorted(self.lies_with.items()) for fact in facts]
            told = [(child, facts + lying + self.of_all) for child, facts in sorted(self.on_child.items())]
        elif self.lies_with:
            # Children first, in their order, then the family.
            order = sorted(self.lies_with, key=lambda child: (child == NO_CHILD, child))
            told = [(child, self.lies_with[child] + self.of_all) for child in order]
        else:
            told = [(NO_CHILD, self.of_all)]
        return [(child, list(dict.fromkeys(facts))) for child, facts in told]


@dataclass(frozen=True)
class Setting:
    """What a condition may refer to while it is compiled or asked for evidence."""

    catalogue: Catalogue
    defined: "Mapping[str, Condition]"


class AllOf(Document):
    """Every one of these holds."""

    all: Annotated[tuple["Condition", ...], NOT_EMPTY]

    def compiled(self, setting: Setting) -> Test:
        tests = [part.compiled(setting) for part in self.all]
        return lambda view, child: all(test(view, child) for test in tests)

    def evidence(self, setting: Setting, view: View, child: int) -> Evidence:
        return _together(self.all, setting, view, child)

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ((("all", number), part) for number, part in enumerate(self.all))


class AnyOf(Document):
    """At least one of these holds. The evidence is that of all that do."""

    any: Annotated[tuple["Condition", ...], NOT_EMPTY]

    def compiled(self, setting: Setting) -> Test:
        tests = [part.compiled(setting) for part in self.any]
        return lambda view, child: any(test(view, child) for test in tests)

    def evidence(self, setting: Setting, view: View, child: int) -> Evidence:
        holding = tuple(part for part in self.any if part.compiled(setting)(view, child))
        return _together(holding, setting, view, child)

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ((("any", number), part) for number, part in enumerate(self.any))


class Not(Document):
    """This does not hold. What is absent is no evidence."""

    not_: Annotated["Condition", Field(alias="not")]

    def compiled(self, setting: Setting) -> Test:
        test = self.not_.compiled(setting)
        return lambda view, child: not test(view, child)

    def evidence(self, setting: Setting, view: View, child: int) -> Evidence:
        return Evidence()

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield ("not",), self.not_


class Wanted(Document):
    """Which indicators count: of these levels, gates or codes, whatever is given, all together."""

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
    """An indicator of these is present."""

    indicator: Wanted

    def compiled(self, setting: Setting) -> Test:
        mask = self.indicator.mask(setting.catalogue)
        match self.indicator.where:
            case "contact":
                return lambda view, child: bool(view.everywhere & mask)
            case "child":
                return lambda view, child: bool(view.children[child] & mask)
            case _:
                return lambda view, child: bool((view.children[child] | view.family) & mask)

    def evidence(self, setting: Setting, view: View, child: int) -> Evidence:
        codes, mask = setting.catalogue.codes, self.indicator.mask(setting.catalogue)
        match self.indicator.where:
            case "contact":
                return _lying(setting.catalogue, view, mask)
            case "child":
                return Evidence(of_all=codes(view.children[child] & mask))
            case _:
                return Evidence(of_all=codes((view.children[child] | view.family) & mask))

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ()


class Spread(Document):
    """How many different indicators of a level, in how many domains."""

    level: Literal[2, 3, 4]
    at_least: Annotated[StrictInt, Field(ge=1)] = 1
    domains: Annotated[StrictInt, Field(ge=1)] = 1


class Different(Document):
    """So many different indicators of a level over the whole contact. One code on two children counts once."""

    different: Spread

    def compiled(self, setting: Setting) -> Test:
        of_level = setting.catalogue.mask(level=self.different.level)
        at_least, domains = self.different.at_least, self.different.domains
        of_domains = [of_level & mask for mask in setting.catalogue.domains.values()]

        def test(view: View, child: int) -> bool:
            found = view.everywhere & of_level
            if found.bit_count() < at_least:
                return False
            return domains == 1 or sum(1 for mask in of_domains if found & mask) >= domains

        return test

    def evidence(self, setting: Setting, view: View, child: int) -> Evidence:
        return _lying(setting.catalogue, view, setting.catalogue.mask(level=self.different.level))

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ()


class Fact(Document):
    """A fact is a value, or lies within limits. What is not known does not count, unless `unknown: fires`."""

    fact: Text
    is_: Annotated[StrictBool | StrictInt | Text | None, Field(alias="is")] = None
    in_: Annotated[tuple[Text, ...] | None, Field(alias="in")] = None
    at_least: StrictInt | None = None
    at_most: StrictInt | None = None
    unknown: Literal["fires"] | None = None

    @property
    def cuts(self) -> frozenset[int]:
        """The numbers at which the answer turns: it differs between `cut - 1` and `cut`."""
        cuts: set[int] = set()
        if isinstance(self.is_, int) and not isinstance(self.is_, bool):
            cuts |= {self.is_, self.is_ + 1}
        if self.at_least is not None:
            cuts.add(self.at_least)
        if self.at_most is not None:
            cuts.add(self.at_most + 1)
        return frozenset(cuts)

    def compiled(self, setting: Setting) -> Test:
        name, matches = self.fact, self._matches()
        if name in CHILD_FACTS:
            return lambda view, child: matches(getattr(view.facts.children[child], name))
        if name in FAMILY_FACTS:
            return lambda view, child: matches(getattr(view.facts.family, name))
        return lambda view, child: matches(getattr(view.facts, name))

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

    def evidence(self, setting: Setting, view: View, child: int) -> Evidence:
        return Evidence(of_all=[fact_path(self.fact, child)])

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ()


class SomeChild(Document):
    """At least one child meets the whole condition."""

    some_child: "Condition"

    def compiled(self, setting: Setting) -> Test:
        test = self.some_child.compiled(setting)

        def some(view: View, child: int) -> bool:
            return any(test(view, number) for number in range(len(view.children)))

        return some

    def evidence(self, setting: Setting, view: View, child: int) -> Evidence:
        test = self.some_child.compiled(setting)
        found = Evidence()
        for number in range(len(view.children)):
            if test(view, number):
                inside = self.some_child.evidence(setting, view, number)
                lying = [fact for facts in inside.lies_with.values() for fact in facts]
                found.on_child[number] = inside.of_all + lying
        return found

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield ("some_child",), self.some_child


class Fired(Document):
    """An earlier rule fired."""

    fired: Text

    def compiled(self, setting: Setting) -> Test:
        rule = self.fired
        return lambda view, child: rule in view.fired

    def evidence(self, setting: Setting, view: View, child: int) -> Evidence:
        return Evidence()

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ()


class Defined(Document):
    """A condition that has a name."""

    defined: Text

    def compiled(self, setting: Setting) -> Test:
        return setting.defined[self.defined].compiled(setting)

    def evidence(self, setting: Setting, view: View, child: int) -> Evidence:
        return setting.defined[self.defined].evidence(setting, view, child)

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ()


def fact_path(name: str, child: int = NO_CHILD) -> str:
    """Where a fact stands in the facts document: `children[0].age_years`, `family.marac`, `immediate_danger`."""
    if child != NO_CHILD and name in CHILD_FACTS:
        return f"children[{child}].{name}"
    return f"family.{name}" if name in FAMILY_FACTS else name


def _lying(catalogue: Catalogue, view: View, mask: int) -> Evidence:
    """The indicators of a mask, each with the child that it was seen on, or with the family."""
    held = {**dict(enumerate(view.children)), NO_CHILD: view.family}
    return Evidence(lies_with={who: catalogue.codes(bits & mask) for who, bits in held.items() if bits & mask})


def _together(parts: "tuple[Condition, ...]", setting: Setting, view: View, child: int) -> Evidence:
    found = Evidence()
    for part in parts:
        found.add(part.evidence(setting, view, child))
    return found


_KINDS = ("all", "any", "not", "indicator", "different", "fact", "some_child", "fired", "defined")


def _kind(value: object) -> str | None:
    if isinstance(value, Mapping):
        return next((f"({kind})" for kind in _KINDS if kind in value), None)
    return None


# The tags stand in brackets so that a fault's path can leave them out: they are ours, not the writer's.
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
    """This condition and all within it: (path, condition, whether it stands inside `some_child`)."""

    def inner(at: Path, part: Condition, in_child: bool) -> Iterator[tuple[Path, Condition, bool]]:
        yield at, part, in_child
        for step, below in part.parts():
            yield from inner(at + step, below, in_child or isinstance(part, SomeChild))

    yield from inner(path, condition, False)
