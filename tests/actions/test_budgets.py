"""
What an action asks of the database. Counted is every statement that Django's own capture sees, from the action's first
to its last, with the two of the savepoint that a transaction is inside a test; what a process reads once and then
keeps, by version (the rule set, teams, places, the calendar, the policies), is in its memory already.

The ordinary story: a school's system sends a contact with a key and the referrer's e-mail address, about one child
nobody knew with one adult; the family agreed to help; the rules recommend family help.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casework.actions import cases, decisions, handoffs, receiving
from casework.models import Contact, ContactAdult, ContactChild, Handoff
from localities.models import Agency
from tests.stage.documents import child, contact_document
from tests.stage.story import Story, person

RECEIVE, DECIDE, ACCEPT, CLOSE = 15, 25, 12, 10
# A family that is known: its records are locked, its contacts, cases and likenesses are read and written, and whom
# somebody told apart is asked.
RECEIVE_KNOWN = 21


def cost(action: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        action()
    return len(queries)


@pytest.fixture
def warm(story: Story) -> Story:
    """Fills the process's caches, as its first contact does."""
    nobody = child(first_name="A", last_name="Stranger", nhs_number=None, date_of_birth="2011-07-08", address=None)
    story.contact(children=[nobody], adults=[])
    return story


def receives(story: Story, **changes: Any) -> Callable[[], Contact]:
    key = f"key {Contact.objects.count()}"
    school = Agency.objects.get(code="example-primary-school")
    document = contact_document(agency_reference=key, **changes)
    return lambda: receiving.receive(document=document, by=school, now=story.now, idempotency_key=key).contact


def crowd(number: int) -> dict[str, Any]:
    """A contact about this number of siblings, with as many adults."""
    children = [
        child(ref=f"c{n}", first_name=f"Child {n}", nhs_number=None, date_of_birth=f"20{10 + n % 9}-0{1 + n % 8}-01")
        for n in range(number)
    ]
    adults = [
        {
            "first_name": f"Adult {n}",
            "last_name": "Ashworth",
            "same_address": True,
            "date_of_birth": f"19{70 + n}-05-05",
        }
        for n in range(number)
    ]
    return {"children": children, "adults": adults}


def test_receiving(warm: Story) -> None:
    assert cost(receives(warm)) <= RECEIVE


def test_receiving_costs_the_same_for_any_number_of_people(warm: Story) -> None:
    assert cost(receives(warm, **crowd(20))) <= RECEIVE
    assert (ContactChild.objects.count(), ContactAdult.objects.count()) == (21, 20)


def test_receiving_about_a_family_that_is_known(warm: Story) -> None:
    for number in (1, 20):
        story = Story(warm.later())
        first = story.contact(**crowd(number))
        assert cost(receives(story, **crowd(number))) <= RECEIVE_KNOWN
        again = Contact.objects.exclude(pk=first.pk).latest("pk")
        assert again.recommendation is not None
        assert again.recommendation.facts["family"]["contacts_3_months"] > 1


def test_deciding_accepting_and_closing(warm: Story) -> None:
    contact = warm.contact()
    recommendation = contact.recommendation
    assert recommendation is not None
    assert (recommendation.pathway, contact.agreement) == ("family_help", "given")
    assert contact.referrer_email
    amina, ben = person("amina"), person("ben")
    said: dict[str, Any] = {"pathway": "family_help", "level": 3, "rag": "green", "rationale": "So it is."}

    def decide() -> None:
        decisions.decide(contact_id=contact.pk, recommendation_id=recommendation.pk, by=amina, now=warm.later(), **said)

    assert cost(decide) <= DECIDE
    handoff = Handoff.objects.get(case__contacts=contact)
    assert cost(lambda: handoffs.accept(handoff_id=handoff.pk, by=ben, now=warm.later())) <= ACCEPT
    ben = person("ben")

    def close() -> None:
        cases.close(case_id=handoff.case_id, outcome="needs_met", summary="Well.", by=ben, now=warm.later())

    assert cost(close) <= CLOSE
