"""
The table in docs/contact.md: what is refused, what is read, and what is kept and asked, field by field. Each row is
tried, and no field is without a row.
"""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest
from pydantic import BaseModel

from casework.facts.contact_document import ContactDocument, ContactReading, Part, read_contact
from errors import InvalidInput
from triage.ruleset import shipped

TODAY = date(2026, 11, 21)
PAGE = Path(__file__).parents[2] / "docs" / "contact.md"
HEADING = "| field | refused | read | kept and asked |"
QUOTED = re.compile(r"`([^`]+)`")


class Row(NamedTuple):
    """A row for one field: values as JSON writes them."""

    field: str
    refused: list[Any]
    read: list[tuple[Any, Any]]
    kept: list[Any]


def rows() -> Iterator[Row]:
    lines = PAGE.read_text().split(HEADING)[1].splitlines()[2:]
    for line in lines:
        fields, refused, read, kept = (cell.strip() for cell in line.strip("|").split("|"))
        pairs = re.findall(r"`([^`]+)` is `([^`]+)`", read)
        for field in QUOTED.findall(fields):
            yield Row(field, _values(refused), [(json.loads(a), json.loads(b)) for a, b in pairs], _values(kept))


def _values(cell: str) -> list[Any]:
    return [json.loads(value) for value in QUOTED.findall(cell)]


ROWS = {row.field: row for row in rows()}


def having(field: str, value: object) -> Any:
    """The least contact, with a value at a field such as `children[].address.lines[]`."""
    document: Any = {"type": "notification", "source_code": "9", "children": [{}], "concern": {"worries": "Crying."}}
    at: Any = document
    steps = re.findall(r"\w+|\[\]", field)
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        key: Any = 0 if step == "[]" else step
        if following is None:
            put: Any = value
        else:
            put = [None] if following == "[]" else {}
        if isinstance(at, list):
            at[0] = put if following is None or at[0] is None else at[0]
        elif following is None or key not in at:
            at[key] = put
        at = at[key]
    return document


def found_at(reading: ContactReading, field: str) -> Any:
    at: Any = reading.entry
    for step in re.findall(r"\w+|\[\]", field):
        at = at[0] if step == "[]" else getattr(at, step)
    return at


def read(document: Any) -> ContactReading:
    return read_contact(document, indicators=shipped().catalogue.entries, today=TODAY)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_is_refused(row: Row) -> None:
    assert row.refused
    for value in row.refused:
        with pytest.raises(InvalidInput):
            read(having(row.field, value))


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.read], ids=lambda row: row.field)
def test_what_is_read(row: Row) -> None:
    for sent, meant in row.read:
        reading = read(having(row.field, sent))
        value = found_at(reading, row.field).value
        assert (value.isoformat() if isinstance(value, date) else value) == meant, sent
        assert reading.to_check == ()


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.kept], ids=lambda row: row.field)
def test_what_is_kept_and_asked(row: Row) -> None:
    for sent in row.kept:
        document = having(row.field, sent)
        reading = read(document)
        (detail,) = reading.to_check
        assert detail.field == row.field.replace("[]", "")
        assert (reading.document == document) is (not isinstance(sent, str) or "\x00" not in sent)


def test_no_field_is_without_a_row() -> None:
    assert set(_fields(ContactDocument)) == set(ROWS)


def _fields(shape: type[BaseModel], path: str = "") -> Iterator[str]:
    """Every field of the document; a list, what stands in it, and a part are fields too."""
    for name, field in shape.model_fields.items():
        at = f"{path}{name}"
        is_list = "tuple" in str(field.annotation)
        if is_list:
            yield at
        yield f"{at}[]" if is_list else at
        for part in _parts(field.annotation):
            yield from _fields(part, f"{at}[]." if is_list else f"{at}.")


def _parts(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield annotation
    for inner in get_args(annotation):
        yield from _parts(inner)
