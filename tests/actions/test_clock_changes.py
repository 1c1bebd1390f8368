"""Clocks that run are paused, go on and are given more time: by a person, for a reason, never out of sight."""

import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from casework.actions import clock_changes, handoffs
from casework.deadlines import clocks
from casework.jobs import stale_recommendations, sweep
from casework.models import AuditEvent, Case, Clock, ClockPolicy, Contact, Event, OutboxMessage
from casework.reading import front_door, worklists
from errors import InvalidInput, NotAllowedInStatus, NotPermitted
from localities.models import Membership, Role, User
from localities.working_time import local_day
from tests.stage.clock_changes import (
    HARM,
    NOT_ASKED,
    WHY,
    again,
    answers,
    contact_of,
    extend,
    faults,
    goes_on,
    pause,
    steps,
)
from tests.stage.documents import child
from tests.stage.moments import local
from tests.stage.story import Story, person

SECOND = timedelta(seconds=1)


def held(story: Story) -> Clock:
    """The final decision on a contact whose family is being asked: received on Thursday 19 November 2026 at ten."""
    return story.contact(**NOT_ASKED).clocks.get(kind="final_decision_green")


def changes(clock: Clock) -> list[tuple[str, str | None]]:
    """The changes of a clock: what was done, and by whom."""
    return list(clock.changes.values_list("kind", "by__username"))


def events(event: Event) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(event=event).select_related("by_user", "contact", "case"))


def nothing_was_done(clock: Clock) -> None:
    """Checks that the clock, its changes and the audit are as before."""
    assert vars(again(clock)) | {"_state": 0} == vars(clock) | {"_state": 0}
    assert not clock.changes.exists()
    done = (Event.CLOCK_PAUSED, Event.CLOCK_RESUMED, Event.CLOCK_EXTENDED)
    assert not AuditEvent.objects.filter(event__in=done).exists()


class TestPausing:
    def test_it_stands_still_and_says_by_whom_and_why(self, story: Story, oliver: User) -> None:
        clock = held(story)
        at = story.later()
        paused = pause(clock, at, reason="  Amina rings the mother. ")
        assert again(clock) == paused
        assert (paused.paused_at, paused.next_at) == (at, None)
        assert (paused.due_at, paused.warn_at) == (clock.due_at, clock.warn_at)
        change = clock.changes.get()
        assert (change.kind, change.at, change.by, change.reason) == ("paused", at, oliver, "Amina rings the mother.")
        assert change.due_before == change.due_after == clock.due_at
        (event,) = events(Event.CLOCK_PAUSED)
        assert (event.at, event.by_user, event.contact) == (at, oliver, contact_of(clock))
        assert event.detail == {"kind": "final_decision_green"}

    @pytest.mark.parametrize("kind", ["next_step_decision", "acknowledge_referrer", "agreement_sought"])
    def test_only_what_its_policy_allows(self, story: Story, kind: str) -> None:
        """Statutory clocks cannot be paused, nor can the clock for asking the family."""
        clock = again(held(story).contact.clocks.get(kind=kind))  # type: ignore[union-attr]  # it is a contact's
        with pytest.raises(NotAllowedInStatus, match=r"^This deadline cannot be paused\.$"):
            pause(clock, story.later())
        nothing_was_done(clock)

    @pytest.mark.parametrize("of", ["handoff", "case", "partner check"])
    def test_what_is_not_about_a_contact_is_not_paused(self, story: Story, of: str) -> None:
        """Everybody who can see the clock gets a sentence that says why."""
        match of:
            case "handoff":
                clock, by = story.offered().clocks.get(), "ben"
            case "case":
                clock, by = story.accepted().clocks.get(kind="first_family_contact"), "ben"
            case _:
                clock, by = story.asked(story.contact()).clocks.get(), "oliver"
        clock = again(clock)
        with pytest.raises(NotAllowedInStatus, match=r"^This deadline cannot be paused\.$"):
            pause(clock, story.later(), by=by)
        with pytest.raises(NotAllowedInStatus, match=r"^This clock is not paused\.$"):
            goes_on(clock, story.later(), by=by)
        nothing_was_done(clock)

    def test_only_while_the_family_is_asked(self, story: Story) -> None:
        clock = again(story.contact().clocks.get(kind="final_decision_green"))
        with pytest.raises(NotAllowedInStatus, match="only while the family's agreement is sought"):
            pause(clock, story.later())
        nothing_was_done(clock)

    def test_not_once_it_has_answered(self, story: Story) -> None:
        clock = held(story)
        answers(clock, story.later())
        with pytest.raises(NotAllowedInStatus, match="only while the family's agreement is sought"):
            pause(clock, story.later())

    def test_never_on_a_red_contact(self, story: Story) -> None:
        """A red contact's clock is never paused, even if its policy allows pauses."""
        ClockPolicy.objects.create(
            kind="call_back", effective_from=date(2026, 1, 1), subject="contact", starts_at="received", limit=1,
            unit="working_day", ends="same_time", warn_at_share=0.5, escalates_to="team_lead", basis="local",
            may_pause=True,
        )  # fmt: skip
        contact = story.contact(**NOT_ASKED, **HARM)
        assert contact.rag == "red"
        clock = again(contact.clocks.get(kind="call_back"))
        with pytest.raises(NotAllowedInStatus, match=f"{contact} is red: its clocks run day and night"):
            pause(clock, story.later())
        with pytest.raises(NotAllowedInStatus, match="cannot be paused"):
            pause(contact.clocks.get(kind="final_decision_red"), story.later())
        nothing_was_done(clock)

    def test_up_to_the_last_second_and_not_once_it_is_due(self, story: Story) -> None:
        clock = held(story)
        for late in (timedelta(0), SECOND):
            with pytest.raises(NotAllowedInStatus, match="has passed already: pausing would hide it"):
                pause(clock, clock.due_at + late)
        nothing_was_done(again(clock))
        assert pause(clock, clock.due_at - SECOND).paused_at == clock.due_at - SECOND

    def test_once_at_a_time(self, story: Story) -> None:
        clock = held(story)
        pause(clock, story.later())
        with pytest.raises(NotAllowedInStatus, match="paused already"):
            pause(clock, story.later())
        assert changes(clock) == [("paused", "oliver")]

    def test_not_what_has_stopped(self, story: Story) -> None:
        clock = held(story)
        story.decided(contact_of(clock), pathway="social_work_assessment", level=4, rag="amber")
        with pytest.raises(NotAllowedInStatus, match="has stopped"):
            pause(clock, story.later())

    @pytest.mark.parametrize("reason", ["", " \n"])
    def test_needs_a_reason(self, story: Story, reason: str) -> None:
        clock = held(story)
        with pytest.raises(InvalidInput) as excinfo:
            pause(clock, story.later(), reason=reason)
        assert faults(excinfo) == {"reason": "Enter why the deadline is paused"}
        nothing_was_done(again(clock))

    @pytest.mark.parametrize("by", ["amina", "oliver", "maya", "erin"])
    def test_whoever_works_at_the_front_door_may(self, story: Story, by: str) -> None:
        assert pause(held(story), story.later(), by=by).paused_at == story.now

    @pytest.mark.parametrize("by", ["sam", "ava", "paula", "iris"])
    def test_those_who_oversee_see_it_and_leave_it(self, story: Story, by: str) -> None:
        clock = again(held(story))
        with pytest.raises(NotPermitted, match="Only front-door staff"):
            pause(clock, story.later(), by=by)
        nothing_was_done(clock)

    @pytest.mark.parametrize("by", ["ben", "carol", "adele"])
    def test_nobody_else_even_finds_it(self, story: Story, by: str) -> None:
        clock = again(held(story))
        with pytest.raises(Contact.DoesNotExist):
            pause(clock, story.later(), by=by)
        nothing_was_done(clock)


class TestWhileItIsPaused:
    def test_nobody_is_told_however_long(self, story: Story) -> None:
        clock = held(story)
        pause(clock, story.later())
        sweep.sweep(now=clock.escalate_at + timedelta(days=30))
        assert steps(clock) == []
        # The others are told about all the same.
        assert steps(contact_of(clock).clocks.get(kind="agreement_sought")) == ["warning", "breach", "escalation"]

    def test_it_is_not_late(self, story: Story) -> None:
        clock = held(story)
        pause(clock, story.later())
        front_door, late = [story.team("front-door")], clock.escalate_at + timedelta(days=1)
        assert clock not in worklists.late_clocks(person("sam"), front_door, late)
        assert {each.kind for each in worklists.late_clocks(person("sam"), front_door, late)} == {
            "next_step_decision", "agreement_sought", "acknowledge_referrer",
        }  # fmt: skip

    def test_what_was_said_before_waits_with_it(self, story: Story, amina: User) -> None:
        clock = held(story)
        sweep.sweep(now=clock.warn_at)
        before = [reminder.clock for reminder in worklists.my_reminders(amina, clock.warn_at)]
        assert clock in before
        pause(clock, clock.warn_at + SECOND)
        at = clock.warn_at + 2 * SECOND
        after = [reminder.clock for reminder in worklists.my_reminders(amina, at)]
        assert after == [each for each in before if each != clock]

    def test_the_contact_waits_until_the_next_of_its_promises(self, story: Story, amina: User) -> None:
        """The statutory clock for the next step is due first, whether or not the other one is paused."""
        clock = held(story)
        pause(clock, story.later())
        (contact,) = front_door.awaiting(amina, story.now)
        assert contact.due_at == contact.clocks.get(kind="next_step_decision").due_at  # type: ignore[attr-defined]  # annotated


class TestGoingOn:
    def test_with_the_familys_answer_later_by_the_open_time(self, story: Story, amina: User) -> None:
        """The pause from Thursday noon to Friday noon has 5.5 and 3 open hours."""
        clock = held(story)
        assert clock.due_at == local("Tue 24 Nov 2026 10:00")
        pause(clock, local("Thu 19 Nov 2026 12:00"))
        answers(clock, local("Fri 20 Nov 2026 12:00"))
        now = again(clock)
        assert (now.paused_at, now.stopped_at) == (None, None)
        assert now.due_at == local("Wed 25 Nov 2026 10:00")
        # Six days from Thursday to Wednesday, three quarters of which end on Monday at 22:00, when the hub is closed.
        assert now.warn_at == now.next_at == local("Mon 23 Nov 2026 16:30")
        assert now.escalate_at == local("Thu 26 Nov 2026 10:00")
        assert changes(clock) == [("paused", "oliver"), ("resumed", "amina")]
        change = clock.changes.last()
        assert change is not None
        assert (change.at, change.by) == (local("Fri 20 Nov 2026 12:00"), amina)
        assert change.reason == "The family's agreement is sought no more."
        assert (change.due_before, change.due_after) == (clock.due_at, now.due_at)

    def test_it_never_restarts(self, story: Story) -> None:
        clock = held(story)
        pause(clock, story.later())
        answers(clock, story.later())
        assert again(clock).started_at == contact_of(clock).received_at

    def test_over_a_weekend_nothing_moves(self, story: Story) -> None:
        clock = held(story)
        pause(clock, local("Fri 20 Nov 2026 17:00"))
        answers(clock, local("Mon 23 Nov 2026 09:00"))
        assert again(clock).due_at == clock.due_at
        assert again(clock).next_at == clock.next_at

    def test_every_clock_of_the_contact_that_stood_still(self, story: Story) -> None:
        ClockPolicy.objects.create(
            kind="call_back", effective_from=date(2026, 1, 1), subject="contact", starts_at="received", limit=2,
            unit="working_day", ends="end_of_day", warn_at_share=0.5, escalates_to="team_lead", basis="local",
            may_pause=True,
        )  # fmt: skip
        clock = held(story)
        another = contact_of(clock).clocks.get(kind="call_back")
        assert another.due_at == local("end of Mon 23 Nov 2026")
        for each in (clock, another):
            pause(each, story.later(minutes=1))
        other = held(story)
        pause(other, story.now)
        answers(clock, story.later())
        assert (again(clock).paused_at, again(another).paused_at) == (None, None)
        assert again(another).due_at == local("end of Tue 24 Nov 2026"), "an end of day stays one"
        # Another family was not asked.
        assert again(other).paused_at is not None

    def test_the_reminders_go_on_where_they_were(self, story: Story) -> None:
        clock = held(story)
        sweep.sweep(now=clock.warn_at)
        pause(clock, local("Mon 23 Nov 2026 10:00"))
        answers(clock, local("Mon 23 Nov 2026 12:00"))
        now = again(clock)
        assert now.due_at == now.next_at == local("Tue 24 Nov 2026 12:00")
        sweep.sweep(now=now.due_at - SECOND)
        assert steps(clock) == ["warning"]
        sweep.sweep(now=now.due_at)
        sweep.sweep(now=now.escalate_at)
        assert steps(clock) == ["warning", "breach", "escalation"]

    def test_two_pauses_add_up(self, story: Story) -> None:
        clock = held(story)
        pause(clock, local("Thu 19 Nov 2026 12:00"))
        goes_on(clock, local("Thu 19 Nov 2026 13:00"))
        pause(clock, local("Fri 20 Nov 2026 16:00"))
        goes_on(clock, local("Mon 23 Nov 2026 10:00"))
        assert again(clock).due_at == local("Tue 24 Nov 2026 13:00")
        assert [kind for kind, _ in changes(clock)] == ["paused", "resumed"] * 2

    def test_with_the_decision_and_the_pause_makes_nothing_late(self, story: Story, amina: User) -> None:
        """The clock is paused an hour before it is due. The decision comes three days later."""
        clock = held(story)
        pause(clock, local("Tue 24 Nov 2026 09:00"))
        story.now = local("Fri 27 Nov 2026 11:00")
        story.decided(contact_of(clock), pathway="social_work_assessment", level=4, rag="amber")
        now = again(clock)
        assert (now.ended, now.paused_at, now.stopped_at) == ("done", None, local("Fri 27 Nov 2026 12:00"))
        assert now.due_at == local("Fri 27 Nov 2026 13:00")
        change = clock.changes.get(kind="resumed")
        assert (change.by, change.reason, change.due_after) == (amina, "It was decided.", now.due_at)

    def test_even_if_a_second_person_must_agree(self, story: Story, maya: User) -> None:
        """The service no longer waits for the family, so the time until the sign-off counts."""
        clock = held(story)
        pause(clock, story.later())
        decision = story.decided(contact_of(clock), by="maya", pathway="advice")
        assert decision.needs_sign_off
        assert (again(clock).paused_at, again(clock).ended) == (None, "")
        change = clock.changes.get(kind="resumed")
        assert (change.by, change.reason) == (maya, "It was decided.")
        story.signed_off(contact_of(clock), by="david")
        assert again(clock).ended == "done"

    def test_by_the_service_where_the_family_need_not_be_asked_any_more(self, story: Story) -> None:
        """A second contact opens a case of the same child: the rules, asked again, link this one to it."""
        level_2: dict[str, Any] = {"children": [child(indicators=["L2-26"])], "family_indicators": []}
        clock = story.contact(**NOT_ASKED, **level_2).clocks.get(kind="final_decision_green")
        pause(clock, story.now)
        story.accepted(story.contact(by="example-police", **level_2))
        assert stale_recommendations.renew(now=story.now) == 1
        seen = contact_of(clock)
        assert seen.recommendation is not None
        assert (seen.recommendation.pathway, seen.rag) == ("link_to_open_work", "green")
        assert again(clock).due_at == clock.due_at + timedelta(hours=2)
        assert changes(clock) == [("paused", "oliver"), ("resumed", None)]

    def test_by_hand_before_it_has_answered(self, story: Story, oliver: User) -> None:
        clock = held(story)
        pause(clock, local("Thu 19 Nov 2026 12:00"), by="amina")
        resumed = goes_on(clock, local("Thu 19 Nov 2026 14:30"), reason=" She does not answer. ")
        assert (resumed.paused_at, resumed.due_at) == (None, local("Tue 24 Nov 2026 12:30"))
        assert again(clock).due_at == resumed.due_at
        change = clock.changes.get(kind="resumed")
        assert (change.by, change.reason, change.due_before) == (oliver, "She does not answer.", clock.due_at)
        (event,) = events(Event.CLOCK_RESUMED)
        assert (event.by_user, event.contact, event.at) == (oliver, contact_of(clock), local("Thu 19 Nov 2026 14:30"))
        assert event.detail == {"kind": "final_decision_green", "due": resumed.due_at.isoformat()}
        # The family is still asked: it may stand still again.
        assert pause(clock, local("Thu 19 Nov 2026 15:00")).paused_at is not None

    def test_by_hand_only_what_stands_still(self, story: Story) -> None:
        clock = again(held(story))
        with pytest.raises(NotAllowedInStatus, match="is not paused"):
            goes_on(clock, story.later())
        nothing_was_done(clock)

    def test_by_hand_needs_a_reason(self, story: Story) -> None:
        clock = held(story)
        pause(clock, story.later())
        with pytest.raises(InvalidInput) as excinfo:
            goes_on(clock, story.later(), reason=" ")
        assert faults(excinfo) == {"reason": "Enter why the deadline is resumed"}
        assert again(clock).paused_at is not None

    @pytest.mark.parametrize(
        ("by", "error"),
        [("sam", NotPermitted), ("ava", NotPermitted), ("ben", Contact.DoesNotExist), ("carol", Contact.DoesNotExist)],
    )
    def test_by_hand_is_the_front_doors_to_say(self, story: Story, by: str, error: type[Exception]) -> None:
        clock = held(story)
        pause(clock, story.later())
        with pytest.raises(error):
            goes_on(clock, story.later(), by=by)
        assert again(clock).paused_at is not None


class TestTheRatingChanges:
    def test_what_stood_still_ends_and_the_new_one_runs_from_the_receipt(self, story: Story) -> None:
        """The family refuses, so a social worker reviews the contact within a working day of its receipt."""
        clock = held(story)
        pause(clock, story.later())
        answers(clock, story.later(), service="refused")
        assert (again(clock).ended, again(clock).stopped_at, again(clock).paused_at) == ("replaced", story.now, None)
        amber = contact_of(clock).clocks.running().get(kind="final_decision_amber")
        assert (amber.started_at, amber.due_at) == (contact_of(clock).received_at, local("Fri 20 Nov 2026 10:00"))
        assert (amber.paused_at, amber.next_at) == (None, amber.warn_at)

    def test_red_runs_day_and_night_from_the_receipt(self, story: Story) -> None:
        """The red clock has four hours from the receipt, of which three have passed. Nothing is paused."""
        clock = held(story)
        pause(clock, story.later())
        contact = contact_of(clock)
        contact.rag = "red"
        contact.save(update_fields=["rag"])
        clocks.rerate(contact, at=story.later(hours=2))
        assert (again(clock).ended, again(clock).paused_at) == ("replaced", None)
        red = contact.clocks.running().get(kind="final_decision_red")
        assert (red.started_at, red.due_at) == (contact.received_at, local("Thu 19 Nov 2026 14:00"))
        sweep.sweep(now=story.now)
        assert steps(red) == ["warning"]
        with pytest.raises(NotAllowedInStatus, match="cannot be paused"):
            pause(red, story.now)


class TestExtending:
    def test_it_is_due_when_a_person_said(self, story: Story, maya: User) -> None:
        clock = again(story.contact().clocks.get(kind="final_decision_green"))
        now, to = story.later(), local("Thu 26 Nov 2026 12:00")
        extended = extend(clock, to, now, reason=f" {WHY} ")
        assert (extended.due_at, again(clock).due_at) == (to, to)
        assert extended.started_at == clock.started_at
        # Three quarters of the seven days and two hours from Thursday.
        assert extended.warn_at == extended.next_at == local("Tue 24 Nov 2026 17:30")
        assert extended.escalate_at == local("Fri 27 Nov 2026 12:00")
        change = clock.changes.get()
        assert (change.kind, change.at, change.by, change.reason) == ("extended", now, maya, WHY)
        assert (change.due_before, change.due_after) == (clock.due_at, to)
        (event,) = events(Event.CLOCK_EXTENDED)
        assert (event.at, event.by_user, event.contact, event.case) == (now, maya, clock.contact, None)
        assert event.detail == {"kind": "final_decision_green", "due": to.isoformat()}

    def test_of_a_case_it_stands_in_the_cases_story(self, story: Story, ben: User) -> None:
        clock = story.accepted().clocks.get(kind="family_help_assessment")
        to = clock.due_at + timedelta(days=7)
        extend(clock, to, story.later(), by="ben")
        (event,) = events(Event.CLOCK_EXTENDED)
        assert (event.by_user, event.contact, event.case) == (ben, None, clock.case)
        assert clock.changes.get().by == ben
        assert "Ashworth" not in json.dumps(event.detail)

    def test_more_than_once_and_each_is_written_down(self, story: Story) -> None:
        clock = story.contact().clocks.get(kind="final_decision_green")
        first, second = clock.due_at + timedelta(days=1), clock.due_at + timedelta(days=2)
        extend(clock, first, story.later())
        extend(clock, second, story.later(), by="sam")
        assert [(change.due_before, change.due_after) for change in clock.changes.all()] == [
            (clock.due_at, first), (first, second),
        ]  # fmt: skip
        assert changes(clock) == [("extended", "maya"), ("extended", "sam")]

    def test_what_stood_still_may_be_given_more_time_and_stand_still_again(self, story: Story) -> None:
        clock = held(story)
        pause(clock, local("Thu 19 Nov 2026 12:00"))
        goes_on(clock, local("Thu 19 Nov 2026 13:00"))
        extend(clock, local("Thu 26 Nov 2026 10:00"), local("Thu 19 Nov 2026 14:00"))
        pause(clock, local("Wed 25 Nov 2026 10:00"))
        goes_on(clock, local("Wed 25 Nov 2026 11:30"))
        assert again(clock).due_at == local("Thu 26 Nov 2026 11:30")


class TestWhoMayExtend:
    """The role to which a breach escalates may extend, in the responsible team. Nobody extends their own clock."""

    @pytest.mark.parametrize("by", ["maya", "david", "sam"])
    def test_of_a_contact_a_front_door_manager(self, story: Story, by: str) -> None:
        clock = story.contact().clocks.get(kind="next_step_decision")
        to = clock.due_at + timedelta(days=1)
        assert extend(clock, to, story.later(), by=by).due_at == to

    @pytest.mark.parametrize("by", ["amina", "oliver", "erin", "ezra", "ava", "paula"])
    def test_of_a_contact_neither_the_worker_nor_another_teams_manager(self, story: Story, by: str) -> None:
        clock = again(story.contact().clocks.get(kind="next_step_decision"))
        says = "Only a front-door manager of the team responsible for it, or a service manager"
        with pytest.raises(NotPermitted, match=says):
            extend(clock, clock.due_at + timedelta(days=1), story.later(), by=by)
        nothing_was_done(clock)

    def test_of_a_contact_of_the_night_emergency_dutys_manager(self, story: Story) -> None:
        night = local("Sat 21 Nov 2026 23:30")
        contact = story.contact(at=night, **HARM)
        assert contact.team.code == "emergency-duty"
        clock = contact.clocks.get(kind="next_step_decision")
        to = clock.due_at + timedelta(hours=2)
        with pytest.raises(NotPermitted):
            extend(clock, to, night + timedelta(hours=1), by="maya")
        assert extend(clock, to, night + timedelta(hours=1), by="ezra").due_at == to

    @pytest.mark.parametrize("by", ["ben", "sam"])
    def test_of_a_case_whoever_leads_the_team_that_holds_it(self, story: Story, by: str) -> None:
        clock = story.accepted().clocks.get(kind="first_family_contact")
        to = clock.due_at + timedelta(days=1)
        assert extend(clock, to, story.later(), by=by).due_at == to

    def test_of_a_case_not_the_worker(self, story: Story) -> None:
        clock = again(story.accepted().clocks.get(kind="first_family_contact"))
        says = "Only a team lead of the team responsible for it, or a service manager"
        with pytest.raises(NotPermitted, match=says):
            extend(clock, clock.due_at + timedelta(days=1), story.later(), by="bea")
        nothing_was_done(clock)

    @pytest.mark.parametrize("by", ["carol", "pat", "maya", "amina", "adele"])
    def test_of_a_case_another_team_does_not_even_find_it(self, story: Story, by: str) -> None:
        clock = again(story.accepted().clocks.get(kind="first_family_contact"))
        with pytest.raises(Case.DoesNotExist):
            extend(clock, clock.due_at + timedelta(days=1), story.later(), by=by)
        nothing_was_done(clock)

    def test_of_a_case_the_team_that_is_asked_sees_it_and_leaves_it(self, story: Story, ben: User) -> None:
        """The case is on offer to Carol's team. Ben's team is still responsible."""
        clock = story.accepted().clocks.get(kind="first_family_contact")
        handoffs.offer(
            case_id=clock.case_id or 0, to_team_id=story.team("wycombe-and-marlow").pk, reason="They moved.",
            by=ben, now=story.later(),
        )  # fmt: skip
        with pytest.raises(NotPermitted):
            extend(clock, clock.due_at + timedelta(days=1), story.later(), by="carol")

    def test_what_goes_to_the_service_manager_is_hers_to_extend(self, story: Story, pat: User) -> None:
        handoff = story.offered(story.contact(**HARM), by="maya")
        handoffs.accept(handoff_id=handoff.pk, by=pat, now=story.later())
        clock = handoff.case.clocks.get(kind="social_work_assessment")
        to = clock.due_at + timedelta(days=5)
        with pytest.raises(NotPermitted, match="service manager"):
            extend(clock, to, story.later(), by="pat")
        assert extend(clock, to, story.later(), by="sam").due_at == to

    def test_who_leads_it_no_more_may_no_more(self, story: Story, ben: User) -> None:
        clock = story.accepted().clocks.get(kind="first_family_contact")
        now = story.later()
        Membership.objects.filter(user=ben).update(role=Role.TEAM_MEMBER)
        with pytest.raises(NotPermitted):
            extend(clock, clock.due_at + timedelta(days=1), now, by="ben")
        Membership.objects.filter(user=ben).update(ends_on=local_day(now) - timedelta(days=1))
        with pytest.raises(Case.DoesNotExist):
            extend(clock, clock.due_at + timedelta(days=1), now, by="ben")


class TestWhatIsNotExtended:
    def refused(self, clock: Clock, says: str, by: str, at: datetime) -> None:
        with pytest.raises(NotAllowedInStatus, match=says):
            extend(clock, clock.due_at + timedelta(days=1), at, by=by)

    @pytest.mark.parametrize("kind", ["final_decision_red", "written_confirmation"])
    def test_what_is_promised_in_hours(self, story: Story, kind: str) -> None:
        clock = again(story.contact(**HARM, received_by_phone=True).clocks.get(kind=kind))
        self.refused(clock, "A deadline in hours is not extended", "maya", story.later())
        nothing_was_done(clock)

    @pytest.mark.parametrize("by", ["ben", "sam"])
    def test_the_answer_to_a_handoff(self, story: Story, by: str) -> None:
        clock = again(story.offered().clocks.get())
        self.refused(clock, "An answer that somebody owes is not extended: it is given, or chased", by, story.now)
        nothing_was_done(clock)

    @pytest.mark.parametrize("by", ["maya", "sam"])
    def test_a_partners_answer(self, story: Story, by: str) -> None:
        clock = again(story.asked(story.contact()).clocks.get())
        self.refused(clock, "An answer that somebody owes is not extended", by, story.later())
        nothing_was_done(clock)

    def test_another_team_does_not_even_find_those(self, story: Story) -> None:
        of_handoff = story.offered().clocks.get()
        with pytest.raises(Case.DoesNotExist):
            extend(of_handoff, of_handoff.due_at + timedelta(days=1), story.now, by="carol")
        of_partner = story.asked(story.contact(by="example-police")).clocks.get()
        with pytest.raises(Contact.DoesNotExist):
            extend(of_partner, of_partner.due_at + timedelta(days=1), story.later(), by="carol")

    def test_what_stands_still(self, story: Story) -> None:
        clock = held(story)
        pause(clock, story.later())
        self.refused(clock, "is paused. Let it go on first", "maya", story.later())

    def test_what_has_stopped(self, story: Story) -> None:
        clock = story.contact().clocks.get(kind="next_step_decision")
        story.decided(contact_of(clock))
        self.refused(clock, "has stopped", "maya", story.later())

    def test_what_a_closed_case_promised(self, story: Story) -> None:
        clock = story.closed().clocks.filter(kind="first_family_contact").get()
        self.refused(clock, "is closed", "ben", story.later())


class TestWhatIsTypedToExtend:
    LATER = "Enter a moment after it is due and after now, at most three months later"

    def test_everything_that_is_missing_is_said_at_once(self, story: Story) -> None:
        clock = again(story.contact().clocks.get(kind="final_decision_green"))
        with pytest.raises(InvalidInput) as excinfo:
            extend(clock, None, story.later(), reason=" ")
        assert faults(excinfo) == {
            "to": "Enter until when",
            "reason": "Enter why more time is needed, and how the children are safe until then",
        }
        with pytest.raises(InvalidInput) as excinfo:
            extend(clock, clock.due_at, story.later(), reason="")
        assert set(faults(excinfo)) == {"to", "reason"}
        nothing_was_done(clock)

    def test_later_than_it_is_due_by_a_second_or_by_three_months(self, story: Story) -> None:
        clock = again(story.contact().clocks.get(kind="final_decision_green"))
        for to in (clock.due_at, clock.due_at - SECOND, clock.due_at + clock_changes.LONGEST_EXTENSION + SECOND):
            with pytest.raises(InvalidInput) as excinfo:
                extend(clock, to, story.later(seconds=1))
            assert faults(excinfo) == {"to": self.LATER}
        nothing_was_done(clock)
        assert extend(clock, clock.due_at + SECOND, story.now).due_at == clock.due_at + SECOND
        farthest = clock.due_at + SECOND + clock_changes.LONGEST_EXTENSION
        assert extend(clock, farthest, story.now).due_at == farthest

    def test_once_it_is_late_later_than_now(self, story: Story) -> None:
        clock = again(story.contact().clocks.get(kind="final_decision_green"))
        now = clock.due_at + timedelta(days=2)
        for to in (now, now - SECOND, clock.due_at + SECOND):
            with pytest.raises(InvalidInput) as excinfo:
                extend(clock, to, now)
            assert faults(excinfo) == {"to": self.LATER}
        assert extend(clock, now + SECOND, now).due_at == now + SECOND


class TestTheRemindersOfAnExtendedClock:
    """The reminders continue with the next step, and no step is sent twice."""

    @pytest.mark.parametrize(
        ("said", "then"),
        [
            ([], ["warning", "breach", "escalation"]),
            (["warning"], ["warning", "breach", "escalation"]),
            (["warning", "breach"], ["warning", "breach", "escalation"]),
            (["warning", "breach", "escalation"], ["warning", "breach", "escalation"]),
        ],
        ids=["nothing said", "warned", "late", "still late"],
    )
    def test_each_step_once(self, story: Story, said: list[str], then: list[str]) -> None:
        clock = story.contact().clocks.get(kind="final_decision_green")
        now = story.now
        for step in said:
            now = {"warning": clock.warn_at, "breach": clock.due_at, "escalation": clock.escalate_at}[step]
            sweep.sweep(now=now)
        assert steps(clock) == said
        extended = extend(clock, now + timedelta(days=30), now + SECOND)
        next_ = {
            0: extended.warn_at, 1: extended.due_at, 2: extended.escalate_at, 3: None
        }[len(said)]  # fmt: skip
        assert again(clock).next_at == next_
        if next_ is not None:
            sweep.sweep(now=next_ - SECOND)
            assert steps(clock) == said, "not before it is time"
        for moment in (extended.warn_at, extended.due_at, extended.escalate_at):
            sweep.sweep(now=moment)
        assert steps(clock) == then
        messages = OutboxMessage.objects.filter(reminder__clock=clock)
        assert messages.values("reminder", "to").distinct().count() == messages.count()

    def test_a_warning_whose_moment_has_passed_comes_at_once(self, story: Story) -> None:
        """No sweep ran before a manager extends the clock by a minute."""
        clock = story.contact().clocks.get(kind="final_decision_green")
        now = clock.due_at - SECOND
        extend(clock, clock.due_at + timedelta(minutes=1), now)
        sweep.sweep(now=now)
        assert steps(clock) == ["warning"]

    def test_it_is_no_longer_late(self, story: Story) -> None:
        clock = story.contact().clocks.get(kind="final_decision_green")
        late = clock.due_at + timedelta(hours=1)
        front_door = [story.team("front-door")]
        assert clock in worklists.late_clocks(person("sam"), front_door, late)
        extend(clock, late + timedelta(days=1), late)
        assert clock not in worklists.late_clocks(person("sam"), front_door, late)
