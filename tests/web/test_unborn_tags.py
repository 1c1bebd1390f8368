"""A child who is not born yet is tagged so, with the month in which it is due, wherever its family is named."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.models import Contact
from localities.working_time import local_day
from tests.stage.documents import child
from tests.stage.staff import SignedIn
from tests.stage.story import Story
from tests.stage.web_client import Page, a_working_morning

TODAY = local_day(timezone.now())
DUE, PAST = TODAY + timedelta(days=90), TODAY - timedelta(days=20)


def expecting(due: Any) -> Contact:
    return Story(a_working_morning()).contact(
        children=[
            child(
                first_name="", last_name="Ashworth", also_known_as=[], nhs_number=None, date_of_birth=None,
                expected_date_of_delivery=due.isoformat(),
            )
        ],
        adults=[],
    )  # fmt: skip


def tags(page: Page) -> list[str]:
    return [each.text for each in page.main.all("strong") if each["class"].startswith("govuk-tag govuk-tag--purple")]


@pytest.mark.parametrize(
    ("due", "says"), [(DUE, f"Unborn, due {DUE:%B %Y}"), (PAST, f"Was due {PAST:%B %Y}, birth not recorded")]
)
def test_on_the_contact_the_worklist_the_person_and_among_what_is_found(db: None, due: Any, says: str) -> None:
    contact = expecting(due)
    amina = SignedIn("amina")
    assert tags(amina.open(contact)) == [says]
    assert tags(amina.open("/")) == [says]
    assert tags(amina.open(f"/people/{contact.children.get().person.reference}/")) == [says]
    answer = amina.client.post("/search/", {"text": f"Ashworth baby due {due:%-d %B %Y}"})
    assert tags(Page(amina.client.get(answer["Location"]))) == [says]


def test_a_child_who_is_born_has_none(db: None) -> None:
    contact = Story(a_working_morning()).contact()
    amina = SignedIn("amina")
    assert (
        tags(amina.open(contact))
        == tags(amina.open("/"))
        == tags(amina.open(f"/people/{contact.children.get().person.reference}/"))
        == []
    )
