"""What somebody types into the search box is read as references, names, dates, numbers, postcodes and addresses."""

import pytest

from casework.families.typed_search import Query, read_typed


@pytest.mark.parametrize(
    "text", ["CON-7K4M-9QXT", "con 7k4m 9qxt", "c0n7k4m9qxt", " CON - 7K4M - 9QXT ", "con-7k4m 9qxt", "CON–7K4M–9QXT"]
)
def test_a_reference_is_read_however_it_is_typed(text: str) -> None:
    assert read_typed(text).references == ("CON-7K4M-9QXT",)
    assert read_typed(text).kinds == ("a reference",)


def test_what_may_be_a_name_and_a_reference_is_looked_for_as_both() -> None:
    query = read_typed("Conrad Smith")
    assert (query.references, query.kinds) == (("CON-RADS-M1TH",), ("a name",))
    assert query.ways


def test_letters_that_no_reference_has_are_the_digits_they_look_like() -> None:
    assert read_typed("PER-OI1L-2345").references == ("PER-0111-2345",)


@pytest.mark.parametrize("text", ["Conrad Smithers", "Casper Freeman", "Perry Thistlewood"])
def test_a_name_is_no_reference(text: str) -> None:
    query = read_typed(text)
    assert (query.references, query.kinds) == ((), ("a name",))


@pytest.mark.parametrize(
    "text",
    ["2015-03-04", "04/03/2015", "4.3.15", "4 March 2015", "4th of Mar 2015", "March 4, 2015", "04032015", "4 3 2015"],
)
def test_a_date_is_read_in_every_form(text: str) -> None:
    query = read_typed(f"Zoe {text}")
    assert query.kinds == ("a name", "a date of birth")
    assert {way.birth.digits for way in query.ways if way.birth} == {"20150304"}
    assert read_typed(text).kinds == ("a date of birth",)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("999 000 0018", ("an NHS number",)),
        ("9990000018", ("an NHS number",)),
        ("H801200001001", ("a unique pupil number",)),
        ("h801 2000 01001", ("a unique pupil number",)),
        ("01296 555123", ("a telephone number",)),
        ("+44 7700 900123", ("a telephone number",)),
        ("(01296) 555 123", ("a telephone number",)),
        ("hp2o 1ua", ("a postcode",)),
        ("HP201UA", ("a postcode",)),
        ("khan HP20 1UA", ("a name", "a postcode")),
        ("12 Example Road", ("an address",)),
        ("zoe nunez 2015", ("a name", "a date of birth")),
        ("Khan HP20", ("a name", "a postal area")),
        ("Олена Коваль", ("a name",)),
    ],
)
def test_every_kind_is_told_from_the_others(text: str, kinds: tuple[str, ...]) -> None:
    assert read_typed(text).kinds == kinds


def test_several_kinds_stand_in_any_order() -> None:
    query = read_typed("HP20 1UA, 12 Example Road, 01296 555123 Núñez 4/3/2015")
    assert set(query.kinds) == {"a name", "a date of birth", "a postcode", "an address", "a telephone number"}
    assert any(
        way.last and way.last.whole == "nunez" and way.home and way.home.numbers == ("12",) for way in query.ways
    )


@pytest.mark.parametrize("text", ["", "   ", "2015", "HP20", "?!", "\x00", "​"])
def test_what_would_find_a_crowd_is_too_little(text: str) -> None:
    assert read_typed(text).is_too_little


def test_a_surname_that_is_a_kind_of_street_is_read_both_ways() -> None:
    ways = read_typed("Zoe Hill").ways
    assert any(way.last and way.last.whole == "hill" for way in ways)
    assert any(way.home for way in ways)


def test_every_text_can_be_read() -> None:
    for text in ("\ud800", "a" * 10_000, "0" * 500, "12 " * 300, "(((", "con-", "\n\t\v", "1/1/1", "99/99/9999"):
        assert isinstance(read_typed(text), Query)
