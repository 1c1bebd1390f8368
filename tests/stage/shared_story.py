"""Stories that are told once for a class of tests: each test goes on from there."""

import pytest
from django.db.models import Model

from tests.stage.sql import settle
from tests.stage.story import SharedStory, Story


class GoesOnFromSharedStory:
    """Tests that go on from a story that is told once for their class: the fixture `shared`."""

    @pytest.fixture
    def story(self, db: None, shared: SharedStory) -> Story:
        return shared.story.goes_on()


def settled(story: Story, *about: Model) -> SharedStory:
    """The story as it was told so far, after all deferred checks."""
    settle()
    return SharedStory(story, tuple(row.pk for row in about))
