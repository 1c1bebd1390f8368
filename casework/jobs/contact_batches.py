"""
Takes in the contacts of batches, one at a time, and those of children in danger first.

A contact is claimed before it is taken in: one over which a worker died is tried again a while later. By its key it is
taken in once, however often it is tried.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from casework.actions import receiving
from casework.models import BatchEntry, ContactBatch, WhyRefused
from casework.record import audit
from errors import InvalidInput, KeyUsedForAnother

# How long what became of a batch can be read.
KEPT = timedelta(days=30)
# Until the second try, and twice as long until each further one.
WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=15)
# Contacts that one run takes in: it ends long before its time is up.
A_RUN = 500
# What waited no longer than this is received as it is taken in.
AT_ONCE = timedelta(minutes=1)
DELETED_AT_ONCE = 100


def take_in(*, clock: Callable[[], datetime]) -> int:
    """
    Takes in the contacts that wait. An error ends the run: the next one goes on with the others.

    :returns: how many were taken in or refused.
    """
    done = 0
    while done < A_RUN and (entry := _claim(clock())) is not None:
        _take_in(entry, clock())
        done += 1
    return done


@transaction.atomic
def _claim(now: datetime) -> BatchEntry | None:
    waiting = BatchEntry.objects.filter(take_after__lte=now).select_related("batch__agency")
    locked = waiting.select_for_update(of=("self",), skip_locked=True, no_key=True)
    entry = locked.order_by("-is_urgent", "id").first()
    if entry is not None:
        entry.take_after = now + min(WAIT * (1 << min(entry.tries, 10)), LONGEST_WAIT)
        entry.tries += 1
        entry.save(update_fields=["take_after", "tries"])
    return entry


def _take_in(entry: BatchEntry, now: datetime) -> None:
    batch = entry.batch
    try:
        with audit.correlated(batch.correlation_id):
            taken_in = receiving.receive(
                document=json.loads(entry.document or ""), by=batch.agency, now=now,
                idempotency_key=entry.idempotency_key,
                arrived_at=batch.received_at if batch.received_at < now - AT_ONCE else None,
            )  # fmt: skip
    except InvalidInput as invalid:
        entry.refuse(WhyRefused.INVALID, invalid.faults)
    except KeyUsedForAnother:
        entry.refuse(WhyRefused.KEY_REUSED)
    else:
        entry.document, entry.take_after, entry.contact = None, None, taken_in.contact
        entry.came_before = taken_in.contact.received_at < batch.received_at
    entry.save(
        update_fields=["document", "take_after", "contact", "came_before", "why_refused", "faults", "faults_left_out"]
    )


def forget(*, now: datetime) -> None:
    """Deletes the batches whose time is up. Their contacts stay."""
    waits = BatchEntry.objects.filter(take_after__isnull=False).values("batch")
    old = ContactBatch.objects.filter(received_at__lt=now - KEPT).exclude(pk__in=waits).order_by("received_at")
    while some := list(old.values_list("pk", flat=True)[:DELETED_AT_ONCE]):
        ContactBatch.objects.filter(pk__in=some).delete()
