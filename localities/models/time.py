"""Working time that a council can change: the hub's opening hours, and days that differ from England's calendar."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from localities.models.versions import has_a_version


class Weekday(models.IntegerChoices):
    """The days of the week, numbered as in Python: Monday is 0."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


class HubHours(models.Model):
    """When the hub is open on a day of the week, in local time. A weekday without a row is closed all day."""

    weekday = models.IntegerField(choices=Weekday, unique=True)
    opens = models.TimeField()
    closes = models.TimeField()

    class Meta:
        ordering: ClassVar = ["weekday"]
        verbose_name = verbose_name_plural = "hub hours"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(closes__gt=F("opens")),
                name="the_hub_closes_after_it_opens",
                violation_error_message="The hub must close later than it opens.",
            )
        ]
        triggers: ClassVar = [has_a_version()]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M} to {self.closes:%H:%M}"


class DayKind(models.TextChoices):
    """How a day differs from the calendar of England."""

    BANK_HOLIDAY = "bank_holiday", "Bank holiday: no clock counts it as a working day"
    WORKING_DAY = "working_day", "Working day after all: a bank holiday that was moved away"
    CLOSURE = "closure", "The council is closed: local clocks pause, statutory ones run on"


class CalendarDay(models.Model):
    """
    A day that differs from the calendar of England's bank holidays, which the service knows by itself.

    The government adds and moves bank holidays, and a council may close on other days.
    """

    date = models.DateField(unique=True)
    kind = models.CharField(max_length=20, choices=DayKind)
    name = models.CharField(max_length=100, help_text="What the day is called, as people will read it.")

    class Meta:
        ordering: ClassVar = ["date"]
        triggers: ClassVar = [has_a_version()]

    def __str__(self) -> str:
        return f"{self.date:%-d %B %Y}: {self.name}"
