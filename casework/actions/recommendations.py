"""Asking the rules about a contact, and again when more is known of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from casework.deadlines import clocks
from casework.facts.contact_facts import collect_facts
from casework.facts.history import history_of
from casework.families.household import Household, household_of_people, whom_adults_may_be
from casework.families.matching import candidates
from casework.messages import outbox
from casework.models import (
    AuditEvent,
    Contact,
    ContactChild,
    Event,
    MatchStatus,
    Message,
    OutboxMessage,
    Person,
    PersonMatch,
    Recommendation,
    StaleRecommendation,
)
from casework.record import audit
from casework.record.audit import Actor
from casework.statuses import ContactStatus
from localities import reference
from localities.models import User
from localities.placing import Places
from triage.published_rules import Rules, of_version
from triage.recommendation import recommend
from triage.ruleset import Hold, Rag


def recommendation_for(
    contact: Contact,
    children: Sequence[ContactChild],
    may_be: Mapping[int, Sequence[Person]],
    people: Household,
    *,
    rules: Rules,
    places: Places,
    now: datetime,
) -> Recommendation:
    """
    What the rules recommend for a contact as it is known now, with the facts that they were told. Not stored yet.

    :param may_be: by a child's position, whom the child may be, until somebody says no.
    """
    facts = collect_facts(contact, children, may_be, history_of(contact, people), places)
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
        hold=answer.hold or "",
    )


def audit_entry(recommendation: Recommendation, *, by: Actor) -> AuditEvent:
    """That a recommendation was made, not stored yet."""
    return audit.entry(
        Event.RECOMMENDATION_MADE, by=by, at=recommendation.made_at, contact=recommendation.contact,
        ruleset=recommendation.result["ruleset"], pathway=recommendation.pathway, rag=recommendation.rag,
        level=recommendation.level, hold=recommendation.hold or None,
    )  # fmt: skip


def red_alerts(contact: Contact, now: datetime) -> list[OutboxMessage]:
    """The team that has a red contact hears at once, and once: the night's first warning would be too late."""
    if contact.rag != Rag.RED:
        return []
    return outbox.messages_for_team(
        Message.RED_CONTACT, contact.team, key=f"red_contact:{contact}", at=now, contact=contact
    )


def lock_people(contact: Contact) -> None:
    """
    Lock the children's own records, and those of whom they may be, until the transaction ends: after the contact, and
    in the order of their numbers, so that nobody waits in a circle. Who decides on two contacts about one child at the
    same moment sees what the other did.
    """
    children = contact.children.values("person").union(
        PersonMatch.objects.filter(child__contact=contact).values("person")
    )
    list(Person.objects.filter(pk__in=children).order_by("pk").select_for_update(no_key=True))


def ask_again(contact: Contact, by: Actor, now: datetime) -> None:
    """
    Ask the rules again about a stored contact whose row is locked, and let its clocks and alerts follow.

    A contact keeps the version that it was first triaged by: a publish in between changes nothing for it.
    """
    before = contact.recommendation
    assert before is not None, "a contact that was received has a recommendation"
    clocks.lock_running(contact)
    recommendation = _recommendation_for_stored(contact, of_version(before.rule_set_id), now)
    recommendation.save()
    contact.recommendation, contact.rag = recommendation, recommendation.rag
    contact.save(update_fields=["recommendation", "rag"])
    audit.record_all([audit_entry(recommendation, by=by)])
    clocks.rerate(contact, at=now)
    outbox.write(red_alerts(contact, now))
    held_before, holds_now = (each.hold == Hold.AGREEMENT for each in (before, recommendation))
    if held_before and not holds_now:
        clocks.stop(contact, "agreement_sought", at=now)
        clocks.resume_all(
            contact, reason="The family's agreement is sought no more.", by=by if isinstance(by, User) else None, at=now
        )
    elif holds_now and not held_before:
        clocks.start(clocks.HOLD_AGREEMENT_PLACED, contact, at=now)


@transaction.atomic
def renew(*, contact_id: int, now: datetime, only_if_noted: bool = True) -> bool:
    """
    Ask the rules again about a contact whose recommendation is stale: a case of one of its children opened. Safe to
    run twice, and at the same time as itself; where somebody works on the contact at this very moment, nothing happens.

    :param only_if_noted: whether the one who opened the case must have noted the contact (`StaleRecommendation`).
    :returns: whether it was done.
    """
    free = Contact.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    contact = free.filter(pk=contact_id).exclude(status=ContactStatus.SIGN_OFF).first()
    if contact is None:
        return False
    lock_people(contact)
    was_stale, _ = StaleRecommendation.objects.filter(contact=contact).delete()
    if not was_stale and only_if_noted:
        return False
    if contact.status == ContactStatus.RECEIVED:
        ask_again(contact, audit.SYSTEM, now)
    return True


def _recommendation_for_stored(contact: Contact, rules: Rules, now: datetime) -> Recommendation:
    children = list(contact.children.select_related("person"))
    adults = [adult.person for adult in contact.adults.select_related("person")]
    likenesses = PersonMatch.objects.filter(child__contact=contact).exclude(status=MatchStatus.REJECTED)
    matches = list(likenesses.select_related("child", "person"))
    may_be: dict[int, list[Person]] = defaultdict(list)
    for match in matches:
        if match.status == MatchStatus.PROPOSED:
            may_be[match.child.position].append(match.person)
    people = household_of_people(
        known=[*(child.person_id for child in children), *(adult.pk for adult in adults)],
        may_be=[*(match.person_id for match in matches), *whom_adults_may_be(adults, candidates(adults))],
    )
    places = reference.current().places
    return recommendation_for(contact, children, may_be, people, rules=rules, places=places, now=now)
