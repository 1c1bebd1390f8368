"""What the agency that sent a contact asks afterwards: to withdraw it, what became of it, or to decide otherwise."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q

from casework.models.contacts import Contact
from casework.models.refusals import NOT_BLANK, never_emptied, refuse_if
from localities.models import Agency, User

LONGEST_TEXT = 20_000


class RequestKind(models.TextChoices):
    """What is asked."""

    WITHDRAW = "withdraw", "Asks to withdraw the contact"
    CHASE = "chase", "Asks what became of it"
    ESCALATE = "escalate", "Disagrees with the decision"


class DisagreementStep(models.IntegerChoices):
    """Who answers a disagreement: each further step is for whoever is responsible for the one before."""

    WORKER = 1, "whoever decided"
    MANAGER = 2, "their manager"
    SERVICE = 3, "the service manager"
    PARTNERSHIP = 4, "the safeguarding partnership"


class RequestState(models.TextChoices):
    """What became of it."""

    OPEN = "open", "Open"
    ANSWERED = "answered", "Answered"
    OVERTAKEN = "overtaken", "Overtaken by the decision"


class SenderRequest(models.Model):
    """
    Something that the sender of a contact asks, and the answer, which the sender reads.

    Nothing happens to the contact by itself: a person answers. Without an answer it ends when the contact is decided.
    """

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="sender_requests", db_index=False)
    kind = models.CharField(max_length=10, choices=RequestKind)
    step = models.PositiveSmallIntegerField(choices=DisagreementStep, null=True)
    text = models.TextField(blank=True)
    at = models.DateTimeField()
    by_agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", db_index=False)
    due_at = models.DateTimeField(help_text="When the answer was due, as the sender was told.")
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  # unique where given
    digest = models.CharField("SHA-256 of what was sent", max_length=64)
    ended_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    answer = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["by_agency", "idempotency_key"], name="a_request_uses_an_idempotency_key_once"
            ),
            models.UniqueConstraint(
                fields=["contact", "kind"],
                condition=Q(ended_at__isnull=True),
                name="a_sender_asks_one_thing_once_at_a_time",
            ),
            models.UniqueConstraint(fields=["contact", "step"], name="a_disagreement_has_each_step_once"),
            models.CheckConstraint(
                condition=Q(kind__in=(RequestKind.WITHDRAW, RequestKind.CHASE), step__isnull=True)
                | Q(kind=RequestKind.ESCALATE, step__in=DisagreementStep.values, step__isnull=False),
                name="a_disagreement_and_nothing_else_has_a_step",
            ),
            models.CheckConstraint(
                condition=Q(kind=RequestKind.CHASE) | Q(text__regex=NOT_BLANK), name="a_request_of_a_sender_says_why"
            ),
            models.CheckConstraint(
                condition=Q(answered_by__isnull=True, answer="")
                | Q(answered_by__isnull=False, answer__regex=NOT_BLANK, ended_at__isnull=False),
                name="an_answer_to_a_sender_says_who_what_and_when",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("at")),
                name="a_request_of_a_sender_ends_after_it",
            ),
        ]
        triggers: ClassVar = [
            refuse_if(
                """TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL
                   OR (NEW.contact_id, NEW.kind, NEW.step, NEW.text, NEW.at, NEW.by_agency_id, NEW.due_at,
                       NEW.idempotency_key, NEW.digest) IS DISTINCT FROM
                      (OLD.contact_id, OLD.kind, OLD.step, OLD.text, OLD.at, OLD.by_agency_id, OLD.due_at,
                       OLD.idempotency_key, OLD.digest)""",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="a_request_of_a_sender_ends_once",
                message="What a sender asked ends once, and stays as it was asked.",
            ),
            never_emptied("requests_of_senders_are_never_emptied", "What senders asked is never deleted."),
        ]

    def __str__(self) -> str:
        return f"{self.contact}: {self.get_kind_display().lower()}"

    @property
    def state(self) -> RequestState:
        if self.ended_at is None:
            return RequestState.OPEN
        return RequestState.OVERTAKEN if self.answered_by_id is None else RequestState.ANSWERED
