"""What is typed into a form about a record, in a real browser that crashes, in two at once, and without JavaScript."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from casework.models import Contact, Decision, UnfinishedForm
from tests.browser.conftest import SignedIn, choose_as_recommended, is_saved
from tests.stage.chromium import ARGUMENTS, chromium
from tests.stage.documents import child
from tests.stage.service import Service, wait_until
from tests.stage.story import Story, person

TYPED = "The school sees her each day, and"
REST = " her mother asks for help."
DECIDE = "Record a decision"


def contact_about(first_name: str, last_name: str) -> Contact:
    one = child(first_name=first_name, last_name=last_name, nhs_number=None, date_of_birth="2012-02-29")
    return Story(timezone.now()).contact(children=[one], adults=[])


def why(page: Page) -> Any:
    return page.get_by_role("textbox", name="Why?", exact=True)


@contextmanager
def browser_that_crashes(browser: Browser, service: Service, folder: Path) -> Iterator[tuple[SignedIn, Any]]:
    """A window of a browser of its own, and what kills its process."""
    path = chromium()
    assert path is not None
    arguments = [*ARGUMENTS, "--headless", "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(
        [path, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        said = folder / "DevToolsActivePort"
        wait_until(lambda: said.exists() and len(said.read_text().split()) > 1, "Chromium listens")
        port = said.read_text().split()[0]
        own = browser.browser_type.connect_over_cdp(f"http://127.0.0.1:{port}")
        yield SignedIn(own.contexts[0], service), lambda: os.killpg(process.pid, signal.SIGKILL)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_rationale_outlives_a_browser_that_crashes(
    visit: Any, browser: Browser, service: Service, tmp_path: Path
) -> None:
    contact = contact_about("Blythe", "Cavanaugh")
    with browser_that_crashes(browser, service, tmp_path) as (window, crash):
        page = window.sign_in("amina")
        window.go(f"/contacts/{contact}/decide/")
        page.get_by_label("Level 3").check()
        why(page).press_sequentially(TYPED)
        is_saved(page)
        crash()
    window = visit(width=1280)
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/")
    page.get_by_text("Decision. Saved at").click()
    expect(page.get_by_text(TYPED)).to_be_visible()
    assert window.faults_at(320, 1280) == []
    page.get_by_role("link", name="Open the form with this text").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(DECIDE)
    expect(why(page)).to_have_value(TYPED)
    expect(page.get_by_label("Level 3")).to_be_checked()
    is_saved(page)
    assert window.faults_at(320, 1280) == []
    choose_as_recommended(page, contact)
    why(page).press("End")
    why(page).press_sequentially(REST)
    page.get_by_role("button", name="Check your answers").click()
    with window.next_page():
        page.get_by_role("link", name="Change level of need").click()
    expect(why(page)).to_have_value(TYPED + REST)
    page.get_by_role("button", name="Check your answers").click()
    page.get_by_role("button", name="Confirm decision").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Decision recorded")
    assert Decision.objects.get(contact=contact).rationale == TYPED + REST
    assert not UnfinishedForm.objects.filter(record=str(contact)).exists()
    assert window.complaints == []


def test_of_two_who_decide_at_once_neither_loses_a_word(visit: Any) -> None:
    contact = contact_about("Ottilie", "Brandreth")
    faster, slower = visit(), visit()
    for window, name in ((faster, "amina"), (slower, "maya")):
        window.sign_in(name)
        window.go(f"/contacts/{contact}/decide/")
        choose_as_recommended(window.page, contact)
        why(window.page).fill(f"{TYPED}{REST} {name.capitalize()} says so.")
    for window in (faster, slower):
        with window.next_page():
            window.page.get_by_role("button", name="Check your answers").click()
    faster.page.get_by_role("button", name="Confirm decision").click()
    expect(faster.page.get_by_role("heading", level=1)).to_contain_text("Decision recorded")
    page = slower.page
    page.get_by_role("button", name="Confirm decision").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This cannot be done now")
    main = page.get_by_role("main")
    expect(main).to_contain_text(f"{contact} is decided already. {person('amina')} decided on ")
    expect(main).to_contain_text("Maya says so.")
    assert slower.faults_at(320, 1280) == []
    slower.go("/")
    slower.go(f"/contacts/{contact}/")
    page.get_by_text("Decision. Saved at").click()
    expect(page.get_by_text("Maya says so.")).to_be_visible()
    faster.go(f"/contacts/{contact}/")
    expect(faster.page.get_by_role("main")).to_contain_text("Amina says so.")
    expect(faster.page.get_by_role("main")).not_to_contain_text("Maya says so.")
    page.get_by_role("button", name="Clear what you typed").click()
    expect(page.get_by_role("main")).to_contain_text("What you typed is cleared.")
    expect(page.get_by_role("main")).not_to_contain_text("Maya says so.")
    slower.complaints.clear()


def test_a_session_that_ends_in_the_middle_of_a_rationale_takes_nothing(visit: Any) -> None:
    contact = contact_about("Marguerite", "Holloway")
    window = visit()
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/decide/")
    choose_as_recommended(page, contact)
    why(page).press_sequentially(TYPED)
    is_saved(page)
    window.page.context.clear_cookies()
    why(page).press_sequentially(REST)
    # Nor is it lost by whoever presses a button now.
    page.get_by_role("button", name="Check your answers").click()
    trouble = page.get_by_role("alert").filter(has_text="You are signed out.")
    expect(trouble.get_by_role("link", name="Sign in again")).to_have_attribute("target", "_blank")
    assert window.faults_at(320, 1280) == []
    elsewhere = visit()
    elsewhere.sign_in("amina")
    page.context.add_cookies(elsewhere.page.context.cookies())
    is_saved(page)
    elsewhere.go(f"/contacts/{contact}/decide/")
    expect(why(elsewhere.page)).to_have_value(TYPED + REST)
    page.get_by_role("button", name="Check your answers").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Check your decision")
    window.complaints.clear()


def test_nobody_saves_what_somebody_else_types(visit: Any) -> None:
    """Maya signs in in another tab of a browser in which Amina left a form open."""
    contact = contact_about("Peregrine", "Whitlock")
    window, other = visit(), visit()
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/decide/")
    other.sign_in("maya")
    page.context.add_cookies(other.page.context.cookies())
    why(page).fill(TYPED)
    expect(page.get_by_role("alert").filter(has_text="Somebody else opened this form.")).to_be_visible()
    assert not UnfinishedForm.objects.filter(record=str(contact)).exists()
    window.complaints.clear()


def test_without_javascript_a_button_keeps_it(visit: Any) -> None:
    contact = contact_about("Clementine", "Ashby")
    window = visit(javascript=False, width=320)
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/decide/")
    why(page).fill(TYPED)
    page.get_by_label("Level 3").check()
    page.get_by_label("Level 3").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(DECIDE)
    expect(why(page)).to_have_value(TYPED)
    page.get_by_role("button", name="Save and come back later").click()
    expect(page.get_by_role("main")).to_contain_text("What you typed is saved, and not recorded yet.")
    # The session ends while they go on.
    page.get_by_text("Decision. Saved at").click()
    page.get_by_role("link", name="Open the form with this text").click()
    why(page).fill(TYPED + REST)
    window.lose_the_session()
    with window.next_page():
        page.get_by_role("button", name="Check your answers").click()
    window.fill_in_the_sign_in("amina")
    page.get_by_role("button", name="Open the form with this text").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(DECIDE)
    expect(why(page)).to_have_value(TYPED + REST)
    assert window.overflows() is False
    page.get_by_role("button", name="Clear it").click()
    expect(page.get_by_role("main")).to_contain_text("What you typed is cleared.")
    expect(why(page)).to_have_value("")


def test_what_the_family_says_is_kept_on_the_page_of_a_contact(visit: Any) -> None:
    contact = contact_about("Cordelia", "Ravenscroft")
    window = visit()
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/")
    page.get_by_text("Record the family's agreement").click()
    page.get_by_label("Who answered?").fill("her father")
    is_saved(page)
    window.go(f"/contacts/{contact}/")
    expect(page.get_by_label("Who answered?")).to_have_value("her father")
    is_saved(page)
    page.get_by_text("The family's agreement. Saved at").click()
    assert window.faults_at(320, 1280) == []
    page.get_by_role("button", name="Clear it").click()
    expect(page.get_by_role("main")).to_contain_text("What you typed is cleared.")
    assert not UnfinishedForm.objects.filter(record=str(contact)).exists()
    assert window.complaints == []


def test_what_a_browser_fills_in_again_is_not_typed(visit: Any) -> None:
    """After Reload, Firefox shows what stood in a form, and it may be recorded by now. What is typed then is saved."""
    contact = contact_about("Philippa", "Marchmont")
    window = visit()
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/notes/new/")
    text = page.get_by_role("textbox", name="Note", exact=True)
    with window.late_scripts():
        page.reload(wait_until="commit")
        text.fill("Mum rang.")
    expect(page.locator("[data-unsaved]")).to_have_count(0)
    assert not UnfinishedForm.objects.filter(record=str(contact)).exists()
    text.press_sequentially(" She")
    is_saved(page)
    assert UnfinishedForm.objects.get(record=str(contact)).typed["note-text"] == ["Mum rang. She"]
    assert window.complaints == []


def test_back_finds_the_form_with_its_text_until_it_is_recorded(visit: Any) -> None:
    """After faults, on the page of a contact and of a decision, and after the answers are checked."""
    contact = contact_about("Rosalind", "Featherstone")
    window = visit()
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/")
    page.get_by_text("Ask a partner").click()
    page.get_by_label("What do you ask, and why?").fill("Is she known?")
    page.get_by_role("button", name="Ask partner").click()
    expect(page.locator(".govuk-error-summary")).to_be_visible()
    window.go("/reminders/")
    page.go_back()
    expect(page.get_by_label("What do you ask, and why?")).to_have_value("Is she known?")
    decide, heading = f"/contacts/{contact}/decide/", page.get_by_role("heading", level=1)
    window.go(decide)
    why(page).fill(TYPED)
    page.get_by_role("button", name="Check your answers").click()
    expect(page.locator(".govuk-error-summary")).to_be_visible()
    window.go("/reminders/")
    page.go_back()
    expect(heading).to_contain_text(DECIDE)
    expect(why(page)).to_have_value(TYPED)
    choose_as_recommended(page, contact)
    page.get_by_role("button", name="Check your answers").click()
    expect(heading).to_contain_text("Check your decision")
    window.go("/reminders/")
    page.go_back()
    expect(heading).to_contain_text(DECIDE)
    expect(why(page)).to_have_value(TYPED)
    page.get_by_role("button", name="Check your answers").click()
    expect(heading).to_contain_text("Check your decision")
    page.reload()
    expect(why(page)).to_have_value(TYPED)
    page.get_by_role("button", name="Check your answers").click()
    page.get_by_role("button", name="Confirm decision").click()
    expect(heading).to_contain_text("Decision recorded")
    for _ in range(3):
        page.go_back()
        expect(heading).to_contain_text("Rosalind Featherstone")
        assert page.url.endswith(f"/contacts/{contact}/")
    assert Decision.objects.filter(contact=contact).count() == 1
    assert window.complaints == []


def test_back_finds_what_was_typed_when_a_colleague_was_faster(visit: Any) -> None:
    contact = contact_about("Thaddeus", "Wetherby")
    window = visit()
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/decide/")
    choose_as_recommended(page, contact)
    why(page).fill(TYPED)
    page.get_by_role("button", name="Check your answers").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Check your decision")
    Story(timezone.now()).decided(contact, by="maya")
    with window.next_page():
        page.get_by_role("button", name="Confirm decision").click()
    for goes_back in (False, True, True):
        if goes_back:
            page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("This cannot be done now")
        expect(page.get_by_role("main")).to_contain_text(f"{contact} is decided already.")
        expect(page.get_by_role("main")).to_contain_text(TYPED)
    window.go("/reminders/")
    page.go_back()
    expect(page.get_by_role("main")).to_contain_text(TYPED)
    window.complaints.clear()


def test_back_finds_a_sign_off_and_a_correction_that_had_faults(visit: Any) -> None:
    story, grave = Story(timezone.now()), child(indicators=["L4-01"], first_name="Winifred", nhs_number=None)
    contact = story.contact(children=[grave], adults=[])
    story.decided(contact, by="maya", pathway="family_help", level=3, rag="amber")
    window = visit()
    page = window.sign_in("david")
    for action, field, button in (
        ("sign-off", "sign_off-rationale", "Record sign-off"),
        ("correct/referrer", "fact-referrer_name", "Save"),
    ):
        window.go(f"/contacts/{contact}/{action}/")
        typed = page.locator(f'main [name="{field}"]')
        typed.fill("So")
        page.get_by_role("main").get_by_role("button", name=button, exact=True).click()
        expect(page.locator(".govuk-error-summary")).to_be_visible()
        window.go("/reminders/")
        page.go_back()
        expect(typed).to_have_value("So")
        assert f"/{action}/?form=" in page.url
    assert window.complaints == []


def test_a_form_on_the_page_of_a_contact_saves_itself(visit: Any) -> None:
    contact = contact_about("Leopold", "Fairweather")
    window = visit(width=1280)
    page = window.sign_in("oliver")
    window.go(f"/contacts/{contact}/")
    page.get_by_text("Ask a partner").click()
    page.get_by_label("What do you ask, and why?").fill("Is he known?")
    is_saved(page)
    page.reload()
    expect(page.get_by_label("What do you ask, and why?")).to_have_value("Is he known?")
    assert window.faults_at(320, 1280) == []
    page.get_by_label("Which partner?").select_option(label="Example Police")
    page.get_by_role("button", name="Ask partner").click()
    expect(page.get_by_text("Request recorded.")).to_be_visible()
    expect(page.get_by_text("Not recorded yet")).to_have_count(0)
    assert window.complaints == []
