"""Events on their way to agencies, to real receivers: signed, in order, tried again, and never at another's cost."""

import json
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from casework.access import webhook_secrets
from casework.jobs import agency_events, webhook_sending, webhooks
from casework.messages.wording import write
from casework.models import (
    AgencyEvent,
    Contact,
    Message,
    OutboxMessage,
    SignsWith,
    WebhookDelivery,
    WebhookEndpoint,
)
from localities.models import Agency
from tests.stage.receivers import receiver, says
from tests.stage.story import Story
from tests.stage.web_client import a_working_morning

OK, FAILS, GONE = (
    says(f"HTTP/1.1 {status}\r\n\r\n".encode()) for status in ("204 No Content", "500 Failed", "410 Gone")
)
PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def endpoint(url: str, by: str = "example-primary-school", signs_with: SignsWith = SignsWith.SECRET) -> WebhookEndpoint:
    secret = webhook_secrets.sealed(webhook_secrets.new_secret(signs_with))
    agency = Agency.objects.get(code=by)
    return WebhookEndpoint.objects.create(agency=agency, url=url, secret=secret, signs_with=signs_with)


def deliver(after: timedelta = timedelta(0)) -> int:
    """As a worker does, so much later."""
    agency_events.number()
    return webhooks.deliver(clock=lambda: timezone.now() + after)


def read(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    return dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:]), body


def told() -> list[str]:
    """Who was told that an address is sent nothing any more."""
    return list(OutboxMessage.objects.filter(kind=Message.WEBHOOK_ENDED).values_list("to", flat=True))


def one_more(contact: Contact) -> None:
    assert contact.agency is not None
    AgencyEvent.objects.create(agency=contact.agency, contact=contact, kind="contact.decided", at=timezone.now())


def is_ours(name: str = "is_ours") -> Callable[..., bool]:
    """What the page tells partners to do."""
    made: dict[str, Any] = {}
    for source in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(source, made)  # our own page
    found: Callable[..., bool] = made[name]
    return found


@pytest.fixture
def story(db: None) -> Story:
    """Of today: what was received long ago is no news to an agency."""
    return Story(a_working_morning())


class TestWhatArrives:
    def test_it_is_signed_as_the_page_says_and_names_nobody(self, story: Story) -> None:
        with receiver(OK) as (url, requests):
            sent_to, contact = endpoint(url), story.contact()
            assert deliver() == 1
            assert deliver() == 0, "once"
        headers, body = read(requests[0])
        secret = webhook_secrets.opened(sent_to.secret)
        assert is_ours()(secret, headers, body)
        assert not is_ours()(secret, headers, body + b" ")
        assert not is_ours()(webhook_secrets.new_secret(), headers, body)
        address = f"{settings.BASE_URL}/api/v1/contacts/{contact.reference}"
        said = json.loads(body)
        assert (said["type"], said["data"]) == ("contact.received", {"reference": contact.reference, "url": address})
        delivery = WebhookDelivery.objects.get()
        assert (delivery.status, delivery.tries, delivery.not_before) == (204, 1, None)

    def test_with_a_key_pair_the_agency_checks_as_the_page_says_and_keeps_no_secret(self, story: Story) -> None:
        with receiver(OK) as (url, requests):
            sent_to = endpoint(url, signs_with=SignsWith.KEY_PAIR)
            story.contact()
            assert deliver() == 1
        headers, body = read(requests[0])
        secret = webhook_secrets.opened(sent_to.secret)
        public = webhook_secrets.given(secret)
        assert (secret[:5], public[:5], headers["webhook-signature"][:4]) == ("whsk_", "whpk_", "v1a,")
        check = is_ours("is_ours_by_key")
        assert check(public, headers, body)
        assert not check(public, headers, body + b" ")
        assert not check(webhook_secrets.given(webhook_secrets.new_secret(SignsWith.KEY_PAIR)), headers, body)

    def test_both_secrets_sign_while_one_is_replaced(self, story: Story) -> None:
        with receiver(OK) as (url, requests):
            sent_to = endpoint(url)
            old, new = webhook_secrets.opened(sent_to.secret), webhook_secrets.new_secret()
            sent_to.old_secret, sent_to.secret = sent_to.secret, webhook_secrets.sealed(new)
            sent_to.old_secret_until = timezone.now() + timedelta(days=1)
            sent_to.save()
            contact = story.contact()
            deliver()
            one_more(contact)
            sent_to.old_secret_until = timezone.now() - timedelta(seconds=1)
            sent_to.save()
            deliver()
        accepted = [[is_ours()(secret, *read(request)) for secret in (old, new)] for request in requests]
        assert accepted == [[True, True], [False, True]]

    def test_the_database_has_no_secret_that_could_sign(self, story: Story) -> None:
        sent_to = endpoint("https://school.example/")
        assert webhook_secrets.PREFIX not in sent_to.secret

    def test_another_agency_hears_nothing(self, story: Story) -> None:
        with receiver(OK) as (url, requests):
            endpoint(url, by="example-police")
            story.contact()
            assert (deliver(), requests) == (0, [])


class TestFailures:
    def test_it_is_tried_again_more_and_more_rarely_and_given_up_after_five_days(self, story: Story) -> None:
        with receiver(FAILS) as (url, requests):
            endpoint(url)
            story.contact()
            deliver()
            deliver(timedelta(seconds=6))
            assert len(requests) == 1
            deliver(timedelta(seconds=12))
            assert (len(requests), WebhookDelivery.objects.get().status) == (2, 500)
            deliver(timedelta(days=5, minutes=1))
        assert WebhookDelivery.objects.get().not_before is None
        after = WebhookEndpoint.objects.get()
        assert (after.is_active, after.disabled_because) == (False, "Nothing was delivered for five days.")
        assert told() == ["adele@front-door.example"]

    def test_gone_ends_it(self, story: Story) -> None:
        with receiver(GONE) as (url, requests):
            endpoint(url)
            story.contact()
            deliver()
            deliver(timedelta(days=1))
        assert len(requests) == 1
        assert not WebhookEndpoint.objects.get().is_active
        assert told() == ["adele@front-door.example"], "once, and nobody else"
        message = OutboxMessage.objects.get(kind=Message.WEBHOOK_ENDED)
        assert "/admin/casework/webhookendpoint/" in write(message).text

    def test_of_a_contact_the_later_waits_for_the_earlier_and_another_contact_does_not(self, story: Story) -> None:
        refused = iter([FAILS, OK, OK, OK])
        with receiver(lambda connection: next(refused)(connection)) as (url, requests):
            endpoint(url)
            contact = story.contact()
            one_more(contact)
            deliver()
            other = story.contact()
            agency_events.number()
            deliver(timedelta(seconds=7))
            deliver(timedelta(seconds=20))
        said = [json.loads(read(request)[1]) for request in requests]
        assert [(each["data"]["reference"], each["type"]) for each in said] == [
            (contact.reference, "contact.received"),
            (other.reference, "contact.received"),
            (contact.reference, "contact.received"),
            (contact.reference, "contact.decided"),
        ]

    def test_one_that_hangs_holds_up_no_other_agency(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(webhook_sending, "LONGEST", 2.0)
        with receiver(lambda _: time.sleep(4)) as (hangs, _), receiver(OK) as (url, requests):
            endpoint(hangs)
            quick = endpoint(url, by="example-police")
            for _ in range(3):
                story.contact()
                story.contact(by="example-police")
            began = timezone.now()
            assert deliver() == 3
        assert len(requests) == 3
        last = quick.deliveries.order_by("delivered_at").last()
        assert last is not None
        assert last.delivered_at is not None
        assert last.delivered_at - began < timedelta(seconds=1)
        assert WebhookDelivery.objects.filter(fault="too slow").count() == 1

    def test_a_lease_ends_where_a_worker_died(self, story: Story) -> None:
        with receiver(OK) as (url, requests):
            endpoint(url)
            story.contact()
            agency_events.number()
            now: datetime = timezone.now()
            assert webhooks._claim(now) is not None
            assert deliver(timedelta(seconds=30)) == 0
            assert deliver(webhooks.LEASE + timedelta(seconds=1)) == 1
        assert len(requests) == 1
