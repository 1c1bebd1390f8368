"""The story that most tests of pages begin with, and a contact in it."""

import pytest

from casework.models import Contact
from tests.stage.story import Story
from tests.stage.web_client import a_working_morning


@pytest.fixture
def story(db: None) -> Story:
    """Stories that end before today: the pages look at the clock on the wall."""
    return Story(a_working_morning())


@pytest.fixture
def contact(story: Story) -> Contact:
    """A contact that waits for a decision."""
    return story.contact()
