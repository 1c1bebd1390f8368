"""
What the database itself refuses. Each refusal is tried with plain SQL, from a state that real actions reached, and
similar valid changes are accepted.

The names are those of the constraints and triggers in the models.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pgtrigger
import psycopg
import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import DataError, IntegrityError, NotSupportedError, transaction
from django.db.models import Model
from django.utils import timezone

from casework.actions import (
    absences,
    broken_glass,
    calendar,
    cases,
    clock_changes,
    closing,
    conflicts,
    contact_batches,
    contact_drafts,
    contact_handovers,
    corrections,
    files,
    handoffs,
    passwords,
    people,
    protecting,
    receiving,
    reminders,
    restrictions,
    sender_requests,
    shift_handovers,
    signing_in,
    threshold_checks,
)
from casework.actions.contact_batches import ToTakeIn
from casework.actions.contact_drafts import Task
from casework.jobs import agency_events, rechecks, sweep
from casework.jobs import contact_batches as taking_in
from casework.models import (
    Absence,
    AddressProtection,
    AuditEvent,
    BatchEntry,
    CalendarEdit,
    Case,
    CaseChild,
    Clock,
    ClockChange,
    ClockPolicy,
    Closing,
    ConflictOfInterest,
    Contact,
    ContactAdult,
    ContactChild,
    ContactDraft,
    ContactHandover,
    Decision,
    Duty,
    FactChange,
    FactorReset,
    File,
    Handoff,
    Information,
    Milestone,
    Note,
    OpenListCopy,
    OutboxMessage,
    PartnerCheck,
    PartnerReply,
    PasswordLink,
    Person,
    PersonDetail,
    PersonMatch,
    Recheck,
    Recommendation,
    Reminder,
    ReminderLook,
    Replay,
    ReplayedContact,
    RequestKind,
    Responsibility,
    RestrictedAccess,
    Restriction,
    RuleSetReason,
    SecondFactorRule,
    SenderRequest,
    ShiftHandover,
    SignInEvent,
    SignOff,
    StatusChange,
    ThresholdChecks,
    WebhookEndpoint,
)
from localities import devices
from localities.models import (
    Agency,
    AgencyClient,
    CalendarDay,
    Catchment,
    HubHours,
    KnownDevice,
    Locality,
    Membership,
    Team,
    User,
)
from tests.conftest import THURSDAY
from tests.stage.documents import address, child, contact_document
from tests.stage.drafts import AHEAD, Drafts, latest
from tests.stage.files import picture, put, stored
from tests.stage.restricted import restrict
from tests.stage.rule_documents import having
from tests.stage.shared_story import GoesOnFromSharedStory, settled
from tests.stage.sql import change, columns_of, copy, delete, run, settle
from tests.stage.story import SharedStory, Story, how_it_ended, person
from triage.models import RuleSetVersion


@contextmanager
def refused(name: str, *, trigger: str = "") -> Iterator[None]:
    """
    What happens inside is refused under this name, at the latest when the transaction would end.

    :param trigger: the trigger that must be the one to refuse, where two refuse under one name.
    """
    settle()
    with pytest.raises(IntegrityError) as caught, transaction.atomic():  # noqa: PT012  # the check is part of it
        yield
        run("SET CONSTRAINTS ALL IMMEDIATE")
    cause = caught.value.__cause__
    assert isinstance(cause, psycopg.Error)
    assert cause.diag.constraint_name == name
    assert f"pgtrigger_{trigger}" in f"pgtrigger_{cause.diag.context}"


@contextmanager
def refused_under_any_name() -> Iterator[None]:
    """The block is refused by a unique or not-null rule of a field, which has no name of ours."""
    settle()
    with pytest.raises(IntegrityError), transaction.atomic():  # noqa: PT012  # the check is part of it
        yield
        run("SET CONSTRAINTS ALL IMMEDIATE")


@contextmanager
def allowed() -> Iterator[None]:
    """The block is allowed at the end of a transaction. It is rolled back."""
    settle()
    with transaction.atomic():
        yield
        run("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)


def another_family(story: Story) -> Contact:
    """A contact about children whom nothing links to the first family."""
    stranger = child(
        first_name="Noor", last_name="Haddad", nhs_number=None, date_of_birth="2012-05-16", address=address("HP5 1AA")
    )
    return story.contact(children=[stranger], adults=[])


def waiting(story: Story, contact: Contact | None = None) -> Decision:
    """A decision that waits for a second person: advice, though the need is at level 3."""
    return story.decided(contact or story.contact(), pathway="advice", level=3)


def agree(decision: Decision, by: User) -> None:
    run(
        "INSERT INTO casework_signoff (decision_id, by_id, at, agreed, rationale) VALUES (%s, %s, %s, true, 'Agreed.')",
        decision.pk, by.pk, decision.decided_at,
    )  # fmt: skip


def another(row: ReplayedContact) -> Contact:
    """A contact that a replay did not list."""
    return another_family(Story(row.contact.received_at))


def extended(clock: Clock, by: User) -> ClockChange:
    """The change by which a clock was extended by a day."""
    clock_changes.extend(
        clock_id=clock.pk, to=clock.due_at + timedelta(days=1), reason="Seen at school today, and safe.", by=by,
        now=clock.started_at,
    )  # fmt: skip
    return ClockChange.objects.get(clock=clock, kind="extended")


def calendar_edit(story: Story, by: User) -> CalendarEdit:
    """The edit by which the council closes on Monday."""
    day = CalendarDay(date=date(2026, 11, 23), kind="closure", name="The heating broke down")
    calendar.change_day(day=day, before=None, by=by, now=story.now)
    return CalendarEdit.objects.get()


def current_of(case: Case) -> Responsibility:
    return Responsibility.objects.get(case=case, period__endswith__isnull=True)


def test_every_refusal_has_its_test() -> None:
    """A new constraint or trigger needs a test here."""
    source = Path(__file__).read_text(encoding="utf-8")
    # They refuse nothing: tests/localities/test_reference.py and tests/api/test_events.py have what they do.
    others = {
        "a_change_makes_a_new_version", "an_agency_is_told_of_its_contact", "an_agency_is_told_of_a_change",
        "an_agency_is_told_that_we_wait", "an_agency_is_told_of_its_file",
    }  # fmt: skip
    declared = {str(trigger.name) for _, trigger in pgtrigger.registered() if trigger.name not in others} | {
        str(constraint.name)
        for label in ("casework", "localities", "triage")
        for model in apps.get_app_config(label).get_models()
        for constraint in model._meta.constraints
    }
    assert len(declared) > 80
    for name in sorted(declared):
        assert f'"{name}"' in source, f'write a test here that tries what {name} forbids: with refused("{name}")'


class TestResponsibility(GoesOnFromSharedStory):
    """An open case has one responsible team at every instant."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        return settled(story, story.accepted())

    @pytest.fixture
    def case(self, db: None, shared: SharedStory) -> Case:
        return Case.objects.get(pk=shared.about[0])

    @pytest.fixture
    def current(self, case: Case) -> Responsibility:
        return current_of(case)

    def test_two_teams_are_refused_at_one_instant(self, case: Case, current: Responsibility, story: Story) -> None:
        other = str(story.team("chiltern").pk)
        with refused("a_case_has_one_responsible_team_at_an_instant"):
            copy("casework_responsibility", current.pk, team_id=other, handoff_id="NULL")
        with refused("a_case_has_one_responsible_team_at_an_instant"):
            in_the_past = "tstzrange(lower(period) - interval '1 second', lower(period) + interval '1 microsecond')"
            copy("casework_responsibility", current.pk, team_id=other, handoff_id="NULL", period=in_the_past)

    def test_the_same_team_is_refused_twice_at_one_instant(self, current: Responsibility) -> None:
        with refused("a_case_has_one_responsible_team_at_an_instant"):
            copy("casework_responsibility", current.pk, handoff_id="NULL")

    def test_responsibility_passes_from_team_to_team_within_a_transaction(
        self, current: Responsibility, story: Story
    ) -> None:
        with allowed():
            change("casework_responsibility", current.pk, period="tstzrange(lower(period), lower(period) + '1 hour')")
            copy(
                "casework_responsibility", current.pk, handoff_id="NULL", team_id=str(story.team("chiltern").pk),
                period="tstzrange(upper(period), NULL)",
            )  # fmt: skip

    def test_ending_the_responsibility_for_an_open_case_is_refused(self, current: Responsibility) -> None:
        with refused("an_open_case_has_one_responsible_team", trigger="an_open_case_is_never_let_go"):
            change("casework_responsibility", current.pk, period="tstzrange(lower(period), lower(period) + '1 hour')")

    def test_an_end_at_infinity_is_refused_for_an_open_case(self, current: Responsibility) -> None:
        """An end at infinity counts as an end: nobody could take over after it."""
        with refused("an_open_case_has_one_responsible_team", trigger="an_open_case_is_never_let_go"):
            change("casework_responsibility", current.pk, period="tstzrange(lower(period), 'infinity')")

    def test_a_case_opened_without_a_responsible_team_is_refused(self, case: Case, story: Story) -> None:
        decision = story.decided(another_family(story), pathway="advice", level=2, rag="green")
        story.signed_off(decision.contact)
        like_it = {"reference": "'CAS-0000-0000'", "opened_by_decision_id": str(decision.pk)}
        with refused("an_open_case_has_one_responsible_team", trigger="an_open_case_has_one_responsible_team"):
            copy("casework_case", case.pk, **like_it)
        with allowed():
            new = str(copy("casework_case", case.pk, **like_it))
            from_opening = f"tstzrange((SELECT opened_at FROM casework_case WHERE id = {new}), NULL)"
            copy("casework_responsibility", current_of(case).pk, case_id=new, handoff_id="NULL", period=from_opening)

    def test_a_responsible_team_is_refused_for_a_closed_case(self, case: Case, ben: User) -> None:
        closing = {
            "status": "'closed'",
            "closed_at": "'2027-01-01'",
            "closed_by_id": str(ben.pk),
            "outcome": "'needs_met'",
        }
        said = how_it_ended().words
        with refused("a_closed_case_has_no_responsible_team", trigger="an_open_case_has_one_responsible_team"):
            change("casework_case", case.pk, **closing)
            Closing.objects.create(case=case, without_contact=False, **said)
        with allowed():
            change("casework_case", case.pk, **closing)
            Closing.objects.create(case=case, without_contact=False, **said)
            change("casework_responsibility", current_of(case).pk, period="tstzrange(lower(period), '2027-01-01')")

    def test_a_team_cannot_become_responsible_for_a_closed_case(self, case: Case, story: Story) -> None:
        story.closed(case)
        last = Responsibility.objects.filter(case=case).order_by("period").last()
        assert last is not None
        with refused("a_closed_case_has_no_responsible_team", trigger="an_open_case_is_never_let_go"):
            copy("casework_responsibility", last.pk, handoff_id="NULL", period="tstzrange(upper(period), NULL)")

    def test_a_gap_in_responsibility_is_refused(self, current: Responsibility, story: Story) -> None:
        """One team's period ends an hour before the next one's begins."""
        with refused("a_case_is_always_in_somebodys_hands", trigger="an_open_case_is_never_let_go"):
            change("casework_responsibility", current.pk, period="tstzrange(lower(period), lower(period) + '1 hour')")
            copy(
                "casework_responsibility", current.pk, handoff_id="NULL", team_id=str(story.team("chiltern").pk),
                period="tstzrange(upper(period) + '1 hour', NULL)",
            )  # fmt: skip

    def test_a_period_without_a_start_or_without_length_is_refused(self, current: Responsibility) -> None:
        first = Responsibility.objects.exclude(pk=current.pk).get(case=current.case)
        for period in ("tstzrange(NULL, lower(period))", "tstzrange(lower(period), lower(period))"):
            with refused("a_responsibility_starts_at_a_moment_and_lasts"):
                copy("casework_responsibility", first.pk, handoff_id="NULL", period=period)

    def test_an_end_before_the_start_is_refused(self, current: Responsibility) -> None:
        """The range type has no value whose end is before its start."""
        with pytest.raises(DataError), transaction.atomic():
            change("casework_responsibility", current.pk, period="tstzrange(lower(period), lower(period) - '1 hour')")

    def test_rewriting_who_was_responsible_is_refused(self, case: Case, current: Responsibility, story: Story) -> None:
        first = Responsibility.objects.exclude(pk=current.pk).get(case=case)
        other_case = story.offered(another_family(story)).case
        other_team = str(story.team("chiltern").pk)
        for pk, to in (
            (current.pk, {"team_id": other_team}),
            (current.pk, {"case_id": str(other_case.pk)}),
            (current.pk, {"handoff_id": "NULL"}),
            (current.pk, {"period": "tstzrange(lower(period) + '1 second', NULL)"}),
            (first.pk, {"team_id": other_team}),
            (first.pk, {"period": "tstzrange(lower(period), upper(period) - interval '1 second')"}),
            (first.pk, {"period": "tstzrange(lower(period), NULL)"}),
        ):
            with refused("a_past_responsibility_stays"):
                change("casework_responsibility", pk, **to)
        for pk in (current.pk, first.pk):
            with refused("a_past_responsibility_stays"):
                delete("casework_responsibility", pk)

    def test_emptying_the_table_is_refused(self, current: Responsibility) -> None:
        with refused("responsibilities_are_never_emptied"):
            run("TRUNCATE casework_responsibility")


class TestClosing(GoesOnFromSharedStory):
    """A case closes with what was said: who was seen, what the family says, who supports it now."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        closed = story.closed().closing
        noor, ola = (
            child(first_name=name, nhs_number=None, date_of_birth=born, address=address(home), last_name=name)
            for name, born, home in (("Noor", "2012-05-16", "HP21 7AA"), ("Ola", "2009-11-02", "HP20 1UA"))
        )
        asked_of = story.accepted(story.contact(children=[noor], adults=[]))
        ended = how_it_ended(outcome="no_progress", children_seen=False, adults_seen=False)
        asked = closing.ask_lead(case_id=asked_of.pk, ended=ended, by=person("bea"), now=story.later())
        return settled(story, closed, asked, story.accepted(story.contact(children=[ola], adults=[])))

    def test_a_case_that_closes_without_a_word_is_refused(self, db: None, shared: SharedStory) -> None:
        case = Case.objects.get(pk=shared.about[2])
        closes = {"status": "'closed'", "closed_at": "now()", "closed_by_id": str(person("ben").pk)}
        with refused("a_case_closes_with_what_was_said"):
            change("casework_case", case.pk, outcome="'needs_met'", **closes)
            run(
                "UPDATE casework_responsibility SET period = tstzrange(lower(period), now()) WHERE case_id = %s "
                "AND upper_inf(period)",
                case.pk,
            )

    def test_that_a_lead_left_where_nobody_led_is_refused(self, db: None, shared: SharedStory) -> None:
        case = Case.objects.get(pk=shared.about[2])
        with refused("a_lead_who_left_was_named"):
            change("casework_case", case.pk, lead_left_on="'2026-11-18'")
        with allowed():
            change("casework_case", case.pk, lead_left_on="'2026-11-18'", lead_practitioner_id=str(person("ben").pk))

    def test_a_closing_that_lacks_an_answer_is_refused(self, db: None, shared: SharedStory) -> None:
        closing_id, request_id, other = shared.about
        to = {"case_id": str(other)}
        for column, name, of_request in (
            ("children_note", "a_closing_has_the_children", "a_closingrequest_has_the_children"),
            ("adults_note", "a_closing_has_the_adults", "a_closingrequest_has_the_adults"),
            ("family_says", "a_closing_has_the_family", "a_closingrequest_has_the_family"),
            ("support", "a_closing_has_the_support", "a_closingrequest_has_the_support"),
        ):
            with refused(name):
                copy("casework_closing", closing_id, **to, **{column: "' '"})
            with refused(of_request):
                copy("casework_closingrequest", request_id, **to, **{column: "' '"})
        with allowed():
            copy("casework_closing", closing_id, **to)
            copy("casework_closingrequest", request_id, **to)

    def test_one_person_alone_closes_no_case_without_contact(self, db: None, shared: SharedStory, story: Story) -> None:
        pk, _, other = shared.about
        to = {"case_id": str(other), "without_contact": "true", "children_seen": "false", "adults_seen": "false"}
        to |= {"lead_reason": "'They moved abroad.'"}
        with refused("two_people_close_without_contact"):
            copy("casework_closing", pk, **to)
        said = how_it_ended(children_seen=False, adults_seen=False, outcome="moved_away")
        closing.ask_lead(case_id=other, ended=said, by=person("bea"), now=story.later())
        with refused("two_people_close_without_contact"):
            copy("casework_closing", pk, **to)

    def test_closing_without_contact_needs_the_reason_and_nobody_seen(
        self, db: None, shared: SharedStory, story: Story
    ) -> None:
        other = shared.about[2]
        said = how_it_ended(
            children_seen=False, adults_seen=False, outcome="moved_away", lead_reason="They live abroad now."
        )
        closing.ask_lead(case_id=other, ended=said, by=person("bea"), now=story.later())
        with allowed():
            closed = closing.close(case_id=other, ended=said, by=person("ben"), now=story.later())
            for wrong in ({"lead_reason": "''"}, {"children_seen": "true"}, {"adults_seen": "true"}):
                with refused("a_case_closes_without_contact_for_a_leads_reason"):
                    copy("casework_closing", closed.closing.pk, **wrong)

    def test_a_request_without_outcome_or_summary_or_beside_another_is_refused(
        self, db: None, shared: SharedStory
    ) -> None:
        _, pk, other = shared.about
        with refused("a_closingrequest_has_an_outcome"):
            copy("casework_closingrequest", pk, case_id=str(other), outcome="'bliss'")
        with refused("a_closingrequest_says_what_was_done"):
            copy("casework_closingrequest", pk, case_id=str(other), summary="' '")
        with refused("a_case_has_one_open_closing_request"):
            copy("casework_closingrequest", pk)

    def test_an_answer_without_who_and_when_is_refused(self, db: None, shared: SharedStory) -> None:
        _, pk, _ = shared.about
        answered = {"answered_at": "asked_at", "answered_by_id": "asked_by_id"}
        for wrong in (
            {"answered_at": "asked_at"}, {"answered_by_id": "asked_by_id"}, {"stays_open_because": "'No.'"},
            answered | {"answered_at": "asked_at - interval '1 second'"},
        ):  # fmt: skip
            with refused("an_answered_closing_request_says_who_and_when"):
                change("casework_closingrequest", pk, **wrong)
        with allowed():
            change("casework_closingrequest", pk, **answered)

    def test_what_was_said_stays(self, db: None, shared: SharedStory) -> None:
        closing_id, request_id, _ = shared.about
        with refused("a_closing_never_changes"):
            change("casework_closing", closing_id, support="'x'")
        with refused("a_closing_never_changes"):
            delete("casework_closing", closing_id)
        with refused("a_closing_never_changes_all"):
            run("TRUNCATE casework_closing")
        with refused("a_closing_request_is_answered_once"):
            change("casework_closingrequest", request_id, support="'x'")
        with refused("a_closing_request_is_answered_once"):
            delete("casework_closingrequest", request_id)
        with refused("closing_requests_are_never_emptied"):
            run("TRUNCATE casework_closingrequest")


class TestHandoffs(GoesOnFromSharedStory):
    """A case has at most one open handoff, which is answered once."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        return settled(story, story.offered())

    @pytest.fixture
    def handoff(self, db: None, shared: SharedStory) -> Handoff:
        return Handoff.objects.get(pk=shared.about[0])

    def test_a_step_of_which_the_family_knows_nothing_is_refused(self, handoff: Handoff) -> None:
        answered = {"status": "'withdrawn'", "answered_at": "offered_at", "answered_by_id": "offered_by_id"}
        copied = answered | {"answer_reason": "'x'"}
        told = {"family_told": "'They know.'"}
        rated = {"rag": "'red'", "rag_before": "'green'", "in_danger": "false"}
        for wrong in (
            {"kind": "'step_up'"},
            {"kind": "'step_up'", "family_told": "' '"},
            {"kind": "'step_down'", "family_agrees": "true"},
            {"kind": "'step_down'"} | told,
            {"kind": "'step_down'", "family_agrees": "false"} | told,
        ):
            with refused("the_family_knows_of_a_step"):
                copy("casework_handoff", handoff.pk, **copied | rated | wrong)
        with allowed():
            copy("casework_handoff", handoff.pk, **copied | told | rated | {"kind": "'step_up'"})
            down = {"kind": "'step_down'", "family_agrees": "true"}
            copy("casework_handoff", handoff.pk, **copied | told | rated | down)

    def test_a_step_without_a_rating_that_it_can_give_is_refused(self, handoff: Handoff) -> None:
        answered = {"status": "'withdrawn'", "answered_at": "offered_at", "answered_by_id": "offered_by_id"}
        copied = answered | {"answer_reason": "'x'", "family_told": "'They know.'"}
        up = copied | {"kind": "'step_up'", "rag": "'red'", "rag_before": "'green'", "in_danger": "false"}
        down = copied | {"kind": "'step_down'", "rag": "'green'", "rag_before": "'red'", "family_agrees": "true"}
        for wrong in (
            up | {"rag": "''"},
            up | {"rag": "'green'"},
            up | {"rag": "'amber'", "rag_before": "'red'"},
            up | {"rag": "'amber'", "in_danger": "true"},
            up | {"in_danger": "NULL"},
            up | {"rag_before": "''"},
            down | {"rag": "''"},
            down | {"rag": "'blue'"},
        ):
            with refused("a_step_says_the_rating"):
                copy("casework_handoff", handoff.pk, **wrong)
        with allowed():
            for right in (up, up | {"in_danger": "true"}, up | {"rag": "'amber'"}, down, down | {"rag": "'red'"}):
                copy("casework_handoff", handoff.pk, **right)

    def test_a_rating_that_nobody_knows_is_refused(self, handoff: Handoff) -> None:
        answered = {"status": "'withdrawn'", "answered_at": "offered_at", "answered_by_id": "offered_by_id"}
        for column in ("rag", "rag_before"):
            with refused("a_step_is_of_a_known_rating"):
                copy("casework_handoff", handoff.pk, **answered, answer_reason="'x'", **{column: "'pink'"})

    def test_a_cases_rating_changes_with_a_step_alone(self, handoff: Handoff, story: Story, ben: User) -> None:
        handoffs.accept(handoff_id=handoff.pk, by=ben, now=story.later())
        with refused("a_step_changes_a_cases_rating"):
            change("casework_case", handoff.case_id, rag="'amber'")
        offered = handoffs.offer(
            case_id=handoff.case_id, to_team_id=story.team("child-protection").pk, reason="He was hurt.",
            family_told="They know.", in_danger=False, rag="red", by=ben, now=story.later(),
        )  # fmt: skip
        with refused("a_step_changes_a_cases_rating"):
            change("casework_case", handoff.case_id, rag="'green'")
        handoffs.accept(handoff_id=offered.pk, by=person("pat"), now=story.later())
        down = handoffs.offer(
            case_id=handoff.case_id, to_team_id=story.team("chiltern").pk, reason="The plan worked.",
            family_told="They know.", family_agrees=True, rag="green", lead_reason="It is right.",
            despite="They moved.", by=person("pat"), now=story.later(),
        )  # fmt: skip
        with refused("a_step_changes_a_cases_rating"):
            change("casework_case", handoff.case_id, rag="'green'")
        with allowed():
            handoffs.accept(handoff_id=down.pk, by=person("chris"), now=story.later())

    def test_two_open_handoffs_of_a_case_are_refused(self, handoff: Handoff, story: Story, ben: User) -> None:
        other = str(story.team("chiltern").pk)
        with refused("a_case_has_one_open_handoff"):
            copy("casework_handoff", handoff.pk, to_team_id=other)
        handoffs.return_to_sender(handoff_id=handoff.pk, reason="Known in Chiltern.", by=ben, now=story.later())
        with allowed():
            offered = {"status": "'offered'", "answered_at": "NULL", "answered_by_id": "NULL", "answer_reason": "''"}
            copy("casework_handoff", handoff.pk, to_team_id=other, **offered)

    @pytest.mark.parametrize("before", ["accepted", "returned", "withdrawn"])
    def test_a_second_answer_is_refused(
        self, handoff: Handoff, story: Story, ben: User, amina: User, before: str
    ) -> None:
        match before:
            case "accepted":
                handoffs.accept(handoff_id=handoff.pk, by=ben, now=story.later())
            case "returned":
                handoffs.return_to_sender(handoff_id=handoff.pk, reason="No.", by=ben, now=story.later())
            case _:
                handoffs.withdraw(handoff_id=handoff.pk, reason="No.", by=amina, now=story.later())
        for after in ("accepted", "returned", "withdrawn", "offered"):
            with refused("a_handoff_is_answered_once"):
                change("casework_handoff", handoff.pk, status=f"'{after}'")

    def test_a_first_answer_is_accepted(self, handoff: Handoff, ben: User) -> None:
        with allowed():
            change(
                "casework_handoff", handoff.pk, status="'returned'", answer_reason="'Known in Chiltern.'",
                answered_by_id=str(ben.pk), answered_at="offered_at",
            )  # fmt: skip

    def test_a_handoff_cannot_pass_responsibility_twice(self, handoff: Handoff, story: Story, ben: User) -> None:
        handoffs.accept(handoff_id=handoff.pk, by=ben, now=story.later())
        current = current_of(handoff.case)
        with refused_under_any_name():
            change("casework_responsibility", current.pk, period="tstzrange(lower(period), lower(period) + '1 hour')")
            copy("casework_responsibility", current.pk, period="tstzrange(upper(period), NULL)")

    def test_deleting_a_handoff_is_refused(self, handoff: Handoff) -> None:
        with refused("a_handoff_is_answered_once"):
            delete("casework_handoff", handoff.pk)

    def test_emptying_the_table_is_refused(self, handoff: Handoff) -> None:
        with refused("handoffs_are_never_emptied"):
            run("TRUNCATE casework_handoff CASCADE")

    def test_the_sender_as_receiver_is_refused(self, handoff: Handoff) -> None:
        with refused("a_handoff_goes_to_another_team"):
            copy("casework_handoff", handoff.pk, to_team_id="from_team_id")

    def test_a_blank_reason_is_refused(self, handoff: Handoff) -> None:
        for reason in ("''", "'  '", r"E'\n\t'"):
            with refused("a_handoff_has_a_reason"):
                copy("casework_handoff", handoff.pk, reason=reason)

    def test_rewriting_an_offer_is_refused(self, handoff: Handoff, story: Story, ben: User) -> None:
        chiltern = str(story.team("chiltern").pk)
        for to in (
            {"to_team_id": chiltern}, {"from_team_id": chiltern}, {"reason": "'Another.'"},
            {"offered_by_id": str(ben.pk)}, {"offered_at": "offered_at + interval '1 second'"},
            {"kind": "'transfer'"}, {"ordinal": "2"}, {"is_bounce": "true"}, {"lead_reason": "'Because.'"},
            {"despite": "'Because.'"},
        ):  # fmt: skip
            with refused("a_handoff_is_answered_once"):
                change("casework_handoff", handoff.pk, **to)

    def test_unknown_status_is_refused(self, handoff: Handoff, ben: User) -> None:
        with refused("a_handoff_has_a_known_status"):
            change(
                "casework_handoff", handoff.pk, status="'lost'", answered_at="offered_at", answered_by_id=str(ben.pk)
            )

    def test_unknown_kind_is_refused(self, handoff: Handoff) -> None:
        for kind in ("''", "'lost'"):
            with refused("a_handoff_is_of_a_known_kind"):
                copy("casework_handoff", handoff.pk, kind=kind)

    def test_a_third_handoff_without_a_leads_reason_is_refused(self, handoff: Handoff, story: Story, ben: User) -> None:
        handoffs.return_to_sender(handoff_id=handoff.pk, reason="Known in Chiltern.", by=ben, now=story.later())
        for ordinal in ("3", "4"):
            for reason in ("''", r"E' \n'"):
                with refused("a_third_handoff_has_a_leads_reason"):
                    copy("casework_handoff", handoff.pk, ordinal=ordinal, lead_reason=reason)
        with allowed():
            copy("casework_handoff", handoff.pk, ordinal="2")
        with allowed():
            copy("casework_handoff", handoff.pk, ordinal="3", lead_reason="'They are back with their mother.'")

    def test_acceptance_without_a_new_responsible_team_is_refused(self, handoff: Handoff, ben: User) -> None:
        with refused("an_accepted_handoff_passes_responsibility"):
            change(
                "casework_handoff", handoff.pk, status="'accepted'", answered_at="offered_at",
                answered_by_id=str(ben.pk),
            )  # fmt: skip

    def test_an_answer_without_who_or_when_is_refused(self, handoff: Handoff, ben: User) -> None:
        for said in (
            {"status": "'accepted'"},
            {"status": "'accepted'", "answered_at": "offered_at"},
            {"status": "'accepted'", "answered_by_id": str(ben.pk)},
            {"answered_at": "offered_at"},
            {"answered_by_id": str(ben.pk)},
        ):
            with refused("an_answered_handoff_says_who_and_when"):
                change("casework_handoff", handoff.pk, **said)

    @pytest.mark.parametrize("status", ["returned", "withdrawn"])
    def test_a_return_or_withdrawal_without_a_reason_is_refused(self, handoff: Handoff, ben: User, status: str) -> None:
        answer = {"status": f"'{status}'", "answered_at": "offered_at", "answered_by_id": str(ben.pk)}
        with refused("a_handoff_is_returned_or_withdrawn_for_a_reason"):
            change("casework_handoff", handoff.pk, **answer, answer_reason="' '")
        with allowed():
            change("casework_handoff", handoff.pk, **answer, answer_reason="'They moved.'")

    def test_an_answer_before_the_offer_is_refused(self, handoff: Handoff, ben: User) -> None:
        answer = {"status": "'returned'", "answered_by_id": str(ben.pk), "answer_reason": "'No.'"}
        with refused("a_handoff_is_answered_after_it_is_offered"):
            change("casework_handoff", handoff.pk, **answer, answered_at="offered_at - interval '1 microsecond'")
        with allowed():
            change("casework_handoff", handoff.pk, **answer, answered_at="offered_at")


class TestDecisions(GoesOnFromSharedStory):
    """A decision always has a rationale, and a second person if it needs one."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        return settled(story, story.decided(story.contact()), waiting(story, another_family(story)))

    @pytest.fixture
    def decision(self, db: None, shared: SharedStory) -> Decision:
        """A decision in effect, which opened a case."""
        return Decision.objects.get(pk=shared.about[0])

    @pytest.fixture
    def waits(self, db: None, shared: SharedStory) -> Decision:
        """A decision about another family that waits for a second person."""
        return Decision.objects.get(pk=shared.about[1])

    @pytest.fixture
    def case(self, decision: Decision) -> Case:
        return Case.objects.get(opened_by_decision=decision)

    @pytest.mark.parametrize("rationale", ["''", "'   '", r"E'\n\t '"])
    def test_a_blank_rationale_is_refused(self, decision: Decision, rationale: str) -> None:
        with refused("a_decision_has_a_rationale"):
            copy("casework_decision", decision.pk, rationale=rationale)

    def test_a_null_rationale_is_refused(self, decision: Decision) -> None:
        with refused_under_any_name():
            copy("casework_decision", decision.pk, rationale="NULL")

    @pytest.mark.parametrize("level", ["0", "5"])
    def test_unknown_level_is_refused(self, decision: Decision, level: str) -> None:
        with refused("a_decision_is_at_level_1_2_3_or_4"):
            copy("casework_decision", decision.pk, level=level)
        for real in "1234":
            with allowed():
                copy("casework_decision", decision.pk, level=real)

    def test_a_decision_before_screening_is_refused(self, decision: Decision, amina: User) -> None:
        held = copy("casework_recommendation", decision.recommendation_id, hold="'screening'", contact_id="contact_id")
        with refused("what_waits_for_screening_is_not_decided"):
            copy("casework_decision", decision.pk, recommendation_id=str(held))
        change("casework_contact", decision.contact_id, screened_by_id=str(amina.pk), screened_at="now()")
        with allowed():
            copy("casework_decision", decision.pk, recommendation_id=str(held))

    def test_a_chosen_team_without_a_reason_is_refused(self, decision: Decision, story: Story) -> None:
        team = str(story.team("chiltern").pk)
        with refused("a_team_is_chosen_for_a_reason"):
            copy("casework_decision", decision.pk, chosen_team_id=team, chosen_team_reason="' '")
        with allowed():
            copy("casework_decision", decision.pk, chosen_team_id=team, chosen_team_reason="'Refuge.'")

    def test_effect_before_sign_off_is_refused(self, waits: Decision) -> None:
        with refused("a_decision_needs_its_sign_off_to_take_effect"):
            change("casework_contact", waits.contact_id, status="'decided'", decision_in_effect_id=str(waits.pk))

    def test_effect_after_a_declined_sign_off_is_refused(self, waits: Decision, story: Story) -> None:
        story.signed_off(waits.contact, agreed=False)
        with refused("a_decision_needs_its_sign_off_to_take_effect"):
            change("casework_contact", waits.contact_id, status="'decided'", decision_in_effect_id=str(waits.pk))

    def test_effect_after_sign_off_is_accepted(self, waits: Decision, maya: User) -> None:
        taking_effect = {"status": "'decided'", "decision_in_effect_id": str(waits.pk)}
        with allowed():
            agree(waits, maya)
            change("casework_contact", waits.contact_id, **taking_effect)

    def test_a_new_contact_with_a_decision_that_waits_is_refused(self, waits: Decision) -> None:
        with refused("a_decision_is_about_its_own_contact"):
            copy(
                "casework_contact", waits.contact_id, reference="'CON-0000-0000'", recommendation_id="NULL",
                status="'decided'", decision_in_effect_id=str(waits.pk),
            )  # fmt: skip

    def test_sign_off_by_the_decider_is_refused(self, story: Story, maya: User) -> None:
        decision = story.decided(story.contact(), pathway="advice", level=3, by="maya")
        with refused("the_second_person_is_another_person"):
            agree(decision, maya)

    def test_a_sign_off_without_a_rationale_is_refused(self, waits: Decision, story: Story) -> None:
        story.signed_off(waits.contact)
        signed = SignOff.objects.get(decision=waits)
        again = waiting(story, another_family(story))
        with refused("a_sign_off_has_a_rationale"):
            copy("casework_signoff", signed.pk, decision_id=str(again.pk), rationale=r"E' \n'")

    def test_a_second_sign_off_is_refused(self, waits: Decision, story: Story, david: User) -> None:
        story.signed_off(waits.contact, agreed=False)
        with refused_under_any_name():
            copy("casework_signoff", SignOff.objects.get().pk, by_id=str(david.pk), agreed="true")

    def test_a_decision_on_another_contact_is_refused(self, decision: Decision, waits: Decision) -> None:
        with refused("a_decision_is_about_its_own_contact"):
            change("casework_contact", waits.contact_id, status="'decided'", decision_in_effect_id=str(decision.pk))

    def test_replacing_the_decision_is_refused(self, decision: Decision) -> None:
        another = copy("casework_decision", decision.pk)
        for to in (
            {"decision_in_effect_id": str(another)},
            {"decision_in_effect_id": "NULL", "status": "'received'"},
            {"decision_in_effect_id": "NULL"},
        ):
            with refused("a_decision_in_effect_stays"):
                change("casework_contact", decision.contact_id, **to)

    def test_a_decided_contact_without_a_decision_is_refused(self, story: Story) -> None:
        contact = story.contact()
        with refused("a_decided_contact_and_no_other_has_a_decision_in_effect"):
            change("casework_contact", contact.pk, status="'decided'")
        decision = story.decided(contact)
        with refused("a_decided_contact_and_no_other_has_a_decision_in_effect"):
            change("casework_contact", contact.pk, status="'received'")
        waits = story.contact()
        with refused("a_decided_contact_and_no_other_has_a_decision_in_effect"):
            own = copy("casework_decision", decision.pk, contact_id=str(waits.pk))
            change("casework_contact", waits.pk, decision_in_effect_id=str(own))

    def test_a_case_opened_by_a_decision_that_waits_is_refused(self, case: Case, waits: Decision) -> None:
        with refused("a_case_opens_by_a_decision_in_effect"):
            copy("casework_case", case.pk, reference="'CAS-0000-0000'", opened_by_decision_id=str(waits.pk))

    def test_moving_a_case_to_a_decision_that_waits_is_refused(self, case: Case, waits: Decision) -> None:
        """The decision would take effect without a second person."""
        with refused("a_case_opens_by_a_decision_in_effect"):
            change("casework_case", case.pk, opened_by_decision_id=str(waits.pk))

    def test_two_cases_from_one_decision_are_refused(self, case: Case) -> None:
        with refused_under_any_name():
            copy("casework_case", case.pk, reference="'CAS-0000-0000'")


class TestContacts:
    """A contact is never stored twice, and what was sent never changes."""

    def test_a_repeated_key_of_one_agency_is_refused(self, school: Agency, police: Agency, story: Story) -> None:
        contact = receiving.receive(document=contact_document(), by=school, now=story.now, idempotency_key="k").contact
        like_it = {"reference": "'CON-0000-0000'", "recommendation_id": "NULL"}
        with refused("an_agency_uses_an_idempotency_key_once"):
            copy("casework_contact", contact.pk, **like_it)
        for but in ({"agency_id": str(police.pk)}, {"idempotency_key": "'K'"}, {"idempotency_key": "NULL"}):
            with allowed():
                copy("casework_contact", contact.pk, **like_it, **but)

    def test_contacts_without_a_key_are_accepted(self, story: Story) -> None:
        contact = story.contact()
        with allowed():
            copy("casework_contact", contact.pk, reference="'CON-0000-0000'", recommendation_id="NULL")

    def test_submitting_a_form_twice_is_refused(self, story: Story, amina: User, oliver: User) -> None:
        contact = receiving.receive(document=contact_document(), by=amina, now=story.now, idempotency_key="k").contact
        like_it = {"reference": "'CON-0000-0000'", "recommendation_id": "NULL"}
        with refused("a_form_is_sent_in_once"):
            copy("casework_contact", contact.pk, **like_it)
        with allowed():
            copy("casework_contact", contact.pk, **like_it, entered_by_id=str(oliver.pk))

    def test_a_contact_that_does_not_say_who_brought_it_in_is_refused(self, story: Story, amina: User) -> None:
        contact = story.contact()
        like_it = {"reference": "'CON-0000-0000'", "recommendation_id": "NULL"}
        for but in (
            {"agency_id": "NULL"},
            {"agency_id": "NULL", "entered_by_id": str(amina.pk)},
            {"channel": "'web'"},
            {"channel": "'fax'"},
        ):
            with refused("a_contact_says_who_brought_it_in"):
                copy("casework_contact", contact.pk, **like_it, **but)

    def test_an_arrival_at_the_moment_of_recording_or_after_it_is_refused(self, story: Story, amina: User) -> None:
        sent = story.contact()
        like_it = {"reference": "'CON-0000-0000'", "recommendation_id": "NULL", "idempotency_key": "'another'"}
        typed = {"agency_id": "NULL", "channel": "'web'", "entered_by_id": str(amina.pk)}
        for by in ({}, typed):
            for late in ("received_at", "received_at + interval '1 day'"):
                with refused("what_is_taken_in_later_arrived_before"):
                    copy("casework_contact", sent.pk, **like_it, **by, arrived_at=late)
            with allowed():
                copy("casework_contact", sent.pk, **like_it, **by, arrived_at="received_at - interval '1 day'")

    def test_rewriting_what_was_sent_is_refused(self, story: Story, police: Agency) -> None:
        contact = story.contact()
        for to in (
            {"document": "document - 'concern'"},
            {"document": "'{}'"},
            {"reference": "'CON-0000-0000'"},
            {"received_at": "received_at + interval '1 microsecond'"},
            {"agency_id": str(police.pk)},
            {"agency_id": "NULL", "channel": "'web'"},
            {"channel": "'web'"},
            {"entered_by_id": str(User.objects.get(username="amina").pk)},
            {"idempotency_key": "'another'"},
            {"digest": "'another'"},
            {"said_digest": "'another'"},
            {"family_indicators": "'{}'"},
            {"type": "'notification'"},
            {"source_code": "'9'"},
            {"received_by_phone": "NOT received_by_phone"},
            {"agency_reference": "'another'"},
            {"arrived_at": "received_at - interval '1 day'"},
        ):
            with refused("what_was_sent_stays_as_it_was_sent"):
                change("casework_contact", contact.pk, **to)
        with refused("what_was_sent_stays_as_it_was_sent"):
            delete("casework_contact", contact.pk)
        with allowed():
            change("casework_contact", contact.pk, agreement="'refused'")

    def test_a_resend_of_itself_or_of_a_later_contact_is_refused(self, story: Story) -> None:
        first, second = story.contact(), another_family(story)
        for which in (first, second):
            with refused("a_resend_repeats_an_earlier_contact"):
                change("casework_contact", first.pk, resend_of_id=str(which.pk))
        with allowed():
            change("casework_contact", second.pk, resend_of_id=str(first.pk))

    def test_rewriting_unread_indicators_is_refused(self, story: Story) -> None:
        (detail,) = story.contact(children=[child(sex="X")]).details_to_check.all()
        for to in ({"field": "'children.ethnicity'"}, {"agency_id": "NULL"}, {"says": "'is well.'"}):
            with refused("a_detail_to_check_stays"):
                change("casework_detailtocheck", detail.pk, **to)
        with refused("a_detail_to_check_stays"):
            delete("casework_detailtocheck", detail.pk)
        with refused("a_detail_to_check_stays_all"):
            run("TRUNCATE casework_detailtocheck")

    def test_emptying_the_table_is_refused(self, story: Story) -> None:
        story.contact()
        with refused("contacts_are_never_emptied"):
            run("TRUNCATE casework_contact CASCADE")

    def test_rewriting_the_referrers_indicators_is_refused(self, story: Story) -> None:
        (on_contact,) = story.contact().children.all()
        for to in ("'{}'", "indicators || '{L4-01}'"):
            with refused("what_a_referrer_chose_for_a_child_stays"):
                change("casework_contactchild", on_contact.pk, indicators=to)
        with allowed():
            change("casework_contactchild", on_contact.pk, screened_indicators="'{L4-01}'")

    def test_screening_without_who_or_when_is_refused(self, story: Story, amina: User) -> None:
        contact = story.contact()
        who, when, what = {"screened_by_id": str(amina.pk)}, {"screened_at": "now()"}, "'{L2-01}'"
        for to in (who, when, {"screened_family_indicators": what}, who | {"screened_family_indicators": what}):
            with refused("a_screened_contact_says_who_and_when"):
                change("casework_contact", contact.pk, **to)
        with allowed():
            change("casework_contact", contact.pk, **who, **when, screened_family_indicators=what)

    def test_undoing_screening_is_refused(self, story: Story, amina: User) -> None:
        contact = story.contact()
        change("casework_contact", contact.pk, screened_by_id=str(amina.pk), screened_at="now()")
        with refused("a_screened_contact_stays_screened"):
            change("casework_contact", contact.pk, screened_by_id="NULL", screened_at="NULL")
        with allowed():
            change("casework_contact", contact.pk, screened_at="now() + interval '1 hour'")

    def test_unknown_status_is_refused(self, story: Story) -> None:
        with refused("a_contact_has_a_known_status"):
            change("casework_contact", story.contact().pk, status="'lost'")

    def test_a_recommendation_about_another_contact_is_refused(self, story: Story) -> None:
        contact, other = story.contact(), another_family(story)
        with refused("a_recommendation_is_about_its_own_contact"):
            change("casework_contact", contact.pk, recommendation_id=str(other.recommendation_id))

    def test_removing_a_person_from_a_contact_is_refused(self, story: Story) -> None:
        story.contact()
        match = PersonMatch.objects.filter(child__contact=story.contact(children=[child(nhs_number=None)]))[0]
        case = story.offered(another_family(story)).case
        rows = [
            ("casework_contactchild", match.row.pk, "a_child_of_a_contact_stays"),
            ("casework_contactadult", ContactAdult.objects.all()[0].pk, "an_adult_of_a_contact_stays"),
            ("casework_personmatch", match.pk, "a_likeness_stays"),
            ("casework_casechild", CaseChild.objects.get(case=case).pk, "a_child_of_a_case_stays"),
        ]
        for table, pk, name in rows:
            with refused(name):
                delete(table, pk)
        all_of_them = (
            "a_child_of_a_contact_stays_all", "an_adult_of_a_contact_stays_all", "a_likeness_stays_all",
            "a_child_of_a_case_stays_all",
        )  # fmt: skip
        for (table, _, _), name in zip(rows, all_of_them, strict=True):
            with refused(name):
                run(f"TRUNCATE {table} CASCADE")

    def test_a_second_child_or_adult_at_one_position_is_refused(self, story: Story) -> None:
        contact = story.contact()
        with refused("children_of_a_contact_have_their_places"):
            copy("casework_contactchild", ContactChild.objects.get(contact=contact).pk)
        with refused("adults_of_a_contact_have_their_places"):
            copy("casework_contactadult", ContactAdult.objects.get(contact=contact).pk)
        with allowed():
            brother = str(Person.objects.create(first_name="Alex").pk)
            copy("casework_contactchild", ContactChild.objects.get(contact=contact).pk, position="1", person_id=brother)
            copy("casework_contactadult", ContactAdult.objects.get(contact=contact).pk, position="1")

    def test_a_person_as_two_children_of_a_contact_is_refused(self, story: Story) -> None:
        only, another = (story.contact().children.get() for _ in range(2))
        assert only.person == another.person
        with refused("a_person_is_one_child_of_a_contact"):
            copy("casework_contactchild", only.pk, position="1")

    def test_replacing_the_record_of_a_person_on_a_contact_is_refused(self, story: Story) -> None:
        contact = story.contact()
        other = str(Person.objects.create(first_name="Alex").pk)
        for table, row, name in (
            ("casework_contactchild", contact.children.get(), "a_childs_own_record_stays"),
            ("casework_contactadult", contact.adults.get(), "an_adults_own_record_stays"),
        ):
            with refused(name):
                change(table, row.pk, recorded_as_id=other)
            with allowed():
                change(table, row.pk, person_id=other)

    def test_a_later_record_cannot_stand_for_an_older_one(self, story: Story) -> None:
        older, later = (Person.objects.create(first_name=name) for name in ("Alex", "Alexander"))
        for to in (older, later):
            with refused("the_oldest_record_stands_for_a_person"):
                change("casework_person", older.pk, same_as_id=str(to.pk))
        with allowed():
            change("casework_person", later.pk, same_as_id=str(older.pk))

    def test_proposing_a_match_twice_is_refused(self, story: Story) -> None:
        match = self.likeness(story)
        with refused("a_likeness_is_proposed_once"):
            copy("casework_personmatch", match.pk)

    def test_a_match_of_other_people_or_of_nobody_is_refused(self, story: Story) -> None:
        match = self.likeness(story)
        adult = str(story.contact().adults.get().pk)
        stranger = str(Person.objects.create(first_name="Alex").pk)
        for to in ({"record_id": stranger}, {"person_id": stranger}, {"child_id": "NULL", "adult_id": adult}):
            with refused("a_likeness_stays_between_the_same_two"):
                change("casework_personmatch", match.pk, **to)
        with refused("a_likeness_is_of_a_child_or_an_adult"):
            copy("casework_personmatch", match.pk, person_id=stranger, adult_id=adult)
        with refused("a_likeness_is_of_a_child_or_an_adult"):
            copy("casework_personmatch", match.pk, person_id=stranger, child_id="NULL")
        with refused("a_likeness_is_of_two_records"):
            copy("casework_personmatch", match.pk, person_id=str(match.record_id))
        with allowed():
            copy("casework_personmatch", match.pk, person_id=stranger, child_id="NULL", adult_id=adult)

    @pytest.mark.parametrize("score", ["-0.01", "1.01"])
    def test_a_match_score_outside_0_to_1_is_refused(self, story: Story, score: str) -> None:
        with refused("a_likeness_is_from_0_to_1"):
            change("casework_personmatch", self.likeness(story).pk, score=score)

    def test_a_settled_match_without_who_or_when_is_refused(self, story: Story, amina: User) -> None:
        match = self.likeness(story)
        who, when = {"settled_by_id": str(amina.pk)}, {"settled_at": "now()"}
        by_itself: dict[str, str] = {"status": "'certain'"}
        wrong: list[dict[str, str]] = [
            {"status": "'confirmed'"}, {"status": "'rejected'"} | who, {"status": "'confirmed'"} | when, who,
            by_itself, by_itself | who | when,
        ]  # fmt: skip
        for said in wrong:
            with refused("a_settled_likeness_says_who_and_when"):
                change("casework_personmatch", match.pk, **said)
        with allowed():
            change("casework_personmatch", match.pk, status="'confirmed'", **who, **when)

    @staticmethod
    def likeness(story: Story) -> PersonMatch:
        """A child of a like name and the same birthday, without a number."""
        story.contact()
        story.contact(children=[child(first_name="Robyn", nhs_number=None)])
        return PersonMatch.objects.get(child__isnull=False)


class TestFiles:
    """A file stays as it came and where it is; it is checked once and removed once, and never deleted."""

    @pytest.fixture
    def file(self, story: Story) -> File:
        return put(story.contact(), story, picture())

    @pytest.fixture
    def on_draft(self, story: Story) -> File:
        task = Task("concern", {"a": ["b"]}, {"a"})
        contact_drafts.save(key="k", task=task, seen_version=0, by=person("amina"), now=story.now)
        return files.add_to_draft(key="k", stored=stored(), name="a.pdf", by=person("amina"), now=story.later())

    def test_a_file_on_no_record_or_on_two_is_refused(self, file: File, on_draft: File, story: Story) -> None:
        case = str(story.accepted().pk)
        like = {"key": "'another'", "idempotency_key": "NULL"}
        for wrong in ({"contact_id": "NULL"}, {"case_id": case}, {"draft": "'k'"}):
            with refused("a_file_is_on_one_record"):
                copy("casework_file", file.pk, **like, **wrong)
        with allowed():
            copy("casework_file", file.pk, **like)
            change("casework_file", on_draft.pk, draft="''", contact_id=str(file.contact_id))

    def test_a_kind_that_is_unknown_is_refused(self, file: File) -> None:
        with refused("a_file_is_of_a_known_kind"):
            copy("casework_file", file.pk, key="'another'", kind="'html'", has_preview="false")

    def test_an_empty_file_and_a_larger_one_than_20_megabytes_are_refused(self, file: File) -> None:
        for size in ("0", "20 * 1024 * 1024 + 1"):
            with refused("a_file_has_at_most_20_megabytes"):
                copy("casework_file", file.pk, key="'another'", size=size)
        with allowed():
            copy("casework_file", file.pk, key="'another'", size="20 * 1024 * 1024")

    def test_a_name_that_is_a_path_or_has_control_characters_is_refused(self, file: File) -> None:
        for name in ("'../a'", "'a\\b'", "E'a\\nb'", "E'\\x1b[31m'", "''"):
            with refused("the_name_of_a_file_is_no_path"):
                copy("casework_file", file.pk, key="'another'", name=name)
        with allowed():
            copy("casework_file", file.pk, key="'another'", name="'Élan vital (2).pdf'")

    def test_a_file_by_nobody_or_by_two_is_refused(self, file: File) -> None:
        agency = str(Agency.objects.all()[0].pk)
        for wrong in ({"by_user_id": "NULL"}, {"by_agency_id": agency}):
            with refused("a_file_says_who_put_it_there"):
                copy("casework_file", file.pk, key="'another'", **wrong)
        with allowed():
            copy("casework_file", file.pk, key="'another'", by_user_id="NULL", by_agency_id=agency)

    def test_a_file_that_was_checked_and_waits_for_it_is_refused(self, file: File) -> None:
        for wrong in ({"found": "'Eicar'"}, {"checked_at": "now()", "check_after": "now()"}):
            with refused("a_file_is_checked_once"):
                change("casework_file", file.pk, **wrong)

    def test_a_second_answer_of_the_scanner_and_a_second_removal_are_refused(self, file: File, story: Story) -> None:
        change("casework_file", file.pk, checked_at="now()", found="'Eicar'")
        for again in ({"found": "''"}, {"checked_at": "NULL", "found": "''"}):
            with refused("a_file_is_checked_and_removed_once"):
                change("casework_file", file.pk, **again)
        sam = str(person("sam").pk)
        change("casework_file", file.pk, removed_at="now()", removed_by_id=sam, removed_because="'Wrong family.'")
        for again in (
            {"removed_at": "NULL", "removed_by_id": "NULL", "removed_because": "''"},
            {"removed_because": "'Another.'"},
            {"removed_by_id": str(person("iris").pk)},
        ):
            with refused("a_file_is_checked_and_removed_once"):
                change("casework_file", file.pk, **again)

    def test_a_removal_by_nobody_or_without_a_reason_is_refused(self, file: File) -> None:
        said = {"removed_at": "now()", "removed_by_id": str(person("sam").pk), "removed_because": "'So.'"}
        for wrong in ({"removed_because": "' '"}, {"removed_by_id": "NULL"}, {"removed_at": "NULL"}):
            with refused("a_removed_file_says_who_and_why"):
                change("casework_file", file.pk, **(said | wrong))
        with allowed():
            change("casework_file", file.pk, **said)

    def test_a_picture_of_what_is_none_or_of_a_virus_is_refused(self, file: File, on_draft: File) -> None:
        with refused("only_a_picture_that_is_safe_is_looked_at"):
            change("casework_file", on_draft.pk, has_preview="true")
        with refused("only_a_picture_that_is_safe_is_looked_at"):
            change("casework_file", file.pk, has_preview="true", preview_after="NULL", checked_at="now()", found="'E'")
        with allowed():
            change("casework_file", file.pk, has_preview="true", preview_after="NULL")

    def test_an_agencys_key_is_refused_a_second_time(self, file: File) -> None:
        agency = {"by_user_id": "NULL", "by_agency_id": str(Agency.objects.all()[0].pk), "idempotency_key": "'one'"}
        copy("casework_file", file.pk, key="'another'", **agency)
        with refused("a_file_is_received_once"):
            copy("casework_file", file.pk, key="'a third'", **agency)

    def test_changing_what_came_or_moving_it_is_refused(self, file: File, story: Story) -> None:
        other = str(another_family(story).pk)
        for column, value in (
            ("key", "'another'"), ("name", "'b.pdf'"), ("about", "'Another'"), ("kind", "'jpeg'"), ("size", "7"),
            ("sha256", "'0'"), ("at", "now()"), ("by_user_id", str(person("sam").pk)), ("idempotency_key", "'k'"),
            ("contact_id", other),
        ):  # fmt: skip
            with refused("a_file_stays_as_it_came_and_where_it_is"):
                change("casework_file", file.pk, **{column: value})

    def test_deleting_a_file_of_a_record_is_refused(self, file: File, on_draft: File) -> None:
        with refused("a_file_of_a_record_is_never_deleted"):
            delete("casework_file", file.pk)
        with allowed():
            delete("casework_file", on_draft.pk)
        with refused("files_are_never_emptied"):
            run("TRUNCATE casework_file")


class TestDraftsOfContacts:
    """A draft is submitted or deleted once; then it holds nothing that was typed."""

    @pytest.fixture
    def draft(self, story: Story) -> ContactDraft:
        task = Task("concern", {"a": ["b"]}, {"a"})
        return contact_drafts.save(key="k", task=task, seen_version=0, by=person("amina"), now=story.now).draft

    def test_a_finished_draft_that_holds_typed_text_is_refused(self, story: Story, draft: ContactDraft) -> None:
        contact = str(story.contact().pk)
        for to in ({"contact_id": contact}, {"deleted_at": "now()"},
                   {"contact_id": contact, "deleted_at": "now()", "typed": "'{}'"}):  # fmt: skip
            with refused("a_draft_that_is_finished_holds_nothing_typed"):
                change("casework_contactdraft", draft.pk, **to)
        for to in ({"contact_id": contact, "typed": "'{}'"}, {"deleted_at": "now()", "typed": "'{}'"}):
            with allowed():
                change("casework_contactdraft", draft.pk, **to)

    def test_finishing_a_draft_twice_or_changing_its_key_is_refused(self, story: Story, draft: ContactDraft) -> None:
        with refused("a_draft_is_finished_once"):
            change("casework_contactdraft", draft.pk, key="'another'")
        change("casework_contactdraft", draft.pk, typed="'{}'", contact_id=str(story.contact().pk))
        for to in ({"contact_id": "NULL"}, {"typed": "'{\"a\": 1}'"}, {"version": "9"}):
            with refused("a_draft_is_finished_once"):
                change("casework_contactdraft", draft.pk, **to)


class TestPartnerChecks(GoesOnFromSharedStory):
    """An agency has one open request at a time. A request ends once, and says how, when and by whom."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        return settled(story, story.asked(story.contact()))

    @pytest.fixture
    def check(self, db: None, shared: SharedStory) -> PartnerCheck:
        return PartnerCheck.objects.get(pk=shared.about[0])

    def test_a_second_open_request_to_a_partner_is_refused(self, check: PartnerCheck, school: Agency) -> None:
        with refused("a_partner_is_asked_once_at_a_time"):
            copy("casework_partnercheck", check.pk, question="'And what of the father?'")
        with allowed():
            copy("casework_partnercheck", check.pk, agency_id=str(school.pk))
        with allowed():
            change("casework_partnercheck", check.pk, **self.ended("withdrawn"))
            copy("casework_partnercheck", check.pk, status="'asked'", ended_at="NULL", ended_by_id="NULL")

    def test_a_blank_question_is_refused(self, check: PartnerCheck, school: Agency) -> None:
        for question in ("''", "'  '", r"E'\n\t'"):
            with refused("a_partner_check_asks_something"):
                copy("casework_partnercheck", check.pk, agency_id=str(school.pk), question=question)

    def test_an_end_without_how_when_or_by_whom_is_refused(self, check: PartnerCheck) -> None:
        answered, withdrawn = self.ended("answered") | {"answer": "'Nothing.'"}, self.ended("withdrawn")
        for said in (
            *({column: value for column, value in answered.items() if column != left_out} for left_out in answered),
            *({column: value for column, value in withdrawn.items() if column != left_out} for left_out in withdrawn),
            answered | {"answer": "' '"},
            withdrawn | {"answer": "'Nothing.'"},
            withdrawn | {"status": "'lost'"},
            *({column: value} for column, value in answered.items()),
        ):
            with refused("a_partner_check_that_ended_says_how_when_and_by_whom"):
                change("casework_partnercheck", check.pk, **said)
        for said in (answered, withdrawn):
            with allowed():
                change("casework_partnercheck", check.pk, **said)

    def test_an_end_before_the_request_is_refused(self, check: PartnerCheck) -> None:
        with refused("a_partner_check_ends_after_it_is_asked"):
            before = {"ended_at": "asked_at - interval '1 microsecond'"}
            change("casework_partnercheck", check.pk, **self.ended("withdrawn") | before)

    @pytest.mark.parametrize("status", ["answered", "withdrawn"])
    def test_a_second_end_is_refused(self, check: PartnerCheck, status: str) -> None:
        how = self.ended(status) | ({"answer": "'Nothing.'"} if status == "answered" else {})
        change("casework_partnercheck", check.pk, **how)
        for to in (
            {"status": "'asked'", "ended_at": "NULL", "ended_by_id": "NULL", "answer": "''"},
            {"status": "'answered'", "answer": "'They know them well.'"},
            {"ended_at": "ended_at + interval '1 second'"},
            {"id": "id"},
        ):
            with refused("a_partner_check_ends_once"):
                change("casework_partnercheck", check.pk, **to)

    def test_rewriting_what_was_asked_is_refused(
        self, check: PartnerCheck, story: Story, school: Agency, ben: User
    ) -> None:
        other = another_family(story)
        for to in (
            {"contact_id": str(other.pk)}, {"agency_id": str(school.pk)}, {"question": "'Another.'"},
            {"asked_by_id": str(ben.pk)}, {"asked_at": "asked_at - interval '1 second'"}, {"key": "'k'"},
            {"child_ids": "'{1}'"},
        ):  # fmt: skip
            with refused("a_partner_check_ends_once"):
                change("casework_partnercheck", check.pk, **to)

    def test_deleting_a_partner_check_is_refused(self, check: PartnerCheck) -> None:
        with refused("a_partner_check_ends_once"):
            delete("casework_partnercheck", check.pk)
        with refused("partner_checks_are_never_emptied"):
            run("TRUNCATE casework_partnercheck CASCADE")

    def test_an_agency_answers_only_what_it_reads_in_its_system(self, check: PartnerCheck, school: Agency) -> None:
        answered = self.ended("answered") | {"answer": "'Nothing.'", "ended_by_id": "NULL", "agency_id": str(school.pk)}
        with refused("a_partner_check_that_ended_says_how_when_and_by_whom"):
            copy("casework_partnercheck", check.pk, **answered)
        with allowed():
            copy("casework_partnercheck", check.pk, **answered, key="'k'")

    def test_a_reply_says_who_and_what_and_stays(self, check: PartnerCheck, story: Story, police: Agency) -> None:
        reply = PartnerReply.objects.create(
            partner_check=check, at=story.now, by_agency=police, kind="answer", text="So.", idempotency_key="k"
        )
        with refused("a_reply_uses_an_idempotency_key_once"):
            copy("casework_partnerreply", reply.pk)
        another = {"idempotency_key": "NULL"}
        staff = {"by_agency_id": "NULL", "by_user_id": str(check.asked_by_id)}
        for wrong in ({"by_agency_id": "NULL"}, {"by_user_id": staff["by_user_id"]}, {"kind": "'told'"}, staff):
            with refused("a_reply_says_who_replied"):
                copy("casework_partnerreply", reply.pk, **another | wrong)
        for kind in ("answer", "asks_back"):
            with refused("a_reply_says_something"):
                copy("casework_partnerreply", reply.pk, **another, text="' '", kind=f"'{kind}'")
        with allowed():
            copy("casework_partnerreply", reply.pk, **another, text="''", kind="'nothing_known'")
            copy("casework_partnerreply", reply.pk, **another, **staff, kind="'told'")
        with refused("a_reply_stays"):
            change("casework_partnerreply", reply.pk, text="'Another.'")
        with refused("a_reply_stays"):
            delete("casework_partnerreply", reply.pk)
        with refused("a_reply_stays_all"):
            run("TRUNCATE casework_partnerreply")

    @staticmethod
    def ended(status: str) -> dict[str, str]:
        return {"status": f"'{status}'", "ended_at": "asked_at", "ended_by_id": "asked_by_id"}


class TestHandovers(GoesOnFromSharedStory):
    """A contact has one open handover at a time, and a named person takes it on."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        contact = story.contact(at=story.later(hours=-3), children=[child(indicators=["L4-01"])])
        by, note = person("erin"), "The mother answers after eight."
        return settled(story, contact_handovers.hand_over(contact_id=contact.pk, note=note, by=by, now=story.later()))

    @pytest.fixture
    def handover(self, db: None, shared: SharedStory) -> ContactHandover:
        """A handover from emergency duty to the day team that nobody has taken on yet."""
        return ContactHandover.objects.get(pk=shared.about[0])

    def test_a_second_open_handover_is_refused(self, handover: ContactHandover) -> None:
        with refused("a_contact_is_handed_over_once_at_a_time"):
            copy("casework_contacthandover", handover.pk)
        for ended in ({"lapsed_at": "passed_at"}, self.taken_on()):
            with allowed():
                copy("casework_contacthandover", handover.pk, **ended)

    def test_a_handover_cannot_be_both_taken_on_and_lapsed(self, handover: ContactHandover) -> None:
        with refused("a_contact_is_taken_on_or_its_handover_lapses"):
            change("casework_contacthandover", handover.pk, lapsed_at="passed_at", **self.taken_on())
        for ended in ({"lapsed_at": "passed_at"}, self.taken_on()):
            with allowed():
                change("casework_contacthandover", handover.pk, **ended)

    def test_a_handover_to_the_same_team_is_refused(self, handover: ContactHandover) -> None:
        with refused("a_contact_is_handed_over_to_another_team"):
            copy("casework_contacthandover", handover.pk, to_team_id="from_team_id", lapsed_at="passed_at")

    def test_a_person_must_leave_a_note_and_the_service_none(self, handover: ContactHandover) -> None:
        for but in ({"note": "''"}, {"note": r"E' \n'"}, {"passed_by_id": "NULL"}):
            with refused("who_hands_a_contact_over_leaves_a_note"):
                copy("casework_contacthandover", handover.pk, lapsed_at="passed_at", **but)
        with allowed():
            copy("casework_contacthandover", handover.pk, lapsed_at="passed_at", note="''", passed_by_id="NULL")

    def test_taking_on_without_who_or_when_or_too_early_is_refused(self, handover: ContactHandover) -> None:
        taken_on = self.taken_on()
        for said in (
            *({column: value for column, value in taken_on.items() if column != left_out} for left_out in taken_on),
            taken_on | {"taken_on_at": "passed_at - interval '1 microsecond'"},
        ):
            with refused("who_takes_a_contact_on_has_a_name"):
                change("casework_contacthandover", handover.pk, **said)

    def test_a_second_end_is_refused(self, handover: ContactHandover, story: Story, maya: User) -> None:
        """A handover that lapsed is not taken on either."""
        lapsed = copy("casework_contacthandover", handover.pk, lapsed_at="passed_at")
        contact_handovers.take_on(contact_id=handover.contact_id, by=maya, now=story.later())
        for pk in (handover.pk, lapsed):
            for to in (
                {"taken_on_at": "now()", "taken_on_by_id": "passed_by_id", "lapsed_at": "NULL"},
                {"taken_on_at": "NULL", "taken_on_by_id": "NULL", "lapsed_at": "NULL"},
                {"id": "id"},
            ):
                with refused("a_contact_is_taken_on_once"):
                    change("casework_contacthandover", pk, **to)

    def test_rewriting_what_was_handed_over_is_refused(
        self, handover: ContactHandover, story: Story, maya: User
    ) -> None:
        other = another_family(story)
        aylesbury = str(story.team("aylesbury").pk)
        for to in (
            {"contact_id": str(other.pk)}, {"from_team_id": aylesbury}, {"to_team_id": aylesbury},
            {"note": "'Another.'"}, {"passed_at": "passed_at - interval '1 second'"},
            {"passed_by_id": str(maya.pk)},
        ):  # fmt: skip
            with refused("a_contact_is_taken_on_once"):
                change("casework_contacthandover", handover.pk, **to)

    def test_deleting_a_handover_is_refused(self, handover: ContactHandover) -> None:
        with refused("a_contact_is_taken_on_once"):
            delete("casework_contacthandover", handover.pk)
        with refused("handovers_of_contacts_are_never_emptied"):
            run("TRUNCATE casework_contacthandover")

    @staticmethod
    def taken_on() -> dict[str, str]:
        return {"taken_on_at": "passed_at", "taken_on_by_id": "passed_by_id"}


class TestCases(GoesOnFromSharedStory):
    """A closed case says who closed it, when and with which outcome. An open case says none of these."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        return settled(story, story.accepted())

    @pytest.fixture
    def case(self, db: None, shared: SharedStory) -> Case:
        return Case.objects.get(pk=shared.about[0])

    def test_closing_without_who_when_or_outcome_is_refused(self, case: Case, ben: User) -> None:
        closing = {"closed_at": "opened_at + '1 day'", "closed_by_id": str(ben.pk), "outcome": "'needs_met'"}
        for left_out in closing:
            with refused("a_closed_case_says_who_when_and_with_what_outcome"):
                said = {column: value for column, value in closing.items() if column != left_out}
                change("casework_case", case.pk, status="'closed'", **said)
        for column, value in closing.items():
            with refused("a_closed_case_says_who_when_and_with_what_outcome"):
                change("casework_case", case.pk, **{column: value})

    def test_closing_before_opening_is_refused(self, case: Case, ben: User) -> None:
        with refused("a_case_closes_after_it_opens"):
            change(
                "casework_case", case.pk, status="'closed'", outcome="'needs_met'", closed_by_id=str(ben.pk),
                closed_at="opened_at - interval '1 microsecond'",
            )  # fmt: skip

    def test_reopening_a_case_is_refused(self, case: Case, story: Story) -> None:
        story.closed(case)
        for to in (
            {"status": "'open'", "closed_at": "NULL", "closed_by_id": "NULL", "outcome": "''"},
            {"outcome": "'no_progress'"},
            {"closing_summary": "'They were fine.'"},
            {"id": "id"},
        ):
            with refused("a_closed_case_stays_closed"):
                change("casework_case", case.pk, **to)

    def test_deleting_a_case_is_refused(self, case: Case, story: Story) -> None:
        with refused("a_closed_case_stays_closed"):
            delete("casework_case", case.pk)
        story.closed(case)
        with refused("a_closed_case_stays_closed"):
            delete("casework_case", case.pk)

    def test_emptying_the_table_is_refused(self, case: Case) -> None:
        with refused("cases_are_never_emptied"):
            run("TRUNCATE casework_case CASCADE")

    def test_a_child_twice_in_a_case_is_refused(self, case: Case) -> None:
        row = CaseChild.objects.get(case=case)
        with refused("a_child_is_in_a_case_once"):
            copy("casework_casechild", row.pk)

    def test_a_milestone_recorded_before_it_happened_is_refused(self, case: Case, story: Story, ben: User) -> None:
        at = story.now
        cases.record_milestone(case_id=case.pk, kind="first_family_contact", at=at, by=ben, now=story.later())
        milestone = Milestone.objects.get(case=case)
        with refused("a_milestone_is_recorded_after_it_happened"):
            change("casework_milestone", milestone.pk, at="recorded_at + interval '1 microsecond'")
        with allowed():
            change("casework_milestone", milestone.pk, at="recorded_at")


APPEND_ONLY = [
    (AuditEvent, "at", "an_audit_event_never_changes", "an_audit_event_never_changes_all"),
    (Recommendation, "made_at", "a_recommendation_never_changes", "a_recommendation_never_changes_all"),
    (Decision, "decided_at", "a_decision_never_changes", "a_decision_never_changes_all"),
    (SignOff, "at", "a_sign_off_never_changes", "a_sign_off_never_changes_all"),
    (StatusChange, "at", "a_status_change_never_changes", "a_status_change_never_changes_all"),
    (Reminder, "created_at", "a_reminder_never_changes", "a_reminder_never_changes_all"),
    (Recheck, "at", "a_recheck_never_changes", "a_recheck_never_changes_all"),
    (ClockChange, "at", "a_clocks_change_stays", "a_clocks_change_stays_all"),
    (RuleSetReason, "at", "why_a_rule_set_came_back_stays", "why_a_rule_set_came_back_stays_all"),
    (ReminderLook, "at", "a_look_at_a_reminder_stays", "a_look_at_a_reminder_stays_all"),
]


@pytest.fixture(scope="class")
def written_once(told_for_a_class: None) -> None:
    """A row of each of these models."""
    story, maya = Story(THURSDAY), person("maya")
    contact = story.contact()
    clock = contact.clocks.get(kind="next_step_decision")
    sweep.sweep(now=clock.due_at)
    reminders.see(reminder_id=clock.reminders.get(step="breach").pk, by=maya, now=clock.due_at)
    extended(clock, by=maya)
    rechecks.recheck(now=story.now)
    RuleSetReason.objects.create(rule_set=latest(), kind="sent_back", by=maya, at=story.now, reason="Too soon.")
    waiting(story, contact)
    story.signed_off(contact)
    settle()


class TestWhatIsWrittenOnce:
    @pytest.mark.usefixtures("written_once")
    @pytest.mark.parametrize(("model", "moment", "changes", "emptied"), APPEND_ONLY)
    def test_changing_deleting_and_emptying_are_refused(
        self, model: type[Model], moment: str, changes: str, emptied: str
    ) -> None:
        """These rows cannot be updated, deleted or truncated."""
        table = model._meta.db_table
        ((row,),) = run(f"SELECT min(id) FROM {table}")
        with refused(changes):
            change(table, row, **{moment: f"{moment} + interval '1 second'"})
        with refused(changes):
            change(table, row, id="id")
        with refused(changes):
            columns = ", ".join(f'"{column}"' for column in columns_of(table))
            again = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}"
            run(f"{again} ON CONFLICT (id) DO UPDATE SET {moment} = now()")
        with refused(changes):
            delete(table, row)
        with refused(emptied):
            run(f"TRUNCATE {table} CASCADE")


@pytest.mark.django_db
class TestAgencyEvents:
    def test_each_is_of_a_known_kind_and_has_a_number_of_its_own(self, story: Story) -> None:
        for name in ("Robin", "Kim"):
            story.contact(at=timezone.now(), children=[child(first_name=name, nhs_number=None)])
        with refused("an_event_is_of_a_known_kind"):
            run("UPDATE casework_agencyevent SET kind = 'contact.lost'")
        with refused("an_event_has_a_number_of_its_own"):
            run("UPDATE casework_agencyevent SET number = 1")


@pytest.mark.django_db
class TestWebhooks:
    def test_addresses_and_what_is_sent_there(self, story: Story) -> None:
        contact = story.contact(at=timezone.now())
        ends = [
            WebhookEndpoint.objects.create(agency_id=contact.agency_id or 0, url=f"https://a.example/{n}", secret="x")
            for n in range(2)
        ]
        agency_events.number()
        with refused("an_agency_has_an_address_for_events_once"):
            run("UPDATE casework_webhookendpoint SET url = 'https://a.example/'")
        with refused("a_webhook_is_signed_in_a_known_way"):
            run("UPDATE casework_webhookendpoint SET signs_with = 'ink'")
        with refused("an_old_secret_ends"):
            run("UPDATE casework_webhookendpoint SET old_secret = 'x'")
        with refused("what_was_delivered_is_not_sent_again"):
            run("UPDATE casework_webhookdelivery SET delivered_at = now()")
        with refused("an_event_is_sent_to_an_address_once"):
            run("UPDATE casework_webhookdelivery SET endpoint_id = %s", ends[0].pk)


class TestTheRecord:
    def test_an_audit_event_without_its_actor_is_refused(self, story: Story, amina: User, school: Agency) -> None:
        story.decided(story.contact())
        by_user = AuditEvent.objects.filter(actor="user")[0].pk
        by_agency = AuditEvent.objects.filter(actor="agency")[0].pk
        for pk, but in (
            (by_user, {"by_user_id": "NULL"}),
            (by_user, {"by_agency_id": str(school.pk)}),
            (by_user, {"actor": "'system'"}),
            (by_user, {"actor": "'somebody'"}),
            (by_agency, {"by_agency_id": "NULL"}),
            (by_agency, {"by_user_id": str(amina.pk)}),
        ):
            with refused("an_audit_event_says_who"):
                copy("casework_auditevent", pk, **but)
        with allowed():
            copy("casework_auditevent", by_user, actor="'system'", by_user_id="NULL")

    def test_a_status_change_about_nothing_or_about_two_things_is_refused(
        self, story: Story, police: Agency, amina: User
    ) -> None:
        contact = story.contact()
        check = story.asked(contact, at=story.now)
        case = story.accepted(contact)
        of_contact = StatusChange.objects.filter(contact__isnull=False)[0].pk
        of_handoff = StatusChange.objects.filter(handoff__isnull=False)[0].pk
        of_check = StatusChange.objects.get(partner_check=check).pk
        for pk, subject in ((of_contact, "contact_id"), (of_check, "partner_check_id")):
            with refused("a_status_change_has_one_subject"):
                copy("casework_statuschange", pk, **{subject: "NULL"})
        for pk in (of_contact, of_handoff, of_check):
            with refused("a_status_change_has_one_subject"):
                copy("casework_statuschange", pk, case_id=str(case.pk))
        for pk in (of_contact, of_handoff):
            with refused("a_status_change_has_one_subject"):
                copy("casework_statuschange", pk, partner_check_id=str(check.pk))


class TestClocks:
    def test_a_clock_about_nothing_or_about_two_things_is_refused(
        self, story: Story, police: Agency, amina: User
    ) -> None:
        contact = story.contact()
        check = story.asked(contact, at=story.now)
        handoff = story.offered(contact)
        clock = handoff.clocks.get()
        for to in (
            {"handoff_id": "NULL"},
            {"case_id": str(handoff.case_id)},
            {"contact_id": str(Contact.objects.get().pk)},
            {"partner_check_id": str(check.pk)},
            {"contact_id": str(Contact.objects.get().pk), "case_id": str(handoff.case_id), "handoff_id": "NULL"},
        ):
            with refused("a_clock_has_one_subject"):
                copy("casework_clock", clock.pk, **to)
            with refused("a_clock_never_restarts"):
                change("casework_clock", clock.pk, **to)

    def test_a_stop_without_when_or_why_is_refused(self, story: Story) -> None:
        clock = story.contact().clocks.get(kind="next_step_decision")
        for to in ({"stopped_at": "started_at"}, {"ended": "'done'"}):
            with refused("a_stopped_clock_says_when_and_why"):
                change("casework_clock", clock.pk, **to)

    def test_a_stop_before_the_start_is_refused(self, story: Story) -> None:
        clock = story.contact().clocks.get(kind="next_step_decision")
        with refused("a_clock_stops_after_it_starts"):
            change("casework_clock", clock.pk, ended="'done'", stopped_at="started_at - interval '1 microsecond'")
        with allowed():
            change("casework_clock", clock.pk, ended="'done'", stopped_at="started_at")

    def test_moments_out_of_order_are_refused(self, story: Story) -> None:
        clock = story.contact().clocks.get(kind="next_step_decision")
        for to in (
            {"warn_at": "due_at + interval '1 microsecond'"},
            {"due_at": "warn_at - interval '1 microsecond'"},
            {"due_at": "escalate_at + interval '1 microsecond'"},
        ):
            with refused("a_clock_warns_then_is_due_then_escalates"):
                change("casework_clock", clock.pk, **to)

    def test_two_running_clocks_of_a_kind_are_refused(self, story: Story, police: Agency, amina: User) -> None:
        handoff = story.offered(another_family(story))
        check = story.asked(story.contact(at=story.later()), at=story.now)
        strategy = story.offered(story.contact(children=[child(indicators=["L4-01"])]), by="maya")
        for pk, name in (
            (Clock.objects.running().filter(contact=handoff.case.contacts.get())[0].pk,
             "a_contact_has_one_running_clock_of_a_kind"),
            (strategy.case.clocks.get(kind="strategy_discussion").pk, "a_case_has_one_running_clock_of_a_kind"),
            (handoff.clocks.get().pk, "a_handoff_has_one_running_clock_of_a_kind"),
            (check.clocks.get().pk, "a_partner_check_has_one_running_clock_of_a_kind"),
        ):  # fmt: skip
            with refused(name):
                copy("casework_clock", pk)
            with allowed():
                copy("casework_clock", pk, kind="'another_kind'")
            with allowed():
                change("casework_clock", pk, stopped_at="due_at", ended="'replaced'", next_at="NULL")
                copy("casework_clock", pk, stopped_at="NULL", ended="''")

    def test_restarting_a_clock_is_refused(self, story: Story) -> None:
        contact = story.contact()
        running = contact.clocks.get(kind="next_step_decision")
        with refused("a_clock_never_restarts"):
            change("casework_clock", running.pk, started_at="started_at + interval '1 microsecond'")
        story.decided(contact)
        for to in ({"stopped_at": "NULL", "ended": "''"}, {"stopped_at": "due_at"}, {"next_at": "now()"}):
            with refused("a_clock_never_restarts"):
                change("casework_clock", running.pk, **to)

    def test_deleting_a_clock_is_refused(self, story: Story) -> None:
        contact = story.contact()
        with refused("a_clock_never_restarts"):
            delete("casework_clock", contact.clocks.all()[0].pk)
        settle()
        with pytest.raises(NotSupportedError), transaction.atomic():
            run("TRUNCATE casework_clock")
        with refused("a_reminder_never_changes_all"):
            run("TRUNCATE casework_clock CASCADE")

    def test_the_sweep_may_set_the_next_step(self, story: Story) -> None:
        clock = story.contact().clocks.get(kind="next_step_decision")
        with allowed():
            change("casework_clock", clock.pk, next_at="due_at")

    def test_a_next_step_while_paused_is_refused(self, story: Story) -> None:
        """A stopped clock cannot be paused either."""
        clock = story.contact().clocks.get(kind="final_decision_green")
        paused = {"paused_at": "started_at", "next_at": "NULL"}
        for to in (
            {"paused_at": "started_at"},
            paused | {"next_at": "due_at"},
            paused | {"stopped_at": "due_at", "ended": "'done'"},
        ):
            with refused("nobody_looks_at_a_paused_clock"):
                change("casework_clock", clock.pk, **to)
        with allowed():
            change("casework_clock", clock.pk, **paused)
            change("casework_clock", clock.pk, paused_at="NULL", next_at="due_at")


class TestClockChanges:
    """A change of a clock has a reason, and its record never changes."""

    @pytest.fixture
    def change_of_clock(self, story: Story, maya: User) -> ClockChange:
        return extended(story.contact().clocks.get(kind="next_step_decision"), by=maya)

    @pytest.mark.parametrize("reason", ["''", "'   '", r"E'\n\t '"])
    def test_a_change_without_a_reason_is_refused(self, change_of_clock: ClockChange, reason: str) -> None:
        with refused("a_clock_changes_for_a_reason"):
            copy("casework_clockchange", change_of_clock.pk, reason=reason)

    @pytest.mark.parametrize("earlier", ["due_before", "due_before - interval '1 second'"])
    def test_an_extension_that_is_not_later_is_refused(self, change_of_clock: ClockChange, earlier: str) -> None:
        with refused("an_extended_clock_is_due_later"):
            copy("casework_clockchange", change_of_clock.pk, due_after=earlier)
        with allowed():
            copy("casework_clockchange", change_of_clock.pk, due_after=earlier, kind="'resumed'")

    def test_only_a_recomputed_clock_has_a_calendar_edit(
        self, change_of_clock: ClockChange, story: Story, adele: User
    ) -> None:
        edit = str(calendar_edit(story, adele).pk)
        with refused("a_clock_is_computed_again_for_an_edit_of_the_calendar"):
            copy("casework_clockchange", change_of_clock.pk, kind="'recomputed'")
        for kind in ("paused", "resumed", "extended"):
            with refused("a_clock_is_computed_again_for_an_edit_of_the_calendar"):
                copy("casework_clockchange", change_of_clock.pk, kind=f"'{kind}'", edit_id=edit)
        with allowed():
            copy("casework_clockchange", change_of_clock.pk, kind="'recomputed'", edit_id=edit)


class TestCalendarEdits:
    """The record of an edit of the calendar never changes, except that it is finished once."""

    @pytest.fixture
    def edit(self, story: Story, adele: User) -> CalendarEdit:
        return calendar_edit(story, adele)

    def test_an_edit_that_changes_nothing_is_refused(self, edit: CalendarEdit) -> None:
        for but in ({"after": "before"}, {"before": "after"}):
            with refused("an_edit_of_the_calendar_changes_a_day"):
                copy("casework_calendaredit", edit.pk, **but)
        with allowed():
            copy("casework_calendaredit", edit.pk, before="'bank_holiday'")

    def test_rewriting_an_edit_is_refused(self, edit: CalendarEdit, ben: User) -> None:
        for to in (
            {"date": "date + 1"}, {"before": "'bank_holiday'"}, {"after": "'bank_holiday'"},
            {"at": "at + interval '1 second'"}, {"by_id": str(ben.pk)},
        ):  # fmt: skip
            with refused("an_edit_of_the_calendar_stays"):
                change("casework_calendaredit", edit.pk, **to)
        with allowed():
            change("casework_calendaredit", edit.pk, looked_at="500", up_to="1000")
            change("casework_calendaredit", edit.pk, finished_at="now()")

    def test_changing_a_finished_edit_is_refused(self, edit: CalendarEdit) -> None:
        change("casework_calendaredit", edit.pk, finished_at="at")
        for to in ({"finished_at": "NULL"}, {"finished_at": "now()"}, {"up_to": "0"}, {"looked_at": "1"}):
            with refused("an_edit_of_the_calendar_stays"):
                change("casework_calendaredit", edit.pk, **to)

    def test_deleting_an_edit_is_refused(self, edit: CalendarEdit) -> None:
        with refused("an_edit_of_the_calendar_stays"):
            delete("casework_calendaredit", edit.pk)
        with refused("edits_of_the_calendar_are_never_emptied"):
            run("TRUNCATE casework_calendaredit CASCADE")


class TestReminders:
    """A clock has one reminder for each step."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        clock = story.contact().clocks.get(kind="next_step_decision")
        sweep.sweep(now=clock.warn_at)
        return settled(story, Reminder.objects.get(clock=clock))

    @pytest.fixture
    def reminder(self, db: None, shared: SharedStory) -> Reminder:
        return Reminder.objects.get(pk=shared.about[0])

    def test_a_second_reminder_of_a_step_is_refused(self, reminder: Reminder) -> None:
        with refused("a_clock_reminds_of_a_step_once"):
            copy("casework_reminder", reminder.pk, created_at="created_at + interval '1 day'")
        with allowed():
            copy("casework_reminder", reminder.pk, step="'breach'")

    def test_a_reminder_to_nobody_or_to_two_recipients_is_refused(self, reminder: Reminder, amina: User) -> None:
        for but in (
            {"team_id": "NULL"},
            {"user_id": str(amina.pk)},
            {"user_id": str(amina.pk), "team_id": "NULL", "role": "'team_lead'"},
        ):
            with refused("a_reminder_goes_to_a_person_a_role_or_a_team"):
                copy("casework_reminder", reminder.pk, step="'breach'", **but)
        for fine in (
            {"user_id": str(amina.pk), "team_id": "NULL"},
            {"role": "'team_lead'"},
            {"role": "'service_manager'", "team_id": "NULL"},
        ):
            with allowed():
                copy("casework_reminder", reminder.pk, step="'breach'", **fine)

    @pytest.fixture
    def look(self, reminder: Reminder, amina: User) -> ReminderLook:
        reminders.see(reminder_id=reminder.pk, by=amina, now=reminder.created_at)
        return ReminderLook.objects.get(reminder=reminder)

    def test_a_second_first_look_is_refused(self, look: ReminderLook, maya: User) -> None:
        with refused("somebody_sees_a_reminder_for_the_first_time_once"):
            copy("casework_reminderlook", look.pk, at="at + interval '1 day'")
        with allowed():
            copy("casework_reminderlook", look.pk, user_id=str(maya.pk))
        with allowed():
            for hours in "12":
                until = f"at + interval '{hours} hours'"
                copy("casework_reminderlook", look.pk, snoozed_until=until, reason="'The mother rings at noon.'")

    def test_a_snooze_without_a_reason_or_a_later_time_is_refused(self, look: ReminderLook) -> None:
        why, until = {"reason": "'The mother rings at noon.'"}, {"snoozed_until": "at + interval '1 hour'"}
        for but in (
            why,
            until,
            until | {"reason": r"E' \n'"},
            why | {"snoozed_until": "at"},
            why | {"snoozed_until": "at - interval '1 microsecond'"},
        ):
            with refused("a_reminder_is_snoozed_for_a_reason_until_later"):
                copy("casework_reminderlook", look.pk, **but)


class TestOutbox:
    """An outbox message is never sent again after it was marked sent."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        return settled(story, story.contact())

    @pytest.fixture
    def message(self, db: None, shared: SharedStory) -> OutboxMessage:
        return OutboxMessage.objects.get(contact=shared.about[0])

    def test_changing_a_sent_message_is_refused(self, message: OutboxMessage) -> None:
        change("casework_outboxmessage", message.pk, sent_at="not_before")
        for to in (
            {"sent_at": "NULL"},
            {"sent_at": "sent_at + interval '1 second'"},
            {"leased_until": "now()"},
            {"attempts": "attempts + 1"},
            {"to": "'somebody@else.example'"},
        ):
            with refused("a_sent_message_is_never_sent_again"):
                change("casework_outboxmessage", message.pk, **to)

    def test_deleting_a_message_is_refused(self, message: OutboxMessage) -> None:
        """A message is never deleted, whether or not it was sent."""
        with refused("a_sent_message_is_never_sent_again"):
            delete("casework_outboxmessage", message.pk)
        change("casework_outboxmessage", message.pk, sent_at="not_before")
        with refused("a_sent_message_is_never_sent_again"):
            delete("casework_outboxmessage", message.pk)

    def test_emptying_the_table_is_refused(self, message: OutboxMessage) -> None:
        with refused("messages_are_never_emptied"):
            run("TRUNCATE casework_outboxmessage")

    def test_marking_a_message_sent_is_accepted(self, message: OutboxMessage) -> None:
        with allowed():
            change("casework_outboxmessage", message.pk, attempts="1", leased_until="now()")
            change("casework_outboxmessage", message.pk, sent_at="now()", leased_until="NULL")

    def test_two_messages_with_one_key_are_refused(self, message: OutboxMessage) -> None:
        with refused("a_message_is_written_once"):
            copy("casework_outboxmessage", message.pk)
        with allowed():
            copy("casework_outboxmessage", message.pk, idempotency_key="'another'")

    def test_a_message_both_sent_and_parked_is_refused(self, message: OutboxMessage) -> None:
        with refused("a_sent_message_is_not_parked"):
            change("casework_outboxmessage", message.pk, sent_at="now()", parked_at="now()")

    def test_sending_before_writing_is_refused(self, message: OutboxMessage) -> None:
        with refused("a_message_goes_out_after_it_is_written"):
            change("casework_outboxmessage", message.pk, not_before="created_at - interval '1 microsecond'")

    def test_dropping_an_unparked_message_or_without_who_when_or_why_is_refused(
        self, message: OutboxMessage, sam: User
    ) -> None:
        dropped = {
            "parked_at": "not_before",
            "dropped_at": "not_before",
            "dropped_by_id": str(sam.pk),
            "drop_reason": "'They were told by telephone.'",
        }
        for said in (
            *({column: value for column, value in dropped.items() if column != left_out} for left_out in dropped),
            dropped | {"drop_reason": r"E' \n'"},
        ):
            with refused("a_dropped_message_was_parked_and_says_who_and_why"):
                change("casework_outboxmessage", message.pk, **said)
        with allowed():
            change("casework_outboxmessage", message.pk, **dropped)

    def test_changing_a_dropped_message_is_refused(self, message: OutboxMessage, sam: User) -> None:
        change(
            "casework_outboxmessage", message.pk, parked_at="not_before", dropped_at="not_before",
            dropped_by_id=str(sam.pk), drop_reason="'They were told by telephone.'",
        )  # fmt: skip
        for to in (
            {"dropped_at": "NULL", "dropped_by_id": "NULL", "drop_reason": "''", "parked_at": "NULL"},
            {"drop_reason": "'Another.'"},
            {"attempts": "0"},
            {"sent_at": "now()", "parked_at": "NULL"},
        ):
            with refused("a_dropped_message_stays_dropped"):
                change("casework_outboxmessage", message.pk, **to)


@pytest.mark.django_db
class TestClockPolicies:
    @pytest.fixture
    def policy(self) -> ClockPolicy:
        return ClockPolicy.objects.get(kind="next_step_decision")

    def test_two_policies_of_a_clock_from_one_day_are_refused(self, policy: ClockPolicy) -> None:
        with refused("a_clock_has_one_policy_from_a_day"):
            copy("casework_clockpolicy", policy.pk, limit="2")
        with allowed():
            copy("casework_clockpolicy", policy.pk, limit="2", effective_from="effective_from + 1")

    def test_a_limit_outside_1_to_10000_is_refused(self, policy: ClockPolicy) -> None:
        for limit in ("0", "10001"):
            with refused("a_clock_runs_for_at_least_one_unit"):
                change("casework_clockpolicy", policy.pk, limit=limit)
        for limit in ("1", "10000"):
            with allowed():
                change("casework_clockpolicy", policy.pk, limit=limit)

    @pytest.mark.parametrize("share", ["0", "1", "-0.1", "1.5", "'NaN'"])
    def test_a_warning_outside_the_clocks_time_is_refused(self, policy: ClockPolicy, share: str) -> None:
        with refused("a_clock_warns_between_its_start_and_its_end"):
            change("casework_clockpolicy", policy.pk, warn_at_share=share)

    def test_hours_that_end_with_the_day_are_refused(self, policy: ClockPolicy) -> None:
        with refused("hours_end_at_a_time"):
            change("casework_clockpolicy", policy.pk, unit="'hour'", ends="'end_of_day'")

    @pytest.mark.parametrize("kind", ["next_step_decision", "final_decision_red", "handoff_acceptance"])
    def test_pausing_is_refused_except_for_local_deadlines_of_contacts_in_days(self, kind: str) -> None:
        with refused("only_local_promises_about_contacts_pause"):
            change("casework_clockpolicy", ClockPolicy.objects.get(kind=kind).pk, may_pause="true")
        with allowed():
            change("casework_clockpolicy", ClockPolicy.objects.get(kind="agreement_sought").pk, may_pause="true")

    def test_changing_a_policy_that_a_clock_started_under_is_refused(self, policy: ClockPolicy, story: Story) -> None:
        with allowed():
            change("casework_clockpolicy", policy.pk, limit="2")
        with allowed():
            delete("casework_clockpolicy", policy.pk)
        story.contact()
        with refused("a_policy_that_clocks_started_under_stays"):
            change("casework_clockpolicy", policy.pk, limit="2")
        with refused("a_policy_that_clocks_started_under_stays"):
            delete("casework_clockpolicy", policy.pk)
        with allowed():
            copy("casework_clockpolicy", policy.pk, limit="2", effective_from="'2027-01-01'")


@pytest.mark.django_db
class TestPeopleTeamsAndPlaces:
    """People and places: nothing is claimed twice, and no period ends before it starts."""

    def test_one_prefix_in_two_localities_on_a_day_is_refused(self) -> None:
        catchment = Catchment.objects.select_related("locality")[0]
        other = str(Locality.objects.exclude(pk=catchment.locality_id)[0].pk)
        with refused("a_prefix_belongs_to_one_locality_on_a_day"):
            copy("localities_catchment", catchment.pk, locality_id=other)
        change("localities_catchment", catchment.pk, period="daterange('2020-01-01', '2026-04-01')")
        with refused("a_prefix_belongs_to_one_locality_on_a_day"):
            copy("localities_catchment", catchment.pk, locality_id=other, period="daterange('2026-03-31', NULL)")
        with allowed():
            copy("localities_catchment", catchment.pk, locality_id=other, period="daterange('2026-04-01', NULL)")

    def test_a_catchment_of_no_days_is_refused(self) -> None:
        catchment = Catchment.objects.all()[0]
        with refused("a_catchment_lasts_at_least_a_day"):
            change("localities_catchment", catchment.pk, period="daterange('2026-04-01', '2026-04-01')")
        with pytest.raises(DataError), transaction.atomic():
            change("localities_catchment", catchment.pk, period="daterange('2026-04-01', '2026-03-31')")
        with allowed():
            change("localities_catchment", catchment.pk, period="daterange('2026-04-01', '2026-04-02')")

    def test_hours_that_close_before_they_open_are_refused(self) -> None:
        hours = HubHours.objects.all()[0]
        for closes in ("opens", "opens - interval '1 hour'"):
            with refused("the_hub_closes_after_it_opens"):
                change("localities_hubhours", hours.pk, closes=closes)

    def test_a_team_role_needs_a_team_and_a_service_role_has_none(self, ben: User, sam: User) -> None:
        lead, manager = Membership.objects.get(user=ben), Membership.objects.get(user=sam)
        with refused("a_team_role_has_a_team_and_a_service_role_has_none"):
            change("localities_membership", lead.pk, team_id="NULL")
        with refused("a_team_role_has_a_team_and_a_service_role_has_none"):
            change("localities_membership", manager.pk, team_id=str(lead.team_id))

    def test_a_membership_that_ends_before_it_starts_is_refused(self, ben: User) -> None:
        lead = Membership.objects.get(user=ben)
        with refused("a_membership_ends_after_it_starts"):
            change("localities_membership", lead.pk, starts_on="'2026-04-02'", ends_on="'2026-04-01'")
        for starts, ends in (("'2026-04-02'", "'2026-04-02'"), ("NULL", "'2026-04-01'"), ("'2026-04-02'", "NULL")):
            with allowed():
                change("localities_membership", lead.pk, starts_on=starts, ends_on=ends)

    def test_a_role_held_twice_is_refused(self, ben: User, sam: User) -> None:
        """The role is in a team, or in the whole service, where the team is null."""
        for user in (ben, sam):
            with refused("a_person_has_a_role_in_a_team_once"):
                copy("localities_membership", Membership.objects.get(user=user).pk)

    def test_only_a_locality_team_has_a_locality(self) -> None:
        aylesbury, desk = Team.objects.get(code="aylesbury"), Team.objects.get(code="out-of-area")
        with refused("a_locality_team_and_no_other_has_a_locality"):
            change("localities_team", aylesbury.pk, locality_id="NULL")
        with refused("a_locality_team_and_no_other_has_a_locality"):
            change("localities_team", desk.pk, locality_id=str(aylesbury.locality_id))

    def test_two_teams_that_take_work_in_a_locality_are_refused(self) -> None:
        aylesbury = Team.objects.get(code="aylesbury")
        second = {"code": "'second'", "name": "'The second'"}
        with refused("a_locality_has_one_team_that_takes_work"):
            copy("localities_team", aylesbury.pk, **second)
        with allowed():
            copy("localities_team", aylesbury.pk, **second, is_active="false")

    def test_usernames_that_differ_only_by_case_are_refused(self, ben: User) -> None:
        with refused("usernames_differ_by_more_than_case"):
            copy("localities_user", ben.pk, username="'BEN'")


@pytest.mark.django_db
class TestTheDoor:
    """What happened at the door never changes, and a device knows a person once."""

    def event(self, user: User) -> int:
        event = SignInEvent.objects.create(
            kind="signed_in", at=THURSDAY, user=user, address="192.0.2.7", device="Firefox on Mac"
        )
        return event.pk

    @pytest.mark.parametrize(
        "but",
        [{"at": "now()"}, {"kind": "'failed'"}, {"user_id": "NULL"}, {"page": "'contact'"}, {"is_known_device": "true"},
         {"address": "'192.0.2.8'"}, {"device": "''"}, {"address": "NULL"}],
    )  # fmt: skip
    def test_what_happened_is_not_changed(self, ben: User, but: dict[str, str]) -> None:
        with refused("a_sign_in_event_never_changes"):
            change("casework_signinevent", self.event(ben), **but)

    def test_what_happened_is_not_deleted(self, ben: User) -> None:
        event = self.event(ben)
        with refused("a_sign_in_event_never_changes"):
            delete("casework_signinevent", event)
        with refused("sign_in_events_are_never_emptied"):
            run("TRUNCATE casework_signinevent")

    def test_the_address_and_the_device_are_deleted_together(self, ben: User) -> None:
        with allowed():
            change("casework_signinevent", self.event(ben), address="NULL", device="''")

    def test_a_device_that_knows_a_person_twice_is_refused(self, ben: User, amina: User) -> None:
        devices.remember("secret", ben, now=THURSDAY)
        device = KnownDevice.objects.get()
        with refused("a_device_knows_a_person_once"):
            copy("localities_knowndevice", device.pk)
        with allowed():
            copy("localities_knowndevice", device.pk, user_id=str(amina.pk))


@pytest.mark.django_db
class TestRuleSets:
    """One rule set is live at a time, and a published one never changes."""

    @pytest.fixture
    def live(self) -> RuleSetVersion:
        return RuleSetVersion.objects.get()

    def test_a_repeated_version_is_refused(self, live: RuleSetVersion) -> None:
        with refused("a_rule_set_has_each_version_once"):
            copy("triage_rulesetversion", live.pk, live="NULL")

    def test_a_shipped_rule_set_loaded_twice_is_refused(self, live: RuleSetVersion) -> None:
        draft = {"published_at": "NULL", "live": "NULL", "shipped_as": "'early-help-first/2'"}
        copy("triage_rulesetversion", live.pk, version="7", **draft)
        with refused("what_the_product_brings_comes_once"):
            copy("triage_rulesetversion", live.pk, version="8", **draft)
        with allowed():
            copy("triage_rulesetversion", live.pk, version="8", **draft | {"shipped_as": "'early-help-first/3'"})

    def test_two_live_rule_sets_at_one_instant_are_refused(self, live: RuleSetVersion) -> None:
        """The two rule sets have the same name, or different names."""
        for but in ({"version": "3"}, {"name": "'another'"}):
            with refused("one_rule_set_is_live_at_an_instant"):
                copy("triage_rulesetversion", live.pk, **but)

    def test_one_live_rule_set_after_another_is_accepted(self, live: RuleSetVersion) -> None:
        with allowed():
            change("triage_rulesetversion", live.pk, live="tstzrange(lower(live), '2027-01-01')")
            copy("triage_rulesetversion", live.pk, version="3", live="tstzrange(upper(live), NULL)")

    def test_sending_back_without_a_reason_is_refused(self, live: RuleSetVersion, story: Story, sam: User) -> None:
        why = RuleSetReason.objects.create(rule_set=live, kind="sent_back", by=sam, at=story.now, reason="Too soon.")
        for nothing in ("''", "E' \\n'"):
            with refused("a_rule_set_comes_back_for_a_reason"):
                copy("casework_rulesetreason", why.pk, reason=nothing)

    def test_a_live_draft_is_refused(self, live: RuleSetVersion) -> None:
        draft = copy("triage_rulesetversion", live.pk, version="3", published_at="NULL", live="NULL")
        with refused("a_live_rule_set_is_published"):
            change("triage_rulesetversion", draft, live="tstzrange('2019-01-01', '2019-01-02')")
        with refused("a_live_rule_set_is_published"):
            copy("triage_rulesetversion", draft, version="4", live="tstzrange('2019-01-01', '2019-01-02')")

    def test_a_draft_may_be_changed_deleted_and_published(self, live: RuleSetVersion) -> None:
        draft = copy("triage_rulesetversion", live.pk, version="3", published_at="NULL", live="NULL")
        with allowed():
            change("triage_rulesetversion", draft, document="'{}'")
        with allowed():
            delete("triage_rulesetversion", draft)
        with allowed():
            change("triage_rulesetversion", draft, published_at="now()")
            change("triage_rulesetversion", live.pk, live="tstzrange(lower(live), '2027-01-01')")
            change("triage_rulesetversion", draft, live="tstzrange('2027-01-01', NULL)")

    def test_changing_a_published_rule_set_is_refused(self, live: RuleSetVersion) -> None:
        for to in (
            {"document": """document || '{"title": "Another"}'"""},
            {"name": "'another'"},
            {"version": "3"},
            {"published_at": "published_at + interval '1 second'"},
            {"published_at": "NULL", "live": "NULL"},
            {"live": "NULL"},
            {"live": "'empty'"},
            {"live": "tstzrange(lower(live) + interval '1 day', NULL)"},
            {"live": "tstzrange(lower(live), '2027-01-01')", "document": "'{}'"},
        ):
            with refused("a_published_rule_set_never_changes"):
                change("triage_rulesetversion", live.pk, **to)
        with refused("a_published_rule_set_never_changes"):
            delete("triage_rulesetversion", live.pk)

    def test_making_a_former_rule_set_live_again_is_refused(self, live: RuleSetVersion) -> None:
        change("triage_rulesetversion", live.pk, live="tstzrange(lower(live), '2020-01-01')")
        for again in ("tstzrange(lower(live), NULL)", "tstzrange(lower(live), '2100-01-01')", "NULL"):
            with refused("a_published_rule_set_never_changes"):
                change("triage_rulesetversion", live.pk, live=again)

    def test_a_future_end_may_be_removed(self, live: RuleSetVersion) -> None:
        """A version that is not live yet is called off in this way."""
        change("triage_rulesetversion", live.pk, live="tstzrange(lower(live), '2100-01-01')")
        with allowed():
            change("triage_rulesetversion", live.pk, live="tstzrange(lower(live), NULL)")
        with refused("a_published_rule_set_never_changes"):
            change("triage_rulesetversion", live.pk, live="NULL")

    def test_emptying_the_table_is_refused(self, live: RuleSetVersion) -> None:
        with pytest.raises(NotSupportedError), transaction.atomic():
            run("TRUNCATE triage_rulesetversion")
        # Whatever speaks of them would go too.
        with pytest.raises(IntegrityError), transaction.atomic():
            run("TRUNCATE triage_rulesetversion CASCADE")


class TestDrafts(GoesOnFromSharedStory):
    """Two people publish a draft, and only in the edition that was proved."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        drafts = Drafts(Story(THURSDAY))
        return settled(drafts.story, drafts.proposed(), drafts.copied())

    @pytest.fixture
    def proposed(self, db: None, shared: SharedStory) -> RuleSetVersion:
        return RuleSetVersion.objects.get(pk=shared.about[0])

    @pytest.fixture
    def plain(self, db: None, shared: SharedStory) -> RuleSetVersion:
        return RuleSetVersion.objects.get(pk=shared.about[1])

    def test_a_draft_without_who_or_when_is_refused(self, plain: RuleSetVersion) -> None:
        for to in ({"drafted_by_id": "NULL"}, {"drafted_at": "NULL"}):
            with refused("a_draft_says_who_and_when"):
                change("triage_rulesetversion", plain.pk, **to)

    def test_a_proposal_without_who_when_or_what_for_is_refused(
        self, proposed: RuleSetVersion, plain: RuleSetVersion, paula: User
    ) -> None:
        for to in (
            {"proposed_by_id": "NULL"}, {"proposed_at": "NULL"}, {"proposal": "''"}, {"proposal": r"E' \n'"},
        ):  # fmt: skip
            with refused("a_proposal_says_who_when_and_what_for"):
                change("triage_rulesetversion", proposed.pk, **to)
        who, when = {"proposed_by_id": str(paula.pk)}, {"proposed_at": "now()"}
        for to in (who, when, who | when):
            with refused("a_proposal_says_who_when_and_what_for"):
                change("triage_rulesetversion", plain.pk, **to)
        with allowed():
            change("triage_rulesetversion", plain.pk, **who, **when, proposal="'So.'")

    def test_publication_by_one_person_is_refused(
        self, proposed: RuleSetVersion, plain: RuleSetVersion, paula: User, sam: User
    ) -> None:
        for pk, to in (
            (proposed.pk, {"published_at": "now()"}),
            (proposed.pk, {"published_at": "now()", "approved_by_id": str(paula.pk)}),
            (proposed.pk, {"approved_by_id": str(sam.pk)}),
            (plain.pk, {"published_at": "now()"}),
            (plain.pk, {"published_at": "now()", "approved_by_id": str(sam.pk)}),
        ):
            with refused("two_people_publish_a_draft"):
                change("triage_rulesetversion", pk, **to)
            # Nor where nobody drafted it, as what the product brings to a service in which another version is live.
            with refused("two_people_publish_a_draft"):
                change("triage_rulesetversion", pk, **to, drafted_by_id="NULL", drafted_at="NULL")
        with allowed():
            change("triage_rulesetversion", proposed.pk, published_at="now()", approved_by_id=str(sam.pk))

    def test_changing_a_proposed_draft_is_refused(self, proposed: RuleSetVersion) -> None:
        for to in ({"document": "document - 'title'"}, {"edition": "edition + 1"}):
            with refused("what_was_proposed_stays_as_it_was_proved"):
                change("triage_rulesetversion", proposed.pk, **to)
            # Nor in one step with its publication.
            with refused("what_was_proposed_stays_as_it_was_proved"):
                change(
                    "triage_rulesetversion",
                    proposed.pk,
                    **to,
                    published_at="now()",
                    approved_by_id="proposed_by_id + 1",
                )
        with allowed():
            change("triage_rulesetversion", proposed.pk, document="'{}'", proposed_by_id="NULL", proposed_at="NULL")

    def test_discarding_a_published_rule_set_is_refused(self, plain: RuleSetVersion) -> None:
        with allowed():
            change("triage_rulesetversion", plain.pk, discarded_at="now()")
        live = latest()
        with refused("what_is_published_is_not_discarded"):
            copy("triage_rulesetversion", live.pk, version="9", live="NULL", discarded_at="now()")
        with refused("a_published_rule_set_never_changes"):
            change("triage_rulesetversion", live.pk, discarded_at="now()")

    def test_rewriting_who_published_is_refused(self, drafts: Drafts, proposed: RuleSetVersion, maya: User) -> None:
        """The base, the drafter and the last person who changed safety stay as well."""
        published = drafts.approved(proposed)
        for column in (
            "drafted_by_id", "proposed_by_id", "approved_by_id", "safety_changed_by_id", "based_on_id", "edition",
            "drafted_at", "proposed_at", "proposal",
        ):  # fmt: skip
            to = {"edition": "9", "proposal": "'Another.'", "based_on_id": str(published.pk)}.get(column, str(maya.pk))
            with refused("a_published_rule_set_never_changes"):
                change("triage_rulesetversion", published.pk, **{column: "now()" if column.endswith("_at") else to})

    def test_only_a_rule_set_that_is_not_live_yet_may_be_called_off(
        self, drafts: Drafts, proposed: RuleSetVersion
    ) -> None:
        published = drafts.approved(proposed, starts_at=AHEAD)
        with allowed():
            change("triage_rulesetversion", published.pk, live="NULL")
        with refused("a_published_rule_set_never_changes"):
            change("triage_rulesetversion", published.pk, live="tstzrange(lower(live) + interval '1 day', NULL)")


class TestReplays:
    """What a replay found is kept as it is."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        drafts = Drafts(Story(THURSDAY))
        drafts.story.contact()
        draft = drafts.copied()
        then = {"pathway": "early_help", "rag": "green", "level": 2}
        changed = drafts.changed(draft, having(draft.document, "rules", "level_3_agreed", then=then))
        return settled(drafts.story, drafts.replayed(changed), drafts.asked(drafts.copied()))

    @pytest.fixture
    def finished(self, db: None, shared: SharedStory) -> Replay:
        """A finished replay with a changed contact."""
        return Replay.objects.get(pk=shared.about[0])

    @pytest.fixture
    def waits(self, db: None, shared: SharedStory) -> Replay:
        return Replay.objects.get(pk=shared.about[1])

    def test_an_end_before_the_beginning_is_refused(self, waits: Replay) -> None:
        with refused("a_replay_ends_after_it_begins"):
            change("casework_replay", waits.pk, last_day="first_day - 1")

    def test_only_a_finished_replay_has_a_result(self, waits: Replay) -> None:
        for to in (
            {"result": "'{}'"},
            {"finished_at": "now()"},
            {"finished_at": "now()", "result": "'{}'", "failed_at": "now()", "failure": "'Why.'"},
            {"finished_at": "now()", "result": "'{}'", "cancelled_at": "now()", "cancelled_by_id": "asked_by_id"},
        ):
            with refused("a_finished_replay_and_no_other_has_a_result"):
                change("casework_replay", waits.pk, **to)
        with allowed():
            change("casework_replay", waits.pk, finished_at="now()", result="'{}'")

    def test_a_cancellation_without_who_or_when_is_refused(self, waits: Replay) -> None:
        for to in ({"cancelled_at": "now()"}, {"cancelled_by_id": "asked_by_id"}):
            with refused("a_cancelled_replay_says_who"):
                change("casework_replay", waits.pk, **to)

    def test_a_failure_without_why_or_when_is_refused(self, waits: Replay) -> None:
        for to in ({"failed_at": "now()"}, {"failure": "'Why.'"}):
            with refused("a_failed_replay_says_why"):
                change("casework_replay", waits.pk, **to)

    def test_two_running_replays_of_a_rule_set_are_refused(self, waits: Replay) -> None:
        with refused("a_rule_set_is_replayed_once_at_a_time"):
            copy("casework_replay", waits.pk)
        with allowed():
            copy("casework_replay", waits.pk, failed_at="now()", failure="'Why.'")
        with allowed():
            change("casework_replay", waits.pk, cancelled_at="now()", cancelled_by_id="asked_by_id")
            copy("casework_replay", waits.pk, cancelled_at="NULL", cancelled_by_id="NULL")

    def test_changing_an_ended_replay_is_refused(self, finished: Replay, waits: Replay) -> None:
        change("casework_replay", waits.pk, cancelled_at="now()", cancelled_by_id="asked_by_id")
        for pk, to in (
            (finished.pk, {"result": "'{}'"}),
            (finished.pk, {"result": "NULL", "finished_at": "NULL"}),
            (finished.pk, {"edition": "edition + 1"}),
            (waits.pk, {"cancelled_at": "NULL", "cancelled_by_id": "NULL"}),
        ):
            with refused("the_result_of_a_replay_is_kept"):
                change("casework_replay", pk, **to)
        for pk in (finished.pk, waits.pk):
            with refused("the_result_of_a_replay_is_kept"):
                delete("casework_replay", pk)

    def test_changing_what_a_finished_replay_found_is_refused(self, finished: Replay) -> None:
        row = ReplayedContact.objects.get(replay=finished)
        with refused("what_a_finished_replay_found_stays"):
            change("casework_replayedcontact", row.pk, direction="'up'")
        with refused("what_a_finished_replay_found_stays"):
            delete("casework_replayedcontact", row.pk)
        with refused("what_a_finished_replay_found_stays"):
            copy("casework_replayedcontact", row.pk)

    def test_listing_a_contact_twice_is_refused(self, finished: Replay, waits: Replay) -> None:
        row = ReplayedContact.objects.get(replay=finished)
        listed = copy("casework_replayedcontact", row.pk, replay_id=str(waits.pk))
        with refused("a_replay_lists_a_contact_once"):
            copy("casework_replayedcontact", listed)
        with allowed():
            delete("casework_replayedcontact", listed)

    def test_moving_a_finding_to_another_replay_is_refused(self, finished: Replay, waits: Replay) -> None:
        row = ReplayedContact.objects.get(replay=finished)
        with refused("what_a_finished_replay_found_stays"):
            change("casework_replayedcontact", row.pk, replay_id=str(waits.pk))

    def test_moving_a_finding_from_another_replay_is_refused(self, finished: Replay, waits: Replay) -> None:
        row = ReplayedContact.objects.get(replay=finished)
        listed = copy("casework_replayedcontact", row.pk, replay_id=str(waits.pk), contact_id=str(another(row).pk))
        with refused("what_a_finished_replay_found_stays"):
            change("casework_replayedcontact", listed, replay_id=str(finished.pk))

    def test_emptying_the_tables_is_refused(self, finished: Replay) -> None:
        with refused("what_replays_found_is_never_emptied"):
            run("TRUNCATE casework_replayedcontact")
        with refused("replays_are_never_emptied"):
            run("ALTER TABLE casework_replayedcontact DISABLE TRIGGER USER")
            run("TRUNCATE casework_replay CASCADE")


class TestWhatIsLearned(GoesOnFromSharedStory):
    """Who said something about a contact, when and why, and every fact that it changed, stay for ever."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        said = {"first_name": "Robyn", "date_of_birth": "2019-04-03", "nhs_number": "12"}
        document = {"source": "family", "why": "She called.", "children": [{"ref": "c1"} | said]}
        contact = story.contact(adults=[{"first_name": "Kit", "relationship": "uncle"}])
        learned = corrections.learn(contact_id=contact.pk, document=document, by=person("amina"), now=story.later())
        return settled(story, learned.information)

    @pytest.fixture
    def information(self, db: None, shared: SharedStory) -> Information:
        """A child's name and birth, corrected; what Amina typed of the NHS number could not be read."""
        return Information.objects.get(pk=shared.about[0])

    def test_changing_or_deleting_information_is_refused(self, information: Information) -> None:
        for to in ({"why": "'So.'"}, {"document": "'{}'"}, {"at": "now()"}):
            with refused("information_never_changes"):
                change("casework_information", information.pk, **to)
        with refused("information_never_changes"):
            delete("casework_information", information.pk)
        with refused("information_never_changes_all"):
            run("TRUNCATE casework_information CASCADE")

    def test_information_without_who_why_or_source_is_refused(self, information: Information, school: Agency) -> None:
        table, agency = "casework_information", {"by_user_id": "NULL", "by_agency_id": str(school.pk)}
        for but in ({"by_user_id": "NULL"}, {"by_agency_id": str(school.pk)}):
            with refused("information_says_who_recorded_it"):
                copy(table, information.pk, **but)
        with refused("who_changes_a_fact_says_why"):
            copy(table, information.pk, why="' '")
        with refused("information_has_a_known_source"):
            copy(table, information.pk, source="'rumour'")
        with allowed():
            copy(table, information.pk, why="''", **agency)
            copy(table, information.pk, why="''", kind="'screening'")

    def test_a_repeated_key_is_refused(self, information: Information, school: Agency, police: Agency) -> None:
        key = {"by_user_id": "NULL", "by_agency_id": str(school.pk), "idempotency_key": "'k1'"}
        first = copy("casework_information", information.pk, **key)
        with refused("information_uses_an_idempotency_key_once"):
            copy("casework_information", first)
        for but in ({"by_agency_id": str(police.pk)}, {"idempotency_key": "'k2'"}, {"idempotency_key": "NULL"}):
            with allowed():
                copy("casework_information", first, **but)

    def test_changing_or_deleting_a_change_is_refused(self, information: Information) -> None:
        (fact, *_) = FactChange.objects.all()
        for to in ({"before": "NULL"}, {"after": "'1'"}, {"field": "'sex'"}):
            with refused("a_change_of_a_fact_stays"):
                change("casework_factchange", fact.pk, **to)
        with refused("a_change_of_a_fact_stays"):
            delete("casework_factchange", fact.pk)
        with refused("a_change_of_a_fact_stays_all"):
            run("TRUNCATE casework_factchange")

    def test_a_change_that_changes_nothing_is_refused(self, information: Information) -> None:
        changed, unread = FactChange.objects.get(field="first_name"), FactChange.objects.get(field="nhs_number")
        for but in ({"after": "before"}, {"before": "NULL", "after": "NULL"}):
            with refused("a_change_changes_something"):
                copy("casework_factchange", changed.pk, **but)
        with refused("a_change_changes_something"):
            copy("casework_factchange", unread.pk, kind="''")
        for fine in ({"before": "NULL"}, {"after": "NULL"}):
            with allowed():
                copy("casework_factchange", changed.pk, **fine)

    def test_a_change_about_two_people_is_refused(self, information: Information) -> None:
        fact, adult = FactChange.objects.get(field="first_name"), ContactAdult.objects.get()
        with refused("a_fact_is_about_one_person"):
            copy("casework_factchange", fact.pk, adult_id=str(adult.pk))
        for fine in ({"child_id": "NULL"}, {"child_id": "NULL", "adult_id": str(adult.pk)}):
            with allowed():
                copy("casework_factchange", fact.pk, **fine)

    def test_signing_off_an_overtaken_decision_is_refused(self, story: Story, amina: User, maya: User) -> None:
        decision = waiting(story)
        document = {"source": "family", "why": "She called.", "immediate_danger": True}
        corrections.learn(contact_id=decision.contact_id, document=document, by=amina, now=story.later())
        with refused("what_was_overtaken_is_not_agreed_to"):
            agree(decision, maya)
        with allowed():
            run(
                "INSERT INTO casework_signoff (decision_id, by_id, at, agreed, rationale) "
                "VALUES (%s, %s, %s, false, 'Look again.')",
                decision.pk, maya.pk, decision.decided_at,
            )  # fmt: skip


class TestThresholdChecks:
    def test_two_counts_of_an_agency_on_a_day_are_refused(
        self, db: None, now: datetime, school: Agency, police: Agency
    ) -> None:
        threshold_checks.count(by=school, now=now)
        counted = ThresholdChecks.objects.get()
        with refused("checks_of_an_agency_are_counted_by_day"):
            copy("casework_thresholdchecks", counted.pk)
        for but in ({"agency_id": str(police.pk)}, {"day": "day + 1"}):
            with allowed():
                copy("casework_thresholdchecks", counted.pk, **but)


class TestNoWayRound:
    """The trigger package lets a session switch triggers off by a setting. Here the setting has no effect."""

    def test_a_temporary_table_replaces_no_real_one(self, story: Story) -> None:
        """Otherwise anybody who may make a temporary table could get round the second person."""
        contact = story.contact()
        decision = story.decided(contact, pathway="advice", level=3)
        current = current_of(story.offered(another_family(story)).case)
        run("CREATE TEMP TABLE casework_signoff AS SELECT 1 AS id, %s AS decision_id, true AS agreed", decision.pk)
        with refused("a_decision_needs_its_sign_off_to_take_effect"):
            change("public.casework_contact", contact.pk, status="'decided'", decision_in_effect_id=str(decision.pk))
        run("CREATE TEMP TABLE casework_responsibility AS SELECT * FROM public.casework_responsibility")
        with refused("an_open_case_has_one_responsible_team"):
            change("public.casework_responsibility", current.pk, period="tstzrange(lower(period), now())")

    def test_a_setting_switches_no_trigger_off(self, story: Story) -> None:
        case = story.accepted()
        every = ",".join(trigger.get_pgid(model) for model, trigger in pgtrigger.registered())
        run(f"SET LOCAL pgtrigger.ignore = '{{{every}}}'")
        with refused("an_audit_event_never_changes"):
            delete("casework_auditevent", AuditEvent.objects.all()[0].pk)
        with refused("an_audit_event_never_changes_all"):
            run("TRUNCATE casework_auditevent")
        with refused("a_decision_never_changes"):
            change("casework_decision", Decision.objects.get().pk, rationale="'Because.'")
        with refused("an_open_case_has_one_responsible_team"):
            change("casework_responsibility", current_of(case).pk, period="tstzrange(lower(period), now() + '1 year')")
        with refused("a_published_rule_set_never_changes"):
            change("triage_rulesetversion", RuleSetVersion.objects.get().pk, document="'{}'")
        switched_off = run("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND _pgtrigger_should_ignore(tgname)")
        assert switched_off == []

    def test_the_package_switches_no_trigger_off(self, story: Story) -> None:
        story.contact()
        with (
            pgtrigger.ignore("casework.AuditEvent:an_audit_event_never_changes"),
            refused("an_audit_event_never_changes"),
        ):
            AuditEvent.objects.all().delete()


class TestAnAddressThatIsConfidential(GoesOnFromSharedStory):
    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        return settled(story, story.contact(children=[child(address=address("HP20 1UA", confidential=True))]))

    @pytest.fixture
    def protection(self, db: None, shared: SharedStory) -> AddressProtection:
        return AddressProtection.objects.get()

    @pytest.fixture
    def lifted(self, protection: AddressProtection, story: Story, maya: User) -> AddressProtection:
        protecting.lift(person_id=protection.person_id, reason="He is in prison.", by=maya, now=story.later())
        return AddressProtection.objects.get()

    def test_a_second_protection_by_one_contact_is_refused(self, protection: AddressProtection) -> None:
        with refused("a_contact_protects_a_persons_address_once"):
            copy("casework_addressprotection", protection.pk)

    def test_a_protection_without_who_or_why_is_refused(self, protection: AddressProtection, amina: User) -> None:
        by = {"contact_id": "NULL", "said_by_id": str(amina.pk)}
        with refused("a_protected_address_says_who_said_so"):
            copy("casework_addressprotection", protection.pk, contact_id="NULL")
        with refused("a_protected_address_says_who_said_so"):
            copy("casework_addressprotection", protection.pk, **by, reason="' '")
        with allowed():
            copy("casework_addressprotection", protection.pk, **by, reason="'She fled.'")

    @pytest.mark.parametrize(
        "wrong",
        [{"lifted_by_id": "NULL"}, {"lifted_because": "''"}, {"lifted_at": "NULL"}, {"since": "lifted_at + '1s'"}],
    )
    def test_lifting_without_who_when_or_why_is_refused(self, lifted: AddressProtection, wrong: dict[str, str]) -> None:
        with refused("a_protection_that_was_lifted_says_who_when_and_why"):
            copy("casework_addressprotection", lifted.pk, **{"person_id": str(Person.objects.create().pk)} | wrong)

    @pytest.mark.parametrize("to", [{"since": "since - '1s'::interval"}, {"reason": "'x'"}, {"contact_id": "NULL"}])
    def test_changing_or_deleting_a_protection_is_refused(
        self, protection: AddressProtection, to: dict[str, str]
    ) -> None:
        with refused("a_protection_is_lifted_once"):
            change("casework_addressprotection", protection.pk, **to)
        with refused("a_protection_is_lifted_once"):
            delete("casework_addressprotection", protection.pk)
        with refused("protections_of_addresses_are_never_emptied"):
            run("TRUNCATE casework_addressprotection")

    def test_lifting_twice_is_refused(self, lifted: AddressProtection) -> None:
        with refused("a_protection_is_lifted_once"):
            change("casework_addressprotection", lifted.pk, lifted_because="'x'")


class TestWhatIsSaidAboutAPerson(GoesOnFromSharedStory):
    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        who = story.contact().children.get().person_id
        said = people.Said("former_name", "Robin Old", from_date=date(2015, 1, 2), said_by="His aunt")
        return settled(story, people.add_detail(person_id=who, said=said, by=person("amina"), now=story.now))

    @pytest.fixture
    def detail(self, db: None, shared: SharedStory) -> PersonDetail:
        return PersonDetail.objects.get(pk=shared.about[0])

    def test_a_detail_without_a_value_or_without_who_said_it_is_refused(self, detail: PersonDetail) -> None:
        with refused("a_detail_of_a_person_says_something"):
            copy("casework_persondetail", detail.pk, value="' '")
        with refused("a_detail_of_a_person_says_who_said_so"):
            copy("casework_persondetail", detail.pk, said_by="''")
        with allowed():
            copy("casework_persondetail", detail.pk, kind="'death'", value="''")

    def test_an_end_before_the_beginning_is_refused(self, detail: PersonDetail) -> None:
        with refused("a_detail_of_a_person_ends_after_it_begins"):
            copy("casework_persondetail", detail.pk, to_date="'2015-01-01'")
        with allowed():
            copy("casework_persondetail", detail.pk, to_date="'2015-01-02'")

    def test_an_end_without_who_when_or_why_is_refused(self, detail: PersonDetail, amina: User, story: Story) -> None:
        people.end_detail(
            person_id=detail.person_id, detail_id=detail.pk, reason="Misheard.", by=amina, now=story.later()
        )
        for wrong in ({"ended_by_id": "NULL"}, {"ended_because": "''"}, {"ended_at": "recorded_at - '1s'::interval"}):
            with refused("a_detail_that_ended_says_who_when_and_why"):
                copy("casework_persondetail", detail.pk, **wrong)
        for to in ({"ended_because": "'x'"}, {"to_date": "'2016-01-01'"}):
            with refused("a_detail_of_a_person_ends_once"):
                change("casework_persondetail", detail.pk, **to)

    def test_an_error_without_who_when_or_why_is_refused(self, detail: PersonDetail, amina: User, story: Story) -> None:
        which: dict[str, Any] = {"person_id": detail.person_id, "detail_id": detail.pk, "by": amina}
        people.end_detail(reason="She moved.", until=date(2015, 1, 3), now=story.later(), **which)
        with refused("a_detail_of_a_person_ends_once"):
            change("casework_persondetail", detail.pk, to_date="'2016-01-01'")
        people.say_in_error(reason="Misheard.", now=story.later(), **which)
        for wrong in (
            {"in_error_by_id": "NULL"}, {"in_error_because": "''"}, {"in_error_at": "recorded_at - '1s'::interval"},
        ):  # fmt: skip
            with refused("a_detail_in_error_says_who_when_and_why"):
                copy("casework_persondetail", detail.pk, **wrong)
        with refused("a_detail_of_a_person_ends_once"):
            change("casework_persondetail", detail.pk, in_error_because="'x'")

    def test_changing_or_deleting_a_detail_is_refused(self, detail: PersonDetail) -> None:
        for to in ({"value": "'x'"}, {"said_by": "'x'"}, {"to_date": "'2016-01-01'"}):
            with refused("a_detail_of_a_person_ends_once"):
                change("casework_persondetail", detail.pk, **to)
        with refused("a_detail_of_a_person_ends_once"):
            delete("casework_persondetail", detail.pk)
        with refused("details_of_people_are_never_emptied"):
            run("TRUNCATE casework_persondetail")


class TestRestrictions(GoesOnFromSharedStory):
    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        return settled(story, restrict(story, story.contact(), "amina"))

    @pytest.fixture
    def restriction(self, db: None, shared: SharedStory) -> Restriction:
        return Restriction.objects.get(pk=shared.about[0])

    @pytest.fixture
    def named(self, restriction: Restriction) -> RestrictedAccess:
        return restriction.access.get()

    @pytest.fixture
    def broken(self, restriction: Restriction, story: Story, erin: User) -> RestrictedAccess:
        broken_glass.break_glass(reference=restriction.reference, reason="Hurt.", by=erin, now=story.now)
        return RestrictedAccess.objects.get(given_by=None)

    @pytest.fixture
    def conflict(self, story: Story, oliver: User) -> ConflictOfInterest:
        contact = another_family(story)
        return conflicts.declare_in_contact(contact_id=contact.pk, reason="Mine.", by=oliver, now=story.now)

    def test_a_second_restriction_of_a_record_is_refused(self, restriction: Restriction) -> None:
        with refused("a_record_is_restricted_once_at_a_time"):
            copy("casework_restriction", restriction.pk, reference="'RES-0000-0000'")

    def test_unknown_kind_and_blank_reason_are_refused(self, restriction: Restriction) -> None:
        anew = {"reference": "'RES-0000-0000'", "person_id": str(Person.objects.create().pk)}
        with refused("a_restriction_is_of_a_known_kind"):
            copy("casework_restriction", restriction.pk, **anew, kind="'x'")
        with refused("a_restriction_has_a_reason"):
            copy("casework_restriction", restriction.pk, **anew, reason="' '")
        with allowed():
            copy("casework_restriction", restriction.pk, **anew)

    @pytest.mark.parametrize(
        "wrong", [{"lifted_by_id": "NULL"}, {"lift_reason": "' '"}, {"lifted_at": "restricted_at - '1s'::interval"}]
    )
    def test_lifting_without_who_when_or_why_is_refused(
        self, restriction: Restriction, sam: User, wrong: dict[str, str]
    ) -> None:
        lifted = {"lifted_at": "restricted_at", "lifted_by_id": str(sam.pk), "lift_reason": "'So.'"}
        with refused("a_lifted_restriction_says_who_when_and_why"):
            change("casework_restriction", restriction.pk, **lifted | wrong)
        with allowed():
            change("casework_restriction", restriction.pk, **lifted)

    def test_lifting_twice_rewriting_and_deleting_are_refused(
        self, restriction: Restriction, story: Story, sam: User
    ) -> None:
        with refused("a_restriction_is_lifted_once"):
            change("casework_restriction", restriction.pk, kind="'adopted'")
        restrictions.lift(restriction_id=restriction.pk, reason="So.", by=sam, now=story.now)
        with refused("a_restriction_is_lifted_once"):
            change("casework_restriction", restriction.pk, lift_reason="'x'")
        with refused("a_restriction_stays"):
            delete("casework_restriction", restriction.pk)
        with refused("a_restriction_stays_all"):
            run("TRUNCATE casework_restriction CASCADE")

    def test_naming_a_reader_twice_or_oneself_is_refused(self, named: RestrictedAccess) -> None:
        with refused("somebody_is_named_once_at_a_time"):
            copy("casework_restrictedaccess", named.pk)
        with refused("nobody_names_themselves"):
            copy("casework_restrictedaccess", named.pk, user_id="given_by_id")

    def test_access_without_a_reason_or_that_ends_too_early_is_refused(self, named: RestrictedAccess) -> None:
        with refused("who_opens_a_restricted_record_says_why"):
            copy("casework_restrictedaccess", named.pk, until="since", reason="' '")
        with refused("access_ends_after_it_begins"):
            copy("casework_restrictedaccess", named.pk, until="since - '1s'::interval")

    def test_access_after_the_restriction_was_lifted_is_refused(
        self, restriction: Restriction, named: RestrictedAccess, story: Story, sam: User, erin: User
    ) -> None:
        with allowed():
            copy("casework_restrictedaccess", named.pk, user_id=str(erin.pk))
        restrictions.lift(restriction_id=restriction.pk, reason="So.", by=sam, now=story.now)
        with refused("nobody_is_let_in_where_a_restriction_was_lifted"):
            copy("casework_restrictedaccess", named.pk, user_id=str(erin.pk))

    def test_broken_glass_without_an_end_is_refused(self, broken: RestrictedAccess) -> None:
        with refused("a_broken_glass_has_an_end"):
            copy("casework_restrictedaccess", broken.pk, until="NULL")

    def test_a_review_by_the_person_who_broke_the_glass_is_refused(self, broken: RestrictedAccess, sam: User) -> None:
        reviewed = {"reviewed_at": "since", "reviewed_by_id": str(sam.pk), "review": "'So.'"}
        for wrong in ({"reviewed_by_id": "user_id"}, {"review": "' '"}, {"reviewed_at": "NULL"}):
            with refused("another_person_reviews_a_broken_glass"):
                change("casework_restrictedaccess", broken.pk, **reviewed | wrong)
        change("casework_restrictedaccess", broken.pk, **reviewed)
        with refused("access_is_never_prolonged"):
            change("casework_restrictedaccess", broken.pk, review="'x'")

    @pytest.mark.parametrize("to", [{"until": "NULL"}, {"until": "until + '1s'::interval"}, {"reason": "'x'"}])
    def test_prolonging_rewriting_and_deleting_access_are_refused(
        self, broken: RestrictedAccess, to: dict[str, str]
    ) -> None:
        with refused("access_is_never_prolonged"):
            change("casework_restrictedaccess", broken.pk, **to)
        with refused("who_could_open_a_restricted_record_stays"):
            delete("casework_restrictedaccess", broken.pk)
        with refused("who_could_open_a_restricted_record_stays_all"):
            run("TRUNCATE casework_restrictedaccess")

    def test_a_conflict_without_a_record_or_a_reason_is_refused(self, conflict: ConflictOfInterest) -> None:
        with refused("a_conflict_of_interest_is_in_a_contact_or_a_case"):
            copy("casework_conflictofinterest", conflict.pk, contact_id="NULL")
        with refused("a_conflict_of_interest_has_a_reason"):
            copy("casework_conflictofinterest", conflict.pk, reason="' '")

    def test_ending_ones_own_conflict_or_ending_it_twice_is_refused(
        self, conflict: ConflictOfInterest, maya: User
    ) -> None:
        ended = {"ended_at": "declared_at", "ended_by_id": str(maya.pk), "end_reason": "'So.'"}
        for wrong in ({"ended_by_id": "user_id"}, {"end_reason": "' '"}, {"ended_at": "declared_at - '1s'::interval"}):
            with refused("another_person_ends_a_conflict_of_interest"):
                change("casework_conflictofinterest", conflict.pk, **ended | wrong)
        change("casework_conflictofinterest", conflict.pk, **ended)
        with refused("a_conflict_of_interest_ends_once"):
            change("casework_conflictofinterest", conflict.pk, end_reason="'x'")

    def test_deleting_a_conflict_or_its_people_is_refused(self, conflict: ConflictOfInterest) -> None:
        among = conflict.people.all()[0]
        with refused("a_person_is_in_a_conflict_once"):
            copy("casework_conflictperson", among.pk)
        for table, pk, name in (
            ("casework_conflictperson", among.pk, "a_person_in_a_conflict_stays"),
            ("casework_conflictofinterest", conflict.pk, "a_conflict_of_interest_stays"),
        ):
            with refused(name):
                delete(table, pk)
        with refused("a_person_in_a_conflict_stays_all"):
            run("TRUNCATE casework_conflictperson")
        with refused("a_conflict_of_interest_stays_all"):
            run("TRUNCATE casework_conflictofinterest CASCADE")


class TestDutyAndAbsence:
    """The rota, and who is away."""

    @pytest.fixture
    def duty(self, amina: User) -> Duty:
        return Duty.objects.create(
            person=amina, role="social_worker", starts_at=THURSDAY, ends_at=THURSDAY + timedelta(hours=8)
        )

    @pytest.fixture
    def absence(self, ben: User) -> Absence:
        day = THURSDAY.date()
        return absences.record(
            person_id=ben.pk, first_day=day, last_day=day + timedelta(days=2), covered_by_id=None, by=ben, now=THURSDAY
        )

    def test_a_duty_that_ends_before_it_starts_or_lasts_for_days_is_refused(self, duty: Duty, erin: User) -> None:
        for ends, name in (
            ("starts_at", "a_duty_ends_after_it_starts"),
            ("starts_at + '49h'::interval", "a_duty_lasts_two_days_at_most"),
            ("starts_at + '48h'::interval", ""),
        ):
            with refused(name) if name else allowed():
                copy("casework_duty", duty.pk, person_id=str(erin.pk), ends_at=ends)

    def test_a_duty_of_an_unknown_kind_is_refused(self, duty: Duty, erin: User) -> None:
        with refused("a_duty_has_a_known_role"):
            copy("casework_duty", duty.pk, person_id=str(erin.pk), role="'other'")

    def test_being_on_duty_twice_at_a_time_is_refused(self, duty: Duty, erin: User) -> None:
        with refused("a_person_is_on_duty_in_a_role_once_at_a_time"):
            copy("casework_duty", duty.pk, starts_at="ends_at - '1s'::interval", ends_at="ends_at + '1h'::interval")
        for differs in (
            {"starts_at": "ends_at", "ends_at": "ends_at + '1h'::interval"}, {"role": "'manager'"},
            {"person_id": str(erin.pk)},
        ):  # fmt: skip
            with allowed():
                copy("casework_duty", duty.pk, **differs)

    def test_an_absence_that_ends_before_it_starts_is_refused(self, absence: Absence, bea: User) -> None:
        with refused("an_absence_ends_after_it_starts"):
            change("casework_absence", absence.pk, last_day="first_day - 1")
        with allowed():
            change("casework_absence", absence.pk, last_day="first_day")

    def test_covering_for_oneself_is_refused(self, absence: Absence, carol: User) -> None:
        with refused("nobody_covers_for_themselves"):
            change("casework_absence", absence.pk, covered_by_id="person_id")
        with allowed():
            change("casework_absence", absence.pk, covered_by_id=str(carol.pk))

    def test_two_absences_of_a_person_at_a_time_are_refused(self, absence: Absence, carol: User) -> None:
        with refused("a_persons_absences_do_not_overlap"):
            copy("casework_absence", absence.pk, first_day="last_day", last_day="last_day + 5")
        withdrawn = {"withdrawn_at": "recorded_at", "withdrawn_by_id": "person_id"}
        for differs in (
            {"first_day": "last_day + 1", "last_day": "last_day + 5"}, {"person_id": str(carol.pk)}, withdrawn,
        ):  # fmt: skip
            with allowed():
                copy("casework_absence", absence.pk, **differs)

    def test_withdrawing_without_a_name_or_twice_or_deleting_is_refused(self, absence: Absence) -> None:
        for wrong in ({"withdrawn_by_id": "NULL"}, {"withdrawn_at": "recorded_at - '1s'::interval"}):
            with refused("a_withdrawn_absence_says_who_and_when"):
                change(
                    "casework_absence", absence.pk,
                    **{"withdrawn_at": "recorded_at", "withdrawn_by_id": "person_id"} | wrong,
                )  # fmt: skip
        with refused("whose_an_absence_is_stays"):
            change("casework_absence", absence.pk, first_day="first_day - 1")
        change("casework_absence", absence.pk, withdrawn_at="recorded_at", withdrawn_by_id="person_id")
        with refused("whose_an_absence_is_stays"):
            change("casework_absence", absence.pk, withdrawn_at="NULL", withdrawn_by_id="NULL")
        with refused("absences_are_never_deleted"):
            delete("casework_absence", absence.pk)
        with refused("absences_are_never_deleted_all"):
            run("TRUNCATE casework_absence")


class TestShiftHandovers:
    """The sheet that a shift hands to the next."""

    @pytest.fixture
    def handover(self, amina: User) -> ShiftHandover:
        team = Team.objects.get(code="front-door")
        return shift_handovers.give(from_team_id=team.pk, note="Nothing more.", by=amina, now=THURSDAY)

    def test_one_to_the_same_team_without_a_note_or_of_another_time_is_refused(self, handover: ShiftHandover) -> None:
        for name, wrong in (
            ("a_shift_hands_over_to_another_team", {"to_team_id": "from_team_id"}),
            ("a_shift_that_hands_over_says_something", {"note": "' '"}),
            ("a_shift_hands_over_between_its_beginning_and_the_next_end", {"until": "given_at"}),
            ("a_shift_hands_over_between_its_beginning_and_the_next_end", {"since": "given_at + '1s'::interval"}),
        ):
            with refused(name):
                copy("casework_shifthandover", handover.pk, **wrong)
        with allowed():
            copy("casework_shifthandover", handover.pk)

    def test_reading_ones_own_or_before_it_is_given_is_refused(self, handover: ShiftHandover, erin: User) -> None:
        read = {"read_at": "given_at", "read_by_id": str(erin.pk)}
        for wrong in ({"read_by_id": "given_by_id"}, {"read_by_id": "NULL"}, {"read_at": "given_at - '1s'::interval"}):
            with refused("somebody_else_reads_a_handover_sheet"):
                change("casework_shifthandover", handover.pk, **read | wrong)
        change("casework_shifthandover", handover.pk, **read)
        with refused("a_handover_sheet_stays_as_it_was_given"):
            change("casework_shifthandover", handover.pk, read_at="given_at + '1s'::interval")

    def test_changing_or_deleting_one_is_refused(self, handover: ShiftHandover, amina: User) -> None:
        for to in ({"note": "'x'"}, {"says": "'{}'"}, {"given_at": "given_at + '1s'::interval"}):
            with refused("a_handover_sheet_stays_as_it_was_given"):
                change("casework_shifthandover", handover.pk, **to)
        added = shift_handovers.add(handover_id=handover.pk, text="x", by=amina, now=THURSDAY)
        with refused("an_addition_says_something"):
            copy("casework_shifthandoveraddition", added.pk, text="' '")
        for table, pk, name in (
            ("casework_shifthandoveraddition", added.pk, "an_addition_stays"),
            ("casework_shifthandover", handover.pk, "handover_sheets_are_never_deleted"),
        ):
            with refused(name):
                delete(table, pk)
        with refused("an_addition_stays"):
            change("casework_shifthandoveraddition", added.pk, text="'y'")
        with refused("an_addition_stays_all"):
            run("TRUNCATE casework_shifthandoveraddition")
        with refused("handover_sheets_are_never_deleted_all"):
            run("TRUNCATE casework_shifthandover CASCADE")


class TestCopiesOfTheOpenList:
    """One for each quarter of an hour."""

    def test_one_made_before_its_quarter_or_a_second_one_is_refused(self, db: None) -> None:
        copied = OpenListCopy.objects.create(quarter=THURSDAY, made_at=THURSDAY, records=1)
        with refused("a_copy_of_the_open_list_is_made_in_its_quarter"):
            change("casework_openlistcopy", copied.pk, made_at="quarter - '1s'::interval")
        with refused_under_any_name():
            copy("casework_openlistcopy", copied.pk)
        with allowed():
            copy("casework_openlistcopy", copied.pk, quarter="quarter - '15min'::interval")


class TestPasswordLinks:
    """Links with which people set their passwords."""

    @pytest.fixture
    def link(self, ben: User, adele: User) -> PasswordLink:
        return passwords.send_link(user_id=ben.pk, by=adele, now=THURSDAY)

    def test_one_that_ends_before_it_is_made_is_refused(self, link: PasswordLink, amina: User) -> None:
        for ends, name in (("made_at", "a_password_link_ends_after_it_is_made"), ("made_at + '1s'::interval", "")):
            with refused(name) if name else allowed():
                copy("casework_passwordlink", link.pk, user_id=str(amina.pk), ends_at=ends)

    def test_a_second_one_for_the_same_person_is_refused(self, link: PasswordLink) -> None:
        with refused("a_person_has_one_password_link_at_a_time"):
            copy("casework_passwordlink", link.pk)
        for ended in ({"used_at": "made_at"}, {"withdrawn_at": "made_at"}):
            with allowed():
                copy("casework_passwordlink", link.pk, **ended)

    def test_using_one_that_has_ended_is_refused(self, link: PasswordLink) -> None:
        for wrong in ({"used_at": "ends_at"}, {"used_at": "made_at", "withdrawn_at": "made_at"}):
            with refused("a_password_link_is_used_before_it_ends"):
                change("casework_passwordlink", link.pk, **wrong)

    @pytest.mark.parametrize("first", ["used_at", "withdrawn_at"])
    def test_using_one_twice_is_refused(self, link: PasswordLink, first: str) -> None:
        change("casework_passwordlink", link.pk, **{first: "made_at"})
        for again in ({"used_at": "NULL", "withdrawn_at": "NULL"}, {"used_at": "made_at + '1s'::interval"}):
            with refused("a_password_link_works_once"):
                change("casework_passwordlink", link.pk, **again)

    def test_changing_what_it_is_is_refused(self, link: PasswordLink, amina: User) -> None:
        for wrong in (
            {"user_id": str(amina.pk)}, {"made_for": "'x'"}, {"made_by_id": "NULL"},
            {"made_at": "made_at - '1s'::interval"}, {"ends_at": "ends_at + '1s'::interval"},
        ):  # fmt: skip
            with refused("a_password_link_works_once"):
                change("casework_passwordlink", link.pk, **wrong)

    def test_deleting_one_is_refused(self, link: PasswordLink) -> None:
        OutboxMessage.objects.update(password_link=None)
        with refused("a_password_link_is_kept"):
            delete("casework_passwordlink", link.pk)
        with refused("a_password_link_is_kept_all"):
            run("TRUNCATE casework_passwordlink CASCADE")


class TestNotes(GoesOnFromSharedStory):
    """A note never changes, and a correction is added to it."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, told_for_a_class: None) -> SharedStory:
        story = Story(THURSDAY)
        case = story.accepted(story.contact(adults=[{"first_name": "Kit", "relationship": "uncle"}]))
        contact = case.contacts.get()
        note = story.note(contact, child_ids=[contact.children.get().pk], adult_ids=[contact.adults.get().pk])
        of_case = story.note(case, by="ben", readers="team", child_ids=note.child_ids)
        return settled(story, note, story.corrected(note), of_case, another_family(story))

    @pytest.fixture
    def notes(self, db: None, shared: SharedStory) -> tuple[Note, Note, Note]:
        """A note on a contact, its correction, and a note on the case that only Ben's team may read."""
        first, correction, of_case = (Note.objects.get(pk=pk) for pk in shared.about[:3])
        return first, correction, of_case

    def test_changing_or_deleting_a_note_is_refused(self, notes: tuple[Note, Note, Note]) -> None:
        for note in notes:
            for to in ({"text": "'x'"}, {"readers": "readers"}, {"happened_at": "NULL"}):
                with refused("a_note_never_changes"):
                    change("casework_note", note.pk, **to)
        with refused("a_note_never_changes"):
            delete("casework_note", notes[1].pk)
        with refused("a_note_never_changes_all"):
            run("TRUNCATE casework_note")

    def test_a_note_without_a_record_a_kind_or_a_text_is_refused(self, notes: tuple[Note, Note, Note]) -> None:
        first, _, of_case = notes
        for wrong in ({"contact_id": "NULL"}, {"case_id": str(of_case.case_id)}):
            with refused("a_note_is_of_a_contact_or_a_case"):
                copy("casework_note", first.pk, child_ids="'{}'", adult_ids="'{}'", **wrong)
        with refused("a_note_is_of_a_known_kind"):
            copy("casework_note", first.pk, kind="'rumour'")
        with refused("a_note_has_a_text"):
            copy("casework_note", first.pk, text="E' \\n'")
        with refused("a_note_is_not_too_long"):
            copy("casework_note", first.pk, text="repeat('x', 20001)")
        with refused("a_note_tells_of_what_has_happened"):
            copy("casework_note", first.pk, happened_at="written_at + '1s'::interval")
        with allowed():
            copy("casework_note", first.pk, text="repeat('x', 20000)", happened_at="written_at")

    def test_a_correction_without_what_was_wrong_or_of_another_note_is_refused(
        self, notes: tuple[Note, Note, Note], shared: SharedStory
    ) -> None:
        first, correction, of_case = notes
        for wrong in ({"was_wrong": "' '"}, {"edition": "1"}, {"corrects_id": "NULL"}):
            with refused("a_correction_says_what_was_wrong"):
                copy("casework_note", correction.pk, **{"edition": "3"} | wrong)
        with refused("a_correction_says_what_was_wrong"):
            copy("casework_note", first.pk, edition="2")
        with refused("a_note_is_corrected_one_after_another"):
            copy("casework_note", correction.pk)
        # Of a correction; of a note of another record; for other readers.
        elsewhere = {"contact_id": str(shared.about[3]), "child_ids": "'{}'", "adult_ids": "'{}'"}
        for wrong in (
            {"corrects_id": str(correction.pk)},
            elsewhere,
            {"readers": "'team'", "team_id": str(of_case.team_id)},
        ):
            with refused("a_correction_is_read_by_whoever_reads_the_first"):
                copy("casework_note", correction.pk, edition="3", **wrong)
        with allowed():
            copy("casework_note", correction.pk, edition="3")

    def test_a_note_that_does_not_say_who_may_read_it_is_refused(self, notes: tuple[Note, Note, Note]) -> None:
        first, _, of_case = notes
        for note, wrong in (
            (of_case, {"team_id": "NULL"}),
            (of_case, {"readers": "'record'"}),
            (first, {"readers": "'team'"}),
            (first, {"readers": "'nobody'"}),
        ):
            with refused("a_note_says_who_may_read_it"):
                copy("casework_note", note.pk, **wrong)
        with allowed():
            copy("casework_note", of_case.pk)

    def test_a_note_about_somebody_of_another_record_is_refused(
        self, notes: tuple[Note, Note, Note], shared: SharedStory
    ) -> None:
        first, _, of_case = notes
        stranger = str(ContactChild.objects.get(contact=shared.about[3]).pk)
        for note in (first, of_case):
            for column in ("child_ids", "adult_ids"):
                with refused("a_note_is_about_people_of_its_record"):
                    copy("casework_note", note.pk, **{column: f"ARRAY[{stranger}]"})
        with allowed():
            copy("casework_note", of_case.pk, child_ids="'{}'", adult_ids=f"ARRAY[{first.adult_ids[0]}]")


class TestKeysOfPeople:
    """By which a person is found who may be somebody on a new contact."""

    ADDED = "INSERT INTO casework_personkey (key, person_id) VALUES (1, %s), (2, %s)"

    def test_a_key_of_nobody_is_refused(self, story: Story) -> None:
        who = story.contact().children.get().person_id
        with refused("a_key_is_of_a_person_on_record"):
            run(self.ADDED, who, who + 1000)
        with allowed():
            run(self.ADDED, who, who)

    def test_changing_a_key_is_refused(self, story: Story) -> None:
        story.contact()
        with refused("a_key_stays_as_it_is"):
            run("UPDATE casework_personkey SET key = key + 1")

    def test_deleting_a_person_whom_keys_lead_to_is_refused(self, story: Story) -> None:
        other = Person.objects.create()
        with allowed():
            run("DELETE FROM casework_person WHERE id = %s", other.pk)
        run("INSERT INTO casework_personkey (key, person_id) VALUES (1, %s)", other.pk)
        with refused("a_person_stays_as_long_as_keys_lead_there"):
            run("DELETE FROM casework_person WHERE id = %s", other.pk)


class TestSigningIn:
    """What roles need beside a password, and who lets somebody in who has lost it."""

    @pytest.fixture
    def reset(self, db: None, story: Story, erin: User, maya: User) -> FactorReset:
        Authenticator.objects.create(user=erin, type="totp", data={})
        said = "Her telephone was stolen; I know her voice."
        return signing_in.ask_to_let_in(person_id=erin.pk, reason=said, by=maya, now=story.now)

    def test_a_rule_for_no_role_or_of_no_kind_is_refused(self, db: None) -> None:
        rule = SecondFactorRule.objects.get(role="auditor")
        with refused("a_second_step_is_for_a_known_role"):
            change("casework_secondfactorrule", rule.pk, role="'somebody'")
        with refused("a_second_step_is_of_a_known_kind"):
            change("casework_secondfactorrule", rule.pk, kind="'sms'")
        for kind in ("none", "any", "passkey"):
            with allowed():
                change("casework_secondfactorrule", rule.pk, kind=f"'{kind}'")

    def test_a_rule_is_never_deleted(self, db: None) -> None:
        with refused("what_a_role_needs_stays"):
            delete("casework_secondfactorrule", SecondFactorRule.objects.all()[0].pk)
        with refused("what_a_role_needs_stays_all"):
            run("TRUNCATE casework_secondfactorrule")

    def test_nobody_lets_themself_in_and_nobody_alone(self, reset: FactorReset, adele: User) -> None:
        answered = {"answered_at": "now()", "asked_at": "asked_at"}
        for by in (reset.person_id, reset.asked_by_id):
            with refused("two_others_let_somebody_in"):
                change("casework_factorreset", reset.pk, **answered, answered_by_id=str(by), agreed="true")
            with allowed():
                change("casework_factorreset", reset.pk, **answered, answered_by_id=str(by), agreed="false")
        with allowed():
            change("casework_factorreset", reset.pk, **answered, answered_by_id=str(adele.pk), agreed="true")
        with refused("nobody_asks_to_let_themself_in"):
            copy("casework_factorreset", reset.pk, asked_by_id="person_id", answered_at="now()",
                 answered_by_id=str(adele.pk), agreed="false")  # fmt: skip

    def test_a_reason_and_one_open_request_at_a_time(self, reset: FactorReset) -> None:
        with refused("one_request_to_let_somebody_in_is_open"):
            copy("casework_factorreset", reset.pk)
        with refused("who_lets_somebody_in_says_why"):
            copy("casework_factorreset", reset.pk, reason="' '", person_id=str(reset.asked_by_id),
                 asked_by_id="person_id")  # fmt: skip

    @pytest.mark.parametrize(
        "wrong",
        [{"answered_at": "NULL"}, {"answered_by_id": "NULL"}, {"agreed": "NULL"},
         {"answered_at": "asked_at - interval '1 second'"}],
    )  # fmt: skip
    def test_an_answer_says_who_and_when(self, reset: FactorReset, adele: User, wrong: dict[str, str]) -> None:
        answer = {"answered_at": "asked_at", "answered_by_id": str(adele.pk), "agreed": "true"}
        with refused("an_answer_to_let_somebody_in_says_who_and_when"):
            change("casework_factorreset", reset.pk, **answer | wrong)
        with allowed():
            change("casework_factorreset", reset.pk, **answer)

    def test_what_was_asked_stays_and_is_answered_once(self, reset: FactorReset, story: Story, adele: User) -> None:
        with refused("a_request_to_let_somebody_in_is_answered_once"):
            change("casework_factorreset", reset.pk, person_id=str(adele.pk))
        signing_in.agree_to_let_in(reset_id=reset.pk, by=adele, now=story.now)
        with refused("a_request_to_let_somebody_in_is_answered_once"):
            change("casework_factorreset", reset.pk, agreed="false")
        with refused("who_let_somebody_in_stays"):
            delete("casework_factorreset", reset.pk)
        with refused("who_let_somebody_in_stays_all"):
            run("TRUNCATE casework_factorreset")

    def test_an_employee_number_of_two_people_is_refused(self, db: None, ben: User, maya: User) -> None:
        change("localities_user", ben.pk, employee_id="'E1'")
        with refused("an_employee_number_belongs_to_one_person"):
            change("localities_user", maya.pk, employee_id="'E1'")
        with allowed():
            change("localities_user", maya.pk, employee_id="'E2'")


class TestBatches:
    @pytest.fixture
    def entry(self, story: Story, school: Agency) -> BatchEntry:
        """A contact of a batch, which waits. The one before it is taken in."""
        sent = [ToTakeIn(key, contact_document()) for key in "ab"]
        batch = contact_batches.keep(contacts=sent, by=school, now=story.now)
        with pytest.MonkeyPatch.context() as once:
            once.setattr(taking_in, "A_RUN", 1)
            taking_in.take_in(clock=lambda: story.now)
        return batch.entries.get(position=1)

    def test_two_in_one_place_are_refused(self, entry: BatchEntry) -> None:
        with refused("a_batch_has_one_entry_in_a_place"):
            copy("casework_batchentry", entry.pk)
        with allowed():
            copy("casework_batchentry", entry.pk, position="2")

    @pytest.mark.parametrize(
        "wrong",
        [{"take_after": "NULL"}, {"document": "NULL"}, {"why_refused": "'invalid'"},
         {"why_refused": "'late'", "document": "NULL", "take_after": "NULL"},
         {"contact_id": "(SELECT id FROM casework_contact)"},
         {"contact_id": "(SELECT id FROM casework_contact)", "document": "NULL"},
         {"contact_id": "(SELECT id FROM casework_contact)", "take_after": "NULL"}],
    )  # fmt: skip
    def test_one_that_waits_and_is_settled_or_neither_is_refused(
        self, entry: BatchEntry, wrong: dict[str, str]
    ) -> None:
        with refused("a_contact_of_a_batch_waits_or_is_taken_in_or_is_refused"):
            change("casework_batchentry", entry.pk, **wrong)
        settled = {"document": "NULL", "take_after": "NULL"}
        for so in ({"contact_id": "(SELECT id FROM casework_contact)"}, {"why_refused": "'invalid'"}):
            with allowed():
                change("casework_batchentry", entry.pk, **settled, **so)

    def test_deleting_one_that_waits_is_refused(self, entry: BatchEntry) -> None:
        with refused("a_contact_that_waits_is_not_deleted"):
            delete("casework_batchentry", entry.pk)
        with allowed():
            delete("casework_batchentry", entry.batch.entries.get(position=0).pk)


class TestWhatSendersAsk:
    @pytest.fixture
    def request_of(self, story: Story, school: Agency) -> SenderRequest:
        """A sender asks what became of a contact."""
        contact = story.contact()
        said: dict[str, Any] = {"kind": RequestKind.CHASE, "text": "Well?", "idempotency_key": "k"}
        return sender_requests.ask(reference=contact.reference, **said, by=school, now=story.later()).request

    def test_one_thing_at_a_time_and_a_key_once(self, request_of: SenderRequest) -> None:
        with refused("a_request_uses_an_idempotency_key_once"):
            copy("casework_senderrequest", request_of.pk, kind="'withdraw'")
        with refused("a_sender_asks_one_thing_once_at_a_time"):
            copy("casework_senderrequest", request_of.pk, idempotency_key="NULL")
        with allowed():
            copy("casework_senderrequest", request_of.pk, idempotency_key="NULL", kind="'withdraw'")
            copy("casework_senderrequest", request_of.pk, idempotency_key="NULL", ended_at="at")

    def test_a_step_is_of_a_disagreement_and_taken_once(self, request_of: SenderRequest) -> None:
        another = {"idempotency_key": "NULL", "ended_at": "at"}
        for wrong in ({"step": "1"}, {"kind": "'escalate'"}, {"kind": "'escalate'", "step": "5"}, {"kind": "'praise'"}):
            with refused("a_disagreement_and_nothing_else_has_a_step"):
                copy("casework_senderrequest", request_of.pk, **another | wrong)
        first = {"kind": "'escalate'", "step": "1"}
        with refused("a_disagreement_has_each_step_once"):
            copy("casework_senderrequest", request_of.pk, **another | first)
            copy("casework_senderrequest", request_of.pk, **another | first)

    def test_it_says_why_and_an_answer_who_and_when(self, request_of: SenderRequest, amina: User) -> None:
        another = {"idempotency_key": "NULL", "ended_at": "at"}
        with refused("a_request_of_a_sender_says_why"):
            copy("casework_senderrequest", request_of.pk, **another, kind="'withdraw'", text="' '")
        by = {"answered_by_id": str(amina.pk), "answer": "'So.'"}
        for wrong in (by | {"answer": "' '"}, by | {"answered_by_id": "NULL"}, by | {"ended_at": "NULL"}):
            with refused("an_answer_to_a_sender_says_who_what_and_when"):
                copy("casework_senderrequest", request_of.pk, **another | {"kind": "'withdraw'"} | wrong)
        with refused("a_request_of_a_sender_ends_after_it"):
            change("casework_senderrequest", request_of.pk, ended_at="at - interval '1 second'")
        with allowed():
            change("casework_senderrequest", request_of.pk, **by, ended_at="at")

    def test_it_ends_once_and_stays(self, request_of: SenderRequest) -> None:
        for to in ({"text": "'Another.'"}, {"due_at": "now()"}, {"kind": "'withdraw'"}):
            with refused("a_request_of_a_sender_ends_once"):
                change("casework_senderrequest", request_of.pk, **to)
        change("casework_senderrequest", request_of.pk, ended_at="at")
        with refused("a_request_of_a_sender_ends_once"):
            change("casework_senderrequest", request_of.pk, ended_at="NULL")
        with refused("a_request_of_a_sender_ends_once"):
            delete("casework_senderrequest", request_of.pk)
        with refused("requests_of_senders_are_never_emptied"):
            run("TRUNCATE casework_senderrequest")


def test_a_former_secret_without_an_end_is_refused(school: Agency) -> None:
    client = AgencyClient.objects.create(agency=school, name="A system")
    for wrong in ({"former_secret": "'hash'"}, {"former_until": "now()"}):
        with refused("a_former_secret_has_an_end"):
            change("localities_agencyclient", client.pk, **wrong)
    with allowed():
        change("localities_agencyclient", client.pk, former_secret="'hash'", former_until="now()")
