"""Copies of the open list in a folder, for the day on which the service is down."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q


class OpenListCopy(models.Model):
    """A copy of the open list was made for this quarter of an hour. It goes when its files are removed."""

    quarter = models.DateTimeField(unique=True, help_text="When the quarter of an hour began.")
    made_at = models.DateTimeField(help_text="The moment whose work it shows.")
    records = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar = ["-quarter"]
        verbose_name_plural = "open list copies"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(made_at__gte=F("quarter")), name="a_copy_of_the_open_list_is_made_in_its_quarter"
            )
        ]

    def __str__(self) -> str:
        return f"{self.quarter:%Y-%m-%d %H:%M}"
