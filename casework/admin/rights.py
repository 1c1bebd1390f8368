"""What each role may open on the admin screens. Roles alone decide: Django's own permissions are not used."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from casework.models import Event
from casework.record import audit
from casework.web.signed_in import user_of
from localities.models import Role
from localities.roles import StaffRoles, roles_of
from localities.working_time import local_day


def roles_of_user(request: HttpRequest) -> StaffRoles:
    """The roles of the signed-in user."""
    return roles_of(user_of(request), local_day(timezone.now()))


class RoleAdmin(admin.ModelAdmin):
    """A screen that `viewer_roles` may view and `editor_roles` may edit."""

    viewer_roles: ClassVar[tuple[Role, ...]] = ()
    editor_roles: ClassVar[tuple[Role, ...]] = ()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return roles_of_user(request).has(*self.viewer_roles, *self.editor_roles)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return roles_of_user(request).has(*self.editor_roles)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return roles_of_user(request).has(*self.editor_roles)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SettingAdmin(RoleAdmin):
    """A setting. Administrators edit it, service managers and auditors view it, and every edit is audited."""

    viewer_roles: ClassVar[tuple[Role, ...]] = (Role.SERVICE_MANAGER, Role.AUDITOR)
    editor_roles: ClassVar[tuple[Role, ...]] = (Role.ADMINISTRATOR,)

    # What viewers see, where that is not what editors fill in.
    viewer_fields: ClassVar[tuple[str, ...]] = ()

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if self.viewer_fields and not self.has_change_permission(request, obj):
            return self.viewer_fields
        return super().get_fields(request, obj)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(request, obj, "added")
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(request, obj, "changed", message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            self._record(request, obj, "removed")
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, obj: Model, what: str, message: Any = None) -> None:
        audit.record(
            Event.SETTING_CHANGED, by=user_of(request), at=timezone.now(),
            setting=obj._meta.label, key=obj.pk, what=what, fields=_fields(message),
        )  # fmt: skip


def _fields(message: Any) -> list[str]:
    """
    The names of the changed fields, from Django's change message; for an inline row (a role of a person) whether it was
    added, changed or deleted. Never the values.
    """
    if not isinstance(message, list):
        return []
    changes = [(what, said) for part in message if isinstance(part, dict) for what, said in part.items()]
    named = [f"{said['name']} {what}" for what, said in changes if "name" in said]
    return [*named, *(name for _, said in changes for name in said.get("fields", []))]
