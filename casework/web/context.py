"""A context processor: the council's name, and what the signed-in user may open."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from casework.access import permissions
from localities.models import ADMIN_ROLES, Role, User
from localities.roles import roles_of
from localities.working_time import local_day


def service(request: HttpRequest) -> dict[str, Any]:
    """For templates: `council`, `council_signs_in`, `opens_admin`, `enters_contacts`, `reads_reports`,
    `reads_restrictions`, `signed_in_until`."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"council": settings.COUNCIL_NAME, "council_signs_in": bool(settings.OIDC_ISSUER)}
    today = local_day(timezone.now())
    who = roles_of(user, today)
    return {
        "council": settings.COUNCIL_NAME,
        "opens_admin": who.has(*ADMIN_ROLES),
        "enters_contacts": bool(who.front_door_roles),
        "reads_restrictions": permissions.allows(permissions.check_can_read_restrictions, user, today),
        "reads_open_list": who.has(*permissions.LEADS, Role.SERVICE_MANAGER),
        "reads_reports": permissions.allows(permissions.check_can_read_reports, user, today),
        "signed_in_until": _signed_in_until(request),
    }


def _signed_in_until(request: HttpRequest) -> datetime | None:
    """The moment until which the user is signed in at least. allauth keeps the seconds of the Unix epoch."""
    signed_in = request.session.get("account_authentication_methods")
    if not signed_in:
        return None
    return datetime.fromtimestamp(signed_in[-1]["at"] + settings.SESSION_COOKIE_AGE, UTC)
