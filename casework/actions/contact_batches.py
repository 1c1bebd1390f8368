"""Batches of contacts: they are kept as they come, and workers take them in, each on its own."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from casework.facts.contact_document import read_contact, says_danger
from casework.models import BatchEntry, ContactBatch, Event, WhyRefused
from casework.record import audit
from errors import InvalidInput
from localities.models import Agency
from localities.working_time import local_day
from triage import published_rules


class ToTakeIn(NamedTuple):
    """A contact as an agency sends it in a batch, and the key by which it is known when it comes again."""

    idempotency_key: str
    document: Any


def keep(*, contacts: Sequence[ToTakeIn], by: Agency, now: datetime, correlation_id: str = "") -> ContactBatch:
    """
    Keeps a batch of contacts for the workers. Those that are not valid are refused at once, and nothing of them is kept
    but what is wrong.

    :param correlation_id: the id by which the agency's system knows the call: the audit of each contact has it.
    """
    indicators = published_rules.live(now).rule_set.catalogue.entries
    batch = ContactBatch(agency=by, received_at=now, correlation_id=correlation_id)
    entries = []
    for position, (key, document) in enumerate(contacts):
        entry = BatchEntry(batch=batch, position=position, idempotency_key=key, is_urgent=says_danger(document))
        try:
            read_contact(document, indicators=indicators, today=local_day(now))
        except InvalidInput as invalid:
            entry.refuse(WhyRefused.INVALID, invalid.faults)
        else:
            entry.document, entry.take_after = json.dumps(document), now
        entries.append(entry)
    with transaction.atomic():
        batch.save()
        BatchEntry.objects.bulk_create(entries)
        refused = sum(bool(entry.why_refused) for entry in entries)
        audit.record(Event.BATCH_RECEIVED, by=by, at=now, batch=batch.key, contacts=len(entries), refused=refused)
    return batch
