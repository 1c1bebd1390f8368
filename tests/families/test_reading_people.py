"""How names, dates, numbers and homes are read: in the forms in which people write them."""

import pytest

from casework.families.likeness.births import Birth, nearest_birth, read_birth
from casework.families.likeness.homes import read_home, read_postcode
from casework.families.likeness.identifiers import Number, read_nhs_number, read_telephones, read_upn
from casework.families.likeness.names import fold, read_name


@pytest.mark.parametrize(
    "text",
    [
        "2014-05-07", "07/05/2014", "7/5/2014", "7.5.14", "07-05-2014", "7 May 2014", "7th May 2014",
        "07-May-14", "7 MAY 2014", "07052014",
        "May 7, 2014",
        "20140507", "2014-05-07 00:00:00", "2014-05-07T09:30:00Z", " 07/05/2014 ", "2014/05/07",
        "7\N{NO-BREAK SPACE}May 2014",
    ],
)  # fmt: skip
def test_a_date_is_read_in_every_form(text: str) -> None:
    assert read_birth(text) == Birth(2014, 5, 7)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "not known", "01/01/1900", "1900-01-01", "2014", "5 2014",
     "Mayfly 2014", "13/2014", "0000-00-00", "99/99/9999"],
)  # fmt: skip
def test_what_is_no_date_is_not_known(text: str) -> None:
    assert read_birth(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "DOB 7/5/14", "d.o.b: 07.05.2014", "born on Wednesday 7th May 2014", "Wednesday the 7th of May 2014",
        "Weds 7 May 2014", "7 May 2014 (Wed)", "the seventh of May 2014", "Date of birth: 2014-05-07", "(7/5/2014)",
    ],
)  # fmt: skip
def test_what_stands_around_a_date_is_no_part_of_it(text: str) -> None:
    assert read_birth(text) == Birth(2014, 5, 7)


@pytest.mark.parametrize("text", ["May 2014", "may 2014", "5/2014", "05.2014", "2014-05", "00/05/2014", "mid May 2014"])
def test_a_month_is_read_as_one(text: str) -> None:
    month = read_birth(text)
    assert month == Birth(2014, 5, 0)
    assert month.is_a_month
    assert not month.is_a_year
    assert not month.is_a_day


@pytest.mark.parametrize(
    ("other", "level"),
    [
        ("2014-05-31", "estimated"), ("2014-06-01", "estimated"), ("May 2014", "estimated"),
        ("about 2015", "estimated"),
        ("2014-07-01", "digits"), ("2013-05-07", "differs"), ("2015-01-01", "differs"),
    ],
)  # fmt: skip
def test_a_month_agrees_with_the_days_in_it_and_in_the_next(other: str, level: str) -> None:
    month, day = read_birth("May 2014"), read_birth(other)
    assert month is not None
    assert day is not None
    assert nearest_birth(month, day) == nearest_birth(day, month) == level


def test_a_day_that_does_not_exist_is_kept_for_comparing() -> None:
    assert read_birth("2014-02-31") == Birth(2014, 2, 31)


@pytest.mark.parametrize(
    "text", ["Unknown", "N/K", "not known", "Baby", "Mr", "?", "-", "", "Unborn baby", "XXX", "null", "Mum", "TBC"]
)
def test_what_is_no_name_is_not_known(text: str) -> None:
    assert read_name(text) is None


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Zoë Núñez", "zoe nunez"), ("Łukasz", "lukasz"), ("D’Souza", "dsouza"), ("O\u2019Brien-Smith", "obrien smith"),
        ("Олена", "olena"), ("Đặng", "dang"), ("Zo\u200be\u0308", "zoe"), ("A\u00adda", "ada"), ("\ud800", ""),
    ],
)  # fmt: skip
def test_letters_are_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_a_title_is_no_part_of_a_name() -> None:
    found = read_name("Mrs. Ada")
    assert found is not None
    assert found.parts == ("ada",)


def test_an_nhs_number_knows_its_check_digit() -> None:
    assert read_nhs_number("999 000 0018") == Number("9990000018", is_valid=True)
    assert read_nhs_number("999\N{NO-BREAK SPACE}000-0018") == Number("9990000018", is_valid=True)
    assert read_nhs_number("9990000019") == Number("9990000019", is_valid=False)
    for text in ("", "not known", "12", "99900000180", "3333333333", "999000001X"):
        assert read_nhs_number(text) is None


def test_a_unique_pupil_number_knows_its_check_letter() -> None:
    assert read_upn("H801200001001") == Number("H801200001001", is_valid=True)
    assert read_upn("h801 2000 01001") == Number("H801200001001", is_valid=True)
    assert read_upn("A801200001001") == Number("A801200001001", is_valid=False)
    for text in ("", "not known", "H80120000100", "X000000000000", "1801200001001"):
        assert read_upn(text) is None


def test_telephones_are_read_in_national_form() -> None:
    for text in ("07700 900123", "+44 7700 900123", "0044 (0)7700 900123", "7700900123", "07700900123 (mother)"):
        assert read_telephones(text) == {"07700900123"}, text
    assert read_telephones("07700900123 / 01296 382345") == {"07700900123", "01296382345"}
    for text in (
        "07700900123 01296 382345", "mob 07700 900123 home 01296 382345", "7700900123 1296382345",
        "(07700) 900123 (01296) 382345", "+44 7700 900123 +44 1296 382345", "07700 900123 ext 12 01296 382345",
    ):  # fmt: skip
        assert read_telephones(text) == {"07700900123", "01296382345"}, text
    assert read_telephones("0044 20 7946 0018 0044 20 7946 0019") == {"02079460018", "02079460019"}
    assert read_telephones("07700 900123 4pm") == read_telephones("07700 900123, 9.30 am - 5pm") == {"07700900123"}
    assert read_telephones("07700 900123 382345") == {"07700900123"}
    assert read_telephones("+49 30 12345678") == read_telephones("0049 (0)30 12345678") == {"493012345678"}
    assert read_telephones("none") == read_telephones("00000000000") == read_telephones("12345") == frozenset()


def test_postcodes_are_read_with_slips() -> None:
    for text in (
        "HP20 1UA",
        "hp201ua",
        "HP2O 1UA",
        "HP20 IUA",
        "HP20-1UA",
        "HP20\u200b1UA",
        "HP20\N{NO-BREAK SPACE}1UA",
    ):
        assert read_postcode(text) == "HP201UA", text
    for text in ("", "NFA", "ZZ99 3VZ", "N/K", "unknown", "x"):
        assert read_postcode(text) == "", text


def test_a_home_is_nowhere_if_nobody_says() -> None:
    assert read_home("No fixed abode", "ZZ99 3VZ") is None
    home = read_home("Flat 2, 12 Mill Rd", "")
    assert home is not None
    assert (home.numbers, home.street) == (("2", "12"), "mill")


def test_a_postcode_among_the_words_of_an_address_is_one() -> None:
    home = read_home("12 Mill Rd, HP20 1UA", "")
    assert home == read_home("12 Mill Rd", "HP20 1UA")
    assert home == read_home("hp20 1ua 12 Mill Rd", "HP20 1UA")
    other = read_home("12 Mill Rd HP20 1UA", "HP21 7AA")
    assert other is not None
    assert (other.words, other.postcode) == (("mill", "road"), "HP217AA")
