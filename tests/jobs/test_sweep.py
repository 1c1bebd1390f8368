"""
The sweep: who is told about a promise, at which moment, and that a missed hour is caught up.

Warning to the responsible team, breach to the policy's role, escalation to the service manager; each once.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casework.actions import cases, handoffs, referrers
from casework.deadlines import recipients
from casework.jobs import sweep
from casework.models import AuditEvent, Clock, Event, Handoff, OutboxMessage, Reminder
from casework.reading import worklists
from localities.models import Membership, Role, Team, User
from localities.working_time import LONDON, local_day
from tests.stage.documents import child
from tests.stage.sql import run, settle
from tests.stage.story import Story

SECOND = timedelta(seconds=1)
HARM: dict[str, Any] = {"children": [child(indicators=["L4-01"])]}
FRONT_DOOR = {"amina", "oliver", "maya", "david"}
STEPS = [("warning", "warn_at"), ("breach", "due_at"), ("escalation", "escalate_at")]


def steps(clock: Clock) -> list[str]:
    """What was said about a clock, in this order."""
    return list(clock.reminders.order_by("pk").values_list("step", flat=True))


def people_reminded(clock: Clock, step: str) -> set[str]:
    """The names before the @ of everybody who is told."""
    messages = OutboxMessage.objects.filter(reminder__clock=clock, reminder__step=step)
    return {to.removesuffix("@front-door.example") for to in messages.values_list("to", flat=True)}


def leaves(user: User) -> None:
    user.is_active = False
    user.save(update_fields=["is_active"])


def of_contact(story: Story) -> Clock:
    return story.contact().clocks.get(kind="next_step_decision")


def of_handoff(story: Story) -> Clock:
    return story.offered().clocks.get()


def of_case(story: Story) -> Clock:
    return story.accepted().clocks.get(kind="first_family_contact")


def case_of(clock: Clock) -> int:
    assert clock.case_id is not None
    return clock.case_id


class TestTheMoment:
    @pytest.mark.parametrize("of", [of_contact, of_handoff, of_case])
    @pytest.mark.parametrize(("step", "moment"), STEPS)
    def test_not_a_second_before_then_once(self, story: Story, of: Any, step: str, moment: str) -> None:
        clock = of(story)
        at: datetime = getattr(clock, moment)
        sweep.sweep(now=at - SECOND)
        assert step not in steps(clock)
        sweep.sweep(now=at)
        assert steps(clock)[-1] == step
        assert clock.reminders.get(step=step).created_at == at
        sweep.sweep(now=at)
        sweep.sweep(now=at + SECOND)
        assert steps(clock).count(step) == 1

    def test_what_the_sweep_misses_by_a_second_it_finds_a_second_later(self, story: Story) -> None:
        clock = of_contact(story)
        sweep.sweep(now=clock.warn_at + SECOND)
        assert steps(clock) == ["warning"]

    def test_a_clock_over_a_night_when_the_clocks_change(self, story: Story) -> None:
        """Saturday 24 October 2026, 22:30 BST, four hours day and night: due at 01:30 GMT, the second 01:30."""
        contact = story.contact(
            at=datetime(2026, 10, 24, 22, 30, tzinfo=LONDON), **HARM, agreement={"service": "not_sought"}
        )
        clock = contact.clocks.get(kind="final_decision_red")
        due = datetime(2026, 10, 25, 1, 30, fold=1, tzinfo=LONDON)
        sweep.sweep(now=due - SECOND)
        assert steps(clock) == ["warning"]
        sweep.sweep(now=due)
        assert steps(clock) == ["warning", "breach"]

    def test_it_goes_from_step_to_step_and_then_is_left_alone(self, story: Story) -> None:
        clock = of_contact(story)
        for step, moment in STEPS:
            sweep.sweep(now=getattr(clock, moment))
            assert steps(clock)[-1] == step
        clock.refresh_from_db()
        assert clock.next_at is None
        sweep.sweep(now=clock.escalate_at + timedelta(days=365))
        assert steps(clock) == ["warning", "breach", "escalation"]


class TestAfterAnOutage:
    def test_days_are_caught_up_every_step_once(self, story: Story) -> None:
        clock = of_contact(story)
        looked = sweep.sweep(now=clock.escalate_at + timedelta(days=5))
        assert looked >= 3
        assert steps(clock) == ["warning", "breach", "escalation"]
        assert people_reminded(clock, "warning") == FRONT_DOOR
        assert people_reminded(clock, "breach") == {"maya", "david"}
        assert people_reminded(clock, "escalation") == {"sam"}

    def test_and_nobody_is_told_a_second_time(self, story: Story) -> None:
        clock = of_contact(story)
        late = clock.escalate_at + timedelta(days=5)
        sweep.sweep(now=late)
        before = OutboxMessage.objects.count()
        assert sweep.sweep(now=late + timedelta(days=5)) == 0
        assert OutboxMessage.objects.count() == before

    def test_an_outage_over_the_warning_skips_no_step(self, story: Story) -> None:
        clock = of_contact(story)
        sweep.sweep(now=clock.due_at)
        assert steps(clock) == ["warning", "breach"]


class TestAStoppedClock:
    def test_it_is_silent(self, story: Story) -> None:
        contact = story.contact()
        clock = contact.clocks.get(kind="next_step_decision")
        story.decided(contact)
        sweep.sweep(now=clock.escalate_at + timedelta(days=1))
        assert steps(clock) == []

    def test_it_falls_silent_in_the_second_in_which_it_stops(self, story: Story, oliver: User) -> None:
        contact = story.contact()
        clock = contact.clocks.get(kind="acknowledge_referrer")
        sweep.sweep(now=clock.warn_at)
        referrers.acknowledge(contact_id=contact.pk, by=oliver, now=clock.due_at - SECOND)
        sweep.sweep(now=clock.due_at)
        sweep.sweep(now=clock.escalate_at)
        assert steps(clock) == ["warning"]

    def test_a_closed_case_is_silent(self, story: Story) -> None:
        case = story.closed()
        sweep.sweep(now=story.later(days=365))
        assert not Reminder.objects.filter(clock__case=case).exists()


class TestWhoIsToldAboutAContact:
    def test_a_warning_goes_to_everybody_at_the_front_door(self, story: Story) -> None:
        clock = of_contact(story)
        sweep.sweep(now=clock.warn_at)
        assert people_reminded(clock, "warning") == FRONT_DOOR
        reminder = clock.reminders.get()
        assert (reminder.user, reminder.role, reminder.team) == (None, "", story.team("front-door"))

    def test_a_breach_goes_to_its_managers(self, story: Story) -> None:
        clock = of_contact(story)
        sweep.sweep(now=clock.due_at)
        assert people_reminded(clock, "breach") == {"maya", "david"}

    def test_an_escalation_goes_to_the_service_manager(self, story: Story) -> None:
        clock = of_contact(story)
        sweep.sweep(now=clock.escalate_at)
        assert people_reminded(clock, "escalation") == {"sam"}

    def test_at_night_it_is_emergency_duty(self, story: Story) -> None:
        contact = story.contact(at=datetime(2026, 11, 21, 23, 30, tzinfo=LONDON), **HARM)
        clock = contact.clocks.get(kind="final_decision_red")
        sweep.sweep(now=clock.due_at)
        assert people_reminded(clock, "warning") == {"erin", "ezra"}
        assert people_reminded(clock, "breach") == {"ezra"}

    def test_a_shared_mailbox_stands_for_the_whole_team(self, story: Story) -> None:
        Team.objects.filter(code="front-door").update(email="hub@front-door.example")
        clock = of_contact(story)
        sweep.sweep(now=clock.due_at)
        assert people_reminded(clock, "warning") == {"hub"}
        # A breach is somebody's in particular.
        assert people_reminded(clock, "breach") == {"maya", "david"}

    def test_without_a_manager_in_the_team_those_of_the_service_hear_of_a_breach(
        self, story: Story, maya: User, david: User
    ) -> None:
        clock = of_contact(story)
        for manager in (maya, david):
            leaves(manager)
        sweep.sweep(now=clock.due_at)
        assert people_reminded(clock, "breach") == {"ezra"}

    def test_without_any_the_service_manager_does(self, story: Story) -> None:
        clock = of_contact(story)
        Membership.objects.filter(role=Role.FRONT_DOOR_MANAGER).delete()
        sweep.sweep(now=clock.due_at)
        assert people_reminded(clock, "breach") == {"sam"}

    def test_who_has_two_roles_in_the_team_is_told_once(self, story: Story, maya: User) -> None:
        Membership.objects.create(user=maya, role=Role.SOCIAL_WORKER, team=story.team("front-door"))
        clock = of_contact(story)
        sweep.sweep(now=clock.warn_at)
        assert OutboxMessage.objects.filter(reminder__clock=clock, to=maya.email).count() == 1


def test_a_whole_team_without_anybody_in_it_is_no_silence(story: Story) -> None:
    contact = story.contact(at=story.now.replace(hour=23), **HARM)
    assert contact.team.code == "emergency-duty"
    Membership.objects.filter(team=contact.team).delete()
    clock = contact.clocks.get(kind="next_step_decision")
    sweep.sweep(now=clock.warn_at)
    assert people_reminded(clock, "warning") == {"sam"}


class TestWhoIsToldAboutAHandoff:
    def test_those_who_lead_the_team_that_is_asked(self, story: Story) -> None:
        clock = of_handoff(story)
        sweep.sweep(now=clock.due_at)
        assert people_reminded(clock, "warning") == people_reminded(clock, "breach") == {"ben"}

    def test_a_breach_of_a_red_one_goes_to_the_service_manager(self, story: Story) -> None:
        contact = story.contact(**HARM)
        clock = story.offered(contact, by="maya").clocks.get()
        assert clock.kind == "handoff_acceptance_red"
        sweep.sweep(now=clock.due_at)
        assert people_reminded(clock, "warning") == {"pat"}
        assert people_reminded(clock, "breach") == {"sam"}

    def test_an_escalation_goes_to_the_service_manager(self, story: Story) -> None:
        clock = of_handoff(story)
        sweep.sweep(now=clock.escalate_at)
        assert people_reminded(clock, "escalation") == {"sam"}

    def test_a_team_without_a_lead_does_not_miss_it(self, story: Story, ben: User) -> None:
        """The role is sought in the whole service then."""
        clock = of_handoff(story)
        leaves(ben)
        sweep.sweep(now=clock.due_at)
        leads = {"carol", "nadia", "will", "chris", "sofia", "pat", "dan"}
        assert people_reminded(clock, "breach") == leads

    def test_and_they_have_it_on_their_lists_until_they_look(self, story: Story, ben: User, carol: User) -> None:
        clock = of_handoff(story)
        leaves(ben)
        sweep.sweep(now=clock.due_at)
        assert list(recipients.reminders_of(carol, clock.due_at).filter(clock=clock, step="breach"))
        unread = {each.person: each.team for each in recipients.unread_breaches(None, clock.due_at)}
        assert unread["Carol Nwosu"] == "Wycombe and Marlow team"

    def test_a_service_without_a_lead_neither(self, story: Story) -> None:
        clock = of_handoff(story)
        Membership.objects.filter(role=Role.TEAM_LEAD).delete()
        sweep.sweep(now=clock.due_at)
        assert people_reminded(clock, "warning") == people_reminded(clock, "breach") == {"sam"}
        assert {(each.role, each.team) for each in clock.reminders.all()} == {("service_manager", None)}


class TestWhoIsToldAboutACase:
    def test_before_somebody_leads_the_work_those_who_lead_the_team(self, story: Story) -> None:
        clock = of_case(story)
        sweep.sweep(now=clock.warn_at)
        assert people_reminded(clock, "warning") == {"ben"}

    def test_then_the_lead_practitioner(self, story: Story, ben: User, bea: User) -> None:
        clock = of_case(story)
        cases.name_lead(case_id=case_of(clock), lead_id=bea.pk, by=ben, now=story.later())
        sweep.sweep(now=clock.warn_at)
        assert people_reminded(clock, "warning") == {"bea"}
        assert clock.reminders.get().user == bea

    def test_a_breach_goes_to_those_who_lead_the_team(self, story: Story, ben: User, bea: User) -> None:
        clock = of_case(story)
        cases.name_lead(case_id=case_of(clock), lead_id=bea.pk, by=ben, now=story.later())
        sweep.sweep(now=clock.escalate_at)
        assert people_reminded(clock, "breach") == {"ben"}
        assert people_reminded(clock, "escalation") == {"sam"}

    def test_the_team_that_holds_it_now(self, story: Story, ben: User, carol: User) -> None:
        clock = of_case(story)
        handoff = handoffs.offer(
            case_id=case_of(clock), to_team_id=story.team("wycombe-and-marlow").pk, reason="They moved.", by=ben,
            now=story.later(),
        )  # fmt: skip
        handoffs.accept(handoff_id=handoff.pk, by=carol, now=story.later())
        sweep.sweep(now=clock.due_at)
        assert people_reminded(clock, "breach") == {"carol"}

    def test_the_front_door_while_it_holds_a_case_that_came_back(self, story: Story, ben: User) -> None:
        """The front door is responsible, and its managers lead it: nobody else is warned of its work."""
        clock = story.returned().clocks.get(kind="next_team_offered")
        sweep.sweep(now=clock.due_at)
        assert people_reminded(clock, "breach") == {"maya", "david"}
        assert {"maya", "david"} <= people_reminded(clock, "warning") <= FRONT_DOOR

    def test_the_front_door_while_nobody_has_taken_on_a_child_at_risk(self, story: Story) -> None:
        """Offered to child protection and not accepted: the strategy discussion is still the front door's to see to."""
        handoff = story.offered(story.contact(**HARM), by="maya")
        clock = handoff.case.clocks.get(kind="strategy_discussion")
        sweep.sweep(now=clock.warn_at)
        assert {"maya", "david"} <= people_reminded(clock, "warning") <= FRONT_DOOR

    def test_the_warning_stands_on_the_worklist_of_those_who_are_told(
        self, story: Story, ben: User, maya: User, amina: User
    ) -> None:
        clock = story.returned().clocks.get(kind="next_team_offered")
        sweep.sweep(now=clock.warn_at)
        assert clock in [reminder.clock for reminder in worklists.my_reminders(maya, clock.warn_at)]


class TestWhoIsHereNoMore:
    def test_who_left_is_not_told(self, story: Story, maya: User) -> None:
        clock = of_contact(story)
        leaves(maya)
        sweep.sweep(now=clock.due_at)
        assert people_reminded(clock, "warning") == {"amina", "oliver", "david"}
        assert people_reminded(clock, "breach") == {"david"}

    def test_a_membership_holds_from_its_first_day_to_its_last(self, story: Story) -> None:
        clock = of_contact(story)
        day = local_day(clock.warn_at)
        front_door = Membership.objects.filter(team__code="front-door")
        front_door.filter(user__username="amina").update(ends_on=day - timedelta(days=1))
        front_door.filter(user__username="oliver").update(ends_on=day)
        front_door.filter(user__username="maya").update(starts_on=day + timedelta(days=1))
        front_door.filter(user__username="david").update(starts_on=day)
        sweep.sweep(now=clock.warn_at)
        assert people_reminded(clock, "warning") == {"oliver", "david"}

    def test_a_lead_practitioner_who_left_is_not_told_but_somebody_is(self, story: Story, ben: User, bea: User) -> None:
        clock = of_case(story)
        cases.name_lead(case_id=case_of(clock), lead_id=bea.pk, by=ben, now=story.later())
        leaves(bea)
        sweep.sweep(now=clock.warn_at)
        assert people_reminded(clock, "warning") == {"ben"}

    def test_a_lead_practitioner_who_works_elsewhere_now_is_not_told_but_somebody_is(
        self, story: Story, ben: User, bea: User
    ) -> None:
        clock = of_case(story)
        cases.name_lead(case_id=case_of(clock), lead_id=bea.pk, by=ben, now=story.later())
        Membership.objects.filter(user=bea).update(team=story.team("chiltern"))
        sweep.sweep(now=clock.warn_at)
        assert people_reminded(clock, "warning") == {"ben"}

    def test_a_service_manager_who_left_is_not_told(self, story: Story, sam: User, ava: User) -> None:
        Membership.objects.create(user=ava, role=Role.SERVICE_MANAGER)
        leaves(sam)
        clock = of_contact(story)
        sweep.sweep(now=clock.escalate_at)
        assert people_reminded(clock, "escalation") == {"ava"}


class TestTheRecord:
    def test_a_reminder_leaves_an_event_and_no_name(self, story: Story) -> None:
        clock = of_handoff(story)
        sweep.sweep(now=clock.warn_at)
        event = AuditEvent.objects.get(event=Event.REMINDER_SENT, handoff=clock.handoff)
        assert (event.at, event.actor, event.case) == (clock.warn_at, "system", Handoff.objects.get().case)
        assert event.detail == {"clock": clock.pk, "step": "warning"}
        assert "Ashworth" not in json.dumps(list(AuditEvent.objects.values_list("detail", flat=True)))

    def test_its_messages_go_out_now(self, story: Story) -> None:
        clock = of_contact(story)
        sweep.sweep(now=clock.warn_at)
        message = OutboxMessage.objects.filter(reminder__clock=clock)[0]
        assert message.created_at == message.not_before == clock.warn_at
        assert (message.contact, message.case) == (clock.contact, None)

    def test_a_sweep_that_fails_leaves_nothing_behind(self, story: Story) -> None:
        """All in one statement: no reminder without its messages."""
        clock = of_contact(story)
        settle()
        run("ALTER TABLE casework_outboxmessage ADD CONSTRAINT broken CHECK (kind <> 'reminder') NOT VALID")
        with pytest.raises(Exception, match="broken"):
            sweep.sweep(now=clock.warn_at)
        assert not Reminder.objects.exists()


class TestItsCost:
    """It follows what is due, not what there is."""

    def test_the_index_of_running_clocks_finds_what_is_due(self, story: Story) -> None:
        clock = of_contact(story)
        self.many(clock, 20_000, stopped_at="started_at", ended="'done'", next_at="NULL")
        self.many(clock, 2_000, next_at="'2027-06-01'")
        run("ANALYZE casework_clock")
        plan = self.plan(clock.warn_at)
        assert steps(clock) == ["warning"]
        finds_due = next(node for node in _nodes(plan) if node.get("Subplan Name") == "CTE due")
        scans = [node for node in _nodes(finds_due) if node.get("Relation Name") == "casework_clock"]
        assert [scan.get("Index Name") for scan in scans] == ["clock_to_sweep"]
        assert "next_at" in scans[0]["Index Cond"], "the whole index is read"

    def test_who_had_many_letters_is_asked_once_for_each_person(self, story: Story) -> None:
        """Not once for each letter that is written; and once it is clear that they had many, no further."""
        clock = of_contact(story)
        sweep.sweep(now=clock.warn_at)
        said = run(
            'INSERT INTO casework_outboxmessage (kind, idempotency_key, "to", reminder_id, created_at, not_before, '
            'attempts, last_error, drop_reason) SELECT kind, idempotency_key || n, "to", reminder_id, created_at, '
            "not_before, 0, '', '' FROM casework_outboxmessage, generate_series(1, 300) n "
            'WHERE reminder_id IS NOT NULL RETURNING "to"'
        )
        self.many(clock, 50, next_at="warn_at")
        run("ANALYZE casework_outboxmessage")
        looks = [
            (node["Actual Loops"], node["Actual Rows"])
            for node in _nodes(self.plan(clock.warn_at + timedelta(minutes=1)))
            if node.get("Relation Name") == "casework_outboxmessage" and node["Node Type"] != "ModifyTable"
        ]
        people = len(set(said))
        assert people > 1
        assert looks == [(people, sweep.MOST_EMAILS_AN_HOUR)]

    def test_one_query_for_each_batch_whoever_is_told(self, story: Story) -> None:
        for _ in range(5):
            story.contact()
        clock = of_contact(story)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            sweep.sweep(now=clock.warn_at)
        assert len(_sweeps(captured)) == 2, "one that finds them all, and one that finds nothing more"
        assert Reminder.objects.count() > 6

    def test_more_than_a_batch_is_swept_at_once(self, story: Story) -> None:
        clock = of_contact(story)
        self.many(clock, sweep.AT_ONCE + 1, next_at="warn_at")
        with CaptureQueriesContext(connection) as captured:
            looked = sweep.sweep(now=clock.warn_at)
        assert looked == Reminder.objects.count()
        assert looked > sweep.AT_ONCE + 1
        assert len(_sweeps(captured)) == 3

    @staticmethod
    def plan(moment: datetime) -> Any:
        """How the database sweeps at this moment, what is due for real."""
        plans: list[Any] = []

        def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if "FOR UPDATE SKIP LOCKED" in sql and not sql.startswith("EXPLAIN"):
                with connection.cursor() as cursor:
                    cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
                    plans.append(cursor.fetchone()[0])
            return execute(sql, params, many, context)

        with connection.execute_wrapper(explain):
            sweep.sweep(now=moment)
        return plans[0]

    @staticmethod
    def many(clock: Clock, count: int, **but: str) -> None:
        """Clocks like this one, each of a kind of its own."""
        settle()
        columns = [str(field.column) for field in Clock._meta.concrete_fields if field.column not in ("id", "kind")]
        values = ", ".join(but.get(column, column) for column in columns)
        tag = f"{count}:"
        run("SET LOCAL session_replication_role = replica")
        run(
            f"INSERT INTO casework_clock (kind, {', '.join(columns)}) SELECT '{tag}' || n, {values} "
            f"FROM casework_clock, generate_series(1, {count}) n WHERE id = {clock.pk}"
        )
        run("SET LOCAL session_replication_role = origin")


def _sweeps(captured: CaptureQueriesContext) -> Sequence[str]:
    return [query["sql"] for query in captured.captured_queries if "casework_clock" in query["sql"]]


def _nodes(plan: Any) -> list[dict[str, Any]]:
    """Every node of a plan."""
    if isinstance(plan, list):
        return [node for each in plan for node in _nodes(each)]
    if isinstance(plan, dict):
        return [plan, *(node for value in plan.values() for node in _nodes(value))]
    return []
