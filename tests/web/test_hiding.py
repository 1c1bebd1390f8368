"""What is taken out of a page about a family in hiding, and what stays: words of an address, and never the markup."""

from typing import Any

from django.urls import reverse

from casework.families.confidentiality import MOST_OF_A_HIDDEN_HOME, hidden_homes
from casework.models import Contact
from tests.stage.documents import child
from tests.stage.staff import SignedIn, path_of
from tests.stage.story import Story
from tests.stage.web_client import Page

MASK = "[confidential address]"


def worry(contact: Contact) -> str:
    (told,) = SignedIn("amina").open(contact).main.all("p", class_="app-given")[:1]
    return told.text


# What was sent as a line, what somebody wrote, and how a page shows it.
TOLD = (
    ("45 Park Street, Aylesbury", "They are at 45 Park Street.", f"They are at {MASK}."),
    ("Flat 2, 31 Walton Street, Aylesbury", "At flat 2 31 walton st now", f"At {MASK} now"),
    ("Flat 7, 31 Larkspur Lane", "mum of 31, Larkspur Ln.", f"mum of {MASK}."),
    ("33 Zinnia Way Aylesbury", "Zinnia Way, number 33", f"{MASK}, number 33"),
    ("31a Tindal Rd", "31 a Tindal Road", MASK),
    ("Rose House, 35 Fuchsia Lane", "at Rose House", f"at {MASK}"),
    ("9 Rosewood Court", "the Rosewood Crt refuge", f"the {MASK} refuge"),
    ("The Nook", "At the Nook. He hid in the nook.", f"At {MASK}. He hid in the nook."),
    (
        "martha's old firs, Aylesbury",
        "Martha's Old Firs, THE FIRS, martha's old firs",
        f"{MASK}, THE FIRS, martha's old firs",
    ),
    ("Rose Cottage", "to rose cottage", f"to {MASK}"),
    ("1 Some Road", "HP20%201UA, \N{FULLWIDTH LATIN CAPITAL LETTER H}P20 1UA", f"{MASK}, {MASK}"),
    ("2 Some Road", "He likes St Louis school.", f"He likes {MASK}."),
    (
        "77 Quincunx Parade",
        "77 Quincunx, 77b quincunx Pde, Quincunx pde. A quincunx.",
        f"{MASK}, {MASK}, {MASK}. A quincunx.",
    ),
    ("18-20 Upper Quandary Point", "18 Upr Quandary Hl or upr. quandary Pt", f"{MASK} or {MASK}"),
    ("26, Mount Umber, Haddenham", "26 Mt Umber", MASK),
    ("27 St Crispins Gardens", "27 Saint Crispin's, 27 St. Crispins Grdns", f"{MASK}, {MASK}"),
    ("5 High Street", "Scored 5 high at 5 High St", f"Scored 5 high at {MASK}"),
)


def test_every_part_of_an_address_and_the_school_are_taken_out_of_what_people_wrote(story: Story) -> None:
    children = [
        child(
            ref=f"c{number}",
            first_name=f"Child {number}",
            nhs_number=None,
            school="St Louis school",
            address={"lines": [line], "postcode": "HP20 1UA", "confidential": True},
        )
        for number, (line, _, _) in enumerate(TOLD)
    ]
    wrote, shows = (", then: ".join(each[place] for each in TOLD) for place in (1, 2))
    assert worry(story.contact(children=children, adults=[], concern={"worries": wrote})) == shows


NO_ADDRESS = [
    "Not known", "Social worker", "Aylesbury", "has a knife and threatens to kill", "form method post",
    "input type hidden name csrfmiddlewaretoken value", "1 form method post", "first name value",
    "govuk button class", "by the way", "The Father", "at the Lodge", "3 May Street",
]  # fmt: skip


def test_a_partner_cannot_blot_out_what_another_wrote_nor_take_a_page_apart(story: Story) -> None:
    words = "The Father has a knife and threatens to kill, by the way. The social worker knows. At the Lodge, 3 May."
    plain = story.contact(children=[child()], adults=[], concern={"worries": words})
    before = SignedIn("amina").open(plain)
    home = {"lines": NO_ADDRESS, "postcode": "HP20 1UA", "confidential": True}
    story.contact(
        by="example-police", children=[child(address=home, also_known_as=["x onfocus=alert(1) y"])], adults=[]
    )
    after = SignedIn("amina").open(plain)
    assert "Hidden" in after.text
    assert words in after.text
    assert MASK not in after.text
    assert after.actions >= before.actions - {f"{path_of(plain)}protect/"}, "all forms are there"


def test_what_is_read_aloud_or_edited_is_masked_too(story: Story) -> None:
    """The name of a mother was typed with the address in it."""
    home = {"lines": ["31 Zinnia Way"], "postcode": "HP20 1UA", "confidential": True}
    told = story.contact(
        children=[child(address=home)],
        adults=[{"first_name": "Cornelia 31 Zinnia Way", "last_name": "Vane", "phone": "", "same_address": True}],
    )
    mother, maya = told.adults.get(), SignedIn("maya")
    pages = (
        path_of(told),
        f"/contacts/{told}/correct/adult/{mother.pk}/",
        f"/contacts/{told}/restrict/",
        f"/people/{mother.person.reference}/",
        f"/people/{mother.person.reference}/add/former-name/",
    )
    assert [path for path in pages if "innia" in maya.open(path).html] == []
    found = Page(maya.client.post("/search/", {"text": "Robin Ashworth"}, follow=True))
    looked = maya.client.post(reverse("contact-look"), {"first_name": "Robin", "last_name": "Ashworth"}, follow=True)
    likely = maya.client.post(reverse("contact-likely"), {"first_name": "Robin", "last_name": "Ashworth"})
    for shown in (found, Page(looked), Page(likely)):
        assert f"Cornelia {MASK} Vane" in shown.text
        assert "innia" not in shown.html


def test_a_name_in_the_worklist_is_masked_by_what_hides_of_its_own_family(story: Story) -> None:
    home = {"lines": ["31 Zinnia Way"], "postcode": "HP20 1UA"}
    hides = {"address": home | {"confidential": True}, "first_name": "Rob <31 Zinnia Way"}
    like_nobody: dict[str, Any] = {"nhs_number": None, "also_known_as": [], "sex": "F", "date_of_birth": "2012-02-11"}
    by_itself = {"first_name": "Zinnia", "last_name": "Way"}
    story.contact(by="example-police", children=[child(**hides)], adults=[])
    story.contact(children=[child(**like_nobody | by_itself, address=home | {"postcode": "SL7 1AA"})], adults=[])
    rows = SignedIn("amina").open("/").main.all("tr")[1:]
    (masked,), (as_ever,) = ([row.text for row in rows if ("Rob" in row.text) == of_it] for of_it in (True, False))
    assert (masked.count(MASK), "innia" in masked) == (2, False)
    assert "Zinnia Way" in as_ever


def test_whoever_is_found_beside_somebody_in_hiding_is_read_as_ever(story: Story) -> None:
    """What was masked there would say that somebody who was found hides in the street, and where a guess was right."""
    home = {"lines": ["3 Kestrel Way", "Haddenham"], "postcode": "HP17 8AA"}
    mother = {"first_name": "Cornelia 3 <Kestrel Way", "last_name": "Vane", "same_address": True}
    story.contact(by="example-police", children=[child(address=home | {"confidential": True})], adults=[mother])
    near = child(
        nhs_number=None, also_known_as=[], sex="F", first_name="Ada", date_of_birth="2012-02-11",
        address=home | {"lines": ["21 Kestrel Way", "Haddenham"]},
    )  # fmt: skip
    story.contact(children=[near], adults=[])
    typed = "Ashworth, 3 Kestrel Way"
    page = Page(SignedIn("maya").client.post("/search/", {"text": typed}, follow=True))
    robin, ada = sorted(page.main.all("li", class_="govuk-summary-card"), key=lambda hit: "Ada" in hit.text)
    assert f"Cornelia {MASK} Vane" in robin.text
    assert "Kestrel" not in robin.text
    assert "21 Kestrel Way, Haddenham, HP17 8AA" in ada.text
    assert MASK not in ada.text
    assert page.form("/search/")["text"] == typed


def test_whoever_lives_near_a_family_in_hiding_is_read_as_ever(story: Story) -> None:
    """What was masked there would say that somebody hides in the street. The family's own words are masked."""

    def at(line: str, **more: object) -> dict[str, object]:
        return {"address": {"lines": [line, "Haddenham"], "postcode": "HP17 8AA"} | more, "school": "St Louis school"}

    hides = child(**at("The Nook, 3 Kestrel Way", confidential=True))
    story.contact(by="example-police", children=[hides], adults=[])
    unlike: dict[str, Any] = {"nhs_number": None, "also_known_as": [], "sex": "F"}
    near = {
        "21 Kestrel Way": {"first_name": "Noor", "last_name": "Haddad", "date_of_birth": "2015-08-21"},
        "40 Other Lane": {"first_name": "Ada", "last_name": "Okafor", "date_of_birth": "2012-02-11"},
    }
    for line, who in near.items():
        wrote = f"She lives at {line}, HP17 8AA."
        told = story.contact(children=[child(**unlike | who | at(line))], adults=[], concern={"worries": wrote})
        (neighbour,) = told.children.all()
        own = [SignedIn("amina").open(of).text for of in (told, f"/people/{neighbour.person.reference}/")]
        own.append(SignedIn("maya").open(story.offered(told).case).text)
        assert wrote in own[0]
        assert "St Louis school" in own[0]
        assert [page for page in own if MASK in page or line not in page or "HP17 8AA" not in page] == []
    brother = {"first_name": "Zara", "date_of_birth": "2009-09-30"}
    wrote = "At the Nook (HP178AA), and at St. Louis School."
    told = story.contact(
        children=[child(**unlike | brother | at("3 Kestrel Way"))], adults=[], concern={"worries": wrote}
    )
    assert worry(told) == f"At {MASK} ({MASK}), and at {MASK}."


def test_an_address_as_long_as_a_book_does_not_hold_up_the_pages(story: Story) -> None:
    book = ["3 Quincunx Parade", *(f"{number} Word{number} Street" for number in range(5_000)), "1 Ab 2 Cd " * 20_000]
    home = {"lines": book, "postcode": "HP20 1UA", "confidential": True}
    told = {"worries": "They are at 3 Quincunx Parade."}
    contact = story.contact(children=[child(address=home, where_now=" ".join(book))], adults=[], concern=told)
    (hidden,) = hidden_homes([contact.pk])
    for texts in (hidden.lines, hidden.beside):
        assert sum(map(len, texts)) == MOST_OF_A_HIDDEN_HOME
    assert "They are at [confidential address]." in SignedIn("amina").open(contact).text
