"""The rule sets' screens in a real browser: a practice lead's way, with and without JavaScript, against WCAG 2.2 AA."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from casework.actions import replays, rule_sets
from casework.models import Replay
from localities.models import User
from localities.working_time import local_day
from tests.stage.service import Service, wait_until
from tests.stage.story import Story
from triage.drafting import with_entry
from triage.models import RuleSetVersion

LIST = "/admin/triage/rulesetversion/"


@pytest.fixture(scope="module")
def drafted(service: Service) -> dict[str, str]:
    """A draft in which a common indicator asks for a social worker, replayed over a few contacts."""
    now = timezone.now()
    story = Story(now - timedelta(days=2))
    story.decided(story.contact())
    paula = User.objects.get(username="paula")
    draft = rule_sets.copy(version_id=RuleSetVersion.objects.get(version=2).pk, by=paula, now=now)
    place = [entry["code"] for entry in draft.document["indicators"]].index("L3-12")
    changed = with_entry(draft.document, ("indicators", place), {"gate": "strong"})
    rule_sets.change(version_id=draft.pk, edition=1, document=changed, by=paula, now=now)
    today = local_day(now)
    replay = replays.ask_for(
        version_id=draft.pk, first_day=today - timedelta(days=9), last_day=today, by=paula, now=now
    )
    wait_until(lambda: Replay.objects.filter(pk=replay.pk, finished_at__isnull=False).exists(), "a replay")
    return {"draft": f"{LIST}{draft.pk}/", "replay": f"{LIST}{draft.pk}/replays/{replay.pk}/"}


def copied(page: Page) -> None:
    page.get_by_role("button", name="Copy to a new draft").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Draft")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_practice_lead_changes_a_number_and_a_gate_and_reads_a_replay(
    visit: Any, drafted: dict[str, str], javascript: bool
) -> None:
    window = visit(javascript=javascript)
    window.sign_in("paula")
    page = window.go(LIST)
    page.get_by_role("link", name="Early help first, version 2").click()
    copied(page)
    page.get_by_role("link", name="Change A reason to look again: Five contacts in a year").click()
    page.get_by_label("The contacts in twelve months are … or more").fill("6")
    page.get_by_role("button", name="Keep the change").click()
    expect(page.get_by_text("1 of 58 scenarios fail now: look at them below.")).to_be_visible()
    page.get_by_role("link", name="Change A reason to look again: Five contacts in a year").click()
    page.get_by_label("The contacts in twelve months are … or more").fill("4")
    page.get_by_role("button", name="Keep the change").click()
    expect(page.get_by_text("All 58 scenarios pass.")).to_be_visible()
    page.get_by_role("link", name="L3-12").click()
    page.get_by_label("Strong: a social worker decides").check()
    page.get_by_role("button", name="Keep the change").click()
    page.get_by_role("link", name="What differs from Early help first, version 2").click()
    expect(page.get_by_text("Now: Holds when the contacts in twelve months are 4 or more.")).to_be_attached()
    page.go_back()
    page.get_by_role("button", name="Start a replay").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Replay of Early help first, version ")
    # The service's own worker takes it within seconds. With JavaScript the page sees it by itself.
    if not javascript:
        wait_until(lambda: not Replay.objects.filter(finished_at__isnull=True).exists(), "a replay")
        page.reload()
    expect(page.get_by_role("heading", name="In short")).to_be_visible()
    assert not window.complaints


def test_every_page_of_the_rule_sets_meets_wcag_2_2_aa(visit: Any, drafted: dict[str, str]) -> None:
    window = visit()
    window.sign_in("paula")
    draft = drafted["draft"]
    pages = (
        f"{LIST}1/", draft, f"{draft}differences/", f"{draft}document/", f"{draft}entry/indicators/L3-12/",
        f"{draft}entry/rules/reason_to_look_again.five_in_a_year/", f"{draft}scenarios/new/", drafted["replay"],
        f"{drafted['replay']}?list=all",
    )  # fmt: skip
    assert window.faults_of(pages) == {}
    assert not window.complaints


def test_a_replay_that_goes_on_shows_how_far_it_is_and_is_cancelled(visit: Any, drafted: dict[str, str]) -> None:
    now, draft = timezone.now(), RuleSetVersion.objects.get(version=3)
    # Leased for long: no worker takes it.
    replay = Replay.objects.create(
        rule_set=draft, edition=draft.edition, first_day=local_day(now), last_day=local_day(now), asked_at=now,
        asked_by=User.objects.get(username="paula"), started_at=now, leased_until=now + timedelta(hours=1),
        contacts=200, done=50,
    )  # fmt: skip
    window = visit(width=320)
    window.sign_in("paula")
    page = window.go(f"{drafted['draft']}replays/{replay.pk}/")
    expect(page.get_by_role("status")).to_have_text("50 of 200 contacts are done.")
    assert window.accessibility() == []
    Replay.objects.filter(pk=replay.pk).update(done=150)
    expect(page.get_by_role("status")).to_have_text("150 of 200 contacts are done.")
    page.get_by_role("button", name="Cancel it").click()
    expect(page.get_by_text("Paula Whitfield cancelled it")).to_be_visible()
