"""Loading what an action is about: within its reader's scope, and locked until the transaction ends."""

from datetime import datetime
from typing import Any, cast

from casework.models import Case, Contact
from localities.models import User
from localities.roles import cache_roles, roles_for_query
from localities.working_time import local_day


def locked_contact(by: User, now: datetime, **which: Any) -> Contact:
    """
    A contact that `by` may see, locked. The same statement says what `by` is, so that the checks of permissions ask no
    more. What the contact refers to is read afterwards: it may have changed while this waited for the lock.

    :raises Contact.DoesNotExist: there is none, or it is out of scope: the two look alike.
    """
    day = local_day(now)
    contact = Contact.objects.visible_to(by, day).annotate(readers_roles=roles_for_query(by, day)).locked().get(**which)
    cache_roles(by, day, cast("Any", contact).readers_roles)
    return contact


def locked_case(by: User, now: datetime, **which: Any) -> Case:
    """
    A case that `by` may see, locked. The same statement says what `by` is.

    :raises Case.DoesNotExist: there is none, or it is out of scope: the two look alike.
    """
    day = local_day(now)
    case = Case.objects.visible_to(by, day).annotate(readers_roles=roles_for_query(by, day)).locked().get(**which)
    cache_roles(by, day, cast("Any", case).readers_roles)
    return case
