"""Who is on duty when, who is away, and who covers for them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import DateRangeField, DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, OuterRef, Q, Value
from django.db.models.functions import JSONObject

from casework.models.indexes import where_set
from casework.models.refusals import never_deleted, refuse_if
from localities.models import User

# Nobody is on duty for longer than a bank holiday and its night.
LONGEST_DUTY = timedelta(hours=48)


class DutyRole(models.TextChoices):
    """What somebody on duty does."""

    SOCIAL_WORKER = "social_worker", "Duty social worker"
    MANAGER = "manager", "Duty manager"
    EMERGENCY = "emergency", "Emergency duty"


class DutyQuerySet(models.QuerySet["Duty"]):
    def between(self, starts: datetime, ends: datetime) -> DutyQuerySet:
        """The duties of which some time is between two moments, in the order of their beginnings."""
        return self.filter(starts_at__lt=ends, ends_at__gt=starts).select_related("person").order_by("starts_at", "pk")


class Duty(models.Model):
    """An entry of the rota: a person is on duty from a moment to a moment. The audit says who typed it."""

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="duties", db_index=False)
    role = models.CharField(max_length=20, choices=DutyRole)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    objects = DutyQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["starts_at", "id"]
        verbose_name_plural = "duties"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(role__in=DutyRole.values), name="a_duty_has_a_known_role"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="a_duty_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(ends_at__lte=F("starts_at") + Value(LONGEST_DUTY)), name="a_duty_lasts_two_days_at_most"
            ),
            ExclusionConstraint(
                name="a_person_is_on_duty_in_a_role_once_at_a_time",
                expressions=[
                    ("person", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    (
                        Func(F("starts_at"), F("ends_at"), function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["ends_at"], name="duty_by_its_end")]

    def __str__(self) -> str:
        return f"{self.person}: {self.get_role_display()}"


class AbsenceQuerySet(models.QuerySet["Absence"]):
    def standing(self) -> AbsenceQuerySet:
        """Those that nobody withdrew."""
        return self.filter(withdrawn_at__isnull=True)

    def on(self, day: date) -> AbsenceQuerySet:
        """The absences of this day."""
        return self.standing().filter(first_day__lte=day, last_day__gte=day)


class Absence(models.Model):
    """
    Somebody is away from a day to a day (both included), and another covers for them. It does not say why.

    Without a cover, whoever leads the team sees to the work.
    """

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="absences", db_index=False)
    first_day = models.DateField()
    last_day = models.DateField()
    covered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["first_day", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")), name="an_absence_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=Q(covered_by__isnull=True) | ~Q(covered_by=F("person")), name="nobody_covers_for_themselves"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False, withdrawn_at__gte=F("recorded_at")),
                name="a_withdrawn_absence_says_who_and_when",
            ),
            ExclusionConstraint(
                name="a_persons_absences_do_not_overlap",
                expressions=[
                    ("person", RangeOperators.EQUAL),
                    (
                        Func(
                            F("first_day"), F("last_day"), RangeBoundary(inclusive_lower=True, inclusive_upper=True),
                            function="daterange", output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(withdrawn_at__isnull=True),
            ),
        ]  # fmt: skip
        indexes: ClassVar = [
            models.Index(fields=["last_day"], name="absence_by_its_end", condition=Q(withdrawn_at__isnull=True)),
            *where_set("absence", "covered_by"),
        ]
        triggers: ClassVar = [
            refuse_if(
                """OLD.withdrawn_at IS NOT NULL
                   OR (NEW.person_id, NEW.first_day, NEW.recorded_by_id, NEW.recorded_at)
                      IS DISTINCT FROM (OLD.person_id, OLD.first_day, OLD.recorded_by_id, OLD.recorded_at)""",
                on=pgtrigger.Update,
                name="whose_an_absence_is_stays",
                message="An absence may end on another day, have another cover or be withdrawn. The rest stays.",
            ),
            *never_deleted("absences_are_never_deleted", "Absences are withdrawn, and never deleted."),
        ]

    def __str__(self) -> str:
        return f"{self.person}: away {self.first_day:%-d %B} to {self.last_day:%-d %B %Y}"


def away_on(day: date, person: str) -> ArraySubquery:
    """
    For an annotation of a row: the absence of this day of the person whom a column names, with who covers. It is read
    along with the row, and costs no statement of its own.

    :param person: the column, as "owner".
    """
    absences = Absence.objects.on(day).filter(person=OuterRef(person)).order_by()
    return ArraySubquery(absences.values(absence=JSONObject(until="last_day", cover="covered_by__name")))
