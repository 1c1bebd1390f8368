"""Small numbers: what is hidden cannot be worked out from what is shown, in one table or in several together."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from casework.reports.cells import LEAST_SHOWN, Mark, Shown
from casework.reports.suppression import Line, Safe, suppress

FEW, NOT_SHOWN = Mark.FEW, Mark.NOT_SHOWN
Tables = list[list[list[int]]]


def one(*rows: list[int], first: int | None = None) -> tuple[Line, ...]:
    """A page with one table, of one division unless told otherwise."""
    return suppress([rows], first=first or len(rows[0])).tables[0]


def cells(lines: Sequence[Line]) -> list[list[Shown]]:
    return [list(line.cells) for line in lines]


def test_large_numbers_are_shown() -> None:
    safe = suppress([[[5, 6], [7, 0]]], first=2)
    assert safe.tables[0] == (Line((5, 6), 11), Line((7, 0), 7))
    assert (safe.columns, safe.total) == ((12, 6), 18)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_small_number_is_not(number: int) -> None:
    assert one([number, 20], [20, 20])[0].cells[0] is FEW


def test_five_is_shown_and_nought_is() -> None:
    assert cells(one([5, 0], [0, 5])) == [[5, 0], [0, 5]]


def test_the_smallest_others_of_its_row_and_column_are_hidden_with_it() -> None:
    lines = one([3, 30, 20], [40, 50, 60], [10, 70, 80])
    assert cells(lines) == [[FEW, 30, NOT_SHOWN], [40, 50, 60], [NOT_SHOWN, 70, NOT_SHOWN]]
    assert [line.total for line in lines] == [53, 150, 160]


def test_nought_is_never_chosen() -> None:
    assert cells(one([3, 0, 20], [0, 50, 60], [10, 0, 80])) == [
        [FEW, 0, NOT_SHOWN],
        [0, 50, 60],
        [NOT_SHOWN, 0, NOT_SHOWN],
    ]


def test_two_small_numbers_that_can_only_be_what_they_are_are_not_enough() -> None:
    """A sum of 2 can only be 1 and 1, and a sum of 8 only 4 and 4."""
    for number in (1, 4):
        lines = one([number, number, 30, 40], [20, 20, 60, 50])
        assert [cell for cell in lines[0].cells[2:] if isinstance(cell, Mark)] or isinstance(lines[0].total, Mark)
        assert_safe([[[number, number, 30, 40], [20, 20, 60, 50]]], 4)


def test_an_exact_five_does_not_hide_a_one() -> None:
    """The sum is 6, so a number of at least 5 leaves 1."""
    assert_safe([[[1, 5, 30], [5, 5, 40]]], 3)


def test_a_total_that_would_give_it_away_is_not_shown() -> None:
    """Four cells with 1 have the sum 4, which is fewer than 5."""
    (line,) = one([1, 1, 1, 1])
    assert line == Line((FEW, FEW, FEW, FEW), NOT_SHOWN)


def test_another_table_does_not_give_it_away() -> None:
    """The first table has a column with one small number. The second table would show the column's total."""
    safe = suppress([[[3, 10], [0, 10]], [[3, 12], [0, 8]]], first=2)
    assert safe.columns[0] is not 3  # noqa: F632  # a mark
    assert_safe([[[3, 10], [0, 10]], [[3, 12], [0, 8]]], 2)


def test_the_other_division_of_a_row_does_not_give_it_away() -> None:
    """The row's total could be added up from its second division."""
    tables = [[[3, 9, 6, 6], [8, 8, 10, 6]]]
    safe = suppress(tables, first=2)
    assert safe.tables[0][0].cells[0] is FEW
    assert_safe(tables, 2)


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ([[[1, 2], [3]]], "same columns"),
        ([[[1, 2]], [[2, 2]]], "different children"),
        ([[[1, 2, 4]]], "different children"),
        # The columns add up, and yet no children could be counted so: their outcomes have changed sides.
        ([[[1, 0, 1, 0], [0, 1, 0, 1]], [[1, 0, 0, 1], [0, 1, 1, 0]]], "different children"),
    ],
)
def test_tables_that_do_not_belong_together_are_refused(tables: Tables, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        suppress(tables, first=2)


@pytest.mark.parametrize("tables", [[], [[]], [[[0, 0], [0, 0]]]])
def test_nothing_is_nothing(tables: Tables) -> None:
    assert suppress(tables, first=2).total == 0


# ---- whatever the numbers are


@st.composite
def pages(draw: st.DrawFn) -> tuple[Tables, int]:
    """Two tables of the same children: families of them that are alike in everything that is asked."""
    rows, first, second = draw(st.tuples(st.tuples(*[st.integers(1, 3)] * 2), st.integers(1, 3), st.integers(0, 2)))
    alike = st.tuples(
        st.integers(0, rows[0] - 1), st.integers(0, rows[1] - 1), st.integers(0, first - 1),
        st.integers(0, max(second - 1, 0)), st.integers(1, 7),
    )  # fmt: skip
    tables = [[[0] * (first + second) for _ in range(count)] for count in rows]
    for *groups, column, outcome, count in draw(st.lists(alike, min_size=1, max_size=7)):
        for table, group in zip(tables, groups, strict=True):
            table[group][column] += count
            if second:
                table[group][first + outcome] += count
    return tables, first


@given(pages())
@example(([[[1], [1], [1], [1]], [[4], [0], [0], [0]]], 1))
@example(([[[1], [1], [1], [1], [1]], [[5], [0], [0], [0], [0]]], 1))
@example(([[[1] * 8], [[1] * 8]], 8))
def test_nothing_that_is_hidden_can_be_worked_out(page: tuple[Tables, int]) -> None:
    assert_safe(*page)


@given(pages())
def test_what_is_shown_is_true_and_never_small(page: tuple[Tables, int]) -> None:
    tables, first = page
    for value, shown in numbers(tables, first, suppress(tables, first=first)):
        if isinstance(shown, Mark):
            assert value
            assert shown is NOT_SHOWN or value < LEAST_SHOWN
        else:
            assert value == shown
            assert value == 0 or value >= LEAST_SHOWN


@given(pages())
def test_where_no_number_is_small_nothing_is_hidden(page: tuple[Tables, int]) -> None:
    tables, first = [[[cell * LEAST_SHOWN for cell in row] for row in table] for table in page[0]], page[1]
    assert not any(isinstance(shown, Mark) for _, shown in numbers(tables, first, suppress(tables, first=first)))


# ---- a reader with much time


def numbers(tables: Tables, first: int, safe: Safe) -> Iterator[tuple[int, Shown]]:
    """Every number of a page, with what is shown of it: cells, totals of rows, totals of columns, the total."""
    for table, lines in zip(tables, safe.tables, strict=True):
        for row, line in zip(table, lines, strict=True):
            yield from zip(row, line.cells, strict=True)
            yield sum(row[:first]), line.total
    sums = [sum(column) for column in zip(*tables[0], strict=True)]
    yield from zip(sums, safe.columns, strict=True)
    yield sum(sums[:first]), safe.total


def may_be(value: int, shown: Shown) -> list[int]:
    """
    What a reader thinks a number could be: one more or one less is enough to be in doubt.

    The reader knows the method: what is not shown, unless it is small, is at least five.
    """
    if not isinstance(shown, Mark):
        return [shown]
    lowest = LEAST_SHOWN if value >= LEAST_SHOWN else 1
    highest = LEAST_SHOWN - 1 if shown is FEW else value + 1
    return [guess for guess in (value - 1, value, value + 1) if lowest <= guess <= highest]


def fits(value: int, shown: Shown, guess: int) -> bool:
    """Whether a number that was added up could be this one."""
    if not isinstance(shown, Mark):
        return guess == shown
    if shown is FEW:
        return 1 <= guess < LEAST_SHOWN
    return guess >= (LEAST_SHOWN if value >= LEAST_SHOWN else 1)


Guess = tuple[int, ...]


def rows_that_fit(row: list[int], line: Line, first: int) -> list[Guess]:
    """All rows that fit what is shown."""
    found = []
    for guess in product(*(may_be(value, shown) for value, shown in zip(row, line.cells, strict=True))):
        total = sum(guess[:first])
        if fits(sum(row[:first]), line.total, total) and (len(row) == first or total == sum(guess[first:])):
            found.append(guess)
    return found


def tables_that_fit(table: list[list[int]], lines: Sequence[Line], first: int) -> dict[Guess, list[set[Guess]]]:
    """Every way in which a table could be: by the totals of its columns, the rows that occur at each place."""
    found: dict[Guess, list[set[Guess]]] = {(0,) * len(table[0]): []}
    for row, line in zip(table, lines, strict=True):
        grown: dict[Guess, list[set[Guess]]] = {}
        for sums, places in found.items():
            for guess in rows_that_fit(row, line, first):
                totals = tuple(map(sum, zip(sums, guess, strict=True)))
                before = grown.setdefault(totals, [set() for _ in range(len(places) + 1)])
                for known, new in zip(before, [*places, {guess}], strict=True):
                    known |= new
        found = grown
    return found


def assert_safe(tables: Tables, first: int) -> None:
    """Whatever is hidden could be at least two different numbers, with all that is shown on the page as it is."""
    safe = suppress(tables, first=first)
    possible = [tables_that_fit(*each, first) for each in zip(tables, safe.tables, strict=True)]
    sums = [sum(column) for column in zip(*tables[0], strict=True)]
    common = [
        totals
        for totals in set.intersection(*map(set, possible))
        if all(fits(*each) for each in zip(sums, safe.columns, totals, strict=True))
        and fits(sum(sums[:first]), safe.total, sum(totals[:first]))
    ]
    guesses: Any = [
        [set.union(*(found[totals][place] for totals in common)) for place in range(len(table))]
        for table, found in zip(tables, possible, strict=True)
    ]
    for lines, at_places in zip(safe.tables, guesses, strict=True):
        for line, rows in zip(lines, at_places, strict=True):
            for column, shown in enumerate(line.cells):
                assert not isinstance(shown, Mark) or len({row[column] for row in rows}) > 1, (tables, safe)
            assert not isinstance(line.total, Mark) or len({sum(row[:first]) for row in rows}) > 1, (tables, safe)
    for column, shown in enumerate(safe.columns):
        assert not isinstance(shown, Mark) or len({totals[column] for totals in common}) > 1, (tables, safe)
    assert not isinstance(safe.total, Mark) or len({sum(totals[:first]) for totals in common}) > 1, (tables, safe)
