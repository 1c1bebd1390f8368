"""An unborn child and the baby that is born are proposed as one; a person says whether they are."""

from datetime import date, timedelta
from typing import Any

import pytest

from casework.actions import matches, viewing
from casework.families.finding import run_query
from casework.families.typed_search import read_typed
from casework.models import Contact, PersonMatch
from casework.reading.likenesses import joined_elsewhere
from tests.stage.documents import address
from tests.stage.story import Story, person

EXPECTED = date(2026, 11, 12)
MOTHER = {"first_name": "Zeinab", "last_name": "Qureshi", "relationship": "mother", "date_of_birth": "1994-03-09"}


def unborn(expected: date = EXPECTED, **changes: Any) -> dict[str, Any]:
    return {"ref": "c1", "expected_date_of_delivery": expected.isoformat(), "indicators": ["L3-20"]} | changes


def baby(born: date, **changes: Any) -> dict[str, Any]:
    return {
        "ref": "c1", "first_name": "Amal", "last_name": "Qureshi", "date_of_birth": born.isoformat(),
        "address": address("SL7 1AA"), "indicators": ["L3-20"],
    } | changes  # fmt: skip


def told(story: Story, entry: dict[str, Any], *adults: dict[str, Any]) -> Contact:
    story.later()
    return story.contact(children=[entry], adults=list(adults or [MOTHER]), family_indicators=[])


def called_on_its_page(contact: Contact, story: Story) -> str:
    (child,) = viewing.view_contact(reference=contact.reference, by=person("amina"), now=story.now).children.all()
    return child.called


def proposed(contact: Contact) -> list[PersonMatch]:
    return list(PersonMatch.objects.filter(child__contact=contact))


def test_the_baby_is_proposed_to_be_the_child_who_was_expected(story: Story) -> None:
    earlier = told(story, unborn())
    contact = told(story, baby(EXPECTED - timedelta(days=3)))
    (match,) = proposed(contact)
    assert (match.person, match.status) == (earlier.children.get().recorded_as, "proposed")
    assert match.score == 0.9
    assert match.reasons == ["Expected about that day", "Same adult beside"]
    matches.settle(contact_id=contact.pk, match_id=match.pk, same=True, by=person("amina"), now=story.later())
    assert contact.children.get().person == earlier.children.get().person


def test_so_is_the_unborn_child_of_whom_somebody_tells_late(story: Story) -> None:
    earlier = told(story, baby(EXPECTED - timedelta(days=3)))
    (match,) = proposed(told(story, unborn()))
    assert match.person == earlier.children.get().recorded_as
    assert match.reasons[0] == "Born about the expected day"


def test_so_are_two_who_are_expected(story: Story) -> None:
    earlier = told(story, unborn(date(2027, 3, 1)))
    (match,) = proposed(told(story, unborn(date(2027, 3, 20))))
    assert match.person == earlier.children.get().recorded_as


@pytest.mark.parametrize(("days", "found"), [(-18 * 7 - 1, False), (-18 * 7, True), (0, True), (21, True), (22, False)])
def test_only_who_is_born_about_that_day(story: Story, days: int, found: bool) -> None:
    told(story, unborn(date(2026, 10, 1)))
    assert bool(proposed(told(story, baby(date(2026, 10, 1) + timedelta(days=days))))) is found


@pytest.mark.parametrize(
    ("other", "score"),
    [
        ({}, 0.9),
        ({"date_of_birth": None}, 0.5),
        ({"first_name": "ZEINÁB"}, 0.9),
        ({"first_name": "Zaynab", "last_name": "Quraishi"}, 0.9),
        ({"first_name": "Zaynab", "last_name": "Quraishi", "date_of_birth": None}, 0.5),
        ({"last_name": "Qureshy"}, 0.9),
        ({"last_name": "Qureshy", "date_of_birth": None}, None),
        ({"date_of_birth": "1984-03-09"}, None),
        ({"first_name": "Nadia"}, None),
        ({"first_name": "", "date_of_birth": None}, None),
    ],
)
def test_only_beside_an_adult_in_common(story: Story, other: dict[str, Any], score: float | None) -> None:
    """An adult of the same name, of whose birth nothing is known, is asked about and makes no rule more careful."""
    told(story, unborn())
    contact = told(story, baby(EXPECTED), MOTHER | other)
    assert [match.score for match in proposed(contact)] == ([] if score is None else [score])


def test_layla_haddad_and_leila_hadad_are_one_mother(story: Story) -> None:
    """A name in Arabic has several spellings in Latin letters."""
    mother = MOTHER | {"first_name": "Layla", "last_name": "Haddad"}
    for first, last in (("Leila", "Hadad"), ("Laila", "Haddad"), ("Leyla", "El Haddad")):
        told(story, unborn(), mother | {"first_name": first, "last_name": last})
    found = proposed(told(story, baby(EXPECTED), mother))
    assert [(match.score, match.reasons[1]) for match in found] == [(0.9, "Same adult beside")] * 3


def test_not_a_boy_and_a_girl(story: Story) -> None:
    told(story, unborn(sex="F"))
    assert proposed(told(story, baby(EXPECTED, sex="M"))) == []


def test_each_of_twins_is_asked_about_and_only_one_is_the_same(story: Story) -> None:
    told(story, unborn())
    story.later()
    twins = [baby(EXPECTED), baby(EXPECTED, ref="c2", first_name="Badr")]
    contact = story.contact(children=twins, adults=[MOTHER], family_indicators=[])
    assert {match.child.ref for match in proposed(contact) if match.child} == {"c1", "c2"}


def test_an_older_child_is_not_looked_for(story: Story) -> None:
    """It was proposed when it was young. So receiving costs nothing more."""
    told(story, unborn(date(2020, 5, 1)))
    assert proposed(told(story, baby(date(2020, 5, 2)))) == []


def test_the_baby_is_no_longer_expected_wherever_it_is_shown(story: Story) -> None:
    earlier = told(story, unborn(last_name="Qureshi"))
    contact = told(story, baby(EXPECTED))
    (match,) = proposed(contact)
    matches.settle(contact_id=contact.pk, match_id=match.pk, same=True, by=person("amina"), now=story.later())
    hits = run_query(read_typed("Qureshi"), person("amina"), story.now).hits
    assert [(hit.name, hit.born.date_of_birth) for hit in hits if hit.beside == ("Zeinab Qureshi",)] == [
        ("Amal Qureshi", EXPECTED)
    ]
    assert {hit.beside for hit in hits if hit.name == "Zeinab Qureshi"} == {("Amal Qureshi",)}
    assert called_on_its_page(earlier, story) == "Amal Qureshi"
    (joined,) = joined_elsewhere(earlier.children.all())
    assert (joined.known_name, joined.name) == ("Qureshi", "Amal Qureshi")

    matches.undo(contact_id=contact.pk, match_id=match.pk, reason="A cousin.", by=person("amina"), now=story.later())
    assert called_on_its_page(earlier, story) == "Qureshi"
