"""
What restrictions mean for the people of a record: which keep a user out, and who may open it.

Querysets leave out what is closed (`open_to` of contacts and cases). This is for one record at a time.
"""

from collections.abc import Iterable
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
    [[(closed_to_user,)]] = send(FIND_CLOSED(user=user.pk, now=now))
    # Mostly it is none of them.
    if people.isdisjoint(closed_to_user):
        return {}
    closed = Restriction.objects.closed_to(user, now).of(people).order_by()
    conflicts = ConflictPerson.objects.in_force(user).of(people)
    rows = closed.values_list(REPRESENTATIVE, "owner__name", "reference").union(
        conflicts.values_list(REPRESENTATIVE, Value("a front-door manager"), Value("")), all=True
    )
    return {person_id: Closed(ask, restriction) for person_id, ask, restriction in rows}


def check_match_is_open(match: PersonMatch, user: User, now: datetime) -> None:
    """
    Only who may open both records can tell whether they are one person's.

    :raises PersonMatch.DoesNotExist: the record on file is closed to this user.
    """
    if closed_among([match.known.pk], user, now):
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
