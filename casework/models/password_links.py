"""Links with which people set their own passwords."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.crypto import constant_time_compare, salted_hmac

from casework.models.refusals import never_deleted, refuse_if
from localities.models import User

SALT = "casework.models.password_links"


class PasswordLinkQuerySet(models.QuerySet["PasswordLink"]):
    def unused(self) -> PasswordLinkQuerySet:
        return self.filter(used_at__isnull=True, withdrawn_at__isnull=True)

    def opened_by(self, token: str, now: datetime) -> PasswordLink | None:
        """The link that this token opens now, with its user; None for every other text."""
        number, _, _ = token.partition("-")
        if not (number.isascii() and number.isdecimal() and len(number) < 19):
            return None
        link = (
            self.unused().filter(pk=int(number), ends_at__gt=now, user__is_active=True).select_related("user").first()
        )
        if link is None or not constant_time_compare(token, link.token):
            return None
        return link if link.is_still_for(link.user) else None


class PasswordLink(models.Model):
    """
    A link with which a person sets their own password, once, until `ends_at`.

    No row opens anything: the token in the address is computed from the row and SECRET_KEY.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="password_links", db_index=False)
    made_for = models.CharField(max_length=64, help_text="A hash of the user's address and password when it was made.")
    # Null: the person themself asked for it at the sign-in page, or it was made at the command line.
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    objects = PasswordLinkQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("made_at")), name="a_password_link_ends_after_it_is_made"),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True) | Q(withdrawn_at__isnull=True, used_at__lt=F("ends_at")),
                name="a_password_link_is_used_before_it_ends",
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(used_at__isnull=True, withdrawn_at__isnull=True),
                name="a_person_has_one_password_link_at_a_time",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["user", "-id"], name="password_link_of_user")]
        triggers: ClassVar = [
            refuse_if(
                "OLD.used_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL OR "
                "(NEW.id, NEW.user_id, NEW.made_for, NEW.made_by_id, NEW.made_at, NEW.ends_at) IS DISTINCT FROM "
                "(OLD.id, OLD.user_id, OLD.made_for, OLD.made_by_id, OLD.made_at, OLD.ends_at)",
                on=pgtrigger.Update,
                name="a_password_link_works_once",
                message="A link to set a password stays as it was made, and is used or withdrawn once.",
            ),
            *never_deleted("a_password_link_is_kept", "A link to set a password is never deleted."),
        ]

    def __str__(self) -> str:
        return f"password link {self.pk}"

    @property
    def token(self) -> str:
        """What opens it. Two rows never have the same, also where a restored database gives a number again."""
        value = f"{self.pk} {self.user_id} {self.made_at.timestamp()}"
        return f"{self.pk}-{salted_hmac(SALT, value, algorithm='sha256').hexdigest()}"

    def is_still_for(self, user: User) -> bool:
        """Whether the user has the address and the password of the moment when the link was made."""
        return constant_time_compare(self.made_for, state_of(user))


def state_of(user: User) -> str:
    """A hash of the user's address and password: whoever changes either ends the link."""
    return salted_hmac(f"{SALT}.state", f"{user.email} {user.password}", algorithm="sha256").hexdigest()
