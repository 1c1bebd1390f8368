"""
What restrictions mean for the people of a record: which keep a user out, and who may open it.

Querysets leave out what is closed (`open_to` of contacts and cases). This is for one record at a time.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery, Value

from casework.models import (
    Case,
    CaseChild,
    ConflictPerson,
    Contact,
    ContactAdult,
    ContactChild,
    Decision,
    PersonMatch,
    RestrictedAccess,
    Restriction,
)
from casework.models.prepared import Prepared, send
from casework.models.restrictions import REPRESENTATIVE
from casework.models.visibility import CLOSED_PEOPLE
from localities.models import User

A_MANAGER = "a front-door manager"
FIND_CLOSED = Prepared("find_closed", f"SELECT {CLOSED_PEOPLE}")


def people_on(*records: Contact | Case) -> QuerySet[Any, Any]:
    """The ids of the people on these records. A case that is just opening has those of its first contact."""
    return _on(records, "person")


def records_on(*records: Contact | Case) -> QuerySet[Any, Any]:
    """The ids of the records that were made for the people on these contacts and cases, and of a case's children."""
    return _on(records, "recorded_as")


def _on(records: Iterable[Contact | Case], person: str) -> QuerySet[Any, Any]:
    contacts = Contact.objects.filter(pk__in=[each.pk for each in records if isinstance(each, Contact)])
    cases = [each for each in records if isinstance(each, Case)]
    opened_by = Decision.objects.filter(pk__in=[each.opened_by_decision_id for each in cases])
    on = contacts.order_by().values("pk").union(
        Contact.objects.filter(case__in=cases).order_by().values("pk"), opened_by.order_by().values("contact")
    )  # fmt: skip
    return (
        ContactChild.objects.filter(contact__in=on).order_by().values(of=F(person))
        .union(
            ContactAdult.objects.filter(contact__in=on).order_by().values(of=F(person)),
            CaseChild.objects.filter(case__in=cases).order_by().values(of=F("person")),
        )
    )  # fmt: skip


def in_force_on(*records: Contact | Case) -> QuerySet[Restriction]:
    """The restrictions of the people on these records."""
    return Restriction.objects.in_force().of(people_on(*records))


def closing(*records: Contact | Case, user: User, now: datetime) -> QuerySet[Restriction]:
    """The restrictions that keep this user out of these records."""
    return Restriction.objects.closed_to(user, now).of(people_on(*records))


@dataclass(frozen=True)
class Closed:
    """Whom to ask about a record that is closed to a user, and the restriction; for a conflict of interest, none."""

    ask: str
    restriction: str


def closed_among(people: Iterable[int], user: User, now: datetime) -> dict[int, Closed]:
    """Those of these people whose records are closed to a user."""
    people = {*people}
    # Mostly it is none of them.
    return {} if people.isdisjoint(_closed_to(user, now)) else _closed_among(people, user, now)


def _closed_to(user: User, now: datetime) -> list[int]:
    """The people whose records are closed to a user, as the ids of the records that stand for them."""
    [[(closed,)]] = send(FIND_CLOSED(user=user.pk, now=now))
    people: list[int] = closed
    return people


def _closed_among(people: Collection[int], user: User, now: datetime) -> dict[int, Closed]:
    closed = Restriction.objects.closed_to(user, now).of(people).order_by()
    conflicts = ConflictPerson.objects.in_force(user).of(people)
    rows = closed.values_list(REPRESENTATIVE, "owner__name", "reference").union(
        conflicts.values_list(REPRESENTATIVE, Value(A_MANAGER), Value("")), all=True
    )
    return {person_id: Closed(ask, restriction) for person_id, ask, restriction in rows}


def whom_to_ask(*records: Contact | Case, user: User, now: datetime) -> tuple[Closed, ...]:
    """Whom to ask about these contacts and cases, which are closed to a user."""
    closed_by = closing(*records, user=user, now=now).order_by("pk").values_list("owner__name", "reference")
    return tuple(Closed(owner, reference) for owner, reference in closed_by) or (Closed(A_MANAGER, ""),)


def closed_matches(matches: Collection[PersonMatch], user: User, now: datetime) -> dict[int, Closed]:
    """
    Those of these matches, by their ids, that a user may not see: one of the two persons is closed to them, or one of
    the two records, because of whoever else is on its contact.
    """
    return closed_people_and_matches((), matches, user, now)[1] if matches else {}


def closed_people_and_matches(
    people: Iterable[int], matches: Collection[PersonMatch], user: User, now: datetime
) -> tuple[dict[int, Closed], dict[int, Closed]]:
    """Those of these people (see `closed_among`) and of these matches (see `closed_matches`), by their ids."""
    # Mostly nobody is closed to the reader.
    shut = _closed_to(user, now)
    if not shut:
        return {}, {}
    among = {*people}
    both = {each for match in matches for each in (match.row.person_id, match.known.pk)}
    closed = {} if (among | both).isdisjoint(shut) else _closed_among(among | both, user, now)
    records = _closed_records({each for match in matches for each in (match.record_id, match.person_id)}, user, now)
    found = {
        match.pk: closed.get(match.known.pk)
        or closed.get(match.row.person_id)
        or records.get(match.person_id)
        or records.get(match.record_id)
        for match in matches
    }
    return (
        {person: whom for person, whom in closed.items() if person in among},
        {match: whom for match, whom in found.items() if whom is not None},
    )


def _closed_records(records: Collection[int], user: User, now: datetime) -> dict[int, Closed]:
    """
    Those of these records that were made on a contact that is closed to a user, by whoever is on it: nothing that they
    say may be shown.

    :param records: the ids of any records, also of those that do not stand for a person.
    """
    rows = (
        model._default_manager.filter(recorded_as__in=records).order_by().values_list("recorded_as", "contact_id")
        for model in (ContactChild, ContactAdult)
    )
    made_on = {record: contact for found in rows for record, contact in found}
    is_open = Contact.objects.open_to(user, now).filter(pk__in=made_on.values()).values_list("pk", flat=True)
    shut = Contact.objects.in_bulk({*made_on.values()} - {*is_open})
    ask = {pk: whom_to_ask(contact, user=user, now=now)[0] for pk, contact in shut.items()}
    return {record: ask[contact] for record, contact in made_on.items() if contact in ask}


def check_match_is_open(match: PersonMatch, user: User, now: datetime) -> None:
    """
    Checks that the user may open both records: nobody else can tell whether they are of one person.

    :raises PersonMatch.DoesNotExist: one of the records is closed to this user.
    """
    if closed_matches([match], user, now):
        raise PersonMatch.DoesNotExist


def shown_with(people: QuerySet[Any, Any] | Iterable[int], user: User, now: datetime) -> list[Restriction]:
    """
    The restrictions of the people on a record, for its page: `until` is when the user's broken glass ends.

    :param people: their ids.
    """
    broken = RestrictedAccess.objects.in_force(now).broken_glass().filter(restriction=OuterRef("pk"), user=user)
    until = Subquery(broken.order_by("-until").values("until")[:1])
    found = Restriction.objects.in_force().of(people)
    return list(found.annotate(until=until).select_related("owner")) if found.exists() else []


def has_conflict(user: User, people: QuerySet[Any, Any] | Iterable[int]) -> bool:
    """Whether a user has a conflict of interest in one of these people."""
    return ConflictPerson.objects.in_force(user).of(people).exists()
