"""How the contacts of batches are taken in: the most urgent first, each once, whatever becomes of the worker."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.actions import contact_batches as batches
from casework.actions import receiving
from casework.actions.contact_batches import ToTakeIn
from casework.jobs import contact_batches
from casework.jobs.contact_batches import AT_ONCE, LONGEST_WAIT, WAIT
from casework.models import BatchEntry, Clock, Contact, ContactBatch
from localities.models import Agency
from tests.stage.web_client import todays_document


@pytest.fixture
def now(db: None) -> datetime:
    return timezone.now()


def keep(by: Agency, now: datetime, **contacts: dict[str, Any]) -> ContactBatch:
    sent = [ToTakeIn(key, todays_document(**changes)) for key, changes in contacts.items()]
    return batches.keep(contacts=sent, by=by, now=now)


def take_in(now: datetime) -> int:
    return contact_batches.take_in(clock=lambda: now)


def in_order() -> list[str | None]:
    return [contact.idempotency_key for contact in Contact.objects.order_by("pk")]


def test_children_in_danger_come_first_also_those_of_a_later_batch(school: Agency, now: datetime) -> None:
    keep(school, now, a={}, b={})
    keep(school, now, c={}, d={"immediate_danger": True})
    assert take_in(now) == 4
    assert in_order() == ["d", "a", "b", "c"]


def test_one_over_which_a_worker_died_is_tried_again_later_and_taken_in_once(
    school: Agency, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(school, now, a={}, b={})
    receive = receiving.receive

    def receive_and_die(**contact: Any) -> None:
        receive(**contact)
        raise SystemError

    with monkeypatch.context() as broken:
        broken.setattr(receiving, "receive", receive_and_die)
        with pytest.raises(SystemError):
            take_in(now)
    assert in_order() == ["a"]
    assert take_in(now) == 1, "the other one does not wait for it"
    assert take_in(now + WAIT - timedelta(seconds=1)) == 0
    assert take_in(now + WAIT) == 1
    assert in_order() == ["a", "b"]
    assert not BatchEntry.objects.filter(came_before=True).exists()


def test_an_error_ends_the_run_and_the_next_one_goes_on_with_the_others(
    school: Agency, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(school, now, a={}, b={})
    with monkeypatch.context() as broken:
        broken.setattr(receiving, "receive", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            take_in(now)
    assert take_in(now) == 1
    assert in_order() == ["b"]
    entry = BatchEntry.objects.get(contact__isnull=True)
    assert json.loads(entry.document or "")["type"], "it is kept"


def test_it_waits_longer_after_each_try_and_never_longer_than_a_quarter_of_an_hour(
    school: Agency, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(school, now, a={})
    monkeypatch.setattr(receiving, "receive", lambda **_: 1 / 0)
    waits = []
    for _ in range(7):
        with pytest.raises(ZeroDivisionError):
            take_in(now)
        after = BatchEntry.objects.get().take_after
        assert after is not None
        waits.append(after - now)
        now = after
    assert waits == [WAIT, 2 * WAIT, 4 * WAIT, 8 * WAIT, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]


def test_deadlines_start_when_the_batch_came(school: Agency, now: datetime) -> None:
    keep(school, now, soon={}, late={})
    with pytest.MonkeyPatch.context() as once:
        once.setattr(contact_batches, "A_RUN", 1)
        take_in(now + AT_ONCE)
    take_in(now + timedelta(hours=2))
    soon, late = Contact.objects.order_by("pk")
    assert (soon.arrived_at, soon.received_at) == (None, now + AT_ONCE)
    assert (late.arrived_at, late.received_at) == (now, now + timedelta(hours=2))
    assert Clock.objects.filter(contact=late).exclude(started_at=now).count() == 0
