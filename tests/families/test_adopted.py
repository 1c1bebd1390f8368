"""The records of before and after an adoption are never linked: not proposed, not confirmed."""

import pytest

from casework.actions import matches
from casework.families import sameness
from casework.models import Contact, PersonMatch, Restriction
from errors import NotAllowedInStatus
from tests.stage.documents import child
from tests.stage.restricted import restrict_both, sees
from tests.stage.story import Story, person

READER = "amina"


@pytest.fixture
def before(story: Story) -> Contact:
    return story.contact(children=[child(last_name="Before")], adults=[])


@pytest.fixture
def after(story: Story, before: Contact) -> Contact:
    story.later()
    return story.contact(children=[child(last_name="After")], adults=[])


def match_of(contact: Contact) -> PersonMatch:
    return PersonMatch.objects.get(child__contact=contact)


def test_until_both_are_restricted_they_are_asked_about(story: Story, before: Contact, after: Contact) -> None:
    assert sameness.open_matches(after) == [match_of(after)]
    restrict_both(story, before, after, READER, kind="high_profile")
    assert sameness.open_matches(after) == [match_of(after)]


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
