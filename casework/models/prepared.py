"""
Statements that run for every contact: PostgreSQL plans each once for a connection, and several go in one round trip.

The database takes longer to plan what receiving asks than to answer it, and the driver longer to send ten statements
than to send one text with ten in it. The driver's own prepared statements go one at a time, so these are PostgreSQL's:
PREPARE once, then EXECUTE.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from django.db import connection
from pydantic_core import to_json

# PostgreSQL cuts off what is longer.
LONGEST_NAME = 63

# What is prepared on each of the driver's connections. It stays prepared until the connection closes, also after a
# transaction that was rolled back.
_prepared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


class Prepared:
    """
    One statement, to be sent with its parameters: `send(STATEMENT(people=[1, 2]))`.

    :param name: what it does, in small letters: the statement is seen under it where the server shows what it does.
    :param sql: with parameters as `%(people)s`. Where PostgreSQL cannot tell the type of one, the SQL casts it.
    """

    def __init__(self, name: str, sql: str) -> None:
        self.parameters = tuple(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
        numbers = {name: f"${number}" for number, name in enumerate(self.parameters, start=1)}
        self._sql = re.sub(r"%\((\w+)\)s", lambda match: numbers[match[1]], sql)
        self.name = f"{name}_{hashlib.sha256(sql.encode()).hexdigest()[:8]}"
        assert len(self.name) < LONGEST_NAME, self.name
        self.prepare = f"PREPARE {self.name} AS {self._sql}"
        arguments = ", ".join(["%s"] * len(self.parameters))
        self.execute = f"EXECUTE {self.name} ({arguments})" if arguments else f"EXECUTE {self.name}"

    def __call__(self, **parameters: Any) -> "Call":
        return Call(self, parameters)


def as_json(value: Any) -> str:
    """
    A parameter that holds many values, as one text in JSON: the driver takes longer over three hundred than over one.
    Pydantic's writer takes a quarter as long as Python's.
    """
    return to_json(value).decode()


Rows = list[tuple[Any, ...]]


class Call(NamedTuple):
    """A statement and its parameters."""

    statement: Prepared
    parameters: Mapping[str, Any]

    @property
    def values(self) -> list[Any]:
        """The parameters in the order in which the statement takes them."""
        return [self.parameters[name] for name in self.statement.parameters]


def send(*calls: Call) -> list[Rows]:
    """
    Executes these statements, one after another, in one round trip. Each sees what was committed before it began.

    :returns: the rows of each.
    """
    with connection.cursor() as cursor:
        prepare(*calls)
        cursor.execute(
            "; ".join(call.statement.execute for call in calls),
            [value for call in calls for value in call.values],
        )
        return [rows_of(cursor.cursor) for _ in calls]


def prepare(*calls: Call) -> None:
    """Prepares those of these statements that are not prepared yet on the connection, which must be open."""
    known = _prepared.setdefault(connection.connection, set())
    for statement in {call.statement.name: call.statement for call in calls}.values():
        if statement.name not in known:
            with connection.wrap_database_errors:
                connection.connection.execute(statement.prepare)
            known.add(statement.name)


def rows_of(results: Any) -> Rows:
    """
    The rows of the next of several statements that were sent in one text.

    :param results: the driver's own cursor: Django's wraps each call, and `description` makes an object of each column.
    """
    rows = results.fetchall() if results.pgresult.nfields else []
    results.nextset()
    return list(rows)
