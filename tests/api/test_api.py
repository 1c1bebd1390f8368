"""The partner API: who comes in, what is refused and how, what is kept, and what a partner may learn."""

import base64
import json
import os
import re
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection
from django.db.models import Count
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oauth2_provider.models import get_access_token_model
from pytest_django import Settings

from casework.access.in_step import until_next_step
from casework.actions import people, receiving
from casework.api.urls import addresses
from casework.facts.contact_document import ContactDocument
from casework.messages import wording
from casework.models import AuditEvent, Contact, DetailToCheck, Event, Message, OutboxMessage
from localities import limits
from localities.models import Agency, User
from tests.stage.documents import CONTRACT, child, nhs_number
from tests.stage.staff import SignedIn
from tests.stage.story import Story
from tests.stage.web_client import (
    CONTACTS,
    PROBLEM,
    TOKEN,
    Partner,
    credentials,
    having,
    kept,
    limit_calls,
    pointers,
    problem,
    todays_document,
)
from triage.ruleset import shipped

PASSWORD = "correct horse battery staple"
DETAILS: list[tuple[str | int, ...]] = [
    ("agency_reference",), ("referrer", "name"), ("referrer", "email"), ("referrer", "phone"),
    *(("children", 0, field) for field in (
        "first_name", "last_name", "age_years", "expected_date_of_delivery", "sex", "ethnicity", "first_language",
        "nhs_number", "upn", "where_now", "school",
    )),
    ("children", 0, "address", "postcode"), ("children", 0, "address", "lines", 0), ("children", 0, "indicators", 0),
    ("adults", 0, "first_name"), ("adults", 0, "date_of_birth"), ("adults", 0, "phone"),
    ("adults", 0, "parental_responsibility"), ("family_indicators", 0), ("domestic_abuse", "dash"),
    ("concern", "childs_words"), ("agreement", "given_by"), ("agreement", "on"), ("sharing_basis",),
]  # fmt: skip
TRICKY = ["\x00", "\x0b\x0c", "\ud800", "NFA", "not known", "0000000000", "3/4/2015", "x" * 3_000, "\ufeff", "²",
          "1" * 400, "HP2O 1UA", "99/99/9999", "0001-01-01", "9999-12-31", "محمد", "L9-99"]  # fmt: skip
TYPED = st.text(st.characters(), max_size=60) | st.sampled_from(TRICKY)
AGES = TYPED | st.none() | st.integers(-10, 10**12) | st.floats(-200, 200) | st.sampled_from(["about 7", "18 months"])


def _typed(part: Any, path: tuple[str, ...] = ()) -> st.SearchStrategy[Any]:
    """A part of the contract with what people may type in each of its details. What they choose stays as it is."""
    if path == ("children", "age_years"):
        return AGES
    if isinstance(part, dict):
        return st.fixed_dictionaries({name: _typed(each, (*path, name)) for name, each in part.items()})
    if isinstance(part, list):
        few = st.lists(_typed(part[0], path), max_size=3)
        return few if isinstance(part[0], dict) else few | st.lists(st.sampled_from(TRICKY), min_size=21, max_size=24)
    chosen = path[-1] in {"service", "type", "source_code", "referrer_level"} or isinstance(part, bool)
    flags = {"interpreter_needed", "disabled", "non_verbal", "risk_to_staff", "marac", "immediate_danger"}
    return st.just(part) if chosen or path[-1] in flags else TYPED | st.none()


def _as_kept(part: Any) -> Any:
    """A document without what nobody can store."""
    if isinstance(part, str):
        return re.sub("[\x00\ud800-\udfff]", "", part)
    if isinstance(part, dict):
        return {name: _as_kept(each) for name, each in part.items()}
    return [_as_kept(each) for each in part] if isinstance(part, list) else part


ANSWER = {"reference", "url", "agency_reference", "received_at", "status", "decided_at", "outcome", "files",
          "quality", "warnings", "warnings_left_out"}  # fmt: skip
PROMISES = {"acknowledged_at", "acknowledgement_due_at", "next_step_due_at", "feedback_due_at", "feedback_given_at",
            "requests"}  # fmt: skip


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


class TestTokens:
    def test_a_system_gets_one_with_its_secret_in_the_body(self, client: Client, school: Agency) -> None:
        client_id, secret = credentials(school)
        answer = client.post(
            TOKEN, {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        )
        assert answer.status_code == 200
        given = answer.json()
        assert (given["token_type"], given["expires_in"]) == ("Bearer", 3600)
        assert set(given["scope"].split()) == {"contacts:write", "contacts:read", "threshold:check"}
        assert answer.headers["Cache-Control"] == "no-store"

    def test_or_with_basic_authentication(self, client: Client, school: Agency) -> None:
        answer = client.post(TOKEN, {"grant_type": "client_credentials"}, headers=basic(*credentials(school)))
        assert answer.status_code == 200
        assert answer.json()["access_token"]

    def test_it_may_ask_for_less(self, client: Client, school: Agency) -> None:
        asks = {"grant_type": "client_credentials", "scope": "contacts:read"}
        answer = client.post(TOKEN, asks, headers=basic(*credentials(school)))
        assert answer.json()["scope"] == "contacts:read"

    @pytest.mark.parametrize("how", ["body", "basic"])
    @pytest.mark.parametrize("wrong", ["secret", "client"])
    def test_a_wrong_secret_and_an_unknown_system_look_alike(
        self, client: Client, school: Agency, how: str, wrong: str
    ) -> None:
        client_id, secret = credentials(school)
        client_id, secret = (client_id, "guessed") if wrong == "secret" else ("somebody", secret)
        body = {"grant_type": "client_credentials"}
        if how == "body":
            answer = client.post(TOKEN, body | {"client_id": client_id, "client_secret": secret})
        else:
            answer = client.post(TOKEN, body, headers=basic(client_id, secret))
        assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})

    @pytest.mark.parametrize(
        "grant",
        ["", "password", "authorization_code", "refresh_token", "implicit",
         "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:jwt-bearer", "rumour"],
    )  # fmt: skip
    def test_every_other_grant_is_refused(self, school: Agency, grant: str) -> None:
        client = Client(raise_request_exception=False)
        body = {"grant_type": grant, "username": "amina", "password": "x", "code": "x", "refresh_token": "x"}
        answer = client.post(TOKEN, body, headers=basic(*credentials(school)))
        assert answer.status_code == 400
        assert "access_token" not in answer.json()
        assert not get_access_token_model().objects.exists()

    def test_nobody_can_try_a_persons_password_here(self, client: Client, school: Agency, amina: User) -> None:
        """A partner's system would get round the limit on tries at the sign-in page."""
        amina.set_password(PASSWORD)
        amina.save()
        answers = [
            client.post(
                TOKEN,
                {"grant_type": "password", "username": "amina", "password": password},
                headers=basic(*credentials(school)),
            ).json()
            for password in (PASSWORD, "guessed")
        ]
        assert answers[0] == answers[1]

    def test_a_scope_that_does_not_exist_is_refused(self, client: Client, school: Agency) -> None:
        asks = {"grant_type": "client_credentials", "scope": "contacts:read everything"}
        answer = client.post(TOKEN, asks, headers=basic(*credentials(school)))
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")

    def test_a_secret_in_the_address_is_refused(self, client: Client, school: Agency) -> None:
        """Addresses end up in logs."""
        client_id, secret = credentials(school)
        query = f"?grant_type=client_credentials&client_id={client_id}&client_secret={secret}"
        assert client.post(TOKEN + query).status_code == 400
        assert client.get(TOKEN + query).status_code == 405

    def test_what_cannot_be_a_client_id_is_refused_like_any_other(self, db: None) -> None:
        client = Client(raise_request_exception=False)
        asks = {"grant_type": "client_credentials", "client_id": "nul\x00", "client_secret": "x"}
        assert client.post(TOKEN, asks).status_code in (400, 401)

    def test_it_runs_out(self, partner: Partner) -> None:
        get_access_token_model().objects.update(expires=timezone.now() - timedelta(seconds=1))
        problem(partner.send(todays_document()), 401, "not-authenticated")

    def test_it_can_be_given_back(self, partner: Partner) -> None:
        answer = partner.http.post(
            "/o/revoke", {"token": partner.token}, headers=basic(partner.client_id, partner.client_secret)
        )
        assert answer.status_code == 200
        problem(partner.send(todays_document()), 401, "not-authenticated")

    def test_wrong_secrets_make_the_next_try_of_that_client_there_wait(
        self, client: Client, school: Agency, police: Agency
    ) -> None:
        (name, secret), (other, others_secret) = credentials(school), credentials(police, "Another")
        asks = {"grant_type": "client_credentials", "client_id": name, "client_secret": "guessed"}
        right, of_other = asks | {"client_secret": secret}, asks | {"client_id": other, "client_secret": others_secret}
        assert client.post(TOKEN, right).status_code == 200
        for _ in range(limits.CLIENT.free):
            assert client.post(TOKEN, asks).status_code == 401
        answer = client.post(TOKEN, right)
        assert (answer.status_code, answer.json()["error"]) == (429, "temporarily_unavailable")
        assert 1 <= int(answer.headers["Retry-After"]) <= 5
        by_header = basic(name, secret)
        assert client.post(TOKEN, {"grant_type": "client_credentials"}, headers=by_header).status_code == 429
        assert client.post(TOKEN, of_other).status_code == 200, "another system behind the same address goes on"
        assert client.post(TOKEN, right, REMOTE_ADDR="192.0.2.7").status_code == 200

    @pytest.mark.parametrize("address", [TOKEN, "/o/revoke"])
    @pytest.mark.parametrize("way", ["in the header", "in the form", "in the form, with another in the header"])
    def test_however_a_client_is_named_its_tries_are_counted_together(
        self, client: Client, school: Agency, address: str, way: str
    ) -> None:
        name, secret = credentials(school)
        asks = {"grant_type": "client_credentials", "token": "none"}

        def tried(number: int, secret: str) -> int:
            # Each letter may stand in a header as itself, or as the number that it has.
            spelt = "".join(
                f"%{ord(letter):02x}" if number >> place & 1 else letter for place, letter in enumerate(name)
            )
            named = {"client_id": name, "client_secret": secret}
            headers: dict[str, str] = {}
            if way == "in the header":
                named, headers = {}, basic(spelt, secret)
            elif way != "in the form":
                headers = basic(f"nobody-{number}", "guessed")
            return int(client.post(address, asks | named, headers=headers).status_code)

        assert tried(99, secret) == 200
        assert {tried(number, "guessed") for number in range(limits.CLIENT.free)} == {401}
        assert tried(100, secret) == 429


class TestWhoComesIn:
    """The checks come in this order: 401, 403, 405, 415, 400."""

    @pytest.mark.parametrize(
        "authorization", ["", "Bearer", "Bearer made-up", "Bearer nul\x00", "Basic eDp5", "Token x"]
    )
    def test_without_a_token_nobody(self, client: Client, db: None, authorization: str) -> None:
        headers = {"Authorization": authorization} if authorization else {}
        before = kept()
        for answer in (
            client.post(CONTACTS, todays_document(), content_type="application/json", headers=headers),
            client.get(f"{CONTACTS}/CON-AAAA-AAAA", headers=headers),
            client.put(CONTACTS, {}, content_type="application/json", headers=headers),
        ):
            problem(answer, 401, "not-authenticated")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert kept() == before

    @pytest.mark.parametrize(("media_type", "body"), [("application/json", b"{"), ("text/plain", b"{}")])
    def test_nobodys_body_is_read(self, client: Client, school: Agency, media_type: str, body: bytes) -> None:
        """The body is read only after the token, the scope and the method are checked."""
        problem(client.post(CONTACTS, body, content_type=media_type), 401, "not-authenticated")
        reader = Partner(school, scope="contacts:read")
        problem(reader.send(body, media_type=media_type), 403, "permission-denied")
        answer = reader.http.put(CONTACTS, body, content_type=media_type, headers=reader.headers)
        problem(answer, 405, "method-not-allowed")

    def test_a_token_in_the_address_or_in_the_body_is_none(self, client: Client, partner: Partner) -> None:
        """Addresses end up in logs (RFC 9700, 4.3.2)."""
        token = {"access_token": partner.token}
        problem(client.get(f"{CONTACTS}/{partner.sent()}", token), 401, "not-authenticated")
        problem(client.post(f"{CONTACTS}?{urlencode(token)}", token), 401, "not-authenticated")
        # Beside the header, it says nothing.
        assert (
            client.get(f"{CONTACTS}/{Contact.objects.get()}?access_token=x", headers=partner.headers).status_code == 200
        )

    def test_a_signed_in_person_is_no_partner(self, client: Client, amina: User) -> None:
        """Otherwise another site's page could send contacts in a social worker's name."""
        client.force_login(amina)
        answer = client.post(CONTACTS, todays_document(), content_type="application/json")
        problem(answer, 401, "not-authenticated")

    def test_a_token_to_read_does_not_write(self, school: Agency) -> None:
        before = kept()
        problem(Partner(school, scope="contacts:read").send(todays_document()), 403, "permission-denied")
        assert kept() == before

    def test_a_token_to_write_does_not_read(self, school: Agency) -> None:
        writer = Partner(school, scope="contacts:write")
        contact = writer.sent()
        problem(writer.read(contact), 403, "permission-denied")
        problem(writer.read("CON-AAAA-AAAA"), 403, "permission-denied")
        assert not AuditEvent.objects.filter(event=Event.CONTACT_VIEWED).exists()

    def test_an_agency_that_sends_no_more_is_refused(self, partner: Partner) -> None:
        contact = partner.sent()
        partner.agency.is_active = False
        partner.agency.save()
        before = kept()
        problem(partner.send(todays_document()), 403, "permission-denied")
        problem(partner.read(contact), 403, "permission-denied")
        assert kept() == before

    def test_nor_does_a_new_token_help_it(self, client: Client, school: Agency) -> None:
        school.is_active = False
        school.save()
        asks = {"grant_type": "client_credentials"}
        answer = client.post(TOKEN, asks, headers=basic(*credentials(school)))
        token = answer.json().get("access_token", "none")
        sent = client.post(
            CONTACTS, todays_document(), content_type="application/json", headers={"Authorization": f"Bearer {token}"}
        )
        assert sent.status_code in (401, 403)
        assert not Contact.objects.exists()

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_contacts_are_only_sent_and_listed(self, partner: Partner, method: str) -> None:
        answer = partner.http.generic(method, CONTACTS, b"{}", "application/json", headers=partner.headers)
        problem(answer, 405, "method-not-allowed")
        assert answer.headers["Allow"] == "GET, POST, HEAD, OPTIONS"

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_a_contact_is_only_read(self, partner: Partner, method: str) -> None:
        contact = partner.sent()
        answer = partner.http.generic(
            method, f"{CONTACTS}/{contact}", b"{}", content_type="application/json", headers=partner.headers
        )
        problem(answer, 405, "method-not-allowed")
        assert "GET" in answer.headers["Allow"]
        assert Contact.objects.get() == contact

    @pytest.mark.parametrize(
        "media_type", ["", "text/plain", "text/json", "application/xml", "multipart/form-data; boundary=b",
                       "application/x-www-form-urlencoded"],
    )  # fmt: skip
    def test_a_contact_is_json(self, partner: Partner, media_type: str) -> None:
        before = kept()
        refused = problem(partner.send(todays_document(), media_type=media_type), 415, "unsupported-media-type")
        assert refused["detail"].startswith("Send the body as application/json")
        assert kept() == before

    def test_and_may_say_its_encoding(self, partner: Partner) -> None:
        assert partner.send(todays_document(), media_type="application/json; charset=utf-8").status_code == 201

    def test_what_is_not_here_is_a_problem_document_too(self, partner: Partner) -> None:
        for path in ("/api/v1/nothing", f"{CONTACTS}//", "/api/v2/contacts"):
            answer = partner.http.get(path, headers=partner.headers)
            assert (answer.status_code, answer.headers["Content-Type"]) == (404, PROBLEM)
            assert answer.json()["status"] == 404


class TestWhatIsNoDocument:
    @pytest.mark.parametrize(
        ("body", "says"),
        [
            (b"{", "This is not JSON: Expecting property name enclosed in double quotes at line 1, column 2."),
            (b'{"type": "x",\n}', "at line 2, column 1."),
            (b"contact", "This is not JSON"),
            (b"{} {}", "This is not JSON: Extra data at line 1, column 4."),
            (b'{"type": "a\x0bb"}', "This is not JSON: Invalid control character at line 1, column 12."),
            (b'{"type": "a', "This is not JSON: Unterminated string starting at line 1, column 10."),
            (b'{"type": "caf\xe9"}', "This is not JSON: the text is not UTF-8."),
            (b'{"referrer_level": NaN}', "NaN is not a JSON number."),
            (b'{"referrer_level": Infinity}', "Infinity is not a JSON number."),
            (b'{"referrer_level": -Infinity}', "-Infinity is not a JSON number."),
            (b'{"type": 1, "type": 2}', "type: stands twice in one object; keep one of the two."),
            (b'{"concern": {"worries": "a", "worries": "b"}}', "worries: stands twice in one object"),
            (rb'{"\ud800": 1, "\ud800": 2}', "?: stands twice in one object"),
            (b'{"children": ' + b"[" * 100_000, "it is nested too deeply."),
            (b'{"referrer_level": ' + b"9" * 5_000 + b"}", "a number in it is too long."),
        ],
        ids=["cut short", "a comma too many", "a word", "two", "a vertical tab", "a text cut short",
             "Latin 1", "NaN", "Infinity", "-Infinity", "a key twice",
             "a key twice below", "half a character twice", "too deep", "too long a number"],
    )  # fmt: skip
    def test_it_is_refused_with_a_sentence(self, partner: Partner, body: bytes, says: str) -> None:
        before = kept()
        refused = problem(partner.send(body), 400, "parse-error")
        assert says in refused["detail"]
        assert [error["detail"] for error in refused["errors"]] == [refused["detail"]]
        assert kept() == before

    @pytest.mark.parametrize("body", [b"null", b"[]", b'"contact"', b"1", b"true", b"[{}]"])
    def test_json_that_is_no_object_is_refused(self, partner: Partner, body: bytes) -> None:
        refused = problem(partner.send(body), 400, "invalid")
        assert pointers(refused) == {"#": "A contact is one JSON object."}

    def test_an_empty_body_lacks_everything(self, partner: Partner) -> None:
        refused = problem(partner.send(b""), 400, "invalid")
        assert set(pointers(refused)) == {"#/type", "#/source_code", "#/children", "#/concern"}

    @pytest.mark.parametrize("depth", [200, 900, 980, 1_100])
    def test_depth_never_breaks_it(self, partner: Partner, depth: int) -> None:
        body = b'{"concern": ' + b"[" * depth + b"]" * depth + b"}"
        assert partner.send(body).status_code == 400

    def test_a_body_larger_than_any_contact_is_refused_unread(self, partner: Partner) -> None:
        """A contact is text; nothing that is larger than a mebibyte comes in."""
        body = b" " * 1024 * 1024 + json.dumps(todays_document()).encode()
        before = kept()
        answer = partner.send(body)
        assert answer.status_code in (400, 413)
        assert answer.headers["Content-Type"] == PROBLEM
        assert kept() == before

    def test_a_body_just_below_that_is_read(self, partner: Partner) -> None:
        document = json.dumps(todays_document()).encode()
        assert partner.send(b" " * (1024 * 1024 - len(document)) + document).status_code == 201


class TestWhatIsWrongWithIt:
    def test_everything_is_said_at_once(self, partner: Partner) -> None:
        before = kept()
        document = todays_document(
            type="rumour",
            children=[child(nhs_number=9990000019, date_of_birth=2019), child(ref="c2", indicators=[3])],
            concern={"worries": " "},
            agreement={"service": "yes", "on": 20260230},
            colour="blue",
        )
        del document["source_code"]
        refused = problem(partner.send(document), 400, "invalid")
        says = pointers(refused)
        assert set(says) == {
            "#/type", "#/source_code", "#/children/0/nhs_number", "#/children/0/date_of_birth",
            "#/children/1/indicators/0", "#/concern/worries", "#/agreement/service", "#/agreement/on", "#/colour",
        }  # fmt: skip
        assert says["#/source_code"] == "source_code: is missing."
        assert says["#/children/0/nhs_number"].startswith("children[0].nhs_number: must be text")
        assert refused["detail"] == "The contact was not taken in. Correct the errors and send it again."
        assert kept() == before

    def test_screening_is_not_the_partners_to_say(self, partner: Partner) -> None:
        refused = problem(partner.send(todays_document() | {"screened": True}), 400, "invalid")
        assert pointers(refused) == {
            "#/screened": "screened: is not a field that is known here; correct its name or remove it."
        }

    def test_a_pointer_is_escaped_as_the_standards_say(self, partner: Partner) -> None:
        """RFC 6901: ~0 and ~1 in a pointer (section 3), percent-encoding in a URI fragment (section 6)."""
        document = todays_document() | {"a/b~c": 1, "full name 100%": 1}
        refused = problem(partner.send(document), 400, "invalid")
        assert set(pointers(refused)) == {"#/a~1b~0c", "#/full%20name%20100%25"}

    def test_a_child_without_a_ref_never_clashes_with_one_that_has(self, partner: Partner) -> None:
        """The refs that we give ourselves are no fault of the partner's."""
        nameless, named = child(), child(ref="c1", first_name="Alex", nhs_number=None, date_of_birth="2021-07-01")
        del nameless["ref"]
        answer = partner.send(todays_document(children=[nameless, named]))
        assert answer.status_code == 201, answer.content
        refs = set(Contact.objects.get().children.values_list("ref", flat=True))
        assert len(refs) == 2

    def test_it_can_be_mended_and_sent_again_with_the_same_key(self, partner: Partner) -> None:
        problem(partner.send(todays_document(type="rumour"), key="k"), 400, "invalid")
        assert partner.send(todays_document(), key="k").status_code == 201


class TestWhatIsTakenInAllTheSame:
    """What a person typed never turns a contact away. What could not be read is named, kept and counted."""

    BADLY: dict[str, Any] = {  # noqa: RUF012  # a document
        "first_name": "Robin\x0b\x0cLee", "nhs_number": "9990000019", "date_of_birth": "31/2/2015", "sex": "X",
        "ethnicity": "local", "address": {"lines": ["x"] * 30, "postcode": "HP2O IUA"},
        "indicators": ["L4-01", "L9-99"],
    }  # fmt: skip

    def badly(self) -> dict[str, Any]:
        return todays_document(
            immediate_danger=True, children=[self.BADLY], referrer={"email": "dsl at school", "phone": "x" * 500}
        )

    def test_what_cannot_be_read_of_an_adult_or_the_referrer_is_named_counted_and_shown(self, partner: Partner) -> None:
        adult = {
            "first_name": "Unknown Unknown", "last_name": "Ash", "date_of_birth": "dk", "phone": "see file",
            "parental_responsibility": "dk",
        }  # fmt: skip
        referrer = {"phone": "O1296 555I23", "email": "dsl @school,example"}
        answer = partner.send(todays_document(adults=[adult], referrer=referrer))
        warnings = {each["pointer"]: each["detail"] for each in answer.json()["warnings"]}
        for field in ("first_name", "date_of_birth", "phone", "parental_responsibility"):
            assert warnings[f"#/adults/0/{field}"].startswith(f"adults[0].{field}: could not be read: it ")
        for field in ("phone", "email"):
            assert warnings[f"#/referrer/{field}"].startswith(f"referrer.{field}: read with a correction: it has a ")
        contact = Contact.objects.get()
        assert (contact.referrer_email, contact.document["adults"]) == ("dsl@school.example", [adult])
        assert contact.adults.get().recorded_as.own_name == "Ash"
        counted = set(DetailToCheck.objects.filter(agency=partner.agency).values_list("field", flat=True))
        assert counted >= {"adults.first_name", "adults.date_of_birth", "adults.phone", "referrer.phone"}
        page = SignedIn("oliver").open(contact).text
        for shown in ("Ash, First name: could not be read: “Unknown Unknown”", "“dk”", "“see file”", "“O1296 555I23”"):
            assert shown in page

    def test_a_child_in_danger_comes_in_whatever_the_details_are(self, partner: Partner) -> None:
        answer = partner.send(self.badly(), key="k")
        assert answer.status_code == 201
        warnings = {warning["pointer"]: warning["detail"] for warning in answer.json()["warnings"]}
        assert set(warnings) == {
            "#/referrer/email", "#/referrer/phone", "#/children/0/nhs_number", "#/children/0/date_of_birth",
            "#/children/0/sex", "#/children/0/ethnicity", "#/children/0/address/postcode", "#/children/0/indicators/1",
        }  # fmt: skip
        assert warnings["#/children/0/date_of_birth"] == (
            "children[0].date_of_birth: could not be read: it is not a day that exists."
        )
        assert warnings["#/children/0/address/postcode"].startswith(
            "children[0].address.postcode: read with a correction: it has a letter where a digit must stand"
        )
        contact = Contact.objects.get(reference=answer.json()["reference"])
        assert (contact.rag, contact.document) == ("red", self.badly())
        assert partner.send(self.badly(), key="k").json() == answer.json(), "the answer is the same"

    @pytest.mark.parametrize(
        ("path", "value"),
        [(("address", "postcode"), "NFA"), (("nhs_number",), ""), (("nhs_number",), "not known"),
         (("date_of_birth",), ""), (("sex",), "Male"), (("ethnicity",), "White British"),
         (("nhs_number",), "999\u00a0000\u00a00018"), (("address", "postcode"), "hp201ua"),
         (("nhs_number",), "0000000000"), (("where_now",), "At\x0bschool\x0c")],
        ids=str,
    )  # fmt: skip
    def test_what_can_be_read_and_what_nobody_knows_is_no_warning(
        self, partner: Partner, path: tuple[str, ...], value: str
    ) -> None:
        entry = child(indicators=["L4-01"])
        at: Any = entry
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
        answer = partner.send(todays_document(immediate_danger=True, children=[entry]))
        assert (answer.status_code, answer.json()["warnings"]) == (201, [])

    def test_it_is_counted_for_the_agency_by_field_and_without_a_value(self, partner: Partner) -> None:
        partner.send(self.badly())
        partner.send(self.badly())
        counted = DetailToCheck.objects.filter(agency=partner.agency, kind="not_read").values_list("field")
        assert dict(counted.annotate(number=Count("pk"))) == {
            "referrer.email": 2, "referrer.phone": 2, "children.nhs_number": 2, "children.date_of_birth": 2,
            "children.sex": 2, "children.ethnicity": 2, "children.indicators": 2,
        }  # fmt: skip
        rows = json.dumps(list(DetailToCheck.objects.values_list("field", "path", "kind", "says")))
        for value in ("9990000019", "31/2/2015", "local", "HP2O", "dsl at school", "L9-99"):
            assert value not in rows

    def test_nothing_of_it_is_in_the_log_or_in_the_audit(
        self, partner: Partner, caplog: pytest.LogCaptureFixture
    ) -> None:
        partner.send(self.badly())
        written = caplog.text + json.dumps(list(AuditEvent.objects.values_list("detail", flat=True)))
        for value in ("9990000019", "31/2/2015", "local", "HP2O", "dsl at school", "Robin"):
            assert value not in written

    @settings(
        max_examples=40, derandomize=True, database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )  # fmt: skip
    @given(
        st.sampled_from(DETAILS), st.text(max_size=60) | st.sampled_from(["\x00", "\ud83d", "NFA", "9" * 400, "\x0b"])
    )
    def test_whatever_is_typed_into_a_detail_it_comes_in(
        self, partner: Partner, path: tuple[str | int, ...], typed: str
    ) -> None:
        answer = partner.send(having(path, typed))
        assert answer.status_code == 201, answer.content
        assert {warning["pointer"] for warning in answer.json()["warnings"]} <= {
            "#/" + "/".join(map(str, path)), "#/agreement/on"
        }  # fmt: skip

    @settings(
        max_examples=70, derandomize=True, database=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture, HealthCheck.differing_executors, HealthCheck.too_slow
        ],
    )  # fmt: skip
    @given(_typed(CONTRACT), _typed(CONTRACT["children"][0], ("children",)))
    def test_whatever_is_typed_into_all_details_a_child_with_a_worry_is_taken_in(
        self, partner: Partner, typed: dict[str, Any], first: dict[str, Any]
    ) -> None:
        """Also into lists: names, lines of an address, indicators, more children and adults."""
        needed = {name: CONTRACT[name] for name in ("type", "source_code")}
        words = typed["concern"] | {"worries": CONTRACT["concern"]["worries"]}
        document = typed | needed | {"children": [first, *typed["children"]], "concern": words}
        answer = partner.send(document)
        assert answer.status_code == 201, answer.content
        contact = Contact.objects.get(reference=answer.json()["reference"])
        assert contact.recommendation_id is not None
        assert contact.document == _as_kept(document)
        assert contact.children.count() == len(document["children"])

    @pytest.mark.parametrize("said", ["Cut\x00here", "Half \ud83d of it"], ids=ascii)
    def test_what_no_database_can_hold_is_taken_out_and_said(self, partner: Partner, said: str) -> None:
        answer = partner.send(todays_document(concern={"worries": said}), key="k")
        assert [warning["pointer"] for warning in answer.json()["warnings"]] == ["#/concern/worries"]
        contact = Contact.objects.get()
        assert contact.document["concern"]["worries"] == said.replace("\x00", "").replace("\ud83d", "")
        # The key belongs to what was sent, and to nothing else.
        assert partner.send(todays_document(concern={"worries": said}), key="k").json() == answer.json()
        assert partner.send(todays_document(concern=contact.document["concern"]), key="k").status_code == 422


class TestTakenIn:
    def test_the_answer_says_where_to_read_on(self, partner: Partner) -> None:
        answer = partner.send(todays_document())
        assert (answer.status_code, answer.headers["Content-Type"]) == (201, "application/json")
        body = answer.json()
        assert set(body) == ANSWER
        assert answer.headers["Location"] == body["url"] == f"http://testserver{CONTACTS}/{body['reference']}"
        assert body["agency_reference"] == "PPN-2026-118822"
        kept_as = {" PPN\u200b\x07\n1 ": "PPN 1", "x" * 101: "x" * 100, "none": None}
        for sent, reference in kept_as.items():
            assert partner.send(todays_document(agency_reference=sent)).json()["agency_reference"] == reference
        assert (body["status"], body["decided_at"], body["outcome"]) == ("received", None, None)
        read = partner.http.get(body["url"], headers=partner.headers).json()
        assert {name: value for name, value in read.items() if name not in PROMISES} == body

    def test_the_contact_is_the_agencys_and_as_it_was_sent(self, partner: Partner) -> None:
        contact = partner.sent()
        assert (contact.agency, contact.channel, contact.entered_by) == (partner.agency, "api", None)
        assert contact.document == todays_document()

    def test_no_address_names_a_person(self, partner: Partner) -> None:
        answer = partner.send(todays_document())
        assert not any(name in answer.headers["Location"] for name in ("Robin", "Ashworth", "PPN"))

    def test_a_failure_half_way_leaves_nothing_and_the_same_key_works_again(self, partner: Partner) -> None:
        """The last rows that are written are refused, as a full disk would refuse them."""
        before = kept()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE casework_outboxmessage ADD CONSTRAINT full_disk CHECK (false) NOT VALID")
        failed = problem(partner.send(todays_document(), key="k"), 500, "error")
        assert "nothing was stored" in failed["detail"]
        assert kept() == before
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE casework_outboxmessage DROP CONSTRAINT full_disk")
        assert partner.send(todays_document(), key="k").status_code == 201

    def test_it_is_taken_in_while_valkey_is_down(self, partner: Partner, settings: Settings) -> None:
        """Valkey holds nothing that matters; it counts calls."""
        away = {"LOCATION": "unix:///nowhere/valkey.sock"}
        settings.CACHES = {name: cache | away for name, cache in settings.CACHES.items()}
        assert partner.send(todays_document()).status_code == 201

    def test_it_is_joined_by_a_number_that_staff_recorded_unless_it_is_in_doubt(
        self, partner: Partner, amina: User
    ) -> None:
        known = partner.sent(children=[child(nhs_number=None)]).children.get().person
        detail: dict[str, Any] = {"person_id": known.pk, "by": amina, "now": timezone.now()}
        for status, is_joined in (("verified", True), ("conflict", False)):
            said = people.Said("nhs_number", nhs_number(77), qualifier=status, said_by="The Spine")
            people.add_detail(said=said, **detail)
            entry = partner.sent(children=[child(nhs_number=nhs_number(77))], agency_reference=status).children.get()
            assert (entry.person == known) is is_joined
            assert known in {match.person for match in entry.matches.all()}


class TestIdempotency:
    def test_the_same_again_has_the_same_answer(self, partner: Partner) -> None:
        first = partner.send(todays_document(), key="k")
        before = kept()
        again = partner.send(dict(reversed(todays_document().items())), key="k")
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["Location"] == first.headers["Location"]
        assert [answer.headers.get("Idempotency-Replayed") for answer in (first, again)] == [None, "true"]
        assert kept() == before

    def test_also_when_it_is_decided_meanwhile(self, partner: Partner, story: Story) -> None:
        """A system that may only send learns nothing by sending again."""
        document = todays_document(children=[child(nhs_number="12345")])
        first = partner.send(document, key="k")
        contact = Contact.objects.get(reference=first.json()["reference"])
        added = partner.http.post(
            f"{CONTACTS}/{contact}/information", b'{"why": "He said so."}', "application/json", headers=partner.headers
        )
        assert added.status_code == 201
        story.decided(contact)
        assert partner.read(contact).json()["status"] == "decided"
        assert first.json()["warnings"]
        sender = Partner(partner.agency, scope="contacts:write")
        assert sender.send(document, key="k").content == first.content

    def test_what_means_nothing_makes_no_other_contact(self, partner: Partner) -> None:
        """Null is a field that is left out, and 3.0 is 3."""
        needed = {"type", "source_code", "children", "concern"}
        plain = {name: value for name, value in todays_document().items() if name in needed} | {"referrer_level": 3}
        first = partner.send(plain, key="k").json()
        same: dict[str, Any] = dict.fromkeys(ContactDocument.model_fields) | plain | {"referrer_level": 3.0}
        same["children"] = [{"upn": None, "school": None} | sent for sent in same["children"]]
        assert partner.send(same, key="k").json() == first

    def test_the_same_key_in_quotation_marks_is_the_same_key(self, partner: Partner) -> None:
        """So the draft of the IETF writes it."""
        first = partner.send(todays_document(), key='say "k"').json()
        assert partner.send(todays_document(), key=r'"say \"k\""').json() == first
        assert partner.send(todays_document(), key='"').json() != first

    def test_a_contact_that_an_earlier_version_stored_is_known_again(
        self, partner: Partner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It took the digest of a document with its nulls."""
        document = todays_document(arrived_by=None)
        with monkeypatch.context() as earlier:
            earlier.setattr(receiving, "as_meant", lambda document: document)
            first = partner.send(document, key="k").json()
        assert partner.send(document, key="k").json() == first

    def test_another_contact_with_the_same_key_is_refused(self, partner: Partner) -> None:
        partner.send(todays_document(), key="k")
        before = kept()
        problem(partner.send(todays_document(referrer_level=2), key="k"), 422, "idempotency-key-reused")
        assert kept() == before

    def test_without_a_key_it_is_two(self, partner: Partner) -> None:
        references = {partner.send(todays_document()).json()["reference"] for _ in range(2)}
        assert len(references) == 2

    def test_two_agencies_may_choose_the_same_key(self, partner: Partner, police: Agency) -> None:
        first = partner.send(todays_document(), key="k").json()
        second = Partner(police).send(todays_document(referrer_level=2), key="k")
        assert second.status_code == 201
        assert second.json()["reference"] != first["reference"]

    def test_the_longest_key_is_accepted(self, partner: Partner) -> None:
        assert partner.send(todays_document(), key="k" * 255).status_code == 201

    @pytest.mark.parametrize("key", ["k" * 256, "a\x07b"])
    def test_a_key_that_cannot_be_one_is_refused(self, partner: Partner, key: str) -> None:
        refused = problem(partner.send(todays_document(), key=key), 400, "invalid")
        assert pointers(refused) == {"#": "Idempotency-Key: must be at most 255 printable characters."}
        assert not Contact.objects.exists()


class TestThrottling:
    @pytest.fixture(autouse=True)
    def _two_a_minute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        limit_calls(monkeypatch, "2/min")

    def test_one_call_too_many_says_when_to_come_again(self, partner: Partner) -> None:
        for _ in range(2):
            assert partner.send(todays_document()).status_code == 201
        before = kept()
        answer = partner.send(todays_document())
        problem(answer, 429, "throttled")
        assert 1 <= int(answer.headers["Retry-After"]) <= 61
        assert "ring 999" in answer.json()["detail"]
        assert kept() == before

    def test_a_child_in_danger_does_not_wait_for_the_others(self, partner: Partner) -> None:
        """Nor may a system that says so of everybody send without end."""
        for _ in range(2):
            partner.sent()
        for _ in range(2):
            assert partner.send(todays_document(immediate_danger=True)).status_code == 201
        problem(partner.send(todays_document(immediate_danger=True)), 429, "throttled")
        for sent in (b"{", b"[]", todays_document(immediate_danger="true")):
            problem(partner.send(sent), 429, "throttled")

    def test_nor_does_what_came_before(self, partner: Partner, police: Agency) -> None:
        first = partner.send(todays_document(), key="k")
        partner.sent()
        assert partner.send(todays_document(), key="k").content == first.content
        problem(partner.send(todays_document(), key="another"), 429, "throttled")
        problem(partner.send(todays_document(), key="k" * 256), 429, "throttled")
        other = Partner(police)
        for _ in range(2):
            other.sent()
        problem(other.send(todays_document(), key="k"), 429, "throttled")

    def test_an_agencys_systems_count_together(self, partner: Partner) -> None:
        contact = partner.sent()
        where = f"{CONTACTS}/{contact}/information"
        assert partner.http.post(where, b"{}", "application/json", headers=partner.headers).status_code == 400
        problem(Partner(partner.agency).send(todays_document()), 429, "throttled")

    def test_what_is_read_never_keeps_out_what_is_sent(self, partner: Partner) -> None:
        """A system that reads all its contacts every minute must not keep out an urgent one."""
        for _ in range(2):
            problem(partner.read("CON-AAAA-AAAA"), 404, "not-found")
        problem(Partner(partner.agency).read("CON-AAAA-AAAA"), 429, "throttled")
        partner.sent()

    def test_another_agency_does_not_wait(self, partner: Partner, police: Agency) -> None:
        for _ in range(3):
            partner.send({})
        assert Partner(police).send(todays_document()).status_code == 201

    def test_whoever_has_no_token_uses_up_nobodys_calls(self, client: Client, partner: Partner) -> None:
        for _ in range(5):
            client.post(CONTACTS, b"{}", content_type="application/json")
        assert partner.send(todays_document()).status_code == 201


class TestWhatAPartnerMayLearn:
    def test_no_answer_tells_by_its_time_whether_a_family_is_known(self, partner: Partner, settings: Any) -> None:
        """It leaves at a whole step, also a refusal, and what is said later of the same contact."""
        settings.API_ANSWER_STEP_MS = 250
        took = []
        sent: Any = None
        for document in (todays_document(), todays_document(agency_reference="again"), {}):
            began = time.monotonic()
            sent = partner.send(document)
            took.append(time.monotonic() - began)
        assert sent.status_code == 400
        where = f"{CONTACTS}/{Contact.objects.latest('pk')}/information"
        began = time.monotonic()
        body = json.dumps({"immediate_danger": True}).encode()
        answer = partner.http.post(where, body, content_type="application/json", headers=partner.headers)
        assert (answer.status_code, time.monotonic() - began >= 0.25) == (201, True)
        assert all(each >= 0.25 for each in took), took
        assert [round(until_next_step(taken, 0.1), 3) for taken in (0.0, 0.02, 0.1, 0.13)] == [0, 0.08, 0, 0.07]
        assert until_next_step(0.02, 0) == 0

    def test_every_address_may_end_with_a_slash(self, partner: Partner) -> None:
        for address in addresses:
            where = "/api/v1/" + re.sub("<.*?>", "CON-AAAA-AAAA", str(address.pattern))
            plain, slash = (partner.http.get(path, headers=partner.headers) for path in (where, f"{where}/"))
            assert (slash.status_code, slash.headers["Content-Type"]) == (
                plain.status_code,
                plain.headers["Content-Type"],
            )
        body = json.dumps(todays_document()).encode()
        sent = partner.http.post(f"{CONTACTS}/", body, content_type="application/json", headers=partner.headers)
        assert (sent.status_code, sent.json()["url"].endswith("/")) == (201, False)

    def test_its_reference_in_small_letters_is_found(self, partner: Partner) -> None:
        contact = partner.sent()
        assert partner.read(contact.reference.lower()).json()["reference"] == contact.reference

    def test_every_look_leaves_an_audit_event(self, partner: Partner) -> None:
        contact = partner.sent()
        assert partner.read(contact).status_code == 200
        looks = AuditEvent.objects.filter(event=Event.CONTACT_VIEWED)
        assert [(look.contact, look.by_agency, look.by_user) for look in looks] == [(contact, partner.agency, None)]

    def test_another_agencys_contact_looks_like_none(self, partner: Partner, story: Story, amina: User) -> None:
        by_police = story.contact(by="example-police")
        typed = receiving.receive(document=todays_document(), by=amina, now=timezone.now()).contact
        answers = [partner.read(reference) for reference in (by_police, typed, "CON-AAAA-AAAA", "x")]
        problem(answers[0], 404, "not-found")
        assert len({answer.content for answer in answers}) == 1
        assert not AuditEvent.objects.filter(event=Event.CONTACT_VIEWED).exists()

    @pytest.mark.parametrize("reference", ["%00", "CON%00", "%ff", "x" * 2_000, "..%2f..%2fadmin"])
    def test_what_cannot_be_a_reference_is_not_found(self, partner: Partner, reference: str) -> None:
        assert partner.read(reference).status_code == 404

    def test_never_the_recommendation(self, partner: Partner) -> None:
        """A hard stop and a harmless notice have the same answer until a person has decided."""
        red = partner.send(todays_document(children=[child(indicators=["L4-01"])])).json()
        harmless = partner.send(todays_document(children=[child(indicators=[], nhs_number=nhs_number(7))])).json()
        own = {"reference", "url", "received_at"}
        assert {key: red[key] for key in ANSWER - own} == {key: harmless[key] for key in ANSWER - own}

    def test_never_the_history(self, partner: Partner, story: Story) -> None:
        """The family is known to the police and has a case; the school hears nothing of either."""
        told_before = story.contact(by="example-police", referrer={"name": "PC Example"})
        case = story.accepted(told_before)
        contact = partner.sent()
        assert contact.recommendation is not None
        assert contact.recommendation.pathway == "link_to_open_work"
        read = partner.read(contact)
        assert (read.json()["status"], read.json()["outcome"]) == ("received", None)
        for secret in (str(told_before), str(case), "police", "PC Example", "link_to_open_work", "open work"):
            assert secret.lower() not in read.content.decode().lower()

    def test_the_outcome_once_it_is_decided(self, story: Story, school: Agency) -> None:
        contact = story.contact()
        decision = story.decided(contact)
        read = Partner(school).read(contact).json()
        assert read["status"] == "decided"
        assert datetime.fromisoformat(read["decided_at"]) == decision.decided_at
        assert read["outcome"] == {"pathway": "family_help", "says": "Family help"}

    def test_nothing_of_a_decision_that_waits_for_a_second_person(self, story: Story, school: Agency) -> None:
        contact = story.contact()
        story.decided(contact, pathway="advice", level=1, rag="blue")
        assert contact.status == "sign_off"
        read = Partner(school).read(contact).json()
        assert (read["status"], read["decided_at"], read["outcome"]) == ("being_looked_at", None, None)
        story.signed_off(contact)
        read = Partner(school).read(contact).json()
        assert (read["status"], read["outcome"]["pathway"]) == ("decided", "advice")

    def test_no_outcome_for_whoever_is_no_professional(self, story: Story) -> None:
        charity = Partner(Agency.objects.get(code="example-charity"))
        for number, source_code in enumerate(("1A", "1B", "1C", "1D", "9", "10")):
            fields: dict[str, Any] = {
                "source_code": source_code,
                "children": [child(nhs_number=None, last_name=f"Of {number}")],
            }
            contact = story.contact(by="example-charity", adults=[], **fields)
            story.decided(contact, pathway="strategy_discussion", level=4, rag="red")
            read = charity.read(contact).json()
            assert (read["status"], read["outcome"]) == ("decided", None), source_code

    def test_never_what_the_team_does_with_the_case(self, story: Story, school: Agency) -> None:
        contact = story.contact()
        story.closed(story.accepted(contact))
        read = Partner(school).read(contact)
        assert set(read.json()) == ANSWER | PROMISES
        for secret in ("Aylesbury", "Ben", "CAS-", "They know where to turn", "The history and what the school saw"):
            assert secret not in read.content.decode()


# ---- the logs of a service that runs as in production

SENT = """
import json, django
django.setup()
from django.db import connection
from django.db.models import Count
from django.test import Client
from localities.models import Agency
from tests.stage.web_client import Partner, todays_document

behind_tls = Client(raise_request_exception=False, HTTP_X_FORWARDED_PROTO="https")
partner = Partner(Agency.objects.get(code="example-primary-school"), http=behind_tls)
statuses = [partner.send(todays_document()).status_code]
statuses.append(partner.read(json.loads(partner.send(todays_document()).content)["reference"]).status_code)
statuses.append(partner.send(todays_document(type="Robin Ashworth", colour="Robin Ashworth")).status_code)
statuses.append(partner.send(b'{"Robin Ashworth": 1, "Robin Ashworth": 2}').status_code)
with connection.cursor() as cursor:
    # The database's own words quote the row that it refuses.
    cursor.execute("ALTER TABLE casework_contactchild ADD CHECK (last_name <> 'Ashworth') NOT VALID")
statuses.append(partner.send(todays_document()).status_code)
print(statuses)
"""


class TestLogs:
    @pytest.fixture
    def logs(self, committed: str) -> str:
        """What a production process logs of contacts taken in, refused and broken."""
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "FRONT_DOOR_MODE": "production",
            "LOG_LEVEL": "INFO",
            "SECRET_KEY": "for-tests-only-but-as-long-as-production-wants-it-to-be-0123456789",
            "ALLOWED_HOSTS": "testserver",
            "BASE_URL": "https://testserver",
            "BEHIND_TLS_PROXY": "true",
            "EMAIL_URL": "smtp://127.0.0.1:1",
            "DEFAULT_FROM_EMAIL": "front-door@council.example",
            "DATABASE_URL": f"postgresql://postgres@/{committed}?host={quote(os.environ['FRONT_DOOR_TEST_SOCKETS'])}",
        }
        ran = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SENT],
            env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert ran.stdout.strip() == "[201, 200, 400, 400, 500]", ran.stderr
        return ran.stderr

    def test_they_say_what_happened_and_never_to_whom(self, logs: str) -> None:
        lines = [json.loads(line) for line in logs.splitlines()]
        sent = [line for line in lines if line["event"] == "request_finished" and line["route"] == "api/v1/contacts"]
        assert [line["status"] for line in sent] == [201, 201, 400, 400, 500]
        assert any(line.get("error") == "IntegrityError" for line in lines)
        for name in ("Robin", "Ashworth", "Sam", "Yusuf", "HP20", "9990000018", "2019-03-04", "What has happened"):
            assert name not in logs

    def test_they_do_not_repeat_a_path_that_somebody_made_up(
        self, partner: Partner, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A path that somebody made up may hold anything."""
        assert partner.read("Robin%20Ashworth").status_code == 404
        assert caplog.messages
        assert "Ashworth" not in caplog.text


def test_an_acknowledgement_goes_to_the_referrer_once(partner: Partner) -> None:
    for _ in range(3):
        partner.send(todays_document(), key="k")
    assert [message.to for message in OutboxMessage.objects.all()] == ["dsl@school.example"]


class TestWhomItSpeaksFor:
    def test_a_source_of_another_agency_is_kept_and_counted_as_its_own(self, partner: Partner) -> None:
        answer = partner.send(todays_document(source_code="6"))
        assert [warning["pointer"] for warning in answer.json()["warnings"]] == ["#/source_code"]
        contact = Contact.objects.get(reference=answer.json()["reference"])
        assert (contact.source_code, contact.document["source_code"]) == ("2A", "6")
        assert partner.read(contact).json()["warnings"] == answer.json()["warnings"]

    @pytest.mark.parametrize("code", ["2A", "2B", "1A", "9"])
    def test_its_own_and_those_of_the_public_are_taken(self, partner: Partner, school: Agency, code: str) -> None:
        Agency.objects.filter(pk=school.pk).update(other_source_codes=["2B"])
        answer = partner.send(todays_document(source_code=code))
        assert answer.json()["warnings"] == []
        assert Contact.objects.get(reference=answer.json()["reference"]).source_code == code

    @pytest.mark.parametrize(
        ("email", "is_told"),
        [
            ("dsl@school.example", True), ("DSL@Mail.School.Example", True), ("dsl@notschool.example", False),
            ("dsl@school.example.evil.example", False), ("school.example@evil.example", False),
        ],
    )  # fmt: skip
    def test_an_address_that_is_not_the_agencys_does_not_hear_what_was_decided(
        self, partner: Partner, story: Story, email: str, is_told: bool
    ) -> None:
        contact = partner.sent(referrer={"email": email})
        decision = story.decided(contact)
        letter = wording.write(OutboxMessage.objects.get(kind=Message.FEEDBACK, contact=contact))
        called = shipped().pathways[decision.pathway].called.lower()
        assert (called in letter.text.lower()) is is_told
        case = Contact.objects.get(pk=contact.pk).case
        assert case is not None
        case.outcome = "needs_met"
        ended = wording.write(OutboxMessage(kind=Message.CASE_CLOSED, contact=contact, case=case))
        assert ("needs are met" in ended.text) is is_told
