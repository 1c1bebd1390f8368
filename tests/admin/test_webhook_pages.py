"""Administrators enter an agency's address for events, try it, replace its secret and send an event again."""

from typing import Any

import pytest

from casework.access import webhook_secrets
from casework.jobs import agency_events
from casework.models import WebhookDelivery, WebhookEndpoint
from localities.models import Agency
from tests.stage.administrator import Administrator, list_of
from tests.stage.receivers import receiver, says
from tests.stage.story import Story
from tests.stage.web_client import Page, a_working_morning

ACTIVE = {"is_active": "on", "signs_with": "secret"}
OK = says(b"HTTP/1.1 204 No Content\r\n\r\n")


@pytest.fixture
def adele(db: None) -> Administrator:
    """The administrator."""
    return Administrator("adele")


@pytest.fixture
def story(db: None) -> Story:
    """Of today: what was received long ago is no news to an agency."""
    return Story(a_working_morning())


def secret_on(page: Page) -> str:
    assert "Copy the secret now. It is never shown again." in page.text
    secret: str = page.main.all(id="webhook-secret")[0].text
    return secret


def do(adele: Administrator, action: str, row: Any) -> Page:
    answer = adele.client.post(list_of(type(row)), {"action": action, "_selected_action": row.pk}, follow=True)
    assert answer.status_code == 200
    return Page(answer)


def test_the_secret_is_shown_once_and_a_new_one_signs_beside_it(adele: Administrator, school: Agency) -> None:
    first = secret_on(
        adele.add(
            WebhookEndpoint, agency=school.pk, url="https://school.example/hook", is_active="on", signs_with="secret"
        )
    )
    made = WebhookEndpoint.objects.get()
    assert webhook_secrets.opened(made.secret) == first
    second = secret_on(do(adele, "renew_secret", made))
    made.refresh_from_db()
    assert [webhook_secrets.opened(each) for each in (made.secret, made.old_secret)] == [second, first]
    for path in (list_of(WebhookEndpoint), f"{list_of(WebhookEndpoint)}{made.pk}/change/"):
        page = adele.open(path).html
        assert first not in page
        assert second not in page


def test_of_a_key_pair_the_public_key_is_shown_and_the_other_never(adele: Administrator, school: Agency) -> None:
    page = adele.add(
        WebhookEndpoint, agency=school.pk, url="https://school.example/hook", is_active="on", signs_with="key_pair"
    )
    public, kept = secret_on(page), webhook_secrets.opened(WebhookEndpoint.objects.get().secret)
    assert public == webhook_secrets.given(kept) != kept
    assert "Public key" in page.text
    assert kept not in page.html


@pytest.mark.parametrize("url", ["ftp://school.example/", "https://a:b@school.example/", "http://school.example/ a"])
def test_an_address_to_which_nothing_can_be_sent_is_refused(adele: Administrator, school: Agency, url: str) -> None:
    assert "The address must" in adele.add(WebhookEndpoint, agency=school.pk, url=url, **ACTIVE).text
    assert not WebhookEndpoint.objects.exists()


def test_a_test_is_sent_and_says_how_it_went(adele: Administrator, school: Agency) -> None:
    with receiver(OK) as (url, requests):
        secret_on(adele.add(WebhookEndpoint, agency=school.pk, url=url, **ACTIVE))
        made = WebhookEndpoint.objects.get()
        assert "answered 204" in do(adele, "send_test", made).html
    assert b'"type": "test"' in requests[0]
    assert b"webhook-signature: v1," in requests[0]
    assert "no connection" in do(adele, "send_test", made).html


def test_an_event_is_sent_again(adele: Administrator, story: Story) -> None:
    contact = story.contact()
    WebhookEndpoint.objects.create(agency_id=contact.agency_id or 0, url="https://school.example/", secret="x")
    agency_events.number()
    WebhookDelivery.objects.update(not_before=None, delivered_at=story.now)
    do(adele, "send_again", WebhookDelivery.objects.get())
    delivery = WebhookDelivery.objects.get()
    assert (delivery.delivered_at, delivery.not_before is None) == (None, False)
