"""
The pages of a contact, a case, a team and a person's worklist: who sees what, what each button does, and what it
refuses; how a look leaves its trace; what goes out with every page, and what every page costs.
"""

import re
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from casework.actions import clock_changes
from casework.families.likeness.weights import shipped as shipped_weights
from casework.jobs import sweep
from casework.models import AuditEvent, Case, Clock, Contact, Handoff, PersonMatch, Reminder
from casework.reading import worklists
from casework.web.urls import urlpatterns
from localities.models import Agency, OtherAuthority, Postcode, Team, User
from localities.working_time import local_day
from tests.stage.documents import CONTRACT, address, child
from tests.stage.families import KIM, about, brothers
from tests.stage.racing import FIRST_NAMES, LAST_NAMES
from tests.stage.sessions import sign_in
from tests.stage.sql import asked, within
from tests.stage.staff import (
    ANOTHER_FAMILY,
    LOOKS,
    SignedIn,
    as_recommended,
    is_done,
    is_refused,
    is_wrong,
    looks,
    offered,
    path_of,
    views,
)
from tests.stage.story import Story, person
from tests.stage.web_client import Answer, Page, Partner, a_working_morning, browser, day_of, kept
from triage.ruleset import shipped

# Nobody collects static files for a test.
pytestmark = pytest.mark.filterwarnings("ignore:No directory at")

FRONT_DOOR = {"amina"}
EMERGENCY_DUTY = {"erin"}
AYLESBURY = {"ben", "bea"}
OVERSEERS = {"sam", "ava", "iris"}
OTHERS = {"carol", "pat", "dan", "adele"}
EVERYBODY = FRONT_DOOR | EMERGENCY_DUTY | AYLESBURY | OVERSEERS | OTHERS
ON_CONTACTS = (
    "decide", "sign-off", "agreement", "checks", "acknowledge", "in-writing", "feedback", "pause", "resume", "extend",
    "hand-over", "take-on",
)  # fmt: skip
# Below a contact, by a number of their own.
BELOW_CONTACTS = ("matches/1", "partners", "partners/1/answer", "partners/1/withdraw", "protect", "lift")
BY_A_SERVICE_MANAGER = {"offer", "extend"}
ONLY_WHO_HEARS_OF_IT = "Only a team lead of the team responsible for it, or a service manager, can give this more time."
REPORTS = ("/reports/overrides/", "/reports/overrides/contacts/", "/reports/equality/",
           "/reports/quality/", "/reports/quality/figures.csv")  # fmt: skip
ON_CASES = ("offer", "answer", "withdraw", "lead", "milestone", "authority", "extend", "close")


@pytest.fixture
def story(db: None) -> Story:
    """Stories that end before today: the pages look at the clock on the wall."""
    return Story(a_working_morning())


# ---- who sees what


class TestWhoSeesWhat:
    """Carol leads another locality's team and Adele is an administrator. Neither may see the family."""

    def seen(self, contact: Contact, case: Case | None) -> tuple[set[str], set[str]]:
        """The users who see the contact, and those who see the case."""
        client = browser()
        found: tuple[set[str], set[str]] = (set(), set())
        for name in sorted(EVERYBODY):
            sign_in(client, User.objects.get(username=name))
            for of, whom in zip((contact, case), found, strict=True):
                if of is None:
                    continue
                answer = client.get(path_of(of))
                assert answer.status_code in (200, 404)
                assert ("Ashworth" in answer.content.decode()) is (answer.status_code == 200)
                if answer.status_code == 200:
                    whom.add(name)
        return found

    def test_a_contact_that_waits_is_the_front_doors(self, story: Story) -> None:
        assert self.seen(story.contact(), None)[0] == FRONT_DOOR | EMERGENCY_DUTY | OVERSEERS

    def test_a_case_on_offer_is_seen_by_whoever_holds_it_and_whoever_is_asked(self, story: Story) -> None:
        contact = story.contact()
        handoff = story.offered(contact)
        on_contact, on_case = self.seen(contact, handoff.case)
        assert on_contact == FRONT_DOOR | EMERGENCY_DUTY | AYLESBURY | OVERSEERS
        assert on_case == FRONT_DOOR | AYLESBURY | OVERSEERS

    def test_a_case_that_was_accepted_is_the_teams(self, story: Story) -> None:
        contact = story.contact()
        on_contact, on_case = self.seen(contact, story.accepted(contact))
        assert on_contact == FRONT_DOOR | EMERGENCY_DUTY | AYLESBURY | OVERSEERS
        assert on_case == AYLESBURY | OVERSEERS

    def test_a_team_that_returns_a_case_loses_sight_of_it(self, story: Story) -> None:
        contact = story.contact()
        handoff = story.offered(contact)
        answer = SignedIn("ben").send(
            handoff.case, "answer", answer="return", **{"answer-reason": "They moved to Chesham last week."}
        )
        assert (answer.status_code, answer.headers["Location"]) == (302, "/")
        on_contact, on_case = self.seen(contact, handoff.case)
        assert on_contact == FRONT_DOOR | EMERGENCY_DUTY | OVERSEERS
        assert on_case == FRONT_DOOR | OVERSEERS

    def test_whoever_held_it_last_sees_how_it_ended(self, story: Story) -> None:
        contact = story.contact()
        case = story.closed(story.accepted(contact))
        on_contact, on_case = self.seen(contact, case)
        assert on_contact == FRONT_DOOR | EMERGENCY_DUTY | AYLESBURY | OVERSEERS
        assert on_case == AYLESBURY | OVERSEERS

    def test_whoever_is_not_signed_in_signs_in_first(self, client: Client, story: Story) -> None:
        case = story.accepted()
        for of in (case, case.contacts.get(), "/", "/teams/aylesbury/", "/reminders/"):
            answer = client.get(path_of(of))
            assert answer.headers["Location"] == f"/accounts/login/?next={path_of(of)}"

    def test_out_of_scope_is_not_found_whatever_is_tried(self, story: Story) -> None:
        """Before and after the team accepts it, the page answers as for a record that does not exist."""
        contact = story.contact()
        handoff = story.offered(contact)
        for accepted in (False, True):
            if accepted:
                SignedIn("ben").send(handoff.case, "answer", answer="accept")
            before = kept()
            for name in ("carol", "adele"):
                self.finds_nothing(SignedIn(name), contact, handoff)
            assert kept() == before

    def finds_nothing(self, signed_in: SignedIn, contact: Contact, handoff: Handoff) -> None:
        case = handoff.case
        pages = [signed_in.open(of) for of in (contact, case, "/contacts/CON-AAAA-AAAA/", "/cases/CAS-AAAA-AAAA/")]
        assert {page.status for page in pages} == {404}
        assert len({page.text for page in pages}) == 1
        for action in (*ON_CONTACTS, *BELOW_CONTACTS):
            assert signed_in.post(contact, action, same="yes").status_code == 404
        for action in ON_CASES:
            assert signed_in.post(case, action, handoff=handoff.pk, answer="accept").status_code == 404
        assert signed_in.open("/teams/aylesbury/").status == 404
        assert not any(str(of) in signed_in.open("/").html for of in (contact, case))

    @pytest.mark.parametrize("path", ["/contacts/%00/", "/cases/CAS%00/", "/teams/%00/", "/contacts/%ff/"])
    def test_what_cannot_be_a_reference_is_not_found(self, db: None, path: str) -> None:
        assert SignedIn("ava").open(path).status == 404

    def test_a_membership_that_ended_yesterday_opens_nothing(self, story: Story, ben: User) -> None:
        case = story.accepted()
        signed_in = SignedIn("ben")
        assert signed_in.open(case).status == 200
        ben.memberships.update(ends_on=local_day(timezone.now()) - timedelta(days=1))
        assert {signed_in.open(of).status for of in (case, case.contacts.get(), "/teams/aylesbury/")} == {404}
        ben.memberships.update(ends_on=local_day(timezone.now()))
        assert signed_in.open(case).status == 200


class TestTeamsAndWorklists:
    def test_a_teams_page_is_the_teams_and_the_overseers(self, db: None) -> None:
        opens: dict[str, set[str]] = {
            "aylesbury": AYLESBURY | {"sam", "ava"},
            "front-door": FRONT_DOOR | {"sam", "ava"},
            "wycombe-and-marlow": {"carol", "sam", "ava"},
            "none-such": set(),
        }
        for name in EVERYBODY:
            signed_in = SignedIn(name)
            for code, whom in opens.items():
                assert signed_in.open(f"/teams/{code}/").status == (200 if name in whom else 404), (name, code)

    def test_it_shows_what_it_is_offered_what_it_holds_and_what_is_late(self, story: Story) -> None:
        offer, accepted = story.offered(), story.accepted(story.contact(**ANOTHER_FAMILY))
        page = SignedIn("ben").open("/teams/aylesbury/")
        tables = {section["aria-labelledby"]: section.text for section in page.main.all("section")}
        assert str(offer.case) in tables["offered-heading"]
        assert str(accepted) in tables["cases-heading"]
        assert str(accepted) not in tables["offered-heading"]
        assert "Ben Carter, team lead" in tables["members-heading"]

    def test_the_front_doors_worklist_has_the_contacts_that_wait(self, story: Story) -> None:
        contact = story.contact()
        page = SignedIn("oliver").open("/")
        (row,) = [row for row in page.main.all("tr") if str(contact) in row.text]
        for shown in ("Green", "Family help", "Example Primary School", "Front door"):
            assert shown in row.text
        # With the key of the form in its address: whoever goes back to it sends the same again.
        (enters,) = [link["href"] for link in page.main.all("a") if link["href"].startswith("/contacts/new/")]
        assert re.fullmatch(r"/contacts/new/\?form=[0-9a-f]{32}", enters)

    def test_one_that_waits_for_a_second_person_says_so(self, story: Story) -> None:
        contact = story.contact()
        story.decided(contact, pathway="advice", level=1, rag="blue")
        assert "Waits for a second person" in SignedIn("maya").open("/").text

    @pytest.mark.parametrize(
        ("name", "headings"),
        [
            ("amina", {"Contacts that wait", "Offered to your team", "Cases with your team"}),
            ("ben", {"Offered to your team", "Cases with your team"}),
            ("sam", {"Teams"}),
            ("ava", {"Teams"}),
            ("iris", set()),
            ("adele", set()),
        ],
    )
    def test_everybody_has_a_worklist_of_their_own(self, db: None, name: str, headings: set[str]) -> None:
        page = SignedIn(name).open("/")
        assert page.status == 200
        assert {heading.text for heading in page.main.all("h2")} == headings

    def test_of_what_is_due_at_one_moment_the_gravest_comes_first(self, story: Story) -> None:
        blue = story.contact(children=[child(indicators=[])], family_indicators=[], referrer_level=1)
        grave = story.contact(**ANOTHER_FAMILY, referrer_level=4)
        Clock.objects.update(due_at=story.now, warn_at=story.now, escalate_at=story.now)
        html = SignedIn("amina").open("/").html
        assert (blue.rag, grave.rag) == ("blue", "red")
        assert html.index(str(grave)) < html.index(str(blue))

    def test_a_case_on_offer_says_when_the_answer_is_due(self, story: Story, ben: User) -> None:
        handoff = story.offered()
        (case,) = worklists.open_cases(ben, [handoff.from_team], story.now)
        assert case.due_at == handoff.clocks.get().due_at  # type: ignore[attr-defined]  # annotated

    def test_no_worklist_names_a_child(self, story: Story) -> None:
        story.offered()
        story.contact(children=[child(nhs_number=None)])
        for name in ("amina", "ben", "sam"):
            assert "Ashworth" not in SignedIn(name).open("/").html

    def test_a_page_number_that_was_tampered_with_breaks_nothing(self, story: Story) -> None:
        story.accepted()
        ben, amina = SignedIn("ben"), SignedIn("amina")
        for page in ("0", "-1", "2", "x", "9" * 30, ""):
            assert ben.open(f"/?cases={page}").status == 200
            assert amina.open(f"/?contacts={page}").status == 200
            assert ben.open(f"/teams/aylesbury/?cases={page}").status == 200

    def test_a_worklist_without_work_says_so(self, db: None) -> None:
        assert "No contact waits." in SignedIn("amina").open("/").text
        assert "No cases with your team." in SignedIn("ben").open("/").text


class TestWhatAContactsPageSays:
    def test_what_the_rules_recommend_and_why_and_where_it_would_go(self, story: Story) -> None:
        page = SignedIn("amina").open(story.contact())
        for said in (
            "Family help, level 3", "By early-help-first/2", "Because", "What would change it",
            "Aylesbury team. HP20 1UA lies in Aylesbury", "What has happened, when, and the effect on the child",
            "Amina Yusuf, Designated safeguarding lead",
        ):  # fmt: skip
            assert said in page.text

    def test_which_child_a_reason_is_about_by_name(self, story: Story) -> None:
        """The rules know no names, and say "child c1"."""
        nobody = child(ref="c10", first_name="", last_name="", also_known_as=[], nhs_number=None, disabled=None)
        contact = story.contact(children=[child(), nobody])
        waiting = SignedIn("amina").open(contact).text
        for said in (
            "Robin Ashworth: Disruptive", "The second child: Disruptive", "whether the second child is disabled",
            "If Robin Ashworth is disabled",
        ):  # fmt: skip
            assert said in waiting, said
        case = story.accepted(contact)
        for name, of in (("amina", contact), ("ben", case)):
            text = SignedIn(name).open(of).text
            assert "Robin Ashworth" in text
            assert not re.search(r"\b[Cc]hild c1", text), text

    def test_that_it_was_sent_again(self, story: Story) -> None:
        """To those who see the household: a team sees its own contacts, and no reference of another."""
        first = story.contact()
        again = story.contact(agency_reference=first.agency_reference)
        amina = SignedIn("amina")
        page = amina.open(again)
        assert f"This repeats {first} and does not count as another contact" in page.text
        assert page.main.all("a", href=f"/contacts/{first}/")
        page = amina.open(first)
        assert f"Sent again{again}, " in page.text
        assert re.search(rf"{again}, [^•]*green, sent again: not decided", page.text)
        story.offered(first)
        assert str(again) not in SignedIn("ben").open(first).text

    def test_everything_that_was_told(self, story: Story) -> None:
        """Nobody has to ask the family or the school again for what they said already."""
        entry = child(interpreter_needed=True, disabled=True, non_verbal=True, upn="A123456789012")
        mother = {"first_name": "Sam", "last_name": "Ashworth", "relationship": "mother", "phone": "07700 900000",
                  "date_of_birth": "1990-02-03", "risk_to_staff": True, "same_address": True}  # fmt: skip
        contact = story.contact(
            children=[entry], adults=[mother], domestic_abuse={"dash": "high", "marac": True}, immediate_danger=False,
            concern=CONTRACT["concern"] | {"childs_words": "I am hungry."},
            parents_told={"answer": "unsafe", "reason": "They would be angry."},
        )  # fmt: skip
        page = SignedIn("amina").open(contact)
        catalogue = shipped().catalogue.entries
        rows = [
            ("What it is", "A safeguarding concern"), ("In immediate danger now", "No"),
            ("Level that the referrer sees", "3"), ("Also called", "Robbie"), ("Sex", "Male"),
            ("Ethnicity", "White British"), ("Address", "12 Example Road, Aylesbury, HP20 1UA"),
            ("Where now", "At school until 15:15"), ("School or nursery", "Example Primary School"),
            ("First language", "English"), ("Interpreter", "Needed"), ("Disabled", "Yes"), ("Non-verbal", "Yes"),
            ("NHS number", "9990000018"), ("Unique pupil number", "A123456789012"),
            ("What was said", f"{catalogue['L3-12'].says} (L3-12)"), ("Risk to staff", "Yes. Do not visit alone."),
            ("Relationship", "mother"), ("Born", "3 February 1990"), ("Parental responsibility", "Unknown"),
            ("At the child's address", "Yes"), ("Telephone", "07700 900000"), ("Before a MARAC", "Yes"),
            ("What was said", f"{catalogue['L3-36'].says} (L3-36)"), ("DASH risk", "High"),
            ("Agreement to a service", "Given, mother, 18 November 2026"),
            ("Parents told", "No: it would not be safe, They would be angry."),
            ("Referrer", "Amina Yusuf, Designated safeguarding lead, School"), ("Telephone", "01296 000000"),
            ("E-mail", "dsl@school.example"), ("Source", "Schools, Example Primary School"),
            ("Their reference", "PPN-2026-118822"), ("Basis for sharing", "Public task"),
        ]  # fmt: skip
        stand = [
            (row.all("dt")[0].text, row.all("dd")[0].text) for row in page.main.all(class_="govuk-summary-list__row")
        ]
        assert [row for row in rows if row not in stand] == []
        for said in (*CONTRACT["concern"].values(), "I am hungry.", CONTRACT["support_already_tried"]):
            assert said is None or said in page.text

    def test_nothing_that_leads_to_a_family_in_hiding(self, story: Story) -> None:
        hidden = child(
            address=address("HP20 1UA", confidential=True), where_now="Rose House, Mill Lane", school="St Example's"
        )
        mother = {"first_name": "Sam", "phone": "07700 900000", "same_address": True}
        contact = story.contact(children=[hidden], adults=[mother])
        team = story.team("aylesbury")
        story.decided(contact, chosen_team_id=team.pk, chosen_team_reason="The refuge works with it.")
        for name, of in (("amina", contact), ("ben", contact), ("ben", Case.objects.get())):
            html = SignedIn(name).open(of).html
            assert "Confidential" in html
            for word in ("Rose House", "Mill Lane", "St Example", "07700 900000", "1 Example Road"):
                assert word not in html, (name, word)

    def test_what_is_typed_is_escaped_once(self, story: Story) -> None:
        entry = child(also_known_as=["Ro'b", "<b>"], address={"lines": ["O'Neil Court"], "postcode": "HP20 1UA"})
        page = SignedIn("amina").open(story.contact(children=[entry]))
        assert "Ro'b, <b>" in page.text
        assert "O'Neil Court" in page.text

    def test_that_nobody_ticked_what_was_said(self, story: Story) -> None:
        """The rules read indicators, not words: whoever decides must know that they read nothing."""
        says = "The rules did not read the words below: read them before you decide."
        contact = story.contact(children=[child(indicators=[])], family_indicators=[])
        assert says in SignedIn("amina").open(contact).text
        assert says not in SignedIn("amina").open(story.contact(**ANOTHER_FAMILY)).text

    def test_that_a_child_is_in_danger_now_is_among_the_reasons(self, story: Story) -> None:
        page = SignedIn("amina").open(story.contact(immediate_danger=True))
        assert "A sign of significant harm, or a child in danger now." in page.text
        assert "In immediate danger nowYes" in page.text

    def test_a_confidential_address_is_not_shown(self, story: Story) -> None:
        contact = story.contact(children=[child(address=address("HP20 1UA", confidential=True))])
        page = SignedIn("amina").open(contact)
        assert "HP20 1UA" not in page.html
        assert "An address is confidential. Pick the team, and say why." in page.text

    def test_a_referrer_who_must_not_be_named_is_marked(self, story: Story) -> None:
        contact = story.contact(referrer={"name": "A neighbour", "keep_anonymous": True})
        assert "The family must not learn who told us." in SignedIn("amina").open(contact).text

    def test_the_household_is_for_those_who_weigh_it(self, story: Story) -> None:
        """The team works with what it was handed; earlier contacts of the household stay with the front door."""
        earlier = story.contact(by="example-police", agency_reference="PPN 7")
        story.decided(earlier, pathway="advice", level=1, rag="blue")
        story.signed_off(earlier)
        contact = story.contact()
        story.offered(contact)
        assert str(earlier) in SignedIn("amina").open(contact).text
        assert str(earlier) not in SignedIn("ben").open(contact).html

    def test_a_child_who_looks_like_somebody_we_know_is_asked_about(self, story: Story) -> None:
        story.contact()
        contact = story.contact(children=[child(nhs_number=None, first_name="Robyn")])
        page = SignedIn("amina").open(contact)
        assert "Do we know them?" in page.text
        assert f"{path_of(contact)}matches/{PersonMatch.objects.get(child__contact=contact).pk}/" in page.actions


# ---- what can be done with a contact


@pytest.fixture
def contact(story: Story) -> Contact:
    """A contact that waits for a decision."""
    return story.contact()


@pytest.fixture
def waiting(story: Story) -> Contact:
    """A contact on which Amina decided, and that waits for a second person."""
    contact = story.contact()
    story.decided(contact, pathway="advice", level=1, rag="blue")
    assert contact.status == "sign_off"
    return contact


@pytest.fixture
def decided(story: Story) -> Contact:
    """A contact that is decided."""
    contact = story.contact()
    story.decided(contact)
    return contact


WHY = {"decide-rationale": "The school knows the family well, and the family agrees."}


def agreeing(contact: Contact) -> dict[str, Any]:
    """The fields of the form for somebody who agrees with the recommendation and says why."""
    return as_recommended(contact) | WHY


ALREADY = "{} is decided already."


class TestDeciding:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> int:
        return Story(a_working_morning()).contact().pk

    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, told: int) -> dict[str, Page]:
        """The contact's page before anybody decides."""
        return views(Contact.objects.get(pk=told), ("amina", "maya", "oliver"))

    @pytest.fixture
    def contact(self, told: int, db: None) -> Contact:
        return Contact.objects.get(pk=told)

    def test_accepting_the_recommendation_opens_and_offers_the_case(
        self, contact: Contact, seen: dict[str, Page]
    ) -> None:
        answer = SignedIn("amina").send(contact, "decide", seen["amina"], **agreeing(contact))
        is_done(answer, contact)
        contact.refresh_from_db()
        assert contact.status == "decided"
        decision = contact.decision_in_effect
        assert decision is not None
        assert (decision.pathway, decision.level, decision.rag, decision.overrides) == (
            "family_help",
            3,
            "green",
            False,
        )
        assert decision.decided_by.username == "amina"
        assert contact.case is not None
        assert contact.case.handoffs.get().to_team.code == "aylesbury"

    def test_overriding_waits_for_a_second_person_where_it_must(self, contact: Contact, seen: dict[str, Page]) -> None:
        answer = SignedIn("amina").send(
            contact,
            "decide",
            seen["amina"],
            **WHY | {"decide-pathway": "advice", "decide-level": "1", "decide-rag": "blue"},
        )
        is_done(answer, contact)
        contact.refresh_from_db()
        assert (contact.status, contact.case) == ("sign_off", None)

    def test_nothing_is_filled_in(self, contact: Contact, seen: dict[str, Page]) -> None:
        """The form has no rationale and no recommended values in it. The recommendation is shown beside it."""
        page = seen["amina"]
        form = page.form(f"{path_of(contact)}decide/")
        assert form["decide-rationale"] == ""
        assert form.keys().isdisjoint({"decide-pathway", "decide-level", "decide-rag"})
        assert "The rules recommend: Family help, level 3 Green." in page.text

    def test_without_one_nothing_is_decided(self, contact: Contact, seen: dict[str, Page]) -> None:
        before = kept()
        for rationale in ("", "   \n"):
            page = is_wrong(
                SignedIn("amina").send(
                    contact,
                    "decide",
                    seen["amina"],
                    **agreeing(contact) | {"decide-rationale": rationale, "decide-level": "2"},
                ),
                {"id_decide-rationale": "Say why: a decision needs a rationale in your own words."},
            )
            assert page.form(f"{path_of(contact)}decide/")["decide-level"] == "2", "what was chosen is not lost"
        assert {name: count for name, count in kept().items() if name != "AuditEvent"} == {
            name: count for name, count in before.items() if name != "AuditEvent"
        }

    def test_everything_that_is_missing_is_said_at_once(self, contact: Contact) -> None:
        assert contact.recommendation is not None
        answer = SignedIn("amina").post(contact, "decide", **{"decide-recommendation": contact.recommendation.pk})
        is_wrong(
            answer,
            {
                "id_decide-pathway": "Choose what happens next.",
                "id_decide-level": "Choose the level of need, 1 to 4.",
                "id_decide-rag": "Choose the rating.",
                "id_decide-rationale": "Say why: a decision needs a rationale in your own words.",
            },
        )

    def test_an_answer_that_was_not_offered_is_refused_at_its_field(
        self, contact: Contact, seen: dict[str, Page]
    ) -> None:
        fields = ("decide-pathway", "decide-level", "decide-rag", "decide-team")
        page = Page(
            SignedIn("amina").send(
                contact, "decide", seen["amina"], **agreeing(contact) | dict.fromkeys(fields, "made up")
            )
        )
        assert page.status == 422
        assert set(dict(page.summary)) >= {f"id_{field}" for field in fields}
        contact.refresh_from_db()
        assert contact.status == "received"

    def test_a_contact_officer_does_not_decide(self, contact: Contact, seen: dict[str, Page]) -> None:
        says = f"Only a social worker or a manager at the front door can decide on {contact}."
        assert says in seen["oliver"].text
        assert f"{path_of(contact)}decide/" not in seen["oliver"].actions
        as_seen = seen["amina"].form(f"{path_of(contact)}decide/")
        is_refused(SignedIn("oliver").post(contact, "decide", **as_seen | agreeing(contact)), 403, says)

    def test_what_was_not_in_view_is_not_decided_on(self, contact: Contact, seen: dict[str, Page]) -> None:
        """Somebody records the family's answer after the page was loaded, so the recommendation has changed."""
        form = seen["amina"].form(f"{path_of(contact)}decide/")
        answered = {"agreement-service": "refused", "agreement-given_by": "mother"}
        SignedIn("oliver").send(contact, "agreement", seen["oliver"], **answered | day_of(a_day_ago(), "agreement-on"))
        says = "The recommendation changed while you were reading. Look at it again, then go on."
        is_refused(SignedIn("amina").post(contact, "decide", **form | agreeing(contact)), 409, says)

    def test_nobody_decides_twice(self, contact: Contact, seen: dict[str, Page]) -> None:
        first, second = SignedIn("amina"), SignedIn("maya")
        form = seen["maya"].form(f"{path_of(contact)}decide/")
        is_done(first.send(contact, "decide", seen["amina"], **agreeing(contact)), contact)
        is_refused(second.post(contact, "decide", **form | agreeing(contact)), 409, ALREADY.format(contact))
        assert f"{path_of(contact)}decide/" not in second.open(contact).actions


class TestWhoDecides:
    def test_a_family_that_nobody_asked_is_asked_first(self, story: Story) -> None:
        contact = story.contact(agreement={"service": "not_sought"})
        says = "Nobody has asked the family yet. Record what it says to this service, then decide."
        is_wrong(SignedIn("amina").send(contact, "decide", **agreeing(contact)), {"id_decide-pathway": says})

    def test_where_the_route_cannot_tell_a_person_picks_the_team_and_says_why(self, story: Story) -> None:
        contact = story.contact(children=[child(address=None)])
        signed_in = SignedIn("amina")
        is_wrong(
            signed_in.send(contact, "decide", **agreeing(contact)),
            {
                "id_decide-team": "No child has a postcode. Pick the team, and say why.",
                "id_decide-team_reason": "Say why you pick this team.",
            },
        )
        chiltern = Team.objects.get(code="chiltern")
        picked = {"decide-team": chiltern.pk, "decide-team_reason": "The mother stays in Chesham."}
        is_done(signed_in.send(contact, "decide", **agreeing(contact) | picked), contact)
        handoff = Handoff.objects.get(case__contacts=contact)
        assert (handoff.to_team, handoff.reason) == (chiltern, "Picked by a person: The mother stays in Chesham.")

    def test_after_a_hard_stop_only_a_manager_does(self, story: Story) -> None:
        contact = story.contact(children=[child(indicators=["L4-01"])])
        says = f"A manager decides on {contact}: a sign of significant harm was given."
        assert says in SignedIn("amina").open(contact).text
        as_seen = SignedIn("maya").open(contact).form(f"{path_of(contact)}decide/")
        is_refused(SignedIn("amina").post(contact, "decide", **as_seen | agreeing(contact)), 403, says)
        is_done(SignedIn("maya").send(contact, "decide", **agreeing(contact)), contact)

    def test_nor_while_a_second_person_is_awaited(self, waiting: Contact) -> None:
        assert waiting.recommendation is not None
        sent = {"decide-recommendation": waiting.recommendation.pk, "decide-pathway": "advice", "decide-level": "1"}
        answer = SignedIn("maya").post(waiting, "decide", **sent | WHY | {"decide-rag": "blue"})
        is_refused(answer, 409, f"A decision on {waiting} waits for a second person.")


def a_day_ago() -> date:
    return local_day(timezone.now()) - timedelta(days=1)


AGREES = {"sign_off-answer": "agree", "sign_off-rationale": "I have read it all."}


class TestTheSecondPerson:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> int:
        """Amina decided, and a second person is awaited."""
        story = Story(a_working_morning())
        contact = story.contact()
        story.decided(contact, pathway="advice", level=1, rag="blue")
        assert contact.status == "sign_off"
        return contact.pk

    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, told: int) -> dict[str, Page]:
        names = ("amina", "oliver", "maya", "david", "sam", "ava", "iris")
        return views(Contact.objects.get(pk=told), names)

    @pytest.fixture
    def waiting(self, told: int, db: None) -> Contact:
        return Contact.objects.get(pk=told)

    def test_agrees_and_the_decision_takes_effect(self, waiting: Contact, seen: dict[str, Page]) -> None:
        is_done(SignedIn("maya").send(waiting, "sign-off", seen["maya"], **AGREES), waiting)
        waiting.refresh_from_db()
        assert waiting.status == "decided"
        assert waiting.decision_in_effect is not None
        assert waiting.decision_in_effect.sign_off.by.username == "maya"

    def test_or_declines_and_it_is_decided_again(self, waiting: Contact, seen: dict[str, Page]) -> None:
        is_done(
            SignedIn("maya").send(waiting, "sign-off", seen["maya"], **AGREES | {"sign_off-answer": "decline"}),
            waiting,
        )
        waiting.refresh_from_db()
        assert (waiting.status, waiting.decision_in_effect) == ("received", None)
        assert f"{path_of(waiting)}decide/" in SignedIn("amina").open(waiting).actions

    def test_a_service_manager_may_be_the_second(self, waiting: Contact, seen: dict[str, Page]) -> None:
        is_done(SignedIn("sam").send(waiting, "sign-off", seen["sam"], **AGREES), waiting)

    def test_says_which_and_why(self, waiting: Contact) -> None:
        answer = SignedIn("maya").post(waiting, "sign-off")
        is_wrong(answer, {
            "id_sign_off-answer": "Say whether you agree.",
            "id_sign_off-rationale": "Say why you agree or decline.",
        })  # fmt: skip
        answer = SignedIn("maya").post(waiting, "sign-off", **{"sign_off-answer": "agree", "sign_off-rationale": " "})
        is_wrong(answer, {"id_sign_off-rationale": "Say why you agree or decline."})
        waiting.refresh_from_db()
        assert waiting.status == "sign_off"

    def test_is_a_manager(self, waiting: Contact) -> None:
        says = "Only a front-door manager or a service manager can agree to this decision."
        for name in ("oliver", "erin", "ava", "iris"):
            is_refused(SignedIn(name).post(waiting, "sign-off", **AGREES), 403, says)

    def test_nobody_who_may_not_is_shown_the_form(self, waiting: Contact, seen: dict[str, Page]) -> None:
        assert offered(seen, waiting, "sign-off") == {"maya", "david", "sam"}


class TestWhoIsTheSecond:
    def test_is_another_person(self, story: Story) -> None:
        contact = story.contact()
        story.decided(contact, by="maya", pathway="advice", level=1, rag="blue")
        says = "You made this decision. Another person must agree to it."
        is_refused(SignedIn("maya").post(contact, "sign-off", **AGREES), 403, says)
        is_done(SignedIn("david").send(contact, "sign-off", **AGREES), contact)

    def test_is_asked_only_where_one_is_needed(self, contact: Contact, decided: Contact) -> None:
        for other in (contact, decided):
            says = f"{other} does not wait for a second person."
            is_refused(SignedIn("maya").post(other, "sign-off", **AGREES), 409, says)


class TestFindingOutMore:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> int:
        return Story(a_working_morning()).contact().pk

    @pytest.fixture
    def contact(self, told: int, db: None) -> Contact:
        return Contact.objects.get(pk=told)

    def test_whoever_was_asked_and_when_is_needed(self, contact: Contact) -> None:
        answer = SignedIn("amina").post(contact, "agreement", **{"agreement-service": "refused"})
        is_wrong(
            answer,
            {
                "id_agreement-given_by": "Say who in the family gave the answer.",
                "id_agreement-on": "Say on which day they answered.",
            },
        )

    def test_on_a_day_that_was(self, contact: Contact) -> None:
        days = {
            ("31", "2", "2026"): "Say on which day they answered.",
            ("1", "1", "2100"): "This day lies in the future.",
            ("1", "", "2026"): "Enter a day, a month and a year of four digits, as 21 11 2026.",
        }
        answered = {"agreement-service": "given", "agreement-given_by": "mother"}
        for day, says in days.items():
            boxes = dict(zip(("agreement-on_day", "agreement-on_month", "agreement-on_year"), day, strict=True))
            is_wrong(SignedIn("amina").post(contact, "agreement", **answered | boxes), {"id_agreement-on": says})

    def test_what_the_records_say_is_kept_and_the_rules_are_asked_again(self, contact: Contact) -> None:
        one = contact.children.get()
        known = {"checks-sibling_on_cp_plan": "no", f"checks-plan_{one.pk}": "yes", f"checks-after_{one.pk}": "no"}
        is_done(SignedIn("oliver").send(contact, "checks", **known), contact)
        contact.refresh_from_db()
        one.person.refresh_from_db()
        assert contact.sibling_on_cp_plan is False
        assert (one.person.previous_cp_plan, one.person.previously_looked_after) == (True, False)
        assert contact.recommendation is not None
        assert contact.recommendation.pathway == "social_worker_review"

    def test_an_answer_that_was_not_offered_is_refused_at_its_field(self, contact: Contact) -> None:
        one = contact.children.get()
        page = Page(SignedIn("oliver").post(contact, "checks", **{f"checks-plan_{one.pk}": "perhaps"}))
        assert page.status == 422
        assert page.error_at(f"id_checks-plan_{one.pk}")


class TestALikeness:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> tuple[Story, int]:
        story = Story(a_working_morning())
        story.contact()
        contact = story.contact(children=[child(nhs_number=None, first_name="Robyn")])
        return story, PersonMatch.objects.get(child__contact=contact).pk

    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, told: tuple[Story, int]) -> Page:
        """The contact's page before anybody has said who is who, for Oliver."""
        return SignedIn("oliver").open(PersonMatch.objects.get(pk=told[1]).row.contact)

    @pytest.fixture
    def story(self, told: tuple[Story, int], db: None) -> Story:
        """The story goes on."""
        return told[0].goes_on()

    @pytest.fixture
    def match(self, told: tuple[Story, int], db: None) -> PersonMatch:
        return PersonMatch.objects.select_related("child__contact").get(pk=told[1])

    @pytest.mark.parametrize(("same", "status"), [("yes", "confirmed"), ("no", "rejected")])
    def test_a_likeness_is_settled(self, match: PersonMatch, seen: Page, same: str, status: str) -> None:
        contact = match.row.contact
        is_done(SignedIn("oliver").send(contact, f"matches/{match.pk}", seen, same=same), contact)
        match.refresh_from_db()
        assert (match.status, match.settled_by) == (status, User.objects.get(username="oliver"))

    def test_the_page_says_whose_history_counts(self, story: Story, match: PersonMatch, seen: Page) -> None:
        assert match.score >= shipped_weights().careful
        page = seen
        assert "Until somebody says no, their history counts." in page.text
        elsewhere = address("SL7 1AA")
        children = [
            child(
                nhs_number=None,
                first_name=first,
                last_name=last,
                also_known_as=[],
                date_of_birth=born,
                address=elsewhere,
            )
            for first, last, born in (("Noor", "Haddad", "2018-08-21"), ("Jun", "Nakamura", "2012-11-30"))
        ]
        adult = {"first_name": "Ana", "last_name": "Núñez", "same_address": True}
        page = SignedIn("oliver").open(story.contact(children=children[:1], adults=[adult]))
        assert "We found nothing of this household before." in page.text
        weak = story.contact(children=children[1:], adults=[adult])
        (likeness,) = PersonMatch.objects.filter(adult__contact=weak)
        assert likeness.score < shipped_weights().careful
        page = SignedIn("oliver").open(weak)
        assert "Their history does not count until somebody says yes." in page.text
        assert "We found nothing that is certainly of this household. Say first who is who, above." in page.text

    @pytest.mark.parametrize("same", ["yes", "no"])
    def test_what_was_said_is_undone_with_a_reason(self, match: PersonMatch, seen: Page, same: str) -> None:
        contact, signed_in, undo = match.row.contact, SignedIn("oliver"), f"matches/{match.pk}/undo"
        was = match.row.person_id
        signed_in.send(contact, f"matches/{match.pk}", seen, same=same)
        undoing = signed_in.open(contact)
        assert f"{path_of(contact)}{undo}/" in undoing.actions
        page = Page(signed_in.post(contact, undo, **{f"undo{match.pk}-reason": " "}))
        assert page.error_at(f"id_undo{match.pk}-reason")
        is_done(signed_in.send(contact, undo, undoing, **{f"undo{match.pk}-reason": "It was her cousin."}), contact)
        match.refresh_from_db()
        assert (match.status, match.settled_by) == ("proposed", None)
        assert contact.children.get().person_id == was
        assert match.status_changes.latest("pk").why == "It was her cousin."

    def test_by_an_answer_never_by_silence(self, match: PersonMatch) -> None:
        """Without an answer nobody has said that this is another child."""
        for sent in ({}, {"same": ""}, {"same": "perhaps"}):
            assert SignedIn("oliver").post(match.row.contact, f"matches/{match.pk}", **sent).status_code in (400, 422)
        match.refresh_from_db()
        assert match.status == "proposed"

    def test_once(self, match: PersonMatch, seen: Page) -> None:
        contact, signed_in = match.row.contact, SignedIn("oliver")
        signed_in.send(contact, f"matches/{match.pk}", seen, same="no")
        says = "Somebody has looked at this likeness already."
        is_refused(signed_in.post(contact, f"matches/{match.pk}", same="yes"), 409, says)

    def test_on_its_own_contact(self, match: PersonMatch, story: Story) -> None:
        other = story.contact(by="example-police", children=[child(nhs_number=None, last_name="Haddad")])
        assert SignedIn("oliver").post(other, f"matches/{match.pk}", same="yes").status_code == 404
        assert SignedIn("oliver").post(other, f"matches/{'9' * 30}", same="yes").status_code == 404

    def test_overseers_look_and_do_not_touch(self, match: PersonMatch) -> None:
        contact = match.row.contact
        for name in OVERSEERS:
            signed_in = SignedIn(name)
            for action in ("agreement", "checks", f"matches/{match.pk}", "acknowledge", "in-writing", "feedback"):
                answer = signed_in.post(contact, action, same="yes", **{"agreement-service": "not_sought"})
                is_refused(answer, 403, f"Only front-door staff can work on {contact}.")


class TestWhatIsFoundOut:
    def test_the_familys_answer_is_kept_and_the_rules_are_asked_again(self, story: Story) -> None:
        contact = story.contact(agreement={"service": "not_sought"})
        answered = {"agreement-service": "given", "agreement-given_by": "mother"} | day_of(a_day_ago(), "agreement-on")
        is_done(SignedIn("oliver").send(contact, "agreement", **answered), contact)
        contact.refresh_from_db()
        assert (contact.agreement, contact.agreement_given_by, contact.agreement_on) == ("given", "mother", a_day_ago())
        assert contact.recommendations.count() == 2

    @pytest.mark.parametrize("action", ["agreement", "checks"])
    def test_nothing_more_is_found_out_after_the_decision(
        self, waiting: Contact, decided: Contact, action: str
    ) -> None:
        answered = {"agreement-service": "not_sought"}
        says = "waits for a second person. Nothing else is decided until then."
        is_refused(SignedIn("oliver").post(waiting, action, **answered), 409, says)
        is_refused(SignedIn("oliver").post(decided, action, **answered), 409, ALREADY.format(decided))


class TestTellingTheReferrer:
    def test_that_we_have_it(self, story: Story) -> None:
        contact = story.contact()
        is_done(SignedIn("oliver").send(contact, "acknowledge"), contact)
        contact.refresh_from_db()
        assert contact.acknowledged_at is not None
        assert not contact.clocks.running().filter(kind="acknowledge_referrer").exists()
        assert f"{path_of(contact)}acknowledge/" not in SignedIn("oliver").open(contact).actions
        says = f"The referrer of {contact} was told already."
        is_refused(SignedIn("oliver").post(contact, "acknowledge"), 409, says)

    def test_that_they_confirmed_in_writing(self, story: Story) -> None:
        contact = story.contact(received_by_phone=True)
        is_done(SignedIn("oliver").send(contact, "in-writing"), contact)
        contact.refresh_from_db()
        assert contact.confirmed_in_writing_at is not None
        says = f"{contact} was confirmed in writing already."
        is_refused(SignedIn("oliver").post(contact, "in-writing"), 409, says)

    def test_which_only_a_telephone_contact_needs(self, contact: Contact) -> None:
        assert f"{path_of(contact)}in-writing/" not in SignedIn("oliver").open(contact).actions
        is_refused(SignedIn("oliver").post(contact, "in-writing"), 409, f"{contact} did not come by telephone.")

    def test_what_was_decided(self, decided: Contact) -> None:
        is_done(SignedIn("oliver").send(decided, "feedback"), decided)
        decided.refresh_from_db()
        assert decided.feedback_given_at is not None
        says = f"The referrer of {decided} was told the outcome already."
        is_refused(SignedIn("oliver").post(decided, "feedback"), 409, says)

    def test_which_nobody_can_before_it_is(self, contact: Contact) -> None:
        assert f"{path_of(contact)}feedback/" not in SignedIn("oliver").open(contact).actions
        says = f"{contact} is not decided yet: there is nothing to tell the referrer."
        is_refused(SignedIn("oliver").post(contact, "feedback"), 409, says)


# ---- what can be done with a case


@pytest.fixture
def offer(story: Story) -> Handoff:
    """A case on offer to Aylesbury."""
    return story.offered()


@pytest.fixture
def case(story: Story) -> Case:
    """A case that Aylesbury is responsible for."""
    return story.accepted()


@pytest.fixture
def closed(story: Story) -> Case:
    return story.closed()


class TestAnswering:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> tuple[Story, int]:
        story = Story(a_working_morning())
        return story, story.offered().pk

    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, told: tuple[Story, int]) -> dict[str, Page]:
        """The case's page before anybody answers."""
        return views(Handoff.objects.get(pk=told[1]).case, ("ben", "bea", "amina", "sam"))

    @pytest.fixture
    def story(self, told: tuple[Story, int], db: None) -> Story:
        """The story goes on."""
        return told[0].goes_on()

    @pytest.fixture
    def offer(self, told: tuple[Story, int], db: None) -> Handoff:
        """A case on offer to Aylesbury."""
        return Handoff.objects.select_related("case").get(pk=told[1])

    def test_accepting_passes_the_case_on(self, offer: Handoff, seen: dict[str, Page]) -> None:
        is_done(SignedIn("bea").send(offer.case, "answer", seen["bea"], answer="accept"), offer.case)
        offer.refresh_from_db()
        assert (offer.status, offer.answered_by) == ("accepted", User.objects.get(username="bea"))
        assert "Aylesbury team" in SignedIn("ben").open(offer.case).text

    def test_returning_needs_a_reason(self, offer: Handoff, seen: dict[str, Page]) -> None:
        answer = SignedIn("ben").send(offer.case, "answer", seen["ben"], answer="return", **{"answer-reason": " "})
        says = "Say why the case goes back, so that the sender can do better."
        is_wrong(answer, {"id_answer-reason": says})
        offer.refresh_from_db()
        assert offer.status == "offered"

    def test_only_whoever_is_asked_answers(self, offer: Handoff, seen: dict[str, Page]) -> None:
        for name in ("amina", "sam"):
            signed_in = SignedIn(name)
            for sent in ({"answer": "accept"}, {"answer": "return", "answer-reason": "No room."}):
                answer = signed_in.post(offer.case, "answer", handoff=offer.pk, **sent)
                is_refused(answer, 403, "Only Aylesbury team can answer this offer.")
            assert f"{path_of(offer.case)}answer/" not in seen[name].actions

    def test_once(self, offer: Handoff, seen: dict[str, Page]) -> None:
        ben, bea = SignedIn("ben"), SignedIn("bea")
        ben.send(offer.case, "answer", seen["ben"], answer="accept")
        for sent in ({"answer": "accept"}, {"answer": "return", "answer-reason": "No room."}):
            answer = bea.post(offer.case, "answer", handoff=offer.pk, **sent)
            is_refused(answer, 409, "This handoff is accepted already.")

    @pytest.mark.parametrize("numbers", [["", "0", "x", "-1", "9" * 30, "１"], ["9" * 5_000]], ids=["small", "huge"])
    def test_only_the_offer_that_was_in_view(self, offer: Handoff, numbers: list[str]) -> None:
        for number in numbers:
            assert SignedIn("ben").post(offer.case, "answer", handoff=number, answer="accept").status_code == 404
        offer.refresh_from_db()
        assert offer.status == "offered"

    def test_of_its_own_case(self, offer: Handoff, story: Story) -> None:
        other = story.offered(story.contact(**ANOTHER_FAMILY))
        assert SignedIn("ben").post(other.case, "answer", handoff=offer.pk, answer="accept").status_code == 404

    def test_withdrawing_needs_a_reason(self, offer: Handoff, seen: dict[str, Page]) -> None:
        says = "Say why the offer is withdrawn."
        is_wrong(SignedIn("amina").send(offer.case, "withdraw", seen["amina"]), {"id_withdraw-reason": says})
        answer = SignedIn("amina").send(
            offer.case, "withdraw", seen["amina"], **{"withdraw-reason": "The wrong locality."}
        )
        is_done(answer, offer.case)
        offer.refresh_from_db()
        assert (offer.status, offer.answer_reason) == ("withdrawn", "The wrong locality.")
        answer = SignedIn("amina").post(
            offer.case, "withdraw", handoff=offer.pk, **{"withdraw-reason": "The wrong locality."}
        )
        is_refused(answer, 409, "This handoff is withdrawn already.")

    def test_only_whoever_offered_withdraws(self, offer: Handoff) -> None:
        answer = SignedIn("ben").post(offer.case, "withdraw", handoff=offer.pk, **{"withdraw-reason": "No."})
        is_refused(answer, 403, "Only Front door can withdraw this offer.")


class TestTheWholeStoryTravels:
    def test_the_team_that_is_asked_reads_everything_on_the_cases_page(self, story: Story) -> None:
        mother = {"first_name": "Sam", "phone": "07700 900000", "risk_to_staff": True}
        referrer = {"name": "A neighbour", "keep_anonymous": True}
        contact = story.contact(adults=[mother], referrer=referrer)
        page = SignedIn("ben").open(story.offered(contact).case)
        for said in (
            "The family must not learn who told us.", "Risk to staff", "07700 900000", "12 Example Road",
            "At school until 15:15", "Handoff acceptance",
        ):  # fmt: skip
            assert said in page.text, said

    def test_whoever_wrote_why_it_goes_back_does_not_take_it_by_a_slip(self, story: Story) -> None:
        offer = story.offered()
        sent = {"answer": "accept", "answer-reason": "They live in Chiltern."}
        answer = SignedIn("ben").send(offer.case, "answer", **sent)
        says = "You wrote why it should go back. Return it, or clear this to accept."
        is_wrong(answer, {"id_answer-reason": says})
        offer.refresh_from_db()
        assert offer.status == "offered"

    def test_the_decider_reads_where_it_went(self, story: Story) -> None:
        contact, signed_in = story.contact(), SignedIn("amina")
        signed_in.send(contact, "decide", **agreeing(contact))
        case = Case.objects.get()
        assert f"Your decision is kept. Case {case} is offered to Aylesbury team." in signed_in.open(contact).text


def done_at(case: Case, **changes: Any) -> dict[str, Any]:
    """The first contact with the family, a day after the contact was received."""
    when = day_of(local_day(case.received_at) + timedelta(days=1), "milestone-on")
    return {"milestone-kind": "first_family_contact", "milestone-time": "14:30"} | when | changes


def actions(case: Case) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every action, with valid input."""
    yield "offer", {"offer-to_team": Team.objects.get(code="chiltern").pk, "offer-reason": "They moved."}
    yield "lead", {"lead-lead": User.objects.get(username="bea").pk}
    yield "milestone", done_at(case)
    yield "authority", {"authority-authority": OtherAuthority.objects.all()[0].pk}
    # What a team promises starts when it takes the case on.
    for plan in case.clocks.filter(kind="family_help_plan"):
        later = day_of(local_day(plan.due_at) + timedelta(days=7), "extend-on")
        yield "extend", {"extend-clock": plan.pk, "extend-reason": "Their aunt is away until then."} | later
    yield "close", {"close-outcome": "needs_met", "close-summary": "They know where to turn."}


class TestWorking:
    """Ben's team is responsible for the case."""

    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> int:
        return Story(a_working_morning()).accepted().pk

    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, told: int) -> dict[str, Page]:
        """The case's page before anybody works on it."""
        return views(Case.objects.get(pk=told), ("ben", "bea", "sam"))

    @pytest.fixture
    def case(self, told: int, db: None) -> Case:
        return Case.objects.get(pk=told)

    def test_offering_it_to_another_team(self, case: Case, seen: dict[str, Page]) -> None:
        chiltern = Team.objects.get(code="chiltern")
        sent = {"offer-to_team": chiltern.pk, "offer-reason": "They moved to Chesham."}
        is_done(SignedIn("ben").send(case, "offer", seen["ben"], **sent), case)
        handoff = case.handoffs.last()
        assert handoff is not None
        assert (handoff.to_team, handoff.status) == (chiltern, "offered")
        is_refused(SignedIn("ben").post(case, "offer", **sent), 409, f"{case} is on offer to Chiltern team.")
        assert f"{path_of(case)}offer/" not in SignedIn("ben").open(case).actions

    def test_to_which_and_why(self, case: Case, seen: dict[str, Page]) -> None:
        is_wrong(
            SignedIn("ben").send(case, "offer", seen["ben"]),
            {
                "id_offer-to_team": "Choose a team that takes work.",
                "id_offer-reason": "Say why the case should go to this team.",
            },
        )
        own = Team.objects.get(code="aylesbury")
        is_wrong(
            SignedIn("ben").send(case, "offer", seen["ben"], **{"offer-to_team": own.pk, "offer-reason": "x"}),
            {"id_offer-to_team": "Aylesbury team is responsible for this case already. Choose another team."},
        )

    def test_naming_the_lead_practitioner(self, case: Case, bea: User, seen: dict[str, Page]) -> None:
        is_done(SignedIn("ben").send(case, "lead", seen["ben"], **{"lead-lead": bea.pk}), case)
        case.refresh_from_db()
        assert case.lead_practitioner == bea

    def test_who_works_in_the_team(self, case: Case, carol: User, seen: dict[str, Page]) -> None:
        says = "Choose somebody who works in the team responsible for the case."
        is_wrong(SignedIn("ben").send(case, "lead", seen["ben"], **{"lead-lead": ""}), {"id_lead-lead": says})
        page = Page(SignedIn("ben").send(case, "lead", seen["ben"], **{"lead-lead": carol.pk}))
        assert page.status == 422
        assert page.error_at("id_lead-lead")
        assert "Carol" not in page.html
        case.refresh_from_db()
        assert case.lead_practitioner is None

    def test_recording_what_was_done(self, case: Case, seen: dict[str, Page]) -> None:
        is_done(SignedIn("bea").send(case, "milestone", seen["bea"], **done_at(case)), case)
        milestone = case.milestones.get()
        assert (milestone.kind, milestone.recorded_by.username) == ("first_family_contact", "bea")
        assert timezone.localtime(milestone.at).strftime("%H:%M") == "14:30"
        assert not case.clocks.running().filter(kind="first_family_contact").exists()

    def test_what_and_when(self, case: Case, seen: dict[str, Page]) -> None:
        is_wrong(
            SignedIn("ben").send(case, "milestone", seen["ben"]),
            {"id_milestone-kind": "Choose what was done.", "id_milestone-on": "Say when it was done."},
        )

    def test_between_the_familys_contact_and_now(self, case: Case, seen: dict[str, Page]) -> None:
        says = "It must lie between the family's contact and now."
        for day in (local_day(case.received_at) - timedelta(days=1), local_day(timezone.now()) + timedelta(days=1)):
            sent = done_at(case, **day_of(day, "milestone-on"))
            is_wrong(SignedIn("ben").send(case, "milestone", seen["ben"], **sent), {"id_milestone-on": says})

    def test_at_a_time_that_can_be_read(self, case: Case, seen: dict[str, Page]) -> None:
        for time in ("25:00", "half past two", "14:30:30", "14.30"):
            answer = SignedIn("ben").send(case, "milestone", seen["ben"], **done_at(case, **{"milestone-time": time}))
            page = Page(answer)
            assert page.status == 422
            assert page.form(f"{path_of(case)}milestone/")["milestone-time"] == time, "what was typed is not lost"
        assert not case.milestones.exists()

    def test_closing_with_an_outcome(self, case: Case, seen: dict[str, Page]) -> None:
        sent = {"close-outcome": "needs_met", "close-summary": "They know where to turn."}
        is_done(SignedIn("ben").send(case, "close", seen["ben"], **sent), case)
        case.refresh_from_db()
        assert (case.status, case.outcome, case.closing_summary) == ("closed", "needs_met", "They know where to turn.")
        page = SignedIn("ben").open(case)
        assert "They know where to turn." in page.text
        assert page.actions == set()

    def test_and_what_was_achieved(self, case: Case, seen: dict[str, Page]) -> None:
        is_wrong(
            SignedIn("ben").send(case, "close", seen["ben"]),
            {
                "id_close-outcome": "Choose how the work ended.",
                "id_close-summary": "Say what was achieved, and what stays open for the family.",
            },
        )
        sent = {"close-outcome": "other_authority", "close-summary": "x"}
        is_wrong(
            SignedIn("ben").send(case, "close", seen["ben"], **sent),
            {"id_close-outcome": "Name the other authority first."},
        )

    def test_nobody_else_does_any_of_it(self, case: Case) -> None:
        before = kept()
        for signed_in in map(SignedIn, sorted(OVERSEERS)):
            for action, sent in actions(case):
                if signed_in.user.username == "sam" and action in BY_A_SERVICE_MANAGER:
                    continue
                says = ONLY_WHO_HEARS_OF_IT if action == "extend" else f"Only the team responsible for {case} can"
                is_refused(signed_in.post(case, action, **sent), 403, says)
        assert kept() == before

    def test_but_a_service_manager_offers_it_on_and_gives_more_time(self, case: Case, seen: dict[str, Page]) -> None:
        """A team may have nobody left, so the service manager can act for it."""
        sam, sent = SignedIn("sam"), dict(actions(case))
        assert seen["sam"].actions == {f"{path_of(case)}{action}/" for action in BY_A_SERVICE_MANAGER}
        for action in ("extend", "offer"):
            is_done(sam.send(case, action, **sent[action]), case)
        page = sam.open(case)
        left = {f"{path_of(case)}{action}/" for action in ("extend", "withdraw")}
        assert page.actions == left, "what is on offer is not offered again"
        is_done(sam.send(case, "withdraw", page, **{"withdraw-reason": "They stay."}), case)


class TestWhereNobodyWorks:
    def test_not_while_it_is_on_offer(self, offer: Handoff) -> None:
        answer = SignedIn("amina").post(offer.case, "close", **{"close-outcome": "needs_met", "close-summary": "Done."})
        is_refused(
            answer, 409, f"{offer.case} is on offer to Aylesbury team. It must answer, or the offer be withdrawn."
        )

    def test_a_case_of_elsewhere_gets_its_authority(self, story: Story) -> None:
        handoff = story.offered(story.contact(children=[child(address=address("MK9 3EP"))]))
        dan = SignedIn("dan")
        assert handoff.to_team.code == "out-of-area"
        is_done(dan.send(handoff.case, "answer", answer="accept"), handoff.case)
        says = "Choose the council that answers for this family."
        is_wrong(dan.send(handoff.case, "authority", **{"authority-authority": ""}), {"id_authority-authority": says})
        milton_keynes = OtherAuthority.objects.get(name__contains="Milton Keynes")
        is_done(dan.send(handoff.case, "authority", **{"authority-authority": milton_keynes.pk}), handoff.case)
        is_done(
            dan.send(handoff.case, "close", **{"close-outcome": "other_authority", "close-summary": "Passed on."}),
            handoff.case,
        )

    def test_and_nobody_once_it_is_closed(self, closed: Case) -> None:
        for action, sent in actions(closed):
            is_refused(SignedIn("ben").post(closed, action, **sent), 409, f"{closed} is closed.")

    def test_whoever_is_only_asked_waits_until_it_is_theirs(self, offer: Handoff) -> None:
        of_the_sender = {"lead-lead": User.objects.get(username="amina").pk}
        for action, sent in actions(offer.case):
            answer = SignedIn("ben").post(offer.case, action, **sent | of_the_sender)
            is_refused(answer, 403, f"Only the team responsible for {offer.case} can")


# ---- addresses, traces


def _posts(contact: Contact, case: Case) -> Iterator[str]:
    for action in (*ON_CONTACTS, *BELOW_CONTACTS):
        yield f"{path_of(contact)}{action}/"
    for action in ON_CASES:
        yield f"{path_of(case)}{action}/"


def test_every_address_is_tried_here() -> None:
    """A new action needs a test here."""
    named = {str(pattern.name) for pattern in urlpatterns}
    tried = {f"contact-{action}" for action in ON_CONTACTS} | {f"case-{action}" for action in ON_CASES}
    below = {
        "contact-match", "contact-undo-match", "contact-ask-partner", "contact-partner-answer",
        "contact-partner-withdraw", "contact-protect", "contact-lift",
        # tests/web/test_correction_pages.py
        "contact-correct", "contact-correct-person", "contact-history",
    }  # fmt: skip
    # tests/web/test_person_pages.py has these.
    below |= {"person", "person-add", "person-end", "person-in-error", "person-protect", "person-lift"}
    # tests/web/test_compare_pages.py has this.
    below |= {"contact-compare"}
    # tests/web/test_search_pages.py and test_look_first.py have these.
    below |= {"search", "contact-look", "contact-likely"}
    of_reminders = {"reminders", "reminder-seen", "reminder-snooze"}
    # In test_restricted_pages.py.
    of_restrictions = {
        "restrictions", "restriction", "break-glass", "review-glass", "name-reader", "remove-reader",
        "pass-restriction-on", "lift-restriction", "contact-restrict", "contact-conflict", "case-conflict",
        "end-conflict",
    }  # fmt: skip
    assert named == tried | below | of_reminders | of_restrictions | {
        "worklist", "contact", "contact-new", "contact-screening", "case", "team", "report-overrides",
        "report-contacts", "report-equality", "report-quality", "report-quality-csv",
    }  # fmt: skip


def test_an_address_for_doing_is_not_for_looking(case: Case) -> None:
    signed_in = SignedIn("ben")
    contact = case.contacts.get()
    for path in _posts(contact, case):
        # Who signs in anew after a form was open too long comes back by GET.
        answer = signed_in.client.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"] == path_of(contact if "/contacts/" in path else case)
        assert signed_in.client.put(path).status_code == 405


def test_nor_an_address_for_looking_for_doing(case: Case) -> None:
    for path in (path_of(case), path_of(case.contacts.get()), "/", "/teams/aylesbury/", "/reminders/", *REPORTS):
        assert SignedIn("ben").client.post(path).status_code == 405


class TestTraces:
    def test_each_look_leaves_one(self, story: Story) -> None:
        case = story.accepted()
        contact = case.contacts.get()
        for name, of in (("ben", case), ("amina", contact), ("ben", case), ("ava", case), ("iris", contact)):
            SignedIn(name).open(of)
        assert looks() == [
            ("ben", str(case)), ("amina", str(contact)), ("ben", str(case)), ("ava", str(case)), ("iris", str(contact)),
        ]  # fmt: skip

    def test_a_look_that_found_nothing_leaves_none(self, story: Story) -> None:
        case = story.accepted()
        for name, of in (("carol", case), ("carol", case.contacts.get()), ("amina", case), ("adele", case)):
            assert SignedIn(name).open(of).status == 404
        assert looks() == []

    def test_whatever_shows_a_family_leaves_one(self, story: Story) -> None:
        """A form with faults shows the whole page again, so this is a view of the record as well."""
        waiting, offer = story.contact(), story.offered(story.contact(**ANOTHER_FAMILY))
        for name in ("iris", "ava", "oliver", "ben"):
            signed_in = SignedIn(name)
            for path in _posts(waiting, offer.case):
                before = AuditEvent.objects.filter(event__in=LOOKS).count()
                answer = signed_in.client.post(path, {"handoff": offer.pk, "checks-sibling_on_cp_plan": "?"})
                shown = re.search("Ashworth|Haddad", answer.content.decode()) is not None
                after = AuditEvent.objects.filter(event__in=LOOKS).count()
                assert after - before == int(shown), (name, path)

    def test_no_trace_holds_a_name(self, story: Story) -> None:
        case = story.closed()
        SignedIn("ben").open(case)
        SignedIn("amina").open(case.contacts.get())
        for event in AuditEvent.objects.all():
            assert not re.search("Robin|Ashworth|Yusuf|They know where", str(event.detail))


def test_the_auditor_and_information_governance_see_no_buttons(story: Story) -> None:
    """Both see the pages and cannot act."""

    def buttons(of: object) -> list[set[str]]:
        return [page.actions for page in views(of, ("ava", "iris")).values()]

    contact = story.contact(received_by_phone=True)
    assert buttons(contact) == [set(), set()]
    story.decided(contact, pathway="advice", level=1, rag="blue")
    assert buttons(contact) == [set(), set()]
    handoff = story.offered(story.contact(**ANOTHER_FAMILY))
    for of in (handoff.case, handoff.case.contacts.get()):
        assert buttons(of) == [set(), set()]


# ---- what goes out with every page


class TestHeaders:
    @pytest.fixture(scope="class")
    @classmethod
    def answers(cls, told_for_a_class: None) -> dict[str, Answer]:
        """An answer of every kind."""
        case, client = Story(a_working_morning()).accepted(), browser()
        ben, amina = SignedIn("ben"), SignedIn("amina")
        partner = Partner(Agency.objects.get(code="example-primary-school"))
        return {
            "sign-in": client.get("/accounts/login/"),
            "to sign-in": client.get("/"),
            "worklist": ben.client.get("/"),
            "contact": amina.client.get(path_of(case.contacts.get())),
            "case": ben.client.get(path_of(case)),
            "team": ben.client.get("/teams/aylesbury/"),
            "reminders": ben.client.get("/reminders/"),
            "new contact": amina.client.get("/contacts/new/"),
            "overrides": SignedIn("paula").client.get("/reports/overrides/"),
            "overruled": SignedIn("paula").client.get("/reports/overrides/contacts/"),
            "equality": SignedIn("paula").client.get("/reports/equality/"),
            "wrong days": SignedIn("paula").client.get("/reports/overrides/?first=x"),
            "faults": ben.client.post(f"{path_of(case)}close/"),
            "not allowed": ben.client.get("/contacts/new/"),
            "not found": ben.client.get("/cases/CAS-AAAA-AAAA/"),
            "no such page": client.get("/none/such/"),
            "wrong method": ben.client.get(f"{path_of(case)}close/"),
            "admin": ben.client.get("/admin/"),
            "API": partner.read("CON-AAAA-AAAA"),
            "token": client.post("/o/token"),
            "docs": client.get("/api/v1/docs"),
            "health": client.get("/healthz"),
        }

    def test_no_answer_is_kept_framed_sniffed_or_told_elsewhere(self, answers: dict[str, Answer]) -> None:
        for what, answer in answers.items():
            headers = answer.headers
            assert headers["Cache-Control"] == "no-store", what
            assert headers["X-Frame-Options"] == "DENY", what
            assert headers["X-Content-Type-Options"] == "nosniff", what
            assert headers["Referrer-Policy"] == "same-origin", what
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin", what
            assert uuid.UUID(headers["X-Request-ID"]).version == 4, what

    def test_only_our_own_scripts_and_styles_run(self, answers: dict[str, Answer]) -> None:
        for what, answer in answers.items():
            policy = {
                name: sources for name, *sources in map(str.split, answer.headers["Content-Security-Policy"].split(";"))
            }
            assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"], what
            assert policy["script-src"] == policy["style-src"] == policy["form-action"] == ["'self'"], what
            assert not any("unsafe" in source for sources in policy.values() for source in sources), what

    def test_no_page_needs_more(self, answers: dict[str, Answer]) -> None:
        """The browser would not run a script or style that is part of the page."""
        for what, answer in answers.items():
            if not answer.headers["Content-Type"].startswith("text/html"):
                continue
            for element in Page(answer).root:
                assert element.tag != "style", what
                assert element.tag != "script" or element["src"] or "application/" in element["type"], what
                assert not any(name == "style" or name.startswith("on") for name in element.attributes), what

    def test_every_id_stands_once(self, answers: dict[str, Answer]) -> None:
        shown = ("sign-in", "worklist", "contact", "case", "team", "new contact", "faults")
        for what in (*shown, "overrides", "overruled", "equality", "wrong days"):
            ids = Page(answers[what]).ids
            assert len(ids) == len(set(ids)), what


class TestForgery:
    """Another site's page cannot send our forms."""

    def test_no_form_is_taken_without_its_token(self, story: Story, amina: User, ben: User) -> None:
        offer = story.offered()
        case, contact = offer.case, offer.case.contacts.get()
        client = browser(enforce_csrf_checks=True)
        before = kept()
        for user, paths in ((amina, ["/contacts/new/"]), (ben, [*_posts(contact, case), "/accounts/password/change/"])):
            client.force_login(user)
            for path in [*paths, "/accounts/logout/"]:
                answer = client.post(path, {"answer": "accept", "handoff": offer.pk})
                assert (answer.status_code, Page(answer).heading) == (403, "The form was not sent"), path
        assert kept() == before
        assert client.get("/").status_code == 200, "still signed in"

    def test_nor_the_sign_in(self, db: None) -> None:
        client = browser(enforce_csrf_checks=True)
        assert client.post("/accounts/login/", {"login": "ben", "password": "x"}).status_code == 403

    def test_with_it_the_form_is_taken(self, story: Story, ben: User) -> None:
        offer = story.offered()
        client = browser(enforce_csrf_checks=True)
        client.force_login(ben)
        form = Page(client.get(path_of(offer.case))).form(f"{path_of(offer.case)}answer/")
        assert client.post(f"{path_of(offer.case)}answer/", form | {"answer": "accept"}).status_code == 302

    def test_a_partners_token_is_enough_for_the_api(self, school: Agency) -> None:
        partner = Partner(school, http=browser(enforce_csrf_checks=True))
        assert partner.read("CON-AAAA-AAAA").status_code == 404


# ---- what a page costs

# Statements that a page sends to the database, however much work there is, each counted also where several travel
# together.
BUDGETS = {
    "the worklist of the front door": ("amina", "/", 12),
    "the worklist of a team": ("ben", "/", 10),
    "the worklist of an overseer": ("sam", "/", 7),
    "a team's page": ("ben", "/teams/aylesbury/", 12),
    "a team's page, for an overseer": ("sam", "/teams/aylesbury/", 12),
    "reminders": ("ben", "/reminders/", 6),
    "a new contact": ("amina", "/contacts/new/", 4),
    "the report of overrides": ("paula", "/reports/overrides/", 7),
    "the contacts behind a figure": ("paula", "/reports/overrides/contacts/", 4),
    "the report on equality": ("paula", "/reports/equality/", 7),
    "the report on what agencies send": ("paula", "/reports/quality/", 6),
    "the admin's contacts": ("sam", "/admin/casework/contact/", 7),
    "the admin's cases": ("ben", "/admin/casework/case/", 7),
    "the admin's handoffs": ("ben", "/admin/casework/handoff/", 7),
    "the admin's clocks": ("ben", "/admin/casework/clock/?stand=all", 6),
    "the admin's decisions": ("sam", "/admin/casework/decision/", 6),
    "the admin's reminders": ("sam", "/admin/casework/reminder/", 6),
    "the admin's messages": ("sam", "/admin/casework/outboxmessage/", 5),
    "the admin's calendar edits": ("adele", "/admin/casework/calendaredit/", 6),
    "the admin's audit": ("ava", "/admin/casework/auditevent/", 5),
    "the admin's people": ("adele", "/admin/localities/user/", 7),
    "the admin's teams": ("adele", "/admin/localities/team/", 6),
    "the admin's catchments": ("adele", "/admin/localities/catchment/", 7),
    "the admin's policies": ("adele", "/admin/casework/clockpolicy/", 6),
}
# At their dearest. A contact that waits, for whoever decides on it: a clock is paused, partners are asked. A case, for
# whoever leads the team responsible for it: another team works with a brother. Each with a reminder that is seen now.
# Each asks once for the hidden addresses that people's words may have in them, once for what was learned since, and
# once for who died and what is not safe to use.
OF_A_CONTACT, OF_A_CASE = 36, 27


class TestWhatAPageCosts:
    def families(self, story: Story, *, up_to: int) -> None:
        """This number of cases with Aylesbury, of cases on offer to it, and of contacts that wait."""
        homes = list(Postcode.objects.filter(postcode__startswith="HP20").values_list("postcode", flat=True)[:100])
        for number in range(Case.objects.count() // 2, up_to):
            for step, tell in enumerate((story.accepted, story.offered, None)):
                # No two of them look alike.
                one = child(
                    first_name=FIRST_NAMES[(number + 3 * step) % 10],
                    last_name=f"{LAST_NAMES[(3 * number + step) % 10]}{number}", also_known_as=[], nhs_number=None,
                    date_of_birth=f"20{10 + 3 * step - number % 2}-{1 + (number + 5 * step) % 12:02}"
                    f"-{3 + (7 * number + 11 * step) % 25:02}",
                    address=address(homes[number * 3 + step]),
                )  # fmt: skip
                contact = story.contact(children=[one], adults=[])
                if tell is not None:
                    tell(contact)

    def cost(self, name: str, path: str) -> int:
        signed_in = SignedIn(name)
        with asked() as cost:
            answer = signed_in.client.get(path)
        assert answer.status_code == 200, path
        return cost.statements

    def test_the_cost_of_a_list_does_not_follow_its_length(self, story: Story) -> None:
        self.families(story, up_to=3)
        sweep.sweep(now=timezone.now() + timedelta(days=60))
        few = {what: self.cost(name, path) for what, (name, path, _) in BUDGETS.items()}
        self.families(story, up_to=10)
        sweep.sweep(now=timezone.now() + timedelta(days=60))
        assert Reminder.objects.count() > 50
        many = {what: self.cost(name, path) for what, (name, path, _) in BUDGETS.items()}
        assert many == few
        assert {what: cost for what, cost in many.items() if not within(cost, BUDGETS[what][2])} == {}

    def cost_of_contact(self, story: Story, **changes: Any) -> int:
        contact = story.contact(**changes)
        return self.cost("amina", path_of(contact))

    def household(self, number: int) -> list[dict[str, Any]]:
        """This number of siblings in one home."""
        return [
            child(ref=f"c{n}", first_name=f"Child {n}", nhs_number=None, date_of_birth=f"20{10 + n}-01-01")
            for n in range(number)
        ]

    def test_the_cost_of_a_contact_does_not_follow_its_children(self, story: Story) -> None:
        one = self.cost_of_contact(story, children=self.household(1), adults=[])
        story.later(days=1)
        six = self.cost_of_contact(
            story, adults=[], children=[entry | {"last_name": "Haddad"} for entry in self.household(6)]
        )
        # The second contact has a likeness and a chronology to show, whatever its size, and asks once whether the homes
        # of those who are alike may be named.
        assert six <= one + 4

    def test_nor_its_adults(self, story: Story) -> None:
        adults = [{"first_name": f"Adult {n}", "last_name": "Haddad", "same_address": True} for n in range(6)]
        story.contact(adults=adults[:1])
        # Each of the others has a match and a chronology to show.
        one = self.cost_of_contact(story, adults=adults[:1])
        six = self.cost_of_contact(story, adults=adults)
        assert six == one

    def test_a_contact_and_a_case_keep_to_their_budgets(self, story: Story) -> None:
        waiting = story.contact(by="example-police", children=self.household(1))
        case = story.accepted()
        contact = case.contacts.get()
        dearest, tied = self.dearest_contact(), brothers(story)[0]
        sweep.sweep(now=timezone.now() + timedelta(days=60))
        pages: list[tuple[str, object, int]] = [
            ("amina", waiting, OF_A_CONTACT), ("amina", contact, 35), ("ben", contact, 21), ("ava", contact, 34),
            ("amina", dearest, OF_A_CONTACT), ("ben", case, OF_A_CASE), ("ava", case, 21), ("sam", case, 25),
            ("ben", tied, OF_A_CASE),
        ]  # fmt: skip
        for name, of, budget in pages:
            signed_in = SignedIn(name)
            with asked() as cost:
                assert signed_in.open(of).status == 200
            assert within(cost.statements, budget), (name, of, cost)

    def dearest_contact(self) -> Contact:
        """The contact whose page costs most: it waits for agreement and for two partners."""
        now = timezone.now()
        story = Story(now - timedelta(hours=1))
        contact = about(story, child(**KIM), agreement={"service": "not_sought"})
        clock = contact.clocks.get(kind="final_decision_green")
        clock_changes.pause(clock_id=clock.pk, reason="Amina rings the mother.", by=person("amina"), now=now)
        for agency in Agency.objects.all()[:2]:
            story.asked(contact, agency.code, at=now)
        return contact

    def test_the_cost_of_a_case_does_not_follow_its_story(self, story: Story) -> None:
        case = story.accepted()
        few = self.cost("ben", path_of(case))
        for _ in range(5):
            story.later(minutes=5)
            new = story.contact()
            story.decided(new)
            assert new.case == case
            handoff_back_and_forth(story, case)
        assert self.cost("ben", path_of(case)) == few


def handoff_back_and_forth(story: Story, case: Case) -> None:
    """A handoff to another team that was withdrawn adds two lines to the story."""
    from casework.actions import handoffs

    ben = User.objects.get(username="ben")
    chiltern = Team.objects.get(code="chiltern")
    handoff = handoffs.offer(
        case_id=case.pk, to_team_id=chiltern.pk, reason="They may move.", by=ben, now=story.later(minutes=5)
    )
    handoffs.withdraw(handoff_id=handoff.pk, reason="They stay.", by=ben, now=story.later(minutes=5))
