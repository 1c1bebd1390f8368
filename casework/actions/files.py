"""
Files on contacts and cases, and on drafts of contacts: putting one there, opening one, and removing one.

The content is stored before (`casework.files.storing`); what stays without a row is removed by a job.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from casework.access import conditions, permissions
from casework.access.loading import locked_case, locked_contact
from casework.facts.typed import in_one_line
from casework.families.confidentiality import hidden_homes
from casework.files import names, scanning
from casework.files.storing import Stored
from casework.messages import outbox
from casework.models import Case, Contact, ContactDraft, Event, File, Message
from casework.models.files import PICTURES
from casework.models.visibility import is_open_to_everybody
from casework.record import audit, responsibilities
from casework.references import CASE
from errors import Fault, InvalidInput, KeyUsedForAnother
from localities.models import Agency, User
from localities.working_time import local_day

LONGEST_ABOUT = 200


@transaction.atomic
def add_to_contact(
    *,
    contact_id: int,
    stored: Stored,
    name: str,
    about: str = "",
    idempotency_key: str | None = None,
    by: User | Agency,
    now: datetime,
) -> File:
    """
    Puts a file on a contact. The same content from the same sender, or the same key, is one file, which an agency hears
    of also where nobody works with the family any more.

    :param name: what the sender calls it.
    :param about: what it is, in the sender's words.
    :raises InvalidInput: the words are too long, or there are too many files on the contact.
    :raises NotPermitted: `by` works neither at the front door nor in the responsible team.
    :raises NotAllowedInStatus: an agency sends it when nobody works with the family any more.
    :raises KeyUsedForAnother: the key came before with another file.
    """
    if isinstance(by, Agency):
        contact = Contact.objects.filter(agency=by).locked().get(pk=contact_id)
        earlier = _earlier(stored, idempotency_key, by, contact=contact)
        if earlier is not None:
            return earlier
        conditions.check_takes_information(contact, contact.case)
        file = _create(stored, name, about, idempotency_key, by, now, contact=contact)
        team = responsibilities.responsible_team(contact.case) if contact.case is not None else contact.team
        outbox.add_for_team(Message.FILE_ADDED, team, key=f"file_added:{file.pk}", at=now, contact=contact)
        return file
    contact = locked_contact(by, now, pk=contact_id)
    permissions.check_can_add_files(contact, responsibilities.team_id_of(contact), by, local_day(now))
    return _add(stored, name, about, by, now, contact=contact)


@transaction.atomic
def add_to_case(*, case_id: int, stored: Stored, name: str, about: str = "", by: User, now: datetime) -> File:
    """
    Puts a file on a case: see `add_to_contact`. A closed case takes files as well: reports come late.

    :raises NotPermitted: `by` does not work in the team that is, or was last, responsible.
    """
    case = locked_case(by, now, pk=case_id)
    permissions.check_can_add_files(case, responsibilities.team_id_of(case), by, local_day(now))
    return _add(stored, name, about, by, now, case=case)


@transaction.atomic
def add_to_draft(*, key: str, stored: Stored, name: str, about: str = "", by: User, now: datetime) -> File:
    """
    Puts a file on a draft of a contact: see `add_to_contact`. It goes to the contact that the draft becomes.

    :raises ContactDraft.DoesNotExist: there is no such draft of `by`.
    :raises NotAllowedInStatus: the draft is submitted or deleted.
    """
    draft = ContactDraft.objects.of(by).locked().get(key=key)
    permissions.check_can_enter_contacts(by, local_day(now))
    conditions.check_is_draft(draft)
    return _add(stored, name, about, by, now, draft=draft.key)


@transaction.atomic
def remove_from_draft(*, key: str, file_key: str, by: User, now: datetime) -> None:
    """
    Takes a file off a draft. It is deleted, as what is typed in a draft is: no record ever had it.

    :raises File.DoesNotExist: there is no such file on the draft.
    """
    draft = ContactDraft.objects.of(by).locked().get(key=key)
    permissions.check_can_enter_contacts(by, local_day(now))
    conditions.check_is_draft(draft)
    file = File.objects.get(draft=draft.key, key=file_key)
    file.delete()
    audit.record(Event.FILE_DELETED, by=by, at=now, draft=draft.pk, file=file_key)


@transaction.atomic
def remove(*, reference: str, key: str, reason: str, by: User, now: datetime) -> File:
    """
    Removes a file that does not belong on its record, for example because it is about another family. Nobody opens it
    any more; that it was there, and why it was removed, stays.

    :raises InvalidInput: the reason is missing.
    :raises NotPermitted: `by` is neither a manager nor an information-governance officer.
    :raises NotAllowedInStatus: it is removed already.
    """
    found = File.objects.on(reference).only("contact", "case").get(key=key)
    record = _locked(found, by, now)
    permissions.check_can_remove_files(by, local_day(now))
    file = File.objects.locked().get(pk=found.pk)
    conditions.check_is_present(file)
    if not reason.strip():
        raise InvalidInput([Fault(("reason",), "Enter why the file is removed")])
    file.removed_at, file.removed_by, file.removed_because = now, by, reason.strip()
    file.save(update_fields=["removed_at", "removed_by", "removed_because"])
    audit.record(Event.FILE_REMOVED, by=by, at=now, file=key, **_about(record))
    return file


def view_list(*, reference: str, by: User, now: datetime) -> tuple[Contact | Case, list[File]]:
    """
    A record, and the files on it and, of a case, on its contacts, those that were removed among them. The view is
    audited.

    :raises Contact.DoesNotExist, Case.DoesNotExist: there is no such record, or it is out of scope.
    """
    if is_of_case(reference):
        case = Case.objects.visible_to(by, now).get(reference=reference)
        audit.record(Event.CASE_VIEWED, by=by, at=now, case=case, page="files")
        closed = case.contacts.exclude(pk__in=case.contacts.open_to(by, now))
        return case, list(File.objects.of_case(case).exclude(contact__in=closed).listed())
    contact = Contact.objects.visible_to(by, now).get(reference=reference)
    audit.record(Event.CONTACT_VIEWED, by=by, at=now, contact=contact, page="files")
    return contact, list(contact.files.listed())


def view(*, reference: str, key: str, by: User, now: datetime) -> File:
    """
    A file, for a page that says what it is, if this user may see its record. The view is audited.

    :raises File.DoesNotExist: there is no such file on the record.
    """
    file, record = _seen(reference, key, by, now)
    audit.record(Event.FILE_VIEWED, by=by, at=now, file=key, **_about(record))
    return file


def download(*, reference: str, key: str, as_picture: bool = False, by: User, now: datetime) -> tuple[File, bool]:
    """
    A file whose content this user may have, and whether an address of the family is hidden. The audit says that they
    had it.

    :param as_picture: whether they look at the smaller picture of it.
    :raises NotPermitted: an address is hidden on the record, and `by` is no manager who may show it.
    :raises NotAllowedInStatus: it is being checked, or was refused or removed.
    :raises File.DoesNotExist: there is no such file on the record, or no such picture.
    """
    file, record = _seen(reference, key, by, now)
    is_hidden = _has_hidden_address(record)
    permissions.check_can_open_files(is_hidden, by, local_day(now))
    conditions.check_is_ready(file)
    if as_picture and not file.has_preview:
        raise File.DoesNotExist
    how = {"as_picture": as_picture, "hidden_address": is_hidden}
    audit.record(Event.FILE_DOWNLOADED, by=by, at=now, file=key, **how, **_about(record))
    return file, is_hidden


def is_guarded(*, reference: str, key: str, by: User, now: datetime) -> bool:
    """
    Whether the content of a file shows what few may see: an address of the family is hidden, or somebody is kept out of
    the record.

    :raises File.DoesNotExist, Contact.DoesNotExist, Case.DoesNotExist: `by` may not see it.
    """
    _, record = _seen(reference, key, by, now)
    contacts = Contact.objects.filter(pk=record.pk) if isinstance(record, Contact) else record.contacts.all()
    return _has_hidden_address(record) or contacts.exclude(is_open_to_everybody(F("pk"))).exists()


def is_of_case(reference: str) -> bool:
    """Whether a reference is of a case; else it is of a contact."""
    return reference.startswith(CASE)


# ---- the parts


def _has_hidden_address(record: Contact | Case) -> bool:
    """Whether an address of the family is hidden: a file may have it in it, and nothing can be masked there."""
    contacts = [record.pk] if isinstance(record, Contact) else record.contacts.values_list("pk", flat=True)
    return bool(hidden_homes(contacts))


def _add(stored: Stored, name: str, about: str, by: User, now: datetime, **record: Any) -> File:
    return _earlier(stored, None, by, **record) or _create(stored, name, about, None, by, now, **record)


def _create(
    stored: Stored, name: str, about: str, key: str | None, by: User | Agency, now: datetime, **record: Any
) -> File:
    conditions.check_takes_files(File.objects.filter(**record).present().count())
    about = in_one_line(about)
    if len(about) > LONGEST_ABOUT:
        raise InvalidInput([Fault(("about",), f"What the file is must be {LONGEST_ABOUT} characters or fewer")])
    file = File.objects.create(
        key=stored.key, kind=stored.kind, size=stored.size, sha256=stored.sha256, name=names.clean(name), about=about,
        idempotency_key=key, at=now, check_after=now if scanning.is_there_one() else None,
        preview_after=now if stored.kind in PICTURES else None, **record, **_sender(by),
    )  # fmt: skip
    subject = {} if "draft" in record else record
    audit.record(Event.FILE_ADDED, by=by, at=now, file=file.key, kind=file.kind, size=file.size, **subject)
    return file


def _sender(by: User | Agency) -> dict[str, User | Agency]:
    return {"by_agency": by} if isinstance(by, Agency) else {"by_user": by}


def _earlier(stored: Stored, key: str | None, by: User | Agency, **record: Any) -> File | None:
    """The file that this sender put there before, by the same key or with the same content."""
    sender = _sender(by)
    if key is not None:
        by_key = File.objects.filter(idempotency_key=key, **sender).select_related("contact").first()
        if by_key is not None:
            if (by_key.contact, by_key.sha256) != (record.get("contact"), stored.sha256):
                says = "This idempotency key came before with another file. Use a new key for a new file."
                raise KeyUsedForAnother(says, earlier=by_key.key)
            return by_key
    return File.objects.present().filter(sha256=stored.sha256, **record, **sender).first()


def _seen(reference: str, key: str, by: User, now: datetime) -> tuple[File, Contact | Case]:
    file = File.objects.on(reference).select_related("by_user", "by_agency", "removed_by").get(key=key)
    if file.case_id is not None:
        case = file.case = Case.objects.visible_to(by, now).get(pk=file.case_id)
        return file, case
    contact = file.contact = Contact.objects.visible_to(by, now).get(files=file)
    return file, contact


def _locked(file: File, by: User, now: datetime) -> Contact | Case:
    if file.case_id is not None:
        return locked_case(by, now, pk=file.case_id)
    return locked_contact(by, now, pk=file.contact_id)


def _about(record: Contact | Case) -> dict[str, Any]:
    return {"contact": record} if isinstance(record, Contact) else {"case": record}
