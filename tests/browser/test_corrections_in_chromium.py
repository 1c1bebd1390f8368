"""Corrections in a real browser: with and without JavaScript, at 320 px and on a large screen, against WCAG 2.2 AA."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from casework.actions import corrections
from casework.models import Contact
from tests.browser.conftest import SignedIn
from tests.stage.documents import child
from tests.stage.service import Service
from tests.stage.story import Story, person

# Where somebody wants to look at the pages: a folder for pictures of them.
PICTURES = os.environ.get("PICTURES")


@pytest.fixture
def contact(service: Service) -> Contact:
    """Two children, of whom one could not be read whole."""
    story = Story(timezone.now())
    kim = {"ref": "c2", "first_name": "Kim", "date_of_birth": "2015-08-21", "nhs_number": "12"}
    return story.contact(children=[child(nhs_number=None), child(**kim)])


@pytest.mark.parametrize("javascript", [True, False])
def test_a_fact_is_corrected_from_its_group(visit: Any, contact: Contact, javascript: bool) -> None:
    window = visit(width=320, javascript=javascript)
    page = window.sign_in("oliver")
    window.go(f"/contacts/{contact}/")
    page.get_by_role("link", name="Change Kim Ashworth").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kim Ashworth")
    page.get_by_label("First name").fill("Kimberley")
    page.get_by_role("button", name="Save", exact=True).click()
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("Enter how you know, and what changed")
    expect(page.get_by_label("First name")).to_have_value("Kimberley")
    page.get_by_label("The family").check()
    page.get_by_label("Who said it?").fill("mother")
    page.get_by_label("What changed, and how do you know?").fill("She called.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved. The recommendation stays as it is.")).to_be_visible()
    expect(page.get_by_text("Kimberley (sent: Kim)")).to_be_visible()
    page.get_by_role("link", name="History of facts").click()
    expect(page.get_by_role("cell", name="Kimberley", exact=True)).to_be_visible()
    assert window.complaints == []


def test_the_pages_are_for_everybody(visit: Any, contact: Contact) -> None:
    document = {
        "source": "family", "said_by": "mother", "why": "She called, and told us of the other child.",
        "immediate_danger": True, "referrer": {"phone": "01494 000000"}, "family_indicators": ["L2-01"],
        "children": [
            {"ref": "c1", "date_of_birth": "3 April 2019", "indicators": ["L3-12", "L4-01"], "sex": "X"},
            {"ref": "c2", "in_family": False}, {"first_name": "Ola", "age_years": "about 3"},
        ],
    }  # fmt: skip
    corrections.learn(contact_id=contact.pk, document=document, by=person("oliver"), now=timezone.now())
    one, two, _ = contact.children.all()
    adult = contact.adults.first()
    assert adult is not None
    window = visit()
    window.sign_in("oliver")
    below = [
        "", "correct/contact/", "correct/family/", "correct/referrer/", f"correct/child/{one.pk}/",
        f"correct/child/{two.pk}/", f"correct/adult/{adult.pk}/", "correct/new-child/", "correct/new-adult/",
        "history/", f"history/?child={one.pk}",
    ]  # fmt: skip
    pages = [f"/contacts/{contact}/{place}" for place in below]
    picture(window, pages)
    assert window.faults_of(pages) == {}
    assert window.complaints == []


def picture(window: SignedIn, pages: list[str]) -> None:
    if PICTURES is None:
        return
    for number, path in enumerate(pages):
        for width in (320, 1280):
            window.resize(width)
            window.go(path).screenshot(path=Path(PICTURES) / f"{number}-{width}.png", full_page=True)
