"""A context processor: the council's name, and what the signed-in user may open."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from casework.access import permissions
from localities.models import ADMIN_ROLES, FRONT_DOOR_ROLES, User
from localities.roles import roles_of
from localities.working_time import local_day


def service(request: HttpRequest) -> dict[str, Any]:
    """For templates: `council`, `opens_admin`, `enters_contacts`, `reads_reports`,
    `reads_restrictions`."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"council": settings.COUNCIL_NAME}
    today = local_day(timezone.now())
    who = roles_of(user, today)
    return {
        "council": settings.COUNCIL_NAME,
        "opens_admin": who.has(*ADMIN_ROLES),
        "enters_contacts": bool(who.front_door_roles & frozenset(FRONT_DOOR_ROLES)),
        "reads_restrictions": permissions.allows(permissions.check_can_read_restrictions, user, today),
        "reads_reports": permissions.allows(permissions.check_can_read_reports, user, today),
    }
