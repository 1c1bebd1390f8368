"""
Drafts of contacts: saved while somebody types, continued, taken over, deleted, and submitted once.

What was typed is never overwritten by whoever did not see it: what is based on an older version becomes a draft of its
own.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from casework.access import conditions, permissions
from casework.actions import receiving
from casework.actions.receiving import Received
from casework.facts.typed import storable
from casework.models import ContactDraft, Event, File
from casework.record import audit
from errors import TakenBySomeoneElse
from localities.models import User
from localities.working_time import local_day

Typed = Mapping[str, Sequence[str]]


class Saved(NamedTuple):
    """A draft, and whether it is a new one beside the draft that was meant."""

    draft: ContactDraft
    is_apart: bool


class Task(NamedTuple):
    """
    What one page of a draft saves.

    :param name: which of the tasks it is.
    :param typed: the values of each input, by its name.
    :param shown: all inputs of the page. Those without a value are empty now; what other pages hold stays.
    :param page: the open page that saves. Its own save whose answer was lost is no change by somebody else.
    """

    name: str
    typed: Typed
    shown: Collection[str]
    page: str = ""
    is_done: bool = False


@transaction.atomic
def save(*, key: str, task: Task, seen_version: int, by: User, now: datetime) -> Saved:
    """
    Saves one task of the draft with this key.

    A draft that was submitted stays as it is, and is returned. Where the task is no longer what `by` saw, or the draft
    no longer theirs, what they typed becomes a draft of its own, beside what it holds of the other tasks.

    :param seen_version: the version of the task on which it is based; 0 for one that was not saved yet.
    :raises NotPermitted: `by` may not enter contacts.
    """
    permissions.check_can_enter_contacts(by, local_day(now))
    task = task._replace(typed=_storable(task.typed))
    draft, is_new = ContactDraft.objects.get_or_create(key=key, defaults=_first(by, now) | _with(task, {}, {}, now))
    if is_new:
        return Saved(draft, is_apart=False)
    draft = ContactDraft.objects.locked().get(pk=draft.pk)
    is_theirs = draft.owner_id == by.pk
    before = draft.tasks.get(task.name, {})
    if is_theirs and (draft.contact_id is not None or (draft.is_open and _says_nothing_new(draft, task, before))):
        return Saved(draft, is_apart=False)
    is_as_seen = before.get("version", 0) == seen_version or before.get("page") == task.page
    if not is_theirs or not draft.is_open or not is_as_seen:
        return Saved(_apart(draft, task, by, now), is_apart=True)
    _keep(draft, task, now)
    return Saved(draft, is_apart=False)


@transaction.atomic
def begin(*, key: str, typed: Typed, by: User, now: datetime) -> ContactDraft:
    """
    Takes along into a draft what was typed before: it fills what is still empty. A draft that was submitted stays as it
    is; one that is no longer theirs is not touched, and a new one is begun.

    :raises NotPermitted: `by` may not enter contacts.
    """
    permissions.check_can_enter_contacts(by, local_day(now))
    values = _storable(typed)
    draft, is_new = ContactDraft.objects.get_or_create(key=key, defaults=_first(by, now) | {"typed": values})
    if is_new:
        return draft
    draft = ContactDraft.objects.locked().get(pk=draft.pk)
    if draft.owner_id != by.pk or draft.deleted_at is not None:
        return ContactDraft.objects.create(key=uuid.uuid4().hex, typed=values, **_first(by, now))
    missing = {name: value for name, value in values.items() if not any(draft.typed.get(name, ()))}
    if missing and draft.is_open:
        draft.typed, draft.saved_at = draft.typed | missing, now
        draft.version += 1
        draft.save(update_fields=["typed", "saved_at", "version"])
    return draft


def _storable(typed: Typed) -> dict[str, list[str]]:
    return {name: [storable(value) for value in values] for name, values in typed.items()}


def _first(by: User, now: datetime) -> dict[str, Any]:
    """What every new draft has."""
    return {"owner": by, "started_at": now, "saved_at": now}


def _with(task: Task, typed: Typed, tasks: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What a draft holds when this task is saved into it."""
    before = tasks.get(task.name, {})
    saved = {
        "version": before.get("version", 0) + 1,
        "page": task.page,
        "saved_at": now.isoformat(),
        "is_done": task.is_done or before.get("is_done", False),
    }
    others = {name: values for name, values in typed.items() if name not in task.shown}
    return {
        "typed": others | dict(task.typed),
        "tasks": {**tasks, task.name: saved},
        "page": task.page,
        "saved_at": now,
    }


def _says_nothing_new(draft: ContactDraft, task: Task, before: Mapping[str, Any]) -> bool:
    is_as_typed = all(draft.typed.get(name) == task.typed.get(name) for name in {*task.shown, *task.typed})
    return is_as_typed and bool(before) and before["is_done"] >= task.is_done


def _apart(draft: ContactDraft, task: Task, by: User, now: datetime) -> ContactDraft:
    """The draft of its own for what this page has: one, also where the answer to its first save was lost."""
    of_page = ContactDraft.objects.of(by).open().filter(split_from=draft, page=task.page)
    if (apart := of_page.locked().first()) is not None:
        _keep(apart, task, now)
        return apart
    is_theirs = draft.owner_id == by.pk and draft.is_open
    typed, tasks = (draft.typed, draft.tasks) if is_theirs else ({}, {})
    begun = _first(by, now) | _with(task, typed, tasks, now)
    return ContactDraft.objects.create(key=uuid.uuid4().hex, split_from=draft, **begun)


def _keep(draft: ContactDraft, task: Task, now: datetime) -> None:
    for name, value in _with(task, draft.typed, draft.tasks, now).items():
        setattr(draft, name, value)
    draft.version += 1
    draft.save(update_fields=["typed", "tasks", "page", "saved_at", "version"])


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
        File.objects.filter(draft=draft.key).update(draft="", contact=received.contact)
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
    File.objects.filter(draft=draft.key).delete()
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
