"""
manage.py check_integrity: nothing broken after a whole story, and every invariant seen when it is broken underneath.

Underneath means with PostgreSQL's own means, past every refusal: with triggers silenced, with a constraint dropped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pgtrigger
import pgtrigger.installation
import pytest
from django.core.mail import get_connection
from django.core.management import call_command

from casework.actions import cases, contacts, handoffs, outbox, rechecks, reminders, rule_sets
from casework.integrity import INVARIANTS
from casework.models import (
    AuditEvent,
    Case,
    Clock,
    Contact,
    Decision,
    OutboxMessage,
    Reminder,
    Responsibility,
    SignOff,
)
from localities.models import Agency, Catchment, Locality, Membership, User
from tests.documents import address, child, contact_document
from tests.drafts import AHEAD, Drafts
from tests.sql import change, copy, delete, run, settle
from tests.story import Story
from triage.models import RuleSetVersion

REFUSALS = "Every refusal of the database stands and is switched on"
HELD_NOW = "An open case has a responsible team now, and a closed one none"
NO_GAP = "From its opening to its closing a case is in somebody's hands without a gap"
PASSES = "Only an accepted handoff passes responsibility, and it does so once, in the instant of its acceptance"
SECOND_PERSON = "A decision that needs a second person takes effect only when one agreed, who is not the decider"
LIVE = "One rule set is live at an instant, and from the first on there is no gap between them"
STATUS = "A status is where its last change left it"
PERIODS = "A period ends after it starts"
ON_OFFER = "A handoff on offer has its clock running, and an answered one has none"
SENT_ONCE = "A message that was sent is not parked, and is one message under its key"


def found() -> tuple[int, dict[str, int]]:
    """What the command finds: its exit code, and how often each invariant is broken, where it is."""
    says = StringIO()
    try:
        call_command("check_integrity", stdout=says)
    except SystemExit as done:
        code = int(str(done.code))
    else:
        code = 0
    *lines, last = says.getvalue().splitlines()
    counted = {line[9:]: int(line[:7]) for line in lines}
    assert len(counted) == len(INVARIANTS) + 1
    assert last == ("Nothing is broken." if code == 0 else f"{sum(counted.values())} broken.")
    return code, {invariant: broken for invariant, broken in counted.items() if broken}


def only_finds(invariant: str) -> bool:
    """That the command finds this broken, once or from two sides, and nothing else."""
    code, broken = found()
    return (code, set(broken)) == (1, {invariant})


@contextmanager
def underneath(*dropped: tuple[str, str]) -> Iterator[None]:
    """With no trigger firing, and without these constraints: (table, name)."""
    settle()
    for table, name in dropped:
        drop(table, name)
    run("SET LOCAL session_replication_role = replica")
    yield
    run("SET LOCAL session_replication_role = origin")


def drop(table: str, name: str) -> None:
    """Drop a constraint, or the index that is one."""
    if run("SELECT 1 FROM pg_constraint WHERE conname = %s", name):
        run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    else:
        run(f'DROP INDEX "{name}"')


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


def held_now(case: Case) -> Responsibility:
    return Responsibility.objects.get(case=case, period__endswith__isnull=True)


def test_every_invariant_is_broken_here() -> None:
    """An invariant that is new has to be seen broken too."""
    source = Path(__file__).read_text(encoding="utf-8")
    assert [each.says for each in INVARIANTS if f'"{each.says}"' not in source] == []


def test_nothing_is_broken_before_the_first_contact(db: None) -> None:
    assert found() == (0, {})


def test_nothing_is_broken_after_a_whole_story(story: Story, amina: User, ben: User, bea: User) -> None:
    """Received, decided, returned, offered again, accepted, led, linked, reminded, signed off, sent, closed."""
    handoff = story.offered(story.contact(received_by_phone=True))
    handoffs.return_to_sender(handoff_id=handoff.pk, reason="Ask again on Monday.", by=ben, now=story.later())
    again = handoffs.offer(
        case_id=handoff.case_id, to_team_id=story.team("aylesbury").pk, reason="It is Monday.", by=amina,
        now=story.later(days=4),
    )  # fmt: skip
    handoffs.accept(handoff_id=again.pk, by=bea, now=story.later())
    cases.name_lead(case_id=again.case_id, lead_id=bea.pk, by=ben, now=story.later())
    linked = story.contact()
    story.decided(linked)
    assert linked.case_id == again.case_id
    withdrawn = handoffs.offer(
        case_id=again.case_id, to_team_id=story.team("chiltern").pk, reason="They move.", by=ben, now=story.later()
    )
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
    reminders.sweep(now=story.later(days=40))
    outbox.drain(clock=lambda: story.now, connect=get_connection)
    story.closed(Case.objects.get(pk=again.case_id))
    settle()
    assert Reminder.objects.filter(step="escalation").exists()
    assert OutboxMessage.objects.filter(sent_at__isnull=False).exists()
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


class TestResponsibility:
    def test_two_teams_at_an_instant(self, story: Story) -> None:
        case = story.accepted()
        first = Responsibility.objects.exclude(pk=held_now(case).pk).get(case=case)
        name = "a_case_has_one_responsible_team_at_an_instant"
        with underneath(("casework_responsibility", name)):
            copy("casework_responsibility", first.pk, team_id=str(story.team("chiltern").pk))
        assert found() == (1, {"A case has one responsible team at an instant": 1, REFUSALS: 1})

    def test_an_open_case_in_nobodys_hands(self, story: Story) -> None:
        """Which is a gap, too."""
        held = held_now(story.accepted())
        with underneath():
            change("casework_responsibility", held.pk, period="tstzrange(lower(period), lower(period) + '1 hour')")
        assert found() == (1, {HELD_NOW: 1, NO_GAP: 1})

    def test_a_closed_case_in_somebodys_hands(self, story: Story) -> None:
        case = story.closed()
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
    def test_it_starts_after_or_before_the_case_opens(self, story: Story, period: str) -> None:
        held = held_now(story.offered().case)
        with underneath():
            change("casework_responsibility", held.pk, period=period)
        assert found() == (1, {NO_GAP: 1})

    def test_a_gap_between_two_teams(self, story: Story) -> None:
        case = story.accepted()
        first = Responsibility.objects.exclude(pk=held_now(case).pk).get(case=case)
        with underneath():
            change(
                "casework_responsibility", first.pk,
                period="tstzrange(lower(period), upper(period) - interval '1 microsecond')",
            )  # fmt: skip
        assert found() == (1, {"From its opening to its closing a case is in somebody's hands without a gap": 1})

    def test_a_case_that_nobody_ever_held(self, story: Story) -> None:
        held = held_now(story.offered().case)
        with underneath():
            delete("casework_responsibility", held.pk)
        assert found() == (1, {"An open case has a responsible team now, and a closed one none": 1, NO_GAP: 1})


class TestHandoffs:
    def test_two_on_offer(self, story: Story) -> None:
        handoff = story.offered()
        with underneath(("casework_handoff", "a_case_has_one_open_handoff")):
            second = copy("casework_handoff", handoff.pk, to_team_id=str(story.team("chiltern").pk))
            copy("casework_clock", handoff.clocks.get().pk, handoff_id=str(second))
        assert found() == (1, {"A case has at most one open handoff": 1, REFUSALS: 1})

    @pytest.mark.parametrize(
        "to",
        [{"handoff_id": "NULL"}, {"team_id": "(SELECT id FROM localities_team WHERE code = 'chiltern')"}],
    )
    def test_one_was_accepted_and_nothing_passed(self, story: Story, to: dict[str, str]) -> None:
        held = held_now(story.accepted())
        with underneath():
            change("casework_responsibility", held.pk, **to)
        assert only_finds(PASSES)

    def test_one_was_accepted_at_another_moment(self, story: Story) -> None:
        case = story.accepted()
        with underneath():
            change("casework_handoff", case.handoffs.get().pk, answered_at="answered_at + interval '1 microsecond'")
        assert only_finds(PASSES)

    def test_responsibility_passed_by_one_that_was_not_accepted(self, story: Story) -> None:
        case = story.accepted()
        handoff = case.handoffs.get()
        last = handoff.status_changes.get()
        with underneath():
            change("casework_handoff", handoff.pk, status="'returned'", answer_reason="'No.'")
            change("casework_statuschange", last.pk, to_status="'returned'")
        assert only_finds(PASSES)

    def test_one_passed_responsibility_twice(self, story: Story) -> None:
        """To the team, and an hour later to the same team again."""
        held = held_now(story.accepted())
        (key,) = run(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'casework_responsibility'::regclass "
            "AND contype = 'u' AND conname LIKE '%handoff%'"
        )
        with underneath(("casework_responsibility", *key)):
            change("casework_responsibility", held.pk, period="tstzrange(lower(period), lower(period) + '1 hour')")
            copy("casework_responsibility", held.pk, period="tstzrange(upper(period), NULL)")
        assert PASSES in found()[1]

    def test_responsibility_passed_without_one(self, story: Story) -> None:
        """From one team to another that was never asked."""
        held = held_now(story.accepted())
        with underneath():
            change("casework_responsibility", held.pk, period="tstzrange(lower(period), lower(period) + '1 hour')")
            copy(
                "casework_responsibility", held.pk, period="tstzrange(upper(period), NULL)", handoff_id="NULL",
                team_id=str(story.team("chiltern").pk),
            )  # fmt: skip
        assert only_finds(PASSES)

    def test_one_on_offer_without_its_clock(self, story: Story) -> None:
        clock = story.offered().clocks.get()
        with underneath():
            change("casework_clock", clock.pk, stopped_at="started_at", ended="'done'")
        assert found() == (1, {"A handoff on offer has its clock running, and an answered one has none": 1})

    def test_one_that_was_answered_with_a_clock(self, story: Story) -> None:
        clock = story.accepted().handoffs.get().clocks.get()
        with underneath():
            change("casework_clock", clock.pk, stopped_at="NULL", ended="''")
        assert found() == (1, {ON_OFFER: 1})


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
        """The case is the effect, whatever the contact says."""
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
            contacts.receive(document=contact_document(), by=school, now=story.now, idempotency_key=key)
        with underneath(("casework_contact", "an_agency_uses_an_idempotency_key_once")):
            change("casework_contact", Contact.objects.get(idempotency_key="l").pk, idempotency_key="'k'")
        assert found() == (1, {"An agency uses an idempotency key once": 1, REFUSALS: 1})

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
        """It left where it started, and nothing says when, by whom and why."""
        contact = story.contact()
        with underneath():
            change("casework_contact", contact.pk, status="'sign_off'")
        assert found() == (1, {STATUS: 1})


class TestCases:
    def test_a_closed_one_with_a_clock(self, story: Story) -> None:
        case = story.closed()
        with underneath():
            change("casework_clock", case.clocks.all()[0].pk, stopped_at="NULL", ended="''")
        assert found() == (1, {"A closed case has no clock running": 1})

    @pytest.mark.parametrize("to", [{"closed_by_id": "NULL"}, {"outcome": "''"}])
    def test_a_closed_one_that_says_not_who_or_how(self, story: Story, to: dict[str, str]) -> None:
        case = story.closed()
        with underneath(("casework_case", "a_closed_case_says_who_when_and_with_what_outcome")):
            change("casework_case", case.pk, **to)
        assert found() == (1, {"A closed case says who, when and with what outcome": 1, REFUSALS: 1})

    def test_one_that_closed_before_it_opened(self, story: Story) -> None:
        case = story.closed()
        with underneath(("casework_case", "a_case_closes_after_it_opens")):
            change("casework_case", case.pk, closed_at="opened_at - interval '1 second'")
        code, broken = found()
        assert code == 1
        assert {NO_GAP, PERIODS} & set(broken)

    def test_new_information_in_work_that_had_ended(self, story: Story) -> None:
        case = story.closed()
        later = story.contact(**stranger())
        story.decided(later)
        with underneath():
            change("casework_contact", later.pk, case_id=str(case.pk))
        assert found() == (1, {"New information goes to work that is open": 1})


class TestRemindersAndMessages:
    def test_two_reminders_of_a_step(self, story: Story) -> None:
        clock = story.contact().clocks.get(kind="next_step_decision")
        reminders.sweep(now=clock.warn_at)
        with underneath(("casework_reminder", "a_clock_reminds_of_a_step_once")):
            copy("casework_reminder", Reminder.objects.get(clock=clock).pk)
        assert found() == (1, {"A clock reminds of a step once": 1, REFUSALS: 1})

    def test_a_message_both_sent_and_parked(self, story: Story) -> None:
        message = OutboxMessage.objects.get(contact=story.contact())
        with underneath(("casework_outboxmessage", "a_sent_message_is_not_parked")):
            change("casework_outboxmessage", message.pk, sent_at="now()", parked_at="now()")
        expected = {"A message that was sent is not parked, and is one message under its key": 1, REFUSALS: 1}
        assert found() == (1, expected)

    def test_two_messages_under_one_key(self, story: Story) -> None:
        message = OutboxMessage.objects.get(contact=story.contact())
        with underneath(("casework_outboxmessage", "casework_outboxmessage_idempotency_key_key")):
            copy("casework_outboxmessage", message.pk)
        assert found()[1][SENT_ONCE] == 1


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
            copy("triage_rulesetversion", RuleSetVersion.objects.get().pk, version="2")
        assert found() == (1, {LIVE: 1, REFUSALS: 1})

    def test_a_moment_at_which_no_rule_set_is_live(self, drafts: Drafts) -> None:
        """A microsecond between one version and the next: whoever came then would have met none."""
        published = drafts.published()
        with underneath():
            change(
                "triage_rulesetversion", published.pk, live="tstzrange(lower(live) + interval '1 microsecond', NULL)"
            )
        assert found() == (
            1,
            {"One rule set is live at an instant, and from the first on there is no gap between them": 1},
        )

    def test_the_last_rule_set_ends_and_none_follows(self) -> None:
        with underneath():
            change(
                "triage_rulesetversion", RuleSetVersion.objects.get().pk, live="tstzrange(lower(live), '2100-01-01')"
            )
        assert found() == (1, {LIVE: 1})

    @pytest.mark.parametrize("to", ["approved_by_id", "proposed_by_id"])
    def test_a_draft_that_one_person_published(self, drafts: Drafts, to: str) -> None:
        published = drafts.published()
        other = {"approved_by_id": "proposed_by_id", "proposed_by_id": "approved_by_id"}[to]
        with underneath(("triage_rulesetversion", "two_people_publish_a_draft")):
            change("triage_rulesetversion", published.pk, **{to: other})
        assert found() == (1, {"A rule set that people drafted was published by two of them": 1, REFUSALS: 1})

    def test_a_draft_that_nobody_approved(self, drafts: Drafts) -> None:
        published = drafts.published()
        with underneath(("triage_rulesetversion", "two_people_publish_a_draft")):
            change("triage_rulesetversion", published.pk, approved_by_id="NULL")
        assert found() == (1, {"A rule set that people drafted was published by two of them": 1, REFUSALS: 1})

    def test_a_contact_whose_version_was_live_later(self, drafts: Drafts) -> None:
        """It was triaged by rules that were not there yet."""
        contact = drafts.story.contact()
        published = drafts.published()
        with underneath():
            change("casework_recommendation", contact.recommendation_id or 0, rule_set_id=str(published.pk))
        assert found() == (1, {"A contact that was received has a recommendation, by a version that was live then": 1})

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
        held = held_now(story.offered().case)
        with underneath(("casework_responsibility", "a_responsibility_starts_at_a_moment_and_lasts")):
            change("casework_responsibility", held.pk, period=period)
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
        """It refuses as the named ones do: an outbox message sent twice, a handoff accepted twice."""
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
