"""
The recipients of a reminder: one person, everybody who has a role in a team or in the service, or a whole team.

The rule stands once, in `WAYS`. The sweep (`jobs/sweep.py`), the worklists and the list of unread breaches read it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_

from django.db import connection
from django.db.models import Q, QuerySet

from casework.models import Reminder, Step
from localities.models import Team, User
from localities.roles import roles_of
from localities.working_time import local_day

# A reminder is for the person of a membership when its columns are those of the membership, in one of these ways. None
# and the empty string stand for themselves: no team is the whole service, no role is everybody.
WAYS: tuple[dict[str, str | None], ...] = (
    {"user_id": "user_id"},
    {"role": "role", "team_id": "team_id"},
    {"role": "role", "team_id": None},
    {"role": "", "team_id": "team_id"},
)

# The memberships of today, of people who can sign in. Needs the parameter `today`.
STAFF = """
    SELECT membership.user_id, membership.role, membership.team_id, person.name, person.email
    FROM localities_membership membership
    JOIN localities_user person ON person.id = membership.user_id AND person.is_active
    WHERE (membership.starts_on IS NULL OR membership.starts_on <= %(today)s)
      AND (membership.ends_on IS NULL OR membership.ends_on >= %(today)s)
"""


def is_for(reminder: str, membership: str) -> str:
    """The rule in SQL: whether the reminder of one row is for the person of the membership of another."""

    def term(column: str, value: str | None) -> str:
        if value is None:
            return f"{reminder}.{column} IS NULL"
        return f"{reminder}.{column} = " + (f"{membership}.{value}" if value else "''")

    ways = (" AND ".join(term(column, value) for column, value in way.items()) for way in WAYS)
    return f"({' OR '.join(f'({way})' for way in ways)})"


# The breaches and escalations of running clocks that a recipient has not seen, counted by recipient.
UNREAD = f"""
SELECT staff.name, team.name, count(DISTINCT reminder.id), min(reminder.created_at)
FROM casework_clock clock
JOIN casework_reminder reminder ON reminder.clock_id = clock.id AND reminder.step <> %(warning)s
JOIN ({STAFF}) staff ON {is_for("reminder", "staff")}
LEFT JOIN localities_team team ON team.id = staff.team_id
WHERE clock.stopped_at IS NULL AND clock.paused_at IS NULL AND clock.due_at <= %(now)s
  AND (%(teams)s::bigint[] IS NULL OR staff.team_id = ANY(%(teams)s))
  AND NOT EXISTS (
      SELECT FROM casework_reminderlook look
      WHERE look.reminder_id = reminder.id AND look.user_id = staff.user_id)
GROUP BY staff.user_id, staff.name, team.name
ORDER BY min(reminder.created_at), staff.name
LIMIT 100
"""  # noqa: S608  # of our own constants


@dataclass(frozen=True)
class Unread:
    """A person, the team for which they got the reminders, and the number and first moment of unseen breaches."""

    person: str
    team: str | None
    count: int
    since: datetime


def reminders_of(user: User, now: datetime) -> QuerySet[Reminder]:
    """The reminders for this user."""
    mine = {Q(user_id=user.pk)}
    for membership in roles_of(user, local_day(now)).roles:
        row = {"user_id": user.pk, "role": membership.role, "team_id": membership.team_id}
        for way in WAYS:
            # A membership without a team matches no team, as in SQL nothing equals null.
            if all(row[value] is not None for value in way.values() if value):
                mine.add(Q(**{column: row[value] if value else value for column, value in way.items()}))
    return Reminder.objects.filter(reduce(or_, mine))


def unread_breaches(teams: list[Team] | None, now: datetime) -> list[Unread]:
    """Who has unseen breaches, in these teams or (None) in the whole service."""
    parameters: dict[str, str | date | datetime | list[int] | None] = {
        "warning": Step.WARNING.value,
        "today": local_day(now),
        "now": now,
        "teams": None if teams is None else [team.pk for team in teams],
    }
    with connection.cursor() as cursor:
        cursor.execute(UNREAD, parameters)
        return [Unread(*row) for row in cursor.fetchall()]
