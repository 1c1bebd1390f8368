"""Who signed in and out, who tried to, and whom the service turned away."""

from typing import ClassVar

import pgtrigger
from django.db import models

from casework.models.refusals import never_emptied, refuse_if
from localities.models import User


class SignInKind(models.TextChoices):
    """What happened at the door."""

    SIGNED_IN = "signed_in", "Signed in"
    SIGNED_OUT = "signed_out", "Signed out"
    TIMED_OUT = "timed_out", "Signed out after a time without activity"
    DAY_ENDED = "day_ended", "Signed out at the end of the longest time"
    FAILED = "failed", "Wrong password"
    SLOWED = "slowed", "Wrong password, and the next try must wait"
    FACTOR_FAILED = "factor_failed", "Wrong second factor"
    FACTOR_SLOWED = "factor_slowed", "Wrong second factor, and the next try must wait"
    ACCOUNT_CLOSED = "account_closed", "Right password of a closed account"
    PASSWORD_CHANGED = "password_changed", "Password changed"
    REFUSED = "refused", "Refused: no access"


class SignInEvent(models.Model):
    """
    What happened, to whose account, and from where. No typed password is in it, and no user name that nobody has.

    `user` is the person who was signed in, or whose user name was typed; null: a user name that nobody has. `page` is
    the name of the page that was refused. The row stays; the address and the device are deleted when their time is up.
    """

    at = models.DateTimeField()
    kind = models.CharField(max_length=20, choices=SignInKind)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    address = models.GenericIPAddressField(null=True)
    device = models.CharField(max_length=60, blank=True)
    is_known_device = models.BooleanField(default=False)
    page = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["at", "id"], name="sign_in_event_by_time"),
            models.Index(fields=["user", "at", "id"], name="sign_in_event_by_user"),
            models.Index(fields=["kind", "at", "id"], name="sign_in_event_by_kind"),
            # Whose address is still to be deleted.
            models.Index(fields=["at"], name="sign_in_event_with_address", condition=models.Q(address__isnull=False)),
        ]
        triggers: ClassVar = [
            refuse_if(
                "TG_OP = 'DELETE' OR (NEW.id, NEW.at, NEW.kind, NEW.user_id, NEW.is_known_device, NEW.page)"
                " IS DISTINCT FROM (OLD.id, OLD.at, OLD.kind, OLD.user_id, OLD.is_known_device, OLD.page)"
                " OR NEW.address IS NOT NULL OR NEW.device <> ''",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="a_sign_in_event_never_changes",
                message="What happened at the door never changes; only the address and the device are deleted.",
            ),
            never_emptied("sign_in_events_are_never_emptied", "What happened at the door is never deleted."),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    @property
    def page_in_words(self) -> str:
        return self.page.removeprefix("admin:").replace("-", " ").replace("_", " ")
