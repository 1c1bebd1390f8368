"""Search in a real browser: by keyboard, without JavaScript, at 320 px, against WCAG 2.2 AA."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

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
    expect(page.get_by_label("Search", exact=True)).to_have_value("zoe ximenez 2015")


def test_who_sees_everybody_says_why(visit: Any, known: str) -> None:
    window = visit()
    page = window.sign_in("sam")
    box = page.get_by_role("searchbox", name="Search families and references")
    box.fill("zoe ximenez")
    box.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Choose why you search.")
    expect(page.get_by_label("Search", exact=True)).to_have_value("zoe ximenez")
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
    expect(page.get_by_text("It does not mean that the family is not known.")).to_be_visible()
    assert window.faults_at(320, 1280) == []
