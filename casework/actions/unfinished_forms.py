"""
Unfinished forms: what somebody types on the page of a record is kept while they type, until it is recorded.

What was typed is never overwritten by a page that did not show it: that becomes an unfinished form of its own.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from casework.facts.typed import storable
from casework.models import UnfinishedForm
from localities.models import User


@transaction.atomic
def save(
    *,
    key: str,
    record: str,
    address: str,
    typed: Mapping[str, Sequence[str]],
    page: str,
    seen_version: int,
    by: User,
    now: datetime,
) -> UnfinishedForm:
    """
    Saves what `by` typed into a form. Nothing of the record is read or changed: that waits until they send the form.

    :param record: the reference of the record that it is about.
    :param address: where the form is sent to.
    :param page: the open page that saves. Its own save whose answer was lost is no change by another tab.
    :param seen_version: the version on which it is based; 0 for one that was not saved yet. Where another tab has saved
        since, this becomes an unfinished form of its own.
    """
    typed = {storable(name): [storable(value) for value in values] for name, values in typed.items()}
    said = {"typed": typed, "page": page, "saved_at": now}
    place = {"owner": by, "record": record, "address": address}
    form, is_new = UnfinishedForm.objects.locked().get_or_create(key=key, defaults=place | said)
    if is_new:
        return form
    is_here = (form.owner_id, form.address) == (by.pk, address)
    if is_here and form.typed == typed:
        return form
    if not is_here or (form.page != page and form.version != seen_version):
        return UnfinishedForm.objects.create(key=uuid.uuid4().hex, **place, **said)
    form.typed, form.page, form.saved_at = typed, page, now
    form.version += 1
    form.save(update_fields=["typed", "page", "saved_at", "version"])
    return form


@transaction.atomic
def turn_into(*, key: str, address: str, typed: Mapping[str, Sequence[str]], by: User, now: datetime) -> UnfinishedForm:
    """
    Makes what `by` typed into a form, which is too late to be recorded, the beginning of another form of the record.

    :param address: where the other form is sent to.
    :param typed: what stands in it.
    :raises UnfinishedForm.DoesNotExist: they have no such form any more.
    """
    form = UnfinishedForm.objects.of(by).locked().get(key=key)
    form.address, form.typed, form.page, form.saved_at = address, dict(typed), "", now
    form.version += 1
    form.save(update_fields=["address", "typed", "page", "saved_at", "version"])
    return form


def delete(*, key: str, by: User, now: datetime) -> None:
    """
    Deletes what `by` typed into a form, if it is there: it is recorded, or they clear it. Nobody can bring it back, and
    the audit has nothing of what no record ever had.
    """
    UnfinishedForm.objects.of(by).filter(key=key).delete()
