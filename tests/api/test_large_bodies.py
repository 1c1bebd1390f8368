"""Bodies full of faults, or of what is slow to read: the answer is short, and soon there."""

import json
import time
from typing import Any

import pytest

from casework.models import Contact
from tests.stage.documents import child, contact_document
from tests.stage.web_client import CONTACTS, Partner, problem


def of_child(**fields: Any) -> dict[str, Any]:
    return contact_document(children=[child(**fields)])


def unknown(count: int, letters: str = "") -> dict[str, int]:
    return {f"{number:x}{letters}": 1 for number in range(count)}


FAULTY: dict[str, Any] = {
    "unknown fields": {**contact_document(), **unknown(4000)},
    "a million unknown fields": b'{"x":1,' + b",".join(b'"%x":1' % number for number in range(90_000)) + b"}",
    "unknown fields of children": contact_document(children=[unknown(200)] * 20),
    "no children": contact_document(children=[1] * 4000),
    "many of no children": contact_document(children=[1] * 300_000),
    "no indicators": contact_document(family_indicators=[1] * 4000),
    "objects": {f"{number:x}": {} for number in range(4000)},
    "keys that stand twice": b"{" + b",".join(b'"%x":1,"%x":1' % (number, number) for number in range(2000)) + b"}",
    "many keys that stand twice": b"[" + b",".join([b'{"a":1,"a":2}'] * 70_000) + b"]",
    "a long key": {**contact_document(), "k" * 900_000: 1},
    "long keys": {**contact_document(), **{f"{number}{'k' * 9000}": 1 for number in range(100)}},
    "a long code": contact_document(source_code="1" * 900_000),
    "deep": b"[" * 500_000,
    "deep and closed": b'{"a":' * 90_000 + b"1" + b"}" * 90_000,
    "deep and wide": b"[" * 98 + b"[]," * 300_000 + b"[]" + b"]" * 98,
    "a long number": b'{"a":' + b"9" * 900_000 + b"}",
    "infinite": b'{"referrer_level":1e999}',
    "NaN": b'{"a":NaN}',
}


@pytest.mark.parametrize("what", FAULTY)
def test_faults_are_listed_up_to_a_hundred_and_counted_beyond(partner: Partner, what: str) -> None:
    body = FAULTY[what] if isinstance(FAULTY[what], bytes) else json.dumps(FAULTY[what]).encode()
    began = time.process_time()
    answer = partner.send(body)
    document = problem(answer, 400, "parse-error" if b"parse-error" in answer.content else "invalid")
    assert time.process_time() - began < 2
    faults, left_out = document["errors"], document["errors_left_out"]
    assert len(faults) <= 100
    assert (left_out > 0) == (f"{left_out:,} more fault" in document["detail"])
    assert left_out == 0 or len(faults) == 100
    assert len(json.dumps(document)) < 60_000
    assert not Contact.objects.exists()


def test_how_many_are_left_out_is_exact(partner: Partner) -> None:
    document = problem(partner.send(contact_document(**unknown(101))), 400, "invalid")
    assert (len(document["errors"]), document["errors_left_out"]) == (100, 1)
    assert document["detail"].endswith(" 1 more fault is not listed.")
    document = problem(partner.send(contact_document(**unknown(100))), 400, "invalid")
    assert (len(document["errors"]), document["errors_left_out"]) == (100, 0)
    assert "listed" not in document["detail"]


def test_a_pointer_to_a_long_key_is_short(partner: Partner) -> None:
    (fault,) = problem(partner.send(contact_document(**{"k" * 5000: 1})), 400, "invalid")["errors"]
    assert fault["pointer"] == f"#/{'k' * 100}%E2%80%A6"
    assert len(fault["detail"]) < 200


READ: dict[str, Any] = {
    "NULs": contact_document(support_already_tried="a" + "\0" * 150_000),
    "half characters": contact_document(support_already_tried="a" + "\ud800" * 150_000),
    "a long ref": of_child(ref="x" * 900_000),
    "a long name": of_child(first_name="unknown " * 110_000),
    "other names": of_child(also_known_as=["a\0"] * 4000),
    "a date": of_child(date_of_birth="3/" * 400_000),
    "an age": of_child(age_years="about " * 150_000),
    "a postcode": of_child(address={"postcode": "HP20 1UA, " * 80_000}),
    "an expected day": of_child(date_of_birth=None, expected_date_of_delivery="due " * 200_000),
    "an NHS number": of_child(nhs_number="9 " * 400_000),
    "an email address": contact_document(referrer={"email": "a@b.c, " * 100_000}),
    "a telephone": contact_document(referrer={"phone": "07700 900123 " * 60_000}),
    "how it came": contact_document(arrived_by="x " * 400_000),
}


@pytest.mark.parametrize("what", READ)
def test_what_is_long_is_taken_in_and_warned_of_in_short(partner: Partner, what: str) -> None:
    began = time.process_time()
    answer = partner.send(json.dumps(READ[what]).encode())
    assert time.process_time() - began < 3
    assert answer.status_code == 201, answer.content
    said = answer.json()
    assert 1 <= len(said["warnings"]) <= 100
    assert len(answer.content) < 30_000
    assert Contact.objects.count() == 1


def test_warnings_beyond_a_hundred_are_counted(partner: Partner) -> None:
    said = partner.send(of_child(also_known_as=["a\0"] * 150)).json()
    assert len(said["warnings"]) == 100
    assert said["warnings_left_out"] > 0
    read = partner.http.get(f"{CONTACTS}/{said['reference']}", headers=partner.headers).json()
    assert (read["warnings"], read["warnings_left_out"]) == (said["warnings"], said["warnings_left_out"])
