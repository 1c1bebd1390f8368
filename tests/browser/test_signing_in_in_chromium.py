"""
The door in a real Chromium: a passkey, an app for codes, a lost telephone and two who let their colleague in; and a
council account at a provider that the tests start. Every page on the way is looked at by axe.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from casework.models import AuditEvent, FactorReset, SecondFactorRule
from localities.models import User
from tests.stage.service import PASSWORD, Service, wait_until

# A device that keeps passkeys, and whose owner is there and shows a finger.
DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip
STEP = "/accounts/second-step/"


@pytest.fixture
def paula(service: Service) -> Iterator[User]:
    """The practice lead, whose role needs a second step."""
    rules = SecondFactorRule.objects.filter(role="practice_lead")
    rules.update(kind="any")
    paula = User.objects.get(username="paula")
    yield paula
    rules.update(kind="none")
    Authenticator.objects.filter(user=paula).delete()


class Device:
    """Takes part in a window as a computer or telephone that keeps passkeys."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable")
        self._id = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]

    def is_lost(self) -> None:
        self._session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self._id})
        self._session.send("WebAuthn.disable")
        self._session.detach()


def at_localhost(window: Any) -> Any:
    """Browsers know passkeys at names alone, not at addresses in digits."""
    window.base_url = window.base_url.replace("127.0.0.1", "localhost")
    return window


def code_of(secret: str) -> str:
    """A code that was not used yet: the next one's moment comes when the last one was used."""
    time.sleep(max(0.0, code_of.__dict__.get("used_until", 0.0) - time.time()))
    step = int(time.time()) // 30
    code_of.__dict__["used_until"] = (step + 1) * 30
    return str(totp.format_hotp_value(totp.hotp_value(secret, step)))


def has_heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def test_a_passkey_and_an_app_a_lost_telephone_and_two_who_let_somebody_in(
    service: Service, visit: Any, paula: User
) -> None:
    window = at_localhost(visit(width=1280))
    page, device = window.page, Device(window.page)
    window.sign_in_by_the_form("paula")
    has_heading(page, "Second step of signing in")
    expect(page.get_by_text("until then you can open nothing else")).to_be_visible()
    assert window.faults_at(320, 1280) == []
    with window.next_page():
        page.get_by_role("link", name="Worklist").click()
    has_heading(page, "Second step of signing in")

    # By keyboard alone: the link, the name, and Enter.
    page.get_by_role("button", name="Add a passkey").focus()
    page.keyboard.press("Enter")
    has_heading(page, "Add a passkey")
    assert window.faults_at(320, 1280) == []
    page.get_by_label("Name").fill("Work laptop")
    page.keyboard.press("Enter")
    has_heading(page, "Recovery codes")
    assert window.faults_at(320, 1280) == []
    page.get_by_role("button", name="I have written them down").click()
    has_heading(page, "Your worklist")

    window.go(f"{STEP}app/")
    assert window.faults_at(320, 1280) == []
    secret = page.locator("code").inner_text()
    page.get_by_role("textbox", name="Code").fill("000000")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter the code that the app shows now")
    assert window.faults_at(320, 1280) == []
    page.get_by_role("textbox", name="Code").fill(code_of(secret))
    page.get_by_role("button", name="Continue").click()
    has_heading(page, "Second step of signing in")
    expect(page.get_by_role("term")).to_have_text(["Work laptop"])
    assert window.faults_at(320, 1280) == []
    for link, heading in (
        ("Rename Work laptop", "Rename a passkey"),
        ("Remove Work laptop", "Remove the passkey “Work laptop”"),
    ):
        page.get_by_role("link", name=link).click()
        has_heading(page, heading)
        assert window.faults_at(320, 1280) == []
        with window.next_page():
            page.get_by_role("link", name="Back", exact=True).click()

    # The passkey signs in by itself, on the way to a page.
    with window.next_page():
        page.get_by_role("button", name="Sign out").click()
    window.go("/reports/overrides/")
    assert window.faults_at(320, 1280) == []
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/reports/overrides/")

    # The telephone is gone, and the laptop with it.
    with window.next_page():
        page.get_by_role("button", name="Sign out").click()
    device.is_lost()
    window.go("/")
    window.fill_in_the_sign_in("paula")
    page.get_by_role("button", name="Continue").wait_for()
    expect(page.get_by_text("If you have lost your telephone")).to_be_visible()
    assert window.faults_at(320, 1280) == []

    told = len(service.mailbox.messages)
    maya = visit(width=1280)
    maya.sign_in("maya")
    maya.go("/account/")
    assert maya.faults_at(320, 1280) == []
    for role, name in (("link", "Let somebody in"), ("button", "Ask a second person")):
        with maya.next_page():
            maya.page.get_by_role(role, name=name).click()
    assert maya.faults_at(320, 1280) == []
    maya.page.get_by_label("Who has lost their second step?").select_option(label=paula.name)
    maya.page.get_by_label("What happened").fill("Her bag was stolen. I called her back on her desk number.")
    maya.page.get_by_role("button", name="Ask a second person").click()
    expect(maya.page.get_by_text("can sign in as soon as another person agrees")).to_be_visible()
    expect(maya.page.get_by_role("button", name="Agree")).to_have_count(0)
    assert maya.faults_at(320, 1280) == []
    ben = visit(javascript=False)
    ben.sign_in("ben")
    ben.go("/account/let-in/")
    ben.page.get_by_role("button", name=f"Agree to let {paula.name} in").click()
    expect(ben.page.get_by_text("sets up a second step anew")).to_be_visible()
    reset = FactorReset.objects.get(person=paula)
    assert (reset.asked_by.username, reset.answered_by and reset.answered_by.username) == ("maya", "ben")

    window.go("/")
    window.fill_in_the_sign_in("paula")
    expect(page.get_by_text("until then you can open nothing else")).to_be_visible()
    assert not Authenticator.objects.filter(user=paula).exists()
    wait_until(lambda: len(service.mailbox.messages) >= told + 2, "she is told twice by e-mail")
    letters = str([message.get_payload(decode=True) for message in service.mailbox.messages[told:]])
    assert "Two people agreed to it" in letters
    events = set(AuditEvent.objects.filter(event__startswith="factor").values_list("event", flat=True))
    assert events == {"factor_added", "factor_reset_asked", "factor_reset_agreed"}
    assert window.complaints == maya.complaints == ben.complaints == []


def test_a_passkey_that_a_role_needs_is_the_only_way(service: Service, visit: Any, paula: User) -> None:
    SecondFactorRule.objects.filter(role="practice_lead").update(kind="passkey")
    window = at_localhost(visit(width=1280))
    page, device = window.page, Device(window.page)
    window.sign_in_by_the_form("paula")
    expect(page.get_by_text("Your role needs a passkey.")).to_be_visible()
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_label("Name").fill("Work laptop")
    page.get_by_role("button", name="Add the passkey").click()
    has_heading(page, "Recovery codes")
    window.go("/")
    has_heading(page, "Your worklist")
    page.get_by_role("button", name="Sign out").click()
    has_heading(page, "Sign in")
    window.go("/")
    window.fill_in_the_sign_in("paula")
    expect(page.get_by_text("Your role needs the passkey.")).to_be_visible()
    expect(page.get_by_label("Code")).to_have_count(0)
    assert window.faults_at(320, 1280) == []
    page.get_by_role("button", name="Use a passkey").click()
    has_heading(page, "Your worklist")
    device.is_lost()
    assert window.complaints == []


def test_without_javascript_a_code_from_an_app_does(service: Service, visit: Any, paula: User) -> None:
    window = visit(javascript=False, width=320)
    window.sign_in_by_the_form("paula")
    page = window.page
    window.go(f"{STEP}passkeys/add/")
    expect(page.get_by_text("This browser cannot use a passkey here")).to_be_visible()
    expect(page.get_by_role("button", name="Add the passkey")).to_have_count(0)
    window.go(f"{STEP}app/")
    secret = page.locator("code").inner_text()
    page.get_by_role("textbox", name="Code").fill(code_of(secret))
    page.get_by_role("button", name="Continue").click()
    has_heading(page, "Recovery codes")
    window.leave()
    window.sign_in_by_the_form("paula")
    page.get_by_role("textbox", name="Code").fill(code_of(secret))
    page.get_by_role("button", name="Continue").click()
    has_heading(page, "Your worklist")


def test_what_needs_care_asks_again_and_keeps_what_was_typed(service: Service, visit: Any) -> None:
    window = visit(width=1280)
    page = window.page
    window.sign_in("amina")
    window.go("/restricted/open/")
    page.get_by_role("textbox", name="Reference").fill("CON-0000-0000")
    page.get_by_role("textbox", name="Why").fill("The father is at the door.")
    _time_passes(window)
    page.get_by_role("button", name="Open the record").click()
    has_heading(page, "Sign in again to go on")
    expect(page.get_by_text("What you typed is kept.")).to_be_visible()
    assert window.faults_at(320, 1280) == []
    page.get_by_label("Password").fill("guessed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert window.faults_at(320, 1280) == []
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    has_heading(page, "Send this now?")
    assert window.faults_at(320, 1280) == []
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_role("textbox", name="Why")).to_have_value("The father is at the door.")
    assert window.complaints == []


def test_a_council_account_signs_in_and_shows_again_that_it_is_them(service: Service, visit: Any) -> None:
    window = visit(width=1280)
    page = window.page
    window.go("/teams/aylesbury/")
    page.get_by_role("button", name="Sign in with your council account").click()
    page.get_by_role("button", name="a-stranger").click()
    has_heading(page, "You have no account here")
    assert window.faults_at(320, 1280) == []
    window.leave()
    window.go("/teams/aylesbury/")
    page.get_by_role("button", name="Sign in with your council account").click()
    page.get_by_role("button", name="ben-at-the-council").click()
    page.wait_for_url("**/teams/aylesbury/")
    _time_passes(window)
    window.go("/account/let-in/")
    has_heading(page, "Sign in again to go on")
    assert window.faults_at(320, 1280) == []
    page.get_by_role("button", name="Use your council account").click()
    page.get_by_role("button", name="ben-at-the-council").first.click()
    page.wait_for_url("**/account/let-in/")
    has_heading(page, "Let somebody in")
    # The provider's own pages look for a style sheet elsewhere; who has no account is refused by status, too.
    assert [each for each in window.complaints if "403" not in each and "NAME_NOT_RESOLVED" not in each] == []


def _time_passes(window: Any) -> None:
    """A quarter of an hour since whoever sits at this window showed that it is them."""
    (key,) = [each["value"] for each in window.page.context.cookies() if each["name"] == "sessionid"]
    session = Session.objects.get(pk=key)
    said = session.get_decoded()
    said["account_authentication_methods"] = [{"method": "password", "at": time.time() - 16 * 60}]
    Session.objects.save(key, said, session.expire_date)
