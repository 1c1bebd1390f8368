"""The search page: one box, what it finds and why, and only what the reader may see."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.actions import conflicts, people, protecting
from casework.models import AuditEvent, Contact, DetailKind, Event, Person, PersonDetail
from localities.models import Membership, Role
from tests.stage.documents import address, child
from tests.stage.restricted import restrict
from tests.stage.sql import asked, within
from tests.stage.staff import SignedIn
from tests.stage.story import Story
from tests.stage.web_client import Answer, Page, a_working_morning

# From what is kept in the session to the answer: who it is, their roles, who was looked for, what of it they may see.
OF_A_SEARCH = 15
ZOE: dict[str, Any] = {
    "first_name": "Zoë", "last_name": "Núñez", "date_of_birth": "2015-03-04", "nhs_number": "9990000026",
    "upn": "H801200001001", "address": address("HP20 1UA"),
}  # fmt: skip


def search(by: SignedIn, text: str, **why: str) -> Page:
    """Types into the box, and goes where it leads."""
    answer = by.client.post("/search/", {"text": text} | why)
    return Page(by.client.get(answer["Location"])) if answer.status_code == 302 else Page(answer)


def zoe(story: Story, **changes: Any) -> Contact:
    mother = {
        "first_name": "Inés", "last_name": "Núñez", "relationship": "mother", "same_address": True,
        "phone": "01296 555123",
    }  # fmt: skip
    return story.contact(children=[child(**(ZOE | changes))], adults=[mother])


class TestWhatIsKnown:
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def told(cls, told_for_a_class: None) -> None:
        zoe(Story(a_working_morning()))

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("zoe nunez 2015", "Born in 2015"),
            ("Nunez Zoe", "Same last name"),
            ("zoe nunez", "Same first name"),
            ("nuñez", "Same last name"),
            ("zoé", "Same first name"),
            ("Zoey Nunes 4/3/2015", "Same date of birth"),
            ("4 March 2015", "Same date of birth"),
            ("04032015", "Same date of birth"),
            ("999 000 0026", "Same NHS number"),
            ("H801200001001", "Same unique pupil number"),
            ("HP20 1UA", "Same postcode"),
            ("hp2o-1ua", "Same postcode"),
            ("nunez HP20 1UA", "Same postcode"),
            ("nunez HP20", "Lives in HP20"),
            ("1 Example Road", "Same address"),
            ("1, example rd", "Same address"),
            ("Example Road", "Addresses are alike"),
        ],
    )
    def test_finds_a_child(self, db: None, text: str, why: str) -> None:
        page = search(SignedIn("amina"), text)
        assert page.status == 200
        assert "Zoë Núñez" in page.text
        assert why in page.text

    def test_a_telephone_number_finds_an_adult(self, db: None) -> None:
        for text in ("01296 555123", "+44 1296 555123", "01296555123"):
            page = search(SignedIn("amina"), text)
            assert "Inés Núñez" in page.text
            assert "Same telephone number" in page.text


class TestWhatStaffRecorded:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> tuple[Story, int]:
        story = Story(a_working_morning())
        return story, zoe(story).children.get().person.pk

    @pytest.mark.parametrize(
        ("kind", "value", "text"),
        [
            ("police", "PNC 12/345x", "pnc12345X"),
            ("school", "S-0042", "s 0042"),
            ("former_name", "Zoe Quillfeather", "zoe quillfeather"),
            ("telephone", "07700 900123", "07700900123"),
            ("address", "9 Other Street", "9 other street"),
        ],
    )
    def test_is_found(self, told: tuple[Story, int], db: None, kind: str, value: str, text: str) -> None:
        story, who = told[0].goes_on(), Person.objects.get(pk=told[1])
        assert "Zoë Núñez" not in search(SignedIn("amina"), text).text
        detail = PersonDetail.objects.create(
            person=who, kind=kind, value=value, qualifier="safe" if kind == "telephone" else "", said_by="The police",
            recorded_at=story.now, recorded_by=SignedIn("amina").user,
        )  # fmt: skip
        page = search(SignedIn("amina"), text)
        assert "Zoë Núñez" in page.text
        assert f"{DetailKind(kind).label}, as staff recorded it" in page.text
        for name in ("ben", "carol"):
            others = search(SignedIn(name), text).main.text
            assert "Núñez" not in others
            assert "restricted" not in others
        protect(story, who)
        assert ("Zoë Núñez" in search(SignedIn("amina"), text).text) == (kind != "address")
        say_in_error(story, detail)
        assert "Zoë Núñez" not in search(SignedIn("amina"), text).text


def protect(story: Story, who: Person) -> None:
    protecting.protect(person_id=who.pk, reason="Their mother asked.", by=SignedIn("maya").user, now=story.later())


def say_in_error(story: Story, detail: PersonDetail) -> None:
    people.say_in_error(
        person_id=detail.person_id, detail_id=detail.pk, reason="Not so.", by=SignedIn("amina").user, now=story.later()
    )


def test_a_reference_leads_to_what_it_is_of(story: Story) -> None:
    contact = zoe(story)
    case = story.accepted(contact)
    who = contact.children.get().person
    for name, of, where in (
        ("amina", contact.reference, "contacts"), ("ben", case.reference, "cases"), ("amina", who.reference, "people"),
    ):  # fmt: skip
        by = SignedIn(name)
        for text in (of, of.lower().replace("-", " "), of.replace("-", "").replace("0", "O")):
            answer = by.client.post("/search/", {"text": text})
            assert by.client.get(answer["Location"])["Location"] == f"/{where}/{of}/", text


def test_the_likeliest_comes_first(story: Story) -> None:
    zoe(story)
    other = {"first_name": "Zoe", "date_of_birth": "2011-01-02", "nhs_number": None, "upn": None}
    zoe(story, **other, address=address("HP21 7AA"))
    page = search(SignedIn("amina"), "zoe nunez 2015")
    found = re.findall(r"(Zoë|Zoe) Núñez", page.main.text)
    assert found[0] == "Zoë"


def test_two_words_may_be_one_last_name(story: Story) -> None:
    told = zoe(story, last_name="Abernathy-Núñez")
    page = search(SignedIn("amina"), "abernathy nunez")
    assert str(told) in page.text
    # The mother's is not.
    assert len(page.main.all("li", class_="govuk-summary-card")) == 1


def test_a_house_is_found_by_its_name(story: Story) -> None:
    told = zoe(story, address={"lines": ["Rose Cottage", "Frieth"], "postcode": "HP20 1UA"})
    page = SignedIn("amina")
    assert [text for text in ("rose cottage", "Rose Cottage, Frieth") if str(told) not in search(page, text).text] == []


def test_nothing_found_does_not_say_that_nobody_is_known(story: Story) -> None:
    zoe(story)
    page = search(SignedIn("amina"), "Thistlewood 1999")
    assert "No matching records found" in page.text
    assert "Check spelling and date of birth" in page.text
    assert "match by a name and a date of birth" in page.text
    assert "It does not mean that the family is not known" in page.text
    assert "Núñez" not in page.main.text


def test_what_was_read_otherwise_or_not_at_all_is_said(story: Story) -> None:
    zoe(story)
    page = search(SignedIn("amina"), "01296 5SS123")
    assert "Inés Núñez" in page.text
    assert "“01296 5SS123” was read as 01296555123." in page.text
    assert "“07700 90012” has 10 digits" in search(SignedIn("amina"), "07700 90012").text


def test_of_many_it_says_how_many_more_and_how_to_find_fewer(story: Story) -> None:
    for number in range(23):
        zoe(story, first_name=f"Zoe {chr(97 + number)}", nhs_number=None, upn=None)
    page = search(SignedIn("amina"), "zoe")
    assert "The likeliest 20 of at least 23" in page.text
    assert "To find fewer, add a date of birth or a postcode." in page.text


def test_what_would_find_a_crowd_is_refused_in_words(story: Story) -> None:
    for text in ("", "2015", "HP20"):
        page = Page(SignedIn("amina").client.post("/search/", {"text": text}))
        assert page.status == 422
        assert page.summary


class TestWhoSees:
    def test_a_team_finds_the_people_of_its_own_cases(self, story: Story) -> None:
        contact = zoe(story)
        for name in ("ben", "carol"):
            assert "Núñez" not in search(SignedIn(name), "zoe nunez").main.text
        story.accepted(contact)
        assert "Zoë Núñez" in search(SignedIn("ben"), "zoe nunez").text
        for text in (
            "zoe nunez",
            "HP20 1UA",
            "999 000 0026",
            contact.reference,
            contact.children.get().person.reference,
        ):
            page = search(SignedIn("carol"), text)
            assert "Núñez" not in page.main.text
            assert "restricted" not in page.main.text

    def test_a_team_finds_its_own_among_many_of_one_name(self, story: Story) -> None:
        contact = zoe(story)
        story.accepted(contact)
        for number in range(60):
            about = {
                "first_name": "Ana",
                "date_of_birth": f"20{10 + number % 9}-05-05",
                "nhs_number": None,
                "upn": None,
            }
            story.contact(children=[child(**(ZOE | about | {"address": address("HP21 7AA")}))], adults=[])
        assert "Zoë Núñez" in search(SignedIn("ben"), "nunez").text

    def test_a_team_searches_what_its_own_contacts_say(self, story: Story) -> None:
        """Another contact about her, of which the team knows nothing, gives another name: it finds nobody for them."""
        story.accepted(zoe(story, also_known_as=[]))
        zoe(story, also_known_as=["Quillfeather"])
        assert (
            Contact.objects.filter(children__person=Contact.objects.earliest("pk").children.get().person).count() == 2
        )
        assert "Another name: Quillfeather" in search(SignedIn("amina"), "zoe quillfeather").text
        page = search(SignedIn("ben"), "zoe quillfeather")
        assert "Quillfeather" not in page.main.text
        assert "Núñez" not in page.main.text

    def test_of_a_restricted_record_only_that_it_exists(self, story: Story) -> None:
        contact = zoe(story)
        restriction = restrict(story, contact)
        for text in ("zoe nunez", "999 000 0026", contact.reference, contact.children.get().person.reference):
            page = search(SignedIn("amina"), text)
            assert "A restricted record exists. Ask Sam" in page.main.text, text
            assert restriction.reference in page.html
            assert "Núñez" not in page.main.text
            assert "HP20" not in page.main.text
            assert "No records that you can see match" in page.main.text
        assert "restricted" not in search(SignedIn("amina"), "Robin Thistlewood").main.text

    @pytest.mark.parametrize(
        ("who", "is_said"), [("", False), ("Nunez, ", True), ("Zoe Nunez ", True), ("zoe 4/3/2019, ", True)]
    )
    def test_nor_where_the_family_lives_of_whom_it_exists(self, story: Story, who: str, is_said: bool) -> None:
        """What a search says is the same for every street, town and postcode that somebody tries."""
        home = {"lines": ["45 Park Street", "Aylesbury"], "postcode": "HP20 1UA"}
        contact = zoe(story, date_of_birth="2019-03-04", address=home)
        by = SignedIn("amina")
        assert "Zoë Núñez" in search(by, f"{who}45 Park Street, Aylesbury").text
        restrict(story, contact)
        for place in (
            "45 Park Street, Aylesbury", "46 Park Street, Aylesbury", "45 Quay Street, Aylesbury", "Park Street",
            "Quay Street", "Park Street Aylesbury", "Park Street Wendover", "HP20 1UA", "HP22 6AA",
            "Aylesbury", "Wendover", "HP20", "HP22",
        ):  # fmt: skip
            page = search(by, f"{who}{place}").main.text
            assert ("A restricted record exists" in page) == is_said, place

    def test_nor_of_those_who_are_on_a_contact_with_somebody_restricted(self, story: Story) -> None:
        restrict(story, zoe(story))
        page = search(SignedIn("amina"), "Ines Nunez")
        assert "A restricted record exists. Ask Sam" in page.main.text
        assert "Inés" not in page.main.text

    def test_the_owner_finds_it(self, story: Story) -> None:
        restrict(story, zoe(story))
        page = search(SignedIn("sam"), "zoe nunez", reason="restriction")
        assert "Zoë Núñez" in page.text

    def test_a_conflict_of_interest_is_found_no_more(self, story: Story) -> None:
        contact = zoe(story)
        by = SignedIn("amina")
        conflicts.declare_in_contact(contact_id=contact.pk, reason="My niece.", by=by.user, now=story.now)
        page = search(by, "zoe nunez")
        assert "Núñez" not in page.main.text
        assert "A restricted record exists. Ask a front-door manager" in page.main.text


class TestHiddenAddresses:
    @pytest.mark.parametrize("later", [False, True])
    def test_a_hidden_address_finds_nobody_and_is_never_shown(self, story: Story, later: bool) -> None:
        hidden = address("HP20 1UA") | {"confidential": True}
        contact = zoe(story, address=hidden)
        if later:
            zoe(story)
        for name in ("amina", "maya"):
            by = SignedIn(name)
            for text in (
                "HP20 1UA",
                "12 Example Road",
                "Example Road",
                "nunez HP20 1UA",
                "zoe nunez HP20",
                "zoe nunez",
            ):
                page = search(by, text)
                assert "Example Road" not in page.main.text, text
                assert "HP20 1UA" not in page.main.text, text
                assert "Same postcode" not in page.main.text, text
                assert "Lives in" not in page.main.text, text
            assert "Zoë Núñez" in search(by, "zoe nunez").text
            assert "Hidden: it is confidential" in search(by, "zoe nunez").text
            assert "Núñez" not in search(by, "HP20 1UA").main.text
        assert contact.children.get().address_is_confidential


class TestTheTrace:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> None:
        zoe(Story(a_working_morning()))

    @pytest.fixture
    def known(self, told: None, db: None) -> None:
        """Zoë is known."""

    def test_every_search_is_audited_without_what_was_typed(self, known: None) -> None:
        search(SignedIn("amina"), "zoe nunez HP20 1UA")
        event = AuditEvent.objects.get(event=Event.SEARCHED)
        assert event.by_user is not None
        assert event.by_user.username == "amina"
        assert event.detail == {
            "by_what": ["a name", "a postcode"], "found": 2, "restricted": 0, "why": "front_door",
        }  # fmt: skip

    def test_what_was_typed_stands_in_no_address(self, known: None, caplog: pytest.LogCaptureFixture) -> None:
        by = SignedIn("amina")
        answer = by.client.post("/search/", {"text": "zoe nunez"})
        assert re.fullmatch(r"/search/\?found=[\w-]+", answer["Location"])
        page = Page(by.client.get(answer["Location"]))
        assert all("nunez" not in link["href"].lower() for link in page.main.all("a"))
        assert "nunez" not in caplog.text.lower()

    def test_back_shows_it_again_and_nobody_else_sees_it(self, known: None) -> None:
        by = SignedIn("amina")
        where = by.client.post("/search/", {"text": "zoe nunez"})["Location"]
        search(by, "999 000 0018")
        assert "Zoë Núñez" in Page(by.client.get(where)).text
        others = Page(SignedIn("maya").client.get(where))
        assert "no longer kept" in others.text
        assert "Núñez" not in others.text

    def test_a_search_is_kept_for_an_hour(self, known: None, monkeypatch: pytest.MonkeyPatch) -> None:
        by = SignedIn("amina")
        where = by.client.post("/search/", {"text": "zoe nunez"})["Location"]
        later = timezone.now() + timedelta(minutes=61)
        monkeypatch.setattr("casework.web.views.search.timezone.now", lambda: later)
        assert "no longer kept" in Page(by.client.get(where)).text

    def test_whose_role_changed_since_is_asked_why(self, known: None) -> None:
        by = SignedIn("amina")
        where = by.client.post("/search/", {"text": "zoe nunez"})["Location"]
        Membership.objects.filter(user=by.user).update(role=Role.AUDITOR, team=None)
        page = Page(by.client.get(where))
        assert page.status == 200
        assert "Why do you search?" in page.text
        assert "Núñez" not in page.main.text

    @pytest.mark.parametrize("name", ["sam", "paula", "ava", "iris"])
    def test_who_sees_everybody_and_works_with_nobody_says_why(self, known: None, name: str) -> None:
        by = SignedIn(name)
        for why in ({}, {"reason": "front_door"}, {"reason": "nosy"}):
            page = search(by, "zoe nunez", **why)
            assert page.status == 422
            assert "Núñez" not in page.main.text
        assert not AuditEvent.objects.filter(event=Event.SEARCHED).exists()
        assert "Zoë Núñez" in search(by, "zoe nunez", reason="supervision").text
        assert AuditEvent.objects.get(event=Event.SEARCHED).detail["why"] == "supervision"


class TestTheCost:
    def test_a_search_is_shown_with_a_bounded_number_of_statements(self, story: Story) -> None:
        by = SignedIn("amina")
        costs = []
        for count in (1, 12):
            for number in range(count):
                zoe(story, first_name=f"Zoe {chr(97 + number)}", nhs_number=None, upn=None)
            where = by.client.post("/search/", {"text": "nunez HP20 1UA"})["Location"]
            with asked() as cost:
                answer: Answer = by.client.get(where)
            assert answer.status_code == 200
            costs.append(cost.statements)
        assert costs[0] == costs[1]
        assert within(costs[0], OF_A_SEARCH)


def test_the_box_is_on_every_page_of_whoever_is_signed_in(story: Story) -> None:
    contact = zoe(story)
    for where in ("/", "/search/", f"/contacts/{contact}/"):
        page = SignedIn("amina").open(where)
        assert "header-search" in page.ids
