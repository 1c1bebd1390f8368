"""A database of an earlier release, with data in it, comes through the migrations whole."""

import json

import pytest
from django.core.management import call_command
from django.db.models import QuerySet

from casework.actions import handoffs
from casework.models import AuditEvent, Case, Clock, Handoff, RuleSetReason
from casework.record import integrity
from tests.conftest import THURSDAY
from tests.stage.documents import address, child
from tests.stage.drafts import Drafts
from tests.stage.sql import run
from tests.stage.story import Story, person

AT_HANDOFFS = ["id", "kind", "ordinal", "is_bounce"]


@pytest.fixture
def told(committed: str) -> Story:
    """A story in a database of its own."""
    return Story(THURSDAY)


def test_a_story_of_before_is_what_it_would_be_today(told: Story) -> None:
    """Handoffs learn what they are; a case that came back to the front door, where none was started, has its clock."""
    to_and_fro(told)
    waiting, clock = back_at_the_front_door(told)
    handoffs_today = list(Handoff.objects.order_by("pk").values_list(*AT_HANDOFFS))
    assert {ordinal for _, _, ordinal, _ in handoffs_today} == {1, 2, 3, 4, 5, 6}
    forget(clock)

    call_command("migrate", "casework", "0002", verbosity=0)
    call_command("migrate", verbosity=0)

    assert list(Handoff.objects.order_by("pk").values_list(*AT_HANDOFFS)) == handoffs_today
    again = waiting.get(case=clock.case)
    assert (again.started_at, again.warn_at, again.due_at, again.escalate_at, again.next_at) == (
        clock.started_at, clock.warn_at, clock.due_at, clock.escalate_at, clock.warn_at,
    )  # fmt: skip
    assert waiting.count() == 2
    assert [finding for finding in integrity.check() if finding.broken] == []


def test_why_rule_sets_came_back_stands_on_their_pages(told: Story) -> None:
    """The audit of before keeps what it says, and what somebody wrote there is read on the page of the version."""
    draft = Drafts(told).proposed()
    said = {"rule_set": str(draft), "reason": "Read it again.\nThen send it."}
    call_command("migrate", "casework", "0003", verbosity=0)
    for event in ("rule_set_sent_back", "rule_set_proposed"):
        run(
            "INSERT INTO casework_auditevent (at, event, actor, by_user_id, detail) VALUES (%s, %s, 'user', %s, %s)",
            told.now, event, person("sam").pk, json.dumps(said),
        )  # fmt: skip

    call_command("migrate", verbosity=0)

    (why,) = RuleSetReason.objects.all()
    assert (why.rule_set, why.kind, why.by, why.at, why.reason) == (
        draft, "sent_back", person("sam"), told.now, "Read it again.\nThen send it.",
    )  # fmt: skip
    assert AuditEvent.objects.get(event="rule_set_sent_back").detail == said
    assert [finding for finding in integrity.check() if finding.broken] == []


def to_and_fro(told: Story) -> None:
    """Handed on between teams, up and down, and offered once more."""
    case = told.accepted(
        told.contact(children=[child(first_name="Sami", last_name="Quill", nhs_number=None)], adults=[])
    )
    for giver, taker, team in (
        ("ben", "chris", "chiltern"), ("chris", "ben", "aylesbury"), ("ben", "pat", "child-protection"),
        ("pat", "chris", "chiltern"),
    ):  # fmt: skip
        withdrawn = offered(told, case, giver, team)
        handoffs.withdraw(handoff_id=withdrawn.pk, reason="Not yet.", by=person(giver), now=told.later())
        handoff = offered(told, case, giver, team)
        handoffs.accept(handoff_id=handoff.pk, by=person(taker), now=told.later())
    offered(told, case, "chris", "out-of-area")


def back_at_the_front_door(told: Story) -> tuple[QuerySet[Clock], Clock]:
    """Two cases that came back: one was accepted there, one returned. Their running clocks, and the first one's."""
    case = told.accepted()
    back = offered(told, case, "ben", "front-door")
    handoffs.accept(handoff_id=back.pk, by=person("maya"), now=told.later())
    other = told.contact(
        children=[child(first_name="Noor", last_name="Haddad", nhs_number=None, address=address("HP5 1AA"))], adults=[]
    )
    returned = told.offered(other)
    handoffs.return_to_sender(handoff_id=returned.pk, reason="They moved.", by=person("chris"), now=told.later())
    waiting = Clock.objects.running().filter(kind="next_team_offered").order_by("pk")
    clock = waiting.get(case=case)
    return waiting, clock


def forget(clock: Clock) -> None:
    """The release before started none where the front door accepted a case."""
    run("SET session_replication_role = replica")
    run("DELETE FROM casework_clock WHERE id = %s", clock.pk)
    run("SET session_replication_role = origin")


def offered(story: Story, case: Case, by: str, team: str) -> Handoff:
    return handoffs.offer(
        case_id=case.pk, to_team_id=story.team(team).pk, reason="They moved.", lead_reason="They moved.",
        despite="They moved.", by=person(by), now=story.later(),
    )  # fmt: skip
