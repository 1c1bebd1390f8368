"""Handoffs: a team offers a case to another, which accepts it or returns it with a reason."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, cast

from django.db import transaction

from casework.access import conditions, permissions
from casework.access.loading import locked_case
from casework.actions.effects import Effects
from casework.deadlines import clocks
from casework.families.continuity import ties
from casework.families.household import household_of
from casework.messages import outbox
from casework.models import LEAD_OFFERS_FROM, Case, ClockEnd, Event, Handoff, HandoffKind, Message, OutboxMessage
from casework.record import audit, responsibilities
from casework.record.transitions import move
from casework.statuses import HandoffStatus
from errors import Fault, InvalidInput
from localities.models import FRONT_DOOR_KINDS, LEADING_ROLES, Role, Team, User
from localities.reference import Reference
from localities.working_time import local_day
from triage.ruleset import Rag

# A case bounces if it goes back to a team that was responsible for it in these days (docs/adr/0017-handoffs.md).
BOUNCES_WITHIN = timedelta(days=30)


@transaction.atomic
def offer(
    *,
    case_id: int,
    to_team_id: int | None,
    reason: str,
    lead_reason: str = "",
    despite: str = "",
    family_told: str = "",
    family_agrees: bool | None = None,
    in_danger: bool | None = None,
    rag: str = "",
    step: HandoffKind | None = None,
    by: User,
    now: datetime,
) -> Handoff:
    """
    Offers a case to another team. The sender stays responsible until that team accepts.

    The family knows of a step up or down (domain/front-door.md 3.4). A step down goes to a voluntary service, so it is
    asked anew whether it agrees; a step up waits for nobody's agreement.

    A step also says how urgent it is now (docs/adr/0040-closing-and-leavers.md). A step up gives the case its rating
    at once. A lower rating waits for whoever accepts the step down.

    :param lead_reason: the reason for another handoff; required from the third handoff on.
    :param despite: why the case does not go to a team that knows the family; required if there is one
        (`continuity.ties`).
    :param family_told: what the family was told; required for a step.
    :param family_agrees: whether the family agrees; required for a step down.
    :param in_danger: whether a child is in immediate danger; required for a step up.
    :param rag: the rating; required for a step (`HandoffKind.ratings_from`).
    :param step: the step that is meant, if there is one. Without a team, only this says what else is missing.
    :raises InvalidInput: with every fault, by field.
    :raises NotPermitted: `by` does not work in the responsible team; or does not lead it, and this is the third
        handoff, unless it is a step up, or lowers a red rating.
    :raises NotAllowedInStatus: the case is closed, or on offer already.
    """
    case = locked_case(by, now, pk=case_id)
    responsible = responsibilities.responsible_team(case)
    permissions.check_can_offer(case, responsible.pk, by, local_day(now))
    number = ordinal(case)
    questioned = number >= LEAD_OFFERS_FROM
    to_team = Team.objects.filter(pk=to_team_id or 0, is_active=True).first()
    kind = HandoffKind.between(responsible, to_team) if to_team is not None else step
    if questioned and kind != HandoffKind.STEP_UP:
        permissions.check_can_offer_again(case, responsible.pk, by, local_day(now))
    if kind == HandoffKind.STEP_DOWN and case.rag == Rag.RED and rag not in ("", Rag.RED):
        permissions.check_can_lower_red(case, responsible.pk, by, local_day(now))
    conditions.check_is_open(case)
    conditions.check_nothing_on_offer(case)
    faults = []
    if to_team is None:
        faults.append(Fault(("to_team",), "Select a team that takes work"))
    elif to_team == responsible:
        faults.append(Fault(("to_team",), f"{to_team} is responsible for this case already. Choose another team."))
    if not reason.strip():
        faults.append(Fault(("reason",), "Enter why the case should go to this team"))
    of_step: dict[str, Any] = {}
    if kind is not None and kind.is_step:
        of_step = {"family_told": family_told.strip(), "rag": rag, "rag_before": case.rag}
        of_step |= {"in_danger": in_danger} if kind == HandoffKind.STEP_UP else {"family_agrees": family_agrees}
        faults += _faults_of_step(kind, case, **of_step)
    if questioned and not lead_reason.strip():
        says = "The family has changed hands twice. Say why once more is right for the children."
        faults.append(Fault(("lead_reason",), says))
    known_by = ties(case, household_of(case), responsible, now=now)
    elsewhere = bool(known_by) and to_team is not None and to_team not in {tie.team for tie in known_by}
    if elsewhere and not despite.strip():
        says = " ".join([*(tie.sentence for tie in known_by), "Offer it there, or say why not."])
        faults.append(Fault(("despite",), says))
    if faults or to_team is None:
        raise InvalidInput(faults)
    effects = Effects()
    handoff = open_offer(
        case, to_team=to_team, from_team=responsible, number=number, bounces=would_bounce(case, to_team, now),
        reason=reason.strip(), lead_reason=lead_reason.strip() if questioned else "",
        despite=despite.strip() if elsewhere else "", of_step=of_step, effects=effects,
        reference=clocks.locked_reference(), by=by, now=now,
    )  # fmt: skip
    if handoff.kind == HandoffKind.STEP_UP and case.rag != rag:
        case.rag = rag
        case.save(update_fields=["rag"])
    clocks.stop(case, *clocks.NEXT_STEP, at=now)
    effects.write()
    return handoff


def _faults_of_step(
    kind: HandoffKind,
    case: Case,
    *,
    family_told: str,
    rag: str,
    rag_before: str,
    in_danger: bool | None = None,
    family_agrees: bool | None = None,
) -> list[Fault]:
    """What is missing or wrong in what a step up or down asks, in the order of the form."""
    faults, up, can_be = [], kind == HandoffKind.STEP_UP, kind.ratings_from(rag_before)
    if up and in_danger is None:
        faults.append(Fault(("in_danger",), "Select whether a child is in immediate danger"))
    if rag not in can_be:
        among = " or ".join(can_be) if rag else ""
        faults.append(
            Fault(("rag",), f"Select {among} for this {kind.label.lower()}" if among else "Select the rating")
        )
    elif in_danger and rag != Rag.RED:
        faults.append(Fault(("rag",), "Select red: a child is in immediate danger"))
    if not family_told:
        faults.append(Fault(("family_told",), f"Enter what the family was told of the {kind.label.lower()}"))
    if not up and not family_agrees:
        says = "The family must agree to a voluntary service. Ask it first; without its agreement the case stays."
        faults.append(Fault(("family_agrees",), says))
    return faults


def ordinal(case: Case) -> int:
    """The number of the case's next handoff. Withdrawn ones do not count."""
    return 1 + sum(handoff.status != HandoffStatus.WITHDRAWN for handoff in case.handoffs.all())


def would_bounce(case: Case, to_team: Team, now: datetime) -> bool:
    """Whether the team was responsible for the case in the last 30 days."""
    return case.responsibilities.filter(team=to_team, period__endswith__gte=now - BOUNCES_WITHIN).exists()


def open_offer(
    case: Case,
    *,
    to_team: Team,
    from_team: Team,
    number: int = 1,
    bounces: bool = False,
    reason: str,
    lead_reason: str = "",
    despite: str = "",
    of_step: Mapping[str, Any] = MappingProxyType({}),
    effects: Effects,
    reference: Reference,
    by: User,
    now: datetime,
) -> Handoff:
    """
    Makes the handoff, for an action that has locked the case.

    :param number: the number of this handoff among those of the case.
    :param of_step: the columns that a step up or down alone has.
    :param effects: collects the clocks, audit events and messages.
    :param reference: reference data that were read under the calendar's lock.
    """
    handoff = Handoff.objects.create(
        case=case,
        from_team=from_team,
        to_team=to_team,
        kind=HandoffKind.between(from_team, to_team),
        ordinal=number,
        is_bounce=bounces,
        reason=reason,
        lead_reason=lead_reason,
        despite=despite,
        offered_at=now,
        offered_by=by,
        **of_step,
    )
    effects.clocks.extend(clocks.started_by(clocks.OFFERED, handoff, at=now, reference=reference))
    effects.entries.append(audit.entry(
        Event.HANDOFF_OFFERED, by=by, at=now, case=case, handoff=handoff,
        kind=handoff.kind, from_team=from_team.code, to_team=to_team.code, ordinal=handoff.ordinal,
        is_bounce=handoff.is_bounce,
        **{name: of_step[name] for name in ("in_danger", "rag", "rag_before") if name in of_step},
    ))  # fmt: skip
    key = f"handoff_offered:{handoff.pk}"
    effects.messages.extend(
        outbox.messages_for_team(Message.HANDOFF_OFFERED, to_team, *_who_answers(to_team), key=key, at=now, case=case)
    )
    return handoff


@transaction.atomic
def accept(*, handoff_id: int, by: User, now: datetime) -> Handoff:
    """
    Accepts a case for the receiving team, which becomes responsible in this instant. A step down then has the rating
    that was offered.

    :raises NotPermitted: `by` is not in the receiving team, or offered to lower a red rating.
    :raises NotAllowedInStatus: the handoff is no longer on offer.
    """
    case, handoff = _load(handoff_id, by, now)
    permissions.check_can_answer(handoff, by, local_day(now))
    lowers = handoff.kind == HandoffKind.STEP_DOWN and handoff.rag not in ("", case.rag)
    if lowers and case.rag == Rag.RED:
        permissions.check_can_agree_to_lower_red(handoff, by)
    conditions.check_is_on_offer(handoff)
    move(handoff, to=HandoffStatus.ACCEPTED, by=by, at=now, answered_at=now, answered_by=by)
    responsibilities.pass_on(case, handoff=handoff, at=now)
    changed = []
    if case.lead_practitioner_id is not None:
        case.lead_practitioner, case.lead_left_on = None, None
        changed += ["lead_practitioner", "lead_left_on"]
    if lowers:
        case.rag = handoff.rag
        changed.append("rag")
    if changed:
        case.save(update_fields=changed)
    clocks.stop(handoff, at=now)
    effects = Effects()
    if handoff.to_team.kind in FRONT_DOOR_KINDS:
        wait_for_a_team(case, handoff.to_team, now)
    else:
        effects.clocks.extend(clocks.on_acceptance(case, cast("Any", handoff).clocks_of_case, at=now))
    about: dict[str, Any] = {"by": by, "at": now, "case": case, "handoff": handoff, "team": handoff.to_team.code}
    rated: dict[str, Any] = {"rag": handoff.rag, "rag_before": handoff.rag_before} if lowers else {}
    effects.entries.append(audit.entry(Event.HANDOFF_ACCEPTED, **about, **rated))
    if handoff.is_bounce:
        effects.entries.append(audit.entry(Event.CASE_BOUNCED, **about))
        effects.messages.extend(_of_bounce(case, handoff, now))
    effects.write()
    return handoff


def _of_bounce(case: Case, handoff: Handoff, now: datetime) -> list[OutboxMessage]:
    """Makes the messages about a bounce, to the leads of both teams and to the service managers."""
    about: dict[str, Any] = {"key": f"case_bounced:{handoff.pk}", "at": now, "case": case}
    messages = [
        message
        for team in (handoff.from_team, handoff.to_team)
        for message in outbox.messages_for_team(Message.CASE_BOUNCED, team, *LEADING_ROLES, **about)
    ]
    return [*messages, *outbox.messages_for_roles(Message.CASE_BOUNCED, Role.SERVICE_MANAGER, **about)]


@transaction.atomic
def return_to_sender(*, handoff_id: int, reason: str, by: User, now: datetime) -> Handoff:
    """
    Returns a case to the sender, which stays responsible and must settle what happens next: it gets a message and a
    clock. So does whoever offered the case get a message.

    :raises InvalidInput: the reason is missing.
    :raises NotPermitted: `by` is not in the receiving team.
    :raises NotAllowedInStatus: the handoff is no longer on offer.
    """
    case, handoff = _load(handoff_id, by, now)
    permissions.check_can_answer(handoff, by, local_day(now))
    conditions.check_is_on_offer(handoff)
    _need_reason(reason, "Enter why the case goes back, so that the sender can do better")
    _end(handoff, HandoffStatus.RETURNED, reason, by, now)
    if handoff.from_team.kind not in FRONT_DOOR_KINDS:
        clocks.start(clocks.RETURNED, case, at=now)
    audit.record(Event.HANDOFF_RETURNED, by=by, at=now, case=case, handoff=handoff, team=handoff.to_team.code)
    about: dict[str, Any] = {"key": f"handoff_returned:{handoff.pk}", "at": now, "case": case}
    sender = handoff.from_team
    outbox.write([
        *outbox.messages_for_team(Message.HANDOFF_RETURNED, sender, *_who_answers(sender), **about),
        *outbox.messages_for_member(Message.HANDOFF_RETURNED, handoff.offered_by_id, sender, **about),
    ])  # fmt: skip
    return handoff


@transaction.atomic
def withdraw(*, handoff_id: int, reason: str, by: User, now: datetime) -> Handoff:
    """
    Withdraws an offer before it is answered.

    :raises InvalidInput: the reason is missing.
    :raises NotPermitted: `by` is not in the team that offered.
    :raises NotAllowedInStatus: the handoff is no longer on offer.
    """
    case, handoff = _load(handoff_id, by, now)
    permissions.check_can_withdraw(handoff, by, local_day(now))
    conditions.check_is_on_offer(handoff)
    _need_reason(reason, "Enter why the offer is withdrawn")
    _end(handoff, HandoffStatus.WITHDRAWN, reason, by, now)
    audit.record(Event.HANDOFF_WITHDRAWN, by=by, at=now, case=case, handoff=handoff, team=handoff.from_team.code)
    return handoff


def _load(handoff_id: int, by: User, now: datetime) -> tuple[Case, Handoff]:
    """Locks the case first, as every action on a case does, then loads the handoff."""
    case = locked_case(by, now, handoffs=handoff_id)
    offers = Handoff.objects.select_related("from_team", "to_team")
    handoff = offers.annotate(clocks_of_case=clocks.of_case("case")).get(pk=handoff_id)
    handoff.case = case
    return case, handoff


def _end(handoff: Handoff, status: HandoffStatus, reason: str, by: User, now: datetime) -> None:
    reason = reason.strip()
    move(handoff, to=status, by=by, at=now, why=reason, answered_at=now, answered_by=by, answer_reason=reason)
    clocks.stop(handoff, at=now, ended=ClockEnd.OVERTAKEN)
    wait_for_a_team(handoff.case, handoff.from_team, now)


def wait_for_a_team(case: Case, responsible: Team, now: datetime) -> None:
    """Starts the clock of a case that the front door is responsible for and that is not on offer."""
    if responsible.kind in FRONT_DOOR_KINDS:
        clocks.start(clocks.HANDOFF_ENDED, case, at=now)


def _need_reason(reason: str, says: str) -> None:
    if not reason.strip():
        raise InvalidInput([Fault(("reason",), says)])


def _who_answers(team: Team) -> tuple[Role, ...]:
    """The roles that get the messages about an offer; none if the team has a shared mailbox."""
    return () if team.email else LEADING_ROLES
