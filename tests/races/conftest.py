"""Fixtures of the races."""

from collections.abc import Iterator

import pytest

from casework.record import integrity
from tests.conftest import THURSDAY
from tests.stage.story import Story


@pytest.fixture
def story(committed: str) -> Iterator[Story]:
    """A story in a database of its own, where transactions commit. Afterwards no invariant is broken there."""
    yield Story(THURSDAY)
    assert {finding.sentence: finding.broken for finding in integrity.check() if finding.broken} == {}
