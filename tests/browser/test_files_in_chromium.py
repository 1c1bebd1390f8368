"""Files in a real browser: selected, refused, added, looked at and downloaded, by keyboard and without JavaScript."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from casework.files.content import NOT_ALLOWED
from casework.models import Contact, File
from tests.stage.files import HTML, PDF, picture
from tests.stage.service import Service, wait_until
from tests.stage.story import Story


@pytest.fixture(scope="module")
def of_a_family(service: Service) -> Contact:
    child = {
        "ref": "c1", "first_name": "Filippa", "last_name": "Foldersen", "date_of_birth": "2016-02-03",
        "address": {"lines": ["88 Folder Road"], "postcode": "HP20 1UA"}, "indicators": ["L3-12"],
    }  # fmt: skip
    return Story(timezone.now()).contact(children=[child], adults=[], family_indicators=[])


@pytest.fixture
def on_disk(tmp_path: Path) -> Path:
    for name, content in (("page.pdf", HTML), ("letter.pdf", PDF), ("injury.pdf", picture("JPEG", (900, 600)))):
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize(("javascript", "width"), [(True, 1280), (False, 320)])
def test_a_file_is_refused_added_looked_at_and_had(
    visit: Any, of_a_family: Contact, on_disk: Path, javascript: bool, width: int
) -> None:
    window = visit(javascript=javascript, width=width)
    window.sign_in("amina")
    page = window.go(f"/contacts/{of_a_family}/")
    page.get_by_role("region", name="Files").get_by_role("link").last.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Files")
    page.get_by_label("What is it?").fill("What the school wrote")
    page.get_by_label("File", exact=True).set_input_files(on_disk / "page.pdf")
    page.get_by_role("button", name="Add file").press("Enter")
    page.get_by_role("alert").get_by_role("link", name=NOT_ALLOWED).press("Enter")
    expect(page.get_by_label("File", exact=True)).to_be_focused()
    expect(page.get_by_label("What is it?")).to_have_value("What the school wrote")
    name = f"{'with' if javascript else 'without'} a script.pdf"
    content = PDF + name.encode()
    (on_disk / name).write_bytes(content)
    page.get_by_label("File", exact=True).set_input_files(on_disk / name)
    page.get_by_role("button", name="Add file").press("Enter")
    expect(page.get_by_text("The file is added.")).to_be_visible()
    page.get_by_role("link", name=name).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    with page.expect_download() as had:
        page.get_by_role("button", name="Download").press("Enter")
    assert had.value.suggested_filename == name
    assert had.value.path().read_bytes() == content
    assert window.complaints == []


def test_a_picture_is_drawn_by_the_worker_and_seen_on_its_page(visit: Any, of_a_family: Contact, on_disk: Path) -> None:
    window = visit()
    window.sign_in("amina")
    page = window.go(f"/contacts/{of_a_family}/files/")
    page.get_by_label("File", exact=True).set_input_files(on_disk / "injury.pdf")
    page.get_by_role("button", name="Add file").click()
    expect(page.get_by_text("The file is added.")).to_be_visible()
    file = File.objects.get(contact=of_a_family, kind="jpeg")

    def is_drawn() -> bool:
        file.refresh_from_db()
        return file.has_preview

    # The worker sees to it every few seconds.
    wait_until(is_drawn, "the picture is drawn")
    page = window.go(f"/contacts/{of_a_family}/files/{file.key}/")
    shown = page.get_by_role("img", name="Preview of injury.pdf")
    assert shown.evaluate("each => each.complete && each.naturalWidth") == 900
    assert window.faults_at(320, 1280) == []
    assert window.complaints == []


def test_every_page_of_files_is_for_everybody(visit: Any, of_a_family: Contact, on_disk: Path) -> None:
    window = visit()
    window.sign_in("maya")
    path = f"/contacts/{of_a_family}/files/"
    page = window.go(path)
    page.get_by_role("button", name="Add file").click()
    expect(page.get_by_role("alert").get_by_role("link", name="Select a file")).to_be_visible()
    assert window.faults_at(320, 1280) == []
    page.get_by_label("File", exact=True).set_input_files(on_disk / "letter.pdf")
    page.get_by_role("button", name="Add file").click()
    expect(page.get_by_text("The file is added.")).to_be_visible()
    assert window.faults_at(320, 1280) == []
    with window.next_page():
        page.get_by_role("link", name="letter.pdf").click()
    assert window.faults_at(320, 1280) == []
    with window.next_page():
        page.get_by_role("link", name="Remove this file").click()
    page.get_by_role("button", name="Remove the file").click()
    expect(page.get_by_role("alert").get_by_role("link", name="Enter why the file is removed")).to_be_visible()
    assert window.faults_at(320, 1280) == []
    page.get_by_label("Why is it removed?").fill("It is about another family.")
    page.get_by_role("button", name="Remove the file").click()
    expect(page.get_by_role("row", name="letter.pdf")).to_contain_text("Removed")
    assert window.faults_at(320, 1280) == []
    window.go(f"/contacts/new/{'f' * 32}/files/")
    assert window.faults_at(320, 1280) == []
