"""Partial indexes for foreign keys that are mostly null."""

from django.db import models
from django.db.models import Q


def where_set(table: str, *foreign_keys: str) -> list[models.Index]:
    """
    Makes an index for each foreign key, of the rows where it is set.

    Django's own index would hold every row, and each insert would pay for it: these keys have `db_index=False`.

    :param table: the first word of the indexes' names.
    """
    return [
        models.Index(fields=[key], name=f"{table}_of_{key}", condition=Q(**{f"{key}__isnull": False}))
        for key in foreign_keys
    ]
