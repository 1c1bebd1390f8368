"""What somebody typed into a form about a record, and has not recorded."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from localities.models import User


class UnfinishedFormQuerySet(models.QuerySet["UnfinishedForm"]):
    def of(self, user: User) -> UnfinishedFormQuerySet:
        """Nobody but their owner reads them."""
        return self.filter(owner=user)

    def locked(self) -> UnfinishedFormQuerySet:
        return self.select_for_update(of=("self",), no_key=True)


class UnfinishedForm(models.Model):
    """
    What somebody typed into a form of a page, kept while they type. It is personal data, as the record is.

    It is deleted when the form is recorded, or when its owner clears it; otherwise by the retention rules, which may
    delete any row of this table.
    """

    key = models.CharField(max_length=32, unique=True, help_text="Of the form that somebody has open.")
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    record = models.CharField("reference of the contact or the case", max_length=20)
    address = models.CharField(max_length=200, help_text="Where the form is sent to. It says nothing about anybody.")
    typed = models.JSONField(default=dict, help_text="The values of each input, by its name, as they were typed.")
    version = models.PositiveIntegerField(default=1, help_text="How often it was saved.")
    page = models.CharField("the open page that saved it last", max_length=32, blank=True)
    saved_at = models.DateTimeField()

    objects = UnfinishedFormQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-saved_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["owner", "record"], name="unfinished_form_by_owner")]

    def __str__(self) -> str:
        return f"unfinished form {self.pk}"


def unfinished_forms_of(user: User) -> ArraySubquery:
    """
    For an annotation of contacts or cases: what this user typed into forms about the record and did not record, the
    last saved first. It is read along with the record, by whoever may see that, and costs no statement of its own.
    """
    forms = UnfinishedForm.objects.of(user).filter(record=OuterRef("reference"))
    names = ("key", "address", "typed", "version", "saved_at")
    return ArraySubquery(forms.values(form=JSONObject(**{name: name for name in names})))
