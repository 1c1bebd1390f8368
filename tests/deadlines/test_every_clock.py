"""Every kind of clock there is: what people do starts it, and what people do stops it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from casework.actions import cases, closing, contact_handovers, handoffs, partner_checks, referrers, sender_requests
from casework.deadlines.policies import moments, shipped
from casework.models import Case, Clock, Contact, RequestKind, SenderRequest
from localities import calendar
from tests.stage.clock_changes import HARM, NOT_ASKED, again, answers, contact_of
from tests.stage.documents import child
from tests.stage.moments import local
from tests.stage.story import Story, how_it_ended, person

AMBER: dict[str, Any] = {"children": [child(indicators=["L4-10b"])]}
BLUE: dict[str, Any] = {"children": [child(indicators=[])], "family_indicators": [], "referrer_level": 1}

# A clock, and the moment from which it counts.
Told = tuple[Clock, datetime]


def red_case(story: Story) -> Case:
    """A child at risk, with the child protection team."""
    handoff = story.offered(story.contact(**HARM), by="maya")
    handoffs.accept(handoff_id=handoff.pk, by=person("pat"), now=story.later())
    return handoff.case


def done(story: Story, case: Case, *milestones: str, by: str) -> datetime:
    """Deadline is done, each a day after the other, and written down an hour later. When the last was."""
    at = story.now
    for milestone in milestones:
        at = story.later(days=1)
        cases.record_milestone(case_id=case.pk, kind=milestone, at=at, by=person(by), now=story.later())
    return at


def received(**changes: Any) -> Callable[[Story, str], Told]:
    """A contact comes in."""

    def starts(story: Story, kind: str) -> Told:
        contact = story.contact(**changes)
        return contact.clocks.get(kind=kind), contact.received_at

    return starts


def decided_on(by: str = "amina") -> Callable[[Story, Clock], datetime]:
    """Somebody decides on it."""

    def stops(story: Story, clock: Clock) -> datetime:
        story.decided(contact_of(clock), by=by)
        return story.now

    return stops


def agreed_on(story: Story, clock: Clock) -> datetime:
    """Somebody decides on it, and a second person agrees."""
    contact = contact_of(clock)
    story.decided(contact)
    story.signed_off(contact)
    return story.now


def milestone(name: str, by: str) -> Callable[[Story, Clock], datetime]:
    """The work is done, and somebody records it."""

    def stops(story: Story, clock: Clock) -> datetime:
        return done(story, Case.objects.get(clocks=clock), name, by=by)

    return stops


def handed_over(story: Story, kind: str) -> Told:
    """A red contact of the night passes to the day team on Sunday evening: its hour begins when the hub opens."""
    contact = story.contact(at=local("Sat 21 Nov 2026 23:30"), **HARM)
    now = local("Sun 22 Nov 2026 20:00")
    contact_handovers.hand_over(
        contact_id=contact.pk, note="Nobody was at home; go at nine.", by=person("erin"), now=now
    )
    story.now = local("Mon 23 Nov 2026 09:10")
    return contact.clocks.get(kind=kind), local("Mon 23 Nov 2026 09:00")


def taken_on(story: Story, clock: Clock) -> datetime:
    contact_handovers.take_on(contact_id=contact_of(clock).pk, by=person("amina"), now=story.later(minutes=5))
    return story.now


def feedback_owed(story: Story, kind: str) -> Told:
    contact = story.contact()
    story.decided(contact)
    return contact.clocks.get(kind=kind), story.now


def sender_asked(story: Story, kind: str) -> Told:
    contact = story.contact()
    sender_asks(story, contact, RequestKind.CHASE)
    return contact.clocks.get(kind=kind), story.now


def disagreed(step: int) -> Callable[[Story, str], Told]:
    """The sender disagrees so often, each time after an answer."""

    def starts(story: Story, kind: str) -> Told:
        contact = story.contact()
        story.decided(contact)
        for number in range(1, step + 1):
            asked = sender_asks(story, contact, RequestKind.ESCALATE)
            began = story.now
            if number < step:
                sender_requests.answer(request_id=asked.pk, text="So.", by=person("sam" if number > 2 else "maya"),
                                       now=story.later())  # fmt: skip
        return contact.clocks.get(kind=kind), began

    return starts


def sender_asks(story: Story, contact: Contact, kind: RequestKind) -> SenderRequest:
    said: dict[str, Any] = {"kind": kind, "text": "Well?", "by": contact.agency, "now": story.later()}
    return sender_requests.ask(reference=contact.reference, **said).request


def partner_asked(**changes: Any) -> Callable[[Story, str], Told]:
    def starts(story: Story, kind: str) -> Told:
        check = story.asked(story.contact(**changes))
        return check.clocks.get(kind=kind), story.now

    return starts


def partner_answers(story: Story, clock: Clock) -> datetime:
    partner_checks.record_answer(
        check_id=clock.partner_check_id or 0, answer="Nothing.", by=person("amina"), now=story.later(minutes=5)
    )
    return story.now


def offered(by: str = "amina", **changes: Any) -> Callable[[Story, str], Told]:
    def starts(story: Story, kind: str) -> Told:
        handoff = story.offered(story.contact(**changes), by=by)
        return handoff.clocks.get(kind=kind), story.now

    return starts


def accepted_by(username: str) -> Callable[[Story, Clock], datetime]:
    def stops(story: Story, clock: Clock) -> datetime:
        handoffs.accept(handoff_id=clock.handoff_id or 0, by=person(username), now=story.later())
        return story.now

    return stops


def returned(by: str, decider: str, **changes: Any) -> Callable[[Story, str], Told]:
    """The team to which the case is offered returns it to the front door."""

    def starts(story: Story, kind: str) -> Told:
        case = story.returned(story.contact(**changes), by, decided_by=decider)
        return case.clocks.get(kind=kind), story.now

    return starts


def offered_on(story: Story, clock: Clock) -> datetime:
    team = story.team("chiltern")
    handoffs.offer(
        case_id=clock.case_id or 0, to_team_id=team.pk, reason="They live there.", by=person("maya"),
        now=story.later(minutes=30),
    )  # fmt: skip
    return story.now


def returned_to_a_team(by: str, decider: str, **changes: Any) -> Callable[[Story, str], Told]:
    """
    A team that works with the family offers the case to another, which returns it. From children's social care it is a
    step down: the family was told, and agrees.
    """

    def starts(story: Story, kind: str) -> Told:
        handoff = story.offered(story.contact(**changes), by=decider)
        handoffs.accept(handoff_id=handoff.pk, by=person(by), now=story.later())
        onward = handoffs.offer(
            case_id=handoff.case_id, to_team_id=story.team("chiltern").pk, reason="They moved.",
            family_told="They know who comes, and why.", family_agrees=True, rag="red", by=person(by),
            now=story.later(),
        )  # fmt: skip
        handoffs.return_to_sender(handoff_id=onward.pk, reason="They did not.", by=person("chris"), now=story.later())
        return handoff.case.clocks.get(kind=kind), story.now

    return starts


def stepped_up(story: Story, kind: str) -> Told:
    case = story.accepted()
    handoff = handoffs.offer(
        case_id=case.pk, to_team_id=story.team("child-protection").pk, reason="He was hurt.",
        family_told="They know who comes, and why.", in_danger=False, rag="amber", by=person("ben"), now=story.later(),
    )  # fmt: skip
    return handoff.clocks.get(kind=kind), story.now


def kept_by(username: str) -> Callable[[Story, Clock], datetime]:
    def stops(story: Story, clock: Clock) -> datetime:
        lead = person(username)
        cases.name_lead(case_id=clock.case_id or 0, lead_id=lead.pk, by=lead, now=story.later(minutes=30))
        return story.now

    return stops


def asked_to_close(story: Story, kind: str) -> Told:
    case = story.accepted()
    ended = how_it_ended(outcome="no_progress", children_seen=False, adults_seen=False)
    closing.ask_lead(case_id=case.pk, ended=ended, by=person("bea"), now=story.later())
    return case.clocks.get(kind=kind), story.now


def kept_open(story: Story, clock: Clock) -> datetime:
    reason = "Ring the school first, and go there."
    closing.decline(case_id=clock.case_id or 0, reason=reason, by=person("ben"), now=story.later(minutes=30))
    return story.now


def on_acceptance(story: Story, kind: str) -> Told:
    case = story.accepted()
    return case.clocks.get(kind=kind), story.now


def after(*milestones: str) -> Callable[[Story, str], Told]:
    """A milestone of a family help case starts the next clock."""

    def starts(story: Story, kind: str) -> Told:
        case = story.accepted()
        at = done(story, case, *milestones, by="ben")
        return case.clocks.running().get(kind=kind), at

    return starts


def after_in_protection(*milestones: str) -> Callable[[Story, str], Told]:
    """A milestone of a child protection case starts the next clock."""

    def starts(story: Story, kind: str) -> Told:
        case = red_case(story)
        at = done(story, case, *milestones, by="pat")
        return case.clocks.running().get(kind=kind), at

    return starts


def assessment_promised(story: Story, kind: str) -> Told:
    case = red_case(story)
    return case.clocks.get(kind=kind), case.contacts.get().received_at


def discussion_promised(story: Story, kind: str) -> Told:
    handoff = story.offered(story.contact(**HARM), by="maya")
    decided_at = story.now
    handoffs.accept(handoff_id=handoff.pk, by=person("pat"), now=story.later())
    return handoff.case.clocks.get(kind=kind), decided_at


def lead_named(story: Story, clock: Clock) -> datetime:
    cases.name_lead(case_id=clock.case_id or 0, lead_id=person("bea").pk, by=person("ben"), now=story.later())
    return story.now


def acknowledged(story: Story, clock: Clock) -> datetime:
    referrers.acknowledge(contact_id=contact_of(clock).pk, by=person("oliver"), now=story.later())
    return story.now


def confirmed(story: Story, clock: Clock) -> datetime:
    referrers.confirm_in_writing(contact_id=contact_of(clock).pk, by=person("oliver"), now=story.later())
    return story.now


def answered_by(name: str) -> Callable[[Story, Clock], datetime]:
    def ends(story: Story, clock: Clock) -> datetime:
        waits = contact_of(clock).sender_requests.get(ended_at=None)
        sender_requests.answer(request_id=waits.pk, text="So.", by=person(name), now=story.later())
        return story.now

    return ends


def told_the_outcome(story: Story, clock: Clock) -> datetime:
    referrers.give_feedback(contact_id=contact_of(clock).pk, by=person("oliver"), now=story.later())
    return story.now


def family_answers(story: Story, clock: Clock) -> datetime:
    answers(clock, story.later())
    return story.now


STORIES: dict[str, tuple[Callable[[Story, str], Told], Callable[[Story, Clock], datetime]]] = {
    "acknowledge_referrer": (received(), acknowledged),
    "next_step_decision": (received(), decided_on()),
    "final_decision_red": (received(**HARM), decided_on("maya")),
    "final_decision_amber": (received(**AMBER), decided_on()),
    "final_decision_green": (received(), decided_on()),
    "final_decision_blue": (received(**BLUE), agreed_on),
    "written_confirmation": (received(received_by_phone=True), confirmed),
    "agreement_sought": (received(**NOT_ASKED), family_answers),
    "contact_taken_on": (handed_over, taken_on),
    "feedback_to_referrer": (feedback_owed, told_the_outcome),
    "sender_asked": (sender_asked, answered_by("oliver")),
    "disagreement_worker": (disagreed(1), answered_by("amina")),
    "disagreement_manager": (disagreed(2), answered_by("maya")),
    "disagreement_service": (disagreed(3), answered_by("sam")),
    "disagreement_partnership": (disagreed(4), answered_by("sam")),
    "partner_check_red": (partner_asked(**HARM), partner_answers),
    "partner_check": (partner_asked(), partner_answers),
    "handoff_acceptance_red": (offered("maya", **HARM), accepted_by("pat")),
    "handoff_acceptance_step_up": (stepped_up, accepted_by("pat")),
    "handoff_acceptance": (offered(), accepted_by("ben")),
    "next_team_offered_red": (returned("pat", "maya", **HARM), offered_on),
    "next_team_offered": (returned("ben", "amina"), offered_on),
    "returned_case_settled_red": (returned_to_a_team("pat", "maya", **HARM), kept_by("pat")),
    "returned_case_settled": (returned_to_a_team("ben", "amina"), kept_by("bea")),
    "closing_asked": (asked_to_close, kept_open),
    "lead_practitioner_named": (on_acceptance, lead_named),
    "first_family_contact": (on_acceptance, milestone("first_family_contact", "ben")),
    "family_help_assessment": (on_acceptance, milestone("family_help_assessment", "ben")),
    "family_help_plan": (on_acceptance, milestone("plan_agreed", "ben")),
    "plan_review": (after("plan_agreed"), milestone("plan_reviewed", "ben")),
    "later_plan_review": (after("plan_agreed", "plan_reviewed"), milestone("plan_reviewed", "ben")),
    "social_work_assessment": (assessment_promised, milestone("social_work_assessment", "pat")),
    "strategy_discussion": (discussion_promised, milestone("strategy_discussion_held", "pat")),
    "initial_conference": (
        after_in_protection("strategy_discussion_held"), milestone("initial_conference_held", "pat"),
    ),
    "core_group": (
        after_in_protection("strategy_discussion_held", "initial_conference_held"), milestone("core_group_held", "pat"),
    ),
    "first_review_conference": (
        after_in_protection("strategy_discussion_held", "initial_conference_held"),
        milestone("review_conference_held", "pat"),
    ),
    "later_review_conference": (
        after_in_protection("strategy_discussion_held", "initial_conference_held", "review_conference_held"),
        milestone("review_conference_held", "pat"),
    ),
}  # fmt: skip


SUBJECTS = {"contact": "contact", "case": "case", "handoff": "handoff", "partner_request": "partner_check"}


class TestEveryPolicy:
    def test_each_has_its_story(self) -> None:
        assert set(STORIES) == set(shipped())

    @pytest.mark.parametrize("kind", STORIES)
    def test_it_starts_warns_is_due_and_stops(self, story: Story, kind: str) -> None:
        starts, stops = STORIES[kind]
        clock, started_at = starts(story, kind)
        clock = again(clock)
        assert clock.stopped_at is None
        # Its moments are those of the file that is shipped, from the moment that the story tells.
        expected = moments(shipped()[kind], started_at, calendar.current())
        assert (clock.started_at, clock.warn_at, clock.due_at, clock.escalate_at) == (
            expected.started_at, expected.warn_at, expected.due_at, expected.escalate_at,
        )  # fmt: skip
        assert clock.next_at == clock.warn_at
        assert getattr(clock, f"{SUBJECTS[clock.policy.subject]}_id") is not None

        stopped_at = stops(story, clock)
        clock = again(clock)
        assert (clock.stopped_at, clock.ended, clock.next_at) == (stopped_at, "done", None)
        assert not clock.changes.exists(), "nobody touched it"
