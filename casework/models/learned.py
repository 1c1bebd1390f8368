"""What was learned about a contact after it came: who said it, when and why, and every fact that it changed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from casework.models.contacts import Contact, ContactAdult, ContactChild
from casework.models.details import CheckKind
from casework.models.indexes import where_set
from casework.models.refusals import NOT_BLANK, append_only
from localities.models import Agency, User


class Source(models.TextChoices):
    """Where something that was learned comes from."""

    REFERRER = "referrer", "The referrer"
    PARTNER = "partner", "A partner agency"
    FAMILY = "family", "The family"
    RECORDS = "records", "Our records"
    SEEN = "seen", "Seen by the person who recorded it"


class InformationKind(models.TextChoices):
    """What somebody did when they recorded something."""

    FACTS = "facts", "Facts added or corrected"
    AGREEMENT = "agreement", "Agreement to a service"
    SCREENING = "screening", "Screening"
    OWN_RECORDS = "own_records", "What our records say"


class Information(models.Model):
    """
    Something that was learned about a contact: several facts in one go, added or corrected.

    `document` is what was typed or sent, and never changes. `changes` are the facts that it changed. Whoever corrects
    facts says why; the other kinds say it themselves.
    """

    kind = models.CharField(
        max_length=15, choices=InformationKind, default=InformationKind.FACTS, db_default=InformationKind.FACTS
    )

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="information")
    at = models.DateTimeField()
    by_user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    by_agency = models.ForeignKey(Agency, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    source = models.CharField(max_length=10, choices=Source)
    said_by = models.CharField(max_length=100, blank=True)
    why = models.TextField(blank=True)
    document = models.JSONField()
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  # unique where given
    digest = models.CharField("SHA-256 of the document", max_length=64)

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name_plural = "information"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["by_agency", "idempotency_key"], name="information_uses_an_idempotency_key_once"
            ),
            models.CheckConstraint(
                condition=Q(by_user__isnull=False, by_agency__isnull=True)
                | Q(by_user__isnull=True, by_agency__isnull=False),
                name="information_says_who_recorded_it",
            ),
            models.CheckConstraint(
                condition=Q(by_user__isnull=True) | Q(why__regex=NOT_BLANK) | ~Q(kind=InformationKind.FACTS),
                name="who_changes_a_fact_says_why",
            ),
            models.CheckConstraint(condition=Q(source__in=Source.values), name="information_has_a_known_source"),
        ]
        triggers: ClassVar = append_only("information_never_changes", "What was learned stays as it was recorded.")

    def __str__(self) -> str:
        return f"{self.contact}, {self.at:%Y-%m-%d %H:%M}"


class FactChange(models.Model):
    """
    A fact that was added or corrected. `child` or `adult` says whose; without either it is the contact's own.

    `field` is the fact's place in the document of its part, such as `address.postcode`. `before` and `after` are as
    the document writes them, and null is "not known". `said` is what was typed. What could not be read changes
    nothing: it has a `kind`, and `says` why somebody should ask.
    """

    information = models.ForeignKey(Information, on_delete=models.PROTECT, related_name="changes")
    child = models.ForeignKey(ContactChild, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    adult = models.ForeignKey(ContactAdult, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    field = models.CharField(max_length=60)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    said = models.JSONField(null=True)
    kind = models.CharField(max_length=10, choices=CheckKind, blank=True)
    says = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(child__isnull=True) | Q(adult__isnull=True), name="a_fact_is_about_one_person"
            ),
            models.CheckConstraint(
                condition=~Q(kind="")
                | Q(before__isnull=True, after__isnull=False)
                | Q(before__isnull=False, after__isnull=True)
                | (Q(before__isnull=False, after__isnull=False) & ~Q(before=F("after"))),
                name="a_change_changes_something",
            ),
        ]
        # Where hidden addresses are looked for, they are looked for in what was corrected as well.
        indexes: ClassVar = where_set("fact", "child", "adult")
        triggers: ClassVar = append_only("a_change_of_a_fact_stays", "A change of a fact stays: correct it again.")

    def __str__(self) -> str:
        return f"{self.information}: {self.field}"

    @property
    def changed(self) -> bool:
        return bool(self.before != self.after)
