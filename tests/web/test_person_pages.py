"""The page of a person: who, where, with whom, what staff recorded, and one chronology of the household."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.actions import matches, people, protecting
from casework.models import AuditEvent, Contact, Person, PersonDetail, PersonMatch
from tests.stage.documents import CONTRACT, address, child
from tests.stage.families import KIM
from tests.stage.sql import asked, within
from tests.stage.staff import SignedIn, is_done, is_refused, is_wrong
from tests.stage.story import Story, person
from tests.stage.web_client import Page, a_working_morning

# How often the page waits for the database, and how many statements that are.
OF_A_PERSON = {"amina": (11, 23), "ben": (10, 20), "sam": (11, 23)}


def robin(contact: Contact) -> Person:
    return contact.children.get(ref="c1").person


def page_of(who: Person) -> str:
    return f"/people/{who.reference}/"


def lives_with(by: SignedIn, who: Person) -> dict[str, str]:
    """What the page says of each other person, under "With whom"."""
    (card,) = [
        card for card in by.open(page_of(who)).main.all(class_="govuk-summary-card") if card.all(id="with-heading")
    ]
    keys, values = card.all("dt"), card.all("dd")
    return {key.text: value.text for key, value in zip(keys, values, strict=True)}


def add(by: SignedIn, who: Person, kind: str, **typed: str) -> Any:
    """Fills in the form for this kind of detail."""
    page = by.open(f"{page_of(who)}add/{kind}/")
    assert page.status == 200
    assert {f"id_detail-{re.sub('_(day|month|year)$', '', name)}" for name in typed} <= set(page.ids)
    return by.post(page_of(who), f"add/{kind}", **{f"detail-{name}": value for name, value in typed.items()})


class TestWhatItSays:
    def test_who_where_and_with_whom(self, story: Story) -> None:
        mother = {"first_name": "Sam", "last_name": "Ashworth", "relationship": "mother", "same_address": True}
        contact = story.contact(children=[child(), child(**KIM)], adults=[mother])
        page = SignedIn("amina").open(page_of(robin(contact)))
        for said in (
            "Robin Ashworth", "Born 4 March 2019", "999 000 0018: number present but not verified", "Kim Ashworth",
            "12 Example Road, Aylesbury, HP20 1UA", "Example Primary School", "Mother",
        ):  # fmt: skip
            assert said in page.text, (said, page.text)
        mothers = SignedIn("amina").open(page_of(contact.adults.get().person))
        assert "Robin Ashworth" in mothers.text

    def test_what_records_that_are_joined_say_in_common_stands_once(self, story: Story) -> None:
        """Each of two records was made confidential by its contact; and one telephone is written in two ways."""
        hidden = {"address": address("HP20 1UA", confidential=True)}
        first, second = (story.contact(children=[child(**hidden)], adults=[]) for _ in range(2) if story.later(days=1))
        said = SignedIn("maya").open(page_of(robin(second))).text
        assert said.count("Made confidential") == 1
        on = [f"{contact.received_at:%-d %B %Y}" for contact in (first, second)]
        assert f"Made confidential{on[0]}" in said
        assert f", by a contact, and again {on[1]}" in said
        protecting.lift(person_id=robin(first).pk, reason="He is in prison.", by=person("maya"), now=story.later())
        story.contact(children=[child(**hidden)], adults=[], at=story.later(days=1))
        said = SignedIn("maya").open(page_of(robin(second))).text
        assert said.count("Made confidential") == 2, "what was lifted, and what holds since"
        assert said.count("Shown again") == 1

        adult = {"first_name": "Ada", "last_name": "Obi", "date_of_birth": "1985-02-03"}
        noor = child(first_name="Noor", last_name="Obi", nhs_number=None, date_of_birth="2018-08-21", also_known_as=[])
        one, other = (
            story.contact(children=[noor], adults=[adult | {"phone": phone}])
            for phone in ("07700 900123", "+44 7700-900123")
        )
        match = PersonMatch.objects.get(adult__contact=other)
        matches.settle(contact_id=other.pk, match_id=match.pk, same=True, by=person("amina"), now=story.later())
        page = SignedIn("amina").open(page_of(one.adults.get().person)).text
        assert "07700 900123" in page
        assert "7700-900123" not in page

    def test_who_lived_with_whom_and_from_when_to_when(self, story: Story) -> None:
        """The grandmother lives elsewhere. A day later all have moved but the brother."""
        mother = {"first_name": "Sam", "last_name": "Ashworth", "relationship": "mother", "same_address": True}
        gran = {"first_name": "Ada", "last_name": "Ashworth", "relationship": "mother's mother", "same_address": False}
        first = story.contact(children=[child(), child(**KIM)], adults=[mother, gran])
        story.later(days=1)
        moved = child(address=address("SL7 1AA"))
        last = story.contact(children=[moved, child(**KIM)], adults=[mother])
        match = PersonMatch.objects.filter(adult__contact=last, person=first.adults.get(position=0).person).get()
        matches.settle(contact_id=last.pk, match_id=match.pk, same=True, by=person("amina"), now=story.later())
        on, until = (f"{contact.received_at:%-d %B %Y}" for contact in (first, last))
        amina = SignedIn("amina")
        robins = lives_with(amina, robin(first))
        assert f"Lived together from {on} to {until}, as contacts say" in robins["Sam Ashworth"]
        assert f"Lived together on {on}, as a contact says" in robins["Kim Ashworth"]
        assert robins["Kim Ashworth"].startswith("Child of the same family, on")
        assert "Lived together" not in robins["Ada Ashworth"]
        sams = lives_with(amina, match.known)
        assert sams["Robin Ashworth"].startswith("Child, on")
        assert "Mother's mother of the children" in sams["Ada Ashworth"]
        assert "child: this person is “mother's mother” to them" in lives_with(
            amina, first.adults.get(position=1).person
        )["Kim Ashworth"].replace("Child:", "child:")
        assert "1 Example Road, SL7 1AA" in amina.open(page_of(match.known)).text

    def test_nobody_is_said_to_live_where_an_address_is_hidden(self, story: Story) -> None:
        mother = {"first_name": "Sam", "last_name": "Ashworth", "relationship": "mother", "same_address": True}
        hidden = child(address=address("HP20 1UA", confidential=True))
        contact = story.contact(children=[hidden, child(**KIM)], adults=[mother])
        for who in (robin(contact), contact.adults.get().person):
            assert "Lived together" not in SignedIn("amina").open(page_of(who)).text

    def test_names_and_homes_over_time_each_once(self, story: Story) -> None:
        story.contact()
        story.later(days=1)
        moved = child(last_name="Ashworth-Bell", address={"lines": ["4 Other Street"], "postcode": "SL7 1AA"})
        second = story.contact(by="example-police", children=[moved])
        match = PersonMatch.objects.get(child__contact=second)
        matches.settle(contact_id=second.pk, match_id=match.pk, same=True, by=person("amina"), now=story.later())
        story.later(days=1)
        contact = story.contact(
            children=[child(address={"lines": ["12, example rd", "AYLESBURY"], "postcode": "hp201ua"})]
        )
        page = SignedIn("amina").open(page_of(robin(contact)))
        assert "Robin Ashworth-Bell" in page.text
        assert "4 Other Street, SL7 1AA" in page.text
        assert page.text.upper().count("HP20 1UA") == 1

    def test_the_contacts_and_cases_pages_lead_there(self, story: Story) -> None:
        case = story.accepted()
        who = robin(case.contacts.get())
        for of in (case, case.contacts.get()):
            assert SignedIn("ben").open(of).main.all("a", href=page_of(who))
        assert SignedIn("ben").open(page_of(who)).status == 200

    def test_another_record_leads_to_the_one_that_stands_for_the_person(self, story: Story) -> None:
        first = story.contact()
        second = story.contact(children=[child(nhs_number=None, also_known_as=[])])
        was = robin(second)
        match = PersonMatch.objects.get(child__contact=second)
        matches.settle(contact_id=second.pk, match_id=match.pk, same=True, by=person("amina"), now=story.later())
        answer = SignedIn("amina").client.get(page_of(was))
        assert (answer.status_code, answer.headers["Location"]) == (302, page_of(robin(first)))

    def test_a_view_is_audited_by_reference_alone(self, story: Story) -> None:
        who = robin(story.contact())
        SignedIn("amina").open(page_of(who))
        event = AuditEvent.objects.latest("pk")
        assert (event.event, event.by_user, event.detail) == (
            "person_viewed", person("amina"), {"person": who.reference},
        )  # fmt: skip


class TestWhatSomebodyMustKnowWhoRings:
    def test_a_death_and_what_is_not_safe_to_use_stand_on_the_contact_and_on_the_case(self, story: Story) -> None:
        """By whichever record of the person it was recorded; not what was recorded in error, or is over."""
        phone, other = "07700 900123", "07700 900456"
        mother = {"first_name": "Sam", "last_name": "Ashworth", "relationship": "mother", "phone": phone}
        gran = {"first_name": "Ada", "last_name": "Ashworth", "relationship": "grandmother", "phone": other}
        referrer = CONTRACT["referrer"] | {"phone": "+44 7700 900123"}
        case = story.accepted(story.contact(adults=[mother, gran], referrer=referrer))
        contact, again = case.contacts.get(), story.contact(children=[child(nhs_number=None)], adults=[])
        who, sam, ada = robin(again), *(adult.person for adult in contact.adults.all())
        amina, died = SignedIn("amina"), story.now.date() - timedelta(days=3)
        day = {"from_date_day": str(died.day), "from_date_month": str(died.month), "from_date_year": str(died.year)}
        for person_, kind, typed in (
            (sam, "telephone", {"value": "07700900123", "qualifier": "not_safe"}),
            (ada, "telephone", {"value": other, "qualifier": "not_safe"}),
            (who, "death", day),
        ):
            is_done(add(amina, person_, kind, said_by="The aunt", **typed), page_of(person_))
        wrong = PersonDetail.objects.get(person=ada)
        people.say_in_error(
            person_id=ada.pk, detail_id=wrong.pk, reason="Another number.", by=person("amina"), now=timezone.now()
        )
        match = PersonMatch.objects.get(child__contact=again)
        matches.settle(contact_id=again.pk, match_id=match.pk, same=True, by=person("amina"), now=timezone.now())
        assert robin(contact) != who
        for by, of in (("amina", contact), ("ben", case)):
            cards = SignedIn(by).open(of).main.all(class_="govuk-summary-card")
            said = {card.all("h3")[0].text: card.text for card in cards if card.all("h3")}
            assert f"Died{died:%-d %B %Y}" in said["Child: Robin Ashworth"]
            assert "Not safe to useTelephone" in said["Adult: Sam Ashworth"]
            assert f"{phone}, Not safe to use" in said["Adult: Sam Ashworth"]
            assert "+44 7700 900123, Not safe to use" in said["Referrer"]
            assert other in said["Adult: Ada Ashworth"]
            assert "Not safe" not in said["Adult: Ada Ashworth"]
        assert f"died {died:%-d %B %Y}" in SignedIn("ben").open(case).text
        protecting.protect(person_id=sam.pk, reason="She fled.", by=person("amina"), now=timezone.now())
        (card,) = (
            each for each in amina.open(contact).main.all(class_="govuk-summary-card") if "Adult: Sam" in each.text
        )
        assert "TelephoneConfidential, Not safe to use" in card.text
        assert phone not in card.text


class TestTheChronology:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> tuple[Story, int]:
        """A contact with an answer of a partner, decided, handed over; the work ended; another contact waits."""
        story = Story(a_working_morning())
        contact = story.contact()
        story.answered(story.asked(contact, question="Known?"), "Called twice in May.")
        story.closed(story.accepted(contact))
        story.later(minutes=9)
        story.contact(by="example-police")
        return story, robin(contact).pk

    @pytest.fixture
    def story(self, told: tuple[Story, int], db: None) -> Story:
        """The story goes on."""
        return told[0].goes_on()

    @pytest.fixture
    def who(self, told: tuple[Story, int], db: None) -> Person:
        return Person.objects.get(pk=told[1])

    def titles(self, page: Page) -> list[str]:
        return [each.text for each in page.main.all("h3", class_="app-timeline__title")]

    def test_it_says_whose_else_it_is_until_somebody_says_that_they_are_two(self, story: Story, who: Person) -> None:
        says = "It includes contacts, decisions and cases of whoever this may be"
        amina = SignedIn("amina")
        assert says not in amina.open(page_of(who)).text
        likely = story.contact(children=[child(nhs_number=None, also_known_as=[], address=address("SL7 1AA"))])
        other = robin(likely)
        page = amina.open(page_of(who))
        assert says in page.text
        assert page.main.all("a", href=page_of(other))
        match = likely.children.get().matches.get()
        matches.settle(
            contact_id=likely.pk, match_id=match.pk, same=False, by=person("amina"), now=story.later(minutes=5)
        )
        page = amina.open(page_of(who))
        assert says not in page.text
        assert len(self.titles(page)) == 7

    def test_everything_the_newest_first_with_what_it_led_to(self, who: Person) -> None:
        page = SignedIn("amina").open(page_of(who))
        assert self.titles(page) == [
            "Contact from Example Police", "Case closed", "From the front door to a team: Front door to Aylesbury team",
            "Decision: Family help", "Case opened", "Answer of Example Police", "Contact from Example Primary School",
        ]  # fmt: skip
        for said in ("It led to family help", "It led to case CAS-", "the family's needs are met", "accepted",
                     "Called twice in May.", "Not decided yet."):  # fmt: skip
            assert said in page.text, said

    def test_one_kind_of_line(self, who: Person) -> None:
        amina = SignedIn("amina")
        for kind, count in (("contacts", 2), ("decisions", 1), ("cases", 2), ("handoffs", 1), ("answers", 1), ("x", 7)):
            assert len(self.titles(amina.open(f"{page_of(who)}?kind={kind}"))) == count, kind

    def test_a_team_sees_its_own_part(self, who: Person) -> None:
        page = SignedIn("ben").open(page_of(who))
        assert page.status == 200
        assert "Contact from Example Police" not in self.titles(page)
        assert len(self.titles(page)) == 6

    def test_nobody_else_sees_the_person(self, who: Person) -> None:
        for name in ("carol", "adele"):
            assert SignedIn(name).client.get(page_of(who)).status_code == 404
        assert SignedIn("amina").client.get("/people/PER-0000-0000/").status_code == 404

    def test_a_brothers_work_is_in_it(self, story: Story, who: Person) -> None:
        story.later(minutes=5)
        both = story.contact(children=[child(), child(**KIM)])
        alone = story.contact(children=[child(**KIM)], adults=[])
        page = SignedIn("amina").open(page_of(who))
        assert {str(both), str(alone)} <= set(page.text.replace(".", " ").replace(",", " ").split())

    def test_page_after_page(self, story: Story, who: Person) -> None:
        for number in range(31):
            story.later(minutes=1)
            story.contact(concern={"worries": f"Worry {number}"})
        amina = SignedIn("amina")
        first, second = (amina.open(f"{page_of(who)}?page={number}") for number in (1, 2))
        assert (len(self.titles(first)), len(self.titles(second))) == (30, 8)
        assert "Page 1 of 2" in first.text

    def test_its_cost_does_not_follow_the_story(self, story: Story, who: Person) -> None:
        for _ in range(2):
            for name, (waits, statements) in OF_A_PERSON.items():
                signed_in = SignedIn(name)
                with asked() as cost:
                    assert signed_in.open(page_of(who)).status == 200
                assert within(cost.round_trips, waits), (name, cost)
                assert within(cost.statements, statements), (name, cost)
            for _ in range(3):
                story.later(minutes=1)
                story.contact(children=[child(), child(**KIM)])


class TestAConfidentialAddress:
    def test_is_made_and_lifted_here(self, story: Story) -> None:
        who = robin(story.contact(children=[child(address=address("HP20 1UA"))]))
        amina, maya = SignedIn("amina"), SignedIn("maya")
        assert "1 Example Road, HP20 1UA" in amina.open(page_of(who)).text
        is_done(amina.send(page_of(who), "protect", **{"protect-reason": "She fled."}), page_of(who))
        page = amina.open(page_of(who))
        assert "HP20" not in page.text
        assert "AddressHidden: it is confidential. Ask a front-door manager" in page.text
        assert f"{page_of(who)}lift/" not in page.actions
        is_wrong(
            maya.send(page_of(who), "lift"),
            {"id_lift-reason": "Enter why the address is safe to show, and who says so"},
        )
        is_done(maya.send(page_of(who), "lift", **{"lift-reason": "He is in prison."}), page_of(who))
        assert "1 Example Road, HP20 1UA" in amina.open(page_of(who)).text

    def test_neither_what_staff_recorded_nor_the_mothers_telephone_leads_there(self, story: Story) -> None:
        mother = {"first_name": "Sam", "phone": "07700 900000", "same_address": True}
        contact = story.contact(children=[child(address=address("HP20 1UA"))], adults=[mother])
        who, amina = robin(contact), SignedIn("amina")
        said = {"value": "Rose Cottage 5", "postcode": "HP22 6AA", "said_by": "The aunt, of Rose Cottage 5"}
        is_done(add(amina, who, "address", **said), page_of(who))
        assert "Rose Cottage 5, HP22 6AA" in amina.open(page_of(who)).text
        theirs = {"value": "6 Thornfield Row", "postcode": "HP22 7BB", "said_by": "The aunt"}
        mother_page = page_of(contact.adults.get().person)
        is_done(add(amina, contact.adults.get().person, "address", **theirs), mother_page)
        assert "6 Thornfield Row, HP22 7BB" in amina.open(mother_page).text
        hides = {"protect-reason": "She fled to Rose Cottage 5, or 6 Thornfield Row."}
        is_done(amina.send(page_of(who), "protect", **hides), page_of(who))
        for page in (page_of(who), page_of(contact.adults.get().person), f"/contacts/{contact}/"):
            html = amina.open(page).html
            for word in ("Rose Cottage", "Thornfield", "HP22", "HP20", "07700 900000"):
                assert word not in html, (page, word)

    def test_a_telephone_that_is_confidential_on_one_contact_is_so_on_all(self, story: Story) -> None:
        """The police say nothing of where they live. The school, who named another child before, does not know that."""
        mother = {"first_name": "Eva", "last_name": "Bell", "phone": "07700 900777", "same_address": True}
        school = story.contact(adults=[mother])
        hides: dict[str, Any] = {"lines": [], "postcode": None, "confidential": True}
        police = story.contact(by="example-police", children=[child(**KIM) | {"address": hides}], adults=[mother])
        who, amina = school.adults.get().person, SignedIn("amina")
        recorded = {"value": "07700 900777", "qualifier": "safe", "said_by": "The aunt"}
        is_done(add(amina, who, "telephone", **recorded), page_of(who))
        change = f"/contacts/{school}/correct/adult/{school.adults.get().pk}/"
        pages = (page_of(who), f"/contacts/{school}/", change)
        assert all("07700 900777" in amina.open(page).html for page in pages)
        match = PersonMatch.objects.get(adult__contact=police, status="proposed")
        compare = f"/contacts/{police}/matches/{match.pk}/compare/"
        matches.settle(contact_id=police.pk, match_id=match.pk, same=True, by=person("amina"), now=story.later())
        for page in (*pages, compare, f"/contacts/{police}/"):
            assert "07700 900777" not in amina.open(page).html, page
            assert page == change or "Confidential" in amina.open(page).text, page
        assert "12 Example Road" not in amina.open(page_of(who)).html


SAID_BY = {"said_by": "The school nurse"}
RIGHT: list[tuple[str, dict[str, str], str]] = [
    ("current_name", {"value": "Robin Bell"}, "Robin Bell"),
    ("former_name", {"value": "Robin Old"}, "Robin Old"),
    ("address", {"value": "4 Other Street", "postcode": "sl71aa"}, "4 Other Street, SL7 1AA"),
    ("nhs_number", {"value": "999 000 0018", "qualifier": "verified"}, "number present and verified"),
    ("upn", {"value": "H-801200001001"}, "H801200001001"),
    ("telephone", {"value": "01296 383293", "qualifier": "not_safe"}, "not safe to use"),
    ("email", {"value": "a@b.example", "qualifier": "safe"}, "a@b.example (safe to use)"),
    ("death", {"from_date_day": "3", "from_date_month": "4", "from_date_year": "2021"}, "3 April 2021"),
    ("estimated_birth", {"from_date_day": "1", "from_date_month": "1", "from_date_year": "2014"}, "1 January 2014"),
]
WRONG: list[tuple[str, dict[str, str], dict[str, str]]] = [
    ("former_name", {}, {"id_detail-value": "Enter what was said"}),
    ("nhs_number", {"value": "999 000 0019"}, {
        "id_detail-value": "Enter an NHS number of ten digits with its check digit, like 999 000 0018",
        "id_detail-qualifier": "Select how sure the number is",
    }),
    ("upn", {"value": "A801200001001"},
     {"id_detail-value": "Enter a unique pupil number with its check letter: a letter and twelve digits"}),
    ("email", {"value": "a at b", "qualifier": "safe"},
     {"id_detail-value": "Enter an email address in the correct format, like name@example.com"}),
    ("address", {"value": "4 Other Street", "postcode": "nowhere"},
     {"id_detail-postcode": "Enter a full postcode, like HP20 1UA"}),
    ("death", {}, {"id_detail-from_date": "Enter the day"}),
    ("current_name", {"value": "Robin Bell", "from_date_day": "1", "from_date_month": "1", "from_date_year": "2100",
                      "to_date_day": "1", "to_date_month": "2", "to_date_year": "2100"}, {
        "id_detail-from_date": "This day lies in the future.",
        "id_detail-to_date": "This day lies in the future. Leave it empty while it is still so.",
    }),
    ("relationship", {"other": "PER-0000-0000"}, {
        "id_detail-qualifier": "Enter what the other person is to this one, for example mother",
        "id_detail-other": "Enter the reference of the other person, like PER-7K4M-9QXT",
    }),
]  # fmt: skip


class TestWhatStaffRecord:
    @pytest.fixture(scope="class")
    @classmethod
    def page(cls, told_for_a_class: None) -> Page:
        """The person's page when everything is recorded, each by another nurse."""
        who, amina = robin(Story(a_working_morning()).contact(children=[child(upn=None)])), SignedIn("amina")
        for kind, typed, _ in RIGHT:
            is_done(add(amina, who, kind, **typed, said_by=nurse(kind)), page_of(who))
        return amina.open(page_of(who))

    @pytest.mark.parametrize(("kind", "shown"), [(kind, shown) for kind, _, shown in RIGHT])
    def test_is_shown_with_who_said_so(self, page: Page, kind: str, shown: str) -> None:
        assert shown in page.text
        assert f"{nurse(kind)} said so; recorded by Amina" in page.text


def nurse(kind: str) -> str:
    return f"The school nurse with the {kind.replace('_', ' ')}"


class TestHowStaffRecord:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> tuple[Story, int]:
        story = Story(a_working_morning())
        return story, robin(story.contact(children=[child(upn=None)])).pk

    @pytest.fixture
    def story(self, told: tuple[Story, int], db: None) -> Story:
        """The story goes on."""
        return told[0].goes_on()

    @pytest.fixture
    def who(self, told: tuple[Story, int], db: None) -> Person:
        return Person.objects.get(pk=told[1])

    @pytest.mark.parametrize(("kind", "typed", "faults"), WRONG, ids=[kind for kind, _, _ in WRONG])
    def test_is_asked_for_whole(self, who: Person, kind: str, typed: dict[str, str], faults: dict[str, str]) -> None:
        answer = add(SignedIn("amina"), who, kind, **typed)
        assert dict(Page(answer).summary) == faults | {"id_detail-said_by": "Enter who said so"}
        assert not PersonDetail.objects.exists()

    def test_a_relationship_leads_to_the_other(self, story: Story, who: Person) -> None:
        other = robin(story.contact(children=[child(first_name="Noor", last_name="Haddad", nhs_number=None, upn=None,
                                                    date_of_birth="2012-01-02")], adults=[]))  # fmt: skip
        typed = {"qualifier": "half-sister", "other": other.reference.lower()}
        amina = SignedIn("amina")
        is_done(add(amina, who, "relationship", **typed | SAID_BY), page_of(who))
        assert "Half-sister: Noor Haddad" in amina.open(page_of(who)).text
        assert "Half-sister, as staff recorded." in lives_with(amina, who)["Noor Haddad"]
        assert lives_with(amina, other)["Robin Ashworth"] == "Half-brother, as staff recorded."
        for each, days in ((who, ("1", "20")), (other, ("12", "30"))):
            home = {"value": "4 Other Street", "postcode": "SL7 1AA"} | SAID_BY
            since, until = days
            period = {"from_date_day": since, "to_date_day": until, "from_date_month": "3", "to_date_month": "3"}
            is_done(add(amina, each, "address", **home, **period, from_date_year="2021", to_date_year="2021"),
                    page_of(each))  # fmt: skip
        for each, name in ((who, "Noor Haddad"), (other, "Robin Ashworth")):
            assert "from 12 March 2021 to 20 March 2021, as staff recorded" in lives_with(amina, each)[name]

    def test_it_ends_with_a_reason_and_stays_on_record(self, who: Person) -> None:
        amina = SignedIn("amina")
        add(amina, who, "former_name", **{"value": "Robin Old"} | SAID_BY)
        detail = PersonDetail.objects.get()
        name = f"end{detail.pk}"
        until = {f"{name}-to_date_{part}": value for part, value in (("day", "1"), ("month", "2"), ("year", "2100"))}
        is_wrong(
            amina.send(page_of(who), f"details/{detail.pk}/end", **until),
            {f"id_{name}-to_date": "This day lies in the future. Leave it empty while it is still so.",
             f"id_{name}-reason": "Enter why it is no longer so"},
        )  # fmt: skip
        until[f"{name}-to_date_year"] = "2020"
        is_done(
            amina.send(page_of(who), f"details/{detail.pk}/end", **until | {f"{name}-reason": "Misheard."}),
            page_of(who),
        )
        page = amina.open(page_of(who))
        assert "to 1 February 2020" in page.text
        assert "No longer so, says Amina" in page.text
        assert "Misheard." in page.text
        again = amina.post(page_of(who), f"details/{detail.pk}/end", **{f"{name}-reason": "Again."})
        is_refused(again, 409, "Somebody has said already that this is no longer so.")
        assert amina.post(page_of(who), "details/0/end", **{"end0-reason": "x"}).status_code == 404

    def test_it_was_recorded_in_error_and_stays_in_the_history(self, who: Person) -> None:
        amina = SignedIn("amina")
        add(amina, who, "current_name", **{"value": "Robin Bell"} | SAID_BY)
        detail = PersonDetail.objects.get()
        name, error = f"error{detail.pk}", f"details/{detail.pk}/error"
        is_wrong(amina.send(page_of(who), error), {f"id_{name}-reason": "Enter what was wrong"})
        is_done(amina.send(page_of(who), error, **{f"{name}-reason": "Another Robin."}), page_of(who))
        page = amina.open(page_of(who))
        assert "Robin Bell. The school nurse said so" in page.text
        assert "Recorded in error, says Amina" in page.text
        assert "Another Robin." in page.text
        assert page.heading == "Robin Ashworth"
        for then in ("end", "error"):
            again = amina.post(page_of(who), f"details/{detail.pk}/{then}", **{f"{then}{detail.pk}-reason": "Again."})
            is_refused(again, 409, "Somebody has said already that this was recorded in error.")

    def test_the_name_of_today_is_the_one_that_pages_show(self, story: Story, who: Person) -> None:
        amina = SignedIn("amina")
        is_done(add(amina, who, "current_name", **{"value": "Robin Bell"} | SAID_BY), page_of(who))
        assert amina.open(page_of(who)).heading == "Robin Bell"
        case = story.accepted(Contact.objects.get())
        page = amina.open(case.contacts.get())
        assert "Child: Robin Bell" in page.text
        assert "Name on this contactRobin Ashworth" in page.text
        assert "Children: Robin Bell, born" in SignedIn("ben").open(case).text
        detail = PersonDetail.objects.get()
        ended = amina.send(page_of(who), f"details/{detail.pk}/end", **{f"end{detail.pk}-reason": "She parted."})
        is_done(ended, page_of(who))
        page = amina.open(page_of(who))
        assert page.heading == "Robin Ashworth"
        assert [heading.text for heading in page.main.all("h3", class_="govuk-heading-s")] == ["Former name"]

    def test_no_kind_that_there_is_not(self, who: Person) -> None:
        assert SignedIn("amina").client.get(f"{page_of(who)}add/shoe-size/").status_code == 404


class TestWhoRecords:
    def test_only_at_the_front_door(self, story: Story) -> None:
        case = story.accepted()
        who = robin(case.contacts.get())
        for name in ("ben", "ava"):
            signed_in = SignedIn(name)
            assert "Add something" not in signed_in.open(page_of(who)).text
            is_refused(signed_in.post(page_of(who), "add/former_name"), 403, "Only front-door staff can record")


def test_a_story_may_be_years_long(story: Story) -> None:
    """A page number that was tampered with, and a day long ago, break nothing."""
    who = robin(Story(timezone.now() - timedelta(days=2000)).contact())
    for query in ("page=0", "page=x", "page=99", "kind=", "kind=contacts&page=-1"):
        assert SignedIn("amina").open(f"{page_of(who)}?{query}").status == 200
