"""The pages of corrections: forms for each group of facts, both facts on the contact, and the history of every fact."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from casework.actions import corrections, learning, protecting
from casework.models import Case, Contact, FactChange, Information
from casework.web.tags import with_age
from localities.models import Agency, Team
from tests.stage.documents import address, child
from tests.stage.families import KIM
from tests.stage.restricted import restrict
from tests.stage.sessions import sign_in
from tests.stage.sql import asked, within
from tests.stage.staff import SignedIn
from tests.stage.story import Story, person
from tests.stage.web_client import Page, a_working_morning, browser, day_of
from triage.ruleset import shipped


@pytest.fixture(scope="class")
def told(told_for_a_class: None) -> int:
    return Story(a_working_morning()).contact().pk


@pytest.fixture
def contact(told: int, db: None) -> Contact:
    return Contact.objects.get(pk=told)


def signed_in(name: str = "oliver") -> Client:
    client = browser()
    sign_in(client, person(name))
    return client


def form_of(contact: Contact, group: str, pk: int | None = None) -> str:
    name, args = ("contact-correct", [contact.reference, group])
    return reverse(name, args=args) if pk is None else reverse(f"{name}-person", args=[*args, pk])


def page_of(contact: Contact, name: str = "oliver") -> Page:
    return Page(signed_in(name).get(reverse("contact", args=[contact.reference])))


def said_after(where: str, **typed: Any) -> str:
    """The page after a form was sent with these values over those that it has."""
    client = signed_in()
    sent = Page(client.get(where)).form("") | SAYS | {f"fact-{name}": value for name, value in typed.items()}
    answer = client.post(where, {name: value for name, value in sent.items() if value is not None}, follow=True)
    return Page(answer).text


SAYS = {"fact-source": "family", "fact-said_by": "mother", "fact-why": "She called."}


def submit(address_of_form: str, name: str = "oliver", **typed: Any) -> Any:
    """What a browser sends: the form as it stands, with what was typed."""
    client = signed_in(name)
    page = Page(client.get(address_of_form))
    sent = page.form("") | SAYS | {f"fact-{field}": value for field, value in typed.items()}
    return client.post(address_of_form, {key: value for key, value in sent.items() if value is not None})


class TestTheForms:
    def test_what_is_typed_is_learned(self, contact: Contact) -> None:
        robin = contact.children.get()
        answer = submit(
            form_of(contact, "child", robin.pk), first_name="Robyn", sex="F",
            **day_of(date(2015, 4, 5), "date_of_birth"),
        )  # fmt: skip
        assert answer.status_code == 302, Page(answer).summary
        robin.refresh_from_db()
        assert (robin.first_name, robin.sex, str(robin.date_of_birth)) == ("Robyn", "F", "2015-04-05")
        assert set(FactChange.objects.values_list("field", flat=True)) == {"first_name", "sex", "date_of_birth"}
        information = Information.objects.get()
        assert (information.source, information.said_by, information.why) == ("family", "mother", "She called.")

    @pytest.mark.parametrize(
        ("group", "typed", "field"),
        [
            ("contact", {"immediate_danger": "yes"}, "immediate_danger"),
            ("contact", {"referrer_level": "4"}, "referrer_level"),
            ("family", {"dash": "high"}, "domestic_abuse.dash"),
            ("family", {"family_indicators": ["L2-01", "L3-36"]}, "family_indicators"),
            ("family", {"sibling_on_cp_plan": "yes"}, "sibling_on_cp_plan"),
            ("family", {"agreement": "withdrawn"}, "agreement.service"),
            ("referrer", {"referrer_phone": "01494 000000"}, "referrer.phone"),
            ("new-child", {"first_name": "Kim"}, "first_name"),
            ("new-adult", {"first_name": "Sam"}, "first_name"),
        ],
    )
    def test_each_group_has_one(self, contact: Contact, group: str, typed: dict[str, Any], field: str) -> None:
        answer = submit(form_of(contact, group), **typed)
        assert answer.status_code == 302, Page(answer).summary
        assert field in set(FactChange.objects.values_list("field", flat=True))
        assert FactChange.objects.filter(before__isnull=False, after__isnull=True).count() == 0, "nothing is lost"

    @pytest.mark.parametrize("answer", ["not_known", "not_sought"])
    def test_agreement_that_nobody_knows_is_an_answer(self, contact: Contact, answer: str) -> None:
        assert submit(form_of(contact, "family"), agreement=answer).status_code == 302
        contact.refresh_from_db()
        assert contact.agreement == answer
        (change,) = FactChange.objects.filter(field="agreement.service")
        assert (change.before, change.after) == ("given", answer)

    def test_it_asks_for_facts_alone(self, contact: Contact) -> None:
        """When a contact arrived, and whether a child lives with the first, is asked of a new contact."""
        client = signed_in("oliver")
        for group in ("contact", "family", "referrer", "new-child", "new-adult"):
            names = Page(client.get(form_of(contact, group))).names("")
            assert [name for name in names if "arrived" in name] == [], group
            assert ("fact-same_address" in names) is (group == "new-adult")

    def test_sent_as_it_stands_it_changes_nothing(self, contact: Contact) -> None:
        people = [("child", each.pk) for each in contact.children.all()]
        people += [("adult", each.pk) for each in contact.adults.all()]
        for group, pk in [("contact", None), ("family", None), ("referrer", None), *people]:
            answer = submit(form_of(contact, group, pk))
            assert answer.status_code == 422, group
            assert "Nothing differs from what is recorded." in Page(answer).text
        assert not Information.objects.exists()

    def test_every_fault_stands_at_its_field(self, contact: Contact) -> None:
        address_of_form = form_of(contact, "contact")
        client = signed_in()
        answer = client.post(
            address_of_form, Page(client.get(address_of_form)).form("") | {"fact-immediate_danger": "yes"}
        )
        page = Page(answer)
        assert page.status == 422
        assert page.error_at("id_fact-why") == "Enter how you know, and what changed"
        assert page.error_at("id_fact-source") == "Select where this comes from"
        assert page.form("")["fact-immediate_danger"] == "yes"

    def test_what_cannot_be_read_is_kept_and_asked(self, contact: Contact) -> None:
        robin = contact.children.get()
        submit(form_of(contact, "child", robin.pk), nhs_number="12 three", disabled="yes")
        page = page_of(contact)
        assert "“12 three”, could not be read: it is not an NHS number" in page.text
        assert "To check" in page.text

    def test_an_old_form_undoes_nothing(self, contact: Contact) -> None:
        client, address_of_form = signed_in(), form_of(contact, "contact")
        old = Page(client.get(address_of_form)).form("") | SAYS | {"fact-referrer_level": "4"}
        submit(address_of_form, immediate_danger="yes")
        answer = client.post(address_of_form, old)
        assert answer.status_code == 409
        contact.refresh_from_db()
        assert (contact.immediate_danger, contact.referrer_level) == (True, 3)

    def test_what_was_typed_comes_back_beside_what_is_there_now(self, contact: Contact) -> None:
        """What somebody left as it stood is as it is now: sent again, it undoes nothing."""
        robin = contact.children.get()
        client, where = signed_in(), form_of(contact, "child", robin.pk)
        typed = {"fact-first_name": "Robyn", "fact-school": "Hill School"}
        old = Page(client.get(where)).form("") | SAYS | typed
        submit(where, "amina", first_name="Robbie", sex="F", **day_of(date(2015, 4, 5), "date_of_birth"))
        answer = client.post(where, old)
        page = Page(answer)
        assert answer.status_code == 409
        assert "Robbie Ashworth, First name: now Robbie (before: Robin)" in page.text
        again = page.form("")
        assert typed | SAYS == {name: again[name] for name in typed | SAYS}
        assert again["fact-sex"] == "F"
        assert client.post(where, again).status_code == 302
        robin.refresh_from_db()
        assert (robin.first_name, robin.sex, str(robin.date_of_birth)) == ("Robyn", "F", "2015-04-05")

    def test_it_says_whether_the_recommendation_changed(self, contact: Contact) -> None:
        where, saved = form_of(contact, "child", contact.children.get().pk), "Saved. The recommendation"
        assert f"{saved} stays as it is." in said_after(where, school="Hill School")
        assert f"{saved} has been updated." in said_after(where, indicators=["L3-12", "L3-13"])
        assert "Saved. The rating is now Red (it was Green)." in said_after(where, indicators=["L4-01"])

    def test_it_says_to_call_999_once_a_child_is_in_danger(self, contact: Contact) -> None:
        where, call = form_of(contact, "contact"), "If nobody has called the police yet, call 999 now."
        assert call in said_after(where, immediate_danger="yes")
        assert call not in said_after(where, referrer_level="3")

    def test_it_says_who_has_a_contact_that_became_red_at_night(
        self, db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        night = a_working_morning().replace(hour=22)
        contact = Story(night).contact()
        contact.team, contact.owner = Team.objects.get(kind="front_door"), None
        contact.save(update_fields=["team", "owner"])
        monkeypatch.setattr("casework.web.views.corrections.timezone.now", lambda: night + timedelta(minutes=5))
        text = said_after(form_of(contact, "contact"), immediate_danger="yes")
        assert "The contact is now with Emergency duty team." in text
        assert "automatically, outside office hours" in text
        assert "when the hub opened" not in text

    @pytest.mark.parametrize(
        ("name", "status"), [("sam", 403), ("ben", 404), ("carol", 404)], ids=["overseer", "team", "other team"]
    )
    def test_for_those_who_may(self, contact: Contact, name: str, status: int) -> None:
        assert signed_in(name).get(form_of(contact, "contact")).status_code == status


class TestOtherForms:
    def test_what_was_read_with_a_correction_is_confirmed_as_it_is(self, story: Story) -> None:
        contact = story.contact(children=[child(address=address("HP2O 1UA"))])
        robin, where = contact.children.get(), form_of(contact, "child", contact.children.get().pk)
        asks = "Is this right as it was read?"
        assert asks not in Page(signed_in().get(form_of(contact, "contact"))).text
        assert f"{asks} What you select stays as it is" in Page(signed_in().get(where)).text
        before = contact.recommendation_id
        assert submit(where, confirmed="address.postcode").status_code == 302
        robin.refresh_from_db()
        contact.refresh_from_db()
        assert (robin.postcode, contact.recommendation_id) == ("HP20 1UA", before)
        text = page_of(contact).text
        assert "Answered" in text
        assert "Changed since it was sent" not in text
        assert asks not in Page(signed_in().get(where)).text
        history = Page(signed_in().get(reverse("contact-history", args=[contact.reference])))
        assert "HP20 1UA, confirmed as it was read" in history.text

    def test_a_hidden_address_is_not_filled_in_and_stays(self, story: Story) -> None:
        contact = story.contact(children=[child(address=address("HP20 1UA", confidential=True))])
        robin = contact.children.get()
        page = Page(signed_in().get(form_of(contact, "child", robin.pk)))
        assert "HP20" not in page.html
        assert "Example Road" not in page.html
        submit(form_of(contact, "child", robin.pk), disabled="yes")
        robin.refresh_from_db()
        assert (robin.postcode, robin.address_is_confidential, robin.disabled) == ("HP20 1UA", True, True)

    def test_no_other_group_and_nobody_elses_child(self, story: Story) -> None:
        contact, other = story.contact(), story.contact(children=[child(first_name="Noor", nhs_number=None)])
        for where in (
            form_of(contact, "weather"), form_of(contact, "child"), form_of(contact, "new-child", 1),
            form_of(contact, "child", other.children.get().pk), form_of(contact, "contact", 1),
        ):  # fmt: skip
            assert signed_in().get(where).status_code == 404


class TestTheContact:
    def test_it_shows_both_with_who_when_and_where_from(self, contact: Contact) -> None:
        robin = contact.children.get()
        submit(form_of(contact, "child", robin.pk), first_name="Robyn", sex="F", school="Example Academy")
        text = page_of(contact).text
        assert "Changed since it was sent" in text
        assert "Robyn Ashworth, First name: Robyn (sent: Robin)" in text
        assert "Sex: Female (sent: Male)" in text
        assert str(person("oliver")) in text
        assert "The family (mother): She called." in text
        assert "Example Academy" in text

    def test_corrected_back_it_is_as_it_was_sent(self, contact: Contact) -> None:
        submit(form_of(contact, "contact"), immediate_danger="yes")
        submit(form_of(contact, "contact"), immediate_danger="no")
        assert "Changed since it was sent" not in page_of(contact).text

    def test_a_child_who_was_added_and_one_who_is_not_of_the_family(self, contact: Contact) -> None:
        submit(form_of(contact, "new-child"), first_name="Kim", school="Example Nursery")
        kim = contact.children.get(first_name="Kim")
        text = page_of(contact).text
        assert "Child: Kim" in text
        assert "Example Nursery" in text
        submit(form_of(contact, "child", kim.pk), in_family="no")
        assert "This child is no longer included" in page_of(contact).text

    def test_the_heading_names_the_children_of_the_family_and_nothing_after_them(self, contact: Contact) -> None:
        names = page_of(contact).heading
        assert names.endswith(with_age(contact.children.get()))
        submit(form_of(contact, "new-child"), first_name="Kim")
        assert page_of(contact).heading == f"{names}, Kim"
        submit(form_of(contact, "child", contact.children.get(first_name="Kim").pk), in_family="no")
        assert page_of(contact).heading == names

    def test_it_leads_to_every_form(self, contact: Contact) -> None:
        links = {link["href"] for link in page_of(contact).main.all("a")}
        robin, adult = contact.children.get(), contact.adults.first()
        assert adult is not None
        assert {
            form_of(contact, "contact"), form_of(contact, "family"), form_of(contact, "referrer"),
            form_of(contact, "child", robin.pk), form_of(contact, "adult", adult.pk), form_of(contact, "new-child"),
            form_of(contact, "new-adult"),
        } <= links  # fmt: skip
        overseer = {link["href"] for link in page_of(contact, "sam").main.all("a")}
        assert not {link for link in overseer if "/correct/" in link}

    def test_the_second_person_sees_that_facts_changed(self, contact: Contact, story: Story) -> None:
        story.decided(contact, pathway="advice", level=3)
        submit(form_of(contact, "contact"), immediate_danger="yes")
        client = signed_in("maya")
        for name in ("contact", "contact-sign-off"):
            page = Page(client.get(reverse(name, args=[contact.reference])))
            assert "There is new information since this decision" in page.text
        sent = {"sign_off-answer": "agree", "sign_off-rationale": "I have read it all."}
        assert client.post(reverse("contact-sign-off", args=[contact.reference]), sent).status_code == 409
        contact.refresh_from_db()
        assert contact.status == "sign_off"


class TestOtherContacts:
    def test_a_detail_that_could_not_be_read_is_answered(self, story: Story) -> None:
        contact = story.contact(children=[child(nhs_number="12")])
        assert "Answered" not in page_of(contact).text
        submit(form_of(contact, "child", contact.children.get().pk), nhs_number="999 000 0018")
        assert "Answered" in page_of(contact).text

    def test_what_was_answered_stays_so_when_something_later_cannot_be_read(self, story: Story) -> None:
        contact = story.contact(children=[child(nhs_number="12")])
        for typed in ("999 000 0018", "12 three"):
            submit(form_of(contact, "child", contact.children.get().pk), nhs_number=typed)
        text = page_of(contact).text
        assert text.count("Answered") == 1
        assert "“12 three”, could not be read" in text

    def test_the_case_says_who_left_it(self, story: Story) -> None:
        contact = story.contact(children=[child(), child(**KIM)])
        case = story.accepted(contact)
        assert "No longer in this case" not in SignedIn("ben").open(case).text
        kim = contact.children.get(ref="c2")
        form, theirs = form_of(contact, "child", kim.pk), reverse("person", args=[kim.person.reference])
        assert "Robin Ashworth" in SignedIn("amina").open(theirs).text
        assert f"The child leaves case {case}" in SignedIn("amina").open(form).text
        answer = submit(form, in_family="no")
        said = Page(answer.client.get(answer["Location"])).main.text
        assert "Kim Ashworth stays on this contact, and does not count as family any more." in said
        assert f"Kim Ashworth has left case {case}, and the responsible team is told." in said
        assert "they are not of this family: Kim Ashworth." in SignedIn("ben").open(case).text
        page = SignedIn("amina").open(theirs)
        assert page.text.count("this person is not of the family") == 2
        for of in ("Robin Ashworth", str(case), "Decision:"):
            assert of not in page.text, of


class TestWhoeverLosesSightWhileTheyWrite:
    """The record is restricted in the meantime: they get back what they typed, and nothing of the record."""

    def test_of_a_correction(self, story: Story, contact: Contact) -> None:
        robin = contact.children.get()
        form = form_of(contact, "child", robin.pk)
        oliver = signed_in()
        filled_in = Page(oliver.get(form)).form("")
        assert filled_in["fact-last_name"] == "Ashworth"
        restrict(story, contact)
        typed = {"fact-first_name": "Robyn", "fact-date_of_birth_day": "9", "fact-why": "<b>She</b> called."}
        page = Page(oliver.post(form, filled_in | typed))
        assert page.status == 404
        assert "Nothing of it is recorded" in page.text
        for said in ("First nameRobyn", "Date of birth9 03 2019", "Why<b>She</b> called."):
            assert said in page.text, (said, page.text)
        for fact in ("Ashworth", "Example", "HP20", "9990000018"):
            assert fact not in page.html, fact

    @pytest.mark.parametrize("number", [0, 1])
    def test_of_a_form_on_a_persons_page(self, story: Story, contact: Contact, number: int) -> None:
        theirs = reverse("person", args=[contact.children.get().person.reference])
        typed = [
            ("add/address/", {"detail-value": "4 Other Street", "detail-said_by": "Aunt"}),
            ("protect/", {"protect-reason": "She fled."}),
        ]  # fmt: skip
        restrict(story, contact)
        action, fields = typed[number]
        page = Page(signed_in().post(f"{theirs}{action}", fields))
        assert page.status == 404
        assert all(text in page.text for text in fields.values()), page.text
        # Where there is no such record, it is the same.
        nobody = Page(signed_in().post(f"/people/PER-0000-0000/{action}", fields))
        assert (nobody.status, all(text in nobody.text for text in fields.values())) == (404, True)


class TestTheCase:
    def test_it_shows_what_is_graver_and_leads_to_the_forms(self, story: Story) -> None:
        contact = story.contact()
        case = story.accepted(contact)
        where = reverse("case", args=[case.reference])
        assert "More serious than decided" not in Page(signed_in("ben").get(where)).text
        robin = contact.children.get()
        submit(form_of(contact, "child", robin.pk), "ben", indicators=["L3-12", "L4-01"])
        page = Page(signed_in("ben").get(where))
        assert "More serious than decided. By what is known now, the rules recommend" in page.text
        assert "Changed since it was sent" in page.text
        assert form_of(contact, "child", robin.pk) in {link["href"] for link in page.main.all("a")}
        assert Case.objects.get() == case

    def test_its_head_and_the_worklist_say_what_was_learned_since_it_was_decided(self, story: Story) -> None:
        """Nothing is said of where a home is that is confidential."""
        contact = story.contact()
        case = story.accepted(contact)
        where, robin = reverse("case", args=[case.reference]), contact.children.get()
        says = (
            "It is more serious than decided, by what is known now.", "The family has withdrawn its agreement.",
            "The home is now in Wycombe and Marlow, the area of another team.",
        )  # fmt: skip
        pages = (where, "/", "/teams/aylesbury/?tab=cases")
        for sentence in says:
            assert all(sentence not in Page(signed_in("ben").get(page)).text for page in pages)
        document = {
            "source": "family",
            "why": "She called.",
            "agreement": {"service": "withdrawn", "given_by": "mother"},
        }
        moves = {"children": [{"ref": robin.ref, "address": {"lines": ["4 Other Street"], "postcode": "SL7 1AA"}}]}
        corrections.learn(contact_id=contact.pk, document=document | moves, by=person("oliver"), now=story.later())
        for page in pages:
            text = Page(signed_in("ben").get(page)).text
            assert [sentence for sentence in says if sentence not in text] == [], text[:900]
        shown = Page(signed_in("ben").get(where))
        assert shown.main.all("a", href=f"#{contact}")
        assert str(contact) in shown.ids
        protecting.protect(person_id=robin.person_id, reason="She fled.", by=person("amina"), now=story.later())
        assert all("The home is now" not in Page(signed_in("ben").get(page)).text for page in pages)

    def test_so_it_says_where_a_newer_contact_says_that_the_home_is(self, story: Story) -> None:
        """In the case or beside it, to whoever may see the contact; and nothing of a home that is hidden."""
        case = story.accepted(story.contact())
        where, newer = reverse("case", args=[case.reference]), "A newer contact gives another address."
        elsewhere = f"{newer} The home is now in Wycombe and Marlow, the area of another team."

        def says(name: str = "ben") -> list[bool]:
            pages = (
                (where, "/teams/aylesbury/?tab=cases") if name == "sam" else (where, "/", "/teams/aylesbury/?tab=cases")
            )
            texts = [Page(signed_in(name).get(page)).text for page in pages]
            assert len({elsewhere in text for text in texts}) == len({newer in text for text in texts}) == 1
            return [newer in texts[0], elsewhere in texts[0]]

        story.decided(story.contact(children=[child()]))
        assert says() == [False, False]
        story.decided(story.contact(children=[child(address={"lines": ["4 Other Street"], "postcode": "HP20 1UA"})]))
        assert says() == [True, False]
        moved = story.contact(children=[child(address=address("SL7 1AA"))])
        # The contact that waits is the front door's: whoever oversees the work sees it already.
        assert (says(), says("sam")) == ([True, False], [True, True])
        assert Page(signed_in("sam").get(where)).main.all("a", href=reverse("contact", args=[moved.reference]))
        story.decided(moved)
        assert says() == [True, True]
        assert Page(signed_in("ben").get(where)).main.all("a", href=f"#{moved}")
        hidden = address("HP11 2TT") | {"confidential": True}
        story.contact(by="example-police", children=[child(address=hidden)])
        assert (says(), says("sam")) == ([False, False], [False, False])


class TestTheHistory:
    def test_the_newest_first_and_by_child(self, story: Story) -> None:
        kim = {"ref": "c2", "first_name": "Kim", "nhs_number": None}
        contact = story.contact(children=[child(), child(**kim)])
        robin, second = contact.children.all()
        submit(form_of(contact, "child", robin.pk), first_name="Robyn")
        submit(form_of(contact, "child", second.pk), first_name="Kimberley")
        where = reverse("contact-history", args=[contact.reference])
        page = Page(signed_in().get(where))
        rows = [row.text for row in page.main.all("tr")][1:]
        assert ["Kimberley" in row for row in rows] == [True, False]
        assert "Robin" in rows[1]
        assert "Robyn" in rows[1]
        page = Page(signed_in().get(where, {"child": str(robin.pk)}))
        assert len(page.main.all("tr")) == 2
        assert signed_in("carol").get(where).status_code == 404

    def test_what_has_an_action_of_its_own(self, story: Story) -> None:
        """Agreement, screening and our records stand in the same list as every other fact."""
        contact = story.contact(agreement={"service": "not_sought"}, family_indicators=[])
        robin = contact.children.get()
        recorded: dict[str, Any] = {"contact_id": contact.pk, "by": person("amina")}
        learning.record_agreement(
            service="given", given_by="mother", on=story.now.date(), now=story.later(minutes=5), **recorded
        )
        story.screened(contact, children={robin.pk: ["L4-01"]})
        story.screened(contact)
        story.screened(contact)
        learning.record_own_records(
            recommendation_id=contact.recommendation_id or 0, sibling_on_cp_plan=None,
            children={robin.pk: (True, None)}, now=story.later(), **recorded,
        )  # fmt: skip
        page = Page(signed_in().get(reverse("contact-history", args=[contact.reference])))
        rows = [tuple(cell.text for cell in row.all("td")) for row in page.main.all("tr")[1:]]
        facts = [(row.all("th")[0].text, *cells[1:]) for row, cells in zip(page.main.all("tr")[1:], rows, strict=True)]
        harm = shipped().catalogue.entries["L4-01"].says
        assert facts == [
            ("Robin Ashworth: Had a child protection plan before", "not known", "yes", "What our records say"),
            ("Screening", "", "no indicator applies", "Screening"),
            ("Robin Ashworth: Selected at screening", harm, "none", "Screening"),
            ("Robin Ashworth: Selected at screening", "none", harm, "Screening"),
            ("Does the family agree to a voluntary service?", "Not sought", "Given", "Agreement to a service (mother)"),
            ("Who gave or refused agreement?", "not known", "mother", "Agreement to a service (mother)"),
            ("When did they answer?", "not known", f"{story.now:%-d %B %Y}", "Agreement to a service (mother)"),
        ]
        assert all(str(person("amina")) in rows[place][0] for place in (0, 4))
        # What was recorded after this form was opened is not undone by it; and screening is no fact of the form.
        assert submit(form_of(contact, "child", robin.pk), disabled="yes").status_code == 302

    def test_words_of_a_partner_without_a_fact(self, story: Story) -> None:
        contact = story.contact()
        school = Agency.objects.get(code="example-primary-school")
        document = {"why": "The mother has left."}
        corrections.learn(contact_id=contact.pk, document=document, by=school, now=timezone.now())
        assert "The mother has left." in page_of(contact).text
        page = Page(signed_in().get(reverse("contact-history", args=[contact.reference])))
        assert "The mother has left." in page.text

    def test_it_asks_the_database_the_same_however_long_it_is(self, story: Story) -> None:
        contact = story.contact()
        client, where = signed_in(), reverse("contact-history", args=[contact.reference])
        for danger in (True, False) * 5:
            document = {"source": "seen", "why": "Seen.", "immediate_danger": danger}
            corrections.learn(contact_id=contact.pk, document=document, by=person("amina"), now=story.later())
        client.get(where)
        with asked() as cost:
            assert len(Page(client.get(where)).main.all("tr")) == 11
        assert within(cost.statements, 12), cost
