"""
What a page says around a decision: the family's open cases to choose from, and what followed from the decision.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast

from django.db.models import Q, QuerySet
from django.utils.text import get_text_list

from casework.families.household import Household, open_cases
from casework.families.naming import seen_by
from casework.models import (
    Case,
    Clock,
    Contact,
    Decision,
    Handoff,
    Message,
    OutboxMessage,
    PartnerCheck,
    Responsibility,
)
from casework.models.together import read_parts
from casework.statuses import ContactStatus, HandoffStatus, PartnerCheckStatus
from localities.models import Membership, Role, Team, User
from localities.working_time import local_day

# What those who got a message were told by it, where its title speaks to them.
TOLD = {
    Message.FEEDBACK: "what was decided",
    Message.HANDOFF_OFFERED: "that the case is offered to their team",
    Message.CASE_BOUNCED: "that the case is back with a team that had it lately",
    Message.CONTACT_LINKED: "that this contact belongs to their case",
    Message.SIGN_OFF_WANTED: "that this decision awaits sign-off",
    Message.SIGN_OFF_DECLINED: "that the decision was declined",
}


class CaseToChoose(NamedTuple):
    """An open case of the family, and what the decider reads of it to choose."""

    pk: int
    says: str


class Told(NamedTuple):
    """Who was told, and what."""

    who: str
    what: str


@dataclass(frozen=True)
class Followed:
    """
    What followed from a decision.

    `waits`: for a second person, so that nothing else has followed. `case`: opened, or joined (`linked`). `team`: the
    one to which it is offered (`on_offer`), or that has it. `leads`: who leads that team. `withdrawn` and `follow`:
    what becomes of the requests to partners. `feedback`: the clock for telling the referrer, if somebody has to.
    """

    decision: Decision
    waits: bool
    case: Case | None
    linked: bool
    team: Team | None
    on_offer: bool
    leads: Sequence[User]
    told: Sequence[Told]
    withdrawn: Sequence[PartnerCheck]
    follow: Sequence[PartnerCheck]
    feedback: Clock | None


def cases_to_choose(people: Household, by: User, now: datetime) -> list[CaseToChoose]:
    """The open cases of the family, the newest first, where there are several: which does a contact belong to?"""
    opened = open_cases(people)
    if len(opened) < 2:
        return []
    responsible = Responsibility.objects.filter(case__in=opened, period__endswith__isnull=True).select_related("team")
    teams = {each.case_id: each.team for each in responsible}
    readable = Case.objects.open_to(by, now).filter(pk__in=[case.pk for case in opened])
    leads = dict(readable.values_list("pk", "lead_practitioner__name"))
    names = seen_by(by, now, {person for case in opened for person in _children_of(case)})
    return [
        CaseToChoose(case.pk, _says(case, teams[case.pk], names, leads[case.pk]))
        if case.pk in leads
        else CaseToChoose(case.pk, f"{case}: a restricted case. Ask whoever may open it")
        for case in opened
    ]


def followed(decision: Decision, contact: Contact, *, now: datetime) -> Followed:
    """
    What followed from the last decision on a contact.

    :param contact: with its case.
    """
    in_effect = contact.status == ContactStatus.DECIDED
    case = contact.case if in_effect else None
    linked = case is not None and case.opened_by_decision_id != decision.pk
    offers = Handoff.objects.filter(case=case, status=HandoffStatus.OFFERED).select_related("to_team").order_by("pk")
    responsible = Responsibility.objects.filter(case=case).select_related("team").order_by("period")
    of_feedback = contact.clocks.running().filter(kind="feedback_to_referrer").order_by("pk")
    messages = _messages(decision, contact, case)
    asked: list[QuerySet[Any, Any]] = [messages, of_feedback]
    if case is not None:
        asked += [responsible] if linked else [responsible, offers]
    read_parts(contact, *asked, partner_checks=contact.partner_checks.select_related("agency"))
    offer = [*offers][-1] if case is not None and not linked and offers else None
    team = offer.to_team if offer else [*responsible][-1].team if case is not None else None
    checks = list(contact.partner_checks.all())
    follow = [check for check in checks if check.pk in decision.answers_follow]
    since = [check for check in checks if check not in follow and _ends_with(check, decision, contact)]
    return Followed(
        decision=decision,
        waits=contact.status == ContactStatus.SIGN_OFF,
        case=case,
        linked=linked,
        team=team,
        on_offer=offer is not None,
        leads=_leads(team, now) if team else [],
        told=_told(messages),
        withdrawn=since,
        follow=follow,
        feedback=[*of_feedback][-1] if of_feedback else None,
    )


def _children_of(case: Case) -> Iterable[int]:
    children: Iterable[int] = cast("Any", case).children_ids
    return children


def _says(case: Case, team: Team, names: Any, lead: str | None) -> str:
    children = ", ".join(names[person].name for person in _children_of(case) if person in names)
    title = case.rules.pathways[case.pathway].called
    with_whom = f"{team}, {lead}" if lead else str(team)
    return f"{children or case}: {title}, with {with_whom}, since {local_day(case.opened_at):%-d %B %Y} ({case})"


def _ends_with(check: PartnerCheck, decision: Decision, contact: Contact) -> bool:
    """Whether a question to a partner ends, or ended, by the decision."""
    if contact.status != ContactStatus.DECIDED:
        return check.status == PartnerCheckStatus.ASKED
    return (
        check.status == PartnerCheckStatus.WITHDRAWN
        and check.ended_at is not None
        and (check.ended_at >= _took_effect_at(decision))
    )


def _took_effect_at(decision: Decision) -> datetime:
    return decision.sign_off.at if decision.needs_sign_off else decision.decided_at


def _leads(team: Team, now: datetime) -> list[User]:
    current = Membership.objects.current(local_day(now)).filter(team=team, role=Role.TEAM_LEAD)
    return [each.user for each in current.select_related("user").order_by("user__name")]


def _messages(decision: Decision, contact: Contact, case: Case | None) -> QuerySet[OutboxMessage, tuple[str, str]]:
    """The messages that a decision sent: the kind of each, and to whom."""
    moments = [decision.decided_at]
    if decision.needs_sign_off and contact.status == ContactStatus.DECIDED:
        moments.append(decision.sign_off.at)
    about = Q(contact=contact) | Q(case=case) if case is not None else Q(contact=contact)
    messages = OutboxMessage.objects.filter(about, created_at__in=moments).order_by("pk")
    return messages.values_list("kind", "to")


def _told(messages: Iterable[tuple[str, str]]) -> list[Told]:
    to: dict[str, list[str]] = {}
    for kind, address in messages:
        to.setdefault(kind, []).append(address)
    staff = {address for addresses in to.values() for address in addresses}
    names = dict(User.objects.filter(email__in=staff).values_list("email", "name")) if staff else {}
    return [
        Told(
            "The referrer"
            if kind == Message.FEEDBACK
            else get_text_list([names.get(each, each) for each in addresses], "and"),
            TOLD.get(Message(kind)) or Message(kind).label,
        )
        for kind, addresses in to.items()
    ]
