"""What somebody must know before they ring a family: who has died, and what it is not safe to use."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from casework.facts.typed import emails_in
from casework.families.likeness.identifiers import read_telephones
from casework.families.sameness import records_of
from casework.models import Contact, ContactAdult, ContactChild, DetailKind, PersonDetail, SafeToUse

REACHED_BY = (DetailKind.TELEPHONE, DetailKind.EMAIL)


@dataclass
class Cautions:
    """
    What staff recorded of people, by the ids of the records that stand for them: when somebody died, and whether a
    telephone or an email address of theirs is not safe to use. It gives away no number: a page may have to hide it.
    """

    died: dict[int, date] = field(default_factory=dict)
    not_safe: dict[int, list[str]] = field(default_factory=dict)
    _unsafe: set[str] = field(default_factory=set)

    def is_unsafe(self, written: object) -> bool:
        """Whether a telephone number or an email address, however it is written, is not safe to use."""
        return isinstance(written, str) and not self._unsafe.isdisjoint(_ways_to_reach(written))

    def add(self, person: int, kind: str, value: str) -> None:
        """Adds a way to reach a person that is not safe to use."""
        kinds = self.not_safe.setdefault(person, [])
        kinds += {DetailKind(kind).label}.difference(kinds)
        self._unsafe |= _ways_to_reach(value)


def recorded_of(contacts: Iterable[Contact], and_of: Collection[int] = ()) -> QuerySet[Any, Any]:
    """
    What staff recorded of everybody on these contacts that must be known, for `cautions_in`: what is so today. What
    ended or was recorded in error is left out.

    :param and_of: the ids of records that stand for other persons.
    """
    rows: Iterable[ContactChild | ContactAdult] = chain.from_iterable(
        (*contact.children.all(), *contact.adults.all()) for contact in contacts
    )
    people = {*and_of, *(row.person_id for row in rows)}
    recorded = PersonDetail.objects.filter(
        person__in=records_of(people).values("pk"), kind__in=(DetailKind.DEATH, *REACHED_BY), ended_at__isnull=True,
        to_date__isnull=True, in_error_at__isnull=True,
    ).order_by("pk")  # fmt: skip
    columns = ("kind", "value", "qualifier", "from_date")
    return recorded.values_list(Coalesce("person__same_as", "person"), *columns)


def cautions_in(recorded: Iterable[Any]) -> Cautions:
    """The cautions in what was recorded."""
    found = Cautions()
    for person, kind, value, qualifier, day in recorded:
        if kind == DetailKind.DEATH:
            found.died[person] = day
        elif qualifier == SafeToUse.NOT_SAFE:
            found.add(person, kind, value)
    return found


def _ways_to_reach(text: str) -> set[str]:
    return {*read_telephones(text), *emails_in(text.casefold()), text.strip().casefold()}
