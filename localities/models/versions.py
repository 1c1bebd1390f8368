"""The versions of reference data, by which processes cache them."""

from typing import ClassVar

import pgtrigger
from django.db import models


class ReferenceVersion(models.Model):
    """
    The version of one table of reference data. A trigger makes a new one with every statement that changes the table.

    A version is random, so that a version that was rolled back never comes again.
    """

    table = models.CharField(max_length=63, primary_key=True)
    version = models.UUIDField()

    class Meta:
        ordering: ClassVar = ["table"]

    def __str__(self) -> str:
        return f"{self.table}: {self.version}"


def has_a_version() -> pgtrigger.Trigger:
    """Makes the trigger for a table of reference data (`localities/reference.py`)."""
    return pgtrigger.Trigger(
        name="a_change_makes_a_new_version",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete | pgtrigger.Truncate,
        func="""
            INSERT INTO public.localities_referenceversion ("table", version) VALUES (TG_TABLE_NAME, gen_random_uuid())
            ON CONFLICT ("table") DO UPDATE SET version = excluded.version;
            RETURN NULL;
        """,
    )
