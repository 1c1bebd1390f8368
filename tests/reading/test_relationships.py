"""A relationship from its other side."""

import pytest

from casework.reading.relationships import other_side


@pytest.mark.parametrize(
    ("is_to_them", "sex", "they_are"),
    [
        ("Mother", "M", "child"), ("birth father", "F", "child"), ("Step-mother", "F", "stepchild"),
        ("daughter", "F", "mother"), ("son", "U", "parent"), ("sister", "M", "brother"),
        ("half sister", "U", "half-brother or half-sister"), ("great-grandmother", "M", "great-grandchild"),
        ("Foster carer", "M", "foster child in their care"), ("niece", "M", "uncle"), ("cousin", "U", "cousin"),
        ("mother's partner", "M", ""), ("", "M", ""), ("stepping stone", "F", ""),
    ],
)  # fmt: skip
def test_it_is_seen_from_the_other_side(is_to_them: str, sex: str, they_are: str) -> None:
    assert set(other_side(is_to_them, sex).split(" or ")) == set(they_are.split(" or "))
