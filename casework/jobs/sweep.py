"""
The sweep: finds the clocks that are due and writes their reminders, in one statement.

A clock is due when its time is now or earlier, so reminders missed while the job was down are still sent. Any number of
sweeps may run at once. The cost follows the number of due clocks: the index `clock_to_sweep` holds running clocks only,
by the moment of their next step.
"""

from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction

from casework.deadlines.recipients import AWAY, STAFF, is_for, shut_out
from casework.models import ActorKind, ClockPolicy, Event, Message, Step
from casework.models.visibility import closes_from
from localities.models import FRONT_DOOR_KINDS, Role
from localities.working_time import local_day

# Planning and starting the statement costs about as much as 50 clocks. Rows stay locked for a moment only.
AT_ONCE = 2_000
# An address with this many reminders in the last hour gets the next ones together, at the next half hour.
MOST_EMAILS_AN_HOUR = 5
HALF_AN_HOUR = timedelta(minutes=30)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SWEEP = f"""
-- 1. Lock the clocks that are due.
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
    {STAFF}
), away AS (
    {AWAY}
-- 2. Find the responsible team of each clock, and the lead practitioner; and who covers, if they are away.
), responsible AS (
    SELECT due.id AS clock_id, due.step, policy.unit = %(hour)s AS is_urgent, policy.escalates_to,
           contact.id AS contact_id, COALESCE(due.case_id, handoff.case_id) AS case_id, due.handoff_id,
           COALESCE(contact.id, -due.case_id, -handoff.case_id) AS record,
           team.id AS team_id, team.email <> '' AS has_mailbox, team.kind = ANY(%(whole_teams)s) AS is_front_door,
           (SELECT staff.user_id FROM staff
            WHERE staff.user_id = subject_case.lead_practitioner_id AND staff.team_id = responsibility.team_id
            LIMIT 1) AS lead_id,
           away.person_id IS NOT NULL AS lead_is_away,
           (SELECT staff.user_id FROM staff
            WHERE staff.user_id = away.cover_id AND staff.team_id = responsibility.team_id
            LIMIT 1) AS cover_id
    FROM due
    JOIN casework_clockpolicy policy ON policy.id = due.policy_id
    LEFT JOIN casework_partnercheck partner_check ON partner_check.id = due.partner_check_id
    LEFT JOIN casework_contact contact ON contact.id = COALESCE(due.contact_id, partner_check.contact_id)
    LEFT JOIN casework_handoff handoff ON handoff.id = due.handoff_id
    LEFT JOIN casework_case subject_case ON subject_case.id = due.case_id
    LEFT JOIN casework_responsibility responsibility
           ON responsibility.case_id = due.case_id AND upper(responsibility.period) IS NULL
    LEFT JOIN away ON away.person_id = subject_case.lead_practitioner_id
    LEFT JOIN localities_team team ON team.id = COALESCE(contact.team_id, handoff.to_team_id, responsibility.team_id)
-- 3. Find who may not open the record of a clock. They get no reminder.
), {shut_out("responsible")}, restricted_clock AS (
    -- Prefer an owner who may open the record; siblings may have different owners.
    SELECT clock_id, COALESCE(
               min(owner_id) FILTER (WHERE (clock_id, owner_id) NOT IN (SELECT clock_id, user_id FROM may_not_open)),
               min(owner_id)) AS owner_id
    FROM closed GROUP BY clock_id
-- 4. Address each reminder: to a person, to a role in the team or in the service, or to the whole team.
), addressed AS (
    SELECT responsible.*, address.user_id, address.role,
           restricted_clock.clock_id IS NOT NULL AS is_restricted, restricted_clock.owner_id,
           CASE WHEN address.user_id IS NULL AND address.role <> %(service_manager)s THEN team_id END AS in_team_id
    FROM responsible
    LEFT JOIN restricted_clock ON restricted_clock.clock_id = responsible.clock_id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN step = %(warning)s AND (responsible.clock_id, responsible.lead_id) NOT IN
                         (SELECT clock_id, user_id FROM may_not_open)
                     AND (NOT lead_is_away OR cover_id IS NOT NULL AND (responsible.clock_id, responsible.cover_id)
                          NOT IN (SELECT clock_id, user_id FROM may_not_open)) THEN responsible.lead_id END AS lead_id
    ) with_lead
    CROSS JOIN LATERAL (
        SELECT CASE WHEN step = %(warning)s THEN with_lead.lead_id END AS user_id,
               CASE WHEN step = %(warning)s AND (with_lead.lead_id IS NOT NULL OR is_front_door) THEN ''
                    WHEN step = %(warning)s THEN %(team_lead)s
                    WHEN step = %(breach)s THEN escalates_to
                    ELSE %(service_manager)s END AS role
    ) address
-- 5. If nobody in the team has the role, address the service; if nobody in the service has it, the service managers. Of
--    a restricted record, only those count who may open it; if nobody may, address the owner of the restriction.
), reached AS (
    -- The number that its reminder will have, in the order of the clocks: nothing below has to be joined with this
    -- again, and messages go out in this order.
    SELECT nextval(pg_get_serial_sequence('casework_reminder', 'id')) AS reminder_id,
           clock_id, step, contact_id, case_id, handoff_id, is_urgent, is_restricted, somebody.is_last_resort,
           COALESCE(addressed.user_id, last_resort.user_id) AS user_id,
           CASE WHEN last_resort.user_id IS NOT NULL THEN ''
                WHEN addressed.user_id IS NOT NULL OR somebody.is_in_team OR somebody.is_in_service THEN role
                ELSE %(service_manager)s END AS role,
           CASE WHEN somebody.is_in_team THEN in_team_id END AS team_id
    FROM (SELECT * FROM addressed ORDER BY clock_id) addressed
    CROSS JOIN LATERAL (
        SELECT is_in_team, is_in_service,
               is_restricted AND addressed.user_id IS NULL AND NOT is_in_team AND NOT is_in_service AS is_last_resort
        FROM (
            SELECT CASE role WHEN '' THEN has_mailbox OR in_team_id IN (SELECT team_id FROM staff)
                   ELSE COALESCE((role, in_team_id) IN (SELECT role, team_id FROM staff), FALSE) END AS is_in_team,
                   role IN (SELECT role FROM staff) AS is_in_service
            WHERE NOT is_restricted
          UNION ALL
            SELECT COALESCE(bool_or(staff.team_id = in_team_id), FALSE),
                   COALESCE(bool_or(staff.role = addressed.role), FALSE)
            FROM staff
            WHERE is_restricted AND (addressed.role = '' OR staff.role = addressed.role)
              AND (addressed.clock_id, staff.user_id) NOT IN (SELECT clock_id, user_id FROM may_not_open)
            HAVING is_restricted
        ) either
    ) somebody
    CROSS JOIN LATERAL (
        SELECT CASE WHEN is_last_resort AND owner_id IN (SELECT user_id FROM staff) THEN owner_id END AS user_id
    ) last_resort
-- 6. Write the reminders. One that was made before stays the only one.
), reminder AS (
    INSERT INTO casework_reminder (id, clock_id, step, created_at, user_id, role, team_id)
    SELECT reminder_id, clock_id, step, %(now)s, user_id, role, team_id FROM reached
    ON CONFLICT (clock_id, step) DO NOTHING
    RETURNING id
), made AS (
    -- "IS TRUE" has PostgreSQL look each number up in a hash table. It takes few clocks to be due, and would otherwise
    -- compare each row with every other.
    SELECT * FROM reached WHERE (reminder_id IN (SELECT id FROM reminder)) IS TRUE
-- 7. Set the clocks to their next step.
), moved_on AS (
    UPDATE casework_clock clock
    SET next_at = CASE due.step WHEN %(warning)s THEN due.due_at WHEN %(breach)s THEN due.escalate_at END
    FROM due WHERE clock.id = due.id
-- 8. Find the e-mail addresses: the team's mailbox if it has one, else the addresses of its people; of one who is away
--    also that of who covers. Nobody knows who reads a mailbox: what is about a restricted record goes to people.
), addressee AS (
    SELECT address.*, team.email AS mailbox
    FROM (SELECT DISTINCT user_id, role, team_id, is_restricted FROM made) address
    LEFT JOIN localities_team team
           ON team.id = address.team_id AND address.role = '' AND team.email <> '' AND NOT address.is_restricted
), recipient AS (
    SELECT user_id, role, team_id, is_restricted, NULL::bigint AS staff_id, mailbox AS email, FALSE AS is_cover
    FROM addressee WHERE mailbox IS NOT NULL
  UNION
    SELECT addressee.user_id, addressee.role, addressee.team_id, addressee.is_restricted,
           CASE WHEN addressee.is_restricted THEN staff.user_id END, staff.email, FALSE
    FROM addressee JOIN staff ON {is_for("addressee", "staff")}
    WHERE addressee.mailbox IS NULL AND staff.email <> ''
  UNION
    SELECT addressee.user_id, addressee.role, addressee.team_id, addressee.is_restricted,
           CASE WHEN addressee.is_restricted THEN staff.user_id END, staff.email, TRUE
    FROM addressee
    JOIN away ON away.person_id = addressee.user_id
    JOIN staff ON staff.user_id = away.cover_id AND staff.email <> ''
-- 9. Count the recent reminders of each address, up to the number that matters.
), recent AS MATERIALIZED (
    SELECT address.email, (
        SELECT count(*) FROM (
            SELECT FROM casework_outboxmessage message
            WHERE message."to" = address.email AND message.reminder_id IS NOT NULL
              AND message.created_at > %(an_hour_ago)s
            LIMIT %(most_emails)s
        ) counted) AS emails
    FROM (SELECT DISTINCT email FROM recipient) address
-- 10. Write the messages: for now, or for the next half hour if the address had many. Clocks in hours never wait.
), message AS (
    INSERT INTO casework_outboxmessage (
        kind, idempotency_key, "to", contact_id, case_id, reminder_id, created_at, not_before, attempts, last_error,
        drop_reason
    )
    SELECT %(reminder)s, 'reminder:' || made.reminder_id || ':' || md5(recipient.email), recipient.email,
           made.contact_id, made.case_id, made.reminder_id, %(now)s,
           CASE WHEN recent.emails < %(most_emails)s OR made.is_urgent THEN %(now)s ELSE %(half_hour)s END, 0, '', ''
    FROM made
    JOIN recipient ON (COALESCE(recipient.user_id, 0), recipient.role, COALESCE(recipient.team_id, 0),
                       recipient.is_restricted)
                    = (COALESCE(made.user_id, 0), made.role, COALESCE(made.team_id, 0), made.is_restricted)
    JOIN recent ON recent.email = recipient.email
    WHERE NOT made.is_restricted OR (made.is_last_resort AND NOT recipient.is_cover)
       OR (made.clock_id, recipient.staff_id) NOT IN (SELECT clock_id, user_id FROM may_not_open)
    ORDER BY made.reminder_id
    ON CONFLICT (idempotency_key) DO NOTHING
-- 11. Record each reminder in the audit.
), recorded AS (
    INSERT INTO casework_auditevent (at, event, actor, contact_id, case_id, handoff_id, detail)
    SELECT %(now)s, %(reminder_sent)s, %(system)s, contact_id, case_id, handoff_id,
           jsonb_build_object('clock', clock_id, 'step', step)
    FROM made
)
SELECT count(*) FROM due
"""  # noqa: S608  # of our own constants


def sweep(*, now: datetime) -> int:
    """
    Writes the reminders of every clock that is due now, and of those that were missed.

    One statement handles up to `AT_ONCE` clocks. Its comments have the same numbers:

    1. Lock the clocks that are due: for a warning, a breach or an escalation. Clocks that others have locked are
       skipped.
    2. Find the responsible team of each clock, and the lead practitioner if they work in it. If they are away, find who
       covers and works in it, too.
    3. Find who may not open the record of a clock (`shut_out`), because somebody on it is restricted or they have a
       conflict of interest.
    4. Address each reminder. A warning goes to the lead practitioner, or without one, or if they are away and nobody
       covers, to the team leads; at the front
       door and on emergency duty, which have no lead practitioners, to the whole team. A breach goes to the policy's
       `escalates_to` role in the team, an escalation to the service managers.
    5. If nobody in the team has the role, address those who have it in the service; if nobody in the service has it,
       the service managers. Of a restricted record only those count who may open it; if nobody may, its owner gets the
       reminder, and in place of an owner who works here no longer the service managers, who can name another. So every
       missed deadline reaches somebody.
    6. Write the reminders. The unique key (clock, step) makes a second one impossible.
    7. Set the clocks to their next step.
    8. Find the e-mail addresses of the recipients (`deadlines/recipients.py`), each once. Who covers gets what goes to
       somebody who is away.
    9. Count the reminders of each address in the last hour.
    10. Write the messages. An address with many gets these at the next half hour, in one e-mail (`jobs/delivery.py`).
    11. Record each reminder in the audit.

    :returns: how many clocks were due. A clock that warns, breaches and escalates counts three times.
    """
    swept = 0
    while (found := _sweep_some(now)) > 0:
        swept += found
    return swept


@transaction.atomic
def _sweep_some(now: datetime) -> int:
    parameters: dict[str, datetime | date | float | str | list[str]] = {
        "now": now,
        "careful": closes_from(),
        "an_hour_ago": now - timedelta(hours=1),
        "half_hour": now + HALF_AN_HOUR - (now - EPOCH) % HALF_AN_HOUR,
        "most_emails": MOST_EMAILS_AN_HOUR,
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
        cursor.execute(SWEEP, parameters)
        row = cursor.fetchone()
    return int(row[0])
