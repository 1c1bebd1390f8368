"""The admin site: open to those who lead, oversee or administer, by their roles and by nothing else."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from localities.models import ADMIN_ROLES, User
from localities.roles import roles_of
from localities.working_time import local_day


class FrontDoorAdminSite(AdminSite):
    """Signing in happens at the service's own sign-in page, with its limits on tries."""

    site_header = site_title = "Locality Front Door"
    index_title = "Teams and settings"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Whoever is signed in and comes here may not; whoever is not, signs in where everybody does."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next", reverse("admin:index")))

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return isinstance(user, User) and user.is_active and roles_of(user, local_day(timezone.now())).has(*ADMIN_ROLES)
