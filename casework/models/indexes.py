"""
What makes PostgreSQL look up few rows in place of reading a table.

A foreign key with which a unique constraint or another index begins needs no index of its own (`db_index=False`): each
insert would pay for it, and while a table is new PostgreSQL takes it for the better one.
"""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import F, Func, Q, QuerySet


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


class IsAnyOf(Func):
    """Whether a column equals any element of an array. PostgreSQL can look each element up in the column's index."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = models.BooleanField()


def is_among(few: QuerySet[Any, Any], column: str) -> IsAnyOf:
    """The condition that a column is one of these few ids, which are found first, however many tables are joined."""
    return IsAnyOf(F(column), ArraySubquery(few))
