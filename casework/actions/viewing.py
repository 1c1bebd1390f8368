"""Views of a contact or a case. The audit records every view."""

from datetime import datetime

from django.db.models.functions import Coalesce

from casework.access.loading import people_visible_to
from casework.actions import reminders
from casework.facts.learned import WITH_CHANGES
from casework.models import Case, Contact, Event, Person
from casework.record import audit
from localities.models import Agency, User


def view_contact(*, reference: str, by: User, now: datetime) -> Contact:
    """
    The contact, if this user may see it. A view writes to the audit and marks reminders as seen, and nothing else.

    :raises Contact.DoesNotExist: there is no such contact, or it is out of scope.
    """
    contact = (
        Contact.objects.visible_to(by, now)
        .select_related(
            "team",
            "agency",
            "entered_by",
            "screened_by",
            "recommendation",
            "decision_in_effect__decided_by",
            "case",
            "resend_of",
        )
        .prefetch_related("children__person", "adults__person", WITH_CHANGES)
        .get(reference=reference)
    )
    reminders.see_about(contact, by=by, now=now)
    audit.record(Event.CONTACT_VIEWED, by=by, at=now, contact=contact)
    return contact


def view_own_contact(*, reference: str, by: Agency, now: datetime) -> Contact:
    """
    A contact that this agency sent.

    :raises Contact.DoesNotExist: there is no such contact, or another agency sent it.
    """
    contact = (
        Contact.objects.filter(agency=by)
        .select_related("decision_in_effect__recommendation", "case")
        .get(reference=reference)
    )
    audit.record(Event.CONTACT_VIEWED, by=by, at=now, contact=contact)
    return contact


def view_person(*, reference: str, by: User, now: datetime) -> Person:
    """
    The person, if this user may see them. Any record of a person leads to the one that stands for them.

    :raises Person.DoesNotExist: there is no such person, or none on a contact that the user may see.
    """
    stands_for = Person.objects.filter(reference=reference).values(found=Coalesce("same_as", "pk"))
    person = people_visible_to(by, now).get(pk__in=stands_for)
    audit.record(Event.PERSON_VIEWED, by=by, at=now, person=person.reference)
    return person


def view_case(*, reference: str, by: User, now: datetime) -> Case:
    """
    The case, if this user may see it.

    :raises Case.DoesNotExist: there is no such case, or it is out of scope.
    """
    case = (
        Case.objects.visible_to(by, now)
        .with_rule_set()
        .with_restricted()
        .select_related("locality", "runner_up", "lead_practitioner", "other_authority", "closed_by",
                        "opened_by_decision__decided_by")
        .get(reference=reference)
    )  # fmt: skip
    reminders.see_about(case, by=by, now=now)
    audit.record(Event.CASE_VIEWED, by=by, at=now, case=case)
    return case
