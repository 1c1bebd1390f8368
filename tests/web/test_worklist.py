"""The front door's worklist: each contact in its tab, with family, owner and deadline; the filter; taking one on."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from casework.actions import contact_owners, handoffs, sender_requests
from casework.models import Contact, RequestKind
from localities.models import Agency
from tests.stage.documents import address, child
from tests.stage.restricted import restrict
from tests.stage.staff import SignedIn, is_done, is_refused
from tests.stage.story import Story, person
from tests.stage.web_client import Page

A_WEEK = timedelta(days=7)


def family(number: int, **of_child: Any) -> dict[str, Any]:
    """A family that is like no other."""
    name = ("Ashworth", "Bellamy", "Castle", "Devlin", "Ellery", "Fenn")[number]
    one: dict[str, Any] = {
        "first_name": ("Ada", "Ben", "Cleo", "Dora", "Emil", "Fay")[number], "last_name": name, "also_known_as": [],
        "nhs_number": None, "date_of_birth": f"201{number}-0{number + 1}-1{number}",
        "address": address(("HP20 1UA", "SL7 1AA", "HP11 1BB", "HP19 7HF", "HP5 1DS", "HP8 4AB")[number]),
    }  # fmt: skip
    return {"children": [child(**(one | of_child))], "adults": []}


def listed(name: str, tab: str = "", **narrowing: str) -> list[str]:
    """The references of the rows that somebody sees, as they stand."""
    return [row["id"] for row in page_of(name, tab, **narrowing).main.all("tr") if row["id"].startswith("CON-")]


def page_of(name: str, tab: str = "", **narrowing: str) -> Page:
    asked = "&".join(f"{field}={value}" for field, value in {"tab": tab, **narrowing}.items() if value)
    return SignedIn(name).open(f"/?{asked}" if asked else "/")


def row_of(page: Page, contact: Contact) -> str:
    (row,) = [row for row in page.main.all("tr") if row["id"] == str(contact)]
    return row.text


def said_of_tabs(page: Page) -> dict[str, str]:
    """What stands behind the title of each tab: "3, 2 overdue"."""
    links = [link for link in page.main.all("a") if link["id"].startswith("tab-")]
    return {link["id"].removeprefix("tab-"): re.split(r"(?=[0-9])", link.text, maxsplit=1)[1] for link in links}


def numbers(page: Page) -> dict[str, str]:
    return {tab: said.split(",")[0].strip() for tab, said in said_of_tabs(page).items()}


class TestTabs:
    def test_each_contact_stands_where_it_waits_and_the_numbers_say_so(self, story: Story) -> None:
        waits = story.contact(**family(0))
        asked = story.contact(**family(1))
        story.asked(asked)
        agreement = story.contact(**family(2), agreement={"service": "not_sought"})
        second = story.contact(**family(3))
        story.decided(second, pathway="advice", level=1, rag="blue")
        declined = story.contact(**family(4))
        story.decided(declined, pathway="advice", level=1, rag="blue")
        story.signed_off(declined, agreed=False)
        for contact in (waits, agreement):
            said: dict[str, Any] = {"kind": RequestKind.CHASE, "text": "", "by": contact.agency, "now": story.later()}
            asked_of_us = sender_requests.ask(reference=contact.reference, **said).request
        sender_requests.answer(request_id=asked_of_us.pk, text="Soon.", by=person("amina"), now=story.later())
        today = Story(timezone.now())
        decided = today.contact(**family(5))
        today.decided(decided)

        where = {
            "to-triage": {str(waits)}, "information": {str(asked)}, "agreement": {str(agreement)},
            "sign-off": {str(second)}, "returned": {str(declined)}, "mine": {str(declined)}, "decided": {str(decided)},
            "referrers": {str(waits)},
        }  # fmt: skip
        assert {tab: set(listed("amina", tab)) for tab in where} == where
        assert numbers(page_of("amina")) == {tab: str(len(found)) for tab, found in where.items()}
        # Declined is Amina's: to everybody else it is a contact to triage that Amina owns.
        assert set(listed("oliver", "to-triage")) == {str(waits), str(declined)}
        assert numbers(page_of("oliver"))["returned"] == "0"

    def test_a_case_that_came_back_stands_with_what_came_back(self, story: Story) -> None:
        handoff = story.offered()
        assert numbers(page_of("amina"))["returned"] == "0"
        handoffs.return_to_sender(handoff_id=handoff.pk, reason="They moved.", by=person("ben"), now=story.later())
        page = page_of("amina", "returned")
        assert str(handoff.case) in page.text
        assert numbers(page)["returned"] == "1"

    def test_the_number_overdue_stands_beside_the_number(self, story: Story) -> None:
        Story(timezone.now()).contact(**family(0))
        for number in (1, 2):
            contact = story.contact(**family(number))
            contact.clocks.update(warn_at=F("warn_at") - A_WEEK, due_at=F("due_at") - A_WEEK)
        contact_owners.assign(
            contact_id=contact.pk, to_id=person("amina").pk, seen_owner_id=None, by=person("amina"), now=story.later()
        )
        said = said_of_tabs(page_of("amina"))
        assert (said["to-triage"], said["mine"], said["sign-off"]) == ("3, 2 overdue", "1, 1 overdue", "0")

    def test_a_case_that_came_back_is_overdue_by_its_own_deadline(self, story: Story) -> None:
        handoff = story.offered()
        handoffs.return_to_sender(handoff_id=handoff.pk, reason="They moved.", by=person("ben"), now=story.later())
        handoff.case.clocks.update(warn_at=F("warn_at") - A_WEEK, due_at=F("due_at") - A_WEEK)
        assert said_of_tabs(page_of("amina"))["returned"] == "1, 1 overdue"

    def test_one_without_work_says_so_and_offers_the_next(self, story: Story) -> None:
        second = story.contact()
        story.decided(second, pathway="advice", level=1, rag="blue")
        page = page_of("maya")
        assert "No contacts awaiting a decision. Next: To sign off." in page.text
        assert listed("maya", "none-such") == []


class TestARow:
    @pytest.mark.parametrize(("name", "tab"), [("maya", "sign-off"), ("amina", "mine")])
    def test_to_sign_off_says_what_is_proposed_and_by_whom(self, story: Story, name: str, tab: str) -> None:
        second = story.contact()
        story.decided(second, pathway="advice", level=1, rag="blue")
        Contact.objects.filter(pk=second.pk).update(owner=person("amina"))
        recommended = second.recommendation
        assert recommended is not None
        said = row_of(page_of(name, tab), second)
        proposed = r"Amina Hussain proposes: [^.]*[Aa]dvice[^.]*, level 1[.]"
        assert re.search(rf"{proposed} Recommended: [^.]*, level {recommended.level}", said)

    def test_names_the_family_and_says_what_is_known(self, story: Story) -> None:
        about = family(0, nhs_number="9990000018")["children"][0]
        story.accepted(story.contact(children=[about], adults=[]))
        due = (timezone.now() + timedelta(days=30)).date()
        unborn = child(
            ref="c2", first_name="", last_name="", also_known_as=[], nhs_number=None, date_of_birth=None,
            expected_date_of_delivery=due.isoformat(),
            address=about["address"],
        )  # fmt: skip
        again = story.contact(children=[about, unborn], adults=[], by="example-police")
        said = row_of(page_of("amina"), again)
        on_it = ("Unborn child", f"Unborn, due {due:%B %Y}", "2nd contact in 3 months", "Open: Aylesbury team")
        for words in ("Ada Ashworth", "Police", *on_it):
            assert words in said
        assert "HP20" not in said

    def test_is_of_the_gravest_first_and_of_those_the_first_due(self, story: Story) -> None:
        green, red = story.contact(**family(0)), story.contact(**family(1), referrer_level=4)
        later, sooner = story.contact(**family(2)), story.contact(**family(3))
        sooner.clocks.update(warn_at=F("warn_at") - A_WEEK, due_at=F("due_at") - A_WEEK)
        assert listed("amina") == [str(red), str(sooner), str(green), str(later)]
        assert "late" in row_of(page_of("amina"), sooner)

    def test_of_a_restricted_record_is_there_by_its_reference_alone(self, story: Story) -> None:
        contact = story.contact(**family(0))
        restrict(story, contact)
        page = page_of("amina")
        assert listed("amina") == []
        assert str(contact) in page.text
        assert "Ashworth" not in page.html


class TestTheFilter:
    def test_narrows_by_each_of_its_fields(self, story: Story) -> None:
        mine = story.contact(**family(0), referrer_level=4)
        other = story.contact(**family(1), by="example-charity", source_code="1B", type="request_for_help")
        contact_owners.assign(
            contact_id=mine.pk, to_id=person("amina").pk, seen_owner_id=None, by=person("amina"), now=story.later()
        )
        assert other.recommendation is not None
        amina, charity = person("amina"), Agency.objects.get(code="example-charity")
        for field, values in {
            "locality": ("aylesbury", "wycombe-and-marlow"), "agency": ("example-primary-school", charity.code),
            "level": ("4", str(other.recommendation.level)), "rating": (mine.rag, other.rag),
            "owner": (str(amina.pk), "nobody"), "kind": ("safeguarding_concern", "request_for_help"),
        }.items():  # fmt: skip
            found = [listed("oliver", **{field: value}) for value in values]
            assert found == [[str(mine)], [str(other)]], field
        assert listed("oliver", rating="red", level="1") == []
        assert "No contact matches this filter." in page_of("oliver", rating="red", level="1").text
        # What nobody could choose narrows nothing.
        assert len(listed("oliver", level="x", owner="1 OR 1", rating="purple")) == 2

    def test_the_numbers_follow_the_filter_and_say_so(self, story: Story) -> None:
        red, other = story.contact(**family(0), referrer_level=4), story.contact(**family(1))
        story.asked(other)
        handoff = story.offered(story.contact(**family(3)))
        handoffs.return_to_sender(handoff_id=handoff.pk, reason="They moved.", by=person("ben"), now=story.later())
        every = page_of("oliver")
        assert "The numbers count only" not in every.text
        tabs = ("to-triage", "information", "returned")
        assert [numbers(every)[tab] for tab in tabs] == ["1", "1", "1"]
        for narrowing, expected in (
            ({"rating": "red"}, ["1", "0", "0"]),
            ({"rating": other.rag}, ["0", "1", "0"]),
            ({"locality": "aylesbury"}, ["1", "0", "0"]),
        ):
            page = page_of("oliver", **narrowing)
            assert [numbers(page)[tab] for tab in tabs] == expected, narrowing
            assert "The numbers count only contacts that match the filter." in page.text
        # The next tab with work in it keeps the filter.
        empty = page_of("oliver", "information", rating="red")
        assert "No contact matches this filter. Next: To triage." in empty.text
        (following,) = [link["href"] for link in empty.main.all("a") if link.text == "To triage"]
        assert following == "?tab=to-triage&rating=red"
        assert listed("oliver", rating="red") == [str(red)]

    def test_a_confidential_address_is_in_no_locality(self, story: Story) -> None:
        hidden = story.contact(**family(0, address=address("HP20 1UA") | {"confidential": True}))
        assert listed("oliver") == [str(hidden)]
        assert listed("oliver", locality="aylesbury") == []


class TestTakingOneOn:
    def test_a_contact_can_be_viewed_without_assigning_it(self, story: Story) -> None:
        contact = story.contact()
        (link,) = [each for each in page_of("amina").main.all("a") if each.text.startswith("View without assigning")]
        assert link["href"] == f"/contacts/{contact}/"
        assert SignedIn("amina").open(contact).status == 200
        contact.refresh_from_db()
        assert contact.owner is None

    def test_makes_it_mine_and_says_so_to_all(self, story: Story) -> None:
        contact = story.contact()
        amina = SignedIn("amina")
        is_done(amina.send(contact, "assign", to=person("amina").pk, seen=""), contact)
        contact.refresh_from_db()
        assert contact.owner == person("amina")
        assert listed("amina", "mine") == [str(contact)]
        assert "Amina Hussain" in row_of(page_of("oliver"), contact)
        assert "Assign to me" not in page_of("oliver").text

    def test_whoever_was_second_hears_it(self, story: Story) -> None:
        contact = story.contact()
        SignedIn("amina").send(contact, "assign", to=person("amina").pk, seen="")
        late = SignedIn("oliver").post(contact, "assign", to=person("oliver").pk, seen="")
        is_refused(late, 409, "Amina Hussain has it now")

    def test_on_its_page_it_goes_to_a_colleague_and_back(self, story: Story) -> None:
        contact = story.contact()
        maya = SignedIn("maya")
        is_done(maya.send(contact, "assign", maya.open(contact), to=person("oliver").pk), contact)
        is_done(maya.send(contact, "assign", maya.open(contact), to=""), contact)
        contact.refresh_from_db()
        assert contact.owner is None
        refused = maya.send(contact, "assign", maya.open(contact), to=person("ben").pk)
        assert "Select somebody who works at the front door" in Page(refused).text
