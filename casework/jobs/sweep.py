"""
The sweep: finds what is due and tells those who must know, in one statement.

`<= now`, never `= today`: a missed hour is caught up. Locked rows are skipped, so that any number of sweepers may run
at once, and the reminder's own key (clock, step) makes a second telling impossible. The cost follows what is due:
the index `clock_to_sweep` holds running clocks only, by the moment at which they next need a look.
"""

from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction

from casework.models import ActorKind, ClockPolicy, Event, Message, Step
from localities.models import FRONT_DOOR_KINDS, Role
from localities.working_time import local_day

# Planning and starting the statement costs as much as some fifty clocks; what is locked, is locked for a moment only.
AT_ONCE = 2_000
# Letters in an hour from which on the next ones are gathered.
MANY = 5
HALF_AN_HOUR = timedelta(minutes=30)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# A warning goes to the holder: the lead practitioner while they work in the team; without one, those who lead the team;
# at the front door and on emergency duty, where nobody leads the work with a family, the whole team. A breach goes to
# the policy's `escalates_to` role in the team, and an escalation to the service manager. A role that nobody has in the
# team is sought in the whole service; one that nobody has at all is the service manager's: a promise is never broken in
# silence.
#
# Who had many letters in the last hour gets what comes now at the next half hour, together: the outbox puts what waits
# for one address into one letter. What counts in hours does not wait.
SWEEP = """
WITH due AS (
    SELECT clock.id, clock.policy_id, clock.contact_id, clock.case_id, clock.handoff_id, clock.partner_check_id,
           clock.due_at, clock.escalate_at,
           CASE WHEN clock.next_at >= clock.escalate_at THEN %(escalation)s
                WHEN clock.next_at >= clock.due_at THEN %(breach)s
                ELSE %(warning)s END AS step
    FROM casework_clock clock
    WHERE clock.stopped_at IS NULL AND clock.next_at <= %(now)s
    ORDER BY clock.next_at
    LIMIT %(at_once)s
    FOR UPDATE SKIP LOCKED
), staff AS (
    SELECT membership.user_id, membership.role, membership.team_id, person.email
    FROM localities_membership membership
    JOIN localities_user person ON person.id = membership.user_id AND person.is_active
    WHERE (membership.starts_on IS NULL OR membership.starts_on <= %(today)s)
      AND (membership.ends_on IS NULL OR membership.ends_on >= %(today)s)
), meant AS (
    SELECT due.id AS clock_id, due.step,
           contact.id AS contact_id, COALESCE(due.case_id, handoff.case_id) AS case_id, due.handoff_id,
           policy.unit = %(hour)s AS is_urgent,
           CASE WHEN due.step = %(warning)s THEN lead.user_id END AS user_id,
           CASE WHEN due.step = %(warning)s AND (lead.user_id IS NOT NULL OR holder.kind = ANY(%(whole_teams)s)) THEN ''
                WHEN due.step = %(warning)s THEN %(team_lead)s
                WHEN due.step = %(breach)s THEN policy.escalates_to
                ELSE %(service_manager)s END AS role,
           CASE WHEN due.step = %(warning)s AND lead.user_id IS NOT NULL THEN NULL
                WHEN due.step = %(escalation)s OR (due.step = %(breach)s AND policy.escalates_to = %(service_manager)s)
                THEN NULL
                ELSE holder.id END AS team_id,
           holder.email <> '' AS has_mailbox
    FROM due
    JOIN casework_clockpolicy policy ON policy.id = due.policy_id
    LEFT JOIN casework_partnercheck asked ON asked.id = due.partner_check_id
    LEFT JOIN casework_contact contact ON contact.id = COALESCE(due.contact_id, asked.contact_id)
    LEFT JOIN casework_handoff handoff ON handoff.id = due.handoff_id
    LEFT JOIN casework_case subject_case ON subject_case.id = due.case_id
    LEFT JOIN casework_responsibility held ON held.case_id = due.case_id AND upper(held.period) IS NULL
    LEFT JOIN localities_team holder ON holder.id = COALESCE(contact.team_id, handoff.to_team_id, held.team_id)
    LEFT JOIN LATERAL (
        SELECT user_id FROM staff WHERE user_id = subject_case.lead_practitioner_id AND team_id = held.team_id LIMIT 1
    ) lead ON true
), told AS (
    SELECT clock_id, step, contact_id, case_id, handoff_id, is_urgent, user_id,
           CASE WHEN user_id IS NOT NULL OR is_heard OR role IN (SELECT role FROM staff) THEN role
                ELSE %(service_manager)s END AS role,
           CASE WHEN is_heard THEN team_id END AS team_id
    FROM meant
    CROSS JOIN LATERAL (
        SELECT CASE role WHEN '' THEN has_mailbox OR team_id IN (SELECT team_id FROM staff)
               ELSE (role, team_id) IN (SELECT role, team_id FROM staff) END AS is_heard
    ) somebody
), made AS (
    INSERT INTO casework_reminder (clock_id, step, created_at, user_id, role, team_id)
    SELECT clock_id, step, %(now)s, user_id, role, team_id FROM told ORDER BY clock_id
    ON CONFLICT (clock_id, step) DO NOTHING
    RETURNING id, clock_id, step, user_id, role, team_id
), moved AS (
    UPDATE casework_clock clock
    SET next_at = CASE due.step WHEN %(warning)s THEN due.due_at WHEN %(breach)s THEN due.escalate_at END
    FROM due WHERE clock.id = due.id
), recipients AS (
    SELECT made.id AS reminder_id, person.email
    FROM made JOIN localities_user person ON person.id = made.user_id
  UNION
    SELECT made.id, team.email
    FROM made JOIN localities_team team ON team.id = made.team_id
    WHERE made.role = '' AND team.email <> ''
  UNION
    SELECT made.id, staff.email
    FROM made
    JOIN localities_team team ON team.id = made.team_id
    JOIN staff ON staff.team_id = made.team_id
    WHERE made.role = '' AND team.email = ''
  UNION
    SELECT made.id, staff.email
    FROM made JOIN staff ON staff.role = made.role AND (made.team_id IS NULL OR staff.team_id = made.team_id)
), lately AS MATERIALIZED (
    -- Once for each person, and no further than it matters.
    SELECT person.email, (
        SELECT count(*) FROM (
            SELECT FROM casework_outboxmessage message
            WHERE message."to" = person.email AND message.reminder_id IS NOT NULL
              AND message.created_at > %(an_hour_ago)s
            LIMIT %(many)s
        ) letter) AS letters
    FROM (SELECT DISTINCT email FROM recipients) person
), written AS (
    INSERT INTO casework_outboxmessage (
        kind, idempotency_key, "to", contact_id, case_id, reminder_id, created_at, not_before, attempts, last_error,
        drop_reason
    )
    SELECT %(reminder)s, 'reminder:' || recipients.reminder_id || ':' || md5(recipients.email), recipients.email,
           told.contact_id, told.case_id, recipients.reminder_id, %(now)s,
           CASE WHEN lately.letters < %(many)s OR told.is_urgent THEN %(now)s ELSE %(half_hour)s END, 0, '', ''
    FROM recipients
    JOIN lately ON lately.email = recipients.email
    JOIN made ON made.id = recipients.reminder_id
    JOIN told ON told.clock_id = made.clock_id
    WHERE recipients.email <> ''
    ORDER BY recipients.reminder_id
), recorded AS (
    INSERT INTO casework_auditevent (at, event, actor, contact_id, case_id, handoff_id, detail)
    SELECT %(now)s, %(reminder_sent)s, %(system)s, told.contact_id, told.case_id, told.handoff_id,
           jsonb_build_object('clock', made.clock_id, 'step', made.step)
    FROM made JOIN told ON told.clock_id = made.clock_id
)
SELECT count(*) FROM due
"""


def sweep(*, now: datetime) -> int:
    """
    Tell everybody about everything that is due at this moment, and about what was missed.

    :returns: how many clocks were looked at. One that warns, is late and is still late is looked at three times.
    """
    swept = 0
    while (found := _sweep_some(now)) > 0:
        swept += found
    return swept


@transaction.atomic
def _sweep_some(now: datetime) -> int:
    names: dict[str, datetime | date | int | str | list[str]] = {
        "now": now,
        "an_hour_ago": now - timedelta(hours=1),
        "half_hour": now + HALF_AN_HOUR - (now - EPOCH) % HALF_AN_HOUR,
        "many": MANY,
        "hour": ClockPolicy.Unit.HOUR.value,
        "today": local_day(now),
        "at_once": AT_ONCE,
        "warning": Step.WARNING.value,
        "breach": Step.BREACH.value,
        "escalation": Step.ESCALATION.value,
        "team_lead": Role.TEAM_LEAD.value,
        "whole_teams": [kind.value for kind in FRONT_DOOR_KINDS],
        "service_manager": Role.SERVICE_MANAGER.value,
        "reminder": Message.REMINDER.value,
        "reminder_sent": Event.REMINDER_SENT.value,
        "system": ActorKind.SYSTEM.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(SWEEP, names)
        row = cursor.fetchone()
    return int(row[0])
