"""Administrators' pages of the addresses to which agencies are sent events, and of what was sent."""

import json
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from casework.access import webhook_secrets
from casework.admin.rights import SettingAdmin
from casework.admin.settings import RecentlyAdmin
from casework.jobs.webhook_sending import NotDeliveredError, check_url, post
from casework.jobs.webhooks import signed
from casework.models import SignsWith, WebhookDelivery, WebhookEndpoint

# So long the secret before the last signs beside it.
OVERLAP = timedelta(days=7)


class EndpointForm(ModelForm):
    """An address that can be sent to at all."""

    class Meta:
        model = WebhookEndpoint
        fields = ("agency", "url", "signs_with", "is_active")

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            check_url(url, loopback=not settings.PRODUCTION)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        return url


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(RecentlyAdmin):
    """Addresses for events. The page that answers the making of a secret shows it, and no other does."""

    form = EndpointForm
    viewer_fields = ("agency", "url", "is_active")
    list_display = ("agency", "url", "is_active", "disabled_because", "failing_since")
    list_select_related = ("agency",)
    actions = ("renew_secret", "send_test")

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        if not change:
            form.instance.new_secret = webhook_secrets.new_secret(SignsWith(obj.signs_with))
            obj.secret = webhook_secrets.sealed(form.instance.new_secret)
        if obj.is_active:
            obj.disabled_because, obj.failing_since, obj.not_before = "", None, None
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: WebhookEndpoint, post_url_continue: str | None = None
    ) -> HttpResponse:
        new: Any = obj
        return _shown(request, obj, new.new_secret)

    @admin.action(description="Make a new secret (the old one signs for a week more)", permissions=["change"])
    def renew_secret(self, request: HttpRequest, chosen: QuerySet[WebhookEndpoint]) -> HttpResponse | None:
        if chosen.count() != 1:
            messages.error(request, "Choose one address.")
            return None
        endpoint = chosen.get()
        secret = webhook_secrets.new_secret(SignsWith(endpoint.signs_with))
        endpoint.old_secret, endpoint.old_secret_until = endpoint.secret, timezone.now() + OVERLAP
        endpoint.secret = webhook_secrets.sealed(secret)
        endpoint.save(update_fields=["secret", "old_secret", "old_secret_until"])
        self.log_change(request, endpoint, [{"changed": {"fields": ["secret"]}}])
        return _shown(request, endpoint, secret)

    @admin.action(description="Send a test", permissions=["change"])
    def send_test(self, request: HttpRequest, chosen: QuerySet[WebhookEndpoint]) -> None:
        for endpoint in chosen[:1]:
            now = timezone.now()
            body = json.dumps({"type": "test", "timestamp": now.isoformat(), "data": {}}).encode()
            headers = signed(endpoint, f"test_{now.timestamp():.0f}", body, now)
            try:
                status = post(endpoint.url, body, headers, loopback=not settings.PRODUCTION)
            except NotDeliveredError as fault:
                messages.error(request, f"{endpoint}: {fault}.")
            else:
                messages.success(request, f"{endpoint}: answered {status}.")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(SettingAdmin):
    """What was sent to agencies, and how it went."""

    list_display = (
        "endpoint",
        "event",
        "queued_at",
        "tries",
        "tried_at",
        "status",
        "fault",
        "delivered_at",
        "not_before",
    )
    list_filter = ("endpoint", "status")
    list_select_related = ("endpoint__agency", "event__contact")
    ordering = ("-id",)
    fields = readonly_fields = list_display
    actions = ("send_again",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description="Send again", permissions=["change"])
    def send_again(self, request: HttpRequest, chosen: QuerySet[WebhookDelivery]) -> None:
        now = timezone.now()
        for delivery in chosen.select_related("endpoint"):
            WebhookDelivery.objects.filter(pk=delivery.pk).update(
                not_before=now, queued_at=now, delivered_at=None, tries=0
            )
            self.log_change(request, delivery, [{"changed": {"fields": ["not before"]}}])
        messages.success(request, "It is on its way.")


def _shown(request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
    shown = webhook_secrets.given(secret)
    context = {"endpoint": endpoint, "secret": shown, "is_public": shown != secret}
    return render(request, "admin/casework/webhook_secret.html", context)
