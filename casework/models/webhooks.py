"""Where agencies hear at once what changed: their addresses, and what was sent there."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from casework.models.agency_events import AgencyEvent
from localities.models import Agency


class SignsWith(models.TextChoices):
    """How what is sent is signed. A change holds from the next new secret on."""

    SECRET = "secret", "A secret that the agency keeps, too (HMAC)"
    KEY_PAIR = "key_pair", "A key pair of which the agency has the public one (ed25519)"


class WebhookEndpoint(models.Model):
    """
    An address of an agency to which events are sent.

    `secret` is encrypted: see `access.webhook_secrets`. The one before it signs, too, until `old_secret_until`.
    `not_before` is when it is sent to next: whoever sends puts it off first, so that an address is sent one event at a
    time, and is tried again where a worker died.
    """

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", db_index=False)
    url = models.CharField("address", max_length=500, help_text="Where your service takes events, as https://….")
    signs_with = models.CharField(
        max_length=10,
        choices=SignsWith,
        default=SignsWith.SECRET,
        db_default=SignsWith.SECRET,
        help_text="A change holds from the next new secret on.",
    )
    secret = models.TextField(editable=False)
    old_secret = models.TextField(editable=False, blank=True, default="", db_default="")
    old_secret_until = models.DateTimeField(editable=False, null=True)
    is_active = models.BooleanField("is sent events", default=True)
    disabled_because = models.CharField("why it is not", max_length=200, blank=True, editable=False)
    failing_since = models.DateTimeField(editable=False, null=True)
    not_before = models.DateTimeField(editable=False, null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agency", "url"], name="an_agency_has_an_address_for_events_once"),
            models.CheckConstraint(
                condition=Q(old_secret="", old_secret_until__isnull=True)
                | (~Q(old_secret="") & Q(old_secret_until__isnull=False)),
                name="an_old_secret_ends",
            ),
            models.CheckConstraint(
                condition=Q(signs_with__in=SignsWith.values), name="a_webhook_is_signed_in_a_known_way"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agency}: {self.url}"

    def secrets_at(self, now: datetime) -> list[str]:
        """The encrypted secrets that sign at this moment."""
        old = [self.old_secret] if self.old_secret_until is not None and self.old_secret_until > now else []
        return [self.secret, *old]


class WebhookDelivery(models.Model):
    """An event on its way to an address, and how it went. Nothing of an answer is kept but its status."""

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    event = models.ForeignKey(AgencyEvent, on_delete=models.CASCADE, related_name="deliveries", db_index=True)
    contact_id = models.BigIntegerField()
    queued_at = models.DateTimeField()
    not_before = models.DateTimeField(null=True, help_text="When it is tried next. Empty: it is settled.")
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    tried_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField("status of the answer", null=True)
    fault = models.CharField(max_length=40, blank=True, default="", db_default="")

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="an_event_is_sent_to_an_address_once"),
            models.CheckConstraint(
                condition=Q(delivered_at__isnull=True) | Q(not_before__isnull=True),
                name="what_was_delivered_is_not_sent_again",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["endpoint", "contact_id", "event"],
                name="delivery_that_waits",
                condition=Q(not_before__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint}, {self.event}"
