"""Loads the subject of an action: within the user's scope, and locked until the transaction ends."""

from datetime import datetime
from typing import Any, cast

from django.db.models import Exists, OuterRef, Q, QuerySet

from casework.models import Case, Contact, ContactAdult, ContactChild, Person
from localities.models import User
from localities.roles import cache_roles, roles_for_query
from localities.working_time import local_day


def locked_contact(by: User, now: datetime, **which: Any) -> Contact:
    """
    Loads and locks a contact that `by` may see.

    The same statement reads the user's roles, so that the permission checks need no query. Related rows are read
    afterwards: they may change while this waits for the lock.

    :raises Contact.DoesNotExist: there is no such contact, or it is out of scope.
    """
    day = local_day(now)
    contact = (
        Contact.objects.visible_to(by, now).annotate(readers_roles=roles_for_query(by.pk, day)).locked().get(**which)
    )
    cache_roles(by, day, cast("Any", contact).readers_roles)
    return contact


def people_visible_to(by: User, now: datetime) -> QuerySet[Person]:
    """The people on the contacts that `by` may see, as children or adults."""
    contacts = Contact.objects.visible_to(by, now).order_by().values("pk")
    as_child = ContactChild.objects.filter(person=OuterRef("pk"), contact__in=contacts)
    as_adult = ContactAdult.objects.filter(person=OuterRef("pk"), contact__in=contacts)
    return Person.objects.filter(Q(Exists(as_child)) | Q(Exists(as_adult)))


def locked_person(by: User, now: datetime, **which: Any) -> Person:
    """
    Loads and locks a person whom `by` may see. The same statement reads the user's roles.

    :raises Person.DoesNotExist: there is no such person, or none that they may see.
    """
    day = local_day(now)
    people = people_visible_to(by, now).annotate(readers_roles=roles_for_query(by.pk, day))
    person = people.select_for_update(of=("self",), no_key=True).get(**which)
    cache_roles(by, day, cast("Any", person).readers_roles)
    return person


def locked_case(by: User, now: datetime, **which: Any) -> Case:
    """
    Loads and locks a case that `by` may see. The same statement reads the user's roles.

    :raises Case.DoesNotExist: there is no such case, or it is out of scope.
    """
    day = local_day(now)
    case = Case.objects.visible_to(by, now).annotate(readers_roles=roles_for_query(by.pk, day)).locked().get(**which)
    cache_roles(by, day, cast("Any", case).readers_roles)
    return case
