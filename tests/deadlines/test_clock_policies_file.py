"""A policies file with faults: each is named by its line and column, and all come at once."""

from pathlib import Path

import pytest

from casework.deadlines.policies import SHIPPED, load_file, parse
from errors import InvalidInput

COLUMNS = "kind,subject,starts_at,limit,unit,ends,warn_at_share,escalates_to,basis"
# A line without a fault.
GOOD = {
    "kind": "call_back",
    "subject": "contact",
    "starts_at": "received",
    "limit": "2",
    "unit": "working_day",
    "ends": "same_time",
    "warn_at_share": "0.75",
    "escalates_to": "team_lead",
    "basis": "local",
}


def line(**changes: str) -> str:
    return ",".join((GOOD | changes).values())


def file(*lines: str, columns: str = COLUMNS) -> str:
    return "\n".join([columns, *lines]) + "\n"


def faults(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parse(text)
    return [str(fault) for fault in caught.value.faults]


def test_a_good_file_is_read_in_its_order() -> None:
    policies = parse(file(line(kind="second_look"), line(limit="3"), line(kind="last_look", unit="hour")))
    assert list(policies) == ["second_look", "call_back", "last_look"]
    assert (policies["call_back"].limit, policies["last_look"].unit) == (3, "hour")


def test_the_shipped_file_may_come_back_from_a_spreadsheet(tmp_path: Path) -> None:
    """A spreadsheet adds a byte order mark and Windows line ends."""
    exported = tmp_path / "clocks.csv"
    exported.write_bytes(b"\xef\xbb\xbf" + SHIPPED.read_bytes().replace(b"\n", b"\r\n"))
    assert load_file(exported) == load_file(SHIPPED)


ONE_FAULT = [
    # column, what stands there, what is said of it
    ("kind", "", '"" has not the right form.'),
    ("kind", "Call back", '"Call back" has not the right form.'),
    ("subject", "person", '"person" is not one of contact, partner_request, handoff or case.'),
    ("starts_at", "", '"" has not the right form.'),
    ("limit", "", 'must be a whole number, not "".'),
    ("limit", "two", 'must be a whole number, not "two".'),
    ("limit", "1.5", 'must be a whole number, not "1.5".'),
    ("limit", "0", 'must be 1 or more, not "0".'),
    ("limit", "-1", 'must be 1 or more, not "-1".'),
    ("unit", "day", '"day" is not one of hour, working_day, week or month.'),
    ("ends", "noon", '"noon" is not one of same_time or end_of_day.'),
    ("warn_at_share", "", 'must be a number, not "".'),
    ("warn_at_share", "75%", 'must be a number, not "75%".'),
    ("warn_at_share", "0", 'must be more than 0.0, not "0".'),
    ("warn_at_share", "1", 'must be less than 1.0, not "1".'),
    ("warn_at_share", "nan", 'must be less than 1.0, not "nan".'),
    ("escalates_to", "nobody", '"nobody" is not one of front_door_manager, team_lead or service_manager.'),
    ("basis", "lo\x00cal", "holds a control character; remove it."),
]


@pytest.mark.parametrize(("column", "value", "says"), ONE_FAULT)
def test_a_fault_is_named_by_line_and_column(column: str, value: str, says: str) -> None:
    text = file(line(kind="first_look"), line(**{column: value}))
    assert faults(text) == [f"line 3.{column}: {says}"]


def test_an_empty_basis_has_a_sentence_like_any_other_empty_field() -> None:
    assert faults(file(line(basis=""))) == ["line 2.basis: may not be empty."]


def test_hours_do_not_end_with_a_day() -> None:
    (fault,) = faults(file(line(unit="hour", ends="end_of_day")))
    # Whether the column stands in the place or in the sentence, both are named.
    assert fault.startswith("line 2")
    assert "ends: hours run day and night and end at a time; write same_time." in fault


def test_a_limit_that_no_calendar_can_hold_is_a_fault() -> None:
    """The file would load, and every contact that starts this clock would fail."""
    (fault,) = faults(file(line(limit="9" * 30)))
    assert fault.startswith("line 2.limit: ")


def test_all_faults_come_at_once() -> None:
    found = faults(
        file(
            line(limit="0", unit="day"),
            line(kind="first_look"),
            line(kind="second_look", subject="person", warn_at_share="2", escalates_to="nobody"),
            line(kind="first_look"),
        )
    )
    assert [fault.partition(": ")[0] for fault in found] == [
        "line 2.limit",
        "line 2.unit",
        "line 4.subject",
        "line 4.warn_at_share",
        "line 4.escalates_to",
        "line 5.kind",
    ]
    assert found[-1] == "line 5.kind: first_look stands in the file more than once."


def test_what_does_not_fit_together_is_named_beside_the_other_faults() -> None:
    found = faults(file(line(unit="hour", ends="end_of_day", limit="0")))
    assert any(fault.startswith("line 2.limit: ") for fault in found)
    assert any("hours run day and night" in fault for fault in found)


def test_a_line_that_is_too_short_or_too_long_is_a_fault() -> None:
    found = faults(file("call_back,contact", line(kind="first_look") + ",more"))
    assert [fault.partition(": ")[0] for fault in found] == [
        "line 2.starts_at",
        "line 2.limit",
        "line 2.unit",
        "line 2.ends",
        "line 2.warn_at_share",
        "line 2.escalates_to",
        "line 2.basis",
        "line 3.a column too many",
    ]


@pytest.mark.parametrize(
    ("before", "number"),
    [
        ("", 3),
        ("\n\n", 5),
        (line(kind="first_look", basis='"local;\nagreed in May"') + "\n", 5),
    ],
    ids=["nothing", "blank lines", "a field of two lines"],
)
def test_the_line_is_the_one_that_an_editor_shows(before: str, number: int) -> None:
    text = f"{COLUMNS}\n{before}{line(kind='second_look')}\n{line(limit='0')}\n"
    assert text.splitlines()[number - 1] == line(limit="0")
    assert faults(text) == [f'line {number}.limit: must be 1 or more, not "0".']


class TestTheHeaderLine:
    def test_each_column_that_is_missing_is_named(self) -> None:
        text = file(line(), columns=COLUMNS.replace("limit", "limits").replace(",basis", ""))
        assert faults(text) == [
            "column limit: is missing from the header line.",
            "column basis: is missing from the header line.",
        ]

    def test_a_file_without_a_header_line_misses_them_all(self) -> None:
        assert len(faults(line() + "\n")) == len(faults("")) == len(GOOD)

    def test_a_column_that_is_not_known_is_a_fault(self) -> None:
        (fault,) = faults(file(line() + ",red", columns=COLUMNS + ",colour"))
        assert fault == "line 2.colour: is not a field that is known here; correct its name or remove it."

    def test_a_column_that_stands_twice_is_a_fault(self) -> None:
        """Nobody could tell which of the two limits counts."""
        assert "limit" in faults(file(line() + ",45", columns=COLUMNS + ",limit"))[0]


class TestMayPause:
    """A file may leave this column out. Then no clock may be paused."""

    COLUMNS = COLUMNS + ",may_pause"

    def one(self, may_pause: str, **changes: str) -> str:
        return file(line(**changes) + f",{may_pause}", columns=self.COLUMNS)

    def test_without_the_column_nothing_pauses(self) -> None:
        assert parse(file(line()))["call_back"].may_pause is False

    @pytest.mark.parametrize("says", ["", " ", "no", "No", "false", "0"])
    def test_nothing_there_or_no(self, says: str) -> None:
        assert parse(self.one(says))["call_back"].may_pause is False

    @pytest.mark.parametrize("says", ["yes", "Yes", " yes ", "TRUE", "1"])
    def test_yes(self, says: str) -> None:
        assert parse(self.one(says))["call_back"].may_pause is True

    def test_it_stands_wherever_the_header_line_says(self) -> None:
        columns = COLUMNS.replace("basis", "may_pause,basis")
        assert parse(file(line(basis="yes,local"), columns=columns))["call_back"].may_pause is True

    def test_a_line_that_ends_before_it_says_no(self) -> None:
        assert parse(file(line(), columns=self.COLUMNS))["call_back"].may_pause is False

    def test_the_file_that_is_shipped_and_the_pages_differ_in_it_alone(self) -> None:
        shipped, pages = load_file(SHIPPED), load_file(Path(__file__).parents[1] / "stage" / "clocks.csv")
        assert not any(policy.may_pause for policy in pages.values())
        assert {kind: shipped[kind].model_copy(update={"may_pause": False}) for kind in pages} == pages

    @pytest.mark.parametrize("says", ["maybe", "2", "only on Fridays"])
    def test_anything_else_is_a_fault(self, says: str) -> None:
        assert faults(self.one(says)) == [f'line 2.may_pause: must be yes or no, not "{says}".']

    @pytest.mark.parametrize(
        "changes",
        [
            {"subject": "case"},
            {"subject": "handoff"},
            {"subject": "partner_request"},
            {"unit": "hour"},
            {"basis": "statutory"},
            {"basis": "Buckinghamshire MARF"},
        ],
        ids=str,
    )
    def test_only_what_the_council_promised_about_a_contact_and_not_in_hours(self, changes: dict[str, str]) -> None:
        says = "only a local deadline about a contact can be paused, and none in hours; leave it empty."
        assert faults(self.one("yes", **changes)) == [f"line 2.may_pause: {says}"]
        assert parse(self.one("no", **changes))["call_back"].may_pause is False

    def test_it_is_named_beside_whatever_else_is_wrong_in_the_line(self) -> None:
        found = faults(self.one("yes", subject="case", limit="0", unit="hour", ends="end_of_day"))
        assert [fault.partition(": ")[0] for fault in found] == ["line 2.ends", "line 2.may_pause", "line 2.limit"]

    def test_a_column_that_stands_twice_is_a_fault(self) -> None:
        text = file(line() + ",yes,no", columns=self.COLUMNS + ",may_pause")
        assert faults(text) == ["column may_pause: stands twice in the header line."]


@pytest.mark.parametrize("text", [COLUMNS, COLUMNS + "\n\n\n"])
def test_a_file_without_a_policy_is_a_fault(text: str) -> None:
    assert faults(text) == ["The file holds no policy."]


def test_a_quote_that_is_never_closed_is_a_fault_with_its_line() -> None:
    (fault,) = faults(file(line(), line(kind='"first_look')))
    assert fault.startswith("line ")
    assert "is not CSV" in fault


def test_a_file_that_is_not_text_is_a_fault(tmp_path: Path) -> None:
    spreadsheet = tmp_path / "clocks.csv"
    spreadsheet.write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(InvalidInput, match="not text in UTF-8"):
        load_file(spreadsheet)
