"""Numbers of events, on real connections: a transaction that commits late gets no number below one that was read."""

import threading
from typing import Any

from django.db import connections, transaction

from casework.jobs import agency_events
from casework.models import AgencyEvent
from tests.stage.racing import PATIENCE, race
from tests.stage.story import Story


def numbers() -> list[int]:
    return list(AgencyEvent.objects.filter(number__isnull=False).order_by("number").values_list("id", flat=True))


def test_what_is_committed_late_comes_after_what_was_read(story: Story) -> None:
    early, late = story.contact(), story.contact()
    AgencyEvent.objects.all().delete()
    written, may_commit = threading.Event(), threading.Event()

    def of_the_late_one() -> None:
        try:
            with transaction.atomic():
                note(late)
                written.set()
                may_commit.wait(PATIENCE)
        finally:
            connections.close_all()

    def note(contact: Any) -> None:
        AgencyEvent.objects.create(agency_id=contact.agency_id, contact=contact, kind="contact.decided", at=story.now)

    slow = threading.Thread(target=of_the_late_one)
    slow.start()
    assert written.wait(PATIENCE)
    note(early)
    assert agency_events.number() == 1
    (read,) = AgencyEvent.objects.filter(number__isnull=False)
    may_commit.set()
    slow.join(PATIENCE)
    assert agency_events.number() == 1
    skipped = AgencyEvent.objects.get(contact=late)
    assert skipped.id < read.id, "it was written first"
    assert (skipped.number or 0) > (read.number or 0), "and is read last"


def test_two_workers_number_each_event_once(story: Story) -> None:
    contact: Any = story.contact()
    AgencyEvent.objects.bulk_create(
        AgencyEvent(agency_id=contact.agency_id, contact=contact, kind="contact.received", at=story.now)
        for _ in range(2_500)
    )
    count = AgencyEvent.objects.count()
    done = race(agency_events.number, agency_events.number)
    assert sum(done) + agency_events.number() == count
    ids = numbers()
    assert (ids, len(ids)) == (sorted(ids), count)
