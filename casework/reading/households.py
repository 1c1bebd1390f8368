"""
With whom a person lives and lived, from when to when, and how they are related: as contacts say, and as staff recorded.

Two people lived together on the day of a contact on which both stood as one family at one home. Where an address is
hidden, nobody is said to live there.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from casework.families.kept_homes import lines_of
from casework.families.likeness.homes import Home, are_one_home, read_home
from casework.families.naming import Called
from casework.families.recorded import living_hidden
from casework.families.sameness import records_of
from casework.models import Contact, ContactAdult, ContactChild, DetailKind, Person, PersonDetail
from casework.reading.relationships import other_side
from localities.working_time import local_day

Row = ContactChild | ContactAdult


@dataclass(frozen=True)
class Period:
    """From a day to a day. None: it is not known since when; or it is so still, or not known until when."""

    first: date | None
    last: date | None


@dataclass(frozen=True)
class Related:
    """What staff recorded that somebody is to a person."""

    as_what: str
    detail: PersonDetail


@dataclass
class Beside:
    """
    Somebody who is on a contact with the person, or is related to them as staff recorded: the record that stands for
    them by its id and reference, the name and birth that the reader may see, as what, and on which contact last.
    `lived`: the first and the last day on which contacts say that they live together. `recorded`: the periods in which
    both lived at one address that staff recorded.
    """

    pk: int
    reference: str
    name: str
    born: date | None
    as_what: str = ""
    last: Contact | None = None
    lived: tuple[date, date] | None = None
    recorded: list[Period] = field(default_factory=list)
    related: list[Related] = field(default_factory=list)

    def again(self, day: date) -> None:
        """They live together on this day."""
        first, last = self.lived or (day, day)
        self.lived = min(first, day), max(last, day)


class LivesAt(NamedTuple):
    """A home, how it was written, and of which child or adult."""

    text: str
    home: Home
    row: Row

    @classmethod
    def of(cls, row: Row, facts: Mapping[str, Any]) -> "LivesAt | None":
        """The home of a child, or an adult's own, by the facts that are known today; None if it is not known."""
        lines = lines_of({"lines": facts.get("address.lines")})
        home = read_home(" ".join(lines), row.postcode)
        if home is None:
            return None
        return cls(", ".join((*lines, row.postcode) if row.postcode else lines), home, row)


class HomesOfContact:
    """Where everybody on a contact lives, as far as nothing of it is hidden."""

    def __init__(self, rows: Iterable[tuple[Row, Mapping[str, Any]]]) -> None:
        """
        :param rows: the children of the family and then the adults, in order, each with the facts that are known of
            them today.
        """
        self._hides = False
        self._own: dict[Row, LivesAt | None] = {}
        self._first: LivesAt | None = None
        for row, facts in rows:
            if row.address_is_confidential:
                self._hides |= isinstance(row, ContactChild)
                continue
            home = self._own[row] = LivesAt.of(row, facts)
            if isinstance(row, ContactChild) and self._first is None:
                self._first = home

    def of_adult(self, adult: ContactAdult) -> LivesAt | None:
        """
        Where an adult lives: at an address of their own; or with the first child whose home is known, if the contact
        says so (`kept_homes`).
        """
        if own := self._own.get(adult):
            return own
        return self._first if adult.in_family and adult.same_address and not self._hides else None

    def are_one(self, one: Row, other: Row) -> bool:
        """Whether both stand there as one family at one home."""
        if not (one.in_family and other.in_family):
            return False
        home, others = self._home(one), self._home(other)
        if home is not None and others is not None:
            return are_one_home(home, others)
        # The address of the children is not known, but an adult may still live "at the same address".
        is_there = self._is_there(one) or self._is_there(other)
        return self._first is None and not self._hides and is_there and self._may_be_there(one, other)

    def _home(self, row: Row) -> Home | None:
        found = self.of_adult(row) if isinstance(row, ContactAdult) else self._own.get(row)
        return found.home if found else None

    @staticmethod
    def _is_there(row: Row) -> bool:
        return isinstance(row, ContactAdult) and bool(row.same_address)

    def _may_be_there(self, *rows: Row) -> bool:
        return all(isinstance(row, ContactChild) or self._is_there(row) for row in rows)


def beside(
    own: Collection[int], rows: Sequence[Row], others: Iterable[Row], homes: Mapping[int, HomesOfContact],
    contacts: Mapping[int, Contact],
) -> dict[int, Beside]:  # fmt: skip
    """
    Everybody else on a person's contacts, by the record that stands for them, as on the newest of these.

    :param own: all records of the person.
    :param rows: the person's own rows.
    :param others: everybody of the family on these contacts, named (`name_rows`).
    """
    mine: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if row.in_family:
            mine[row.contact_id].append(row)
    found: dict[int, Beside] = {}
    for row in others:
        # Somebody who is not part of the family has nobody beside them.
        if row.recorded_as_id in own or row.contact_id not in mine:
            continue
        contact = contacts[row.contact_id]
        each = found.setdefault(row.person_id, Beside(row.person_id, row.person.reference, row.called, _born(row)))
        me = mine[row.contact_id][0]
        if each.last is None or each.last.received_at < contact.received_at:
            each.as_what, each.last = _as_what(row, me), contact
            each.name, each.born = row.called, _born(row) or each.born
        if homes[row.contact_id].are_one(me, row):
            each.again(local_day(contact.received_at))
    return found


def add_recorded(
    found: dict[int, Beside], own: Collection[int], details: Iterable[PersonDetail],
    said_of_us: Iterable[PersonDetail], names: Mapping[int, Called],
) -> None:  # fmt: skip
    """
    Adds what staff recorded: relationships, also those recorded with the other person, and periods at one address.

    :param details: what was recorded of the person, whose address is not hidden.
    :param said_of_us: the relationships of others to the person.
    :param names: what these others are called, by the ids of the records that stand for them.
    """
    for detail in details:
        if detail.in_error_at is not None:
            continue
        if detail.kind == DetailKind.RELATIONSHIP and detail.other is not None and detail.other_id not in own:
            _of(found, detail.other, names).related.append(Related(detail.qualifier, detail))
    for detail in said_of_us:
        if detail.person_id not in own and detail.in_error_at is None:
            as_what = other_side(detail.qualifier, detail.person.sex)
            _of(found, detail.person, names).related.append(Related(as_what, detail))
    addresses = [detail for detail in details if detail.kind == DetailKind.ADDRESS and _has_period(detail)]
    if addresses and found:
        _add_periods(found, addresses)


def _of(found: dict[int, Beside], record: Person, names: Mapping[int, Called]) -> Beside:
    stands_for = record.same_as_id or record.pk
    return found.setdefault(stands_for, Beside(stands_for, *names[stands_for]))


def _born(row: Row) -> date | None:
    return row.date_of_birth if isinstance(row, ContactChild) else row.recorded_as.date_of_birth


def _add_periods(found: Mapping[int, Beside], addresses: Sequence[PersonDetail]) -> None:
    theirs = PersonDetail.objects.filter(person__in=records_of(found), kind=DetailKind.ADDRESS)
    together: list[tuple[int, Period]] = []
    for detail in filter(_has_period, theirs.select_related("person")):
        person = detail.person.same_as_id or detail.person_id
        together += [(person, period) for mine in addresses for period in _both(mine, detail)]
    hidden = living_hidden({person for person, _ in together}) if together else frozenset()
    for person, period in together:
        if person not in hidden:
            found[person].recorded.append(period)


def _has_period(detail: PersonDetail) -> bool:
    """Whether it is known until when somebody lived there, or they live there still."""
    return detail.in_error_at is None and (detail.ended_at is None or detail.to_date is not None)


def _both(one: PersonDetail, other: PersonDetail) -> Iterator[Period]:
    """The period in which both were at this address, if there is one."""
    home, others = (read_home(detail.value, detail.postcode) for detail in (one, other))
    if home is None or others is None or not are_one_home(home, others):
        return
    since = [day for day in (one.from_date, other.from_date) if day]
    until = [day for day in (one.to_date, other.to_date) if day]
    period = Period(max(since, default=None), min(until, default=None))
    if period.first is None or period.last is None or period.first <= period.last:
        yield period


def _as_what(row: Row, me: Row) -> str:
    """What somebody on a contact is to the person who is `me` there. A contact says what its adults are to children."""
    match row, me:
        case ContactAdult(), ContactChild():
            return row.relationship or "Adult"
        case ContactAdult(), ContactAdult():
            return f"{row.relationship} of the children" if row.relationship else "Adult"
        case ContactChild(), ContactAdult() if seen := other_side(me.relationship, row.sex):
            return seen
        case ContactChild(), ContactAdult() if me.relationship:
            return f"child: this person is “{me.relationship}” to them"
        case _:
            as_what = "Unborn child" if _is_unborn(row) else "Child"
            return f"{as_what} of the same family" if isinstance(me, ContactChild) else as_what


def _is_unborn(row: Row) -> bool:
    return isinstance(row, ContactChild) and row.expected_date_of_delivery is not None and row.date_of_birth is None
