"""Restricted records on real connections: each race ends as if one action had followed the other."""

from functools import partial
from typing import Any

from casework.actions import broken_glass, restrictions
from casework.models import Contact, Message, OutboxMessage, RestrictedAccess, Restriction
from errors import InvalidInput, NotAllowedInStatus
from tests.stage.racing import TIMES, by_number, race, received
from tests.stage.restricted import restrict, sees
from tests.stage.story import Story, person


def test_naming_beside_lifting(story: Story) -> None:
    """Either somebody was named before, or they hear that everybody may open it."""
    for number in range(TIMES):
        contact = received(story, number)
        restriction = restrict(story, contact)
        said: dict[str, Any] = {"restriction_id": restriction.pk, "reason": "So.", "now": story.now}
        named, lifted = race(
            partial(restrictions.name_reader, user_id=person("erin").pk, by=person("maya"), **said),
            partial(restrictions.lift, by=person("sam"), **said),
        )
        assert isinstance(lifted, Restriction), lifted
        assert isinstance(named, RestrictedAccess | NotAllowedInStatus), named
        assert sees("oliver", contact, story)


def test_one_glass_broken_twice(story: Story) -> None:
    """Somebody clicks twice: it is broken once, and told once."""
    contact = received(story, 1)
    restrict(story, contact)
    outcomes = race(*[
        lambda: broken_glass.break_glass(reference=str(contact), reason="So.", by=person("erin"), now=story.now)
    ] * 3)  # fmt: skip
    assert [type(outcome) for outcome in outcomes if outcome != contact] == [InvalidInput] * 2, outcomes
    assert RestrictedAccess.objects.count() == 1
    told = OutboxMessage.objects.filter(kind=Message.GLASS_BROKEN)
    assert sorted(told.values_list("to", flat=True)) == sorted(person(name).email for name in ("iris", "sam"))


def test_a_contact_arrives_while_its_child_is_restricted(story: Story) -> None:
    """Whichever comes first, the contact is closed."""
    for number in range(TIMES):
        first = story.contact(**by_number(number))
        restriction, arrived = race(
            partial(restrict, story, first),
            partial(story.contact, **by_number(number)),
        )
        assert isinstance(restriction, Restriction), restriction
        assert isinstance(arrived, Contact), arrived
        assert not sees("amina", arrived, story)
        assert sees("sam", arrived, story)


def test_two_restrict_one_record(story: Story) -> None:
    contact = received(story, 1)
    outcomes = race(lambda: restrict(story, contact), lambda: restrict(story, contact, by="maya"))
    assert Restriction.objects.count() == 1, outcomes
