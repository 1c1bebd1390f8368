"""
Starts, replaces, pauses and stops clocks. The policies say which clock an event starts.

Nothing here ticks or sends: the sweep (`jobs/sweep.py`) finds the clocks that are due.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import Case as SqlCase
from django.db.models import F, OuterRef, Q, Value, When
from django.db.models.functions import Greatest, JSONObject

from casework.deadlines.policies import Moments, due_after_pause, moments
from casework.models import (
    Case,
    Clock,
    ClockChange,
    ClockChangeKind,
    ClockEnd,
    ClockPolicy,
    Contact,
    DisagreementStep,
    Handoff,
    HandoffKind,
    MilestoneKind,
    PartnerCheck,
    Step,
)
from casework.models.prepared import Prepared, send
from localities.models import User
from localities.reference import READ_VERSIONS, Reference, from_rows
from localities.working_time import WorkingTime, local_day
from triage.ruleset import Rag

Subject = Contact | Handoff | Case | PartnerCheck

# The key of the advisory lock on the calendar. triage/published_rules.py has another key. Both statements go in one
# round trip, the lock first: the second sees what was committed before the lock was granted.
WHICH_DAYS_COUNT = 7_002
LOCK = Prepared("share_calendar", f"SELECT pg_advisory_xact_lock_shared({WHICH_DAYS_COUNT})")
READ = Prepared("read_versions", READ_VERSIONS)

# The events that start clocks, by their names in `ClockPolicy.starts_at`.
RECEIVED = "received"
RECEIVED_BY_PHONE = "received_by_phone"
HOLD_AGREEMENT_PLACED = "hold_agreement_placed"
DECIDED = "decided"
OFFERED = "offered"
ACCEPTED = "accepted"
HANDOFF_ENDED = "handoff_ended"
RETURNED = "returned"
# Also the kind of the clock.
CLOSING_ASKED = "closing_asked"
PARTNER_ASKED = "sent"
# Each is also the kind of its clock. A disagreement has one for each step.
SENDER_ASKED = "sender_asked"
DISAGREED = {
    DisagreementStep.WORKER: "disagreement_worker",
    DisagreementStep.MANAGER: "disagreement_manager",
    DisagreementStep.SERVICE: "disagreement_service",
    DisagreementStep.PARTNERSHIP: "disagreement_partnership",
}
HANDED_OVER = "handed_over"

# Every team names its own lead practitioner.
LEAD_NAMED = "lead_practitioner_named"
# The clocks of a case that is back with a team that works with families: it offers the case again, or keeps it.
RETURNED_CASE = ("returned_case_settled", "returned_case_settled_red")
# Of a case that is on offer to nobody, with whatever team.
NEXT_STEP = ("next_team_offered", "next_team_offered_red", *RETURNED_CASE)
# The clocks of the decision on a contact.
AGREEMENT_SOUGHT = "agreement_sought"
DECISION_CLOCKS = (
    "next_step_decision", "final_decision_red", "final_decision_amber", "final_decision_green", "final_decision_blue",
)  # fmt: skip

# The clocks that a milestone stops. A milestone also starts the clocks whose policies name it as their event.
STOPPED_BY = {
    MilestoneKind.FIRST_FAMILY_CONTACT: ("first_family_contact",),
    MilestoneKind.FAMILY_HELP_ASSESSMENT: ("family_help_assessment",),
    MilestoneKind.PLAN_AGREED: ("family_help_plan",),
    MilestoneKind.PLAN_REVIEWED: ("plan_review", "later_plan_review"),
    MilestoneKind.SOCIAL_WORK_ASSESSMENT: ("social_work_assessment",),
    MilestoneKind.STRATEGY_DISCUSSION_HELD: ("strategy_discussion",),
    MilestoneKind.INITIAL_CONFERENCE_HELD: ("initial_conference",),
    MilestoneKind.CORE_GROUP_HELD: ("core_group",),
    MilestoneKind.REVIEW_CONFERENCE_HELD: ("first_review_conference", "later_review_conference"),
}


def start(
    event: str, subject: Subject, *, at: datetime, but_not: Iterable[str] = (), reference: Reference | None = None
) -> None:
    """
    Starts every clock that this event starts for the subject, under the policy of the day.

    A clock that runs already is never restarted.

    :param reference: reference data that were read under the calendar's lock; without them, this reads them.
    """
    running = subject.clocks.running().values_list("kind", flat=True)
    Clock.objects.bulk_create(
        started_by(event, subject, at=at, but_not={*but_not, *running}, reference=reference or locked_reference())
    )


def started_by(
    event: str, subject: Subject, *, at: datetime, but_not: Collection[str] = (), reference: Reference
) -> list[Clock]:
    """
    Makes the clocks that this event starts for the subject, under the policy of the day. They are not stored yet.

    :param but_not: the kinds that run already or must not start.
    :param reference: reference data that were read under the calendar's lock.
    """
    kind_of_subject, day = _policy_subject(subject), local_day(at)
    of_the_day: dict[str, ClockPolicy] = {}
    for policy in _policies(reference.versions[ClockPolicy._meta.db_table]):
        if (policy.subject, policy.starts_at) == (kind_of_subject, event) and policy.effective_from <= day:
            of_the_day[policy.kind] = policy
    return [
        _clock(policy, subject, at, reference.working_time)
        for policy in of_the_day.values()
        if policy.kind not in but_not and _is_for(policy.kind, subject)
    ]


def of_case(case: str) -> ArraySubquery:
    """
    An annotation with all clocks that a case ever had, for `on_acceptance`.

    :param case: the field of the query that refers to the case.
    """
    clocks = Clock.objects.filter(case=OuterRef(case)).order_by()
    return ArraySubquery(clocks.values(clock=JSONObject(kind="kind", ended="ended")))


def on_acceptance(case: Case, had: Iterable[Mapping[str, str]], *, at: datetime) -> list[Clock]:
    """
    Makes the clocks that start when a team accepts a case. They are not stored yet.

    A clock whose work an earlier team has done does not start again. But every team names its own lead practitioner, so
    that clock starts anew.

    :param had: the clocks that the case ever had (`of_case`), read under the case's lock.
    """
    if any(clock["kind"] == LEAD_NAMED and not clock["ended"] for clock in had):
        stop(case, LEAD_NAMED, at=at, ended=ClockEnd.REPLACED)
    return would_start_on_acceptance(case, had, at=at, reference=locked_reference())


def would_start_on_acceptance(
    case: Case, had: Iterable[Mapping[str, str]], *, at: datetime, reference: Reference
) -> list[Clock]:
    """The clocks of `on_acceptance`, for somebody who asks before they accept."""
    goes_on = {clock["kind"] for clock in had if clock["ended"] in ("", ClockEnd.DONE)}
    return started_by(ACCEPTED, case, at=at, but_not=goes_on - {LEAD_NAMED}, reference=reference)


def start_lead_anew(case: Case, *, at: datetime) -> None:
    """Starts the clock for naming a lead practitioner, where the last one has left. One that runs goes on."""
    if not case.clocks.running().filter(kind=LEAD_NAMED).exists():
        begun = started_by(ACCEPTED, case, at=at, reference=locked_reference())
        Clock.objects.bulk_create(clock for clock in begun if clock.kind == LEAD_NAMED)


def stop(subject: Subject, *kinds: str, at: datetime, ended: ClockEnd = ClockEnd.DONE) -> None:
    """
    Stops the subject's running clocks of these kinds; without a kind, all of them.

    :param at: when the work was done. If that was before a clock started, the clock stops at its start.
    """
    of_kinds = Q(kind__in=kinds) if kinds else Q()
    subject.clocks.running().filter(of_kinds).update(
        stopped_at=Greatest(F("started_at"), Value(at)), ended=ended, next_at=None, paused_at=None
    )


def stop_as_decided(contact: Contact, *, at: datetime) -> None:
    """
    Stops the clocks of the decision, which is made, of the family's agreement, which is no longer sought, and of what
    the sender asked before it.
    """
    overtaken = Q(kind__in=(AGREEMENT_SOUGHT, SENDER_ASKED))
    ended = SqlCase(When(overtaken, then=Value(ClockEnd.OVERTAKEN)), default=Value(ClockEnd.DONE))
    contact.clocks.running().filter(kind__in=[*DECISION_CLOCKS, AGREEMENT_SOUGHT, SENDER_ASKED]).update(
        stopped_at=Greatest(F("started_at"), Value(at)), ended=ended, next_at=None, paused_at=None
    )


def stop_unsaved(clock: Clock, *, at: datetime) -> None:
    """Stops a clock that is not stored yet, because its work is done at the moment at which it starts."""
    clock.stopped_at, clock.ended, clock.next_at = max(clock.started_at, at), ClockEnd.DONE, None


def lock_running(contact: Contact) -> list[Clock]:
    """
    Locks the contact's running clocks, for an action that will replace some of them.

    The action calls this before it changes the contact's row. In the other order it could deadlock with the sweep,
    which locks clocks first and then writes rows that refer to the contact.
    """
    running = contact.clocks.running().select_related("policy")
    return list(running.order_by("pk").select_for_update(of=("self",), no_key=True))


def rerate(contact: Contact, *, at: datetime) -> None:
    """
    Replaces the clock of the final decision if the rating has changed. The new clock starts when the contact arrived.
    """
    kind = f"final_decision_{contact.rag}"
    running = contact.clocks.running().filter(kind__startswith="final_decision_")
    if running.filter(kind=kind).exists():
        return
    running.update(stopped_at=at, ended=ClockEnd.REPLACED, next_at=None, paused_at=None)
    reference, day = locked_reference(), local_day(contact.counts_from)
    policies = _policies(reference.versions[ClockPolicy._meta.db_table])
    found = [policy for policy in policies if policy.kind == kind and policy.effective_from <= day]
    if found:
        _clock(found[-1], contact, contact.counts_from, reference.working_time).save()


def locked_reference() -> Reference:
    """
    Locks the calendar until the transaction ends and reads the reference data. An edit of the calendar waits for this
    transaction.
    """
    _, versions = send(LOCK(), READ())
    return from_rows(versions)


def locked_calendar() -> WorkingTime:
    """Locks the calendar until the transaction ends and reads it."""
    return locked_reference().working_time


def lock_calendar() -> None:
    """Locks the calendar for an edit: until the transaction ends, nobody else starts a clock or edits a day."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WHICH_DAYS_COUNT])


# ---- changing a running clock. The caller has locked the clock or its subject.


def pause(clock: Clock, *, reason: str, by: User, at: datetime) -> None:
    """Pauses a clock: it reminds nobody until it resumes."""
    clock.paused_at, clock.next_at = at, None
    clock.save(update_fields=["paused_at", "next_at"])
    _write_down(clock, ClockChangeKind.PAUSED, reason, by, at, before=clock.due_at)


def resume(clock: Clock, *, reason: str, by: User | None, at: datetime) -> None:
    """Resumes a paused clock. It is due later by the working time of the pause."""
    assert clock.paused_at is not None, "only a paused clock resumes"
    before, working_time = clock.due_at, locked_calendar()
    due_at = due_after_pause(clock.policy, before, clock.paused_at, at, working_time)
    clock.paused_at = None
    move(clock, moments(clock.policy, clock.started_at, working_time, due_at=due_at))
    _write_down(clock, ClockChangeKind.RESUMED, reason, by, at, before=before)


def resume_all(contact: Contact, *, reason: str, by: User | None, at: datetime) -> None:
    """Resumes the contact's paused clocks. It locks them, because an edit of the calendar may move them just now."""
    paused = contact.clocks.running().filter(paused_at__isnull=False).select_related("policy")
    for clock in paused.select_for_update(of=("self",), no_key=True):
        resume(clock, reason=reason, by=by, at=at)


def extend(clock: Clock, *, to: datetime, reason: str, by: User, at: datetime) -> None:
    """Extends a clock: it is due at a moment that a person has named."""
    before = clock.due_at
    move(clock, moments(clock.policy, clock.started_at, locked_calendar(), due_at=to))
    _write_down(clock, ClockChangeKind.EXTENDED, reason, by, at, before=before)


def recomputed(clock: Clock, changes: Iterable[ClockChange], working_time: WorkingTime) -> Moments:
    """
    A clock's moments by this calendar: by its policy, plus its pauses. A moment that a person has named stays.

    :param changes: the clock's changes, in order.
    """
    due_at, paused_at = None, None
    for change in changes:
        match ClockChangeKind(change.kind):
            case ClockChangeKind.EXTENDED:
                due_at = change.due_after
            case ClockChangeKind.PAUSED:
                paused_at = change.at
            case ClockChangeKind.RESUMED if paused_at is not None:
                due = due_at or moments(clock.policy, clock.started_at, working_time).due_at
                due_at = due_after_pause(clock.policy, due, paused_at, change.at, working_time)
            case _:
                pass
    return moments(clock.policy, clock.started_at, working_time, due_at=due_at)


def move(clock: Clock, when: Moments) -> None:
    """Gives a running clock other moments. Steps that it has reminded of are over: the sweep goes on with the next."""
    clock.warn_at, clock.due_at, clock.escalate_at = when.warn_at, when.due_at, when.escalate_at
    steps = set(clock.reminders.values_list("step", flat=True))
    clock.next_at = None if clock.paused_at is not None else _next_moment(clock, steps)
    clock.save(update_fields=["paused_at", "warn_at", "due_at", "escalate_at", "next_at"])


def _next_moment(clock: Clock, steps: set[str]) -> datetime | None:
    """:param steps: the steps that the clock has reminded of."""
    if Step.ESCALATION in steps:
        return None
    if Step.BREACH in steps:
        return clock.escalate_at
    return clock.due_at if Step.WARNING in steps else clock.warn_at


def _write_down(
    clock: Clock, kind: ClockChangeKind, reason: str, by: User | None, at: datetime, *, before: datetime
) -> None:
    ClockChange.objects.create(
        clock=clock, kind=kind, at=at, by=by, reason=reason, due_before=before, due_after=clock.due_at
    )


# ---- making a clock


@lru_cache(maxsize=4)
def _policies(version: UUID) -> tuple[ClockPolicy, ...]:
    """All policies; those of one kind in the order of their first days."""
    return tuple(ClockPolicy.objects.order_by("kind", "effective_from"))


def _clock(policy: ClockPolicy, subject: Subject, at: datetime, working_time: WorkingTime) -> Clock:
    when = moments(policy, at, working_time)
    return Clock(
        policy=policy,
        kind=policy.kind,
        started_at=when.started_at,
        warn_at=when.warn_at,
        due_at=when.due_at,
        escalate_at=when.escalate_at,
        next_at=when.warn_at,
        **{_column(subject): subject},
    )


def _is_for(kind: str, subject: Subject) -> bool:
    match subject:
        case Contact(rag=rag) if kind.startswith("final_decision_"):
            return kind == f"final_decision_{rag}"
        case Handoff() if kind.startswith("handoff_acceptance"):
            return kind == _acceptance_of(subject)
        case PartnerCheck() if kind.startswith("partner_check"):
            return kind == ("partner_check_red" if subject.contact.rag == "red" else "partner_check")
        case Case(rag=rag) if kind in NEXT_STEP:
            return kind.endswith("_red") is (rag == "red")
        case Case(pathway=pathway):
            return subject.rules.starts_clock(kind, pathway)
        case _:
            return True


def _acceptance_of(handoff: Handoff) -> str:
    """The kind of the clock in which an offer is answered: by the rating of the step, or else of the case."""
    if (handoff.rag or handoff.case.rag) == Rag.RED:
        return "handoff_acceptance_red"
    return "handoff_acceptance_step_up" if handoff.kind == HandoffKind.STEP_UP else "handoff_acceptance"


def _column(subject: Subject) -> str:
    match subject:
        case Contact():
            return "contact"
        case Handoff():
            return "handoff"
        case PartnerCheck():
            return "partner_check"
        case _:
            return "case"


def _policy_subject(subject: Subject) -> str:
    return ClockPolicy.Subject.PARTNER_CHECK.value if isinstance(subject, PartnerCheck) else _column(subject)
