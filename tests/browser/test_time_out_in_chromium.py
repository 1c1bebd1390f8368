"""A session that is about to end, and one that has ended, in a real browser: nothing that was typed is lost."""

import re
from contextlib import nullcontext
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import Page, expect

from casework.models import Contact, Decision, Note, UnfinishedForm
from casework.web.presence import SEEN
from tests.browser.conftest import SignedIn, is_saved
from tests.stage.documents import child
from tests.stage.service import Service, wait_until
from tests.stage.story import Story

TYPED = "The school sees her each day, and her mother asks for help."
SIGN_IN = re.compile("/accounts/login/")


def contact_about(first_name: str, last_name: str) -> Contact:
    one = child(first_name=first_name, last_name=last_name, nhs_number=None, date_of_birth="2012-02-29")
    return Story(timezone.now()).contact(children=[one], adults=[])


def left(window: SignedIn, seconds: float) -> None:
    """As if the person had done nothing for so long that this many seconds are left. The page looks at it now."""
    (cookie,) = [each for each in window.page.context.cookies() if each["name"] == "sessionid"]
    kept = Session.objects.get(pk=cookie["value"])
    says = kept.get_decoded() | {SEEN: timezone.now().timestamp() - 900 + seconds}
    Session.objects.save(kept.pk, says, kept.expire_date)


def looks(page: Page) -> None:
    """The tab comes to the front, as after the lunch break."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def warning(page: Page) -> Any:
    return page.get_by_role("alertdialog", name="You will be signed out soon")


def test_the_warning_comes_two_minutes_before_and_is_answered_by_keyboard(visit: Any) -> None:
    window = visit(width=1280)
    page = window.sign_in("amina")
    left(window, 300)
    looks(page)
    expect(warning(page)).to_be_hidden()
    page.get_by_role("link", name="Reminders", exact=True).focus()
    left(window, 118)
    looks(page)
    expect(warning(page)).to_be_visible()
    expect(warning(page)).to_have_accessible_description(
        re.compile("You will be signed out in 2 minutes. What you typed")
    )
    stay = page.get_by_role("button", name="Stay signed in")
    expect(stay).to_be_focused()
    assert window.faults_at(320, 1280) == []
    # Nothing behind it can be reached.
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    stay.focus()
    page.keyboard.press("Enter")
    expect(warning(page)).to_be_hidden()
    expect(page.get_by_role("link", name="Reminders", exact=True)).to_be_focused()
    assert page.request.get(f"{window.base_url}/presence/", headers={"X-By-Itself": "1"}).json()["ends_in"] > 600
    assert window.complaints == []


def test_escape_stays_too(visit: Any) -> None:
    window = visit()
    page = window.sign_in("amina")
    left(window, 118)
    looks(page)
    expect(warning(page)).to_contain_text("2 minutes")
    page.keyboard.press("Escape")
    expect(warning(page)).to_be_hidden()


def test_several_tabs_agree(visit: Any) -> None:
    window = visit()
    page = window.sign_in("amina")
    other = page.context.new_page()
    other.goto(f"{window.base_url}/reminders/")
    left(window, 118)
    for tab in (page, other):
        looks(tab)
        expect(warning(tab)).to_be_visible()
    other.get_by_role("button", name="Stay signed in").click()
    for tab in (page, other):
        expect(warning(tab)).to_be_hidden()
    left(window, 60)
    looks(page)
    page.get_by_role("button", name="Sign out").last.click()
    expect(page).to_have_url(SIGN_IN)
    looks(other)
    expect(other).to_have_url(re.compile(r"/accounts/login/\?next=%2Freminders%2F"))
    other.close()


def test_a_session_that_ends_in_the_middle_of_a_decision_finds_it_again(visit: Any) -> None:
    contact = contact_about("Wren", "Holloway")
    window = visit(width=1280)
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/decide/")
    page.get_by_label("Level 3").check()
    page.get_by_role("textbox", name="Why?", exact=True).press_sequentially(TYPED)
    kept = UnfinishedForm.objects.filter(record=contact.reference, typed__contains={"decide-rationale": [TYPED]})
    is_saved(page)
    assert kept.exists()
    left(window, 10)
    looks(page)
    expect(warning(page)).to_be_visible()
    expect(page).to_have_url(SIGN_IN)
    expect(page.get_by_text("You were signed out because nothing was done for 15 minutes.")).to_be_visible()
    assert window.faults_at(320, 1280) == []
    window.fill_in_the_sign_in("amina")
    expect(page).to_have_url(re.compile(f"/contacts/{contact}/decide/"))
    expect(page.get_by_role("textbox", name="Why?", exact=True)).to_have_value(TYPED)
    expect(page.get_by_label("Level 3")).to_be_checked()
    assert not Decision.objects.filter(contact=contact).exists()


def writing_a_note(window: SignedIn, contact: Contact) -> Any:
    """The field of a note in which the first sentence is typed, and kept."""
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/notes/new/")
    page.get_by_role("radio", name="Telephone call").check()
    text = page.get_by_role("textbox", name="Note", exact=True)
    text.press_sequentially(TYPED)
    kept = UnfinishedForm.objects.filter(record=contact.reference, typed__contains={"note-text": [TYPED]})
    is_saved(page)
    assert kept.exists()
    return text


def test_a_session_that_ends_in_the_middle_of_a_note_finds_it_again_and_the_note_is_saved(visit: Any) -> None:
    contact = contact_about("Linnet", "Farraday")
    window = visit(width=1280)
    text = writing_a_note(window, contact)
    page = window.page
    left(window, 3)
    looks(page)
    expect(page).to_have_url(SIGN_IN)
    assert TYPED not in page.content()
    assert not Note.objects.filter(contact=contact).exists()
    window.fill_in_the_sign_in("amina")
    expect(page).to_have_url(re.compile(f"/contacts/{contact}/notes/new/"))
    expect(text).to_have_value(TYPED)
    expect(page.get_by_role("radio", name="Telephone call")).to_be_checked()
    text.press("End")
    text.press_sequentially(" So does her aunt.")
    page.get_by_role("button", name="Save note").click()
    expect(page.get_by_text("Note saved.")).to_be_visible()
    assert Note.objects.get(contact=contact).text == f"{TYPED} So does her aunt."
    assert not UnfinishedForm.objects.filter(record=contact.reference).exists()


def test_what_is_typed_when_the_session_is_over_already_is_kept_too(visit: Any) -> None:
    contact = contact_about("Merle", "Okonjo")
    window = visit(width=1280)
    text = writing_a_note(window, contact)
    page = window.page
    # As after a quarter of an hour in which the network was away: nothing of it could be saved.
    left(window, -1)
    text.press_sequentially(" So does her aunt.")
    looks(page)
    expect(page).to_have_url(SIGN_IN)
    window.fill_in_the_sign_in("amina")
    expect(page.get_by_role("heading", name="You were signed out before this was sent")).to_be_visible()
    page.get_by_role("button", name="Open the form with this text").click()
    expect(text).to_have_value(f"{TYPED} So does her aunt.")
    assert not Note.objects.filter(contact=contact).exists()


def test_a_short_time_that_is_set_for_the_service_is_waited_out(service: Service, visit: Any) -> None:
    """Nobody moves a clock here: the setting reaches the page's script and the server, and the note is found again."""
    contact = contact_about("Piper", "Ellery")
    window = visit(width=1280)
    page = window.page
    with service.another_web_server(SESSION_IDLE_SECONDS="10") as base_url:
        page.goto(f"{base_url}/contacts/{contact}/notes/new/")
        window.fill_in_the_sign_in("amina")
        text = page.get_by_role("textbox", name="Note", exact=True)
        text.press_sequentially(TYPED)
        kept = UnfinishedForm.objects.filter(record=contact.reference, typed__contains={"note-text": [TYPED]})
        wait_until(kept.exists, "what was typed is kept")
        expect(warning(page)).to_be_visible(timeout=15_000)
        expect(page).to_have_url(SIGN_IN, timeout=30_000)
        expect(page.get_by_text("You were signed out because nothing was done")).to_be_visible()
        window.fill_in_the_sign_in("amina")
        expect(page).to_have_url(re.compile(f"{base_url}/contacts/{contact}/notes/new/"))
        expect(text).to_have_value(TYPED)


def test_a_session_that_was_ended_on_another_device_says_so_and_finds_the_note_again(visit: Any) -> None:
    contact = contact_about("Robin", "Castellane")
    here, elsewhere = visit(width=1280), visit(width=1280)
    here.sign_in_by_the_form("amina")
    expect(here.page.get_by_role("heading", level=1)).to_have_text("Your worklist")
    elsewhere.sign_in_by_the_form("amina")
    expect(elsewhere.page.get_by_role("heading", level=1)).to_have_text("Your worklist")
    page = elsewhere.go(f"/contacts/{contact}/notes/new/")
    text = page.get_by_role("textbox", name="Note", exact=True)
    text.press_sequentially(TYPED)
    kept = UnfinishedForm.objects.filter(record=contact.reference, typed__contains={"note-text": [TYPED]})
    wait_until(kept.exists, "what was typed is kept")
    here.go("/account/").get_by_role("button", name="Sign out everywhere else").click()
    expect(here.page.get_by_text("You are signed out everywhere else.")).to_be_visible()
    looks(page)
    expect(page).to_have_url(re.compile("/accounts/login/.*next="), timeout=30_000)
    expect(page.get_by_text("You were signed out from another device")).to_be_visible()
    assert elsewhere.faults_at(320, 1280) == []
    elsewhere.fill_in_the_sign_in("amina")
    expect(page).to_have_url(re.compile(f"/contacts/{contact}/notes/new/"))
    expect(text).to_have_value(TYPED)


@pytest.mark.parametrize(("is_late", "last_name"), [(False, "Pemberton"), (True, "Peverell")])
def test_so_does_a_form_that_does_not_save_itself(visit: Any, is_late: bool, last_name: str) -> None:
    """Also where it was filled in while the page's scripts were still on their way."""
    contact = contact_about("Juno", last_name)
    window = visit(width=1280)
    page = window.sign_in("amina")
    address = f"/people/{contact.children.get().person.reference}/add/email/"
    with window.late_scripts() if is_late else nullcontext():
        window.go(address, wait_until="commit")
        page.get_by_role("textbox", name="Email", exact=False).last.press_sequentially("juno@example.org")
    left(window, 2)
    looks(page)
    expect(page).to_have_url(SIGN_IN)
    expect(page.get_by_text("What you typed is kept. Sign in to get it back.")).to_be_visible()
    window.fill_in_the_sign_in("amina")
    expect(page).to_have_url(re.compile(address))
    expect(page.get_by_text("juno@example.org")).to_be_visible()
    assert "juno@example.org" not in {each.value for each in contact.children.get().person.details.all()}


def test_typing_into_a_form_that_does_not_save_itself_is_doing_something(visit: Any) -> None:
    window = visit()
    page = window.sign_in("amina")
    window.is_spent = True
    page.clock.install()
    window.go("/contacts/new/")
    left(window, 200)
    page.clock.fast_forward("01:05")
    with page.expect_response(lambda answer: "/presence/" in answer.url and answer.request.method == "POST"):
        page.keyboard.press("Tab")
    assert page.request.get(f"{window.base_url}/presence/", headers={"X-By-Itself": "1"}).json()["ends_in"] > 600


def test_the_admins_screens_warn_too_and_promise_nothing(visit: Any) -> None:
    window = visit(width=1280)
    page = window.sign_in("adele")
    window.go("/admin/localities/user/")
    left(window, 118)
    looks(page)
    expect(warning(page)).to_have_accessible_description(re.compile("Save what you typed: it is not kept."))
    assert window.accessibility() == []
    page.get_by_role("button", name="Stay signed in").press("Enter")
    expect(warning(page)).to_be_hidden()
    assert window.complaints == []
