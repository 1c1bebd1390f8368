"""
Small numbers are hidden, and enough beside them that nobody can work them out.

Several tables count the same children by different groups, so that their columns have the same totals. A column
belongs to one of two divisions (which pathway; which way it was overruled); in each, the cells of a row add up to the
row's total. A count of 1 to 4 says "fewer than 5"; 0 is shown. What hides a small count among others says "not shown".

A hidden number is safe when another number could stand there and every number shown stay as it is. Seen as a network,
a table is a flow from the columns of the first division through its rows to those of the second, and such a change is
a round trip on which each hidden number goes up or down by one and stays within what its mark says. So for each small
count the cheapest round trip is looked for, where a number that would have to be hidden for it costs what it counts:
the smallest are hidden first (J. P. Kelly, B. L. Golden and A. A. Assad, "Cell suppression: disclosure protection for
sensitive tabular data", Networks 22, 1992). A trip may leave a table by one total and come back by another; then every
other table has to make room for the same change of totals, because a reader has them all.

A reader who knows all this may assume that what is not shown is 5 or more, unless it is small: it is safe all the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappop, heappush
from itertools import product
from math import inf
from typing import NamedTuple

LEAST_SHOWN = 5
# To say of a small number not even that it is small is the last resort: dearer than any sum of counts.
LAST_RESORT = 10**12

DIFFERENT = "The tables, or the two divisions of a row, count different children."


class Mark(StrEnum):
    """What stands in place of a number."""

    FEW = f"fewer than {LEAST_SHOWN}"
    NOT_SHOWN = "not shown"


Shown = int | Mark


class Line(NamedTuple):
    """A row as it may be shown."""

    cells: tuple[Shown, ...]
    total: Shown


@dataclass(frozen=True)
class Safe:
    """The tables as they may be shown, and the totals that they have in common."""

    tables: tuple[tuple[Line, ...], ...]
    columns: tuple[Shown, ...]
    total: Shown


def suppress(tables: Sequence[Sequence[Sequence[int]]], *, first: int) -> Safe:
    """
    Hide what must not be shown.

    :param tables: the rows of each table, all of the same children; each row as wide as there are columns.
    :param first: how many columns belong to the first division; the others belong to the second, if there is one.
    :raises ValueError: the tables, or the two divisions of a row, do not count the same children.
    """
    width = _check(tables, first)
    # Without a second division, a row's total is the whole of it.
    whole = first == width
    page = _Page([[(*row, sum(row)) if whole else tuple(row) for row in table] for table in tables], first)
    page.protect()
    return page.shown(width)


def _check(tables: Sequence[Sequence[Sequence[int]]], first: int) -> int:
    widths = {len(row) for table in tables for row in table}
    if len(widths) > 1:
        raise ValueError("Every row has the same columns.")
    totals = {tuple(map(sum, zip(*table, strict=True))) for table in tables}
    if len(totals) > 1:
        raise ValueError(DIFFERENT)
    width = widths.pop() if widths else first
    if any(sum(row[:first]) != sum(row[first:]) for table in tables for row in table if first < width):
        raise ValueError(DIFFERENT)
    return width


# ---- the network

Node = tuple[str, int]


@dataclass(eq=False)
class _Number:
    """
    A count, which runs as a flow from one node to another, and what a reader knows of it.

    `lowest` and `highest` are what its mark says; they are the same as long as it is shown.
    """

    value: int
    start: Node
    end: Node
    lowest: float = field(init=False)
    highest: float = field(init=False)

    def __post_init__(self) -> None:
        few = 0 < self.value < LEAST_SHOWN
        self.lowest, self.highest = (1, LEAST_SHOWN - 1) if few else (self.value, self.value)

    @property
    def is_small(self) -> bool:
        return 0 < self.value < LEAST_SHOWN

    def cost(self, change: int) -> float:
        """What has to be hidden, so that the number could as well be one more (1), or one less (-1)."""
        if self.value == 0:
            return inf
        if self.lowest <= self.value + change <= self.highest:
            return 0
        if change > 0:
            return LAST_RESORT if self.is_small else self.value
        return self.value if self.value > LEAST_SHOWN else inf

    def hide(self) -> None:
        """Say no more of it than that it is there; of one that is not small, a reader may guess that it is not."""
        self.lowest, self.highest = 1 if self.is_small else LEAST_SHOWN, inf

    @property
    def shown(self) -> Shown:
        if self.lowest == self.highest:
            return self.value
        return Mark.NOT_SHOWN if self.highest == inf else Mark.FEW


class _Step(NamedTuple):
    """One number of a round trip, and whether it goes up (1) or down (-1) on it."""

    number: _Number
    change: int

    @property
    def start(self) -> Node:
        return self.number.start if self.change > 0 else self.number.end

    @property
    def end(self) -> Node:
        return self.number.end if self.change > 0 else self.number.start


class _Trip(NamedTuple):
    cost: float
    steps: tuple[_Step, ...]


NOWHERE = _Trip(inf, ())


class _Network:
    """Numbers that hang together, and the cheapest ways through them."""

    def __init__(self, numbers: Iterable[_Number]) -> None:
        self.numbers = [number for number in numbers if number.value]
        self._from: dict[Node, list[_Step]] = {}
        for number, change in product(self.numbers, (1, -1)):
            step = _Step(number, change)
            self._from.setdefault(step.start, []).append(step)
        self._known: dict[Node, dict[Node, _Trip]] = {}

    def changed(self) -> None:
        self._known.clear()

    def trips(self, start: Node) -> dict[Node, _Trip]:
        """The cheapest way from a node to every other."""
        if start not in self._known:
            self._known[start] = self.trips_without(start, None)
        return self._known[start]

    def trips_without(self, start: Node, avoided: _Number | None) -> dict[Node, _Trip]:
        """The same, without one of the numbers (Dijkstra's algorithm)."""
        last: dict[Node, _Step] = {}
        costs: dict[Node, float] = {start: 0}
        done: dict[Node, float] = {}
        queue: list[tuple[float, Node]] = [(0, start)]
        while queue:
            cost, node = heappop(queue)
            if node in done:
                continue
            done[node] = cost
            for step in self._from.get(node, ()):
                further = cost + step.number.cost(step.change)
                if step.number is not avoided and further < costs.get(step.end, inf):
                    costs[step.end], last[step.end] = further, step
                    heappush(queue, (further, step.end))
        return {node: _Trip(cost, tuple(_back(last, node))[::-1]) for node, cost in done.items()}


def _cost(trip: _Trip) -> float:
    return trip.cost


def _joined(*trips: _Trip) -> _Trip:
    return _Trip(sum(trip.cost for trip in trips), tuple(step for trip in trips for step in trip.steps))


def _back(last: dict[Node, _Step], node: Node) -> Iterator[_Step]:
    while node in last:
        step = last[node]
        yield step
        node = step.start


class _Page:
    """All tables, and the totals that link them: from the outside to the first columns, from the second back to it."""

    def __init__(self, tables: list[list[tuple[int, ...]]], first: int) -> None:
        self.first = first
        sums = [sum(column) for column in zip(*tables[0], strict=True)] if tables and tables[0] else []
        self.columns = [_Number(value, *self._ends(position)) for position, value in enumerate(sums)]
        self.total = _Number(sum(sums[:first]), ("out", 0), ("in", 0))
        self.cells: list[list[list[_Number]]] = []
        self.rows: list[list[_Number]] = []
        for table in tables:
            rows = list(enumerate(table))
            self.rows.append([_Number(sum(row[:first]), ("row", at), ("same row", at)) for at, row in rows])
            self.cells.append([[self._cell(value, at, column) for column, value in enumerate(row)] for at, row in rows])
        self.networks = [
            _Network([*totals, *(number for row in cells for number in row)])
            for totals, cells in zip(self.rows, self.cells, strict=True)
        ]
        self.links = _Network([*self.columns, self.total])

    def _ends(self, column: int) -> tuple[Node, Node]:
        return (("in", 0), ("column", column)) if column < self.first else (("column", column), ("out", 0))

    def _cell(self, value: int, row: int, column: int) -> _Number:
        if column < self.first:
            return _Number(value, ("column", column), ("row", row))
        return _Number(value, ("same row", row), ("column", column))

    def protect(self) -> None:
        """
        A round trip for every small number. All that lies on it is safe from then on, whatever else is hidden later:
        hiding more only leaves more room. There always is one: one more child who is just like one of those counted.
        """
        for network in (*self.networks, self.links):
            for number in network.numbers:
                if not number.is_small:
                    continue
                trip = min((self._trip(network, number, change) for change in (1, -1)), key=_cost)
                if trip.cost == inf:
                    raise ValueError(DIFFERENT)
                if trip.cost:
                    self._make(trip)

    def shown(self, width: int) -> Safe:
        tables = tuple(
            tuple(
                Line(tuple(cell.shown for cell in cells[:width]), total.shown)
                for cells, total in zip(rows, totals, strict=True)
            )
            for rows, totals in zip(self.cells, self.rows, strict=True)
        )
        return Safe(tables, tuple(column.shown for column in self.columns[:width]), self.total.shown)

    def _trip(self, network: _Network, number: _Number, change: int) -> _Trip:
        """The cheapest round trip on which this number goes up or down."""
        step, own = _Step(number, change), number.cost(change)
        if own == inf:
            return NOWHERE
        if network is self.links:
            return self._through_total(step)
        onward = network.trips_without(step.end, number)
        best = _joined(onward.get(step.start, NOWHERE), _Trip(own, (step,)))
        if best.cost == 0:
            return best
        others = [other for other in self.networks if other is not network]
        for start in self._open_columns():
            hither = network.trips_without(start, number).get(step.start, NOWHERE)
            for end in self._open_columns():
                # Of equals the way within the table: two ways that meet would be one.
                if start != end and hither.cost + own + onward.get(end, NOWHERE).cost < best.cost:
                    here = _joined(hither, _Trip(own, (step,)), onward[end])
                    best = min(best, _joined(here, *self._all_along(start, end, others)), key=_cost)
        return best

    def _through_total(self, step: _Step) -> _Trip:
        """The cheapest change of all tables that changes this total in this way."""
        pairs = ((start, end) for start, end in product(self._open_columns(), repeat=2) if start != end)
        found = (
            self._all_along(start, end, self.networks)
            for start, end in pairs
            if step in self.links.trips(end).get(start, NOWHERE).steps
        )
        return min((_joined(*trips) for trips in found), key=_cost, default=NOWHERE)

    def _all_along(self, start: Node, end: Node, networks: Iterable[_Network]) -> list[_Trip]:
        """From one column to another in each of these tables, and back through the totals that they share."""
        return [
            self.links.trips(end).get(start, NOWHERE),
            *(network.trips(start).get(end, NOWHERE) for network in networks),
        ]

    def _open_columns(self) -> list[Node]:
        return [("column", position) for position, column in enumerate(self.columns) if column.value]

    def _make(self, trip: _Trip) -> None:
        for number, change in trip.steps:
            if number.cost(change):
                number.hide()
        for network in (*self.networks, self.links):
            network.changed()
