"""Contacts that are sent together: what is refused at once, what is taken in, and what its sender reads of each."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from casework.api.throttling import AgencyThrottle
from casework.jobs import contact_batches
from casework.models import AuditEvent, BatchEntry, Contact, ContactBatch, Event
from casework.models.contact_batches import MOST_CONTACTS
from localities.models import Agency
from tests.stage.documents import child
from tests.stage.web_client import Partner, pointers, problem, todays_document

BATCHES = "/api/v1/contact-batches"
NAMES = ("Ada", "Bo", "Cyd", "Dev", "Eve")


def entry(key: str, **changes: Any) -> dict[str, Any]:
    return {"idempotency_key": key, "contact": todays_document(**changes)}


def send(partner: Partner, contacts: Any, **headers: str) -> Any:
    body = contacts if isinstance(contacts, dict) else {"contacts": contacts}
    return partner.http.post(BATCHES, body, content_type="application/json", headers=partner.headers | headers)


def read(partner: Partner, sent: Any, **headers: str) -> Any:
    return partner.http.get(f"{BATCHES}/{sent.json()['id']}", headers=partner.headers | headers)


def take_in() -> int:
    return contact_batches.take_in(clock=timezone.now)


def results(partner: Partner, sent: Any) -> list[dict[str, Any]]:
    return list(read(partner, sent).json()["results"])


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda **rates: monkeypatch.setattr(AgencyThrottle, "THROTTLE_RATES", {"agency": "600/min"} | rates)


class TestSending:
    def test_it_is_answered_before_anything_is_taken_in(self, partner: Partner) -> None:
        sent = send(partner, [entry("a"), entry("b")])
        assert sent.status_code == 202, sent.content
        assert (sent.json()["waiting"], Contact.objects.count()) == (2, 0)
        assert sent.headers["Location"] == sent.json()["url"]
        assert partner.http.get(sent.json()["url"], headers=partner.headers).json() == sent.json()

    def test_each_gets_the_answer_that_it_would_have_had_alone(self, partner: Partner) -> None:
        alone = partner.send(todays_document(children=[child(nhs_number="999 000 0017")])).json()
        sent = send(partner, [entry("a", children=[child(nhs_number="999 000 0017")])])
        assert take_in() == 1
        (result,) = results(partner, sent)
        assert (result["state"], result["replayed"], result["problem"]) == ("taken_in", False, None)
        differ = {"reference", "url", "received_at"}
        assert {name: value for name, value in result["contact"].items() if name not in differ} == {
            name: value for name, value in alone.items() if name not in differ
        }
        assert result["contact"]["warnings"], "its number is none"
        assert partner.read(result["contact"]["reference"]).status_code == 200

    def test_what_is_not_valid_is_refused_at_once_as_it_would_be_alone_and_the_others_are_taken_in(
        self, partner: Partner
    ) -> None:
        alone = problem(partner.send(todays_document(type="rumour", colour="blue")), 400, "invalid")
        sent = send(partner, [entry("a"), entry("b", type="rumour", colour="blue"), entry("c")])
        assert (sent.json()["waiting"], sent.json()["refused"]) == (2, 1)
        refused = sent.json()["results"][1]
        assert (refused["state"], refused["problem"]) == ("refused", alone)
        assert not BatchEntry.objects.filter(position=1, document__isnull=False).exists(), "nothing of it is kept"
        take_in()
        assert [result["state"] for result in results(partner, sent)] == ["taken_in", "refused", "taken_in"]
        assert Contact.objects.count() == 2

    def test_of_many_faults_a_hundred_are_kept_and_it_says_how_many_there_are(self, partner: Partner) -> None:
        unknown = {f"colour_{number}": "blue" for number in range(130)}
        said = send(partner, [entry("a", **unknown)]).json()["results"][0]["problem"]
        assert (len(said["errors"]), said["errors_left_out"]) == (100, 30)
        assert "30 more faults are not listed" in said["detail"]

    def test_what_a_person_typed_is_kept_to_the_letter(self, partner: Partner) -> None:
        """Also what no column for JSON takes: nothing, half of a character, and a number that is infinite."""
        strange = {"concern": {"worries": "Mum said \x00 \ud83d so."}, "agency_reference": "7"}
        alone = partner.send(todays_document(**strange)).json()
        sent = send(partner, [entry("a", **strange)])
        assert sent.status_code == 202
        take_in()
        (result,) = results(partner, sent)
        assert result["contact"]["warnings"] == alone["warnings"] != []
        both = Contact.objects.order_by("pk")
        assert both[0].document == both[1].document
        assert both[0].digest == both[1].digest

    @pytest.mark.parametrize(
        ("body", "at"),
        [
            ([], "#"),
            ({}, "#"),
            ({"contacts": {}}, "#"),
            ({"contacts": []}, "#/contacts"),
            ({"contacts": [{}] * (MOST_CONTACTS + 1)}, "#/contacts"),
            ({"contacts": [entry("a")], "colour": "blue"}, "#/colour"),
            ({"contacts": ["a"]}, "#/contacts/0"),
            ({"contacts": [{"contact": {}}]}, "#/contacts/0/idempotency_key"),
            ({"contacts": [entry(" ")]}, "#/contacts/0/idempotency_key"),
            ({"contacts": [entry("a" * 256)]}, "#/contacts/0/idempotency_key"),
            ({"contacts": [entry("a\x00")]}, "#/contacts/0/idempotency_key"),
            ({"contacts": [{"idempotency_key": 7, "contact": {}}]}, "#/contacts/0/idempotency_key"),
            ({"contacts": [entry("a"), {"idempotency_key": "b"}]}, "#/contacts/1/contact"),
            ({"contacts": [entry("a") | {"type": "x"}]}, "#/contacts/0/type"),
        ],
    )  # fmt: skip
    def test_what_is_no_batch_is_refused_with_every_fault_and_nothing_is_kept(
        self, partner: Partner, body: Any, at: str
    ) -> None:
        answer = partner.http.post(BATCHES, body, content_type="application/json", headers=partner.headers)
        assert at in pointers(problem(answer, 400, "invalid"))
        assert not ContactBatch.objects.exists()

    def test_a_hundred_are_taken_in(self, partner: Partner) -> None:
        contacts = [entry(str(number), children=[child(nhs_number=None)]) for number in range(MOST_CONTACTS)]
        sent = send(partner, contacts)
        assert sent.json()["waiting"] == MOST_CONTACTS
        assert take_in() == MOST_CONTACTS
        answer = read(partner, sent).json()
        assert answer["taken_in"] == MOST_CONTACTS
        assert [result["idempotency_key"] for result in answer["results"]] == [
            each["idempotency_key"] for each in contacts
        ]

    def test_each_counts_those_before_it(self, partner: Partner) -> None:
        sent = send(partner, [entry(name, agency_reference=name) for name in NAMES])
        take_in()
        references = [result["contact"]["reference"] for result in results(partner, sent)]
        contacts = [Contact.objects.select_related("recommendation").get(reference=each) for each in references]
        counted = [contact.recommendation.facts["family"]["contacts_3_months"] for contact in contacts]  # type: ignore[union-attr]
        assert counted == [1, 2, 3, 4, 5]


class TestWhatComesAgain:
    def test_a_batch_that_is_sent_again_takes_nothing_in_twice(self, partner: Partner) -> None:
        contacts = [entry(name) for name in NAMES]
        first = send(partner, contacts)
        take_in()
        second = send(partner, contacts)
        take_in()
        assert Contact.objects.count() == len(NAMES)
        was, again = results(partner, first), results(partner, second)
        assert [result["contact"] for result in again] == [result["contact"] for result in was]
        assert ({result["replayed"] for result in was}, {result["replayed"] for result in again}) == ({False}, {True})

    def test_its_keys_are_those_of_contacts_that_are_sent_alone(self, partner: Partner) -> None:
        alone = partner.send(todays_document(), key="a").json()
        sent = send(partner, [entry("a"), entry("b")])
        take_in()
        first, second = results(partner, sent)
        assert (first["contact"], first["replayed"], second["replayed"]) == (alone, True, False)
        again = partner.send(todays_document(), key="b")
        assert (again.json(), again.headers["Idempotency-Replayed"]) == (second["contact"], "true")

    def test_another_contact_with_the_same_key_is_refused_and_the_first_stays(self, partner: Partner) -> None:
        sent = send(partner, [entry("a"), entry("a", referrer_level=1), entry("a")])
        take_in()
        first, second, third = results(partner, sent)
        assert [result["state"] for result in (first, second, third)] == ["taken_in", "refused", "taken_in"]
        assert second["problem"]["type"] == "urn:front-door:problem:idempotency-key-reused"
        assert second["problem"]["status"] == 422
        assert third["contact"] == first["contact"]
        assert not third["replayed"], "it did not come before this batch"

    def test_a_key_is_one_agencys_own(self, partner: Partner, police: Agency) -> None:
        others = Partner(police)
        for each in (partner, others):
            send(each, [entry("a")])
        take_in()
        assert Contact.objects.count() == 2


class TestReading:
    def test_until_something_changes_the_answer_is_304_and_the_audit_names_what_was_seen_once(
        self, partner: Partner
    ) -> None:
        sent = send(partner, [entry("a")])
        take_in()
        answer = read(partner, sent)
        for _ in range(3):
            assert read(partner, sent, **{"If-None-Match": answer.headers["ETag"]}).status_code == 304
        (event,) = AuditEvent.objects.filter(event=Event.CONTACTS_LISTED)
        assert event.detail["references"] == [answer.json()["results"][0]["contact"]["reference"]]

    def test_it_says_nothing_of_what_became_of_a_contact_since(self, partner: Partner) -> None:
        sent = send(partner, [entry("a")])
        take_in()
        before = read(partner, sent).json()
        Contact.objects.update(acknowledged_at=timezone.now())
        assert read(partner, sent).json() == before

    def test_a_system_that_may_only_send_hears_what_became_of_its_batch(self, school: Agency) -> None:
        sends = Partner(school, scope="contacts:write")
        sent = send(sends, [entry("a")])
        assert read(sends, sent).status_code == 200
        reads = Partner(school, scope="contacts:read")
        problem(read(reads, sent), 403, "permission-denied")
        problem(send(reads, [entry("b")]), 403, "permission-denied")

    def test_it_costs_no_more_for_a_hundred_than_for_one(self, partner: Partner) -> None:
        cost = []
        for number in (1, 30):
            sent = send(
                partner, [entry(f"{number}/{each}", children=[child(nhs_number=None)]) for each in range(number)]
            )
            take_in()
            with CaptureQueriesContext(connection) as statements:
                assert read(partner, sent).status_code == 200
            cost.append(len(statements))
        assert cost[0] == cost[1] <= 7


class TestTheLimit:
    def test_batches_have_a_limit_of_their_own(self, partner: Partner, rates: Any) -> None:
        rates(batches="1/min")
        assert send(partner, [entry("a")]).headers["RateLimit-Policy"] == '"batches";q=1;w=60'
        refused = send(partner, [entry("b")])
        problem(refused, 429, "throttled")
        assert partner.send(todays_document()).status_code == 201
        assert BatchEntry.objects.count() == 1

    def test_a_child_in_danger_is_taken_in_beyond_it(self, partner: Partner, rates: Any) -> None:
        rates(batches="1/min")
        send(partner, [entry("a")])
        assert send(partner, [entry("b"), entry("c", immediate_danger=True)]).status_code == 202
        problem(send(partner, {"contacts": "none"}), 429, "throttled")


class TestTheAudit:
    def test_it_says_how_many_came_and_by_which_call_each_was_taken_in(self, partner: Partner) -> None:
        send(partner, [entry("a"), entry("b", type="rumour")], **{"X-Correlation-ID": "call-7"})
        event = AuditEvent.objects.get(event=Event.BATCH_RECEIVED)
        assert (event.by_agency, event.detail["contacts"], event.detail["refused"]) == (partner.agency, 2, 1)
        take_in()
        assert AuditEvent.objects.get(event=Event.CONTACT_RECEIVED).detail["correlation_id"] == "call-7"


class TestWhatIsKept:
    def test_nothing_that_waits_is_deleted(self, partner: Partner) -> None:
        send(partner, [entry("a")])
        with pytest.raises(IntegrityError, match="accepted"), transaction.atomic():
            BatchEntry.objects.all().delete()
        contact_batches.forget(now=timezone.now() + timedelta(days=400))
        assert ContactBatch.objects.count() == 1

    def test_what_became_of_it_can_be_read_for_thirty_days(self, partner: Partner) -> None:
        sent = send(partner, [entry("a")])
        take_in()
        contact_batches.forget(now=timezone.now() + contact_batches.KEPT - timedelta(minutes=1))
        assert read(partner, sent).status_code == 200
        contact_batches.forget(now=timezone.now() + contact_batches.KEPT + timedelta(minutes=1))
        problem(read(partner, sent), 404, "not-found")
        assert Contact.objects.count() == 1
        assert not BatchEntry.objects.exists()
