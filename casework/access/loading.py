"""Loads the subject of an action: within the user's scope, and locked until the transaction ends."""

from datetime import datetime
from typing import Any, cast

from casework.models import Case, Contact
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
    contact = Contact.objects.visible_to(by, now).annotate(readers_roles=roles_for_query(by, day)).locked().get(**which)
    cache_roles(by, day, cast("Any", contact).readers_roles)
    return contact


def locked_case(by: User, now: datetime, **which: Any) -> Case:
    """
    Loads and locks a case that `by` may see. The same statement reads the user's roles.

    :raises Case.DoesNotExist: there is no such case, or it is out of scope.
    """
    day = local_day(now)
    case = Case.objects.visible_to(by, now).annotate(readers_roles=roles_for_query(by, day)).locked().get(**which)
    cache_roles(by, day, cast("Any", case).readers_roles)
    return case
