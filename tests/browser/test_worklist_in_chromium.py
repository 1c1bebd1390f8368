"""The front door's worklist in a real browser: it looks for what is new, and place and focus stay."""

from typing import Any

from django.utils import timezone
from playwright.sync_api import expect

from casework.models import Contact
from tests.stage.documents import child
from tests.stage.service import Service
from tests.stage.story import Story

HALF_A_MINUTE = 30_000


def family(name: str, **changes: Any) -> Contact:
    one = child(first_name=name, last_name="Quillfeather", also_known_as=[], nhs_number=None)
    return Story(timezone.now()).contact(children=[one], adults=[], agency_reference=name, **changes)


def test_a_red_contact_that_comes_is_announced_and_the_focus_stays(visit: Any, service: Service) -> None:
    green = family("Gwen")
    window = visit()
    window.page.clock.install()
    page = window.sign_in("amina")
    link = page.locator(f"#open-{green}")
    expect(link).to_contain_text("Gwen Quillfeather")
    assert window.faults_at(320, 1280) == []
    link.focus()
    red = family("Rhona", referrer_level=4, immediate_danger=True)
    page.clock.run_for(HALF_A_MINUTE)
    announced = page.get_by_role("status")
    expect(announced).to_contain_text("New red contact: Rhona Quillfeather")
    expect(page.locator(f"#open-{red}")).to_be_visible()
    expect(link).to_be_focused()
    assert window.faults_at(320, 1280) == []
    # It is new once.
    page.clock.run_for(HALF_A_MINUTE)
    announced.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(str(red))
    assert window.complaints == []


def test_one_is_taken_on_by_keyboard_without_javascript(visit: Any, service: Service) -> None:
    contact = family("Kit")
    page = visit(javascript=False).sign_in("oliver")
    page.locator(f"#assign-{contact}").press("Enter")
    expect(page.get_by_text("The contact is assigned to you.")).to_be_visible()
    contact.refresh_from_db()
    assert contact.owner is not None
    assert contact.owner.username == "oliver"
