"""A context processor: the council's name, and what the signed-in user may open."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from casework.access import permissions
from casework.web import presence
from localities.models import ADMIN_ROLES, LEADING_ROLES, Role, User
from localities.roles import roles_of
from localities.working_time import local_day

IDLE_MINUTES = max(1, settings.SESSION_IDLE_SECONDS // 60)


def service(request: HttpRequest) -> dict[str, Any]:
    """For templates: `council`; of whoever has not signed in, `council_signs_in`, `council_alone` and
    `why_signed_out`; of whoever has, `opens_admin`, `enters_contacts`, `reads_reports`,
    `reads_restrictions`, `reads_open_list`, `reads_sign_ins`, `idle_minutes`; and when the session ends:
    `signed_in_until` (at the latest), `ends_in` (seconds, if nothing is done), `warns_before` and `tells_every`
    (seconds)."""
    user = getattr(request, "user", None)
    says = {"council": settings.COUNCIL_NAME, "idle_minutes": IDLE_MINUTES}
    if not isinstance(user, User):
        return says | {
            "council_signs_in": bool(settings.OIDC_ISSUER),
            "council_alone": settings.OIDC_ONLY,
            "why_signed_out": presence.why_signed_out(request),
        }
    today = local_day(timezone.now())
    who = roles_of(user, today)
    return {
        **says,
        "opens_admin": who.has(*ADMIN_ROLES),
        "enters_contacts": bool(who.front_door_roles),
        "reads_restrictions": permissions.allows(permissions.check_can_read_restrictions, user, today),
        "reads_open_list": who.has(*LEADING_ROLES, Role.SERVICE_MANAGER),
        "reads_sign_ins": permissions.allows(permissions.check_can_read_sign_ins, user, today),
        "reads_reports": permissions.allows(permissions.check_can_read_reports, user, today),
        **_presence(request),
    }


def _presence(request: HttpRequest) -> dict[str, Any]:
    if presence.SEEN not in request.session:
        return {}
    until, at_the_latest = presence.ends_at(request), presence.ends_at_the_latest(request)
    return {
        "signed_in_until": at_the_latest,
        "ends_in": round((until - timezone.now()).total_seconds()),
        "tells_every": presence.noted_every(),
        "warns_before": settings.SESSION_WARNING_SECONDS,
    }
