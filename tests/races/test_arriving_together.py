"""
Contacts about one child that arrive at the same moment, on real connections: whatever it is by which they belong
together, and whatever the clocks of the hosts say, of any two the later counts the earlier.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from casework.actions import decisions, learning, matches, people
from casework.families import sameness
from casework.families.household import household
from casework.families.likeness.finding import MOST_PROPOSALS
from casework.jobs import stale_recommendations
from casework.models import Contact, Decision, Person, PersonDetail, PersonMatch, Recommendation, StaleRecommendation
from tests.stage.documents import address, child, nhs_number
from tests.stage.racing import (
    FIRST_NAMES,
    LAST_NAMES,
    TIMES,
    birth,
    by_number,
    family,
    held_open,
    interleaved,
    race,
)
from tests.stage.sql import run
from tests.stage.story import Story, person

# The first statement that a contact writes. By then it has its id, and has counted the contacts before it.
BEFORE_STORING = "EXECUTE insert_into_casework_person_"

FORTY = 40
AGENCIES = ("example-primary-school", "example-police", "example-health-visiting")


def by_mother(number: int) -> list[dict[str, Any]]:
    """Three children who share nothing; their mother is the same person."""
    mother = {"first_name": "Zeinab", "last_name": LAST_NAMES[number], "date_of_birth": birth(number, 1980)}
    return [
        {
            "children": [child(
                first_name=name, last_name=LAST_NAMES[3 * number + which + 1], also_known_as=[], nhs_number=None,
                date_of_birth=f"{2009 + 3 * which - number}-{4 + 3 * number:02}-{11 + which * 5}",
                address=address(home),
            )],
            "adults": [mother],
        }
        for which, (name, home) in enumerate([("Ada", "HP20 1UA"), ("Bo", "HP5 1AA"), ("Cyd", "SL7 1AA")])
    ]  # fmt: skip


def by_likeness(number: int) -> list[dict[str, Any]]:
    return [family(number), family(number), family(number)]


def by_swapped_birthday(number: int) -> list[dict[str, Any]]:
    born = (f"{2008 + 3 * number}-05-07", f"{2008 + 3 * number}-07-05")
    name = {"first_name": FIRST_NAMES[number + 5], "last_name": LAST_NAMES[number + 5]}
    unknown = {"nhs_number": None, "address": None}
    return [{"children": [child(**name, **unknown, date_of_birth=born[which % 2])], "adults": []} for which in range(3)]


def by_home(number: int) -> list[dict[str, Any]]:
    """Nobody knows when the child was born; name, age and address are the same."""
    homes = ("HP20 1UA", "HP5 1AA", "SL7 1AA")
    name = {"first_name": FIRST_NAMES[-number - 1], "last_name": LAST_NAMES[-number - 1], "also_known_as": []}
    entry = child(**name, nhs_number=None, date_of_birth=None, age_years=5 + 4 * number, address=address(homes[number]))
    return [{"children": [entry], "adults": []} for _ in range(3)]


def same_number(number: int) -> list[dict[str, Any]]:
    return [by_number(number)] * 3


BY_MATCHES = [same_number, by_likeness, by_swapped_birthday, by_home, by_mother]


def count(contact: Contact) -> int:
    """The contacts in three months that its latest recommendation counted."""
    newest = Recommendation.objects.filter(contact=contact).latest("pk")
    counted: int = newest.facts["family"]["contacts_3_months"]
    return counted


@pytest.mark.parametrize("told_as", BY_MATCHES)
class TestThreeAtOnce:
    def test_one_of_them_is_the_third_in_three_months(
        self, story: Story, told_as: Callable[[int], list[dict[str, Any]]]
    ) -> None:
        for number in range(TIMES):
            families = told_as(number)

            def send(which: int, families: list[dict[str, Any]] = families) -> Contact:
                return story.contact(by=AGENCIES[which], **families[which])

            contacts = race(*(lambda which=which: send(which) for which in range(3)))
            assert all(isinstance(contact, Contact) for contact in contacts), contacts
            in_order = sorted(contacts, key=lambda contact: contact.pk)
            assert [count(contact) for contact in in_order] == [1, 2, 3]
            assert in_order[-1].rag == "amber"

    def test_the_one_that_is_stored_last_counts_the_others_although_its_clock_is_behind(
        self, story: Story, told_as: Callable[[int], list[dict[str, Any]]]
    ) -> None:
        for number in range(TIMES):
            families = told_as(number)

            def ahead(families: list[dict[str, Any]] = families) -> Contact:
                return story.contact(at=story.now + timedelta(minutes=1), **families[0])

            def behind(families: list[dict[str, Any]] = families) -> Contact:
                return story.contact(at=story.now, **families[1])

            first, second = held_open(ahead, behind)
            assert isinstance(first, Contact), first
            assert isinstance(second, Contact), second
            assert second.received_at < first.received_at
            assert (count(first), count(second)) == (1, 2)
            # Asked again, each counts the same.
            for contact in (first, second):
                answers(contact, story.later())
            assert (count(first), count(second)) == (1, 2)


@pytest.mark.parametrize(("told_as", "most"), [(same_number, FORTY), (by_likeness, MOST_PROPOSALS + 1)])
def test_of_forty_at_once_each_counts_those_before_it(
    story: Story, told_as: Callable[[int], list[dict[str, Any]]], most: int
) -> None:
    """
    As many as a bad day may bring about one child; none is refused. By likeness alone a child is taken for no more than
    the most likely records, which is far beyond what the rules ask for.
    """
    family = told_as(0)[0]

    def send(which: int) -> Contact:
        worries = {"worries": f"What happened on day {which}."}
        return story.contact(
            by=AGENCIES[which % 3], at=story.now, agency_reference=f"{which} of forty", concern=worries, **family
        )

    contacts = race(*(lambda which=which: send(which) for which in range(FORTY)))
    assert [contact for contact in contacts if not isinstance(contact, Contact)] == []
    in_order = sorted(contacts, key=lambda contact: contact.pk)
    assert [count(contact) for contact in in_order] == [min(number, most) for number in range(1, FORTY + 1)]


def answers(contact: Contact, now: datetime) -> None:
    learning.record_agreement(
        contact_id=contact.pk, service="given", given_by="mother", on=now.date(), by=person("amina"), now=now
    )


def known_child(number: int, **changes: Any) -> dict[str, Any]:
    """A child with an NHS number, who is recognised by it and by the date of birth. Nothing else is alike."""
    described: dict[str, Any] = {
        "first_name": f"Known {number}",
        "last_name": "K" * (number + 1),
        "also_known_as": [],
        "address": None,
    }
    return child(
        **described, nhs_number=nhs_number(number), date_of_birth=f"{2010 + number}-03-{14 + number}", **changes
    )


def alone(entry: dict[str, Any], *adults: dict[str, Any]) -> dict[str, Any]:
    return {"children": [entry], "adults": list(adults)}


def brothers() -> list[dict[str, Any]]:
    """Two brothers are known by a contact about both. Each of two more contacts is about one of them."""
    both = [known_child(7, ref="c1"), known_child(8, ref="c2")]
    return [{"children": both, "adults": []}, alone(known_child(7)), alone(known_child(8))]


def brother_through_the_mother() -> list[dict[str, Any]]:
    """A child is known with the mother. One contact is about that child, one about the mother and a new child."""
    mother = {"first_name": "Zeinab", "last_name": "Quill", "date_of_birth": "1984-03-09"}
    new = child(
        first_name="Nia", last_name="Newly", also_known_as=[], nhs_number=None, date_of_birth=None, address=None
    )
    return [alone(known_child(6), mother), alone(known_child(6)), alone(new, mother)]


def mother_who_is_a_child() -> list[dict[str, Any]]:
    """
    A girl is known with her postcode. One contact knows her NHS number but another address, one names her as a baby's
    mother at the address that we know.
    """
    girl, home = known_child(5), address("HP20 1UA")
    baby = child(
        first_name="Baby", last_name="Boo", also_known_as=[], nhs_number=None, date_of_birth=None, address=home
    )
    mother = {"first_name": girl["first_name"], "last_name": girl["last_name"], "same_address": True}
    mother["date_of_birth"] = girl["date_of_birth"]
    return [alone(girl | {"address": home}), alone(girl | {"address": address("SL7 1AA")}), alone(baby, mother)]


BY_RECORDS = [brothers, brother_through_the_mother, mother_who_is_a_child]


@pytest.mark.parametrize("told_as", BY_RECORDS)
@pytest.mark.parametrize("turned", [False, True])
class TestNothingInCommonButTheHousehold:
    """What the two contacts say has nothing in common. Only our records know that they are about one household."""

    def test_the_later_counts_the_earlier(
        self, story: Story, told_as: Callable[[], list[dict[str, Any]]], turned: bool
    ) -> None:
        known, *two = told_as()
        story.contact(**known)
        one, other = reversed(two) if turned else two
        contacts = interleaved(
            lambda: story.contact(by="example-police", **one),
            lambda: story.contact(by="example-health-visiting", **other),
            before=BEFORE_STORING,
        )
        assert all(isinstance(contact, Contact) for contact in contacts), contacts
        counted = [count(contact) for contact in contacts]
        # From the mother's side a likeness leads to the baby's contact. From the brother's no record does.
        assert counted == ([2, 2] if turned and told_as is brother_through_the_mother else [2, 3])
        for contact in contacts:
            answers(contact, story.later())
        assert [count(contact) for contact in contacts] == counted, "asked again, each counts the same"


def test_everybody_in_the_household_who_was_on_record_is_locked(story: Story) -> None:
    """So two contacts wait for each other if one of them could count the other, whichever rule joined the people."""
    families = [*(told_as(0) for told_as in BY_MATCHES), *(told_as() for told_as in BY_RECORDS)]
    for known, *_ in families:
        story.contact(**known)
    on_record = {pk for (pk,) in run("SELECT id FROM casework_person")}
    for _, *others in families:
        for document in others:
            with transaction.atomic():
                people = household(story.contact(**document)).people & on_record
                (free,) = race(lambda: run("SELECT id FROM casework_person FOR NO KEY UPDATE SKIP LOCKED"))
                transaction.set_rollback(True)
            assert people
            assert not people & {pk for (pk,) in free}


def test_whoever_is_hidden_by_a_contact_without_a_mark_is_locked_before_it_writes(story: Story) -> None:
    """Robin's father hides with another child: Robin's mother, who is on no contact with him, is hidden with Robin."""
    home, hidden = address("HP20 1UA"), address("HP21 7QX", confidential=True)
    robin, kim = (by_number(number)["children"][0] for number in (1, 2))
    mother = {"first_name": "Zeinab", "last_name": "Obi", "date_of_birth": "1980-03-04", "same_address": True}
    father = {"first_name": "Emeka", "last_name": "Obi", "date_of_birth": "1978-11-21", "same_address": True}
    with_mother = story.contact(children=[robin | {"address": home}], adults=[mother | {"relationship": "mother"}])
    story.contact(children=[kim | {"address": hidden}], adults=[father | {"relationship": "father"}])
    (of_mother,) = (adult.recorded_as_id for adult in with_mother.adults.all())
    arrived, free = interleaved(
        lambda: story.contact(
            by="example-police", children=[robin | {"address": home}], adults=[father | {"relationship": "father"}]
        ),
        lambda: [pk for (pk,) in run("SELECT id FROM casework_person FOR NO KEY UPDATE SKIP LOCKED")],
        before=BEFORE_STORING,
    )
    assert isinstance(arrived, Contact), arrived
    assert with_mother.children.get().address_is_confidential
    assert of_mother not in free


def test_contacts_that_name_the_same_people_in_any_order_wait_in_no_circle(story: Story) -> None:
    """Eight contacts about the same four children of one block of flats, each in an order of its own."""
    children = [
        child(
            ref=f"c{n}", first_name=f"Child {n}", last_name="W" * (n + 1), also_known_as=[], nhs_number=nhs_number(n),
            date_of_birth=f"201{n}-0{n + 1}-1{n}", address=address("HP20 1UA"),
        )
        for n in range(4)
    ]  # fmt: skip

    def send(turned: int) -> Contact:
        turn = children[turned % 4 :] + children[: turned % 4]
        return story.contact(by=AGENCIES[turned % 3], children=turn if turned < 4 else turn[::-1], adults=[])

    contacts = race(*(lambda turned=turned: send(turned) for turned in range(8)))
    assert all(isinstance(contact, Contact) for contact in contacts), contacts
    assert sorted(count(contact) for contact in contacts) == list(range(1, 9))


def test_a_confidential_address_arrives_beside_work_on_the_family(story: Story) -> None:
    """About one child. What leads to the other, who is hidden as well, is their mother, who was on record before."""
    home, mother = address("HP20 1UA"), {"first_name": "Zeinab", "last_name": "Obi", "date_of_birth": "1980-03-04"}
    one, other = (by_number(number)["children"][0] | {"address": home} for number in (1, 2))
    adults = [mother | {"relationship": "mother", "same_address": True}]
    first, second = (story.contact(children=[entry], adults=adults) for entry in (other, one))
    (match,) = sameness.open_matches(second)
    matches.settle(contact_id=second.pk, match_id=match.pk, same=True, by=person("amina"), now=story.later())
    now = story.later()
    arrived, renewed = interleaved(
        lambda: story.contact(
            by="example-police", children=[one | {"address": home | {"confidential": True}}], adults=[]
        ),
        lambda: stale_recommendations.renew_one(contact_id=second.pk, now=now, only_if_noted=False),
        before='UPDATE "casework_contactchild"',
    )
    assert (type(arrived), renewed) == (Contact, True), (arrived, renewed)
    assert first.children.get().address_is_confidential


def test_contacts_about_two_brothers_wait_in_no_circle(story: Story) -> None:
    """Each locks both records, whichever brother it is about."""
    known, *two = brothers()
    story.contact(**known)
    contacts = race(
        *(lambda which=which: story.contact(by=AGENCIES[which % 3], **two[which % 2]) for which in range(8))
    )
    assert all(isinstance(contact, Contact) for contact in contacts), contacts
    assert sorted(count(contact) for contact in contacts) == list(range(2, 10))


class TestWhileACaseOpens:
    """A contact arrives about a child while somebody decides: it knows of the case, soon or at once."""

    @pytest.mark.parametrize("told_as", [same_number, by_likeness])
    def test_the_contact_knows_of_it(self, story: Story, told_as: Callable[[int], list[dict[str, Any]]]) -> None:
        for number in range(TIMES):
            families = told_as(number)
            first = story.contact(**families[0])
            seen = first.recommendation
            assert seen is not None

            def decide(pk: int = first.pk, seen: int = seen.pk) -> Decision:
                return decisions.decide(
                    contact_id=pk, recommendation_id=seen, pathway="family_help", level=3, rag="green",
                    rationale="So it is, all in all.",
                    history="So it was before, too.", by=person("amina"), now=story.now,
                )  # fmt: skip

            def send(families: list[dict[str, Any]] = families) -> Contact:
                return story.contact(by="example-police", **families[1])

            decided, second = race(decide, send)
            assert isinstance(decided, Decision), decided
            assert isinstance(second, Contact), second
            stale_recommendations.renew(now=story.later())
            newest = Recommendation.objects.filter(contact=second).latest("pk")
            assert newest.facts["family"]["open_work"] == "early_help"
            assert not StaleRecommendation.objects.exists()

    def test_two_workers_ask_once(self, story: Story) -> None:
        first, second = story.contact(**by_number(0)), story.contact(by="example-police", **by_number(0))
        story.decided(first)
        outcomes = race(*[lambda: stale_recommendations.renew(now=story.now)] * 4)
        assert sorted(outcomes) == [0, 0, 0, 1]
        assert second.recommendations.count() == 2


@pytest.mark.parametrize("kind", ["address", "nhs_number"])
def test_a_home_or_number_that_staff_record_while_a_contact_brings_it(story: Story, kind: str) -> None:
    """Whoever is first: the two may be one child only by that, and somebody asks about them once."""
    for number in range(TIMES):
        one = {"first_name": FIRST_NAMES[number], "last_name": LAST_NAMES[number], "date_of_birth": birth(number, 2010)}
        other = {"first_name": FIRST_NAMES[number], "last_name": LAST_NAMES[number + 5], "date_of_birth": None,
                 "age_years": story.now.year - int(one["date_of_birth"][:4])}  # fmt: skip
        unknown: dict[str, Any] = {"nhs_number": None, "upn": None, "also_known_as": []}
        contact = story.contact(children=[child(**one, **unknown)], adults=[])
        who, line = contact.children.get().person, f"{number + 1} Larkspur Lane"
        if kind == "address":
            said = people.Said(kind, line, "SL7 1AA", said_by="The aunt")
            brings: dict[str, Any] = unknown | {"address": {"lines": [line], "postcode": "SL7 1AA"}}
        else:
            said = people.Said(kind, nhs_number(500 + number), qualifier="verified", said_by="The aunt")
            brings = unknown | {"nhs_number": said.value, "address": {}}

        def record(who: Person = who, said: people.Said = said) -> PersonDetail:
            return people.add_detail(person_id=who.pk, said=said, by=person("amina"), now=story.now)

        def send(other: dict[str, Any] = other | brings) -> Contact:
            return story.contact(children=[child(**other)], adults=[])

        detail, second = race(record, send)
        assert isinstance(detail, PersonDetail), detail
        assert isinstance(second, Contact), second
        pair = {who.pk, second.children.get().person_id}
        matches = PersonMatch.objects.filter(record__in=pair, person__in=pair)
        says = "Same address" if kind == "address" else "Same NHS number"
        assert [sum(reason.startswith(says) for reason in match.reasons) for match in matches] == [1]
