"""What a partner's system is told of its token and of its limits, in the header fields that its libraries read."""

import logging
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from casework.api.urls import addresses
from casework.models import AuditEvent, Event
from localities.models import Agency
from tests.stage.logs import lines
from tests.stage.web_client import CONTACTS, Partner, every_scope, limit_calls, problem, todays_document

AccessToken = get_access_token_model()


class TestTheChallenge:
    """RFC 6750, section 3."""

    def test_without_a_token_it_says_where_one_belongs(self, client: Client, db: None) -> None:
        answer = client.get(CONTACTS)
        problem(answer, 401, "not-authenticated")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="front-door"'

    @pytest.mark.parametrize("what", ["made up", "run out", "revoked"])
    def test_a_token_that_is_none_is_invalid(self, client: Client, partner: Partner, what: str) -> None:
        token, now = AccessToken.objects.get(), timezone.now()
        if what == "run out":
            AccessToken.objects.update(expires=now - timedelta(seconds=1))
        elif what == "revoked":
            token.revoke()
        sent = "made-up" if what == "made up" else partner.token
        answer = client.get(CONTACTS, headers={"Authorization": f"Bearer {sent}"})
        problem(answer, 401, "not-authenticated")
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith('Bearer realm="front-door",error="invalid_token",')
        assert sent not in challenge

    def test_a_token_without_the_scope_is_told_which(self, school: Agency) -> None:
        answer = Partner(school, scope="contacts:write").read("CON-AAAA-AAAA")
        problem(answer, 403, "permission-denied")
        assert answer.headers["WWW-Authenticate"] == (
            'Bearer realm="front-door",error="insufficient_scope",scope="contacts:read"'
        )

    def test_an_agency_that_may_not_send_is_told_of_no_scope(self, partner: Partner, school: Agency) -> None:
        Agency.objects.filter(pk=school.pk).update(is_active=False)
        answer = partner.read("CON-AAAA-AAAA")
        problem(answer, 403, "permission-denied")
        assert "WWW-Authenticate" not in answer.headers


class TestTheCorrelationId:
    def test_it_comes_back_and_stands_in_the_audit(self, partner: Partner) -> None:
        said = {"X-Correlation-ID": "7f3c-1:a/b"}
        sent = partner.http.post(CONTACTS, todays_document(), "application/json", headers=partner.headers | said)
        read = partner.http.get(sent.json()["url"], headers=partner.headers | said)
        refused = partner.http.post(CONTACTS, {}, "application/json", headers=partner.headers | said)
        assert [answer.headers["X-Correlation-ID"] for answer in (sent, read, refused)] == ["7f3c-1:a/b"] * 3
        events = AuditEvent.objects.filter(by_agency=partner.agency)
        assert {event.detail["correlation_id"] for event in events} == {"7f3c-1:a/b"}
        assert {event.event for event in events} >= {Event.CONTACT_RECEIVED, Event.CONTACT_VIEWED}

    @pytest.mark.parametrize("said", ["Robin Ashworth", "x" * 101, "ü", "", "a\tb"])
    def test_what_is_none_is_left_out(self, partner: Partner, said: str) -> None:
        headers = partner.headers | {"X-Correlation-ID": said}
        answer = partner.http.post(CONTACTS, todays_document(), "application/json", headers=headers)
        assert answer.status_code == 201
        assert "X-Correlation-ID" not in answer.headers
        assert not AuditEvent.objects.filter(detail__has_key="correlation_id").exists()

    def test_it_is_of_one_call_alone(self, partner: Partner) -> None:
        said = partner.headers | {"X-Correlation-ID": "first"}
        partner.http.post(CONTACTS, todays_document(), "application/json", headers=said)
        later = partner.sent(agency_reference="another")
        assert not later.events.filter(detail__has_key="correlation_id").exists()

    def test_it_is_in_no_log(self, partner: Partner, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO):
            partner.http.get(CONTACTS, headers=partner.headers | {"X-Correlation-ID": "first"})
        said = lines(caplog)
        assert said
        assert "first" not in str(said)


class TestTheLimits:
    """draft-ietf-httpapi-ratelimit-headers-10."""

    @pytest.fixture(autouse=True)
    def _two_a_minute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        limit_calls(monkeypatch, "2/min")

    def test_each_answer_says_how_many_calls_are_left(self, partner: Partner) -> None:
        for left in (1, 0):
            answer = partner.send(todays_document())
            assert answer.headers["RateLimit-Policy"] == '"sending";q=2;w=60'
            says = re.fullmatch(r'"sending";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
            assert says is not None
            assert int(says[1]) == left
            assert 1 <= int(says[2]) <= 60
        read = partner.read("CON-AAAA-AAAA")
        assert read.headers["RateLimit"].startswith('"reading";r=1;')

    def test_a_refusal_says_so_too_and_when_there_is_another(self, partner: Partner) -> None:
        for _ in range(2):
            partner.sent()
        answer = partner.send(todays_document())
        problem(answer, 429, "throttled")
        assert answer.headers["RateLimit"].startswith('"sending";r=0;t=')

    def test_what_may_not_wait_has_a_count_of_its_own(self, partner: Partner) -> None:
        for _ in range(2):
            partner.sent()
        answer = partner.send(todays_document(immediate_danger=True))
        assert answer.status_code == 201
        assert answer.headers["RateLimit-Policy"] == '"sending";q=2;w=60, "urgent";q=2;w=60'
        assert re.fullmatch(r'"sending";r=0;t=\d+, "urgent";r=1;t=\d+', answer.headers["RateLimit"])

    def test_every_address_that_needs_a_token_says_it(self, school: Agency) -> None:
        partner = Partner(school, scope=every_scope())
        for address in addresses:
            path = f"/api/v1/{re.sub('<.*>', 'CON-AAAA-AAAA', str(address.pattern))}"
            limit = {
                method: partner.http.generic(method, path, b"{}", "application/json", headers=partner.headers)
                for method in getattr(getattr(address.callback, "cls", None), "required_scopes", {})
            }
            assert [method for method, answer in limit.items() if "RateLimit" not in answer.headers] == [], path
