"""Makes the recommendation for a contact, and a new one when more is known."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection

from casework.actions import contact_handovers
from casework.deadlines import clocks
from casework.facts.contact_facts import collect_facts, hold_of
from casework.facts.history import history_of
from casework.families import sameness
from casework.families.household import Household, household_of_people
from casework.messages import outbox
from casework.models import (
    AuditEvent,
    Contact,
    ContactChild,
    Decision,
    Event,
    Message,
    OutboxMessage,
    Person,
    Recommendation,
)
from casework.models.prepared import Prepared, send
from casework.record import audit
from casework.record.audit import Actor
from localities import reference
from localities.models import User
from localities.placing import Places
from triage.direction import RATINGS, weights
from triage.published_rules import Rules, of_version
from triage.recommendation import recommend
from triage.ruleset import Hold, Rag

# Records of everybody on a contact and of whom they may be.
PEOPLE_OF = """
WITH child AS (SELECT id, recorded_as_id FROM casework_contactchild WHERE contact_id = %(contact)s
), adult AS (SELECT id, recorded_as_id FROM casework_contactadult WHERE contact_id = %(contact)s)
SELECT recorded_as_id FROM child
UNION SELECT recorded_as_id FROM adult
UNION SELECT person_id FROM casework_personmatch WHERE child_id IN (SELECT id FROM child)
UNION SELECT person_id FROM casework_personmatch WHERE adult_id IN (SELECT id FROM adult)
"""
# All their records. Each decision runs it.
LOCK_PEOPLE = Prepared(
    "lock_people",
    f"""
WITH representative AS (SELECT COALESCE(same_as_id, id) AS id FROM casework_person WHERE id IN ({PEOPLE_OF}))
SELECT id FROM casework_person WHERE id IN ({sameness.ALL_RECORDS.format("representative")})
ORDER BY id FOR NO KEY UPDATE
""",  # noqa: S608  # our own constants
)


def recommendation_for(
    contact: Contact,
    children: Sequence[ContactChild],
    own: Mapping[int, Sequence[Person]],
    may_be: Mapping[int, Sequence[Person]],
    people: Household,
    *,
    rules: Rules,
    places: Places,
    now: datetime,
) -> Recommendation:
    """
    Makes the recommendation for a contact by the present facts, and keeps the facts in it. It is not stored yet.

    :param own: all our records of each child, by the child's position.
    :param may_be: all our records of those whom the child may be, where the likeness makes the rules careful.
    """
    facts = collect_facts(contact, children, own, may_be, history_of(contact, people), places)
    answer = recommend(rules.rule_set, rules.rule_set.facts(facts))
    return Recommendation(
        contact=contact,
        rule_set_id=rules.version_id,
        made_at=now,
        facts=facts,
        result=answer.as_json(),
        pathway=answer.pathway,
        rag=answer.rag,
        level=answer.level,
        hold=hold_of(answer.hold, facts, has_unknown_indicators=contact.has_unknown_indicators),
    )


def audit_entry(recommendation: Recommendation, *, by: Actor) -> AuditEvent:
    """Makes the audit event of a recommendation, which is not stored yet."""
    return audit.entry(
        Event.RECOMMENDATION_MADE, by=by, at=recommendation.made_at, contact=recommendation.contact,
        ruleset=recommendation.result["ruleset"], pathway=recommendation.pathway, rag=recommendation.rag,
        level=recommendation.level, hold=recommendation.hold or None,
    )  # fmt: skip


def red_alerts(contact: Contact, now: datetime, *, before: Recommendation | None = None) -> list[OutboxMessage]:
    """
    Makes the messages about a red contact to its team: a clock's first warning would come too late.

    :param before: the recommendation before the present one. Then there are messages only if the contact became red,
        or a hard stop is new.
    """
    if contact.rag != Rag.RED:
        return []
    key = f"red_contact:{contact}"
    if before is not None:
        now_made = contact.recommendation
        assert now_made is not None, "every received contact has a recommendation"
        if before.rag == Rag.RED and hard_stops(now_made) <= hard_stops(before):
            return []
        key += f":{now_made.pk}"
    return outbox.messages_for_team(Message.RED_CONTACT, contact.team, key=key, at=now, contact=contact)


def hard_stops(recommendation: Recommendation) -> frozenset[tuple[str, ...]]:
    """The reasons after which only a manager may decide: each with its rule, and the facts and the child behind it."""
    of_rules = of_version(recommendation.rule_set_id).rule_set.manager_decides
    return frozenset(
        (reason["rule"], str(reason["child"]), *reason["because"])
        for reason in recommendation.result["reasons"]
        if reason["rule"] in of_rules
    )


def lock_people(contact: Contact) -> frozenset[int]:
    """
    Locks all records of the people on a contact and of those they may be until the transaction ends, in the order of
    their ids, so that two actions never deadlock. The contact is locked before.

    So two decisions on contacts about one child at the same moment see each other's effects.

    :returns: the ids of the records.
    """
    (records,) = send(LOCK_PEOPLE(contact=contact.pk))
    return frozenset(record for (record,) in records)


def people_of(contact: Contact) -> frozenset[int]:
    """The ids of records of everybody on a contact and of whom they may be."""
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE_OF, {"contact": contact.pk})
        return frozenset(record for (record,) in cursor.fetchall())


def recommend_again(contact: Contact, by: Actor, now: datetime) -> None:
    """
    Makes a new recommendation for a locked contact that waits, and adapts its clocks, its team and the alerts.

    A contact keeps the version of the rules by which it was first triaged. One that becomes red while the hub is closed
    passes to emergency duty.
    """
    before = contact.recommendation
    assert before is not None, "every received contact has a recommendation"
    clocks.lock_running(contact)
    recommendation = _recommendation_for_stored(contact, of_version(before.rule_set_id), now)
    recommendation.save()
    contact.recommendation, contact.rag = recommendation, recommendation.rag
    contact.save(update_fields=["recommendation", "rag"])
    audit.record_all([audit_entry(recommendation, by=by)])
    clocks.rerate(contact, at=now)
    if contact.rag == Rag.RED and before.rag != Rag.RED:
        contact_handovers.pass_to_emergency_duty(contact, now)
    outbox.write(red_alerts(contact, now, before=before))
    held_before, holds_now = (each.hold == Hold.AGREEMENT for each in (before, recommendation))
    if held_before and not holds_now:
        clocks.stop(contact, clocks.AGREEMENT_SOUGHT, at=now)
        clocks.resume_all(
            contact, reason="The family's agreement is sought no more.", by=by if isinstance(by, User) else None, at=now
        )
    elif holds_now and not held_before:
        clocks.start(clocks.HOLD_AGREEMENT_PLACED, contact, at=now)


def recommend_in_work(contact: Contact, by: Actor, now: datetime) -> bool:
    """
    Makes a new recommendation for a locked contact that is decided and whose case is open. The decision, its rating and
    its clocks stay.

    :returns: whether this is news of something graver than what was decided.
    """
    before, decision = contact.recommendation, contact.decision_in_effect
    assert before is not None
    assert decision is not None, "a contact in work is decided"
    rules = of_version(before.rule_set_id)
    recommendation = _recommendation_for_stored(contact, rules, now)
    recommendation.save()
    contact.recommendation = recommendation
    contact.save(update_fields=["recommendation"])
    audit.record_all([audit_entry(recommendation, by=by)])
    if hard_stops(recommendation) - hard_stops(before):
        return True
    changed = (recommendation.pathway, recommendation.rag, recommendation.level) != (
        before.pathway, before.rag, before.level
    )  # fmt: skip
    return changed and is_graver(recommendation, decision)


def is_graver(recommendation: Recommendation, decision: Decision) -> bool:
    """Whether a recommendation is graver than a decision: by its pathway, its rating or its level."""
    weight = weights(of_version(recommendation.rule_set_id).rule_set.pathways)
    return (
        recommendation.level > decision.level
        or RATINGS[recommendation.rag] > RATINGS[decision.rag]
        or weight.get(recommendation.pathway, 0) > weight.get(decision.pathway, len(weight))
    )


def _recommendation_for_stored(contact: Contact, rules: Rules, now: datetime) -> Recommendation:
    children = list(contact.children.filter(in_family=True).select_related("person"))
    adults = [adult.person for adult in contact.adults.filter(in_family=True).select_related("person")]
    careful = sameness.careful(sameness.open_matches(contact))
    records = sameness.by_person(
        sameness.records_of({*(child.person_id for child in children), *(match.known.pk for match in careful)})
    )
    may_be: dict[int, list[Person]] = defaultdict(list)
    for match in careful:
        if match.child is not None:
            may_be[match.child.position] += records[match.known.pk]
    people = household_of_people(
        known=[*(child.person_id for child in children), *(adult.pk for adult in adults)],
        may_be=[match.known.pk for match in careful],
    )
    own = {child.position: records[child.person_id] for child in children}
    places = reference.current().places
    return recommendation_for(contact, children, own, may_be, people, rules=rules, places=places, now=now)
