"""
Hides small numbers, and enough other numbers that nobody can compute them.

Several tables count the same children by different groups, so their columns have the same totals. A column belongs to
one of two divisions (the recommended pathway; the direction of the override). In each division, the cells of a row add
up to the row's total. A count of 1 to 4 is shown as "fewer than 5"; 0 is shown. A count that is hidden to protect
another is shown as "not shown".

A hidden count is safe if it could be another number while every shown number stays as it is. A table is a flow network:
from the columns of the first division through the rows to the columns of the second. Such a change is a cycle in the
network on which each hidden count goes up or down by one, within its bounds. For each small count, `suppress` finds the
cheapest cycle, where hiding a count costs as much as it counts, so that the smallest are hidden first (J. P. Kelly,
B. L. Golden and A. A. Assad, "Cell suppression: disclosure protection for sensitive tabular data", Networks 22, 1992).
A cycle may leave a table by one column total and return by another. Then every other table must allow the same change
of totals, because a reader has all tables.

A reader who knows this method may assume that a count that is not shown is 5 or more, unless it is small. The small
counts are safe even then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf
from typing import NamedTuple

from casework.reports.cells import Cell, Node, Shown
from casework.reports.networks import NO_PATH, Network, Path, Step, cost_of, joined

DIFFERENT = "The tables, or the two divisions of a row, count different children."


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
    Hides every number that must not be shown.

    :param tables: the rows of each table; all tables count the same children and have the same columns.
    :param first: the number of columns in the first division. The other columns, if any, are the second division.
    :raises ValueError: the tables, or the two divisions of a row, do not count the same children.
    """
    width = _check(tables, first)
    # Without a second division, a row's total takes its place.
    one_division = first == width
    page = _Page([[(*row, sum(row)) if one_division else tuple(row) for row in table] for table in tables], first)
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


class _Page:
    """
    All tables as networks, and the network of the column totals that they share.

    The flow goes from the node "in" to the columns of the first division, and from those of the second to "out".
    """

    def __init__(self, tables: list[list[tuple[int, ...]]], first: int) -> None:
        self.first = first
        sums = [sum(column) for column in zip(*tables[0], strict=True)] if tables and tables[0] else []
        self.columns = [Cell(value, *self._ends(position)) for position, value in enumerate(sums)]
        self.total = Cell(sum(sums[:first]), ("out", 0), ("in", 0))
        self.cells: list[list[list[Cell]]] = []
        self.rows: list[list[Cell]] = []
        for table in tables:
            rows = list(enumerate(table))
            self.rows.append([Cell(sum(row[:first]), ("row", at), ("same row", at)) for at, row in rows])
            self.cells.append([[self._cell(value, at, column) for column, value in enumerate(row)] for at, row in rows])
        self.networks = [
            Network([*totals, *(cell for row in cells for cell in row)])
            for totals, cells in zip(self.rows, self.cells, strict=True)
        ]
        self.totals = Network([*self.columns, self.total])

    def _ends(self, column: int) -> tuple[Node, Node]:
        return (("in", 0), ("column", column)) if column < self.first else (("column", column), ("out", 0))

    def _cell(self, value: int, row: int, column: int) -> Cell:
        if column < self.first:
            return Cell(value, ("column", column), ("row", row))
        return Cell(value, ("same row", row), ("column", column))

    def protect(self) -> None:
        """
        Hides the cheapest cycle of every small count.

        Every count on such a cycle stays safe when more is hidden later, because hiding only widens the bounds. A cycle
        always exists: one more child who is like one of those counted.
        """
        for network in (*self.networks, self.totals):
            for cell in network.cells:
                if not cell.is_small:
                    continue
                cycle = min((self._cycle(network, cell, change) for change in (1, -1)), key=cost_of)
                if cycle.cost == inf:
                    raise ValueError(DIFFERENT)
                if cycle.cost:
                    self._hide(cycle)

    def shown(self, width: int) -> Safe:
        tables = tuple(
            tuple(
                Line(tuple(cell.shown for cell in cells[:width]), total.shown)
                for cells, total in zip(rows, totals, strict=True)
            )
            for rows, totals in zip(self.cells, self.rows, strict=True)
        )
        return Safe(tables, tuple(column.shown for column in self.columns[:width]), self.total.shown)

    def _cycle(self, network: Network, cell: Cell, change: int) -> Path:
        """The cheapest cycle on which this count goes up or down."""
        step, own = Step(cell, change), cell.cost(change)
        if own == inf:
            return NO_PATH
        if network is self.totals:
            return self._through_total(step)
        onward = network.paths_without(step.end, cell)
        best = joined(onward.get(step.start, NO_PATH), Path(own, (step,)))
        if best.cost == 0:
            return best
        others = [other for other in self.networks if other is not network]
        for start in self._open_columns():
            towards = network.paths_without(start, cell).get(step.start, NO_PATH)
            for end in self._open_columns():
                # If the costs are equal, the cycle within the table wins: two paths that meet would be one cycle.
                if start != end and towards.cost + own + onward.get(end, NO_PATH).cost < best.cost:
                    here = joined(towards, Path(own, (step,)), onward[end])
                    best = min(best, joined(here, *self._through_tables(start, end, others)), key=cost_of)
        return best

    def _through_total(self, step: Step) -> Path:
        """The cheapest change of all tables that changes this total in this way."""
        pairs = ((start, end) for start, end in product(self._open_columns(), repeat=2) if start != end)
        changes = (
            self._through_tables(start, end, self.networks)
            for start, end in pairs
            if step in self.totals.paths(end).get(start, NO_PATH).steps
        )
        return min((joined(*paths) for paths in changes), key=cost_of, default=NO_PATH)

    def _through_tables(self, start: Node, end: Node, networks: Iterable[Network]) -> list[Path]:
        """The paths from one column to another in each of these tables, and the path back through the totals."""
        return [
            self.totals.paths(end).get(start, NO_PATH),
            *(network.paths(start).get(end, NO_PATH) for network in networks),
        ]

    def _open_columns(self) -> list[Node]:
        return [("column", position) for position, column in enumerate(self.columns) if column.value]

    def _hide(self, cycle: Path) -> None:
        for cell, change in cycle.steps:
            if cell.cost(change):
                cell.hide()
        for network in (*self.networks, self.totals):
            network.clear_cache()
