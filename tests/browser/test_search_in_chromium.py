"""Search in a real browser: by keyboard, without JavaScript, at 320 px, against WCAG 2.2 AA."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from casework.web.draft_form import new_key
from tests.stage.documents import address, child
from tests.stage.service import Service
from tests.stage.story import Story


@pytest.fixture(scope="module")
def known(service: Service) -> str:
    """A family that is known: the reference of the contact about it."""
    story = Story(timezone.now())
    mother = {"first_name": "Inés", "last_name": "Ximénez", "relationship": "mother", "same_address": True}
    zoe = child(first_name="Zoë", last_name="Ximénez", date_of_birth="2015-03-04", nhs_number=None,
                address=address("HP21 7AA"))  # fmt: skip
    return str(story.contact(children=[zoe], adults=[mother]))


@pytest.mark.parametrize("javascript", [True, False])
def test_a_family_is_found_from_the_box_at_the_top(visit: Any, known: str, javascript: bool) -> None:
    window = visit(javascript=javascript)
    page = window.sign_in("amina")
    box = page.get_by_role("searchbox", name="Search families and references")
    box.fill("zoe ximenez 2015")
    box.press("Enter")
    expect(page.get_by_role("heading", name="Zoë Ximénez")).to_be_visible()
    assert "ximenez" not in page.url
    if javascript:
        assert window.faults_at(320, 1280) == []
    where = page.url
    page.get_by_role("link", name="Zoë Ximénez").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Zoë Ximénez")
    page.go_back()
    assert page.url == where
    expect(page.get_by_role("heading", name="Zoë Ximénez")).to_be_visible()
    expect(page.get_by_label("What do you know?")).to_have_value("zoe ximenez 2015")


def test_who_sees_everybody_says_why(visit: Any, known: str) -> None:
    window = visit()
    page = window.sign_in("sam")
    box = page.get_by_role("searchbox", name="Search families and references")
    box.fill("zoe ximenez")
    box.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Select why you search")
    expect(page.get_by_label("What do you know?")).to_have_value("zoe ximenez")
    assert window.faults_at(320, 1280) == []
    page.get_by_label("Supervision, audit or quality").check()
    page.get_by_role("main").get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="Zoë Ximénez")).to_be_visible()


def test_nothing_found_is_said_in_words(visit: Any, known: str) -> None:
    window = visit()
    page = window.sign_in("amina")
    box = page.get_by_role("searchbox", name="Search families and references")
    box.fill("Thistlewood 1999")
    box.press("Enter")
    expect(page.get_by_text("It does not mean that the family is not known")).to_be_visible()
    assert window.faults_at(320, 1280) == []


def test_likely_families_are_shown_while_names_are_typed(visit: Any, known: str) -> None:
    window = visit()
    page = window.sign_in("amina")
    draft = f"/contacts/new/{new_key()}/"
    window.go(f"{draft}children/")
    part = page.get_by_role("region", name="Child 1")
    part.get_by_label("First name").press_sequentially("Zoe")
    part.get_by_label("Last name").press_sequentially("Ximenes")
    likely = part.locator("[aria-live=polite]")
    expect(likely).to_contain_text("Likely families")
    expect(likely.get_by_role("link", name="Zoë Ximénez")).to_be_visible()
    # The keyboard stays where somebody types.
    expect(part.get_by_label("Last name")).to_be_focused()
    assert window.faults_at(320, 1280) == []
    part.get_by_label("Last name").fill("Thistlewood")
    expect(likely).to_contain_text("No matching records found")
    # A person who is added has a place of their own.
    window.go(f"{draft}household/")
    page.get_by_role("button", name="Add another adult").click()
    adult = page.get_by_role("region", name="Adult 2")
    adult.get_by_label("First name").fill("Ines")
    adult.get_by_label("Last name").fill("Ximenez")
    expect(adult.locator("[aria-live=polite]").get_by_role("link", name="Inés Ximénez")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_staff_look_first_and_take_what_they_typed_along(visit: Any, known: str, javascript: bool) -> None:
    window = visit(javascript=javascript)
    page = window.sign_in("amina")
    page.get_by_role("link", name="New contact").click()
    page.get_by_label("Not known").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Look first: is the family known?")
    page.get_by_label("First name").fill("Zoe")
    page.get_by_label("Last name").fill("Ximenez")
    page.get_by_role("button", name="Look", exact=True).click()
    expect(page.get_by_role("heading", name="Zoë Ximénez")).to_be_visible()
    if javascript:
        assert window.faults_at(320, 1280) == []
    page.get_by_role("button", name="None of these: continue").click()
    page.get_by_role("link", name="Children", exact=True).click()
    child_1 = page.get_by_role("region", name="Child 1")
    expect(child_1.get_by_label("First name")).to_have_value("Zoe")
    expect(child_1.get_by_label("Last name")).to_have_value("Ximenez")


@pytest.mark.parametrize("javascript", [True, False])
def test_who_continues_without_looking_loses_nothing(visit: Any, javascript: bool) -> None:
    window = visit(javascript=javascript)
    page = window.sign_in("amina")
    window.go("/contacts/new/look/")
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Last name").fill("Thistlewood")
    page.get_by_role("button", name="Continue without looking").click()
    page.get_by_role("link", name="Children", exact=True).click()
    child_1 = page.get_by_role("region", name="Child 1")
    expect(child_1.get_by_label("First name")).to_have_value("Ada")
    expect(child_1.get_by_label("Last name")).to_have_value("Thistlewood")


def test_enter_looks_again_where_somebody_was_found(visit: Any, known: str) -> None:
    window = visit()
    page = window.sign_in("amina")
    window.go("/contacts/new/look/")
    page.get_by_label("First name").fill("Zoe")
    page.get_by_label("Last name").fill("Ximenez")
    page.get_by_label("Last name").press("Enter")
    expect(page.get_by_role("button", name="Continue with this family")).to_be_visible()
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Last name").fill("Thistlewood")
    page.get_by_label("Last name").press("Enter")
    expect(page.get_by_role("heading", name="No matching records found")).to_be_visible()
