"""Bad facts: each fault is a sentence that names the field and what was sent, and all come at once."""

from typing import Any

import pytest

from errors import InvalidInput
from triage.documents import load_json
from triage.ruleset import shipped


def faults(facts: object) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        shipped().facts(facts)
    return [str(fault) for fault in caught.value.faults]


UNKNOWN_FIELD = "is not a field that is known here; correct its name or remove it."

OF_THE_CONTACT: list[tuple[dict[str, Any], str]] = [
    ({"imediate_danger": True}, f"imediate_danger: {UNKNOWN_FIELD}"),
    ({"Agreement": "given"}, f"Agreement: {UNKNOWN_FIELD}"),
    ({"received_on": "2026-02-30"}, "received_on: 2026-02-30 is not a real date."),
    ({"received_on": "2027-02-29"}, "received_on: 2027-02-29 is not a real date."),
    ({"received_on": "21/11/2026"}, "received_on: must be a date written as 2026-11-21."),
    ({"received_on": "2026-11-21T10:00"}, "received_on: must be a date written as 2026-11-21."),
    ({"received_on": 20261121}, "received_on: must be a date written as 2026-11-21."),
    ({"received_on": ""}, "received_on: must be a date written as 2026-11-21."),
    ({"immediate_danger": "yes"}, 'immediate_danger: must be true or false, not "yes".'),
    ({"immediate_danger": "true"}, 'immediate_danger: must be true or false, not "true".'),
    ({"immediate_danger": 1}, "immediate_danger: must be true or false, not 1."),
    ({"immediate_danger": 0}, "immediate_danger: must be true or false, not 0."),
    ({"screened": "yes"}, 'screened: must be true or false, not "yes".'),
    ({"screened": 1}, "screened: must be true or false, not 1."),
    ({"referrer_level": 0}, "referrer_level: must be 1 or more, not 0."),
    ({"referrer_level": 5}, "referrer_level: must be 4 or less, not 5."),
    ({"referrer_level": "4"}, 'referrer_level: must be a whole number, not "4".'),
    ({"referrer_level": 4.0}, "referrer_level: must be a whole number, not 4.0."),
    ({"referrer_level": 3.5}, "referrer_level: must be a whole number, not 3.5."),
    ({"referrer_level": True}, "referrer_level: must be a whole number, not true."),
    ({"agreement": None}, "agreement: null is not one of given, not_sought, refused or withdrawn."),
    ({"agreement": "yes"}, 'agreement: "yes" is not one of given, not_sought, refused or withdrawn.'),
    ({"agreement": "Given"}, 'agreement: "Given" is not one of given, not_sought, refused or withdrawn.'),
    ({"agreement": True}, "agreement: true is not one of given, not_sought, refused or withdrawn."),
    ({"children": None}, "children: must be a list, not null."),
    ({"children": {"ref": "c1"}}, 'children: must be a list, not {"ref": "c1"}.'),
    ({"children": ["c1"]}, 'children[0]: must be an object, not "c1".'),
    ({"children": [{}, None]}, "children[1]: must be an object, not null."),
    ({"family": None}, "family: must be an object, not null."),
    ({"family": []}, "family: must be an object, not []."),
]
OF_A_CHILD: list[tuple[dict[str, Any], str]] = [
    ({"colour": "red"}, f"colour: {UNKNOWN_FIELD}"),
    ({"marac": True}, f"marac: {UNKNOWN_FIELD}"),
    ({"ref": 1}, "ref: must be text, not 1."),
    ({"ref": "c\x001"}, "ref: holds a control character; remove it."),
    ({"age_years": -1}, "age_years: must be 0 or more, not -1."),
    ({"age_years": 26}, "age_years: must be 25 or less, not 26."),
    ({"age_years": "7"}, 'age_years: must be a whole number, not "7".'),
    ({"age_years": 7.0}, "age_years: must be a whole number, not 7.0."),
    ({"age_years": True}, "age_years: must be a whole number, not true."),
    ({"age_years": [7]}, "age_years: must be a whole number, not [7]."),
    ({"unborn": "no"}, 'unborn: must be true or false, not "no".'),
    ({"disabled": 1}, "disabled: must be true or false, not 1."),
    ({"non_verbal": "false"}, 'non_verbal: must be true or false, not "false".'),
    ({"previous_cp_plan": 2}, "previous_cp_plan: must be true or false, not 2."),
    ({"previously_looked_after": {}}, "previously_looked_after: must be true or false, not {}."),
    ({"indicators": None}, "indicators: must be a list, not null."),
    ({"indicators": "L3-12"}, 'indicators: must be a list, not "L3-12".'),
    ({"indicators": [12]}, "indicators[0]: must be text, not 12."),
    ({"indicators": ["L3-12", None]}, "indicators[1]: must be text, not null."),
    ({"indicators": [""]}, 'indicators[0]: "" is not an indicator of early-help-first/2.'),
    ({"indicators": ["neglect"]}, 'indicators[0]: "neglect" is not an indicator of early-help-first/2.'),
]
OF_THE_FAMILY: list[tuple[dict[str, Any], str]] = [
    ({"disabled": True}, f"disabled: {UNKNOWN_FIELD}"),
    ({"contacts_3_months": None}, "contacts_3_months: must be a whole number, not null."),
    ({"contacts_3_months": -1}, "contacts_3_months: must be 0 or more, not -1."),
    ({"contacts_3_months": 3.0}, "contacts_3_months: must be a whole number, not 3.0."),
    ({"contacts_12_months": True}, "contacts_12_months: must be a whole number, not true."),
    ({"contacts_12_months": "5"}, 'contacts_12_months: must be a whole number, not "5".'),
    ({"sibling_on_cp_plan": "no"}, 'sibling_on_cp_plan: must be true or false, not "no".'),
    (
        {"early_help_closed_without_progress_12_months": 1},
        "early_help_closed_without_progress_12_months: must be true or false, not 1.",
    ),
    ({"dash": "severe"}, 'dash: "severe" is not one of standard, medium or high.'),
    ({"dash": 14}, "dash: 14 is not one of standard, medium or high."),
    ({"marac": "yes"}, 'marac: must be true or false, not "yes".'),
    ({"open_work": True}, "open_work: true is not one of early_help or social_care."),
    ({"open_work": "none"}, 'open_work: "none" is not one of early_help or social_care.'),
    ({"closed_days_ago": -1}, "closed_days_ago: must be 0 or more, not -1."),
    ({"closed_days_ago": 28.5}, "closed_days_ago: must be a whole number, not 28.5."),
    ({"in_area": "yes"}, 'in_area: must be true or false, not "yes".'),
    ({"indicators": {"L3-12": True}}, 'indicators: must be a list, not {"L3-12": true}.'),
]


@pytest.mark.parametrize(("facts", "sentence"), OF_THE_CONTACT)
def test_a_fault_of_the_contact_is_named(facts: dict[str, Any], sentence: str) -> None:
    assert faults(facts) == [sentence]


@pytest.mark.parametrize(("facts", "sentence"), OF_A_CHILD)
def test_a_fault_of_a_child_is_named_with_the_childs_place(facts: dict[str, Any], sentence: str) -> None:
    assert faults({"children": [{"ref": "c0"}, facts]}) == [f"children[1].{sentence}"]


@pytest.mark.parametrize(("facts", "sentence"), OF_THE_FAMILY)
def test_a_fault_of_the_family_is_named(facts: dict[str, Any], sentence: str) -> None:
    assert faults({"family": facts}) == [f"family.{sentence}"]


@pytest.mark.parametrize(
    ("facts", "sent"), [(None, "null"), ([], "[]"), ("L3-12", '"L3-12"'), (3, "3"), (True, "true")]
)
def test_facts_are_an_object(facts: object, sent: str) -> None:
    assert faults(facts) == [f"must be an object, not {sent}."]


@pytest.mark.parametrize(
    ("code", "meant"), [("l3-12", "L3-12"), ("L3-012", "L3-12"), ("L3 12", "L3-12"), ("L4-10", "L4-10b")]
)
def test_an_unknown_code_near_a_known_one_asks_whether_that_was_meant(code: str, meant: str) -> None:
    says = f'indicators[0]: "{code}" is not an indicator of early-help-first/2. Did you mean {meant}?'
    (on_the_child,) = faults({"children": [{"indicators": [code]}]})
    (on_the_family,) = faults({"family": {"indicators": [code]}})
    assert on_the_child.startswith(f"children[0].{says}")
    assert on_the_family.startswith(f"family.{says}")


def test_a_question_ends_with_its_question_mark() -> None:
    (fault,) = faults({"family": {"indicators": ["l3-12"]}})
    assert fault.endswith("Did you mean L3-12?")


def test_two_children_may_not_share_a_ref() -> None:
    """Reasons name a child by its ref: two of one name could not be told apart."""
    children = [{"ref": "c1"}, {"ref": "c2"}, {"ref": "c1"}, {}, {}]
    assert faults({"children": children}) == [
        "children: Two children share the ref c1; give each child a ref of its own."
    ]


def test_a_long_value_is_cut_short_in_the_sentence() -> None:
    (fault,) = faults({"agreement": "x" * 5000})
    assert len(fault) < 200
    assert fault.endswith("… is not one of given, not_sought, refused or withdrawn.")


def test_half_a_character_is_a_sentence_too() -> None:
    """JSON can write one as "\\ud800"; neither PostgreSQL nor UTF-8 can hold it."""
    half = "holds half of a character (a lone surrogate); send the text as UTF-8."
    assert faults({"children": [{"ref": "\ud800"}]}) == [f"children[0].ref: {half}"]


EVERYTHING_WRONG: dict[str, Any] = {
    "received_on": "2026-02-30",
    "immediate_danger": "perhaps",
    "referrer_level": 9,
    "agreement": "maybe",
    "childen": [],
    "children": [
        {"ref": "c1", "age_years": -1, "indicators": ["L3-12", "L9-99"]},
        {"ref": "c2", "disabled": 1, "shoe_size": 38},
        "c3",
    ],
    "family": {"contacts_3_months": None, "dash": "severe", "closed_days_ago": -1, "indicators": ["L3-12", 7]},
}


def test_all_faults_come_at_once() -> None:
    places = [fault.partition(": ")[0] for fault in faults(EVERYTHING_WRONG)]
    assert sorted(places) == sorted(
        [
            "received_on",
            "immediate_danger",
            "referrer_level",
            "agreement",
            "childen",
            "children[0].age_years",
            "children[0].indicators[1]",
            "children[1].disabled",
            "children[1].shoe_size",
            "children[2]",
            "family.contacts_3_months",
            "family.dash",
            "family.closed_days_ago",
            "family.indicators[1]",
        ]
    )


def test_a_shared_ref_is_named_beside_the_other_faults_not_after_them() -> None:
    children = [{"ref": "c1", "age_years": -1}, {"ref": "c1"}]
    places = [fault.partition(": ")[0] for fault in faults({"children": children})]
    assert sorted(places) == ["children", "children[0].age_years"]


NULL_IS_NOT_KNOWN: dict[str, Any] = {
    "received_on": None,
    "screened": None,
    "immediate_danger": None,
    "referrer_level": None,
    "children": [
        {
            "ref": None,
            "age_years": None,
            "unborn": None,
            "disabled": None,
            "non_verbal": None,
            "previous_cp_plan": None,
            "previously_looked_after": None,
            "indicators": [],
        }
    ],
    "family": {
        "indicators": [],
        "sibling_on_cp_plan": None,
        "early_help_closed_without_progress_12_months": None,
        "dash": None,
        "marac": None,
        "open_work": None,
        "closed_days_ago": None,
        "in_area": None,
    },
}


def test_null_is_no_fault_where_it_means_not_known_or_none() -> None:
    facts = shipped().facts(NULL_IS_NOT_KNOWN)
    assert facts.children[0].age_years is None
    assert facts.family.in_area is None


def test_what_is_absent_means_what_the_page_says() -> None:
    facts = shipped().facts({"children": [{}]})
    assert (facts.agreement, facts.family.in_area) == ("not_sought", True)
    assert (facts.family.contacts_3_months, facts.family.contacts_12_months) == (1, 1)
    assert facts.family.indicators == facts.children[0].indicators == ()
    assert shipped().facts({}).children == ()
    assert facts.screened is facts.immediate_danger is facts.family.marac is facts.children[0].unborn is None


NOT_JSON: list[tuple[str | bytes, str]] = [
    ("", "This is not JSON: Expecting value at line 1, column 1."),
    ('{"agreement": ', "This is not JSON: Expecting value at line 1, column 15."),
    ("{\n'agreement': 1}", "This is not JSON: Expecting property name enclosed in double quotes at line 2, column 1."),
    ("{} {}", "This is not JSON: Extra data at line 1, column 4."),
    (b'{"agreement": "\xff"}', "This is not JSON: the text is not UTF-8."),
    ('{"referrer_level": NaN}', "This is not JSON: NaN is not a JSON number."),
    ('{"referrer_level": -Infinity}', "This is not JSON: -Infinity is not a JSON number."),
    ("[" * 100_000, "This is not a document that can be read: it is nested too deeply."),
    ("9" * 5000, "This is not a document that can be read: a number in it is too long."),
    (
        '{"family": {"marac": true, "marac": false}}',
        "family.marac: stands twice in one object; keep one of the two.",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), NOT_JSON, ids=[sentence for _, sentence in NOT_JSON])
def test_text_that_is_not_json_is_one_sentence(text: str | bytes, sentence: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_json(text)
    assert [str(fault) for fault in caught.value.faults] == [sentence]


@pytest.mark.parametrize("shape", ["[%s]", '{"x": %s}'], ids=["lists", "objects"])
@pytest.mark.parametrize("depth", [100, 101, 500, 900, 980, 1_100])
def test_no_reader_sees_a_document_that_is_nested_too_deeply(shape: str, depth: int) -> None:
    text = "0"
    for _ in range(depth):
        text = shape % text
    if depth <= 100:
        load_json(text)
    else:
        with pytest.raises(InvalidInput, match="nested too deeply"):
            load_json(text)


def test_every_key_that_stands_twice_is_named_at_its_place() -> None:
    text = r'{"x": [{"z": 1, "z": 2}], "x": 3, "children": [{}, {"\ud800": 1, "\ud800": {"a": 1, "a": 2}}]}'
    with pytest.raises(InvalidInput) as caught:
        load_json(text)
    assert [fault.pointer for fault in caught.value.faults] == [
        "#/x", "#/x/0/z", "#/children/1/%3F", "#/children/1/%3F/a",
    ]  # fmt: skip
    assert str(caught.value.faults[2]).startswith("children[1].?: stands twice"), "it can be encoded"


def test_the_same_key_in_two_objects_is_no_fault() -> None:
    assert load_json('{"children": [{"ref": "c1"}, {"ref": "c2"}]}') == {"children": [{"ref": "c1"}, {"ref": "c2"}]}
