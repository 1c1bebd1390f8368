"""Writes the history of facts: who said what, and when. Every action that changes a fact writes it here."""

from collections.abc import Iterable, Mapping
from typing import Any

from casework.facts.learned import Change, Row
from casework.models import ContactAdult, ContactChild, FactChange, Information
from casework.models.inserting import insert_all


def differences(row: Row, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[Row, Change]]:
    """
    What has changed in facts of a part.

    :param before: the facts that may have changed, by their places. None is "not known".
    :param after: the same places.
    """
    return [
        (row, Change(place, before[place], after[place], after[place], None))
        for place in before
        if before[place] != after[place]
    ]


def record(information: Information, changes: Iterable[tuple[Row, Change]]) -> None:
    """Stores what was said in one go, and each fact that it changed, or that could not be read."""
    information.save()
    insert_all(
        FactChange(
            information=information,
            child=row if isinstance(row, ContactChild) else None,
            adult=row if isinstance(row, ContactAdult) else None,
            field=change.field,
            before=change.before,
            after=change.after,
            said=change.said,
            kind=change.check.kind if change.check else "",
            says=change.check.says if change.check else "",
        )
        for row, change in changes
    )
