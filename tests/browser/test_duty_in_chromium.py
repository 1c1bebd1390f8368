"""The rota and an absence by keyboard and without JavaScript, and the open list on paper and without the service."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from casework.models import Duty
from casework.reading import open_list_files
from tests.browser.conftest import is_saved
from tests.stage.documents import child
from tests.stage.service import Service
from tests.stage.story import Story


@pytest.mark.parametrize("javascript", [True, False])
def test_a_rota_is_typed_by_keyboard_and_its_faults_are_found(visit: Any, javascript: bool) -> None:
    monday = date(2030, 1, 7) + timedelta(days=7 * javascript)
    window = visit(width=320, javascript=javascript)
    window.sign_in("maya")
    page = window.go(f"/duty/rota/{monday}/")
    line = page.get_by_role("group", name="Monday, line 1")
    line.get_by_label("Who").select_option(label="Amina Hussain")
    line.get_by_label("Role").select_option(label="Duty social worker")
    line.get_by_label("From").fill("0900")
    save = page.get_by_role("button", name="Save the rota")
    if javascript:
        # Somebody is called away in the middle of it.
        expect(page.get_by_text("not recorded yet")).to_be_visible()
        window.go("/duty/")
        page = window.go(f"/duty/rota/{monday}/")
        expect(line.get_by_label("Who").locator("option:checked")).to_have_text("Amina Hussain")
        expect(line.get_by_label("From")).to_have_value("0900")
    save.press("Enter")
    expect(page.get_by_role("alert").first).to_contain_text("Enter when the duty ends")
    line.get_by_label("Until").fill("half five pm")
    save.press("Enter")
    expect(page.get_by_text("The rota is saved.")).to_be_visible()
    expect(line.get_by_label("From")).to_have_value("09:00")
    assert Duty.objects.filter(starts_at__date=monday).count() == 1
    if javascript:
        assert window.faults_at(320, 1280) == []


def test_the_open_list_prints_without_what_is_for_the_screen(visit: Any, service: Service) -> None:
    Story(timezone.now()).contact()
    window = visit()
    window.sign_in("maya")
    page = window.go("/open-list/")
    page.emulate_media(media="print")
    for_the_screen = page.get_by_text("Download as a file")
    for hidden in (page.get_by_role("navigation").first, for_the_screen, page.locator("footer")):
        expect(hidden).to_be_hidden()
    expect(page.get_by_text("Valid at").first).to_be_visible()
    expect(page.locator("thead tr").first).to_contain_text("Confidential.")
    expect(page.locator("thead tr").first).to_be_visible()
    # White letters on a colour would be white on white.
    for printed in (page.locator("tbody .govuk-tag").first, page.locator(".app-header a").first):
        expect(printed).not_to_have_css("color", "rgb(255, 255, 255)")
    page.emulate_media(media="screen")
    expect(page.locator("thead tr").first).to_be_hidden()


def test_a_shift_is_handed_over_and_read_by_keyboard(visit: Any, service: Service) -> None:
    Story(timezone.now()).contact(children=[child(indicators=["L4-01"])])
    window = visit(width=320)
    window.sign_in("oliver")
    page = window.go("/duty/handovers/give/front-door/")
    assert window.faults_at(320, 1280) == []
    page.get_by_label("What must the next shift know?").focus()
    page.keyboard.type("Ring the school at eight.")
    is_saved(page)
    page.reload()
    expect(page.get_by_label("What must the next shift know?")).to_have_value("Ring the school at eight.")
    page.get_by_role("button", name="Hand over", exact=True).press("Enter")
    expect(page.get_by_text("The shift is handed over.")).to_be_visible()
    sheet = page.url.removeprefix(window.base_url)
    assert window.faults_at(320, 1280) == []
    page.emulate_media(media="print")
    reference = page.locator(".app-sheet__reference").first
    assert reference.evaluate("link => getComputedStyle(link, '::after').content") == "none"
    other = visit(width=320)
    other.sign_in("erin")
    read = other.go(sheet)
    read.get_by_role("button", name="I have read it").press("Enter")
    expect(read.get_by_text("Read by Erin Walsh")).to_be_visible()
    assert other.faults_of(["/duty/handovers/", sheet]) == {}


@pytest.mark.parametrize("width", [320, 1280])
def test_the_page_of_the_folder_opens_without_the_service(visit: Any, tmp_path: Path, width: int) -> None:
    Story(timezone.now()).contact()
    files = {name: "".join(pieces) for name, pieces, _ in open_list_files.files(timezone.now())}
    file = tmp_path / "front-door.html"
    file.write_text(files["front-door.html"], encoding="utf-8")
    window = visit(width=width)
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url))
    window.page.goto(file.as_uri())
    expect(window.page.get_by_role("heading", level=1)).to_have_text("Open list")
    assert [url for url in asked if not url.startswith("file:")] == []
    assert window.page.evaluate("document.documentElement.scrollWidth") <= width
    assert window.accessibility() == []
