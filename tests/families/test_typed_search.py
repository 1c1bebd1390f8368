"""What somebody types into the search box is read as references, names, dates, numbers, postcodes and addresses."""

import pytest
from dateutil.relativedelta import relativedelta
from django.utils.timezone import localdate

from casework.families.likeness.births import Birth
from casework.families.likeness.names import fold, sound
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
    "typed",
    [
        "born 17.5.14", "dob 17/5/14", "DOB: 17 5 14", "d.o.b. 17-05-2014", "17 May 14", "17th May '14", "(17.05.2014)",
        "born on 17 May 2014",
    ],
)  # fmt: skip
def test_what_it_says_before_a_date_is_no_name(typed: str) -> None:
    for text in (f"Zoe Nunez {typed}", f"{typed} Zoe Nunez"):
        assert read_typed(text).kinds == ("a name", "a date of birth")
        names = {(way.written.first_name, way.written.last_name) for way in read_typed(text).ways}
        assert names == {("Zoe", "Nunez")}
        assert {way.birth.digits for way in read_typed(text).ways if way.birth} == {"20140517"}


@pytest.mark.parametrize(
    ("typed", "ago"),
    [
        ("5yrs 3 months", relativedelta(years=5, months=3)), ("5 yrs", relativedelta(years=5, months=6)),
        ("aged 5", relativedelta(years=5, months=6)), ("age: 15", relativedelta(years=15, months=6)),
        ("5yo", relativedelta(years=5, months=6)), ("5 y/o", relativedelta(years=5, months=6)),
        ("5½ years old", relativedelta(years=5, months=6)), ("5y 3m", relativedelta(years=5, months=3)),
        ("c15", relativedelta(years=15, months=6)), ("c. 15", relativedelta(years=15, months=6)),
        ("15ish", relativedelta(years=15, months=6)), ("aged 15-16", relativedelta(years=15, months=6)),
        ("15-16 yrs", relativedelta(years=15, months=6)), ("about 15", relativedelta(years=15, months=6)),
        ("18 months", relativedelta(months=18)), ("3 wks old", relativedelta(weeks=3)),
    ],
)  # fmt: skip
def test_an_age_is_about_a_year(typed: str, ago: relativedelta) -> None:
    for text in (f"Zoe Nunez {typed}", f"{typed}, Zoe Nunez", f"Zoe Nunez {typed} 12 Mill Lane HP20 1UA"):
        ways = read_typed(text).ways
        assert ("Zoe", "Nunez") in {(way.written.first_name, way.written.last_name) for way in ways}
        assert {way.written.date_of_birth for way in ways} == {f"about {(localdate() - ago).year}"}
    assert read_typed(f"Zoe {typed} 4/3/2015").kinds == ("a name", "a date of birth")
    assert {way.written.date_of_birth for way in read_typed(f"Zoe {typed} 4/3/2015").ways} == {"4/3/2015"}


@pytest.mark.parametrize("kind", ["pde", "Parade", "cl", "cres", "ave", "rd", "ln", "gr"])
def test_a_street_without_a_number_is_one(kind: str) -> None:
    for text, last in ((f"cedarwood {kind}", ""), (f"Zoe Nunez cedarwood {kind}", "Nunez")):
        query = read_typed(text)
        assert "an address" in query.kinds
        homes = {way.home.street_sounds for way in query.ways if way.home and way.written.last_name == last}
        assert (sound("cedarwood"),) in homes
        assert not query.is_too_little


@pytest.mark.parametrize(
    ("text", "first", "address"),
    [
        ("Zoe 12 Market Street", "Zoe", "12 Market Street"),
        ("Zoe, 8 Marlow Rd", "Zoe", "8 Marlow Rd"),
        ("Zoe 10 March Street", "Zoe", "10 March Street"),
        ("Mary 12 High Street", "Mary", "12 High Street"),
        ("Janet 4 Mill Lane", "Janet", "4 Mill Lane"),
        ("June 7 The Old Barn", "June", "7 The Old Barn"),
        ("about 12 Mill Lane", "about", "12 Mill Lane"),
    ],
)
def test_what_begins_like_a_month_is_no_date_in_an_address(text: str, first: str, address: str) -> None:
    query = read_typed(text)
    assert query.notes == ()
    assert (first, address) in {(way.written.first_name, way.written.address) for way in query.ways}


@pytest.mark.parametrize(("text", "last"), [("baby due Mary Khan", "Khan"), ("Edd Marsh", "Marsh")])
def test_a_name_that_begins_like_a_month_is_no_expected_day(text: str, last: str) -> None:
    query = read_typed(text)
    assert query.expected is None
    assert last in {way.written.last_name for way in query.ways}


@pytest.mark.parametrize("text", ["Khan BFPO 58", "bfpo58 Khan"])
def test_a_forces_address_is_one(text: str) -> None:
    query = read_typed(text)
    assert query.kinds == ("a name", "an address")
    assert {way.home.address for way in query.ways if way.home} == {"58 bfpo"}
    assert {way.written.last_name for way in query.ways} == {"Khan", ""}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("NHS no. 999 000 0018 Khan", "Khan"), ("tel: 01296 555123 Khan", "Khan"), ("Khan postcode HP20 1UA", "Khan"),
        ("Khan upn H801200001001", "Khan"), ("Max Born", "Born"),
    ],
)  # fmt: skip
def test_what_it_says_before_a_number_is_no_name(text: str, name: str) -> None:
    assert name in {way.written.last_name for way in read_typed(text).ways}
    assert {len(way.written.first_name.split()) for way in read_typed(text).ways} <= {0, 1}


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
        ("1296 555123", ("a telephone number",)),
        ("+91 98765 43210", ("a telephone number",)),
        ("0091 98765 43210", ("a telephone number",)),
        ("khan HP20 1UA", ("a name", "a postcode")),
        ("12 Example Road", ("an address",)),
        ("zoe nunez 2015", ("a name", "a date of birth")),
        ("Khan HP20", ("a name", "a postal area")),
        ("Олена Коваль", ("a name",)),
    ],
)
def test_every_kind_is_told_from_the_others(text: str, kinds: tuple[str, ...]) -> None:
    assert read_typed(text).kinds == kinds


@pytest.mark.parametrize(
    ("text", "kind", "note"),
    [
        ("07700 9OO123", "a telephone number", "“07700 9OO123” was read as 07700900123."),
        ("O7700 900l23", "a telephone number", "“O7700 900l23” was read as 07700900123."),
        ("+44 (0)7700 900123", "a telephone number", "“+44 (0)7700 900123” was read as 07700900123."),
        ("999 OOO 0018", "an NHS number", "“999 OOO 0018” was read as 999 000 0018."),
        ("H8O12OOOO1001", "a unique pupil number", "“H8O12OOOO1001” was read as H801200001001."),
        ("O4/03/2015", "a date of birth", "“O4/03/2015” was read as 04/03/2015."),
        ("hp2o 1ua", "a postcode", "“hp2o 1ua” was read as HP20 1UA."),
        ("CON-OI1L-2345", "a reference", "“CON-OI1L-2345” was read as CON-0111-2345."),
    ],
)
def test_a_slip_in_a_number_is_read_and_said(text: str, kind: str, note: str) -> None:
    assert read_typed(text).notes == (note,)
    assert read_typed(f"{text}, Khan").notes == (note,)
    assert read_typed(text).kinds == (kind,)


@pytest.mark.parametrize(
    "text", ["07700 900123", "01296.555.123", "999-000-0018", "HP201UA", "4.3.15", "Flat 5B Mill Lane"]
)
def test_what_is_read_as_it_was_typed_needs_no_word(text: str) -> None:
    assert read_typed(text).notes == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("07700 90012", "“07700 90012” has 10 digits, and a mobile number has 11."),
        ("07700 9001234", "“07700 9001234” has 12 digits, and a mobile number has 11."),
        ("999 000 001", "“999 000 001” could not be read as a telephone number, an NHS number or a date."),
        ("44821750", "“44821750” could not be read"),
        ("4/3/2015 5/4/2016", "“5/4/2016” was left out"),
        ("zoe 4 march", "“4 march” was left out: type the year as well."),
        ("zoe 11", "“11” was left out: say of what it is the number."),
        ("4/3/2015 aged 11", "“aged 11” was left out: there is a date of birth."),
        (" ".join(f"word{letter}" for letter in "abcdefghijklmn"), "“wordm wordn” was left out"),
    ],
)
def test_nothing_typed_is_ignored_without_a_word(text: str, says: str) -> None:
    for typed in (text, f"Khan, {text}") if text[0].isdigit() else (text,):
        (note,) = read_typed(typed).notes
        assert note.startswith(says)
        assert not read_typed(typed).is_too_little


def test_a_number_that_cannot_be_read_is_no_address() -> None:
    query = read_typed("Khan 07700 90012")
    assert query.kinds == ("a name", "another number")
    assert not any(way.home for way in query.ways)


@pytest.mark.parametrize("text", ["the Nunez family", "Nunez household", "mum nunez", "Mrs Nunez", "Nunez, twins"])
def test_what_stands_around_a_name_is_no_name(text: str) -> None:
    query = read_typed(text)
    assert {way.last.whole for way in query.ways if way.last} == {"nunez"}
    assert not any(way.first for way in query.ways if way.last)


@pytest.mark.parametrize("text", ["Sue Child", "Nan Marsh"])
def test_a_common_word_that_is_a_name_is_one_as_well(text: str) -> None:
    ways = {(way.written.first_name, way.written.last_name) for way in read_typed(text).ways}
    assert tuple(text.split()) in ways
    assert len(ways) > 1


@pytest.mark.parametrize("text", ["Child", "The Nook"])
def test_nothing_is_left_out_of_a_name_that_has_nothing_else(text: str) -> None:
    assert any(fold(way.written.last_name) == fold(text).split()[-1] for way in read_typed(text).ways)


def test_a_house_number_may_stand_after_its_street() -> None:
    query = read_typed("Nunez Mill Lane 12")
    assert any(
        way.home and way.home.address == "12 mill lane" and way.written.last_name == "Nunez" for way in query.ways
    )
    assert query.notes == ()


@pytest.mark.parametrize(
    "text",
    [
        "zoe march 2015", "zoe born in march 2015", "zoe, March 2015", "zoe 3/2015", "03.2015 zoe", "zoe 2015-03",
        "born March 2015, zoe",
    ],
)  # fmt: skip
def test_a_month_of_birth_is_one(text: str) -> None:
    query = read_typed(text)
    assert {way.birth for way in query.ways} == {Birth(2015, 3, 0)}
    assert {way.written.first_name or way.written.last_name for way in query.ways} == {"zoe"}
    assert not query.is_too_little


def test_a_name_that_is_a_month_stays_a_name() -> None:
    query = read_typed("april 2015")
    assert {(way.written.first_name, way.written.date_of_birth) for way in query.ways} == {
        ("april", "about 2015"), ("", "about 2015"),
    }  # fmt: skip


@pytest.mark.parametrize("text", ["Khan June 2015", "Khan, june 2015"])
def test_what_may_be_a_name_and_a_month_is_read_as_both(text: str) -> None:
    ways = {
        (way.written.first_name, way.written.last_name, way.birth.month if way.birth else None)
        for way in read_typed(text).ways
    }
    assert ("Khan", "", 6) in ways
    assert ("", "Khan", 6) in ways
    assert any({first.lower(), last.lower()} == {"khan", "june"} and not month for first, last, month in ways)


def test_a_month_to_come_is_when_a_child_is_expected() -> None:
    month = (localdate() + relativedelta(months=3)).replace(day=1)
    query = read_typed(f"quill {month:%B %Y}")
    assert query.expected is not None
    assert (query.expected.first, query.expected.last) == (month, month + relativedelta(months=1, days=-1))
    assert query.kinds == ("a name", "an expected date")


def test_a_month_beside_a_whole_date_is_left_out() -> None:
    (note,) = read_typed("zoe March 2015 4/3/2016").notes
    assert note == "“March 2015” was left out: there is a date of birth."


@pytest.mark.parametrize(
    "text",
    ["Friday 3rd April 2015 zoe", "zoe, Fri 3/4/2015", "zoe Weds, the 3rd of April 2015", "zoe third of April 2015"],
)
def test_a_weekday_and_an_ordinal_belong_to_the_date(text: str) -> None:
    ways = read_typed(text).ways
    assert {way.birth for way in ways} == {Birth(2015, 4, 3)}
    assert {way.written.first_name or way.written.last_name for way in ways} == {"zoe"}


def test_two_telephone_numbers_are_both_looked_for() -> None:
    for text in ("07700 900123 01296 555123", "07700900123, 01296555123 khan", "khan 07700 900123 or 01296 555123"):
        query = read_typed(text)
        assert {way.telephones for way in query.ways} == {frozenset({"07700900123", "01296555123"})}
        assert query.notes == ()


@pytest.mark.parametrize("text", ["mum@x.example", "Khan mum12@x.example", "per.smith12@x.example, con@y.example"])
def test_an_email_address_is_one(text: str) -> None:
    query = read_typed(text)
    assert "an email address" in query.kinds
    assert ("a name" in query.kinds) is ("Khan" in text)
    assert query.references == ()
    assert not query.is_too_little
    assert {"MUMXEXAMPLE", "MUM12XEXAMPLE", "PERSMITH12XEXAMPLE"} & query.texts


@pytest.mark.parametrize("text", ["z.nunez", "zoe.nunez"])
def test_a_point_parts_names(text: str) -> None:
    assert "nunez" in {way.last.whole for way in read_typed(text).ways if way.last}


@pytest.mark.parametrize("text", ["Khan HP20 1", "HP20 1, Khan"])
def test_a_part_of_a_postcode_is_its_area(text: str) -> None:
    query = read_typed(text)
    assert (query.area, query.kinds) == ("HP20", ("a name", "a postal area"))


@pytest.mark.parametrize(("text", "weeks"), [("Khan 28/40", 12), ("20 weeks pregnant", 20), ("36+2 weeks pregnant", 4)])
def test_so_many_weeks_of_a_pregnancy_are_a_day(text: str, weeks: int) -> None:
    expected = read_typed(text).expected
    assert expected is not None
    assert expected.first == localdate() + relativedelta(weeks=weeks)


def test_several_kinds_stand_in_any_order() -> None:
    query = read_typed("HP20 1UA, 12 Example Road, 01296 555123 Núñez 4/3/2015")
    assert set(query.kinds) == {"a name", "a date of birth", "a postcode", "an address", "a telephone number"}
    assert any(
        way.last and way.last.whole == "nunez" and way.home and way.home.numbers == ("12",) for way in query.ways
    )


@pytest.mark.parametrize("text", ["", "   ", "2015", "aged 5", "HP20", "?!", "\x00", "​"])
def test_what_would_find_a_crowd_is_too_little(text: str) -> None:
    assert read_typed(text).is_too_little


def test_a_surname_that_is_a_kind_of_street_is_read_both_ways() -> None:
    ways = read_typed("Zoe Hill").ways
    assert any(way.last and way.last.whole == "hill" for way in ways)
    assert any(way.home for way in ways)


def test_every_text_can_be_read() -> None:
    for text in ("\ud800", "a" * 10_000, "0" * 500, "12 " * 300, "(((", "con-", "\n\t\v", "1/1/1", "99/99/9999"):
        assert isinstance(read_typed(text), Query)
