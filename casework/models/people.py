"""People on record: children and adults."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from localities.codes import ETHNICITIES, SEXES


class Person(models.Model):
    """
    A person on record: a child, also an unborn one, or an adult of the household.

    The service never merges two records by itself. `previous_cp_plan` and `previously_looked_after` are null until
    somebody has checked.
    """

    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    also_known_as = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    date_of_birth = models.DateField(null=True, blank=True)
    expected_date_of_delivery = models.DateField(null=True, blank=True)
    sex = models.CharField(max_length=1, choices=SEXES, default="U")
    ethnicity = models.CharField(max_length=4, choices=ETHNICITIES, blank=True)
    nhs_number = models.CharField("NHS number", max_length=10, null=True, blank=True)  # noqa: DJ001  # unique where known
    postcode = models.CharField(max_length=8, blank=True)
    previous_cp_plan = models.BooleanField("had a child protection plan before", null=True, blank=True)
    previously_looked_after = models.BooleanField("was looked after before", null=True, blank=True)

    class Meta:
        verbose_name_plural = "people"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["nhs_number"], name="an_nhs_number_belongs_to_one_person"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["date_of_birth"], name="person_by_date_of_birth"),
            models.Index(fields=["postcode"], name="person_by_postcode", condition=~Q(postcode="")),
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        if name := f"{self.first_name} {self.last_name}".strip():
            return name
        return "Unborn child" if self.expected_date_of_delivery and not self.date_of_birth else "Name not known"
