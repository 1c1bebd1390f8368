"""
Contacts about one child that arrive at the same moment, on real connections: whatever it is by which they belong
together, and whatever the clocks of the hosts say, of any two the later counts the earlier.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from casework.actions import decisions, learning
from casework.jobs import stale_recommendations
from casework.models import Contact, Decision, Recommendation, StaleRecommendation
from tests.stage.documents import address, child, nhs_number
from tests.stage.racing import TIMES, by_number, family, is_somebody_blocked, race, until
from tests.stage.story import Story, person

AGENCIES = ("example-primary-school", "example-police", "example-health-visiting")


def by_mother(number: int) -> list[dict[str, Any]]:
    """Three children who share nothing; their mother is the same person."""
    mother = {"first_name": "Zeinab", "last_name": "Q" * (number + 1), "date_of_birth": f"{1980 + number}-03-09"}
    return [
        {
            "children": [child(
                first_name=name, last_name=f"Of {name}", also_known_as=[], nhs_number=None,
                date_of_birth=f"{2009 + number}-{4 + which:02}-{11 + which}", address=address(home),
            )],
            "adults": [mother],
        }
        for which, (name, home) in enumerate([("Ada", "HP20 1UA"), ("Bo", "HP5 1AA"), ("Cyd", "SL7 1AA")])
    ]  # fmt: skip


def by_likeness(number: int) -> list[dict[str, Any]]:
    return [family(number), family(number), family(number)]


def by_swapped_birthday(number: int) -> list[dict[str, Any]]:
    born = (f"{2008 + number}-05-07", f"{2008 + number}-07-05")
    name = {"first_name": f"Swapped {number}", "last_name": "Y" * (number + 1), "nhs_number": None, "address": None}
    return [{"children": [child(**name, date_of_birth=born[which % 2])], "adults": []} for which in range(3)]


def by_home(number: int) -> list[dict[str, Any]]:
    """Nobody knows when the child was born; name and address are the same."""
    homes = ("HP20 1UA", "HP5 1AA", "SL7 1AA")
    name = {"first_name": "Homer", "last_name": "Z" * (number + 1), "nhs_number": None, "date_of_birth": None}
    return [{"children": [child(**name, address=address(homes[number]))], "adults": []} for _ in range(3)]


def same_number(number: int) -> list[dict[str, Any]]:
    return [by_number(number)] * 3


def count(contact: Contact) -> int:
    """How many contacts in three months its latest recommendation was told of."""
    newest = Recommendation.objects.filter(contact=contact).latest("pk")
    counted: int = newest.facts["family"]["contacts_3_months"]
    return counted


@pytest.mark.parametrize("told_as", [same_number, by_likeness, by_swapped_birthday, by_home, by_mother])
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
            families, taken_in = told_as(number), threading.Event()

            def ahead(families: list[dict[str, Any]] = families, taken_in: threading.Event = taken_in) -> Contact:
                with transaction.atomic():
                    contact = story.contact(at=story.now + timedelta(minutes=1), **families[0])
                    taken_in.set()
                    until(is_somebody_blocked)
                return contact

            def behind(families: list[dict[str, Any]] = families, taken_in: threading.Event = taken_in) -> Contact:
                taken_in.wait(timeout=10)
                return story.contact(at=story.now, **families[1])

            first, second = race(ahead, behind)
            assert isinstance(first, Contact), first
            assert isinstance(second, Contact), second
            assert second.received_at < first.received_at
            assert (count(first), count(second)) == (1, 2)
            # Asked again, each counts the same.
            for contact in (first, second):
                answers(contact, story.later())
            assert (count(first), count(second)) == (1, 2)


def answers(contact: Contact, now: datetime) -> None:
    learning.record_agreement(
        contact_id=contact.pk, service="given", given_by="mother", on=now.date(), by=person("amina"), now=now
    )


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
                    rationale="So it is.", by=person("amina"), now=story.now,
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
