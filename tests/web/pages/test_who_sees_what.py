"""Who sees what: on the pages of a contact, a case, a team and a person's worklist."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from casework.actions import handoffs
from casework.models import Case, Contact, Handoff, PersonMatch
from casework.reading import worklists
from localities.models import User
from localities.working_time import local_day
from tests.stage.documents import CONTRACT, address, child
from tests.stage.pages import BELOW_CONTACTS, ON_CASES, ON_CONTACTS, OVERSEERS
from tests.stage.sessions import sign_in
from tests.stage.staff import (
    ANOTHER_FAMILY,
    SignedIn,
    path_of,
)
from tests.stage.story import Story, person
from tests.stage.web_client import browser, kept
from triage.ruleset import shipped

FRONT_DOOR = {"amina"}
EMERGENCY_DUTY = {"erin"}


AYLESBURY = {"ben", "bea"}
OTHERS = {"carol", "pat", "dan", "adele"}


EVERYBODY = FRONT_DOOR | EMERGENCY_DUTY | AYLESBURY | OVERSEERS | OTHERS


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
        answer = SignedIn("ben").send(handoff.case, "return", **{"return-reason": "They moved to Chesham last week."})
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
                SignedIn("ben").send(handoff.case, "accept")
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
            assert signed_in.post(case, action, handoff=handoff.pk).status_code == 404
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
        ben = SignedIn("ben")
        tabs = {tab: ben.open(f"/teams/aylesbury/?tab={tab}").text for tab in ("offers", "cases", "workload")}
        assert str(offer.case) in ben.open("/teams/aylesbury/").html
        assert str(accepted) in tabs["cases"]
        assert str(accepted) not in tabs["offers"]
        assert "Ben Carter Team lead" in tabs["workload"]

    @pytest.mark.parametrize("path", ["/", "/teams/aylesbury/?tab=cases", "/teams/aylesbury/?tab=to-allocate"])
    def test_a_case_is_listed_by_the_names_of_its_family(self, story: Story, path: str) -> None:
        offered, held = story.offered().case, story.accepted(story.contact(**ANOTHER_FAMILY))
        page = SignedIn("ben").open(path)
        for case in (offered, held) if path == "/" else (held,):
            names = ", ".join(child.called for child in case.contacts.get().children.all())
            rows = [row.text for row in page.main.all("tr") if str(case) in row.text]
            assert rows, case
            assert all(names in row for row in rows), case
            assert names in SignedIn("ben").open(case).heading, case

    def test_the_front_door_reads_whose_case_no_team_has(self, story: Story) -> None:
        contact = story.contact(children=[child(address=address(None))], adults=[])
        story.decided(contact, chosen_team_id=story.team("aylesbury").pk, chosen_team_reason="The nearest.")
        contact.refresh_from_db()
        assert contact.case is not None
        (offer,) = contact.case.handoffs.all()
        handoffs.return_to_sender(handoff_id=offer.pk, reason="Not ours.", by=person("ben"), now=story.later())
        page = SignedIn("maya").open("/?tab=returned")
        (row,) = [row.text for row in page.main.all("tr") if str(contact.case) in row.text]
        assert "Robin Ashworth" in row

    def test_the_front_doors_worklist_has_the_contacts_that_wait(self, story: Story) -> None:
        contact = story.contact()
        page = SignedIn("oliver").open("/")
        (row,) = [row for row in page.main.all("tr") if str(contact) in row.text]
        for shown in ("Robin Ashworth (7)", "Green", "Family help, level 3", "Example Primary School", "Assign to me"):
            assert shown in row.text
        # With the key of the form in its address: whoever goes back to it sends the same again.
        (enters,) = [link["href"] for link in page.main.all("a") if link["href"].startswith("/contacts/new/")]
        assert re.fullmatch(r"/contacts/new/\?form=[0-9a-f]{32}", enters)

    def test_one_that_waits_for_a_second_person_says_so(self, story: Story) -> None:
        contact = story.contact()
        story.decided(contact, pathway="advice", level=1, rag="blue")
        maya = SignedIn("maya")
        assert str(contact) not in maya.open("/").text
        assert str(contact) in maya.open("/?tab=sign-off").text

    @pytest.mark.parametrize(
        ("name", "headings"),
        [
            ("amina", {"To triage"}),
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

    def test_the_gravest_comes_first(self, story: Story) -> None:
        blue = story.contact(children=[child(indicators=[])], family_indicators=[], referrer_level=1)
        grave = story.contact(**ANOTHER_FAMILY, referrer_level=4)
        html = SignedIn("amina").open("/").html
        assert (blue.rag, grave.rag) == ("blue", "red")
        assert html.index(str(grave)) < html.index(str(blue))

    def test_a_case_on_offer_says_when_the_answer_is_due(self, story: Story, ben: User) -> None:
        handoff = story.offered()
        (case,) = worklists.open_cases(ben, [handoff.from_team], story.now)
        assert case.due_at == handoff.clocks.get().due_at  # type: ignore[attr-defined]  # annotated

    def test_a_page_number_that_was_tampered_with_breaks_nothing(self, story: Story) -> None:
        story.accepted()
        ben, amina = SignedIn("ben"), SignedIn("amina")
        for page in ("0", "-1", "2", "x", "9" * 30, ""):
            assert ben.open(f"/?cases={page}").status == 200
            assert amina.open(f"/?contacts={page}").status == 200
            assert ben.open(f"/teams/aylesbury/?tab=cases&cases={page}").status == 200

    def test_a_worklist_without_work_says_so(self, db: None) -> None:
        assert "No contacts awaiting a decision." in SignedIn("amina").open("/").text
        assert "No cases with your team." in SignedIn("ben").open("/").text


class TestWhatAContactsPageSays:
    def test_what_the_rules_recommend_and_why_and_where_it_would_go(self, story: Story) -> None:
        page = SignedIn("amina").open(story.contact())
        for said in (
            "Family help, level 3", "Rules: Early help first, version 2", "Because", "What would change it",
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
        assert f"{again} Green. It repeats {first}. Not decided yet." in page.text
        assert "Same reference" not in page.text
        since = story.contact(agency_reference=first.agency_reference, concern={"worries": "A new bruise."})
        strange = child(first_name="Noor", last_name="Haddad", nhs_number=None, address=address("HP5 1AA"))
        story.contact(agency_reference=first.agency_reference, children=[strange], adults=[])
        for of, others in ((first, since), (again, since), (since, first)):
            assert re.search(rf"Same reference, different text{others}, [^;]*\. Each counts", amina.open(of).text), of
        story.offered(first)
        text = SignedIn("ben").open(first).text
        assert str(again) not in text
        assert str(since) not in text

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
            ("At the child's address", "Yes"), ("Telephone", "07700 900000"), ("Referred to MARAC", "Yes"),
            ("What was said", f"{catalogue['L3-36'].says} (L3-36)"), ("DASH risk", "High"),
            ("Agreement to a service", "Given, mother, 18 November 2026"),
            ("Parents told", "No: it would not be safe"), ("Why they were not told", "They would be angry."),
            ("Referrer", "Amina Yusuf, Designated safeguarding lead, School"), ("Telephone", "01296 000000"),
            ("Email", "dsl@school.example"), ("Source", "Schools, Example Primary School"),
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
        assert "Matches and history" in page.text
        assert f"{path_of(contact)}matches/{PersonMatch.objects.get(child__contact=contact).pk}/" in page.actions
