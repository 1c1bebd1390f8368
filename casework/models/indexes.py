"""Indexes that hold no more than is looked for."""

from django.db import models
from django.db.models import Q


def of_those_that_have(table: str, *references: str) -> list[models.Index]:
    """
    For each of these foreign keys an index of the rows that have one. Most rows have not, and Django's own index, which
    such a key does without (`db_index=False`), would hold them all: what writes many rows would pay for each.
    """
    return [
        models.Index(fields=[key], name=f"{table}_of_{key}", condition=Q(**{f"{key}__isnull": False}))
        for key in references
    ]
