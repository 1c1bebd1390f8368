"""
Whom the rules and people's decisions reach: children by age, sex, ethnicity and disability.

Each child on a contact counts, so that one who is on two contacts counts twice. Small numbers never leave this module.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, F, Func, IntegerField, Q
from django.db.models.functions import TruncDate

from casework.facts.published_rules import of_version
from casework.models import ContactChild
from casework.reports.comparison import Pair, Way, counted
from casework.reports.period import Period
from casework.reports.suppression import Shown, suppress
from errors import ServiceError
from localities.codes import ETHNIC_GROUPS, NOT_STATED, SEXES
from localities.working_time import LONDON

NOT_KNOWN = "Not known"
# From the youngest; the second is the age, in whole years, below which a band ends.
BANDS = (("Under 1", 1), ("1 to 4", 5), ("5 to 9", 10), ("10 to 15", 16), ("16 to 17", 18))
UNBORN, GROWN = "Unborn", "18 and over"
DISABILITY = {True: "Yes", False: "No", None: NOT_KNOWN}
UP, DOWN, NEITHER = OUTCOMES = "Up", "Down", "Neither"

# The whole years between a birthday and the day of receipt; a birthday on 29 February is kept on 1 March.
AGE = Func(
    TruncDate("contact__received_at", tzinfo=LONDON), F("date_of_birth"),
    template="date_part('year', age(%(expressions)s))", output_field=IntegerField(),
)  # fmt: skip
IS_EXPECTED = ExpressionWrapper(Q(expected_date_of_delivery__isnull=False), output_field=BooleanField())


def age_band(age: int | None, is_expected: bool) -> str:
    """The band of a child of this age, in whole years; None is not known, or not born yet."""
    if age is None:
        return UNBORN if is_expected else NOT_KNOWN
    return next((band for band, below in BANDS if age < below), GROWN)


def ethnic_group(code: str) -> str:
    return ETHNIC_GROUPS.get(code, NOT_STATED)


@dataclass(frozen=True)
class Dimension:
    """One way to group children: what is asked of the database, and the group that the answer means."""

    name: str
    asks: dict[str, Any]
    group: Callable[..., str]
    groups: tuple[str, ...]


DIMENSIONS = (
    Dimension(
        "Age", {"age": AGE, "is_expected": IS_EXPECTED}, age_band,
        (UNBORN, *(band for band, _ in BANDS), GROWN, NOT_KNOWN),
    ),
    Dimension("Sex", {"is_of": F("sex")}, lambda code: SEXES.get(code, SEXES["U"]), tuple(SEXES.values())),
    Dimension("Ethnicity", {"is_of": F("ethnicity")}, ethnic_group, tuple(dict.fromkeys(ETHNIC_GROUPS.values()))),
    Dimension("Disability", {"is_of": F("disabled")}, DISABILITY.__getitem__, tuple(DISABILITY.values())),
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A number as it may be shown; the share of its row only where both are shown, so that it says nothing new."""

    shown: Shown
    percent: float | None


@dataclass(frozen=True)
class Group:
    """A row."""

    name: str
    cells: tuple[Cell, ...]
    total: Shown


@dataclass(frozen=True)
class Equality:
    """
    The whole report. `pathways` are the titles of the first columns; after them come `outcomes`.

    The totals are those of every table.
    """

    pathways: tuple[str, ...]
    outcomes: tuple[str, ...]
    tables: tuple[tuple[str, tuple[Group, ...]], ...]
    totals: tuple[Cell, ...]
    total: Shown


def report(period: Period) -> Equality:
    """Four queries, each as large as there are groups and pairs of recommendation and decision in it."""
    counts = _of_one_moment(period)
    pathways = _pathways({pair for count in counts for _, pair in count})
    tables = [
        [_row(group, count, tuple(pathways)) for group in dimension.groups]
        for dimension, count in zip(DIMENSIONS, counts, strict=True)
    ]
    safe = suppress(tables, first=len(pathways))
    return Equality(
        pathways=tuple(pathways.values()),
        outcomes=OUTCOMES,
        tables=tuple(
            (dimension.name, tuple(
                Group(name, _cells(line.cells, line.total), line.total)
                for name, line in zip(dimension.groups, lines, strict=True)
            ))
            for dimension, lines in zip(DIMENSIONS, safe.tables, strict=True)
        ),
        totals=_cells(safe.columns, safe.total),
        total=safe.total,
    )  # fmt: skip


Counts = Counter[tuple[str, Pair]]


def _of_one_moment(period: Period) -> list[Counts]:
    """
    The counts by each dimension, of the same children: where somebody decided between two queries, all are asked again.

    :raises ServiceError: people decide faster than we can count.
    """
    for _ in range(5):
        counts = [_counts(dimension, period) for dimension in DIMENSIONS]
        if len({frozenset(_by_pair(count).items()) for count in counts}) == 1:
            return counts
    raise ServiceError("People are deciding on contacts of these days at this moment. Load the page again.")


def _by_pair(counts: Counts) -> Counter[Pair]:
    found: Counter[Pair] = Counter()
    for (_, pair), count in counts.items():
        found[pair] += count
    return found


def _counts(dimension: Dimension, period: Period) -> Counts:
    children = ContactChild.objects.filter(
        contact__decision_in_effect__isnull=False,
        contact__received_at__gte=period.starts_at,
        contact__received_at__lt=period.ends_at,
    )
    found: Counts = Counter()
    for values, pair, count in counted(children, contact="contact__", **dimension.asks):
        found[dimension.group(*values), pair] += count
    return found


def _pathways(pairs: set[Pair]) -> dict[str, str]:
    """The pathways that were recommended, with their titles, as the newest rule set orders and calls them."""
    recommended = {pair.before.pathway for pair in pairs}
    found: dict[str, str] = {}
    for version_id in sorted({pair.rule_set_id for pair in pairs}, reverse=True):
        for pathway in of_version(version_id).rule_set.pathways.values():
            if pathway.id in recommended:
                found.setdefault(pathway.id, pathway.title)
    return found


def _row(group: str, counts: Counts, pathways: tuple[str, ...]) -> list[int]:
    columns: Counter[tuple[bool, str]] = Counter()
    for (name, pair), count in counts.items():
        if name == group:
            columns[False, pair.before.pathway] += count
            columns[True, UP if pair.way == Way.UP else DOWN if pair.way == Way.DOWN else NEITHER] += count
    return [*(columns[False, pathway] for pathway in pathways), *(columns[True, outcome] for outcome in OUTCOMES)]


def _cells(shown: tuple[Shown, ...], total: Shown) -> tuple[Cell, ...]:
    return tuple(Cell(number, _percent(number, total)) for number in shown)


def _percent(number: Shown, total: Shown) -> float | None:
    return 100 * number / total if isinstance(number, int) and isinstance(total, int) and total else None
