"""Closing a case; and asking whoever leads the team to, where nobody was in contact with the family."""

import re
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import JSONObject

from casework.access import conditions, permissions
from casework.access.loading import locked_case
from casework.deadlines import clocks
from casework.messages import outbox
from casework.models import (
    Case,
    Clock,
    ClockEnd,
    Closing,
    ClosingRequest,
    Contact,
    Event,
    Handoff,
    Message,
    Milestone,
    MilestoneKind,
    Outcome,
    Responsibility,
)
from casework.models.inserting import insert_all
from casework.record import audit, responsibilities
from casework.record.transitions import move
from casework.statuses import CaseStatus, HandoffStatus
from errors import Fault, InvalidInput, NotAllowedInStatus
from localities.codes import INDIVIDUAL_SOURCES
from localities.models import LEADING_ROLES, Membership, Role, User
from localities.working_time import local_day
from triage.rule_set_document import Work

# The words that a text has at least: "x" and "done" say nothing to whoever reads it in a year.
FEWEST_WORDS = 4
# Professionals may meet without the family.
OF_CONTACT = tuple(kind for kind in MilestoneKind if kind != MilestoneKind.STRATEGY_DISCUSSION_HELD)


@dataclass(frozen=True, kw_only=True)
class HowItEnded:
    """What is said when a case is closed. None is a question without an answer; `ClosingWords` says what each is."""

    outcome: str = ""
    summary: str = ""
    children_seen: bool | None = None
    children_note: str = ""
    adults_seen: bool | None = None
    adults_note: str = ""
    family_asked: bool | None = None
    family_says: str = ""
    support: str = ""
    lead_reason: str = ""

    @property
    def words(self) -> dict[str, Any]:
        """The columns of `ClosingWords`."""
        others = ("outcome", "summary", "lead_reason")
        return {name: value for name, value in asdict(self).items() if name not in others}

    def without_blanks(self) -> "HowItEnded":
        """The same without white space around the texts."""
        texts: dict[str, Any] = {name: text.strip() for name, text in asdict(self).items() if isinstance(text, str)}
        return replace(self, **texts)


@transaction.atomic
def close(*, case_id: int, ended: HowItEnded, by: User, now: datetime) -> Case:
    """
    Closes a case with what was done, who was seen and what the family says. Professionals who referred the family get
    a message.

    Where nobody was in contact with the family, two people close it: one asks (`ask_lead`), and another who leads the
    team, or a service manager, agrees with a reason. The lead practitioner never agrees.

    :raises InvalidInput: with every fault, by field.
    :raises NotPermitted: `by` does not work in the responsible team; or nobody was in contact, and they do not lead it,
        lead the work with the family, or asked.
    :raises NotAllowedInStatus: the case is closed already, is on offer, or no team has accepted it; or nobody was in
        contact, and nobody asks to close it.
    """
    case = locked_case(by, now, pk=case_id)
    responsibility, ended = _responsibility(case), ended.without_blanks()
    without_contact = _check(case, ended, responsibility, by, now)
    responsibilities.end_current(case, at=now)
    move(
        case, to=CaseStatus.CLOSED, by=by, at=now,
        closed_at=now, closed_by=by, outcome=ended.outcome, closing_summary=ended.summary,
    )  # fmt: skip
    reason = ended.lead_reason if without_contact else ""
    if responsibility.request is not None:
        ClosingRequest.objects.filter(pk=responsibility.request).update(answered_at=now, answered_by=by)
    clocks.stop(case, at=now, ended=ClockEnd.OVERTAKEN)
    said = Closing(case=case, without_contact=without_contact, lead_reason=reason, **ended.words)
    about: dict[str, Any] = {"case": case, "outcome": ended.outcome, "without_contact": without_contact}
    # What was said goes with the audit event, in one round trip.
    insert_all([said], [audit.entry(Event.CASE_CLOSED, by=by, at=now, **about)])
    outbox.write(
        outbox.message(
            Message.CASE_CLOSED, to=referrer["email"], key=f"case_closed:{case}:{referrer['contact']}", at=now,
            contact_id=referrer["contact_id"], case=case,
        )
        for referrer in responsibility.referrers
    )  # fmt: skip
    return case


@transaction.atomic
def ask_lead(*, case_id: int, ended: HowItEnded, by: User, now: datetime) -> ClosingRequest:
    """
    Asks whoever leads the team to close the case. They get a message, and the case a deadline. Where nobody else leads
    the team who could agree, the service managers are asked.

    :raises InvalidInput: with every fault, by field.
    :raises NotPermitted: `by` does not work in the responsible team.
    :raises NotAllowedInStatus: the case cannot be closed now, or its lead was asked already.
    """
    case = locked_case(by, now, pk=case_id)
    responsibility, ended = _responsibility(case), ended.without_blanks()
    _check(case, ended, responsibility, by, now, asks=True)
    request = ClosingRequest.objects.create(
        case=case, outcome=ended.outcome, summary=ended.summary, asked_by=by, asked_at=now, **ended.words
    )
    clocks.start(clocks.CLOSING_ASKED, case, at=now)
    audit.record(Event.CLOSING_ASKED, by=by, at=now, case=case, outcome=ended.outcome)
    about: dict[str, Any] = {"key": f"closing_asked:{request.pk}", "at": now, "case": case}
    cannot = {by.pk, *filter(None, [case.lead_practitioner_id])}
    leads = Membership.objects.current(local_day(now)).filter(team=responsibility.team, role__in=LEADING_ROLES)
    if leads.exclude(user__in=cannot).exists():
        told = outbox.messages_for_team(
            Message.CLOSING_ASKED, responsibility.team, *LEADING_ROLES, exclude_users=cannot, **about
        )
    else:
        told = outbox.messages_for_roles(Message.CLOSING_ASKED, Role.SERVICE_MANAGER, exclude_users=by.pk, **about)
    outbox.write(told)
    return request


@transaction.atomic
def decline(*, case_id: int, reason: str, by: User, now: datetime) -> ClosingRequest:
    """
    Keeps a case open that somebody asked to close. They get a message, and read why.

    :raises InvalidInput: the reason is missing.
    :raises NotPermitted: `by` neither leads the responsible team nor manages the service.
    :raises NotAllowedInStatus: the case is closed, or nobody asks to close it.
    """
    case = locked_case(by, now, pk=case_id)
    responsible = responsibilities.responsible_team(case)
    permissions.check_can_close(case, responsible.pk, by, local_day(now), without_contact=True)
    conditions.check_is_open(case)
    request = ClosingRequest.objects.filter(case=case, answered_at=None).first()
    if request is None:
        raise NotAllowedInStatus(f"Nobody asks to close {case}.")
    if not reason.strip():
        raise InvalidInput([Fault(("reason",), "Enter why the case stays open, and what should be done")])
    request.answered_at, request.answered_by, request.stays_open_because = now, by, reason.strip()
    request.save(update_fields=["answered_at", "answered_by", "stays_open_because"])
    clocks.stop(case, clocks.CLOSING_ASKED, at=now)
    audit.record(Event.CLOSING_DECLINED, by=by, at=now, case=case)
    about: dict[str, Any] = {"key": f"closing_declined:{request.pk}", "at": now, "case": case}
    outbox.write(outbox.messages_for_member(Message.CLOSING_DECLINED, request.asked_by_id, responsible, **about))
    return request


def check_answers(case: Case, ended: HowItEnded, *, asks: bool, by: User, now: datetime) -> None:
    """
    Says what `close` would say, or `ask_lead`, before the answers are confirmed.

    :raises InvalidInput: with every fault, by field.
    """
    _check(case, ended.without_blanks(), _responsibility(case), by, now, asks=asks)


def lacks_contact(case: Case, ended: HowItEnded, *, contacted: bool) -> bool:
    """
    Whether nobody was in contact with the family. Of a family that another authority answers for, that is its work.

    :param contacted: whether a milestone says that somebody was.
    """
    seen = ended.children_seen or ended.adults_seen
    return not contacted and not seen and case.work is not Work.OTHER_AUTHORITY


def _check(case: Case, ended: HowItEnded, responsibility: Any, by: User, now: datetime, *, asks: bool = False) -> bool:
    """
    Checks whether the case may be closed so.

    :param asks: the lead is asked to close it.
    :returns: whether it closes without contact with the family.
    """
    without_contact = lacks_contact(case, ended, contacted=responsibility.contacted)
    closes_without = without_contact and not asks
    permissions.check_can_close(case, responsibility.team_id, by, local_day(now), without_contact=closes_without)
    if closes_without:
        permissions.check_can_agree_to_close(case, responsibility.asked_by, by)
    conditions.check_is_open(case)
    conditions.check_not_offered_to(case, responsibility.offered_to)
    conditions.check_team_has_accepted(case, responsibility.team)
    if closes_without:
        conditions.check_closing_is_asked(case, responsibility.request)
    if asks and responsibility.request is not None:
        raise NotAllowedInStatus(f"Somebody is asked already to agree to close {case}.")
    faults = _faults_of(case, ended, responsibility)
    if without_contact and ended.outcome == Outcome.NEEDS_MET:
        says = "Select another outcome: nobody was in contact with the family, so nobody knows that its needs are met"
        faults.insert(0, Fault(("outcome",), says))
    if closes_without and _is_too_short(ended.lead_reason):
        says = "Enter in a sentence why the case closes although nobody was in contact with the family"
        faults.append(Fault(("lead_reason",), says))
    if faults:
        raise InvalidInput(faults)
    return without_contact


def _faults_of(case: Case, ended: HowItEnded, responsibility: Any) -> list[Fault]:
    """What is missing or says too little, in the order of the form."""
    faults = []

    def ask(name: str, says: str, *, wrong: bool) -> None:
        if wrong:
            faults.append(Fault((name,), says))

    ask("outcome", "Select how the work ended", wrong=ended.outcome not in set(Outcome))
    ask(
        "outcome", "Name the other authority first.",
        wrong=ended.outcome == Outcome.OTHER_AUTHORITY and case.other_authority_id is None,
    )  # fmt: skip
    ask(
        "outcome", "No strategy discussion is recorded. Record when it was held, then close the case.",
        wrong="strategy_discussion" in responsibility.running,
    )  # fmt: skip
    ask("summary", "Enter in a sentence what was done, and what was achieved", wrong=_is_too_short(ended.summary))
    ask("children_seen", "Select whether the children were seen", wrong=ended.children_seen is None)
    ask("children_note", "Enter when and by whom, or why they were not seen", wrong=_is_too_short(ended.children_note))
    ask("adults_seen", "Select whether the adults were seen", wrong=ended.adults_seen is None)
    ask("adults_note", "Enter when and by whom, or why they were not seen", wrong=_is_too_short(ended.adults_note))
    ask("family_asked", "Select whether the family was asked", wrong=ended.family_asked is None)
    ask("family_says", "Enter what the family says, or why it was not asked", wrong=not ended.family_says)
    says = "Enter in a sentence what happens next, and who supports the family"
    ask("support", says, wrong=_is_too_short(ended.support))
    return faults


def _is_too_short(text: str) -> bool:
    return len(re.findall(r"\w+", text)) < FEWEST_WORDS


def _responsibility(case: Case) -> Any:
    """
    The current or last responsibility for the case. The same statement reads everything else that closing needs: the
    team that it is on offer to, the running clocks, the referrers who get a message, whether a milestone says that
    somebody was in contact with the family, and an open request to close it, with who asks.
    """
    offered = Handoff.objects.filter(case=OuterRef("case"), status=HandoffStatus.OFFERED).values("to_team__name")
    running = Clock.objects.running().filter(case=OuterRef("case")).order_by().values("kind")
    referrers = Contact.objects.filter(case=OuterRef("case")).exclude(referrer_email="").order_by("pk")
    heard = referrers.exclude(source_code__in=INDIVIDUAL_SOURCES).values(
        referrer=JSONObject(contact="reference", contact_id="pk", email="referrer_email")
    )
    asked = ClosingRequest.objects.filter(case=OuterRef("case"), answered_at=None)
    responsibility = Responsibility.objects.filter(case=case).select_related("team")
    return responsibility.annotate(
        offered_to=Subquery(offered),
        running=ArraySubquery(running),
        referrers=ArraySubquery(heard),
        contacted=Exists(Milestone.objects.filter(case=OuterRef("case"), kind__in=OF_CONTACT)),
        request=Subquery(asked.values("pk")),
        asked_by=Subquery(asked.values("asked_by")),
    ).latest("period")
