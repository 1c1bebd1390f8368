"""
The recipients of a reminder: one person, everybody who has a role in a team or in the service, or a whole team.

The rule stands once, in `WAYS`. The sweep (`jobs/sweep.py`), the worklists and the list of unread breaches read it.

A reminder about a restricted record is only for those of them who may open it.

While somebody is away, what is for them alone is also for who covers for them, in the teams where both work.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from casework.models import Absence, Contact, Reminder, Responsibility, Step
from casework.models.indexes import is_among
from casework.models.visibility import CLOSES, KEEPS_OUT, closes_from, is_open_clock
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


# Who is away today, and who covers for them: somebody who is here. Needs the parameter `today`.
AWAY = """
    SELECT absence.person_id, cover.id AS cover_id
    FROM casework_absence absence
    LEFT JOIN localities_user cover ON cover.id = absence.covered_by_id AND cover.is_active AND NOT EXISTS (
        SELECT FROM casework_absence other
        WHERE other.person_id = cover.id AND other.withdrawn_at IS NULL
          AND other.first_day <= %(today)s AND other.last_day >= %(today)s)
    WHERE absence.withdrawn_at IS NULL AND absence.first_day <= %(today)s AND absence.last_day >= %(today)s
"""
COVER_OF = f"SELECT cover_id FROM ({AWAY}) away WHERE person_id = %(user)s"  # noqa: S608  # of our own constant


def is_for(reminder: str, membership: str) -> str:
    """The rule in SQL: whether the reminder of one row is for the person of the membership of another."""

    def term(column: str, value: str | None) -> str:
        if value is None:
            return f"{reminder}.{column} IS NULL"
        return f"{reminder}.{column} = " + (f"{membership}.{value}" if value else "''")

    ways = (" AND ".join(term(column, value) for column, value in way.items()) for way in WAYS)
    return f"({' OR '.join(f'({way})' for way in ways)})"


def shut_out(of: str) -> str:
    """
    The CTEs `closed` and `may_not_open` in SQL: the restrictions of the people on each clock's record and the conflicts
    of interest in them; and the staff who therefore may not open it.

    It begins with the people who are restricted, or in whom somebody has a conflict of interest, and with whoever may
    be one of them: they are few. The rule is that of `CLOSED_PEOPLE` in `models/visibility.py`.

    :param of: the CTE of the clocks: `clock_id`, and `record`, which is a contact's id or a case's id times -1. Needs
        the CTE `staff` and the parameters `now` and `careful` (`closes_from`).
    """
    return f"""
watched AS (
    SELECT COALESCE(person.same_as_id, person.id) AS person_id, restriction.id AS restriction_id,
           restriction.owner_id, NULL::bigint AS user_id
    FROM casework_restriction restriction JOIN casework_person person ON person.id = restriction.person_id
    WHERE restriction.lifted_at IS NULL
  UNION ALL
    SELECT COALESCE(person.same_as_id, person.id), NULL, NULL, conflict.user_id
    FROM casework_conflictofinterest conflict
    JOIN casework_conflictperson among ON among.conflict_id = conflict.id
    JOIN casework_person person ON person.id = among.person_id
    WHERE conflict.ended_at IS NULL
), closed AS (
    SELECT DISTINCT clock.clock_id, watched.restriction_id, watched.owner_id, watched.user_id
    FROM watched
    JOIN {CLOSES.format("ARRAY(SELECT DISTINCT person_id FROM watched)")} either USING (person_id)
    CROSS JOIN LATERAL (
        SELECT contact_id AS record FROM casework_contactchild WHERE person_id = either.closed_id
      UNION ALL
        SELECT contact_id FROM casework_contactadult WHERE person_id = either.closed_id
      UNION ALL
        SELECT -case_id FROM casework_casechild WHERE person_id = either.closed_id
      UNION ALL
        SELECT -contact.case_id
        FROM casework_contactadult adult JOIN casework_contact contact ON contact.id = adult.contact_id
        WHERE adult.person_id = either.closed_id
    ) on_record
    JOIN {of} clock ON clock.record = on_record.record
), may_not_open AS (
    SELECT DISTINCT closed.clock_id, somebody.user_id
    FROM closed
    JOIN (SELECT DISTINCT user_id FROM staff) somebody ON CASE
        WHEN closed.restriction_id IS NULL THEN somebody.user_id = closed.user_id
        ELSE {KEEPS_OUT.format("closed.restriction_id", "closed.owner_id", "NULL", "somebody.user_id")}
        END
)
"""  # noqa: S608  # of our own constants


# The reminders for a user about a contact or a case that they have not seen. The clocks of a contact are its own
# and those of its partner checks; of a case, its own and those of its handoffs. A union, because PostgreSQL would read
# every clock for conditions on several tables joined by OR.
UNSEEN_ABOUT = f"""
WITH staff AS (
    {STAFF} AND membership.user_id = %(user)s
), about AS (
    SELECT id FROM casework_clock WHERE contact_id = %(contact)s
  UNION ALL
    SELECT clock.id FROM casework_partnercheck partner_check
    JOIN casework_clock clock ON clock.partner_check_id = partner_check.id
    WHERE partner_check.contact_id = %(contact)s
  UNION ALL
    SELECT id FROM casework_clock WHERE case_id = %(case)s
  UNION ALL
    SELECT clock.id FROM casework_handoff handoff JOIN casework_clock clock ON clock.handoff_id = handoff.id
    WHERE handoff.case_id = %(case)s
)
SELECT reminder.id FROM about JOIN casework_reminder reminder ON reminder.clock_id = about.id
WHERE (EXISTS (SELECT FROM staff WHERE {is_for("reminder", "staff")})
       OR reminder.user_id IN (SELECT person_id FROM ({AWAY}) away WHERE cover_id = %(user)s))
  AND NOT EXISTS (
      SELECT FROM casework_reminderlook look WHERE look.reminder_id = reminder.id AND look.user_id = %(user)s)
"""  # noqa: S608  # of our own constants

# The breaches and escalations of running clocks that a recipient has not seen, counted by recipient.
UNREAD = f"""
WITH staff AS (
    {STAFF}
), late AS (
    SELECT clock.id AS clock_id,
           COALESCE(clock.contact_id, partner_check.contact_id, -clock.case_id, -handoff.case_id) AS record
    FROM casework_clock clock
    LEFT JOIN casework_partnercheck partner_check ON partner_check.id = clock.partner_check_id
    LEFT JOIN casework_handoff handoff ON handoff.id = clock.handoff_id
    WHERE clock.stopped_at IS NULL AND clock.paused_at IS NULL AND clock.due_at <= %(now)s
), {shut_out("late")}
SELECT staff.name, team.name, count(DISTINCT reminder.id), min(reminder.created_at)
FROM late
JOIN casework_reminder reminder ON reminder.clock_id = late.clock_id AND reminder.step <> %(warning)s
JOIN staff ON {is_for("reminder", "staff")}
LEFT JOIN localities_team team ON team.id = staff.team_id
WHERE (%(teams)s::bigint[] IS NULL OR staff.team_id = ANY(%(teams)s))
  AND (late.clock_id, staff.user_id) NOT IN (SELECT clock_id, user_id FROM may_not_open)
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
    """The reminders for this user, and for whom they cover, about records that they may open."""
    today = local_day(now)
    who = roles_of(user, today)
    away = Absence.objects.on(today).filter(covered_by=user).order_by().values("person")
    # A colleague may also work in a team in which the user does not.
    with_us = Responsibility.objects.filter(
        case=OuterRef("clock__case"), period__endswith__isnull=True, team__in=who.team_ids
    )
    # In one order, so that the statement is the same each time; and each condition once.
    mine = dict.fromkeys((Q(user_id=user.pk), Q(is_among(away, "user_id")) & Q(Exists(with_us))))
    for membership in who.roles:
        row = {"user_id": user.pk, "role": membership.role, "team_id": membership.team_id}
        for way in WAYS:
            # A membership without a team matches no team, as in SQL nothing equals null.
            if all(row[value] is not None for value in way.values() if value):
                mine[Q(**{column: row[value] if value else value for column, value in way.items()})] = None
    return Reminder.objects.filter(reduce(or_, mine)).filter(is_open_clock(user, now, "clock__"))


def unread_breaches(teams: list[Team] | None, now: datetime) -> list[Unread]:
    """Who has unseen breaches, in these teams or (None) in the whole service."""
    parameters: dict[str, str | float | date | datetime | list[int] | None] = {
        "warning": Step.WARNING.value,
        "today": local_day(now),
        "now": now,
        "careful": closes_from(),
        "teams": None if teams is None else [team.pk for team in teams],
    }
    with connection.cursor() as cursor:
        cursor.execute(UNREAD, parameters)
        return [Unread(*row) for row in cursor.fetchall()]


def cover_of(user: User, contact: Contact, now: datetime) -> User | None:
    """Who covers for this user today, if they are away: somebody who is here, and may see the contact."""
    with connection.cursor() as cursor:
        cursor.execute(COVER_OF, {"today": local_day(now), "user": user.pk})
        row = cursor.fetchone()
    cover = User.objects.get(pk=row[0]) if row and row[0] else None
    return cover if cover and Contact.objects.visible_to(cover, now).filter(pk=contact.pk).exists() else None
