"""
The weights of a likeness: versioned data beside the code, read as strictly as a rule set.

After Fellegi and Sunter (1969). For each level at which a field can agree there are three probabilities: among records
of one person (`m`), of two people of one family (`f`), and of two strangers (`u`). The family is what the classic two
leave out: brothers and sisters share surname, home and telephone, and twins also the date of birth, so that counting
each as a coincidence makes one person of two.
"""

import math
from collections.abc import Iterator
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, NamedTuple

from django.conf import settings
from pydantic import Field, StrictFloat, StrictInt

from casework.families.likeness.homes import HOME_LEVELS
from casework.families.likeness.identifiers import NUMBER_LEVELS
from casework.families.likeness.names import FIRST_NAME_LEVELS, LAST_NAME_LEVELS
from errors import Fault, InvalidInput
from triage.documents import NOT_EMPTY, Document, Text, read
from triage.reading import load_yaml

SHIPPED = Path(__file__).parent / "data" / "weights-3.yaml"

# From here on, open matches are in the indexes by which whoever may be a restricted person is closed
# (`models/visibility.py`).
CAREFUL_AT_LEAST = 0.5

FIELDS: dict[str, tuple[str, ...]] = {
    "first_name": (*FIRST_NAME_LEVELS, "other"),
    "last_name": (*LAST_NAME_LEVELS, "other"),
    "order": ("reversed",),
    "other_names": ("same", "initial", "differ"),
    "date_of_birth": ("same", "swapped", "digit", "day", "year", "estimated", "digits", "month", "differs"),
    "sex": ("same", "differs"),
    "nhs_number": NUMBER_LEVELS,
    "upn": NUMBER_LEVELS,
    "home": (*HOME_LEVELS, "shared"),
    "telephone": ("same", "differs"),
    "mother": ("differs",),
}  # fmt: skip


class Means(StrEnum):
    """What a level says. `exactly` and `agrees`: for one person. `contradicts`: against. `open`: neither decides."""

    EXACTLY = "exactly"
    AGREES = "agrees"
    OPEN = "open"
    CONTRADICTS = "contradicts"


Probability = Annotated[StrictFloat, Field(gt=0, lt=1)]


class Bits(NamedTuple):
    """How many times as likely as among strangers, and as in one family, as logarithms to base 2."""

    strangers: float
    family: float


class Level(Document):
    """A level at which a field can agree."""

    means: Means
    m: Probability
    f: Probability
    u: Probability
    says: Text

    @cached_property
    def bits(self) -> Bits:
        """How many times as likely it is among records of one person as of others."""
        return Bits(math.log2(self.m / self.u), math.log2(self.m / self.f))


class Certain(Document):
    """When a likeness is certain: the score, and fields of which one whole group agrees exactly. None contradicts."""

    score: Probability
    needs_one_of: Annotated[tuple[tuple[Text, ...], ...], NOT_EMPTY]


class Ceiling(Document):
    """A score that no likeness passes unless one of these fields agrees: never on a name and a home alone."""

    score: Probability
    unless: Annotated[tuple[Text, ...], NOT_EMPTY]


class Nearest(Document):
    """
    The people to name where no score is worth proposing: those who agree in all fields of one of these groups, exactly
    or in some way.
    """

    most: Annotated[StrictInt, Field(ge=0)]
    exactly: tuple[tuple[Text, ...], ...]
    agreeing: tuple[tuple[Text, ...], ...]


class Weights(Document):
    """
    A version of the weights.

    `same_person` and `same_family`: the share of such pairs among all pairs of records. `common_name`: a name that this
    share of people has, or more, is called common.
    """

    weights: Text
    version: Annotated[StrictInt, Field(ge=1)]
    same_person: Probability
    same_family: Probability
    worth_proposing: Probability
    careful: Probability
    nearest: Nearest
    certain: Certain
    joined_by: Annotated[tuple[Text, ...], NOT_EMPTY]
    ceiling: Ceiling
    common_name: Probability
    levels: dict[Text, dict[Text, Level]]

    @cached_property
    def most(self) -> dict[str, Bits]:
        """The most that each field can say for one person."""
        return {
            name: Bits(*map(max, zip(*(level.bits for level in levels.values()), strict=True)))
            for name, levels in self.levels.items()
        }

    @cached_property
    def least(self) -> Bits:
        """A likeness with fewer bits, against strangers or against the family, is not worth proposing."""
        odds = 1 / self.worth_proposing - 1
        # In another order, the same sum may differ in its last digit.
        strangers = -math.log2(odds * self.same_person) - 0.000_001
        return Bits(strangers, -math.log2(odds * self.same_person / self.same_family) - 0.000_001)

    @cached_property
    def most_of_names(self) -> list[Bits]:
        """The most that first and last names can say for one person, in whichever order."""
        order = Bits(*(max(0.0, bits) for bits in self.most["order"]))
        return [self.most["first_name"], self.most["last_name"], order]

    @cached_property
    def most_of_reversed_names(self) -> list[Bits]:
        """The most that they can say where they are reversed."""
        return [self.most[name] for name in ("first_name", "last_name", "order")]

    def __str__(self) -> str:
        return f"{self.weights}/{self.version}"


def read_weights(data: object) -> Weights:
    """
    Reads weights from parsed YAML.

    :raises InvalidInput: with every fault.
    """
    weights = read(Weights, data)
    if faults := list(_faults(weights)):
        raise InvalidInput(faults)
    return weights


def _faults(weights: Weights) -> Iterator[Fault]:
    for field in [*FIELDS, *weights.levels]:
        known, given = set(FIELDS.get(field, ())), set(weights.levels.get(field, {}))
        if known != given:
            names = ", ".join(sorted(known ^ given))
            yield Fault(("levels", field), f"has other levels than the comparison: {names}.")
    for field, levels in weights.levels.items():
        for name, level in levels.items():
            yield from _faults_of_level(("levels", field, name), level)
        for which in ("m", "f", "u"):
            if (total := sum(getattr(level, which) for level in levels.values())) > 1.005:
                yield Fault(("levels", field), f"has a sum of {which} of {total:.3f}: a sum is at most 1.")
    groups = {
        "nearest": (*weights.nearest.exactly, *weights.nearest.agreeing),
        "certain": weights.certain.needs_one_of,
        "joined_by": (weights.joined_by,),
        "ceiling": (weights.ceiling.unless,),
    }
    for part, named in groups.items():
        for name in sorted({name for group in named for name in group} - set(FIELDS)):
            yield Fault((part,), f"names {name}, which is not a field.")
    if not weights.ceiling.score < weights.careful < weights.certain.score:
        yield Fault(("careful",), "must lie between the ceiling's score and that of certainty.")
    if weights.careful < CAREFUL_AT_LEAST:
        yield Fault(("careful",), f"must be at least {CAREFUL_AT_LEAST}: what is likelier than not.")


def _faults_of_level(path: tuple[str, ...], level: Level) -> Iterator[Fault]:
    """An agreement never lowers a score, and a contradiction never raises one."""
    if level.means in {Means.EXACTLY, Means.AGREES} and level.m < max(level.f, level.u):
        yield Fault(path, "agrees, and so m is at least f and u.")
    if level.means is Means.CONTRADICTS and level.m > min(level.f, level.u):
        yield Fault(path, "contradicts, and so m is at most f and u.")


def load_file(path: Path) -> Weights:
    """
    Reads weights from a file.

    :raises InvalidInput: with every fault.
    :raises OSError: the file cannot be read.
    """
    try:
        return read_weights(load_yaml(path.read_text(encoding="utf-8")))
    except UnicodeDecodeError:
        raise InvalidInput([Fault((), "The file is not text in UTF-8.")]) from None


def load_own(path: Path) -> Weights:
    """
    Reads a council's own weights from a file. They differ from the shipped ones in their figures, not in their words:
    pages know a reason that would betray an address by its words. And a match keeps the name and version of the weights
    with which it was compared, so their name is another.

    :raises InvalidInput: with every fault.
    :raises OSError: the file cannot be read.
    """
    weights = load_file(path)
    faults = [
        Fault(("levels", field, name, "says"), f"must be as shipped: {level.says!r}.")
        for field, levels in shipped().levels.items()
        for name, level in levels.items()
        if weights.levels[field][name].says != level.says
    ]
    if weights.weights == shipped().weights:
        faults.append(Fault(("weights",), f"must be a name of your own: {weights.weights!r} is the shipped one."))
    if faults:
        raise InvalidInput(faults)
    return weights


@cache
def shipped() -> Weights:
    """The weights that come with the product."""
    return load_file(SHIPPED)


@cache
def in_use() -> Weights:
    """The weights that the service compares with: the council's own (`MATCHING_WEIGHTS`), or else the shipped ones."""
    return load_own(Path(settings.MATCHING_WEIGHTS)) if settings.MATCHING_WEIGHTS else shipped()
