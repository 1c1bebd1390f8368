"""What is due, in words."""

from casework.deadlines.policies import shipped
from casework.deadlines.titles import TITLES, title_of


def test_every_deadline_of_the_service_has_words_of_its_own() -> None:
    assert shipped().keys() == TITLES.keys()
    assert len(set(TITLES.values())) == len(TITLES)
    assert not [title for title in TITLES.values() if "_" in title or "(" in title]


def test_a_kind_of_a_council_of_its_own_is_said_by_its_name() -> None:
    assert title_of("home_visit") == "home visit"
