"""The admin site: open to those who lead, oversee or administer, by their roles and by nothing else."""

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils import timezone

from localities.models import ADMIN_ROLES, User
from localities.standing import standing
from localities.working_time import local_day


class FrontDoorAdminSite(AdminSite):
    """Signing in happens at the service's own sign-in page, with its limits on tries."""

    site_header = site_title = "Locality Front Door"
    index_title = "Teams and settings"
    login_template = None

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return isinstance(user, User) and user.is_active and standing(user, local_day(timezone.now())).has(*ADMIN_ROLES)
