"""Somebody is found by whatever of a name a caller says: a part, another form, in any order, as it is heard."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from casework.families import finding
from casework.families.finding import MOST_SHOWN, Found, run_query
from casework.families.typed_search import read_typed
from tests.stage.documents import address, child
from tests.stage.restricted import restrict
from tests.stage.sql import run
from tests.stage.story import Story, person
from tests.stage.web_client import a_working_morning

UNKNOWN: dict[str, Any] = {"also_known_as": [], "nhs_number": None, "upn": None}
NAMES = (
    ("Zoë", "O'Núñez"), ("Rui", "da Silva"), ("Omar", "El-Hassan"), ("Huda", "Al Hassan"), ("Idil", "Elhassan"),
    ("Conor", "O’Brien"), ("Flora", "MacDonald"), ("Alexander", "Thistlewood"), ("Katherine", "Thistlewood"),
    ("Mohammed", "Khan"), ("Elizabeth", "Khan"), ("Anna Maria", "Kowalska-Nowak"), ("Siobhán", "Ní Bhriain"),
    ("Zofia", "Wiśniewska"), ("Олександр", "Шевченко"), ("Ayaan", "Abdirahman Warsame"), ("Gul", "Zadran"),
    ("Somchai", "Srisombat"), ("Xiao Ming", "Wang"), ("Llŷr", "Gruffudd"), ("محمد", "رحیمی"),
    ("Jean-Luc", "St John-Smith"), ("Chukwuemeka", "Okonkwo"), ("伟", "张"), ("Bartłomiej", "Wojciechowski"),
    ("Ifrah", "Abdi Nuur"), ("Thomas", "Smithson"), ("Sue", "Child"), ("Ann", "Lord"), ("Nan", "Marsh"),
    ("Олег", "Григоренко"), ("Vira", "Hryhorchuk"), ("Bogdan", "Dovgenko"), ("Aoife", "Ó Ceallaigh"),
    ("Bríd", "Ní Mhurchú"), ("Conor", "Kennedy"), ("Gwen", "Llwyd"), ("Rhys", "Pugh"), ("Joan", "Hargreave"),
    ("Eve", "Matthews"),
)  # fmt: skip
TYPED = (
    # Without the word before the surname, or with it, as one word or as two.
    ("nunez", "Zoë O'Núñez"), ("zoe nunez", "Zoë O'Núñez"), ("nunez zoe", "Zoë O'Núñez"), ("silva", "Rui da Silva"),
    ("rui silva", "Rui da Silva"), ("dasilva", "Rui da Silva"), ("omar hassan", "Omar El-Hassan"),
    ("hassan", "Huda Al Hassan"), ("hassan", "Idil Elhassan"), ("hassan", "Omar El-Hassan"), ("brien", "Conor O’Brien"),
    ("o brien", "Conor O’Brien"), ("conor brien", "Conor O’Brien"), ("donald", "Flora MacDonald"),
    # A shorter form, with the last name or alone, and in either order.
    ("alex", "Alexander Thistlewood"), ("kate", "Katherine Thistlewood"),
    ("kathy thistlewood", "Katherine Thistlewood"), ("mo", "Mohammed Khan"),
    ("mo khan", "Mohammed Khan"), ("liz", "Elizabeth Khan"), ("khan liz", "Elizabeth Khan"),
    ("zosia", "Zofia Wiśniewska"), ("sasha shevchenko", "Олександр Шевченко"),
    # How it begins.
    ("alexan", "Alexander Thistlewood"), ("thistle", "Katherine Thistlewood"), ("srisom", "Somchai Srisombat"),
    ("alexan thistle", "Alexander Thistlewood"), ("thistle alexan", "Alexander Thistlewood"),
    ("Z Nunez", "Zoë O'Núñez"), ("Thistlewood K", "Katherine Thistlewood"),
    ("tho smi", "Thomas Smithson"), ("smithson tho", "Thomas Smithson"), ("o'nunez zo", "Zoë O'Núñez"),
    # How it ends.
    ("emeka okonkwo", "Chukwuemeka Okonkwo"),
    # A part of it.
    ("nowak", "Anna Maria Kowalska-Nowak"), ("maria", "Anna Maria Kowalska-Nowak"),
    ("maria kowalska", "Anna Maria Kowalska-Nowak"), ("ayaan abdirahman", "Ayaan Abdirahman Warsame"),
    ("warsame ayan", "Ayaan Abdirahman Warsame"), ("ming wang", "Xiao Ming Wang"),
    # Two words that are one name, and one name in two words.
    ("xiaoming", "Xiao Ming Wang"), ("wang xiaoming", "Xiao Ming Wang"), ("jean luc", "Jean-Luc St John-Smith"),
    ("st john smith", "Jean-Luc St John-Smith"), ("sri sombat", "Somchai Srisombat"),
    # Whole names without a blank, and with a point.
    ("张伟", "伟 张"), ("zhang wei", "伟 张"), ("z.o'nunez", "Zoë O'Núñez"), ("the o'nunez family", "Zoë O'Núñez"),
    # As it is heard, with a slip, and in another alphabet.
    ("shevaun", "Siobhán Ní Bhriain"), ("shevaun bhriain", "Siobhán Ní Bhriain"), ("llyr griffith", "Llŷr Gruffudd"),
    ("thistelwood alex", "Alexander Thistlewood"), ("katherime thisslewood", "Katherine Thistlewood"),
    ("bartek", "Bartłomiej Wojciechowski"), ("ifrah nur", "Ifrah Abdi Nuur"),
    # A word that is a name.
    ("sue child", "Sue Child"), ("child sue", "Sue Child"), ("ann lord", "Ann Lord"), ("nan marsh", "Nan Marsh"),
    # As a Ukrainian writes it, and a Russian.
    ("Oleh Hryhorenko", "Олег Григоренко"), ("hryhorenko", "Олег Григоренко"), ("grigorenko", "Олег Григоренко"),
    ("Vira Grigorchuk", "Vira Hryhorchuk"), ("grigorchuk", "Vira Hryhorchuk"), ("bohdan dovhenko", "Bogdan Dovgenko"),
    # In Irish, in Welsh and in English.
    ("Kelly", "Aoife Ó Ceallaigh"), ("aoife kelly", "Aoife Ó Ceallaigh"), ("o'kelly", "Aoife Ó Ceallaigh"),
    ("Ó Ceallaigh", "Aoife Ó Ceallaigh"), ("bridget murphy", "Bríd Ní Mhurchú"), ("murphy", "Bríd Ní Mhurchú"),
    ("Ó Cinnéide", "Conor Kennedy"), ("Conchobhar Ó Cinnéide", "Conor Kennedy"), ("gwen lloyd", "Gwen Llwyd"),
    ("ap Huw", "Rhys Pugh"),
    # With and without its last s.
    ("hargreaves", "Joan Hargreave"), ("joan hargreaves", "Joan Hargreave"), ("matthew eve", "Eve Matthews"),
    ("matthew", "Eve Matthews"),
    ("wisniewski", "Zofia Wiśniewska"), ("zadran gul", "Gul Zadran"), ("mohammad rahimi", "محمد رحیمی"),
)  # fmt: skip


def found(text: str, story: Story, by: str = "amina") -> Found:
    return run_query(read_typed(text), person(by), story.now)


def reasons(text: str, story: Story) -> Mapping[str, tuple[str, ...]]:
    return {hit.name: hit.why for hit in found(text, story).hits}


def tell(story: Story, *names: tuple[str, str], **changes: Any) -> None:
    for number, (first, last) in enumerate(names):
        described = UNKNOWN | {"first_name": first, "last_name": last, "date_of_birth": f"20{10 + number % 9}-05-06"}
        story.contact(children=[child(**described | changes)], adults=[])


class TestTheNames:
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def told(cls, told_for_a_class: None) -> Story:
        story = Story(a_working_morning())
        tell(story, *NAMES)
        return story

    @pytest.mark.parametrize(("text", "who"), TYPED)
    def test_find_somebody(self, told: Story, db: None, text: str, who: str) -> None:
        assert who in reasons(text, told)

    @pytest.mark.parametrize("text", ["ford", "thistlethwaite", "alexis khan", "mo thistlewood", "gul wang"])
    def test_find_nobody_who_has_another_name(self, told: Story, db: None, text: str) -> None:
        assert not found(text, told).hits

    def test_an_upgrade_finds_whoever_was_on_record_before(self, told: Story, db: None) -> None:
        kept = set(run("SELECT key, person_id FROM casework_personkey"))
        run(
            "DELETE FROM casework_personkey WHERE key IN "
            "(SELECT hashtextextended(text, 0) FROM unnest(ARRAY['begins alex', 'begins this', 'begins ale thi']) text)"
        )
        assert not found("alexan thistle", told).hits
        import_module("casework.migrations.0052_beginnings_of_names").fill(apps, None)
        assert set(run("SELECT key, person_id FROM casework_personkey")) == kept


def test_an_exact_name_does_not_hide_those_near_it(story: Story) -> None:
    """Two sisters, and a name that is one letter longer: who has exactly that name comes first."""
    tell(story, ("Leila", "Amani"), ("Leilae", "Amani"))
    for text, first, then in (("leilae", "Leilae", "Leila"), ("leila", "Leila", "Leilae")):
        assert [hit.name for hit in found(text, story).hits] == [f"{first} Amani", f"{then} Amani"]
        assert "Same first name" in reasons(text, story)[f"{first} Amani"]
        assert "Same first name" not in reasons(text, story)[f"{then} Amani"]


def test_those_near_a_name_take_nobodys_place(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(story, *[("Ana", "Silva")] * 3, ("Ana", "O'Silva"), ("Ana", "El-Silva"), ("Ana", "Silvan"))
    monkeypatch.setattr(finding, "MOST_CANDIDATES", 3)
    names = [hit.name for hit in found("silva", story).hits]
    assert names[:3] == ["Ana Silva"] * 3
    assert len(names) > 3


def test_a_town_finds_its_own_among_many_of_the_name(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(story, ("Nadia", "Haddad"), address=address("HP20 1UA"))
    tell(story, *[("Nadia", "Haddad")] * 3, address=address("SL7 1AA"))
    monkeypatch.setattr(finding, "MOST_OF_A_KEY", 2)
    for text in ("haddad aylesbury", "nadia aylesbury", "nadia haddad aylesbury", "haddad HP20", "example HP20"):
        assert any("HP20" in reason for hit in found(text, story).hits for reason in hit.why), text


def test_of_many_it_is_known_how_many_more_there_are_at_least(story: Story) -> None:
    tell(story, *[("Ana", "O'Silva")] * 3, *[("Ana", "Silvan")] * MOST_SHOWN, ("Ana", "Silva"))
    seen = found("silva", story)
    assert seen.hits[0].name == "Ana Silva"
    assert (len(seen.hits), seen.more) == (MOST_SHOWN, 4)
    assert seen.would_narrow == "a date of birth or a postcode"


def test_of_a_restricted_record_a_near_name_tells_only_that_it_exists(story: Story) -> None:
    tell(story, ("Alexander", "O'Núñez"))
    restrict(story, story.contact(children=[child(first_name="Alexandra", last_name="O'Quill", **UNKNOWN)], adults=[]))
    for text in ("quill", "alex quill", "alexan"):
        seen = found(text, story)
        assert all("Quill" not in hit.name for hit in seen.hits)
        assert seen.closed
    assert not found("alex quill", story, by="carol").closed


HOMES = (
    ("Nadia", "Haddad", "12 Station Road", "HP20 1UA"), ("Omar", "Haddad", "3 Castle Street, High Wycombe", "HP13 6AA"),
    ("Rosa", "Haddad", "4 Station Road, Weston Turville", "HP22 5RL"), ("Ivy", "Haddad", "9 Station Road, Luton", ""),
    ("Ada", "Aylesbury", "1 Elm Court", "SL7 1AA"), ("Tom", "Station", "2 Oak Row", "HP20 2AA"),
    ("Eva", "Wren", "12 Station Road, Chesham", "HP5 1AA"), ("Kim", "Wren", "7 The Limes, Chalfont St Giles", ""),
    ("Lou", "Wren", "12 Station Road HP20 1UA", ""),
)  # fmt: skip


class TestWhereTheyLive:
    """A name or a street, and a town, a village or a postal area."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def told(cls, told_for_a_class: None) -> Story:
        story = Story(a_working_morning())
        for first, last, line, postcode in HOMES:
            home = {"lines": [line], "postcode": postcode}
            tell(story, (first, last), address=home)
        hidden = address("HP21 7AA", confidential=True) | {"lines": ["5 Fern Drive"]}
        tell(story, ("Zainab", "Quill"), address=hidden)
        return story

    @pytest.mark.parametrize(
        ("text", "who"),
        [
            ("Haddad Aylesbury", {"Nadia Haddad", "Rosa Haddad"}),
            ("Aylesbury, Haddad", {"Nadia Haddad", "Rosa Haddad"}),
            ("haddad high wycombe", {"Omar Haddad"}), ("omar wycombe", {"Omar Haddad"}),
            ("Haddad Weston Turville", {"Rosa Haddad"}), ("haddad turville", {"Rosa Haddad"}),
            ("Haddad Luton", {"Ivy Haddad"}), ("nadia haddad aylesbury", {"Nadia Haddad"}),
            ("Wren Chalfont St Giles", {"Kim Wren"}), ("wren chalfont", {"Kim Wren"}), ("haddad marlow", set()),
            ("Haddad Aylesbury 2013", set()), ("Haddad HP13", {"Omar Haddad"}), ("Ada Aylesbury", {"Ada Aylesbury"}),
            # A street without its last word, or with it in short.
            ("12 Station", {"Nadia Haddad", "Eva Wren", "Lou Wren"}), ("12 station haddad", {"Nadia Haddad"}),
            ("haddad 12 Station", {"Nadia Haddad"}), ("Station HP20", {"Nadia Haddad", "Tom Station", "Lou Wren"}),
            ("12 Station Chesham", {"Eva Wren"}),
            ("3 Castle", {"Omar Haddad"}), ("Castle St", {"Omar Haddad"}), ("3 castle st", {"Omar Haddad"}),
            ("Castle Street, High Wycombe", {"Omar Haddad"}), ("castle wycombe", {"Omar Haddad"}),
            ("12 Station Rd", {"Nadia Haddad", "Eva Wren", "Lou Wren"}), ("13 Station", set()),
            # A postcode in the lines of the address.
            ("Wren HP20 1UA", {"Lou Wren"}),
        ],
    )  # fmt: skip
    def test_finds_somebody(self, told: Story, db: None, text: str, who: set[str]) -> None:
        assert set(reasons(text, told)) == who

    @pytest.mark.parametrize(
        ("text", "who", "why"),
        [
            ("Haddad Aylesbury", "Nadia Haddad", "Lives in HP20 (Aylesbury)"),
            ("Haddad Luton", "Ivy Haddad", "Address in Luton"),
            ("12 Station", "Eva Wren", "Address has these words"),
        ],
    )
    def test_says_why(self, told: Story, db: None, text: str, who: str, why: str) -> None:
        assert why in reasons(text, told)[who]

    @pytest.mark.parametrize(
        ("text", "who"),
        [
            ("Tom Station HP20", "Tom Station"), ("haddad station hp20", "Nadia Haddad"),
            ("Haddad Aylesbury 2010", "Nadia Haddad"),
        ],
    )  # fmt: skip
    def test_who_agrees_in_all_comes_first(self, told: Story, db: None, text: str, who: str) -> None:
        assert who in [hit.name for hit in found(text, told).hits][:2]

    def test_a_hidden_home_finds_nobody(self, told: Story, db: None) -> None:
        assert "Zainab Quill" in reasons("Zainab Quill", told)
        for text in ("Zainab Aylesbury", "quill aylesbury", "5 fern", "fern HP21", "5 Fern Drive", "quill HP21"):
            assert "Zainab Quill" not in reasons(text, told), text

    def test_an_upgrade_finds_whoever_was_on_record_before(self, told: Story, db: None) -> None:
        kept = set(run("SELECT key, person_id FROM casework_personkey"))
        deleted = "SELECT hashtextextended(text, 0) FROM unnest(ARRAY['in HP20 hd', 'in HP20 stn']) text"
        assert len(run(f"SELECT DISTINCT key FROM casework_personkey WHERE key IN ({deleted})")) == 2
        run(f"DELETE FROM casework_personkey WHERE key IN ({deleted})")
        import_module("casework.migrations.0063_names_in_towns").fill(apps, None)
        assert set(run("SELECT key, person_id FROM casework_personkey")) == kept


class TestTheUnborn:
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def told(cls, told_for_a_class: None) -> Story:
        story = Story(a_working_morning())
        unborn = {"date_of_birth": None, "expected_date_of_delivery": "2027-02-03", "address": address("HP19 8AB")}
        story.contact(children=[child(**UNKNOWN | unborn | {"first_name": "", "last_name": "Quill"})], adults=[])
        estimated = {"first_name": "Ada", "last_name": "Marsh", "date_of_birth": "2015-06-15"}
        guess = {"date_of_birth_estimated": True}
        story.contact(children=[child(**UNKNOWN | estimated | guess)], adults=[])
        return story

    def test_the_last_word_of_a_street_is_no_village(self, told: Story, db: None) -> None:
        """Somebody without a first name is found by the street, and not as a child of a family called Example."""
        said = [why for each in reasons("example road", told).values() for why in each]
        assert said
        assert "Address in Road" not in said

    @pytest.mark.parametrize(
        "text",
        [
            "3 February 2027", "3/2/2027", "03.02.27", "3-2-27", "2027-02-03", "due 3 Feb", "due 3rd of February",
            "EDD 3/2/27", "edd: 03022027", "expected February 3", "quill due 3 feb", "unborn quill 3/2/2027",
        ],
    )  # fmt: skip
    def test_is_found_by_the_day_however_it_is_typed(self, told: Story, db: None, text: str) -> None:
        assert "Expected on the same day" in reasons(text, told)["Quill"]

    @pytest.mark.parametrize("text", ["due February", "due feb 2027", "10/2/2027", "due 24 January", "quill 1/2/27"])
    def test_is_found_about_the_day(self, told: Story, db: None, text: str) -> None:
        assert "Expected on 3 February 2027" in reasons(text, told)["Quill"]

    @pytest.mark.parametrize("text", ["due 3 March", "3/2/2026", "due May 2027", "marsh 3/2/2027", "3/2/1927"])
    def test_is_not_found_by_another_day(self, told: Story, db: None, text: str) -> None:
        assert "Quill" not in reasons(text, told)

    def test_an_estimated_day_finds_who_has_it(self, told: Story, db: None) -> None:
        assert "Ada Marsh" in reasons("15 June 2015", told)


def test_of_an_unborn_child_a_team_learns_nothing_but_of_its_own_cases(story: Story) -> None:
    """Also not that a restricted record exists."""
    unborn = {"first_name": "", "date_of_birth": None, "expected_date_of_delivery": "2027-02-03"}
    contact = story.contact(children=[child(**UNKNOWN | unborn)], adults=[])
    assert found("3/2/2027", story).hits
    assert not found("3/2/2027", story, by="carol").hits
    restrict(story, contact)
    for by, is_said in (("amina", True), ("carol", False)):
        seen = found("3/2/2027", story, by=by)
        assert (seen.hits, bool(seen.closed)) == ((), is_said)
