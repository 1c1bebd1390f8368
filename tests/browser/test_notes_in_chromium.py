"""Notes in a real browser: by keyboard, kept as they are typed, without JavaScript, at 320 px, against WCAG 2.2 AA."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from casework.models import Case, Contact, Note, UnfinishedForm
from tests.browser.conftest import is_saved
from tests.stage.documents import child
from tests.stage.service import Service
from tests.stage.story import Story


def contact_about(first_name: str, last_name: str) -> Contact:
    one = child(first_name=first_name, last_name=last_name, nhs_number=None, date_of_birth="2013-07-30")
    return Story(timezone.now()).contact(children=[one], adults=[{"first_name": "Kit", "relationship": "uncle"}])


@pytest.fixture(scope="module")
def noted(service: Service) -> Case:
    """A case with notes of each sort: corrected, kept to the front door, and of the case itself."""
    story = Story(timezone.now())
    contact = contact_about("Ondine", "Prewitt")
    story.corrected(story.note(contact, child_ids=[contact.children.get().pk]))
    story.note(contact, readers="team", text="A neighbour told us in confidence.")
    case = story.accepted(contact)
    story.note(case, by="ben", kind="visit", text="Seen at home.\nWell, and shy.")
    return case


def text_of(page: Page) -> Any:
    return page.get_by_role("textbox", name="Note", exact=True)


def test_every_page_of_notes_is_accessible_with_and_without_faults(visit: Any, noted: Case) -> None:
    contact = noted.contacts.get()
    first = Note.objects.filter(contact=contact).earliest("pk")
    window = visit(width=1280)
    for name, paths in (
        ("amina", (f"/contacts/{contact}/", f"/contacts/{contact}/notes/new/",
                   f"/contacts/{contact}/notes/{first.pk}/correct/")),
        ("ben", (f"/cases/{noted}/notes/", f"/cases/{noted}/notes/new/", f"/contacts/{contact}/")),
    ):  # fmt: skip
        page = window.sign_in(name)
        for path in paths:
            window.go(path)
            assert window.faults_at(320, 1280) == [], path
            if not path.endswith(("new/", "correct/")):
                continue
            text_of(page).fill("")
            page.get_by_role("button", name="Save note").or_(page.get_by_role("button", name="Save corr")).click()
            expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
            assert window.faults_at(320, 1280) == [], f"{path} with faults"


def test_a_text_that_is_missing_has_a_red_border_which_the_count_of_characters_leaves(visit: Any) -> None:
    contact = contact_about("Cosima", "Brand")
    window = visit(width=1280)
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/notes/new/")
    page.get_by_role("button", name="Save note").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    # The script has run: it counts in place of the sentence, which only screen readers are told.
    expect(page.get_by_text("You can enter up to 20,000 characters")).to_contain_class("govuk-visually-hidden")
    assert "govuk-textarea--error" in str(text_of(page).get_attribute("class")).split()


def test_a_note_is_written_by_keyboard_alone_and_stands_on_the_page(visit: Any) -> None:
    contact = contact_about("Leopold", "Askew")
    window = visit(width=1280)
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/")
    page.get_by_role("link", name="Add a note").focus()
    with window.next_page():
        page.keyboard.press("Enter")
    page.get_by_role("radio", name="Telephone call").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("Mum rang.")
    is_saved(page)
    page.get_by_role("button", name="Save note").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Note saved.")).to_be_visible()
    expect(page.get_by_role("article").filter(has_text="Mum rang.")).to_be_visible()
    assert Note.objects.get(contact=contact).text == "Mum rang."
    assert not UnfinishedForm.objects.filter(record=contact.reference).exists()


def test_a_note_outlives_a_tab_that_is_closed_and_is_counted(visit: Any) -> None:
    contact = contact_about("Isadora", "Lunt")
    window = visit(width=320)
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/notes/new/")
    text_of(page).fill("x" * 19_990)
    expect(page.locator(".govuk-character-count__status")).to_contain_text("10 characters remaining")
    text_of(page).fill("Half a note")
    is_saved(page)
    # As whoever comes back in another browser.
    window.leave()
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/notes/new/")
    expect(text_of(page)).to_have_value("Half a note")


def test_a_note_is_written_and_corrected_without_javascript(visit: Any) -> None:
    contact = contact_about("Caspian", "Orrell")
    window = visit(width=320, javascript=False)
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/notes/new/")
    page.get_by_label("Visit", exact=True).check()
    text_of(page).fill("Nobody in.")
    page.get_by_role("button", name="Save note").click()
    with window.next_page():
        page.get_by_role("link", name="Correct this note").click()
    page.get_by_role("textbox", name="What was wrong").fill("They were in the garden.")
    text_of(page).fill("They were in the garden, and well.")
    page.get_by_role("button", name="Save correction").click()
    expect(page.get_by_text("They were in the garden, and well.", exact=True)).to_be_visible()
    page.get_by_text("What was written before").click()
    expect(page.get_by_text("Nobody in.", exact=True)).to_be_visible()
