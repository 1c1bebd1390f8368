"""
What must never be false, counted over the whole database by SQL.

The database refuses all of this as it is written; this looks again at what stands there, and whether the refusals
themselves still stand.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pgtrigger
from django.apps import apps
from django.db import connection, models


@dataclass(frozen=True)
class Invariant:
    """Something that must never be false. `counts` is SQL that counts where it is."""

    says: str
    counts: str


@dataclass(frozen=True)
class Finding:
    """How often an invariant is broken."""

    says: str
    broken: int


INVARIANTS = (
    Invariant(
        "A case has one responsible team at an instant",
        """SELECT count(*) FROM casework_responsibility a JOIN casework_responsibility b
           ON a.case_id = b.case_id AND a.id < b.id AND a.period && b.period""",
    ),
    Invariant(
        "An open case has a responsible team now, and a closed one none",
        """SELECT count(*) FROM casework_case c WHERE (c.status = 'open') IS DISTINCT FROM EXISTS (
               SELECT FROM casework_responsibility r WHERE r.case_id = c.id AND upper_inf(r.period))""",
    ),
    Invariant(
        "From its opening to its closing a case is in somebody's hands without a gap",
        """SELECT count(*) FROM casework_case c
           LEFT JOIN (SELECT case_id, range_agg(period) AS held FROM casework_responsibility GROUP BY case_id) r
           ON r.case_id = c.id
           WHERE r.held IS DISTINCT FROM tstzmultirange(tstzrange(c.opened_at, c.closed_at))""",
    ),
    Invariant(
        "A case has at most one open handoff",
        """SELECT count(*) FROM (
               SELECT FROM casework_handoff WHERE status = 'offered' GROUP BY case_id HAVING count(*) > 1) twice""",
    ),
    Invariant(
        "Only an accepted handoff passes responsibility, and it does so once, in the instant of its acceptance",
        """SELECT count(*) FROM casework_handoff h WHERE (h.status = 'accepted') IS DISTINCT FROM EXISTS (
               SELECT FROM casework_responsibility r
               WHERE r.handoff_id = h.id AND r.team_id = h.to_team_id AND lower(r.period) = h.answered_at)""",
    ),
    Invariant(
        "A decision has a rationale",
        "SELECT count(*) FROM casework_decision WHERE rationale !~ '\\S'",
    ),
    Invariant(
        "A decision that needs a second person takes effect only when one agreed, who is not the decider",
        """SELECT count(*) FROM casework_contact c JOIN casework_decision d ON d.id = c.decision_in_effect_id
           WHERE d.contact_id <> c.id OR (d.needs_sign_off AND NOT EXISTS (
               SELECT FROM casework_signoff s
               WHERE s.decision_id = d.id AND s.agreed AND s.by_id <> d.decided_by_id))""",
    ),
    Invariant(
        "An agency uses an idempotency key once",
        """SELECT count(*) FROM (
               SELECT FROM casework_contact WHERE idempotency_key IS NOT NULL AND agency_id IS NOT NULL
               GROUP BY agency_id, idempotency_key HAVING count(*) > 1) twice""",
    ),
    Invariant(
        "A postcode prefix belongs to one locality on a day",
        """SELECT count(*) FROM localities_catchment a JOIN localities_catchment b
           ON a.prefix = b.prefix AND a.id < b.id AND a.period && b.period""",
    ),
    Invariant(
        "One rule set is live at an instant",
        """SELECT count(*) FROM triage_rulesetversion a JOIN triage_rulesetversion b
           ON a.id < b.id AND a.live && b.live""",
    ),
    Invariant(
        "A contact that was received has a recommendation, by a version that was live then",
        """SELECT count(*) FROM casework_contact c WHERE c.recommendation_id IS NULL OR NOT EXISTS (
               SELECT FROM casework_recommendation r JOIN triage_rulesetversion v ON v.id = r.rule_set_id
               WHERE r.id = c.recommendation_id AND r.contact_id = c.id AND v.live @> c.received_at)""",
    ),
    Invariant(
        "A contact that waits for its decision has its clocks running",
        """SELECT count(*) FROM casework_contact c WHERE c.status <> 'decided' AND NOT (
               EXISTS (SELECT FROM casework_clock k WHERE k.contact_id = c.id AND k.stopped_at IS NULL
                       AND k.kind = 'next_step_decision')
               AND EXISTS (SELECT FROM casework_clock k WHERE k.contact_id = c.id AND k.stopped_at IS NULL
                       AND k.kind = 'final_decision_' || c.rag))""",
    ),
    Invariant(
        "A handoff on offer has its clock running, and an answered one has none",
        """SELECT count(*) FROM casework_handoff h WHERE (h.status = 'offered') IS DISTINCT FROM EXISTS (
               SELECT FROM casework_clock k WHERE k.handoff_id = h.id AND k.stopped_at IS NULL)""",
    ),
    Invariant(
        "A closed case has no clock running",
        """SELECT count(*) FROM casework_clock k JOIN casework_case c ON c.id = k.case_id
           WHERE c.status = 'closed' AND k.stopped_at IS NULL""",
    ),
    Invariant(
        "A contact's arrival and a case's opening are in the audit",
        """SELECT (SELECT count(*) FROM casework_contact c WHERE NOT EXISTS (
               SELECT FROM casework_auditevent e WHERE e.contact_id = c.id AND e.event = 'contact_received'))
           + (SELECT count(*) FROM casework_case c WHERE NOT EXISTS (
               SELECT FROM casework_auditevent e WHERE e.case_id = c.id AND e.event = 'case_opened'))""",
    ),
    Invariant(
        "A status is where its last change left it",
        """SELECT count(*) FROM (
               SELECT DISTINCT ON (contact_id, handoff_id, case_id) contact_id, handoff_id, case_id, to_status
               FROM casework_statuschange ORDER BY contact_id, handoff_id, case_id, id DESC) last
           LEFT JOIN casework_contact o ON o.id = last.contact_id
           LEFT JOIN casework_handoff h ON h.id = last.handoff_id
           LEFT JOIN casework_case c ON c.id = last.case_id
           WHERE COALESCE(o.status, h.status, c.status) <> last.to_status""",
    ),
    Invariant(
        "A clock reminds of a step once",
        """SELECT count(*) FROM (
               SELECT FROM casework_reminder GROUP BY clock_id, step HAVING count(*) > 1) twice""",
    ),
    Invariant(
        "A message that was sent is not parked, and is one message under its key",
        """SELECT (SELECT count(*) FROM casework_outboxmessage WHERE sent_at IS NOT NULL AND parked_at IS NOT NULL)
           + (SELECT count(*) FROM (SELECT FROM casework_outboxmessage
              GROUP BY idempotency_key HAVING count(*) > 1) twice)""",
    ),
    Invariant(
        "A period ends after it starts",
        """SELECT (SELECT count(*) FROM casework_responsibility WHERE isempty(period) OR lower_inf(period))
           + (SELECT count(*) FROM localities_catchment WHERE isempty(period))
           + (SELECT count(*) FROM localities_membership WHERE ends_on < starts_on)
           + (SELECT count(*) FROM casework_clock WHERE stopped_at < started_at)""",
    ),
    Invariant(
        "A closed case says who, when and with what outcome",
        """SELECT count(*) FROM casework_case WHERE (status = 'closed') IS DISTINCT FROM
           (closed_at IS NOT NULL AND closed_by_id IS NOT NULL AND outcome <> '')""",
    ),
)


def check() -> Iterator[Finding]:
    """Every invariant, with how often it is broken."""
    with connection.cursor() as cursor:
        for invariant in INVARIANTS:
            cursor.execute(invariant.counts)
            yield Finding(invariant.says, int(cursor.fetchone()[0]))
        yield Finding("Every refusal of the database stands and is switched on", len(missing_refusals()))


def missing_refusals() -> list[str]:
    """The constraints and triggers that the models declare and the database lacks, or has switched off."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
        )
        triggers = set(cursor.fetchall())
        cursor.execute(
            "SELECT relname, conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid WHERE convalidated "
            "UNION SELECT tablename, indexname FROM pg_indexes"
        )
        constraints = set(cursor.fetchall())
        cursor.execute("""SELECT "public"._pgtrigger_should_ignore('any')""")
        can_be_ignored = cursor.fetchone()[0]
    wanted_triggers = {(model._meta.db_table, trigger.get_pgid(model)) for model, trigger in pgtrigger.registered()}
    wanted_constraints = {(model._meta.db_table, constraint.name) for model, constraint in _constraints()}
    missing = [name for _, name in (wanted_triggers - triggers) | (wanted_constraints - constraints)]
    return sorted([*missing, *(["the triggers can be switched off by a setting"] if can_be_ignored else [])])


def _constraints() -> Iterator[tuple[type[models.Model], models.BaseConstraint]]:
    for label in ("casework", "localities", "triage"):
        for model in apps.get_app_config(label).get_models():
            for constraint in model._meta.constraints:
                yield model, constraint
