"""Threshold checks: how many an agency makes. What they were about is kept nowhere."""

from datetime import datetime

from django.db import connection

from localities.models import Agency
from localities.working_time import local_day

# One statement, in which the row that is there is locked and counted on: nobody is counted twice, or lost.
COUNT_ONE_MORE = """
INSERT INTO casework_thresholdchecks AS counted (agency_id, day, count) VALUES (%s, %s, 1)
ON CONFLICT (agency_id, day) DO UPDATE SET count = counted.count + 1
"""


def count(*, by: Agency, now: datetime) -> None:
    """
    Count one threshold check for its agency and the local day.

    It writes no audit event: there is no record that it could speak of, and the facts are not to be kept.
    """
    with connection.cursor() as cursor:
        cursor.execute(COUNT_ONE_MORE, [by.pk, local_day(now)])
