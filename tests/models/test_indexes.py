"""Each insert pays for every index of its table."""

import pytest
from django.db import connection

BEGINNINGS = """
SELECT of_table.relname, shorter.indexrelid::regclass::text, longer.indexrelid::regclass::text
FROM pg_index shorter
JOIN pg_index longer ON longer.indrelid = shorter.indrelid AND longer.indexrelid <> shorter.indexrelid
JOIN pg_class of_table ON of_table.oid = shorter.indrelid
WHERE of_table.relnamespace = 'public'::regnamespace AND NOT shorter.indisunique
  AND shorter.indpred IS NULL AND longer.indpred IS NULL AND shorter.indexprs IS NULL AND longer.indexprs IS NULL
  AND (longer.indkey::smallint[])[0:shorter.indnkeyatts - 1] = (shorter.indkey::smallint[])[0:shorter.indnkeyatts - 1]
  AND (longer.indclass::oid[])[0:shorter.indnkeyatts - 1] = (shorter.indclass::oid[])[0:shorter.indnkeyatts - 1]
"""
# Django's and other packages' own tables are as they make them.
OURS = ("casework_", "localities_", "triage_")


@pytest.mark.django_db
def test_no_index_is_the_beginning_of_another() -> None:
    with connection.cursor() as cursor:
        cursor.execute(BEGINNINGS)
        found = cursor.fetchall()
    assert [pair for table, *pair in found if table.startswith(OURS)] == []
