"""Localities, their catchments, and the postcodes of the council's area."""

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.core.validators import RegexValidator
from django.db import models

from localities.models.versions import has_a_version

PREFIX = RegexValidator(
    r"^[A-Z]{1,2}([0-9][0-9A-Z]?( [0-9]([A-Z]{2})?)?)?$",
    "Write a postcode, or the beginning of one, as HP19 or HP19 8.",
)


class Locality(models.Model):
    """A part of the council's area whose families one multi-disciplinary team works with."""

    code = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100, unique=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name_plural = "localities"
        triggers: ClassVar = [has_a_version()]

    def __str__(self) -> str:
        return self.name


class Catchment(models.Model):
    """
    A postcode prefix that belongs to a locality for a time. The longest prefix that fits a postcode wins.

    `period` includes its first day and excludes its last; without a last day it goes on until further notice.
    """

    locality = models.ForeignKey(Locality, on_delete=models.PROTECT, related_name="catchments")
    prefix = models.CharField("postcode prefix", max_length=8, validators=[PREFIX])
    period = DateRangeField(
        help_text="The first day, and the day after the last. Leave the second empty if it goes on."
    )

    class Meta:
        ordering: ClassVar = ["prefix", "period"]
        constraints: ClassVar = [
            ExclusionConstraint(
                name="a_prefix_belongs_to_one_locality_on_a_day",
                expressions=[("prefix", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)],
                violation_error_message="Another catchment already has this prefix on some of these days.",
            ),
            models.CheckConstraint(
                condition=models.Q(period__isempty=False),
                name="a_catchment_lasts_at_least_a_day",
                violation_error_message="The period holds no day: its end must come after its start.",
            ),
        ]
        triggers: ClassVar = [has_a_version()]

    def __str__(self) -> str:
        return f"{self.prefix}: {self.locality}"


class Postcode(models.Model):
    """
    A full postcode inside the council's area, with its National Grid coordinates in metres.

    Source: ONS Postcode Directory, Open Government Licence v3. Only a full postcode says whether a family lives in the
    area: neighbouring councils share postcode districts and sectors.
    """

    postcode = models.CharField(primary_key=True, max_length=8)
    easting = models.IntegerField(null=True, blank=True)
    northing = models.IntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["postcode"]
        triggers: ClassVar = [has_a_version()]

    def __str__(self) -> str:
        return self.postcode


class OtherAuthority(models.Model):
    """Another council's children's service, to which the out-of-area desk passes a family."""

    name = models.CharField(max_length=100, unique=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name_plural = "other authorities"

    def __str__(self) -> str:
        return self.name
