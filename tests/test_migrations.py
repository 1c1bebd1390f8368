"""A database of an earlier release, with data in it, comes through the migrations whole."""

import pytest
from django.core.management import call_command

from casework import integrity
from casework.actions import handoffs
from casework.models import Case, Clock, Handoff
from tests.conftest import THURSDAY
from tests.documents import address, child
from tests.drafts import person
from tests.sql import run
from tests.story import Story

AT_HANDOFFS = ["id", "kind", "ordinal", "is_bounce"]


@pytest.fixture
def told(committed: str) -> Story:
    """A story in a database of its own."""
    return Story(THURSDAY)


def test_handoffs_learn_what_they_are(told: Story) -> None:
    """To and fro, up and down, and once more: what is filled in for those of before is what is written today."""
    case = told.accepted()
    for giver, taker, team in (
        ("ben", "chris", "chiltern"), ("chris", "ben", "aylesbury"), ("ben", "pat", "child-protection"),
        ("pat", "chris", "chiltern"),
    ):  # fmt: skip
        withdrawn = offered(told, case, giver, team)
        handoffs.withdraw(handoff_id=withdrawn.pk, reason="Not yet.", by=person(giver), now=told.later())
        handoff = offered(told, case, giver, team)
        handoffs.accept(handoff_id=handoff.pk, by=person(taker), now=told.later())
    offered(told, case, "chris", "out-of-area")
    today = list(Handoff.objects.order_by("pk").values_list(*AT_HANDOFFS))
    assert {ordinal for _, _, ordinal, _ in today} == {1, 2, 3, 4, 5, 6}
    through_the_release_before()
    assert list(Handoff.objects.order_by("pk").values_list(*AT_HANDOFFS)) == today
    assert nothing_is_broken()


def test_a_case_that_came_back_to_the_front_door_gets_its_clock(told: Story) -> None:
    """The release before started none where the front door accepted it."""
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
    run("SET session_replication_role = replica")
    run("DELETE FROM casework_clock WHERE id = %s", clock.pk)
    run("SET session_replication_role = origin")
    through_the_release_before()
    again = waiting.get(case=case)
    assert (again.started_at, again.warn_at, again.due_at, again.escalate_at, again.next_at) == (
        clock.started_at, clock.warn_at, clock.due_at, clock.escalate_at, clock.warn_at,
    )  # fmt: skip
    assert waiting.count() == 2
    assert nothing_is_broken()


def through_the_release_before() -> None:
    """Back to the tables of the release before, and forward again."""
    call_command("migrate", "casework", "0002", verbosity=0)
    call_command("migrate", verbosity=0)


def offered(story: Story, case: Case, by: str, team: str) -> Handoff:
    return handoffs.offer(
        case_id=case.pk, to_team_id=story.team(team).pk, reason="They moved.", lead_reason="They moved.",
        despite="They moved.", by=person(by), now=story.later(),
    )  # fmt: skip


def nothing_is_broken() -> bool:
    return [finding for finding in integrity.check() if finding.broken] == []
