"""Details of contacts that somebody should check, and which agency sent them: for the page, and for figures."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from casework.models.contacts import Contact
from casework.models.refusals import append_only
from errors import Fault
from localities.models import Agency


class CheckKind(models.TextChoices):
    """What is wrong with a detail."""

    NOT_READ = "not_read", "Could not be read"
    CORRECTED = "corrected", "Read with a correction"
    ASKED = "asked", "To be asked"
    CONFIRMED = "confirmed", "Confirmed as it was read"


def sentence_of(kind: CheckKind, says: str) -> str:
    """The sentence on a detail, for whoever sent it."""
    return f"{kind.label.lower()}: it {says}"


class DetailToCheck(models.Model):
    """
    A detail of a contact that could not be read as it was sent, or that raises a question.

    It holds the field and never the value: what was sent stands in the contact's document, at `path`. `agency` is null
    where the contact was typed at the front door.
    """

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="details_to_check")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    field = models.CharField(max_length=60, help_text="For figures: the path without numbers.")
    path = models.JSONField(help_text="The steps from the top of the document.")
    kind = models.CharField(max_length=10, choices=CheckKind)
    says = models.CharField(max_length=200)

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name_plural = "details to check"
        indexes: ClassVar = [models.Index(fields=["agency", "field"], name="detail_by_agency")]
        triggers: ClassVar = append_only("a_detail_to_check_stays", "What could not be read stays on record.")

    def __str__(self) -> str:
        return f"{self.contact}: {self.field}"

    @property
    def warning(self) -> Fault:
        """The field and a sentence on it, for whoever sent the contact."""
        return Fault(tuple(self.path), sentence_of(CheckKind(self.kind), self.says))
