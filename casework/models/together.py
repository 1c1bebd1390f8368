"""
Several queries that travel in one text: the process waits for the database once, and the database answers each.

What a page shows of one record stands in many tables. Their queries are short, and depend on the record alone.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import ForeignKey, Model, QuerySet

from casework.models.prepared import Call, Rows, prepare, rows_of


def read_together(*queries: QuerySet[Any, Any] | Call) -> list[Rows]:
    """
    Reads these queries in one round trip: each then has its rows, as if it had been read alone.

    :param queries: prepared statements may be among them.
    :returns: the rows of each prepared statement.
    """
    texts: list[str] = []
    parameters: list[Any] = []
    sent: list[tuple[QuerySet[Any, Any], Any] | None] = []
    calls = [query for query in queries if isinstance(query, Call)]
    for query in queries:
        if isinstance(query, Call):
            text, values = query.statement.execute, query.values
            reader = None
        else:
            compiler = query.query.get_compiler(connection.alias)
            reader = (query, compiler)
            try:
                text, values = compiler.as_sql()
            except EmptyResultSet:
                # Django knows that there is no row, and asks nothing.
                continue
        texts.append(text)
        parameters += values
        sent.append(reader)
    if not sent:
        return []
    with connection.cursor() as cursor:
        prepare(*calls)
        cursor.execute("; ".join(texts), parameters)
        found = [rows_of(cursor.cursor) for _ in sent]
    for reader, rows in zip(sent, found, strict=True):
        if reader is not None:
            _fill(*reader, rows)
    return [rows for reader, rows in zip(sent, found, strict=True) if reader is None]


def read_parts(record: Model, *others: QuerySet[Any, Any] | Call, **parts: QuerySet[Any, Any]) -> list[Rows]:
    """
    Reads what belongs to a record in one round trip, as `prefetch_related` does in many.

    :param others: what is read along with it.
    :param parts: by the name of the relation, a query of its manager: `children=contact.children.select_related(...)`.
    :returns: the rows of the prepared statements among the others.
    """
    found = read_together(*others, *parts.values())
    record.__dict__.setdefault("_prefetched_objects_cache", {}).update(parts)
    return found


def share_out(records: Iterable[Model], **parts: QuerySet[Any, Any]) -> None:
    """
    Gives each of these records its own of the rows that were read for all of them, as `prefetch_related` does.

    :param parts: by the name of the relation, the query, which has been read.
    """
    shared = list(records)
    if not shared:
        return
    for name, rows in parts.items():
        field: ForeignKey[Any, Any] = getattr(shared[0], name).field
        of_each = _by(rows, field.attname)
        for record in shared:
            own = getattr(record, name).all()
            own._result_cache, own._prefetch_done = of_each[record.pk], True
            for row in own._result_cache:
                field.set_cached_value(row, record)
            record.__dict__.setdefault("_prefetched_objects_cache", {})[name] = own


def _by(rows: Iterable[Model], attribute: str) -> "defaultdict[Any, list[Model]]":
    found = defaultdict[Any, list[Model]](list)
    for row in rows:
        found[getattr(row, attribute)].append(row)
    return found


def _fill(query: QuerySet[Any, Any], compiler: Any, rows: Rows) -> None:
    """Lets Django make of these rows what it makes of those that it reads itself."""
    compiler.execute_sql = lambda *args, **kwargs: [rows]
    query.query.get_compiler = lambda *args, **kwargs: compiler  # type: ignore[method-assign]  # this one query's own; deleted below
    try:
        len(query)
    finally:
        # A query that is made of this one asks for itself.
        del query.query.get_compiler
