"""Workers that send to agencies at the same moment, on real connections."""

import threading
import time
from typing import Any

from django.utils import timezone

from casework.access import webhook_secrets
from casework.jobs import agency_events, webhooks
from casework.models import WebhookEndpoint
from tests.stage.racing import PATIENCE, race
from tests.stage.receivers import receiver
from tests.stage.story import Story


def test_receivers_that_hang_keep_one_worker_and_no_more(story: Story) -> None:
    contact: Any = story.contact(at=timezone.now())
    arrived, may_answer = threading.Event(), threading.Event()

    def hang(connection: Any) -> None:
        arrived.set()
        may_answer.wait(PATIENCE)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def another() -> float:
        assert arrived.wait(PATIENCE)
        story.contact(by="example-police", at=timezone.now())
        agency_events.number()
        began = time.monotonic()
        try:
            assert webhooks.deliver(clock=timezone.now) == 0
            return time.monotonic() - began
        finally:
            time.sleep(1)
            may_answer.set()

    secret = webhook_secrets.sealed(webhook_secrets.new_secret())
    with receiver(hang) as (url, _), receiver(hang) as (other, _):
        WebhookEndpoint.objects.create(agency_id=contact.agency_id, url=url, secret=secret)
        agency_events.number()
        police = type(contact.agency).objects.get(code="example-police")
        WebhookEndpoint.objects.create(agency=police, url=other, secret=secret)
        done = race(lambda: webhooks.deliver(clock=timezone.now), another)
    assert done[0] == 2, "it sent what came meanwhile, too"
    assert done[1] < 1
