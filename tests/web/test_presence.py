"""A session ends after a quarter of an hour in which its person did nothing, and after a working day at the latest."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from casework.models import Contact, SignInEvent
from casework.web.presence import BEGAN, SEEN
from localities.models import User
from tests.stage.sql import asked, written
from tests.stage.staff import path_of
from tests.stage.story import Story
from tests.stage.web_client import Page, a_working_morning, browser

PASSWORD = "correct horse battery staple"
SIGN_IN, PRESENCE = "/accounts/login/", "/presence/"
BY_ITSELF = {"X-By-Itself": "1"}


@pytest.fixture
def amina(amina: User) -> User:
    amina.set_password(PASSWORD)
    amina.save()
    return amina


@pytest.fixture
def there(amina: User) -> Client:
    """Amina, at the worklist."""
    client = browser()
    sign_in(client)
    return client


def sign_in(client: Client, next_page: str = "/") -> Page:
    return Page(client.post(SIGN_IN, {"login": "amina", "password": PASSWORD, "next": next_page}, follow=True))


def earlier(client: Client, seconds: float, *names: str) -> None:
    """As if it had been so many seconds earlier that the person did something, or signed in."""
    session = client.session
    for name in names or (SEEN,):
        session[name] -= seconds
    session.save()


def is_in(client: Client, **headers: str) -> bool:
    return client.get("/", headers=headers).status_code == 200


class TestIdle:
    def test_a_quarter_of_an_hour_ends_it(self, there: Client) -> None:
        earlier(there, 15 * 60 - 5)
        assert is_in(there)
        earlier(there, 15 * 60)
        assert not is_in(there)
        assert not is_in(there), "and it stays ended"

    def test_on_the_server(self, there: Client) -> None:
        key = there.session.session_key
        earlier(there, 15 * 60)
        is_in(there)
        assert not Session.objects.filter(pk=key).exists()

    def test_whoever_does_something_goes_on(self, there: Client) -> None:
        for _ in range(4):
            earlier(there, 14 * 60)
            assert is_in(there)

    def test_what_a_page_asks_for_by_itself_does_not_count(self, there: Client) -> None:
        earlier(there, 8 * 60)
        assert is_in(there, **BY_ITSELF)
        assert there.get(PRESENCE, headers=BY_ITSELF).json()["ends_in"] <= 7 * 60
        earlier(there, 8 * 60)
        assert not is_in(there, **BY_ITSELF)

    def test_the_seconds_are_a_setting(self, there: Client, settings: Settings) -> None:
        settings.SESSION_IDLE_SECONDS = 30
        earlier(there, 31)
        assert not is_in(there)

    def test_the_sign_in_page_says_why_and_leads_back(self, there: Client) -> None:
        page = Page(there.get("/contacts/drafts/", follow=True))
        assert "You were signed out" not in page.text
        earlier(there, 15 * 60)
        answer = there.get("/contacts/drafts/")
        assert answer.headers["Location"] == f"{SIGN_IN}?next=/contacts/drafts/"
        page = Page(there.get(answer.headers["Location"]))
        assert "You were signed out because nothing was done for 15 minutes." in page.text
        assert sign_in(there, "/contacts/drafts/").heading == "Your drafts"

    def test_without_javascript_the_sign_in_page_says_that_it_will(self, db: None) -> None:
        page = Page(browser().get(SIGN_IN))
        assert "You are signed out after 15 minutes without activity." in page.text

    def test_it_is_recorded_with_who(self, there: Client, amina: User) -> None:
        earlier(there, 15 * 60)
        is_in(there)
        is_in(there)
        assert [(each.kind, each.user) for each in SignInEvent.objects.order_by("id")][-1] == ("timed_out", amina)
        assert SignInEvent.objects.filter(kind="timed_out").count() == 1

    def test_what_was_sent_too_late_is_there_after_signing_in(self, there: Client, amina: User) -> None:
        contact = Story(a_working_morning()).contact()
        address = f"{path_of(contact)}decide/"
        there.get(address)
        earlier(there, 15 * 60)
        answer = there.post(address, {"decide-level": "2", "decide-rationale": "The school sees him."})
        assert answer.headers["Location"].startswith(SIGN_IN)
        page = sign_in(there, address)
        assert page.heading == "You were signed out before this was sent"
        assert "The school sees him." in page.text


class TestALongDay:
    def test_ends_it_whatever_is_done(self, there: Client) -> None:
        earlier(there, 10 * 3600 - 5, BEGAN)
        assert is_in(there)
        earlier(there, 5, BEGAN)
        assert not is_in(there)
        assert "end of your working day" in Page(there.get(SIGN_IN)).text
        assert SignInEvent.objects.latest("id").kind == "day_ended"

    def test_cannot_be_put_off(self, there: Client) -> None:
        earlier(there, 10 * 3600 - 60, BEGAN)
        for answer in (there.get(PRESENCE), there.post(PRESENCE)):
            assert answer.json()["can_stay"] is False
            assert answer.json()["ends_in"] <= 60


class TestWhatThePagesAsk:
    def test_when_it_ends(self, there: Client, amina: User) -> None:
        earlier(there, 13 * 60)
        said = there.get(PRESENCE, headers=BY_ITSELF).json()
        assert 115 <= said["ends_in"] <= 120
        assert (said["can_stay"], said["who"]) == (True, amina.pk)

    def test_to_stay(self, there: Client) -> None:
        earlier(there, 13 * 60)
        assert there.post(PRESENCE).json()["ends_in"] == 900
        assert is_in(there)

    def test_nobody_who_is_signed_out(self, db: None) -> None:
        for answer in (browser().get(PRESENCE), browser().post(PRESENCE)):
            assert answer.status_code == 302

    def test_a_stay_that_comes_too_late_is_none(self, there: Client) -> None:
        earlier(there, 15 * 60)
        assert there.post(PRESENCE).status_code == 302

    def test_each_page_has_the_warning_and_the_sign_in_page_has_none(self, there: Client) -> None:
        for path in ("/", "/contacts/drafts/", "/search/"):
            (dialog,) = Page(there.get(path)).root.all("dialog")
            assert dialog["role"] == "alertdialog"
            assert dialog["data-warns-before"] == "120"
            assert 890 <= int(dialog["data-ends-in"]) <= 900
        assert not Page(browser().get(SIGN_IN)).root.all("dialog")

    def test_a_form_that_was_to_be_kept_is_not_sent_where_somebody_is_signed_in(
        self, there: Client, amina: User
    ) -> None:
        contact = Story(a_working_morning()).contact()
        address = f"{path_of(contact)}assign/"
        answer = there.post(address, {"owner": amina.pk}, headers={"X-Keep-Only": "1"})
        assert answer.status_code == 409
        assert Contact.objects.get(pk=contact.pk).owner is None


class TestWhatItCosts:
    """The session is read for every page anyway."""

    def look(self, client: Client) -> tuple[int, set[str]]:
        with asked() as cost, written() as looked:
            assert client.get("/contacts/drafts/").status_code == 200
        return cost.statements, looked.tables

    def test_a_page_writes_at_most_once_a_minute(self, there: Client) -> None:
        self.look(there)
        earlier(there, 55)
        cheap, tables = self.look(there)
        assert "django_session" not in tables
        earlier(there, 61)
        dear, _ = self.look(there)
        assert dear - cheap <= 3, "the session is stored"
        assert self.look(there)[0] == cheap

    def test_no_page_asks_more_than_before(self, there: Client, monkeypatch: Any) -> None:
        self.look(there)
        with_it = self.look(there)[0]
        monkeypatch.setattr("casework.web.presence.PresenceMiddleware.process_view", lambda *args: None)
        assert self.look(there)[0] == with_it

    def test_a_session_without_its_person_is_no_error(self, there: Client, amina: User) -> None:
        amina.is_active = False
        amina.save()
        earlier(there, 15 * 60)
        assert not is_in(there)

    def test_a_session_of_before_begins_now(self, there: Client) -> None:
        session = there.session
        del session[SEEN], session[BEGAN]
        session.save()
        assert is_in(there)
        assert there.session[SEEN] > (timezone.now() - timedelta(minutes=1)).timestamp()
