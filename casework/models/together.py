"""
Several queries that travel in one text: the process waits for the database once, and the database answers each.

What a page shows of one record stands in many tables. Their queries are short, and depend on the record alone.
"""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, QuerySet


def read_together(*queries: QuerySet[Any]) -> None:
    """Reads these queries in one round trip: each then has its rows, as if it had been read alone."""
    texts: list[str] = []
    parameters: list[Any] = []
    sent = []
    for query in queries:
        compiler = query.query.get_compiler(connection.alias)
        try:
            text, values = compiler.as_sql()
        except EmptyResultSet:
            # Django knows that there is no row, and asks nothing.
            continue
        texts.append(text)
        parameters += values
        sent.append((query, compiler))
    if not sent:
        return
    with connection.cursor() as cursor:
        cursor.execute("; ".join(texts), parameters)
        results, found = cursor.cursor, []
        for _ in sent:
            found.append(results.fetchall())
            results.nextset()
    for (query, compiler), rows in zip(sent, found, strict=True):
        _fill(query, compiler, rows)


def read_parts(record: Model, *others: QuerySet[Any], **parts: QuerySet[Any]) -> None:
    """
    Reads what belongs to a record in one round trip, as `prefetch_related` does in many.

    :param others: what is read along with it.
    :param parts: by the name of the relation, a query of its manager: `children=contact.children.select_related(...)`.
    """
    read_together(*others, *parts.values())
    record.__dict__.setdefault("_prefetched_objects_cache", {}).update(parts)


def _fill(query: QuerySet[Any], compiler: Any, rows: list[tuple[Any, ...]]) -> None:
    """Lets Django make of these rows what it makes of those that it reads itself."""
    compiler.execute_sql = lambda *args, **kwargs: [rows]
    query.query.get_compiler = lambda *args, **kwargs: compiler  # type: ignore[method-assign]  # of this one
    try:
        len(query)
    finally:
        # A query that is made of this one asks for itself.
        del query.query.get_compiler
