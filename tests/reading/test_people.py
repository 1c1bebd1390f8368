"""What is known of a person, and who said it."""

from typing import Any

import pytest

from casework.actions import corrections, people
from casework.families.sameness import records_of
from casework.models import Contact, Person
from casework.reading.people import Known, Said, known_of
from tests.stage.documents import address, child
from tests.stage.families import KIM
from tests.stage.story import Story, person

SAM = {"first_name": "Sam", "last_name": "Ashworth", "relationship": "mother", "same_address": True,
       "phone": "01296 555123"}  # fmt: skip


def of(who: Person, story: Story) -> Known:
    return known_of(who, person("amina"), story.now, [record.pk for record in records_of([who.pk])])


def by(said: list[Said]) -> dict[str, list[str]]:
    return {each.text: each.said_by for each in said}


def learn(story: Story, contact: Contact, source: str, said_by: str = "", **document: Any) -> None:
    who = {"said_by": said_by} if said_by else {}
    corrections.learn(
        contact_id=contact.pk, document={"source": source, "why": "She rang."} | who | document, by=person("amina"),
        now=story.later(days=1),
    )  # fmt: skip


@pytest.fixture
def contact(story: Story) -> Contact:
    return story.contact(children=[child(), child(**KIM)], adults=[SAM])


def test_a_correction_is_credited_to_whoever_said_it(story: Story, contact: Contact) -> None:
    sent = contact.received_at
    learn(story, contact, "family", "Mum", children=[{"ref": "c1", "date_of_birth": "2019-04-03", "last_name": "Bell"}])
    learn(story, contact, "records", children=[{"ref": "c1", "address": address("SL7 1AA")}])
    learn(story, contact, "referrer", adults=[{"number": 1, "phone": "01296 555999"}])
    robin, sam = (of(row.person, story) for row in (contact.children.get(ref="c1"), contact.adults.get()))
    school = str(contact.agency)
    assert by(robin.births) == {"Born 3 April 2019": ["The family (Mum)"]}
    assert by(robin.names) == {"Robin Bell": ["The family (Mum)"], "Robbie": [school]}
    assert by(robin.homes) == {"1 Example Road, SL7 1AA": ["Our records"]}
    assert by(sam.homes) == by(robin.homes)
    assert by(sam.telephones) == {"01296 555999": [school]}
    assert [each.first_at for each in (*robin.sexes, *robin.numbers)] == [sent, sent]
    assert robin.births[0].first_at > sent


def test_what_staff_recorded_stands_where_one_looks(story: Story, contact: Contact) -> None:
    who = contact.children.get(ref="c1").person
    recorded: dict[str, dict[str, Any]] = {
        "current_name": {"value": "Zoe Kelly"},
        "address": {"value": "4 Larkspur Lane", "postcode": "SL7 1AA"},
        "upn": {"value": "H801200001001"},
        "telephone": {"value": "07700 900124", "qualifier": "not_safe"},
        "also_known_as": {"value": "Zed Kelly"},
    }
    for kind, said in recorded.items():
        detail = people.add_detail(
            person_id=who.pk, said=people.Said(kind, said_by="Her aunt", **said), by=person("amina"), now=story.later()
        )
    people.say_in_error(person_id=who.pk, detail_id=detail.pk, reason="No.", by=person("amina"), now=story.later())
    robin = of(who, story)
    name, home, number, phone = (said[-1] for said in (robin.names, robin.homes, robin.numbers, robin.telephones))
    assert (name.text, name.said_by, name.note) == ("Zoe Kelly", ["Her aunt"], "current name, as staff recorded it")
    assert (home.text, home.note) == ("4 Larkspur Lane, SL7 1AA", "as staff recorded it")
    assert number.text == "Unique pupil number H801200001001"
    assert phone.text == "07700 900124 (not safe to use)"


def test_who_is_not_of_the_family_stands_on_the_contact_all_the_same(story: Story, contact: Contact) -> None:
    learn(story, contact, "family", children=[{"ref": "c2", "in_family": False}])
    kim, robin = (of(contact.children.get(ref=ref).person, story) for ref in ("c2", "c1"))
    assert (kim.not_of_family, kim.beside) == ([contact], [])
    assert (robin.not_of_family, [each.name for each in robin.beside]) == ([], ["Sam Ashworth"])


def test_a_date_of_birth_stands_before_an_age_that_was_said_later(story: Story, contact: Contact) -> None:
    aged = child(age_years=7)
    del aged["date_of_birth"]
    story.later(days=40)
    robin, last = contact.children.get(ref="c1"), story.contact(children=[aged]).children.get()
    Person.objects.filter(pk=last.person_id).exclude(pk=robin.person_id).update(same_as=robin.person)
    born, age = of(robin.person, story).births
    assert born.text.startswith("Born ")
    assert age.text.startswith("Aged 7 on ")
