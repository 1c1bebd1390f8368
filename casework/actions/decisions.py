"""Decisions: a named person decides, a second person signs off if required, and the case opens in the same instant."""

import re
from collections.abc import Callable, Collection
from datetime import datetime

from django.db import transaction

from casework.access import conditions, permissions
from casework.access.loading import locked_contact
from casework.actions import contact_handovers, contact_owners, handoffs, partner_checks, sender_requests
from casework.actions.effects import Effects
from casework.actions.recommendations import LOCK_PEOPLE, hard_stops
from casework.deadlines import clocks
from casework.facts.history import has_history
from casework.families.household import (
    FIND_EARLIER_CONTACTS,
    Household,
    household,
    note_touched,
    opened_since,
)
from casework.families.routing import PICKED_FROM, Route, route
from casework.messages import outbox
from casework.models import (
    Case,
    CaseChild,
    Contact,
    ContactChild,
    Decision,
    Event,
    Message,
    PartnerCheck,
    Recommendation,
    SignOff,
)
from casework.models.prepared import send
from casework.record import audit, responsibilities
from casework.record.transitions import move
from casework.statuses import ContactStatus
from errors import Fault, InvalidInput, TakenBySomeoneElse
from localities import reference
from localities.models import Role, Team, User
from localities.reference import Reference
from localities.working_time import local_day
from triage.published_rules import of_version
from triage.ruleset import Hold, Rag, RuleSet
from triage.two_persons import Proposal, two_person_reasons

# The words that a rationale has at least: "." and "ok" say nothing to whoever reads it in a year.
FEWEST_WORDS = 4
NOT_ASKED = "The family has not answered yet. Record what it says to this service, then decide."
UNSAFE_TO_ASK = (
    "It is not safe to tell the parents, so do not ask them for their agreement. Select what needs no agreement, or "
    "find out how the family can be asked safely, and record the answer."
)
IN_A_SENTENCE = {
    True: "Enter in a sentence why you agree: what you read, and what made the difference",
    False: "Enter in a sentence why you decline: the decider reads what to look at again",
}


class Overtaken(TakenBySomeoneElse):
    """A case of one of the children has opened since the recommendation was made."""


@transaction.atomic
def decide(
    *,
    contact_id: int,
    recommendation_id: int,
    pathway: str,
    level: int,
    rag: str,
    rationale: str,
    history: str = "",
    chosen_team_id: int | None = None,
    chosen_team_reason: str = "",
    chosen_case_id: int | None = None,
    without_answers: Collection[int] = (),
    answers_follow: Collection[int] = (),
    by: User,
    now: datetime,
) -> Decision:
    """
    Decides on a contact: accepts the recommendation on the user's page, or overrides it. The rationale is always typed.

    The decision takes effect at once: the case opens and is offered to the team of the family's locality. If two people
    are required, it waits for the second.

    :param recommendation_id: the recommendation on the decider's page.
    :param rationale: why, in a sentence.
    :param history: the history that the decider considered, and what it means; needed where there is any.
    :param chosen_team_id: the team that the decider picks, with `chosen_team_reason`, if the route finds none or the
        decider knows better.
    :param chosen_case_id: of several open cases of the family, the one that the contact belongs to.
    :param without_answers: the ids of the unanswered requests to partners that are withdrawn when the decision takes
        effect.
    :param answers_follow: the ids of those that stay open, and whose answers go to whoever has the case then. One that
        a colleague asked in the meantime is in neither, and the decider is asked about it.
    :raises InvalidInput: with every fault, by field.
    :raises NotPermitted: `by` may not decide on this contact.
    :raises NotAllowedInStatus: the contact is decided already, waits for a sign-off, or is not screened yet.
    :raises TakenBySomeoneElse: the recommendation has changed since the page was loaded.
    :raises Overtaken: a case of one of the children has opened since the recommendation: renew it first.
    """
    contact = locked_contact(by, now, pk=contact_id)
    check_can_decide(contact, by=by, now=now)
    conditions.check_waits_for_decision(contact)
    conditions.check_recommendation_unchanged(contact, recommendation_id)
    conditions.check_is_screened(contact)
    recommendation = contact.recommendation
    assert recommendation is not None, "a contact that was received has a recommendation"
    rules = of_version(recommendation.rule_set_id).rule_set
    children, earlier = _locked_children(contact)
    people, known = household(contact), reference.current()
    contact.team = known.team(contact.team_id)
    _check_nothing_opened_since(children, people, recommendation)
    proposal = Proposal(pathway=pathway, level=level, rag=rag)

    def lead_to(pathway: str) -> Route:
        return route(contact, children, pathway, people, rules, known, chosen_case_id=chosen_case_id, now=now)

    unanswered = partner_checks.unanswered(contact)
    follow = [check.pk for check in unanswered if check.pk in answers_follow]
    waits_for = [check for check in unanswered if check.pk not in without_answers and check.pk not in follow]
    faults = _faults_of_words(rationale, history, _history_is_asked(recommendation, earlier, by, now))
    where = _check(
        contact, proposal, faults, chosen_team_id, chosen_team_reason, waits_for, rules, known, lead_to
    )  # fmt: skip
    reasons = two_person_reasons(rules, recommendation.facts, recommendation.result, proposal)
    decision = Decision.objects.create(
        contact=contact,
        recommendation=recommendation,
        decided_by=by,
        decided_at=now,
        pathway=pathway,
        level=level,
        rag=rag,
        overrides=(pathway, level, rag) != (recommendation.pathway, recommendation.level, recommendation.rag),
        rationale=rationale.strip(),
        history=history.strip(),
        needs_sign_off=bool(reasons),
        sign_off_reasons=reasons,
        chosen_team=known.team(chosen_team_id) if chosen_team_id is not None else None,
        chosen_team_reason=chosen_team_reason.strip() if chosen_team_id is not None else "",
        chosen_case=where.link_to if where.link_to is not None and where.link_to.pk == chosen_case_id else None,
        answers_follow=follow,
    )
    effects = Effects()
    effects.entries.append(audit.entry(
        Event.DECISION_MADE, by=by, at=now, contact=contact,
        pathway=pathway, level=level, rag=rag, overrides=decision.overrides, needs_sign_off=decision.needs_sign_off,
    ))  # fmt: skip
    clocks.resume_all(contact, reason="It was decided.", by=by, at=now)
    if decision.needs_sign_off:
        move(contact, to=ContactStatus.SIGN_OFF, by=by, at=now)
        effects.messages.extend(outbox.messages_for_team(
            Message.SIGN_OFF_WANTED, contact.team, Role.FRONT_DOOR_MANAGER,
            key=f"sign_off_wanted:{decision.pk}", at=now, contact=contact, exclude_users=[by.pk],
            search_all_teams=True,
        ))  # fmt: skip
    else:
        _take_effect(contact, children, decision, where, unanswered, effects, by, now)
    effects.write()
    return decision


@transaction.atomic
def sign_off(*, contact_id: int, agreed: bool, rationale: str, by: User, now: datetime) -> Decision:
    """
    Agrees to a decision as the second person, so that it takes effect, or declines it, so that it is decided again.

    :raises InvalidInput: the rationale is missing, or too short to say anything.
    :raises NotPermitted: `by` made the decision, or is not a manager.
    :raises NotAllowedInStatus: no decision waits for a sign-off.
    :raises TakenBySomeoneElse: more is known since the decision was made, or the case that the contact belongs to has
        closed, and `by` agrees to it.
    """
    contact = locked_contact(by, now, pk=contact_id)
    decision = contact.decisions.select_related("decided_by", "chosen_team", "recommendation").order_by("pk").last()
    permissions.check_can_sign_off(contact, decision, by, local_day(now))
    conditions.check_waits_for_sign_off(contact)
    assert decision is not None, "what waits for a second person is a decision"
    (children, _), people = _locked_children(contact), household(contact)
    if agreed:
        _check_nothing_learned_since(contact, decision)
        _check_nothing_opened_since(children, people, decision.recommendation)
    if not rationale.strip():
        raise InvalidInput([Fault(("rationale",), "Enter why you agree or decline")])
    if _is_too_short(rationale):
        raise InvalidInput([Fault(("rationale",), IN_A_SENTENCE[agreed])])
    SignOff.objects.create(decision=decision, by=by, at=now, agreed=agreed, rationale=rationale.strip())
    effects = Effects()
    event = Event.SIGN_OFF_GIVEN if agreed else Event.SIGN_OFF_DECLINED
    effects.entries.append(audit.entry(event, by=by, at=now, contact=contact))
    if agreed:
        assert contact.recommendation is not None
        rules = of_version(contact.recommendation.rule_set_id).rule_set
        where = route(
            contact, children, decision.pathway, people, rules, reference.current(),
            chosen_case_id=decision.chosen_case_id, now=now,
        )  # fmt: skip
        _check_case_is_still_the_one(decision, where)
        _take_effect(contact, children, decision, where, partner_checks.unanswered(contact), effects, by, now)
    else:
        move(contact, to=ContactStatus.RECEIVED, by=by, at=now, why=rationale.strip())
        # It returns to the decider as work; to the managers, if the decider cannot see to it any more.
        decider = contact_owners.who_can_see_to(contact, decision.decided_by_id, now)
        contact_owners.give(contact, decider, by=by, now=now)
        kind, key = Message.SIGN_OFF_DECLINED, f"sign_off_declined:{decision.pk}"
        effects.messages.extend(
            outbox.messages_for_team(kind, contact.team, Role.FRONT_DOOR_MANAGER, key=key, at=now, contact=contact)
            if decider is None
            else outbox.messages_for_person(kind, decider, key=key, at=now, contact=contact)
        )
    effects.write()
    return decision


def check_can_decide(contact: Contact, *, by: User, now: datetime) -> None:
    """
    Checks who may decide by the recommendation: a social worker, or a manager after a hard stop or if the rules hold
    the contact for a manager.

    :raises NotPermitted: the user may not decide.
    """
    recommendation = contact.recommendation
    assert recommendation is not None
    manager = bool(hard_stops(recommendation)) or recommendation.hold == Hold.MANAGER
    permissions.check_can_decide(contact, by, local_day(now), manager=manager)


def preview(
    contact: Contact, pathway: str, people: Household, known: reference.Reference | None = None, *, now: datetime
) -> Route:
    """
    The route of a pathway, for the page. Nothing is stored.

    :param known: today's reference data, where they are read already.
    """
    assert contact.recommendation is not None
    rules = of_version(contact.recommendation.rule_set_id).rule_set
    return route(contact, contact.family, pathway, people, rules, known or reference.current(), now=now)


# ---- the parts of deciding


def _locked_children(contact: Contact) -> tuple[list[ContactChild], list[int]]:
    """
    The children, when all records of theirs and of whom they may be are locked (see `recommendations.lock_people`); and
    the ids of the earlier contacts of the household.
    """
    locked, earlier = send(LOCK_PEOPLE(contact=contact.pk), FIND_EARLIER_CONTACTS(contact=contact.pk))
    children = contact.family
    if not {child.person_id for child in children} <= {record for (record,) in locked}:
        raise TakenBySomeoneElse("Somebody has just said who these children are. Look again, then go on.")
    return children, [contact_id for (contact_id,) in earlier]


def _history_is_asked(recommendation: Recommendation, earlier: Collection[int], by: User, now: datetime) -> bool:
    """
    Whether the decider must say what the history means. Of a contact that they may not open, nothing is asked unless
    the rules counted it: that would tell that there is one.
    """
    if has_history(recommendation.facts):
        return True
    return bool(earlier) and Contact.objects.filter(pk__in=earlier).open_to(by, now).exists()


def _check_nothing_opened_since(
    children: list[ContactChild], people: Household, recommendation: Recommendation
) -> None:
    """Two cases of one child would have two teams: the decider must know of the first."""
    opened = opened_since(children, people, recommendation.made_at)
    if opened is not None:
        raise Overtaken(f"{opened} was opened for this family in the meantime. Look again, then go on.")


def _check_nothing_learned_since(contact: Contact, decision: Decision) -> None:
    """The second person agrees to what the first weighed. Where more is known since, the first weighs it again."""
    if decision.recommendation_id != contact.recommendation_id:
        raise TakenBySomeoneElse(
            f"More is known about {contact} than when this was decided. Decline, and say so: then it is decided again."
        )


def _check_case_is_still_the_one(decision: Decision, where: Route) -> None:
    """Which of several open cases the contact belongs to is the decider's to say."""
    if where.choose_from or (decision.chosen_case_id is not None and where.link_to is None):
        raise TakenBySomeoneElse(
            "The open cases of this family have changed since this was decided. Decline, and say so: then it is "
            "decided again."
        )


def _faults_of_words(rationale: str, history: str, has_history: bool) -> list[Fault]:
    """What is wrong with the two texts that a decision is made of."""
    faults = []
    if not rationale.strip():
        faults.append(Fault(("rationale",), "Enter why: a decision needs a rationale in your own words"))
    elif _is_too_short(rationale):
        faults.append(Fault(("rationale",), "Enter in a sentence why: what you weighed, and what made the difference"))
    if has_history and _is_too_short(history):
        says = "Enter in a sentence which history you considered, and what it means: the family is known here"
        faults.append(Fault(("history",), says))
    return faults


def _is_too_short(text: str) -> bool:
    return len(re.findall(r"\w+", text)) < FEWEST_WORDS


def _check(
    contact: Contact,
    proposal: Proposal,
    faults: list[Fault],
    chosen_team_id: int | None,
    chosen_team_reason: str,
    waits_for: list[PartnerCheck],
    rules: RuleSet,
    known: Reference,
    lead_to: Callable[[str], Route],
) -> Route:
    """
    Checks the input and raises every fault at once. Returns the route of the pathway.

    :param faults: those found before.
    """
    pathway = rules.pathways.get(proposal.pathway)
    if pathway is None:
        faults.append(Fault(("pathway",), "Select what happens next"))
    if proposal.level not in (1, 2, 3, 4):
        faults.append(Fault(("level",), "Select the level of need, 1 to 4"))
    if proposal.rag not in set(Rag):
        faults.append(Fault(("rag",), "Select the rating"))
    if pathway is not None and pathway.gravest and (proposal.level, proposal.rag) != (4, Rag.RED):
        says = f"{pathway.called} is at level 4 and red. Change the level and the rating, or what happens next."
        faults.append(Fault(("pathway",), says))
    if pathway is not None and pathway.voluntary and not contact.family_has_answered:
        faults.append(Fault(("pathway",), UNSAFE_TO_ASK if contact.is_unsafe_to_ask else NOT_ASKED))
    for check in waits_for:
        says = f"{check.agency} has not answered yet. Say what becomes of the request, or wait for the answer."
        faults.append(Fault(("without_answers", check.pk), says))
    where = Route("", ends_here=True)
    if pathway is not None:
        where = lead_to(proposal.pathway)
        picks = where.pick or chosen_team_id is not None
        if where.choose_from:
            faults.append(Fault(("case",), "Select which of the open cases this contact belongs to"))
        if chosen_team_id is not None and (where.ends_here or where.link_to or where.choose_from):
            faults.append(Fault(("team",), f"{where.reason} No team is picked for that; leave this empty."))
        elif picks and chosen_team_id not in {team.pk for team in known.teams_of(*PICKED_FROM)}:
            faults.append(Fault(("team",), where.pick or "Select a team that takes work, or leave this empty"))
        if picks and not chosen_team_reason.strip():
            faults.append(Fault(("team_reason",), "Enter why you pick this team"))
    if faults:
        raise InvalidInput(faults)
    return where


def _take_effect(
    contact: Contact,
    children: list[ContactChild],
    decision: Decision,
    where: Route,
    unanswered: list[PartnerCheck],
    effects: Effects,
    by: User,
    now: datetime,
) -> None:
    contact.rag = decision.rag
    contact_handovers.end(contact, by=by, now=now)
    ended = [check for check in unanswered if check.pk not in decision.answers_follow]
    partner_checks.withdraw_unanswered(ended, by=by, now=now)
    clocks.stop_as_decided(contact, at=now)
    sender_requests.overtake(contact, now=now)
    joined, already = None, frozenset[int]()
    if where.link_to is not None:
        joined, already = _link(contact, where.link_to, where.team, effects, by, now)
    known = clocks.locked_reference()
    if where.ends_here:
        effects.entries.append(
            audit.entry(Event.CONTACT_CLOSED, by=by, at=now, contact=contact, pathway=decision.pathway)
        )
    elif joined is None:
        joined = _open_case(contact, decision, where, effects, known, by, now)
    _feed_back(contact, decision, effects, known, now)
    move(
        contact, to=ContactStatus.DECIDED, by=by, at=now, decision_in_effect=decision, rag=decision.rag, case=joined,
        feedback_given_at=contact.feedback_given_at,
    )  # fmt: skip
    if joined is not None:
        add_children(joined, {child.person_id for child in children} - already, now)


def _feed_back(contact: Contact, decision: Decision, effects: Effects, known: Reference, now: datetime) -> None:
    started = clocks.started_by(clocks.DECIDED, contact, at=now, reference=known)
    if contact.referrer_email:
        key = f"feedback:{decision.pk}"
        message = outbox.message(Message.FEEDBACK, to=contact.referrer_email, key=key, at=now, contact=contact)
        effects.messages.append(message)
    elif contact.agency_id is not None:
        # The partner's system reads the outcome from the API, and there is no e-mail address.
        contact.feedback_given_at = now
        for clock in started:
            if clock.kind == "feedback_to_referrer":
                clocks.stop_unsaved(clock, at=now)
    effects.clocks.extend(started)


def _link(
    contact: Contact, linked: Case, team: Team | None, effects: Effects, by: User, now: datetime
) -> tuple[Case, frozenset[int]]:
    """
    Links new information to an open case, whose team gets a message. No new case opens.

    :returns: the case, and the ids of the `Person`s who are its children already.
    """
    case = Case.objects.locked().get(pk=linked.pk)
    conditions.check_is_open(case)
    effects.entries.append(audit.entry(Event.CONTACT_LINKED, by=by, at=now, contact=contact, case=case))
    if team is not None:
        key = f"contact_linked:{contact}"
        effects.messages.extend(
            outbox.messages_for_team(Message.CONTACT_LINKED, team, key=key, at=now, contact=contact, case=case)
        )
    return case, frozenset(case.children.values_list("pk", flat=True))


def _open_case(
    contact: Contact,
    decision: Decision,
    where: Route,
    effects: Effects,
    known: Reference,
    by: User,
    now: datetime,
) -> Case:
    """Opens the case with the front door responsible, and offers it in the same instant."""
    chosen = decision.chosen_team if decision.chosen_team and decision.chosen_team.is_active else None
    team = chosen or where.team
    reason = f"Picked by a person: {decision.chosen_team_reason}" if chosen else where.reason
    case = Case.objects.create(
        opened_at=now,
        opened_by_decision=decision,
        received_at=contact.counts_from,
        pathway=decision.pathway,
        rag=decision.rag,
        locality=where.locality or (team.locality if team else None),
        route_reason=reason or where.pick,
        runner_up=where.runner_up,
    )
    case.rule_set_id = decision.recommendation.rule_set_id
    responsibilities.start(case, team=contact.team, at=now)
    effects.entries.append(audit.entry(
        Event.CASE_OPENED, by=by, at=now, contact=contact, case=case,
        pathway=case.pathway, locality=case.locality.code if case.locality else None,
    ))  # fmt: skip
    started = clocks.started_by(clocks.RECEIVED, case, at=contact.counts_from, reference=known)
    kinds = {clock.kind for clock in started}
    started += clocks.started_by(clocks.DECIDED, case, at=now, but_not=kinds, reference=known)
    effects.clocks.extend(started)
    # If the team has stopped taking work since the decision, the front door stays responsible.
    if team is not None:
        despite = decision.chosen_team_reason if chosen else ""
        handoffs.open_offer(
            case, to_team=team, from_team=contact.team, reason=reason, despite=despite, effects=effects,
            reference=known, by=by, now=now,
        )  # fmt: skip
    else:
        handoffs.wait_for_a_team(case, contact.team, now)
    return case


def add_children(case: Case, people: set[int], now: datetime) -> None:
    """
    Adds children to the case. The recommendations on other contacts about them become stale: the worker renews them
    (`jobs/stale_recommendations.py`).
    """
    CaseChild.objects.bulk_create(CaseChild(case=case, person_id=person) for person in sorted(people))
    note_touched(people, now=now)
