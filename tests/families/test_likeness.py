"""How alike two people are: what partners write in two ways is found, and what belongs to two people is not decided."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from casework.families.likeness.births import parts_that_differ, read_birth
from casework.families.likeness.comparing import (
    Commonness,
    Likeness,
    compare,
    compare_worth_proposing,
    name_key,
    whole_name_key,
)
from casework.families.likeness.describing import COLUMNS, Described, Recorded, Written, describe
from casework.families.likeness.keys import asked, stored
from casework.families.likeness.names import Name, fold, spelling
from casework.families.likeness.weights import shipped

Numbers = tuple[Recorded, ...]
ADA = Written(
    first_name="Ada", last_name="Ashworth", other_names="Jane", date_of_birth="2014-05-07", sex="F",
    nhs_number="9990000018", upn="", address="12 Mill Lane, Aylesbury", postcode="HP20 1UA", phone="07700 900123",
)  # fmt: skip
WARD = {
    "first_name": "Baby", "date_of_birth": "2026-11-12", "phone": "", "sex": "", "nhs_number": "", "other_names": "",
    "address": "Rothschild Ward, Stoke Mandeville Hospital", "postcode": "HP21 8AL",
}  # fmt: skip
MOVED = {"address": "3 Station Road, Marlow", "postcode": "SL7 1AA", "phone": ""}


def likeness(one: Written, other: Written, commonness: Commonness | None = None) -> Likeness:
    return compare(describe(one), describe(other), shipped(), commonness or Commonness())


def child(**but: Any) -> Written:
    """A child of whom a partner writes name, birth and sex."""
    known = {"first_name": "Ada", "last_name": "Ashworth", "date_of_birth": "2014-05-07", "sex": "F"}
    return Written(**{**known, **but})


def named(first: str, last: str, **but: Any) -> Written:
    return child(first_name=first, last_name=last, **but)


# What one partner writes, what another writes, and the reason that says so.
ONE_CHILD_WRITTEN_TWICE = [
    (named("Zoë", "Núñez"), named("Zoe", "Nunez"), "Same first name"),
    (named("Łukasz", "Wójcik"), named("Lukasz", "Wojcik"), "Same last name"),
    (named("Ada", "D’Souza"), named("Ada", "DSouza"), "Same last name"),
    (named("Ada", "D'Souza"), named("ADA", "d souza"), "Same last name"),
    (named("Siân", "O’Brien"), named("Sian", "O Brien"), "Same last name"),
    (named("Олена", "Шевченко"), named("Olena", "Shevchenko"), "Same first name"),
    (named("Наталія", "Коваленко"), named("Nataliia", "Kovalenko"), "First name in another spelling"),
    (named("Сергій", "Бондаренко"), named("Serhii", "Bondarenko"), "First name in another spelling"),
    (named("Muhammad", "Okafor"), named("Mohammed", "Okafor"), "First name in another spelling"),
    (named("محمد", "Okafor"), named("Mohammed", "Okafor"), "First name in another spelling"),
    (named("محمد", "خان"), named("Mohammed", "Khan"), "Same last name"),
    (named("فاطمہ", "چوہدری"), named("Fatima", "Choudhury"), "Last name in another spelling"),
    (named("أَحْمَد", "الحسن"), named("Ahmad", "Al-Hassan"), "Same last name"),
    (named("عبد الرحمن", "Quill"), named("Abdul Rahman", "Quill"), "Same first name"),
    (named("محمدرضا", "کریمی"), named("Mohammad Reza", "Karimi"), "Same last name"),
    (named("دانیال", "غلام"), named("Daniyal", "Ghulam"), "Last names sound alike"),
    (named("משה", "כהן"), named("Moshe", "Cohen"), "Same last name"),
    (named("אסף", "ברגר"), named("Asaf", "Berger"), "Last names sound alike"),
    (named("মোহাম্মদ", "রহমান"), named("Muhammad", "Rahman"), "Last name in another spelling"),
    (named("ਹਰਪ੍ਰੀਤ", "ਸਿੰਘ"), named("Harpreet", "Singh"), "Same last name"),
    (named("முகமது", "குமார்"), named("Mohamed", "Kumar"), "First name in another spelling"),
    (named("प्रिया", "पटेल"), named("Priya", "Patel"), "Same last name"),
    (named("आरव", "शिंदे"), named("Aarav", "Shinde"), "Same last name"),
    (named("অঞ্জন", "রণজিৎ"), named("Anjan", "Ranajit"), "Same first name"),
    (named("రాధిక", "గోపాల"), named("Radhika", "Gopal"), "Same first name"),
    (named("Γιώργος", "Παπαδόπουλος"), named("Giorgos", "Papadopoulos"), "Same first name"),
    (named("伟", "王"), named("Wei", "Wang"), "Same last name"),
    (named("민준", "김"), named("Minjun", "Kim"), "Same last name"),
    (named("Ayesha", "Quill"), named("Aisha", "Quill"), "First name in another spelling"),
    (named("Katarzyna", "Kowalska"), named("Katarzyna", "Kowalski"), "Last name in another spelling"),
    (named("Elizabeth", "Quill"), named("Liz", "Quill"), "First name is a short form of the other"),
    (named("Benjamin", "Quill"), named("Ben", "Quill"), "First name is a short form of the other"),
    (named("Dougie", "McAllister"), named("Douglas", "MacAllister"), "First name is a short form of the other"),
    (named("Ada", "McAllister"), named("Ada", "MacAllister"), "Last name in another spelling"),
    (named("Oleksandra", "Quill"), named("Oleks", "Quill"), "First name is a short form of the other"),
    (named("Leilae", "Quill"), named("Leila", "Quill"), "First names differ by a letter or two"),
    (named("Mary Ann", "Quill"), named("Mary", "Quill"), "First name is a longer form of the other"),
    (named("Mary-Ann", "Quill"), named("Maryann", "Quill"), "Same first name"),
    (named("Ada", "Ashworth-Quill"), named("Ada", "Quill"), "Last name is a part of the other"),
    (named("Ada", "Quill Ashworth"), named("Ada", "Ashworth-Quill"), "Last name in another spelling"),
    (named("Catherine", "Quill"), named("Kathryn", "Quill"), "First name in another spelling"),
    (named("Michaela", "Quill"), named("Mikaela", "Quill"), "First names sound alike"),
    (named("Oleh", "Hryhorenko"), named("Oleg", "Grigorenko"), "Last names sound alike"),
    (named("Bohdan", "Dovhenko"), named("Bogdan", "Dovgenko"), "Last name in another spelling"),
    (named("Olha", "Quill"), named("Olga", "Quill"), "First name in another spelling"),
    (named("Ada", "Kelly"), named("Ada", "Ó Ceallaigh"), "Last name is the same in another language"),
    (named("Ada", "Ní Mhurchú"), named("Ada", "Murphy"), "Last name is the same in another language"),
    (named("Gwilym", "Quill"), named("William", "Quill"), "First name is the same in another language"),
    (named("Ada", "Pugh"), named("Ada", "ap Huw"), "Last name is the same in another language"),
    (named("Ada", "Hargreaves"), named("Ada", "Hargreave"), "Last names differ by a letter or two"),
    (named("Sue", "Child"), named("Sue", "Child"), "Same last name"),
    (named("Ada", "Ashworth"), named("Ada", "Ashwoth"), "Last names differ by a letter or two"),
    (named("Ashworth", "Ada"), named("Ada", "Ashworth"), "First and last name are reversed"),
    (named("Ada", "Ashworth"), named("Jane", "Ashworth", other_names="Ada"), "First name is among the other names"),
    (named("Ada", "Ashworth"), named("Ada", "Quill", other_names="Ashworth"), "Last name is among the other names"),
    (child(), child(date_of_birth="2014-07-05"), "Day and month of birth are swapped"),
    (child(), child(date_of_birth="07/05/2014"), "Same date of birth"),
    (child(), child(date_of_birth="7 May 2014"), "Same date of birth"),
    (child(), child(date_of_birth="2015-05-07"), "Dates of birth are a year apart"),
    (child(), child(date_of_birth="2014-05-08"), "Dates of birth are a day apart"),
    (child(date_of_birth="2014-05-31"), child(date_of_birth="2014-06-01"), "Dates of birth are a day apart"),
    (child(date_of_birth="2013-12-31"), child(date_of_birth="2014-01-01"), "Dates of birth are a day apart"),
    (child(), child(date_of_birth="2014-01-01"), "Date of birth may be an estimate of the other"),
    (child(), child(date_of_birth="2014-05-17"), "Dates of birth differ by a digit"),
    (child(date_of_birth="2014-02-28"), child(date_of_birth="2014-02-82"), "Dates of birth differ by a digit"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "reason"), ONE_CHILD_WRITTEN_TWICE)
def test_one_child_written_in_two_ways_is_found_although_the_home_differs(
    one: Written, other: Written, reason: str
) -> None:
    here = one._replace(address="12 Mill Lane, Aylesbury", postcode="HP20 1UA")
    there = other._replace(address="3 Station Road, Marlow", postcode="SL7 1AA")
    found = likeness(here, there)
    assert found.score >= shipped().worth_proposing
    assert reason in found.reasons
    assert not found.certain
    # Each is found when the other is asked for.
    assert stored(describe(here)) & asked(describe(there))
    assert stored(describe(there)) & asked(describe(here))


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ("2009-11-28", "2009-11-04", "Day differs (28 and 4); same month and year"),
        ("2009-11-28", "2009-12-24", "Day (28 and 24) and month (11 and 12) differ; same year"),
        ("2009-11-28", "2012-11-28", "Year differs (2009 and 2012); same day and month"),
    ],
)
def test_dates_of_birth_that_differ_say_in_what(one: str, other: str, says: str) -> None:
    first, second = read_birth(one), read_birth(other)
    assert first is not None
    assert second is not None
    assert parts_that_differ(first, second) == says


def test_a_surname_alone_brings_those_who_bear_it() -> None:
    """A short form of the first name, and nobody knows the date of birth or the home."""
    one, other = (describe(Written(first_name=first, last_name="Sheferman")) for first in ("Tommy", "Thomas"))
    assert stored(one) & asked(other)


def test_a_home_is_read_with_its_slips() -> None:
    for address, postcode in [
        ("12 Mill Ln Aylesbury", "hp201ua"), ("12, MILL LANE", "HP2O IUA"), ("12 Mill Lane Aylesbruy", ""),
        ("12 Mill Lane, Aylesbury", "HP20\u200b 1UA"), ("12 Mill Lane", "HP20 1UB"),
    ]:  # fmt: skip
        assert "Same address" in likeness(ADA, ADA._replace(address=address, postcode=postcode)).reasons, address


def test_no_fixed_abode_is_no_home() -> None:
    for address, postcode in [("NFA", "ZZ99 3VZ"), ("No fixed abode", ""), ("Confidential", "ZZ993WZ"), ("", "N/K")]:
        homeless = {"address": address, "postcode": postcode}
        found = likeness(ADA._replace(**homeless), ADA._replace(**homeless))
        assert not any("address" in reason or "postcode" in reason for reason in found.reasons)


# ---- an identifier is evidence, never proof


def test_everything_the_same_is_certain_and_says_why() -> None:
    found = likeness(ADA, ADA)
    assert found.certain
    assert found.score > 0.999
    assert set(found.reasons) == {
        "Same first name", "Same last name", "An other name is the same", "Same date of birth", "Same sex",
        "Same NHS number", "Same address", "Same telephone number",
    }  # fmt: skip


@pytest.mark.parametrize(
    "but",
    [
        {"first_name": "Zebedee"},
        {"first_name": "Zebedee", "sex": "M"},
        {"first_name": "Adam", "sex": "M"},
        {"first_name": "Ava"},
        {"last_name": "Quill"},
        {"sex": "M"},
        {"date_of_birth": "2011-11-23"},
        {"date_of_birth": "2014-05-08"},
        {"date_of_birth": ""},
        {"other_names": "Rose"},
        {"first_name": "Unknown"},
    ],
)
def test_an_nhs_number_alone_never_decides(but: dict[str, str]) -> None:
    """A copying slip: whatever else is the same, one thing that differs or is not known is asked."""
    assert not likeness(ADA, ADA._replace(**but)).certain


def test_a_number_against_name_sex_and_birth_is_hardly_a_likeness() -> None:
    other = Written(
        first_name="Zebedee", last_name="Quill", date_of_birth="2003-11-21", sex="M", nhs_number="9990000018"
    )
    assert likeness(ADA, other).score < shipped().careful


@pytest.mark.parametrize("digit", "0123456789")
def test_a_repeated_digit_says_that_nobody_knows_the_number(digit: str) -> None:
    with_it = ADA._replace(nhs_number=digit * 10)
    stranger = Written(first_name="Zebedee", last_name="Quill", nhs_number=digit * 10)
    assert not any("NHS" in reason for reason in likeness(with_it, stranger).reasons)
    assert not stored(describe(with_it)) & asked(describe(stranger))
    # A placeholder hides nobody who is known by name, birth and home.
    assert likeness(with_it, ADA).score > shipped().careful


def test_numbers_that_differ_are_said() -> None:
    found = likeness(ADA, ADA._replace(nhs_number="9990000026"))
    assert "NHS numbers differ" in found.reasons
    assert not found.certain


def test_a_number_with_a_slip_is_compared() -> None:
    found = likeness(ADA, ADA._replace(nhs_number="999 000 0081"))
    assert "NHS numbers differ by a digit and one has a wrong check digit" in found.reasons


# ---- families


def test_twins_are_two() -> None:
    for first in ("Zara", "Ivy", "Poppy"):
        twin = ADA._replace(first_name=first, other_names="Rose", nhs_number="9990000026")
        assert likeness(ADA, twin).score < shipped().worth_proposing
    # Nobody knows the numbers, and what else was written is the same.
    unnumbered = ADA._replace(nhs_number="", other_names="")
    found = likeness(unnumbered, unnumbered._replace(first_name="Zara"))
    assert found.score < shipped().careful
    assert not found.certain


def test_brothers_and_sisters_at_one_home_are_two() -> None:
    sister = ADA._replace(first_name="Zara", other_names="", date_of_birth="2011-11-23", nhs_number="")
    assert likeness(ADA, sister).score < 0.001


def test_a_father_and_a_son_of_one_name_are_asked_about() -> None:
    son = Written(first_name="James", last_name="Quill", date_of_birth="2014-05-07", postcode="HP20 1UA")
    father = son._replace(date_of_birth="1984-02-11")
    assert likeness(son, father).score < shipped().careful
    assert not likeness(son, father._replace(date_of_birth="")).certain


@pytest.mark.parametrize("first", ["Mohammed", "Xanthippe"])
def test_a_name_and_a_home_alone_stay_below_the_threshold(first: str) -> None:
    """Whoever lives at a home after a family of the same name, or a father beside a son."""
    one = Written(first_name=first, last_name="Khan", address="12 Mill Lane", postcode="HP20 1UA", phone="07700900123")
    found = likeness(one, one)
    assert found.score < shipped().careful
    assert not found.certain
    assert likeness(one._replace(address="", phone=""), one._replace(address="", phone="")).score < shipped().careful


def test_unknown_is_no_name() -> None:
    one = Written(first_name="Unknown", last_name="Unknown", postcode="HP20 1UA")
    found = likeness(one, one)
    assert found.reasons == ("Same postcode",)
    assert found.score < 0.01


@pytest.mark.parametrize(
    ("first", "last", "is_a_name"),
    [
        ("Sue", "Child", True), ("John", "Lord", True), ("", "Lord", True), ("", "Child", False),
        ("Unknown", "Child", False), ("Foster", "Child", False), ("Second", "child", False), ("Baby", "Child", False),
        ("Sue", "Unknown", False), ("Sue", "Mother", False),
    ],
)  # fmt: skip
def test_a_word_for_nobody_is_a_surname_beside_a_first_name(first: str, last: str, is_a_name: bool) -> None:
    assert (describe(named(first, last)).last is not None) is is_a_name


@pytest.mark.parametrize(
    ("one", "other"),
    [("Hill", "Gill"), ("Hunter", "Gunter"), ("Price", "Kelly"), ("Ó Ceallaigh", "Ó Murchú"), ("Jones", "Joness")],
)
def test_names_that_are_near_are_not_one_in_two_languages_or_letters(one: str, other: str) -> None:
    assert spelling(fold(one)) != spelling(fold(other))
    reasons = likeness(named("Ada", one), named("Ada", other)).reasons
    assert not {"Last name in another spelling", "Last name is the same in another language"} & set(reasons)


def test_a_common_name_says_less() -> None:
    one, other = child(**MOVED), child(address="12 Mill Lane", postcode="HP20 1UA")
    first, last = name_key(Name(("ada",))), name_key(Name(("ashworth",)))
    common, rare = (
        Commonness(100_000, first_names={first: borne_by}, last_names={last: borne_by}) for borne_by in (2_000, 2)
    )
    assert "Same last name (a common one)" in likeness(one, other, common).reasons
    assert "Same last name" in likeness(one, other, rare).reasons
    assert likeness(one, other, common).weight < likeness(one, other, rare).weight - 5


def test_a_whole_name_that_many_share_says_less_than_its_parts() -> None:
    """Neither name is common, but whoever has the one often has the other."""
    one, other = named("Abena", "Owusu", date_of_birth=""), named("Abena", "Owusu", date_of_birth="")
    key = whole_name_key(describe(one))
    counts = {"first_names": {key.split(", ")[0]: 50}, "last_names": {key.split(", ")[1]: 50}}
    rare, shared = (Commonness(100_000, **counts, whole_names={key: borne_by}) for borne_by in (2, 40))
    assert likeness(one, other, shared).weight < likeness(one, other, rare).weight - 5
    # One is the record itself, and one may be another of the same person.
    assert likeness(one, other, rare).weight == likeness(one, other, Commonness(100_000, **counts)).weight


# ---- what holds for all

POOLS: dict[str, list[str]] = {
    "first_name": [
        "", "Ada", "Adam", "Ada Rose", "Zoë", "Mohammed", "Muhammad Ali", "Mohammed Amir", "Liz", "Elizabeth",
    ],
    "last_name": ["", "Ashworth", "Ahsworth", "Quill-Ashworth", "Khan", "Smith", "Mohammed"],
    "other_names": ["", "Rose", "R", "Ali", "Ada Smith"],
    "date_of_birth": [
        "", "2014-05-07", "2014-07-05", "2014-05-08", "2015-05-07", "2014-01-01", "1984-12-30", "2014-15-07",
    ],
    "sex": ["", "F", "M"],
    "nhs_number": ["", "9990000018", "9990000026", "9990000081", "1111111111"],
    "upn": ["", "A801200001001", "H801200001001"],
    "address": ["", "12 Mill Lane", "14 Mill Lane", "Flat 2, 12 Mill Ln", "3 Station Road", "NFA"],
    "postcode": ["", "HP20 1UA", "HP20 1UB", "HP20 2AA", "SL7 1AA"],
    "phone": ["", "07700 900123", "07700 900456"],
}  # fmt: skip
people = st.builds(Written, **{name: st.sampled_from(values) for name, values in POOLS.items()})
recorded = st.lists(
    st.builds(Recorded, st.just("nhs_number"), st.sampled_from(POOLS["nhs_number"]), st.just("as told"), st.booleans()),
    max_size=2,
).map(tuple)
FAR = {"sex": ("F", "M"), "date_of_birth": ("2014-05-07", "1961-12-30"), "nhs_number": ("9990000018", "9990000026")}


def test_the_pools_hold_every_column() -> None:
    assert tuple(POOLS) == COLUMNS


@given(people, people, recorded, recorded)
def test_a_likeness_is_the_same_both_ways(one: Written, other: Written, its: Numbers, others: Numbers) -> None:
    described = describe(one, recorded=its), describe(other, recorded=others)
    there, back = (compare(*each, shipped(), Commonness()) for each in (described, described[::-1]))
    assert (there.score, there.certain, set(there.reasons)) == (back.score, back.certain, set(back.reasons))
    assert 0 <= there.score < 1


@given(people, people, st.sampled_from(COLUMNS), st.data())
def test_a_field_that_agrees_never_lowers_the_score(
    one: Written, other: Written, name: str, data: st.DataObject
) -> None:
    value = data.draw(st.sampled_from([value for value in POOLS[name] if value]))
    without = likeness(one._replace(**{name: value}), other._replace(**{name: ""}))
    agreeing = likeness(one._replace(**{name: value}), other._replace(**{name: value}))
    assert agreeing.score >= without.score


@given(people, people, st.sampled_from(sorted(FAR)))
def test_a_contradiction_never_raises_the_score_and_is_never_certain(one: Written, other: Written, name: str) -> None:
    mine, theirs = FAR[name]
    without = likeness(one._replace(**{name: mine}), other._replace(**{name: ""}))
    against = likeness(one._replace(**{name: mine}), other._replace(**{name: theirs}))
    assert against.score <= without.score
    assert not against.certain


@settings(max_examples=400)
@given(people, people, st.sets(st.sampled_from(COLUMNS)), recorded)
@example(Written(first_name="Ada", last_name="Ashworth"), Written(), {"first_name", "last_name"}, ())
@example(child(nhs_number="9990000018"), Written("Bo"), set(), (Recorded("nhs_number", "9990000018", "", True),))
def test_what_is_worth_proposing_has_the_likeness_of_a_whole_comparison(
    one: Written, other: Written, columns: set[str], others: Numbers
) -> None:
    """Also of the pairs that are neither one nor two: they agree in some columns."""
    other = other._replace(**{name: getattr(one, name) for name in columns})
    described = describe(one), describe(other, recorded=others)
    whole = compare(*described, shipped(), Commonness())
    found = compare_worth_proposing(*described, shipped(), Commonness())
    assert found == (whole if whole.score >= shipped().worth_proposing else None)


anything = st.builds(
    Written, **{name: st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(values)
                for name, values in POOLS.items()}
)  # fmt: skip


@given(anything, anything)
def test_whatever_is_written_can_be_read(one: Written, other: Written) -> None:
    found = likeness(one, other)
    assert 0 <= found.score < 1
    assert all("\x00" not in key for key in asked(describe(one)))
    assert stored(describe(one)) <= asked(describe(one))


def test_who_shares_names_and_birth_shares_a_key() -> None:
    """Even if all names of one are written as one field."""
    whole = Written(first_name="Ada Ashworth", date_of_birth=ADA.date_of_birth)
    assert stored(describe(ADA)) & asked(describe(whole))
    assert whole.last_name == ""


def on_ward(mother: Any = ("", ""), **but: Any) -> Described:
    return describe(ADA._replace(**WARD | but), mother=mother)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"last_name": "Khan"}, {"last_name": "Smith"}),
        ({"last_name": ""}, {"last_name": ""}),
        ({"last_name": "", "address": ""}, {"last_name": "", "address": ""}),
        ({"last_name": "Khan", "first_name": "Oliver"}, {"last_name": "Smith", "first_name": "Oliver"}),
    ],
)
def test_babies_of_one_ward_are_hardly_alike_by_that(one: dict[str, str], other: dict[str, str]) -> None:
    found = compare(on_ward(**one), on_ward(**other), shipped(), Commonness())
    assert found.score < shipped().careful
    assert "Same hospital, hotel, refuge or other shared place" in found.reasons
    at_home = {"address": "2 Hospital Lane", "postcode": "HP21 8AB"}
    shares_a_home = compare(on_ward(**one | at_home), on_ward(**other | at_home), shipped(), Commonness())
    assert shares_a_home.reasons[-1] == "Same address"
    assert shares_a_home.score > found.score + 0.15


def test_their_mothers_tell_two_babies_of_one_name_apart() -> None:
    aisha, saima = ("Aisha", "1994-03-09"), ("Saima", "")
    assert compare(on_ward(aisha), on_ward(aisha), shipped(), Commonness()).score > 0.9
    found = compare(on_ward(aisha), on_ward(saima), shipped(), Commonness())
    assert found.score < 0.6
    assert "Their mothers differ" in found.reasons
    for same in (("Ayesha", ""), ("Saima", "1994-03-09"), ("", "1990-01-01")):
        assert "Their mothers differ" not in compare(on_ward(aisha), on_ward(same), shipped(), Commonness()).reasons
