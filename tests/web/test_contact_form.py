"""Typing a contact in at the front door: nothing typed is lost, every fault is said at once, and it comes in once."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casework.models import Contact, DetailToCheck
from casework.web.draft_form import SECTIONS
from localities.models import User
from localities.working_time import LONDON, local_day
from tests.stage.sessions import sign_in
from tests.stage.staff import SignedIn
from tests.stage.story import Story
from tests.stage.typist import OF_THE_PAGE, Typist, page_of
from tests.stage.web_client import Page, a_working_morning, kept

NEW = "/contacts/new/"
BORN = date(2019, 3, 4)


def today() -> date:
    return local_day(timezone.now())


@pytest.fixture(scope="module")
def opened(told_for_a_module: None) -> dict[str, Page]:
    """The pages of a draft as Oliver opens them."""
    return Typist(SignedIn("oliver").client).pages


@pytest.fixture
def typist(client: Client, oliver: User, opened: dict[str, Page]) -> Typist:
    sign_in(client, oliver)
    return Typist(client, opened)


def _identity(field: str) -> str:
    """The id of a field on the page."""
    return "id_" + (field.replace("_0_", "-0-") if "_0_" in field else f"contact-{field}")


def _in_boxes(field: str, *parts: str) -> dict[str, str]:
    return {f"{field}_{box}": part for box, part in zip(("day", "month", "year"), parts, strict=True)}


def _boxes(typist: Typist) -> tuple[str, ...]:
    return tuple(typist.fields[f"child-0-date_of_birth_{box}"] for box in ("day", "month", "year"))


LEAST: dict[str, Any] = {
    "type": "safeguarding_concern", "source_code": "2A", "worries": "He comes to school hungry.",
    "child_0_first_name": "Robin",
}  # fmt: skip


def everything() -> dict[str, Any]:
    """A value for every field, for one child and one adult."""
    return LEAST | {
        "agency_reference": "PPN 1", "arrived_on": today() - timedelta(days=3), "arrived_time": "16:40",
        "received_by_phone": "on", "arrived_by": "telephone", "immediate_danger": "no",
        "referrer_name": "Amina Yusuf", "referrer_role": "Designated safeguarding lead",
        "referrer_organisation": "Example Primary School",
        "referrer_email": "dsl@school.example", "referrer_phone": "01296 000000", "referrer_relationship": "School",
        "keep_anonymous": "on", "referrer_level": "3", "family_indicators": ["L3-30", "L3-36"],
        "dash": "medium", "marac": "no",
        "working_well": "He likes school.", "wanted": "Breakfast, every day.",
        "childs_words": "“I am not hungry.”", "support_already_tried": "Breakfast club.",
        "agreement": "given", "agreement_given_by": "mother", "agreement_on": today() - timedelta(days=1),
        "parents_told": "no", "parents_told_reason": "They were not at home.", "sharing_basis": "public_task",
        "child_0_last_name": "Ashworth", "child_0_also_known_as": "Robbie, Rob A", "child_0_date_of_birth": BORN,
        "child_0_date_of_birth_estimated": "on", "child_0_age_years": "7",
        "child_0_sex": "M", "child_0_ethnicity": "WBRI", "child_0_first_language": "English",
        "child_0_interpreter_needed": "no", "child_0_disabled": "no", "child_0_non_verbal": "no",
        "child_0_nhs_number": "999 000 0018", "child_0_upn": "H801200001001",
        "child_0_address_lines": "12 Example Road\r\nAylesbury", "child_0_postcode": "hp20 1ua",
        "child_0_where_now": "At school until 15:15", "child_0_school": "Example Primary School",
        "child_0_indicators": ["L3-12", "L2-01"],
        "adult_0_first_name": "Sam", "adult_0_last_name": "Ashworth", "adult_0_relationship": "mother",
        "adult_0_date_of_birth": date(1990, 5, 6), "adult_0_parental_responsibility": "yes",
        "adult_0_same_address": "no", "adult_0_address_lines": "9 Quincunx Parade\r\nWendover",
        "adult_0_postcode": "hp22 6aa", "adult_0_phone": "01296 000001", "adult_0_risk_to_staff": "no",
    }  # fmt: skip


OPTIONAL = [
    "agency_reference", "referrer_name", "referrer_role", "referrer_organisation", "referrer_email", "referrer_phone",
    "referrer_relationship",
    "working_well", "wanted", "childs_words", "support_already_tried", "agreement_given_by", "agreement_on_day",
    "agreement_on_year", "parents_told_reason", "child_0_last_name", "child_0_also_known_as",
    "child_0_date_of_birth_day", "child_0_date_of_birth_month", "child_0_date_of_birth_year", "child_0_age_years",
    "child_0_expected_date_of_delivery_year", "child_0_sex", "child_0_ethnicity", "child_0_first_language",
    "child_0_nhs_number", "child_0_upn", "child_0_address_lines", "child_0_postcode", "child_0_where_now",
    "child_0_school", "adult_0_first_name", "adult_0_last_name", "adult_0_relationship", "adult_0_address_lines",
    "adult_0_postcode",
    "adult_0_date_of_birth_year", "adult_0_phone",
]  # fmt: skip
TRICKY = ["\x00", "\x0b\x0c", "NFA", "not known", "0000000000", "999\u00a0000\u00a00018", "3/4/2015", "x" * 3_000,
          "\ufeff", "²", "1" * 400, "HP2O 1UA", "'; --", "{{ 7 }}"]  # fmt: skip


class TestWhoMayOpenIt:
    def test_front_door_staff_and_emergency_duty(self, db: None) -> None:
        for name in ("oliver", "amina", "maya", "erin"):
            assert SignedIn(name).client.get(NEW).status_code == 200

    def test_nobody_else(self, db: None) -> None:
        before = kept()
        for name in ("ben", "bea", "pat", "sam", "ava", "iris", "adele"):
            client = SignedIn(name).client
            for answer in (client.get(NEW), client.post(NEW, {"contact-type": "notification"})):
                assert answer.status_code == 403
                assert "Only front-door staff can enter a contact." in Page(answer).text
        assert kept() == before

    def test_whoever_is_not_signed_in_signs_in_first(self, client: Client, db: None) -> None:
        for answer in (client.get(NEW), client.post(NEW, {})):
            assert (answer.status_code, answer.headers["Location"]) == (302, f"/accounts/login/?next={NEW}")


class TestSendingIn:
    def test_the_least_that_is_needed(self, typist: Typist, oliver: User) -> None:
        contact = typist.type(**LEAST).contact()
        assert (contact.channel, contact.entered_by, contact.agency) == ("web", oliver, None)
        assert contact.children.get().first_name == "Robin"
        assert not contact.adults.exists()
        page = Page(typist.client.get(f"/contacts/{contact}/"))
        assert f"Contact submitted. Its reference is {contact}." in page.text

    def test_it_becomes_what_a_partner_would_have_sent(self, typist: Typist) -> None:
        contact = typist.type(**everything()).contact()
        assert contact.document == {
            "type": "safeguarding_concern", "source_code": "2A", "agency_reference": "PPN 1",
            "arrived_by": "telephone", "received_by_phone": True, "immediate_danger": False,
            "referrer": {
                "name": "Amina Yusuf", "role": "Designated safeguarding lead",
                "organisation": "Example Primary School", "email": "dsl@school.example",
                "phone": "01296 000000", "relationship": "School", "keep_anonymous": True,
            },
            "referrer_level": 3,
            "children": [{
                "first_name": "Robin", "last_name": "Ashworth", "also_known_as": ["Robbie", "Rob A"],
                "date_of_birth": "2019-03-04", "date_of_birth_estimated": True, "age_years": "7",
                "sex": "M", "ethnicity": "WBRI", "first_language": "English",
                "interpreter_needed": False, "disabled": False, "non_verbal": False, "nhs_number": "999 000 0018",
                "upn": "H801200001001",
                "address": {"lines": ["12 Example Road", "Aylesbury"], "postcode": "hp20 1ua", "confidential": False},
                "where_now": "At school until 15:15", "school": "Example Primary School",
                "indicators": ["L3-12", "L2-01"],
            }],
            "adults": [{
                "first_name": "Sam", "last_name": "Ashworth", "date_of_birth": "1990-05-06", "relationship": "mother",
                "parental_responsibility": "yes", "same_address": False, "phone": "01296 000001",
                "address": {"lines": ["9 Quincunx Parade", "Wendover"], "postcode": "hp22 6aa", "confidential": False},
                "risk_to_staff": False,
            }],
            "family_indicators": ["L3-30", "L3-36"],
            "domestic_abuse": {"dash": "medium", "marac": False},
            "concern": {
                "worries": "He comes to school hungry.", "working_well": "He likes school.",
                "wanted": "Breakfast, every day.", "childs_words": "“I am not hungry.”",
            },
            "support_already_tried": "Breakfast club.",
            "agreement": {
                "service": "given", "given_by": "mother", "on": (today() - timedelta(days=1)).isoformat(),
            },
            "parents_told": {"answer": "no", "reason": "They were not at home."},
            "sharing_basis": "public_task",
        }  # fmt: skip

    def test_every_field_of_the_page_was_typed_into(self, typist: Typist) -> None:
        """The test above leaves no field out."""
        on_the_page = {
            element["name"]
            for page in typist.pages.values()
            for element in page.main
            if element.tag in ("input", "select", "textarea")
        } - {"", *OF_THE_PAGE, "typist", "children", "adults"}
        before = dict(typist.fields)
        typist.type(**everything())
        typed = {name for name in typist.fields if typist.fields.get(name) != before.get(name)}
        of_an_unborn_child = {f"child-0-expected_date_of_delivery_{part}" for part in ("day", "month", "year")}
        confidential = {"child-0-confidential", "adult-0-confidential"}
        assert on_the_page - typed == {*confidential, *of_an_unborn_child}, "Every field needs a value in `everything`"

    def test_what_was_typed_stands_on_the_page_of_the_contact(self, typist: Typist) -> None:
        """What is kept and never shown is lost to whoever decides. Codes and dates are shown in words."""
        contact = typist.type(**everything()).contact()
        page = SignedIn("amina").open(contact).text.replace(" ", "").casefold()
        in_words = re.compile(r"[a-z_]+|[A-Z\d]{1,4}|\d{4}-\d\d-\d\d")
        texts = [text for text in _texts(contact.document) if not in_words.fullmatch(text)]
        assert len(texts) > 20
        missing = [text for text in texts if text.replace(" ", "").casefold() not in page]
        assert missing == [], "Show these in templates/front_door/contacts"

    def test_it_is_treated_as_a_partners(self, typist: Typist, story: Story) -> None:
        """A typed contact with the same facts gets the same recommendation as a partner's."""
        typed = typist.type(**everything()).contact()
        sent = story.contact(at=timezone.now(), **typed.document)
        assert typed.recommendation is not None
        assert sent.recommendation is not None
        facts = [dict(entry.recommendation.facts, received_on=None) for entry in (typed, sent)]  # type: ignore[union-attr]  # both have one
        assert facts[0] == facts[1] | {"family": facts[0]["family"]}

    def test_one_tick_is_an_indicator_too(self, typist: Typist) -> None:
        contact = typist.type(**LEAST, child_0_indicators="L3-12").contact()
        assert contact.children.get().indicators == ["L3-12"]

    def test_an_unborn_child_needs_no_name(self, typist: Typist) -> None:
        expected = today() + timedelta(days=60)
        contact = typist.type(
            **LEAST | {"child_0_first_name": ""}, child_0_expected_date_of_delivery=expected
        ).contact()
        child = contact.children.get()
        assert (child.expected_date_of_delivery, child.date_of_birth) == (expected, None)
        assert contact.recommendation is not None
        assert contact.recommendation.facts["children"][0]["unborn"] is True

    def test_a_confidential_address_stays_confidential(self, typist: Typist) -> None:
        contact = typist.type(**LEAST, child_0_postcode="HP20 1UA", child_0_confidential="on").contact()
        assert contact.document["children"][0]["address"] == {
            "lines": [], "postcode": "HP20 1UA", "confidential": True,
        }  # fmt: skip
        assert contact.children.get().address_is_confidential

    def test_lines_of_the_worry_are_kept(self, typist: Typist) -> None:
        contact = typist.type(**LEAST | {"worries": "First.\r\nSecond."}).contact()
        assert contact.document["concern"]["worries"] == "First.\r\nSecond."


class TestWhenItArrived:
    def test_a_day_and_a_time_or_a_time_of_today(self, typist: Typist) -> None:
        day = today() - timedelta(days=3)
        contact = typist.type(**LEAST, arrived_on=day, arrived_time="16:40").contact()
        assert contact.arrived_at == datetime.combine(day, time(16, 40), tzinfo=LONDON)
        page = Page(typist.client.get(f"/contacts/{contact}/")).text
        assert f"{date_format(day)}, 16:40 (" in page
        assert "Typed in" in page
        again = Typist(typist.client).type(**LEAST)
        assert again.type(arrived_on_day="", arrived_on_month="", arrived_on_year="", arrived_time="0:00").contact()
        assert Contact.objects.latest("pk").arrived_at == datetime.combine(today(), time(0), tzinfo=LONDON)

    @pytest.mark.parametrize(
        ("typed", "read"),
        [("1650", time(16, 50)), ("16.50", time(16, 50)), ("4:50pm", time(16, 50)), ("4.50 p.m.", time(16, 50)),
         ("950", time(9, 50)), ("9am", time(9)), ("12:05 AM", time(0, 5)), ("12pm", time(12))],
    )  # fmt: skip
    def test_a_time_is_taken_as_people_write_it(self, typist: Typist, typed: str, read: time) -> None:
        day = today() - timedelta(days=3)
        short = {"arrived_on_day": str(day.day), "arrived_on_month": f"{day:%b}", "arrived_on_year": f"{day:%y}"}
        contact = typist.type(**LEAST, **short, arrived_time=typed).contact()
        assert contact.arrived_at == datetime.combine(day, read, tzinfo=LONDON)

    @pytest.mark.parametrize("typed", ["24:00", "16:60", "16:50pm", "0:10am", "165", "4:5"])
    def test_a_time_that_could_be_another_is_refused(self, typist: Typist, typed: str) -> None:
        typist.type(**LEAST, arrived_on=today(), arrived_time=typed).press("referrer")
        assert "Enter a time of day" in typist.page.error_at("id_contact-arrived_time")

    def test_what_it_cannot_be_is_said_at_its_field(self, typist: Typist) -> None:
        typist.type(**LEAST)
        tomorrow, march = today() + timedelta(days=1), {"arrived_on_month": "March"}
        for typed, field, says in (
            ({"arrived_on": tomorrow, "arrived_time": "9:00"}, "arrived_on", "cannot be in the future"),
            ({"arrived_on": today() - timedelta(days=9), "arrived_time": "9:00"}, "arrived_on", "in the last 7 days"),
            ({"arrived_on": today(), "arrived_time": ""}, "arrived_time", "Enter the time when it arrived"),
            ({"arrived_on": today(), "arrived_time": "soon"}, "arrived_time", "Enter a time of day"),
            (march | {"arrived_time": "9:00", "arrived_on_day": ""}, "arrived_on", "Enter a day, a month and a year"),
            (march | {"arrived_on_day": "32"}, "arrived_on", "Enter a day that exists"),
        ):
            # On the page itself, and where the answers are checked.
            assert typist.type(**typed).press("referrer").status_code == 200
            assert says in typist.page.error_at(f"id_contact-{field}")
            assert typist.submit().status_code == 200
            ((where, said),) = typist.faults.items()
            assert where == f"id_contact-{field}"
            assert says in said
        assert not Contact.objects.exists()


class TestOnce:
    def test_the_same_form_sent_twice_is_one_contact(self, typist: Typist) -> None:
        typist.type(**LEAST)
        first, second = typist.contact(), typist.contact()
        assert first == second
        assert Contact.objects.count() == 1

    def test_two_forms_are_two_contacts(self, typist: Typist) -> None:
        assert typist.type(**LEAST).contact() != Typist(typist.client).type(**LEAST).contact()

    def test_a_form_that_came_back_with_faults_is_still_the_same(self, typist: Typist) -> None:
        key = typist.key
        assert typist.type(worries="He comes to school hungry.").submit().status_code == 200
        assert typist.key == key
        assert f"{NEW}{key}/check/" in typist.page.actions

    def test_a_form_that_was_sent_in_and_then_changed_is_said_to_be_in_already(self, typist: Typist) -> None:
        """After the browser's Back: the first is in, and the page says so in words that a person knows."""
        typist.type(**LEAST).contact()
        answer = typist.type(worries="He comes to school hungry and cold.").press("concern")
        assert answer.status_code == 409
        assert "idempotency" not in answer.content.decode().lower()
        assert "He comes to school hungry and cold." in answer.content.decode()
        assert Contact.objects.count() == 1

    def test_who_goes_back_to_the_form_and_sends_it_again_sends_the_same(self, client: Client, oliver: User) -> None:
        """Without JavaScript, the browser fetches the form anew, and fills in what was typed."""
        sign_in(client, oliver)
        look = Page(client.get("/contacts/new/look/"))
        onwards = look.form("/contacts/new/look/") | {"carried": "yes"}
        keys = {client.post(NEW, onwards).headers["Location"] for _ in range(2)}
        assert len(keys) == 1
        found = Page(client.post("/contacts/new/look/", {"first_name": "A", "last_name": "Stranger"}, follow=True))
        carried = found.form("/contacts/new/look/") | {"carried": "yes"}
        keys |= {client.post(NEW, carried).headers["Location"] for _ in range(2)}
        assert len(keys) == 2, "another form, another key"

    @pytest.mark.parametrize("key", ["", "k" * 300, "nul\x00"], ids=ascii)
    def test_a_key_that_was_tampered_with_breaks_nothing(self, typist: Typist, key: str) -> None:
        typist.client.raise_request_exception = False
        for answer in (
            typist.client.post(f"{NEW}{quote(key)}/concern/", LEAST),
            typist.client.post(NEW, {"key": key, "contact-immediate_danger": "yes"}),
            typist.client.get(NEW, {"form": key}),
        ):
            assert answer.status_code in (200, 302, 400, 404)


class TestFaults:
    def test_an_empty_form_says_everything_at_once(self, typist: Typist) -> None:
        before = kept()
        assert typist.submit().status_code == 200
        assert [says for _, says in typist.page.summary] == [
            "Select what the contact is",
            "Select who the contact is from",
            "Enter the name of a child or, for one who is not born yet, the expected date of delivery",
            "Enter what they are worried about",
        ]
        assert kept() == before
        assert typist.page.root.all("title")[0].text.startswith("Error: ")

    def test_every_line_of_the_summary_leads_to_its_field(self, typist: Typist) -> None:
        """GOV.UK Design System: an error summary links each error to the answer that it is about."""
        typist.submit()
        assert typist.page.summary
        for where, _ in typist.page.summary:
            address, _, field = where.partition("#")
            page = Page(typist.client.get(f"/{address}"))
            assert page.status == 200
            assert field in page.ids
            assert field in dict(page.summary)

    def test_every_fault_stands_at_its_field_and_in_the_summary(self, typist: Typist) -> None:
        typist.type(**LEAST | {"type": "", "source_code": "", "worries": " \u200b"}).press("children", add="children")
        typist.type(child_1_disabled="perhaps", adult_0_same_address="perhaps")
        assert typist.submit().status_code == 200
        wrong = {
            "id_contact-type": "Select what the contact is",
            "id_contact-source_code": "Select who the contact is from",
            "id_contact-worries": "Enter what they are worried about",
            "id_child-1-disabled": "Select a valid choice.",
            "id_adult-0-same_address": "Select a valid choice.",
        }
        summary = typist.faults
        assert set(summary) == set(wrong)
        for where, says in wrong.items():
            assert says in summary[where]
            page = typist.open(page_of(where.removeprefix("id_")), "?check")
            assert says in dict(page.summary)[where]
            assert says in page.error_at(where)
        assert "(child 2)" in summary["id_child-1-disabled"]
        assert "(adult 1)" in summary["id_adult-0-same_address"]

    def test_a_field_in_error_says_so_to_whoever_cannot_see(self, typist: Typist) -> None:
        typist.type(**LEAST | {"worries": "\u200b"}).save()
        (field,) = typist.open("concern", "?check").root.all(id="id_contact-worries")
        assert field["aria-invalid"] == "true"
        assert "id_contact-worries_error" in field["aria-describedby"].split()

    def test_nothing_that_was_typed_is_lost(self, typist: Typist) -> None:
        typist.type(**everything(), child_0_confidential="on").type(child_0_nhs_number="1", worries="")
        typed = dict(typist.fields)
        assert typist.submit().status_code == 200
        for name in SECTIONS:
            typist.open(name)
        assert typist.fields == typed
        typist.type(worries="He comes to school hungry.").contact()

    def test_a_date_comes_back_as_it_was_typed(self, typist: Typist) -> None:
        for parts in (("4", "", ""), ("", "3", "2019"), ("four", "3", "2019"), ("31", "2", "2019")):
            typist.type(**LEAST | {"worries": ""}, **_in_boxes("child_0_date_of_birth", *parts))
            assert typist.submit().status_code == 200
            assert list(typist.faults) == ["id_contact-worries"]
            typist.open("children")
            assert _boxes(typist) == parts

    def test_an_answer_that_was_not_offered_is_refused_at_its_field(self, typist: Typist) -> None:
        fields = [
            "type", "source_code", "dash", "marac", "agreement", "parents_told", "sharing_basis", "referrer_level",
            "child_0_disabled", "adult_0_parental_responsibility",
        ]  # fmt: skip
        typist.type(**LEAST).type(**dict.fromkeys(fields, "made up"))
        assert typist.submit().status_code == 200
        assert set(typist.faults) == {_identity(field) for field in fields}

    def test_a_form_larger_than_any_contact_is_refused_with_a_page(self, typist: Typist) -> None:
        answer = typist.type(**LEAST | {"worries": "x" * 1_100_000}).press("concern")
        assert (answer.status_code, Page(answer).heading) == (413, "This is too large")
        assert not Contact.objects.exists()


class TestWhatIsTakenInAllTheSame:
    """What is typed never turns a contact away. What cannot be read stands on the contact's page, to be checked."""

    WRONGLY: dict[str, Any] = {  # noqa: RUF012  # what is typed
        "referrer_email": "school", "agreement": "given", "parents_told": "unsafe",
        "child_0_nhs_number": "9990000019", "child_0_postcode": "HP2O 1UA", "child_0_upn": "1",
        "child_0_sex": "X", "child_0_ethnicity": "local", "child_0_indicators": ["L3-12", "L9-99"],
        "child_0_age_years": "a teenager", "child_0_school": "x" * 2_000, "adult_0_phone": "x" * 500,
        "adult_0_first_name": "Sam",
    }  # fmt: skip

    def test_the_contact_is_in_and_its_page_says_what_to_check(self, typist: Typist) -> None:
        tomorrow = today() + timedelta(days=1)
        contact = typist.type(**LEAST | self.WRONGLY, agreement_on=tomorrow, child_0_date_of_birth=tomorrow).contact()
        page = Page(typist.client.get(f"/contacts/{contact}/"))
        assert "Some details could not be read as they were typed: look under “To check”." in page.text
        for said in (
            "Email address: could not be read: “school”. It is not an email address",
            "When did they answer?: could not be read",
            "If not, why not?: to be asked. It is missing: say why the parents were not told.",
            "Robin, Date of birth: could not be read",
            "Robin, NHS number: could not be read: “9990000019”. It is not an NHS number: its check digit is wrong.",
            "Robin, Postcode: read with a correction: “HP2O 1UA”. It has a letter where a digit must stand",
            "Robin, Unique pupil number: could not be read: “1”.",
            "Robin, Sex: could not be read: “X”.", "Robin, Ethnicity: could not be read: “local”.",
            "Robin, What was said about this child?: could not be read: “L9-99”.",
            "Robin, Age, if the date of birth is not known: could not be read: “a teenager”.",
            "HP20 1UA, sent as “HP2O 1UA”",
        ):  # fmt: skip
            assert said in page.text, said
        child = contact.children.get()
        assert (child.nhs_number, child.postcode, child.sex, child.date_of_birth) == ("", "HP20 1UA", "U", None)
        assert contact.document["children"][0]["nhs_number"] == "9990000019"
        assert not DetailToCheck.objects.exclude(agency=None).exists()

    @pytest.mark.parametrize(
        ("parts", "sent", "read"),
        [(("4", "3", "2019"), "2019-03-04", BORN), (("4", "March", "2019"), "4 March 2019", BORN),
         (("4", "", ""), "4", None), (("", "3", "2019"), "3/2019", None), (("4", "3", "19"), "4 3 19", None),
         (("31", "2", "2019"), "2019-02-31", None), (("99", "99", "2019"), "2019-99-99", None),
         (("\x00", "3", "2019"), "3/2019", None)],
    )  # fmt: skip
    def test_a_date_is_kept_as_it_was_typed(
        self, typist: Typist, parts: tuple[str, str, str], sent: str, read: date | None
    ) -> None:
        contact = typist.type(**LEAST, **_in_boxes("child_0_date_of_birth", *parts)).contact()
        assert contact.document["children"][0]["date_of_birth"] == sent.replace("\x00", "").strip()
        assert contact.children.get().date_of_birth == read
        assert contact.details_to_check.exists() is (read is None)

    def test_a_child_of_whom_only_a_wrong_date_was_typed_is_a_child(self, typist: Typist) -> None:
        contact = typist.type(**LEAST | {"child_0_first_name": ""}, child_0_date_of_birth_day="4").contact()
        assert contact.children.get().date_of_birth is None

    @pytest.mark.parametrize("character", ["\x00", "\x07", "\x0b", "\x0c"], ids=ascii)
    def test_no_character_refuses_it(self, typist: Typist, character: str) -> None:
        fields = ["worries", "child_0_first_name", "child_0_postcode", "agency_reference", "adult_0_relationship"]
        typist.type(**LEAST, child_0_last_name="Ashworth").type(**dict.fromkeys(fields, f"a{character}b"))
        contact = typist.contact()
        assert contact.children.get().first_name in ("ab", "a b")
        assert Page(typist.client.get(f"/contacts/{contact}/")).status == 200

    def test_only_the_age_is_known(self, typist: Typist) -> None:
        contact = typist.type(
            **LEAST, child_0_age_years="about 15", child_0_indicators="L3-20", child_0_nhs_number="1111111111",
            child_0_ethnicity="not known",
        ).contact()  # fmt: skip
        assert contact.document["children"][0]["age_years"] == "about 15"
        assert contact.recommendation is not None
        assert contact.recommendation.facts["children"][0]["age_years"] == 15
        page = Page(typist.client.get(f"/contacts/{contact}/"))
        assert "15 years, sent as “about 15”" in page.text
        assert "Not known, sent as “1111111111”" in page.text
        assert "sent as “not known”" not in page.text

    def test_a_baby_by_months_is_under_one(self, typist: Typist) -> None:
        contact = typist.type(**LEAST, child_0_age_years="6 months").contact()
        page = Page(typist.client.get(f"/contacts/{contact}/"))
        assert page.heading.endswith("Robin (under 1)")
        assert "Under 1 year, sent as “6 months”" in page.text

    @pytest.mark.parametrize("sent", ["NFA", "no fixed abode"])
    def test_no_fixed_abode_is_said(self, typist: Typist, sent: str) -> None:
        contact = typist.type(**LEAST, child_0_postcode=sent).contact()
        said = Page(typist.client.get(f"/contacts/{contact}/")).text
        assert said.count(f"No fixed abode (sent as “{sent}”)") == 2, "in the bar, and at the child"
        assert "postcode not known" not in said

    def test_an_expected_date_that_cannot_be_read_is_of_an_unborn_child(self, typist: Typist) -> None:
        boxes = _in_boxes("child_0_expected_date_of_delivery", "", "spring", "2027")
        contact = typist.type(**LEAST, **boxes).contact()
        assert contact.children.get().expected_date_of_delivery is None
        page = Page(typist.client.get(f"/contacts/{contact}/"))
        assert "Unborn child: Robin" in page.text
        assert "Not known, sent as “spring 2027”" in page.text

    @pytest.mark.parametrize(
        ("boxes", "sent"),
        [(("mid", "Feb", "2027"), "mid Feb 2027"), (("", "2", "2027"), "2/2027"), (("", "February", "2027"), None)],
    )
    def test_a_month_is_about_the_day_on_which_a_child_is_expected(
        self, typist: Typist, boxes: tuple[str, str, str], sent: str | None
    ) -> None:
        contact = typist.type(**LEAST, **_in_boxes("child_0_expected_date_of_delivery", *boxes)).contact()
        assert contact.children.get().expected_date_of_delivery == date(2027, 2, 14)
        said = Page(typist.client.get(f"/contacts/{contact}/")).text
        assert "Unborn child: Robin" in said
        assert f"14 February 2027, sent as “{sent or 'February 2027'}”" in said
        assert "has no day; the middle of the month is used." in said

    def test_a_date_of_birth_may_be_an_estimate(self, typist: Typist) -> None:
        contact = typist.type(**LEAST, child_0_date_of_birth=BORN, child_0_date_of_birth_estimated="on").contact()
        assert contact.children.get().date_of_birth_estimated
        assert "estimated" in Page(typist.client.get(f"/contacts/{contact}/")).text

    def test_what_would_show_a_hidden_address_is_not_shown(self, typist: Typist) -> None:
        contact = typist.type(
            **LEAST,
            child_0_postcode="HP20 1UAA Refuge",
            child_0_confidential="on",
            child_0_where_now="a\x00Refuge Lane",
        ).contact()
        page = Page(typist.client.get(f"/contacts/{contact}/"))
        assert "Robin, Postcode: could not be read: confidential." in page.text
        assert "Refuge" not in page.text

    @settings(
        max_examples=40, derandomize=True, database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )  # fmt: skip
    @given(st.sampled_from(OPTIONAL), st.text(max_size=60) | st.sampled_from(TRICKY))
    def test_whatever_is_typed_into_an_optional_field_a_child_with_a_worry_comes_in(
        self, typist: Typist, opened: dict[str, Page], name: str, typed: str
    ) -> None:
        # Each alone: not one more child of this name, to be compared with all before.
        with transaction.atomic():
            Typist(typist.client, opened).type(**LEAST | {name: typed}).contact()
            transaction.set_rollback(True)


class TestPeople:
    def test_adding_a_child_loses_nothing_and_asks_nothing(self, typist: Typist) -> None:
        typist.type(**everything()).type(child_0_nhs_number="1")
        typed = dict(typist.fields)
        assert typist.press("children", add="children").status_code == 200
        assert not typist.page.summary
        now_there = typist.fields
        assert {name: now_there.get(name) for name in typed if name != "children"} == {
            name: value for name, value in typed.items() if name != "children"
        }
        assert now_there["children"] == ["0", "1"]
        assert now_there["child-1-first_name"] == ""
        assert not Contact.objects.exists()

    def test_on_an_empty_form_too(self, typist: Typist) -> None:
        for group in ("children", "adults"):
            assert typist.press("children" if group == "children" else "household", add=group).status_code == 200
            assert not typist.page.summary
        assert (typist.fields["children"], typist.fields["adults"]) == (["0", "1"], ["0", "1"])

    def test_an_adults_own_address_is_checked_and_stays_confidential(self, typist: Typist) -> None:
        typist.type(
            **LEAST, adult_0_first_name="Lee", adult_0_same_address="no", adult_0_address_lines="9 Quincunx Parade",
            adult_0_postcode="HP22 6AA", adult_0_confidential="on",
        )  # fmt: skip
        typist.save()
        check = Page(typist.client.get(f"{NEW}{typist.key}/check/")).text
        assert "Where do they live? At an address of their own Change" in check
        assert "Their own address, without the postcode 9 Quincunx Parade Change" in check
        contact = typist.contact()
        adult = contact.adults.get()
        assert (adult.postcode, adult.address_is_confidential, adult.same_address) == ("HP22 6AA", True, False)
        assert not contact.children.get().address_is_confidential
        page = Page(typist.client.get(f"/contacts/{contact}/"))
        assert "Own addressHidden: it is confidential." in page.text
        assert "Quincunx" not in page.html
        assert "HP22" not in page.html

    def test_two_children_and_two_adults(self, typist: Typist) -> None:
        typist.type(**LEAST).press("children", add="children")
        typist.press("household", add="adults")
        contact = typist.type(
            child_1_first_name="Alex", child_1_date_of_birth=BORN, adult_0_first_name="Sam", adult_1_first_name="Jo"
        ).contact()
        assert [child.first_name for child in contact.children.all()] == ["Robin", "Alex"]
        assert [adult.person.first_name for adult in contact.adults.all()] == ["Sam", "Jo"]

    def test_siblings_live_at_one_address_unless_another_is_typed(self, typist: Typist) -> None:
        lines = "1 Refuge Road\r\nAylesbury"
        typist.type(**LEAST, child_0_postcode="HP20 1UA", child_0_address_lines=lines)
        for number in range(1, 4):
            typist.press("children", add="children")
            typist.type(**{f"child_{number}_same_address": "on"})
        typist.type(
            child_1_first_name="Alex", child_1_confidential="on", child_2_first_name="Sam", child_2_postcode="HP21 7AA"
        )
        contact = typist.contact()
        robin, alex, sam = (child["address"] for child in contact.document["children"])
        assert robin == {"lines": ["1 Refuge Road", "Aylesbury"], "postcode": "HP20 1UA", "confidential": False}
        assert alex == robin | {"confidential": True}
        assert sam["postcode"] == "HP21 7AA"
        assert [child.address_is_confidential for child in contact.children.all()] == [True, True, False], "one home"

    def test_removing_the_first_child_leaves_the_second_as_it_is(self, typist: Typist) -> None:
        typist.type(**LEAST).press("children", add="children")
        typist.type(child_1_first_name="Alex", child_1_date_of_birth=BORN, child_1_indicators=["L3-12"])
        typist.press("children", remove="0")
        typist.press("indicators")
        assert typist.fields["children"] == "1"
        assert "child-0-first_name" not in typist.fields
        child = typist.contact().children.get()
        assert (child.first_name, child.date_of_birth, child.indicators) == ("Alex", BORN, ["L3-12"])

    def test_a_place_that_was_given_up_is_not_given_to_another(self, typist: Typist) -> None:
        """Otherwise the new child would show what was typed for the removed one."""
        typist.type(**LEAST).press("children", add="children")
        typist.type(child_1_first_name="Alex").press("children", add="children")
        typist.type(child_2_first_name="Kim").press("children", remove="1")
        typist.press("children", add="children")
        assert typist.fields["children"] == ["0", "2", "3"]
        assert typist.fields["child-3-first_name"] == ""

    def test_who_was_removed_can_come_back_with_all_that_was_typed(self, typist: Typist) -> None:
        typist.type(**LEAST).press("children", add="children")
        typist.type(child_1_first_name="Alex", child_1_last_name="Ashworth", child_1_school="Example").save()
        typist.type(child_1_indicators=["L3-12"]).press("indicators")
        typist.open("children")
        page = Page(typist.client.post(typist.at("children"), typist.on("children") | typist.own["children"] | {
            "remove": "1",
        }, follow=True))  # fmt: skip
        assert "Alex Ashworth is removed." in page.text
        assert "Alex" not in Page(typist.client.get(f"{NEW}{typist.key}/check/")).text
        typist.open("children")
        typist.press("children", undo="1")
        assert "is removed" not in typist.page.text
        children = typist.contact().document["children"]
        said = ("first_name", "last_name", "school", "indicators")
        assert [children[1][name] for name in said] == ["Alex", "Ashworth", "Example", ["L3-12"]]

    def test_adults_come_and_go_the_same_way(self, typist: Typist) -> None:
        typist.type(**LEAST, adult_0_first_name="Sam").press("household", add="adults")
        typist.type(adult_1_first_name="Jo").press("household", remove="0")
        assert [adult.person.first_name for adult in typist.contact().adults.all()] == ["Jo"]

    def test_a_second_child_of_whom_nothing_was_typed_is_left_out(self, typist: Typist) -> None:
        typist.type(**LEAST).press("children", add="children")
        contact = typist.contact()
        assert contact.children.count() == len(contact.document["children"]) == 1

    def test_a_blank_child_before_a_wrong_one_does_not_move_the_fault(self, typist: Typist) -> None:
        typist.type(**LEAST | {"child_0_first_name": ""}).press("children", add="children")
        typist.type(child_1_first_name="Alex", child_1_disabled="perhaps").submit()
        assert list(typist.faults) == ["id_child-1-disabled"]

    def test_the_last_child_cannot_be_taken_away(self, typist: Typist) -> None:
        assert not typist.pages["children"].root.all("button", name="remove")
        typist.press("children", add="children")
        assert [button["value"] for button in typist.page.root.all("button", name="remove")] == ["0", "1"]
        typist.press("children", remove="0")
        typist.press("children", remove="1")
        assert typist.fields["children"] == "1"

    def test_a_twenty_first_child_is_not_added_and_nothing_is_sent_in(self, typist: Typist) -> None:
        """A contact has room for twenty. The button that adds a child must never send the contact in."""
        typist.type(**LEAST, **{f"child_{number}_first_name": "Alex" for number in range(1, 20)})
        answer = typist.press("children", children=[str(number) for number in range(20)], add="children")
        assert answer.status_code == 200
        assert "A contact has room for 20 children." in typist.page.text
        assert not Contact.objects.exists()

    def test_who_was_removed_takes_nobodys_place_when_they_come_back(self, typist: Typist) -> None:
        typist.type(**LEAST, **{f"child_{number}_first_name": "Alex" for number in range(1, 20)})
        typist.press("children", children=[str(number) for number in range(20)], remove="3")
        typist.press("children", add="children")
        twenty = [str(number) for number in range(21) if number != 3]
        assert typist.fields["children"] == twenty
        assert typist.press("children", undo="3").status_code == 200
        assert "A contact has room for 20 children." in typist.page.text
        assert typist.fields["children"] == twenty
        assert "Alex is removed." in typist.page.text

    def test_enter_saves_it_and_submits_nothing(self, typist: Typist) -> None:
        """Enter in a field presses the first button of a form."""
        for name in SECTIONS:
            first = typist.pages[name].main.all("button")[0]
            assert (first["type"], first["name"], first["value"]) == ("submit", "save", "stay")
        typist.type(**LEAST | {"worries": "Half a sent"})
        assert typist.press("concern", save="stay").status_code == 200
        assert typist.fields["contact-worries"] == "Half a sent"
        assert not Contact.objects.exists()

    def test_numbers_that_were_tampered_with_break_nothing(self, typist: Typist) -> None:
        for numbers in ("-1", "x", "9999", "", ["0", "0"], ["0", "x"], "１"):
            assert typist.type(**LEAST).press("children", children=numbers).status_code in (200, 302)
            assert typist.press("children", remove=numbers, undo=numbers).status_code in (200, 302)


SCRIPT = "<script>alert('x')</script>"
ATTRIBUTE = '"><img src=x onerror=alert(1)>'


class TestWhatIsTypedStaysText:
    """Every page shows markup in names and concerns as it was typed."""

    @pytest.fixture(scope="class")
    @classmethod
    def pages(cls, told_for_a_class: None) -> list[Page]:
        story = Story(a_working_morning())
        agreed = {"service": "given", "given_by": SCRIPT, "on": "2026-01-01"}
        document: dict[str, Any] = {
            "agreement": agreed,
            "agency_reference": SCRIPT,
            "concern": dict.fromkeys(("worries", "working_well", "wanted", "childs_words"), SCRIPT + ATTRIBUTE),
            "support_already_tried": SCRIPT,
            "referrer": {"name": SCRIPT, "role": ATTRIBUTE, "phone": SCRIPT, "relationship": SCRIPT},
            "parents_told": {"answer": "no", "reason": SCRIPT},
            "children": [
                {"ref": SCRIPT, "first_name": SCRIPT, "last_name": ATTRIBUTE, "also_known_as": [SCRIPT],
                 "date_of_birth": "2019-03-04", "address": {"lines": [SCRIPT], "postcode": "HP20 1UA"},
                 "where_now": SCRIPT, "school": SCRIPT, "indicators": ["L3-12"]},
            ],
            "adults": [{"first_name": SCRIPT, "last_name": ATTRIBUTE, "relationship": SCRIPT}],
        }  # fmt: skip
        waits = story.contact(**document)
        # The household again: a match, and a chronology.
        decided = story.contact(**document)
        offer = story.offered(decided, rationale=SCRIPT + ATTRIBUTE, pathway="family_help", level=3, rag="green")
        looks = [
            ("amina", f"/contacts/{waits}/"), ("amina", f"/contacts/{decided}/"), ("amina", "/"),
            ("amina", "/teams/front-door/"),
            ("ben", f"/contacts/{decided}/"), ("ben", f"/cases/{offer.case}/"), ("ben", "/"),
            ("ben", "/teams/aylesbury/"),
            ("maya", "/admin/casework/contact/"), ("maya", "/admin/casework/decision/"),
            ("ben", "/admin/casework/case/"), ("ben", "/admin/casework/handoff/"),
            ("ben", "/admin/casework/clock/?stand=all"),
            ("ava", "/admin/casework/auditevent/"), ("ava", "/admin/casework/outboxmessage/"),
        ]  # fmt: skip
        return [SignedIn(name).open(path) for name, path in looks]

    def test_no_page_runs_it(self, pages: list[Page]) -> None:
        for page in pages:
            assert page.status == 200
            assert SCRIPT not in page.html
            assert not [script for script in page.root.all("script") if "alert" in script.raw]
            assert not [image for image in page.root.all("img") if "onerror" in image.attributes]

    def test_the_pages_of_the_contact_and_the_case_show_it_as_it_was_typed(self, pages: list[Page]) -> None:
        for page in (pages[0], pages[1], pages[4], pages[5]):
            assert SCRIPT in page.text
            assert ATTRIBUTE in page.text

    def test_the_form_gives_it_back_as_it_was_typed(self, typist: Typist) -> None:
        typist.type(type="", worries=f"</textarea>{SCRIPT}", child_0_first_name=ATTRIBUTE, agency_reference=SCRIPT)
        assert typist.submit().status_code == 200
        for page in (typist.page, typist.open("concern"), typist.open("children"), typist.open("referrer")):
            assert SCRIPT not in page.html
            assert not [image for image in page.root.all("img") if "onerror" in image.attributes]
        assert typist.fields["contact-worries"] == f"</textarea>{SCRIPT}"
        assert typist.fields["child-0-first_name"] == ATTRIBUTE


def test_the_least_of_every_kind_comes_in(typist: Typist, opened: dict[str, Page]) -> None:
    """The smallest contact of every type and from every source is accepted."""
    for source, kind in _pairs(opened["referrer"]):
        Typist(typist.client, opened).type(**LEAST | {"type": kind, "source_code": source}).contact()
    assert Contact.objects.count() == 22


def _pairs(page: Page) -> Iterator[tuple[str, str]]:
    sources = [option["value"] for option in page.root.all(id="id_contact-source_code")[0].all("option")][1:]
    kinds = [radio["value"] for radio in page.root.all("input", name="contact-type")]
    assert len(sources) == 22
    for number, source in enumerate(sources):
        yield source, kinds[number % len(kinds)]


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, (dict, list)):
        for value in part.values() if isinstance(part, dict) else part:
            yield from _texts(value)
