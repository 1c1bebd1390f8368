"""The only function that changes a status. The lifecycle must allow the move, and a row says when, by whom and why."""

from datetime import datetime
from typing import Any

from casework.models import Case, Contact, Handoff, PartnerCheck, PersonMatch, StatusChange
from casework.statuses import CASE, CONTACT, HANDOFF, MATCH, PARTNER_CHECK, Lifecycle
from errors import InvalidTransition
from localities.models import User

Subject = Contact | PartnerCheck | Handoff | Case | PersonMatch


def move(subject: Subject, *, to: str, by: User | None, at: datetime, why: str = "", **also: object) -> None:
    """
    Moves a locked row to another status and records the change.

    :param also: other fields to save in the same statement, such as who answered and when.
    :raises InvalidTransition: the lifecycle has no such move.
    """
    lifecycle, column = _lifecycle(subject)
    before = subject.status
    if not lifecycle.allows(before, to):
        raise InvalidTransition(f"This {lifecycle.name} is {subject.get_status_display().lower()} already.")
    subject.status = to
    for name, value in also.items():
        setattr(subject, name, value)
    subject.save(update_fields=["status", *also])
    StatusChange.objects.create(at=at, by=by, from_status=before, to_status=to, why=why, **{column: subject})


def _lifecycle(subject: Subject) -> tuple[Lifecycle[Any], str]:
    match subject:
        case Contact():
            return CONTACT, "contact"
        case PartnerCheck():
            return PARTNER_CHECK, "partner_check"
        case Handoff():
            return HANDOFF, "handoff"
        case PersonMatch():
            return MATCH, "match"
        case _:
            return CASE, "case"
