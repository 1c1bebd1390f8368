"""What the tests of the API have in common: a partner's system, and stories that end before today."""

import pytest

from localities.models import Agency
from tests.stage.story import Story
from tests.stage.web_client import Partner, a_working_morning


@pytest.fixture
def partner(school: Agency) -> Partner:
    """The school's system."""
    return Partner(school)


@pytest.fixture
def story(db: None) -> Story:
    """The API itself looks at the clock on the wall."""
    return Story(a_working_morning())
