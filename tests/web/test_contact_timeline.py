"""The chronology on a contact's page: what each line of the household's story led to, as far as the reader may see."""

import pytest

from casework.actions import protecting
from casework.models import Contact
from tests.stage.documents import address, child
from tests.stage.families import KIM
from tests.stage.restricted import restrict
from tests.stage.staff import SignedIn
from tests.stage.story import Story, person
from tests.stage.web_client import Page


@pytest.fixture
def contact(story: Story) -> Contact:
    """Of a family whose case has ended: a partner answered, a decision was made, and a team took it on."""
    first = story.contact(children=[child(address=address("HP20 1UA"))])
    story.answered(story.asked(first, question="Known?"), "Called twice to 1 Example Road.")
    case = story.accepted(first)
    story.note(first, text="Called at 1 Example Road. " + "Nobody was in. " * 30)
    story.corrected(story.note(first, readers="team", kind="visit", text="Seen."), kind="visit", text="Seen, and well.")
    story.note(case, by="ben", kind="meeting", text="Of the case.")
    story.closed(case)
    story.later(days=40)
    return story.contact(by="example-police", children=[child(address=address("HP20 1UA"))])


def titles(page: Page) -> list[str]:
    return [each.text for each in page.main.all("h3", class_="app-timeline__title")]


ALL = [
    "Case closed", "Note: visit", "Note: telephone call",
    "From the front door to a team: Front door to Aylesbury team", "Decision: Family help", "Case opened",
    "Answer of Example Police", "Contact from Example Primary School",
]  # fmt: skip


def test_it_is_everything_of_the_household_but_this_contact_the_newest_first(contact: Contact) -> None:
    page = SignedIn("amina").open(contact)
    assert titles(page) == ALL
    for said in (
        "It led to family help", "It led to case CAS-", "accepted", "Called twice to 1 Example Road.",
        "By Amina Hussain, on contact CON-", "corrected since: Seen, and well.", "Nobody was in. Nobody …",
    ):  # fmt: skip
        assert said in page.text, said


def test_its_kinds_are_links(contact: Contact) -> None:
    amina = SignedIn("amina")
    links = [link["href"] for link in amina.open(contact).main.all("a") if "?kind=" in link["href"]]
    assert len(links) == 6
    found = [title for link in links for title in titles(Page(amina.client.get(link)))]
    assert sorted(found) == sorted(ALL)
    assert titles(Page(amina.client.get(f"/contacts/{contact}/?kind=nonsense"))) == ALL


def test_a_restricted_brothers_contact_is_not_in_it(story: Story, contact: Contact) -> None:
    alone = story.contact(children=[child(), child(**KIM)], adults=[])
    story.note(alone, text="He told us where he sleeps.")
    amina = SignedIn("amina")
    assert str(alone) in amina.open(contact).text
    assert "where he sleeps" in amina.open(contact).text
    restrict(story, story.contact(children=[child(**KIM)], adults=[]))
    page = amina.open(contact)
    assert page.status == 200
    assert str(alone) not in page.html
    assert "where he sleeps" not in page.html


def test_what_partners_wrote_does_not_lead_to_a_hidden_address(story: Story, contact: Contact) -> None:
    protecting.protect(
        person_id=contact.children.get().person_id, reason="He fled.", by=person("amina"), now=story.later()
    )
    page = SignedIn("amina").open(contact)
    assert "Called twice to" in page.text
    assert "Example Road" not in page.html


def test_a_family_that_nobody_knows_has_none(story: Story) -> None:
    page = SignedIn("amina").open(story.contact())
    assert titles(page) == []
    assert "No matching records found." in page.text


def test_the_childs_words_come_first(story: Story) -> None:
    said = {"worries": "He is often hungry.", "childs_words": "I like it when granny cooks."}
    text = SignedIn("amina").open(story.contact(concern=said)).main.text
    assert text.index("In the child's words") < text.index("Presenting concern")


def test_nor_to_that_of_whoever_somebody_may_be(story: Story) -> None:
    """A child who is only likely the same counts as history, and their partner's words are on this page, too."""
    first = story.contact(children=[child(address=address("HP20 1UA"), also_known_as=[])], adults=[])
    story.answered(story.asked(first, question="Known?"), "Called twice to 1 Example Road.")
    hidden = first.children.get().person_id
    protecting.protect(person_id=hidden, reason="He fled.", by=person("amina"), now=story.later())
    likely = child(nhs_number=None, also_known_as=[], address=address("SL7 1AA") | {"lines": ["9 Far Lane"]})
    page = SignedIn("amina").open(story.contact(by="example-police", children=[likely], adults=[]))
    assert "Called twice to" in page.text
    assert "Example Road" not in page.html


def test_nor_does_a_persons_page_to_that_of_a_child_beside_whoever_they_may_be(story: Story) -> None:
    home = {"lines": ["31 Zinnia Way"], "postcode": "SL7 1AA", "confidential": True}
    beside = child(**KIM, address=home)
    first = story.contact(by="example-police", children=[child(nhs_number=None), beside], adults=[])
    story.answered(story.asked(first, question="Known?"), "Called twice to 31 Zinnia Way.")
    again = story.contact(children=[child(nhs_number=None)], adults=[])
    page = SignedIn("amina").open(f"/people/{again.children.get().person.reference}/")
    assert "Called twice to" in page.text
    assert "innia" not in page.html


@pytest.mark.parametrize("name", ["amina", "ava", "ben"])
def test_the_bar_leads_to_the_parts_that_are_on_the_page(story: Story, contact: Contact, name: str) -> None:
    if name == "ben":
        contact = story.accepted().contacts.get()
    page = SignedIn(name).open(contact)
    (parts,) = page.main.all("nav", class_="app-identity__parts")
    links = [link["href"] for link in parts.all("a")]
    assert "#story-heading" in links
    assert {link.removeprefix("#") for link in links} <= {*page.ids}
    assert ("#chronology-heading" in links) is (name != "ben")


def test_a_note_is_in_it_for_whoever_may_read_it_where_it_stands(story: Story, contact: Contact) -> None:
    case = Contact.objects.exclude(case=None).get().case
    of_team = story.note(case, by="ben", kind="discussion", readers="team") if case else None
    assert of_team is not None
    notes = {"Note: visit", "Note: telephone call", "Note: meeting", "Note: professional discussion"}
    for name, path, less in (
        ("amina", f"/contacts/{contact}/", {"Note: meeting", "Note: professional discussion"}),
        ("sam", f"/contacts/{contact}/", set()),
        ("ben", f"/cases/{case}/chronology/", {"Note: visit"}),
    ):
        found = set(titles(Page(SignedIn(name).client.get(f"{path}?kind=notes"))))
        assert found == notes - less, name


def test_a_hidden_address_is_masked_before_a_note_is_cut_off(story: Story, contact: Contact) -> None:
    first = Contact.objects.exclude(pk=contact.pk).get()
    hides = first.children.get().person
    protecting.protect(person_id=hides.pk, reason="She fled.", by=person("amina"), now=story.later())
    for length in range(150, 200, 7):
        story.note(first, text=f"{'x ' * (length // 2)}1 Example Road, HP20 1UA. So it is. {'y ' * 90}")
    html = SignedIn("amina").open(contact).html
    assert html.count("Note: telephone call") > 5
    for leak in ("Example Road", "1 Example", "HP20"):
        assert leak not in html
