"""Drafts of contacts in a real browser: the server dies in the middle of a sentence, a session ends, somebody presses
Enter."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from casework.models import Contact, ContactDraft
from casework.web.draft_form import TASKS, new_key
from tests.browser.conftest import is_saved
from tests.stage.documents import child
from tests.stage.service import Service
from tests.stage.story import Story

WORRIES = "What are they worried about?"


def test_what_was_typed_outlives_the_server_the_session_and_the_browser(visit: Any, service: Service) -> None:
    window = visit(width=1280)
    page = window.sign_in("amina")
    draft = f"/contacts/new/{new_key()}/"
    window.go(f"{draft}children/")
    page.get_by_role("region", name="Child 1").get_by_label("First name").fill("Quentin")
    is_saved(page)
    window.go(f"{draft}concern/")
    words = page.get_by_label(WORRIES)
    words.press_sequentially("He comes to school hungry and")
    is_saved(page)
    with service.web_server_killed():
        words.press_sequentially(" tired, most")
        trouble = page.get_by_role("alert")
        expect(trouble).to_contain_text("There is no connection.")
        # Nor is it lost by whoever presses a button now.
        page.get_by_role("button", name="Save and continue later").click()
        words.press_sequentially(" days")
    is_saved(page)

    window.page.context.clear_cookies()
    words.press_sequentially(" of the")
    expect(trouble).to_contain_text("You are signed out.")
    expect(trouble.get_by_role("link", name="Sign in again")).to_have_attribute("target", "_blank")
    assert window.faults_at(320, 1280) == []
    elsewhere = visit()
    elsewhere.sign_in("amina")
    page.context.add_cookies(elsewhere.page.context.cookies())
    words.press_sequentially(" week")
    is_saved(page)

    # Another browser.
    page = elsewhere.page
    elsewhere.go("/")
    page.get_by_role("link", name="Your drafts (").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your drafts")
    assert elsewhere.faults_at(320, 1280) == []
    page.get_by_role("link", name="Quentin", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New contact")
    assert elsewhere.faults_at(320, 1280) == []
    with elsewhere.next_page():
        page.get_by_role("link", name="Presenting concern").click()
    expect(page.get_by_label(WORRIES)).to_have_value("He comes to school hungry and tired, most days of the week")
    # The first window still has the form open.
    page.get_by_label(WORRIES).fill("He comes to school hungry and tired, most days of the week.")
    is_saved(page)
    words.press_sequentially("!")
    expect(trouble).to_contain_text("is a draft of its own")
    of_quentin = ContactDraft.objects.filter(typed__contains={"child-0-first_name": ["Quentin"]})
    assert sorted(draft.typed["contact-worries"][0][-5:] for draft in of_quentin) == ["week!", "week."]
    elsewhere.go("/contacts/drafts/")
    page.get_by_role("link", name="Delete the draft about Quentin").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Are you sure")
    assert elsewhere.faults_at(320, 1280) == []
    page.get_by_role("button", name="Delete the draft").click()
    expect(page.get_by_text("The draft is deleted.")).to_be_visible()
    window.complaints.clear()


def test_what_was_typed_before_the_scripts_were_there_is_saved_at_once(visit: Any) -> None:
    """On a slow connection. A family that is likely is shown as well."""
    Story(timezone.now()).contact(children=[child(first_name="Sunniva", last_name="Latecomer", nhs_number=None)])
    window = visit(width=1280)
    page = window.sign_in("amina")
    key = new_key()
    with window.late_scripts():
        window.go(f"/contacts/new/{key}/children/", wait_until="commit")
        part = page.get_by_role("region", name="Child 1")
        part.get_by_label("First name").fill("Sunniva")
        part.get_by_label("Last name").fill("Latecomer")
        part.get_by_label("Sex").select_option(index=2)
        part.get_by_role("checkbox").first.check()
        checked, sex = part.get_by_role("checkbox").first.get_attribute("name"), part.get_by_label("Sex").input_value()
        assert not ContactDraft.objects.filter(key=key).exists()
    is_saved(page)
    typed = ContactDraft.objects.get(key=key).typed
    assert (typed["child-0-first_name"], typed["child-0-last_name"]) == (["Sunniva"], ["Latecomer"])
    assert typed["child-0-sex"] == [sex]
    assert typed[str(checked)]
    expect(part.get_by_role("link", name="Sunniva Latecomer")).to_be_visible()
    # Nothing is typed on a page that is only opened.
    for section in TASKS:
        window.go(f"/contacts/new/{key}/{section.slug}/")
        page.wait_for_load_state("networkidle")
    assert ContactDraft.objects.get(key=key).tasks.keys() == {"children"}
    assert window.complaints == []


@pytest.mark.parametrize("javascript", [True, False])
def test_enter_submits_nothing_and_another_child_has_the_focus(visit: Any, javascript: bool) -> None:
    window = visit(javascript=javascript, width=320)
    page = window.sign_in("oliver")
    draft = f"/contacts/new/{new_key()}/"
    before, called = Contact.objects.count(), "Sam" if javascript else "Alex"
    window.go(f"{draft}referrer/")
    page.get_by_label("A safeguarding concern").check()
    page.get_by_label("Who is it from?").select_option("2A")
    page.get_by_label("Organisation").fill("Half a na")
    page.get_by_label("Organisation").press("Enter")
    is_saved(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Referrer")
    window.go(f"{draft}children/")
    name = page.get_by_role("region", name="Child 1").get_by_label("First name")
    name.fill("Robin")
    name.press("Enter")
    is_saved(page)
    assert ContactDraft.objects.latest("pk").typed["contact-referrer_organisation"] == ["Half a na"]
    if javascript:
        expect(name).to_be_focused()
    page.get_by_role("button", name="Add another child").click()
    expect(page.get_by_role("heading", name="Child 2")).to_be_focused()
    expect(page.get_by_role("heading", name="Child 2")).to_be_in_viewport()
    page.get_by_role("region", name="Child 2").get_by_label("First name").fill(called)
    page.get_by_role("button", name="Remove child 1").click()
    expect(page.get_by_role("button", name="Add another child")).to_be_focused()
    expect(page.get_by_role("region", name="Child 1").get_by_label("First name")).to_have_value(called)
    page.get_by_role("button", name="Undo removing Robin").click()
    expect(page.get_by_role("heading", name="Child 1")).to_be_focused()
    expect(page.get_by_role("region", name="Child 1").get_by_label("First name")).to_have_value("Robin")
    with window.next_page():
        page.get_by_role("button", name="Remove child 1").click()
    page.get_by_role("button", name="Save and continue later").click()
    expect(page.get_by_role("heading", level=1, name="Your drafts")).to_be_visible()
    expect(page.get_by_role("link", name=called, exact=True)).to_be_visible()
    assert Contact.objects.count() == before
    assert window.complaints == []


def test_an_indicator_is_found_by_its_words(visit: Any) -> None:
    window = visit()
    page = window.sign_in("amina")
    window.go(f"/contacts/new/{new_key()}/indicators/")
    child = page.get_by_role("region", name="Child 1")
    search = child.get_by_role("searchbox", name="Find an indicator")
    search.press_sequentially("school CHALLENGING")
    expect(child.get_by_text("1 indicator found")).to_be_visible()
    expect(child.get_by_text("Found by its own words")).to_be_visible()
    found = child.get_by_label("Disruptive/challenging at school")
    expect(child.locator("[data-indicators] [type=checkbox]:visible")).to_have_count(1)
    found.check()
    assert window.accessibility() == []
    search.fill("zebra")
    expect(child.get_by_text("No indicators found")).to_be_visible()
    expect(found).to_be_checked()
    expect(found).to_be_visible()
    # Enter in the search neither saves nor submits; what was typed there is not of the form.
    search.press("Enter")
    search.fill("")
    expect(child.locator("details:visible")).to_have_count(child.locator("details").count())
    is_saved(page)
    typed = ContactDraft.objects.latest("pk").typed
    assert (len(typed["child-0-indicators"]), "zebra" in str(typed)) == (1, False)
    assert window.complaints == []


def test_the_level_so_far_follows_what_is_typed(visit: Any) -> None:
    """It is read out when it changes; where it is needed, what is missing leads to its field."""
    window = visit(width=1280)
    page = window.sign_in("amina")
    window.go(f"/contacts/new/{new_key()}/indicators/")
    level = page.get_by_role("region", name="Level so far")
    expect(level).to_contain_text("No level yet")
    family = page.get_by_role("region", name="The family as a whole")
    family.get_by_role("searchbox").press_sequentially("domestic")
    family.locator("[type=checkbox]:visible").first.check()
    is_saved(page)
    expect(level).to_contain_text("Level ")
    expect(level).to_contain_text("A person decides.")
    expect(page.locator("[data-announced]")).to_contain_text("Level so far: Level ")
    assert window.faults_at(320, 1280) == []
    level.get_by_role("link", name="Enter what they are worried about").click()
    expect(page.get_by_label(WORRIES)).to_be_focused()
    assert window.complaints == []


@pytest.mark.parametrize(("role", "name"), [("link", "Back to the task list"), ("button", "Sign out")])
def test_what_is_typed_right_before_somebody_leaves_is_saved_first(visit: Any, role: Any, name: str) -> None:
    window = visit(width=1280)
    page = window.sign_in("amina")
    key = new_key()
    window.go(f"/contacts/new/{key}/concern/")
    page.get_by_label(WORRIES).fill("He sleeps at")
    is_saved(page)
    page.get_by_label(WORRIES).press_sequentially(" the bus station")
    with window.next_page():
        page.get_by_role(role, name=name).click()
    draft = ContactDraft.objects.get(key=key)
    assert draft.typed["contact-worries"] == ["He sleeps at the bus station"]
    assert not ContactDraft.objects.filter(split_from=draft).exists()
    assert window.complaints == []


@pytest.mark.parametrize(
    ("typed", "best", "everyday"),
    [
        ("bruise", "Unexplained injuries", "bruise"),
        ("smacked", "Non-accidental injury", "smack"),
        ("hitting", "Non-accidental injury", "hit"),
        ("touching", "Sexual abuse", "touched"),
        ("drunk", "Parental mental health/substance misuse", "drunk"),
        ("sofa surfing", "Homeless or imminently so", "sofa surfing"),
        ("nits", "Concerns about diet, hygiene, clothing", "nits"),
        ("knife", "Serious or persistent offending", "knife"),
    ],
)
def test_an_indicator_is_found_by_everyday_words_the_best_match_first(
    visit: Any, typed: str, best: str, everyday: str
) -> None:
    window = visit(width=320)
    page = window.sign_in("amina")
    window.go(f"/contacts/new/{new_key()}/indicators/")
    child = page.get_by_role("region", name="Child 1")
    child.get_by_role("searchbox", name="Find an indicator").fill(typed)
    expect(child.get_by_role("status").filter(has_text="the best match first")).to_be_visible()
    first = child.locator("[data-results] .govuk-checkboxes__item").first
    expect(first).to_contain_text(best)
    expect(first).to_contain_text(f"Found by the everyday word “{everyday}”")
    expect(first.get_by_role("checkbox")).to_have_accessible_description(f"Found by the everyday word “{everyday}”")
    assert window.faults() == []
    assert window.complaints == []


def test_what_no_indicator_says_as_a_whole_is_found_by_some_of_its_words(visit: Any) -> None:
    window = visit()
    page = window.sign_in("amina")
    window.go(f"/contacts/new/{new_key()}/indicators/")
    child = page.get_by_role("region", name="Child 1")
    child.get_by_role("searchbox", name="Find an indicator").fill("zebra bruised")
    expect(child.get_by_text("indicators found by some of these words, the best match first")).to_be_visible()
    expect(child.locator("[data-results] .govuk-checkboxes__item").first).to_contain_text("Unexplained injuries")


@pytest.mark.parametrize("javascript", [True, False])
def test_back_finds_the_pages_that_had_faults(visit: Any, javascript: bool) -> None:
    """The browser asks nobody to send anything again."""
    window = visit(javascript=javascript)
    page = window.sign_in("amina")
    draft = f"/contacts/new/{new_key()}/"
    window.go(f"{draft}referrer/")
    page.locator("#id_contact-arrived_time").fill("soon")
    with window.next_page():
        page.get_by_role("button", name="Save and continue", exact=True).click()
    summary = page.locator(".govuk-error-summary")
    expect(summary).to_be_visible()
    assert page.url.endswith("/referrer/?check")
    if javascript:
        assert window.faults_at(320, 1280) == []
    window.go(f"{draft}check/")
    with window.next_page():
        page.get_by_role("button", name="Submit contact").click()
    expect(summary).to_be_visible()
    assert page.url.endswith("/check/?check")
    window.go("/reminders/")
    for heading in ("Check", "Check", "Referrer"):
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
    expect(page.locator("#id_contact-arrived_time")).to_have_value("soon")
    assert window.complaints == []


@pytest.mark.parametrize("width", [320, 1280])
def test_the_box_for_a_month_shows_the_longest_whole(visit: Any, width: int) -> None:
    window = visit(width=width)
    page = window.sign_in("amina")
    window.go(f"/contacts/new/{new_key()}/children/")
    month = page.get_by_role("region", name="Child 1").get_by_role("group", name="Date of birth").get_by_label("Month")
    month.fill("September")
    assert month.evaluate("box => box.scrollWidth <= box.clientWidth")
    assert window.faults() == []
