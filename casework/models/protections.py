"""
Protections of addresses: whose address is confidential, who said so, and who lifted it; and around whom it must be
found out anew.
"""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q

from casework.models.contacts import Contact
from casework.models.people import Person
from casework.models.refusals import NOT_BLANK, never_emptied, refuse_if
from localities.models import User


class AddressProtection(models.Model):
    """
    A person's address is confidential, since a contact or a member of staff said so.

    In force until somebody lifts it. `Person.address_is_protected` says whether one is in force, so that receiving a
    contact needs no query; `families/confidentiality.py` says what is hidden by it. One that is lifted in the instant
    in which it begins says of an address that is hidden for a brother's or a sister's sake that it is safe to show.
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="address_protections")
    since = models.DateTimeField()
    contact = models.ForeignKey(
        Contact, on_delete=models.PROTECT, null=True, related_name="address_protections", help_text="That said so."
    )
    said_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    reason = models.TextField(blank=True)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    lifted_because = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "contact"],
                condition=Q(lifted_at__isnull=True),
                name="a_contact_protects_a_persons_address_once",
            ),
            models.CheckConstraint(
                condition=Q(contact__isnull=False, said_by__isnull=True, reason="")
                | Q(contact__isnull=True, said_by__isnull=False, reason__regex=NOT_BLANK),
                name="a_protected_address_says_who_said_so",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True, lifted_because="")
                | Q(
                    lifted_at__isnull=False,
                    lifted_at__gte=F("since"),
                    lifted_by__isnull=False,
                    lifted_because__regex=NOT_BLANK,
                ),
                name="a_protection_that_was_lifted_says_who_when_and_why",
            ),
        ]
        triggers: ClassVar = [
            refuse_if(
                """TG_OP = 'DELETE' OR OLD.lifted_at IS NOT NULL
                   OR (NEW.person_id, NEW.since, NEW.contact_id, NEW.said_by_id, NEW.reason)
                      IS DISTINCT FROM (OLD.person_id, OLD.since, OLD.contact_id, OLD.said_by_id, OLD.reason)""",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="a_protection_is_lifted_once",
                message="The protection of an address is lifted once, and stays on record.",
            ),
            never_emptied("protections_of_addresses_are_never_emptied", "Protections of addresses stay on record."),
        ]

    def __str__(self) -> str:
        return f"{self.person_id}: {'lifted' if self.lifted_at else 'in force'}"


class HidingToCheck(models.Model):
    """
    A note to check again whose addresses are hidden around this person: an upgrade changed the rule.

    A job does so within minutes, and deletes the note.
    """

    person = models.OneToOneField(Person, on_delete=models.PROTECT, primary_key=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["person"]
        verbose_name_plural = "hiding to check"

    def __str__(self) -> str:
        return f"around {self.person_id}"
