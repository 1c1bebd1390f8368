"""The admin site. It opens to users with one of `ADMIN_ROLES`; Django's own permissions play no part."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from casework.reading.files import unchecked
from localities.models import ADMIN_ROLES, User
from localities.roles import roles_of
from localities.working_time import local_day


class FrontDoorAdminSite(AdminSite):
    """Django's admin site, with the service's own sign-in page and its limit on attempts."""

    site_header = site_title = "Locality Front Door"
    index_title = "Teams and settings"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Also says how many files the virus scanner has not looked at yet."""
        about_files = {"unchecked": unchecked(), "has_scanner": bool(settings.CLAMAV_URL)}
        return super().index(request, about_files | (extra_context or {}))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """
        Redirects to the service's sign-in page.

        :raises PermissionDenied: the user is signed in and has no role that opens the admin site.
        """
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next", reverse("admin:index")))

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return isinstance(user, User) and user.is_active and roles_of(user, local_day(timezone.now())).has(*ADMIN_ROLES)
