"""Keeps the keys by which people are found, for migrations that run on the tables of an earlier release."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import connection

from casework.families.person_keys import keys_of_record
from casework.models import Person

KEEP = """
INSERT INTO casework_personkey (key, person_id)
SELECT DISTINCT hashtextextended(key, 0), person::bigint
FROM ROWS FROM (json_array_elements_text(%s), json_array_elements_text(%s)) AS kept(key, person)
ON CONFLICT DO NOTHING
"""


def people_on_record(people: Any, ids: Iterable[int]) -> list[Person]:
    """
    These people, as today's code takes them. Columns that their table gets later have their defaults.

    :param people: what asks for the columns that the table has now: the objects of the migration's own model.
    """
    return [Person(**row) for row in people.filter(pk__in=ids).values()]


def keep_keys(records: Iterable[Person], keys: Callable[[Person], Iterator[str]] = keys_of_record) -> None:
    """Keeps the keys by which today's code looks for these people, under the records that stand for them."""
    pairs = [(key, record.same_as_id or record.pk) for record in records for key in keys(record)]
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [json.dumps([key for key, _ in pairs]), json.dumps([person for _, person in pairs])])
