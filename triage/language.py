"""
The language of conditions: small, typed and closed. Users write no expressions, and no text is evaluated.

Each kind of condition does two things. `compiled` makes a test that is true or false for a `View`. It is fast, because
an explanation runs it many times: each indicator and each question about a fact has a bit of its own, so most tests are
"one of these bits is set". `witness` makes a function that returns the facts for which a true condition is true. Each
test has a guard: without one of its bits the test is false. `movers` returns the bits that may change a condition. So
most tests are not run at all, and most changes of a fact are not tried.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Discriminator, Field, StrictBool, StrictInt, Tag

from triage.documents import NO_BOOL, NOT_EMPTY, Document, Text, fault, one_or_many, quoted
from triage.facts import Child, Dash, Family, OpenWork

Path = tuple[str | int, ...]
NO_CHILD = -1

CHILD_FACTS = frozenset(Child.model_fields) - {"ref", "indicators"}
FAMILY_FACTS = frozenset(Family.model_fields) - {"indicators"}
CONTACT_FACTS = frozenset({"immediate_danger", "referrer_level", "screened"}) | FAMILY_FACTS
# The values of a fact, besides unknown: one of these words, a number in this range, or else true or false.
WORDS: dict[str, frozenset[str]] = {"dash": frozenset(Dash), "open_work": frozenset(OpenWork)}
NUMBERS: dict[str, tuple[int, float]] = {
    "referrer_level": (1, 4),
    "age_years": (0, 25),
    "contacts_3_months": (0, float("inf")),
    "contacts_12_months": (0, float("inf")),
    "closed_days_ago": (0, float("inf")),
}


class Gate(StrEnum):
    """What an indicator means for early help: it excludes it, it asks for a social worker, or it allows it."""

    HARD_STOP = "hard_stop"
    STRONG = "strong"
    EARLY_HELP = "early_help"


def _code(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,9}", text):
        raise fault(f"{quoted(text)} is no code: letters, digits and -, at most ten of them.")
    return text


class IndicatorEntry(Document):
    """One line of the Continuum of Need."""

    code: Annotated[Text, AfterValidator(_code)]
    level: Literal[2, 3, 4]
    domain: Text
    area: Text
    gate: Gate
    also_refer_to: Text | None = None
    says: Text


class Catalogue:
    """The indicators. Each has a bit of its own, so that "any of these" and "how many of these" are one operation."""

    def __init__(self, entries: tuple[IndicatorEntry, ...]) -> None:
        self.entries = {entry.code: entry for entry in entries}
        self.bits = {entry.code: 1 << position for position, entry in enumerate(entries)}
        self.everything = (1 << len(entries)) - 1
        self._of_bit = {bit: code for code, bit in self.bits.items()}
        self.domains = {domain: self.mask(domain=domain) for domain in {entry.domain for entry in entries}}

    def mask(self, **wanted: object) -> int:
        """The bits of all indicators with these values: `mask(level=3)`."""
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
        found = []
        while mask:
            lowest = mask & -mask
            found.append(self._of_bit[lowest])
            mask ^= lowest
        return found


class View:
    """
    The facts as bits, for the conditions.

    :ivar bits: all indicators, all questions whose answer is yes, and all rules that have fired.
    :ivar children: the bits of each child: its indicators and its questions.
    :ivar family: the family's indicators.
    """

    __slots__ = ("bits", "children", "family")

    def __init__(self, bits: int, children: tuple[int, ...], family: int) -> None:
        self.bits = bits
        self.children = children
        self.family = family


class Question(NamedTuple):
    """A question about one fact, and the bit that is set if the answer is yes."""

    bit: int
    answer: Callable[[Any], bool]


class Questions:
    """All questions that the rules ask about facts. Equal questions share a bit."""

    def __init__(self, first_bit: int) -> None:
        self._next = first_bit
        self._asked: dict[str, dict[object, Question]] = {}

    def bit(self, name: str, key: object, answer: Callable[[Any], bool]) -> int:
        """
        The bit of a question about the fact `name`.

        :param key: the same for equal questions.
        :param answer: the answer for a value; None means "not known".
        """
        asked = self._asked.setdefault(name, {})
        if key not in asked:
            asked[key] = Question(self.new_bit(), answer)
        return asked[key].bit

    def new_bit(self) -> int:
        """A bit that is not used yet."""
        bit = self._next
        self._next <<= 1
        return bit

    def mask(self, names: Iterable[str]) -> int:
        """The bits of all questions about these facts."""
        return sum(question.bit for name in names for question in self._asked.get(name, {}).values())

    def answers(self, name: str, value: object) -> int:
        """The bits of all questions about a fact whose answer is yes for this value."""
        return sum(question.bit for question in self._asked.get(name, {}).values() if question.answer(value))


class AnyBit(NamedTuple):
    """A compiled condition that is true if one of these bits is set: on the child (`own`), or in the view."""

    mask: int
    own: bool = False


Test = Callable[[View, int], object]
"""Whether a condition is true. The number is the bits of the child in question; 0 outside `some_child`."""


class Guarded(NamedTuple):
    """A compiled condition with its guard: if no bit of `needs` is set, it is false and need not be tested."""

    needs: int
    test: Test


Compiled = AnyBit | Guarded
NO_GUARD = -1  # every bit; the view of a rule set always has at least one


def test_of(compiled: Compiled) -> Test:
    """A compiled condition as a function."""
    if isinstance(compiled, Guarded):
        return compiled.test
    mask = compiled.mask
    if compiled.own:
        return lambda view, own: own & mask
    return lambda view, own: view.bits & mask


def guarded(compiled: Compiled) -> Guarded:
    """A compiled condition with its guard. The bits of each child are set in the view as well."""
    return compiled if isinstance(compiled, Guarded) else Guarded(compiled.mask, test_of(compiled))


def all_of(parts: Iterable[Compiled]) -> Compiled:
    """True if every part is true. There is at least one part. The guard is the smallest of the parts' guards."""
    compiled = list(parts)
    if len(compiled) == 1:
        return compiled[0]
    tests = sorted((guarded(part) for part in compiled), key=lambda part: _width(part.needs))
    if len(tests) == 2 and all(isinstance(part, AnyBit) and not part.own for part in compiled):
        first_mask, then_mask = tests[0].needs, tests[1].needs
        return Guarded(first_mask, lambda view, own: view.bits & first_mask and view.bits & then_mask)

    def test(view: View, own: int) -> bool:
        bits = view.bits
        for needs, part in tests:  # noqa: SIM110 - all() and any() take three times as long
            if not (bits & needs and part(view, own)):
                return False
        return True

    return Guarded(tests[0].needs, test)


def any_of(parts: Iterable[Compiled]) -> Compiled:
    """True if any part is true. All parts that only test bits are tested first, in one step."""
    masks = {True: 0, False: 0}
    rest: list[Compiled] = []
    for part in parts:
        if isinstance(part, AnyBit):
            masks[part.own] |= part.mask
        else:
            rest.append(part)
    joined = [AnyBit(mask, own) for own, mask in masks.items() if mask]
    compiled = [*joined, *rest] or [AnyBit(0)]
    if len(compiled) == 1:
        return compiled[0]
    tests = [guarded(part) for part in compiled]

    def test(view: View, own: int) -> bool:
        bits = view.bits
        for needs, part in tests:  # noqa: SIM110
            if bits & needs and part(view, own):
                return True
        return False

    return Guarded(reduce(or_, (part.needs for part in tests)), test)


def _width(needs: int) -> float:
    return float("inf") if needs == NO_GUARD else needs.bit_count()


class Movers(NamedTuple):
    """
    The bits that may change a condition.

    Setting a bit of `coming` or clearing a bit of `going` may make it true. The opposite may make it false. No other
    bit changes it.
    """

    coming: int = 0
    going: int = 0

    @property
    def reversed(self) -> "Movers":
        return Movers(self.going, self.coming)

    def may_move(self, before: int, after: int) -> bool:
        """Whether the condition may become true when the bits change from `before` to `after`."""
        return bool(after & ~before & self.coming or before & ~after & self.going)

    @property
    def either_way(self) -> "Movers":
        return Movers(self.coming | self.going, self.coming | self.going)


def moved_by_any(parts: Iterable[Movers]) -> Movers:
    """The bits that may change at least one of these conditions."""
    coming, going = zip(*parts, strict=True)
    return Movers(reduce(or_, coming), reduce(or_, going))


@dataclass
class Evidence:
    """
    The facts for which a condition is true, by the person that they are about.

    `on_child` has the facts of a child for which a `some_child` is true. `lies_with` has indicators by the child's
    number, or by NO_CHILD for the family. `of_all` has the facts about the whole contact.
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
        """The evidence as reasons: (child's number or NO_CHILD, facts), each fact once, the children in order."""
        if self.on_child:
            indicators = [fact for _, facts in sorted(self.lies_with.items()) for fact in facts]
            reasons = [(child, facts + indicators + self.of_all) for child, facts in sorted(self.on_child.items())]
        elif self.lies_with:
            # The children in order, then the family.
            order = sorted(self.lies_with, key=lambda child: (child == NO_CHILD, child))
            reasons = [(child, self.lies_with[child] + self.of_all) for child in order]
        else:
            reasons = [(NO_CHILD, self.of_all)]
        return [(child, list(dict.fromkeys(facts))) for child, facts in reasons]


Witness = Callable[[View, int], Evidence]
"""Returns the facts for which a true condition is true. The number is the child's, or NO_CHILD."""


@dataclass(frozen=True)
class Setting:
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


def nothing_to_show(view: View, child: int) -> Evidence:
    """The witness of a condition without evidence, such as `not`."""
    return Evidence()


class AllOf(Document):
    """All of these conditions are true."""

    all: Annotated[tuple["Condition", ...], NOT_EMPTY]

    def compiled(self, setting: Setting) -> Compiled:
        return all_of(part.compiled(setting) for part in self.all)

    def witness(self, setting: Setting) -> Witness:
        witnesses = [part.witness(setting) for part in self.all]

        def together(view: View, child: int) -> Evidence:
            found = Evidence()
            for witness in witnesses:
                found.add(witness(view, child))
            return found

        return together

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ((("all", number), part) for number, part in enumerate(self.all))


class AnyOf(Document):
    """At least one of these conditions is true. The evidence is that of all true ones."""

    any: Annotated[tuple["Condition", ...], NOT_EMPTY]

    def compiled(self, setting: Setting) -> Compiled:
        return any_of(part.compiled(setting) for part in self.any)

    def witness(self, setting: Setting) -> Witness:
        parts = [(test_of(part.compiled(setting)), part.witness(setting)) for part in self.any]

        def of_those_that_hold(view: View, child: int) -> Evidence:
            own = view.children[child] if child != NO_CHILD else 0
            found = Evidence()
            for test, witness in parts:
                if test(view, own):
                    found.add(witness(view, child))
            return found

        return of_those_that_hold

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ((("any", number), part) for number, part in enumerate(self.any))


class Not(Document):
    """This condition is false. It has no evidence."""

    not_: Annotated["Condition", Field(alias="not")]

    def compiled(self, setting: Setting) -> Compiled:
        test = test_of(self.not_.compiled(setting))
        return Guarded(NO_GUARD, lambda view, own: not test(view, own))

    def witness(self, setting: Setting) -> Witness:
        return nothing_to_show

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

    def compiled(self, setting: Setting) -> Compiled:
        mask = self.indicator.mask(setting.catalogue)
        match self.indicator.where:
            case "contact":
                return AnyBit(mask)
            case "child":
                return AnyBit(mask, own=True)
            case _:
                return Guarded(mask, lambda view, own: (own | view.family) & mask)

    def witness(self, setting: Setting) -> Witness:
        catalogue, mask = setting.catalogue, self.indicator.mask(setting.catalogue)
        match self.indicator.where:
            case "contact":
                return lambda view, child: _lying(catalogue, view, mask)
            case "child":
                return lambda view, child: Evidence(of_all=catalogue.codes(view.children[child] & mask))
            case _:
                return lambda view, child: Evidence(of_all=catalogue.codes((view.children[child] | view.family) & mask))

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ()


class Spread(Document):
    """The least number of different indicators of a level, and of their domains."""

    level: Literal[2, 3, 4]
    at_least: Annotated[StrictInt, Field(ge=1)] = 1
    domains: Annotated[StrictInt, Field(ge=1)] = 1


class Different(Document):
    """The contact has so many different indicators of a level. A code on two children counts once."""

    different: Spread

    def compiled(self, setting: Setting) -> Compiled:
        of_level = setting.catalogue.mask(level=self.different.level)
        at_least, domains = self.different.at_least, self.different.domains
        of_domains = [of_level & mask for mask in setting.catalogue.domains.values()]

        def test(view: View, own: int) -> bool:
            found = view.bits & of_level
            if found.bit_count() < at_least:
                return False
            return domains == 1 or len([mask for mask in of_domains if found & mask]) >= domains

        return Guarded(of_level, test)

    def witness(self, setting: Setting) -> Witness:
        catalogue, of_level = setting.catalogue, setting.catalogue.mask(level=self.different.level)
        return lambda view, child: _lying(catalogue, view, of_level)

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

    def bit(self, setting: Setting) -> int:
        """The bit that is set if the answer is yes."""
        key = (self.is_, self.in_, self.at_least, self.at_most, self.unknown)
        return setting.questions.bit(self.fact, key, self._matches())

    def compiled(self, setting: Setting) -> Compiled:
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

    def witness(self, setting: Setting) -> Witness:
        name = self.fact
        return lambda view, child: Evidence(of_all=[fact_path(name, child)])

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ()


class SomeChild(Document):
    """The whole condition is true for at least one child."""

    some_child: "Condition"

    def compiled(self, setting: Setting) -> Compiled:
        inner = self.some_child.compiled(setting)
        if isinstance(inner, AnyBit) and not inner.own:
            mask = inner.mask
            return Guarded(mask, lambda view, own: view.children and view.bits & mask)
        if isinstance(inner, AnyBit) and not inner.mask & setting.catalogue.everything:
            # Only children have questions about a child, so if one child's answer is yes, the view has the bit.
            return AnyBit(inner.mask)
        needs, test = guarded(inner)

        def some(view: View, own: int) -> bool:
            for child in view.children:  # noqa: SIM110
                if test(view, child):
                    return True
            return False

        return Guarded(needs, some)

    def witness(self, setting: Setting) -> Witness:
        test, inner = test_of(self.some_child.compiled(setting)), self.some_child.witness(setting)

        def of_each_child(view: View, child: int) -> Evidence:
            found = Evidence()
            for number, own in enumerate(view.children):
                if test(view, own):
                    inside = inner(view, number)
                    lying = [fact for facts in inside.lies_with.values() for fact in facts]
                    found.on_child[number] = inside.of_all + lying
            return found

        return of_each_child

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield ("some_child",), self.some_child


class Fired(Document):
    """An earlier rule has fired."""

    fired: Text

    def compiled(self, setting: Setting) -> Compiled:
        return AnyBit(setting.bit_of_rule(self.fired))

    def witness(self, setting: Setting) -> Witness:
        return nothing_to_show

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ()


class Defined(Document):
    """A named condition."""

    defined: Text

    def compiled(self, setting: Setting) -> Compiled:
        return setting.defined[self.defined].compiled(setting)

    def witness(self, setting: Setting) -> Witness:
        return setting.defined[self.defined].witness(setting)

    def parts(self) -> Iterator[tuple[Path, "Condition"]]:
        yield from ()


def fact_path(name: str, child: int = NO_CHILD) -> str:
    """The path of a fact in the facts document: `children[0].age_years`, `family.marac`, `immediate_danger`."""
    if child != NO_CHILD and name in CHILD_FACTS:
        return f"children[{child}].{name}"
    return f"family.{name}" if name in FAMILY_FACTS else name


def _lying(catalogue: Catalogue, view: View, mask: int) -> Evidence:
    """The indicators of a mask, by the child that has them, or by the family."""
    held = {**dict(enumerate(view.children)), NO_CHILD: view.family}
    return Evidence(lies_with={who: catalogue.codes(bits & mask) for who, bits in held.items() if bits & mask})


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


def movers(condition: Condition, setting: Setting) -> Movers:
    """The bits that may change a condition. Only `not` can become true when a bit is cleared."""
    match condition:
        case Present():
            return Movers(condition.indicator.mask(setting.catalogue))
        case Different():
            return Movers(setting.catalogue.mask(level=condition.different.level))
        case Fact():
            return Movers(condition.bit(setting))
        case Fired():
            return Movers(setting.bit_of_rule(condition.fired))
        case Not():
            return movers(condition.not_, setting).reversed
        case Defined():
            return movers(setting.defined[condition.defined], setting)
        case AllOf() | AnyOf() | SomeChild():
            return moved_by_any(movers(part, setting) for _, part in condition.parts())
