"""`manage.py recommend` as other people's scripts call it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stage.asking import Facts, answer, child, contact
from tests.stage.calculators import refused, run, run_alone
from tests.stage.rule_documents import VERSION_1
from triage.ruleset import SHIPPED

SEVERAL: list[Facts] = [
    contact("L3-12"),
    contact("L4-01", "L4-28", agreement="refused"),
    contact("L2-21", "L3-38", age_years=16, on_the_family=("L4-50", "L4-05")),
    contact(children=[child("c1", "L3-30", disabled=True), child(None, "L2-01", age_years=None)]),
    {},
]


@pytest.fixture
def shipped_document() -> Any:
    return yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))


def test_one_object_in_a_file_gives_one_recommendation(tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text(json.dumps(SEVERAL[1]), encoding="utf-8")
    done = run_alone("recommend", "facts.json", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == answer(SEVERAL[1])


def test_a_list_on_standard_input_gives_a_list_in_its_order_to_the_letter_every_time(tmp_path: Path) -> None:
    """Whatever order Python's sets are in today."""
    first = run_alone("recommend", "-", folder=tmp_path, given=json.dumps(SEVERAL), PYTHONHASHSEED="1")
    again = run_alone("recommend", "-", folder=tmp_path, given=json.dumps(SEVERAL), PYTHONHASHSEED="2")
    assert (first.returncode, first.stderr) == (0, "")
    assert json.loads(first.stdout) == [answer(facts) for facts in SEVERAL]
    assert first.stdout == again.stdout


def test_an_empty_list_gives_an_empty_list(tmp_path: Path) -> None:
    done = run("recommend", "-", folder=tmp_path, given="[]")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_one_bad_contact_of_a_list_stops_them_all_and_every_fault_has_its_line(tmp_path: Path) -> None:
    bad = [
        contact("L3-12"),
        contact("L3-99", agreement="maybe", contacts_3_months=None),
        "not a contact",
        {"shoe_size": 38, "children": [{"age_years": 7.0}]},
    ]
    lines = refused(run("recommend", "-", folder=tmp_path, given=json.dumps(bad)))
    assert sorted(line.partition(": ")[0] for line in lines) == [
        "[1].agreement",
        "[1].children[0].indicators[0]",
        "[1].family.contacts_3_months",
        "[2]",
        "[3].children[0].age_years",
        "[3].shoe_size",
    ]
    assert any('"L3-99" is not an indicator of early-help-first/2' in line for line in lines)


def test_what_is_not_json_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """The other ways in which text is not JSON are in test_facts_faults.py."""
    cut_short = run("recommend", "-", folder=tmp_path, given='{"agreement": ')
    assert refused(cut_short) == ["This is not JSON: Expecting value at line 1, column 15."]
    a_key_twice = run("recommend", "-", folder=tmp_path, given='{"family": {"marac": true, "marac": false}}')
    assert refused(a_key_twice) == ["family.marac: stands twice in one object; keep one of the two."]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refused(run("recommend", "nowhere.json", folder=tmp_path)) == ["nowhere.json: No such file or directory."]


def test_version_1_answers_where_it_is_asked(tmp_path: Path) -> None:
    facts = json.dumps({"children": [{"ref": "c1", "age_years": 7}]})
    done = run("recommend", "-", "--ruleset", str(VERSION_1), folder=tmp_path, given=facts)
    found = json.loads(done.stdout)
    assert (found["ruleset"], found["rag"], found["hold"]) == ("early-help-first/1", "blue", None)
    assert answer(json.loads(facts))["hold"] == "screening"


def test_another_rule_set_may_be_tried_from_yaml_and_from_json(tmp_path: Path, shipped_document: Any) -> None:
    """The council tries two contacts in three months, before it changes anything."""
    shipped_document["version"] = 3
    (rule,) = (rule for rule in shipped_document["rules"] if "aggravators" in rule)
    (repeat,) = (each for each in rule["aggravators"] if each["id"] == "three_in_three_months")
    repeat["when"]["at_least"] = 2
    (tmp_path / "tried.yaml").write_text(yaml.safe_dump(shipped_document), encoding="utf-8")
    (tmp_path / "tried.json").write_text(json.dumps(shipped_document), encoding="utf-8")
    facts = contact("L3-12", contacts_3_months=2)
    assert answer(facts)["pathway"] == "family_help"
    for name in ("tried.yaml", "tried.json"):
        done = run("recommend", "-", "--ruleset", name, folder=tmp_path, given=json.dumps([facts]))
        # A list of one is a list.
        (found,) = json.loads(done.stdout)
        assert (found["ruleset"], found["pathway"]) == ("early-help-first/3", "social_worker_review")
        assert found["reasons"][0]["rule"] == "three_in_three_months"


def test_a_broken_rule_set_is_refused_with_every_fault(tmp_path: Path, shipped_document: Any) -> None:
    shipped_document["rules"][0]["then"]["pathway"] = "moon"
    shipped_document["rules"][1]["when"] = {"fact": "shoe_size", "is": 38}
    (tmp_path / "broken.yaml").write_text(yaml.safe_dump(shipped_document), encoding="utf-8")
    lines = refused(run("recommend", "-", "--ruleset", "broken.yaml", folder=tmp_path, given="{}"))
    assert [line.partition(": ")[0] for line in lines] == [
        "broken.yaml.rules.hard_stop.then.pathway",
        "broken.yaml.rules.referrer_says_level_4_strong.when.fact",
    ]
