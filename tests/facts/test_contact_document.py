"""A contact as it is sent: every field from both sides of its limits, and every fault at its place."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.actions import receiving
from casework.facts.contact_document import ContactDocument, age_on, read_contact
from casework.models import ContactType, ParentsTold, SharingBasis
from errors import Fault, InvalidInput
from localities.codes import ETHNICITIES, SEXES, SOURCE_CODES
from localities.models import Agency
from tests.stage.documents import CONTRACT, child
from tests.stage.web_client import Path, everything, having
from triage.ruleset import shipped

TODAY = date(2026, 11, 21)
INDICATORS = shipped().catalogue.entries

CHILD, ADULT = ("children", 0), ("adults", 0)


def contact() -> Any:
    """A new copy of the example contact."""
    return json.loads(json.dumps(CONTRACT))


def without(path: Path) -> Any:
    document = contact()
    at = document
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return document


def read(document: Any, today: date = TODAY) -> ContactDocument:
    return read_contact(document, indicators=INDICATORS, today=today)


def faults(document: Any, today: date = TODAY) -> dict[Path, str]:
    """The faults by path; empty if the contact is accepted."""
    found: tuple[Fault, ...] = ()
    try:
        read(document, today)
    except InvalidInput as invalid:
        found = invalid.faults
    said = {fault.path: fault.message for fault in found}
    assert len(said) == len(found), "a place is named once"
    return said


def day(**offset: float) -> str:
    return (TODAY + timedelta(**offset)).isoformat()


def text_of(length: int) -> str:
    return "x" * length


def test_the_contract_is_accepted() -> None:
    entry = read(contact())
    assert (entry.type, entry.source_code, entry.referrer_level) == ("safeguarding_concern", "2A", 3)
    assert entry.children[0].date_of_birth == date(2019, 3, 4)
    assert entry.agreement.on == date(2026, 11, 20)


def test_it_is_the_one_that_was_promised() -> None:
    """The example of the tests has every field that the product knows, so each one is tested."""
    sent = contact()
    for shape, part in [
        (ContactDocument, sent),
        (ContactDocument.model_fields["children"].annotation.__args__[0], sent["children"][0]),  # type: ignore[union-attr]
        (ContactDocument.model_fields["adults"].annotation.__args__[0], sent["adults"][0]),  # type: ignore[union-attr]
    ]:
        assert set(part) == set(shape.model_fields)


def test_only_what_nobody_can_do_without_is_needed() -> None:
    least = {"type": "notification", "source_code": "9", "children": [{}], "concern": {"worries": "Crying at night."}}
    entry = read(least)
    assert (entry.agreement.service, entry.parents_told.answer) == ("not_sought", "not_known")
    assert entry.children[0].sex == "U"
    assert entry.immediate_danger is None


@pytest.mark.parametrize(
    "path", [("type",), ("source_code",), ("children",), ("concern",), ("concern", "worries")], ids=str
)
def test_and_that_is_said_by_name(path: Path) -> None:
    assert faults(without(path)) == {path: "is missing."}


ACCEPTED: list[tuple[Path, list[object]]] = [
    (("agency_reference",), [text_of(100), None, "", "  PPN 1  "]),
    (("type",), list(ContactType.values)),
    (("source_code",), list(SOURCE_CODES)),
    (("received_by_phone",), [True, False]),
    (("immediate_danger",), [True, False, None]),
    (("referrer",), [{}, {"name": None, "role": None, "email": None, "phone": None, "relationship": None}]),
    (("referrer", "name"), [text_of(200), None, "Zoë O’Neill-Žižek", "王小明"]),
    (("referrer", "role"), [text_of(200), None]),
    (("referrer", "email"), ["a@b.example", "first.last+tag@sub.school.example", None, " a@b.example "]),
    (("referrer", "phone"), [text_of(50), None]),
    (("referrer", "relationship"), [text_of(200), None]),
    (("referrer", "keep_anonymous"), [True, False]),
    (("referrer_level",), [1, 2, 3, 4, None]),
    (("children",), [[{}], [{"ref": f"c{number}"} for number in range(20)], [{}, {}], [{"ref": None}, {"ref": None}]]),
    ((*CHILD, "ref"), ["c", text_of(50), None]),
    ((*CHILD, "first_name"), [text_of(100), None, ""]),
    ((*CHILD, "last_name"), [text_of(100), None]),
    ((*CHILD, "also_known_as"), [[], [text_of(100)] * 20]),
    # Born today; 26 tomorrow; the oldest day on which somebody is still 25.
    ((*CHILD, "date_of_birth"), [day(), "2000-11-22", "2024-02-29", None, " 2019-03-04 "]),
    ((*CHILD, "sex"), list(SEXES)),
    ((*CHILD, "ethnicity"), [*ETHNICITIES, None]),
    ((*CHILD, "first_language"), [text_of(100), None]),
    ((*CHILD, "interpreter_needed"), [True, False, None]),
    ((*CHILD, "disabled"), [True, False, None]),
    ((*CHILD, "non_verbal"), [True, False, None]),
    ((*CHILD, "nhs_number"), ["9990000018", "999 000 0018", "999-000-0018", " 9990000018 ", None]),
    ((*CHILD, "upn"), ["A801200001001", "H80120000100B", None]),
    ((*CHILD, "address"), [{}, None, {"postcode": "HP20 1UA"}, {"confidential": True}]),
    ((*CHILD, "address", "lines"), [[], [text_of(200)] * 8]),
    ((*CHILD, "address", "postcode"),
     ["M1 1AE", "M60 1NW", "W1A 1HQ", "CR2 6XH", "DN55 1PT", "EC1A 1BB", "hp201ua", " hp20  1ua ", None]),
    ((*CHILD, "address", "confidential"), [True, False]),
    ((*CHILD, "where_now"), [text_of(200), None]),
    ((*CHILD, "school"), [text_of(200), None]),
    ((*CHILD, "indicators"), [[], ["L3-12"], ["L3-12", "L3-12"], sorted(INDICATORS), ["L3-12"] * 200]),
    (("adults",), [[], [{}], [{}] * 20]),
    ((*ADULT, "first_name"), [text_of(100), None]),
    ((*ADULT, "last_name"), [text_of(100), None]),
    ((*ADULT, "date_of_birth"), [day(), "1926-01-01", None]),
    ((*ADULT, "relationship"), [text_of(100), None]),
    ((*ADULT, "parental_responsibility"), ["yes", "no", "unknown"]),
    ((*ADULT, "same_address"), [True, False, None]),
    ((*ADULT, "phone"), [text_of(50), None]),
    ((*ADULT, "risk_to_staff"), [True, False, None]),
    (("family_indicators",), [[], ["L3-36"], ["L3-36"] * 200]),
    (("domestic_abuse",), [{}, {"dash": None, "marac": None}]),
    (("domestic_abuse", "dash"), ["standard", "medium", "high", None]),
    (("domestic_abuse", "marac"), [True, False, None]),
    (("concern", "worries"), ["x", text_of(20_000), "First line.\nSecond line.\tIndented.\r\n"]),
    (("concern", "working_well"), [text_of(20_000), None]),
    (("concern", "wanted"), [text_of(20_000), None]),
    (("concern", "childs_words"), [text_of(20_000), None]),
    (("support_already_tried",), [text_of(20_000), None]),
    (("agreement",), [{}]),
    (("agreement", "service"), ["given", "not_sought", "refused", "withdrawn"]),
    (("agreement", "given_by"), [text_of(100), None]),
    (("agreement", "on"), [day(), day(days=-1), None]),
    (("parents_told",), [{}, *({"answer": answer, "reason": "r"} for answer in ParentsTold.values)]),
    (("parents_told", "answer"), ["yes", "not_known"]),
    (("parents_told", "reason"), [text_of(2_000), None]),
    (("sharing_basis",), [*SharingBasis.values, None]),
]  # fmt: skip

REFUSED: list[tuple[Path, list[object], str]] = [
    (("agency_reference",), [text_of(101)], "is longer than 100 characters."),
    (("agency_reference",), [7], "must be text, not 7."),
    (("type",), ["rumour", "", "SAFEGUARDING_CONCERN"], "is not one of safeguarding_concern, request_for_help"),
    (("source_code",), ["2", "2a", "1E", "11", "", "2A2B"], "is not a DfE source of referral."),
    (("received_by_phone",), ["yes", 1, 0], "must be true or false, not"),
    (("immediate_danger",), ["no", 0, "true"], "must be true or false, not"),
    (("referrer",), ["Amina", [], 1], "must be an object, not"),
    (("referrer", "name"), [text_of(201)], "is longer than 200 characters."),
    (("referrer", "role"), [text_of(201)], "is longer than 200 characters."),
    (("referrer", "email"), ["school", "@school.example", "a@b", "a b@school.example", "a@b.example, c@d.example",
      "a@school.example\nBcc: x@y.example", ""], "is not an e-mail address; write it as name@school.example."),
    (("referrer", "email"), ["x" * 250 + "@b.example"], "is longer than 254 characters."),
    (("referrer", "phone"), [text_of(51)], "is longer than 50 characters."),
    (("referrer", "relationship"), [text_of(201)], "is longer than 200 characters."),
    (("referrer", "keep_anonymous"), ["no", 1], "must be true or false, not"),
    (("referrer_level",), [0, -1], "must be 1 or more, not"),
    (("referrer_level",), [5, 10**30], "must be 4 or less, not"),
    (("referrer_level",), ["3", 3.5, True, 3.0], "must be a whole number, not"),
    (("children",), [[]], "needs at least one of them."),
    (("children",), [[{}] * 21], "has more than 20 of them."),
    (("children",), [{}, "Robin", 1], "must be a list, not"),
    (("children",), [[{"ref": "a"}, {"ref": "b"}, {"ref": "a"}]], "Two children share a ref"),
    (CHILD, ["Robin", [], None, 7], "must be an object, not"),
    ((*CHILD, "ref"), [text_of(51)], "is longer than 50 characters."),
    ((*CHILD, "ref"), ["", "  "], "may not be empty."),
    ((*CHILD, "first_name"), [text_of(101)], "is longer than 100 characters."),
    ((*CHILD, "last_name"), [text_of(101)], "is longer than 100 characters."),
    ((*CHILD, "also_known_as"), [["x"] * 21], "has more than 20 of them."),
    ((*CHILD, "also_known_as"), ["Robbie"], "must be a list, not"),
    ((*CHILD, "date_of_birth"), [day(days=1), "2062-01-01"], "lies in the future."),
    ((*CHILD, "date_of_birth"), ["2000-11-21", "1926-01-01"], "makes this child older than 25"),
    ((*CHILD, "date_of_birth"), ["2019-02-29", "2019-13-01", "2019-00-10", "2019-04-31", "0000-01-01", "٢٠١٩-٠٣-٠٤"],
     "is not a real date."),
    ((*CHILD, "date_of_birth"), ["4/3/2019", "2019-3-4", "20190304", "2019-03-04T00:00", "", 20190304, True],
     "must be a date written as 2026-11-21."),
    ((*CHILD, "sex"), ["m", "X", "", "Male"], "is not a DfE code for sex; it is M, F or U"),
    ((*CHILD, "ethnicity"), ["wbri", "WBR", ""], "is not a DfE ethnicity code."),
    ((*CHILD, "first_language"), [text_of(101)], "is longer than 100 characters."),
    ((*CHILD, "interpreter_needed"), ["yes"], "must be true or false, not"),
    ((*CHILD, "disabled"), [1], "must be true or false, not"),
    ((*CHILD, "non_verbal"), ["no"], "must be true or false, not"),
    ((*CHILD, "nhs_number"), ["999000001", "99900000180", "", "999000001X", "٩٩٩٠٠٠٠٠١٨", "999.000.0018"],
     "is not an NHS number; it has ten digits."),
    ((*CHILD, "nhs_number"), ["9990000017", "9990000019", "9990000081"], "its check digit is wrong."),
    ((*CHILD, "nhs_number"), [9990000018], "must be text, not 9990000018."),
    ((*CHILD, "upn"), ["A80120000100", "A8012000010012", "a801200001001", "8801200001001", "A80120000100b", ""],
     "has not the right form."),
    ((*CHILD, "address"), ["12 Example Road", []], "must be an object, not"),
    ((*CHILD, "address", "lines"), [["x"] * 9], "has more than 8 of them."),
    ((*CHILD, "address", "postcode"),
     ["HP20", "HP20 1U", "HP20 1UAA", "HP200 1UA", "HP20 UA1", "H20I 1UA", "12345", "", "1HP 1UA", "HP20-1UA"],
     "is not a postcode; write it as HP20 1UA."),
    ((*CHILD, "address", "confidential"), ["yes"], "must be true or false, not"),
    ((*CHILD, "where_now"), [text_of(201)], "is longer than 200 characters."),
    ((*CHILD, "school"), [text_of(201)], "is longer than 200 characters."),
    ((*CHILD, "indicators"), [["L3-12"] * 201], "has more than 200 of them."),
    ((*CHILD, "indicators"), ["L3-12"], "must be a list, not"),
    (("adults",), [[{}] * 21], "has more than 20 of them."),
    (("adults",), [{}], "must be a list, not"),
    ((*ADULT, "first_name"), [text_of(101)], "is longer than 100 characters."),
    ((*ADULT, "last_name"), [text_of(101)], "is longer than 100 characters."),
    ((*ADULT, "date_of_birth"), [day(days=1)], "lies in the future."),
    ((*ADULT, "relationship"), [text_of(101)], "is longer than 100 characters."),
    ((*ADULT, "parental_responsibility"), ["maybe", "", "Yes"], "is not yes, no or unknown."),
    ((*ADULT, "same_address"), ["yes"], "must be true or false, not"),
    ((*ADULT, "phone"), [text_of(51)], "is longer than 50 characters."),
    ((*ADULT, "risk_to_staff"), [0], "must be true or false, not"),
    (("family_indicators",), [["L3-36"] * 201], "has more than 200 of them."),
    (("domestic_abuse", "dash"), ["severe", "HIGH", "", 3], "is not one of standard, medium or high."),
    (("domestic_abuse", "marac"), ["yes"], "must be true or false, not"),
    (("concern", "worries"), ["", "   ", "\n\t"], "may not be empty."),
    (("concern", "worries"), [text_of(20_001)], "is longer than 20,000 characters."),
    (("concern", "working_well"), [text_of(20_001)], "is longer than 20,000 characters."),
    (("concern", "wanted"), [text_of(20_001)], "is longer than 20,000 characters."),
    (("concern", "childs_words"), [text_of(20_001)], "is longer than 20,000 characters."),
    (("support_already_tried",), [text_of(20_001)], "is longer than 20,000 characters."),
    (("agreement", "service"), ["yes", "GIVEN", ""], "is not one of given, not_sought, refused or withdrawn."),
    (("agreement", "given_by"), [text_of(101)], "is longer than 100 characters."),
    (("agreement", "on"), [day(days=1)], "lies in the future."),
    (("parents_told", "answer"), ["maybe", True], "is not one of yes, no, unsafe or not_known."),
    (("parents_told", "reason"), [text_of(2_001)], "is longer than 2,000 characters."),
    (("sharing_basis",), ["gdpr", "", "Consent"], "is not one of public_task, legal_obligation"),
]  # fmt: skip


def _each(table: list[Any]) -> Iterator[Any]:
    for path, values, *says in table:
        for value in values:
            shown = json.dumps(value, default=str)
            yield pytest.param(path, value, *says, id=f"{'.'.join(map(str, path))}={shown[:40]}")


@pytest.mark.parametrize(("path", "value"), list(_each(ACCEPTED)))
def test_this_is_accepted(path: Path, value: object) -> None:
    assert faults(having(path, value)) == {}


@pytest.mark.parametrize(("path", "value", "says"), list(_each(REFUSED)))
def test_this_is_refused_at_its_place(path: Path, value: object, says: str) -> None:
    found = faults(having(path, value))
    assert set(found) == {path}
    assert says in found[path]


def test_every_field_has_both_sides_here() -> None:
    """A new field needs a valid and an invalid value here."""
    fields = {tuple("*" if isinstance(step, int) else step for step in path) for path in _leaves(contact())}
    accepted = {tuple("*" if isinstance(step, int) else step for step in path) for path, _ in ACCEPTED}
    refused = {tuple("*" if isinstance(step, int) else step for step in path) for path, *_ in REFUSED}
    of_their_own = {("children", "*", "expected_date_of_delivery")}
    assert fields - of_their_own <= accepted
    assert fields - of_their_own <= refused


def _leaves(part: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(part, dict):
        for name, value in part.items():
            yield from _leaves(value, (*path, name))
    elif isinstance(part, list) and any(isinstance(item, dict) for item in part):
        for number, item in enumerate(part):
            yield from _leaves(item, (*path, number))
    else:
        yield path


class TestDates:
    @pytest.mark.parametrize("days", [-60, 0, 310])
    def test_a_child_may_be_expected(self, days: int) -> None:
        unborn = {"expected_date_of_delivery": day(days=days)}
        assert faults(having(("children",), [unborn])) == {}
        assert read(having(("children",), [unborn])).children[0].unborn

    @pytest.mark.parametrize("days", [-61, 311, 3_650])
    def test_but_not_for_ever(self, days: int) -> None:
        path: Path = (*CHILD, "expected_date_of_delivery")
        found = faults(having(("children",), [{"expected_date_of_delivery": day(days=days)}]))
        assert found == {path: "is too far from today to be an expected date of delivery."}

    def test_a_child_who_is_born_is_not_expected(self) -> None:
        path: Path = (*CHILD, "expected_date_of_delivery")
        assert faults(having(path, day())) == {
            path: "is given beside a date of birth; a child who is born has no expected date."
        }

    def test_an_expected_date_is_a_real_one(self) -> None:
        path: Path = (*CHILD, "expected_date_of_delivery")
        assert faults(having(("children",), [{"expected_date_of_delivery": "2027-02-29"}])) == {
            path: "2027-02-29 is not a real date."
        }

    @pytest.mark.parametrize(("today", "accepted"), [("2026-02-28", True), ("2026-03-01", False)])
    def test_whoever_was_born_on_29_february_has_the_birthday_on_1_march(self, today: str, accepted: bool) -> None:
        document = having((*CHILD, "date_of_birth"), "2000-02-29")
        document["agreement"] = {}
        assert (faults(document, date.fromisoformat(today)) == {}) is accepted

    @pytest.mark.parametrize(
        ("born", "on", "age"),
        [("2019-11-21", "2026-11-21", 7), ("2019-11-22", "2026-11-21", 6), ("2026-11-21", "2026-11-21", 0),
         ("2024-02-29", "2025-02-28", 0), ("2024-02-29", "2025-03-01", 1), ("2024-02-29", "2028-02-29", 4)],
    )  # fmt: skip
    def test_age_counts_whole_years(self, born: str, on: str, age: int) -> None:
        assert age_on(date.fromisoformat(on), date.fromisoformat(born)) == age

    def test_today_is_the_readers(self) -> None:
        """On the day before, the date of the agreement lies in the future."""
        assert faults(contact(), date(2026, 11, 20)) == {}
        assert faults(contact(), date(2026, 11, 19)) == {("agreement", "on"): "lies in the future."}


class TestNumbersAndCodes:
    @settings(max_examples=150, deadline=None)
    @given(st.integers(400_000_000, 999_999_999), st.integers(0, 9))
    def test_an_nhs_numbers_last_digit_checks_the_others(self, nine: int, tenth: int) -> None:
        """Modulus 11 of the NHS Data Dictionary: weights 10 to 2; a remainder that would need 10 is never given."""
        weighed = sum(int(digit) * weight for digit, weight in zip(str(nine), range(10, 1, -1), strict=True))
        check = (11 - weighed % 11) % 11
        assert (faults(having((*CHILD, "nhs_number"), f"{nine}{tenth}")) == {}) is (check == tenth)

    def test_numbers_and_postcodes_are_read_into_one_shape(self) -> None:
        document = having((*CHILD, "nhs_number"), "999 000 0018")
        document["children"][0]["address"]["postcode"] = "hp201ua"
        entry = read(document).children[0]
        assert entry.address is not None
        assert (entry.nhs_number, entry.address.postcode) == ("9990000018", "HP20 1UA")

    @pytest.mark.parametrize("path", [(*CHILD, "indicators", 1), ("family_indicators", 1)], ids=str)
    def test_an_unknown_indicator_is_named_with_the_one_that_was_meant(self, path: Path) -> None:
        found = faults(having(path[:-1], ["L3-12", "L3-112", "L3-12"]))
        assert found == {path: '"L3-112" is not an indicator of the Continuum of Need. Did you mean L3-12?'}

    def test_a_code_is_not_guessed_from_far_away(self) -> None:
        assert faults(having(("source_code",), "school")) == {
            ("source_code",): '"school" is not a DfE source of referral.'
        }


class TestWhetherTheParentsWereTold:
    @pytest.mark.parametrize("answer", ["no", "unsafe"])
    @pytest.mark.parametrize("reason", [{}, {"reason": None}, {"reason": ""}, {"reason": "  "}], ids=str)
    def test_if_not_somebody_says_why(self, answer: str, reason: dict[str, object]) -> None:
        found = faults(having(("parents_told",), {"answer": answer, **reason}))
        assert found == {("parents_told", "reason"): "is missing: say why the parents were not told."}

    @pytest.mark.parametrize("answer", ["yes", "not_known"])
    def test_else_nobody_need(self, answer: str) -> None:
        assert faults(having(("parents_told",), {"answer": answer})) == {}

    def test_an_answer_that_is_none_asks_for_no_reason(self) -> None:
        assert set(faults(having(("parents_told",), {"answer": "perhaps"}))) == {("parents_told", "answer")}


class TestText:
    @pytest.mark.parametrize("path", list(_leaves(contact())), ids=lambda path: ".".join(map(str, path)))
    @pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\ud800"], ids=ascii)
    def test_what_no_database_can_hold_is_refused_wherever_it_stands(self, path: Path, character: str) -> None:
        listed = path[-1] in ("lines", "also_known_as", "indicators", "family_indicators")
        value: Any = f"a{character}b"
        found = faults(having(path, [value] if listed else value))
        assert set(found) == {(*path, 0) if listed else path}

    @pytest.mark.parametrize(
        ("character", "says"),
        [("\x00", "holds a control character; remove it."),
         ("\ud83d", "holds half of a character (a lone surrogate); send the text as UTF-8.")],
        ids=ascii,
    )  # fmt: skip
    def test_with_a_sentence(self, character: str, says: str) -> None:
        path: Path = ("concern", "worries")
        assert faults(having(path, f"a{character}b")) == {path: says}

    def test_whole_characters_are_kept(self) -> None:
        said = "Zoë said “🙂” — 你好, مرحبا"
        assert read(having(("concern", "worries"), said)).concern.worries == said

    def test_space_around_it_is_not_part_of_it(self) -> None:
        assert read(having((*CHILD, "first_name"), "  Robin ")).children[0].first_name == "Robin"


class TestUnknownFields:
    @pytest.mark.parametrize(
        "path",
        [
            ("colour",), ("(colour)",), ("referrer", "colour"), (*CHILD, "colour"), (*CHILD, "address", "colour"),
            (*ADULT, "colour"), ("domestic_abuse", "colour"), ("concern", "colour"), ("agreement", "colour"),
            ("parents_told", "colour"),
        ],
        ids=lambda path: ".".join(map(str, path)),
    )  # fmt: skip
    def test_they_are_named_never_dropped(self, path: Path) -> None:
        says = "is not a field that is known here; correct its name or remove it."
        assert faults(having(path, "blue")) == {path: says}


class TestNull:
    def test_wherever_the_contract_has_it(self) -> None:
        nulls = [path for path in _leaves(contact()) if _at(contact(), path) is None]
        assert len(nulls) == 7
        assert faults(contact()) == {}

    @pytest.mark.parametrize("path", [("type",), ("source_code",), ("children",), ("concern",), ("concern", "worries")])
    def test_not_where_nobody_can_do_without(self, path: Path) -> None:
        assert set(faults(having(path, None))) == {path}

    def test_everywhere_else_it_means_not_known(self) -> None:
        """A referral is never turned away because a detail is not known, and most systems write that as null."""
        needed = {("type",), ("source_code",), ("children",), CHILD, ("concern",), ("concern", "worries")}
        items = {path for path in everything(contact()) if isinstance(path[-1], int)}
        refused = [path for path in everything(contact()) if path not in needed | items and faults(having(path, None))]
        assert refused == []


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def test_everything_that_is_wrong_is_said_at_once() -> None:
    document = {
        "agency_reference": 7,
        "type": "rumour",
        "received_by_phone": "yes",
        "immediate_danger": "no",
        "referrer": {"email": "school", "colour": "blue"},
        "referrer_level": 5,
        "children": [
            {"date_of_birth": day(days=1), "nhs_number": "1", "address": {"postcode": "HP20"}, "indicators": ["L9-99"]},
            {"expected_date_of_delivery": "soon", "sex": "X", "ethnicity": "?", "upn": "1"},
            "Robin",
        ],
        "adults": [{"parental_responsibility": "maybe"}],
        "family_indicators": ["L3-36", "?"],
        "domestic_abuse": {"dash": "severe"},
        "concern": {"working_well": "\x00"},
        "agreement": {"service": "yes", "on": "2026-02-30"},
        "parents_told": {"answer": "no"},
        "sharing_basis": "gdpr",
    }
    assert set(faults(document)) == {
        ("agency_reference",), ("type",), ("source_code",), ("received_by_phone",), ("immediate_danger",),
        ("referrer", "email"), ("referrer", "colour"), ("referrer_level",),
        ("children", 0, "date_of_birth"), ("children", 0, "nhs_number"), ("children", 0, "address", "postcode"),
        ("children", 0, "indicators", 0), ("children", 1, "expected_date_of_delivery"), ("children", 1, "sex"),
        ("children", 1, "ethnicity"), ("children", 1, "upn"), ("children", 2),
        ("adults", 0, "parental_responsibility"), ("family_indicators", 1), ("domestic_abuse", "dash"),
        ("concern", "worries"), ("concern", "working_well"), ("agreement", "service"), ("agreement", "on"),
        ("parents_told", "reason"), ("sharing_basis",),
    }  # fmt: skip


@pytest.mark.parametrize("data", [None, [], "contact", 1, True, [CONTRACT]], ids=str)
def test_a_contact_is_an_object(data: object) -> None:
    assert faults(data) == {(): f"must be an object, not {_shown(data)}."}


def _shown(data: object) -> str:
    text = json.dumps(data)
    return text if len(text) <= 60 else text[:57] + "…"


def test_what_was_sent_is_repeated_in_short() -> None:
    says = faults(having(("type",), "x" * 1_000))["type",]
    assert len(says) < 200


def test_the_longest_contact_that_is_accepted_can_be_kept(school: Agency, now: datetime) -> None:
    """No column is shorter than the field that fills it."""
    longest = {path: max(values, key=lambda value: len(json.dumps(value))) for path, values in ACCEPTED}
    document = contact()
    for path, value in longest.items():
        if path[0] not in ("children", "adults"):
            _put(document, path, value)
    document["referrer"] = {path[1]: value for path, value in longest.items() if path[:-1] == ("referrer",)}
    document["referrer"]["email"] = "x" * 60 + "@" + ".".join(["y" * 60] * 3) + ".example"
    document["agreement"] = {"service": "not_sought", "given_by": text_of(100), "on": "2026-11-01"}
    document["parents_told"] = {"answer": "not_known", "reason": text_of(2_000)}
    document["concern"] = {path[1]: text_of(20_000) for path in longest if path[0] == "concern" and len(path) == 2}
    one = child(
        first_name=text_of(100), last_name=text_of(100), also_known_as=[text_of(100)] * 20, ref=text_of(50),
        first_language=text_of(100), where_now=text_of(200), school=text_of(200), indicators=["L3-12"] * 200,
        address={"lines": [text_of(200)] * 8, "postcode": "EC1A 1BB", "confidential": False},
    )  # fmt: skip
    document["children"] = [one, *(child(ref=f"c{n}", nhs_number=None) for n in range(2, 21))]
    adult = {"first_name": text_of(100), "last_name": text_of(100), "relationship": text_of(100), "phone": text_of(50)}
    document["adults"] = [adult] * 20
    taken = receiving.receive(document=document, by=school, now=now).contact
    taken.refresh_from_db()
    assert taken.document == document
    assert taken.children.count() == taken.adults.count() == 20


def _put(document: Any, path: Path, value: object) -> None:
    for step in path[:-1]:
        document = document[step]
    document[path[-1]] = value
