"""What is in the files of the open list: a page that opens without the service, and a table for a spreadsheet."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string

from casework.reading import open_list
from casework.reading.csv_lines import csv_lines
from casework.reading.open_list import OpenList
from localities.working_time import LONDON

BYTE_ORDER_MARK = "\ufeff"
HEADINGS = (
    "Team", "Reference", "Contact or case", "Family", "Rating", "Status", "Owner or lead practitioner", "Telephone",
    "Away and covered by", "Next due", "What is due", "Overdue", "Valid at",
)  # fmt: skip
# A spreadsheet takes a cell that begins with one of these for a formula. Some forget space, or read wide characters.
BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")
# The name of the files that have every team's list.
WHOLE_SERVICE = "whole-service"
RESTRICTED = "Restricted or closed to some: see the service, or ask a manager"


def files(now: datetime) -> Iterator[tuple[str, Iterator[str], int]]:
    """
    The files of every team, and of the whole service: the name of each, its text in pieces, and how many records it has
    that no other has.
    """
    lists = open_list.of_everybody(now)
    for each in lists:
        yield f"{each.code}.html", iter([page([each], now)]), len(each.lines)
        yield f"{each.code}.csv", table([each], now), 0
    yield f"{WHOLE_SERVICE}.html", iter([page(lists, now)]), 0
    yield f"{WHOLE_SERVICE}.csv", table(lists, now), 0


def page(lists: Iterable[OpenList], now: datetime) -> str:
    """The page, with its styles in it. It asks for nothing from anywhere."""
    return render_to_string(
        "front_door/open_list/file.html", {"lists": list(lists), "now": now, "council": settings.COUNCIL_NAME}
    )


def table(lists: Iterable[OpenList], now: datetime) -> Iterator[str]:
    """The lines of the file for a spreadsheet, after the mark by which Excel reads UTF-8."""
    yield BYTE_ORDER_MARK
    yield from csv_lines(_rows(lists, now))


def _rows(lists: Iterable[OpenList], now: datetime) -> Iterator[Sequence[str]]:
    yield HEADINGS
    valid_at = _moment(now)
    for each in lists:
        for line in each.lines:
            due = _moment(line.due_at) if line.due_at else ""
            late = "Yes" if line.due_at and line.due_at <= now else ""
            status = line.status if line.is_open else RESTRICTED
            cells = (
                each.name, line.reference, line.kind, line.family, line.rag.capitalize(), status, line.who,
                line.telephone, line.cover, due, line.due, late, valid_at,
            )  # fmt: skip
            yield [as_text(cell) for cell in cells]


def as_text(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip().startswith(BEGINS_A_FORMULA) or cell.startswith(BEGINS_A_FORMULA) else cell


def _moment(at: datetime) -> str:
    return f"{at.astimezone(LONDON):%d/%m/%Y %H:%M}"
