"""
The equality report: children by age, sex, ethnicity and disability, and what was recommended and decided for them.

Each child on a contact counts, so a child on two contacts counts twice. Small numbers never leave this module.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, F, Func, IntegerField, Q
from django.db.models.functions import Coalesce, TruncDate

from casework.models import ContactChild
from casework.reports import comparison
from casework.reports.cells import Shown
from casework.reports.comparison import Comparison, OverrideKind
from casework.reports.period import Period
from casework.reports.suppression import suppress
from errors import ServiceError
from localities.codes import ETHNIC_GROUPS, NOT_STATED, SEXES
from localities.working_time import LONDON
from triage.published_rules import of_version

NOT_KNOWN = "Not known"
# The bands of age, the youngest first. The number is the age in whole years at which the next band begins.
BANDS = (("Under 1", 1), ("1 to 4", 5), ("5 to 9", 10), ("10 to 15", 16), ("16 to 17", 18))
UNBORN, ADULT = "Unborn", "18 and over"
DISABILITY = {True: "Yes", False: "No", None: NOT_KNOWN}
UP, DOWN, NEITHER = OUTCOMES = "Up", "Down", "Neither"

# The age in whole years on the day of receipt: by the date of birth, else as somebody said it. A child born on 29
# February is a year older from 1 March on.
BY_BIRTH = Func(
    TruncDate("contact__received_at", tzinfo=LONDON), F("date_of_birth"),
    template="date_part('year', age(%(expressions)s))", output_field=IntegerField(),
)  # fmt: skip
AGE = Coalesce(BY_BIRTH, F("age_years"), output_field=IntegerField())
IS_EXPECTED = ExpressionWrapper(Q(expected_date_of_delivery__isnull=False), output_field=BooleanField())


def age_band(age: int | None, is_expected: bool) -> str:
    """The band of an age in whole years. None means that the age is not known, or that the child is not born yet."""
    if age is None:
        return UNBORN if is_expected else NOT_KNOWN
    return next((band for band, below in BANDS if age < below), ADULT)


def ethnic_group(code: str) -> str:
    return ETHNIC_GROUPS.get(code, NOT_STATED)


@dataclass(frozen=True)
class Dimension:
    """One way to group children: the expressions to select, and the group that their values belong to."""

    name: str
    expressions: dict[str, Any]
    group: Callable[..., str]
    groups: tuple[str, ...]


DIMENSIONS = (
    Dimension(
        "Age", {"age": AGE, "is_expected": IS_EXPECTED}, age_band,
        (UNBORN, *(band for band, _ in BANDS), ADULT, NOT_KNOWN),
    ),
    Dimension("Sex", {"is_of": F("sex")}, lambda code: SEXES.get(code, SEXES["U"]), tuple(SEXES.values())),
    Dimension("Ethnicity", {"is_of": F("ethnicity")}, ethnic_group, tuple(dict.fromkeys(ETHNIC_GROUPS.values()))),
    Dimension("Disability", {"is_of": F("disabled")}, DISABILITY.__getitem__, tuple(DISABILITY.values())),
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A number as it may be shown. Its share of the row has a value only if both numbers are shown."""

    shown: Shown
    percent: float | None


@dataclass(frozen=True)
class Group:
    """A row: a group of children."""

    name: str
    cells: tuple[Cell, ...]
    total: Shown


@dataclass(frozen=True)
class Equality:
    """
    The whole report.

    `pathways` are the titles of the first columns; `outcomes` are those of the columns after them. `totals` and `total`
    are the same for every table.
    """

    pathways: tuple[str, ...]
    outcomes: tuple[str, ...]
    tables: tuple[tuple[str, tuple[Group, ...]], ...]
    totals: tuple[Cell, ...]
    total: Shown


def report(period: Period) -> Equality:
    """Makes the report with four queries. Each returns a row for each group and comparison."""
    counts = _consistent_counts(period)
    pathways = _pathways({compared for count in counts for _, compared in count})
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


Counts = Counter[tuple[str, Comparison]]


def _consistent_counts(period: Period) -> list[Counts]:
    """
    The counts by each dimension, all of the same children.

    If somebody decides between two queries, all four run again.

    :raises ServiceError: decisions came between the queries five times in a row.
    """
    for _ in range(5):
        counts = [_counts(dimension, period) for dimension in DIMENSIONS]
        if len({frozenset(_by_comparison(count).items()) for count in counts}) == 1:
            return counts
    raise ServiceError("People are deciding on contacts of these days at this moment. Load the page again.")


def _by_comparison(counts: Counts) -> Counter[Comparison]:
    sums: Counter[Comparison] = Counter()
    for (_, compared), count in counts.items():
        sums[compared] += count
    return sums


def _counts(dimension: Dimension, period: Period) -> Counts:
    children = ContactChild.objects.filter(
        contact__decision_in_effect__isnull=False,
        contact__received_at__gte=period.starts_at,
        contact__received_at__lt=period.ends_at,
    )
    counts: Counts = Counter()
    for values, compared, count in comparison.count(children, contact="contact__", **dimension.expressions):
        counts[dimension.group(*values), compared] += count
    return counts


def _pathways(comparisons: set[Comparison]) -> dict[str, str]:
    """The recommended pathways and their titles, in the order and words of the newest rule set."""
    recommended = {compared.before.pathway for compared in comparisons}
    titles: dict[str, str] = {}
    for version_id in sorted({compared.rule_set_id for compared in comparisons}, reverse=True):
        for pathway in of_version(version_id).rule_set.pathways.values():
            if pathway.id in recommended:
                titles.setdefault(pathway.id, pathway.called)
    return titles


def _row(group: str, counts: Counts, pathways: tuple[str, ...]) -> list[int]:
    columns: Counter[tuple[bool, str]] = Counter()
    directions = {OverrideKind.UP: UP, OverrideKind.DOWN: DOWN}
    for (name, compared), count in counts.items():
        if name == group:
            columns[False, compared.before.pathway] += count
            columns[True, directions.get(compared.kind, NEITHER) if compared.kind else NEITHER] += count
    return [*(columns[False, pathway] for pathway in pathways), *(columns[True, outcome] for outcome in OUTCOMES)]


def _cells(shown: tuple[Shown, ...], total: Shown) -> tuple[Cell, ...]:
    return tuple(Cell(number, _percent(number, total)) for number in shown)


def _percent(number: Shown, total: Shown) -> float | None:
    return 100 * number / total if isinstance(number, int) and isinstance(total, int) and total else None
