"""A team's page: offers as cards, what came back, who leads each case, what is overdue, and who has how much."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.actions import absences, cases, handoffs
from casework.models import Case, Clock, Contact, Handoff
from localities.models import Membership, User
from localities.working_time import local_day
from tests.stage.documents import address, child
from tests.stage.families import returned_to_aylesbury
from tests.stage.restricted import restrict
from tests.stage.sql import asked, within
from tests.stage.staff import ANOTHER_FAMILY, SignedIn, is_refused, is_wrong, path_of
from tests.stage.story import Story, person
from tests.stage.web_client import Element, Page, a_working_morning

AYLESBURY = "/teams/aylesbury/"
CONCERN = {"worries": "He comes to school hungry.", "childs_words": "I make my own tea."}
# A third family, whom nobody knows.
OLA = child(
    first_name="Ola", last_name="Zielinska", nhs_number=None, date_of_birth="2011-05-09", address=address("HP20 1UA")
)
MOTHER = {"first_name": "Sam", "last_name": "Ashworth", "relationship": "mother", "risk_to_staff": True}


@pytest.fixture(scope="module")
def told(told_for_a_module: None) -> tuple[int, int]:
    story = Story(a_working_morning())
    offer = story.offered(story.contact(concern=CONCERN, adults=[MOTHER]))
    return offer.pk, story.accepted(story.contact(**ANOTHER_FAMILY)).pk


@pytest.fixture
def offer(told: tuple[int, int], db: None) -> Handoff:
    """A case on offer to Aylesbury."""
    return Handoff.objects.select_related("case").get(pk=told[0])


@pytest.fixture
def held(told: tuple[int, int], db: None) -> Case:
    """A case of Aylesbury that nobody leads yet."""
    return Case.objects.get(pk=told[1])


def another(story: Story, **changes: Any) -> Contact:
    return story.contact(children=[OLA], adults=[], **changes)


def came_back(story: Story, reason: str = "They did not move.") -> Case:
    return returned_to_aylesbury(story, story.accepted(another(story)), reason)


def tab(name: str, code: str, team: str = "aylesbury") -> Page:
    page = SignedIn(name).open(f"/teams/{team}/?tab={code}")
    assert page.status == 200
    return page


def counts(name: str) -> dict[str, int]:
    """How much the page says is in each tab."""
    (bar,) = tab(name, "offers").main.all("nav", **{"aria-label": "Work of the team"})
    return {
        link.text.rsplit(" ", 1)[0]: int(link.all(class_="app-tabs__number")[0].text) for link in bar.all("a")
    }  # fmt: skip


def card(page: Page, case: Case) -> Element:
    (found,) = page.main.all(id=str(case))
    return found


def says(card: Element) -> dict[str, str]:
    """The rows of a card."""
    return {row.all("dt")[0].text: row.all("dd")[0].text for row in card.all(class_="govuk-summary-list__row")}


def led_by(case: Case, name: str) -> None:
    user = person(name)
    cases.name_lead(case_id=case.pk, lead_id=user.pk, by=person("ben"), now=timezone.now())
    assert Case.objects.get(pk=case.pk).lead_practitioner == user


class TestTheTabs:
    def test_each_says_how_much_is_in_it(self, offer: Handoff, held: Case) -> None:
        running = Clock.objects.running().filter(case=held)
        running.filter(kind="first_family_contact").update(warn_at=held.opened_at, due_at=held.opened_at)
        # Two working days later, at the hour of the offer, its answer is due.
        Clock.objects.running().filter(handoff=offer).update(due_at=timezone.now() + timedelta(hours=1))
        found = counts("ben")
        assert list(found) == ["Offers", "To allocate", "Cases", "Overdue", "Workload"]
        assert (found["Offers"], found["To allocate"], found["Cases"], found["Workload"]) == (1, 1, 1, 2)
        for title, code in (("Offers", "offers"), ("To allocate", "to-allocate"), ("Cases", "cases")):
            assert len(rows_of(tab("ben", code))) == found[title]
        assert len(rows_of(tab("ben", "overdue"))) == found["Overdue"] == 1

    def test_an_empty_one_offers_the_next(self, held: Case, offer: Handoff) -> None:
        page = tab("carol", "offers", "wycombe-and-marlow")
        assert "Nothing is on offer to this team." in page.text
        assert "Next:" not in page.text
        handoffs.accept(handoff_id=offer.pk, by=person("ben"), now=timezone.now())
        page = tab("ben", "offers")
        assert "Nothing is on offer to this team. Next: To allocate." in page.text
        assert page.main.all("a", href=f"{AYLESBURY}?tab=to-allocate")

    def test_one_that_there_is_not_is_the_first(self, offer: Handoff) -> None:
        assert "Presenting concern" in tab("ben", "x").text

    def test_the_front_door_names_no_lead_practitioner(self, offer: Handoff) -> None:
        page = tab("maya", "offers", "front-door")
        assert "To allocate" not in page.text
        assert "Maya Brooks" in page.text, "who is in the team"


def rows_of(page: Page) -> list[Element]:
    cards = page.main.all(class_="govuk-summary-card")
    return cards or [row for row in page.main.all("tr") if row.all("td")]


class TestOffers:
    def test_a_card_says_what_a_team_must_know(self, offer: Handoff) -> None:
        found = card(tab("ben", "offers"), offer.case)
        assert found.all("a")[0].text == "Robin Ashworth (7)"
        rows = says(found)
        assert rows["In the child’s words"] == "I make my own tea."
        assert rows["Presenting concern"] == "He comes to school hungry."
        assert rows["Risk"] == "Green Risk to staff"
        assert rows["Agreement"].startswith("The family agrees to a voluntary service: mother, ")
        assert rows["Support already tried"] == "Breakfast club since September."
        assert "Amina Hussain, Front door" in rows["Offered by"]
        assert "handoff 1 of this case" in rows["Handoff"]

    def test_it_leads_to_accepting_and_returning(self, offer: Handoff) -> None:
        links = {link["href"] for link in card(tab("bea", "offers"), offer.case).all("a")}
        assert {f"{path_of(offer.case)}accept/", f"{path_of(offer.case)}return/"} <= links

    def test_the_worklist_leads_there_as_well(self, offer: Handoff) -> None:
        html = SignedIn("ben").open("/").html
        assert all(f'href="/cases/{offer.case}/{way}/"' in html for way in ("accept", "return"))

    def test_an_overseer_reads_it_and_answers_nothing(self, offer: Handoff) -> None:
        links = {link["href"] for link in card(tab("sam", "offers"), offer.case).all("a")}
        assert links == {path_of(offer.case)}

    def test_a_long_concern_is_short_and_the_whole_is_one_link_away(self, story: Story) -> None:
        long = " ".join(f"word{n}" for n in range(200))
        offer = story.offered(another(story, concern={"worries": long}))
        shown = says(card(tab("ben", "offers"), offer.case))["Presenting concern"]
        assert shown.startswith("word0 word1")
        assert shown.endswith("…")
        assert len(shown.split()) < 60
        assert "word199" in SignedIn("ben").open(offer.case, "accept/").text

    def test_a_hidden_address_is_in_no_card(self, story: Story) -> None:
        at = {"lines": ["12 Example Road"], "postcode": "HP20 1UA", "confidential": True}
        hidden = ANOTHER_FAMILY["children"][0] | {"address": at}
        contact = story.contact(
            children=[hidden], adults=[], concern={"worries": "They fled to 12 Example Road, HP20 1UA."}
        )
        offer = story.offered(
            contact, chosen_team_id=story.team("aylesbury").pk, chosen_team_reason="They know the school."
        )
        page = tab("ben", "offers")
        assert "Example Road" not in page.html
        assert "Confidential address" in says(card(page, offer.case))["Risk"]

    def test_a_hidden_address_is_not_in_what_the_family_was_told(self, story: Story) -> None:
        at = {"lines": ["12 Example Road"], "postcode": "HP20 1UA", "confidential": True}
        hidden = OLA | {"indicators": ["L4-01"], "address": at}
        handoff = story.offered(story.contact(children=[hidden], adults=[]), by="maya")
        handoffs.accept(handoff_id=handoff.pk, by=person("pat"), now=story.later())
        now = story.later()
        cases.record_milestone(
            case_id=handoff.case_id, kind="strategy_discussion_held", at=now, by=person("pat"), now=now
        )
        handoffs.offer(
            case_id=handoff.case_id, to_team_id=story.team("aylesbury").pk, reason="The plan worked.",
            family_told="Ben comes to 12 Example Road on Monday.", family_agrees=True, rag="amber",
            by=person("pat"), now=story.later(),
        )  # fmt: skip
        page = tab("ben", "offers")
        assert "Ben comes to [confidential address] on Monday." in page.text
        assert "Example Road" not in page.html

    def test_a_restricted_family_is_in_no_card(self, offer: Handoff, story: Story) -> None:
        restrict(story, offer.case.contacts.get())
        page = tab("ben", "offers")
        assert "Ashworth" not in page.html
        assert counts("ben")["Offers"] == 0
        assert str(offer.case) in page.text, "it waits, and whom to ask is said"


class TestWhatCameBack:
    def test_it_is_work_until_something_is_done(self, story: Story) -> None:
        case = came_back(story, "They live with their aunt again.")
        page = tab("bea", "offers")
        rows = says(card(page, case))
        assert "They live with their aunt again." in rows["Why it was returned"]
        assert rows["Why it was returned"].startswith("Chris")
        assert rows["Offered by"] == "You"
        assert rows["What to do next"].startswith("Offer the case to another team; or keep it, and name who leads it")
        before = counts("bea")["Offers"]
        assert "They live with their aunt again." in SignedIn("bea").open("/").text, "it is on their worklist too"
        led_by(case, "bea")
        assert counts("bea")["Offers"] == before - 1
        assert "They live with their aunt again." not in SignedIn("bea").open("/").text

    def test_the_front_door_reads_why(self, story: Story) -> None:
        case = story.returned(another(story), reason="They are known in Chiltern.")
        for page in (tab("maya", "offers", "front-door"), SignedIn("maya").open("/?tab=returned")):
            assert "They are known in Chiltern." in page.text
            assert str(case) in page.text

    def test_another_team_reads_nothing_of_it(self, story: Story) -> None:
        case = came_back(story)
        assert str(case) not in tab("chris", "offers", "chiltern").html


class TestToAllocate:
    def test_a_lead_is_named_from_there(self, held: Case) -> None:
        ben, at = SignedIn("ben"), f"{AYLESBURY}allocate/{held}/"
        page = tab("ben", "to-allocate")
        (field,) = page.main.all("select")
        assert [option.text for option in field.all("option")] == [
            "Choose", "Bea Thornton (0 cases)", "Ben Carter (0 cases)"
        ]  # fmt: skip
        answer = ben.client.post(at, page.form(at) | {f"{held}-lead": str(person("bea").pk)})
        assert (answer.status_code, answer.headers["Location"]) == (302, f"{AYLESBURY}?tab=to-allocate")
        held.refresh_from_db()
        assert held.lead_practitioner == person("bea")
        page = tab("ben", "to-allocate")
        assert f"Bea Thornton is the lead practitioner of {held}." in page.text
        assert "Every case with this team has a lead practitioner." in page.text

    def test_nobody_was_chosen(self, held: Case) -> None:
        at = f"{AYLESBURY}allocate/{held}/"
        answer = SignedIn("ben").client.post(at, {f"{held}-lead": ""})
        page = is_wrong(answer, {f"id_{held}-lead": "Select somebody who works in the team responsible for the case"})
        assert page.root.all("title")[0].text.startswith("Error: To allocate")

    def test_who_has_least_comes_first(self, held: Case, offer: Handoff) -> None:
        led_by(held, "bea")
        handoffs.accept(handoff_id=offer.pk, by=person("ben"), now=timezone.now())
        Membership.objects.filter(user__username="ben").update(most_cases=4)
        (field,) = tab("ben", "to-allocate").main.all("select")
        assert [option.text for option in field.all("option")] == [
            "Choose", "Ben Carter (0 of 4 cases)", "Bea Thornton (1 case)"
        ]  # fmt: skip

    def test_who_is_away_comes_last_and_is_said_to_be(self, held: Case) -> None:
        now = timezone.now()
        today = local_day(now)
        absences.record(
            person_id=person("bea").pk, first_day=today, last_day=today, covered_by_id=None, by=person("ben"),
            now=now,
        )  # fmt: skip
        names = [option.text for option in tab("ben", "to-allocate").main.all("option")]
        assert names[-1] == "Bea Thornton (0 cases, away today)"
        assert "Team member, away today" in tab("ben", "workload").text

    def test_who_left_leads_nothing(self, held: Case) -> None:
        led_by(held, "bea")
        assert counts("ben")["To allocate"] == 0
        Membership.objects.filter(user__username="bea").update(ends_on=local_day(timezone.now()) - timedelta(days=1))
        page = tab("ben", "to-allocate")
        (row,) = [row for row in page.main.all("tr") if row["id"] == str(held)]
        assert "No longer in this team Bea Thornton" in row.text
        assert counts("ben")["To allocate"] == 1

    def test_who_cannot_sign_in_any_more_neither(self, held: Case) -> None:
        led_by(held, "bea")
        User.objects.filter(username="bea").update(is_active=False)
        assert counts("ben")["To allocate"] == 1

    def test_the_oldest_promise_comes_first(self, held: Case, offer: Handoff) -> None:
        handoffs.accept(handoff_id=offer.pk, by=person("ben"), now=timezone.now())
        Clock.objects.filter(case=offer.case, kind="lead_practitioner_named").update(
            warn_at=held.opened_at, due_at=held.opened_at
        )
        rows = [row["id"] for row in tab("ben", "to-allocate").main.all("tr") if row["id"]]
        assert rows == [str(offer.case), str(held)]

    def test_only_the_team_does_it(self, held: Case) -> None:
        page = tab("sam", "to-allocate")
        assert page.actions == set()
        at, sent = f"{AYLESBURY}allocate/{held}/", {f"{held}-lead": str(person("bea").pk)}
        is_refused(SignedIn("sam").client.post(at, sent), 403, f"Only the team responsible for {held} can do this.")
        assert SignedIn("carol").client.post(at, sent).status_code == 404
        assert SignedIn("ben").client.get(at).headers["Location"] == f"{AYLESBURY}?tab=to-allocate"


class TestOverdue:
    def test_it_says_whose_family_what_for_how_long_and_who_has_it(self, held: Case) -> None:
        led_by(held, "bea")
        due_at = timezone.now() - timedelta(days=3, hours=2)
        Clock.objects.filter(case=held, kind="first_family_contact").update(warn_at=due_at, due_at=due_at)
        page = tab("ben", "overdue")
        (row,) = [row for row in page.main.all("tr") if "First contact with the family" in row.text]
        for words in ("Noor Haddad", str(held), "Bea Thornton", "3 days 2 hours"):
            assert words in row.text, words


class TestWorkload:
    def test_a_bar_has_its_words(self, held: Case) -> None:
        led_by(held, "bea")
        Membership.objects.filter(user__username="bea").update(most_cases=0)
        found = {row.all("th")[0].text: row.text for row in tab("ben", "workload").main.all("tr") if row.all("td")}
        assert "1 of 0 cases: more than agreed" in found["Bea Thornton Team member"]
        assert "0 cases, no number agreed" in found["Ben Carter Team lead"]

    def test_a_case_that_is_closed_to_the_reader_counts(self, held: Case, story: Story) -> None:
        led_by(held, "bea")
        restrict(story, held.contacts.get(), "bea")
        page = tab("ben", "workload")
        assert "Haddad" not in page.html
        assert "1 case" in page.text


# How often a tab waits for the database, and how many statements that are.
BUDGETS = {"offers": (10, 17), "to-allocate": (10, 10), "cases": (9, 9), "overdue": (9, 9), "workload": (8, 8)}


@pytest.mark.parametrize("code", BUDGETS)
def test_a_tab_keeps_to_its_budget(story: Story, offer: Handoff, code: str) -> None:
    came_back(story)
    ben = SignedIn("ben")
    with asked() as cost:
        assert ben.open(f"{AYLESBURY}?tab={code}").status == 200
    waits, statements = BUDGETS[code]
    assert within(cost.round_trips, waits), cost
    assert within(cost.statements, statements), cost
