"""Receiving a contact: all or nothing, once, with everything that must come of it."""

import json
from datetime import datetime, timedelta

import pytest

from casework.actions import contacts
from casework.errors import KeyUsedForAnother, NotPermitted
from casework.models import AuditEvent, Clock, Contact, Event, OutboxMessage, Recommendation
from localities.models import Agency, User
from localities.working_time import LONDON
from tests.documents import address, child, contact_document
from tests.story import Story
from triage.documents import InvalidDocument

SATURDAY_NIGHT = datetime(2026, 11, 21, 23, 30, tzinfo=LONDON)


def test_a_contact_is_kept_as_it_was_sent(school: Agency, now: datetime) -> None:
    document = contact_document()
    contact = contacts.receive(document=document, by=school, now=now).contact
    contact.refresh_from_db()
    assert contact.document == document
    assert contact.reference.startswith("CON-")
    assert contact.received_at == now


def test_it_has_its_recommendation_with_facts_and_version(story: Story) -> None:
    contact = story.contact()
    recommendation = Recommendation.objects.get(contact=contact)
    assert contact.recommendation == recommendation
    assert (recommendation.pathway, recommendation.rag, recommendation.level) == ("family_help", "green", 3)
    assert recommendation.result["ruleset"] == "early-help-first/1" == str(recommendation.rule_set)
    assert recommendation.facts["children"][0]["age_years"] == 7
    assert recommendation.facts["family"]["in_area"] is True


def test_its_clocks_run_from_receipt(story: Story) -> None:
    contact = story.contact()
    running = {clock.kind: clock for clock in Clock.objects.running().filter(contact=contact)}
    assert set(running) == {"acknowledge_referrer", "next_step_decision", "final_decision_green"}
    assert all(clock.started_at == story.now for clock in running.values())


def test_a_telephone_contact_must_be_confirmed_in_writing(story: Story) -> None:
    contact = story.contact(received_by_phone=True)
    assert contact.clocks.get(kind="written_confirmation").due_at == story.now + timedelta(hours=48)


def test_a_hold_for_agreement_starts_its_clock(story: Story) -> None:
    contact = story.contact(agreement={"service": "not_sought"})
    assert contact.recommendation is not None
    assert contact.recommendation.hold == "agreement"
    assert contact.clocks.running().filter(kind="agreement_sought").exists()


def test_the_referrer_is_acknowledged_without_a_name(story: Story) -> None:
    contact = story.contact()
    message = OutboxMessage.objects.get(contact=contact)
    assert (message.kind, message.to) == ("acknowledgement", "dsl@school.example")


def test_a_partner_without_an_address_has_its_acknowledgement_in_the_answer(story: Story) -> None:
    contact = story.contact(referrer={"name": "Duty desk"})
    assert contact.acknowledged_at == story.now
    assert not contact.clocks.running().filter(kind="acknowledge_referrer").exists()


def test_everything_leaves_an_audit_event_without_a_name(story: Story, school: Agency) -> None:
    contact = story.contact()
    events = AuditEvent.objects.filter(contact=contact)
    assert [event.event for event in events] == [Event.RECOMMENDATION_MADE, Event.CONTACT_RECEIVED]
    assert all(event.by_agency == school for event in events)
    assert "Ashworth" not in json.dumps([event.detail for event in events])


def test_the_front_door_has_it(story: Story) -> None:
    assert story.contact().team.code == "front-door"


def test_a_red_contact_at_night_goes_to_emergency_duty(story: Story) -> None:
    contact = story.contact(at=SATURDAY_NIGHT, children=[child(indicators=["L4-01"])])
    assert (contact.rag, contact.team.code) == ("red", "emergency-duty")


def test_any_other_contact_at_night_waits_for_the_hub(story: Story) -> None:
    contact = story.contact(at=SATURDAY_NIGHT)
    assert contact.team.code == "front-door"
    assert contact.clocks.get(kind="next_step_decision").due_at == datetime(2026, 11, 24, 9, tzinfo=LONDON)


def test_a_red_contact_by_day_stays_with_the_front_door(story: Story) -> None:
    assert story.contact(children=[child(indicators=["L4-01"])]).team.code == "front-door"


class TestIdempotency:
    def test_the_same_key_and_document_is_one_contact(self, school: Agency, now: datetime) -> None:
        first = contacts.receive(document=contact_document(), by=school, now=now, idempotency_key="k")
        again = contacts.receive(
            document=contact_document(), by=school, now=now + timedelta(minutes=5), idempotency_key="k"
        )
        assert (first.is_new, again.is_new) == (True, False)
        assert first.contact == again.contact
        assert Contact.objects.count() == OutboxMessage.objects.count() == 1

    def test_the_same_key_with_another_document_is_refused(self, school: Agency, now: datetime) -> None:
        contacts.receive(document=contact_document(), by=school, now=now, idempotency_key="k")
        with pytest.raises(KeyUsedForAnother):
            contacts.receive(document=contact_document(referrer_level=2), by=school, now=now, idempotency_key="k")
        assert Contact.objects.count() == 1

    def test_two_agencies_may_use_one_key(self, school: Agency, police: Agency, now: datetime) -> None:
        contacts.receive(document=contact_document(), by=school, now=now, idempotency_key="k")
        assert contacts.receive(document=contact_document(), by=police, now=now, idempotency_key="k").is_new

    def test_without_a_key_every_contact_is_its_own(self, school: Agency, now: datetime) -> None:
        for _ in range(2):
            contacts.receive(document=contact_document(), by=school, now=now)
        assert Contact.objects.count() == 2


def test_a_document_with_faults_leaves_nothing_behind(school: Agency, now: datetime) -> None:
    with pytest.raises(InvalidDocument):
        contacts.receive(document=contact_document(type="rumour"), by=school, now=now)
    assert not Contact.objects.exists()
    assert not AuditEvent.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_a_failure_half_way_leaves_nothing_behind(
    school: Agency, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step fails, as a lost connection would make it."""

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("the line went dead")

    monkeypatch.setattr("casework.outbox.add", fail)
    with pytest.raises(OSError, match="went dead"):
        contacts.receive(document=contact_document(), by=school, now=now)
    assert not Contact.objects.exists()
    assert not Clock.objects.exists()


def test_only_front_door_staff_enter_contacts(ben: User, oliver: User, now: datetime) -> None:
    with pytest.raises(NotPermitted, match="front-door staff"):
        contacts.receive(document=contact_document(), by=ben, now=now)
    assert contacts.receive(document=contact_document(), by=oliver, now=now).contact.entered_by == oliver


class TestHistory:
    def test_the_third_contact_in_three_months_is_a_reason_to_look_again(self, story: Story) -> None:
        for _ in range(2):
            assert story.contact().rag == "green"
            story.later(days=20)
        third = story.contact()
        assert third.recommendation is not None
        assert third.recommendation.facts["family"]["contacts_3_months"] == 3
        assert (third.recommendation.pathway, third.rag) == ("social_worker_review", "amber")

    def test_a_sibling_of_another_name_at_the_same_home_belongs_to_the_household(self, story: Story) -> None:
        """Found by their mother, whose name and address agree."""
        story.contact()
        story.later(days=3)
        other = child(ref="x", first_name="Noor", last_name="Haddad", nhs_number=None, date_of_birth="2022-01-05")
        contact = story.contact(children=[other])
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["contacts_3_months"] == 2

    def test_a_stranger_does_not(self, story: Story) -> None:
        story.contact()
        story.later(days=3)
        stranger = child(
            first_name="Noor",
            last_name="Haddad",
            nhs_number=None,
            date_of_birth="2022-01-05",
            address=address("HP5 1AA"),
        )
        contact = story.contact(children=[stranger], adults=[])
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["contacts_3_months"] == 1

    def test_open_work_links(self, story: Story) -> None:
        story.accepted()
        story.later(days=3)
        contact = story.contact()
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["open_work"] == "early_help"
        assert contact.recommendation.pathway == "link_to_open_work"

    def test_early_help_that_ended_without_progress_is_remembered(self, story: Story) -> None:
        story.closed(outcome="no_progress")
        story.later(days=60)
        contact = story.contact()
        assert contact.recommendation is not None
        family = contact.recommendation.facts["family"]
        assert family["early_help_closed_without_progress_12_months"] is True
        assert family["closed_days_ago"] == 60
        assert contact.recommendation.pathway == "social_worker_review"
