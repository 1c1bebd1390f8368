"""The handover sheets, each line only for those who may open the record that it is about."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime

from casework.models import Case, Contact, ShiftHandover
from localities.models import User

Says = Mapping[str, Sequence[Mapping[str, Any]]]
MOMENTS = ("at", "since", "until")


def for_reader(says: Says, user: User, now: datetime) -> Says:
    """
    A sheet as this user may read it today. Of a record that is closed to them a line has the reference only, also where
    it was open to whoever gave the sheet, or was restricted since.
    """
    about = {str(line["about"]) for lines in says.values() for line in lines if "about" in line}
    contacts = Contact.objects.visible_to(user, now).filter(reference__in=about).order_by()
    # A case with the front door is open to the front door, unless somebody closes it.
    cases = Case.objects.open_to(user, now).filter(reference__in=about).order_by()
    seen = {*contacts.values_list("reference", flat=True), *cases.values_list("reference", flat=True)}
    return {name: [_line(line, seen) for line in lines] for name, lines in says.items()}


def _line(line: Mapping[str, Any], seen: Collection[str]) -> Mapping[str, Any]:
    if "about" in line and line["about"] not in seen:
        return {"about": line["about"], "is_closed": True}
    return dict(_read(line))


def _read(line: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in line.items():
        yield name, parse_datetime(value) if name in MOMENTS and value else value


def to_read(teams: Collection[int], now: datetime) -> QuerySet[ShiftHandover]:
    """The sheets that were given to these teams and that nobody has confirmed yet, while their shift lasts."""
    given = ShiftHandover.objects.filter(to_team__in=teams, read_at__isnull=True, until__gt=now)
    return given.select_related("from_team", "to_team", "given_by")
