"""Views of a contact or a case. The audit records every view."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast

from django.db.models import Case as SqlCase
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from casework.access import restricted
from casework.access.loading import people_visible_to
from casework.actions import reminders
from casework.families import sameness
from casework.families.naming import name_rows
from casework.families.recorded import ADULTS
from casework.families.sameness import OF_A_MATCH
from casework.models import (
    AgencyEvent,
    BatchEntry,
    Case,
    Clock,
    Contact,
    ContactBatch,
    ContactChild,
    ContactHandover,
    Decision,
    DetailToCheck,
    Event,
    FactChange,
    Information,
    PartnerCheck,
    Person,
    PersonMatch,
    away_on,
    files_on,
    unfinished_forms_of,
)
from casework.models.inserting import insert_all
from casework.models.together import read_together, share_out
from casework.record import audit
from casework.statuses import ContactStatus, PartnerCheckStatus, SenderStatus
from localities.models import OVERSEEING_ROLES, Agency, User
from localities.roles import roles_of
from localities.working_time import local_day

# What the sender of a contact is promised, whatever the contact's rating: the clocks by what they are for.
DUE_TO_SENDER = {
    "acknowledgement": "acknowledge_referrer",
    "next_step": "next_step_decision",
    "feedback": "feedback_to_referrer",
}
LEARNED = Information.objects.select_related("by_user", "by_agency")


def view_contact(*, reference: str, by: User, now: datetime) -> Contact:
    """
    The contact, if this user may see it. A view writes to the audit and marks reminders as seen, and nothing else.

    :raises Contact.DoesNotExist: there is no such contact, or it is out of scope.
    """
    parts = {
        "unfinished_forms": unfinished_forms_of(by),
        "listed_files": files_on(contact=OuterRef("pk")),
        "owner_away": away_on(local_day(now), "owner"),
    }
    contacts = Contact.objects.visible_to(by, now).annotate(**parts).select_related(
        "team", "owner", "agency", "entered_by", "screened_by", "recommendation", "decision_in_effect__decided_by",
        "case", "resend_of",
    )  # fmt: skip
    learned = FactChange.objects.filter(information__contact__reference=reference)
    contact = _with_parts(
        contacts,
        reference,
        learned,
        adults=ADULTS.all(),
        information=LEARNED,
        details_to_check=DetailToCheck.objects.all(),
    )
    share_out(contact.information.all(), changes=learned)
    name_rows([*contact.children.all(), *contact.adults.all()], by, now)
    seen = reminders.seeing_about(contact, by=by, now=now)
    insert_all([audit.entry(Event.CONTACT_VIEWED, by=by, at=now, contact=contact)], beside=[seen])
    return contact


def view_for_decision(
    *, reference: str, check: Callable[[Contact], object] = lambda _: None, by: User, now: datetime
) -> Contact:
    """
    The contact as the pages of its decision show it: its family, and what the rules recommend. The view is audited.

    :param check: raises an error if the contact is not shown: then there was no view.
    :raises Contact.DoesNotExist: there is no such contact, or it is out of scope.
    """
    contacts = Contact.objects.visible_to(by, now).annotate(unfinished_forms=unfinished_forms_of(by))
    contact = _with_parts(
        contacts.select_related("team", "agency", "recommendation", "case"),
        reference,
        adults=ADULTS.all(),
        handovers=ContactHandover.objects.select_related("to_team"),
        partner_checks=PartnerCheck.objects.select_related("agency").order_by("pk"),
        decisions=Decision.objects.select_related("decided_by", "sign_off__by", "chosen_team", "chosen_case"),
        clocks=Clock.objects.all(),
    )
    check(contact)
    name_rows(contact.children.all(), by, now)
    audit.record(Event.CONTACT_VIEWED, by=by, at=now, contact=contact)
    return contact


def view_own_contact(
    *, reference: str, check: Callable[[Contact], object] = lambda _: None, by: Agency, now: datetime
) -> Contact:
    """
    A contact that this agency sent, with `sender_status` and when what it is promised is due. The view is audited.

    :param check: raises an error if the contact is not shown: then there was no view.
    :raises Contact.DoesNotExist: there is no such contact, or another agency sent it.
    """
    contact = _own_contacts(by).select_related("recommendation", "case").get(reference=reference)
    check(contact)
    audit.record(Event.CONTACT_VIEWED, by=by, at=now, contact=contact)
    return contact


def list_own_contacts(
    *,
    narrowed: Callable[[QuerySet[Contact]], Sequence[Contact]],
    check: Callable[[Sequence[Contact]], object] = lambda _: None,
    by: Agency,
    now: datetime,
) -> Sequence[Contact]:
    """
    Contacts that this agency sent, as `view_own_contact` has them. One audit event names those that are shown.

    :param narrowed: takes all of them, and returns those of one page.
    :param check: raises an error if the contacts are not shown: then nothing was listed.
    """
    contacts = narrowed(_own_contacts(by))
    check(contacts)
    audit.record(Event.CONTACTS_LISTED, by=by, at=now, references=[contact.reference for contact in contacts])
    return contacts


def view_own_batch(
    *, key: str, check: Callable[[ContactBatch], object] = lambda _: None, by: Agency, now: datetime
) -> ContactBatch:
    """
    A batch that this agency sent, with its contacts as they were received. One audit event names these.

    :param check: raises an error if the batch is not shown: then it was not viewed.
    :raises ContactBatch.DoesNotExist: there is none, or another agency sent it.
    """
    entries = BatchEntry.objects.select_related("contact").prefetch_related("contact__details_to_check")
    batch = ContactBatch.objects.prefetch_related(Prefetch("entries", entries)).get(key=key, agency=by)
    check(batch)
    references = [entry.contact.reference for entry in batch.entries.all() if entry.contact is not None]
    audit.record(Event.CONTACTS_LISTED, by=by, at=now, batch=batch.key, references=references)
    return batch


def list_own_checks(
    *,
    narrowed: Callable[[QuerySet[PartnerCheck]], Sequence[PartnerCheck]],
    check: Callable[[Sequence[PartnerCheck]], object] = lambda _: None,
    by: Agency,
    now: datetime,
) -> Sequence[PartnerCheck]:
    """
    Questions to this agency that it reads in its own system. One audit event names those that are shown.

    `named` are the children of each, `due_at` when the answer is due. Of a contact that somebody has restricted since,
    no child is named.

    :param narrowed: takes all of them, and returns those of one page.
    :param check: raises an error if they are not shown: then nothing was listed.
    """
    due_at = Clock.objects.running().filter(partner_check=OuterRef("pk")).values("due_at")[:1]
    every = PartnerCheck.objects.own(by).annotate(due_at=Subquery(due_at)).select_related("contact")
    shown = narrowed(every.prefetch_related("replies"))
    contacts = {each.contact_id: each.contact for each in shown}
    closed = set()
    if restricted.in_force_on(*contacts.values()).exists():
        closed = {pk for pk, contact in contacts.items() if restricted.in_force_on(contact).exists()}
    asked_about = [pk for each in shown if each.contact_id not in closed for pk in each.child_ids]
    children = ContactChild.objects.in_bulk(asked_about)
    for each in shown:
        cast("Any", each).named = [children[pk] for pk in each.child_ids if pk in children]
    check(shown)
    if shown:
        audit.record(Event.PARTNER_CHECKS_VIEWED, by=by, at=now, checks=[each.pk for each in shown])
    return shown


def list_own_events(*, after: int, at_most: int, shown: int, by: Agency, now: datetime) -> list[AgencyEvent]:
    """
    What changed about contacts that this agency sent, in order. One audit event names those of which it learns.

    :param after: the number after which they come.
    :param shown: how many of them are shown: whether there are more is no view of them.
    """
    numbered = AgencyEvent.objects.filter(agency=by, number__gt=after).select_related("contact")
    events = list(numbered.order_by("number")[:at_most])
    if events:
        references = list(dict.fromkeys(event.contact.reference for event in events[:shown]))
        audit.record(Event.CONTACTS_LISTED, by=by, at=now, references=references)
    return events


def _own_contacts(agency: Agency) -> QuerySet[Contact]:
    """
    `sender_status` is the status as the agency may know it. The deadlines are those that are the same for every
    contact: when the decision is due follows from the rating, which the agency must not learn.
    """
    checks = PartnerCheck.objects.filter(contact=OuterRef("pk"))
    is_asked = Exists(checks.filter(agency=agency, status=PartnerCheckStatus.ASKED))
    somebody_looked = ~Q(status=ContactStatus.RECEIVED) | Q(owner__isnull=False) | Q(screened_at__isnull=False)
    status = SqlCase(
        When(status=ContactStatus.DECIDED, then=Value(SenderStatus.DECIDED)),
        When(is_asked, then=Value(SenderStatus.WAITING_FOR_YOU)),
        When(somebody_looked | Exists(checks), then=Value(SenderStatus.BEING_LOOKED_AT)),
        default=Value(SenderStatus.RECEIVED),
    )
    due = {
        f"{name}_due_at": Subquery(
            Clock.objects.running().filter(contact=OuterRef("pk"), kind=kind).values("due_at")[:1]
        )
        for name, kind in DUE_TO_SENDER.items()
    }
    contacts = Contact.objects.filter(agency=agency).annotate(sender_status=status, **due)
    return contacts.select_related("decision_in_effect__recommendation")


def view_person(*, reference: str, by: User, now: datetime) -> Person:
    """
    The person, if this user may see them. Any record of a person leads to the one that stands for them.

    :raises Person.DoesNotExist: there is no such person, or none on a contact that the user may see.
    """
    stands_for = Person.objects.filter(reference=reference).values(found=Coalesce("same_as", "pk"))
    person = people_visible_to(by, now).get(pk__in=stands_for)
    audit.record(Event.PERSON_VIEWED, by=by, at=now, person=person.reference)
    return person


def view_match(*, reference: str, match_id: int, by: User, now: datetime) -> tuple[Contact, PersonMatch]:
    """
    A contact and a possible match of somebody on it, for whoever may open both records. Both views are audited.

    :raises Contact.DoesNotExist: there is no such contact, or it is out of scope.
    :raises PersonMatch.DoesNotExist: there is no such match, or the record on file is closed to this user, or they
        neither work at the front door nor oversee it.
    """
    contact = (
        Contact.objects.visible_to(by, now).annotate(unfinished_forms=unfinished_forms_of(by)).get(reference=reference)
    )
    matches = PersonMatch.objects.of_contact(contact).select_related("settled_by", *OF_A_MATCH)
    match = matches.annotate(one_is_adopted=sameness.ONE_IS_ADOPTED).get(pk=match_id)
    who = roles_of(by, local_day(now))
    if not (who.front_door_roles or who.has(*OVERSEEING_ROLES)):
        raise PersonMatch.DoesNotExist
    restricted.check_match_is_open(match, by, now)
    if cast("Any", match).one_is_adopted:
        match.is_of_two_identities = bool(sameness.two_identities([match.row.person_id, match.known.pk]))
    audit.record(Event.CONTACT_VIEWED, by=by, at=now, contact=contact, match=match.pk)
    audit.record(Event.PERSON_VIEWED, by=by, at=now, person=match.known.reference)
    return contact, match


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
        .annotate(unfinished_forms=unfinished_forms_of(by), lead_away=away_on(local_day(now), "lead_practitioner"))
        .get(reference=reference)
    )  # fmt: skip
    seen = reminders.seeing_about(case, by=by, now=now)
    insert_all([audit.entry(Event.CASE_VIEWED, by=by, at=now, case=case)], beside=[seen])
    return case


def _with_parts(contacts: QuerySet[Contact], reference: str, *others: QuerySet[Any], **parts: QuerySet[Any]) -> Contact:
    """
    One of these contacts, with its children and other parts of it, in one round trip.

    :param others: what is read along with it.
    :param parts: by the name of the relation, what is read of the other table.
    :raises Contact.DoesNotExist: it is not one of these contacts.
    """
    # By the reference: the id is not known yet.
    parts["children"] = ContactChild.objects.select_related("person").order_by("position")
    parts = {name: rows.filter(contact__reference=reference) for name, rows in parts.items()}
    found = contacts.filter(reference=reference)
    read_together(found, *others, *parts.values())
    for contact in found:
        share_out([contact], **parts)
        return contact
    raise Contact.DoesNotExist("There is no such contact.")
