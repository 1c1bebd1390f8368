"""What changed about the contacts that an agency sent, in the order in which it may read it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from casework.models.contacts import Contact
from localities.models import Agency


class AgencyEventKind(models.TextChoices):
    """What changed."""

    RECEIVED = "contact.received", "The status is received"
    BEING_LOOKED_AT = "contact.being_looked_at", "Somebody looks at it"
    WAITING = "contact.waiting_for_your_information", "The agency is asked about it"
    DECIDED = "contact.decided", "It is decided"
    FEEDBACK_GIVEN = "contact.feedback_given", "The outcome is told"
    FILE_CHANGED = "contact.file_changed", "The state of a file is another"


class AgencyEvent(models.Model):
    """
    Something that changed about a contact. Triggers write it with the change: see `telling`. It is kept for
    `jobs.agency_events.KEPT`.

    `number` is what readers go by. It is given after the change is committed, so that none comes in below one that
    somebody has read: see `jobs.agency_events`.
    """

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=40, choices=AgencyEventKind)
    at = models.DateTimeField(db_index=True)
    number = models.BigIntegerField(null=True)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agency", "number"], name="an_event_has_a_number_of_its_own"),
            models.CheckConstraint(condition=Q(kind__in=AgencyEventKind.values), name="an_event_is_of_a_known_kind"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["contact", "id"], name="agency_event_of_contact"),
            models.Index(fields=["id"], name="agency_event_to_number", condition=Q(number__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.contact}: {self.kind}"
