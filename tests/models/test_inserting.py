"""Rows that are written with every contact are the rows that Django would have written."""

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casework.messages import outbox
from casework.models import AuditEvent, Clock, ContactChild, OutboxMessage, Person, Recommendation
from casework.models.inserting import insert_all
from tests.stage.story import Story


def columns(row: Person) -> dict[str, object]:
    """Without what each row has of its own."""
    return {name: value for name, value in vars(row).items() if name not in ("_state", "id", "reference")}


@pytest.mark.django_db
def test_they_are_stored_and_have_their_ids() -> None:
    said: list[dict[str, Any]] = [
        {"first_name": "Zoë", "also_known_as": ["Z", 'a "b", c'], "date_of_birth": date(2015, 2, 3)},
        {"last_name": "O'Brien", "expected_date_of_delivery": date(2027, 1, 2), "previous_cp_plan": False},
    ]  # fmt: skip
    with CaptureQueriesContext(connection) as queries:
        ours = [Person(**each) for each in said]
        insert_all(ours)
    assert len(queries) == 1
    usual = Person.objects.bulk_create(Person(**each) for each in said)
    for mine, other in zip(ours, usual, strict=True):
        assert columns(Person.objects.get(pk=mine.pk)) == columns(Person.objects.get(pk=other.pk)) == columns(mine)
        assert Person.objects.get(pk=mine.pk).reference == mine.reference != other.reference
        assert not mine._state.adding


def test_what_receiving_writes_is_what_it_has_in_memory(story: Story) -> None:
    contact = story.contact(received_by_phone=True)
    recommendation = contact.recommendation
    assert recommendation is not None
    stored = Recommendation.objects.get(contact=contact)
    assert (stored.pk, stored.facts, stored.result) == (recommendation.pk, recommendation.facts, recommendation.result)
    assert stored.rules
    child = ContactChild.objects.get(contact=contact)
    assert (child.person.first_name, child.also_known_as) == ("Robin", ["Robbie"])
    assert Clock.objects.filter(contact=contact, policy__isnull=False).count() == 4
    assert AuditEvent.objects.filter(contact=contact).count() == 2


def test_one_that_is_there_already_is_left_out(story: Story) -> None:
    first = OutboxMessage.objects.get(contact=story.contact())
    again = {"kind": first.kind, "to": first.to, "created_at": story.now, "not_before": story.now}
    outbox.write(OutboxMessage(idempotency_key=key, **again) for key in (first.idempotency_key, "another"))
    assert set(OutboxMessage.objects.values_list("idempotency_key", flat=True)) == {first.idempotency_key, "another"}
    insert_all([])
