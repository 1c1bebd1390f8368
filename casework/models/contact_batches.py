"""Contacts that an agency sent together, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_hex
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from casework.models.contacts import Contact
from casework.models.refusals import refuse_if
from errors import Fault
from localities.models import Agency

MOST_CONTACTS = 100
# As many faults of one contact are kept.
MOST_FAULTS = 100


class BatchState(models.TextChoices):
    """What became of one contact of a batch."""

    WAITING = "waiting", "Waiting"
    TAKEN_IN = "taken_in", "Taken in"
    REFUSED = "refused", "Refused"


class WhyRefused(models.TextChoices):
    """Why a contact of a batch was not taken in, by the name that the API's refusals have for it."""

    INVALID = "invalid", "It is not valid"
    KEY_REUSED = "idempotency-key-reused", "Its key came before with another contact"


def new_key() -> str:
    """What a batch is called in its address: nobody guesses it."""
    return token_hex(16)


class ContactBatch(models.Model):
    """A batch of contacts. It is kept for `jobs.contact_batches.KEPT` after it came."""

    key = models.CharField(max_length=32, unique=True, default=new_key, editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", db_index=False)
    received_at = models.DateTimeField(db_index=True)
    correlation_id = models.CharField("the id by which the agency's system knows the call", max_length=100, blank=True)

    class Meta:
        verbose_name_plural = "contact batches"

    def __str__(self) -> str:
        return self.key


class BatchEntry(models.Model):
    """
    One contact of a batch, from the moment it came.

    `document` is what was sent, until it is taken in or refused: then the contact has it, or nobody keeps it. It is
    text, which may hold what no column for JSON takes.
    `take_after` is when a worker may take it in. Whoever begins puts it off first, so that an entry over which a worker
    died is tried again.
    """

    batch = models.ForeignKey(ContactBatch, on_delete=models.CASCADE, related_name="entries", db_index=False)
    position = models.PositiveSmallIntegerField(help_text="Its place in the batch, from 0.")
    idempotency_key = models.CharField(max_length=255)
    is_urgent = models.BooleanField(help_text="Its sender says that a child is in danger now.")
    document = models.TextField("what was sent, as JSON", null=True)  # noqa: DJ001  # none when it is settled
    take_after = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0, db_default=0)
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    came_before = models.BooleanField(
        default=False, db_default=False, help_text="Its key came before, and the contact is that of the first time."
    )
    why_refused = models.CharField(max_length=30, choices=WhyRefused, blank=True)
    faults = models.JSONField(
        default=list, blank=True, help_text="Of a refused one: where each fault is, and a sentence."
    )
    faults_left_out = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position"]
        verbose_name_plural = "batch entries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["batch", "position"], name="a_batch_has_one_entry_in_a_place"),
            models.CheckConstraint(
                condition=Q(take_after__isnull=False, document__isnull=False, contact__isnull=True, why_refused="")
                | Q(take_after__isnull=True, document__isnull=True, contact__isnull=False, why_refused="")
                | (
                    Q(take_after__isnull=True, document__isnull=True, contact__isnull=True)
                    & Q(why_refused__in=WhyRefused.values)
                ),
                name="a_contact_of_a_batch_waits_or_is_taken_in_or_is_refused",
            ),
        ]
        indexes: ClassVar = [
            # The next one: whoever is in danger now comes first.
            models.Index(fields=["-is_urgent", "id"], name="entries_that_wait", condition=Q(take_after__isnull=False)),
        ]
        triggers: ClassVar = [
            refuse_if(
                "OLD.take_after IS NOT NULL",
                on=pgtrigger.Delete,
                name="a_contact_that_waits_is_not_deleted",
                message="This contact was accepted and is not taken in yet.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.batch}, {self.position}"

    def refuse(self, why: WhyRefused, faults: Sequence[Fault] = ()) -> None:
        """Refuses it, without storing that. Nothing of it is kept but where which faults are."""
        self.document, self.take_after, self.why_refused = None, None, why
        self.faults = [[list(fault.path), fault.message] for fault in faults[:MOST_FAULTS]]
        self.faults_left_out = max(len(faults) - MOST_FAULTS, 0)

    @property
    def state(self) -> BatchState:
        if self.why_refused:
            return BatchState.REFUSED
        return BatchState.WAITING if self.contact_id is None else BatchState.TAKEN_IN
