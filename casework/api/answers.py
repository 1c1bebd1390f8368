"""What an agency is answered about what it sent."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.reverse import reverse

from casework.access.conditions import is_told_outcomes
from casework.api.lists import first_of
from casework.api.quality import quality_as_sent, quality_of
from casework.facts.still_open import still_open
from casework.models import Contact, File, SenderRequest
from casework.statuses import SenderStatus
from errors import Fault
from triage.published_rules import of_version


def received(contact: Contact, warnings: Iterable[Fault], request: Request) -> dict[str, Any]:
    """What the agency was answered when it sent the contact: the same whatever has become of it, and whoever asks."""
    return {
        "reference": contact.reference,
        "url": reverse("api-contact", [contact.reference], request=request),
        "agency_reference": contact.agency_reference or None,
        "received_at": contact.received_at.isoformat(),
        "status": SenderStatus.RECEIVED,
        "decided_at": None,
        "outcome": None,
        "files": [],
        "quality": quality_as_sent(contact),
        **warnings_of(warnings),
    }


def warnings_of(warnings: Iterable[Fault]) -> dict[str, Any]:
    """The first of many warnings, and how many more there are."""
    listed, left_out = first_of([*warnings])
    return {"warnings": listed, "warnings_left_out": left_out}


def status_of(contact: Contact, request: Request) -> dict[str, Any]:
    """
    What the agency may know: that we have it, what we could not read, when it hears from us, and, once decided, what.
    Never the history of the family, which other agencies told us, nor the recommendation, which rests on it.
    """
    assert contact.recommendation is not None, "every received contact has a recommendation"
    indicators = of_version(contact.recommendation.rule_set_id).rule_set.catalogue.entries
    sent_files = contact.files.filter(by_agency=contact.agency_id)
    return in_a_list(contact, request) | {
        "files": [file_of(file) for file in sent_files],
        "quality": quality_of(contact),
        "requests": [_request(request) for request in contact.sender_requests.all()],
        **warnings_of(still_open(contact, indicators=indicators)),
    }


def in_a_list(contact: Contact, request: Request) -> dict[str, Any]:
    """
    A contact as the list of the agency's own has it.

    :param contact: as `viewing` reads it, with its status and its due times.
    """
    decision = contact.decision_in_effect
    outcome = None
    if decision is not None and is_told_outcomes(contact):
        pathway = of_version(decision.recommendation.rule_set_id).rule_set.pathways[decision.pathway]
        outcome = {"pathway": pathway.id, "says": pathway.called}
    shown: Any = contact
    return {
        "reference": contact.reference,
        "url": reverse("api-contact", [contact.reference], request=request),
        "agency_reference": contact.agency_reference or None,
        "received_at": contact.received_at.isoformat(),
        "status": shown.sender_status,
        "decided_at": moment(decision.decided_at if decision is not None else None),
        "outcome": outcome,
        "acknowledged_at": moment(contact.acknowledged_at),
        "acknowledgement_due_at": moment(shown.acknowledgement_due_at),
        "next_step_due_at": moment(shown.next_step_due_at),
        "feedback_due_at": moment(shown.feedback_due_at),
        "feedback_given_at": moment(contact.feedback_given_at),
    }


def _request(asked: SenderRequest) -> dict[str, Any]:
    return {
        "kind": asked.kind,
        "step": asked.step,
        "at": moment(asked.at),
        "text": asked.text,
        "due_at": moment(asked.due_at),
        "state": asked.state,
        "ended_at": moment(asked.ended_at),
        "answer": asked.answer,
    }


def moment(at: datetime | None) -> str | None:
    """A moment as JSON has it."""
    return at.isoformat() if at is not None else None


def file_of(file: File) -> dict[str, Any]:
    """What the agency may know of a file that it sent."""
    return {
        "id": file.key,
        "name": file.name,
        "kind": file.kind,
        "size": file.size,
        "sha256": file.sha256,
        "received_at": file.at.isoformat(),
        "state": file.state,
    }
