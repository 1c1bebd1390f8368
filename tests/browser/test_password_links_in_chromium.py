"""Setting one's own password with a link, by keyboard alone, and the administrator's page that sends it."""

from typing import Any

from django.utils import timezone
from playwright.sync_api import expect

from casework.actions import passwords
from localities.models import User

NEW = "three words that differ"


def test_the_first_administrator_sets_a_password_and_sends_a_link(visit: Any) -> None:
    """Nobody of the cast: their passwords stay as they are for the others."""
    lee = User.objects.create_user("lee.first", name="Lee First", email="lee@front-door.example")
    lee.memberships.create(role="administrator")
    link = passwords.send_link(user_id=lee.pk, by=User.objects.get(username="adele"), now=timezone.now())
    window = visit()
    page = window.go(f"/accounts/password/set/{link.token}/")
    assert link.token not in page.url
    assert window.faults_at(320, 1280) == []
    page.get_by_label("New password", exact=True).focus()
    page.keyboard.press("Enter")
    summary = page.get_by_role("alert")
    expect(summary.get_by_role("link")).to_have_text(["Enter a new password", "Enter the new password again"])
    assert window.faults_at(320, 1280) == []
    page.get_by_label("New password", exact=True).focus()
    page.keyboard.type(NEW)
    page.keyboard.press("Tab")
    page.keyboard.type(NEW)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Set the password")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert window.faults_at(320, 1280) == []
    page.get_by_label("User name").fill("lee.first")
    page.get_by_label("Password").fill(NEW)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("link", name="Admin", exact=True)).to_be_visible()

    nia = User.objects.create_user("nia.second", name="Nia Second", email="nia@front-door.example")
    window.go(f"/admin/localities/user/{nia.pk}/change/")
    with window.next_page():
        page.get_by_role("link", name="Password", exact=True).click()
    assert window.faults_at(320, 1280) == []
    page.get_by_role("button", name="Send a link").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The link is on its way.")
    assert window.faults_at(320, 1280) == []
    assert window.complaints == []


def test_a_forgotten_password_is_asked_for_by_keyboard(visit: Any) -> None:
    window = visit()
    page = window.go("/accounts/login/")
    page.get_by_role("link", name="Forgotten your password?").focus()
    with window.next_page():
        page.keyboard.press("Enter")
    page.get_by_label("User name or work email address").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Enter your user name or your work email address")
    assert window.faults_at(320, 1280) == []
    page.get_by_label("User name or work email address").focus()
    page.keyboard.type("nobody")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    assert window.faults_at(320, 1280) == []
    assert window.complaints == []
