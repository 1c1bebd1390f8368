"""Making an address confidential, and showing it again, on the page of a contact."""

from typing import Any, ClassVar

import pytest

from casework.facts.contact_document import AdultEntry
from casework.models import AddressProtection, Case, Contact, PersonMatch
from localities.models import Team
from tests.stage.documents import address, child
from tests.stage.staff import SignedIn, is_done, is_refused, is_wrong
from tests.stage.story import Story
from tests.stage.web_client import Page

(TELEPHONE,) = AdultEntry.model_fields["phone"].metadata
WORDS = "They live at 1, EXAMPLE rd (hp2o-1ua) since May."
WARNING = "An address is confidential. It is taken out of what people wrote"


@pytest.fixture
def contact(story: Story) -> Contact:
    return story.contact(children=[child(address=address("HP20 1UA"))], concern={"worries": WORDS})


def sent(contact: Contact, name: str, reason: str) -> dict[str, object]:
    return {f"{name}-person": contact.children.get().person_id, f"{name}-reason": reason}


def test_it_is_hidden_and_shown_again(contact: Contact) -> None:
    amina, maya = SignedIn("amina"), SignedIn("maya")
    before = amina.open(contact)
    assert WORDS in before.text
    assert WARNING not in before.text
    is_done(amina.send(contact, "protect", **sent(contact, "protect", "The refuge asked for it.")), contact)
    page = amina.open(contact)
    assert WARNING in page.text
    assert "They live at [confidential address] ([confidential address]) since May." in page.text
    assert f"/contacts/{contact}/lift/" not in page.actions
    is_done(maya.send(contact, "lift", **sent(contact, "lift", "He is in prison.")), contact)
    assert WORDS in amina.open(contact).text
    assert AddressProtection.objects.get().lifted_because == "He is in prison."


def test_why_a_team_was_recommended_names_no_catchment(story: Story, contact: Contact) -> None:
    case = story.accepted(contact)
    assert "HP20 1UA lies in Aylesbury (catchment HP20)." in SignedIn("ben").open(case).text
    is_done(SignedIn("amina").send(contact, "protect", **sent(contact, "protect", "She says so.")), contact)
    page = SignedIn("ben").open(case)
    assert "lies in Aylesbury" in page.text
    assert "HP20" not in page.text


def test_whoever_says_no_to_a_likeness_that_hides_it_is_told_and_says_why(story: Story) -> None:
    story.contact(by="example-police", children=[child(address=address("HP20 1UA", confidential=True))])
    aunt = {"first_name": "Ida", "last_name": "Bell", "same_address": True}
    likely = story.contact(children=[child(address=address("HP20 1UA"), nhs_number=None)], adults=[aunt])
    match, amina = PersonMatch.objects.get(child__contact=likely), SignedIn("amina")
    compare = f"/contacts/{likely}/matches/{match.pk}/compare/"
    for page, on in ((f"/contacts/{likely}/", {}), (compare, {"on": "compare"})):
        assert "shown to everybody" not in amina.open(page).text
        answer = amina.post(likely, f"matches/{match.pk}", same="no", **on)
        says = {f"id_apart{match.pk}-reason": "Enter why they are not the same, and how you know"}
        again = is_wrong(answer, says)
        assert f"If you say no, the address on {likely} is shown to everybody who may open it." in again.text
        assert "HP20" not in again.html
    said = {f"apart{match.pk}-reason": "Another Robin, says the health visitor."}
    is_done(amina.post(likely, f"matches/{match.pk}", same="no", **said), likely)
    assert not likely.children.get().address_is_confidential
    assert "not the same. Another Robin, says the health visitor." in amina.open(compare).text


def test_where_there_is_no_address_nothing_is_hidden_and_no_manager_is_sent_to_a_manager(story: Story) -> None:
    ask, can = "Ask a front-door manager or a service manager", "You can have it shown, with a reason"
    for home, is_there in (({"lines": [], "postcode": None}, False), (address("HP20 1UA"), True)):
        entry = child(address=home | {"confidential": True}, school=None, where_now=None)
        contact = story.contact(children=[entry], adults=[])
        for page in (f"/contacts/{contact}/", f"/people/{contact.children.get().person.reference}/"):
            for name, says in (("amina", ask), ("maya", can)):
                text = SignedIn(name).open(page).text
                assert (says in text, "Hidden: it is confidential" in text) == (is_there, is_there), (page, name)
            assert ask not in text
        found = Page(SignedIn("amina").client.post("/search/", {"text": "Robin Ashworth"}, follow=True))
        cards = [card.text for card in found.main.all("li") if str(contact) in card.text]
        assert ["AddressHidden: it is confidential" in card for card in cards] == [is_there]
        assert ["AddressNot known" in card for card in cards] == [not is_there]
        area = SignedIn("amina").open(contact).text
        assert ("Nobody has said whether the family lives in our area" in area) is not is_there
        assert ("our area: an address is confidential, and the rules do not use it" in area) is is_there
        maya = SignedIn("maya")
        is_done(maya.send(contact, "lift", **sent(contact, "lift", "He is in prison.")), contact)
        says = maya.open(contact).text
        assert ("No address is known" in says, "The address is shown again" in says) == (not is_there, is_there)


def test_whoever_picked_a_team_did_not_pass_over_one_that_knows_the_family(story: Story) -> None:
    contact = story.contact(children=[child(address=address("HP20 1UA", confidential=True))])
    team = Team.objects.get(code="aylesbury")
    story.decided(contact, chosen_team_id=team.pk, chosen_team_reason="Near her aunt.")
    text = SignedIn("ben").open(Case.objects.get()).text
    assert "Near her aunt." in text
    assert "Why not to those who know the family" not in text


def test_why_and_whose_are_asked(contact: Contact) -> None:
    amina = SignedIn("amina")
    says = "Enter who wants the address to be confidential, and why"
    is_wrong(amina.send(contact, "protect", **sent(contact, "protect", " ")), {"id_protect-reason": says})
    is_wrong(
        amina.send(contact, "protect", **{"protect-reason": "She says so."}),
        {"id_protect-person": "Select whose address"},
    )
    assert not AddressProtection.objects.exists()


def test_a_manager_shows_it_and_nobody_else(contact: Contact) -> None:
    is_done(SignedIn("amina").send(contact, "protect", **sent(contact, "protect", "She says so.")), contact)
    answer = SignedIn("oliver").post(contact, "lift", **sent(contact, "lift", "He moved."))
    is_refused(answer, 403, "Only a front-door manager or a service manager")


def test_somebody_on_another_contact_is_not_chosen_here(story: Story, contact: Contact) -> None:
    other = story.contact(children=[child(first_name="Noor", nhs_number=None, date_of_birth="2015-08-21")], adults=[])
    answer = SignedIn("amina").post(contact, "protect", **sent(other, "protect", "She says so."))
    assert answer.status_code == 422
    assert not AddressProtection.objects.exists()


def test_why_a_case_is_where_it_is_does_not_say_where_the_family_is(story: Story) -> None:
    story.accepted(story.contact(children=[child(address=address("HP20 1UA"))]))
    ben = SignedIn("ben")
    case = Case.objects.get()
    assert "HP20 1UA lies in Aylesbury" in ben.open(case).text
    marked = story.contact(by="example-police", children=[child(address=address("HP20 1UA", confidential=True))])
    assert marked.children.get().address_is_confidential
    page = ben.open(case)
    assert "HP20" not in page.text.replace("(catchment HP20)", "")
    assert "[confidential address] lies in Aylesbury" in page.text


def bar_of(contact: Contact) -> str:
    (bar,) = SignedIn("amina").open(contact).main.all(class_="app-identity")
    return bar.text


def test_the_bar_shows_no_address_where_anybody_has_a_confidential_one(story: Story) -> None:
    ada = child(ref="a", first_name="Ada", nhs_number=None, address=address("HP20 1UA"))
    bo = child(ref="b", first_name="Bo", nhs_number=None, date_of_birth="2018-03-09", address=address("HP19 7HT"))
    open_to_all = bar_of(story.contact(children=[ada, bo], adults=[]))
    assert "HP20 1UA" in open_to_all
    assert "Confidential address" not in open_to_all
    at_a_refuge = bo | {"last_name": "Haddad", "address": address("HP19 7HT", confidential=True)}
    bar = bar_of(story.contact(children=[ada | {"last_name": "Haddad"}, at_a_refuge], adults=[]))
    assert "Confidential address" in bar
    assert "HP20" not in bar
    assert "Example Road" not in bar


def test_the_bar_says_who_it_is_about_and_who_works_with_them(story: Story) -> None:
    story.accepted()
    home = {"lines": ["sofa surfing, ", ", friends in HP20"]}
    again = story.contact(children=[child(address=home)], adults=[], concern={"worries": "Again."})
    bar = bar_of(again)
    assert "Open: Aylesbury" in bar
    assert "sofa surfing, friends in HP20, postcode not known" in bar
    assert f"{again.children.get().called} (" in bar


def test_an_address_of_which_nothing_is_known_is_said_to_be_not_known(story: Story) -> None:
    contact = story.contact(children=[child(address={})], adults=[])
    assert "Address not known" in bar_of(contact)
    assert "postcode not known" not in SignedIn("amina").open(contact).text


class TestAnAdultsOwnAddress:
    """A father lives elsewhere. His address is on his card and his page, and of the children nothing changes."""

    FATHER: ClassVar[dict[str, Any]] = {
        "first_name": "Lee", "last_name": "Druery", "date_of_birth": "1984-05-06", "same_address": False,
        "address": {"lines": ["9 Quincunx Parade", "Wendover"], "postcode": "hp22 6aa"},
    }  # fmt: skip

    @pytest.fixture
    def contact(self, story: Story) -> Contact:
        return story.contact(
            children=[child(address=address("HP20 1UA"))], adults=[self.FATHER],
            concern={"worries": "He was seen at 9 quincunx pde (HP22-6AA)."},
        )  # fmt: skip

    def test_is_on_the_card_and_on_the_page_of_the_adult(self, contact: Contact) -> None:
        amina, father = SignedIn("amina"), contact.adults.get().person
        shown = "9 Quincunx Parade, Wendover, HP22 6AA"
        page = amina.open(contact)
        assert f"Own address{shown}" in page.text
        assert "At the child's addressNo" in page.text
        assert shown in amina.open(f"/people/{father.reference}/").text
        assert "Quincunx" not in amina.open(f"/people/{contact.children.get().person.reference}/").text

    def test_finds_the_adult_and_the_family(self, contact: Contact) -> None:
        for text in ("HP22 6AA", "9 Quincunx Parade Wendover"):
            found = Page(SignedIn("amina").client.post("/search/", {"text": text}, follow=True))
            (card,) = [card.text for card in found.main.all("li") if str(contact) in card.text]
            assert "Lee Druery" in card
            assert "Robin Ashworth" in card

    def test_that_is_confidential_is_said_to_stay_where_its_field_is_left_empty(self, story: Story) -> None:
        """A field that is empty without a word looks as if nothing were recorded."""
        father = self.FATHER | {"address": self.FATHER["address"] | {"confidential": True}, "phone": "01296 555999"}
        contact = story.contact(children=[child(address=address("HP20 1UA"))], adults=[father])
        page = SignedIn("amina").open(f"/contacts/{contact}/correct/adult/{contact.adults.get().pk}/")
        for name in ("address_lines", "postcode", "phone"):
            (hint,) = page.main.all(id=f"id_fact-{name}_helptext")
            assert hint.text == "Hidden: it is confidential. If you leave this empty, it stays as it is.", name
        assert not page.main.all(id="id_fact-first_name_helptext")

    def test_that_is_confidential_hides_every_telephone_number(self, story: Story) -> None:
        """Their number leads there; a field that is new in the document does, too."""
        numbers = {
            name: f"01296 5559{place:02}"
            for place, (name, field) in enumerate(AdultEntry.model_fields.items())
            if TELEPHONE in field.metadata
        }
        assert "phone" in numbers
        father = self.FATHER | {"address": self.FATHER["address"] | {"confidential": True}} | numbers
        contact = story.contact(children=[child(address=address("HP20 1UA"))], adults=[father])
        adult, amina = contact.adults.get(), SignedIn("amina")
        for page in (f"/contacts/{contact}/", f"/contacts/{contact}/correct/adult/{adult.pk}/"):
            html = amina.open(page).html
            shown = [name for name, number in numbers.items() if number in html]
            assert shown == [], f"{page} shows these: see `hidden_facts`, and the templates"

    def test_is_corrected_and_the_history_says_so(self, contact: Contact) -> None:
        amina, adult = SignedIn("amina"), contact.adults.get()
        at = f"/contacts/{contact}/correct/adult/{adult.pk}/"
        form = amina.open(at).form("")
        assert (form["fact-address_lines"], form["fact-postcode"]) == ("9 Quincunx Parade\r\nWendover", "HP22 6AA")
        said = {"fact-address_lines": "4 Other Street", "fact-postcode": "SL7 1AA", "fact-same_address": "yes"}
        said |= {"fact-source": "family", "fact-why": "He moved."}
        assert amina.client.post(at, form | said).status_code == 302
        adult.refresh_from_db()
        assert (adult.postcode, adult.recorded_as.postcode) == ("SL7 1AA", "SL7 1AA")
        assert "Own address4 Other Street, SL7 1AA" in amina.open(contact).text
        history = amina.open(f"/contacts/{contact}/history/").text
        assert "9 Quincunx Parade, Wendover" in history
        assert "with a child of this contact" in history

    def test_is_hidden_everywhere_once_it_is_confidential(self, contact: Contact) -> None:
        amina, adult = SignedIn("amina"), contact.adults.get()
        at = f"/contacts/{contact}/correct/adult/{adult.pk}/"
        said = {"fact-confidential": "on", "fact-source": "family", "fact-why": "He fled."}
        assert amina.client.post(at, amina.open(at).form("") | said).status_code == 302
        page = amina.open(contact)
        assert WARNING in page.text
        assert "Own addressHidden: it is confidential." in page.text
        assert "He was seen at [confidential address] ([confidential address])." in page.text
        assert "1 Example Road, HP20 1UA" in page.text
        for where in (
            f"/people/{adult.person.reference}/",
            at,
            f"/contacts/{contact}/history/",
            f"/contacts/{contact}/",
        ):
            html = amina.open(where).html
            assert "uincunx" not in html, where
            assert "HP22" not in html.upper(), where
        assert "fact-confidential" not in amina.open(at).form("")
        found = Page(amina.client.post("/search/", {"text": "HP22 6AA"}, follow=True))
        assert str(contact) not in found.text

    def test_who_lives_with_whom(self, story: Story) -> None:
        stepmother = {
            "first_name": "Ida",
            "last_name": "Bell",
            "same_address": False,
            "address": self.FATHER["address"],
        }
        contact = story.contact(children=[child(address=address("HP20 1UA"))], adults=[self.FATHER, stepmother])
        text = SignedIn("amina").open(f"/people/{contact.adults.all()[0].person.reference}/").text
        assert text.count("Lived together") == 1
