"""Who is found on a second contact: however the child is written there, and wherever the family lives by then."""

from typing import Any

import pytest

from casework.actions import matches
from casework.families import sameness
from casework.families.household import household
from casework.models import Contact
from localities.models import User
from tests.stage.documents import address, child
from tests.stage.story import Story

# A child as the first contact wrote them, and as the second does.
NADIA: dict[str, Any] = {"first_name": "Nadia", "last_name": "Brannigan", "date_of_birth": "2014-05-17"}
WRITTEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "without accents": ({"first_name": "Zoë", "last_name": "Núñez"}, {"first_name": "Zoe", "last_name": "Nunez"}),
    "a barred letter": ({"first_name": "Łukasz"}, {"first_name": "Lukasz"}),
    "an apostrophe": ({"last_name": "D’Souza"}, {"last_name": "DSouza"}),
    "another alphabet": ({"first_name": "Олена"}, {"first_name": "Olena"}),
    "another spelling": ({"first_name": "Muhammad"}, {"first_name": "Mohammed"}),
    "a shorter form": ({"first_name": "Elizabeth"}, {"first_name": "Liz"}),
    "a longer name": ({"first_name": "Anna"}, {"first_name": "Anna Maria"}),
    "a double-barrelled name": ({"last_name": "Brannigan"}, {"last_name": "Brannigan-Osei"}),
    "reversed": ({}, {"first_name": "Brannigan", "last_name": "Nadia"}),
    "a year off": ({}, {"date_of_birth": "2015-05-17"}),
    "a day off": ({}, {"date_of_birth": "2014-05-18"}),
    "day and month swapped": ({"date_of_birth": "2014-05-07"}, {"date_of_birth": "2014-07-05"}),
    "an estimated 1 January": ({}, {"date_of_birth": "2014-01-01", "date_of_birth_estimated": True}),
    "an age": ({}, {"date_of_birth": None, "age_years": 12}),
}


def told(story: Story, home: str, **described: Any) -> Contact:
    unknown: dict[str, Any] = {"also_known_as": [], "nhs_number": None, "sex": "F"}
    return story.contact(children=[child(**(NADIA | unknown | {"address": address(home)} | described))], adults=[])


@pytest.mark.parametrize("how", WRITTEN)
def test_a_child_is_proposed_although_the_home_differs(story: Story, how: str) -> None:
    first, second = WRITTEN[how]
    known = told(story, "HP20 1UA", **first).children.get().person
    story.later(days=20)
    entry = told(story, "SL7 1AA", **second).children.get()
    assert [match.person for match in entry.matches.all()] == [known]
    assert entry.person != known


def test_two_that_may_be_one_child_are_one_household_from_both_sides(story: Story) -> None:
    """The contact that came first shows the later one too, before anybody has said whether they are the same."""
    first = told(story, "HP20 1UA")
    second = told(story, "SL7 1AA", date_of_birth="2014-05-18")
    assert first.children.get().person != second.children.get().person
    assert household(first).people == household(second).people


@pytest.mark.parametrize("name", [("Mohammed", "Khan"), ("Unknown", "Unknown"), ("Mum", "")])
def test_families_of_one_postcode_whose_adult_has_a_common_name_are_three(story: Story, name: tuple[str, str]) -> None:
    """And the third is not the third contact in three months."""
    adult = {"first_name": name[0], "last_name": name[1], "same_address": True}
    children = [("Ada", "Quill", "2012-02-03"), ("Bo", "Nakamura", "2015-07-21"), ("Cyrus", "Oyelaran", "2018-11-09")]
    for first, last, born in children:
        described = child(first_name=first, last_name=last, date_of_birth=born, also_known_as=[], nhs_number=None)
        contact = story.contact(children=[described], adults=[adult])
        story.later(days=3)
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["contacts_3_months"] == 1
        assert contact.rag == "green"


@pytest.mark.parametrize("who", ["children", "adults"])
def test_who_was_told_apart_is_not_asked_about_at_the_next_contact(story: Story, amina: User, who: str) -> None:
    """Nor does their history count there."""
    unknown: dict[str, Any] = {"also_known_as": [], "nhs_number": None, "upn": None}
    samira = {"first_name": "Samira", "last_name": "Quillfeather", "date_of_birth": "1985-03-06"}
    if who == "children":
        first: dict[str, Any] = {"children": [child(**unknown)], "adults": []}
        again: dict[str, Any] = {"children": [child(**unknown | {"first_name": "Robyn", "nhs_number": "9990000026"})]}
        again["adults"] = []
    else:
        nadia = unknown | NADIA | {"nhs_number": "9990000026", "address": address("SL7 1AA")}
        first = {"children": [child(**unknown)], "adults": [samira]}
        again = {"children": [child(**nadia)], "adults": [samira | {"first_name": "Samirah"}]}
    known = getattr(story.contact(**first), who).get().person
    second = story.contact(**again)
    (match,) = sameness.open_matches(second)
    assert (match.known, sameness.is_careful(match.score)) == (known, True)
    matches.settle(contact_id=second.pk, match_id=match.pk, same=False, by=amina, now=story.later())
    third = story.contact(**again)
    assert known not in {match.known for match in sameness.open_matches(third)}
    records = [record.pk for record in sameness.records_of([known.pk])]
    assert [match.status for match in sameness.matches_of(records)] == ["rejected"]
    assert known.pk not in household(third).people
    assert third.recommendation is not None
    assert third.recommendation.facts["family"]["contacts_3_months"] == 2
