"""
The recipients of a reminder: one person, everybody who has a role in a team or in the service, or a whole team.

The sweep writes to the same people (`jobs/sweep.py`).
"""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import Q, QuerySet

from casework.models import Reminder, Step
from localities.models import Team, User
from localities.roles import roles_of
from localities.working_time import local_day

# The breaches and escalations of running clocks that a recipient has not seen, counted by recipient.
UNREAD = """
SELECT person.name, team.name, count(DISTINCT reminder.id), min(reminder.created_at)
FROM casework_clock clock
JOIN casework_reminder reminder ON reminder.clock_id = clock.id AND reminder.step <> %(warning)s
JOIN localities_membership membership ON (
       reminder.user_id = membership.user_id
    OR (reminder.role = membership.role AND (reminder.team_id IS NULL OR reminder.team_id = membership.team_id))
    OR (reminder.role = '' AND reminder.team_id = membership.team_id))
    AND (membership.starts_on IS NULL OR membership.starts_on <= %(today)s)
    AND (membership.ends_on IS NULL OR membership.ends_on >= %(today)s)
JOIN localities_user person ON person.id = membership.user_id AND person.is_active
LEFT JOIN localities_team team ON team.id = membership.team_id
WHERE clock.stopped_at IS NULL AND clock.paused_at IS NULL AND clock.due_at <= %(now)s
  AND (%(teams)s::bigint[] IS NULL OR membership.team_id = ANY(%(teams)s))
  AND NOT EXISTS (
      SELECT FROM casework_reminderlook look WHERE look.reminder_id = reminder.id AND look.user_id = person.id)
GROUP BY person.id, person.name, team.name
ORDER BY min(reminder.created_at), person.name
LIMIT 100
"""


@dataclass(frozen=True)
class Unread:
    """A person, the team for which they got the reminders, and the number and first moment of unseen breaches."""

    person: str
    team: str | None
    count: int
    since: datetime


def reminders_of(user: User, now: datetime) -> QuerySet[Reminder]:
    """The reminders for this user."""
    mine = Q(user=user)
    for each in roles_of(user, local_day(now)).roles:
        mine |= Q(role=each.role, team__isnull=True)
        if each.team_id is not None:
            mine |= Q(team=each.team_id, role__in=["", each.role])
    return Reminder.objects.filter(mine)


def unread_breaches(teams: list[Team] | None, now: datetime) -> list[Unread]:
    """Who has unseen breaches, in these teams or (None) in the whole service."""
    names: dict[str, str | date | datetime | list[int] | None] = {
        "warning": Step.WARNING.value,
        "today": local_day(now),
        "now": now,
        "teams": None if teams is None else [team.pk for team in teams],
    }
    with connection.cursor() as cursor:
        cursor.execute(UNREAD, names)
        return [Unread(*row) for row in cursor.fetchall()]
