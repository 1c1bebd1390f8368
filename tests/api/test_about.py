"""What a developer asks first, without a token: what the API can do, and its codes in words."""

import json
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from casework.api.schema import CAPABILITIES
from casework.facts.contact_document import read_contact
from casework.facts.learned import InformationDocument
from localities.models import Agency
from tests.stage.web_client import CONTACTS, PROBLEM, Partner, having, limit_calls
from triage.ruleset import shipped

ABOUT, CODES = "/api/v1", "/api/v1/reference-data"
# Where the codes of each list belong in a contact.
PLACES: dict[str, tuple[str | int, ...]] = {
    "contact_types": ("type",),
    "source_codes": ("source_code",),
    "ways_to_arrive": ("arrived_by",),
    "sexes": ("children", 0, "sex"),
    "ethnicities": ("children", 0, "ethnicity"),
    "parental_responsibility": ("adults", 0, "parental_responsibility"),
    "dash": ("domestic_abuse", "dash"),
    "agreement": ("agreement", "service"),
    "parents_told": ("parents_told", "answer"),
    "sharing_bases": ("sharing_basis",),
    "indicators": ("children", 0, "indicators", 0),
}


@pytest.fixture
def codes(client: Client, db: None) -> dict[str, Any]:
    answer = client.get(CODES)
    assert answer.status_code == 200
    lists: dict[str, Any] = answer.json()
    return lists


class TestTheCodes:
    @pytest.mark.parametrize("name", PLACES)
    def test_each_is_taken_where_it_belongs_without_a_warning(self, codes: dict[str, Any], name: str) -> None:
        assert codes[name]
        for entry in codes[name]:
            sent = having(PLACES[name], entry["code"])
            read = read_contact(sent, indicators=shipped().catalogue.entries, today=date(2026, 11, 30))
            at = [detail for detail in read.to_check if detail.path[: len(PLACES[name])] == PLACES[name]]
            assert (at, entry["says"] != "") == ([], True), entry

    def test_so_is_the_source_of_what_is_added(self, codes: dict[str, Any]) -> None:
        for entry in codes["sources_of_information"]:
            read = InformationDocument.model_validate({"source": entry["code"], "why": "So."})
            assert read.source == entry["code"]

    def test_they_are_those_of_the_rules_in_force(self, codes: dict[str, Any]) -> None:
        rules = shipped()
        assert codes["ruleset"] == rules.name
        assert codes["indicators"] == [
            {"code": entry.code, "says": entry.says, "level": entry.level, "domain": entry.domain, "area": entry.area}
            for entry in rules.catalogue.entries.values()
        ]
        assert {entry["code"] for entry in codes["pathways"]} == {*rules.pathways}

    def test_whoever_has_them_is_told_that_nothing_has_changed(self, client: Client, db: None) -> None:
        first = client.get(CODES)
        assert (first.headers["Cache-Control"], first.headers["ETag"][0]) == ("no-cache", '"')
        again = client.get(CODES, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
        assert client.get(CODES, headers={"If-None-Match": '"another"'}).json() == first.json()

    def test_asking_again_costs_one_statement(self, client: Client, db: None) -> None:
        client.get(CODES)
        with CaptureQueriesContext(connection) as asked:
            client.get(CODES)
        assert len(asked) == 1


class TestWhatItCanDo:
    def test_it_says_the_version_the_limits_and_where_to_go(
        self, client: Client, db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limit_calls(monkeypatch, "90/hour")
        says = client.get(ABOUT).json()
        assert (says["version"], says["capabilities"]) == ("1", CAPABILITIES)
        assert "call 999" in says["in_danger"]
        assert (says["limits"]["calls"], says["limits"]["in_seconds"]) == (90, 3600)
        assert says["links"]["contacts"] == f"http://testserver{CONTACTS}"
        for address in ("reference_data", "schema", "docs"):
            assert client.get(says["links"][address]).status_code == 200

    def test_the_limits_are_those_that_hold(self, client: Client, school: Agency) -> None:
        limits, partner = client.get(ABOUT).json()["limits"], Partner(school)
        assert partner.send(b" " * limits["body_bytes"]).status_code == 400
        assert partner.send(b" " * (limits["body_bytes"] + 1)).status_code == 413
        child, adult = {"first_name": "Robin"}, {"first_name": "Kim"}
        crowd = having(("children",), [child] * (limits["children"] + 1)) | {"adults": [adult] * (limits["adults"] + 1)}
        faults = [fault["pointer"] for fault in partner.send(crowd).json()["errors"]]
        assert faults == ["#/children", "#/adults"]
        assert partner.send(b"{}", key="k" * limits["idempotency_key_characters"]).json()["errors"][0]["pointer"] != "#"
        assert partner.send(b"{}", key="k" * (limits["idempotency_key_characters"] + 1)).status_code == 400


@pytest.mark.parametrize("address", [ABOUT, CODES])
class TestBoth:
    def test_no_token_is_asked_for_nor_looked_at(self, client: Client, db: None, address: str) -> None:
        for headers in ({}, {"Authorization": "Bearer none"}):
            assert client.get(address, headers=headers).status_code == 200

    def test_they_take_nothing(self, client: Client, db: None, address: str) -> None:
        answer = client.post(address, json.dumps({}), content_type="application/json")
        assert (answer.status_code, answer.headers["Content-Type"]) == (405, PROBLEM)
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
