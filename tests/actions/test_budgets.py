"""
What an action asks of the database: round trips, which the issue's budgets are about, and statements.

- A round trip is a text that the process sends and waits for. Each costs the web server a fifth of a millisecond, and
  more with a network between. The budgets: receive 15, whatever the number of people; decide 25; accept 12; close 10.
  Only a family around which an address is hidden costs more to receive: see below.
- A text may have several statements in it (`models/prepared.py`). The database does the work of each.

Both are counted from the action's first to its last, with the two of the savepoint that a transaction is inside a test.
Not counted is what a process asks for once and then keeps: PREPARE, and the rule set, teams, places, the calendar and
the policies, by their versions.

The ordinary story: a school's system sends a contact with a key and the referrer's e-mail address, about one child
nobody knew with one adult; the family agreed to help; the rules recommend family help.
"""

from collections.abc import Callable
from typing import Any

import pytest

from casework.actions import closing, decisions, handoffs, receiving
from casework.models import Contact, ContactAdult, ContactChild, Handoff
from localities.models import Agency
from tests.stage.documents import address, child, contact_document
from tests.stage.sql import Asked, asked, within
from tests.stage.story import Story, how_it_ended, person

# Round trips and statements, as they are today: see docs/adr/0021-from-what-is-in-hand.md. A story may take one less of
# each. Who makes it cheaper lowers the figure.
RECEIVE = Asked(6, 24)
RECEIVE_CROWD = Asked(6, 23)
RECEIVE_RED = Asked(8, 26)
# The family's records are locked, and its contacts, cases and likenesses are read.
RECEIVE_KNOWN = Asked(11, 31)
# Whose address is hidden around the child is asked after its contact is stored.
RECEIVE_CONFIDENTIAL = Asked(12, 32)
# Somebody is hidden at the postcode. Whether the child is hidden too is found out before the rules are asked.
RECEIVE_NEIGHBOUR = Asked(14, 32)
# All whose addresses that may hide are locked before anything is written, so that nobody waits for another in a circle.
RECEIVE_CONFIDENTIAL_AGAIN = Asked(21, 45)
# The decision also ends what the sender asked before it.
DECIDE, DECIDE_LINK, ACCEPT, CLOSE = Asked(26, 28), Asked(25, 27), Asked(12, 13), Asked(10, 11)
# Whose note it is and what stands last is read before it is corrected; on a case, which team is responsible.
NOTE, CORRECT_NOTE, CORRECT_CASE_NOTE = Asked(7, 7), Asked(9, 9), Asked(10, 10)


def takes(action: Callable[[], Any], budget: Asked) -> Any:
    """Does this, which costs what the budget says. Returns what the action does."""
    with asked() as cost:
        result = action()
    assert within(cost.round_trips, budget.round_trips), (cost, budget)
    assert within(cost.statements, budget.statements), (cost, budget)
    return result


@pytest.fixture
def warm(story: Story) -> Story:
    """Fills the process's caches, as its first contact does."""
    story.contact(children=[stranger()], adults=[])
    return story


def stranger(**changes: Any) -> dict[str, Any]:
    """A child who is like nobody."""
    return (
        child(first_name="A", last_name="Stranger", nhs_number=None, date_of_birth="2011-07-08", address=None) | changes
    )


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
    takes(receives(warm), RECEIVE)


def test_receiving_costs_the_same_for_any_number_of_people(warm: Story) -> None:
    takes(receives(warm, **crowd(20)), RECEIVE_CROWD)
    assert (ContactChild.objects.count(), ContactAdult.objects.count()) == (21, 20)


def test_receiving_what_is_red(warm: Story) -> None:
    assert takes(receives(warm, immediate_danger=True), RECEIVE_RED).rag == "red"


def test_receiving_about_a_family_that_is_known(warm: Story) -> None:
    for number in (1, 20):
        story = Story(warm.later())
        story.contact(**crowd(number))
        again = takes(receives(story, **crowd(number)), RECEIVE_KNOWN)
        assert again.recommendation.facts["family"]["contacts_3_months"] > 1


def test_receiving_a_confidential_address(warm: Story) -> None:
    in_hiding = child(address=address("HP20 1UA", confidential=True))
    takes(receives(warm, children=[in_hiding]), RECEIVE_CONFIDENTIAL)
    home = {"lines": ["44 Other Street"], "postcode": "HP20 1UA"}
    beside = stranger(date_of_birth="2015-10-11", also_known_as=[], address=home)
    shown = takes(receives(warm, children=[beside], adults=[]), RECEIVE_NEIGHBOUR)
    assert not shown.children.get().address_is_confidential
    takes(receives(warm, children=[in_hiding]), RECEIVE_CONFIDENTIAL_AGAIN)


def test_deciding_accepting_and_closing(warm: Story) -> None:
    contact = warm.contact()
    recommendation = contact.recommendation
    assert recommendation is not None
    assert (recommendation.pathway, contact.agreement) == ("family_help", "given")
    assert contact.referrer_email
    amina = person("amina")
    said: dict[str, Any] = {
        "level": 3,
        "rag": "green",
        "rationale": "So it is, all in all.",
        "history": "So it was before, too.",
        "by": amina,
    }

    def decide(contact: Contact, pathway: str) -> Callable[[], Any]:
        now, seen = warm.later(), contact.recommendation_id
        return lambda: decisions.decide(
            contact_id=contact.pk, recommendation_id=seen or 0, pathway=pathway, now=now, **said
        )

    takes(decide(contact, "family_help"), DECIDE)
    handoff = Handoff.objects.get(case__contacts=contact)
    ben = person("ben")
    takes(lambda: handoffs.accept(handoff_id=handoff.pk, by=ben, now=warm.later()), ACCEPT)
    news = warm.contact(at=warm.later())
    takes(decide(news, "link_to_open_work"), DECIDE_LINK)
    ben = person("ben")

    def close() -> None:
        closing.close(case_id=handoff.case_id, ended=how_it_ended(), by=ben, now=warm.later())

    takes(close, CLOSE)


def test_writing_and_correcting_a_note(warm: Story) -> None:
    contact = warm.contact()
    about: dict[str, Any] = {"child_ids": [contact.children.get().pk]}
    note = takes(lambda: warm.note(contact, **about), NOTE)
    takes(lambda: warm.corrected(note), CORRECT_NOTE)
    # For their own team, when there are more already, and on a case.
    for _ in range(5):
        warm.corrected(warm.note(contact))
    takes(lambda: warm.note(contact, readers="team", **about), NOTE)
    case = warm.accepted(contact)
    on_case = takes(lambda: warm.note(case, by="ben", **about), NOTE)
    takes(lambda: warm.corrected(on_case, by="ben"), CORRECT_CASE_NOTE)
