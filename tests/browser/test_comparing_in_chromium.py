"""Both records of a possible match in a real browser: side by side, and one under the other at 320 px."""

from typing import Any

from django.utils import timezone
from playwright.sync_api import expect

from casework.models import PersonMatch
from tests.stage.documents import address, child
from tests.stage.service import Service
from tests.stage.story import Story


def test_both_records_are_compared_and_settled(visit: Any, service: Service) -> None:
    story = Story(timezone.now())
    mother = {"first_name": "Ada", "last_name": "Okonkwo", "relationship": "mother", "same_address": True}
    told = {"first_name": "Chidi", "last_name": "Okonkwo", "date_of_birth": "2014-05-07", "upn": None}
    ours = child(**told, nhs_number=None, address=address("HP21 7AB"))
    story.contact(children=[ours], adults=[mother])
    theirs = child(**told | {"last_name": "Okonkwo-Featherstonehaugh"}, nhs_number=None, address=address("SL7 1AA"))
    contact = story.contact(by="example-police", children=[theirs], adults=[mother])
    match = PersonMatch.objects.get(child__contact=contact)
    window = visit(javascript=False)
    page = window.sign_in("amina")
    page = window.go(f"/contacts/{contact}/")
    with window.next_page():
        page.get_by_role("link", name="Compare both records").first.click()
    sides = page.get_by_role("region", name="Name").locator("dl > div")
    for width, is_beside in ((1280, True), (320, False)):
        window.resize(width)
        boxes = [box for each in sides.all() if (box := each.bounding_box())]
        assert (boxes[0]["y"] == boxes[1]["y"]) is is_beside
        assert not window.overflows()
    page.get_by_role("button", name="Same child", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The recommendation has been updated")
    window = visit()
    window.sign_in("amina")
    page = window.go(f"/contacts/{contact}/matches/{match.pk}/compare/")
    expect(page.get_by_text("said that they are the same child")).to_be_visible()
    assert window.faults_at(320, 1280) == []
