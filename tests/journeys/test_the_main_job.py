"""
The main job, end to end, over real HTTP with a real worker: a contact comes in, the rules recommend, a person decides,
the locality's team accepts the case, the referrer is told, and reminders are sent for what is late.
"""

import re
from datetime import timedelta
from email.message import Message
from typing import Any

import pytest
import requests
from django.utils import timezone

from casework.models import Case, Clock, Contact, OutboxMessage, Reminder
from casework.record import integrity
from tests.stage.documents import child, contact_document
from tests.stage.pages import CLOSING
from tests.stage.service import PATIENCE, Person, Service, wait_until


def of_family(number: int, **changes: Any) -> dict[str, Any]:
    """Changes that make this contact about a different family."""
    born = f"2019-0{number}-04"
    return {
        "children": [child(last_name=f"Journey{number}", date_of_birth=born, nhs_number=None, **changes)],
        "adults": [],
        "family_indicators": [],
    }


def send(service: Service, **changes: object) -> str:
    """Sends a contact through the API and returns its reference."""
    answer = requests.post(
        f"{service.base_url}/api/v1/contacts",
        json=contact_document(**changes),
        headers={"Authorization": f"Bearer {service.token()}"},
        timeout=PATIENCE,
    )
    assert answer.status_code == 201, answer.text
    reference: str = answer.json()["reference"]
    return reference


def read(service: Service, reference: str) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {service.token()}"}
    answer = requests.get(f"{service.base_url}/api/v1/contacts/{reference}", headers=headers, timeout=PATIENCE)
    document: dict[str, object] = answer.json()
    return document


def decide(person: Person, reference: str, pathway: str, level: int, rag: str, as_seen_by: Person | None = None) -> str:
    page = (as_seen_by or person).open(f"/contacts/{reference}/decide/")
    recommendation = re.search(r'name="decide-recommendation" value="(\d+)"', page)
    assert recommendation
    return person.send(
        f"/contacts/{reference}/decide/",
        {
            "decide-recommendation": recommendation[1],
            "decide-pathway": pathway,
            "decide-level": level,
            "decide-rag": rag,
            "decide-history": "The families of these journeys are alike, and not one.",
            "decide-rationale": "What the school saw, and what the history says, point the same way.",
            "confirmed": "yes",
        },
        form_on=f"/contacts/{reference}/",
    )


def accept(person: Person, case: Case) -> None:
    page = person.open(f"/cases/{case}/accept/")
    handoff = re.search(r'name="handoff" value="(\d+)"', page)
    assert handoff
    person.send(f"/cases/{case}/accept/", {"handoff": handoff[1]}, form_on=f"/cases/{case}/accept/")


def close(person: Person, case: Case) -> None:
    person.send(f"/cases/{case}/close/", CLOSING | {"confirmed": "yes"}, form_on=f"/cases/{case}/close/")


def sent(service: Service, words: str) -> bool:
    return any(words in str(message["Subject"]) for message in service.mailbox.messages)


def mailed(service: Service, words: str) -> bool:
    """Whether the text was e-mailed, alone or in a combined e-mail. The half-hour wait is skipped."""
    now = timezone.now()
    waiting = OutboxMessage.objects.filter(
        reminder__isnull=False, sent_at=None, created_at__lte=now, not_before__gt=now
    )
    waiting.update(not_before=now)
    return any(words in text(message) for message in service.mailbox.messages)


def text(message: Message) -> str:
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def test_level_3_with_agreement_goes_to_the_locality_and_the_school_is_told(service: Service) -> None:
    reference = send(service, **of_family(1, indicators=["L3-12"]))
    wait_until(lambda: sent(service, f"We have your contact {reference}"), "the school is acknowledged")

    amina = service.person("amina")
    page = amina.open(f"/contacts/{reference}/")
    assert "Family help" in page
    assert "Green" in page
    assert "Aylesbury team" in page
    assert "A level 3 need, and the family agrees to help." in page
    decide(amina, reference, "family_help", 3, "green")

    contact = Contact.objects.get(reference=reference)
    case = Case.objects.get(contacts=contact)
    assert case.locality is not None
    assert case.locality.code == "aylesbury"

    ben = service.person("ben")
    assert str(case) in ben.open("/")
    accept(ben, case)
    page = ben.open(f"/cases/{case}/")
    lead = re.search(r'<option value="(\d+)">Bea Thornton</option>', page)
    assert lead
    ben.send(f"/cases/{case}/lead/", {"lead-lead": lead[1]}, form_on=f"/cases/{case}/")
    close(ben, case)

    wait_until(
        lambda: sent(service, f"What we decided about your contact {reference}"), "the school is told the decision"
    )
    wait_until(
        lambda: sent(service, f"began with your contact {reference} has ended"), "the school is told of the closing"
    )
    feedback = OutboxMessage.objects.get(contact=contact, kind="feedback")
    assert feedback.sent_at is not None
    contact.refresh_from_db()
    assert contact.feedback_given_at is not None
    assert read(service, reference)["outcome"] == {"pathway": "family_help", "says": "Family help"}
    assert [team.team.code for team in case.responsibilities.select_related("team")] == ["front-door", "aylesbury"]
    assert not Clock.objects.running().filter(case=case).exists()
    assert not any("Journey1" in str(message) or "Robin" in str(message) for message in service.mailbox.messages)
    assert [finding for finding in integrity.check() if finding.broken] == []


def test_level_4_goes_to_child_protection_by_a_managers_decision(service: Service) -> None:
    reference = send(service, **of_family(2, indicators=["L3-01", "L4-01"]))

    amina = service.person("amina")
    page = amina.open(f"/contacts/{reference}/")
    assert "Strategy discussion" in page
    assert "Red" in page
    assert "A manager decides" in page
    maya = service.person("maya")
    with pytest.raises(AssertionError, match=r"403 .*A manager decides"):
        decide(amina, reference, "strategy_discussion", 4, "red", as_seen_by=maya)

    decide(maya, reference, "strategy_discussion", 4, "red")
    case = Case.objects.get(contacts__reference=reference)
    pat = service.person("pat")
    accept(pat, case)
    case.refresh_from_db()
    assert (case.pathway, case.rag) == ("strategy_discussion", "red")
    teams = [responsibility.team.code for responsibility in case.responsibilities.select_related("team")]
    # At night and at the weekend emergency duty has a red contact first.
    assert teams in (["front-door", "child-protection"], ["emergency-duty", "child-protection"])
    assert {clock.kind for clock in case.clocks.running()} >= {"strategy_discussion", "social_work_assessment"}
    wait_until(
        lambda: sent(service, f"What we decided about your contact {reference}"), "the school is told the decision"
    )
    assert [finding for finding in integrity.check() if finding.broken] == []


def test_the_worker_sends_a_reminder_for_an_overdue_clock(service: Service) -> None:
    reference = send(service, **of_family(3))
    clock = Clock.objects.get(contact__reference=reference, kind="next_step_decision")
    # Nobody can wait a working day in a test: the moments are moved into the past instead, as plain facts.
    now = timezone.now()
    Clock.objects.filter(pk=clock.pk).update(
        warn_at=now - timedelta(hours=2), due_at=now - timedelta(hours=1), next_at=now - timedelta(hours=2)
    )
    wait_until(lambda: mailed(service, f"Late: next step decision, {reference}"), "the breach is sent")
    assert {reminder.step for reminder in Reminder.objects.filter(clock=clock)} == {"warning", "breach"}
    assert "Next step decision" in service.person("maya").open("/")
