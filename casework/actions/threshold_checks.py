"""Counts an agency's threshold checks. Nothing else about them is stored."""

from datetime import datetime

from django.db import connection

from localities.models import Agency
from localities.working_time import local_day

# One statement, so that two checks at the same moment are both counted.
COUNT_ONE_MORE = """
INSERT INTO casework_thresholdchecks AS counted (agency_id, day, count) VALUES (%s, %s, 1)
ON CONFLICT (agency_id, day) DO UPDATE SET count = counted.count + 1
"""


def count(*, by: Agency, now: datetime) -> None:
    """
    Counts one threshold check for its agency and the local day.

    It writes no audit event: there is no record to refer to, and the facts must not be stored.
    """
    with connection.cursor() as cursor:
        cursor.execute(COUNT_ONE_MORE, [by.pk, local_day(now)])
