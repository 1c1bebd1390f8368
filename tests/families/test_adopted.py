"""The records of before and after an adoption are never linked: their history does not count, and nobody joins them."""

from typing import Any

import pytest

from casework.actions import matches
from casework.actions.recommendations import recommend_again
from casework.families import sameness
from casework.models import Contact, PersonMatch, Restriction
from errors import NotAllowedInStatus
from tests.stage.documents import child, nhs_number
from tests.stage.restricted import restrict, restrict_both, sees
from tests.stage.story import Story, person

READER = "amina"


@pytest.fixture
def before(story: Story) -> Contact:
    return story.contact(children=[child(last_name="Before")], adults=[])


@pytest.fixture
def after(story: Story, before: Contact) -> Contact:
    story.later()
    return story.contact(children=[child(last_name="After")], adults=[])


def history_of(contact: Contact) -> int:
    """How many contacts the rules counted about the child."""
    facts = contact.recommendations.latest("pk").facts
    return int(facts["family"]["contacts_3_months"])


def match_of(contact: Contact) -> PersonMatch:
    return PersonMatch.objects.get(child__contact=contact)


def test_one_of_the_two_is_enough(story: Story, before: Contact, after: Contact) -> None:
    """Who may open both is asked, to restrict the other too, or to say that it is another child."""
    people = {contact.children.get().person_id for contact in (before, after)}
    assert sameness.careful(sameness.open_matches(after)) == [match_of(after)]
    assert len(sameness.likely_pairs(people)) == 1
    assert history_of(after) == 2
    restrict_both(story, before, after, READER, kind="high_profile")
    assert sameness.open_matches(after) == [match_of(after)]
    assert sameness.careful(sameness.open_matches(after)) == []
    assert sameness.likely_pairs(people) == frozenset()
    said: dict[str, Any] = {"contact_id": after.pk, "match_id": match_of(after).pk, "by": person(READER)}
    with pytest.raises(NotAllowedInStatus, match="never joined: restrict the other as adopted, too"):
        matches.settle(same=True, now=story.later(), **said)
    matches.settle(same=False, now=story.later(), **said)
    assert match_of(after).status == "rejected"


def test_the_history_of_the_one_is_not_that_of_the_other(story: Story, before: Contact) -> None:
    """Not when a contact comes, and not when the rules are asked again."""
    restrict(story, before, READER, kind="adopted")
    after = story.contact(children=[child(last_name="After")], adults=[])
    assert (history_of(after), len(sameness.open_matches(after))) == (1, 1)
    recommend_again(after, person(READER), story.later())
    assert after.recommendations.count() == 2
    assert history_of(after) == 1


@pytest.mark.parametrize(
    ("changes", "may_be_one"),
    [
        ({"last_name": "Bifore", "nhs_number": None}, True),
        ({"last_name": "Before-Hall"}, True),
        ({"last_name": None}, True),
        ({"nhs_number": nhs_number(7)}, False),
        ({"last_name": "After", "nhs_number": None}, False),
    ],
)
def test_what_may_be_one_identity(story: Story, before: Contact, changes: dict[str, Any], may_be_one: bool) -> None:
    """A slip in a name changes nothing: it is closed, it counts, and somebody may say that it is the same child."""
    restrict(story, before, READER, kind="adopted")
    again = story.contact(children=[child(last_name="Before") | changes], adults=[])
    assert (sees(READER, again, story), sees("oliver", again, story)) == (True, False)
    (match,) = sameness.open_matches(again)
    assert match.is_of_two_identities is not may_be_one
    assert history_of(again) == 1 + may_be_one
    if may_be_one:
        matches.settle(contact_id=again.pk, match_id=match.pk, same=True, by=person(READER), now=story.later())


def test_both_records_of_an_adopted_child_stay_apart(story: Story, before: Contact, after: Contact) -> None:
    restrict_both(story, before, after, READER)
    assert sameness.open_matches(after) == []
    # Whoever may open the one only does not see the other, and the other way round.
    assert (sees("maya", before, story), sees("maya", after, story)) == (True, False)
    people = {contact.children.get().person_id for contact in (before, after)}
    assert sameness.likely_pairs(people) == frozenset()
    with pytest.raises(NotAllowedInStatus, match="two people"):
        matches.settle(
            contact_id=after.pk, match_id=match_of(after).pk, same=True, by=person(READER), now=story.later()
        )
    assert match_of(after).status == "proposed"


def test_whoever_is_one_of_them_is_not_asked_to_be_the_other(story: Story, before: Contact, after: Contact) -> None:
    """A third contact, about the child as it is called today."""
    restrict_both(story, before, after, READER)
    story.later()
    third = story.contact(by="example-police", children=[child(last_name="After")], adults=[])
    own = third.children.get().person
    asked = {match.known.pk for match in sameness.open_matches(third)}
    assert len({own.pk, *asked} & {contact.children.get().person_id for contact in (before, after)}) == 1


def test_once_one_is_lifted_they_are_asked_about(story: Story, before: Contact, after: Contact) -> None:
    lifted = restrict_both(story, before, after, READER)
    Restriction.objects.filter(pk=lifted.pk).update(
        lifted_at=story.later(), lifted_by=person("sam"), lift_reason="It was another child."
    )
    assert sameness.open_matches(after) == [match_of(after)]
