"""Asking the rules about a contact, and again when more is known of it."""

from datetime import datetime

from django.db import transaction

from casework.deadlines import clocks
from casework.facts.contact_facts import collect_facts
from casework.families.household import household, opened_since
from casework.messages import outbox
from casework.models import (
    Contact,
    Event,
    Message,
    Person,
    PersonMatch,
    Recommendation,
)
from casework.record import audit
from casework.record.audit import Actor
from casework.statuses import ContactStatus
from localities.models import User
from triage.published_rules import Rules, of_version
from triage.recommendation import recommend
from triage.ruleset import Hold, Rag


def ask_rules(contact: Contact, *, by: Actor, now: datetime, rules: Rules | None = None) -> None:
    """
    Ask the rules about a contact as it is known now, and keep facts, version and answer.

    A contact keeps the version that it was first triaged by: a publish in between changes nothing for it.
    """
    if rules is None:
        assert contact.recommendation is not None
        rules = of_version(contact.recommendation.rule_set_id)
    facts = collect_facts(contact, household(contact))
    answer = recommend(rules.rule_set, rules.rule_set.facts(facts))
    contact.recommendation = Recommendation.objects.create(
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
    contact.rag = answer.rag
    contact.save(update_fields=["recommendation", "rag"])
    audit.record(
        Event.RECOMMENDATION_MADE, by=by, at=now, contact=contact,
        ruleset=answer.ruleset, pathway=answer.pathway, rag=answer.rag, level=answer.level, hold=answer.hold,
    )  # fmt: skip


def lock_children(contact: Contact) -> None:
    """
    Lock the children's own records, and those of whom they may be, until the transaction ends, in the one order that
    nobody waits in a circle: after the contact, and by number. Who decides on two contacts about one child at the same
    moment sees what the other did.
    """
    children = contact.children.values("person").union(
        PersonMatch.objects.filter(child__contact=contact).values("person")
    )
    list(Person.objects.filter(pk__in=children).order_by("pk").select_for_update(no_key=True))


def ask_again_if_overtaken(contact: Contact, *, now: datetime) -> None:
    """Ask the rules again about a contact that waits, where a case of one of its children opened since they were."""
    recommendation = contact.recommendation
    if contact.status != ContactStatus.RECEIVED or recommendation is None:
        return
    if opened_since(contact, recommendation.made_at) is None:
        return
    with transaction.atomic():
        held = Contact.objects.locked().get(pk=contact.pk)
        if held.status == ContactStatus.RECEIVED and held.recommendation_id == recommendation.pk:
            ask_again(held, audit.SYSTEM, now)
    contact.refresh_from_db(fields=["recommendation", "rag"])


def ask_again(contact: Contact, by: Actor, now: datetime) -> None:
    held_before = contact.recommendation is not None and contact.recommendation.hold == Hold.AGREEMENT
    clocks.hold(contact)
    ask_rules(contact, by=by, now=now)
    clocks.rerate(contact, at=now)
    tell_if_red(contact, now)
    holds_now = contact.recommendation is not None and contact.recommendation.hold == Hold.AGREEMENT
    if held_before and not holds_now:
        clocks.stop(contact, "agreement_sought", at=now)
        clocks.resume_all(
            contact, reason="The family's agreement is sought no more.", by=by if isinstance(by, User) else None, at=now
        )
    elif holds_now and not held_before and not contact.clocks.running().filter(kind="agreement_sought").exists():
        clocks.start(clocks.HOLD_AGREEMENT_PLACED, contact, at=now)


def tell_if_red(contact: Contact, now: datetime) -> None:
    """The team that has it hears at once, and once: the night's first warning would be too late."""
    if contact.rag == Rag.RED:
        outbox.add_for_team(Message.RED_CONTACT, contact.team, key=f"red_contact:{contact}", at=now, contact=contact)
