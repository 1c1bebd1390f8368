"""The pages on which a team accepts, returns or withdraws an offer: what they say first, and what they cost."""

from typing import Any

import pytest

from casework.actions import handoffs
from casework.deadlines.titles import title_of
from casework.models import Handoff, UnfinishedForm
from tests.stage.sql import asked, within
from tests.stage.staff import ANOTHER_FAMILY, SignedIn, is_done, is_wrong, looks, path_of
from tests.stage.story import Story, person
from tests.stage.web_client import Page, a_working_morning

CONCERN: dict[str, Any] = {
    "worries": "He comes to school hungry. They live at 12 Example Road.",
    "working_well": None,
    "wanted": None,
    "childs_words": "I make my own tea.",
}
MOTHER: dict[str, Any] = {"first_name": "Sam", "last_name": "Ashworth", "relationship": "mother", "risk_to_staff": True}


@pytest.fixture(scope="module")
def told(told_for_a_module: None) -> int:
    story = Story(a_working_morning())
    return story.offered(story.contact(concern=CONCERN, adults=[MOTHER])).pk


@pytest.fixture
def offer(told: int, db: None) -> Handoff:
    """A case on offer to Aylesbury."""
    return Handoff.objects.select_related("case").get(pk=told)


def row(page: Page, label: str) -> str:
    """What a row of the page's summary list says."""
    (found,) = [each for each in page.main.all(class_="govuk-summary-list__row") if each.all("dt")[0].text == label]
    return found.all("dd")[0].text


class TestBeforeItIsAccepted:
    def test_the_family_and_what_worries_us_are_read_again(self, offer: Handoff) -> None:
        page = SignedIn("ben").open(offer.case, "accept/")
        assert page.heading == "Accept the case: Robin Ashworth (7)"
        assert row(page, "In the child’s words") == "I make my own tea."
        assert row(page, "Presenting concern") == CONCERN["worries"]
        assert row(page, "Risk") == "Green Risk to staff"
        assert row(page, "Agreement").startswith("The family agrees to a voluntary service: mother, ")
        assert row(page, "Support already tried") == "Breakfast club since September."
        assert row(page, "Offered by").startswith("Amina Hussain, Front door, ")
        assert "handoff 1 of this case" in row(page, "Handoff")
        assert "(" in row(page, "Answer due")
        assert looks() == [("ben", str(offer.case))]

    def test_what_the_team_takes_on_is_what_then_runs(self, offer: Handoff) -> None:
        page = SignedIn("bea").open(offer.case, "accept/")
        (part,) = page.main.all("section", **{"aria-labelledby": "takes-on-heading"})
        promised = {line.text.split(":")[0] for line in part.all("li")}
        assert promised == {
            "Lead practitioner named", "First contact with the family", "Family help assessment", "Family help plan"
        }  # fmt: skip
        is_done(SignedIn("bea").send(offer.case, "accept"), offer.case)
        running = offer.case.clocks.running().values_list("kind", flat=True)
        assert promised == {title_of(kind).capitalize() for kind in running}

    def test_a_hidden_address_is_on_none_of_the_pages(self, story: Story) -> None:
        at = {"lines": ["12 Example Road"], "postcode": "HP20 1UA", "confidential": True}
        hidden = ANOTHER_FAMILY["children"][0] | {"address": at}
        contact = story.contact(children=[hidden], adults=[], concern=CONCERN)
        offer = story.offered(
            contact, chosen_team_id=story.team("aylesbury").pk, chosen_team_reason="They know the school."
        )
        for name, action in (("ben", "accept"), ("ben", "return"), ("amina", "withdraw"), ("amina", "offer")):
            page = SignedIn(name).open(offer.case, f"{action}/")
            assert "Example Road" not in page.html, action
        assert "Confidential address" in row(SignedIn("ben").open(offer.case, "accept/"), "Risk")


class TestBeforeItIsReturned:
    def test_what_follows_is_said(self, offer: Handoff) -> None:
        page = SignedIn("ben").open(offer.case, "return/")
        assert page.heading == "Return the case: Robin Ashworth (7)"
        for says in (
            "Front door stays responsible for the family.",
            "Amina Hussain and Front door are told by email at once.",
            "The family is not told by this service.",
        ):
            assert says in page.text, says

    def test_the_case_says_who_returned_it_and_why_until_it_is_offered_again(self, story: Story) -> None:
        case = story.returned(story.contact(**ANOTHER_FAMILY), reason="Their aunt in Chesham has them.")
        page = SignedIn("amina").open(case)
        assert "Ben Carter, Aylesbury team, returned this case" in page.text
        assert "Their aunt in Chesham has them." in page.text
        assert "Offer it to another team" in page.text
        handoffs.offer(
            case_id=case.pk, to_team_id=story.team("chiltern").pk, reason="The aunt has them.", by=person("amina"),
            now=story.later(),
        )  # fmt: skip
        assert "returned this case" not in SignedIn("amina").open(case).text

    def test_the_reason_is_kept_until_it_is_sent(self, offer: Handoff) -> None:
        ben, at = SignedIn("ben"), f"{path_of(offer.case)}return/"
        form = ben.open(offer.case, "return/").form(at)
        why = {"return-reason": "Their aunt in Chesham has them."}
        assert ben.client.post(at, form | why | {"keep": "stay"}).status_code == 302
        page = ben.open(offer.case, "return/")
        assert page.form(at)["return-reason"] == why["return-reason"]
        assert "Open the form with this text" in ben.open(offer.case).text
        assert why["return-reason"] not in SignedIn("bea").open(offer.case, "return/").html
        answer = ben.client.post(at, page.form(at))
        assert (answer.status_code, answer.headers["Location"]) == (302, "/")
        assert not UnfinishedForm.objects.exists()
        offer.refresh_from_db()
        assert (offer.status, offer.answer_reason) == ("returned", why["return-reason"])

    def test_what_was_typed_too_late_is_not_lost(self, offer: Handoff) -> None:
        ben, at = SignedIn("ben"), f"{path_of(offer.case)}return/"
        form = ben.open(offer.case, "return/").form(at) | {"return-reason": "No room this week."}
        is_done(SignedIn("bea").send(offer.case, "accept"), offer.case)
        answer = Page(ben.client.post(at, form))
        assert (answer.status, "No room this week." in answer.text) == (409, True)
        again = Page(ben.client.get(at))
        assert (again.status, "No room this week." in again.text) == (409, True)

    def test_a_reason_is_needed(self, offer: Handoff) -> None:
        says = "Enter why the case goes back, so that the sender can do better"
        page = is_wrong(SignedIn("ben").send(offer.case, "return"), {"id_return-reason": says})
        assert page.heading.startswith("Return the case: ")


# How often a page waits for the database, and how many statements that are.
BUDGETS = {("ben", "accept"): (10, 17), ("ben", "return"): (7, 9), ("amina", "withdraw"): (7, 9)}


def test_the_pages_keep_to_their_budgets(offer: Handoff) -> None:
    over = {}
    for (name, action), (waits, statements) in BUDGETS.items():
        signed_in = SignedIn(name)
        with asked() as cost:
            assert signed_in.open(offer.case, f"{action}/").status == 200
        if not (within(cost.round_trips, waits) and within(cost.statements, statements)):
            over[action] = cost
    assert not over


def test_the_page_of_an_offer_keeps_to_its_budget(offer: Handoff) -> None:
    signed_in = SignedIn("ben")
    is_done(signed_in.send(offer.case, "accept"), offer.case)
    # What is said of that is read once, on the next page.
    signed_in.open(offer.case)
    with asked() as cost:
        assert signed_in.open(offer.case, "offer/").status == 200
    assert within(cost.round_trips, 10), cost
    assert within(cost.statements, 13), cost
