"""What an agency hears of the contacts that it sent: every change, once, in order, and nothing of anybody."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from casework.actions import contact_owners, partner_checks
from casework.jobs import agency_events
from casework.models import AgencyEvent, AuditEvent, Contact, Event, File
from localities.models import Agency
from tests.stage.sql import run
from tests.stage.story import Story, person
from tests.stage.web_client import Partner, problem

EVENTS = "/api/v1/events"
# The token with its system, the agency, the events, and the audit event.
BUDGET = 5


def ask(partner: Partner, query: str = "") -> Any:
    return partner.http.get(f"{EVENTS}{query}", headers=partner.headers)


def read(partner: Partner, query: str = "") -> dict[str, Any]:
    agency_events.number()
    answer = ask(partner, query)
    assert answer.status_code == 200, answer.content
    said: dict[str, Any] = answer.json()
    return said


def kinds(partner: Partner, contact: Contact) -> list[str]:
    return [event["type"] for event in read(partner)["events"] if event["reference"] == contact.reference]


class TestWhatIsTold:
    def test_each_status_as_the_contact_itself_has_it(self, partner: Partner, story: Story) -> None:
        amina, now = person("amina"), timezone.now()
        contact = partner.sent()
        said = [partner.read(contact).json()["status"]]
        contact_owners.assign(contact_id=contact.pk, to_id=amina.pk, seen_owner_id=None, by=amina, now=now)
        said.append(partner.read(contact).json()["status"])
        partner_checks.ask(
            contact_id=contact.pk, agency_id=partner.agency.pk, question="How was he?", by=amina, now=timezone.now()
        )
        said.append(partner.read(contact).json()["status"])
        story.decided(contact)
        said.append(partner.read(contact).json()["status"])
        assert said == ["received", "being_looked_at", "waiting_for_your_information", "decided"]
        told = [kind for kind in kinds(partner, contact) if kind != "contact.feedback_given"]
        # The decision ends the question first.
        assert told == [f"contact.{status}" for status in (*said[:3], "being_looked_at", said[3])]

    def test_a_question_to_another_agency_is_a_look_and_its_answer_is_no_news(
        self, partner: Partner, police: Agency
    ) -> None:
        contact, amina = partner.sent(), person("amina")
        check = partner_checks.ask(
            contact_id=contact.pk, agency_id=police.pk, question="How was he?", by=amina, now=timezone.now()
        )
        partner_checks.record_answer(check_id=check.pk, answer="Well.", by=amina, now=timezone.now())
        assert kinds(partner, contact) == ["contact.received", "contact.being_looked_at"]
        assert read(Partner(police))["events"] == []

    def test_feedback_and_the_state_of_a_file(self, partner: Partner) -> None:
        contact = partner.sent()
        now = timezone.now()
        run("UPDATE casework_contact SET feedback_given_at = now() WHERE id = %s", contact.pk)
        File.objects.create(
            contact=contact, name="report.pdf", kind="pdf", size=9, sha256="0" * 64, at=now, by_agency=partner.agency,
            check_after=now,
        )  # fmt: skip
        File.objects.update(checks=1)
        File.objects.update(check_after=None, checked_at=now)
        assert kinds(partner, contact) == ["contact.received", "contact.feedback_given", "contact.file_changed"]

    def test_an_event_says_nothing_of_anybody(self, partner: Partner) -> None:
        contact = partner.sent()
        (event,) = read(partner)["events"]
        assert set(event) == {"id", "type", "reference", "url", "at"}
        assert event["url"] == f"http://testserver/api/v1/contacts/{contact.reference}"

    def test_another_agencys_contacts_are_not_there(self, partner: Partner, police: Agency, story: Story) -> None:
        contact = story.contact(by="example-police")
        assert read(partner)["events"] == []
        assert kinds(Partner(police), contact) == ["contact.received"]

    def test_old_contacts_that_are_brought_here_are_no_news(self, story: Story) -> None:
        story.now -= timedelta(days=100)
        story.contact()
        assert not AgencyEvent.objects.exists()


class TestReading:
    def test_page_by_page_until_there_is_no_more(self, partner: Partner) -> None:
        contact = partner.sent()
        AgencyEvent.objects.bulk_create(
            AgencyEvent(agency=partner.agency, contact=contact, kind="contact.received", at=timezone.now())
            for _ in range(149)
        )
        first = read(partner)
        assert (len(first["events"]), first["has_more"]) == (100, True)
        second = read(partner, first["next"].removeprefix(f"http://testserver{EVENTS}"))
        assert (len(second["events"]), second["has_more"]) == (50, False)
        numbers = [event["id"] for page in (first, second) for event in page["events"]]
        assert numbers == sorted(set(numbers))
        last = second["next"].removeprefix(f"http://testserver{EVENTS}")
        assert read(partner, last) == {"events": [], "has_more": False, "next": second["next"]}

    @pytest.mark.parametrize("query", ["?after=x", "?after=-1", "?after=9223372036854775808", "?before=3"])
    def test_what_is_no_number_is_refused(self, partner: Partner, query: str) -> None:
        problem(ask(partner, query), 400, "invalid")

    def test_it_takes_the_scope_for_reading(self, school: Agency) -> None:
        problem(ask(Partner(school, scope="contacts:write")), 403, "permission-denied")

    def test_the_audit_has_one_event_where_something_was_seen_and_it_costs_the_same(self, partner: Partner) -> None:
        sent = [partner.sent() for _ in range(3)]
        after = read(partner)["next"]
        (seen,) = AuditEvent.objects.filter(event=Event.CONTACTS_LISTED)
        assert seen.detail == {"references": [contact.reference for contact in sent]}
        read(partner, after.removeprefix(f"http://testserver{EVENTS}"))
        assert AuditEvent.objects.filter(event=Event.CONTACTS_LISTED).count() == 1
        with CaptureQueriesContext(connection) as asked:
            ask(partner)
        assert len(asked) <= BUDGET, [query["sql"] for query in asked]


def test_events_are_kept_for_ninety_days_and_numbers_go_on(partner: Partner) -> None:
    partner.sent()
    (first,) = read(partner)["events"]
    agency_events.forget(now=timezone.now() + agency_events.KEPT - timedelta(minutes=1))
    assert AgencyEvent.objects.exists()
    agency_events.forget(now=timezone.now() + agency_events.KEPT + timedelta(minutes=1))
    assert not AgencyEvent.objects.exists()
    partner.sent()
    (second,) = read(partner)["events"]
    assert second["id"] > first["id"]
