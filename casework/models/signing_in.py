"""Signing in: which roles need a second step, and how somebody who has lost theirs is let in."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q

from casework.models.refusals import NOT_BLANK, never_deleted, refuse_if
from localities.models import Role, User


class FactorKind(models.TextChoices):
    """What a role needs beside a password."""

    NONE = "none", "Not required"
    ANY = "any", "A passkey or a code from an app"
    PASSKEY = "passkey", "A passkey"


class SecondFactorRule(models.Model):
    """What a role needs beside a password. There is one for each role: it changes, and is neither added nor deleted."""

    role = models.CharField(max_length=30, choices=Role, unique=True, editable=False)
    kind = models.CharField("second step of signing in", max_length=10, choices=FactorKind)

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name = "second step of a role"
        verbose_name_plural = "second steps by role"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="a_second_step_is_for_a_known_role"),
            models.CheckConstraint(condition=Q(kind__in=FactorKind.values), name="a_second_step_is_of_a_known_kind"),
        ]
        triggers: ClassVar = never_deleted("what_a_role_needs_stays", "What a role needs changes. It is never deleted.")

    def __str__(self) -> str:
        return self.get_role_display()


class FactorReset(models.Model):
    """
    Somebody has lost their second step, and two others let them in: one asks, another agrees or declines.

    When the second agrees, all that the person signs in with beside the password is removed.
    """

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    answered_at = models.DateTimeField(null=True)
    agreed = models.BooleanField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person"], condition=Q(answered_at__isnull=True), name="one_request_to_let_somebody_in_is_open"
            ),
            models.CheckConstraint(condition=Q(reason__regex=NOT_BLANK), name="who_lets_somebody_in_says_why"),
            models.CheckConstraint(condition=~Q(asked_by=F("person")), name="nobody_asks_to_let_themself_in"),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, answered_by__isnull=True, agreed__isnull=True)
                | Q(
                    answered_at__isnull=False,
                    answered_at__gte=F("asked_at"),
                    answered_by__isnull=False,
                    agreed__isnull=False,
                ),
                name="an_answer_to_let_somebody_in_says_who_and_when",
            ),
            # Who asked may take it back, and whom it is about may decline it.
            models.CheckConstraint(
                condition=Q(agreed__isnull=True)
                | Q(agreed=False)
                | (~Q(answered_by=F("person")) & ~Q(answered_by=F("asked_by"))),
                name="two_others_let_somebody_in",
            ),
        ]
        triggers: ClassVar = [
            *never_deleted("who_let_somebody_in_stays", "Who let somebody in stays on record."),
            refuse_if(
                """OLD.answered_at IS NOT NULL OR (NEW.person_id, NEW.reason, NEW.asked_by_id, NEW.asked_at)
                   IS DISTINCT FROM (OLD.person_id, OLD.reason, OLD.asked_by_id, OLD.asked_at)""",
                on=pgtrigger.Update,
                name="a_request_to_let_somebody_in_is_answered_once",
                message="A request to let somebody in stays as it was made, and is answered once.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}, {self.asked_at:%-d %B %Y}"
