"""What an agency reads of its own contacts: the list, the status in its own words, and what it has seen already."""

import base64
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from casework.actions import contact_owners, partner_checks
from casework.models import AuditEvent, Contact, Event
from localities.models import Agency
from tests.stage.documents import child
from tests.stage.story import Story, person
from tests.stage.web_client import CONTACTS, Partner, pointers, problem

# The token with its system, the agency, the page of contacts, and the audit event.
BUDGET = 4
OF_A_CONTACT = ("acknowledged_at", "acknowledgement_due_at", "next_step_due_at", "feedback_due_at", "feedback_given_at")


def ask(partner: Partner, query: str = "", **headers: str) -> Any:
    return partner.http.get(f"{CONTACTS}{query}", headers=partner.headers | headers)


def listed(partner: Partner, query: str = "") -> list[str]:
    answer = ask(partner, query)
    assert answer.status_code == 200, answer.content
    return [contact["reference"] for contact in answer.json()["contacts"]]


class TestTheList:
    def test_the_newest_come_first_page_by_page(self, partner: Partner) -> None:
        sent = [partner.sent(agency_reference=str(number)).reference for number in range(5)]
        pages, address = [], "?limit=2"
        while address:
            answer = ask(partner, address).json()
            pages.append([contact["reference"] for contact in answer["contacts"]])
            partner.sent()
            address = (answer["next"] or "").removeprefix(f"http://testserver{CONTACTS}")
        assert pages == [[sent[4], sent[3]], [sent[2], sent[1]], [sent[0]]]

    def test_it_has_what_the_agency_sent_and_nothing_else(self, partner: Partner, police: Agency, story: Story) -> None:
        story.contact(by="example-police")
        assert listed(partner) == []
        contact = partner.sent(agency_reference="PPN 7")
        (entry,) = ask(partner).json()["contacts"]
        read = partner.read(contact).json()
        beside = ("files", "quality", "requests", "warnings", "warnings_left_out")
        assert entry == {name: value for name, value in read.items() if name not in beside}
        assert listed(Partner(police)) != [contact.reference]

    def test_it_is_narrowed_by_status_day_and_own_reference(self, partner: Partner, story: Story) -> None:
        decided, waits = (partner.sent(agency_reference=name) for name in ("A 1", "B 2"))
        story.decided(decided)
        today = timezone.now().date()
        for query, found in {
            "?status=decided": [decided],
            "?status=received": [waits],
            "?status=being_looked_at": [],
            "?agency_reference=B+2": [waits],
            f"?received_from={today - timedelta(days=1)}": [waits, decided],
            f"?received_from={today + timedelta(days=1)}": [],
            f"?received_before={today - timedelta(days=1)}": [],
            f"?received_from={quote(waits.received_at.isoformat())}": [waits],
            f"?received_before={quote(waits.received_at.isoformat())}&status=decided": [decided],
        }.items():
            assert listed(partner, query) == [contact.reference for contact in found], query

    def test_every_fault_of_the_address_is_named_at_once(self, partner: Partner) -> None:
        partner.sent()
        bad = "?status=open&received_from=yesterday&received_before=2026-13-01&limit=0&stratus=decided"
        says = problem(ask(partner, bad), 400, "invalid")
        assert [error["detail"].split(":")[0] for error in says["errors"]] == [
            "status", "received_from", "received_before", "limit", "stratus",
        ]  # fmt: skip
        assert pointers(says) != {}

    @pytest.mark.parametrize("cursor", ["x", "%00", "é", base64.b64encode(b"p=yesterday").decode(), "bz0tMQ=="])
    def test_a_cursor_that_nobody_gave_is_refused(self, partner: Partner, cursor: str) -> None:
        partner.sent()
        problem(ask(partner, f"?cursor={quote(cursor)}"), 400, "invalid")

    def test_it_costs_the_same_however_many_there_are(self, partner: Partner) -> None:
        for count in (1, 6):
            while Contact.objects.count() < count:
                partner.sent()
            with CaptureQueriesContext(connection) as asked:
                assert len(listed(partner)) == count
            assert len(asked) <= BUDGET + 1, [query["sql"] for query in asked]


class TestTheStatus:
    def test_it_says_whether_somebody_looks_and_whether_they_ask_the_sender(
        self, partner: Partner, story: Story, police: Agency
    ) -> None:
        amina = person("amina")
        statuses = []
        for step in range(4):
            contact = partner.sent(agency_reference=str(step))
            if step == 1:
                contact_owners.assign(
                    contact_id=contact.pk, to_id=amina.pk, seen_owner_id=None, by=amina, now=timezone.now()
                )
            if step == 2:
                for agency in (police, partner.agency):
                    partner_checks.ask(
                        contact_id=contact.pk, agency_id=agency.pk, question="How was he?", by=amina, now=timezone.now()
                    )
            if step == 3:
                story.decided(contact)
            statuses.append(partner.read(contact).json()["status"])
        assert statuses == ["received", "being_looked_at", "waiting_for_your_information", "decided"]

    def test_a_question_to_another_agency_is_not_told(self, partner: Partner, police: Agency) -> None:
        contact = partner.sent()
        partner_checks.ask(
            contact_id=contact.pk, agency_id=police.pk, question="How was he?", by=person("amina"), now=timezone.now()
        )
        assert partner.read(contact).json()["status"] == "being_looked_at"

    def test_it_says_when_the_agency_hears_and_never_when_the_decision_is_due(
        self, partner: Partner, story: Story
    ) -> None:
        """When that is due follows from the rating."""
        red, harmless = (
            partner.sent(children=[child(first_name=name, indicators=indicators, nhs_number=None)])
            for name, indicators in (("Robin", ["L4-01"]), ("Kim", ["L2-26"]))
        )
        assert red.rag == "red" != harmless.rag
        answers = [partner.read(contact).json() for contact in (red, harmless)]
        for name in ("acknowledgement_due_at", "next_step_due_at"):
            first, second = (answer[name][:16] for answer in answers)
            assert first == second, name
        assert [answers[0][name] for name in ("acknowledged_at", "feedback_due_at", "feedback_given_at")] == [None] * 3
        assert {name for name in answers[0] if name.endswith("_at")} == {"received_at", "decided_at", *OF_A_CONTACT}
        story.decided(harmless)
        assert partner.read(harmless).json()["feedback_due_at"] is not None


class TestWhoeverHasItAlready:
    def test_is_told_that_nothing_has_changed_and_has_seen_nothing(self, partner: Partner, story: Story) -> None:
        contact = partner.sent()
        for query, event in (("", Event.CONTACTS_LISTED), (f"/{contact}", Event.CONTACT_VIEWED)):
            first = ask(partner, query)
            tag = first.headers["ETag"]
            for known in (tag, f'W/{tag}, "x"', "*"):
                again = ask(partner, query, **{"If-None-Match": known})
                assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
            assert AuditEvent.objects.filter(event=event).count() == 1
        tags = [ask(partner, query).headers["ETag"] for query in ("", f"/{contact}")]
        story.decided(contact)
        for query, tag in zip(("", f"/{contact}"), tags, strict=True):
            changed = ask(partner, query, **{"If-None-Match": tag})
            assert changed.status_code == 200
            assert "decided" in changed.content.decode()

    def test_the_audit_names_what_was_listed(self, partner: Partner) -> None:
        contact = partner.sent()
        ask(partner)
        event = AuditEvent.objects.get(event=Event.CONTACTS_LISTED)
        assert (event.by_agency, event.detail) == (partner.agency, {"references": [contact.reference]})
