"""
What restrictions mean for the people of a record: which keep a user out, and who may open it.

Querysets leave out what is closed (`open_to` of contacts and cases). This is for one record at a time.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery

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
from casework.models.prepared import Call, Prepared, Rows, send
from casework.models.visibility import CLOSED_BY, CLOSED_PEOPLE, CLOSES, KEEPS_OUT, closes_from
from localities.models import User

A_MANAGER = "a front-door manager"
FIND_CLOSED = Prepared("find_closed", f"SELECT {CLOSED_PEOPLE}")
FIND_CLOSED_BY_THESE = Prepared(
    "find_closed_by_these",
    f"SELECT * FROM {CLOSES.format('%(people)s')}",  # noqa: S608  # our own constant; the people are a parameter
)
# Whom to ask about each of these people who is closed to the user.
WHO_CLOSES = Prepared(
    "find_who_closes",
    f"""
WITH either AS (SELECT * FROM {CLOSED_BY.format("%(people)s")})
SELECT either.person_id, owner.name, restriction.reference
FROM casework_restriction restriction
JOIN casework_person person ON person.id = restriction.person_id
JOIN either ON either.closing_id = COALESCE(person.same_as_id, person.id)
JOIN localities_user owner ON owner.id = restriction.owner_id
WHERE {KEEPS_OUT.format("restriction.id", "restriction.owner_id", "restriction.lifted_at", "%(user)s::bigint")}
UNION ALL
SELECT either.person_id, %(a_manager)s::text, ''
FROM casework_conflictofinterest conflict
JOIN casework_conflictperson among ON among.conflict_id = conflict.id
JOIN casework_person person ON person.id = among.person_id
JOIN either ON either.closing_id = COALESCE(person.same_as_id, person.id)
WHERE conflict.user_id = %(user)s AND conflict.ended_at IS NULL
""",  # noqa: S608  # our own constants
)


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
    """The restrictions that close these records, by whoever is on them, is a parent of theirs, or may be."""
    return Restriction.objects.in_force().closing(people_on(*records))


def closing(*records: Contact | Case, user: User, now: datetime) -> QuerySet[Restriction]:
    """The restrictions that keep this user out of these records."""
    return Restriction.objects.closed_to(user, now).closing(people_on(*records))


@dataclass(frozen=True)
class Closed:
    """Whom to ask about a record that is closed to a user, and the restriction; for a conflict of interest, none."""

    ask: str
    restriction: str


def closed_by_these(people: Collection[int]) -> frozenset[tuple[int, int]]:
    """
    Each of these people with themselves, and with whom they close if they are restricted: see `visibility.CLOSES`.

    :param people: the ids of records that stand for people.
    """
    (pairs,) = send(FIND_CLOSED_BY_THESE(people=sorted(people), careful=closes_from()))
    return frozenset(pairs)


def closed_among(people: Iterable[int], user: User, now: datetime) -> dict[int, Closed]:
    """Those of these people whose records are closed to a user."""
    people = {*people}
    # Mostly it is none of them.
    return {} if people.isdisjoint(_closed_to(user, now)) else _closed_among(people, user, now)


def ask_closed(user: User, now: datetime) -> Call:
    """The statement whose rows `closed_people_and_matches` reads, for a caller who sends it with others."""
    return FIND_CLOSED(user=user.pk, now=now, careful=closes_from())


def _closed_to(user: User, now: datetime, rows: Rows | None = None) -> list[int]:
    """The people whose records are closed to a user, as the ids of the records that stand for them."""
    if rows is None:
        (rows,) = send(ask_closed(user, now))
    [(closed,)] = rows
    people: list[int] = closed
    return people


def _closed_among(people: Collection[int], user: User, now: datetime) -> dict[int, Closed]:
    (rows,) = send(WHO_CLOSES(people=sorted(people), user=user.pk, now=now, careful=closes_from(), a_manager=A_MANAGER))
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
    people: Iterable[int], matches: Collection[PersonMatch], user: User, now: datetime, rows: Rows | None = None
) -> tuple[dict[int, Closed], dict[int, Closed]]:
    """
    Those of these people (see `closed_among`) and of these matches (see `closed_matches`), by their ids.

    :param rows: what `ask_closed` found, where it was asked already.
    """
    # Mostly nobody is closed to the reader.
    shut = _closed_to(user, now, rows)
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


def shown_with(people: QuerySet[Any, Any] | Collection[int], user: User, now: datetime) -> QuerySet[Restriction]:
    """
    The restrictions that close a record, for its page: `until` is when the user's broken glass ends, and `is_certain`
    whether it is of somebody on the record, and not of a parent of theirs or of somebody who one of them may be.

    :param people: their ids.
    """
    broken = RestrictedAccess.objects.in_force(now).broken_glass().filter(restriction=OuterRef("pk"), user=user)
    until = Subquery(broken.order_by("-until").values("until")[:1])
    closing = Restriction.objects.in_force().closing(people)
    certain = Exists(Restriction.objects.of(people).filter(pk=OuterRef("pk")))
    return closing.annotate(until=until, is_certain=certain).select_related("owner")


def has_conflict(user: User, people: QuerySet[Any, Any] | Iterable[int]) -> bool:
    """Whether a user has a conflict of interest in one of these people, or in somebody who closes one of them."""
    return ConflictPerson.objects.in_force(user).closing(people).exists()
