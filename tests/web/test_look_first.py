"""Look first: likely families before a contact is written down, and what was typed goes along to the form."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.models import AuditEvent, Contact, ContactDraft, Event
from tests.stage.documents import address, child
from tests.stage.restricted import restrict
from tests.stage.staff import SignedIn
from tests.stage.story import Story
from tests.stage.web_client import Page, day_of

LOOK, LIKELY, NEW = "/contacts/new/look/", "/contacts/new/likely/", "/contacts/new/"
ZOE = {"first_name": "Zoe", "last_name": "Nunez"}
BORN = {"date_of_birth_day": "4", "date_of_birth_month": "3", "date_of_birth_year": "2015"}


def carried(page: Page) -> dict[str, Any]:
    """What a browser would send from this page with one of the buttons that lead to the new contact."""
    button = page.main.all("button", formaction=NEW)[0]
    return page.form(LOOK) | {button["name"]: button["value"]}


def zoe(story: Story, **changes: Any) -> Contact:
    described = {"first_name": "Zoë", "last_name": "Núñez", "date_of_birth": "2015-03-04", "nhs_number": "9990000026"}
    mother = {
        "first_name": "Inés", "last_name": "Núñez", "relationship": "mother", "same_address": True,
        "phone": "01296 555123",
    }  # fmt: skip
    entry = child(**(described | {"address": address("HP20 1UA")} | changes))
    return story.contact(children=[entry], adults=[mother])


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"first_name": "Zoe", "last_name": "Nunez"}, "Same last name"),
        ({"first_name": "Zoe", **BORN}, "Same date of birth"),
        ({"first_name": "Zoe", **BORN, "date_of_birth_day": ""}, "Born in March 2015"),
        ({"first_name": "Zoe", **BORN, "date_of_birth_day": "", "date_of_birth_month": "March"}, "Born in March 2015"),
        ({"last_name": "Nunez", "phone": "01296 555123 07700 900123"}, "Same telephone number"),
        ({"last_name": "Nunes", "postcode": "hp2o1ua"}, "Same postcode"),
        ({"nhs_number": "999 000 0026"}, "Same NHS number"),
        ({"phone": "+44 1296 555123"}, "Same telephone number"),
        ({"address_lines": "1 Example Road", "postcode": "HP20 1UA"}, "Same address"),
        ({"last_name": "Nunez", "address_lines": "Aylesbury"}, "Lives in HP20 (Aylesbury)"),
        ({"last_name": "Nunez", "address_lines": "1 Example"}, "Address has these words"),
        ({"last_name": "Nunez", "address_lines": "1 Example Road, HP20 1UA"}, "Same address"),
    ],
)
def test_a_likely_family_is_named_with_why(story: Story, typed: dict[str, str], why: str) -> None:
    zoe(story)
    for where in (LOOK, LIKELY):
        answer = SignedIn("amina").client.post(where, typed, follow=True)
        said = answer.content.decode()
        assert answer.status_code == 200
        assert "Núñez" in said
        assert why in said
    assert "Likely families" in said


def test_none_of_these_takes_what_was_typed_to_the_form(story: Story) -> None:
    zoe(story)
    by = SignedIn("amina")
    typed = {
        "first_name": "Zoe", "last_name": "Nunez", **BORN, "address_lines": "2 Other Road", "postcode": "HP21 7AA",
        "phone": "01296 555999", "nhs_number": "999 000 0018",
    }  # fmt: skip
    page = Page(by.client.post(LOOK, typed, follow=True))
    assert "None of these" in page.text
    tasks = by.client.post(NEW, carried(page)).headers["Location"]
    fields: dict[str, Any] = {}
    for name in ("children", "household"):
        fields |= by.open(f"{tasks}{name}/").form(f"{tasks}{name}/")
    for name, value in typed.items():
        prefix = "adult" if name == "phone" else "child"
        assert fields[f"{prefix}-0-{name}"] == value
    drafts = by.open("/contacts/drafts/").text
    assert "Zoe Nunez" in drafts
    assert "No child named yet" not in drafts
    # Whoever goes back and continues again loses nothing of what they typed since.
    by.client.post(f"{tasks}children/", fields | {"child-0-first_name": "Zoë", "child-0-nhs_number": ""})
    assert by.client.post(NEW, carried(page)).headers["Location"] == tasks
    again = by.open(f"{tasks}children/").form(f"{tasks}children/")
    assert (again["child-0-first_name"], again["child-0-nhs_number"]) == ("Zoë", "999 000 0018")
    assert not Contact.objects.filter(entered_by=by.user).exists()


def test_who_continues_without_looking_takes_along_what_they_typed(db: None) -> None:
    by = SignedIn("amina")
    page = by.open(LOOK)
    tasks = by.client.post(NEW, carried(page) | ZOE).headers["Location"]
    (button,) = page.main.all("button", formaction=NEW)
    assert button.text == "Continue without looking"
    assert {"carried", *ZOE} <= page.names(LOOK), "one form: the button sends what is in the fields"
    form = by.open(f"{tasks}children/").form(f"{tasks}children/")
    assert (form["child-0-first_name"], form["child-0-last_name"]) == ("Zoe", "Nunez")


def test_each_family_that_is_found_can_be_continued_with(story: Story) -> None:
    """It leads where "None of these" leads, and says nothing of who the child is."""
    zoe(story)
    by = SignedIn("amina")
    page = Page(by.client.post(LOOK, ZOE, follow=True))
    buttons = page.main.all("button", formaction=NEW)
    names = [link.text for link in page.main.all("h3", class_="govuk-summary-card__title")]
    assert [each.text for each in buttons] == [
        *(f"Continue with this family: {name}" for name in names), "None of these: continue",
    ]  # fmt: skip
    assert ["govuk-button--secondary" in each["class"] for each in buttons] == [*(False for _ in names), True]
    assert len({(each["name"], each["value"]) for each in buttons}) == 1
    first = page.main.all("button")[0]
    assert (first.text, first["formaction"]) == ("Look", ""), "Enter in a field looks"


def test_the_expected_date_of_an_unborn_child_goes_along_as_one(db: None) -> None:
    due = timezone.localdate() + timedelta(days=60)
    typed = {"last_name": "Nunez"} | day_of(due, "date_of_birth")
    by = SignedIn("amina")
    page = Page(by.client.post(LOOK, typed, follow=True))
    tasks = by.client.post(NEW, carried(page)).headers["Location"]
    form = by.open(f"{tasks}children/").form(f"{tasks}children/")
    assert day_of(due, "child-0-expected_date_of_delivery").items() <= form.items()
    assert form["child-0-date_of_birth_day"] == ""


@pytest.mark.parametrize("day", [("31", "2", "2015"), ("1", "1", "2035"), ("", "", "15"), ("4", "", "2015")])
def test_what_cannot_be_read_is_said_and_not_looked_for(story: Story, day: tuple[str, str, str]) -> None:
    zoe(story)
    born = dict(zip(BORN, day, strict=True))
    by = SignedIn("amina")
    page = Page(by.client.post(LOOK, ZOE | {"postcode": "zz", **born}, follow=True))
    assert "The date of birth and the postcode could not be read, and nobody was looked for by it." in page.text
    assert "Zoë Núñez" in page.text
    alone = Page(by.client.post(LOOK, {"first_name": "Zoe", **born}, follow=True))
    assert dict(alone.summary) == {
        "id_first_name": "The date of birth could not be read. Correct it, or enter something else."
    }
    assert "Zoë" in by.client.post(LIKELY, {"first_name": "Zoe", "last_name": "Nunez", **born}).content.decode()


def test_a_telephone_number_is_read_with_its_slips_and_said_so(story: Story) -> None:
    zoe(story)
    by = SignedIn("amina")
    for where in (LOOK, LIKELY):
        said = by.client.post(where, {"phone": "O1296 5SS123"}, follow=True).content.decode()
        assert "Inés Núñez" in said
        assert "“O1296 5SS123” was read as 01296555123." in said
    short = Page(by.client.post(LOOK, ZOE | {"phone": "07700 90012"}, follow=True))
    assert "The telephone number could not be read, and nobody was looked for by it." in short.text
    alone = Page(by.client.post(LOOK, {"phone": "07700 90012"}, follow=True))
    assert alone.status == 422
    assert "The telephone number could not be read" in dict(alone.summary)["id_first_name"]


def test_an_unborn_child_is_found_by_the_expected_day(story: Story) -> None:
    zoe(story, date_of_birth=None, first_name="", nhs_number=None, expected_date_of_delivery="2027-02-03")
    day = {"date_of_birth_day": "3", "date_of_birth_month": "2", "date_of_birth_year": "2027"}
    page = Page(SignedIn("amina").client.post(LOOK, {"last_name": "Nunez"} | day, follow=True))
    assert "Expected on the same day" in page.text


def test_a_year_alone_is_looked_for(story: Story) -> None:
    zoe(story)
    page = Page(SignedIn("amina").client.post(LOOK, {"first_name": "Zoe", "date_of_birth_year": "2015"}, follow=True))
    assert "Zoë Núñez" in page.text
    assert "could not be read" not in page.text


def test_what_was_found_comes_before_the_form(story: Story) -> None:
    zoe(story)
    said = SignedIn("amina").client.post(LOOK, ZOE, follow=True).content.decode()
    assert (
        said.index("Likely families")
        < said.index("Look again")
        < said.index('name="first_name"', said.index("Look again"))
    )


def test_what_was_found_has_an_address_of_its_own(story: Story) -> None:
    """So that Back works; it says nothing of what was typed, and leads nowhere for anybody else."""
    zoe(story)
    by = SignedIn("amina")
    leads_to = by.client.post(LOOK, ZOE)
    assert leads_to.status_code == 302
    where = leads_to.headers["Location"]
    assert "Nunez" not in where
    page = by.open(where)
    assert "Zoë Núñez" in page.text
    assert page.form(LOOK)["last_name"] == "Nunez"
    other = SignedIn("oliver").open(where)
    assert "Núñez" not in other.text
    assert "no longer kept" in other.text


def test_nobody_found_goes_on_in_honest_words(story: Story) -> None:
    zoe(story)
    page = Page(SignedIn("amina").client.post(LOOK, {"first_name": "Ada", "last_name": "Thistlewood"}, follow=True))
    assert "No matching records found" in page.text
    assert "It does not mean that the family is not known" in page.text
    assert "Núñez" not in page.text
    assert carried(page)["first_name"] == "Ada"


@pytest.mark.parametrize("typed", [{}, {"last_name": "Nunez"}, {"postcode": "HP20 1UA"}, {"first_name": "Zoe"}])
def test_too_little_finds_nobody(story: Story, typed: dict[str, str]) -> None:
    zoe(story)
    by = SignedIn("amina")
    page = Page(by.client.post(LOOK, typed, follow=True))
    assert page.status == 422
    assert "Núñez" not in page.main.text
    assert by.client.post(LIKELY, typed).content.decode().strip() == ""
    assert not AuditEvent.objects.filter(event=Event.SEARCHED).exists()


def test_a_restricted_family_is_one_sentence(story: Story) -> None:
    restrict(story, zoe(story))
    for where in (LOOK, LIKELY):
        said = SignedIn("amina").client.post(where, ZOE, follow=True).content.decode()
        assert "A restricted record exists. Ask Sam" in said
        assert "Núñez" not in said


def test_a_hidden_home_finds_nobody(story: Story) -> None:
    zoe(story, address=address("HP20 1UA") | {"confidential": True})
    typed = {"address_lines": "1 Example Road", "postcode": "HP20 1UA"}
    assert "Núñez" not in SignedIn("amina").client.post(LIKELY, typed).content.decode()
    found = SignedIn("amina").client.post(LOOK, ZOE, follow=True).content.decode()
    assert "Núñez" in found
    assert "Example Road" not in found


def test_only_who_enters_contacts_looks_here(story: Story) -> None:
    for where in (LOOK, LIKELY):
        assert SignedIn("ben").client.post(where, {"first_name": "Zoe", "last_name": "Nunez"}).status_code == 403
    assert SignedIn("amina").client.get(LIKELY).status_code == 405


def test_every_look_is_audited_without_what_was_typed(story: Story) -> None:
    zoe(story)
    SignedIn("amina").client.post(LIKELY, {"first_name": "Zoe", "last_name": "Nunez"})
    detail = AuditEvent.objects.get(event=Event.SEARCHED).detail
    assert detail == {"by_what": ["a name"], "found": 1, "restricted": 0, "why": "front_door"}


class TestWhetherAChildIsInDanger:
    """The first question. The answer is on the draft, whichever way somebody goes on."""

    def test_nothing_is_chosen_and_an_answer_is_needed(self, db: None) -> None:
        by = SignedIn("amina")
        page = by.open(NEW)
        assert page.heading == "New contactIs a child in immediate danger?"
        assert "contact-immediate_danger" not in page.form(NEW)
        answer = Page(by.client.post(NEW, page.form(NEW), follow=True))
        assert answer.summary == [("id_contact-immediate_danger", "Select whether a child is in immediate danger")]
        assert answer.summary[0][0] in answer.ids
        assert answer.form(NEW)["key"] == page.form(NEW)["key"]
        assert not ContactDraft.objects.exists()

    def test_yes_says_what_to_do_and_is_on_the_draft_at_once(self, db: None) -> None:
        by = SignedIn("amina")
        form = by.open(NEW).form(NEW) | {"contact-immediate_danger": "yes"}
        page = Page(by.client.post(NEW, form, follow=True))
        assert page.heading == "New contactCall 999 now"
        draft = ContactDraft.objects.get(owner=by.user)
        assert draft.typed == {"contact-immediate_danger": ["yes"]}
        assert f"{NEW}{draft.key}/" in [link["href"] for link in page.main.all("a")]
        (onwards,) = [link["href"] for link in page.main.all("a") if link["href"].startswith(LOOK)]
        go_on = carried(by.open(onwards))
        assert by.client.post(NEW, go_on).headers["Location"] == f"{NEW}{draft.key}/"
        assert "Is a child in immediate danger? Yes" in by.open(f"{NEW}{draft.key}/check/").text

    @pytest.mark.parametrize(("answer", "says"), [("no", "No"), ("not_known", "Not known")])
    def test_else_somebody_looks_first_and_the_answer_goes_along(self, story: Story, answer: str, says: str) -> None:
        zoe(story)
        by = SignedIn("amina")
        form = by.open(NEW).form(NEW) | {"contact-immediate_danger": answer}
        page = Page(by.client.post(NEW, form, follow=True))
        assert page.heading.endswith("Look first: is the family known?")
        assert not ContactDraft.objects.exists(), "nobody has typed anything yet"
        # Straight on, or after a search.
        found = Page(by.client.post(LOOK, page.form(LOOK) | ZOE, follow=True))
        for going_on in (carried(page), carried(found)):
            tasks = by.client.post(NEW, going_on).headers["Location"]
            assert form["key"] in tasks
            assert f"Is a child in immediate danger? {says}" in by.open(f"{tasks}check/").text

    def test_the_start_of_a_draft_leads_to_its_tasks(self, db: None) -> None:
        by = SignedIn("amina")
        form = by.open(NEW).form(NEW) | {"contact-immediate_danger": "yes"}
        by.client.post(NEW, form)
        assert by.client.get(NEW, {"form": form["key"]}).headers["Location"] == f"{NEW}{form['key']}/"
