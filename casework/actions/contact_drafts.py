"""
Drafts of contacts: saved while somebody types, continued, taken over, deleted, and submitted once.

What was typed is never overwritten by whoever did not see it: what is based on an older version becomes a draft of its
own.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from casework.access import conditions, permissions
from casework.actions import receiving
from casework.actions.receiving import Received
from casework.facts.typed import storable
from casework.models import ContactDraft, Event
from casework.record import audit
from errors import TakenBySomeoneElse
from localities.models import User
from localities.working_time import local_day

Typed = Mapping[str, Sequence[str]]


class Saved(NamedTuple):
    """A draft, and whether it is a new one beside the draft that was meant."""

    draft: ContactDraft
    is_apart: bool


@transaction.atomic
def save(*, key: str, typed: Typed, seen_version: int, page: str, by: User, now: datetime) -> Saved:
    """
    Saves what was typed into the form with this key.

    A draft that was submitted stays as it is, and is returned. Where the draft is no longer what `by` saw, or no longer
    theirs, what they typed becomes a draft of its own.

    :param typed: the values of each input, by its name.
    :param seen_version: the version on which it is based; 0 for a form that was not saved yet.
    :param page: the open page that saves. Its own save whose answer was lost is no change by somebody else.
    :raises NotPermitted: `by` may not enter contacts.
    """
    permissions.check_can_enter_contacts(by, local_day(now))
    values = {name: [storable(value) for value in entries] for name, entries in typed.items()}
    draft, is_new = ContactDraft.objects.get_or_create(
        key=key, defaults={"owner": by, "typed": values, "page": page, "started_at": now, "saved_at": now}
    )
    if is_new:
        return Saved(draft, is_apart=False)
    draft = ContactDraft.objects.locked().get(pk=draft.pk)
    is_theirs = draft.owner_id == by.pk
    if is_theirs and (draft.contact_id is not None or (draft.is_open and draft.typed == values)):
        return Saved(draft, is_apart=False)
    if not is_theirs or not draft.is_open or (draft.version != seen_version and draft.page != page):
        return Saved(_apart(draft, values, page, by, now), is_apart=True)
    _keep(draft, values, page, now)
    return Saved(draft, is_apart=False)


def _apart(draft: ContactDraft, values: Typed, page: str, by: User, now: datetime) -> ContactDraft:
    """The draft of its own for what this page has: one, also where the answer to its first save was lost."""
    of_page = ContactDraft.objects.of(by).open().filter(split_from=draft, page=page)
    if (apart := of_page.locked().first()) is not None:
        _keep(apart, values, page, now)
        return apart
    return ContactDraft.objects.create(
        key=uuid.uuid4().hex, owner=by, typed=values, page=page, started_at=now, saved_at=now, split_from=draft
    )


def _keep(draft: ContactDraft, values: Typed, page: str, now: datetime) -> None:
    draft.typed, draft.page, draft.saved_at = values, page, now
    draft.version += 1
    draft.save(update_fields=["typed", "page", "saved_at", "version"])


@transaction.atomic
def submit(
    *,
    key: str,
    seen_version: int,
    document: dict[str, Any],
    by: User,
    now: datetime,
    arrived_at: datetime | None = None,
) -> Received:
    """
    Receives the contact that a draft has become. However often it is submitted, it is one contact.

    :param document: what was typed, as a contact that `receiving.receive` takes.
    :param arrived_at: when it arrived, where that was earlier.
    :raises ContactDraft.DoesNotExist: there is no such draft of `by`.
    :raises TakenBySomeoneElse: it was saved in another tab since.
    :raises InvalidInput: with every fault of the document.
    :raises KeyUsedForAnother: it was submitted before, with other words.
    """
    draft = ContactDraft.objects.of(by).locked().get(key=key)
    permissions.check_can_enter_contacts(by, local_day(now))
    if draft.contact_id is None:
        conditions.check_is_draft(draft)
        if draft.version != seen_version:
            raise TakenBySomeoneElse("This draft was changed in another tab. Look at it again before you submit it.")
    received = receiving.receive(document=document, by=by, now=now, idempotency_key=key, arrived_at=arrived_at)
    if draft.contact_id is None:
        draft.contact, draft.typed = received.contact, {}
        draft.save(update_fields=["contact", "typed"])
    return received


@transaction.atomic
def delete(*, key: str, by: User, now: datetime) -> ContactDraft:
    """
    Deletes what somebody typed. Nobody can bring it back.

    :raises ContactDraft.DoesNotExist: there is no such draft of `by`.
    :raises NotAllowedInStatus: it is submitted or deleted already.
    """
    draft = ContactDraft.objects.of(by).locked().get(key=key)
    permissions.check_can_enter_contacts(by, local_day(now))
    conditions.check_is_draft(draft)
    draft.typed, draft.deleted_at = {}, now
    draft.save(update_fields=["typed", "deleted_at"])
    audit.record(Event.DRAFT_DELETED, by=by, at=now, draft=draft.pk)
    return draft


@transaction.atomic
def take_over(*, key: str, by: User, now: datetime) -> ContactDraft:
    """
    Takes over a draft that somebody else did not finish within an hour. What they still type becomes a draft of theirs.

    :raises ContactDraft.DoesNotExist: there is none that nobody finished.
    :raises NotPermitted: `by` is no front-door manager.
    """
    permissions.check_can_take_over_drafts(by, local_day(now))
    draft = ContactDraft.objects.left_by_others(by, now).locked().get(key=key)
    was = draft.owner_id
    draft.owner, draft.page = by, ""
    draft.version += 1
    draft.save(update_fields=["owner", "page", "version"])
    audit.record(Event.DRAFT_TAKEN_OVER, by=by, at=now, draft=draft.pk, owner=was)
    return draft
