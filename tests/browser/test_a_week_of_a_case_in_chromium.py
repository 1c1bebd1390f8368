"""
A week of a case in a real browser, from its offer to its closing: a note, a file, a step down, a lead who leaves,
and a transfer. Each page that is new in the story is held against WCAG 2.2 AA, at 320 and 1200 pixels.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from casework.actions import cases
from casework.jobs import lost_leads
from casework.models import Case, OutboxMessage
from localities.models import Membership
from localities.working_time import local_day
from tests.browser.conftest import is_saved
from tests.stage.files import PDF
from tests.stage.service import Service
from tests.stage.story import Story, person

WIDTHS = (320, 1200)
TOLD = "She knows Ben from the school, and wants him to come."


@pytest.fixture
def offered(service: Service) -> Case:
    """A case on offer to the social workers, of a family that no other test looks at."""
    story = Story(timezone.now() - timedelta(hours=1))
    child = {
        "ref": "c1", "first_name": "Ingrid", "last_name": "Weekes", "date_of_birth": "2013-10-08",
        "address": {"lines": ["88 Weekes Row"], "postcode": "HP20 1UA"}, "indicators": ["L4-01"],
    }  # fmt: skip
    handoff = story.offered(story.contact(children=[child], adults=[], family_indicators=[]), by="maya")
    return Case.objects.get(pk=handoff.case_id)


@pytest.fixture
def bea_leaves() -> Iterator[Any]:
    """Ends Bea's time in her team yesterday; for the other tests she stays."""
    memberships = Membership.objects.filter(user=person("bea"))
    yesterday = local_day(timezone.now()) - timedelta(days=1)
    yield lambda: memberships.update(ends_on=yesterday)
    memberships.update(ends_on=None)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def accept(page: Page) -> None:
    page.get_by_role("button", name="Accept the case", exact=True).click()
    expect(page.get_by_text("Your team has the case now.")).to_be_visible()


def names_as_lead(page: Page, name: str) -> None:
    page.get_by_label("Lead practitioner").select_option(label=name)
    press(page, "Name the lead practitioner")
    expect(page.get_by_text("The lead practitioner is named.")).to_be_visible()


def done(case: Case, kind: str, by: str) -> None:
    now = timezone.now()
    cases.record_milestone(case_id=case.pk, kind=kind, at=now, by=person(by), now=now)


def test_a_week_of_a_case(visit: Any, offered: Case, bea_leaves: Any) -> None:
    case, at = offered, f"/cases/{offered}/"
    social_worker, lead, receiver = visit(), visit(), visit()

    # Monday: the social workers take the case on, hold the strategy discussion, write a note and add a file.
    page = social_worker.sign_in("pat")
    social_worker.go(f"{at}accept/")
    accept(page)
    done(case, "strategy_discussion_held", "pat")
    names_as_lead(page, str(person("pat")))
    social_worker.go(f"{at}notes/new/")
    page.get_by_label("Visit", exact=True).check()
    page.get_by_role("textbox", name="Note", exact=True).fill("Ingrid showed me her room, and laughed.")
    press(page, "Save note")
    expect(page.get_by_text("Note saved.")).to_be_visible()
    social_worker.go(f"{at}files/")
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "letter.pdf", "mimeType": "application/pdf", "buffer": PDF}
    )
    page.get_by_label("What is it?").fill("The doctor's letter")
    press(page, "Add file")
    expect(page.get_by_text("The file is added.")).to_be_visible()
    social_worker.go(f"{at}notes/")
    expect(page.get_by_text("Ingrid showed me her room, and laughed.")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("letter.pdf")

    # Tuesday: a step down. The family is asked anew whether it agrees.
    social_worker.go(at)
    with social_worker.next_page():
        page.get_by_role("link", name="Step down to a voluntary service").click()
    assert social_worker.faults_at(*WIDTHS) == []
    page.get_by_label("To which team?").select_option(label="Aylesbury team")
    page.get_by_label("Why?").fill("The plan is done, and was seen to be.")
    page.get_by_role("group", name="How urgent is it now?").get_by_label("Amber").check()
    page.get_by_label("What was the family told").fill(TOLD)
    page.get_by_role("group", name="Does the family agree").get_by_label("No", exact=True).check()
    press(page, "Offer step down")
    page.get_by_role("link", name="The family must agree to a voluntary service.").click()
    assert social_worker.faults_at(*WIDTHS) == []
    page.get_by_role("group", name="Does the family agree").get_by_label("Yes", exact=True).check()
    press(page, "Offer step down")
    expect(page.get_by_text("Case offered.")).to_be_visible()
    page = lead.sign_in("ben")
    lead.go(f"{at}accept/")
    expect(page.get_by_text(TOLD)).to_be_visible()
    accept(page)
    names_as_lead(page, "Bea Thornton")

    # Wednesday: the lead practitioner has left. The page says so, and what to do.
    bea_leaves()
    lost_leads.release(now=timezone.now())
    lead.go(at)
    bar = page.get_by_role("group", name="This case in short")
    expect(bar).to_contain_text("Bea Thornton left the team on")
    expect(bar).to_contain_text("name a lead practitioner")
    assert lead.faults_at(*WIDTHS) == []
    names_as_lead(page, "Ben Carter")
    expect(bar).not_to_contain_text("left the team on")

    # Thursday: the family moves. It is the third team, so whoever leads the second says why.
    page.get_by_role("button", name="Offer the case to another team").click()
    page.get_by_label("To which team?").select_option(label="Chiltern team")
    page.get_by_label("Why?").fill("They live in Chesham now.")
    page.get_by_label("Why is it right for the children").fill("Their new school is there, and their aunt.")
    press(page, "Offer case")
    expect(page.get_by_text("Case offered.")).to_be_visible()
    page = receiver.sign_in("chris")
    receiver.go(f"{at}accept/")
    accept(page)
    names_as_lead(page, str(person("chris")))
    # Nobody tells their story again.
    page.get_by_role("link", name="Notes and files").click()
    expect(page.get_by_text("Ingrid showed me her room, and laughed.")).to_be_visible()
    page.get_by_role("link", name="Handoffs", exact=True).click()
    for team in ("2. Child protection team", "3. Aylesbury team", "4. Chiltern team"):
        expect(page.get_by_role("rowheader", name=team)).to_be_visible()
    assert receiver.faults_at(*WIDTHS) == []

    # Friday: the case closes, with who was seen and what the family says. What is typed is kept on the way.
    done(case, "first_family_contact", "chris")
    for role, name in (("link", "Overview"), ("button", "Close the case")):
        with receiver.next_page():
            page.get_by_role(role, name=name).click()
    assert receiver.faults_at(*WIDTHS) == []
    press(page, "Check your answers")
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    assert receiver.faults_at(*WIDTHS) == []
    page.get_by_label("The family's needs are met").check()
    for question, answer in (
        ("What was done", "She sleeps at home, and goes to school."),
        ("When were the children seen", "Ingrid, at home, on Friday, by Chris."),
        ("When were the adults seen", "Her mother, at home, by Chris."),
        ("What does the family say", "“We are fine now.”"),
        ("What happens next", "The school goes on, and rings us if it worries."),
    ):
        page.get_by_label(question).fill(answer)
    is_saved(page)
    receiver.go(f"{at}close/")
    expect(page.get_by_label("What does the family say")).to_have_value("“We are fine now.”")
    for group in ("Were the children seen", "Were the adults seen", "Was the family asked"):
        page.get_by_role("group", name=group).get_by_label("Yes", exact=True).check()
    press(page, "Check your answers")
    expect(page.get_by_text("Nothing is recorded yet.")).to_be_visible()
    assert receiver.faults_at(*WIDTHS) == []
    press(page, "Close the case")
    expect(page.get_by_text("The case is closed.")).to_be_visible()
    expect(page.get_by_role("region", name="How it ended")).to_contain_text("“We are fine now.”")
    assert receiver.faults_at(*WIDTHS) == []
    case.refresh_from_db()
    assert (case.status, case.closing.without_contact) == ("closed", False)
    assert OutboxMessage.objects.filter(kind="case_closed", case=case).exists()
    assert social_worker.complaints + lead.complaints + receiver.complaints == []
