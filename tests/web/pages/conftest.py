"""The stories of the pages: a contact that waits for a second person, a case that is offered and one in work."""

import pytest

from casework.models import Case, Contact, Handoff
from tests.stage.story import Story


@pytest.fixture
def waiting(story: Story) -> Contact:
    """A contact on which Amina decided, and that waits for a second person."""
    contact = story.contact()
    story.decided(contact, pathway="advice", level=1, rag="blue")
    assert contact.status == "sign_off"
    return contact


@pytest.fixture
def offer(story: Story) -> Handoff:
    """A case on offer to Aylesbury."""
    return story.offered()


@pytest.fixture
def case(story: Story) -> Case:
    """A case that Aylesbury is responsible for."""
    return story.accepted()
