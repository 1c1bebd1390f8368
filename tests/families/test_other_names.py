"""Whoever is on record is found by a name that was corrected, and by the names and homes that staff recorded."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from casework.actions import corrections, matches, people, protecting
from casework.families.finding import Hit, run_query
from casework.families.likeness.describing import Written
from casework.families.sameness import open_matches
from casework.families.typed_search import of_person, read_typed
from casework.models import Contact, Person, PersonDetail, PersonKey, PersonMatch
from casework.reading.likenesses import why_alike
from tests.stage.documents import address, child
from tests.stage.story import Story, person

NADIA: dict[str, Any] = {"first_name": "Nadia", "last_name": "Brannigan", "date_of_birth": "2014-05-17",
                         "nhs_number": None, "upn": None, "also_known_as": []}  # fmt: skip


def nadia(story: Story, **changes: Any) -> Contact:
    return story.contact(children=[child(**(NADIA | changes))], adults=[])


def found(story: Story, text: str) -> dict[str, tuple[str, ...]]:
    """Whom Amina finds by what she types, and why."""
    answer = run_query(read_typed(text), person("amina"), story.now)
    return {hit.name: hit.why for hit in answer.hits}


def record(story: Story, who: Person, kind: str, **said: Any) -> PersonDetail:
    return people.add_detail(
        person_id=who.pk, said=people.Said(kind, said_by="Her aunt", **said), by=person("amina"), now=story.later()
    )


def correct(story: Story, contact: Contact, **document: Any) -> None:
    corrections.learn(
        contact_id=contact.pk, document={"source": "family", "why": "Misspelt."} | document, by=person("amina"),
        now=story.later(),
    )  # fmt: skip


def test_a_name_that_was_corrected(story: Story) -> None:
    mother = {"first_name": "Sam", "last_name": "Brannigan", "relationship": "mother"}
    contact = story.contact(children=[child(**NADIA)], adults=[mother])
    correct(story, contact, children=[{"ref": "c1", "last_name": "Osei-Mensah"}],
            adults=[{"number": 1, "first_name": "Xanthippe"}])  # fmt: skip
    for text in ("Nadia Osei-Mensah", "Nadia Branigan", "brannigan", "nadia brannigan 2014"):
        assert "Nadia Osei-Mensah" in found(story, text), text
    assert "Another name: Nadia Brannigan" in found(story, "Nadia Branigan")["Nadia Osei-Mensah"]
    assert "Xanthippe Brannigan" in found(story, "Sam Brannigan")
    looked = run_query(of_person(Written("Nadia", "Brannigan", date_of_birth="2014-05-17")), person("amina"), story.now)
    assert [hit.name for hit in looked.hits] == ["Nadia Osei-Mensah"]

    second = nadia(story, address=address("SL7 1AA"))
    assert [match.person for match in second.children.get().matches.all()] == [contact.children.get().person]


def test_a_name_alone_by_which_somebody_is_known(story: Story) -> None:
    nadia(story, also_known_as=["Quilla"])
    assert "Nadia Brannigan" in found(story, "quila")


@pytest.mark.parametrize("kind", ["former_name", "current_name", "also_known_as"])
def test_a_name_that_staff_recorded_in_any_spelling(story: Story, kind: str) -> None:
    who = nadia(story).children.get().person
    detail = record(story, who, kind, value="Nadja Oyelaran")
    name = "Nadja Oyelaran" if kind == "current_name" else "Nadia Brannigan"
    for text in ("nadia oyellaran", "Oyelaran", "Nadja Oyelaran"):
        assert name in found(story, text), text
    said: dict[str, Any] = {"person_id": who.pk, "detail_id": detail.pk, "by": person("amina")}
    people.end_detail(reason="She married.", now=story.later(), **said)
    for text in ("oyelaran", "Nadia Brannigan"):
        assert "Nadia Brannigan" in found(story, text), text
    people.say_in_error(reason="Misheard.", now=story.later(), **said)
    assert found(story, "oyelaran") == {}
    assert "Nadia Brannigan" in found(story, "Nadia Brannigan")


def test_a_home_that_staff_recorded_unless_it_is_hidden(story: Story) -> None:
    who = nadia(story, address=address("HP20 1UA")).children.get().person
    record(story, who, "address", value="4 Larkspur Lane", postcode="SL7 1AA")
    for text in ("SL7 1AA", "4 larkspur ln", "Nadia SL7 1AA"):
        assert "Address, as staff recorded it" in found(story, text)["Nadia Brannigan"], text
    assert "Address, as staff recorded it" not in found(story, "HP20 1UA")["Nadia Brannigan"]
    protecting.protect(person_id=who.pk, reason="She fled.", by=person("amina"), now=story.later())
    for text in ("SL7 1AA", "4 larkspur lane", "HP20 1UA"):
        assert found(story, text) == {}, text
    protecting.lift(person_id=who.pk, reason="He is in prison.", by=person("maya"), now=story.later())
    for text in ("SL7 1AA", "HP20 1UA"):
        assert "Nadia Brannigan" in found(story, text), text


def test_a_home_that_staff_recorded_is_compared_also_when_it_has_ended(story: Story) -> None:
    """
    It raises a likeness that waits, and brings one of a contact to come. In error, or hidden, it does not; and to say
    that it was in error shows no hidden address.
    """
    first, likely = nadia(story), nadia(story, last_name="Brady", address=address("SL7 1AA"))
    who, match = first.children.get().person, PersonMatch.objects.get(child__contact=likely)
    before = match.score
    detail = record(story, who, "address", value="1 Example Road", postcode="SL7 1AA")
    said: dict[str, Any] = {"person_id": who.pk, "detail_id": detail.pk, "by": person("amina")}

    def is_compared() -> bool:
        match.refresh_from_db()
        new = nadia(story, last_name="Bradley", address=address("SL7 1AA")).children.get()
        reasons = new.matches.get(person=who).reasons
        assert (match.score > before) == ("Same address" in match.reasons) == ("Same address" in reasons)
        return match.score > before

    assert is_compared()
    people.end_detail(reason="She moved.", now=story.later(), **said)
    assert is_compared()
    protecting.protect(person_id=who.pk, reason="She fled.", by=person("amina"), now=story.later())
    assert Person.objects.get(pk=who.pk).other_homes == []
    people.say_in_error(reason="Misheard.", now=story.later(), **said)
    who.refresh_from_db()
    assert who.address_is_protected
    assert first.children.get().address_is_confidential
    protecting.lift(person_id=who.pk, reason="He is in prison.", by=person("maya"), now=story.later())
    assert not is_compared()


def test_whoever_is_on_record_is_proposed_by_a_home_that_staff_record(story: Story) -> None:
    """The same street, and a name and a year that say little alone: nobody asked before."""
    other = nadia(story, last_name="Osei", date_of_birth=None, age_years=12, address=address("SL7 1AA"))
    who = nadia(story).children.get().person
    assert not PersonMatch.objects.exists()
    record(story, who, "address", value="1 Example Road", postcode="SL7 1AA")
    match = PersonMatch.objects.get()
    assert (match.record, match.person) == (who, other.children.get().person)
    assert "Same address" in match.reasons
    record(story, who, "former_name", value="Nadia Osei")
    assert PersonMatch.objects.get().score > match.score


def test_an_adults_home_is_hidden_with_the_adult(story: Story) -> None:
    """Where no child lives with him, too."""
    father = {"first_name": "Kofi", "last_name": "Oyelaran", "relationship": "father", "same_address": False}
    who = story.contact(children=[child(**NADIA)], adults=[father]).adults.get().person
    keys = set(PersonKey.objects.filter(person=who).values_list("key", flat=True))
    record(story, who, "address", value="4 Larkspur Lane", postcode="SL7 1AA")
    assert "Kofi Oyelaran" in found(story, "SL7 1AA")
    protecting.protect(person_id=who.pk, reason="He is a witness.", by=person("amina"), now=story.later())
    assert found(story, "SL7 1AA") == {}
    assert "Kofi Oyelaran" in found(story, "Kofi Oyelaran")
    # Nothing is kept that would lead there.
    assert set(PersonKey.objects.filter(person=who).values_list("key", flat=True)) == keys


def test_records_that_are_joined_and_told_apart_take_it_along(story: Story) -> None:
    first = nadia(story, address=address("HP20 1UA"))
    second = nadia(story, address=address("SL7 1AA"))
    match = PersonMatch.objects.get(child__contact=second)
    record(story, second.children.get().person, "former_name", value="Nadia Oyelaran")
    record(story, second.children.get().person, "current_name", value="Nadia Bell")
    matches.settle(contact_id=second.pk, match_id=match.pk, same=True, by=person("amina"), now=story.later())
    one = first.children.get().person
    answer = run_query(read_typed("oyelaran"), person("amina"), story.now)
    assert [hit.name for hit in answer.hits] == [one.current_name] == ["Nadia Bell"]
    matches.undo(contact_id=second.pk, match_id=match.pk, reason="Cousins.", by=person("amina"), now=story.later())
    answer = run_query(read_typed("oyelaran"), person("amina"), story.now)
    assert [hit.person for hit in answer.hits] == [second.children.get().person]
    assert first.children.get().full_name == "Nadia Brannigan"


def test_a_database_of_an_earlier_release_learns_it(story: Story) -> None:
    """A second run changes nothing."""
    mother = {"first_name": "Sam", "last_name": "Brannigan", "relationship": "mother", "phone": "07700 900111"}
    contact = story.contact(children=[child(**NADIA | {"also_known_as": ["Quilla"]})], adults=[mother])
    who = contact.children.get().person
    correct(story, contact, children=[{"ref": "c1", "last_name": "Osei-Mensah", "upn": "H801200001001"}],
            adults=[{"number": 1, "phone": "07700 900222"}])  # fmt: skip
    record(story, who, "former_name", value="Nadja Oyelaran")
    record(story, who, "address", value="4 Larkspur Lane", postcode="SL7 1AA")
    record(story, who, "nhs_number", value="9990000026", qualifier="conflict")
    known = list(Person.objects.order_by("pk").values())
    Person.objects.update(other_names=[], other_homes=[], other_numbers=[], upn="")
    Person.objects.exclude(telephone="").update(telephone="07700 900111")
    PersonKey.objects.all().delete()
    for _ in range(2):
        for name in ("0032_found_by_what_ended", "0043_numbers_that_staff_recorded"):
            import_module(f"casework.migrations.{name}").fill(apps, None)
        assert [{**each, "other_names": sorted(each["other_names"])} for each in known] == [
            {**each, "other_names": sorted(each["other_names"])} for each in Person.objects.order_by("pk").values()
        ]
    for text in ("Nadia Branigan", "Oyelaran", "quilla", "SL7 1AA"):
        assert "Nadia Osei-Mensah" in found(story, text), text
    numbers: list[dict[str, Any]] = [{"nhs_number": "9990000026"}, {"upn": "H801200001001"}]
    for number in numbers:
        asked = nadia(story, first_name="Wilhelmina", last_name="Okonjo", date_of_birth="2009-11-02", **number)
        assert who in {match.known for match in open_matches(asked)}, number
    assert "Sam Brannigan" in found(story, "07700 900222")


def hits(story: Story, text: str) -> list[Hit]:
    return [hit for hit in run_query(read_typed(text), person("amina"), story.now).hits if "Brannigan" not in hit.name]


def test_what_staff_recorded_is_shown_wherever_the_person_is(story: Story) -> None:
    """By one name everywhere; by which name the records agree is said."""
    cian = child(first_name="Cian", last_name="Doe", ref="c2", nhs_number=None, upn=None, also_known_as=[],
                 date_of_birth="2016-01-30")  # fmt: skip
    nowhere = NADIA | {"address": {}}
    first = story.contact(children=[child(**nowhere), cian], adults=[])
    second = nadia(story, address={}, first_name="Nadja")
    match = PersonMatch.objects.get(child__contact=second)
    who = first.children.get(ref="c1").person
    record(story, who, "current_name", value="Helen Shaw")
    record(story, who, "address", value="4 Larkspur Lane", postcode="SL7 1AA")
    assert why_alike(open_matches(second), hidden=())[match.pk][-1] == "Another name: Nadia Brannigan"
    assert open_matches(second)[0].known_name == "Helen Shaw"

    matches.settle(contact_id=second.pk, match_id=match.pk, same=True, by=person("amina"), now=story.later())
    (hit,) = hits(story, "Nadia Brannigan")
    assert (hit.name, hit.homes) == ("Helen Shaw", ("4 Larkspur Lane, SL7 1AA (as staff recorded it)",))
    assert "Another name: Nadia Brannigan" in hit.why
    assert "Another name" not in "".join(hits(story, "4 Larkspur Lane")[0].why)
    assert [hit.beside for hit in hits(story, "Cian Doe")] == [("Helen Shaw",)]
    correct(story, first, children=[{"ref": "c2", "in_family": False}])
    assert [hit.beside for hit in hits(story, "Cian Doe")] == [()]
