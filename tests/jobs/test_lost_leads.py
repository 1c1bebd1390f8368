"""Lead practitioners who left the responsible team: the clock runs anew, the team's lead is told, and work appears."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from casework.actions import cases
from casework.jobs import lost_leads
from casework.models import AuditEvent, Case, Event, OutboxMessage
from casework.record import integrity
from localities.models import Membership, Team, User
from localities.working_time import local_day
from tests.stage.families import passed
from tests.stage.staff import SignedIn
from tests.stage.story import Story, person

NAMED = "lead_practitioner_named"


@pytest.fixture
def led(story: Story) -> Case:
    """A case of Aylesbury that Bea leads."""
    case = story.accepted()
    cases.name_lead(case_id=case.pk, lead_id=person("bea").pk, by=person("ben"), now=story.later())
    return Case.objects.get(pk=case.pk)


def leaves(story: Story, name: str = "bea", days_ago: int = 1) -> date:
    """The last day of somebody in every team of theirs."""
    last = local_day(story.now) - timedelta(days=days_ago)
    Membership.objects.filter(user=person(name)).update(ends_on=last)
    return last


def again(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


class TestWhoLeft:
    def test_the_clock_runs_anew_from_now_and_the_leads_are_told(self, story: Story, led: Case) -> None:
        last, now = leaves(story), story.later(hours=1)
        assert not led.clocks.running().filter(kind=NAMED).exists()
        assert lost_leads.release(now=now) == 1
        assert again(led).lead_left_on == last
        assert led.clocks.running().get(kind=NAMED).started_at == now
        assert [message.to for message in OutboxMessage.objects.filter(kind="lead_left")] == ["ben@front-door.example"]
        event = AuditEvent.objects.get(event=Event.LEAD_LEFT)
        assert (event.by_user, event.detail["lead"]) == (None, person("bea").pk)
        assert [finding for finding in integrity.check() if finding.broken] == []

    def test_twice_does_nothing_more(self, story: Story, led: Case) -> None:
        leaves(story)
        assert [lost_leads.release(now=story.later()) for _ in range(2)] == [1, 0]
        assert OutboxMessage.objects.filter(kind="lead_left").count() == 1

    @pytest.mark.parametrize("days_ago", [0, -1])
    def test_the_last_day_is_still_a_day_in_the_team(self, story: Story, led: Case, days_ago: int) -> None:
        leaves(story, days_ago=days_ago)
        assert lost_leads.release(now=story.later()) == 0

    def test_somebody_who_can_no_longer_sign_in_has_left_today(self, story: Story, led: Case) -> None:
        User.objects.filter(username="bea").update(is_active=False)
        assert lost_leads.release(now=story.later()) == 1
        assert again(led).lead_left_on == local_day(story.now)

    def test_somebody_who_moved_to_another_team_has_left_this_one(self, story: Story, led: Case) -> None:
        chiltern = Team.objects.get(code="chiltern")
        Membership.objects.filter(user=person("bea")).update(team=chiltern)
        assert lost_leads.release(now=story.later()) == 1

    def test_naming_another_ends_it_and_the_record_says_who_led(self, story: Story, led: Case) -> None:
        leaves(story)
        lost_leads.release(now=story.later())
        cases.name_lead(case_id=led.pk, lead_id=person("ben").pk, by=person("ben"), now=story.later())
        assert again(led).lead_left_on is None
        assert not led.clocks.running().filter(kind=NAMED).exists()
        leads = AuditEvent.objects.filter(event__in=(Event.LEAD_NAMED, Event.LEAD_LEFT)).order_by("pk")
        assert [(event.event, event.detail["lead"]) for event in leads] == [
            ("lead_named", person("bea").pk), ("lead_left", person("bea").pk), ("lead_named", person("ben").pk),
        ]  # fmt: skip

    def test_a_lead_who_is_named_after_the_job_has_looked_stays(self, story: Story, led: Case) -> None:
        leaves(story)
        now, named = story.later(), list[Case]()

        def name_first(execute: Callable[..., Any], sql: str, *others: Any) -> Any:
            if "SKIP LOCKED" in sql and not named:
                named.append(cases.name_lead(case_id=led.pk, lead_id=person("ben").pk, by=person("ben"), now=now))
            return execute(sql, *others)

        with connection.execute_wrapper(name_first):
            assert lost_leads.release(now=now) == 0
        assert (again(led).lead_practitioner, again(led).lead_left_on, len(named)) == (person("ben"), None, 1)

    def test_a_closed_case_needs_nobody(self, story: Story, led: Case) -> None:
        story.closed(led)
        leaves(story)
        assert lost_leads.release(now=story.later()) == 0

    def test_another_team_names_its_own(self, story: Story, led: Case) -> None:
        leaves(story)
        lost_leads.release(now=story.later())
        passed(story, led, "chiltern", by="ben", accepts="chris")
        assert (again(led).lead_practitioner, again(led).lead_left_on) == (None, None)
        assert led.clocks.running().filter(kind=NAMED).count() == 1
        assert lost_leads.release(now=story.later()) == 0


def test_a_case_is_to_allocate_until_somebody_is_named_also_if_who_left_is_back(story: Story, led: Case) -> None:
    leaves(story)
    lost_leads.release(now=story.later(hours=1))
    Membership.objects.filter(user=person("bea")).update(ends_on=None)
    ben, tab = SignedIn("ben"), "/teams/aylesbury/?tab=to-allocate"
    page = ben.open(tab)
    assert str(led) in page.text
    assert "To allocate 1" in page.text
    assert "No longer in this team" not in page.text
    cases.name_lead(case_id=led.pk, lead_id=person("bea").pk, by=ben.user, now=story.later())
    assert str(led) not in ben.open(tab).text


def test_the_pages_say_who_left_and_what_to_do(story: Story, led: Case) -> None:
    last = leaves(story)
    lost_leads.release(now=story.later())
    says = f"Bea Thornton left the team on {last:%-d %B}"
    ben = SignedIn("ben")
    for page in (ben.open(led), ben.open(led, "plan/"), ben.open("/teams/aylesbury/?tab=cases"), ben.open("/")):
        assert f"{says}: name a lead practitioner" in page.text
    assert says in ben.open("/teams/aylesbury/?tab=to-allocate").text
