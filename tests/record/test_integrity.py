"""
manage.py check_integrity: nothing broken after a whole story, and every invariant seen when it is broken underneath.

Underneath means with PostgreSQL's own means, past every refusal: with triggers silenced, with a constraint dropped.
"""

from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pgtrigger
import pgtrigger.installation
import pytest
from django.core.mail import get_connection
from django.core.management import call_command
from django.db import transaction
from django.db.models import Q

from casework.actions import (
    calendar,
    cases,
    clock_changes,
    conflicts,
    contact_batches,
    contact_handovers,
    handoffs,
    learning,
    matches,
    parked_messages,
    partner_checks,
    people,
    receiving,
    reminders,
    rule_sets,
    sender_requests,
)
from casework.actions.contact_batches import ToTakeIn
from casework.jobs import calendar_changes, delivery, rechecks, sweep
from casework.jobs.contact_batches import take_in
from casework.models import (
    AuditEvent,
    BatchEntry,
    CalendarEdit,
    Case,
    CaseChild,
    Clock,
    ClockChange,
    Contact,
    ContactHandover,
    Decision,
    Handoff,
    OutboxMessage,
    PartnerCheck,
    PersonMatch,
    Reminder,
    ReminderLook,
    RequestKind,
    Responsibility,
    SignOff,
)
from casework.record.integrity import INVARIANTS
from localities.models import Agency, CalendarDay, Catchment, Locality, Membership, User
from tests.conftest import THURSDAY
from tests.stage.documents import address, child, contact_document
from tests.stage.drafts import AHEAD, Drafts
from tests.stage.families import passed, returned_to_aylesbury
from tests.stage.integrity import REFUSALS, STATUS, drop, underneath
from tests.stage.mail import Sink
from tests.stage.restricted import restrict, restrict_both
from tests.stage.shared_story import GoesOnFromSharedStory, settled
from tests.stage.sql import change, copy, delete, run, settle
from tests.stage.story import SharedStory, Story, person
from triage.models import RuleSetVersion

HELD_NOW = "An open case has a responsible team now, and a closed one none"
NO_GAP = "From its opening to its closing a case is in somebody's hands without a gap"
PASSES = "Only an accepted handoff passes responsibility, and it does so once, in the instant of its acceptance"
SECOND_PERSON = "A decision that needs a second person takes effect only when one agreed, who is not the decider"
LIVE = "One rule set is live at an instant, and from the first on there is no gap between them"


SCREENED = "What the front door selected stands on a contact that somebody screened, and that is in the audit"
PERIODS = "A period ends after it starts"
ON_OFFER = "A handoff on offer has its clock running, and an answered one has none"
SENT_ONCE = "A message that was sent is not parked, and is one message under its key"
COUNTED = "A handoff says which of its case it is, and from the third on why the family changes hands once more"
BACK = "A handoff says that it goes back where the team let go of the case in the 30 days before, and only there"
NO_TEAM = (
    "An open case that the front door holds and has not offered waits for a team with its clock, and no other does"
)
LEAD_LEFT = "An open case whose lead practitioner has left has the clock for naming another"
NEXT_STEP = "No case waits for its next step as one that was returned, unless its last offer was"
ASKED = "A question to a partner has its clock until it ends, by the decision unless that lets the answer follow"
WITH = "A contact is with the team to which it was passed last"
PASSED = "A contact that was passed on waits, with its clock, for somebody to take it on; no other has that clock"
TOLD = "A referrer who was told has no clock running for it, and a letter that was sent has told them"
PAUSED = "A clock is paused only where its promise allows it, on a contact that waits for its family and is not red"
NEXT = "A clock that runs is looked at for the first step that was not said, and one that is paused not at all"
CHANGES = "A clock's changes follow on each other, and it is due, or paused, as the last of them left it"
RECOMPUTED = "A clock that was computed again ran over the day that changed, and the change of the day is in the audit"
HAS_COME = "A clock reminds of a step when it has come"
SEEN = "Who put a reminder off has seen it"
DROPPED = "A message that was dropped was parked"
CARRIED = "Who carries other messages is a reminder to the same address, and all of them end as one"


# What makes a clock that has stopped, and never reminded of anything, run again.
RUNS = {"stopped_at": "NULL", "ended": "''", "next_at": "warn_at"}


def found() -> tuple[int, dict[str, int]]:
    """The command's exit code, and the number of findings for each broken invariant."""
    says = StringIO()
    try:
        call_command("check_integrity", stdout=says)
    except SystemExit as done:
        code = int(str(done.code))
    else:
        code = 0
    *lines, last = says.getvalue().splitlines()
    counted = {line[9:]: int(line[:7]) for line in lines}
    assert len(counted) == len(INVARIANTS) + 2
    assert last == ("Nothing is broken." if code == 0 else f"{sum(counted.values())} broken.")
    return code, {invariant: broken for invariant, broken in counted.items() if broken}


def only_finds(invariant: str) -> bool:
    """Checks that the command finds exactly these invariants broken."""
    code, broken = found()
    return (code, set(broken)) == (1, {invariant})


def stranger(**changes: Any) -> dict[str, Any]:
    """A contact about a family that nothing links to the first."""
    return {
        "children": [
            child(
                first_name="Noor", last_name="Haddad", nhs_number=None, date_of_birth="2012-05-16",
                address=address("HP5 1AA"),
            )
        ],
        "adults": [],
    } | changes  # fmt: skip


def current_of(case: Case) -> Responsibility:
    return Responsibility.objects.get(case=case, period__endswith__isnull=True)


def decision_clock(contact: Contact) -> Clock:
    """The clock of the decision on a contact: one that may be paused, unless it is red."""
    return contact.clocks.running().get(kind__startswith="final_decision_")


def extended(clock: Clock) -> Clock:
    """A clock that was extended by a day, by the role to which its breach escalates."""
    return clock_changes.extend(
        clock_id=clock.pk, to=clock.due_at + timedelta(days=1), reason="Seen at school, and safe.", by=person("maya"),
        now=clock.started_at + timedelta(minutes=1),
    )  # fmt: skip


def closed(story: Story, day: date) -> CalendarEdit:
    """The council closes on a day, and the clocks have followed."""
    closure = CalendarDay(date=day, kind="closure", name="Snow")
    calendar.change_day(day=closure, before=None, by=person("adele"), now=story.now)
    calendar_changes.recompute(clock=lambda: story.now)
    return CalendarEdit.objects.get()


def to_and_fro(story: Story, case: Case) -> Handoff:
    """A case of Aylesbury's that it gave to Chiltern, and Chiltern to Aylesbury: its third handoff, accepted."""
    for giver, taker, team in (("ben", "chris", "chiltern"), ("chris", "ben", "aylesbury")):
        handoff = passed(story, case, team, by=giver, accepts=taker, lead_reason="They moved.")
    return handoff


def by_night(story: Story) -> ContactHandover:
    """A red contact of the early morning that emergency duty passed to the day team. Nobody has taken it on."""
    contact = story.contact(at=story.later(hours=-3), children=[child(nhs_number=None, indicators=["L4-01"])])
    contact_handovers.hand_over(
        contact_id=contact.pk, note="The neighbour knows.", by=person("erin"), now=story.later()
    )
    return ContactHandover.objects.get(contact=contact)


def parked(story: Story, sink: Sink) -> OutboxMessage:
    """An acknowledgement that the mail server refused until it was parked."""
    sink.refuses["nobody@school.example"] = "550 nobody here"
    contact = story.contact(referrer={"name": "A teacher", "email": "nobody@school.example"})
    message = OutboxMessage.objects.get(contact=contact)
    for _ in range(delivery.MOST_ATTEMPTS):
        story.later(hours=4)
        delivery.drain(clock=lambda: story.now, connect=sink.connect)
    message.refresh_from_db()
    assert message.parked_at is not None
    return message


def test_every_invariant_is_broken_here() -> None:
    """A new invariant needs a test here that breaks it."""
    source = Path(__file__).read_text(encoding="utf-8")
    assert [each.sentence for each in INVARIANTS if f'"{each.sentence}"' not in source] == []


def test_nothing_is_broken_before_the_first_contact(db: None) -> None:
    assert found() == (0, {})


def test_nothing_is_broken_after_a_whole_story(story: Story, amina: User, ben: User, bea: User) -> None:
    """Received, decided, returned, offered again, accepted, led, linked, reminded, signed off, sent, closed."""
    returned = story.returned(story.contact(received_by_phone=True), reason="Ask again on Monday.")
    again = handoffs.offer(
        case_id=returned.pk, to_team_id=story.team("aylesbury").pk, reason="It is Monday.", by=amina,
        now=story.later(days=4),
    )  # fmt: skip
    handoffs.accept(handoff_id=again.pk, by=bea, now=story.later())
    cases.name_lead(case_id=again.case_id, lead_id=bea.pk, by=ben, now=story.later())
    linked = story.contact()
    story.corrected(story.note(linked))
    story.note(again.case, by="ben", readers="team")
    story.decided(linked)
    assert linked.case_id == again.case_id
    withdrawn = handoffs.offer(
        case_id=again.case_id, to_team_id=story.team("chiltern").pk, reason="They move.", by=ben, now=story.later(),
        lead_reason="Nearer to their grandparents.",
    )  # fmt: skip
    handoffs.withdraw(handoff_id=withdrawn.pk, reason="They stay.", by=ben, now=story.later())
    declined = story.contact(**stranger())
    story.decided(declined, pathway="advice", level=3)
    story.signed_off(declined, agreed=False)
    story.decided(declined, pathway="advice", level=3)
    story.signed_off(declined, by="david")
    story.decided(
        story.contact(by="example-police", children=[child(nhs_number=None, indicators=["L4-01"])]), by="maya"
    )
    story.contact(**stranger(agreement={"service": "not_sought"}))
    sweep.sweep(now=story.later(days=40))
    delivery.drain(clock=lambda: story.now, connect=get_connection)
    story.closed(Case.objects.get(pk=again.case_id))
    settle()
    assert Reminder.objects.filter(step="escalation").exists()
    assert OutboxMessage.objects.filter(sent_at__isnull=False).exists()
    assert found() == (0, {})


def test_nothing_is_broken_after_time_was_given_and_taken(
    story: Story, sink: Sink, amina: User, maya: User, sam: User
) -> None:
    """Passed on; paused, extended, computed again, reminded, put off; asked and answered; to and fro; dropped."""
    passed = by_night(story)
    contact_handovers.take_on(contact_id=passed.contact_id, by=maya, now=story.later(hours=2))
    paused = story.contact(**stranger(agreement={"service": "not_sought"}))
    clock = decision_clock(paused)
    clock_changes.pause(clock_id=clock.pk, reason="The mother is away.", by=amina, now=story.later())
    extended(story.contact().clocks.get(kind="next_step_decision"))
    closed(story, date(2026, 11, 23))
    sweep.sweep(now=story.later(days=4))
    for breach in Reminder.objects.filter(step="breach", role="front_door_manager"):
        reminders.snooze(reminder_id=breach.pk, until="hour", reason="At noon.", by=maya, now=story.now)
    withdrawn, answered = story.asked(paused), story.asked(paused, "example-primary-school")
    partner_checks.withdraw(check_id=withdrawn.pk, reason="They left.", by=amina, now=story.later())
    partner_checks.record_answer(check_id=answered.pk, answer="Nothing.", by=amina, now=story.later())
    learning.record_agreement(
        contact_id=paused.pk, service="given", given_by="mother", on=story.now.date(), by=amina, now=story.later()
    )
    story.asked(paused)
    story.decided(paused)
    to_and_fro(story, story.accepted(story.contact(**stranger(children=[child(nhs_number=None, first_name="Noor")]))))
    dropped = parked(story, sink)
    parked_messages.drop(message_id=dropped.pk, reason="SharedStory by telephone.", by=sam, now=story.later())
    delivery.drain(clock=lambda: story.now, connect=sink.connect)
    settle()
    kinds = set(ClockChange.objects.values_list("kind", flat=True))
    assert kinds == {"paused", "resumed", "extended", "recomputed"}
    assert set(PartnerCheck.objects.values_list("status", flat=True)) == {"answered", "withdrawn"}
    assert OutboxMessage.objects.filter(carried_by__isnull=False, sent_at__isnull=False).exists()
    assert Handoff.objects.filter(is_bounce=True).exists()
    assert found() == (0, {})


def test_nothing_is_broken_after_the_rules_changed(drafts: Drafts) -> None:
    """Published, published to come and called off, published again; with contacts before, between and after."""
    story = drafts.story
    story.contact()
    drafts.published()
    story.contact(at=story.later(), **stranger())
    called_off = drafts.published(starts_at=AHEAD)
    rule_sets.call_off(version_id=called_off.pk, reason="Not yet.", by=called_off.approved_by, now=story.later())
    drafts.published()
    story.contact(at=story.later(), children=[child(nhs_number=None, indicators=["L4-01"])])
    rechecks.recheck(now=story.now, sample=None)
    settle()
    assert found() == (0, {})


class InWork(GoesOnFromSharedStory):
    """A case that Aylesbury accepted, and one of another family that is on offer to Aylesbury."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        lea = child(first_name="Lea", last_name="Vance", nhs_number=None, date_of_birth="2021-12-24")
        return settled(story, story.accepted(), story.offered(story.contact(children=[lea], adults=[])))

    @pytest.fixture
    def case(self, db: None, shared: SharedStory) -> Case:
        return Case.objects.get(pk=shared.about[0])

    @pytest.fixture
    def current(self, case: Case) -> Responsibility:
        return current_of(case)

    @pytest.fixture
    def handoff(self, db: None, shared: SharedStory) -> Handoff:
        return Handoff.objects.get(pk=shared.about[1])


class TestResponsibility(InWork):
    def test_two_teams_at_an_instant(self, case: Case, story: Story) -> None:
        first = Responsibility.objects.exclude(pk=current_of(case).pk).get(case=case)
        name = "a_case_has_one_responsible_team_at_an_instant"
        with underneath(("casework_responsibility", name)):
            copy("casework_responsibility", first.pk, team_id=str(story.team("chiltern").pk))
        assert found() == (1, {"A case has one responsible team at an instant": 1, REFUSALS: 1})

    def test_an_open_case_in_nobodys_hands(self, current: Responsibility) -> None:
        """The gap lasts until today."""
        with underneath():
            change("casework_responsibility", current.pk, period="tstzrange(lower(period), lower(period) + '1 hour')")
        assert found() == (1, {HELD_NOW: 1, NO_GAP: 1})

    def test_a_closed_case_in_somebodys_hands(self, case: Case, story: Story) -> None:
        story.closed(case)
        last = Responsibility.objects.filter(case=case).order_by("period").last()
        assert last is not None
        with underneath():
            change("casework_responsibility", last.pk, period="tstzrange(lower(period), NULL)")
        assert found() == (1, {HELD_NOW: 1, NO_GAP: 1})

    @pytest.mark.parametrize(
        "period",
        [
            "tstzrange(lower(period) + interval '1 second', NULL)",
            "tstzrange(lower(period) - interval '1 second', NULL)",
        ],
    )
    def test_it_starts_after_or_before_the_case_opens(self, handoff: Handoff, period: str) -> None:
        current = current_of(handoff.case)
        with underneath():
            change("casework_responsibility", current.pk, period=period)
        assert found() == (1, {NO_GAP: 1})

    def test_a_gap_between_two_teams(self, case: Case) -> None:
        first = Responsibility.objects.exclude(pk=current_of(case).pk).get(case=case)
        with underneath():
            change(
                "casework_responsibility", first.pk,
                period="tstzrange(lower(period), upper(period) - interval '1 microsecond')",
            )  # fmt: skip
        assert found() == (1, {"From its opening to its closing a case is in somebody's hands without a gap": 1})

    def test_a_case_that_nobody_ever_held(self, handoff: Handoff) -> None:
        current = current_of(handoff.case)
        with underneath():
            delete("casework_responsibility", current.pk)
        assert found() == (1, {"An open case has a responsible team now, and a closed one none": 1, NO_GAP: 1})


class TestHandoffs(InWork):
    def test_two_on_offer(self, handoff: Handoff, story: Story) -> None:
        with underneath(("casework_handoff", "a_case_has_one_open_handoff")):
            second = copy("casework_handoff", handoff.pk, to_team_id=str(story.team("chiltern").pk), ordinal="2")
            copy("casework_clock", handoff.clocks.get().pk, handoff_id=str(second))
        assert found() == (1, {"A case has at most one open handoff": 1, REFUSALS: 1})

    @pytest.mark.parametrize(
        "to",
        [{"handoff_id": "NULL"}, {"team_id": "(SELECT id FROM localities_team WHERE code = 'chiltern')"}],
    )
    def test_one_was_accepted_and_nothing_passed(self, current: Responsibility, to: dict[str, str]) -> None:
        with underneath():
            change("casework_responsibility", current.pk, **to)
        assert only_finds(PASSES)

    def test_one_was_accepted_at_another_moment(self, case: Case) -> None:
        with underneath():
            change("casework_handoff", case.handoffs.get().pk, answered_at="answered_at + interval '1 microsecond'")
        assert only_finds(PASSES)

    def test_responsibility_passed_by_one_that_was_not_accepted(self, case: Case) -> None:
        handoff = case.handoffs.get()
        last = handoff.status_changes.get()
        with underneath():
            change("casework_handoff", handoff.pk, status="'returned'", answer_reason="'No.'")
            change("casework_statuschange", last.pk, to_status="'returned'")
        assert only_finds(PASSES)

    def test_one_passed_responsibility_twice(self, current: Responsibility) -> None:
        """To the team, and an hour later to the same team again."""
        (key,) = run(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'casework_responsibility'::regclass "
            "AND contype = 'u' AND conname LIKE '%handoff%'"
        )
        with underneath(("casework_responsibility", *key)):
            change("casework_responsibility", current.pk, period="tstzrange(lower(period), lower(period) + '1 hour')")
            copy("casework_responsibility", current.pk, period="tstzrange(upper(period), NULL)")
        assert PASSES in found()[1]

    def test_responsibility_passed_without_one(self, current: Responsibility, story: Story) -> None:
        """From one team to another that was never asked."""
        with underneath():
            change("casework_responsibility", current.pk, period="tstzrange(lower(period), lower(period) + '1 hour')")
            copy(
                "casework_responsibility", current.pk, period="tstzrange(upper(period), NULL)", handoff_id="NULL",
                team_id=str(story.team("chiltern").pk),
            )  # fmt: skip
        assert only_finds(PASSES)

    def test_one_on_offer_without_its_clock(self, handoff: Handoff) -> None:
        clock = handoff.clocks.get()
        with underneath():
            change("casework_clock", clock.pk, stopped_at="started_at", ended="'done'")
        assert found() == (1, {"A handoff on offer has its clock running, and an answered one has none": 1})

    def test_one_that_was_answered_with_a_clock(self, case: Case) -> None:
        clock = case.handoffs.get().clocks.get()
        with underneath():
            change("casework_clock", clock.pk, **RUNS)
        assert found() == (1, {ON_OFFER: 1})

    def test_one_that_is_not_the_one_that_it_says(self, handoff: Handoff) -> None:
        with underneath():
            change("casework_handoff", handoff.pk, ordinal="2")
        assert found() == (1, {COUNTED: 1})

    def test_one_that_is_counted_though_it_was_withdrawn(self, handoff: Handoff, story: Story, amina: User) -> None:
        handoffs.withdraw(handoff_id=handoff.pk, reason="They stay.", by=amina, now=story.later())
        again = handoffs.offer(
            case_id=handoff.case_id, to_team_id=story.team("chiltern").pk, reason="They move.", by=amina,
            now=story.later(),
        )  # fmt: skip
        assert again.ordinal == 1
        with underneath():
            change("casework_handoff", again.pk, ordinal="2")
        assert found() == (1, {COUNTED: 1})

    def test_a_third_that_says_not_why_once_more(self, case: Case, story: Story) -> None:
        third = to_and_fro(story, case)
        assert third.ordinal == 3
        with underneath(("casework_handoff", "a_third_handoff_has_a_leads_reason")):
            change("casework_handoff", third.pk, lead_reason="' '")
        assert found() == (1, {COUNTED: 1, REFUSALS: 1})

    def test_one_that_goes_back_and_says_not_so(self, case: Case, story: Story) -> None:
        third = to_and_fro(story, case)
        assert third.is_bounce
        with underneath():
            change("casework_handoff", third.pk, is_bounce="false")
        assert found() == (1, {BACK: 1})

    def test_one_that_goes_on_and_says_that_it_goes_back(self, handoff: Handoff) -> None:
        with underneath():
            change("casework_handoff", handoff.pk, is_bounce="true")
        assert found() == (1, {BACK: 1})

    @pytest.mark.parametrize(("days", "goes_back"), [(30, True), (31, False)])
    def test_one_goes_back_for_thirty_days(self, case: Case, story: Story, days: int, goes_back: bool) -> None:
        """The days are counted as the action counts them, also over the change to summer time."""
        story.later(days=115)
        first = handoffs.offer(
            case_id=case.pk, to_team_id=story.team("chiltern").pk, reason="They moved.", by=person("ben"), now=story.now
        )
        handoffs.accept(handoff_id=first.pk, by=person("chris"), now=story.now)
        back = handoffs.offer(
            case_id=case.pk, to_team_id=story.team("aylesbury").pk, reason="They are back.", lead_reason="They moved.",
            by=person("chris"), now=story.later(days=days),
        )  # fmt: skip
        assert back.is_bounce is goes_back
        assert found() == (0, {})

    def test_one_that_came_back_to_the_front_door_and_waits_without_a_clock(
        self, handoff: Handoff, story: Story, ben: User
    ) -> None:
        handoffs.return_to_sender(handoff_id=handoff.pk, reason="Known in Chiltern.", by=ben, now=story.later())
        clock = handoff.case.clocks.running().get(kind="next_team_offered")
        with underneath():
            change("casework_clock", clock.pk, stopped_at="started_at", ended="'done'")
        assert found() == (1, {NO_TEAM: 1})

    def test_one_that_is_offered_again_and_waits_still(
        self, handoff: Handoff, story: Story, ben: User, amina: User
    ) -> None:
        case = handoff.case
        handoffs.return_to_sender(handoff_id=handoff.pk, reason="Known in Chiltern.", by=ben, now=story.later())
        handoffs.offer(
            case_id=case.pk, to_team_id=story.team("chiltern").pk, reason="They moved.", by=amina, now=story.later()
        )
        with underneath():
            change("casework_clock", case.clocks.get(kind="next_team_offered").pk, **RUNS)
        assert found() == (1, {NO_TEAM: 1})

    def test_a_lead_has_left_and_nobody_must_name_another(self, handoff: Handoff, story: Story) -> None:
        handoffs.accept(handoff_id=handoff.pk, by=person("ben"), now=story.later())
        cases.name_lead(case_id=handoff.case_id, lead_id=person("bea").pk, by=person("ben"), now=story.later())
        assert found() == (0, {})
        with underneath():
            change("casework_case", handoff.case_id, lead_left_on="'2026-11-18'")
        assert found() == (1, {LEAD_LEFT: 1})

    def test_one_that_was_returned_is_offered_again_and_waits_still(self, handoff: Handoff, story: Story) -> None:
        handoffs.accept(handoff_id=handoff.pk, by=person("ben"), now=story.later())
        case = returned_to_aylesbury(story, handoff.case)
        assert found() == (0, {})
        passed(story, case, "wycombe-and-marlow", by="ben", accepts="carol", lead_reason="They moved there.")
        with underneath():
            change("casework_clock", case.clocks.get(kind="returned_case_settled").pk, **RUNS)
        assert found() == (1, {NEXT_STEP: 1})


class TestDecisions:
    def test_one_without_a_rationale(self, story: Story) -> None:
        decision = story.decided(story.contact())
        with underneath(("casework_decision", "a_decision_has_a_rationale")):
            change("casework_decision", decision.pk, rationale="' '")
        assert found() == (1, {"A decision has a rationale": 1, REFUSALS: 1})

    def test_one_in_effect_without_its_second_person(self, story: Story) -> None:
        self.signed_off(story)
        with underneath():
            delete("casework_signoff", SignOff.objects.get().pk)
        assert found() == (
            1,
            {"A decision that needs a second person takes effect only when one agreed, who is not the decider": 1},
        )

    @pytest.mark.parametrize("to", [{"agreed": "false"}, {"by_id": "(SELECT decided_by_id FROM casework_decision)"}])
    def test_one_in_effect_whose_second_person_declined_or_decided(self, story: Story, to: dict[str, str]) -> None:
        self.signed_off(story)
        with underneath():
            change("casework_signoff", SignOff.objects.get().pk, **to)
        assert found() == (1, {SECOND_PERSON: 1})

    def test_one_in_effect_on_another_contact(self, story: Story) -> None:
        decision = self.signed_off(story)
        other = story.contact(**stranger())
        with underneath():
            change("casework_decision", decision.pk, contact_id=str(other.pk))
        assert found() == (1, {SECOND_PERSON: 1})

    def test_one_that_opened_a_case_without_its_second_person(self, story: Story) -> None:
        """An open case shows that the decision took effect, whatever the contact's status is."""
        case = story.accepted()
        waits = story.decided(story.contact(**stranger()), pathway="advice", level=3)
        with underneath():
            change("casework_case", case.pk, opened_by_decision_id=str(waits.pk))
        assert found()[0] == 1

    @staticmethod
    def signed_off(story: Story) -> Decision:
        contact = story.contact()
        story.decided(contact, pathway="advice", level=3)
        return story.signed_off(contact)


class TestContacts:
    def test_two_under_one_key(self, story: Story, school: Agency) -> None:
        for key in "kl":
            receiving.receive(document=contact_document(), by=school, now=story.now, idempotency_key=key)
        with underneath(("casework_contact", "an_agency_uses_an_idempotency_key_once")):
            change("casework_contact", Contact.objects.get(idempotency_key="l").pk, idempotency_key="'k'")
        assert found() == (1, {"An agency uses an idempotency key once": 1, REFUSALS: 1})

    def test_one_of_a_batch_that_nobody_takes_in_or_that_is_another(self, story: Story, school: Agency) -> None:
        invariant = (
            "A contact that came in a batch is taken in within an hour, as that of a key that its agency used once"
        )
        sent = [ToTakeIn(key, contact_document(agency_reference=key)) for key in "kl"]
        contact_batches.keep(contacts=sent, by=school, now=story.now)
        assert found() == (1, {invariant: 2})
        take_in(clock=lambda: story.now)
        assert found() == (0, {})
        with underneath():
            change("casework_batchentry", BatchEntry.objects.earliest("pk").pk, idempotency_key="'l'")
        assert found() == (1, {invariant: 1})

    @pytest.mark.parametrize("kind", [RequestKind.CHASE, RequestKind.ESCALATE])
    def test_what_its_sender_asks_without_a_clock(self, story: Story, kind: RequestKind) -> None:
        contact = story.contact()
        if kind == RequestKind.ESCALATE:
            story.decided(contact)
        said: dict[str, Any] = {"kind": kind, "text": "Well?", "by": contact.agency, "now": story.later()}
        sender_requests.ask(reference=contact.reference, **said)
        assert found() == (0, {})
        clock = contact.clocks.running().filter(Q(kind="sender_asked") | Q(kind="disagreement_worker")).get()
        with underneath():
            change("casework_clock", clock.pk, stopped_at="started_at", ended="'done'", next_at="NULL")
        assert found() == (1, {"What the sender of a contact asks has its clock until it ends": 1})

    def test_one_without_a_recommendation(self, story: Story) -> None:
        contact = story.contact()
        with underneath():
            change("casework_contact", contact.pk, recommendation_id="NULL")
        assert found() == (1, {"A contact that was received has a recommendation, by a version that was live then": 1})

    def test_one_with_a_recommendation_by_a_version_that_was_not_live(self, story: Story) -> None:
        story.contact()
        with underneath():
            change("triage_rulesetversion", RuleSetVersion.objects.get().pk, live="tstzrange('2026-11-20', NULL)")
        assert found() == (1, {"A contact that was received has a recommendation, by a version that was live then": 1})

    @pytest.mark.parametrize("kind", ["next_step_decision", "final_decision_green"])
    def test_one_that_waits_without_a_clock(self, story: Story, kind: str) -> None:
        clock = story.contact().clocks.get(kind=kind)
        with underneath():
            change("casework_clock", clock.pk, stopped_at="started_at", ended="'done'")
        assert found() == (1, {"A contact that waits for its decision has its clocks running": 1})

    @pytest.mark.parametrize("screened", ["NULL", "'2026-11-19 10:30'"])
    def test_one_with_indicators_that_nobody_selected(self, story: Story, amina: User, screened: str) -> None:
        """The contact has screened indicators without a screening, or without its audit event."""
        contact = story.contact()
        with underneath():
            change("casework_contactchild", contact.children.get().pk, screened_indicators="'{L2-01}'")
            if screened != "NULL":
                change("casework_contact", contact.pk, screened_at=screened, screened_by_id=str(amina.pk))
        assert found() == (1, {SCREENED: 1})

    def test_one_that_was_decided_unscreened(self, story: Story) -> None:
        decision = story.decided(story.contact())
        with underneath():
            change("casework_recommendation", decision.recommendation_id, hold="'screening'")
        assert found() == (1, {"Nothing was decided on a contact that waited for screening": 1})

    def test_one_whose_arrival_nobody_wrote_down(self, story: Story) -> None:
        story.contact()
        with underneath():
            delete("casework_auditevent", AuditEvent.objects.get(event="contact_received").pk)
        assert found() == (1, {"A contact's arrival and a case's opening are in the audit": 1})

    def test_a_case_whose_opening_nobody_wrote_down(self, story: Story) -> None:
        story.offered()
        with underneath():
            delete("casework_auditevent", AuditEvent.objects.get(event="case_opened").pk)
        assert found() == (1, {"A contact's arrival and a case's opening are in the audit": 1})

    def test_a_status_that_its_last_change_did_not_make(self, story: Story) -> None:
        decision = story.decided(story.contact(), pathway="advice", level=3)
        with underneath():
            change("casework_contact", decision.contact_id, status="'received'")
        assert found() == (1, {"A status is where its last change left it": 1})

    def test_a_status_that_no_change_made(self, story: Story) -> None:
        """The status has changed, and no status change says when, by whom and why."""
        contact = story.contact()
        with underneath():
            change("casework_contact", contact.pk, status="'sign_off'")
        assert found() == (1, {STATUS: 1})


class TestPartnerChecks:
    def test_one_that_waits_without_its_clock(self, story: Story) -> None:
        clock = story.asked(story.contact()).clocks.get()
        with underneath():
            change("casework_clock", clock.pk, stopped_at="started_at", ended="'done'")
        assert found() == (1, {ASKED: 1})

    @pytest.mark.parametrize("how", ["answered", "withdrawn", "done without"])
    def test_one_that_ended_with_its_clock(self, story: Story, how: str) -> None:
        ended = self.ended(story, how)
        with underneath():
            change("casework_clock", ended.clocks.get().pk, **RUNS)
        assert found() == (1, {ASKED: 1})

    def test_one_that_waits_after_the_decision(self, story: Story) -> None:
        ended = self.ended(story, "done without")
        with underneath():
            change("casework_clock", ended.clocks.get().pk, **RUNS)
            change("casework_partnercheck", ended.pk, status="'asked'", ended_at="NULL", ended_by_id="NULL")
            delete("casework_statuschange", ended.status_changes.get().pk)
        assert found() == (1, {ASKED: 1})

    def test_a_status_that_its_last_change_did_not_make(self, story: Story) -> None:
        ended = self.ended(story, "answered")
        with underneath():
            change("casework_partnercheck", ended.pk, status="'withdrawn'", answer="''")
        assert found() == (1, {STATUS: 1})

    def test_one_that_ended_before_it_was_asked(self, story: Story) -> None:
        ended = self.ended(story, "answered")
        with underneath(("casework_partnercheck", "a_partner_check_ends_after_it_is_asked")):
            change("casework_partnercheck", ended.pk, ended_at="asked_at - interval '1 microsecond'")
        assert found() == (1, {PERIODS: 1, REFUSALS: 1})

    @staticmethod
    def ended(story: Story, how: str) -> PartnerCheck:
        contact = story.contact()
        asked, amina = story.asked(contact), person("amina")
        if how == "answered":
            partner_checks.record_answer(check_id=asked.pk, answer="Nothing.", by=amina, now=story.later())
        elif how == "withdrawn":
            partner_checks.withdraw(check_id=asked.pk, reason="They left.", by=amina, now=story.later())
        else:
            story.decided(contact)
        return asked


class TestHandovers(GoesOnFromSharedStory):
    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        return settled(story, by_night(story))

    @pytest.fixture
    def handover(self, db: None, shared: SharedStory) -> ContactHandover:
        return ContactHandover.objects.get(pk=shared.about[0])

    def test_a_contact_is_with_another_team(self, handover: ContactHandover) -> None:
        with underneath():
            change("casework_contact", handover.contact_id, team_id=str(handover.from_team_id))
        assert found() == (1, {WITH: 1})

    def test_one_that_waits_without_its_clock(self, handover: ContactHandover) -> None:
        clock = handover.contact.clocks.get(kind="contact_taken_on")
        with underneath():
            change("casework_clock", clock.pk, stopped_at="started_at", ended="'done'")
        assert found() == (1, {PASSED: 1})

    def test_one_that_was_taken_on_with_its_clock(self, handover: ContactHandover, story: Story, maya: User) -> None:
        contact = handover.contact
        contact_handovers.take_on(contact_id=contact.pk, by=maya, now=story.later(hours=3))
        with underneath():
            change("casework_clock", contact.clocks.get(kind="contact_taken_on").pk, **RUNS)
        assert found() == (1, {PASSED: 1})

    def test_one_that_was_decided_and_that_nobody_took_on(
        self, handover: ContactHandover, story: Story, maya: User
    ) -> None:
        """Deciding on a contact ends its handover."""
        story.decided(handover.contact, by="maya")
        with underneath():
            change("casework_clock", handover.contact.clocks.get(kind="contact_taken_on").pk, **RUNS)
            change("casework_contacthandover", handover.pk, taken_on_at="NULL", taken_on_by_id="NULL")
        assert found() == (1, {PASSED: 1})

    def test_one_that_was_taken_on_before_it_was_passed(
        self, handover: ContactHandover, story: Story, maya: User
    ) -> None:
        contact_handovers.take_on(contact_id=handover.contact_id, by=maya, now=story.later(hours=3))
        with underneath(("casework_contacthandover", "who_takes_a_contact_on_has_a_name")):
            change("casework_contacthandover", handover.pk, taken_on_at="passed_at - interval '1 microsecond'")
        assert found() == (1, {PERIODS: 1, REFUSALS: 1})


class TestClocks:
    def test_one_is_paused_that_may_not_be(self, story: Story) -> None:
        with underneath():
            change("casework_clockpolicy", self.paused(story).policy_id, may_pause="false")
        assert found() == (1, {PAUSED: 1})

    def test_one_is_paused_though_nobody_asks_the_family(self, story: Story) -> None:
        contact = self.paused(story).contact
        assert contact is not None
        with underneath():
            change(
                "casework_clock", contact.clocks.get(kind="agreement_sought").pk, stopped_at="started_at",
                ended="'done'",
            )  # fmt: skip
        assert found() == (1, {PAUSED: 1})

    def test_one_is_paused_on_a_red_contact(self, story: Story) -> None:
        """Whose clock is the other one, which does not run."""
        clock = self.paused(story)
        with underneath():
            change("casework_contact", clock.contact_id or 0, rag="'red'")
        assert found() == (1, {PAUSED: 1, "A contact that waits for its decision has its clocks running": 1})

    def test_one_is_paused_that_has_stopped(self, story: Story) -> None:
        clock = self.paused(story)
        assert clock.contact is not None
        story.decided(clock.contact, pathway="advice", level=3)
        story.signed_off(clock.contact)
        with underneath(("casework_clock", "nobody_looks_at_a_paused_clock")):
            change("casework_clock", clock.pk, paused_at="started_at")
        assert found() == (1, {PAUSED: 1, REFUSALS: 1})

    @pytest.mark.parametrize("step", ["warning", "breach", "escalation"])
    def test_one_that_runs_and_that_nobody_will_look_at(self, story: Story, step: str) -> None:
        clock = story.contact().clocks.get(kind="next_step_decision")
        sweep.sweep(now=getattr(clock, {"warning": "warn_at", "breach": "due_at", "escalation": "escalate_at"}[step]))
        with underneath():
            change("casework_clock", clock.pk, next_at="warn_at" if step == "escalation" else "NULL")
        assert found() == (1, {NEXT: 1})

    @pytest.mark.parametrize("to", ["NULL", "due_at", "warn_at + interval '1 microsecond'"])
    def test_one_that_never_reminded_and_whose_warning_is_passed_over(self, story: Story, to: str) -> None:
        with underneath():
            change("casework_clock", story.contact().clocks.get(kind="next_step_decision").pk, next_at=to)
        assert found() == (1, {NEXT: 1})

    def test_one_that_is_paused_and_that_somebody_will_look_at(self, story: Story) -> None:
        clock = self.paused(story)
        with underneath(("casework_clock", "nobody_looks_at_a_paused_clock")):
            change("casework_clock", clock.pk, next_at="due_at")
        assert found() == (1, {NEXT: 1, REFUSALS: 1})

    def test_one_that_is_due_as_nobody_said(self, story: Story) -> None:
        clock = extended(story.contact().clocks.get(kind="next_step_decision"))
        with underneath():
            change("casework_clock", clock.pk, due_at="due_at + interval '1 microsecond'")
        assert found() == (1, {CHANGES: 1})

    @pytest.mark.parametrize("to", [{"due_before": "due_before - interval '1 second'"}, {"due_after": "due_before"}])
    def test_a_change_does_not_follow_on_the_one_before(self, story: Story, to: dict[str, str]) -> None:
        clock = extended(extended(story.contact().clocks.get(kind="next_step_decision")))
        first, second = clock.changes.all()
        with underneath(("casework_clockchange", "an_extended_clock_is_due_later")):
            change("casework_clockchange", (second if "due_before" in to else first).pk, **to)
        assert found() == (1, {CHANGES: 1, REFUSALS: 1})

    @pytest.mark.parametrize("to", ["paused_at + interval '1 microsecond'", "NULL"])
    def test_one_is_paused_otherwise_than_its_last_change_says(self, story: Story, to: str) -> None:
        clock = self.paused(story)
        runs = {"next_at": "warn_at"} if to == "NULL" else {}
        with underneath():
            change("casework_clock", clock.pk, paused_at=to, **runs)
        assert found() == (1, {CHANGES: 1})

    def test_one_is_paused_and_nothing_says_so(self, story: Story) -> None:
        clock = decision_clock(story.contact(**stranger(agreement={"service": "not_sought"})))
        with underneath():
            change("casework_clock", clock.pk, paused_at="started_at", next_at="NULL")
        assert found() == (1, {CHANGES: 1})

    def test_one_was_computed_again_for_a_day_before_it_started(self, story: Story) -> None:
        edit = self.recomputed(story)
        with underneath():
            change("casework_calendaredit", edit.pk, date="'2026-11-18'")
            event = AuditEvent.objects.get(event="clocks_recomputed")
            change("casework_auditevent", event.pk, detail='detail || \'{"day": "2026-11-18"}\'')
        assert found() == (1, {RECOMPUTED: edit.changes.count()})

    def test_one_was_computed_again_under_another_name(self, story: Story, sam: User) -> None:
        edit = self.recomputed(story)
        with underneath():
            change("casework_calendaredit", edit.pk, by_id=str(sam.pk))
        assert found() == (1, {RECOMPUTED: edit.changes.count()})

    def test_the_calendar_changed_and_nobody_wrote_it_down(self, story: Story) -> None:
        self.recomputed(story)
        with underneath():
            delete("casework_auditevent", AuditEvent.objects.get(event="clocks_recomputed").pk)
        assert found() == (1, {RECOMPUTED: 1})

    @staticmethod
    def paused(story: Story) -> Clock:
        clock = decision_clock(story.contact(**stranger(agreement={"service": "not_sought"})))
        clock_changes.pause(clock_id=clock.pk, reason="The mother is away.", by=person("amina"), now=story.later())
        return Clock.objects.get(pk=clock.pk)

    @staticmethod
    def recomputed(story: Story) -> CalendarEdit:
        """The council closes on a Friday, so the clocks of Thursday's contact are recomputed."""
        story.contact()
        edit = closed(story, date(2026, 11, 20))
        assert edit.changes.exists()
        return edit


class TestClosedCases(GoesOnFromSharedStory):
    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        return settled(story, story.closed())

    @pytest.fixture
    def case(self, db: None, shared: SharedStory) -> Case:
        return Case.objects.get(pk=shared.about[0])

    def test_a_closed_one_with_a_clock(self, case: Case) -> None:
        with underneath():
            change("casework_clock", case.clocks.all()[0].pk, **RUNS)
        assert found() == (1, {"A closed case has no clock running": 1})

    @pytest.mark.parametrize("to", [{"closed_by_id": "NULL"}, {"outcome": "''"}])
    def test_a_closed_one_that_says_not_who_or_how(self, case: Case, to: dict[str, str]) -> None:
        with underneath(("casework_case", "a_closed_case_says_who_when_and_with_what_outcome")):
            change("casework_case", case.pk, **to)
        assert found() == (1, {"A closed case says who, when and with what outcome": 1, REFUSALS: 1})

    def test_one_that_closed_before_it_opened(self, case: Case) -> None:
        with underneath(("casework_case", "a_case_closes_after_it_opens")):
            change("casework_case", case.pk, closed_at="opened_at - interval '1 second'")
        code, broken = found()
        assert code == 1
        assert {NO_GAP, PERIODS} & set(broken)

    def test_new_information_in_work_that_had_ended(self, case: Case, story: Story) -> None:
        later = story.contact(**stranger())
        story.decided(later)
        with underneath():
            change("casework_contact", later.pk, case_id=str(case.pk))
            CaseChild.objects.create(case=case, person=later.children.get().person)
        # The case that it opened is left without a contact.
        left = "A child of a case is a child of the family on one of its contacts"
        assert found() == (1, {"New information goes to work that is open": 1, left: 1})


class TestCases:
    def test_a_person_is_two_children_of_a_contact(self, story: Story) -> None:
        entry = story.contact().children.get()
        with underneath(("casework_contactchild", "a_person_is_one_child_of_a_contact")):
            copy("casework_contactchild", entry.pk, position="1")
        assert found() == (1, {"A person is at most one child of a contact": 1, REFUSALS: 1})

    def test_a_person_is_protected_and_nothing_says_so(self, story: Story) -> None:
        entry = story.contact(adults=[]).children.get()
        with underneath():
            change("casework_person", entry.person_id, address_is_protected="TRUE", postcode="''", address="''")
            change("casework_contactchild", entry.pk, address_is_confidential="TRUE")
        assert found() == (
            1, {"A person's address is protected while a protection is in force, and no longer": 1}
        )  # fmt: skip

    def test_both_records_of_an_adopted_child_are_one_person(self, story: Story) -> None:
        names = ("Before", "After")
        older, newer = (story.contact(children=[child(last_name=name)], adults=[]) for name in names)
        restrict_both(story, older, newer, "amina")
        known, other = (contact.children.get() for contact in (older, newer))
        with underneath():
            change("casework_person", other.recorded_as_id, same_as_id=str(known.recorded_as_id))
            change("casework_contactchild", other.pk, person_id=str(known.person_id))
        _, broken = found()
        assert broken["The records of before and after an adoption are never one person"] == 1

    @pytest.mark.parametrize("shown", ["a child", "a record", "a record of an adult"])
    def test_a_protected_address_is_shown(self, story: Story, shown: str) -> None:
        contact = story.contact(children=[child(address=address("HP20 1UA", confidential=True))])
        entry, beside = contact.children.get(), contact.adults.all()[0]
        with underneath():
            if shown == "a child":
                change("casework_contactchild", entry.pk, address_is_confidential="FALSE")
            else:
                record = entry.recorded_as_id if shown == "a record" else beside.recorded_as_id
                change("casework_person", record, postcode="'HP20 1UA'")
        assert found() == (
            1, {"A protected address is hidden on every contact, and a hidden one is kept with nobody on it": 1}
        )  # fmt: skip

    def test_a_child_of_a_contact_is_not_on_its_case(self, story: Story) -> None:
        case = story.accepted()
        with underneath():
            run("DELETE FROM casework_casechild WHERE case_id = %s", case.pk)
        assert found() == (1, {"Every child of a contact that opened or joined a case is on that case": 1})


class TestWhoIsWho:
    OLDEST = "Whoever is on a contact is known by the oldest of the records that are theirs"
    JOINED = "Records are joined by a match in force, and by nothing else"

    @pytest.fixture
    def match(self, story: Story) -> PersonMatch:
        """A child of a like name, not yet looked at."""
        story.contact(adults=[])
        return story.contact(children=[child(nhs_number=None)], adults=[]).children.get().matches.get()

    def test_a_child_of_a_case_is_on_none_of_its_contacts(self, story: Story) -> None:
        case = story.accepted()
        with underneath():
            CaseChild.objects.create(case=case, person=story.contact(**stranger()).children.get().person)
        assert found() == (1, {"A child of a case is a child of the family on one of its contacts": 1})

    def test_somebody_on_a_contact_is_known_by_another_record(self, match: PersonMatch) -> None:
        with underneath():
            change("casework_contactchild", match.row.pk, person_id=str(match.person_id))
        assert found() == (1, {self.OLDEST: 1})

    def test_records_are_joined_without_a_match(self, match: PersonMatch) -> None:
        with underneath():
            change("casework_person", match.record_id, same_as_id=str(match.person_id))
            change("casework_contactchild", match.row.pk, person_id=str(match.person_id))
            run("DELETE FROM casework_personkey WHERE person_id = %s", match.record_id)
        assert found() == (1, {self.JOINED: 1})

    def test_a_match_in_force_joins_nothing(self, match: PersonMatch) -> None:
        with underneath():
            change("casework_personmatch", match.pk, status="'certain'", settled_at="now()")
        assert found() == (1, {self.JOINED: 1})

    def test_a_match_of_anothers_record(self, match: PersonMatch, story: Story) -> None:
        other = story.contact(**stranger()).children.get()
        with underneath():
            change("casework_personmatch", match.pk, record_id=str(other.recorded_as_id))
        assert found() == (1, {"A match is of the record of its own row": 1})

    def test_two_who_were_told_apart_are_one(self, match: PersonMatch, story: Story) -> None:
        matches.settle(
            contact_id=match.row.contact_id, match_id=match.pk, same=True, by=person("amina"), now=story.later()
        )
        with underneath():
            change("casework_personmatch", match.pk, status="'rejected'")
        apart = "Nobody is one person with somebody they were told apart from"
        assert found() == (1, {apart: 1, self.JOINED: 1, STATUS: 1})

    def test_a_key_of_a_record_that_stands_for_nobody(self, match: PersonMatch, story: Story) -> None:
        matches.settle(
            contact_id=match.row.contact_id, match_id=match.pk, same=True, by=person("amina"), now=story.later()
        )
        with underneath():
            run("INSERT INTO casework_personkey (key, person_id) VALUES (1, %s)", match.record_id)
        assert found() == (1, {"A person is found by keys, and only by the record that stands for them": 1})

    @pytest.mark.parametrize("numbers", ["'{}'", "array_cat(other_numbers, '{{upn,H801200001001,-,2026-11-19}}')"])
    def test_a_record_is_found_by_other_numbers_than_staff_recorded(
        self, match: PersonMatch, story: Story, numbers: str
    ) -> None:
        said = people.Said("nhs_number", "9990000026", qualifier="verified", said_by="The Spine")
        people.add_detail(person_id=match.record_id, said=said, by=person("amina"), now=story.later())
        with underneath():
            change("casework_person", match.record_id, other_numbers=numbers)
        assert found() == (
            1, {"A number that staff recorded stands with the record that is found by it, and no other does": 1}
        )  # fmt: skip


class TestRemindersAndMessages:
    def test_two_reminders_of_a_step(self, story: Story) -> None:
        clock = story.contact().clocks.get(kind="next_step_decision")
        sweep.sweep(now=clock.warn_at)
        with underneath(("casework_reminder", "a_clock_reminds_of_a_step_once")):
            copy("casework_reminder", Reminder.objects.get(clock=clock).pk)
        assert found() == (1, {"A clock reminds of a step once": 1, REFUSALS: 1})

    def test_a_message_both_sent_and_parked(self, story: Story) -> None:
        message = OutboxMessage.objects.filter(case=story.offered().case)[0]
        with underneath(("casework_outboxmessage", "a_sent_message_is_not_parked")):
            change("casework_outboxmessage", message.pk, sent_at="now()", parked_at="now()")
        expected = {"A message that was sent is not parked, and is one message under its key": 1, REFUSALS: 1}
        assert found() == (1, expected)

    def test_two_messages_under_one_key(self, story: Story) -> None:
        message = OutboxMessage.objects.get(contact=story.contact())
        with underneath(("casework_outboxmessage", "a_message_is_written_once")):
            copy("casework_outboxmessage", message.pk)
        assert found()[1][SENT_ONCE] == 1

    @pytest.mark.parametrize("step", ["warning", "breach", "escalation"])
    def test_a_reminder_of_a_step_that_had_not_come(self, story: Story, step: str) -> None:
        clock = story.contact().clocks.get(kind="next_step_decision")
        sweep.sweep(now=clock.escalate_at)
        column = {"warning": "warn_at", "breach": "due_at", "escalation": "escalate_at"}[step]
        came = f"(SELECT {column} FROM casework_clock WHERE id = clock_id)"
        with underneath():
            change("casework_reminder", clock.reminders.get(step=step).pk, created_at=came)
        assert found() == (0, {})
        with underneath():
            change("casework_reminder", clock.reminders.get(step=step).pk, created_at=f"{came} - interval '1 second'")
        assert found() == (1, {HAS_COME: 1})

    @pytest.mark.parametrize(("step", "was"), [("warning", "started_at"), ("breach", "due_at")])
    def test_a_reminder_of_a_step_that_never_came_however_the_clock_changed(
        self, story: Story, step: str, was: str
    ) -> None:
        """The clock was due before it was extended, so the reminder was right at that moment."""
        clock = story.contact().clocks.get(kind="next_step_decision")
        sweep.sweep(now=clock.due_at)
        extended(clock)
        assert found() == (0, {})
        with underneath():
            early = getattr(clock, was) - timedelta(seconds=1)
            change("casework_reminder", clock.reminders.get(step=step).pk, created_at=f"'{early.isoformat()}'")
        assert found() == (1, {HAS_COME: 1})

    def test_a_reminder_that_was_put_off_unseen(self, story: Story, amina: User) -> None:
        clock = story.contact().clocks.get(kind="next_step_decision")
        sweep.sweep(now=clock.warn_at)
        look = reminders.snooze(
            reminder_id=clock.reminders.get().pk, until="hour", reason="The mother rings at noon.", by=amina,
            now=clock.warn_at,
        )  # fmt: skip
        with underneath():
            delete("casework_reminderlook", ReminderLook.objects.exclude(pk=look.pk).get().pk)
        assert found() == (1, {SEEN: 1})

    def test_a_message_that_was_dropped_on_its_way(self, story: Story, sam: User, sink: Sink) -> None:
        message = parked(story, sink)
        parked_messages.drop(message_id=message.pk, reason="SharedStory by telephone.", by=sam, now=story.later())
        with underneath(("casework_outboxmessage", "a_dropped_message_was_parked_and_says_who_and_why")):
            change("casework_outboxmessage", message.pk, parked_at="NULL")
        assert found() == (1, {DROPPED: 1, REFUSALS: 1})

    def test_a_message_that_is_carried_by_no_letter_of_its_own(self, story: Story, sink: Sink) -> None:
        for first_name in ("Noor", "Bela", "Cato", "Dina"):
            story.contact(**stranger(children=[child(first_name=first_name, nhs_number=None, indicators=["L4-01"])]))
        sweep.sweep(now=story.later(hours=3))
        delivery.drain(clock=lambda: story.now, connect=sink.connect)
        carried = OutboxMessage.objects.filter(carried_by__isnull=False, to="amina@front-door.example").order_by("pk")
        assert carried.count() >= 3
        changes: list[dict[str, str]] = [
            {"to": "'somebody@else.example'"},
            {"kind": "'acknowledgement'"},
            {"sent_at": "NULL"},
            {"sent_at": "sent_at + interval '1 second'"},
            {"sent_at": "NULL", "parked_at": "sent_at"},
            {"carried_by_id": "id + 1"},
        ]
        for to in changes:
            with transaction.atomic():
                with underneath():
                    change("casework_outboxmessage", carried[0].pk, **to)
                assert CARRIED in found()[1], to
                transaction.set_rollback(True)

    @pytest.mark.parametrize("kind", ["acknowledge_referrer", "feedback_to_referrer"])
    def test_a_referrer_was_told_and_the_clock_runs(self, story: Story, sink: Sink, kind: str) -> None:
        contact = self.acknowledged_and_decided(story, sink)
        with underneath():
            change("casework_clock", contact.clocks.get(kind=kind).pk, **RUNS)
        assert found() == (1, {TOLD: 1})

    @pytest.mark.parametrize("moment", ["acknowledged_at", "feedback_given_at"])
    def test_a_letter_was_sent_and_nothing_says_so(self, story: Story, sink: Sink, moment: str) -> None:
        contact = self.acknowledged_and_decided(story, sink)
        with underneath():
            change("casework_contact", contact.pk, **{moment: "NULL"})
        assert found() == (1, {TOLD: 1})

    @staticmethod
    def acknowledged_and_decided(story: Story, sink: Sink) -> Contact:
        """A contact that was acknowledged and decided, of which the referrer has both letters."""
        contact = story.contact()
        story.decided(contact)
        delivery.drain(clock=lambda: story.now, connect=sink.connect)
        return contact


class TestPublishedRules(GoesOnFromSharedStory):
    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        """A version that went live after a contact."""
        drafts = Drafts(Story(THURSDAY))
        drafts.story.contact()
        return settled(drafts.story, drafts.published())

    @pytest.fixture
    def published(self, db: None, shared: SharedStory) -> RuleSetVersion:
        return RuleSetVersion.objects.get(pk=shared.about[0])

    def test_a_moment_at_which_no_rule_set_is_live(self, published: RuleSetVersion) -> None:
        """A microsecond between two versions has no live rule set."""
        with underneath():
            change(
                "triage_rulesetversion", published.pk, live="tstzrange(lower(live) + interval '1 microsecond', NULL)"
            )
        assert found() == (
            1,
            {"One rule set is live at an instant, and from the first on there is no gap between them": 1},
        )

    @pytest.mark.parametrize("to", ["approved_by_id", "proposed_by_id"])
    def test_a_draft_that_one_person_published(self, published: RuleSetVersion, to: str) -> None:
        other = {"approved_by_id": "proposed_by_id", "proposed_by_id": "approved_by_id"}[to]
        with underneath(("triage_rulesetversion", "two_people_publish_a_draft")):
            change("triage_rulesetversion", published.pk, **{to: other})
        assert found() == (1, {"A rule set that was a draft was published by two people": 1, REFUSALS: 1})

    def test_a_draft_that_nobody_approved(self, published: RuleSetVersion) -> None:
        with underneath(("triage_rulesetversion", "two_people_publish_a_draft")):
            change("triage_rulesetversion", published.pk, approved_by_id="NULL")
        assert found() == (1, {"A rule set that was a draft was published by two people": 1, REFUSALS: 1})

    def test_a_contact_whose_version_was_live_later(self, published: RuleSetVersion) -> None:
        """The contact was triaged by a version that went live later."""
        contact = Contact.objects.get()
        with underneath():
            change("casework_recommendation", contact.recommendation_id or 0, rule_set_id=str(published.pk))
        assert found() == (1, {"A contact that was received has a recommendation, by a version that was live then": 1})


@pytest.mark.django_db
class TestWhoWhereAndWhen:
    def test_two_localities_with_one_prefix(self) -> None:
        catchment = Catchment.objects.all()[0]
        other = str(Locality.objects.exclude(pk=catchment.locality_id)[0].pk)
        with underneath(("localities_catchment", "a_prefix_belongs_to_one_locality_on_a_day")):
            copy("localities_catchment", catchment.pk, locality_id=other)
        assert found() == (1, {"A postcode prefix belongs to one locality on a day": 1, REFUSALS: 1})

    def test_two_live_rule_sets(self) -> None:
        with underneath(("triage_rulesetversion", "one_rule_set_is_live_at_an_instant")):
            copy("triage_rulesetversion", RuleSetVersion.objects.get().pk, version="3")
        assert found() == (1, {LIVE: 1, REFUSALS: 1})

    def test_the_last_rule_set_ends_and_none_follows(self) -> None:
        with underneath():
            change(
                "triage_rulesetversion", RuleSetVersion.objects.get().pk, live="tstzrange(lower(live), '2100-01-01')"
            )
        assert found() == (1, {LIVE: 1})

    def test_a_draft_of_the_products_that_nobody_approved(self, drafts: Drafts) -> None:
        draft = drafts.copied()
        with underneath(("triage_rulesetversion", "two_people_publish_a_draft")):
            change("triage_rulesetversion", draft.pk, drafted_by_id="NULL", drafted_at="NULL", published_at="now()")
        assert found() == (1, {"A rule set that was a draft was published by two people": 1, REFUSALS: 1})

    def test_a_membership_that_ends_before_it_starts(self, ben: User) -> None:
        with underneath(("localities_membership", "a_membership_ends_after_it_starts")):
            change(
                "localities_membership", Membership.objects.get(user=ben).pk,
                starts_on="'2026-04-02'", ends_on="'2026-04-01'",
            )  # fmt: skip
        assert found() == (1, {"A period ends after it starts": 1, REFUSALS: 1})

    def test_a_catchment_that_holds_on_no_day(self) -> None:
        with underneath(("localities_catchment", "a_catchment_lasts_at_least_a_day")):
            copy("localities_catchment", Catchment.objects.all()[0].pk, period="'empty'")
        assert found() == (1, {PERIODS: 1, REFUSALS: 1})

    @pytest.mark.parametrize("period", ["'empty'", "tstzrange(NULL, lower(period))"])
    def test_a_responsibility_that_never_was_or_always(self, story: Story, period: str) -> None:
        current = current_of(story.offered().case)
        with underneath(("casework_responsibility", "a_responsibility_starts_at_a_moment_and_lasts")):
            change("casework_responsibility", current.pk, period=period)
        assert found()[0] == 1
        assert {PERIODS: 1, REFUSALS: 1}.items() <= found()[1].items()

    def test_a_clock_that_stopped_before_it_started(self, story: Story) -> None:
        contact = story.contact()
        story.decided(contact)
        clock = Clock.objects.get(contact=contact, kind="next_step_decision")
        with underneath(("casework_clock", "a_clock_stops_after_it_starts")):
            change("casework_clock", clock.pk, stopped_at="started_at - interval '1 microsecond'")
        assert found() == (1, {PERIODS: 1, REFUSALS: 1})


def _trigger(name: str) -> tuple[str, str]:
    """The table and the name, in the database, of a trigger."""
    ((model, trigger),) = [each for each in pgtrigger.registered() if each[1].name == name]
    return model._meta.db_table, trigger.get_pgid(model)


@pytest.mark.django_db
class TestTheRefusalsThemselves:
    @pytest.mark.parametrize(
        "name",
        [
            "an_audit_event_never_changes", "an_audit_event_never_changes_all",
            "an_open_case_has_one_responsible_team", "a_handoff_is_answered_once",
            "a_published_rule_set_never_changes", "what_a_finished_replay_found_stays",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize(
        "how",
        [
            "DROP TRIGGER {name} ON {table}",
            "ALTER TABLE {table} DISABLE TRIGGER {name}",
            "ALTER TABLE {table} ENABLE REPLICA TRIGGER {name}",
        ],
    )
    def test_a_trigger_is_gone_or_silent(self, name: str, how: str) -> None:
        table, in_database = _trigger(name)
        run(how.format(table=table, name=in_database))
        assert found() == (1, {REFUSALS: 1})

    def test_all_triggers_of_a_table_are_silent(self) -> None:
        run("ALTER TABLE casework_responsibility DISABLE TRIGGER ALL")
        silenced = [name for model, _ in pgtrigger.registered() if (name := model._meta.model_name) == "responsibility"]
        assert found() == (1, {REFUSALS: len(silenced)})

    def test_a_trigger_that_fires_always_is_fine(self) -> None:
        table, name = _trigger("a_handoff_is_answered_once")
        run(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
        assert found() == (0, {})

    def test_a_trigger_that_does_nothing_any_more(self) -> None:
        _, name = _trigger("an_audit_event_never_changes")
        run(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN COALESCE(NEW, OLD); END $$"
        )
        assert found() == (1, {REFUSALS: 1})

    @pytest.mark.parametrize(
        ("table", "name"),
        [
            ("casework_decision", "a_decision_has_a_rationale"),
            ("casework_responsibility", "a_case_has_one_responsible_team_at_an_instant"),
            ("casework_handoff", "a_case_has_one_open_handoff"),
            ("casework_reminder", "a_clock_reminds_of_a_step_once"),
            ("localities_user", "usernames_differ_by_more_than_case"),
            ("triage_rulesetversion", "one_rule_set_is_live_at_an_instant"),
            ("triage_rulesetversion", "two_people_publish_a_draft"),
            ("casework_replay", "a_rule_set_is_replayed_once_at_a_time"),
        ],
    )
    def test_a_constraint_is_gone(self, table: str, name: str) -> None:
        drop(table, name)
        assert found() == (1, {REFUSALS: 1})

    def test_a_constraint_that_nobody_has_checked(self) -> None:
        run("ALTER TABLE casework_decision DROP CONSTRAINT a_decision_has_a_rationale")
        again = "ADD CONSTRAINT a_decision_has_a_rationale CHECK (rationale <> '') NOT VALID"
        run(f"ALTER TABLE casework_decision {again}")
        assert found() == (1, {REFUSALS: 1})

    @pytest.mark.parametrize(
        ("table", "column"),
        [
            ("casework_outboxmessage", "idempotency_key"),
            ("casework_responsibility", "handoff_id"),
            ("casework_signoff", "decision_id"),
        ],
    )
    def test_a_unique_key_of_a_field_is_gone(self, table: str, column: str) -> None:
        """A unique field refuses like a named constraint, so it must exist as well."""
        ((name,),) = run(
            "SELECT conname FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND conkey = ARRAY[attnum] "
            "WHERE contype = 'u' AND conrelid = %s::regclass AND attname = %s",
            table, column,
        )  # fmt: skip
        drop(table, name)
        assert found() == (1, {REFUSALS: 1})

    def test_the_switch_of_the_trigger_package_is_on(self) -> None:
        run(
            'CREATE OR REPLACE FUNCTION "public"._pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN '
            "AS $$ SELECT TRUE $$ LANGUAGE sql"
        )
        assert found() == (1, {REFUSALS: 1})

    def test_the_switch_of_the_trigger_package_is_back(self) -> None:
        """As `manage.py pgtrigger install` leaves it: off now, and on for any session that sets it."""
        pgtrigger.installation.install("casework.AuditEvent:an_audit_event_never_changes")
        assert found() == (1, {REFUSALS: 1})


class TestNotes:
    def test_what_nobody_wrote_into_the_audit(self, story: Story) -> None:
        first = story.note(story.contact())
        correction = story.corrected(first)
        assert found() == (0, {})
        for note in (first, correction):
            with underneath():
                change("casework_note", note.pk, written_at="written_at + '1s'::interval")
        assert found()[1] == {"Every note and every correction is in the audit": 2}


class TestRestrictions:
    def test_what_nobody_wrote_into_the_audit(self, story: Story) -> None:
        restriction = restrict(story, story.contact(), "amina")
        assert found() == (0, {})
        with underneath():
            change("casework_restrictedaccess", restriction.access.get().pk, since="since + '1s'::interval")
        assert only_finds("Every restriction, every reader and every broken glass is in the audit")
        with underneath():
            run("UPDATE casework_auditevent SET detail = '{}' WHERE event = 'record_restricted'")
        assert found()[1] == {"Every restriction, every reader and every broken glass is in the audit": 2}

    def test_a_conflict_of_interest_leaves_somebody_out(self, story: Story) -> None:
        contact = story.contact()
        conflict = conflicts.declare_in_contact(
            contact_id=contact.pk, reason="Mine.", by=person("amina"), now=story.now
        )
        assert found() == (0, {})
        with underneath():
            delete("casework_conflictperson", conflict.people.all()[0].pk)
        assert only_finds("A conflict of interest is in all the people of the contact in which it was declared")
