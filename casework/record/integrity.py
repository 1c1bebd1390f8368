"""
The invariants, checked over the whole database by SQL.

The database refuses every violation when it is written. This module checks the rows that are stored, and that the
constraints and triggers are still in place.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pgtrigger
from django.apps import apps
from django.db import connection, models

from casework.apps import NEVER


@dataclass(frozen=True)
class Invariant:
    """A statement that is always true. `counts` is SQL that counts the violations."""

    sentence: str
    counts: str


@dataclass(frozen=True)
class Finding:
    """The number of violations of an invariant."""

    sentence: str
    broken: int


INVARIANTS = (
    Invariant(
        "A person is at most one child of a contact",
        """SELECT count(*) FROM (
               SELECT FROM casework_contactchild GROUP BY contact_id, person_id HAVING count(*) > 1) twice""",
    ),
    Invariant(
        "Every child of a contact that opened or joined a case is on that case",
        """SELECT count(*) FROM casework_contactchild k JOIN casework_contact c ON c.id = k.contact_id
           WHERE c.case_id IS NOT NULL AND k.in_family AND NOT EXISTS (
               SELECT FROM casework_casechild o WHERE o.case_id = c.case_id AND o.person_id = k.person_id)""",
    ),
    Invariant(
        "A child of a case is a child of the family on one of its contacts",
        """SELECT count(*) FROM casework_casechild o WHERE NOT EXISTS (
               SELECT FROM casework_contactchild k JOIN casework_contact c ON c.id = k.contact_id
               WHERE c.case_id = o.case_id AND k.person_id = o.person_id AND k.in_family)""",
    ),
    Invariant(
        "Whoever is on a contact is known by the oldest of the records that are theirs",
        """SELECT (SELECT count(*) FROM casework_contactchild k JOIN casework_person p ON p.id = k.recorded_as_id
               WHERE k.person_id <> COALESCE(p.same_as_id, p.id))
           + (SELECT count(*) FROM casework_contactadult a JOIN casework_person p ON p.id = a.recorded_as_id
               WHERE a.person_id <> COALESCE(p.same_as_id, p.id))
           + (SELECT count(*) FROM casework_person p JOIN casework_person o ON o.id = p.same_as_id
               WHERE o.same_as_id IS NOT NULL)""",
    ),
    Invariant(
        "Records are joined by a match in force, and by nothing else",
        """SELECT (SELECT count(*) FROM casework_personmatch m
               JOIN casework_person a ON a.id = m.record_id JOIN casework_person b ON b.id = m.person_id
               WHERE m.status IN ('certain', 'confirmed')
               AND COALESCE(a.same_as_id, a.id) <> COALESCE(b.same_as_id, b.id))
           + (SELECT count(*) FROM casework_person p WHERE p.same_as_id IS NOT NULL AND NOT EXISTS (
               SELECT FROM casework_personmatch m WHERE m.status IN ('certain', 'confirmed')
               AND (m.record_id = p.id OR m.person_id = p.id)))""",
    ),
    Invariant(
        "A match is of the record of its own row",
        """SELECT count(*) FROM casework_personmatch m
           LEFT JOIN casework_contactchild k ON k.id = m.child_id LEFT JOIN casework_contactadult a ON a.id = m.adult_id
           WHERE m.record_id <> COALESCE(k.recorded_as_id, a.recorded_as_id)""",
    ),
    Invariant(
        "Nobody is one person with somebody they were told apart from",
        """SELECT count(*) FROM casework_personmatch m
           JOIN casework_person a ON a.id = m.record_id JOIN casework_person b ON b.id = m.person_id
           WHERE m.status = 'rejected' AND COALESCE(a.same_as_id, a.id) = COALESCE(b.same_as_id, b.id)""",
    ),
    Invariant(
        "A person is found by keys, and only by the record that stands for them",
        """SELECT count(*) FROM casework_personkey k LEFT JOIN casework_person p ON p.id = k.person_id
           WHERE p.id IS NULL OR p.same_as_id IS NOT NULL""",
    ),
    Invariant(
        "A number that staff recorded stands with the record that is found by it, and no other does",
        """SELECT (SELECT count(*) FROM casework_persondetail d JOIN casework_person p ON p.id = d.person_id
              WHERE d.kind IN ('nhs_number', 'upn', 'telephone') AND d.in_error_at IS NULL
              AND d.value <> ALL(p.other_numbers))
           + (SELECT count(*) FROM casework_person p, generate_subscripts(p.other_numbers, 1) place
              WHERE NOT EXISTS (
                  SELECT FROM casework_persondetail d WHERE d.person_id = p.id AND d.in_error_at IS NULL
                  AND (d.kind, d.value) = (p.other_numbers[place][1], p.other_numbers[place][2])))""",
    ),
    Invariant(
        "A person's address is protected while a protection is in force, and no longer",
        """SELECT count(*) FROM casework_person p WHERE p.address_is_protected IS DISTINCT FROM EXISTS (
               SELECT FROM casework_addressprotection a JOIN casework_person r ON r.id = a.person_id
               WHERE COALESCE(r.same_as_id, r.id) = COALESCE(p.same_as_id, p.id) AND a.lifted_at IS NULL)""",
    ),
    Invariant(
        "A protected address is hidden on every contact, and a hidden one is kept with nobody on it",
        """SELECT (SELECT count(*) FROM casework_contactchild k JOIN casework_person p ON p.id = k.person_id
               WHERE p.address_is_protected AND NOT k.address_is_confidential)
           + (SELECT count(*) FROM casework_contactadult a JOIN casework_person p ON p.id = a.person_id
               WHERE p.address_is_protected AND a.postcode <> '' AND NOT a.address_is_confidential)
           + (SELECT count(*) FROM casework_contactchild k JOIN casework_person p ON p.id = k.recorded_as_id
              WHERE k.address_is_confidential AND (p.postcode <> '' OR p.address <> ''))
           + (SELECT count(*) FROM casework_contactadult a JOIN casework_person p ON p.id = a.recorded_as_id
              WHERE (p.postcode <> '' OR p.address <> '') AND (a.address_is_confidential
                  OR a.same_address IS DISTINCT FROM FALSE AND EXISTS (
                      SELECT FROM casework_contactchild k
                      WHERE k.contact_id = a.contact_id AND k.address_is_confidential)))""",
    ),
    Invariant(
        "Every restriction, every reader and every broken glass is in the audit",
        """SELECT (SELECT count(*) FROM casework_restriction r WHERE NOT EXISTS (
               SELECT FROM casework_auditevent e WHERE e.event = 'record_restricted' AND e.at = r.restricted_at
               AND e.detail ->> 'restriction' = r.reference))
           + (SELECT count(*) FROM casework_restrictedaccess a JOIN casework_restriction r ON r.id = a.restriction_id
              WHERE NOT EXISTS (
                  SELECT FROM casework_auditevent e WHERE e.at = a.since AND e.detail ->> 'restriction' = r.reference
                  AND e.event IN ('record_restricted', 'reader_named', 'glass_broken')))""",
    ),
    Invariant(
        "Every note and every correction is in the audit",
        """SELECT count(*) FROM casework_note n WHERE NOT EXISTS (
               SELECT FROM casework_auditevent e WHERE e.at = n.written_at AND e.by_user_id = n.written_by_id
               AND e.event = CASE WHEN n.corrects_id IS NULL THEN 'note_written' ELSE 'note_corrected' END
               AND (e.detail ->> 'note')::bigint = COALESCE(n.corrects_id, n.id))""",
    ),
    Invariant(
        "A conflict of interest is in all the people of the contact in which it was declared",
        """SELECT count(*) FROM casework_conflictofinterest i
           JOIN (SELECT contact_id, recorded_as_id FROM casework_contactchild
                 UNION ALL SELECT contact_id, recorded_as_id FROM casework_contactadult) k
             ON k.contact_id = i.contact_id
           WHERE NOT EXISTS (
               SELECT FROM casework_conflictperson p WHERE p.conflict_id = i.id AND p.person_id = k.recorded_as_id)""",
    ),
    Invariant(
        "The records of before and after an adoption are never one person",
        """SELECT count(*) FROM (
               SELECT FROM casework_restriction r JOIN casework_person p ON p.id = r.person_id
               WHERE r.kind = 'adopted' AND r.lifted_at IS NULL
               GROUP BY COALESCE(p.same_as_id, p.id) HAVING count(*) > 1) joined""",
    ),
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
           LEFT JOIN (SELECT case_id, range_agg(period) AS periods FROM casework_responsibility GROUP BY case_id) r
           ON r.case_id = c.id
           WHERE r.periods IS DISTINCT FROM CASE WHEN COALESCE(c.closed_at >= c.opened_at, true)
               THEN tstzmultirange(tstzrange(c.opened_at, c.closed_at)) END""",
    ),
    Invariant(
        "A case has at most one open handoff",
        """SELECT count(*) FROM (
               SELECT FROM casework_handoff WHERE status = 'offered' GROUP BY case_id HAVING count(*) > 1) twice""",
    ),
    Invariant(
        "Only an accepted handoff passes responsibility, and it does so once, in the instant of its acceptance",
        """SELECT (SELECT count(*) FROM casework_handoff h WHERE h.status = 'accepted' AND NOT EXISTS (
               SELECT FROM casework_responsibility r WHERE r.handoff_id = h.id))
           + (SELECT count(*) FROM (
               SELECT r.*, rank() OVER (PARTITION BY r.case_id ORDER BY r.period) > 1 AS was_passed
               FROM casework_responsibility r) r
              WHERE (r.was_passed OR r.handoff_id IS NOT NULL) AND NOT EXISTS (
               SELECT FROM casework_handoff h WHERE h.id = r.handoff_id AND h.status = 'accepted'
               AND h.case_id = r.case_id AND h.to_team_id = r.team_id AND h.answered_at = lower(r.period)))""",
    ),
    Invariant(
        "A handoff says which of its case it is, and from the third on why the family changes hands once more",
        """SELECT count(*) FROM (
               SELECT ordinal, lead_reason, 1 + count(*) FILTER (WHERE status <> 'withdrawn') OVER (
                   PARTITION BY case_id ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS counted
               FROM casework_handoff) h
           WHERE ordinal <> counted OR (ordinal >= 3 AND lead_reason !~ '\\S')""",
    ),
    # 720 hours, not 30 days: across a clock change, 30 days in the session's time zone would be an hour off.
    Invariant(
        "A handoff says that it goes back where the team let go of the case in the 30 days before, and only there",
        """SELECT count(*) FROM casework_handoff h WHERE h.is_bounce IS DISTINCT FROM EXISTS (
               SELECT FROM casework_responsibility r WHERE r.case_id = h.case_id AND r.team_id = h.to_team_id
               AND upper(r.period) BETWEEN h.offered_at - INTERVAL '720 hours' AND h.offered_at)""",
    ),
    Invariant(
        "A rule set that was a draft was published by two people",
        """SELECT count(*) FROM triage_rulesetversion WHERE published_at IS NOT NULL
           AND (drafted_by_id IS NOT NULL OR based_on_id IS NOT NULL)
           AND (proposed_by_id IS NULL OR approved_by_id IS NULL OR proposed_by_id = approved_by_id)""",
    ),
    Invariant(
        "A decision has a rationale",
        "SELECT count(*) FROM casework_decision WHERE rationale !~ '\\S'",
    ),
    Invariant(
        "A decision that needs a second person takes effect only when one agreed, who is not the decider",
        """SELECT (SELECT count(*) FROM casework_contact c JOIN casework_decision d ON d.id = c.decision_in_effect_id
              WHERE d.contact_id <> c.id OR (d.needs_sign_off AND NOT EXISTS (
               SELECT FROM casework_signoff s
               WHERE s.decision_id = d.id AND s.agreed AND s.by_id <> d.decided_by_id)))
           + (SELECT count(*) FROM casework_case k WHERE NOT EXISTS (
               SELECT FROM casework_contact c WHERE c.decision_in_effect_id = k.opened_by_decision_id))""",
    ),
    Invariant(
        "An agency uses an idempotency key once",
        """SELECT count(*) FROM (
               SELECT FROM casework_contact WHERE idempotency_key IS NOT NULL AND agency_id IS NOT NULL
               GROUP BY agency_id, idempotency_key HAVING count(*) > 1) twice""",
    ),
    Invariant(
        "A contact that came in a batch is taken in within an hour, as that of a key that its agency used once",
        """SELECT (SELECT count(*) FROM casework_batchentry e JOIN casework_contactbatch b ON b.id = e.batch_id
              WHERE e.take_after IS NOT NULL AND b.received_at < now() - INTERVAL '1 hour')
           + (SELECT count(*) FROM casework_batchentry e JOIN casework_contactbatch b ON b.id = e.batch_id
              JOIN casework_contact c ON c.id = e.contact_id
              WHERE (c.agency_id, c.idempotency_key) IS DISTINCT FROM (b.agency_id, e.idempotency_key))""",
    ),
    Invariant(
        "A postcode prefix belongs to one locality on a day",
        """SELECT count(*) FROM localities_catchment a JOIN localities_catchment b
           ON a.prefix = b.prefix AND a.id < b.id AND a.period && b.period""",
    ),
    Invariant(
        "One rule set is live at an instant, and from the first on there is no gap between them",
        """SELECT (SELECT count(*) FROM triage_rulesetversion a JOIN triage_rulesetversion b
              ON a.id < b.id AND a.live && b.live)
           + (SELECT count(*) FROM triage_rulesetversion v WHERE upper(v.live) IS NOT NULL AND NOT EXISTS (
               SELECT FROM triage_rulesetversion n WHERE lower(n.live) = upper(v.live)))""",
    ),
    Invariant(
        "A contact that was received has a recommendation, by a version that was live then",
        """SELECT count(*) FROM casework_contact c WHERE c.recommendation_id IS NULL OR NOT EXISTS (
               SELECT FROM casework_recommendation r JOIN triage_rulesetversion v ON v.id = r.rule_set_id
               WHERE r.id = c.recommendation_id AND r.contact_id = c.id AND v.live @> c.received_at)""",
    ),
    Invariant(
        "What the front door selected stands on a contact that somebody screened, and that is in the audit",
        """SELECT (SELECT count(*) FROM casework_contactchild k JOIN casework_contact c ON c.id = k.contact_id
              WHERE k.screened_indicators <> '{}' AND c.screened_at IS NULL)
           + (SELECT count(*) FROM casework_contact c WHERE c.screened_at IS NOT NULL AND NOT EXISTS (
               SELECT FROM casework_auditevent e WHERE e.contact_id = c.id AND e.event = 'contact_screened'
               AND e.at = c.screened_at AND e.by_user_id = c.screened_by_id))""",
    ),
    Invariant(
        "Nothing was decided on a contact that waited for screening",
        """SELECT count(*) FROM casework_decision d JOIN casework_recommendation r ON r.id = d.recommendation_id
           JOIN casework_contact c ON c.id = d.contact_id WHERE r.hold = 'screening' AND c.screened_at IS NULL""",
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
        "What the sender of a contact asks has its clock until it ends",
        """SELECT count(*) FROM casework_senderrequest r WHERE r.ended_at IS NULL AND NOT EXISTS (
               SELECT FROM casework_clock k WHERE k.contact_id = r.contact_id AND k.stopped_at IS NULL
               AND k.kind = COALESCE((ARRAY['disagreement_worker', 'disagreement_manager', 'disagreement_service',
                                            'disagreement_partnership'])[r.step], 'sender_asked'))""",
    ),
    Invariant(
        "An open case that the front door holds and has not offered waits for a team with its clock, and no other does",
        """SELECT count(*) FROM casework_case c
           JOIN casework_responsibility r ON r.case_id = c.id AND upper(r.period) IS NULL
           JOIN localities_team t ON t.id = r.team_id
           WHERE c.status = 'open' AND (
               t.kind IN ('front_door', 'emergency_duty') AND NOT EXISTS (
                   SELECT FROM casework_handoff h WHERE h.case_id = c.id AND h.status = 'offered')
           ) IS DISTINCT FROM EXISTS (
               SELECT FROM casework_clock k WHERE k.case_id = c.id AND k.stopped_at IS NULL
               AND k.kind = CASE c.rag WHEN 'red' THEN 'next_team_offered_red' ELSE 'next_team_offered' END)""",
    ),
    Invariant(
        "An open case whose lead practitioner has left has the clock for naming another",
        """SELECT count(*) FROM casework_case c WHERE c.status = 'open' AND c.lead_left_on IS NOT NULL
           AND EXISTS (SELECT FROM casework_clock k WHERE k.case_id = c.id AND k.kind = 'lead_practitioner_named')
           AND NOT EXISTS (SELECT FROM casework_clock k WHERE k.case_id = c.id AND k.stopped_at IS NULL
                           AND k.kind = 'lead_practitioner_named')""",
    ),
    Invariant(
        "No case waits for its next step as one that was returned, unless its last offer was",
        """SELECT count(*) FROM casework_clock k
           WHERE k.stopped_at IS NULL AND k.kind IN ('returned_case_settled', 'returned_case_settled_red')
           AND 'returned' IS DISTINCT FROM (
               SELECT h.status FROM casework_handoff h WHERE h.case_id = k.case_id ORDER BY h.id DESC LIMIT 1)""",
    ),
    Invariant(
        "A question to a partner has its clock until it ends, by the decision unless that lets the answer follow",
        """SELECT (SELECT count(*) FROM casework_partnercheck q WHERE (q.status = 'asked') IS DISTINCT FROM EXISTS (
               SELECT FROM casework_clock k WHERE k.partner_check_id = q.id AND k.stopped_at IS NULL))
           + (SELECT count(*) FROM casework_partnercheck q JOIN casework_contact c ON c.id = q.contact_id
              JOIN casework_decision d ON d.id = c.decision_in_effect_id
              WHERE q.status = 'asked' AND c.status = 'decided' AND q.id <> ALL (d.answers_follow))""",
    ),
    Invariant(
        "A contact is with the team to which it was passed last",
        """SELECT count(*) FROM casework_contact c JOIN (
               SELECT DISTINCT ON (contact_id) contact_id, to_team_id FROM casework_contacthandover
               ORDER BY contact_id, id DESC) last ON last.contact_id = c.id
           WHERE c.team_id <> last.to_team_id""",
    ),
    Invariant(
        "A contact that was passed on waits, with its clock, for somebody to take it on; no other has that clock",
        """SELECT (SELECT count(*) FROM casework_contacthandover h JOIN casework_contact c ON c.id = h.contact_id
              WHERE h.taken_on_at IS NULL AND h.lapsed_at IS NULL AND (c.status = 'decided' OR NOT EXISTS (
               SELECT FROM casework_clock k WHERE k.contact_id = c.id AND k.stopped_at IS NULL
               AND k.kind = 'contact_taken_on')))
           + (SELECT count(*) FROM casework_clock k
              WHERE k.stopped_at IS NULL AND k.kind = 'contact_taken_on' AND NOT EXISTS (
               SELECT FROM casework_contacthandover h WHERE h.contact_id = k.contact_id
               AND h.taken_on_at IS NULL AND h.lapsed_at IS NULL))""",
    ),
    Invariant(
        "A referrer who was told has no clock running for it, and a letter that was sent has told them",
        """SELECT (SELECT count(*) FROM casework_clock k JOIN casework_contact c ON c.id = k.contact_id
              WHERE k.stopped_at IS NULL AND (
               (k.kind = 'acknowledge_referrer' AND c.acknowledged_at IS NOT NULL)
               OR (k.kind = 'feedback_to_referrer' AND c.feedback_given_at IS NOT NULL)))
           + (SELECT count(*) FROM casework_outboxmessage m JOIN casework_contact c ON c.id = m.contact_id
              WHERE m.sent_at IS NOT NULL AND (
               (m.kind = 'acknowledgement' AND c.acknowledged_at IS NULL)
               OR (m.kind = 'feedback' AND c.feedback_given_at IS NULL)))""",
    ),
    Invariant(
        "A clock is paused only where its promise allows it, on a contact that waits for its family and is not red",
        """SELECT count(*) FROM casework_clock k JOIN casework_clockpolicy p ON p.id = k.policy_id
           LEFT JOIN casework_contact c ON c.id = k.contact_id
           WHERE k.paused_at IS NOT NULL AND NOT (
               k.stopped_at IS NULL AND p.may_pause AND COALESCE(c.status <> 'decided' AND c.rag <> 'red', FALSE)
               AND EXISTS (SELECT FROM casework_clock asked WHERE asked.contact_id = k.contact_id
                           AND asked.stopped_at IS NULL AND asked.kind = 'agreement_sought'))""",
    ),
    Invariant(
        "A clock that runs is looked at for the first step that was not said, and one that is paused not at all",
        """SELECT count(*) FROM casework_clock k LEFT JOIN (
               SELECT clock_id, bool_or(step = 'breach') AS breach, bool_or(step = 'escalation') AS escalation
               FROM casework_reminder GROUP BY clock_id) said ON said.clock_id = k.id
           WHERE k.stopped_at IS NULL AND k.next_at IS DISTINCT FROM CASE
               WHEN k.paused_at IS NOT NULL OR said.escalation THEN NULL
               WHEN said.breach THEN k.escalate_at
               WHEN said.clock_id IS NOT NULL THEN k.due_at
               ELSE k.warn_at END""",
    ),
    Invariant(
        "A clock's changes follow on each other, and it is due, or paused, as the last of them left it",
        """SELECT (SELECT count(*) FROM (
               SELECT clock_id, due_before, due_after, lag(due_after) OVER w AS earlier,
                      lead(id) OVER w IS NULL AS is_last
               FROM casework_clockchange WINDOW w AS (PARTITION BY clock_id ORDER BY id)) h
              JOIN casework_clock k ON k.id = h.clock_id
              WHERE h.earlier <> h.due_before OR (h.is_last AND h.due_after <> k.due_at))
           + (SELECT count(*) FROM casework_clock k LEFT JOIN (
               SELECT DISTINCT ON (clock_id) clock_id, kind, at FROM casework_clockchange
               WHERE kind IN ('paused', 'resumed') ORDER BY clock_id, id DESC) last ON last.clock_id = k.id
              WHERE k.stopped_at IS NULL
              AND k.paused_at IS DISTINCT FROM CASE last.kind WHEN 'paused' THEN last.at END)""",
    ),
    Invariant(
        "A clock that was computed again ran over the day that changed, and the change of the day is in the audit",
        """SELECT (SELECT count(*) FROM casework_clockchange h JOIN casework_calendaredit e ON e.id = h.edit_id
              JOIN casework_clock k ON k.id = h.clock_id
              WHERE (k.started_at AT TIME ZONE 'Europe/London')::date > e.date OR h.by_id IS DISTINCT FROM e.by_id)
           + (SELECT count(*) FROM casework_calendaredit e WHERE e.finished_at IS NOT NULL AND NOT EXISTS (
               SELECT FROM casework_auditevent a WHERE a.event = 'clocks_recomputed' AND a.at = e.finished_at
               AND a.detail ->> 'day' = e.date::text))""",
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
        "New information goes to work that is open",
        """SELECT count(*) FROM casework_contact c JOIN casework_case k ON k.id = c.case_id
           JOIN casework_decision d ON d.id = c.decision_in_effect_id
           WHERE k.opened_by_decision_id <> d.id AND d.decided_at > k.closed_at""",
    ),
    Invariant(
        "A status is where its last change left it",
        """SELECT count(*) FROM (
               SELECT status, 'received' AS start, (SELECT to_status FROM casework_statuschange s
                   WHERE s.contact_id = c.id ORDER BY s.id DESC LIMIT 1) AS last FROM casework_contact c
               UNION ALL SELECT status, 'offered', (SELECT to_status FROM casework_statuschange s
                   WHERE s.handoff_id = h.id ORDER BY s.id DESC LIMIT 1) FROM casework_handoff h
               UNION ALL SELECT status, 'asked', (SELECT to_status FROM casework_statuschange s
                   WHERE s.partner_check_id = q.id ORDER BY s.id DESC LIMIT 1) FROM casework_partnercheck q
               UNION ALL SELECT status, 'open', (SELECT to_status FROM casework_statuschange s
                   WHERE s.case_id = k.id ORDER BY s.id DESC LIMIT 1) FROM casework_case k
               UNION ALL SELECT status, CASE status WHEN 'certain' THEN status ELSE 'proposed' END,
                   (SELECT to_status FROM casework_statuschange s
                    WHERE s.match_id = m.id ORDER BY s.id DESC LIMIT 1) FROM casework_personmatch m) subject
           WHERE status <> COALESCE(last, start)""",
    ),
    Invariant(
        "A clock reminds of a step once",
        """SELECT count(*) FROM (
               SELECT FROM casework_reminder GROUP BY clock_id, step HAVING count(*) > 1) twice""",
    ),
    # When a clock has changes, a reminder belongs to one of the due moments that they name.
    Invariant(
        "A clock reminds of a step when it has come",
        """SELECT count(*) FROM casework_reminder r JOIN casework_clock k ON k.id = r.clock_id
           LEFT JOIN (SELECT clock_id, min(due_before) AS due_at FROM casework_clockchange GROUP BY clock_id) earlier
           ON earlier.clock_id = k.id
           WHERE r.created_at < CASE
               WHEN earlier.due_at IS NULL THEN
                   CASE r.step WHEN 'warning' THEN k.warn_at WHEN 'breach' THEN k.due_at ELSE k.escalate_at END
               WHEN r.step = 'warning' THEN k.started_at
               ELSE LEAST(earlier.due_at, k.due_at) END""",
    ),
    Invariant(
        "Who put a reminder off has seen it",
        """SELECT count(*) FROM casework_reminderlook put_off
           WHERE put_off.snoozed_until IS NOT NULL AND NOT EXISTS (
               SELECT FROM casework_reminderlook seen WHERE seen.reminder_id = put_off.reminder_id
               AND seen.user_id = put_off.user_id AND seen.snoozed_until IS NULL)""",
    ),
    Invariant(
        "A message that was sent is not parked, and is one message under its key",
        """SELECT (SELECT count(*) FROM casework_outboxmessage WHERE sent_at IS NOT NULL AND parked_at IS NOT NULL)
           + (SELECT count(*) FROM (SELECT FROM casework_outboxmessage
              GROUP BY idempotency_key HAVING count(*) > 1) twice)""",
    ),
    Invariant(
        "A message that was dropped was parked",
        "SELECT count(*) FROM casework_outboxmessage WHERE dropped_at IS NOT NULL AND parked_at IS NULL",
    ),
    Invariant(
        "Who carries other messages is a reminder to the same address, and all of them end as one",
        """SELECT count(*) FROM casework_outboxmessage m
           JOIN casework_outboxmessage carrier ON carrier.id = m.carried_by_id
           WHERE carrier.carried_by_id IS NOT NULL
           OR (m.kind, carrier.kind, m."to") <> ('reminder', 'reminder', carrier."to")
           OR (m.sent_at, m.parked_at, m.dropped_at)
              IS DISTINCT FROM (carrier.sent_at, carrier.parked_at, carrier.dropped_at)""",
    ),
    Invariant(
        "A period ends after it starts",
        """SELECT (SELECT count(*) FROM casework_responsibility WHERE isempty(period) OR lower_inf(period))
           + (SELECT count(*) FROM localities_catchment WHERE isempty(period))
           + (SELECT count(*) FROM localities_membership WHERE ends_on < starts_on)
           + (SELECT count(*) FROM casework_clock WHERE stopped_at < started_at)
           + (SELECT count(*) FROM casework_partnercheck WHERE ended_at < asked_at)
           + (SELECT count(*) FROM casework_contacthandover WHERE taken_on_at < passed_at)""",
    ),
    Invariant(
        "A closed case says who, when and with what outcome",
        """SELECT count(*) FROM casework_case WHERE (status = 'closed') IS DISTINCT FROM
           (closed_at IS NOT NULL AND closed_by_id IS NOT NULL AND outcome <> '')""",
    ),
)


def check() -> Iterator[Finding]:
    """Checks every invariant, then the constraints and triggers."""
    with connection.cursor() as cursor:
        for invariant in INVARIANTS:
            cursor.execute(invariant.counts)
            yield Finding(invariant.sentence, int(cursor.fetchone()[0]))
        yield Finding("Every refusal of the database stands and is switched on", len(missing_refusals()))


def missing_refusals() -> list[str]:
    """The constraints and triggers that the models declare and that are missing, changed or switched off."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, tgname, prosrc FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "JOIN pg_proc ON pg_proc.oid = tgfoid WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
        )
        triggers = {(table, name): _one_line(body) for table, name, body in cursor.fetchall()}
        cursor.execute(
            "SELECT relname, conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid WHERE convalidated "
            "UNION SELECT tablename, indexname FROM pg_indexes"
        )
        constraints = set(cursor.fetchall())
        cursor.execute(
            "SELECT relname, attname FROM pg_index JOIN pg_class ON pg_class.oid = indrelid "
            "JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] "
            "WHERE indisunique AND indisvalid AND indnkeyatts = 1 AND indpred IS NULL"
        )
        unique_columns = set(cursor.fetchall())
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = '_pgtrigger_should_ignore'")
        switches = {_one_line(body) for (body,) in cursor.fetchall()}
    missing = [
        trigger.get_pgid(of)
        for of, trigger in pgtrigger.registered()
        if _one_line(trigger.render_func(of)) not in triggers.get((of._meta.db_table, trigger.get_pgid(of)), "")
    ]
    for model in _models():
        table = model._meta.db_table
        missing += [each.name for each in model._meta.constraints if (table, each.name) not in constraints]
        missing += [
            f"{table}.{field.column} is unique"
            for field in model._meta.local_concrete_fields
            if field.unique and (table, field.column) not in unique_columns
        ]
    if switches != {NEVER}:
        missing.append("the triggers can be switched off by a setting")
    return sorted(missing)


def _models() -> Iterator[type[models.Model]]:
    for label in ("casework", "localities", "triage"):
        yield from apps.get_app_config(label).get_models()


def _one_line(sql: str) -> str:
    return " ".join(sql.split())
