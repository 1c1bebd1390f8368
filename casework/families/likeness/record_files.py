"""Reads people from a CSV file as a council or a spreadsheet writes it. No cell stops the run; what the file is may."""

import codecs
import csv
import difflib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO
from pathlib import Path

from casework.families.likeness.describing import COLUMNS, Written
from errors import Fault, InvalidInput
from triage.documents import quoted

# More than anybody writes about a person.
LONGEST = 500
# So many lines are named in full.
NAMED = 10
# What may stand between cells. Of several in the header line, the most frequent does.
SEPARATORS = (",", ";", "\t", "|")
# A day as a spreadsheet counts it, where the column is not formatted as a date: 41766 is 7 May 2014.
A_SPREADSHEETS_DAY = re.compile(r"([1-9][0-9]{4})(?:\.0+)?")
A_SPREADSHEETS_FIRST_DAY = date(1899, 12, 30)


@dataclass(frozen=True)
class Record:
    """A person in somebody's list: the list's own id, and what is written about the person."""

    id: str
    written: Written


@dataclass(frozen=True)
class RecordFile:
    """The people in a file, and the columns of it that are not used."""

    records: tuple[Record, ...]
    ignored: tuple[str, ...]


def read_files(*paths: Path) -> tuple[RecordFile, ...]:
    """
    Reads files of people.

    :raises InvalidInput: with every fault of every file: it cannot be read, no id, an id twice, no column to compare.
    """
    files, faults = [], []
    for path in paths:
        try:
            files.append(parse(_text(path)))
        except InvalidInput as invalid:
            faults += [Fault((str(path), *fault.path), fault.message) for fault in invalid.faults]
    if faults:
        raise InvalidInput(faults)
    return tuple(files)


def parse(text: str) -> RecordFile:
    """
    Reads people from CSV with a header line.

    :raises InvalidInput: with every fault.
    """
    csv.field_size_limit(sys.maxsize)
    separator, text = _separator(text)
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator)
    try:
        columns = _columns(next(reader, []))
        rows = [(reader.line_num, _record(columns, row)) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InvalidInput([Fault((f"line {reader.line_num}",), f"is not CSV: {error}.")]) from None
    if faults := list(_faults_of_ids(rows)):
        raise InvalidInput(faults)
    ignored = (name or "a column without a name" for name in columns if name not in {"id", *COLUMNS})
    return RecordFile(tuple(record for _, record in rows), tuple(ignored))


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput([Fault((), f"{error.strerror}.")]) from None
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        # What Excel calls Unicode text.
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # A spreadsheet on Windows writes this, unless it is told otherwise. A byte that means nothing is shown as such.
        return content.decode("cp1252", errors="replace")


def _separator(text: str) -> tuple[str, str]:
    """
    What stands between the cells, and the text from the header line on. A spreadsheet may say it in a line of its own:
    sep=;
    """
    first, _, rest = text.partition("\n")
    if said := re.fullmatch(r"sep=(.)\s*", first, re.IGNORECASE):
        return said[1], rest
    return max(SEPARATORS, key=first.count), text


def _columns(header: list[str]) -> list[str]:
    """The names of the columns: "First Name" is first_name."""
    names = ["_".join(cell.replace("-", " ").replace("_", " ").split()).lower() for cell in header]
    if faults := list(_faults_of_header(names)):
        raise InvalidInput(faults)
    return names


def _faults_of_header(names: list[str]) -> Iterator[Fault]:
    for name, times in Counter(name for name in names if name).items():
        if times > 1:
            yield Fault((f"column {name}",), "stands twice in the header line.")
    if "id" not in names:
        yield Fault(("column id",), "is missing from the header line.")
    missing = [name for name in COLUMNS if name not in names]
    if len(missing) == len(COLUMNS):
        yield Fault((), f"There is nothing to compare. The columns are id and any of {', '.join(COLUMNS)}.")
    for name in names:
        if name not in {"id", *COLUMNS} and (near := difflib.get_close_matches(name, missing, n=1, cutoff=0.8)):
            yield Fault((f"column {name}",), f"is not a column that is known here. Did you mean {near[0]}?")


def _record(columns: list[str], row: list[str]) -> Record:
    cells = dict(zip(columns, (_clean(cell) for cell in row), strict=False))
    if days := A_SPREADSHEETS_DAY.fullmatch(cells.get("date_of_birth", "")):
        cells["date_of_birth"] = (A_SPREADSHEETS_FIRST_DAY + timedelta(days=int(days[1]))).isoformat()
    return Record(cells.get("id", ""), Written(**{name: cells.get(name, "") for name in COLUMNS}))


def _clean(cell: str) -> str:
    """Without control characters: PostgreSQL stores no NUL."""
    return "".join(letter if letter.isprintable() else " " for letter in cell[:LONGEST]).strip()


def _faults_of_ids(rows: list[tuple[int, Record]]) -> Iterator[Fault]:
    without = [line for line, record in rows if not record.id]
    times = Counter(record.id for _, record in rows if record.id)
    twice = [id_ for id_, count in times.items() if count > 1]
    yield from (Fault((f"line {line}", "id"), "is missing.") for line in without[:NAMED])
    for id_ in twice[:NAMED]:
        yield Fault(("id",), f"{quoted(id_)} stands on {times[id_]} lines; each person needs an id of their own.")
    if more := len(without[NAMED:]) + len(twice[NAMED:]):
        yield Fault(("id",), f"{more} more lines or ids have these faults.")
