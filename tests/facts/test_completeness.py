"""What a contact leaves out that a good one says."""

from datetime import date
from typing import Any

import pytest

from casework.facts.completeness import gaps_in
from casework.facts.contact_document import read_contact
from casework.models.choices import Gap
from tests.stage.documents import child, contact_document

TODAY = date(2026, 12, 1)
LEAST = {
    "type": "safeguarding_concern",
    "source_code": "2A",
    "children": [{"first_name": "Robin"}],
    "concern": {"worries": "He is hungry."},
}
NOTHING_LEFT_OUT: dict[str, Any] = contact_document(
    adults=[{"first_name": "Sam", "relationship": "mother", "phone": "01296 555123"}],
    concern={"worries": "w", "working_well": "x", "wanted": "y", "childs_words": "z"},
)


def gaps(document: dict[str, Any]) -> list[Gap]:
    return gaps_in(read_contact(document, indicators=["L3-12", "L3-36"], today=TODAY).entry)


def test_a_whole_contact_has_none() -> None:
    assert gaps(NOTHING_LEFT_OUT) == []


def test_the_least_has_all() -> None:
    assert gaps(LEAST) == list(Gap)


@pytest.mark.parametrize(
    ("changes", "gap"),
    [
        ({"children": [child(date_of_birth=None)]}, Gap.BIRTH),
        ({"children": [child(), child(ref="c2", nhs_number=None)]}, Gap.NUMBER),
        ({"children": [child(address=None)]}, Gap.HOME),
        ({"children": [child(address={"lines": ["  "], "postcode": "not known"})]}, Gap.HOME),
        ({"adults": [{"phone": "01296 555123"}]}, Gap.ADULTS),
        ({"adults": [{"first_name": "Sam"}]}, Gap.PARENTS_PHONE),
        ({"referrer": {"name": "Amina Yusuf"}}, Gap.CALL_BACK),
        ({"concern": NOTHING_LEFT_OUT["concern"] | {"childs_words": "-"}}, Gap.CHILDS_WORDS),
        ({"referrer_level": None}, Gap.LEVEL),
        ({"agreement": {}}, Gap.AGREEMENT),
        ({"parents_told": {"answer": "not_known"}}, Gap.PARENTS_TOLD),
        ({"support_already_tried": None}, Gap.TRIED),
        ({"children": [child(indicators=[])], "family_indicators": []}, Gap.INDICATORS),
    ],
)
def test_each_is_found(changes: dict[str, Any], gap: Gap) -> None:
    assert gaps(NOTHING_LEFT_OUT | changes) == [gap]


@pytest.mark.parametrize(
    "changes",
    [
        # Said, though it cannot be read: a warning asks about it.
        {"children": [child(date_of_birth="spring of 2019")]},
        {"children": [child(nhs_number="123")]},
        {"children": [child(indicators=["L9-99"])], "family_indicators": []},
        # Age does for a date, the lines of an address for a postcode, and a UPN for an NHS number.
        {"children": [child(date_of_birth=None, age_years=0)]},
        {"children": [child(address={"lines": ["12 Example Road, Aylesbury"]})]},
        # Somebody asked, and the answer was no; nobody may ask.
        {"agreement": {"service": "refused"}},
        {"parents_told": {"answer": "unsafe", "reason": "He would hurt her."}},
    ],
)
def test_what_is_said_is_no_gap(changes: dict[str, Any]) -> None:
    assert gaps(NOTHING_LEFT_OUT | changes) == []


def test_a_child_that_is_not_born_has_neither_number_nor_home_nor_words() -> None:
    unborn = {"last_name": "Ashworth", "expected_date_of_delivery": "2027-02-01", "indicators": ["L3-12"]}
    concern = NOTHING_LEFT_OUT["concern"] | {"childs_words": None}
    assert gaps(NOTHING_LEFT_OUT | {"children": [unborn], "concern": concern}) == []
