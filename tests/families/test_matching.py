"""Who is found for somebody on a contact: always somebody who shares a key that receiving locks."""

from datetime import date
from importlib import import_module
from itertools import product
from typing import Any

import pytest
from django.apps import apps

from casework.actions import corrections
from casework.families.likeness.comparing import Commonness, compare
from casework.families.likeness.describing import describe
from casework.families.likeness.keys import asked, stored
from casework.families.likeness.weights import shipped
from casework.families.person_keys import written
from casework.models import Person, PersonKey, PersonMatch
from tests.stage.documents import address, child
from tests.stage.sql import run
from tests.stage.story import Story, person

# Everything that the comparison looks at: the same, alike, different and not known.
NUMBERS = (None, "9990000018", "9990000026")
BIRTHDAYS = (None, date(2014, 5, 7), date(2014, 7, 5), date(2014, 7, 25), date(2015, 5, 7))
HOMES = (("", ""), ("12 Example Road", "HP20 1UA"), ("3 Other Street", "SL7 1AA"))
NAMES = (("Ada", "Ashworth"), ("Ada", "Ashwort"), ("Ad", "Ashby"), ("Zebedee", "Quill"))


def test_whoever_counts_as_history_shares_a_key_that_is_locked() -> None:
    """A contact locks the keys by which it asks. So two that arrive at once about one person have a lock in common."""
    people = [
        describe(
            written(
                Person(
                    nhs_number=number,
                    date_of_birth=born,
                    address=address,
                    postcode=postcode,
                    first_name=first,
                    last_name=last,
                )
            )
        )
        for number, born, (address, postcode), (first, last) in product(NUMBERS, BIRTHDAYS, HOMES, NAMES)
    ]
    locked, kept = [asked(person) for person in people], [stored(person) for person in people]
    alike = 0
    for one, other in product(range(len(people)), repeat=2):
        assert kept[one] <= locked[one]
        if compare(people[one], people[other], shipped(), Commonness()).score >= shipped().careful:
            alike += 1
            assert locked[one] & kept[other], (people[one], people[other])
    assert alike > len(people)


def test_the_mother_of_a_baby_is_kept_with_it_as_she_is_known_today(story: Story) -> None:
    def mothers() -> set[str]:
        return set(Person.objects.exclude(mother_first_name="").values_list("mother_first_name", flat=True))

    ward: dict[str, Any] = {
        "nhs_number": None, "upn": None, "also_known_as": [], "first_name": "Baby", "last_name": "Thistlewood",
        "address": address("HP21 8AL"),
    }  # fmt: skip
    baby = child(date_of_birth=str(story.now.date()), **ward)
    brother = child(ref="c2", date_of_birth="2019-02-03", **ward | {"first_name": "Zebedee"})
    aisha, saima = ({"first_name": name, "relationship": "Mum"} for name in ("Aisha", "Saima"))
    story.contact(children=[baby, brother], adults=[aisha])
    second = story.contact(children=[baby], adults=[saima, {"first_name": "Ann", "relationship": "grandmother"}])
    assert Person.objects.exclude(mother_first_name="").count() == 2
    match = PersonMatch.objects.get(child__contact=second)
    assert match.score < shipped().careful
    assert "Their mothers differ" in match.reasons
    corrections.learn(
        contact_id=second.pk, by=person("amina"), now=story.later(),
        document={"source": "family", "why": "So.", "adults": [{"number": 1, "first_name": "Ayesha"}]},
    )  # fmt: skip
    match.refresh_from_db()
    assert match.score > shipped().careful
    assert mothers() == {"Aisha", "Ayesha"}
    Person.objects.update(mother_first_name="")
    run(import_module("casework.migrations.0039_mothers_of_babies").FILL)
    assert mothers() == {"Aisha", "Ayesha"}


@pytest.mark.parametrize(
    ("written", "latin", "upgrade"),
    [
        (("علی", "قریشی"), ("Ali", "Qureshi"), "0043_numbers_that_staff_recorded"),
        (("अंकित", "शिंदे"), ("Ankit", "Shinde"), "0048_names_with_their_vowels"),
    ],
)
def test_a_name_in_another_script_is_found_from_either_side(
    story: Story, written: tuple[str, str], latin: tuple[str, str], upgrade: str
) -> None:
    """Also on record since before its letters were read with their vowels."""
    known: dict[str, Any] = {"nhs_number": None, "upn": None, "also_known_as": []}
    native = known | {"first_name": written[0], "last_name": written[1]}
    first = story.contact(children=[child(**native)], adults=[])
    PersonKey.objects.all().delete()
    import_module(f"casework.migrations.{upgrade}").fill(apps, None)
    moved = known | {"address": {"lines": ["3 Station Road", "Marlow"], "postcode": "SL7 1AA"}}
    named = moved | {"first_name": latin[0], "last_name": latin[1]}
    second = story.contact(children=[child(**named)], adults=[], agency_reference="Q1")
    match = PersonMatch.objects.get(child__contact=second)
    assert match.person == first.children.get().person
    third = story.contact(children=[child(**native | {"address": address("HP5 1AA")})], adults=[])
    whom = {match.person for match in PersonMatch.objects.filter(child__contact=third)}
    assert whom == {first.children.get().person, second.children.get().person}
