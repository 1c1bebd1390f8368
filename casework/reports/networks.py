"""Flow networks of counts, and the cheapest paths through them."""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import product
from math import inf
from typing import NamedTuple

from casework.reports.cells import Cell, Node


class Step(NamedTuple):
    """One count on a path, and whether it goes up (1) or down (-1)."""

    cell: Cell
    change: int

    @property
    def start(self) -> Node:
        return self.cell.start if self.change > 0 else self.cell.end

    @property
    def end(self) -> Node:
        return self.cell.end if self.change > 0 else self.cell.start


class Path(NamedTuple):
    """A path through a network, or a cycle. `cost` is the sum of what its cells cost to hide."""

    cost: float
    steps: tuple[Step, ...]


NO_PATH = Path(inf, ())


def cost_of(path: Path) -> float:
    """A path's cost, as a key for `min`."""
    return path.cost


def joined(*paths: Path) -> Path:
    """These paths, one after the other."""
    return Path(sum(path.cost for path in paths), tuple(step for path in paths for step in path.steps))


class Network:
    """Counts whose sums depend on each other. Counts of 0 are left out: they always stay 0."""

    def __init__(self, cells: Iterable[Cell]) -> None:
        self.cells = [cell for cell in cells if cell.value]
        self._steps_from: dict[Node, list[Step]] = {}
        for cell, change in product(self.cells, (1, -1)):
            step = Step(cell, change)
            self._steps_from.setdefault(step.start, []).append(step)
        self._cache: dict[Node, dict[Node, Path]] = {}

    def clear_cache(self) -> None:
        """Forgets the paths: the costs of some cells have changed."""
        self._cache.clear()

    def paths(self, start: Node) -> dict[Node, Path]:
        """The cheapest path from a node to every other."""
        if start not in self._cache:
            self._cache[start] = self.paths_without(start, None)
        return self._cache[start]

    def paths_without(self, start: Node, avoided: Cell | None) -> dict[Node, Path]:
        """The cheapest path from a node to every other that does not use this cell (Dijkstra's algorithm)."""
        last_steps: dict[Node, Step] = {}
        costs: dict[Node, float] = {start: 0}
        visited: dict[Node, float] = {}
        queue: list[tuple[float, Node]] = [(0, start)]
        while queue:
            cost, node = heappop(queue)
            if node in visited:
                continue
            visited[node] = cost
            for step in self._steps_from.get(node, ()):
                total = cost + step.cell.cost(step.change)
                if step.cell is not avoided and total < costs.get(step.end, inf):
                    costs[step.end], last_steps[step.end] = total, step
                    heappush(queue, (total, step.end))
        return {node: Path(cost, tuple(_backwards(last_steps, node))[::-1]) for node, cost in visited.items()}


def _backwards(last_steps: dict[Node, Step], node: Node) -> Iterator[Step]:
    while node in last_steps:
        step = last_steps[node]
        yield step
        node = step.start
