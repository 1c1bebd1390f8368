"""
The report on how partners answer: by agency, how many requests there were, how long the answers took, and how many were
late.

It counts requests, and says nothing of a child. Source: domain/front-door.md, "partner replies up to 16 days".
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from casework.reports.period import Period

BY_AGENCY = """
SELECT agency.name, count(*), count(*) FILTER (WHERE asked.key IS NOT NULL),
       count(*) FILTER (WHERE asked.status = 'answered'),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY asked.ended_at - asked.asked_at)
           FILTER (WHERE asked.status = 'answered'),
       max(asked.ended_at - asked.asked_at) FILTER (WHERE asked.status = 'answered'),
       count(*) FILTER (WHERE asked.status <> 'withdrawn' AND COALESCE(asked.ended_at, %(now)s) > due.at),
       count(*) FILTER (WHERE asked.status = 'withdrawn')
FROM casework_partnercheck asked
JOIN localities_agency agency ON agency.id = asked.agency_id
LEFT JOIN LATERAL (
    SELECT max(clock.due_at) AS at FROM casework_clock clock WHERE clock.partner_check_id = asked.id
) due ON TRUE
WHERE asked.asked_at >= %(starts_at)s AND asked.asked_at < %(ends_at)s
GROUP BY agency.id, agency.name
ORDER BY 7 DESC, agency.name
"""


@dataclass(frozen=True)
class Answers:
    """
    How one agency answers. `median` and `longest` are of what it answered, night and weekend included; None where it
    answered nothing. `late`: answered after it was due, or not yet. `not_waited_for`: withdrawn, or decided without it.
    """

    agency: str
    asked: int
    in_system: int
    answered: int
    median: timedelta | None
    longest: timedelta | None
    late: int
    not_waited_for: int


def report(period: Period, *, now: datetime) -> list[Answers]:
    """How each agency that was asked on these days answers, those with the most late answers first."""
    with connection.cursor() as cursor:
        cursor.execute(BY_AGENCY, {"now": now, "starts_at": period.starts_at, "ends_at": period.ends_at})
        return [Answers(*row) for row in cursor.fetchall()]
