"""A contact as it is sent: every field from both sides of its limits, every fault and every doubt at its place."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.actions import receiving
from casework.facts import typed
from casework.facts.contact_document import ContactDocument, ContactReading, age_on, read_contact
from casework.models import CheckKind, ContactType, DetailToCheck, FamilyAgreement, ParentsTold, SharingBasis
from casework.models.choices import HOW_IT_ARRIVED
from errors import Fault, InvalidInput
from localities.codes import ETHNICITIES, SEXES, SOURCE_CODES
from localities.models import Agency
from tests.stage.documents import CONTRACT, child
from tests.stage.web_client import Path, everything, having
from triage.ruleset import shipped

TODAY = date(2026, 11, 21)
INDICATORS = shipped().catalogue.entries

CHILD, ADULT = ("children", 0), ("adults", 0)


def contact(**changes: Any) -> Any:
    """A new copy of the example contact, with changes."""
    return json.loads(json.dumps(CONTRACT)) | changes


def without(path: Path) -> Any:
    document = contact()
    at = document
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return document


def reading(document: Any, today: date = TODAY) -> ContactReading:
    return read_contact(document, indicators=INDICATORS, today=today)


def read(document: Any, today: date = TODAY) -> ContactDocument:
    return reading(document, today).entry


def doubts(document: Any, today: date = TODAY) -> dict[Path, str]:
    """What somebody should check, by path; empty if everything was read as it was sent."""
    found = reading(document, today).to_check
    said = {detail.path: f"{detail.check.kind}: {detail.check.says}" for detail in found}
    assert len(said) == len(found), "a place is named once"
    return said


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
    assert entry.children[0].date_of_birth.value == date(2019, 3, 4)
    assert entry.agreement.on.value == date(2026, 11, 20)
    assert doubts(contact()) == {}


def test_it_is_the_one_that_was_promised() -> None:
    """The example of the tests has every field that the product knows, so each one is tested."""
    sent = contact()
    for shape, part in [
        (ContactDocument, sent),
        (ContactDocument.model_fields["children"].annotation.__args__[0], sent["children"][0]),  # type: ignore[union-attr]  # a list of parts
        (ContactDocument.model_fields["adults"].annotation.__args__[0], sent["adults"][0]),  # type: ignore[union-attr]  # as above
    ]:
        assert set(part) == set(shape.model_fields), "Every field needs a value in tests/stage/contact.json"


def test_only_what_nobody_can_do_without_is_needed() -> None:
    least = {"type": "notification", "source_code": "9", "children": [{}], "concern": {"worries": "Crying at night."}}
    entry = read(least)
    assert (entry.agreement.service, entry.parents_told.answer.value) == (None, None)
    assert entry.children[0].sex.value is None
    assert doubts(least) == {}
    assert entry.immediate_danger is None


@pytest.mark.parametrize(
    "path", [("type",), ("source_code",), ("children",), ("concern",), ("concern", "worries")], ids=str
)
def test_and_that_is_said_by_name(path: Path) -> None:
    assert faults(without(path)) == {path: "is missing."}


TELEPHONES = (
    "01296 555123", "+44 (0)7700 900123", "0044 1296 555123", "01296 555123 ext. 12", "07700 900123/07700 900124",
    "mum 07700 900123", "07700900123 (Bill, not before 10)", "07700 900123 after 4pm", "01296 555123 9am-5.30pm",
    "07700 900123 (24hrs)", "+353 1 555 0123", "00000", "n/a", "ex-directory",
)  # fmt: skip
ACCEPTED: list[tuple[Path, list[object]]] = [
    (("agency_reference",), [text_of(1_000), None, "", "  PPN 1  "]),
    (("type",), list(ContactType.values)),
    (("source_code",), list(SOURCE_CODES)),
    (("received_by_phone",), [True, False]),
    (("immediate_danger",), [True, False, None]),
    (("referrer",), [{}, {"name": None, "role": None, "email": None, "phone": None, "relationship": None}]),
    (("referrer", "name"), [text_of(200), None, "Zoë O’Neill-Žižek", "王小明"]),
    (("referrer", "role"), [text_of(200), None]),
    (("referrer", "organisation"), [text_of(200), None]),
    (("referrer", "email"), ["a@b.example", "first.last+tag@sub.school.example", None, " a@b.example ", "", "none"]),
    (("referrer", "phone"), [*TELEPHONES, None]),
    (("referrer", "relationship"), [text_of(200), None]),
    (("referrer", "keep_anonymous"), [True, False]),
    # In JSON, 3.0 is a whole number.
    (("referrer_level",), [1, 2, 3, 4, 3.0, None]),
    (("children",), [[{}], [{"ref": f"c{number}"} for number in range(20)], [{}, {}], [{"ref": None}, {"ref": None}]]),
    ((*CHILD, "ref"), ["c", text_of(50), None]),
    ((*CHILD, "first_name"), [text_of(100), None, ""]),
    ((*CHILD, "last_name"), [text_of(100), None]),
    ((*CHILD, "also_known_as"), [[], [text_of(100)] * 20]),
    # Born today; 26 tomorrow; the oldest day on which somebody is still 25.
    ((*CHILD, "date_of_birth"), [day(), "2000-11-22", "2024-02-29", None, " 2019-03-04 ",
                                 "2019-03-04Z", "2019-03-04+01:00"]),
    ((*CHILD, "date_of_birth_estimated"), [True, False, None]),
    ((*CHILD, "age_years"), [7, 8, "7", 7.5, None]),
    ((*CHILD, "sex"), [*SEXES, *SEXES.values(), "male", "m", "boy", "GIRL", "", "not known"]),
    ((*CHILD, "ethnicity"), [*ETHNICITIES, *ETHNICITIES.values(), "wbri", "white - british", "", None]),
    ((*CHILD, "first_language"), [text_of(100), None]),
    ((*CHILD, "interpreter_needed"), [True, False, None]),
    ((*CHILD, "disabled"), [True, False, None]),
    ((*CHILD, "non_verbal"), [True, False, None]),
    ((*CHILD, "nhs_number"), ["9990000018", "999 000 0018", "999-000-0018", " 9990000018 ",
      "999.000.0018", "999\u00a0000\u00a00018", "",
      "not known",
      *(digit * 10 for digit in "0123456789"), None]),
    ((*CHILD, "upn"), ["H801200001001", "H80120000100B", "h801200001001", "UPN: H801200001001", "", None]),
    ((*CHILD, "address"), [{}, None, {"postcode": "HP20 1UA"}, {"confidential": True}]),
    ((*CHILD, "address", "lines"), [[], [text_of(2_000)] * 30, [""] * 300_000]),
    ((*CHILD, "address", "postcode"),
     ["M1 1AE", "M60 1NW", "W1A 1HQ", "CR2 6XH", "DN55 1PT", "EC1A 1BB", "hp201ua", " hp20  1ua ",
      "HP20-1UA", "HP20\u00a01UA", "HP20\u200b1UA", "NFA", "", "n/a", None]),
    ((*CHILD, "address", "confidential"), [True, False]),
    ((*ADULT, "address"), [{}, None, {"postcode": "HP20 1UA"}, {"confidential": True}]),
    ((*ADULT, "address", "lines"), [[], [text_of(2_000)] * 30, [""] * 300_000]),
    ((*ADULT, "address", "postcode"), ["hp201ua", "HP20\u00a01UA", "NFA", "", None]),
    ((*ADULT, "address", "confidential"), [True, False]),
    ((*CHILD, "where_now"), [text_of(200), None]),
    ((*CHILD, "school"), [text_of(200), None]),
    ((*CHILD, "indicators"), [[], ["L3-12"], ["L3-12", "L3-12"], sorted(INDICATORS), ["L3-12"] * 200]),
    (("adults",), [[], [{}], [{}] * 20]),
    ((*ADULT, "first_name"), [text_of(100), None]),
    ((*ADULT, "last_name"), [text_of(100), None]),
    ((*ADULT, "date_of_birth"), ["2016-11-21", "1916-01-01", None]),
    ((*ADULT, "relationship"), [text_of(100), None]),
    ((*ADULT, "parental_responsibility"), ["yes", "no", "unknown", "Yes", ""]),
    ((*ADULT, "same_address"), [True, False, None]),
    ((*ADULT, "phone"), [*TELEPHONES, None]),
    ((*ADULT, "risk_to_staff"), [True, False, None]),
    (("family_indicators",), [[], ["L3-36"], ["L3-36"] * 200]),
    (("domestic_abuse",), [{}, {"dash": None, "marac": None}]),
    (("domestic_abuse", "dash"), ["standard", "medium", "high", "HIGH", "", None]),
    (("domestic_abuse", "marac"), [True, False, None]),
    (("concern", "worries"), ["x", text_of(200_000), "First line.\nSecond line.\tIndented.\r\n"]),
    (("concern", "working_well"), [text_of(20_000), None]),
    (("concern", "wanted"), [text_of(20_000), None]),
    (("concern", "childs_words"), [text_of(20_000), None]),
    (("support_already_tried",), [text_of(20_000), None]),
    (("agreement",), [{}]),
    (("agreement", "service"), [*FamilyAgreement.values, None]),
    (("agreement", "given_by"), [text_of(100), None]),
    (("agreement", "on"), [day(), day(days=-1), None]),
    (("parents_told",), [{}, *({"answer": answer, "reason": "r"} for answer in ParentsTold.values)]),
    (("parents_told", "answer"), ["yes", "not_known"]),
    (("parents_told", "reason"), [text_of(2_000), None]),
    (("sharing_basis",), [*SharingBasis.values, "Consent", "", None]),
    (("arrived_by",), [*dict(HOW_IT_ARRIVED), "In person", "", None]),
]  # fmt: skip

# A developer must mend these, or they leave nothing to act on.
REFUSED: list[tuple[Path, list[object], str]] = [
    (("agency_reference",), [7], "must be text, not 7."),
    (("type",), ["rumour", "", "SAFEGUARDING_CONCERN"], "is not one of safeguarding_concern, request_for_help"),
    (("source_code",), ["2", "2a", "1E", "11", "", "2A2B"], "is not a DfE source of referral: 1A, 1B, 1C, 1D, 2A,"),
    (("received_by_phone",), ["yes", 1, 0], "must be true or false, not"),
    (("immediate_danger",), ["no", 0, "true"], "must be true or false, not"),
    (("referrer",), ["Amina", [], 1], "must be an object, not"),
    (("referrer", "name"), [7, True, ["Amina"]], "must be text, not"),
    (("referrer", "role"), [7], "must be text, not 7."),
    (("referrer", "organisation"), [7], "must be text, not 7."),
    (("referrer", "email"), [7], "must be text, not 7."),
    (("referrer", "phone"), [1296000000], "must be text, not"),
    (("referrer", "relationship"), [{}], "must be text, not"),
    (("referrer", "keep_anonymous"), ["no", 1], "must be true or false, not"),
    (("referrer_level",), [0, -1], "must be 1 or more, not"),
    (("referrer_level",), [5, 10**30], "must be 4 or less, not"),
    (("referrer_level",), ["3", 3.5, True], "must be a whole number, not"),
    (("children",), [[]], "needs at least one of them."),
    (("children",), [[{}] * 21], "has more than 20 of them."),
    (("children",), [{}, "Robin", 1], "must be a list, not"),
    (CHILD, ["Robin", [], None, 7], "must be an object, not"),
    ((*CHILD, "ref"), [7], "must be text, not 7."),
    ((*CHILD, "first_name"), [7], "must be text, not 7."),
    ((*CHILD, "last_name"), [["Ashworth"]], "must be text, not"),
    ((*CHILD, "also_known_as"), ["Robbie"], "must be a list, not"),
    ((*CHILD, "date_of_birth"), [20190304, True], "must be text, not"),
    ((*CHILD, "date_of_birth_estimated"), ["yes", 1], "must be true or false, not"),
    ((*CHILD, "age_years"), [True, [7]], "must be a number or text, not"),
    ((*CHILD, "sex"), [1], "must be text, not 1."),
    ((*CHILD, "ethnicity"), [1], "must be text, not 1."),
    ((*CHILD, "first_language"), [1], "must be text, not 1."),
    ((*CHILD, "interpreter_needed"), ["yes"], "must be true or false, not"),
    ((*CHILD, "disabled"), [1], "must be true or false, not"),
    ((*CHILD, "non_verbal"), ["no"], "must be true or false, not"),
    ((*CHILD, "nhs_number"), [9990000018], "must be text, not 9990000018."),
    ((*CHILD, "upn"), [801200001001], "must be text, not"),
    ((*CHILD, "address"), ["12 Example Road", []], "must be an object, not"),
    ((*CHILD, "address", "lines"), ["12 Example Road"], "must be a list, not"),
    ((*CHILD, "address", "postcode"), [20], "must be text, not 20."),
    ((*CHILD, "address", "confidential"), ["yes"], "must be true or false, not"),
    ((*ADULT, "address"), ["12 Example Road", []], "must be an object, not"),
    ((*ADULT, "address", "lines"), ["12 Example Road"], "must be a list, not"),
    ((*ADULT, "address", "postcode"), [20], "must be text, not 20."),
    ((*ADULT, "address", "confidential"), ["yes"], "must be true or false, not"),
    ((*CHILD, "where_now"), [7], "must be text, not 7."),
    ((*CHILD, "school"), [7], "must be text, not 7."),
    ((*CHILD, "indicators"), [["L3-12"] * 201], "has more than 200 of them."),
    ((*CHILD, "indicators"), ["L3-12"], "must be a list, not"),
    (("adults",), [[{}] * 21], "has more than 20 of them."),
    (("adults",), [{}], "must be a list, not"),
    ((*ADULT, "first_name"), [7], "must be text, not 7."),
    ((*ADULT, "last_name"), [7], "must be text, not 7."),
    ((*ADULT, "date_of_birth"), [19900506], "must be text, not"),
    ((*ADULT, "relationship"), [7], "must be text, not 7."),
    ((*ADULT, "parental_responsibility"), [True], "must be text, not true."),
    ((*ADULT, "same_address"), ["yes"], "must be true or false, not"),
    ((*ADULT, "phone"), [7], "must be text, not 7."),
    ((*ADULT, "risk_to_staff"), [0], "must be true or false, not"),
    (("family_indicators",), [["L3-36"] * 201], "has more than 200 of them."),
    (("domestic_abuse", "dash"), [3], "must be text, not 3."),
    (("domestic_abuse", "marac"), ["yes"], "must be true or false, not"),
    (("concern", "worries"), ["", "   ", "\n\t", "\u200b\u00a0", "\x0b\x00"], "may not be empty."),
    (("concern", "worries"), [7], "must be text, not 7."),
    (("concern", "working_well"), [7], "must be text, not 7."),
    (("concern", "wanted"), [7], "must be text, not 7."),
    (("concern", "childs_words"), [7], "must be text, not 7."),
    (("support_already_tried",), [7], "must be text, not 7."),
    (
        ("agreement", "service"), ["yes", "GIVEN", ""],
        "is not one of given, refused, withdrawn, not_sought or not_known.",
    ),
    (("agreement", "given_by"), [7], "must be text, not 7."),
    (("agreement", "on"), [20261120], "must be text, not"),
    (("parents_told", "answer"), [True], "must be text, not true."),
    (("parents_told", "reason"), [7], "must be text, not 7."),
    (("sharing_basis",), [7], "must be text, not 7."),
    (("arrived_by",), [7], "must be text, not 7."),
]  # fmt: skip

PHONES = (("referrer", "phone"), (*ADULT, "phone"))
# What a person types never turns a contact away: it is kept, and somebody checks it.
DOUBTED: list[tuple[Path, Sequence[object], str]] = [
    (("referrer", "email"), ["school", "@school.example", "a@b", "a b@school.example", "a@b.example or ring",
      "a@b.(co.uk)", "a@school.example\nBcc: x@y.example", "x" * 250 + "@b.example", "a@b.example, c@d"],
     "not_read: is not an email address; write it as name@school.example."),
    (("referrer", "email"), ["a@b.example, c@d.example", "a@b.example or c@d.example", "a@b.example c@d.example",
      "a@b.example; or@d.example", "<a@b.example>/<c@d.example>", "a@b.example\nc@d.example"],
     "corrected: has more than one email address; we write to the first."),
    (("referrer", "email"), ["a @ b.example", "a@b,example", "a@@b.example", "a@b..example", "<a@b.example>",
      "mailto:a@b.example", "Ann B <a@b.example>", "a@b.example (work)", "E-mail: a@b.example",
      "a@b.example;", "a(at)b.example", "a@b.c0m"],
     "corrected: has a slip in it, which was put right."),
    *((path, ["O77OO 9OO123", "0I296 555I23", "01296 5551B3", "mum: 077OO 9OO123", "+44 77OO 9OO123"],
       "corrected: has a letter where a digit must stand.") for path in PHONES),
    *((path, ["07700 90012", "07700 9001234", "01296 555123 flat 2B", "012965" * 2, "01296 5551Z3"],
       "asked: may have a digit too many or too few.") for path in PHONES),
    *((path, ["see file", "5123", "ext 12", text_of(50), "O", "Bob", "dk"], "not_read: has no telephone number")
      for path in PHONES),
    *((path, ["07700 900123 " + "or his aunt's, " * 10], "corrected: is longer than 100 characters")
      for path in PHONES),
    *(((*whose, name), ["Unknown Unknown", "unknown, not known", "Unknown male", "N/K unk", "UNKNOWN (father)"],
       "not_read: says that nobody knows it") for whose in (CHILD, ADULT) for name in ("first_name", "last_name")),
    *(((*whose, "date_of_birth"), ["dk", "D.K."], "not_read: is not a date") for whose in (CHILD, ADULT)),
    ((*ADULT, "date_of_birth"), ["1900-01-01", "1/1/1900", "1915-11-21"], "not_read: makes this adult older than 110"),
    ((*ADULT, "date_of_birth"), [day(), "2016-11-22"], "not_read: makes this adult younger than 10"),
    ((*CHILD, "ref"), [text_of(51)], "corrected: is longer than 50 characters"),
    ((*CHILD, "first_name"), [text_of(101), text_of(5_000)], "corrected: is longer than 100 characters"),
    ((*CHILD, "last_name"), [text_of(101)], "corrected: is longer than 100 characters"),
    ((*CHILD, "also_known_as"), [["x"] * 21, ["x"] * 300_000], "corrected: has more than 20 of them"),
    ((*CHILD, "date_of_birth"), ["14 O3 2O16", "l4/3/2016", "20l6-03-14"], "corrected: has a letter where a digit"),
    ((*ADULT, "date_of_birth"), ["14 O3 I985", "l4/3/1985"], "corrected: has a letter where a digit"),
    (("agreement", "on"), ["2O November 2026"], "corrected: has a letter where a digit"),
    ((*CHILD, "nhs_number"), ["999 OOO 0018", "99900000l8"], "corrected: has a letter where a digit must stand."),
    ((*CHILD, "nhs_number"), ["999 OOO 0019"], "not_read: is not an NHS number"),
    ((*CHILD, "upn"), ["H8O12OOOO1001", "h80l200001001"], "corrected: has a letter where a digit must"),
    ((*CHILD, "date_of_birth"), [day(days=1), "2062-01-01"], "not_read: lies in the future."),
    ((*CHILD, "date_of_birth"), ["2000-11-21", "1926-01-01"], "not_read: makes this child older than 25"),
    ((*CHILD, "date_of_birth"), ["2019-02-29", "2019-13-01", "2019-00-10", "31/4/2019", "0000-01-01", "4/13/2019"],
     "not_read: is not a day that exists."),
    ((*CHILD, "date_of_birth"), ["3/4/15", "03-04-15", "3 Apr 15"], "not_read: could be more than one day"),
    ((*CHILD, "date_of_birth"), ["last spring", "2019", "spring 2019", "3 avril 2015", "2015-04-03+07:00",
                                 "٢٠١٩-٠٣-٠٤", "2019-03-04T23:00:00Z",
                                 "x" * 9_000],
     "not_read: is not a date that can be read"),
    ((*CHILD, "age_years"), ["5-16", "16-15", "2 years - 6 months", "teenager", "1O", "-1", -1, -0.5, "15.5.2011", 1e-9,
                             "15+", "<15", "> 15", "x" * 9_000],
     "not_read: is not an age that can be read"),
    ((*CHILD, "age_years"), ["10/12", "4/12", "11/12 old", "2 8/12"], "not_read: may be months, or two ages"),
    ((*CHILD, "age_years"), [26, "26", "25-26", 10**30], "not_read:"),
    ((*CHILD, "date_of_birth"), ["Monday 3 April 2015", "3 April 2015 (Sat)"], "asked: was a Friday; another weekday"),
    ((*CHILD, "date_of_birth"), ["March 2019", "3/2019", "2019-03"], "not_read: has no day; write the whole date"),
    ((*CHILD, "date_of_birth"), ["dob 3/4/15", "born 3.4.15"], "not_read: could be more than one day"),
    ((*CHILD, "age_years"), [5, 9, "about 15"], "asked: does not fit the date of birth, which counts."),
    ((*CHILD, "sex"), ["X", "non-binary", "Male?!f"], "not_read: is not a DfE code for sex"),
    ((*CHILD, "ethnicity"), ["WBR", "Black", "Asian", "Gypsy or Irish Traveller", "local"],
     "not_read: is not a DfE ethnicity code, nor the words for one; write its code, as WBRI."),
    ((*CHILD, "nhs_number"), ["999000001", "99900000180", "999000001X", "٩٩٩٠٠٠٠٠١٨"],
     "not_read: is not an NHS number, which has ten digits."),
    ((*CHILD, "nhs_number"), ["9990000017", "9990000019", "999 000 0081"], "not_read: is not an NHS number: its check"),
    ((*CHILD, "upn"), ["A80120000100", "A8012000010012", "8801200001001"],
     "not_read: is not a unique pupil number, which has a letter and twelve digits."),
    ((*CHILD, "address", "postcode"),
     ["HP20", "HP20 1U", "HP20 1UAA", "HP200 1UA", "HP20 UA1", "H20I 1UA", "12345", "1HP 1UA", "near the station"],
     "not_read: is not a postcode; write it as HP20 1UA."),
    ((*CHILD, "address", "postcode"), ["HP2O 1UA", "HP20 IUA", "HP2S 1UA", "HP2O-IUA"],
     "corrected: has a letter where"),
    ((*ADULT, "address", "postcode"), ["HP20", "near the station"], "not_read: is not a postcode; write it as"),
    ((*ADULT, "address", "postcode"), ["HP2O 1UA"], "corrected: has a letter where"),
    ((*ADULT, "first_name"), [text_of(101)], "corrected: is longer than 100 characters"),
    ((*ADULT, "last_name"), [text_of(101)], "corrected: is longer than 100 characters"),
    ((*ADULT, "date_of_birth"), [day(days=1)], "not_read: lies in the future."),
    ((*ADULT, "relationship"), [text_of(101)], "corrected: is longer than 100 characters"),
    ((*ADULT, "parental_responsibility"), ["maybe"], "not_read: is not one of yes, no, unknown."),
    (("domestic_abuse", "dash"), ["severe"], "not_read: is not one of standard, medium, high."),
    (("agreement", "given_by"), [text_of(101)], "corrected: is longer than 100 characters"),
    (("agreement", "on"), [day(days=1)], "not_read: lies in the future."),
    (("parents_told", "answer"), ["maybe"], "not_read: is not one of yes, no, unsafe, not_known."),
    (("sharing_basis",), ["gdpr"], "not_read: is not one of public_task, legal_obligation"),
    (("arrived_by",), ["fax"], "not_read: is not one of telephone, email"),
]  # fmt: skip


def _each(table: list[Any]) -> Iterator[Any]:
    for path, values, *says in table:
        for value in values:
            shown = json.dumps(value, default=str)
            yield pytest.param(path, value, *says, id=f"{'.'.join(map(str, path))}={shown[:40]}")


@pytest.mark.parametrize(("path", "value"), list(_each(ACCEPTED)))
def test_this_is_accepted(path: Path, value: object) -> None:
    assert faults(having(path, value)) == {}
    assert doubts(having(path, value)) == {}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("O77OO 9OO123", "07700 900123"),
        ("0I296 555l23 (S. Bell)", "01296 555123 (S. Bell)"),
        ("O1296 555123 or 077OO 9OO123", "01296 555123 or 07700 900123"),
        ("07700 90012", "07700 90012"),
        ("see file", None),
    ],
)
def test_a_telephone_is_read_as_it_was_meant(typed: str, meant: str | None) -> None:
    entry = read(having(PHONES[0], typed))
    assert entry.referrer.phone.value == meant
    assert read(having(PHONES[1], typed)).adults[0].phone.value == meant


@pytest.mark.parametrize(
    "typed", ["dsl @ school,example", "D Sl <dsl@school.example>", "dsl[at]school(dot)example", "dsl@school.examp1e."]
)
def test_an_email_address_is_read_as_it_was_meant(typed: str) -> None:
    assert read(having(("referrer", "email"), typed)).referrer.email.value == "dsl@school.example"


@pytest.mark.parametrize(
    ("typed", "years"),
    [
        ("15-16", 15), ("15–16 yrs", 15), ("15 or 16", 15), ("15/16", 15), ("between 15 and 16", 15), ("15 to 17", 15),
        ("two or three", 2), ("18-24 months", 1), ("15yrs-16yrs", 15),
    ],
)  # fmt: skip
def test_of_two_ages_the_lower_one_is_used_and_asked(typed: str, years: int) -> None:
    document = having((*CHILD, "age_years"), typed)
    del document["children"][0]["date_of_birth"]
    assert read(document).children[0].age_years.value == years
    assert doubts(document) == {(*CHILD, "age_years"): "asked: gives two ages; the lower one is used."}


@pytest.mark.parametrize(
    ("typed", "years"),
    [
        ("c15", 15), ("c. 15", 15), ("approx 15", 15), ("approx. 15 yrs", 15), ("15ish", 15), ("around 15ish", 15),
        ("~15", 15), ("15½", 15), ("15 1/2", 15), ("15 and a half", 15), ("4 y/o", 4), ("8m", 0), ("6-9 months", 0),
        ("15 years and 2 months", 15), ("about 15 or so", 15), ("3 wks old", 0),
    ],
)  # fmt: skip
def test_an_age_is_read_as_people_say_it(typed: str, years: int) -> None:
    document = having((*CHILD, "age_years"), typed)
    del document["children"][0]["date_of_birth"]
    assert read(document).children[0].age_years.value == years
    assert doubts(document) == {}


@pytest.mark.parametrize(
    ("typed", "day", "says"),
    [
        *((typed, "2027-02-14", "has no day; the middle of the month")
          for typed in ("February 2027", "2/2027", "2.2027", "2027-02", "EDD 02-2027", "due February", "mid Feb 2027")),
        ("due 3 May", "2027-05-03", "names no whole date; the day that it most likely means"),
        *((typed, "2027-04-10", "names no whole date; the day that it most likely means")
          for typed in ("20 weeks", "20/40", "20 weeks pregnant", "20wks gestation")),
    ],
)  # fmt: skip
def test_a_month_or_a_length_of_pregnancy_is_about_the_expected_day(typed: str, day: str, says: str) -> None:
    document = having((*CHILD, "expected_date_of_delivery"), typed)
    del document["children"][0]["date_of_birth"]
    assert str(read(document).children[0].expected_date_of_delivery.value) == day
    assert doubts(document) == {(*CHILD, "expected_date_of_delivery"): f"asked: {says} is used."}


@pytest.mark.parametrize(
    ("said", "value", "says"),
    [
        ({"lines": ["12 Mill Lane, HP20 1UA"]}, "HP20 1UA", "corrected: was empty; the one in the lines"),
        ({"lines": ["12 Mill Lane", "hp201ua"], "postcode": ""}, "HP20 1UA", "corrected: was empty"),
        (
            {"lines": ["c/o 4 Elm Court HP20 1UA Aylesbury"], "postcode": "not known"},
            "HP20 1UA",
            "corrected: was empty",
        ),
        ({"lines": ["HP20 1UA", "HP20\u00a01UA"]}, "HP20 1UA", "corrected: was empty"),
        (
            {"lines": ["12 Mill Lane, Aylesbury, hp2o-1ua."]},
            "HP20 1UA",
            "corrected: was empty; the one in the lines of the address is used. It has a letter where a digit",
        ),
        ({"lines": ["HP2O 1UA", "or HP20 1UB"]}, "HP20 1UB", "corrected: was empty"),
        ({"lines": ["HP2O 1UA", "HP2O 1UB"]}, None, "not_read: is empty, and the lines of the address have more"),
        ({"lines": ["HP2O 1UA is where he was"]}, None, ""),
        ({"lines": ["Unit 5, 15 Mill Road", "Flat 10 100", "the bus stop"]}, None, ""),
        ({"lines": ["HP20 1UA", "or HP20 1UB"]}, None, "not_read: is empty, and the lines of the address have more"),
        ({"lines": ["12 Mill Lane HP20 1UA"], "postcode": "HP21 7AA"}, "HP21 7AA", ""),
        ({"lines": ["12 Mill Lane HP20 1UA"], "postcode": "near the station"}, None, "not_read: is not a postcode"),
        ({"lines": ["Flat B1 2AC1, 12 Mill Lane, HP20", "XX1 1AA"]}, None, ""),
        ({"lines": [None, "", "not known"]}, None, ""),
    ],
)
def test_a_postcode_may_stand_in_the_lines_of_an_address(said: Any, value: str | None, says: str) -> None:
    document = having((*CHILD, "address"), said)
    home = read(document).children[0].address
    assert home is not None
    assert home.postcode.value == value
    doubted = {path: found[: len(says)] for path, found in doubts(document).items()}
    assert doubted == ({(*CHILD, "address", "postcode"): says} if says else {})


@pytest.mark.parametrize(("path", "value", "says"), list(_each(DOUBTED)))
def test_this_is_taken_in_and_doubted_at_its_place(path: Path, value: object, says: str) -> None:
    document = having(path, value)
    (found,) = doubts(document).items()
    assert found[0] == path
    assert found[1].startswith(says)
    assert reading(document).document == document


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
    assert fields - of_their_own <= accepted, "Every field needs values in ACCEPTED"
    assert fields - of_their_own <= refused, "Every field needs values of another JSON type in REFUSED"


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
        found = doubts(having(("children",), [{"expected_date_of_delivery": day(days=days)}]))
        assert found == {path: "not_read: is too far from today to be an expected date of delivery."}

    @pytest.mark.parametrize("born", [{"date_of_birth": "2019-03-04"}, {"age_years": 7}], ids=str)
    def test_a_child_who_is_born_is_not_expected(self, born: dict[str, Any]) -> None:
        path: Path = (*CHILD, "expected_date_of_delivery")
        document = having(("children",), [{**born, "expected_date_of_delivery": day()}])
        says = "not_read: is given beside a birth or an age; a child who is born has no expected date."
        assert doubts(document) == {path: says}
        assert not read(document).children[0].unborn

    def test_a_child_of_no_age_may_be_expected(self) -> None:
        document = having(("children",), [{"age_years": 0, "expected_date_of_delivery": day(days=60)}])
        assert doubts(document) == {}
        assert read(document).children[0].unborn

    def test_an_expected_date_is_a_real_one(self) -> None:
        path: Path = (*CHILD, "expected_date_of_delivery")
        found = doubts(having(("children",), [{"expected_date_of_delivery": "2027-02-29"}]))
        assert found == {path: "not_read: is not a day that exists."}

    @pytest.mark.parametrize(("today", "accepted"), [("2026-02-28", True), ("2026-03-01", False)])
    def test_whoever_was_born_on_29_february_has_the_birthday_on_1_march(self, today: str, accepted: bool) -> None:
        document = having((*CHILD, "date_of_birth"), "2000-02-29")
        document["agreement"] = {}
        assert (doubts(document, date.fromisoformat(today)) == {}) is accepted

    @pytest.mark.parametrize(
        "sent", ["2015-04-03", "3/4/2015", "03/04/2015", "3.4.2015", "3-4-2015", "3 April 2015", "3rd of April, 2015",
                 "03-APR-2015", "April 3, 2015", "20150403", "03042015", "2015/04/03", "2015-04-03T00:00:00Z",
                 "3\u00a0April\u200b 2015", " 3 / 4 / 2015 ".replace(" / ", "/"), "３/４/２０１５"],
    )  # fmt: skip
    def test_a_day_is_read_in_british_and_international_writings(self, sent: str) -> None:
        assert read(having((*CHILD, "date_of_birth"), sent)).children[0].date_of_birth.value == date(2015, 4, 3)

    @pytest.mark.parametrize("age", [7, "7", "about 7", "7 yrs", "seven", "aged 7", "~7", "7 years old", "90 months"])
    def test_an_age_is_read_as_people_write_it(self, age: object) -> None:
        entry = read(having(("children",), [{"age_years": age}])).children[0]
        assert (entry.age_years.value, entry.date_of_birth.value) == (7, None)

    @pytest.mark.parametrize(
        ("born", "on", "age"),
        [("2019-11-21", "2026-11-21", 7), ("2019-11-22", "2026-11-21", 6), ("2026-11-21", "2026-11-21", 0),
         ("2024-02-29", "2025-02-28", 0), ("2024-02-29", "2025-03-01", 1), ("2024-02-29", "2028-02-29", 4)],
    )  # fmt: skip
    def test_age_counts_whole_years(self, born: str, on: str, age: int) -> None:
        assert age_on(date.fromisoformat(on), date.fromisoformat(born)) == age

    def test_today_is_the_readers(self) -> None:
        """On the day before, the date of the agreement lies in the future."""
        assert doubts(contact(), date(2026, 11, 20)) == {}
        assert doubts(contact(), date(2026, 11, 19)) == {("agreement", "on"): "not_read: lies in the future."}


class TestNumbersAndCodes:
    @settings(max_examples=150)
    @given(st.integers(400_000_000, 999_999_999), st.integers(0, 9))
    def test_an_nhs_numbers_last_digit_checks_the_others(self, nine: int, tenth: int) -> None:
        """Modulus 11 of the NHS Data Dictionary: weights 10 to 2; a remainder that would need 10 is never given."""
        weighed = sum(int(digit) * weight for digit, weight in zip(str(nine), range(10, 1, -1), strict=True))
        check = (11 - weighed % 11) % 11
        number = f"{nine}{tenth}"
        is_one = check == tenth or len(set(number)) == 1
        assert (doubts(having((*CHILD, "nhs_number"), number)) == {}) is is_one

    def test_numbers_and_postcodes_are_read_into_one_shape(self) -> None:
        document = having((*CHILD, "nhs_number"), "999 000 0018")
        document["children"][0]["address"]["postcode"] = "hp201ua"
        entry = read(document).children[0]
        assert entry.address is not None
        assert (entry.nhs_number.value, entry.address.postcode.value) == ("9990000018", "HP20 1UA")

    @pytest.mark.parametrize(
        "number", [*(digit * 10 for digit in "0123456789"), "999 999 9999", "unknown", "n/a", "NFA", ""]
    )
    def test_a_placeholder_is_no_number_and_no_error(self, number: str) -> None:
        document = having((*CHILD, "nhs_number"), number)
        assert read(document).children[0].nhs_number.value is None
        assert doubts(document) == {}

    @pytest.mark.parametrize(
        ("sent", "meant"),
        [("HP2O 1UA", "HP20 1UA"), ("HP2I1UA", "HP21 1UA"), ("hp2s-iua", "HP25 1UA"), ("HP2B 1UA", "HP28 1UA"),
         ("8S1 1AA", "BS1 1AA"), ("0X1 1DP", "OX1 1DP"), ("HP20 15A", "HP20 1SA"), ("HP2l 1UA", "HP21 1UA"),
         # As they are: London's districts that end in a letter, and codes that are nobody's slip.
         ("EC1A 1BB", "EC1A 1BB"), ("SE1S 1AA", "SE1S 1AA"), ("W1S 1AA", "W1S 1AA"), ("ZZ99 3VZ", "ZZ99 3VZ"),
         ("BF1 2AA", "BF1 2AA"), ("S1 1AA", "S1 1AA"), ("B1 1AA", "B1 1AA")],
    )  # fmt: skip
    def test_a_mistyped_postcode_is_put_right_where_the_format_says_how(self, sent: str, meant: str) -> None:
        document = having((*CHILD, "address", "postcode"), sent)
        address = read(document).children[0].address
        assert address is not None
        assert address.postcode.value == meant
        same = sent.replace("-", "").replace(" ", "").upper() == meant.replace(" ", "")
        assert (doubts(document) == {}) is same

    @pytest.mark.parametrize("path", [(*CHILD, "indicators", 1), ("family_indicators", 1)], ids=str)
    def test_an_unknown_indicator_is_named_and_the_others_count(self, path: Path) -> None:
        document = having(path[:-1], ["L3-12", "L3-112", "l3-12"])
        says = "not_read: is not an indicator of the Continuum of Need that is in force; write the code of one, and"
        assert doubts(document) == {path: f"{says} nothing else."}
        assert reading(document).has_unknown_indicators
        entry = read(document)
        codes = entry.children[0].indicators if path[0] == "children" else entry.family_indicators
        assert [code.value for code in codes] == ["L3-12", None, "L3-12"]

    def test_a_code_is_not_guessed_from_far_away(self) -> None:
        assert faults(having(("source_code",), "school")) == {
            ("source_code",): f'"school" is not a DfE source of referral: {", ".join(SOURCE_CODES)}.'
        }


class TestWhetherTheParentsWereTold:
    @pytest.mark.parametrize("answer", ["no", "unsafe"])
    @pytest.mark.parametrize("reason", [{}, {"reason": None}, {"reason": ""}, {"reason": "  "}], ids=str)
    def test_if_not_somebody_says_why(self, answer: str, reason: dict[str, object]) -> None:
        found = doubts(having(("parents_told",), {"answer": answer, **reason}))
        assert found == {("parents_told", "reason"): "asked: is missing: say why the parents were not told."}

    @pytest.mark.parametrize("answer", ["yes", "not_known"])
    def test_else_nobody_need(self, answer: str) -> None:
        assert doubts(having(("parents_told",), {"answer": answer})) == {}

    def test_an_answer_that_is_none_asks_for_no_reason(self) -> None:
        assert set(doubts(having(("parents_told",), {"answer": "perhaps"}))) == {("parents_told", "answer")}


TYPED = [
    path for path in _leaves(contact())
    if path not in {("type",), ("source_code",), ("agreement", "service"), ("referrer_level",)}
    and faults(having(path, True)) != {} and path[-1] != "date_of_birth_estimated"
]  # fmt: skip


class TestText:
    @pytest.mark.parametrize("path", TYPED, ids=lambda path: ".".join(map(str, path)))
    @pytest.mark.parametrize("character", ["\x00", "\x07", "\x0b", "\x0c", "\x1b", "\x7f", "\ud800"], ids=ascii)
    def test_no_character_turns_a_contact_away(self, path: Path, character: str) -> None:
        """Word's vertical tab and form feed, and what no database can hold. The last is taken out, and that is said."""
        listed = path[-1] in ("lines", "also_known_as", "indicators", "family_indicators")
        value: Any = f"a{character}b"
        document = having(path, [value] if listed else value)
        at = (*path, 0) if listed else path
        found = reading(document)
        said = {detail.path for detail in found.to_check if "cannot be stored" in detail.check.says}
        assert said == ({at} if character in "\x00\ud800" else set())
        json.dumps(found.document, ensure_ascii=False).encode()
        assert (found.document == document) is (said == set())

    def test_a_line_break_of_word_is_one(self) -> None:
        assert (
            read(having(("concern", "wanted"), "One.\x0bTwo.\x0cThree.\x07")).concern.wanted.value
            == "One.\nTwo.\nThree."
        )

    @pytest.mark.parametrize(
        "unseen", ["\u00a0", "\u2007", "\u202f", " \u200b ", "\u00ad \ufeff", "\t", "\x0b", "\r\n"], ids=ascii
    )
    def test_a_name_has_single_blanks_and_nothing_unseen(self, unseen: str) -> None:
        entry = read(having((*CHILD, "last_name"), f"{unseen}Núñez{unseen}D’Souza{unseen}")).children[0]
        assert entry.last_name.value == "Núñez D’Souza"

    @pytest.mark.parametrize("name", ["نرگس\u200cسادات", "Олена", "王小明", "ක්\u200dරිෂ්ණ"])
    def test_a_joiner_that_belongs_to_a_script_stays(self, name: str) -> None:
        assert read(having((*CHILD, "first_name"), name)).children[0].first_name.value == name

    @pytest.mark.parametrize("name", ["Unknown", "not known", "N/A", "?", "-"])
    def test_a_name_that_is_none_is_not_known(self, name: str) -> None:
        document = having((*CHILD, "first_name"), name)
        assert read(document).children[0].first_name.value is None
        assert doubts(document) == {}

    @pytest.mark.parametrize("name", ["Na", "Null", "Nil", "None", "X"])
    def test_a_short_name_is_a_name(self, name: str) -> None:
        assert read(having((*CHILD, "last_name"), name)).children[0].last_name.value == name

    def test_whole_characters_are_kept(self) -> None:
        said = "Zoë said “🙂” — 你好, مرحبا"
        assert read(having(("concern", "worries"), said)).concern.worries == said

    def test_space_around_it_is_not_part_of_it(self) -> None:
        assert read(having((*CHILD, "first_name"), "  Robin ")).children[0].first_name.value == "Robin"


def test_what_nobody_sees_is_blank_for_the_reader_and_for_the_description() -> None:
    one_blank = re.compile(f"[{typed.BLANKS}]")
    for code in range(0x10000):
        if not 0xD800 <= code < 0xE000:
            assert bool(one_blank.fullmatch(chr(code))) is not bool(typed.in_one_line(chr(code))), hex(code)
    for blank in ("\u200d\u200d\u200d", " \u200b\t\u200c"):
        assert typed.words(blank, {}) == typed.NOT_SAID
        assert typed.name(blank, {}) == typed.NOT_SAID
    joined = "\u0645\u06cc\u200c\u062e"
    assert typed.in_one_line(f"\u200c{joined}\u200c") == joined, "joiners belong between letters"


class TestRefs:
    def test_two_children_may_share_one_and_the_second_gets_ours(self) -> None:
        document = having(("children",), [{"ref": "a"}, {"ref": "b"}, {"ref": " a "}])
        says = "corrected: is the ref of another child too, and means that one. This child goes by its `number`."
        assert doubts(document) == {("children", 2, "ref"): says}

    def test_an_empty_one_is_none(self) -> None:
        document = having((*CHILD, "ref"), "  ")
        assert (read(document).children[0].ref.value, doubts(document)) == (None, {})


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
        assert {("children", 0, "upn"), ("adults", 0, "phone"), ("parents_told", "reason")} <= set(nulls)
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
            {"date_of_birth": day(days=1), "nhs_number": 1, "address": {"postcode": 20}, "indicators": [7]},
            {"expected_date_of_delivery": "soon", "sex": "X", "age_years": True},
            "Robin",
        ],
        "adults": [{"parental_responsibility": 1}],
        "family_indicators": ["L3-36", 1],
        "domestic_abuse": {"dash": 3},
        "concern": {"working_well": 1},
        "agreement": {"service": "yes", "on": 20260230},
        "parents_told": {"answer": 0},
        "sharing_basis": 1,
    }
    assert set(faults(document)) == {
        ("agency_reference",), ("type",), ("source_code",), ("received_by_phone",), ("immediate_danger",),
        ("referrer", "colour"), ("referrer_level",),
        ("children", 0, "nhs_number"), ("children", 0, "address", "postcode"), ("children", 0, "indicators", 0),
        ("children", 1, "age_years"), ("children", 2),
        ("adults", 0, "parental_responsibility"), ("family_indicators", 1), ("domestic_abuse", "dash"),
        ("concern", "worries"), ("concern", "working_well"), ("agreement", "service"), ("agreement", "on"),
        ("parents_told", "answer"), ("sharing_basis",),
    }  # fmt: skip


def test_everything_that_is_in_doubt_is_said_at_once_and_nothing_of_it_is_used() -> None:
    document = having(("referrer", "email"), "school")
    document["children"] = [
        {"date_of_birth": day(days=1), "nhs_number": "1234567890", "address": {"postcode": "HP20"},
         "indicators": ["L9-99"]},
        {"expected_date_of_delivery": "soon", "sex": "X", "ethnicity": "local", "upn": "1"},
    ]  # fmt: skip
    document["adults"] = [{"parental_responsibility": "maybe", "date_of_birth": "long ago"}]
    document |= {"domestic_abuse": {"dash": "severe"}, "sharing_basis": "gdpr"}
    document["agreement"]["on"], document["parents_told"] = "2026-02-30", {"answer": "no"}
    assert faults(document) == {}
    found = doubts(document)
    assert set(found) == {
        ("referrer", "email"), ("children", 0, "date_of_birth"), ("children", 0, "nhs_number"),
        ("children", 0, "address", "postcode"), ("children", 0, "indicators", 0),
        ("children", 1, "expected_date_of_delivery"), ("children", 1, "sex"), ("children", 1, "ethnicity"),
        ("children", 1, "upn"), ("adults", 0, "parental_responsibility"), ("adults", 0, "date_of_birth"),
        ("domestic_abuse", "dash"), ("agreement", "on"), ("parents_told", "reason"), ("sharing_basis",),
    }  # fmt: skip
    for path in found:
        at: Any = read(document)
        for step in path:
            at = at[step] if isinstance(step, int) else getattr(at, step)
        assert at.value is None


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
    document["children"][0]["date_of_birth"] = "x" * 10_000
    taken = receiving.receive(document=document, by=school, now=now).contact
    taken.refresh_from_db()
    assert taken.document == document
    assert DetailToCheck.objects.filter(contact=taken, kind=CheckKind.NOT_READ).exists()
    assert taken.children.count() == taken.adults.count() == 20


def _put(document: Any, path: Path, value: object) -> None:
    for step in path[:-1]:
        document = document[step]
    document[path[-1]] = value


class TestAnAdultsOwnAddress:
    def doubts(self, **adult: Any) -> dict[Path, str]:
        return doubts(contact(adults=[{}, adult]))

    def test_is_read_as_a_childs_is(self) -> None:
        own = {"lines": ["9 Quincunx Parade", "not known"], "postcode": "hp2o-1ua", "confidential": True}
        entry = read(contact(adults=[{"same_address": False, "address": own}])).adults[0].address
        assert entry is not None
        assert ([line.value for line in entry.lines], entry.postcode.value) == (["9 Quincunx Parade", None], "HP20 1UA")
        assert entry.confidential
        where: Path = ("adults", 1, "address", "postcode")
        assert self.doubts(address={"postcode": "HP2O 1UA"})[where].startswith("corrected")
        assert self.doubts(address={"postcode": "near the station"})[where].startswith("not_read")
        assert self.doubts(address={"postcode": "NFA"}) == {}
        assert ("adults", 1, "address", "lines") in self.doubts(address={"lines": ["Flat 2"] * 101})

    @pytest.mark.parametrize(
        ("same_address", "postcode", "is_asked"),
        [(True, "HP22 6AA", True), (True, "hp20 1ua", False), (False, "HP22 6AA", False), (None, "HP22 6AA", False),
         (True, None, False)],
    )  # fmt: skip
    def test_is_asked_where_it_is_not_the_childs_with_whom_they_are_said_to_live(
        self, same_address: bool | None, postcode: str | None, is_asked: bool
    ) -> None:
        found = self.doubts(same_address=same_address, address={"postcode": postcode})
        assert list(found) == ([("adults", 1, "same_address")] if is_asked else [])
