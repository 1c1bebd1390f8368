"""Drafts of contacts: what somebody at the front door types, before they submit it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from casework.models.contacts import Contact
from casework.models.refusals import refuse_if
from localities.models import User

# After this a manager at the front door sees a draft that nobody finished.
UNFINISHED_AFTER = timedelta(hours=1)
OPEN = Q(contact__isnull=True, deleted_at__isnull=True)


class ContactDraftQuerySet(models.QuerySet["ContactDraft"]):
    def open(self) -> ContactDraftQuerySet:
        """Those that are neither submitted nor deleted."""
        return self.filter(OPEN)

    def of(self, user: User) -> ContactDraftQuerySet:
        """Nobody but its owner reads a draft."""
        return self.filter(owner=user)

    def left_by_others(self, user: User, now: datetime) -> ContactDraftQuerySet:
        """Those of others that nobody finished within an hour."""
        return self.open().exclude(owner=user).filter(started_at__lte=now - UNFINISHED_AFTER)

    def locked(self) -> ContactDraftQuerySet:
        return self.select_for_update(of=("self",), no_key=True)


class ContactDraft(models.Model):
    """
    What somebody typed into the form for a contact. It is personal data, as a contact is.

    A draft that is submitted or deleted holds nothing that was typed: the contact has it, or nobody. No draft goes by
    itself: the retention rules may delete rows of this table, and nothing else does.
    """

    key = models.CharField(
        max_length=32, unique=True, help_text="Of the form. It is the idempotency key of the contact, too."
    )
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    typed = models.JSONField(default=dict, help_text="The values of each input, by its name, as they were typed.")
    tasks = models.JSONField(
        default=dict,
        help_text="Each task of it that was saved: how often, when last, by which open page, and whether it is done.",
    )
    version = models.PositiveIntegerField(default=1, help_text="How often it was saved.")
    page = models.CharField("the open page that saved it last", max_length=32, blank=True)
    started_at = models.DateTimeField()
    saved_at = models.DateTimeField()
    split_from = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The draft that somebody else, or another tab, had changed in the meantime.",
    )
    contact = models.OneToOneField(Contact, on_delete=models.PROTECT, null=True, related_name="+")
    deleted_at = models.DateTimeField(null=True)

    objects = ContactDraftQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-saved_at", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=OPEN
                | Q(contact__isnull=False, deleted_at__isnull=True, typed={})
                | Q(contact__isnull=True, deleted_at__isnull=False, typed={}),
                name="a_draft_that_is_finished_holds_nothing_typed",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["owner", "saved_at"], name="draft_by_owner", condition=OPEN),
            models.Index(fields=["started_at"], name="draft_by_start", condition=OPEN),
        ]
        triggers: ClassVar = [
            refuse_if(
                "OLD.contact_id IS NOT NULL OR OLD.deleted_at IS NOT NULL OR OLD.key <> NEW.key",
                on=pgtrigger.Update,
                name="a_draft_is_finished_once",
                message="A draft is submitted or deleted once, and keeps its key.",
            )
        ]

    def __str__(self) -> str:
        return f"draft {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.contact_id is None and self.deleted_at is None
