"""The rule sets' screens. The lists are the admin's; each version has its own pages, in the look of the front door."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone

from casework.access import permissions
from casework.admin import replay_pages, rule_set_pages
from casework.admin.rights import RoleAdmin
from casework.models import Recheck, ThresholdChecks
from casework.web.recently import recently
from localities.models import Role
from triage.models import RuleSetVersion


@admin.register(RuleSetVersion)
class RuleSetVersionAdmin(RoleAdmin):
    """The versions, the newest first. Each links to its own page."""

    viewer_roles: ClassVar = permissions.RULE_READERS
    list_display = ("name_and_version", "stage_now", "live_from", "live_until", "drafted_by", "approved_by")
    list_select_related = ("drafted_by", "approved_by")
    ordering = ("name", "-version")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[RuleSetVersion]:
        versions: QuerySet[RuleSetVersion] = super().get_queryset(request).defer("document")
        return versions

    @admin.display(description="Rule set")
    def name_and_version(self, version: RuleSetVersion) -> str:
        return version.called

    @admin.display(description="Stage")
    def stage_now(self, version: RuleSetVersion) -> str:
        return str(version.stage(timezone.now()).label)

    @admin.display(description="Live from")
    def live_from(self, version: RuleSetVersion) -> datetime | None:
        return version.live.lower if version.live else None

    @admin.display(description="until")
    def live_until(self, version: RuleSetVersion) -> datetime | None:
        return version.live.upper if version.live else None

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        number = rule_set_pages.number(object_id)
        if number is None:
            raise Http404
        return redirect("admin:rule-set", number)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        pages: list[tuple[str, Callable[..., HttpResponseBase], str]] = [
            ("", rule_set_pages.show, "rule-set"),
            ("copy/", rule_set_pages.copy, "rule-set-copy"),
            ("document/", rule_set_pages.document, "rule-set-document"),
            ("document.yaml", rule_set_pages.download, "rule-set-download"),
            ("entry/<str:part>/<str:name>/", rule_set_pages.entry, "rule-set-entry"),
            ("scenarios/new/", rule_set_pages.scenario, "rule-set-scenario-new"),
            ("scenarios/<str:name>/", rule_set_pages.scenario, "rule-set-scenario"),
            ("scenarios/<str:name>/remove/", rule_set_pages.remove_scenario, "rule-set-scenario-remove"),
            ("differences/", rule_set_pages.differ, "rule-set-differences"),
            ("propose/", rule_set_pages.propose, "rule-set-propose"),
            ("send-back/", rule_set_pages.send_back, "rule-set-send-back"),
            ("approve/", rule_set_pages.approve, "rule-set-approve"),
            ("call-off/", rule_set_pages.call_off, "rule-set-call-off"),
            ("discard/", rule_set_pages.discard, "rule-set-discard"),
            ("replays/", rule_set_pages.ask_for_replay, "replay-ask"),
            ("replays/<int:replay_id>/", replay_pages.show, "replay"),
            ("replays/<int:replay_id>/cancel/", replay_pages.cancel, "replay-cancel"),
            ("replays/<int:replay_id>/contacts.csv", recently(replay_pages.export), "replay-export"),
        ]
        ours = [path(f"<int:version_id>/{tail}", view(page), name=name) for tail, page, name in pages]
        return [*ours, *super().get_urls()]


class ServiceRecordAdmin(RoleAdmin):
    """A read-only list of what the service writes by itself."""

    viewer_roles: ClassVar = (Role.SERVICE_MANAGER, Role.PRACTICE_LEAD, Role.AUDITOR, Role.ADMINISTRATOR)
    list_display_links = None


@admin.register(Recheck)
class RecheckAdmin(ServiceRecordAdmin):
    """The results of the nightly re-checks of stored recommendations."""

    list_display = ("at", "checked", "differ")

    @admin.display(description="came out otherwise")
    def differ(self, recheck: Recheck) -> str:
        return ", ".join(map(str, recheck.differing)) or "none"


@admin.register(ThresholdChecks)
class ThresholdChecksAdmin(ServiceRecordAdmin):
    """The numbers of partners' threshold checks."""

    list_display = ("day", "agency", "count")
    list_filter = ("agency",)
    list_select_related = ("agency",)
